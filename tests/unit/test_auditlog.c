/* test_auditlog.c: an exported audit log: any change of it is found. */
#include "tests/support/unit.h"

#include "evidence/auditlog.h"
#include "evidence/record.h"
#include "verifier/result/signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1795341600
#define ENTRIES 6

static struct signer *root, *audit;
static uint8_t file[32768], other[32768];
static size_t len, line_at[ENTRIES + 3];
static struct auditlog_entry entries[ENTRIES];
static const struct auditlog_expect nothing;
static struct auditlog_report report;

static struct signer *
make(void)
{
	uint8_t secret[SIGNER_SECRET_SIZE];
	struct signer *s = NULL;

	assert_int_equal(signer_make(secret), ASSAY_OK);
	assert_int_equal(signer_new(secret, &s), ASSAY_OK);
	return s;
}

static void
put_statement(struct signer *of, uint32_t n, enum keyset_role role, struct writer *w)
{
	struct keyset_statement s = {.issuer = "urn:x", .n = n, .role = role, .at = NOW};
	uint8_t payload[KEYSET_STATEMENT_MAX];
	struct writer p;

	s.key = *signer_public(of);
	wr_init(&p, payload, sizeof payload);
	assert_int_equal(keyset_statement_write(&s, &p), ASSAY_OK);
	assert_int_equal(signer_jws(root, KEYSET_TYP, wr_span(&p), w), ASSAY_OK);
	wr_u8(w, '\n');
}

/* A log of n entries, with the head that `by` signs. */
static size_t
make_log(uint8_t *out, size_t cap, unsigned n, struct signer *by)
{
	uint8_t chain[4096], payload[512], head[1024];
	struct audit_head h = {.issuer = "urn:x", .at = NOW};
	struct writer w, c, p, j;

	wr_init(&w, out, cap);
	for (unsigned i = 0; i < n; i++) {
		struct auditlog_entry *a = &entries[i];

		memset(a, 0, sizeof *a);
		a->seq = i + 1;
		a->at = NOW + i;
		snprintf(a->actor, sizeof a->actor, "op-%u", i);
		snprintf(a->action, sizeof a->action, "device.hold");
		snprintf(a->object, sizeof a->object, "%032x", i);
		snprintf(a->detail, sizeof a->detail, "\"quoted\\\" \xe9 %u", i);
		if (i > 0)
			memcpy(a->previous, entries[i - 1].hash, 32);
		assert_int_equal(auditlog_hash(a, a->hash), ASSAY_OK);
		line_at[i] = w.len;
		assert_int_equal(auditlog_put(a, &w), ASSAY_OK);
	}
	line_at[n] = w.len;
	wr_init(&c, chain, sizeof chain);
	put_statement(root, 0, KEYSET_DECISION, &c);
	put_statement(audit, 1, KEYSET_AUDIT, &c);
	h.seq = n;
	if (n > 0)
		memcpy(h.hash, entries[n - 1].hash, 32);
	wr_init(&p, payload, sizeof payload);
	assert_int_equal(audit_head_write(&h, &p), ASSAY_OK);
	wr_init(&j, head, sizeof head);
	assert_int_equal(signer_jws(by, RECORD_TYP_AUDIT, wr_span(&p), &j), ASSAY_OK);
	assert_int_equal(auditlog_put_end(wr_span(&j), wr_span(&c), &w), ASSAY_OK);
	line_at[n + 1] = w.len;
	return w.len;
}

static int
set_up(void **state)
{
	(void)state;
	root = make();
	audit = make();
	len = make_log(file, sizeof file, ENTRIES, audit);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	signer_free(root);
	signer_free(audit);
	return 0;
}

/* The log in pieces of so many bytes. */
static enum assay_err
verify_in(struct span log, size_t piece, const struct auditlog_expect *x)
{
	static struct auditlog_check c;
	struct reader r;

	rd_init(&r, log);
	auditlog_begin(&c, x, &report);
	while (rd_left(&r) > 0) {
		struct span next = rd_bytes(&r, piece < rd_left(&r) ? piece : rd_left(&r));

		if (auditlog_feed(&c, next) != ASSAY_OK)
			break;
	}
	return auditlog_end(&c);
}

static enum assay_err
verify_for(struct span log, const struct auditlog_expect *x)
{
	return verify_in(log, log.n, x);
}

static enum assay_err
verify(const uint8_t *p, size_t n)
{
	return verify_for(SPAN(p, n), &nothing);
}

static void
a_whole_log_is_whole(void **state)
{
	struct auditlog_expect x = {.root = signer_kid(root), .has_seq = true, .seq = 3,
				    .has_hash = true};

	(void)state;
	assert_int_equal(verify(file, len), ASSAY_OK);
	assert_int_equal(report.entries, ENTRIES);
	assert_string_equal(report.root, signer_kid(root));
	memcpy(x.hash, entries[2].hash, 32);
	assert_int_equal(verify_for(SPAN(file, len), &x), ASSAY_OK);
	x.hash[0] ^= 1;
	assert_int_equal(verify_for(SPAN(file, len), &x), ASSAY_NOT_FOUND);
	x.root = signer_kid(audit);
	assert_int_not_equal(verify_for(SPAN(file, len), &x), ASSAY_OK);
}

static void
every_single_bit_that_changes_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8 * len; i++) {
		file[i / 8] = (uint8_t)(file[i / 8] ^ 1u << i % 8);
		if (verify(file, len) == ASSAY_OK)
			fail_msg("bit %zu of byte %zu", i % 8, i / 8);
		file[i / 8] = (uint8_t)(file[i / 8] ^ 1u << i % 8);
	}
	assert_int_equal(verify(file, len), ASSAY_OK);
}

static void
every_truncation_and_extension_is_found(void **state)
{
	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_int_not_equal(verify(file, n), ASSAY_OK);
	memcpy(other, file, len);
	other[len] = '\n';
	assert_int_not_equal(verify(other, len + 1), ASSAY_OK);
	memcpy(other + len, file + line_at[ENTRIES], len - line_at[ENTRIES]);
	assert_int_not_equal(verify(other, len + len - line_at[ENTRIES]), ASSAY_OK);
}

/* The file without line i. */
static size_t
without(unsigned i, uint8_t *out)
{
	size_t head = line_at[i], cut = line_at[i + 1];

	memcpy(out, file, head);
	memcpy(out + head, file + cut, len - cut);
	return head + len - cut;
}

static void
removed_and_reordered_entries_are_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ENTRIES; i++)
		assert_int_not_equal(verify(other, without(i, other)), ASSAY_OK);
	for (unsigned i = 0; i + 1 < ENTRIES; i++) {
		size_t a = line_at[i + 1] - line_at[i], b = line_at[i + 2] - line_at[i + 1];

		memcpy(other, file, len);
		memcpy(other + line_at[i], file + line_at[i + 1], b);
		memcpy(other + line_at[i] + b, file + line_at[i], a);
		assert_int_not_equal(verify(other, len), ASSAY_OK);
	}
}

/* A shorter log with a genuine head of its own: only who knows a later head sees it. */
static void
a_log_cut_off_by_the_verifier_itself_shows_by_a_head_that_is_known(void **state)
{
	struct auditlog_expect x = {.has_seq = true, .seq = ENTRIES, .has_hash = true};
	size_t n;

	(void)state;
	memcpy(x.hash, entries[ENTRIES - 1].hash, 32);
	n = make_log(other, sizeof other, ENTRIES - 1, audit);
	assert_int_equal(verify(other, n), ASSAY_OK);
	assert_int_equal(verify_for(SPAN(other, n), &x), ASSAY_NOT_FOUND);
	/* signed by another key it is nothing */
	n = make_log(other, sizeof other, ENTRIES - 1, root);
	assert_int_equal(verify(other, n), ASSAY_BAD_SIGNATURE);
}

static void
an_empty_log_is_whole_and_an_empty_file_is_none(void **state)
{
	size_t n = make_log(other, sizeof other, 0, audit);

	(void)state;
	assert_int_equal(verify(other, n), ASSAY_OK);
	assert_int_equal(verify(other, 0), ASSAY_TRUNCATED);
}

static void
pieces_of_any_size_give_the_same(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= len; piece++)
		assert_int_equal(verify_in(SPAN(file, len), piece, &nothing), ASSAY_OK);
	for (size_t i = 0; i < len; i++) {
		uint64_t line;
		enum assay_err e;

		file[i] ^= 1;
		e = verify(file, len);
		line = report.line;
		assert_int_not_equal(e, ASSAY_OK);
		assert_int_equal(verify_in(SPAN(file, len), 1 + i % 61, &nothing), e);
		assert_int_equal(report.line, line);
		file[i] ^= 1;
	}
}

/* However long the log is, a line of it is not. */
static void
a_line_that_never_ends_is_refused(void **state)
{
	static struct auditlog_check c;
	static uint8_t spaces[4096];
	size_t fed = 0;

	(void)state;
	memset(spaces, ' ', sizeof spaces);
	auditlog_begin(&c, &nothing, &report);
	assert_int_equal(auditlog_feed(&c, SPAN(file, line_at[1])), ASSAY_OK);
	while (auditlog_feed(&c, SPAN(spaces, sizeof spaces)) == ASSAY_OK)
		fed += sizeof spaces;
	assert_in_range(fed, AUDITLOG_LINE_MAX - sizeof spaces, AUDITLOG_LINE_MAX);
	assert_int_equal(auditlog_feed(&c, SPAN("\n", 1)), ASSAY_MALFORMED);
	assert_int_equal(auditlog_end(&c), ASSAY_MALFORMED);
	assert_int_equal(report.line, 2);
	assert_int_equal(report.entries, 1);
}

/* Many times what is held of it at once. */
static void
a_long_log_is_checked_to_its_end(void **state)
{
	static struct auditlog_check c;
	struct auditlog_entry a = {.at = NOW, .actor = "x", .action = "y", .object = "z"};
	uint8_t line[2048];
	struct writer w;

	(void)state;
	auditlog_begin(&c, &nothing, &report);
	for (a.seq = 1; a.seq <= 20000; a.seq++) {
		memset(a.detail, 'd', sizeof a.detail - 1);
		assert_int_equal(auditlog_hash(&a, a.hash), ASSAY_OK);
		wr_init(&w, line, sizeof line);
		assert_int_equal(auditlog_put(&a, &w), ASSAY_OK);
		assert_int_equal(auditlog_feed(&c, wr_span(&w)), ASSAY_OK);
		memcpy(a.previous, a.hash, sizeof a.hash);
	}
	assert_int_equal(report.entries, 20000);
	assert_int_equal(auditlog_feed(&c, wr_span(&w)), ASSAY_MISMATCH);
	assert_int_equal(report.line, 20001);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_whole_log_is_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_single_bit_that_changes_is_found, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(every_truncation_and_extension_is_found, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(removed_and_reordered_entries_are_found, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_log_cut_off_by_the_verifier_itself_shows_by_a_head_that_is_known, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(an_empty_log_is_whole_and_an_empty_file_is_none,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(pieces_of_any_size_give_the_same, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_line_that_never_ends_is_refused, set_up,
						tear_down),
		cmocka_unit_test(a_long_log_is_checked_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
