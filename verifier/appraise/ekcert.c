/* ekcert.c: see ekcert.h. The search for a path is in ekcert_path.c. */
#include "ekcert.h"

#include "ekcert_path.h"
#include "evidence/hex.h"

#include <string.h>

#define SPKI_RSA4096_MAX 600 /* bytes: only a larger RSA key takes more */

/* ---- words ---------------------------------------------------------------- */

static const struct word {
	const char *word, *text;
} reasons[] = {
#define X(code, word, text) {word, text},
	EKCERT_REASONS(X)
#undef X
}, facts[] = {
#define X(code, word, text) {word, text},
	EKCERT_FACTS(X)
#undef X
};

const char *
ekcert_reason_word(enum ekcert_reason r)
{
	return reasons[r < EKCERT_REASON_COUNT ? r : EKCERT_UNDECIDED].word;
}

const char *
ekcert_reason_text(enum ekcert_reason r)
{
	return reasons[r < EKCERT_REASON_COUNT ? r : EKCERT_UNDECIDED].text;
}

const char *
ekcert_fact_word(enum ekcert_fact_index i)
{
	return i < EKCERT_FACT_COUNT ? facts[i].word : "";
}

const char *
ekcert_fact_text(enum ekcert_fact_index i)
{
	return i < EKCERT_FACT_COUNT ? facts[i].text : "";
}

uint32_t
ekcert_fact_by_word(const char *word)
{
	for (unsigned i = 0; i < EKCERT_FACT_COUNT; i++)
		if (strcmp(facts[i].word, word) == 0)
			return 1u << i;
	return 0;
}

/* ---- the certificate itself ----------------------------------------------- */

static void
describe(const struct x509 *c, struct ekcert *ret)
{
	ret->not_before = c->not_before;
	ret->not_after = c->not_after;
	ret->lax = c->lax;
	x509_name_text(c->issuer, ret->issuer, sizeof ret->issuer);
	x509_name_text(c->subject, ret->subject, sizeof ret->subject);
	if (hex_encode(c->serial, ret->serial, sizeof ret->serial) != ASSAY_OK)
		ret->serial[0] = '\0';
	if (c->lax != 0)
		ret->facts |= EKCERT_FACT_LAX_ENCODING;
}

static enum ekcert_reason
check_key(const struct x509 *c, struct ekcert *ret)
{
	enum assay_err e = key_from_spki(c->spki, &ret->key);

	if (e == ASSAY_UNSUPPORTED || e == ASSAY_TOO_LARGE)
		return c->spki.n > SPKI_RSA4096_MAX ? EKCERT_KEY_TOO_LARGE
						    : EKCERT_KEY_UNSUPPORTED;
	if (e != ASSAY_OK)
		return EKCERT_KEY_INVALID;
	e = key_check(&ret->key);
	if (e == ASSAY_WEAK)
		ret->facts |= EKCERT_FACT_WEAK_KEY;
	return e == ASSAY_OK || e == ASSAY_WEAK ? EKCERT_CHAIN_OK : EKCERT_KEY_INVALID;
}

/*
 * TCG EK Credential Profile 2.6, 3.2: keyEncipherment (RSA) or keyAgreement (ECC).
 * One issuer's say digitalSignature; they are told by the extended key usage, and
 * that the key decrypts is what credential activation proves.
 */
static enum ekcert_reason
check_usage(const struct x509 *c, struct ekcert *ret)
{
	const uint8_t encrypts = X509_KU_KEY_ENCIPHERMENT | X509_KU_KEY_AGREEMENT;

	if (c->has_eku && !(c->eku & X509_EKU_TPM_EK))
		return EKCERT_NOT_EK;
	if (!c->has_eku)
		ret->facts |= EKCERT_FACT_NO_EKU;
	if (!c->has_key_usage || c->key_usage & encrypts)
		return EKCERT_CHAIN_OK;
	if (!c->has_eku || !(c->key_usage & X509_KU_DIGITAL_SIGNATURE))
		return EKCERT_KEY_USAGE;
	ret->facts |= EKCERT_FACT_SIGNING_USAGE;
	return EKCERT_CHAIN_OK;
}

static enum ekcert_reason
check_attributes(const struct x509 *c, struct ekcert *ret)
{
	if (!c->has_san || tpmattr_parse(c->san, &ret->tpm) != ASSAY_OK)
		return EKCERT_NO_TPM_ATTRIBUTES;
	ret->vendor = tpmattr_vendor_name(ret->tpm.vendor_id);
	if (!ret->vendor)
		ret->facts |= EKCERT_FACT_UNKNOWN_VENDOR;
	if (tpmattr_is_virtual(&ret->tpm, ret->issuer))
		ret->facts |= EKCERT_FACT_VIRTUAL;
	return EKCERT_CHAIN_OK;
}

static enum ekcert_reason
check_certificate(const struct x509 *c, struct ekcert *ret)
{
	/* Read first, so that a refused certificate too is shown as what it is. */
	enum ekcert_reason attributes = check_attributes(c, ret);
	enum ekcert_reason r = check_key(c, ret);

	if (r != EKCERT_CHAIN_OK)
		return r;
	if (c->is_ca || (c->has_key_usage && c->key_usage & X509_KU_CERT_SIGN))
		return EKCERT_IS_CA;
	if ((r = check_usage(c, ret)) != EKCERT_CHAIN_OK)
		return r;
	if (c->unknown_critical > 0 || c->has_name_constraints)
		return EKCERT_CRITICAL_EXTENSION;
	return attributes;
}

/* ---- the path ------------------------------------------------------------- */

static void
describe_link(const struct path_node *child, const struct path_node *issuer,
	      struct ekcert *ret)
{
	struct ekcert_link *l = &ret->chain[ret->chain_len++];

	*l = (struct ekcert_link){
		.not_before = issuer->cert.not_before,
		.not_after = issuer->cert.not_after,
		.is_root = issuer->is_root,
		.from_device = issuer->from_device,
	};
	x509_name_text(issuer->cert.subject, l->subject, sizeof l->subject);
	ret->facts |= issuer->facts;
	if (issuer->from_device)
		ret->facts |= EKCERT_FACT_FROM_DEVICE;
	if (child->cert.sig.hash == ALG_SHA1)
		ret->facts |= EKCERT_FACT_SHA1;
	if (!span_equal(child->cert.issuer, issuer->cert.subject))
		ret->facts |= EKCERT_FACT_NAME_ENCODING;
	if (tpmattr_is_virtual(&ret->tpm, l->subject))
		ret->facts |= EKCERT_FACT_VIRTUAL;
}

static enum ekcert_reason
check_path(const struct ekcert_input *in, const struct x509 *c, struct ekcert *ret)
{
	struct path p;
	enum ekcert_reason r = path_find(&p, in, c);

	ret->checks = p.checks;
	if (r != EKCERT_CHAIN_OK)
		return r;
	for (unsigned i = 0; i < p.depth; i++)
		describe_link(&p.node[i], &p.node[i + 1], ret);
	return EKCERT_CHAIN_OK;
}

void
ekcert_verify(const struct ekcert_input *in, struct ekcert *ret)
{
	enum ekcert_reason r;
	struct x509 c;

	*ret = (struct ekcert){0};
	ret->detail = x509_parse(in->cert, &c);
	if (ret->detail == ASSAY_OK)
		ret->detail = digest_sha256(in->cert, ret->sha256);
	if (ret->detail != ASSAY_OK) {
		ret->reason = ret->detail == ASSAY_UNSUPPORTED ? EKCERT_UNSUPPORTED
							       : EKCERT_MALFORMED;
		return;
	}
	describe(&c, ret);
	if (in->time > c.not_after)
		ret->facts |= EKCERT_FACT_EXPIRED;
	if (in->time < c.not_before)
		ret->facts |= EKCERT_FACT_NOT_YET_VALID;
	r = check_certificate(&c, ret);
	ret->reason = r == EKCERT_CHAIN_OK ? check_path(in, &c, ret) : r;
}

/* ---- the verdict ---------------------------------------------------------- */

/* Facts that are refused unless allowed, in the order in which they are told. */
static const struct refusable {
	uint32_t fact;
	enum ekcert_reason reason;
} refusable[] = {
	{EKCERT_FACT_EXPIRED, EKCERT_EXPIRED},
	{EKCERT_FACT_NOT_YET_VALID, EKCERT_NOT_YET_VALID},
	{EKCERT_FACT_WEAK_KEY, EKCERT_WEAK_KEY},
	{EKCERT_FACT_ISSUER_EXPIRED, EKCERT_ISSUER_EXPIRED},
	{EKCERT_FACT_ISSUER_NOT_YET_VALID, EKCERT_ISSUER_NOT_YET_VALID},
	{EKCERT_FACT_CRL_UNUSABLE, EKCERT_CRL_UNUSABLE},
};

enum ekcert_reason
ekcert_judge(const struct ekcert *e, uint32_t allowed)
{
	if (e->reason != EKCERT_CHAIN_OK)
		return e->reason;
	for (size_t i = 0; i < sizeof refusable / sizeof refusable[0]; i++)
		if (e->facts & refusable[i].fact & ~allowed)
			return refusable[i].reason;
	return EKCERT_CHAIN_OK;
}

enum ekcert_reason
ekcert_bind(const struct ekcert *e, const struct tpm_public *ek)
{
	if (tpmt_ek_template(ek) == EK_NO_TEMPLATE)
		return EKCERT_NOT_A_TEMPLATE;
	if (e->key.type == KEY_NONE || !key_equal(&e->key, &ek->key))
		return EKCERT_KEY_MISMATCH;
	return EKCERT_CHAIN_OK;
}
