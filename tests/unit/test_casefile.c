/* test_casefile.c: a whole appraisal in a file: the same file, the same verdict. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "verifier/appraise/casefile.h"
#include "verifier/appraise/verdict_pack.h"

#include <stdlib.h>
#include <string.h>

static struct world w;
static uint8_t *scratch, *file;
static size_t file_len;

static int
setup(void **state)
{
	(void)state;
	scratch = malloc(APPRAISAL_INPUT_MAX);
	file = malloc(APPRAISAL_INPUT_MAX);
	return scratch && file ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	free(scratch);
	free(file);
	return 0;
}

static void
judge_good_boot(void)
{
	world_init(&w, "uki-good");
	world_challenge(&w);
	world_prove(&w);
	assert_admitted(world_judge(&w));
}

static void
write_case(enum case_mode mode)
{
	struct case_file c = {.mode = mode, .in = w.in};
	struct writer out;

	wr_init(&out, file, APPRAISAL_INPUT_MAX);
	assert_int_equal(case_file_write(&c, SPAN(scratch, APPRAISAL_INPUT_MAX), &out), ASSAY_OK);
	file_len = out.len;
}

static void
the_same_file_gives_the_same_verdict(void **state)
{
	static uint8_t a[VERDICT_BYTES_MAX], b[VERDICT_BYTES_MAX];
	static struct verdict v;
	struct case_file c;
	size_t na, nb;

	(void)state;
	judge_good_boot();
	write_case(CASE_ROUND);
	assert_int_equal(case_file_parse(SPAN(file, file_len), &c), ASSAY_OK);
	arena_reset(&w.scratch);
	case_file_appraise(&c, &w.scratch, &v);
	assert_admitted(&v);
	assert_int_equal(verdict_encode(w.v, a, sizeof a, &na), ASSAY_OK);
	assert_int_equal(verdict_encode(&v, b, sizeof b, &nb), ASSAY_OK);
	assert_true(span_equal(SPAN(a, na), SPAN(b, nb)));
	world_free(&w);
}

static void
a_case_that_lacks_what_it_names_is_refused(void **state)
{
	struct case_file c;

	(void)state;
	judge_good_boot();
	w.in.references[0].digest[0] ^= 1;
	write_case(CASE_ROUND);
	assert_int_equal(case_file_parse(SPAN(file, file_len), &c), ASSAY_MISMATCH);
	w.in.references[0].digest[0] ^= 1;
	w.in.policy_digest[5] ^= 1;
	write_case(CASE_ROUND);
	assert_int_equal(case_file_parse(SPAN(file, file_len), &c), ASSAY_MISMATCH);
	w.in.policy_digest[5] ^= 1;
	w.in.policy = SPAN(NULL, 0);
	write_case(CASE_ROUND);
	assert_int_equal(case_file_parse(SPAN(file, file_len), &c), ASSAY_MISSING);
	world_free(&w);
}

/* Record, policy and references are the file's word; the evidence is the device's key's. */
static void
evidence_that_was_changed_in_the_file_admits_nobody(void **state)
{
	static struct verdict v;
	const uint8_t *proof;
	struct case_file c;
	size_t at = 0;

	(void)state;
	judge_good_boot();
	write_case(CASE_ROUND);
	proof = memmem(file, file_len, w.in.proof.p, w.in.proof.n);
	assert_non_null(proof);
	at = (size_t)(proof - file);
	for (size_t i = 0; i < w.in.proof.n; i += 7) {
		file[at + i] ^= 0x20;
		assert_int_equal(case_file_parse(SPAN(file, file_len), &c), ASSAY_OK);
		arena_reset(&w.scratch);
		case_file_appraise(&c, &w.scratch, &v);
		assert_int_not_equal(v.outcome, OUTCOME_ADMIT);
		file[at + i] ^= 0x20;
	}
	world_free(&w);
}

static void
every_truncation_and_extension_is_refused(void **state)
{
	struct case_file c;

	(void)state;
	judge_good_boot();
	write_case(CASE_ROUND);
	for (size_t n = 0; n < file_len; n += n < 64 ? 1 : 997)
		assert_int_not_equal(case_file_parse(SPAN(file, n), &c), ASSAY_OK);
	file[file_len] = 0;
	assert_int_not_equal(case_file_parse(SPAN(file, file_len + 1), &c), ASSAY_OK);
	file[12] = 3; /* the mode */
	assert_int_equal(case_file_parse(SPAN(file, file_len), &c), ASSAY_MALFORMED);
	world_free(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_file_gives_the_same_verdict),
		cmocka_unit_test(a_case_that_lacks_what_it_names_is_refused),
		cmocka_unit_test(evidence_that_was_changed_in_the_file_admits_nobody),
		cmocka_unit_test(every_truncation_and_extension_is_refused),
	};

	return cmocka_run_group_tests_name("casefile", tests, setup, teardown);
}
