/*
 * keeper.c: the loop of the parent process; see keeper.h.
 *
 * Tables say which message of which child is handled where; ipc.c has already
 * refused those that a role may not send. A handler that meets a broken rule loses
 * the child, never the ledger.
 */
#include "keeper_offline.h"
#include "keeper_private.h"

#include "log.h"

#include "evidence/tls/tls_exporter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define LISTEN_TRIES 40 /* 50 ms apart */
#define TAG_SIGNALS UINT64_MAX
#define TAG_TIMER (UINT64_MAX - 1)

static void on_ready(struct keeper *k, struct child *c, const struct ipc_msg *m);
static void on_operation(struct keeper *k, struct child *c, const struct ipc_msg *m);
static void on_compiled(struct keeper *k, struct child *c, const struct ipc_msg *m);

static const struct handler {
	enum ipc_type type;
	enum role from;
	bool only_ready; /* not before READY; READY itself only once */
	void (*run)(struct keeper *k, struct child *c, const struct ipc_msg *m);
} handlers[] = {
	{IPC_READY, ROLE_KINDS, false, on_ready},
	{IPC_NET_OPEN, ROLE_NET, true, keeper_on_open},
	{IPC_NET_HELLO, ROLE_NET, true, keeper_on_hello},
	{IPC_NET_ENROL, ROLE_NET, true, keeper_on_enrol},
	{IPC_NET_ACTIVATION, ROLE_NET, true, keeper_on_activation},
	{IPC_NET_PROOF, ROLE_NET, true, keeper_on_proof},
	{IPC_NET_IMA, ROLE_NET, true, keeper_on_ima},
	{IPC_NET_PARTS, ROLE_NET, true, keeper_on_parts},
	{IPC_NET_CLOSED, ROLE_NET, true, keeper_on_closed},
	{IPC_IMA_SPLIT, ROLE_APPRAISER, true, keeper_on_split},
	{IPC_VERDICT, ROLE_APPRAISER, true, keeper_on_verdict},
	{IPC_ENROL_VERDICT, ROLE_APPRAISER, true, keeper_on_enrol_verdict},
	{IPC_PREDICTION, ROLE_APPRAISER, true, keeper_on_prediction},
	{IPC_EXPLANATION, ROLE_APPRAISER, true, keeper_on_explanation},
	{IPC_COMPILED, ROLE_COMPILER, true, on_compiled},
	{IPC_OPERATION, ROLE_CONSOLE, true, on_operation},
	{IPC_OUTBOUND_RESULT, ROLE_OUTBOUND, true, keeper_on_outbound_result},
	{IPC_FEED_OPEN, ROLE_NET, true, keeper_on_feed_open},
	{IPC_FEED_OPEN, ROLE_CONSOLE, true, keeper_on_feed_open},
	{IPC_FEED_PULL, ROLE_NET, true, keeper_on_feed_pull},
	{IPC_FEED_PULL, ROLE_CONSOLE, true, keeper_on_feed_pull},
	{IPC_FEED_CLOSED, ROLE_NET, true, keeper_on_feed_closed},
	{IPC_FEED_CLOSED, ROLE_CONSOLE, true, keeper_on_feed_closed},
	{IPC_LIMITED, ROLE_NET, true, keeper_on_limited},
	{IPC_LIMITED, ROLE_CONSOLE, true, keeper_on_limited},
};

/* ---- time ---- */

static int64_t
clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
read_clocks(struct keeper *k)
{
	k->now_ms = clock_ms(CLOCK_MONOTONIC);
	k->now = clock_ms(CLOCK_REALTIME) / 1000;
}

/* ---- messages ---- */

/* run/port and run/pid are for people and scripts; nothing depends on them. */
static void
write_run_file(struct keeper *k, const char *name, long value)
{
	char path[CONFIG_PATH_MAX + 64], tmp[CONFIG_PATH_MAX + 80];
	FILE *f;

	snprintf(path, sizeof path, "%s/run/%s", k->config->state, name);
	snprintf(tmp, sizeof tmp, "%s.new", path);
	f = fopen(tmp, "w");
	if (!f)
		return;
	fprintf(f, "%ld\n", value);
	if (fclose(f) == 0 && rename(tmp, path) != 0)
		log_event(LOG_LEVEL_WARN, "run-file", "name", name, "error", strerror(errno), NULL);
}

/* A port chosen by the kernel stays ours when net is replaced. */
static void
remember_port(struct keeper *k, unsigned port)
{
	char *colon = strrchr(k->listen, ':');

	if (k->status.port == (int)port || !colon)
		return;
	snprintf(colon, sizeof k->listen - (size_t)(colon - k->listen), ":%u", port);
	k->status.port = (int)port;
	write_run_file(k, "port", (long)port);
	log_event(LOG_LEVEL_INFO, "listening", "address", k->listen, NULL);
}

static void
on_ready(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct reader r;
	unsigned port;

	c->ready = true;
	if (c->role == ROLE_NET || c->role == ROLE_CONSOLE)
		keeper_feed_keys(k, c);
	if (c->role != ROLE_NET)
		return;
	rd_init(&r, m->payload);
	port = rd_be16(&r);
	if (rd_finish(&r) != ASSAY_OK) {
		keeper_child_lost(k, c, "sent a bad READY");
		return;
	}
	remember_port(k, port);
	keeper_children_rest(k);
}

static void
on_operation(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	(void)c;
	keeper_on_operation(k, m);
}

static void
on_compiled(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct compile_job *job = c->job;
	struct reader r;
	uint16_t e;
	struct span out;

	c->job = NULL;
	c->stopping = true;
	rd_init(&r, m->payload);
	e = rd_be16(&r);
	out = rd_rest(&r);
	if (rd_finish(&r) != ASSAY_OK || e >= ASSAY_ERR_COUNT)
		e = ASSAY_INTERNAL;
	if (job) {
		job->done(k, job->arg, (enum assay_err)e, out);
		keeper_job_free(job);
	}
}

static bool
handle(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
		const struct handler *h = &handlers[i];

		if (h->type != m->type || (h->from != ROLE_KINDS && h->from != c->role))
			continue;
		if (h->only_ready != c->ready)
			return false;
		h->run(k, c, m);
		return true;
	}
	return false;
}

static void
on_child_readable(struct keeper *k, struct child *c)
{
	for (unsigned i = 0; i < KEEPER_BATCH_MAX && c->pid; i++) {
		struct ipc_msg m;
		enum assay_err e = ipc_recv(&c->ipc, &m);

		if (e == ASSAY_BUSY)
			return;
		if (e != ASSAY_OK) {
			keeper_child_lost(k, c, e == ASSAY_UNREACHABLE ? "ended"
								       : assay_err_name(e));
			return;
		}
		if (!handle(k, c, &m))
			keeper_child_lost(k, c, "sent a message that is not permitted now");
		ipc_release(&m);
	}
}

static void
on_child_event(struct keeper *k, struct child *c, uint32_t events)
{
	if (!c->pid)
		return;
	if ((events & EPOLLOUT) && ipc_flush(&c->ipc) != ASSAY_OK) {
		keeper_child_lost(k, c, "is gone");
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		on_child_readable(k, c);
	if (c->pid)
		keeper_watch(k, c);
}

static void
on_signal(struct keeper *k)
{
	struct signalfd_siginfo s;
	enum assay_err e;

	while (read(k->signals, &s, sizeof s) == sizeof s) {
		if (s.ssi_signo == SIGHUP) {
			keeper_outbound_secrets(k);
			e = keeper_reload(k);
			log_event(LOG_LEVEL_INFO, "reload", "result", assay_err_name(e), NULL);
		} else {
			log_event(LOG_LEVEL_INFO, "stopping", NULL);
			k->stopping = true;
		}
	}
}

static void
on_timer(struct keeper *k)
{
	uint64_t ticks;

	if (read(k->timer, &ticks, sizeof ticks) != sizeof ticks)
		return;
	keeper_rounds_tick(k);
	if (k->now != k->swept_s) {
		k->swept_s = k->now;
		keeper_decisions_sweep(k);
		keeper_work_watch(k);
		keeper_children_keep(k);
	}
}

static void
turn(struct keeper *k)
{
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(k->epoll, ev, EVENTS_MAX, -1);

	read_clocks(k);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 == TAG_SIGNALS)
			on_signal(k);
		else if (ev[i].data.u64 == TAG_TIMER)
			on_timer(k);
		else if (ev[i].data.u64 < KEEPER_CHILDREN_MAX)
			on_child_event(k, &k->children[ev[i].data.u64], ev[i].events);
	}
	keeper_finish_turn(k);
}

/* ---- start and stop ---- */

static enum assay_err
watch_fd(struct keeper *k, int fd, uint64_t tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = tag};

	if (fd < 0 || epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		return ASSAY_IO;
	return ASSAY_OK;
}

static enum assay_err
make_loop(struct keeper *k)
{
	struct itimerspec every = {{0, KEEPER_TICK_MS * 1000000L}, {0, KEEPER_TICK_MS * 1000000L}};
	sigset_t set;
	enum assay_err e;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ASSAY_IO;
	(void)signal(SIGPIPE, SIG_IGN);
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	k->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	k->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (k->epoll < 0 || k->timer < 0 || timerfd_settime(k->timer, 0, &every, NULL) != 0)
		return ASSAY_IO;
	if ((e = watch_fd(k, k->signals, TAG_SIGNALS)) != ASSAY_OK)
		return e;
	return watch_fd(k, k->timer, TAG_TIMER);
}

static enum assay_err
find_user(struct keeper *k)
{
	struct passwd *p;

	if (geteuid() != 0 || k->config->user[0] == '\0')
		return ASSAY_OK;
	p = getpwnam(k->config->user);
	if (!p) {
		log_event(LOG_LEVEL_ERROR, "no-user", "user", k->config->user, NULL);
		return ASSAY_NOT_FOUND;
	}
	k->ids.uid = p->pw_uid;
	k->ids.gid = p->pw_gid;
	return ASSAY_OK;
}

static enum assay_err
open_ledger(struct keeper *k)
{
	char path[CONFIG_PATH_MAX + 32], keys[CONFIG_PATH_MAX + 32];
	struct ledger_report report = {0};
	enum assay_err e;
	size_t n;

	snprintf(keys, sizeof keys, "%s/keys", k->config->state);
	snprintf(path, sizeof path, "%s/ledger.db", k->config->state);
	if ((e = keys_read_file(keys, "ledger.key", k->ledger_key, 32, &n)) != ASSAY_OK ||
	    n != 32) {
		log_event(LOG_LEVEL_ERROR, "no-ledger-key", "directory", keys, "hint",
			  "run assay-verifier init first", NULL);
		return e == ASSAY_OK ? ASSAY_MALFORMED : e;
	}
	e = ledger_open(path, k->ledger_key, &k->ledger, &report);
	if ((e == ASSAY_TAMPERED || e == ASSAY_EXPIRED) && k->ledger) {
		log_event(LOG_LEVEL_ERROR, "ledger-fault", "error", assay_err_name(e), "what",
			  report.text, "effect", "every device is quarantined", "hint",
			  "look, then: assay ledger accept", NULL);
		return ASSAY_OK;
	}
	if (e != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "ledger", "path", path, "error", assay_err_name(e),
			  "what", report.text,
			  /* ends the list where there is none */
			  e == ASSAY_BUSY ? "hint" : NULL,
			  "does a verifier run on this state directory already?", NULL);
	return e;
}

static bool
is_recorded(void *self, const char *kid)
{
	struct keeper *k = self;
	struct ledger_audit a;

	return ledger_audit_prev(k->ledger, kid, 0, &a) == ASSAY_OK &&
	       strcmp(a.action, "key.rotate") == 0;
}

static enum assay_err
open_signing(struct keeper *k)
{
	char keys[CONFIG_PATH_MAX + 32];
	enum assay_err e;

	snprintf(keys, sizeof keys, "%s/keys", k->config->state);
	if ((e = signing_recover(keys, is_recorded, k)) != ASSAY_OK ||
	    (e = signing_open(keys, k->now, &k->signing)) != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "signing-keys", "directory", keys, "error",
			  assay_err_name(e), NULL);
	return e;
}

static enum assay_err
read_pin(struct keeper *k)
{
	uint8_t pem[65536], digest[32];
	size_t n;
	enum assay_err e = keys_read_file("", k->config->certificate, pem, sizeof pem, &n);

	if (e == ASSAY_OK)
		e = tls_pem_key_digest((const char *)pem, (int)n, digest);
	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "no-certificate", "path", k->config->certificate,
			  "error", assay_err_name(e), NULL);
		return e;
	}
	return hex_encode(SPAN(digest, 32), k->tls_pin, sizeof k->tls_pin);
}

/* Binds to it, for a moment; an errno. */
static int
bind_once(const char *host, uint16_t port, bool share)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool v6 = inet_pton(AF_INET6, host, &six.sin6_addr) == 1;
	int fd, one = 1, why = 0;

	if (!v6 && inet_pton(AF_INET, host, &four.sin_addr) != 1)
		return EINVAL;
	fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) ||
	    bind(fd, v6 ? (struct sockaddr *)&six : (struct sockaddr *)&four,
		 v6 ? sizeof six : sizeof four) != 0)
		why = errno;
	close(fd);
	return why;
}

/* Whether the address can be listened at. libwebsockets waits in silence for an address
 * that this host does not have, and does not name one that is in use. The children of a
 * keeper that was killed are given the time to end. */
static enum assay_err
try_address(const char *key, const char *address, bool share)
{
	static const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	char host[CONFIG_TEXT_MAX];
	uint16_t port;
	int why;

	if (config_split_address(address, host, sizeof host, &port) != ASSAY_OK)
		return ASSAY_MALFORMED;
	why = bind_once(host, port, share);
	for (unsigned i = 0; why == EADDRINUSE && i < LISTEN_TRIES; i++) {
		(void)nanosleep(&pause, NULL);
		why = bind_once(host, port, share);
	}
	if (why == 0)
		return ASSAY_OK;
	log_event(LOG_LEVEL_ERROR, "cannot-listen", "key", key, "address", address, "why",
		  strerror(why), NULL);
	return ASSAY_UNREACHABLE;
}

static enum assay_err
try_addresses(const struct config *c)
{
	enum assay_err e = try_address("listen", c->listen, c->net_processes > 1);

	if (e != ASSAY_OK || !c->console_listen[0])
		return e;
	return try_address("console_listen", c->console_listen, false);
}

static enum assay_err
allocate(struct keeper *k)
{
	k->sessions_max = k->config->connections_max;
	for (unsigned i = 0; i < k->config->net_processes; i++)
		if (!(k->sessions[i] = calloc(k->sessions_max, sizeof *k->sessions[i])))
			return ASSAY_NO_MEMORY;
	k->references = calloc(KEEPER_REFERENCES_MAX, sizeof *k->references);
	k->scratch = malloc(KEEPER_SCRATCH);
	if (!k->references || !k->scratch)
		return ASSAY_NO_MEMORY;
	return live_init(&k->live);
}

static enum assay_err
start(struct keeper *k)
{
	enum assay_err e;

	snprintf(k->listen, sizeof k->listen, "%s", k->config->listen);
	read_clocks(k);
	k->status.started = k->now;
	k->wall_minus_mono_ms = clock_ms(CLOCK_REALTIME) - k->now_ms;
	if ((e = find_user(k)) != ASSAY_OK || (e = allocate(k)) != ASSAY_OK ||
	    (e = make_loop(k)) != ASSAY_OK || (e = read_pin(k)) != ASSAY_OK ||
	    (e = open_ledger(k)) != ASSAY_OK || (e = try_addresses(k->config)) != ASSAY_OK ||
	    (e = open_signing(k)) != ASSAY_OK ||
	    (e = keeper_feed_init(k)) != ASSAY_OK || (e = keeper_outbound_init(k)) != ASSAY_OK ||
	    (e = keeper_limits_init(k)) != ASSAY_OK ||
	    (e = keeper_maps_load(k)) != ASSAY_OK ||
	    (e = keeper_live_load(k)) != ASSAY_OK)
		return e;
	write_run_file(k, "pid", (long)getpid());
	return keeper_children_start(k);
}

static void
finish(struct keeper *k)
{
	keeper_children_stop(k);
	for (unsigned p = 0; p < KEEPER_NET_MAX; p++)
		for (unsigned i = 0; k->sessions[p] && i < k->sessions_max; i++)
			if (k->sessions[p][i])
				keeper_session_free(k, k->sessions[p][i]);
	for (unsigned p = 0; p < KEEPER_NET_MAX; p++)
		free(k->sessions[p]);
	keeper_offline_end();
	keeper_judges_free(k);
	keeper_maps_free(k);
	free(k->references);
	free(k->scratch);
	live_free(&k->live);
	keeper_outbound_free(k);
	ledger_close(k->ledger);
	signing_close(k->signing);
	keeper_feed_free(k);
	keeper_limits_free(k);
	explicit_bzero(k->ledger_key, sizeof k->ledger_key);
}

/* Of a start that failed. */
static int
status_of(enum assay_err e)
{
	switch (e) {
	case ASSAY_MALFORMED:
		return 2;
	case ASSAY_NOT_FOUND:
	case ASSAY_UNREACHABLE:
	case ASSAY_DENIED:
	case ASSAY_BUSY:
		return 3;
	default:
		return 4;
	}
}

int
keeper_main(const struct config *c)
{
	struct keeper *k = calloc(1, sizeof *k);
	enum assay_err e;
	int status;

	if (!k)
		return 4;
	log_init("keeper", c->log_json, LOG_LEVEL_INFO);
	k->config = c;
	e = start(k);
	if (e != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "start-failed", "error", assay_err_name(e), NULL);
	while (e == ASSAY_OK && !k->stopping && !k->failed)
		turn(k);
	status = e != ASSAY_OK ? status_of(e) : k->failed ? 4 : 0;
	finish(k);
	free(k);
	return status;
}
