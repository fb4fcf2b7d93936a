/* test_ledger_ima.c: IMA lists in the ledger: entries once for the fleet, lists as they
 * were, and nothing that was altered believed. */
#include "tests/support/ledgers.h"

#include "evidence/writer.h"

#include <stdio.h>
#include <string.h>

#define BYTES_MAX (8u << 20)

/* Entries that are to be stored, and what came back. */
static struct made {
	uint8_t bytes[BYTES_MAX], lengths[4 * 65536], back[BYTES_MAX];
	struct writer b, l;
	size_t back_len;
} made;

static char ids[64][DEVICE_ID_HEX + 1];

static void
make(unsigned first, unsigned n)
{
	wr_init(&made.b, made.bytes, sizeof made.bytes);
	wr_init(&made.l, made.lengths, sizeof made.lengths);
	for (unsigned i = first; i < first + n; i++) {
		char text[96];
		int len = snprintf(text, sizeof text, "entry %u %.*s", i, (int)(i % 50),
				   "..................................................");

		wr_bytes(&made.b, SPAN(text, (size_t)len));
		wr_be32(&made.l, (uint32_t)len);
	}
	assert_int_equal(made.b.err, ASSAY_OK);
	assert_int_equal(made.l.err, ASSAY_OK);
}

static const char *
device(unsigned n)
{
	struct ledger_device d = ledgers_device(n);

	memcpy(ids[n % 64], d.id, sizeof d.id);
	return ids[n % 64];
}

static struct ledger_ima_batch
batch(unsigned n, uint64_t from)
{
	return (struct ledger_ima_batch){.device = device(n), .class_name = "gateway",
					 .now = 1000, .from = from, .bytes = wr_span(&made.b),
					 .lengths = wr_span(&made.l)};
}

static uint64_t
append(struct ledgers *s, unsigned n, uint64_t from)
{
	struct ledger_ima_batch b = batch(n, from);
	uint64_t first = 0;

	IN_TRANSACTION(s, ledger_ima_append(s->l, &b, &first));
	return first;
}

static enum assay_err
collect(void *arg, struct span bytes)
{
	(void)arg;
	assert_true(made.back_len + bytes.n <= sizeof made.back);
	memcpy(made.back + made.back_len, bytes.p, bytes.n);
	made.back_len += bytes.n;
	return ASSAY_OK;
}

static enum assay_err
read_back(struct ledgers *s, unsigned n)
{
	made.back_len = 0;
	return ledger_ima_read(s->l, device(n), collect, NULL);
}

static void
holds(struct ledgers *s, unsigned n, unsigned first, unsigned count)
{
	struct ledger_ima ima;

	make(first, count);
	assert_int_equal(ledger_ima_get(s->l, device(n), &ima), ASSAY_OK);
	assert_int_equal(ima.entries, count);
	assert_int_equal(ima.bytes, made.b.len);
	assert_int_equal(read_back(s, n), ASSAY_OK);
	assert_int_equal(made.back_len, made.b.len);
	assert_memory_equal(made.back, made.bytes, made.b.len);
}

static void
a_list_comes_back_as_it_was(void **state)
{
	struct ledgers *s = *state;
	struct ledger_ima ima;

	assert_int_equal(ledger_ima_get(s->l, device(1), &ima), ASSAY_NOT_FOUND);
	assert_int_equal(read_back(s, 1), ASSAY_NOT_FOUND);
	make(0, 10000); /* several segments */
	assert_int_equal(append(s, 1, 0), 10000);
	holds(s, 1, 0, 10000);
	make(10000, 1);
	assert_int_equal(append(s, 1, 10000), 1);
	holds(s, 1, 0, 10001);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
	ledgers_close(s);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	holds(s, 1, 0, 10001);
}

static void
m4_a_list_goes_on_only_where_it_ended(void **state)
{
	struct ledgers *s = *state;
	struct ledger_ima_batch b;
	uint64_t first = 77;

	make(0, 10);
	b = batch(1, 10);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MISMATCH);
	b.from = 0;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_OK);
	b.from = 9;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MISMATCH);
	b.from = 11;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MISMATCH);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	holds(s, 1, 0, 10);
}

static void
lengths_that_do_not_add_up_are_refused(void **state)
{
	struct ledgers *s = *state;
	static uint8_t zero[8];
	struct ledger_ima_batch b;
	uint64_t first;

	make(0, 10);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	b = batch(1, 0);
	b.bytes.n--;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MALFORMED);
	b = batch(1, 0);
	b.lengths.n -= 4;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MALFORMED);
	b.lengths.n -= 1;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MALFORMED);
	b.lengths.n = 0;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MALFORMED);
	b.lengths = SPAN(zero, sizeof zero);
	b.bytes.n = 0;
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MALFORMED);
	b = batch(1, 0);
	b.device = "nobody";
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_MALFORMED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

/* 60 rounds of 20, and many more: rows stay few, the list stays right. */
static void
rounds_of_few_entries_are_joined(void **state)
{
	struct ledgers *s = *state;
	unsigned n = 2000;
	long long rows;

	make(0, n);
	append(s, 1, 0);
	for (unsigned round = 0; round < 400; round++, n += 20) {
		make(n, 20);
		append(s, 1, n);
	}
	holds(s, 1, 0, n);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
	ledgers_close(s);
	rows = ledgers_sql_int(s, "SELECT count(*) FROM ima_list");
	assert_true(rows < 50);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	holds(s, 1, 0, n);
	IN_TRANSACTION(s, ledger_prune(s->l, 0));
	holds(s, 1, 0, n);
}

static void
a_reboot_begins_anew_and_what_nobody_has_goes(void **state)
{
	struct ledgers *s = *state;
	struct ledger_ima ima;

	make(0, 500);
	append(s, 1, 0);
	make(400, 300);
	append(s, 2, 0);
	make(5000, 10);
	append(s, 1, 0);
	holds(s, 1, 5000, 10);
	holds(s, 2, 400, 300);
	for (unsigned i = 0; i < 3; i++)
		IN_TRANSACTION(s, ledger_prune(s->l, 5000));
	holds(s, 1, 5000, 10);
	holds(s, 2, 400, 300);
	ledgers_close(s);
	assert_int_equal(ledgers_sql_int(s, "SELECT count(*) FROM ima_segment"), 2);
	assert_int_equal(ledgers_sql_int(s, "SELECT count(*) FROM ima_entry"), 310);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	IN_TRANSACTION(s, ledger_ima_drop(s->l, device(2)));
	IN_TRANSACTION(s, ledger_ima_drop(s->l, device(2)));
	assert_int_equal(ledger_ima_get(s->l, device(2), &ima), ASSAY_NOT_FOUND);
	IN_TRANSACTION(s, ledger_prune(s->l, 0));
	IN_TRANSACTION(s, ledger_prune(s->l, 0)); /* seen since: kept */
	ledgers_close(s);
	assert_int_equal(ledgers_sql_int(s, "SELECT count(*) FROM ima_entry"), 310);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

static void
what_a_class_has_first_is_told_once(void **state)
{
	struct ledgers *s = *state;
	struct ledger_ima_first f;
	struct ledger_ima_batch b;
	uint64_t n, after = 0, first;

	make(0, 100);
	assert_int_equal(append(s, 1, 0), 100);
	assert_int_equal(append(s, 2, 0), 0); /* the same class */
	make(100, 5);
	assert_int_equal(append(s, 2, 100), 5);
	assert_int_equal(append(s, 1, 100), 0);
	assert_int_equal(ledger_ima_first_count(s->l, device(2), 0, &n), ASSAY_OK);
	assert_int_equal(n, 5);
	assert_int_equal(ledger_ima_first_count(s->l, device(2), 1001, &n), ASSAY_OK);
	assert_int_equal(n, 0);
	for (n = 0; ledger_ima_first_next(s->l, device(2), 0, after, &f) == ASSAY_OK; n++) {
		assert_string_equal(f.class_name, "gateway");
		assert_int_equal(f.at, 1000);
		assert_true(f.entry > after);
		assert_memory_equal(f.bytes.p, "entry 10", 8);
		after = f.entry;
	}
	assert_int_equal(n, 5);
	make(0, 100); /* another class has the segment, and all of it is new there */
	b = batch(1, 0);
	b.class_name = "switch";
	IN_TRANSACTION(s, ledger_ima_append(s->l, &b, &first));
	assert_int_equal(first, 100);
	IN_TRANSACTION(s, ledger_ima_append(s->l, &b, &first));
	assert_int_equal(first, 0);
}

static void
d8_altered_entries_segments_and_rows_are_tampered(void **state)
{
	static const struct {
		const char *sql;
		enum assay_err opens;
	} cases[] = {
		{"UPDATE ima_entry SET bytes=x'00' WHERE id=5", ASSAY_OK},
		{"UPDATE ima_entry SET digest=zeroblob(32) WHERE id=5", ASSAY_OK},
		{"UPDATE ima_segment SET ids=x'0204'", ASSAY_OK},
		{"UPDATE ima_segment SET ids=x'FFFFFFFFFFFFFFFFFFFF'", ASSAY_OK},
		{"PRAGMA foreign_keys=OFF; DELETE FROM ima_segment", ASSAY_OK},
		{"UPDATE ima_list SET entries=entries-1", ASSAY_OK},
		{"UPDATE ima_list SET segment=(SELECT max(digest) FROM ima_segment)", ASSAY_OK},
		{"DELETE FROM ima_list", ASSAY_TAMPERED},
		{"UPDATE ima_list SET id='0' || substr(id, 2)", ASSAY_OK},
	};
	struct ledgers *s = *state;

	make(0, 5000);
	append(s, 1, 0);
	holds(s, 1, 0, 5000);
	ledgers_close(s);
	ledgers_save(s, "good");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum assay_err e;

		ledgers_restore(s, "good");
		(void)ledgers_sql(s, "%s", cases[i].sql);
		e = ledgers_open(s, NULL);
		if (e == ASSAY_OK) {
			assert_int_not_equal(read_back(s, 1), ASSAY_OK);
			assert_int_not_equal(ledger_check(s->l, NULL), ASSAY_OK);
		} else {
			assert_int_equal(e, ASSAY_TAMPERED);
		}
		ledgers_close(s);
	}
	ledgers_restore(s, "good");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	holds(s, 1, 0, 5000);
}

static void
an_altered_entry_is_made_good_when_it_comes_again(void **state)
{
	struct ledgers *s = *state;

	make(0, 100);
	append(s, 1, 0);
	ledgers_close(s);
	ledgers_sql(s, "UPDATE ima_entry SET bytes=x'00' WHERE id=5");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(read_back(s, 1), ASSAY_TAMPERED);
	make(0, 101); /* another segment with the same entries */
	append(s, 1, 0);
	holds(s, 1, 0, 101);
}

static void
nothing_of_a_transaction_that_failed_stays(void **state)
{
	struct ledgers *s = *state;
	struct ledger_ima_batch b;
	struct ledger_ima ima;
	uint64_t first;

	make(0, 100);
	b = batch(1, 0);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_ima_append(s->l, &b, &first), ASSAY_OK);
	ledger_rollback(s->l);
	assert_int_equal(ledger_ima_get(s->l, device(1), &ima), ASSAY_NOT_FOUND);
	assert_int_equal(append(s, 1, 0), 100);
	holds(s, 1, 0, 100);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
accepting_a_fault_forgets_the_lists(void **state)
{
	struct ledgers *s = *state;
	struct ledger_ima ima;

	make(0, 100);
	append(s, 1, 0);
	ledgers_close(s);
	ledgers_sql(s, "DELETE FROM token");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	assert_int_equal(ledger_ima_get(s->l, device(1), &ima), ASSAY_NOT_FOUND);
	make(0, 100);
	append(s, 1, 0);
	holds(s, 1, 0, 100);
}

static int
setup(void **state)
{
	int e = ledgers_setup(state);

	if (e == 0)
		ledgers_fill(*state);
	return e;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, ledgers_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_list_comes_back_as_it_was),
		T(m4_a_list_goes_on_only_where_it_ended),
		T(lengths_that_do_not_add_up_are_refused),
		T(rounds_of_few_entries_are_joined),
		T(a_reboot_begins_anew_and_what_nobody_has_goes),
		T(what_a_class_has_first_is_told_once),
		T(d8_altered_entries_segments_and_rows_are_tampered),
		T(an_altered_entry_is_made_good_when_it_comes_again),
		T(nothing_of_a_transaction_that_failed_stays),
		T(accepting_a_fault_forgets_the_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
