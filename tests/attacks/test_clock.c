/* test_clock.c: attack D10, the verifier's clock is set: nothing becomes milder, nothing
 * that was signed lasts longer than it says, and a heartbeat of another time is none. */
#include "tests/support/unit.h"

#include "evidence/stream.h"
#include "verifier/keeper_private.h"

#include <string.h>

static struct decision_input
admitted(void)
{
	return (struct decision_input){.status = DEV_ENROLLED, .judged = true,
				       .verdict = OUTCOME_ADMIT, .verdict_at = 100000,
				       .expires_at = 100180, .now = 100010, .finding = ""};
}

static void
d10_no_time_but_its_own_admits(void **state)
{
	(void)state;
	for (int64_t now = 0; now < 300000; now += 7) {
		struct decision_input in = admitted();
		struct decision_view v;

		in.now = now;
		decide(&in, &v);
		if (v.outcome != OUTCOME_QUARANTINE)
			assert_true(now >= in.verdict_at - 60 && now < in.expires_at);
	}
}

static void
d10_a_clock_set_back_revives_nothing(void **state)
{
	struct decision_input in = admitted();
	struct decision_view v;

	(void)state;
	in.now = in.expires_at;
	decide(&in, &v);
	assert_int_equal(v.outcome, OUTCOME_QUARANTINE);
	assert_int_equal(v.trust, TRUST_EXPIRED);
	in.now = in.verdict_at - 3600; /* set back by an hour */
	decide(&in, &v);
	assert_int_equal(v.outcome, OUTCOME_QUARANTINE);
	assert_string_equal(v.reason, "verifier.clock");
	in.verdict = OUTCOME_QUARANTINE;
	for (in.now = 0; in.now < 300000; in.now += 1000) {
		decide(&in, &v);
		assert_int_equal(v.outcome, OUTCOME_QUARANTINE);
		assert_int_equal(v.trust, TRUST_FAILED); /* however the clock stands */
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d10_no_time_but_its_own_admits),
		cmocka_unit_test(d10_a_clock_set_back_revives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
