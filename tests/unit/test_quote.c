/* test_quote.c: TPMS_ATTEST of type quote. Attacks on it: tests/attacks. */
#include "tests/support/unit.h"

#include "evidence/hex.h"
#include "evidence/quote.h"

#include <stdlib.h>
#include <string.h>

static void
names_the_field_that_ends_too_early(void **state)
{
	static const struct {
		size_t n;
		const char *field;
	} cases[] = {
		{0, "magic"},
		{3, "magic"},
		{5, "type"},
		{7, "qualifiedSigner"},
		{41, "qualifiedSigner"},
		{42, "extraData"},
		{75, "extraData"},
		{76, "clockInfo.clock"},
		{84, "clockInfo.resetCount"},
		{88, "clockInfo.restartCount"},
		{92, "clockInfo.safe"},
		{93, "firmwareVersion"},
		{101, "quote.pcrSelect"},
		{116, "quote.pcrSelect"},
		{117, "quote.pcrDigest"},
		{150, "quote.pcrDigest"},
	};
	struct span in = unit_data("quote/ecc256.msg");

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct quote q;

		assert_int_equal(quote_parse(SPAN(in.p, cases[i].n), &q), ASSAY_TRUNCATED);
		assert_string_equal(quote_bad_field(SPAN(in.p, cases[i].n)), cases[i].field);
	}
	assert_null(quote_bad_field(in));
	unit_free(in);
}

static void
refuses_what_is_larger_than_a_quote_can_be(void **state)
{
	uint8_t *big = calloc(1, QUOTE_MAX + 1);
	struct quote q;

	(void)state;
	assert_non_null(big);
	assert_int_equal(quote_parse(SPAN(big, QUOTE_MAX + 1), &q), ASSAY_TOO_LARGE);
	free(big);
}

static void
an_error_leaves_the_output_alone(void **state)
{
	struct span in = unit_data("quote/ecc256.msg");
	struct quote q = {.clock = 77};

	(void)state;
	assert_int_equal(quote_parse(SPAN(in.p, in.n - 1), &q), ASSAY_TRUNCATED);
	assert_true(q.clock == 77);
	unit_free(in);
}

static void
reads_what_the_tpm_wrote(void **state)
{
	struct span in = unit_data("quote/ecc256.msg");
	uint8_t nonce[32];
	struct quote q;
	size_t n;

	(void)state;
	assert_int_equal(hex_decode("00112233445566778899aabbccddeeff00112233445566778899aabbccdd"
				    "eeff",
				    nonce, sizeof nonce, &n),
			 ASSAY_OK);
	assert_int_equal(quote_parse(in, &q), ASSAY_OK);
	assert_true(span_equal(q.extra_data, SPAN(nonce, n)));
	assert_int_equal(q.qualified_signer.n, 34);
	assert_true(q.clock > 0);
	assert_true(q.clock_safe);
	assert_true(q.firmware_version == 0x2019102300163636u);
	assert_int_equal(q.selection.count, 2);
	assert_int_equal(pcr_selected(&q.selection, ALG_SHA1), 0x800003);
	assert_int_equal(pcr_selected(&q.selection, ALG_SHA256), 0x0207FF);
	assert_int_equal(q.pcr_digest.n, 32);
	assert_true(q.bytes.p == in.p && q.bytes.n == in.n);
	unit_free(in);
}

static void
reads_an_empty_nonce(void **state)
{
	struct span in = unit_data("quote/rsassa-plain.msg");
	struct quote q;

	(void)state;
	assert_int_equal(quote_parse(in, &q), ASSAY_OK);
	assert_int_equal(q.extra_data.n, 0);
	unit_free(in);
}

/* A bank that was asked for but is not active comes back with no PCR. */
static void
an_empty_selection_of_a_known_bank_is_kept_out(void **state)
{
	struct span in = unit_data("quote/ecc256.msg");
	uint8_t m[256];
	struct quote q;

	(void)state;
	assert_true(in.n <= sizeof m);
	memcpy(m, in.p, in.n);
	memset(m + 108, 0, 3); /* the sha1 bank's bitmap */
	assert_int_equal(quote_parse(SPAN(m, in.n), &q), ASSAY_OK);
	assert_int_equal(q.selection.count, 1);
	assert_int_equal(pcr_selected(&q.selection, ALG_SHA1), 0);
	m[106] = 0x77; /* ... of a bank nobody knows */
	assert_int_equal(quote_parse(SPAN(m, in.n), &q), ASSAY_UNSUPPORTED);
	unit_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_field_that_ends_too_early),
		cmocka_unit_test(refuses_what_is_larger_than_a_quote_can_be),
		cmocka_unit_test(an_error_leaves_the_output_alone),
		cmocka_unit_test(reads_what_the_tpm_wrote),
		cmocka_unit_test(reads_an_empty_nonce),
		cmocka_unit_test(an_empty_selection_of_a_known_bank_is_kept_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
