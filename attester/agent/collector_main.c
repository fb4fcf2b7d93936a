/* collector_main.c: the collector process, see collector.h: measures, and answers
 * questions in time, also while it reads. */
#include "collector.h"

#include "attester/collect/health.h"
#include "collector_wire.h"
#include "evidence/envelope.h"
#include "options.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS 1000000000ull
#define MS 1000000ull
#define MANIFESTS_MAX (64u << 20) /* of all items together */

struct server {
	struct measure_config config;
	struct measure m;
	struct health health;
	struct collector_question question; /* the last one */
	bool owed;			    /* its answer */
	uint64_t due_ns;
	bool reread; /* demanded, and not begun: nothing measured counts any more */
	bool whole;  /* a round was finished since the last demand */
};

/* ---- answers ---- */

static bool
write_all(int fd, const void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t w = write(fd, (const char *)p + done, n - done);

		if (w <= 0)
			return false;
		done += (size_t)w;
	}
	return true;
}

static bool
seal(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	return fcntl(fd, F_ADD_SEALS, seals) == 0;
}

static enum assay_err
encode(const struct server *s, int fd)
{
	struct msg_claims c;
	uint8_t *bytes = malloc(MSG_CLAIMS_MAX);
	size_t n = 0;
	enum assay_err e = bytes ? snapshot_make(&s->m, s->config.health ? &s->health : NULL, &c)
				 : ASSAY_NO_MEMORY;

	if (e == ASSAY_OK) {
		e = envelope_encode_claims(&c, bytes, MSG_CLAIMS_MAX, &n);
		snapshot_free(&c);
	}
	if (e == ASSAY_OK && (!write_all(fd, bytes, n) || !seal(fd)))
		e = ASSAY_IO;
	free(bytes);
	return e;
}

static bool
copy_manifest(const struct result *r, int fd, uint64_t *total)
{
	struct collector_manifest h = {.size = 0};
	struct stat st;
	char buf[16384];
	off_t at = 0;
	ssize_t n;

	if (r->manifest < 0 || !r->measured || fstat(r->manifest, &st) != 0 ||
	    *total + (uint64_t)st.st_size > MANIFESTS_MAX)
		return true; /* one that is not there is not there to be asked for */
	memcpy(h.digest, r->digest, sizeof h.digest);
	h.size = (uint64_t)st.st_size;
	*total += h.size;
	if (!write_all(fd, &h, sizeof h))
		return false;
	while ((n = pread(r->manifest, buf, sizeof buf, at)) > 0) {
		if (!write_all(fd, buf, (size_t)n))
			return false;
		at += n;
	}
	return n == 0 && at == st.st_size;
}

static enum assay_err
copy_manifests(const struct server *s, int fd)
{
	uint64_t total = 0;

	for (size_t i = 0; i < s->m.n; i++)
		if (i != s->m.current && !copy_manifest(&s->m.results[i], fd, &total))
			return ASSAY_IO;
	return seal(fd) ? ASSAY_OK : ASSAY_IO;
}

static void
send_answer(const struct collector_answer *a, const int fds[COLLECTOR_FDS])
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(COLLECTOR_FDS * sizeof(int))] = {0};
	struct iovec v = {(void *)(uintptr_t)a, sizeof *a};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *h;

	if (a->error == ASSAY_OK) {
		m.msg_control = room;
		m.msg_controllen = sizeof room;
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(COLLECTOR_FDS * sizeof(int));
		memcpy(CMSG_DATA(h), fds, COLLECTOR_FDS * sizeof(int));
	}
	(void)sendmsg(COLLECTOR_FD, &m, MSG_NOSIGNAL);
}

/* From now on nothing that was measured before is told. */
static void
forget_all(struct server *s)
{
	for (size_t i = 0; i < s->m.n; i++) {
		s->m.results[i].measured = false;
		s->m.results[i].note = NOTE_PENDING;
		for (size_t k = 0; k < s->m.results[i].ntold; k++)
			s->m.results[i].told[k].note = NOTE_PENDING;
	}
}

static void
answer(struct server *s)
{
	struct collector_answer a = {.id = s->question.id, .complete = s->whole};
	int fds[COLLECTOR_FDS] = {memfd_create("claims", MFD_CLOEXEC | MFD_ALLOW_SEALING),
				  memfd_create("manifests", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
	enum assay_err e = fds[0] >= 0 && fds[1] >= 0 ? ASSAY_OK : ASSAY_IO;

	if (s->reread)
		forget_all(s); /* also what was measured since the demand, in its old round */
	if (e == ASSAY_OK && (e = encode(s, fds[0])) == ASSAY_OK)
		e = copy_manifests(s, fds[1]);
	a.error = (uint32_t)e;
	send_answer(&a, fds);
	for (size_t i = 0; i < COLLECTOR_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	s->owed = false;
}

/* ---- questions ---- */

static void
take_question(struct server *s, int flags)
{
	struct collector_question q;
	ssize_t n = recv(COLLECTOR_FD, &q, sizeof q, flags);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof q)
		_exit(0); /* the agent is gone */
	s->question = q;
	s->owed = true;
	s->due_ns = measure_now_ns() + q.budget_ms * MS;
	if (q.reread) {
		s->reread = true;
		s->whole = false;
		forget_all(s);
	}
}

/* measure.wait: keeps watch over questions, and over when an answer is due. */
static void
wait_and_serve(void *self, int fd, uint64_t until_ns)
{
	struct server *s = self;
	struct pollfd p[2] = {{.fd = COLLECTOR_FD, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	for (;;) {
		uint64_t now = measure_now_ns();
		uint64_t limit = s->owed && s->due_ns < until_ns ? s->due_ns : until_ns;
		uint64_t left = limit > now ? limit - now : 0;
		struct timespec t = {(time_t)(left / NS), (long)(left % NS)};

		p[0].revents = p[1].revents = 0;
		(void)ppoll(p, 2, &t, NULL);
		if (p[0].revents)
			take_question(s, MSG_DONTWAIT);
		now = measure_now_ns();
		if (s->owed && now >= s->due_ns)
			answer(s);
		if (p[1].revents || now >= until_ns)
			return;
	}
}

/* ---- rounds ---- */

static void
serve_round(struct server *s)
{
	bool full = s->config.full_every > 0 && s->m.round % s->config.full_every == 0;
	bool reread = s->reread;

	s->reread = false;
	if (s->config.health)
		health_collect(&s->health);
	measure_round(&s->m, reread || full);
	s->whole = !s->reread;
	(void)malloc_trim(0);
}

static void
settle_in(const struct measure_config *c)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
	}
	(void)setpriority(PRIO_PROCESS, 0, (int)c->nice);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)signal(SIGINT, SIG_IGN); /* of the terminal: the agent ends us */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)fcntl(COLLECTOR_FD, F_SETFD, FD_CLOEXEC);
}

static int
set_up(struct server *s, char **argv)
{
	static char boots[OPTIONS_TEXT_MAX + 16];
	const char *slash = "/";
	int status = AGENT_FAULT, root;

	if (!config_measure_read(argv[2], &s->config, &status))
		return status;
	if (s->config.root)
		slash = s->config.root;
	settle_in(&s->config);
	root = open(slash, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return report_fatal(AGENT_NO_ACCESS, "%s: %s", slash, strerror(errno));
	if (measure_init(&s->m, root, s->config.items, s->config.n) != ASSAY_OK)
		return report_fatal(AGENT_FAULT, "%s", assay_err_text(ASSAY_NO_MEMORY));
	s->m.rate = s->config.rate;
	s->m.wait = wait_and_serve;
	s->m.self = s;
	s->health.m = &s->m;
	s->health.mounts = s->config.mounts;
	s->health.only = s->config.health_claims;
	if (argv[3] && argv[3][0]) {
		snprintf(boots, sizeof boots, "%s/boots", argv[3]);
		s->health.boots = boots;
	}
	s->health.v = calloc(HEALTH_ENTRIES_MAX, sizeof *s->health.v);
	return s->health.v ? AGENT_YES
			   : report_fatal(AGENT_FAULT, "%s", assay_err_text(ASSAY_NO_MEMORY));
}

int
collector_main(int argc, char **argv)
{
	static struct server s;
	struct stat st;
	int status;

	if (argc < 3 || fstat(COLLECTOR_FD, &st) != 0 || !S_ISSOCK(st.st_mode))
		return report_fatal(AGENT_USAGE, "%s: is for the agent's own use",
				    COLLECTOR_COMMAND);
	status = set_up(&s, argv);
	while (status == AGENT_YES) {
		while (!s.owed && !s.reread)
			take_question(&s, 0);
		serve_round(&s);
		if (s.owed && !s.reread)
			answer(&s);
	}
	return status;
}
