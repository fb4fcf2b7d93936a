/*
 * digest.h: hash algorithms by their TCG numbers, digests, and PCR extension.
 *
 * One of the few modules that call wolfSSL; its types do not show. Algorithms
 * that the TPM world names but wolfSSL cannot compute (SM3) have a size and a
 * name and are "not computable": what rests on them never passes.
 */
#ifndef EVIDENCE_DIGEST_H
#define EVIDENCE_DIGEST_H

#include "reader.h"

#define DIGEST_MAX 64

/* TCG Algorithm Registry, TPM_ALG_ID */
enum digest_alg {
	ALG_NONE = 0,
	ALG_SHA1 = 0x0004,
	ALG_SHA256 = 0x000B,
	ALG_SHA384 = 0x000C,
	ALG_SHA512 = 0x000D,
	ALG_SM3_256 = 0x0012,
	ALG_SHA3_256 = 0x0027,
	ALG_SHA3_384 = 0x0028,
	ALG_SHA3_512 = 0x0029,
};

struct digest {
	uint16_t alg;
	uint16_t len;
	uint8_t b[DIGEST_MAX];
};

/* A running hash; the inside is digest.c's. */
struct hasher {
	uint16_t alg;
	_Alignas(16) uint8_t state[512];
};

/* Size in bytes, or 0 if the number is unknown. */
size_t digest_size(uint16_t alg);
/* "sha256", or "alg-0x001f" is never made up: NULL if unknown. */
const char *digest_name(uint16_t alg);
/* Number of "sha256" (any case), or ALG_NONE. */
uint16_t digest_by_name(const char *name);
/* Whether digest_compute() can do it. */
bool digest_computable(uint16_t alg);

/* UNSUPPORTED if the algorithm cannot be computed. */
ASSAY_MUST_USE enum assay_err digest_compute(uint16_t alg, struct span in,
					     struct digest *ret);
/* UNSUPPORTED for an unknown number, MISMATCH if the length is not its size. */
ASSAY_MUST_USE enum assay_err digest_from(uint16_t alg, struct span bytes,
					  struct digest *ret);
/* All bytes equal to fill (PCR reset values: 0x00, 0xFF). */
ASSAY_MUST_USE enum assay_err digest_fill(uint16_t alg, uint8_t fill,
					  struct digest *ret);
/* pcr = H(pcr || in), TPM 2.0 Part 1, 17.3; algorithms must agree. */
ASSAY_MUST_USE enum assay_err digest_extend(struct digest *pcr, struct span in);
/* Same algorithm and same bytes, in constant time. */
bool digest_equal(const struct digest *a, const struct digest *b);
struct span digest_span(const struct digest *d);
bool digest_is_fill(const struct digest *d, uint8_t fill);

ASSAY_MUST_USE enum assay_err hash_init(struct hasher *h, uint16_t alg);
ASSAY_MUST_USE enum assay_err hash_update(struct hasher *h, struct span in);
ASSAY_MUST_USE enum assay_err hash_final(struct hasher *h, struct digest *ret);

/* SHA-256 in one call, for identifiers; 32 bytes. */
ASSAY_MUST_USE enum assay_err digest_sha256(struct span in, uint8_t ret[32]);

#endif
