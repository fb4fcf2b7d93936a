/*
 * keeper_feed.c: the decision stream's sending end; see keeper.h and
 * docs/decision-stream.md.
 *
 * The children that hold the connections are pipes: who may read, where each reader is,
 * what comes next and the sum over it are kept here, and everything is read from the
 * ledger after its commit. A reader asks for more when it has taken what it got, so that
 * a slow one waits for itself only; one that does not ask for FEED_STALL_MS is cut off.
 */
#include "keeper_private.h"

#include "keeper_operation.h"
#include "log.h"
#include "verifier/appraise/text.h"

#include "evidence/json.h"
#include "evidence/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEED_MAX 256	       /* connections */
#define FEED_BATCH_MAX (256u << 10) /* bytes sent at a time */
#define FEED_BATCH_ROWS 128
#define FEED_STALL_MS 30000
#define FEED_MESSAGE_MAX (KEYSET_BYTES_MAX + 256)
#define KEYS_EVERY_S 60
#define FEED_ROOM (40u << 10) /* left in a batch for what may come next */

struct reader_at { /* one connection */
	bool used, local, hungry, current, snapshot;
	const struct child *child;
	uint64_t id;
	uint8_t token_hash[32];
	char peer[64];
	char class_name[RECORD_CLASS_MAX + 1], labels[RECORD_LABELS_MAX + 1];
	char nonce[RECORD_NONCE_MAX + 1];
	uint64_t cursor;       /* everything up to here was sent, or does not match */
	uint64_t snapshot_head;
	char snapshot_after[DEVICE_ID_HEX + 1];
	int64_t fed_ms;	       /* when it was last given something */
	int64_t beat_ms;
	uint32_t keys;	       /* generation of the key set that it has */
	uint64_t count;
	uint8_t sum[32];
};

struct feed {
	struct reader_at at[FEED_MAX];
	unsigned n;
	int64_t extended_s;    /* when extensions were last looked for */
	int64_t keys_s;	       /* when children got the key set last */
	int64_t audit_at;
	uint64_t audit_seq;
	size_t audit_len;
	uint8_t audit[2048];   /* the audit head, signed */
	/* a batch under way */
	struct writer batch;
	uint8_t bytes[FEED_BATCH_MAX], message[FEED_MESSAGE_MAX];
	uint8_t payload[64u << 10];
	struct extension extension;
};

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

/* ---- messages ---- */

static void
begin(struct feed *f)
{
	wr_init(&f->batch, f->bytes, sizeof f->bytes);
}

static bool
has_room(const struct feed *f)
{
	return f->batch.err == ASSAY_OK && f->batch.cap - f->batch.len > FEED_ROOM;
}

/* One message into the batch; it counts from now on. */
static void
add(struct feed *f, struct reader_at *r, const struct writer *m)
{
	if (m->err != ASSAY_OK || stream_sum_add(r->sum, wr_span(m)) != ASSAY_OK) {
		wr_fail(&f->batch, m->err != ASSAY_OK ? m->err : ASSAY_CRYPTO);
		return;
	}
	wr_be32_bytes(&f->batch, wr_span(m));
	r->count++;
}

static void
add_head(struct feed *f, struct reader_at *r, const char *type, uint64_t head)
{
	struct writer m;

	wr_init(&m, f->message, sizeof f->message);
	json_put_text(&m, "{\"type\":");
	json_put_string(&m, type);
	json_put_text(&m, ",\"head\":");
	json_put_integer(&m, (int64_t)head);
	json_put_text(&m, "}");
	add(f, r, &m);
}

static void
add_jws(struct feed *f, struct reader_at *r, const char *type, const char *member, struct span jws)
{
	struct writer m;

	wr_init(&m, f->message, sizeof f->message);
	json_put_text(&m, "{\"type\":");
	json_put_string(&m, type);
	json_put_text(&m, ",\"");
	json_put_text(&m, member);
	json_put_text(&m, "\":\"");
	wr_bytes(&m, jws);
	json_put_text(&m, "\"}");
	add(f, r, &m);
}

static void
add_keys(struct keeper *k, struct reader_at *r)
{
	struct feed *f = k->feed;
	struct writer m;

	wr_init(&m, f->message, sizeof f->message);
	json_put_text(&m, "{\"type\":\"keys\",\"jwks\":");
	if (signing_jwks(k->signing, k->now, &m) == ASSAY_OK)
		json_put_text(&m, "}");
	add(f, r, &m);
	r->keys = signing_generation(k->signing);
}

/* Signed; empty if it cannot be. */
static struct span
sign(struct signer *s, const char *typ, const struct writer *payload)
{
	static uint8_t out[80u << 10];
	struct writer w;

	wr_init(&w, out, sizeof out);
	if (payload->err != ASSAY_OK || signer_jws(s, typ, wr_span(payload), &w) != ASSAY_OK)
		return SPAN(NULL, 0);
	return wr_span(&w);
}

/* The audit head is the same for everybody, and signed again when it is not fresh. */
static enum assay_err
renew_audit_head(struct keeper *k)
{
	struct audit_head a = {.at = k->now};
	struct feed *f = k->feed;
	struct ledger_heads h;
	struct writer w;
	struct span jws;
	enum assay_err e;

	ledger_heads(k->ledger, &h);
	if (f->audit_len && f->audit_seq == h.audit && k->now - f->audit_at < RECORD_HEARTBEAT_S)
		return ASSAY_OK;
	snprintf(a.issuer, sizeof a.issuer, "%s", signing_issuer(k->signing));
	a.seq = h.audit;
	memcpy(a.hash, h.audit_hash, sizeof a.hash);
	wr_init(&w, f->payload, sizeof f->payload);
	if ((e = audit_head_write(&a, &w)) != ASSAY_OK)
		return e;
	jws = sign(signing_audit(k->signing), RECORD_TYP_AUDIT, &w);
	if (jws.n == 0 || jws.n > sizeof f->audit)
		return ASSAY_CRYPTO;
	memcpy(f->audit, jws.p, jws.n);
	f->audit_len = jws.n;
	f->audit_seq = h.audit;
	f->audit_at = k->now;
	return ASSAY_OK;
}

struct span
keeper_feed_audit_head(struct keeper *k)
{
	if (renew_audit_head(k) != ASSAY_OK)
		return SPAN(NULL, 0);
	return SPAN(k->feed->audit, k->feed->audit_len);
}

static void
add_heartbeat(struct keeper *k, struct reader_at *r)
{
	struct feed *f = k->feed;
	struct heartbeat h = {.at = k->now, .count = r->count};
	struct ledger_heads heads;
	struct writer w;
	struct span jws;

	ledger_heads(k->ledger, &heads);
	h.audit = keeper_feed_audit_head(k);
	h.head = heads.decision;
	snprintf(h.issuer, sizeof h.issuer, "%s", signing_issuer(k->signing));
	snprintf(h.nonce, sizeof h.nonce, "%s", r->nonce);
	snprintf(h.class_name, sizeof h.class_name, "%s", r->class_name);
	snprintf(h.labels, sizeof h.labels, "%s", r->labels);
	memcpy(h.sum, r->sum, sizeof h.sum);
	wr_init(&w, f->payload, sizeof f->payload);
	if (h.audit.n == 0 || heartbeat_write(&h, &w) != ASSAY_OK)
		wr_fail(&f->batch, ASSAY_CRYPTO);
	jws = sign(signing_decision(k->signing), RECORD_TYP_HEARTBEAT, &w);
	if (jws.n == 0)
		wr_fail(&f->batch, ASSAY_CRYPTO);
	add_jws(f, r, "heartbeat", "heartbeat", jws);
	r->beat_ms = k->now_ms;
}

static void
add_extension(struct keeper *k, struct reader_at *r)
{
	struct feed *f = k->feed;
	struct writer w;
	struct span jws;

	if (f->extension.n == 0)
		return;
	snprintf(f->extension.issuer, sizeof f->extension.issuer, "%s",
		 signing_issuer(k->signing));
	snprintf(f->extension.nonce, sizeof f->extension.nonce, "%s", r->nonce);
	f->extension.at = k->now;
	wr_init(&w, f->payload, sizeof f->payload);
	if (extension_write(&f->extension, &w) != ASSAY_OK)
		wr_fail(&f->batch, ASSAY_INTERNAL);
	jws = sign(signing_decision(k->signing), RECORD_TYP_EXTENSION, &w);
	if (jws.n == 0)
		wr_fail(&f->batch, ASSAY_CRYPTO);
	add_jws(f, r, "extension", "extension", jws);
	f->extension.n = 0;
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

/* Keeper's own record, as the ledger's MAC vouches for it. */
static bool
record_of(struct feed *f, const struct ledger_decision *row, struct record *ret)
{
	struct jws j;

	return row->record.n > 0 &&
	       jws_parse(row->record, f->payload, sizeof f->payload, &j) == ASSAY_OK &&
	       record_read(j.payload, ret) == ASSAY_OK;
}

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

	if (row->previous == 0)
		return false;
	if (ledger_decision_prev(k->ledger, row->device, row->seq, &prev) != ASSAY_OK ||
	    !record_of(k->feed, &prev, &before))
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
	add_head(k->feed, r, "snapshot", heads.decision);
}

/* The newest record of each device as of the snapshot's head. */
static void
go_on_with_snapshot(struct keeper *k, struct reader_at *r)
{
	static struct record record;
	struct ledger_decision row;
	enum assay_err e = ASSAY_OK;

	for (unsigned i = 0; i < FEED_BATCH_ROWS && has_room(k->feed); i++) {
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
		    record_of(k->feed, &row, &record) && wants(r, &record))
			add_jws(k->feed, r, "decision", "record", row.record);
	}
}

/* Rows after the cursor. A gap means that rows are no longer kept: a snapshot then. */
static void
go_on_with_log(struct keeper *k, struct reader_at *r)
{
	static struct record record;
	struct ledger_decision row;

	for (unsigned i = 0; i < FEED_BATCH_ROWS && has_room(k->feed); i++) {
		enum assay_err e = ledger_decision_next(k->ledger, r->cursor, &row);

		if (e == ASSAY_NOT_FOUND)
			return;
		if (e != ASSAY_OK || row.seq != r->cursor + 1 ||
		    !record_of(k->feed, &row, &record)) {
			start_snapshot(k, r);
			return;
		}
		if (wants(r, &record))
			add_jws(k->feed, r, "decision", "record", row.record);
		else if (knew(k, r, &row))
			add_jws(k->feed, r, "gone", "record", row.record);
		r->cursor = row.seq;
	}
}

static void
extend(struct keeper *k, struct reader_at *r, const struct live_device *d)
{
	struct extension *x = &k->feed->extension;

	if (d->decision == OUTCOME_QUARANTINE || d->seq == 0 || d->expires_at <= k->now ||
	    d->seq > r->cursor ||
	    !record_matches(d->class_name, d->labels, r->class_name, r->labels))
		return;
	memcpy(x->entry[x->n].device, d->id, sizeof x->entry[x->n].device);
	x->entry[x->n].seq = d->seq;
	x->entry[x->n].expires = d->expires_at;
	if (++x->n == RECORD_EXTEND_MAX)
		add_extension(k, r);
}

/* Everything up to the head was sent: say so, extend what was extended, and vouch. */
static void
caught_up(struct keeper *k, struct reader_at *r)
{
	k->feed->extension.n = 0;
	for (size_t i = 0; i < k->live.size; i++)
		if (k->live.slots[i].id[0])
			extend(k, r, &k->live.slots[i]);
	add_extension(k, r);
	add_head(k->feed, r, "current", r->cursor);
	add_heartbeat(k, r);
	r->current = true;
}

static void
give_more(struct keeper *k, struct reader_at *r)
{
	struct ledger_heads heads;

	ledger_heads(k->ledger, &heads);
	begin(k->feed);
	if (r->keys != signing_generation(k->signing))
		add_keys(k, r);
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
		begin(f);
		f->extension.n = 0;
		for (size_t s = 0; s < k->live.size; s++)
			if (is_due(k, &k->live.slots[s]))
				extend(k, r, &k->live.slots[s]);
		add_extension(k, r);
		send_batch(k, r);
	}
	for (size_t s = 0; s < k->live.size; s++)
		if (is_due(k, &k->live.slots[s])) {
			k->live.slots[s].told_at = k->now;
			k->live.slots[s].told_expires = k->live.slots[s].expires_at;
		}
}

/* A token that was revoked or has expired ends its streams. */
static bool
still_permitted(struct keeper *k, const struct reader_at *r)
{
	struct ledger_operator o;

	return r->local || (ledger_operator_by_hash(k->ledger, r->token_hash, &o) == ASSAY_OK &&
			    !o.revoked && o.expires > k->now &&
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
	begin(k->feed);
	add_heartbeat(k, r);
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

	r->used = true;
	r->child = c;
	r->id = m->id;
	if (operation_decode(m->payload, &call.op) != ASSAY_OK)
		return "malformed";
	text_format(r->peer, sizeof r->peer, "%s", call.op.peer);
	/* Only console has a socket that says who is there. */
	if (call.op.code != OP_DECISION_STREAM || (call.op.local && c->role != ROLE_CONSOLE) ||
	    call_permit(&call) != ASSAY_OK)
		return "token";
	if (ledger_fault(k->ledger) != ASSAY_OK)
		return "fault";
	r->local = call.op.local;
	memcpy(r->token_hash, call.op.token_hash, sizeof r->token_hash);
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
	begin(k->feed);
	add_keys(k, r);
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
