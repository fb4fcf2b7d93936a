/* sqlite_decision.c: decisions, and what is forgotten of them; see ledger.h. */
#include "sqlite_engine.h"

#include <string.h>

static void
decision_write(const struct ledger_decision *d, struct row *r)
{
	row_init(r);
	row_u64(r, d->seq);
	row_u64(r, d->previous);
	row_text(r, d->device, sizeof d->device);
	row_int(r, d->outcome);
	row_int(r, d->before);
	row_text(r, d->reason, sizeof d->reason);
	row_text(r, d->detail, sizeof d->detail);
	row_int(r, d->at);
	row_int(r, d->expires);
	row_blob(r, d->record, LEDGER_RECORD_MAX);
}

static enum assay_err
decision_read(struct row *r, struct ledger_decision *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->seq = row_get_u64(r);
	ret->previous = row_get_u64(r);
	row_get_text(r, ret->device, sizeof ret->device);
	ret->outcome = (enum outcome)row_get_enum(r, OUTCOME_COUNT);
	ret->before = (enum outcome)row_get_enum(r, OUTCOME_COUNT);
	row_get_text(r, ret->reason, sizeof ret->reason);
	row_get_text(r, ret->detail, sizeof ret->detail);
	ret->at = row_get_int(r);
	ret->expires = row_get_int(r);
	ret->record = row_get_blob(r, LEDGER_RECORD_MAX);
	return row_end(r);
}

/* What max(seq) gives; 0 for no row. */
static enum assay_err
last_seq(struct ledger *l, const char *device, uint64_t *ret)
{
	struct row key, r;
	enum assay_err e;
	uint64_t seq;

	row_init(&key);
	row_text(&key, device, DEVICE_ID_HEX + 1);
	if ((e = statement_row(l, S_DECISION_LAST, &key, &r)) != ASSAY_OK)
		return e;
	if (r.cell[0].type == CELL_NULL) {
		*ret = 0;
		return ASSAY_OK;
	}
	seq = row_get_u64(&r);
	if ((e = row_end(&r)) == ASSAY_OK)
		*ret = seq;
	return e;
}

enum assay_err
ledger_decision_plan(struct ledger *l, const char *device, uint64_t *ret_seq,
		     uint64_t *ret_previous)
{
	enum assay_err e = last_seq(l, device, ret_previous);

	if (e == ASSAY_OK)
		*ret_seq = l->meta.decision_seq + 1;
	return e;
}

enum assay_err
ledger_decision_append(struct ledger *l, const struct ledger_decision *d, uint64_t *ret_seq)
{
	struct ledger_decision n = *d;
	struct row r;
	enum assay_err e;

	if ((unsigned)d->outcome >= OUTCOME_COUNT || (unsigned)d->before >= OUTCOME_COUNT ||
	    !device_id_valid(d->device))
		return ASSAY_MALFORMED;
	n.seq = l->meta.decision_seq + 1;
	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = last_seq(l, d->device, &n.previous)) != ASSAY_OK)
		return e;
	decision_write(&n, &r);
	if ((e = row_insert(l, T_DECISION, &r)) != ASSAY_OK)
		return e;
	l->meta.decision_seq = n.seq;
	*ret_seq = n.seq;
	return ASSAY_OK;
}

enum assay_err
ledger_decision_prev(struct ledger *l, const char *device, uint64_t before,
		     struct ledger_decision *ret)
{
	bool any = device[0] == '\0';
	struct row keys, r;
	enum assay_err e;

	row_init(&keys);
	row_u64(&keys, before == 0 ? INT64_MAX : before);
	if (!any)
		row_text(&keys, device, DEVICE_ID_HEX + 1);
	if ((e = row_select(l, any ? Q_DECISION_BEFORE : Q_DECISION_OF, &keys, &r)) == ASSAY_OK)
		e = decision_read(&r, ret);
	if (e == ASSAY_OK && !any && strcmp(ret->device, device) != 0)
		e = ASSAY_TAMPERED;
	if (e == ASSAY_TAMPERED) {
		memset(ret, 0, sizeof *ret);
		ret->seq = r.cell[0].type == CELL_INT ? (uint64_t)r.cell[0].i : 0;
	}
	return e;
}

enum assay_err
ledger_decision_next(struct ledger *l, uint64_t after, struct ledger_decision *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_u64(&key, after);
	if ((e = row_select(l, Q_DECISION_AFTER, &key, &r)) == ASSAY_OK)
		e = decision_read(&r, ret);
	if (e == ASSAY_TAMPERED) {
		memset(ret, 0, sizeof *ret);
		ret->seq = r.cell[0].type == CELL_INT ? (uint64_t)r.cell[0].i : 0;
	}
	return e;
}

void
ledger_heads(const struct ledger *l, struct ledger_heads *ret)
{
	ret->decision = l->meta.decision_seq;
	ret->audit = l->meta.audit_seq;
	memcpy(ret->audit_hash, l->meta.audit_hash, sizeof ret->audit_hash);
}

/* ---- retention ---- */

struct old_row {
	int64_t seq;
	uint8_t mac[SEAL_MAC_SIZE];
};

/* Rows that may go: old, and not the last of their device. */
static enum assay_err
old_decisions(struct ledger *l, int64_t before, struct old_row *ret, unsigned *ret_n)
{
	struct row keys, r;
	enum assay_err e;
	unsigned n = 0;

	row_init(&keys);
	row_int(&keys, before);
	row_int(&keys, LEDGER_PRUNE_MAX);
	e = statement_row(l, S_DECISION_OLD, &keys, &r);
	while (e == ASSAY_OK && n < LEDGER_PRUNE_MAX) {
		ret[n].seq = row_get_int(&r);
		row_get_bytes(&r, ret[n].mac, sizeof ret[n].mac);
		if ((e = row_end(&r)) != ASSAY_OK)
			return e;
		n++;
		e = statement_more(l, S_DECISION_OLD, &r);
	}
	*ret_n = n;
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

static enum assay_err
forget_decision(struct ledger *l, const struct old_row *old)
{
	struct row key;
	enum assay_err e;
	int changed = 0;

	row_init(&key);
	row_int(&key, old->seq);
	if ((e = statement_change(l, S_DECISION_FORGET, &key, &changed)) != ASSAY_OK)
		return e;
	if (changed != 1)
		return engine_break(l, ASSAY_INTERNAL);
	return row_forgotten(l, SPAN(old->mac, sizeof old->mac));
}

enum assay_err
ledger_prune(struct ledger *l, int64_t before)
{
	struct old_row old[LEDGER_PRUNE_MAX];
	unsigned n = 0;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = old_decisions(l, before, old, &n)) != ASSAY_OK)
		return e;
	for (unsigned i = 0; i < n; i++)
		if ((e = forget_decision(l, &old[i])) != ASSAY_OK)
			return e;
	if ((e = token_prune(l, before, LEDGER_PRUNE_MAX)) != ASSAY_OK)
		return e;
	if ((e = challenge_prune(l, before, LEDGER_PRUNE_MAX)) != ASSAY_OK ||
	    (e = blob_prune(l, LEDGER_PRUNE_MAX)) != ASSAY_OK)
		return e;
	return ima_prune(l, before, LEDGER_PRUNE_MAX);
}
