/* test_bootlog_verdict.c: what no PCR's value tells of a boot log, and what is told of it all
 * the same: types (L4), PCRs without an event (L2), the order between PCRs, one bank of
 * several (L1); and events of the standards that few machines have. */
#include "tests/support/logmade.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "verifier/appraise/bootdiff.h"
#include "verifier/appraise/boottext.h"
#include "verifier/appraise/fact.h"

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

/* ---- a log written anew, event by event ---- */

/* Whether an event is kept, and how. */
typedef bool change(struct event *ev);

static void
write_record(struct writer *out, const struct event *ev)
{
	wr_le32(out, ev->pcr);
	wr_le32(out, ev->type);
	wr_le32(out, ev->ndigests);
	for (size_t i = 0; i < ev->ndigests; i++) {
		wr_le16(out, ev->digests[i].alg);
		wr_bytes(out, ev->digests[i].bytes);
	}
	wr_le32(out, (uint32_t)ev->data.n);
	wr_bytes(out, ev->data);
}

static struct span
rewritten(struct span log, change *f)
{
	size_t cap = 2 * log.n, head = 0;
	uint8_t *p = malloc(cap);
	struct eventlog l;
	struct event ev;
	struct writer out;

	assert_non_null(p);
	wr_init(&out, p, cap);
	assert_int_equal(eventlog_open(log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev)) {
		if (ev.index == 1) {
			head = ev.offset;
			wr_bytes(&out, SPAN(log.p, head));
		}
		if (ev.index != 0 && f(&ev))
			write_record(&out, &ev);
	}
	assert_int_equal(out.err, ASSAY_OK);
	return wr_span(&out);
}

/* The device sends this log; its TPM has booted the honest one. */
static void
send(change *f)
{
	struct span log = rewritten(w.log, f);

	unit_free(w.log);
	w.log = log;
}

/* ---- L4, L2: against a set that matches ---- */

static bool
as_other_type(struct event *ev)
{
	if (ev->type == EV_EFI_BOOT_SERVICES_APPLICATION)
		ev->type = EV_POST_CODE;
	return true;
}

static void
l4_another_type_of_the_same_measurement_is_a_finding(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL);
	send(as_other_type);
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	assert_null(world_finding(w.v, FIND_REPLAY));
	assert_null(world_finding(w.v, FIND_PCR_DIFFERS));
	assert_non_null(strstr(world_finding(w.v, FIND_EVENT_DIFFERS)->text,
			       "was EV_EFI_BOOT_SERVICES_APPLICATION, is EV_POST_CODE"));
}

static bool
without_pcr_9(struct event *ev)
{
	return ev->pcr != 9;
}

static void
l2_a_pcr_of_the_reference_without_an_event_is_a_finding(void **state)
{
	const struct finding *f;

	(void)state;
	assert_admitted(world_round(&w));
	world_reboot(&w, NULL);
	send(without_pcr_9);
	assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
	f = world_finding(w.v, FIND_PCR_UNLOGGED);
	assert_int_equal(f->pcr, 9);
	assert_non_null(strstr(f->text, "the log has none"));
	/* and it stays, in rounds that read no log */
	assert_quarantined(world_round(&w), FIND_PCR_UNLOGGED);
	assert_int_equal(w.needs, 0);
}

static void
l2_what_the_last_good_boot_logged_and_this_one_does_not_is_told(void **state)
{
	struct span good = unit_data("eventlog/uki-good.bin");
	const struct finding *f;

	(void)state;
	w.in.good_log = good;
	world_set_policy(&w, "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, "
			     "patience: 3}\nreferences: {pcrs: [0-9, 11-14], events: ignore, "
			     "last_boot: restrict}\n");
	send(without_pcr_9);
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_BOOT_CHANGED);
	f = world_finding(w.v, FIND_BOOT_CHANGED);
	assert_int_equal(f->pcr, 9);
	assert_non_null(strstr(f->text, "no event of it any more"));
	unit_free(good);
}

/* ---- L1: banks ---- */

/* As Windows does it: what follows the firmware is measured in one bank only. */
static bool
late_events_in_sha256_only(struct event *ev)
{
	if (ev->pcr >= 8 && ev->ndigests == 2) {
		if (ev->digests[0].alg != ALG_SHA256)
			ev->digests[0] = ev->digests[1];
		ev->ndigests = 1;
	}
	return true;
}

static void
ask_two_banks(void)
{
	world_set_policy(&w, "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			     "ask: {banks: [sha1, sha256], pcrs: [0-9, 11-14], interval: 60s, "
			     "patience: 3}\nreferences: {pcrs: [0-9, 11-14]}\n"
			     "rules:\n  - {id: r, fact: boot.initrd_digest, op: present}\n");
	softtpm_add_bank(&w.tpm, ALG_SHA1);
}

static void
l1_what_is_measured_in_the_strongest_bank_alone_is_proved_by_it(void **state)
{
	static const uint8_t some[20] = {1};

	(void)state;
	ask_two_banks();
	send(late_events_in_sha256_only);
	world_reboot(&w, NULL);
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	/* not if somebody extended the bank that the log says nothing of */
	world_reboot(&w, NULL);
	softtpm_extend(&w.tpm, 9, SPAN(some, sizeof some), ALG_SHA1);
	(void)world_round(&w);
	assert_int_equal(w.v->outcome, OUTCOME_QUARANTINE);
	assert_non_null(world_finding(w.v, FIND_FACT_MISSING));
}

static bool
late_events_in_sha1_only(struct event *ev)
{
	if (ev->pcr >= 8 && ev->ndigests == 2) {
		if (ev->digests[0].alg != ALG_SHA1)
			ev->digests[0] = ev->digests[1];
		ev->ndigests = 1;
	}
	return true;
}

static void
l1_what_is_measured_in_a_weaker_bank_alone_is_no_fact(void **state)
{
	(void)state;
	ask_two_banks();
	send(late_events_in_sha1_only);
	world_reboot(&w, NULL);
	world_set_reference(&w, REF_PROMOTED);
	assert_quarantined(world_round(&w), FIND_FACT_MISSING);
}

/* ---- the order between PCRs ---- */

static struct boot_ref_event references[64];
static size_t nreferences;

static void
keep(const struct boot_ref_event *ev, void *arg)
{
	(void)arg;
	references[nreferences] = *ev;
	references[nreferences++].description = SPAN("separator: 00000000", 19);
}

static void
another_order_between_pcrs_is_told_by_a_comparison(void **state)
{
	static struct bootdiff_work work;
	static struct bootdiff d;
	static struct made a, b;
	struct bootdiff_input in = {.bank = ALG_SHA256, .pcr_mask = 0xFF};

	(void)state;
	made_begin(&a, made_sha256, 1, 0);
	made_begin(&b, made_sha256, 1, 0);
	for (uint32_t pcr = 0; pcr < 8; pcr++) {
		made_event(&a, pcr, EV_SEPARATOR, SPAN("\0\0\0\0", 4));
		made_event(&b, pcr ^ 1, EV_SEPARATOR, SPAN("\0\0\0\0", 4));
	}
	in.log = made_log(&a);
	nreferences = 0;
	assert_int_equal(bootdiff_capture(&in, keep, NULL), ASSAY_OK);
	in.reference = references;
	in.nreference = nreferences;
	assert_int_equal(bootdiff_compare(&in, &work, &d), ASSAY_OK);
	assert_true(d.equal);
	in.log = made_log(&b);
	assert_int_equal(bootdiff_compare(&in, &work, &d), ASSAY_OK);
	assert_false(d.equal);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.entries[0].kind, BOOTDIFF_MOVED);
	assert_non_null(strstr(d.headline, "another order between PCRs: PCR 1 where PCR 0 was"));
	/* within one PCR it is a change */
	in.pcr_mask = 1;
	nreferences = 0;
	in.log = made_log(&a);
	assert_int_equal(bootdiff_capture(&in, keep, NULL), ASSAY_OK);
	assert_int_equal(nreferences, 1);
}

/* ---- facts ---- */

static const char *
fact_text(enum fact_id id)
{
	for (size_t i = 0; i < w.v->nfacts; i++)
		if (w.v->facts[i].id == id)
			return w.v->facts[i].text;
	return NULL;
}

static void
what_the_log_says_of_the_boot_is_a_fact_where_it_is_proved(void **state)
{
	static const uint8_t some[32] = {1};

	(void)state;
	world_free(&w);
	world_init(&w, "sb-good");
	assert_admitted(world_round(&w));
	assert_string_equal(fact_text(FACT_BOOT_MACHINE), "virtual");
	assert_string_equal(fact_text(FACT_BOOT_EXIT), "true");
	assert_string_equal(fact_text(FACT_BOOT_PCRS), "0 1 2 3 4 5 6 7 9 11");
	assert_int_equal(strlen(fact_text(FACT_BOOT_DB_CERTIFICATES)), 64);
	/* and where the quote has another value it is not */
	world_reboot(&w, NULL);
	softtpm_extend(&w.tpm, 7, SPAN(some, sizeof some), ALG_SHA256);
	softtpm_extend(&w.tpm, 5, SPAN(some, sizeof some), ALG_SHA256);
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_null(fact_text(FACT_BOOT_DB_CERTIFICATES));
	assert_null(fact_text(FACT_BOOT_EXIT));
	assert_string_equal(fact_text(FACT_BOOT_PCRS), "0 1 2 3 4 6 9 11");
}

/* ---- events of the standards that few machines have ---- */

static void
of_made(const struct made *m, uint32_t index, struct bootevent *ret)
{
	struct bootreader r;
	struct eventlog l;
	struct event ev;

	assert_int_equal(eventlog_open(made_log(m), false, &l), ASSAY_OK);
	bootreader_init(&r, l.format, ALG_SHA256);
	while (eventlog_next(&l, &ev)) {
		bootevent_read(&r, &ev, ret);
		if (ev.index == index)
			return;
	}
	fail_msg("no event %u", index);
}

/* wolfSSL has no SM3: its digests are walked by their size, and prove nothing. */
static void
sm3_banks_are_not_replayed_and_prove_nothing(void **state)
{
	static const uint16_t algs[] = {ALG_SM3_256};
	struct eventlog_replay r;
	struct boot_facts f;
	struct made m;

	(void)state;
	made_begin(&m, algs, 1, 0);
	made_event(&m, 4, EV_EFI_ACTION, SPAN("Calling EFI Application from Boot Option", 40));
	assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
	assert_null(pcr_value(&r.pcrs, ALG_SM3_256, 4));
	assert_int_equal(bootfacts_read(made_log(&m), false, ALG_SM3_256, &f), ASSAY_OK);
	assert_int_equal(f.nproved, 0);
}

static void
variables_and_partition_tables_of_pfp_1_06_must_be_of_their_data(void **state)
{
	static const uint32_t types[] = {0x8000000C, 0x8000000D}; /* BOOT2, GPT_EVENT2 */
	static const uint8_t order[] = {1, 0};
	static const uint8_t gpt[92 + 8] = "EFI PART";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span data = i == 0 ? made_variable(made_guid_global, "BootOrder",
							  SPAN(order, 2))
					  : SPAN(gpt, sizeof gpt);
		struct bootevent ev;
		struct made m;

		made_begin(&m, made_sha256, 1, 0);
		made_event(&m, i == 0 ? 1 : 5, types[i], data);
		of_made(&m, 1, &ev);
		assert_int_equal(ev.status, BOOTEVENT_PROVED);
		assert_int_equal(ev.cover, BOOTCOVER_ALL);
		made_begin(&m, made_sha256, 1, 0);
		made_event_of(&m, (const uint32_t[2]){i == 0 ? 1 : 5, types[i]}, data,
			      SPAN("x", 1));
		of_made(&m, 1, &ev);
		assert_int_equal(ev.status, BOOTEVENT_CONTRADICTION);
	}
}

static void
spdm_and_other_events_of_devices_are_named_and_kept_as_bytes(void **state)
{
	static const struct {
		uint32_t type;
		const char *name;
	} cases[] = {
		{0x800000E1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
		{0x800000E2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
		{0x800000E3, "EV_EFI_SPDM_DEVICE_POLICY"},
		{0x800000E4, "EV_EFI_SPDM_DEVICE_AUTHORITY"},
		{0x8000000B, "EV_EFI_HANDOFF_TABLES2"},
		{0x80000010, "EV_EFI_HCRTM_EVENT"},
		{0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
		{0x00000013, "EV_POST_CODE2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(bootevent_type_name(cases[i].type), cases[i].name);
	assert_null(bootevent_type_name(0x8000FFFF));
}

static void
l11_events_about_the_log_are_named_and_never_extended(void **state)
{
	static const struct {
		const char *data;
		size_t n;
		const char *text;
	} cases[] = {
		{"NvIndexDynamic\0\0\1\0\0\0\0\0\0\0", 24, "dynamic"},
		{"NvIndexInstance\0\1\0\0\0\0\0\0\0", 24, "device measured into an NV index"},
		{"H-CRTM CompMeas\0x", 17, "component measured by the H-CRTM"},
		{"SP800-155 Event\0\1\0\0\0ABCDEFGHIJKLMNOP", 36, "reference manifest"},
		{"something unknown", 17, "something unknown"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct eventlog_replay r;
		struct bootevent ev;
		char text[BOOTTEXT_MAX];
		struct made m;

		made_begin(&m, made_sha256, 1, 0);
		made_event(&m, 0, EV_NO_ACTION, SPAN(cases[i].data, cases[i].n));
		of_made(&m, 1, &ev);
		assert_int_equal(ev.status, BOOTEVENT_NOT_MEASURED);
		bootevent_text(&ev, text, sizeof text);
		if (!strstr(text, cases[i].text))
			fail_msg("%s", text);
		assert_int_equal(eventlog_replay(made_log(&m), false, &r), ASSAY_OK);
		assert_null(pcr_value(&r.pcrs, ALG_SHA256, 0));
	}
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(l4_another_type_of_the_same_measurement_is_a_finding),
		CASE(l2_a_pcr_of_the_reference_without_an_event_is_a_finding),
		CASE(l2_what_the_last_good_boot_logged_and_this_one_does_not_is_told),
		CASE(l1_what_is_measured_in_the_strongest_bank_alone_is_proved_by_it),
		CASE(l1_what_is_measured_in_a_weaker_bank_alone_is_no_fact),
		CASE(what_the_log_says_of_the_boot_is_a_fact_where_it_is_proved),
		cmocka_unit_test(another_order_between_pcrs_is_told_by_a_comparison),
		cmocka_unit_test(sm3_banks_are_not_replayed_and_prove_nothing),
		cmocka_unit_test(variables_and_partition_tables_of_pfp_1_06_must_be_of_their_data),
		cmocka_unit_test(spdm_and_other_events_of_devices_are_named_and_kept_as_bytes),
		cmocka_unit_test(l11_events_about_the_log_are_named_and_never_extended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
