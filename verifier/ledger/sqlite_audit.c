/* sqlite_audit.c: the audit log; see ledger.h.
 *
 * Each entry's hash covers the entry before; the meta row, under its MAC, names the
 * newest. So no entry can be changed, taken away or cut off unseen. */
#include "sqlite_engine.h"

#include <string.h>

static enum assay_err
audit_read(struct row *r, struct ledger_audit *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->seq = row_get_u64(r);
	ret->at = row_get_int(r);
	row_get_text(r, ret->actor, sizeof ret->actor);
	row_get_text(r, ret->action, sizeof ret->action);
	row_get_text(r, ret->object, sizeof ret->object);
	row_get_text(r, ret->detail, sizeof ret->detail);
	row_get_bytes(r, ret->previous, sizeof ret->previous);
	row_get_bytes(r, ret->hash, sizeof ret->hash);
	return row_end(r);
}

static void
audit_write(const struct ledger_audit *a, struct row *r)
{
	row_init(r);
	row_u64(r, a->seq);
	row_int(r, a->at);
	row_text(r, a->actor, sizeof a->actor);
	row_text(r, a->action, sizeof a->action);
	row_text(r, a->object, sizeof a->object);
	row_text(r, a->detail, sizeof a->detail);
	row_blob(r, SPAN(a->previous, 32), 32);
	row_blob(r, SPAN(a->hash, 32), 32);
}

enum assay_err
ledger_audit_append(struct ledger *l, struct ledger_audit *a)
{
	struct ledger_audit n = *a;
	struct row r;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK)
		return e;
	n.seq = l->meta.audit_seq + 1;
	memcpy(n.previous, l->meta.audit_hash, sizeof n.previous);
	if ((e = ledger_audit_hash(&n, n.hash)) != ASSAY_OK)
		return e;
	audit_write(&n, &r);
	if ((e = statement_change(l, S_AUDIT_PUT, &r, NULL)) != ASSAY_OK)
		return e;
	l->meta.audit_seq = n.seq;
	memcpy(l->meta.audit_hash, n.hash, sizeof n.hash);
	*a = n;
	return ASSAY_OK;
}

/* The stored hash of an entry; zeros before the first. */
static enum assay_err
audit_hash_of(struct ledger *l, uint64_t seq, uint8_t ret[32])
{
	struct row key, r;
	enum assay_err e;

	memset(ret, 0, 32);
	if (seq == 0)
		return ASSAY_OK;
	row_init(&key);
	row_u64(&key, seq);
	if ((e = statement_row(l, S_AUDIT_HASH, &key, &r)) != ASSAY_OK)
		return e == ASSAY_NOT_FOUND ? ASSAY_TAMPERED : e;
	row_get_bytes(&r, ret, 32);
	return row_end(&r);
}

/* An entry must hold its own hash and name that of the one before; the newest must be
 * the one that meta names. */
static enum assay_err
audit_verify(struct ledger *l, const struct ledger_audit *a)
{
	uint8_t hash[32], previous[32];
	enum assay_err e;

	if (a->seq == 0 || a->seq > l->meta.audit_seq)
		return ASSAY_TAMPERED;
	if ((e = ledger_audit_hash(a, hash)) != ASSAY_OK ||
	    (e = audit_hash_of(l, a->seq - 1, previous)) != ASSAY_OK)
		return e;
	if (!span_equal(SPAN(hash, 32), SPAN(a->hash, 32)) ||
	    !span_equal(SPAN(previous, 32), SPAN(a->previous, 32)))
		return ASSAY_TAMPERED;
	if (a->seq == l->meta.audit_seq &&
	    !span_equal(SPAN(hash, 32), SPAN(l->meta.audit_hash, 32)))
		return ASSAY_TAMPERED;
	return ASSAY_OK;
}

static enum assay_err
audit_select(struct ledger *l, enum statement_id s, const struct row *keys,
	     struct ledger_audit *ret)
{
	struct row r;
	enum assay_err e;

	if ((e = statement_row(l, s, keys, &r)) != ASSAY_OK ||
	    (e = audit_read(&r, ret)) != ASSAY_OK)
		return e;
	return audit_verify(l, ret);
}

enum assay_err
ledger_audit_next(struct ledger *l, uint64_t after, struct ledger_audit *ret)
{
	struct ledger_audit a;
	struct row key;
	enum assay_err e;

	row_init(&key);
	row_u64(&key, after);
	if ((e = audit_select(l, S_AUDIT_NEXT, &key, &a)) == ASSAY_NOT_FOUND)
		return after < l->meta.audit_seq ? ASSAY_TAMPERED : ASSAY_NOT_FOUND;
	if (e != ASSAY_OK || a.seq != after + 1)
		return e == ASSAY_OK ? ASSAY_TAMPERED : e;
	*ret = a;
	return ASSAY_OK;
}

/* Without an object there are no gaps; with one, that none is missing cannot be seen. */
enum assay_err
ledger_audit_prev(struct ledger *l, const char *object, uint64_t before,
		  struct ledger_audit *ret)
{
	uint64_t bound = before == 0 || before > l->meta.audit_seq ? l->meta.audit_seq + 1 : before;
	bool any = object[0] == '\0';
	struct ledger_audit a;
	struct row keys;
	enum assay_err e;

	row_init(&keys);
	row_u64(&keys, before == 0 ? INT64_MAX : before);
	if (!any)
		row_text(&keys, object, sizeof a.object);
	e = audit_select(l, any ? S_AUDIT_BEFORE : S_AUDIT_OF, &keys, &a);
	if (any && e == ASSAY_NOT_FOUND)
		return bound > 1 ? ASSAY_TAMPERED : ASSAY_NOT_FOUND;
	if (e == ASSAY_OK && (any ? a.seq != bound - 1 : strcmp(a.object, object) != 0))
		e = ASSAY_TAMPERED;
	if (e == ASSAY_OK)
		*ret = a;
	return e;
}

enum assay_err
audit_check_last(struct ledger *l, struct ledger_report *report)
{
	struct ledger_audit a;
	enum assay_err e = ASSAY_OK;

	if (l->meta.audit_seq > 0)
		e = ledger_audit_next(l, l->meta.audit_seq - 1, &a);
	if (e == ASSAY_OK && ledger_audit_next(l, l->meta.audit_seq, &a) != ASSAY_NOT_FOUND)
		e = ASSAY_TAMPERED;
	if (e == ASSAY_TAMPERED)
		engine_report(report, "the end of the audit log was changed");
	return e;
}

enum assay_err
audit_check(struct ledger *l, struct ledger_report *report)
{
	struct ledger_audit a = {0};
	enum assay_err e;

	while ((e = ledger_audit_next(l, a.seq, &a)) == ASSAY_OK)
		continue;
	if (e == ASSAY_TAMPERED)
		engine_report(report, "the audit log was changed at entry %llu or before it",
			      (unsigned long long)a.seq + 1);
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}
