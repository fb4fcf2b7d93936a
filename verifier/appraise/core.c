/* core.c: whether the evidence is the enrolled key's, for this nonce, on this channel.
 * No configuration turns any of this off (D4). See appraisal.h. */
#include "appraisal.h"

static bool
unproven(struct appraisal *a, enum finding_code code, const char *subject)
{
	return appraisal_unproven(a, code, subject, "");
}

static bool
unproven_error(struct appraisal *a, enum finding_code code, const char *subject, enum assay_err e)
{
	return appraisal_unproven(a, code, subject, assay_err_text(e));
}

/* The record's own key: fit to attest, and of the name under which it is recorded. */
static bool
check_key(struct appraisal *a)
{
	const struct device_view *d = &a->in->device;
	struct tpm_name name;
	enum ak_fault fault;

	if (tpmt_public_parse(d->ak_public, &a->ak) != ASSAY_OK ||
	    tpmt_public_name(&a->ak, &name) != ASSAY_OK ||
	    !span_equal(SPAN(name.b, name.len), SPAN(d->ak_name.b, d->ak_name.len)))
		return unproven(a, FIND_KEY, "enrolled attestation key");
	fault = tpmt_ak_fault(&a->ak);
	return fault == AK_FINE ||
	       appraisal_unproven(a, FIND_AK_ATTRIBUTES, "enrolled attestation key",
				  tpmt_ak_fault_text(fault));
}

/* Q7: scheme and hash are the enrolled key's, before anything is verified with them. */
static bool
check_signature(struct appraisal *a, const struct msg_quote *q)
{
	struct signature sig;
	enum assay_err e = tpmt_signature_parse(q->signature, &sig);

	if (e == ASSAY_UNSUPPORTED)
		return unproven_error(a, FIND_KEY, "TPMT_SIGNATURE", e);
	if (e != ASSAY_OK)
		return unproven_error(a, FIND_MALFORMED, "TPMT_SIGNATURE", e);
	if (sig.scheme != a->ak.scheme || sig.hash != a->ak.scheme_hash)
		return unproven(a, FIND_KEY, "TPMT_SIGNATURE");
	/* Verified when it was stored, by a key of which this very name was quoted as signer
	 * (below); the row's MAC has kept it. And a prediction becomes no decision. */
	if (a->replay)
		return true;
	e = key_verify_message(&a->ak.key, &sig, q->attest);
	return e == ASSAY_OK || unproven_error(a, FIND_SIGNATURE, "TPMT_SIGNATURE", e);
}

/* Q1, Q2, Q3, Q9, Q12 */
static bool
parse_attest(struct appraisal *a, struct span attest, struct quote *ret)
{
	enum assay_err e = quote_parse(attest, ret);

	switch (e) {
	case ASSAY_OK:
		return true;
	case ASSAY_BAD_MAGIC:
		return unproven(a, FIND_MAGIC, "TPMS_ATTEST");
	case ASSAY_BAD_TYPE:
		return unproven(a, FIND_TYPE, "TPMS_ATTEST");
	case ASSAY_DUPLICATE:
		return unproven_error(a, FIND_SELECTION, "TPMS_ATTEST", e);
	default:
		return unproven_error(a, FIND_MALFORMED, "TPMS_ATTEST", e);
	}
}

/* Q10: the AK is a child of the EK, which is a primary of the endorsement hierarchy. */
static bool
expected_signer(const struct device_view *d, struct tpm_name *ret)
{
	struct tpm_name ek;

	return tpm_qualified_name_endorsement(&d->ek_name, &ek) == ASSAY_OK &&
	       tpm_qualified_name_child(&ek, &d->ak_name, ret) == ASSAY_OK;
}

/* Q5, Q6: all of nonce, channel, key, kind and claims at once, in constant time. */
static bool
expected_binding(const struct appraisal *a, uint8_t ret[BINDING_SIZE])
{
	const struct appraisal_input *in = a->in;
	const struct binding b = {
		.kind = in->kind,
		.key_name = SPAN(in->device.ak_name.b, in->device.ak_name.len),
		.nonce = SPAN(in->nonce, sizeof in->nonce),
		.channel = in->channel,
	};

	return (in->kind == BINDING_TPM_ONLINE || in->kind == BINDING_TPM_OFFLINE) &&
	       a->proof.claims_digest.n == 32 &&
	       binding_compute_digest(&b, a->proof.claims_digest.p, ret) == ASSAY_OK;
}

static bool
check_quotes(struct appraisal *a)
{
	struct tpm_name signer;
	uint8_t bound[BINDING_SIZE];

	if (!expected_signer(&a->in->device, &signer))
		return unproven(a, FIND_SIGNER, "enrolled keys");
	if (!expected_binding(a, bound))
		return unproven(a, FIND_BINDING, "proof");
	for (size_t i = 0; i < a->proof.nquotes; i++) {
		struct quote *q = &a->quotes[a->nquotes];

		if (!check_signature(a, &a->proof.quotes[i]) ||
		    !parse_attest(a, a->proof.quotes[i].attest, q))
			return false;
		if (!span_equal(q->qualified_signer, SPAN(signer.b, signer.len)))
			return unproven(a, FIND_SIGNER, "qualifiedSigner");
		if (!span_equal(q->extra_data, SPAN(bound, sizeof bound)))
			return unproven(a, FIND_BINDING, "extraData");
		a->nquotes++;
	}
	return a->nquotes != 0 || unproven(a, FIND_MALFORMED, "proof");
}

/* Q3: the quotes' selections, each bank in one quote only, are exactly what was asked. */
static bool
check_selection(struct appraisal *a)
{
	struct pcr_selection all = {0};

	for (size_t i = 0; i < a->nquotes; i++) {
		const struct pcr_selection *s = &a->quotes[i].selection;

		if (s->count == 0)
			return unproven(a, FIND_SELECTION, "a quote over no PCR");
		for (size_t k = 0; k < s->count; k++)
			if (pcr_selection_add(&all, s->bank[k].alg, s->bank[k].mask) != ASSAY_OK)
				return unproven(a, FIND_SELECTION, "a bank quoted twice");
	}
	if (all.count == 0 || all.count != a->in->asked.count)
		return unproven(a, FIND_SELECTION, "banks");
	for (size_t k = 0; k < all.count; k++)
		if (pcr_selected(&a->in->asked, all.bank[k].alg) != all.bank[k].mask)
			return unproven(a, FIND_SELECTION, digest_name(all.bank[k].alg));
	return true;
}

/* Q4: the values sent hash to what was signed, and there is none beside them. */
static bool
check_values(struct appraisal *a)
{
	const struct pcr_values *v = &a->proof.pcrs;

	if (v->count != a->in->asked.count)
		return unproven(a, FIND_PCR_DIGEST, "banks");
	for (size_t i = 0; i < v->count; i++)
		if (v->bank[i].mask != pcr_selected(&a->in->asked, v->bank[i].alg))
			return unproven(a, FIND_PCR_DIGEST, "PCR values");
	for (size_t i = 0; i < a->nquotes; i++) {
		const struct quote *q = &a->quotes[i];
		struct digest d;

		if (pcr_digest(v, &q->selection, a->ak.scheme_hash, &d) != ASSAY_OK ||
		    !span_equal(digest_span(&d), q->pcr_digest))
			return unproven(a, FIND_PCR_DIGEST, "pcrDigest");
	}
	return true;
}

/* Several quotes of one proof were made in one boot of one TPM, or they are no proof. */
static bool
check_counters(struct appraisal *a)
{
	const struct quote *q = &a->quotes[0];
	struct counters *c = &a->counters;

	*c = (struct counters){q->reset_count, q->restart_count, q->clock,
			       q->clock,       q->clock_safe,    q->firmware_version};
	for (size_t i = 1; i < a->nquotes; i++) {
		q = &a->quotes[i];
		if (q->reset_count != c->reset_count || q->restart_count != c->restart_count ||
		    q->firmware_version != c->firmware_version)
			return unproven(a, FIND_BINDING, "quotes of different boots");
		if (q->clock < c->first_clock)
			c->first_clock = q->clock;
		if (q->clock > c->last_clock)
			c->last_clock = q->clock;
		c->clock_safe = c->clock_safe && q->clock_safe;
	}
	return true;
}

bool
core_check(struct appraisal *a)
{
	enum assay_err e = envelope_decode_proof(a->in->proof, a->scratch, &a->proof);

	if (e != ASSAY_OK)
		return unproven_error(a, FIND_MALFORMED, "proof", e);
	if (!offline_sound(a->in))
		return unproven(a, FIND_BINDING, "challenge");
	if (!tier_has_tpm(a->in->device.tier))
		return core_key_check(a);
	return check_key(a) && check_quotes(a) && check_selection(a) && check_values(a) &&
	       check_counters(a);
}
