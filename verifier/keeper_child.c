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

#include "evidence/tls/tls_exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_WAIT_MS 3000
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

	if (ipc_wants_write(&c->ipc) == c->flushing)
		return;
	c->flushing = !c->flushing;
	if (c->flushing)
		ev.events |= EPOLLOUT;
	(void)epoll_ctl(k->epoll, EPOLL_CTL_MOD, c->ipc.fd, &ev);
}

/* The new process starts with no signal blocked and only its channel open (sandbox.c
 * closes what else there were). */
static enum assay_err
execute(enum role r, int fd, pid_t *ret)
{
	static char program[] = "assay-verifier";
	char role[32];
	char *argv[] = {program, role, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int e;

	snprintf(role, sizeof role, "--role=%s", role_name(r));
	sigemptyset(&none);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ASSAY_NO_MEMORY;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return ASSAY_NO_MEMORY;
	}
	e = posix_spawn_file_actions_adddup2(&files, fd, IPC_CHILD_FD);
	if (e == 0)
		e = posix_spawnattr_setsigmask(&attr, &none);
	if (e == 0)
		e = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (e == 0)
		e = posix_spawn(ret, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e == 0 ? ASSAY_OK : ASSAY_IO;
}

/* The environment is kept for sanitizers and the clock (TZ) only; keeper itself has
 * cleared it in main. */
static enum assay_err
spawn(struct keeper *k, enum role r, struct child **ret)
{
	struct child *c = find_free(k);
	struct epoll_event ev = {.events = EPOLLIN};
	enum assay_err e;
	int sp[2];
	pid_t pid;

	if (!c)
		return ASSAY_TOO_MANY;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sp) != 0)
		return ASSAY_IO;
	memset(c, 0, sizeof *c);
	e = execute(r, sp[1], &pid);
	close(sp[1]);
	if (e != ASSAY_OK) {
		close(sp[0]);
		return e;
	}
	c->role = r;
	c->pid = pid;
	*ret = c; /* start_child() ends it if this fails */
	if ((e = ipc_init(&c->ipc, sp[0], ROLE_KEEPER, r)) != ASSAY_OK)
		return e;
	c->started_ms = k->now_ms;
	ev.data.u64 = (uint64_t)(c - k->children);
	return epoll_ctl(k->epoll, EPOLL_CTL_ADD, sp[0], &ev) == 0 ? ASSAY_OK : ASSAY_IO;
}

/* Asked to finish; one that cannot be told is killed. */
static void
ask_to_stop(struct keeper *k, struct child *c)
{
	c->stopping = true;
	c->since_ms = k->now_ms;
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

/* The TLS certificate of a listener, and when it ends. */
static enum assay_err
read_certificate(struct child *c, const char *path, uint8_t *buf, struct span *ret)
{
	enum assay_err e = read_pem(path, buf, ret);

	if (e == ASSAY_OK &&
	    tls_pem_expiry((const char *)ret->p, (int)ret->n, &c->certificate_expires) != ASSAY_OK)
		c->certificate_expires = 0; /* it will say itself what is wrong with it */
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
		.failures_per_minute = k->config->failures_per_minute,
		.half_open_per_source = k->config->half_open_per_source,
		.ima_memory = k->config->ima_memory,
	};
	enum assay_err e;

	snprintf(s.listen, sizeof s.listen, "%s", k->listen);
	if ((e = read_certificate(c, k->config->certificate, cert, &s.certificate)) != ASSAY_OK ||
	    (e = read_pem(k->config->key, key, &s.key)) != ASSAY_OK)
		return e;
	e = net_setup_encode(&s, w);
	explicit_bzero(key, sizeof key);
	return e;
}

static enum assay_err
configure_console(struct keeper *k, struct child *c, struct writer *w)
{
	static uint8_t cert[PEM_MAX], key[PEM_MAX];
	struct span pem = {NULL, 0}, p = {NULL, 0};
	enum assay_err e;

	if (k->config->console_listen[0] &&
	    ((e = read_certificate(c, k->config->console_certificate, cert, &pem)) != ASSAY_OK ||
	     (e = read_pem(k->config->console_key, key, &p)) != ASSAY_OK))
		return e;
	e = console_config_encode(k->config, pem, p, w);
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
		e = configure_console(k, c, &w);
	else if (c->role == ROLE_OUTBOUND)
		e = keeper_outbound_configure(k, c->index, &w);
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

/* Whom replace() could not start (no memory, no descriptors, a certificate that was being
 * exchanged): again, until it works. */
void
keeper_children_keep(struct keeper *k)
{
	if (k->stopping || k->failed)
		return;
	if (count(k, ROLE_CONSOLE, false) == 0)
		(void)start_child(k, ROLE_CONSOLE, 0, NULL);
	if (!keeper_net(k, 0))
		(void)start_child(k, ROLE_NET, 0, NULL);
	if (k->status.port != 0)
		keeper_children_rest(k);
	fill_pool(k);
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
			ask_to_stop(k, &k->children[i]);
	do {
		left = 0;
		for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
			struct child *c = &k->children[i];

			if (c->pid && waited >= STOP_WAIT_MS)
				kill(c->pid, SIGKILL);
			if (c->pid && waitpid(c->pid, NULL, WNOHANG) == c->pid) {
				ipc_close(&c->ipc);
				keeper_work_free(k, c);
				c->pid = 0;
			}
			left += c->pid != 0;
		}
		if (left && poll(NULL, 0, 10) == 0)
			waited += 10;
	} while (left);
}

/* ---- death ---- */

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

void
keeper_child_lost(struct keeper *k, struct child *c, const char *why)
{
	bool expected = c->stopping, was_ready = c->ready;
	enum role role = c->role;
	unsigned index = c->index;
	struct request *work = c->work;
	struct compile_job *j = c->job;
	int status;

	if (!c->pid)
		return;
	keeper_feed_child_lost(k, c);
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
	keeper_work_rescue(k, work, !expected);
	keeper_job_fail(k, j);
	if (!was_ready && (role == ROLE_NET || role == ROLE_CONSOLE) && k->status.port == 0) {
		log_event(LOG_LEVEL_ERROR, "cannot-serve", "role", role_name(role), NULL);
		k->failed = true;
		return;
	}
	if (role == ROLE_OUTBOUND)
		keeper_outbound_lost(k, index, expected, why);
	else
		replace(k, role, index);
}

enum assay_err
keeper_outbound_start(struct keeper *k, unsigned index, struct child **ret)
{
	return start_child(k, ROLE_OUTBOUND, index, ret);
}

enum assay_err
keeper_child_start(struct keeper *k, enum role r, struct child **ret)
{
	return start_child(k, r, 0, ret);
}

void
keeper_child_retire(struct keeper *k, struct child *c)
{
	ask_to_stop(k, c);
	fill_pool(k);
}
