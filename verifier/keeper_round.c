/*
 * keeper_round.c: from a proof to the request that an appraiser gets; see keeper.h.
 *
 * The nonce is consumed before anything else. The evidence is hashed, never read, and
 * travels with the device's record, its continuity, its policy and references.
 */
#include "keeper_private.h"

#include "keeper_replay.h"
#include "labels.h"
#include "log.h"

#include "evidence/eventlog.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

enum assay_err
keeper_copy(struct span in, uint8_t **ret, size_t *ret_len)
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

/* Those of the device itself or those of its class; false: there were too many. */
static bool
add_references(struct keeper *k, struct request *r, const struct ledger_device *d, bool baseline)
{
	struct appraisal_input *in = &k->input;

	for (unsigned i = 0; i < k->nreferences; i++) {
		const struct keeper_reference *ref = &k->references[i];
		struct reference_view *v = &in->references[in->nreferences];

		if (strcmp(ref->class_name, d->class_name) != 0 ||
		    (ref->device[0] != '\0') != baseline ||
		    (baseline && strcmp(ref->device, d->id) != 0) ||
		    !labels_all(ref->labels, d->labels))
			continue;
		if (in->nreferences == REFERENCES_PER_DEVICE_MAX) {
			log_event(LOG_LEVEL_WARN, "too-many-references", "class", d->class_name,
				  NULL);
			return false;
		}
		memcpy(v->digest, ref->map.digest, 32);
		v->state = keeper_replayed(r, ref) ? REF_PROMOTED : ref->state;
		v->not_after = ref->not_after;
		v->not_before = ref->not_before;
		memcpy(v->superseded_by, ref->superseded_by, sizeof v->superseded_by);
		v->baseline = baseline;
		v->kind = ref->kind;
		memcpy(v->name, ref->name, sizeof v->name);
		v->compiled = SPAN(NULL, 0);
		in->nreferences++;
		add_map(r, ref->map.digest);
	}
	return true;
}

/* What operators declared bad is for everybody. */
static void
add_known_bad(struct keeper *k, struct request *r)
{
	struct reference_view *v = &k->input.references[0];

	if (k->known_bad.bytes.n == 0)
		return;
	memset(v, 0, sizeof *v);
	memcpy(v->digest, k->known_bad.digest, sizeof v->digest);
	v->state = REF_PROMOTED;
	v->kind = REF_KIND_KNOWN_BAD;
	text_format(v->name, sizeof v->name, "known-bad");
	k->input.nreferences = 1;
	add_map(r, v->digest);
}

/* Those first that only warn, then the device's own: what has no room is a set that
 * would admit. */
void
keeper_fill_references(struct keeper *k, struct request *r, const struct ledger_device *d)
{
	k->input.nreferences = 0;
	add_known_bad(k, r);
	if (add_references(k, r, d, true))
		(void)add_references(k, r, d, false);
}

void
keeper_fill_device(struct appraisal_input *in, const struct ledger_device *d)
{
	memcpy(in->device.id, d->id, sizeof in->device.id);
	memcpy(in->device.class_name, d->class_name, sizeof in->device.class_name);
	memcpy(in->device.labels, d->labels, sizeof in->device.labels);
	in->device.tier = d->tier;
	in->device.new_ak = d->new_ak;
	in->device.copied = d->copied;
	if (tier_has_tpm(d->tier))
		in->kind = in->issued ? BINDING_TPM_OFFLINE : BINDING_TPM_ONLINE;
	else
		in->kind = in->issued ? BINDING_KEY_OFFLINE : BINDING_KEY_ONLINE;
	in->device.ek_name = d->ek_name;
	in->device.ak_name = d->ak_name;
	in->device.ak_public = SPAN(d->ak_public, d->ak_public_len);
	in->device.ek = d->ek;
}

/* A device that is not admitted may become so by this round: the log goes along, so
 * that both appraisers judge from everything. */
static bool
wants_stored_log(const struct request *r, const struct ledger_state *st)
{
	static const uint8_t none[32];

	return (st->decision != OUTCOME_ADMIT || r->offer_log) &&
	       !span_equal(SPAN(st->boot_log, 32), SPAN(none, 32));
}

static enum assay_err
offer_log(struct keeper *k, const struct request *r, const struct ledger_state *st)
{
	enum assay_err e;

	if (r->has_log) {
		k->input.has_boot_log = true;
		k->input.boot_log = SPAN(r->log, r->log_len);
		return ASSAY_OK;
	}
	if (!wants_stored_log(r, st))
		return ASSAY_OK;
	e = ledger_blob_get(k->ledger, st->boot_log, &k->input.boot_log);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK; /* it is asked for again */
	if (e != ASSAY_OK)
		return e;
	k->input.has_boot_log = k->input.boot_log_stored = true;
	return ASSAY_OK;
}

/* Beside a log that will be judged; a copy, because the ledger shows one blob at a time.
 * Without it the boot would be judged as if it were the device's first: an error. */
static enum assay_err
offer_good_log(struct keeper *k, const struct request *r, const struct ledger_state *st,
	       uint8_t **ret)
{
	static const uint8_t none[32];
	struct span good = SPAN(st->good_log, 32), log;
	bool judged = r->has_log || wants_stored_log(r, st);
	enum assay_err e;
	size_t n;

	if (!judged || span_equal(good, SPAN(none, 32)) ||
	    (!r->has_log && span_equal(good, SPAN(st->boot_log, 32))))
		return ASSAY_OK;
	if ((e = ledger_blob_get(k->ledger, st->good_log, &log)) != ASSAY_OK ||
	    (e = keeper_copy(log, ret, &n)) != ASSAY_OK)
		return e;
	k->input.good_log = SPAN(*ret, n);
	return ASSAY_OK;
}

static void
fill_evidence(struct keeper *k, const struct keeper_session *s, const struct request *r)
{
	struct appraisal_input *in = &k->input;

	in->now = k->now;
	memcpy(in->nonce, r->nonce, sizeof in->nonce);
	if (s->bound)
		in->channel = SPAN(s->channel, sizeof s->channel);
	in->asked = r->asked;
	in->issued = r->issued;
	in->proof = SPAN(r->proof, r->proof_len);
	in->claims = SPAN(r->claims, r->claims_len);
	in->has_ima = r->has_ima;
	in->ima_from = r->ima_from;
	in->ima_stored = r->ima_stored;
	keeper_address_fill(in, s, r);
}

/* Digest over all that the device sent, length by length. */
static enum assay_err
digest_evidence(struct request *r)
{
	struct span parts[4 + APPRAISAL_FILES_MAX] = {
		SPAN(r->proof, r->proof_len), SPAN(r->claims, r->claims_len),
		SPAN(r->log, r->log_len), keeper_ima_sent(r)};
	struct hasher h;
	struct digest d;
	enum assay_err e = hash_init(&h, ALG_SHA256);

	for (unsigned i = 0; i < r->nfiles; i++)
		parts[4 + i] = SPAN(r->files[i].p, r->files[i].n);
	for (unsigned i = 0; i < 4u + r->nfiles && e == ASSAY_OK; i++) {
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

enum assay_err
keeper_encode_request(struct keeper *k, struct request *r)
{
	struct writer w;
	size_t head, n;
	enum assay_err e;

	wr_init(&w, k->scratch, KEEPER_SCRATCH);
	wr_u8(&w, r->kind == REQ_REPLAY    ? APPRAISE_REPLAY
		  : r->kind == REQ_EXPLAIN ? APPRAISE_EXPLAIN
					   : 0);
	wr_bytes(&w, SPAN(r->evidence, 32));
	wr_bytes(&w, SPAN(r->standing.policy, 32));
	if ((e = wr_finish(&w, &head)) != ASSAY_OK ||
	    (e = appraisal_input_encode(&k->input, k->scratch + head, KEEPER_SCRATCH - head,
					&n)) != ASSAY_OK)
		return e;
	free(r->payload);
	return keeper_copy(SPAN(k->scratch, head + n), &r->payload, &r->len);
}

void
keeper_take_standing(struct keeper *k, const struct ledger_device *d, struct standing *ret)
{
	const struct keeper_policy *p = keeper_policy_for(k, d->class_name, d->labels);

	*ret = (struct standing){
		.devices = ledger_device_changes(k->ledger),
		.policies = k->policy_generation,
		.status = d->status,
		.overlay = d->overlay,
		.overlay_until = d->overlay_until,
	};
	if (p)
		memcpy(ret->policy, p->map.digest, sizeof ret->policy);
}

/* What gives the outcome while a policy is in monitor mode. */
static void
fill_enforced(struct keeper *k, struct request *r, const struct ledger_device *d)
{
	const struct keeper_policy *p = keeper_policy_for(k, d->class_name, d->labels);
	const struct keeper_policy *e =
		p ? keeper_enforced_for(k, p, d) : NULL;

	if (!e)
		return;
	memcpy(k->input.enforced_digest, e->map.digest, sizeof k->input.enforced_digest);
	add_map(r, e->map.digest);
}

/* Device record, state, policy and references together with the evidence. */
static enum assay_err
compose(struct keeper *k, const struct keeper_session *s, struct request *r)
{
	static const uint8_t none[32];
	struct ledger_device *d = &k->device;
	uint8_t *good_log = NULL;
	struct ledger_state st;
	enum assay_err e;

	if ((e = ledger_device_by_ak(k->ledger, &s->key_name, d)) != ASSAY_OK)
		return e;
	e = ledger_state_brief(k->ledger, d->id, &st);
	if (e == ASSAY_NOT_FOUND)
		memset(&st, 0, sizeof st);
	else if (e != ASSAY_OK)
		return e;
	memset(&k->input, 0, sizeof k->input);
	r->nmaps = 0;
	memcpy(r->device, d->id, sizeof r->device);
	memcpy(r->class_name, d->class_name, sizeof r->class_name);
	r->version = st.version;
	keeper_take_standing(k, d, &r->standing);
	memcpy(r->before, st.nonce, sizeof r->before);
	fill_evidence(k, s, r);
	k->input.judged = st.verdict_at;
	keeper_fill_device(&k->input, d);
	k->input.continuity = st.continuity;
	keeper_files_fill(&k->input, r);
	memcpy(k->input.policy_digest, r->standing.policy, 32);
	if (!span_equal(SPAN(r->standing.policy, 32), SPAN(none, 32)))
		add_map(r, r->standing.policy);
	fill_enforced(k, r, d);
	keeper_fill_references(k, r, d);
	if ((e = offer_good_log(k, r, &st, &good_log)) == ASSAY_OK &&
	    (e = offer_log(k, r, &st)) == ASSAY_OK && (e = digest_evidence(r)) == ASSAY_OK)
		e = keeper_encode_request(k, r);
	free(good_log);
	return e;
}

/* Where evidence cannot even be tried, the answer is the same for every reason that
 * has to do with who the sender says it is (I16). */
void
keeper_submit(struct keeper *k, struct keeper_session *s, struct request *r)
{
	enum assay_err e;

	if (k->queued >= KEEPER_REQUESTS_MAX) {
		keeper_refuse(k, s->id, "verifier.busy", true);
		keeper_request_free(k, r);
		return;
	}
	e = compose(k, s, r);
	if (e != ASSAY_OK) {
		if (e != ASSAY_NOT_FOUND)
			log_event(LOG_LEVEL_ERROR, "round", "session", log_u64(s->id), "error",
				  assay_err_name(e), NULL);
		keeper_refuse(k, s->id, "evidence.unproven", e != ASSAY_NOT_FOUND);
		keeper_request_free(k, r);
		return;
	}
	s->state = KS_JUDGING;
	keeper_enqueue(k, r);
}

static struct request *
new_round(struct keeper *k, struct keeper_session *s, struct span frame)
{
	struct request *r = calloc(1, sizeof *r);

	if (!r || keeper_copy(frame, &r->proof, &r->proof_len) != ASSAY_OK) {
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
	if (s->state == KS_POSSESSION) {
		keeper_on_possession(k, s, m->payload);
		return;
	}
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
	keeper_submit(k, s, r);
}

void
keeper_on_parts(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);
	struct span claims, log, files;
	struct request *r;
	struct reader rd;
	enum assay_err e;
	uint8_t mask;

	if (!s || s->state != KS_NEEDING || !s->held)
		return;
	rd_init(&rd, m->payload);
	mask = rd_u8(&rd);
	claims = rd_be32_bytes(&rd, MSG_CLAIMS_MAX);
	log = rd_be32_bytes(&rd, EVENTLOG_MAX);
	files = rd_be32_bytes(&rd, APPRAISAL_FILE_MAX);
	if (rd_finish(&rd) != ASSAY_OK) {
		keeper_child_lost(k, c, "sent bad NET_PARTS");
		return;
	}
	r = s->held;
	s->held = NULL;
	k->uploads--;
	if ((mask & 1u << PART_CLAIMS) &&
	    keeper_copy(claims, &r->claims, &r->claims_len) != ASSAY_OK)
		r->claims_len = 0;
	if ((mask & 1u << PART_BOOT_LOG) && keeper_copy(log, &r->log, &r->log_len) == ASSAY_OK)
		r->has_log = true;
	if (mask & 1u << PART_FILES)
		keeper_files_parts(k, r, files);
	if (mask == 0 || ((mask & 1u << PART_IMA) && (e = keeper_ima_parts(k, s, r)) != ASSAY_OK)) {
		keeper_refuse(k, s->id, "verifier.busy", true);
		keeper_request_free(k, r);
		return;
	}
	r->kind = REQ_ROUND;
	keeper_submit(k, s, r);
}
