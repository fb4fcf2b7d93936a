/* test_appraise.c: attacks on signature, quote, binding and record, against appraise():
 * rows Q and I of ATTACKS. Unless said, the attacker's AK signs whatever is forged, so
 * that nothing but the check in question stands in the way. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

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

/* Where things are in the TPMS_ATTEST of a one-bank SHA-256 quote of softtpm. */
enum {
	AT_MAGIC = 0,
	AT_TYPE = 4,
	AT_SIGNER = 6,
	AT_EXTRA = 42,
	AT_SELECT_COUNT = 101,
	AT_SELECT_SIZE = 107,
	AT_SELECT_BITS = 108,
	AT_DIGEST = 111,
	AT_END = 145
};

/* The device's proof for a fresh nonce, not yet handed over. */
static struct softtpm_quote *
fresh_quote(void)
{
	world_challenge(&w);
	world_prove(&w);
	assert_int_equal(w.evidence.quotes[0].attest_len, AT_END);
	return &w.evidence.quotes[0];
}

static const struct verdict *
hand_in(void)
{
	world_encode(&w);
	return world_judge(&w);
}

static const struct verdict *
sign_and_hand_in(void)
{
	softtpm_sign(&w.tpm, &w.evidence.quotes[0]);
	return hand_in();
}

static void
the_untampered_proof_is_admitted(void **state)
{
	(void)state;
	(void)fresh_quote();
	assert_admitted(sign_and_hand_in());
}

static void
q1_a_structure_that_no_tpm_made_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 32; i++) {
		fresh_quote()->attest[AT_MAGIC + i / 8] ^= (uint8_t)(1u << i % 8);
		assert_unproven(sign_and_hand_in(), FIND_MAGIC);
	}
}

static void
q2_another_attestation_is_no_quote(void **state)
{
	/* Part 2, 6.9: certify, creation, command audit, time, NV, session audit, NV digest */
	static const uint8_t types[] = {0x17, 0x1A, 0x15, 0x19, 0x14, 0x16, 0x1C};

	(void)state;
	for (size_t i = 0; i < sizeof types; i++) {
		fresh_quote()->attest[AT_TYPE + 1] = types[i];
		assert_unproven(sign_and_hand_in(), FIND_TYPE);
	}
}

static void
q3_a_quote_over_other_pcrs_than_asked_is_refused(void **state)
{
	(void)state;
	w.ask.pcrs.bank[0].mask &= ~1u; /* one less */
	world_challenge(&w);
	world_prove(&w);
	assert_unproven(world_judge(&w), FIND_SELECTION);
	w.ask.pcrs = w.in.asked;
	w.ask.pcrs.bank[0].mask |= 1u << 10; /* one more */
	world_challenge(&w);
	world_prove(&w);
	assert_unproven(world_judge(&w), FIND_SELECTION);
}

static void
q3_a_quote_over_other_banks_than_asked_is_refused(void **state)
{
	struct pcr_selection asked = w.in.asked;

	(void)state;
	softtpm_add_bank(&w.tpm, ALG_SHA1);
	softtpm_boot(&w.tpm, w.log);
	w.ask.pcrs.bank[0].alg = ALG_SHA1; /* another */
	world_challenge(&w);
	world_prove(&w);
	assert_unproven(world_judge(&w), FIND_SELECTION);
	w.ask.pcrs = asked; /* one bank too many */
	assert_int_equal(pcr_selection_add(&w.ask.pcrs, ALG_SHA1, 1), ASSAY_OK);
	world_challenge(&w);
	world_prove(&w);
	assert_unproven(world_judge(&w), FIND_SELECTION);
	w.in.asked = w.ask.pcrs; /* one bank missing */
	w.ask.pcrs = asked;
	world_challenge(&w);
	world_prove(&w);
	assert_unproven(world_judge(&w), FIND_SELECTION);
}

static void
q3_one_bank_in_two_quotes_is_refused(void **state)
{
	(void)state;
	(void)fresh_quote();
	w.evidence.nquotes = 2;
	w.evidence.quotes[1] = w.evidence.quotes[0];
	assert_unproven(hand_in(), FIND_SELECTION);
}

static void
q4_other_values_than_those_signed_are_refused(void **state)
{
	struct pcr_values v;

	(void)state;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		if ((w.in.asked.bank[0].mask >> i & 1) == 0)
			continue;
		(void)fresh_quote();
		evidence_values(&w.tpm, &w.in.asked, &v);
		v.bank[0].value[i].b[31] ^= 1;
		evidence_encode(&v, &w.ask, &w.evidence);
		w.in.proof = SPAN(w.evidence.proof, w.evidence.proof_len);
		assert_unproven(world_judge(&w), FIND_PCR_DIGEST);
	}
}

static void
q4_a_value_that_nobody_signed_is_refused(void **state)
{
	struct pcr_values v;
	struct digest d;

	(void)state;
	(void)fresh_quote();
	evidence_values(&w.tpm, &w.in.asked, &v);
	assert_int_equal(digest_fill(ALG_SHA256, 0, &d), ASSAY_OK);
	assert_int_equal(pcr_set(&v, 10, &d), ASSAY_OK);
	evidence_encode(&v, &w.ask, &w.evidence);
	w.in.proof = SPAN(w.evidence.proof, w.evidence.proof_len);
	assert_unproven(world_judge(&w), FIND_PCR_DIGEST);
	evidence_values(&w.tpm, &w.in.asked, &v);
	assert_int_equal(digest_fill(ALG_SHA1, 0, &d), ASSAY_OK);
	assert_int_equal(pcr_set(&v, 0, &d), ASSAY_OK);
	evidence_encode(&v, &w.ask, &w.evidence);
	w.in.proof = SPAN(w.evidence.proof, w.evidence.proof_len);
	assert_unproven(world_judge(&w), FIND_PCR_DIGEST);
}

static void
q4_a_pcr_that_policy_uses_and_the_challenge_left_out_does_not_pass(void **state)
{
	(void)state;
	w.in.asked.bank[0].mask &= ~(1u << 7);
	w.ask.pcrs = w.in.asked;
	assert_quarantined(world_round(&w), FIND_PCR_COVER);
	assert_int_equal(world_finding(w.v, FIND_PCR_COVER)->pcr, 7);
}

static void
put_extra(struct softtpm_quote *q, const uint8_t *extra, size_t n)
{
	uint8_t rest[AT_END];
	size_t tail = AT_END - (AT_EXTRA + 34);

	memcpy(rest, q->attest + AT_EXTRA + 34, tail);
	q->attest[AT_EXTRA] = 0;
	q->attest[AT_EXTRA + 1] = (uint8_t)n;
	memcpy(q->attest + AT_EXTRA + 2, extra, n);
	memcpy(q->attest + AT_EXTRA + 2 + n, rest, tail);
	q->attest_len = (uint16_t)(AT_EXTRA + 2 + n + tail);
}

static void
q5_a_prefix_or_an_extension_of_the_binding_is_refused(void **state)
{
	uint8_t extra[64] = {0};

	(void)state;
	for (size_t n = 0; n <= 64; n++) {
		struct softtpm_quote *q = fresh_quote();

		if (n == 32)
			continue;
		memcpy(extra, q->attest + AT_EXTRA + 2, 32);
		put_extra(q, extra, n);
		assert_unproven(sign_and_hand_in(), FIND_BINDING);
	}
}

static void
q6_every_other_nonce_is_refused(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 256; bit += 17) {
		(void)fresh_quote();
		w.in.nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_unproven(hand_in(), FIND_BINDING);
	}
	(void)fresh_quote(); /* one that is fixed at zero */
	memset(w.in.nonce, 0, sizeof w.in.nonce);
	assert_unproven(hand_in(), FIND_BINDING);
}

static void
q6_the_nonce_alone_as_other_tools_put_it_is_refused(void **state)
{
	struct softtpm_quote *q;

	(void)state;
	q = fresh_quote();
	memcpy(q->attest + AT_EXTRA + 2, w.in.nonce, 32);
	assert_unproven(sign_and_hand_in(), FIND_BINDING);
}

static void
i5_another_channel_kind_or_key_is_refused(void **state)
{
	uint8_t other[32];

	(void)state;
	(void)fresh_quote();
	memset(other, 0xEE, sizeof other);
	w.in.channel = SPAN(other, sizeof other);
	assert_unproven(hand_in(), FIND_BINDING);
	w.in.channel = SPAN(NULL, 0); /* I17: binding is never negotiated down */
	assert_unproven(hand_in(), FIND_BINDING);
	w.in.channel = w.ask.channel;
	for (unsigned kind = 0; kind < 6; kind++) {
		w.in.kind = (uint8_t)kind;
		if (kind != BINDING_TPM_ONLINE)
			assert_unproven(hand_in(), FIND_BINDING);
	}
}

static void
the_claims_signed_are_the_only_claims(void **state)
{
	(void)state;
	w.ask.claims_apart = true;
	(void)fresh_quote();
	for (size_t i = 0; i < w.evidence.claims_len; i++) {
		uint8_t claims[MSG_CLAIMS_INLINE_MAX];

		memcpy(claims, w.evidence.claims, w.evidence.claims_len);
		claims[i] ^= 0x01;
		w.in.claims = SPAN(claims, w.evidence.claims_len);
		assert_unproven(world_appraise(&w), FIND_BINDING);
	}
	w.ask.claims_apart = false;
	(void)fresh_quote();
	w.in.claims = SPAN("\x2a\x01x", 3); /* other ones beside those in the proof */
	assert_unproven(hand_in(), FIND_BINDING);
}

static void
q7_another_scheme_hash_or_unknown_algorithm_is_refused(void **state)
{
	static const uint16_t algs[] = {0x0000, 0x0005, 0x0010, 0x0014, 0x0016,
					0x001A, 0x001B, 0x001C, 0x7FFF, 0xFFFF};
	static const uint16_t hashes[] = {ALG_SHA1, ALG_SHA384, ALG_SHA512, 0x0010, 0, 0xFFFF};

	(void)state;
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		const struct verdict *v;
		struct softtpm_quote *q = fresh_quote();

		q->signature[0] = (uint8_t)(algs[i] >> 8);
		q->signature[1] = (uint8_t)algs[i];
		v = hand_in();
		assert_int_equal(v->status, VERDICT_UNPROVEN);
		assert_true(v->findings[0].code == FIND_KEY ||
			    v->findings[0].code == FIND_MALFORMED);
	}
	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
		struct softtpm_quote *q = fresh_quote();

		q->signature[2] = (uint8_t)(hashes[i] >> 8);
		q->signature[3] = (uint8_t)hashes[i];
		assert_unproven(hand_in(), FIND_KEY);
	}
}

static void
q7_a_signature_of_another_key_or_over_other_bytes_is_refused(void **state)
{
	struct softtpm other;
	struct softtpm_quote *q;

	(void)state;
	softtpm_init(&other, 2);
	q = fresh_quote();
	softtpm_sign(&other, q);
	assert_unproven(hand_in(), FIND_SIGNATURE);
	q = fresh_quote();
	q->attest[AT_END - 1] ^= 1;
	assert_unproven(hand_in(), FIND_SIGNATURE);
	q = fresh_quote(); /* r and s zero */
	memset(q->signature + 6, 0, 32);
	assert_unproven(hand_in(), FIND_SIGNATURE);
	softtpm_free(&other);
}

static void
q8_nothing_passes_by_default(void **state)
{
	struct appraisal_input empty;

	(void)state;
	memset(&empty, 0, sizeof empty);
	appraise(&empty, &w.scratch, w.v);
	assert_unproven(w.v, FIND_MALFORMED);
	(void)fresh_quote();
	w.in.device.ak_public = SPAN(NULL, 0);
	assert_unproven(hand_in(), FIND_KEY);
	w.in.device.ak_public = SPAN(w.tpm.ak.public_area, w.tpm.ak.public_len);
	w.in.device.ak_name.len = 0;
	assert_unproven(hand_in(), FIND_KEY);
	w.in.device.ak_name = w.tpm.ak.name;
	w.in.device.ek_name.len = 0;
	assert_unproven(hand_in(), FIND_SIGNER);
	w.in.device.ek_name = w.tpm.ek.name;
	w.in.asked.count = 0;
	assert_unproven(hand_in(), FIND_SELECTION);
}

static void
q9_bytes_after_a_structure_are_refused(void **state)
{
	struct softtpm_quote *q = fresh_quote();

	(void)state;
	q->attest[q->attest_len++] = 0;
	assert_unproven(sign_and_hand_in(), FIND_MALFORMED);
	q = fresh_quote();
	q->signature[q->signature_len++] = 0;
	assert_unproven(hand_in(), FIND_MALFORMED);
	q = fresh_quote();
	q->attest[AT_DIGEST + 1]++; /* a size that is not the content's */
	assert_unproven(sign_and_hand_in(), FIND_MALFORMED);
	q = fresh_quote();
	q->attest[AT_DIGEST + 1]--;
	assert_unproven(sign_and_hand_in(), FIND_MALFORMED);
}

static void
q10_another_signers_name_is_refused(void **state)
{
	struct tpm_name primary;
	struct softtpm_quote *q = fresh_quote();

	(void)state;
	q->attest[AT_SIGNER + 10] ^= 1;
	assert_unproven(sign_and_hand_in(), FIND_SIGNER);
	/* the same key as a primary of the endorsement hierarchy, not as the EK's child */
	assert_int_equal(tpm_qualified_name_endorsement(&w.tpm.ak.name, &primary), ASSAY_OK);
	q = fresh_quote();
	memcpy(q->attest + AT_SIGNER + 2, primary.b, primary.len);
	assert_unproven(sign_and_hand_in(), FIND_SIGNER);
	/* its name, not its qualified name */
	q = fresh_quote();
	memcpy(q->attest + AT_SIGNER + 2, w.tpm.ak.name.b, w.tpm.ak.name.len);
	assert_unproven(sign_and_hand_in(), FIND_SIGNER);
}

static void
q10_a_record_whose_key_is_not_of_its_name_is_refused(void **state)
{
	struct softtpm other;

	(void)state;
	softtpm_init(&other, 3);
	(void)fresh_quote();
	w.in.device.ak_public = SPAN(other.ak.public_area, other.ak.public_len);
	assert_unproven(hand_in(), FIND_KEY);
	w.in.device.ak_name = other.ak.name;
	assert_unproven(hand_in(), FIND_SIGNATURE);
	softtpm_free(&other);
}

static void
q12_a_selection_of_another_size_is_refused(void **state)
{
	static const uint8_t sizes[] = {0, 1, 2, 4, 32, 255};

	(void)state;
	for (size_t i = 0; i < sizeof sizes; i++) {
		fresh_quote()->attest[AT_SELECT_SIZE] = sizes[i];
		assert_unproven(sign_and_hand_in(), FIND_MALFORMED);
	}
	fresh_quote()->attest[AT_SELECT_COUNT] = 0xFF;
	assert_unproven(sign_and_hand_in(), FIND_MALFORMED);
	memset(fresh_quote()->attest + AT_SELECT_BITS, 0, 3);
	assert_unproven(sign_and_hand_in(), FIND_SELECTION);
}

static void
q13_a_frame_of_another_shape_is_refused(void **state)
{
	(void)state;
	(void)fresh_quote();
	w.evidence.proof[w.evidence.proof_len++] = 0x50; /* field 10 */
	w.in.proof = SPAN(w.evidence.proof, w.evidence.proof_len);
	assert_unproven(world_judge(&w), FIND_MALFORMED);
	w.in.proof.n = 0;
	assert_unproven(world_judge(&w), FIND_MALFORMED);
	w.in.proof = SPAN(w.evidence.proof, w.evidence.proof_len - 1);
	w.evidence.proof[0] = MSG_HELLO;
	assert_unproven(world_judge(&w), FIND_MALFORMED);
}

/* How far from the end of a compiled policy its flag sha1_only stands. */
static size_t
sha1_flag(void)
{
	static const char head[] = "policy: old\nversion: 1\napplies_to: {class: gateway}\n"
				   "ask: {banks: [sha256], pcrs: [0-7], interval: 60s, "
				   "patience: 3}\nreferences: {pcrs: [0-7]}\n";
	uint8_t with[4096];
	char yaml[512];
	size_t i = 0;

	snprintf(yaml, sizeof yaml, "%sallow: {sha1_only: true}\n", head);
	world_set_policy(&w, yaml);
	memcpy(with, w.policy, sizeof with);
	world_set_policy(&w, head);
	while (with[i] == w.policy[i])
		i++;
	return w.in.policy.n - i;
}

static void
q16_sha1_alone_is_not_enough_unless_policy_says_so(void **state)
{
	static const char policy[] =
		"policy: old\nversion: 1\napplies_to: {class: gateway}\n"
		"ask: {banks: [sha1], pcrs: [0-7], interval: 60s, patience: 3}\n"
		"references: {pcrs: [0-7]}\nallow: {sha1_only: true}\n";
	size_t flag = sha1_flag();

	(void)state;
	softtpm_add_bank(&w.tpm, ALG_SHA1);
	softtpm_boot(&w.tpm, w.log);
	world_set_policy(&w, policy);
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	/* the same policy without the allowance, which the compiler refuses */
	flag = w.in.policy.n - flag;
	assert_int_equal(w.policy[flag], 1);
	w.policy[flag] = 0;
	assert_int_equal(digest_sha256(w.in.policy, w.in.policy_digest), ASSAY_OK);
	assert_quarantined(world_round(&w), FIND_SHA1);
}

static void
q17_an_old_proof_is_refused_under_a_new_nonce_and_even_under_its_own(void **state)
{
	static struct evidence old;

	(void)state;
	assert_admitted(world_round(&w));
	old = w.evidence;
	w.in.proof = SPAN(old.proof, old.proof_len);
	assert_quarantined(world_judge(&w), FIND_CLOCK_BACK); /* the nonce used again */
	world_challenge(&w);
	assert_unproven(world_judge(&w), FIND_BINDING);
}

/* ---- enrolment (I2, I3) and the record ---- */

static void
i3_a_recorded_ak_that_lacks_an_attribute_is_refused(void **state)
{
	static const uint32_t bits[] = {TPMA_FIXEDTPM, TPMA_FIXEDPARENT, TPMA_SENSITIVEDATAORIGIN,
					TPMA_RESTRICTED, TPMA_SIGN};

	(void)state;
	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		softtpm_new_ak(&w.tpm, 4, SOFTTPM_AK_ATTRIBUTES & ~bits[i]);
		w.in.device.ak_name = w.tpm.ak.name;
		w.in.device.ak_public = SPAN(w.tpm.ak.public_area, w.tpm.ak.public_len);
		world_challenge(&w);
		world_prove(&w);
		assert_unproven(world_judge(&w), FIND_AK_ATTRIBUTES);
	}
}

static void
i2_the_credential_is_for_the_name_that_we_compute(void **state)
{
	static struct enrol_verdict v;
	struct msg_enrol m = {.ek_public = SPAN(w.tpm.ek.public_area, w.tpm.ek.public_len),
			      .ak_public = SPAN(w.tpm.ak.public_area, w.tpm.ak.public_len),
			      .nbanks = 1,
			      .banks = {ALG_SHA256},
			      .agent = SPAN("a", 1)};
	struct enrol_input in = {.now = w.in.now, .secret = {1, 2, 3}, .entropy = {4}};
	uint8_t frame[4096], secret[32];
	size_t n;

	(void)state;
	assert_int_equal(envelope_encode_enrol(&m, frame, sizeof frame, &n), ASSAY_OK);
	in.frame = SPAN(frame, n);
	appraise_enrolment(&in, &w.scratch, &v);
	assert_int_equal(v.status, ENROL_PROVABLE);
	assert_true(softtpm_activate(&w.tpm, SPAN(v.blob, v.blob_len),
				     SPAN(v.encrypted_secret, v.encrypted_secret_len), secret));
	assert_memory_equal(secret, in.secret, sizeof secret);
	/* a TPM without that AK gets nothing: here its key is another by one attribute */
	softtpm_new_ak(&w.tpm, 1, SOFTTPM_AK_ATTRIBUTES | TPMA_NODA);
	assert_false(softtpm_activate(&w.tpm, SPAN(v.blob, v.blob_len),
				      SPAN(v.encrypted_secret, v.encrypted_secret_len), secret));
}

static void
m12_the_tier_is_the_records_and_claims_affirm_nothing(void **state)
{
	(void)state;
	w.ask.agent = "tier=tpm hardware=2";
	w.in.device.tier = TIER_SOFTWARE; /* whose evidence is no quote */
	assert_unproven(world_round(&w), FIND_MALFORMED);
	w.in.device.tier = TIER_VTPM;
	assert_quarantined(world_round(&w), FIND_TIER);
	assert_true(w.v->vector[AR4SI_HARDWARE] >= 96);
	w.in.device.tier = TIER_COUNT;
	assert_quarantined(world_round(&w), FIND_TIER);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(the_untampered_proof_is_admitted),
		CASE(q1_a_structure_that_no_tpm_made_is_refused),
		CASE(q2_another_attestation_is_no_quote),
		CASE(q3_a_quote_over_other_pcrs_than_asked_is_refused),
		CASE(q3_a_quote_over_other_banks_than_asked_is_refused),
		CASE(q3_one_bank_in_two_quotes_is_refused),
		CASE(q4_other_values_than_those_signed_are_refused),
		CASE(q4_a_value_that_nobody_signed_is_refused),
		CASE(q4_a_pcr_that_policy_uses_and_the_challenge_left_out_does_not_pass),
		CASE(q5_a_prefix_or_an_extension_of_the_binding_is_refused),
		CASE(q6_every_other_nonce_is_refused),
		CASE(q6_the_nonce_alone_as_other_tools_put_it_is_refused),
		CASE(i5_another_channel_kind_or_key_is_refused),
		CASE(the_claims_signed_are_the_only_claims),
		CASE(q7_another_scheme_hash_or_unknown_algorithm_is_refused),
		CASE(q7_a_signature_of_another_key_or_over_other_bytes_is_refused),
		CASE(q8_nothing_passes_by_default),
		CASE(q9_bytes_after_a_structure_are_refused),
		CASE(q10_another_signers_name_is_refused),
		CASE(q10_a_record_whose_key_is_not_of_its_name_is_refused),
		CASE(q12_a_selection_of_another_size_is_refused),
		CASE(q13_a_frame_of_another_shape_is_refused),
		CASE(q16_sha1_alone_is_not_enough_unless_policy_says_so),
		CASE(q17_an_old_proof_is_refused_under_a_new_nonce_and_even_under_its_own),
		CASE(i3_a_recorded_ak_that_lacks_an_attribute_is_refused),
		CASE(i2_the_credential_is_for_the_name_that_we_compute),
		CASE(m12_the_tier_is_the_records_and_claims_affirm_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
