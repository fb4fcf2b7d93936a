/*
 * keeper_round.c: one attestation round, from challenge to decision; see keeper.h.
 *
 * A nonce is made, recorded with its session and consumed here and nowhere else. A
 * verdict counts only if it names the request, the device and the digest of the
 * evidence as keeper knows them, and a milder decision only after a fresh appraiser
 * has reproduced it byte for byte from the same request.
 */
#include "keeper_private.h"

#include "log.h"
#include "random.h"

#include "evidence/eventlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN_MS 200 /* network and queue, beyond the device's own deadline */

/* ---- sessions ---- */

struct keeper_session *
keeper_find_session(struct keeper *k, uint64_t id)
{
	unsigned p = NET_INDEX(id), slot = (unsigned)(id & 0xFFFFF);
	struct keeper_session *s;

	if (p >= KEEPER_NET_MAX || !k->sessions[p] || slot >= k->sessions_max)
		return NULL;
	s = k->sessions[p][slot];
	return s && s->id == id ? s : NULL;
}

void
keeper_session_free(struct keeper *k, struct keeper_session *s)
{
	struct live_device *d = s->device[0] ? live_find(&k->live, s->device) : NULL;

	if (d && d->session == s->id)
		d->session = 0;
	if (s->held) {
		k->uploads--;
		keeper_request_free(s->held);
	}
	keeper_enrolment_free(s->enrolment);
	k->sessions[NET_INDEX(s->id)][s->id & 0xFFFFF] = NULL;
	explicit_bzero(s, sizeof *s);
	free(s);
}

void
keeper_on_open(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	unsigned slot = (unsigned)(m->id & 0xFFFFF);
	struct keeper_session *s;
	struct span channel, peer;
	struct reader r;

	rd_init(&r, m->payload);
	channel = rd_u8(&r) ? rd_bytes(&r, BINDING_CHANNEL_SIZE) : SPAN(NULL, 0);
	peer = rd_be16_bytes(&r, sizeof s->peer - 1);
	if (rd_finish(&r) != ASSAY_OK || NET_INDEX(m->id) != c->index || slot >= k->sessions_max) {
		keeper_child_lost(k, c, "sent a bad NET_OPEN");
		return;
	}
	if (k->sessions[c->index][slot])
		keeper_session_free(k, k->sessions[c->index][slot]);
	if (!(s = calloc(1, sizeof *s)))
		return;
	s->id = m->id;
	s->bound = channel.n != 0;
	if (channel.n)
		memcpy(s->channel, channel.p, channel.n);
	if (peer.n)
		memcpy(s->peer, peer.p, peer.n);
	k->sessions[c->index][slot] = s;
}

void
keeper_on_closed(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);

	(void)c;
	if (s)
		keeper_session_free(k, s);
}

/* Words that devices see are few and tell nothing about any device. */
void
keeper_refuse(struct keeper *k, uint64_t session, const char *word, bool retry)
{
	struct msg_refused m = {.reason = SPAN(word, strlen(word)), .retry = retry};
	struct keeper_session *s = keeper_find_session(k, session);
	uint8_t frame[MSG_REFUSED_MAX];
	size_t n;

	k->status.refusals++;
	log_event(LOG_LEVEL_WARN, "refused", "session", log_u64(session), "peer",
		  s ? s->peer : "", "reason", word, NULL);
	if (envelope_encode_refused(&m, frame, sizeof frame, &n) == ASSAY_OK)
		keeper_send(k, session, SPAN(frame, n));
	if (s)
		s->state = KS_NEW; /* net closes after the frame */
}

/* ---- challenge ---- */

/* Asked of everybody alike, but only in banks that the device says it has: fewer
 * banks than policy needs is a finding, never a pass (Q4). */
static void
select_banks(const struct keeper *k, const struct keeper_session *s, struct pcr_selection *ret)
{
	memset(ret, 0, sizeof *ret);
	for (unsigned i = 0; i < k->ask.count; i++)
		for (unsigned b = 0; b < s->nbanks; b++)
			if (s->banks[b] == k->ask.bank[i].alg)
				ret->bank[ret->count++] = k->ask.bank[i];
	if (ret->count == 0)
		*ret = k->ask;
}

void
keeper_challenge(struct keeper *k, struct keeper_session *s)
{
	struct msg_challenge m = {.deadline_ms = k->config->challenge_deadline_ms,
				  .channel_bound = s->bound};
	uint8_t frame[MSG_CHALLENGE_MAX];
	enum assay_err e;
	size_t n;

	s->next_ms = 0;
	if ((e = random_bytes(s->nonce, sizeof s->nonce)) != ASSAY_OK) {
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	select_banks(k, s, &s->asked);
	m.nonce = SPAN(s->nonce, sizeof s->nonce);
	m.pcrs = s->asked;
	if ((e = envelope_encode_challenge(&m, frame, sizeof frame, &n)) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "challenge", "error", assay_err_name(e), NULL);
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	s->state = KS_CHALLENGED;
	s->deadline_ms = k->now_ms + k->config->challenge_deadline_ms + MARGIN_MS;
	keeper_send(k, s->id, SPAN(frame, n));
}

void
keeper_on_hello(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);
	struct span name;
	struct reader r;

	if (!s)
		return;
	rd_init(&r, m->payload);
	name = rd_be16_bytes(&r, TPM_NAME_MAX);
	s->nbanks = (uint8_t)rd_count(&r, rd_u8(&r), PCR_BANKS_MAX);
	for (unsigned i = 0; i < s->nbanks; i++)
		s->banks[i] = rd_be16(&r);
	if (rd_finish(&r) != ASSAY_OK || s->state != KS_NEW) {
		keeper_child_lost(k, c, "sent a bad NET_HELLO");
		return;
	}
	if (name.n)
		memcpy(s->key_name.b, name.p, name.n);
	s->key_name.len = (uint16_t)name.n;
	keeper_challenge(k, s);
}

void
keeper_rounds_tick(struct keeper *k)
{
	for (unsigned p = 0; p < k->config->net_processes; p++)
		for (unsigned i = 0; i < k->sessions_max; i++) {
			struct keeper_session *s = k->sessions[p][i];

			if (!s)
				continue;
			if (s->state == KS_IDLE && s->next_ms && s->next_ms <= k->now_ms)
				keeper_challenge(k, s);
			else if (s->state == KS_CHALLENGED && s->deadline_ms <= k->now_ms)
				keeper_refuse(k, s->id, "challenge.late", true);
		}
}

/* ---- the request ---- */

static enum assay_err
copy_bytes(struct span in, uint8_t **ret, size_t *ret_len)
{
	*ret = malloc(in.n ? in.n : 1);
	if (!*ret)
		return ASSAY_NO_MEMORY;
	if (in.n)
		memcpy(*ret, in.p, in.n);
	*ret_len = in.n;
	return ASSAY_OK;
}

static void
add_map(struct request *r, const uint8_t digest[32])
{
	memcpy(r->maps[r->nmaps++], digest, 32);
}

static void
fill_references(struct keeper *k, struct request *r, const struct ledger_device *d)
{
	struct appraisal_input *in = &k->input;

	in->nreferences = 0;
	for (unsigned i = 0; i < k->nreferences; i++) {
		const struct keeper_reference *ref = &k->references[i];
		struct reference_view *v = &in->references[in->nreferences];

		if (strcmp(ref->class_name, d->class_name) != 0 ||
		    (ref->device[0] && strcmp(ref->device, d->id) != 0))
			continue;
		if (in->nreferences == REFERENCES_PER_DEVICE_MAX) {
			log_event(LOG_LEVEL_WARN, "too-many-references", "class", d->class_name,
				  NULL);
			return;
		}
		memcpy(v->digest, ref->map.digest, 32);
		v->state = ref->state;
		v->not_after = ref->not_after;
		v->compiled = SPAN(NULL, 0);
		in->nreferences++;
		add_map(r, ref->map.digest);
	}
}

static void
fill_device(struct appraisal_input *in, const struct ledger_device *d)
{
	memcpy(in->device.id, d->id, sizeof in->device.id);
	memcpy(in->device.class_name, d->class_name, sizeof in->device.class_name);
	memcpy(in->device.labels, d->labels, sizeof in->device.labels);
	in->device.tier = d->tier;
	in->device.new_ak = d->new_ak;
	in->device.ek_name = d->ek_name;
	in->device.ak_name = d->ak_name;
	in->device.ak_public = SPAN(d->ak_public, d->ak_public_len);
	in->device.ek = d->ek;
}

/* A device that is not admitted may become so by this round: the log goes along, so
 * that both appraisers judge from everything. */
static enum assay_err
offer_stored_log(struct keeper *k, const struct request *r, const struct ledger_state *st)
{
	static const uint8_t none[32];
	enum assay_err e;

	if (r->has_log) {
		k->input.has_boot_log = true;
		k->input.boot_log = SPAN(r->log, r->log_len);
		return ASSAY_OK;
	}
	if ((st->decision == OUTCOME_ADMIT && !r->offer_log) ||
	    span_equal(SPAN(st->boot_log, 32), SPAN(none, 32)))
		return ASSAY_OK;
	e = ledger_blob_get(k->ledger, st->boot_log, &k->input.boot_log);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK; /* it is asked for again */
	if (e != ASSAY_OK)
		return e;
	k->input.has_boot_log = k->input.boot_log_stored = true;
	return ASSAY_OK;
}

static void
fill_evidence(struct keeper *k, const struct keeper_session *s, const struct request *r)
{
	struct appraisal_input *in = &k->input;

	in->now = k->now;
	in->kind = BINDING_TPM_ONLINE;
	memcpy(in->nonce, r->nonce, sizeof in->nonce);
	if (s->bound)
		in->channel = SPAN(s->channel, sizeof s->channel);
	in->asked = r->asked;
	in->proof = SPAN(r->proof, r->proof_len);
	in->claims = SPAN(r->claims, r->claims_len);
}

/* Digest over all that the device sent, length by length. */
static enum assay_err
digest_evidence(struct request *r)
{
	struct span parts[3] = {SPAN(r->proof, r->proof_len), SPAN(r->claims, r->claims_len),
				SPAN(r->log, r->log_len)};
	struct hasher h;
	struct digest d;
	enum assay_err e = hash_init(&h, ALG_SHA256);

	for (unsigned i = 0; i < 3 && e == ASSAY_OK; i++) {
		uint8_t len[8];
		struct writer w;

		wr_init(&w, len, sizeof len);
		wr_be64(&w, parts[i].n);
		if ((e = hash_update(&h, wr_span(&w))) == ASSAY_OK)
			e = hash_update(&h, parts[i]);
	}
	if (e != ASSAY_OK || (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	memcpy(r->evidence, d.b, 32);
	return ASSAY_OK;
}

static enum assay_err
encode_request(struct keeper *k, struct request *r, const uint8_t policy[32])
{
	struct writer w;
	size_t head, n;
	enum assay_err e;

	wr_init(&w, k->scratch, KEEPER_SCRATCH);
	wr_u8(&w, 0);
	wr_bytes(&w, SPAN(r->evidence, 32));
	wr_bytes(&w, SPAN(policy, 32));
	if ((e = wr_finish(&w, &head)) != ASSAY_OK ||
	    (e = appraisal_input_encode(&k->input, k->scratch + head, KEEPER_SCRATCH - head,
					&n)) != ASSAY_OK)
		return e;
	free(r->payload);
	return copy_bytes(SPAN(k->scratch, head + n), &r->payload, &r->len);
}

/* Device record, state, policy and references together with the evidence. */
static enum assay_err
compose(struct keeper *k, const struct keeper_session *s, struct request *r)
{
	static const uint8_t none[32];
	struct ledger_device *d = &k->device;
	const struct keeper_policy *p;
	struct ledger_state st;
	enum assay_err e;

	if ((e = ledger_device_by_ak(k->ledger, &s->key_name, d)) != ASSAY_OK)
		return e;
	e = ledger_state_get(k->ledger, d->id, &st);
	if (e == ASSAY_NOT_FOUND)
		memset(&st, 0, sizeof st);
	else if (e != ASSAY_OK)
		return e;
	memset(&k->input, 0, sizeof k->input);
	r->nmaps = 0;
	memcpy(r->device, d->id, sizeof r->device);
	r->version = st.version;
	fill_evidence(k, s, r);
	fill_device(&k->input, d);
	k->input.continuity = st.continuity;
	p = keeper_policy_for(k, d->class_name, d->labels);
	if (p) {
		memcpy(k->input.policy_digest, p->map.digest, 32);
		add_map(r, p->map.digest);
	}
	fill_references(k, r, d);
	if ((e = offer_stored_log(k, r, &st)) != ASSAY_OK ||
	    (e = digest_evidence(r)) != ASSAY_OK)
		return e;
	return encode_request(k, r, p ? p->map.digest : none);
}

/* Where evidence cannot even be tried, the answer is the same for every reason that
 * has to do with who the sender says it is (I16). */
static void
submit(struct keeper *k, struct keeper_session *s, struct request *r)
{
	enum assay_err e;

	if (k->queued >= KEEPER_REQUESTS_MAX) {
		keeper_refuse(k, s->id, "verifier.busy", true);
		keeper_request_free(r);
		return;
	}
	e = compose(k, s, r);
	if (e != ASSAY_OK) {
		if (e != ASSAY_NOT_FOUND)
			log_event(LOG_LEVEL_ERROR, "round", "session", log_u64(s->id), "error",
				  assay_err_name(e), NULL);
		keeper_refuse(k, s->id, "evidence.unproven", e != ASSAY_NOT_FOUND);
		keeper_request_free(r);
		return;
	}
	s->state = KS_JUDGING;
	keeper_enqueue(k, r);
}

static struct request *
new_round(struct keeper *k, struct keeper_session *s, struct span frame)
{
	struct request *r = calloc(1, sizeof *r);

	if (!r || copy_bytes(frame, &r->proof, &r->proof_len) != ASSAY_OK) {
		free(r);
		return NULL;
	}
	r->kind = REQ_ROUND;
	r->session = s->id;
	r->at_ms = k->now_ms;
	r->asked = s->asked;
	memcpy(r->nonce, s->nonce, sizeof r->nonce);
	return r;
}

void
keeper_on_proof(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);
	struct request *r;
	bool late;

	(void)c;
	if (!s)
		return;
	if (s->state != KS_CHALLENGED) { /* no nonce is outstanding: Q6, Q17 */
		keeper_refuse(k, s->id, "challenge.none", false);
		return;
	}
	late = s->deadline_ms <= k->now_ms;
	r = late ? NULL : new_round(k, s, m->payload);
	explicit_bzero(s->nonce, sizeof s->nonce); /* consumed, whatever follows */
	s->state = KS_JUDGING;
	if (!r) {
		keeper_refuse(k, s->id, late ? "challenge.late" : "verifier.busy", true);
		return;
	}
	submit(k, s, r);
}

void
keeper_on_parts(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);
	struct span claims, log;
	struct request *r;
	struct reader rd;
	uint8_t mask;

	if (!s || s->state != KS_NEEDING || !s->held)
		return;
	rd_init(&rd, m->payload);
	mask = rd_u8(&rd);
	claims = rd_be32_bytes(&rd, MSG_CLAIMS_MAX);
	log = rd_be32_bytes(&rd, EVENTLOG_MAX);
	if (rd_finish(&rd) != ASSAY_OK) {
		keeper_child_lost(k, c, "sent bad NET_PARTS");
		return;
	}
	r = s->held;
	s->held = NULL;
	k->uploads--;
	if ((mask & 1u << PART_CLAIMS) && copy_bytes(claims, &r->claims, &r->claims_len) != ASSAY_OK)
		r->claims_len = 0;
	if ((mask & 1u << PART_BOOT_LOG) && copy_bytes(log, &r->log, &r->log_len) == ASSAY_OK)
		r->has_log = true;
	r->kind = REQ_ROUND;
	submit(k, s, r);
}

/* ---- the verdict ---- */

static void
send_need(struct keeper *k, struct keeper_session *s, struct request *r,
	  const struct msg_need *need)
{
	uint8_t frame[MSG_NEED_MAX];
	size_t n;

	if (k->uploads >= k->config->uploads_max) {
		keeper_refuse(k, s->id, "verifier.busy", true);
		keeper_request_free(r);
		return;
	}
	if (envelope_encode_need(need, frame, sizeof frame, &n) != ASSAY_OK) {
		keeper_refuse(k, s->id, "verifier.internal", true);
		keeper_request_free(r);
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
		submit(k, s, r);
		return;
	}
	if (++r->needs > MSG_WANTS_MAX) {
		keeper_refuse(k, s->id, "evidence.incomplete", false);
		keeper_request_free(r);
		return;
	}
	send_need(k, s, r, &v->need);
}

/* What the device is told: which findings, what to do; never seen and expected. */
static void
fill_decision(const struct verdict *v, const struct decision_view *d, struct msg_decision *m)
{
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

static void
send_decision(struct keeper *k, struct keeper_session *s, const struct verdict *v,
	      const struct decision_view *d)
{
	static uint8_t frame[MSG_DECISION_MAX];
	struct msg_decision m = {.outcome = (uint8_t)(d->outcome + 1)};
	uint32_t interval = v->interval_s ? v->interval_s : KEEPER_DEFAULT_INTERVAL_S;
	enum assay_err e;
	size_t n;

	m.next_in_ms = interval * 1000;
	m.sequence = d->sequence;
	fill_decision(v, d, &m);
	if ((e = envelope_encode_decision(&m, frame, sizeof frame, &n)) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "decision-frame", "error", assay_err_name(e), NULL);
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	s->state = KS_IDLE;
	s->next_ms = k->now_ms + (int64_t)interval * 1000;
	keeper_send(k, s->id, SPAN(frame, n));
}

/* The session has proved a key; an older session of the same device ends (I10). */
static void
prove_session(struct keeper *k, struct keeper_session *s, const char *device)
{
	struct live_device *d = live_add(&k->live, device);

	s->proved = true;
	memcpy(s->device, device, sizeof s->device);
	if (!d)
		return;
	if (d->session && d->session != s->id)
		keeper_refuse(k, d->session, "session.replaced", true);
	d->session = s->id;
	d->last_seen = k->now;
}

static int64_t
verdict_expiry(const struct keeper *k, const struct verdict *v)
{
	int64_t at = k->now + v->max_age_s;

	return v->not_after && v->not_after < at ? v->not_after : at;
}

/* In monitor mode the outcome is what an enforced policy gave last. */
static enum outcome
effective_outcome(const struct verdict *v, const struct ledger_state *st)
{
	return v->monitor ? st->verdict_outcome : v->outcome;
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
		memset(st->boot_log, 0, sizeof st->boot_log);
		if (v->next.has_boot_log)
			memcpy(st->boot_log, v->next.boot_log_digest, sizeof st->boot_log);
	}
	wr_init(&w, asked, sizeof asked);
	wr_u8(&w, r->asked.count);
	for (unsigned i = 0; i < r->asked.count; i++) {
		wr_be16(&w, r->asked.bank[i].alg);
		wr_be32(&w, r->asked.bank[i].mask);
	}
	st->asked = wr_span(&w);
	st->proof = SPAN(r->proof, r->proof_len);
	st->claims = SPAN(r->claims, r->claims_len);
	memcpy(st->nonce, r->nonce, sizeof st->nonce);
	st->verdict_outcome = effective_outcome(v, st);
	st->verdict_at = k->now;
	st->expires_at = verdict_expiry(k, v);
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
decide_with(struct keeper *k, const struct ledger_device *d, const struct ledger_state *st,
	    const struct verdict *v, struct decision_view *ret)
{
	const char *word = "";
	struct decision_input in = {
		.status = d->status,
		.overlay = d->overlay,
		.fault = k->status.ledger_fault,
		.judged = true,
		.verdict = effective_outcome(v, st),
		.verdict_at = k->now,
		.expires_at = verdict_expiry(k, v),
		.now = k->now,
	};

	for (unsigned i = 0; i < v->nfindings && !word[0]; i++)
		if (v->findings[i].cap == in.verdict && in.verdict != OUTCOME_ADMIT)
			word = finding_word((enum finding_code)v->findings[i].code);
	in.finding = word;
	decide(&in, ret);
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
		snprintf(ret, cap, "%s%sseen %.80s, expected %.80s", f->subject,
			 f->subject[0] ? ": " : "", f->seen, f->expected);
		return;
	}
}

static enum assay_err
commit_round(struct keeper *k, struct keeper_session *s, struct request *r, struct span bytes)
{
	struct verdict *v = &k->verdict;
	struct ledger_state st;
	struct decision_view d;
	char detail[LEDGER_TEXT_MAX];
	enum assay_err e;

	if ((e = keeper_change(k)) != ASSAY_OK ||
	    (e = ledger_device_get(k->ledger, r->device, &k->device)) != ASSAY_OK)
		return e;
	e = ledger_state_get(k->ledger, r->device, &st);
	if (e == ASSAY_NOT_FOUND) {
		memset(&st, 0, sizeof st);
		memcpy(st.device, r->device, sizeof st.device);
	} else if (e != ASSAY_OK) {
		return e;
	}
	if (st.version != r->version)
		return ASSAY_MISMATCH;
	decide_with(k, &k->device, &st, v, &d);
	if ((e = fill_state(k, r, v, &st)) != ASSAY_OK || (e = store_log(k, r, v)) != ASSAY_OK)
		return e;
	st.verdict = bytes;
	st.channel = s->bound ? SPAN(s->channel, sizeof s->channel) : SPAN(NULL, 0);
	describe(v, detail, sizeof detail);
	if ((e = keeper_record_decision(k, &st, &d, detail)) != ASSAY_OK ||
	    (e = ledger_state_put(k->ledger, &st)) != ASSAY_OK) {
		keeper_poison(k, e);
		return e;
	}
	d.sequence = st.decision_seq;
	k->status.attestations++;
	prove_session(k, s, r->device);
	send_decision(k, s, v, &d);
	return ASSAY_OK;
}

/* Whether this verdict would make the recorded decision milder. */
static bool
is_milder(struct keeper *k, const struct request *r, const struct verdict *v)
{
	struct ledger_state st;
	struct decision_view d;

	if (ledger_device_get(k->ledger, r->device, &k->device) != ASSAY_OK)
		return true;
	if (ledger_state_get(k->ledger, r->device, &st) != ASSAY_OK)
		memset(&st, 0, sizeof st);
	decide_with(k, &k->device, &st, v, &d);
	return d.outcome > st.decision;
}

static void
reproduce(struct keeper *k, struct request *r, struct span bytes)
{
	if (copy_bytes(bytes, &r->first, &r->first_len) != ASSAY_OK) {
		keeper_round_failed(k, r);
		return;
	}
	r->kind = REQ_REPRODUCE;
	r->deaths = 0;
	keeper_enqueue(k, r);
}

static void
on_decided(struct keeper *k, struct keeper_session *s, struct request *r, struct span bytes)
{
	enum assay_err e;

	if (r->kind == REQ_ROUND && is_milder(k, r, &k->verdict)) {
		reproduce(k, r, bytes);
		return;
	}
	if (r->kind == REQ_REPRODUCE && !span_equal(bytes, SPAN(r->first, r->first_len))) {
		log_event(LOG_LEVEL_ERROR, "not-reproduced", "device", r->device, "effect",
			  "the decision does not become milder", NULL);
		keeper_round_failed(k, r); /* Q18 */
		return;
	}
	e = commit_round(k, s, r, bytes);
	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_WARN, "round-not-stored", "device", r->device, "error",
			  assay_err_name(e), NULL);
		keeper_refuse(k, s->id,
			      e == ASSAY_MISMATCH ? "session.raced" : "verifier.internal", true);
	}
	keeper_request_free(r);
}

static void
on_unproven(struct keeper *k, struct request *r, const struct verdict *v)
{
	const char *word = v->nfindings ? finding_word((enum finding_code)v->findings[0].code)
					: "evidence.unproven";

	log_event(LOG_LEVEL_WARN, "unproven", "session", log_u64(r->session), "claims-to-be",
		  r->device, "finding", word, NULL);
	keeper_refuse(k, r->session, "evidence.unproven", false);
	keeper_request_free(r);
}

void
keeper_round_failed(struct keeper *k, struct request *r)
{
	keeper_refuse(k, r->session, "verifier.internal", true);
	keeper_request_free(r);
}

static void
act_on_verdict(struct keeper *k, struct request *r, struct span bytes)
{
	struct keeper_session *s = keeper_find_session(k, r->session);
	struct verdict *v = &k->verdict;

	if (!s || s->state != KS_JUDGING) {
		keeper_request_free(r); /* the device left */
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
	const struct request *r = c->request;
	struct span evidence, device;
	struct reader rd;

	rd_init(&rd, m->payload);
	evidence = rd_bytes(&rd, 32);
	device = rd_bytes(&rd, DEVICE_ID_HEX);
	*ret_bytes = rd_rest(&rd);
	return rd_finish(&rd) == ASSAY_OK && r && r->id == m->id &&
	       r->kind != REQ_ENROL && r->kind != REQ_ENROL_REPRODUCE &&
	       span_equal(evidence, SPAN(r->evidence, 32)) &&
	       span_equal(device, SPAN(r->device, DEVICE_ID_HEX));
}

void
keeper_on_verdict(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct request *r = c->request;
	struct span bytes;
	bool malformed;

	if (!verdict_is_ours(c, m, &bytes) || verdict_decode(bytes, &k->verdict) != ASSAY_OK) {
		keeper_child_lost(k, c, "returned a verdict that is not its request's");
		return;
	}
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
