/* test_change.c: attacks on change: planned changes (D12), digests declared bad, and what
 * a replay of stored evidence must never become. Against appraise(). */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "verifier/compiler/digestset_build.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1790000000 /* of a world */
#define FROM (NOW + 1000)
#define UNTIL (NOW + 2000)

static struct world w;
static uint8_t *bad;

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
	free(bad);
	bad = NULL;
	return 0;
}

/* Set 0 is uki-good, set 1 uki-cmdline; a change from 0 to 1 is planned. */
static void
plan(void)
{
	world_reboot(&w, "uki-cmdline");
	world_add_reference(&w, REF_PROMOTED);
	world_reboot(&w, "uki-good");
	w.in.references[0].not_after = UNTIL;
	w.in.references[1].not_before = FROM;
	memcpy(w.in.references[0].superseded_by, w.in.references[1].digest, 32);
}

/* ---- planned changes ---- */

static void
d12_whole_a_or_whole_b_within_the_window(void **state)
{
	(void)state;
	plan();
	w.in.now = FROM;
	assert_admitted(world_round(&w));
	world_reboot(&w, "uki-cmdline");
	assert_admitted(world_round(&w));
}

/* PCR 4 is A's, PCR 11 is B's: as if half of the change had been made. */
static void
d12_parts_of_a_with_parts_of_b_are_refused(void **state)
{
	struct pcr_bank *bank = NULL;
	struct digest b11;

	(void)state;
	world_set_policy(&w, "policy: test\nversion: 2\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, "
			     "patience: 3}\n"
			     "references: {pcrs: [0, 2-4, 7-9, 11-14], unlogged: [11]}\n");
	plan();
	w.in.now = FROM;
	assert_int_equal(world_round(&w)->outcome, OUTCOME_ADMIT);
	world_reboot(&w, "uki-cmdline");
	b11 = *pcr_value(&w.tpm.pcrs, ALG_SHA256, 11);
	assert_int_equal(world_round(&w)->outcome, OUTCOME_ADMIT);
	world_reboot(&w, "uki-good");
	for (unsigned i = 0; i < w.tpm.pcrs.count; i++)
		if (w.tpm.pcrs.bank[i].alg == ALG_SHA256)
			bank = &w.tpm.pcrs.bank[i];
	assert_non_null(bank);
	assert_false(digest_equal(&bank->value[11], &b11));
	bank->value[11] = b11;
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
}

static void
d12_b_before_its_time_is_refused(void **state)
{
	(void)state;
	plan();
	world_reboot(&w, "uki-cmdline");
	assert_quarantined(world_round(&w), FIND_REFERENCE_EARLY);
	w.in.now = FROM;
	assert_admitted(world_round(&w));
}

static void
d12_a_after_b_is_a_rollback(void **state)
{
	(void)state;
	plan();
	w.in.now = FROM;
	world_reboot(&w, "uki-cmdline");
	assert_admitted(world_round(&w));
	world_reboot(&w, "uki-good");
	assert_quarantined(world_round(&w), FIND_ROLLED_BACK);
	assert_quarantined(world_round(&w), FIND_ROLLED_BACK);
	world_reboot(&w, "uki-good"); /* a reset wipes no ratchet */
	assert_quarantined(world_round(&w), FIND_ROLLED_BACK);
	world_reboot(&w, "uki-cmdline");
	assert_admitted(world_round(&w));
}

static void
d12_who_showed_b_too_early_cannot_go_back_either(void **state)
{
	(void)state;
	plan();
	world_reboot(&w, "uki-cmdline");
	assert_quarantined(world_round(&w), FIND_REFERENCE_EARLY);
	world_reboot(&w, "uki-good");
	assert_quarantined(world_round(&w), FIND_ROLLED_BACK);
}

static void
d12_another_device_that_never_showed_b_still_matches_a(void **state)
{
	(void)state;
	plan();
	w.in.now = UNTIL;
	assert_admitted(world_round(&w));
}

static void
d12_a_expires_by_itself(void **state)
{
	const struct verdict *v;

	(void)state;
	plan();
	w.in.now = FROM;
	v = world_round(&w);
	assert_admitted(v);
	assert_int_equal(v->not_after, UNTIL); /* nor does a verdict outlive it */
	w.in.now = UNTIL + 1;
	assert_quarantined(world_round(&w), FIND_REFERENCE_EXPIRED);
}

static void
d12_a_copy_of_a_that_somebody_learned_admits_no_rollback(void **state)
{
	(void)state;
	plan();
	w.in.now = FROM;
	world_reboot(&w, "uki-cmdline");
	assert_admitted(world_round(&w));
	world_reboot(&w, "uki-good");
	w.in.references[2] = w.in.references[0];
	memset(w.in.references[2].superseded_by, 0, 32);
	w.in.references[2].digest[0] ^= 1;
	w.in.references[2].not_after = 0;
	w.in.references[2].state = REF_LEARNED;
	w.in.nreferences = 3;
	assert_quarantined(world_round(&w), FIND_ROLLED_BACK);
}

/* ---- known-bad ---- */

/* The stored round, as keeper would replay it. */
static const struct verdict *
replay(void)
{
	w.in.claims = SPAN(NULL, 0);
	w.in.has_boot_log = w.in.boot_log_stored = true;
	w.in.boot_log = w.log;
	appraise_replay(&w.in, &w.scratch, w.v);
	return w.v;
}

static void
declare_bad(const struct digest *d)
{
	struct digestset_builder *b = digestset_builder_new();
	struct digestset_digest one = {.alg = d->alg, .bytes = digest_span(d)};
	struct reference_view *v = &w.in.references[w.in.nreferences++];
	size_t n;

	free(bad);
	bad = NULL;
	assert_non_null(b);
	assert_int_equal(digestset_add(b, SPAN(NULL, 0), &one), ASSAY_OK);
	assert_int_equal(digestset_build(b, &bad, &n), ASSAY_OK);
	digestset_builder_free(b);
	memset(v, 0, sizeof *v);
	v->compiled = SPAN(bad, n);
	v->kind = REF_KIND_KNOWN_BAD;
	v->state = REF_PROMOTED;
	assert_int_equal(digest_sha256(v->compiled, v->digest), ASSAY_OK);
}

static void
a_pcr_declared_bad_beats_the_reference_that_it_matches(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	declare_bad(pcr_value(&w.tpm.pcrs, ALG_SHA256, 4));
	assert_quarantined(replay(), FIND_KNOWN_BAD);
	assert_quarantined(world_round(&w), FIND_KNOWN_BAD);
}

static void
an_event_declared_bad_later_is_found_in_what_was_judged_before(void **state)
{
	struct eventlog l;
	struct event ev;
	struct digest d = {0};

	(void)state;
	assert_admitted(world_round(&w));
	assert_admitted(world_round(&w));
	assert_int_equal(eventlog_open(w.log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev))
		if (ev.pcr == 4 && ev.type == 0x80000003u)
			assert_int_equal(
				digest_from(ALG_SHA256, event_digest_in(&ev, ALG_SHA256), &d),
				ASSAY_OK);
	assert_int_equal(d.len, 32);
	declare_bad(&d);
	assert_quarantined(world_round(&w), FIND_KNOWN_BAD);
	assert_quarantined(world_round(&w), FIND_KNOWN_BAD); /* also in a steady round */
	w.in.nreferences--;
	assert_admitted(world_round(&w)); /* taken from the list: judged anew */
}

static void
a_known_bad_list_that_cannot_be_read_is_not_taken_for_empty(void **state)
{
	static const uint8_t junk[5] = {1, 2, 3, 4, 5};

	(void)state;
	declare_bad(pcr_value(&w.tpm.pcrs, ALG_SHA256, 9));
	w.in.references[1].compiled = SPAN(junk, sizeof junk);
	assert_quarantined(world_round(&w), FIND_POLICY_INVALID);
}

/* ---- replay ---- */

static void
a_replay_says_what_the_next_round_says(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	assert_admitted(replay());
	world_set_reference(&w, REF_LEARNED);
	assert_outcome(replay(), OUTCOME_RESTRICT, FIND_REFERENCE_LEARNED);
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_REFERENCE_LEARNED);
}

static void
a_replay_keeps_what_was_found_in_counters(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL);
	world_reboot(&w, NULL); /* two resets that nobody saw */
	assert_quarantined(world_round(&w), FIND_RESET_BACK);
	assert_quarantined(replay(), FIND_RESET_BACK);
}

static void
a_prediction_is_never_a_verdict(void **state)
{
	static uint8_t bytes[VERDICT_BYTES_MAX];
	size_t n;

	(void)state;
	assert_admitted(world_round(&w));
	assert_int_equal(verdict_encode(w.v, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_admitted(replay());
	assert_int_equal(verdict_encode(w.v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
}

static void
a_replay_of_evidence_that_nobody_signed_is_unproven(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	w.in.nonce[3] ^= 1;
	assert_unproven(replay(), FIND_BINDING);
}

static void
a_replay_without_the_boot_log_is_no_decision(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	world_set_reference(&w, REF_LEARNED); /* other judges: the log is needed */
	w.in.has_boot_log = w.in.boot_log_stored = false;
	w.in.boot_log = SPAN(NULL, 0);
	appraise_replay(&w.in, &w.scratch, w.v);
	assert_int_equal(w.v->status, VERDICT_NEED);
	assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
}

static void
a_replay_of_newer_evidence_than_the_continuity_is_no_decision(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	world_challenge(&w);
	world_prove(&w); /* not judged, so not in the continuity */
	assert_int_equal(replay()->status, VERDICT_FAULT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
		CASE(d12_whole_a_or_whole_b_within_the_window),
		CASE(d12_parts_of_a_with_parts_of_b_are_refused),
		CASE(d12_b_before_its_time_is_refused),
		CASE(d12_a_after_b_is_a_rollback),
		CASE(d12_who_showed_b_too_early_cannot_go_back_either),
		CASE(d12_another_device_that_never_showed_b_still_matches_a),
		CASE(d12_a_expires_by_itself),
		CASE(d12_a_copy_of_a_that_somebody_learned_admits_no_rollback),
		CASE(a_pcr_declared_bad_beats_the_reference_that_it_matches),
		CASE(an_event_declared_bad_later_is_found_in_what_was_judged_before),
		CASE(a_known_bad_list_that_cannot_be_read_is_not_taken_for_empty),
		CASE(a_replay_says_what_the_next_round_says),
		CASE(a_replay_keeps_what_was_found_in_counters),
		CASE(a_prediction_is_never_a_verdict),
		CASE(a_replay_of_evidence_that_nobody_signed_is_unproven),
		CASE(a_replay_without_the_boot_log_is_no_decision),
		CASE(a_replay_of_newer_evidence_than_the_continuity_is_no_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
