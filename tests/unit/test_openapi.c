/* docs/openapi.json against the table of routes: neither has a path, a method or a field
 * that the other lacks, nor another limit or role. tests/integration/api.sh asks the server. */
#include "tests/support/unit.h"

#include "verifier/net_feed.h"
#include "verifier/operator/problem.h"
#include "verifier/operator/route.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *doc;

static int
load(void **state)
{
	(void)state;
	doc = json_load_file("docs/openapi.json", JSON_REJECT_DUPLICATES, NULL);
	return doc ? 0 : -1;
}

static int
unload(void **state)
{
	(void)state;
	json_decref(doc);
	return 0;
}

static const char *
method_name(enum http_method m)
{
	return m == METHOD_GET ? "get" : "post";
}

static json_t *
entry_of(const struct route *r)
{
	json_t *path = json_object_get(json_object_get(doc, "paths"), r->pattern);

	return json_object_get(path, method_name(r->method));
}

/* These are no operations of the table: net_feed.h. */
static bool
is_feed(const char *path)
{
	return strcmp(path, FEED_PATH) == 0 || strcmp(path, FEED_KEYS_PATH) == 0;
}

static json_t *
content_of(json_t *entry, const char *type)
{
	json_t *body = json_object_get(entry, "requestBody");

	return json_object_get(json_object_get(body, "content"), type);
}

static uint64_t
bit_of(const char *name)
{
	enum operation_field f = operation_field_by_name(name);

	if (f == F_NONE)
		fail_msg("%s is no field", name);
	return UINT64_C(1) << f;
}

/* The fields that the document gives an operation, by where they stand. */
static uint64_t
parameters(json_t *entry, const char *in)
{
	uint64_t bits = 0;
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(entry, "parameters"), i, p) {
		const char *where = json_string_value(json_object_get(p, "in"));

		if (where && strcmp(where, in) == 0)
			bits |= bit_of(json_string_value(json_object_get(p, "name")));
	}
	return bits;
}

static uint64_t
body_fields(json_t *entry)
{
	json_t *schema = json_object_get(content_of(entry, "application/json"), "schema");
	uint64_t bits = 0;
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(schema, "properties"), name, value)
		bits |= bit_of(name);
	return bits;
}

static uint64_t
pattern_fields(const char *pattern)
{
	uint64_t bits = 0;

	for (const char *p = strchr(pattern, '{'); p; p = strchr(p + 1, '{')) {
		char name[16] = "";

		snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, "}"), p + 1);
		bits |= bit_of(name);
	}
	return bits;
}

static void
every_route_is_documented_with_its_fields(void **state)
{
	const struct route *table;
	size_t n;

	(void)state;
	table = route_table(&n);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		bool get = table[i].method == METHOD_GET;
		json_t *entry = entry_of(&table[i]);

		if (!entry)
			fail_msg("%s %s is not documented", method_name(table[i].method),
				 table[i].pattern);
		if (parameters(entry, "path") != pattern_fields(table[i].pattern) ||
		    parameters(entry, "query") != (get ? table[i].fields : 0) ||
		    body_fields(entry) != (get ? 0 : table[i].fields))
			fail_msg("%s %s: other fields", method_name(table[i].method),
				 table[i].pattern);
	}
}

static void
every_route_has_its_operation_role_and_limit(void **state)
{
	const struct route *table;
	size_t n;

	(void)state;
	table = route_table(&n);
	for (size_t i = 0; i < n; i++) {
		json_t *entry = entry_of(&table[i]), *body = json_object_get(entry, "requestBody");
		const char *type = route_is_raw(&table[i]) ? "application/octet-stream"
							   : "application/json";

		assert_non_null(entry);
		assert_string_equal(json_string_value(json_object_get(entry, "operationId")),
				    operation_name(table[i].op));
		assert_string_equal(json_string_value(json_object_get(entry, "x-role")),
				    operator_role_name(operation_lowest_role(table[i].op)));
		assert_int_equal(json_integer_value(json_object_get(body, "x-max-bytes")),
				 table[i].body_max);
		assert_int_equal(body != NULL, table[i].method == METHOD_POST);
		assert_int_equal(content_of(entry, type) != NULL, body != NULL);
	}
}

static void
orders_count_as_changes_and_questions_do_not(void **state)
{
	const struct route *table;
	size_t n;

	(void)state;
	table = route_table(&n);
	for (size_t i = 0; i < n; i++) {
		bool order = table[i].method == METHOD_POST && table[i].op != OP_UPLOAD_APPEND;

		if ((operation_rate(table[i].op) == RATE_CHANGES) != order)
			fail_msg("%s counts as %s", operation_name(table[i].op),
				 operation_rate_name(operation_rate(table[i].op)));
	}
	assert_int_equal(operation_rate(OP_ADMISSION), RATE_ADMISSIONS);
	assert_int_equal(operation_rate(OP_METRICS), RATE_READS);
	assert_int_equal(operation_rate(OP_COUNT), RATE_CHANGES);
}

static bool
is_route(const char *path, const char *method)
{
	const struct route *table;
	size_t n;

	table = route_table(&n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].pattern, path) == 0 &&
		    strcmp(method_name(table[i].method), method) == 0)
			return true;
	return false;
}

static void
nothing_is_documented_that_is_no_route(void **state)
{
	const char *path, *method;
	json_t *entry, *one;

	(void)state;
	json_object_foreach(json_object_get(doc, "paths"), path, entry)
		json_object_foreach(entry, method, one)
			if (!is_feed(path) && !is_route(path, method))
				fail_msg("%s %s is documented and no route", method, path);
	assert_non_null(json_object_get(json_object_get(doc, "paths"), FEED_PATH));
	assert_non_null(json_object_get(json_object_get(doc, "paths"), FEED_KEYS_PATH));
}

static void
answers_are_those_that_the_server_has(void **state)
{
	const char *path, *method, *status;
	json_t *entry, *one, *answer;

	(void)state;
	json_object_foreach(json_object_get(doc, "paths"), path, entry)
	json_object_foreach(entry, method, one) {
		json_t *answers = json_object_get(one, "responses");
		const char *role = json_string_value(json_object_get(one, "x-role"));

		assert_int_equal(json_object_get(answers, "401") != NULL, role != NULL);
		assert_int_equal(json_object_get(answers, "429") != NULL, role != NULL);
		/* whoever has a token at all may what a relying party may */
		assert_int_equal(json_object_get(answers, "403") != NULL,
				 role && strcmp(role, "relying-party") != 0);
		json_object_foreach(answers, status, answer)
			if (status[0] >= '4' && strcmp(problem_title((unsigned)atoi(status)),
						       "Error") == 0)
				fail_msg("%s %s: there is no answer %s", method, path, status);
	}
}

/* No reference leads nowhere. */
static void
check_references(json_t *j)
{
	const char *name, *ref;
	json_t *value, *at = doc;
	char path[200], *part;
	size_t i;

	json_array_foreach(j, i, value)
		check_references(value);
	json_object_foreach(j, name, value)
		check_references(value);
	ref = json_string_value(json_object_get(j, "$ref"));
	if (!ref)
		return;
	snprintf(path, sizeof path, "%s", ref);
	for (part = strtok(path, "/"); part; part = strtok(NULL, "/"))
		at = strcmp(part, "#") == 0 ? doc : json_object_get(at, part);
	if (!at)
		fail_msg("there is no %s", ref);
}

static void
references_within_the_document_lead_somewhere(void **state)
{
	(void)state;
	assert_string_equal(json_string_value(json_object_get(doc, "openapi")), "3.1.0");
	check_references(doc);
}

/* A text that the document permits is never one that the request's form forbids. */
static void
limits_of_fields_are_within_those_of_requests(void **state)
{
	const char *path, *method, *name;
	json_t *entry, *one, *schema;

	(void)state;
	json_object_foreach(json_object_get(doc, "paths"), path, entry)
	json_object_foreach(entry, method, one) {
		json_t *body = json_object_get(content_of(one, "application/json"), "schema");

		json_object_foreach(json_object_get(body, "properties"), name, schema) {
			const char *type = json_string_value(json_object_get(schema, "type"));
			json_int_t max = json_integer_value(json_object_get(schema, "maxLength"));

			assert_non_null(type);
			if (strcmp(type, "string") != 0 || json_object_get(schema, "enum"))
				continue;
			if (strcmp(name, "file") == 0)
				assert_int_equal(max, OPERATION_FILE_MAX);
			else
				assert_in_range(max, 1, OPERATION_TEXT_MAX);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_documented_with_its_fields),
		cmocka_unit_test(every_route_has_its_operation_role_and_limit),
		cmocka_unit_test(orders_count_as_changes_and_questions_do_not),
		cmocka_unit_test(nothing_is_documented_that_is_no_route),
		cmocka_unit_test(answers_are_those_that_the_server_has),
		cmocka_unit_test(references_within_the_document_lead_somewhere),
		cmocka_unit_test(limits_of_fields_are_within_those_of_requests),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
