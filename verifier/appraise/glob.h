/*
 * glob.h: patterns of paths, matched in one pass over the path, whatever it holds.
 *
 * `?` is any one byte but '/', `*` any number of bytes but '/', `**` any bytes at all;
 * each may stand for nothing but `?`. `\` takes the next byte as it is. A pattern is of
 * the operator, a path of the device: the work is bounded by the path's length times a
 * constant, without recursion and without going back.
 */
#ifndef APPRAISE_GLOB_H
#define APPRAISE_GLOB_H

#include "evidence/reader.h"

#define GLOB_PATTERN_MAX 255
#define GLOB_STEPS_MAX 63 /* between the first and the last wildcard, both included */

struct glob {
	uint8_t head_len, tail_len; /* what stands before and behind the wildcards */
	uint8_t steps;
	bool rest; /* ends in `**`, and no wildcard is before it: the head decides */
	uint8_t head[GLOB_PATTERN_MAX], tail[GLOB_PATTERN_MAX];
	uint64_t stars;		/* steps that may stand for nothing */
	uint64_t goes[256], stays[256]; /* by byte: steps that it takes, that keep it */
};

/* TOO_LARGE, MALFORMED (empty, an escape of nothing), TOO_MANY steps. */
ASSAY_MUST_USE enum assay_err glob_compile(struct span pattern, struct glob *ret);
/* Whether the whole path matches. */
bool glob_matches(const struct glob *g, struct span path);

#endif
