/*
 * test_quote_layout.c: attacks on the signed structures themselves: quote, signature,
 * public areas. What the verifier then does with a quote (freshness, continuity,
 * policy) is attacked elsewhere.
 */
#include "tests/support/unit.h"

#include "evidence/hex.h"
#include "evidence/quote.h"
#include "evidence/tpmt.h"
#include "evidence/writer.h"
#include "verifier/cli/pcrfile.h"

#include <stdio.h>
#include <string.h>

#define OWN_NONCE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define UKI_NONCE "c4565b88b90e44ccae84975e10652849c1012f15"

/* Offsets into a message whose qualifiedSigner has 34 bytes and whose nonce has 32 */
#define AT_TYPE 4
#define AT_SAFE 92
#define AT_SELECTION_COUNT 101
#define AT_FIRST_SELECTION 105 /* alg 2, size 1, bits 3 */

/* All that one whole check needs. */
struct fixture {
	struct span pub, msg, sig;
	uint8_t nonce[64];
	size_t nonce_len;
	struct pcr_selection selection;
	struct pcr_values values;
};

static struct span
part(const char *name, const char *ext)
{
	char path[96];

	snprintf(path, sizeof path, "quote/%s.%s", name, ext);
	return unit_data(path);
}

static struct fixture
load(const char *name, const char *nonce)
{
	struct fixture f = {0};
	struct span pcrs = part(name, "pcrs");
	struct pcrfile file;
	char what[PCRFILE_WHAT_MAX];
	struct quote q;

	f.pub = part(name, "pub");
	f.msg = part(name, "msg");
	f.sig = part(name, "sig");
	assert_int_equal(hex_decode(nonce, f.nonce, sizeof f.nonce, &f.nonce_len), ASSAY_OK);
	assert_int_equal(quote_parse(f.msg, &q), ASSAY_OK);
	assert_int_equal(pcrfile_parse(pcrs, &q.selection, &file, what), ASSAY_OK);
	f.selection = file.selection;
	f.values = file.values;
	unit_free(pcrs);
	return f;
}

static void
drop(struct fixture *f)
{
	unit_free(f->pub);
	unit_free(f->msg);
	unit_free(f->sig);
}

/* Parse, signature with the key's own scheme, nonce, selection, PCR digest. */
static enum assay_err
whole_check(const struct fixture *f)
{
	struct tpm_public ak;
	struct signature sig;
	struct quote q;
	struct digest d;
	enum assay_err e;

	if ((e = tpm2b_public_parse(f->pub, &ak)) != ASSAY_OK ||
	    (e = tpmt_signature_parse(f->sig, &sig)) != ASSAY_OK ||
	    (e = quote_parse(f->msg, &q)) != ASSAY_OK)
		return e;
	if (sig.scheme != ak.scheme || sig.hash != ak.scheme_hash)
		return ASSAY_MISMATCH;
	if ((e = key_verify_message(&ak.key, &sig, f->msg)) != ASSAY_OK)
		return e;
	if (!span_equal(q.extra_data, SPAN(f->nonce, f->nonce_len)) ||
	    !pcr_selection_equal(&q.selection, &f->selection))
		return ASSAY_MISMATCH;
	if ((e = pcr_digest(&f->values, &q.selection, sig.hash, &d)) != ASSAY_OK)
		return e;
	return span_equal(digest_span(&d), q.pcr_digest) ? ASSAY_OK : ASSAY_MISMATCH;
}

static enum assay_err
parse(const uint8_t *msg, size_t n)
{
	struct quote q;

	return quote_parse(SPAN(msg, n), &q);
}

/* A copy of ecc256's message to change. */
static size_t
copy_message(uint8_t *m, size_t cap)
{
	struct span msg = part("ecc256", "msg");
	size_t n = msg.n;

	assert_true(n <= cap);
	memcpy(m, msg.p, n);
	unit_free(msg);
	return n;
}

static void
q1_a_message_not_made_by_a_tpm_is_refused(void **state)
{
	uint8_t m[256];
	size_t n = copy_message(m, sizeof m);

	(void)state;
	assert_int_equal(parse(m, n), ASSAY_OK);
	for (unsigned bit = 0; bit < 32; bit++) {
		m[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(parse(m, n), ASSAY_BAD_MAGIC);
		m[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
q2_another_attestation_is_not_taken_for_a_quote(void **state)
{
	struct span certify = part("certify", "msg"), sig_file = part("certify", "sig");
	struct span pub = part("ecc256", "pub");
	struct tpm_public ak;
	struct signature sig;
	uint8_t m[256];
	size_t n = copy_message(m, sizeof m);
	struct quote q;

	(void)state;
	for (unsigned type = 0; type < 0x10000; type++) {
		m[AT_TYPE] = (uint8_t)(type >> 8);
		m[AT_TYPE + 1] = (uint8_t)type;
		assert_int_equal(parse(m, n), type == 0x8018 ? ASSAY_OK : ASSAY_BAD_TYPE);
	}
	/* a real TPM2_Certify, truly signed */
	assert_int_equal(tpm2b_public_parse(pub, &ak), ASSAY_OK);
	assert_int_equal(tpmt_signature_parse(sig_file, &sig), ASSAY_OK);
	assert_int_equal(key_verify_message(&ak.key, &sig, certify), ASSAY_OK);
	assert_int_equal(quote_parse(certify, &q), ASSAY_BAD_TYPE);
	unit_free(certify);
	unit_free(sig_file);
	unit_free(pub);
}

static void
q3_a_bank_selected_twice_is_refused(void **state)
{
	uint8_t m[256];
	size_t n = copy_message(m, sizeof m);

	(void)state;
	m[AT_FIRST_SELECTION + 1] = 0x0B; /* sha1 becomes a second sha256 */
	assert_int_equal(parse(m, n), ASSAY_DUPLICATE);
	memset(m + AT_FIRST_SELECTION + 3, 0, 3); /* also with no PCR in it */
	assert_int_equal(parse(m, n), ASSAY_DUPLICATE);
}

static void
q3_another_selection_than_asked_for_is_refused(void **state)
{
	struct fixture f = load("ecc256", OWN_NONCE);
	const struct pcr_selection asked = f.selection;

	(void)state;
	assert_int_equal(whole_check(&f), ASSAY_OK);
	for (unsigned bit = 0; bit < PCR_COUNT; bit++) { /* one PCR more, or one less */
		f.selection.bank[1].mask = asked.bank[1].mask ^ 1u << bit;
		assert_int_equal(whole_check(&f), ASSAY_MISMATCH);
	}
	f.selection = asked;
	f.selection.bank[1].alg = ALG_SHA384;
	assert_int_equal(whole_check(&f), ASSAY_MISMATCH);
	f.selection = asked;
	f.selection.count = 1;
	assert_int_equal(whole_check(&f), ASSAY_MISMATCH);
	drop(&f);
}

static void
q4_other_pcr_values_than_quoted_are_refused(void **state)
{
	struct fixture f = load("ecc256", OWN_NONCE);

	(void)state;
	for (unsigned b = 0; b < f.values.count; b++)
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			struct digest *d = &f.values.bank[b].value[i];

			if ((f.values.bank[b].mask >> i & 1) == 0)
				continue;
			d->b[d->len - 1] ^= 1;
			assert_int_equal(whole_check(&f), ASSAY_MISMATCH);
			d->b[d->len - 1] ^= 1;
			f.values.bank[b].mask ^= 1u << i;
			assert_int_equal(whole_check(&f), ASSAY_MISSING);
			f.values.bank[b].mask ^= 1u << i;
		}
	drop(&f);
}

static void
q5_a_prefix_an_extension_or_another_nonce_is_refused(void **state)
{
	struct fixture f = load("ecc256", OWN_NONCE);

	(void)state;
	for (size_t n = 0; n <= sizeof f.nonce; n++) {
		f.nonce_len = n;
		assert_int_equal(whole_check(&f), n == 32 ? ASSAY_OK : ASSAY_MISMATCH);
	}
	f.nonce_len = 32;
	for (unsigned bit = 0; bit < 256; bit++) {
		f.nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(whole_check(&f), ASSAY_MISMATCH);
		f.nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	drop(&f);
}

/* Every sigAlg and hash but the true ones: an error, or refused as not the key's. */
static void
q7_no_other_scheme_or_hash_passes(void **state)
{
	static const char *const names[] = {"ecc256", "rsassa", "rsapss"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct fixture f = load(names[i], OWN_NONCE);
		uint8_t m[512];
		struct span good = f.sig;

		assert_int_equal(whole_check(&f), ASSAY_OK);
		memcpy(m, good.p, good.n);
		f.sig = SPAN(m, good.n);
		for (size_t at = 0; at < 4; at += 2) {
			for (unsigned v = 0; v < 0x10000; v++) {
				m[at] = (uint8_t)(v >> 8);
				m[at + 1] = (uint8_t)v;
				if (m[at] == good.p[at] && m[at + 1] == good.p[at + 1])
					continue;
				assert_int_not_equal(whole_check(&f), ASSAY_OK);
			}
			memcpy(m, good.p, good.n);
		}
		f.sig = good;
		drop(&f);
	}
}

static void
q7_a_key_of_another_type_or_curve_is_refused(void **state)
{
	static const char *const others[] = {"ecc384", "rsassa", "rsapss", "rsassa1", "uki-good"};
	struct fixture f = load("ecc256", OWN_NONCE);
	struct span own = f.pub;

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		f.pub = part(others[i], "pub");
		assert_int_not_equal(whole_check(&f), ASSAY_OK);
		unit_free(f.pub);
	}
	f.pub = own;
	drop(&f);
}

/* Q8: what was never decided is not yes */
static void
q8_nothing_passes_by_default(void **state)
{
	struct fixture f = {0};

	(void)state;
	assert_int_not_equal(whole_check(&f), ASSAY_OK);
}

static void
q9_bytes_after_a_structure_are_refused(void **state)
{
	struct fixture f = load("ecc256", OWN_NONCE);
	struct span *const parts[] = {&f.pub, &f.msg, &f.sig};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span good = *parts[i];
		uint8_t longer[256] = {0};

		memcpy(longer, good.p, good.n);
		for (size_t more = 1; more < 20; more++) {
			*parts[i] = SPAN(longer, good.n + more);
			assert_int_equal(whole_check(&f), ASSAY_TRAILING);
		}
		*parts[i] = good;
	}
	drop(&f);
}

/* A length inside that takes from, or gives to, what follows it. */
static void
q9_inner_sizes_that_do_not_add_up_are_refused(void **state)
{
	static const size_t sizes[] = {7, 43}; /* qualifiedSigner, extraData */
	uint8_t m[256];
	size_t n = copy_message(m, sizeof m);

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (unsigned v = 0; v < 256; v++) {
			uint8_t good = m[sizes[i]];

			m[sizes[i]] = (uint8_t)v;
			assert_true((parse(m, n) == ASSAY_OK) == (v == good));
			m[sizes[i]] = good;
		}
}

static void
q12_selections_of_another_size_are_refused(void **state)
{
	uint8_t m[256];
	size_t n = copy_message(m, sizeof m);

	(void)state;
	for (unsigned size = 0; size < 256; size++) {
		m[AT_FIRST_SELECTION + 2] = (uint8_t)size;
		assert_int_equal(parse(m, n), size == 3 ? ASSAY_OK : ASSAY_MALFORMED);
	}
}

/* A fourth byte of bits would be PCRs 24 to 31, which no PC Client TPM has. */
static void
q12_pcrs_above_23_are_refused(void **state)
{
	uint8_t m[257];
	size_t n = copy_message(m, sizeof m - 1);

	(void)state;
	memmove(m + AT_FIRST_SELECTION + 7, m + AT_FIRST_SELECTION + 6, n - AT_FIRST_SELECTION - 6);
	m[AT_FIRST_SELECTION + 2] = 4;
	for (unsigned bits = 0; bits < 256; bits++) {
		m[AT_FIRST_SELECTION + 6] = (uint8_t)bits;
		assert_int_equal(parse(m, n + 1), ASSAY_MALFORMED);
	}
}

static void
q12_more_selections_than_can_be_are_refused(void **state)
{
	uint8_t m[256];
	size_t n = copy_message(m, sizeof m);

	(void)state;
	for (unsigned byte = 0; byte < 4; byte++)
		for (unsigned v = 0; v < 256; v++) {
			uint8_t good = m[AT_SELECTION_COUNT + byte];

			m[AT_SELECTION_COUNT + byte] = (uint8_t)v;
			assert_true((parse(m, n) == ASSAY_OK) == (v == good));
			m[AT_SELECTION_COUNT + byte] = good;
		}
}

static void
a_safe_flag_that_is_neither_yes_nor_no_is_refused(void **state)
{
	uint8_t m[256];
	size_t n = copy_message(m, sizeof m);

	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		m[AT_SAFE] = (uint8_t)v;
		assert_int_equal(parse(m, n), v <= 1 ? ASSAY_OK : ASSAY_MALFORMED);
	}
}

struct mutated {
	struct fixture *f;
	struct span *part;
};

static void
refuse(struct span mutant, const char *what, void *arg)
{
	struct mutated *m = arg;
	struct span good = *m->part;

	*m->part = mutant;
	if (whole_check(m->f) == ASSAY_OK)
		fail_msg("passes with %s", what);
	*m->part = good;
}

static void
mutate_all(const char *name, const char *nonce)
{
	struct fixture f = load(name, nonce);
	struct mutated msg = {&f, &f.msg}, sig = {&f, &f.sig};

	assert_int_equal(whole_check(&f), ASSAY_OK);
	unit_mutate(f.msg, 0, refuse, &msg);
	unit_mutate(f.sig, 0, refuse, &sig);
	drop(&f);
}

static void
every_bit_and_truncation_of_a_boots_quote_is_refused(void **state)
{
	(void)state;
	mutate_all("uki-good", UKI_NONCE);
}

static void
every_bit_and_truncation_of_an_rsassa_quote_is_refused(void **state)
{
	(void)state;
	mutate_all("rsassa", OWN_NONCE);
}

static void
every_bit_and_truncation_of_an_rsapss_quote_is_refused(void **state)
{
	(void)state;
	mutate_all("rsapss", OWN_NONCE);
}

/* ---- what an attestation key must be ---------------------------------------- */

#define AT_NAME_ALG 4 /* in a TPM2B_PUBLIC */
#define AT_ATTRIBUTES 6
#define AT_SCHEME 14 /* no authPolicy, symmetric NULL */

static void
change_attributes(uint8_t *pub, uint32_t attributes)
{
	struct writer w;

	wr_init(&w, pub + AT_ATTRIBUTES, 4);
	wr_be32(&w, attributes);
}

static enum ak_fault
fault_of(const uint8_t *pub, size_t n)
{
	struct tpm_public p;

	assert_int_equal(tpm2b_public_parse(SPAN(pub, n), &p), ASSAY_OK);
	return tpmt_ak_fault(&p);
}

static void
i3_each_attribute_that_an_ak_lacks_is_named(void **state)
{
	static const struct {
		uint32_t flip;
		enum ak_fault fault;
	} cases[] = {
		{0, AK_FINE},
		{TPMA_FIXEDTPM, AK_NOT_FIXED_TPM},
		{TPMA_FIXEDPARENT, AK_NOT_FIXED_PARENT},
		{TPMA_SENSITIVEDATAORIGIN, AK_NOT_SENSITIVE_DATA_ORIGIN},
		{TPMA_RESTRICTED, AK_NOT_RESTRICTED},
		{TPMA_SIGN, AK_NOT_SIGN},
		{TPMA_DECRYPT, AK_IS_DECRYPT},
	};
	static const char *const names[] = {"ecc256", "rsassa", "uki-good"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span pub = part(names[i], "pub");
		uint8_t m[512];
		struct tpm_public p;

		assert_int_equal(tpm2b_public_parse(pub, &p), ASSAY_OK);
		memcpy(m, pub.p, pub.n);
		for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
			change_attributes(m, p.attributes ^ cases[c].flip);
			assert_int_equal(fault_of(m, pub.n), cases[c].fault);
		}
		change_attributes(m, 0);
		assert_int_not_equal(fault_of(m, pub.n), AK_FINE);
		unit_free(pub);
	}
}

static void
i3_weak_names_hashes_and_keys_without_scheme_are_no_ak(void **state)
{
	struct span pub = part("ecc256", "pub"), sha1 = part("rsassa1", "pub");
	uint8_t m[512], bare[512];

	(void)state;
	memcpy(m, pub.p, pub.n);
	m[AT_NAME_ALG + 1] = ALG_SHA1;
	assert_int_equal(fault_of(m, pub.n), AK_WEAK_HASH);
	m[AT_NAME_ALG + 1] = ALG_SM3_256;
	assert_int_equal(fault_of(m, pub.n), AK_WEAK_HASH);
	memcpy(m, pub.p, pub.n);
	m[AT_SCHEME + 3] = ALG_SHA1;
	assert_int_equal(fault_of(m, pub.n), AK_WEAK_HASH);
	assert_int_equal(fault_of(sha1.p, sha1.n), AK_WEAK_HASH);
	/* TPM_ALG_NULL has no hash behind it */
	memcpy(bare, pub.p, AT_SCHEME);
	bare[1] -= 2;
	bare[AT_SCHEME] = 0x00;
	bare[AT_SCHEME + 1] = TPM_ALG_NULL;
	memcpy(bare + AT_SCHEME + 2, pub.p + AT_SCHEME + 4, pub.n - AT_SCHEME - 4);
	assert_int_equal(fault_of(bare, pub.n - 2), AK_NO_SCHEME);
	/* ECDH is a scheme, but not for signing */
	memcpy(m, pub.p, pub.n);
	m[AT_SCHEME + 1] = TPM_ALG_ECDH;
	assert_int_equal(fault_of(m, pub.n), AK_NO_SCHEME);
	unit_free(pub);
	unit_free(sha1);
}

static void
i3_a_point_off_its_curve_is_no_ak(void **state)
{
	struct span pub = part("ecc256", "pub");
	uint8_t m[512];

	(void)state;
	memcpy(m, pub.p, pub.n);
	m[pub.n - 1] ^= 1;
	assert_int_equal(fault_of(m, pub.n), AK_BAD_KEY);
	unit_free(pub);
}

/* rsassa's public area with another modulus, of n bytes */
static size_t
with_modulus(uint8_t *m, const uint8_t *modulus, uint16_t n)
{
	struct span pub = part("rsassa", "pub");
	const size_t at_bits = AT_SCHEME + 4, at_unique = at_bits + 2 + 4;
	struct writer w;
	size_t len;

	wr_init(&w, m, 1024);
	wr_be16(&w, (uint16_t)(at_unique + n));
	wr_bytes(&w, SPAN(pub.p + 2, at_bits - 2));
	wr_be16(&w, (uint16_t)(8 * n));
	wr_be32(&w, 0);
	wr_be16_bytes(&w, SPAN(modulus, n));
	assert_int_equal(wr_finish(&w, &len), ASSAY_OK);
	unit_free(pub);
	return len;
}

static void
i3_rsa_under_2048_bits_is_no_ak(void **state)
{
	uint8_t m[1024], modulus[256];
	size_t n;

	(void)state;
	memset(modulus, 0xFF, sizeof modulus);
	n = with_modulus(m, modulus, 256);
	assert_int_equal(fault_of(m, n), AK_FINE);
	n = with_modulus(m, modulus, 255);
	assert_int_equal(fault_of(m, n), AK_WEAK);
	n = with_modulus(m, modulus, 128);
	assert_int_equal(fault_of(m, n), AK_WEAK);
	modulus[255] = 0xFE;
	n = with_modulus(m, modulus, 256);
	assert_int_equal(fault_of(m, n), AK_BAD_KEY);
}

/* ---- endorsement keys -------------------------------------------------------- */

static void
i13_a_key_of_the_broken_generator_is_no_ak(void **state)
{
	struct span hex = unit_data("key/roca.modulus.hex");
	char text[513] = {0};
	uint8_t m[1024], modulus[256];
	size_t n;

	(void)state;
	assert_int_equal(hex.n, 512);
	memcpy(text, hex.p, hex.n);
	assert_int_equal(hex_decode(text, modulus, sizeof modulus, &n), ASSAY_OK);
	n = with_modulus(m, modulus, 256);
	assert_int_equal(fault_of(m, n), AK_BAD_KEY);
	unit_free(hex);
}

/* The unique field apart, one changed bit makes a key that no profile describes. */
static void
i13_an_ek_that_is_not_exactly_a_template_is_refused(void **state)
{
	static const char *const files[] = {"quote/ek.pub", "quote/uki-good.ek.pub"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span pub = unit_data(files[i]);
		const size_t fixed = pub.n - 258; /* TPM2B of the modulus */
		uint8_t m[512];
		struct tpm_public p;

		memcpy(m, pub.p, pub.n);
		assert_int_equal(tpm2b_public_parse(pub, &p), ASSAY_OK);
		assert_int_equal(tpmt_ek_template(&p), EK_L1_RSA2048);
		for (size_t bit = 0; bit < 8 * fixed; bit++) {
			m[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (tpm2b_public_parse(SPAN(m, pub.n), &p) == ASSAY_OK)
				assert_int_equal(tpmt_ek_template(&p), EK_NO_TEMPLATE);
			m[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		unit_free(pub);
	}
}

static void
i13_a_signing_key_is_no_ek(void **state)
{
	static const char *const names[] = {"ecc256", "ecc384", "rsassa", "rsapss384"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span pub = part(names[i], "pub");
		struct tpm_public p;

		assert_int_equal(tpm2b_public_parse(pub, &p), ASSAY_OK);
		assert_int_equal(tpmt_ek_template(&p), EK_NO_TEMPLATE);
		unit_free(pub);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q1_a_message_not_made_by_a_tpm_is_refused),
		cmocka_unit_test(q2_another_attestation_is_not_taken_for_a_quote),
		cmocka_unit_test(q3_a_bank_selected_twice_is_refused),
		cmocka_unit_test(q3_another_selection_than_asked_for_is_refused),
		cmocka_unit_test(q4_other_pcr_values_than_quoted_are_refused),
		cmocka_unit_test(q5_a_prefix_an_extension_or_another_nonce_is_refused),
		cmocka_unit_test(q7_no_other_scheme_or_hash_passes),
		cmocka_unit_test(q7_a_key_of_another_type_or_curve_is_refused),
		cmocka_unit_test(q8_nothing_passes_by_default),
		cmocka_unit_test(q9_bytes_after_a_structure_are_refused),
		cmocka_unit_test(q9_inner_sizes_that_do_not_add_up_are_refused),
		cmocka_unit_test(q12_selections_of_another_size_are_refused),
		cmocka_unit_test(q12_pcrs_above_23_are_refused),
		cmocka_unit_test(q12_more_selections_than_can_be_are_refused),
		cmocka_unit_test(a_safe_flag_that_is_neither_yes_nor_no_is_refused),
		cmocka_unit_test(every_bit_and_truncation_of_a_boots_quote_is_refused),
		cmocka_unit_test(every_bit_and_truncation_of_an_rsassa_quote_is_refused),
		cmocka_unit_test(every_bit_and_truncation_of_an_rsapss_quote_is_refused),
		cmocka_unit_test(i3_each_attribute_that_an_ak_lacks_is_named),
		cmocka_unit_test(i3_weak_names_hashes_and_keys_without_scheme_are_no_ak),
		cmocka_unit_test(i3_a_point_off_its_curve_is_no_ak),
		cmocka_unit_test(i3_rsa_under_2048_bits_is_no_ak),
		cmocka_unit_test(i13_a_key_of_the_broken_generator_is_no_ak),
		cmocka_unit_test(i13_an_ek_that_is_not_exactly_a_template_is_refused),
		cmocka_unit_test(i13_a_signing_key_is_no_ek),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
