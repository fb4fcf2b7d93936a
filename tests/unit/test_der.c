/* test_der.c: the DER shapes. */
#include "tests/support/unit.h"

#include "evidence/der.h"

#define READ(name, ...)                                                                            \
	static const uint8_t name##_bytes[] = {__VA_ARGS__};                                       \
	struct reader name;                                                                        \
	rd_init(&name, SPAN(name##_bytes, sizeof name##_bytes))

static void
refuses_indefinite_and_overlong_lengths(void **state)
{
	READ(indefinite, 0x30, 0x80, 0x00, 0x00);
	READ(five, 0x30, 0x85, 0, 0, 0, 0, 1, 0);
	READ(huge, 0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0);
	READ(reserved, 0x30, 0xFF, 0);

	(void)state;
	assert_int_equal(der_get(&indefinite, DER_SEQUENCE).n, 0);
	assert_int_equal(indefinite.err, ASSAY_MALFORMED);
	assert_int_equal(der_get(&five, DER_SEQUENCE).n, 0);
	assert_int_equal(five.err, ASSAY_TOO_LARGE);
	assert_int_equal(der_get(&huge, DER_SEQUENCE).n, 0);
	assert_int_equal(huge.err, ASSAY_TRUNCATED);
	assert_int_equal(der_get(&reserved, DER_SEQUENCE).n, 0);
	assert_int_equal(reserved.err, ASSAY_TOO_LARGE);
}

static void
refuses_every_truncation_of_an_element(void **state)
{
	uint8_t bytes[2 + 2 + 200] = {0x30, 0x82, 0x00, 200};

	(void)state;
	for (size_t n = 0; n < sizeof bytes; n++) {
		struct span whole = SPAN(bytes, 1);
		uint8_t tag = 1;
		struct reader r;

		rd_init(&r, SPAN(bytes, n));
		assert_int_equal(der_any(&r, &tag, &whole).n, 0);
		assert_int_equal(r.err, ASSAY_TRUNCATED);
		assert_int_equal(tag, 0);
		assert_int_equal(whole.n, 0);
	}
}

static void
refuses_another_tag_and_tags_of_several_bytes(void **state)
{
	READ(other, 0x04, 0x01, 0x00);
	READ(several, 0x1F, 0x81, 0x01, 0x00);
	uint8_t tag;

	(void)state;
	assert_int_equal(der_get(&other, DER_INTEGER).n, 0);
	assert_int_equal(other.err, ASSAY_BAD_TYPE);
	assert_int_equal(der_any(&several, &tag, NULL).n, 0);
	assert_int_equal(several.err, ASSAY_MALFORMED);
}

static void
what_is_inside_a_refused_element_is_refused(void **state)
{
	READ(outer, 0x31, 0x02, 0x05, 0x00);
	struct reader inner = der_enter(&outer, DER_SEQUENCE);

	(void)state;
	assert_int_equal(der_get(&inner, DER_NULL).n, 0);
	assert_int_equal(rd_finish(&inner), ASSAY_BAD_TYPE);
	assert_int_equal(rd_finish(&outer), ASSAY_BAD_TYPE);
}

static void
refuses_negative_and_empty_integers(void **state)
{
	READ(negative, 0x02, 0x01, 0x80);
	READ(empty, 0x02, 0x00);

	(void)state;
	assert_int_equal(der_unsigned(&negative).n, 0);
	assert_int_equal(negative.err, ASSAY_MALFORMED);
	assert_int_equal(der_unsigned(&empty).n, 0);
	assert_int_equal(empty.err, ASSAY_MALFORMED);
}

static void
integers_lose_their_leading_zeros_but_not_their_last(void **state)
{
	READ(r, 0x02, 0x01, 0x00, 0x02, 0x02, 0x00, 0x80, 0x02, 0x03, 0x00, 0x00, 0x07);

	(void)state;
	assert_true(span_equal(der_unsigned(&r), SPAN("\x00", 1)));
	assert_true(span_equal(der_unsigned(&r), SPAN("\x80", 1)));
	assert_true(span_equal(der_unsigned(&r), SPAN("\x07", 1)));
	assert_int_equal(rd_finish(&r), ASSAY_OK);
}

static void
refuses_bit_strings_with_unused_bits(void **state)
{
	READ(unused, 0x03, 0x02, 0x01, 0x80);
	READ(empty, 0x03, 0x00);
	READ(good, 0x03, 0x03, 0x00, 0x80, 0x01);

	(void)state;
	assert_int_equal(der_bits(&unused).n, 0);
	assert_int_equal(unused.err, ASSAY_MALFORMED);
	assert_int_equal(der_bits(&empty).n, 0);
	assert_int_equal(empty.err, ASSAY_MALFORMED);
	assert_true(span_equal(der_bits(&good), SPAN("\x80\x01", 2)));
	assert_int_equal(rd_finish(&good), ASSAY_OK);
}

static void
optional_elements_are_taken_only_if_they_are_next(void **state)
{
	READ(r, 0xA0, 0x02, 0x05, 0x00, 0x05, 0x00);
	struct span s = {NULL, 0};

	(void)state;
	assert_int_equal(der_peek(&r), DER_CONTEXT);
	assert_false(der_optional(&r, DER_CONTEXT | 1, &s));
	assert_true(der_optional(&r, DER_CONTEXT, &s));
	assert_int_equal(s.n, 2);
	assert_true(der_optional(&r, DER_NULL, &s));
	assert_int_equal(s.n, 0);
	assert_false(der_optional(&r, DER_NULL, &s));
	assert_int_equal(der_peek(&r), 0);
	assert_int_equal(rd_finish(&r), ASSAY_OK);
}

static void
whole_elements_have_their_header(void **state)
{
	READ(r, 0x05, 0x00, 0x04, 0x81, 0x02, 0xAA, 0xBB);
	struct span whole;
	uint8_t tag;

	(void)state;
	assert_int_equal(der_any(&r, &tag, &whole).n, 0);
	assert_int_equal(whole.n, 2);
	assert_int_equal(der_any(&r, &tag, &whole).n, 2);
	assert_int_equal(tag, DER_OCTET_STRING);
	assert_true(span_equal(whole, SPAN("\x04\x81\x02\xAA\xBB", 5)));
	assert_int_equal(rd_finish(&r), ASSAY_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_indefinite_and_overlong_lengths),
		cmocka_unit_test(refuses_every_truncation_of_an_element),
		cmocka_unit_test(refuses_another_tag_and_tags_of_several_bytes),
		cmocka_unit_test(what_is_inside_a_refused_element_is_refused),
		cmocka_unit_test(refuses_negative_and_empty_integers),
		cmocka_unit_test(integers_lose_their_leading_zeros_but_not_their_last),
		cmocka_unit_test(refuses_bit_strings_with_unused_bits),
		cmocka_unit_test(optional_elements_are_taken_only_if_they_are_next),
		cmocka_unit_test(whole_elements_have_their_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
