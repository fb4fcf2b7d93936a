/* test_imalog.c: layout, template hashes and replay of IMA measurement lists. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/hex.h"
#include "evidence/imalog.h"
#include "tests/support/imamade.h"
#include "verifier/cli/pcrlist.h"

static uint8_t scratch[IMALOG_SCRATCH], scratch2[IMALOG_SCRATCH];

static enum assay_err
read_all(struct span list, uint32_t *ret_entries)
{
	struct imalog_entry e;
	struct imalog l;
	enum assay_err err = imalog_open(list, scratch, sizeof scratch, &l);
	bool equal;

	if (err != ASSAY_OK)
		return err;
	while (imalog_next(&l, &e)) {
		struct imalog_replay r;

		imalog_replay_init(&r, IMALOG_PCR);
		assert_int_equal(imalog_replay_extend(&r, &e, &equal), ASSAY_OK);
	}
	if (ret_entries)
		*ret_entries = l.count;
	return imalog_finish(&l);
}

static enum assay_err
prefix_of(struct span list, const struct digest *pcr, struct imalog_prefix *ret)
{
	struct imalog l;
	enum assay_err e = imalog_open(list, scratch, sizeof scratch, &l);

	return e != ASSAY_OK ? e : imalog_find_prefix(&l, pcr, IMALOG_PCR, ret);
}

/* ---- real boots ---------------------------------------------------------- */

struct boot {
	struct span list;
	struct pcr_values pcrs;
};

static void
boot_read(const char *name, const char *kind, struct boot *b)
{
	char path[128], what[PCRLIST_WHAT_MAX];
	struct span text;

	snprintf(path, sizeof path, "ima/%s.%s", name, kind);
	b->list = unit_data(path);
	snprintf(path, sizeof path, "ima/%s.pcrs.txt", name);
	text = unit_data(path);
	assert_int_equal(pcrlist_parse(text, &b->pcrs, what), ASSAY_OK);
	unit_free(text);
}

static void
every_recorded_boot_leads_to_its_pcr_10_in_every_bank(void **state)
{
	static const char *const boots[][2] = {
		{"uki-names", "bin"},	 {"uki-names", "ascii"},    {"uki-keys", "bin"},
		{"uki-imahash1", "bin"}, {"uki-imahash1", "ascii"}, {"uki-allbanks", "bin"},
		{"uki-ngv2", "bin"},	 {"uki-sig", "bin"},
	};
	struct imalog_prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
		struct boot b;
		uint32_t n;

		boot_read(boots[i][0], boots[i][1], &b);
		assert_int_equal(read_all(b.list, &n), ASSAY_OK);
		for (size_t k = 0; k < b.pcrs.count; k++) {
			uint16_t alg = b.pcrs.bank[k].alg;

			assert_int_equal(prefix_of(b.list, &b.pcrs.bank[k].value[10], &p),
					 ASSAY_OK);
			assert_int_equal(p.entries, n);
			/* This kernel has no SHA-384 and SHA-512 when IMA starts. */
			assert_int_equal(p.method, alg == ALG_SHA1 || alg == ALG_SHA256
							   ? IMALOG_HASHED : IMALOG_PADDED);
		}
		unit_free(b.list);
	}
}

static void
boot_aggregate_is_that_of_the_recorded_pcrs(void **state)
{
	static const struct {
		const char *name;
		unsigned npcrs;
	} boots[] = {{"uki-names", 10}, {"uki-imahash1", 8}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct imalog_entry e;
		struct imalog l;
		struct boot b;
		struct digest zero;
		unsigned npcrs = 0;

		boot_read(boots[i].name, "bin", &b);
		assert_int_equal(imalog_open(b.list, NULL, 0, &l), ASSAY_OK);
		assert_true(imalog_next(&l, &e));
		assert_true(imalog_is_boot_aggregate(&e));
		assert_int_equal(imalog_boot_aggregate_check(&b.pcrs, &e.file, &npcrs), ASSAY_OK);
		assert_int_equal(npcrs, boots[i].npcrs);
		assert_int_equal(digest_fill(e.file.alg, 0, &zero), ASSAY_OK);
		e.file.bytes = digest_span(&zero);
		assert_int_equal(imalog_boot_aggregate_check(&b.pcrs, &e.file, &npcrs),
				 ASSAY_MISMATCH);
		unit_free(b.list);
	}
}

static void
both_formats_of_a_list_say_the_same(void **state)
{
	static const char *const names[] = {"uki-names", "uki-imahash1"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct imalog lb, la;
		struct imalog_entry eb, ea;
		struct boot b, a;

		boot_read(names[i], "bin", &b);
		boot_read(names[i], "ascii", &a);
		assert_int_equal(imalog_open(b.list, NULL, 0, &lb), ASSAY_OK);
		assert_int_equal(imalog_open(a.list, scratch2, sizeof scratch2, &la), ASSAY_OK);
		assert_int_equal(lb.format, IMALOG_BINARY);
		assert_int_equal(la.format, IMALOG_ASCII);
		while (imalog_next(&lb, &eb)) {
			assert_true(imalog_next(&la, &ea));
			assert_true(span_equal(eb.template_digest, ea.template_digest));
			assert_true(span_equal(eb.path, ea.path));
			assert_true(span_equal(eb.data, ea.data));
			assert_true(span_equal(eb.file.bytes, ea.file.bytes));
			assert_string_equal(eb.file.name, ea.file.name);
			assert_int_equal(eb.has, ea.has);
		}
		assert_false(imalog_next(&la, &ea));
		assert_int_equal(imalog_finish(&la), ASSAY_OK);
		assert_int_equal(imalog_finish(&lb), ASSAY_OK);
		unit_free(b.list);
		unit_free(a.list);
	}
}

static void
signatures_buffers_and_templates_are_where_the_kernel_put_them(void **state)
{
	struct imalog_entry e;
	struct imalog l;
	struct boot sig, keys;
	unsigned signatures = 0, buffers = 0;

	(void)state;
	boot_read("uki-sig", "bin", &sig);
	assert_int_equal(imalog_open(sig.list, NULL, 0, &l), ASSAY_OK);
	while (imalog_next(&l, &e)) {
		struct imalog_signature s;

		if (e.field[IMALOG_SIG].n == 0)
			continue;
		assert_int_equal(imalog_signature(e.field[IMALOG_SIG], &s), ASSAY_OK);
		assert_int_equal(s.bytes.n, 256);
		assert_string_equal(s.hash, "sha256");
		signatures++;
	}
	assert_true(signatures > 0);
	boot_read("uki-keys", "bin", &keys);
	assert_int_equal(imalog_open(keys.list, NULL, 0, &l), ASSAY_OK);
	while (imalog_next(&l, &e))
		if (e.has & 1u << IMALOG_BUF) {
			assert_true(e.field[IMALOG_BUF].n > 0);
			assert_true(span_equal(e.template_name, SPAN("ima-buf", 7)));
			buffers++;
		}
	assert_int_equal(buffers, 2);
	unit_free(sig.list);
	unit_free(keys.list);
}

/* ---- templates ----------------------------------------------------------- */

/* One entry of every template, whatever its fields. */
static void
add_template(struct imamade *m, const char *name, const char *list)
{
	struct span f[IMALOG_TEMPLATE_FIELDS_MAX];
	struct imalog_template t;
	struct span refused;

	assert_int_equal(imalog_template(SPAN(list, strlen(list)), &t, &refused), ASSAY_OK);
	for (unsigned i = 0; i < t.count; i++)
		switch ((enum imalog_field)t.field[i]) {
		case IMALOG_D:
			f[i] = SPAN("01234567890123456789", 20);
			break;
		case IMALOG_N:
		case IMALOG_N_NG:
		case IMALOG_XATTRNAMES:
			f[i] = SPAN("/bin/a_b", 9);
			break;
		case IMALOG_D_NG:
		case IMALOG_D_MODSIG:
			f[i] = imamade_digest("sha512:", 64, 7);
			break;
		case IMALOG_D_NGV2:
			f[i] = imamade_digest("verity:sha256:", 32, 8);
			break;
		case IMALOG_IUID:
		case IMALOG_IGID:
			f[i] = SPAN("\0\0\1\2", 4);
			break;
		case IMALOG_IMODE:
			f[i] = SPAN("\1\2", 2);
			break;
		default:
			f[i] = SPAN("any bytes", 9);
		}
	imamade_entry(m, name, imamade_data(m, f, t.count), false);
}

static const char *const all_templates[][2] = {
	{"ima-ng", "d-ng|n-ng"},
	{"ima-sig", "d-ng|n-ng|sig"},
	{"ima-ngv2", "d-ngv2|n-ng"},
	{"ima-sigv2", "d-ngv2|n-ng|sig"},
	{"ima-buf", "d-ng|n-ng|buf"},
	{"ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig"},
	{"evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode"},
	{"d|n", "d|n"},
	{"n-ng|d-ng|imode", "n-ng|d-ng|imode"},
	{"d-ng", "d-ng"},
};
#define TEMPLATES (sizeof all_templates / sizeof all_templates[0])

/* M3: names of templates are not hashed. */
static void
appended_signatures_are_in_the_fields_of_ima_modsig_alone(void **state)
{
	static const struct {
		const char *name;
		bool appended;
	} all[] = {{"ima-modsig", true},
		   {"d-ng|n-ng|sig|d-modsig|modsig", true},
		   {"d-ng|n-ng|d-modsig|buf|modsig", false},
		   {"d-ng|n-ng|d-modsig|modsig", false},
		   {"d-ng|n-ng|modsig|d-modsig|sig", false},
		   {"d-ng|n-ng|sig|d-modsig|modsig|iuid", false},
		   {"n-ng|d-ng|sig|d-modsig|modsig", false},
		   {"ima-sig", false}};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct imalog_template t;
		struct span refused;

		assert_int_equal(imalog_template(SPAN(all[i].name, strlen(all[i].name)), &t,
						 &refused), ASSAY_OK);
		assert_int_equal(t.appended, all[i].appended);
	}
}

static void
every_template_is_read_in_both_byte_orders_and_every_bank(void **state)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};
	static struct imamade m;

	(void)state;
	for (unsigned k = 0; k < 8; k++) {
		struct imalog_replay r;
		struct imalog_entry e;
		struct imalog l;
		bool contradicts;

		imamade_begin(&m, algs[k / 2], k % 2);
		for (size_t i = 0; i < TEMPLATES; i++)
			add_template(&m, all_templates[i][0], all_templates[i][1]);
		imamade_old(&m, "/bin/old", 9);
		assert_int_equal(imalog_open(imamade_list(&m), NULL, 0, &l), ASSAY_OK);
		assert_int_equal(l.big, k % 2);
		assert_int_equal(l.template_alg, algs[k / 2]);
		imalog_replay_init(&r, IMALOG_PCR);
		while (imalog_next(&l, &e))
			assert_int_equal(imalog_replay_extend(&r, &e, &contradicts), ASSAY_OK);
		assert_int_equal(imalog_finish(&l), ASSAY_OK);
		assert_int_equal(r.entries, TEMPLATES + 1);
		assert_int_equal(r.contradictions, 0);
	}
}

/* ima_eventdigest_init writes no length and does not pad: ima_hash=md5 makes 16 bytes. */
static void
md5_digests_of_the_old_template_are_read_beside_sha1(void **state)
{
	static const char *const paths[] = {"boot_aggregate", "/", "/bin/old", "/bin/new", "x"};
	static struct imamade m;

	(void)state;
	for (unsigned big = 0; big < 2; big++) {
		struct imalog_replay r;
		struct imalog_entry e;
		struct imalog l;
		bool contradicts;

		imamade_begin(&m, big ? ALG_SHA256 : ALG_SHA1, big);
		for (size_t i = 0; i < 5; i++)
			(i == 2 ? imamade_old : imamade_old_md5)(&m, paths[i], (uint8_t)i);
		assert_int_equal(imalog_open(imamade_list(&m), NULL, 0, &l), ASSAY_OK);
		imalog_replay_init(&r, IMALOG_PCR);
		for (size_t i = 0; i < 5; i++) {
			assert_true(imalog_next(&l, &e));
			assert_int_equal(imalog_replay_extend(&r, &e, &contradicts), ASSAY_OK);
			assert_true(span_equal(e.path, SPAN(paths[i], strlen(paths[i]))));
			assert_string_equal(e.file.name, i == 2 ? "sha1" : "md5");
			assert_int_equal(e.file.bytes.n, i == 2 ? 20 : 16);
		}
		assert_false(imalog_next(&l, &e));
		assert_int_equal(imalog_finish(&l), ASSAY_OK);
		assert_int_equal(r.contradictions, 0);
	}
}

static void
an_md5_digest_in_an_ascii_line_of_the_old_template_is_what_was_hashed(void **state)
{
	static const char line[] = "10 df28cad992064b70f463439402dc828f08499b8a ima "
				   "00112233445566778899aabbccddeeff /bin/old\n";
	struct imalog_replay r;
	struct imalog_entry e;
	struct imalog l;
	bool contradicts;

	(void)state;
	imalog_replay_init(&r, IMALOG_PCR);
	assert_int_equal(imalog_open(SPAN(line, sizeof line - 1), scratch, sizeof scratch, &l),
			 ASSAY_OK);
	assert_true(imalog_next(&l, &e));
	assert_int_equal(imalog_replay_extend(&r, &e, &contradicts), ASSAY_OK);
	assert_false(contradicts);
	assert_string_equal(e.file.name, "md5");
	assert_int_equal(e.file.bytes.n, 16);
	assert_true(span_equal(e.path, SPAN("/bin/old", 8)));
	assert_false(imalog_next(&l, &e));
	assert_int_equal(imalog_finish(&l), ASSAY_OK);
}

static void
an_ascii_line_of_evm_sig_is_what_was_hashed(void **state)
{
	static struct imamade m;
	char line[1024], hash[41], digest[65];
	struct span f[9] = {imamade_digest("sha256:", 32, 0xab), SPAN("/a", 3),
			    SPAN("\5\6", 2), SPAN("security.ima", 13), SPAN("\1\0\0\0", 4),
			    SPAN("\7", 1), SPAN("\0\0\3\xe8", 4), SPAN("\0\0\0\0", 4),
			    SPAN("\x81\xed", 2)};
	struct imalog_entry e;
	struct imalog l;
	struct digest d;

	(void)state;
	m.big = true; /* the order is found by the hash */
	assert_int_equal(digest_compute(ALG_SHA1, imamade_data(&m, f, 9), &d), ASSAY_OK);
	assert_int_equal(hex_encode(digest_span(&d), hash, sizeof hash), ASSAY_OK);
	memset(digest, 0, sizeof digest);
	for (int i = 0; i < 32; i++)
		memcpy(digest + 2 * i, "ab", 2);
	snprintf(line, sizeof line,
		 "10 %s evm-sig sha256:%s /a 0506 security.ima 01000000 07 1000 0 33261\n", hash,
		 digest);
	assert_int_equal(imalog_open(SPAN(line, strlen(line)), scratch, sizeof scratch, &l),
			 ASSAY_OK);
	assert_true(imalog_next(&l, &e));
	assert_true(l.big);
	assert_true(span_equal(e.data, imamade_data(&m, f, 9)));
	assert_true(span_equal(e.template_digest, digest_span(&d)));
	assert_false(imalog_next(&l, &e));
	assert_int_equal(imalog_finish(&l), ASSAY_OK);
}

/* A file without the attributes has no names of them, not an empty one. */
static void
empty_fields_of_an_ascii_line_are_what_was_hashed(void **state)
{
	static struct imamade m;
	const struct span f[9] = {
		imamade_digest("sha256:", 32, 0xab), SPAN("/a", 3), SPAN("", 0), SPAN("", 0),
		SPAN("", 0), SPAN("", 0), SPAN("\0\0\0\0", 4), SPAN("\0\0\0\0", 4),
		SPAN("\xed\x81", 2)};
	char line[1024], hash[41], digest[65] = "";
	struct imalog_entry e;
	struct imalog l;
	struct digest d;

	(void)state;
	m.big = false;
	assert_int_equal(digest_compute(ALG_SHA1, imamade_data(&m, f, 9), &d), ASSAY_OK);
	assert_int_equal(hex_encode(digest_span(&d), hash, sizeof hash), ASSAY_OK);
	for (int k = 0; k < 32; k++)
		memcpy(digest + 2 * k, "ab", 2);
	snprintf(line, sizeof line, "10 %s evm-sig sha256:%s /a     0 0 33261\n", hash, digest);
	assert_int_equal(imalog_open(SPAN(line, strlen(line)), scratch, sizeof scratch, &l),
			 ASSAY_OK);
	assert_true(imalog_next(&l, &e));
	assert_true(span_equal(e.data, imamade_data(&m, f, 9)));
	assert_false(imalog_next(&l, &e));
	assert_int_equal(imalog_finish(&l), ASSAY_OK);
}

/* Also where the size of template hashes must be told from it. */
static void
an_unknown_template_of_the_first_entry_is_refused_by_name(void **state)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};
	static struct imamade m;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		const struct span f[] = {imamade_digest("sha256:", 32, 1), SPAN("/a", 3)};
		struct imalog_entry e;
		struct imalog l;

		imamade_begin(&m, algs[i / 2], i & 1);
		imamade_entry(&m, "d-ng|n-ng|new", imamade_data(&m, f, 2), false);
		assert_int_equal(imalog_open(imamade_list(&m), NULL, 0, &l), ASSAY_OK);
		assert_false(imalog_next(&l, &e));
		assert_int_equal(imalog_finish(&l), ASSAY_UNSUPPORTED);
		assert_true(span_equal(l.refused, SPAN("new", 3)));
	}
}

static void
what_is_unknown_is_refused_by_name(void **state)
{
	static const struct {
		const char *name, *prefix, *refused;
	} cases[] = {
		{"not-ima", "sha256:", "not-ima"},
		{"d-ng|n-ng|new", "sha256:", "new"},
		{"ima-ng", "blake3:", "blake3"},
		{"ima-ngv2", "merkle:sha256:", "merkle"},
	};
	static struct imamade m;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct span f[] = {imamade_digest(cases[i].prefix, 32, 1), SPAN("/a", 3)};
		struct imalog_entry e;
		struct imalog l;

		imamade_begin(&m, ALG_SHA1, false);
		imamade_file(&m, "/first", 1);
		imamade_entry(&m, cases[i].name, imamade_data(&m, f, 2), false);
		assert_int_equal(imalog_open(imamade_list(&m), NULL, 0, &l), ASSAY_OK);
		assert_true(imalog_next(&l, &e));
		assert_false(imalog_next(&l, &e));
		assert_int_equal(imalog_finish(&l), ASSAY_UNSUPPORTED);
		assert_true(span_equal(l.refused, SPAN(cases[i].refused,
						       strlen(cases[i].refused))));
	}
}

static void
fields_that_cannot_be_are_refused(void **state)
{
	static char longest[IMALOG_PATH_MAX + 2];
	static struct imamade m;
	const struct span good = imamade_digest("sha256:", 32, 1);
	const struct {
		struct span digest, name;
		enum assay_err want;
	} cases[] = {
		{good, SPAN("/a", 2), ASSAY_MALFORMED},	   /* no NUL */
		{good, SPAN("/a\0b", 5), ASSAY_MALFORMED}, /* one inside */
		{good, SPAN("", 0), ASSAY_MALFORMED},
		{good, SPAN(longest, sizeof longest), ASSAY_TOO_LARGE},
		{imamade_digest("sha256:", 31, 1), SPAN("/a", 3), ASSAY_MALFORMED},
		{imamade_digest("sha256", 32, 1), SPAN("/a", 3), ASSAY_MALFORMED},
		{SPAN("", 0), SPAN("/a", 3), ASSAY_MALFORMED},
	};

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct span f[] = {cases[i].digest, cases[i].name};

		imamade_begin(&m, ALG_SHA1, false);
		imamade_entry(&m, "ima-ng", imamade_data(&m, f, 2), false);
		assert_int_equal(read_all(imamade_list(&m), NULL), cases[i].want);
	}
}

/* ---- the list as a whole --------------------------------------------------- */

static void
every_truncation_and_extension_is_refused_or_ends_between_entries(void **state)
{
	static struct imamade m;
	size_t ends[4], k = 0;
	struct span all;

	(void)state;
	imamade_begin(&m, ALG_SHA1, false);
	for (int i = 0; i < 3; i++) {
		imamade_file(&m, "/usr/bin/true", (uint8_t)i);
		ends[k++] = m.w.len;
	}
	all = imamade_list(&m);
	for (size_t n = 1; n < all.n; n++)
		if (n != ends[0] && n != ends[1])
			assert_int_not_equal(read_all(SPAN(all.p, n), NULL), ASSAY_OK);
	wr_u8(&m.w, '\n');
	assert_int_equal(read_all(imamade_list(&m), NULL), ASSAY_TRUNCATED);
}

static void
an_empty_list_is_missing_and_a_huge_one_too_large(void **state)
{
	struct imalog l;

	(void)state;
	assert_int_equal(imalog_open(SPAN(NULL, 0), NULL, 0, &l), ASSAY_MISSING);
	assert_int_equal(imalog_open(SPAN("\n\0\0\0", IMALOG_MAX + 1), NULL, 0, &l),
			 ASSAY_TOO_LARGE);
	assert_int_equal(imalog_open(SPAN("\xff\xff\xff\xff", 4), NULL, 0, &l), ASSAY_BAD_MAGIC);
}

static void
an_ascii_list_without_scratch_memory_is_refused(void **state)
{
	struct imalog_entry e;
	struct imalog l;
	const char *line = "10 7936eb315fb4e74b99e7d461bc5c96049e1ee092 ima-ng "
			   "sha1:bc026ae66d81713e4e852465e980784dc96651f8 /usr/lib/systemd/systemd";

	(void)state;
	assert_int_equal(imalog_open(SPAN(line, strlen(line)), NULL, 0, &l), ASSAY_OK);
	assert_int_equal(imalog_finish(&l), ASSAY_STATE);
	assert_false(imalog_next(&l, &e));
	assert_int_equal(imalog_finish(&l), ASSAY_TOO_LARGE);
}

static void
malformed_signatures_are_told_from_good_ones(void **state)
{
	static const uint8_t good[] = {3, 2, 4, 1, 2, 3, 4, 0, 2, 9, 9};
	uint8_t bad[sizeof good + 1] = {0};
	struct imalog_signature s;

	(void)state;
	assert_int_equal(imalog_signature(SPAN(good, sizeof good), &s), ASSAY_OK);
	assert_int_equal(s.key_id, 0x01020304);
	for (size_t n = 0; n < sizeof good; n++)
		assert_int_equal(imalog_signature(SPAN(good, n), &s), ASSAY_TRUNCATED);
	memcpy(bad, good, sizeof good);
	assert_int_equal(imalog_signature(SPAN(bad, sizeof bad), &s), ASSAY_TRAILING);
	bad[0] = 4;
	assert_int_equal(imalog_signature(SPAN(bad, sizeof good), &s), ASSAY_BAD_TYPE);
	bad[0] = 3;
	bad[2] = 23;
	assert_int_equal(imalog_signature(SPAN(bad, sizeof good), &s), ASSAY_UNSUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_boot_leads_to_its_pcr_10_in_every_bank),
		cmocka_unit_test(boot_aggregate_is_that_of_the_recorded_pcrs),
		cmocka_unit_test(both_formats_of_a_list_say_the_same),
		cmocka_unit_test(signatures_buffers_and_templates_are_where_the_kernel_put_them),
		cmocka_unit_test(appended_signatures_are_in_the_fields_of_ima_modsig_alone),
		cmocka_unit_test(every_template_is_read_in_both_byte_orders_and_every_bank),
		cmocka_unit_test(md5_digests_of_the_old_template_are_read_beside_sha1),
		cmocka_unit_test(
			an_md5_digest_in_an_ascii_line_of_the_old_template_is_what_was_hashed),
		cmocka_unit_test(an_ascii_line_of_evm_sig_is_what_was_hashed),
		cmocka_unit_test(empty_fields_of_an_ascii_line_are_what_was_hashed),
		cmocka_unit_test(an_unknown_template_of_the_first_entry_is_refused_by_name),
		cmocka_unit_test(what_is_unknown_is_refused_by_name),
		cmocka_unit_test(fields_that_cannot_be_are_refused),
		cmocka_unit_test(every_truncation_and_extension_is_refused_or_ends_between_entries),
		cmocka_unit_test(an_empty_list_is_missing_and_a_huge_one_too_large),
		cmocka_unit_test(an_ascii_list_without_scratch_memory_is_refused),
		cmocka_unit_test(malformed_signatures_are_told_from_good_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
