/* test_life.c: every state by every event; attacks D1 and D11. */
#include "tests/support/unit.h"

#include "verifier/keeper_private.h"
#include "verifier/life.h"

#include <string.h>

static unsigned seen;

/* Runs check for every pair of state and event; next is what life_next() gives. */
static void
every_pair(void (*check)(const struct life *l, enum life_event e, enum assay_err r,
			 const struct life *next))
{
	struct life l, next;

	seen = 0;
	for (unsigned n = 0; n < DEV_STATUS_COUNT * OVERLAY_COUNT * TRUST_COUNT * LINK_COUNT; n++)
		for (unsigned e = 0; e < LIFE_EVENT_COUNT; e++) {
			enum assay_err r;

			l.enrolment = (enum device_status)(n % DEV_STATUS_COUNT);
			l.overlay = (enum device_overlay)(n / DEV_STATUS_COUNT % OVERLAY_COUNT);
			l.trust = (enum life_trust)(n / DEV_STATUS_COUNT / OVERLAY_COUNT %
						    TRUST_COUNT);
			l.connection = (enum life_connection)(n / DEV_STATUS_COUNT /
							      OVERLAY_COUNT / TRUST_COUNT);
			next = l;
			r = life_next(&l, (enum life_event)e, &next);
			check(&l, (enum life_event)e, r, &next);
			seen++;
		}
}

static bool
is_verdict(enum life_event e)
{
	return e == LIFE_PASSED || e == LIFE_LIMITED || e == LIFE_FAILED;
}

static void
only_a_verdict(const struct life *l, enum life_event e, enum assay_err r, const struct life *next)
{
	if (r == ASSAY_OK && life_cap(next) > life_cap(l) && e != LIFE_PASSED && e != LIFE_LIMITED)
		fail_msg("%s makes it milder", life_event_text(e));
	if (r == ASSAY_OK && e == LIFE_LIMITED)
		assert_true(life_cap(next) <= OUTCOME_RESTRICT);
	if (r == ASSAY_OK && e == LIFE_FAILED)
		assert_int_equal(life_cap(next), OUTCOME_QUARANTINE);
}

static void
d1_d11_only_a_verdict_makes_a_decision_milder(void **state)
{
	(void)state;
	every_pair(only_a_verdict);
	assert_int_equal(seen, DEV_STATUS_COUNT * OVERLAY_COUNT * TRUST_COUNT * LINK_COUNT *
				       LIFE_EVENT_COUNT);
}

static void
failed_stays(const struct life *l, enum life_event e, enum assay_err r, const struct life *next)
{
	if (r != ASSAY_OK || l->trust != TRUST_FAILED)
		return;
	if (is_verdict(e))
		assert_int_equal(next->trust, e == LIFE_PASSED	  ? TRUST_PASSED
					      : e == LIFE_LIMITED ? TRUST_LIMITED
								  : TRUST_FAILED);
	else if (e == LIFE_ACCEPTED)
		assert_int_equal(next->trust, TRUST_NEVER);
	else
		assert_int_equal(next->trust, TRUST_FAILED);
}

static void
d1_there_is_no_silent_way_from_failed_to_anything_better(void **state)
{
	(void)state;
	every_pair(failed_stays);
}

static void
good_trust_comes_from_verdicts(const struct life *l, enum life_event e, enum assay_err r,
			       const struct life *next)
{
	if (r == ASSAY_OK && next->trust != l->trust && next->trust >= TRUST_LIMITED)
		assert_true(e == LIFE_PASSED || e == LIFE_LIMITED);
}

static void
no_event_but_a_verdict_gives_trust(void **state)
{
	(void)state;
	every_pair(good_trust_comes_from_verdicts);
}

static void
retired_is_for_good(const struct life *l, enum life_event e, enum assay_err r,
		    const struct life *next)
{
	(void)e;
	if (l->enrolment == DEV_RETIRED && r == ASSAY_OK) {
		assert_int_equal(next->enrolment, DEV_RETIRED);
		assert_int_equal(life_cap(next), OUTCOME_QUARANTINE);
	}
}

static void
what_is_retired_stays_retired(void **state)
{
	(void)state;
	every_pair(retired_is_for_good);
}

static void
overlays_are_orders(const struct life *l, enum life_event e, enum assay_err r,
		    const struct life *next)
{
	bool order = e == LIFE_HELD || e == LIFE_RELEASED || e == LIFE_MAINTAINED ||
		     e == LIFE_MAINTENANCE_ENDED || e == LIFE_RETIRED;

	if (r == ASSAY_OK && !order)
		assert_int_equal(next->overlay, l->overlay);
	if (r == ASSAY_OK && l->overlay == OVERLAY_HELD)
		assert_true(next->overlay == OVERLAY_HELD || e == LIFE_RELEASED ||
			    e == LIFE_RETIRED);
	/* what an order ends or begins asks for a new verdict */
	if (r == ASSAY_OK && (e == LIFE_RELEASED || e == LIFE_MAINTAINED ||
			      e == LIFE_MAINTENANCE_ENDED || e == LIFE_APPROVED))
		assert_int_equal(life_cap(next), OUTCOME_QUARANTINE);
}

static void
an_overlay_is_the_operators_alone(void **state)
{
	(void)state;
	every_pair(overlays_are_orders);
}

static void
the_connection_decides_nothing(void **state)
{
	struct life l = {DEV_ENROLLED, OVERLAY_NONE, TRUST_PASSED, LINK_OPEN}, next;

	(void)state;
	for (unsigned c = 0; c < LINK_COUNT; c++) {
		l.connection = (enum life_connection)c;
		assert_int_equal(life_cap(&l), OUTCOME_ADMIT);
		assert_int_equal(life_next(&l, LIFE_DISCONNECTED, &next), ASSAY_OK);
		assert_int_equal(life_cap(&next), OUTCOME_ADMIT); /* until it expires */
		assert_int_equal(life_next(&next, LIFE_EXPIRED, &next), ASSAY_OK);
		assert_int_equal(life_cap(&next), OUTCOME_QUARANTINE);
		assert_int_equal(life_next(&next, LIFE_CONNECTED, &next), ASSAY_OK);
		assert_int_equal(life_cap(&next), OUTCOME_QUARANTINE);
	}
}

static void
what_is_no_state_or_event_is_refused(void **state)
{
	struct life l = {DEV_ENROLLED, OVERLAY_NONE, TRUST_PASSED, LINK_OPEN}, next, zero = {0};

	(void)state;
	assert_int_equal(life_next(&l, LIFE_EVENT_COUNT, &next), ASSAY_STATE);
	l.trust = TRUST_COUNT;
	assert_int_equal(life_next(&l, LIFE_PASSED, &next), ASSAY_STATE);
	assert_int_equal(life_cap(&l), OUTCOME_QUARANTINE);
	assert_int_equal(life_cap(&zero), OUTCOME_QUARANTINE);
}

/* keeper's decide(), which has the reasons, comes to the same. */
static void
the_decision_told_is_what_the_states_allow(void **state)
{
	static const enum outcome verdicts[] = {[TRUST_NEVER] = OUTCOME_QUARANTINE,
						[TRUST_FAILED] = OUTCOME_QUARANTINE,
						[TRUST_EXPIRED] = OUTCOME_ADMIT,
						[TRUST_AWAITED] = OUTCOME_ADMIT,
						[TRUST_LIMITED] = OUTCOME_RESTRICT,
						[TRUST_PASSED] = OUTCOME_ADMIT};

	(void)state;
	for (unsigned s = 0; s < DEV_STATUS_COUNT; s++)
		for (unsigned o = 0; o < OVERLAY_COUNT; o++)
			for (unsigned t = 0; t < TRUST_COUNT; t++) {
				struct life l = {(enum device_status)s, (enum device_overlay)o,
						 (enum life_trust)t, LINK_OPEN};
				struct decision_input in = {
					.status = l.enrolment, .overlay = l.overlay,
					.judged = t != TRUST_NEVER, .verdict = verdicts[t],
					.verdict_at = 10, .now = 50, .finding = "",
					.expires_at = t == TRUST_EXPIRED ? 50
						      : t == TRUST_AWAITED ? VERDICT_ENDED : 60};
				struct decision_view v;

				decide(&in, &v);
				assert_int_equal(v.outcome, life_cap(&l));
				assert_int_equal(v.trust, l.trust);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(d1_d11_only_a_verdict_makes_a_decision_milder),
		cmocka_unit_test(d1_there_is_no_silent_way_from_failed_to_anything_better),
		cmocka_unit_test(no_event_but_a_verdict_gives_trust),
		cmocka_unit_test(what_is_retired_stays_retired),
		cmocka_unit_test(an_overlay_is_the_operators_alone),
		cmocka_unit_test(the_connection_decides_nothing),
		cmocka_unit_test(what_is_no_state_or_event_is_refused),
		cmocka_unit_test(the_decision_told_is_what_the_states_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
