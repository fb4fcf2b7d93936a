/*
 * key_private.h: private keys by wolfSSL: made, read, signed with. For key.c alone.
 */
#ifndef ATTESTER_KEY_PRIVATE_H
#define ATTESTER_KEY_PRIVATE_H

#include "evidence/devicekey.h"

#include <assay/attester.h>

struct private_key {
	struct key public;
	size_t len;
	uint8_t der[ASSAY_PRIVATE_KEY_MAX];
};

/* MALFORMED: none that can be read; UNSUPPORTED, WEAK: none that may attest. */
ASSAY_MUST_USE enum assay_err private_key_read(struct span der, struct private_key *ret);
/* The signature in the wire's form (evidence/devicekey.h). CRYPTO. */
ASSAY_MUST_USE enum assay_err private_key_sign(const struct private_key *k,
					       const uint8_t message[32], uint8_t *ret,
					       size_t cap, size_t *ret_len);

#endif
