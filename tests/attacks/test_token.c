/* test_token.c: attacks I11 and D16 on signed results: another key under the same name, keys
 * and algorithms of the message's own, one kind of result shown as another. */
#include "tests/support/unit.h"

#include "evidence/base64.h"
#include "evidence/ear.h"
#include "evidence/keyset.h"
#include "evidence/record.h"
#include "verifier/result/signer.h"

#include <stdio.h>
#include <string.h>

static struct signer *good, *evil;
static uint8_t text[JWS_MAX], buf[JWS_MAX];
static struct keyset set;

static struct signer *
make(void)
{
	uint8_t secret[SIGNER_SECRET_SIZE];
	struct signer *s = NULL;

	assert_int_equal(signer_make(secret), ASSAY_OK);
	assert_int_equal(signer_new(secret, &s), ASSAY_OK);
	return s;
}

static int
set_up(void **state)
{
	(void)state;
	good = make();
	evil = make();
	memset(&set, 0, sizeof set);
	set.n = 1;
	set.key[0].key = *signer_public(good);
	snprintf(set.key[0].kid, sizeof set.key[0].kid, "%s", signer_kid(good));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	signer_free(good);
	signer_free(evil);
	return 0;
}

static enum assay_err
verify(struct span t)
{
	struct jws j;
	enum assay_err e = jws_parse(t, buf, sizeof buf, &j);

	return e != ASSAY_OK ? e : keyset_verify(&set, &j, KEYSET_DECISION, 1);
}

static struct span
signed_by(struct signer *s)
{
	struct writer w;

	wr_init(&w, text, sizeof text);
	assert_int_equal(signer_jws(s, "JWT", SPAN("{}", 2), &w), ASSAY_OK);
	return wr_span(&w);
}

/* The header exchanged for this one, signature and payload kept. */
static struct span
with_header(struct span t, const char *header)
{
	static uint8_t out[JWS_MAX];
	struct reader r;
	struct writer w;

	rd_init(&r, t);
	(void)rd_bytes(&r, span_until(t, '.').n);
	wr_init(&w, out, sizeof out);
	base64url_put(&w, SPAN(header, strlen(header)));
	wr_bytes(&w, rd_rest(&r));
	return wr_span(&w);
}

static void
i11_a_key_of_the_messages_own_is_not_used(void **state)
{
	char header[512];
	uint8_t x[64], y[64];
	struct writer wx, wy;

	(void)state;
	assert_int_equal(verify(signed_by(good)), ASSAY_OK);
	assert_int_equal(verify(signed_by(evil)), ASSAY_NOT_FOUND);
	wr_init(&wx, x, sizeof x - 1);
	wr_init(&wy, y, sizeof y - 1);
	base64url_put(&wx, SPAN(signer_public(evil)->x, 32));
	base64url_put(&wy, SPAN(signer_public(evil)->y, 32));
	x[wx.len] = y[wy.len] = 0;
	snprintf(header, sizeof header,
		 "{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
		 "\"y\":\"%s\"},\"kid\":\"%s\"}", (char *)x, (char *)y, signer_kid(evil));
	assert_int_not_equal(verify(with_header(signed_by(evil), header)), ASSAY_OK);
	/* under the good key's name */
	snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", signer_kid(good));
	assert_int_equal(verify(with_header(signed_by(evil), header)), ASSAY_BAD_SIGNATURE);
	assert_int_equal(verify(with_header(signed_by(evil), "{\"alg\":\"ES256\"}")),
			 ASSAY_BAD_SIGNATURE);
}

static void
i11_no_other_algorithm_is_ever_tried(void **state)
{
	static const char *const algs[] = {"none", "HS256", "HS512", "RS256", "PS256", "ES384",
					   "EdDSA", "es256", "ES256K"};
	char header[256];

	(void)state;
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", algs[i],
			 signer_kid(good));
		assert_int_equal(verify(with_header(signed_by(good), header)), ASSAY_UNSUPPORTED);
	}
}

/* A decision record is no token and a token no record: neither has the other's members. */
static void
d16_one_kind_of_result_is_not_another(void **state)
{
	static const char record[] =
		"{\"iss\":\"i\",\"iat\":1,\"exp\":2,\"seq\":1,\"prev\":0,"
		"\"device\":\"0123456789abcdef0123456789abcdef\",\"class\":\"c\","
		"\"tier\":\"tpm\",\"outcome\":\"admit\","
		"\"reasons\":[],\"addresses\":[],\"certificates\":[]}";
	static struct ear e;
	static struct record r;
	struct ear made = {.issued = 1, .expires = 2, .nsubmods = 1, .developer = "d",
			   .build = "b"};
	struct writer w;

	(void)state;
	assert_int_equal(record_read(SPAN(record, sizeof record - 1), &r), ASSAY_OK);
	assert_int_not_equal(ear_read(SPAN(record, sizeof record - 1), &e, NULL), ASSAY_OK);
	wr_init(&w, buf, sizeof buf);
	made.submods[0].name[0] = 'x';
	made.submods[0].vector[0] = 2;
	assert_int_equal(ear_write(&made, &w), ASSAY_OK);
	assert_int_equal(ear_read(wr_span(&w), &e, NULL), ASSAY_OK);
	assert_int_not_equal(record_read(wr_span(&w), &r), ASSAY_OK);
}

/* A key whose public half is no point of the curve verifies nothing. */
static void
i11_a_key_that_is_no_point_verifies_nothing(void **state)
{
	(void)state;
	set.key[0].key.y[31] ^= 1;
	assert_int_not_equal(verify(signed_by(good)), ASSAY_OK);
	memset(&set.key[0].key, 0, sizeof set.key[0].key);
	assert_int_not_equal(verify(signed_by(good)), ASSAY_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(i11_a_key_of_the_messages_own_is_not_used, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(i11_no_other_algorithm_is_ever_tried, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(d16_one_kind_of_result_is_not_another, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(i11_a_key_that_is_no_point_verifies_nothing, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
