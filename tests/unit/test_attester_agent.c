/* test_attester_agent.c: the agent's options, what it keeps, its table and pauses. */
#include "tests/support/unit.h"

#include "attester/agent/agent.h"
#include "attester/collect/bootlog.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN "abc.def-1_2." PIN

static char dir[128];

static const char *
in_dir(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
put_file(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(in_dir(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof dir, "%s/agent.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"ak.blob", "enrolment", "lock", "conf", "log"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)unlink(in_dir(names[i]));
	return rmdir(dir);
}

/* ---- options ---- */

static struct options o;
static char said[2048];

/* Runs options_read() and keeps what it says; returns -1 for "go on". */
static int
read_options(const char *const *words)
{
	char *argv[32], copies[32][512];
	int argc = 1, status = -2, saved = dup(2);
	int out = open(in_dir("log"), O_RDWR | O_CREAT, 0600);
	ssize_t n;
	bool go_on;

	argv[0] = copies[0];
	snprintf(copies[0], sizeof copies[0], "assay-attester");
	for (; *words; words++, argc++) {
		snprintf(copies[argc], sizeof copies[argc], "%s", *words);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	dup2(out, 2);
	go_on = options_read(argc, argv, &o, &status);
	dup2(saved, 2);
	close(saved);
	n = pread(out, said, sizeof said - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	assert_int_equal(ftruncate(out, 0), 0);
	close(out);
	return go_on ? -1 : status;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define BASE "--verifier", "wss://v.example", "--state", "/var/lib/x"

static void
options_are_read(void **state)
{
	(void)state;
	assert_int_equal(read_options(WORDS("run", BASE, "--token=" TOKEN, "--once", "--ek",
					    "rsa-2048", "--ak-type", "rsa-rsapss", "--ak-handle",
					    "0x81000010", "--retry-max", "5")), -1);
	assert_int_equal(o.command, COMMAND_RUN);
	assert_string_equal(o.verifier.host, "v.example");
	assert_int_equal(o.verifier.port, 7443);
	assert_string_equal(o.verifier.path, "/");
	assert_string_equal(o.token_id, "abc");
	assert_string_equal(o.token_secret, "def-1_2");
	assert_true(o.has_pin);
	assert_int_equal(o.pin[1], 0x11);
	assert_int_equal(o.ek, ASSAY_EK_L1_RSA2048);
	assert_int_equal(o.ak, ASSAY_AK_RSA_RSAPSS);
	assert_int_equal(o.ak_handle, 0x81000010);
	assert_int_equal(o.retry_max_s, 5);
	assert_true(o.once);
	assert_string_equal(o.boot_log, BOOTLOG_KERNEL);
	assert_int_equal(read_options(WORDS(BASE)), -1);
	assert_int_equal(o.command, COMMAND_RUN);
	assert_int_equal(read_options(WORDS("status", "--state", "x", "--json")), -1);
	assert_int_equal(o.command, COMMAND_STATUS);
}

static void
urls_are_taken_apart(void **state)
{
	static const struct {
		const char *url, *host, *path;
		uint16_t port;
	} good[] = {
		{"wss://h", "h", "/", 7443},
		{"WSS://h:1/", "h", "/", 1},
		{"wss://192.0.2.1:65535/a/b", "192.0.2.1", "/a/b", 65535},
		{"wss://[2001:db8::1]:99", "2001:db8::1", "/", 99},
		{"wss://[::1]/x", "::1", "/x", 7443},
	};
	static const char *const bad[] = {
		"ws://h", "https://h", "wss://", "wss://:1", "wss://h:", "wss://h:0",
		"wss://h:65536", "wss://h:1x", "wss://[::1", "wss://[::1]x",
		"wss://h:99999999999999999999", "wss://u@h", "wss://h:-1", "wss://h?x", "",
		"wss://h:+1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(read_options(WORDS("--state", "x", "--verifier", good[i].url)),
				 -1);
		assert_string_equal(o.verifier.host, good[i].host);
		assert_string_equal(o.verifier.path, good[i].path);
		assert_int_equal(o.verifier.port, good[i].port);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(read_options(WORDS("--state", "x", "--verifier", bad[i])),
				 AGENT_USAGE);
		assert_memory_equal(said, "assay-attester: --verifier: ", 28);
	}
}

static void
bad_flags_are_named(void **state)
{
	static const struct {
		const char *words[4];
		const char *text;
	} cases[] = {
		{{"--token", "abc", NULL}, "--token: is not of the form"},
		{{"--token", "a.b.c", NULL}, "--token: does not end in the 64"},
		{{"--token", "a.b." PIN "00", NULL}, "--token: does not end in the 64"},
		{{"--token", ".b." PIN, NULL}, "--token: has an id"},
		{{"--token", "a.b c." PIN, NULL}, "--token: has an id"},
		{{"--token-file", "/dev/null/x", NULL}, "--token-file: names a file that cannot"},
		{{"--ek", "rsa", NULL}, "--ek: is none of"},
		{{"--ak-type", "dsa", NULL}, "--ak-type: is none of"},
		{{"--ak-handle", "0x81800000", NULL}, "--ak-handle: is not a handle"},
		{{"--retry-max", "0", NULL}, "--retry-max: is not a number"},
		{{"--retry-max", "-1", NULL}, "--retry-max: is not a number"},
		{{"--once=yes", NULL}, "--once: takes no value"},
		{{"--nonsense", NULL}, "--nonsense: there is no such option"},
		{{"--verif", "x", NULL}, "--verif: there is no such option"},
		{{"--state", NULL}, "--state: needs a value"},
		{{"--state", "", NULL}, "--state: is empty"},
		{{"--config", NULL}, "--config: needs a value"},
		{{"dance", NULL}, "dance: there is no such command"},
		{{"run", "enrol", NULL}, "enrol: unexpected argument"},
		{{"-x", NULL}, "-x: unexpected argument"},
		{{"run", NULL}, "--state: needed"},
		{{"--state", "x", NULL}, "--verifier: needed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_options(cases[i].words), AGENT_USAGE);
		if (!strstr(said, cases[i].text) || strchr(said, '\n') != strrchr(said, '\n'))
			fail_msg("%s, not %s", said, cases[i].text);
	}
}

static int
read_config(const char *text)
{
	char flag[600];

	put_file("conf", text, strlen(text));
	snprintf(flag, sizeof flag, "--config=%s", in_dir("conf"));
	return read_options(WORDS(flag));
}

static void
a_file_gives_options_and_flags_win(void **state)
{
	char flag[600];

	(void)state;
	assert_int_equal(read_config("# agent\n\nverifier: wss://v:1 # the one\n"
				     "state: \"/var/lib/a b\"\ntoken: '" TOKEN "'\n"
				     "once: true\nallow-unbound: false\n"), -1);
	assert_string_equal(o.verifier.host, "v");
	assert_string_equal(o.state, "/var/lib/a b");
	assert_string_equal(o.token_id, "abc");
	assert_true(o.once);
	assert_false(o.unbound);
	snprintf(flag, sizeof flag, "--config=%s", in_dir("conf"));
	assert_int_equal(read_options(WORDS("--verifier", "wss://w:2", flag)), -1);
	assert_string_equal(o.verifier.host, "w");
}

static void
bad_files_are_named_with_line_and_option(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"state: x\nverifer: y\n", ":2: verifer: there is no such option"},
		{"state: x\nstate: y\n", ":2: state: is given twice"},
		{"state x\n", ":1: syntax: a line is"},
		{"  state: x\n", ":1: indentation: options are not nested"},
		{"state: \"x\n", ":1: state: has a quote"},
		{"once: yes\n", ":1: once: is neither true nor false"},
		{"\n\nek: rsa\n", ":3: ek: is none of"},
		{"state:\n", ":1: state: is empty"},
		{": x\n", ":1: : there is no such option"},
		{"config: x\n", ":1: config: there is no such option"},
	};
	static char longest[3000];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_config(cases[i].text), AGENT_BAD_INPUT);
		if (!strstr(said, cases[i].says))
			fail_msg("%s, not %s", said, cases[i].says);
	}
	memset(longest, 'a', sizeof longest - 1);
	assert_int_equal(read_config(longest), AGENT_BAD_INPUT);
	assert_non_null(strstr(said, ":1: syntax: the line is too long"));
	assert_int_equal(read_options(WORDS("--config", "/nowhere/at/all")), AGENT_NO_ACCESS);
	assert_non_null(strstr(said, "/nowhere/at/all: No such file"));
}

/* ---- what is kept ---- */

static struct statedir s;

static void
enrol(void)
{
	struct enrolment e = {.pending = true, .has_pin = true, .pin = {1, 2, 3}};

	memcpy(e.device, "0123456789abcdef0123456789abcdef", 33);
	memset(e.ak_name, 'a', 68);
	assert_int_equal(statedir_open(&s, dir, true, true), ASSAY_OK);
	assert_int_equal(statedir_write_key(&s, (const uint8_t *)"wrapped", 7), ASSAY_OK);
	assert_int_equal(statedir_write_enrolment(&s, &e), ASSAY_OK);
	statedir_close(&s);
}

static void
what_is_kept_is_found_again(void **state)
{
	struct stat st;

	(void)state;
	enrol();
	assert_int_equal(statedir_open(&s, dir, false, false), ASSAY_OK);
	assert_true(s.enrolment.enrolled && s.enrolment.pending && s.enrolment.has_pin);
	assert_string_equal(s.enrolment.device, "0123456789abcdef0123456789abcdef");
	assert_int_equal(s.enrolment.pin[2], 3);
	assert_int_equal(s.key_len, 7);
	assert_memory_equal(s.key, "wrapped", 7);
	statedir_close(&s);
	assert_int_equal(stat(in_dir("ak.blob"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(in_dir("enrolment"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
an_empty_directory_is_a_new_device(void **state)
{
	(void)state;
	assert_int_equal(statedir_open(&s, dir, true, true), ASSAY_OK);
	assert_false(s.enrolment.enrolled);
	assert_int_equal(s.key_len, 0);
	statedir_close(&s);
}

static void
a_key_is_never_replaced(void **state)
{
	(void)state;
	enrol();
	assert_int_equal(statedir_open(&s, dir, true, true), ASSAY_OK);
	assert_int_equal(statedir_write_key(&s, (const uint8_t *)"other", 5), ASSAY_EXISTS);
	statedir_close(&s);
	assert_int_equal(statedir_open(&s, dir, false, false), ASSAY_OK);
	assert_memory_equal(s.key, "wrapped", 7);
	statedir_close(&s);
}

static void
one_directory_serves_one_agent(void **state)
{
	static struct statedir second;

	(void)state;
	assert_int_equal(statedir_open(&s, dir, true, true), ASSAY_OK);
	assert_int_equal(statedir_open(&second, dir, true, true), ASSAY_BUSY);
	assert_non_null(strstr(second.complaint, "another agent"));
	statedir_close(&second);
	assert_int_equal(statedir_open(&second, dir, false, false), ASSAY_OK);
	statedir_close(&second);
	statedir_close(&s);
}

static void
a_mutant_is_refused(struct span mutant, const char *what, void *arg)
{
	(void)arg;
	put_file("enrolment", mutant.p ? (const void *)mutant.p : "", mutant.n);
	if (statedir_open(&s, dir, false, false) != ASSAY_TAMPERED)
		fail_msg("%s: read", what);
	assert_false(s.enrolment.enrolled);
	assert_non_null(strstr(s.complaint, "/enrolment: "));
	statedir_close(&s);
}

static void
a_damaged_enrolment_is_refused_and_left_as_it_is(void **state)
{
	struct span whole, after;

	(void)state;
	enrol();
	whole = unit_file(in_dir("enrolment"));
	unit_mutate(whole, 500, a_mutant_is_refused, NULL);
	put_file("enrolment", whole.p, whole.n - 1);
	assert_int_equal(statedir_open(&s, dir, true, true), ASSAY_TAMPERED);
	statedir_close(&s);
	after = unit_file(in_dir("enrolment"));
	assert_int_equal(after.n, whole.n - 1);
	unit_free(after);
	unit_free(whole);
}

static void
an_enrolment_without_its_key_is_refused(void **state)
{
	(void)state;
	enrol();
	assert_int_equal(unlink(in_dir("ak.blob")), 0);
	assert_int_equal(statedir_open(&s, dir, true, true), ASSAY_TAMPERED);
	assert_non_null(strstr(s.complaint, "/ak.blob: is missing"));
	statedir_close(&s);
	put_file("ak.blob", "", 0);
	assert_int_equal(statedir_open(&s, dir, true, true), ASSAY_TAMPERED);
	statedir_close(&s);
}

static void
a_directory_that_cannot_be_had_is_named(void **state)
{
	(void)state;
	assert_int_equal(statedir_open(&s, "/nowhere/at/all", true, true), ASSAY_NOT_FOUND);
	assert_non_null(strstr(s.complaint, "/nowhere/at/all: "));
	statedir_close(&s);
	put_file("conf", "x", 1);
	assert_int_equal(statedir_open(&s, in_dir("conf"), true, true), ASSAY_IO);
	statedir_close(&s);
}

/* ---- the boot log ---- */

static void
a_boot_log_is_read_whole_or_not_at_all(void **state)
{
	uint8_t buffer[8];
	char path[600];
	size_t n = 77;

	(void)state;
	snprintf(path, sizeof path, "%s", in_dir("log"));
	assert_int_equal(bootlog_read(path, buffer, sizeof buffer, &n), ASSAY_NOT_FOUND);
	put_file("log", "12345678", 8);
	assert_int_equal(bootlog_read(path, buffer, 8, &n), ASSAY_OK);
	assert_int_equal(n, 8);
	assert_int_equal(bootlog_read(path, buffer, 7, &n), ASSAY_TOO_LARGE);
	assert_int_equal(bootlog_read(dir, buffer, 8, &n), ASSAY_IO);
}

/* ---- the state machine ---- */

static void
every_state_can_be_left_and_stopped(void **state)
{
	(void)state;
	for (unsigned st = 0; st < AGENT_STATE_COUNT; st++) {
		bool on_the_wire = st != AGENT_OFF && st != AGENT_RESTING && st != AGENT_STOPPED;

		if (st == AGENT_STOPPED)
			continue;
		assert_non_null(agent_transition_for((enum agent_state)st, EVENT_STOP));
		if (!on_the_wire)
			continue;
		assert_non_null(agent_transition_for((enum agent_state)st, EVENT_DOWN));
		assert_non_null(agent_transition_for((enum agent_state)st, EVENT_TIMER));
	}
	for (unsigned e = 0; e < AGENT_EVENT_COUNT; e++)
		assert_null(agent_transition_for(AGENT_STOPPED, (enum agent_event)e));
}

static void
events_lead_where_they_should(void **state)
{
	static const struct {
		enum agent_state from;
		enum agent_event e;
		enum agent_state to;
	} path[] = {
		{AGENT_OFF, EVENT_START, AGENT_DIALLING},
		{AGENT_DIALLING, EVENT_UP_NEW, AGENT_ENROLLING},
		{AGENT_ENROLLING, EVENT_ENROLLED, AGENT_WAITING},
		{AGENT_WAITING, EVENT_CHALLENGED, AGENT_ATTESTING},
		{AGENT_ATTESTING, EVENT_DECIDED, AGENT_WAITING},
		{AGENT_WAITING, EVENT_DOWN, AGENT_RESTING},
		{AGENT_RESTING, EVENT_TIMER, AGENT_DIALLING},
		{AGENT_DIALLING, EVENT_UP_KNOWN, AGENT_WAITING},
		{AGENT_WAITING, EVENT_STOP, AGENT_STOPPING},
		{AGENT_STOPPING, EVENT_DOWN, AGENT_STOPPED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof path / sizeof path[0]; i++) {
		const struct agent_transition *t = agent_transition_for(path[i].from, path[i].e);

		assert_non_null(t);
		assert_int_equal(t->next, path[i].to);
		assert_non_null(t->action);
	}
	/* evidence is never given before the verifier asked, nor after a refusal */
	assert_null(agent_transition_for(AGENT_DIALLING, EVENT_CHALLENGED));
	assert_null(agent_transition_for(AGENT_ENROLLING, EVENT_DECIDED));
	assert_null(agent_transition_for(AGENT_RESTING, EVENT_DOWN));
}

static void
pauses_grow_to_their_limit_and_differ(void **state)
{
	(void)state;
	assert_int_equal(agent_pause_ms(0, 60000, UINT32_MAX), 500);
	assert_int_equal(agent_pause_ms(1, 60000, UINT32_MAX), 1000);
	assert_int_equal(agent_pause_ms(7, 60000, UINT32_MAX), 60000);
	assert_int_equal(agent_pause_ms(UINT32_MAX, 60000, UINT32_MAX), 60000);
	assert_int_equal(agent_pause_ms(7, 60000, UINT32_MAX / 2), 29999);
	assert_int_equal(agent_pause_ms(7, 60000, 0), 100);
	assert_int_equal(agent_pause_ms(0, 60000, 0), 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(options_are_read),
		TEST(urls_are_taken_apart),
		TEST(bad_flags_are_named),
		TEST(a_file_gives_options_and_flags_win),
		TEST(bad_files_are_named_with_line_and_option),
		TEST(what_is_kept_is_found_again),
		TEST(an_empty_directory_is_a_new_device),
		TEST(a_key_is_never_replaced),
		TEST(one_directory_serves_one_agent),
		TEST(a_damaged_enrolment_is_refused_and_left_as_it_is),
		TEST(an_enrolment_without_its_key_is_refused),
		TEST(a_directory_that_cannot_be_had_is_named),
		TEST(a_boot_log_is_read_whole_or_not_at_all),
		TEST(every_state_can_be_left_and_stopped),
		TEST(events_lead_where_they_should),
		TEST(pauses_grow_to_their_limit_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
