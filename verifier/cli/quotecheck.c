/* quotecheck.c: see quotecheck.h. */
#include "quotecheck.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <string.h>

#define HEX_MAX (2 * QUOTE_EXTRA_MAX + 1)

static const struct scheme {
	uint16_t id;
	enum key_type type;
	const char *name;
} schemes[] = {
	{SIG_RSASSA, KEY_RSA, "rsassa"},
	{SIG_RSAPSS, KEY_RSA, "rsapss"},
	{SIG_ECDSA, KEY_ECC, "ecdsa"},
};

#define SCHEMES (sizeof schemes / sizeof schemes[0])

static const uint16_t hashes[] = {ALG_SHA256, ALG_SHA384, ALG_SHA512, ALG_SHA1};

#define HASHES (sizeof hashes / sizeof hashes[0])

const char *
quotecheck_name(enum quotecheck_id id)
{
	static const char *const names[CHECK_COUNT] = {
#define X(id, word) [CHECK_##id] = word,
		QUOTECHECKS(X)
#undef X
	};

	return (unsigned)id < CHECK_COUNT ? names[id] : "?";
}

const char *
quotecheck_scheme_name(uint16_t scheme)
{
	for (size_t i = 0; i < SCHEMES; i++)
		if (schemes[i].id == scheme)
			return schemes[i].name;
	return NULL;
}

uint16_t
quotecheck_scheme_by_name(const char *name)
{
	for (size_t i = 0; i < SCHEMES; i++)
		if (strcmp(schemes[i].name, name) == 0)
			return schemes[i].id;
	return SIG_NONE;
}

/* ---- how a step ends; each returns false, so that `return refuse(...)` reads well */

static bool
malformed(struct quotecheck *c, enum quotecheck_file file, const char *what, enum assay_err e)
{
	c->malformed = file;
	text_format(c->reason, sizeof c->reason, "%s: %s", what, assay_err_text(e));
	return false;
}

#define refuse(c, id, ...)                                                                         \
	((c)->failed = (id), text_format((c)->reason, sizeof(c)->reason, __VA_ARGS__), false)

static bool
read_ak(const struct quotecheck_input *in, struct quotecheck *c)
{
	char what[AKFILE_WHAT_MAX];
	enum assay_err e = akfile_parse(in->ak, &c->ak, what);

	return e == ASSAY_OK || malformed(c, FILE_AK, what, e);
}

static bool
read_message(const struct quotecheck_input *in, struct quotecheck *c)
{
	char what[64];
	enum assay_err e = quote_parse(in->message, &c->quote);

	if (e == ASSAY_OK)
		return true;
	if (e == ASSAY_BAD_MAGIC)
		return refuse(c, CHECK_MAGIC,
			      "the message was not made by a TPM: it does not "
			      "begin with TPM_GENERATED_VALUE");
	if (e == ASSAY_BAD_TYPE)
		return refuse(c, CHECK_TYPE,
			      "the message is an attestation of another type, "
			      "not TPM_ST_ATTEST_QUOTE");
	text_format(what, sizeof what, "TPMS_ATTEST: %s", quote_bad_field(in->message));
	return malformed(c, FILE_MESSAGE, what, e);
}

/* Q7: a key that has a scheme signs with no other */
static bool
check_scheme(const struct quotecheck_input *in, const struct signature *sig, struct quotecheck *c)
{
	const struct tpm_public *p = &c->ak.public;
	bool own = c->ak.has_public && p->scheme != TPM_ALG_NULL;
	uint16_t scheme = in->scheme ? in->scheme : own ? p->scheme : sig->scheme;
	uint16_t hash = in->hash ? in->hash : own ? p->scheme_hash : sig->hash;

	if (sig->scheme == scheme && sig->hash == hash &&
	    (!own || (scheme == p->scheme && hash == p->scheme_hash)))
		return true;
	return refuse(c, CHECK_SCHEME, "the signature is %s with %s, which is not the scheme %s",
		      quotecheck_scheme_name(sig->scheme), digest_name(sig->hash),
		      own ? "of the key" : "asked for");
}

static bool
check_signature(const struct signature *sig, struct quotecheck *c)
{
	enum assay_err e = key_verify_message(&c->ak.key, sig, c->quote.bytes);

	if (e == ASSAY_OK) {
		c->sig = *sig;
		return true;
	}
	if (e == ASSAY_UNSUPPORTED)
		return refuse(c, CHECK_SIGNATURE, "%s with %s cannot be verified with this key",
			      quotecheck_scheme_name(sig->scheme), digest_name(sig->hash));
	return refuse(c, CHECK_SIGNATURE, "the signature does not verify with this key");
}

/* The hash of a raw signature is not said, but it made pcrDigest too (Part 3, 18.4). */
static bool
hash_fits(const struct quotecheck_input *in, const struct quotecheck *c, uint16_t hash)
{
	const struct tpm_public *p = &c->ak.public;

	if (in->hash != 0)
		return in->hash == hash;
	if (c->ak.has_public && p->scheme != TPM_ALG_NULL)
		return p->scheme_hash == hash;
	return digest_size(hash) == c->quote.pcr_digest.n;
}

static bool
scheme_fits(const struct quotecheck_input *in, const struct quotecheck *c, const struct scheme *s)
{
	const struct tpm_public *p = &c->ak.public;

	if (s->type != c->ak.key.type)
		return false;
	if (in->scheme != 0)
		return in->scheme == s->id;
	return !c->ak.has_public || p->scheme == TPM_ALG_NULL || p->scheme == s->id;
}

/* Whatever fits may be tried: each is a whole verification by the key given. */
static bool
check_raw(const struct quotecheck_input *in, struct signature sig, struct quotecheck *c)
{
	bool tried = false;

	for (size_t s = 0; s < SCHEMES; s++)
		for (size_t h = 0; h < HASHES; h++) {
			if (!scheme_fits(in, c, &schemes[s]) || !hash_fits(in, c, hashes[h]))
				continue;
			tried = true;
			sig.scheme = schemes[s].id;
			sig.hash = hashes[h];
			if (check_scheme(in, &sig, c) && check_signature(&sig, c))
				return true;
		}
	if (!tried)
		return refuse(c, CHECK_SIGNATURE,
			      "no scheme and hash that can be verified fits this key and quote");
	return false;
}

/* Without a TPMT_SIGNATURE around it: RSA as it is, ECDSA in DER or as r || s. */
static bool
raw_signature(const struct quotecheck_input *in, const struct key *k, struct signature *ret)
{
	struct reader r;

	rd_init(&r, in->signature);
	if (k->type == KEY_RSA) {
		ret->rsa = in->signature;
		return in->signature.n == k->n_len;
	}
	if (signature_from_ecdsa_der(in->signature, ret) == ASSAY_OK)
		return true;
	ret->r = rd_bytes(&r, k->xy_len);
	ret->s = rd_bytes(&r, k->xy_len);
	return rd_finish(&r) == ASSAY_OK;
}

static bool
read_signature(const struct quotecheck_input *in, struct quotecheck *c)
{
	struct signature sig = {0}, raw = {0};
	enum assay_err e = tpmt_signature_parse(in->signature, &sig);
	char what[64];

	if (e == ASSAY_OK)
		return check_scheme(in, &sig, c) && check_signature(&sig, c);
	if (raw_signature(in, &c->ak.key, &raw))
		return check_raw(in, raw, c);
	text_format(what, sizeof what, "TPMT_SIGNATURE: %s",
		    tpmt_signature_bad_field(in->signature));
	return malformed(c, FILE_SIGNATURE, what, e);
}

static bool
check_nonce(const struct quotecheck_input *in, struct quotecheck *c)
{
	char seen[HEX_MAX];

	if (span_equal(c->quote.extra_data, in->nonce))
		return true;
	if (hex_encode(c->quote.extra_data, seen, sizeof seen) != ASSAY_OK)
		seen[0] = '\0';
	return refuse(c, CHECK_NONCE,
		      "extraData of the quote is %zu bytes%s%s, not the nonce given",
		      c->quote.extra_data.n, *seen ? ", " : "", seen);
}

/* The same banks and PCRs; a file may list the banks in another order. */
static bool
same_selection(const struct pcr_selection *a, const struct pcr_selection *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (pcr_selected(b, a->bank[i].alg) != a->bank[i].mask)
			return false;
	return true;
}

static bool
check_pcrs(const struct quotecheck_input *in, struct quotecheck *c)
{
	char what[PCRFILE_WHAT_MAX];
	struct digest d;
	enum assay_err e;

	if (!in->pcrs.p)
		return true;
	if ((e = pcrfile_parse(in->pcrs, &c->quote.selection, &c->pcrs, what)) != ASSAY_OK)
		return malformed(c, FILE_PCRS, what, e);
	c->has_pcrs = true;
	if (!same_selection(&c->pcrs.selection, &c->quote.selection))
		return refuse(c, CHECK_SELECTION,
			      "the PCRs in the file are not those that the quote covers");
	e = pcr_digest(&c->pcrs.values, &c->quote.selection, c->sig.hash, &d);
	if (e == ASSAY_OK && span_equal(digest_span(&d), c->quote.pcr_digest))
		return true;
	return refuse(c, CHECK_PCRS, "the digest of the PCR values is not the quoted pcrDigest");
}

void
quotecheck(const struct quotecheck_input *in, struct quotecheck *ret)
{
	memset(ret, 0, sizeof *ret);
	if (!read_ak(in, ret) || !read_message(in, ret) || !read_signature(in, ret) ||
	    !check_nonce(in, ret) || !check_pcrs(in, ret))
		return;
	ret->reason[0] = '\0';
	ret->valid = true;
}
