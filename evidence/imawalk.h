/*
 * imawalk.h: where an entry of a binary IMA list ends, from as little as that needs.
 *
 * For who hands a list on in pieces without reading it: only lengths are looked at.
 * Templates, fields and hashes are imalog.h's. What comes out is as good as the list:
 * whoever judges it parses it in full.
 */
#ifndef EVIDENCE_IMAWALK_H
#define EVIDENCE_IMAWALK_H

#include "reader.h"

/* More than this of an entry is never needed to tell its length: PCR, template hash,
 * length and name of the template, length of the data. */
#define IMAWALK_HEAD 512

/* Byte order and size of template hashes; zeros before the first entry of a list. */
struct imawalk {
	bool known, big;
	uint16_t digest_size;
};

/*
 * Length in bytes of the entry at the start of the window, which may end anywhere. The
 * first entry given tells what the list is like. TRUNCATED: more of it must be seen (at
 * most IMAWALK_HEAD bytes); MISSING: the window is empty; TOO_LARGE, MALFORMED,
 * BAD_MAGIC (an ascii list, or none).
 */
ASSAY_MUST_USE enum assay_err imawalk_length(struct imawalk *w, struct span window,
					     uint64_t *ret);

#endif
