/*
 * policy_recall.h: what references say of a fact: of a device's own baselines ("unchanged
 * since") and of approved sets ("subset of the reference").
 */
#ifndef APPRAISE_POLICY_RECALL_H
#define APPRAISE_POLICY_RECALL_H

#include "appraisal.h"

enum recall {
	RECALL_NONE = 0, /* no set says anything of it */
	RECALL_DIFFERS,
	RECALL_EQUAL,
};

/* The fact against the device's baselines: one that has it so is enough. *ret_text: what a
 * baseline has, for people. */
enum recall recall_baseline(const struct appraisal *a, const struct fact_value *f, char *ret_text,
			    size_t cap);
/* The words of a list against the same list in promoted sets of software: one set that has
 * them all is enough. */
enum recall recall_list(const struct appraisal *a, const struct fact_value *f, char *ret_text,
			size_t cap);

#endif
