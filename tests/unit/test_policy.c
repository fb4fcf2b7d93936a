/* test_policy.c: the rules of a policy over the facts of real boots. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

static int
start(void **state)
{
	(void)state;
	world_init(&w, "sb-good");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* The world's policy with these rules, each a line of YAML flow. */
static void
set_rules(const char *rules)
{
	char yaml[4096];

	snprintf(yaml, sizeof yaml, "%srules:\n%s", world_policy, rules);
	world_set_policy(&w, yaml);
}

static void
assert_rule(const char *rule, enum finding_code expected)
{
	char line[512];
	const struct verdict *v;

	snprintf(line, sizeof line, "  - {id: r, %s}\n", rule);
	set_rules(line);
	v = world_round(&w);
	if (expected == FIND_NONE) {
		assert_admitted(v);
		return;
	}
	assert_quarantined(v, expected);
	assert_int_equal(v->nfindings, 1);
	assert_string_equal(v->findings[0].rule, "r");
	/* what a rule found in a boot stays; the next rule wants a fresh one */
	world_reboot(&w, NULL);
}

#define HOLDS FIND_NONE
#define FAILS FIND_RULE
#define MISSING FIND_FACT_MISSING

static void
operators_mean_what_they_say(void **state)
{
	static const struct {
		const char *rule;
		enum finding_code expected;
	} cases[] = {
		{"fact: boot.secure_boot, op: equals, value: true", HOLDS},
		{"fact: boot.secure_boot, op: equals, value: false", FAILS},
		{"fact: boot.secure_boot, op: not_equals, value: false", HOLDS},
		{"fact: boot.secure_boot, op: not_equals, value: true", FAILS},
		{"fact: device.class, op: in, values: [router, gateway]", HOLDS},
		{"fact: device.class, op: in, values: [router, switch]", FAILS},
		{"fact: device.class, op: not_in, values: [router, switch]", HOLDS},
		{"fact: device.class, op: not_in, values: [router, gateway]", FAILS},
		{"fact: quote.reset_count, op: at_least, value: 1", HOLDS},
		{"fact: quote.reset_count, op: at_least, value: 1000", FAILS},
		{"fact: quote.reset_count, op: at_most, value: 1000", HOLDS},
		{"fact: quote.reset_count, op: at_most, value: 0", FAILS},
		{"fact: quote.firmware_version, op: equals, value: 0x0001000200030004", HOLDS},
		{"fact: agent, op: present", HOLDS},
		{"fact: boot.dbx, op: present", HOLDS},
		{"fact: boot.debugger, op: equals, value: false", HOLDS},
		{"fact: boot.complete, op: equals, value: true", HOLDS},
		{"fact: 'boot.image[0]', op: present", HOLDS},
		{"fact: 'boot.image[23]', op: present", MISSING},
		{"fact: ek.not_after, op: at_least, value: '2026-01-31T12:00:00Z'", MISSING},
		{"fact: boot.firmware_version, op: matches, value: '?*'", MISSING}, /* empty */
		{"fact: boot.initrd_digest, op: present", HOLDS},
		{"fact: boot.cmdline_digest, op: present", HOLDS},
		{"fact: boot.audit_mode, op: not_equals, value: true", MISSING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_rule(cases[i].rule, cases[i].expected);
}

static void
patterns_match_as_a_shell_would(void **state)
{
	static const struct {
		const char *pattern;
		enum finding_code expected;
	} cases[] = {
		{"*a*", HOLDS},
		{"assay-attester 0.1.0", HOLDS},
		{"assay-attester *", HOLDS},
		{"*0.1.?", HOLDS},
		{"*a*a*0*", HOLDS},
		{"assay-attester", FAILS},
		{"*0.2*", FAILS},
		{"?", FAILS},
		{"assay-attester 0.1.0?", FAILS},
		{"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", FAILS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char rule[128];

		snprintf(rule, sizeof rule, "fact: agent, op: matches, value: '%s'",
			 cases[i].pattern);
		assert_rule(rule, cases[i].expected);
	}
}

static void
a_digest_is_compared_in_its_own_bank(void **state)
{
	static const char policy[] =
		"policy: two\nversion: 1\napplies_to: {class: gateway}\n"
		"ask: {banks: [sha256, sha1], pcrs: [0-7], interval: 60s, patience: 3}\n"
		"references: {pcrs: [0-7]}\nrules:\n"
		"  - {id: one, fact: 'pcr[7]', op: equals, value: 'sha256:"
		"02a4f904010ebddfb1ce765622af8d48ac2408422e220ad4eed1e1856407f704'}\n"
		"  - {id: two, fact: 'pcr[7]', op: not_equals, value: 'sha1:"
		"0000000000000000000000000000000000000000'}\n";

	(void)state;
	softtpm_add_bank(&w.tpm, ALG_SHA1);
	softtpm_boot(&w.tpm, w.log);
	world_set_policy(&w, policy);
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
}

static void
not_in_a_list_is_known_only_of_what_was_measured(void **state)
{
	struct pcr_selection both;

	(void)state;
	/* the value is of SHA-1, the challenge left that bank out: missing, not "not equal" */
	world_set_policy(&w, "policy: two\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256, sha1], pcrs: [0-7], interval: 60s, "
			     "patience: 3}\nreferences: {pcrs: [0-7]}\nrules:\n"
			     "  - {id: r, fact: 'pcr[7]', op: not_in, values: ['sha1:"
			     "0000000000000000000000000000000000000000']}\n");
	both = w.in.asked;
	w.in.asked.count = w.ask.pcrs.count = 1;
	assert_quarantined(world_round(&w), FIND_FACT_MISSING);
	w.in.asked = both;
}

static void
outcomes_are_those_of_the_rule(void **state)
{
	const struct finding *f;

	(void)state;
	set_rules("  - {id: a, fact: device.class, op: matches, value: x, on_fail: restrict, "
		  "severity: low, remediation: 'call 112: {seen}'}\n");
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_RULE);
	f = &w.v->findings[0];
	assert_string_equal(f->rule, "a");
	assert_string_equal(f->subject, "device.class");
	assert_string_equal(f->seen, "gateway");
	assert_string_equal(f->expected, "matches x");
	assert_string_equal(f->remedy, "call 112: gateway");
	assert_int_equal(f->severity, SEV_LOW);
	assert_int_equal(f->provenance, PROV_RECORD);
	assert_false(f->sticky);
	set_rules("  - {id: a, fact: device.class, op: matches, value: x, on_fail: report}\n");
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_RULE);
	set_rules("  - {id: a, fact: ek.model, op: equals, value: x, on_fail: restrict, "
		  "optional: true}\n");
	assert_admitted(world_round(&w));
	set_rules("  - {id: a, fact: ek.model, op: equals, value: x, on_fail: restrict, "
		  "on_missing: restrict, optional: true, remediation: 'it is {seen}'}\n");
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_FACT_MISSING);
	assert_string_equal(w.v->findings[0].remedy, "it is unknown");
	set_rules("  - {id: a, fact: device.class, op: matches, value: x, on_fail: restrict}\n"
		  "  - {id: b, fact: agent, op: equals, value: x}\n");
	assert_quarantined(world_round(&w), FIND_RULE); /* the worst counts */
	assert_int_equal(w.v->nfindings, 2);
	assert_string_equal(w.v->findings[0].rule, "b");
}

static void
a_rule_on_the_boot_is_judged_once_and_its_finding_stays(void **state)
{
	(void)state;
	set_rules("  - {id: sb, fact: boot.secure_boot, op: equals, value: true}\n");
	assert_admitted(world_round(&w));
	assert_admitted(world_round(&w)); /* without the log */
	assert_int_equal(w.needs, 0);
	world_free(&w);
	world_init(&w, "sb-off");
	set_rules("  - {id: sb, fact: boot.secure_boot, op: equals, value: true}\n");
	assert_quarantined(world_round(&w), FIND_RULE);
	for (unsigned i = 0; i < 3; i++) {
		assert_quarantined(world_round(&w), FIND_RULE);
		assert_int_equal(w.needs, 0);
		assert_int_equal(w.v->nfindings, 1);
		assert_true(w.v->findings[0].sticky);
		assert_true(w.v->findings[0].event > 0);
	}
}

static void
secure_boot_missing_is_neither_on_nor_off(void **state)
{
	(void)state;
	w.ask.pcrs.bank[0].mask &= ~(1u << 7); /* PCR 7 is not quoted: nothing proves it */
	w.in.asked = w.ask.pcrs;
	set_rules("  - {id: sb, fact: boot.secure_boot, op: not_equals, value: false}\n");
	w.in.asked.bank[0].mask &= ~(1u << 7);
	w.ask.pcrs = w.in.asked;
	assert_quarantined(world_round(&w), FIND_FACT_MISSING);
}

static void
claims_of_the_vector_follow_the_rules(void **state)
{
	(void)state;
	set_rules("  - {id: sb, fact: boot.secure_boot, op: equals, value: true, "
		  "claim: configuration}\n");
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->vector[AR4SI_CONFIGURATION], 2);
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->vector[AR4SI_CONFIGURATION], 2); /* remembered */
	set_rules("  - {id: sb, fact: boot.secure_boot, op: equals, value: false, "
		  "claim: configuration}\n");
	assert_quarantined(world_round(&w), FIND_RULE);
	assert_int_equal(w.v->vector[AR4SI_CONFIGURATION], 96);
	world_reboot(&w, NULL);
	set_rules("  - {id: sb, fact: boot.secure_boot, op: equals, value: false, "
		  "claim: configuration, on_fail: report}\n");
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_RULE);
	assert_int_equal(w.v->vector[AR4SI_CONFIGURATION], 32);
}

/* A compiled policy of a newer build: the name of its fact is unknown here. */
static void
a_rule_on_an_unknown_fact_cannot_be_met(void **state)
{
	uint8_t *at;

	(void)state;
	set_rules("  - {id: r, fact: quote.clock_safe, op: equals, value: true, on_fail: report, "
		  "on_missing: report}\n");
	assert_admitted(world_round(&w));
	at = memmem(w.policy, w.in.policy.n, "quote.clock_safe", 16);
	assert_non_null(at);
	at[0] = 'Q';
	assert_quarantined(world_round(&w), FIND_POLICY_INVALID);
	assert_string_equal(w.v->findings[0].rule, "r");
}

static void
a_milder_outcome_for_differences_is_policys_to_give(void **state)
{
	(void)state;
	world_set_policy(&w, "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9], interval: 60s, patience: 3}\n"
			     "references: {pcrs: [0-9], on_fail: restrict, events: ignore}\n");
	world_reboot(&w, "sb-cmdline");
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_PCR_DIFFERS);
	assert_null(world_finding(w.v, FIND_EVENT_DIFFERS));
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_PCR_DIFFERS);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(operators_mean_what_they_say),
		CASE(patterns_match_as_a_shell_would),
		CASE(a_digest_is_compared_in_its_own_bank),
		CASE(not_in_a_list_is_known_only_of_what_was_measured),
		CASE(outcomes_are_those_of_the_rule),
		CASE(a_rule_on_the_boot_is_judged_once_and_its_finding_stays),
		CASE(secure_boot_missing_is_neither_on_nor_off),
		CASE(claims_of_the_vector_follow_the_rules),
		CASE(a_rule_on_an_unknown_fact_cannot_be_met),
		CASE(a_milder_outcome_for_differences_is_policys_to_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
