/* Requests in a time: what is let through, when it is again, and what a full table does. */
#include "tests/support/unit.h"

#include "verifier/bucket.h"

#include <string.h>

#define SLOTS 64
#define LATER INT64_C(1700000000000)

static struct bucket_table t;
static unsigned wait_s;

static void
start(unsigned per_minute)
{
	assert_int_equal(bucket_init(&t, per_minute, SLOTS, 7), ASSAY_OK);
	wait_s = 0;
}

static int
finish(void **state)
{
	(void)state;
	bucket_free(&t);
	return 0;
}

static const uint8_t *
key(unsigned n)
{
	static uint8_t k[BUCKET_KEY];

	memset(k, 0, sizeof k);
	memcpy(k, &n, sizeof n);
	return k;
}

static unsigned
taken(unsigned who, unsigned tries, int64_t now_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < tries; i++)
		n += bucket_take(&t, key(who), now_ms, &wait_s);
	return n;
}

static void
a_minutes_worth_comes_at_once_and_no_more(void **state)
{
	(void)state;
	start(60);
	assert_int_equal(taken(1, 1000, LATER), 60);
	assert_int_equal(wait_s, 1);
	assert_int_equal(taken(2, 10, LATER), 10); /* another's */
}

static void
it_fills_evenly(void **state)
{
	(void)state;
	start(60);
	assert_int_equal(taken(1, 60, LATER), 60);
	assert_int_equal(taken(1, 9, LATER + 999), 0);
	assert_int_equal(taken(1, 9, LATER + 1000), 1);
	assert_int_equal(taken(1, 9, LATER + 6500), 5);
	assert_int_equal(taken(1, 9, LATER + 7000), 1); /* halves are not lost */
	assert_int_equal(taken(1, 1000, LATER + 7000 + 60000), 60);
}

static void
the_wait_it_tells_is_enough_and_not_a_second_too_long(void **state)
{
	(void)state;
	for (unsigned per_minute = 1; per_minute < 200; per_minute += 7) {
		start(per_minute);
		assert_int_equal(taken(1, per_minute + 5, LATER), per_minute);
		assert_false(bucket_has(&t, key(1), LATER, &wait_s));
		assert_in_range(wait_s, 1, 60);
		assert_true(bucket_has(&t, key(1), LATER + wait_s * 1000, &wait_s));
		bucket_free(&t);
		start(per_minute);
		assert_int_equal(taken(1, per_minute, LATER), per_minute);
		assert_false(bucket_has(&t, key(1), LATER, &wait_s));
		if (wait_s > 1)
			assert_false(bucket_has(&t, key(1), LATER + (wait_s - 1) * 1000, &wait_s));
		bucket_free(&t);
	}
	start(1);
}

static void
what_is_charged_beyond_the_limit_is_not_owed_for_ever(void **state)
{
	(void)state;
	start(60);
	for (unsigned i = 0; i < 100000; i++)
		bucket_charge(&t, key(1), LATER);
	assert_false(bucket_has(&t, key(1), LATER, &wait_s));
	assert_true(bucket_has(&t, key(1), LATER + 1000, &wait_s));
}

static void
asking_is_not_counted(void **state)
{
	(void)state;
	start(2);
	for (unsigned i = 0; i < 10; i++)
		assert_true(bucket_has(&t, key(1), LATER, &wait_s));
	assert_int_equal(taken(1, 9, LATER), 2);
}

static void
no_limit_is_none(void **state)
{
	(void)state;
	start(0);
	assert_int_equal(taken(1, 100000, LATER), 100000);
	bucket_charge(&t, key(1), LATER);
}

static void
a_clock_that_goes_back_gives_nothing(void **state)
{
	(void)state;
	start(60);
	assert_int_equal(taken(1, 60, LATER), 60);
	assert_int_equal(taken(1, 9, LATER - 100000), 0);
	assert_int_equal(taken(1, 9, LATER - 100000 + 2000), 2);
	bucket_free(&t);
	start(60);
	assert_int_equal(taken(1, 61, INT64_MIN + 1), 60);
	assert_int_equal(taken(1, 61, INT64_MAX), 60);
}

/* Those who are in the table keep what is theirs; all others share one bucket. */
static void
a_full_table_bounds_newcomers_together(void **state)
{
	unsigned n = 0;

	(void)state;
	start(60);
	for (unsigned i = 1; i <= 100000; i++)
		bucket_charge(&t, key(i), LATER);
	for (unsigned i = 200000; i < 200100; i++)
		n += bucket_take(&t, key(i), LATER, &wait_s);
	assert_int_equal(n, 0); /* the flood has used it up */
	assert_true(wait_s > 0);
	n = 0;
	for (unsigned i = 200000; i < 200100; i++)
		n += bucket_take(&t, key(i), LATER + 60000, &wait_s);
	assert_int_equal(n, 100); /* and it is over when the flood is */
}

int
main(void)
{
#define T(name) cmocka_unit_test_teardown(name, finish)
	const struct CMUnitTest tests[] = {
		T(a_minutes_worth_comes_at_once_and_no_more),
		T(it_fills_evenly),
		T(the_wait_it_tells_is_enough_and_not_a_second_too_long),
		T(what_is_charged_beyond_the_limit_is_not_owed_for_ever),
		T(asking_is_not_counted),
		T(no_limit_is_none),
		T(a_clock_that_goes_back_gives_nothing),
		T(a_full_table_bounds_newcomers_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
