/* The configuration: every slip is named with its place and never half applied. */
#include "tests/support/unit.h"

#include "verifier/config_yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config c;
static struct config_error err;

static enum assay_err
parse(const char *yaml)
{
	config_defaults(&c, "/var/lib/assay");
	return config_parse(&c, SPAN(yaml, strlen(yaml)), "verifier.yaml", &err);
}

static void
refused(const char *yaml, const char *message)
{
	assert_int_equal(parse(yaml), ASSAY_MALFORMED);
	assert_string_equal(err.text, message);
}

static void
an_unknown_key_is_named_with_its_place_and_the_nearest_key(void **state)
{
	(void)state;
	refused("listen: 0.0.0.0:1\nlog_jsn: true\n",
		"verifier.yaml:2:1: log_jsn: no such key; did you mean `log_json'?");
	refused("  colour: blue\n",
		"verifier.yaml:1:3: colour: no such key; docs/deployment.md lists them");
}

static void
a_key_given_twice_is_refused_though_the_values_agree(void **state)
{
	(void)state;
	refused("user: a\nappraisers: 3\nuser: a\n",
		"verifier.yaml:3:1: user: is given twice, first in line 1; remove one");
}

static void
a_flag_is_true_or_false_and_a_slip_is_not_taken_for_true(void **state)
{
	static const char *const slips[] = {"flase", "yes", "1", "True", "\"true\"", "''", "~"};
	char yaml[64];

	(void)state;
	for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
		snprintf(yaml, sizeof yaml, "accept_expired_ek: %s\n", slips[i]);
		refused(yaml, "verifier.yaml:1:20: accept_expired_ek: is not of its type, "
			      "give true or false");
		assert_false(c.accept_expired_ek);
	}
	assert_int_equal(parse("accept_expired_ek: true\nchannel_binding: false\n"), ASSAY_OK);
	assert_true(c.accept_expired_ek);
	assert_false(c.channel_binding);
}

static void
a_number_out_of_range_or_of_another_form_is_refused(void **state)
{
	static const char *const forms[] = {"-1", "0x10", "010", "1.5", "1e3", "4294967297", "''"};
	char yaml[64];

	(void)state;
	refused("appraisers: 65\n", "verifier.yaml:1:13: appraisers: is out of range, "
				    "give a whole number from 1 to 64");
	refused("appraisers: 0\n", "verifier.yaml:1:13: appraisers: is out of range, "
				   "give a whole number from 1 to 64");
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		snprintf(yaml, sizeof yaml, "appraisers: %s\n", forms[i]);
		refused(yaml, "verifier.yaml:1:13: appraisers: is not of its type, "
			      "give a whole number");
	}
	assert_int_equal(parse("appraisers: 64\nchallenge_deadline_ms: 100\n"), ASSAY_OK);
	assert_int_equal(c.appraisers, 64);
	assert_int_equal(c.challenge_deadline_ms, 100);
}

static void
an_address_is_numeric_with_a_port(void **state)
{
	static const char *const wrong[] = {
		"localhost:1", "1.2.3.4",     "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:1x", "::1:7",
		"[::1]7",      "[1.2.3.4]:7", ":7",       "1.2.3.4:-1",    "1.2.3:4:5",  "[]:1"};
	char host[64];
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(config_split_address(wrong[i], host, sizeof host, &port),
				 ASSAY_MALFORMED);
	assert_int_equal(config_split_address("[2001:db8::1]:65535", host, sizeof host, &port),
			 ASSAY_OK);
	assert_string_equal(host, "2001:db8::1");
	assert_int_equal(port, 65535);
	assert_int_equal(config_split_address("127.0.0.1:0", host, sizeof host, &port), ASSAY_OK);
	assert_int_equal(config_split_address("127.0.0.1:0", host, 9, &port), ASSAY_MALFORMED);
	refused("addresses: claimed\n", "verifier.yaml:1:12: addresses: is not of its type, give "
					"registered or attested");
	refused("listen: everywhere\n", "verifier.yaml:1:9: listen: is not of its type, give "
					"ADDRESS:PORT, as 0.0.0.0:7443 or [::]:7443");
}

static void
forms_of_yaml_that_hide_or_repeat_are_refused(void **state)
{
	(void)state;
	refused("user: &a x\n", "verifier.yaml:1:7: tags and anchors are not allowed, remove it");
	refused("user: *a\n", "verifier.yaml:1:7: aliases are not allowed, write the value");
	refused("user: !!str x\n",
		"verifier.yaml:1:7: tags and anchors are not allowed, remove it");
	refused("user: [a]\n", "verifier.yaml:1:7: a list, expected one word");
	refused("user:\n  a: b\n", "verifier.yaml:2:3: a nested value, expected one word");
	refused("user: a\n---\nuser: b\n", "verifier.yaml:2:1: a second document, remove it");
	refused("just text\n", "verifier.yaml:1:1: expected `key: value' lines");
	refused("user: \"a\\nb\"\n",
		"verifier.yaml:1:7: the value is too long or holds control characters");
	assert_int_equal(parse("user: \"a\n"), ASSAY_MALFORMED);
	assert_int_equal(parse("a: b: c\n"), ASSAY_MALFORMED);
}

static void
values_too_long_are_refused_and_not_cut(void **state)
{
	char yaml[700] = "user: ";

	(void)state;
	memset(yaml + 6, 'u', 64);
	refused(yaml, "verifier.yaml:1:7: user: is too long, give the name of a user");
	memset(yaml + 6, 'u', 600);
	refused(yaml, "verifier.yaml:1:7: the value is too long or holds control characters");
	memset(yaml, 0, sizeof yaml);
	strcpy(yaml, "console_socket: ");
	memset(yaml + 16, 's', 100);
	refused(yaml, "verifier.yaml:1:17: console_socket: is too long below the state directory, "
		      "give an absolute path");
	refused("user: ''\n", "verifier.yaml:1:7: user: is empty, give the name of a user");
}

static void
relative_paths_count_from_the_state_directory(void **state)
{
	(void)state;
	assert_int_equal(parse("ek_roots: roots/ek\nkey: /etc/k.pem\nek_crls: ''\n"), ASSAY_OK);
	assert_string_equal(c.ek_roots, "/var/lib/assay/roots/ek");
	assert_string_equal(c.key, "/etc/k.pem");
	assert_string_equal(c.ek_crls, "");
	assert_string_equal(c.certificate, "/var/lib/assay/tls/cert.pem");
	assert_string_equal(c.console_socket, "/var/lib/assay/run/console.sock");
}

static void
what_is_not_given_keeps_its_default(void **state)
{
	struct config plain;

	(void)state;
	config_defaults(&plain, "/var/lib/assay");
	assert_int_equal(parse("# nothing\n"), ASSAY_OK);
	assert_memory_equal(&c, &plain, sizeof c);
	assert_int_equal(parse(""), ASSAY_OK);
	assert_memory_equal(&c, &plain, sizeof c);
	assert_int_equal(parse("uploads_max: 7\n"), ASSAY_OK);
	plain.uploads_max = 7;
	assert_memory_equal(&c, &plain, sizeof c);
	assert_true(c.channel_binding);
	assert_false(c.accept_virtual_tpm);
}

static void
every_key_can_be_given(void **state)
{
	static const char yaml[] =
		"listen: 127.0.0.1:0\ncertificate: a\nkey: b\nchannel_binding: true\n"
		"net_processes: 2\nconsole_socket: s\nconsole_listen: '[::1]:9'\n"
		"console_certificate: d\nconsole_key: e\nek_roots: f\nek_crls: g\n"
		"accept_expired_ek: true\naccept_virtual_tpm: true\npending_max: 0\n"
		"operator_reads_per_minute: 0\noperator_changes_per_minute: 1\n"
		"operator_admissions_per_minute: 2\nfailures_per_minute: 3\n"
		"enrolments_per_minute: 9\nappraisers: 3\nspare_appraisers: 4\n"
		"requests_per_appraiser: 5\nappraisal_max_s: 7\n"
		"challenge_deadline_ms: 200\nconnections_max: 6\n"
		"connections_per_source: 7\nhalf_open_per_source: 8\nuploads_max: 9\n"
		"ima_memory: 11\ndice_roots: d\ntoken_roots: t\n"
		"ear_dialect: ietf\near_developer: d\near_audience: a\n"
		"device_tokens: false\nmac_admits: true\naddresses: attested\n"
		"retention_days: 10\nuser: u\nlog_json: true\n";
	size_t lines = 0, named = 0;

	(void)state;
	assert_int_equal(parse(yaml), ASSAY_OK);
	assert_string_equal(c.console_listen, "[::1]:9");
	assert_int_equal(c.retention_days, 10);
	assert_true(c.log_json);
	for (const char *p = yaml; *p; p++)
		lines += *p == '\n';
#define X(kind, member, least, most, must) named++;
	CONFIG_KEYS(X)
#undef X
	assert_int_equal(lines, named);
}

static void
mutant_never_crashes(struct span mutant, const char *what, void *arg)
{
	enum assay_err e;

	(void)what;
	(void)arg;
	config_defaults(&c, "/var/lib/assay");
	e = config_parse(&c, mutant, "verifier.yaml", &err);
	assert_true(e == ASSAY_OK || (e == ASSAY_MALFORMED && err.text[0] != '\0'));
	assert_null(strchr(err.text, '\n'));
}

static void
every_mutant_is_loaded_whole_or_refused_in_one_line(void **state)
{
	static const char yaml[] = "listen: 127.0.0.1:0\nappraisers: 3\n"
				   "accept_expired_ek: false\nek_roots: 'x/y'\n";

	(void)state;
	unit_mutate(SPAN(yaml, strlen(yaml)), 0, mutant_never_crashes, NULL);
}

static void
a_state_directory_without_a_file_gives_defaults_and_a_bad_one_an_error(void **state)
{
	char dir[] = "/tmp/assay-config-XXXXXX", path[64];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(config_load(&c, dir, &err), ASSAY_OK);
	assert_string_equal(c.listen, "0.0.0.0:7443");
	snprintf(path, sizeof path, "%s/verifier.yaml", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("appraisers: many\n", f);
	fclose(f);
	assert_int_equal(config_load(&c, dir, &err), ASSAY_MALFORMED);
	assert_non_null(strstr(err.text, "verifier.yaml:1:13: appraisers: "));
	unlink(path);
	rmdir(dir);
	assert_int_equal(config_load(&c, dir, &err), ASSAY_IO);
	assert_non_null(strstr(err.text, "No such file or directory"));
}

/* ---- webhooks and events ---- */

static char folder[64], good[1200];

static void
write_file(const char *name, const char *text, unsigned mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int
make_files(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/assay-config-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	write_file("secret", "0123456789abcdef0123456789abcdef\r\n", 0600);
	write_file("short", "0123456789abcdef0123456789abcde\n\n\n", 0600);
	write_file("open", "0123456789abcdef0123456789abcdef", 0604);
	write_file("group", "0123456789abcdef0123456789abcdef", 0660);
	snprintf(good, sizeof good,
		 "webhooks:\n"
		 "  - name: a\n"
		 "    url: https://h/\n"
		 "    secret_file: %s/secret\n", folder);
	return 0;
}

static int
remove_files(void **state)
{
	static const char *const names[] = {"secret", "short", "open", "group"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void
every_key_of_a_webhook_can_be_given(void **state)
{
	char yaml[3000];

	(void)state;
	snprintf(yaml, sizeof yaml,
		 "%s    next_secret_file: %s/secret\n    ca: %s/secret\n    pin: %064d\n"
		 "    allow_http: true\n    class: plc\n    labels: a=1 b=2\n"
		 "    outcomes: [admit, quarantine]\n    timeout_ms: 100\n    retry_max_s: 9\n"
		 "    give_up_s: 10\n"
		 "  - {name: b, url: 'http://[::1]:8080?x', secret_file: %s/secret}\n"
		 "user: u\n"
		 "events:\n  syslog: udp:[2001:db8::1]\n  facility: local7\n"
		 "  enterprise: 9\n  journald: /j\n",
		 good, folder, folder, 7, folder);
	assert_int_equal(parse(yaml), ASSAY_OK);
	assert_int_equal(c.nwebhooks, 2);
	assert_string_equal(c.webhooks[0].outcomes, "admit quarantine");
	assert_string_equal(c.webhooks[0].labels, "a=1 b=2");
	assert_true(c.webhooks[0].allow_http);
	assert_int_equal(c.webhooks[0].timeout_ms, 100);
	assert_int_equal(c.webhooks[0].give_up_s, 10);
	assert_string_equal(c.webhooks[1].name, "b");
	assert_int_equal(c.webhooks[1].give_up_s, 3 * 86400);
	assert_string_equal(c.user, "u");
	assert_string_equal(c.events.journald, "/j");
	assert_int_equal(c.events.enterprise, 9);
}

static void
a_slip_in_a_webhook_is_named_with_its_place(void **state)
{
	static const char *const cases[][2] = {
		{"    timout_ms: 5\n", "5:5: timout_ms: no such key; did you mean `timeout_ms'?"},
		{"    name: b\n", "5:5: name: is given twice, first in line 2; remove one"},
		{"    timeout_ms: 99\n", "5:17: timeout_ms: is out of range, give milliseconds "
					 "from 100 to 120000"},
		{"    class: a b\n", "5:12: class: has letters that no class has"},
		{"    outcomes: admitted\n", "5:15: outcomes: give a list of admit, restrict and "
					     "quarantine"},
		{"    give_up_s: 31536000\n", "5:16: give_up_s: is longer than decisions are kept "
					      "(retention_days)"},
		{"    ca: /nowhere\n", "5:9: ca: cannot be read"},
		{"    pin: abc\n", "5:10: pin: is too long, give the SHA-256 of the server's key, "
				   "64 "
				   "hexadecimal digits"},
		{"  - name: b\n", "5:5: webhooks: `url' is missing"},
		{"  - name: B\n    url: https://h\n    secret_file: x\n",
		 "5:11: name: give lower-case letters, digits and dashes"},
		{"  - name: a\n    url: https://h\n    secret_file: x\n",
		 "5:11: name: is another webhook's, give each its own"},
		{"  - x\n", "5:5: expected `- key: value' lines"},
		{"    labels: {a: b}\n", "5:13: a nested value, expected one word"},
		{"events: [a]\n", "5:9: a list, expected `key: value' lines"},
		{"events: x\n", "5:9: expected `key: value' lines below it"},
		{"events:\n  syslog: udp:h:0\n", "6:11: syslog: give unix:PATH, udp:HOST:PORT or "
						  "tcp:HOST:PORT"},
		{"events:\n  facility: local8\n",
		 "6:13: facility: there is no such facility, give daemon, auth, authpriv, audit or "
		 "local0 to local7"},
		{"webhooks: []\n", "5:11: the section is given twice, remove one"},
	};
	char yaml[3000], want[300];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(yaml, sizeof yaml, "%s%s", good, cases[i][0]);
		snprintf(want, sizeof want, "verifier.yaml:%s", cases[i][1]);
		refused(yaml, want);
	}
	refused("webhooks: x\n", "verifier.yaml:1:11: expected a list of `- key: value' lines");
	refused("webhooks:\n  name: a\n",
		"verifier.yaml:2:3: expected a list of `- key: value' lines");
}

static void
a_secret_that_others_may_read_or_that_is_short_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{"open", "others may read it or its group may write it, say chmod 600"},
		{"group", "others may read it or its group may write it, say chmod 600"},
		{"short", "is too short, make one with: openssl rand -hex 32"},
		{"none", "cannot be read"},
		{".", "is not a file"},
	};
	uint8_t secret[CONFIG_SECRET_MAX];
	char yaml[600], want[300];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(yaml, sizeof yaml,
			 "webhooks: [{name: a, url: https://h, secret_file: %s/%s}]\n", folder,
			 cases[i][0]);
		snprintf(want, sizeof want, "verifier.yaml:1:51: secret_file: %s", cases[i][1]);
		refused(yaml, want);
	}
	snprintf(yaml, sizeof yaml, "%s/secret", folder);
	assert_int_equal(config_read_secret(yaml, secret, &n), ASSAY_OK);
	assert_int_equal(n, 32); /* without the line end */
}

static void
a_url_is_https_or_of_this_host(void **state)
{
	static const char *const bad[] = {
		"ftp://h/", "https://", "https:///x", "https://u@h/", "https://h:0/",
			"https://h:65536/",
		"https://h:x/", "https://h:/", "https://h/#f", "https://h/a b", "https://::1/",
		"https://[::1/", "https://[h]/", "https://h_x/", "https://h/\x7F", "h"};
	static const char *const local[] = {"http://127.0.0.1/", "http://127.9.8.7:1",
					    "http://[::1]",
					    "http://localhost:8080/x"};
	static const char *const away[] = {"http://h/", "http://127.0.0.1.example/",
					   "http://[::2]/", "http://1270.0.0.1.a"};
	struct config_url u;
	char yaml[600];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(config_split_url(bad[i], &u), ASSAY_MALFORMED);
	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
		snprintf(yaml, sizeof yaml, "webhooks: [{name: a, url: '%s', secret_file: "
					    "%s/secret}]",
			 local[i], folder);
		assert_int_equal(parse(yaml), ASSAY_OK);
	}
	for (size_t i = 0; i < sizeof away / sizeof away[0]; i++) {
		snprintf(yaml, sizeof yaml, "webhooks: [{name: a, url: '%s', secret_file: "
					    "%s/secret}]",
			 away[i], folder);
		refused(yaml, "verifier.yaml:1:27: url: is http to another host, use https, or say "
			      "`allow_http: true'");
	}
	assert_int_equal(config_split_url("https://[2001:db8::1]:8443/a?b=c", &u), ASSAY_OK);
	assert_string_equal(u.host, "2001:db8::1");
	assert_int_equal(u.port, 8443);
	assert_string_equal(u.path, "/a?b=c");
	assert_int_equal(config_split_url("https://h?q", &u), ASSAY_OK);
	assert_string_equal(u.path, "/?q");
	assert_int_equal(u.port, 443);
}

static void
every_mutant_of_a_webhook_is_loaded_whole_or_refused_in_one_line(void **state)
{
	char yaml[2000];

	(void)state;
	snprintf(yaml, sizeof yaml, "%s    outcomes: [admit]\nevents:\n  syslog: udp:h:1\n", good);
	unit_mutate(SPAN(yaml, strlen(yaml)), 0, mutant_never_crashes, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_key_is_named_with_its_place_and_the_nearest_key),
		cmocka_unit_test(a_key_given_twice_is_refused_though_the_values_agree),
		cmocka_unit_test(a_flag_is_true_or_false_and_a_slip_is_not_taken_for_true),
		cmocka_unit_test(a_number_out_of_range_or_of_another_form_is_refused),
		cmocka_unit_test(an_address_is_numeric_with_a_port),
		cmocka_unit_test(forms_of_yaml_that_hide_or_repeat_are_refused),
		cmocka_unit_test(values_too_long_are_refused_and_not_cut),
		cmocka_unit_test(relative_paths_count_from_the_state_directory),
		cmocka_unit_test(what_is_not_given_keeps_its_default),
		cmocka_unit_test(every_key_can_be_given),
		cmocka_unit_test(every_mutant_is_loaded_whole_or_refused_in_one_line),
		cmocka_unit_test(
			a_state_directory_without_a_file_gives_defaults_and_a_bad_one_an_error),
		cmocka_unit_test(every_key_of_a_webhook_can_be_given),
		cmocka_unit_test(a_slip_in_a_webhook_is_named_with_its_place),
		cmocka_unit_test(a_secret_that_others_may_read_or_that_is_short_is_refused),
		cmocka_unit_test(a_url_is_https_or_of_this_host),
		cmocka_unit_test(every_mutant_of_a_webhook_is_loaded_whole_or_refused_in_one_line),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
