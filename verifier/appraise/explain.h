/*
 * explain.h: what every rule of a policy says to a device, also those that hold.
 *
 * Made by judging stored evidence once more (appraise_replay()); bounded plain data with
 * a canonical encoding, since it comes from an appraiser. It is for people: no decision
 * is made of it.
 */
#ifndef APPRAISE_EXPLAIN_H
#define APPRAISE_EXPLAIN_H

#include "appraise.h"
#include "fact.h"
#include "policy.h"

enum told_state {
	TOLD_HOLDS = 0,
	TOLD_FAILS,
	TOLD_MISSING,   /* the fact is not known, and that is a finding */
	TOLD_WAIVED,    /* it is not known, and the rule is optional */
	TOLD_NOT_JUDGED, /* in this round */
	TOLD_STATE_COUNT
};
const char *told_state_name(enum told_state s);

struct told_rule {
	char id[FINDING_RULE_MAX];
	char fact[POLICY_FACT_MAX + 8];
	char seen[FINDING_VALUE_MAX], expected[FINDING_VALUE_MAX];
	uint8_t state, provenance;
	uint8_t cap; /* what it allows: ADMIT where it holds */
};

#define TOLD_RULES_MAX (POLICY_RULES_MAX + POLICY_SOFTWARE_MAX)
#define TOLD_OTHERS_MAX 16

struct told {
	uint8_t status, outcome; /* of the verdict; a "would" if the policy only watches */
	uint8_t need;		 /* enum part_kind: what was missing to judge it; 0: nothing */
	bool monitor;
	uint8_t policy[32];
	uint8_t nrules;
	struct told_rule rules[TOLD_RULES_MAX]; /* rules, then items of software */
	uint8_t nothers;
	struct finding others[TOLD_OTHERS_MAX]; /* findings of no rule, worst first */
	uint16_t nothers_more;
};

#define TOLD_BYTES_MAX (192u << 10)

void appraise_explain(const struct appraisal_input *in, struct arena *scratch,
		      struct verdict *work, struct told *ret);
ASSAY_MUST_USE enum assay_err told_encode(const struct told *x, uint8_t *ret,
						 size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err told_decode(struct span in, struct told *ret);

#endif
