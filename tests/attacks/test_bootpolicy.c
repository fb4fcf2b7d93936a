/* test_bootpolicy.c: attacks on how a policy judges a boot, against appraise(): L14, L17
 * to L20. The device boots what it likes, and its log and its TPM agree about it. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "verifier/appraise/bootevent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX 256

static struct world w;
static struct span records[RECORDS_MAX]; /* of w.log */
static size_t nrecords;

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
read_records(void)
{
	struct eventlog l;
	struct event ev;

	nrecords = 0;
	assert_int_equal(eventlog_open(w.log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev)) {
		assert_true(nrecords < RECORDS_MAX);
		if (nrecords != 0) {
			struct span *before = &records[nrecords - 1];

			before->n = ev.offset - (size_t)(before->p - w.log.p);
		}
		records[nrecords++] = SPAN(w.log.p + ev.offset, w.log.n - ev.offset);
	}
	assert_int_equal(eventlog_finish(&l), ASSAY_OK);
}

static uint32_t
pcr_of(size_t record)
{
	return records[record].p[0];
}

/* The machine boots what is in records, and the log says so: quote and log agree. */
static void
boot_records(void)
{
	uint8_t *log = malloc(2 * w.log.n);
	struct writer out;

	assert_non_null(log);
	wr_init(&out, log, 2 * w.log.n);
	for (size_t i = 0; i < nrecords; i++)
		wr_bytes(&out, records[i]);
	assert_int_equal(out.err, ASSAY_OK);
	unit_free(w.log);
	w.log = wr_span(&out);
	world_reboot(&w, NULL);
}

/* The records of the honest log, not yet booted. */
static void
take_honest_log(void)
{
	unit_free(w.log);
	w.log = unit_data("eventlog/uki-good.bin");
	read_records();
}

static void
insert_record(size_t at, struct span record)
{
	assert_true(nrecords < RECORDS_MAX);
	memmove(&records[at + 1], &records[at], (nrecords - at) * sizeof records[0]);
	records[at] = record;
	nrecords++;
}

static void
remove_record(size_t at)
{
	nrecords--;
	memmove(&records[at], &records[at + 1], (nrecords - at) * sizeof records[0]);
}

/* The world's policy with more to it. */
static void
set_policy(const char *references, const char *more)
{
	char yaml[4096];

	snprintf(yaml, sizeof yaml,
		 "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
		 "ask: {banks: [sha256], pcrs: [0-15], interval: 60s, patience: 3}\n"
		 "references: {%s}\n%s",
		 references, more);
	world_set_policy(&w, yaml);
}

static unsigned
count_findings(enum finding_code code)
{
	unsigned n = 0;

	for (size_t i = 0; i < w.v->nfindings; i++)
		n += w.v->findings[i].code == code;
	return n;
}

/* ---- L17: what differs between good devices ---- */

#define CLASS_PCRS "pcrs: [0, 2-4, 7-9, 11-14]"

/* A set of the present boot for this device, beside the class's. */
static void
add_baseline(void)
{
	size_t i = w.in.nreferences;

	world_add_reference(&w, REF_PROMOTED);
	w.in.references[i].baseline = true;
}

/* The same boot with its first record of this type changed, in data and digests. */
static void
change_record(uint32_t pcr, uint32_t type)
{
	static uint8_t rec[4096];
	struct digest d1, d2;
	struct span data;
	size_t i = 0;

	take_honest_log();
	while (pcr_of(i) != pcr || records[i].p[4] != (type & 0xFF))
		assert_true(++i < nrecords);
	assert_true(records[i].n <= sizeof rec);
	memcpy(rec, records[i].p, records[i].n);
	rec[records[i].n - 2] ^= 0x40;
	data = SPAN(rec + 72, records[i].n - 72); /* behind SHA-1, SHA-256 and the length */
	assert_int_equal(digest_compute(ALG_SHA1, data, &d1), ASSAY_OK);
	assert_int_equal(digest_compute(ALG_SHA256, data, &d2), ASSAY_OK);
	memcpy(rec + 14, d1.b, 20);
	memcpy(rec + 36, d2.b, 32);
	records[i] = SPAN(rec, records[i].n);
	boot_records();
}

static void
l17_what_is_the_devices_own_is_not_compared_with_its_class(void **state)
{
	(void)state;
	set_policy(CLASS_PCRS, "");
	change_record(5, EV_EFI_GPT_EVENT & 0xFF);
	assert_admitted(world_round(&w));
	/* not even where the class's set has a value for it */
	assert_non_null(pcr_value(&w.tpm.pcrs, ALG_SHA256, 5));
}

static void
l17_what_is_the_devices_own_is_compared_with_its_baseline(void **state)
{
	static const struct {
		const char *policy;
		enum outcome outcome;
	} cases[] = {
		{CLASS_PCRS, OUTCOME_RESTRICT},
		{CLASS_PCRS ", baseline: restrict", OUTCOME_RESTRICT},
		{CLASS_PCRS ", baseline: quarantine", OUTCOME_QUARANTINE},
		{CLASS_PCRS ", baseline: report", OUTCOME_ADMIT},
	};

	(void)state;
	set_policy(CLASS_PCRS, "");
	add_baseline();
	assert_admitted(world_round(&w));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct finding *f;

		set_policy(cases[i].policy, "");
		change_record(5, EV_EFI_GPT_EVENT & 0xFF);
		assert_outcome(world_round(&w), cases[i].outcome, FIND_BASELINE);
		assert_int_equal(count_findings(FIND_BASELINE), w.v->nfindings);
		assert_int_equal(w.v->nfindings, 2); /* the value, and the event in words */
		f = &w.v->findings[0];
		if (f->event < 0)
			f = &w.v->findings[1];
		assert_int_equal(f->pcr, 5);
		assert_string_equal(f->subject, "partition table");
		assert_outcome(world_round(&w), cases[i].outcome, FIND_BASELINE);
		assert_int_equal(w.needs, 0);
		take_honest_log(); /* and it ends with the change */
		boot_records();
		assert_admitted(world_round(&w));
	}
}

static void
l17_a_baseline_says_nothing_of_what_the_class_says(void **state)
{
	(void)state;
	set_policy(CLASS_PCRS, "");
	add_baseline();
	/* the class is updated: the device's own values are what they were */
	w.in.nreferences = 1;
	world_reboot(&w, "uki-cmdline");
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
	w.in.nreferences = 2;
	world_add_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	/* and neither excuses what the other one forbids */
	change_record(1, EV_SEPARATOR);
	(void)world_round(&w);
	assert_int_not_equal(w.v->outcome, OUTCOME_ADMIT);
	assert_non_null(world_finding(w.v, FIND_BASELINE));
}

static void
l17_a_baseline_that_knows_less_or_has_expired_does_not_hide_another(void **state)
{
	struct continuity c = {.present = true, .has_boot_log = true};
	struct reference_view *less = &w.in.references[2];
	struct writer out;

	(void)state;
	set_policy(CLASS_PCRS, "");
	add_baseline();
	add_baseline();
	/* one of PCR 1 alone, which stays as it is */
	evidence_values(&w.tpm, &w.in.asked, &c.quoted);
	assert_int_equal(digest_sha256(w.log, c.boot_log_digest), ASSAY_OK);
	wr_init(&out, w.reference[2], sizeof w.reference[2]);
	assert_int_equal(reference_capture(w.log, &c, 1u << 1, &out), ASSAY_OK);
	less->compiled = wr_span(&out);
	assert_int_equal(digest_sha256(less->compiled, less->digest), ASSAY_OK);
	assert_admitted(world_round(&w));
	change_record(5, EV_EFI_GPT_EVENT & 0xFF);
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_BASELINE);
	take_honest_log();
	boot_records();
	w.in.references[1].not_after = w.in.now - 1;
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_BASELINE);
	w.in.references[1].not_after = 0;
	w.in.references[1].state = less->state = REF_RETIRED;
	world_reboot(&w, NULL);
	change_record(5, EV_EFI_GPT_EVENT & 0xFF);
	w.tpm.reset_count--; /* one boot */
	assert_admitted(world_round(&w));
}

/* ---- L18: measured outside of the firmware's log ---- */

static const uint8_t some[32] = {0x1A};

static void
extend(unsigned pcr)
{
	softtpm_extend(&w.tpm, pcr, SPAN(some, sizeof some), ALG_SHA256);
}

static void
l18_what_nothing_accounts_for_is_a_finding_though_nothing_compares_it(void **state)
{
	static const unsigned pcrs[] = {10, 14, 15};

	(void)state;
	set_policy("pcrs: [0-9]", "");
	for (size_t i = 0; i < sizeof pcrs / sizeof pcrs[0]; i++) {
		world_reboot(&w, NULL);
		assert_admitted(world_round(&w));
		extend(pcrs[i]); /* IMA, systemd: at run time, and the round sees it */
		assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
		assert_int_equal(w.needs, 0);
		assert_int_equal(w.v->findings[0].pcr, pcrs[i]);
		assert_int_equal(w.v->nfindings, 1);
		assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
		world_reboot(&w, NULL); /* and from the boot on */
		extend(pcrs[i]);
		assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
	}
}

static void
l18_what_policy_excludes_is_told_in_every_verdict(void **state)
{
	(void)state;
	set_policy("pcrs: [0-9], unlogged: [10, 15]", "");
	extend(10);
	for (unsigned round = 0; round < 3; round++) {
		assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_PCR_EXCLUDED);
		assert_int_equal(count_findings(FIND_PCR_EXCLUDED), 2);
		assert_int_equal(w.v->nfindings, 2);
		assert_int_equal(w.v->findings[0].pcr, 10);
		assert_int_equal(w.v->findings[0].severity, SEV_INFO);
		assert_int_equal(w.v->findings[1].pcr, 15);
		extend(15);
	}
	extend(13); /* no other one with it */
	assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
	world_reboot(&w, NULL);
	extend(9);
	assert_quarantined(world_round(&w), FIND_REPLAY);
}

/* A quote has what any policy asks for: of that, the others' changes nothing here. */
static void
what_only_another_policy_asks_for_is_no_finding_of_this_one(void **state)
{
	(void)state;
	world_set_policy(&w, world_policy);
	w.in.asked.bank[0].mask |= 1u << 10 | 1u << 15;
	w.ask.pcrs = w.in.asked;
	extend(10);
	assert_admitted(world_round(&w));
	extend(15); /* nor in a steady round */
	assert_admitted(world_round(&w));
	extend(13); /* its own is one */
	assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
}

/* systemd goes on in PCR 11 where its stub in the firmware's log began. */
static void
l18_a_pcr_that_log_and_user_space_share_is_excluded_by_name_only(void **state)
{
	(void)state;
	set_policy("pcrs: [0-9]", "");
	extend(11);
	assert_quarantined(world_round(&w), FIND_REPLAY);
	world_reboot(&w, NULL);
	extend(11);
	set_policy("pcrs: [0-9], unlogged: [11]", "");
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_PCR_EXCLUDED);
	extend(11);
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_PCR_EXCLUDED);
}

static void
l18_what_the_log_says_of_an_excluded_pcr_is_no_fact(void **state)
{
	static const char rule[] = "rules:\n  - {id: r, fact: boot.initrd_digest, op: present}\n";

	(void)state;
	set_policy("pcrs: [0-9]", rule);
	assert_admitted(world_round(&w));
	set_policy("pcrs: [0-9], unlogged: [9, 11]", rule);
	assert_quarantined(world_round(&w), FIND_FACT_MISSING);
}

static void
l18_an_excluded_pcr_that_is_compared_must_still_be_equal(void **state)
{
	(void)state;
	set_policy("pcrs: [0-9, 11], unlogged: [11]", "");
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_PCR_EXCLUDED);
	extend(11);
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
	assert_int_equal(world_finding(w.v, FIND_PCR_DIFFERS)->pcr, 11);
}

/* ---- L14: revocations ---- */

static void
l14_a_dbx_with_fewer_entries_than_policy_wants_is_a_finding(void **state)
{
	static const char rule[] = "rules:\n  - {id: dbx, fact: boot.dbx_entries, op: at_least, "
				   "value: %s}\n";
	char more[256];

	(void)state;
	world_free(&w);
	world_init(&w, "sb-good");
	snprintf(more, sizeof more, rule, "1");
	set_policy("pcrs: [0-9]", more);
	assert_admitted(world_round(&w));
	snprintf(more, sizeof more, rule, "371");
	set_policy("pcrs: [0-9]", more);
	assert_quarantined(world_round(&w), FIND_RULE);
	assert_string_equal(w.v->findings[0].subject, "boot.dbx_entries");
	assert_string_equal(w.v->findings[0].expected, "at_least 371");
	assert_int_equal(w.v->findings[0].pcr, 7);
	/* what is not proved has not zero entries: nothing is known of it */
	world_reboot(&w, "sb-good");
	extend(7);
	assert_quarantined(world_round(&w), FIND_FACT_MISSING);
}

/* ---- L19: every digest is a known one ---- */

static void
assert_not_passed(const char *what, size_t record)
{
	(void)world_round(&w);
	if (w.v->status != VERDICT_DECIDED || w.v->outcome != OUTCOME_QUARANTINE)
		fail_msg("%s, record %zu: %s", what, record, outcome_name(w.v->outcome));
	/* log and counters are true: the comparison tells it, and nothing else */
	if (world_finding(w.v, FIND_RESET_BACK) || world_finding(w.v, FIND_REPLAY) ||
	    !world_finding(w.v, FIND_PCR_DIFFERS))
		fail_msg("%s, record %zu: no difference to the reference", what, record);
	if (!world_finding(w.v, FIND_EVENT_DIFFERS) && !world_finding(w.v, FIND_EVENT_EXTRA) &&
	    !world_finding(w.v, FIND_EVENT_ABSENT))
		fail_msg("%s, record %zu: not explained", what, record);
}

/* Neither the Spec-ID record nor the same digest twice in a row would change anything. */
static bool
same_digests(struct span a, struct span b)
{
	size_t digests = 4 + (2 + 20) + (2 + 32);

	return span_equal(SPAN(a.p + 8, digests), SPAN(b.p + 8, digests));
}

static void
l19_known_digests_in_another_order_do_not_pass(void **state)
{
	unsigned tried = 0;

	(void)state;
	for (size_t i = 1; take_honest_log(), i + 1 < nrecords; i++) {
		struct span moved = records[i];
		size_t k = i + 1;

		while (k < nrecords && pcr_of(k) != pcr_of(i))
			k++;
		if (k == nrecords || same_digests(moved, records[k]))
			continue;
		records[i] = records[k];
		records[k] = moved;
		boot_records();
		assert_not_passed("swapped", i);
		tried++;
	}
	assert_true(tried >= 15);
}

static void
l19_a_known_digest_more_than_once_does_not_pass(void **state)
{
	(void)state;
	for (size_t i = 1; take_honest_log(), i < nrecords; i++) {
		insert_record(i, records[i]);
		boot_records();
		assert_not_passed("twice", i);
	}
	assert_true(nrecords > 30);
}

static void
l19_a_known_digest_that_is_not_there_does_not_pass(void **state)
{
	(void)state;
	for (size_t i = 1; take_honest_log(), i < nrecords; i++) {
		remove_record(i);
		boot_records();
		(void)world_round(&w);
		assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
		assert_null(world_finding(w.v, FIND_REPLAY));
		assert_null(world_finding(w.v, FIND_RESET_BACK));
		assert_true(world_finding(w.v, FIND_PCR_DIFFERS) ||
			    world_finding(w.v, FIND_PCR_RESET));
	}
}

static void
l19_a_known_digest_in_another_pcr_does_not_pass(void **state)
{
	static uint8_t moved[4096];

	(void)state;
	for (size_t i = 1; take_honest_log(), i < nrecords; i++) {
		assert_true(records[i].n <= sizeof moved);
		memcpy(moved, records[i].p, records[i].n);
		moved[0] = pcr_of(i) == 9 ? 8 : 9;
		records[i] = SPAN(moved, records[i].n);
		boot_records();
		(void)world_round(&w);
		assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
		assert_null(world_finding(w.v, FIND_REPLAY));
		assert_null(world_finding(w.v, FIND_RESET_BACK));
		assert_non_null(world_finding(w.v, FIND_EVENT_EXTRA));
	}
}

/* Each half of the boot is one that some reference has. */
static void
l19_events_of_two_approved_boots_do_not_pass_as_one(void **state)
{
	struct span other;
	struct eventlog l;
	struct event ev;
	size_t at = 0;

	(void)state;
	world_reboot(&w, "uki-cmdline");
	world_add_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	take_honest_log();
	boot_records();
	assert_admitted(world_round(&w));
	read_records();
	other = unit_data("eventlog/uki-cmdline.bin");
	assert_int_equal(eventlog_open(other, false, &l), ASSAY_OK);
	/* the image of one, all that it measures itself of the other */
	while (eventlog_next(&l, &ev) && ev.pcr != 11)
		;
	while (pcr_of(at) != 11)
		at++;
	records[at] = SPAN(other.p + ev.offset, other.n - ev.offset);
	nrecords = at + 1;
	boot_records();
	unit_free(other);
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
	assert_null(world_finding(w.v, FIND_REPLAY));
}

/* ---- L20: firmware that measures wrongly ---- */

/* One more separator in PCR 1, as some firmware writes it; it is the approved boot. */
static void
boot_with_second_separator(void)
{
	take_honest_log();
	for (size_t i = 0; i < nrecords; i++)
		if (pcr_of(i) == 1 && records[i].p[4] == EV_SEPARATOR) {
			insert_record(i, records[i]);
			boot_records();
			world_set_reference(&w, REF_PROMOTED);
			return;
		}
	fail_msg("no separator in PCR 1");
}

static void
set_workaround(const char *words)
{
	char yaml[2048];

	snprintf(yaml, sizeof yaml, "%stolerate:\n  - {id: vendor-x, %s, reason: vendor note 7}\n",
		 world_policy, words);
	world_set_policy(&w, yaml);
}

static void
assert_tolerated(const char *words)
{
	const struct finding *f;

	set_workaround(words);
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_BOOT_ORDER);
	assert_int_equal(w.v->nfindings, 1);
	f = &w.v->findings[0];
	assert_string_equal(f->rule, "vendor-x");
	assert_string_equal(f->remedy, "tolerated by the policy: vendor note 7");
	assert_non_null(strstr(f->text, "separator.second"));
	assert_int_equal(f->pcr, 1);
	assert_int_equal(w.v->vector[AR4SI_EXECUTABLES], 32); /* known issues */
}

static void
assert_not_tolerated(const char *words)
{
	set_workaround(words);
	assert_quarantined(world_round(&w), FIND_BOOT_ORDER);
	assert_string_equal(w.v->findings[0].rule, "");
}

static void
l20_what_firmware_measures_wrongly_is_tolerated_by_name_and_told(void **state)
{
	(void)state;
	boot_with_second_separator();
	assert_quarantined(world_round(&w), FIND_BOOT_ORDER);
	assert_int_equal(w.v->vector[AR4SI_EXECUTABLES], 96);
	assert_tolerated("finding: separator.second, pcrs: [1]");
	/* the name stays in every verdict of this boot */
	assert_outcome(world_round(&w), OUTCOME_ADMIT, FIND_BOOT_ORDER);
	assert_string_equal(w.v->findings[0].rule, "vendor-x");
	assert_int_equal(w.needs, 0);
	assert_tolerated("finding: separator.second, pcrs: [0-7], event: EV_SEPARATOR");
}

static void
l20_a_workaround_is_for_one_finding_in_its_pcrs_and_type_of_event(void **state)
{
	(void)state;
	boot_with_second_separator();
	assert_not_tolerated("finding: separator.value, pcrs: [0-7]");
	assert_not_tolerated("finding: separator.second, pcrs: [0, 2-7]");
	assert_not_tolerated("finding: separator.second, pcrs: [1], event: EV_EFI_ACTION");
}

static void
l20_a_workaround_is_for_one_model(void **state)
{
	struct ek_facts *ek = &w.in.device.ek;

	(void)state;
	boot_with_second_separator();
	assert_not_tolerated("finding: separator.second, pcrs: [1], manufacturer: 'id:4946*'");
	world_reboot(&w, NULL);
	strcpy(ek->manufacturer, "id:49465800");
	strcpy(ek->model, "SLB9670");
	assert_tolerated("finding: separator.second, pcrs: [1], manufacturer: 'id:4946*'");
	assert_tolerated("finding: separator.second, pcrs: [1], manufacturer: 'id:4946*', "
			 "model: 'SLB96?0'");
	assert_not_tolerated("finding: separator.second, pcrs: [1], manufacturer: 'id:4946*', "
			     "model: 'SLB97*'");
	assert_not_tolerated("finding: separator.second, pcrs: [1], manufacturer: 'id:5354*', "
			     "model: 'SLB96*'");
	/* this firmware measures no version: it is not known, so it is no version's */
	assert_not_tolerated("finding: separator.second, pcrs: [1], firmware: '*1*'");
	assert_not_tolerated("finding: separator.second, pcrs: [1], manufacturer: 'id:4946*', "
			     "firmware: '*'");
	/* who says what the model is, is not the certificate of a trusted maker */
	ek->trusted = false;
	ek->allow_listed = true;
	assert_not_tolerated("finding: separator.second, pcrs: [1], manufacturer: 'id:4946*'");
}

/* Record 1 is the firmware's version; its digest is of its data. */
static void
boot_with_version(const char *text)
{
	static uint8_t rec[128];
	uint8_t utf16[64] = {0};
	size_t n = 2 * strlen(text) + 2;
	struct digest d1, d2;
	struct writer out;

	assert_true(n <= sizeof utf16);
	for (size_t i = 0; text[i] != '\0'; i++)
		utf16[2 * i] = (uint8_t)text[i];
	assert_int_equal(digest_compute(ALG_SHA1, SPAN(utf16, n), &d1), ASSAY_OK);
	assert_int_equal(digest_compute(ALG_SHA256, SPAN(utf16, n), &d2), ASSAY_OK);
	boot_with_second_separator();
	read_records();
	wr_init(&out, rec, sizeof rec);
	wr_bytes(&out, SPAN(records[1].p, 14));
	wr_bytes(&out, digest_span(&d1));
	wr_le16(&out, ALG_SHA256);
	wr_bytes(&out, digest_span(&d2));
	wr_le32(&out, (uint32_t)n);
	wr_bytes(&out, SPAN(utf16, n));
	assert_int_equal(out.err, ASSAY_OK);
	records[1] = wr_span(&out);
	boot_records();
	softtpm_reset(&w.tpm);
	w.tpm.reset_count -= 2; /* one boot, and not the two on the way here */
	softtpm_boot(&w.tpm, w.log);
	world_set_reference(&w, REF_PROMOTED);
}

static void
l20_a_workaround_is_for_the_firmware_that_the_log_proves(void **state)
{
	(void)state;
	boot_with_version("EDK 1.2");
	assert_tolerated("finding: separator.second, pcrs: [1], firmware: 'EDK 1.?'");
	assert_not_tolerated("finding: separator.second, pcrs: [1], firmware: 'EDK 2.*'");
	boot_with_version("EDK 2.0"); /* the update that repairs it ends the workaround */
	assert_not_tolerated("finding: separator.second, pcrs: [1], firmware: 'EDK 1.?'");
	/* and what the log says of itself, where another value was extended, is no version */
	set_workaround("finding: separator.second, pcrs: [1], firmware: 'EDK 2.*'");
	extend(0);
	(void)world_round(&w);
	assert_quarantined(w.v, FIND_BOOT_ORDER);
	assert_int_equal(world_finding(w.v, FIND_BOOT_ORDER)->cap, OUTCOME_QUARANTINE);
}

static void
l20_a_workaround_excuses_no_other_fault_and_no_other_boot(void **state)
{
	(void)state;
	boot_with_second_separator();
	assert_tolerated("finding: separator.second, pcrs: [1]");
	/* a second one, elsewhere */
	read_records();
	for (size_t i = 0; i < nrecords; i++)
		if (pcr_of(i) == 4 && records[i].p[4] == EV_SEPARATOR) {
			insert_record(i, records[i]);
			break;
		}
	boot_records();
	world_set_reference(&w, REF_PROMOTED);
	assert_quarantined(world_round(&w), FIND_BOOT_ORDER);
	assert_int_equal(w.v->findings[0].pcr, 4);
	/* the values must be the reference's all the same */
	boot_with_second_separator();
	assert_tolerated("finding: separator.second, pcrs: [1]");
	world_reboot(&w, "uki-cmdline");
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(l17_what_is_the_devices_own_is_not_compared_with_its_class),
		CASE(l17_what_is_the_devices_own_is_compared_with_its_baseline),
		CASE(l17_a_baseline_says_nothing_of_what_the_class_says),
		CASE(l17_a_baseline_that_knows_less_or_has_expired_does_not_hide_another),
		CASE(l18_what_nothing_accounts_for_is_a_finding_though_nothing_compares_it),
		CASE(what_only_another_policy_asks_for_is_no_finding_of_this_one),
		CASE(l18_what_policy_excludes_is_told_in_every_verdict),
		CASE(l18_a_pcr_that_log_and_user_space_share_is_excluded_by_name_only),
		CASE(l18_what_the_log_says_of_an_excluded_pcr_is_no_fact),
		CASE(l18_an_excluded_pcr_that_is_compared_must_still_be_equal),
		CASE(l14_a_dbx_with_fewer_entries_than_policy_wants_is_a_finding),
		CASE(l19_known_digests_in_another_order_do_not_pass),
		CASE(l19_a_known_digest_more_than_once_does_not_pass),
		CASE(l19_a_known_digest_that_is_not_there_does_not_pass),
		CASE(l19_a_known_digest_in_another_pcr_does_not_pass),
		CASE(l19_events_of_two_approved_boots_do_not_pass_as_one),
		CASE(l20_what_firmware_measures_wrongly_is_tolerated_by_name_and_told),
		CASE(l20_a_workaround_is_for_one_finding_in_its_pcrs_and_type_of_event),
		CASE(l20_a_workaround_is_for_one_model),
		CASE(l20_a_workaround_is_for_the_firmware_that_the_log_proves),
		CASE(l20_a_workaround_excuses_no_other_fault_and_no_other_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
