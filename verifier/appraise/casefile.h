/*
 * casefile.h: a whole appraisal in a file (.case): evidence, device record, references,
 * policy, continuity and time. The same file gives the same verdict on any machine.
 *
 *   "ASSAY-CASE-1"
 *   1 byte: 1 the round as it was judged, 2 what was stored judged once more
 *   4 bytes length, appraisal_input_encode() with policy and references left empty
 *   1 byte how many, then each 4 bytes length: policy and references, found by digest
 *   4 bytes length, IMA entries
 *
 * Lengths are big-endian. Nothing in it is signed but the device's quote: who hands it
 * on vouches for the record and the challenge in it.
 */
#ifndef APPRAISE_CASEFILE_H
#define APPRAISE_CASEFILE_H

#include "appraise.h"

#include "evidence/writer.h"

#define CASE_MAGIC "ASSAY-CASE-1"
#define CASE_BLOB_MAX (128u << 20)
#define CASE_BYTES_MAX (512u << 20)

enum case_mode { CASE_NONE = 0, CASE_ROUND = 1, CASE_REPLAY = 2 };

struct case_file {
	enum case_mode mode;
	struct appraisal_input in; /* spans point into the file */
};

/* BAD_MAGIC, TRUNCATED, TRAILING, TOO_LARGE, MALFORMED; MISSING: policy or a reference
 * that the input names by digest is not there; MISMATCH: one is there that it does not. */
ASSAY_MUST_USE enum assay_err case_file_parse(struct span file, struct case_file *ret);
/* scratch: at least APPRAISAL_INPUT_MAX bytes. */
ASSAY_MUST_USE enum assay_err case_file_write(const struct case_file *c, struct span scratch,
					      struct writer *out);
/* Appraises it: *ret is always filled. */
void case_file_appraise(const struct case_file *c, struct arena *arena, struct verdict *ret);

#endif
