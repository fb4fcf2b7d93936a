/* core_key.c: the core checks for devices without TPM: whether the evidence is signed by
 * the enrolled key, or by one that its DICE chain leads to, for this nonce, on this
 * channel (M7). No configuration turns any of this off. See appraisal.h. */
#include "appraisal.h"

static bool
unproven(struct appraisal *a, enum finding_code code, const char *subject, const char *seen)
{
	return appraisal_unproven(a, code, subject, seen);
}

/* The record's own key, of the name under which it is recorded. */
static bool
read_identity(struct appraisal *a, struct key *ret)
{
	const struct device_view *d = &a->in->device;
	struct span known = SPAN(d->ak_name.b, d->ak_name.len);
	struct tpm_name name;

	if (devicekey_read(d->ak_public, ret) != ASSAY_OK ||
	    devicekey_name(d->ak_public, &name) != ASSAY_OK ||
	    !span_equal(SPAN(name.b, name.len), known) ||
	    !span_equal(SPAN(d->ek_name.b, d->ek_name.len), known))
		return unproven(a, FIND_KEY, "enrolled key", "");
	return true;
}

/* A chain is a DICE device's, always, and nobody else's. */
static bool
find_signer(struct appraisal *a, const struct key *identity)
{
	const struct msg_proof *p = &a->proof;
	struct dice_input in = {
		.root = identity, .ncerts = p->nlayers, .certs = p->layers, .now = a->in->now};
	const char *why;

	if (a->in->device.tier != TIER_DICE) {
		a->signer = *identity;
		a->signer_name = a->in->device.ak_name;
		return p->nlayers == 0 || unproven(a, FIND_DICE_CHAIN, "layers", "not expected");
	}
	if (dice_verify(&in, &a->dice, &why) != ASSAY_OK)
		return unproven(a, FIND_DICE_CHAIN, "layers", why);
	a->signer = a->dice.signer;
	a->signer_name = a->dice.signer_name;
	return true;
}

bool
core_key_check(struct appraisal *a)
{
	const struct appraisal_input *in = a->in;
	const struct msg_proof *p = &a->proof;
	uint8_t bound[BINDING_SIZE];
	struct binding b = {.kind = in->kind,
			    .nonce = SPAN(in->nonce, sizeof in->nonce),
			    .channel = in->channel};
	struct key identity;

	if (p->key_signature.n == 0 || p->nquotes != 0 || p->pcrs.count != 0)
		return unproven(a, FIND_MALFORMED, "proof", "not one of a key");
	if (!read_identity(a, &identity) || !find_signer(a, &identity))
		return false;
	b.key_name = SPAN(a->signer_name.b, a->signer_name.len);
	if ((in->kind != BINDING_KEY_ONLINE && in->kind != BINDING_KEY_OFFLINE) ||
	    p->claims_digest.n != 32 ||
	    binding_compute_digest(&b, p->claims_digest.p, bound) != ASSAY_OK)
		return unproven(a, FIND_BINDING, "proof", "");
	if (devicekey_verify(&a->signer, p->key_signature, SPAN(bound, sizeof bound)) != ASSAY_OK)
		return unproven(a, FIND_SIGNATURE, "binding", "");
	return true;
}
