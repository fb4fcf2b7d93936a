/* test_binding.c: the binding of evidence; vectors of docs/protocol.md. */
#include "tests/support/unit.h"

#include "evidence/binding.h"
#include "evidence/hex.h"

#include <string.h>

#define KEY_NAME "000b202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define NONCE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define CHANNEL "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define BINDING "cfd4a69e1324356be0003bdc2acf22480a676bfcec80ff10c6d31d210523f726"
#define BINDING_BARE "cb67f8bee439288e0e9abe7305b2d6efcb08e27de3e6922a4e223512d553e9f5"

static uint8_t key_name[66], nonce[64], channel[64];
static uint8_t claims[] = {'c', 'l', 'a', 'i', 'm', 's'};

static struct binding
vector(void)
{
	struct binding b = {.kind = BINDING_TPM_ONLINE};
	size_t n;

	assert_int_equal(hex_decode(KEY_NAME, key_name, sizeof key_name, &n), ASSAY_OK);
	b.key_name = SPAN(key_name, n);
	assert_int_equal(hex_decode(NONCE, nonce, sizeof nonce, &n), ASSAY_OK);
	b.nonce = SPAN(nonce, n);
	assert_int_equal(hex_decode(CHANNEL, channel, sizeof channel, &n), ASSAY_OK);
	b.channel = SPAN(channel, n);
	b.claims = SPAN(claims, sizeof claims);
	return b;
}

static void
expect(const struct binding *b, const char *expected)
{
	uint8_t out[BINDING_SIZE];
	char text[2 * BINDING_SIZE + 1];

	assert_int_equal(binding_compute(b, out), ASSAY_OK);
	assert_int_equal(hex_encode(SPAN(out, sizeof out), text, sizeof text), ASSAY_OK);
	assert_string_equal(text, expected);
}

static void
refuses_other_lengths_and_kinds(void **state)
{
	uint8_t out[BINDING_SIZE];
	struct binding b;

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		b = vector();
		b.kind = (uint8_t)kind;
		assert_int_equal(binding_compute(&b, out),
				 kind >= 1 && kind <= 5 ? ASSAY_OK : ASSAY_MALFORMED);
	}
	for (size_t n = 0; n <= 64; n++) {
		b = vector();
		b.nonce.n = n;
		assert_int_equal(binding_compute(&b, out), n == 32 ? ASSAY_OK : ASSAY_MALFORMED);
		b = vector();
		b.channel.n = n;
		assert_int_equal(binding_compute(&b, out),
				 n == 32 || n == 0 ? ASSAY_OK : ASSAY_MALFORMED);
		b = vector();
		b.key_name.n = n;
		assert_int_equal(binding_compute(&b, out), n == 34 ? ASSAY_OK : ASSAY_MALFORMED);
	}
}

static void
refuses_a_key_name_of_an_unknown_algorithm(void **state)
{
	uint8_t out[BINDING_SIZE];
	struct binding b = vector();

	(void)state;
	key_name[1] = 0x77;
	assert_int_equal(binding_compute(&b, out), ASSAY_MALFORMED);
}

static void
gives_the_published_vectors(void **state)
{
	struct binding b = vector();

	(void)state;
	expect(&b, BINDING);
	b.kind = BINDING_KEY_OFFLINE;
	b.channel = SPAN(NULL, 0);
	b.claims = SPAN(NULL, 0);
	expect(&b, BINDING_BARE);
}

static void
assert_differs(const struct binding *b, const uint8_t *from)
{
	uint8_t out[BINDING_SIZE];

	assert_int_equal(binding_compute(b, out), ASSAY_OK);
	assert_memory_not_equal(out, from, BINDING_SIZE);
}

static void
flip_all(const struct binding *b, uint8_t *field, size_t n, const uint8_t *from)
{
	for (size_t bit = 0; bit < 8 * n; bit++) {
		field[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_differs(b, from);
		field[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
every_bit_of_every_field_changes_it(void **state)
{
	uint8_t from[BINDING_SIZE];
	struct binding b = vector();

	(void)state;
	assert_int_equal(binding_compute(&b, from), ASSAY_OK);
	flip_all(&b, key_name + 2, 32, from);
	flip_all(&b, nonce, 32, from);
	flip_all(&b, channel, 32, from);
	flip_all(&b, claims, sizeof claims, from);
	for (uint8_t kind = 2; kind <= 4; kind++) {
		b.kind = kind;
		assert_differs(&b, from);
	}
	b = vector();
	b.channel = SPAN(NULL, 0);
	assert_differs(&b, from);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_other_lengths_and_kinds),
		cmocka_unit_test(refuses_a_key_name_of_an_unknown_algorithm),
		cmocka_unit_test(gives_the_published_vectors),
		cmocka_unit_test(every_bit_of_every_field_changes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
