/* akfile.c: see akfile.h. */
#include "akfile.h"

#include "pem.h"
#include "verifier/appraise/x509.h"

#include <stdio.h>

static void
say(char ret_what[AKFILE_WHAT_MAX], const char *form, const char *field)
{
	snprintf(ret_what, AKFILE_WHAT_MAX, "%s%s%s", form, *field ? ": " : "", field);
}

static enum assay_err
from_tpm(struct span file, bool sized, struct akfile *ret, char ret_what[AKFILE_WHAT_MAX])
{
	const char *form = sized ? "TPM2B_PUBLIC" : "TPMT_PUBLIC";
	struct akfile ak = {.form = form, .has_public = true};
	enum assay_err e;

	e = sized ? tpm2b_public_parse(file, &ak.public) : tpmt_public_parse(file, &ak.public);
	if (e != ASSAY_OK) {
		say(ret_what, form, tpmt_public_bad_field(file, sized));
		return e;
	}
	ak.key = ak.public.key;
	*ret = ak;
	return ASSAY_OK;
}

static enum assay_err
from_spki(struct span der, struct akfile *ret, char ret_what[AKFILE_WHAT_MAX])
{
	struct akfile ak = {.form = "SubjectPublicKeyInfo"};
	enum assay_err e = key_from_spki(der, &ak.key);

	say(ret_what, ak.form, "");
	if (e == ASSAY_OK)
		*ret = ak;
	return e;
}

static enum assay_err
from_certificate(struct span der, struct akfile *ret, char ret_what[AKFILE_WHAT_MAX])
{
	struct akfile ak = {.form = "certificate"};
	struct x509 cert;
	enum assay_err e;

	say(ret_what, ak.form, "");
	if ((e = x509_parse(der, &cert)) != ASSAY_OK)
		return e;
	say(ret_what, ak.form, "subjectPublicKeyInfo");
	if ((e = key_from_spki(cert.spki, &ak.key)) == ASSAY_OK)
		*ret = ak;
	return e;
}

/* Both are a SEQUENCE that begins with a SEQUENCE; a key's begins with an identifier. */
static enum assay_err
from_der(struct span der, struct akfile *ret, char ret_what[AKFILE_WHAT_MAX])
{
	struct reader in, outer, inner;

	rd_init(&in, der);
	outer = der_enter(&in, DER_SEQUENCE);
	inner = der_enter(&outer, DER_SEQUENCE);
	if (der_peek(&inner) == DER_OID)
		return from_spki(der, ret, ret_what);
	return from_certificate(der, ret, ret_what);
}

static enum assay_err
from_pem(struct span text, struct akfile *ret, char ret_what[AKFILE_WHAT_MAX])
{
	uint8_t der[AKFILE_MAX];
	struct writer w;
	enum assay_err e;

	say(ret_what, "PEM", "PUBLIC KEY or CERTIFICATE");
	wr_init(&w, der, sizeof der);
	if ((e = pem_decode(text, "PUBLIC KEY", &w)) == ASSAY_OK)
		return from_spki(wr_span(&w), ret, ret_what);
	if (e != ASSAY_NOT_FOUND || (e = pem_decode(text, "CERTIFICATE", &w)) != ASSAY_OK)
		return e;
	return from_certificate(wr_span(&w), ret, ret_what);
}

enum assay_err
akfile_parse(struct span file, struct akfile *ret, char ret_what[AKFILE_WHAT_MAX])
{
	struct reader r;
	uint16_t start;

	rd_init(&r, file);
	start = rd_be16(&r);
	if (r.err == ASSAY_OK && start == rd_left(&r))
		return from_tpm(file, true, ret, ret_what);
	if (start == TPM_ALG_RSA || start == TPM_ALG_ECC)
		return from_tpm(file, false, ret, ret_what);
	if (start >> 8 == DER_SEQUENCE)
		return from_der(file, ret, ret_what);
	if (pem_is(file))
		return from_pem(file, ret, ret_what);
	say(ret_what, "none of TPM2B_PUBLIC, TPMT_PUBLIC, PEM, DER", "");
	return ASSAY_BAD_MAGIC;
}
