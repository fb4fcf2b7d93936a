/* test_sha_fast.c: the processor's hashes against wolfSSL's. */
#include "tests/support/unit.h"

#include "evidence/sha_fast.h"

#include <string.h>

static uint8_t bytes[4096];

static void
assert_same(uint16_t alg, size_t n, size_t cut)
{
	struct digest fast = {0}, slow;

	assert_true(sha_fast(alg, SPAN(bytes, cut), SPAN(bytes + cut, n - cut), &fast));
	assert_int_equal(digest_compute(alg, SPAN(bytes, n), &slow), ASSAY_OK);
	if (!digest_equal(&fast, &slow))
		fail_msg("%s of %zu bytes, cut at %zu", digest_name(alg), n, cut);
}

static void
every_length_and_cut_gives_the_same_digest(void **state)
{
	uint32_t seed = 1;

	(void)state;
	if (!sha_fast_here())
		skip();
	for (size_t i = 0; i < sizeof bytes; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
	for (size_t n = 0; n <= 300; n++)
		for (size_t cut = 0; cut <= n; cut += cut < 130 ? 1 : 37) {
			assert_same(ALG_SHA1, n, cut);
			assert_same(ALG_SHA256, n, cut);
		}
	for (size_t n = 300; n <= sizeof bytes; n += 61) {
		assert_same(ALG_SHA1, n, n / 3);
		assert_same(ALG_SHA256, n, n / 3);
	}
}

static void
other_algorithms_are_left_to_others(void **state)
{
	struct digest d;

	(void)state;
	assert_false(sha_fast(ALG_SHA384, SPAN("", 0), SPAN("", 0), &d));
	assert_false(sha_fast(ALG_NONE, SPAN("", 0), SPAN("", 0), &d));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_and_cut_gives_the_same_digest),
		cmocka_unit_test(other_algorithms_are_left_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
