/* test_pcrfile.c: the PCR files of tpm2-tools. */
#include "tests/support/unit.h"

#include "verifier/cli/pcrfile.h"

#include <string.h>

#define LISTS 132 /* in the serialized layout: number of digest lists */
#define FIRST_LIST 136
#define LIST_SIZE 532
#define VALUES_SIZE (3 * 20 + 12 * 32) /* of what `quoted` selects */

static const struct pcr_selection quoted = {2, {{ALG_SHA1, 0x800003}, {ALG_SHA256, 0x0207FF}}};
static const struct pcr_selection plain = {1, {{ALG_SHA256, 0x010080}}};

static enum assay_err
parse(struct span in, const struct pcr_selection *selection, const char *what)
{
	char said[PCRFILE_WHAT_MAX] = "";
	struct pcrfile f;
	enum assay_err e = pcrfile_parse(in, selection, &f, said);

	assert_string_equal(said, what);
	return e;
}

static void
the_layouts_give_the_same_values(void **state)
{
	struct span a = unit_data("quote/ecc256.pcrs"),
		    b = unit_data("quote/ecc256.marshaled.pcrs");
	char what[PCRFILE_WHAT_MAX];
	struct pcrfile fa, fb;

	(void)state;
	assert_int_equal(pcrfile_parse(a, &plain, &fa, what), ASSAY_OK);
	assert_int_equal(pcrfile_parse(b, &plain, &fb, what), ASSAY_OK);
	assert_string_equal(fa.layout, "serialized");
	assert_string_equal(fb.layout, "marshaled");
	assert_true(pcr_selection_equal(&fa.selection, &quoted));
	assert_true(pcr_selection_equal(&fb.selection, &quoted));
	assert_int_equal(fa.values.count, 2);
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct digest *x = pcr_value(&fa.values, ALG_SHA256, i),
				    *y = pcr_value(&fb.values, ALG_SHA256, i);

		assert_true((x != NULL) == ((0x0207FFu >> i & 1) != 0));
		assert_true(x == NULL ? y == NULL : digest_equal(x, y));
	}
	assert_true(digest_is_fill(pcr_value(&fa.values, ALG_SHA256, 17), 0xFF));
	unit_free(a);
	unit_free(b);
}

static void
bare_values_are_those_of_the_quotes_selection(void **state)
{
	struct span in = unit_data("quote/ecc256-plain.pcrs");
	char what[PCRFILE_WHAT_MAX];
	struct pcrfile f;

	(void)state;
	assert_int_equal(pcrfile_parse(in, &plain, &f, what), ASSAY_OK);
	assert_string_equal(f.layout, "values");
	assert_true(pcr_selection_equal(&f.selection, &plain));
	assert_memory_equal(pcr_value(&f.values, ALG_SHA256, 16)->b, in.p + 32, 32);
	assert_int_equal(parse(SPAN(in.p, in.n - 1), &plain, "values"), ASSAY_TRUNCATED);
	assert_int_equal(parse(in, &quoted, "values"), ASSAY_TRUNCATED);
	unit_free(in);
}

static void
every_truncation_and_extension_is_refused(void **state)
{
	static const char *const files[] = {"quote/ecc256.pcrs", "quote/ecc256.marshaled.pcrs"};
	uint8_t longer[2048] = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span in = unit_data(files[i]);
		char what[PCRFILE_WHAT_MAX];
		struct pcrfile f;

		for (size_t n = 0; n < in.n; n++)
			if (n != VALUES_SIZE) /* which is as good as a file of values */
				assert_int_not_equal(
					pcrfile_parse(SPAN(in.p, n), &quoted, &f, what), ASSAY_OK);
		memcpy(longer, in.p, in.n);
		for (size_t n = in.n + 1; n < in.n + 600; n++)
			assert_int_not_equal(pcrfile_parse(SPAN(longer, n), &quoted, &f, what),
					     ASSAY_OK);
		unit_free(in);
	}
}

static void
counts_and_sizes_out_of_range_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum assay_err e;
		const char *what;
	} cases[] = {
		{0, 17, ASSAY_TOO_MANY, "serialized: pcrSelections"},
		{4, 0x77, ASSAY_UNSUPPORTED, "serialized: pcrSelections"},
		{4, 0x0B, ASSAY_DUPLICATE, "serialized: pcrSelections"},
		{6, 0, ASSAY_MALFORMED, "serialized: pcrSelections"},
		{6, 5, ASSAY_MALFORMED, "serialized: pcrSelections"},
		{LISTS, 33, ASSAY_TOO_MANY, "serialized: number of digest lists"},
		{LISTS, 1, ASSAY_MISSING, "serialized: digests"},
		{LISTS, 3, ASSAY_TRUNCATED, "serialized: digests"},
		{FIRST_LIST, 9, ASSAY_TOO_MANY, "serialized: digests"},
		{FIRST_LIST + 4, 65, ASSAY_TOO_LARGE, "serialized: digests"},
		{FIRST_LIST + 4, 32, ASSAY_MISMATCH, "serialized: digests"},
		{FIRST_LIST + LIST_SIZE, 6, ASSAY_MISSING, "serialized: digests"},
		{FIRST_LIST + LIST_SIZE, 8, ASSAY_TOO_MANY, "serialized: digests"},
	};
	struct span in = unit_data("quote/ecc256.pcrs");
	uint8_t m[2048];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("byte %zu = %u\n", cases[i].at, cases[i].value);
		memcpy(m, in.p, in.n);
		m[cases[i].at] = cases[i].value;
		assert_int_equal(parse(SPAN(m, in.n), &quoted, cases[i].what), cases[i].e);
	}
	unit_free(in);
}

/* A fourth byte of bits exists in the layout; PCRs above 23 do not. */
static void
pcrs_above_23_are_refused(void **state)
{
	struct span in = unit_data("quote/ecc256.pcrs");
	uint8_t m[2048];

	(void)state;
	memcpy(m, in.p, in.n);
	m[6] = 4;
	m[10] = 1;
	assert_int_equal(parse(SPAN(m, in.n), &quoted, "serialized: pcrSelections"),
			 ASSAY_MALFORMED);
	unit_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_layouts_give_the_same_values),
		cmocka_unit_test(bare_values_are_those_of_the_quotes_selection),
		cmocka_unit_test(every_truncation_and_extension_is_refused),
		cmocka_unit_test(counts_and_sizes_out_of_range_are_refused),
		cmocka_unit_test(pcrs_above_23_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
