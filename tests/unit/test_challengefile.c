/* test_challengefile.c: challenges in files: read back, and refused when anything is not as
 * it was signed. */
#include "tests/support/unit.h"

#include "evidence/challengefile.h"
#include "verifier/result/signing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1795341600

static char dir[64];
static struct signing *signing;
static uint8_t file[CHALLENGEFILE_MAX], copy[CHALLENGEFILE_MAX];

static int
open_keys(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/assay-challenge-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(signing_open(dir, NOW - 100, &signing), ASSAY_OK);
	return 0;
}

static int
close_keys(void **state)
{
	char path[128];

	(void)state;
	signing_close(signing);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(path, sizeof path, "%s/sign-%03u.key", dir, i);
		(void)unlink(path);
	}
	snprintf(path, sizeof path, "%s/chain", dir);
	(void)unlink(path);
	return rmdir(dir);
}

static struct challenge_file
sample(void)
{
	struct challenge_file c = {.issued = NOW,
				   .expires = NOW + 3600,
				   .device = "0123456789abcdef0123456789abcdef",
				   .name = "pump-7",
				   .key_name = {.len = 34, .b = {0, 0x0B, 7}},
				   .nonce = {1, 2, 3},
				   .asked = {2, {{0x0B, 0x7BFF}, {0x0C, 1}}}};

	snprintf(c.issuer, sizeof c.issuer, "%s", signing_issuer(signing));
	return c;
}

/* The payload as text, signed as another type if typ says so. */
static struct span
make_text(const char *payload, const char *typ, uint8_t *to)
{
	uint8_t jws[8192];
	struct writer j, w;

	wr_init(&j, jws, sizeof jws);
	wr_init(&w, to, CHALLENGEFILE_MAX);
	assert_int_equal(signer_jws(signing_decision(signing), typ,
				    SPAN(payload, strlen(payload)), &j), ASSAY_OK);
	assert_int_equal(challenge_file_write(signing_chain(signing), wr_span(&j), &w), ASSAY_OK);
	return wr_span(&w);
}

static struct span
make(const struct challenge_file *c, uint8_t *to)
{
	char payload[CHALLENGEFILE_PAYLOAD_MAX + 1];
	struct writer p;

	wr_init(&p, payload, sizeof payload - 1);
	assert_int_equal(challenge_payload_write(c, &p), ASSAY_OK);
	payload[p.len] = '\0';
	return make_text(payload, CHALLENGEFILE_TYP, to);
}

static void
reads_what_it_wrote_and_who_signed_it(void **state)
{
	struct challenge_file c = sample(), got;
	struct span f = make(&c, file);

	(void)state;
	assert_true(challenge_file_is(f));
	assert_int_equal(challenge_file_parse(f, NULL, &got), ASSAY_OK);
	assert_string_equal(got.root, signing_root(signing));
	assert_string_equal(got.issuer, c.issuer);
	assert_string_equal(got.device, c.device);
	assert_string_equal(got.name, c.name);
	assert_int_equal(got.issued, c.issued);
	assert_int_equal(got.expires, c.expires);
	assert_int_equal(got.key_name.len, 34);
	assert_memory_equal(got.key_name.b, c.key_name.b, 34);
	assert_memory_equal(got.nonce, c.nonce, 32);
	assert_true(pcr_selection_equal(&got.asked, &c.asked));
	assert_int_equal(challenge_file_parse(f, signing_root(signing), &got), ASSAY_OK);
	assert_int_equal(challenge_file_parse(f, "AAAA", &got), ASSAY_MISMATCH);
}

static void
a_device_without_a_name_and_without_a_tpm_has_its_challenge(void **state)
{
	struct challenge_file c = sample(), got;

	(void)state;
	c.name[0] = '\0';
	c.asked.count = 0;
	assert_int_equal(challenge_file_parse(make(&c, file), NULL, &got), ASSAY_OK);
	assert_string_equal(got.name, "");
	assert_int_equal(got.asked.count, 0);
}

/* Q13 */
static void
refuses_every_truncation_and_extension(void **state)
{
	struct challenge_file c = sample(), got;
	struct span f = make(&c, file);

	(void)state;
	for (size_t n = 0; n < f.n; n++)
		assert_int_not_equal(challenge_file_parse(SPAN(f.p, n), NULL, &got), ASSAY_OK);
	memcpy(copy, f.p, f.n);
	for (unsigned b = 0; b < 256; b++) {
		copy[f.n] = (uint8_t)b;
		assert_int_not_equal(challenge_file_parse(SPAN(copy, f.n + 1), NULL, &got),
				     ASSAY_OK);
	}
}

/* Whoever altered it: what is asked, of whom, until when. */
static void
refuses_every_flipped_bit(void **state)
{
	struct challenge_file c = sample(), got;
	struct span f = make(&c, file);

	(void)state;
	for (size_t i = 0; i < f.n; i++) {
		memcpy(copy, f.p, f.n);
		copy[i] ^= (uint8_t)(1u << (i % 8));
		if (challenge_file_parse(SPAN(copy, f.n), NULL, &got) == ASSAY_OK)
			fail_msg("bit %zu of byte %zu", i % 8, i);
	}
}

static void
refuses_what_is_signed_as_something_else(void **state)
{
	struct challenge_file got;
	struct writer p;
	char payload[CHALLENGEFILE_PAYLOAD_MAX + 1];
	struct challenge_file c = sample();

	(void)state;
	wr_init(&p, payload, sizeof payload - 1);
	assert_int_equal(challenge_payload_write(&c, &p), ASSAY_OK);
	payload[p.len] = '\0';
	assert_int_equal(challenge_file_parse(make_text(payload, "assay-decision+jwt", file), NULL,
					      &got), ASSAY_BAD_TYPE);
	assert_int_equal(challenge_file_parse(SPAN("ASSAY-CHALLENGE-2\n", 18), NULL, &got),
			 ASSAY_BAD_MAGIC);
	assert_int_equal(challenge_file_parse(SPAN("ASSAY-CHALLENGE-1\n", 18), NULL, &got),
			 ASSAY_TRUNCATED);
}

#define HEAD "\"iss\":\"%s\",\"iat\":1795341600,\"exp\":1795345200,"                               \
	     "\"device\":\"0123456789abcdef0123456789abcdef\","
#define KEY "\"key\":\"000b07\","
#define KEY4 "\"key\":\"000b0701\","
#define NONCE                                                                                  \
	"\"nonce\":\"0101010101010101010101010101010101010101010101010101010101010101\","

/* Properly signed, so that it is the form that is refused. */
static void
refuses_payloads_of_another_form(void **state)
{
	static const struct {
		const char *text;
		enum assay_err e;
	} cases[] = {
		{"{" HEAD KEY4 NONCE "\"pcrs\":[]}", ASSAY_OK},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[[11,1]]}", ASSAY_OK},
		{"{" HEAD KEY NONCE "\"pcrs\":[]}", ASSAY_MALFORMED},
		{"{" HEAD NONCE "\"pcrs\":[]}", ASSAY_MISSING},
		{"{" HEAD KEY4 "\"nonce\":\"00\",\"pcrs\":[]}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":{}}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[11]}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[[11]]}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[[11,1,1]]}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[[11,0]]}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[[11,16777216]]}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[[65547,1]]}", ASSAY_MALFORMED},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[[11,1],[11,2]]}", ASSAY_DUPLICATE},
		{"{" HEAD KEY4 NONCE "\"pcrs\":[],\"more\":1}", ASSAY_UNSUPPORTED},
		{"{" HEAD KEY4 NONCE NONCE "\"pcrs\":[]}", ASSAY_DUPLICATE},
		{"[\"%s\"]", ASSAY_MALFORMED},
		{"{\"iss\":\"%s\",\"iat\":9,\"exp\":9}", ASSAY_MISSING},
	};
	char text[CHALLENGEFILE_PAYLOAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct challenge_file got;
		enum assay_err e;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof text, cases[i].text, signing_issuer(signing));
#pragma GCC diagnostic pop
		e = challenge_file_parse(make_text(text, CHALLENGEFILE_TYP, file), NULL, &got);
		if (e != cases[i].e)
			fail_msg("%s: %s", text, assay_err_name(e));
	}
}

static void
refuses_another_verifiers_name_and_an_end_before_the_beginning(void **state)
{
	struct challenge_file c = sample(), got;
	struct writer w;

	(void)state;
	snprintf(c.issuer, sizeof c.issuer, "urn:assay:somebody");
	assert_int_equal(challenge_file_parse(make(&c, file), NULL, &got), ASSAY_MISMATCH);
	c = sample();
	c.expires = c.issued;
	wr_init(&w, copy, sizeof copy);
	assert_int_equal(challenge_payload_write(&c, &w), ASSAY_MALFORMED);
}

/* A key that was replaced signs nothing any more; what it signed before stays good. */
static void
holds_after_a_rotation_and_is_of_its_time(void **state)
{
	struct challenge_file c = sample(), got;
	struct span before;
	bool changed;
	size_t n;

	(void)state;
	before = make(&c, file);
	n = before.n;
	assert_int_equal(signing_rotate(signing, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(signing_settle(signing, &changed), ASSAY_OK);
	assert_int_equal(challenge_file_parse(SPAN(file, n), signing_root(signing), &got),
			 ASSAY_OK);
	c.issued = NOW + 20;
	before = make(&c, copy);
	assert_int_equal(challenge_file_parse(before, signing_root(signing), &got), ASSAY_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_wrote_and_who_signed_it),
		cmocka_unit_test(a_device_without_a_name_and_without_a_tpm_has_its_challenge),
		cmocka_unit_test(refuses_every_truncation_and_extension),
		cmocka_unit_test(refuses_every_flipped_bit),
		cmocka_unit_test(refuses_what_is_signed_as_something_else),
		cmocka_unit_test(refuses_payloads_of_another_form),
		cmocka_unit_test(refuses_another_verifiers_name_and_an_end_before_the_beginning),
		cmocka_unit_test(holds_after_a_rotation_and_is_of_its_time),
	};

	return cmocka_run_group_tests(tests, open_keys, close_keys);
}
