/*
 * keeper_replay.h: what a candidate policy would do to the fleet, from stored evidence.
 *
 * Keeper goes through all enrolled devices in the background: a few requests at a time,
 * only while no live round waits. An appraiser that is asked so answers with a
 * prediction (appraiser.h), which is bounded plain data and can become no decision. One
 * replay runs at a time; it ends in a row of the ledger, its rows and groups with it.
 *
 * A device whose stored inputs do not suffice is unknown, never unchanged.
 */
#ifndef VERIFIER_KEEPER_REPLAY_H
#define VERIFIER_KEEPER_REPLAY_H

#include "keeper.h"

#define REPLAY_GROUPS_MAX 512
#define REPLAY_UNKNOWN 3 /* instead of an outcome */
#define REPLAY_NO_WOULD 3 /* the same: its policy is not in monitor mode */
#define REPLAY_GROUP_NONE 0xFFFFu
#define REPLAY_MAX_AGE_S 86400 /* older ones predict nothing any more */

/* Devices to which the same happens for the same reason. */
struct replay_group {
	uint8_t before, after; /* enum outcome; after may be REPLAY_UNKNOWN */
	uint8_t would;	       /* or REPLAY_NO_WOULD */
	bool over;	       /* the reason is what is over, not what is new */
	uint16_t code;	       /* enum finding_code; FIND_NONE: rule is words */
	char rule[FINDING_RULE_MAX];
	char subject[FINDING_SUBJECT_MAX];
	uint32_t count;
};

/* One device that the candidate concerns. Outcomes are what the decision would be, with
 * the device's status and the operator's overlay, if the evidence were fresh: what it gets,
 * and if its policy is in monitor mode what that would say. */
struct replay_row {
	uint8_t id[DEVICE_ID_HEX / 2];
	uint16_t group; /* REPLAY_GROUP_NONE: nothing changes */
	uint8_t before, after, would, verdict;
};

enum replay_state { REPLAY_RUNNING = 1, REPLAY_DONE, REPLAY_FAILED, REPLAY_CANCELLED };

struct replay {
	enum replay_state state;
	struct ledger_replay head; /* spans unused */
	const char *why;	   /* it failed, or was cancelled */
	char reference_class[DEVICE_CLASS_MAX + 1]; /* while it runs */
	uint32_t done, expected;
	size_t nrows, cap;
	struct replay_row *rows; /* in order of id */
	unsigned ngroups;
	struct replay_group groups[REPLAY_GROUPS_MAX];
	struct replay_run *run; /* while it runs */
};

/* What to replay. */
struct replay_order {
	const struct ledger_policy *policy;
	const struct ledger_reference *reference; /* as if promoted; NULL: none */
	char class_name[DEVICE_CLASS_MAX + 1];	  /* "": all */
	char device[DEVICE_ID_HEX + 1];
	char actor[LEDGER_ACTOR_MAX + 1];
};

/* BUSY: one is running. */
ASSAY_MUST_USE enum assay_err keeper_replay_start(struct keeper *k, const struct replay_order *o,
						  uint64_t *ret_id);
/* Ends the one that runs; nothing of it is kept. NOT_FOUND: this one does not run. */
ASSAY_MUST_USE enum assay_err keeper_replay_cancel(struct keeper *k, uint64_t id);
/* The one that runs, or ran last since start; NULL: none. */
const struct replay *keeper_replay_current(struct keeper *k);
/* From memory or from the ledger; owned by keeper, good until the next call. NOT_FOUND. */
ASSAY_MUST_USE enum assay_err keeper_replay_find(struct keeper *k, uint64_t id,
						 const struct replay **ret);
/* The newest finished one of this policy, whole fleet, without reference. NOT_FOUND. */
ASSAY_MUST_USE enum assay_err keeper_replay_of(struct keeper *k, const uint8_t policy[32],
					       const struct replay **ret);
/* Whether it still says what would happen: nothing was changed since, and it is not old. */
bool keeper_replay_holds(struct keeper *k, const struct replay *r);
/* Of its own, from the ledger; released with replay_free(), which accepts NULL. */
ASSAY_MUST_USE enum assay_err keeper_replay_load(struct keeper *k, uint64_t id,
						 struct replay **ret);
void replay_free(struct replay *r);
/* One that is through goes into the ledger, within a change; gives it its number. */
ASSAY_MUST_USE enum assay_err replay_store(struct keeper *k, struct replay *r);
/* The device's row, or NULL. */
const struct replay_row *replay_row(const struct replay *r, const char *device);

#endif
