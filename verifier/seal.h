/*
 * seal.h: HMAC-SHA256 under keys derived by label.
 *
 * What the verifier writes for itself and later believes (rows of the ledger, its
 * head file, what keeper hands out and takes back) carries such a MAC. One master
 * key gives as many independent keys as there are labels (HKDF, RFC 5869), so that
 * a MAC made for one purpose is never valid for another.
 *
 * It does not encrypt and does not store keys. A struct seal holds key material:
 * wipe it with seal_wipe(). One MAC at a time per struct seal.
 */
#ifndef VERIFIER_SEAL_H
#define VERIFIER_SEAL_H

#include "evidence/reader.h"

#define SEAL_KEY_SIZE 32
#define SEAL_MAC_SIZE 32
#define SEAL_LABEL_MAX 64

/* A MAC key ready for use; the inside is seal.c's. */
struct seal {
	_Alignas(16) uint8_t state[2048];
	enum assay_err err; /* of the MAC under way; the first one stays */
};

/*
 * ret = HKDF-SHA256(ikm master, salt "assay-seal-v1", info label || 0x00 || context),
 * 32 bytes. MALFORMED: empty label; TOO_LARGE: label or context over 64 bytes.
 */
ASSAY_MUST_USE enum assay_err seal_derive(const uint8_t master[SEAL_KEY_SIZE],
					  const char *label, struct span context,
					  uint8_t ret[SEAL_KEY_SIZE]);
/* Ready the key that seal_derive() gives; on failure every MAC with *s fails. */
ASSAY_MUST_USE enum assay_err seal_init(struct seal *s, const uint8_t master[SEAL_KEY_SIZE],
					const char *label, struct span context);
/* Forget the key. Accepts a zeroed struct. */
void seal_wipe(struct seal *s);

/* Start a MAC, add to it, end it. The lengths of what is added are not part of it:
 * the caller's encoding must be unambiguous. */
void seal_begin(struct seal *s);
void seal_add(struct seal *s, struct span in);
ASSAY_MUST_USE enum assay_err seal_end(struct seal *s, uint8_t ret[SEAL_MAC_SIZE]);
/* The whole in one call. */
ASSAY_MUST_USE enum assay_err seal_mac(struct seal *s, struct span in,
				       uint8_t ret[SEAL_MAC_SIZE]);
/* TAMPERED unless mac is that of in; constant time. */
ASSAY_MUST_USE enum assay_err seal_check(struct seal *s, struct span in, struct span mac);

#endif
