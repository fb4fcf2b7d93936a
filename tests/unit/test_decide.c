/* test_decide.c: from verdict, status, overlay and time to the decision told. */
#include "tests/support/unit.h"

#include "verifier/keeper_private.h"

static struct decision_input
healthy(void)
{
	return (struct decision_input){
		.status = DEV_ENROLLED,
		.judged = true,
		.verdict = OUTCOME_ADMIT,
		.verdict_at = 1000,
		.expires_at = 1100,
		.now = 1050,
		.finding = "",
	};
}

static void
expect(const struct decision_input *in, enum outcome outcome, const char *reason)
{
	struct decision_view d;

	decide(in, &d);
	assert_int_equal(d.outcome, outcome);
	assert_string_equal(d.reason, reason);
}

static void
the_zero_value_is_quarantine(void **state)
{
	struct decision_input in = {.finding = ""};
	struct decision_view d = {0};

	(void)state;
	assert_int_equal(d.outcome, OUTCOME_QUARANTINE);
	decide(&in, &d);
	assert_int_equal(d.outcome, OUTCOME_QUARANTINE);
}

static void
a_healthy_device_is_admitted(void **state)
{
	struct decision_input in = healthy();

	(void)state;
	expect(&in, OUTCOME_ADMIT, "policy.met");
}

static void
d10_d11_time_alone_never_makes_it_milder(void **state)
{
	struct decision_input in = healthy();

	(void)state;
	in.now = in.expires_at;
	expect(&in, OUTCOME_QUARANTINE, "decision.expired");
	in.now = in.verdict_at - 3600; /* the clock was set back */
	expect(&in, OUTCOME_QUARANTINE, "verifier.clock");
	in.verdict = OUTCOME_QUARANTINE;
	in.finding = "boot.pcr-differs";
	in.now = 5000;
	expect(&in, OUTCOME_QUARANTINE, "decision.expired");
}

static void
every_cause_caps_every_verdict(void **state)
{
	(void)state;
	for (int status = 0; status <= DEV_STATUS_COUNT; status++)
		for (int overlay = 0; overlay <= OVERLAY_COUNT; overlay++)
			for (int flags = 0; flags < 8; flags++)
				for (int verdict = 0; verdict <= OUTCOME_COUNT; verdict++) {
					struct decision_input in = healthy();
					struct decision_view d;
					bool good;

					in.status = (enum device_status)status;
					in.overlay = (enum device_overlay)overlay;
					in.fault = flags & 1;
					in.judged = flags & 2;
					in.now = flags & 4 ? in.expires_at : in.now;
					in.verdict = (enum outcome)verdict;
					good = status == DEV_ENROLLED && overlay == OVERLAY_NONE &&
					       flags == 2 && verdict == OUTCOME_ADMIT;
					decide(&in, &d);
					assert_int_equal(d.outcome == OUTCOME_ADMIT, good);
				}
}

static void
maintenance_is_at_most_restricted(void **state)
{
	struct decision_input in = healthy();

	(void)state;
	in.overlay = OVERLAY_MAINTENANCE;
	expect(&in, OUTCOME_RESTRICT, "operator.maintenance");
	in.verdict = OUTCOME_QUARANTINE;
	in.finding = "quote.sha1-only";
	expect(&in, OUTCOME_QUARANTINE, "quote.sha1-only");
}

static void
a_verdict_that_an_order_ended_is_awaited_anew(void **state)
{
	struct decision_input in = healthy();
	struct decision_view d;

	(void)state;
	in.expires_at = VERDICT_ENDED;
	expect(&in, OUTCOME_QUARANTINE, "decision.awaits-verdict");
	decide(&in, &d);
	assert_int_equal(d.trust, TRUST_AWAITED);
	in.overlay = OVERLAY_MAINTENANCE;
	in.overlay_until = 2000;
	expect(&in, OUTCOME_QUARANTINE, "decision.awaits-verdict");
	in.verdict = OUTCOME_QUARANTINE;
	decide(&in, &d);
	assert_int_equal(d.trust, TRUST_FAILED);
}

static void
what_maintenance_allows_ends_with_it(void **state)
{
	struct decision_input in = healthy();
	struct decision_view d;

	(void)state;
	in.overlay = OVERLAY_MAINTENANCE;
	in.overlay_until = in.expires_at - 1;
	decide(&in, &d);
	assert_int_equal(d.outcome, OUTCOME_RESTRICT);
	assert_int_equal(d.expires, in.overlay_until);
	in.overlay_until = in.expires_at + 1;
	decide(&in, &d);
	assert_int_equal(d.expires, in.expires_at);
}

/* Only a policy in monitor mode would decide otherwise. */
static void
nothing_would_be_otherwise_for_an_order_or_for_time(void **state)
{
	struct decision_input in = healthy();
	struct decision_view d;

	(void)state;
	in.overlay = OVERLAY_HELD;
	decide(&in, &d);
	assert_int_equal(d.would, d.outcome);
	in.overlay = OVERLAY_MAINTENANCE;
	decide(&in, &d);
	assert_int_equal(d.would, d.outcome);
	in.now = in.expires_at;
	decide(&in, &d);
	assert_int_equal(d.would, d.outcome);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_zero_value_is_quarantine),
		cmocka_unit_test(a_healthy_device_is_admitted),
		cmocka_unit_test(d10_d11_time_alone_never_makes_it_milder),
		cmocka_unit_test(every_cause_caps_every_verdict),
		cmocka_unit_test(maintenance_is_at_most_restricted),
		cmocka_unit_test(a_verdict_that_an_order_ended_is_awaited_anew),
		cmocka_unit_test(what_maintenance_allows_ends_with_it),
		cmocka_unit_test(nothing_would_be_otherwise_for_an_order_or_for_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
