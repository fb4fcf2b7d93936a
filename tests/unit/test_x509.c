/* test_x509.c: certificates, revocation lists, names and the files they come in. */
#include "tests/support/certs.h"

#include "verifier/appraise/certfile.h"

#include <string.h>

#define JAN_2020 1577836800
#define JAN_2040 2208988800
#define END_OF_9999 253402300799

/* ---- certificates ---- */

static enum assay_err
parse(const char *name, struct x509 *ret)
{
	static struct span kept[16]; /* spans of the result point here */
	static size_t count;
	size_t i = count++ % 16;

	unit_free(kept[i]);
	kept[i] = certs_file(name);
	return x509_parse(kept[i], ret);
}

static void
refuses_an_extension_that_occurs_twice(void **state)
{
	struct x509 c;

	(void)state;
	assert_int_equal(parse("ek-two-ekus.der", &c), ASSAY_DUPLICATE);
}

static void
refuses_a_signature_algorithm_that_is_not_the_signed_one(void **state)
{
	struct x509 c;

	(void)state;
	assert_int_equal(parse("ek-other-outer.der", &c), ASSAY_MISMATCH);
}

static void
refuses_a_signature_algorithm_that_is_not_handled(void **state)
{
	struct x509 c;

	(void)state;
	assert_int_equal(parse("ek-md5.der", &c), ASSAY_UNSUPPORTED);
}

static void
refuses_extensions_in_a_version_that_has_none(void **state)
{
	struct x509 c;

	(void)state;
	assert_int_equal(parse("ek-v1-extensions.der", &c), ASSAY_MALFORMED);
}

static void
refuses_what_is_larger_than_the_limit(void **state)
{
	static uint8_t zeros[X509_MAX + 1];
	struct x509 c;

	(void)state;
	assert_int_equal(x509_parse(SPAN(zeros, sizeof zeros), &c), ASSAY_TOO_LARGE);
}

static void
refuses_every_truncation_and_extension(void **state)
{
	struct span s = certs_file("ek.der");
	uint8_t more[2048];
	struct x509 c;

	(void)state;
	for (size_t n = 0; n < s.n; n++)
		assert_int_not_equal(x509_parse(SPAN(s.p, n), &c), ASSAY_OK);
	memcpy(more, s.p, s.n);
	more[s.n] = 0;
	assert_int_equal(x509_parse(SPAN(more, s.n + 1), &c), ASSAY_TRAILING);
	unit_free(s);
}

static void
reads_every_field_of_an_endorsement_certificate(void **state)
{
	struct x509 c, ca;

	(void)state;
	assert_int_equal(parse("ek.der", &c), ASSAY_OK);
	assert_int_equal(parse("ca.der", &ca), ASSAY_OK);
	assert_int_equal(c.version, 3);
	assert_true(c.not_before == JAN_2020 && c.not_after == JAN_2040);
	assert_true(x509_name_is_empty(c.subject));
	assert_true(span_equal(c.issuer, ca.subject));
	assert_true(span_equal(c.akid, ca.skid));
	assert_true(c.has_basic_constraints && !c.is_ca && c.pathlen == X509_PATHLEN_NONE);
	assert_true(c.has_key_usage && c.key_usage == X509_KU_KEY_AGREEMENT);
	assert_true(c.has_eku && c.eku == X509_EKU_TPM_EK);
	assert_true(c.has_san && c.san_critical);
	assert_int_equal(c.unknown_critical, 0);
	assert_int_equal(c.sig.scheme, SIG_ECDSA);
	assert_int_equal(c.sig.hash, ALG_SHA256);
	assert_int_equal(c.lax, 0);
	assert_true(ca.is_ca && ca.pathlen == 0);
	assert_int_equal(ca.key_usage, X509_KU_CERT_SIGN | X509_KU_CRL_SIGN);
}

static void
reads_a_certificate_that_never_expires(void **state)
{
	struct x509 c;

	(void)state;
	assert_int_equal(parse("ek-9999.der", &c), ASSAY_OK);
	assert_true(c.not_after == END_OF_9999);
	assert_int_equal(c.lax, 0);
}

static void
says_in_which_ways_an_encoding_is_lax(void **state)
{
	struct x509 c;

	(void)state;
	assert_int_equal(parse("ek-lax.der", &c), ASSAY_OK);
	assert_int_equal(c.lax, X509_LAX_LENGTH | X509_LAX_DEFAULT | X509_LAX_PARAMETERS |
					X509_LAX_SERIAL | X509_LAX_KEY_ID);
	assert_int_equal(c.akid.n, 0);
}

static void
counts_unknown_critical_extensions_and_names_the_first(void **state)
{
	struct x509 c;
	char text[64];

	(void)state;
	assert_int_equal(parse("ek-critical.der", &c), ASSAY_OK);
	assert_int_equal(c.unknown_critical, 1);
	x509_oid_text(c.first_unknown_critical, text, sizeof text);
	assert_string_equal(text, "1.3.6.1.4.1.99999.1");
}

static void
verifies_every_signature_algorithm_of_its_list(void **state)
{
	static const char *const names[] = {"ek-by-rsa.der", "ek-by-rsa-sha1.der",
					    "ek-by-rsa-pss.der"};
	struct x509 c, root;
	struct key key;

	(void)state;
	assert_int_equal(parse("rsa-root.der", &root), ASSAY_OK);
	assert_int_equal(key_from_spki(root.spki, &key), ASSAY_OK);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(parse(names[i], &c), ASSAY_OK);
		assert_int_equal(x509_verify(&c, &key), ASSAY_OK);
	}
	assert_int_equal(c.sig.scheme, SIG_RSAPSS);
	assert_int_equal(parse("ek.der", &c), ASSAY_OK);
	assert_int_not_equal(x509_verify(&c, &key), ASSAY_OK);
}

/* ---- times: a certificate with its notBefore replaced by as many bytes ---- */

static enum assay_err
with_time(const char *text, int64_t *ret)
{
	struct span s = certs_file("ek.der");
	uint8_t copy[2048];
	struct x509 c = {0};
	enum assay_err e;
	size_t i = 0;

	memcpy(copy, s.p, s.n);
	while (memcmp(copy + i, "200101000000Z", 13) != 0)
		assert_true(++i < s.n - 13);
	memcpy(copy + i, text, 13);
	e = x509_parse(SPAN(copy, s.n), &c);
	*ret = c.not_before;
	unit_free(s);
	return e;
}

static void
reads_times_of_both_centuries_and_leap_years(void **state)
{
	int64_t t;

	(void)state;
	assert_int_equal(with_time("490101000000Z", &t), ASSAY_OK);
	assert_true(t == 2493072000);
	assert_int_equal(with_time("500101000000Z", &t), ASSAY_OK);
	assert_true(t == -631152000);
	assert_int_equal(with_time("700101000001Z", &t), ASSAY_OK);
	assert_true(t == 1);
	assert_int_equal(with_time("200229235959Z", &t), ASSAY_OK);
	assert_true(t == 1583020799);
	assert_int_equal(with_time("000229000000Z", &t), ASSAY_OK);
	assert_true(t == 951782400);
}

static void
refuses_times_that_do_not_exist(void **state)
{
	static const char *const bad[] = {"200001000000Z", "201301000000Z", "200100000000Z",
					  "200132000000Z", "210229000000Z", "200101240000Z",
					  "200101006000Z", "200101000061Z", "20010100000 Z",
					  "200101000000A", "2001010000+00"};
	int64_t t;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(with_time(bad[i], &t), ASSAY_MALFORMED);
}

/* ---- names ---- */

static void
names_are_compared_without_string_type_case_and_spacing(void **state)
{
	uint8_t a[X509_NAME_HASH_SIZE], b[X509_NAME_HASH_SIZE];
	struct x509 c, other;

	(void)state;
	assert_int_equal(parse("ek.der", &c), ASSAY_OK);
	assert_int_equal(parse("ek-other-encoding.der", &other), ASSAY_OK);
	assert_false(span_equal(c.issuer, other.issuer));
	assert_int_equal(x509_name_hash(c.issuer, a), ASSAY_OK);
	assert_int_equal(x509_name_hash(other.issuer, b), ASSAY_OK);
	assert_memory_equal(a, b, sizeof a);
}

/* SEQUENCE of SET of SEQUENCE { commonName, UTF8String } */
static const char name_ab[] = "\x30\x0D\x31\x0B\x30\x09\x06\x03\x55\x04\x03\x0C\x02"
			      "ab";
static const char name_a_b[] = "\x30\x0E\x31\x0C\x30\x0A\x06\x03\x55\x04\x03\x0C\x03"
			       "a b";
static const char name_ab_ou[] = "\x30\x0D\x31\x0B\x30\x09\x06\x03\x55\x04\x0B\x0C\x02"
				 "ab";
static const char name_ab_octets[] = "\x30\x0D\x31\x0B\x30\x09\x06\x03\x55\x04\x03\x04\x02"
				     "ab";
static const char name_a_then_b[] = "\x30\x18\x31\x0A\x30\x08\x06\x03\x55\x04\x03\x0C\x01"
				    "a\x31\x0A\x30\x08\x06\x03\x55\x04\x03\x0C\x01"
				    "b";
static const char name_a_plus_b[] = "\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04\x03\x0C\x01"
				    "a\x30\x08\x06\x03\x55\x04\x03\x0C\x01"
				    "b";
static const char name_control[] = "\x30\x0D\x31\x0B\x30\x09\x06\x03\x55\x04\x03\x0C\x02"
				   "\x1b\n";

static void
names_that_differ_in_anything_else_are_different(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} names[] = {{name_ab, sizeof name_ab - 1},
		     {name_a_b, sizeof name_a_b - 1},
		     {name_ab_ou, sizeof name_ab_ou - 1},
		     {name_ab_octets, sizeof name_ab_octets - 1},
		     {name_a_then_b, sizeof name_a_then_b - 1},
		     {name_a_plus_b, sizeof name_a_plus_b - 1},
		     {"\x30\x00", 2}};
	uint8_t hash[7][X509_NAME_HASH_SIZE];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(x509_name_hash(SPAN(names[i].p, names[i].n), hash[i]), ASSAY_OK);
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(hash[i], hash[j], X509_NAME_HASH_SIZE);
}

static void
names_are_shown_escaped_and_cut(void **state)
{
	char text[64], small[12];

	(void)state;
	x509_name_text(SPAN(name_control, sizeof name_control - 1), text, sizeof text);
	assert_string_equal(text, "CN=\\x1b\\x0a");
	x509_name_text(SPAN(name_a_then_b, sizeof name_a_then_b - 1), text, sizeof text);
	assert_string_equal(text, "CN=a, CN=b");
	x509_name_text(SPAN(name_a_plus_b, sizeof name_a_plus_b - 1), text, sizeof text);
	assert_string_equal(text, "CN=a + CN=b");
	x509_name_text(SPAN(name_a_then_b, sizeof name_a_then_b - 1), small, sizeof small);
	assert_string_equal(small, "CN=a...");
	x509_name_text(SPAN("\x30\x00", 2), text, sizeof text);
	assert_string_equal(text, "");
}

/* ---- revocation lists ---- */

static enum assay_err
lists(const char *name, const char *serial, bool *ret)
{
	struct span s = certs_file(name);
	struct x509_crl crl;
	enum assay_err e = x509_crl_parse(s, &crl);

	if (e == ASSAY_OK)
		e = x509_crl_lists(&crl, SPAN(serial, strlen(serial)), ret);
	unit_free(s);
	return e;
}

static void
a_list_names_the_serials_that_are_on_it(void **state)
{
	bool listed = false;

	(void)state;
	assert_int_equal(lists("crl.der", "\x02\x58", &listed), ASSAY_OK);
	assert_true(listed);
	assert_int_equal(lists("crl.der", "\x02\x5A", &listed), ASSAY_OK);
	assert_false(listed);
	assert_int_equal(lists("crl-empty.der", "\x02\x58", &listed), ASSAY_OK);
	assert_false(listed);
}

static void
a_list_that_is_not_whole_says_so(void **state)
{
	static const struct {
		const char *name;
		bool partial;
	} cases[] = {{"crl.der", false},	{"crl-users.der", false},
		     {"crl-delta.der", true},	{"crl-indirect.der", true},
		     {"crl-no-next.der", false}};
	struct x509_crl crl;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct span s = certs_file(cases[i].name);

		assert_int_equal(x509_crl_parse(s, &crl), ASSAY_OK);
		assert_int_equal(crl.partial, cases[i].partial);
		unit_free(s);
	}
	assert_true(crl.next_update == INT64_MAX);
}

static void
a_certificate_is_not_a_revocation_list_nor_the_other_way(void **state)
{
	struct span cert = certs_file("ek.der"), list = certs_file("crl.der");
	struct x509_crl crl;
	struct x509 c;

	(void)state;
	assert_int_not_equal(x509_crl_parse(cert, &crl), ASSAY_OK);
	assert_int_not_equal(x509_parse(list, &c), ASSAY_OK);
	unit_free(cert);
	unit_free(list);
}

/* ---- files ---- */

static enum assay_err
first_item(struct span file, struct certfile_item *ret, struct certfile *f)
{
	static uint8_t buf[8192];

	certfile_open(f, file, buf, sizeof buf);
	return certfile_next(f, ret);
}

static void
takes_the_same_certificate_out_of_every_form(void **state)
{
	static const char *const names[] = {"ek.der", "ek.pem", "ek.nv", "ek-ff.nv", "chain.pem"};
	struct span der = certs_file("ek.der");

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span file = certs_file(names[i]);
		struct certfile_item item;
		struct certfile f;

		assert_int_equal(first_item(file, &item, &f), ASSAY_OK);
		assert_true(span_equal(item.der, der));
		unit_free(file);
	}
	unit_free(der);
}

static void
tells_how_much_of_an_nv_index_is_padding(void **state)
{
	struct span file = certs_file("ek.nv");
	struct certfile_item item;
	struct certfile f;

	(void)state;
	assert_int_equal(first_item(file, &item, &f), ASSAY_OK);
	assert_int_equal(certfile_next(&f, &item), ASSAY_NOT_FOUND);
	assert_int_equal(f.padding, 100);
	assert_int_equal(f.form, CERTFILE_NV);
	unit_free(file);
}

static void
takes_all_certificates_of_a_pem_file_in_order(void **state)
{
	struct span file = certs_file("chain.pem"), ca = certs_file("ca.der");
	struct certfile_item item;
	struct certfile f;

	(void)state;
	assert_int_equal(first_item(file, &item, &f), ASSAY_OK);
	assert_int_equal(certfile_next(&f, &item), ASSAY_OK);
	assert_true(span_equal(item.der, ca));
	assert_int_equal(certfile_next(&f, &item), ASSAY_NOT_FOUND);
	assert_int_equal(certfile_next(&f, &item), ASSAY_NOT_FOUND);
	unit_free(file);
	unit_free(ca);
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

static void
refuses_pem_that_is_damaged(void **state)
{
	static const struct {
		const char *text;
		enum assay_err e;
	} cases[] = {
		{BEGIN "MAMC!wAA\n" END, ASSAY_MALFORMED},
		{BEGIN "MAMC\nAA\n" END, ASSAY_MALFORMED},
		{BEGIN "MA==MAMC\n" END, ASSAY_MALFORMED},
		{BEGIN "M===\n" END, ASSAY_MALFORMED},
		{BEGIN "MAMCAQA=\n", ASSAY_TRUNCATED},
		{BEGIN "MAMCAQA=\n-----END X509 CRL-----\n", ASSAY_MALFORMED},
		{BEGIN "MAMCAQA=\n-----END CERTIFICATE", ASSAY_MALFORMED},
		{"-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n",
		 ASSAY_NOT_FOUND},
		{"no certificate at all\n", ASSAY_BAD_MAGIC},
		{"", ASSAY_BAD_MAGIC},
	};
	struct certfile_item item;
	struct certfile f;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(
			first_item(SPAN(cases[i].text, strlen(cases[i].text)), &item, &f),
			cases[i].e);
}

static void
refuses_an_nv_index_that_holds_no_certificate(void **state)
{
	static const uint8_t hash_only[] = {0x10, 0x01, 0x01, 0x00, 0x16, 0x10, 0x02, 0x30, 0x82};
	static const uint8_t erased[64] = {0xFF, 0xFF, 0xFF};
	static const uint8_t short_header[] = {0x10, 0x01, 0x00, 0x00};
	static const uint8_t cut[] = {0x10, 0x01, 0x00, 0x02, 0x02, 0x10, 0x02, 0x30, 0x82, 0x02};
	struct certfile_item item;
	struct certfile f;

	(void)state;
	assert_int_equal(first_item(SPAN(hash_only, sizeof hash_only), &item, &f),
			 ASSAY_UNSUPPORTED);
	assert_int_equal(first_item(SPAN(erased, sizeof erased), &item, &f), ASSAY_BAD_MAGIC);
	assert_int_equal(first_item(SPAN(short_header, sizeof short_header), &item, &f),
			 ASSAY_BAD_MAGIC);
	assert_int_equal(first_item(SPAN(cut, sizeof cut), &item, &f), ASSAY_NOT_FOUND);
}

static void
does_not_write_beyond_the_buffer_for_pem(void **state)
{
	struct span file = certs_file("ek.pem");
	struct certfile_item item;
	uint8_t buf[101];
	struct certfile f;

	(void)state;
	buf[100] = 0xA5;
	certfile_open(&f, file, buf, 100);
	assert_int_equal(certfile_next(&f, &item), ASSAY_FULL);
	assert_int_equal(buf[100], 0xA5);
	unit_free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_an_extension_that_occurs_twice),
		cmocka_unit_test(refuses_a_signature_algorithm_that_is_not_the_signed_one),
		cmocka_unit_test(refuses_a_signature_algorithm_that_is_not_handled),
		cmocka_unit_test(refuses_extensions_in_a_version_that_has_none),
		cmocka_unit_test(refuses_what_is_larger_than_the_limit),
		cmocka_unit_test(refuses_every_truncation_and_extension),
		cmocka_unit_test(reads_every_field_of_an_endorsement_certificate),
		cmocka_unit_test(reads_a_certificate_that_never_expires),
		cmocka_unit_test(says_in_which_ways_an_encoding_is_lax),
		cmocka_unit_test(counts_unknown_critical_extensions_and_names_the_first),
		cmocka_unit_test(verifies_every_signature_algorithm_of_its_list),
		cmocka_unit_test(reads_times_of_both_centuries_and_leap_years),
		cmocka_unit_test(refuses_times_that_do_not_exist),
		cmocka_unit_test(names_are_compared_without_string_type_case_and_spacing),
		cmocka_unit_test(names_that_differ_in_anything_else_are_different),
		cmocka_unit_test(names_are_shown_escaped_and_cut),
		cmocka_unit_test(a_list_names_the_serials_that_are_on_it),
		cmocka_unit_test(a_list_that_is_not_whole_says_so),
		cmocka_unit_test(a_certificate_is_not_a_revocation_list_nor_the_other_way),
		cmocka_unit_test(takes_the_same_certificate_out_of_every_form),
		cmocka_unit_test(tells_how_much_of_an_nv_index_is_padding),
		cmocka_unit_test(takes_all_certificates_of_a_pem_file_in_order),
		cmocka_unit_test(refuses_pem_that_is_damaged),
		cmocka_unit_test(refuses_an_nv_index_that_holds_no_certificate),
		cmocka_unit_test(does_not_write_beyond_the_buffer_for_pem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
