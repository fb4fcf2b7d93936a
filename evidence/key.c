/* key.c: see key.h. wolfCrypt's RSA and ECC behind plain structs. */
#include "key.h"

#include "der.h"
#include "key_eddsa.h"
#include "writer.h"

#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define RSA_EXPONENT_MIN 3
#define RSA_STRONG_BITS 2048
#define POINT_UNCOMPRESSED 0x04

/* RFC 8017, RFC 5480 */
#define OID_RSA "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"
#define OID_RSAES_OAEP "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x07"
#define OID_RSASSA_PSS "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"
#define OID_ED25519 "\x2B\x65\x70" /* RFC 8410 */
#define OID_EC "\x2A\x86\x48\xCE\x3D\x02\x01"
#define OID_P256 "\x2A\x86\x48\xCE\x3D\x03\x01\x07"
#define OID_P384 "\x2B\x81\x04\x00\x22"
#define OID_P521 "\x2B\x81\x04\x00\x23"

static const struct curve {
	uint16_t id;
	uint16_t bits;
	int wolf;
	struct span oid;
} curves[] = {
	{CURVE_P256, 256, ECC_SECP256R1, {(const uint8_t *)OID_P256, sizeof OID_P256 - 1}},
	{CURVE_P384, 384, ECC_SECP384R1, {(const uint8_t *)OID_P384, sizeof OID_P384 - 1}},
	{CURVE_P521, 521, ECC_SECP521R1, {(const uint8_t *)OID_P521, sizeof OID_P521 - 1}},
};

static const struct sig_hash {
	uint16_t alg;
	enum wc_HashType wolf;
	int mgf;
} sig_hashes[] = {
	{ALG_SHA1, WC_HASH_TYPE_SHA, WC_MGF1SHA1},
	{ALG_SHA256, WC_HASH_TYPE_SHA256, WC_MGF1SHA256},
	{ALG_SHA384, WC_HASH_TYPE_SHA384, WC_MGF1SHA384},
	{ALG_SHA512, WC_HASH_TYPE_SHA512, WC_MGF1SHA512},
};

static const struct curve *
curve_find(uint16_t id)
{
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (curves[i].id == id)
			return &curves[i];
	return NULL;
}

static const struct sig_hash *
hash_find(uint16_t alg)
{
	for (size_t i = 0; i < sizeof sig_hashes / sizeof sig_hashes[0]; i++)
		if (sig_hashes[i].alg == alg)
			return &sig_hashes[i];
	return NULL;
}

uint16_t
key_curve_bits(uint16_t curve)
{
	const struct curve *c = curve_find(curve);

	return c ? c->bits : 0;
}

/* ---- ECC ---- */

/*
 * wolfCrypt's import takes any coordinates. wc_ecc_check_key() would also multiply by
 * the order, at the price of a verification; with cofactor 1 the equation is enough.
 */
static bool
is_on_curve(ecc_key *k)
{
	mp_int a, b, prime;
	bool on;

	if (mp_init_multi(&a, &b, &prime, NULL, NULL, NULL) != MP_OKAY)
		return false;
	on = mp_read_radix(&a, k->dp->Af, MP_RADIX_HEX) == MP_OKAY &&
	     mp_read_radix(&b, k->dp->Bf, MP_RADIX_HEX) == MP_OKAY &&
	     mp_read_radix(&prime, k->dp->prime, MP_RADIX_HEX) == MP_OKAY &&
	     wc_ecc_is_point(&k->pubkey, &a, &b, &prime) == MP_OKAY;
	mp_clear(&a);
	mp_clear(&b);
	mp_clear(&prime);
	return on;
}

static enum assay_err
ecc_import(const struct key *k, ecc_key *ret)
{
	const struct curve *c = curve_find(k->curve);

	if (!c || k->xy_len != (c->bits + 7) / 8)
		return ASSAY_UNSUPPORTED;
	if (wc_ecc_import_unsigned(ret, k->x, k->y, NULL, c->wolf) != 0)
		return ASSAY_MALFORMED;
	return is_on_curve(ret) ? ASSAY_OK : ASSAY_MALFORMED;
}

static enum assay_err
ecc_check(const struct key *k)
{
	ecc_key key;
	enum assay_err e;

	if (wc_ecc_init(&key) != 0)
		return ASSAY_CRYPTO;
	e = ecc_import(k, &key);
	wc_ecc_free(&key);
	return e;
}

static bool
ecc_holds(ecc_key *k, const struct signature *sig, const struct digest *d)
{
	mp_int r, s;
	int ok = 0;
	bool holds;

	if (mp_init_multi(&r, &s, NULL, NULL, NULL, NULL) != MP_OKAY)
		return false;
	holds = mp_read_unsigned_bin(&r, sig->r.p, (word32)sig->r.n) == MP_OKAY &&
		mp_read_unsigned_bin(&s, sig->s.p, (word32)sig->s.n) == MP_OKAY &&
		wc_ecc_verify_hash_ex(&r, &s, d->b, d->len, &ok, k) == 0 && ok == 1;
	mp_clear(&r);
	mp_clear(&s);
	return holds;
}

static enum assay_err
ecc_verify(const struct key *k, const struct signature *sig, const struct digest *d)
{
	ecc_key key;
	enum assay_err e;

	if (sig->scheme != SIG_ECDSA)
		return ASSAY_UNSUPPORTED;
	if (sig->r.n == 0 || sig->r.n > KEY_ECC_BYTES_MAX || sig->s.n == 0 ||
	    sig->s.n > KEY_ECC_BYTES_MAX)
		return ASSAY_BAD_SIGNATURE;
	if (wc_ecc_init(&key) != 0)
		return ASSAY_CRYPTO;
	e = ecc_import(k, &key);
	if (e == ASSAY_MALFORMED || (e == ASSAY_OK && !ecc_holds(&key, sig, d)))
		e = ASSAY_BAD_SIGNATURE;
	wc_ecc_free(&key);
	return e;
}

/* ---- RSA ---- */

/* RFC 8017, 8.2.2: compare with the encoding that we make, never parse theirs */
static bool
rsassa_holds(RsaKey *key, uint8_t *sig, word32 n, const struct digest *d)
{
	uint8_t expected[128], found[KEY_RSA_BYTES_MAX];
	word32 len = wc_EncodeSignature(expected, d->b, d->len,
					wc_HashGetOID(hash_find(d->alg)->wolf));
	int got = wc_RsaSSL_Verify(sig, n, found, sizeof found, key);

	return len > 0 && got > 0 && span_equal(SPAN(found, (size_t)got), SPAN(expected, len));
}

static bool
pss_holds_with_salt(RsaKey *key, const struct span *sig, const struct digest *d, int salt)
{
	const struct sig_hash *h = hash_find(d->alg);
	uint8_t in[KEY_RSA_BYTES_MAX], out[KEY_RSA_BYTES_MAX];
	int got;

	memcpy(in, sig->p, sig->n);
	got = wc_RsaPSS_Verify_ex(in, (word32)sig->n, out, sizeof out, h->wolf, h->mgf, salt, key);
	return got > 0 && wc_RsaPSS_CheckPadding_ex(d->b, d->len, out, (word32)got, h->wolf, salt,
						    wc_RsaEncryptSize(key) * 8) == 0;
}

/* TPM 2.0 Part 1, B.7: the salt is of the hash's size, or as long as fits */
static bool
rsapss_holds(const struct key *k, RsaKey *key, const struct span *sig, const struct digest *d)
{
	int encoded = (k->bits - 1 + 7) / 8; /* RFC 8017, 9.1.1: emLen */
	int longest = encoded - d->len - 2;

	if (longest < d->len)
		return false;
	return pss_holds_with_salt(key, sig, d, d->len) ||
	       pss_holds_with_salt(key, sig, d, longest);
}

static bool
rsa_is_usable(const struct key *k)
{
	return k->n_len > 0 && k->n_len <= KEY_RSA_BYTES_MAX && (k->n[k->n_len - 1] & 1) != 0 &&
	       k->exponent >= RSA_EXPONENT_MIN && (k->exponent & 1) != 0;
}

static enum assay_err
rsa_import(const struct key *k, RsaKey *ret)
{
	const uint8_t e[4] = {(uint8_t)(k->exponent >> 24), (uint8_t)(k->exponent >> 16),
			      (uint8_t)(k->exponent >> 8), (uint8_t)k->exponent};

	if (wc_RsaPublicKeyDecodeRaw(k->n, k->n_len, e, sizeof e, ret) != 0)
		return ASSAY_UNSUPPORTED;
	return ASSAY_OK;
}

static enum assay_err
rsa_verify(const struct key *k, const struct signature *sig, const struct digest *d)
{
	uint8_t copy[KEY_RSA_BYTES_MAX];
	RsaKey key;
	enum assay_err e;
	bool holds = false;

	if ((sig->scheme != SIG_RSASSA && sig->scheme != SIG_RSAPSS) || !rsa_is_usable(k))
		return ASSAY_UNSUPPORTED;
	if (sig->rsa.n != k->n_len)
		return ASSAY_BAD_SIGNATURE;
	if (wc_InitRsaKey(&key, NULL) != 0)
		return ASSAY_CRYPTO;
	e = rsa_import(k, &key);
	if (e == ASSAY_OK && sig->scheme == SIG_RSASSA) {
		memcpy(copy, sig->rsa.p, sig->rsa.n);
		holds = rsassa_holds(&key, copy, (word32)sig->rsa.n, d);
	}
	if (e == ASSAY_OK && sig->scheme == SIG_RSAPSS)
		holds = rsapss_holds(k, &key, &sig->rsa, d);
	wc_FreeRsaKey(&key);
	if (e == ASSAY_OK && !holds)
		e = ASSAY_BAD_SIGNATURE;
	return e;
}

enum assay_err
key_verify(const struct key *k, const struct signature *sig, const struct digest *digest)
{
	if (digest->alg != sig->hash)
		return ASSAY_MISMATCH;
	if (!hash_find(sig->hash))
		return ASSAY_UNSUPPORTED;
	if (digest->len != digest_size(digest->alg))
		return ASSAY_BAD_SIGNATURE;
	switch (k->type) {
	case KEY_RSA:
		return rsa_verify(k, sig, digest);
	case KEY_ECC:
		return ecc_verify(k, sig, digest);
	case KEY_ED25519: /* signs no digest */
	case KEY_NONE:
		break;
	}
	return ASSAY_UNSUPPORTED;
}

enum assay_err
key_verify_message(const struct key *k, const struct signature *sig, struct span message)
{
	struct digest d;
	enum assay_err e;

	if (k->type == KEY_ED25519 || sig->scheme == SIG_EDDSA)
		return eddsa_verify(k, sig, message);
	if ((e = digest_compute(sig->hash, message, &d)) != ASSAY_OK)
		return e;
	return key_verify(k, sig, &d);
}

/* ---- SubjectPublicKeyInfo: RFC 5280, 4.1.2.7 ---- */

static unsigned
bit_length(struct span n)
{
	unsigned bits = (unsigned)n.n * 8;

	for (uint8_t top = n.n ? n.p[0] : 0; bits > 0 && (top & 0x80) == 0;
	     top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

/* RSAPublicKey: RFC 8017, A.1.1 */
static enum assay_err
read_rsa(struct span bits, struct key *k)
{
	struct reader in, r;
	struct span n, e;
	enum assay_err err;

	rd_init(&in, bits);
	r = der_enter(&in, DER_SEQUENCE);
	n = der_unsigned(&r);
	e = der_unsigned(&r);
	if ((err = rd_finish(&r)) != ASSAY_OK || (err = rd_finish(&in)) != ASSAY_OK)
		return err;
	if (n.n > KEY_RSA_BYTES_MAX || e.n > sizeof k->exponent)
		return ASSAY_UNSUPPORTED;
	k->type = KEY_RSA;
	k->bits = (uint16_t)bit_length(n);
	k->n_len = (uint16_t)n.n;
	memcpy(k->n, n.p, n.n);
	for (size_t i = 0; i < e.n; i++)
		k->exponent = k->exponent << 8 | e.p[i];
	return ASSAY_OK;
}

/* ECPoint: RFC 5480, 2.2; only the uncompressed form */
static enum assay_err
read_ecc(struct span oid, struct span point, struct key *k)
{
	struct reader r;
	struct span x, y;
	enum assay_err e;

	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (span_equal(oid, curves[i].oid))
			k->curve = curves[i].id;
	k->bits = key_curve_bits(k->curve);
	if (k->bits == 0)
		return ASSAY_UNSUPPORTED;
	k->type = KEY_ECC;
	k->xy_len = (uint16_t)((k->bits + 7) / 8);
	rd_init(&r, point);
	if (rd_u8(&r) != POINT_UNCOMPRESSED)
		return ASSAY_UNSUPPORTED;
	x = rd_bytes(&r, k->xy_len);
	y = rd_bytes(&r, k->xy_len);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	memcpy(k->x, x.p, x.n);
	memcpy(k->y, y.p, y.n);
	return ecc_check(k);
}

static bool
oid_is_rsa(struct span oid)
{
	return DER_OID_IS(oid, OID_RSA) || DER_OID_IS(oid, OID_RSAES_OAEP) ||
	       DER_OID_IS(oid, OID_RSASSA_PSS);
}

enum assay_err
key_from_spki(struct span der, struct key *ret)
{
	struct reader in, spki, alg;
	struct span oid, params = {NULL, 0}, bits;
	struct key k = {0};
	enum assay_err e;
	uint8_t tag = 0;

	rd_init(&in, der);
	spki = der_enter(&in, DER_SEQUENCE);
	alg = der_enter(&spki, DER_SEQUENCE);
	oid = der_get(&alg, DER_OID);
	if (rd_left(&alg) > 0)
		params = der_any(&alg, &tag, NULL);
	bits = der_bits(&spki);
	if ((e = rd_finish(&alg)) != ASSAY_OK || (e = rd_finish(&spki)) != ASSAY_OK ||
	    (e = rd_finish(&in)) != ASSAY_OK)
		return e;
	if (oid_is_rsa(oid))
		e = read_rsa(bits, &k);
	else if (DER_OID_IS(oid, OID_EC) && tag == DER_OID)
		e = read_ecc(params, bits, &k);
	else if (DER_OID_IS(oid, OID_ED25519) && tag == 0)
		e = eddsa_read(bits, &k);
	else
		e = ASSAY_UNSUPPORTED;
	if (e == ASSAY_OK)
		*ret = k;
	return e;
}

static void
write_header(struct writer *w, uint8_t tag, size_t n)
{
	wr_u8(w, tag);
	if (n >= 0x100) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
		return;
	}
	if (n >= 0x80)
		wr_u8(w, 0x81);
	wr_u8(w, (uint8_t)n);
}

static void
write_element(struct writer *w, uint8_t tag, struct span content)
{
	write_header(w, tag, content.n);
	wr_bytes(w, content);
}

/* INTEGER, not negative, from bytes without leading zeros. */
static void
write_unsigned(struct writer *w, struct span n)
{
	bool pad = n.n == 0 || (n.p[0] & 0x80) != 0;

	write_header(w, DER_INTEGER, n.n + pad);
	if (pad)
		wr_u8(w, 0);
	wr_bytes(w, n);
}

static void
write_rsa(struct writer *w, const struct key *k)
{
	uint8_t inner[KEY_RSA_BYTES_MAX + 16], e[4];
	struct writer numbers, exponent;
	struct reader r;

	wr_init(&exponent, e, sizeof e);
	wr_be32(&exponent, k->exponent);
	rd_init(&r, wr_span(&exponent));
	while (rd_left(&r) > 1 && der_peek(&r) == 0)
		(void)rd_u8(&r);
	wr_init(&numbers, inner, sizeof inner);
	write_unsigned(&numbers, SPAN(k->n, k->n_len));
	write_unsigned(&numbers, rd_rest(&r));
	wr_fail(w, numbers.err);
	write_element(w, DER_SEQUENCE, wr_span(&numbers));
}

static void
write_key_bits(struct writer *w, const struct key *k)
{
	wr_u8(w, 0); /* unused bits */
	if (k->type == KEY_RSA) {
		write_rsa(w, k);
		return;
	}
	if (k->type == KEY_ED25519) {
		wr_bytes(w, SPAN(k->x, k->xy_len));
		return;
	}
	wr_u8(w, POINT_UNCOMPRESSED);
	wr_bytes(w, SPAN(k->x, k->xy_len));
	wr_bytes(w, SPAN(k->y, k->xy_len));
}

static void
write_algorithm(struct writer *w, const struct key *k)
{
	const struct curve *c = curve_find(k->curve);

	if (k->type == KEY_RSA) {
		write_element(w, DER_OID, SPAN(OID_RSA, sizeof OID_RSA - 1));
		write_header(w, DER_NULL, 0);
		return;
	}
	if (k->type == KEY_ED25519) {
		write_element(w, DER_OID, SPAN(OID_ED25519, sizeof OID_ED25519 - 1));
		return;
	}
	if (!c) {
		wr_fail(w, ASSAY_UNSUPPORTED);
		return;
	}
	write_element(w, DER_OID, SPAN(OID_EC, sizeof OID_EC - 1));
	write_element(w, DER_OID, c->oid);
}

enum assay_err
key_to_spki(const struct key *k, uint8_t *ret, size_t cap, size_t *ret_len)
{
	uint8_t alg_buf[32], bits_buf[KEY_RSA_BYTES_MAX + 32], body_buf[KEY_SPKI_MAX];
	struct writer alg, bits, body, out;

	if (k->type == KEY_NONE)
		return ASSAY_UNSUPPORTED;
	wr_init(&alg, alg_buf, sizeof alg_buf);
	write_algorithm(&alg, k);
	wr_init(&bits, bits_buf, sizeof bits_buf);
	write_key_bits(&bits, k);
	wr_init(&body, body_buf, sizeof body_buf);
	write_element(&body, DER_SEQUENCE, wr_span(&alg));
	write_element(&body, DER_BIT_STRING, wr_span(&bits));
	wr_init(&out, ret, cap);
	wr_fail(&out, alg.err);
	wr_fail(&out, bits.err);
	wr_fail(&out, body.err);
	write_element(&out, DER_SEQUENCE, wr_span(&body));
	return wr_finish(&out, ret_len);
}

enum assay_err
signature_from_ecdsa_der(struct span der, struct signature *sig)
{
	struct reader in, r;
	struct span n[2];
	enum assay_err e;

	rd_init(&in, der);
	r = der_enter(&in, DER_SEQUENCE);
	n[0] = der_unsigned(&r);
	n[1] = der_unsigned(&r);
	if ((e = rd_finish(&r)) != ASSAY_OK || (e = rd_finish(&in)) != ASSAY_OK)
		return e;
	sig->r = n[0];
	sig->s = n[1];
	return ASSAY_OK;
}

/* ---- checks ---- */

bool
key_equal(const struct key *a, const struct key *b)
{
	if (a->type != b->type || a->bits != b->bits || a->type == KEY_NONE)
		return false;
	if (a->type == KEY_RSA)
		return a->exponent == b->exponent &&
		       span_equal(SPAN(a->n, a->n_len), SPAN(b->n, b->n_len));
	return a->curve == b->curve && span_equal(SPAN(a->x, a->xy_len), SPAN(b->x, b->xy_len)) &&
	       span_equal(SPAN(a->y, a->xy_len), SPAN(b->y, b->xy_len));
}

static enum assay_err
rsa_check(const struct key *k)
{
	if (!rsa_is_usable(k) || bit_length(SPAN(k->n, k->n_len)) != k->bits)
		return ASSAY_MALFORMED;
	if (k->bits < RSA_STRONG_BITS || key_is_roca(k))
		return ASSAY_WEAK;
	return ASSAY_OK;
}

enum assay_err
key_check(const struct key *k)
{
	switch (k->type) {
	case KEY_RSA:
		return rsa_check(k);
	case KEY_ECC:
		return ecc_check(k);
	case KEY_ED25519:
		return eddsa_check(k);
	case KEY_NONE:
		break;
	}
	return ASSAY_UNSUPPORTED;
}
