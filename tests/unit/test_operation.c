/* What console asks of keeper: who may, and that only the canonical form is read. */
#include "tests/support/unit.h"

#include "verifier/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T(text) SPAN(text, sizeof(text) - 1)

static uint8_t bytes[OPERATION_BYTES_MAX];
static size_t len;

static struct operation
example(void)
{
	struct operation op = {.code = OP_DEVICE_SET, .peer = "192.0.2.7:4711"};

	op.caller = (struct operation_caller){CREDENTIAL_CERTIFICATE, {0}, 1, -2};
	memset(op.caller.hash, 0xA5, sizeof op.caller.hash);
	op.field[F_DEVICE] = T("gw-1");
	op.field[F_NAME] = T("gw-2");
	op.field[F_FILE] = T("\0\xFF\n");
	return op;
}

static void
a_decoded_operation_is_the_one_encoded(void **state)
{
	struct operation op = example(), got;

	(void)state;
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_OK);
	assert_int_equal(operation_decode(SPAN(bytes, len), &got), ASSAY_OK);
	assert_int_equal(got.code, OP_DEVICE_SET);
	assert_false(got.local);
	assert_string_equal(got.peer, op.peer);
	assert_int_equal(got.caller.kind, CREDENTIAL_CERTIFICATE);
	assert_memory_equal(got.caller.hash, op.caller.hash, 32);
	assert_int_equal(got.caller.valid_from, 1);
	assert_int_equal(got.caller.valid_to, -2);
	for (unsigned f = 0; f < F_COUNT; f++)
		assert_true(span_equal(got.field[f], op.field[f]));
}

/* A mutant that still decodes must be what encoding its content gives. */
static void
refused_or_canonical(struct span mutant, const char *what, void *arg)
{
	static uint8_t again[OPERATION_BYTES_MAX];
	struct operation got;
	size_t n;

	(void)arg;
	if (operation_decode(mutant, &got) != ASSAY_OK)
		return;
	if (operation_encode(&got, again, sizeof again, &n) != ASSAY_OK || n != mutant.n ||
	    memcmp(again, mutant.p, n) != 0) /* public */
		fail_msg("%s: a form that is not canonical was read", what);
}

static void
only_the_canonical_form_is_read(void **state)
{
	struct operation op = example();

	(void)state;
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_OK);
	unit_mutate(SPAN(bytes, len), 0, refused_or_canonical, NULL);
}

static void
refuses_every_truncation_and_extension(void **state)
{
	struct operation op = example(), got;

	(void)state;
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_OK);
	for (size_t n = 0; n < len; n++)
		assert_int_not_equal(operation_decode(SPAN(bytes, n), &got), ASSAY_OK);
	bytes[len] = 0;
	assert_int_equal(operation_decode(SPAN(bytes, len + 1), &got), ASSAY_TRAILING);
}

static void
a_field_twice_or_out_of_order_is_refused(void **state)
{
	struct operation op = {.code = OP_DEVICE_SHOW}, got;

	(void)state;
	op.field[F_DEVICE] = T("aa");
	op.field[F_NAME] = T("bb");
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_OK);
	bytes[len - 7] = F_DEVICE;
	assert_int_equal(operation_decode(SPAN(bytes, len), &got), ASSAY_DUPLICATE);
	bytes[len - 7] = F_DEVICE;
	bytes[len - 14] = F_NAME;
	assert_int_equal(operation_decode(SPAN(bytes, len), &got), ASSAY_MALFORMED);
}

static void
text_that_is_not_printable_or_too_long_is_refused(void **state)
{
	char *big = calloc(1, OPERATION_FILE_MAX + 1);
	struct operation op = {.code = OP_DEVICE_SHOW};

	(void)state;
	assert_non_null(big);
	memset(big, 'x', OPERATION_FILE_MAX + 1);
	op.field[F_DEVICE] = T("a\nb");
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_MALFORMED);
	op.field[F_DEVICE] = T("a\x80");
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_MALFORMED);
	op.field[F_DEVICE] = SPAN(big, OPERATION_TEXT_MAX + 1);
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_TOO_LARGE);
	op.field[F_DEVICE] = SPAN(big, OPERATION_TEXT_MAX);
	op.field[F_FILE] = SPAN(big, OPERATION_FILE_MAX + 1);
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_TOO_LARGE);
	op.field[F_FILE] = SPAN(big, OPERATION_FILE_MAX);
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &len), ASSAY_OK);
	free(big);
}

static void
the_largest_operation_fits_the_message(void **state)
{
	(void)state;
	assert_true(OPERATION_BYTES_MAX <= 2097152); /* IPC OPERATION */
}

/* I8: numbers of roles are no ladder; a relying party is not above an admin. */
static void
i8_a_relying_party_hears_decisions_only_and_ranks_what_their_rank_gives(void **state)
{
	(void)state;
	for (unsigned c = 0; c <= OP_COUNT; c++) {
		assert_false(operation_permitted(c, ROLE_NONE));
		/* "admission": may this address in, which is a decision in one word */
		assert_int_equal(operation_permitted(c, ROLE_RELYING_PARTY),
				 c == OP_ADMISSION ||
					 (c < OP_COUNT &&
					  strncmp(operation_name(c), "decision.", 9) == 0));
		assert_false(operation_permitted(c, ROLE_COUNT));
		assert_int_equal(operation_permitted(c, ROLE_ADMIN), c > OP_NONE && c < OP_COUNT);
	}
	assert_true(operation_permitted(OP_DEVICE_LIST, ROLE_VIEWER));
	assert_false(operation_permitted(OP_DEVICE_HOLD, ROLE_VIEWER));
	assert_true(operation_permitted(OP_DEVICE_HOLD, ROLE_OPERATOR));
	assert_false(operation_permitted(OP_OPERATOR_ADD, ROLE_OPERATOR));
	assert_false(operation_permitted(OP_LEDGER_ACCEPT, ROLE_OPERATOR));
}

/* I8: whatever changes something needs more than a viewer. */
static void
i8_a_viewer_changes_nothing(void **state)
{
	(void)state;
	for (unsigned c = OP_NONE + 1; c < OP_COUNT; c++) {
		const char *verb = strchr(operation_name(c), '.');
		bool reads = !verb || strcmp(verb, ".list") == 0 || strcmp(verb, ".show") == 0 ||
			     strcmp(verb, ".history") == 0 || strcmp(verb, ".evidence") == 0 ||
			     strcmp(verb, ".export") == 0 || strcmp(verb, ".explain") == 0 ||
			     strcmp(verb, ".case") == 0 || strcmp(verb, ".dead") == 0 ||
			     strcmp(verb, ".devices") == 0 ||
			     strncmp(operation_name(c), "decision.", 9) == 0;

		if (!reads)
			assert_false(operation_permitted(c, ROLE_VIEWER));
	}
}

static void
names_of_roles_lead_back_to_them(void **state)
{
	(void)state;
	for (unsigned r = ROLE_NONE + 1; r < ROLE_COUNT; r++)
		assert_int_equal(operator_role_by_name(operator_role_name(r)), r);
	assert_int_equal(operator_role_by_name("none"), ROLE_NONE);
	assert_int_equal(operator_role_by_name("root"), ROLE_NONE);
	assert_string_equal(operation_name(OP_COUNT), "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decoded_operation_is_the_one_encoded),
		cmocka_unit_test(only_the_canonical_form_is_read),
		cmocka_unit_test(refuses_every_truncation_and_extension),
		cmocka_unit_test(a_field_twice_or_out_of_order_is_refused),
		cmocka_unit_test(text_that_is_not_printable_or_too_long_is_refused),
		cmocka_unit_test(the_largest_operation_fits_the_message),
		cmocka_unit_test(
			i8_a_relying_party_hears_decisions_only_and_ranks_what_their_rank_gives),
		cmocka_unit_test(i8_a_viewer_changes_nothing),
		cmocka_unit_test(names_of_roles_lead_back_to_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
