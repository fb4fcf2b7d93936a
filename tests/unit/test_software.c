/* test_software.c: manifests are canonical, differences are all told, words have a number. */
#include "tests/support/unit.h"

#include "evidence/health.h"
#include "evidence/software.h"
#include "evidence/writer.h"

#include <string.h>

static const uint8_t digest_a[32] = {0xA}, digest_b[32] = {0xB};

static struct span
text(const char *s)
{
	return SPAN(s, strlen(s));
}

static struct manifest_entry
file(const char *path, const uint8_t digest[32])
{
	return (struct manifest_entry){.type = 'f', .mode = 0644, .size = 7,
				       .digest = SPAN(digest, 32), .path = text(path)};
}

static struct manifest_entry
directory(const char *path)
{
	return (struct manifest_entry){.type = 'd', .mode = 0755, .path = text(path)};
}

static struct span
manifest(uint8_t *buf, size_t cap, const struct manifest_entry *e, size_t n)
{
	struct writer w;

	wr_init(&w, buf, cap);
	wr_bytes(&w, SPAN(MANIFEST_MAGIC, MANIFEST_MAGIC_SIZE));
	for (size_t i = 0; i < n; i++) {
		uint8_t one[MANIFEST_ENTRY_MAX];
		size_t len;

		assert_int_equal(manifest_encode(&e[i], one, sizeof one, &len), ASSAY_OK);
		wr_bytes(&w, SPAN(one, len));
	}
	assert_int_equal(w.err, ASSAY_OK);
	return wr_span(&w);
}

static enum assay_err
walk(struct span s, unsigned *ret_n)
{
	struct manifest m;
	struct manifest_entry e;

	*ret_n = 0;
	manifest_open(&m, s);
	while (manifest_next(&m, &e))
		++*ret_n;
	return manifest_close(&m);
}

static void
a_manifest_is_read_as_it_was_written(void **state)
{
	const struct manifest_entry in[] = {
		directory("/"), directory("a"), file("a/b", digest_a), file("a-b", digest_b),
		{.type = 'l', .uid = 3, .gid = 4, .path = text("link"), .text = text("../else")},
		{.type = 'c', .mode = 0600, .size = 5ull << 32 | 1, .path = text("tty")}};
	uint8_t buf[1024];
	struct span s = manifest(buf, sizeof buf, in, 6);
	struct manifest_entry e;
	struct manifest m;

	(void)state;
	manifest_open(&m, s);
	for (size_t i = 0; i < 6; i++) {
		assert_true(manifest_next(&m, &e));
		assert_int_equal(e.type, in[i].type);
		assert_int_equal(e.mode, in[i].mode);
		assert_int_equal(e.uid, in[i].uid);
		assert_int_equal(e.gid, in[i].gid);
		assert_int_equal(e.size, in[i].size);
		assert_true(span_equal(e.path, in[i].path));
		assert_true(span_equal(e.text, in[i].text));
		assert_true(span_equal(e.digest, in[i].digest));
	}
	assert_false(manifest_next(&m, &e));
	assert_int_equal(manifest_close(&m), ASSAY_OK);
}

static void
the_order_is_that_of_a_walk_that_sorts_each_directory(void **state)
{
	static const char *const ascending[] = {"/",	"a",	 "a/b",	  "a/b/c", "a/c",
						"a\001", "a b",	 "a-b",	  "a.c",   "b"};
	const size_t n = sizeof ascending / sizeof ascending[0];

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			int o = manifest_order(text(ascending[i]), text(ascending[k]));

			assert_int_equal((o > 0) - (o < 0), (i > k) - (i < k));
		}
}

static void
a_manifest_out_of_order_or_with_a_path_twice_is_refused(void **state)
{
	const struct manifest_entry wrong[] = {directory("b"), directory("a")};
	const struct manifest_entry twice[] = {directory("a"), file("a", digest_a)};
	uint8_t buf[512];
	unsigned n;

	(void)state;
	assert_int_equal(walk(manifest(buf, sizeof buf, wrong, 2), &n), ASSAY_MALFORMED);
	assert_int_equal(n, 1);
	assert_int_equal(walk(manifest(buf, sizeof buf, twice, 2), &n), ASSAY_DUPLICATE);
}

static void
entries_of_another_form_are_neither_written_nor_read(void **state)
{
	struct manifest_entry e[] = {
		file("f", digest_a), file("f", digest_a), file("f", digest_a), directory("d"),
		directory("d"), directory(""), {.type = 'x', .path = text("x")},
		{.type = 'i', .mode = 1, .path = text("i")}, {.type = 'i', .path = text("i")},
		{.type = 'f', .path = SPAN("a\0b", 3), .digest = SPAN(digest_a, 32)},
		{.type = 'l', .path = text("l"), .text = SPAN("a\0b", 3)}};
	uint8_t out[MANIFEST_ENTRY_MAX];
	size_t n;

	(void)state;
	e[0].digest.n = 31;
	e[1].text = text("words");
	e[2].mode = 0100644;
	e[3].digest = SPAN(digest_a, 32);
	e[4].size = 1;
	e[8].text = text("value");
	e[8].digest = SPAN(digest_a, 32);
	for (size_t i = 0; i < sizeof e / sizeof e[0]; i++)
		assert_int_equal(manifest_encode(&e[i], out, sizeof out, &n), ASSAY_MALFORMED);
}

static void
mutant(struct span s, const char *what, void *arg)
{
	const struct span *valid = arg;
	struct manifest_entry e;
	struct manifest m;
	struct writer w;
	uint8_t again[1024], one[MANIFEST_ENTRY_MAX];
	size_t len;

	(void)what;
	manifest_open(&m, s);
	wr_init(&w, again, sizeof again);
	wr_bytes(&w, SPAN(MANIFEST_MAGIC, MANIFEST_MAGIC_SIZE));
	while (manifest_next(&m, &e)) {
		assert_int_equal(manifest_encode(&e, one, sizeof one, &len), ASSAY_OK);
		wr_bytes(&w, SPAN(one, len));
	}
	/* what is accepted has one form: read and written again it is the same */
	if (manifest_close(&m) == ASSAY_OK)
		assert_true(span_equal(wr_span(&w), s));
	assert_true(valid->n > 0);
}

static void
what_is_accepted_of_damaged_manifests_has_one_form(void **state)
{
	const struct manifest_entry in[] = {directory("/"), file("a", digest_a),
					    file("b", digest_b)};
	uint8_t buf[512];
	struct span s = manifest(buf, sizeof buf, in, 3);
	unsigned n;

	(void)state;
	unit_mutate(s, 0, mutant, &s);
	for (size_t cut = 1; cut < s.n; cut++)
		if (walk(SPAN(s.p, s.n - cut), &n) == ASSAY_OK)
			assert_true(n < 3); /* cut between two entries */
}

static void
every_difference_is_told_once(void **state)
{
	struct manifest_entry a[] = {directory("/"), file("a", digest_a), file("b", digest_a),
				     file("c", digest_a), file("e", digest_a)};
	struct manifest_entry b[] = {directory("/"), file("a", digest_a), file("b", digest_b),
				     file("d", digest_a), file("e", digest_a)};
	static const struct {
		enum manifest_change_kind kind;
		unsigned what;
		const char *path;
	} want[] = {{MANIFEST_CHANGED, MANIFEST_CONTENT, "b"}, {MANIFEST_REMOVED, 0, "c"},
		    {MANIFEST_ADDED, 0, "d"},
		    {MANIFEST_CHANGED, MANIFEST_MODE | MANIFEST_OWNER, "e"}};
	uint8_t ba[512], bb[512];
	struct manifest_change c;
	struct manifest_diff d;

	(void)state;
	b[4].mode = 0777;
	b[4].uid = 1000;
	manifest_diff_open(&d, manifest(ba, sizeof ba, a, 5), manifest(bb, sizeof bb, b, 5));
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		assert_true(manifest_diff_next(&d, &c));
		assert_int_equal(c.kind, want[i].kind);
		assert_int_equal(c.what, want[i].what);
		assert_true(span_equal(c.kind == MANIFEST_REMOVED ? c.before.path : c.after.path,
				       text(want[i].path)));
	}
	assert_false(manifest_diff_next(&d, &c));
	assert_int_equal(manifest_diff_close(&d), ASSAY_OK);
}

static void
a_damaged_side_ends_the_comparison_with_an_error(void **state)
{
	const struct manifest_entry a[] = {directory("/"), file("a", digest_a)};
	uint8_t ba[512];
	struct span s = manifest(ba, sizeof ba, a, 2);
	struct manifest_change c;
	struct manifest_diff d;

	(void)state;
	manifest_diff_open(&d, s, SPAN(s.p, s.n - 1));
	assert_false(manifest_diff_next(&d, &c));
	assert_int_equal(manifest_diff_close(&d), ASSAY_TRUNCATED);
	manifest_diff_open(&d, SPAN("", 0), s);
	while (manifest_diff_next(&d, &c))
		;
	assert_int_equal(manifest_diff_close(&d), ASSAY_TRUNCATED);
}

static void
words_and_numbers_of_the_tables_agree(void **state)
{
	(void)state;
	for (unsigned k = 1; k < SOFTWARE_KIND_COUNT; k++)
		assert_int_equal(software_kind_by_name(
					 text(software_kind_name((enum software_kind)k))), k);
	for (unsigned n = 1; n < NOTE_COUNT; n++)
		assert_int_equal(software_note_by_name(
					 text(software_note_name((enum software_note)n))), n);
	for (unsigned h = 1; h < HEALTH_COUNT; h++) {
		const char *name = health_info((enum health_id)h)->name;

		assert_int_equal(health_by_name(text(name)), h);
		if (h > 1)
			assert_true(strcmp(health_info((enum health_id)(h - 1))->name, name) < 0);
	}
	assert_int_equal(software_kind_by_name(text("")), SOFTWARE_NONE);
	assert_int_equal(health_by_name(text("uptim")), HEALTH_NONE);
	assert_true(software_kind_has_manifest(SOFTWARE_TREE));
	assert_false(software_kind_has_manifest(SOFTWARE_FILE));
}

static void
health_values_have_one_form(void **state)
{
	static const struct {
		enum health_type type;
		const char *value;
		enum assay_err e;
		int64_t number;
	} cases[] = {
		{HEALTH_NUMBER, "0", ASSAY_OK, 0}, {HEALTH_NUMBER, "-5", ASSAY_OK, -5},
		{HEALTH_NUMBER, "9223372036854775807", ASSAY_OK, INT64_MAX},
		{HEALTH_NUMBER, "9223372036854775808", ASSAY_MALFORMED, 0},
		{HEALTH_NUMBER, "18446744073709551617", ASSAY_MALFORMED, 0},
		{HEALTH_NUMBER, "", ASSAY_MALFORMED, 0}, {HEALTH_NUMBER, "-", ASSAY_MALFORMED, 0},
		{HEALTH_NUMBER, "-0", ASSAY_MALFORMED, 0},
		{HEALTH_NUMBER, "07", ASSAY_MALFORMED, 0},
		{HEALTH_NUMBER, "+7", ASSAY_MALFORMED, 0},
		{HEALTH_NUMBER, "7 ", ASSAY_MALFORMED, 0},
		{HEALTH_NUMBER, "1.5", ASSAY_MALFORMED, 0}, {HEALTH_TIME, "17", ASSAY_OK, 17},
		{HEALTH_TIME, "-1", ASSAY_MALFORMED, 0}, {HEALTH_BOOL, "true", ASSAY_OK, 1},
		{HEALTH_BOOL, "false", ASSAY_OK, 0}, {HEALTH_BOOL, "1", ASSAY_MALFORMED, 0},
		{HEALTH_BOOL, "", ASSAY_MALFORMED, 0}, {HEALTH_TEXT, "6.1.0-9", ASSAY_OK, 0},
		{HEALTH_TEXT, "a\nb", ASSAY_MALFORMED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t v = 0;

		assert_int_equal(health_parse(cases[i].type, text(cases[i].value), &v), cases[i].e);
		assert_int_equal(v, cases[i].number);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_is_read_as_it_was_written),
		cmocka_unit_test(the_order_is_that_of_a_walk_that_sorts_each_directory),
		cmocka_unit_test(a_manifest_out_of_order_or_with_a_path_twice_is_refused),
		cmocka_unit_test(entries_of_another_form_are_neither_written_nor_read),
		cmocka_unit_test(what_is_accepted_of_damaged_manifests_has_one_form),
		cmocka_unit_test(every_difference_is_told_once),
		cmocka_unit_test(a_damaged_side_ends_the_comparison_with_an_error),
		cmocka_unit_test(words_and_numbers_of_the_tables_agree),
		cmocka_unit_test(health_values_have_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
