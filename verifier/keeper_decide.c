/*
 * keeper_decide.c: from the last authentic verdict to the decision that is told.
 *
 * A decision is the worst of what status, overlay, the verdict and its age give.
 * It becomes milder in one place only: when a new verdict was committed
 * (keeper_round.c), which a second appraiser has reproduced. Here it only falls.
 */
#include "keeper_private.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

#define CLOCK_SLACK_S 60 /* a verdict from the future by more than this is no verdict */

/* Each cause: when it holds, what is the best it allows. First cause that gives the
 * worst outcome is the reason told. */
static bool
is_fault(const struct decision_input *in)
{
	return in->fault;
}

static bool
is_pending(const struct decision_input *in)
{
	return in->status == DEV_PENDING;
}

static bool
is_conflict(const struct decision_input *in)
{
	return in->status == DEV_CONFLICT;
}

static bool
is_retired(const struct decision_input *in)
{
	return in->status == DEV_RETIRED;
}

static bool
is_unknown(const struct decision_input *in)
{
	return in->status != DEV_ENROLLED;
}

static bool
is_held(const struct decision_input *in)
{
	return in->overlay != OVERLAY_NONE && in->overlay != OVERLAY_MAINTENANCE;
}

static bool
is_unjudged(const struct decision_input *in)
{
	return !in->judged;
}

static bool
is_from_future(const struct decision_input *in)
{
	return in->judged && in->verdict_at > in->now + CLOCK_SLACK_S;
}

static bool
is_awaited(const struct decision_input *in)
{
	return in->judged && in->expires_at == VERDICT_ENDED;
}

static bool
is_expired(const struct decision_input *in)
{
	return in->judged && in->expires_at <= in->now;
}

static bool
is_maintained(const struct decision_input *in)
{
	return in->overlay == OVERLAY_MAINTENANCE;
}

static const struct cause {
	bool (*holds)(const struct decision_input *in);
	enum outcome cap;
	const char *word;
} causes[] = {
	{is_fault, OUTCOME_QUARANTINE, "verifier.fault"},
	{is_pending, OUTCOME_QUARANTINE, "enrolment.pending"},
	{is_conflict, OUTCOME_QUARANTINE, "enrolment.conflict"},
	{is_retired, OUTCOME_QUARANTINE, "device.retired"},
	{is_unknown, OUTCOME_QUARANTINE, "device.unknown"},
	{is_held, OUTCOME_QUARANTINE, "operator.held"},
	{is_unjudged, OUTCOME_QUARANTINE, "decision.never-attested"},
	{is_from_future, OUTCOME_QUARANTINE, "verifier.clock"},
	{is_awaited, OUTCOME_QUARANTINE, "decision.awaits-verdict"},
	{is_expired, OUTCOME_QUARANTINE, "decision.expired"},
	{is_maintained, OUTCOME_RESTRICT, "operator.maintenance"},
};

/* What the verdict counts for now; what failed stays failed, however old. */
static enum life_trust
trust_of(const struct decision_input *in)
{
	if (!in->judged)
		return TRUST_NEVER;
	if (in->verdict != OUTCOME_ADMIT && in->verdict != OUTCOME_RESTRICT)
		return TRUST_FAILED;
	if (is_awaited(in))
		return TRUST_AWAITED;
	if (is_expired(in) || is_from_future(in))
		return TRUST_EXPIRED;
	return in->verdict == OUTCOME_ADMIT ? TRUST_PASSED : TRUST_LIMITED;
}

/* What maintenance allows ends with it, also where nobody hears of the end. */
static int64_t
end_of(int64_t expires, enum device_overlay overlay, int64_t until)
{
	return overlay == OVERLAY_MAINTENANCE && until != 0 && until < expires ? until : expires;
}

void
decide(const struct decision_input *in, struct decision_view *ret)
{
	const char *met = in->verdict == OUTCOME_ADMIT ? "policy.met" : "policy.not-met";
	const char *word = in->finding[0] ? in->finding : met;
	struct decision_view d = {.standing = in->judged};

	d.outcome = in->verdict <= OUTCOME_ADMIT ? in->verdict : OUTCOME_QUARANTINE;
	d.expires = end_of(in->expires_at, in->overlay, in->overlay_until);
	for (size_t i = sizeof causes / sizeof causes[0]; i-- > 0;) {
		if (!causes[i].holds(in) || causes[i].cap > d.outcome)
			continue;
		d.standing &= causes[i].cap != OUTCOME_QUARANTINE;
		d.outcome = causes[i].cap;
		word = causes[i].word;
	}
	d.would = d.outcome;
	d.trust = trust_of(in);
	snprintf(d.reason, sizeof d.reason, "%s", word);
	if (in->judged && in->finding[0] && word != in->finding)
		snprintf(d.failed, sizeof d.failed, "%s", in->finding);
	*ret = d;
}

/* Another outcome, or the same for another reason. */
static bool
is_news(struct keeper *k, const struct ledger_state *st, const struct decision_view *d)
{
	struct ledger_decision last;

	const struct live_device *live = live_find(&k->live, st->device);

	if (st->decision_seq == 0 || st->decision != d->outcome || !live || !live->carded)
		return true;
	/* what was told to hold longer must be told not to */
	if (d->outcome != OUTCOME_QUARANTINE && d->expires < live->told_most)
		return true;
	if (d->outcome == OUTCOME_ADMIT)
		return false;
	return ledger_decision_prev(k->ledger, st->device, 0, &last) != ASSAY_OK ||
	       strcmp(last.reason, d->reason) != 0;
}

/* For the gauge: quarantined for want of evidence that counts. */
static bool
is_stale(const char *reason)
{
	return strcmp(reason, "decision.expired") == 0 ||
	       strcmp(reason, "decision.awaits-verdict") == 0;
}

enum assay_err
keeper_record_decision(struct keeper *k, struct ledger_state *st, const struct decision_view *d,
		       const char *detail)
{
	struct ledger_decision row = {
		.outcome = d->outcome,
		.before = st->decision,
		.previous = st->decision_seq,
		.at = k->now,
		.expires = d->expires,
	};
	struct live_device *live = live_add(&k->live, st->device);
	enum assay_err e;

	if (!live)
		return ASSAY_NO_MEMORY;
	if (is_news(k, st, d)) {
		snprintf(row.device, sizeof row.device, "%s", st->device);
		snprintf(row.reason, sizeof row.reason, "%s", d->reason);
		snprintf(row.detail, sizeof row.detail, "%s", detail);
		if ((e = keeper_change(k)) != ASSAY_OK ||
		    (e = keeper_record_sign(k, &row, d)) != ASSAY_OK ||
		    (e = ledger_decision_append(k->ledger, &row, &st->decision_seq)) != ASSAY_OK)
			return e;
		if ((e = keeper_audit_decision(k, st, &row)) != ASSAY_OK)
			return e;
		log_event(LOG_LEVEL_INFO, "decision", "device", st->device, "outcome",
			  outcome_name(d->outcome), "before", outcome_name(st->decision), "reason",
			  d->reason, "detail", detail, NULL);
		st->decision = d->outcome;
		metrics_word(&k->metrics.decisions, d->reason, d->outcome);
	}
	live->decision = d->outcome;
	live->stale = is_stale(d->reason);
	live->retired = strcmp(d->reason, "device.retired") == 0;
	live->seq = st->decision_seq;
	live->expires_at = d->outcome == OUTCOME_QUARANTINE ? 0 : d->expires;
	live->expires_ms = k->now_ms + (d->expires - k->now) * 1000;
	return ASSAY_OK;
}

/* The first finding of the last verdict, for the reason. */
static void
first_finding(struct keeper *k, const struct ledger_state *st, char *ret, size_t cap)
{
	ret[0] = '\0';
	if (st->verdict.n == 0 || verdict_decode(st->verdict, &k->verdict) != ASSAY_OK)
		return;
	if (k->verdict.monitor && !k->verdict.enforced) {
		snprintf(ret, cap, "%s", finding_word(FIND_NO_POLICY));
		return;
	}
	for (unsigned i = 0; i < k->verdict.nfindings; i++)
		if (k->verdict.findings[i].cap == k->verdict.outcome &&
		    k->verdict.outcome != OUTCOME_ADMIT) {
			snprintf(ret, cap, "%s", finding_word(k->verdict.findings[i].code));
			return;
		}
}

static void
decide_device(struct keeper *k, const struct ledger_device *d, const struct ledger_state *st,
	      struct decision_view *ret)
{
	char finding[64];
	struct decision_input in = {
		.status = d->status,
		.overlay = d->overlay,
		.overlay_until = d->overlay_until,
		.fault = ledger_fault(k->ledger) != ASSAY_OK,
		.judged = st->version != 0 && st->verdict_at != 0,
		.verdict = st->verdict_outcome,
		.verdict_at = st->verdict_at,
		.expires_at = st->expires_at,
		.now = k->now,
		.finding = finding,
	};

	first_finding(k, st, finding, sizeof finding);
	decide(&in, ret);
	ret->sequence = st->decision_seq;
	/* What was recorded as worse stays until a new verdict says otherwise. */
	if (st->decision_seq != 0 && ret->outcome > st->decision) {
		ret->outcome = st->decision;
		ret->standing = false;
		if (ret->trust == TRUST_PASSED || ret->trust == TRUST_LIMITED)
			ret->trust = TRUST_AWAITED;
		snprintf(ret->reason, sizeof ret->reason, "decision.awaits-verdict");
		ret->would = ret->outcome;
	}
	if (st->verdict.n && k->verdict.monitor)
		ret->would = k->verdict.enforced ? k->verdict.would : k->verdict.outcome;
}

static enum assay_err
state_or_none(struct keeper *k, const char *device, struct ledger_state *ret)
{
	enum assay_err e = ledger_state_get(k->ledger, device, ret);

	if (e != ASSAY_NOT_FOUND)
		return e;
	memset(ret, 0, sizeof *ret);
	memcpy(ret->device, device, DEVICE_ID_HEX);
	return ASSAY_OK;
}

enum assay_err
keeper_decision(struct keeper *k, const struct ledger_device *d, struct decision_view *ret)
{
	struct ledger_state st;
	enum assay_err e = state_or_none(k, d->id, &st);

	if (e != ASSAY_OK)
		return e;
	decide_device(k, d, &st, ret);
	return ASSAY_OK;
}

/* Compute and, if it fell, record. Only for devices that have a state row. */
static enum assay_err
refresh(struct keeper *k, const char *device, const char *detail)
{
	struct ledger_state st;
	struct decision_view d;
	enum assay_err e;

	if ((e = ledger_device_get(k->ledger, device, &k->device)) != ASSAY_OK ||
	    (e = state_or_none(k, device, &st)) != ASSAY_OK)
		return e;
	decide_device(k, &k->device, &st, &d);
	if (keeper_card_changed(k, &k->device))
		detail = "what it applies to";
	if (st.version == 0 || !is_news(k, &st, &d))
		return ASSAY_OK;
	if ((e = keeper_record_decision(k, &st, &d, detail)) != ASSAY_OK)
		return e;
	return ledger_state_put(k->ledger, &st);
}

static void
challenge_soon(struct keeper *k, const char *device)
{
	const struct live_device *l = live_find(&k->live, device);
	struct keeper_session *s = l && l->session ? keeper_find_session(k, l->session) : NULL;

	if (s && s->state == KS_IDLE)
		s->next_ms = k->now_ms;
}

enum assay_err
keeper_device_changed(struct keeper *k, const char *device, const char *reason)
{
	enum assay_err e = keeper_change(k);

	if (e != ASSAY_OK || (e = refresh(k, device, reason)) != ASSAY_OK)
		return e;
	challenge_soon(k, device);
	return ASSAY_OK;
}

/* ---- time ---- */

static bool
clock_jumped(struct keeper *k)
{
	int64_t drift = k->now * 1000 - k->now_ms - k->wall_minus_mono_ms;

	return drift > KEEPER_CLOCK_JUMP_S * 1000 || drift < -KEEPER_CLOCK_JUMP_S * 1000;
}

/* By how much, and that what is decided is measured by the clock that did not jump. */
static void
tell_clock(struct keeper *k)
{
	char detail[LEDGER_TEXT_MAX];

	snprintf(detail, sizeof detail, "CLOCK_REALTIME moved by %lld s; decisions end as "
					"CLOCK_MONOTONIC measures, or earlier",
		 (long long)(k->now - (k->now_ms + k->wall_minus_mono_ms) / 1000));
	if (ledger_fault(k->ledger) == ASSAY_OK &&
	    keeper_audit(k, "verifier", "clock.jump", "", detail) != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "clock-jump-not-audited", NULL);
}

/* History is bounded; the last decision of each device always stays. */
static void
forget_old_history(struct keeper *k)
{
	int64_t before = k->now - (int64_t)k->config->retention_days * 86400;
	enum assay_err e;

	if (k->config->retention_days == 0 || k->now - k->pruned_s < KEEPER_PRUNE_EVERY_S)
		return;
	k->pruned_s = k->now;
	if ((e = keeper_change(k)) != ASSAY_OK || (e = ledger_prune(k->ledger, before)) != ASSAY_OK)
		log_event(LOG_LEVEL_ERROR, "prune", "error", assay_err_name(e), NULL);
}

/* A window that is over: its end is an event of its own, and asks for a new verdict. */
static enum assay_err
end_maintenance(struct keeper *k, const char *id)
{
	static struct ledger_device d;
	struct life now, next;
	struct ledger_state st;
	enum assay_err e;

	if ((e = keeper_change(k)) != ASSAY_OK ||
	    (e = ledger_device_get(k->ledger, id, &d)) != ASSAY_OK)
		return e;
	now = (struct life){d.status, d.overlay, TRUST_NEVER, LINK_NEVER};
	if (d.overlay != OVERLAY_MAINTENANCE || d.overlay_until > k->now ||
	    life_next(&now, LIFE_MAINTENANCE_ENDED, &next) != ASSAY_OK)
		return ASSAY_OK;
	d.overlay = next.overlay;
	d.overlay_until = 0;
	d.overlay_reason[0] = '\0';
	d.updated = k->now;
	if ((e = ledger_device_update(k->ledger, &d)) != ASSAY_OK ||
	    (e = keeper_audit(k, "verifier", "device.maintenance-ended", id, "its time is over")) !=
		    ASSAY_OK ||
	    (e = state_or_none(k, id, &st)) != ASSAY_OK)
		return e;
	if (st.version != 0 && st.expires_at > k->now) {
		st.expires_at = VERDICT_ENDED;
		if ((e = ledger_state_put(k->ledger, &st)) != ASSAY_OK)
			return e;
	}
	return keeper_device_changed(k, id, "maintenance ended");
}

static void
end_windows(struct keeper *k)
{
	for (size_t i = 0; i < k->live.size; i++) {
		struct live_device *d = &k->live.slots[i];
		enum assay_err e;

		if (!d->id[0] || d->maintained_until == 0 || d->maintained_until > k->now)
			continue;
		d->maintained_until = 0;
		if ((e = end_maintenance(k, d->id)) == ASSAY_OK)
			continue;
		log_event(LOG_LEVEL_ERROR, "maintenance-not-ended", "device", d->id, "error",
			  assay_err_name(e), NULL);
		d->maintained_until = k->now + 1; /* again */
	}
}

/* Validity is measured on both clocks: setting the wall clock back keeps nobody
 * admitted (D10). */
void
keeper_decisions_sweep(struct keeper *k)
{
	if (clock_jumped(k)) {
		log_event(LOG_LEVEL_ERROR, "clock-jumped", "effect",
			  "decisions end as measured before the jump", NULL);
		tell_clock(k);
		k->wall_minus_mono_ms = k->now * 1000 - k->now_ms;
		k->pruned_s = k->now; /* what is old by this clock may not be old */
	}
	forget_old_history(k);
	if (ledger_fault(k->ledger) == ASSAY_OK)
		end_windows(k);
	for (size_t i = 0; i < k->live.size; i++) {
		struct live_device *d = &k->live.slots[i];
		enum assay_err e;
		int64_t ended;

		if (d->id[0])
			keeper_address_expire(k, d);
		if (!d->id[0] || d->expires_at == 0 ||
		    (d->expires_at > k->now && d->expires_ms > k->now_ms))
			continue;
		ended = d->expires_at;
		d->expires_at = 0;
		e = keeper_expire(k, d->id);
		if (e == ASSAY_IO || e == ASSAY_NO_MEMORY)
			d->expires_at = ended; /* again */
		if (e != ASSAY_OK)
			log_event(LOG_LEVEL_ERROR, "expiry-failed", "device", d->id, "error",
				  assay_err_name(e), NULL);
	}
}

enum assay_err
keeper_expire(struct keeper *k, const char *device)
{
	struct decision_view d = {.outcome = OUTCOME_QUARANTINE};
	struct ledger_state st;
	enum assay_err e;

	if ((e = keeper_change(k)) != ASSAY_OK ||
	    (e = ledger_state_get(k->ledger, device, &st)) != ASSAY_OK)
		return e;
	if (st.decision == OUTCOME_QUARANTINE)
		return ASSAY_OK;
	d.expires = st.expires_at;
	snprintf(d.reason, sizeof d.reason, "decision.expired");
	if ((e = keeper_record_decision(k, &st, &d, "no new evidence in time")) != ASSAY_OK)
		return e;
	if (st.expires_at > k->now)
		st.expires_at = k->now;
	return ledger_state_put(k->ledger, &st);
}

enum assay_err
keeper_fault_ended(struct keeper *k)
{
	return keeper_live_load(k);
}

/* For the gauges. */
static void
load_reason(struct keeper *k, struct live_device *d)
{
	struct ledger_decision last;

	d->retired = k->device.status == DEV_RETIRED;
	d->stale = d->decision == OUTCOME_QUARANTINE &&
		   ledger_decision_prev(k->ledger, d->id, 0, &last) == ASSAY_OK &&
		   is_stale(last.reason);
}

/* At start: what was decided stands until it expires. */
enum assay_err
keeper_live_load(struct keeper *k)
{
	char after[DEVICE_ID_HEX + 1] = "";
	struct ledger_state st;
	enum assay_err e;

	while ((e = ledger_device_next(k->ledger, after, &k->device)) == ASSAY_OK ||
	       e == ASSAY_TAMPERED) {
		struct live_device *d = NULL;
		int64_t ends;

		memcpy(after, k->device.id, sizeof after);
		if (e == ASSAY_TAMPERED) { /* it is nobody; the others are who they are */
			log_event(LOG_LEVEL_ERROR, "device-unusable", "device", after, "error",
				  assay_err_name(e), NULL);
			continue;
		}
		d = live_add(&k->live, k->device.id);
		if (!d)
			return ASSAY_NO_MEMORY;
		(void)keeper_card_changed(k, &k->device);
		d->carded = true;
		e = ledger_state_brief(k->ledger, k->device.id, &st);
		if (e == ASSAY_NOT_FOUND)
			continue;
		if (e != ASSAY_OK) {
			log_event(LOG_LEVEL_ERROR, "state-unusable", "device", k->device.id,
				  "error", assay_err_name(e), NULL);
			continue;
		}
		if ((e = keeper_address_load(k, d, st.expires_at)) != ASSAY_OK)
			return e;
		d->seq = st.decision_seq;
		d->decision = st.decision;
		d->told_at = k->now;
		ends = end_of(st.expires_at, k->device.overlay, k->device.overlay_until);
		d->expires_at = st.decision == OUTCOME_QUARANTINE ? 0 : ends;
		d->told_expires = d->told_most = d->expires_at;
		d->expires_ms = k->now_ms + (ends - k->now) * 1000;
		load_reason(k, d);
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}
