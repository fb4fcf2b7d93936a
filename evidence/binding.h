/*
 * binding.h: what a signing key signs so that evidence is this device's, on this
 * connection, for this nonce, with these claims. Layout and test vector are in
 * docs/protocol.md; the vector is also in tests/unit/test_binding.c.
 *
 *   SHA-256( "assay-evidence-v1" ||
 *            for each of kind, key name, nonce, channel, SHA-256(claims):
 *                2-byte big-endian length || bytes )
 */
#ifndef EVIDENCE_BINDING_H
#define EVIDENCE_BINDING_H

#include "digest.h"

#define BINDING_SIZE 32
#define BINDING_NONCE_SIZE 32
#define BINDING_CHANNEL_SIZE 32

enum binding_kind {
	BINDING_TPM_ONLINE = 1,
	BINDING_KEY_ONLINE = 2,
	BINDING_TPM_OFFLINE = 3,
	BINDING_KEY_OFFLINE = 4,
	BINDING_KEY_ENROL = 5, /* possession: ->claims is the EnrolKey frame */
};

/* In a file, for a challenge in a file: there is no channel. */
static inline bool
binding_is_offline(uint8_t kind)
{
	return kind == BINDING_TPM_OFFLINE || kind == BINDING_KEY_OFFLINE;
}

struct binding {
	uint8_t kind;	     /* enum binding_kind */
	struct span key_name; /* TPM Name; or 0x000B || SHA-256(SPKI) */
	struct span nonce;    /* exactly 32 bytes */
	struct span channel;  /* 32 bytes, or empty where the listener has none */
	struct span claims;   /* the claims' bytes as sent; hashed here */
};

/* MALFORMED if a length or the kind is not one of the above. */
ASSAY_MUST_USE enum assay_err binding_compute(const struct binding *b,
					      uint8_t ret[BINDING_SIZE]);
/* The same where only the digest of the claims is at hand; ->claims is not read. */
ASSAY_MUST_USE enum assay_err binding_compute_digest(const struct binding *b,
						     const uint8_t claims_digest[32],
						     uint8_t ret[BINDING_SIZE]);

#endif
