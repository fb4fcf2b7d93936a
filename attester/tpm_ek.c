/* tpm_ek.c: endorsement keys by the TCG's default templates, see tpm.h. */
#include "tpm.h"

#include <string.h>

/* TCG EK Credential Profile 2.6, B.3 and B.4: what differs between templates. */
#define EK_ATTRIBUTES                                                                              \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |        \
	 TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* The policies of that profile: PolicyA is PolicySecret(endorsement), PolicyC is PolicyAuthorizeNV
 * with an index of the owner's, and PolicyB is PolicyOR of the two. */
static const uint8_t policy_a_sha256[] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8,
					  0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24,
					  0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64,
					  0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};
static const uint8_t policy_b_sha256[] = {0xCA, 0x3D, 0x0A, 0x99, 0xA2, 0xB9, 0x39, 0x06,
					  0xF7, 0xA3, 0x34, 0x24, 0x14, 0xEF, 0xCF, 0xB3,
					  0xA3, 0x85, 0xD4, 0x4C, 0xD1, 0xFD, 0x45, 0x90,
					  0x89, 0xD1, 0x9B, 0x50, 0x71, 0xC0, 0xB7, 0xA0};
static const uint8_t policy_c_sha256[] = {0x37, 0x67, 0xE2, 0xED, 0xD4, 0x3F, 0xF4, 0x5A,
					  0x3A, 0x7E, 0x1E, 0xAE, 0xFC, 0xEF, 0x78, 0x64,
					  0x3D, 0xCA, 0x96, 0x46, 0x32, 0xE7, 0xAA, 0xD8,
					  0x2C, 0x67, 0x3A, 0x30, 0xD8, 0x63, 0x3F, 0xDE};
static const uint8_t policy_a_sha384[] = {
	0x8B, 0xBF, 0x22, 0x66, 0x53, 0x7C, 0x17, 0x1C, 0xB5, 0x6E, 0x40, 0x3C,
	0x4D, 0xC1, 0xD4, 0xB6, 0x4F, 0x43, 0x26, 0x11, 0xDC, 0x38, 0x6E, 0x6F,
	0x53, 0x20, 0x50, 0xC3, 0x27, 0x8C, 0x93, 0x0E, 0x14, 0x3E, 0x8B, 0xB1,
	0x13, 0x38, 0x24, 0xCC, 0xB4, 0x31, 0x05, 0x38, 0x71, 0xC6, 0xDB, 0x53};
static const uint8_t policy_b_sha384[] = {
	0xB2, 0x6E, 0x7D, 0x28, 0xD1, 0x1A, 0x50, 0xBC, 0x53, 0xD8, 0x82, 0xBC,
	0xF5, 0xFD, 0x3A, 0x1A, 0x07, 0x41, 0x48, 0xBB, 0x35, 0xD3, 0xB4, 0xE4,
	0xCB, 0x1C, 0x0A, 0xD9, 0xBD, 0xE4, 0x19, 0xCA, 0xCB, 0x47, 0xBA, 0x09,
	0x69, 0x96, 0x46, 0x15, 0x0F, 0x9F, 0xC0, 0x00, 0xF3, 0xF8, 0x0E, 0x12};
static const uint8_t policy_c_sha384[] = {
	0xD6, 0x03, 0x2C, 0xE6, 0x1F, 0x2F, 0xB3, 0xC2, 0x40, 0xEB, 0x3C, 0xF6,
	0xA3, 0x32, 0x37, 0xEF, 0x2B, 0x6A, 0x16, 0xF4, 0x29, 0x3C, 0x22, 0xB4,
	0x55, 0xE2, 0x61, 0xCF, 0xFD, 0x21, 0x7A, 0xD5, 0xB4, 0x94, 0x7C, 0x2D,
	0x73, 0xE6, 0x30, 0x05, 0xEE, 0xD2, 0xDC, 0x2B, 0x35, 0x93, 0xD1, 0x65};

static const struct template {
	const char *name;
	TPM2_HANDLE cert, nonce, template; /* NV indices; 0: the template has none */
	TPMI_ALG_PUBLIC type;
	TPMI_ALG_HASH name_alg;
	uint16_t aes_bits;
	uint16_t rsa_bits;
	TPMI_ECC_CURVE curve;
	uint16_t unique; /* bytes of zeros in the unique field (low range) */
	const uint8_t *policy;
	uint16_t policy_len;
} templates[ASSAY_EK_COUNT] = {
	[ASSAY_EK_AUTO] = {.name = "auto"},
	[ASSAY_EK_L2_P256] = {"ecc-p256", 0x01C0000A, 0x01C0000B, 0x01C0000C, TPM2_ALG_ECC,
			      TPM2_ALG_SHA256, 128, 0, TPM2_ECC_NIST_P256, 32, policy_a_sha256, 32},
	[ASSAY_EK_H2_P256] = {"ecc-p256-high", 0x01C00014, 0, 0, TPM2_ALG_ECC, TPM2_ALG_SHA256,
			      128, 0, TPM2_ECC_NIST_P256, 0, policy_b_sha256, 32},
	[ASSAY_EK_H3_P384] = {"ecc-p384", 0x01C00016, 0, 0, TPM2_ALG_ECC, TPM2_ALG_SHA384, 256, 0,
			      TPM2_ECC_NIST_P384, 0, policy_b_sha384, 48},
	[ASSAY_EK_L1_RSA2048] = {"rsa-2048", 0x01C00002, 0x01C00003, 0x01C00004, TPM2_ALG_RSA,
				 TPM2_ALG_SHA256, 128, 2048, 0, 256, policy_a_sha256, 32},
	[ASSAY_EK_H1_RSA2048] = {"rsa-2048-high", 0x01C00012, 0, 0, TPM2_ALG_RSA, TPM2_ALG_SHA256,
				 128, 2048, 0, 0, policy_b_sha256, 32},
	[ASSAY_EK_H6_RSA3072] = {"rsa-3072", 0x01C0001C, 0, 0, TPM2_ALG_RSA, TPM2_ALG_SHA384, 256,
				 3072, 0, 0, policy_b_sha384, 48},
	[ASSAY_EK_H7_RSA4096] = {"rsa-4096", 0x01C0001E, 0, 0, TPM2_ALG_RSA, TPM2_ALG_SHA384, 256,
				 4096, 0, 0, policy_b_sha384, 48},
};

#define NV_EK_FIRST 0x01C00000u
#define NV_EK_LAST 0x01C000FFu
/* Where manufacturers and operating systems keep EKs. */
#define EK_HANDLE_FIRST 0x81010000u
#define EK_HANDLE_LAST 0x8101FFFFu

const char *
assay_ek_name(enum assay_ek ek)
{
	return (unsigned)ek < ASSAY_EK_COUNT ? templates[ek].name : NULL;
}

/* Low-range EKs are authorised by PolicyA alone; high-range ones by PolicyB, and by their
 * authValue, which is empty. */
static bool
is_high_range(const struct template *m)
{
	return m->policy != policy_a_sha256;
}

static TPMT_PUBLIC
default_template(const struct template *m)
{
	TPMT_PUBLIC p = {.type = m->type,
			 .nameAlg = m->name_alg,
			 .objectAttributes = EK_ATTRIBUTES};
	TPMT_SYM_DEF_OBJECT aes = {.algorithm = TPM2_ALG_AES,
				   .keyBits.aes = m->aes_bits,
				   .mode.aes = TPM2_ALG_CFB};

	if (is_high_range(m))
		p.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	p.authPolicy.size = m->policy_len;
	memcpy(p.authPolicy.buffer, m->policy, m->policy_len);
	if (m->type == TPM2_ALG_RSA) {
		p.parameters.rsaDetail.symmetric = aes;
		p.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
		p.parameters.rsaDetail.keyBits = m->rsa_bits;
		p.unique.rsa.size = m->unique;
	} else {
		p.parameters.eccDetail.symmetric = aes;
		p.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
		p.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
		p.parameters.eccDetail.curveID = m->curve;
		p.unique.ecc.x.size = m->unique;
		p.unique.ecc.y.size = m->unique;
	}
	return p;
}

static enum assay_err
nv_template(struct assay_tpm *t, const struct template *m, TPMT_PUBLIC *ret)
{
	uint8_t buf[TPM_PUBLIC_BYTES_MAX];
	TPMT_PUBLIC p = {0};
	size_t n = 0, at = 0;
	enum assay_err e = tpm_nv_read(t, m->template, buf, sizeof buf, &n);

	if (e == ASSAY_OK)
		e = tpm_rc(t, "the EK template in NV",
			   Tss2_MU_TPMT_PUBLIC_Unmarshal(buf, n, &at, &p));
	if (e == ASSAY_OK && p.type != m->type)
		e = tpm_fail(t, ASSAY_UNSUPPORTED, "the EK template in NV is of another type");
	if (e == ASSAY_OK)
		*ret = p;
	return e;
}

/* The nonce is the unique field, filled up with zeros. */
static enum assay_err
nv_nonce(struct assay_tpm *t, const struct template *m, TPMT_PUBLIC *p)
{
	uint8_t nonce[256] = {0};
	size_t n = 0;
	enum assay_err e = tpm_nv_read(t, m->nonce, nonce, m->unique, &n);

	if (e != ASSAY_OK)
		return e;
	memset(&p->unique, 0, sizeof p->unique);
	if (m->type == TPM2_ALG_RSA) {
		p->unique.rsa.size = m->unique;
		memcpy(p->unique.rsa.buffer, nonce, m->unique);
	} else {
		p->unique.ecc.x.size = p->unique.ecc.y.size = m->unique;
		memcpy(p->unique.ecc.x.buffer, nonce, m->unique);
	}
	return ASSAY_OK;
}

/* A manufacturer's own template, and a nonce for it or for the default one: EK
 * Credential Profile 2.6, B.2 and B.3.2. */
static enum assay_err
nv_adjust(struct assay_tpm *t, const struct template *m, TPMT_PUBLIC *p)
{
	struct tpm_handles nv;
	enum assay_err e;

	if (m->template == 0)
		return ASSAY_OK;
	e = tpm_list(t, NV_EK_FIRST, NV_EK_LAST, &nv);
	if (e == ASSAY_OK && tpm_lists(&nv, m->template))
		e = nv_template(t, m, p);
	if (e == ASSAY_OK && tpm_lists(&nv, m->nonce))
		e = nv_nonce(t, m, p);
	return e;
}

/* Equal in everything but the key itself. */
static bool
is_of_template(struct assay_tpm *t, const TPMT_PUBLIC *key, const TPMT_PUBLIC *template)
{
	TPMT_PUBLIC a = *key, b = *template;
	struct tpm_bytes ab, bb;
	struct tpm_name name;

	memset(&a.unique, 0, sizeof a.unique);
	memset(&b.unique, 0, sizeof b.unique);
	return a.type == b.type && tpm_marshal(t, &a, &ab, &name) == ASSAY_OK &&
	       tpm_marshal(t, &b, &bb, &name) == ASSAY_OK &&
	       span_equal(SPAN(ab.b, ab.n), SPAN(bb.b, bb.n));
}

/* A certificate contains its key's modulus or coordinate as it is. */
static bool
is_of_certificate(const struct assay_tpm *t, const TPMT_PUBLIC *key)
{
	bool rsa = key->type == TPM2_ALG_RSA;
	const uint8_t *p = rsa ? key->unique.rsa.buffer : key->unique.ecc.x.buffer;
	size_t n = rsa ? key->unique.rsa.size : key->unique.ecc.x.size;

	return t->cert_len == 0 || memmem(t->cert, t->cert_len, p, n) != NULL;
}

/* The public area of ek into t, or its comparison with what is there. */
static enum assay_err
take_public(struct assay_tpm *t, const TPMT_PUBLIC *key)
{
	struct tpm_bytes bytes;
	struct tpm_name name;
	enum assay_err e = tpm_marshal(t, key, &bytes, &name);

	if (e != ASSAY_OK)
		return e;
	if (t->ek_name.len != 0 &&
	    !span_equal(SPAN(name.b, name.len), SPAN(t->ek_name.b, t->ek_name.len)))
		return tpm_fail(t, ASSAY_MISMATCH,
				"the TPM's endorsement key is another than before");
	t->ek_public = bytes;
	t->ek_name = name;
	return ASSAY_OK;
}

/* The key at one persistent handle, if it is an EK of this template. */
static enum assay_err
try_persistent(struct assay_tpm *t, TPM2_HANDLE h, const TPMT_PUBLIC *template,
	       struct tpm_object *ret)
{
	struct tpm_object o = TPM_NO_OBJECT;
	TPM2B_PUBLIC *public = NULL;
	enum assay_err e;

	e = tpm_rc(t, "TPM2_ReadPublic",
		   Esys_TR_FromTPMPublic(t->esys, h, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 &o.tr));
	if (e != ASSAY_OK)
		return e;
	e = tpm_rc(t, "TPM2_ReadPublic",
		   Esys_ReadPublic(t->esys, o.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
				   NULL, NULL));
	if (e == ASSAY_OK &&
	    (!is_of_template(t, &public->publicArea, template) ||
	     !is_of_certificate(t, &public->publicArea)))
		e = ASSAY_NOT_FOUND;
	if (e == ASSAY_OK)
		e = take_public(t, &public->publicArea);
	Esys_Free(public);
	if (e == ASSAY_OK)
		*ret = o;
	else
		tpm_release(t, &o);
	return e;
}

static enum assay_err
find_persistent(struct assay_tpm *t, const TPMT_PUBLIC *template, struct tpm_object *ret)
{
	struct tpm_handles l;
	enum assay_err e = tpm_list(t, EK_HANDLE_FIRST, EK_HANDLE_LAST, &l);

	for (size_t i = 0; i < l.n && e == ASSAY_OK; i++) {
		e = try_persistent(t, l.h[i], template, ret);
		if (e == ASSAY_OK)
			return ASSAY_OK;
		if (e == ASSAY_NOT_FOUND || e == ASSAY_MISMATCH)
			e = ASSAY_OK; /* another one's */
	}
	return e == ASSAY_OK ? ASSAY_NOT_FOUND : e;
}

static enum assay_err
create_primary(struct assay_tpm *t, const TPMT_PUBLIC *template, struct tpm_object *ret)
{
	TPM2B_SENSITIVE_CREATE no_auth = {0};
	TPM2B_PUBLIC in = {.publicArea = *template}, *out = NULL;
	TPM2B_DATA outside = {0};
	TPML_PCR_SELECTION no_pcrs = {0};
	struct tpm_object o = {ESYS_TR_NONE, true};
	enum assay_err e;

	e = tpm_rc(t, "TPM2_CreatePrimary of the EK",
		   Esys_CreatePrimary(t->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD,
				      ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &in, &outside, &no_pcrs,
				      &o.tr, &out, NULL, NULL, NULL));
	if (e != ASSAY_OK)
		return e;
	e = take_public(t, &out->publicArea);
	Esys_Free(out);
	if (e == ASSAY_OK)
		*ret = o;
	else
		tpm_release(t, &o);
	return e;
}

enum assay_err
ek_acquire(struct assay_tpm *t, struct tpm_object *ret)
{
	const struct template *m = &templates[t->ek];
	TPMT_PUBLIC template = default_template(m);
	enum assay_err e;

	e = find_persistent(t, &template, ret);
	if (e != ASSAY_NOT_FOUND)
		return e;
	if ((e = nv_adjust(t, m, &template)) != ASSAY_OK)
		return e;
	return create_primary(t, &template, ret);
}

/* The EK asked for; or the first whose certificate is there; or ECC without one. */
static enum assay_ek
choose(const struct assay_tpm *t, const struct tpm_handles *nv)
{
	if (t->ek != ASSAY_EK_AUTO) /* as the wrapped AK says */
		return t->ek;
	if (t->ek_wanted != ASSAY_EK_AUTO)
		return t->ek_wanted;
	for (unsigned i = ASSAY_EK_AUTO + 1; i < ASSAY_EK_COUNT; i++)
		if (tpm_lists(nv, templates[i].cert))
			return (enum assay_ek)i;
	return ASSAY_EK_L2_P256;
}

enum assay_err
ek_find(struct assay_tpm *t)
{
	struct tpm_object ek = TPM_NO_OBJECT;
	struct tpm_handles nv;
	enum assay_ek chosen;
	enum assay_err e = tpm_list(t, NV_EK_FIRST, NV_EK_LAST, &nv);

	if (e != ASSAY_OK)
		return e;
	chosen = choose(t, &nv);
	t->cert_len = 0;
	t->chain_count = 0;
	if (tpm_lists(&nv, templates[chosen].cert) &&
	    (e = tpm_read_certificates(t, templates[chosen].cert)) != ASSAY_OK)
		return e;
	t->ek = chosen;
	e = ek_acquire(t, &ek);
	tpm_release(t, &ek);
	return e;
}

static TPM2B_DIGEST
policy_digest(const uint8_t *p, uint16_t len)
{
	TPM2B_DIGEST d = {.size = len};

	memcpy(d.buffer, p, len);
	return d;
}

/* PolicyA, and over it PolicyB where the EK asks for that. */
static enum assay_err
satisfy_policy(struct assay_tpm *t, const struct template *m, ESYS_TR session)
{
	bool sha384 = m->name_alg == TPM2_ALG_SHA384;
	TPML_DIGEST either = {
		.count = 2,
		.digests = {
			policy_digest(sha384 ? policy_a_sha384 : policy_a_sha256, m->policy_len),
			policy_digest(sha384 ? policy_c_sha384 : policy_c_sha256, m->policy_len)}};
	enum assay_err e;

	e = tpm_rc(t, "TPM2_PolicySecret with the endorsement hierarchy",
		   Esys_PolicySecret(t->esys, ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD,
				     ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL));
	if (e == ASSAY_OK && is_high_range(m))
		e = tpm_rc(t, "TPM2_PolicyOR of the EK",
			   Esys_PolicyOR(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 &either));
	return e;
}

/* By policy for high-range EKs too: their authValue would do, but takes part in dictionary
 * attack protection, so a lockout (also one that power cuts alone bring about: a use of such
 * a value and then no TPM2_Shutdown counts as a failure) would stop attestation. */
enum assay_err
ek_authorise(struct assay_tpm *t, const struct tpm_object *ek, ESYS_TR *ret_session)
{
	static const TPMT_SYM_DEF aes = {.algorithm = TPM2_ALG_AES,
					 .keyBits.aes = 128,
					 .mode.aes = TPM2_ALG_CFB};
	const TPMA_SESSION both = TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT |
				  TPMA_SESSION_ENCRYPT;
	const struct template *m = &templates[t->ek];
	ESYS_TR s = ESYS_TR_NONE;
	enum assay_err e;

	e = tpm_rc(t, "TPM2_StartAuthSession",
		   Esys_StartAuthSession(t->esys, ek->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &aes, m->name_alg,
					 &s));
	if (e != ASSAY_OK)
		return e;
	e = tpm_rc(t, "session attributes", Esys_TRSess_SetAttributes(t->esys, s, both, 0xFF));
	if (e == ASSAY_OK)
		e = satisfy_policy(t, m, s);
	if (e == ASSAY_OK)
		*ret_session = s;
	else
		tpm_end_session(t, &s);
	return e;
}
