/* ima_modsig.c: signatures appended to files, as the kernel measures them: PKCS #7
 * SignedData without content (RFC 2315, 9; RFC 5652, 5), as scripts/sign-file and others
 * make it, over the file's digest without the signature. See ima_signed.h. */
#include "ima_signed.h"

#include "evidence/der.h"

#include <string.h>

#define OID_SIGNED_DATA "\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02"
#define OID_MESSAGE_DIGEST "\x2A\x86\x48\x86\xF7\x0D\x01\x09\x04"
#define SIGNERS_MAX 4
#define ATTRIBUTES_MAX 16

/* One SignerInfo. */
struct signer {
	bool by_issuer; /* else by subject key identifier */
	struct span issuer, serial, skid;
	uint16_t alg;
	struct span attributes; /* of [0], with its header; empty: none */
	struct span signature;
};

static uint16_t
alg_of(struct span oid)
{
	static const struct {
		uint16_t alg;
		const char *oid;
		size_t n;
	} algs[] = {
		{ALG_SHA1, "\x2B\x0E\x03\x02\x1A", 5},
		{ALG_SHA256, "\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9},
		{ALG_SHA384, "\x60\x86\x48\x01\x65\x03\x04\x02\x02", 9},
		{ALG_SHA512, "\x60\x86\x48\x01\x65\x03\x04\x02\x03", 9},
	};

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		if (span_equal(oid, SPAN(algs[i].oid, algs[i].n)))
			return algs[i].alg;
	return ALG_NONE;
}

/* SignerIdentifier: IssuerAndSerialNumber, or [0] subjectKeyIdentifier. */
static void
read_signer_id(struct reader *r, struct signer *ret)
{
	struct reader in;
	uint8_t tag;

	ret->by_issuer = der_peek(r) == DER_SEQUENCE;
	if (!ret->by_issuer) {
		ret->skid = der_get(r, DER_CONTEXT_PRIM);
		return;
	}
	in = der_enter(r, DER_SEQUENCE);
	(void)der_any(&in, &tag, &ret->issuer);
	ret->serial = der_get(&in, DER_INTEGER);
	rd_fail(r, rd_finish(&in));
}

static void
read_signer(struct reader *r, struct signer *ret)
{
	struct reader in = der_enter(r, DER_SEQUENCE), alg;
	uint8_t tag;

	memset(ret, 0, sizeof *ret);
	(void)der_get(&in, DER_INTEGER); /* version */
	read_signer_id(&in, ret);
	alg = der_enter(&in, DER_SEQUENCE);
	ret->alg = alg_of(der_get(&alg, DER_OID));
	if (der_peek(&in) == DER_CONTEXT)
		(void)der_any(&in, &tag, &ret->attributes);
	(void)der_get(&in, DER_SEQUENCE); /* signatureAlgorithm: the key decides */
	ret->signature = der_get(&in, DER_OCTET_STRING);
	rd_fail(r, in.err);
}

/* ContentInfo down to signerInfos. */
static struct reader
open_signers(struct span pkcs7, enum assay_err *ret)
{
	struct reader all, info, explicit, data, signers;
	struct span skipped;

	rd_init(&all, pkcs7);
	info = der_enter(&all, DER_SEQUENCE);
	if (!DER_OID_IS(der_get(&info, DER_OID), OID_SIGNED_DATA))
		rd_fail(&info, ASSAY_BAD_TYPE);
	explicit = der_enter(&info, DER_CONTEXT);
	data = der_enter(&explicit, DER_SEQUENCE);
	(void)der_get(&data, DER_INTEGER);                    /* version */
	(void)der_get(&data, DER_SET);                        /* digestAlgorithms */
	(void)der_get(&data, DER_SEQUENCE);                   /* contentInfo: detached */
	(void)der_optional(&data, DER_CONTEXT, &skipped);     /* certificates: not used */
	(void)der_optional(&data, DER_CONTEXT | 1, &skipped); /* crls */
	signers = der_enter(&data, DER_SET);
	*ret = all.err != ASSAY_OK        ? all.err
	       : info.err != ASSAY_OK     ? info.err
	       : explicit.err != ASSAY_OK ? explicit.err
					  : data.err;
	return signers;
}

/* The attribute messageDigest is the digest of the file. */
static bool
attributes_name(const struct signer *s, const struct digest *file)
{
	struct reader all, r;
	bool equal = false;

	rd_init(&all, s->attributes);
	r = der_enter(&all, DER_CONTEXT);
	for (unsigned i = 0; i < ATTRIBUTES_MAX && rd_left(&r) != 0; i++) {
		struct reader one = der_enter(&r, DER_SEQUENCE), values;
		bool wanted = DER_OID_IS(der_get(&one, DER_OID), OID_MESSAGE_DIGEST);

		values = der_enter(&one, DER_SET);
		if (!wanted)
			continue;
		if (equal) /* twice */
			return false;
		equal = span_equal(der_get(&values, DER_OCTET_STRING), digest_span(file)) &&
			rd_finish(&values) == ASSAY_OK;
		if (!equal)
			return false;
	}
	return equal && rd_finish(&r) == ASSAY_OK;
}

/* RFC 5652, 5.4: with attributes these are signed, as the SET OF that they are. The kernel
 * then lists the digest of these, once it has found the file's in them (pkcs7_digest);
 * where the file's is listed they must name it. */
static bool
signed_digest(const struct signer *s, const struct digest *file, struct digest *ret)
{
	const uint8_t set = DER_SET;
	struct hasher h;

	if (s->attributes.n == 0) {
		*ret = *file;
		return true;
	}
	return hash_init(&h, s->alg) == ASSAY_OK && hash_update(&h, SPAN(&set, 1)) == ASSAY_OK &&
	       hash_update(&h, span_part(s->attributes, 1, s->attributes.n - 1)) == ASSAY_OK &&
	       hash_final(&h, ret) == ASSAY_OK &&
	       (digest_equal(ret, file) || attributes_name(s, file));
}

static bool
is_signer(const struct signer *s, const struct ima_key *k)
{
	if (s->by_issuer)
		return s->serial.n != 0 && span_equal(s->serial, k->serial) &&
		       span_equal(s->issuer, k->issuer);
	return s->skid.n != 0 && span_equal(s->skid, k->skid);
}

static void
verify_signer(const struct ima_signed_ask *ask, const struct signer *s, const struct digest *file,
	      struct ima_signed *ret)
{
	struct digest d;

	if (s->alg != file->alg || !signed_digest(s, file, &d)) {
		ret->reason = "the appended signature is over another digest";
		return;
	}
	for (uint8_t i = 0; i < ask->keys->count; i++) {
		if (!is_signer(s, &ask->keys->key[i]) || !ima_key_counts(ask, i, &ret->reason))
			continue;
		ret->reason = "the appended signature does not verify";
		if (!ima_key_verifies(&ask->keys->key[i].key, s->signature, &d, ret))
			continue;
		ret->answer = IMA_SIGNED_GOOD;
		ret->key = i;
		return;
	}
}

void
ima_modsig(const struct ima_signed_ask *ask, const struct imalog_entry *e, struct ima_signed *ret)
{
	const struct imalog_digest *f = &e->modsig_file;
	struct digest file;
	struct reader r;
	enum assay_err err;

	ret->answer = IMA_SIGNED_BAD;
	ret->reason = "what is said to be an appended signature is not in template ima-modsig";
	if (!e->appended) /* M3: a label is not hashed, and an attribute can be anything */
		return;
	ret->reason = "the appended signature has not the form of one";
	if ((e->has >> IMALOG_D_MODSIG & 1) == 0 || !f->name ||
	    digest_from(f->alg, f->bytes, &file) != ASSAY_OK)
		return;
	if (f->alg == ALG_SHA1 && !ask->policy->weak_digests) {
		ret->reason = "the appended signature is over a digest that is too weak";
		return;
	}
	r = open_signers(e->field[IMALOG_MODSIG], &err);
	if (err != ASSAY_OK)
		return;
	ret->reason = "no key of the keyring is the appended signature's";
	for (unsigned i = 0; i < SIGNERS_MAX && rd_left(&r) != 0; i++) {
		struct signer s;

		read_signer(&r, &s);
		if (r.err != ASSAY_OK)
			return;
		verify_signer(ask, &s, &file, ret);
		if (ret->answer == IMA_SIGNED_GOOD)
			return;
	}
}
