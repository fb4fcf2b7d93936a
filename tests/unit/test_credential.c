/* test_credential.c: MakeCredential in software against vectors of a second
 * implementation (tests/data/credential/make.py); a real TPM releases its credentials
 * in tests/integration/credential.sh. */
#include "tests/support/unit.h"

#include "verifier/appraise/credential.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct span file;
	struct tpm_public ek;
	struct tpm_name name;
	struct credential_input in;
};

static void
load(const char *key, struct fixture *f)
{
	char path[64];

	memset(f, 0, sizeof *f);
	snprintf(path, sizeof path, "credential/%s.pub", key);
	f->file = unit_data(path);
	assert_int_equal(tpm2b_public_parse(f->file, &f->ek), ASSAY_OK);
	f->name.len = 34;
	f->name.b[1] = 0x0B;
	for (uint8_t i = 0; i < 32; i++)
		f->name.b[2 + i] = (uint8_t)(0x40 + i);
	for (uint8_t i = 0; i < CREDENTIAL_SECRET_SIZE; i++)
		f->in.secret[i] = i;
	for (uint8_t i = 0; i < CREDENTIAL_ENTROPY_SIZE; i++)
		f->in.entropy[i] = (uint8_t)(0xFF - i);
	f->in.ek = &f->ek;
	f->in.ak_name = &f->name;
}

static void
assert_file(const char *key, const char *suffix, struct span seen)
{
	char path[64];
	struct span expected;

	snprintf(path, sizeof path, "credential/%s.%s", key, suffix);
	expected = unit_data(path);
	assert_int_equal(seen.n, expected.n);
	assert_memory_equal(seen.p, expected.p, seen.n);
	unit_free(expected);
}

static void
assert_vector(const char *key)
{
	struct fixture f;
	struct credential c;

	load(key, &f);
	assert_int_equal(credential_make(&f.in, &c), ASSAY_OK);
	assert_file(key, "blob", SPAN(c.blob, c.blob_len));
	assert_file(key, "secret", SPAN(c.encrypted_secret, c.encrypted_secret_len));
	unit_free(f.file);
}

static void
makes_the_known_vector_for_rsa_2048_with_sha256(void **state)
{
	(void)state;
	assert_vector("rsa2048");
}

static void
makes_the_known_vector_for_rsa_3072_with_sha384(void **state)
{
	(void)state;
	assert_vector("rsa3072");
}

static void
makes_the_known_vector_for_p256_with_sha256(void **state)
{
	(void)state;
	assert_vector("p256");
}

static void
makes_the_known_vector_for_p384_with_sha384(void **state)
{
	(void)state;
	assert_vector("p384");
}

/* Changes one thing, expects the error and an untouched result. */
static void
assert_refused(const char *key, void (*change)(struct fixture *f), enum assay_err expected)
{
	struct fixture f;
	struct credential c, untouched;

	load(key, &f);
	change(&f);
	memset(&c, 0xA5, sizeof c);
	untouched = c;
	assert_int_equal(credential_make(&f.in, &c), expected);
	assert_memory_equal(&c, &untouched, sizeof c);
	unit_free(f.file);
}

static void
clear_decrypt(struct fixture *f)
{
	f->ek.attributes &= ~TPMA_DECRYPT;
}

static void
clear_restricted(struct fixture *f)
{
	f->ek.attributes &= ~TPMA_RESTRICTED;
}

static void
name_by_sha1(struct fixture *f)
{
	f->ek.name_alg = ALG_SHA1;
}

static void
no_symmetric(struct fixture *f)
{
	f->ek.sym_alg = TPM_ALG_NULL;
	f->ek.sym_bits = f->ek.sym_mode = 0;
}

static void
aes_192(struct fixture *f)
{
	f->ek.sym_bits = 192;
}

static void
other_curve(struct fixture *f)
{
	f->ek.key.curve = CURVE_P521;
}

static void
exponent_3(struct fixture *f)
{
	f->ek.key.exponent = 3;
}

static void
rsa_1024(struct fixture *f)
{
	f->ek.key.bits = 1024;
	f->ek.key.n_len = 128;
}

static void
off_the_curve(struct fixture *f)
{
	f->ek.key.y[31] ^= 1;
}

static void
no_name(struct fixture *f)
{
	f->name.len = 0;
}

static void
no_key(struct fixture *f)
{
	f->ek.key.type = KEY_NONE;
}

static void
refuses_keys_that_no_tpm_would_decrypt_with(void **state)
{
	(void)state;
	assert_refused("rsa2048", clear_decrypt, ASSAY_UNSUPPORTED);
	assert_refused("rsa2048", clear_restricted, ASSAY_UNSUPPORTED);
	assert_refused("rsa2048", no_symmetric, ASSAY_UNSUPPORTED);
	assert_refused("rsa2048", no_key, ASSAY_UNSUPPORTED);
}

static void
refuses_algorithms_that_it_does_not_know(void **state)
{
	(void)state;
	assert_refused("p256", name_by_sha1, ASSAY_UNSUPPORTED);
	assert_refused("p256", aes_192, ASSAY_UNSUPPORTED);
	assert_refused("p256", other_curve, ASSAY_UNSUPPORTED);
	assert_refused("rsa2048", exponent_3, ASSAY_UNSUPPORTED);
	assert_refused("rsa2048", rsa_1024, ASSAY_UNSUPPORTED);
}

static void
refuses_a_point_off_its_curve(void **state)
{
	(void)state;
	assert_refused("p256", off_the_curve, ASSAY_MALFORMED);
}

static void
refuses_an_empty_name(void **state)
{
	(void)state;
	assert_refused("p256", no_name, ASSAY_MALFORMED);
}

/* I2: what is released depends on each of them. */
static void
every_input_changes_the_credential(void **state)
{
	struct fixture f;
	struct credential first, c;

	(void)state;
	load("p256", &f);
	assert_int_equal(credential_make(&f.in, &first), ASSAY_OK);
	f.name.b[33] ^= 1;
	assert_int_equal(credential_make(&f.in, &c), ASSAY_OK);
	assert_memory_not_equal(c.blob, first.blob, first.blob_len);
	f.name.b[33] ^= 1;
	f.in.secret[31] ^= 1;
	assert_int_equal(credential_make(&f.in, &c), ASSAY_OK);
	assert_memory_not_equal(c.blob, first.blob, first.blob_len);
	f.in.secret[31] ^= 1;
	f.in.entropy[63] ^= 1;
	assert_int_equal(credential_make(&f.in, &c), ASSAY_OK);
	assert_memory_not_equal(c.encrypted_secret, first.encrypted_secret,
				first.encrypted_secret_len);
	f.in.entropy[63] ^= 1;
	assert_int_equal(credential_make(&f.in, &c), ASSAY_OK);
	assert_memory_equal(&c, &first, sizeof c);
	unit_free(f.file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_known_vector_for_rsa_2048_with_sha256),
		cmocka_unit_test(makes_the_known_vector_for_rsa_3072_with_sha384),
		cmocka_unit_test(makes_the_known_vector_for_p256_with_sha256),
		cmocka_unit_test(makes_the_known_vector_for_p384_with_sha384),
		cmocka_unit_test(refuses_keys_that_no_tpm_would_decrypt_with),
		cmocka_unit_test(refuses_algorithms_that_it_does_not_know),
		cmocka_unit_test(refuses_a_point_off_its_curve),
		cmocka_unit_test(refuses_an_empty_name),
		cmocka_unit_test(every_input_changes_the_credential),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
