/* test_enrol_key.c: enrolment of devices without TPM: what is proved, by what the tier
 * follows, and what is refused. */
#include "tests/support/dicemade.h"
#include "tests/support/unit.h"

#include "evidence/hex.h"
#include "verifier/appraise/appraise.h"
#include "verifier/compiler/roots_compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1790000000

static struct dicemade d;
static struct softkey ca;
static struct enrol_input in;
static struct enrol_verdict v;
static struct msg_enrol_key msg;
static uint8_t frame[MSG_ENROL_MAX], proof[MSG_PROOF_MAX], channel[32];
static uint8_t root_der[DICEMADE_CERT_MAX], cert_der[DICEMADE_CERT_MAX];
static size_t root_len;
static struct roots_image image;
static struct arena scratch;
static struct softkey *signer;
static uint8_t kind;

static struct dicemade_spec
certificate(struct softkey *issuer, const char *issuer_name, const struct softkey *subject,
	    const char *name)
{
	return (struct dicemade_spec){.issuer = issuer,
				      .subject = subject,
				      .issuer_name = issuer_name,
				      .subject_name = name,
				      .pathlen = -1,
				      .mode = -1,
				      .flags = -1,
				      .svn = -1};
}

/* A folder with the CA's own certificate, as an operator fills it. */
static void
make_roots(void)
{
	struct dicemade_spec s = certificate(&ca, "ca", &ca, "ca");
	char dir[] = "/tmp/roots.XXXXXX", path[64];
	struct roots_source src = {.dir = dir};
	FILE *f;

	s.ca = true;
	s.key_usage = X509_KU_CERT_SIGN;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/ca.der", dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	root_len = dicemade_cert(&s, root_der);
	assert_true(fwrite(root_der, root_len, 1, f) == 1);
	fclose(f);
	assert_int_equal(roots_compile(&src, &image), ASSAY_OK);
	assert_int_equal(image.roots, 1);
	unlink(path);
	rmdir(dir);
}

static int
make(void **state)
{
	(void)state;
	softkey_init(&ca, SOFTKEY_P256);
	make_roots();
	dicemade_init(&d, SOFTKEY_ED25519, 2, true);
	memset(&in, 0, sizeof in);
	memset(&msg, 0, sizeof msg);
	memset(in.nonce, 0x4E, sizeof in.nonce);
	memset(channel, 0xC4, sizeof channel);
	in.now = NOW;
	in.channel = SPAN(channel, sizeof channel);
	msg.key_public = softkey_spki(&d.root);
	signer = &d.root;
	kind = BINDING_KEY_ENROL;
	arena_init(&scratch, malloc(APPRAISE_ARENA), APPRAISE_ARENA);
	return scratch.p ? 0 : -1;
}

static int
drop(void **state)
{
	(void)state;
	free(scratch.p);
	roots_image_free(&image);
	dicemade_free(&d);
	softkey_free(&ca);
	return 0;
}

static void
as_dice(void)
{
	struct dicemade_spec s = certificate(&ca, "ca", &d.root, "uds");

	s.ca = true;
	s.key_usage = X509_KU_CERT_SIGN;
	msg.ncertificates = 1;
	msg.certificates[0] = SPAN(cert_der, dicemade_cert(&s, cert_der));
	msg.nlayers = (uint8_t)d.ncerts;
	memcpy(msg.layers, d.certs, sizeof msg.layers);
	signer = dicemade_signer(&d);
	in.dice_roots = SPAN(image.bytes, image.len);
}

static void
with_certificate(const struct dicemade_spec *s)
{
	msg.ncertificates = 1;
	msg.certificates[0] = SPAN(cert_der, dicemade_cert(s, cert_der));
	in.token_roots = SPAN(image.bytes, image.len);
}

static void
as_token(void)
{
	struct dicemade_spec s = certificate(&ca, "ca", &d.root, "controller-7");

	s.key_usage = X509_KU_DIGITAL_SIGNATURE;
	with_certificate(&s);
}

static void
prove(void)
{
	static struct msg_proof m;
	uint8_t digest[32], bound[BINDING_SIZE], sig[512];
	struct binding b = {.kind = kind,
			    .key_name = SPAN(signer->name.b, signer->name.len),
			    .nonce = SPAN(in.nonce, sizeof in.nonce),
			    .channel = in.channel};
	size_t n;

	assert_int_equal(envelope_encode_enrol_key(&msg, frame, sizeof frame, &n), ASSAY_OK);
	in.frame = SPAN(frame, n);
	b.claims = in.frame;
	assert_int_equal(digest_sha256(in.frame, digest), ASSAY_OK);
	assert_int_equal(binding_compute(&b, bound), ASSAY_OK);
	memset(&m, 0, sizeof m);
	m.claims_digest = SPAN(digest, 32);
	m.key_signature = SPAN(sig, softkey_sign(signer, SPAN(bound, sizeof bound), sig));
	assert_int_equal(envelope_encode_proof(&m, proof, sizeof proof, &n), ASSAY_OK);
	in.proof = SPAN(proof, n);
}

static const struct enrol_verdict *
enrol(void)
{
	prove();
	appraise_enrolment(&in, &scratch, &v);
	return &v;
}

static void
assert_refused(enum finding_code code)
{
	(void)enrol();
	if (v.status != ENROL_REFUSED || v.finding.code != code)
		fail_msg("status %d, %s: %s", (int)v.status,
			 finding_word((enum finding_code)v.finding.code), v.finding.seen);
	assert_int_equal(v.tier, TIER_NONE);
}

static void
a_software_key_enrols_under_the_name_of_its_key(void **state)
{
	char id[DEVICE_ID_HEX + 1];

	(void)state;
	assert_int_equal(enrol()->status, ENROL_PROVABLE);
	assert_int_equal(v.tier, TIER_SOFTWARE);
	assert_memory_equal(v.ek_name.b, d.root.name.b, d.root.name.len);
	assert_memory_equal(v.ak_name.b, d.root.name.b, d.root.name.len);
	assert_int_equal(hex_encode(SPAN(d.root.name.b + 2, 16), id, sizeof id), ASSAY_OK);
	assert_string_equal(v.device_id, id);
	assert_int_equal(v.blob_len, 0);
}

static void
a_key_that_a_registered_ca_certifies_is_a_token(void **state)
{
	(void)state;
	as_token();
	assert_int_equal(enrol()->status, ENROL_PROVABLE);
	assert_int_equal(v.tier, TIER_TOKEN);
	assert_true(v.ek.trusted);
}

static void
a_dice_chain_enrols_as_its_root(void **state)
{
	(void)state;
	as_dice();
	assert_int_equal(enrol()->status, ENROL_PROVABLE);
	assert_int_equal(v.tier, TIER_DICE);
	assert_true(v.ek.trusted);
	assert_memory_equal(v.ek_name.b, d.root.name.b, d.root.name.len);
}

static void
a_uds_certificate_may_be_registered_itself(void **state)
{
	(void)state;
	as_dice();
	/* the CA is the device here: its own certificate is what was registered */
	softkey_free(&d.root);
	d.root = ca;
	ca.wolf = NULL;
	dicemade_update(&d, 0, 0x10);
	memcpy(msg.layers, d.certs, sizeof msg.layers);
	signer = dicemade_signer(&d);
	msg.key_public = softkey_spki(&d.root);
	msg.certificates[0] = SPAN(root_der, root_len);
	assert_int_equal(enrol()->tier, TIER_DICE);
	assert_true(v.ek.trusted);
	in.dice_roots = SPAN(NULL, 0);
	assert_false(enrol()->ek.trusted);
}

static void
i9_a_certificate_that_no_registered_ca_gave_makes_no_token(void **state)
{
	struct softkey other;
	struct dicemade_spec s;

	(void)state;
	softkey_init(&other, SOFTKEY_P256);
	s = certificate(&other, "ca", &d.root, "controller-7"); /* of the same name */
	with_certificate(&s);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
	assert_false(v.ek.trusted);
	softkey_free(&other);
	s = certificate(&d.root, "me", &d.root, "me");
	with_certificate(&s);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
}

static void
i9_a_token_certificate_that_does_not_hold_makes_no_token(void **state)
{
	struct dicemade_spec s = certificate(&ca, "ca", &d.root, "x"), bad;

	(void)state;
	bad = s;
	bad.not_after = "200101000000Z";
	with_certificate(&bad);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
	assert_string_equal(v.ek.reason, "expired");
	bad = s;
	bad.unknown_critical = true;
	with_certificate(&bad);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
	bad = s;
	bad.key_usage = X509_KU_KEY_AGREEMENT;
	with_certificate(&bad);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
	bad = s;
	bad.ca = true;
	bad.key_usage = X509_KU_CERT_SIGN | X509_KU_DIGITAL_SIGNATURE;
	with_certificate(&bad);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
	/* and the roots of DICE devices vouch for no token */
	as_token();
	in.dice_roots = in.token_roots;
	in.token_roots = SPAN(NULL, 0);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
}

static void
i9_a_dice_chain_of_an_unregistered_root_is_not_trusted(void **state)
{
	(void)state;
	as_dice();
	in.dice_roots = SPAN(NULL, 0);
	assert_int_equal(enrol()->status, ENROL_PROVABLE);
	assert_int_equal(v.tier, TIER_DICE); /* keeper refuses it, unless it is listed */
	assert_false(v.ek.trusted);
	in.token_roots = SPAN(image.bytes, image.len);
	assert_false(enrol()->ek.trusted);
}

static void
a_certificate_of_another_key_is_refused(void **state)
{
	struct dicemade_spec s = certificate(&ca, "ca", &d.alias, "x");

	(void)state;
	with_certificate(&s);
	assert_refused(FIND_KEY_CERTIFICATE);
	msg.certificates[0].n--;
	assert_refused(FIND_MALFORMED);
}

static void
dice_in_another_mode_or_with_a_broken_chain_is_refused(void **state)
{
	struct dicemade_spec s = dicemade_spec_of(&d, 1);

	(void)state;
	s.mode = 2;
	dicemade_again(&d, 1, &s);
	as_dice();
	assert_refused(FIND_DICE_MODE);
	msg.layers[0] = msg.layers[1];
	assert_refused(FIND_DICE_CHAIN);
	msg.nlayers = 1;
	assert_refused(FIND_DICE_CHAIN);
}

static void
i2_a_key_that_does_not_sign_is_refused(void **state)
{
	struct softkey other;

	(void)state;
	softkey_init(&other, SOFTKEY_ED25519);
	signer = &other;
	assert_refused(FIND_POSSESSION);
	signer = &d.alias; /* a key of the device, but not the one */
	assert_refused(FIND_POSSESSION);
	softkey_free(&other);
	as_dice();
	signer = &d.root; /* it is the alias that must sign */
	assert_refused(FIND_POSSESSION);
}

static void
i2_possession_is_for_this_nonce_channel_request_and_use(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 6; k++) {
		kind = (uint8_t)k;
		if (k != 0 && k != BINDING_KEY_ENROL)
			assert_refused(FIND_POSSESSION);
	}
	kind = BINDING_KEY_ENROL;
	prove();
	in.nonce[3] ^= 1;
	appraise_enrolment(&in, &scratch, &v);
	assert_int_equal(v.finding.code, FIND_POSSESSION);
	in.nonce[3] ^= 1;
	channel[9] ^= 1;
	appraise_enrolment(&in, &scratch, &v);
	assert_int_equal(v.finding.code, FIND_POSSESSION);
	channel[9] ^= 1;
	appraise_enrolment(&in, &scratch, &v);
	assert_int_equal(v.status, ENROL_PROVABLE);
	/* another token under the same signature */
	msg.token_id = SPAN("t1", 2);
	msg.token_secret = SPAN("s", 1);
	{
		size_t n;

		assert_int_equal(envelope_encode_enrol_key(&msg, frame, sizeof frame, &n),
				 ASSAY_OK);
		in.frame = SPAN(frame, n);
	}
	appraise_enrolment(&in, &scratch, &v);
	assert_int_equal(v.finding.code, FIND_POSSESSION);
}

static void
not_provable(struct span mutant, const char *what, void *arg)
{
	struct span *which = arg;

	*which = mutant;
	appraise_enrolment(&in, &scratch, &v);
	if (v.status == ENROL_PROVABLE)
		fail_msg("provable: %s", what);
}

static void
no_mutant_of_a_request_or_its_proof_enrols(void **state)
{
	struct span f, p;

	(void)state;
	as_dice();
	assert_int_equal(enrol()->status, ENROL_PROVABLE);
	f = in.frame;
	p = in.proof;
	unit_mutate(p, 300, not_provable, &in.proof);
	in.proof = p;
	unit_mutate(f, 600, not_provable, &in.frame);
	in.frame = f;
	appraise_enrolment(&in, &scratch, &v);
	assert_int_equal(v.status, ENROL_PROVABLE);
}

static void
m8_what_a_certificate_calls_itself_is_shown_escaped(void **state)
{
	struct dicemade_spec s = certificate(&ca, "\x1b[2J\x07\nca", &d.root, "\x1b]0;x\x07");

	(void)state;
	with_certificate(&s);
	assert_int_equal(enrol()->tier, TIER_SOFTWARE);
	assert_true(v.ek.issuer[0] != '\0');
	for (const char *p = v.ek.issuer; *p; p++)
		assert_true(*p >= 0x20 && *p <= 0x7E);
}

static void
weak_keys_and_frames_of_no_form_are_refused(void **state)
{
	struct span weak = unit_data("key/rsa1024.spki.der");

	(void)state;
	msg.key_public = weak;
	assert_refused(FIND_MALFORMED);
	unit_free(weak);
	in.frame = SPAN("\x06", 1);
	appraise_enrolment(&in, &scratch, &v);
	assert_int_equal(v.status, ENROL_REFUSED);
	assert_int_equal(v.finding.code, FIND_MALFORMED);
}

static void
verdicts_travel_and_a_key_has_no_credential(void **state)
{
	static uint8_t bytes[ENROL_VERDICT_MAX];
	static struct enrol_verdict back;
	size_t n;

	(void)state;
	(void)enrol();
	assert_int_equal(enrol_verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(enrol_verdict_decode(SPAN(bytes, n), &back), ASSAY_OK);
	assert_int_equal(back.tier, TIER_SOFTWARE);
	v.blob_len = 1;
	assert_int_equal(enrol_verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
	v.blob_len = 0;
	v.tier = TIER_TPM;
	assert_int_equal(enrol_verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		CASE(a_software_key_enrols_under_the_name_of_its_key),
		CASE(a_key_that_a_registered_ca_certifies_is_a_token),
		CASE(a_dice_chain_enrols_as_its_root),
		CASE(a_uds_certificate_may_be_registered_itself),
		CASE(i9_a_certificate_that_no_registered_ca_gave_makes_no_token),
		CASE(i9_a_token_certificate_that_does_not_hold_makes_no_token),
		CASE(i9_a_dice_chain_of_an_unregistered_root_is_not_trusted),
		CASE(a_certificate_of_another_key_is_refused),
		CASE(dice_in_another_mode_or_with_a_broken_chain_is_refused),
		CASE(i2_a_key_that_does_not_sign_is_refused),
		CASE(i2_possession_is_for_this_nonce_channel_request_and_use),
		CASE(no_mutant_of_a_request_or_its_proof_enrols),
		CASE(m8_what_a_certificate_calls_itself_is_shown_escaped),
		CASE(weak_keys_and_frames_of_no_form_are_refused),
		CASE(verdicts_travel_and_a_key_has_no_credential),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
