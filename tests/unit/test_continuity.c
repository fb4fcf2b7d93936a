/* test_continuity.c: what is remembered of a device, when, and for how long. Attacks on
 * it are in tests/attacks/test_appraise_boot.c. */
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
	world_init(&w, "uki-good");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static void
counters_values_log_and_judges_are_remembered(void **state)
{
	const struct continuity *n = &w.v->next;
	uint8_t digest[32];

	(void)state;
	w.tpm.restart_count = 2;
	assert_admitted(world_round(&w));
	assert_true(n->present);
	assert_int_equal(n->reset_count, w.tpm.reset_count);
	assert_int_equal(n->restart_count, 2);
	assert_true(n->clock == w.tpm.clock);
	assert_true(n->clock_safe);
	assert_true(n->tpm_firmware == w.tpm.firmware_version);
	assert_true(n->has_boot_log);
	assert_int_equal(digest_sha256(w.log, digest), ASSAY_OK);
	assert_memory_equal(n->boot_log_digest, digest, sizeof digest);
	assert_int_equal(n->boot_log_size, w.log.n);
	assert_int_equal(pcr_bank_of(&n->quoted, ALG_SHA256)->mask, 0x7BFF);
	assert_non_null(pcr_value(&n->replayed, ALG_SHA256, 4));
	assert_null(pcr_value(&n->replayed, ALG_SHA256, 12)); /* not logged */
	assert_int_equal(n->nsticky, 0);
}

static void
nothing_is_remembered_of_what_was_not_decided(void **state)
{
	(void)state;
	world_challenge(&w);
	world_prove(&w);
	assert_int_equal(world_appraise(&w)->status, VERDICT_NEED);
	assert_false(w.v->next.present);
	assert_int_equal(w.v->nfindings, 0);
	assert_int_equal(w.v->nfacts, 0);
	w.in.nonce[3] ^= 8;
	assert_unproven(world_judge(&w), FIND_BINDING);
	assert_int_equal(w.v->nfacts, 0);
}

static void
the_log_is_needed_once_per_boot_and_generation(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 1);
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 0);
	world_add_reference(&w, REF_PROMOTED); /* a new generation */
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 1);
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 0);
	w.in.references[1].state = REF_RETIRED; /* also by a state */
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 1);
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 1);
	w.tpm.restart_count++;
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 1);
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 0);
}

static void
the_same_log_after_a_reboot_has_the_same_findings(void **state)
{
	(void)state;
	/* its values are fine, what is wrong is in the log: a reboot must not wash it off */
	world_set_policy(&w,
			 "policy: t\nversion: 1\napplies_to: {class: gateway}\n"
			 "ask: {banks: [sha256], pcrs: [0-9], interval: 60s, patience: 3}\n"
			 "references: {pcrs: [0-9]}\n"
			 "rules: [{id: sb, fact: boot.secure_boot, op: equals, value: true}]\n");
	world_set_reference(&w, REF_PROMOTED);
	assert_quarantined(world_round(&w), FIND_RULE);
	world_reboot(&w, NULL);
	assert_quarantined(world_round(&w), FIND_RULE);
	assert_int_equal(w.needs, 1);
}

static void
findings_of_a_round_do_not_stay(void **state)
{
	(void)state;
	world_set_policy(&w, "policy: t\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9], interval: 60s, patience: 3}\n"
			     "references: {pcrs: [0-9]}\n"
			     "rules: [{id: a, fact: agent, op: equals, value: good}]\n");
	world_set_reference(&w, REF_PROMOTED);
	assert_quarantined(world_round(&w), FIND_RULE);
	w.ask.agent = "good";
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->next.nsticky, 0);
}

static void
malformed_claims_are_a_failed_verdict_of_this_round(void **state)
{
	struct continuity before;

	(void)state;
	assert_admitted(world_round(&w));
	before = w.v->next;
	world_challenge(&w);
	world_prove(&w);
	w.evidence.claims_len = 3;
	memcpy(w.evidence.claims, "\xFF\xFF\xFF", 3);
	evidence_quotes(&w.tpm, &w.ask, &w.evidence); /* signed by the device */
	world_encode(&w);
	assert_quarantined(world_judge(&w), FIND_MALFORMED);
	assert_true(w.v->next.clock > before.clock);
	assert_memory_equal(w.v->next.generation, before.generation, 32);
	world_commit(&w);
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 0);
}

static void
more_findings_than_can_be_remembered_are_one_that_stays(void **state)
{
	char yaml[16384];
	size_t n;

	(void)state;
	n = (size_t)snprintf(yaml, sizeof yaml,
			     "policy: t\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9], interval: 60s, patience: 3}\n"
			     "references: {pcrs: [0-9]}\nrules:\n");
	for (unsigned i = 0; i < CONTINUITY_STICKY_MAX + 8; i++)
		n += (size_t)snprintf(
			yaml + n, sizeof yaml - n,
			"  - {id: r%u, fact: boot.events, op: in, values: [1, %u], "
			"on_fail: restrict}\n",
			i, 100000 + i);
	world_set_policy(&w, yaml);
	world_set_reference(&w, REF_PROMOTED);
	assert_quarantined(world_round(&w), FIND_STICKY); /* at once, not when they are missed */
	assert_int_equal(w.v->next.nsticky, CONTINUITY_STICKY_MAX);
	assert_true(w.v->next.sticky_overflow);
	assert_quarantined(world_round(&w), FIND_STICKY);
	assert_int_equal(w.needs, 1); /* no short cut where not all is remembered */
	world_reboot(&w, NULL);
	world_set_policy(&w, world_policy);
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
}

static void
findings_that_are_only_told_crowd_out_nothing(void **state)
{
	char yaml[16384];
	size_t n;

	(void)state;
	n = (size_t)snprintf(yaml, sizeof yaml,
			     "policy: t\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9], interval: 60s, patience: 3}\n"
			     "references: {pcrs: [0-9]}\nrules:\n");
	for (unsigned i = 0; i < VERDICT_FINDINGS_MAX + 8; i++)
		n += (size_t)snprintf(
			yaml + n, sizeof yaml - n,
			"  - {id: r%u, fact: boot.events, op: in, values: [1, %u], "
			"on_fail: report}\n",
			i, 100000 + i);
	world_set_policy(&w, yaml);
	world_set_reference(&w, REF_PROMOTED);
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_RULE);
	assert_false(w.v->next.sticky_overflow);
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_RULE);
	assert_int_equal(w.needs, 0);
}

static void
more_findings_than_a_verdict_holds_lose_no_severity(void **state)
{
	char yaml[32768];
	size_t n;

	(void)state;
	n = (size_t)snprintf(yaml, sizeof yaml,
			     "policy: t\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9], interval: 60s, patience: 3}\n"
			     "references: {pcrs: [0-9]}\nrules:\n");
	for (unsigned i = 0; i < VERDICT_FINDINGS_MAX + 20; i++)
		n += (size_t)snprintf(yaml + n, sizeof yaml - n,
				      "  - {id: r%u, fact: agent, op: in, values: [x, x%u], "
				      "on_fail: report}\n",
				      i, i);
	snprintf(yaml + n, sizeof yaml - n, "  - {id: last, fact: agent, op: equals, value: x}\n");
	world_set_policy(&w, yaml);
	world_set_reference(&w, REF_PROMOTED);
	(void)world_round(&w);
	assert_int_equal(w.v->nfindings, VERDICT_FINDINGS_MAX);
	assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
	assert_string_equal(w.v->findings[0].rule, "last");
}

static void
a_tpm_that_is_behind_does_not_lower_what_is_known(void **state)
{
	uint64_t clock;

	(void)state;
	w.tpm.reset_count = 10;
	assert_admitted(world_round(&w));
	clock = w.tpm.clock;
	w.tpm.reset_count = 4;
	w.tpm.clock = 100;
	assert_quarantined(world_round(&w), FIND_RESET_BACK);
	assert_int_equal(w.v->next.reset_count, 10);
	assert_true(w.v->next.clock == clock);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(counters_values_log_and_judges_are_remembered),
		CASE(nothing_is_remembered_of_what_was_not_decided),
		CASE(the_log_is_needed_once_per_boot_and_generation),
		CASE(the_same_log_after_a_reboot_has_the_same_findings),
		CASE(findings_of_a_round_do_not_stay),
		CASE(malformed_claims_are_a_failed_verdict_of_this_round),
		CASE(more_findings_than_can_be_remembered_are_one_that_stays),
		CASE(findings_that_are_only_told_crowd_out_nothing),
		CASE(more_findings_than_a_verdict_holds_lose_no_severity),
		CASE(a_tpm_that_is_behind_does_not_lower_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
