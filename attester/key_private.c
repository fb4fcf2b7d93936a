/* key_private.c: see key_private.h. Keys are kept as bytes and decoded for each use. */
#include "key_private.h"

#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

/* ---- one kind after the other: is it this one, and what is its public key? ---- */

static enum assay_err
read_ecc(const struct private_key *k, struct key *pub)
{
	word32 at = 0, nx = sizeof pub->x, ny = sizeof pub->y;
	enum assay_err e = ASSAY_MALFORMED;
	ecc_key key;
	int curve;

	if (wc_ecc_init(&key) != 0)
		return ASSAY_CRYPTO;
	if (wc_EccPrivateKeyDecode(k->der, &at, &key, (word32)k->len) == 0 &&
	    wc_ecc_make_pub(&key, NULL) == 0 &&
	    wc_ecc_export_public_raw(&key, pub->x, &nx, pub->y, &ny) == 0 && nx == ny) {
		curve = wc_ecc_get_curve_id(key.idx);
		pub->type = KEY_ECC;
		pub->curve = curve == ECC_SECP256R1 ? CURVE_P256
			     : curve == ECC_SECP384R1 ? CURVE_P384 : CURVE_NONE;
		pub->bits = key_curve_bits(pub->curve);
		pub->xy_len = (uint16_t)nx;
		e = pub->curve == CURVE_NONE ? ASSAY_UNSUPPORTED : ASSAY_OK;
	}
	wc_ecc_free(&key);
	return e;
}

static enum assay_err
read_ed25519(const struct private_key *k, struct key *pub)
{
	enum assay_err e = ASSAY_MALFORMED;
	word32 at = 0;
	ed25519_key key;

	if (wc_ed25519_init(&key) != 0)
		return ASSAY_CRYPTO;
	if (wc_Ed25519PrivateKeyDecode(k->der, &at, &key, (word32)k->len) == 0 &&
	    wc_ed25519_make_public(&key, pub->x, ED25519_PUB_KEY_SIZE) == 0) {
		pub->type = KEY_ED25519;
		pub->bits = 256;
		pub->xy_len = ED25519_PUB_KEY_SIZE;
		e = ASSAY_OK;
	}
	wc_ed25519_free(&key);
	return e;
}

static enum assay_err
read_rsa(const struct private_key *k, struct key *pub)
{
	uint8_t exponent[8] = {0};
	word32 at = 0, ne = sizeof exponent, nn = sizeof pub->n;
	enum assay_err e = ASSAY_MALFORMED;
	RsaKey key;

	if (wc_InitRsaKey(&key, NULL) != 0)
		return ASSAY_CRYPTO;
	if (wc_RsaPrivateKeyDecode(k->der, &at, &key, (word32)k->len) == 0 &&
	    wc_RsaFlattenPublicKey(&key, exponent, &ne, pub->n, &nn) == 0 && ne <= 4) {
		pub->type = KEY_RSA;
		pub->bits = (uint16_t)(nn * 8);
		pub->n_len = (uint16_t)nn;
		for (word32 i = 0; i < ne; i++)
			pub->exponent = pub->exponent << 8 | exponent[i];
		e = ASSAY_OK;
	}
	wc_FreeRsaKey(&key);
	return e;
}

enum assay_err
private_key_read(struct span der, struct private_key *ret)
{
	static enum assay_err (*const readers[])(const struct private_key *, struct key *) = {
		read_ecc, read_ed25519, read_rsa};
	enum assay_err e = ASSAY_MALFORMED;

	if (der.n == 0 || der.n > sizeof ret->der)
		return ASSAY_MALFORMED;
	memset(ret, 0, sizeof *ret);
	memcpy(ret->der, der.p, der.n);
	ret->len = der.n;
	for (size_t i = 0; i < sizeof readers / sizeof readers[0] && e == ASSAY_MALFORMED; i++) {
		memset(&ret->public, 0, sizeof ret->public);
		e = readers[i](ret, &ret->public);
	}
	if (e == ASSAY_OK)
		e = key_check(&ret->public);
	if (e != ASSAY_OK)
		explicit_bzero(ret, sizeof *ret);
	return e;
}

/* ---- signatures ---- */

static enum assay_err
sign_ecc(const struct private_key *k, const struct digest *d, WC_RNG *rng, uint8_t *ret)
{
	int size = k->public.xy_len;
	enum assay_err e = ASSAY_CRYPTO;
	word32 at = 0;
	ecc_key key;
	mp_int r, s;

	if (wc_ecc_init(&key) != 0)
		return ASSAY_CRYPTO;
	if (mp_init_multi(&r, &s, NULL, NULL, NULL, NULL) == MP_OKAY) {
		if (wc_EccPrivateKeyDecode(k->der, &at, &key, (word32)k->len) == 0 &&
		    wc_ecc_set_rng(&key, rng) == 0 &&
		    wc_ecc_sign_hash_ex(d->b, d->len, rng, &key, &r, &s) == 0 &&
		    mp_to_unsigned_bin_len(&r, ret, size) == MP_OKAY &&
		    mp_to_unsigned_bin_len(&s, ret + size, size) == MP_OKAY)
			e = ASSAY_OK;
		mp_clear(&r);
		mp_clear(&s);
	}
	wc_ecc_free(&key);
	return e;
}

static enum assay_err
sign_ed25519(const struct private_key *k, const uint8_t message[32], uint8_t *ret)
{
	uint8_t pub[ED25519_PUB_KEY_SIZE];
	word32 at = 0, n = ED25519_SIG_SIZE;
	enum assay_err e = ASSAY_CRYPTO;
	ed25519_key key;

	if (wc_ed25519_init(&key) != 0)
		return ASSAY_CRYPTO;
	if (wc_Ed25519PrivateKeyDecode(k->der, &at, &key, (word32)k->len) == 0 &&
	    wc_ed25519_make_public(&key, pub, sizeof pub) == 0 &&
	    wc_ed25519_import_public(pub, sizeof pub, &key) == 0 &&
	    wc_ed25519_sign_msg(message, 32, ret, &n, &key) == 0)
		e = ASSAY_OK;
	wc_ed25519_free(&key);
	return e;
}

static enum assay_err
sign_rsa(const struct private_key *k, const struct digest *d, WC_RNG *rng, uint8_t *ret)
{
	uint8_t encoded[128];
	word32 at = 0, n = wc_EncodeSignature(encoded, d->b, d->len,
					      wc_HashGetOID(WC_HASH_TYPE_SHA256));
	enum assay_err e = ASSAY_CRYPTO;
	RsaKey key;

	if (wc_InitRsaKey(&key, NULL) != 0)
		return ASSAY_CRYPTO;
	if (wc_RsaPrivateKeyDecode(k->der, &at, &key, (word32)k->len) == 0 &&
	    wc_RsaSetRNG(&key, rng) == 0 &&
	    wc_RsaSSL_Sign(encoded, n, ret, k->public.n_len, &key, rng) == k->public.n_len)
		e = ASSAY_OK;
	wc_FreeRsaKey(&key);
	return e;
}

enum assay_err
private_key_sign(const struct private_key *k, const uint8_t message[32], uint8_t *ret, size_t cap,
		 size_t *ret_len)
{
	uint16_t alg = k->public.curve == CURVE_P384 ? ALG_SHA384 : ALG_SHA256;
	size_t n = k->public.type == KEY_RSA ? k->public.n_len : 2u * k->public.xy_len;
	struct digest d;
	enum assay_err e;
	WC_RNG rng;

	if (n > cap)
		return ASSAY_FULL;
	if ((e = digest_compute(alg, SPAN(message, 32), &d)) != ASSAY_OK)
		return e;
	if (k->public.type == KEY_ED25519) {
		e = sign_ed25519(k, message, ret);
	} else {
		if (wc_InitRng(&rng) != 0)
			return ASSAY_CRYPTO;
		e = k->public.type == KEY_ECC ? sign_ecc(k, &d, &rng, ret)
					      : sign_rsa(k, &d, &rng, ret);
		wc_FreeRng(&rng);
	}
	if (e == ASSAY_OK)
		*ret_len = n;
	return e;
}

/* ---- making ---- */

static int
make_ecc(WC_RNG *rng, bool p384, uint8_t *ret, size_t cap)
{
	ecc_key key;
	int n = -1;

	if (wc_ecc_init(&key) != 0)
		return -1;
	if (wc_ecc_make_key_ex(rng, p384 ? 48 : 32, &key, p384 ? ECC_SECP384R1 : ECC_SECP256R1) ==
	    0)
		n = wc_EccPrivateKeyToDer(&key, ret, (word32)cap);
	wc_ecc_free(&key);
	return n;
}

static int
make_ed25519(WC_RNG *rng, uint8_t *ret, size_t cap)
{
	ed25519_key key;
	int n = -1;

	if (wc_ed25519_init(&key) != 0)
		return -1;
	if (wc_ed25519_make_key(rng, ED25519_KEY_SIZE, &key) == 0)
		n = wc_Ed25519PrivateKeyToDer(&key, ret, (word32)cap);
	wc_ed25519_free(&key);
	return n;
}

enum assay_err
assay_key_make(enum assay_key_kind kind, uint8_t *ret, size_t cap, size_t *ret_len)
{
	WC_RNG rng;
	int n;

	if ((unsigned)kind >= ASSAY_KEY_COUNT)
		return ASSAY_MALFORMED;
	if (wc_InitRng(&rng) != 0)
		return ASSAY_CRYPTO;
	n = kind == ASSAY_KEY_ED25519 ? make_ed25519(&rng, ret, cap)
				      : make_ecc(&rng, kind == ASSAY_KEY_ECC_P384, ret, cap);
	wc_FreeRng(&rng);
	if (n <= 0)
		return ASSAY_CRYPTO;
	*ret_len = (size_t)n;
	return ASSAY_OK;
}

const char *
assay_key_kind_name(enum assay_key_kind kind)
{
	static const char *const names[ASSAY_KEY_COUNT] = {"ecc-p256", "ecc-p384", "ed25519"};

	return (unsigned)kind < ASSAY_KEY_COUNT ? names[kind] : NULL;
}
