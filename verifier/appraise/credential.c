/* credential.c: see credential.h. Clauses are those of TPM 2.0 Part 1. */
#include "credential.h"

#include "evidence/writer.h"

#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define HMAC_BLOCK_MAX 128
#define AES_BLOCK 16
#define AES_KEY_MAX 32
#define FIELD_MAX 48  /* bytes of a P-384 coordinate */
#define SCALAR_TRIES 8 /* a draw is rejected with a chance below 2^-31 */
#define POINT_UNCOMPRESSED 0x04
#define RSA_EXPONENT 65537

/* Labels include their NUL: 11.4.10.2, B.4, 24.3 */
static const char LABEL_IDENTITY[] = "IDENTITY";
static const char LABEL_STORAGE[] = "STORAGE";
static const char LABEL_INTEGRITY[] = "INTEGRITY";

#define LABEL(l) SPAN(l, sizeof(l))
#define EMPTY SPAN(NULL, 0)

/* Everything secret on the way, wiped at once. */
struct work {
	const struct credential_input *in;
	uint16_t hash;	 /* the EK's nameAlg */
	size_t hash_len;
	uint8_t seed[DIGEST_MAX];
	uint8_t scratch[2][KEY_RSA_BYTES_MAX];
};

/* ---- HMAC and key derivation ---------------------------------------------- */

static enum assay_err
pad_key(uint16_t alg, struct span key, uint8_t fill, struct hasher *h)
{
	size_t block = digest_size(alg) > 32 ? HMAC_BLOCK_MAX : HMAC_BLOCK_MAX / 2;
	uint8_t pad[HMAC_BLOCK_MAX];
	enum assay_err e;

	if (key.n > block)
		return ASSAY_TOO_LARGE;
	memset(pad, fill, sizeof pad);
	for (size_t i = 0; i < key.n; i++)
		pad[i] ^= key.p[i];
	if ((e = hash_init(h, alg)) == ASSAY_OK)
		e = hash_update(h, SPAN(pad, block));
	explicit_bzero(pad, sizeof pad);
	return e;
}

/* RFC 2104, over the parts in a row; keys are never longer than a block here. */
static enum assay_err
hmac(uint16_t alg, struct span key, const struct span parts[5], struct digest *ret)
{
	struct digest inner;
	struct hasher h;
	enum assay_err e = pad_key(alg, key, 0x36, &h);

	for (size_t i = 0; i < 5 && e == ASSAY_OK; i++)
		e = hash_update(&h, parts[i]);
	if (e == ASSAY_OK)
		e = hash_final(&h, &inner);
	if (e == ASSAY_OK && (e = pad_key(alg, key, 0x5C, &h)) == ASSAY_OK &&
	    (e = hash_update(&h, digest_span(&inner))) == ASSAY_OK)
		e = hash_final(&h, ret);
	explicit_bzero(&h, sizeof h);
	explicit_bzero(&inner, sizeof inner);
	return e;
}

static void
put_be32(uint8_t ret[4], uint32_t v)
{
	struct writer w;

	wr_init(&w, ret, 4);
	wr_be32(&w, v);
}

/* What KDFa derives a key for, and where it goes. */
struct derivation {
	struct span label, context;
	uint8_t *out;
	size_t n;
};

/* KDFa, 11.4.10.2, of at most one digest: all that is derived here is no longer. */
static enum assay_err
kdfa(const struct work *w, const struct derivation *what)
{
	uint8_t counter[4], bits[4];
	struct digest d;
	enum assay_err e;

	if (what->n > w->hash_len)
		return ASSAY_UNSUPPORTED;
	put_be32(counter, 1);
	put_be32(bits, (uint32_t)what->n * 8);
	e = hmac(w->hash, SPAN(w->seed, w->hash_len),
		 (const struct span[5]){SPAN(counter, 4), what->label, what->context,
					SPAN(bits, 4)},
		 &d);
	if (e == ASSAY_OK)
		memcpy(what->out, d.b, what->n);
	explicit_bzero(&d, sizeof d);
	return e;
}

/*
 * What would be random, from the caller's entropy: blocks of
 * HMAC-SHA-256(entropy, purpose || NUL || be32 counter).
 */
static enum assay_err
expand(const struct credential_input *in, struct span purpose, uint8_t *ret, size_t n)
{
	struct digest d;
	uint8_t counter[4];
	enum assay_err e = ASSAY_OK;

	for (size_t done = 0, i = 1; done < n && e == ASSAY_OK; i++) {
		size_t take = n - done < 32 ? n - done : 32;

		put_be32(counter, (uint32_t)i);
		e = hmac(ALG_SHA256, SPAN(in->entropy, sizeof in->entropy),
			 (const struct span[5]){purpose, SPAN(counter, 4)}, &d);
		if (e == ASSAY_OK)
			memcpy(ret + done, d.b, take);
		done += take;
	}
	explicit_bzero(&d, sizeof d);
	return e;
}

/* ---- RSA: B.4 and B.10.3 -------------------------------------------------- */

/* target ^= MGF1(source): RFC 8017, B.2.1 */
static enum assay_err
mgf1_xor(uint16_t alg, struct span source, uint8_t *target, size_t n)
{
	size_t len = digest_size(alg);
	uint8_t counter[4];
	struct digest d;
	struct hasher h;
	enum assay_err e = ASSAY_OK;

	for (size_t i = 0; i < n && e == ASSAY_OK; i++) {
		if (i % len == 0) {
			put_be32(counter, (uint32_t)(i / len));
			if ((e = hash_init(&h, alg)) != ASSAY_OK ||
			    (e = hash_update(&h, source)) != ASSAY_OK ||
			    (e = hash_update(&h, SPAN(counter, 4))) != ASSAY_OK ||
			    (e = hash_final(&h, &d)) != ASSAY_OK)
				break;
		}
		target[i] ^= d.b[i % len];
	}
	explicit_bzero(&h, sizeof h);
	explicit_bzero(&d, sizeof d);
	return e;
}

/* EME-OAEP of w->seed with label IDENTITY: RFC 8017, 7.1.1 */
static enum assay_err
oaep_encode(struct work *w, uint8_t *em, size_t n)
{
	uint8_t *seed = em + 1, *db = em + 1 + w->hash_len;
	size_t db_len = n - 1 - w->hash_len;
	struct digest label;
	enum assay_err e;

	if (n < 2 * w->hash_len + 2 + w->hash_len)
		return ASSAY_UNSUPPORTED;
	if ((e = digest_compute(w->hash, LABEL(LABEL_IDENTITY), &label)) != ASSAY_OK ||
	    (e = expand(w->in, LABEL("oaep"), seed, w->hash_len)) != ASSAY_OK)
		return e;
	memset(db, 0, db_len);
	memcpy(db, label.b, label.len);
	db[db_len - w->hash_len - 1] = 0x01;
	memcpy(db + db_len - w->hash_len, w->seed, w->hash_len);
	em[0] = 0;
	if ((e = mgf1_xor(w->hash, SPAN(seed, w->hash_len), db, db_len)) != ASSAY_OK)
		return e;
	return mgf1_xor(w->hash, SPAN(db, db_len), seed, w->hash_len);
}

static enum assay_err
rsa_raw(const struct key *k, const uint8_t *in, uint8_t *out)
{
	static const uint8_t exponent[] = {1, 0, 1};
	word32 len = k->n_len;
	RsaKey key;
	enum assay_err e = ASSAY_OK;

	if (wc_InitRsaKey(&key, NULL) != 0)
		return ASSAY_CRYPTO;
	if (wc_RsaPublicKeyDecodeRaw(k->n, k->n_len, exponent, sizeof exponent, &key) != 0 ||
	    wc_RsaFunction(in, k->n_len, out, &len, RSA_PUBLIC_ENCRYPT, &key, NULL) != 0 ||
	    len != k->n_len)
		e = ASSAY_CRYPTO;
	wc_FreeRsaKey(&key);
	return e;
}

static enum assay_err
share_rsa(struct work *w, struct writer *out)
{
	const struct key *k = &w->in->ek->key;
	enum assay_err e;

	if (k->exponent != RSA_EXPONENT || k->bits < 2048 || k->n_len > KEY_RSA_BYTES_MAX)
		return ASSAY_UNSUPPORTED;
	if ((e = expand(w->in, LABEL("seed"), w->seed, w->hash_len)) != ASSAY_OK ||
	    (e = oaep_encode(w, w->scratch[0], k->n_len)) != ASSAY_OK ||
	    (e = rsa_raw(k, w->scratch[0], w->scratch[1])) != ASSAY_OK)
		return e;
	wr_be16_bytes(out, SPAN(w->scratch[1], k->n_len));
	return ASSAY_OK;
}

/* ---- ECC: C.6.3 and C.6.4 ------------------------------------------------- */

static const struct curve {
	uint16_t id;
	int wolf;
	uint8_t order[FIELD_MAX]; /* FIPS 186-4, D.1.2 */
} curves[] = {
	{CURVE_P256, ECC_SECP256R1,
	 {0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
	  0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
	  0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51}},
	{CURVE_P384, ECC_SECP384R1,
	 {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
	  0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
	  0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF, 0x58, 0x1A, 0x0D, 0xB2,
	  0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73}},
};

static const struct curve *
curve_of(uint16_t id)
{
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (curves[i].id == id)
			return &curves[i];
	return NULL;
}

/* 0 < scalar < order, without a branch on either. */
static bool
is_scalar(const uint8_t *scalar, const uint8_t *order, size_t n)
{
	unsigned borrow = 0, any = 0;

	for (size_t i = n; i > 0; i--) {
		borrow = ((unsigned)scalar[i - 1] - order[i - 1] - borrow) >> 8 & 1;
		any |= scalar[i - 1];
	}
	return borrow == 1 && any != 0;
}

/* The ephemeral private key: the first draw in range. */
static enum assay_err
draw_scalar(const struct work *w, const struct curve *c, uint8_t *ret, size_t n)
{
	char purpose[] = "ephemeral 0";
	enum assay_err e;

	for (unsigned i = 0; i < SCALAR_TRIES; i++) {
		purpose[sizeof purpose - 2] = (char)('0' + i);
		if ((e = expand(w->in, LABEL(purpose), ret, n)) != ASSAY_OK)
			return e;
		if (is_scalar(ret, c->order, n))
			return ASSAY_OK;
	}
	return ASSAY_CRYPTO;
}

/* Points as wolfCrypt has them, and the numbers that it multiplies them with. */
struct multiplication {
	ecc_point *point, *result;
	mp_int scalar, a, prime;
};

static bool
multiply_init(struct multiplication *m, const ecc_set_type *dp)
{
	*m = (struct multiplication){0};
	if (mp_init_multi(&m->scalar, &m->a, &m->prime, NULL, NULL, NULL) != MP_OKAY)
		return false;
	m->point = wc_ecc_new_point();
	m->result = wc_ecc_new_point();
	return m->point && m->result && mp_read_radix(&m->a, dp->Af, MP_RADIX_HEX) == MP_OKAY &&
	       mp_read_radix(&m->prime, dp->prime, MP_RADIX_HEX) == MP_OKAY;
}

static void
multiply_free(struct multiplication *m)
{
	if (m->result) {
		mp_forcezero(m->result->x);
		mp_forcezero(m->result->y);
	}
	wc_ecc_del_point(m->point);
	wc_ecc_del_point(m->result);
	mp_forcezero(&m->scalar);
	mp_clear(&m->a);
	mp_clear(&m->prime);
}

/* m->result = scalar times m->point, as affine coordinates of n bytes each. */
static bool
multiply(struct multiplication *m, struct span scalar, uint8_t *x, uint8_t *y)
{
	size_t n = scalar.n;

	return mp_read_unsigned_bin(&m->scalar, scalar.p, (word32)n) == MP_OKAY &&
	       wc_ecc_mulmod(&m->scalar, m->point, m->result, &m->a, &m->prime, 1) == MP_OKAY &&
	       mp_to_unsigned_bin_len(m->result->x, x, (int)n) == MP_OKAY &&
	       mp_to_unsigned_bin_len(m->result->y, y, (int)n) == MP_OKAY;
}

static bool
set_point(ecc_point *p, struct span x, struct span y)
{
	return mp_read_unsigned_bin(p->x, x.p, (word32)x.n) == MP_OKAY &&
	       mp_read_unsigned_bin(p->y, y.p, (word32)y.n) == MP_OKAY &&
	       mp_set(p->z, 1) == MP_OKAY;
}

static bool
set_generator(ecc_point *p, const ecc_set_type *dp)
{
	return mp_read_radix(p->x, dp->Gx, MP_RADIX_HEX) == MP_OKAY &&
	       mp_read_radix(p->y, dp->Gy, MP_RADIX_HEX) == MP_OKAY && mp_set(p->z, 1) == MP_OKAY;
}

/* Ephemeral public point and shared x coordinate. */
struct agreement {
	uint8_t scalar[FIELD_MAX];
	uint8_t x[FIELD_MAX], y[FIELD_MAX];
	uint8_t z[FIELD_MAX], unused[FIELD_MAX];
};

static enum assay_err
agree(const struct key *ek, const struct curve *c, struct agreement *a)
{
	const ecc_set_type *dp = wc_ecc_get_curve_params(wc_ecc_get_curve_idx(c->wolf));
	struct span scalar = SPAN(a->scalar, ek->xy_len);
	struct multiplication m;
	bool ok;

	if (!dp)
		return ASSAY_UNSUPPORTED;
	ok = multiply_init(&m, dp) && set_generator(m.point, dp) &&
	     multiply(&m, scalar, a->x, a->y) &&
	     set_point(m.point, SPAN(ek->x, ek->xy_len), SPAN(ek->y, ek->xy_len)) &&
	     multiply(&m, scalar, a->z, a->unused);
	multiply_free(&m);
	return ok ? ASSAY_OK : ASSAY_CRYPTO;
}

/* KDFe, 11.4.10.3: one block, for the seed is as long as the hash. */
static enum assay_err
kdfe(struct work *w, const struct agreement *a, size_t n)
{
	const struct key *ek = &w->in->ek->key;
	uint8_t counter[4];
	struct digest d;
	struct hasher h;
	enum assay_err e;

	put_be32(counter, 1);
	if ((e = hash_init(&h, w->hash)) == ASSAY_OK &&
	    (e = hash_update(&h, SPAN(counter, 4))) == ASSAY_OK &&
	    (e = hash_update(&h, SPAN(a->z, n))) == ASSAY_OK &&
	    (e = hash_update(&h, LABEL(LABEL_IDENTITY))) == ASSAY_OK &&
	    (e = hash_update(&h, SPAN(a->x, n))) == ASSAY_OK &&
	    (e = hash_update(&h, SPAN(ek->x, n))) == ASSAY_OK &&
	    (e = hash_final(&h, &d)) == ASSAY_OK)
		memcpy(w->seed, d.b, d.len);
	explicit_bzero(&h, sizeof h);
	explicit_bzero(&d, sizeof d);
	return e;
}

static enum assay_err
share_ecc(struct work *w, struct writer *out)
{
	const struct key *k = &w->in->ek->key;
	const struct curve *c = curve_of(k->curve);
	struct agreement a = {0};
	enum assay_err e;

	if (!c || k->xy_len > FIELD_MAX)
		return ASSAY_UNSUPPORTED;
	if (key_check(k) != ASSAY_OK) /* or the secret could be had by a small subgroup */
		return ASSAY_MALFORMED;
	if ((e = draw_scalar(w, c, a.scalar, k->xy_len)) == ASSAY_OK &&
	    (e = agree(k, c, &a)) == ASSAY_OK && (e = kdfe(w, &a, k->xy_len)) == ASSAY_OK) {
		wr_be16(out, (uint16_t)(2 * (2 + k->xy_len)));
		wr_be16_bytes(out, SPAN(a.x, k->xy_len));
		wr_be16_bytes(out, SPAN(a.y, k->xy_len));
	}
	explicit_bzero(&a, sizeof a);
	return e;
}

/* ---- the credential blob: 24.3 to 24.5 ------------------------------------ */

static enum assay_err
aes_cfb(struct span key, struct span in, uint8_t *out)
{
	static const uint8_t iv[AES_BLOCK];
	enum assay_err e = ASSAY_OK;
	Aes aes;

	if (wc_AesInit(&aes, NULL, INVALID_DEVID) != 0)
		return ASSAY_CRYPTO;
	if (wc_AesSetKey(&aes, key.p, (word32)key.n, iv, AES_ENCRYPTION) != 0 ||
	    wc_AesCfbEncrypt(&aes, out, in.p, (word32)in.n) != 0)
		e = ASSAY_CRYPTO;
	wc_AesFree(&aes);
	explicit_bzero(&aes, sizeof aes);
	return e;
}

static enum assay_err
seal(struct work *w, struct writer *out)
{
	const struct tpm_name *name = w->in->ak_name;
	struct span name_bytes = SPAN(name->b, name->len);
	uint8_t clear[2 + CREDENTIAL_SECRET_SIZE], sealed[sizeof clear];
	uint8_t key[AES_KEY_MAX], mac_key[DIGEST_MAX];
	const struct derivation storage = {LABEL(LABEL_STORAGE), name_bytes, key,
					   w->in->ek->sym_bits / 8u};
	const struct derivation integrity = {LABEL(LABEL_INTEGRITY), EMPTY, mac_key, w->hash_len};
	struct digest mac;
	struct writer c;
	enum assay_err e;

	wr_init(&c, clear, sizeof clear);
	wr_be16_bytes(&c, SPAN(w->in->secret, CREDENTIAL_SECRET_SIZE));
	if ((e = kdfa(w, &storage)) == ASSAY_OK &&
	    (e = aes_cfb(SPAN(key, storage.n), SPAN(clear, sizeof clear), sealed)) == ASSAY_OK &&
	    (e = kdfa(w, &integrity)) == ASSAY_OK)
		e = hmac(w->hash, SPAN(mac_key, w->hash_len),
			 (const struct span[5]){SPAN(sealed, sizeof sealed), name_bytes}, &mac);
	if (e == ASSAY_OK) {
		wr_be16(out, (uint16_t)(2 + mac.len + sizeof sealed));
		wr_be16_bytes(out, digest_span(&mac));
		wr_bytes(out, SPAN(sealed, sizeof sealed));
	}
	explicit_bzero(clear, sizeof clear);
	explicit_bzero(key, sizeof key);
	explicit_bzero(mac_key, sizeof mac_key);
	return e;
}

/* ---- all of it ------------------------------------------------------------ */

static enum assay_err
check_input(const struct credential_input *in)
{
	const struct tpm_public *ek = in->ek;

	if (in->ak_name->len == 0 || in->ak_name->len > sizeof in->ak_name->b)
		return ASSAY_MALFORMED;
	if (ek->name_alg != ALG_SHA256 && ek->name_alg != ALG_SHA384 && ek->name_alg != ALG_SHA512)
		return ASSAY_UNSUPPORTED;
	if (!(ek->attributes & TPMA_RESTRICTED) || !(ek->attributes & TPMA_DECRYPT) ||
	    ek->sym_alg != TPM_ALG_AES || ek->sym_mode != TPM_ALG_CFB ||
	    (ek->sym_bits != 128 && ek->sym_bits != 256))
		return ASSAY_UNSUPPORTED;
	return ASSAY_OK;
}

static enum assay_err
share(struct work *w, struct writer *out)
{
	switch (w->in->ek->key.type) {
	case KEY_RSA:
		return share_rsa(w, out);
	case KEY_ECC:
		return share_ecc(w, out);
	case KEY_ED25519:
	case KEY_NONE:
		break;
	}
	return ASSAY_UNSUPPORTED;
}

enum assay_err
credential_make(const struct credential_input *in, struct credential *ret)
{
	struct work w = {.in = in, .hash = in->ek->name_alg};
	struct credential c = {0};
	struct writer blob, secret;
	size_t blob_len, secret_len;
	enum assay_err e;

	w.hash_len = digest_size(w.hash);
	wr_init(&blob, c.blob, sizeof c.blob);
	wr_init(&secret, c.encrypted_secret, sizeof c.encrypted_secret);
	if ((e = check_input(in)) == ASSAY_OK && (e = share(&w, &secret)) == ASSAY_OK &&
	    (e = seal(&w, &blob)) == ASSAY_OK && (e = wr_finish(&blob, &blob_len)) == ASSAY_OK &&
	    (e = wr_finish(&secret, &secret_len)) == ASSAY_OK) {
		c.blob_len = (uint16_t)blob_len;
		c.encrypted_secret_len = (uint16_t)secret_len;
		*ret = c;
	}
	explicit_bzero(&w, sizeof w);
	return e;
}
