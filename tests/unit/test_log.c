/* The log: one event is one line, whatever the values hold. */
#include "tests/support/unit.h"

#include "verifier/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

static char got[8192];
static int saved, pipe_fd[2];

static void
start(bool json, enum log_level most)
{
	assert_int_equal(pipe(pipe_fd), 0);
	saved = dup(STDERR_FILENO);
	assert_true(dup2(pipe_fd[1], STDERR_FILENO) >= 0);
	log_init("keeper", json, most);
}

/* What was logged since start(). */
static const char *
stop(void)
{
	ssize_t n;

	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(pipe_fd[1]);
	n = read(pipe_fd[0], got, sizeof got - 1);
	close(pipe_fd[0]);
	assert_true(n >= 0);
	got[n] = '\0';
	return got;
}

static size_t
lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void
a_value_from_outside_cannot_make_a_second_line_or_key(void **state)
{
	const char *line;

	(void)state;
	start(false, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_WARN, "x", "name", "a\nlevel=error", "b", "q\"=", NULL);
	line = stop();
	assert_int_equal(lines(line), 1);
	assert_non_null(strstr(line, " level=warn role=keeper event=x name=\"a\\u000alevel=error\""
				     " b=\"q\\\"=\"\n"));
}

static void
json_lines_are_json_whatever_they_hold(void **state)
{
	char all[256];
	json_t *j;

	(void)state;
	for (size_t i = 0; i < sizeof all - 1; i++)
		all[i] = (char)(i + 1);
	all[sizeof all - 1] = '\0';
	start(true, LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_INFO, "x", "all", all, NULL);
	j = json_loads(stop(), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "event")), "x");
	json_decref(j);
}

static void
a_line_over_the_limit_is_cut_and_still_one_line_of_json(void **state)
{
	static char big[6000];
	json_t *j;

	(void)state;
	for (size_t fill = 1900; fill < 2100; fill++) {
		memset(big, '"', fill);
		big[fill] = '\0';
		start(true, LOG_LEVEL_INFO);
		log_event(LOG_LEVEL_INFO, "x", "a", big + fill / 2, "b", big, "c", "d", NULL);
		j = json_loads(stop(), 0, NULL);
		assert_non_null(j);
		assert_int_equal(lines(got), 1);
		json_decref(j);
	}
}

static void
events_below_the_level_are_not_written(void **state)
{
	(void)state;
	start(false, LOG_LEVEL_WARN);
	log_event(LOG_LEVEL_INFO, "quiet", NULL);
	log_event(LOG_LEVEL_ERROR, "loud", "n", log_u64(UINT64_MAX), "t",
		  log_text(SPAN("a\x01", 2)), NULL);
	assert_null(strstr(stop(), "quiet"));
	assert_non_null(strstr(got, "event=loud n=18446744073709551615 t=\"a\\\\x01\"\n"));
}

static void
outside_text_is_capped(void **state)
{
	static char big[1000];

	(void)state;
	memset(big, 'x', sizeof big);
	assert_true(strlen(log_text(SPAN(big, sizeof big))) <= 123);
}

static void
a_flood_is_one_line_a_second_that_counts_the_others(void **state)
{
	struct log_limit l = {0};

	(void)state;
	assert_true(log_due(&l, 100));
	assert_string_equal(log_unsaid(&l), "0");
	for (unsigned i = 0; i < 1000; i++)
		assert_false(log_due(&l, 100));
	assert_true(log_due(&l, 101));
	assert_string_equal(log_unsaid(&l), "1000");
	assert_true(log_due(&l, 50)); /* the clock was set back */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_from_outside_cannot_make_a_second_line_or_key),
		cmocka_unit_test(json_lines_are_json_whatever_they_hold),
		cmocka_unit_test(a_line_over_the_limit_is_cut_and_still_one_line_of_json),
		cmocka_unit_test(events_below_the_level_are_not_written),
		cmocka_unit_test(outside_text_is_capped),
		cmocka_unit_test(a_flood_is_one_line_a_second_that_counts_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
