/*
 * policy_diff.h: two policies as they were written, compared in words: by section, key
 * and rule. What is compared is the text, so that every key of the grammar is, also one
 * that this file does not know; order, comments and layout are not.
 */
#ifndef COMPILER_POLICY_DIFF_H
#define COMPILER_POLICY_DIFF_H

#include "yaml_locate.h"

#define POLICY_DIFF_WHERE 160
#define POLICY_DIFF_VALUE 1024

struct policy_difference {
	char where[POLICY_DIFF_WHERE]; /* "rule secure-boot", "references", "" */
	const char *key;	       /* NULL: the whole rule or entry */
	char before[POLICY_DIFF_VALUE], after[POLICY_DIFF_VALUE]; /* escaped; "": not there */
	int milder; /* 1: what follows is milder, -1: stricter, 0: neither can be said */
};

typedef void policy_diff_sink(void *arg, const struct policy_difference *d);

/* False if one of them is no YAML of our kind: errs has grown. The sink is called for
 * each difference, in the order of the second file, then for what is only in the first. */
ASSAY_MUST_USE bool policy_diff(struct span a, struct span b, policy_diff_sink *sink, void *arg,
				struct yaml_errors *errs);

#endif
