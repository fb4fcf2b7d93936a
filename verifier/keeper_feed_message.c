/* keeper_feed_message.c: the messages of the decision stream; see keeper_feed.h. */
#include "keeper_feed.h"

#include "evidence/json.h"

#include <stdio.h>
#include <string.h>

void
feed_begin(struct feed *f)
{
	wr_init(&f->batch, f->bytes, sizeof f->bytes);
}

bool
feed_has_room(const struct feed *f)
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

void
feed_add_head(struct feed *f, struct reader_at *r, const char *type, uint64_t head)
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

void
feed_add_keys(struct keeper *k, struct reader_at *r)
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
keeper_audit_head(struct keeper *k)
{
	if (renew_audit_head(k) != ASSAY_OK)
		return SPAN(NULL, 0);
	return SPAN(k->feed->audit, k->feed->audit_len);
}

void
feed_add_heartbeat(struct keeper *k, struct reader_at *r)
{
	struct feed *f = k->feed;
	struct heartbeat h = {.at = k->now, .count = r->count};
	struct ledger_heads heads;
	struct writer w;
	struct span jws;

	ledger_heads(k->ledger, &heads);
	h.audit = keeper_audit_head(k);
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

void
feed_add_extension(struct keeper *k, struct reader_at *r)
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

void
feed_add_record(struct feed *f, struct reader_at *r, const char *type, struct span jws)
{
	add_jws(f, r, type, "record", jws);
}

bool
feed_record(struct keeper *k, const struct ledger_decision *row, struct record *ret,
	    struct span *ret_jws)
{
	struct feed *f = k->feed;
	struct writer w;
	struct jws j;

	if (row->record.n == 0 ||
	    jws_parse(row->record, f->payload, sizeof f->payload, &j) != ASSAY_OK ||
	    record_read(j.payload, ret) != ASSAY_OK)
		return false;
	*ret_jws = row->record;
	if (strcmp(j.kid, signer_kid(signing_decision(k->signing))) == 0)
		return true;
	wr_init(&w, f->record, sizeof f->record);
	if (signer_jws(signing_decision(k->signing), RECORD_TYP_DECISION, j.payload,
		       &w) != ASSAY_OK)
		return false;
	*ret_jws = wr_span(&w);
	return true;
}
