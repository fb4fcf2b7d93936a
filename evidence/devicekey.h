/*
 * devicekey.h: keys of devices without a TPM: their names, and what their signatures
 * are. docs/protocol.md, "Keys".
 *
 * The scheme follows from the key alone, so that nothing is negotiated:
 *   P-256    ECDSA over SHA-256 of the message; r and s, 32 bytes each
 *   P-384    ECDSA over SHA-384 of the message; r and s, 48 bytes each
 *   Ed25519  over the message; 64 bytes
 *   RSA      2048 to 4096 bits, PKCS #1 v1.5 with SHA-256; as long as the modulus
 */
#ifndef EVIDENCE_DEVICEKEY_H
#define EVIDENCE_DEVICEKEY_H

#include "tpmt.h"

#define DEVICEKEY_NAME_SIZE 34

/* 0x000B || SHA-256(SubjectPublicKeyInfo). */
ASSAY_MUST_USE enum assay_err devicekey_name(struct span spki, struct tpm_name *ret);
/* A key that may attest, from its SubjectPublicKeyInfo in the one encoding that
 * key_to_spki() gives, so that a key has one name. UNSUPPORTED: of none of the kinds
 * above; WEAK; MALFORMED. */
ASSAY_MUST_USE enum assay_err devicekey_read(struct span spki, struct key *ret);
/* OK only if signature, in the form above, is by k over message. */
ASSAY_MUST_USE enum assay_err devicekey_verify(const struct key *k, struct span signature,
					       struct span message);
/* "ecdsa-p256", "ecdsa-p384", "ed25519", "rsa"; "none". */
const char *devicekey_word(const struct key *k);

#endif
