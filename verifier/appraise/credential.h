/*
 * credential.h: TPM2_MakeCredential in software (TPM 2.0 Part 1, 24): a secret that
 * only the TPM which holds both this EK and the AK of this name can release (I2).
 *
 * Deterministic: every random value is expanded from the caller's entropy, so that
 * a second appraiser makes the same bytes. The name must be one that the caller
 * computed (tpmt_public_name), never one that was sent. Whether the EK is to be
 * trusted is ekcert.h's and the allow-list's business. Secrets on the way are wiped.
 */
#ifndef APPRAISE_CREDENTIAL_H
#define APPRAISE_CREDENTIAL_H

#include "evidence/tpmt.h"

#define CREDENTIAL_SECRET_SIZE 32
#define CREDENTIAL_ENTROPY_SIZE 64
#define CREDENTIAL_BLOB_MAX 256		     /* TPM2B_ID_OBJECT */
#define CREDENTIAL_ENCRYPTED_SECRET_MAX 516 /* TPM2B_ENCRYPTED_SECRET */

struct credential_input {
	const struct tpm_public *ek;
	const struct tpm_name *ak_name;
	uint8_t secret[CREDENTIAL_SECRET_SIZE];
	uint8_t entropy[CREDENTIAL_ENTROPY_SIZE]; /* used for this credential only */
};

/* Both with their 2-byte size in front, as TPM2_ActivateCredential takes them. */
struct credential {
	uint16_t blob_len, encrypted_secret_len;
	uint8_t blob[CREDENTIAL_BLOB_MAX];
	uint8_t encrypted_secret[CREDENTIAL_ENCRYPTED_SECRET_MAX];
};

/*
 * For EKs of RSA with exponent 65537 or NIST P-256 and P-384, nameAlg SHA-256, 384
 * or 512, AES-CFB of 128 or 256 bits: anything else is UNSUPPORTED. MALFORMED if the
 * name is empty or the key is not on its curve. *ret is written only on OK.
 */
ASSAY_MUST_USE enum assay_err credential_make(const struct credential_input *in,
					      struct credential *ret);

#endif
