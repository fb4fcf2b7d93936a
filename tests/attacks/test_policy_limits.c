/* test_policy_limits.c: what no policy can do: excluding one thing excludes no other, and
 * leaving everything out leaves the core checks. */
#include "tests/support/softworld.h"
#include "tests/support/unit.h"

#include "verifier/compiler/policy_compile.h"

#include <stdio.h>
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

static void
extend(unsigned pcr)
{
	uint8_t digest[32] = {0x66};

	softtpm_extend(&w.tpm, pcr, SPAN(digest, sizeof digest), ALG_SHA256);
}

/* A PCR that is excluded from the replay is that PCR alone: whatever else is extended
 * behind the log's back is found, in every PCR, whichever is excluded. */
static void
d3_excluding_one_pcr_excludes_no_other(void **state)
{
	static const unsigned pcrs[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14};

	(void)state;
	for (size_t i = 0; i < sizeof pcrs / sizeof pcrs[0]; i++)
		for (size_t k = 0; k < sizeof pcrs / sizeof pcrs[0]; k++) {
			char yaml[512];

			snprintf(yaml, sizeof yaml,
				 "policy: p\nversion: 1\napplies_to: {class: gateway}\n"
				 "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, "
				 "patience: 3}\nreferences: {pcrs: [0-9, 11-14], unlogged: [%u]}\n",
				 pcrs[i]);
			world_set_policy(&w, yaml);
			world_reboot(&w, NULL);
			extend(pcrs[k]);
			assert_int_equal(world_round(&w)->outcome, OUTCOME_QUARANTINE);
		}
}

/* IMA's PCR is judged by its own section; that a policy has none does not take another
 * PCR out of the comparison. */
static void
d3_a_policy_without_ima_compares_all_that_it_says(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	for (unsigned pcr = 0; pcr <= 14; pcr++) {
		if (pcr == 10)
			continue;
		world_reboot(&w, NULL);
		extend(pcr);
		assert_int_equal(world_round(&w)->outcome, OUTCOME_QUARANTINE);
	}
}

/* Everything that may be left out is, and all that may be allowed is allowed. */
static const char mildest[] =
	"policy: p\nversion: 1\napplies_to: {class: \"*\"}\n"
	"ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 1d, patience: 100}\n"
	"references: {pcrs: [0], on_fail: restrict, baseline: report, last_boot: report, "
	"dbx_back: report, events: ignore}\n"
	"allow: {ek_expired: true, virtual_tpm: true, sha1_only: true, lowest_tier: software}\n";

static void
d4_the_mildest_policy_has_all_core_checks(void **state)
{
	(void)state;
	world_set_policy(&w, mildest);
	assert_admitted(world_round(&w));
	for (size_t bit = 0; bit < 8; bit++) { /* Q5, Q6: another nonce */
		world_challenge(&w);
		world_prove(&w);
		w.in.nonce[7] ^= (uint8_t)(1u << bit);
		assert_unproven(world_judge(&w), FIND_BINDING);
	}
	world_challenge(&w); /* Q7, Q10: a signature that does not verify */
	world_prove(&w);
	w.evidence.quotes[0].signature[20] ^= 1;
	world_encode(&w);
	assert_unproven(world_judge(&w), FIND_SIGNATURE);
	world_challenge(&w); /* Q3: another selection */
	w.ask.pcrs.bank[0].mask &= ~1u;
	world_prove(&w);
	assert_unproven(world_judge(&w), FIND_SELECTION);
	w.ask.pcrs = w.in.asked;
	extend(9); /* L1: the log leads elsewhere, also where nothing is compared */
	assert_quarantined(world_round(&w), FIND_REPLAY);
}

static void
d4_no_key_of_a_policy_turns_a_core_check_off(void **state)
{
	static const char *const keys[] = {
		"core_checks: false",	  "verify: false",	 "nonce: any",
		"signature: optional",	  "allow: {unsigned: true}", "allow: {replay: true}",
		"allow: {any_nonce: true}", "ask: {nonce: none}",   "ignore: [quote.signature]",
		"tolerate: [{id: a, finding: quote.signature, pcrs: [0], reason: x}]"};
	static struct yaml_errors errs;
	static uint8_t out[POLICY_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		char yaml[1024];
		struct writer to;

		snprintf(yaml, sizeof yaml, "%s%s\n", world_policy, keys[i]);
		wr_init(&to, out, sizeof out);
		assert_int_equal(policy_compile(SPAN(yaml, strlen(yaml)), "p", &to, &errs),
				 ASSAY_MALFORMED);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		T(d3_excluding_one_pcr_excludes_no_other),
		T(d3_a_policy_without_ima_compares_all_that_it_says),
		T(d4_the_mildest_policy_has_all_core_checks),
		T(d4_no_key_of_a_policy_turns_a_core_check_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
