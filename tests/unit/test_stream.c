/* test_stream.c: what a relying party refuses of a stream that was not delivered as keeper
 * made it; attack D15. */
#include "tests/support/unit.h"

#include "evidence/base64.h"
#include "evidence/json.h"
#include "evidence/stream.h"
#include "verifier/result/signing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1795341600
#define NONCE "0123456789abcdefghij"
#define MESSAGES 16

static struct signing *keys, *stranger;
static struct stream stream;
static struct stream_event event;
/* a connection as keeper would make it */
static struct {
	char text[MESSAGES][8192];
	unsigned n;
	uint8_t sum[32];
} made;

static struct signing *
make_keys(void)
{
	char dir[] = "/tmp/assay-stream-XXXXXX", path[64];
	struct signing *s = NULL;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(signing_open(dir, NOW - 100, &s), ASSAY_OK);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof path, i < 2 ? "%s/sign-%03u.key" : "%s/chain", dir, i);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
	return s;
}

static int
set_up_keys(void **state)
{
	(void)state;
	keys = make_keys();
	stranger = make_keys();
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	signing_close(keys);
	signing_close(stranger);
	return 0;
}

static void
add(const char *text, size_t n)
{
	memcpy(made.text[made.n], text, n);
	made.text[made.n][n] = '\0';
	made.n++;
	assert_int_equal(stream_sum_add(made.sum, SPAN(text, n)), ASSAY_OK);
}

static void
add_jws(struct signer *by, const char *type, const char *typ, struct span payload)
{
	static char text[8192];
	struct writer w;

	wr_init(&w, text, sizeof text);
	json_put_text(&w, "{\"type\":\"");
	json_put_text(&w, type);
	json_put_text(&w, "\",\"");
	json_put_text(&w, strcmp(type, "gone") == 0 || strcmp(type, "decision") == 0 ? "record"
										      : type);
	json_put_text(&w, "\":\"");
	assert_int_equal(signer_jws(by, typ, payload, &w), ASSAY_OK);
	json_put_text(&w, "\"}");
	add(text, w.len);
}

static void
add_keys(void)
{
	static char text[8192];
	struct writer w;

	wr_init(&w, text, sizeof text);
	json_put_text(&w, "{\"type\":\"keys\",\"jwks\":");
	assert_int_equal(signing_jwks(keys, NOW, &w), ASSAY_OK);
	json_put_text(&w, "}");
	add(text, w.len);
}

static void
add_head(const char *type, unsigned head)
{
	char text[64];
	int n = snprintf(text, sizeof text, "{\"type\":\"%s\",\"head\":%u}", type, head);

	add(text, (size_t)n);
}

static void
add_record(struct signing *by, const char *type, unsigned seq, const char *class_name)
{
	struct record r = {.issued = NOW, .expires = NOW + 100, .seq = seq,
			   .outcome = RECORD_ADMIT};
	uint8_t payload[4096];
	struct writer w;

	snprintf(r.issuer, sizeof r.issuer, "%s", signing_issuer(keys));
	snprintf(r.device, sizeof r.device, "%032u", seq);
	snprintf(r.class_name, sizeof r.class_name, "%s", class_name);
	wr_init(&w, payload, sizeof payload);
	assert_int_equal(record_write(&r, &w), ASSAY_OK);
	add_jws(signing_decision(by), type, RECORD_TYP_DECISION, wr_span(&w));
}

static void
add_heartbeat(struct signing *by, const char *nonce, int64_t at)
{
	struct heartbeat h = {.at = at, .head = 9, .count = made.n};
	struct audit_head a = {.at = at, .seq = 3};
	uint8_t payload[4096], audit[2048];
	struct writer w, j;

	snprintf(a.issuer, sizeof a.issuer, "%s", signing_issuer(keys));
	wr_init(&w, payload, sizeof payload);
	assert_int_equal(audit_head_write(&a, &w), ASSAY_OK);
	wr_init(&j, audit, sizeof audit);
	assert_int_equal(signer_jws(signing_audit(by), RECORD_TYP_AUDIT, wr_span(&w), &j),
			 ASSAY_OK);
	snprintf(h.issuer, sizeof h.issuer, "%s", signing_issuer(keys));
	snprintf(h.nonce, sizeof h.nonce, "%s", nonce);
	snprintf(h.class_name, sizeof h.class_name, "gateway");
	memcpy(h.sum, made.sum, sizeof h.sum);
	h.audit = wr_span(&j);
	wr_init(&w, payload, sizeof payload);
	assert_int_equal(heartbeat_write(&h, &w), ASSAY_OK);
	add_jws(signing_decision(by), "heartbeat", RECORD_TYP_HEARTBEAT, wr_span(&w));
}

static void
begin(bool resume, uint64_t after)
{
	struct stream_options o = {.root = signing_root(keys), .nonce = NONCE, .resume = resume,
				   .after = after, .class_name = "gateway"};

	memset(&made, 0, sizeof made);
	assert_int_equal(stream_sum_start(NONCE, made.sum), ASSAY_OK);
	assert_int_equal(stream_init(&stream, &o), ASSAY_OK);
}

static enum assay_err
give(unsigned i)
{
	return stream_on_message(&stream, SPAN(made.text[i], strlen(made.text[i])), NOW, &event);
}

/* keys, snapshot of two, current, heartbeat, a change, heartbeat */
static void
a_connection(void)
{
	begin(false, 0);
	add_keys();
	add_head("snapshot", 7);
	add_record(keys, "decision", 7, "gateway");
	add_record(keys, "decision", 5, "gateway");
	add_head("current", 7);
	add_heartbeat(keys, NONCE, NOW);
	add_record(keys, "decision", 8, "gateway");
	add_record(keys, "gone", 9, "controller");
	add_heartbeat(keys, NONCE, NOW);
}

static void
what_keeper_made_is_taken(void **state)
{
	static const enum stream_event_type types[] = {
		STREAM_KEYS, STREAM_SNAPSHOT, STREAM_DECISION, STREAM_DECISION, STREAM_CURRENT,
		STREAM_HEARTBEAT, STREAM_DECISION, STREAM_GONE, STREAM_HEARTBEAT};

	(void)state;
	a_connection();
	for (unsigned i = 0; i < made.n; i++) {
		assert_int_equal(give(i), ASSAY_OK);
		assert_int_equal(event.type, types[i]);
	}
	assert_int_equal(stream.confirmed, 9);
	assert_int_equal(event.audit.seq, 3);
}

/* Delivered up to the end with one message left out, doubled, or changed places with the
 * next: some message does not pass, the next heartbeat at the latest. */
static void
d15_nothing_can_be_withheld_doubled_or_reordered(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 3; how++)
		for (unsigned at = 0; at + 1 < MESSAGES; at++) {
			enum assay_err e = ASSAY_OK;

			a_connection();
			if (at + 1 >= made.n)
				break;
			for (unsigned i = 0; i < made.n && e == ASSAY_OK; i++) {
				unsigned n = how == 2 && i == at	? at + 1
					     : how == 2 && i == at + 1 ? at
								       : i;

				if (how == 0 && i == at)
					continue;
				e = give(n);
				if (how == 1 && i == at && e == ASSAY_OK)
					e = give(n);
			}
			if (e == ASSAY_OK)
				fail_msg("how %u at %u", how, at);
		}
}

static void
d15_what_another_key_signed_is_nothing(void **state)
{
	(void)state;
	a_connection();
	made.n = 6;
	add_record(stranger, "decision", 8, "gateway");
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(give(i), ASSAY_OK);
	assert_int_equal(give(6), ASSAY_NOT_FOUND);
	begin(false, 0);
	add_keys();
	add_heartbeat(stranger, NONCE, NOW);
	assert_int_equal(give(0), ASSAY_OK);
	assert_int_equal(give(1), ASSAY_NOT_FOUND);
}

/* A heartbeat is no decision, an extension no heartbeat, and so on. */
static void
d15_one_kind_does_not_pass_for_another(void **state)
{
	(void)state;
	begin(false, 0);
	add_keys();
	add_jws(signing_decision(keys), "decision", RECORD_TYP_HEARTBEAT, SPAN("{}", 2));
	add_jws(signing_decision(keys), "decision", KEYSET_TYP, SPAN("{}", 2));
	add_jws(signing_decision(keys), "heartbeat", RECORD_TYP_DECISION, SPAN("{}", 2));
	add_jws(signing_audit(keys), "decision", RECORD_TYP_DECISION, SPAN("{}", 2));
	assert_int_equal(give(0), ASSAY_OK);
	assert_int_equal(give(1), ASSAY_BAD_TYPE);
	assert_int_equal(give(2), ASSAY_BAD_TYPE);
	assert_int_equal(give(3), ASSAY_BAD_TYPE);
	assert_int_equal(give(4), ASSAY_NOT_FOUND);
}

static void
d15_a_replay_is_refused(void **state)
{
	(void)state;
	begin(true, 8);
	add_keys();
	add_record(keys, "decision", 8, "gateway");
	add_heartbeat(keys, "0123456789abcdefghik", NOW); /* of another connection */
	add_heartbeat(keys, NONCE, NOW - STREAM_SKEW_S - 1);
	add_head("snapshot", 7); /* of an old ledger */
	assert_int_equal(give(0), ASSAY_OK);
	assert_int_equal(give(1), ASSAY_STATE);
	assert_int_equal(give(2), ASSAY_MISMATCH);
	assert_int_not_equal(give(3), ASSAY_OK);
	assert_int_equal(give(4), ASSAY_STATE);
}

static void
d15_a_record_counts_only_for_its_filter(void **state)
{
	(void)state;
	begin(true, 1);
	add_keys();
	add_record(keys, "decision", 8, "controller");
	add_record(keys, "gone", 9, "gateway");
	assert_int_equal(give(0), ASSAY_OK);
	assert_int_equal(give(1), ASSAY_MISMATCH);
	assert_int_equal(give(2), ASSAY_MISMATCH);
}

static void
a_key_set_from_another_root_is_refused(void **state)
{
	(void)state;
	begin(false, 0);
	add_keys();
	memcpy(stream.root, signing_root(stranger), sizeof stream.root);
	assert_int_equal(give(0), ASSAY_MISMATCH);
}

static void
what_is_no_message_is_refused(void **state)
{
	static const char *const bad[] = {"", "{}", "[]", "{\"type\":1}", "{\"type\":\"x\"}",
					  "{\"type\":\"decision\"}", "{\"type\":\"current\"}",
					  "{\"type\":\"snapshot\",\"head\":1.0}",
					  "{\"type\":\"decision\",\"record\":\"a.b.c\"}",
					  "{\"type\":\"end\"}"};

	(void)state;
	begin(false, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_not_equal(stream_on_message(&stream, SPAN(bad[i], strlen(bad[i])), NOW,
						       &event),
				     ASSAY_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_keeper_made_is_taken),
		cmocka_unit_test(d15_nothing_can_be_withheld_doubled_or_reordered),
		cmocka_unit_test(d15_what_another_key_signed_is_nothing),
		cmocka_unit_test(d15_one_kind_does_not_pass_for_another),
		cmocka_unit_test(d15_a_replay_is_refused),
		cmocka_unit_test(d15_a_record_counts_only_for_its_filter),
		cmocka_unit_test(a_key_set_from_another_root_is_refused),
		cmocka_unit_test(what_is_no_message_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up_keys, free_keys);
}
