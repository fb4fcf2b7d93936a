/* test_ear.c: EAR tokens: written in both dialects, read strictly; attack I11, and the
 * vectors of others as their index says. */
#include "tests/support/unit.h"

#include "evidence/base64.h"
#include "evidence/ear.h"
#include "evidence/keyset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1795341600

static uint8_t payload[EAR_PAYLOAD_MAX], buf[JWS_MAX];
static struct ear read_back;

static struct ear
an_ear(enum ear_dialect d)
{
	struct ear e = {.dialect = d, .issued = NOW, .expires = NOW + 60, .nsubmods = 1};

	snprintf(e.issuer, sizeof e.issuer, "urn:assay:x");
	snprintf(e.audience[0], sizeof e.audience[0], "rp");
	snprintf(e.nonce[0], sizeof e.nonce[0], "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX");
	snprintf(e.developer, sizeof e.developer, "https://example.org");
	snprintf(e.build, sizeof e.build, "assay 1");
	snprintf(e.submods[0].name, sizeof e.submods[0].name, "gw-1");
	snprintf(e.submods[0].policy, sizeof e.submods[0].policy, "assay:policy:p:1:sha256:00");
	e.submods[0].status = EAR_AFFIRMING;
	e.submods[0].vector[0] = 2;
	e.submods[0].vector[2] = 3;
	return e;
}

static void
each_dialect_reads_as_it_was_written(void **state)
{
	(void)state;
	for (unsigned d = 0; d < EAR_DIALECTS; d++) {
		struct ear e = an_ear((enum ear_dialect)d);
		struct writer w;

		wr_init(&w, payload, sizeof payload);
		assert_int_equal(ear_write(&e, &w), ASSAY_OK);
		assert_int_equal(ear_read(wr_span(&w), &read_back, NULL), ASSAY_OK);
		assert_int_equal(read_back.dialect, d);
		assert_string_equal(read_back.nonce[0], e.nonce[0]);
		assert_string_equal(read_back.audience[0], "rp");
		assert_string_equal(read_back.submods[0].policy, e.submods[0].policy);
		assert_int_equal(read_back.submods[0].status, EAR_AFFIRMING);
		assert_memory_equal(read_back.submods[0].vector, e.submods[0].vector, EAR_CLAIMS);
		assert_int_equal(read_back.expires, NOW + 60);
	}
}

/* STANDARDS: no better than the worst claim, than the decision, and nothing for nothing. */
static void
a_status_is_never_better_than_claims_or_decision(void **state)
{
	(void)state;
	for (int v = -128; v <= 127; v++)
		for (unsigned limit = EAR_AFFIRMING; limit < EAR_STATUSES; limit++) {
			int8_t vector[EAR_CLAIMS] = {2, 0, (int8_t)v};
			enum ear_status s = ear_status_of(vector, (enum ear_status)limit);

			assert_true(s == EAR_NONE || s >= limit);
			assert_true(s == EAR_NONE || s >= ear_tier((int8_t)v));
			if (s == EAR_NONE)
				assert_int_equal(limit, EAR_AFFIRMING);
		}
	assert_int_equal(ear_status_of((int8_t[EAR_CLAIMS]){0}, EAR_AFFIRMING), EAR_NONE);
	assert_int_equal(ear_status_of((int8_t[EAR_CLAIMS]){2, -1}, EAR_AFFIRMING), EAR_NONE);
	assert_int_equal(ear_status_of((int8_t[EAR_CLAIMS]){0}, EAR_CONTRAINDICATED),
			 EAR_CONTRAINDICATED);
}

static void
tiers_are_as_ar4si_has_them(void **state)
{
	(void)state;
	assert_int_equal(ear_tier(1), EAR_NONE);
	assert_int_equal(ear_tier(2), EAR_AFFIRMING);
	assert_int_equal(ear_tier(31), EAR_AFFIRMING);
	assert_int_equal(ear_tier(32), EAR_WARNING);
	assert_int_equal(ear_tier(95), EAR_WARNING);
	assert_int_equal(ear_tier(96), EAR_CONTRAINDICATED);
	assert_int_equal(ear_tier(-1), EAR_NONE);
	assert_int_equal(ear_tier(-2), EAR_AFFIRMING);
	assert_int_equal(ear_tier(-32), EAR_AFFIRMING);
	assert_int_equal(ear_tier(-33), EAR_WARNING);
	assert_int_equal(ear_tier(-97), EAR_CONTRAINDICATED);
	assert_int_equal(ear_tier(-128), EAR_CONTRAINDICATED);
}

#define P "\"eat_profile\":\"tag:github.com,2023:veraison/ear\","
#define V "\"ear.verifier-id\":{\"developer\":\"d\",\"build\":\"b\"},"
#define S(status, vector)                                                                      \
	"\"submods\":{\"a\":{\"ear.status\":\"" status                                          \
	"\",\"ear.trustworthiness-vector\":" vector "}}"
#define GOOD S("affirming", "{\"hardware\":2}")

static enum assay_err
read_text(const char *s, const char **field)
{
	return ear_read(SPAN(s, strlen(s)), &read_back, field);
}

static void
i11_times_are_whole_and_nothing_is_there_twice(void **state)
{
	static const struct {
		const char *json, *field;
		enum assay_err e;
	} bad[] = {
		{"{" P V "\"iat\":1.0," GOOD "}", "iat", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1e0," GOOD "}", "iat", ASSAY_MALFORMED},
		{"{" P V "\"iat\":\"1\"," GOOD "}", "iat", ASSAY_MALFORMED},
		{"{" P V "\"iat\":-1," GOOD "}", "iat", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1,\"exp\":2.5," GOOD "}", "exp", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1,\"nbf\":2.0," GOOD "}", "nbf", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1,\"iat\":1," GOOD "}", "", ASSAY_DUPLICATE},
		{"{" P V "\"iat\":1,\"\\u0069at\":1," GOOD "}", "", ASSAY_DUPLICATE},
		{"{" P V "\"iat\":1," GOOD "}x", "", ASSAY_TRAILING},
		{"{" P V GOOD "}", "iat", ASSAY_MISSING},
		{"{" V "\"iat\":1," GOOD "}", "eat_profile", ASSAY_MISSING},
		{"{\"eat_profile\":\"x\"," V "\"iat\":1," GOOD "}", "eat_profile",
		 ASSAY_UNSUPPORTED},
		{"{" P "\"iat\":1," GOOD "}", "ear.verifier-id", ASSAY_MISSING},
		{"{" P "\"ear.verifier-id\":{\"build\":\"b\"},\"iat\":1," GOOD "}",
		 "ear.verifier-id", ASSAY_MISSING},
		{"{" P V "\"iat\":1}", "submods", ASSAY_MISSING},
		{"{" P V "\"iat\":1,\"submods\":{}}", "submods", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1," S("affirming", "{}") "}", "ear.trustworthiness-vector",
		 ASSAY_MALFORMED},
		{"{" P V "\"iat\":1," S("affirming", "{\"hardware\":2.0}") "}",
		 "ear.trustworthiness-vector", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1," S("affirming", "{\"hardware\":128}") "}",
		 "ear.trustworthiness-vector", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1," S("affirming", "{\"software\":2}") "}",
		 "ear.trustworthiness-vector", ASSAY_MALFORMED},
		{"{" P V "\"iat\":1," S("affirming", "{\"hardware\":96}") "}", "ear.status",
		 ASSAY_MISMATCH},
		{"{" P V "\"iat\":1," S("good", "{\"hardware\":2}") "}", "ear.status",
		 ASSAY_MALFORMED},
	};
	const char *field;

	(void)state;
	assert_int_equal(read_text("{" P V "\"iat\":1," GOOD "}", NULL), ASSAY_OK);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum assay_err e = read_text(bad[i].json, &field);

		if (e != bad[i].e || strcmp(field, bad[i].field) != 0)
			fail_msg("%s: %s of %s", bad[i].json, assay_err_name(e), field);
	}
}

/* ---- vectors of others ---- */

static struct keyset set;

static bool
shared_keys(void)
{
	const char *path = unit_shared("ear/ear-go-testkey.jwk.json");
	struct span s;

	if (!path)
		return false;
	s = unit_file(path);
	assert_int_equal(keyset_read(s, &set), ASSAY_OK);
	unit_free(s);
	return true;
}

/* How far a token of the shared folder comes. */
static enum assay_err
judge(const char *name, bool *ret_signature)
{
	struct span s = unit_file(unit_shared(name));
	struct jws j;
	enum assay_err e;

	while (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	*ret_signature = false;
	if ((e = jws_parse(s, buf, sizeof buf, &j)) == ASSAY_OK &&
	    (e = keyset_verify(&set, &j, KEYSET_DECISION, NOW)) == ASSAY_OK) {
		*ret_signature = true;
		e = ear_read(j.payload, &read_back, NULL);
	}
	unit_free(s);
	return e;
}

static void
i11_tokens_of_others_are_as_their_index_says(void **state)
{
	static const struct {
		const char *name;
		bool signature;
		enum assay_err e;
	} all[] = {
		{"ear/c-ear.jwt", true, ASSAY_MALFORMED}, /* float iat */
		{"ear/ear-arc-0.jwt", true, ASSAY_OK},
		{"ear/ear-go-0.jwt", true, ASSAY_OK},
		{"ear/ear-go-1.jwt", false, ASSAY_UNSUPPORTED}, /* HS256 */
		{"ear/ear-go-2.jwt", false, ASSAY_UNSUPPORTED}, /* none */
		{"ear/ear-go-3.jwt", false, ASSAY_MALFORMED},	/* not 3 parts */
		{"ear/ear-go-4.jwt", true, ASSAY_MISSING},
		{"ear/ear-go-5.jwt", false, ASSAY_MALFORMED}, /* not 3 parts */
		{"ear/rust-ear.rs-0.jwt", true, ASSAY_OK},
		{"ear/oak-confidential_space_sample.jwt", false, ASSAY_UNSUPPORTED}, /* RS256 */
		{"ear/trustee-as-0.jwt", false, ASSAY_UNSUPPORTED}, /* RS384 */
	};
	bool signature;

	(void)state;
	if (!shared_keys())
		skip();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		enum assay_err e = judge(all[i].name, &signature);

		if (e != all[i].e || signature != all[i].signature)
			fail_msg("%s: %s, signature %d", all[i].name, assay_err_name(e), signature);
	}
}

/* Both tokens of samples.txt, and no mutant of them. */
static void
check_mutant(struct span mutant, const char *what, void *arg)
{
	struct jws j;

	(void)arg;
	if (jws_parse(mutant, buf, sizeof buf, &j) == ASSAY_OK &&
	    keyset_verify(&set, &j, KEYSET_DECISION, NOW) == ASSAY_OK)
		fail_msg("verified: %s", what);
}

static void
i11_no_mutant_of_a_token_verifies(void **state)
{
	struct span s;
	struct reader r;
	unsigned tokens = 0;

	(void)state;
	if (!shared_keys())
		skip();
	s = unit_file(unit_shared("ear/samples.txt"));
	rd_init(&r, s);
	while (rd_left(&r) > 0) {
		struct reader ahead = r;
		struct span line = rd_bytes(&r, span_until(rd_rest(&ahead), '\n').n);
		struct jws j;

		(void)rd_u8(&r);
		if (line.n < 4 || memcmp(line.p, "jwt ", 4) != 0)
			continue;
		line = SPAN(line.p + 4, line.n - 4);
		assert_int_equal(jws_parse(line, buf, sizeof buf, &j), ASSAY_OK);
		assert_int_equal(keyset_verify(&set, &j, KEYSET_DECISION, NOW), ASSAY_OK);
		assert_int_equal(ear_read(j.payload, &read_back, NULL), ASSAY_OK);
		unit_mutate(line, 300, check_mutant, NULL);
		tokens++;
	}
	assert_int_equal(tokens, 2);
	unit_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_dialect_reads_as_it_was_written),
		cmocka_unit_test(a_status_is_never_better_than_claims_or_decision),
		cmocka_unit_test(tiers_are_as_ar4si_has_them),
		cmocka_unit_test(i11_times_are_whole_and_nothing_is_there_twice),
		cmocka_unit_test(i11_tokens_of_others_are_as_their_index_says),
		cmocka_unit_test(i11_no_mutant_of_a_token_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
