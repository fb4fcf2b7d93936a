/* tpmt.c: see tpmt.h. Part numbers are those of the TPM 2.0 Library specification. */
#include "tpmt.h"

#include "writer.h"

#include <string.h>

#define TPM_RH_ENDORSEMENT 0x4000000Bu /* Part 2, 7.4 */
#define RSA_EXPONENT_DEFAULT 65537u    /* Part 2, 12.2.3.5: 0 in the structure */
#define RSA_BITS_MIN 1024
#define RSA_BITS_STRONG 2048
#define CURVE_BITS_STRONG 256

/* Part 2, 11.1.7: TPMT_SYM_DEF_OBJECT */
static void
read_symmetric(struct reader *r, struct tpm_public *p)
{
	rd_at(r, "parameters.symmetric");
	p->sym_alg = rd_be16(r);
	if (p->sym_alg == TPM_ALG_NULL)
		return;
	p->sym_bits = rd_be16(r);
	p->sym_mode = rd_be16(r);
}

/* Part 2, 11.2.4.2: TPMT_RSA_SCHEME */
static void
read_rsa_scheme(struct reader *r, struct tpm_public *p)
{
	rd_at(r, "parameters.scheme");
	p->scheme = rd_be16(r);
	switch (p->scheme) {
	case TPM_ALG_NULL:
	case TPM_ALG_RSAES:
		break;
	case SIG_RSASSA:
	case SIG_RSAPSS:
	case TPM_ALG_OAEP:
		p->scheme_hash = rd_be16(r);
		if (digest_size(p->scheme_hash) == 0)
			rd_fail(r, ASSAY_UNSUPPORTED);
		break;
	default:
		rd_fail(r, ASSAY_UNSUPPORTED);
	}
}

/* Part 2, 11.2.5.6: TPMT_ECC_SCHEME */
static void
read_ecc_scheme(struct reader *r, struct tpm_public *p)
{
	rd_at(r, "parameters.scheme");
	p->scheme = rd_be16(r);
	switch (p->scheme) {
	case TPM_ALG_NULL:
		break;
	case SIG_ECDSA:
	case TPM_ALG_ECDH:
		p->scheme_hash = rd_be16(r);
		if (digest_size(p->scheme_hash) == 0)
			rd_fail(r, ASSAY_UNSUPPORTED);
		break;
	default:
		rd_fail(r, ASSAY_UNSUPPORTED);
	}
}

/* Part 2, 12.2.3.5 and 11.2.4.5 */
static void
read_rsa(struct reader *r, struct tpm_public *p)
{
	struct key *k = &p->key;
	struct span n;

	read_symmetric(r, p);
	read_rsa_scheme(r, p);
	rd_at(r, "parameters.keyBits");
	k->type = KEY_RSA;
	k->bits = rd_be16(r);
	if (k->bits % 8 != 0 || k->bits < RSA_BITS_MIN)
		rd_fail(r, ASSAY_MALFORMED);
	if (k->bits / 8 > KEY_RSA_BYTES_MAX)
		rd_fail(r, ASSAY_UNSUPPORTED);
	rd_at(r, "parameters.exponent");
	k->exponent = rd_be32(r);
	if (k->exponent == 0)
		k->exponent = RSA_EXPONENT_DEFAULT;
	rd_at(r, "unique.rsa");
	n = rd_be16_bytes(r, KEY_RSA_BYTES_MAX);
	if (r->err == ASSAY_OK && (n.n != k->bits / 8u || (n.p[0] & 0x80) == 0))
		rd_fail(r, ASSAY_MALFORMED);
	if (r->err != ASSAY_OK)
		return;
	k->n_len = (uint16_t)n.n;
	memcpy(k->n, n.p, n.n);
}

/* A coordinate, which some TPMs write without its leading zero bytes. */
static void
read_coordinate(struct reader *r, size_t size, uint8_t *ret)
{
	struct span c = rd_be16_bytes(r, KEY_ECC_BYTES_MAX);

	if (r->err == ASSAY_OK && (c.n == 0 || c.n > size))
		rd_fail(r, ASSAY_MALFORMED);
	if (r->err == ASSAY_OK)
		memcpy(ret + (size - c.n), c.p, c.n);
}

/* Part 2, 12.2.3.6 and 11.2.5.2 */
static void
read_ecc(struct reader *r, struct tpm_public *p)
{
	struct key *k = &p->key;

	read_symmetric(r, p);
	read_ecc_scheme(r, p);
	rd_at(r, "parameters.curveID");
	k->type = KEY_ECC;
	k->curve = rd_be16(r);
	k->bits = key_curve_bits(k->curve);
	if (k->bits == 0)
		rd_fail(r, ASSAY_UNSUPPORTED);
	k->xy_len = (uint16_t)((k->bits + 7) / 8);
	rd_at(r, "parameters.kdf");
	p->kdf = rd_be16(r);
	if (p->kdf != TPM_ALG_NULL && digest_size(rd_be16(r)) == 0)
		rd_fail(r, ASSAY_UNSUPPORTED);
	rd_at(r, "unique.ecc.x");
	read_coordinate(r, k->xy_len, k->x);
	rd_at(r, "unique.ecc.y");
	read_coordinate(r, k->xy_len, k->y);
}

/* Part 2, 12.2.4 */
static void
read_public(struct reader *r, struct tpm_public *p)
{
	size_t policy_size;

	rd_at(r, "type");
	p->type = rd_be16(r);
	if (p->type != TPM_ALG_RSA && p->type != TPM_ALG_ECC)
		rd_fail(r, ASSAY_UNSUPPORTED);
	rd_at(r, "nameAlg");
	p->name_alg = rd_be16(r);
	policy_size = digest_size(p->name_alg);
	if (policy_size == 0)
		rd_fail(r, ASSAY_UNSUPPORTED);
	rd_at(r, "objectAttributes");
	p->attributes = rd_be32(r);
	rd_at(r, "authPolicy");
	p->auth_policy = rd_be16_bytes(r, DIGEST_MAX);
	if (p->auth_policy.n != 0 && p->auth_policy.n != policy_size)
		rd_fail(r, ASSAY_MALFORMED);
	if (p->type == TPM_ALG_RSA)
		read_rsa(r, p);
	if (p->type == TPM_ALG_ECC)
		read_ecc(r, p);
}

static enum assay_err
parse_public(struct span in, struct tpm_public *ret, const char **ret_field)
{
	struct tpm_public p = {.bytes = in};
	struct reader r;
	enum assay_err e;

	rd_init(&r, in);
	if (in.n > TPMT_PUBLIC_MAX)
		rd_fail(&r, ASSAY_TOO_LARGE);
	read_public(&r, &p);
	rd_at(&r, "end");
	e = rd_finish(&r);
	*ret_field = r.field;
	if (e == ASSAY_OK)
		*ret = p;
	return e;
}

/* Part 2, 12.2.5: the size and nothing else in front */
static enum assay_err
parse_sized(struct span in, struct tpm_public *ret, const char **ret_field)
{
	struct reader r;
	struct span area;
	enum assay_err e;

	rd_init(&r, in);
	area = rd_be16_bytes(&r, TPMT_PUBLIC_MAX);
	*ret_field = "size";
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	return parse_public(area, ret, ret_field);
}

enum assay_err
tpmt_public_parse(struct span in, struct tpm_public *ret)
{
	const char *field;

	return parse_public(in, ret, &field);
}

enum assay_err
tpm2b_public_parse(struct span in, struct tpm_public *ret)
{
	const char *field;

	return parse_sized(in, ret, &field);
}

const char *
tpmt_public_bad_field(struct span in, bool sized)
{
	struct tpm_public p;
	const char *field;
	enum assay_err e;

	e = sized ? parse_sized(in, &p, &field) : parse_public(in, &p, &field);
	return e == ASSAY_OK ? NULL : field;
}

/* nameAlg || H_nameAlg(a || b) */
static enum assay_err
name_of(uint16_t alg, struct span a, struct span b, struct tpm_name *ret)
{
	struct tpm_name name = {0};
	struct hasher h;
	struct digest d;
	struct writer w;
	enum assay_err e;
	size_t n;

	if ((e = hash_init(&h, alg)) != ASSAY_OK || (e = hash_update(&h, a)) != ASSAY_OK ||
	    (e = hash_update(&h, b)) != ASSAY_OK || (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	wr_init(&w, name.b, sizeof name.b);
	wr_be16(&w, alg);
	wr_bytes(&w, digest_span(&d));
	if ((e = wr_finish(&w, &n)) != ASSAY_OK)
		return e;
	name.len = (uint16_t)n;
	*ret = name;
	return ASSAY_OK;
}

enum assay_err
tpmt_public_name(const struct tpm_public *p, struct tpm_name *ret)
{
	return name_of(p->name_alg, p->bytes, SPAN(NULL, 0), ret);
}

static enum assay_err
qualified_name(struct span parent, const struct tpm_name *name, struct tpm_name *ret)
{
	struct reader r;
	uint16_t alg;

	rd_init(&r, SPAN(name->b, name->len));
	alg = rd_be16(&r);
	if (r.err != ASSAY_OK || digest_size(alg) == 0 || rd_left(&r) != digest_size(alg))
		return ASSAY_MALFORMED;
	return name_of(alg, parent, SPAN(name->b, name->len), ret);
}

enum assay_err
tpm_qualified_name_endorsement(const struct tpm_name *name, struct tpm_name *ret)
{
	static const uint8_t handle[4] = {
		(uint8_t)(TPM_RH_ENDORSEMENT >> 24), (uint8_t)(TPM_RH_ENDORSEMENT >> 16),
		(uint8_t)(TPM_RH_ENDORSEMENT >> 8), (uint8_t)TPM_RH_ENDORSEMENT};

	return qualified_name(SPAN(handle, sizeof handle), name, ret);
}

enum assay_err
tpm_qualified_name_child(const struct tpm_name *parent, const struct tpm_name *name,
			 struct tpm_name *ret)
{
	return qualified_name(SPAN(parent->b, parent->len), name, ret);
}

/* ---- TPMT_SIGNATURE: Part 2, 11.3.4 ---- */

static void
read_hash(struct reader *r, struct signature *s)
{
	rd_at(r, "hash");
	s->hash = rd_be16(r);
	if (digest_size(s->hash) == 0)
		rd_fail(r, ASSAY_UNSUPPORTED);
}

static struct span
read_number(struct reader *r, const char *field, size_t max)
{
	struct span n;

	rd_at(r, field);
	n = rd_be16_bytes(r, max);
	if (n.n == 0)
		rd_fail(r, ASSAY_MALFORMED);
	return n;
}

static enum assay_err
parse_signature(struct span in, struct signature *ret, const char **ret_field)
{
	struct signature s = {0};
	struct reader r;
	enum assay_err e;

	rd_init(&r, in);
	if (in.n > TPMT_SIGNATURE_MAX)
		rd_fail(&r, ASSAY_TOO_LARGE);
	rd_at(&r, "sigAlg");
	s.scheme = rd_be16(&r);
	switch (s.scheme) {
	case SIG_RSASSA:
	case SIG_RSAPSS:
		read_hash(&r, &s);
		s.rsa = read_number(&r, "sig", KEY_RSA_BYTES_MAX);
		break;
	case SIG_ECDSA:
		read_hash(&r, &s);
		s.r = read_number(&r, "signatureR", KEY_ECC_BYTES_MAX);
		s.s = read_number(&r, "signatureS", KEY_ECC_BYTES_MAX);
		break;
	default:
		rd_fail(&r, ASSAY_UNSUPPORTED);
	}
	rd_at(&r, "end");
	e = rd_finish(&r);
	*ret_field = r.field;
	if (e == ASSAY_OK)
		*ret = s;
	return e;
}

enum assay_err
tpmt_signature_parse(struct span in, struct signature *ret)
{
	const char *field;

	return parse_signature(in, ret, &field);
}

const char *
tpmt_signature_bad_field(struct span in)
{
	struct signature s;
	const char *field;

	return parse_signature(in, &s, &field) == ASSAY_OK ? NULL : field;
}

/* ---- what a key is for ---- */

static bool
hash_is_weak(uint16_t alg)
{
	return alg == ALG_SHA1 || !digest_computable(alg);
}

static bool
has_own_scheme(const struct tpm_public *p)
{
	if (p->type == TPM_ALG_RSA)
		return p->scheme == SIG_RSASSA || p->scheme == SIG_RSAPSS;
	return p->scheme == SIG_ECDSA;
}

enum ak_fault
tpmt_ak_fault(const struct tpm_public *p)
{
	static const struct {
		uint32_t attribute;
		enum ak_fault fault;
	} needed[] = {
		{TPMA_FIXEDTPM, AK_NOT_FIXED_TPM},
		{TPMA_FIXEDPARENT, AK_NOT_FIXED_PARENT},
		{TPMA_SENSITIVEDATAORIGIN, AK_NOT_SENSITIVE_DATA_ORIGIN},
		{TPMA_RESTRICTED, AK_NOT_RESTRICTED},
		{TPMA_SIGN, AK_NOT_SIGN},
	};

	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if ((p->attributes & needed[i].attribute) == 0)
			return needed[i].fault;
	if ((p->attributes & TPMA_DECRYPT) != 0)
		return AK_IS_DECRYPT;
	if (p->key.bits < (p->type == TPM_ALG_RSA ? RSA_BITS_STRONG : CURVE_BITS_STRONG))
		return AK_WEAK;
	if (hash_is_weak(p->name_alg))
		return AK_WEAK_HASH;
	if (p->scheme != TPM_ALG_NULL && hash_is_weak(p->scheme_hash))
		return AK_WEAK_HASH;
	if (!has_own_scheme(p))
		return AK_NO_SCHEME;
	return key_check(&p->key) == ASSAY_OK ? AK_FINE : AK_BAD_KEY;
}

const char *
tpmt_ak_fault_text(enum ak_fault f)
{
	static const char *const text[AK_FAULT_COUNT] = {
		[AK_FINE] = "may serve as attestation key",
		[AK_NOT_FIXED_TPM] = "fixedTPM is clear: the key could leave its TPM",
		[AK_NOT_FIXED_PARENT] = "fixedParent is clear: the key could be duplicated",
		[AK_NOT_SENSITIVE_DATA_ORIGIN] =
			"sensitiveDataOrigin is clear: the key was made outside the TPM",
		[AK_NOT_RESTRICTED] = "restricted is clear: the key signs what software gives it",
		[AK_NOT_SIGN] = "sign is clear: not a signing key",
		[AK_IS_DECRYPT] = "decrypt is set: not only a signing key",
		[AK_WEAK] = "RSA under 2048 bits or a curve under 256",
		[AK_WEAK_HASH] = "its name or its scheme uses SHA-1 or an unknown hash",
		[AK_NO_SCHEME] = "it has no signing scheme of its own",
		[AK_BAD_KEY] = "the public key is invalid or known to be weak",
	};

	return (unsigned)f < AK_FAULT_COUNT ? text[f] : "unknown fault";
}
