/* test_hex.c: hexadecimal text. */
#include "tests/support/unit.h"

#include "evidence/hex.h"

#include <string.h>

static void
refuses_odd_lengths_and_other_characters(void **state)
{
	static const char *const bad[] = {"0",    "abc", "0g", "g0", "0x12", " 12", "1 2 ",
					  "12\n", "/0",  ":0", "@0", "G0",   "`0"};
	uint8_t out[8];
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(hex_decode(bad[i], out, sizeof out, &n), ASSAY_MALFORMED);
	assert_int_equal(n, 77);
}

static void
refuses_more_than_fits(void **state)
{
	uint8_t out[2] = {0};
	char text[4];
	size_t n;

	(void)state;
	assert_int_equal(hex_decode("010203", out, sizeof out, &n), ASSAY_FULL);
	assert_int_equal(hex_encode(SPAN(out, 2), text, sizeof text), ASSAY_FULL);
	assert_int_equal(hex_encode(SPAN(out, 0), text, 0), ASSAY_FULL);
}

static void
decodes_either_case_and_the_empty_text(void **state)
{
	static const uint8_t expected[] = {0x00, 0xAB, 0xCD, 0xEF, 0xFF};
	uint8_t out[5];
	size_t n;

	(void)state;
	assert_int_equal(hex_decode("00abCDEfFF", out, sizeof out, &n), ASSAY_OK);
	assert_int_equal(n, sizeof expected);
	assert_memory_equal(out, expected, sizeof expected);
	assert_int_equal(hex_decode("", out, 0, &n), ASSAY_OK);
	assert_int_equal(n, 0);
}

static void
every_byte_comes_back(void **state)
{
	char text[3];
	uint8_t out;
	size_t n;

	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		uint8_t b = (uint8_t)v;

		assert_int_equal(hex_encode(SPAN(&b, 1), text, sizeof text), ASSAY_OK);
		assert_int_equal(strlen(text), 2);
		assert_int_equal(hex_decode(text, &out, 1, &n), ASSAY_OK);
		assert_int_equal(out, v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_odd_lengths_and_other_characters),
		cmocka_unit_test(refuses_more_than_fits),
		cmocka_unit_test(decodes_either_case_and_the_empty_text),
		cmocka_unit_test(every_byte_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
