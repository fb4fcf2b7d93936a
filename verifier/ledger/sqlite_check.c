/* sqlite_check.c: the whole ledger checked, and the way out of a fault; see ledger.h. */
#include "sqlite_engine.h"

#include <string.h>

#include "verifier/appraise/text.h"

enum assay_err
ledger_check(struct ledger *l, struct ledger_report *report)
{
	struct ledger_report ignored;
	uint8_t sum[32];
	enum assay_err e;

	report = report ? report : &ignored;
	*report = (struct ledger_report){.head = l->committed.counter,
					 .expected_head = l->head.counter,
					 .migrated_from = l->meta.version};
	if ((e = schema_integrity(l->db, report)) != ASSAY_OK)
		return e;
	if ((e = schema_compare(l->db, l->meta.version)) != ASSAY_OK) {
		engine_report(report, "tables or indexes were changed");
		return e;
	}
	for (unsigned t = 0; t < TABLE_COUNT; t++)
		if ((e = row_check_all(l, (enum table_id)t, report)) != ASSAY_OK)
			return e;
	if ((e = state_check(l, report)) != ASSAY_OK || (e = blob_check(l, report)) != ASSAY_OK ||
	    (e = ima_check_segments(l, report)) != ASSAY_OK ||
	    (e = audit_check(l, report)) != ASSAY_OK || (e = row_sum_all(l, sum)) != ASSAY_OK)
		return e;
	if (!span_equal(SPAN(sum, 32), SPAN(l->meta.sum, 32))) {
		engine_report(report, "rows were removed, added or put back");
		return ASSAY_TAMPERED;
	}
	return ASSAY_OK;
}

/* ---- accepting ---- */

static enum assay_err
top_of(struct ledger *l, enum statement_id s, uint64_t *ret)
{
	struct row none, r;
	enum assay_err e;
	uint64_t v;

	row_init(&none);
	if ((e = statement_row(l, s, &none, &r)) != ASSAY_OK)
		return e;
	if (r.cell[0].type == CELL_NULL)
		r.cell[0] = (struct cell){.type = CELL_INT};
	v = row_get_u64(&r);
	if ((e = row_end(&r)) == ASSAY_OK)
		*ret = v;
	return e;
}

static uint64_t
higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Counters go on above everything that was seen of them, so that no number is ever
 * given twice; the audit chain goes on from its newest entry. Without a head nothing tells
 * how many the ledger does not know of. */
static enum assay_err
accept_sequences(struct ledger *l)
{
	uint64_t decision = 0, audit = 0;
	struct row key, r;
	enum assay_err e;

	if ((e = top_of(l, S_DECISION_TOP, &decision)) != ASSAY_OK ||
	    (e = top_of(l, S_AUDIT_LAST, &audit)) != ASSAY_OK)
		return e;
	l->meta.counter = higher(l->meta.counter, l->head.counter);
	l->meta.decision_seq =
		higher(decision, higher(l->meta.decision_seq, l->head.decision_seq));
	if (l->head.counter == 0)
		l->meta.decision_seq += LEDGER_SEQUENCE_LEAP;
	if (audit <= l->meta.audit_seq)
		return ASSAY_OK;
	row_init(&key);
	row_u64(&key, audit);
	if ((e = statement_row(l, S_AUDIT_HASH, &key, &r)) != ASSAY_OK)
		return e;
	l->meta.audit_seq = audit;
	row_get_bytes(&r, l->meta.audit_hash, sizeof l->meta.audit_hash);
	return row_end(&r);
}

/* Every device as if it had never attested; nothing is asked any more in files. */
static enum assay_err
accept_states(struct ledger *l)
{
	char device[DEVICE_ID_HEX + 1] = "";
	struct row none, key, r;
	enum assay_err e;

	row_init(&none);
	if ((e = statement_change(l, S_STATE_CLEAR, &none, NULL)) != ASSAY_OK ||
	    (e = statement_change(l, S_PART_CLEAR, &none, NULL)) != ASSAY_OK ||
	    (e = statement_change(l, S_BOOT_LOG_DROP_ALL, &none, NULL)) != ASSAY_OK ||
	    (e = statement_change(l, S_CHALLENGE_CLEAR, &none, NULL)) != ASSAY_OK ||
	    (e = ima_clear(l)) != ASSAY_OK)
		return e;
	for (;;) {
		row_init(&key);
		row_text(&key, device, sizeof device);
		if ((e = statement_row(l, S_DEVICE_IDS, &key, &r)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
		row_get_text(&r, device, sizeof device);
		if ((e = row_end(&r)) != ASSAY_OK || (e = state_create(l, device)) != ASSAY_OK)
			return e;
	}
}

static enum assay_err
accept_content(struct ledger *l, enum assay_err fault, const char *actor, int64_t now)
{
	struct ledger_audit a = {.at = now, .action = "ledger.accept", .object = "ledger"};
	enum assay_err e;

	text_format(a.actor, sizeof a.actor, "%s", actor);
	text_format(a.detail, sizeof a.detail, "%s; ledger at change %llu, its head at %llu",
		    assay_err_name(fault), (unsigned long long)l->committed.counter,
		    (unsigned long long)l->head.counter);
	if ((e = accept_sequences(l)) != ASSAY_OK || (e = accept_states(l)) != ASSAY_OK ||
	    (e = row_sum_all(l, l->meta.sum)) != ASSAY_OK)
		return e;
	return ledger_audit_append(l, &a);
}

enum assay_err
ledger_accept(struct ledger *l, const char *actor, int64_t now)
{
	enum assay_err e;

	if (l->fault == ASSAY_OK || !l->open || l->dirty)
		return ASSAY_STATE;
	if (!l->repairable)
		return ASSAY_TAMPERED;
	l->accepted = l->fault;
	l->fault = ASSAY_OK;
	if ((e = accept_content(l, l->accepted, actor, now)) != ASSAY_OK)
		return engine_break(l, e);
	return ASSAY_OK;
}
