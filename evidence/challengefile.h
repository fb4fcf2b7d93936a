/*
 * challengefile.h: a challenge in a file (.challenge), for a device that has no
 * connection to the verifier: what it asks, of whom, until when, signed.
 *
 *   ASSAY-CHALLENGE-1
 *   JWS, typ "assay-key+jwt": the chain of the verifier's keys, oldest first (keyset.h)
 *   ...
 *   JWS, typ "assay-challenge+jwt", signed by the decision key of that time
 *
 * Lines end in LF, also the last one. The challenge's payload is
 *
 *   {"iss","iat","exp","device":ID,"name"?,"key":HEX,"nonce":HEX,"pcrs":[[ALG,MASK],..]}
 *
 * key is the name that the device's key has in proofs; pcrs is empty for devices without
 * TPM. The signature shows that the file is whole. Who signed it shows only where the root
 * is known beforehand. What answers it is evidencefile.h. Pure; nothing is kept.
 */
#ifndef EVIDENCE_CHALLENGEFILE_H
#define EVIDENCE_CHALLENGEFILE_H

#include "binding.h"
#include "keyset.h"
#include "pcr.h"
#include "tpmt.h"

#define CHALLENGEFILE_MAGIC "ASSAY-CHALLENGE-1\n"
#define CHALLENGEFILE_TYP "assay-challenge+jwt"
#define CHALLENGEFILE_PAYLOAD_MAX 1024
#define CHALLENGEFILE_MAX (KEYSET_BYTES_MAX + 4096u) /* bytes of a file */
#define CHALLENGEFILE_DEVICE_HEX 32
#define CHALLENGEFILE_NAME_MAX 64

struct challenge_file {
	char issuer[KEYSET_ISSUER_MAX + 1];
	char root[JWS_KID_SIZE]; /* KID of the first key of the chain */
	int64_t issued, expires;
	char device[CHALLENGEFILE_DEVICE_HEX + 1];
	char name[CHALLENGEFILE_NAME_MAX + 1]; /* "" if it has none; for people */
	struct tpm_name key_name;
	uint8_t nonce[BINDING_NONCE_SIZE];
	struct pcr_selection asked; /* no bank: the device has no TPM */
};

/* Whether it begins as one. */
bool challenge_file_is(struct span file);
/*
 * Reads and verifies it. root: the KID that the chain must begin with; NULL: any.
 * BAD_MAGIC; MALFORMED, MISSING, DUPLICATE, UNSUPPORTED, TRUNCATED, TOO_LARGE, TOO_MANY:
 * not of this form; BAD_SIGNATURE, NOT_FOUND, EXPIRED: not signed by a key of its chain
 * that was current; MISMATCH: another root. Whether it has expired is the caller's to say.
 */
ASSAY_MUST_USE enum assay_err challenge_file_parse(struct span file, const char *root,
						   struct challenge_file *ret);
/* The payload that is to be signed; root is not in it. MALFORMED, FULL. */
ASSAY_MUST_USE enum assay_err challenge_payload_write(const struct challenge_file *c,
						      struct writer *w);
/* The file: chain as signing keeps it (a JWS per line), and the signed challenge. */
ASSAY_MUST_USE enum assay_err challenge_file_write(struct span chain, struct span jws,
						   struct writer *w);

#endif
