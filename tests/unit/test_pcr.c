/* test_pcr.c: selections, values, the digest of a quote. */
#include "tests/support/unit.h"

#include "evidence/pcr.h"

#include <string.h>

static struct digest
filled(uint16_t alg, uint8_t fill)
{
	struct digest d;

	assert_int_equal(digest_fill(alg, fill, &d), ASSAY_OK);
	return d;
}

static void
refuses_pcrs_above_23_and_empty_masks(void **state)
{
	struct pcr_selection s = {0};
	struct pcr_values v = {0};
	struct digest d = filled(ALG_SHA256, 1);

	(void)state;
	assert_int_equal(pcr_selection_add(&s, ALG_SHA256, 0), ASSAY_MALFORMED);
	for (unsigned bit = 24; bit < 32; bit++)
		assert_int_equal(pcr_selection_add(&s, ALG_SHA256, 1u << bit), ASSAY_MALFORMED);
	assert_int_equal(s.count, 0);
	assert_int_equal(pcr_set(&v, 24, &d), ASSAY_MALFORMED);
	assert_int_equal(pcr_set(&v, 0xFFFFFFFF, &d), ASSAY_MALFORMED);
	assert_int_equal(v.count, 0);
	assert_null(pcr_value(&v, ALG_SHA256, 24));
	assert_int_equal(pcr_reset_value(ALG_SHA256, 24, &d), ASSAY_MALFORMED);
}

static void
refuses_a_bank_or_a_value_twice(void **state)
{
	struct pcr_selection s = {0};
	struct pcr_values v = {0};
	struct digest d = filled(ALG_SHA256, 1);

	(void)state;
	assert_int_equal(pcr_selection_add(&s, ALG_SHA256, 1), ASSAY_OK);
	assert_int_equal(pcr_selection_add(&s, ALG_SHA256, 2), ASSAY_DUPLICATE);
	assert_int_equal(pcr_selected(&s, ALG_SHA256), 1);
	assert_int_equal(pcr_set(&v, 3, &d), ASSAY_OK);
	d = filled(ALG_SHA256, 2);
	assert_int_equal(pcr_set(&v, 3, &d), ASSAY_DUPLICATE);
	assert_true(digest_is_fill(pcr_value(&v, ALG_SHA256, 3), 1));
}

static void
refuses_a_seventh_bank(void **state)
{
	static const uint16_t algs[] = {ALG_SHA1,    ALG_SHA256,   ALG_SHA384,  ALG_SHA512,
					ALG_SM3_256, ALG_SHA3_256, ALG_SHA3_384};
	struct pcr_selection s = {0};
	struct pcr_values v = {0};

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		struct digest d = filled(algs[i], 0);
		enum assay_err e = i < PCR_BANKS_MAX ? ASSAY_OK : ASSAY_TOO_MANY;

		assert_int_equal(pcr_selection_add(&s, algs[i], 1), e);
		assert_int_equal(pcr_set(&v, 0, &d), e);
	}
}

static void
refuses_a_value_that_is_not_of_its_banks_size(void **state)
{
	struct pcr_values v = {0};
	struct digest d = filled(ALG_SHA256, 1);

	(void)state;
	d.len = 20;
	assert_int_equal(pcr_set(&v, 0, &d), ASSAY_MISMATCH);
	d.len = 0;
	assert_int_equal(pcr_set(&v, 0, &d), ASSAY_MISMATCH);
	d.alg = ALG_NONE;
	assert_int_equal(pcr_set(&v, 0, &d), ASSAY_MISMATCH);
}

/* Q3, in both directions: more, less, another bank, another order */
static void
q3_selections_differ_in_any_direction(void **state)
{
	const struct pcr_selection a = {2, {{ALG_SHA1, 3}, {ALG_SHA256, 7}}};
	struct pcr_selection b = a;

	(void)state;
	assert_true(pcr_selection_equal(&a, &b));
	b.bank[1].mask = 3;
	assert_false(pcr_selection_equal(&a, &b));
	assert_false(pcr_selection_equal(&b, &a));
	b = a;
	b.count = 1;
	assert_false(pcr_selection_equal(&a, &b));
	assert_false(pcr_selection_equal(&b, &a));
	b = a;
	b.bank[0].alg = ALG_SHA384;
	assert_false(pcr_selection_equal(&a, &b));
	b.bank[0] = a.bank[1];
	b.bank[1] = a.bank[0];
	assert_false(pcr_selection_equal(&a, &b));
}

static void
a_selected_value_that_is_missing_is_an_error(void **state)
{
	struct pcr_selection s = {0};
	struct pcr_values v = {0};
	struct digest d = filled(ALG_SHA256, 1), out = {.len = 7};

	(void)state;
	assert_int_equal(pcr_selection_add(&s, ALG_SHA256, 3), ASSAY_OK);
	assert_int_equal(pcr_digest(&v, &s, ALG_SHA256, &out), ASSAY_MISSING);
	assert_int_equal(pcr_set(&v, 0, &d), ASSAY_OK);
	assert_int_equal(pcr_digest(&v, &s, ALG_SHA256, &out), ASSAY_MISSING);
	assert_int_equal(pcr_digest(&v, &s, ALG_SM3_256, &out), ASSAY_UNSUPPORTED);
	assert_int_equal(out.len, 7);
	assert_int_equal(pcr_set(&v, 1, &d), ASSAY_OK);
	assert_int_equal(pcr_digest(&v, &s, ALG_SHA256, &out), ASSAY_OK);
}

/* Banks in the order of the selection, indices ascending, whatever order they came in. */
static void
digest_follows_the_selection_not_the_set(void **state)
{
	uint8_t bytes[32 + 32 + 20];
	struct pcr_selection s = {0};
	struct pcr_values v = {0};
	struct digest one = filled(ALG_SHA1, 1), two = filled(ALG_SHA256, 2),
		      three = filled(ALG_SHA256, 3), out, expected;

	(void)state;
	assert_int_equal(pcr_set(&v, 0, &one), ASSAY_OK);
	assert_int_equal(pcr_set(&v, 23, &three), ASSAY_OK);
	assert_int_equal(pcr_set(&v, 4, &two), ASSAY_OK);
	assert_int_equal(pcr_selection_add(&s, ALG_SHA256, 1u << 23 | 1u << 4), ASSAY_OK);
	assert_int_equal(pcr_selection_add(&s, ALG_SHA1, 1), ASSAY_OK);
	memset(bytes, 2, 32);
	memset(bytes + 32, 3, 32);
	memset(bytes + 64, 1, 20);
	assert_int_equal(digest_compute(ALG_SHA384, SPAN(bytes, sizeof bytes), &expected),
			 ASSAY_OK);
	assert_int_equal(pcr_digest(&v, &s, ALG_SHA384, &out), ASSAY_OK);
	assert_true(digest_equal(&out, &expected));
}

/* L10 */
static void
l10_reset_values_are_ones_only_for_17_to_22(void **state)
{
	struct digest d;

	(void)state;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		assert_int_equal(pcr_reset_value(ALG_SHA256, i, &d), ASSAY_OK);
		assert_true(digest_is_fill(&d, i >= 17 && i <= 22 ? 0xFF : 0x00));
	}
	assert_int_equal(pcr_reset_value(0x7777, 0, &d), ASSAY_UNSUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_pcrs_above_23_and_empty_masks),
		cmocka_unit_test(refuses_a_bank_or_a_value_twice),
		cmocka_unit_test(refuses_a_seventh_bank),
		cmocka_unit_test(refuses_a_value_that_is_not_of_its_banks_size),
		cmocka_unit_test(q3_selections_differ_in_any_direction),
		cmocka_unit_test(a_selected_value_that_is_missing_is_an_error),
		cmocka_unit_test(digest_follows_the_selection_not_the_set),
		cmocka_unit_test(l10_reset_values_are_ones_only_for_17_to_22),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
