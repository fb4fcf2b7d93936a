/*
 * test_key_devices.c: attacks on evidence of devices without TPM: software evidence that
 * wants to be more (M7, M12), keys that claim a better home (I9), the verifier's own
 * values (I6), keys live in two places and chains that come back (I12).
 */
#include "tests/support/keyworld.h"
#include "tests/support/unit.h"

#include <string.h>

static struct keyworld w;

static int
software(void **state)
{
	(void)state;
	keyworld_init(&w, TIER_SOFTWARE, SOFTKEY_P256);
	return 0;
}

static int
dice(void **state)
{
	(void)state;
	keyworld_init(&w, TIER_DICE, SOFTKEY_ED25519);
	return 0;
}

static int
drop(void **state)
{
	(void)state;
	keyworld_free(&w);
	return 0;
}

static void
every_tier_and_kind_of_key_is_admitted_where_policy_admits_it(void **state)
{
	static const enum tier tiers[] = {TIER_SOFTWARE, TIER_TOKEN, TIER_DICE};

	(void)state;
	for (size_t t = 0; t < 3; t++)
		for (unsigned kind = 0; kind < SOFTKEY_KINDS; kind++) {
			keyworld_init(&w, tiers[t], (enum softkey_kind)kind);
			assert_admitted(keyworld_round(&w));
			assert_admitted(keyworld_round(&w));
			keyworld_start(&w);
			assert_admitted(keyworld_round(&w));
			keyworld_free(&w);
		}
}

/* ---- M7 ---- */

static void
m7_evidence_that_the_enrolled_key_did_not_sign_changes_nothing(void **state)
{
	struct softkey other;

	(void)state;
	softkey_init(&other, SOFTKEY_P256);
	w.signer = &other;
	assert_unproven(keyworld_round(&w), FIND_SIGNATURE);
	softkey_free(&other);
}

static void
m7_a_signature_for_another_nonce_channel_or_use_is_none(void **state)
{
	(void)state;
	assert_admitted(keyworld_round(&w));
	w.in.nonce[0] ^= 1;
	appraise(&w.in, &w.scratch, w.v);
	assert_unproven(w.v, FIND_SIGNATURE);
	w.in.nonce[0] ^= 1;
	w.channel[5] ^= 1;
	appraise(&w.in, &w.scratch, w.v);
	assert_unproven(w.v, FIND_SIGNATURE);
	w.in.channel.n = 0;
	appraise(&w.in, &w.scratch, w.v);
	assert_unproven(w.v, FIND_SIGNATURE);
	w.in.channel.n = 32;
	w.channel[5] ^= 1;
	for (unsigned kind = 1; kind <= 5; kind++) {
		w.kind = (uint8_t)kind;
		(void)keyworld_judge(&w);
		if (kind != BINDING_KEY_ONLINE)
			assert_unproven(w.v, FIND_SIGNATURE);
	}
}

static void
never_admitted(struct span mutant, const char *what, void *arg)
{
	(void)arg;
	w.in.proof = mutant;
	appraise(&w.in, &w.scratch, w.v);
	if (w.v->outcome == OUTCOME_ADMIT)
		fail_msg("admitted: %s", what);
	if (w.v->status == VERDICT_DECIDED)
		fail_msg("decided: %s", what);
}

static void
m7_no_mutant_of_a_keys_proof_is_believed(void **state)
{
	static uint8_t copy[MSG_PROOF_MAX];

	(void)state;
	assert_admitted(keyworld_judge(&w));
	memcpy(copy, w.in.proof.p, w.in.proof.n);
	unit_mutate(SPAN(copy, w.in.proof.n), 800, never_admitted, NULL);
}

static void
m7_software_evidence_never_affirms_hardware_or_executables(void **state)
{
	static const enum tier tiers[] = {TIER_SOFTWARE, TIER_TOKEN};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		w.in.device.tier = tiers[i];
		w.in.device.ek.trusted = true; /* whatever vouches for the key */
		keyworld_set_policy(
			&w, "policy: greedy\nversion: 1\napplies_to: {class: controller}\n"
			    "ask: {banks: [sha256], pcrs: [0], interval: 60s, patience: 3}\n"
			    "references: {pcrs: [0]}\n"
			    "allow: {lowest_tier: software}\n"
			    "rules:\n"
			    "  - {id: a, fact: channel.bound, op: equals, value: true, "
			    "claim: hardware}\n"
			    "  - {id: b, fact: key.type, op: equals, value: ecdsa-p256, "
			    "claim: executables}\n"
			    "  - {id: c, fact: software.firmware.digest, op: equals, value: "
			    "\"sha256:"
			    "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c\""
			    "}\n");
		assert_admitted(keyworld_round(&w));
		assert_int_equal(w.v->vector[AR4SI_HARDWARE], 0);
		assert_int_equal(w.v->vector[AR4SI_EXECUTABLES], 0);
		assert_int_equal(w.v->vector[AR4SI_INSTANCE_IDENTITY], 2);
	}
}

static void
m7_a_policy_that_judges_nothing_a_key_device_runs_admits_none(void **state)
{
	(void)state;
	keyworld_set_policy(&w, "policy: nothing\nversion: 1\napplies_to: {class: controller}\n"
				"ask: {banks: [sha256], pcrs: [0], interval: 60s, patience: 3}\n"
				"references: {pcrs: [0]}\n"
				"allow: {lowest_tier: software}\n"
				"rules:\n"
				"  - {id: a, fact: channel.bound, op: equals, value: true}\n"
				"  - {id: b, fact: software.firmware.digest, op: present}\n");
	assert_quarantined(keyworld_round(&w), FIND_UNJUDGED);
	w.in.policy = SPAN(NULL, 0);
	assert_quarantined(keyworld_round(&w), FIND_NO_POLICY);
}

static void
m7_claims_withheld_are_missing_and_never_empty(void **state)
{
	(void)state;
	w.firmware = NULL;
	assert_quarantined(keyworld_round(&w), FIND_FACT_MISSING);
	w.firmware = "good";
	assert_admitted(keyworld_round(&w));
	w.firmware = "evil";
	assert_quarantined(keyworld_round(&w), FIND_RULE);
}

/* ---- M12, I9 ---- */

static void
m12_the_tier_is_the_records_whatever_the_evidence_looks_like(void **state)
{
	(void)state;
	keyworld_set_policy(
		&w, "policy: hardware\nversion: 1\napplies_to: {class: controller}\n"
		    "ask: {banks: [sha256], pcrs: [0], interval: 60s, patience: 3}\n"
		    "references: {pcrs: [0]}\n"
		    "allow: {lowest_tier: dice}\n"
		    "rules:\n"
		    "  - {id: c, fact: software.firmware.digest, op: equals, value: "
		    "\"sha256:770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c\""
		    "}\n");
	assert_quarantined(keyworld_round(&w), FIND_TIER);
	assert_string_equal(world_finding(w.v, FIND_TIER)->seen, "software");
	assert_string_equal(world_finding(w.v, FIND_TIER)->expected, "dice or better");
	w.in.device.tier = TIER_TOKEN;
	assert_quarantined(keyworld_round(&w), FIND_TIER);
	/* a chain that nobody enrolled makes no DICE device of it */
	w.nlayers = 1;
	memcpy(w.layers, w.dice.certs, sizeof w.layers);
	assert_unproven(keyworld_round(&w), FIND_DICE_CHAIN);
}

static void
m12_a_key_devices_proof_is_nothing_from_a_device_with_a_tpm(void **state)
{
	(void)state;
	w.in.device.tier = TIER_TPM;
	w.in.kind = BINDING_TPM_ONLINE;
	w.kind = BINDING_TPM_ONLINE;
	(void)keyworld_round(&w);
	assert_int_equal(w.v->status, VERDICT_UNPROVEN);
	assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
}

static void
m12_quotes_are_nothing_from_a_device_without_tpm(void **state)
{
	static struct world t;

	(void)state;
	world_init(&t, "grub-good");
	world_challenge(&t);
	world_prove(&t);
	for (unsigned tier = TIER_SOFTWARE; tier <= TIER_DICE; tier++) {
		t.in.device.tier = (enum tier)tier;
		appraise(&t.in, &t.scratch, t.v);
		assert_unproven(t.v, FIND_MALFORMED);
	}
	world_free(&t);
}

static void
i9_the_lowest_tier_is_tpm_unless_the_policy_says_another(void **state)
{
	(void)state;
	keyworld_set_policy(
		&w, "policy: silent\nversion: 1\napplies_to: {class: controller}\n"
		    "ask: {banks: [sha256], pcrs: [0], interval: 60s, patience: 3}\n"
		    "references: {pcrs: [0]}\n"
		    "rules:\n"
		    "  - {id: c, fact: software.firmware.digest, op: equals, value: "
		    "\"sha256:770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c\""
		    "}\n");
	assert_quarantined(keyworld_round(&w), FIND_TIER);
	assert_string_equal(world_finding(w.v, FIND_TIER)->expected, "tpm");
}

/* ---- DICE ---- */

static const char dice_policy[] =
	"policy: layers\nversion: 1\napplies_to: {class: controller}\n"
	"ask: {banks: [sha256], pcrs: [0], interval: 60s, patience: 3}\n"
	"references: {pcrs: [0]}\n"
	"allow: {lowest_tier: dice}\n"
	"rules:\n"
	"  - {id: code, fact: \"dice.code[1]\", op: equals, claim: executables, value: "
	"\"sha512:11111111111111111111111111111111111111111111111111111111111111111111111111111111"
	"111111111111111111111111111111111111111111111111\"}\n"
	"  - {id: layers, fact: dice.layers, op: equals, value: 2}\n"
	"  - {id: mode, fact: \"dice.mode[0]\", op: equals, value: normal}\n";

static void
dice_layers_are_facts_and_a_changed_one_is_a_finding(void **state)
{
	(void)state;
	keyworld_set_policy(&w, dice_policy);
	assert_admitted(keyworld_round(&w));
	assert_int_equal(w.v->vector[AR4SI_HARDWARE], 2);
	assert_int_equal(w.v->vector[AR4SI_EXECUTABLES], 2);
	dicemade_update(&w.dice, 1, 0x66);
	memcpy(w.layers, w.dice.certs, sizeof w.layers);
	keyworld_start(&w);
	assert_quarantined(keyworld_round(&w), FIND_RULE);
	assert_string_equal(world_finding(w.v, FIND_RULE)->subject, "dice.code[1]");
	assert_int_equal(world_finding(w.v, FIND_RULE)->provenance, PROV_DICE);
}

static void
dice_layers_that_are_not_normal_are_quarantined(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&w.dice, 0);

	(void)state;
	s.mode = 2;
	dicemade_again(&w.dice, 0, &s);
	memcpy(w.layers, w.dice.certs, sizeof w.layers);
	assert_quarantined(keyworld_round(&w), FIND_DICE_MODE);
}

static void
a_dice_chain_cut_short_or_of_another_device_is_not_believed(void **state)
{
	static struct dicemade other;

	(void)state;
	w.nlayers = 1; /* the layer's own key did not sign */
	assert_unproven(keyworld_round(&w), FIND_SIGNATURE);
	w.nlayers = 0;
	assert_unproven(keyworld_round(&w), FIND_DICE_CHAIN);
	dicemade_init(&other, SOFTKEY_ED25519, 2, true);
	memcpy(w.layers, other.certs, sizeof w.layers);
	w.nlayers = other.ncerts;
	w.signer = dicemade_signer(&other);
	assert_unproven(keyworld_round(&w), FIND_DICE_CHAIN);
	dicemade_free(&other);
}

static void
dice_a_root_that_nobody_registered_any_more_is_untrusted(void **state)
{
	(void)state;
	w.in.device.ek.trusted = false;
	assert_quarantined(keyworld_round(&w), FIND_KEY_UNTRUSTED);
	w.in.device.ek.allow_listed = true;
	assert_admitted(keyworld_round(&w));
	assert_int_equal(w.v->vector[AR4SI_HARDWARE], 32);
}

/* ---- I12 ---- */

struct agent {
	uint8_t start_id[16];
	uint64_t start_count, round;
};

static void
run_as(const struct agent *a)
{
	memcpy(w.start_id, a->start_id, sizeof w.start_id);
	w.start_count = a->start_count;
	w.round = a->round;
}

static struct agent
now(void)
{
	struct agent a = {.start_count = w.start_count, .round = w.round};

	memcpy(a.start_id, w.start_id, sizeof a.start_id);
	return a;
}

static void
i12_a_software_key_in_two_places_is_flagged_and_both_lose(void **state)
{
	struct agent original, copy;

	(void)state;
	assert_admitted(keyworld_round(&w));
	original = now();
	keyworld_start(&w); /* on another machine */
	assert_admitted(keyworld_round(&w));
	copy = now();
	run_as(&original);
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
	original = now();
	run_as(&copy);
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
	/* and it stays so, whoever is silent from then on */
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
	keyworld_start(&w);
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
	keyworld_release(&w);
	assert_admitted(keyworld_round(&w));
	run_as(&original);
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
}

static void
i12_a_whole_state_copied_and_resumed_is_flagged(void **state)
{
	struct agent same;

	(void)state;
	assert_admitted(keyworld_round(&w));
	same = now();
	assert_admitted(keyworld_round(&w)); /* the original goes on */
	run_as(&same);
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
}

static void
i12_two_starts_of_one_number_are_flagged(void **state)
{
	struct agent before = now();

	(void)state;
	assert_admitted(keyworld_round(&w));
	keyworld_start(&w);
	w.start_count = before.start_count;
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
}

static void
i12_a_policy_or_a_restart_does_not_wash_it_away(void **state)
{
	(void)state;
	assert_admitted(keyworld_round(&w));
	w.round = 0;
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
	keyworld_set_policy(&w, keyworld_policy);
	w.in.policy_digest[0] ^= 1; /* another generation of judges */
	keyworld_start(&w);
	(void)keyworld_round(&w);
	assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
	assert_non_null(world_finding(w.v, FIND_COPIED));
}

static void
i12_evidence_that_counts_nothing_is_not_admitted(void **state)
{
	(void)state;
	w.start_count = 0;
	assert_quarantined(keyworld_round(&w), FIND_START_MISSING);
	keyworld_start(&w);
	assert_admitted(keyworld_round(&w));
	w.start_count = 0; /* to hide that it goes back */
	assert_quarantined(keyworld_round(&w), FIND_START_MISSING);
}

static void
i12_a_copied_alias_key_with_the_old_chain_after_a_reset_is_flagged(void **state)
{
	struct span old[DICE_LAYERS_MAX];
	static uint8_t der[DICE_LAYERS_MAX][DICEMADE_CERT_MAX];
	struct softkey alias = w.dice.alias;

	(void)state;
	assert_admitted(keyworld_round(&w));
	for (size_t i = 0; i < w.nlayers; i++) {
		memcpy(der[i], w.layers[i].p, w.layers[i].n);
		old[i] = SPAN(der[i], w.layers[i].n);
	}
	w.dice.alias.wolf = NULL; /* the thief keeps it */
	dicemade_update(&w.dice, 1, 0x77);
	memcpy(w.layers, w.dice.certs, sizeof w.layers);
	keyworld_start(&w);
	assert_admitted(keyworld_round(&w)); /* a new chain is a new boot */
	memcpy(w.layers, old, sizeof w.layers);
	w.signer = &alias;
	keyworld_start(&w);
	assert_quarantined(keyworld_round(&w), FIND_CHAIN_BACK);
	memcpy(w.layers, w.dice.certs, sizeof w.layers);
	w.signer = &w.dice.alias;
	keyworld_start(&w);
	assert_quarantined(keyworld_round(&w), FIND_COPIED); /* until it is released */
	keyworld_release(&w);
	assert_admitted(keyworld_round(&w));
	softkey_free(&alias);
}

static void
i12_an_alias_key_used_twice_with_the_same_chain_is_flagged(void **state)
{
	struct agent device;

	(void)state;
	assert_admitted(keyworld_round(&w));
	device = now();
	keyworld_start(&w);
	assert_admitted(keyworld_round(&w));
	run_as(&device);
	assert_quarantined(keyworld_round(&w), FIND_COPIED);
}

/* ---- M8 ---- */

/* Escape sequences in a name are no name: nothing of such claims is shown or judged. */
static void
m8_names_with_control_characters_are_not_taken(void **state)
{
	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		w.stain = (char)c;
		if (c >= 0x20 && c <= 0x7E)
			continue;
		assert_quarantined(keyworld_round(&w), FIND_MALFORMED);
		for (unsigned i = 0; i < w.v->nfacts; i++)
			for (const char *p = w.v->facts[i].text; *p; p++)
				assert_true(*p >= 0x20 && *p <= 0x7E);
	}
	w.stain = 0;
	assert_admitted(keyworld_round(&w));
}

/* ---- policies for keys alone ---- */

static void
a_policy_that_asks_for_no_pcrs_judges_keys_and_admits_no_tpm(void **state)
{
	static struct world t;

	(void)state;
	keyworld_set_policy(
		&w, "policy: keys\nversion: 1\napplies_to: {class: controller}\n"
		    "ask: {interval: 60s, patience: 3}\n"
		    "allow: {lowest_tier: software}\n"
		    "rules:\n"
		    "  - {id: c, fact: software.firmware.digest, op: equals, value: \"sha256:"
		    "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c\"}\n");
	assert_admitted(keyworld_round(&w));
	world_init(&t, "grub-good");
	t.in.policy = w.in.policy;
	memcpy(t.in.policy_digest, w.in.policy_digest, sizeof t.in.policy_digest);
	strcpy(t.in.device.class_name, "controller");
	assert_quarantined(world_round(&t), FIND_UNJUDGED);
	world_free(&t);
}

/* ---- I6 ---- */

/* What one party signed or sent for one use does not serve for another. */
static void
i6_a_signature_made_to_enrol_is_no_evidence(void **state)
{
	(void)state;
	w.kind = BINDING_KEY_ENROL;
	assert_unproven(keyworld_round(&w), FIND_SIGNATURE);
	w.kind = w.in.kind = BINDING_KEY_ENROL;
	assert_unproven(keyworld_round(&w), FIND_BINDING);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, software, drop)
#define DICE(name) cmocka_unit_test_setup_teardown(name, dice, drop)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tier_and_kind_of_key_is_admitted_where_policy_admits_it),
		CASE(m7_evidence_that_the_enrolled_key_did_not_sign_changes_nothing),
		CASE(m7_a_signature_for_another_nonce_channel_or_use_is_none),
		CASE(m7_no_mutant_of_a_keys_proof_is_believed),
		CASE(m7_software_evidence_never_affirms_hardware_or_executables),
		CASE(m7_a_policy_that_judges_nothing_a_key_device_runs_admits_none),
		CASE(m7_claims_withheld_are_missing_and_never_empty),
		CASE(m12_the_tier_is_the_records_whatever_the_evidence_looks_like),
		CASE(m12_a_key_devices_proof_is_nothing_from_a_device_with_a_tpm),
		CASE(m12_quotes_are_nothing_from_a_device_without_tpm),
		CASE(i9_the_lowest_tier_is_tpm_unless_the_policy_says_another),
		DICE(dice_layers_are_facts_and_a_changed_one_is_a_finding),
		DICE(dice_layers_that_are_not_normal_are_quarantined),
		DICE(a_dice_chain_cut_short_or_of_another_device_is_not_believed),
		DICE(dice_a_root_that_nobody_registered_any_more_is_untrusted),
		DICE(m7_no_mutant_of_a_keys_proof_is_believed),
		CASE(i12_a_software_key_in_two_places_is_flagged_and_both_lose),
		CASE(i12_a_whole_state_copied_and_resumed_is_flagged),
		CASE(i12_two_starts_of_one_number_are_flagged),
		CASE(i12_a_policy_or_a_restart_does_not_wash_it_away),
		CASE(i12_evidence_that_counts_nothing_is_not_admitted),
		DICE(i12_a_copied_alias_key_with_the_old_chain_after_a_reset_is_flagged),
		DICE(i12_an_alias_key_used_twice_with_the_same_chain_is_flagged),
		CASE(m8_names_with_control_characters_are_not_taken),
		CASE(a_policy_that_asks_for_no_pcrs_judges_keys_and_admits_no_tpm),
		CASE(i6_a_signature_made_to_enrol_is_no_evidence),
	};
#undef CASE
#undef DICE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
