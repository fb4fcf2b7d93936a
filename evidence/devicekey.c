/* devicekey.c: see devicekey.h. */
#include "devicekey.h"

#include <string.h>

enum assay_err
devicekey_name(struct span spki, struct tpm_name *ret)
{
	struct tpm_name n = {.len = DEVICEKEY_NAME_SIZE, .b = {ALG_SHA256 >> 8, ALG_SHA256}};
	enum assay_err e = digest_sha256(spki, n.b + 2);

	if (e == ASSAY_OK)
		*ret = n;
	return e;
}

/* What a key of this kind signs with; false: it may not attest. */
static bool
scheme_of(const struct key *k, struct signature *ret)
{
	*ret = (struct signature){.scheme = SIG_ECDSA};
	switch (k->type) {
	case KEY_RSA:
		ret->scheme = SIG_RSASSA;
		ret->hash = ALG_SHA256;
		return true;
	case KEY_ED25519:
		ret->scheme = SIG_EDDSA;
		return true;
	case KEY_ECC:
		ret->hash = k->curve == CURVE_P384 ? ALG_SHA384 : ALG_SHA256;
		return k->curve == CURVE_P256 || k->curve == CURVE_P384;
	case KEY_NONE:
		break;
	}
	return false;
}

enum assay_err
devicekey_read(struct span spki, struct key *ret)
{
	uint8_t again[KEY_SPKI_MAX];
	struct signature sig;
	struct key k;
	enum assay_err e;
	size_t n;

	if ((e = key_from_spki(spki, &k)) != ASSAY_OK || (e = key_check(&k)) != ASSAY_OK)
		return e;
	if (!scheme_of(&k, &sig))
		return ASSAY_UNSUPPORTED;
	if (key_to_spki(&k, again, sizeof again, &n) != ASSAY_OK ||
	    !span_equal(spki, SPAN(again, n)))
		return ASSAY_MALFORMED;
	*ret = k;
	return ASSAY_OK;
}

enum assay_err
devicekey_verify(const struct key *k, struct span signature, struct span message)
{
	struct signature sig;
	struct reader r;

	if (!scheme_of(k, &sig))
		return ASSAY_UNSUPPORTED;
	rd_init(&r, signature);
	if (sig.scheme == SIG_ECDSA) {
		sig.r = rd_bytes(&r, k->xy_len);
		sig.s = rd_bytes(&r, k->xy_len);
	} else {
		sig.rsa = rd_rest(&r);
	}
	if (rd_finish(&r) != ASSAY_OK)
		return ASSAY_BAD_SIGNATURE;
	return key_verify_message(k, &sig, message);
}

const char *
devicekey_word(const struct key *k)
{
	switch (k->type) {
	case KEY_RSA:
		return "rsa";
	case KEY_ED25519:
		return "ed25519";
	case KEY_ECC:
		return k->curve == CURVE_P384 ? "ecdsa-p384" : "ecdsa-p256";
	case KEY_NONE:
		break;
	}
	return "none";
}
