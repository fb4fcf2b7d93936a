/* test_dice.c: DICE chains, sound and wrong in every way that there is a rule for. */
#include "tests/support/dicemade.h"
#include "tests/support/unit.h"

#include <string.h>

static struct dicemade d;
static struct dice_chain chain;

static int
make(void **state)
{
	(void)state;
	dicemade_init(&d, SOFTKEY_ED25519, 3, true);
	return 0;
}

static int
drop(void **state)
{
	(void)state;
	dicemade_free(&d);
	return 0;
}

static void
a_chain_tells_what_its_layers_measured(void **state)
{
	(void)state;
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	assert_int_equal(chain.count, 3);
	assert_true(chain.normal);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(chain.layer[i].mode, DICE_MODE_NORMAL);
		assert_int_equal(chain.layer[i].code.alg, ALG_SHA512);
		assert_true(digest_is_fill(&chain.layer[i].code, (uint8_t)(0x10 + i)));
		assert_true(digest_is_fill(&chain.layer[i].config, (uint8_t)(0x20 + i)));
		assert_true(digest_is_fill(&chain.layer[i].authority, (uint8_t)(0x30 + i)));
	}
	assert_memory_equal(chain.signer_name.b, d.alias.name.b, d.alias.name.len);
}

static void
chains_of_every_kind_of_key_hold(void **state)
{
	static struct dicemade other;

	(void)state;
	for (unsigned kind = 0; kind < SOFTKEY_KINDS; kind++) {
		dicemade_init(&other, (enum softkey_kind)kind, 1, kind % 2);
		assert_int_equal(dicemade_verify(&other, &chain), ASSAY_OK);
		assert_int_equal(chain.count, 1);
		dicemade_free(&other);
	}
}

/* The open-dice profile lets the last layer's own key be the one that is used. */
static void
the_last_layer_may_sign_itself(void **state)
{
	static struct dicemade other;

	(void)state;
	dicemade_init(&other, SOFTKEY_P256, 2, false);
	assert_int_equal(dicemade_verify(&other, &chain), ASSAY_OK);
	assert_int_equal(chain.count, 2);
	assert_memory_equal(chain.signer_name.b, other.layer[1].name.b, 34);
	dicemade_free(&other);
}

static void
a_mode_may_be_enumerated_and_the_extension_not_critical(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&d, 1);

	(void)state;
	s.enumerated = true;
	s.critical = false;
	dicemade_again(&d, 1, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	assert_true(chain.normal);
}

static void
only_a_mode_that_is_said_to_be_normal_is_normal(void **state)
{
	static const enum dice_mode modes[] = {DICE_MODE_UNKNOWN, DICE_MODE_NOT_CONFIGURED,
					       DICE_MODE_NORMAL, DICE_MODE_DEBUG,
					       DICE_MODE_RECOVERY};

	(void)state;
	for (int mode = -1; mode < 4; mode++) {
		struct dicemade_spec s = dicemade_spec_of(&d, 2);

		s.mode = mode;
		dicemade_again(&d, 2, &s);
		assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
		assert_int_equal(chain.layer[2].mode, modes[mode + 1]);
		assert_int_equal(chain.normal, mode == 1);
	}
}

static void
a_mode_that_there_is_not_is_malformed(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&d, 0);

	(void)state;
	s.mode = 4;
	dicemade_again(&d, 0, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_MALFORMED);
}

static void
a_configuration_hash_must_be_its_descriptors(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&d, 0);

	(void)state;
	s.config_hash = true;
	dicemade_again(&d, 0, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	assert_int_equal(chain.layer[0].config.alg, ALG_SHA512);
	s.wrong_hash = true;
	dicemade_again(&d, 0, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_MISMATCH);
}

static void
tcb_info_is_read_and_normal_only_if_it_says_so(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&d, 1);

	(void)state;
	s.open_dice = false;
	s.tcb = true;
	s.svn = 7;
	s.flags = 0;
	dicemade_again(&d, 1, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	assert_true(chain.normal && chain.layer[1].has_svn);
	assert_int_equal(chain.layer[1].svn, 7);
	assert_int_equal(chain.layer[1].code.alg, ALG_SHA256);
	for (int bit = 0; bit < 4; bit++) {
		s.flags = 0x80 >> bit;
		dicemade_again(&d, 1, &s);
		assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
		assert_false(chain.normal);
	}
	s.flags = -1;
	dicemade_again(&d, 1, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	assert_false(chain.normal);
}

static void
one_extension_in_debug_mode_is_enough_to_be_so(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&d, 1);

	(void)state;
	s.tcb = true;
	s.flags = 0x10;
	dicemade_again(&d, 1, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	assert_int_equal(chain.layer[1].mode, DICE_MODE_DEBUG);
}

static void
a_layer_without_measurements_ends_the_chain(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&d, 1);

	(void)state;
	s.open_dice = false;
	dicemade_again(&d, 1, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_MISSING);
	s = dicemade_spec_of(&d, 0);
	s.open_dice = false;
	dicemade_again(&d, 0, &s);
	d.ncerts = 1; /* a key that the root certified, and nothing measured */
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_MISSING);
	d.ncerts = 0;
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_MISSING);
}

/* Each of these is one certificate of a sound chain, made wrong in one way. */
static void
what_a_certificate_may_not_be(void **state)
{
	struct dicemade_spec s;

	(void)state;
#define WRONG(i, change, error)                                                                    \
	do {                                                                                       \
		s = dicemade_spec_of(&d, i);                                                       \
		change;                                                                            \
		dicemade_again(&d, i, &s);                                                         \
		assert_int_equal(dicemade_verify(&d, &chain), error);                              \
		s = dicemade_spec_of(&d, i);                                                       \
		dicemade_again(&d, i, &s);                                                         \
		assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);                           \
	} while (0)
	WRONG(0, s.issuer = &d.alias, ASSAY_BAD_SIGNATURE); /* not the enrolled root */
	WRONG(2, s.issuer = &d.root, ASSAY_BAD_SIGNATURE);
	WRONG(1, s.issuer_name = "somebody", ASSAY_MISMATCH);
	WRONG(1, s.ca = false, ASSAY_DENIED);
	WRONG(1, s.key_usage = X509_KU_DIGITAL_SIGNATURE, ASSAY_DENIED);
	WRONG(3, s.key_usage = X509_KU_KEY_AGREEMENT, ASSAY_DENIED);
	WRONG(0, s.pathlen = 1, ASSAY_DENIED);
	WRONG(1, s.pathlen = 0, ASSAY_DENIED);
	WRONG(1, s.unknown_critical = true, ASSAY_UNSUPPORTED);
	WRONG(1, s.not_after = "200101000000Z", ASSAY_EXPIRED);
	WRONG(3, s.not_before = "400101000000Z", ASSAY_EXPIRED);
#undef WRONG
	s = dicemade_spec_of(&d, 0);
	s.pathlen = 2; /* just enough: two layers above, and a leaf */
	dicemade_again(&d, 0, &s);
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
}

static void
layers_left_out_or_exchanged_break_the_chain(void **state)
{
	struct span keep = d.certs[1];

	(void)state;
	d.certs[1] = d.certs[2];
	assert_int_not_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	d.certs[1] = d.certs[0];
	assert_int_not_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	d.certs[1] = keep;
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
	d.certs[0] = d.certs[1];
	assert_int_not_equal(dicemade_verify(&d, &chain), ASSAY_OK);
}

struct mutation {
	size_t cert;
	struct span original;
	unsigned accepted;
};

static void
refused(struct span mutant, const char *what, void *arg)
{
	struct mutation *m = arg;

	d.certs[m->cert] = mutant;
	if (dicemade_verify(&d, &chain) == ASSAY_OK)
		fail_msg("certificate %zu holds: %s", m->cert, what);
}

static void
no_mutant_of_a_certificate_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < d.ncerts; i++) {
		struct mutation m = {i, d.certs[i], 0};

		unit_mutate(m.original, 300, refused, &m);
		d.certs[i] = m.original;
	}
	assert_int_equal(dicemade_verify(&d, &chain), ASSAY_OK);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(a_chain_tells_what_its_layers_measured),
		CASE(chains_of_every_kind_of_key_hold),
		CASE(the_last_layer_may_sign_itself),
		CASE(a_mode_may_be_enumerated_and_the_extension_not_critical),
		CASE(only_a_mode_that_is_said_to_be_normal_is_normal),
		CASE(a_mode_that_there_is_not_is_malformed),
		CASE(a_configuration_hash_must_be_its_descriptors),
		CASE(tcb_info_is_read_and_normal_only_if_it_says_so),
		CASE(one_extension_in_debug_mode_is_enough_to_be_so),
		CASE(a_layer_without_measurements_ends_the_chain),
		CASE(what_a_certificate_may_not_be),
		CASE(layers_left_out_or_exchanged_break_the_chain),
		CASE(no_mutant_of_a_certificate_is_accepted),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
