/* test_digest.c: hashes by their TCG numbers. Vectors: FIPS 180-4, "abc". */
#include "tests/support/unit.h"

#include "evidence/digest.h"
#include "evidence/hex.h"

#include <string.h>

static const uint16_t computable[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};

static void
refuses_what_cannot_be_computed(void **state)
{
	static const uint16_t algs[] = {ALG_NONE,     ALG_SM3_256, ALG_SHA3_256, ALG_SHA3_384,
					ALG_SHA3_512, 0x0010,      0xFFFF};
	struct digest d = {.len = 7};
	struct hasher h;

	(void)state;
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		assert_false(digest_computable(algs[i]));
		assert_int_equal(digest_compute(algs[i], SPAN("abc", 3), &d), ASSAY_UNSUPPORTED);
		assert_int_equal(hash_init(&h, algs[i]), ASSAY_UNSUPPORTED);
	}
	assert_int_equal(d.len, 7);
}

static void
refuses_a_digest_of_another_size(void **state)
{
	uint8_t bytes[65] = {0};
	struct digest d;

	(void)state;
	for (size_t n = 0; n < sizeof bytes; n++)
		assert_int_equal(digest_from(ALG_SHA256, SPAN(bytes, n), &d),
				 n == 32 ? ASSAY_OK : ASSAY_MISMATCH);
	assert_int_equal(digest_from(0x7777, SPAN(bytes, 32), &d), ASSAY_UNSUPPORTED);
	assert_int_equal(digest_fill(0x7777, 0, &d), ASSAY_UNSUPPORTED);
}

static void
an_empty_digest_equals_nothing(void **state)
{
	struct digest a = {0}, b = {0};

	(void)state;
	assert_false(digest_equal(&a, &b));
	assert_false(digest_is_fill(&a, 0));
}

static void
digests_differ_by_algorithm_and_by_any_byte(void **state)
{
	struct digest a, b;

	(void)state;
	assert_int_equal(digest_fill(ALG_SHA256, 0, &a), ASSAY_OK);
	assert_int_equal(digest_fill(ALG_SM3_256, 0, &b), ASSAY_OK);
	assert_false(digest_equal(&a, &b));
	for (size_t i = 0; i < a.len; i++) {
		b = a;
		assert_true(digest_equal(&a, &b));
		b.b[i] ^= 0x80;
		assert_false(digest_equal(&a, &b));
		assert_false(digest_is_fill(&b, 0));
	}
}

static void
computes_the_published_vectors(void **state)
{
	static const char *const expected[] = {
		"a9993e364706816aba3e25717850c26c9cd0d89d",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
		"8086072ba1e7cc2358baeca134c825a7",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	};
	char text[2 * DIGEST_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof computable / sizeof computable[0]; i++) {
		struct digest d;

		assert_int_equal(digest_compute(computable[i], SPAN("abc", 3), &d), ASSAY_OK);
		assert_int_equal(d.len, digest_size(computable[i]));
		assert_int_equal(hex_encode(digest_span(&d), text, sizeof text), ASSAY_OK);
		assert_string_equal(text, expected[i]);
	}
}

/* A running hash in pieces, an extension and one call over the same bytes agree. */
static void
extension_is_the_hash_of_old_and_new(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof computable / sizeof computable[0]; i++) {
		uint8_t both[2 * DIGEST_MAX];
		size_t n = digest_size(computable[i]);
		struct digest pcr, expected;

		memset(both, 0, n);
		memset(both + n, 0x5A, n);
		assert_int_equal(digest_compute(computable[i], SPAN(both, 2 * n), &expected),
				 ASSAY_OK);
		assert_int_equal(digest_fill(computable[i], 0, &pcr), ASSAY_OK);
		assert_int_equal(digest_extend(&pcr, SPAN(both + n, n - 1)), ASSAY_MISMATCH);
		assert_int_equal(digest_extend(&pcr, SPAN(both + n, n)), ASSAY_OK);
		assert_true(digest_equal(&pcr, &expected));
	}
}

static void
names_and_numbers_agree(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < 0x100; alg++) {
		const char *name = digest_name((uint16_t)alg);

		assert_true((name != NULL) == (digest_size((uint16_t)alg) != 0));
		if (name)
			assert_int_equal(digest_by_name(name), alg);
	}
	assert_int_equal(digest_by_name("SHA256"), ALG_SHA256);
	assert_int_equal(digest_by_name("sha257"), ALG_NONE);
	assert_int_equal(digest_by_name(""), ALG_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_cannot_be_computed),
		cmocka_unit_test(refuses_a_digest_of_another_size),
		cmocka_unit_test(an_empty_digest_equals_nothing),
		cmocka_unit_test(digests_differ_by_algorithm_and_by_any_byte),
		cmocka_unit_test(computes_the_published_vectors),
		cmocka_unit_test(extension_is_the_hash_of_old_and_new),
		cmocka_unit_test(names_and_numbers_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
