/* test_tpmt.c: TPMT_PUBLIC, TPMT_SIGNATURE, names, templates. What makes a key unfit
 * (I3, I13): tests/attacks/test_quote_layout.c. */
#include "tests/support/unit.h"

#include "evidence/hex.h"
#include "evidence/quote.h"
#include "evidence/tpmt.h"
#include "evidence/writer.h"

#include <stdio.h>
#include <string.h>

static struct tpm_public
load(const char *name, struct span *ret_file)
{
	struct tpm_public p;

	*ret_file = unit_data(name);
	assert_int_equal(tpm2b_public_parse(*ret_file, &p), ASSAY_OK);
	return p;
}

static void
assert_public_bad(struct span in, enum assay_err expected, const char *field)
{
	struct tpm_public p;

	assert_int_equal(tpm2b_public_parse(in, &p), expected);
	assert_string_equal(tpmt_public_bad_field(in, true), field);
}

/* Q9: the size in front must be that of what follows */
static void
q9_a_size_that_is_not_the_contents_is_refused(void **state)
{
	struct span in = unit_data("quote/rsassa.pub");
	uint8_t m[512] = {0};

	(void)state;
	memcpy(m, in.p, in.n);
	m[1]--;
	assert_public_bad(SPAN(m, in.n), ASSAY_TRAILING, "size");
	m[1] += 2;
	assert_public_bad(SPAN(m, in.n), ASSAY_TRUNCATED, "size");
	m[1]--;
	assert_public_bad(SPAN(m, in.n + 1), ASSAY_TRAILING, "size");
	m[0] = 0xFF;
	assert_public_bad(SPAN(m, 512), ASSAY_TOO_LARGE, "size");
	unit_free(in);
}

static void
every_truncation_is_refused_in_the_field_it_cuts(void **state)
{
	static const struct {
		size_t n;
		const char *field;
	} cases[] = {
		{1, "type"},
		{3, "nameAlg"},
		{7, "objectAttributes"},
		{9, "authPolicy"},
		{11, "parameters.symmetric"},
		{15, "parameters.scheme"},
		{17, "parameters.keyBits"},
		{21, "parameters.exponent"},
		{23, "unique.rsa"},
		{279, "unique.rsa"},
	};
	struct span in = unit_data("quote/rsassa.pub");

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span cut = SPAN(in.p + 2, cases[i].n);
		struct tpm_public p;

		assert_int_equal(tpmt_public_parse(cut, &p), ASSAY_TRUNCATED);
		assert_string_equal(tpmt_public_bad_field(cut, false), cases[i].field);
	}
	assert_null(tpmt_public_bad_field(in, true));
	unit_free(in);
}

/* Offsets into a TPM2B_PUBLIC without authPolicy */
static void
values_that_a_field_cannot_have_are_refused(void **state)
{
	static const struct {
		const char *file;
		size_t offset;
		uint8_t value;
		enum assay_err e;
		const char *field;
	} cases[] = {
		{"quote/rsassa.pub", 3, 0x08, ASSAY_UNSUPPORTED, "type"}, /* KEYEDHASH */
		{"quote/rsassa.pub", 3, 0x25, ASSAY_UNSUPPORTED, "type"}, /* SYMCIPHER */
		{"quote/rsassa.pub", 5, 0x10, ASSAY_UNSUPPORTED, "nameAlg"},
		{"quote/rsassa.pub", 11, 0x01, ASSAY_MALFORMED, "authPolicy"},
		{"quote/rsassa.pub", 15, 0x1A, ASSAY_UNSUPPORTED, "parameters.scheme"},
		{"quote/rsassa.pub", 17, 0x10, ASSAY_UNSUPPORTED, "parameters.scheme"},
		{"quote/rsassa.pub", 19, 0x01, ASSAY_MALFORMED, "parameters.keyBits"},
		{"quote/rsassa.pub", 18, 0x01, ASSAY_MALFORMED, "parameters.keyBits"},
		{"quote/rsassa.pub", 18, 0x20, ASSAY_UNSUPPORTED, "parameters.keyBits"},
		{"quote/rsassa.pub", 18, 0x0C, ASSAY_MALFORMED, "unique.rsa"},
		{"quote/rsassa.pub", 26, 0x00, ASSAY_MALFORMED, "unique.rsa"},
		{"quote/ecc256.pub", 15, 0x1A, ASSAY_UNSUPPORTED, "parameters.scheme"}, /* ECDAA */
		{"quote/ecc256.pub", 19, 0x10, ASSAY_UNSUPPORTED, "parameters.curveID"},
		{"quote/ecc256.pub", 21, 0x20, ASSAY_UNSUPPORTED, "parameters.kdf"},
		{"quote/ecc256.pub", 23, 0x21, ASSAY_MALFORMED, "unique.ecc.x"},
		{"quote/ecc256.pub", 57, 0x1F, ASSAY_TRAILING, "end"},
	};
	uint8_t m[512];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span in = unit_data(cases[i].file);

		print_message("%s %zu\n", cases[i].file, cases[i].offset);
		memcpy(m, in.p, in.n);
		m[cases[i].offset] = cases[i].value;
		assert_public_bad(SPAN(m, in.n), cases[i].e, cases[i].field);
		unit_free(in);
	}
}

static void
check_public_mutant(struct span mutant, const char *what, void *arg)
{
	const struct tpm_name *original = arg;
	struct tpm_public p;
	struct tpm_name name;

	if (tpm2b_public_parse(mutant, &p) != ASSAY_OK || tpmt_public_name(&p, &name) != ASSAY_OK)
		return;
	if (span_equal(SPAN(name.b, name.len), SPAN(original->b, original->len)))
		fail_msg("%s keeps the name", what);
}

static void
no_changed_public_area_keeps_its_name(void **state)
{
	static const char *const files[] = {"quote/ecc256.pub", "quote/rsassa.pub", "quote/ek.pub"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span file;
		struct tpm_public p = load(files[i], &file);
		struct tpm_name name;

		assert_int_equal(tpmt_public_name(&p, &name), ASSAY_OK);
		unit_mutate(file, 0, check_public_mutant, &name);
		unit_free(file);
	}
}

static void
names_are_those_the_tpm_gives(void **state)
{
	static const char *const names[] = {"uki-good", "ecc384", "rsassa"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char path[64];
		struct span file, expected;
		struct tpm_public p;
		struct tpm_name name;

		snprintf(path, sizeof path, "quote/%s.pub", names[i]);
		p = load(path, &file);
		snprintf(path, sizeof path, "quote/%s.name", names[i]);
		expected = unit_data(path);
		assert_int_equal(tpmt_public_name(&p, &name), ASSAY_OK);
		assert_true(span_equal(SPAN(name.b, name.len), expected));
		unit_free(expected);
		unit_free(file);
	}
}

/* Q10: EK primary of the endorsement hierarchy, AK its child, quote by the AK */
static void
q10_qualified_names_are_those_in_quotes(void **state)
{
	static const char *const sets[][3] = {
		{"quote/uki-good.ek.pub", "quote/uki-good.pub", "quote/uki-good.msg"},
		{"quote/ek.pub", "quote/ecc256.pub", "quote/ecc256.msg"},
		{"quote/ek.pub", "quote/rsapss384.pub", "quote/rsapss384.msg"},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span files[3];
		struct tpm_public ek = load(sets[i][0], &files[0]),
				  ak = load(sets[i][1], &files[1]);
		struct tpm_name ek_name, ek_qualified, ak_name, ak_qualified;
		struct quote q;

		files[2] = unit_data(sets[i][2]);
		assert_int_equal(quote_parse(files[2], &q), ASSAY_OK);
		assert_int_equal(tpmt_public_name(&ek, &ek_name), ASSAY_OK);
		assert_int_equal(tpmt_public_name(&ak, &ak_name), ASSAY_OK);
		assert_int_equal(tpm_qualified_name_endorsement(&ek_name, &ek_qualified), ASSAY_OK);
		assert_int_equal(tpm_qualified_name_child(&ek_qualified, &ak_name, &ak_qualified),
				 ASSAY_OK);
		assert_true(span_equal(SPAN(ak_qualified.b, ak_qualified.len), q.qualified_signer));
		assert_int_equal(tpm_qualified_name_endorsement(&ak_name, &ak_qualified), ASSAY_OK);
		assert_false(
			span_equal(SPAN(ak_qualified.b, ak_qualified.len), q.qualified_signer));
		ak_name.len--;
		assert_int_equal(tpm_qualified_name_endorsement(&ak_name, &ak_qualified),
				 ASSAY_MALFORMED);
		for (size_t k = 0; k < 3; k++)
			unit_free(files[k]);
	}
}

/* Part 1, C.8: some TPMs leave out the leading zero bytes of a coordinate */
static void
short_coordinates_are_padded_in_front(void **state)
{
	struct span file = unit_data("quote/ecc256.pub");
	uint8_t m[128];
	struct tpm_public p;

	(void)state;
	memcpy(m, file.p, file.n - 1);
	m[1]--;
	m[57]--; /* y, of 31 bytes */
	assert_int_equal(tpm2b_public_parse(SPAN(m, file.n - 1), &p), ASSAY_OK);
	assert_int_equal(p.key.xy_len, 32);
	assert_int_equal(p.key.y[0], 0);
	assert_memory_equal(p.key.y + 1, file.p + 58, 31);
	unit_free(file);
}

static void
assert_signature_bad(const char *hex, enum assay_err expected, const char *field)
{
	uint8_t bytes[128];
	struct signature s = {.hash = 77};
	size_t n;

	assert_int_equal(hex_decode(hex, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(tpmt_signature_parse(SPAN(bytes, n), &s), expected);
	assert_string_equal(tpmt_signature_bad_field(SPAN(bytes, n)), field);
	assert_int_equal(s.hash, 77);
}

/* Q7: what is not known is an error, never skipped; Q9: nothing may follow */
static void
q7_unknown_signature_algorithms_are_errors(void **state)
{
	(void)state;
	assert_signature_bad("0000", ASSAY_UNSUPPORTED, "sigAlg");
	assert_signature_bad("0010", ASSAY_UNSUPPORTED, "sigAlg");         /* TPM_ALG_NULL */
	assert_signature_bad("0005000b0102", ASSAY_UNSUPPORTED, "sigAlg"); /* HMAC */
	assert_signature_bad("001a000b000101000101", ASSAY_UNSUPPORTED, "sigAlg"); /* ECDAA */
	assert_signature_bad("001b000b000101000101", ASSAY_UNSUPPORTED, "sigAlg"); /* SM2 */
	assert_signature_bad("001c000b000101000101", ASSAY_UNSUPPORTED, "sigAlg");
	assert_signature_bad("00140010000101", ASSAY_UNSUPPORTED, "hash");
	assert_signature_bad("00180000000101000101", ASSAY_UNSUPPORTED, "hash");
	assert_signature_bad("0014000b0000", ASSAY_MALFORMED, "sig");
	assert_signature_bad("0014000b0201", ASSAY_TOO_LARGE, "sig");
	assert_signature_bad("0018000b0000000101", ASSAY_MALFORMED, "signatureR");
	assert_signature_bad("0018000b0001010000", ASSAY_MALFORMED, "signatureS");
	assert_signature_bad("0018000b000101000101ff", ASSAY_TRAILING, "end");
	assert_signature_bad("0018000b0001010001", ASSAY_TRUNCATED, "signatureS");
	assert_signature_bad("00", ASSAY_TRUNCATED, "sigAlg");
	assert_signature_bad("", ASSAY_TRUNCATED, "sigAlg");
}

static void
reads_signatures_the_tpm_wrote(void **state)
{
	struct span file = unit_data("quote/rsapss384.sig");
	struct signature s;

	(void)state;
	assert_int_equal(tpmt_signature_parse(file, &s), ASSAY_OK);
	assert_int_equal(s.scheme, SIG_RSAPSS);
	assert_int_equal(s.hash, ALG_SHA384);
	assert_int_equal(s.rsa.n, 384);
	assert_null(tpmt_signature_bad_field(file));
	unit_free(file);
	file = unit_data("quote/ecc384.sig");
	assert_int_equal(tpmt_signature_parse(file, &s), ASSAY_OK);
	assert_int_equal(s.scheme, SIG_ECDSA);
	assert_int_equal(s.r.n, 48);
	assert_int_equal(s.s.n, 48);
	unit_free(file);
}

/* H(old || command || what), Part 1, 19.7 */
static struct digest
policy_step(uint16_t alg, struct span old, uint32_t command, struct span what)
{
	uint8_t bytes[512];
	struct digest d;
	struct writer w;

	wr_init(&w, bytes, sizeof bytes);
	wr_bytes(&w, old);
	wr_be32(&w, command);
	wr_bytes(&w, what);
	assert_int_equal(digest_compute(alg, wr_span(&w), &d), ASSAY_OK);
	return d;
}

#define CC_POLICY_SECRET 0x151
#define CC_POLICY_OR 0x171
#define CC_POLICY_AUTHORIZE_NV 0x192
#define NV_INDEX_POLICY 0x01C07F01 /* for SHA-256; the next two for SHA-384, SHA-512 */
#define NV_INDEX_ATTRIBUTES 0x220F1008u
#define NV_INDEX_WRITTEN 0x20000000u

/* PolicyA of EK Credential Profile, B.6: PolicySecret(endorsement), no reference */
static struct digest
policy_a(uint16_t alg)
{
	static const uint8_t zeros[64], endorsement[] = {0x40, 0x00, 0x00, 0x0B};
	struct digest d = policy_step(alg, SPAN(zeros, digest_size(alg)), CC_POLICY_SECRET,
				      SPAN(endorsement, 4));

	assert_int_equal(digest_compute(alg, digest_span(&d), &d), ASSAY_OK);
	return d;
}

/* PolicyB: PolicyOR(PolicyA, PolicyAuthorizeNV(the index that holds a policy)) */
static struct digest
policy_b(uint16_t alg)
{
	static const uint8_t zeros[64];
	uint8_t public[256], name[66], both[128];
	struct digest a = policy_a(alg), c;
	struct writer w;

	wr_init(&w, public, sizeof public);
	wr_be32(&w, NV_INDEX_POLICY + (uint32_t)(alg - ALG_SHA256));
	wr_be16(&w, alg);
	wr_be32(&w, NV_INDEX_ATTRIBUTES | NV_INDEX_WRITTEN);
	wr_be16_bytes(&w, digest_span(&a));
	wr_be16(&w, (uint16_t)(2 + digest_size(alg)));
	assert_int_equal(digest_compute(alg, wr_span(&w), &c), ASSAY_OK);
	wr_init(&w, name, sizeof name);
	wr_be16(&w, alg);
	wr_bytes(&w, digest_span(&c));
	c = policy_step(alg, SPAN(zeros, digest_size(alg)), CC_POLICY_AUTHORIZE_NV, wr_span(&w));
	wr_init(&w, both, sizeof both);
	wr_bytes(&w, digest_span(&a));
	wr_bytes(&w, digest_span(&c));
	return policy_step(alg, SPAN(zeros, digest_size(alg)), CC_POLICY_OR, wr_span(&w));
}

struct template
{
	enum ek_template id;
	const char *before; /* type, nameAlg, attributes, in hex */
	uint16_t alg;
	bool high;
	const char *after; /* parameters */
	size_t unique[2];  /* lengths */
};

static const struct template templates[] = {
	{EK_L1_RSA2048,
	 "0001000b000300b2",
	 ALG_SHA256,
	 false,
	 "00060080004300100800"
	 "00000000",
	 {256, 0}},
	{EK_L2_ECC_P256,
	 "0023000b000300b2",
	 ALG_SHA256,
	 false,
	 "0006008000430010"
	 "00030010",
	 {32, 32}},
	{EK_H1_RSA2048,
	 "0001000b000300f2",
	 ALG_SHA256,
	 true,
	 "00060080004300100800"
	 "00000000",
	 {256, 0}},
	{EK_H2_ECC_P256,
	 "0023000b000300f2",
	 ALG_SHA256,
	 true,
	 "0006008000430010"
	 "00030010",
	 {32, 32}},
	{EK_H3_ECC_P384,
	 "0023000c000300f2",
	 ALG_SHA384,
	 true,
	 "0006010000430010"
	 "00040010",
	 {48, 48}},
	{EK_H4_ECC_P521,
	 "0023000d000300f2",
	 ALG_SHA512,
	 true,
	 "0006010000430010"
	 "00050010",
	 {66, 66}},
	{EK_H6_RSA3072,
	 "0001000c000300f2",
	 ALG_SHA384,
	 true,
	 "00060100004300100c00"
	 "00000000",
	 {384, 0}},
	{EK_H7_RSA4096,
	 "0001000c000300f2",
	 ALG_SHA384,
	 true,
	 "00060100004300101000"
	 "00000000",
	 {512, 0}},
};

static void
write_hex(struct writer *w, const char *hex)
{
	uint8_t bytes[64];
	size_t n;

	assert_int_equal(hex_decode(hex, bytes, sizeof bytes, &n), ASSAY_OK);
	wr_bytes(w, SPAN(bytes, n));
}

static struct span
write_template(const struct template *t, uint8_t *out, size_t cap)
{
	uint8_t unique[512];
	struct digest policy = t->high ? policy_b(t->alg) : policy_a(t->alg);
	struct writer w;
	size_t n;

	memset(unique, 0x80, sizeof unique);
	wr_init(&w, out, cap);
	write_hex(&w, t->before);
	wr_be16_bytes(&w, digest_span(&policy));
	write_hex(&w, t->after);
	for (size_t k = 0; k < 2; k++)
		if (t->unique[k] != 0)
			wr_be16_bytes(&w, SPAN(unique, t->unique[k]));
	assert_int_equal(wr_finish(&w, &n), ASSAY_OK);
	return SPAN(out, n);
}

/* Policies computed from their definition here, constants in ek_template.c. */
static void
i13_each_template_is_known_and_no_changed_bit_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
		uint8_t bytes[TPMT_PUBLIC_MAX];
		struct span in = write_template(&templates[i], bytes, sizeof bytes);
		size_t fixed = in.n;
		struct tpm_public p;

		assert_int_equal(tpmt_public_parse(in, &p), ASSAY_OK);
		assert_int_equal(tpmt_ek_template(&p), templates[i].id);
		for (size_t k = 0; k < 2; k++)
			if (templates[i].unique[k] != 0)
				fixed -= 2 + templates[i].unique[k];
		for (size_t bit = 0; bit < 8 * fixed; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (tpmt_public_parse(in, &p) == ASSAY_OK)
				assert_int_equal(tpmt_ek_template(&p), EK_NO_TEMPLATE);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void
real_eks_are_l1_and_aks_no_template(void **state)
{
	struct span file;
	struct tpm_public p = load("quote/ek.pub", &file);

	(void)state;
	assert_int_equal(tpmt_ek_template(&p), EK_L1_RSA2048);
	unit_free(file);
	p = load("quote/uki-good.ek.pub", &file);
	assert_int_equal(tpmt_ek_template(&p), EK_L1_RSA2048);
	unit_free(file);
	p = load("quote/uki-good.pub", &file);
	assert_int_equal(tpmt_ek_template(&p), EK_NO_TEMPLATE);
	unit_free(file);
}

/* An exponent written out is another public area, with another name. */
static void
i13_an_explicit_exponent_is_no_template(void **state)
{
	struct template t = templates[0];
	uint8_t bytes[TPMT_PUBLIC_MAX];
	struct tpm_public p;
	struct span in;

	(void)state;
	t.after = "00060080004300100800"
		  "00010001";
	in = write_template(&t, bytes, sizeof bytes);
	assert_int_equal(tpmt_public_parse(in, &p), ASSAY_OK);
	assert_int_equal(p.key.exponent, 65537);
	assert_int_equal(tpmt_ek_template(&p), EK_NO_TEMPLATE);
}

static void
every_fault_has_a_text(void **state)
{
	(void)state;
	for (unsigned f = 0; f < AK_FAULT_COUNT; f++)
		assert_true(strlen(tpmt_ak_fault_text((enum ak_fault)f)) > 10);
	assert_string_equal(tpmt_ak_fault_text((enum ak_fault)99), "unknown fault");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q9_a_size_that_is_not_the_contents_is_refused),
		cmocka_unit_test(every_truncation_is_refused_in_the_field_it_cuts),
		cmocka_unit_test(values_that_a_field_cannot_have_are_refused),
		cmocka_unit_test(no_changed_public_area_keeps_its_name),
		cmocka_unit_test(names_are_those_the_tpm_gives),
		cmocka_unit_test(q10_qualified_names_are_those_in_quotes),
		cmocka_unit_test(short_coordinates_are_padded_in_front),
		cmocka_unit_test(q7_unknown_signature_algorithms_are_errors),
		cmocka_unit_test(reads_signatures_the_tpm_wrote),
		cmocka_unit_test(i13_each_template_is_known_and_no_changed_bit_of_it),
		cmocka_unit_test(real_eks_are_l1_and_aks_no_template),
		cmocka_unit_test(i13_an_explicit_exponent_is_no_template),
		cmocka_unit_test(every_fault_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
