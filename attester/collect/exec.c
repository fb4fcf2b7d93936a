/* exec.c: commands whose output is measured, see measure.h. No shell, no input, a fixed
 * environment, a session of its own that is killed when the time is up. */
#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NS 1000000000ull
#define POLL_NS (NS / 50) /* how often an end is looked for that gives no sign */

struct run {
	pid_t pid;
	int out;
	uint64_t deadline_ns;
	struct hasher h;
	size_t line_len;
	bool line_done;
	struct exec_result *r;
};

static _Noreturn void
become(const struct exec *x, int out)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale[] = "LC_ALL=C";
	char *const environment[] = {path, locale, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		_exit(127);
	(void)close_range(3, ~0u, 0);
	execve(x->argv[0], x->argv, environment);
	_exit(127);
}

static enum software_note
start(const struct exec *x, struct run *r)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return NOTE_FAULT;
	r->pid = fork();
	if (r->pid == 0)
		become(x, ends[1]);
	close(ends[1]);
	if (r->pid < 0) {
		close(ends[0]);
		return NOTE_FAULT;
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	r->out = ends[0];
	return NOTE_NONE;
}

static void
take_line(struct run *r, struct span s)
{
	for (size_t i = 0; i < s.n && !r->line_done; i++) {
		uint8_t c = s.p[i];

		r->line_done = c == '\n' || r->line_len == MEASURE_VALUE_MAX;
		if (!r->line_done)
			r->r->line[r->line_len++] = c >= 0x20 && c <= 0x7E ? (char)c : '?';
	}
	r->r->line[r->line_len] = '\0';
}

/* Output until its end; whoever holds it open beyond the deadline is late. */
static enum software_note
read_output(struct measure *m, const struct exec *x, struct run *r)
{
	for (;;) {
		ssize_t n = read(r->out, m->buffer, 4096);

		if (n == 0)
			return NOTE_NONE;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return NOTE_UNREADABLE;
		if (n > 0) {
			r->r->size += (size_t)n;
			if (r->r->size > x->output_max)
				return NOTE_TOO_LARGE;
			if (hash_update(&r->h, SPAN(m->buffer, (size_t)n)) != ASSAY_OK)
				return NOTE_FAULT;
			take_line(r, SPAN(m->buffer, (size_t)n));
			if (x->copy)
				memcpy(x->copy + r->r->size - (size_t)n, m->buffer, (size_t)n);
			measure_pace(m, (size_t)n);
			continue;
		}
		if (measure_now_ns() >= r->deadline_ns)
			return NOTE_TIMEOUT;
		m->wait(m->self, r->out, r->deadline_ns);
	}
}

static enum software_note
reap(struct measure *m, struct run *r, enum software_note note)
{
	int status = 0;

	while (note == NOTE_NONE) {
		pid_t got = waitpid(r->pid, &status, WNOHANG);

		if (got == r->pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NOTE_NONE
									     : NOTE_EXIT;
		if (got < 0 && errno != EINTR)
			return NOTE_FAULT;
		if (measure_now_ns() >= r->deadline_ns)
			note = NOTE_TIMEOUT;
		else
			m->wait(m->self, -1, measure_now_ns() + POLL_NS);
	}
	(void)kill(-r->pid, SIGKILL); /* its whole session */
	(void)kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	return note;
}

enum software_note
exec_run(struct measure *m, const struct exec *x, struct exec_result *ret)
{
	unsigned timeout = x->timeout_s ? x->timeout_s : MEASURE_TIMEOUT_S;
	struct run r = {.r = ret, .deadline_ns = measure_now_ns() + timeout * NS};
	struct exec limited = *x;
	struct digest d;
	enum software_note note;

	if (limited.output_max == 0)
		limited.output_max = MEASURE_OUTPUT_MAX;
	*ret = (struct exec_result){.size = 0};
	if (!x->argv || !x->argv[0] || x->argv[0][0] != '/')
		return NOTE_ABSENT;
	if (faccessat(AT_FDCWD, x->argv[0], X_OK, 0) != 0)
		return errno == ENOENT ? NOTE_ABSENT : NOTE_UNREADABLE;
	if (hash_init(&r.h, ALG_SHA256) != ASSAY_OK)
		return NOTE_FAULT;
	if ((note = start(x, &r)) != NOTE_NONE)
		return note;
	note = read_output(m, &limited, &r);
	close(r.out);
	note = reap(m, &r, note);
	if (x->copy)
		x->copy[note == NOTE_NONE ? r.r->size : 0] = '\0';
	if (note == NOTE_NONE && hash_final(&r.h, &d) != ASSAY_OK)
		note = NOTE_FAULT;
	if (note == NOTE_NONE)
		memcpy(ret->digest, d.b, 32);
	return note;
}
