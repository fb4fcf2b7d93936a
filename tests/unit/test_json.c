/* test_json.c: the strict JSON reader; attack I11 (duplicate keys, floats, trailing data). */
#include "tests/support/unit.h"

#include "evidence/json.h"
#include "evidence/writer.h"

#include <string.h>

#define NODES 64

static struct json_node node[NODES];
static uint32_t count;

static enum assay_err
read_text(const char *s)
{
	return json_read(SPAN(s, strlen(s)), node, NODES, &count);
}

static void
takes_what_rfc_8259_has(void **state)
{
	static const char *const good[] = {
		"{}", "[]", "0", "-1", "\"\"", "true", " null ", "[1,2,[3]]", "{\"a\":{\"b\":[]}}",
		"[{},{}]", "\"\\u00e9\\n\\\"\\/\"", "\"\\ud83d\\ude00\"", "\"\xc3\xa9\"", "1.5e+3",
		"{\"a\":1,\"b\":2}", "[[[[[[[[]]]]]]]]", "[ ]", "{ }", "-0", "0.0", "[[],[]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (read_text(good[i]) != ASSAY_OK)
			fail_msg("refused: %s", good[i]);
}

static void
refuses_what_it_has_not(void **state)
{
	static const char *const bad[] = {
		"", " ", "{", "}", "[", "]", "{]", "[}", "[1,]", "[,1]", "[,]", "{,}", "{\"a\"}",
		"{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "-", "+1", ".5", "1.", "1e",
		"0x1", "NaN", "nul", "tru", "True", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\x01\"", "\"\x80\"",
		"\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xe9\"", "[1 2]",
		"{\"a\" 1}", "[\"a\":1]", "{\"a\":1 \"b\":2}", "\xef\xbb\xbf{}", "[[]", "{1:2}",
		"[1][", "\"a\nb\"", "{\"a\":1]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (read_text(bad[i]) == ASSAY_OK)
			fail_msg("taken: %s", bad[i]);
}

static void
i11_trailing_data_are_refused(void **state)
{
	static const char nul[] = "{}\0";

	(void)state;
	assert_int_equal(read_text("{}x"), ASSAY_TRAILING);
	assert_int_equal(read_text("{}{}"), ASSAY_TRAILING);
	assert_int_equal(read_text("1,"), ASSAY_TRAILING);
	assert_int_equal(json_read(SPAN(nul, 3), node, NODES, &count), ASSAY_TRAILING);
}

static void
i11_a_member_twice_is_refused_however_it_is_written(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"a\":1,\"a\":1}"), ASSAY_DUPLICATE);
	assert_int_equal(read_text("{\"a\":1,\"b\":{},\"\\u0061\":2}"), ASSAY_DUPLICATE);
	assert_int_equal(read_text("{\"x\":{\"a\":1,\"a\":2}}"), ASSAY_DUPLICATE);
	assert_int_equal(read_text("[{\"a\":1},{\"a\":1}]"), ASSAY_OK);
	assert_int_equal(read_text("{\"a\":{\"a\":1}}"), ASSAY_OK);
}

static void
i11_an_integer_is_one_as_it_is_written(void **state)
{
	int64_t v = 0;

	(void)state;
	assert_int_equal(read_text("[17,17.0,1.7e1,9223372036854775807,9223372036854775808]"),
			 ASSAY_OK);
	assert_int_equal(json_integer_of(node, 1, &v), ASSAY_OK);
	assert_int_equal(v, 17);
	assert_int_equal(json_integer_of(node, 2, &v), ASSAY_MALFORMED);
	assert_int_equal(json_integer_of(node, 3, &v), ASSAY_MALFORMED);
	assert_int_equal(json_integer_of(node, 4, &v), ASSAY_OK);
	assert_true(v == INT64_MAX);
	assert_int_equal(json_integer_of(node, 5, &v), ASSAY_TOO_LARGE);
}

static void
depth_and_number_of_nodes_are_bounded(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 3], wide[4 * NODES];

	(void)state;
	memset(deep, 0, sizeof deep);
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_int_equal(read_text(deep), ASSAY_OK);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_int_equal(read_text(deep), ASSAY_TOO_LARGE);
	memset(wide, 0, sizeof wide);
	wide[0] = '[';
	for (size_t i = 0; i < NODES; i++)
		memcpy(wide + 1 + 2 * i, "1,", 2);
	wide[2 * NODES] = ']';
	assert_int_equal(read_text(wide), ASSAY_TOO_MANY);
}

static void
members_and_elements_are_found(void **state)
{
	char text[16];
	uint32_t a;

	(void)state;
	assert_int_equal(read_text("{\"x\":[1,[2],{}],\"\\u0079\":\"\\u00e9z\",\"z\":null}"),
			 ASSAY_OK);
	a = json_member(node, 0, "x");
	assert_int_equal(node[a].type, JSON_ARRAY_T);
	a = json_first(node, a);
	assert_int_equal(node[a].type, JSON_INTEGER_T);
	a = json_after(node, a);
	assert_int_equal(node[a].type, JSON_ARRAY_T);
	a = json_after(node, a);
	assert_int_equal(node[a].type, JSON_OBJECT_T);
	assert_int_equal(json_first(node, a), 0);
	assert_int_equal(json_after(node, a), 0);
	assert_int_equal(json_string_of(node, json_member(node, 0, "y"), text, sizeof text),
			 ASSAY_OK);
	assert_string_equal(text, "\xc3\xa9z");
	assert_int_equal(json_string_of(node, json_member(node, 0, "y"), text, 3), ASSAY_FULL);
	assert_int_equal(json_member(node, 0, "none"), 0);
	assert_int_equal(json_member(node, json_member(node, 0, "x"), "x"), 0);
	assert_int_equal(read_text("\"a\\u0000b\""), ASSAY_OK);
	assert_int_equal(json_string_of(node, 0, text, sizeof text), ASSAY_MALFORMED);
}

static void
what_is_written_reads_the_same(void **state)
{
	char out[128], text[32];
	struct writer w;

	(void)state;
	wr_init(&w, out, sizeof out);
	json_put_string(&w, "a\"\\\x01\x7f~");
	assert_int_equal(json_read(wr_span(&w), node, NODES, &count), ASSAY_OK);
	assert_int_equal(json_string_of(node, 0, text, sizeof text), ASSAY_OK);
	assert_string_equal(text, "a\"\\\x01\x7f~");
	wr_init(&w, out, sizeof out);
	json_put_integer(&w, INT64_MIN);
	assert_memory_equal(out, "-9223372036854775808", 20);
	wr_init(&w, out, sizeof out);
	json_put_integer(&w, 0);
	assert_int_equal(w.len, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_rfc_8259_has),
		cmocka_unit_test(refuses_what_it_has_not),
		cmocka_unit_test(i11_trailing_data_are_refused),
		cmocka_unit_test(i11_a_member_twice_is_refused_however_it_is_written),
		cmocka_unit_test(i11_an_integer_is_one_as_it_is_written),
		cmocka_unit_test(depth_and_number_of_nodes_are_bounded),
		cmocka_unit_test(members_and_elements_are_found),
		cmocka_unit_test(what_is_written_reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
