/*
 * keeper_rollout.h: a new version of a policy on its way through the rings.
 *
 * While a rollout runs, devices with one of its labels are judged by the new version and
 * all others as before. What the new version decides is held against what the replay
 * predicted; more differences than the rollout allows halt it: it goes no further, and
 * only an operator can promote it or go back. Nothing is ever rolled back by itself, so
 * that devices that fail on purpose weaken nobody's policy (D13).
 */
#ifndef VERIFIER_KEEPER_ROLLOUT_H
#define VERIFIER_KEEPER_ROLLOUT_H

#include "keeper.h"
#include "keeper_replay.h"

struct keeper_rollout {
	struct ledger_rollout o;
	struct replay *predicted; /* NULL: it cannot be read */
	uint8_t *seen;		  /* per row of it: SEEN_ */
	uint32_t judged, differ, unpredicted;
};

/* From the ledger, when policies are; what was counted of a rollout that goes on stays. */
ASSAY_MUST_USE enum assay_err keeper_rollouts_load(struct keeper *k);
void keeper_rollouts_free(struct keeper *k);
/* A device was judged; within the change that stores it. */
ASSAY_MUST_USE enum assay_err keeper_rollout_observe(struct keeper *k, const char *device,
						     const struct verdict *v);
const struct keeper_rollout *keeper_rollout_find(struct keeper *k, const char *name);

#endif
