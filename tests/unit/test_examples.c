/* test_examples.c: attester/examples/memory.c, run as it is: what it measures of its own
 * memory is in the claims of the proof that it answers a challenge with. */
#include "tests/support/frames.h"
#include "tests/support/unit.h"

#include "evidence/writer.h"

#include <assay/attester.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char firmware[] = "imagine 512 KiB of flash here";

struct run {
	pid_t pid;
	int in, out;
	char key[64];
};

static const char *
program(void)
{
	static char path[512];
	const char *bin = getenv("ASSAY_BIN");

	snprintf(path, sizeof path, "%s/attester/examples/memory", bin ? bin : "build/release");
	return access(path, X_OK) == 0 ? path : NULL;
}

static void
start(struct run *r)
{
	uint8_t key[ASSAY_PRIVATE_KEY_MAX];
	int to[2], from[2], fd;
	size_t n;

	memcpy(r->key, "/tmp/key.XXXXXX", 16);
	fd = mkstemp(r->key);
	assert_true(fd >= 0);
	assert_int_equal(assay_key_make(ASSAY_KEY_ECC_P256, key, sizeof key, &n), ASSAY_OK);
	assert_int_equal(write(fd, key, n), n);
	close(fd);
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	r->pid = fork();
	if (r->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl(program(), "memory", r->key, (char *)NULL);
		_exit(127);
	}
	assert_true(r->pid > 0);
	close(to[0]);
	close(from[1]);
	r->in = to[1];
	r->out = from[0];
}

static void
read_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);

		assert_true(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

/* The next message out of the program. */
static struct span
message(struct run *r)
{
	static uint8_t buf[65536];
	uint8_t size[2];
	size_t n;

	read_all(r->out, size, 2);
	n = (size_t)size[0] << 8 | size[1];
	read_all(r->out, buf, n);
	return SPAN(buf, n);
}

static void
tell(struct run *r, struct span m)
{
	const uint8_t size[2] = {(uint8_t)(m.n >> 8), (uint8_t)m.n};

	assert_int_equal(write(r->in, size, 2), 2);
	assert_int_equal(write(r->in, m.p, m.n), m.n);
}

static void
the_memory_example_measures_itself_and_answers_bytes_with_bytes(void **state)
{
	struct msg_challenge c = {.deadline_ms = 1000};
	static uint8_t frame[4096], claims_memory[MSG_ARENA_MAX], nonce[32] = {1};
	static struct msg_proof p;
	struct msg_claims m;
	struct arena a;
	uint8_t digest[32];
	struct run r;
	size_t n;
	int status;

	(void)state;
	if (!program()) {
		print_message("the examples are not built: make all\n");
		skip();
	}
	start(&r);
	assert_int_equal(frame_type(message(&r)), MSG_HELLO);
	c.nonce = SPAN(nonce, 32);
	c.pcrs.count = 1;
	c.pcrs.bank[0].alg = ALG_SHA256;
	c.pcrs.bank[0].mask = 1;
	assert_int_equal(envelope_encode_challenge(&c, frame, sizeof frame, &n), ASSAY_OK);
	tell(&r, SPAN(frame, n));
	assert_int_equal(envelope_decode_proof(message(&r), frames_arena(), &p), ASSAY_OK);
	arena_init(&a, claims_memory, sizeof claims_memory);
	assert_int_equal(envelope_decode_claims(p.claims, &a, &m), ASSAY_OK);
	assert_int_equal(m.nsoftware, 2);
	assert_true(span_equal(m.software[0].name, SPAN("firmware", 8)));
	assert_int_equal(digest_sha256(SPAN(firmware, sizeof firmware), digest), ASSAY_OK);
	assert_true(span_equal(m.software[0].digest, SPAN(digest, 32)));
	assert_true(span_equal(m.software[0].version, SPAN("4.2.1", 5)));
	assert_int_equal(m.nsettings, 1);
	assert_true(span_equal(m.health[0].value, SPAN("41", 2)));
	close(r.in); /* the end of its input ends it */
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(r.out);
	unlink(r.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_memory_example_measures_itself_and_answers_bytes_with_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
