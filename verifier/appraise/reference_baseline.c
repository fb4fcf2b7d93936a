/* reference_baseline.c: what differs between good devices of one class (boot order, boot
 * entries, partition tables, settings), against the sets of the device itself (L17).
 *
 * It concerns the PCRs that policy asks for and does not compare with its references:
 * a class never says what they hold, and a baseline says nothing of the others. */
#include "appraisal.h"

#include "text.h"

/* PCRs that a baseline is asked about and that this set has, in a bank asked for. */
static uint32_t
covered_by(const struct appraisal *a, const struct reference *set)
{
	const struct pcr_selection *asked = &a->policy.info.ask;
	uint32_t mask = 0;

	for (unsigned i = 0; i < PCR_COUNT; i++)
		for (size_t k = 0; k < asked->count; k++)
			if (((a->policy.compare | a->policy.unlogged) >> i & 1) == 0 &&
			    pcr_selected(asked, asked->bank[k].alg) >> i & 1 &&
			    pcr_value(&set->pcrs, asked->bank[k].alg, i))
				mask |= 1u << i;
	return mask;
}

/* Equal in every bank asked for that the set has. */
static bool
equal(const struct appraisal *a, const struct reference *set, unsigned pcr)
{
	const struct pcr_selection *asked = &a->policy.info.ask;

	for (size_t i = 0; i < asked->count; i++) {
		const struct digest *want = pcr_value(&set->pcrs, asked->bank[i].alg, pcr);
		const struct digest *seen = pcr_value(&a->proof.pcrs, asked->bank[i].alg, pcr);

		if (want && (!seen || !digest_equal(seen, want)))
			return false;
	}
	return true;
}

/* A PCR that the set has not, and another baseline has, is not as in this set. */
static uint32_t
differing(const struct appraisal *a, const struct reference *set, uint32_t covered)
{
	uint32_t mask = covered & ~covered_by(a, set);

	for (unsigned i = 0; i < PCR_COUNT; i++)
		if ((covered >> i & 1) && !equal(a, set, i))
			mask |= 1u << i;
	return mask;
}

static void
report(struct appraisal *a, const struct reference *set, uint32_t pcrs)
{
	enum outcome cap = (enum outcome)a->policy.baseline;
	uint16_t bank = strongest_bank(&a->policy.info.ask);

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		struct finding *f;

		if ((pcrs >> i & 1) == 0)
			continue;
		f = find_sticky(a, FIND_BASELINE, cap);
		f->provenance = PROV_TPM;
		f->pcr = (int32_t)i;
		text_format(f->subject, sizeof f->subject, "PCR %u", i);
		find_values(f, pcr_value(&a->proof.pcrs, bank, i), pcr_value(&set->pcrs, bank, i));
	}
	reference_explain(a, set,
			  &(struct explanation){.pcrs = pcrs, .baseline = true, .cap = cap});
}

static unsigned
count(uint32_t mask)
{
	unsigned n = 0;

	for (; mask != 0; mask &= mask - 1)
		n++;
	return n;
}

/* A broken set is told by reference_judge(). */
static bool
is_baseline(const struct appraisal *a, size_t i, struct reference *ret)
{
	const struct reference_view *v = &a->in->references[i];

	return v->kind == REF_KIND_BOOT && v->baseline &&
	       (v->state == REF_LEARNED || v->state == REF_PROMOTED) &&
	       reference_open_known(v->compiled, ret) == ASSAY_OK;
}

static bool
expired(const struct appraisal *a, size_t i)
{
	int64_t end = a->in->references[i].not_after;

	return end != 0 && a->in->now > end;
}

/* One baseline that holds as a whole is enough; else the nearest one is told. One that
 * has expired does not hold: that there is none any more would be milder. */
void
baseline_judge(struct appraisal *a)
{
	struct reference set, nearest;
	uint32_t covered = 0, least = 0;

	for (size_t i = 0; a->has_policy && i < a->in->nreferences; i++)
		if (is_baseline(a, i, &set))
			covered |= covered_by(a, &set);
	for (size_t i = 0; covered != 0 && i < a->in->nreferences; i++) {
		uint32_t pcrs;

		if (!is_baseline(a, i, &set))
			continue;
		pcrs = expired(a, i) ? covered : differing(a, &set, covered);
		if (pcrs == 0)
			return;
		if (least == 0 || count(pcrs) < count(least)) {
			nearest = set;
			least = pcrs;
		}
	}
	if (least != 0)
		report(a, &nearest, least);
}
