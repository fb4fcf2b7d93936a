/* test_envelope.c: attack Q13, hostile protobuf: over-long, duplicate or unknown
 * fields, wrong wire types, nesting, amplification, and forms that are not the one. */
#include "tests/support/frames.h"
#include "tests/support/unit.h"

#include "evidence/writer.h"

#include <string.h>

#define VARINT 0
#define FIXED64 1
#define DELIMITED 2
#define GROUP 3
#define GROUP_END 4
#define FIXED32 5

static uint8_t frame[MSG_MAX + 4096];
static uint8_t filler[MSG_MAX];

static void
varint(struct writer *w, uint64_t v)
{
	for (; v > 0x7F; v >>= 7)
		wr_u8(w, (uint8_t)(v | 0x80));
	wr_u8(w, (uint8_t)v);
}

static void
number(struct writer *w, unsigned field, uint64_t v)
{
	wr_u8(w, (uint8_t)(field << 3 | VARINT));
	varint(w, v);
}

static void
bytes(struct writer *w, unsigned field, size_t n)
{
	wr_u8(w, (uint8_t)(field << 3 | DELIMITED));
	varint(w, n);
	wr_bytes(w, SPAN(filler, n));
}

static void
nested(struct writer *w, unsigned field, struct span body)
{
	wr_u8(w, (uint8_t)(field << 3 | DELIMITED));
	varint(w, body.n);
	wr_bytes(w, body);
}

static struct writer
start(unsigned type)
{
	struct writer w;

	memset(filler, 'a', sizeof filler);
	wr_init(&w, frame, sizeof frame);
	if (type != FRAMES_CLAIMS)
		wr_u8(&w, (uint8_t)type);
	return w;
}

/* A valid message of the type, to be made worse. */
static struct writer
valid(unsigned type)
{
	struct span s = frames_sample(type);
	struct writer w;

	wr_init(&w, frame, sizeof frame);
	wr_bytes(&w, s);
	return w;
}

static enum assay_err
read_frame(unsigned type, const struct writer *w, size_t *ret_memory)
{
	struct arena *a = frames_arena();
	struct span again;
	enum assay_err e;

	assert_int_equal(w->err, ASSAY_OK);
	e = frames_round_trip(type, wr_span(w), a, &again);
	if (ret_memory)
		*ret_memory = a->used;
	return e;
}

/* Refused with e, and before protobuf-c was given a byte of memory. */
static void
refused(unsigned type, const struct writer *w, enum assay_err e)
{
	size_t memory = 1;

	assert_int_equal(read_frame(type, w, &memory), e);
	assert_int_equal(memory, 0);
}

static void
q13_an_unknown_field_is_refused_in_every_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++)
		for (unsigned field = 12; field < 16; field++) {
			struct writer w = valid(frames_types[i]);

			number(&w, field, 1);
			refused(frames_types[i], &w, ASSAY_MALFORMED);
		}
}

static void
q13_field_number_0_and_two_byte_keys_are_refused(void **state)
{
	struct writer w = valid(MSG_HELLO);

	(void)state;
	number(&w, 0, 1);
	refused(MSG_HELLO, &w, ASSAY_MALFORMED);
	w = valid(MSG_HELLO);
	wr_u8(&w, 0x88); /* key of field 1 in two bytes, and of field 17 */
	wr_u8(&w, 0x01);
	varint(&w, 1);
	refused(MSG_HELLO, &w, ASSAY_MALFORMED);
}

static void
q13_a_single_field_that_comes_twice_is_refused(void **state)
{
	struct writer w = start(MSG_PROOF);

	(void)state;
	number(&w, 1, 1);
	w = start(MSG_HELLO);
	number(&w, 1, 1);
	number(&w, 1, 1);
	bytes(&w, 2, 34);
	refused(MSG_HELLO, &w, ASSAY_DUPLICATE);
	w = start(MSG_HELLO);
	number(&w, 1, 1);
	bytes(&w, 2, 34);
	bytes(&w, 2, 34);
	refused(MSG_HELLO, &w, ASSAY_DUPLICATE);
	w = valid(MSG_PROOF); /* its last field is the digest of the claims */
	bytes(&w, 4, 32);
	refused(MSG_PROOF, &w, ASSAY_DUPLICATE);
	w = valid(MSG_ACTIVATION);
	bytes(&w, 1, 32);
	refused(MSG_ACTIVATION, &w, ASSAY_DUPLICATE);
	w = valid(MSG_REFUSED);
	number(&w, 2, 1);
	refused(MSG_REFUSED, &w, ASSAY_DUPLICATE);
}

static void
q13_a_field_of_another_wire_type_is_refused(void **state)
{
	static const uint8_t body[9] = {8, 1, 1, 1, 1, 1, 1, 1, 1};

	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++)
		for (unsigned field = 1; field < 10; field++)
			for (unsigned wire = 0; wire < 8; wire++) {
				struct writer w = start(frames_types[i]);

				wr_u8(&w, (uint8_t)(field << 3 | wire));
				wr_bytes(&w, SPAN(body, sizeof body));
				assert_int_not_equal(read_frame(frames_types[i], &w, NULL),
						     ASSAY_OK);
				if (wire != VARINT && wire != DELIMITED)
					refused(frames_types[i], &w, ASSAY_MALFORMED);
			}
}

static void
q13_a_varint_that_is_longer_than_it_need_be_is_refused(void **state)
{
	struct writer w = start(MSG_HELLO);

	(void)state;
	wr_u8(&w, 1 << 3 | VARINT);
	wr_u8(&w, 0x81);
	wr_u8(&w, 0x00);
	bytes(&w, 2, 34);
	refused(MSG_HELLO, &w, ASSAY_MALFORMED);
	w = start(MSG_ACTIVATION);
	wr_u8(&w, 1 << 3 | DELIMITED);
	wr_u8(&w, 0xA0); /* 32 in two bytes */
	wr_u8(&w, 0x00);
	wr_bytes(&w, SPAN(filler, 32));
	refused(MSG_ACTIVATION, &w, ASSAY_MALFORMED);
}

static void
q13_a_varint_over_64_bits_is_refused(void **state)
{
	struct writer w;

	(void)state;
	for (unsigned n = 10; n < 13; n++)
		for (unsigned last = 2; last < 128; last *= 2) {
			w = start(MSG_PART);
			number(&w, 1, PART_IMA);
			wr_u8(&w, 2 << 3 | VARINT);
			for (unsigned i = 1; i < n; i++)
				wr_u8(&w, 0x80);
			wr_u8(&w, (uint8_t)last);
			refused(MSG_PART, &w, ASSAY_MALFORMED);
		}
}

static void
q13_a_value_over_its_range_is_refused_and_never_cut(void **state)
{
	struct writer w = start(MSG_CHALLENGE), inner;
	uint8_t b[16];

	(void)state;
	bytes(&w, 1, 32);
	wr_init(&inner, b, sizeof b);
	number(&inner, 1, ALG_SHA256);
	number(&inner, 2, 1);
	nested(&w, 2, wr_span(&inner));
	number(&w, 3, 0x100000001); /* protobuf-c would read 1 */
	refused(MSG_CHALLENGE, &w, ASSAY_MALFORMED);
	w = start(MSG_PART);
	number(&w, 1, PART_FILES + 1);
	refused(MSG_PART, &w, ASSAY_MALFORMED);
	w = start(MSG_DECISION);
	number(&w, 1, 4);
	refused(MSG_DECISION, &w, ASSAY_MALFORMED);
	w = start(MSG_REFUSED);
	nested(&w, 1, SPAN("busy", 4));
	number(&w, 2, 2); /* true is 1 */
	refused(MSG_REFUSED, &w, ASSAY_MALFORMED);
}

static void
q13_a_length_past_the_end_is_refused(void **state)
{
	static const uint64_t lengths[] = {33, 34, 127, 1u << 20, UINT32_MAX, UINT64_MAX >> 1,
					   UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct writer w = start(MSG_PROOF);

		wr_u8(&w, 1 << 3 | DELIMITED);
		varint(&w, lengths[i]);
		wr_bytes(&w, SPAN(filler, 32));
		refused(MSG_PROOF, &w, lengths[i] > MSG_MAX ? ASSAY_TOO_LARGE : ASSAY_TRUNCATED);
	}
}

static void
q13_over_long_fields_are_refused(void **state)
{
	static const struct {
		unsigned type, field;
		size_t max;
	} over[] = {
		{MSG_HELLO, 2, 66},
		{MSG_ENROL, 2, 1024},
		{MSG_ENROL, 3, MSG_CERT_MAX},
		{MSG_ENROL, 4, MSG_CERT_MAX},
		{MSG_ENROL, 5, 1024},
		{MSG_ENROL, 6, MSG_TOKEN_FIELD_MAX},
		{MSG_ENROL, 7, MSG_TOKEN_FIELD_MAX},
		{MSG_ENROL, 9, MSG_AGENT_MAX},
		{MSG_ACTIVATION, 1, MSG_SECRET_SIZE},
		{MSG_PROOF, 3, MSG_CLAIMS_INLINE_MAX},
		{MSG_PROOF, 4, 32},
		{MSG_CHALLENGE, 1, 32},
		{MSG_CREDENTIAL, 1, 1024},
		{MSG_CREDENTIAL, 2, 1024},
		{MSG_ENROLLED, 1, 32},
		{MSG_DECISION, 2, MSG_REASON_TEXT_MAX},
		{MSG_DECISION, 3, MSG_REMEDIATION_TEXT_MAX},
		{MSG_REFUSED, 1, MSG_REASON_TEXT_MAX},
		{FRAMES_CLAIMS, 1, 32},
		{FRAMES_CLAIMS, 5, MSG_AGENT_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
		struct writer w = start(over[i].type);
		enum assay_err e;

		bytes(&w, over[i].field, over[i].max + 1);
		refused(over[i].type, &w, ASSAY_TOO_LARGE);
		/* at the limit it is not the length that is wrong */
		w = start(over[i].type);
		bytes(&w, over[i].field, over[i].max);
		e = read_frame(over[i].type, &w, NULL);
		assert_true(e == ASSAY_OK || e == ASSAY_MISSING || e == ASSAY_MALFORMED);
	}
}

static void
q13_a_frame_over_the_limit_of_its_type_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < FRAMES_TYPES; i++) {
		unsigned t = frames_types[i];
		size_t max = t == FRAMES_CLAIMS ? MSG_CLAIMS_MAX : frame_limit((enum msg_type)t);
		struct writer w = start(t);

		wr_bytes(&w, SPAN(filler, max - w.len));
		assert_int_not_equal(read_frame(t, &w, NULL), ASSAY_TOO_LARGE);
		wr_u8(&w, 'a');
		refused(t, &w, ASSAY_TOO_LARGE);
	}
}

static void
q13_too_many_elements_are_refused(void **state)
{
	static const struct {
		unsigned type, field, max;
		const char *body;
		size_t n;
	} many[] = {
		{MSG_ENROL, 4, MSG_CHAIN_MAX, "c", 1},
		{MSG_PROOF, 1, MSG_QUOTES_MAX, "\012\001q\022\001s", 6},
		{MSG_CHALLENGE, 2, PCR_BANKS_MAX, "\010\013\020\001", 4},
		{MSG_NEED, 1, MSG_WANTS_MAX, "\010\001\030\001", 4},
		{MSG_DECISION, 2, MSG_REASONS_MAX, "r", 1},
		{MSG_DECISION, 3, MSG_REASONS_MAX, "r", 1},
		{FRAMES_CLAIMS, 6, MSG_SOFTWARE_MAX, "\012\001n", 3},
		{FRAMES_CLAIMS, 7, MSG_HEALTH_MAX, "\012\001n", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
		struct writer w = start(many[i].type);

		for (unsigned n = 0; n < many[i].max; n++)
			nested(&w, many[i].field, SPAN(many[i].body, many[i].n));
		assert_int_not_equal(read_frame(many[i].type, &w, NULL), ASSAY_TOO_MANY);
		nested(&w, many[i].field, SPAN(many[i].body, many[i].n));
		refused(many[i].type, &w, ASSAY_TOO_MANY);
	}
}

static void
q13_amplification_by_empty_submessages_takes_no_memory(void **state)
{
	struct writer w = start(FRAMES_CLAIMS);

	(void)state;
	while (w.len < (64u << 10))
		nested(&w, 6, SPAN("", 0));
	refused(FRAMES_CLAIMS, &w, ASSAY_MALFORMED);
}

static void
q13_messages_nest_once_and_no_deeper(void **state)
{
	static uint8_t deep[60000];
	size_t at = sizeof deep;

	(void)state;
	/* field 1 in field 1 in ... 10,000 deep, built from the inside */
	for (unsigned i = 0; i < 10000; i++) {
		uint8_t head[4];
		struct writer w;

		wr_init(&w, head, sizeof head);
		wr_u8(&w, 1 << 3 | DELIMITED);
		varint(&w, sizeof deep - at);
		at -= w.len;
		memcpy(deep + at, head, w.len);
	}
	for (size_t i = 0; i < FRAMES_TYPES; i++) {
		struct writer w = start(frames_types[i]);

		wr_bytes(&w, SPAN(deep + at, sizeof deep - at));
		assert_int_not_equal(read_frame(frames_types[i], &w, NULL), ASSAY_OK);
	}
}

static void
q13_unknown_or_duplicate_fields_of_nested_messages_are_refused(void **state)
{
	struct writer w = start(MSG_NEED);

	(void)state;
	nested(&w, 1, SPAN("\010\001\030\001\050\001", 6));
	refused(MSG_NEED, &w, ASSAY_MALFORMED);
	w = start(MSG_NEED);
	nested(&w, 1, SPAN("\010\001\030\001\030\001", 6));
	refused(MSG_NEED, &w, ASSAY_DUPLICATE);
	w = start(MSG_NEED);
	nested(&w, 1, SPAN("\030\001", 2));
	refused(MSG_NEED, &w, ASSAY_MISSING);
	w = start(MSG_NEED);
	nested(&w, 1, SPAN("\010\001\030", 3));
	refused(MSG_NEED, &w, ASSAY_TRUNCATED);
}

static void
q13_numbers_must_be_packed(void **state)
{
	struct writer w = start(MSG_HELLO);

	(void)state;
	number(&w, 1, 1);
	bytes(&w, 2, 34);
	number(&w, 3, ALG_SHA256);
	refused(MSG_HELLO, &w, ASSAY_MALFORMED);
	w = start(MSG_HELLO);
	number(&w, 1, 1);
	bytes(&w, 2, 34);
	nested(&w, 3, SPAN("\013", 1));
	nested(&w, 3, SPAN("\014", 1));
	refused(MSG_HELLO, &w, ASSAY_DUPLICATE);
	w = start(MSG_HELLO);
	number(&w, 1, 1);
	bytes(&w, 2, 34);
	nested(&w, 3, SPAN("\001\002\003\004\005\006\007", 7));
	refused(MSG_HELLO, &w, ASSAY_TOO_MANY);
	w = start(MSG_HELLO);
	number(&w, 1, 1);
	bytes(&w, 2, 34);
	nested(&w, 3, SPAN("\013\200", 2)); /* a varint cut by the list's end */
	refused(MSG_HELLO, &w, ASSAY_TRUNCATED);
}

static void
q13_defaults_and_disorder_on_the_wire_are_refused(void **state)
{
	struct writer w = start(MSG_PART);

	(void)state;
	number(&w, 1, PART_IMA);
	number(&w, 2, 0);
	refused(MSG_PART, &w, ASSAY_MALFORMED);
	w = start(MSG_PART);
	number(&w, 1, PART_IMA);
	bytes(&w, 3, 0);
	refused(MSG_PART, &w, ASSAY_MALFORMED);
	w = start(MSG_PART);
	number(&w, 2, 1);
	number(&w, 1, PART_IMA);
	refused(MSG_PART, &w, ASSAY_MALFORMED);
}

static void
q13_required_fields_may_not_be_absent(void **state)
{
	static const unsigned needs[] = {
		MSG_HELLO, MSG_ENROL, MSG_ACTIVATION, MSG_PROOF, MSG_PART, MSG_CHALLENGE,
		MSG_CREDENTIAL, MSG_ENROLLED, MSG_NEED, MSG_DECISION, MSG_REFUSED,
	};

	(void)state;
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
		struct writer w = start(needs[i]);

		refused(needs[i], &w, ASSAY_MISSING);
	}
}

static void
q13_text_is_printable_ascii(void **state)
{
	static const char *const bad[] = {"a\nb", "\033[2J", "caf\303\251", "a\177", "\377"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct writer w = start(MSG_REFUSED);

		nested(&w, 1, SPAN(bad[i], strlen(bad[i])));
		refused(MSG_REFUSED, &w, ASSAY_MALFORMED);
	}
	for (unsigned c = 0; c < 32; c++) {
		struct writer w = start(MSG_REFUSED);
		uint8_t b = (uint8_t)c;

		nested(&w, 1, SPAN(&b, 1));
		refused(MSG_REFUSED, &w, ASSAY_MALFORMED);
	}
}

/* A proof with these PCR banks and nothing else wrong. */
static enum assay_err
proof_with(const uint8_t *banks[], const size_t *sizes, size_t n)
{
	struct writer w = start(MSG_PROOF);

	nested(&w, 1, SPAN("\012\001q\022\001s", 6));
	for (size_t i = 0; i < n; i++)
		nested(&w, 2, SPAN(banks[i], sizes[i]));
	bytes(&w, 4, 32);
	return read_frame(MSG_PROOF, &w, NULL);
}

static size_t
bank(uint8_t *b, uint64_t alg, uint64_t mask, size_t values)
{
	struct writer w;

	wr_init(&w, b, 2048);
	number(&w, 1, alg);
	number(&w, 2, mask);
	bytes(&w, 3, values);
	return w.len;
}

static void
q12_q13_pcr_banks_must_be_whole_known_and_single(void **state)
{
	static uint8_t b[2][2048];
	const uint8_t *banks[2] = {b[0], b[1]};
	size_t n[2];

	(void)state;
	memset(filler, 'a', sizeof filler);
	n[0] = bank(b[0], ALG_SHA256, 0x800001, 64);
	assert_int_equal(proof_with(banks, n, 1), ASSAY_OK);
	n[0] = bank(b[0], ALG_SHA256, 0x1000001, 64); /* PCR 24 */
	assert_int_equal(proof_with(banks, n, 1), ASSAY_MALFORMED);
	n[0] = bank(b[0], ALG_SHA256, 0x800001, 63);
	assert_int_equal(proof_with(banks, n, 1), ASSAY_MALFORMED);
	n[0] = bank(b[0], ALG_SHA256, 0x800001, 65);
	assert_int_equal(proof_with(banks, n, 1), ASSAY_MALFORMED);
	n[0] = bank(b[0], ALG_SHA256, 0x800001, 96);
	assert_int_equal(proof_with(banks, n, 1), ASSAY_MALFORMED);
	n[0] = bank(b[0], 0x7777, 1, 32);
	assert_int_equal(proof_with(banks, n, 1), ASSAY_UNSUPPORTED);
	n[0] = bank(b[0], ALG_SHA256, 1, 32);
	n[1] = bank(b[1], ALG_SHA256, 2, 32);
	assert_int_equal(proof_with(banks, n, 2), ASSAY_DUPLICATE);
	n[1] = bank(b[1], ALG_SHA1, 2, 20);
	assert_int_equal(proof_with(banks, n, 2), ASSAY_OK);
}

static void
q13_challenge_selections_must_be_known_and_single(void **state)
{
	static const struct {
		const char *first, *second;
		size_t n;
		enum assay_err e;
	} cases[] = {
		{"\010\013\020\001", "\010\004\020\001", 4, ASSAY_OK},
		{"\010\013\020\001", "\010\013\020\002", 4, ASSAY_DUPLICATE},
		{"\010\013\020\001", "\010\001\020\001", 4, ASSAY_UNSUPPORTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct writer w = start(MSG_CHALLENGE);

		bytes(&w, 1, 32);
		nested(&w, 2, SPAN(cases[i].first, cases[i].n));
		nested(&w, 2, SPAN(cases[i].second, cases[i].n));
		number(&w, 3, 1000);
		assert_int_equal(read_frame(MSG_CHALLENGE, &w, NULL), cases[i].e);
	}
}

static void
q13_another_protocol_version_is_refused(void **state)
{
	struct writer w = start(MSG_HELLO);

	(void)state;
	number(&w, 1, MSG_VERSION + 1);
	bytes(&w, 2, 34);
	assert_int_equal(read_frame(MSG_HELLO, &w, NULL), ASSAY_UNSUPPORTED);
}

static void
q13_half_a_token_and_half_a_boot_log_are_refused(void **state)
{
	struct writer w = start(MSG_ENROL);

	(void)state;
	number(&w, 1, 1);
	bytes(&w, 2, 64);
	bytes(&w, 5, 64);
	bytes(&w, 6, 8);
	assert_int_equal(read_frame(MSG_ENROL, &w, NULL), ASSAY_MISSING);
	w = start(FRAMES_CLAIMS);
	bytes(&w, 1, 32);
	assert_int_equal(read_frame(FRAMES_CLAIMS, &w, NULL), ASSAY_MALFORMED);
	w = start(FRAMES_CLAIMS);
	number(&w, 2, 77);
	assert_int_equal(read_frame(FRAMES_CLAIMS, &w, NULL), ASSAY_MALFORMED);
	w = start(FRAMES_CLAIMS); /* a software item with a digest, but no algorithm */
	nested(&w, 6, SPAN("\012\001n\052\001d", 6));
	assert_int_equal(read_frame(FRAMES_CLAIMS, &w, NULL), ASSAY_MALFORMED);
}

/* What occurs twice could be read as either: lists ascend, each name once. */
static void
q13_lists_of_claims_that_do_not_ascend_are_refused(void **state)
{
	static const struct {
		uint8_t field;
		const char *first, *second;
		enum assay_err e;
	} cases[] = {
		{6, "\012\001a", "\012\001b", ASSAY_OK},
		{6, "\012\001a", "\012\001a", ASSAY_DUPLICATE},
		{6, "\012\001b", "\012\001a", ASSAY_MALFORMED},
		{7, "\012\001a", "\012\001a\032\001x", ASSAY_OK},
		{7, "\012\001a\032\001x", "\012\001a\032\001x", ASSAY_DUPLICATE},
		{7, "\012\001a\032\001x", "\012\001a", ASSAY_MALFORMED},
		{8, "\012\001a\022\001k", "\012\001b\022\001k", ASSAY_OK},
		{8, "\012\001a\022\001k", "\012\001a\022\001k\032\001v", ASSAY_DUPLICATE},
		{8, "\012\001a\022\001k", "\012\001a\022\001j", ASSAY_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct writer w = start(FRAMES_CLAIMS);

		nested(&w, cases[i].field, SPAN(cases[i].first, strlen(cases[i].first)));
		nested(&w, cases[i].field, SPAN(cases[i].second, strlen(cases[i].second)));
		assert_int_equal(read_frame(FRAMES_CLAIMS, &w, NULL), cases[i].e);
	}
}

/* A digest that its own note disowns would be compared all the same by somebody. */
static void
q13_a_digest_or_a_value_with_a_note_is_refused(void **state)
{
	static const uint8_t digest[20] = {1};
	struct writer w = start(FRAMES_CLAIMS), inner;
	uint8_t b[64];

	(void)state;
	wr_init(&inner, b, sizeof b);
	nested(&inner, 1, SPAN("n", 1));
	number(&inner, 4, ALG_SHA1);
	nested(&inner, 5, SPAN(digest, sizeof digest));
	nested(&inner, 6, SPAN("changed-while-read", 18));
	nested(&w, 6, wr_span(&inner));
	assert_int_equal(read_frame(FRAMES_CLAIMS, &w, NULL), ASSAY_MALFORMED);
	w = start(FRAMES_CLAIMS);
	nested(&w, 8, SPAN("\012\001i\022\001k\032\001v\042\001n", 12));
	assert_int_equal(read_frame(FRAMES_CLAIMS, &w, NULL), ASSAY_MALFORMED);
}

/* Only files are asked for by item, and they always are. */
static void
q13_a_want_of_files_names_its_item_and_no_other_does(void **state)
{
	struct writer w = start(MSG_NEED), inner;
	uint8_t b[32];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		bool files = i & 1, item = i & 2;

		w = start(MSG_NEED);
		wr_init(&inner, b, sizeof b);
		number(&inner, 1, files ? PART_FILES : PART_BOOT_LOG);
		number(&inner, 3, 100);
		if (item)
			number(&inner, 4, 7);
		nested(&w, 1, wr_span(&inner));
		assert_int_equal(read_frame(MSG_NEED, &w, NULL),
				 files == item ? ASSAY_OK : ASSAY_MALFORMED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q13_lists_of_claims_that_do_not_ascend_are_refused),
		cmocka_unit_test(q13_a_digest_or_a_value_with_a_note_is_refused),
		cmocka_unit_test(q13_a_want_of_files_names_its_item_and_no_other_does),
		cmocka_unit_test(q13_an_unknown_field_is_refused_in_every_message),
		cmocka_unit_test(q13_field_number_0_and_two_byte_keys_are_refused),
		cmocka_unit_test(q13_a_single_field_that_comes_twice_is_refused),
		cmocka_unit_test(q13_a_field_of_another_wire_type_is_refused),
		cmocka_unit_test(q13_a_varint_that_is_longer_than_it_need_be_is_refused),
		cmocka_unit_test(q13_a_varint_over_64_bits_is_refused),
		cmocka_unit_test(q13_a_value_over_its_range_is_refused_and_never_cut),
		cmocka_unit_test(q13_a_length_past_the_end_is_refused),
		cmocka_unit_test(q13_over_long_fields_are_refused),
		cmocka_unit_test(q13_a_frame_over_the_limit_of_its_type_is_refused),
		cmocka_unit_test(q13_too_many_elements_are_refused),
		cmocka_unit_test(q13_amplification_by_empty_submessages_takes_no_memory),
		cmocka_unit_test(q13_messages_nest_once_and_no_deeper),
		cmocka_unit_test(q13_unknown_or_duplicate_fields_of_nested_messages_are_refused),
		cmocka_unit_test(q13_numbers_must_be_packed),
		cmocka_unit_test(q13_defaults_and_disorder_on_the_wire_are_refused),
		cmocka_unit_test(q13_required_fields_may_not_be_absent),
		cmocka_unit_test(q13_text_is_printable_ascii),
		cmocka_unit_test(q12_q13_pcr_banks_must_be_whole_known_and_single),
		cmocka_unit_test(q13_challenge_selections_must_be_known_and_single),
		cmocka_unit_test(q13_another_protocol_version_is_refused),
		cmocka_unit_test(q13_half_a_token_and_half_a_boot_log_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
