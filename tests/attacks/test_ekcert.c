/*
 * test_ekcert.c: certificates that must not make a device a TPM of a known maker: rows
 * I4, I9 and I13. Each attack is refused for its own reason. The certificates are made
 * by tests/data/ekcert/make.py.
 */
#include "tests/support/certs.h"

#include "evidence/writer.h"

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
refused(const char *name, enum ekcert_reason why)
{
	assert_string_equal(ekcert_reason_word(certs_judge(&shop, name)),
			    ekcert_reason_word(why));
}

/* With these certificates too in the folder of roots. */
static void
refused_among(const char *const *also, const char *name, enum ekcert_reason why)
{
	const char *names[16] = {"root.der", "ca.der"};
	struct certs c;
	size_t n = 2;

	while (*also)
		names[n++] = *also++;
	certs_open(&c, names);
	assert_string_equal(ekcert_reason_word(certs_judge(&c, name)), ekcert_reason_word(why));
	certs_close(&c);
}

/* ---- I4: chain ---- */

static void
i4_a_chain_of_somebody_elses_ca_is_refused(void **state)
{
	(void)state;
	refused("fake-ek.der", EKCERT_ISSUER_MISSING);
	refused_among(CERTS("fake-ca.der"), "fake-ek.der", EKCERT_ROOT_MISSING);
}

static void
i4_a_forged_signature_under_the_true_issuers_name_and_key_id_is_refused(void **state)
{
	(void)state;
	refused("fake-ek-same-id.der", EKCERT_BAD_SIGNATURE);
}

static void
i4_a_root_that_the_device_sent_is_trusted_for_nothing(void **state)
{
	struct ekcert e;

	(void)state;
	certs_verify(&shop, "fake-ek.der", CERTS("fake-ca.der", "fake-root.der"), &e);
	assert_int_equal(ekcert_judge(&e, UINT32_MAX), EKCERT_ROOT_MISSING);
	assert_int_equal(e.chain_len, 0);
}

static void
i4_a_self_signed_certificate_is_refused_even_among_the_roots(void **state)
{
	(void)state;
	refused("self-ek.der", EKCERT_ISSUER_MISSING);
	refused_among(CERTS("self-ek.der"), "self-ek.der", EKCERT_ISSUER_MISSING);
}

static void
i4_cas_that_vouch_for_each_other_are_refused(void **state)
{
	(void)state;
	refused_among(CERTS("ring-0.der", "ring-1.der"), "ring-ek.der", EKCERT_ROOT_MISSING);
}

static void
i4_intermediates_of_the_device_cannot_exhaust_the_verifier(void **state)
{
	struct ekcert e;

	(void)state;
	certs_verify(&shop, "ring-ek.der",
		     CERTS("ring-0.der", "ring-1.der", "ring-0.der", "ring-1.der", "ring-0.der",
			   "ring-1.der", "ring-0.der", "ring-1.der"),
		     &e);
	assert_int_not_equal(ekcert_judge(&e, UINT32_MAX), EKCERT_CHAIN_OK);
	assert_true(e.checks <= EKCERT_CHECKS_MAX);
}

/* ---- I4: issuers that may not issue ---- */

static void
i4_an_issuer_that_is_no_ca_by_basic_constraints_is_refused(void **state)
{
	(void)state;
	refused_among(CERTS("not-ca.der"), "not-ca-ek.der", EKCERT_ISSUER_NOT_CA);
	refused_among(CERTS("no-basic.der"), "no-basic-ek.der", EKCERT_ISSUER_NOT_CA);
}

static void
i4_an_endorsement_key_does_not_issue_certificates(void **state)
{
	(void)state;
	refused_among(CERTS("ek-named.der"), "ek-named.der", EKCERT_CHAIN_OK);
	refused_among(CERTS("ek-named.der"), "ek-by-ek.der", EKCERT_ISSUER_NOT_CA);
	refused_among(CERTS("ek.der"), "ek-by-nameless.der", EKCERT_ISSUER_MISSING);
}

static void
i4_an_issuer_without_key_cert_sign_is_refused(void **state)
{
	(void)state;
	refused_among(CERTS("no-cert-sign.der"), "no-cert-sign-ek.der", EKCERT_ISSUER_KEY_USAGE);
}

static void
i4_a_ca_for_attestation_keys_does_not_vouch_for_endorsement_keys(void **state)
{
	(void)state;
	refused_among(CERTS("aik-ca.der"), "aik-ca-ek.der", EKCERT_ISSUER_PURPOSE);
	refused_among(CERTS("ek-ca.der"), "ek-ca-ek.der", EKCERT_CHAIN_OK); /* this one does */
}

static void
i4_an_issuer_with_unknown_critical_extensions_is_refused(void **state)
{
	(void)state;
	refused_among(CERTS("critical-ca.der"), "critical-ca-ek.der", EKCERT_ISSUER_EXTENSION);
	refused_among(CERTS("constrained-ca.der"), "constrained-ca-ek.der",
		      EKCERT_ISSUER_EXTENSION);
}

static void
i4_a_path_longer_than_an_issuer_permits_is_refused(void **state)
{
	(void)state;
	refused_among(CERTS("sub-ca.der"), "sub-ca-ek.der", EKCERT_PATH_LENGTH);
}

static void
i4_an_issuer_with_a_weak_or_too_large_key_is_refused(void **state)
{
	(void)state;
	refused_among(CERTS("weak-ca.der"), "weak-ca-ek.der", EKCERT_ISSUER_KEY);
	refused_among(CERTS("large-ca.der"), "large-ca-ek.der", EKCERT_ISSUER_KEY_TOO_LARGE);
}

/* ---- I4: validity ---- */

static void
i4_an_expired_or_future_certificate_is_refused(void **state)
{
	(void)state;
	refused("ek-expired.der", EKCERT_EXPIRED);
	refused("ek-future.der", EKCERT_NOT_YET_VALID);
}

static void
i4_an_issuer_out_of_its_time_is_refused_unless_allowed(void **state)
{
	(void)state;
	refused_among(CERTS("expired-ca.der"), "expired-ca-ek.der", EKCERT_ISSUER_EXPIRED);
	refused_among(CERTS("future-ca.der"), "future-ca-ek.der", EKCERT_ISSUER_NOT_YET_VALID);
}

static void
i4_what_an_expired_issuer_issued_is_refused_by_every_policy(void **state)
{
	struct certs c;
	struct ekcert e;

	(void)state;
	certs_open(&c, CERTS("root.der", "late-ca.der"));
	certs_verify(&c, "late-ca-ek.der", NO_CERTS, &e);
	assert_int_equal(ekcert_judge(&e, UINT32_MAX), EKCERT_ISSUED_TOO_LATE);
	certs_close(&c);
}

/* ---- I4: purpose, attributes, extensions ---- */

static void
i4_a_certificate_for_another_purpose_is_refused(void **state)
{
	(void)state;
	refused("ek-aik.der", EKCERT_NOT_EK);
	refused("ek-other-eku.der", EKCERT_NOT_EK);
	refused("ek-any-eku.der", EKCERT_NOT_EK);
	refused("ek-sign-no-eku.der", EKCERT_KEY_USAGE);
}

static void
i4_a_ca_certificate_is_no_endorsement_certificate(void **state)
{
	(void)state;
	refused("ca.der", EKCERT_IS_CA);
	refused("ek-is-ca.der", EKCERT_IS_CA);
	refused("ek-cert-sign.der", EKCERT_IS_CA);
}

static void
i4_a_certificate_without_manufacturer_model_and_version_is_refused(void **state)
{
	(void)state;
	refused("ek-no-san.der", EKCERT_NO_TPM_ATTRIBUTES);
	refused("ek-no-version.der", EKCERT_NO_TPM_ATTRIBUTES);
	refused("ek-two-models.der", EKCERT_NO_TPM_ATTRIBUTES);
}

static void
i4_an_unknown_critical_extension_is_refused(void **state)
{
	(void)state;
	refused("ek-critical.der", EKCERT_CRITICAL_EXTENSION);
	refused("ek-name-constraints.der", EKCERT_CRITICAL_EXTENSION);
}

static void
i4_two_readings_of_one_certificate_are_refused(void **state)
{
	(void)state;
	refused("ek-two-ekus.der", EKCERT_MALFORMED);
	refused("ek-other-outer.der", EKCERT_MALFORMED);
	refused("ek-v1-extensions.der", EKCERT_MALFORMED);
	refused("ek-md5.der", EKCERT_UNSUPPORTED);
}

/* ---- I4: revocation ---- */

static void
i4_a_revoked_certificate_is_refused(void **state)
{
	(void)state;
	refused("ek-revoked.der", EKCERT_CHAIN_OK); /* no list, no revocation */
	refused_among(CERTS("crl.der"), "ek-revoked.der", EKCERT_REVOKED);
	refused_among(CERTS("crl.pem"), "ek-revoked.der", EKCERT_REVOKED);
	refused_among(CERTS("crl-no-next.der"), "ek-revoked.der", EKCERT_REVOKED);
	refused_among(CERTS("crl-users.der"), "ek-revoked.der", EKCERT_REVOKED);
	refused_among(CERTS("crl.der"), "ek.der", EKCERT_CHAIN_OK);
}

static void
i4_a_certificate_of_a_revoked_issuer_is_refused(void **state)
{
	(void)state;
	refused_among(CERTS("revoked-ca.der"), "revoked-ca-ek.der", EKCERT_CHAIN_OK);
	refused_among(CERTS("revoked-ca.der", "crl-root.der"), "revoked-ca-ek.der",
		      EKCERT_ISSUER_REVOKED);
}

static void
i4_an_older_certificate_of_the_same_key_does_not_save_a_revoked_issuer(void **state)
{
	struct certs c;
	struct ekcert e;

	(void)state;
	certs_open(&c, CERTS("root.der", "revoked-ca.der", "revoked-twin.der", "crl-root.der"));
	certs_verify(&c, "revoked-ca-ek.der", NO_CERTS, &e);
	assert_int_equal(ekcert_judge(&e, UINT32_MAX), EKCERT_ISSUER_REVOKED);
	certs_close(&c);
}

static void
i4_an_old_list_still_revokes_and_its_age_is_a_fact(void **state)
{
	struct certs c;
	struct ekcert e;

	(void)state;
	refused_among(CERTS("crl-stale.der"), "ek-revoked.der", EKCERT_REVOKED);
	certs_open(&c, CERTS("root.der", "ca.der", "crl-stale.der"));
	certs_verify(&c, "ek.der", NO_CERTS, &e);
	assert_int_equal(e.facts, EKCERT_FACT_CRL_STALE);
	certs_close(&c);
}

static void
i4_an_old_list_does_not_hide_a_new_one(void **state)
{
	(void)state;
	refused_among(CERTS("crl-empty.der", "crl.der"), "ek-revoked.der", EKCERT_REVOKED);
}

static void
i4_a_list_that_cannot_be_used_is_not_taken_for_an_empty_one(void **state)
{
	(void)state;
	refused_among(CERTS("crl-bad.der"), "ek.der", EKCERT_CRL_UNUSABLE);
	refused_among(CERTS("crl-delta.der"), "ek.der", EKCERT_CRL_UNUSABLE);
	refused_among(CERTS("crl-indirect.der"), "ek.der", EKCERT_CRL_UNUSABLE);
}

static void
i4_a_list_of_a_namesake_revokes_nothing(void **state)
{
	(void)state;
	refused_among(CERTS("crl-fake.der"), "ek-revoked.der", EKCERT_CHAIN_OK);
}

/* ---- I4: every single change of a valid certificate ---- */

static void
not_trusted(struct span mutant, const char *what, void *arg)
{
	(void)arg;
	if (certs_judge_bytes(&shop, mutant) == EKCERT_CHAIN_OK)
		fail_msg("trusted: %s", what);
}

static void
no_mutant_is_trusted(const char *name)
{
	struct span s = certs_file(name);

	assert_int_equal(certs_judge_bytes(&shop, s), EKCERT_CHAIN_OK);
	unit_mutate(s, 0, not_trusted, NULL);
	unit_free(s);
}

static void
i4_no_bit_of_an_ecdsa_signed_certificate_can_be_changed(void **state)
{
	(void)state;
	no_mutant_is_trusted("ek.der");
}

static void
i4_no_bit_of_an_rsa_signed_certificate_can_be_changed(void **state)
{
	(void)state;
	no_mutant_is_trusted("ek-by-rsa.der");
}

static void
i4_no_bit_of_a_pss_signed_certificate_can_be_changed(void **state)
{
	(void)state;
	no_mutant_is_trusted("ek-by-rsa-pss.der");
}

static void
i4_no_bit_of_a_laxly_encoded_certificate_can_be_changed(void **state)
{
	(void)state;
	no_mutant_is_trusted("ek-lax.der");
}

/* ---- I9 ---- */

static void
i9_a_virtual_tpm_is_told_from_hardware(void **state)
{
	static const char *const names[] = {"ek-swtpm.der", "ek-vmware.der", "ek-hyperv.der",
					    "ek-google.der"};
	struct ekcert e;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		certs_verify(&shop, names[i], NO_CERTS, &e);
		assert_true(e.facts & EKCERT_FACT_VIRTUAL);
	}
	certs_verify(&shop, "ek.der", NO_CERTS, &e);
	assert_false(e.facts & EKCERT_FACT_VIRTUAL);
}

static void
i9_the_name_of_an_issuer_gives_a_virtual_tpm_away(void **state)
{
	struct tpmattr chip = {.manufacturer = "id:49465800", .vendor_id = 0x49465800,
			       .model = "SLB 9670", .version = "id:0755"};

	(void)state;
	assert_true(tpmattr_is_virtual(&chip, "CN=swtpm-localca"));
	assert_true(tpmattr_is_virtual(&chip, "CN=Global Virtual TPM CA - 03"));
	assert_false(tpmattr_is_virtual(&chip, "CN=Infineon OPTIGA(TM) RSA Manufacturing CA 035"));
}

/* ---- I13 ---- */

#define L2_ATTRIBUTES 0x000300B2

/* The P-256 default template (L-2) with the key of a certificate. */
static void
l2_public(const struct key *k, uint32_t attributes, uint8_t *buf, struct tpm_public *ret)
{
	static const uint8_t policy[32] = {
		0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC,
		0x8D, 0x46, 0xA5, 0xD7, 0x24, 0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52,
		0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};
	struct writer w;

	wr_init(&w, buf, 256);
	wr_be16(&w, TPM_ALG_ECC);
	wr_be16(&w, ALG_SHA256);
	wr_be32(&w, attributes);
	wr_be16_bytes(&w, SPAN(policy, sizeof policy));
	wr_be16(&w, TPM_ALG_AES);
	wr_be16(&w, 128);
	wr_be16(&w, TPM_ALG_CFB);
	wr_be16(&w, TPM_ALG_NULL);
	wr_be16(&w, CURVE_P256);
	wr_be16(&w, TPM_ALG_NULL);
	wr_be16_bytes(&w, SPAN(k->x, k->xy_len));
	wr_be16_bytes(&w, SPAN(k->y, k->xy_len));
	assert_int_equal(tpmt_public_parse(wr_span(&w), ret), ASSAY_OK);
}

static void
i13_the_public_area_must_hold_the_key_of_the_certificate(void **state)
{
	struct ekcert e, other;
	struct tpm_public ek;
	uint8_t buf[256];

	(void)state;
	certs_verify(&shop, "ek.der", NO_CERTS, &e);
	l2_public(&e.key, L2_ATTRIBUTES, buf, &ek);
	assert_int_equal(ekcert_bind(&e, &ek), EKCERT_CHAIN_OK);
	certs_verify(&shop, "ek-p384.der", NO_CERTS, &other);
	assert_int_equal(ekcert_bind(&other, &ek), EKCERT_KEY_MISMATCH);
	certs_verify(&shop, "ek-rsa.der", NO_CERTS, &other);
	assert_int_equal(ekcert_bind(&other, &ek), EKCERT_KEY_MISMATCH);
	memset(&other, 0, sizeof other);
	assert_int_equal(ekcert_bind(&other, &ek), EKCERT_KEY_MISMATCH);
}

static void
i13_a_public_area_that_is_no_tcg_template_is_refused(void **state)
{
	struct ekcert e;
	struct tpm_public ek;
	uint8_t buf[256];

	(void)state;
	certs_verify(&shop, "ek.der", NO_CERTS, &e);
	for (unsigned bit = 0; bit < 32; bit++) {
		l2_public(&e.key, L2_ATTRIBUTES ^ 1u << bit, buf, &ek);
		assert_int_equal(ekcert_bind(&e, &ek), EKCERT_NOT_A_TEMPLATE);
	}
}

static void
i13_known_weak_and_invalid_keys_are_refused(void **state)
{
	(void)state;
	refused("ek-roca.der", EKCERT_WEAK_KEY);
	refused("ek-rsa-1024.der", EKCERT_WEAK_KEY);
	refused("ek-rsa-8192.der", EKCERT_KEY_TOO_LARGE);
	refused("ek-p192.der", EKCERT_KEY_UNSUPPORTED);
	refused("ek-off-curve.der", EKCERT_KEY_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i4_a_chain_of_somebody_elses_ca_is_refused),
		cmocka_unit_test(
			i4_a_forged_signature_under_the_true_issuers_name_and_key_id_is_refused),
		cmocka_unit_test(i4_a_root_that_the_device_sent_is_trusted_for_nothing),
		cmocka_unit_test(i4_a_self_signed_certificate_is_refused_even_among_the_roots),
		cmocka_unit_test(i4_cas_that_vouch_for_each_other_are_refused),
		cmocka_unit_test(i4_intermediates_of_the_device_cannot_exhaust_the_verifier),
		cmocka_unit_test(i4_an_issuer_that_is_no_ca_by_basic_constraints_is_refused),
		cmocka_unit_test(i4_an_endorsement_key_does_not_issue_certificates),
		cmocka_unit_test(i4_an_issuer_without_key_cert_sign_is_refused),
		cmocka_unit_test(i4_a_ca_for_attestation_keys_does_not_vouch_for_endorsement_keys),
		cmocka_unit_test(
			i4_an_issuer_with_unknown_critical_extensions_is_refused),
		cmocka_unit_test(i4_a_path_longer_than_an_issuer_permits_is_refused),
		cmocka_unit_test(i4_an_issuer_with_a_weak_or_too_large_key_is_refused),
		cmocka_unit_test(i4_an_expired_or_future_certificate_is_refused),
		cmocka_unit_test(i4_an_issuer_out_of_its_time_is_refused_unless_allowed),
		cmocka_unit_test(i4_what_an_expired_issuer_issued_is_refused_by_every_policy),
		cmocka_unit_test(i4_a_certificate_for_another_purpose_is_refused),
		cmocka_unit_test(i4_a_ca_certificate_is_no_endorsement_certificate),
		cmocka_unit_test(
			i4_a_certificate_without_manufacturer_model_and_version_is_refused),
		cmocka_unit_test(i4_an_unknown_critical_extension_is_refused),
		cmocka_unit_test(i4_two_readings_of_one_certificate_are_refused),
		cmocka_unit_test(i4_a_revoked_certificate_is_refused),
		cmocka_unit_test(i4_a_certificate_of_a_revoked_issuer_is_refused),
		cmocka_unit_test(
			i4_an_older_certificate_of_the_same_key_does_not_save_a_revoked_issuer),
		cmocka_unit_test(i4_an_old_list_still_revokes_and_its_age_is_a_fact),
		cmocka_unit_test(i4_an_old_list_does_not_hide_a_new_one),
		cmocka_unit_test(i4_a_list_that_cannot_be_used_is_not_taken_for_an_empty_one),
		cmocka_unit_test(i4_a_list_of_a_namesake_revokes_nothing),
		cmocka_unit_test(i4_no_bit_of_an_ecdsa_signed_certificate_can_be_changed),
		cmocka_unit_test(i4_no_bit_of_an_rsa_signed_certificate_can_be_changed),
		cmocka_unit_test(i4_no_bit_of_a_pss_signed_certificate_can_be_changed),
		cmocka_unit_test(i4_no_bit_of_a_laxly_encoded_certificate_can_be_changed),
		cmocka_unit_test(i9_a_virtual_tpm_is_told_from_hardware),
		cmocka_unit_test(i9_the_name_of_an_issuer_gives_a_virtual_tpm_away),
		cmocka_unit_test(i13_the_public_area_must_hold_the_key_of_the_certificate),
		cmocka_unit_test(i13_a_public_area_that_is_no_tcg_template_is_refused),
		cmocka_unit_test(i13_known_weak_and_invalid_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, open_shop, close_shop);
}
