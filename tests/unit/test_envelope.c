/* test_envelope.c: wire messages to structs and back. What is refused and why, as
 * attack Q13, is tests/attacks/test_envelope.c. */
#include "tests/support/frames.h"
#include "tests/support/unit.h"

#include <string.h>

#include <assay.pb-c.h>

static void
every_sample_comes_back_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++) {
		struct span s = frames_sample(frames_types[i]), again;

		assert_int_equal(frames_round_trip(frames_types[i], s, frames_arena(), &again),
				 ASSAY_OK);
		assert_int_equal(again.n, s.n);
		assert_memory_equal(again.p, s.p, s.n);
	}
}

struct mutation {
	unsigned type;
	size_t accepted;
};

/* A mutant may be another valid message; then it is exactly that message. */
static void
refused_or_canonical(struct span mutant, const char *what, void *arg)
{
	struct mutation *m = arg;
	struct span again;

	if (frames_round_trip(m->type, mutant, frames_arena(), &again) != ASSAY_OK)
		return;
	m->accepted++;
	if (!span_equal(again, mutant))
		fail_msg("%s: %s: read as another message", frames_name(m->type), what);
}

static void
no_mutant_of_any_message_is_read_as_another(void **state)
{
	static uint8_t copy[MSG_ENROL_MAX];

	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++) {
		struct span s = frames_sample(frames_types[i]);
		struct mutation m = {frames_types[i], 0};

		memcpy(copy, s.p, s.n);
		unit_mutate(SPAN(copy, s.n), 4096, refused_or_canonical, &m);
		/* flips in opaque bytes are valid messages: the check is not idle */
		assert_true(m.accepted > 0);
	}
}

static void
refuses_every_truncation(void **state)
{
	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++) {
		static uint8_t copy[MSG_ENROL_MAX];
		struct span s = frames_sample(frames_types[i]), again;
		size_t shorter = 0;

		memcpy(copy, s.p, s.n);
		for (size_t n = 0; n < s.n; n++) {
			enum assay_err e = frames_round_trip(frames_types[i], SPAN(copy, n),
							     frames_arena(), &again);

			/* a message cut between two fields may be a shorter message */
			if (e == ASSAY_OK)
				shorter++;
			assert_true(e != ASSAY_OK || span_equal(again, SPAN(copy, n)));
		}
		assert_true(shorter <= 12);
	}
}

static void
refuses_a_frame_of_another_type(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < FRAMES_TYPES; i++) {
		struct span s = frames_sample(frames_types[i]), again;

		assert_int_equal(frame_type(s), frames_types[i]);
		for (size_t k = 0; k + 1 < FRAMES_TYPES; k++)
			if (k != i)
				assert_int_equal(frames_round_trip(frames_types[k], s,
								   frames_arena(), &again),
						 ASSAY_BAD_TYPE);
	}
}

static void
only_the_numbers_in_the_list_are_types(void **state)
{
	size_t known = 0;

	(void)state;
	for (unsigned t = 0; t < 256; t++) {
		uint8_t b = (uint8_t)t;
		enum msg_type type = frame_type(SPAN(&b, 1));

		if (type != MSG_NONE) {
			known++;
			assert_int_equal(type, t);
			assert_true(frame_limit(type) > 0 && frame_limit(type) <= MSG_MAX);
		}
	}
	assert_int_equal(known, FRAMES_TYPES - 1);
	assert_int_equal(frame_type(SPAN(NULL, 0)), MSG_NONE);
	assert_int_equal(frame_limit(MSG_NONE), 0);
}

static void
a_small_arena_is_an_error_at_every_size(void **state)
{
	static uint8_t memory[1u << 15];

	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++) {
		struct span s = frames_sample(frames_types[i]), again;
		struct arena a;
		size_t cap = 0;
		enum assay_err e;

		do {
			arena_init(&a, memory, cap);
			e = frames_round_trip(frames_types[i], s, &a, &again);
			assert_true(e == ASSAY_OK || e == ASSAY_FULL);
			cap += 8;
		} while (e != ASSAY_OK && cap < sizeof memory);
		assert_int_equal(e, ASSAY_OK);
	}
}

static void
the_largest_claims_fit_the_arena(void **state)
{
	struct arena *a = frames_arena();
	struct span s = frames_large_claims(), again;

	(void)state;
	assert_true(s.n > MSG_CLAIMS_MAX * 9 / 10);
	assert_int_equal(frames_round_trip(FRAMES_CLAIMS, s, a, &again), ASSAY_OK);
	assert_true(span_equal(s, again));
}

static void
the_largest_part_fits_the_arena(void **state)
{
	static uint8_t data[MSG_PART_DATA_MAX], frame[MSG_MAX];
	struct msg_part m = {PART_IMA, UINT64_MAX, SPAN(data, sizeof data), true}, back;
	size_t n;

	(void)state;
	assert_int_equal(envelope_encode_part(&m, frame, sizeof frame, &n), ASSAY_OK);
	assert_int_equal(envelope_decode_part(SPAN(frame, n), frames_arena(), &back), ASSAY_OK);
	assert_int_equal(back.data.n, sizeof data);
	assert_true(back.offset == UINT64_MAX);
}

static void
encoding_into_too_little_room_is_an_error_and_sets_nothing(void **state)
{
	struct msg_refused m = {SPAN("unknown-key", 11), true};
	uint8_t frame[64];
	size_t n = 77;

	(void)state;
	for (size_t cap = 0; cap < 16; cap++) {
		assert_int_equal(envelope_encode_refused(&m, frame, cap, &n), ASSAY_FULL);
		assert_int_equal(n, 77);
	}
	assert_int_equal(envelope_encode_refused(&m, frame, 16, &n), ASSAY_OK);
	assert_int_equal(n, 16);
}

static void
encoding_refuses_what_the_other_side_would_refuse(void **state)
{
	struct msg_refused no_reason = {SPAN("", 0), false}, control = {SPAN("a\nb", 3), false};
	struct msg_activation short_secret = {SPAN("0123", 4)};
	struct msg_need none = {0};
	uint8_t f[64];
	size_t n;

	(void)state;
	assert_int_equal(envelope_encode_refused(&no_reason, f, sizeof f, &n), ASSAY_MISSING);
	assert_int_equal(envelope_encode_refused(&control, f, sizeof f, &n), ASSAY_MALFORMED);
	assert_int_equal(envelope_encode_activation(&short_secret, f, sizeof f, &n),
			 ASSAY_MALFORMED);
	assert_int_equal(envelope_encode_need(&none, f, sizeof f, &n), ASSAY_MISSING);
}

/* protobuf-c itself reads our encoding, and writes the same bytes again. */
static void
protobuf_c_packs_the_same_bytes(void **state)
{
	static const ProtobufCMessageDescriptor *const of[FRAMES_TYPES] = {
		&assay__v1__hello__descriptor,	    &assay__v1__enrol__descriptor,
		&assay__v1__activation__descriptor, &assay__v1__proof__descriptor,
		&assay__v1__part__descriptor,	    &assay__v1__challenge__descriptor,
		&assay__v1__credential__descriptor, &assay__v1__enrolled__descriptor,
		&assay__v1__need__descriptor,	    &assay__v1__decision__descriptor,
		&assay__v1__refused__descriptor,    &assay__v1__enrol_key__descriptor,
		&assay__v1__claims__descriptor};
	static uint8_t packed[MSG_ENROL_MAX];

	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++) {
		size_t skip = frames_types[i] == FRAMES_CLAIMS ? 0 : 1;
		struct span s = frames_sample(frames_types[i]);
		ProtobufCMessage *m = protobuf_c_message_unpack(of[i], NULL, s.n - skip,
								s.p + skip);

		assert_non_null(m);
		assert_int_equal(m->n_unknown_fields, 0);
		assert_int_equal(protobuf_c_message_get_packed_size(m), s.n - skip);
		assert_int_equal(protobuf_c_message_pack(m, packed), s.n - skip);
		assert_memory_equal(packed, s.p + skip, s.n - skip);
		protobuf_c_message_free_unpacked(m, NULL);
	}
}

static void
decoded_fields_are_what_was_encoded(void **state)
{
	static struct msg_proof m;
	struct msg_decision d;

	(void)state;
	assert_int_equal(envelope_decode_proof(frames_sample(MSG_PROOF), frames_arena(), &m),
			 ASSAY_OK);
	assert_int_equal(m.nquotes, 2);
	assert_int_equal(m.quotes[1].signature.n, 264);
	assert_int_equal(m.pcrs.count, 2);
	assert_int_equal(m.pcrs.bank[0].alg, ALG_SHA256);
	assert_int_equal(m.pcrs.bank[0].mask, 0x8001FF);
	assert_true(digest_is_fill(&m.pcrs.bank[0].value[23], 23));
	assert_int_equal(m.pcrs.bank[1].value[10].len, 48);
	assert_int_equal(m.claims.n, 60);
	assert_int_equal(envelope_decode_decision(frames_sample(MSG_DECISION), frames_arena(), &d),
			 ASSAY_OK);
	assert_int_equal(d.outcome, 2);
	assert_int_equal(d.nreasons, 2);
	assert_memory_equal(d.reasons[1].p, "boot.secure_boot", 16);
	assert_true(d.sequence == 0x1234567890);
}

static enum assay_err
encode_and_decode(const struct msg_proof *m)
{
	static uint8_t frame[MSG_PROOF_MAX];
	static struct msg_proof back;
	size_t n;
	enum assay_err e = envelope_encode_proof(m, frame, sizeof frame, &n);

	return e == ASSAY_OK ? envelope_decode_proof(SPAN(frame, n), frames_arena(), &back) : e;
}

/* Quotes beside a key's signature would be evidence of which nobody knows who judges it. */
static void
q13_a_proof_is_of_a_tpm_or_of_a_key_and_never_of_both(void **state)
{
	static struct msg_proof m, quoted;
	static const uint8_t some[64] = {1};

	(void)state;
	assert_int_equal(envelope_decode_proof(frames_sample(MSG_PROOF), frames_arena(), &quoted),
			 ASSAY_OK);
	m.claims_digest = SPAN(some, 32);
	assert_int_not_equal(encode_and_decode(&m), ASSAY_OK); /* of nobody */
	m.key_signature = SPAN(some, 64);
	assert_int_equal(encode_and_decode(&m), ASSAY_OK);
	m.nlayers = 2;
	m.layers[0] = m.layers[1] = SPAN(some, 40);
	assert_int_equal(encode_and_decode(&m), ASSAY_OK);
	m.key_signature.n = 0;
	assert_int_not_equal(encode_and_decode(&m), ASSAY_OK); /* layers without a signature */
	quoted.key_signature = SPAN(some, 64);
	assert_int_not_equal(encode_and_decode(&quoted), ASSAY_OK);
	quoted.key_signature.n = 0;
	quoted.nlayers = 1;
	quoted.layers[0] = SPAN(some, 40);
	assert_int_not_equal(encode_and_decode(&quoted), ASSAY_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q13_a_proof_is_of_a_tpm_or_of_a_key_and_never_of_both),
		cmocka_unit_test(every_sample_comes_back_byte_for_byte),
		cmocka_unit_test(no_mutant_of_any_message_is_read_as_another),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_a_frame_of_another_type),
		cmocka_unit_test(only_the_numbers_in_the_list_are_types),
		cmocka_unit_test(a_small_arena_is_an_error_at_every_size),
		cmocka_unit_test(the_largest_claims_fit_the_arena),
		cmocka_unit_test(the_largest_part_fits_the_arena),
		cmocka_unit_test(encoding_into_too_little_room_is_an_error_and_sets_nothing),
		cmocka_unit_test(encoding_refuses_what_the_other_side_would_refuse),
		cmocka_unit_test(protobuf_c_packs_the_same_bytes),
		cmocka_unit_test(decoded_fields_are_what_was_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
