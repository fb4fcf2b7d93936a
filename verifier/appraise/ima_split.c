/* ima_split.c: entries of an accepted list, one by one; see ima.h. */
#include "ima.h"

struct span
ima_accepted_bytes(const struct appraisal_input *in, const struct verdict *v)
{
	const struct span none = {NULL, 0};
	struct reader r;
	struct span s;

	if (!in->has_ima || v->status != VERDICT_DECIDED || v->ima_accepted.count == 0)
		return none;
	rd_init(&r, in->ima);
	(void)rd_bytes(&r, in->ima_stored);
	s = rd_bytes(&r, v->ima_accepted.bytes);
	return r.err == ASSAY_OK ? s : none;
}

enum assay_err
ima_split(struct span entries, const struct ima_state *state, uint64_t count, uint32_t *ret_lengths)
{
	struct imalog_entry e;
	struct imalog l;
	uint64_t n = 0;
	size_t last = 0;
	enum assay_err err;

	if (!state->present)
		return ASSAY_STATE;
	if (count > IMALOG_ENTRIES_MAX)
		return ASSAY_TOO_MANY;
	if ((err = imalog_resume(entries, state->template_alg, state->big, &l)) != ASSAY_OK)
		return err;
	while (n < count && imalog_next(&l, &e)) {
		size_t end = imalog_position(&l);

		ret_lengths[n++] = (uint32_t)(end - last);
		last = end;
	}
	if (n < count)
		return (err = imalog_finish(&l)) != ASSAY_OK ? err : ASSAY_TRUNCATED;
	return last == entries.n ? ASSAY_OK : ASSAY_TRAILING;
}
