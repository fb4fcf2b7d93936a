/*
 * keeper_record.c: the signed decision record of a decision; see keeper.h.
 *
 * One for each row of the ledger's decisions, signed before the row is written and
 * stored with it, so that whoever resumes gets the same bytes. A round that changes
 * nothing has neither row nor record: its longer validity is told by extensions
 * (keeper_feed.c).
 */
#include "keeper_private.h"

#include "evidence/hex.h"
#include "evidence/record.h"

#include <stdio.h>
#include <string.h>

bool
keeper_card_changed(struct keeper *k, const struct ledger_device *d)
{
	struct live_device *l = live_add(&k->live, d->id);

	if (l)
		l->maintained_until = d->overlay == OVERLAY_MAINTENANCE ? d->overlay_until : 0;
	if (!l || (strcmp(l->name, d->name) == 0 && strcmp(l->class_name, d->class_name) == 0 &&
		   strcmp(l->labels, d->labels) == 0 && l->tier == d->tier))
		return false;
	snprintf(l->name, sizeof l->name, "%s", d->name);
	snprintf(l->class_name, sizeof l->class_name, "%s", d->class_name);
	snprintf(l->labels, sizeof l->labels, "%s", d->labels);
	l->tier = d->tier;
	l->carded = false;
	return true;
}

static enum assay_err
take_card(struct keeper *k, struct live_device *l)
{
	static struct ledger_device d;
	enum assay_err e;

	if (l->carded)
		return ASSAY_OK;
	if ((e = ledger_device_get(k->ledger, l->id, &d)) != ASSAY_OK)
		return e;
	(void)keeper_card_changed(k, &d);
	l->carded = true;
	return ASSAY_OK;
}

static void
fill(const struct keeper *k, const struct live_device *l, const struct ledger_decision *row,
     struct record *r)
{
	static const enum record_outcome outcomes[OUTCOME_COUNT] = {
		[OUTCOME_QUARANTINE] = RECORD_QUARANTINE,
		[OUTCOME_RESTRICT] = RECORD_RESTRICT,
		[OUTCOME_ADMIT] = RECORD_ADMIT,
	};

	memset(r, 0, sizeof *r);
	snprintf(r->issuer, sizeof r->issuer, "%s", signing_issuer(k->signing));
	r->issued = row->at;
	r->seq = row->seq;
	r->previous = row->previous;
	r->outcome = outcomes[row->outcome];
	r->expires = r->outcome == RECORD_QUARANTINE ? 0 : row->expires;
	snprintf(r->device, sizeof r->device, "%s", row->device);
	snprintf(r->name, sizeof r->name, "%s", l->name);
	snprintf(r->class_name, sizeof r->class_name, "%s", l->class_name);
	snprintf(r->labels, sizeof r->labels, "%s", l->labels);
	r->tier = (enum record_tier)l->tier; /* test_record.c: the same words */
	snprintf(r->reasons[r->nreasons++], sizeof r->reasons[0], "%s", row->reason);
}

/* What was registered or attested; what does not fit is left out, as the first ones are. */
static enum assay_err
fill_addresses(struct keeper *k, struct record *r)
{
	struct ledger_address a = {.address = ""};
	enum assay_err e;

	while ((e = ledger_address_next(k->ledger, r->device, a.address, &a)) == ASSAY_OK) {
		size_t n;

		if (strncmp(a.address, "cert ", 5) == 0) {
			if (r->ncertificates < RECORD_CERTIFICATES_MAX &&
			    hex_decode(a.address + 5, r->certificates[r->ncertificates], 32, &n) ==
				    ASSAY_OK)
				r->ncertificates++;
		} else if (r->naddresses < RECORD_ADDRESSES_MAX) {
			snprintf(r->addresses[r->naddresses++], sizeof r->addresses[0], "%.64s",
				 a.address);
		}
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

void
keeper_addresses_changed(struct keeper *k, const char *device)
{
	struct live_device *l = live_find(&k->live, device);

	if (l)
		l->carded = false;
}

enum assay_err
keeper_record_sign(struct keeper *k, struct ledger_decision *row, const struct decision_view *d)
{
	static uint8_t payload[RECORD_MAX], signed_record[RECORD_MAX];
	struct live_device *l = live_add(&k->live, row->device);
	static struct record r;
	struct writer p, w;
	enum assay_err e;

	if (!l)
		return ASSAY_NO_MEMORY;
	if ((e = take_card(k, l)) != ASSAY_OK ||
	    (e = ledger_decision_plan(k->ledger, row->device, &row->seq, &row->previous)) !=
		    ASSAY_OK)
		return e;
	fill(k, l, row, &r);
	if ((e = fill_addresses(k, &r)) != ASSAY_OK)
		return e;
	if (d->failed[0] && strcmp(d->failed, row->reason) != 0)
		snprintf(r.reasons[r.nreasons++], sizeof r.reasons[0], "%s", d->failed);
	wr_init(&p, payload, sizeof payload);
	wr_init(&w, signed_record, sizeof signed_record);
	if ((e = record_write(&r, &p)) != ASSAY_OK ||
	    (e = signer_jws(signing_decision(k->signing), RECORD_TYP_DECISION, wr_span(&p), &w)) !=
		    ASSAY_OK)
		return e;
	row->record = wr_span(&w);
	l->told_at = row->at;
	l->told_expires = l->told_most = r.expires;
	return ASSAY_OK;
}

enum assay_err
keeper_audit_decision(struct keeper *k, const struct ledger_state *st,
		      const struct ledger_decision *row)
{
	char detail[LEDGER_TEXT_MAX];

	snprintf(detail, sizeof detail, "%s after %s: %s%s%.120s", outcome_name(row->outcome),
		 st->decision_seq == row->seq && row->previous == 0 ? "nothing"
								    : outcome_name(row->before),
		 row->reason, row->detail[0] ? ": " : "", row->detail);
	return keeper_audit(k, "verifier", "decision", row->device, detail);
}
