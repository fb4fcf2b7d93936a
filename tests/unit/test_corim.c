/* test_corim.c: signed reference values of vendors: what is read, whose signature counts,
 * what may be used. tests/data/corim/make.py made the files. */
#include "tests/support/unit.h"

#include "verifier/compiler/cbor_read.h"
#include "verifier/appraise/reference.h"
#include "verifier/appraise/softset.h"
#include "verifier/compiler/corim_compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT 1798761600 /* 2027-01-01 */
#define MUTANTS 1000 /* bits of each file but the first, of which all are tried */

static struct corim *c;
static struct corim_anchors with_root, with_key;
static struct span root, key;

static int
setup(void **state)
{
	(void)state;
	c = calloc(1, sizeof *c);
	root = unit_data("corim/root.der");
	key = unit_data("corim/signer-key.der");
	with_root = (struct corim_anchors){.nroots = 1, .roots = {root}};
	with_key = (struct corim_anchors){.nkeys = 1, .keys = {key}};
	return c ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	free(c);
	unit_free(root);
	unit_free(key);
	return 0;
}

static enum assay_err
read_file(const char *name, struct span *ret)
{
	char path[128];

	snprintf(path, sizeof path, "corim/%s", name);
	*ret = unit_data(path);
	return corim_read(*ret, c);
}

/* What would keep this file out; CORIM_OK: nothing. */
static enum corim_reason
judge(const struct corim_anchors *a, int64_t at)
{
	uint8_t signer[32];
	enum corim_reason r = corim_verify(c, a, at, signer);

	return r != CORIM_OK ? r : corim_judge(c, at);
}

static const struct {
	const char *name;
	enum corim_reason reason;
} cases[] = {
	{"good.corim", CORIM_OK},
	{"good-claims.corim", CORIM_OK},
	{"good-both.corim", CORIM_OK},
	{"good-unprotected-chain.corim", CORIM_OK},
	{"good-legacy.corim", CORIM_OK},
	{"good-384.corim", CORIM_OK},
	{"good-components.corim", CORIM_OK},
	{"good-two-records.corim", CORIM_OK},
	{"good-replaces.corim", CORIM_OK},
	{"class-id.corim", CORIM_OK},
	{"good-unsigned.corim", CORIM_UNSIGNED},
	{"good-key-only.corim", CORIM_UNTRUSTED},
	{"bad-stranger.corim", CORIM_UNTRUSTED},
	{"bad-key-usage.corim", CORIM_UNTRUSTED},
	{"bad-no-intermediate.corim", CORIM_UNTRUSTED},
	{"bad-other-key.corim", CORIM_SIGNATURE},
	{"bad-expired.corim", CORIM_EXPIRED},
	{"bad-expired-inside.corim", CORIM_EXPIRED},
	{"bad-not-yet.corim", CORIM_NOT_YET},
	{"bad-disagree.corim", CORIM_HEADER},
	{"bad-no-meta.corim", CORIM_HEADER},
	{"bad-content-type.corim", CORIM_HEADER},
	{"bad-crit.corim", CORIM_HEADER},
	{"bad-hash-envelope.corim", CORIM_HEADER},
	{"bad-alg.corim", CORIM_ALGORITHM},
	{"bad-alg-size.corim", CORIM_SIGNATURE},
	{"bad-profile.corim", CORIM_PROFILE},
	{"bad-extension.corim", CORIM_EXTENSION},
	{"unused-text-register.corim", CORIM_NOTHING},
	{"unused-twice.corim", CORIM_NOTHING}, /* D6 */
	{"unused-mixed.corim", CORIM_NOTHING},
	{"unused-version-and-svn.corim", CORIM_NOTHING},
	{"unused-no-digest.corim", CORIM_NOTHING},
	{"unused-pcr23.corim", CORIM_NOTHING},
	{"unused-raw.corim", CORIM_NOTHING},
	{"unused-negative.corim", CORIM_NOTHING},
	{"unused-authorised.corim", CORIM_NOTHING},
	{"unused-layer.corim", CORIM_NOTHING},
	{"unused-instance.corim", CORIM_NOTHING},
	{"unused-endorsed.corim", CORIM_NOTHING},
};

static void
each_file_is_used_or_kept_out_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum corim_reason r;
		struct span file;

		assert_int_equal(read_file(cases[i].name, &file), ASSAY_OK);
		r = judge(&with_root, AT);
		if (r != cases[i].reason)
			fail_msg("%s: %s, not %s", cases[i].name, corim_reason_word(r),
				 corim_reason_word(cases[i].reason));
		unit_free(file);
	}
}

static void
what_is_no_proper_cbor_is_refused_before_it_is_read(void **state)
{
	static const struct {
		const char *name;
		enum assay_err e;
	} files[] = {
		{"malformed-twice.corim", ASSAY_DUPLICATE},
		{"malformed-indefinite.corim", ASSAY_UNSUPPORTED},
		{"malformed-long-integer.corim", ASSAY_MALFORMED},
		{"malformed-array.corim", ASSAY_TRUNCATED},
		{"malformed-deep.corim", ASSAY_TOO_MANY},
		{"malformed-trailing.corim", ASSAY_TRAILING},
		{"bad-no-tags.corim", ASSAY_MISSING},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct span file;

		assert_int_equal(read_file(files[i].name, &file), files[i].e);
		unit_free(file);
	}
}

static void
registers_are_pcrs_and_named_measurements_components(void **state)
{
	const struct corim_measure *m;
	const struct digest *d;
	struct span file;

	(void)state;
	assert_int_equal(read_file("good-components.corim", &file), ASSAY_OK);
	assert_int_equal(c->nrecords, 2);
	assert_string_equal(c->record[0].vendor, "ACME Ltd.");
	assert_string_equal(c->record[0].model, "RoadRunner 9");
	d = pcr_value(&c->record[0].pcrs, ALG_SHA384, 4);
	assert_non_null(d);
	assert_int_equal(d->b[47], 4);
	assert_null(pcr_value(&c->record[0].pcrs, ALG_SHA384, 7));
	assert_non_null(pcr_value(&c->record[0].pcrs, ALG_SHA256, 7));
	assert_int_equal(c->record[0].count, 0);
	assert_int_equal(c->record[1].count, 2);
	m = &c->measure[c->record[1].first];
	assert_string_equal(m->name, "firmware");
	assert_string_equal(m->version, "1.4.2");
	assert_int_equal(m->scheme, CORIM_SCHEME_SEMVER);
	assert_int_equal(m->ndigests, 1);
	assert_true(m[1].has_svn && m[1].svn_is_minimum);
	assert_int_equal(m[1].svn, 7);
	unit_free(file);
}

/* ---- compiled ---- */

static uint8_t request[CORIM_BYTES_MAX], answer[1u << 20];

static enum assay_err
compile(const char *name, const char *class_id, struct corim_answer *ret, char why[256])
{
	struct corim_request in = {.now = AT, .class_id = SPAN(class_id, strlen(class_id)),
				   .anchors = with_root}, copy;
	struct writer w, out;
	enum assay_err e;

	(void)read_file(name, &in.file);
	wr_init(&w, request, sizeof request);
	corim_request_write(&w, &in);
	assert_int_equal(corim_request_read(wr_span(&w), &copy), ASSAY_OK);
	wr_init(&out, answer, sizeof answer);
	e = corim_compile(&copy, &out, why, 256);
	if (e == ASSAY_OK)
		assert_int_equal(corim_answer_open(wr_span(&out), ret), ASSAY_OK);
	unit_free(in.file);
	return e;
}

static void
records_become_sets_of_their_own_for_devices_with_these_labels(void **state)
{
	static struct corim_answer a;
	static struct corim_set set;
	struct softset_item item;
	struct reference ref;
	struct softset soft;
	char why[256];

	(void)state;
	assert_int_equal(compile("good-components.corim", "", &a, why), ASSAY_OK);
	assert_string_equal(a.id, "acme-roadrunner-2026-01");
	assert_int_equal(a.nsets, 2);
	assert_int_equal(a.not_after, 1893456000);
	assert_true(corim_answer_next(&a, &set));
	assert_int_equal(set.kind, REF_KIND_BOOT);
	assert_string_equal(set.labels, "model=RoadRunner-9 vendor=ACME-Ltd.");
	assert_int_equal(reference_open(set.compiled, &ref), ASSAY_OK);
	assert_non_null(pcr_value(&ref.pcrs, ALG_SHA256, 7));
	assert_true(corim_answer_next(&a, &set));
	assert_int_equal(set.kind, REF_KIND_SOFTWARE);
	assert_int_equal(softset_open(set.compiled, &soft), ASSAY_OK);
	assert_true(softset_next_item(&soft, &item));
	assert_true(span_equal(item.name, SPAN("firmware", 8)) && !item.at_least);
	assert_true(softset_next_item(&soft, &item));
	assert_true(span_equal(item.version, SPAN("7", 1)) && item.at_least);
	assert_false(corim_answer_next(&a, &set));
	assert_int_equal(a.sets.err, ASSAY_OK);
}

static void
a_class_id_must_be_the_one_that_the_operator_gave(void **state)
{
	static struct corim_answer a;
	char why[256];

	(void)state;
	assert_int_equal(compile("class-id.corim", "", &a, why), ASSAY_MALFORMED);
	assert_non_null(strstr(why, "class's id"));
	assert_int_equal(compile("class-id.corim", "uuid:00010203-0405-0607-0809-0a0b0c0d0e0f", &a,
				 why), ASSAY_OK);
	assert_int_equal(a.nsets, 1);
}

static void
what_may_not_be_used_compiles_to_nothing(void **state)
{
	static struct corim_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char why[256] = "";
		enum assay_err e;

		if (cases[i].reason == CORIM_OK)
			continue;
		e = compile(cases[i].name, "", &a, why);
		if (e == ASSAY_OK || !*why)
			fail_msg("%s: %s", cases[i].name, assay_err_name(e));
	}
}

static void
a_tag_that_replaces_another_says_which(void **state)
{
	struct span file;

	(void)state;
	assert_int_equal(read_file("good-replaces.corim", &file), ASSAY_OK);
	assert_int_equal(c->nreplaces, 1);
	assert_string_equal(c->replaces[0], "acme-roadrunner-fw-1.4.2");
	assert_string_equal(c->tag[0], "acme-roadrunner-fw-1.4.3");
	unit_free(file);
}

static void
a_given_key_is_enough_and_another_is_not(void **state)
{
	struct span file, other = unit_data("corim/stranger-key.der");
	struct corim_anchors a = {.nkeys = 1, .keys = {other}};

	(void)state;
	assert_int_equal(read_file("good-key-only.corim", &file), ASSAY_OK);
	assert_int_equal(judge(&with_key, AT), CORIM_OK);
	assert_int_equal(judge(&a, AT), CORIM_SIGNATURE);
	assert_int_equal(judge(&(struct corim_anchors){.nroots = 0}, AT), CORIM_UNCHECKED);
	unit_free(file);
	unit_free(other);
}

static void
the_times_of_certificates_and_values_end(void **state)
{
	struct span file;

	(void)state;
	assert_int_equal(read_file("good.corim", &file), ASSAY_OK);
	assert_int_equal(corim_not_after(c), 1893456000);
	assert_int_equal(judge(&with_key, 1893456000), CORIM_OK);
	assert_int_equal(judge(&with_key, 1893456001), CORIM_EXPIRED);
	assert_int_equal(judge(&with_key, 1767225599), CORIM_NOT_YET);
	assert_int_equal(judge(&with_root, 1767225600), CORIM_SIGNER_EXPIRED);
	unit_free(file);
}

static void
mutant_is_refused(struct span mutant, const char *what, void *arg)
{
	enum assay_err e = corim_read(mutant, c);

	(void)arg;
	if (e == ASSAY_OK && judge(&with_root, AT) == CORIM_OK)
		fail_msg("accepted: %s", what);
}

static void
any_change_to_a_signed_file_is_refused(void **state)
{
	static const char *const names[] = {"good.corim", "good-claims.corim", "good-both.corim",
					    "good-384.corim", "good-components.corim"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span file;

		assert_int_equal(read_file(names[i], &file), ASSAY_OK);
		unit_mutate(file, i == 0 ? 0 : MUTANTS, mutant_is_refused, NULL);
		unit_free(file);
	}
}

static void
check(const char *hex, enum assay_err want)
{
	uint8_t b[64];
	size_t n = strlen(hex) / 2;
	enum assay_err e;

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		b[i] = (uint8_t)v;
	}
	e = cbor_check(SPAN(b, n));
	if (e != want)
		fail_msg("%s: %s, not %s", hex, assay_err_name(e), assay_err_name(want));
}

static void
cbor_is_one_item_shortest_definite_and_without_doubles(void **state)
{
	(void)state;
	check("a10102", ASSAY_OK);
	check("d28443a10126a0f640", ASSAY_OK); /* null for a payload is CBOR */
	check("", ASSAY_TRUNCATED);
	check("a1010203", ASSAY_TRAILING);
	check("a201010102", ASSAY_DUPLICATE);
	check("82a201010102a0", ASSAY_DUPLICATE);
	check("a2616101616102", ASSAY_DUPLICATE);
	check("1801", ASSAY_MALFORMED);
	check("190001", ASSAY_MALFORMED);
	check("581001", ASSAY_TRUNCATED);
	check("5f4101ff", ASSAY_UNSUPPORTED);
	check("f90000", ASSAY_UNSUPPORTED);
	check("fb0000000000000000", ASSAY_UNSUPPORTED);
	check("9b2000000000000000", ASSAY_TRUNCATED);
	check("bb8000000000000001", ASSAY_TRUNCATED);
	check("bbffffffffffffffff", ASSAY_TRUNCATED);
	check("d2", ASSAY_TRUNCATED);
	check("1c", ASSAY_MALFORMED);
}

/* Vectors of others: those of unknown profiles are refused, whatever INDEX.tsv says of
 * them besides; bare CoMIDs are read to their end. */
static void
files_of_others_are_as_recorded(void **state)
{
	static const struct {
		const char *name;
		bool reads;
		enum corim_reason reason;
	} files[] = {
		{"lib-comid-comid-1a.cbor", true, CORIM_NOTHING},
		{"lib-comid-comid-2b.cbor", true, CORIM_NOTHING},
		{"lib-comid-comid-5.cbor", true, CORIM_NOTHING},
		{"lib-comid-comid-series.cbor", true, CORIM_NOTHING},
		{"lib-comid-comid-flags.cbor", true, CORIM_NOTHING},
		{"lib-corim-corim-1.cbor", true, CORIM_NOTHING},
		{"lib-corim-signed-good-corim.cbor", true, CORIM_NOTHING},
		{"lib-corim-signed-example-corim.cbor", true, CORIM_PROFILE},
		{"lib-corim-signed-corim-with-extensions.cbor", true, CORIM_PROFILE},
		{"svc-corim-parsec-tpm-valid.cbor", true, CORIM_PROFILE},
		{"svc-corim-psa-bad-refval-mkey.cbor", true, CORIM_PROFILE},
		{"svc-corim-enacttrust-bad-class.cbor", true, CORIM_PROFILE},
		{"lib-profiles-cca-cca-realm-invalid-missing-rim.cbor", true, CORIM_PROFILE},
		{"e2e-cca-evidence.cbor", false, CORIM_UNDECIDED},
		{"hirs-coswid_rim_1.coswid", false, CORIM_UNDECIDED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char name[128];
		const char *path;
		struct span file;
		enum assay_err e;

		snprintf(name, sizeof name, "corim/%s", files[i].name);
		path = unit_shared(name);
		if (!path)
			skip();
		file = unit_file(path);
		e = corim_read(file, c);
		if ((e == ASSAY_OK) != files[i].reads)
			fail_msg("%s: %s: %s", files[i].name, assay_err_name(e), c->why);
		if (e == ASSAY_OK)
			assert_int_equal(corim_judge(c, 1704067200), files[i].reason);
		unit_free(file);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_file_is_used_or_kept_out_for_its_own_reason),
		cmocka_unit_test(what_is_no_proper_cbor_is_refused_before_it_is_read),
		cmocka_unit_test(registers_are_pcrs_and_named_measurements_components),
		cmocka_unit_test(records_become_sets_of_their_own_for_devices_with_these_labels),
		cmocka_unit_test(a_class_id_must_be_the_one_that_the_operator_gave),
		cmocka_unit_test(what_may_not_be_used_compiles_to_nothing),
		cmocka_unit_test(a_tag_that_replaces_another_says_which),
		cmocka_unit_test(a_given_key_is_enough_and_another_is_not),
		cmocka_unit_test(the_times_of_certificates_and_values_end),
		cmocka_unit_test(any_change_to_a_signed_file_is_refused),
		cmocka_unit_test(cbor_is_one_item_shortest_definite_and_without_doubles),
		cmocka_unit_test(files_of_others_are_as_recorded),
	};

	return cmocka_run_group_tests_name("corim", tests, setup, teardown);
}
