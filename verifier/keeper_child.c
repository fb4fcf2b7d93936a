/*
 * keeper_child.c: starting, feeding and replacing children; see keeper.h.
 *
 * A child is this program executed again with --role. It gets one end of a socket
 * pair as descriptor 3 and nothing else. One that dies or breaks a rule costs only
 * what it was working on.
 */
#include "keeper_private.h"

#include "child.h"
#include "console.h"
#include "log.h"
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_WAIT_MS 3000
#define DEATHS_MAX 2 /* appraisers that one piece of evidence may kill */
#define PEM_MAX 65536

static struct child *
find_free(struct keeper *k)
{
	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++)
		if (k->children[i].pid == 0)
			return &k->children[i];
	return NULL;
}

void
keeper_watch(struct keeper *k, struct child *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)(c - k->children)};

	if (ipc_wants_write(&c->ipc))
		ev.events |= EPOLLOUT;
	(void)epoll_ctl(k->epoll, EPOLL_CTL_MOD, c->ipc.fd, &ev);
}

/* Runs in the forked child, before exec: only async-signal-safe calls. */
_Noreturn static void
become(enum role r, int fd)
{
	static char arg0[] = "assay-verifier";
	char role[32] = "--role=";
	char *argv[] = {arg0, role, NULL};
	sigset_t none;

	strcat(role, role_name(r)); /* lint: fixed names of at most 9 characters */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd == IPC_CHILD_FD)
		(void)fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, IPC_CHILD_FD) < 0)
		_exit(127);
	execv("/proc/self/exe", argv);
	_exit(127);
}

/* The environment is kept for sanitizers and the clock (TZ) only; keeper itself has
 * cleared it in main. */
static enum assay_err
spawn(struct keeper *k, enum role r, struct child **ret)
{
	struct child *c = find_free(k);
	struct epoll_event ev = {.events = EPOLLIN};
	int sp[2];
	pid_t pid;

	if (!c)
		return ASSAY_TOO_MANY;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sp) != 0)
		return ASSAY_IO;
	pid = fork();
	if (pid == 0)
		become(r, sp[1]);
	close(sp[1]);
	memset(c, 0, sizeof *c);
	if (pid < 0 || ipc_init(&c->ipc, sp[0], ROLE_KEEPER, r) != ASSAY_OK) {
		close(sp[0]);
		return ASSAY_IO;
	}
	c->role = r;
	c->pid = pid;
	c->started_ms = k->now_ms;
	ev.data.u64 = (uint64_t)(c - k->children);
	if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, sp[0], &ev) != 0)
		return ASSAY_IO;
	*ret = c;
	return ASSAY_OK;
}

/* Asked to finish; one that cannot be told is killed. */
static void
ask_to_stop(struct child *c)
{
	c->stopping = true;
	if (ipc_send(&c->ipc, IPC_STOP, 0, SPAN(NULL, 0)) != ASSAY_OK)
		kill(c->pid, SIGKILL);
}

/* ---- configurations ---- */

static enum assay_err
read_pem(const char *path, uint8_t *buf, struct span *ret)
{
	size_t n;
	enum assay_err e = keys_read_file("", path, buf, PEM_MAX, &n);

	if (e != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "unreadable", "path", path, "error",
			  assay_err_name(e), NULL);
	else
		*ret = SPAN(buf, n);
	return e;
}

static enum assay_err
configure_net(struct keeper *k, struct child *c, struct writer *w)
{
	static uint8_t cert[PEM_MAX], key[PEM_MAX];
	struct net_setup s = {
		.index = c->index,
		.share = k->config->net_processes > 1,
		.channel_binding = k->config->channel_binding,
		.connections_max = k->sessions_max,
		.connections_per_source = k->config->connections_per_source,
		.half_open_per_source = k->config->half_open_per_source,
	};
	enum assay_err e;

	snprintf(s.listen, sizeof s.listen, "%s", k->listen);
	if ((e = read_pem(k->config->certificate, cert, &s.certificate)) != ASSAY_OK ||
	    (e = read_pem(k->config->key, key, &s.key)) != ASSAY_OK)
		return e;
	e = net_setup_encode(&s, w);
	explicit_bzero(key, sizeof key);
	return e;
}

static enum assay_err
configure_console(struct keeper *k, struct writer *w)
{
	static uint8_t cert[PEM_MAX], key[PEM_MAX];
	struct span c = {NULL, 0}, p = {NULL, 0};
	enum assay_err e;

	if (k->config->console_listen[0] &&
	    ((e = read_pem(k->config->console_certificate, cert, &c)) != ASSAY_OK ||
	     (e = read_pem(k->config->console_key, key, &p)) != ASSAY_OK))
		return e;
	e = console_config_encode(k->config, c, p, w);
	explicit_bzero(key, sizeof key);
	return e;
}

static enum assay_err
configure(struct keeper *k, struct child *c)
{
	static uint8_t buf[3 * PEM_MAX];
	enum assay_err e = ASSAY_OK;
	struct writer w;

	wr_init(&w, buf, sizeof buf);
	child_config_head(&w, k->ids, k->config->log_json);
	if (c->role == ROLE_NET)
		e = configure_net(k, c, &w);
	else if (c->role == ROLE_CONSOLE)
		e = configure_console(k, &w);
	if (e == ASSAY_OK)
		e = ipc_send(&c->ipc, IPC_CONFIG, 0, wr_span(&w));
	explicit_bzero(buf, sizeof buf);
	return e;
}

static enum assay_err
start_child(struct keeper *k, enum role r, unsigned index, struct child **ret)
{
	struct child *c = NULL;
	enum assay_err e = spawn(k, r, &c);

	if (e == ASSAY_OK) {
		c->index = index;
		e = configure(k, c);
	}
	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "child-not-started", "role", role_name(r), "error",
			  assay_err_name(e), NULL);
		if (c && c->pid) {
			kill(c->pid, SIGKILL);
			ipc_close(&c->ipc);
			(void)waitpid(c->pid, NULL, 0);
			c->pid = 0;
		}
		return e;
	}
	if (ret)
		*ret = c;
	return ASSAY_OK;
}

static unsigned
count(const struct keeper *k, enum role r, bool spare)
{
	unsigned n = 0;

	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
		const struct child *c = &k->children[i];

		n += c->pid && c->role == r && c->spare == spare && !c->stopping;
	}
	return n;
}

/* Appraisers come and go by design; these two keep their numbers. */
static void
fill_pool(struct keeper *k)
{
	struct child *c;

	while (count(k, ROLE_APPRAISER, false) < k->config->appraisers)
		if (start_child(k, ROLE_APPRAISER, 0, &c) != ASSAY_OK)
			return;
	while (count(k, ROLE_APPRAISER, true) < k->config->spare_appraisers) {
		if (start_child(k, ROLE_APPRAISER, 0, &c) != ASSAY_OK)
			return;
		c->spare = true;
	}
}

/* One net process first: the others join its port once it is known. */
enum assay_err
keeper_children_start(struct keeper *k)
{
	enum assay_err e;

	if ((e = start_child(k, ROLE_CONSOLE, 0, NULL)) != ASSAY_OK)
		return e;
	if ((e = start_child(k, ROLE_NET, 0, NULL)) != ASSAY_OK)
		return e;
	fill_pool(k);
	return ASSAY_OK;
}

void
keeper_children_rest(struct keeper *k)
{
	for (unsigned i = 1; i < k->config->net_processes; i++)
		if (!keeper_net(k, i))
			(void)start_child(k, ROLE_NET, i, NULL);
}

struct child *
keeper_net(struct keeper *k, unsigned index)
{
	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
		struct child *c = &k->children[i];

		if (c->pid && c->role == ROLE_NET && c->index == index)
			return c;
	}
	return NULL;
}

void
keeper_children_stop(struct keeper *k)
{
	int64_t waited = 0;
	unsigned left;

	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++)
		if (k->children[i].pid)
			ask_to_stop(&k->children[i]);
	do {
		left = 0;
		for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
			struct child *c = &k->children[i];

			if (c->pid && waited >= STOP_WAIT_MS)
				kill(c->pid, SIGKILL);
			if (c->pid && waitpid(c->pid, NULL, WNOHANG) == c->pid) {
				ipc_close(&c->ipc);
				keeper_request_free(c->request);
				c->pid = 0;
			}
			left += c->pid != 0;
		}
		if (left && poll(NULL, 0, 10) == 0)
			waited += 10;
	} while (left);
}

/* ---- requests and jobs ---- */

void
keeper_request_free(struct request *r)
{
	if (!r)
		return;
	free(r->payload);
	free(r->first);
	free(r->proof);
	free(r->claims);
	free(r->log);
	free(r);
}

static bool
for_spare(const struct request *r)
{
	return r->kind == REQ_REPRODUCE || r->kind == REQ_ENROL_REPRODUCE || r->kind == REQ_CORE;
}

void
keeper_enqueue(struct keeper *k, struct request *r)
{
	struct request **head = for_spare(r) ? &k->spare_queue : &k->queue;
	struct request **tail = for_spare(r) ? &k->spare_tail : &k->queue_tail;

	r->next = NULL;
	r->id = ++k->next_request;
	if (*head)
		(*tail)->next = r;
	else
		*head = r;
	*tail = r;
	k->queued++;
}

static struct request *
dequeue(struct keeper *k, struct request **head, struct request **tail)
{
	struct request *r = *head;

	*head = r->next;
	if (!*head)
		*tail = NULL;
	r->next = NULL;
	k->queued--;
	return r;
}

static bool
has_map(const struct child *c, uint64_t id)
{
	for (unsigned i = 0; i < c->nsent; i++)
		if (c->sent[i] == id)
			return true;
	return false;
}

/* Policies, references and roots travel once per appraiser. */
static enum assay_err
send_maps(struct keeper *k, struct child *c, const struct request *r)
{
	for (unsigned i = 0; i < r->nmaps; i++) {
		const struct keeper_map *m = keeper_map_find(k, r->maps[i]);
		uint64_t id = appraiser_map_id(r->maps[i]);
		enum assay_err e;

		if (!m)
			return ASSAY_NOT_FOUND; /* retired since the request was made */
		if (has_map(c, id))
			continue;
		if (c->nsent == APPRAISER_MAPS_MAX)
			return ASSAY_TOO_MANY;
		if ((e = ipc_send_fd(&c->ipc, IPC_MAP, id, m->fd)) != ASSAY_OK)
			return e;
		c->sent[c->nsent++] = id;
	}
	return ASSAY_OK;
}

static void
give(struct keeper *k, struct child *c, struct request *r)
{
	bool enrol = r->kind == REQ_ENROL || r->kind == REQ_ENROL_REPRODUCE;
	enum assay_err e = send_maps(k, c, r);

	if (e == ASSAY_NOT_FOUND) {
		keeper_round_failed(k, r);
		return;
	}
	c->request = r;
	c->served++;
	if (e == ASSAY_OK)
		e = ipc_send(&c->ipc, enrol ? IPC_ENROL : IPC_APPRAISE, r->id,
			     SPAN(r->payload, r->len));
	if (e != ASSAY_OK)
		keeper_child_lost(k, c, assay_err_name(e));
	else
		keeper_watch(k, c);
}

static struct child *
idle_appraiser(struct keeper *k, bool spare)
{
	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
		struct child *c = &k->children[i];

		if (c->pid && c->role == ROLE_APPRAISER && c->ready && !c->stopping &&
		    !c->request && c->spare == spare && !(spare && c->served))
			return c;
	}
	return NULL;
}

static void
start_jobs(struct keeper *k)
{
	while (k->jobs) {
		struct compile_job *j = k->jobs;
		struct child *c;

		if (start_child(k, ROLE_COMPILER, 0, &c) != ASSAY_OK)
			return;
		k->jobs = j->next;
		c->job = j;
		if (ipc_send(&c->ipc, IPC_COMPILE, 0, SPAN(j->input, j->len)) != ASSAY_OK)
			keeper_child_lost(k, c, "does not take its job");
	}
}

void
keeper_dispatch(struct keeper *k)
{
	struct child *c;

	while (k->queue && (c = idle_appraiser(k, false)) != NULL)
		give(k, c, dequeue(k, &k->queue, &k->queue_tail));
	while (k->spare_queue && (c = idle_appraiser(k, true)) != NULL)
		give(k, c, dequeue(k, &k->spare_queue, &k->spare_tail));
	start_jobs(k);
}

void
keeper_appraiser_done(struct keeper *k, struct child *c, bool distrust)
{
	c->request = NULL;
	if (!c->spare && !distrust && c->served < k->config->requests_per_appraiser &&
	    c->nsent < APPRAISER_MAPS_MAX - REFERENCES_PER_DEVICE_MAX - 2)
		return;
	ask_to_stop(c);
	fill_pool(k);
}

enum assay_err
keeper_compile(struct keeper *k, uint16_t kind, struct span input, compile_done done, void *arg)
{
	struct compile_job *j, **at = &k->jobs;
	struct writer w;
	unsigned n = 0;

	for (; *at; at = &(*at)->next)
		n++;
	if (n >= KEEPER_COMPILE_JOBS_MAX)
		return ASSAY_BUSY;
	j = calloc(1, sizeof *j);
	if (!j || !(j->input = malloc(input.n + 2))) {
		free(j);
		return ASSAY_NO_MEMORY;
	}
	wr_init(&w, j->input, input.n + 2);
	wr_be16(&w, kind);
	wr_bytes(&w, input);
	j->len = w.len;
	j->kind = kind;
	j->done = done;
	j->arg = arg;
	*at = j;
	return ASSAY_OK;
}

/* ---- death ---- */

/* Evidence that kills appraisers is tried on a second one; after that only its
 * signature is looked at, so that it counts against the device only if the device
 * really sent it. */
static void
rescue_request(struct keeper *k, struct request *r)
{
	if (!r)
		return;
	r->deaths++;
	if (r->kind == REQ_ROUND && r->deaths >= DEATHS_MAX) {
		r->kind = REQ_CORE;
		r->payload[0] = APPRAISE_CORE_ONLY;
		keeper_enqueue(k, r);
		return;
	}
	if (r->kind == REQ_CORE || r->deaths >= DEATHS_MAX) {
		keeper_round_failed(k, r);
		return;
	}
	keeper_enqueue(k, r);
}

static void
drop_sessions(struct keeper *k, unsigned index)
{
	for (unsigned i = 0; k->sessions[index] && i < k->sessions_max; i++)
		if (k->sessions[index][i])
			keeper_session_free(k, k->sessions[index][i]);
}

/* A role that cannot stay up must not spin: beyond the limit keeper gives up, and
 * whoever supervises it sees that. */
static void
replace(struct keeper *k, enum role r, unsigned index)
{
	if (k->stopping)
		return;
	if (k->now_ms - k->restart_window_ms > KEEPER_RESTART_WINDOW_MS) {
		k->restart_window_ms = k->now_ms;
		k->restarts = 0;
	}
	if ((r == ROLE_NET || r == ROLE_CONSOLE) && ++k->restarts > KEEPER_RESTARTS_MAX) {
		log_event(LOG_LEVEL_ERROR, "giving-up", "role", role_name(r), "reason",
			  "dies again and again", NULL);
		k->failed = true;
		return;
	}
	if (r == ROLE_NET || r == ROLE_CONSOLE)
		(void)start_child(k, r, index, NULL);
	else
		fill_pool(k);
}

static void
fail_job(struct keeper *k, struct compile_job *j)
{
	static const char text[] = "the compiler process died of this input";

	if (!j)
		return;
	j->done(k, j->arg, ASSAY_INTERNAL, SPAN(text, sizeof text - 1));
	free(j->input);
	free(j);
}

void
keeper_child_lost(struct keeper *k, struct child *c, const char *why)
{
	bool expected = c->stopping, was_ready = c->ready;
	enum role role = c->role;
	unsigned index = c->index;
	struct request *r = c->request;
	struct compile_job *j = c->job;
	int status;

	if (!c->pid)
		return;
	kill(c->pid, SIGKILL);
	if (waitpid(c->pid, &status, 0) != c->pid)
		status = 0;
	ipc_close(&c->ipc);
	memset(c, 0, sizeof *c);
	if (!expected && !k->stopping) {
		log_event(LOG_LEVEL_WARN, "child-lost", "role", role_name(role), "why", why,
			  "signal", log_u64(WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0),
			  "exit", log_u64(WIFEXITED(status) ? (uint64_t)WEXITSTATUS(status) : 0),
			  NULL);
		k->status.children_restarted++;
	}
	if (role == ROLE_NET)
		drop_sessions(k, index);
	rescue_request(k, r);
	fail_job(k, j);
	if (!was_ready && (role == ROLE_NET || role == ROLE_CONSOLE) && k->status.port == 0) {
		log_event(LOG_LEVEL_ERROR, "cannot-serve", "role", role_name(role), NULL);
		k->failed = true;
		return;
	}
	replace(k, role, index);
}
