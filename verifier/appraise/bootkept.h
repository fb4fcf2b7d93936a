/*
 * bootkept.h: the facts of a boot log as they are kept while the boot goes on.
 *
 * A log is judged once per boot; verdicts of later rounds have no facts of it. What the
 * log told is kept beside them for people and programs; rules never read it.
 */
#ifndef APPRAISE_BOOTKEPT_H
#define APPRAISE_BOOTKEPT_H

#include "verdict.h"

#define BOOT_FACTS_BYTES_MAX (48u << 10)

struct boot_kept {
	uint16_t nfacts;
	struct fact facts[VERDICT_FACTS_MAX];
};

/* Whether the verdict judged a log and could read it: it has facts of it. */
bool boot_facts_found(const struct verdict *v);
/* Those of the verdict's facts that are of the log (SCOPE_LOG); canonical. */
ASSAY_MUST_USE enum assay_err boot_facts_encode(const struct verdict *v, uint8_t *ret,
						size_t cap, size_t *ret_len);
/* Whole input; an empty one has no facts. Refuses what is no fact of a log. */
ASSAY_MUST_USE enum assay_err boot_facts_decode(struct span in, struct boot_kept *ret);

#endif
