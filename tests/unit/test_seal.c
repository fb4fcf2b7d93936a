/* test_seal.c: MACs under derived keys. */
#include "tests/support/unit.h"

#include <string.h>

#include "evidence/hex.h"
#include "verifier/seal.h"

static const uint8_t master[SEAL_KEY_SIZE] = {
	0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};
static const char sealed[] = "what is sealed";
#define SEALED SPAN(sealed, sizeof sealed - 1)
#define NONE SPAN(NULL, 0)

static void
assert_hex(const uint8_t *got, const char *want)
{
	char text[2 * SEAL_KEY_SIZE + 1];

	assert_int_equal(hex_encode(SPAN(got, SEAL_KEY_SIZE), text, sizeof text), ASSAY_OK);
	assert_string_equal(text, want);
}

static void
a_seal_without_key_makes_no_mac(void **state)
{
	struct seal s = {0};
	uint8_t mac[SEAL_MAC_SIZE] = {0x55};

	(void)state;
	assert_int_equal(seal_mac(&s, SEALED, mac), ASSAY_STATE);
	assert_int_equal(seal_check(&s, SEALED, SPAN(mac, sizeof mac)), ASSAY_STATE);
	assert_int_equal(mac[0], 0x55);
	assert_int_equal(seal_init(&s, master, "a", NONE), ASSAY_OK);
	seal_wipe(&s);
	assert_int_equal(seal_mac(&s, SEALED, mac), ASSAY_STATE);
	assert_int_equal(seal_init(&s, master, "", NONE), ASSAY_MALFORMED);
	assert_int_equal(seal_mac(&s, SEALED, mac), ASSAY_STATE);
}

static void
refuses_labels_and_contexts_that_are_empty_or_too_long(void **state)
{
	char label[SEAL_LABEL_MAX + 2];
	uint8_t key[SEAL_KEY_SIZE] = {0x55};

	(void)state;
	memset(label, 'x', sizeof label);
	label[sizeof label - 1] = '\0';
	assert_int_equal(seal_derive(master, "", NONE, key), ASSAY_MALFORMED);
	assert_int_equal(seal_derive(master, label, NONE, key), ASSAY_TOO_LARGE);
	assert_int_equal(seal_derive(master, "x", SPAN(label, SEAL_LABEL_MAX + 1), key),
			 ASSAY_TOO_LARGE);
	assert_int_equal(key[0], 0x55);
	label[SEAL_LABEL_MAX] = '\0';
	assert_int_equal(seal_derive(master, label, SPAN(label, SEAL_LABEL_MAX), key), ASSAY_OK);
}

static void
a_seal_that_was_not_begun_does_not_end(void **state)
{
	struct seal s;
	uint8_t mac[SEAL_MAC_SIZE];

	(void)state;
	assert_int_equal(seal_init(&s, master, "a", NONE), ASSAY_OK);
	assert_int_equal(seal_end(&s, mac), ASSAY_STATE);
	seal_add(&s, SEALED);
	assert_int_equal(seal_end(&s, mac), ASSAY_STATE);
	seal_wipe(&s);
}

/* Computed apart with Python's hmac module, as RFC 5869 defines it. */
static void
gives_the_vectors_that_hkdf_and_hmac_define(void **state)
{
	uint8_t key[SEAL_KEY_SIZE], mac[SEAL_MAC_SIZE];
	struct seal s;

	(void)state;
	assert_int_equal(seal_derive(master, "test-label", SPAN("ctx", 3), key), ASSAY_OK);
	assert_hex(key, "2eb67a82f08cb5c99f58cdd43aefa9d5e5b34207ec37b1f1a0b9b6e6f979a9f0");
	assert_int_equal(seal_derive(master, "test-label", NONE, key), ASSAY_OK);
	assert_hex(key, "a3c10b4c1768fa018878293f5198541019310384f7afc60099f7e0a694c6f263");
	assert_int_equal(seal_init(&s, master, "test-label", SPAN("ctx", 3)), ASSAY_OK);
	assert_int_equal(seal_mac(&s, SEALED, mac), ASSAY_OK);
	assert_hex(mac, "79ec192a71f12e384ea1edafad0a83a180cd314e40d6036848df7163b1461dca");
	seal_wipe(&s);
}

static void
the_same_key_serves_again_and_in_pieces(void **state)
{
	uint8_t first[SEAL_MAC_SIZE], again[SEAL_MAC_SIZE];
	struct seal s;

	(void)state;
	assert_int_equal(seal_init(&s, master, "a", NONE), ASSAY_OK);
	assert_int_equal(seal_mac(&s, SEALED, first), ASSAY_OK);
	seal_begin(&s);
	for (size_t i = 0; i < sizeof sealed - 1; i++)
		seal_add(&s, SPAN(sealed + i, 1));
	assert_int_equal(seal_end(&s, again), ASSAY_OK);
	assert_memory_equal(first, again, sizeof first);
	assert_int_equal(seal_check(&s, SEALED, SPAN(first, sizeof first)), ASSAY_OK);
	seal_wipe(&s);
}

struct mutant_ctx {
	struct seal *s;
	const uint8_t *mac;
};

static void
content_is_refused(struct span mutant, const char *what, void *arg)
{
	struct mutant_ctx *c = arg;

	if (seal_check(c->s, mutant, SPAN(c->mac, SEAL_MAC_SIZE)) != ASSAY_TAMPERED)
		fail_msg("content %s passed", what);
}

static void
mac_is_refused(struct span mutant, const char *what, void *arg)
{
	struct mutant_ctx *c = arg;

	if (seal_check(c->s, SEALED, mutant) != ASSAY_TAMPERED)
		fail_msg("MAC %s passed", what);
}

static void
no_mutant_of_content_or_mac_passes(void **state)
{
	uint8_t mac[SEAL_MAC_SIZE];
	struct seal s;
	struct mutant_ctx c = {&s, mac};

	(void)state;
	assert_int_equal(seal_init(&s, master, "a", NONE), ASSAY_OK);
	assert_int_equal(seal_mac(&s, SEALED, mac), ASSAY_OK);
	unit_mutate(SEALED, 0, content_is_refused, &c);
	unit_mutate(SPAN(mac, sizeof mac), 0, mac_is_refused, &c);
	seal_wipe(&s);
}

static void
label_context_and_master_each_give_another_key(void **state)
{
	uint8_t key[5][SEAL_KEY_SIZE], other[SEAL_KEY_SIZE];

	(void)state;
	memcpy(other, master, sizeof other);
	other[31] ^= 1;
	assert_int_equal(seal_derive(master, "a", NONE, key[0]), ASSAY_OK);
	assert_int_equal(seal_derive(master, "b", NONE, key[1]), ASSAY_OK);
	assert_int_equal(seal_derive(master, "a", SPAN("b", 1), key[2]), ASSAY_OK);
	assert_int_equal(seal_derive(master, "ab", NONE, key[3]), ASSAY_OK);
	assert_int_equal(seal_derive(other, "a", NONE, key[4]), ASSAY_OK);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(key[i], key[j], SEAL_KEY_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seal_without_key_makes_no_mac),
		cmocka_unit_test(refuses_labels_and_contexts_that_are_empty_or_too_long),
		cmocka_unit_test(a_seal_that_was_not_begun_does_not_end),
		cmocka_unit_test(gives_the_vectors_that_hkdf_and_hmac_define),
		cmocka_unit_test(the_same_key_serves_again_and_in_pieces),
		cmocka_unit_test(no_mutant_of_content_or_mac_passes),
		cmocka_unit_test(label_context_and_master_each_give_another_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
