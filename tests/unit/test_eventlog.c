/* test_eventlog.c: layout and replay of measured-boot event logs. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/eventlog.h"
#include "evidence/hex.h"
#include "tests/support/logmade.h"

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

/* ---- the header ---------------------------------------------------------- */

static void
an_empty_log_is_missing_not_empty(void **state)
{
	(void)state;
	assert_int_equal(replay_of(SPAN(NULL, 0)), ASSAY_MISSING);
}

static void
unknown_algorithm_is_skipped_by_its_declared_size(void **state)
{
	static const uint16_t algs[] = {0x7777, ALG_SHA256, ALG_SM3_256};
	struct eventlog_replay a, b;
	struct made m;

	(void)state;
	made_begin(&m, algs, 3, 0);
	made_event(&m, 4, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_replay(made_log(&m), false, &a), ASSAY_OK);
	assert_int_equal(a.nalgs, 3);
	assert_int_equal(a.pcrs.count, 1);
	made_begin(&m, made_sha256, 1, 0);
	made_event(&m, 4, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_replay(made_log(&m), false, &b), ASSAY_OK);
	assert_true(digest_equal(&a.pcrs.bank[0].value[4], &b.pcrs.bank[0].value[4]));
}

static void
an_event_without_a_banks_digest_is_counted_as_unmeasured_in_it(void **state)
{
	struct eventlog_replay r;
	struct made m;

	(void)state;
	made_begin(&m, made_two_banks, 2, 0);
	made_event(&m, 4, 5, SPAN("abcd", 4));
	m.nalgs = 1; /* SHA-1 alone, as Windows does it */
	made_event(&m, 11, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
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
	made_begin(&m, made_two_banks, 2, 0);
	m.buf[68] = 4;
	wr_bytes(&m.w, SPAN("vend", 4));
	made_event(&m, 4, 5, SPAN("abcd", 4));
	for (uint8_t size = 37; size <= 41; size += 4) {
		m.buf[28] = size;
		assert_int_equal(eventlog_open(made_log(&m), false, &l), ASSAY_OK);
		assert_true(span_equal(l.vendor_info, SPAN("vend", 4)));
		assert_int_equal(replay_of(made_log(&m)), ASSAY_OK);
	}
}

static void
a_cc_log_is_not_taken_for_a_tpms(void **state)
{
	static const uint16_t sha384[] = {ALG_SHA384};
	struct eventlog_replay r;
	struct made m;

	(void)state;
	made_begin(&m, sha384, 1, 1);
	made_event(&m, 1, 4, SPAN("\0\0\0\0", 4));
	assert_int_equal(replay_of(made_log(&m)), ASSAY_BAD_TYPE);
	assert_int_equal(eventlog_replay(made_log(&m), true, &r), ASSAY_OK);
	assert_int_equal(r.format, EVENTLOG_CC);
	made_sha1_begin(&m);
	made_sha1_event(&m, 0, 8, SPAN("v", 1));
	assert_int_equal(eventlog_replay(made_log(&m), true, &r), ASSAY_BAD_TYPE);
}

static void
sha1_logs_need_no_spec_id_and_survive_a_short_one(void **state)
{
	struct eventlog_replay r;
	struct made m;

	(void)state;
	made_sha1_begin(&m);
	made_sha1_event(&m, 0, EV_NO_ACTION, SPAN("Spec ID", 7));
	made_sha1_event(&m, 0, EV_NO_ACTION, SPAN("Spec ID Event00\0\0\0", 18));
	made_sha1_event(&m, 0, 8, SPAN("v", 1));
	assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
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
	made_begin(&m, made_sha256, 1, 0);
	made_event(&m, 4, 5, SPAN("abcd", 4));
	assert_int_equal(eventlog_open(made_log(&m), false, &l), ASSAY_OK);
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
		cmocka_unit_test(unknown_algorithm_is_skipped_by_its_declared_size),
		cmocka_unit_test(an_event_without_a_banks_digest_is_counted_as_unmeasured_in_it),
		cmocka_unit_test(vendor_information_is_read_inside_or_behind_the_record),
		cmocka_unit_test(a_cc_log_is_not_taken_for_a_tpms),
		cmocka_unit_test(sha1_logs_need_no_spec_id_and_survive_a_short_one),
		cmocka_unit_test(finish_before_the_end_is_no_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
