/* test_enrol.c: enrolment requests to verdicts: keys, names, certificate, credential. */
#include "tests/support/certs.h"
#include "tests/support/softtpm.h"
#include "tests/support/unit.h"
#include "verifier/appraise/appraise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct softtpm tpm;
static struct enrol_input in;
static struct enrol_verdict v;
static struct arena scratch;
static uint8_t frame[MSG_ENROL_MAX + 1];
static struct msg_enrol msg;

static int
start(void **state)
{
	static uint8_t memory[MSG_ARENA_MAX];

	(void)state;
	arena_init(&scratch, memory, sizeof memory);
	softtpm_init(&tpm, 7);
	memset(&in, 0, sizeof in);
	in.now = CERTS_NOW;
	memset(in.secret, 0x5E, sizeof in.secret);
	memset(in.entropy, 0xE7, sizeof in.entropy);
	memset(&msg, 0, sizeof msg);
	msg.ek_public = SPAN(tpm.ek.public_area, tpm.ek.public_len);
	msg.ak_public = SPAN(tpm.ak.public_area, tpm.ak.public_len);
	msg.token_id = SPAN("7f3a", 4);
	msg.token_secret = SPAN("secret", 6);
	msg.nbanks = 1;
	msg.banks[0] = ALG_SHA256;
	msg.agent = SPAN("assay-attester 0.1.0", 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	softtpm_free(&tpm);
	return 0;
}

static void
enrol(void)
{
	static uint8_t wire[ENROL_VERDICT_MAX];
	static struct enrol_verdict again;
	size_t n;

	assert_int_equal(envelope_encode_enrol(&msg, frame, sizeof frame, &n), ASSAY_OK);
	in.frame = SPAN(frame, n);
	appraise_enrolment(&in, &scratch, &v);
	/* whatever comes out can travel */
	assert_int_equal(enrol_verdict_encode(&v, wire, sizeof wire, &n), ASSAY_OK);
	assert_int_equal(enrol_verdict_decode(SPAN(wire, n), &again), ASSAY_OK);
	assert_memory_equal(&v.blob, &again.blob, sizeof v.blob);
}

static void
assert_refused(enum finding_code code)
{
	enrol();
	if (v.status != ENROL_REFUSED || v.finding.code != code)
		fail_msg("expected %s, status %d, finding %s", finding_word(code), (int)v.status,
			 finding_word((enum finding_code)v.finding.code));
	assert_int_equal(v.blob_len, 0);
	assert_string_equal(v.device_id, "");
}

/* ---- what must be refused ---- */

static void
i3_an_ak_that_lacks_an_attribute_is_refused(void **state)
{
	static const uint32_t needed[] = {TPMA_FIXEDTPM, TPMA_FIXEDPARENT, TPMA_SENSITIVEDATAORIGIN,
					  TPMA_RESTRICTED, TPMA_SIGN};

	(void)state;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		softtpm_new_ak(&tpm, 8, SOFTTPM_AK_ATTRIBUTES & ~needed[i]);
		msg.ak_public = SPAN(tpm.ak.public_area, tpm.ak.public_len);
		assert_refused(FIND_AK_ATTRIBUTES);
	}
}

static void
i3_an_ak_that_decrypts_is_refused(void **state)
{
	(void)state;
	/* a storage key: restricted and decrypt, as the EK itself is */
	msg.ak_public = msg.ek_public;
	assert_refused(FIND_AK_ATTRIBUTES);
}

static void
i13_an_ek_that_is_not_a_tcg_template_is_refused(void **state)
{
	uint8_t ek[SOFTTPM_PUBLIC_MAX];

	(void)state;
	/* attributes, policy, symmetric bits, nameAlg: one bit each */
	static const size_t at[] = {7, 5, 12, 45, 3};

	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
		memcpy(ek, tpm.ek.public_area, tpm.ek.public_len);
		ek[at[i]] ^= 0x40;
		msg.ek_public = SPAN(ek, tpm.ek.public_len);
		enrol();
		assert_int_equal(v.status, ENROL_REFUSED);
		assert_true(v.finding.code == FIND_EK_TEMPLATE || v.finding.code == FIND_MALFORMED);
	}
	msg.ek_public = SPAN(tpm.ak.public_area, tpm.ak.public_len);
	assert_refused(FIND_EK_TEMPLATE);
}

static void
an_ek_that_is_no_point_of_its_curve_is_refused(void **state)
{
	uint8_t ek[SOFTTPM_PUBLIC_MAX];

	(void)state;
	memcpy(ek, tpm.ek.public_area, tpm.ek.public_len);
	ek[tpm.ek.public_len - 1] ^= 1;
	msg.ek_public = SPAN(ek, tpm.ek.public_len);
	assert_refused(FIND_MALFORMED);
}

static void
i4_i13_a_certificate_of_another_key_is_refused(void **state)
{
	struct span cert = certs_file("ek.der");
	struct certs c;

	(void)state;
	certs_open(&c, CERTS("root.der", "ca.der"));
	in.roots = c.roots.image;
	msg.ek_certificate = cert;
	assert_refused(FIND_EK_MISMATCH);
	unit_free(cert);
	certs_close(&c);
}

static void
q13_every_altered_request_is_refused_or_changes_what_it_names(struct span m, const char *what,
							      void *arg)
{
	const struct enrol_verdict *sound = arg;

	in.frame = m;
	appraise_enrolment(&in, &scratch, &v);
	if (v.status != ENROL_PROVABLE)
		return;
	/* then it is another, well-formed request: its credential is for its own keys */
	if (v.ak_name.len == sound->ak_name.len && v.ek_name.len == sound->ek_name.len &&
	    memcmp(v.ak_name.b, sound->ak_name.b, v.ak_name.len) == 0 &&
	    memcmp(v.ek_name.b, sound->ek_name.b, v.ek_name.len) == 0)
		assert_memory_equal(v.blob, sound->blob, sound->blob_len);
	else if (memcmp(v.blob, sound->blob, sound->blob_len) == 0)
		fail_msg("%s: the credential of other keys", what);
}

static void
no_altered_request_gets_the_credential_of_other_keys(void **state)
{
	static struct enrol_verdict sound;
	static uint8_t copy[MSG_ENROL_MAX];
	size_t n;

	(void)state;
	enrol();
	sound = v;
	assert_int_equal(envelope_encode_enrol(&msg, copy, sizeof copy, &n), ASSAY_OK);
	unit_mutate(SPAN(copy, n), 0, q13_every_altered_request_is_refused_or_changes_what_it_names,
		    &sound);
}

/* ---- what may enrol ---- */

static void
i2_the_credential_opens_in_the_tpm_that_holds_both_keys_and_in_no_other(void **state)
{
	struct softtpm other;
	uint8_t secret[32];

	(void)state;
	enrol();
	assert_int_equal(v.status, ENROL_PROVABLE);
	assert_memory_equal(v.ek_name.b, tpm.ek.name.b, tpm.ek.name.len);
	assert_memory_equal(v.ak_name.b, tpm.ak.name.b, tpm.ak.name.len);
	assert_true(softtpm_activate(&tpm, SPAN(v.blob, v.blob_len),
				     SPAN(v.encrypted_secret, v.encrypted_secret_len), secret));
	assert_memory_equal(secret, in.secret, sizeof secret);
	/* another EK */
	softtpm_init(&other, 9);
	assert_false(softtpm_activate(&other, SPAN(v.blob, v.blob_len),
				      SPAN(v.encrypted_secret, v.encrypted_secret_len), secret));
	softtpm_free(&other);
	/* the same EK, another AK */
	softtpm_new_ak(&tpm, 10, SOFTTPM_AK_ATTRIBUTES);
	assert_false(softtpm_activate(&tpm, SPAN(v.blob, v.blob_len),
				      SPAN(v.encrypted_secret, v.encrypted_secret_len), secret));
}

static void
the_device_is_named_by_its_ek_and_nothing_else(void **state)
{
	char id[DEVICE_ID_HEX + 1];

	(void)state;
	enrol();
	memcpy(id, v.device_id, sizeof id);
	assert_int_equal(strlen(id), DEVICE_ID_HEX);
	softtpm_new_ak(&tpm, 11, SOFTTPM_AK_ATTRIBUTES);
	msg.ak_public = SPAN(tpm.ak.public_area, tpm.ak.public_len);
	msg.token_id = msg.token_secret = SPAN(NULL, 0);
	enrol();
	assert_string_equal(v.device_id, id);
	assert_string_equal(v.token_id, "");
}

static void
an_ek_without_certificate_is_untrusted_and_no_hardware(void **state)
{
	uint8_t h[32];

	(void)state;
	enrol();
	assert_int_equal(v.status, ENROL_PROVABLE);
	assert_false(v.ek.trusted);
	assert_false(v.ek.certificate);
	assert_string_equal(v.ek.reason, "no-certificate");
	assert_int_equal(v.tier, TIER_VTPM);
	assert_string_equal(v.token_id, "7f3a");
	assert_int_equal(digest_sha256(SPAN("secret", 6), h), ASSAY_OK);
	assert_memory_equal(v.token_hash, h, sizeof h);
}

static void
the_same_request_gives_the_same_bytes(void **state)
{
	static struct enrol_verdict a;

	(void)state;
	enrol();
	a = v;
	memset(&v, 0xA5, sizeof v);
	enrol();
	assert_memory_equal(a.blob, v.blob, sizeof a.blob);
	assert_memory_equal(a.encrypted_secret, v.encrypted_secret, sizeof a.encrypted_secret);
}

/* An EK public area of template L-2 around the key of a certificate. */
static void
use_key_of(const char *cert, uint8_t ek[SOFTTPM_PUBLIC_MAX])
{
	struct certs none;
	struct ekcert e;

	certs_open(&none, NO_CERTS);
	certs_verify(&none, cert, NO_CERTS, &e);
	certs_close(&none);
	assert_int_equal(e.key.curve, CURVE_P256);
	memcpy(ek, tpm.ek.public_area, tpm.ek.public_len);
	memcpy(ek + tpm.ek.public_len - 66, e.key.x, 32);
	memcpy(ek + tpm.ek.public_len - 32, e.key.y, 32);
	msg.ek_public = SPAN(ek, tpm.ek.public_len);
}

static void
with_certificate(const char *name, const char *const *roots)
{
	uint8_t ek[SOFTTPM_PUBLIC_MAX];
	struct span cert = certs_file(name);
	struct certs c;

	certs_open(&c, roots);
	in.roots = c.roots.image;
	use_key_of(name, ek);
	msg.ek_certificate = cert;
	enrol();
	unit_free(cert);
	certs_close(&c);
}

static void
a_trusted_certificate_makes_a_hardware_tpm(void **state)
{
	(void)state;
	with_certificate("ek.der", CERTS("root.der", "ca.der"));
	assert_int_equal(v.status, ENROL_PROVABLE);
	assert_true(v.ek.trusted);
	assert_string_equal(v.ek.reason, "trusted");
	assert_int_equal(v.tier, TIER_TPM);
	assert_true(v.ek.manufacturer[0] != '\0');
	assert_true(v.ek.not_after > CERTS_NOW);
}

static void
i4_a_certificate_without_a_trusted_root_is_told_and_not_trusted(void **state)
{
	(void)state;
	with_certificate("ek.der", CERTS("rsa-root.der"));
	assert_int_equal(v.status, ENROL_PROVABLE);
	assert_false(v.ek.trusted);
	assert_string_equal(v.ek.reason, "issuer-missing");
	assert_int_equal(v.tier, TIER_VTPM);
}

static void
i4_expiry_is_a_named_fact(void **state)
{
	(void)state;
	with_certificate("ek-expired.der", CERTS("root.der", "ca.der"));
	assert_int_equal(v.status, ENROL_PROVABLE);
	assert_true(v.ek.expired);
	assert_true(v.ek.trusted);
	assert_string_equal(v.ek.reason, "expired");
}

static void
i9_a_virtual_tpm_is_a_tier_of_its_own(void **state)
{
	(void)state;
	with_certificate("ek-vmware.der", CERTS("root.der", "ca.der"));
	assert_int_equal(v.status, ENROL_PROVABLE);
	assert_true(v.ek.trusted);
	assert_true(v.ek.virtual_tpm);
	assert_int_equal(v.tier, TIER_VTPM);
}

static void
i4_a_revoked_certificate_is_refused(void **state)
{
	(void)state;
	with_certificate("ek-revoked.der", CERTS("root.der", "ca.der", "crl.der"));
	assert_int_equal(v.status, ENROL_REFUSED);
	assert_int_equal(v.finding.code, FIND_EK_REVOKED);
}

static void
a_roots_image_that_is_none_is_a_fault(void **state)
{
	struct span cert = certs_file("ek.der");

	(void)state;
	in.roots = SPAN("not an image", 12);
	msg.ek_certificate = cert;
	enrol();
	assert_int_equal(v.status, ENROL_FAULT);
	unit_free(cert);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(i3_an_ak_that_lacks_an_attribute_is_refused),
		CASE(i3_an_ak_that_decrypts_is_refused),
		CASE(i13_an_ek_that_is_not_a_tcg_template_is_refused),
		CASE(an_ek_that_is_no_point_of_its_curve_is_refused),
		CASE(i4_i13_a_certificate_of_another_key_is_refused),
		CASE(no_altered_request_gets_the_credential_of_other_keys),
		CASE(i2_the_credential_opens_in_the_tpm_that_holds_both_keys_and_in_no_other),
		CASE(the_device_is_named_by_its_ek_and_nothing_else),
		CASE(an_ek_without_certificate_is_untrusted_and_no_hardware),
		CASE(the_same_request_gives_the_same_bytes),
		CASE(a_trusted_certificate_makes_a_hardware_tpm),
		CASE(i4_a_certificate_without_a_trusted_root_is_told_and_not_trusted),
		CASE(i4_expiry_is_a_named_fact),
		CASE(i9_a_virtual_tpm_is_a_tier_of_its_own),
		CASE(i4_a_revoked_certificate_is_refused),
		CASE(a_roots_image_that_is_none_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
