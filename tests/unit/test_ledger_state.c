/* test_ledger_state.c: the last evidence and verdict of a device, and blobs. */
#include "tests/support/ledgers.h"

#include <stdlib.h>
#include <string.h>

#include "verifier/ledger/sqlite_engine.h"

static int
setup_with_devices(void **state)
{
	struct ledgers *s;

	ledgers_setup(state);
	s = *state;
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned n = 1; n <= 3; n++) {
		struct ledger_device d = ledgers_device(n);

		assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_OK);
	}
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	return 0;
}

static void
assert_span(struct span got, struct span want)
{
	assert_int_equal(got.n, want.n);
	if (want.n != 0)
		assert_memory_equal(got.p, want.p, want.n);
}

static void
assert_same_state(const struct ledger_state *got, const struct ledger_state *want,
		  uint64_t version)
{
	assert_string_equal(got->device, want->device);
	assert_int_equal(got->version, version);
	assert_span(got->continuity, want->continuity);
	assert_span(got->verdict, want->verdict);
	assert_span(got->proof, want->proof);
	assert_span(got->claims, want->claims);
	assert_memory_equal(got->nonce, want->nonce, 32);
	assert_span(got->channel, want->channel);
	assert_span(got->asked, want->asked);
	assert_memory_equal(got->boot_log, want->boot_log, 32);
	assert_memory_equal(got->good_log, want->good_log, 32);
	assert_int_equal(got->boot_at, want->boot_at);
	assert_span(got->boot_facts, want->boot_facts);
	assert_int_equal(got->verdict_outcome, want->verdict_outcome);
	assert_int_equal(got->verdict_at, want->verdict_at);
	assert_int_equal(got->expires_at, want->expires_at);
	assert_int_equal(got->decision, want->decision);
	assert_int_equal(got->decision_seq, want->decision_seq);
}

/* ---- refused ---- */

static void
there_is_no_state_without_device(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(9), got;

	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_state_brief(s->l, st.device, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_NOT_FOUND);
	memset(st.device, 'a', sizeof st.device);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_MALFORMED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

static void
i10_of_two_that_start_from_the_same_state_one_fails(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state first = ledgers_state(1), second = first, got;

	second.nonce[0] ^= 1;
	second.verdict_outcome = OUTCOME_RESTRICT;
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &first), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &second), ASSAY_MISMATCH);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_state_get(s->l, first.device, &got), ASSAY_OK);
	assert_same_state(&got, &first, 1);
	for (uint64_t v = 0; v < 5; v++) {
		second.version = v;
		assert_int_equal(ledger_begin(s->l), ASSAY_OK);
		assert_int_equal(ledger_state_put(s->l, &second),
				 v == 1 ? ASSAY_OK : ASSAY_MISMATCH);
		ledger_rollback(s->l);
	}
}

static void
refuses_values_over_their_limit_and_keeps_the_transaction(void **state)
{
	static const size_t max[] = {CONTINUITY_BYTES_MAX, VERDICT_BYTES_MAX, MSG_PROOF_MAX,
				     MSG_CLAIMS_MAX, 128, 128};
	struct ledgers *s = *state;
	struct ledger_state good = ledgers_state(1), got;
	uint8_t *big = calloc(1, MSG_CLAIMS_MAX + 1);

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned i = 0; i < 6; i++) {
		for (unsigned over = 0; over < 2; over++) {
			struct ledger_state st = good;
			struct span *fields[] = {&st.continuity, &st.verdict, &st.proof,
						 &st.claims,	 &st.channel, &st.asked};

			memcpy(st.device, ledgers_device(2).id, sizeof st.device);
			st.version = i;
			*fields[i] = SPAN(big, max[i] + over);
			assert_int_equal(ledger_state_put(s->l, &st),
					 over ? ASSAY_TOO_LARGE : ASSAY_OK);
			if (over)
				continue;
			assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_OK);
			assert_same_state(&got, &st, i + 1);
		}
	}
	good.verdict_outcome = (enum outcome)OUTCOME_COUNT;
	assert_int_equal(ledger_state_put(s->l, &good), ASSAY_MALFORMED);
	good = ledgers_state(1);
	good.decision = (enum outcome)OUTCOME_COUNT;
	assert_int_equal(ledger_state_put(s->l, &good), ASSAY_MALFORMED);
	good = ledgers_state(1);
	good.decision_seq = UINT64_MAX;
	assert_int_equal(ledger_state_put(s->l, &good), ASSAY_TOO_LARGE);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
	free(big);
}

static void
a_boot_log_must_be_stored_first(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(1);

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	memset(st.boot_log, 7, sizeof st.boot_log);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_MISSING);
	assert_int_equal(ledger_blob_put(s->l, SPAN("log", 3), st.boot_log), ASSAY_OK);
	memset(st.good_log, 8, sizeof st.good_log);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_MISSING);
	assert_int_equal(ledger_blob_put(s->l, SPAN("good", 4), st.good_log), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	/* a refusal leaves the references as they were */
	st.version++;
	memcpy(st.good_log, st.boot_log, sizeof st.good_log);
	memset(st.boot_log, 7, sizeof st.boot_log);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_MISSING);
	memset(st.boot_log, 0, sizeof st.boot_log);
	memset(st.good_log, 0, sizeof st.good_log);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	ledgers_close(s);
	assert_int_equal(ledgers_sql_int(s, "SELECT count(*) FROM boot_log WHERE refs=0"), 2);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

static void
the_last_good_boot_is_kept_while_a_device_has_it(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(1);
	uint8_t good[32];
	struct span got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN("good", 4), good), ASSAY_OK);
	memcpy(st.boot_log, good, 32);
	memcpy(st.good_log, good, 32);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	st.version++; /* another boot, that is not admitted */
	assert_int_equal(ledger_blob_put(s->l, SPAN("bad", 3), st.boot_log), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	assert_int_equal(ledger_prune(s->l, 0), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, good, &got), ASSAY_OK);
	assert_span(got, SPAN("good", 4));
	st.version++;
	memcpy(st.good_log, st.boot_log, 32);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	assert_int_equal(ledger_prune(s->l, 0), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, good, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_blob_get(s->l, st.boot_log, &got), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

static void
facts_of_the_boot_stay_as_they_are_until_there_are_others(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(1), want = st, got;

	IN_TRANSACTION(s, ledger_state_put(s->l, &st));
	st.version = 1;
	st.boot_facts = SPAN(NULL, 0);
	st.boot_facts_kept = true;
	IN_TRANSACTION(s, ledger_state_put(s->l, &st));
	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_OK);
	assert_same_state(&got, &want, 2);
	st.version = 2;
	st.boot_facts_kept = false;
	IN_TRANSACTION(s, ledger_state_put(s->l, &st));
	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_OK);
	assert_int_equal(got.boot_facts.n, 0);
	IN_TRANSACTION(s, (st.version = 3, st.boot_facts = want.boot_facts,
			   ledger_state_put(s->l, &st)));
	ledgers_close(s);
	assert_int_equal(ledgers_sql(s, "UPDATE state_part SET bytes=x'00' WHERE part=3"), 1);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_TAMPERED);
}

/* ---- kept ---- */

static void
a_device_starts_with_an_empty_state_that_decides_nothing(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state got, none = {0};

	memcpy(none.device, ledgers_device(1).id, sizeof none.device);
	assert_int_equal(ledger_state_get(s->l, none.device, &got), ASSAY_OK);
	assert_same_state(&got, &none, 0);
	assert_int_equal(got.verdict_outcome, OUTCOME_QUARANTINE);
	assert_int_equal(got.decision, OUTCOME_QUARANTINE);
	assert_int_equal(ledger_state_brief(s->l, none.device, &got), ASSAY_OK);
	assert_same_state(&got, &none, 0);
}

static void
every_field_comes_back_whatever_changed_before(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state got;
	char id[DEVICE_ID_HEX + 1];

	memcpy(id, ledgers_device(1).id, sizeof id);
	for (unsigned round = 0; round < 32; round++) {
		struct ledger_state st = ledgers_state(10 + (round & 16));

		memcpy(st.device, id, sizeof st.device);
		st.version = round;
		if (round & 1)
			st.verdict = SPAN(NULL, 0);
		if (round & 2)
			st.claims = st.boot_facts = SPAN(NULL, 0);
		if (round & 4)
			st.continuity = SPAN(NULL, 0);
		if (round & 8)
			st.proof = st.channel = st.asked = SPAN(NULL, 0);
		IN_TRANSACTION(s, ledger_state_put(s->l, &st));
		if (round % 8 == 7)
			assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
		assert_int_equal(ledger_state_get(s->l, id, &got), ASSAY_OK);
		assert_same_state(&got, &st, round + 1);
		assert_int_equal(ledger_state_brief(s->l, id, &got), ASSAY_OK);
		st.verdict = st.claims = st.proof = st.boot_facts = SPAN(NULL, 0);
		assert_same_state(&got, &st, round + 1);
	}
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
what_was_got_can_be_put_again(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(1), got;

	IN_TRANSACTION(s, ledger_state_put(s->l, &st));
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_OK);
	got.decision = OUTCOME_ADMIT;
	assert_int_equal(ledger_state_put(s->l, &got), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_OK);
	st.decision = OUTCOME_ADMIT;
	assert_same_state(&got, &st, 2);
}

static void
what_did_not_change_is_not_written_again(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(1);
	int before, after;

	IN_TRANSACTION(s, ledger_state_put(s->l, &st));
	st.version = 1;
	st.proof = SPAN("another", 7);
	before = sqlite3_total_changes(s->l->db);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	after = sqlite3_total_changes(s->l->db);
	assert_int_equal(after - before, 1);
	st.version = 2;
	st.verdict = SPAN("another", 7);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	assert_int_equal(sqlite3_total_changes(s->l->db) - after, 2);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

static void
spans_stay_good_while_others_are_read_and_written(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(1), got, other;
	struct span blob;
	uint8_t digest[32];

	IN_TRANSACTION(s, ledger_state_put(s->l, &st));
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN("bytes", 5), digest), ASSAY_OK);
	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, digest, &blob), ASSAY_OK);
	other = ledgers_state(2);
	assert_int_equal(ledger_state_put(s->l, &other), ASSAY_OK);
	st = ledgers_state(1);
	assert_same_state(&got, &st, 1);
	assert_span(blob, SPAN("bytes", 5));
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

/* ---- blobs ---- */

static void
bytes_are_found_by_their_digest_alone(void **state)
{
	struct ledgers *s = *state;
	uint8_t a[32], b[32], none[32] = {0};
	struct span got;
	uint8_t *big = calloc(1, LEDGER_BLOB_MAX + 1);

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN(big, LEDGER_BLOB_MAX + 1), a), ASSAY_TOO_LARGE);
	assert_int_equal(ledger_blob_put(s->l, SPAN(big, LEDGER_BLOB_MAX), a), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN(NULL, 0), b), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN(NULL, 0), b), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, none, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_blob_get(s->l, a, &got), ASSAY_OK);
	assert_span(got, SPAN(big, LEDGER_BLOB_MAX));
	assert_int_equal(ledger_blob_get(s->l, b, &got), ASSAY_OK);
	assert_int_equal(got.n, 0);
	free(big);
}

static void
boot_logs_go_when_the_last_device_left_them_and_other_blobs_stay(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state a = ledgers_state(1), b = ledgers_state(2);
	uint8_t shared[32], fresh[32], certificate[32];
	struct span got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN("shared", 6), shared), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN("fresh", 5), fresh), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN("certificate", 11), certificate), ASSAY_OK);
	memcpy(a.boot_log, shared, 32);
	memcpy(b.boot_log, shared, 32);
	assert_int_equal(ledger_state_put(s->l, &a), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &b), ASSAY_OK);
	a.version = b.version = 1;
	memcpy(a.boot_log, fresh, 32);
	assert_int_equal(ledger_state_put(s->l, &a), ASSAY_OK);
	assert_int_equal(ledger_prune(s->l, 0), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, shared, &got), ASSAY_OK);
	memset(b.boot_log, 0, 32);
	assert_int_equal(ledger_state_put(s->l, &b), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, shared, &got), ASSAY_OK);
	assert_int_equal(ledger_prune(s->l, 0), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, shared, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_blob_get(s->l, fresh, &got), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, certificate, &got), ASSAY_OK);
	/* and may come back */
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN("shared", 6), shared), ASSAY_OK);
	b.version = 2;
	memcpy(b.boot_log, shared, 32);
	assert_int_equal(ledger_state_put(s->l, &b), ASSAY_OK);
	assert_int_equal(ledger_prune(s->l, 0), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, shared, &got), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, setup_with_devices, ledgers_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(there_is_no_state_without_device),
		LEDGER_TEST(i10_of_two_that_start_from_the_same_state_one_fails),
		LEDGER_TEST(refuses_values_over_their_limit_and_keeps_the_transaction),
		LEDGER_TEST(a_boot_log_must_be_stored_first),
		LEDGER_TEST(the_last_good_boot_is_kept_while_a_device_has_it),
		LEDGER_TEST(facts_of_the_boot_stay_as_they_are_until_there_are_others),
		LEDGER_TEST(a_device_starts_with_an_empty_state_that_decides_nothing),
		LEDGER_TEST(every_field_comes_back_whatever_changed_before),
		LEDGER_TEST(what_was_got_can_be_put_again),
		LEDGER_TEST(what_did_not_change_is_not_written_again),
		LEDGER_TEST(spans_stay_good_while_others_are_read_and_written),
		LEDGER_TEST(bytes_are_found_by_their_digest_alone),
		LEDGER_TEST(boot_logs_go_when_the_last_device_left_them_and_other_blobs_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
