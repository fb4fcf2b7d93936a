/* test_attester_offline.c: the library without a connection: a challenge in a file, and the
 * file that answers it. */
#include "tests/support/imamade.h"
#include "tests/support/unit.h"

#include "evidence/challengefile.h"
#include "evidence/evidencefile.h"
#include "verifier/result/signing.h"

#include <assay/offline.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1795341600
#define MANY 400 /* software items: more than fits a proof */

static char dir[64];
static struct signing *signing;
static struct span ak;
static struct tpm_name name;
static struct assay_attester *attester;
static void *memory;
static uint8_t log_bytes[70000], list_bytes[400000], out[1u << 20];
static size_t list_len, grown, out_len, out_max;
static bool many;
static unsigned quotes;

/* ---- the device ---- */

static enum assay_err
identity(void *self, struct assay_identity *ret)
{
	(void)self;
	memset(ret, 0, sizeof *ret);
	ret->ak_public = (struct assay_bytes){ak.p, ak.n};
	ret->bank_count = 1;
	ret->banks[0] = ALG_SHA256;
	return ASSAY_OK;
}

static enum assay_err
activate(void *self, struct assay_bytes blob, struct assay_bytes secret, uint8_t ret[32])
{
	(void)self, (void)blob, (void)secret, (void)ret;
	return ASSAY_UNSUPPORTED;
}

static enum assay_err
quote(void *self, const struct assay_selection *banks, size_t count, const uint8_t qualifying[32],
      struct assay_quotes *ret)
{
	(void)self;
	quotes++;
	assert_int_equal(count, 1);
	assert_int_equal(banks[0].mask, 0x401);
	ret->quote_count = 1;
	ret->quote[0].attest_len = 32;
	memcpy(ret->quote[0].attest, qualifying, 32);
	ret->quote[0].signature_len = 3;
	memcpy(ret->quote[0].signature, "sig", 3);
	ret->bank_count = 1;
	ret->bank[0].alg = ALG_SHA256;
	ret->bank[0].mask = 0x401;
	ret->bank[0].len = 64;
	list_len += grown; /* something runs between the count and the sending */
	return ASSAY_OK;
}

static enum assay_err
boot_log(void *self, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	(void)self;
	assert_true(cap >= sizeof log_bytes);
	memcpy(buffer, log_bytes, sizeof log_bytes);
	*ret_len = sizeof log_bytes;
	return ASSAY_OK;
}

static enum assay_err
ima_list(void *self, uint64_t offset, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	size_t left = offset < list_len ? list_len - (size_t)offset : 0;

	(void)self;
	*ret_len = left < cap ? left : cap;
	memcpy(buffer, list_bytes + offset, *ret_len);
	return ASSAY_OK;
}

static enum assay_err
claims(void *self, struct assay_claims *c, bool reread)
{
	static char names[MANY][24];

	(void)self;
	assert_true(reread);
	for (unsigned i = 0; many && i < MANY; i++) {
		struct assay_software s = {.name = names[i], .kind = "file", .digest = log_bytes};
		enum assay_err e;

		snprintf(names[i], sizeof names[i], "item-%04u", i);
		if ((e = assay_claims_software(c, &s)) != ASSAY_OK)
			return e;
	}
	return ASSAY_OK;
}

static enum assay_err
sink(void *self, const uint8_t *bytes, size_t len)
{
	(void)self;
	if (len > out_max - out_len)
		return ASSAY_FULL;
	memcpy(out + out_len, bytes, len);
	out_len += len;
	return ASSAY_OK;
}

static void
fill_list(unsigned entries)
{
	static struct imamade m;

	for (unsigned i = 0; i < entries; i++) {
		char path[64];

		snprintf(path, sizeof path, "/usr/lib/file-%u", i);
		imamade_begin(&m, ALG_SHA1, false);
		imamade_file(&m, path, (uint8_t)i);
		assert_true(imamade_list(&m).n <= sizeof list_bytes - list_len);
		memcpy(list_bytes + list_len, imamade_list(&m).p, imamade_list(&m).n);
		list_len += imamade_list(&m).n;
	}
}

static void
begin(bool enrolled)
{
	struct assay_attester_config c = {
		.backend = {.identity = identity, .activate = activate, .quote = quote},
		.boot_log = boot_log,
		.ima_list = ima_list,
		.claims = claims,
		.agent = "test 1",
		.enrolled = enrolled,
		.part_max = ASSAY_PART_MIN,
		.software_max = MANY,
		.claims_max = ASSAY_CLAIMS_MAX,
	};
	size_t size = assay_attester_size(&c);

	free(memory);
	memory = malloc(size);
	assert_non_null(memory);
	memset(memory, 0xA5, size);
	assert_int_equal(assay_attester_init(memory, size, &c, &attester), ASSAY_OK);
}

static int
set_up(void **state)
{
	static struct span public; /* with its size in front */
	struct tpm_public p;

	(void)state;
	if (!public.p)
		public = unit_data("quote/uki-good.pub");
	ak = SPAN(public.p + 2, public.n - 2);
	assert_int_equal(tpmt_public_parse(ak, &p), ASSAY_OK);
	assert_int_equal(tpmt_public_name(&p, &name), ASSAY_OK);
	list_len = grown = out_len = 0;
	out_max = sizeof out;
	many = false;
	quotes = 0;
	memset(log_bytes, 0x5C, sizeof log_bytes);
	begin(true);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(memory);
	memory = NULL;
	return 0;
}

/* ---- the verifier ---- */

static struct challenge_file
sample(void)
{
	struct challenge_file c = {.issued = NOW,
				   .expires = NOW + 60,
				   .device = "0123456789abcdef0123456789abcdef",
				   .key_name = name,
				   .nonce = {9, 8, 7},
				   .asked = {1, {{ALG_SHA256, 0x401}}}};

	snprintf(c.issuer, sizeof c.issuer, "%s", signing_issuer(signing));
	return c;
}

static struct assay_bytes
make(const struct challenge_file *c)
{
	static uint8_t file[CHALLENGEFILE_MAX];
	uint8_t payload[CHALLENGEFILE_PAYLOAD_MAX], jws[4096];
	struct writer p, j, w;

	wr_init(&p, payload, sizeof payload);
	wr_init(&j, jws, sizeof jws);
	wr_init(&w, file, sizeof file);
	assert_int_equal(challenge_payload_write(c, &p), ASSAY_OK);
	assert_int_equal(signer_jws(signing_decision(signing), CHALLENGEFILE_TYP, wr_span(&p), &j),
			 ASSAY_OK);
	assert_int_equal(challenge_file_write(signing_chain(signing), wr_span(&j), &w), ASSAY_OK);
	return (struct assay_bytes){file, w.len};
}

static enum assay_err
collect(const struct challenge_file *c, const char *root)
{
	struct assay_collection x = {.challenge = make(c), .root = root, .sink = sink};

	out_len = 0;
	return assay_attester_collect(attester, &x);
}

/* The proof in what was written; it is bound to this challenge, no channel and the claims. */
static void
assert_evidence(const struct challenge_file *c, struct evidence_file *ret)
{
	static uint8_t memory_of_proof[MSG_ARENA_SMALL];
	struct binding b = {.kind = BINDING_TPM_OFFLINE,
			    .key_name = SPAN(name.b, name.len),
			    .nonce = SPAN(c->nonce, 32)};
	uint8_t bound[BINDING_SIZE];
	struct msg_proof p;
	struct arena a;

	assert_int_equal(evidence_file_parse(SPAN(out, out_len), ret), ASSAY_OK);
	assert_true(span_equal(ret->nonce, SPAN(c->nonce, 32)));
	arena_init(&a, memory_of_proof, sizeof memory_of_proof);
	assert_int_equal(envelope_decode_proof(ret->proof, &a, &p), ASSAY_OK);
	b.claims = ret->claims.n ? ret->claims : p.claims;
	assert_true(b.claims.n > 0);
	assert_int_equal(binding_compute(&b, bound), ASSAY_OK);
	assert_true(span_equal(p.quotes[0].attest, SPAN(bound, sizeof bound)));
	assert_true(span_equal(ret->boot_log, SPAN(log_bytes, sizeof log_bytes)));
}

/* ---- cases ---- */

static void
a_file_answers_a_file_with_everything_that_there_is(void **state)
{
	struct challenge_file c = sample();
	struct evidence_file f;

	(void)state;
	fill_list(2000);
	assert_int_equal(collect(&c, signing_root(signing)), ASSAY_OK);
	assert_int_equal(quotes, 1);
	assert_evidence(&c, &f);
	assert_true(f.has_ima);
	assert_true(span_equal(f.ima, SPAN(list_bytes, list_len)));
	assert_int_equal(f.claims.n, 0); /* they are in the proof */
}

static void
claims_that_do_not_fit_the_proof_stand_beside_it(void **state)
{
	struct challenge_file c = sample();
	struct evidence_file f;

	(void)state;
	many = true;
	assert_int_equal(collect(&c, NULL), ASSAY_OK);
	assert_evidence(&c, &f);
	assert_true(f.claims.n > MSG_CLAIMS_INLINE_MAX);
	assert_false(f.has_ima);
}

static void
a_list_that_grows_meanwhile_is_told_as_it_was_counted(void **state)
{
	struct challenge_file c = sample();
	struct evidence_file f;
	size_t counted;

	(void)state;
	fill_list(300);
	counted = list_len;
	fill_list(50);
	grown = list_len - counted;
	list_len = counted;
	assert_int_equal(collect(&c, NULL), ASSAY_OK);
	assert_evidence(&c, &f);
	assert_true(span_equal(f.ima, SPAN(list_bytes, counted)));
}

static void
it_can_be_collected_again_and_a_connection_comes_up_after_it(void **state)
{
	static const uint8_t exporter[32] = {1};
	struct challenge_file c = sample();
	struct evidence_file f;
	struct assay_bytes b;

	(void)state;
	fill_list(100);
	assert_int_equal(collect(&c, NULL), ASSAY_OK);
	c.nonce[5] = 1;
	assert_int_equal(collect(&c, NULL), ASSAY_OK);
	assert_evidence(&c, &f);
	assert_true(span_equal(f.ima, SPAN(list_bytes, list_len)));
	assert_int_equal(assay_attester_next(attester, &b), ASSAY_OK);
	assert_int_equal(b.len, 0); /* nothing of it goes out on a connection */
	assert_int_equal(assay_attester_connected(attester, exporter, sizeof exporter), ASSAY_OK);
	assert_int_equal(assay_attester_next(attester, &b), ASSAY_OK);
	assert_int_equal(frame_type(SPAN(b.data, b.len)), MSG_HELLO);
}

/* No quote is made for what is not to be answered. */
static void
what_is_for_others_or_altered_is_not_answered(void **state)
{
	struct challenge_file c = sample();
	struct assay_bytes file;
	struct assay_collection x = {.sink = sink};

	(void)state;
	assert_int_equal(collect(&c, "AAAA"), ASSAY_MISMATCH);
	c.key_name.b[20] ^= 1;
	assert_int_equal(collect(&c, NULL), ASSAY_MISMATCH);
	c = sample();
	c.asked.count = 0;
	assert_int_equal(collect(&c, NULL), ASSAY_MISSING);
	c = sample();
	file = make(&c);
	((uint8_t *)(uintptr_t)file.data)[file.len - 10] ^= 1;
	x.challenge = file;
	assert_int_not_equal(assay_attester_collect(attester, &x), ASSAY_OK);
	x.challenge.len = 17;
	assert_int_equal(assay_attester_collect(attester, &x), ASSAY_BAD_MAGIC);
	begin(false);
	assert_int_equal(collect(&c, NULL), ASSAY_STATE);
	assert_int_equal(quotes, 0);
	assert_int_equal(out_len, 0);
}

static void
a_sink_that_is_full_ends_it_wherever_that_is(void **state)
{
	struct challenge_file c = sample();
	struct evidence_file f;
	size_t all;

	(void)state;
	fill_list(500);
	assert_int_equal(collect(&c, NULL), ASSAY_OK);
	all = out_len;
	for (out_max = 0; out_max < all; out_max += 997)
		assert_int_equal(collect(&c, NULL), ASSAY_FULL);
	out_max = all;
	assert_int_equal(collect(&c, NULL), ASSAY_OK);
	assert_evidence(&c, &f);
}

static int
open_keys(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/assay-collect-XXXXXX");
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
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof path, i < 2 ? "%s/sign-%03u.key" : "%s/chain", dir, i);
		(void)unlink(path);
	}
	return rmdir(dir);
}

#define OFFLINE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		OFFLINE_TEST(a_file_answers_a_file_with_everything_that_there_is),
		OFFLINE_TEST(claims_that_do_not_fit_the_proof_stand_beside_it),
		OFFLINE_TEST(a_list_that_grows_meanwhile_is_told_as_it_was_counted),
		OFFLINE_TEST(it_can_be_collected_again_and_a_connection_comes_up_after_it),
		OFFLINE_TEST(what_is_for_others_or_altered_is_not_answered),
		OFFLINE_TEST(a_sink_that_is_full_ends_it_wherever_that_is),
	};

	return cmocka_run_group_tests(tests, open_keys, close_keys);
}
