/* test_random.c: secrets from the kernel; what happens when it gives none. */
#include "tests/support/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verifier/random.h"

/* The test's own getrandom(), found before the C library's. */
static enum { REAL, REFUSES, INTERRUPTED, BY_ONE_THEN_REFUSES } behaviour;
static unsigned calls;

ssize_t
getrandom(void *p, size_t n, unsigned flags)
{
	calls++;
	if (behaviour == REFUSES || (behaviour == BY_ONE_THEN_REFUSES && calls > 3)) {
		errno = ENOSYS;
		return -1;
	}
	if (behaviour == INTERRUPTED && calls % 2 == 1) {
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_getrandom, p, behaviour == REAL ? n : 1, flags);
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

static void
fails_closed_when_the_kernel_gives_nothing(void **state)
{
	uint8_t b[32];
	uint32_t v = 7;

	(void)state;
	memset(b, 0xAA, sizeof b);
	behaviour = REFUSES;
	assert_int_equal(random_bytes(b, sizeof b), ASSAY_IO);
	assert_true(all_zero(b, sizeof b));
	assert_int_equal(random_below(10, &v), ASSAY_IO);
	assert_int_equal(v, 7);
	behaviour = REAL;
}

static void
leaves_no_partial_secret_behind(void **state)
{
	uint8_t b[32];

	(void)state;
	calls = 0;
	behaviour = BY_ONE_THEN_REFUSES;
	assert_int_equal(random_bytes(b, sizeof b), ASSAY_IO);
	assert_true(all_zero(b, sizeof b));
	behaviour = REAL;
}

static void
goes_on_after_interruptions_and_short_reads(void **state)
{
	uint8_t b[64] = {0};

	(void)state;
	calls = 0;
	behaviour = INTERRUPTED;
	assert_int_equal(random_bytes(b, sizeof b), ASSAY_OK);
	assert_int_equal(calls, 128);
	assert_false(all_zero(b + 32, 32));
	behaviour = REAL;
}

static void
gives_other_bytes_each_time(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	assert_int_equal(random_bytes(a, sizeof a), ASSAY_OK);
	assert_int_equal(random_bytes(b, sizeof b), ASSAY_OK);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(random_bytes(a, 0), ASSAY_OK);
}

static void
a_bounded_number_stays_under_its_bound_and_reaches_every_value(void **state)
{
	unsigned seen[6] = {0};
	uint32_t v;

	(void)state;
	assert_int_equal(random_below(0, &v), ASSAY_MALFORMED);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(random_below(6, &v), ASSAY_OK);
		assert_true(v < 6);
		seen[v]++;
	}
	for (unsigned i = 0; i < 6; i++)
		assert_in_range(seen[i], 200, 500); /* 333 expected; 8 sigma */
	assert_int_equal(random_below(1, &v), ASSAY_OK);
	assert_int_equal(v, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fails_closed_when_the_kernel_gives_nothing),
		cmocka_unit_test(leaves_no_partial_secret_behind),
		cmocka_unit_test(goes_on_after_interruptions_and_short_reads),
		cmocka_unit_test(gives_other_bytes_each_time),
		cmocka_unit_test(a_bounded_number_stays_under_its_bound_and_reaches_every_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
