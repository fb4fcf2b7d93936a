/*
 * keeper_turn.c: one turn of the loop: what changed is committed once, and what
 * depends on it leaves only then; see keeper.h.
 */
#include "keeper_private.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
keeper_defer(struct keeper *k, enum ipc_type t, uint64_t id, struct span bytes)
{
	struct deferred *d = malloc(sizeof *d + bytes.n);

	if (!d) {
		log_event(LOG_LEVEL_ERROR, "no-memory", NULL);
		return; /* unanswered is refused */
	}
	d->next = NULL;
	d->is_reply = t == IPC_REPLY;
	d->id = id;
	d->type = t;
	d->len = bytes.n;
	if (bytes.n)
		memcpy(d->bytes, bytes.p, bytes.n);
	if (k->last)
		k->last->next = d;
	else
		k->first = d;
	k->last = d;
}

void
keeper_send(struct keeper *k, uint64_t session, struct span frame)
{
	keeper_defer(k, IPC_NET_SEND, session, frame);
}

static struct child *
console_of(struct keeper *k)
{
	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++)
		if (k->children[i].pid && k->children[i].role == ROLE_CONSOLE)
			return &k->children[i];
	return NULL;
}

static void
send_deferred(struct keeper *k, const struct deferred *d)
{
	struct child *c = d->is_reply ? console_of(k)
				      : keeper_net(k, NET_INDEX(d->id));

	if (!c || !c->ready)
		return; /* it died: its sessions are gone with it */
	if (ipc_send(&c->ipc, d->type, d->id, SPAN(d->bytes, d->len)) != ASSAY_OK)
		keeper_child_lost(k, c, "does not take its messages");
	else
		keeper_watch(k, c);
}

/* The commit failed: nothing that was to be said is true. Devices are told to come
 * again, operators that it failed. */
static void
replace_by_failure(struct deferred *d, struct writer *w)
{
	struct msg_refused m = {.reason = SPAN("verifier.internal", 17), .retry = true};
	static const char failed[] = "{\"error\": \"io\", \"message\": \"the ledger could not be "
				     "written; nothing was changed\"}";
	size_t n;

	if (!d->is_reply) {
		if (envelope_encode_refused(&m, w->p, w->cap, &n) == ASSAY_OK)
			w->len = n;
		return;
	}
	wr_be16(w, ASSAY_IO);
	wr_u8(w, REPLY_JSON);
	wr_bytes(w, SPAN(failed, sizeof failed - 1));
}

static void
flush_deferred(struct keeper *k, bool committed)
{
	struct deferred *d = k->first;

	k->first = k->last = NULL;
	while (d) {
		struct deferred *next = d->next;
		uint8_t buf[sizeof(struct deferred) + 512];
		struct writer w;

		if (committed) {
			send_deferred(k, d);
		} else {
			struct deferred *f = (struct deferred *)(void *)buf;

			*f = *d;
			wr_init(&w, f->bytes, sizeof buf - sizeof *f);
			replace_by_failure(d, &w);
			f->len = w.len;
			send_deferred(k, f);
		}
		free(d);
		d = next;
	}
}

enum assay_err
keeper_change(struct keeper *k)
{
	enum assay_err e;

	if (k->changing)
		return ASSAY_OK;
	if ((e = ledger_begin(k->ledger)) == ASSAY_OK)
		k->changing = true;
	return e;
}

void
keeper_poison(struct keeper *k, enum assay_err e)
{
	log_event(LOG_LEVEL_ERROR, "change-incomplete", "error", assay_err_name(e), NULL);
	k->poisoned = k->changing;
}

/* What was kept in memory of a change that never was: policies, references and bad digests
 * too, or devices would go on being judged by what nobody has activated or promoted. */
static void
roll_back(struct keeper *k)
{
	ledger_rollback(k->ledger);
	signing_drop(k->signing);
	keeper_outbound_rolled_back(k);
	if (keeper_live_load(k) != ASSAY_OK || (k->reloaded && keeper_reload(k) != ASSAY_OK))
		k->failed = true;
}

/* Keys whose rotation is recorded now sign from now on. If not, the next start tries it. */
static void
settle_keys(struct keeper *k)
{
	bool changed;
	enum assay_err e = signing_settle(k->signing, &changed);

	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "signing-keys", "error", assay_err_name(e), NULL);
		k->failed = true;
	} else if (changed) {
		keeper_feed_keys(k, NULL);
	}
}

/* End of a turn: one commit for everything that happened in it. */
void
keeper_finish_turn(struct keeper *k)
{
	bool committed = true;

	keeper_dispatch(k); /* appraisers work while the disk does */
	keeper_replay_step(k);
	if (k->changing) {
		uint64_t begun = metrics_clock();
		enum assay_err e = k->poisoned ? ASSAY_IO : ledger_commit(k->ledger);

		metrics_time(&k->metrics.commit, metrics_clock() - begun);

		k->changing = k->poisoned = false;
		committed = e == ASSAY_OK;
		k->status.commits++;
		if (!committed) {
			log_event(LOG_LEVEL_ERROR, "commit-failed", "error", assay_err_name(e),
				  NULL);
			roll_back(k);
		} else {
			settle_keys(k);
		}
	}
	k->reloaded = false;
	flush_deferred(k, committed);
	keeper_feed_turn(k);
	keeper_outbound_turn(k);
	keeper_dispatch(k);
}

/* ---- what other files ask of keeper ---- */

struct ledger *
keeper_ledger(struct keeper *k)
{
	return k->ledger;
}

const struct config *
keeper_config(const struct keeper *k)
{
	return k->config;
}

int64_t
keeper_now(const struct keeper *k)
{
	return k->now;
}

const char *
keeper_tls_pin(const struct keeper *k)
{
	return k->tls_pin;
}

/* Inside a JSON string: texts may quote what an operator or a device sent. */
static void
wr_json_text(struct writer *w, const char *s)
{
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch == '"' || ch == '\\')
			wr_u8(w, '\\');
		wr_u8(w, ch < 0x20 || ch > 0x7E ? ' ' : ch);
	}
}

static void
wr_text(struct writer *w, const char *s)
{
	wr_bytes(w, SPAN(s, strlen(s)));
}

static void
reply(struct keeper *k, uint64_t id, enum assay_err e, const char *text, unsigned seconds)
{
	char wait[48] = "}";
	size_t cap = 2 * strlen(text ? text : "") + 512;
	char *buf = malloc(cap);
	struct writer w;

	if (!buf)
		return;
	wr_init(&w, buf, cap);
	wr_be16(&w, (uint16_t)e);
	wr_u8(&w, REPLY_JSON);
	if (e == ASSAY_OK) {
		wr_text(&w, text);
	} else {
		wr_text(&w, "{\"error\": \"");
		wr_text(&w, assay_err_name(e));
		wr_text(&w, "\", \"message\": \"");
		wr_json_text(&w, text ? text : assay_err_text(e));
		wr_text(&w, "\"");
		if (e == ASSAY_LIMITED)
			snprintf(wait, sizeof wait, ", \"retry_after\": %u}", seconds);
		wr_text(&w, wait);
	}
	keeper_defer(k, IPC_REPLY, id, wr_span(&w));
	free(buf);
}

void
keeper_reply(struct keeper *k, uint64_t id, enum assay_err e, const char *text)
{
	reply(k, id, e, text, 1);
}

void
keeper_reply_later(struct keeper *k, uint64_t id, unsigned seconds, const char *text)
{
	reply(k, id, ASSAY_LIMITED, text, seconds);
}

void
keeper_reply_bytes(struct keeper *k, uint64_t id, struct span bytes)
{
	uint8_t *buf = malloc(bytes.n + 3);
	struct writer w;

	if (!buf)
		return;
	wr_init(&w, buf, bytes.n + 3);
	wr_be16(&w, ASSAY_OK);
	wr_u8(&w, REPLY_BYTES);
	wr_bytes(&w, bytes);
	keeper_defer(k, IPC_REPLY, id, wr_span(&w));
	free(buf);
}

/* The earliest end of what processes of this role show. */
static int64_t
certificate_end(const struct keeper *k, enum role r)
{
	int64_t end = 0;

	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
		const struct child *c = &k->children[i];

		if (c->pid && c->role == r && c->certificate_expires &&
		    (!end || c->certificate_expires < end))
			end = c->certificate_expires;
	}
	return end;
}

void
keeper_status(struct keeper *k, struct keeper_status *ret)
{
	*ret = k->status;
	ret->ledger_fault = ledger_fault(k->ledger) != ASSAY_OK;
	ret->queue_depth = k->queued;
	ret->head = ledger_head(k->ledger);
	ret->devices_certificate = certificate_end(k, ROLE_NET);
	ret->console_certificate = certificate_end(k, ROLE_CONSOLE);
	ret->sessions = ret->proved_sessions = 0;
	for (unsigned p = 0; p < k->config->net_processes; p++)
		for (unsigned i = 0; i < k->sessions_max; i++) {
			const struct keeper_session *s = k->sessions[p] ? k->sessions[p][i] : NULL;

			ret->sessions += s != NULL;
			ret->proved_sessions += s && s->proved;
		}
}

bool
keeper_connected(struct keeper *k, const char *device, int64_t *ret_last_seen)
{
	const struct live_device *d = live_find(&k->live, device);

	*ret_last_seen = d ? d->last_seen : 0;
	return d && d->session != 0;
}

enum assay_err
keeper_audit(struct keeper *k, const char *actor, const char *action, const char *object,
	     const char *detail)
{
	struct ledger_audit a = {.at = k->now};
	enum assay_err e;

	snprintf(a.actor, sizeof a.actor, "%s", actor);
	snprintf(a.action, sizeof a.action, "%s", action);
	snprintf(a.object, sizeof a.object, "%s", object);
	snprintf(a.detail, sizeof a.detail, "%s", detail);
	if ((e = keeper_change(k)) != ASSAY_OK)
		return e;
	/* what is not in the audit log must not happen */
	if ((e = ledger_audit_append(k->ledger, &a)) != ASSAY_OK)
		keeper_poison(k, e);
	return e;
}
