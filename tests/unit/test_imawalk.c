/* test_imawalk.c: where entries of binary IMA lists end. */
#include "tests/support/imamade.h"
#include "tests/support/unit.h"

#include "evidence/imawalk.h"

#include <string.h>

/* Entry by entry as the parser has them. */
static void
agrees_with_the_parser(struct span list)
{
	static uint8_t scratch[IMALOG_SCRATCH];
	struct imawalk w = {0};
	struct imalog_entry e;
	struct imalog l;
	size_t at = 0;
	uint64_t n = 0;

	assert_int_equal(imalog_open(list, scratch, sizeof scratch, &l), ASSAY_OK);
	while (imalog_next(&l, &e)) {
		assert_int_equal(e.offset, at);
		assert_int_equal(imawalk_length(&w, SPAN(list.p + at, list.n - at), &n), ASSAY_OK);
		at += (size_t)n;
	}
	assert_int_equal(imalog_finish(&l), ASSAY_OK);
	assert_int_equal(at, list.n);
	assert_int_equal(imawalk_length(&w, SPAN(list.p + at, 0), &n), ASSAY_MISSING);
}

static void
recorded_lists_are_walked_as_they_are_parsed(void **state)
{
	static const char *const names[] = {"ima/uki-allbanks.bin", "ima/uki-imahash1.bin",
					    "ima/uki-keys.bin",	    "ima/uki-names.bin",
					    "ima/uki-ngv2.bin",	    "ima/uki-sig.bin"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span list = unit_data(names[i]);

		agrees_with_the_parser(list);
		unit_free(list);
	}
}

static void
made_lists_of_every_hash_and_order_are_walked(void **state)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};
	struct imamade m;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		imamade_begin(&m, algs[i % 4], i >= 4);
		imamade_file(&m, "boot_aggregate", 1);
		imamade_file(&m, "/usr/bin/true", 2);
		if (i % 4 == 0)
			imamade_old(&m, "/init", 3);
		if (i % 4 == 1) {
			imamade_old_md5(&m, "a", 3);
			imamade_old_md5(&m, "/usr/bin/true", 3);
		}
		agrees_with_the_parser(imamade_list(&m));
	}
}

static void
a_window_that_ends_too_early_is_truncated_and_teaches_nothing(void **state)
{
	struct imawalk w = {0};
	struct imamade m;
	struct span list;
	uint64_t whole, n;

	(void)state;
	imamade_begin(&m, ALG_SHA256, false);
	imamade_file(&m, "/usr/bin/true", 2);
	list = imamade_list(&m);
	for (size_t cut = 1; cut < 4 + 32 + 4 + 6 + 4; cut++) {
		assert_int_equal(imawalk_length(&w, SPAN(list.p, cut), &n), ASSAY_TRUNCATED);
		assert_false(w.known);
	}
	assert_int_equal(imawalk_length(&w, SPAN(list.p, 4 + 32 + 4 + 6 + 4), &whole), ASSAY_OK);
	assert_int_equal(whole, list.n);
	assert_true(w.known);
}

static void
lengths_over_the_limits_are_refused(void **state)
{
	struct imawalk w = {0};
	struct imamade m;
	uint8_t head[600] = {0};
	struct span list;
	uint64_t n;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "/usr/bin/true", 2);
	list = imamade_list(&m);
	assert_int_equal(imawalk_length(&w, list, &n), ASSAY_OK);
	memcpy(head, list.p, 34);
	memset(head + 34, 0xFF, 4); /* of the data */
	assert_int_equal(imawalk_length(&w, SPAN(head, sizeof head), &n), ASSAY_TOO_LARGE);
	memset(head + 24, 0xFF, 4); /* of the name */
	assert_int_equal(imawalk_length(&w, SPAN(head, sizeof head), &n), ASSAY_MALFORMED);
	head[0] = 24; /* no PCR */
	assert_int_equal(imawalk_length(&w, SPAN(head, sizeof head), &n), ASSAY_MALFORMED);
	memset(&w, 0, sizeof w);
	memset(head, '1', sizeof head);
	assert_int_equal(imawalk_length(&w, SPAN(head, sizeof head), &n), ASSAY_BAD_MAGIC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_lists_are_walked_as_they_are_parsed),
		cmocka_unit_test(made_lists_of_every_hash_and_order_are_walked),
		cmocka_unit_test(a_window_that_ends_too_early_is_truncated_and_teaches_nothing),
		cmocka_unit_test(lengths_over_the_limits_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
