/* test_key.c: keys, signatures, SubjectPublicKeyInfo. */
#include "tests/support/unit.h"

#include "evidence/hex.h"
#include "evidence/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct span
data(const char *name)
{
	char path[160];

	snprintf(path, sizeof path, "key/%s", name);
	return unit_data(path);
}

static struct key
load(const char *name)
{
	char file[128];
	struct key k;
	struct span der;

	snprintf(file, sizeof file, "%s.spki.der", name);
	der = data(file);
	assert_int_equal(key_from_spki(der, &k), ASSAY_OK);
	unit_free(der);
	return k;
}

/* One signature of key/message and the key that made it. */
struct vector {
	const char *key, *sig;
	uint16_t scheme, hash;
};

static const struct vector vectors[] = {
	{"rsa2048", "rsa2048-pss-hash.sig", SIG_RSAPSS, ALG_SHA256},
	{"rsa2048", "rsa2048-pss-longest.sig", SIG_RSAPSS, ALG_SHA256},
	{"rsa2047", "rsa2047-pss-hash.sig", SIG_RSAPSS, ALG_SHA256},
	{"rsa2047", "rsa2047-pss-longest.sig", SIG_RSAPSS, ALG_SHA256},
	{"rsa2041", "rsa2041-pss-hash.sig", SIG_RSAPSS, ALG_SHA256},
	{"rsa2047", "rsa2047-pkcs1-sha256.sig", SIG_RSASSA, ALG_SHA256},
	{"rsa1024", "rsa1024-pkcs1-sha256.sig", SIG_RSASSA, ALG_SHA256},
	{"rsa4096", "rsa4096-pkcs1-sha512.sig", SIG_RSASSA, ALG_SHA512},
	{"ecc521", "ecc521-sha512.sig", SIG_ECDSA, ALG_SHA512},
};

#define VECTORS (sizeof vectors / sizeof vectors[0])

/* sig borrows from *ret_file, which the caller frees. */
static struct signature
load_signature(const struct vector *v, struct span *ret_file)
{
	struct signature sig = {.scheme = v->scheme, .hash = v->hash};

	*ret_file = data(v->sig);
	if (v->scheme == SIG_ECDSA)
		assert_int_equal(signature_from_ecdsa_der(*ret_file, &sig), ASSAY_OK);
	else
		sig.rsa = *ret_file;
	return sig;
}

static void
every_vector_verifies_and_no_other_message_does(void **state)
{
	struct span message = data("message");

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		struct key k = load(vectors[i].key);
		struct span file;
		struct signature sig = load_signature(&vectors[i], &file);

		print_message("%s\n", vectors[i].sig);
		assert_int_equal(key_verify_message(&k, &sig, message), ASSAY_OK);
		assert_int_equal(key_verify_message(&k, &sig, SPAN(message.p, message.n - 1)),
				 ASSAY_BAD_SIGNATURE);
		unit_free(file);
	}
	unit_free(message);
}

struct mutation {
	const struct key *key;
	const struct vector *vector;
	struct digest digest;
};

static void
refuse_mutant(struct span mutant, const char *what, void *arg)
{
	const struct mutation *m = arg;
	struct signature sig = {.scheme = m->vector->scheme, .hash = m->vector->hash};
	enum assay_err e = ASSAY_OK;

	if (m->vector->scheme == SIG_ECDSA)
		e = signature_from_ecdsa_der(mutant, &sig);
	else
		sig.rsa = mutant;
	if (e == ASSAY_OK)
		e = key_verify(m->key, &sig, &m->digest);
	if (e == ASSAY_OK)
		fail_msg("%s: %s", m->vector->sig, what);
}

/* A sample of the bits; tests/attacks takes all of a quote. */
static void
no_mutant_of_a_signature_verifies(void **state)
{
	static const size_t chosen[] = {0, 1, 5, 8};
	struct span message = data("message");

	(void)state;
	for (size_t i = 0; i < sizeof chosen / sizeof chosen[0]; i++) {
		const struct vector *v = &vectors[chosen[i]];
		struct key k = load(v->key);
		struct mutation m = {.key = &k, .vector = v};
		struct span file = data(v->sig);

		assert_int_equal(digest_compute(v->hash, message, &m.digest), ASSAY_OK);
		unit_mutate(file, 128, refuse_mutant, &m);
		unit_free(file);
	}
	unit_free(message);
}

static void
a_salt_of_another_length_does_not_verify(void **state)
{
	static const struct vector v = {"rsa2048", "rsa2048-pss-20.sig", SIG_RSAPSS, ALG_SHA256};
	struct key k = load(v.key);
	struct span message = data("message"), file;
	struct signature sig = load_signature(&v, &file);

	(void)state;
	assert_int_equal(key_verify_message(&k, &sig, message), ASSAY_BAD_SIGNATURE);
	unit_free(file);
	unit_free(message);
}

/* Q7: another scheme or hash than the one that was used, or of another key type */
static void
q7_another_scheme_hash_or_key_does_not_verify(void **state)
{
	static const uint16_t schemes[] = {SIG_NONE, SIG_RSASSA, SIG_RSAPSS, SIG_ECDSA,
					   0x001A,   0x001B,     0xFFFF};
	static const uint16_t hashes[] = {ALG_SHA1,   ALG_SHA256,  ALG_SHA384,
					  ALG_SHA512, ALG_SM3_256, 0x0010};
	struct span message = data("message");

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		struct key k = load(vectors[i].key);
		struct span file;
		const struct signature good = load_signature(&vectors[i], &file);
		struct signature sig;

		for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
			sig = good;
			sig.scheme = schemes[s];
			if (sig.scheme != good.scheme)
				assert_int_not_equal(key_verify_message(&k, &sig, message),
						     ASSAY_OK);
		}
		for (size_t h = 0; h < sizeof hashes / sizeof hashes[0]; h++) {
			sig = good;
			sig.hash = hashes[h];
			if (sig.hash != good.hash)
				assert_int_not_equal(key_verify_message(&k, &sig, message),
						     ASSAY_OK);
		}
		for (size_t j = 0; j < VECTORS; j++) {
			struct key other = load(vectors[j].key);

			if (!key_equal(&other, &k))
				assert_int_not_equal(key_verify_message(&other, &good, message),
						     ASSAY_OK);
		}
		unit_free(file);
	}
	unit_free(message);
}

static void
a_digest_of_another_algorithm_is_a_mismatch(void **state)
{
	struct key k = load("rsa2048");
	struct signature sig = {.scheme = SIG_RSASSA, .hash = ALG_SHA256};
	struct digest d;

	(void)state;
	assert_int_equal(digest_fill(ALG_SHA384, 1, &d), ASSAY_OK);
	assert_int_equal(key_verify(&k, &sig, &d), ASSAY_MISMATCH);
}

static void
no_key_verifies_nothing(void **state)
{
	struct key k = {0};
	struct signature sig = {0};
	struct digest d = {0};

	(void)state;
	assert_int_not_equal(key_verify(&k, &sig, &d), ASSAY_OK);
	sig.hash = ALG_SHA256;
	assert_int_equal(digest_fill(ALG_SHA256, 1, &d), ASSAY_OK);
	assert_int_equal(key_verify(&k, &sig, &d), ASSAY_UNSUPPORTED);
	assert_int_equal(key_check(&k), ASSAY_UNSUPPORTED);
	assert_false(key_equal(&k, &k));
	k.type = KEY_RSA;
	sig.scheme = SIG_RSASSA;
	assert_int_equal(key_verify(&k, &sig, &d), ASSAY_UNSUPPORTED);
	k.type = KEY_ECC;
	sig.scheme = SIG_ECDSA;
	sig.r = sig.s = SPAN("\x01", 1);
	assert_int_equal(key_verify(&k, &sig, &d), ASSAY_UNSUPPORTED);
}

/* With exponent 1 the padded message is its own signature. */
static void
rsa_exponents_under_3_and_even_numbers_verify_nothing(void **state)
{
	static const uint32_t exponents[] = {0, 1, 2, 65536};
	struct key k = load("rsa2048");
	struct span message = data("message"), file;
	struct signature sig = load_signature(&vectors[0], &file);

	(void)state;
	for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
		k.exponent = exponents[i];
		assert_int_equal(key_verify_message(&k, &sig, message), ASSAY_UNSUPPORTED);
		assert_int_equal(key_check(&k), ASSAY_MALFORMED);
	}
	k = load("rsa2048");
	k.n[k.n_len - 1] ^= 1;
	assert_int_equal(key_verify_message(&k, &sig, message), ASSAY_UNSUPPORTED);
	assert_int_equal(key_check(&k), ASSAY_MALFORMED);
	unit_free(file);
	unit_free(message);
}

static void
a_point_off_its_curve_verifies_nothing(void **state)
{
	static const char *const names[] = {"ecc256", "ecc384", "ecc521"};
	const uint8_t one[] = {1};
	struct signature sig = {
		.scheme = SIG_ECDSA, .hash = ALG_SHA256, .r = SPAN(one, 1), .s = SPAN(one, 1)};
	struct digest d;

	(void)state;
	assert_int_equal(digest_fill(ALG_SHA256, 1, &d), ASSAY_OK);
	for (size_t i = 0; i < 3; i++) {
		struct key k = load(names[i]);

		assert_int_equal(key_check(&k), ASSAY_OK);
		k.y[k.xy_len - 1] ^= 1;
		assert_int_equal(key_check(&k), ASSAY_MALFORMED);
		assert_int_equal(key_verify(&k, &sig, &d), ASSAY_BAD_SIGNATURE);
		memset(k.x, 0, sizeof k.x);
		memset(k.y, 0, sizeof k.y);
		assert_int_equal(key_check(&k), ASSAY_MALFORMED);
		assert_int_equal(key_verify(&k, &sig, &d), ASSAY_BAD_SIGNATURE);
		memset(k.x, 0xFF, sizeof k.x);
		assert_int_equal(key_check(&k), ASSAY_MALFORMED);
	}
}

/* FIPS 186-5, 6.4.2: r and s from 1 to n - 1 */
static void
ecdsa_numbers_out_of_range_verify_nothing(void **state)
{
	static const char order[] =
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	const uint8_t zero[40] = {0}, one[] = {1};
	uint8_t n[32], over[67];
	struct key k = load("ecc256");
	struct signature sig = {.scheme = SIG_ECDSA, .hash = ALG_SHA256};
	struct span bad[5];
	struct digest d;
	size_t len;

	(void)state;
	memset(over, 0xFF, sizeof over);
	assert_int_equal(hex_decode(order, n, sizeof n, &len), ASSAY_OK);
	assert_int_equal(digest_fill(ALG_SHA256, 0, &d), ASSAY_OK);
	bad[0] = SPAN(NULL, 0);
	bad[1] = SPAN(zero, sizeof zero);
	bad[2] = SPAN(n, sizeof n);
	bad[3] = SPAN(over, 66);
	bad[4] = SPAN(over, 67);
	for (size_t i = 0; i < 5; i++) {
		sig.r = bad[i];
		sig.s = SPAN(one, 1);
		assert_int_equal(key_verify(&k, &sig, &d), ASSAY_BAD_SIGNATURE);
		sig.r = SPAN(one, 1);
		sig.s = bad[i];
		assert_int_equal(key_verify(&k, &sig, &d), ASSAY_BAD_SIGNATURE);
	}
}

static void
ecdsa_numbers_may_have_leading_zeros(void **state)
{
	const struct vector *v = &vectors[VECTORS - 1];
	uint8_t r[66] = {0}, s[66] = {0};
	struct key k = load(v->key);
	struct span message = data("message"), file;
	struct signature sig = load_signature(v, &file);

	(void)state;
	memcpy(r + 66 - sig.r.n, sig.r.p, sig.r.n);
	memcpy(s + 66 - sig.s.n, sig.s.p, sig.s.n);
	sig.r = SPAN(r, 66);
	sig.s = SPAN(s, 66);
	assert_int_equal(key_verify_message(&k, &sig, message), ASSAY_OK);
	unit_free(file);
	unit_free(message);
}

static void
a_public_key_comes_back_byte_for_byte(void **state)
{
	static const char *const names[] = {"ecc256",  "ecc384",  "ecc521",  "rsassa", "rsapss384",
					    "rsa1024", "rsa2041", "rsa2047", "rsa4096"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char file[64];
		uint8_t out[KEY_SPKI_MAX];
		struct key k = load(names[i]);
		struct span der;
		size_t n = 0;

		snprintf(file, sizeof file, "%s.spki.der", names[i]);
		der = data(file);
		assert_int_equal(key_to_spki(&k, out, der.n - 1, &n), ASSAY_FULL);
		assert_int_equal(n, 0);
		assert_int_equal(key_to_spki(&k, out, sizeof out, &n), ASSAY_OK);
		assert_true(span_equal(SPAN(out, n), der));
		unit_free(der);
	}
}

static void
check_spki_mutant(struct span mutant, const char *what, void *arg)
{
	const struct key *original = arg;
	struct key k;

	if (key_from_spki(mutant, &k) == ASSAY_OK && key_equal(&k, original))
		fail_msg("%s gives the same key", what);
}

/* The one exception of layout: another RSA object identifier, tested below. */
static void
a_changed_public_key_is_another_or_none(void **state)
{
	static const char *const names[] = {"ecc256", "ecc384"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char file[64];
		struct key k = load(names[i]);
		struct span der;

		snprintf(file, sizeof file, "%s.spki.der", names[i]);
		der = data(file);
		unit_mutate(der, 0, check_spki_mutant, &k);
		unit_free(der);
	}
}

static void
refuses_keys_that_cannot_be_verified_with(void **state)
{
	static const char *const names[] = {"rsa8192.spki.der", "secp256k1.spki.der",
					    "ecc521-compressed.spki.der"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span der = data(names[i]);
		struct key k = {.bits = 77};

		assert_int_equal(key_from_spki(der, &k), ASSAY_UNSUPPORTED);
		assert_int_equal(k.bits, 77);
		unit_free(der);
	}
}

/* Real EK certificates name their RSA key by id-RSAES-OAEP. */
static void
oaep_and_pss_identifiers_are_rsa(void **state)
{
	struct span der = data("rsa2048.spki.der");
	struct key expected = load("rsa2048"), k;
	uint8_t m[512];
	const size_t last_of_oid = 16;

	(void)state;
	assert_true(der.n <= sizeof m);
	memcpy(m, der.p, der.n);
	assert_int_equal(m[last_of_oid], 0x01);
	for (unsigned v = 0; v < 256; v++) {
		bool rsa = v == 0x01 || v == 0x07 || v == 0x0A;

		m[last_of_oid] = (uint8_t)v;
		assert_int_equal(key_from_spki(SPAN(m, der.n), &k),
				 rsa ? ASSAY_OK : ASSAY_UNSUPPORTED);
		assert_true(!rsa || key_equal(&k, &expected));
	}
	unit_free(der);
}

static struct key
modulus(const char *file)
{
	char text[2 * KEY_RSA_BYTES_MAX + 1] = {0};
	struct key k = {.type = KEY_RSA, .exponent = 65537};
	struct span hex = data(file);
	size_t n;

	assert_true(hex.n < sizeof text);
	memcpy(text, hex.p, hex.n);
	unit_free(hex);
	assert_int_equal(hex_decode(text, k.n, sizeof k.n, &n), ASSAY_OK);
	k.n_len = (uint16_t)n;
	k.bits = (uint16_t)(8 * n);
	return k;
}

static void
i13_keys_of_the_broken_generator_are_weak(void **state)
{
	struct key k = modulus("roca.modulus.hex");

	(void)state;
	assert_true(key_is_roca(&k));
	assert_int_equal(key_check(&k), ASSAY_WEAK);
}

static void
sound_keys_and_lookalikes_are_not_taken_for_roca(void **state)
{
	static const char *const names[] = {"rsassa",  "rsapss384", "rsa2048",
					    "rsa2047", "rsa2041",   "rsa4096"};
	struct key k = modulus("roca-lookalike.modulus.hex");

	(void)state;
	assert_false(key_is_roca(&k));
	assert_int_equal(key_check(&k), ASSAY_OK);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		k = load(names[i]);
		assert_false(key_is_roca(&k));
	}
	k = load("ecc256");
	assert_false(key_is_roca(&k));
}

/* A marked modulus plus anything small is not marked: every prime counts. */
static void
the_neighbours_of_a_roca_modulus_are_not_roca(void **state)
{
	struct key k = modulus("roca.modulus.hex");

	(void)state;
	for (unsigned bit = 0; bit < 8u * k.n_len; bit++) {
		k.n[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(key_is_roca(&k));
		k.n[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
short_rsa_keys_are_weak(void **state)
{
	struct key k = load("rsa1024");

	(void)state;
	assert_int_equal(key_check(&k), ASSAY_WEAK);
	k = load("rsa2047");
	assert_int_equal(key_check(&k), ASSAY_WEAK);
	k = load("rsa2048");
	assert_int_equal(key_check(&k), ASSAY_OK);
	k.n[0] = 0;
	assert_int_equal(key_check(&k), ASSAY_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_verifies_and_no_other_message_does),
		cmocka_unit_test(no_mutant_of_a_signature_verifies),
		cmocka_unit_test(a_salt_of_another_length_does_not_verify),
		cmocka_unit_test(q7_another_scheme_hash_or_key_does_not_verify),
		cmocka_unit_test(a_digest_of_another_algorithm_is_a_mismatch),
		cmocka_unit_test(no_key_verifies_nothing),
		cmocka_unit_test(rsa_exponents_under_3_and_even_numbers_verify_nothing),
		cmocka_unit_test(a_point_off_its_curve_verifies_nothing),
		cmocka_unit_test(ecdsa_numbers_out_of_range_verify_nothing),
		cmocka_unit_test(ecdsa_numbers_may_have_leading_zeros),
		cmocka_unit_test(a_public_key_comes_back_byte_for_byte),
		cmocka_unit_test(a_changed_public_key_is_another_or_none),
		cmocka_unit_test(refuses_keys_that_cannot_be_verified_with),
		cmocka_unit_test(oaep_and_pss_identifiers_are_rsa),
		cmocka_unit_test(i13_keys_of_the_broken_generator_are_weak),
		cmocka_unit_test(sound_keys_and_lookalikes_are_not_taken_for_roca),
		cmocka_unit_test(the_neighbours_of_a_roca_modulus_are_not_roca),
		cmocka_unit_test(short_rsa_keys_are_weak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
