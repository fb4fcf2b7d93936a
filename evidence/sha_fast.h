/*
 * sha_fast.h: SHA-1 and SHA-256 by the processor's own instructions, for long lists of
 * short inputs.
 *
 * wolfSSL as Debian builds it has no assembly; replaying an IMA list is little else than
 * hashing. Where the processor has the instructions (x86-64 SHA extensions) these
 * functions replace it there, and nowhere else: every other digest, and every machine
 * without them, uses digest.c. test_sha_fast.c compares both over all lengths.
 */
#ifndef EVIDENCE_SHA_FAST_H
#define EVIDENCE_SHA_FAST_H

#include "digest.h"

/* Whether this processor can. Asks it (which takes a microsecond in a virtual machine):
 * once per list, not per entry. */
bool sha_fast_here(void);
/* SHA-1 or SHA-256 of a and b, one behind the other; false for another algorithm. Only
 * where sha_fast_here() is true. */
bool sha_fast(uint16_t alg, struct span a, struct span b, struct digest *ret);

#endif
