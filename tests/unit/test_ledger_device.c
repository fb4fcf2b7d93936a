/* test_ledger_device.c: devices: what is refused, what is found, what comes back. */
#include "tests/support/ledgers.h"

#include <stdio.h>
#include <string.h>

#define REFUSED(d, e)                                                      \
	do {                                                               \
		assert_int_equal(ledger_device_insert(s->l, &(d)), (e));   \
		assert_int_equal(ledger_device_get(s->l, (d).id, &got), ASSAY_NOT_FOUND); \
	} while (0)

/* Field by field: bytes between fields are nobody's. */
static void
assert_same_device(const struct ledger_device *a, const struct ledger_device *b)
{
	assert_string_equal(a->id, b->id);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->overlay, b->overlay);
	assert_string_equal(a->overlay_reason, b->overlay_reason);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->class_name, b->class_name);
	assert_string_equal(a->labels, b->labels);
	assert_int_equal(a->tier, b->tier);
	assert_int_equal(a->new_ak, b->new_ak);
	assert_int_equal(a->ek_name.len, b->ek_name.len);
	assert_memory_equal(a->ek_name.b, b->ek_name.b, sizeof a->ek_name.b);
	assert_int_equal(a->ak_name.len, b->ak_name.len);
	assert_memory_equal(a->ak_name.b, b->ak_name.b, sizeof a->ak_name.b);
	assert_int_equal(a->ek_public_len, b->ek_public_len);
	assert_memory_equal(a->ek_public, b->ek_public, sizeof a->ek_public);
	assert_int_equal(a->ak_public_len, b->ak_public_len);
	assert_memory_equal(a->ak_public, b->ak_public, sizeof a->ak_public);
	assert_string_equal(a->enrolled_by, b->enrolled_by);
	assert_string_equal(a->conflict_with, b->conflict_with);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->updated, b->updated);
}

static void
assert_same_ek(const struct ek_facts *a, const struct ek_facts *b)
{
	assert_int_equal(a->certificate, b->certificate);
	assert_int_equal(a->trusted, b->trusted);
	assert_int_equal(a->allow_listed, b->allow_listed);
	assert_int_equal(a->expired, b->expired);
	assert_int_equal(a->issuer_expired, b->issuer_expired);
	assert_int_equal(a->virtual_tpm, b->virtual_tpm);
	assert_int_equal(a->weak, b->weak);
	assert_string_equal(a->reason, b->reason);
	assert_string_equal(a->manufacturer, b->manufacturer);
	assert_string_equal(a->model, b->model);
	assert_string_equal(a->version, b->version);
	assert_string_equal(a->serial, b->serial);
	assert_string_equal(a->issuer, b->issuer);
	assert_int_equal(a->not_after, b->not_after);
}

/* ---- refused ---- */

static void
i1_no_registration_overwrites_another(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), o, got;

	IN_TRANSACTION(s, ledger_device_insert(s->l, &d));
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	o = ledgers_device(2);
	memcpy(o.id, d.id, sizeof o.id);
	assert_int_equal(ledger_device_insert(s->l, &o), ASSAY_EXISTS);
	o = ledgers_device(2);
	o.ek_name = d.ek_name;
	REFUSED(o, ASSAY_EXISTS);
	o = ledgers_device(2);
	o.ak_name = d.ak_name;
	REFUSED(o, ASSAY_EXISTS);
	o = ledgers_device(2);
	memcpy(o.name, d.name, sizeof o.name);
	REFUSED(o, ASSAY_EXISTS);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_OK);
	assert_same_device(&got, &d);
}

static void
refuses_records_without_form(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d, got;
	static const char *const ids[] = {"", "abcd", "0123456789ABCDEF0123456789ABCDEF",
					  "0123456789abcdef0123456789abcde;",
					  "0123456789abcdef0123456789abcde"};

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		d = ledgers_device(1);
		memset(d.id, 0, sizeof d.id);
		memcpy(d.id, ids[i], strlen(ids[i]));
		REFUSED(d, ASSAY_MALFORMED);
	}
	d = ledgers_device(1);
	d.status = DEV_NONE;
	REFUSED(d, ASSAY_MALFORMED);
	d.status = DEV_STATUS_COUNT;
	REFUSED(d, ASSAY_MALFORMED);
	d = ledgers_device(1);
	d.overlay = OVERLAY_COUNT;
	REFUSED(d, ASSAY_MALFORMED);
	d = ledgers_device(1);
	d.tier = TIER_COUNT;
	REFUSED(d, ASSAY_MALFORMED);
	d = ledgers_device(1);
	d.ek_name.len = 0;
	REFUSED(d, ASSAY_MALFORMED);
	d = ledgers_device(1);
	d.ak_name.len = 0;
	REFUSED(d, ASSAY_MALFORMED);
}

static void
refuses_lengths_and_texts_beyond_their_fields(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d, got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	d = ledgers_device(1);
	d.ek_public_len = sizeof d.ek_public + 1;
	REFUSED(d, ASSAY_TOO_LARGE);
	d = ledgers_device(1);
	d.ak_name.len = sizeof d.ak_name.b + 1;
	REFUSED(d, ASSAY_TOO_LARGE);
	d = ledgers_device(1);
	memset(d.name, 'x', sizeof d.name);
	REFUSED(d, ASSAY_MALFORMED);
	d = ledgers_device(1);
	memset(d.ek.issuer, 'x', sizeof d.ek.issuer);
	REFUSED(d, ASSAY_MALFORMED);
	memset(d.id, 'a', sizeof d.id);
	assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_MALFORMED);
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_MALFORMED);
	assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_MALFORMED);
	assert_int_equal(ledger_device_next(s->l, d.id, &got), ASSAY_MALFORMED);
}

static void
an_update_needs_its_device_and_takes_nothing_from_others(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device a = ledgers_device(1), b = ledgers_device(2), d, got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &a), ASSAY_OK);
	assert_int_equal(ledger_device_update(s->l, &b), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_insert(s->l, &b), ASSAY_OK);
	d = b;
	d.ak_name = a.ak_name;
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_EXISTS);
	d = b;
	memcpy(d.name, a.name, sizeof d.name);
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_EXISTS);
	d = b;
	d.status = DEV_NONE;
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_MALFORMED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_get(s->l, b.id, &got), ASSAY_OK);
	assert_same_device(&got, &b);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
i1_a_device_never_gets_another_identity_key(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device a = ledgers_device(1), d = ledgers_device(2), got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &a), ASSAY_OK);
	memcpy(d.id, a.id, sizeof d.id);
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_MISMATCH);
	assert_int_equal(ledger_device_get(s->l, a.id, &got), ASSAY_OK);
	assert_same_device(&got, &a);
}

/* ---- found ---- */

static void
every_field_comes_back_and_can_be_replaced(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), zero = {0}, got;

	IN_TRANSACTION(s, ledger_device_insert(s->l, &d));
	assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_OK);
	assert_same_device(&got, &d);
	assert_same_ek(&got.ek, &d.ek);
	memcpy(zero.id, d.id, sizeof d.id);
	zero.ek_name = d.ek_name;
	zero.ak_name = ledgers_device(3).ak_name;
	zero.status = DEV_RETIRED;
	IN_TRANSACTION(s, ledger_device_update(s->l, &zero));
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_OK);
	assert_same_device(&got, &zero);
	assert_same_ek(&got.ek, &zero.ek);
	assert_int_equal(ledger_device_by_ak(s->l, &d.ak_name, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_by_ak(s->l, &zero.ak_name, &got), ASSAY_OK);
	assert_string_equal(got.id, d.id);
}

static void
longest_values_come_back_whole(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), got;

	memset(d.name, 'n', sizeof d.name - 1);
	memset(d.labels, 'l', sizeof d.labels - 1);
	memset(d.overlay_reason, '\'', sizeof d.overlay_reason - 1);
	memset(d.ek.issuer, '\xC3', sizeof d.ek.issuer - 1); /* bytes, not characters */
	d.ek_public_len = d.ak_public_len = TPMT_PUBLIC_MAX;
	memset(d.ek_public, 0, sizeof d.ek_public);
	d.ek_name.len = d.ak_name.len = TPM_NAME_MAX;
	IN_TRANSACTION(s, ledger_device_insert(s->l, &d));
	assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_OK);
	assert_same_device(&got, &d);
	assert_same_ek(&got.ek, &d.ek);
	assert_int_equal(ledger_device_find(s->l, d.name, &got), ASSAY_OK);
}

static void
names_are_unique_unless_they_are_empty(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device a = ledgers_device(1), b = ledgers_device(2), got;

	a.name[0] = b.name[0] = '\0';
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &a), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &b), ASSAY_OK);
	assert_int_equal(ledger_device_find(s->l, "", &got), ASSAY_NOT_FOUND);
}

static void
finds_by_id_name_and_unambiguous_prefix_only(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device a = ledgers_device(1), b = ledgers_device(2), c = ledgers_device(3);
	struct ledger_device got;

	memcpy(a.id, "abcd0000000000000000000000000001", sizeof a.id);
	memcpy(b.id, "abcd1000000000000000000000000002", sizeof b.id);
	memcpy(c.id, "abce0000000000000000000000000003", sizeof c.id);
	memcpy(b.name, "abce", sizeof "abce"); /* reads as c's prefix */
	memcpy(c.name, "abce00", sizeof "abce00");
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &a), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &b), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &c), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_find(s->l, "abc", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_find(s->l, "abcd", &got), ASSAY_BUSY);
	assert_int_equal(ledger_device_find(s->l, "abce", &got), ASSAY_BUSY);
	assert_int_equal(ledger_device_find(s->l, "abcf", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_find(s->l, "ABCD0", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_find(s->l, "abcd%", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_find(s->l, "gw-", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_find(s->l, "abcd0", &got), ASSAY_OK);
	assert_string_equal(got.id, a.id);
	assert_int_equal(ledger_device_find(s->l, "abcd1000000000000000000000000002", &got),
			 ASSAY_OK);
	assert_string_equal(got.id, b.id);
	assert_int_equal(ledger_device_find(s->l, "abce00", &got), ASSAY_OK); /* both are c */
	assert_string_equal(got.id, c.id);
	assert_int_equal(ledger_device_find(s->l, a.name, &got), ASSAY_OK);
	assert_string_equal(got.id, a.id);
}

static void
counts_by_status_and_walks_in_order_of_ids(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d;
	char last[DEVICE_ID_HEX + 1] = "";
	unsigned n = 0;
	uint32_t count;
	enum assay_err e;

	assert_int_equal(ledger_device_next(s->l, "", &d), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned i = 0; i < 50; i++) {
		d = ledgers_device(i);
		d.status = i % 5 == 0 ? DEV_PENDING : DEV_ENROLLED;
		assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_OK);
	}
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	while ((e = ledger_device_next(s->l, last, &d)) == ASSAY_OK) {
		assert_true(strcmp(d.id, last) > 0);
		memcpy(last, d.id, sizeof last);
		n++;
	}
	assert_int_equal(e, ASSAY_NOT_FOUND);
	assert_int_equal(n, 50);
	assert_int_equal(ledger_device_count(s->l, DEV_PENDING, &count), ASSAY_OK);
	assert_int_equal(count, 10);
	assert_int_equal(ledger_device_count(s->l, DEV_ENROLLED, &count), ASSAY_OK);
	assert_int_equal(count, 40);
	assert_int_equal(ledger_device_count(s->l, DEV_CONFLICT, &count), ASSAY_OK);
	assert_int_equal(count, 0);
}

static void
text_that_looks_like_sql_is_text(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), got;
	static const char name[] = "x' OR 1=1; DROP TABLE device; --";

	memcpy(d.name, name, sizeof name);
	IN_TRANSACTION(s, ledger_device_insert(s->l, &d));
	assert_int_equal(ledger_device_find(s->l, "y' OR 1=1 --", &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_device_find(s->l, name, &got), ASSAY_OK);
	assert_same_device(&got, &d);
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, ledgers_setup, ledgers_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(i1_no_registration_overwrites_another),
		LEDGER_TEST(refuses_records_without_form),
		LEDGER_TEST(refuses_lengths_and_texts_beyond_their_fields),
		LEDGER_TEST(an_update_needs_its_device_and_takes_nothing_from_others),
		LEDGER_TEST(i1_a_device_never_gets_another_identity_key),
		LEDGER_TEST(every_field_comes_back_and_can_be_replaced),
		LEDGER_TEST(longest_values_come_back_whole),
		LEDGER_TEST(names_are_unique_unless_they_are_empty),
		LEDGER_TEST(finds_by_id_name_and_unambiguous_prefix_only),
		LEDGER_TEST(counts_by_status_and_walks_in_order_of_ids),
		LEDGER_TEST(text_that_looks_like_sql_is_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
