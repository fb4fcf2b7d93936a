/* test_offline.c: evidence in files: what is not of the right kind, device, challenge or
 * time; and that the order of rounds is told from a device that goes back. */
#include "tests/support/keyworld.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdio.h>
#include <string.h>

#define OFFLINE_POLICY                                                                         \
	"policy: a\nversion: 1\napplies_to: {class: gateway}\n"                                \
	"ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, patience: 3}\n"             \
	"references: {pcrs: [0-9, 11-14]}\noffline: {max_age: 1h}\n"

static struct world w;
static struct keyworld k;

static int
setup(void **state)
{
	(void)state;
	world_init(&w, "uki-good");
	world_set_policy(&w, OFFLINE_POLICY);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* The device answers a challenge in a file, issued so many seconds ago. */
static void
collect(int64_t age)
{
	world_challenge(&w);
	w.ask.kind = w.in.kind = BINDING_TPM_OFFLINE;
	w.ask.channel = w.in.channel = SPAN(NULL, 0);
	w.in.issued = w.in.now - age;
	w.in.judged = 0;
	world_prove(&w);
	w.in.has_boot_log = true;
	w.in.boot_log = w.log;
}

/* A round on a connection. */
static const struct verdict *
online(void)
{
	w.ask.kind = w.in.kind = BINDING_TPM_ONLINE;
	w.ask.channel = w.in.channel = SPAN(w.channel, sizeof w.channel);
	w.in.issued = w.in.judged = 0;
	return world_round(&w);
}

static void
evidence_from_a_file_is_judged_like_any_other(void **state)
{
	const struct verdict *v;

	(void)state;
	collect(60);
	v = world_appraise(&w);
	assert_admitted(v);
	assert_int_equal(v->max_age_s, 3600);
}

static void
q6_online_evidence_is_none_from_a_file_and_the_other_way_round(void **state)
{
	(void)state;
	collect(60);
	w.in.kind = BINDING_TPM_ONLINE;
	w.in.issued = 0;
	assert_unproven(world_appraise(&w), FIND_BINDING);
	world_challenge(&w);
	w.ask.kind = BINDING_TPM_ONLINE;
	w.in.kind = BINDING_TPM_OFFLINE;
	w.in.issued = w.in.now - 60;
	world_prove(&w);
	assert_unproven(world_appraise(&w), FIND_BINDING);
}

static void
q6_an_answer_to_another_challenge_is_none(void **state)
{
	(void)state;
	collect(60);
	w.in.nonce[31] ^= 1;
	assert_unproven(world_appraise(&w), FIND_BINDING);
}

static void
q7_an_answer_of_another_device_is_none(void **state)
{
	static struct world other;

	(void)state;
	collect(60);
	world_init(&other, "uki-good");
	w.in.device.ak_name.b[20] ^= 1;
	assert_unproven(world_appraise(&w), FIND_KEY);
	w.in.device.ak_name.b[20] ^= 1;
	w.in.device.ek_name.b[20] ^= 1;
	assert_unproven(world_appraise(&w), FIND_SIGNER);
	world_free(&other);
}

static void
i17_offline_evidence_is_never_judged_with_a_channel_or_without_its_time(void **state)
{
	(void)state;
	collect(60);
	w.in.channel = SPAN(w.channel, sizeof w.channel);
	assert_unproven(world_appraise(&w), FIND_BINDING);
	w.in.channel = SPAN(NULL, 0);
	w.in.issued = 0;
	assert_unproven(world_appraise(&w), FIND_BINDING);
}

static void
d4_a_policy_that_does_not_speak_of_it_takes_none(void **state)
{
	(void)state;
	world_set_policy(&w, world_policy);
	collect(60);
	assert_quarantined(world_appraise(&w), FIND_OFFLINE);
	assert_true(w.v->next.present); /* it was authentic, and is remembered */
}

static void
d11_old_evidence_admits_nobody(void **state)
{
	(void)state;
	collect(3599);
	assert_admitted(world_appraise(&w));
	w.in.now++;
	assert_quarantined(world_appraise(&w), FIND_OFFLINE_OLD);
}

/* A clock that went back (D10) makes no evidence younger than new. */
static void
d10_a_challenge_from_the_future_is_as_old_as_now(void **state)
{
	(void)state;
	collect(-500);
	assert_admitted(world_appraise(&w));
	assert_int_equal(w.v->max_age_s, 3600);
}

static void
l2_a_log_or_list_that_the_file_lacks_is_missing(void **state)
{
	(void)state;
	collect(60);
	w.in.has_boot_log = false;
	assert_int_equal(world_appraise(&w)->status, VERDICT_NEED);
	w.in.has_boot_log = true;
	w.in.boot_log = SPAN(w.log.p, w.log.n - 1);
	assert_unproven(world_appraise(&w), FIND_LOG_DIGEST);
}

/* ---- the order of rounds ---- */

static void
q11_what_was_made_before_a_later_round_is_superseded_and_changes_nothing(void **state)
{
	struct appraisal_input file;
	static uint8_t proof[MSG_PROOF_MAX];

	(void)state;
	collect(60);
	memcpy(proof, w.in.proof.p, w.in.proof.n);
	file = w.in;
	file.proof.p = proof;
	assert_admitted(online()); /* after the file was made */
	file.continuity = w.in.continuity;
	file.judged = file.now - 10; /* and after its challenge was issued */
	w.in = file;
	assert_unproven(world_appraise(&w), FIND_SUPERSEDED);
}

/* The same evidence where no round came between: then the device did go back. */
static void
q11_what_is_behind_a_round_before_the_challenge_is_a_device_that_went_back(void **state)
{
	struct appraisal_input file;
	static uint8_t proof[MSG_PROOF_MAX];

	(void)state;
	collect(60);
	memcpy(proof, w.in.proof.p, w.in.proof.n);
	file = w.in;
	file.proof.p = proof;
	assert_admitted(online());
	file.continuity = w.in.continuity;
	file.judged = file.issued - 1;
	w.in = file;
	assert_quarantined(world_appraise(&w), FIND_CLOCK_BACK);
}

/* A reset that nobody saw, and one that came after the file. */
static void
q11_counters_of_a_file_are_counters(void **state)
{
	(void)state;
	assert_admitted(online());
	world_reboot(&w, NULL);
	softtpm_reset(&w.tpm);
	softtpm_boot(&w.tpm, w.log);
	collect(60);
	w.in.judged = w.in.now - 100;
	assert_quarantined(world_appraise(&w), FIND_RESET_BACK);
	/* ahead of all that is known: that a round came between excuses nothing */
	w.in.judged = w.in.now - 10;
	assert_quarantined(world_appraise(&w), FIND_RESET_BACK);
}

static void
m9_what_was_found_in_a_boot_sticks_to_the_files_of_that_boot(void **state)
{
	(void)state;
	world_reboot(&w, "uki-cmdline");
	assert_int_equal(online()->outcome, OUTCOME_QUARANTINE);
	collect(60);
	w.in.judged = w.in.now - 100;
	assert_int_equal(world_appraise(&w)->outcome, OUTCOME_QUARANTINE);
}

static void
evidence_that_killed_appraisers_is_superseded_too(void **state)
{
	struct appraisal_input file;
	static uint8_t proof[MSG_PROOF_MAX];

	(void)state;
	collect(60);
	memcpy(proof, w.in.proof.p, w.in.proof.n);
	file = w.in;
	file.proof.p = proof;
	assert_admitted(online());
	file.continuity = w.in.continuity;
	file.judged = file.now - 10;
	appraise_core_only(&file, &w.scratch, w.v);
	assert_unproven(w.v, FIND_SUPERSEDED);
}

static void
what_is_replayed_of_it_is_no_older_for_that(void **state)
{
	(void)state;
	collect(60);
	assert_admitted(world_appraise(&w));
	world_commit(&w);
	w.in.now += 100000;
	appraise_replay(&w.in, &w.scratch, w.v);
	assert_int_equal(w.v->outcome, OUTCOME_ADMIT);
	world_set_policy(&w, world_policy);
	appraise_replay(&w.in, &w.scratch, w.v);
	assert_non_null(world_finding(w.v, FIND_OFFLINE));
}

static void
its_input_travels_with_its_times(void **state)
{
	static uint8_t bytes[1u << 20];
	struct appraisal_input got;
	size_t n;

	(void)state;
	collect(60);
	w.in.judged = 77;
	assert_int_equal(appraisal_input_encode(&w.in, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(appraisal_input_decode(SPAN(bytes, n), &got), ASSAY_OK);
	assert_int_equal(got.issued, w.in.issued);
	assert_int_equal(got.judged, 77);
	assert_int_equal(got.kind, BINDING_TPM_OFFLINE);
}

/* No mutant of a proof is admitted. */
static void
no_flipped_bit_of_the_proof_is_believed(void **state)
{
	static uint8_t proof[MSG_PROOF_MAX];

	(void)state;
	collect(60);
	memcpy(proof, w.in.proof.p, w.in.proof.n);
	w.in.proof.p = proof;
	for (size_t i = 0; i < w.in.proof.n; i += 3) {
		proof[i] ^= (uint8_t)(1u << (i % 8));
		if (world_appraise(&w)->outcome != OUTCOME_QUARANTINE)
			fail_msg("byte %zu", i);
		proof[i] ^= (uint8_t)(1u << (i % 8));
	}
}

/* ---- devices without TPM ---- */

static int
setup_key(void **state)
{
	char policy[2048];

	(void)state;
	keyworld_init(&k, TIER_SOFTWARE, SOFTKEY_P256);
	snprintf(policy, sizeof policy, "%soffline: {max_age: 1h}\n", keyworld_policy);
	keyworld_set_policy(&k, policy);
	return 0;
}

static int
teardown_key(void **state)
{
	(void)state;
	keyworld_free(&k);
	return 0;
}

static void
offline(uint8_t signs, uint8_t judged_as)
{
	k.kind = signs;
	k.in.kind = judged_as;
	k.in.issued = judged_as == BINDING_KEY_OFFLINE ? k.in.now - 60 : 0;
	k.in.channel = judged_as == BINDING_KEY_OFFLINE ? SPAN(NULL, 0)
							: SPAN(k.channel, sizeof k.channel);
}

static void
q6_the_kinds_of_a_key_are_told_apart(void **state)
{
	(void)state;
	offline(BINDING_KEY_OFFLINE, BINDING_KEY_OFFLINE);
	assert_admitted(keyworld_judge(&k));
	offline(BINDING_KEY_ONLINE, BINDING_KEY_OFFLINE);
	assert_unproven(keyworld_judge(&k), FIND_SIGNATURE);
	offline(BINDING_KEY_OFFLINE, BINDING_KEY_ONLINE);
	assert_unproven(keyworld_judge(&k), FIND_SIGNATURE);
	offline(BINDING_KEY_ENROL, BINDING_KEY_OFFLINE);
	assert_unproven(keyworld_judge(&k), FIND_SIGNATURE);
}

/* I12: a start that is not later is a copy, unless a round came after the challenge. */
static void
i12_an_earlier_start_is_a_copy_or_superseded(void **state)
{
	(void)state;
	offline(BINDING_KEY_ONLINE, BINDING_KEY_ONLINE);
	keyworld_start(&k);
	keyworld_start(&k);
	assert_admitted(keyworld_round(&k));
	k.start_count--;
	k.start_id[0] ^= 1;
	offline(BINDING_KEY_OFFLINE, BINDING_KEY_OFFLINE);
	k.in.judged = k.in.issued + 1;
	assert_unproven(keyworld_judge(&k), FIND_SUPERSEDED);
	k.in.judged = k.in.issued - 1;
	assert_quarantined(keyworld_judge(&k), FIND_COPIED);
}

#define OFFLINE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, setup_key, teardown_key)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OFFLINE_TEST(evidence_from_a_file_is_judged_like_any_other),
		OFFLINE_TEST(q6_online_evidence_is_none_from_a_file_and_the_other_way_round),
		OFFLINE_TEST(q6_an_answer_to_another_challenge_is_none),
		OFFLINE_TEST(q7_an_answer_of_another_device_is_none),
		OFFLINE_TEST(
			i17_offline_evidence_is_never_judged_with_a_channel_or_without_its_time),
		OFFLINE_TEST(d4_a_policy_that_does_not_speak_of_it_takes_none),
		OFFLINE_TEST(d11_old_evidence_admits_nobody),
		OFFLINE_TEST(d10_a_challenge_from_the_future_is_as_old_as_now),
		OFFLINE_TEST(l2_a_log_or_list_that_the_file_lacks_is_missing),
		OFFLINE_TEST(
			q11_what_was_made_before_a_later_round_is_superseded_and_changes_nothing),
		OFFLINE_TEST(
			q11_what_is_behind_a_round_before_the_challenge_is_a_device_that_went_back),
		OFFLINE_TEST(q11_counters_of_a_file_are_counters),
		OFFLINE_TEST(m9_what_was_found_in_a_boot_sticks_to_the_files_of_that_boot),
		OFFLINE_TEST(evidence_that_killed_appraisers_is_superseded_too),
		OFFLINE_TEST(what_is_replayed_of_it_is_no_older_for_that),
		OFFLINE_TEST(its_input_travels_with_its_times),
		OFFLINE_TEST(no_flipped_bit_of_the_proof_is_believed),
		KEY_TEST(q6_the_kinds_of_a_key_are_told_apart),
		KEY_TEST(i12_an_earlier_start_is_a_copy_or_superseded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
