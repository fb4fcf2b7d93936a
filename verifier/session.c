/* session.c: see session.h. */
#include "session.h"

#include "net.h"

#include "evidence/imalog.h"

#include <stdlib.h>
#include <string.h>

/* How long each state may last, ms; 0: as long as the connection. */
static const int64_t patience_ms[SESSION_STATES] = {
	[SESSION_NEW] = 15000,	      [SESSION_WAITING] = 60000,
	[SESSION_CHALLENGED] = 60000, [SESSION_CREDENTIAL] = 60000,
	[SESSION_NEEDED] = 120000,    [SESSION_IDLE] = 0,
	[SESSION_REFUSED] = 10000,
};

static enum assay_err on_hello(struct session *, struct session_env *, struct span);
static enum assay_err on_enrol(struct session *, struct session_env *, struct span);
static enum assay_err on_activation(struct session *, struct session_env *, struct span);
static enum assay_err on_proof(struct session *, struct session_env *, struct span);
static enum assay_err on_part(struct session *, struct session_env *, struct span);

/* {message, state in which it is permitted, state it leads to, handler} */
static const struct step {
	enum msg_type message;
	enum session_state in, to;
	enum assay_err (*run)(struct session *, struct session_env *, struct span frame);
} steps[] = {
	{MSG_HELLO, SESSION_NEW, SESSION_WAITING, on_hello},
	{MSG_ENROL, SESSION_NEW, SESSION_WAITING, on_enrol},
	{MSG_ENROL_KEY, SESSION_NEW, SESSION_WAITING, on_enrol},
	{MSG_ACTIVATION, SESSION_CREDENTIAL, SESSION_WAITING, on_activation},
	{MSG_PROOF, SESSION_CHALLENGED, SESSION_WAITING, on_proof},
	{MSG_PART, SESSION_NEEDED, SESSION_NEEDED, on_part}, /* on_part leaves it */
};

/* {message from keeper, state in which it makes sense, state it leads to} */
static const struct answer {
	enum msg_type message;
	unsigned in; /* mask of states */
	enum session_state to;
} answers[] = {
	{MSG_CHALLENGE, 1u << SESSION_WAITING | 1u << SESSION_IDLE, SESSION_CHALLENGED},
	{MSG_CREDENTIAL, 1u << SESSION_WAITING, SESSION_CREDENTIAL},
	{MSG_ENROLLED, 1u << SESSION_WAITING, SESSION_IDLE},
	{MSG_NEED, 1u << SESSION_WAITING, SESSION_NEEDED},
	{MSG_DECISION, 1u << SESSION_WAITING | 1u << SESSION_IDLE, SESSION_IDLE},
	{MSG_REFUSED, ~0u, SESSION_IDLE},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
enter(struct session *s, enum session_state to, int64_t now_ms)
{
	s->state = to;
	s->deadline_ms = patience_ms[to] ? now_ms + patience_ms[to] : 0;
}

static void
uploads_free(struct session *s)
{
	for (unsigned i = 0; i < s->nuploads; i++) {
		if (s->budget)
			s->budget->used -= s->uploads[i].bulk.n;
		bulk_free(&s->uploads[i].bulk);
		free(s->uploads[i].p);
	}
	memset(s->uploads, 0, sizeof s->uploads);
	s->nuploads = 0;
}

void
session_init(struct session *s, uint64_t id, int64_t now_ms)
{
	memset(s, 0, sizeof *s);
	s->id = id;
	enter(s, SESSION_NEW, now_ms);
}

void
session_free(struct session *s)
{
	uploads_free(s);
	memset(s, 0, sizeof *s);
}

bool
session_expired(const struct session *s, int64_t now_ms)
{
	return s->deadline_ms != 0 && now_ms >= s->deadline_ms;
}

static const struct step *
find_step(const struct session *s, enum msg_type t)
{
	for (size_t i = 0; i < COUNT(steps); i++)
		if (steps[i].message == t && steps[i].in == s->state)
			return &steps[i];
	return NULL;
}

size_t
session_frame_limit(const struct session *s)
{
	size_t most = 0;

	for (size_t i = 0; i < COUNT(steps); i++)
		if (steps[i].in == s->state && frame_limit(steps[i].message) > most)
			most = frame_limit(steps[i].message);
	return most;
}

enum assay_err
session_on_frame(struct session *s, struct session_env *env, struct span frame)
{
	enum msg_type t = frame_type(frame);
	const struct step *st = find_step(s, t);
	enum assay_err e;

	if (s->state == SESSION_REFUSED)
		return ASSAY_OK; /* it was under way when the answer was given */
	if (!st)
		return t == MSG_NONE ? ASSAY_BAD_TYPE : ASSAY_STATE;
	if (frame.n > frame_limit(t))
		return ASSAY_TOO_LARGE;
	arena_reset(env->arena);
	if ((e = st->run(s, env, frame)) != ASSAY_OK)
		return e;
	if (st->to != st->in)
		enter(s, st->to, env->now_ms);
	return ASSAY_OK;
}

static enum assay_err
on_hello(struct session *s, struct session_env *env, struct span frame)
{
	struct msg_hello m;
	uint8_t buf[256];
	struct writer w;
	size_t n;
	enum assay_err e = envelope_decode_hello(frame, env->arena, &m);

	if (e != ASSAY_OK)
		return e;
	wr_init(&w, buf, sizeof buf);
	wr_be16_bytes(&w, m.key_name);
	wr_u8(&w, m.nbanks);
	for (unsigned i = 0; i < m.nbanks; i++)
		wr_be16(&w, m.banks[i]);
	if ((e = wr_finish(&w, &n)) != ASSAY_OK)
		return e;
	return ipc_send(env->keeper, IPC_NET_HELLO, s->id, SPAN(buf, n));
}

static enum assay_err
on_enrol(struct session *s, struct session_env *env, struct span frame)
{
	return ipc_send(env->keeper, IPC_NET_ENROL, s->id, frame);
}

static enum assay_err
on_activation(struct session *s, struct session_env *env, struct span frame)
{
	struct msg_activation m;
	enum assay_err e = envelope_decode_activation(frame, env->arena, &m);

	if (e != ASSAY_OK)
		return e;
	return ipc_send(env->keeper, IPC_NET_ACTIVATION, s->id, m.secret);
}

static enum assay_err
on_proof(struct session *s, struct session_env *env, struct span frame)
{
	return ipc_send(env->keeper, IPC_NET_PROOF, s->id, frame);
}

static struct upload *
find_upload(struct session *s, enum part_kind kind)
{
	for (unsigned i = 0; i < s->nuploads; i++)
		if (s->uploads[i].kind == kind)
			return &s->uploads[i];
	return NULL;
}

static enum assay_err
append_heap(struct upload *u, struct span data)
{
	uint8_t *p;

	if (data.n > u->cap - u->len) {
		p = realloc(u->p, u->len + data.n);
		if (!p)
			return ASSAY_NO_MEMORY;
		u->p = p;
		u->cap = u->len + (uint32_t)data.n;
	}
	if (data.n)
		memcpy(u->p + u->len, data.p, data.n);
	return ASSAY_OK;
}

/* FULL: all lists together have no more room. */
static enum assay_err
append_bulk(struct upload *u, struct upload_budget *b, struct span data)
{
	enum assay_err e;

	if (data.n > b->most - b->used)
		return ASSAY_FULL;
	if ((e = bulk_append(&u->bulk, data)) == ASSAY_OK)
		b->used += data.n;
	return e;
}

/* Pieces in order, without gaps; memory grows with what has really arrived. */
static enum assay_err
append(struct session *s, struct session_env *env, struct upload *u, const struct msg_part *m)
{
	enum assay_err e = ASSAY_OK;

	if (u->done || m->offset != u->len)
		return ASSAY_STATE;
	if (m->data.n > u->limit - u->len)
		return ASSAY_TOO_LARGE;
	if (m->data.n == 0 && !m->last)
		return ASSAY_MALFORMED;
	if (!s->drowned)
		e = u->kind == PART_IMA ? append_bulk(u, &env->ima, m->data)
					: append_heap(u, m->data);
	if (e != ASSAY_OK)
		return e;
	u->len += (uint32_t)m->data.n;
	u->done = m->last;
	return ASSAY_OK;
}

/* No room: keeper tells the device to come again (mask 0); what is under way from it
 * meanwhile is dropped, within what it was allowed. */
static enum assay_err
drown(struct session *s, struct session_env *env)
{
	static const uint8_t none[13];

	for (unsigned i = 0; i < s->nuploads; i++) {
		struct upload *u = &s->uploads[i];

		env->ima.used -= u->bulk.n;
		bulk_free(&u->bulk);
		free(u->p);
		u->p = NULL;
		u->cap = 0;
	}
	s->drowned = true;
	return ipc_send(env->keeper, IPC_NET_PARTS, s->id, SPAN(none, sizeof none));
}

static struct span
uploaded(struct session *s, enum part_kind kind, uint8_t *mask)
{
	struct upload *u = find_upload(s, kind);

	if (!u)
		return SPAN(NULL, 0);
	*mask |= (uint8_t)(1u << kind);
	return SPAN(u->p, u->len);
}

/* The IMA list goes ahead, as the descriptor it was gathered in. */
static enum assay_err
forward_ima(struct session *s, struct session_env *env, uint8_t *mask)
{
	struct upload *u = find_upload(s, PART_IMA);
	enum assay_err e;

	if (!u)
		return ASSAY_OK;
	*mask |= 1u << PART_IMA;
	if ((e = bulk_seal(&u->bulk)) != ASSAY_OK)
		return e;
	return ipc_send_fd(env->keeper, IPC_NET_IMA, s->id, u->bulk.fd);
}

static enum assay_err
forward_parts(struct session *s, struct session_env *env)
{
	uint8_t mask = 0;
	struct span claims = uploaded(s, PART_CLAIMS, &mask);
	struct span log = uploaded(s, PART_BOOT_LOG, &mask);
	struct span files = uploaded(s, PART_FILES, &mask);
	size_t cap = claims.n + log.n + files.n + 16, n;
	uint8_t *buf = malloc(cap);
	struct writer w;
	enum assay_err e;

	if (!buf)
		return ASSAY_NO_MEMORY;
	e = forward_ima(s, env, &mask);
	wr_init(&w, buf, cap);
	wr_u8(&w, mask);
	wr_be32_bytes(&w, claims);
	wr_be32_bytes(&w, log);
	wr_be32_bytes(&w, files);
	if (e == ASSAY_OK && (e = wr_finish(&w, &n)) == ASSAY_OK)
		e = ipc_send(env->keeper, IPC_NET_PARTS, s->id, SPAN(buf, n));
	free(buf);
	return e;
}

static enum assay_err
on_part(struct session *s, struct session_env *env, struct span frame)
{
	struct msg_part m;
	struct upload *u;
	enum assay_err e = envelope_decode_part(frame, env->arena, &m);

	if (e != ASSAY_OK)
		return e;
	u = find_upload(s, m.kind);
	if (!u)
		return ASSAY_STATE;
	if ((e = append(s, env, u, &m)) == ASSAY_FULL)
		return drown(s, env);
	if (e != ASSAY_OK || s->drowned)
		return e;
	for (unsigned i = 0; i < s->nuploads; i++)
		if (!s->uploads[i].done)
			return ASSAY_OK;
	if ((e = forward_parts(s, env)) != ASSAY_OK)
		return e;
	uploads_free(s);
	enter(s, SESSION_WAITING, env->now_ms);
	return ASSAY_OK;
}

static enum assay_err
expect_uploads(struct session *s, struct session_env *env, struct span frame)
{
	struct msg_need need;
	enum assay_err e;

	arena_reset(env->arena);
	if ((e = envelope_decode_need(frame, env->arena, &need)) != ASSAY_OK)
		return e;
	uploads_free(s);
	s->budget = &env->ima;
	s->drowned = false;
	for (unsigned i = 0; i < need.nwants; i++) {
		struct upload *u = &s->uploads[s->nuploads++];
		uint32_t most = need.wants[i].kind == PART_IMA ? IMALOG_MAX : 1u << 20;

		u->kind = need.wants[i].kind;
		u->limit = need.wants[i].limit > most ? most : (uint32_t)need.wants[i].limit;
	}
	return ASSAY_OK;
}

/* Who sends parts reads the answer after what it is sending: a connection that ended
 * before would take the answer with it. */
static bool
refuse(struct session *s, struct session_env *env)
{
	if (s->state == SESSION_NEEDED) {
		uploads_free(s);
		enter(s, SESSION_REFUSED, env->now_ms);
	}
	return s->state == SESSION_REFUSED;
}

enum assay_err
session_on_decision(struct session *s, struct session_env *env, struct span frame)
{
	enum msg_type t = frame_type(frame);
	enum assay_err e;

	for (size_t i = 0; i < COUNT(answers); i++) {
		const struct answer *a = &answers[i];

		if (a->message != t)
			continue;
		if (!(a->in >> s->state & 1u))
			return ASSAY_STATE;
		if (t == MSG_NEED && (e = expect_uploads(s, env, frame)) != ASSAY_OK)
			return e;
		if (t == MSG_REFUSED && refuse(s, env))
			return ASSAY_OK;
		enter(s, a->to, env->now_ms);
		return ASSAY_OK;
	}
	return ASSAY_BAD_TYPE;
}
