/* keeper_replay_device.c: one device of a replay: what it is asked with, and what becomes
 * of it; see keeper_replay.h. */
#include "keeper_replay_run.h"

#include "labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_STEP 4096

/* ---- what becomes of a device ---- */

static enum outcome
decision_with(const struct keeper *k, const struct standing *s, enum outcome verdict)
{
	struct decision_view v;

	decide(&(struct decision_input){.status = s->status,
					.overlay = s->overlay,
					.fault = ledger_fault(k->ledger) != ASSAY_OK,
					.judged = true,
					.verdict = verdict,
					.verdict_at = k->now,
					.expires_at = INT64_MAX,
					.now = k->now,
					.finding = ""},
	       &v);
	return v.outcome;
}

static bool
same_group(const struct replay_group *a, const struct replay_group *b)
{
	return a->before == b->before && a->after == b->after && a->would == b->would &&
	       a->over == b->over && a->code == b->code && strcmp(a->rule, b->rule) == 0 &&
	       strcmp(a->subject, b->subject) == 0;
}

/* Where there are too many groups, the last one takes what is left. */
static uint16_t
group_of(struct replay *p, const struct replay_group *g)
{
	unsigned i = 0;

	while (i < p->ngroups && !same_group(&p->groups[i], g))
		i++;
	if (i == REPLAY_GROUPS_MAX)
		i--;
	if (i == p->ngroups) {
		p->groups[p->ngroups++] = *g;
		p->groups[i].count = 0;
	}
	p->groups[i].count++;
	return (uint16_t)i;
}

static bool
would_differ(const struct replay_row *row)
{
	return row->would != REPLAY_NO_WOULD && row->would != row->before;
}

static void
settle(struct replay *p, struct replay_row *row, const struct replay_group *why)
{
	struct replay_group g = *why;

	p->done++;
	g.before = row->before;
	g.after = row->after;
	g.would = row->would;
	if (row->after == REPLAY_UNKNOWN)
		p->head.unknown++;
	else if (row->after != row->before)
		p->head.changed++;
	else
		p->head.unchanged++;
	p->head.would += would_differ(row);
	row->group = row->after != row->before || would_differ(row) ? group_of(p, &g)
								    : REPLAY_GROUP_NONE;
}

void
replay_settle_unknown(struct replay *p, struct replay_row *row, const char *why)
{
	struct replay_group g = {0};

	snprintf(g.subject, sizeof g.subject, "%s", why);
	row->after = REPLAY_UNKNOWN;
	row->would = REPLAY_NO_WOULD;
	settle(p, row, &g);
}

/* What the device's last verdict held against it, and the new one does not. */
static void
what_is_over(struct keeper *k, const char *device, struct replay_group *ret)
{
	struct ledger_state st;

	ret->over = true;
	if (ledger_state_get(k->ledger, device, &st) != ASSAY_OK || st.verdict.n == 0 ||
	    verdict_decode(st.verdict, &k->verdict) != ASSAY_OK)
		return;
	for (unsigned i = 0; i < k->verdict.nfindings; i++) {
		const struct finding *f = &k->verdict.findings[i];

		if (f->cap != k->verdict.outcome || f->cap == OUTCOME_ADMIT)
			continue;
		ret->code = f->code;
		memcpy(ret->rule, f->rule, sizeof ret->rule);
		memcpy(ret->subject, f->subject, sizeof ret->subject);
		return;
	}
}

static const char *
unknown_because(const struct prediction *v)
{
	switch (v->status) {
	case VERDICT_NEED:
		return v->need == PART_BOOT_LOG ? "the boot log is not stored"
		       : v->need == PART_CLAIMS ? "the claims are not stored"
		       : v->need == PART_IMA	? "the IMA list is not stored"
		       : v->need == PART_FILES	? "the files behind a digest are not stored"
						: "a part of the evidence is not stored";
	case VERDICT_UNPROVEN:
		return "the stored evidence does not verify with the device's keys";
	default:
		return "the stored evidence cannot be appraised";
	}
}

void
replay_settle(struct keeper *k, const struct request *r, const struct prediction *v)
{
	struct replay *p = k->replay;
	struct replay_row *row = &p->rows[r->row];
	const struct predicted_why *why = &v->why;
	struct replay_group g = {0};
	uint8_t then;

	if (v->status != VERDICT_DECIDED) {
		replay_settle_unknown(p, row, unknown_because(v));
		return;
	}
	row->verdict = v->outcome;
	row->after = then = (uint8_t)decision_with(k, &r->standing, (enum outcome)v->outcome);
	if (v->monitor)
		row->would = (uint8_t)decision_with(k, &r->standing, (enum outcome)v->would);
	if (row->after == row->before && v->monitor) {
		then = row->would;
		why = &v->would_why;
	}
	if (then > row->before) {
		what_is_over(k, r->device, &g);
	} else {
		g.code = why->code;
		memcpy(g.rule, why->rule, sizeof g.rule);
		memcpy(g.subject, why->subject, sizeof g.subject);
	}
	settle(p, row, &g);
}

/* ---- asking for one ---- */

/* A log by its digest, kept at hand: a fleet boots a few of them. */
static enum assay_err
find_log(struct keeper *k, const uint8_t digest[32], struct span *ret)
{
	struct replay_run *run = k->replay->run;
	struct stored_log *oldest = &run->logs[0];
	struct span log;
	enum assay_err e;

	for (unsigned i = 0; i < REPLAY_LOGS; i++) {
		struct stored_log *l = &run->logs[i];

		if (l->bytes && span_equal(SPAN(l->digest, 32), SPAN(digest, 32))) {
			l->used = ++run->uses;
			*ret = SPAN(l->bytes, l->n);
			return ASSAY_OK;
		}
		if (l->used < oldest->used)
			oldest = l;
	}
	if ((e = ledger_blob_get(k->ledger, digest, &log)) != ASSAY_OK)
		return e;
	free(oldest->bytes);
	memset(oldest, 0, sizeof *oldest);
	if ((e = keeper_copy(log, &oldest->bytes, &oldest->n)) != ASSAY_OK)
		return e;
	memcpy(oldest->digest, digest, 32);
	oldest->used = ++run->uses;
	*ret = SPAN(oldest->bytes, oldest->n);
	return ASSAY_OK;
}

/* The log of the boot and of the good one before, as a round has them. */
static enum assay_err
fill_logs(struct keeper *k, const struct ledger_state *st)
{
	static const uint8_t none[32];
	struct span boot = SPAN(st->boot_log, 32), good = SPAN(st->good_log, 32);
	struct appraisal_input *in = &k->input;
	enum assay_err e = ASSAY_OK;

	if (!span_equal(good, SPAN(none, 32)) && !span_equal(good, boot))
		e = find_log(k, st->good_log, &in->good_log);
	if (e != ASSAY_OK || span_equal(boot, SPAN(none, 32)))
		return e;
	e = find_log(k, st->boot_log, &in->boot_log);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	in->has_boot_log = in->boot_log_stored = e == ASSAY_OK;
	return e;
}

static bool
covers(const struct pcr_selection *asked, const struct pcr_selection *wanted)
{
	for (unsigned i = 0; i < wanted->count; i++)
		if (wanted->bank[i].mask & ~pcr_selected(asked, wanted->bank[i].alg))
			return false;
	return true;
}

/* What judges the device then: a policy, and if that is in monitor mode what is enforced
 * meanwhile. Either may be NULL. */
struct judges {
	const struct keeper_policy *policy, *enforced;
};

/* False: its evidence does not cover what the policy asks for. */
static bool
add_policy(struct request *r, const struct ledger_device *d, const struct pcr_selection *asked,
	   const struct keeper_policy *p)
{
	if (!p)
		return true;
	memcpy(r->maps[r->nmaps++], p->map.digest, 32);
	return !tier_has_tpm(d->tier) || covers(asked, &p->info.ask);
}

static void
fill_judges(struct keeper *k, struct request *r, const struct judges *by)
{
	memset(r->standing.policy, 0, sizeof r->standing.policy);
	if (by->policy)
		memcpy(r->standing.policy, by->policy->map.digest, 32);
	if (by->enforced)
		memcpy(k->input.enforced_digest, by->enforced->map.digest, 32);
	memcpy(k->input.policy_digest, r->standing.policy, 32);
	keeper_stored_ima(k, r, by->policy);
	keeper_stored_ima(k, r, by->enforced);
}

/* NULL, with *ret_why: the device's stored inputs do not suffice. */
static struct request *
compose(struct keeper *k, const struct ledger_device *d, const struct judges *by,
	const char **ret_why)
{
	struct request *r = calloc(1, sizeof *r);
	struct ledger_state st;
	enum assay_err e;

	*ret_why = "it cannot be read";
	memset(&k->input, 0, sizeof k->input);
	if (r)
		memcpy(r->device, d->id, sizeof r->device);
	if (!r || ledger_state_evidence(k->ledger, d->id, &st) != ASSAY_OK ||
	    keeper_stored_fill(&st, &k->input) != ASSAY_OK)
		goto fail;
	k->input.now = k->replay->head.at;
	r->kind = REQ_REPLAY;
	r->replay = k->replay;
	r->version = k->replay->head.id;
	memcpy(r->evidence, st.nonce, sizeof r->evidence);
	keeper_take_standing(k, d, &r->standing);
	*ret_why = "its evidence does not cover what the policy asks for";
	if (!add_policy(r, d, &k->input.asked, by->policy) ||
	    !add_policy(r, d, &k->input.asked, by->enforced))
		goto fail;
	fill_judges(k, r, by);
	keeper_fill_device(&k->input, d);
	keeper_fill_references(k, r, d);
	*ret_why = "its boot log cannot be read";
	if ((e = fill_logs(k, &st)) != ASSAY_OK || (e = keeper_encode_request(k, r)) != ASSAY_OK)
		goto fail;
	return r;
fail:
	keeper_request_free(k, r);
	return NULL;
}

/* Whether the candidate changes anything of what judges this device. */
static bool
concerns(struct keeper *k, const struct ledger_device *d, struct judges *ret)
{
	static const uint8_t none[32];
	const struct replay *p = k->replay;
	const struct keeper_policy *candidate = &p->run->policy;
	const struct keeper_policy *now = keeper_policy_for(k, d->class_name, d->labels);
	const struct keeper_policy *beneath = now ? keeper_enforced_for(k, now, d) : NULL;

	ret->policy = keeper_policy_with(k, candidate, d->class_name, d->labels);
	ret->enforced =
		ret->policy ? keeper_enforced_with(k, candidate, ret->policy, d) : NULL;
	if (ret->policy == candidate || ret->policy != now || ret->enforced != beneath)
		return true;
	for (unsigned i = 0; i < k->nreferences; i++) {
		const struct keeper_reference *ref = &k->references[i];

		if (!span_equal(SPAN(p->head.reference, 32), SPAN(none, 32)) &&
		    strcmp(ref->class_name, p->reference_class) == 0 &&
		    span_equal(SPAN(ref->digest, 32), SPAN(p->head.reference, 32)))
			return strcmp(ref->class_name, d->class_name) == 0 &&
			       (!ref->device[0] || strcmp(ref->device, d->id) == 0) &&
			       labels_all(ref->labels, d->labels);
	}
	return false;
}

static bool
in_scope(const struct replay *p, const struct ledger_device *d)
{
	return d->status == DEV_ENROLLED &&
	       (!p->head.class_name[0] || strcmp(p->head.class_name, d->class_name) == 0) &&
	       (!p->head.device[0] || strcmp(p->head.device, d->id) == 0);
}

static struct replay_row *
add_row(struct replay *p)
{
	struct replay_row *rows;

	if (p->nrows == p->cap) {
		rows = realloc(p->rows, (p->cap + ROWS_STEP) * sizeof *rows);
		if (!rows)
			return NULL;
		p->rows = rows;
		p->cap += ROWS_STEP;
	}
	memset(&p->rows[p->nrows], 0, sizeof p->rows[0]);
	p->rows[p->nrows].would = REPLAY_NO_WOULD;
	return &p->rows[p->nrows++];
}

/* The row of a device that is concerned, with what is decided of it now. False: there is
 * nothing to appraise, and it is settled. */
static bool
begin_row(struct keeper *k, const struct ledger_device *d, struct replay_row *row)
{
	struct standing s = {.status = d->status, .overlay = d->overlay};
	struct ledger_state st;
	size_t n;

	if (hex_decode(d->id, row->id, sizeof row->id, &n) != ASSAY_OK)
		return false;
	if (ledger_state_outline(k->ledger, d->id, &st) != ASSAY_OK) {
		replay_settle_unknown(k->replay, row, "its record is not authentic");
		return false;
	}
	row->before = (uint8_t)decision_with(k, &s, st.verdict_outcome);
	k->replay->head.stale += st.expires_at <= k->now;
	if (st.version != 0 && st.verdict_at != 0)
		return true;
	replay_settle_unknown(k->replay, row, "it has never attested");
	return false;
}

/* One device further. A request, if there is something to appraise. */
struct request *
replay_next_request(struct keeper *k, const struct ledger_device *d)
{
	struct replay *p = k->replay;
	struct judges by;
	struct replay_row *row;
	struct request *r;
	const char *why;

	if (!in_scope(p, d))
		return NULL;
	p->head.total++;
	if (!concerns(k, d, &by)) {
		p->head.unconcerned++;
		p->done++;
		return NULL;
	}
	row = add_row(p);
	if (!row) {
		keeper_replay_abort(k, "out of memory");
		return NULL;
	}
	if (!begin_row(k, d, row))
		return NULL;
	r = compose(k, d, &by, &why);
	if (r)
		r->row = (uint32_t)(p->nrows - 1);
	else
		replay_settle_unknown(p, row, why);
	return r;
}
