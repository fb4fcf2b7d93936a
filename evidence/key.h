/*
 * key.h: public keys and the verification of signatures with them.
 *
 * With digest.c the only module of evidence/ that calls wolfSSL. Keys are held by
 * value, so that a verified object never depends on the bytes it came from.
 * Nothing here decides which key is right or which scheme is allowed: the caller
 * compares scheme and hash with what was enrolled before it verifies (Q7).
 */
#ifndef EVIDENCE_KEY_H
#define EVIDENCE_KEY_H

#include "digest.h"

#define KEY_RSA_BYTES_MAX 512 /* RSA-4096; wolfSSL of Debian verifies no larger */
#define KEY_ECC_BYTES_MAX 66
#define KEY_SPKI_MAX 600

enum key_type { KEY_NONE = 0, KEY_RSA, KEY_ECC, KEY_ED25519 };

/* TPM_ECC_CURVE */
enum key_curve { CURVE_NONE = 0, CURVE_P256 = 3, CURVE_P384 = 4, CURVE_P521 = 5 };

struct key {
	enum key_type type;
	uint16_t bits;	 /* modulus or curve size */
	uint16_t curve;	 /* enum key_curve; 0 for RSA */
	uint32_t exponent; /* RSA */
	uint16_t n_len;	 /* RSA: modulus bytes, no leading zero */
	uint16_t xy_len; /* ECC: field size in bytes; x and y padded to it. Ed25519: 32, x alone */
	uint8_t n[KEY_RSA_BYTES_MAX];
	uint8_t x[KEY_ECC_BYTES_MAX], y[KEY_ECC_BYTES_MAX];
};

/* TPM_ALG_ID of the scheme */
enum sig_scheme {
	SIG_NONE = 0,
	SIG_RSASSA = 0x0014, /* PKCS #1 v1.5 */
	SIG_RSAPSS = 0x0016,
	SIG_ECDSA = 0x0018,
	SIG_EDDSA = 0x0060, /* Ed25519 (RFC 8032): over the message, not over a digest */
};

/* A signature as a TPMT_SIGNATURE, an X.509 certificate or a raw file gives it. */
struct signature {
	uint16_t scheme; /* enum sig_scheme */
	uint16_t hash;	 /* digest_alg */
	struct span rsa; /* RSASSA, RSAPSS, EDDSA: the signature */
	struct span r, s; /* ECDSA: big-endian integers, leading zeros allowed */
};

/*
 * OK only if sig over digest verifies with key. UNSUPPORTED: scheme and key type
 * do not go together, a curve or RSA size that cannot be verified (over 4096
 * bits), an even RSA number or an exponent under 3, a hash that cannot be
 * computed. MISMATCH: digest->alg is not sig->hash. BAD_SIGNATURE: everything else,
 * also malformed integers. RSAPSS: salt of hash length first, then the longest
 * possible (wolfSSL detects none).
 */
ASSAY_MUST_USE enum assay_err key_verify(const struct key *k, const struct signature *sig,
					 const struct digest *digest);
/* Hash message with sig->hash and verify; EDDSA signs the message itself, and hash is
 * ALG_NONE. */
ASSAY_MUST_USE enum assay_err key_verify_message(const struct key *k,
						 const struct signature *sig,
						 struct span message);

/*
 * SubjectPublicKeyInfo (DER). rsaEncryption, id-RSASSA-PSS, id-RSAES-OAEP (as
 * real EK certificates have it), id-ecPublicKey with a named curve and id-Ed25519.
 * Trailing bytes are refused; the ECC point must be on the curve.
 */
ASSAY_MUST_USE enum assay_err key_from_spki(struct span der, struct key *ret);
/* The other way, for names and digests of keys; needs at most KEY_SPKI_MAX bytes. */
ASSAY_MUST_USE enum assay_err key_to_spki(const struct key *k, uint8_t *ret, size_t cap,
					  size_t *ret_len);
/* ECDSA-Sig-Value (DER SEQUENCE of two INTEGERs) to r and s. */
ASSAY_MUST_USE enum assay_err signature_from_ecdsa_der(struct span der,
						       struct signature *sig);
/* Size of a curve in bits (256, 384, 521), 0 if it is none of enum key_curve. */
uint16_t key_curve_bits(uint16_t curve);
/* Same type, size and numbers. */
bool key_equal(const struct key *a, const struct key *b);
/* The fingerprint of ROCA (CVE-2017-15361): the modulus is a power of 65537 modulo
 * the product of the primes 3 to 167, as only the broken generator makes them. */
bool key_is_roca(const struct key *k);
/* OK if the point is on its curve / the modulus is odd and of full length with an
 * exponent 3 or more; WEAK for RSA under 2048 bits and for the ROCA fingerprint. */
ASSAY_MUST_USE enum assay_err key_check(const struct key *k);

#endif
