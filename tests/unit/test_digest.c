/* test_digest.c: hashes by their TCG numbers. Vectors: FIPS 180-4 and
 * GB/T 32905-2016 (annex A), "abc". */
#include "tests/support/unit.h"

#include "evidence/digest.h"
#include "evidence/hex.h"

#include <string.h>

static const uint16_t computable[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512,
				      ALG_SM3_256};

static void
refuses_what_cannot_be_computed(void **state)
{
	static const uint16_t algs[] = {ALG_NONE,     ALG_SHA3_256, ALG_SHA3_384,
					ALG_SHA3_512, 0x0010,       0xFFFF};
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
		"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
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

/* GB/T 32905-2016, annex A.2, and lengths around the ends of a block. */
static void
sm3_is_what_the_standard_says_at_every_length(void **state)
{
	static const struct {
		size_t n;
		const char *expected;
	} of_a[] = {
		{0, "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"},
		{55, "288337eef51eec62e7544d7270424c8dbe656254c99852870a73b2453a6a7fb1"},
		{56, "ba00ebedaab54065a5fd4f9f56326016203166bcee3eed44ea868d59d67aa3c8"},
		{63, "587308543551881ebd70d27ad358ff5dcdf24ac54822e2f7b7c3edce0985d21b"},
		{64, "616ec433c359e7c2b19f360e2b8f2a1b6e9ed76b8dc1a7d207b31a5341c611e9"},
		{65, "3d1d94afa238ec3e2bbc20ad504702b24c16f2889c94973f2f8da3526c44e4bc"},
		{119, "53282a90724e9eb79b18d06b5b8f7f02d046e18b29247dcdb064a136d5c4459a"},
		{120, "4c9f0fe9f36ffe0191af73560c4afb1b671be02ba2d0e0c161b1e03488c2a45c"},
		{1000, "f4bedca973227d45c5b822551d2e762d4cfb0e9af70b241452545727b5fb046f"},
	};
	char text[2 * DIGEST_MAX + 1], a[1000];
	struct digest d;

	(void)state;
	for (size_t i = 0; i < 64; i++)
		a[i] = "abcd"[i % 4];
	assert_int_equal(digest_compute(ALG_SM3_256, SPAN(a, 64), &d), ASSAY_OK);
	assert_int_equal(hex_encode(digest_span(&d), text, sizeof text), ASSAY_OK);
	assert_string_equal(text, "debe9ff92275b8a138604889c18e5a4d"
				  "6fdb70e5387e5765293dcba39c0c5732");
	memset(a, 'a', sizeof a);
	for (size_t i = 0; i < sizeof of_a / sizeof of_a[0]; i++) {
		struct hasher h;
		struct digest again;

		assert_int_equal(digest_compute(ALG_SM3_256, SPAN(a, of_a[i].n), &d), ASSAY_OK);
		assert_int_equal(hex_encode(digest_span(&d), text, sizeof text), ASSAY_OK);
		assert_string_equal(text, of_a[i].expected);
		/* and in pieces of 7 */
		assert_int_equal(hash_init(&h, ALG_SM3_256), ASSAY_OK);
		for (size_t k = 0; k < of_a[i].n; k += 7)
			assert_int_equal(hash_update(&h, SPAN(a, of_a[i].n - k < 7 ? of_a[i].n - k
										  : 7)),
					 ASSAY_OK);
		assert_int_equal(hash_final(&h, &again), ASSAY_OK);
		assert_true(digest_equal(&d, &again));
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
		cmocka_unit_test(sm3_is_what_the_standard_says_at_every_length),
		cmocka_unit_test(extension_is_the_hash_of_old_and_new),
		cmocka_unit_test(names_and_numbers_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
