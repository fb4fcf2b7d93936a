/* Webhooks: what is signed and said, when it is tried again, and what a process may answer. */
#include "tests/support/unit.h"

#include "evidence/json.h"
#include "verifier/outbound.h"
#include "verifier/result/webhook.h"

#include <stdlib.h>
#include <string.h>

static struct webhook_secret
secret(const char *text)
{
	struct webhook_secret s = {.n = strlen(text)};

	memcpy(s.bytes, text, s.n);
	return s;
}

/* The vector of docs/webhooks.md, made with openssl:
 * printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef */
static void
a_signature_is_that_of_the_document(void **state)
{
	struct webhook_secret two[2] = {secret("0123456789abcdef0123456789abcdef"), {.n = 0}};
	char text[WEBHOOK_SIGNATURE_MAX];

	(void)state;
	assert_int_equal(webhook_sign(two, 1700000000, SPAN("{\"a\":1}", 7), text), ASSAY_OK);
	assert_string_equal(text, "t=1700000000,v1=f05f2539e3ae1c49aec5f8cfdad75ef6"
				  "b06480b133973ffbb7ec9e18827af177");
}

static void
while_secrets_change_both_sign(void **state)
{
	struct webhook_secret both[2] = {secret("0123456789abcdef0123456789abcdef"),
					 secret("another secret of thirty-two bytes")};
	struct webhook_secret new[2] = {both[1], {.n = 0}}, none[2] = {{.n = 0}, both[0]};
	char two[WEBHOOK_SIGNATURE_MAX], one[WEBHOOK_SIGNATURE_MAX];

	(void)state;
	assert_int_equal(webhook_sign(both, 5, SPAN("x", 1), two), ASSAY_OK);
	assert_int_equal(webhook_sign(new, 5, SPAN("x", 1), one), ASSAY_OK);
	assert_int_equal(strlen(two), strlen("t=5,v1=,v1=") + 128);
	assert_string_equal(strrchr(two, ','), strrchr(one, ','));
	assert_int_equal(webhook_sign(none, 5, SPAN("x", 1), one), ASSAY_MISSING);
}

static struct record
hostile_record(void)
{
	struct record r = {.issued = 7, .seq = 12, .previous = 11, .outcome = RECORD_RESTRICT,
			   .nreasons = 2};

	strcpy(r.device, "00112233445566778899aabbccddeeff");
	strcpy(r.name, "plc\"7\\\n\x01]");
	strcpy(r.class_name, "plc");
	strcpy(r.reasons[0], "boot.changed");
	strcpy(r.reasons[1], "</script>");
	return r;
}

static void
a_body_is_one_json_document_whatever_a_device_is_called(void **state)
{
	struct record r = hostile_record();
	struct webhook_event v = {.type = "decision", .id = "urn:assay:x:12", .hook = "siem",
				  .record = &r, .before = "admit", .jws = SPAN("a.b.c", 5)};
	static uint8_t buf[WEBHOOK_BODY_MAX];
	struct json_node node[64];
	char text[128];
	struct writer w;
	uint32_t n;

	(void)state;
	wr_init(&w, buf, sizeof buf);
	assert_int_equal(webhook_body(&v, &w), ASSAY_OK);
	assert_int_equal(json_read(wr_span(&w), node, 64, &n), ASSAY_OK);
	assert_int_equal(json_string_of(node, json_member(node, 0, "name"), text, sizeof text),
			 ASSAY_OK);
	assert_string_equal(text, r.name);
	assert_true(json_string_is(node, json_member(node, 0, "outcome"), "restrict"));
	assert_true(json_string_is(node, json_member(node, 0, "record"), "a.b.c"));
	assert_int_equal(node[json_member(node, 0, "labels")].type, JSON_NULL_T);
}

static void
a_record_as_large_as_it_may_be_fits(void **state)
{
	static uint8_t buf[OUTBOUND_BODY_MAX], jws[RECORD_MAX];
	struct record r = hostile_record();
	struct webhook_event v = {.type = "decision", .id = "i", .hook = "h", .record = &r,
				  .before = "", .jws = SPAN(jws, sizeof jws)};
	struct writer w;

	(void)state;
	memset(jws, 'x', sizeof jws);
	memset(r.name, 1, RECORD_NAME_MAX); /* six characters each */
	memset(r.labels, 1, RECORD_LABELS_MAX);
	memset(r.class_name, 1, RECORD_CLASS_MAX);
	r.nreasons = RECORD_REASONS_MAX;
	for (unsigned i = 0; i < RECORD_REASONS_MAX; i++)
		memset(r.reasons[i], 1, RECORD_REASON_MAX);
	wr_init(&w, buf, sizeof buf);
	assert_int_equal(webhook_body(&v, &w), ASSAY_OK);
}

static void
waiting_doubles_up_to_its_limit_and_half_of_it_is_chance(void **state)
{
	(void)state;
	assert_int_equal(webhook_delay_ms(1, 300, 0, 0), 500);
	assert_int_equal(webhook_delay_ms(1, 300, 0, 500), 1000);
	assert_int_equal(webhook_delay_ms(4, 300, 0, 0), 4000);
	assert_int_equal(webhook_delay_ms(9, 300, 0, 0), 128000);
	assert_int_equal(webhook_delay_ms(10, 300, 0, 0), 150000);
	assert_int_equal(webhook_delay_ms(4000000000u, 300, 0, 150000), 300000);
	for (uint32_t r = 0; r < 4000000000u; r += 99999989) {
		uint64_t ms = webhook_delay_ms(7, 3600, 0, r);

		assert_true(ms >= 32000 && ms <= 64000);
	}
	assert_int_equal(webhook_delay_ms(1, 300, 77, 0), 77000);
}

static void
retry_after_is_seconds_or_a_date_and_bounded(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} cases[] = {
		{"5", 5}, {"0", 0}, {"", 0}, {"-5", 0}, {"5 ", 0}, {"1e3", 0}, {"soon", 0},
		{"999999", 3600}, {"99999999999999999999", 3600},
		{"Tue, 14 Nov 2023 22:14:20 GMT", 60}, {"Tue, 14 Nov 2023 22:13:19 GMT", 0},
		{"Tue, 14 Nov 2090 22:13:19 GMT", 3600}, {"Tue, 14 Nov 2023 22:14:20 GMTx", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(outbound_retry_after(cases[i].text, 1700000000),
				 cases[i].seconds);
}

static void
only_answers_about_the_message_itself_are_refusals(void **state)
{
	(void)state;
	assert_true(webhook_refused(400) && webhook_refused(404) && webhook_refused(410));
	assert_false(webhook_refused(408) || webhook_refused(425) || webhook_refused(429));
	assert_false(webhook_refused(0) || webhook_refused(302) || webhook_refused(500));
}

static void
a_result_that_contradicts_itself_is_refused(void **state)
{
	static const struct outbound_result bad[] = {
		{.delivered = true, .status = 500}, {.delivered = true, .error = "x"},
		{.delivered = false}, {.delivered = false, .status = 204, .error = "x"},
		{.delivered = false, .status = 1000, .error = "x"},
		{.delivered = false, .error = "a\nb"},
	};
	struct outbound_result ok = {.delivered = false, .status = 503, .retry_after = 1000000,
				     .error = "HTTP 503"};
	struct outbound_result got;
	uint8_t buf[512];
	struct writer w;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		wr_init(&w, buf, sizeof buf);
		assert_int_equal(outbound_result_encode(&bad[i], &w), ASSAY_OK);
		assert_int_equal(outbound_result_decode(wr_span(&w), &got), ASSAY_MALFORMED);
	}
	wr_init(&w, buf, sizeof buf);
	assert_int_equal(outbound_result_encode(&ok, &w), ASSAY_OK);
	assert_int_equal(outbound_result_decode(wr_span(&w), &got), ASSAY_OK);
	assert_int_equal(got.retry_after, OUTBOUND_RETRY_AFTER_MAX);
	assert_string_equal(got.error, "HTTP 503");
	for (size_t n = 0; n < w.len; n++)
		assert_int_not_equal(outbound_result_decode(SPAN(buf, n), &got), ASSAY_OK);
	wr_u8(&w, 0);
	assert_int_not_equal(outbound_result_decode(wr_span(&w), &got), ASSAY_OK);
}

static void
what_a_process_is_told_comes_back_as_it_was(void **state)
{
	struct outbound_setup s = {.kind = OUTBOUND_HTTP, .tls = true, .host = "h", .port = 8443,
				   .path = "/p", .ca = "/c", .has_pin = true, .timeout_ms = 9};
	struct outbound_setup got;
	uint8_t buf[2048];
	struct writer w;

	(void)state;
	memset(s.pin, 0xAB, sizeof s.pin);
	wr_init(&w, buf, sizeof buf);
	assert_int_equal(outbound_setup_encode(&s, &w), ASSAY_OK);
	assert_int_equal(outbound_setup_decode(wr_span(&w), &got), ASSAY_OK);
	assert_memory_equal(&s, &got, sizeof s);
	for (size_t n = 0; n < w.len; n++)
		assert_int_not_equal(outbound_setup_decode(SPAN(buf, n), &got), ASSAY_OK);
	buf[0] = OUTBOUND_KINDS;
	assert_int_equal(outbound_setup_decode(wr_span(&w), &got), ASSAY_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_that_of_the_document),
		cmocka_unit_test(while_secrets_change_both_sign),
		cmocka_unit_test(a_body_is_one_json_document_whatever_a_device_is_called),
		cmocka_unit_test(a_record_as_large_as_it_may_be_fits),
		cmocka_unit_test(waiting_doubles_up_to_its_limit_and_half_of_it_is_chance),
		cmocka_unit_test(retry_after_is_seconds_or_a_date_and_bounded),
		cmocka_unit_test(only_answers_about_the_message_itself_are_refusals),
		cmocka_unit_test(a_result_that_contradicts_itself_is_refused),
		cmocka_unit_test(what_a_process_is_told_comes_back_as_it_was),
	};

	return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
