/*
 * policy.h: compiled policies and the decision over facts.
 *
 * A policy is written as YAML (docs/policy.md), compiled by the compiler process
 * (verifier/compiler/policy_compile.c) to a flat, content-addressed byte string
 * (its SHA-256 is the policy's identity), and read in place here.
 */
#ifndef APPRAISE_POLICY_H
#define APPRAISE_POLICY_H

#include "appraise.h"

#define POLICY_BYTES_MAX (256u << 10)
#define POLICY_NAME_MAX 64
#define POLICY_RULES_MAX 128

/* What keeper needs to know of a policy: whom it judges and what to ask for. */
struct policy_info {
	char name[POLICY_NAME_MAX + 1];
	uint32_t version;
	char class_name[DEVICE_CLASS_MAX + 1]; /* "*": any class */
	char labels[DEVICE_LABELS_MAX + 1];    /* every one must be on the device */
	bool monitor;
	struct pcr_selection ask;
	uint32_t interval_s, patience, max_age_s; /* max_age <= interval * patience */
	uint8_t digest[32]; /* SHA-256 of the compiled bytes */
};

/* Check the whole of a compiled policy and read its head. */
ASSAY_MUST_USE enum assay_err policy_info(struct span compiled, struct policy_info *ret);
/* How specific a policy is for a device: 0 does not apply; class "*" 1, class 2,
 * plus 1 per label. The most specific judges; a tie is an error (activation refuses). */
unsigned policy_rank(const struct policy_info *p, const char *class_name,
		     const char *labels);

#endif
