/* appraise.c: the recipe, from evidence to verdict; see appraise.h. */
#include "appraisal.h"

#include "text.h"

#include <stddef.h>
#include <string.h>

#define ALIGNMENT 16
#define CRYPTO_FAILED 99 /* AR4SI: cryptographic validation failed */

/* Until a step says otherwise the verdict is the zero one: FAULT, QUARANTINE. */
void
appraisal_begin(struct appraisal *a, const struct appraisal_input *in, struct arena *scratch,
		struct verdict *ret)
{
	memset(a, 0, offsetof(struct appraisal, proof));
	msg_proof_clear(&a->proof);
	continuity_clear(&a->prev);
	verdict_clear(ret);
	arena_reset(scratch);
	a->in = in;
	a->scratch = scratch;
	a->v = ret;
	a->best = OUTCOME_ADMIT;
}

/* For people: the first facts of the set. Rules saw them all. */
static void
show_facts(struct appraisal *a)
{
	struct verdict *v = a->v;

	for (size_t i = 0; i < a->facts->count && v->nfacts < VERDICT_FACTS_MAX; i++) {
		const struct fact_value *from = &a->facts->v[i];
		struct fact *f = &v->facts[v->nfacts++];

		f->id = (uint16_t)from->id;
		f->provenance = (uint8_t)fact_info(from->id)->provenance;
		f->index = from->index;
		f->event = from->event;
		text_escape(from->instance, f->instance, sizeof f->instance);
		fact_value_text(from, f->text, sizeof f->text);
	}
}

void *
appraisal_alloc(struct appraisal *a, size_t n)
{
	struct arena *m = a->scratch;
	size_t pad = (ALIGNMENT - ((uintptr_t)m->p + m->used) % ALIGNMENT) % ALIGNMENT;
	void *p;

	if (pad > m->cap - m->used || n > m->cap - m->used - pad)
		return NULL;
	p = m->p + m->used + pad;
	m->used += pad + n;
	return p;
}

bool
appraisal_unproven(struct appraisal *a, enum finding_code code, const char *subject,
		   const char *seen)
{
	static const enum ar4si_claim failed[] = {AR4SI_INSTANCE_IDENTITY, AR4SI_CONFIGURATION,
						  AR4SI_EXECUTABLES, AR4SI_HARDWARE};
	struct verdict *v = a->v;
	struct finding *f;

	verdict_clear(v);
	f = find(a, code, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "%s", subject);
	text_format(f->seen, sizeof f->seen, "%s", seen);
	v->status = VERDICT_UNPROVEN;
	for (size_t i = 0; i < sizeof failed / sizeof failed[0]; i++)
		v->vector[failed[i]] = CRYPTO_FAILED;
	return false;
}

bool
appraisal_needs(struct appraisal *a, enum part_kind kind, uint64_t limit)
{
	struct verdict *v = a->v;

	verdict_clear(v);
	v->status = VERDICT_NEED;
	v->need.nwants = 1;
	v->need.wants[0] = (struct msg_want){.kind = kind, .limit = limit};
	if (kind == PART_IMA)
		v->need.wants[0].from = a->ima.from;
	if (kind == PART_BOOT_LOG && a->ima.judged && !a->ima.current && !a->in->has_ima)
		v->need.wants[v->need.nwants++] =
			(struct msg_want){.kind = PART_IMA, .from = a->ima.from,
					  .limit = IMALOG_MAX};
	return false;
}

/* Something was compared with reference values, and all that had to match did. */
static bool
approved(const struct appraisal *a)
{
	bool software = policy_needs_software(&a->policy);

	if (software && !a->software_matched)
		return false;
	return tier_has_tpm(a->in->device.tier) ? a->policy.compare != 0 && a->reference_matched
						: a->judged;
}

/*
 * The outcome is what every finding allows, and better than QUARANTINE only if there
 * is a policy that was met in whole and a reference set that matched in whole.
 */
void
appraisal_decide(struct appraisal *a)
{
	struct verdict *v = a->v;

	continuity_carry(a);
	findings_settle(v);
	v->status = VERDICT_DECIDED;
	v->outcome = OUTCOME_QUARANTINE;
	if (a->has_policy && a->has_claims)
		v->outcome = a->best;
	if (!approved(a) && v->outcome == OUTCOME_ADMIT)
		v->outcome = OUTCOME_QUARANTINE;
	show_facts(a);
	vector_compute(a);
	continuity_next(a);
}

/* Nothing has been decided: a fault of ours, which admits nothing and is stored nowhere. */
static void
fault(struct verdict *v)
{
	verdict_clear(v);
	v->nfindings = 1;
	v->findings[0] = (struct finding){
		.code = FIND_INTERNAL,
		.cap = OUTCOME_QUARANTINE,
		.severity = SEV_HIGH,
		.pcr = -1,
		.event = -1,
	};
	memset(v->vector, -1, sizeof v->vector);
}

/* What a device without TPM has: its key, its claims, of DICE devices the chain. */
static void
judge_key(struct appraisal *a)
{
	gather_key(a);
	attested_gather(a);
	gather_software(a);
	identity_judge(a);
	attested_judge(a);
	knownbad_judge(a);
	software_judge(a);
	policy_judge(a);
	a->judged |= a->software_matched;
	judged_check(a);
}

/* Devices are asked for what any policy needs; from here on only what the device's own
 * policy asks for counts, so that no other policy changes what is said of it. */
static void
narrow(struct appraisal *a, struct appraisal_input *room)
{
	const struct pcr_selection *ask = &a->policy.info.ask;

	if (!a->has_policy || ask->count == 0)
		return;
	*room = *a->in;
	room->asked.count = 0;
	for (unsigned i = 0; i < a->in->asked.count; i++) {
		struct pcr_bank_selection *to = &room->asked.bank[room->asked.count];

		*to = a->in->asked.bank[i];
		to->mask &= pcr_selected(ask, to->alg);
		if (to->mask != 0)
			room->asked.count++;
	}
	a->in = room;
}

/* False: the verdict is complete as it is (UNPROVEN, NEED) or could not be reached. */
static bool
judge(struct appraisal *a, struct appraisal_input *room)
{
	if (!core_check(a) || !claims_check(a))
		return false;
	judges_open(a);
	narrow(a, room);
	if (!continuity_check(a))
		return false;
	offline_judge(a);
	if (!tier_has_tpm(a->in->device.tier)) {
		if (!software_check(a))
			return false;
		judge_key(a);
		return true;
	}
	ima_plan(a);
	if (!boot_check(a) || !ima_check(a) || !software_check(a))
		return false;
	gather_facts(a);
	attested_gather(a);
	gather_boot(a);
	gather_software(a);
	ima_judge(a);
	identity_judge(a);
	attested_judge(a);
	reference_judge(a);
	plan_judge(a);
	baseline_judge(a);
	last_boot_judge(a);
	knownbad_judge(a);
	software_judge(a);
	policy_judge(a);
	judged_check(a);
	return true;
}

struct how {
	bool replay;
	struct told *told; /* may be NULL */
};

static void
run(const struct appraisal_input *in, struct how how, struct arena *scratch, struct verdict *ret)
{
	struct appraisal_input room;
	struct appraisal a;
	struct fact_set facts;

	appraisal_begin(&a, in, scratch, ret);
	a.replay = how.replay;
	a.told = how.told;
	factset_init(&facts);
	a.facts = &facts;
	if (judge(&a, &room))
		appraisal_decide(&a);
	else if (ret->status == VERDICT_FAULT)
		fault(ret);
}

/*
 * A policy in monitor mode is judged first, for what it would say; then the one that is
 * enforced meanwhile, for all that counts: outcome, findings, what is remembered.
 */
static void
appraise_both(const struct appraisal_input *in, struct arena *scratch, struct verdict *ret)
{
	struct appraisal_input enforced = *in;
	enum outcome would = OUTCOME_QUARANTINE;

	run(in, (struct how){false, NULL}, scratch, ret);
	if (ret->status == VERDICT_NEED || ret->status == VERDICT_UNPROVEN)
		return;
	if (ret->status == VERDICT_DECIDED)
		would = ret->outcome;
	enforced.policy = in->enforced;
	memcpy(enforced.policy_digest, in->enforced_digest, sizeof enforced.policy_digest);
	run(&enforced, (struct how){false, NULL}, scratch, ret);
	if (ret->status != VERDICT_DECIDED)
		return;
	memcpy(ret->policy, in->policy_digest, sizeof ret->policy);
	ret->monitor = ret->enforced = true;
	ret->would = would;
}

void
appraise(const struct appraisal_input *in, struct arena *scratch, struct verdict *ret)
{
	if (in->enforced.n != 0)
		appraise_both(in, scratch, ret);
	else
		run(in, (struct how){false, NULL}, scratch, ret);
}

void
appraise_replay(const struct appraisal_input *in, struct arena *scratch, struct verdict *ret)
{
	run(in, (struct how){true, NULL}, scratch, ret);
	ret->prediction = true;
}

void
appraise_recorded(const struct appraisal_input *in, struct arena *scratch, struct verdict *ret,
		  struct told *told)
{
	run(in, (struct how){true, told}, scratch, ret);
	ret->prediction = true;
}

struct told_rule *
appraisal_tell(struct appraisal *a, struct span id)
{
	struct told_rule *t;

	if (!a->told || a->told->nrules == TOLD_RULES_MAX)
		return NULL;
	t = &a->told->rules[a->told->nrules++];
	text_escape(id, t->id, sizeof t->id);
	t->cap = OUTCOME_ADMIT;
	return t;
}

void
appraise_core_only(const struct appraisal_input *in, struct arena *scratch, struct verdict *ret)
{
	struct appraisal a;

	appraisal_begin(&a, in, scratch, ret);
	if (!core_check(&a))
		return;
	judges_open(&a);
	if (!continuity_check(&a)) {
		if (ret->status == VERDICT_FAULT)
			fault(ret);
		return;
	}
	ret->next.software = a.prev.software;
	(void)find_sticky(&a, FIND_UNJUDGEABLE, OUTCOME_QUARANTINE);
	a.keep_boot = a.same_boot;
	if (a.same_boot)
		ret->next.ima = a.prev.ima;
	continuity_carry(&a);
	findings_settle(ret);
	ret->status = VERDICT_DECIDED;
	continuity_next(&a);
}
