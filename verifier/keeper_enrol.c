/*
 * keeper_enrol.c: enrolment, on one connection; see keeper.h.
 *
 * Keeper draws the secret that only the TPM with this EK and this AK can return and
 * compares it itself. What the appraiser says about keys must be reproduced by a
 * fresh one. Who may enrol is decided here, at the moment of activation and in the
 * transaction that inserts the device; nothing that exists is overwritten.
 */
#include "keeper_private.h"

#include "log.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENROL_WINDOW_S 60

void
keeper_enrolment_free(struct enrolment *e)
{
	if (!e)
		return;
	free(e->frame);
	explicit_bzero(e, sizeof *e);
	free(e);
}

/* A fixed number of recent sources, oldest forgotten; one source's allowance is what
 * the configuration says per minute. */
static bool
within_rate(struct keeper *k, const char *peer)
{
	struct rate *oldest = &k->rates[0];

	for (size_t i = 0; i < KEEPER_RATES; i++) {
		struct rate *r = &k->rates[i];

		if (r->since < oldest->since)
			oldest = r;
		if (strcmp(r->peer, peer) != 0 || k->now - r->since >= ENROL_WINDOW_S)
			continue;
		return ++r->count <= k->config->enrolments_per_minute;
	}
	snprintf(oldest->peer, sizeof oldest->peer, "%s", peer);
	oldest->since = k->now;
	oldest->count = 1;
	return k->config->enrolments_per_minute > 0;
}

/* Digest over all that the device sent for it. */
static enum assay_err
digest_request(const struct enrol_input *in, uint8_t ret[32])
{
	struct hasher h;
	struct digest d;
	enum assay_err e;

	if ((e = hash_init(&h, ALG_SHA256)) != ASSAY_OK ||
	    (e = hash_update(&h, in->frame)) != ASSAY_OK ||
	    (e = hash_update(&h, in->proof)) != ASSAY_OK || (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	memcpy(ret, d.b, 32);
	return ASSAY_OK;
}

static void
add_roots(struct writer *w, struct request *r, const struct keeper_map *m)
{
	static const uint8_t none[32];

	wr_bytes(w, SPAN(m->fd > 0 ? m->digest : none, 32));
	if (m->fd > 0)
		memcpy(r->maps[r->nmaps++], m->digest, 32);
}

static enum assay_err
encode_enrolment(struct keeper *k, struct request *r, struct enrol_input *in)
{
	struct writer w;
	size_t head, n;
	enum assay_err e;

	in->now = k->now;
	if ((e = random_bytes(in->entropy, sizeof in->entropy)) != ASSAY_OK ||
	    (e = digest_request(in, r->evidence)) != ASSAY_OK)
		return e;
	wr_init(&w, k->scratch, KEEPER_SCRATCH);
	wr_bytes(&w, SPAN(r->evidence, 32));
	add_roots(&w, r, &k->roots);
	add_roots(&w, r, &k->dice_roots);
	add_roots(&w, r, &k->token_roots);
	if ((e = wr_finish(&w, &head)) == ASSAY_OK)
		e = enrol_input_encode(in, k->scratch + head, KEEPER_SCRATCH - head, &n);
	if (e != ASSAY_OK)
		return e;
	return keeper_copy(SPAN(k->scratch, head + n), &r->payload, &r->len);
}

enum assay_err
keeper_enrol_submit(struct keeper *k, struct keeper_session *s, struct enrol_input *in)
{
	struct request *r = calloc(1, sizeof *r);
	enum assay_err e = r ? ASSAY_OK : ASSAY_NO_MEMORY;

	if (r) {
		r->kind = REQ_ENROL;
		r->session = s->id;
		e = encode_enrolment(k, r, in);
	}
	explicit_bzero(in, sizeof *in);
	if (e != ASSAY_OK) {
		keeper_request_free(k, r);
		return e;
	}
	s->state = KS_ENROLLING;
	keeper_enqueue(k, r);
	return ASSAY_OK;
}

static enum assay_err
start_enrolment(struct keeper *k, struct keeper_session *s, struct span frame)
{
	static struct enrol_input in;
	enum assay_err e;

	s->enrolment = calloc(1, sizeof *s->enrolment);
	if (!s->enrolment)
		return ASSAY_NO_MEMORY;
	if ((e = random_bytes(s->enrolment->secret, MSG_SECRET_SIZE)) != ASSAY_OK)
		return e;
	memset(&in, 0, sizeof in);
	in.frame = frame;
	memcpy(in.secret, s->enrolment->secret, sizeof in.secret);
	return keeper_enrol_submit(k, s, &in);
}

void
keeper_on_enrol(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);
	enum assay_err e;

	if (!s)
		return;
	if (s->state != KS_NEW || s->enrolment) {
		keeper_child_lost(k, c, "sent NET_ENROL out of order");
		return;
	}
	if (!within_rate(k, s->peer) || k->queued >= KEEPER_REQUESTS_MAX) {
		keeper_refuse(k, s->id, "enrolment.rate", true);
		return;
	}
	if (frame_type(m->payload) == MSG_ENROL_KEY) {
		keeper_possession_ask(k, s, m->payload);
		return;
	}
	e = start_enrolment(k, s, m->payload);
	if (e != ASSAY_OK)
		keeper_refuse(k, s->id, "verifier.internal", true);
}

/* ---- the appraiser's word ---- */

static bool
enrol_verdict_is_ours(const struct child *c, const struct ipc_msg *m, struct span *ret_bytes)
{
	const struct request *r = keeper_expected(c);
	struct span evidence;
	struct reader rd;

	rd_init(&rd, m->payload);
	evidence = rd_bytes(&rd, 32);
	*ret_bytes = rd_rest(&rd);
	return rd_finish(&rd) == ASSAY_OK && r && r->id == m->id &&
	       (r->kind == REQ_ENROL || r->kind == REQ_ENROL_REPRODUCE) &&
	       span_equal(evidence, SPAN(r->evidence, 32));
}

/* The names are ours to compute: from the bytes, here, a second time (I2). */
static bool
names_agree(const struct enrol_verdict *v)
{
	struct digest d;
	char id[2 * 32 + 1];
	uint8_t h[32] = {0};

	if (v->ek_name.len < 2 || v->ak_name.len < 2)
		return false;
	if (digest_compute((uint16_t)(v->ek_name.b[0] << 8 | v->ek_name.b[1]),
			   SPAN(v->ek_public, v->ek_public_len), &d) != ASSAY_OK ||
	    !span_equal(digest_span(&d), SPAN(v->ek_name.b + 2, v->ek_name.len - 2u)))
		return false;
	if (digest_compute((uint16_t)(v->ak_name.b[0] << 8 | v->ak_name.b[1]),
			   SPAN(v->ak_public, v->ak_public_len), &d) != ASSAY_OK ||
	    !span_equal(digest_span(&d), SPAN(v->ak_name.b + 2, v->ak_name.len - 2u)))
		return false;
	if (!tier_has_tpm(v->tier)) /* the SPKI's own digest: the rest of its name */
		memcpy(h, v->ek_name.b + 2, v->ek_name.len == sizeof h + 2 ? sizeof h : 0);
	else if (digest_sha256(SPAN(v->ek_name.b, v->ek_name.len), h) != ASSAY_OK)
		return false;
	if (hex_encode(SPAN(h, 16), id, sizeof id) != ASSAY_OK)
		return false;
	return strcmp(id, v->device_id) == 0;
}

static void
send_credential(struct keeper *k, struct keeper_session *s)
{
	const struct enrol_verdict *v = &s->enrolment->verdict;
	struct msg_credential m = {SPAN(v->blob, v->blob_len),
				   SPAN(v->encrypted_secret, v->encrypted_secret_len)};
	uint8_t frame[MSG_CREDENTIAL_MAX];
	size_t n;

	if (envelope_encode_credential(&m, frame, sizeof frame, &n) != ASSAY_OK) {
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	s->state = KS_CREDENTIAL;
	keeper_send(k, s->id, SPAN(frame, n));
}

static bool
is_allow_listed(struct keeper *k, const struct enrol_verdict *v, struct ledger_ek *ret)
{
	uint8_t digest[32];

	return digest_sha256(SPAN(v->ek_name.b, v->ek_name.len), digest) == ASSAY_OK &&
	       ledger_ek_get(k->ledger, digest, ret) == ASSAY_OK;
}

/* Why this EK may not enrol at all, or NULL. Weak keys never; the rest only unless an
 * operator has allow-listed exactly this EK, or the configuration accepts it. */
static const char *
ek_refusal(struct keeper *k, const struct enrol_verdict *v)
{
	struct ledger_ek listed;

	if (!tier_has_tpm(v->tier))
		return keeper_key_refusal(k, v, is_allow_listed(k, v, &listed));
	if (v->ek.weak)
		return "ek.weak";
	if (is_allow_listed(k, v, &listed))
		return NULL;
	if ((v->ek.expired || v->ek.issuer_expired) && !k->config->accept_expired_ek)
		return "ek.expired";
	if (v->ek.virtual_tpm && !k->config->accept_virtual_tpm)
		return "ek.virtual";
	return v->ek.trusted ? NULL : "ek.untrusted";
}

static void
on_provable(struct keeper *k, struct keeper_session *s, struct request *r)
{
	const char *why = ek_refusal(k, &s->enrolment->verdict);

	keeper_request_free(k, r);
	if (why)
		keeper_refuse(k, s->id, why, false);
	else if (tier_has_tpm(s->enrolment->verdict.tier))
		send_credential(k, s);
	else
		keeper_enrol_now(k, s);
}

static void
judge_enrolment(struct keeper *k, struct request *r, struct span bytes)
{
	struct keeper_session *s = keeper_find_session(k, r->session);
	struct enrol_verdict *v;

	if (!s || s->state != KS_ENROLLING) {
		keeper_request_free(k, r);
		return;
	}
	v = &s->enrolment->verdict;
	if (v->status == ENROL_REFUSED) {
		keeper_refuse(k, s->id, finding_word((enum finding_code)v->finding.code), false);
		keeper_request_free(k, r);
	} else if (v->status != ENROL_PROVABLE || !names_agree(v)) {
		keeper_round_failed(k, r);
	} else if (r->kind == REQ_ENROL) {
		r->first = malloc(bytes.n);
		if (!r->first) {
			keeper_round_failed(k, r);
			return;
		}
		memcpy(r->first, bytes.p, bytes.n);
		r->first_len = bytes.n;
		r->kind = REQ_ENROL_REPRODUCE;
		r->deaths = 0;
		keeper_enqueue(k, r);
	} else if (!span_equal(bytes, SPAN(r->first, r->first_len))) {
		log_event(LOG_LEVEL_ERROR, "not-reproduced", "enrolment", v->device_id, NULL);
		keeper_round_failed(k, r);
	} else {
		on_provable(k, s, r);
	}
}

void
keeper_on_enrol_verdict(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	static struct enrol_verdict v;
	struct request *r = keeper_expected(c);
	struct keeper_session *s;
	struct span bytes;

	if (!enrol_verdict_is_ours(c, m, &bytes) || enrol_verdict_decode(bytes, &v) != ASSAY_OK) {
		keeper_child_lost(k, c, "returned an enrolment that is not its request's");
		return;
	}
	keeper_appraiser_done(k, c, v.status == ENROL_FAULT ||
					    (v.status == ENROL_REFUSED &&
					     v.finding.code == FIND_MALFORMED));
	s = keeper_find_session(k, r->session);
	if (s && s->enrolment)
		s->enrolment->verdict = v;
	judge_enrolment(k, r, bytes);
}

/* ---- activation ---- */

/* How a device comes in: class, labels, name and by whose leave. */
struct admission {
	bool enrolled; /* else it waits for an operator */
	bool spend, listed;
	char class_name[DEVICE_CLASS_MAX + 1];
	char labels[DEVICE_LABELS_MAX + 1];
	char name[LEDGER_NAME_MAX + 1];
	char by[LEDGER_ACTOR_MAX + 1];
};

static const char *
admit_by_token(struct keeper *k, const struct enrol_verdict *v, struct admission *a)
{
	struct ledger_token t;

	if (ledger_token_get(k->ledger, v->token_id, &t) != ASSAY_OK ||
	    !span_equal(SPAN(t.secret_hash, 32), SPAN(v->token_hash, 32)))
		return "token.invalid";
	if (t.expires <= k->now)
		return "token.expired";
	if (t.uses_left == 0)
		return "token.spent";
	if (v->tier < t.lowest_tier)
		return "token.tier";
	a->enrolled = a->spend = true;
	memcpy(a->class_name, t.class_name, sizeof a->class_name);
	memcpy(a->labels, t.labels, sizeof a->labels);
	snprintf(a->by, sizeof a->by, "token:%.50s", t.id);
	return NULL;
}

static const char *
find_admission(struct keeper *k, const struct enrol_verdict *v, struct admission *a)
{
	struct ledger_ek listed;
	uint32_t waiting;

	memset(a, 0, sizeof *a);
	a->listed = is_allow_listed(k, v, &listed);
	if (v->token_id[0])
		return admit_by_token(k, v, a);
	if (a->listed) {
		a->enrolled = true;
		memcpy(a->class_name, listed.class_name, sizeof a->class_name);
		memcpy(a->labels, listed.labels, sizeof a->labels);
		memcpy(a->name, listed.name, sizeof a->name);
		snprintf(a->by, sizeof a->by, "ek-allow-list");
		return NULL;
	}
	if (ledger_device_count(k->ledger, DEV_PENDING, &waiting) != ASSAY_OK)
		return "verifier.internal";
	if (waiting >= k->config->pending_max)
		return "enrolment.queue-full";
	snprintf(a->by, sizeof a->by, "pending");
	return NULL;
}

static void
fill_new_device(const struct keeper *k, const struct enrol_verdict *v, const struct admission *a,
		struct ledger_device *d)
{
	memset(d, 0, sizeof *d);
	memcpy(d->id, v->device_id, sizeof d->id);
	d->status = a->enrolled ? DEV_ENROLLED : DEV_PENDING;
	memcpy(d->class_name, a->class_name, sizeof d->class_name);
	memcpy(d->labels, a->labels, sizeof d->labels);
	memcpy(d->name, a->name, sizeof d->name);
	d->tier = v->tier;
	d->ek_name = v->ek_name;
	d->ak_name = v->ak_name;
	d->ek_public_len = v->ek_public_len;
	d->ak_public_len = v->ak_public_len;
	memcpy(d->ek_public, v->ek_public, v->ek_public_len);
	memcpy(d->ak_public, v->ak_public, v->ak_public_len);
	d->ek = v->ek;
	d->ek.allow_listed = a->listed;
	memcpy(d->enrolled_by, a->by, sizeof d->enrolled_by);
	d->created = d->updated = k->now;
}

/* The same TPM again. Its record stays what it was: class, overlay, verdict and
 * continuity; another AK is noted and is a finding until an operator confirms it
 * (I14). Neither tokens nor the queue are touched. */
static const char *
enrol_again(struct keeper *k, const struct enrol_verdict *v, struct ledger_device *d)
{
	enum assay_err e;

	if (d->status == DEV_RETIRED)
		return "device.retired";
	if (span_equal(SPAN(d->ak_name.b, d->ak_name.len), SPAN(v->ak_name.b, v->ak_name.len)))
		return NULL;
	d->ak_name = v->ak_name;
	d->ak_public_len = v->ak_public_len;
	memset(d->ak_public, 0, sizeof d->ak_public);
	memcpy(d->ak_public, v->ak_public, v->ak_public_len);
	d->new_ak = true;
	d->updated = k->now;
	if ((e = ledger_device_update(k->ledger, d)) == ASSAY_EXISTS)
		return "enrolment.conflict";
	if (e == ASSAY_OK)
		e = keeper_audit(k, "device", "device.new-ak", d->id,
				 "the same TPM came back with another AK");
	if (e == ASSAY_OK)
		return NULL;
	keeper_poison(k, e);
	return "verifier.internal";
}

static const char *
enrol_new(struct keeper *k, const struct enrol_verdict *v, struct ledger_device *d)
{
	struct admission a;
	const char *why = find_admission(k, v, &a);
	enum assay_err e;

	if (why)
		return why;
	fill_new_device(k, v, &a, d);
	e = ledger_device_insert(k->ledger, d);
	if (e == ASSAY_EXISTS)
		return "enrolment.conflict"; /* I1: an AK or name that is taken */
	if (e == ASSAY_OK && a.spend)
		e = ledger_token_spend(k->ledger, v->token_id);
	if (e == ASSAY_OK)
		e = keeper_audit(k, d->enrolled_by, "device.enrol", d->id, tier_name(d->tier));
	if (e == ASSAY_OK)
		return NULL;
	keeper_poison(k, e);
	return "verifier.internal";
}

static const char *
enrol_device(struct keeper *k, const struct enrol_verdict *v)
{
	struct ledger_device *d = &k->device;
	enum assay_err e;

	if (keeper_change(k) != ASSAY_OK)
		return "verifier.internal";
	e = ledger_device_get(k->ledger, v->device_id, d);
	if (e == ASSAY_OK)
		return enrol_again(k, v, d);
	if (e != ASSAY_NOT_FOUND)
		return "verifier.internal";
	return enrol_new(k, v, d);
}

static void
welcome(struct keeper *k, struct keeper_session *s, const struct ledger_device *d)
{
	struct msg_enrolled m = {SPAN(d->id, DEVICE_ID_HEX), d->status == DEV_PENDING};
	uint8_t frame[MSG_ENROLLED_MAX];
	size_t n;

	log_event(LOG_LEVEL_INFO, "enrolled", "device", d->id, "status",
		  d->status == DEV_PENDING ? "pending" : "enrolled", "class", d->class_name, "by",
		  d->enrolled_by, NULL);
	if (envelope_encode_enrolled(&m, frame, sizeof frame, &n) != ASSAY_OK) {
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	keeper_send(k, s->id, SPAN(frame, n));
	s->key_name = d->ak_name;
	s->state = KS_IDLE;
	s->next_ms = k->now_ms;
}

void
keeper_enrol_now(struct keeper *k, struct keeper_session *s)
{
	const char *why = enrol_device(k, &s->enrolment->verdict);

	if (why)
		keeper_refuse(k, s->id, why, strcmp(why, "verifier.internal") == 0);
	else
		welcome(k, s, &k->device);
	keeper_enrolment_free(s->enrolment);
	s->enrolment = NULL;
}

void
keeper_on_activation(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);

	(void)c;
	if (!s)
		return;
	if (s->state != KS_CREDENTIAL || !s->enrolment) {
		keeper_refuse(k, s->id, "enrolment.order", false);
		return;
	}
	if (span_equal(m->payload, SPAN(s->enrolment->secret, MSG_SECRET_SIZE))) {
		keeper_enrol_now(k, s);
		return;
	}
	keeper_refuse(k, s->id, "enrolment.activation", false);
	keeper_enrolment_free(s->enrolment);
	s->enrolment = NULL;
}
