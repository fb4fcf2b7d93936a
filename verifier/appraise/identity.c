/* identity.c: what the device's record says against it. See appraisal.h. */
#include "appraisal.h"

#include "text.h"

static void
lower_not_after(struct verdict *v, int64_t t)
{
	if (t > 0 && (v->not_after == 0 || t < v->not_after))
		v->not_after = t;
}

static void
judge_ek_time(struct appraisal *a)
{
	const struct ek_facts *ek = &a->in->device.ek;
	bool over = ek->not_after > 0 && a->in->now > ek->not_after;
	struct finding *f;

	if (!ek->certificate || a->policy.allow_ek_expired)
		return;
	lower_not_after(a->v, ek->not_after);
	if (!ek->expired && !ek->issuer_expired && !over)
		return;
	f = find(a, FIND_EK_EXPIRED, OUTCOME_QUARANTINE);
	f->provenance = PROV_RECORD;
	if (ek->not_after > 0)
		fact_time_text(ek->not_after, f->seen, sizeof f->seen);
	text_format(f->expected, sizeof f->expected, "not expired, or \"ek_expired\" allowed");
}

/* M12: the tier is the record's; what is not a TPM is not appraised as one. Without a
 * certificate nothing says that a TPM is no virtual one, but an operator who has listed
 * exactly this EK. */
static void
judge_tier(struct appraisal *a)
{
	enum tier t = a->in->device.tier;
	const struct ek_facts *ek = &a->in->device.ek;
	enum tier lowest = policy_lowest_tier(&a->policy);
	struct finding *f;

	if (t != TIER_NONE && t < TIER_COUNT && t >= lowest)
		return;
	if (t == TIER_VTPM && ek->allow_listed && !ek->virtual_tpm)
		return;
	f = find(a, FIND_TIER, OUTCOME_QUARANTINE);
	f->provenance = PROV_RECORD;
	text_format(f->seen, sizeof f->seen, "%s", tier_name(t));
	text_format(f->expected, sizeof f->expected, "%s%s", tier_name(lowest),
		    lowest == TIER_TPM ? "" : " or better");
}

static void
judge_banks(struct appraisal *a)
{
	const struct pcr_values *v = &a->proof.pcrs;

	for (size_t i = 0; i < v->count; i++)
		if (v->bank[i].alg != ALG_SHA1)
			return;
	if (!a->policy.allow_sha1_only)
		(void)find(a, FIND_SHA1, OUTCOME_QUARANTINE); /* Q16 */
}

void
identity_judge(struct appraisal *a)
{
	const struct device_view *d = &a->in->device;
	struct finding *f;

	judge_tier(a);
	if (!tier_has_tpm(d->tier)) {
		key_judge(a);
		return;
	}
	if (!d->ek.trusted && !d->ek.allow_listed) {
		f = find(a, FIND_EK_UNTRUSTED, OUTCOME_QUARANTINE);
		f->provenance = PROV_RECORD;
		text_format(f->seen, sizeof f->seen, "%s", d->ek.reason);
	}
	if (d->ek.weak)
		find(a, FIND_EK_WEAK, OUTCOME_QUARANTINE)->provenance = PROV_RECORD;
	if (d->new_ak)
		find(a, FIND_AK_CHANGED, OUTCOME_RESTRICT)->provenance = PROV_RECORD;
	judge_ek_time(a);
	judge_banks(a);
}
