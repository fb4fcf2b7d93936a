/* test_ekcert.c: what is trusted, what is told of it, and what policy may allow. What
 * must be refused is in tests/attacks/test_ekcert.c. */
#include "tests/support/certs.h"

#include <string.h>

static struct certs shop; /* the manufacturer: roots and issuing CA */

static int
open_shop(void **state)
{
	(void)state;
	certs_open(&shop, CERTS("root.der", "ca.der", "rsa-root.der"));
	return 0;
}

static int
close_shop(void **state)
{
	(void)state;
	certs_close(&shop);
	return 0;
}

static void
the_zero_value_is_not_trusted(void **state)
{
	struct ekcert e = {0};

	(void)state;
	assert_int_equal(ekcert_judge(&e, 0), EKCERT_UNDECIDED);
	assert_int_equal(ekcert_judge(&e, UINT32_MAX), EKCERT_UNDECIDED);
}

static void
without_roots_nothing_is_trusted(void **state)
{
	struct certs none;

	(void)state;
	certs_open(&none, NO_CERTS);
	assert_int_equal(certs_judge(&none, "ek.der"), EKCERT_ISSUER_MISSING);
	certs_close(&none);
}

static void
trusts_certificates_that_are_in_order(void **state)
{
	static const char *const names[] = {"ek.der",		"ek-rsa.der",	"ek-p384.der",
					    "ek-by-rsa.der",	"ek-oaep.der",	"ek-by-rsa-pss.der",
					    "ek-one-set.der",	"ek-9999.der",	"ek-no-eku.der",
					    "ek-by-rsa-sha1.der", "ek-lax.der", "ek-sign-usage.der",
					    "ek-other-encoding.der"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_int_equal(certs_judge(&shop, names[i]), EKCERT_CHAIN_OK);
}

static void
tells_what_the_certificate_says_of_the_tpm(void **state)
{
	struct ekcert e;

	(void)state;
	certs_verify(&shop, "ek.der", NO_CERTS, &e);
	assert_string_equal(e.tpm.manufacturer, "id:49465800");
	assert_string_equal(e.tpm.model, "SLB 9672");
	assert_string_equal(e.tpm.version, "id:0010");
	assert_string_equal(e.vendor, "Infineon");
	assert_string_equal(e.issuer, "C=DE, O=Assay Test TPMs, CN=Issuing CA 1");
	assert_string_equal(e.subject, "");
	assert_int_equal(e.key.type, KEY_ECC);
	assert_int_equal(e.facts, 0);
	assert_int_equal(e.chain_len, 2);
	assert_string_equal(e.chain[0].subject, "C=DE, O=Assay Test TPMs, CN=Issuing CA 1");
	assert_false(e.chain[0].is_root);
	assert_string_equal(e.chain[1].subject, "C=DE, O=Assay Test TPMs, CN=Root");
	assert_true(e.chain[1].is_root);
	assert_int_equal(e.checks, 2);
}

static void
assert_facts(const char *name, uint32_t expected)
{
	struct ekcert e;

	certs_verify(&shop, name, NO_CERTS, &e);
	assert_int_equal(e.facts, expected);
}

static void
names_every_circumstance_as_a_fact(void **state)
{
	(void)state;
	assert_facts("ek-expired.der", EKCERT_FACT_EXPIRED);
	assert_facts("ek-future.der", EKCERT_FACT_NOT_YET_VALID);
	assert_facts("ek-no-eku.der", EKCERT_FACT_NO_EKU);
	assert_facts("ek-sign-usage.der", EKCERT_FACT_SIGNING_USAGE);
	assert_facts("ek-by-rsa-sha1.der", EKCERT_FACT_SHA1);
	assert_facts("ek-lax.der", EKCERT_FACT_LAX_ENCODING);
	assert_facts("ek-other-encoding.der", EKCERT_FACT_NAME_ENCODING);
	assert_facts("ek-rsa-1024.der", EKCERT_FACT_WEAK_KEY);
}

static void
uses_an_intermediate_that_the_device_sent_and_says_so(void **state)
{
	struct certs root_only;
	struct ekcert e;

	(void)state;
	certs_open(&root_only, CERTS("root.der"));
	assert_int_equal(certs_judge(&root_only, "ek.der"), EKCERT_ISSUER_MISSING);
	certs_verify(&root_only, "ek.der", CERTS("crl.der", "fake-ca.der", "ca.der"), &e);
	assert_int_equal(ekcert_judge(&e, 0), EKCERT_CHAIN_OK);
	assert_int_equal(e.facts, EKCERT_FACT_FROM_DEVICE);
	assert_true(e.chain[0].from_device);
	assert_false(e.chain[1].from_device);
	certs_close(&root_only);
}

/* Nothing is allowed by itself; a policy may allow each fact by its name. */
static void
policy_may_allow_an_expired_certificate_by_name(void **state)
{
	struct ekcert e;

	(void)state;
	certs_verify(&shop, "ek-expired.der", NO_CERTS, &e);
	assert_int_equal(e.reason, EKCERT_CHAIN_OK);
	assert_int_equal(ekcert_judge(&e, 0), EKCERT_EXPIRED);
	assert_int_equal(ekcert_judge(&e, ~(uint32_t)EKCERT_FACT_EXPIRED), EKCERT_EXPIRED);
	assert_int_equal(ekcert_judge(&e, ekcert_fact_by_word("expired")), EKCERT_CHAIN_OK);
}

static void
no_policy_allows_a_broken_chain(void **state)
{
	struct ekcert e;

	(void)state;
	certs_verify(&shop, "fake-ek-same-id.der", NO_CERTS, &e);
	assert_int_equal(ekcert_judge(&e, UINT32_MAX), EKCERT_BAD_SIGNATURE);
}

static void
an_issuer_out_of_its_time_is_a_fact_that_may_be_allowed(void **state)
{
	struct certs c;
	struct ekcert e;

	(void)state;
	certs_open(&c, CERTS("root.der", "expired-ca.der", "future-ca.der"));
	certs_verify(&c, "expired-ca-ek.der", NO_CERTS, &e);
	assert_int_equal(ekcert_judge(&e, 0), EKCERT_ISSUER_EXPIRED);
	assert_int_equal(ekcert_judge(&e, EKCERT_ALLOW_ISSUER_TIME), EKCERT_CHAIN_OK);
	assert_int_equal(e.facts, EKCERT_FACT_ISSUER_EXPIRED);
	certs_verify(&c, "future-ca-ek.der", NO_CERTS, &e);
	assert_int_equal(ekcert_judge(&e, 0), EKCERT_ISSUER_NOT_YET_VALID);
	assert_int_equal(ekcert_judge(&e, EKCERT_ALLOW_ISSUER_TIME), EKCERT_CHAIN_OK);
	certs_close(&c);
}

static void
prefers_the_true_issuer_among_namesakes(void **state)
{
	struct certs c;
	struct ekcert e;

	(void)state;
	certs_open(&c, CERTS("root.der", "fake-root.der", "ca.der", "fake-ca.der",
			     "ca-self-named.der"));
	certs_verify(&c, "ek.der", CERTS("fake-ca.der"), &e);
	assert_int_equal(ekcert_judge(&e, 0), EKCERT_CHAIN_OK);
	assert_int_equal(e.checks, 2); /* key identifiers led to it at once */
	certs_close(&c);
}

static void
goes_back_from_a_branch_that_leads_nowhere(void **state)
{
	struct certs c;
	struct ekcert e;

	(void)state;
	/* the RSA root's certificates name no key: all of that name are tried */
	certs_open(&c, CERTS("ring-0.der", "ring-1.der", "root.der"));
	certs_verify(&c, "ring-ek.der", NO_CERTS, &e);
	assert_int_equal(ekcert_judge(&e, 0), EKCERT_ROOT_MISSING);
	assert_int_equal(e.checks, 2);
	assert_int_equal(e.chain_len, 0);
	certs_close(&c);
}

static void
a_path_is_at_most_eight_issuers_long(void **state)
{
	static const char *const line[] = {"root.der",	 "line-0.der", "line-1.der", "line-2.der",
					   "line-3.der", "line-4.der", "line-5.der", "line-6.der",
					   "line-7.der", "line-8.der", NULL};
	struct certs c;

	(void)state;
	certs_open(&c, line);
	assert_int_equal(certs_judge(&c, "line-0-ek.der"), EKCERT_CHAIN_OK);
	assert_int_equal(certs_judge(&c, "line-6-ek.der"), EKCERT_CHAIN_OK);
	assert_int_equal(certs_judge(&c, "line-7-ek.der"), EKCERT_SEARCH_LIMIT);
	assert_int_equal(certs_judge(&c, "line-8-ek.der"), EKCERT_SEARCH_LIMIT);
	certs_close(&c);
}

static void
says_which_certificate_was_not_read_and_why(void **state)
{
	struct ekcert e;

	(void)state;
	certs_verify(&shop, "ek-two-ekus.der", NO_CERTS, &e);
	assert_int_equal(e.reason, EKCERT_MALFORMED);
	assert_int_equal(e.detail, ASSAY_DUPLICATE);
	certs_verify(&shop, "ek-md5.der", NO_CERTS, &e);
	assert_int_equal(e.reason, EKCERT_UNSUPPORTED);
}

static void
every_reason_and_fact_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EKCERT_REASON_COUNT; i++) {
		assert_true(strlen(ekcert_reason_text(i)) > 0);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(ekcert_reason_word(i), ekcert_reason_word(j));
	}
	for (unsigned i = 0; i < EKCERT_FACT_COUNT; i++) {
		assert_true(strlen(ekcert_fact_text(i)) > 0);
		assert_int_equal(ekcert_fact_by_word(ekcert_fact_word(i)), 1u << i);
	}
	assert_int_equal(ekcert_fact_by_word("no-such-fact"), 0);
	assert_string_equal(ekcert_reason_word(EKCERT_REASON_COUNT), "undecided");
}

static void
knows_vendors_by_their_registered_numbers(void **state)
{
	(void)state;
	assert_string_equal(tpmattr_vendor_name(0x53544D20), "STMicroelectronics");
	assert_null(tpmattr_vendor_name(0));
	assert_null(tpmattr_vendor_name(0xFFFFF1D0));
}

static void
a_chip_of_microsofts_design_is_no_virtual_tpm(void **state)
{
	struct tpmattr a = {.model = "Pluton", .vendor_id = 0x4D534654};

	(void)state;
	assert_false(tpmattr_is_virtual(&a, "CN=AMD Pluton Per-Product Factory EK ICA"));
	strcpy(a.model, "Microsoft TPM");
	assert_true(tpmattr_is_virtual(&a, "CN=Azure Virtual TPM"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_zero_value_is_not_trusted),
		cmocka_unit_test(without_roots_nothing_is_trusted),
		cmocka_unit_test(trusts_certificates_that_are_in_order),
		cmocka_unit_test(tells_what_the_certificate_says_of_the_tpm),
		cmocka_unit_test(names_every_circumstance_as_a_fact),
		cmocka_unit_test(uses_an_intermediate_that_the_device_sent_and_says_so),
		cmocka_unit_test(policy_may_allow_an_expired_certificate_by_name),
		cmocka_unit_test(no_policy_allows_a_broken_chain),
		cmocka_unit_test(an_issuer_out_of_its_time_is_a_fact_that_may_be_allowed),
		cmocka_unit_test(prefers_the_true_issuer_among_namesakes),
		cmocka_unit_test(goes_back_from_a_branch_that_leads_nowhere),
		cmocka_unit_test(a_path_is_at_most_eight_issuers_long),
		cmocka_unit_test(says_which_certificate_was_not_read_and_why),
		cmocka_unit_test(every_reason_and_fact_has_a_word_of_its_own),
		cmocka_unit_test(knows_vendors_by_their_registered_numbers),
		cmocka_unit_test(a_chip_of_microsofts_design_is_no_virtual_tpm),
	};

	return cmocka_run_group_tests(tests, open_shop, close_shop);
}
