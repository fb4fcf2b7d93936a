/* softkey.c: see softkey.h. */
#include "softkey.h"

#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "softkey: %s failed\n", what);
	abort();
}

static WC_RNG *
rng(void)
{
	static WC_RNG r;
	static bool made;

	if (!made)
		must(wc_InitRng(&r) == 0, "random numbers");
	made = true;
	return &r;
}

static void
make_ecc(struct softkey *k, struct key *pub)
{
	bool p384 = k->kind == SOFTKEY_P384;
	word32 nx = KEY_ECC_BYTES_MAX, ny = KEY_ECC_BYTES_MAX;
	ecc_key *e = calloc(1, sizeof *e);

	k->wolf = e;
	must(e && wc_ecc_init(e) == 0, "ecc");
	must(wc_ecc_make_key_ex(rng(), p384 ? 48 : 32, e, p384 ? ECC_SECP384R1 : ECC_SECP256R1) ==
		     0,
	     "ecc key");
	must(wc_ecc_export_public_raw(e, pub->x, &nx, pub->y, &ny) == 0, "ecc export");
	pub->type = KEY_ECC;
	pub->curve = p384 ? CURVE_P384 : CURVE_P256;
	pub->bits = p384 ? 384 : 256;
	pub->xy_len = p384 ? 48 : 32;
	must(nx == pub->xy_len && ny == pub->xy_len, "ecc size");
}

static void
make_ed25519(struct softkey *k, struct key *pub)
{
	ed25519_key *e = calloc(1, sizeof *e);
	word32 n = 32;

	k->wolf = e;
	must(e && wc_ed25519_init(e) == 0 && wc_ed25519_make_key(rng(), 32, e) == 0, "ed25519 key");
	must(wc_ed25519_export_public(e, pub->x, &n) == 0 && n == 32, "ed25519 export");
	pub->type = KEY_ED25519;
	pub->bits = 256;
	pub->xy_len = 32;
}

static void
make_rsa(struct softkey *k, struct key *pub)
{
	RsaKey *r = calloc(1, sizeof *r);
	uint8_t e[8];
	word32 ne = sizeof e, nn = sizeof pub->n;

	k->wolf = r;
	must(r && wc_InitRsaKey(r, NULL) == 0 && wc_MakeRsaKey(r, 2048, 65537, rng()) == 0,
	     "rsa key");
	must(wc_RsaFlattenPublicKey(r, e, &ne, pub->n, &nn) == 0 && nn == 256, "rsa export");
	pub->type = KEY_RSA;
	pub->bits = 2048;
	pub->exponent = 65537;
	pub->n_len = 256;
}

void
softkey_init(struct softkey *k, enum softkey_kind kind)
{
	struct key pub = {.type = KEY_NONE};

	memset(k, 0, sizeof *k);
	k->kind = kind;
	if (kind == SOFTKEY_ED25519)
		make_ed25519(k, &pub);
	else if (kind == SOFTKEY_RSA2048)
		make_rsa(k, &pub);
	else
		make_ecc(k, &pub);
	must(key_to_spki(&pub, k->spki, sizeof k->spki, &k->spki_len) == ASSAY_OK, "spki");
	must(devicekey_name(softkey_spki(k), &k->name) == ASSAY_OK, "name");
}

void
softkey_free(struct softkey *k)
{
	if (!k->wolf)
		return;
	if (k->kind == SOFTKEY_ED25519)
		wc_ed25519_free(k->wolf);
	else if (k->kind == SOFTKEY_RSA2048)
		wc_FreeRsaKey(k->wolf);
	else
		wc_ecc_free(k->wolf);
	free(k->wolf);
	memset(k, 0, sizeof *k);
}

struct span
softkey_spki(const struct softkey *k)
{
	return SPAN(k->spki, k->spki_len);
}

static size_t
sign_ecc(struct softkey *k, struct span message, uint8_t *ret, bool der)
{
	uint16_t alg = k->kind == SOFTKEY_P384 ? ALG_SHA384 : ALG_SHA256;
	int size = k->kind == SOFTKEY_P384 ? 48 : 32;
	uint8_t sig[160];
	word32 n = sizeof sig;
	struct digest d;
	mp_int r, s;

	must(digest_compute(alg, message, &d) == ASSAY_OK, "digest");
	if (der) {
		must(wc_ecc_sign_hash(d.b, d.len, sig, &n, rng(), k->wolf) == 0, "ecdsa");
		memcpy(ret, sig, n);
		return n;
	}
	must(mp_init_multi(&r, &s, NULL, NULL, NULL, NULL) == MP_OKAY, "numbers");
	must(wc_ecc_sign_hash_ex(d.b, d.len, rng(), k->wolf, &r, &s) == 0, "ecdsa");
	must(mp_to_unsigned_bin_len(&r, ret, size) == MP_OKAY &&
		     mp_to_unsigned_bin_len(&s, ret + size, size) == MP_OKAY,
	     "numbers");
	mp_clear(&r);
	mp_clear(&s);
	return 2 * (size_t)size;
}

static size_t
sign_rsa(struct softkey *k, struct span message, uint8_t *ret)
{
	uint8_t encoded[128];
	struct digest d;
	word32 n;
	int got;

	must(digest_compute(ALG_SHA256, message, &d) == ASSAY_OK, "digest");
	n = wc_EncodeSignature(encoded, d.b, d.len, wc_HashGetOID(WC_HASH_TYPE_SHA256));
	got = wc_RsaSSL_Sign(encoded, n, ret, 512, k->wolf, rng());
	must(got > 0, "rsa");
	return (size_t)got;
}

static size_t
sign(struct softkey *k, struct span message, uint8_t *ret, bool der)
{
	word32 n = 64;

	if (k->kind == SOFTKEY_RSA2048)
		return sign_rsa(k, message, ret);
	if (k->kind != SOFTKEY_ED25519)
		return sign_ecc(k, message, ret, der);
	must(wc_ed25519_sign_msg(message.p, (word32)message.n, ret, &n, k->wolf) == 0, "ed25519");
	return n;
}

size_t
softkey_sign(struct softkey *k, struct span message, uint8_t *ret)
{
	return sign(k, message, ret, false);
}

size_t
softkey_sign_x509(struct softkey *k, struct span message, uint8_t *ret)
{
	return sign(k, message, ret, true);
}

size_t
softkey_private(struct softkey *k, uint8_t *ret, size_t cap)
{
	int n;

	if (k->kind == SOFTKEY_ED25519)
		n = wc_Ed25519PrivateKeyToDer(k->wolf, ret, (word32)cap);
	else if (k->kind == SOFTKEY_RSA2048)
		n = wc_RsaKeyToDer(k->wolf, ret, (word32)cap);
	else
		n = wc_EccPrivateKeyToDer(k->wolf, ret, (word32)cap);
	must(n > 0, "private key");
	return (size_t)n;
}
