/*
 * keeper_verdict.c: from an appraiser's verdict to the decision that is stored and
 * told; see keeper.h.
 *
 * A verdict counts only if it names the request, the device and the digest of the
 * evidence as keeper knows them, and a milder decision only after a fresh appraiser
 * has reproduced it byte for byte from the same request.
 */
#include "keeper_private.h"

#include "keeper_rollout.h"
#include "log.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In one round: each kind of part, each manifest, and an IMA list behind what is stored, behind
 * what was read again, and from its first entry. */
#define NEEDS_MAX (MSG_WANTS_MAX + APPRAISAL_FILES_MAX + 3)

static void
send_need(struct keeper *k, struct keeper_session *s, struct request *r,
	  const struct msg_need *need)
{
	uint8_t frame[MSG_NEED_MAX];
	size_t n;

	if (k->uploads >= k->config->uploads_max) {
		keeper_refuse(k, s->id, "verifier.busy", true);
		keeper_request_free(k, r);
		return;
	}
	if (envelope_encode_need(need, frame, sizeof frame, &n) != ASSAY_OK) {
		keeper_refuse(k, s->id, "verifier.internal", true);
		keeper_request_free(k, r);
		return;
	}
	s->held = r;
	s->state = KS_NEEDING;
	k->uploads++;
	keeper_send(k, s->id, SPAN(frame, n));
}

static bool
needs_log(const struct msg_need *n)
{
	for (unsigned i = 0; i < n->nwants; i++)
		if (n->wants[i].kind == PART_BOOT_LOG)
			return true;
	return false;
}

/* Perhaps the ledger has what is wanted; the device is asked only if not. */
static void
on_need(struct keeper *k, struct keeper_session *s, struct request *r, const struct verdict *v)
{
	if (needs_log(&v->need) && !r->offer_log && !r->has_log) {
		r->offer_log = true;
		keeper_submit(k, s, r);
		return;
	}
	if (keeper_files_offer(k, r, v) || keeper_ima_offer(k, r, &v->need)) {
		keeper_submit(k, s, r);
		return;
	}
	if (s->offline && keeper_offline_withhold(k, r, v)) {
		keeper_submit(k, s, r);
		return;
	}
	if (s->offline || ++r->needs > NEEDS_MAX) {
		keeper_refuse(k, s->id, "evidence.incomplete", false);
		keeper_request_free(k, r);
		return;
	}
	send_need(k, s, r, &v->need);
}

/* What the device is told: which findings, what to do; never seen and expected. */
static void
fill_decision(const struct verdict *v, const struct decision_view *d, struct msg_decision *m)
{
	/* the cause, where it is none of the verdict's: pending, held, maintenance... */
	if (d->outcome < v->outcome || v->monitor)
		m->reasons[m->nreasons++] = SPAN(d->reason, strlen(d->reason));
	for (unsigned i = 0; i < v->nfindings && m->nreasons < MSG_REASONS_MAX; i++) {
		const struct finding *f = &v->findings[i];
		const char *word = finding_word((enum finding_code)f->code);

		if (f->cap == OUTCOME_ADMIT)
			continue;
		m->reasons[m->nreasons++] = SPAN(word, strlen(word));
		if (f->remedy[0] && strlen(f->remedy) <= MSG_REMEDIATION_TEXT_MAX)
			m->remediation[m->nremediation++] = SPAN(f->remedy, strlen(f->remedy));
	}
	if (m->nreasons == 0 && d->outcome != OUTCOME_ADMIT)
		m->reasons[m->nreasons++] = SPAN(d->reason, strlen(d->reason));
}

/* From challenge to challenge, so that the interval is kept however long a round takes;
 * a verifier that cannot keep up leaves at least half of it between rounds. */
static int64_t
next_challenge(const struct keeper *k, const struct keeper_session *s, uint32_t interval_s)
{
	int64_t interval = (int64_t)interval_s * 1000, due = s->challenged_ms + interval;

	return due > k->now_ms + interval / 2 ? due : k->now_ms + interval / 2;
}

static void
send_decision(struct keeper *k, struct keeper_session *s, const struct verdict *v,
	      const struct decision_view *d)
{
	static uint8_t frame[MSG_DECISION_MAX];
	struct msg_decision m = {.outcome = (uint8_t)(d->outcome + 1)};
	uint32_t interval = v->interval_s ? v->interval_s : KEEPER_DEFAULT_INTERVAL_S;
	enum assay_err e;
	size_t n;

	if (s->offline) {
		keeper_offline_decided(k, s, v, d);
		return;
	}
	s->next_ms = next_challenge(k, s, interval);
	m.next_in_ms = (uint32_t)(s->next_ms - k->now_ms);
	m.sequence = d->sequence;
	fill_decision(v, d, &m);
	m.token = keeper_device_token(k, s->device, v, d);
	if ((e = envelope_encode_decision(&m, frame, sizeof frame, &n)) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "decision-frame", "error", assay_err_name(e), NULL);
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	s->state = KS_IDLE;
	keeper_send(k, s->id, SPAN(frame, n));
}

/* The session has proved a key; an older session of the same device ends (I10). */
static void
prove_session(struct keeper *k, struct keeper_session *s, const char *device)
{
	struct live_device *d = s->offline ? NULL : live_add(&k->live, device);

	s->proved = true;
	memcpy(s->device, device, sizeof s->device);
	if (!d)
		return;
	if (d->session && d->session != s->id)
		keeper_refuse(k, d->session, "session.replaced", true);
	d->session = s->id;
	d->last_seen = k->now;
	d->proved_ms = k->now_ms;
}

/* Another connection of the device was heard after this challenge was given: evidence of
 * the two may have come in the other order than it was made in, and what is older than the
 * record would look like a TPM that went back (I10). */
static bool
overtaken(struct keeper *k, const struct keeper_session *s, const struct request *r)
{
	const struct live_device *d = s->offline ? NULL : live_find(&k->live, r->device);

	return d && d->proved_ms && d->session != s->id && d->proved_ms >= s->challenged_ms;
}

/* What came in a file is as old as its challenge. */
static int64_t
verdict_expiry(const struct keeper *k, const struct request *r, const struct verdict *v)
{
	int64_t since = r->issued > 0 && r->issued < k->now ? r->issued : k->now;
	int64_t at = since + v->max_age_s;

	return v->not_after && v->not_after < at ? v->not_after : at;
}

/* The boot's log, of a verdict that read it: for steady rounds, whose verdicts have not
 * its facts. They go with the boot that they are of. */
static enum assay_err
fill_boot_facts(struct keeper *k, const struct verdict *v, struct ledger_state *st)
{
	static uint8_t facts[BOOT_FACTS_BYTES_MAX];
	uint8_t log[32] = {0};
	size_t n;
	enum assay_err e;

	if (v->next.has_boot_log)
		memcpy(log, v->next.boot_log_digest, sizeof log);
	st->boot_facts = SPAN(NULL, 0);
	st->boot_facts_kept = false;
	if (boot_facts_found(v)) {
		if ((e = boot_facts_encode(v, facts, sizeof facts, &n)) != ASSAY_OK)
			return e;
		st->boot_facts = SPAN(facts, n);
		st->boot_at = k->now;
	} else if (span_equal(SPAN(log, 32), SPAN(st->boot_log, 32))) {
		st->boot_facts_kept = true;
	} else {
		st->boot_at = 0;
	}
	memcpy(st->boot_log, log, sizeof log);
	/* what later boots are compared with: replaced by nothing but another good one */
	if (v->outcome == OUTCOME_ADMIT && v->next.has_boot_log)
		memcpy(st->good_log, log, sizeof log);
	return ASSAY_OK;
}

static enum assay_err
fill_state(struct keeper *k, const struct request *r, const struct verdict *v,
	   struct ledger_state *st)
{
	static uint8_t continuity[CONTINUITY_BYTES_MAX], asked[64];
	struct writer w;
	enum assay_err e;
	size_t n;

	/* Evidence that only its signature was checked of changes no continuity. */
	if (r->kind != REQ_CORE) {
		e = continuity_encode(&v->next, continuity, sizeof continuity, &n);
		if (e != ASSAY_OK)
			return e;
		st->continuity = SPAN(continuity, n);
		if ((e = fill_boot_facts(k, v, st)) != ASSAY_OK)
			return e;
	}
	wr_init(&w, asked, sizeof asked);
	keeper_asked_write(r, &w);
	st->asked = wr_span(&w);
	st->proof = SPAN(r->proof, r->proof_len);
	st->claims = SPAN(r->claims, r->claims_len);
	memcpy(st->nonce, r->nonce, sizeof st->nonce);
	memcpy(st->policy, v->policy, sizeof st->policy);
	memcpy(st->reference, v->reference, sizeof st->reference);
	st->verdict_outcome = verdict_effective(v);
	st->verdict_at = k->now;
	st->expires_at = verdict_expiry(k, r, v);
	return ASSAY_OK;
}

static enum assay_err
store_log(struct keeper *k, const struct request *r, const struct verdict *v)
{
	uint8_t digest[32];
	enum assay_err e;

	if (!r->has_log || r->log_len == 0 || !v->next.has_boot_log)
		return ASSAY_OK;
	e = ledger_blob_put(k->ledger, SPAN(r->log, r->log_len), digest);
	if (e != ASSAY_OK)
		return e;
	/* the appraiser cannot name another log than the one that keeper hashed */
	return span_equal(SPAN(digest, 32), SPAN(v->next.boot_log_digest, 32)) ? ASSAY_OK
									      : ASSAY_MISMATCH;
}

/* The decision that this verdict leads to, before it is stored. */
static void
decide_with(struct keeper *k, const struct request *r, struct decision_view *ret)
{
	const struct verdict *v = &k->verdict;
	const char *word = "";
	struct decision_input in = {
		.status = r->standing.status,
		.overlay = r->standing.overlay,
		.overlay_until = r->standing.overlay_until,
		.fault = ledger_fault(k->ledger) != ASSAY_OK,
		.judged = true,
		.verdict = verdict_effective(v),
		.verdict_at = k->now,
		.expires_at = verdict_expiry(k, r, v),
		.now = k->now,
	};

	for (unsigned i = 0; i < v->nfindings && !word[0]; i++)
		if (v->findings[i].cap == in.verdict && in.verdict != OUTCOME_ADMIT)
			word = finding_word((enum finding_code)v->findings[i].code);
	if (v->monitor && !v->enforced)
		word = finding_word(FIND_NO_POLICY);
	in.finding = word;
	decide(&in, ret);
	if (v->monitor)
		ret->would = v->outcome;
}

static void
describe(const struct verdict *v, char *ret, size_t cap)
{
	ret[0] = '\0';
	for (unsigned i = 0; i < v->nfindings; i++) {
		const struct finding *f = &v->findings[i];

		if (f->cap != v->outcome || f->cap == OUTCOME_ADMIT)
			continue;
		if (strcmp(f->text, finding_text((enum finding_code)f->code)) != 0)
			snprintf(ret, cap, "%s", f->text); /* in words already */
		else if (f->seen[0] || f->expected[0])
			snprintf(ret, cap, "%s%sseen %.80s, expected %.80s", f->subject,
				 f->subject[0] ? ": " : "", f->seen, f->expected);
		else
			snprintf(ret, cap, "%s", f->subject);
		return;
	}
}

/* What operators have done to devices and policies since the request was made. BUSY: a
 * policy, a reference or a bad digest; what it was judged by may not count any more. */
static enum assay_err
look_again(struct keeper *k, struct request *r)
{
	const struct standing *t = &r->standing;
	enum assay_err e;

	if (t->devices == ledger_device_changes(k->ledger) && t->policies == k->policy_generation)
		return ASSAY_OK;
	if (t->policies != k->policy_generation && r->kind != REQ_CORE)
		return ASSAY_BUSY;
	if ((e = ledger_device_get(k->ledger, r->device, &k->device)) == ASSAY_OK)
		keeper_take_standing(k, &k->device, &r->standing);
	return e;
}

/*
 * DENIED: the verdict would make the recorded decision milder and was not reproduced.
 * BUSY: the state was changed meanwhile, but not by another round of the device
 * (expiry, an operator, a new policy): judge again. MISMATCH: by another round, or another
 * connection was heard since the challenge. EXISTS: its address is another device's: judge
 * again with that.
 */
static enum assay_err
commit_round(struct keeper *k, struct keeper_session *s, struct request *r, struct span bytes)
{
	struct verdict *v = &k->verdict;
	struct ledger_state st;
	struct decision_view d;
	char detail[LEDGER_TEXT_MAX];
	enum assay_err e;

	if (overtaken(k, s, r))
		return ASSAY_MISMATCH;
	if ((e = keeper_change(k)) != ASSAY_OK || (e = look_again(k, r)) != ASSAY_OK)
		return e;
	/* what the round does not replace is not read, but by REQ_CORE, which keeps it */
	e = r->kind == REQ_CORE ? ledger_state_get(k->ledger, r->device, &st)
				: ledger_state_outline(k->ledger, r->device, &st);
	if (e == ASSAY_NOT_FOUND) {
		memset(&st, 0, sizeof st);
		memcpy(st.device, r->device, sizeof st.device);
	} else if (e != ASSAY_OK) {
		return e;
	}
	if (st.version != r->version)
		return span_equal(SPAN(st.nonce, 32), SPAN(r->before, 32)) ? ASSAY_BUSY
									  : ASSAY_MISMATCH;
	/* a policy activated while the evidence was judged is the one that counts */
	if (!span_equal(SPAN(v->policy, 32), SPAN(r->standing.policy, 32)))
		return ASSAY_BUSY;
	if (r->kind != REQ_CORE && (e = keeper_address_check(k, s, r)) != ASSAY_OK)
		return e;
	decide_with(k, r, &d);
	if (d.outcome > st.decision && r->kind != REQ_REPRODUCE)
		return ASSAY_DENIED; /* milder: not before it was reproduced */
	if (s->offline && (e = keeper_offline_open(k, s)) != ASSAY_OK)
		return e;
	if ((e = fill_state(k, r, v, &st)) != ASSAY_OK || (e = store_log(k, r, v)) != ASSAY_OK)
		return e;
	if ((e = keeper_ima_store(k, r, v)) != ASSAY_OK)
		return e;
	st.verdict = bytes;
	st.channel = s->bound ? SPAN(s->channel, sizeof s->channel) : SPAN(NULL, 0);
	describe(v, detail, sizeof detail);
	if ((e = keeper_address_take(k, s, r, d.expires)) != ASSAY_OK ||
	    (e = keeper_record_decision(k, &st, &d, detail)) != ASSAY_OK ||
	    (e = ledger_state_put(k->ledger, &st)) != ASSAY_OK ||
	    (s->offline && (e = keeper_offline_settle(k, s)) != ASSAY_OK) ||
	    (e = keeper_note_copy(k, r->device, v)) != ASSAY_OK) {
		keeper_poison(k, e);
		return e;
	}
	if ((e = keeper_rollout_observe(k, r->device, v)) != ASSAY_OK) {
		keeper_poison(k, e);
		return e;
	}
	d.sequence = st.decision_seq;
	k->status.attestations++;
	prove_session(k, s, r->device);
	send_decision(k, s, v, &d);
	return ASSAY_OK;
}

static void
reproduce(struct keeper *k, struct request *r, struct span bytes)
{
	free(r->first);
	if (keeper_copy(bytes, &r->first, &r->first_len) != ASSAY_OK) {
		r->first = NULL;
		keeper_round_failed(k, r);
		return;
	}
	r->kind = REQ_REPRODUCE;
	r->deaths = 0;
	keeper_enqueue(k, r);
}

static const char *
word_for(const struct keeper_session *s, enum assay_err e)
{
	if (e == ASSAY_STATE && s->offline)
		return "challenge.used";
	return e == ASSAY_MISMATCH ? "session.raced" : "verifier.internal";
}

static void
on_decided(struct keeper *k, struct keeper_session *s, struct request *r, struct span bytes)
{
	enum assay_err e;

	if (r->kind == REQ_REPRODUCE && !span_equal(bytes, SPAN(r->first, r->first_len))) {
		log_event(LOG_LEVEL_ERROR, "not-reproduced", "device", r->device, "effect",
			  "the decision does not become milder", NULL);
		keeper_round_failed(k, r); /* Q18 */
		return;
	}
	e = commit_round(k, s, r, bytes);
	if (e == ASSAY_DENIED && r->kind == REQ_ROUND) {
		reproduce(k, r, bytes);
		return;
	}
	if ((e == ASSAY_BUSY && r->kind != REQ_CORE && r->again++ == 0) ||
	    (e == ASSAY_EXISTS && r->conflicts++ == 0)) {
		r->kind = REQ_ROUND;
		keeper_submit(k, s, r);
		return;
	}
	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_WARN, "round-not-stored", "device", r->device, "error",
			  assay_err_name(e), NULL);
		keeper_refuse(k, s->id, word_for(s, e), true);
	}
	keeper_request_free(k, r);
}

static void
on_unproven(struct keeper *k, struct request *r, const struct verdict *v)
{
	const char *word = v->nfindings ? finding_word((enum finding_code)v->findings[0].code)
					: "evidence.unproven";

	const struct keeper_session *s = keeper_find_session(k, r->session);

	log_event(LOG_LEVEL_WARN, "unproven", "session", log_u64(r->session), "claims-to-be",
		  r->device, "finding", word, NULL);
	/* operators may know what devices may not */
	keeper_refuse(k, r->session, s && s->offline ? word : "evidence.unproven", false);
	keeper_request_free(k, r);
}

void
keeper_round_failed(struct keeper *k, struct request *r)
{
	if (r->kind == REQ_REPLAY) {
		keeper_replay_lost(k, r);
		return;
	}
	if (r->kind == REQ_EXPLAIN) {
		keeper_explain_lost(k, r);
		return;
	}
	keeper_refuse(k, r->session, "verifier.internal", true);
	keeper_request_free(k, r);
}

static void
act_on_verdict(struct keeper *k, struct request *r, struct span bytes)
{
	struct keeper_session *s = keeper_find_session(k, r->session);
	struct verdict *v = &k->verdict;

	if (!s || s->state != KS_JUDGING) {
		keeper_request_free(k, r); /* the device left */
		return;
	}
	switch (v->status) {
	case VERDICT_NEED:
		if (r->kind == REQ_ROUND)
			on_need(k, s, r, v);
		else
			keeper_round_failed(k, r);
		return;
	case VERDICT_DECIDED:
		on_decided(k, s, r, bytes);
		return;
	case VERDICT_UNPROVEN:
		on_unproven(k, r, v);
		return;
	default:
		log_event(LOG_LEVEL_ERROR, "appraisal-fault", "device", r->device, NULL);
		keeper_round_failed(k, r);
	}
}

/* The verdict must be about this request, this device and this evidence. */
static bool
verdict_is_ours(const struct child *c, const struct ipc_msg *m, struct span *ret_bytes)
{
	const struct request *r = keeper_expected(c);
	struct span evidence, device;
	struct reader rd;

	rd_init(&rd, m->payload);
	evidence = rd_bytes(&rd, 32);
	device = rd_bytes(&rd, DEVICE_ID_HEX);
	*ret_bytes = rd_rest(&rd);
	return rd_finish(&rd) == ASSAY_OK && r && r->id == m->id &&
	       r->kind != REQ_ENROL && r->kind != REQ_ENROL_REPRODUCE && r->kind != REQ_REPLAY &&
	       r->kind != REQ_EXPLAIN &&
	       span_equal(evidence, SPAN(r->evidence, 32)) &&
	       span_equal(device, SPAN(r->device, DEVICE_ID_HEX));
}

void
keeper_on_verdict(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct request *r = keeper_expected(c);
	struct span bytes;
	bool malformed;

	if (!verdict_is_ours(c, m, &bytes) || verdict_decode(bytes, &k->verdict) != ASSAY_OK) {
		keeper_child_lost(k, c, "returned a verdict that is not its request's");
		return;
	}
	metrics_time(&k->metrics.appraisal, metrics_clock() - r->begun_us);
	malformed = k->verdict.status == VERDICT_FAULT ||
		    (k->verdict.nfindings && k->verdict.findings[0].code == FIND_MALFORMED);
	keeper_appraiser_done(k, c, malformed);
	act_on_verdict(k, r, bytes);
}

/* ---- reload ---- */

enum assay_err
keeper_reload(struct keeper *k)
{
	enum assay_err e = keeper_maps_load(k);

	if (e != ASSAY_OK)
		return e;
	for (unsigned p = 0; p < k->config->net_processes; p++)
		for (unsigned i = 0; i < k->sessions_max; i++) {
			struct keeper_session *s = k->sessions[p][i];
			uint32_t jitter = 0;

			if (!s || s->state != KS_IDLE || !s->proved)
				continue;
			if (random_below(KEEPER_RELOAD_SPREAD_MS, &jitter) != ASSAY_OK)
				jitter = 0;
			if (s->next_ms == 0 || s->next_ms > k->now_ms + jitter)
				s->next_ms = k->now_ms + jitter;
		}
	return ASSAY_OK;
}
