/*
 * test_ima_keys.c: row M5 of the attack catalogue where files are allowed by signature:
 * unsigned, altered and foreign signatures, keys loaded at run time, keys that expire.
 */
#include "tests/support/imasign.h"
#include "tests/support/imaworld.h"
#include "tests/support/unit.h"
#include "verifier/appraise/certfile.h"
#include "verifier/appraise/x509.h"
#include "verifier/compiler/digestset_build.h"

#include <stdio.h>
#include <string.h>

#define IN_TIME 1800000000 /* while the test certificates are valid */

static struct imaworld w;

static int
end(void **state)
{
	(void)state;
	imaworld_free(&w);
	return 0;
}

/* A keyring of the test certificate; text has cap bytes. */
static void
add_keyring(char *text, size_t cap, const char *name_and_options)
{
	struct span crt = imasign_certificate("p256");
	size_t n = strlen(text);

	n += (size_t)snprintf(text + n, cap - n, "    - name: %s      certificates: |\n",
			      name_and_options);
	for (size_t i = 0; i < crt.n; i++) {
		if (i == 0 || crt.p[i - 1] == '\n')
			n += (size_t)snprintf(text + n, cap - n, "        ");
		text[n++] = (char)crt.p[i];
	}
	text[n] = '\0';
	unit_free(crt);
}

static void
begin(const char *keyring_options)
{
	char text[8192] = "  need: signature\n  keyrings:\n", ring[256];

	snprintf(ring, sizeof ring, "vendor\n%s", keyring_options);
	add_keyring(text, sizeof text, ring);
	imaworld_init(&w, text, NULL);
	w.w.in.now = IN_TIME;
}

static void
entry_of(const char *path, struct span digest, struct span sig)
{
	uint8_t field[8 + 32] = "sha256:";
	const struct span f[3] = {SPAN(field, sizeof field), SPAN(path, strlen(path) + 1), sig};

	assert_int_equal(digest.n, 32);
	memcpy(field + 8, digest.p, 32);
	imaworld_entry(&w, "ima-sig", imaworld_fields(&w, f, 3), false);
}

/* A file signed by a key; NULL: by none. flip: a byte of the signature is changed. */
static void
signed_file(const char *path, const char *key, bool flip)
{
	const struct imasign how = {key, 2, false, false};
	uint8_t sig[IMASIGN_MAX];
	struct digest d;
	size_t n = 0;

	assert_int_equal(digest_fill(ALG_SHA256, 9, &d), ASSAY_OK);
	if (key)
		n = imasign(&how, &d, sig);
	if (flip)
		sig[n - 3] ^= 1;
	entry_of(path, digest_span(&d), SPAN(sig, n));
}

/* The kernel measures that a key was added to a keyring. */
static void
load_key(const char *keyring, const char *key)
{
	struct span crt = imasign_certificate(key);
	struct certfile_item item;
	struct certfile f;
	uint8_t buf[4096];

	certfile_open(&f, crt, buf, sizeof buf);
	assert_int_equal(certfile_next(&f, &item), ASSAY_OK);
	imaworld_buffer(&w, keyring, item.der);
	unit_free(crt);
}

static void
m5_files_are_allowed_by_a_signature_of_the_keyring_only(void **state)
{
	(void)state;
	begin("");
	signed_file("/usr/bin/a", "p256", false);
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.w.v->next.ima.counts[IMA_COUNT_SIGNED], 1);
	assert_true(w.w.v->not_after > IN_TIME); /* as long as the key is valid */
	signed_file("/usr/bin/b", NULL, false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNSIGNED);
	imaworld_boot(&w, true);
	signed_file("/usr/bin/c", "p256", true);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
	assert_null(world_finding(w.w.v, FIND_IMA_UNSIGNED));
	imaworld_boot(&w, true);
	signed_file("/usr/bin/d", "rsa", false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
}

static void
m5_a_key_of_run_time_counts_once_its_loading_was_measured(void **state)
{
	(void)state;
	begin("      runtime: true\n");
	signed_file("/usr/bin/a", "p256", false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
	imaworld_boot(&w, true);
	load_key(".ima", "p256");
	assert_admitted(imaworld_round(&w));
	signed_file("/usr/bin/a", "p256", false); /* a later round: it is remembered */
	assert_admitted(imaworld_round(&w));
	imaworld_boot(&w, true); /* and forgotten with the boot */
	signed_file("/usr/bin/a", "p256", false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
}

static void
m5_a_loaded_key_counts_in_every_keyring_that_has_it(void **state)
{
	char text[8192] = "  need: signature\n"
			  "  paths: [{match: \"/opt/**\", need: signature, keyring: updates}]\n"
			  "  keyrings:\n";

	(void)state;
	add_keyring(text, sizeof text, "vendor\n");
	add_keyring(text, sizeof text, "updates\n      runtime: true\n");
	imaworld_init(&w, text, NULL);
	w.w.in.now = IN_TIME;
	load_key(".ima", "p256");
	signed_file("/opt/a", "p256", false);
	signed_file("/usr/bin/a", "p256", false);
	assert_admitted(imaworld_round(&w));
	imaworld_boot(&w, true);
	signed_file("/usr/bin/a", "p256", false);
	assert_admitted(imaworld_round(&w));
	signed_file("/opt/a", "p256", false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
}

static void
m5_a_key_that_no_keyring_has_is_a_finding_when_it_is_loaded(void **state)
{
	(void)state;
	begin("");
	load_key(".ima", "rsa");
	assert_quarantined(imaworld_round(&w), FIND_IMA_KEY);
	imaworld_boot(&w, true);
	imaworld_buffer(&w, ".ima", SPAN("no certificate", 14));
	assert_quarantined(imaworld_round(&w), FIND_IMA_KEY);
	imaworld_boot(&w, true);
	load_key("_uid.0", "p256");
	assert_admitted(imaworld_round(&w));
}

static void
m5_a_key_that_expires_ends_what_rests_on_it(void **state)
{
	int64_t end_of_key;

	(void)state;
	begin("");
	signed_file("/usr/bin/a", "p256", false);
	assert_admitted(imaworld_round(&w));
	end_of_key = w.w.v->not_after;
	w.w.in.now = end_of_key + 1;
	assert_quarantined(imaworld_round(&w), FIND_IMA_KEY_EXPIRED); /* a steady round */
	w.w.in.now = IN_TIME;
	assert_admitted(imaworld_round(&w));
	w.w.in.now = end_of_key + 1;
	imaworld_boot(&w, true);
	signed_file("/usr/bin/a", "p256", false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
}

/* Of a certificate's bytes, whatever keyring allows it. */
static void
m9_a_key_that_is_known_as_bad_is_found_when_it_is_loaded(void **state)
{
	static uint8_t der[4096];
	struct span crt = imasign_certificate("p256");
	struct digestset_builder *b = digestset_builder_new();
	struct reference_view *v;
	struct certfile_item item;
	struct certfile f;
	struct digest d;
	size_t n;

	(void)state;
	begin("");
	certfile_open(&f, crt, der, sizeof der);
	assert_int_equal(certfile_next(&f, &item), ASSAY_OK);
	assert_int_equal(digest_compute(ALG_SHA256, item.der, &d), ASSAY_OK);
	assert_int_equal(
		digestset_add(b, SPAN("", 0),
			      &(struct digestset_digest){ALG_SHA256, false, digest_span(&d)}),
		ASSAY_OK);
	assert_int_equal(digestset_build(b, &w.set[w.nsets], &n), ASSAY_OK);
	digestset_builder_free(b);
	v = &w.w.in.references[w.w.in.nreferences++];
	*v = (struct reference_view){.compiled = SPAN(w.set[w.nsets++], n),
				     .state = REF_PROMOTED,
				     .kind = REF_KIND_KNOWN_BAD};
	load_key(".ima", "p256");
	assert_quarantined(imaworld_round(&w), FIND_IMA_KNOWN_BAD);
	unit_free(crt);
}

/* Templates without a field for signatures. */
static void
m5_an_entry_that_cannot_hold_a_signature_is_unsigned(void **state)
{
	(void)state;
	begin("");
	imaworld_file(&w, "/usr/bin/a", 9);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNSIGNED);
}

/* A digest that is too weak is no reason to call a missing signature a bad one. */
static void
m5_an_unsigned_file_of_a_weak_digest_is_unsigned(void **state)
{
	uint8_t field[6 + 20] = "sha1:", evm[] = {5, 2, 4, 1, 2, 3, 4, 0, 2, 9, 9};
	struct span f[3] = {SPAN(field, sizeof field), SPAN("/usr/bin/a", 11), SPAN("", 0)};

	(void)state;
	begin("");
	imaworld_entry(&w, "ima-sig", imaworld_fields(&w, f, 3), false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNSIGNED);
	assert_null(world_finding(w.w.v, FIND_IMA_BAD_SIGNATURE));
	imaworld_boot(&w, true);
	f[2] = SPAN(evm, sizeof evm); /* of the file's attributes */
	imaworld_entry(&w, "ima-sig", imaworld_fields(&w, f, 3), false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNSIGNED);
	assert_null(world_finding(w.w.v, FIND_IMA_BAD_SIGNATURE));
	imaworld_boot(&w, true);
	evm[0] = 3;
	imaworld_entry(&w, "ima-sig", imaworld_fields(&w, f, 3), false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
}

#define CASE(f) cmocka_unit_test_teardown(f, end)

/* As containers have it; and a signature that does not verify is none at any path. */
static void
a_file_at_more_paths_than_signatures_may_be_verified_is_verified_once(void **state)
{
	const struct imasign how = {"p256", 2, false, false};
	uint8_t sig[IMASIGN_MAX];
	char path[64];
	struct digest d;
	size_t n;

	(void)state;
	begin("");
	assert_int_equal(digest_fill(ALG_SHA256, 9, &d), ASSAY_OK);
	n = imasign(&how, &d, sig);
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(path, sizeof path, "/run/containers/%u/bin/sh", i);
		entry_of(path, digest_span(&d), SPAN(sig, n));
	}
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.w.v->next.ima.counts[IMA_COUNT_SIGNED], 40000);
	sig[n - 3] ^= 1;
	entry_of("/run/containers/x/bin/sh", digest_span(&d), SPAN(sig, n));
	assert_quarantined(imaworld_round(&w), FIND_IMA_BAD_SIGNATURE);
	assert_int_equal(w.w.v->next.ima.counts[IMA_COUNT_SIGNED], 40000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(m5_files_are_allowed_by_a_signature_of_the_keyring_only),
		CASE(m5_a_key_of_run_time_counts_once_its_loading_was_measured),
		CASE(m5_a_loaded_key_counts_in_every_keyring_that_has_it),
		CASE(m5_a_key_that_no_keyring_has_is_a_finding_when_it_is_loaded),
		CASE(m5_a_key_that_expires_ends_what_rests_on_it),
		CASE(m9_a_key_that_is_known_as_bad_is_found_when_it_is_loaded),
		CASE(a_file_at_more_paths_than_signatures_may_be_verified_is_verified_once),
		CASE(m5_an_entry_that_cannot_hold_a_signature_is_unsigned),
		CASE(m5_an_unsigned_file_of_a_weak_digest_is_unsigned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
