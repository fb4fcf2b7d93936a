/*
 * keeper_feed.c: the decision stream's sending end; see keeper.h and
 * docs/decision-stream.md.
 *
 * The children that hold the connections are pipes: who may read, where each reader is,
 * what comes next and the sum over it are kept here, and everything is read from the
 * ledger after its commit. A reader asks for more when it has taken what it got, so that
 * a slow one waits for itself only; one that does not ask for FEED_STALL_MS is cut off.
 */
#include "keeper_feed.h"

#include "keeper_operation.h"
#include "log.h"
#include "verifier/appraise/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEED_BATCH_ROWS 128
#define FEED_STALL_MS 30000
#define KEYS_EVERY_S 60

enum assay_err
keeper_feed_init(struct keeper *k)
{
	k->feed = calloc(1, sizeof *k->feed);
	return k->feed ? ASSAY_OK : ASSAY_NO_MEMORY;
}

void
keeper_feed_free(struct keeper *k)
{
	free(k->feed);
	k->feed = NULL;
}

static struct child *
child_of(struct keeper *k, const struct reader_at *r)
{
	return &k->children[r->child - k->children];
}

static void
forget(struct keeper *k, struct reader_at *r)
{
	memset(r, 0, sizeof *r);
	k->feed->n--;
}

/* The connection ends with this word. */
static void
end_with(struct keeper *k, struct reader_at *r, const char *word)
{
	struct child *c = child_of(k, r);

	log_event(LOG_LEVEL_INFO, "stream-end", "peer", r->peer, "reason", word, NULL);
	if (ipc_send(&c->ipc, IPC_FEED_END, r->id, SPAN(word, strlen(word))) == ASSAY_OK)
		keeper_watch(k, c);
	forget(k, r);
}

/* What was put together leaves; the reader is not asked for more until it asks. */
static void
send_batch(struct keeper *k, struct reader_at *r)
{
	struct child *c = child_of(k, r);
	struct feed *f = k->feed;
	enum assay_err e = f->batch.err;

	if (e == ASSAY_OK && f->batch.len == 0)
		return;
	if (e == ASSAY_OK)
		e = ipc_send(&c->ipc, IPC_FEED, r->id, wr_span(&f->batch));
	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "stream", "peer", r->peer, "error", assay_err_name(e),
			  NULL);
		end_with(k, r, "internal");
		return;
	}
	keeper_watch(k, c);
	if (r->hungry)
		r->fed_ms = k->now_ms;
	r->hungry = false;
}

/* ---- what comes next ---- */

static bool
wants(const struct reader_at *r, const struct record *record)
{
	return record_matches(record->class_name, record->labels, r->class_name, r->labels);
}

/* Whether the reader knows the device by its record before; if that is not kept any more,
 * it may. */
static bool
knew(struct keeper *k, const struct reader_at *r, const struct ledger_decision *row)
{
	static struct record before;
	struct ledger_decision prev;
	struct span jws;

	if (row->previous == 0)
		return false;
	if (ledger_decision_prev(k->ledger, row->device, row->seq, &prev) != ASSAY_OK ||
	    !feed_record(k, &prev, &before, &jws))
		return true;
	return wants(r, &before);
}

static void
start_snapshot(struct keeper *k, struct reader_at *r)
{
	struct ledger_heads heads;

	ledger_heads(k->ledger, &heads);
	r->snapshot = true;
	r->current = false;
	r->snapshot_head = heads.decision;
	r->snapshot_after[0] = '\0';
	feed_add_head(k->feed, r, "snapshot", heads.decision);
}

/* The newest record of each device as of the snapshot's head. */
static void
go_on_with_snapshot(struct keeper *k, struct reader_at *r)
{
	static struct record record;
	struct ledger_decision row;
	struct span jws;
	enum assay_err e = ASSAY_OK;

	for (unsigned i = 0; i < FEED_BATCH_ROWS && feed_has_room(k->feed); i++) {
		e = ledger_device_next(k->ledger, r->snapshot_after, &k->device);
		if (e == ASSAY_NOT_FOUND) {
			r->snapshot = false;
			r->cursor = r->snapshot_head;
			return;
		}
		if (e != ASSAY_OK && e != ASSAY_TAMPERED) {
			wr_fail(&k->feed->batch, e);
			return;
		}
		memcpy(r->snapshot_after, k->device.id, sizeof r->snapshot_after);
		if (ledger_decision_prev(k->ledger, k->device.id, r->snapshot_head + 1, &row) ==
			    ASSAY_OK &&
		    feed_record(k, &row, &record, &jws) && wants(r, &record))
			feed_add_record(k->feed, r, "decision", jws);
	}
}

/* Rows after the cursor. A gap means that rows are no longer kept: a snapshot then. */
static void
go_on_with_log(struct keeper *k, struct reader_at *r)
{
	static struct record record;
	struct ledger_decision row;
	struct span jws;

	for (unsigned i = 0; i < FEED_BATCH_ROWS && feed_has_room(k->feed); i++) {
		enum assay_err e = ledger_decision_next(k->ledger, r->cursor, &row);

		if (e == ASSAY_NOT_FOUND)
			return;
		if (e != ASSAY_OK || row.seq != r->cursor + 1 ||
		    !feed_record(k, &row, &record, &jws)) {
			start_snapshot(k, r);
			return;
		}
		if (wants(r, &record))
			feed_add_record(k->feed, r, "decision", jws);
		else if (knew(k, r, &row) && feed_record(k, &row, &record, &jws))
			feed_add_record(k->feed, r, "gone", jws);
		r->cursor = row.seq;
	}
}

static void
extend(struct keeper *k, struct reader_at *r, struct live_device *d)
{
	struct extension *x = &k->feed->extension;

	if (d->decision == OUTCOME_QUARANTINE || d->seq == 0 || d->expires_at <= k->now ||
	    d->seq > r->cursor ||
	    !record_matches(d->class_name, d->labels, r->class_name, r->labels))
		return;
	memcpy(x->entry[x->n].device, d->id, sizeof x->entry[x->n].device);
	x->entry[x->n].seq = d->seq;
	x->entry[x->n].expires = d->expires_at;
	if (d->told_most < d->expires_at)
		d->told_most = d->expires_at;
	if (++x->n == RECORD_EXTEND_MAX)
		feed_add_extension(k, r);
}

/* Everything up to the head was sent: say so, extend what was extended, and vouch. */
static void
caught_up(struct keeper *k, struct reader_at *r)
{
	k->feed->extension.n = 0;
	for (size_t i = 0; i < k->live.size; i++)
		if (k->live.slots[i].id[0])
			extend(k, r, &k->live.slots[i]);
	feed_add_extension(k, r);
	feed_add_head(k->feed, r, "current", r->cursor);
	feed_add_heartbeat(k, r);
	r->current = true;
}

static void
give_more(struct keeper *k, struct reader_at *r)
{
	struct ledger_heads heads;

	ledger_heads(k->ledger, &heads);
	feed_begin(k->feed);
	if (r->keys != signing_generation(k->signing))
		feed_add_keys(k, r);
	if (r->snapshot)
		go_on_with_snapshot(k, r);
	else if (r->cursor < heads.decision)
		go_on_with_log(k, r);
	if (!r->snapshot && !r->current && r->cursor >= heads.decision)
		caught_up(k, r);
	send_batch(k, r);
}

/* ---- time ---- */

/* Half of the validity that was told is over, and there is a later end. */
static bool
is_due(const struct keeper *k, const struct live_device *d)
{
	return d->id[0] && d->decision != OUTCOME_QUARANTINE && d->expires_at > d->told_expires &&
	       2 * (d->told_expires - k->now) <= d->told_expires - d->told_at;
}

/* Those that are current hear of what became valid for longer. */
static void
extend_all(struct keeper *k)
{
	struct feed *f = k->feed;

	for (unsigned i = 0; i < FEED_MAX; i++) {
		struct reader_at *r = &f->at[i];

		if (!r->used || !r->current)
			continue;
		feed_begin(f);
		f->extension.n = 0;
		for (size_t s = 0; s < k->live.size; s++)
			if (is_due(k, &k->live.slots[s]))
				extend(k, r, &k->live.slots[s]);
		feed_add_extension(k, r);
		send_batch(k, r);
	}
	for (size_t s = 0; s < k->live.size; s++)
		if (is_due(k, &k->live.slots[s])) {
			k->live.slots[s].told_at = k->now;
			k->live.slots[s].told_expires = k->live.slots[s].expires_at;
		}
}

/* A token or certificate that was revoked or has expired ends its streams. */
static bool
still_permitted(struct keeper *k, const struct reader_at *r)
{
	struct ledger_operator o;

	return r->local || (call_owner(k, &r->caller, &o) == ASSAY_OK &&
			    operation_permitted(OP_DECISION_STREAM, o.role));
}

static void
beat(struct keeper *k, struct reader_at *r)
{
	if (!r->hungry && k->now_ms - r->fed_ms > FEED_STALL_MS) {
		end_with(k, r, "slow");
		return;
	}
	if (k->now_ms - r->beat_ms < RECORD_HEARTBEAT_S * 1000)
		return;
	if (!still_permitted(k, r)) {
		end_with(k, r, "token");
		return;
	}
	feed_begin(k->feed);
	feed_add_heartbeat(k, r);
	send_batch(k, r);
}

void
keeper_feed_turn(struct keeper *k)
{
	struct feed *f = k->feed;
	struct ledger_heads heads;

	if (k->now - f->keys_s >= KEYS_EVERY_S) {
		f->keys_s = k->now; /* an overlap may have ended */
		keeper_feed_keys(k, NULL);
	}
	if (f->n == 0)
		return;
	if (ledger_fault(k->ledger) != ASSAY_OK) {
		for (unsigned i = 0; i < FEED_MAX; i++)
			if (f->at[i].used)
				end_with(k, &f->at[i], "fault");
		return;
	}
	ledger_heads(k->ledger, &heads);
	for (unsigned i = 0; i < FEED_MAX; i++) {
		struct reader_at *r = &f->at[i];

		if (r->used && r->hungry &&
		    (r->cursor < heads.decision || r->snapshot || !r->current ||
		     r->keys != signing_generation(k->signing)))
			give_more(k, r);
		if (r->used)
			beat(k, r);
	}
	if (f->extended_s != k->now) {
		f->extended_s = k->now;
		extend_all(k);
	}
}

/* ---- connections ---- */

static struct reader_at *
find(struct keeper *k, const struct child *c, uint64_t id)
{
	for (unsigned i = 0; i < FEED_MAX; i++)
		if (k->feed->at[i].used && k->feed->at[i].child == c && k->feed->at[i].id == id)
			return &k->feed->at[i];
	return NULL;
}

static bool
is_nonce(const char *s)
{
	size_t n = strlen(s);

	return n >= RECORD_NONCE_MIN && n <= RECORD_NONCE_MAX &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

/* What was asked for, into *r; the word to end with, or NULL. */
static const char *
read_request(struct call *c, struct reader_at *r)
{
	char nonce[OPERATION_TEXT_MAX + 1];
	struct ledger_heads heads;
	uint64_t after;

	ledger_heads(c->l, &heads);
	call_text(c, F_NONCE, nonce, sizeof nonce);
	if (!is_nonce(nonce) || call_class(c, r->class_name) != ASSAY_OK ||
	    call_labels(c, r->labels) != ASSAY_OK ||
	    call_number(c, F_AFTER, (struct call_range){0, INT64_MAX, 0}, &after) != ASSAY_OK)
		return "malformed";
	if (after > heads.decision)
		return "ahead";
	text_format(r->nonce, sizeof r->nonce, "%s", nonce);
	r->cursor = after;
	r->snapshot = !call_has(c, F_AFTER);
	return NULL;
}

static const char *
admit(struct keeper *k, struct child *c, const struct ipc_msg *m, struct reader_at *r)
{
	struct call call = {.k = k, .l = k->ledger, .id = m->id};
	enum assay_err e;

	r->used = true;
	r->child = c;
	r->id = m->id;
	if (operation_decode(m->payload, &call.op) != ASSAY_OK)
		return "malformed";
	text_format(r->peer, sizeof r->peer, "%s", call.op.peer);
	/* Only console has a socket that says who is there, and asks for certificates. */
	if (call.op.code != OP_DECISION_STREAM ||
	    (c->role != ROLE_CONSOLE &&
	     (call.op.local || call.op.caller.kind == CREDENTIAL_CERTIFICATE)))
		return "token";
	if ((e = call_permit(&call)) != ASSAY_OK)
		return e == ASSAY_LIMITED ? "busy" : "token";
	if (ledger_fault(k->ledger) != ASSAY_OK)
		return "fault";
	r->local = call.op.local;
	r->caller = call.op.caller;
	log_event(LOG_LEVEL_INFO, "stream", "peer", r->peer, "actor", call.actor, NULL);
	return read_request(&call, r);
}

void
keeper_on_feed_open(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct reader_at *r = NULL;
	const char *word;

	for (unsigned i = 0; i < FEED_MAX && !r; i++)
		if (!k->feed->at[i].used)
			r = &k->feed->at[i];
	if (find(k, c, m->id)) {
		keeper_child_lost(k, c, "opened a stream twice");
		return;
	}
	if (!r) {
		if (ipc_send(&c->ipc, IPC_FEED_END, m->id, SPAN("busy", 4)) == ASSAY_OK)
			keeper_watch(k, c);
		return;
	}
	memset(r, 0, sizeof *r);
	k->feed->n++;
	word = admit(k, c, m, r);
	if (!word && stream_sum_start(r->nonce, r->sum) != ASSAY_OK)
		word = "internal";
	if (word) {
		end_with(k, r, word);
		return;
	}
	r->hungry = true;
	r->fed_ms = r->beat_ms = k->now_ms;
	feed_begin(k->feed);
	feed_add_keys(k, r);
	if (r->snapshot)
		start_snapshot(k, r);
	send_batch(k, r);
}

void
keeper_on_feed_pull(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct reader_at *r = find(k, c, m->id);

	if (r)
		r->hungry = true;
}

void
keeper_on_feed_closed(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct reader_at *r = find(k, c, m->id);

	if (r)
		forget(k, r);
}

void
keeper_feed_child_lost(struct keeper *k, const struct child *c)
{
	for (unsigned i = 0; k->feed && i < FEED_MAX; i++)
		if (k->feed->at[i].used && k->feed->at[i].child == c)
			forget(k, &k->feed->at[i]);
}

void
keeper_feed_keys(struct keeper *k, struct child *c)
{
	struct writer w;

	if (!k->feed)
		return;
	wr_init(&w, k->feed->message, sizeof k->feed->message);
	if (signing_jwks(k->signing, k->now, &w) != ASSAY_OK)
		return;
	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
		struct child *to = &k->children[i];

		if (!to->pid || !to->ready || (c && to != c) ||
		    (to->role != ROLE_NET && to->role != ROLE_CONSOLE))
			continue;
		if (ipc_send(&to->ipc, IPC_KEYS, 0, wr_span(&w)) == ASSAY_OK)
			keeper_watch(k, to);
	}
}
