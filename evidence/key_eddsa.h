/*
 * key_eddsa.h: Ed25519 keys and signatures (RFC 8032), for key.c and nobody else.
 */
#ifndef EVIDENCE_KEY_EDDSA_H
#define EVIDENCE_KEY_EDDSA_H

#include "key.h"

/* The 32 bytes of an RFC 8410 key. MALFORMED: of another length; WEAK: see below. */
ASSAY_MUST_USE enum assay_err eddsa_read(struct span bits, struct key *ret);
/* WEAK: one of the few points under which signatures hold that nobody made. */
ASSAY_MUST_USE enum assay_err eddsa_check(const struct key *k);
/* As key_verify(). UNSUPPORTED unless key and scheme are both Ed25519. */
ASSAY_MUST_USE enum assay_err eddsa_verify(const struct key *k, const struct signature *sig,
					   struct span message);

#endif
