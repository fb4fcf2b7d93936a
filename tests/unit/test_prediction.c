/* test_prediction.c: what a replay's answer holds, and its encoding. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "verifier/appraise/prediction.h"

#include <string.h>

static struct world w;
static struct prediction p;

static const char watching[] = "policy: test\n"
			       "version: 2\n"
			       "mode: monitor\n"
			       "applies_to: {class: gateway}\n"
			       "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, "
			       "patience: 3}\n"
			       "references: {pcrs: [0-9, 11-14]}\n"
			       "rules:\n"
			       "  - {id: never, fact: agent, op: equals, value: nothing, on_fail: "
			       "restrict}\n";
static uint8_t enforced[sizeof w.policy];

static int
start(void **state)
{
	(void)state;
	world_init(&w, "uki-good");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* The stored round once more, as keeper has it judged. */
static void
predict(void)
{
	w.in.claims = SPAN(NULL, 0);
	w.in.has_boot_log = w.in.boot_log_stored = true;
	w.in.boot_log = w.log;
	prediction_make(&w.in, &w.scratch, w.v, &p);
}

/* Another policy watches, and the one of before is enforced beneath it. */
static void
watch(void)
{
	struct span before = w.in.policy;

	memcpy(enforced, before.p, before.n);
	w.in.enforced = SPAN(enforced, before.n);
	memcpy(w.in.enforced_digest, w.in.policy_digest, 32);
	world_set_policy(&w, watching);
}

static void
by_an_enforced_policy_it_is_what_that_says(void **state)
{
	(void)state;
	(void)world_round(&w);
	predict();
	assert_int_equal(p.status, VERDICT_DECIDED);
	assert_int_equal(p.outcome, OUTCOME_ADMIT);
	assert_false(p.monitor);
	assert_int_equal(p.why.code, FIND_NONE);
	world_set_reference(&w, REF_LEARNED);
	predict();
	assert_int_equal(p.outcome, OUTCOME_RESTRICT);
	assert_int_equal(p.why.code, FIND_REFERENCE_LEARNED);
}

static void
in_monitor_mode_the_outcome_is_of_the_policy_beneath(void **state)
{
	(void)state;
	(void)world_round(&w);
	watch();
	predict();
	assert_int_equal(p.status, VERDICT_DECIDED);
	assert_true(p.monitor);
	assert_int_equal(p.outcome, OUTCOME_ADMIT);
	assert_int_equal(p.why.code, FIND_NONE);
	assert_int_equal(p.would, OUTCOME_RESTRICT);
	assert_string_equal(p.would_why.rule, "never");
}

static void
with_nothing_beneath_it_is_quarantine(void **state)
{
	(void)state;
	(void)world_round(&w);
	world_set_policy(&w, watching);
	predict();
	assert_int_equal(p.status, VERDICT_DECIDED);
	assert_int_equal(p.outcome, OUTCOME_QUARANTINE);
	assert_int_equal(p.why.code, FIND_NO_POLICY);
	assert_int_equal(p.would, OUTCOME_RESTRICT);
}

static void
what_either_policy_lacks_is_told_and_decides_nothing(void **state)
{
	(void)state;
	(void)world_round(&w);
	watch();
	w.in.has_boot_log = w.in.boot_log_stored = false;
	w.in.boot_log = SPAN(NULL, 0);
	w.in.claims = SPAN(NULL, 0);
	prediction_make(&w.in, &w.scratch, w.v, &p);
	assert_int_equal(p.status, VERDICT_NEED);
	assert_int_equal(p.need, PART_BOOT_LOG);
	assert_int_equal(p.outcome, OUTCOME_QUARANTINE);
}

static void
it_comes_back_as_it_was_and_nothing_else_is_taken(void **state)
{
	uint8_t bytes[PREDICTION_BYTES_MAX + 1], again[PREDICTION_BYTES_MAX];
	struct prediction q;
	size_t n, m;

	(void)state;
	(void)world_round(&w);
	watch();
	predict();
	assert_int_equal(prediction_encode(&p, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(prediction_decode(SPAN(bytes, n), &q), ASSAY_OK);
	assert_int_equal(prediction_encode(&q, again, sizeof again, &m), ASSAY_OK);
	assert_int_equal(n, m);
	assert_memory_equal(bytes, again, n);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(prediction_decode(SPAN(bytes, i), &q), ASSAY_OK);
	bytes[n] = 0;
	assert_int_not_equal(prediction_decode(SPAN(bytes, n + 1), &q), ASSAY_OK);
	bytes[2] = OUTCOME_COUNT;
	assert_int_not_equal(prediction_decode(SPAN(bytes, n), &q), ASSAY_OK);
}

static void
the_largest_fits_its_limit(void **state)
{
	uint8_t bytes[PREDICTION_BYTES_MAX];
	size_t n;

	(void)state;
	memset(&p, 0, sizeof p);
	memset(p.why.rule, 'r', sizeof p.why.rule - 1);
	memset(p.why.subject, 's', sizeof p.why.subject - 1);
	p.would_why = p.why;
	assert_int_equal(prediction_encode(&p, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_true(n + 64 <= 512); /* IPC_PREDICTION's */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
		CASE(by_an_enforced_policy_it_is_what_that_says),
		CASE(in_monitor_mode_the_outcome_is_of_the_policy_beneath),
		CASE(with_nothing_beneath_it_is_quarantine),
		CASE(what_either_policy_lacks_is_told_and_decides_nothing),
		CASE(it_comes_back_as_it_was_and_nothing_else_is_taken),
		CASE(the_largest_fits_its_limit),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
