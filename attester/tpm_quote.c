/* tpm_quote.c: quotes with the PCR values they speak of, and credential
 * activation, see tpm.h. */
#include "tpm.h"

#include <string.h>

/* How often PCRs may change under our hands before we say so. */
#define CONSISTENT_TRIES 5

static TPML_PCR_SELECTION
selection_of(const struct assay_selection *s, size_t n)
{
	TPML_PCR_SELECTION p = {.count = (UINT32)n};

	for (size_t i = 0; i < n; i++) {
		p.pcrSelections[i].hash = s[i].alg;
		p.pcrSelections[i].sizeofSelect = 3;
		for (unsigned k = 0; k < 3; k++)
			p.pcrSelections[i].pcrSelect[k] = (BYTE)(s[i].mask >> 8 * k);
	}
	return p;
}

static uint32_t
mask_of(const TPMS_PCR_SELECTION *s)
{
	uint32_t mask = 0;

	for (unsigned k = 0; k < s->sizeofSelect && k < 3; k++)
		mask |= (uint32_t)s->pcrSelect[k] << 8 * k;
	return mask;
}

/* One answer of TPM2_PCR_Read: for each PCR it covers, the next digest. */
static enum assay_err
take_values(struct assay_tpm *t, const TPML_PCR_SELECTION *covered, const TPML_DIGEST *values,
	    struct pcr_values *v)
{
	UINT32 next = 0;

	for (UINT32 i = 0; i < covered->count && i < TPM2_NUM_PCR_BANKS; i++) {
		const TPMS_PCR_SELECTION *s = &covered->pcrSelections[i];
		uint32_t mask = mask_of(s);

		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
			const TPM2B_DIGEST *value = &values->digests[next];
			struct digest d;

			if (!(mask >> pcr & 1))
				continue;
			if (next >= values->count || next >= 8 ||
			    digest_from(s->hash, SPAN(value->buffer, value->size), &d) !=
				    ASSAY_OK ||
			    pcr_set(v, pcr, &d) != ASSAY_OK)
				return tpm_fail(t, ASSAY_IO, "TPM2_PCR_Read: an answer that "
							     "does not fit what was asked for");
			next++;
		}
	}
	if (next == 0)
		return tpm_fail(t, ASSAY_UNSUPPORTED,
				"a PCR bank that the verifier asks for is not active in this TPM");
	return ASSAY_OK;
}

static bool
is_empty(const TPML_PCR_SELECTION *s)
{
	for (UINT32 i = 0; i < s->count; i++)
		if (mask_of(&s->pcrSelections[i]) != 0)
			return false;
	return true;
}

static void
subtract(TPML_PCR_SELECTION *from, const TPML_PCR_SELECTION *done)
{
	for (UINT32 i = 0; i < from->count; i++)
		for (UINT32 k = 0; k < done->count && k < TPM2_NUM_PCR_BANKS; k++)
			if (from->pcrSelections[i].hash == done->pcrSelections[k].hash)
				for (unsigned b = 0; b < 3; b++)
					from->pcrSelections[i].pcrSelect[b] &=
						(BYTE)~done->pcrSelections[k].pcrSelect[b];
}

/* All values; the TPM gives eight at a time. */
static enum assay_err
read_pcrs(struct assay_tpm *t, const TPML_PCR_SELECTION *wanted, struct pcr_values *ret)
{
	TPML_PCR_SELECTION left = *wanted;
	enum assay_err e = ASSAY_OK;

	memset(ret, 0, sizeof *ret);
	while (e == ASSAY_OK && !is_empty(&left)) {
		TPML_PCR_SELECTION *covered = NULL;
		TPML_DIGEST *values = NULL;

		e = tpm_rc(t, "TPM2_PCR_Read",
			   Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &left,
					 NULL, &covered, &values));
		if (e != ASSAY_OK)
			return e;
		e = take_values(t, covered, values, ret);
		subtract(&left, covered);
		Esys_Free(covered);
		Esys_Free(values);
	}
	return e;
}

/* TPM2_Quote with the key's own scheme; bytes as the verifier will get them. */
static TSS2_RC
quote_once(struct assay_tpm *t, ESYS_TR ak, const TPML_PCR_SELECTION *pcrs,
	   const uint8_t *qualifying, struct assay_quote *ret)
{
	TPM2B_DATA extra = {.size = 32};
	TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL};
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	size_t n = 0;
	TSS2_RC rc;

	memcpy(extra.buffer, qualifying, 32);
	rc = Esys_Quote(t->esys, ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &extra, &own,
			pcrs, &attest, &signature);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (attest->size > sizeof ret->attest)
		rc = TSS2_MU_RC_INSUFFICIENT_BUFFER;
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, ret->signature,
						    sizeof ret->signature, &n);
	if (rc == TSS2_RC_SUCCESS) {
		ret->attest_len = attest->size;
		memcpy(ret->attest, attest->attestationData, attest->size);
		ret->signature_len = (uint16_t)n;
	}
	Esys_Free(attest);
	Esys_Free(signature);
	return rc;
}

/* Some TPMs refuse to quote several banks at once. */
static bool
refuses_several(TSS2_RC rc)
{
	TSS2_RC base = tpm_rc_base(rc);

	return base == TPM2_RC_SIZE || base == TPM2_RC_VALUE || base == TPM2_RC_HASH ||
	       base == TPM2_RC_TYPE || base == TPM2_RC_SELECTOR;
}

static enum assay_err
quote_banks(struct assay_tpm *t, ESYS_TR ak, const struct tpm_quote_request *q)
{
	TPML_PCR_SELECTION pcrs = selection_of(q->banks, q->count);
	TSS2_RC rc = quote_once(t, ak, &pcrs, q->qualifying, &q->ret->quote[0]);

	q->ret->quote_count = 1;
	if (q->count == 1 || !refuses_several(rc))
		return tpm_rc(t, "TPM2_Quote", rc);
	for (size_t i = 0; i < q->count; i++) {
		pcrs = selection_of(&q->banks[i], 1);
		rc = quote_once(t, ak, &pcrs, q->qualifying, &q->ret->quote[i]);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_rc(t, "TPM2_Quote of one bank", rc);
	}
	q->ret->quote_count = (uint8_t)q->count;
	return ASSAY_OK;
}

/* Whether the quotes are of these values: MISMATCH if a PCR changed in between. */
static enum assay_err
check_quotes(struct assay_tpm *t, const struct assay_quotes *q, const struct pcr_values *v)
{
	for (uint8_t i = 0; i < q->quote_count; i++) {
		struct digest d;
		struct quote p;
		enum assay_err e;

		e = quote_parse(SPAN(q->quote[i].attest, q->quote[i].attest_len), &p);
		if (e == ASSAY_OK)
			e = pcr_digest(v, &p.selection, ak_hash(t), &d);
		if (e != ASSAY_OK)
			return tpm_fail(t, ASSAY_IO, "TPM2_Quote: a quote that cannot be read");
		if (!span_equal(digest_span(&d), p.pcr_digest))
			return tpm_fail(t, ASSAY_MISMATCH,
					"PCRs change faster than they can be read and quoted");
	}
	return ASSAY_OK;
}

static enum assay_err
give_values(const struct pcr_values *v, struct assay_quotes *ret)
{
	for (uint8_t i = 0; i < v->count; i++) {
		struct assay_bank_values *b = &ret->bank[i];
		struct writer w;
		size_t n = 0;

		wr_init(&w, b->values, sizeof b->values);
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
			if (v->bank[i].mask >> pcr & 1)
				wr_bytes(&w, digest_span(&v->bank[i].value[pcr]));
		if (wr_finish(&w, &n) != ASSAY_OK)
			return ASSAY_INTERNAL;
		b->alg = v->bank[i].alg;
		b->mask = v->bank[i].mask;
		b->len = (uint16_t)n;
	}
	ret->bank_count = v->count;
	return ASSAY_OK;
}

enum assay_err
quote_step(struct assay_tpm *t, void *arg)
{
	struct tpm_quote_request *q = arg;
	TPML_PCR_SELECTION pcrs;
	struct tpm_object ak = TPM_NO_OBJECT;
	struct pcr_values v;
	enum assay_err e;

	if (q->count == 0 || q->count > ASSAY_BANKS_MAX)
		return ASSAY_TOO_MANY;
	pcrs = selection_of(q->banks, q->count);
	if ((e = ak_acquire(t, &ak)) != ASSAY_OK)
		return e;
	for (unsigned tries = 0; tries < CONSISTENT_TRIES; tries++) {
		if ((e = read_pcrs(t, &pcrs, &v)) != ASSAY_OK ||
		    (e = quote_banks(t, ak.tr, q)) != ASSAY_OK ||
		    (e = check_quotes(t, q->ret, &v)) != ASSAY_MISMATCH)
			break;
	}
	tpm_release(t, &ak);
	if (e == ASSAY_MISMATCH)
		return ASSAY_BUSY;
	if (e == ASSAY_OK)
		tpm_read_lockout(t); /* for the next round */
	return e == ASSAY_OK ? give_values(&v, q->ret) : e;
}

/* ---- TPM2_ActivateCredential; Part 3, 12.5 ---- */

/* What TPM2_ActivateCredential says of a credential for another AK, or for another EK; SIZE
 * if that one is of another kind. */
static bool
is_for_others(TSS2_RC rc)
{
	TSS2_RC base = tpm_rc_base(rc);

	return base == TPM2_RC_INTEGRITY || base == TPM2_RC_VALUE || base == TPM2_RC_SIZE;
}

static enum assay_err
activate_with(struct assay_tpm *t, ESYS_TR ak, const struct tpm_object *ek,
	      const struct tpm_activation *a)
{
	TPM2B_ID_OBJECT blob = {0};
	TPM2B_ENCRYPTED_SECRET secret = {0};
	TPM2B_DIGEST *out = NULL;
	ESYS_TR session = ESYS_TR_NONE;
	size_t at = 0;
	TSS2_RC rc;
	enum assay_err e;

	if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(a->blob.data, a->blob.len, &at, &blob) !=
		    TSS2_RC_SUCCESS || at != a->blob.len)
		return tpm_fail(t, ASSAY_MALFORMED, "the credential is no TPM2B_ID_OBJECT");
	at = 0;
	if (Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(a->secret.data, a->secret.len, &at, &secret) !=
		    TSS2_RC_SUCCESS || at != a->secret.len)
		return tpm_fail(t, ASSAY_MALFORMED, "the secret is no TPM2B_ENCRYPTED_SECRET");
	if ((e = ek_authorise(t, ek, &session)) != ASSAY_OK)
		return e;
	rc = Esys_ActivateCredential(t->esys, ak, ek->tr, ESYS_TR_PASSWORD, session, ESYS_TR_NONE,
				     &blob, &secret, &out);
	e = tpm_rc(t, "TPM2_ActivateCredential", rc);
	tpm_end_session(t, &session);
	if (is_for_others(rc))
		return tpm_fail(t, ASSAY_MISMATCH, "the credential is not for these keys");
	if (e != ASSAY_OK)
		return e;
	if (out->size == 32)
		memcpy(a->ret, out->buffer, 32);
	else
		e = tpm_fail(t, ASSAY_MALFORMED, "the credential does not hold 32 bytes");
	explicit_bzero(out->buffer, sizeof out->buffer);
	Esys_Free(out);
	return e;
}

enum assay_err
activate_step(struct assay_tpm *t, void *arg)
{
	struct tpm_object ak = TPM_NO_OBJECT, ek = TPM_NO_OBJECT;
	enum assay_err e;

	/* the AK first: loading it needs the EK, and two slots are all there may be */
	if ((e = ak_acquire(t, &ak)) == ASSAY_OK && (e = ek_acquire(t, &ek)) == ASSAY_OK)
		e = activate_with(t, ak.tr, &ek, arg);
	tpm_release(t, &ek);
	tpm_release(t, &ak);
	return e;
}
