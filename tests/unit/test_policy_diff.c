/* test_policy_diff.c: two policies compared in words; labels of rings and sets. */
#include "tests/support/unit.h"

#include "verifier/compiler/policy_diff.h"
#include "verifier/labels.h"

#include <stdio.h>
#include <string.h>

static char said[8192];
static struct yaml_errors errs;

static void
say(void *arg, const struct policy_difference *d)
{
	size_t n = strlen(said);

	(void)arg;
	snprintf(said + n, sizeof said - n, "%s|%s|%s|%s|%d\n", d->where, d->key ? d->key : "-",
		 d->before, d->after, d->milder);
}

static bool
diff(const char *a, const char *b)
{
	said[0] = '\0';
	yaml_errors_init(&errs, "policy");
	return policy_diff(SPAN(a, strlen(a)), SPAN(b, strlen(b)), say, NULL, &errs);
}

static const char one[] = "policy: p\n"
			  "version: 1\n"
			  "ask: {banks: [sha256], pcrs: [0-7]}\n"
			  "rules:\n"
			  "  - id: a\n"
			  "    fact: agent\n"
			  "    on_fail: restrict\n"
			  "  - {id: b, fact: boot.log, op: present}\n";

static void
the_same_policy_has_no_difference_however_it_is_written(void **state)
{
	static const char other[] = "# another layout\n"
				    "rules:\n"
				    "  - {op: present, fact: boot.log, id: b}\n"
				    "  - {id: a, on_fail: restrict, fact: agent}\n"
				    "ask:\n"
				    "  pcrs: [ 0-7 ]\n"
				    "  banks: [sha256]\n"
				    "version: 1\n"
				    "policy: p\n";

	(void)state;
	assert_true(diff(one, one));
	assert_string_equal(said, "");
	assert_true(diff(one, other));
	assert_string_equal(said, "");
}

static void
a_changed_key_is_told_with_its_rule_and_whether_it_is_milder(void **state)
{
	static const char milder[] = "policy: p\nversion: 2\n"
				     "ask: {banks: [sha256], pcrs: [0-7, 9]}\n"
				     "rules:\n"
				     "  - {id: a, fact: agent, on_fail: report}\n"
				     "  - {id: b, fact: boot.log, op: present}\n";

	(void)state;
	assert_true(diff(one, milder));
	assert_string_equal(said, "|version|1|2|0\n"
				  "ask|pcrs|0-7|0-7, 9|0\n"
				  "rule a|on_fail|restrict|report|1\n");
	assert_true(diff(milder, one));
	assert_non_null(strstr(said, "rule a|on_fail|report|restrict|-1\n"));
}

static void
a_rule_that_came_or_went_is_told_as_a_whole(void **state)
{
	static const char without[] = "policy: p\nversion: 1\n"
				      "ask: {banks: [sha256], pcrs: [0-7]}\n"
				      "mode: monitor\n"
				      "rules:\n"
				      "  - {id: b, fact: boot.log, op: present}\n";

	(void)state;
	assert_true(diff(one, without));
	assert_string_equal(said, "|mode||monitor|0\n"
				  "rule a|-|fact agent, on_fail restrict||0\n");
	assert_true(diff(without, one));
	assert_string_equal(said, "rule a|-||fact agent, on_fail restrict|0\n"
				  "|mode|monitor||0\n");
}

static void
what_is_no_policy_is_refused_with_its_place(void **state)
{
	(void)state;
	assert_false(diff(one, "policy: [\n"));
	assert_int_not_equal(errs.count, 0);
	assert_false(diff("a: 1\na: 2\n", one));
}

static void
labels_are_compared_whole(void **state)
{
	(void)state;
	assert_true(labels_all("", ""));
	assert_true(labels_all("", "a=1"));
	assert_true(labels_all("a=1 b=2", "b=2 c=3 a=1"));
	assert_false(labels_all("a=1 b=2", "a=1"));
	assert_false(labels_all("a=1", "a=11"));
	assert_false(labels_all("a=11", "a=1"));
	assert_false(labels_any("", "a=1"));
	assert_true(labels_any("x=1 a=1", "a=1"));
	assert_false(labels_any("x=1 a=1", "a=2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_policy_has_no_difference_however_it_is_written),
		cmocka_unit_test(a_changed_key_is_told_with_its_rule_and_whether_it_is_milder),
		cmocka_unit_test(a_rule_that_came_or_went_is_told_as_a_whole),
		cmocka_unit_test(what_is_no_policy_is_refused_with_its_place),
		cmocka_unit_test(labels_are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
