/* reference_match.c: PCR values against whole reference sets. See appraisal.h.
 *
 * A boot matches one set as a whole or none: parts of two sets are never mixed (D12),
 * and it is values in PCRs that must be equal, not membership (L19). */
#include "appraisal.h"

#include "text.h"

#include <string.h>

struct candidate {
	const struct reference_view *view;
	struct reference set;
	uint32_t differs; /* PCRs */
};

static unsigned
popcount(uint32_t m)
{
	unsigned n = 0;

	for (; m != 0; m &= m - 1)
		n++;
	return n;
}

uint16_t
strongest_bank(const struct pcr_selection *asked)
{
	uint16_t best = ALG_NONE;

	for (size_t i = 0; i < asked->count; i++)
		if (digest_size(asked->bank[i].alg) > digest_size(best))
			best = asked->bank[i].alg;
	return best;
}

/* Equal in every bank that the set has, the strongest among them. */
static bool
pcr_matches(const struct appraisal *a, const struct reference *set, unsigned pcr)
{
	const struct pcr_selection *asked = &a->policy.info.ask;
	uint16_t needed = strongest_bank(asked);

	if (!pcr_value(&set->pcrs, needed, pcr))
		return false;
	for (size_t i = 0; i < asked->count; i++) {
		const struct digest *want = pcr_value(&set->pcrs, asked->bank[i].alg, pcr);
		const struct digest *seen = pcr_value(&a->proof.pcrs, asked->bank[i].alg, pcr);

		if (!seen || (want && !digest_equal(seen, want)))
			return false;
	}
	return true;
}

static uint32_t
differing_pcrs(const struct appraisal *a, const struct reference *set)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < PCR_COUNT; i++)
		if ((a->policy.compare >> i & 1) && !pcr_matches(a, set, i))
			mask |= 1u << i;
	return mask;
}

static bool
expired(const struct appraisal *a, const struct reference_view *v)
{
	return v->not_after != 0 && a->in->now > v->not_after;
}

static bool
early(const struct appraisal *a, const struct reference_view *v)
{
	return v->not_before != 0 && a->in->now < v->not_before;
}

/* Smaller is better: matching, then promoted, then valid now, then nearest. */
static unsigned
badness(const struct appraisal *a, const struct candidate *c)
{
	return popcount(c->differs) * 4 + (c->view->state != REF_PROMOTED ? 2u : 0u) +
	       (expired(a, c->view) || early(a, c->view) ? 1u : 0u);
}

/* The best set, in one of two places; false if there is none. Broken ones are a finding,
 * never skipped. */
static bool
choose(struct appraisal *a, struct candidate ret[2], const struct candidate **ret_best)
{
	struct candidate *best = NULL;

	for (size_t i = 0; i < a->in->nreferences; i++) {
		struct candidate *c = best == &ret[0] ? &ret[1] : &ret[0];

		c->view = &a->in->references[i];
		if (c->view->kind != REF_KIND_BOOT ||
		    (c->view->state != REF_LEARNED && c->view->state != REF_PROMOTED))
			continue;
		if (reference_open_known(c->view->compiled, &c->set) != ASSAY_OK) {
			struct finding *f = find(a, FIND_POLICY_INVALID, OUTCOME_QUARANTINE);

			text_format(f->subject, sizeof f->subject, "reference values");
			continue;
		}
		c->differs = differing_pcrs(a, &c->set);
		if (c->differs == 0)
			a->shown |= 1u << i;
		if (!best || badness(a, c) < badness(a, best))
			best = c;
	}
	*ret_best = best;
	return best != NULL;
}

/* L2, L3: no measurement at all is told apart from another one. */
static enum finding_code
difference_code(const struct appraisal *a, const struct digest *seen, unsigned pcr)
{
	const struct pcr_values *logged = a->keep_boot ? &a->prev.replayed : &a->v->next.replayed;
	struct digest reset;

	if (pcr_reset_value(seen->alg, pcr, &reset) == ASSAY_OK && digest_equal(seen, &reset))
		return FIND_PCR_RESET;
	if (logged->count != 0 && !pcr_value(logged, seen->alg, pcr))
		return FIND_PCR_UNLOGGED;
	return FIND_PCR_DIFFERS;
}

static void
report_difference(struct appraisal *a, const struct candidate *c, unsigned pcr)
{
	uint16_t bank = strongest_bank(&a->policy.info.ask);
	const struct digest *seen = pcr_value(&a->proof.pcrs, bank, pcr);
	const struct digest *want = pcr_value(&c->set.pcrs, bank, pcr);
	struct finding *f;

	if (!seen) {
		f = find(a, FIND_PCR_COVER, OUTCOME_QUARANTINE); /* Q4 */
	} else {
		f = find_sticky(a, difference_code(a, seen, pcr), (enum outcome)a->policy.differs);
		find_values(f, seen, want);
	}
	f->provenance = PROV_TPM;
	f->pcr = (int32_t)pcr;
	text_format(f->subject, sizeof f->subject, "PCR %u", pcr);
}

static void
report_match(struct appraisal *a, const struct candidate *c)
{
	struct verdict *v = a->v;

	a->reference_matched = true;
	reference_check_log(a, &c->set);
	memcpy(v->reference, c->view->digest, sizeof v->reference);
	if (c->view->state == REF_LEARNED) {
		a->reference_learned = true;
		(void)find(a, FIND_REFERENCE_LEARNED, (enum outcome)a->policy.learned); /* D7 */
	}
	if (c->view->not_after != 0 && (v->not_after == 0 || c->view->not_after < v->not_after))
		v->not_after = c->view->not_after;
	if (early(a, c->view)) {
		struct finding *f = find(a, FIND_REFERENCE_EARLY, OUTCOME_QUARANTINE);

		fact_time_text(c->view->not_before, f->expected, sizeof f->expected);
	}
	if (!expired(a, c->view))
		return;
	struct finding *f = find(a, FIND_REFERENCE_EXPIRED, OUTCOME_QUARANTINE);
	fact_time_text(c->view->not_after, f->seen, sizeof f->seen);
}

void
reference_judge(struct appraisal *a)
{
	struct candidate two[2];
	const struct candidate *best;

	if (!a->has_policy)
		return;
	if (!choose(a, two, &best)) {
		(void)find(a, FIND_NO_REFERENCE, OUTCOME_QUARANTINE);
		return;
	}
	if (best->differs == 0) {
		report_match(a, best);
		return;
	}
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (best->differs >> i & 1)
			report_difference(a, best, i);
	reference_explain(a, &best->set,
			  &(struct explanation){.pcrs = best->differs,
						.cap = (enum outcome)a->policy.differs});
}
