/*
 * keeper_offline.h: evidence in files, between operators and rounds; docs/offline.md.
 *
 * A submission is a file from an operator on its way: a compiler process says where its
 * parts are, keeper looks up the challenge that it says it answers, and from there on it
 * is a round like any other, of a session that is no connection. Keeper reads none of it.
 *
 * The nonce is consumed in the change that stores the decision. Until then one submission
 * at a time may answer a challenge; one that was not authentic or not complete leaves it
 * outstanding.
 */
#ifndef VERIFIER_KEEPER_OFFLINE_H
#define VERIFIER_KEEPER_OFFLINE_H

#include "bulk.h"
#include "keeper.h"
#include "verifier/ledger/challenge.h"

#define OFFLINE_SUBMISSIONS_MAX 4	/* under way at a time */
#define OFFLINE_OUTSTANDING_MAX 4	/* challenges of a device */
#define OFFLINE_VALID_S (7 * 86400)	/* how long a challenge can be answered, if not said */
#define OFFLINE_VALID_MIN_S 60
#define OFFLINE_ID_BYTES 8 /* of the nonce, in hex: what a challenge is called */
#define OFFLINE_VALID_MAX_S POLICY_OFFLINE_MAX

/* Who submits, and the operation to be answered. */
struct offline_caller {
	uint64_t op;
	char actor[LEDGER_ACTOR_MAX + 1];
};

/* The file becomes the submission's. BUSY: too many are under way. The operation is
 * answered later by offline_answer_x(). */
ASSAY_MUST_USE enum assay_err keeper_offline_submit(struct keeper *k,
						    const struct offline_caller *caller,
						    struct bulk *file);
/* Those that are under way end unanswered. */
void keeper_offline_end(void);

/* ---- answers: keeper_operation_evidence.c ---- */

struct offline_decision {
	const struct ledger_challenge *challenge;
	const struct decision_view *view;
	const struct verdict *verdict;
	int64_t expires;
};
void offline_answer_decided(struct keeper *k, uint64_t op, const struct offline_decision *d);
/* The evidence is not taken, for this word. */
void offline_answer_refused(struct keeper *k, uint64_t op, const char *word);

#endif
