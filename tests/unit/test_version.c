/* test_version.c: the order of versions, against the published tables and dpkg's rules. */
#include "tests/support/unit.h"

#include "verifier/appraise/version.h"

#include <string.h>

static struct span
text(const char *s)
{
	return SPAN(s, strlen(s));
}

static void
assert_order(enum version_order o, const char *a, const char *b, int expected)
{
	int d = 99;

	if (version_compare(o, text(a), text(b), &d) != ASSAY_OK)
		fail_msg("%s, %s: not valid", a, b);
	if ((d > 0) - (d < 0) != expected)
		fail_msg("%s against %s gives %d", a, b, d);
}

/* Each stands before the next. */
static void
assert_ascends(enum version_order o, const char *const *v)
{
	for (size_t i = 0; v[i]; i++)
		for (size_t k = 0; v[k]; k++)
			assert_order(o, v[i], v[k], i < k ? -1 : i > k);
}

static void
semver_orders_as_its_clause_11(void **state)
{
	static const char *const v[] = {"0.9.9",      "1.0.0-alpha",     "1.0.0-alpha.1",
					"1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
					"1.0.0-beta.11", "1.0.0-rc.1",   "1.0.0",
					"1.0.1",      "1.2.0",           "1.10.0",
					"2.0.0",      "10.0.0",
					"99999999999999999999.0.0", NULL};

	(void)state;
	assert_ascends(ORDER_SEMVER, v);
	assert_order(ORDER_SEMVER, "1.0.0+build.1", "1.0.0+build.2", 0);
	assert_order(ORDER_SEMVER, "1.0.0-a+x", "1.0.0-a", 0);
}

static void
debian_orders_as_dpkg(void **state)
{
	static const char *const v[] = {"1.0~~",   "1.0~~a",  "1.0~",     "1.0~rc1-1", "1.0",
					"1.0-1~bpo12+1", "1.0-1",  "1.0-1+b1", "1.0-1.1",   "1.0-2",
					"1.0a",    "1.0+b",   "1.0.1",    "1.2",       "1.10",
					"2",       "1:0.1",   "2:0",      NULL};

	(void)state;
	assert_ascends(ORDER_DEBIAN, v);
	assert_order(ORDER_DEBIAN, "0:1.0", "1.0", 0);
	assert_order(ORDER_DEBIAN, "1.00", "1.0", 0);
	assert_order(ORDER_DEBIAN, "1.0-0", "1.0", 0);
	assert_order(ORDER_DEBIAN, "1.2.3-4-5", "1.2.3-4-6", -1);
}

static void
what_is_no_version_has_no_place(void **state)
{
	static const char *const no_semver[] = {
		"", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0+", "v1.0.0", "1.0.0-01",
		"1.0.0-a..b", "1.0.x", "1.0.0-\xc3\xa4", " 1.0.0", NULL};
	static const char *const no_debian[] = {"",    "a",   "1:",  ":1", "x:1", "1.0-",
						"1 0", "1.0_1", "-1", NULL};
	char longer[VERSION_TEXT_MAX + 2];
	int d;

	(void)state;
	for (size_t i = 0; no_semver[i]; i++)
		if (version_compare(ORDER_SEMVER, text(no_semver[i]), text("1.0.0"), &d) == 0)
			fail_msg("\"%s\"", no_semver[i]);
	for (size_t i = 0; no_debian[i]; i++)
		if (version_compare(ORDER_DEBIAN, text("1"), text(no_debian[i]), &d) == ASSAY_OK)
			fail_msg("\"%s\"", no_debian[i]);
	memset(longer, '1', sizeof longer);
	assert_false(version_valid(ORDER_DEBIAN, SPAN(longer, VERSION_TEXT_MAX + 1)));
	assert_true(version_valid(ORDER_DEBIAN, SPAN(longer, VERSION_TEXT_MAX)));
	assert_false(version_valid(ORDER_NONE, text("1.0.0")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(semver_orders_as_its_clause_11),
		cmocka_unit_test(debian_orders_as_dpkg),
		cmocka_unit_test(what_is_no_version_has_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
