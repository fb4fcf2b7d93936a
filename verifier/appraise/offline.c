/* offline.c: evidence that came in a file, for a challenge in a file. See appraisal.h.
 *
 * It is older than evidence on a connection: its age counts from the challenge, nothing
 * shows where it was made, and what the device did since may be known already. */
#include "appraisal.h"

#include "text.h"

#include <inttypes.h>

bool
offline_sound(const struct appraisal_input *in)
{
	return !binding_is_offline(in->kind) || (in->issued > 0 && in->channel.n == 0);
}

/* ---- the order of rounds ---- */

static bool
tpm_is_behind(const struct appraisal *a)
{
	const struct counters *c = &a->counters;
	const struct continuity *p = &a->prev;

	return c->reset_count < p->reset_count ||
	       (c->reset_count == p->reset_count &&
		(c->restart_count < p->restart_count || c->first_clock <= p->clock));
}

static bool
key_is_behind(const struct appraisal *a)
{
	const struct key_state *p = &a->prev.key;
	const struct msg_claims *c = &a->claims;
	struct span signer = SPAN(a->signer_name.b + 2, 32); /* core_key.c: SHA-256 */

	if (!p->present)
		return false;
	for (unsigned i = 0; i < p->npast; i++)
		if (span_equal(signer, SPAN(p->past[i], sizeof p->past[i])))
			return true;
	if (!a->has_claims || c->start_id.n != sizeof p->start_id)
		return false;
	if (span_equal(c->start_id, SPAN(p->start_id, sizeof p->start_id)))
		return c->start_count == p->start_count && c->round <= p->round;
	return c->start_count <= p->start_count;
}

/* Only where another round was judged since the challenge was issued: a device that is
 * behind an earlier one has gone back, whatever it answers. */
bool
offline_order(struct appraisal *a)
{
	const struct appraisal_input *in = a->in;
	bool behind;

	if (!binding_is_offline(in->kind) || a->replay || !a->prev.present ||
	    in->judged < in->issued)
		return true;
	behind = tier_has_tpm(in->device.tier) ? tpm_is_behind(a) : key_is_behind(a);
	return !behind || appraisal_unproven(a, FIND_SUPERSEDED, "evidence",
					     "it was made before the round judged last");
}

/* ---- what policy takes ---- */

static uint64_t
age_of(const struct appraisal_input *in)
{
	return in->now > in->issued ? (uint64_t)(in->now - in->issued) : 0;
}

void
offline_judge(struct appraisal *a)
{
	const struct appraisal_input *in = a->in;
	uint32_t most = a->policy.info.offline_max_age_s;
	struct finding *f;

	if (!binding_is_offline(in->kind) || !a->has_policy)
		return;
	if (most == 0) {
		f = find(a, FIND_OFFLINE, OUTCOME_QUARANTINE);
		f->provenance = PROV_VERIFIER;
		text_format(f->subject, sizeof f->subject, "evidence");
		return;
	}
	/* of a prediction the age says nothing: what it is about has been judged in time */
	if (a->replay || age_of(in) < most)
		return;
	f = find(a, FIND_OFFLINE_OLD, OUTCOME_QUARANTINE);
	f->provenance = PROV_VERIFIER;
	text_format(f->subject, sizeof f->subject, "evidence");
	text_format(f->seen, sizeof f->seen, "%" PRIu64 " s since the challenge", age_of(in));
	text_format(f->expected, sizeof f->expected, "less than %" PRIu32 " s", most);
}

void
offline_gather(struct appraisal *a)
{
	bool offline = binding_is_offline(a->in->kind);

	factset_bool(a->facts, FACT_EVIDENCE_OFFLINE, offline);
	if (offline)
		factset_number(a->facts, FACT_EVIDENCE_AGE, age_of(a->in));
}
