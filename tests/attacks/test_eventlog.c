/* test_eventlog.c: attacks on the layout and replay of event logs, L8 to L13. */
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/logmade.h"

static enum assay_err
replay_of(struct span log)
{
	struct eventlog_replay r;

	return eventlog_replay(log, false, &r);
}

/* ---- the header and the records: L12, L13 -------------------------------- */

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
		made_begin(&m, made_two_banks, 2, 0);
		made_event(&m, 4, 5, SPAN("abcd", 4));
		m.buf[cases[i].at] = cases[i].value;
		if (replay_of(made_log(&m)) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void
l12_algorithm_declared_twice_is_refused(void **state)
{
	static const uint16_t twice[] = {ALG_SHA256, ALG_SHA256};
	struct made m;

	(void)state;
	made_begin(&m, twice, 2, 0);
	assert_int_equal(replay_of(made_log(&m)), ASSAY_DUPLICATE);
}

static void
l12_digest_count_and_algorithms_must_be_the_declared_ones(void **state)
{
	const size_t count = 69 + 8, first_alg = count + 4, second_alg = first_alg + 22;
	struct made m;

	(void)state;
	made_begin(&m, made_two_banks, 2, 0);
	made_event(&m, 4, 5, SPAN("abcd", 4));
	m.buf[count] = 3;
	assert_int_equal(replay_of(made_log(&m)), ASSAY_MALFORMED);
	m.buf[count] = 0;
	assert_int_equal(replay_of(made_log(&m)), ASSAY_MALFORMED);
	m.buf[count] = 2;
	m.buf[second_alg] = ALG_SHA384;
	assert_int_equal(replay_of(made_log(&m)), ASSAY_MALFORMED);
	m.buf[second_alg] = ALG_SHA1;
	assert_int_equal(replay_of(made_log(&m)), ASSAY_DUPLICATE);
	m.buf[second_alg] = ALG_SHA256;
	assert_int_equal(replay_of(made_log(&m)), ASSAY_OK);
	m.buf[first_alg] = 0;
	assert_int_equal(replay_of(made_log(&m)), ASSAY_MALFORMED);
}

static void
check_truncated(const struct made *m, size_t spec_id, size_t last)
{
	struct span whole = made_log(m);

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
	made_begin(&m, made_two_banks, 2, 0);
	spec_id = m.w.len;
	made_event(&m, 4, 5, SPAN("abcd", 4));
	last = m.w.len;
	made_event(&m, 0x01, 0x80000007u, SPAN("efgh", 4));
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

		made_begin(&m, made_sha256, 1, 0);
		made_event(&m, 4, 5, SPAN("abcd", 4));
		wr_init(&size, m.buf + m.w.len - 8, 4);
		wr_le32(&size, sizes[i]);
		assert_int_equal(replay_of(made_log(&m)), ASSAY_TRUNCATED);
	}
}

static enum assay_err
with_tail(struct span tail, size_t *ret_tail)
{
	struct eventlog_replay r = {0};
	struct made m;
	enum assay_err e;

	made_begin(&m, made_sha256, 1, 0);
	made_event(&m, 4, 5, SPAN("abcd", 4));
	wr_bytes(&m.w, tail);
	e = eventlog_replay(made_log(&m), false, &r);
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
		made_begin(&m, made_sha256, 1, 0);
		made_event(&m, registers[i], 5, SPAN("abcd", 4));
		assert_int_equal(replay_of(made_log(&m)), ASSAY_MALFORMED);
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
	made_begin(&head, unknown, 1, 0);
	wr_init(&event.w, event.buf, sizeof event.buf);
	event.algs = unknown;
	event.nalgs = 1;
	made_event(&event, 4, 5, SPAN(NULL, 0));
	wr_init(&w, log, room);
	wr_bytes(&w, made_log(&head));
	for (size_t i = 1; i < EVENTLOG_EVENTS_MAX; i++)
		wr_bytes(&w, made_log(&event));
	assert_int_equal(replay_of(wr_span(&w)), ASSAY_OK);
	wr_bytes(&w, made_log(&event));
	assert_int_equal(w.err, ASSAY_OK);
	assert_int_equal(replay_of(wr_span(&w)), ASSAY_TOO_MANY);
	free(log);
}

/* ---- initial values: L8 to L11 ------------------------------------------- */

static const uint8_t locality_3[] = "StartupLocality\0\3";

/* StartupLocality with a value; static, good until the next call. */
static struct span
locality(uint8_t value)
{
	static uint8_t data[17];

	memcpy(data, locality_3, 16);
	data[16] = value;
	return SPAN(data, 17);
}

static enum assay_err
locality_log(uint32_t pcr, struct span data, bool late, bool twice)
{
	struct made m;

	made_begin(&m, made_sha256, 1, 0);
	if (late)
		made_event(&m, 0, 8, SPAN("v", 1));
	made_event(&m, pcr, EV_NO_ACTION, data);
	if (twice)
		made_event(&m, pcr, EV_NO_ACTION, data);
	made_event(&m, 0, 8, SPAN("w", 1));
	return replay_of(made_log(&m));
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

		assert_int_equal(locality_log(0, locality((uint8_t)v), false, false),
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
		made_begin(&m, made_sha256, 1, 0);
		made_event(&m, 0, EV_NO_ACTION, locality(v));
		made_event(&m, 0, 8, SPAN("w", 1));
		assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
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
	made_begin(&m, made_sha256, 1, 0);
	made_event(&m, 0, EV_NO_ACTION, SPAN(locality_3, 17));
	made_event(&m, 0, EV_EFI_HCRTM_EVENT, SPAN("HCRTM", 5));
	assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
	expected_pcr0(4, "HCRTM", &want);
	assert_true(digest_equal(&r.pcrs.bank[0].value[0], &want));
	made_begin(&m, made_sha256, 1, 0);
	made_event(&m, 0, 8, SPAN("v", 1));
	made_event(&m, 0, EV_EFI_HCRTM_EVENT, SPAN("HCRTM", 5));
	assert_int_equal(replay_of(made_log(&m)), ASSAY_MALFORMED);
	made_begin(&m, made_sha256, 1, 0);
	made_event(&m, 1, EV_EFI_HCRTM_EVENT, SPAN("HCRTM", 5));
	assert_int_equal(replay_of(made_log(&m)), ASSAY_MALFORMED);
}

static void
l9_l11_no_action_is_never_extended_whatever_it_says(void **state)
{
	struct eventlog_replay r;
	struct made m;

	(void)state;
	made_begin(&m, made_sha256, 1, 0);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		made_event(&m, pcr, EV_NO_ACTION, SPAN("InitialValue\0\0\0\1", 17));
		made_event(&m, pcr, EV_NO_ACTION, SPAN("StartupLocalitx\0\3", 17));
	}
	assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
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
	made_begin(&m, made_sha256, 1, 0);
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		made_event(&m, pcr, 5, SPAN("x", 1));
	assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		struct digest want, d;

		assert_int_equal(digest_fill(ALG_SHA256, pcr >= 17 && pcr <= 22 ? 0xFF : 0,
					     &want), ASSAY_OK);
		assert_int_equal(digest_compute(ALG_SHA256, SPAN("x", 1), &d), ASSAY_OK);
		assert_int_equal(digest_extend(&want, digest_span(&d)), ASSAY_OK);
		assert_true(digest_equal(&r.pcrs.bank[0].value[pcr], &want));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l13_log_over_the_limit_is_refused),
		cmocka_unit_test(l12_spec_id_that_contradicts_itself_is_refused),
		cmocka_unit_test(l12_algorithm_declared_twice_is_refused),
		cmocka_unit_test(l12_digest_count_and_algorithms_must_be_the_declared_ones),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
