/* keeper_operation_result.c: what relying parties ask, and the keys and the audit log
 * that they believe it by; see keeper_operation.h. */
#include "keeper_operation.h"

#include "verifier/appraise/text.h"

#include "evidence/auditlog.h"
#include "evidence/ear.h"
#include "verifier/result/signing.h"

#include <string.h>

#define EXPORT_ENTRIES 1000 /* of one answer */
#define EXPORT_BYTES (EXPORT_ENTRIES * 2048 + AUDITLOG_LINE_MAX)
#define OVERLAP_DEFAULT_S 86400

/* ---- decisions ---- */

/* The record as it was signed, what it holds now, and until when. */
enum assay_err
operation_on_decision_show(struct call *c)
{
	static struct ledger_device d;
	struct ledger_decision row;
	struct decision_view v;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = keeper_decision(c->k, &d, &v)) != ASSAY_OK)
		return e;
	e = ledger_decision_prev(c->l, d.id, 0, &row);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, e, "there is no decision about the device yet");
	if (e != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:s, s:o, s:s, s:s, s:s, s:I, s:o, s:o, s:s%}", "now",
			   (json_int_t)keeper_now(c->k), "device", d.id, "name", json_text(d.name),
			   "tier", tier_name(d.tier), "decision", outcome_name(v.outcome), "reason",
			   v.reason, "sequence",
			   (json_int_t)row.seq, "issued", json_time(row.at), "expires",
			   v.outcome == OUTCOME_QUARANTINE ? json_null() : json_time(v.expires),
			   "record", (const char *)row.record.p, row.record.n);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static enum assay_err
read_token_request(struct call *c, struct keeper_token_request *t)
{
	size_t n = c->op.field[F_NONCE].n;

	call_text(c, F_NONCE, t->nonce, sizeof t->nonce);
	call_text(c, F_AUDIENCE, t->audience, sizeof t->audience);
	if (n != 0 && (n < EAR_NONCE_MIN || n > EAR_NONCE_MAX))
		return call_fail(c, ASSAY_MALFORMED, "nonce: must be %d to %d characters",
				 EAR_NONCE_MIN, EAR_NONCE_MAX);
	if (c->op.field[F_AUDIENCE].n >= sizeof t->audience)
		return call_fail(c, ASSAY_MALFORMED, "audience: is too long");
	return ASSAY_OK;
}

enum assay_err
operation_on_decision_token(struct call *c)
{
	static uint8_t token[KEEPER_TOKEN_MAX];
	static struct ledger_device d;
	struct keeper_token_request t = {.device = &d};
	const char *why = NULL;
	struct writer w;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = read_token_request(c, &t)) != ASSAY_OK)
		return e;
	wr_init(&w, token, sizeof token);
	if ((e = keeper_token(c->k, &t, &w, &why)) != ASSAY_OK)
		return why ? call_fail(c, e, "no token: %s", why) : e;
	c->ret = json_pack("{s:I, s:s, s:s%}", "now", (json_int_t)keeper_now(c->k), "device", d.id,
			   "token", (const char *)token, w.len);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* ---- keys ---- */

static json_t *
json_key(const struct keyset_key *key, int64_t now)
{
	const char *state = key->until == 0	? "current"
			    : key->until > now ? "accepted"
						: "retired";

	return json_pack("{s:s, s:s, s:s, s:I, s:o}", "kid", key->kid, "role",
			 key->role == KEYSET_AUDIT ? "audit" : "decision", "state", state, "since",
			 (json_int_t)key->since, "until", json_time(key->until));
}

static enum assay_err
answer_keys(struct call *c, const struct keyset *set)
{
	const struct signing *s = keeper_signing(c->k);
	json_t *list = json_array();

	c->ret = json_pack("{s:I, s:s, s:s, s:o}", "now", (json_int_t)keeper_now(c->k), "issuer",
			   signing_issuer(s), "root", signing_root(s),
			   "keys", list);
	if (!c->ret)
		return ASSAY_NO_MEMORY;
	for (uint32_t i = set->n; i-- > 0;)
		if (json_array_append_new(list, json_key(&set->key[i], keeper_now(c->k))) != 0)
			return ASSAY_NO_MEMORY;
	return ASSAY_OK;
}

enum assay_err
operation_on_key_list(struct call *c)
{
	return answer_keys(c, signing_keyset(keeper_signing(c->k)));
}

/* The key is prepared, and counts when its entry in the audit log is durable: one without
 * the other there is not (keeper_finish_turn). */
static enum assay_err
rotate(struct call *c, enum keyset_role role, uint64_t overlap)
{
	struct signing *s = keeper_signing(c->k);
	const struct keyset *set = signing_prepared(s);
	char detail[LEDGER_TEXT_MAX];
	enum assay_err e;

	if (set->n == KEYSET_KEYS_MAX)
		return call_fail(c, ASSAY_STATE, "there were %d keys already; the chain is full",
				 KEYSET_KEYS_MAX);
	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	text_format(detail, sizeof detail, "%s key, overlap %llu s",
		    role == KEYSET_AUDIT ? "audit" : "decision", (unsigned long long)overlap);
	e = signing_rotate(s, role, keeper_now(c->k), (int64_t)overlap);
	set = signing_prepared(s);
	if (e != ASSAY_OK || (e = call_audit(c, set->key[set->n - 1].kid, detail)) != ASSAY_OK) {
		keeper_poison(c->k, e);
		return e;
	}
	return answer_keys(c, set);
}

enum assay_err
operation_on_key_rotate(struct call *c)
{
	char scope[OPERATION_TEXT_MAX + 1];
	enum keyset_role role = KEYSET_DECISION;
	uint64_t overlap;
	enum assay_err e;

	if ((e = call_need(c, F_SCOPE, scope)) != ASSAY_OK)
		return e;
	if (strcmp(scope, "audit") == 0)
		role = KEYSET_AUDIT;
	else if (strcmp(scope, "decision") != 0)
		return call_fail(c, ASSAY_MALFORMED, "scope: must be decision or audit");
	if ((e = call_number(c, F_EXPIRES,
			     (struct call_range){0, SIGNING_OVERLAP_MAX_S, OVERLAP_DEFAULT_S},
			     &overlap)) != ASSAY_OK)
		return e;
	return rotate(c, role, overlap);
}

/* ---- the audit log ---- */

static enum assay_err
put_entry(const struct ledger_audit *a, struct writer *w)
{
	struct auditlog_entry x = {.seq = a->seq, .at = a->at};

	text_format(x.actor, sizeof x.actor, "%s", a->actor);
	text_format(x.action, sizeof x.action, "%s", a->action);
	text_format(x.object, sizeof x.object, "%s", a->object);
	text_format(x.detail, sizeof x.detail, "%s", a->detail);
	memcpy(x.previous, a->previous, sizeof x.previous);
	memcpy(x.hash, a->hash, sizeof x.hash);
	return auditlog_put(&x, w);
}

/* Entries after a number, as lines; the line that ends the file once the last is there. */
enum assay_err
operation_on_audit_export(struct call *c)
{
	static uint8_t out[EXPORT_BYTES];
	struct ledger_audit a;
	struct writer w;
	uint64_t after;
	unsigned n = 0;
	enum assay_err e;

	if ((e = call_number(c, F_AFTER, (struct call_range){0, INT64_MAX, 0}, &after)) != ASSAY_OK)
		return e;
	wr_init(&w, out, sizeof out);
	a.seq = after;
	while (n++ < EXPORT_ENTRIES && (e = ledger_audit_next(c->l, a.seq, &a)) == ASSAY_OK)
		if ((e = put_entry(&a, &w)) != ASSAY_OK)
			return e;
	if (e == ASSAY_NOT_FOUND)
		e = auditlog_put_end(keeper_audit_head(c->k), signing_chain(keeper_signing(c->k)),
				     &w);
	if (e == ASSAY_OK)
		c->bytes = wr_span(&w);
	return e;
}
