/* test_normal.c: configuration files as keys and values, hostile ones included. */
#include "tests/support/unit.h"

#include "attester/collect/normal.h"
#include "attester/collect/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum software_note parser(struct span text, struct listing *l);

/* "key=value" per line, sorted, or the word of the note. */
static const char *
listed(parser *p, const char *text, size_t n)
{
	static char out[4096];
	struct listing l = {.n = 0};
	enum software_note note = p(SPAN(text, n), &l);
	size_t at = 0;

	if (note == NOTE_NONE)
		note = listing_sort(&l);
	out[0] = '\0';
	for (size_t i = 0; i < l.n && note == NOTE_NONE; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s=%s\n", l.v[i].name,
				       (char *)l.v[i].value);
	if (note != NOTE_NONE)
		snprintf(out, sizeof out, "%s", software_note_name(note));
	listing_free(&l);
	return out;
}

static const char *
of(parser *p, const char *text)
{
	return listed(p, text, strlen(text));
}

static void
key_value_files_are_read_whatever_parts_key_and_value(void **state)
{
	(void)state;
	assert_string_equal(of(normal_key_value,
			       "# comment\n; too\n\n b = 2 \r\na: 1\nc three words\n"
			       "d=\"x # y\"\ne\nf='quoted'\ng=a=b"),
			    "a=1\nb=2\nc=three words\nd=x # y\ne=\nf=quoted\ng=a=b\n");
	assert_string_equal(of(normal_key_value, ""), "");
	assert_string_equal(of(normal_key_value, "=x\n"), "malformed");
	assert_string_equal(listed(normal_key_value, "a=1\0b=2", 7), "malformed");
}

static void
keys_that_repeat_are_numbered_in_the_order_of_the_file(void **state)
{
	(void)state;
	assert_string_equal(of(normal_key_value, "a=2\nb=0\na=1\na=3\n"),
			    "a=2\na#2=1\na#3=3\nb=0\n");
	assert_string_equal(of(normal_key_value, "a=2\na=1\na#2=3\n"), "malformed");
}

static void
sections_of_ini_files_are_the_first_part_of_their_keys(void **state)
{
	(void)state;
	assert_string_equal(of(normal_ini, "top=0\n[net]\nmode=dhcp\n[plc.io]\nscan.rate = 10\n"),
			    "net.mode=dhcp\nplc.io.scan\\.rate=10\ntop=0\n");
	/* a key does not move into another section unseen */
	assert_string_not_equal(of(normal_ini, "[a]\nb.c=1\n"), "a.b.c=1\n");
	assert_string_equal(of(normal_ini, "[net\nmode=x\n"), "malformed");
	assert_string_equal(of(normal_ini, "[]\n"), "malformed");
	assert_string_equal(of(normal_ini, "[a] x\n"), "malformed");
}

static void
json_keeps_types_and_forgets_order(void **state)
{
	(void)state;
	assert_string_equal(
		of(normal_json, " {\"b\": [1, \"1\", {\"x\": null}], \"a\": {\"k\": true},"
				"\"e\": {}, \"f\":[], \"n\": -1.5e3}\n"),
		"a.k=true\nb[0]=1\nb[1]=\"1\"\nb[2].x=null\ne={}\nf=[]\nn=-1.5e3\n");
	assert_string_equal(of(normal_json, "{\"a.b\": 1, \"a\": {\"b\": 2}, \"\": 3}"),
			    "\\=3\na.b=2\na\\.b=1\n");
	assert_string_equal(of(normal_json, "\"\\u00e9\\ud83d\\ude00\\n\\/\""),
			    "$=\"\xc3\xa9\xf0\x9f\x98\x80\n/\"\n");
	assert_string_equal(of(normal_json, "7"), "$=7\n");
	assert_string_equal(of(normal_json, "{\"a\":1,\"a\":2}"), "a=1\na#2=2\n");
}

static void
what_is_no_json_is_malformed(void **state)
{
	static const char *const wrong[] = {
		"", " ", "{", "}", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
		"[1 2]", "[1}", "{\"a\":1]", "01", "1.", "-", "1e", "tru", "nulll", "\"", "\"\\x\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\u12\"", "\"a\nb\"", "1 2", "{} {}", "[,1]",
		"\"\\u0000\"", "+1", "NaN", "'a'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_string_equal(of(normal_json, wrong[i]), "malformed");
}

static void
depth_is_limited_and_needs_no_stack(void **state)
{
	static char deep[200000];

	(void)state;
	memset(deep, '[', sizeof deep);
	assert_string_equal(listed(normal_json, deep, sizeof deep), "too-large");
	assert_string_equal(listed(normal_yaml, deep, 1000), "too-large");
	memset(deep, '[', 32);
	memset(deep + 32, ']', 32);
	assert_string_equal(
		listed(normal_json, deep, 64),
		"[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
		"[0][0][0][0]=[]\n");
}

static void
yaml_is_read_by_what_it_means(void **state)
{
	static const char block[] = "net:\n  mode: dhcp   # comment\n  dns:\n    - 1.1.1.1\n"
				    "    - \"9.9.9.9\"\nscan: 10\nempty:\n";
	static const char flow[] =
		"{scan: 10, empty: , net: {dns: [1.1.1.1, '9.9.9.9'], mode: dhcp}}";
	char first[256];

	(void)state;
	snprintf(first, sizeof first, "%s", of(normal_yaml, block));
	assert_string_equal(first, "empty=\nnet.dns[0]=1.1.1.1\nnet.dns[1]=9.9.9.9\n"
				   "net.mode=dhcp\nscan=10\n");
	assert_string_equal(of(normal_yaml, flow), first);
	assert_string_equal(of(normal_yaml, "a: &x 1\nb: *x\n"), "malformed");
	assert_string_equal(of(normal_yaml, "a: [1\n"), "malformed");
	assert_string_equal(of(normal_yaml, "--- a\n--- b\n"), "malformed");
	assert_string_equal(of(normal_yaml, "? [a]\n: 1\n"), "malformed");
	assert_string_equal(of(normal_yaml, "a: {}\nb: []\n"), "a={}\nb=[]\n");
}

static void
names_tell_secrets(void **state)
{
	static const char *const secret[] = {
		"password", "db.PASSWORD", "adminPasswd", "wifi.psk", "wpa_psk", "api-key",
		"ApiKey", "tls.key", "keys[0]", "auth_token", "clientSecret", "PIN", "user.pass",
		"privateKeyFile", "net.pwd", "credentials.user",
	};
	static const char *const open[] = {
		"keyboard", "monkey", "passive", "compass", "address", "pinned", "hockey.team",
		"bypass", "mode", "keepalive", "spin", "keyed",
	};

	(void)state;
	for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
		assert_true(secrets_named(secret[i]));
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		assert_false(secrets_named(open[i]));
}

static char drop_1[] = "net.host*", told_1[] = "net.mode", told_2[] = "net.psk", told_3[] = "gone",
	    told_4[] = "net.hostname";
static char *drop_list[] = {drop_1, NULL};
static char *report_list[] = {told_1, told_2, told_3, told_4, NULL};

/* Digest of what is left, and what is told. */
static void
measure(const char *text, struct item *it, struct result *r)
{
	struct listing l = {.n = 0};

	it->format = FORMAT_INI;
	it->kind = SOFTWARE_CONFIG;
	*r = (struct result){.manifest = -1, .prints = -1, .ntold = 4};
	r->told = calloc(4, sizeof *r->told);
	assert_non_null(r->told);
	for (size_t i = 0; i < 4; i++)
		r->told[i].key = report_list[i];
	assert_int_equal(normal_ini(SPAN(text, strlen(text)), &l), NOTE_NONE);
	assert_int_equal(secrets_manifest(&l, it, NOTE_NONE, r), NOTE_NONE);
}

static void
done(struct result *r)
{
	free(r->told);
	close(r->manifest);
}

static void
what_is_dropped_or_secret_does_not_count_and_everything_else_does(void **state)
{
	static const struct {
		const char *text;
		bool same;
	} cases[] = {
		{"[net]\nmode=dhcp\nhostname=b\npsk=two\n", true},
		{"[net]\npsk=three\nmode=dhcp\n", true}, /* dropped and gone, other order */
		{"[net]\nmode=static\nhostname=a\npsk=one\n", false},
		{"[net]\nmode=dhcp\nhostname=a\n", false}, /* the secret is gone */
		{"[net]\nmode=dhcp\nhostname=a\npsk=one\nx=\n", false},
		{"[n]\nmode=dhcp\nhostname=a\npsk=one\n", false},
	};
	struct item it = {.name = (char[]){"plc"}, .drop = drop_list, .report = report_list};
	struct result r, other;

	(void)state;
	measure("[net]\nmode=dhcp\nhostname=a\npsk=one\n", &it, &r);
	assert_int_equal(r.size, 2);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		measure(cases[i].text, &it, &other);
		assert_int_equal(memcmp(r.digest, other.digest, 32) == 0, cases[i].same);
		done(&other);
	}
	done(&r);
}

static void
named_values_are_told_but_never_secrets(void **state)
{
	static char *keep[] = {told_2, NULL};
	struct item it = {.name = (char[]){"plc"}, .drop = drop_list, .report = report_list,
			  .keep = keep, .version = VERSION_KEY, .version_text = (char[]){"rev"}};
	struct result r;

	(void)state;
	measure("rev=1.2\n[net]\nmode=a\\b\xff\nhostname=host7\npsk=hunter2\n", &it, &r);
	assert_int_equal(r.told[0].note, NOTE_NONE);
	assert_string_equal(r.told[0].value, "a\\x5cb\\xff");
	assert_int_equal(r.told[1].note, NOTE_SECRET);
	assert_string_equal(r.told[1].value, "");
	assert_int_equal(r.told[2].note, NOTE_ABSENT);
	assert_string_equal(r.told[3].value, "host7"); /* dropped, and told */
	assert_string_equal(r.version, "1.2");
	done(&r);
}

static void
a_manifest_never_holds_a_secret_or_its_digest(void **state)
{
	static char bytes[4096];
	struct item it = {.name = (char[]){"plc"}, .report = report_list};
	uint8_t digest[32];
	struct result r;
	ssize_t n;

	(void)state;
	measure("[net]\npsk=hunter2\n", &it, &r);
	n = pread(r.manifest, bytes, sizeof bytes, 0);
	assert_true(n > 0);
	assert_null(memmem(bytes, (size_t)n, "hunter2", 7));
	assert_int_equal(digest_sha256(SPAN("hunter2", 7), digest), ASSAY_OK);
	assert_null(memmem(bytes, (size_t)n, digest, 32));
	assert_non_null(memmem(bytes, (size_t)n, "net.psk", 7));
	done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_value_files_are_read_whatever_parts_key_and_value),
		cmocka_unit_test(keys_that_repeat_are_numbered_in_the_order_of_the_file),
		cmocka_unit_test(sections_of_ini_files_are_the_first_part_of_their_keys),
		cmocka_unit_test(json_keeps_types_and_forgets_order),
		cmocka_unit_test(what_is_no_json_is_malformed),
		cmocka_unit_test(depth_is_limited_and_needs_no_stack),
		cmocka_unit_test(yaml_is_read_by_what_it_means),
		cmocka_unit_test(names_tell_secrets),
		cmocka_unit_test(what_is_dropped_or_secret_does_not_count_and_everything_else_does),
		cmocka_unit_test(named_values_are_told_but_never_secrets),
		cmocka_unit_test(a_manifest_never_holds_a_secret_or_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
