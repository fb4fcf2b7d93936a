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

/* Prepared and settled. */
static enum assay_err
rotate(struct signing *s, enum keyset_role role, int64_t now, int64_t overlap)
{
	enum assay_err e = signing_rotate(s, role, now, overlap);
	bool changed = false;

	if (e == ASSAY_OK && (e = signing_settle(s, &changed)) == ASSAY_OK)
		assert_true(changed);
	return e;
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
	assert_int_equal(rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(verify_with_document(s, t, NOW + 109), ASSAY_OK);
	assert_int_not_equal(verify_with_document(s, t, NOW + 110), ASSAY_OK);
	assert_int_equal(verify_with_document(s, sign(s), NOW + 1000), ASSAY_OK);
	assert_int_equal(rotate(s, KEYSET_AUDIT, NOW + 20, 0), ASSAY_OK);
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
	assert_int_equal(rotate(s, KEYSET_DECISION, NOW - 86400, 60), ASSAY_OK);
	assert_int_equal(rotate(s, KEYSET_AUDIT, NOW - 86400, 60), ASSAY_OK);
	assert_int_equal(verify_with_document(s, old, NOW - 86400), ASSAY_OK);
	assert_int_equal(verify_with_document(s, old, NOW - 86400 + 60), ASSAY_EXPIRED);
	signing_close(s);
	s = open_it();
	assert_int_equal(signing_generation(s), 4);
	signing_close(s);
}

static bool
is_there(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void
a_prepared_key_does_not_count(void **state)
{
	struct signing *s = open_it();
	char kid[JWS_KID_SIZE];
	bool changed;

	(void)state;
	snprintf(kid, sizeof kid, "%s", signer_kid(signing_decision(s)));
	assert_ptr_equal(signing_prepared(s), signing_keyset(s));
	assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(signing_rotate(s, KEYSET_AUDIT, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(signing_prepared(s)->n, 5);
	assert_int_equal(signing_generation(s), 2);
	assert_string_equal(signer_kid(signing_decision(s)), kid);
	assert_int_equal(verify_with_document(s, sign(s), NOW + 1000), ASSAY_OK);
	signing_drop(s);
	assert_int_equal(signing_generation(s), 2);
	assert_int_equal(signing_prepared(s)->n, 2);
	assert_int_equal(verify_with_document(s, sign(s), NOW + 1000), ASSAY_OK);
	for (unsigned i = 2; i < 6; i++) {
		char name[32];

		snprintf(name, sizeof name, "sign-%03u.key", i);
		assert_false(is_there(name));
	}
	assert_false(is_there("chain.new"));
	assert_int_equal(signing_settle(s, &changed), ASSAY_OK);
	assert_false(changed);
	signing_close(s);
	s = open_it();
	assert_string_equal(signer_kid(signing_decision(s)), kid);
	/* three at once count at once */
	assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(signing_rotate(s, KEYSET_AUDIT, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	assert_int_equal(signing_generation(s), 5);
	assert_int_equal(verify_with_document(s, sign(s), NOW + 1000), ASSAY_OK);
	signing_close(s);
	s = open_it();
	assert_int_equal(signing_generation(s), 5);
	signing_close(s);
}

static char asked[JWS_KID_SIZE];

static bool
was_recorded(void *self, const char *kid)
{
	snprintf(asked, sizeof asked, "%s", kid);
	return *(bool *)self;
}

/* As it is found after a crash: prepared, neither settled nor dropped. */
static void
what_was_prepared_before_a_crash_counts_if_it_was_recorded(void **state)
{
	bool yes = true, no = false;
	char kid[JWS_KID_SIZE];
	struct signing *s = open_it();

	(void)state;
	assert_int_equal(signing_recover(dir, was_recorded, &yes), ASSAY_OK);
	assert_string_equal(asked, "");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
		snprintf(kid, sizeof kid, "%.43s", signing_prepared(s)->key[2].kid);
		signing_close(s);
		assert_int_equal(signing_recover(dir, was_recorded, i ? &yes : &no), ASSAY_OK);
		assert_string_equal(asked, kid);
		assert_false(is_there("chain.new"));
		s = open_it();
		assert_int_equal(signing_generation(s), 2 + i);
	}
	assert_string_equal(signer_kid(signing_decision(s)), kid);
	signing_close(s);
}

/* The first bytes of a file, at most 8192, as another. */
static void
copy(const char *from, const char *to, size_t n)
{
	static uint8_t bytes[8192];
	FILE *f = fopen(from, "rb");

	n = fread(bytes, 1, n, f);
	fclose(f);
	f = fopen(to, "wb");
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void
a_prepared_chain_that_is_torn_or_of_another_past_is_removed(void **state)
{
	struct signing *s = open_it();
	char path[128], older[128];
	bool yes = true;

	(void)state;
	snprintf(path, sizeof path, "%s/chain.new", dir);
	snprintf(older, sizeof older, "%s/older", dir);
	assert_int_equal(signing_rotate(s, KEYSET_DECISION, NOW + 10, 100), ASSAY_OK);
	copy(path, older, 8192);
	copy(older, path, 900);
	signing_close(s);
	assert_int_equal(signing_recover(dir, was_recorded, &yes), ASSAY_OK);
	s = open_it();
	assert_int_equal(signing_generation(s), 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rotate(s, KEYSET_AUDIT, NOW + 10, 100), ASSAY_OK);
	signing_close(s);
	assert_int_equal(rename(older, path), 0);
	assert_int_equal(signing_recover(dir, was_recorded, &yes), ASSAY_OK);
	assert_false(is_there("chain.new"));
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
		cmocka_unit_test_setup_teardown(a_prepared_key_does_not_count, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(
			what_was_prepared_before_a_crash_counts_if_it_was_recorded, make_dir,
			remove_dir),
		cmocka_unit_test_setup_teardown(
			a_prepared_chain_that_is_torn_or_of_another_past_is_removed, make_dir,
			remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
