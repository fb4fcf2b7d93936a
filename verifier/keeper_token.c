/*
 * keeper_token.c: EAR tokens: what was decided of a device, for relying parties that it
 * is shown to; see keeper.h, evidence/ear.h and docs/decision-stream.md.
 *
 * A token says no more than the decision in force and lives no longer. While the device
 * is held, retired, waiting, expired or never judged there is none (D16): what would a
 * relying party do with an affirmation of yesterday?
 */
#include "keeper_private.h"

#include "log.h"

#include "evidence/ear.h"

#include <stdio.h>
#include <string.h>

/* Why there can be no token now, in words; NULL: there can. */
static const char *
obstacle(struct keeper *k, const struct ledger_device *d, const struct decision_view *v)
{
	if (ledger_fault(k->ledger) != ASSAY_OK)
		return "the verifier's ledger has a fault";
	if (d->status != DEV_ENROLLED)
		return "the device is not enrolled";
	if (d->overlay != OVERLAY_NONE && d->overlay != OVERLAY_MAINTENANCE)
		return "the device is held";
	if (v->sequence == 0 || !v->standing)
		return "there is no verdict in force";
	if (v->expires <= k->now)
		return "the decision has expired";
	return NULL;
}

/* "assay:policy:NAME:VERSION:sha256:HEX" of the policy that judged. */
static void
name_policy(struct keeper *k, const uint8_t digest[32], char ret[EAR_TEXT_MAX])
{
	struct ledger_policy p;
	char hex[65] = "";

	if (hex_encode(SPAN(digest, 32), hex, sizeof hex) != ASSAY_OK)
		hex[0] = '\0';
	for (unsigned i = 0; i < k->npolicies; i++)
		if (span_equal(SPAN(k->policies[i].map.digest, 32), SPAN(digest, 32))) {
			snprintf(ret, EAR_TEXT_MAX, "assay:policy:%s:%u:sha256:%s",
				 k->policies[i].info.name, k->policies[i].info.version, hex);
			return;
		}
	if (ledger_policy_get(k->ledger, digest, &p) == ASSAY_OK)
		snprintf(ret, EAR_TEXT_MAX, "assay:policy:%s:%u:sha256:%s", p.name, p.version, hex);
	else
		snprintf(ret, EAR_TEXT_MAX, "assay:policy:sha256:%s", hex);
}

/* The key that the device proves to have: as it was enrolled. */
static void
take_key(const struct ledger_device *d, struct ear *e)
{
	struct span bytes = SPAN(d->ak_public, d->ak_public_len);
	struct tpm_public p;

	if (tpmt_public_parse(bytes, &p) == ASSAY_OK) {
		e->key = p.key;
		e->has_key = true;
	} else {
		e->has_key = key_from_spki(bytes, &e->key) == ASSAY_OK;
	}
}

static enum ear_status
limit_of(enum outcome o)
{
	return o == OUTCOME_ADMIT      ? EAR_AFFIRMING
	       : o == OUTCOME_RESTRICT ? EAR_WARNING
				       : EAR_CONTRAINDICATED;
}

struct token {
	const struct keeper_token_request *request;
	const struct verdict *verdict; /* the last authentic one */
	const struct decision_view *view;
};

static void
fill(struct keeper *k, const struct token *t, struct ear *e)
{
	struct ear_submod *s = &e->submods[0];

	memset(e, 0, sizeof *e);
	e->dialect = strcmp(k->config->ear_dialect, "veraison") == 0 ? EAR_VERAISON : EAR_IETF;
	snprintf(e->issuer, sizeof e->issuer, "%s", signing_issuer(k->signing));
	snprintf(e->audience[0], sizeof e->audience[0], "%s",
		 t->request->audience[0]	? t->request->audience
		 : k->config->ear_audience[0] ? k->config->ear_audience
					      : e->issuer);
	snprintf(e->nonce[0], sizeof e->nonce[0], "%s", t->request->nonce);
	snprintf(e->developer, sizeof e->developer, "%s",
		 k->config->ear_developer[0] ? k->config->ear_developer : e->issuer);
	snprintf(e->build, sizeof e->build, "assay-verifier %s", ASSAY_VERSION);
	e->issued = k->now;
	e->expires = t->view->expires;
	take_key(t->request->device, e);
	e->nsubmods = 1;
	snprintf(s->name, sizeof s->name, "%s", t->request->device->id);
	s->status = limit_of(t->view->outcome);
	for (unsigned i = 0; i < EAR_CLAIMS; i++)
		s->vector[i] = t->verdict->vector[i];
	name_policy(k, t->verdict->policy, s->policy);
}

static enum assay_err
make(struct keeper *k, const struct token *t, struct writer *w, const char **ret_why)
{
	static uint8_t payload[EAR_PAYLOAD_MAX];
	static struct ear ear;
	struct writer p;
	enum assay_err e;

	_Static_assert((int)EAR_CLAIMS == (int)AR4SI_COUNT, "the same claims");
	*ret_why = obstacle(k, t->request->device, t->view);
	if (*ret_why)
		return ASSAY_STATE;
	fill(k, t, &ear);
	wr_init(&p, payload, sizeof payload);
	if ((e = ear_write(&ear, &p)) != ASSAY_OK)
		return e;
	return signer_jws(signing_decision(k->signing), EAR_TYP, wr_span(&p), w);
}

/* For the device itself: a new one when the decision changed or half of the last one's
 * time is over, so that a round does not cost a signature. */
struct span
keeper_device_token(struct keeper *k, const char *device, const struct verdict *v,
		    const struct decision_view *view)
{
	static uint8_t token[KEEPER_TOKEN_MAX];
	static struct ledger_device d;
	const struct keeper_token_request r = {.device = &d, .nonce = "", .audience = ""};
	const struct token t = {&r, v, view};
	struct live_device *l = live_find(&k->live, device);
	struct writer w;
	const char *why;
	enum assay_err e;

	if (!k->config->device_tokens || !l ||
	    (l->token_seq == view->sequence &&
	     2 * (l->token_expires - k->now) > l->token_expires - l->token_at))
		return SPAN(NULL, 0);
	wr_init(&w, token, sizeof token);
	if ((e = ledger_device_get(k->ledger, device, &d)) != ASSAY_OK ||
	    (e = make(k, &t, &w, &why)) != ASSAY_OK) {
		if (e != ASSAY_STATE)
			log_event(LOG_LEVEL_ERROR, "token", "device", device, "error",
				  assay_err_name(e), NULL);
		return SPAN(NULL, 0);
	}
	l->token_seq = view->sequence;
	l->token_at = k->now;
	l->token_expires = view->expires;
	return wr_span(&w);
}

enum assay_err
keeper_token(struct keeper *k, const struct keeper_token_request *r, struct writer *w,
	     const char **ret_why)
{
	struct decision_view view;
	const struct token t = {r, &k->verdict, &view};
	struct ledger_state st;
	enum assay_err e;

	*ret_why = "the device was never judged";
	e = ledger_state_get(k->ledger, r->device->id, &st);
	if (e == ASSAY_NOT_FOUND || (e == ASSAY_OK && st.verdict.n == 0))
		return ASSAY_STATE;
	*ret_why = NULL;
	if (e != ASSAY_OK || (e = keeper_decision(k, r->device, &view)) != ASSAY_OK ||
	    (e = ledger_state_get(k->ledger, r->device->id, &st)) != ASSAY_OK ||
	    (e = verdict_decode(st.verdict, &k->verdict)) != ASSAY_OK)
		return e;
	return make(k, &t, w, ret_why);
}

struct signing *
keeper_signing(struct keeper *k)
{
	return k->signing;
}
