/*
 * random.h: secrets from the kernel, and their end.
 *
 * The only source of randomness of the verifier: nonces, secrets, tokens. There is
 * no fallback: where the kernel gives none, nothing is made.
 */
#ifndef VERIFIER_RANDOM_H
#define VERIFIER_RANDOM_H

#include "evidence/reader.h"

/* n unpredictable bytes (getrandom). On failure (IO) ret is zeroed and must not be
 * used. Waits at early boot until the kernel's generator is ready. */
ASSAY_MUST_USE enum assay_err random_bytes(void *ret, size_t n);
/* Uniform in [0, bound); MALFORMED for bound 0. For jitter and choice. */
ASSAY_MUST_USE enum assay_err random_below(uint32_t bound, uint32_t *ret);

#endif
