/*
 * signer.h: a private key that signs what leaves (ES256), and how it comes to be.
 *
 * Only keeper and `init` have one. The secret is 32 bytes, the scalar; it is kept in a
 * file of the state directory (keys.h) and wiped here. What is signed has its form from
 * evidence/jws.h. Each signer does one signature at a time.
 */
#ifndef RESULT_SIGNER_H
#define RESULT_SIGNER_H

#include "evidence/jws.h"

#define SIGNER_SECRET_SIZE 32

struct signer;

/* A new key. */
ASSAY_MUST_USE enum assay_err signer_make(uint8_t ret_secret[SIGNER_SECRET_SIZE]);
/* Free with signer_free(). MALFORMED: no scalar of P-256. */
ASSAY_MUST_USE enum assay_err signer_new(const uint8_t secret[SIGNER_SECRET_SIZE],
					 struct signer **ret);
void signer_free(struct signer *s); /* accepts NULL */
const struct es256_key *signer_public(const struct signer *s);
const char *signer_kid(const struct signer *s);
/* A whole JWS of this type over this payload. */
ASSAY_MUST_USE enum assay_err signer_jws(struct signer *s, const char *typ, struct span payload,
					 struct writer *w);

#endif
