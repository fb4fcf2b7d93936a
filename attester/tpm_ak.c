/*
 * tpm_ak.c: the attestation key, see tpm.h.
 *
 * A child of the EK: so it is in the endorsement hierarchy, its quotes show true
 * counters, and its qualified name is H(H(endorsement || EK) || AK). It has no
 * authorisation value and takes no part in dictionary attack protection, so that a
 * lockout does not stop attestation.
 */
#include "tpm.h"

#include <string.h>

#define AK_ATTRIBUTES                                                                              \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |        \
	 TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |                    \
	 TPMA_OBJECT_SIGN_ENCRYPT)

static const struct kind {
	const char *name;
	TPMI_ALG_PUBLIC type;
	TPMI_ALG_HASH hash;
	TPMI_ALG_ASYM_SCHEME scheme;
	TPMI_ECC_CURVE curve;
} kinds[ASSAY_AK_COUNT] = {
	[ASSAY_AK_ECC_P256] = {"ecc-p256", TPM2_ALG_ECC, TPM2_ALG_SHA256, TPM2_ALG_ECDSA,
			       TPM2_ECC_NIST_P256},
	[ASSAY_AK_ECC_P384] = {"ecc-p384", TPM2_ALG_ECC, TPM2_ALG_SHA384, TPM2_ALG_ECDSA,
			       TPM2_ECC_NIST_P384},
	[ASSAY_AK_RSA_RSASSA] = {"rsa-rsassa", TPM2_ALG_RSA, TPM2_ALG_SHA256, TPM2_ALG_RSASSA, 0},
	[ASSAY_AK_RSA_RSAPSS] = {"rsa-rsapss", TPM2_ALG_RSA, TPM2_ALG_SHA256, TPM2_ALG_RSAPSS, 0},
};

const char *
assay_ak_name(enum assay_ak ak)
{
	return (unsigned)ak < ASSAY_AK_COUNT ? kinds[ak].name : NULL;
}

uint16_t
ak_hash(const struct assay_tpm *t)
{
	return kinds[t->ak].hash;
}

static TPM2B_PUBLIC
ak_template(enum assay_ak ak)
{
	const struct kind *k = &kinds[ak];
	TPM2B_PUBLIC p = {.publicArea = {.type = k->type,
					 .nameAlg = k->hash,
					 .objectAttributes = AK_ATTRIBUTES}};
	TPMU_PUBLIC_PARMS *u = &p.publicArea.parameters;

	if (k->type == TPM2_ALG_RSA) {
		u->rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
		u->rsaDetail.scheme.scheme = k->scheme;
		u->rsaDetail.scheme.details.rsassa.hashAlg = k->hash;
		u->rsaDetail.keyBits = 2048;
	} else {
		u->eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
		u->eccDetail.scheme.scheme = k->scheme;
		u->eccDetail.scheme.details.ecdsa.hashAlg = k->hash;
		u->eccDetail.curveID = k->curve;
		u->eccDetail.kdf.scheme = TPM2_ALG_NULL;
	}
	return p;
}

/* ---- wrapped form: assay_tpm_key() ---- */

static const uint8_t magic[8] = {'a', 's', 's', 'a', 'y', 'A', 'K', 1};
#define CHECKSUM_SIZE 32

static void
write_tpm2b(struct writer *w, const void *p, size_t n)
{
	wr_be16_bytes(w, SPAN(p, n));
}

enum assay_err
ak_wrap(const struct assay_tpm *t, uint8_t *ret, size_t cap, size_t *ret_len)
{
	uint8_t sum[CHECKSUM_SIZE];
	struct writer w;
	enum assay_err e;

	wr_init(&w, ret, cap);
	wr_bytes(&w, SPAN(magic, sizeof magic));
	wr_u8(&w, (uint8_t)t->ek);
	wr_u8(&w, (uint8_t)t->ak);
	wr_be32(&w, t->persistent);
	write_tpm2b(&w, t->ek_name.b, t->ek_name.len);
	write_tpm2b(&w, t->ak_public.b, t->ak_public.n);
	write_tpm2b(&w, t->ak_priv.buffer, t->ak_priv.size);
	if ((e = digest_sha256(wr_span(&w), sum)) != ASSAY_OK)
		return e;
	wr_bytes(&w, SPAN(sum, sizeof sum));
	return wr_finish(&w, ret_len);
}

static enum assay_err
take_key(struct assay_tpm *t, struct span public, struct span private)
{
	size_t at = 0;

	if (public.n > sizeof t->ak_public.b || private.n > sizeof t->ak_priv.buffer)
		return ASSAY_TAMPERED;
	if (Tss2_MU_TPMT_PUBLIC_Unmarshal(public.p, public.n, &at, &t->ak_pub.publicArea) !=
		    TSS2_RC_SUCCESS || at != public.n)
		return ASSAY_TAMPERED;
	t->ak_priv.size = (UINT16)private.n;
	memcpy(t->ak_priv.buffer, private.p, private.n);
	t->has_key = true;
	return tpm_marshal(t, &t->ak_pub.publicArea, &t->ak_public, &t->ak_name);
}

enum assay_err
ak_unwrap(struct assay_tpm *t, struct span blob)
{
	uint8_t sum[CHECKSUM_SIZE];
	struct span body, ek_name, public, private;
	struct reader r;
	unsigned ek, ak;
	uint32_t persistent;

	if (blob.n < CHECKSUM_SIZE)
		return ASSAY_TAMPERED;
	rd_init(&r, blob);
	body = rd_bytes(&r, blob.n - CHECKSUM_SIZE);
	if (digest_sha256(body, sum) != ASSAY_OK || !span_equal(rd_rest(&r), SPAN(sum, sizeof sum)))
		return ASSAY_TAMPERED;
	rd_init(&r, body);
	if (!span_equal(rd_bytes(&r, sizeof magic), SPAN(magic, sizeof magic)))
		return ASSAY_TAMPERED;
	ek = rd_u8(&r);
	ak = rd_u8(&r);
	persistent = rd_be32(&r);
	ek_name = rd_be16_bytes(&r, sizeof t->ek_name.b);
	public = rd_be16_bytes(&r, TPM_PUBLIC_BYTES_MAX);
	private = rd_be16_bytes(&r, ASSAY_KEY_BLOB_MAX);
	if (rd_finish(&r) != ASSAY_OK || ek == ASSAY_EK_AUTO || ek >= ASSAY_EK_COUNT ||
	    ak >= ASSAY_AK_COUNT || ek_name.n == 0)
		return ASSAY_TAMPERED;
	t->ek = (enum assay_ek)ek;
	t->ak = (enum assay_ak)ak;
	t->persistent = persistent;
	t->ek_name.len = (uint16_t)ek_name.n;
	memcpy(t->ek_name.b, ek_name.p, ek_name.n);
	return take_key(t, public, private);
}

/* ---- in the TPM ---- */

static enum assay_err
create_under(struct assay_tpm *t, const struct tpm_object *ek)
{
	TPM2B_SENSITIVE_CREATE no_auth = {0};
	TPM2B_PUBLIC in = ak_template(t->ak), *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	TPM2B_DATA outside = {0};
	TPML_PCR_SELECTION no_pcrs = {0};
	ESYS_TR session = ESYS_TR_NONE;
	enum assay_err e = ek_authorise(t, ek, &session);

	if (e != ASSAY_OK)
		return e;
	e = tpm_rc(t, "TPM2_Create of the AK",
		   Esys_Create(t->esys, ek->tr, session, ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &in,
			       &outside, &no_pcrs, &private, &public, NULL, NULL, NULL));
	tpm_end_session(t, &session);
	if (e != ASSAY_OK)
		return e;
	t->ak_pub = *public;
	t->ak_priv = *private;
	Esys_Free(public);
	Esys_Free(private);
	e = tpm_marshal(t, &t->ak_pub.publicArea, &t->ak_public, &t->ak_name);
	t->has_key = e == ASSAY_OK;
	return e;
}

static enum assay_err
create(struct assay_tpm *t)
{
	struct tpm_object ek = TPM_NO_OBJECT;
	enum assay_err e = ek_acquire(t, &ek);

	if (e == ASSAY_OK)
		e = create_under(t, &ek);
	tpm_release(t, &ek);
	return e;
}

/* What TPM2_Load says of a key that is not this TPM's, or not whole. */
static bool
is_foreign(TSS2_RC rc)
{
	TSS2_RC base = tpm_rc_base(rc);

	return base == TPM2_RC_INTEGRITY || base == TPM2_RC_BINDING || base == TPM2_RC_SIZE ||
	       base == TPM2_RC_SENSITIVE;
}

static enum assay_err
load_under(struct assay_tpm *t, const struct tpm_object *ek, struct tpm_object *ret)
{
	struct tpm_object ak = {ESYS_TR_NONE, true};
	ESYS_TR session = ESYS_TR_NONE;
	TSS2_RC rc;
	enum assay_err e = ek_authorise(t, ek, &session);

	if (e != ASSAY_OK)
		return e;
	rc = Esys_Load(t->esys, ek->tr, session, ESYS_TR_NONE, ESYS_TR_NONE, &t->ak_priv,
		       &t->ak_pub, &ak.tr);
	e = tpm_rc(t, "TPM2_Load of the AK", rc);
	tpm_end_session(t, &session);
	if (is_foreign(rc))
		return tpm_fail(t, ASSAY_MISMATCH,
				"the attestation key is not of this TPM, or the TPM was cleared");
	if (e == ASSAY_OK)
		*ret = ak;
	return e;
}

static enum assay_err
load_wrapped(struct assay_tpm *t, struct tpm_object *ret)
{
	struct tpm_object ek = TPM_NO_OBJECT;
	TPMS_CONTEXT *saved = NULL;
	enum assay_err e = ek_acquire(t, &ek);

	if (e == ASSAY_OK)
		e = load_under(t, &ek, ret);
	tpm_release(t, &ek);
	/* the context spares the EK next time; without it the long way is taken */
	if (e == ASSAY_OK && Esys_ContextSave(t->esys, ret->tr, &saved) == TSS2_RC_SUCCESS) {
		t->context = *saved;
		t->has_context = true;
		Esys_Free(saved);
	}
	return e;
}

static enum assay_err
load_context(struct assay_tpm *t, struct tpm_object *ret)
{
	struct tpm_object ak = {ESYS_TR_NONE, true};
	TSS2_RC rc = Esys_ContextLoad(t->esys, &t->context, &ak.tr);
	enum assay_err e = tpm_rc(t, "TPM2_ContextLoad of the AK", rc);

	if (e == ASSAY_OK)
		*ret = ak;
	else if (e != ASSAY_BUSY && e != ASSAY_UNREACHABLE)
		t->has_context = false; /* the TPM was reset since */
	return e;
}

/* The key at t->persistent: EXISTS if it is not ours, NOT_FOUND if there is none. */
static enum assay_err
load_persistent(struct assay_tpm *t, struct tpm_object *ret)
{
	struct tpm_object ak = TPM_NO_OBJECT;
	struct tpm_handles l;
	TPM2B_NAME *name = NULL;
	enum assay_err e = tpm_list(t, t->persistent, t->persistent, &l);

	if (e != ASSAY_OK || l.n == 0)
		return e == ASSAY_OK ? ASSAY_NOT_FOUND : e;
	e = tpm_rc(t, "TPM2_ReadPublic",
		   Esys_TR_FromTPMPublic(t->esys, t->persistent, ESYS_TR_NONE, ESYS_TR_NONE,
					 ESYS_TR_NONE, &ak.tr));
	if (e == ASSAY_OK)
		e = tpm_rc(t, "a key's name", Esys_TR_GetName(t->esys, ak.tr, &name));
	if (e == ASSAY_OK && !span_equal(SPAN(name->name, name->size),
					 SPAN(t->ak_name.b, t->ak_name.len)))
		e = tpm_fail(t, ASSAY_EXISTS, "the persistent handle holds another object");
	Esys_Free(name);
	if (e == ASSAY_OK)
		*ret = ak;
	else
		tpm_release(t, &ak);
	return e;
}

enum assay_err
ak_acquire(struct assay_tpm *t, struct tpm_object *ret)
{
	enum assay_err e;

	if (t->persistent != 0) {
		e = load_persistent(t, ret);
		return e != ASSAY_NOT_FOUND ? e
					    : tpm_fail(t, ASSAY_MISMATCH,
						       "there is no key at the persistent handle");
	}
	if (t->has_context) {
		e = load_context(t, ret);
		if (e == ASSAY_OK || t->has_context)
			return e;
	}
	return load_wrapped(t, ret);
}

/* Keep a new AK at t->persistent, which must be free. */
static enum assay_err
make_persistent(struct assay_tpm *t)
{
	struct tpm_object ak = TPM_NO_OBJECT, kept = TPM_NO_OBJECT;
	enum assay_err e = load_wrapped(t, &ak);

	if (e == ASSAY_OK)
		e = tpm_rc(t, "TPM2_EvictControl of the AK",
			   Esys_EvictControl(t->esys, ESYS_TR_RH_OWNER, ak.tr, ESYS_TR_PASSWORD,
					     ESYS_TR_NONE, ESYS_TR_NONE, t->persistent, &kept.tr));
	tpm_release(t, &kept);
	tpm_release(t, &ak);
	return e;
}

static enum assay_err
check_free(struct assay_tpm *t)
{
	struct tpm_handles l;
	enum assay_err e = tpm_list(t, t->persistent, t->persistent, &l);

	if (e == ASSAY_OK && l.n != 0)
		e = tpm_fail(t, ASSAY_EXISTS, "the persistent handle is in use");
	return e;
}

enum assay_err
ak_find(struct assay_tpm *t)
{
	struct tpm_object ak = TPM_NO_OBJECT;
	enum assay_err e = ASSAY_OK;

	if (!t->has_key && t->persistent != 0)
		e = check_free(t);
	if (e == ASSAY_OK && !t->has_key) {
		e = create(t);
		if (e == ASSAY_OK && t->persistent != 0)
			e = make_persistent(t);
	}
	if (e == ASSAY_OK)
		e = ak_acquire(t, &ak);
	tpm_release(t, &ak);
	return e;
}
