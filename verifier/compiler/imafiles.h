/*
 * imafiles.h: the files that an IMA list names, as a set of paths and digests.
 *
 * What a device did execute or read becomes what its like may. Entries that are no files
 * (boot_aggregate, measured buffers) and violations, which have no digest, are left out, and
 * what went to another PCR than 10, which nothing proves.
 */
#ifndef COMPILER_IMAFILES_H
#define COMPILER_IMAFILES_H

#include "evidence/reader.h"

/* The set, malloc'd; empty if there are no files. What imalog.h says of a list that is none;
 * MISMATCH if an entry contradicts its template hash. */
ASSAY_MUST_USE enum assay_err imafiles_compile(struct span list, uint8_t **ret, size_t *ret_len);

#endif
