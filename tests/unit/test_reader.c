/* test_reader.c: the bounded reader and writer. */
#include "tests/support/unit.h"

#include "evidence/reader.h"
#include "evidence/writer.h"

#include <string.h>

static void
refuses_to_read_past_the_end_and_stays_failed(void **state)
{
	static const uint8_t in[] = {1, 2, 3};
	struct reader r;

	(void)state;
	rd_init(&r, SPAN(in, sizeof in));
	assert_int_equal(rd_be16(&r), 0x0102);
	assert_int_equal(rd_be16(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_finish(&r), ASSAY_TRUNCATED);
}

static void
keeps_the_name_of_the_field_that_failed(void **state)
{
	static const uint8_t in[] = {1, 2, 3};
	struct reader r;

	(void)state;
	rd_init(&r, SPAN(in, sizeof in));
	assert_string_equal(r.field, "");
	rd_at(&r, "first");
	assert_int_equal(rd_be16(&r), 0x0102);
	rd_at(&r, "second");
	assert_int_equal(rd_be16(&r), 0);
	rd_at(&r, "third");
	assert_string_equal(r.field, "second");
}

static void
refuses_what_is_left_over(void **state)
{
	static const uint8_t in[] = {0, 0, 0, 1, 9};
	struct reader r;

	(void)state;
	rd_init(&r, SPAN(in, sizeof in));
	assert_int_equal(rd_be32(&r), 1);
	assert_int_equal(rd_finish(&r), ASSAY_TRAILING);
}

static void
refuses_a_length_over_its_limit(void **state)
{
	static const uint8_t in[] = {0, 3, 1, 2, 3};
	struct reader r;

	(void)state;
	rd_init(&r, SPAN(in, sizeof in));
	assert_int_equal(rd_be16_bytes(&r, 2).n, 0);
	assert_int_equal(rd_finish(&r), ASSAY_TOO_LARGE);
}

static void
refuses_a_count_over_its_limit(void **state)
{
	struct reader r;

	(void)state;
	rd_init(&r, SPAN(NULL, 0));
	assert_int_equal(rd_count(&r, 8, 8), 8);
	assert_int_equal(rd_count(&r, 9, 8), 0);
	assert_int_equal(rd_finish(&r), ASSAY_TOO_MANY);
}

static void
reads_both_byte_orders(void **state)
{
	static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4};
	struct reader r;

	(void)state;
	rd_init(&r, SPAN(in, sizeof in));
	assert_true(rd_le64(&r) == 0x0807060504030201u);
	assert_int_equal(rd_le32(&r), 0x04030201);
	assert_int_equal(rd_finish(&r), ASSAY_OK);
}

static void
writer_never_passes_its_end(void **state)
{
	uint8_t out[3] = {0xAA, 0xAA, 0xAA};
	struct writer w;
	size_t n = 77;

	(void)state;
	wr_init(&w, out, 2);
	wr_u8(&w, 1);
	wr_be16(&w, 2);
	wr_u8(&w, 3);
	assert_int_equal(wr_finish(&w, &n), ASSAY_FULL);
	assert_int_equal(n, 77);
	assert_int_equal(out[2], 0xAA);
}

static void
writes_what_the_reader_reads(void **state)
{
	uint8_t out[32];
	struct writer w;
	struct reader r;
	size_t n;

	(void)state;
	wr_init(&w, out, sizeof out);
	wr_be64(&w, 0x0102030405060708u);
	wr_le32(&w, 7);
	wr_be16_bytes(&w, SPAN("abc", 3));
	wr_be32_bytes(&w, SPAN("de", 2));
	assert_int_equal(wr_finish(&w, &n), ASSAY_OK);
	rd_init(&r, SPAN(out, n));
	assert_true(rd_be64(&r) == 0x0102030405060708u);
	assert_int_equal(rd_le32(&r), 7);
	assert_true(span_equal(rd_be16_bytes(&r, 3), SPAN("abc", 3)));
	assert_true(span_equal(rd_be32_bytes(&r, 9), SPAN("de", 2)));
	assert_int_equal(rd_finish(&r), ASSAY_OK);
}

static void
finds_what_stands_before_a_byte(void **state)
{
	(void)state;
	assert_int_equal(span_until(SPAN("ab\0c", 4), 0).n, 2);
	assert_int_equal(span_until(SPAN("abc", 3), 0).n, 3);
	assert_int_equal(span_until(SPAN("\0", 1), 0).n, 0);
	assert_int_equal(span_until(SPAN(NULL, 0), 0).n, 0);
}

static void
takes_what_stands_before_a_byte_and_the_byte(void **state)
{
	struct reader r;

	(void)state;
	rd_init(&r, SPAN("ab::c", 5));
	assert_true(span_equal(rd_until(&r, ':'), SPAN("ab", 2)));
	assert_int_equal(rd_until(&r, ':').n, 0);
	assert_int_equal(rd_left(&r), 1);
	assert_int_equal(rd_until(&r, ':').n, 0);
	assert_int_equal(r.err, ASSAY_MALFORMED);
	rd_init(&r, SPAN(NULL, 0));
	assert_int_equal(rd_until(&r, 0).n, 0);
	assert_int_equal(rd_finish(&r), ASSAY_MALFORMED);
}

/* Of every length, and wherever they stand in memory. */
static void
one_bit_anywhere_makes_spans_different(void **state)
{
	uint8_t a[80], b[80];

	(void)state;
	for (size_t n = 0; n <= 70; n++) {
		for (size_t i = 0; i < sizeof a; i++) {
			a[i] = (uint8_t)(i * 37 + n);
			b[i] = (uint8_t)~a[i];
		}
		memcpy(b + 1, a + 2, n);
		assert_true(span_equal(SPAN(a + 2, n), SPAN(b + 1, n)));
		assert_false(span_equal(SPAN(a + 2, n), SPAN(b + 1, n + 1)));
		for (size_t bit = 0; bit < 8 * n; bit++) {
			b[1 + bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(span_equal(SPAN(a + 2, n), SPAN(b + 1, n)));
			b[1 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void
one_bit_anywhere_is_no_zero(void **state)
{
	uint8_t a[80];

	(void)state;
	for (size_t n = 0; n <= 70; n++) {
		memset(a, 0xFF, sizeof a);
		memset(a + 3, 0, n);
		assert_true(span_zero(SPAN(a + 3, n)));
		for (size_t bit = 0; bit < 8 * n; bit++) {
			a[3 + bit / 8] = (uint8_t)(1u << bit % 8);
			assert_false(span_zero(SPAN(a + 3, n)));
			a[3 + bit / 8] = 0;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_to_read_past_the_end_and_stays_failed),
		cmocka_unit_test(keeps_the_name_of_the_field_that_failed),
		cmocka_unit_test(refuses_what_is_left_over),
		cmocka_unit_test(refuses_a_length_over_its_limit),
		cmocka_unit_test(refuses_a_count_over_its_limit),
		cmocka_unit_test(reads_both_byte_orders),
		cmocka_unit_test(writer_never_passes_its_end),
		cmocka_unit_test(writes_what_the_reader_reads),
		cmocka_unit_test(finds_what_stands_before_a_byte),
		cmocka_unit_test(takes_what_stands_before_a_byte_and_the_byte),
		cmocka_unit_test(one_bit_anywhere_makes_spans_different),
		cmocka_unit_test(one_bit_anywhere_is_no_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
