/* test_imalog.c: attacks on IMA lists as bytes: M1, M2, M3, M8, M13. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/hex.h"
#include "evidence/imalog.h"
#include "tests/support/imamade.h"

static uint8_t scratch[IMALOG_SCRATCH];

/* What a TPM's PCR 10 holds after these digests. */
static struct digest
extended(uint16_t alg, const struct digest *d, size_t n)
{
	struct digest pcr;

	assert_int_equal(digest_fill(alg, 0, &pcr), ASSAY_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(digest_extend(&pcr, digest_span(&d[i])), ASSAY_OK);
	return pcr;
}

static enum assay_err
prefix_of(struct span list, const struct digest *pcr, struct imalog_prefix *ret)
{
	struct imalog l;
	enum assay_err e = imalog_open(list, scratch, sizeof scratch, &l);

	return e != ASSAY_OK ? e : imalog_find_prefix(&l, pcr, IMALOG_PCR, ret);
}

static struct digest
filled(uint16_t alg, uint8_t byte, size_t n)
{
	struct digest d;

	assert_int_equal(digest_fill(alg, 0, &d), ASSAY_OK);
	memset(d.b, byte, n);
	return d;
}

/* ---- M1: violations -------------------------------------------------------- */

static struct span
list_with_violation(struct imamade *m, uint16_t alg)
{
	const struct span f[] = {imamade_digest("sha256:", 32, 0), SPAN("/log", 5)};

	imamade_begin(m, alg, false);
	imamade_entry(m, "ima-ng", imamade_data(m, f, 2), true);
	return imamade_list(m);
}

static void
m1_a_violation_extends_ones_and_is_counted(void **state)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};
	static struct imamade m;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct digest ones = filled(algs[i], 0xFF, digest_size(algs[i]));
		struct digest pcr = extended(algs[i], &ones, 1);
		struct imalog_prefix p;

		assert_int_equal(prefix_of(list_with_violation(&m, ALG_SHA1), &pcr, &p),
				 ASSAY_OK);
		assert_int_equal(p.violations, 1);
		assert_int_equal(prefix_of(list_with_violation(&m, algs[i]), &pcr, &p), ASSAY_OK);
		assert_int_equal(p.violations, 1);
	}
}

static void
m1_a_zero_digest_never_stands_for_itself(void **state)
{
	static struct imamade m;
	struct digest zeros = filled(ALG_SHA1, 0, 20);
	struct digest pcr = extended(ALG_SHA1, &zeros, 1);
	struct imalog_prefix p;

	(void)state;
	assert_int_equal(prefix_of(list_with_violation(&m, ALG_SHA1), &pcr, &p), ASSAY_MISMATCH);
}

static void
m1_old_kernels_pad_a_violation_too_and_that_is_named(void **state)
{
	static struct imamade m;
	struct digest ones = filled(ALG_SHA256, 0xFF, 20);
	struct digest pcr = extended(ALG_SHA256, &ones, 1);
	struct imalog_prefix p;

	(void)state;
	assert_int_equal(prefix_of(list_with_violation(&m, ALG_SHA1), &pcr, &p), ASSAY_OK);
	assert_int_equal(p.method, IMALOG_PADDED_OLD);
}

/* A file's entry turned into a violation is another PCR value. */
static void
m1_an_entry_cannot_be_passed_off_as_a_violation(void **state)
{
	static struct imamade m;
	struct digest hash;
	struct imalog_prefix p;
	struct digest pcr;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "/evil", 1);
	assert_int_equal(digest_from(ALG_SHA1, SPAN(m.buf + 4, 20), &hash), ASSAY_OK);
	pcr = extended(ALG_SHA1, &hash, 1);
	assert_int_equal(prefix_of(imamade_list(&m), &pcr, &p), ASSAY_OK);
	memset(m.buf + 4, 0, 20);
	assert_int_equal(prefix_of(imamade_list(&m), &pcr, &p), ASSAY_MISMATCH);
}

/* ---- M2: boot_aggregate ----------------------------------------------------- */

static void
set_pcrs(struct pcr_values *v, uint16_t alg, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct digest d = filled(alg, (uint8_t)(i + 1), digest_size(alg));

		assert_int_equal(pcr_set(v, i, &d), ASSAY_OK);
	}
}

static void
m2_boot_aggregate_covers_the_right_pcrs_of_the_right_bank(void **state)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256};
	struct pcr_values v = {0};

	(void)state;
	set_pcrs(&v, ALG_SHA1, 10);
	set_pcrs(&v, ALG_SHA256, 10);
	for (size_t i = 0; i < 2; i++)
		for (unsigned n = 7; n <= 10; n++) {
			struct digest d;
			struct imalog_digest logged = {"", algs[i], false, {NULL, 0}};
			unsigned got = 0;
			bool good = n == 8 || (n == 10 && algs[i] != ALG_SHA1);

			assert_int_equal(imalog_boot_aggregate(&v, algs[i], n, &d), ASSAY_OK);
			logged.bytes = digest_span(&d);
			assert_int_equal(imalog_boot_aggregate_check(&v, &logged, &got),
					 good ? ASSAY_OK : ASSAY_MISMATCH);
			assert_int_equal(got, good ? n : 0);
			logged.alg = algs[1 - i]; /* the other bank's */
			assert_int_equal(imalog_boot_aggregate_check(&v, &logged, &got),
					 ASSAY_MISMATCH);
		}
}

static void
m2_boot_aggregate_without_the_pcrs_is_missing_not_good(void **state)
{
	struct pcr_values v = {0};
	struct imalog_digest logged = {"sha256", ALG_SHA256, false, {NULL, 0}};
	struct digest d = filled(ALG_SHA256, 1, 32);
	unsigned n;

	(void)state;
	logged.bytes = digest_span(&d);
	set_pcrs(&v, ALG_SHA256, 7);
	assert_int_equal(imalog_boot_aggregate_check(&v, &logged, &n), ASSAY_MISSING);
	logged.alg = ALG_SM3_256;
	assert_int_equal(imalog_boot_aggregate_check(&v, &logged, &n), ASSAY_UNSUPPORTED);
	logged.alg = ALG_NONE;
	assert_int_equal(imalog_boot_aggregate_check(&v, &logged, &n), ASSAY_UNSUPPORTED);
}

/* ---- M3, M13: template hashes ------------------------------------------------ */

static void
m3_m13_larger_banks_match_hashed_or_padded_and_which_is_told(void **state)
{
	static const uint16_t larger[] = {ALG_SHA256, ALG_SHA384, ALG_SHA512};
	static struct imamade m;
	struct imalog_entry e;
	struct imalog l;
	struct imalog_prefix p;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "/bin/true", 1);
	assert_int_equal(imalog_open(imamade_list(&m), NULL, 0, &l), ASSAY_OK);
	assert_true(imalog_next(&l, &e));
	for (size_t i = 0; i < 3; i++) {
		struct digest hashed, padded, pcr;

		assert_int_equal(digest_compute(larger[i], e.data, &hashed), ASSAY_OK);
		pcr = extended(larger[i], &hashed, 1);
		assert_int_equal(prefix_of(imamade_list(&m), &pcr, &p), ASSAY_OK);
		assert_int_equal(p.method, IMALOG_HASHED);
		padded = filled(larger[i], 0, digest_size(larger[i]));
		memcpy(padded.b, e.template_digest.p, 20);
		pcr = extended(larger[i], &padded, 1);
		assert_int_equal(prefix_of(imamade_list(&m), &pcr, &p), ASSAY_OK);
		assert_int_equal(p.method, IMALOG_PADDED);
	}
}

/* The hash stays, so that the PCR does; what it is said to be of changes. */
static void
m3_data_that_is_not_what_was_hashed_is_tampered(void **state)
{
	static struct imamade m;
	struct digest hash, pcr;
	struct imalog_prefix p;
	struct span list;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "/bin/evil", 1);
	list = imamade_list(&m);
	assert_int_equal(digest_from(ALG_SHA1, SPAN(m.buf + 4, 20), &hash), ASSAY_OK);
	pcr = extended(ALG_SHA1, &hash, 1);
	assert_int_equal(prefix_of(list, &pcr, &p), ASSAY_OK);
	m.buf[list.n - 2] ^= 1;
	assert_int_equal(prefix_of(list, &pcr, &p), ASSAY_TAMPERED);
	assert_int_equal(p.contradictions, 1);
}

struct proof {
	struct span list;
	struct digest pcr;
};

/* What follows the proved prefix is not read; in the SHA-256 bank the listed SHA-1
 * hashes are not what was extended, and one that is wrong is told. */
static void
not_accepted(struct span mutant, const char *what, void *arg)
{
	struct proof *proof = arg;
	struct imalog_prefix p;

	if (prefix_of(mutant, &proof->pcr, &p) != ASSAY_OK)
		return;
	if (mutant.n >= proof->list.n && memcmp(mutant.p, proof->list.p, proof->list.n) == 0)
		return;
	if (proof->pcr.alg == ALG_SHA1 || p.contradictions != 1)
		fail_msg("accepted: %s", what);
}

/* The PCR is of the whole list. */
static void
m3_no_change_of_a_list_reproduces_its_pcr(void **state)
{
	static const uint16_t banks[] = {ALG_SHA1, ALG_SHA256};
	static struct imamade m;
	struct span list;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "boot_aggregate", 1);
	imamade_old(&m, "/bin/old", 3);
	imamade_file(&m, "/bin/true", 2);
	list = imamade_list(&m);
	for (size_t i = 0; i < 2; i++) {
		struct proof proof = {.list = list};
		struct imalog_replay r;
		struct imalog_entry e;
		struct imalog l;
		bool contradicts;

		imalog_replay_init(&r, IMALOG_PCR);
		assert_int_equal(imalog_replay_add(&r, banks[i], IMALOG_HASHED), ASSAY_OK);
		assert_int_equal(imalog_open(list, NULL, 0, &l), ASSAY_OK);
		while (imalog_next(&l, &e))
			assert_int_equal(imalog_replay_extend(&r, &e, &contradicts), ASSAY_OK);
		proof.pcr = r.value[0].pcr;
		unit_mutate(list, 0, not_accepted, &proof);
	}
}

static void
m3_order_and_omission_of_entries_show(void **state)
{
	static const char *const paths[] = {"/a", "/b", "/c"};
	static const int orders[][3] = {{1, 0, 2}, {0, 2, 1}, {0, 2, -1}, {1, 2, -1}, {0, 0, 1}};
	static struct imamade m;
	struct digest hash[3], pcr;
	struct imalog_prefix p;

	(void)state;
	for (int i = 0; i < 3; i++) {
		imamade_begin(&m, ALG_SHA1, false);
		imamade_file(&m, paths[i], (uint8_t)i);
		assert_int_equal(digest_from(ALG_SHA1, SPAN(m.buf + 4, 20), &hash[i]), ASSAY_OK);
	}
	pcr = extended(ALG_SHA1, hash, 3);
	for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
		imamade_begin(&m, ALG_SHA1, false);
		for (int i = 0; i < 3 && orders[k][i] >= 0; i++)
			imamade_file(&m, paths[orders[k][i]], (uint8_t)orders[k][i]);
		assert_int_equal(prefix_of(imamade_list(&m), &pcr, &p), ASSAY_MISMATCH);
	}
}

/* L3, M11: a PCR that nothing was extended into proves no list, not even an empty one. */
static void
m3_a_pcr_at_reset_proves_nothing(void **state)
{
	static struct imamade m;
	struct digest zeros = filled(ALG_SHA256, 0, 32);
	struct imalog_prefix p;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "/a", 1);
	assert_int_equal(prefix_of(imamade_list(&m), &zeros, &p), ASSAY_MISMATCH);
	m.buf[0] = 11; /* an entry of another PCR */
	assert_int_equal(prefix_of(imamade_list(&m), &zeros, &p), ASSAY_MISMATCH);
}

static void
m3_a_list_that_grew_is_proved_up_to_the_quoted_entry(void **state)
{
	static struct imamade m;
	struct digest hash, pcr;
	struct imalog_prefix p;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "/a", 1);
	assert_int_equal(digest_from(ALG_SHA1, SPAN(m.buf + 4, 20), &hash), ASSAY_OK);
	pcr = extended(ALG_SHA1, &hash, 1);
	imamade_file(&m, "/later", 2);
	assert_int_equal(prefix_of(imamade_list(&m), &pcr, &p), ASSAY_OK);
	assert_int_equal(p.entries, 1);
}

/* ---- M8: names --------------------------------------------------------------- */

/* A file whose name looks like the next line of an ascii list. */
static void
m8_a_file_name_cannot_forge_an_ascii_entry(void **state)
{
	static const char name[] =
		"/x\n10 7936eb315fb4e74b99e7d461bc5c96049e1ee092 ima-ng "
		"sha1:bc026ae66d81713e4e852465e980784dc96651f8 /usr/lib/systemd/systemd";
	static struct imamade m;
	const struct span f[] = {imamade_digest("sha1:", 20, 0x11), SPAN(name, sizeof name)};
	char text[512], hash[41];
	struct imalog_entry e;
	struct imalog l;
	struct digest d;

	(void)state;
	assert_int_equal(digest_compute(ALG_SHA1, imamade_data(&m, f, 2), &d), ASSAY_OK);
	assert_int_equal(hex_encode(digest_span(&d), hash, sizeof hash), ASSAY_OK);
	snprintf(text, sizeof text,
		 "10 %s ima-ng sha1:1111111111111111111111111111111111111111 %s\n", hash, name);
	assert_int_equal(imalog_open(SPAN(text, strlen(text)), scratch, sizeof scratch, &l),
			 ASSAY_OK);
	assert_true(imalog_next(&l, &e));
	assert_true(span_equal(e.path, SPAN(name, sizeof name - 1)));
	assert_false(imalog_next(&l, &e));
	assert_int_equal(imalog_finish(&l), ASSAY_OK);
}

/* Lines that contradict are searched for their end only so often. */
static void
m3_a_list_of_contradictions_is_read_line_by_line(void **state)
{
	static const char line[] = "10 7936eb315fb4e74b99e7d461bc5c96049e1ee092 ima-ng "
				   "sha1:bc026ae66d81713e4e852465e980784dc96651f8 /x\n";
	const size_t n = 2 * IMALOG_ASCII_SEARCHES_MAX, size = sizeof line - 1;
	char *text = malloc(n * size);
	struct imalog_replay r;
	struct imalog_entry e;
	struct imalog l;
	bool contradicts;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * size, line, size);
	imalog_replay_init(&r, IMALOG_PCR);
	assert_int_equal(imalog_open(SPAN(text, n * size), scratch, sizeof scratch, &l), ASSAY_OK);
	while (imalog_next(&l, &e))
		assert_int_equal(imalog_replay_extend(&r, &e, &contradicts), ASSAY_OK);
	assert_int_equal(imalog_finish(&l), ASSAY_OK);
	assert_int_equal(r.entries, n);
	assert_int_equal(r.contradictions, n);
	assert_int_equal(l.searches, n);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(m1_a_violation_extends_ones_and_is_counted),
		cmocka_unit_test(m1_a_zero_digest_never_stands_for_itself),
		cmocka_unit_test(m1_old_kernels_pad_a_violation_too_and_that_is_named),
		cmocka_unit_test(m1_an_entry_cannot_be_passed_off_as_a_violation),
		cmocka_unit_test(m2_boot_aggregate_covers_the_right_pcrs_of_the_right_bank),
		cmocka_unit_test(m2_boot_aggregate_without_the_pcrs_is_missing_not_good),
		cmocka_unit_test(m3_m13_larger_banks_match_hashed_or_padded_and_which_is_told),
		cmocka_unit_test(m3_data_that_is_not_what_was_hashed_is_tampered),
		cmocka_unit_test(m3_no_change_of_a_list_reproduces_its_pcr),
		cmocka_unit_test(m3_order_and_omission_of_entries_show),
		cmocka_unit_test(m3_a_pcr_at_reset_proves_nothing),
		cmocka_unit_test(m3_a_list_that_grew_is_proved_up_to_the_quoted_entry),
		cmocka_unit_test(m3_a_list_of_contradictions_is_read_line_by_line),
		cmocka_unit_test(m8_a_file_name_cannot_forge_an_ascii_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
