/* test_record.c: signed forms: JWS, the key set's chain, decision records, heartbeats,
 * extensions. Attacks I11 and D15: what keeper did not sign is nobody's. */
#include "tests/support/unit.h"

#include "evidence/base64.h"
#include "evidence/record.h"
#include "verifier/appraise/appraise.h"
#include "verifier/result/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1795341600

static struct signer *root, *second, *third, *audit;
static uint8_t text[JWS_MAX], payload[JWS_MAX], buf[JWS_MAX];
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
make_keys(void **state)
{
	(void)state;
	root = make();
	second = make();
	third = make();
	audit = make();
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	signer_free(root);
	signer_free(second);
	signer_free(third);
	signer_free(audit);
	return 0;
}

static struct span
signed_text(struct signer *s, const char *typ, const char *json)
{
	struct writer w;

	wr_init(&w, text, sizeof text);
	assert_int_equal(signer_jws(s, typ, SPAN(json, strlen(json)), &w), ASSAY_OK);
	return wr_span(&w);
}

/* ---- JWS ---- */

static void
what_a_signer_signs_verifies_with_its_key_alone(void **state)
{
	struct span t = signed_text(root, "x+jwt", "{\"a\":1}");
	struct jws j;

	(void)state;
	assert_int_equal(jws_parse(t, buf, sizeof buf, &j), ASSAY_OK);
	assert_string_equal(j.typ, "x+jwt");
	assert_string_equal(j.kid, signer_kid(root));
	assert_int_equal(j.payload.n, 7);
	assert_int_equal(jws_verify(&j, signer_public(root)), ASSAY_OK);
	assert_int_equal(jws_verify(&j, signer_public(second)), ASSAY_BAD_SIGNATURE);
}

static void
check_mutant(struct span mutant, const char *what, void *arg)
{
	struct jws j;

	(void)arg;
	if (jws_parse(mutant, buf, sizeof buf, &j) == ASSAY_OK &&
	    jws_verify(&j, signer_public(root)) == ASSAY_OK)
		fail_msg("verified: %s", what);
}

static void
no_mutant_of_a_signed_text_verifies(void **state)
{
	static uint8_t copy[1024];
	struct span t = signed_text(root, "x", "{\"a\":1}");

	(void)state;
	memcpy(copy, t.p, t.n);
	unit_mutate(SPAN(copy, t.n), 400, check_mutant, NULL);
}

/* The header as given, a signature that is right for it. */
static enum assay_err
parse_with_header(const char *header)
{
	static uint8_t out[4096];
	uint8_t zero[64] = {0};
	struct jws j;
	struct writer w;

	wr_init(&w, out, sizeof out);
	base64url_put(&w, SPAN(header, strlen(header)));
	wr_bytes(&w, SPAN(".e30", 4));
	jws_finish(&w, zero);
	return jws_parse(wr_span(&w), buf, sizeof buf, &j);
}

static void
i11_alg_is_never_the_messages_choice(void **state)
{
	static const char *const bad[] = {
		"{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"HS256\"}",
		"{\"alg\":\"RS256\"}",
		"{\"alg\":\"ES384\"}", "{\"alg\":\"es256\"}", "{\"alg\":\"\"}", "{}",
		"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", "{\"alg\":\"ES256\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"b64\":false}", "{\"alg\":\"ES256-and-more-than-fits\"}",
	};

	(void)state;
	assert_int_equal(parse_with_header("{\"alg\":\"ES256\"}"), ASSAY_OK);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (parse_with_header(bad[i]) != ASSAY_UNSUPPORTED)
			fail_msg("not refused: %s", bad[i]);
	assert_int_equal(parse_with_header("{\"alg\":\"ES256\",\"alg\":\"none\"}"),
			 ASSAY_DUPLICATE);
	assert_int_equal(parse_with_header("{\"alg\":[\"ES256\"]}"), ASSAY_MALFORMED);
	assert_int_equal(parse_with_header("[\"ES256\"]"), ASSAY_MALFORMED);
	assert_int_equal(parse_with_header("{\"alg\":\"ES256\"}x"), ASSAY_TRAILING);
	assert_int_equal(parse_with_header("{\"alg\":\"ES256\",\"kid\":7}"), ASSAY_MALFORMED);
}

static void
i11_one_form_only(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a.b", "e30.e30.e30.e30", "e30.e30",
					  "e30=.e30.AAAA", " e30.e30.AAAA"};
	struct span t = signed_text(root, "x", "{\"a\":1}");
	static uint8_t more[1024];
	struct jws j;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_not_equal(jws_parse(SPAN(bad[i], strlen(bad[i])), buf, sizeof buf, &j),
				     ASSAY_OK);
	memcpy(more, t.p, t.n);
	memcpy(more + t.n, "\n", 1);
	assert_int_not_equal(jws_parse(SPAN(more, t.n + 1), buf, sizeof buf, &j), ASSAY_OK);
	assert_int_not_equal(jws_parse(SPAN(t.p, t.n - 2), buf, sizeof buf, &j), ASSAY_OK);
}

/* ---- key sets ---- */

static const char *
statement(struct signer *by, struct signer *of, uint32_t n, enum keyset_role role)
{
	static char out[8][KEYSET_STATEMENT_MAX];
	static unsigned at;
	struct keyset_statement s = {.n = n, .role = role, .at = NOW + n,
				     .until = n < 2 ? 0 : NOW + 100 * n};
	struct writer p, w;

	snprintf(s.issuer, sizeof s.issuer, "urn:assay:test");
	s.key = *signer_public(of);
	at = (at + 1) % 8;
	wr_init(&p, payload, sizeof payload);
	assert_int_equal(keyset_statement_write(&s, &p), ASSAY_OK);
	wr_init(&w, out[at], sizeof out[at] - 1);
	assert_int_equal(signer_jws(by, KEYSET_TYP, wr_span(&p), &w), ASSAY_OK);
	out[at][w.len] = '\0';
	return out[at];
}

static enum assay_err
chain(const char *a, const char *b, const char *c)
{
	static char doc[4 * KEYSET_STATEMENT_MAX];
	int n = snprintf(doc, sizeof doc,
			 "{\"keys\":[],\"assay\":{\"chain\":[\"%s\"%s%s%s%s%s%s]}}", a,
			 b ? ",\"" : "", b ? b : "", b ? "\"" : "", c ? ",\"" : "", c ? c : "",
			 c ? "\"" : "");

	return keyset_read_chain(SPAN(doc, (size_t)n), signer_kid(root), &set);
}

static enum assay_err
verify_by_set(struct signer *s, enum keyset_role role, int64_t at)
{
	struct span t = signed_text(s, "x", "{}");
	struct jws j;

	assert_int_equal(jws_parse(t, buf, sizeof buf, &j), ASSAY_OK);
	return keyset_verify(&set, &j, role, at);
}

static void
a_chain_leads_from_the_root_to_the_current_key(void **state)
{
	(void)state;
	assert_int_equal(chain(statement(root, root, 0, KEYSET_DECISION),
			       statement(root, audit, 1, KEYSET_AUDIT),
			       statement(root, second, 2, KEYSET_DECISION)), ASSAY_OK);
	assert_int_equal(set.n, 3);
	assert_int_equal(verify_by_set(second, KEYSET_DECISION, NOW + 9999), ASSAY_OK);
	assert_int_equal(verify_by_set(root, KEYSET_DECISION, NOW + 199), ASSAY_OK);
	assert_int_equal(verify_by_set(root, KEYSET_DECISION, NOW + 200), ASSAY_EXPIRED);
	assert_int_equal(verify_by_set(audit, KEYSET_AUDIT, NOW), ASSAY_OK);
	assert_int_equal(verify_by_set(audit, KEYSET_DECISION, NOW), ASSAY_NOT_FOUND);
	assert_int_equal(verify_by_set(second, KEYSET_AUDIT, NOW), ASSAY_NOT_FOUND);
	assert_int_equal(verify_by_set(third, KEYSET_DECISION, NOW), ASSAY_NOT_FOUND);
}

static void
d15_a_key_that_the_current_one_did_not_sign_is_none(void **state)
{
	const char *zero = statement(root, root, 0, KEYSET_DECISION);
	const char *one = statement(root, audit, 1, KEYSET_AUDIT);

	(void)state;
	assert_int_equal(chain(statement(third, third, 0, KEYSET_DECISION), NULL, NULL),
			 ASSAY_MISMATCH);
	assert_int_equal(chain(statement(third, root, 0, KEYSET_DECISION), NULL, NULL),
			 ASSAY_MALFORMED);
	assert_int_equal(chain(zero, one, statement(third, third, 2, KEYSET_DECISION)),
			 ASSAY_BAD_SIGNATURE);
	assert_int_equal(chain(zero, one, statement(audit, third, 2, KEYSET_DECISION)),
			 ASSAY_BAD_SIGNATURE);
	assert_int_equal(chain(zero, statement(root, second, 2, KEYSET_DECISION), NULL),
			 ASSAY_MALFORMED); /* one was left out */
	assert_int_equal(chain(zero, zero, NULL), ASSAY_MALFORMED);
	assert_int_equal(chain(one, NULL, NULL), ASSAY_MISMATCH);
	assert_int_equal(set.n, 0);
}

static void
a_plain_jwk_set_is_read_and_other_keys_are_passed_over(void **state)
{
	static const char good[] =
		"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"},"
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"enc\",\"x\":\"\",\"y\":\"\"},"
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
		"\"x\":\"usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8\","
		"\"y\":\"IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4\"}]}";
	static const char none[] = "{\"keys\":[]}";
	static const char twice[] =
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
		"\"x\":\"usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8\","
		"\"y\":\"IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4\"},"
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
		"\"x\":\"usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8\","
		"\"y\":\"IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4\"}]}";

	(void)state;
	assert_int_equal(keyset_read(SPAN(good, sizeof good - 1), &set), ASSAY_OK);
	assert_int_equal(set.n, 1);
	assert_int_equal(keyset_read(SPAN(none, sizeof none - 1), &set), ASSAY_NOT_FOUND);
	assert_int_equal(keyset_read(SPAN(twice, sizeof twice - 1), &set), ASSAY_DUPLICATE);
}

/* RFC 7638, 3.1 has an RSA key; this P-256 thumbprint was computed by Python's hashlib. */
static void
a_kid_is_the_thumbprint(void **state)
{
	struct es256_key k;
	char kid[JWS_KID_SIZE];
	size_t n;

	(void)state;
	assert_int_equal(base64url_decode(SPAN("usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8", 43),
					  k.x, 32, &n), ASSAY_OK);
	assert_int_equal(base64url_decode(SPAN("IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4", 43),
					  k.y, 32, &n), ASSAY_OK);
	assert_int_equal(jws_kid(&k, kid), ASSAY_OK);
	assert_string_equal(kid, "xNnfOFTMgZSRM3KtGHQqavZGWGF00Fe54LZBYCIxr88");
}

/* ---- records ---- */

static struct record
a_record(void)
{
	struct record r = {.issued = NOW, .expires = NOW + 180, .seq = 17, .previous = 4,
			   .tier = RECORD_TIER_DICE, .outcome = RECORD_ADMIT, .nreasons = 1,
			   .naddresses = 2,
			   .ncertificates = 1};

	snprintf(r.issuer, sizeof r.issuer, "urn:assay:test");
	snprintf(r.device, sizeof r.device, "0123456789abcdef0123456789abcdef");
	snprintf(r.name, sizeof r.name, "gw-1");
	snprintf(r.class_name, sizeof r.class_name, "gateway");
	snprintf(r.labels, sizeof r.labels, "site=a ring=b");
	snprintf(r.reasons[0], sizeof r.reasons[0], "policy.met");
	snprintf(r.addresses[0], sizeof r.addresses[0], "mac 02:00:5e:00:53:01");
	snprintf(r.addresses[1], sizeof r.addresses[1], "ip 2001:db8::7");
	memset(r.certificates[0], 0xAB, 32);
	return r;
}

static struct span
written(const struct record *r)
{
	struct writer w;

	wr_init(&w, payload, sizeof payload);
	assert_int_equal(record_write(r, &w), ASSAY_OK);
	return wr_span(&w);
}

static void
a_record_reads_as_it_was_written(void **state)
{
	static struct record a, b;

	(void)state;
	a = a_record();
	assert_int_equal(record_read(written(&a), &b), ASSAY_OK);
	assert_memory_equal(&a, &b, sizeof a);
	a.outcome = RECORD_QUARANTINE;
	a.expires = 0;
	a.name[0] = a.labels[0] = '\0';
	memset(a.addresses, 0, sizeof a.addresses);
	a.naddresses = 0;
	assert_int_equal(record_read(written(&a), &b), ASSAY_OK);
	assert_int_equal(b.outcome, RECORD_QUARANTINE);
	assert_int_equal(b.naddresses, 0);
}

#define HEAD "{\"iss\":\"a\","
#define DEV "\"device\":\"0123456789abcdef0123456789abcdef\""
#define NO_DEV "\"device\":\"0123456789ABCDEF0123456789abcdef\""
#define OUT ",\"class\":\"c\",\"tier\":\"tpm\",\"outcome\":\""
#define LISTS "\"reasons\":[],\"addresses\":[],\"certificates\":[]"

static void
a_record_that_makes_no_sense_is_neither_written_nor_read(void **state)
{
	static const char *const bad[] = {
		"{}", "[]", "{\"iss\":\"a\"}",
		/* admitted for ever, a number before itself, an outcome of its own */
		HEAD "\"iat\":1,\"seq\":2,\"prev\":1," DEV OUT "admit\","
		LISTS "}",
		HEAD "\"iat\":1,\"seq\":2,\"prev\":2," DEV OUT "quarantine\","
		LISTS "}",
		HEAD "\"iat\":1,\"exp\":9,\"seq\":2,\"prev\":1," DEV OUT "ADMIT\","
		LISTS "}",
		/* a float, a device that is none, a member that nobody knows */
		HEAD "\"iat\":1.0,\"seq\":2,\"prev\":1," DEV OUT "quarantine\","
		LISTS "}",
		HEAD "\"iat\":1,\"seq\":2,\"prev\":1," NO_DEV OUT "quarantine\","
		LISTS "}",
		HEAD "\"iat\":1,\"seq\":2,\"prev\":1," DEV OUT "quarantine\","
		LISTS ",\"more\":1}",
		/* no tier, and one of its own */
		HEAD "\"iat\":1,\"seq\":2,\"prev\":1," DEV
		",\"class\":\"c\",\"outcome\":\"quarantine\"," LISTS "}",
		HEAD "\"iat\":1,\"seq\":2,\"prev\":1," DEV
		",\"class\":\"c\",\"tier\":\"TPM\",\"outcome\":\"quarantine\"," LISTS "}",
	};
	struct record r = a_record();
	struct writer w;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (record_read(SPAN(bad[i], strlen(bad[i])), &r) == ASSAY_OK)
			fail_msg("read: %s", bad[i]);
	wr_init(&w, payload, sizeof payload);
	r = a_record();
	r.expires = 0;
	assert_int_equal(record_write(&r, &w), ASSAY_MALFORMED);
	r = a_record();
	r.tier = RECORD_TIERS;
	assert_int_equal(record_write(&r, &w), ASSAY_MALFORMED);
	r = a_record();
	r.previous = 17;
	assert_int_equal(record_write(&r, &w), ASSAY_MALFORMED);
}

/* They are decided by what the word says, so one verifier and its gates have the same. */
static void
tiers_have_the_verifiers_words(void **state)
{
	static struct record r;

	(void)state;
	assert_int_equal(RECORD_TIERS, TIER_COUNT);
	for (unsigned i = 0; i < TIER_COUNT; i++) {
		struct record a = a_record();

		a.tier = (enum record_tier)i;
		assert_string_equal(record_tier_name(a.tier), tier_name((enum tier)i));
		assert_int_equal(record_read(written(&a), &r), ASSAY_OK);
		assert_int_equal(r.tier, i);
	}
}

static void
the_largest_record_fits_its_limit(void **state)
{
	static struct record r;
	struct writer w;

	(void)state;
	r = a_record();
	memset(r.issuer, 'i', KEYSET_ISSUER_MAX);
	memset(r.name, 'n', RECORD_NAME_MAX);
	memset(r.class_name, 'c', RECORD_CLASS_MAX);
	memset(r.labels, 'l', RECORD_LABELS_MAX);
	r.nreasons = RECORD_REASONS_MAX;
	for (unsigned i = 0; i < RECORD_REASONS_MAX; i++)
		memset(r.reasons[i], 'r', RECORD_REASON_MAX);
	r.naddresses = RECORD_ADDRESSES_MAX;
	for (unsigned i = 0; i < RECORD_ADDRESSES_MAX; i++)
		memset(r.addresses[i], 'a', RECORD_ADDRESS_MAX);
	r.ncertificates = RECORD_CERTIFICATES_MAX;
	wr_init(&w, text, RECORD_MAX);
	assert_int_equal(signer_jws(root, RECORD_TYP_DECISION, written(&r), &w), ASSAY_OK);
}

static void
heartbeats_extensions_and_audit_heads_read_as_written(void **state)
{
	static struct extension x, y;
	struct heartbeat h = {.at = NOW, .head = 9, .count = 3, .audit = SPAN("a.b.c", 5)}, g;
	struct audit_head a = {.at = NOW, .seq = 5}, b;
	struct writer w;

	(void)state;
	snprintf(h.issuer, sizeof h.issuer, "i");
	snprintf(h.nonce, sizeof h.nonce, "0123456789abcdef");
	snprintf(h.class_name, sizeof h.class_name, "gateway");
	memset(h.sum, 7, sizeof h.sum);
	wr_init(&w, payload, RECORD_HEARTBEAT_MAX);
	assert_int_equal(heartbeat_write(&h, &w), ASSAY_OK);
	assert_int_equal(heartbeat_read(wr_span(&w), &g), ASSAY_OK);
	assert_int_equal(g.head, 9);
	assert_int_equal(g.count, 3);
	assert_memory_equal(g.sum, h.sum, 32);
	assert_true(span_equal(g.audit, h.audit));
	x.at = NOW;
	x.n = RECORD_EXTEND_MAX;
	for (unsigned i = 0; i < x.n; i++) {
		snprintf(x.entry[i].device, sizeof x.entry[i].device, "%032x", i);
		x.entry[i].seq = i + 1;
		x.entry[i].expires = NOW + i;
	}
	wr_init(&w, payload, sizeof payload);
	assert_int_equal(extension_write(&x, &w), ASSAY_OK);
	assert_int_equal(extension_read(wr_span(&w), &y), ASSAY_OK);
	assert_memory_equal(&x, &y, sizeof x);
	wr_init(&w, payload, sizeof payload);
	assert_int_equal(audit_head_write(&a, &w), ASSAY_OK);
	assert_int_equal(audit_head_read(wr_span(&w), &b), ASSAY_OK);
	assert_int_equal(b.seq, 5);
}

static void
a_filter_takes_its_class_and_all_of_its_labels(void **state)
{
	(void)state;
	assert_true(record_matches("gateway", "site=a ring=b", "", ""));
	assert_true(record_matches("gateway", "site=a ring=b", "gateway", "ring=b"));
	assert_true(record_matches("gateway", "site=a ring=b", "", "ring=b site=a"));
	assert_false(record_matches("gateway", "site=a", "controller", ""));
	assert_false(record_matches("gateway", "site=ab", "gateway", "site=a"));
	assert_false(record_matches("gateway", "", "gateway", "site=a"));
	assert_false(record_matches("", "", "gateway", ""));
}

/* The vector of docs/decision-stream.md. */
static void
the_sum_of_a_connection_is_as_documented(void **state)
{
	uint8_t sum[32], other[32];

	(void)state;
	assert_int_equal(stream_sum_start("0123456789abcdef", sum), ASSAY_OK);
	assert_int_equal(stream_sum_add(sum, SPAN("a", 1)), ASSAY_OK);
	assert_int_equal(stream_sum_add(sum, SPAN("b", 1)), ASSAY_OK);
	assert_int_equal(stream_sum_start("0123456789abcdef", other), ASSAY_OK);
	assert_int_equal(stream_sum_add(other, SPAN("b", 1)), ASSAY_OK);
	assert_int_equal(stream_sum_add(other, SPAN("a", 1)), ASSAY_OK);
	assert_memory_not_equal(sum, other, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_signer_signs_verifies_with_its_key_alone),
		cmocka_unit_test(no_mutant_of_a_signed_text_verifies),
		cmocka_unit_test(i11_alg_is_never_the_messages_choice),
		cmocka_unit_test(i11_one_form_only),
		cmocka_unit_test(a_chain_leads_from_the_root_to_the_current_key),
		cmocka_unit_test(d15_a_key_that_the_current_one_did_not_sign_is_none),
		cmocka_unit_test(a_plain_jwk_set_is_read_and_other_keys_are_passed_over),
		cmocka_unit_test(a_kid_is_the_thumbprint),
		cmocka_unit_test(a_record_reads_as_it_was_written),
		cmocka_unit_test(tiers_have_the_verifiers_words),
		cmocka_unit_test(a_record_that_makes_no_sense_is_neither_written_nor_read),
		cmocka_unit_test(the_largest_record_fits_its_limit),
		cmocka_unit_test(heartbeats_extensions_and_audit_heads_read_as_written),
		cmocka_unit_test(a_filter_takes_its_class_and_all_of_its_labels),
		cmocka_unit_test(the_sum_of_a_connection_is_as_documented),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
