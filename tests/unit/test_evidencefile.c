/* test_evidencefile.c: evidence in a file. */
#include "tests/support/unit.h"

#include "evidence/evidencefile.h"

#include <string.h>

static uint8_t buf[512];

static struct span
sample(void)
{
	struct evidence_file f = {.proof = SPAN("\x04proof", 6),
				  .claims = SPAN("claims", 6),
				  .has_boot_log = true,
				  .boot_log = SPAN("log", 3)};
	struct writer w;

	wr_init(&w, buf, sizeof buf);
	assert_int_equal(evidence_file_write(&f, &w), ASSAY_OK);
	return wr_span(&w);
}

static void
reads_what_it_wrote(void **state)
{
	struct evidence_file f;

	(void)state;
	assert_int_equal(evidence_file_parse(sample(), &f), ASSAY_OK);
	assert_true(span_equal(f.proof, SPAN("\x04proof", 6)));
	assert_true(span_equal(f.claims, SPAN("claims", 6)));
	assert_true(f.has_boot_log);
	assert_false(f.has_ima);
	assert_true(span_equal(f.boot_log, SPAN("log", 3)));
}

static void
refuses_what_is_no_evidence_file(void **state)
{
	struct evidence_file f;
	struct span s = sample();

	(void)state;
	assert_int_equal(evidence_file_parse(SPAN(NULL, 0), &f), ASSAY_BAD_MAGIC);
	assert_int_equal(evidence_file_parse(SPAN("ASSAY-EVIDENCE-2", 16), &f), ASSAY_BAD_MAGIC);
	assert_int_equal(evidence_file_parse(SPAN(s.p, 16), &f), ASSAY_MISSING);
	for (size_t n = 17; n < s.n; n++)
		if (evidence_file_parse(SPAN(s.p, n), &f) == ASSAY_OK)
			assert_true(n == 16 + 11 || n == 16 + 22); /* whole records */
}

static void
refuses_a_record_twice_out_of_order_or_unknown(void **state)
{
	struct evidence_file f;
	struct span s = sample();

	(void)state;
	buf[16 + 11] = 1; /* claims become a second proof */
	assert_int_equal(evidence_file_parse(s, &f), ASSAY_DUPLICATE);
	buf[16 + 11] = 3; /* the boot log follows */
	assert_int_equal(evidence_file_parse(s, &f), ASSAY_DUPLICATE);
	buf[16 + 11] = 9;
	assert_int_equal(evidence_file_parse(s, &f), ASSAY_UNSUPPORTED);
	buf[16] = 0;
	assert_int_equal(evidence_file_parse(s, &f), ASSAY_UNSUPPORTED);
}

static void
refuses_a_record_over_its_limit(void **state)
{
	static uint8_t big[16 + 5 + MSG_PROOF_MAX + 1] = EVIDENCEFILE_MAGIC;
	struct evidence_file f;

	(void)state;
	big[16] = 1;
	big[19] = 0x40; /* 16 KiB and one byte */
	big[20] = 0x01;
	assert_int_equal(evidence_file_parse(SPAN(big, sizeof big), &f), ASSAY_TOO_LARGE);
}

/* Of evidence that was collected offline; it stands last, so that a file that was cut off
 * has none. */
static void
the_nonce_is_there_as_a_whole_or_not_at_all(void **state)
{
	static const uint8_t nonce[32] = {1, 2, 3};
	struct evidence_file f = {.proof = SPAN("p", 1), .nonce = SPAN(nonce, 32)}, got;
	uint8_t bytes[128];
	struct writer w;

	(void)state;
	wr_init(&w, bytes, sizeof bytes);
	assert_int_equal(evidence_file_write(&f, &w), ASSAY_OK);
	assert_int_equal(evidence_file_parse(wr_span(&w), &got), ASSAY_OK);
	assert_true(span_equal(got.nonce, SPAN(nonce, 32)));
	for (size_t n = 0; n < w.len; n++)
		if (evidence_file_parse(SPAN(bytes, n), &got) == ASSAY_OK)
			assert_int_equal(got.nonce.n, 0);
	wr_init(&w, bytes, sizeof bytes);
	f.nonce.n = 31;
	assert_int_equal(evidence_file_write(&f, &w), ASSAY_OK);
	assert_int_equal(evidence_file_parse(wr_span(&w), &got), ASSAY_MALFORMED);
	bytes[w.len - 31 - 1] = 33;
	assert_int_equal(evidence_file_parse(SPAN(bytes, w.len + 2), &got), ASSAY_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(refuses_what_is_no_evidence_file),
		cmocka_unit_test(refuses_a_record_twice_out_of_order_or_unknown),
		cmocka_unit_test(refuses_a_record_over_its_limit),
		cmocka_unit_test(the_nonce_is_there_as_a_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
