/* test_appraise_judges.c: attacks on what judges a boot and on what is remembered of
 * it, against appraise(): D2, D6, D7, D11, D12, M9. The device is hostile: it has a
 * genuine TPM, and signs what it likes. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

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

static void
send_log_of(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "eventlog/%s.bin", name);
	unit_free(w.log);
	w.log = unit_data(path);
}

/* The same log with a record that changes nothing: StartupLocality 0, behind the header. */
static void
send_another_log(void)
{
	static const uint8_t zeros[52];
	struct eventlog l;
	struct event ev;
	struct writer out;
	uint8_t *log = malloc(w.log.n + 128);

	assert_non_null(log);
	assert_int_equal(eventlog_open(w.log, false, &l), ASSAY_OK);
	assert_true(eventlog_next(&l, &ev) && eventlog_next(&l, &ev));
	wr_init(&out, log, w.log.n + 128);
	wr_bytes(&out, SPAN(w.log.p, ev.offset));
	wr_le32(&out, 0);
	wr_le32(&out, EV_NO_ACTION);
	wr_le32(&out, 2);
	wr_le16(&out, ALG_SHA1);
	wr_bytes(&out, SPAN(zeros, 20));
	wr_le16(&out, ALG_SHA256);
	wr_bytes(&out, SPAN(zeros, 32));
	wr_le32(&out, 17);
	wr_bytes(&out, SPAN("StartupLocality\0\0", 17));
	wr_bytes(&out, SPAN(w.log.p + ev.offset, w.log.n - ev.offset));
	unit_free(w.log);
	w.log = wr_span(&out);
}

/* ---- what was found stays ---- */

static void
m9_what_was_found_in_a_boot_stays_until_the_next_reset(void **state)
{
	(void)state;
	world_reboot(&w, "uki-cmdline");
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	for (unsigned i = 0; i < 5; i++) {
		assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
		assert_int_equal(w.needs, 0);
	}
	/* a restart without reset into the good boot wipes nothing */
	send_log_of("uki-good");
	softtpm_boot(&w.tpm, w.log);
	w.tpm.restart_count++;
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
}

static void
a_log_swapped_within_a_boot_is_found_and_stays(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	send_another_log();
	assert_quarantined(world_round(&w), FIND_BOOT_SWAPPED);
	send_log_of("uki-good");
	assert_quarantined(world_round(&w), FIND_BOOT_SWAPPED);
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
}

static void
d11_a_new_generation_is_judged_and_the_old_findings_with_it(void **state)
{
	(void)state;
	world_reboot(&w, "uki-cmdline");
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	/* the change was wanted: its reference is promoted, nothing is rebooted */
	world_add_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	assert_int_equal(w.needs, 1);
	/* and is withdrawn again */
	w.in.references[1].state = REF_RETIRED;
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	assert_int_equal(w.needs, 1);
}

static void
d11_silence_and_nonsense_under_a_new_generation_gain_nothing(void **state)
{
	struct span log;

	(void)state;
	world_reboot(&w, "uki-cmdline");
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	w.in.references[0].digest[0] ^= 1; /* another generation of the same values */
	log = w.log;
	w.log = SPAN(NULL, 0); /* the log is withheld */
	assert_quarantined(world_round(&w), FIND_LOG_MISSING);
	assert_non_null(world_finding(w.v, FIND_EVENT_DIFFERS));
	w.log = log;
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	assert_int_equal(w.needs, 1); /* the judges of the boot were still the old ones */
}

static void
continuity_findings_outlive_a_new_generation(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	w.tpm.clock -= 5000;
	assert_quarantined(world_round(&w), FIND_CLOCK_BACK);
	w.tpm.clock += 50000;
	world_set_policy(&w, "policy: other\nversion: 2\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, "
			     "patience: 2}\nreferences: {pcrs: [0-4]}\n");
	assert_quarantined(world_round(&w), FIND_CLOCK_BACK);
}

/* ---- policy and references ---- */

static void
d2_a_policy_that_cannot_be_read_is_a_reason_of_its_own(void **state)
{
	(void)state;
	for (size_t n = 1; n < w.in.policy.n; n += 3) {
		struct span whole = w.in.policy;

		w.in.policy.n = n;
		assert_quarantined(world_round(&w), FIND_POLICY_INVALID);
		w.in.policy = whole;
	}
	w.in.policy.n = 0;
	assert_quarantined(world_round(&w), FIND_NO_POLICY);
	assert_int_equal(w.v->max_age_s, 0);
}

static void
d7_a_learned_reference_never_admits(void **state)
{
	static const char *const words[] = {"restrict", "quarantine"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char yaml[1024];

		snprintf(yaml, sizeof yaml,
			 "policy: l\nversion: 1\napplies_to: {class: gateway}\n"
			 "ask: {banks: [sha256], pcrs: [0-9], interval: 60s, patience: 3}\n"
			 "references: {pcrs: [0-9], learned: %s}\n",
			 words[i]);
		world_set_policy(&w, yaml);
		world_set_reference(&w, REF_LEARNED);
		assert_outcome(world_round(&w), i ? OUTCOME_QUARANTINE : OUTCOME_RESTRICT,
			       FIND_REFERENCE_LEARNED);
	}
}

static void
d12_parts_of_two_sets_are_never_mixed(void **state)
{
	struct span b = unit_data("eventlog/uki-cmdline.bin");
	struct eventlog_replay r;

	(void)state;
	world_reboot(&w, "uki-cmdline");
	world_add_reference(&w, REF_PROMOTED); /* set 0: good, set 1: cmdline */
	assert_admitted(world_round(&w));
	world_reboot(&w, "uki-good");
	assert_admitted(world_round(&w));
	/* PCR 4 of one set, PCR 9 and 11 of the other: each value is in some set */
	world_reboot(&w, NULL);
	assert_int_equal(eventlog_replay(b, false, &r), ASSAY_OK);
	w.tpm.pcrs.bank[0].value[4] = *pcr_value(&r.pcrs, ALG_SHA256, 4);
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
	assert_int_equal(world_finding(w.v, FIND_PCR_DIFFERS)->pcr, 4); /* the closest set */
	unit_free(b);
}

static void
d6_a_reference_of_the_weaker_bank_alone_matches_nothing(void **state)
{
	static const char policy[] =
		"policy: two\nversion: 1\napplies_to: {class: gateway}\n"
		"ask: {banks: [sha256, sha1], pcrs: [0-7], interval: 60s, patience: 3}\n"
		"references: {pcrs: [0-7]}\n";
	struct pcr_selection both;

	(void)state;
	softtpm_add_bank(&w.tpm, ALG_SHA1);
	softtpm_boot(&w.tpm, w.log);
	world_set_policy(&w, policy);
	both = w.in.asked;
	w.in.asked.count = 1;
	w.in.asked.bank[0].alg = ALG_SHA1;
	world_set_reference(&w, REF_PROMOTED); /* of SHA-1 values */
	w.in.asked = both;
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
}

static void
a_broken_reference_set_is_a_finding_and_never_skipped(void **state)
{
	(void)state;
	world_add_reference(&w, REF_PROMOTED);
	w.in.references[1].compiled.n = 5;
	assert_quarantined(world_round(&w), FIND_POLICY_INVALID);
}

static void
what_changed_in_the_boot_is_told_in_words(void **state)
{
	const struct finding *f;

	(void)state;
	world_free(&w);
	world_init(&w, "grub-good");
	assert_admitted(world_round(&w));
	world_reboot(&w, "grub-cmdline");
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	f = &w.v->findings[0]; /* the cause first */
	assert_int_equal(f->code, FIND_EVENT_DIFFERS);
	assert_string_equal(f->subject, "kernel command line");
	assert_non_null(strstr(f->text, "lab.evil=1"));
	assert_non_null(strstr(f->seen, "lab.evil=1"));
	assert_null(strstr(f->expected, "lab.evil=1"));
	assert_int_equal(f->pcr, 8);
	assert_int_equal(f->event, 33);
	assert_int_equal(f->provenance, PROV_REPLAYED);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(m9_what_was_found_in_a_boot_stays_until_the_next_reset),
		CASE(a_log_swapped_within_a_boot_is_found_and_stays),
		CASE(d11_a_new_generation_is_judged_and_the_old_findings_with_it),
		CASE(d11_silence_and_nonsense_under_a_new_generation_gain_nothing),
		CASE(continuity_findings_outlive_a_new_generation),
		CASE(d2_a_policy_that_cannot_be_read_is_a_reason_of_its_own),
		CASE(d7_a_learned_reference_never_admits),
		CASE(d12_parts_of_two_sets_are_never_mixed),
		CASE(d6_a_reference_of_the_weaker_bank_alone_matches_nothing),
		CASE(a_broken_reference_set_is_a_finding_and_never_skipped),
		CASE(what_changed_in_the_boot_is_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
