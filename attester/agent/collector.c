/* collector.c: the agent's end of the collector, see collector.h. */
#include "collector.h"

#include "collector_wire.h"
#include "evidence/envelope.h"
#include "evidence/health.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 500

static _Noreturn void
become(int fd, const char *config, const char *state)
{
	char *argv[] = {(char[]){"assay-attester"}, (char[]){COLLECTOR_COMMAND},
			(char *)(uintptr_t)config, (char *)(uintptr_t)state, NULL};

	if (dup2(fd, COLLECTOR_FD) < 0)
		_exit(127);
	(void)close_range(COLLECTOR_FD + 1, ~0u, 0);
	execv("/proc/self/exe", argv);
	_exit(127);
}

enum assay_err
collector_start(struct collector *c, const char *config, const char *state)
{
	int ends[2];

	*c = (struct collector){.pid = -1, .fd = -1, .claims = -1, .manifests = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return ASSAY_IO;
	c->pid = fork();
	if (c->pid == 0)
		become(ends[1], config, state);
	close(ends[1]);
	if (c->pid < 0) {
		close(ends[0]);
		return ASSAY_IO;
	}
	c->fd = ends[0];
	return ASSAY_OK;
}

static void
drop_snapshot(struct collector *c)
{
	if (c->claims >= 0)
		close(c->claims);
	if (c->manifests >= 0)
		close(c->manifests);
	c->claims = c->manifests = -1;
}

/* Its end of the socket is gone, which ends it; one that hangs in a read is killed. */
void
collector_stop(struct collector *c)
{
	collector_release(c);
	drop_snapshot(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->pid <= 0)
		return;
	for (unsigned ms = 0; ms < STOP_MS; ms += 10) {
		if (waitpid(c->pid, NULL, WNOHANG) != 0) {
			c->pid = -1;
			return;
		}
		(void)poll(NULL, 0, 10);
	}
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	c->pid = -1;
}

enum assay_err
collector_ask(struct collector *c, uint32_t budget_ms, bool reread)
{
	struct collector_question q = {c->asked + 1, budget_ms, reread};

	c->stale = true;
	if (c->fd < 0 || send(c->fd, &q, sizeof q, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof q)
		return ASSAY_UNREACHABLE;
	c->asked++;
	return ASSAY_OK;
}

/* The descriptors of a message, -1 for those that are not there. */
static void
take_descriptors(struct msghdr *m, int ret[COLLECTOR_FDS])
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	size_t n;

	for (size_t i = 0; i < COLLECTOR_FDS; i++)
		ret[i] = -1;
	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
		return;
	n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(ret, CMSG_DATA(h), (n < COLLECTOR_FDS ? n : COLLECTOR_FDS) * sizeof(int));
}

enum assay_err
collector_receive(struct collector *c)
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(COLLECTOR_FDS * sizeof(int))];
	struct collector_answer a;
	struct iovec v = {&a, sizeof a};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = room,
			   .msg_controllen = sizeof room};
	int fds[COLLECTOR_FDS];
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return ASSAY_BUSY;
	take_descriptors(&m, fds);
	if (n != sizeof a || fds[0] < 0 || fds[1] < 0 || a.error != ASSAY_OK) {
		for (size_t i = 0; i < COLLECTOR_FDS; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		if (n == sizeof a && a.error > ASSAY_OK && a.error < ASSAY_ERR_COUNT)
			return (enum assay_err)a.error;
		return ASSAY_UNREACHABLE;
	}
	drop_snapshot(c);
	c->claims = fds[0];
	c->manifests = fds[1];
	c->answered = a.id;
	c->complete = a.complete;
	c->stale = c->answered != c->asked;
	return ASSAY_OK;
}

/* ---- the snapshot as claims ---- */

struct lent {
	struct arena arena;
	struct msg_claims claims;
	size_t len;
	uint8_t bytes[MSG_CLAIMS_MAX];
	_Alignas(16) uint8_t memory[MSG_ARENA_MAX];
};

void
collector_release(struct collector *c)
{
	free(c->memory);
	c->memory = NULL;
}

static enum assay_err
decode(struct collector *c, struct lent **ret)
{
	struct lent *l;
	ssize_t n;
	enum assay_err e;

	collector_release(c);
	if (c->claims < 0)
		return ASSAY_UNREACHABLE; /* nothing has been measured yet */
	l = malloc(sizeof *l); /* not cleared: only what is used is touched */
	if (!l)
		return ASSAY_NO_MEMORY;
	c->memory = l;
	n = pread(c->claims, l->bytes, sizeof l->bytes, 0);
	if (n < 0)
		return ASSAY_IO;
	arena_init(&l->arena, l->memory, sizeof l->memory);
	e = envelope_decode_claims(SPAN(l->bytes, (size_t)n), &l->arena, &l->claims);
	if (e == ASSAY_OK)
		*ret = l;
	return e;
}

/* Texts of the arena end with a NUL; one that is not there is none. */
static const char *
text_or_null(struct span s)
{
	return s.n > 0 ? (const char *)s.p : NULL;
}

static enum assay_err
give_health(struct assay_claims *to, const struct msg_health *h)
{
	const struct health_info *i = health_info(health_by_name(h->name));
	const char *name = (const char *)h->name.p, *instance = text_or_null(h->instance);
	int64_t number = 0;
	enum assay_err e = i ? health_parse(i->type, h->value, &number) : ASSAY_NOT_FOUND;

	if (e != ASSAY_OK)
		return e;
	switch (i->type) {
	case HEALTH_NUMBER:
	case HEALTH_TIME:
		return assay_claims_number(to, name, instance, number);
	case HEALTH_BOOL:
		return assay_claims_bool(to, name, instance, number != 0);
	case HEALTH_TEXT:
		break;
	}
	return assay_claims_text(to, name, instance, (const char *)h->value.p);
}

static enum assay_err
give_software(struct assay_claims *to, const struct msg_software *s, bool stale)
{
	const struct assay_software old = {.name = (const char *)s->name.p,
					   .kind = (const char *)s->kind.p,
					   .note = software_note_name(NOTE_PENDING)};
	const struct assay_software item = {.name = (const char *)s->name.p,
					    .kind = (const char *)s->kind.p,
					    .version = text_or_null(s->version),
					    .digest = s->digest.n == 32 ? s->digest.p : NULL,
					    .note = text_or_null(s->note),
					    .size = s->size,
					    .age_s = s->age};

	return assay_claims_software(to, stale ? &old : &item);
}

enum assay_err
collector_claims(void *self, struct assay_claims *to, bool reread)
{
	struct collector *c = self;
	struct lent *l = NULL;
	enum assay_err e = decode(c, &l);

	(void)reread; /* was asked for when the challenge came */
	for (size_t i = 0; e == ASSAY_OK && i < l->claims.nsoftware; i++)
		e = give_software(to, &l->claims.software[i], c->stale);
	for (size_t i = 0; e == ASSAY_OK && i < l->claims.nhealth && !c->stale; i++)
		e = give_health(to, &l->claims.health[i]);
	for (size_t i = 0; e == ASSAY_OK && i < l->claims.nsettings; i++) {
		const struct msg_setting *s = &l->claims.settings[i];
		const struct assay_setting setting = {(const char *)s->item.p,
						      (const char *)s->key.p,
						      s->note.n || c->stale
							      ? NULL
							      : (const char *)s->value.p,
						      c->stale ? software_note_name(NOTE_PENDING)
							       : text_or_null(s->note)};

		e = assay_claims_setting(to, &setting);
	}
	return e;
}

enum assay_err
collector_files(void *self, const uint8_t digest[32], uint64_t from, uint8_t *buffer, size_t cap,
		size_t *ret_len, bool *ret_end)
{
	const struct collector *c = self;
	struct collector_manifest h;
	uint64_t at = 0;
	ssize_t n;

	if (c->manifests < 0)
		return ASSAY_NOT_FOUND;
	while (pread(c->manifests, &h, sizeof h, (off_t)at) == sizeof h) {
		at += sizeof h;
		if (!span_equal(SPAN(h.digest, 32), SPAN(digest, 32))) {
			at += h.size;
			continue;
		}
		if (from > h.size)
			return ASSAY_NOT_FOUND;
		if (cap > h.size - from)
			cap = (size_t)(h.size - from);
		n = pread(c->manifests, buffer, cap, (off_t)(at + from));
		if (n < 0)
			return ASSAY_IO;
		*ret_len = (size_t)n;
		*ret_end = from + (uint64_t)n == h.size;
		return ASSAY_OK;
	}
	return ASSAY_NOT_FOUND;
}
