/* test_ima_signed.c: signatures of files against keyrings. */
#include "tests/support/imasign.h"
#include "tests/support/unit.h"

#include "verifier/appraise/certfile.h"
#include "verifier/appraise/ima_memo.h"

#include <stdio.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>

#define NOW 1790000000

static struct policy_ima policy;
static struct ima_keys keys;
static uint8_t pem[65536];

/* One keyring of the certificates in a file. */
static void
keyring(struct span file)
{
	struct certfile_item item;
	struct certfile f;
	struct ima_keyring *k = &policy.keyring[0];

	memset(&policy, 0, sizeof policy);
	policy.nkeyrings = 1;
	k->name = SPAN("test", 4);
	k->allow_expired = true;
	certfile_open(&f, file, pem, sizeof pem);
	while (certfile_next(&f, &item) == ASSAY_OK) {
		policy.certificate[policy.ncertificates++] = item.der;
		k->ncertificates++;
	}
	assert_int_not_equal(k->ncertificates, 0);
	ima_keys_open(&policy, true, &keys);
}

struct tally {
	unsigned good, bad, none;
};

static struct tally
tally(struct span list, const struct ima_signed_ask *ask)
{
	struct tally t = {0};
	struct imalog_entry e;
	struct imalog l;

	assert_int_equal(imalog_open(list, NULL, 0, &l), ASSAY_OK);
	while (imalog_next(&l, &e)) {
		struct ima_signed s;

		ima_signed(ask, &e, &s);
		t.good += s.answer == IMA_SIGNED_GOOD;
		t.bad += s.answer == IMA_SIGNED_BAD;
		t.none += s.answer == IMA_SIGNED_NOT;
		if (s.answer != IMA_SIGNED_GOOD)
			assert_non_null(s.reason);
	}
	assert_int_equal(imalog_finish(&l), ASSAY_OK);
	return t;
}

static const struct ima_signed_ask any = {&policy, &keys, IMA_KEYRINGS_MAX, NOW, 0};

static void
signatures_of_a_recorded_boot_verify_with_its_key_only(void **state)
{
	struct span list = unit_data("ima/uki-sig.bin"), key = unit_data("ima/uki-sig-signer.crt");
	struct ima_signed_ask ask = any;
	struct tally t, other;

	(void)state;
	keyring(key);
	t = tally(list, &ask);
	assert_true(t.good > 0);
	/* a keyring that is asked for and has not the key */
	ask.keyring = 1;
	other = tally(list, &ask);
	assert_int_equal(other.good, 0);
	assert_int_equal(other.bad, t.good + t.bad);
	/* a key that counts only once its loading was measured */
	ask.keyring = 0;
	policy.keyring[0].runtime = true;
	assert_int_equal(tally(list, &ask).good, 0);
	ask.measured = 1;
	assert_int_equal(tally(list, &ask).good, t.good);
	/* and only while it is valid */
	policy.keyring[0].allow_expired = false;
	ask.now = keys.key[0].not_after + 1;
	assert_int_equal(tally(list, &ask).good, 0);
	ask.now = keys.key[0].not_before - 1;
	assert_int_equal(tally(list, &ask).good, 0);
	ask.now = keys.key[0].not_after;
	assert_int_equal(tally(list, &ask).good, t.good);
	unit_free(list);
	unit_free(key);
}

/* A signed entry, and what is changed in it. */
struct changed {
	struct imalog_entry e;
	const struct ima_signed_ask *ask;
};

static void
mutant_does_not_verify(struct span m, const char *what, void *arg)
{
	struct changed c = *(struct changed *)arg;
	struct ima_signed s;

	c.e.field[IMALOG_SIG] = m;
	ima_signed(c.ask, &c.e, &s);
	if (s.answer == IMA_SIGNED_GOOD)
		fail_msg("%s verifies", what);
}

static void
no_altered_signature_or_digest_verifies(void **state)
{
	struct span list = unit_data("ima/uki-sig.bin"), key = unit_data("ima/uki-sig-signer.crt");
	struct changed c = {.ask = &any};
	struct ima_signed s = {0};
	uint8_t digest[DIGEST_MAX];
	struct imalog l;

	(void)state;
	keyring(key);
	assert_int_equal(imalog_open(list, NULL, 0, &l), ASSAY_OK);
	while (s.answer != IMA_SIGNED_GOOD && imalog_next(&l, &c.e))
		ima_signed(&any, &c.e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_GOOD);
	unit_mutate(c.e.field[IMALOG_SIG], 200, mutant_does_not_verify, &c);
	memcpy(digest, c.e.file.bytes.p, c.e.file.bytes.n);
	c.e.file.bytes.p = digest;
	for (size_t i = 0; i < c.e.file.bytes.n; i++) {
		digest[i] ^= 1;
		ima_signed(&any, &c.e, &s);
		assert_int_equal(s.answer, IMA_SIGNED_BAD);
		digest[i] ^= 1;
	}
	c.e.file.verity = true;
	ima_signed(&any, &c.e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_BAD);
	c.e.file.verity = false;
	c.e.file.name = "sha512";
	ima_signed(&any, &c.e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_BAD);
	unit_free(list);
	unit_free(key);
}

/* An entry of a file with this digest and signature. */
static struct imalog_entry
entry_of(const struct digest *d, bool verity, struct span sig)
{
	struct imalog_entry e = {.has = 1u << IMALOG_SIG};

	e.file = (struct imalog_digest){digest_name(d->alg), d->alg, verity, digest_span(d)};
	e.field[IMALOG_SIG] = sig;
	return e;
}

static void
every_kind_of_key_and_version_verifies_and_no_mutant_does(void **state)
{
	static const struct imasign how[] = {
		{"rsa", 2, false, false},  {"rsa", 2, false, true},  {"rsa", 3, true, false},
		{"p256", 2, false, false}, {"p256", 3, true, false}, {"p384", 2, false, false},
		{"p384", 3, false, false}, {"rsa", 3, false, true},
	};
	static const uint16_t algs[] = {ALG_SHA256, ALG_SHA384, ALG_SHA512};

	(void)state;
	for (unsigned i = 0; i < sizeof how / sizeof how[0]; i++) {
		struct span crt = imasign_certificate(how[i].key);
		uint8_t sig[IMASIGN_MAX];
		struct ima_signed s;
		struct changed c = {.ask = &any};
		struct digest d;

		keyring(crt);
		assert_int_equal(digest_fill(algs[i % 3], (uint8_t)(7 + i), &d), ASSAY_OK);
		c.e = entry_of(&d, how[i].verity, SPAN(sig, imasign(&how[i], &d, sig)));
		ima_signed(&any, &c.e, &s);
		if (s.answer != IMA_SIGNED_GOOD)
			fail_msg("%s version %u pss %d: %s", how[i].key, how[i].version, how[i].pss,
				 s.reason);
		unit_mutate(c.e.field[IMALOG_SIG], 64, mutant_does_not_verify, &c);
		unit_free(crt);
	}
}

/* Made by openssl cms over "hello". */
static void
appended_signatures_verify_and_no_mutant_does(void **state)
{
	static const struct {
		const char *file, *key;
		uint16_t alg;
	} made[] = {{"modsig-noattr", "p256", ALG_SHA256},
		    {"modsig-attr", "rsa", ALG_SHA256},
		    {"modsig-keyid", "p384", ALG_SHA384}};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct span crt = imasign_certificate(made[i].key), p7;
		struct imalog_entry e = {.appended = true,
					 .has = 1u << IMALOG_MODSIG | 1u << IMALOG_D_MODSIG};
		struct ima_signed s;
		struct digest d;
		char path[64];

		snprintf(path, sizeof path, "imakey/%s.p7", made[i].file);
		p7 = unit_data(path);
		keyring(crt);
		assert_int_equal(digest_compute(made[i].alg, SPAN("hello", 5), &d), ASSAY_OK);
		e.modsig_file = (struct imalog_digest){digest_name(d.alg), d.alg, false,
						       digest_span(&d)};
		e.field[IMALOG_MODSIG] = p7;
		ima_signed(&any, &e, &s);
		if (s.answer != IMA_SIGNED_GOOD)
			fail_msg("%s: %s", made[i].file, s.reason);
		d.b[5] ^= 1;
		ima_signed(&any, &e, &s);
		assert_int_equal(s.answer, IMA_SIGNED_BAD);
		d.b[5] ^= 1;
		e.appended = false; /* M3: by a label alone */
		ima_signed(&any, &e, &s);
		assert_int_equal(s.answer, IMA_SIGNED_BAD);
		e.appended = true;
		for (size_t n = 0; n < p7.n; n++) {
			e.field[IMALOG_MODSIG].n = n;
			ima_signed(&any, &e, &s);
			assert_int_not_equal(s.answer, IMA_SIGNED_GOOD);
		}
		unit_free(crt);
		crt = imasign_certificate(made[(i + 1) % 3].key);
		keyring(crt);
		e.field[IMALOG_MODSIG] = p7;
		ima_signed(&any, &e, &s);
		assert_int_equal(s.answer, IMA_SIGNED_BAD);
		unit_free(crt);
		unit_free(p7);
	}
}

/* Where a signer has signed attributes the kernel lists their digest, as the SET that is
 * signed, in place of the file's (pkcs7_get_digest), which one of them names. */
static void
an_appended_signature_with_attributes_verifies_as_the_kernel_lists_it(void **state)
{
	static const uint8_t content_type[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
					       0xF7, 0x0D, 0x01, 0x09, 0x03};
	struct imalog_entry e = {.appended = true,
				 .has = 1u << IMALOG_MODSIG | 1u << IMALOG_D_MODSIG};
	struct span crt = imasign_certificate("rsa"), p7 = unit_data("imakey/modsig-attr.p7");
	uint8_t set[512];
	struct ima_signed s;
	struct digest d;
	size_t at = 0, n;

	(void)state;
	keyring(crt);
	while (memcmp(p7.p + at, content_type, sizeof content_type) != 0)
		at++;
	at -= 5; /* A0 81 length, SEQUENCE */
	assert_int_equal(p7.p[at], 0xA0);
	assert_int_equal(p7.p[at + 1], 0x81);
	n = 3u + p7.p[at + 2];
	memcpy(set, p7.p + at, n);
	set[0] = 0x31;
	assert_int_equal(digest_compute(ALG_SHA256, SPAN(set, n), &d), ASSAY_OK);
	e.modsig_file =
		(struct imalog_digest){digest_name(d.alg), d.alg, false, digest_span(&d)};
	e.field[IMALOG_MODSIG] = p7;
	ima_signed(&any, &e, &s);
	if (s.answer != IMA_SIGNED_GOOD)
		fail_msg("%s", s.reason);
	d.b[5] ^= 1;
	ima_signed(&any, &e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_BAD);
	unit_free(crt);
	unit_free(p7);
}

static void
d6_an_appended_signature_over_sha1_counts_only_where_weak_digests_do(void **state)
{
	struct imalog_entry e = {.appended = true,
				 .has = 1u << IMALOG_MODSIG | 1u << IMALOG_D_MODSIG};
	struct span crt = imasign_certificate("p256"), p7 = unit_data("imakey/modsig-sha1.p7");
	struct ima_signed s;
	struct digest d;

	(void)state;
	keyring(crt);
	assert_int_equal(digest_compute(ALG_SHA1, SPAN("hello", 5), &d), ASSAY_OK);
	e.modsig_file =
		(struct imalog_digest){digest_name(d.alg), d.alg, false, digest_span(&d)};
	e.field[IMALOG_MODSIG] = p7;
	ima_signed(&any, &e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_BAD);
	policy.weak_digests = true;
	ima_signed(&any, &e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_GOOD);
	unit_free(crt);
	unit_free(p7);
}

/* Version 2 does not say which kind of digest it signs: as in the kernel, only version 3
 * may be over fs-verity's. */
static void
a_file_s_signature_does_not_pass_for_one_of_fs_verity(void **state)
{
	const struct imasign how = {"p256", 2, false, false};
	struct span crt = imasign_certificate("p256");
	uint8_t sig[IMASIGN_MAX];
	struct imalog_entry e;
	struct ima_signed s;
	struct digest d;
	size_t n;

	(void)state;
	keyring(crt);
	assert_int_equal(digest_fill(ALG_SHA256, 7, &d), ASSAY_OK);
	n = imasign(&how, &d, sig);
	e = entry_of(&d, false, SPAN(sig, n));
	ima_signed(&any, &e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_GOOD);
	sig[0] = IMALOG_SIGNATURE_VERITY;
	e = entry_of(&d, true, SPAN(sig, n));
	ima_signed(&any, &e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_BAD);
	unit_free(crt);
}

/* Kernels from 5.14 on put security.evm there if security.ima holds no signature. */
static void
a_signature_of_evm_is_none_of_the_file(void **state)
{
	const struct imasign how = {"p256", 2, false, false};
	struct span crt = imasign_certificate("p256");
	uint8_t sig[IMASIGN_MAX];
	struct imalog_entry e;
	struct ima_signed s;
	struct digest d;
	size_t n;

	(void)state;
	keyring(crt);
	assert_int_equal(digest_fill(ALG_SHA256, 7, &d), ASSAY_OK);
	n = imasign(&how, &d, sig);
	sig[0] = IMALOG_SIGNATURE_EVM;
	e = entry_of(&d, false, SPAN(sig, n));
	ima_signed(&any, &e, &s);
	assert_int_equal(s.answer, IMA_SIGNED_NOT);
	assert_non_null(strstr(s.reason, "EVM"));
	unit_free(crt);
}

static void
others_signatures_are_as_their_index_says(void **state)
{
	const char *path = unit_shared("ima/acs-imakey.der");
	struct span key, list;
	struct tally t;

	(void)state;
	if (!path)
		skip();
	key = unit_file(path);
	list = unit_file(unit_shared("ima/acs-imasig.bin"));
	keyring(key);
	t = tally(list, &any);
	assert_int_equal(t.good, 896);
	assert_int_equal(t.bad, 3);
	assert_int_equal(t.none, 184);
	unit_free(key);
	unit_free(list);
}

/* A public key alone, under the identifier that the signature names. */
static void
lone_key(struct span pem_file, uint32_t id)
{
	int n = wc_PubKeyPemToDer(pem_file.p, (int)pem_file.n, pem, sizeof pem);

	assert_true(n > 0);
	memset(&policy, 0, sizeof policy);
	policy.nkeyrings = 1;
	policy.keyring[0].allow_expired = true;
	memset(&keys, 0, sizeof keys);
	assert_int_equal(key_from_spki(SPAN(pem, (size_t)n), &keys.key[0].key), ASSAY_OK);
	keys.key[0].id = id;
	keys.count = 1;
}

/* The first signature of this ascii list is RSA, the second over a curve that nobody here
 * verifies: it is bad, and never passed over. */
static void
others_ascii_signatures_verify_with_their_key(void **state)
{
	static uint8_t scratch[IMALOG_SCRATCH];
	const char *path = unit_shared("ima/keylime-signatures.txt");
	struct span list, key;
	unsigned good = 0, n = 0;
	struct imalog_entry e;
	struct imalog l;

	(void)state;
	if (!path)
		skip();
	list = unit_file(path);
	key = unit_file(unit_shared("ima/keylime-rsa2048pub.pem"));
	assert_int_equal(imalog_open(list, scratch, sizeof scratch, &l), ASSAY_OK);
	while (imalog_next(&l, &e)) {
		struct imalog_signature header;
		struct ima_signed s;

		assert_int_equal(imalog_signature(e.field[IMALOG_SIG], &header), ASSAY_OK);
		lone_key(key, header.key_id);
		ima_signed(&any, &e, &s);
		good += s.answer == IMA_SIGNED_GOOD;
		n++;
		assert_int_equal(s.answer, n == 1 ? IMA_SIGNED_GOOD : IMA_SIGNED_BAD);
	}
	assert_int_equal(good, 1);
	unit_free(list);
	unit_free(key);
}

/* Every answer of the memo is that of ima_signed(), and costs nothing the second time. */
static void
a_known_answer_is_given_only_to_the_same_question(void **state)
{
	static struct ima_memo memo;
	struct span list = unit_data("ima/uki-sig.bin"), key = unit_data("ima/uki-sig-signer.crt");
	struct ima_signed_ask asks[] = {any, any, any, any};
	unsigned known = 0, all = 0;

	(void)state;
	keyring(key);
	memset(&memo, 0, sizeof memo);
	policy.keyring[0].runtime = true;
	asks[0].measured = 1;
	asks[1].measured = 0; /* the key's loading was not measured */
	asks[2].keyring = 1;  /* nor is it in this one */
	asks[3].measured = 1;
	for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
		struct imalog_entry e;
		struct imalog l;

		assert_int_equal(imalog_open(list, NULL, 0, &l), ASSAY_OK);
		while (imalog_next(&l, &e)) {
			struct ima_signed want, got;
			uint8_t other[64];
			struct imalog_entry changed = e;

			ima_signed(&asks[i], &e, &want);
			for (unsigned k = 0; k < 2; k++) {
				ima_memo_signed(&memo, &asks[i], &e, &got);
				assert_int_equal(got.answer, want.answer);
				assert_int_equal(got.key, want.key);
				assert_int_equal(got.key_id, want.key_id);
				assert_ptr_equal(got.reason, want.reason);
			}
			known += want.tries != 0 && got.tries == 0;
			all += want.tries != 0;
			/* one bit of the digest, the same signature */
			assert_in_range(e.file.bytes.n, 1, sizeof other);
			memcpy(other, e.file.bytes.p, e.file.bytes.n);
			other[e.file.bytes.n - 1] ^= 1;
			changed.file.bytes = SPAN(other, e.file.bytes.n);
			ima_memo_signed(&memo, &asks[i], &changed, &got);
			assert_int_not_equal(got.answer, IMA_SIGNED_GOOD);
			/* what is kept points into this list: not into other[] any more */
			ima_memo_signed(&memo, &asks[i], &e, &got);
			assert_int_equal(got.answer, want.answer);
		}
		assert_int_equal(imalog_finish(&l), ASSAY_OK);
	}
	assert_true(all > 0);
	assert_int_equal(known, all);
	unit_free(list);
	unit_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_a_recorded_boot_verify_with_its_key_only),
		cmocka_unit_test(a_known_answer_is_given_only_to_the_same_question),
		cmocka_unit_test(no_altered_signature_or_digest_verifies),
		cmocka_unit_test(every_kind_of_key_and_version_verifies_and_no_mutant_does),
		cmocka_unit_test(appended_signatures_verify_and_no_mutant_does),
		cmocka_unit_test(
			an_appended_signature_with_attributes_verifies_as_the_kernel_lists_it),
		cmocka_unit_test(
			d6_an_appended_signature_over_sha1_counts_only_where_weak_digests_do),
		cmocka_unit_test(a_file_s_signature_does_not_pass_for_one_of_fs_verity),
		cmocka_unit_test(a_signature_of_evm_is_none_of_the_file),
		cmocka_unit_test(others_ascii_signatures_verify_with_their_key),
		cmocka_unit_test(others_signatures_are_as_their_index_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
