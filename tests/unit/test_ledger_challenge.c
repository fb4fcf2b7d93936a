/* test_ledger_challenge.c: challenges that left in files: settled once, and forgotten. */
#include "tests/support/ledgers.h"

#include <string.h>

#define SAME_TEXT(a, b, field) assert_string_equal((a).field, (b).field)
#define SAME(a, b, field) assert_true((a).field == (b).field)
#define SAME_BYTES(a, b, field) assert_memory_equal((a).field, (b).field, sizeof(a).field)

static int
setup_filled(void **state)
{
	ledgers_setup(state);
	ledgers_fill(*state);
	return 0;
}

static struct ledger_challenge
a_challenge(uint8_t n, unsigned device)
{
	struct ledger_challenge c = {.nonce = {n, 9},
				     .key_name = {.len = 34, .b = {0, 0x0B, n}},
				     .asked = {.count = 2, .bank = {{0x0B, 0x7BFF}, {4, 1}}},
				     .state = CHALLENGE_OUTSTANDING,
				     .issued = 1700000000,
				     .expires = 1700000000 + n,
				     .actor = "operator:anna"};

	memcpy(c.device, ledgers_device(device).id, sizeof c.device);
	return c;
}

static void
a_challenge_is_settled_once(void **state)
{
	struct ledger_challenge c = a_challenge(50, 1), got;
	struct ledgers *s = *state;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_challenge_settle(s->l, c.nonce, CHALLENGE_USED, 5),
			 ASSAY_NOT_FOUND);
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_OK);
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_EXISTS);
	assert_int_equal(ledger_challenge_settle(s->l, c.nonce, CHALLENGE_OUTSTANDING, 5),
			 ASSAY_MALFORMED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_challenge_get(s->l, c.nonce, &got), ASSAY_OK);
	SAME_TEXT(got, c, device);
	SAME_TEXT(got, c, actor);
	SAME(got, c, issued);
	SAME(got, c, expires);
	SAME(got, c, key_name.len);
	SAME_BYTES(got, c, key_name.b);
	assert_true(pcr_selection_equal(&got.asked, &c.asked));
	assert_int_equal(got.state, CHALLENGE_OUTSTANDING);
	assert_int_equal(ledger_challenge_settle(s->l, c.nonce, CHALLENGE_USED, 5), ASSAY_STATE);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_challenge_settle(s->l, c.nonce, CHALLENGE_USED, 5), ASSAY_OK);
	assert_int_equal(ledger_challenge_settle(s->l, c.nonce, CHALLENGE_REVOKED, 6), ASSAY_STATE);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_challenge_get(s->l, c.nonce, &got), ASSAY_OK);
	assert_int_equal(got.state, CHALLENGE_USED);
	assert_int_equal(got.settled, 5);
}

static void
a_challenge_that_is_none_is_not_taken(void **state)
{
	struct ledger_challenge c;
	struct ledgers *s = *state;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	c = a_challenge(50, 1);
	c.state = CHALLENGE_USED;
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_MALFORMED);
	c = a_challenge(50, 1);
	c.key_name.len = 0;
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_MALFORMED);
	c = a_challenge(50, 1);
	c.expires = c.issued;
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_MALFORMED);
	c = a_challenge(50, 9);
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_NOT_FOUND);
	ledger_rollback(s->l);
}

static void
challenges_walk_by_device_and_are_pruned_once_expired(void **state)
{
	static const uint8_t nonces[][2] = {{3, 1}, {1, 2}, {2, 1}};
	struct ledger_challenge got;
	struct ledgers *s = *state;
	uint8_t after[32];
	unsigned n = 0;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	while (ledger_challenge_next(s->l, NULL, &got) == ASSAY_OK) /* those that fill the ledger */
		assert_int_equal(ledger_prune(s->l, got.expires + 1), ASSAY_OK);
	for (size_t i = 0; i < 3; i++) {
		struct ledger_challenge c = a_challenge(nonces[i][0], nonces[i][1]);

		assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_OK);
	}
	assert_int_equal(ledger_challenge_of(s->l, ledgers_device(1).id, NULL, &got), ASSAY_OK);
	assert_int_equal(got.nonce[0], 2);
	assert_int_equal(ledger_challenge_of(s->l, ledgers_device(1).id, a_challenge(2, 1).nonce,
					     &got), ASSAY_OK);
	assert_int_equal(got.nonce[0], 3);
	assert_int_equal(ledger_challenge_of(s->l, ledgers_device(1).id, a_challenge(3, 1).nonce,
					     &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_prune(s->l, 1700000002), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	while (ledger_challenge_next(s->l, n ? after : NULL, &got) == ASSAY_OK) {
		memcpy(after, got.nonce, sizeof after);
		n++;
	}
	assert_int_equal(n, 2);
}

/* D14: what yesterday's ledger calls outstanding may have been answered. */
static void
d14_an_older_ledger_that_is_accepted_has_no_challenges(void **state)
{
	struct ledger_challenge c = a_challenge(50, 1), got;
	struct ledgers *s = *state;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	ledgers_close(s);
	ledgers_save(s, "a");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_challenge_settle(s->l, c.nonce, CHALLENGE_USED, 5), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	ledgers_close(s);
	ledgers_restore(s, "a");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	assert_int_equal(ledger_challenge_get(s->l, c.nonce, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, setup_filled, ledgers_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(a_challenge_is_settled_once),
		LEDGER_TEST(a_challenge_that_is_none_is_not_taken),
		LEDGER_TEST(challenges_walk_by_device_and_are_pruned_once_expired),
		LEDGER_TEST(d14_an_older_ledger_that_is_accepted_has_no_challenges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
