/* reference_plan.c: planned changes from one set to another (D12). See appraisal.h.
 *
 * Which sets a boot matches as a whole is reference_match.c's; a set that is valid only
 * from or until a time says so itself. Here is the ratchet: who has shown the new set
 * once, and later the old one and not the new one, was rolled back. */
#include "appraisal.h"

#include "evidence/hex.h"
#include "text.h"

#include <string.h>

static bool
planned(const struct reference_view *v)
{
	static const uint8_t none[32];

	return !span_equal(SPAN(v->superseded_by, 32), SPAN(none, 32));
}

/* Whether this boot matches the set of this digest. */
static bool
shows(const struct appraisal *a, const uint8_t digest[32])
{
	for (size_t i = 0; i < a->in->nreferences; i++)
		if ((a->shown >> i & 1) &&
		    span_equal(SPAN(a->in->references[i].digest, 32), SPAN(digest, 32)))
			return true;
	return false;
}

static bool
has_shown(const struct continuity *c, const uint8_t digest[32])
{
	for (size_t i = 0; i < c->nseen; i++)
		if (span_equal(SPAN(c->seen[i], 32), SPAN(digest, 32)))
			return true;
	return false;
}

static void
set_text(const uint8_t digest[32], char *ret, size_t cap)
{
	char hex[65];

	if (hex_encode(SPAN(digest, 32), hex, sizeof hex) == ASSAY_OK)
		text_format(ret, cap, "set %.16s", hex);
}

void
plan_judge(struct appraisal *a)
{
	for (size_t i = 0; a->has_policy && i < a->in->nreferences; i++) {
		const struct reference_view *v = &a->in->references[i];
		struct finding *f;

		if (!planned(v) || !(a->shown >> i & 1) || shows(a, v->superseded_by) ||
		    !has_shown(&a->prev, v->superseded_by))
			continue;
		f = find(a, FIND_ROLLED_BACK, OUTCOME_QUARANTINE);
		f->provenance = PROV_TPM;
		set_text(v->digest, f->seen, sizeof f->seen);
		set_text(v->superseded_by, f->expected, sizeof f->expected);
	}
}

/* At most one entry for each set that is at hand, so there is room for all. */
void
plan_remember(const struct appraisal *a, struct continuity *n)
{
	for (size_t i = 0; i < a->in->nreferences; i++) {
		const struct reference_view *v = &a->in->references[i];

		if (!planned(v) || has_shown(n, v->superseded_by) ||
		    n->nseen == CONTINUITY_SEEN_MAX)
			continue;
		if (has_shown(&a->prev, v->superseded_by) || shows(a, v->superseded_by))
			memcpy(n->seen[n->nseen++], v->superseded_by, 32);
	}
}
