/*
 * softkey.h: private keys of every kind that a device without TPM may have, for tests.
 *
 * Made by wolfSSL from its own randomness; signatures in the wire's form
 * (evidence/devicekey.h) or as a certificate carries them. Aborts on failure.
 */
#ifndef TESTS_SUPPORT_SOFTKEY_H
#define TESTS_SUPPORT_SOFTKEY_H

#include "evidence/devicekey.h"

enum softkey_kind {
	SOFTKEY_P256 = 0,
	SOFTKEY_P384,
	SOFTKEY_ED25519,
	SOFTKEY_RSA2048,
	SOFTKEY_KINDS
};

struct softkey {
	enum softkey_kind kind;
	void *wolf; /* ecc_key, ed25519_key or RsaKey */
	size_t spki_len;
	uint8_t spki[KEY_SPKI_MAX];
	struct tpm_name name;
};

void softkey_init(struct softkey *k, enum softkey_kind kind);
void softkey_free(struct softkey *k);
struct span softkey_spki(const struct softkey *k);
/* Over message, in the wire's form; at most 512 bytes. */
size_t softkey_sign(struct softkey *k, struct span message, uint8_t *ret);
/* The same as the signatureValue of a certificate: ECDSA as DER. */
size_t softkey_sign_x509(struct softkey *k, struct span message, uint8_t *ret);
/* The private key as PKCS #8 or SEC 1 DER, for agents; its length. */
size_t softkey_private(struct softkey *k, uint8_t *ret, size_t cap);

#endif
