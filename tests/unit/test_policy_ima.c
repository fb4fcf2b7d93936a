/* test_policy_ima.c: section `ima` of policies: what compiles to what, and what does not. */
#include "tests/support/imasign.h"
#include "tests/support/unit.h"

#include "verifier/appraise/policy.h"
#include "verifier/compiler/policy_compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct yaml_errors errs;
static uint8_t out[POLICY_BYTES_MAX];
static char yaml[65536];

static const char head[] = "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			   "ask: {banks: [sha256], pcrs: [%s], interval: 60s, patience: 3}\n"
			   "references: {pcrs: [%s]}\nima:\n%s";

static enum assay_err
compile_asking(const char *pcrs, const char *compared, const char *ima, struct policy *ret)
{
	struct writer w;
	enum assay_err e;

	snprintf(yaml, sizeof yaml, head, pcrs, compared, ima);
	wr_init(&w, out, sizeof out);
	e = policy_compile(SPAN(yaml, strlen(yaml)), "policy", &w, &errs);
	return e != ASSAY_OK ? e : policy_open(wr_span(&w), ret);
}

static void
refused(const char *ima, const char *why)
{
	struct policy p;

	assert_int_not_equal(compile_asking("0-14", "0-9", ima, &p), ASSAY_OK);
	if (errs.count == 0 || !strstr(errs.e[0].text, why))
		fail_msg("expected \"%s\", got \"%s\"", why, errs.count ? errs.e[0].text : "");
}

/* "name" with its certificates. */
static const char *
keyring(const char *name)
{
	static char text[4096];
	struct span crt = imasign_certificate(name);
	size_t n = (size_t)snprintf(text, sizeof text,
				    "  keyrings:\n    - name: %s\n      runtime: true\n"
				    "      certificates: |\n",
				    name);

	for (size_t i = 0; i < crt.n; i++) {
		if (i == 0 || crt.p[i - 1] == '\n')
			n += (size_t)snprintf(text + n, sizeof text - n, "        ");
		text[n++] = (char)crt.p[i];
	}
	text[n] = '\0';
	unit_free(crt);
	return text;
}

static void
a_section_compiles_to_what_it_says(void **state)
{
	char text[8192];
	struct policy_ima ima;
	struct policy p;

	(void)state;
	snprintf(
		text, sizeof text,
		"  lists: [base, app]\n  weak_digests: true\n  need: digest-or-signature\n"
		"  paths:\n"
		"    - {match: \"/opt/**\", need: path-and-signature, keyring: p256}\n"
		"    - {match: \"/tmp/*\", need: nothing, reason: \"noexec\"}\n"
		"  outcomes:\n"
		"    - {finding: unknown, outcome: restrict, severity: low, remediation: \"ask\"}\n"
		"    - {finding: device-mapper, outcome: quarantine}\n%s",
		keyring("p256"));
	if (compile_asking("0-14", "0-9, 11-14", text, &p) != ASSAY_OK)
		fail_msg("%s", errs.count ? errs.e[0].text : "");
	assert_int_equal(policy_ima_open(p.ima, &ima), ASSAY_OK);
	assert_true(ima.weak_digests);
	assert_int_equal(ima.nlists, 2);
	assert_true(span_equal(ima.list[1], SPAN("app", 3)));
	assert_int_equal(ima.list_rest, IMA_LIST_DIGEST);
	assert_int_equal(ima.sign_rest, IMA_SIGN_INSTEAD);
	assert_int_equal(ima.npaths, 2);
	assert_int_equal(ima.path[0].list, IMA_LIST_PATH);
	assert_int_equal(ima.path[0].sign, IMA_SIGN_TOO);
	assert_int_equal(ima.path[0].keyring, 0);
	assert_int_equal(ima.path[1].list, IMA_LIST_NOTHING);
	assert_int_equal(ima.nkeyrings, 1);
	assert_true(ima.keyring[0].runtime);
	assert_int_equal(ima.ncertificates, 1);
	assert_int_equal(ima.outcome[IMA_MATTER_UNKNOWN].cap, OUTCOME_RESTRICT);
	assert_int_equal(ima.outcome[IMA_MATTER_UNKNOWN].severity, SEV_LOW);
	assert_int_equal(ima.outcome[IMA_MATTER_DM].cap, OUTCOME_QUARANTINE);
	assert_int_equal(ima.outcome[IMA_MATTER_VIOLATION].cap, OUTCOME_QUARANTINE);
	assert_int_equal(ima.outcome[IMA_MATTER_CRITICAL].cap, OUTCOME_ADMIT);
}

static void
sections_that_would_judge_less_than_they_seem_are_refused(void **state)
{
	struct policy p;

	(void)state;
	refused("  paths: []\n", "need");
	refused("  need: nothing\n", "nothing");
	refused("  need: signature\n", "no keyrings");
	refused("  need: path\n  paths: [{match: \"/x\", need: nothing}]\n", "reason");
	refused("  need: path\n  paths: [{match: \"/**\", need: nothing, reason: x}]\n",
		"every file");
	refused("  need: path\n  paths: [{match: \"**\", need: nothing, reason: x}]\n",
		"every file");
	refused("  need: path\n  paths: [{match: \"/x\\\\\", need: path}]\n", "no pattern");
	refused("  need: path\n  paths: [{match: \"/opt/My App/**\", need: digest}]\n",
		"underscores");
	refused("  need: path\n  paths: [{match: \"/x\", need: signature, keyring: k}]\n",
		"no keyring");
	refused("  need: path\n  lists: [a, a]\n", "twice");
	refused("  need: path\n  keyrings: [{name: k, certificates: \"none\"}]\n", "PEM");
	refused("  need: path\n  outcomes: [{finding: unknown, outcome: report}, "
		"{finding: unknown, outcome: restrict}]\n",
		"twice");
	refused("  need: path\n  outcomes: [{finding: replay, outcome: report}]\n", "replay");
	refused("  need: path\n  surprise: 1\n", "surprise");
	assert_int_not_equal(compile_asking("0-9", "0-9", "  need: path\n", &p), ASSAY_OK);
	assert_non_null(strstr(errs.e[0].text, "PCR 10"));
	assert_int_not_equal(compile_asking("0-7, 10", "0-7", "  need: path\n", &p), ASSAY_OK);
	assert_non_null(strstr(errs.e[0].text, "PCR 0 to 9"));
	assert_int_not_equal(compile_asking("0-14", "0-10", "  need: path\n", &p), ASSAY_OK);
	assert_non_null(strstr(errs.e[0].text, "take it out"));
}

static void
mutant_is_refused_or_means_something(struct span m, const char *what, void *arg)
{
	struct policy_ima ima;
	uint8_t again[IMA_POLICY_BYTES_MAX];
	struct writer w;

	(void)arg;
	if (policy_ima_open(m, &ima) != ASSAY_OK)
		return;
	wr_init(&w, again, sizeof again);
	policy_ima_write(&w, &ima);
	if (w.err != ASSAY_OK || !span_equal(wr_span(&w), m))
		fail_msg("%s: decodes but is not canonical", what);
	/* whatever no pattern matches is judged by something */
	assert_false(ima.list_rest == IMA_LIST_NOTHING && ima.sign_rest != IMA_SIGN_TOO);
}

static void
every_altered_section_is_refused_or_canonical(void **state)
{
	char text[8192];
	struct policy p;

	(void)state;
	snprintf(text, sizeof text,
		 "  lists: [base]\n  need: path\n"
		 "  paths: [{match: \"/tmp/*\", need: nothing, reason: \"noexec\"}]\n%s",
		 keyring("p256"));
	assert_int_equal(compile_asking("0-14", "0-9", text, &p), ASSAY_OK);
	unit_mutate(p.ima, 0, mutant_is_refused_or_means_something, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_section_compiles_to_what_it_says),
		cmocka_unit_test(sections_that_would_judge_less_than_they_seem_are_refused),
		cmocka_unit_test(every_altered_section_is_refused_or_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
