/*
 * digestset_build.h: files and their digests into the form that digestset.h reads.
 *
 * The same files give the same bytes, in whatever order they are added. Memory is the
 * process's own, about 120 bytes a file while building.
 */
#ifndef COMPILER_DIGESTSET_BUILD_H
#define COMPILER_DIGESTSET_BUILD_H

#include "verifier/appraise/digestset.h"

struct digestset_builder;

/* NULL: no memory. */
struct digestset_builder *digestset_builder_new(void);
void digestset_builder_free(struct digestset_builder *b);
/* A file; an empty path: a digest wherever it occurs. UNSUPPORTED algorithm, MISMATCH of
 * its size, TOO_LARGE path, TOO_MANY files, NO_MEMORY. What was added before may be
 * added again. */
ASSAY_MUST_USE enum assay_err digestset_add(struct digestset_builder *b, struct span path,
					    const struct digestset_digest *d);
/* How many were added. */
size_t digestset_added(const struct digestset_builder *b);
/*
 * The set, malloc'd, and empty the builder of order. TOO_MANY digests of one path or
 * algorithms, TOO_LARGE over DIGESTSET_BYTES_MAX, NO_MEMORY. A set of nothing has no bytes.
 */
ASSAY_MUST_USE enum assay_err digestset_build(struct digestset_builder *b, uint8_t **ret,
					      size_t *ret_len);

#endif
