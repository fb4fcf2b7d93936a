/* test_ledger_records.c: decisions, tokens, EKs, references, policies, operators, audit. */
#include "tests/support/ledgers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evidence/hex.h"
#include "verifier/appraise/reference.h"
#include "verifier/ledger/outbox.h"

#define SAME_TEXT(a, b, field) assert_string_equal((a).field, (b).field)
#define SAME(a, b, field) assert_true((a).field == (b).field)
#define SAME_BYTES(a, b, field) assert_memory_equal((a).field, (b).field, sizeof(a).field)

static void
assert_span(struct span got, struct span want)
{
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

/* ---- decisions ---- */

static void
decisions_need_a_device_and_an_outcome(void **state)
{
	struct ledgers *s = *state;
	struct ledger_decision d = ledgers_decision(9);
	uint64_t seq = 55;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_decision_append(s->l, &d, &seq), ASSAY_NOT_FOUND);
	d = ledgers_decision(1);
	d.outcome = (enum outcome)OUTCOME_COUNT;
	assert_int_equal(ledger_decision_append(s->l, &d, &seq), ASSAY_MALFORMED);
	d = ledgers_decision(1);
	d.device[3] = 'X';
	assert_int_equal(ledger_decision_append(s->l, &d, &seq), ASSAY_MALFORMED);
	d = ledgers_decision(1);
	memset(d.reason, 'x', sizeof d.reason);
	assert_int_equal(ledger_decision_append(s->l, &d, &seq), ASSAY_MALFORMED);
	assert_int_equal(seq, 55);
	d = ledgers_decision(1);
	assert_int_equal(ledger_decision_append(s->l, &d, &seq), ASSAY_OK);
	assert_int_equal(seq, 3); /* no number was lost */
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

static void
decisions_are_numbered_by_the_ledger_and_chained_per_device(void **state)
{
	static const uint64_t previous[] = {1, 2, 3, 5, 4, 6}; /* of 3 to 8 */
	static const unsigned device[] = {1, 2, 1, 1, 2, 1};
	struct ledgers *s = *state;
	struct ledger_decision d, got;
	uint64_t seq;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned i = 0; i < 6; i++) {
		d = ledgers_decision(device[i]);
		d.seq = 1000; /* not the caller's to say */
		d.previous = 999;
		assert_int_equal(ledger_decision_append(s->l, &d, &seq), ASSAY_OK);
		assert_int_equal(seq, 3 + i);
		assert_int_equal(ledger_decision_prev(s->l, d.device, 0, &got), ASSAY_OK);
		SAME_TEXT(got, d, device);
		SAME(got, d, outcome);
		SAME(got, d, before);
		SAME_TEXT(got, d, reason);
		SAME_TEXT(got, d, detail);
		SAME(got, d, at);
		SAME(got, d, expires);
	}
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	for (uint64_t n = 8, before = 0; n >= 3; n--, before = got.seq) {
		assert_int_equal(ledger_decision_prev(s->l, "", before, &got), ASSAY_OK);
		assert_int_equal(got.seq, n);
		assert_int_equal(got.previous, previous[n - 3]);
	}
	assert_int_equal(ledger_decision_prev(s->l, ledgers_device(2).id, 2, &got),
			 ASSAY_NOT_FOUND);
	assert_int_equal(ledger_decision_prev(s->l, "", 1, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_decision_prev(s->l, ledgers_device(9).id, 0, &got),
			 ASSAY_NOT_FOUND);
}

static void
retention_keeps_each_devices_last_decision_and_all_numbers(void **state)
{
	struct ledgers *s = *state;
	struct ledger_decision d, got;
	uint64_t seq;
	unsigned n = 0;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned i = 0; i < 1500; i++) {
		d = ledgers_decision(i < 1400 ? 1 : 2);
		d.at = 1000 + i;
		assert_int_equal(ledger_decision_append(s->l, &d, &seq), ASSAY_OK);
	}
	assert_int_equal(ledger_prune(s->l, 1000), ASSAY_OK);
	assert_int_equal(ledger_decision_prev(s->l, "", 4, &got), ASSAY_OK);
	assert_int_equal(got.seq, 3); /* nothing was older */
	assert_int_equal(ledger_prune(s->l, 2300), ASSAY_OK); /* 1,300 are; 1,000 go */
	assert_int_equal(ledger_decision_prev(s->l, "", 1003, &got), ASSAY_OK);
	assert_int_equal(got.at, 1700000200);
	assert_int_equal(ledger_prune(s->l, 2300), ASSAY_OK);
	assert_int_equal(ledger_decision_prev(s->l, "", 1303, &got), ASSAY_OK);
	assert_int_equal(got.at, 1700000200);
	assert_int_equal(ledger_decision_prev(s->l, "", 1304, &got), ASSAY_OK);
	assert_int_equal(got.at, 2300);
	assert_int_equal(ledger_prune(s->l, INT64_MAX), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	for (uint64_t before = 0; ledger_decision_prev(s->l, "", before, &got) == ASSAY_OK; n++)
		before = got.seq;
	assert_int_equal(n, 2);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
	IN_TRANSACTION(s, ledger_decision_append(s->l, &d, &seq));
	assert_int_equal(seq, 1503);
}

static void
numbers_are_not_given_twice_after_the_newest_rows_are_gone(void **state)
{
	struct ledgers *s = *state;
	struct ledger_decision d = ledgers_decision(1);
	uint64_t seq;

	ledgers_close(s);
	ledgers_sql(s, "DELETE FROM decision");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	IN_TRANSACTION(s, ledger_decision_append(s->l, &d, &seq));
	assert_int_equal(seq, 3);
}

/* A copy of yesterday, whose head was taken away so that it is noticed: what was given since
 * is not known, and must not be given again. */
static void
d14_numbers_leap_where_no_head_tells_which_were_given(void **state)
{
	struct ledgers *s = *state;
	struct ledger_decision d = ledgers_decision(1);
	uint64_t seq;

	ledgers_close(s);
	assert_int_equal(unlink(s->head), 0);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	IN_TRANSACTION(s, ledger_decision_append(s->l, &d, &seq));
	assert_int_equal(seq, LEDGER_SEQUENCE_LEAP + 3);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

/* ---- tokens and EKs ---- */

static void
a_token_is_spent_as_often_as_it_says_and_no_more(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t, want = ledgers_token(1);

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_token_spend(s->l, "none"), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_token_spend(s->l, "t1"), ASSAY_OK);
	assert_int_equal(ledger_token_spend(s->l, "t1"), ASSAY_OK);
	assert_int_equal(ledger_token_spend(s->l, "t1"), ASSAY_DENIED);
	ledger_rollback(s->l);
	assert_int_equal(ledger_token_get(s->l, "t1", &t), ASSAY_OK);
	assert_int_equal(t.uses_left, 2);
	IN_TRANSACTION(s, ledger_token_spend(s->l, "t1"));
	IN_TRANSACTION(s, ledger_token_spend(s->l, "t1"));
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_token_spend(s->l, "t1"), ASSAY_DENIED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_token_get(s->l, "t1", &t), ASSAY_OK);
	assert_int_equal(t.uses_left, 0);
	SAME_BYTES(t, want, secret_hash);
	SAME_TEXT(t, want, class_name);
	SAME_TEXT(t, want, labels);
	SAME(t, want, lowest_tier);
	SAME(t, want, created);
	SAME(t, want, expires);
	SAME_TEXT(t, want, created_by);
}

static void
tokens_are_not_overwritten_and_walk_in_order(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t = ledgers_token(1), got;
	unsigned n = 0;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	t.uses_left = 1000;
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_EXISTS);
	t.id[0] = '\0';
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_MALFORMED);
	t = ledgers_token(2);
	t.lowest_tier = TIER_COUNT;
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_MALFORMED);
	t = ledgers_token(2);
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	got.id[0] = '\0';
	while (ledger_token_next(s->l, got.id, &got) == ASSAY_OK)
		n++;
	assert_int_equal(n, 2);
	assert_int_equal(ledger_token_get(s->l, "t1", &got), ASSAY_OK);
	assert_int_equal(got.uses_left, 2);
	assert_int_equal(ledger_token_get(s->l, "t3", &got), ASSAY_NOT_FOUND);
}

static void
expired_tokens_are_pruned_and_living_ones_are_not(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t = ledgers_token(2);

	t.expires++;
	IN_TRANSACTION(s, ledger_token_insert(s->l, &t));
	IN_TRANSACTION(s, ledger_prune(s->l, t.expires));
	assert_int_equal(ledger_token_get(s->l, "t1", &t), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_token_get(s->l, "t2", &t), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

static void
allow_listed_eks_come_back_and_are_not_overwritten(void **state)
{
	struct ledgers *s = *state;
	struct ledger_ek k = ledgers_ek(1), got;

	assert_int_equal(ledger_ek_get(s->l, ledgers_ek(2).ek_digest, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_ek_get(s->l, k.ek_digest, &got), ASSAY_OK);
	SAME_BYTES(got, k, ek_digest);
	SAME_TEXT(got, k, class_name);
	SAME_TEXT(got, k, labels);
	SAME_TEXT(got, k, name);
	SAME(got, k, created);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_ek_insert(s->l, &k), ASSAY_EXISTS);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

/* ---- references ---- */

static void
references_are_never_edited_in_place(void **state)
{
	struct ledgers *s = *state;
	struct ledger_reference r = ledgers_reference(1), o = ledgers_reference(2), got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	memcpy(o.digest, r.digest, 32);
	assert_int_equal(ledger_reference_insert(s->l, &o), ASSAY_EXISTS);
	o = ledgers_reference(2);
	memcpy(o.name, r.name, sizeof o.name);
	assert_int_equal(ledger_reference_insert(s->l, &o), ASSAY_EXISTS);
	o = ledgers_reference(2);
	o.state = REF_NONE;
	assert_int_equal(ledger_reference_insert(s->l, &o), ASSAY_MALFORMED);
	o = ledgers_reference(2);
	o.name[0] = '\0';
	assert_int_equal(ledger_reference_insert(s->l, &o), ASSAY_MALFORMED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_reference_find(s->l, "boot-1", &got), ASSAY_OK);
	r = ledgers_reference(1);
	SAME_BYTES(got, r, digest);
	SAME_TEXT(got, r, class_name);
	SAME_TEXT(got, r, device);
	SAME(got, r, state);
	SAME_TEXT(got, r, origin);
	SAME_TEXT(got, r, author);
	SAME(got, r, created);
	SAME(got, r, not_after);
	assert_span(got.compiled, r.compiled);
}

static void
a_reference_changes_its_state_and_nothing_else(void **state)
{
	struct ledgers *s = *state;
	struct ledger_reference r = ledgers_reference(1), got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_reference_set_state(s->l, "none", REF_PROMOTED), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_reference_set_state(s->l, r.name, REF_NONE), ASSAY_MALFORMED);
	assert_int_equal(ledger_reference_set_state(s->l, r.name, (enum reference_state)9),
			 ASSAY_MALFORMED);
	assert_int_equal(ledger_reference_set_state(s->l, r.name, REF_PROMOTED), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_reference_find(s->l, "boot-1", &got), ASSAY_OK);
	assert_int_equal(got.state, REF_PROMOTED);
	assert_span(got.compiled, r.compiled);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

/* The same content, small or large, for another class: a set of its own. */
static void
a_class_has_its_own_set_of_the_same_content(void **state)
{
	static uint8_t bytes[REFERENCE_BYTES_MAX + 5000];
	struct ledgers *s = *state;
	struct ledger_reference a = ledgers_reference(2), b, got;
	char hex[65];

	for (unsigned large = 0; large < 2; large++) {
		a = ledgers_reference(2 + large);
		snprintf(a.class_name, sizeof a.class_name, "gateway");
		if (large) {
			memset(bytes, 0x5A, sizeof bytes);
			a.compiled = SPAN(bytes, sizeof bytes);
			assert_int_equal(digest_sha256(a.compiled, a.digest), ASSAY_OK);
		}
		b = a;
		snprintf(b.class_name, sizeof b.class_name, "controller");
		snprintf(b.name, sizeof b.name, "another-%u", large);
		assert_int_equal(ledger_begin(s->l), ASSAY_OK);
		assert_int_equal(ledger_reference_insert(s->l, &a), ASSAY_OK);
		assert_int_equal(ledger_reference_insert(s->l, &b), ASSAY_OK);
		snprintf(b.name, sizeof b.name, "third-%u", large);
		assert_int_equal(ledger_reference_insert(s->l, &b), ASSAY_EXISTS);
		assert_int_equal(ledger_reference_set_state(s->l, a.name, REF_RETIRED), ASSAY_OK);
		assert_int_equal(ledger_commit(s->l), ASSAY_OK);
		assert_int_equal(ledger_reference_of(s->l, a.digest, "gateway", &got), ASSAY_OK);
		SAME_TEXT(got, a, name);
		assert_int_equal(got.state, REF_RETIRED);
		assert_int_equal(ledger_reference_of(s->l, a.digest, "controller", &got), ASSAY_OK);
		assert_int_equal(got.state, b.state);
		assert_int_equal(got.large, large);
		assert_int_equal(ledger_reference_of(s->l, a.digest, "", &got), ASSAY_OK);
		assert_int_equal(ledger_reference_of(s->l, a.digest, "none", &got),
				 ASSAY_NOT_FOUND);
		assert_int_equal(hex_encode(SPAN(a.digest, 32), hex, sizeof hex), ASSAY_OK);
		assert_int_equal(ledger_reference_find(s->l, hex, &got), ASSAY_BUSY);
	}
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
references_are_found_by_name_and_unambiguous_digest(void **state)
{
	struct ledgers *s = *state;
	struct ledger_reference a = ledgers_reference(2), b = ledgers_reference(3), got;
	char hex[65];
	unsigned n = 0;

	memcpy(b.digest, a.digest, 5);
	b.digest[5] = a.digest[5] ^ 0x10;
	assert_int_equal(hex_encode(SPAN(a.digest, 32), hex, sizeof hex), ASSAY_OK);
	snprintf(b.name, sizeof b.name, "%.12s", hex); /* reads as a's digest */
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_reference_insert(s->l, &a), ASSAY_OK);
	assert_int_equal(ledger_reference_insert(s->l, &b), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_reference_find(s->l, hex, &got), ASSAY_OK);
	SAME_TEXT(got, a, name);
	assert_int_equal(ledger_reference_find(s->l, b.name, &got), ASSAY_BUSY);
	hex[11] = '\0'; /* 11 digits: odd, and differ */
	assert_int_equal(ledger_reference_find(s->l, hex, &got), ASSAY_OK);
	SAME_TEXT(got, a, name);
	hex[10] = '\0';
	assert_int_equal(ledger_reference_find(s->l, hex, &got), ASSAY_BUSY);
	hex[7] = '\0';
	assert_int_equal(ledger_reference_find(s->l, hex, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_reference_find(s->l, "", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_reference_find(s->l, "ffffffffffff", &got), ASSAY_NOT_FOUND);
	got.name[0] = '\0';
	while (ledger_reference_next(s->l, got.name, &got) == ASSAY_OK)
		n++;
	assert_int_equal(n, 3);
}

/* ---- policies ---- */

static unsigned
active_policies(struct ledgers *s, uint8_t ret_digest[32])
{
	struct ledger_policy p;
	unsigned n = 0;

	for (const uint8_t *after = NULL; ledger_policy_next(s->l, after, &p) == ASSAY_OK;
	     after = p.digest) {
		if (!p.active)
			continue;
		memcpy(ret_digest, p.digest, 32);
		n++;
	}
	return n;
}

static void
one_policy_of_a_name_is_active(void **state)
{
	struct ledgers *s = *state;
	struct ledger_policy p[5], other, got;
	uint8_t digest[32], none[32] = {0};

	assert_int_equal(active_policies(s, digest), 0);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_policy_activate(s->l, none), ASSAY_NOT_FOUND);
	p[1] = ledgers_policy(1);
	assert_int_equal(ledger_policy_insert(s->l, &p[1]), ASSAY_EXISTS);
	for (unsigned i = 2; i < 5; i++) {
		p[i] = ledgers_policy(i);
		assert_int_equal(ledger_policy_insert(s->l, &p[i]), ASSAY_OK);
	}
	other = ledgers_policy(9);
	other.active = true;
	memcpy(other.name, "controllers", sizeof "controllers");
	assert_int_equal(ledger_policy_insert(s->l, &other), ASSAY_OK);
	assert_int_equal(ledger_policy_get(s->l, other.digest, &got), ASSAY_OK);
	assert_true(got.active);
	for (unsigned i = 4; i >= 1; i--) {
		assert_int_equal(ledger_policy_activate(s->l, p[i].digest), ASSAY_OK);
		assert_int_equal(ledger_policy_activate(s->l, p[i].digest), ASSAY_OK);
		assert_int_equal(active_policies(s, digest), 2);
		assert_int_equal(ledger_policy_get(s->l, p[i].digest, &got), ASSAY_OK);
		assert_true(got.active);
	}
	p[0] = ledgers_policy(6);
	p[0].active = true;
	assert_int_equal(ledger_policy_insert(s->l, &p[0]), ASSAY_OK);
	assert_int_equal(active_policies(s, digest), 2);
	assert_int_equal(ledger_policy_get(s->l, p[1].digest, &got), ASSAY_OK);
	assert_false(got.active);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
a_policy_comes_back_whole(void **state)
{
	struct ledgers *s = *state;
	struct ledger_policy p = ledgers_policy(1), got;

	assert_int_equal(ledger_policy_get(s->l, p.digest, &got), ASSAY_OK);
	SAME_BYTES(got, p, digest);
	SAME_TEXT(got, p, name);
	SAME(got, p, version);
	SAME(got, p, active);
	SAME_TEXT(got, p, author);
	SAME_TEXT(got, p, comment);
	SAME(got, p, created);
	assert_span(got.source, p.source);
	assert_span(got.compiled, p.compiled);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	p.digest[0] ^= 1;
	p.name[0] = '\0';
	assert_int_equal(ledger_policy_insert(s->l, &p), ASSAY_MALFORMED);
	ledger_rollback(s->l);
}

/* ---- operators ---- */

static void
operators_are_found_by_their_credential_and_stay_revoked(void **state)
{
	struct ledgers *s = *state;
	struct ledger_operator o = ledgers_operator(1), p = ledgers_operator(2), got;
	unsigned n = 0;

	assert_int_equal(ledger_operator_by_hash(s->l, CREDENTIAL_TOKEN, p.hash, &got),
			 ASSAY_NOT_FOUND);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	memcpy(p.hash, o.hash, 32);
	assert_int_equal(ledger_operator_insert(s->l, &p), ASSAY_EXISTS);
	p = ledgers_operator(2);
	memcpy(p.name, o.name, sizeof p.name);
	assert_int_equal(ledger_operator_insert(s->l, &p), ASSAY_EXISTS);
	p = ledgers_operator(2);
	p.role = ROLE_NONE;
	assert_int_equal(ledger_operator_insert(s->l, &p), ASSAY_MALFORMED);
	p.role = ROLE_COUNT;
	assert_int_equal(ledger_operator_insert(s->l, &p), ASSAY_MALFORMED);
	p.role = ROLE_ADMIN;
	assert_int_equal(ledger_operator_insert(s->l, &p), ASSAY_OK);
	assert_int_equal(ledger_operator_revoke(s->l, "nobody"), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_operator_revoke(s->l, o.name), ASSAY_OK);
	assert_int_equal(ledger_operator_revoke(s->l, o.name), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_operator_by_hash(s->l, CREDENTIAL_TOKEN, o.hash, &got), ASSAY_OK);
	assert_true(got.revoked);
	SAME_TEXT(got, o, name);
	SAME(got, o, role);
	SAME(got, o, created);
	SAME(got, o, expires);
	assert_int_equal(ledger_operator_by_hash(s->l, CREDENTIAL_TOKEN, p.hash, &got), ASSAY_OK);
	assert_false(got.revoked);
	assert_int_equal(ledger_operator_by_hash(s->l, CREDENTIAL_CERTIFICATE, p.hash, &got),
			 ASSAY_NOT_FOUND);
	got.name[0] = '\0';
	while (ledger_operator_next(s->l, got.name, &got) == ASSAY_OK)
		n++;
	assert_int_equal(n, 2);
}

/* ---- audit ---- */

static void
audit_entries_are_chained_and_read_both_ways(void **state)
{
	struct ledgers *s = *state;
	struct ledger_audit a, got;
	uint8_t hash[32];

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned n = 3; n <= 20; n++) {
		a = ledgers_audit(n % 4);
		assert_int_equal(ledger_audit_append(s->l, &a), ASSAY_OK);
		assert_int_equal(a.seq, n);
	}
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	memset(hash, 0, sizeof hash);
	for (uint64_t n = 0; n < 20; n++) {
		assert_int_equal(ledger_audit_next(s->l, n, &got), ASSAY_OK);
		assert_int_equal(got.seq, n + 1);
		assert_memory_equal(got.previous, hash, 32);
		assert_int_equal(ledger_audit_hash(&got, hash), ASSAY_OK);
		assert_memory_equal(got.hash, hash, 32);
	}
	assert_int_equal(ledger_audit_next(s->l, 20, &got), ASSAY_NOT_FOUND);
	for (uint64_t n = 20, before = 0; n >= 1; n--, before = got.seq) {
		assert_int_equal(ledger_audit_prev(s->l, "", before, &got), ASSAY_OK);
		assert_int_equal(got.seq, n);
	}
	assert_int_equal(ledger_audit_prev(s->l, "", 1, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_audit_prev(s->l, "gw-3", 0, &got), ASSAY_OK);
	assert_int_equal(got.seq, 19);
	assert_int_equal(ledger_audit_prev(s->l, "gw-3", 19, &got), ASSAY_OK);
	assert_int_equal(got.seq, 15);
	assert_int_equal(ledger_audit_prev(s->l, "gw-3", 3, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_audit_prev(s->l, "nothing", 0, &got), ASSAY_NOT_FOUND);
}

static void
an_audit_entry_that_is_no_text_is_not_taken(void **state)
{
	struct ledgers *s = *state;
	struct ledger_audit a = ledgers_audit(1), got;

	memset(a.detail, 'x', sizeof a.detail);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_audit_append(s->l, &a), ASSAY_MALFORMED);
	a = ledgers_audit(1);
	memset(a.detail, 'x', sizeof a.detail - 1);
	memset(a.actor, 'x', sizeof a.actor - 1);
	memset(a.action, 'x', sizeof a.action - 1);
	memset(a.object, 'x', sizeof a.object - 1);
	assert_int_equal(ledger_audit_append(s->l, &a), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_audit_next(s->l, 2, &got), ASSAY_OK);
	SAME_TEXT(got, a, detail);
	SAME_BYTES(got, a, hash);
}

/* sha256("\x00\x0eassay-audit-v1" + 32 zeros + seq 1 + at + 4 x be16 text), made with
 * Python's hashlib. */
static void
the_hash_of_an_entry_is_the_documented_one(void **state)
{
	struct ledger_audit a = {.seq = 1,
				 .at = 1700000000,
				 .actor = "operator:anna",
				 .action = "device.approve",
				 .object = "gw-1",
				 .detail = "class gateway"};
	uint8_t hash[32];
	char hex[65];

	(void)state;
	assert_int_equal(ledger_audit_hash(&a, hash), ASSAY_OK);
	assert_int_equal(hex_encode(SPAN(hash, 32), hex, sizeof hex), ASSAY_OK);
	assert_string_equal(hex,
			    "8aebf9002e31c04898cefb57a49412cea6bbd0106c3e05fe911d85e3e03d390a");
}

static int
setup_filled(void **state)
{
	ledgers_setup(state);
	ledgers_fill(*state);
	return 0;
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, setup_filled, ledgers_teardown)

/* ---- what leaves by itself ---- */

static struct ledger_dead
dead_letter(const char *name, uint64_t seq, bool again)
{
	struct ledger_dead d = {.seq = seq, .attempts = 3, .error = "HTTP 410", .at = 9,
				.again = again};

	snprintf(d.name, sizeof d.name, "%s", name);
	return d;
}

static void
a_cursor_is_as_it_was_stored_last(void **state)
{
	struct ledger_outbox o = {"siem", 7, 1}, got;
	struct ledgers *s = *state;

	assert_int_equal(ledger_outbox_get(s->l, "siem", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_outbox_put(s->l, &o), ASSAY_STATE);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_outbox_put(s->l, &o), ASSAY_OK);
	o.cursor = 8;
	assert_int_equal(ledger_outbox_put(s->l, &o), ASSAY_OK);
	snprintf(o.name, sizeof o.name, "a:b");
	assert_int_equal(ledger_outbox_put(s->l, &o), ASSAY_MALFORMED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_outbox_get(s->l, "siem", &got), ASSAY_OK);
	assert_int_equal(got.cursor, 8);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
dead_letters_are_each_webhooks_own_and_in_order(void **state)
{
	struct ledger_dead d[] = {dead_letter("a", 100, false), dead_letter("a", 9, true),
				  dead_letter("a-b", 9, true), dead_letter("aa", 1, false)};
	struct ledger_dead at = {.name = "a"}, got;
	struct ledgers *s = *state;
	uint32_t all, again;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(ledger_dead_put(s->l, &d[i]), ASSAY_OK);
	assert_int_equal(ledger_dead_put(s->l, &d[1]), ASSAY_OK); /* in its place */
	assert_int_equal(ledger_dead_next(s->l, &at, false, &got), ASSAY_OK);
	assert_int_equal(got.seq, 9);
	assert_int_equal(got.attempts, 3);
	assert_string_equal(got.error, "HTTP 410");
	assert_int_equal(ledger_dead_next(s->l, &got, true, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_dead_next(s->l, &got, false, &got), ASSAY_OK);
	assert_int_equal(got.seq, 100);
	assert_int_equal(ledger_dead_next(s->l, &got, false, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_dead_count(s->l, "a", &all, &again), ASSAY_OK);
	assert_int_equal(all, 2);
	assert_int_equal(again, 1);
	assert_int_equal(ledger_dead_remove(s->l, "a", 9), ASSAY_OK);
	assert_int_equal(ledger_dead_remove(s->l, "a", 9), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_dead_get(s->l, "a-b", 9, &got), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(decisions_need_a_device_and_an_outcome),
		LEDGER_TEST(decisions_are_numbered_by_the_ledger_and_chained_per_device),
		LEDGER_TEST(retention_keeps_each_devices_last_decision_and_all_numbers),
		LEDGER_TEST(numbers_are_not_given_twice_after_the_newest_rows_are_gone),
		LEDGER_TEST(d14_numbers_leap_where_no_head_tells_which_were_given),
		LEDGER_TEST(a_token_is_spent_as_often_as_it_says_and_no_more),
		LEDGER_TEST(tokens_are_not_overwritten_and_walk_in_order),
		LEDGER_TEST(expired_tokens_are_pruned_and_living_ones_are_not),
		LEDGER_TEST(allow_listed_eks_come_back_and_are_not_overwritten),
		LEDGER_TEST(references_are_never_edited_in_place),
		LEDGER_TEST(a_reference_changes_its_state_and_nothing_else),
		LEDGER_TEST(a_class_has_its_own_set_of_the_same_content),
		LEDGER_TEST(references_are_found_by_name_and_unambiguous_digest),
		LEDGER_TEST(one_policy_of_a_name_is_active),
		LEDGER_TEST(a_policy_comes_back_whole),
		LEDGER_TEST(operators_are_found_by_their_credential_and_stay_revoked),
		LEDGER_TEST(audit_entries_are_chained_and_read_both_ways),
		LEDGER_TEST(an_audit_entry_that_is_no_text_is_not_taken),
		LEDGER_TEST(the_hash_of_an_entry_is_the_documented_one),
		LEDGER_TEST(a_cursor_is_as_it_was_stored_last),
		LEDGER_TEST(dead_letters_are_each_webhooks_own_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
