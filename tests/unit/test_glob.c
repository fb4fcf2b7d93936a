/* test_glob.c: patterns of paths, against a slow and simple matcher too. */
#include "tests/support/unit.h"

#include "verifier/appraise/glob.h"

#include <string.h>

static bool
matches(const char *pattern, const char *path)
{
	struct glob g;

	assert_int_equal(glob_compile(SPAN(pattern, strlen(pattern)), &g), ASSAY_OK);
	return glob_matches(&g, SPAN(path, strlen(path)));
}

static void
stars_and_slashes_are_as_documented(void **state)
{
	(void)state;
	assert_true(matches("/usr/bin/true", "/usr/bin/true"));
	assert_false(matches("/usr/bin/true", "/usr/bin/true2"));
	assert_false(matches("/usr/bin/true", "/usr/bin/tru"));
	assert_true(matches("/usr/**", "/usr/bin/true"));
	assert_true(matches("/usr/**", "/usr/"));
	assert_false(matches("/usr/**", "/usr"));
	assert_false(matches("/usr/**", "/usrx/bin"));
	assert_true(matches("/usr/*", "/usr/bin"));
	assert_false(matches("/usr/*", "/usr/bin/true"));
	assert_true(matches("/home/*/bin/**", "/home/x/bin/a/b"));
	assert_false(matches("/home/*/bin/**", "/home/x/y/bin/a"));
	assert_true(matches("**/*.so", "/usr/lib/x.so"));
	assert_false(matches("**/*.so", "/usr/lib/x.so.1"));
	assert_true(matches("/a?c", "/abc"));
	assert_false(matches("/a?c", "/a/c"));
	assert_true(matches("/a\\*c", "/a*c"));
	assert_false(matches("/a\\*c", "/abc"));
	assert_true(matches("***", "/a/b"));
	assert_true(matches("*/***", "a/b/c"));
	assert_true(matches("/**/x/**/y", "/a/x/b/x/c/y"));
	assert_false(matches("/x*x", "/x")); /* head and tail do not overlap */
}

static void
patterns_that_are_none_are_refused(void **state)
{
	char many[256];
	struct glob g;

	(void)state;
	assert_int_equal(glob_compile(SPAN("", 0), &g), ASSAY_MALFORMED);
	assert_int_equal(glob_compile(SPAN("a\\", 2), &g), ASSAY_MALFORMED);
	memset(many, '?', sizeof many);
	assert_int_equal(glob_compile(SPAN(many, 256), &g), ASSAY_TOO_LARGE);
	assert_int_equal(glob_compile(SPAN(many, GLOB_STEPS_MAX), &g), ASSAY_OK);
	assert_int_equal(glob_compile(SPAN(many, GLOB_STEPS_MAX + 1), &g), ASSAY_TOO_MANY);
}

/* By trying everything; patterns without escapes. */
static bool
slow(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*') {
		bool all = p[1] == '*';

		for (const char *rest = p + (all ? 2 : 1);; s++) {
			if (slow(rest, s))
				return true;
			if (*s == '\0' || (!all && *s == '/'))
				return false;
		}
	}
	return *s != '\0' && (*p == *s || (*p == '?' && *s != '/')) && slow(p + 1, s + 1);
}

static void
it_agrees_with_a_matcher_that_tries_everything(void **state)
{
	static const char pattern_chars[] = "ab/*?*", path_chars[] = "ab/";
	uint32_t seed = 20261122;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		char p[12], s[12];
		size_t pn, sn;

		seed = seed * 1664525 + 1013904223;
		pn = 1 + (seed >> 8) % 9;
		sn = (seed >> 16) % 11;
		for (size_t k = 0; k < pn; k++) {
			seed = seed * 1664525 + 1013904223;
			p[k] = pattern_chars[(seed >> 16) % 6];
		}
		for (size_t k = 0; k < sn; k++) {
			seed = seed * 1664525 + 1013904223;
			s[k] = path_chars[(seed >> 16) % 3];
		}
		p[pn] = s[sn] = '\0';
		if (matches(p, s) != slow(p, s))
			fail_msg("pattern %s, path %s", p, s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stars_and_slashes_are_as_documented),
		cmocka_unit_test(patterns_that_are_none_are_refused),
		cmocka_unit_test(it_agrees_with_a_matcher_that_tries_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
