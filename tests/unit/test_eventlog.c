/* test_eventlog.c: layout and replay of measured-boot event logs. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/eventlog.h"
#include "evidence/hex.h"
#include "evidence/writer.h"

#define LOG_ROOM 4096

/* A log under construction: agile with the given banks, or SHA-1. */
struct made {
	uint8_t buf[LOG_ROOM];
	struct writer w;
	const uint16_t *algs;
	size_t nalgs;
};

static const uint16_t sha256_only[] = {ALG_SHA256};
static const uint16_t two_banks[] = {ALG_SHA1, ALG_SHA256};

static uint16_t
size_of(uint16_t alg)
{
	size_t n = digest_size(alg);

	return n ? (uint16_t)n : 5; /* an algorithm nobody knows */
}

static void
add_header(struct made *m, uint32_t pcr, uint32_t type)
{
	wr_le32(&m->w, pcr);
	wr_le32(&m->w, type);
}

static void
add_zeros(struct made *m, size_t n)
{
	while (n-- > 0)
		wr_u8(&m->w, 0);
}

static void
begin_agile(struct made *m, const uint16_t *algs, size_t n, uint32_t pcr)
{
	wr_init(&m->w, m->buf, sizeof m->buf);
	m->algs = algs;
	m->nalgs = n;
	add_header(m, pcr, EV_NO_ACTION);
	add_zeros(m, 20);
	wr_le32(&m->w, (uint32_t)(29 + 4 * n));
	wr_bytes(&m->w, SPAN("Spec ID Event03", 16));
	wr_le32(&m->w, 0);
	wr_bytes(&m->w, SPAN("\0\2\0\2", 4));
	wr_le32(&m->w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		wr_le16(&m->w, algs[i]);
		wr_le16(&m->w, size_of(algs[i]));
	}
	wr_u8(&m->w, 0);
}

/* An event whose digests are all of its data's (or fill, where not computable). */
static void
add_event(struct made *m, uint32_t pcr, uint32_t type, struct span data)
{
	add_header(m, pcr, type);
	wr_le32(&m->w, (uint32_t)m->nalgs);
	for (size_t i = 0; i < m->nalgs; i++) {
		struct digest d;

		wr_le16(&m->w, m->algs[i]);
		if (digest_compute(m->algs[i], data, &d) == ASSAY_OK)
			wr_bytes(&m->w, digest_span(&d));
		else
			add_zeros(m, size_of(m->algs[i]));
	}
	wr_le32(&m->w, (uint32_t)data.n);
	wr_bytes(&m->w, data);
}

static void
add_sha1_event(struct made *m, uint32_t pcr, uint32_t type, struct span data)
{
	struct digest d;

	assert_int_equal(digest_compute(ALG_SHA1, data, &d), ASSAY_OK);
	add_header(m, pcr, type);
	wr_bytes(&m->w, digest_span(&d));
	wr_le32(&m->w, (uint32_t)data.n);
	wr_bytes(&m->w, data);
}

static struct span
made(const struct made *m)
{
	assert_int_equal(m->w.err, ASSAY_OK);
	return wr_span(&m->w);
}

static enum assay_err
replay_of(struct span log)
{
	struct eventlog_replay r;

	return eventlog_replay(log, false, &r);
}

static void
assert_pcr_hex(const struct eventlog_replay *r, uint16_t alg, unsigned pcr, const char *hex)
{
	char got[2 * DIGEST_MAX + 1];

	for (size_t i = 0; i < r->pcrs.count; i++) {
		const struct pcr_bank *b = &r->pcrs.bank[i];

		if (b->alg != alg)
			continue;
		assert_true(b->mask & 1u << pcr);
		assert_int_equal(hex_encode(digest_span(&b->value[pcr]), got, sizeof got),
				 ASSAY_OK);
		assert_string_equal(got, hex);
		return;
	}
	fail_msg("no bank %04x", alg);
}

/* ---- real boots ---------------------------------------------------------- */

/* Compares with a listing as tpm2_pcrread prints it; returns how many agreed. */
static unsigned
compare_with_pcrread(const struct eventlog_replay *r, char *text)
{
	unsigned agreed = 0, pcr;
	uint16_t alg = ALG_NONE;
	char word[16], hex[2 * DIGEST_MAX + 1];

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, " %15[a-z0-9]:", word) == 1 && strstr(line, "0x") == NULL) {
			alg = digest_by_name(word);
			continue;
		}
		if (sscanf(line, " %u : 0x%128[0-9A-F]", &pcr, hex) != 2)
			continue;
		for (char *c = hex; *c; c++)
			*c = (char)(*c >= 'A' ? *c + 32 : *c);
		if (pcr < PCR_COUNT && r->extends[pcr] > 0) {
			assert_pcr_hex(r, alg, pcr, hex);
			agreed++;
		}
	}
	return agreed;
}

static void
check_boot(const char *name, unsigned at_least)
{
	char file[64];
	struct span log, text;
	struct eventlog_replay r;
	char *copy;

	snprintf(file, sizeof file, "eventlog/%s.bin", name);
	log = unit_data(file);
	snprintf(file, sizeof file, "eventlog/%s.pcrs.txt", name);
	text = unit_data(file);
	copy = calloc(1, text.n + 1);
	assert_non_null(copy);
	memcpy(copy, text.p, text.n);
	assert_int_equal(eventlog_replay(log, false, &r), ASSAY_OK);
	assert_int_equal(r.tail_bytes, 0);
	if (compare_with_pcrread(&r, copy) < at_least)
		fail_msg("%s: too few PCRs compared", name);
	free(copy);
	unit_free(log);
	unit_free(text);
}

static void
replay_equals_the_pcrs_of_every_recorded_boot(void **state)
{
	(void)state;
	check_boot("uki-good", 20);
	check_boot("uki-cmdline", 20);
	check_boot("uki-initrd", 20);
	check_boot("uki-kernel", 20);
	check_boot("uki-optrom", 20);
	check_boot("uki-allbanks", 40);
	check_boot("uki-sha256only", 10);
	check_boot("grub-good", 20);
	check_boot("grub-cmdline", 20);
	check_boot("grub-initrd", 20);
	check_boot("grub-kernel", 20);
	check_boot("sb-good", 20);
	check_boot("sb-cmdline", 20);
	check_boot("sb-off", 20);
	check_boot("sb-shim-good", 20);
	check_boot("sb-shim-cmdline", 20);
	check_boot("sb-shim-initrd", 20);
	check_boot("sdboot-good", 18);
	check_boot("sdboot-initrd", 18);
}

static void
h_crtm_starts_pcr0_at_locality_4(void **state)
{
	const char *path = unit_shared("eventlogs/tss-binary_measurements_hcrtm.bin");
	struct eventlog_replay r;
	struct span log;

	(void)state;
	if (!path)
		skip();
	log = unit_file(path);
	assert_int_equal(eventlog_replay(log, false, &r), ASSAY_OK);
	assert_true(r.hcrtm);
	assert_pcr_hex(&r, ALG_SHA1, 0, "15f4e6ca457d1af6bc49511a93ba3500ad69acc5");
	assert_int_equal(r.pcrs.count, 2); /* its SM3 bank cannot be replayed */
	assert_int_equal(r.nalgs, 3);
	unit_free(log);
}

/* ---- the header: L12 ----------------------------------------------------- */

static void
an_empty_log_is_missing_not_empty(void **state)
{
	(void)state;
	assert_int_equal(replay_of(SPAN(NULL, 0)), ASSAY_MISSING);
}

static void
l13_log_over_the_limit_is_refused(void **state)
{
	uint8_t *big = calloc(1, EVENTLOG_MAX + 1);

	(void)state;
	assert_non_null(big);
	assert_int_equal(replay_of(SPAN(big, EVENTLOG_MAX + 1)), ASSAY_TOO_LARGE);
	free(big);
}

static void
l12_spec_id_that_contradicts_itself_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum assay_err want;
	} cases[] = {
		{0, 9, ASSAY_MALFORMED},    /* register of the Spec-ID record */
		{28, 36, ASSAY_MALFORMED},  /* its size cuts the vendor size off */
		{28, 38, ASSAY_MALFORMED},  /* one byte too many */
		{56, 0, ASSAY_MALFORMED},   /* no algorithm */
		{56, 1, ASSAY_MALFORMED},   /* fewer than there are */
		{56, 3, ASSAY_MALFORMED},   /* more than there are */
		{56, 9, ASSAY_TOO_MANY},
		{59, 255, ASSAY_TOO_MANY},
		{60, 0x0B, ASSAY_MALFORMED}, /* SHA-256 of 20 bytes */
		{62, 0, ASSAY_MALFORMED},    /* SHA-1 of 0 bytes */
		{62, 32, ASSAY_MALFORMED},
		{67, 1, ASSAY_MALFORMED},    /* SHA-256 of 288 bytes */
		{68, 200, ASSAY_TRUNCATED},  /* vendor bytes beyond the log */
	};
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin_agile(&m, two_banks, 2, 0);
		add_event(&m, 4, 5, SPAN("abcd", 4));
		m.buf[cases[i].at] = cases[i].value;
		if (replay_of(made(&m)) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void
l12_algorithm_declared_twice_is_refused(void **state)
{
	static const uint16_t twice[] = {ALG_SHA256, ALG_SHA256};
	struct made m;

	(void)state;
	begin_agile(&m, twice, 2, 0);
	assert_int_equal(replay_of(made(&m)), ASSAY_DUPLICATE);
}

static void
l12_unknown_algorithm_is_skipped_by_its_declared_size(void **state)
{
	static const uint16_t algs[] = {0x7777, ALG_SHA256, ALG_SM3_256};
	struct eventlog_replay a, b;
	struct made m;

	(void)state;
	begin_agile(&m, algs, 3, 0);
	add_event(&m, 4, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_replay(made(&m), false, &a), ASSAY_OK);
	assert_int_equal(a.nalgs, 3);
	assert_int_equal(a.pcrs.count, 1);
	begin_agile(&m, sha256_only, 1, 0);
	add_event(&m, 4, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_replay(made(&m), false, &b), ASSAY_OK);
	assert_true(digest_equal(&a.pcrs.bank[0].value[4], &b.pcrs.bank[0].value[4]));
}

static void
l12_digest_count_and_algorithms_must_be_the_declared_ones(void **state)
{
	const size_t count = 69 + 8, first_alg = count + 4, second_alg = first_alg + 22;
	struct made m;

	(void)state;
	begin_agile(&m, two_banks, 2, 0);
	add_event(&m, 4, 5, SPAN("abcd", 4));
	m.buf[count] = 3;
	assert_int_equal(replay_of(made(&m)), ASSAY_MALFORMED);
	m.buf[count] = 0;
	assert_int_equal(replay_of(made(&m)), ASSAY_MALFORMED);
	m.buf[count] = 2;
	m.buf[second_alg] = ALG_SHA384;
	assert_int_equal(replay_of(made(&m)), ASSAY_MALFORMED);
	m.buf[second_alg] = ALG_SHA1;
	assert_int_equal(replay_of(made(&m)), ASSAY_DUPLICATE);
	m.buf[second_alg] = ALG_SHA256;
	assert_int_equal(replay_of(made(&m)), ASSAY_OK);
	m.buf[first_alg] = 0;
	assert_int_equal(replay_of(made(&m)), ASSAY_MALFORMED);
}

static void
an_event_without_a_banks_digest_is_counted_as_unmeasured_in_it(void **state)
{
	struct eventlog_replay r;
	struct made m;

	(void)state;
	begin_agile(&m, two_banks, 2, 0);
	add_event(&m, 4, 5, SPAN("abcd", 4));
	m.nalgs = 1; /* SHA-1 alone, as Windows does it */
	add_event(&m, 11, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_replay(made(&m), false, &r), ASSAY_OK);
	assert_int_equal(r.unmeasured[0], 0);
	assert_int_equal(r.unmeasured[1], 1);
	assert_int_equal(r.extends[11], 1);
	assert_int_equal(r.pcrs.bank[0].mask, 1u << 4 | 1u << 11);
	assert_int_equal(r.pcrs.bank[1].mask, 1u << 4);
}

static void
vendor_information_is_read_inside_or_behind_the_record(void **state)
{
	struct eventlog l;
	struct made m;

	(void)state;
	begin_agile(&m, two_banks, 2, 0);
	m.buf[68] = 4;
	wr_bytes(&m.w, SPAN("vend", 4));
	add_event(&m, 4, 5, SPAN("abcd", 4));
	for (uint8_t size = 37; size <= 41; size += 4) {
		m.buf[28] = size;
		assert_int_equal(eventlog_open(made(&m), false, &l), ASSAY_OK);
		assert_true(span_equal(l.vendor_info, SPAN("vend", 4)));
		assert_int_equal(replay_of(made(&m)), ASSAY_OK);
	}
}

static void
a_cc_log_is_not_taken_for_a_tpms(void **state)
{
	static const uint16_t sha384[] = {ALG_SHA384};
	struct eventlog_replay r;
	struct made m;

	(void)state;
	begin_agile(&m, sha384, 1, 1);
	add_event(&m, 1, 4, SPAN("\0\0\0\0", 4));
	assert_int_equal(replay_of(made(&m)), ASSAY_BAD_TYPE);
	assert_int_equal(eventlog_replay(made(&m), true, &r), ASSAY_OK);
	assert_int_equal(r.format, EVENTLOG_CC);
	wr_init(&m.w, m.buf, sizeof m.buf);
	add_sha1_event(&m, 0, 8, SPAN("v", 1));
	assert_int_equal(eventlog_replay(made(&m), true, &r), ASSAY_BAD_TYPE);
}

/* ---- records and the end: L13 -------------------------------------------- */

static void
check_truncated(const struct made *m, size_t spec_id, size_t last)
{
	struct span whole = made(m);

	for (size_t n = 1; n < whole.n; n++) {
		enum assay_err e = replay_of(SPAN(whole.p, n));
		enum assay_err want = n == spec_id || n == last ? ASSAY_OK : ASSAY_TRUNCATED;

		if (e != (n <= 4 ? ASSAY_MISSING : want)) /* it starts with four zeros */
			fail_msg("cut at %zu: %s", n, assay_err_name(e));
	}
}

static void
l13_every_truncation_inside_a_record_is_refused(void **state)
{
	struct made m;
	size_t spec_id, last;

	(void)state;
	begin_agile(&m, two_banks, 2, 0);
	spec_id = m.w.len;
	add_event(&m, 4, 5, SPAN("abcd", 4));
	last = m.w.len;
	add_event(&m, 0x01, 0x80000007u, SPAN("efgh", 4));
	check_truncated(&m, spec_id, last);
}

static void
l13_size_beyond_the_log_is_refused(void **state)
{
	static const uint32_t sizes[] = {5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct writer size;

		begin_agile(&m, sha256_only, 1, 0);
		add_event(&m, 4, 5, SPAN("abcd", 4));
		wr_init(&size, m.buf + m.w.len - 8, 4);
		wr_le32(&size, sizes[i]);
		assert_int_equal(replay_of(made(&m)), ASSAY_TRUNCATED);
	}
}

static enum assay_err
with_tail(struct span tail, size_t *ret_tail)
{
	struct eventlog_replay r = {0};
	struct made m;
	enum assay_err e;

	begin_agile(&m, sha256_only, 1, 0);
	add_event(&m, 4, 5, SPAN("abcd", 4));
	wr_bytes(&m.w, tail);
	e = eventlog_replay(made(&m), false, &r);
	*ret_tail = r.tail_bytes;
	return e;
}

static void
l13_padding_and_the_windows_trailer_are_a_tail_of_known_length(void **state)
{
	static const uint8_t zeros[33];
	uint8_t ones[33];
	static const uint8_t wbcl[] = {0xFF, 0xFF, 0xFF, 0xFF, 3, 0, 0, 0, 1, 2, 3, 4, 5,
				       6,    7,	   8,	 9,    0, 1, 2, 3, 4, 5};
	size_t tail;

	(void)state;
	memset(ones, 0xFF, sizeof ones);
	for (size_t n = 0; n <= 33; n++) {
		assert_int_equal(with_tail(SPAN(ones, n), &tail), ASSAY_OK);
		assert_int_equal(tail, n);
		assert_int_equal(with_tail(SPAN(zeros, n), &tail), ASSAY_OK);
		assert_int_equal(tail, n);
	}
	assert_int_equal(with_tail(SPAN(wbcl, sizeof wbcl), &tail), ASSAY_OK);
	assert_int_equal(tail, sizeof wbcl);
}

static void
l13_records_behind_zero_padding_are_refused(void **state)
{
	uint8_t tail[64] = {0};
	size_t n;

	(void)state;
	tail[40] = 4;
	assert_int_equal(with_tail(SPAN(tail, sizeof tail), &n), ASSAY_MALFORMED);
}

static void
l13_register_out_of_range_is_refused(void **state)
{
	static const uint32_t registers[] = {24, 31, 32, 0x100, 0xFFFFFFFE};
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof registers / sizeof registers[0]; i++) {
		begin_agile(&m, sha256_only, 1, 0);
		add_event(&m, registers[i], 5, SPAN("abcd", 4));
		assert_int_equal(replay_of(made(&m)), ASSAY_MALFORMED);
	}
}

static void
l13_more_events_than_the_limit_are_refused(void **state)
{
	size_t room = 64 + (size_t)24 * (EVENTLOG_EVENTS_MAX + 1);
	uint8_t *log = calloc(1, room);
	static const uint16_t unknown[] = {0x7777};
	struct made head, event;
	struct writer w;

	(void)state;
	assert_non_null(log);
	begin_agile(&head, unknown, 1, 0);
	wr_init(&event.w, event.buf, sizeof event.buf);
	event.algs = unknown;
	event.nalgs = 1;
	add_event(&event, 4, 5, SPAN(NULL, 0));
	wr_init(&w, log, room);
	wr_bytes(&w, made(&head));
	for (size_t i = 1; i < EVENTLOG_EVENTS_MAX; i++)
		wr_bytes(&w, made(&event));
	assert_int_equal(replay_of(wr_span(&w)), ASSAY_OK);
	wr_bytes(&w, made(&event));
	assert_int_equal(w.err, ASSAY_OK);
	assert_int_equal(replay_of(wr_span(&w)), ASSAY_TOO_MANY);
	free(log);
}

/* ---- initial values: L8 to L11 ------------------------------------------- */

static const uint8_t locality_3[] = "StartupLocality\0\3";
#define LOCALITY(v) ((const uint8_t[]){'S','t','a','r','t','u','p','L','o','c','a','l','i','t','y',0,(v)})

static enum assay_err
locality_log(uint32_t pcr, struct span data, bool late, bool twice)
{
	struct made m;

	begin_agile(&m, sha256_only, 1, 0);
	if (late)
		add_event(&m, 0, 8, SPAN("v", 1));
	add_event(&m, pcr, EV_NO_ACTION, data);
	if (twice)
		add_event(&m, pcr, EV_NO_ACTION, data);
	add_event(&m, 0, 8, SPAN("w", 1));
	return replay_of(made(&m));
}

static void
l8_startup_locality_breaks_no_rule(void **state)
{
	(void)state;
	assert_int_equal(locality_log(0, SPAN(locality_3, 17), false, false), ASSAY_OK);
	assert_int_equal(locality_log(1, SPAN(locality_3, 17), false, false), ASSAY_MALFORMED);
	assert_int_equal(locality_log(0, SPAN(locality_3, 17), true, false), ASSAY_MALFORMED);
	assert_int_equal(locality_log(0, SPAN(locality_3, 17), false, true), ASSAY_DUPLICATE);
	assert_int_equal(locality_log(0, SPAN(locality_3, 16), false, false), ASSAY_MALFORMED);
	assert_int_equal(locality_log(0, SPAN(locality_3, 18), false, false), ASSAY_MALFORMED);
	for (unsigned v = 0; v < 256; v++) {
		bool fine = v == 0 || v == 3 || v == 4;

		assert_int_equal(locality_log(0, SPAN(LOCALITY((uint8_t)v), 17), false, false),
				 fine ? ASSAY_OK : ASSAY_MALFORMED);
	}
}

/* PCR 0 after one event, from a given first value. */
static void
expected_pcr0(uint8_t first, const char *data, struct digest *ret)
{
	struct digest d;

	assert_int_equal(digest_fill(ALG_SHA256, 0, ret), ASSAY_OK);
	ret->b[31] = first;
	assert_int_equal(digest_compute(ALG_SHA256, SPAN(data, strlen(data)), &d), ASSAY_OK);
	assert_int_equal(digest_extend(ret, digest_span(&d)), ASSAY_OK);
}

static void
l8_startup_locality_is_pcr0s_first_value(void **state)
{
	struct eventlog_replay r;
	struct digest want;
	struct made m;

	(void)state;
	for (uint8_t v = 0; v <= 4; v = v == 0 ? 3 : (uint8_t)(v + 1)) {
		begin_agile(&m, sha256_only, 1, 0);
		add_event(&m, 0, EV_NO_ACTION, SPAN(LOCALITY(v), 17));
		add_event(&m, 0, 8, SPAN("w", 1));
		assert_int_equal(eventlog_replay(made(&m), false, &r), ASSAY_OK);
		assert_int_equal(r.startup_locality, v);
		expected_pcr0(v, "w", &want);
		assert_true(digest_equal(&r.pcrs.bank[0].value[0], &want));
	}
}

static void
l8_h_crtm_forces_locality_4_and_must_come_first(void **state)
{
	struct eventlog_replay r;
	struct digest want;
	struct made m;

	(void)state;
	begin_agile(&m, sha256_only, 1, 0);
	add_event(&m, 0, EV_NO_ACTION, SPAN(locality_3, 17));
	add_event(&m, 0, EV_EFI_HCRTM_EVENT, SPAN("HCRTM", 5));
	assert_int_equal(eventlog_replay(made(&m), false, &r), ASSAY_OK);
	expected_pcr0(4, "HCRTM", &want);
	assert_true(digest_equal(&r.pcrs.bank[0].value[0], &want));
	begin_agile(&m, sha256_only, 1, 0);
	add_event(&m, 0, 8, SPAN("v", 1));
	add_event(&m, 0, EV_EFI_HCRTM_EVENT, SPAN("HCRTM", 5));
	assert_int_equal(replay_of(made(&m)), ASSAY_MALFORMED);
	begin_agile(&m, sha256_only, 1, 0);
	add_event(&m, 1, EV_EFI_HCRTM_EVENT, SPAN("HCRTM", 5));
	assert_int_equal(replay_of(made(&m)), ASSAY_MALFORMED);
}

static void
l9_l11_no_action_is_never_extended_whatever_it_says(void **state)
{
	struct eventlog_replay r;
	struct made m;

	(void)state;
	begin_agile(&m, sha256_only, 1, 0);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		add_event(&m, pcr, EV_NO_ACTION, SPAN("InitialValue\0\0\0\1", 17));
		add_event(&m, pcr, EV_NO_ACTION, SPAN("StartupLocalitx\0\3", 17));
	}
	assert_int_equal(eventlog_replay(made(&m), false, &r), ASSAY_OK);
	assert_int_equal(r.pcrs.bank[0].mask, 0);
	for (unsigned i = 0; i < PCR_COUNT; i++)
		assert_int_equal(r.extends[i], 0);
	assert_int_equal(r.startup_locality, -1);
}

static void
l10_first_values_are_zeros_and_for_17_to_22_ones(void **state)
{
	struct eventlog_replay r;
	struct made m;

	(void)state;
	begin_agile(&m, sha256_only, 1, 0);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		add_event(&m, pcr, 5, SPAN("x", 1));
	assert_int_equal(eventlog_replay(made(&m), false, &r), ASSAY_OK);
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		struct digest want, d;

		assert_int_equal(digest_fill(ALG_SHA256, pcr >= 17 && pcr <= 22 ? 0xFF : 0,
					     &want), ASSAY_OK);
		assert_int_equal(digest_compute(ALG_SHA256, SPAN("x", 1), &d), ASSAY_OK);
		assert_int_equal(digest_extend(&want, digest_span(&d)), ASSAY_OK);
		assert_true(digest_equal(&r.pcrs.bank[0].value[pcr], &want));
	}
}

static void
sha1_logs_need_no_spec_id_and_survive_a_short_one(void **state)
{
	struct eventlog_replay r;
	struct made m;

	(void)state;
	wr_init(&m.w, m.buf, sizeof m.buf);
	add_sha1_event(&m, 0, EV_NO_ACTION, SPAN("Spec ID", 7));
	add_sha1_event(&m, 0, EV_NO_ACTION, SPAN("Spec ID Event00\0\0\0", 18));
	add_sha1_event(&m, 0, 8, SPAN("v", 1));
	assert_int_equal(eventlog_replay(made(&m), false, &r), ASSAY_OK);
	assert_int_equal(r.format, EVENTLOG_SHA1);
	assert_int_equal(r.events, 3);
	assert_int_equal(r.extends[0], 1);
}

static void
finish_before_the_end_is_no_success(void **state)
{
	struct eventlog l;
	struct event ev;
	struct made m;

	(void)state;
	begin_agile(&m, sha256_only, 1, 0);
	add_event(&m, 4, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_open(made(&m), false, &l), ASSAY_OK);
	assert_int_equal(eventlog_finish(&l), ASSAY_STATE);
	assert_true(eventlog_next(&l, &ev));
	assert_int_equal(ev.index, 0);
	assert_true(eventlog_next(&l, &ev));
	assert_int_equal(ev.index, 1);
	assert_int_equal(ev.offset, 65);
	assert_int_equal(eventlog_finish(&l), ASSAY_STATE);
	assert_false(eventlog_next(&l, &ev));
	assert_int_equal(eventlog_finish(&l), ASSAY_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_equals_the_pcrs_of_every_recorded_boot),
		cmocka_unit_test(h_crtm_starts_pcr0_at_locality_4),
		cmocka_unit_test(an_empty_log_is_missing_not_empty),
		cmocka_unit_test(l13_log_over_the_limit_is_refused),
		cmocka_unit_test(l12_spec_id_that_contradicts_itself_is_refused),
		cmocka_unit_test(l12_algorithm_declared_twice_is_refused),
		cmocka_unit_test(l12_unknown_algorithm_is_skipped_by_its_declared_size),
		cmocka_unit_test(l12_digest_count_and_algorithms_must_be_the_declared_ones),
		cmocka_unit_test(an_event_without_a_banks_digest_is_counted_as_unmeasured_in_it),
		cmocka_unit_test(vendor_information_is_read_inside_or_behind_the_record),
		cmocka_unit_test(a_cc_log_is_not_taken_for_a_tpms),
		cmocka_unit_test(l13_every_truncation_inside_a_record_is_refused),
		cmocka_unit_test(l13_size_beyond_the_log_is_refused),
		cmocka_unit_test(l13_padding_and_the_windows_trailer_are_a_tail_of_known_length),
		cmocka_unit_test(l13_records_behind_zero_padding_are_refused),
		cmocka_unit_test(l13_register_out_of_range_is_refused),
		cmocka_unit_test(l13_more_events_than_the_limit_are_refused),
		cmocka_unit_test(l8_startup_locality_breaks_no_rule),
		cmocka_unit_test(l8_startup_locality_is_pcr0s_first_value),
		cmocka_unit_test(l8_h_crtm_forces_locality_4_and_must_come_first),
		cmocka_unit_test(l9_l11_no_action_is_never_extended_whatever_it_says),
		cmocka_unit_test(l10_first_values_are_zeros_and_for_17_to_22_ones),
		cmocka_unit_test(sha1_logs_need_no_spec_id_and_survive_a_short_one),
		cmocka_unit_test(finish_before_the_end_is_no_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
