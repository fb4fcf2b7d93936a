/*
 * policy_testfile.h: the tests of a policy: cases of given facts, or of evidence in a
 * case file, with the outcome and the findings that they must have (docs/policy.md,
 * "Tests of a policy").
 *
 * Read by `assay policy test` alone: no verifier loads them. Texts point into the file
 * that is given, and its index: both must outlive the tests.
 */
#ifndef COMPILER_POLICY_TESTFILE_H
#define COMPILER_POLICY_TESTFILE_H

#include "verifier/appraise/given.h"
#include "yaml_locate.h"

#define POLICY_TESTS_MAX 256
#define POLICY_TEST_FINDINGS_MAX 32

struct policy_test {
	const char *name;
	uint32_t line;
	const char *case_file; /* NULL: ->given */
	struct given given;    /* but its policy */
	enum outcome expect;
	bool has_findings;
	unsigned nfindings;
	const char *findings[POLICY_TEST_FINDINGS_MAX]; /* "policy.rule secure-boot" */
};

struct policy_tests {
	unsigned n;
	struct policy_test *v; /* malloc'd */
};

/* false: errs says why, and there are no tests. info: of the policy that is tested. */
ASSAY_MUST_USE bool policy_tests_load(const struct yaml_doc *doc, const struct policy_info *info,
				      struct policy_tests *ret, struct yaml_errors *errs);
void policy_tests_free(struct policy_tests *t);

#endif
