/* gather.c: facts of the device's record, the quote and the claims. See appraisal.h. */
#include "appraisal.h"

#include "text.h"

#include <string.h>

void
gather_record_facts(struct appraisal *a)
{
	const struct device_view *d = &a->in->device;
	const struct ek_facts *ek = &d->ek;
	struct fact_set *s = a->facts;

	factset_bool(s, FACT_CHANNEL_BOUND, a->in->channel.n == BINDING_CHANNEL_SIZE);
	offline_gather(a);
	factset_text(s, FACT_DEVICE_CLASS, d->class_name);
	factset_text(s, FACT_DEVICE_TIER, tier_name(d->tier));
	factset_bool(s, FACT_DEVICE_NEW_AK, d->new_ak);
	factset_bool(s, FACT_EK_CERTIFICATE, ek->certificate);
	factset_bool(s, FACT_EK_TRUSTED, ek->trusted);
	factset_bool(s, FACT_EK_ALLOW_LISTED, ek->allow_listed);
	factset_bool(s, FACT_EK_WEAK, ek->weak);
	if (!ek->certificate)
		return;
	factset_bool(s, FACT_EK_EXPIRED, ek->expired);
	factset_bool(s, FACT_EK_ISSUER_EXPIRED, ek->issuer_expired);
	factset_bool(s, FACT_EK_VIRTUAL_TPM, ek->virtual_tpm);
	factset_text(s, FACT_EK_REASON, ek->reason);
	factset_text(s, FACT_EK_MANUFACTURER, ek->manufacturer);
	factset_text(s, FACT_EK_MODEL, ek->model);
	factset_text(s, FACT_EK_VERSION, ek->version);
	factset_text(s, FACT_EK_SERIAL, ek->serial);
	factset_text(s, FACT_EK_ISSUER, ek->issuer);
	if (ek->not_after > 0)
		factset_number(s, FACT_EK_NOT_AFTER, (uint64_t)ek->not_after);
}

/* Text made here lives in the arena's stead: quote.banks is short and bounded. */
static void
gather_banks(struct appraisal *a)
{
	const struct pcr_values *v = &a->proof.pcrs;
	bool sha1_only = true;
	size_t n = 0;

	a->banks[0] = '\0';
	for (size_t i = 0; i < v->count; i++) {
		text_format(a->banks + n, sizeof a->banks - n, "%s%s", i ? " " : "",
			    digest_name(v->bank[i].alg));
		n = strlen(a->banks);
		sha1_only &= v->bank[i].alg == ALG_SHA1;
	}
	factset_text(a->facts, FACT_QUOTE_BANKS, a->banks);
	factset_bool(a->facts, FACT_QUOTE_SHA1_ONLY, sha1_only);
}

static void
gather_pcrs(struct appraisal *a)
{
	const struct pcr_values *v = &a->proof.pcrs;

	for (size_t i = 0; i < v->count; i++)
		for (unsigned k = 0; k < PCR_COUNT; k++)
			if (v->bank[i].mask >> k & 1)
				factset_digest(a->facts, FACT_PCR, (int32_t)k,
					       &v->bank[i].value[k]);
}

static void
gather_quote(struct appraisal *a)
{
	const struct counters *c = &a->counters;
	struct fact_set *s = a->facts;

	gather_banks(a);
	factset_number(s, FACT_QUOTE_RESET_COUNT, c->reset_count);
	factset_number(s, FACT_QUOTE_RESTART_COUNT, c->restart_count);
	factset_number(s, FACT_QUOTE_CLOCK, c->last_clock);
	factset_bool(s, FACT_QUOTE_CLOCK_SAFE, c->clock_safe);
	factset_number(s, FACT_QUOTE_FIRMWARE_VERSION, c->firmware_version);
	factset_bool(s, FACT_CONTINUITY_FIRST, !a->prev.present);
	if (a->prev.present)
		factset_bool(s, FACT_CONTINUITY_REBOOTED, !a->same_boot);
	gather_pcrs(a);
}

static void
gather_claims(struct appraisal *a)
{
	struct digest d;

	if (!a->has_claims)
		return;
	if (a->claims.agent.n != 0)
		factset_add(a->facts, FACT_AGENT)->text = a->claims.agent;
	if (digest_from(ALG_SHA256, a->claims.boot_log_digest, &d) == ASSAY_OK)
		factset_digest(a->facts, FACT_BOOT_LOG_DIGEST, -1, &d);
	factset_bool(a->facts, FACT_BOOT_LOG, a->log_sound || (a->steady && a->proved != 0));
}

void
gather_facts(struct appraisal *a)
{
	gather_record_facts(a);
	gather_quote(a);
	gather_claims(a);
}
