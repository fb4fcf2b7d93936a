/* gather_key.c: facts of devices without TPM, and what speaks against them. See
 * appraisal.h. */
#include "appraisal.h"

#include "text.h"

#include <string.h>

static void
layer_digest(struct appraisal *a, enum fact_id id, unsigned layer, const struct digest *d)
{
	if (d->alg != ALG_NONE)
		factset_digest(a->facts, id, (int32_t)layer, d);
}

static void
gather_layer(struct appraisal *a, unsigned i)
{
	const struct dice_layer *l = &a->dice.layer[i];
	const char *mode = dice_mode_name(l->mode);
	struct fact_value *f = factset_add(a->facts, FACT_DICE_MODE);

	f->index = (int32_t)i;
	f->text = SPAN(mode, strlen(mode));
	layer_digest(a, FACT_DICE_CODE, i, &l->code);
	layer_digest(a, FACT_DICE_CONFIG, i, &l->config);
	layer_digest(a, FACT_DICE_AUTHORITY, i, &l->authority);
	if (!l->has_svn)
		return;
	f = factset_add(a->facts, FACT_DICE_SVN);
	f->index = (int32_t)i;
	f->number = l->svn;
}

static void
gather_dice(struct appraisal *a)
{
	struct digest signer;

	factset_number(a->facts, FACT_DICE_LAYERS, a->dice.count);
	factset_bool(a->facts, FACT_DICE_NORMAL, a->dice.normal);
	if (digest_from(ALG_SHA256, SPAN(a->signer_name.b + 2, 32), &signer) == ASSAY_OK)
		factset_digest(a->facts, FACT_DICE_SIGNER, -1, &signer);
	for (unsigned i = 0; i < a->dice.count; i++)
		gather_layer(a, i);
}

void
gather_key(struct appraisal *a)
{
	const struct device_view *d = &a->in->device;
	struct fact_set *s = a->facts;

	factset_bool(s, FACT_CHANNEL_BOUND, a->in->channel.n == BINDING_CHANNEL_SIZE);
	offline_gather(a);
	factset_text(s, FACT_DEVICE_CLASS, d->class_name);
	factset_text(s, FACT_DEVICE_TIER, tier_name(d->tier));
	factset_bool(s, FACT_DEVICE_COPIED, d->copied);
	factset_text(s, FACT_KEY_TYPE, devicekey_word(&a->signer));
	factset_bool(s, FACT_KEY_CERTIFIED, d->ek.trusted);
	factset_text(s, FACT_KEY_REASON, d->ek.reason);
	factset_text(s, FACT_KEY_ISSUER, d->ek.issuer);
	factset_text(s, FACT_KEY_SERIAL, d->ek.serial);
	factset_bool(s, FACT_CONTINUITY_FIRST, !a->prev.present);
	if (a->has_claims && a->claims.agent.n != 0)
		factset_add(s, FACT_AGENT)->text = a->claims.agent;
	if (a->has_claims && a->claims.start_id.n != 0) {
		factset_number(s, FACT_START_COUNT, a->claims.start_count);
		factset_number(s, FACT_START_ROUND, a->claims.round);
	}
	if (d->tier == TIER_DICE)
		gather_dice(a);
}

/* ---- what the record and the chain say against it ---- */

static void
judge_certificate(struct appraisal *a)
{
	const struct ek_facts *c = &a->in->device.ek;
	bool over = c->certificate && c->not_after > 0 && a->in->now > c->not_after;
	struct finding *f;

	if (a->in->device.tier == TIER_DICE && !c->trusted && !c->allow_listed) {
		f = find(a, FIND_KEY_UNTRUSTED, OUTCOME_QUARANTINE);
		f->provenance = PROV_RECORD;
		text_format(f->seen, sizeof f->seen, "%s", c->reason);
	}
	if (!c->trusted || a->policy.allow_ek_expired)
		return;
	if (c->not_after > 0 && (a->v->not_after == 0 || c->not_after < a->v->not_after))
		a->v->not_after = c->not_after;
	if (!over)
		return;
	f = find(a, FIND_KEY_EXPIRED, OUTCOME_QUARANTINE);
	f->provenance = PROV_RECORD;
	fact_time_text(c->not_after, f->seen, sizeof f->seen);
}

static void
judge_mode(struct appraisal *a)
{
	for (unsigned i = 0; i < a->dice.count; i++) {
		enum dice_mode mode = a->dice.layer[i].mode;
		struct finding *f;

		if (mode == DICE_MODE_NORMAL)
			continue;
		f = find(a, FIND_DICE_MODE, OUTCOME_QUARANTINE);
		f->provenance = PROV_DICE;
		text_format(f->subject, sizeof f->subject, "layer %u", i);
		text_format(f->seen, sizeof f->seen, "%s", dice_mode_name(mode));
		text_format(f->expected, sizeof f->expected, "normal");
	}
}

void
key_judge(struct appraisal *a)
{
	struct finding *f;

	judge_certificate(a);
	judge_mode(a);
	if (!a->in->device.copied)
		return;
	f = find(a, FIND_COPIED, OUTCOME_QUARANTINE);
	f->provenance = PROV_RECORD;
	text_format(f->subject, sizeof f->subject, "device record");
}

/* Where nothing but the key was judged, nothing speaks for what the device runs. */
void
judged_check(struct appraisal *a)
{
	const struct policy *p = &a->policy;
	bool tpm = tier_has_tpm(a->in->device.tier);
	struct finding *f;

	if (!a->has_policy || (tpm ? p->compare != 0 : a->judged))
		return;
	f = find(a, FIND_UNJUDGED, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "tier %s", tier_name(a->in->device.tier));
	text_format(f->expected, sizeof f->expected, "%s",
		    tpm ? "PCRs under references"
			: "a rule or reference over software.* or dice.* that holds");
}
