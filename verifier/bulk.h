/*
 * bulk.h: bytes in a memory descriptor of their own: gathered piece by piece, sealed,
 * read through a mapping, handed on without being copied.
 *
 * The zero value holds nothing. Nothing is parsed here.
 */
#ifndef VERIFIER_BULK_H
#define VERIFIER_BULK_H

#include "evidence/reader.h"

struct bulk {
	int fd; /* 0: none */
	size_t n;
	struct span bytes; /* once it is sealed */
};

/* Bytes behind what there is; the first makes the descriptor. NO_MEMORY. */
ASSAY_MUST_USE enum assay_err bulk_append(struct bulk *b, struct span bytes);
/* Nothing more can be added, by anybody. Also of one that holds nothing. NO_MEMORY. */
ASSAY_MUST_USE enum assay_err bulk_seal(struct bulk *b);
/* Map it, if it is not. */
ASSAY_MUST_USE enum assay_err bulk_map(struct bulk *b);
/* A sealed descriptor of at most max bytes becomes b's, or is closed on an error. */
ASSAY_MUST_USE enum assay_err bulk_take(struct bulk *b, int fd, size_t max);
void bulk_free(struct bulk *b);

#endif
