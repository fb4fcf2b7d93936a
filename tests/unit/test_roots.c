/* test_roots.c: compiling a folder of certificates, and finding issuers in the image. */
#include "tests/support/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the image ---- */

static void
an_empty_image_holds_no_root(void **state)
{
	struct roots_search s;
	struct roots_entry entry;
	struct roots r;

	(void)state;
	assert_int_equal(roots_open(SPAN(NULL, 0), &r), ASSAY_OK);
	roots_find_issuer(&r, SPAN("\x30\x00", 2), SPAN(NULL, 0), &s);
	assert_false(roots_next(&s, &entry));
}

static void
refuses_an_image_that_is_truncated_extended_or_something_else(void **state)
{
	struct certs c;
	struct roots r;
	uint8_t *copy;

	(void)state;
	certs_open(&c, CERTS("root.der", "ca.der"));
	for (size_t n = 1; n < c.image.len; n++)
		assert_int_not_equal(roots_open(SPAN(c.image.bytes, n), &r), ASSAY_OK);
	copy = malloc(c.image.len + 1);
	assert_non_null(copy);
	memcpy(copy, c.image.bytes, c.image.len);
	copy[c.image.len] = 0;
	assert_int_equal(roots_open(SPAN(copy, c.image.len + 1), &r), ASSAY_MISMATCH);
	copy[0] ^= 1;
	assert_int_equal(roots_open(SPAN(copy, c.image.len), &r), ASSAY_BAD_MAGIC);
	copy[0] ^= 1;
	copy[12] = 0x7F; /* two thousand million certificates */
	assert_int_equal(roots_open(SPAN(copy, c.image.len), &r), ASSAY_TOO_MANY);
	free(copy);
	certs_close(&c);
}

/* The image is ours, but a lookup in a damaged one must not read beyond it. */
static void
search_in(struct span mutant, const char *what, void *arg)
{
	struct span *ca = arg;
	struct roots_search s;
	struct roots_entry entry;
	struct roots r;
	struct x509 c;

	(void)what;
	assert_int_equal(x509_parse(*ca, &c), ASSAY_OK);
	if (roots_open(mutant, &r) != ASSAY_OK)
		return;
	roots_find_issuer(&r, c.issuer, c.akid, &s);
	for (unsigned n = 0; roots_next(&s, &entry); n++) {
		assert_true(n < 4);
		assert_true(entry.der.n <= mutant.n);
	}
}

static void
lookups_in_a_damaged_image_end_within_it(void **state)
{
	struct span ca = certs_file("ca.der");
	struct certs c;

	(void)state;
	certs_open(&c, CERTS("root.der", "ca.der"));
	unit_mutate(SPAN(c.image.bytes, c.image.len), 4000, search_in, &ca);
	certs_close(&c);
	unit_free(ca);
}

/* ---- lookups ---- */

static void
finds_the_issuer_by_name_and_first_the_one_with_the_key_identifier(void **state)
{
	struct span fake = certs_file("fake-ca.der"), fake_ek = certs_file("fake-ek.der");
	struct roots_search s;
	struct roots_entry entry;
	struct certs c;
	struct x509 ek;

	(void)state;
	certs_open(&c, CERTS("root.der", "ca.der", "fake-ca.der", "sub-ca.der"));
	assert_int_equal(x509_parse(fake_ek, &ek), ASSAY_OK);
	roots_find_issuer(&c.roots, ek.issuer, ek.akid, &s);
	assert_true(roots_next(&s, &entry));
	assert_true(span_equal(entry.der, fake));
	assert_true(roots_next(&s, &entry));
	assert_false(span_equal(entry.der, fake));
	assert_false(roots_next(&s, &entry));
	assert_false(roots_next(&s, &entry));
	certs_close(&c);
	unit_free(fake);
	unit_free(fake_ek);
}

static void
finds_all_of_a_name_without_a_key_identifier(void **state)
{
	struct span ek = certs_file("ek.der");
	struct roots_search s;
	struct roots_entry entry;
	struct certs c;
	struct x509 cert;
	unsigned n = 0;

	(void)state;
	certs_open(&c, CERTS("root.der", "ca.der", "fake-ca.der", "ca-self-named.der"));
	assert_int_equal(x509_parse(ek, &cert), ASSAY_OK);
	roots_find_issuer(&c.roots, cert.issuer, SPAN(NULL, 0), &s);
	while (roots_next(&s, &entry))
		n++;
	assert_int_equal(n, 3);
	certs_close(&c);
	unit_free(ek);
}

static void
finds_nothing_for_a_name_that_is_not_one(void **state)
{
	struct roots_search s;
	struct roots_entry entry;
	struct certs c;

	(void)state;
	certs_open(&c, CERTS("root.der"));
	roots_find_issuer(&c.roots, SPAN("\x31\x00", 2), SPAN(NULL, 0), &s);
	assert_false(roots_next(&s, &entry));
	roots_find_crl(&c.roots, SPAN("", 0), SPAN(NULL, 0), &s);
	assert_false(roots_next(&s, &entry));
	certs_close(&c);
}

/* ---- compiling ---- */

static void
only_what_is_signed_with_its_own_key_is_a_root(void **state)
{
	struct certs c;

	(void)state;
	certs_open(&c, CERTS("root.der", "rsa-root.der", "ca.der", "ca-self-named.der"));
	assert_int_equal(c.image.roots, 2);
	assert_int_equal(c.image.intermediates, 2);
	assert_string_equal(c.warnings,
			    "ca-self-named.der: not a root: it is self-issued, but not signed "
			    "with its own key\n");
	certs_close(&c);
}

static void
bad_files_are_named_counted_and_passed_over(void **state)
{
	struct certs c;

	(void)state;
	certs_open(&c, CERTS("root.der", "make.py", "ek-two-ekus.der", "crl.der"));
	assert_int_equal(c.image.files, 4);
	assert_int_equal(c.image.bad_files, 2);
	assert_int_equal(c.image.roots, 1);
	assert_int_equal(c.image.crls, 1);
	assert_non_null(strstr(c.warnings, "ek-two-ekus.der: not a usable certificate: "));
	assert_non_null(strstr(c.warnings, "make.py: "));
	certs_close(&c);
}

static void
takes_pem_files_with_several_certificates_and_lists(void **state)
{
	struct certs c;

	(void)state;
	certs_open(&c, CERTS("root.der", "chain.pem", "crl.pem", "ca.der"));
	assert_int_equal(c.image.roots, 1);
	assert_int_equal(c.image.intermediates, 2);
	assert_int_equal(c.image.crls, 1);
	assert_int_equal(c.image.duplicates, 1);
	assert_int_equal(c.image.bad_files, 0);
	certs_close(&c);
}

static void
the_same_certificates_give_the_same_image(void **state)
{
	struct certs a, b;

	(void)state;
	certs_open(&a, CERTS("root.der", "ca.der", "fake-ca.der", "crl.der"));
	certs_open(&b, CERTS("root.der", "chain.pem", "fake-ca.der", "crl.pem"));
	certs_close(&b);
	certs_open(&b, CERTS("crl.pem", "fake-ca.der", "ca.der", "root.der"));
	assert_int_equal(a.image.len, b.image.len);
	assert_memory_equal(a.image.bytes, b.image.bytes, a.image.len);
	certs_close(&a);
	certs_close(&b);
}

static void
a_folder_that_is_not_there_is_an_error(void **state)
{
	struct roots_source src = {.dir = "tests/data/no-such-folder"};
	struct roots_image image;

	(void)state;
	assert_int_equal(roots_compile(&src, &image), ASSAY_UNREACHABLE);
	src.dir = "tests/data/ekcert";
	src.crls = "tests/data/no-such-folder";
	assert_int_equal(roots_compile(&src, &image), ASSAY_UNREACHABLE);
}

/* Thousands, in folders, each another certificate: the serial number is counted up. */
static void
write_many(const char *dir, unsigned count)
{
	struct span ca = certs_file("ca.der");
	uint8_t copy[2048];
	char path[512];

	memcpy(copy, ca.p, ca.n);
	for (unsigned i = 0; i < count; i++) {
		FILE *f;

		if (i % 1000 == 0) {
			snprintf(path, sizeof path, "%s/%u", dir, i / 1000);
			assert_int_equal(mkdir(path, 0700), 0);
		}
		copy[ca.n - 1] = (uint8_t)i; /* of the signature: nobody asks for it here */
		copy[ca.n - 2] = (uint8_t)(i >> 8);
		snprintf(path, sizeof path, "%s/%u/%u.der", dir, i / 1000, i);
		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(copy, 1, ca.n, f), ca.n);
		fclose(f);
	}
	unit_free(ca);
}

static void
remove_many(const char *dir, unsigned count)
{
	char path[512];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%u/%u.der", dir, i / 1000, i);
		unlink(path);
	}
	for (unsigned i = 0; i < count; i += 1000) {
		snprintf(path, sizeof path, "%s/%u", dir, i / 1000);
		rmdir(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void
thousands_in_folders_are_compiled_and_searched(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct span ek = certs_file("ek.der");
	char dir[256];
	struct roots_source src = {.dir = dir};
	struct roots_image image;
	struct roots_search s;
	struct roots_entry entry;
	struct roots r;
	struct x509 c;
	unsigned n = 0;

	(void)state;
	snprintf(dir, sizeof dir, "%s/roots.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	write_many(dir, 3000);
	assert_int_equal(roots_compile(&src, &image), ASSAY_OK);
	remove_many(dir, 3000);
	assert_int_equal(image.intermediates, 3000);
	assert_int_equal(roots_open(SPAN(image.bytes, image.len), &r), ASSAY_OK);
	assert_int_equal(x509_parse(ek, &c), ASSAY_OK);
	roots_find_issuer(&r, c.issuer, c.akid, &s);
	while (roots_next(&s, &entry))
		n++;
	assert_int_equal(n, 3000);
	roots_image_free(&image);
	unit_free(ek);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_image_holds_no_root),
		cmocka_unit_test(refuses_an_image_that_is_truncated_extended_or_something_else),
		cmocka_unit_test(lookups_in_a_damaged_image_end_within_it),
		cmocka_unit_test(
			finds_the_issuer_by_name_and_first_the_one_with_the_key_identifier),
		cmocka_unit_test(finds_all_of_a_name_without_a_key_identifier),
		cmocka_unit_test(finds_nothing_for_a_name_that_is_not_one),
		cmocka_unit_test(only_what_is_signed_with_its_own_key_is_a_root),
		cmocka_unit_test(bad_files_are_named_counted_and_passed_over),
		cmocka_unit_test(takes_pem_files_with_several_certificates_and_lists),
		cmocka_unit_test(the_same_certificates_give_the_same_image),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
		cmocka_unit_test(thousands_in_folders_are_compiled_and_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
