/* test_attester_ima.c: the IMA list as the attester library and its collector read it:
 * any entry on, in pieces, and never more than what is new. */
#include "tests/support/frames.h"
#include "tests/support/imamade.h"
#include "tests/support/unit.h"

#include "attester/collect/imalist.h"
#include "evidence/imawalk.h"

#include <assay/attester.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGE 300000u /* bytes of data of an entry larger than any piece */

static struct assay_attester *attester;
static void *memory;
static struct imalist list;
static char path[64];
static struct span ak;
static const uint8_t exporter[32] = {1};
static uint8_t got[8u << 20];
static size_t got_len;

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
	(void)self, (void)banks, (void)count;
	ret->quote_count = 1;
	ret->quote[0].attest_len = 32;
	memcpy(ret->quote[0].attest, qualifying, 32);
	ret->quote[0].signature_len = 3;
	memcpy(ret->quote[0].signature, "sig", 3);
	ret->bank_count = 1;
	ret->bank[0].alg = ALG_SHA256;
	ret->bank[0].mask = 1u << 10;
	ret->bank[0].len = 32;
	return ASSAY_OK;
}

static void
append(struct span bytes)
{
	FILE *f = fopen(path, "ab");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

/* n entries of ima-ng, numbered on; their bytes. */
static size_t
grow(unsigned n)
{
	static unsigned number;
	static struct imamade m;
	size_t bytes = 0;

	for (unsigned i = 0; i < n; i++) {
		char name[64];

		snprintf(name, sizeof name, "/usr/lib/file-%0*u", (int)(number % 17 + 1), number);
		number++;
		imamade_begin(&m, ALG_SHA1, false);
		imamade_file(&m, name, (uint8_t)number);
		append(imamade_list(&m));
		bytes += imamade_list(&m).n;
	}
	return bytes;
}

static void
grow_large(void)
{
	uint8_t *p = calloc(1, LARGE + 64);
	struct writer w;

	assert_non_null(p);
	wr_init(&w, p, LARGE + 64);
	wr_le32(&w, IMALOG_PCR);
	w.len += 20;
	wr_le32(&w, 7);
	wr_bytes(&w, SPAN("ima-buf", 7));
	wr_le32(&w, LARGE);
	append(SPAN(p, w.len + LARGE));
	free(p);
}

static int
set_up(void **state)
{
	struct assay_attester_config c = {.backend = {.identity = identity,
						     .activate = activate,
						     .quote = quote},
					  .ima_list = imalist_read,
					  .ima_list_self = &list,
					  .agent = "test 1",
					  .enrolled = true,
					  .part_max = ASSAY_PART_MIN};
	static struct span public; /* with its size in front */
	size_t size = assay_attester_size(&c);
	int fd;

	(void)state;
	if (!public.p)
		public = unit_data("quote/uki-good.pub");
	ak = SPAN(public.p + 2, public.n - 2);
	strcpy(path, "/tmp/assay-ima-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	imalist_init(&list, path);
	memory = malloc(size);
	assert_non_null(memory);
	memset(memory, 0xA5, size);
	assert_int_equal(assay_attester_init(memory, size, &c, &attester), ASSAY_OK);
	assert_int_equal(assay_attester_connected(attester, exporter, 32), ASSAY_OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	imalist_close(&list);
	unlink(path);
	free(memory);
	return 0;
}

static void
receive(struct span frame)
{
	struct assay_event ev;

	assert_int_equal(assay_attester_received(attester, frame.p, frame.n, &ev), ASSAY_OK);
}

static struct span
next(void)
{
	struct assay_bytes b;

	assert_int_equal(assay_attester_next(attester, &b), ASSAY_OK);
	return SPAN(b.data, b.len);
}

/* A challenge; the number of entries that the claims name. */
static uint64_t
prove(void)
{
	static const uint8_t nonce[32] = {1, 2, 3};
	struct msg_challenge m = {SPAN(nonce, 32), {1, {{ALG_SHA256, 1u << 10}}}, 5000, true,
				  false};
	static uint8_t frame[MSG_CHALLENGE_MAX];
	struct msg_proof proof;
	struct msg_claims claims;
	struct span f;
	size_t n;

	assert_int_equal(envelope_encode_challenge(&m, frame, sizeof frame, &n), ASSAY_OK);
	receive(SPAN(frame, n));
	do
		f = next();
	while (frame_type(f) != MSG_PROOF);
	assert_int_equal(envelope_decode_proof(f, frames_arena(), &proof), ASSAY_OK);
	assert_int_equal(envelope_decode_claims(proof.claims, frames_arena(), &claims), ASSAY_OK);
	return claims.ima_entries;
}

/* The same quote's list from an entry on, into got; the number of pieces. */
static unsigned
ask(uint64_t from, uint64_t limit)
{
	struct msg_need need = {1, {{PART_IMA, from, limit, 0}}};
	uint8_t frame[MSG_NEED_MAX];
	struct msg_part p;
	unsigned pieces = 0;
	size_t n;

	assert_int_equal(envelope_encode_need(&need, frame, sizeof frame, &n), ASSAY_OK);
	receive(SPAN(frame, n));
	got_len = 0;
	do {
		assert_int_equal(envelope_decode_part(next(), frames_arena(), &p), ASSAY_OK);
		assert_int_equal(p.kind, PART_IMA);
		assert_int_equal(p.offset, got_len);
		assert_true(p.data.n <= ASSAY_PART_MIN && got_len + p.data.n <= sizeof got);
		if (p.data.n)
			memcpy(got + got_len, p.data.p, p.data.n);
		got_len += p.data.n;
		pieces++;
	} while (!p.last);
	assert_int_equal(next().n, 0);
	return pieces;
}

static void
is_file_from(size_t offset, size_t n)
{
	struct span all = unit_file(path);

	assert_int_equal(got_len, n);
	assert_true(offset + n <= all.n);
	assert_memory_equal(got, all.p + offset, n);
	unit_free(all);
}

/* ---- */

static void
a_list_goes_out_whole_in_pieces_of_whole_entries(void **state)
{
	size_t bytes = grow(3000);

	(void)state;
	assert_int_equal(prove(), 3000);
	assert_true(ask(0, IMALOG_MAX) > 3);
	is_file_from(0, bytes);
}

static void
any_entry_can_be_asked_for(void **state)
{
	size_t first = grow(700), second = grow(300);

	(void)state;
	assert_int_equal(prove(), 1000);
	ask(700, IMALOG_MAX);
	is_file_from(first, second);
	ask(0, IMALOG_MAX);
	is_file_from(0, first + second);
	ask(1000, IMALOG_MAX);
	assert_int_equal(got_len, 0);
	ask(1001, IMALOG_MAX);
	assert_int_equal(got_len, 0);
	ask(UINT64_MAX, IMALOG_MAX);
	assert_int_equal(got_len, 0);
}

static void
a_limit_cuts_between_entries(void **state)
{
	uint64_t n;
	struct imawalk w = {0};
	size_t at = 0;

	(void)state;
	grow(2000);
	prove();
	ask(0, 100000);
	assert_true(got_len <= 100000 && got_len > 99000);
	while (imawalk_length(&w, SPAN(got + at, got_len - at), &n) == ASSAY_OK)
		at += (size_t)n;
	assert_int_equal(at, got_len);
	ask(0, 1);
	assert_int_equal(got_len, 0);
}

static void
an_entry_larger_than_a_piece_goes_out_in_several(void **state)
{
	size_t first = grow(10), all;
	struct span file;

	(void)state;
	grow_large();
	grow(10);
	file = unit_file(path);
	all = file.n;
	unit_free(file);
	assert_int_equal(prove(), 21);
	assert_true(ask(0, IMALOG_MAX) > 4);
	is_file_from(0, all);
	ask(10, IMALOG_MAX);
	is_file_from(first, all - first);
	ask(0, LARGE / 2);
	is_file_from(0, first);
}

static void
what_grew_after_the_quote_is_sent_too_and_can_be_asked_again(void **state)
{
	size_t first = grow(100), late;

	(void)state;
	assert_int_equal(prove(), 100);
	late = grow(5);
	ask(0, IMALOG_MAX);
	is_file_from(0, first + late);
	assert_int_equal(prove(), 105);
	ask(100, IMALOG_MAX);
	is_file_from(first, late);
}

static void
a_tail_that_is_cut_is_not_sent(void **state)
{
	size_t whole = grow(20), all;
	struct span file;

	(void)state;
	grow(1);
	file = unit_file(path);
	all = file.n;
	unit_free(file);
	for (size_t cut = 1; cut < all - whole; cut++) {
		assert_int_equal(truncate(path, (off_t)(all - cut)), 0);
		assert_int_equal(prove(), 20);
		ask(0, IMALOG_MAX);
		is_file_from(0, whole);
	}
}

static void
another_list_is_counted_anew(void **state)
{
	size_t bytes;

	(void)state;
	grow(500);
	assert_int_equal(prove(), 500);
	assert_int_equal(unlink(path), 0); /* a reboot, as a test sees it */
	bytes = grow(30);
	assert_int_equal(prove(), 30);
	ask(0, IMALOG_MAX);
	is_file_from(0, bytes);
	assert_int_equal(truncate(path, 0), 0);
	bytes = grow(3);
	assert_int_equal(prove(), 3);
	ask(0, IMALOG_MAX);
	is_file_from(0, bytes);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(prove(), 0);
	ask(0, IMALOG_MAX);
	assert_int_equal(got_len, 0);
}

static void
garbage_is_no_list(void **state)
{
	uint8_t junk[3000];

	(void)state;
	memset(junk, 0xEE, sizeof junk);
	append(SPAN(junk, sizeof junk));
	assert_int_equal(prove(), 0);
	ask(0, IMALOG_MAX);
	assert_int_equal(got_len, 0);
}

/* A round of 20 new entries behind 50,000 old ones reads these 20 twice (to count and to
 * send them) and looks back nowhere. */
static void
a_round_costs_what_is_new(void **state)
{
	size_t bytes = grow(50000), more;
	uint64_t entries = 50000, before;

	(void)state;
	assert_int_equal(prove(), entries);
	ask(0, IMALOG_MAX);
	is_file_from(0, bytes);
	for (unsigned round = 0; round < 60; round++) {
		more = grow(20);
		before = list.bytes;
		assert_int_equal(prove(), entries + 20);
		ask(entries, IMALOG_MAX);
		is_file_from(bytes, more);
		assert_int_equal(list.bytes - before, 2 * more);
		bytes += more;
		entries += 20;
	}
	assert_int_equal(list.seeks, 0);
	before = list.bytes;
	assert_int_equal(prove(), entries); /* a quiet round */
	assert_int_equal(list.bytes, before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void
an_ascii_list_is_told_from_the_binary_one(void **state)
{
	static const char line[] = "10 0123456789012345678901234567890123456789 ima-ng sha256:00 "
				   "x\n";
	uint8_t buf[256];
	size_t n;

	(void)state;
	append(SPAN(line, sizeof line - 1));
	assert_int_equal(imalist_read(&list, 0, buf, sizeof buf, &n), ASSAY_BAD_MAGIC);
	assert_int_equal(imalist_read(&list, 0, buf, sizeof buf, &n), ASSAY_BAD_MAGIC);
	assert_int_equal(truncate(path, 0), 0);
	append(SPAN(" 3", 2)); /* right-aligned */
	assert_int_equal(imalist_read(&list, 0, buf, sizeof buf, &n), ASSAY_BAD_MAGIC);
	assert_int_equal(truncate(path, 0), 0);
	append(SPAN("\n\0\0\0", 4)); /* PCR 10, and the host's order is no matter */
	assert_int_equal(imalist_read(&list, 0, buf, sizeof buf, &n), ASSAY_OK);
	assert_int_equal(n, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_goes_out_whole_in_pieces_of_whole_entries),
		TEST(any_entry_can_be_asked_for),
		TEST(a_limit_cuts_between_entries),
		TEST(an_entry_larger_than_a_piece_goes_out_in_several),
		TEST(what_grew_after_the_quote_is_sent_too_and_can_be_asked_again),
		TEST(a_tail_that_is_cut_is_not_sent),
		TEST(another_list_is_counted_anew),
		TEST(garbage_is_no_list),
		TEST(an_ascii_list_is_told_from_the_binary_one),
		TEST(a_round_costs_what_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
