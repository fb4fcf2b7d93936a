/*
 * ima.h: what keeper's side needs to know of judged IMA lists.
 *
 * The judging itself is a step of appraise() (appraisal.h, ima_check and ima_judge);
 * what it remembers is in ima_state.h, what it is measured against in digestset.h and
 * ima_policy.h.
 *
 * A round, as far as IMA is concerned: a list is wanted only if PCR 10 moved, from the
 * entry after the last one proved (NEED, PART_IMA, from = entries, limit = bytes). If
 * policy or references have changed, all entries are wanted, from 0: keeper delivers
 * those that it has stored (ima_stored) without asking the device, and if these do not
 * lead to the quoted PCR the next NEED says from where the device is to go on; the
 * round then comes again with both, one behind the other.
 */
#ifndef APPRAISE_IMA_H
#define APPRAISE_IMA_H

#include "appraise.h"

/* The bytes of in->ima that v->ima_accepted speaks of; empty if there are none. */
struct span ima_accepted_bytes(const struct appraisal_input *in, const struct verdict *v);
/*
 * The lengths of `count` entries that ima_accepted_bytes() gave, which are exactly these
 * bytes; state is the verdict's next.ima. ret_lengths has room for count. MALFORMED,
 * TRUNCATED, TRAILING, UNSUPPORTED: they are not.
 */
ASSAY_MUST_USE enum assay_err ima_split(struct span entries, const struct ima_state *state,
					uint64_t count, uint32_t *ret_lengths);

#endif
