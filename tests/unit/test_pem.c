/* test_pem.c: PEM text. Vectors: RFC 4648, 10. */
#include "tests/support/unit.h"

#include "verifier/cli/pem.h"

#include <stdio.h>
#include <string.h>

#define BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define END "-----END PUBLIC KEY-----\n"

static enum assay_err
decode(const char *text, char *ret, size_t cap)
{
	struct writer w;
	enum assay_err e;

	wr_init(&w, ret, cap - 1);
	e = pem_decode(SPAN(text, strlen(text)), "PUBLIC KEY", &w);
	ret[wr_span(&w).n] = '\0';
	return e;
}

static void
refuses_text_that_is_no_base64(void **state)
{
	static const char *const bad[] = {
		BEGIN "Zg=\n" END,          BEGIN "Z\n" END,     BEGIN "Zm9\n" END,
		BEGIN "Z===\n" END,         BEGIN "====\n" END,  BEGIN "Zg==Zg==\n" END,
		BEGIN "Zm9*\n" END,         BEGIN "Zm 9v\n" END, BEGIN "=Zg=\n" END,
		BEGIN "Proc-Type: 4\n" END,
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(decode(bad[i], out, sizeof out), ASSAY_MALFORMED);
}

static void
refuses_an_object_without_end_or_of_another_label(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(decode(BEGIN "Zm9v\n", out, sizeof out), ASSAY_TRUNCATED);
	assert_int_equal(decode(BEGIN, out, sizeof out), ASSAY_TRUNCATED);
	assert_int_equal(decode(BEGIN "Zm9v\n-----END CERTIFICATE-----\n", out, sizeof out),
			 ASSAY_MALFORMED);
	assert_int_equal(decode("-----BEGIN PRIVATE KEY-----\nZm9v\n-----END PRIVATE KEY-----\n",
				out, sizeof out),
			 ASSAY_NOT_FOUND);
	assert_int_equal(decode("", out, sizeof out), ASSAY_NOT_FOUND);
	assert_int_equal(decode("-----BEGIN PUBLIC KEY\n", out, sizeof out), ASSAY_NOT_FOUND);
}

static void
refuses_more_than_fits_and_lines_without_end(void **state)
{
	char text[4096], out[64];

	(void)state;
	assert_int_equal(decode(BEGIN "Zm9vYmFy\n" END, out, 6), ASSAY_FULL);
	memset(text, 'A', sizeof text);
	memcpy(text, BEGIN, sizeof BEGIN - 1);
	memcpy(text + sizeof text - sizeof END - 1, "\n" END, sizeof END + 1);
	assert_int_equal(decode(text, out, sizeof out), ASSAY_MALFORMED);
}

static void
decodes_the_published_vectors(void **state)
{
	static const char *const in[] = {
		"",         "Zg==",     "Zm8=",       "Zm9v",          "Zm9vYg==",
		"Zm9vYmE=", "Zm9vYmFy", "Zm9v\nYmFy", "Zm9v\r\nYmFy  "};
	static const char *const expected[] = {"",      "f",      "fo",     "foo",   "foob",
					       "fooba", "foobar", "foobar", "foobar"};

	(void)state;
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
		char text[256], out[64];

		snprintf(text, sizeof text, "subject: text before\n" BEGIN "%s\n" END "and after",
			 in[i]);
		assert_int_equal(decode(text, out, sizeof out), ASSAY_OK);
		assert_string_equal(out, expected[i]);
		assert_true(pem_is(SPAN(text, strlen(text))));
	}
	assert_false(pem_is(SPAN("BEGIN", 5)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_text_that_is_no_base64),
		cmocka_unit_test(refuses_an_object_without_end_or_of_another_label),
		cmocka_unit_test(refuses_more_than_fits_and_lines_without_end),
		cmocka_unit_test(decodes_the_published_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
