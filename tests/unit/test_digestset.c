/* test_digestset.c: sets of files: built, looked up, altered. */
#include "tests/support/imamade.h"
#include "tests/support/unit.h"

#include "verifier/compiler/digestset_build.h"
#include "verifier/compiler/digestset_diff.h"
#include "verifier/compiler/imafiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t digest_bytes[DIGEST_MAX];

static struct digestset_digest
of(uint16_t alg, unsigned n, bool verity)
{
	struct digestset_digest d = {alg, verity, SPAN(digest_bytes, digest_size(alg))};

	memset(digest_bytes, 0, sizeof digest_bytes);
	memcpy(digest_bytes, &n, sizeof n);
	return d;
}

static void
add(struct digestset_builder *b, const char *path, uint16_t alg, unsigned n)
{
	struct digestset_digest d = of(alg, n, false);

	assert_int_equal(digestset_add(b, SPAN(path, strlen(path)), &d), ASSAY_OK);
}

static struct span
build(struct digestset_builder *b)
{
	uint8_t *p;
	size_t n;

	assert_int_equal(digestset_build(b, &p, &n), ASSAY_OK);
	digestset_builder_free(b);
	return SPAN(p, n);
}

static struct span
small(void)
{
	struct digestset_builder *b = digestset_builder_new();
	struct digestset_digest verity = of(ALG_SHA256, 9, true);

	assert_non_null(b);
	assert_int_equal(digestset_add(b, SPAN("/usr/bin/sealed", 15), &verity), ASSAY_OK);
	add(b, "/usr/bin/a", ALG_SHA256, 1);
	add(b, "/usr/bin/a", ALG_SHA256, 2);
	add(b, "/usr/bin/a", ALG_SHA512, 2);
	add(b, "/usr/bin/b", ALG_SHA256, 1);
	add(b, "/usr/bin/b", ALG_SHA256, 1);
	add(b, "/usr/lib/x", ALG_SHA1, 3);
	add(b, "", ALG_SHA256, 7);
	return build(b);
}

static enum digestset_answer
find(const struct digestset *s, const char *path, uint16_t alg, unsigned n)
{
	struct digestset_digest d = of(alg, n, false);
	uint32_t record;

	return digestset_find(s, SPAN(path, strlen(path)), &d, &record);
}

static bool
has(const struct digestset *s, uint16_t alg, unsigned n, bool verity)
{
	struct digestset_digest d = of(alg, n, verity);

	return digestset_has(s, &d, NULL);
}

static void
files_are_found_by_digest_and_by_path(void **state)
{
	struct span image = small();
	struct digestset s;

	(void)state;
	assert_int_equal(digestset_check(image), ASSAY_OK);
	assert_int_equal(digestset_open(image, &s), ASSAY_OK);
	assert_int_equal(s.records, 7);
	assert_int_equal(s.paths, 4);
	assert_int_equal(find(&s, "/usr/bin/a", ALG_SHA256, 1), DIGESTSET_EQUAL);
	assert_int_equal(find(&s, "/usr/bin/a", ALG_SHA256, 2), DIGESTSET_EQUAL);
	assert_int_equal(find(&s, "/usr/bin/a", ALG_SHA512, 2), DIGESTSET_EQUAL);
	assert_int_equal(find(&s, "/usr/bin/a", ALG_SHA512, 1), DIGESTSET_OTHER);
	assert_int_equal(find(&s, "/usr/bin/b", ALG_SHA256, 2), DIGESTSET_OTHER);
	assert_int_equal(find(&s, "/usr/bin/c", ALG_SHA256, 2), DIGESTSET_NO_PATH);
	assert_int_equal(find(&s, "/usr/bin/", ALG_SHA256, 1), DIGESTSET_NO_PATH);
	assert_int_equal(find(&s, "", ALG_SHA256, 7), DIGESTSET_NO_PATH);
	assert_true(has(&s, ALG_SHA256, 7, false));
	assert_true(has(&s, ALG_SHA1, 3, false));
	assert_false(has(&s, ALG_SHA256, 3, false));
	assert_false(has(&s, ALG_SHA3_256, 1, false));
	/* an fs-verity digest is another thing than one of the content */
	assert_true(has(&s, ALG_SHA256, 9, true));
	assert_false(has(&s, ALG_SHA256, 9, false));
	assert_false(has(&s, ALG_SHA256, 1, true));
	free((void *)(uintptr_t)image.p);
}

static void
the_same_files_give_the_same_bytes_in_any_order(void **state)
{
	struct digestset_builder *b = digestset_builder_new();
	struct span one = small(), two;
	struct digestset_digest verity;

	(void)state;
	add(b, "", ALG_SHA256, 7);
	add(b, "/usr/lib/x", ALG_SHA1, 3);
	add(b, "/usr/bin/b", ALG_SHA256, 1);
	add(b, "/usr/bin/a", ALG_SHA512, 2);
	verity = of(ALG_SHA256, 9, true);
	assert_int_equal(digestset_add(b, SPAN("/usr/bin/sealed", 15), &verity), ASSAY_OK);
	add(b, "/usr/bin/a", ALG_SHA256, 2);
	add(b, "/usr/bin/a", ALG_SHA256, 1);
	two = build(b);
	assert_int_equal(one.n, two.n);
	assert_memory_equal(one.p, two.p, one.n);
	free((void *)(uintptr_t)one.p);
	free((void *)(uintptr_t)two.p);
}

/* As it is done for entries of a list that are read in batches. */
static enum digestset_answer
expected_find(const struct digestset *s, struct span path)
{
	struct digestset_digest d = of(ALG_SHA256, 77, false);
	struct digestset_expected x;
	struct digestset_query q = {.path = path, .digest = &d};

	for (unsigned step = DIGESTSET_STEP_TABLE; step <= DIGESTSET_STEP_RECORD; step++)
		digestset_expect(s, (enum digestset_step)step, path, &x);
	q.hash = x.hash;
	assert_int_equal(digestset_find_expected(s, &q, NULL), digestset_find(s, path, &d, NULL));
	return digestset_find_expected(s, &q, NULL);
}

/* Whatever the bytes are, look-ups end and stay inside; and the check refuses them. */
static void
mutant_is_refused(struct span m, const char *what, void *arg)
{
	struct digestset s;

	(void)arg;
	if (digestset_check(m) == ASSAY_OK && m.n != 0)
		fail_msg("%s: accepted", what);
	if (digestset_open(m, &s) != ASSAY_OK)
		return;
	(void)find(&s, "/usr/bin/a", ALG_SHA256, 1);
	(void)find(&s, "/usr/lib/x", ALG_SHA1, 4);
	(void)expected_find(&s, SPAN("/usr/lib/x", 10));
	(void)has(&s, ALG_SHA512, 2, false);
}

static void
every_altered_set_is_refused_and_reads_inside_its_bytes(void **state)
{
	struct span image = small();

	(void)state;
	unit_mutate(image, 0, mutant_is_refused, NULL);
	free((void *)(uintptr_t)image.p);
}

static void
a_set_of_nothing_and_files_that_cannot_be_in_one(void **state)
{
	struct digestset_builder *b = digestset_builder_new();
	static char path[DIGESTSET_PATH_MAX + 1];
	struct digestset_digest d = of(ALG_SHA256, 1, false);
	struct digestset s;
	struct span none;

	(void)state;
	assert_int_equal(digestset_open(SPAN("", 0), &s), ASSAY_OK);
	assert_false(has(&s, ALG_SHA256, 0, false));
	memset(path, 'x', sizeof path);
	assert_int_equal(digestset_add(b, SPAN(path, sizeof path), &d), ASSAY_TOO_LARGE);
	d.bytes.n = 31;
	assert_int_equal(digestset_add(b, SPAN("/a", 2), &d), ASSAY_MISMATCH);
	d.alg = ALG_NONE;
	assert_int_equal(digestset_add(b, SPAN("/a", 2), &d), ASSAY_UNSUPPORTED);
	none = build(b);
	assert_int_equal(none.n, 0);
	b = digestset_builder_new();
	for (unsigned i = 0; i <= DIGESTSET_PATH_DIGESTS_MAX; i++)
		add(b, "/one", ALG_SHA256, i);
	{
		uint8_t *p;
		size_t n;

		assert_int_equal(digestset_build(b, &p, &n), ASSAY_TOO_MANY);
	}
	digestset_builder_free(b);
}

static void
paths_of_every_length_and_many_alike_come_back(void **state)
{
	struct digestset_builder *b = digestset_builder_new();
	static char path[DIGESTSET_PATH_MAX + 1];
	static uint8_t buf[DIGESTSET_PATH_MAX];
	struct digestset s;
	struct span image;

	(void)state;
	memset(path, 'x', DIGESTSET_PATH_MAX);
	for (unsigned n = 1; n <= DIGESTSET_PATH_MAX; n += n < 600 ? 1 : 97) {
		char c = path[n];

		path[n] = '\0';
		add(b, path, ALG_SHA256, n);
		path[n] = c;
	}
	image = build(b);
	assert_int_equal(digestset_check(image), ASSAY_OK);
	assert_int_equal(digestset_open(image, &s), ASSAY_OK);
	for (uint32_t i = 0; i < s.paths; i++) {
		struct span p = digestset_path(&s, i, buf);

		assert_int_equal(p.n, i < 600 ? i + 1 : 600 + (i - 599) * 97);
		assert_int_not_equal(expected_find(&s, p), DIGESTSET_NO_PATH);
		/* one byte altered, so often that many have the tag of one that is there */
		for (size_t at = 0; at < p.n && i < 600; at++) {
			buf[at] ^= (uint8_t)(1 + at % 255);
			assert_int_equal(expected_find(&s, p), DIGESTSET_NO_PATH);
			buf[at] ^= (uint8_t)(1 + at % 255);
		}
	}
	free((void *)(uintptr_t)image.p);
}

static char told[4096];

static bool
keep_words(void *arg, const struct digestset_difference *d)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof told - n, "%s\n", d->words);
	return true;
}

static void
differences_are_told_in_words(void **state)
{
	struct digestset_builder *b = digestset_builder_new();
	struct span one = small(), two;
	struct digestset_counts c;
	struct digestset x, y;
	char text[256];

	(void)state;
	add(b, "/usr/bin/a", ALG_SHA256, 1);   /* narrowed */
	add(b, "/usr/bin/b", ALG_SHA256, 5);   /* changed */
	add(b, "/usr/bin/n\n", ALG_SHA256, 6); /* added */
	add(b, "/usr/lib/y", ALG_SHA1, 3);     /* x moved */
	two = build(b);
	assert_int_equal(digestset_open(one, &x), ASSAY_OK);
	assert_int_equal(digestset_open(two, &y), ASSAY_OK);
	told[0] = '\0';
	digestset_diff(&x, &y, &c, keep_words, NULL);
	assert_int_equal(c.n[DIGESTSET_NARROWED], 1);
	assert_int_equal(c.n[DIGESTSET_CHANGED], 1);
	assert_int_equal(c.n[DIGESTSET_ADDED], 1);
	assert_int_equal(c.n[DIGESTSET_MOVED], 1);
	assert_int_equal(c.n[DIGESTSET_REMOVED], 2);
	assert_int_equal(c.same, 0);
	assert_int_equal(c.digests_removed, 1);
	assert_non_null(strstr(told, "/usr/bin/n\\x0a: added, sha256:06000000"));
	assert_non_null(strstr(told, "/usr/lib/y: moved, the same as /usr/lib/x was\n"));
	assert_non_null(strstr(told, "/usr/bin/b: changed, sha256:01000000"));
	digestset_counts_text(&c, text, sizeof text);
	assert_string_equal(text, "1 added, 2 removed, 1 changed, 1 narrowed, 1 moved, "
				  "0 digests added, 1 removed; 0 as before");
	digestset_diff(&x, &x, &c, keep_words, NULL);
	assert_int_equal(c.same, 4);
	digestset_counts_text(&c, text, sizeof text);
	assert_string_equal(text, "nothing differs; 4 as before");
	free((void *)(uintptr_t)one.p);
	free((void *)(uintptr_t)two.p);
}

/* A million files: under 100 bytes a file; opening does not depend on their number. */
static void
a_million_files_take_under_100_bytes_each(void **state)
{
	struct digestset_builder *b = digestset_builder_new();
	struct digestset s;
	struct span image;
	char path[96];

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		snprintf(path, sizeof path, "/usr/share/package-%u/some/folder/file-name-%u.so.%u",
			 i / 100, i, i % 7);
		add(b, path, ALG_SHA256, i * 2654435761u);
	}
	image = build(b);
	assert_true(image.n < 100000000);
	assert_int_equal(digestset_open(image, &s), ASSAY_OK);
	assert_true(s.probes < 100);
	for (unsigned i = 0; i < 1000000; i += 997) {
		snprintf(path, sizeof path, "/usr/share/package-%u/some/folder/file-name-%u.so.%u",
			 i / 100, i, i % 7);
		assert_int_equal(find(&s, path, ALG_SHA256, i * 2654435761u), DIGESTSET_EQUAL);
		assert_int_equal(find(&s, path, ALG_SHA256, i),
				 i ? DIGESTSET_OTHER : DIGESTSET_EQUAL);
		assert_true(has(&s, ALG_SHA256, i * 2654435761u, false));
	}
	print_message("%zu bytes, %u probes\n", image.n, s.probes);
	free((void *)(uintptr_t)image.p);
}

static bool
lists(const struct digestset *s, const char *path)
{
	uint8_t bytes[32];
	struct digestset_digest d = {ALG_SHA256, false, SPAN(bytes, sizeof bytes)};

	memset(bytes, 5, sizeof bytes);
	return digestset_find(s, SPAN(path, strlen(path)), &d, NULL) == DIGESTSET_EQUAL;
}

/* M5: what a list says went to another PCR, the quoted PCR 10 does not prove. */
static void
files_of_a_devices_list_are_those_that_pcr_10_proves(void **state)
{
	static struct imamade m;
	struct digestset s;
	size_t other, n;
	uint8_t *p;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	imamade_file(&m, "boot_aggregate", 5);
	imamade_file(&m, "/usr/bin/a", 5);
	other = m.w.len;
	imamade_file(&m, "/tmp/malware", 5);
	m.buf[other] = 11;
	imamade_file(&m, "malware", 5);
	assert_int_equal(imafiles_compile(imamade_list(&m), &p, &n), ASSAY_OK);
	assert_int_equal(digestset_open(SPAN(p, n), &s), ASSAY_OK);
	assert_true(lists(&s, "/usr/bin/a"));
	assert_false(lists(&s, "boot_aggregate"));
	assert_false(lists(&s, "malware"));
	assert_false(lists(&s, "/tmp/malware"));
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found_by_digest_and_by_path),
		cmocka_unit_test(the_same_files_give_the_same_bytes_in_any_order),
		cmocka_unit_test(every_altered_set_is_refused_and_reads_inside_its_bytes),
		cmocka_unit_test(a_set_of_nothing_and_files_that_cannot_be_in_one),
		cmocka_unit_test(paths_of_every_length_and_many_alike_come_back),
		cmocka_unit_test(differences_are_told_in_words),
		cmocka_unit_test(files_of_a_devices_list_are_those_that_pcr_10_proves),
		cmocka_unit_test(a_million_files_take_under_100_bytes_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
