/* test_appraise.c: the recipe on honest devices: what is admitted, needed, remembered. */
#include "tests/support/unit.h"
#include "tests/support/world.h"
#include "verifier/appraise/appraisal.h"

#include <stdlib.h>
#include <stdio.h>
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
an_honest_boot_is_admitted(void **state)
{
	const struct verdict *v = world_round(&w);

	(void)state;
	assert_admitted(v);
	assert_int_equal(w.needs, 1); /* the boot log, once */
	assert_memory_equal(v->policy, w.in.policy_digest, 32);
	assert_memory_equal(v->reference, w.in.references[0].digest, 32);
	assert_int_equal(v->max_age_s, 180);
	assert_int_equal(v->interval_s, 60);
	assert_int_equal(v->vector[AR4SI_INSTANCE_IDENTITY], 2);
	assert_int_equal(v->vector[AR4SI_HARDWARE], 2);
	assert_int_equal(v->vector[AR4SI_EXECUTABLES], 3);
	assert_true(v->nfacts > 30);
}

static void
a_boot_that_goes_on_needs_no_log_again(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	for (unsigned i = 0; i < 3; i++) {
		assert_admitted(world_round(&w));
		assert_int_equal(w.needs, 0);
	}
}

static void
every_real_boot_of_ours_is_admitted_against_its_own_reference(void **state)
{
	static const char *const logs[] = {"grub-good",      "sb-good",     "sb-off",
					   "sb-shim-good",   "sdboot-good", "uki-optrom",
					   "uki-sha256only", "uki-allbanks"};

	(void)state;
	for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
		world_free(&w);
		world_init(&w, logs[i]);
		assert_admitted(world_round(&w));
		assert_admitted(world_round(&w));
	}
}

static void
a_reboot_is_judged_again_and_admitted(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 1);
}

static void
the_full_log_and_the_remembered_boot_give_equal_findings(void **state)
{
	static uint8_t a[VERDICT_BYTES_MAX], b[VERDICT_BYTES_MAX];
	size_t na, nb;

	(void)state;
	world_reboot(&w, "uki-cmdline");
	(void)world_round(&w);
	world_challenge(&w);
	world_prove(&w);
	assert_quarantined(world_judge(&w), FIND_EVENT_DIFFERS);
	assert_int_equal(w.needs, 0);
	w.v->nfacts = 0;
	memset(w.v->facts, 0, sizeof w.v->facts);
	assert_int_equal(verdict_encode(w.v, a, sizeof a, &na), ASSAY_OK);
	w.in.has_boot_log = true;
	w.in.boot_log = w.log;
	assert_quarantined(world_judge(&w), FIND_EVENT_DIFFERS);
	w.v->nfacts = 0;
	memset(w.v->facts, 0, sizeof w.v->facts);
	assert_int_equal(verdict_encode(w.v, b, sizeof b, &nb), ASSAY_OK);
	assert_int_equal(na, nb);
	assert_memory_equal(a, b, na);
}

/* What keeper has at hand of an earlier boot is no evidence of this one, and not the
 * device's fault either; the same bytes sent by the device would be. */
static void
a_stored_log_of_another_boot_is_as_if_absent(void **state)
{
	struct span old = unit_data("eventlog/uki-good.bin");

	(void)state;
	assert_admitted(world_round(&w));
	world_reboot(&w, "uki-cmdline");
	world_challenge(&w);
	world_prove(&w);
	w.in.has_boot_log = w.in.boot_log_stored = true;
	w.in.boot_log = old;
	assert_int_equal(world_appraise(&w)->status, VERDICT_NEED);
	w.in.boot_log_stored = false;
	assert_unproven(world_appraise(&w), FIND_LOG_DIGEST);
	unit_free(old);
}

static void
the_same_input_gives_the_same_bytes(void **state)
{
	static uint8_t a[VERDICT_BYTES_MAX], b[VERDICT_BYTES_MAX];
	size_t na, nb;

	(void)state;
	world_challenge(&w);
	world_prove(&w);
	(void)world_judge(&w);
	assert_int_equal(verdict_encode(w.v, a, sizeof a, &na), ASSAY_OK);
	memset(w.memory, 0xA5, APPRAISE_ARENA);
	memset(w.v, 0x5A, sizeof *w.v);
	(void)world_appraise(&w);
	assert_int_equal(verdict_encode(w.v, b, sizeof b, &nb), ASSAY_OK);
	assert_int_equal(na, nb);
	assert_memory_equal(a, b, na);
}

static void
claims_that_come_apart_are_asked_for_and_bound(void **state)
{
	(void)state;
	w.ask.claims_apart = true;
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 2);
	world_challenge(&w);
	world_prove(&w);
	assert_int_equal(world_appraise(&w)->status, VERDICT_NEED);
	assert_int_equal(w.v->need.wants[0].kind, PART_CLAIMS);
	assert_false(w.v->next.present);
}

static void
one_quote_per_bank_is_one_proof(void **state)
{
	(void)state;
	world_free(&w);
	world_init(&w, "uki-allbanks");
	softtpm_add_bank(&w.tpm, ALG_SHA1);
	softtpm_add_bank(&w.tpm, ALG_SHA384);
	softtpm_boot(&w.tpm, w.log);
	world_set_policy(&w, "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256, sha1, sha384], pcrs: [0-7], interval: 60s, "
			     "patience: 3}\nreferences: {pcrs: [0-7]}\n");
	world_set_reference(&w, REF_PROMOTED);
	w.ask.quote_per_bank = true;
	assert_admitted(world_round(&w));
	assert_int_equal(w.evidence.nquotes, 3);
	w.ask.quote_per_bank = false;
	assert_admitted(world_round(&w));
}

static void
a_learned_reference_admits_no_further_than_policy_says(void **state)
{
	(void)state;
	world_set_reference(&w, REF_LEARNED);
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_REFERENCE_LEARNED);
	assert_int_equal(w.v->nfindings, 1);
	w.in.references[0].state = REF_PROMOTED;
	assert_admitted(world_round(&w));
}

static void
without_references_or_policy_nothing_is_admitted(void **state)
{
	(void)state;
	w.in.nreferences = 0;
	assert_quarantined(world_round(&w), FIND_NO_REFERENCE);
	world_set_reference(&w, REF_RETIRED);
	assert_quarantined(world_round(&w), FIND_NO_REFERENCE);
	world_set_reference(&w, REF_NONE);
	assert_quarantined(world_round(&w), FIND_NO_REFERENCE);
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	w.in.policy = SPAN(NULL, 0);
	memset(w.in.policy_digest, 0, sizeof w.in.policy_digest);
	assert_quarantined(world_round(&w), FIND_NO_POLICY);
}

static void
an_expired_reference_does_not_admit(void **state)
{
	(void)state;
	w.in.references[0].not_after = w.in.now;
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->not_after, w.in.now);
	w.in.now++;
	assert_quarantined(world_round(&w), FIND_REFERENCE_EXPIRED);
}

static void
the_ek_and_the_tier_of_the_record_are_judged(void **state)
{
	struct ek_facts sound = w.in.device.ek;
	struct ek_facts *ek = &w.in.device.ek;

	(void)state;
	ek->trusted = false;
	assert_quarantined(world_round(&w), FIND_EK_UNTRUSTED);
	ek->allow_listed = true;
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->vector[AR4SI_HARDWARE], 32);
	*ek = sound;
	ek->weak = true;
	assert_quarantined(world_round(&w), FIND_EK_WEAK);
	*ek = sound;
	ek->issuer_expired = true;
	assert_quarantined(world_round(&w), FIND_EK_EXPIRED);
	*ek = sound;
	ek->not_after = w.in.now - 1;
	assert_quarantined(world_round(&w), FIND_EK_EXPIRED);
	ek->not_after = w.in.now + 100;
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->not_after, w.in.now + 100);
	w.in.device.new_ak = true;
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_AK_CHANGED);
	w.in.device.new_ak = false;
	w.in.device.tier = TIER_VTPM;
	assert_quarantined(world_round(&w), FIND_TIER);
	ek->certificate = ek->trusted = false;
	ek->allow_listed = true; /* an operator knows it, though no certificate does */
	assert_admitted(world_round(&w));
	ek->virtual_tpm = true;
	assert_quarantined(world_round(&w), FIND_TIER);
	w.in.device.tier = TIER_NONE;
	assert_quarantined(world_round(&w), FIND_TIER);
}

static void
what_policy_allows_is_allowed(void **state)
{
	(void)state;
	world_set_policy(&w, "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, "
			     "patience: 3}\nreferences: {pcrs: [0-9, 11-14]}\n"
			     "allow: {ek_expired: true, virtual_tpm: true}\n");
	w.in.device.ek.issuer_expired = true;
	w.in.device.ek.not_after = w.in.now - 1;
	w.in.device.tier = TIER_VTPM;
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->not_after, 0);
	assert_int_equal(w.v->vector[AR4SI_HARDWARE], 32);
}

static const struct fact *
shown(const struct verdict *v, enum fact_id id, int32_t index)
{
	for (size_t i = 0; i < v->nfacts; i++)
		if (v->facts[i].id == id && v->facts[i].index == index)
			return &v->facts[i];
	return NULL;
}

static void
facts_have_their_provenance_and_place(void **state)
{
	const struct fact *f;

	(void)state;
	world_free(&w);
	world_init(&w, "sb-shim-good");
	assert_admitted(world_round(&w));
	f = shown(w.v, FACT_BOOT_SECURE_BOOT, -1);
	assert_non_null(f);
	assert_string_equal(f->text, "true");
	assert_int_equal(f->provenance, PROV_REPLAYED);
	f = shown(w.v, FACT_BOOT_CMDLINE, -1);
	assert_non_null(f);
	assert_true(f->event > 0);
	assert_non_null(strstr(f->text, "root="));
	f = shown(w.v, FACT_AGENT, -1);
	assert_non_null(f);
	assert_int_equal(f->provenance, PROV_CLAIMED);
	assert_non_null(shown(w.v, FACT_PCR, 7));
	assert_null(shown(w.v, FACT_PCR, 10));
	assert_non_null(shown(w.v, FACT_BOOT_IMAGE, 0));
}

static void
findings_stand_worst_first_and_once_whatever_their_order(void **state)
{
	uint32_t r = 1;

	(void)state;
	for (unsigned turn = 0; turn < 50; turn++) {
		unsigned caps[OUTCOME_COUNT] = {0};

		memset(w.v, 0, sizeof *w.v);
		w.v->nfindings = (uint8_t)(turn % VERDICT_FINDINGS_MAX + 1);
		for (size_t i = 0; i < w.v->nfindings; i++) {
			struct finding *f = &w.v->findings[i];

			r = r * 1103515245 + 12345;
			f->code = FIND_RULE;
			f->cap = (uint8_t)(r >> 16 & 0xFF) % OUTCOME_COUNT;
			f->pcr = (int32_t)i; /* each another */
			caps[f->cap]++;
		}
		w.v->findings[0] = w.v->findings[w.v->nfindings - 1]; /* but these two */
		findings_settle(w.v);
		for (size_t i = 1; i < w.v->nfindings; i++) {
			const struct finding *f = &w.v->findings[i];

			assert_true(f[-1].cap < f->cap ||
				    (f[-1].cap == f->cap && f[-1].pcr < f->pcr));
		}
		assert_int_equal(w.v->nfindings, turn == 0 ? 1 : turn % VERDICT_FINDINGS_MAX);
		assert_true(caps[0] + caps[1] + caps[2] >= w.v->nfindings);
	}
}

static void
a_damaged_record_of_the_boot_is_a_fault_and_decides_nothing(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	w.in.continuity.n--;
	world_challenge(&w);
	world_prove(&w);
	assert_int_equal(world_judge(&w)->status, VERDICT_FAULT);
	assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
	assert_int_equal(w.v->findings[0].code, FIND_INTERNAL);
	assert_int_equal(w.v->vector[0], -1);
}

static void
core_only_tells_signed_from_unsigned(void **state)
{
	(void)state;
	world_challenge(&w);
	world_prove(&w);
	appraise_core_only(&w.in, &w.scratch, w.v);
	assert_quarantined(w.v, FIND_UNJUDGEABLE);
	assert_true(w.v->next.present);
	w.in.nonce[0] ^= 1;
	appraise_core_only(&w.in, &w.scratch, w.v);
	assert_unproven(w.v, FIND_BINDING);
}

static void
monitor_mode_is_said_and_computed(void **state)
{
	char yaml[1024];

	(void)state;
	strcpy(yaml, world_policy);
	strcat(yaml, "mode: monitor\n");
	world_set_policy(&w, yaml);
	assert_admitted(world_round(&w));
	assert_true(w.v->monitor);
	assert_false(w.v->enforced);
}

/* The policy that the world has now is enforced, and this one watches. */
static void
watch_with(const char *more)
{
	static uint8_t enforced[sizeof w.policy];
	char yaml[1024];

	memcpy(enforced, w.policy, sizeof enforced);
	w.in.enforced = SPAN(enforced, w.in.policy.n);
	memcpy(w.in.enforced_digest, w.in.policy_digest, sizeof w.in.enforced_digest);
	snprintf(yaml, sizeof yaml, "%smode: monitor\n%s", world_policy, more);
	world_set_policy(&w, yaml);
}

static void
in_monitor_mode_the_enforced_policy_gives_the_outcome(void **state)
{
	(void)state;
	watch_with("rules: [{id: no, fact: agent, op: equals, value: other}]\n");
	for (unsigned i = 0; i < 3; i++) {
		assert_admitted(world_round(&w));
		assert_true(w.v->monitor && w.v->enforced);
		assert_int_equal(w.v->would, OUTCOME_QUARANTINE);
		assert_memory_equal(w.v->policy, w.in.policy_digest, 32);
	}
}

static void
a_device_that_turns_bad_in_monitor_mode_is_quarantined(void **state)
{
	(void)state;
	world_set_policy(&w, "policy: p\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, "
			     "patience: 3}\nreferences: {pcrs: [0-9, 11-14]}\n"
			     "rules: [{id: r, fact: boot.secure_boot, op: equals, value: "
			     "false}]\n");
	watch_with("");
	assert_admitted(world_round(&w));
	assert_int_equal(w.v->would, OUTCOME_ADMIT);
	world_reboot(&w, "sb-good");
	assert_quarantined(world_round(&w), FIND_RULE);
	assert_quarantined(world_round(&w), FIND_RULE);
	assert_true(w.v->enforced);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(an_honest_boot_is_admitted),
		CASE(a_boot_that_goes_on_needs_no_log_again),
		CASE(every_real_boot_of_ours_is_admitted_against_its_own_reference),
		CASE(a_reboot_is_judged_again_and_admitted),
		CASE(the_full_log_and_the_remembered_boot_give_equal_findings),
		CASE(a_stored_log_of_another_boot_is_as_if_absent),
		CASE(the_same_input_gives_the_same_bytes),
		CASE(claims_that_come_apart_are_asked_for_and_bound),
		CASE(one_quote_per_bank_is_one_proof),
		CASE(a_learned_reference_admits_no_further_than_policy_says),
		CASE(without_references_or_policy_nothing_is_admitted),
		CASE(an_expired_reference_does_not_admit),
		CASE(the_ek_and_the_tier_of_the_record_are_judged),
		CASE(what_policy_allows_is_allowed),
		CASE(facts_have_their_provenance_and_place),
		CASE(findings_stand_worst_first_and_once_whatever_their_order),
		CASE(a_damaged_record_of_the_boot_is_a_fault_and_decides_nothing),
		CASE(core_only_tells_signed_from_unsigned),
		CASE(monitor_mode_is_said_and_computed),
		CASE(in_monitor_mode_the_enforced_policy_gives_the_outcome),
		CASE(a_device_that_turns_bad_in_monitor_mode_is_quarantined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
