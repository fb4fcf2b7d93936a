/* HTTP requests of operators to operations: the table, the fields, the problems. */
#include "tests/support/unit.h"

#include "verifier/operator/problem.h"
#include "verifier/operator/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(text) SPAN(text, strlen(text))

static struct operator_request r;

static enum assay_err
start(enum http_method m, const char *path)
{
	return request_start(&r, m, S(path));
}

static void
every_operation_has_one_route_and_every_route_its_fields(void **state)
{
	unsigned seen[OP_COUNT] = {0};
	const struct route *table;
	size_t n;

	(void)state;
	table = route_table(&n);
	for (size_t i = 0; i < n; i++) {
		bool post = table[i].method == METHOD_POST;

		seen[table[i].op]++;
		assert_int_equal(post, table[i].body_max > 0);
		/* Prometheus asks where it always asks */
		assert_int_equal(strncmp(table[i].pattern, "/v1/", 4) == 0,
				 table[i].op != OP_METRICS);
		/* what only asks is a GET, what changes something is not */
		assert_int_equal(post, !operation_permitted(table[i].op, ROLE_VIEWER) &&
					       table[i].op != OP_TOKEN_LIST &&
					       table[i].op != OP_OPERATOR_LIST);
	}
	for (unsigned c = OP_NONE + 1; c < OP_COUNT; c++)
		assert_int_equal(seen[c], c != OP_DECISION_STREAM); /* a WebSocket */
}

/* docs/operator.md: "| `METHOD PATTERN` | fields | operation |". */
static void
the_manual_has_every_route_with_its_fields(void **state)
{
	struct span doc = unit_file("docs/operator.md");
	char *text = calloc(1, doc.n + 1), row[160];
	const struct route *table;
	size_t n;

	(void)state;
	assert_non_null(text);
	memcpy(text, doc.p, doc.n);
	table = route_table(&n);
	for (size_t i = 0; i < n; i++) {
		const char *at, *end, *field;

		snprintf(row, sizeof row, "| `%s %s` |",
			 table[i].method == METHOD_GET ? "GET" : "POST", table[i].pattern);
		at = strstr(text, row);
		if (!at)
			fail_msg("docs/operator.md: no row %s", row);
		end = strchr(at, '\n');
		snprintf(row, sizeof row, " | %s |\n", operation_name(table[i].op));
		if (!end || strncmp(end + 1 - strlen(row), row, strlen(row)) != 0)
			fail_msg("docs/operator.md: %.60s: not%s", at, row);
		for (unsigned f = F_NONE + 1; f < F_COUNT; f++) {
			field = strstr(at, operation_field_name(f));
			if (table[i].fields & UINT64_C(1) << f && (!field || field > end))
				fail_msg("docs/operator.md: %.60s: no field %s", at,
					 operation_field_name(f));
		}
	}
	free(text);
	unit_free(doc);
}

static void
a_route_takes_its_fields_from_the_path(void **state)
{
	(void)state;
	assert_int_equal(start(METHOD_POST, "/v1/devices/gw-1/hold"), ASSAY_OK);
	assert_int_equal(r.op.code, OP_DEVICE_HOLD);
	assert_true(span_equal(r.op.field[F_DEVICE], S("gw-1")));
	assert_int_equal(start(METHOD_GET, "/v1/devices/a/evidence/boot-log"), ASSAY_OK);
	assert_true(span_equal(r.op.field[F_SCOPE], S("boot-log")));
}

static void
near_misses_of_a_path_are_no_path(void **state)
{
	static const char *const none[] = {
		"", "/", "/v1", "/v1/", "/v1/status/", "/v1//status", "v1/status", "/V1/status",
		"/v1/devices//hold", "/v1/devices/a/hold/", "/v1/devices/a/b", "/v1/statuss",
		"/v1/devices/a/holdx", "/v1/{device}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		if (start(METHOD_GET, none[i]) != ASSAY_NOT_FOUND ||
		    start(METHOD_POST, none[i]) != ASSAY_NOT_FOUND)
			fail_msg("%s is a path", none[i]);
	assert_int_equal(start(METHOD_GET, "/v1/devices/a/hold"), ASSAY_STATE);
	assert_int_equal(start(METHOD_NONE, "/v1/status"), ASSAY_STATE);
}

static void
a_path_over_its_limit_is_refused(void **state)
{
	char path[REQUEST_PATH_MAX + 1];

	(void)state;
	memset(path, 'a', sizeof path);
	memcpy(path, "/v1/devices/", 12);
	assert_int_equal(request_start(&r, METHOD_GET, SPAN(path, REQUEST_PATH_MAX)),
			 ASSAY_TOO_LARGE);
	assert_int_equal(request_start(&r, METHOD_GET, SPAN(path, REQUEST_PATH_MAX - 1)), ASSAY_OK);
}

static void
a_field_of_the_path_cannot_be_given_again(void **state)
{
	(void)state;
	assert_int_equal(start(METHOD_GET, "/v1/devices/a"), ASSAY_OK);
	assert_int_equal(request_query(&r, S("device=b")), ASSAY_MALFORMED);
	assert_int_equal(start(METHOD_POST, "/v1/devices/a/set"), ASSAY_OK);
	assert_int_equal(request_body(&r, S("{\"device\":\"b\"}")), ASSAY_MALFORMED);
	request_free(&r);
}

static void
queries_together_are_bounded(void **state)
{
	static char pair[OPERATION_TEXT_MAX + 16];
	enum assay_err e = ASSAY_OK;

	(void)state;
	memset(pair, 'a', sizeof pair);
	memcpy(pair, "class=", 6);
	assert_int_equal(start(METHOD_GET, "/v1/devices"), ASSAY_OK);
	e = request_query(&r, SPAN(pair, 6 + OPERATION_TEXT_MAX + 1));
	assert_int_equal(e, ASSAY_TOO_LARGE);
	assert_int_equal(start(METHOD_GET, "/v1/devices"), ASSAY_OK);
	assert_int_equal(request_query(&r, SPAN(pair, 6 + OPERATION_TEXT_MAX)), ASSAY_OK);
}

static void
numbers_in_a_body_become_their_digits(void **state)
{
	(void)state;
	assert_int_equal(start(METHOD_POST, "/v1/tokens"), ASSAY_OK);
	assert_int_equal(request_body(&r, S("{\"uses\":9007199254740993,\"class\":\"c\"}")),
			 ASSAY_OK);
	assert_true(span_equal(r.op.field[F_USES], S("9007199254740993")));
	request_free(&r);
}

static void
brackets_inside_of_text_are_text(void **state)
{
	(void)state;
	assert_int_equal(start(METHOD_POST, "/v1/devices/a/hold"), ASSAY_OK);
	assert_int_equal(request_body(&r, S("{\"reason\":\"[{\\\"[{\"}")), ASSAY_OK);
	assert_true(span_equal(r.op.field[F_REASON], S("[{\"[{")));
	request_free(&r);
}

static void
mutant(struct span m, const char *what, void *arg)
{
	(void)what;
	(void)arg;
	assert_int_equal(start(METHOD_POST, "/v1/tokens"), ASSAY_OK);
	if (request_body(&r, m) == ASSAY_OK) {
		for (unsigned f = 1; f < F_COUNT; f++)
			assert_true(r.op.field[f].n == 0 || r.route->fields & UINT64_C(1) << f);
	} else {
		assert_true(r.message[0] != '\0');
		assert_null(strchr(r.message, '\n'));
	}
	request_free(&r);
}

static void
every_mutant_of_a_body_gives_permitted_fields_or_a_message(void **state)
{
	(void)state;
	unit_mutate(S("{\"class\":\"gateway\",\"uses\":3,\"labels\":\"a=b\"}"), 0, mutant, NULL);
}

static void
each_error_has_the_status_that_says_whose_fault_it_is(void **state)
{
	(void)state;
	assert_int_equal(problem_status(ASSAY_MISSING), 401);
	assert_int_equal(problem_status(ASSAY_DENIED), 403);
	assert_int_equal(problem_status(ASSAY_NOT_FOUND), 404);
	assert_int_equal(problem_status(ASSAY_MISMATCH), 409);
	assert_int_equal(problem_status(ASSAY_INTERNAL), 500);
	assert_int_equal(problem_status(ASSAY_IO), 500);
	assert_int_equal(problem_status(ASSAY_TAMPERED), 500);
	assert_int_equal(problem_status(ASSAY_BUSY), 503);
	for (unsigned e = 1; e < ASSAY_ERR_COUNT; e++) {
		assert_true(problem_status(e) >= 400);
		assert_string_not_equal(problem_title(problem_status(e)), "Error");
	}
}

static void
a_problem_is_json_whatever_its_detail_holds(void **state)
{
	char doc[PROBLEM_MAX], detail[2000];
	json_t *j;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof detail - 1; i++)
		detail[i] = (char)(i % 255 + 1);
	detail[sizeof detail - 1] = '\0';
	n = problem_document(400, ASSAY_MALFORMED, detail, doc);
	assert_true(n > 0);
	j = json_loadb(doc, n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	json_decref(j);
	n = problem_document(404, ASSAY_NOT_FOUND, NULL, doc);
	j = json_loadb(doc, n, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(j, "detail")), "no such object");
	json_decref(j);
	problem_message(S("no json"), detail, sizeof detail);
	assert_string_equal(detail, "");
	problem_message(S("{\"error\":\"x\",\"message\":\"why\"}"), detail, sizeof detail);
	assert_string_equal(detail, "why");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_has_one_route_and_every_route_its_fields),
		cmocka_unit_test(the_manual_has_every_route_with_its_fields),
		cmocka_unit_test(a_route_takes_its_fields_from_the_path),
		cmocka_unit_test(near_misses_of_a_path_are_no_path),
		cmocka_unit_test(a_path_over_its_limit_is_refused),
		cmocka_unit_test(a_field_of_the_path_cannot_be_given_again),
		cmocka_unit_test(queries_together_are_bounded),
		cmocka_unit_test(numbers_in_a_body_become_their_digits),
		cmocka_unit_test(brackets_inside_of_text_are_text),
		cmocka_unit_test(every_mutant_of_a_body_gives_permitted_fields_or_a_message),
		cmocka_unit_test(each_error_has_the_status_that_says_whose_fault_it_is),
		cmocka_unit_test(a_problem_is_json_whatever_its_detail_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
