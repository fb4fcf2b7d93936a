/* x509_sig.c: signed objects and their signature algorithms. See x509.h. */
#include "x509_internal.h"

#define OID(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}

static const struct algorithm {
	struct span oid;
	uint16_t scheme, hash;
} algorithms[] = {
	{OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05"), SIG_RSASSA, ALG_SHA1},
	{OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B"), SIG_RSASSA, ALG_SHA256},
	{OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C"), SIG_RSASSA, ALG_SHA384},
	{OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D"), SIG_RSASSA, ALG_SHA512},
	{OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"), SIG_RSAPSS, ALG_NONE},
	{OID("\x2A\x86\x48\xCE\x3D\x04\x01"), SIG_ECDSA, ALG_SHA1},
	{OID("\x2A\x86\x48\xCE\x3D\x04\x03\x02"), SIG_ECDSA, ALG_SHA256},
	{OID("\x2A\x86\x48\xCE\x3D\x04\x03\x03"), SIG_ECDSA, ALG_SHA384},
	{OID("\x2A\x86\x48\xCE\x3D\x04\x03\x04"), SIG_ECDSA, ALG_SHA512},
	{OID("\x2B\x65\x70"), SIG_EDDSA, ALG_NONE}, /* RFC 8410 */
};

static const struct algorithm hashes[] = {
	{OID("\x2B\x0E\x03\x02\x1A"), 0, ALG_SHA1},
	{OID("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), 0, ALG_SHA256},
	{OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), 0, ALG_SHA384},
	{OID("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), 0, ALG_SHA512},
};

static const struct algorithm *
algorithm_by_oid(const struct algorithm *table, size_t count, struct span oid)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal(table[i].oid, oid))
			return &table[i];
	return NULL;
}

/* AlgorithmIdentifier of a hash; NULL parameters or none. */
static uint16_t
hash_algorithm(struct reader *r)
{
	struct reader a = der_enter(r, DER_SEQUENCE);
	struct span oid = der_get(&a, DER_OID), null;
	const struct algorithm *h;

	(void)der_optional(&a, DER_NULL, &null);
	if (rd_finish(&a) != ASSAY_OK)
		rd_fail(r, a.err);
	h = algorithm_by_oid(hashes, sizeof hashes / sizeof hashes[0], oid);
	if (!h)
		rd_fail(r, ASSAY_UNSUPPORTED);
	return h ? h->hash : ALG_NONE;
}

/* maskGenAlgorithm: MGF1 with a hash */
static uint16_t
mask_algorithm(struct reader *r)
{
	struct reader a = der_enter(r, DER_SEQUENCE);
	uint16_t hash;

	if (!DER_OID_IS(der_get(&a, DER_OID), "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08"))
		rd_fail(r, ASSAY_UNSUPPORTED);
	hash = hash_algorithm(&a);
	if (rd_finish(&a) != ASSAY_OK)
		rd_fail(r, a.err);
	return hash;
}

/* Small INTEGER of an explicit field. */
static unsigned
explicit_number(struct reader *r, unsigned n, unsigned absent)
{
	bool present;
	struct reader f = x509_explicit(r, n, &present);
	struct span v;

	if (!present)
		return absent;
	v = der_unsigned(&f);
	if (rd_finish(&f) != ASSAY_OK || v.n > 1)
		rd_fail(r, ASSAY_UNSUPPORTED);
	return v.n == 1 ? v.p[0] : 0;
}

/*
 * RSASSA-PSS-params, RFC 4055, 3.1. One hash for message and mask, and a salt of
 * its length, are what CAs use and what key_verify() can check; the rest is
 * UNSUPPORTED rather than guessed.
 */
static void
pss_parameters(struct reader *r, struct signature *ret)
{
	struct reader p = der_enter(r, DER_SEQUENCE), f;
	uint16_t hash = ALG_SHA1, mask = ALG_SHA1;
	bool present;

	f = x509_explicit(&p, 0, &present);
	if (present)
		hash = hash_algorithm(&f);
	rd_fail(&p, rd_finish(&f));
	f = x509_explicit(&p, 1, &present);
	if (present)
		mask = mask_algorithm(&f);
	rd_fail(&p, rd_finish(&f));
	if (explicit_number(&p, 2, 20) != digest_size(hash) || mask != hash ||
	    explicit_number(&p, 3, 1) != 1)
		rd_fail(&p, ASSAY_UNSUPPORTED);
	if (rd_finish(&p) != ASSAY_OK)
		rd_fail(r, p.err);
	ret->hash = hash;
}

static void
algorithm_parameters(struct reader *r, struct signature *ret, uint32_t *lax)
{
	struct span null;
	bool has_null;

	if (ret->scheme == SIG_RSAPSS) {
		pss_parameters(r, ret);
		return;
	}
	has_null = der_optional(r, DER_NULL, &null);
	if (has_null != (ret->scheme == SIG_RSASSA))
		*lax |= X509_LAX_PARAMETERS;
}

static enum assay_err
signature_algorithm(struct span algorithm, struct signature *ret, uint32_t *lax)
{
	const struct algorithm *a;
	struct reader r, in;

	rd_init(&r, algorithm);
	in = der_enter(&r, DER_SEQUENCE);
	a = algorithm_by_oid(algorithms, sizeof algorithms / sizeof algorithms[0],
			     der_get(&in, DER_OID));
	if (!a)
		return in.err != ASSAY_OK ? in.err : ASSAY_UNSUPPORTED;
	ret->scheme = a->scheme;
	ret->hash = a->hash;
	algorithm_parameters(&in, ret, lax);
	return rd_finish(&in);
}

enum assay_err
x509_signature(const struct x509_signed *s, struct signature *ret, uint32_t *lax)
{
	struct signature sig = {0};
	enum assay_err e = signature_algorithm(s->algorithm, &sig, lax);

	if (e != ASSAY_OK)
		return e;
	*ret = sig;
	if (sig.scheme != SIG_ECDSA) {
		ret->rsa = s->signature;
		return ASSAY_OK;
	}
	e = signature_from_ecdsa_der(s->signature, ret);
	ret->scheme = sig.scheme;
	ret->hash = sig.hash;
	return e;
}

/* SEQUENCE { toBeSigned, AlgorithmIdentifier, BIT STRING }: RFC 5280, 4.1 and 5.1 */
enum assay_err
x509_signed_parse(struct span der, struct x509_signed *ret)
{
	struct reader r, in;

	rd_init(&r, der);
	in = der_enter(&r, DER_SEQUENCE);
	ret->tbs = x509_whole(&in, DER_SEQUENCE);
	ret->algorithm = x509_whole(&in, DER_SEQUENCE);
	ret->signature = der_bits(&in);
	return rd_finish(&r) != ASSAY_OK ? r.err : rd_finish(&in);
}
