/* keeper_rollout.c: see keeper_rollout.h. */
#include "keeper_private.h"
#include "keeper_rollout.h"

#include "labels.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_JUDGED 1u
#define SEEN_DIFFERED 2u

static void
rollout_free(struct keeper_rollout *r)
{
	replay_free(r->predicted);
	free(r->seen);
	memset(r, 0, sizeof *r);
}

void
keeper_rollouts_free(struct keeper *k)
{
	for (unsigned i = 0; i < k->nrollouts; i++)
		rollout_free(&k->rollouts[i]);
	free(k->rollouts);
	k->rollouts = NULL;
	k->nrollouts = 0;
}

/* A device without a prediction differs if it got worse than it was. */
static bool
differs(const struct replay_row *row, const struct verdict *v)
{
	enum outcome gets = verdict_effective(v);

	return row->after == REPLAY_UNKNOWN ? gets < (enum outcome)row->before
					    : gets != (enum outcome)row->verdict;
}

/* Counts a device once as judged and once as different. True: it is newly different. */
static bool
count(struct keeper_rollout *r, size_t at, bool different)
{
	uint8_t *seen = &r->seen[at];
	bool news = different && !(*seen & SEEN_DIFFERED);

	r->judged += !(*seen & SEEN_JUDGED);
	r->differ += news;
	*seen |= (uint8_t)(SEEN_JUDGED | (different ? SEEN_DIFFERED : 0));
	return news;
}

/* After a restart: what the devices' last verdicts say of it. */
static enum assay_err
recount(struct keeper *k, struct keeper_rollout *r)
{
	for (size_t i = 0; i < r->predicted->nrows; i++) {
		const struct replay_row *row = &r->predicted->rows[i];
		struct verdict v = {.outcome = OUTCOME_QUARANTINE};
		char id[DEVICE_ID_HEX + 1];
		struct ledger_state st;
		enum assay_err e = hex_encode(SPAN(row->id, sizeof row->id), id, sizeof id);

		if (e == ASSAY_OK)
			e = ledger_state_outline(k->ledger, id, &st);
		if (e == ASSAY_IO || e == ASSAY_NO_MEMORY)
			return e;
		if (e != ASSAY_OK || !span_equal(SPAN(st.policy, 32), SPAN(r->o.policy, 32)))
			continue;
		v.outcome = st.verdict_outcome;
		(void)count(r, i, differs(row, &v));
	}
	return ASSAY_OK;
}

/* A prediction that is gone leaves nothing to hold decisions against: halted. */
static enum assay_err
open_rollout(struct keeper *k, const struct ledger_rollout *o, bool restarted,
	     struct keeper_rollout *ret)
{
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	ret->o = *o;
	e = keeper_replay_load(k, o->replay, &ret->predicted);
	if (e == ASSAY_IO || e == ASSAY_NO_MEMORY)
		return e;
	if (e != ASSAY_OK) {
		ret->o.state = ROLLOUT_HALTED;
		snprintf(ret->o.why, sizeof ret->o.why, "its replay cannot be read");
		return ASSAY_OK;
	}
	ret->seen = calloc(ret->predicted->nrows + 1, 1);
	if (!ret->seen)
		return ASSAY_NO_MEMORY;
	return restarted ? recount(k, ret) : ASSAY_OK;
}

static bool
same(const struct keeper_rollout *r, const struct ledger_rollout *o)
{
	return strcmp(r->o.name, o->name) == 0 && r->o.replay == o->replay &&
	       span_equal(SPAN(r->o.policy, 32), SPAN(o->policy, 32));
}

/* The one that is loaded already, taken over with what was counted. */
static bool
take_over(struct keeper *k, const struct ledger_rollout *o, struct keeper_rollout *ret)
{
	for (unsigned i = 0; i < k->nrollouts; i++) {
		struct keeper_rollout *r = &k->rollouts[i];

		if (!r->predicted || !same(r, o))
			continue;
		*ret = *r;
		ret->o = *o;
		memset(r, 0, sizeof *r);
		return true;
	}
	return false;
}

enum assay_err
keeper_rollouts_load(struct keeper *k)
{
	struct keeper_rollout *all = calloc(KEEPER_POLICIES_MAX, sizeof *all);
	char after[LEDGER_NAME_MAX + 1] = "";
	struct ledger_rollout o;
	bool restarted = k->rollouts == NULL;
	enum assay_err e = all ? ASSAY_OK : ASSAY_NO_MEMORY;
	unsigned n = 0;

	while (e == ASSAY_OK && n < KEEPER_POLICIES_MAX &&
	       (e = ledger_rollout_next(k->ledger, after, &o)) == ASSAY_OK) {
		memcpy(after, o.name, sizeof after);
		if (o.state != ROLLOUT_RUNNING && o.state != ROLLOUT_HALTED)
			continue;
		if (!take_over(k, &o, &all[n]))
			e = open_rollout(k, &o, restarted, &all[n]);
		n++;
	}
	keeper_rollouts_free(k);
	k->rollouts = all;
	k->nrollouts = all ? n : 0;
	return e == ASSAY_NOT_FOUND || e == ASSAY_TAMPERED ? ASSAY_OK : e;
}

const struct keeper_rollout *
keeper_rollout_find(struct keeper *k, const char *name)
{
	for (unsigned i = 0; i < k->nrollouts; i++)
		if (strcmp(k->rollouts[i].o.name, name) == 0)
			return &k->rollouts[i];
	return NULL;
}

static enum assay_err
halt(struct keeper *k, struct keeper_rollout *r, const char *device)
{
	enum assay_err e;

	r->o.state = ROLLOUT_HALTED;
	r->o.updated = k->now;
	snprintf(r->o.why, sizeof r->o.why,
		 "%u devices are judged otherwise than replay %llu predicted (limit %u), last %s",
		 r->differ, (unsigned long long)r->o.replay, r->o.halt_above, device);
	log_event(LOG_LEVEL_WARN, "rollout-halted", "policy", r->o.name, "ring", r->o.ring, "why",
		  r->o.why, NULL);
	if ((e = keeper_change(k)) != ASSAY_OK ||
	    (e = ledger_rollout_put(k->ledger, &r->o)) != ASSAY_OK)
		return e;
	return keeper_audit(k, "verifier", "policy.halt", r->o.name, r->o.why);
}

enum assay_err
keeper_rollout_observe(struct keeper *k, const char *device, const struct verdict *v)
{
	for (unsigned i = 0; i < k->nrollouts; i++) {
		struct keeper_rollout *r = &k->rollouts[i];
		const struct replay_row *row;

		if (!r->predicted || !span_equal(SPAN(r->o.policy, 32), SPAN(v->policy, 32)))
			continue;
		row = replay_row(r->predicted, device);
		if (!row) {
			r->unpredicted++;
			continue;
		}
		if (!count(r, (size_t)(row - r->predicted->rows), differs(row, v)))
			continue;
		log_event(LOG_LEVEL_WARN, "unpredicted", "policy", r->o.name, "device", device,
			  "outcome", outcome_name(v->outcome), NULL);
		if (r->o.state == ROLLOUT_RUNNING && r->differ > r->o.halt_above)
			return halt(k, r, device);
	}
	return ASSAY_OK;
}
