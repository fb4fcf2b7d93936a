/* What `assay` makes of words, options and answers: tables, times, text from outside. */
#include "tests/support/imamade.h"
#include "tests/support/unit.h"

#include "evidence/hex.h"
#include "verifier/cli/client.h"
#include "verifier/cli/device_ima.h"
#include "verifier/cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_command command = {"group", "name", "WORD", "summary", "", NULL};

static int
show(const struct client *c, const json_t *answer)
{
	(void)c;
	(void)answer;
	return CLI_YES;
}

static const struct client_spec spec = {
	.command = &command,
	.path = "/v1/{0}",
	.args = {"WORD"},
	.options = {{"reason", "reason", CLIENT_TEXT, false},
		    {"check", "", CLIENT_FLAG, false},
		    {"must", "must", CLIENT_TEXT, true}},
	.show = show,
};

/* Standard error is not of interest here, nor may it mix with the test's. */
static int
parse(struct client *c, const struct client_spec *s, char **argv)
{
	struct client_words words = {0, argv};
	FILE *saved = stderr;
	int status;
	bool ok;

	while (argv[words.argc])
		words.argc++;
	stderr = fopen("/dev/null", "w");
	assert_non_null(stderr);
	ok = client_parse(c, s, words, &status);
	fclose(stderr);
	stderr = saved;
	assert_int_equal(ok, status == CLI_YES);
	return status;
}

#define ARGV(...) ((char *[]){(char *)(uintptr_t)"name", __VA_ARGS__, NULL})
#define W(text) ((char *)(uintptr_t)(text))

static void
words_and_options_may_mix_and_values_may_follow_an_equals_sign(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(parse(&c, &spec, ARGV(W("--reason=a=b"), W("w"), W("--must"), W("m"),
					       W("--check"), W("--json"))), CLI_YES);
	assert_string_equal(c.args[0], "w");
	assert_string_equal(client_option(&c, "reason"), "a=b");
	assert_string_equal(client_option(&c, "must"), "m");
	assert_non_null(client_option(&c, "check"));
	assert_true(c.json);
	assert_null(client_option(&c, "nothing"));
	assert_int_equal(parse(&c, &spec, ARGV(W("--must=m"), W("--"), W("--w"))), CLI_YES);
	assert_string_equal(c.args[0], "--w");
}

static void
mistakes_in_words_are_usage_errors(void **state)
{
	struct client c;

	(void)state;
	assert_int_equal(parse(&c, &spec, ARGV(W("w"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("--must=m"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("x"), W("--must=m"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must="))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--mus=m"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"), W("--check=1"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"), W("-j"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W(""), W("--must=m"))), CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"), W("--must=n"))), CLI_USAGE);
}

static void
no_word_leads_to_another_path(void **state)
{
	static const char *const words[] = {"a/b",   "..",  ".",       "a?b",     "a#b",
					    "a%2Fb", "a b", "\x1b[1m", "\xc3\xa4"};
	struct client c;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		assert_int_equal(parse(&c, &spec, ARGV(W(words[i]), W("--must=m"))), CLI_BAD_INPUT);
}

static void
where_the_verifier_is_follows_one_order(void **state)
{
	struct client c;

	(void)state;
	unsetenv("ASSAY_STATE");
	unsetenv("ASSAY_SERVER");
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"))), CLI_YES);
	assert_string_equal(c.socket, "/var/lib/assay/run/console.sock");
	setenv("ASSAY_STATE", "/env", 1);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"))), CLI_YES);
	assert_string_equal(c.socket, "/env/run/console.sock");
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"), W("--state"), W("/arg"))),
			 CLI_YES);
	assert_string_equal(c.socket, "/arg/run/console.sock");
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"), W("--socket"), W("/s"))),
			 CLI_YES);
	assert_string_equal(c.socket, "/s");
	unsetenv("ASSAY_STATE");
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"), W("--server=http://x"))),
			 CLI_USAGE);
	assert_int_equal(parse(&c, &spec, ARGV(W("w"), W("--must=m"), W("--server=https://x"))),
			 CLI_USAGE); /* no token */
}

static void
durations_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = {{"90", 90}, {"90s", 90}, {"30m", 1800}, {"24h", 86400}, {"7d", 604800},
		    {"2w", 1209600}, {"0", 0}};
	static const char *const bad[] = {"", "h", "1.5h", "-1h", "1hh", "1 h", "9999999999", "1y"};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(client_parse_duration(good[i].text, &v));
		assert_int_equal(v, good[i].seconds);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(client_parse_duration(bad[i], &v));
}

static void
lists_of_pcrs_become_masks(void **state)
{
	static const char *const bad[] = {"", ",", "1,", ",1", "24", "1-", "-1", "4-2", "1--2", "a",
					  "1 2", "001", "1-24"};
	uint32_t mask;

	(void)state;
	assert_true(client_parse_pcrs("0,2,4-7", &mask));
	assert_int_equal(mask, 0xF5);
	assert_true(client_parse_pcrs("23", &mask));
	assert_int_equal(mask, 1u << 23);
	assert_true(client_parse_pcrs("0-23", &mask));
	assert_int_equal(mask, 0xFFFFFF);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(client_parse_pcrs(bad[i], &mask));
}

/* M8: whatever a device or a verifier sends cannot speak to the terminal. */
static void
m8_text_from_outside_cannot_reach_the_terminal_raw(void **state)
{
	json_t *j = json_pack("{s:s, s:i}", "a", "x\x1b[2J\ny\xc3\xa4\\z", "n", 5);

	(void)state;
	assert_non_null(j);
	assert_string_equal(view_text(j, "a"), "x\\x1b[2J\\x0ay\\xc3\\xa4\\z");
	assert_null(view_text(j, "n"));
	assert_null(view_text(j, "absent"));
	json_decref(j);
}

static void
m8_long_text_is_cut_within_its_buffer(void **state)
{
	char *big = malloc(5001);
	json_t *j;

	(void)state;
	assert_non_null(big);
	memset(big, '\x01', 5000);
	big[5000] = '\0';
	j = json_pack("{s:s}", "a", big);
	assert_true(strlen(view_text(j, "a")) < 1100);
	json_decref(j);
	free(big);
}

static const char *
ago(int64_t at)
{
	static json_t *j;

	json_decref(j);
	j = json_pack("{s:I}", "t", (json_int_t)at);
	return view_ago(j, "t", 1000000);
}

static void
times_are_told_as_people_say_them(void **state)
{
	(void)state;
	assert_string_equal(ago(1000000), "0 s ago");
	assert_string_equal(ago(1000000 - 12), "12 s ago");
	assert_string_equal(ago(1000000 - 119), "119 s ago");
	assert_string_equal(ago(1000000 - 120), "2 min ago");
	assert_string_equal(ago(1000000 - 7200), "2 h ago");
	assert_string_equal(ago(1000000 - 3 * 86400), "3 d ago");
	assert_string_equal(ago(1000000 + 90), "in 90 s");
	assert_string_equal(ago(0), "-");
}

static void
a_table_is_aligned_and_as_wide_as_its_widest_cell(void **state)
{
	static const char *const heads[] = {"A", "LONGER", "C", NULL};
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct table t;

	(void)state;
	assert_non_null(f);
	table_init(&t, heads);
	table_cell(&t, "wide cell", "");
	table_cell(&t, NULL, "");
	table_cell(&t, "end", "");
	table_cell(&t, "b", "");
	table_cell(&t, "", "");
	table_cell(&t, "e", "");
	table_print(&t, f);
	fclose(f);
	assert_string_equal(text, "A          LONGER  C\n"
				  "wide cell  -       end\n"
				  "b          -       e\n");
	free(text);
}

static void
many_rows_keep_their_order(void **state)
{
	static const char *const heads[] = {"N", NULL};
	char *text = NULL, cell[16];
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct table t;

	(void)state;
	assert_non_null(f);
	table_init(&t, heads);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(cell, sizeof cell, "%u", i);
		table_cell(&t, cell, "");
	}
	table_print(&t, f);
	fclose(f);
	assert_int_equal(strncmp(text, "N\n0\n1\n2\n", 8), 0);
	assert_non_null(strstr(text, "\n998\n999\n"));
	free(text);
}

/* ---- entries of IMA lists ---- */

/* What is printed of an entry of which the verifier sends so many bytes. */
static void
first_seen(struct span entry, char ret[4096])
{
	static char hex[2 * IMAMADE_ROOM + 1];
	FILE *said = tmpfile();
	int saved = dup(STDOUT_FILENO);
	json_t *o;

	assert_true(said && saved >= 0);
	assert_int_equal(hex_encode(entry, hex, sizeof hex), ASSAY_OK);
	o = json_pack("{s:[{s:s, s:i, s:s}]}", "first", "class", "gateway", "at", 1, "entry", hex);
	assert_non_null(o);
	fflush(stdout);
	dup2(fileno(said), STDOUT_FILENO);
	device_ima_first(o, "New");
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	json_decref(o);
	rewind(said);
	ret[fread(ret, 1, 4095, said)] = '\0';
	fclose(said);
}

/* M5: whoever makes a signature long does not hide the file. */
static void
m5_an_entry_that_was_cut_is_shown_by_path_and_digest(void **state)
{
	static const char *const names[][2] = {{"ima-sig", "sha256:"},
					       {"ima-sigv2", "verity:sha256:"}};
	static uint8_t sig[9000];
	static struct imamade m;
	char said[4096];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const char *const *name = names[i % 2];
		const struct span f[] = {imamade_digest(name[1], 32, 0xab),
					 SPAN("/tmp/malware", 13), SPAN(sig, sizeof sig)};
		struct span list;

		imamade_begin(&m, i & 1 ? ALG_SHA256 : ALG_SHA1, i >= 2);
		imamade_entry(&m, name[0], imamade_data(&m, f, 3), false);
		list = imamade_list(&m);
		first_seen(SPAN(list.p, 5120), said);
		assert_non_null(strstr(said, "/tmp/malware"));
		assert_non_null(strstr(said, name[1]));
	}
	first_seen(SPAN(sig, 100), said);
	assert_non_null(strstr(said, "cannot be read"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_options_may_mix_and_values_may_follow_an_equals_sign),
		cmocka_unit_test(mistakes_in_words_are_usage_errors),
		cmocka_unit_test(no_word_leads_to_another_path),
		cmocka_unit_test(where_the_verifier_is_follows_one_order),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(lists_of_pcrs_become_masks),
		cmocka_unit_test(m8_text_from_outside_cannot_reach_the_terminal_raw),
		cmocka_unit_test(m8_long_text_is_cut_within_its_buffer),
		cmocka_unit_test(times_are_told_as_people_say_them),
		cmocka_unit_test(a_table_is_aligned_and_as_wide_as_its_widest_cell),
		cmocka_unit_test(many_rows_keep_their_order),
		cmocka_unit_test(m5_an_entry_that_was_cut_is_shown_by_path_and_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
