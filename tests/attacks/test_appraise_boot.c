/* test_appraise_boot.c: attacks on the boot log and on continuity, against appraise():
 * Q11, Q14, Q15, L1 to L3, L8 to L13, M11. What judges a boot is in
 * test_appraise_judges.c. The device is hostile: it has a genuine TPM, and signs what it likes. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;
static uint8_t forged[EVENTLOG_MAX];

static int
start(void **state)
{
	(void)state;
	world_init(&w, "uki-good");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* The device sends n bytes of forged from now on; its PCRs stay what they are. */
static void
send_log(size_t n)
{
	uint8_t *copy = malloc(n);

	assert_non_null(copy);
	memcpy(copy, forged, n);
	unit_free(w.log);
	w.log = SPAN(copy, n);
}

static void
send_log_of(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "eventlog/%s.bin", name);
	unit_free(w.log);
	w.log = unit_data(path);
}

static size_t
copy_log(void)
{
	memcpy(forged, w.log.p, w.log.n);
	return w.log.n;
}

/* Where record i of the honest log begins. */
static size_t
record_at(uint32_t i)
{
	struct eventlog l;
	struct event ev;

	assert_int_equal(eventlog_open(w.log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev))
		if (ev.index == i)
			return ev.offset;
	fail_msg("no record %u", i);
	return 0;
}

/* A crypto-agile record with zero digests in the banks of the log, sha1 and sha256. */
static size_t
make_record(uint8_t *ret, uint32_t pcr, uint32_t type, struct span data)
{
	static const uint8_t zeros[32];
	struct writer out;

	wr_init(&out, ret, 512);
	wr_le32(&out, pcr);
	wr_le32(&out, type);
	wr_le32(&out, 2);
	wr_le16(&out, ALG_SHA1);
	wr_bytes(&out, SPAN(zeros, 20));
	wr_le16(&out, ALG_SHA256);
	wr_bytes(&out, SPAN(zeros, 32));
	wr_le32(&out, (uint32_t)data.n);
	wr_bytes(&out, data);
	return out.len;
}

/* The honest log with a record put in front of record i. */
static void
insert_record(uint32_t i, uint32_t pcr, uint32_t type, struct span data)
{
	uint8_t rec[512];
	size_t n = make_record(rec, pcr, type, data), at = record_at(i), len = w.log.n;

	memcpy(forged, w.log.p, at);
	memcpy(forged + at, rec, n);
	memcpy(forged + at + n, w.log.p + at, len - at);
	send_log(len + n);
}

/* ---- Q11: counters and clock ---- */

static void
q11_the_clock_strictly_advances_within_one_reset(void **state)
{
	uint64_t clock;

	(void)state;
	assert_admitted(world_round(&w));
	clock = w.tpm.clock;
	w.tpm.clock = clock - 1000; /* the quote adds 1000: equal */
	assert_quarantined(world_round(&w), FIND_CLOCK_BACK);
	/* and that stays until a clean reset, also when the clock goes on */
	w.tpm.clock = clock + 100000;
	assert_quarantined(world_round(&w), FIND_CLOCK_BACK);
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
}

static void
q11_reset_count_neither_goes_back_nor_jumps(void **state)
{
	uint32_t count;

	(void)state;
	w.tpm.reset_count = 10;
	assert_admitted(world_round(&w));
	count = w.tpm.reset_count;
	w.tpm.reset_count = count - 1;
	assert_quarantined(world_round(&w), FIND_RESET_BACK);
	/* an old state put back: behind what is known, whatever it does then */
	world_reboot(&w, NULL);
	assert_quarantined(world_round(&w), FIND_RESET_BACK);
	w.tpm.reset_count = count + 2;
	assert_quarantined(world_round(&w), FIND_RESET_BACK);
	world_reboot(&w, NULL); /* one boot that was seen */
	assert_admitted(world_round(&w));
}

static void
q11_restart_count_does_not_go_back_within_one_reset(void **state)
{
	(void)state;
	w.tpm.restart_count = 3;
	assert_admitted(world_round(&w));
	w.tpm.restart_count = 2;
	assert_quarantined(world_round(&w), FIND_RESTART_BACK);
	w.tpm.restart_count = 4;
	assert_quarantined(world_round(&w), FIND_RESTART_BACK);
}

static void
q11_across_a_reset_the_clock_may_lose_a_little_and_must_say_so(void **state)
{
	const uint64_t step = 1u << 22;

	(void)state;
	w.tpm.clock = 100000000;
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL);
	w.tpm.clock = 100001000 - step - 1000;
	w.tpm.clock_safe = false;
	assert_admitted(world_round(&w)); /* just 2^22 ms */
	w.tpm.clock = 200000000;
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL);
	w.tpm.clock = 200001000 - step - 1001;
	assert_quarantined(world_round(&w), FIND_CLOCK_BACK);
	w.tpm.clock = 300000000;
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL);
	w.tpm.clock = 299000000;
	w.tpm.clock_safe = true;
	assert_quarantined(world_round(&w), FIND_CLOCK_BACK);
}

static void
q11_the_tpms_firmware_does_not_go_back(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	w.tpm.firmware_version--;
	world_reboot(&w, NULL);
	assert_quarantined(world_round(&w), FIND_FIRMWARE_BACK);
	world_reboot(&w, NULL);
	assert_quarantined(world_round(&w), FIND_FIRMWARE_BACK);
	w.tpm.firmware_version += 2;
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
}

static void
q11_an_unsafe_clock_alone_is_a_fact_and_no_more(void **state)
{
	(void)state;
	w.tpm.clock_safe = false;
	assert_admitted(world_round(&w));
}

static void
q11_a_reset_under_the_log_of_the_boot_before_is_judged_again(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	softtpm_reset(&w.tpm); /* and nothing measures: the PCRs stay at zero */
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_int_equal(w.needs, 1);
}

/* ---- Q14, L1 to L3: log and quote ---- */

static void
q14_the_log_of_another_boot_is_refused(void **state)
{
	(void)state;
	send_log_of("uki-cmdline");
	assert_quarantined(world_round(&w), FIND_REPLAY);
	/* the good log sent for the evil boot */
	world_reboot(&w, NULL);
	send_log_of("uki-good");
	assert_quarantined(world_round(&w), FIND_REPLAY);
}

static void
q14_a_log_that_is_not_the_one_signed_changes_nothing(void **state)
{
	struct span other = unit_data("eventlog/uki-cmdline.bin");

	(void)state;
	world_challenge(&w);
	world_prove(&w);
	w.in.has_boot_log = true;
	w.in.boot_log = other;
	assert_unproven(world_appraise(&w), FIND_LOG_DIGEST);
	w.in.boot_log = SPAN(NULL, 0);
	assert_unproven(world_appraise(&w), FIND_LOG_DIGEST);
	unit_free(other);
}

static void
l1_a_pcr_extended_at_run_time_is_seen_at_once(void **state)
{
	static const uint8_t evil[32] = {0xE0};
	const struct finding *f;

	(void)state;
	assert_admitted(world_round(&w));
	softtpm_extend(&w.tpm, 9, SPAN(evil, sizeof evil), ALG_SHA256);
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_int_equal(w.needs, 0);
	f = world_finding(w.v, FIND_REPLAY);
	assert_int_equal(f->pcr, 9);
	assert_non_null(strstr(f->expected, "sha256:f09cf381"));
	assert_string_not_equal(f->seen, f->expected);
	assert_int_equal(w.v->vector[AR4SI_EXECUTABLES], 96);
	assert_non_null(strstr(f->text, "at run time"));
	softtpm_extend(&w.tpm, 9, SPAN(evil, sizeof evil), ALG_SHA256);
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_non_null(strstr(world_finding(w.v, FIND_REPLAY)->text, "at run time"));
	assert_int_equal(w.v->next.nsticky, 2); /* replay and difference, each once */
}

static void
l1_one_bank_that_matches_is_not_enough(void **state)
{
	static const uint8_t evil[20] = {0xE0};
	static const char policy[] =
		"policy: two\nversion: 1\napplies_to: {class: gateway}\n"
		"ask: {banks: [sha256, sha1], pcrs: [0-7], interval: 60s, patience: 3}\n"
		"references: {pcrs: [0-7]}\n";

	(void)state;
	softtpm_add_bank(&w.tpm, ALG_SHA1);
	softtpm_boot(&w.tpm, w.log);
	world_set_policy(&w, policy);
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	softtpm_extend(&w.tpm, 4, SPAN(evil, sizeof evil), ALG_SHA1);
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_non_null(strstr(world_finding(w.v, FIND_REPLAY)->subject, "sha1"));
}

static void
l2_a_used_pcr_without_an_event_is_not_passed_over(void **state)
{
	static const uint8_t evil[32] = {0xE0};

	(void)state;
	assert_admitted(world_round(&w));
	softtpm_extend(&w.tpm, 12, SPAN(evil, sizeof evil), ALG_SHA256);
	assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
	assert_int_equal(world_finding(w.v, FIND_PCR_UNLOGGED)->pcr, 12);
}

static void
l3_a_pcr_at_its_reset_value_where_a_measurement_is_expected(void **state)
{
	static const uint8_t some[32] = {0x50};

	(void)state;
	softtpm_extend(&w.tpm, 13, SPAN(some, sizeof some), ALG_SHA256);
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL); /* this time nobody measured */
	assert_quarantined(world_round(&w), FIND_PCR_RESET);
	assert_int_equal(world_finding(w.v, FIND_PCR_RESET)->pcr, 13);
}

static void
l3_m11_no_log_and_an_empty_one_are_missing_not_fine(void **state)
{
	struct span log = w.log;

	(void)state;
	w.log = SPAN(NULL, 0); /* the agent cannot read it */
	assert_quarantined(world_round(&w), FIND_LOG_MISSING);
	w.log = log;
	assert_admitted(world_round(&w));
	w.log = SPAN(NULL, 0);
	assert_quarantined(world_round(&w), FIND_LOG_MISSING);
	w.log = log;
	assert_admitted(world_round(&w));
}

/* ---- L8 to L13, end to end ---- */

#define LOCALITY(v) SPAN("StartupLocality\0" v, 17)

static void
l8_startup_locality_that_is_not_true_or_not_in_form_is_refused(void **state)
{
	(void)state;
	insert_record(1, 0, EV_NO_ACTION, LOCALITY("\3"));
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_int_equal(world_finding(w.v, FIND_REPLAY)->pcr, 0);
	world_free(&w);
	world_init(&w, "uki-good");
	insert_record(1, 0, EV_NO_ACTION, LOCALITY("\7"));
	assert_quarantined(world_round(&w), FIND_LOG_MALFORMED);
}

static void
l8_startup_locality_after_the_first_extend_is_refused(void **state)
{
	(void)state;
	insert_record(3, 0, EV_NO_ACTION, LOCALITY("\0"));
	assert_quarantined(world_round(&w), FIND_LOG_MALFORMED);
}

static void
l9_a_log_cannot_say_where_a_pcr_began(void **state)
{
	static const uint8_t evil[32] = {0xE0};
	uint8_t claim[64];
	const struct digest *d;

	(void)state;
	/* evil ran first, then all good events; the log "explains" the start value */
	softtpm_reset(&w.tpm);
	softtpm_extend(&w.tpm, 4, SPAN(evil, sizeof evil), ALG_SHA256);
	d = pcr_value(&w.tpm.pcrs, ALG_SHA256, 4);
	memcpy(claim, "InitialPcrValue\0", 16);
	memcpy(claim + 16, d->b, 32);
	insert_record(1, 4, EV_NO_ACTION, SPAN(claim, 48));
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_non_null(world_finding(w.v, FIND_PCR_DIFFERS));
}

static void
l10_pcr_17_to_22_begin_at_ones_and_that_is_no_measurement(void **state)
{
	static const char policy[] =
		"policy: drtm\nversion: 1\napplies_to: {class: gateway}\n"
		"ask: {banks: [sha256], pcrs: [0-7, 17], interval: 60s, patience: 3}\n"
		"references: {pcrs: [0-7, 17]}\n";
	static const uint8_t some[32] = {0x50};

	(void)state;
	world_set_policy(&w, policy);
	softtpm_extend(&w.tpm, 17, SPAN(some, sizeof some), ALG_SHA256);
	world_set_reference(&w, REF_PROMOTED);
	world_reboot(&w, NULL);
	assert_quarantined(world_round(&w), FIND_PCR_RESET);
	assert_int_equal(world_finding(w.v, FIND_PCR_RESET)->pcr, 17);
	assert_non_null(strstr(world_finding(w.v, FIND_PCR_RESET)->seen, "ffffffff"));
}

static void
l11_an_event_made_no_action_does_not_vanish(void **state)
{
	size_t n = copy_log(), at = record_at(10);

	(void)state;
	forged[at + 4] = EV_NO_ACTION;
	forged[at + 5] = forged[at + 6] = forged[at + 7] = 0;
	send_log(n);
	assert_quarantined(world_round(&w), FIND_REPLAY);
}

static void
l12_a_header_that_contradicts_itself_is_refused(void **state)
{
	size_t n = copy_log();

	(void)state;
	forged[32 + 24] = 9; /* number of algorithms */
	send_log(n);
	assert_quarantined(world_round(&w), FIND_LOG_MALFORMED);
}

static void
l13_a_log_cut_short_is_refused_wherever_it_is_cut(void **state)
{
	struct span honest = unit_data("eventlog/uki-good.bin");

	(void)state;
	for (size_t n = 1; n < honest.n; n += 97) {
		memcpy(forged, honest.p, n);
		send_log(n);
		world_challenge(&w);
		world_prove(&w);
		assert_int_equal(world_judge(&w)->status, VERDICT_DECIDED);
		assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
	}
	unit_free(honest);
}

static void
q15_an_active_bank_that_firmware_does_not_use_is_refused(void **state)
{
	static const char policy[] =
		"policy: two\nversion: 1\napplies_to: {class: gateway}\n"
		"ask: {banks: [sha256, sha384], pcrs: [0-7], interval: 60s, patience: 3}\n"
		"references: {pcrs: [0-7]}\n";

	(void)state;
	softtpm_add_bank(&w.tpm, ALG_SHA384);
	world_set_policy(&w, policy);
	assert_quarantined(world_round(&w), FIND_EMPTY_BANK);
	assert_quarantined(world_round(&w), FIND_EMPTY_BANK);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(q11_the_clock_strictly_advances_within_one_reset),
		CASE(q11_reset_count_neither_goes_back_nor_jumps),
		CASE(q11_restart_count_does_not_go_back_within_one_reset),
		CASE(q11_across_a_reset_the_clock_may_lose_a_little_and_must_say_so),
		CASE(q11_the_tpms_firmware_does_not_go_back),
		CASE(q11_an_unsafe_clock_alone_is_a_fact_and_no_more),
		CASE(q11_a_reset_under_the_log_of_the_boot_before_is_judged_again),
		CASE(q14_the_log_of_another_boot_is_refused),
		CASE(q14_a_log_that_is_not_the_one_signed_changes_nothing),
		CASE(l1_a_pcr_extended_at_run_time_is_seen_at_once),
		CASE(l1_one_bank_that_matches_is_not_enough),
		CASE(l2_a_used_pcr_without_an_event_is_not_passed_over),
		CASE(l3_a_pcr_at_its_reset_value_where_a_measurement_is_expected),
		CASE(l3_m11_no_log_and_an_empty_one_are_missing_not_fine),
		CASE(l8_startup_locality_that_is_not_true_or_not_in_form_is_refused),
		CASE(l8_startup_locality_after_the_first_extend_is_refused),
		CASE(l9_a_log_cannot_say_where_a_pcr_began),
		CASE(l10_pcr_17_to_22_begin_at_ones_and_that_is_no_measurement),
		CASE(l11_an_event_made_no_action_does_not_vanish),
		CASE(l12_a_header_that_contradicts_itself_is_refused),
		CASE(l13_a_log_cut_short_is_refused_wherever_it_is_cut),
		CASE(q15_an_active_bank_that_firmware_does_not_use_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
