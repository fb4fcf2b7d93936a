/* test_signing.c: signing keys in files: made, opened again, rotated; the key set. */
#include "tests/support/unit.h"

#include "verifier/result/signing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1795341600

static char dir[64];
static uint8_t doc[KEYSET_BYTES_MAX], text[4096], buf[4096];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/assay-signing-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
	char path[128];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		snprintf(path, sizeof path, "%s/sign-%03u.key", dir, i);
		(void)unlink(path);
	}
	snprintf(path, sizeof path, "%s/chain", dir);
	(void)unlink(path);
	return rmdir(dir);
}

static struct signing *
open_it(void)
{
	struct signing *s = NULL;

	assert_int_equal(signing_open(dir, NOW, &s), ASSAY_OK);
	return s;
}

static enum assay_err
verify_with_document(struct signing *s, struct span jws, int64_t at)
{
	static struct keyset set;
	struct writer w;
	struct jws j;
	enum assay_err e;

	wr_init(&w, doc, sizeof doc);
	assert_int_equal(signing_jwks(s, at, &w), ASSAY_OK);
	assert_int_equal(jws_parse(jws, buf, sizeof buf, &j), ASSAY_OK);
	assert_int_equal(keyset_read_chain(wr_span(&w), signing_root(s), &set), ASSAY_OK);
	e = keyset_verify(&set, &j, KEYSET_DECISION, at);
	/* who reads "keys" alone comes to the same */
	assert_int_equal(keyset_read(wr_span(&w), &set), ASSAY_OK);
	assert_int_equal(keyset_verify(&set, &j, KEYSET_DECISION, at) == ASSAY_OK, e == ASSAY_OK);
	return e;
}

static struct span
sign(struct signing *s)
{
	struct writer w;

	wr_init(&w, text, sizeof text);
	assert_int_equal(signer_jws(signing_decision(s), "x", SPAN("{}", 2), &w), ASSAY_OK);
	return wr_span(&w);
}

static void
keys_are_made_once_and_are_secret(void **state)
{
	struct signing *s = open_it();
	char root[JWS_KID_SIZE], path[128];
	struct stat st;

	(void)state;
	snprintf(root, sizeof root, "%s", signing_root(s));
	assert_int_equal(strncmp(signing_issuer(s), "urn:assay:", 10), 0);
	assert_int_equal(verify_with_document(s, sign(s), NOW), ASSAY_OK);
	signing_close(s);
	snprintf(path, sizeof path, "%s/sign-000.key", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	s = open_it();
	assert_string_equal(signing_root(s), root);
	assert_int_equal(signing_generation(s), 2);
	signing_close(s);
}

static void
a_rotated_key_is_accepted_until_its_overlap_ends(void **state)
{
	static uint8_t old[4096];
	struct signing *s = open_it();
	struct span t = sign(s);

	(void)state;
	memcpy(old, t.p, t.n);
	t.p = old;
	assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(verify_with_document(s, t, NOW + 109), ASSAY_OK);
	assert_int_not_equal(verify_with_document(s, t, NOW + 110), ASSAY_OK);
	assert_int_equal(verify_with_document(s, sign(s), NOW + 1000), ASSAY_OK);
	assert_int_equal(signing_rotate(s, KEYSET_AUDIT, NOW + 20, 0), ASSAY_OK);
	signing_close(s);
	s = open_it();
	assert_int_equal(signing_generation(s), 4);
	assert_int_equal(verify_with_document(s, sign(s), NOW + 1000), ASSAY_OK);
	assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW + 30, -1), ASSAY_MALFORMED);
	signing_close(s);
}

static void
a_secret_or_chain_that_was_exchanged_is_not_used(void **state)
{
	struct signing *s = NULL;
	char path[128];
	uint8_t secret[SIGNER_SECRET_SIZE];
	FILE *f;

	(void)state;
	signing_close(open_it());
	assert_int_equal(signer_make(secret), ASSAY_OK);
	snprintf(path, sizeof path, "%s/sign-000.key", dir);
	f = fopen(path, "wb");
	assert_int_equal(fwrite(secret, 1, sizeof secret, f), sizeof secret);
	fclose(f);
	assert_int_equal(signing_open(dir, NOW, &s), ASSAY_MISMATCH);
	snprintf(path, sizeof path, "%s/chain", dir);
	assert_int_equal(truncate(path, 700), 0);
	assert_int_not_equal(signing_open(dir, NOW, &s), ASSAY_OK);
	assert_null(s);
}

/* A verifier that was made while its clock was ahead must not keep its keys until then. */
static void
d10_keys_are_rotated_though_the_clock_was_set_back(void **state)
{
	static uint8_t copy[4096];
	struct signing *s = open_it();
	struct span old = sign(s);

	(void)state;
	memcpy(copy, old.p, old.n);
	old.p = copy;
	assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW - 86400, 60), ASSAY_OK);
	assert_int_equal(signing_rotate(s, KEYSET_AUDIT, NOW - 86400, 60), ASSAY_OK);
	assert_int_equal(verify_with_document(s, old, NOW - 86400), ASSAY_OK);
	assert_int_equal(verify_with_document(s, old, NOW - 86400 + 60), ASSAY_EXPIRED);
	signing_close(s);
	s = open_it();
	assert_int_equal(signing_generation(s), 4);
	signing_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_are_made_once_and_are_secret, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(d10_keys_are_rotated_though_the_clock_was_set_back,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_rotated_key_is_accepted_until_its_overlap_ends,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_secret_or_chain_that_was_exchanged_is_not_used,
						make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
