/* test_collector.c: the collector as a process: it answers in time whatever it reads, tells
 * nothing that it has not measured, and hands over what proves itself. */
#include "tests/support/unit.h"

#include "attester/agent/collector.h"
#include "attester/context.h"
#include "evidence/envelope.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], config[96];
static struct collector c;

static void
put(const char *name, const char *text, size_t n)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

/* A large file that takes two seconds at this rate, behind a small one and a tree. */
static int
set_up(void **state)
{
	static char large[400000];
	char text[1024];

	(void)state;
	snprintf(dir, sizeof dir, "%s", "/tmp/collector.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	put("a-small", "content", 7);
	put("z-large", large, sizeof large);
	snprintf(config, sizeof config, "%s/c.yaml", dir);
	snprintf(text, sizeof text,
		 "measure:\n  root: %s\n  rate: 200k\n  full-every: 0\n  nice: 0\n  items:\n"
		 "    - {name: small, kind: file, path: /a-small}\n"
		 "    - {name: ztree, kind: units, path: /}\n"
		 "    - {name: zz, kind: file, path: /z-large}\n"
		 "health:\n  claims: [clock_time]\n",
		 dir);
	put("c.yaml", text, strlen(text));
	return collector_start(&c, config, "") == ASSAY_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	char command[96];

	(void)state;
	collector_stop(&c);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static uint64_t
now_ms(void)
{
	return measure_now_ns() / 1000000;
}

/* Asks, and waits for the answer; how long it took. */
static uint64_t
ask(uint32_t budget_ms, bool reread)
{
	uint64_t before = now_ms();
	enum assay_err e;

	assert_int_equal(collector_ask(&c, budget_ms, reread), ASSAY_OK);
	do {
		struct pollfd p = {c.fd, POLLIN, 0};

		assert_int_equal(poll(&p, 1, 20000), 1);
		e = collector_receive(&c);
		assert_true(e == ASSAY_OK || e == ASSAY_BUSY);
	} while (e != ASSAY_OK || c.answered != c.asked);
	return now_ms() - before;
}

/* The note of an item of the last snapshot, "" if it has a digest. */
static const char *
note_of(const char *name)
{
	static uint8_t bytes[MSG_CLAIMS_MAX], memory[MSG_ARENA_MAX];
	struct msg_claims m;
	struct arena a;
	ssize_t n = pread(c.claims, bytes, sizeof bytes, 0);

	assert_true(n > 0);
	arena_init(&a, memory, sizeof memory);
	assert_int_equal(envelope_decode_claims(SPAN(bytes, (size_t)n), &a, &m), ASSAY_OK);
	assert_int_equal(m.nsoftware, 3);
	for (size_t i = 0; i < m.nsoftware; i++)
		if (span_equal(m.software[i].name, SPAN(name, strlen(name)))) {
			assert_int_equal(m.software[i].note.n == 0, m.software[i].digest.n == 32);
			return (const char *)m.software[i].note.p;
		}
	fail();
	return NULL;
}

static void
an_answer_comes_in_time_and_tells_what_is_not_measured_yet(void **state)
{
	uint64_t took = ask(500, false);

	(void)state;
	assert_true(took >= 450 && took < 1500);
	assert_false(c.complete);
	assert_string_equal(note_of("small"), "");
	assert_string_equal(note_of("zz"), "not-yet-measured");
	took = ask(20000, false); /* reading has gone on meanwhile */
	assert_true(took < 5000);
	assert_true(c.complete);
	assert_string_equal(note_of("zz"), "");
	took = ask(20000, false);
	assert_true(took < 5000);
}

static void
on_demand_nothing_old_is_told(void **state)
{
	(void)state;
	(void)ask(20000, false);
	assert_string_equal(note_of("zz"), "");
	(void)ask(300, true);
	assert_false(c.complete);
	assert_string_equal(note_of("zz"), "not-yet-measured");
	/* a demand while it reads: what this round has already read counts no more */
	(void)ask(1, true);
	assert_false(c.complete);
	assert_string_equal(note_of("small"), "not-yet-measured");
	(void)ask(20000, false);
	assert_true(c.complete);
	assert_string_equal(note_of("small"), "");
	assert_string_equal(note_of("zz"), "");
}

static void
a_manifest_is_found_by_its_digest_and_proves_itself(void **state)
{
	static uint8_t bytes[MSG_CLAIMS_MAX], memory[MSG_ARENA_MAX], manifest[8192];
	const uint8_t other[32] = {1};
	struct msg_claims m;
	struct arena a;
	uint8_t digest[32];
	bool end = false;
	size_t len;
	ssize_t n;

	(void)state;
	(void)ask(20000, false);
	n = pread(c.claims, bytes, sizeof bytes, 0);
	assert_true(n > 0);
	arena_init(&a, memory, sizeof memory);
	assert_int_equal(envelope_decode_claims(SPAN(bytes, (size_t)n), &a, &m), ASSAY_OK);
	assert_int_equal(collector_files(&c, m.software[1].digest.p, 0, manifest, sizeof manifest,
					 &len, &end),
			 ASSAY_OK);
	assert_true(end);
	assert_int_equal(digest_sha256(SPAN(manifest, len), digest), ASSAY_OK);
	assert_true(span_equal(SPAN(digest, 32), m.software[1].digest));
	assert_int_equal(collector_files(&c, digest, 5, manifest, 4, &len, &end), ASSAY_OK);
	assert_int_equal(len, 4);
	assert_false(end);
	assert_int_equal(collector_files(&c, digest, 1u << 20, manifest, 4, &len, &end),
			 ASSAY_NOT_FOUND);
	assert_int_equal(collector_files(&c, other, 0, manifest, 4, &len, &end), ASSAY_NOT_FOUND);
	/* what it handed over can be changed by nobody */
	assert_int_equal(pwrite(c.claims, "x", 1, 0), -1);
	assert_int_equal(ftruncate(c.manifests, 0), -1);
}

static enum assay_err
no_identity(void *self, struct assay_identity *ret)
{
	(void)self;
	(void)ret;
	return ASSAY_STATE;
}

static enum assay_err
no_signature(void *self, const uint8_t message[32], uint8_t *ret, size_t cap, size_t *ret_len)
{
	(void)self;
	(void)message;
	(void)ret;
	(void)cap;
	(void)ret_len;
	return ASSAY_STATE;
}

/* Whoever makes the collector hang must not keep what it measured before alive. */
static void
without_an_answer_nothing_measured_before_is_told(void **state)
{
	static const uint8_t start[16] = {1};
	struct assay_attester_config config_of = {.backend = {.identity = no_identity,
							      .sign = no_signature},
						  .agent = "test",
						  .start_id = start,
						  .start_count = 1,
						  .part_max = ASSAY_PART_MIN};
	void *memory = malloc(assay_attester_size(&config_of));
	struct assay_attester *a;

	(void)state;
	assert_non_null(memory);
	assert_int_equal(assay_attester_init(memory, assay_attester_size(&config_of), &config_of,
					     &a),
			 ASSAY_OK);
	(void)ask(20000, false);
	assert_int_equal(collector_claims(&c, &a->said, false), ASSAY_OK);
	assert_int_equal(a->said.m.nsoftware, 3);
	assert_int_equal(a->said.m.software[0].digest.n, 32);
	assert_int_equal(a->said.m.nhealth, 1);
	assert_int_equal(kill(c.pid, SIGSTOP), 0);
	assert_int_equal(collector_ask(&c, 100, false), ASSAY_OK);
	a->said.m.nsoftware = a->said.m.nhealth = a->said.m.nsettings = 0;
	assert_int_equal(collector_claims(&c, &a->said, false), ASSAY_OK);
	assert_int_equal(a->said.m.nsoftware, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(a->said.m.software[i].digest.n, 0);
		assert_true(span_equal(a->said.m.software[i].note, SPAN("not-yet-measured", 16)));
	}
	assert_int_equal(a->said.m.nhealth, 0);
	assert_int_equal(kill(c.pid, SIGCONT), 0);
	(void)ask(20000, false);
	a->said.m.nsoftware = 0;
	assert_int_equal(collector_claims(&c, &a->said, false), ASSAY_OK);
	assert_int_equal(a->said.m.software[0].digest.n, 32);
	free(memory);
}

static void
a_collector_that_has_ended_is_noticed(void **state)
{
	struct pollfd p = {c.fd, POLLIN, 0};

	(void)state;
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(collector_receive(&c), ASSAY_UNREACHABLE);
	assert_int_equal(collector_ask(&c, 100, false), ASSAY_UNREACHABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_comes_in_time_and_tells_what_is_not_measured_yet),
		TEST(on_demand_nothing_old_is_told),
		TEST(a_manifest_is_found_by_its_digest_and_proves_itself),
		TEST(without_an_answer_nothing_measured_before_is_told),
		TEST(a_collector_that_has_ended_is_noticed),
	};

	if (argc > 1 && strcmp(argv[1], COLLECTOR_COMMAND) == 0)
		return collector_main(argc, argv); /* started again by collector_start() */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
