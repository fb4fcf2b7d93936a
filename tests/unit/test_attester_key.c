/* test_attester_key.c: the library without a TPM: its back ends, and what it says to a
 * verifier, judged by the verifier's own functions. */
#include "tests/support/keyworld.h"
#include "tests/support/unit.h"

#include "attester/armour.h"

#include <assay/attester.h>

#include <stdlib.h>
#include <string.h>

static uint8_t exporter[32], start_id[16] = {1};
static void *memory;
static struct assay_attester *a;
static struct assay_key *key;
static _Alignas(16) uint8_t key_memory[16384];

static int
begin(void **state)
{
	(void)state;
	memset(exporter, 0xE0, sizeof exporter);
	assert_true(assay_key_size() <= sizeof key_memory);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	free(memory);
	memory = NULL;
	return 0;
}

static struct assay_bytes
bytes(struct span s)
{
	return (struct assay_bytes){s.p, s.n};
}

/* An attester on this key; enrolled or new. */
static void
open_attester(struct assay_backend b, bool enrolled)
{
	static const uint8_t firmware[] = {'g', 'o', 'o', 'd'};
	static const struct assay_region region = {"firmware", "1.0", {firmware, sizeof firmware}};
	struct assay_attester_config c = {.backend = b,
					  .agent = "test",
					  .token_id = "t1",
					  .token_secret = "secret",
					  .enrolled = enrolled,
					  .start_id = start_id,
					  .start_count = 5,
					  .regions = &region,
					  .region_count = 1,
					  .part_max = ASSAY_PART_MIN};

	free(memory);
	memory = malloc(assay_attester_size(&c));
	assert_non_null(memory);
	assert_int_equal(assay_attester_init(memory, assay_attester_size(&c), &c, &a), ASSAY_OK);
	assert_int_equal(assay_attester_connected(a, exporter, sizeof exporter), ASSAY_OK);
}

static struct span
next(uint8_t *buf, size_t cap)
{
	struct assay_bytes b;

	assert_int_equal(assay_attester_next(a, &b), ASSAY_OK);
	assert_true(b.len > 0 && b.len <= cap);
	memcpy(buf, b.data, b.len);
	return SPAN(buf, b.len);
}

static void
challenge(const uint8_t nonce[32], enum assay_event_kind expected)
{
	struct msg_challenge m = {
		.nonce = SPAN(nonce, 32), .deadline_ms = 1000, .channel_bound = true};
	uint8_t frame[MSG_CHALLENGE_MAX];
	struct assay_event ev;
	size_t n;

	assert_int_equal(pcr_selection_add(&m.pcrs, ALG_SHA256, 1), ASSAY_OK);
	assert_int_equal(envelope_encode_challenge(&m, frame, sizeof frame, &n), ASSAY_OK);
	assert_int_equal(assay_attester_received(a, frame, n, &ev), ASSAY_OK);
	assert_int_equal(ev.kind, expected);
}

/* Enrols and attests: the tier that follows, and whether it is admitted. */
static void
enrols_and_attests(struct assay_backend b, enum tier tier)
{
	static uint8_t request[MSG_ENROL_MAX], proof[MSG_PROOF_MAX];
	static struct enrol_verdict v;
	static struct keyworld w;
	struct enrol_input in = {.now = 1790000000, .channel = SPAN(exporter, 32)};
	struct arena scratch;

	arena_init(&scratch, malloc(APPRAISE_ARENA), APPRAISE_ARENA);
	memset(in.nonce, 0x31, sizeof in.nonce);
	open_attester(b, false);
	in.frame = next(request, sizeof request);
	assert_int_equal(frame_type(in.frame), MSG_ENROL_KEY);
	challenge(in.nonce, ASSAY_EVENT_CREDENTIAL);
	in.proof = next(proof, sizeof proof);
	appraise_enrolment(&in, &scratch, &v);
	if (v.status != ENROL_PROVABLE)
		fail_msg("%s: %s", finding_word((enum finding_code)v.finding.code), v.finding.seen);
	assert_int_equal(v.tier, tier);
	assert_string_equal(v.token_id, "t1");

	keyworld_init(&w, TIER_SOFTWARE, SOFTKEY_P256); /* for policy and memory */
	w.in.device.tier = tier;
	w.in.device.ek_name = w.in.device.ak_name = v.ek_name;
	w.in.device.ak_public = SPAN(v.ak_public, v.ak_public_len);
	w.in.device.ek.trusted = true;
	w.in.channel = SPAN(exporter, 32);
	open_attester(b, true);
	assert_int_equal(frame_type(next(request, sizeof request)), MSG_HELLO);
	memset(w.in.nonce, 0x32, sizeof w.in.nonce);
	challenge(w.in.nonce, ASSAY_EVENT_CHALLENGE);
	w.in.proof = next(proof, sizeof proof);
	appraise(&w.in, &w.scratch, w.v);
	assert_admitted(w.v);
	keyworld_free(&w);
	free(scratch.p);
}

static void
every_kind_of_key_that_can_be_made_enrols_and_attests(void **state)
{
	uint8_t der[ASSAY_PRIVATE_KEY_MAX];

	(void)state;
	for (unsigned kind = 0; kind < ASSAY_KEY_COUNT; kind++) {
		struct assay_key_config c = {.chain_count = 0};
		size_t n;

		assert_int_equal(assay_key_make((enum assay_key_kind)kind, der, sizeof der, &n),
				 ASSAY_OK);
		c.private_key = bytes(SPAN(der, n));
		assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &c, &key), ASSAY_OK);
		assert_int_equal(assay_key_name(key).len, 34);
		enrols_and_attests(assay_key_backend(key), TIER_SOFTWARE);
		assay_key_wipe(key);
	}
	assert_int_not_equal(assay_key_make(ASSAY_KEY_COUNT, der, sizeof der, &(size_t){0}),
			     ASSAY_OK);
}

static void
keys_of_others_enrol_and_attest(void **state)
{
	uint8_t der[ASSAY_PRIVATE_KEY_MAX];

	(void)state;
	for (unsigned kind = 0; kind < SOFTKEY_KINDS; kind++) {
		struct assay_key_config c = {.chain_count = 0};
		struct softkey k;

		softkey_init(&k, (enum softkey_kind)kind);
		c.private_key = bytes(SPAN(der, softkey_private(&k, der, sizeof der)));
		assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &c, &key), ASSAY_OK);
		assert_memory_equal(assay_key_name(key).data, k.name.b, k.name.len);
		enrols_and_attests(assay_key_backend(key), TIER_SOFTWARE);
		softkey_free(&k);
	}
}

static struct assay_key_config
dice_config(struct dicemade *d, uint8_t *der, size_t cap)
{
	struct assay_key_config c = {.layer_count = (uint8_t)d->ncerts};

	c.private_key = bytes(SPAN(der, softkey_private(dicemade_signer(d), der, cap)));
	for (size_t i = 0; i < d->ncerts; i++)
		c.layer[i] = bytes(d->certs[i]);
	c.identity = bytes(softkey_spki(&d->root));
	return c;
}

static void
a_dice_chain_enrols_and_attests_by_its_alias_key(void **state)
{
	static struct dicemade d;
	uint8_t der[ASSAY_PRIVATE_KEY_MAX];
	struct assay_key_config c;

	(void)state;
	dicemade_init(&d, SOFTKEY_ED25519, 3, true);
	c = dice_config(&d, der, sizeof der);
	assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &c, &key), ASSAY_OK);
	assert_memory_equal(assay_key_name(key).data, d.root.name.b, d.root.name.len);
	enrols_and_attests(assay_key_backend(key), TIER_DICE);
	dicemade_free(&d);
}

static void
what_does_not_fit_together_is_said(void **state)
{
	static struct dicemade d;
	uint8_t der[ASSAY_PRIVATE_KEY_MAX];
	struct assay_key_config c;

	(void)state;
	dicemade_init(&d, SOFTKEY_P256, 2, true);
	c = dice_config(&d, der, sizeof der);
	c.layer_count--; /* the alias key is not of the layer that is last now */
	assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &c, &key), ASSAY_MISMATCH);
	c.layer_count++;
	c.identity.len = 0;
	assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &c, &key), ASSAY_MISSING);
	c.layer_count = 0;
	c.chain_count = 1;
	c.chain[0] = bytes(d.certs[0]);
	assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &c, &key), ASSAY_MISMATCH);
	c.chain_count = 0;
	c.private_key.len /= 2;
	assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &c, &key), ASSAY_MALFORMED);
	assert_int_equal(assay_key_init(key_memory, 16, &c, &key), ASSAY_FULL);
	dicemade_free(&d);
}

static void
i12_a_key_without_a_count_of_its_starts_is_not_taken(void **state)
{
	static _Alignas(16) uint8_t room[1u << 17];
	struct assay_attester_config c = {.agent = "test", .part_max = ASSAY_PART_MIN};
	struct assay_key_config k = {.chain_count = 0};
	uint8_t der[ASSAY_PRIVATE_KEY_MAX];
	size_t n;

	(void)state;
	assert_int_equal(assay_key_make(ASSAY_KEY_ED25519, der, sizeof der, &n), ASSAY_OK);
	k.private_key = bytes(SPAN(der, n));
	assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &k, &key), ASSAY_OK);
	c.backend = assay_key_backend(key);
	c.boot_log_max = 1;
	assert_int_equal(assay_attester_init(room, sizeof room, &c, &a), ASSAY_MALFORMED);
	c.start_id = start_id;
	assert_int_equal(assay_attester_init(room, sizeof room, &c, &a), ASSAY_MALFORMED);
}

static void
i17_a_key_signs_nothing_for_an_unbound_channel(void **state)
{
	struct msg_challenge m = {.deadline_ms = 1000};
	struct assay_key_config k = {.chain_count = 0};
	uint8_t der[ASSAY_PRIVATE_KEY_MAX], frame[MSG_CHALLENGE_MAX], nonce[32] = {1};
	struct assay_event ev;
	size_t n;

	(void)state;
	assert_int_equal(assay_key_make(ASSAY_KEY_ED25519, der, sizeof der, &n), ASSAY_OK);
	k.private_key = bytes(SPAN(der, n));
	assert_int_equal(assay_key_init(key_memory, sizeof key_memory, &k, &key), ASSAY_OK);
	m.nonce = SPAN(nonce, sizeof nonce);
	assert_int_equal(pcr_selection_add(&m.pcrs, ALG_SHA256, 1), ASSAY_OK);
	assert_int_equal(envelope_encode_challenge(&m, frame, sizeof frame, &n), ASSAY_OK);
	for (int enrolled = 0; enrolled < 2; enrolled++) {
		open_attester(assay_key_backend(key), enrolled);
		assert_int_equal(assay_attester_received(a, frame, n, &ev), ASSAY_DENIED);
	}
}

static void
pem_is_read_and_damaged_pem_refused(void **state)
{
	static const char text[] = "words\n-----BEGIN CERTIFICATE-----\nAQID\nBAU=\n"
				   "-----END CERTIFICATE-----\n-----BEGIN X PRIVATE KEY-----\n"
				   "/w==\n-----END X PRIVATE KEY-----\n";
	struct span all = SPAN(text, sizeof text - 1);
	uint8_t out[16];
	size_t at = 0, n;

	(void)state;
	assert_true(armour_is(all));
	assert_int_equal(armour_next(all, &at, "CERTIFICATE", out, sizeof out, &n), ASSAY_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(out, "\1\2\3\4\5", 5);
	assert_int_equal(armour_next(all, &at, "CERTIFICATE", out, sizeof out, &n),
			 ASSAY_NOT_FOUND);
	at = 0;
	assert_int_equal(armour_next(all, &at, "PRIVATE KEY", out, sizeof out, &n), ASSAY_OK);
	assert_int_equal(n, 1);
	at = 0;
	assert_int_equal(armour_next(all, &at, "CERTIFICATE", out, 4, &n), ASSAY_FULL);
	at = 0;
	assert_int_equal(armour_next(SPAN("-----BEGIN CERTIFICATE-----\nA", 29), &at, "CERTIFICATE",
				  out, sizeof out, &n),
			 ASSAY_MALFORMED);
	at = 0;
	assert_int_equal(
		armour_next(SPAN("-----BEGIN CERTIFICATE-----\nProc-Type: 4\n\nAQID\n-----END", 54),
			 &at, "CERTIFICATE", out, sizeof out, &n),
		ASSAY_MALFORMED);
	assert_false(armour_is(SPAN("\x30\x03", 2)));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(every_kind_of_key_that_can_be_made_enrols_and_attests),
		CASE(keys_of_others_enrol_and_attest),
		CASE(a_dice_chain_enrols_and_attests_by_its_alias_key),
		CASE(what_does_not_fit_together_is_said),
		CASE(i12_a_key_without_a_count_of_its_starts_is_not_taken),
		CASE(i17_a_key_signs_nothing_for_an_unbound_channel),
		CASE(pem_is_read_and_damaged_pem_refused),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
