/* test_devicekey.c: names and signatures of keys that are not in a TPM. */
#include "tests/support/softkey.h"
#include "tests/support/unit.h"

#include "evidence/hex.h"

#include <string.h>

static struct softkey keys[SOFTKEY_KINDS];

static int
make_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOFTKEY_KINDS; i++)
		softkey_init(&keys[i], (enum softkey_kind)i);
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SOFTKEY_KINDS; i++)
		softkey_free(&keys[i]);
	return 0;
}

/* RFC 8032, 7.1, TEST 2 */
static void
an_ed25519_signature_of_the_rfc_verifies(void **state)
{
	static const char spki_hex[] =
		"302a300506032b6570032100"
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
	static const char sig_hex[] =
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
	uint8_t spki[64], sig[80], message = 0x72;
	size_t n, m;
	struct key k;

	(void)state;
	assert_int_equal(hex_decode(spki_hex, spki, sizeof spki, &n), ASSAY_OK);
	assert_int_equal(hex_decode(sig_hex, sig, sizeof sig, &m), ASSAY_OK);
	assert_int_equal(devicekey_read(SPAN(spki, n), &k), ASSAY_OK);
	assert_int_equal(devicekey_verify(&k, SPAN(sig, m), SPAN(&message, 1)), ASSAY_OK);
	message = 0x73;
	assert_int_equal(devicekey_verify(&k, SPAN(sig, m), SPAN(&message, 1)),
			 ASSAY_BAD_SIGNATURE);
}

static void
every_kind_of_key_verifies_what_it_signed_and_nothing_else(void **state)
{
	uint8_t message[32] = {1, 2, 3}, other[32] = {1, 2, 4}, sig[512];

	(void)state;
	for (unsigned i = 0; i < SOFTKEY_KINDS; i++) {
		size_t n = softkey_sign(&keys[i], SPAN(message, 32), sig);
		struct key k;

		assert_int_equal(devicekey_read(softkey_spki(&keys[i]), &k), ASSAY_OK);
		assert_int_equal(devicekey_verify(&k, SPAN(sig, n), SPAN(message, 32)), ASSAY_OK);
		assert_int_equal(devicekey_verify(&k, SPAN(sig, n), SPAN(other, 32)),
				 ASSAY_BAD_SIGNATURE);
		for (unsigned j = 0; j < SOFTKEY_KINDS; j++)
			if (j != i && devicekey_read(softkey_spki(&keys[j]), &k) == ASSAY_OK)
				assert_int_not_equal(
					devicekey_verify(&k, SPAN(sig, n), SPAN(message, 32)),
					ASSAY_OK);
	}
}

struct attempt {
	struct key key;
	struct span message;
};

static void
does_not_verify(struct span mutant, const char *what, void *arg)
{
	const struct attempt *a = arg;

	if (devicekey_verify(&a->key, mutant, a->message) == ASSAY_OK)
		fail_msg("verifies: %s", what);
}

static void
no_mutant_of_a_signature_verifies(void **state)
{
	uint8_t message[32] = {9}, sig[512];

	(void)state;
	for (unsigned i = 0; i < SOFTKEY_KINDS; i++) {
		struct attempt a = {.message = SPAN(message, 32)};
		size_t n = softkey_sign(&keys[i], a.message, sig);

		assert_int_equal(devicekey_read(softkey_spki(&keys[i]), &a.key), ASSAY_OK);
		unit_mutate(SPAN(sig, n), 128, does_not_verify, &a);
	}
}

static void
names_differ(struct span mutant, const char *what, void *arg)
{
	const struct softkey *k = arg;
	struct tpm_name name;
	struct key key;

	(void)what;
	if (devicekey_read(mutant, &key) != ASSAY_OK)
		return;
	assert_int_equal(devicekey_name(mutant, &name), ASSAY_OK);
	assert_memory_not_equal(name.b, k->name.b, k->name.len);
}

/* One key has one name: no second encoding of it is taken. */
static void
i1_a_key_in_another_encoding_is_no_other_device(void **state)
{
	uint8_t longer[KEY_SPKI_MAX];
	struct key key;

	(void)state;
	for (unsigned i = 0; i < SOFTKEY_KINDS; i++) {
		struct span spki = softkey_spki(&keys[i]);

		unit_mutate(spki, 256, names_differ, &keys[i]);
		/* the outer length in one byte more than it needs */
		if (spki.p[1] >= 0x80)
			continue;
		longer[0] = spki.p[0];
		longer[1] = 0x81;
		memcpy(longer + 2, spki.p + 1, spki.n - 1);
		assert_int_not_equal(devicekey_read(SPAN(longer, spki.n + 1), &key), ASSAY_OK);
	}
}

static void
q7_keys_that_may_not_attest_are_refused(void **state)
{
	struct span weak = unit_data("key/rsa1024.spki.der"),
		    p521 = unit_data("key/ecc521.spki.der");
	uint8_t low[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	struct key k;

	(void)state;
	assert_int_equal(devicekey_read(weak, &k), ASSAY_WEAK);
	assert_int_equal(devicekey_read(p521, &k), ASSAY_UNSUPPORTED);
	assert_int_equal(devicekey_read(SPAN(low, sizeof low), &k), ASSAY_WEAK); /* y = 0 */
	low[12] = 1;
	assert_int_equal(devicekey_read(SPAN(low, sizeof low), &k), ASSAY_WEAK); /* y = 1 */
	low[43] = 0x80;
	assert_int_equal(devicekey_read(SPAN(low, sizeof low), &k), ASSAY_WEAK); /* and -x */
	unit_free(weak);
	unit_free(p521);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ed25519_signature_of_the_rfc_verifies),
		cmocka_unit_test(every_kind_of_key_verifies_what_it_signed_and_nothing_else),
		cmocka_unit_test(no_mutant_of_a_signature_verifies),
		cmocka_unit_test(i1_a_key_in_another_encoding_is_no_other_device),
		cmocka_unit_test(q7_keys_that_may_not_attest_are_refused),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
