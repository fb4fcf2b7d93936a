/* test_lastboot.c: a boot against the last boot of the same device that was judged ADMIT:
 * told in words, whatever the class's references know; revocations that go back (L14). */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "verifier/appraise/bootevent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;
static struct span good; /* the log of the last good boot */

static int
start(void **state)
{
	(void)state;
	world_init(&w, "sb-good");
	good = unit_data("eventlog/sb-good.bin");
	w.in.good_log = good;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	unit_free(good);
	world_free(&w);
	return 0;
}

static void
set_policy(const char *references)
{
	char yaml[1024];

	snprintf(yaml, sizeof yaml,
		 "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
		 "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, patience: 3}\n"
		 "references: {%s}\n",
		 references);
	world_set_policy(&w, yaml);
}

static void
boot_of(const char *before)
{
	char path[128];

	unit_free(good);
	snprintf(path, sizeof path, "eventlog/%s.bin", before);
	good = unit_data(path);
	w.in.good_log = good;
}

/* ---- logs with another list of revocations ---- */

#define NO_DBX UINT32_MAX

static void
write_event(struct writer *out, const struct event *ev, struct span data)
{
	wr_le32(out, ev->pcr);
	wr_le32(out, ev->type);
	wr_le32(out, ev->ndigests);
	for (size_t i = 0; i < ev->ndigests; i++) {
		struct digest d;

		assert_int_equal(digest_compute(ev->digests[i].alg, data, &d), ASSAY_OK);
		wr_le16(out, ev->digests[i].alg);
		wr_bytes(out, digest_span(&d));
	}
	wr_le32(out, (uint32_t)data.n);
	wr_bytes(out, data);
}

/* UEFI_VARIABLE_DATA of dbx with n hashes, from number `first` on. */
static struct span
dbx_data(struct span old, uint32_t n, uint32_t first)
{
	static const uint8_t sha256_guid[16] = {0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40,
						0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43, 0x28};
	static uint8_t buf[1 << 17];
	uint32_t size = n == 0 ? 0 : 28 + n * 48;
	struct writer out;

	wr_init(&out, buf, sizeof buf);
	wr_bytes(&out, SPAN(old.p, 16 + 8)); /* GUID, length of the name */
	wr_le32(&out, size);
	wr_le32(&out, 0);
	wr_bytes(&out, SPAN(old.p + 32, 6)); /* "dbx" */
	if (n != 0) {
		wr_bytes(&out, SPAN(sha256_guid, 16));
		wr_le32(&out, size);
		wr_le32(&out, 0);
		wr_le32(&out, 48);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint8_t entry[48] = {0x77};

		/* not in the order of the numbers: lists are not sorted */
		entry[16] = (uint8_t)((first + i) * 37);
		entry[17] = (uint8_t)(first + i);
		entry[18] = (uint8_t)((first + i) >> 8);
		wr_bytes(&out, SPAN(entry, sizeof entry));
	}
	assert_int_equal(out.err, ASSAY_OK);
	return wr_span(&out);
}

static bool
is_dbx(const struct event *ev)
{
	struct efivar v;

	return ev->type == EV_EFI_VARIABLE_DRIVER_CONFIG &&
	       efivar_parse(ev->data, &v) == ASSAY_OK && v.id == EFIVAR_DBX;
}

/* The log of sb-good with n revocations; NO_DBX: the variable is not measured. */
static struct span
log_with_dbx(uint32_t n, uint32_t first)
{
	struct span from = unit_data("eventlog/sb-good.bin");
	size_t cap = from.n + (1 << 17), start = 0;
	uint8_t *p = malloc(cap);
	struct eventlog l;
	struct event ev, last = {0};
	struct writer out;
	bool was_dbx = false;

	assert_non_null(p);
	wr_init(&out, p, cap);
	assert_int_equal(eventlog_open(from, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev)) {
		if (!was_dbx)
			wr_bytes(&out, SPAN(from.p + start, ev.offset - start));
		else if (n != NO_DBX)
			write_event(&out, &last, dbx_data(last.data, n, first));
		start = ev.offset;
		was_dbx = is_dbx(&ev);
		last = ev;
	}
	wr_bytes(&out, SPAN(from.p + start, from.n - start));
	assert_int_equal(out.err, ASSAY_OK);
	unit_free(from);
	return wr_span(&out);
}

static void
boot_with_dbx(uint32_t n, uint32_t first)
{
	unit_free(w.log);
	w.log = log_with_dbx(n, first);
	world_reboot(&w, NULL);
	world_set_reference(&w, REF_PROMOTED); /* the class has approved it */
}

static void
last_good_dbx(uint32_t n, uint32_t first)
{
	unit_free(good);
	good = log_with_dbx(n, first);
	w.in.good_log = good;
}

/* ---- told ---- */

static void
a_boot_like_the_last_good_one_is_no_finding(void **state)
{
	(void)state;
	assert_admitted(world_round(&w));
	w.in.good_log = w.log; /* the very same */
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
	w.in.good_log = SPAN(NULL, 0);
	world_reboot(&w, NULL);
	assert_admitted(world_round(&w));
}

static void
a_boot_that_changed_is_told_and_lowers_nothing_unless_policy_says_so(void **state)
{
	static const struct {
		const char *policy;
		enum outcome outcome;
	} cases[] = {
		{"pcrs: [0-9, 11-14]", OUTCOME_ADMIT},
		{"pcrs: [0-9, 11-14], last_boot: report", OUTCOME_ADMIT},
		{"pcrs: [0-9, 11-14], last_boot: restrict", OUTCOME_RESTRICT},
		{"pcrs: [0-9, 11-14], last_boot: quarantine", OUTCOME_QUARANTINE},
	};

	(void)state;
	boot_of("grub-good");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct finding *f;

		world_reboot(&w, "grub-cmdline");
		set_policy(cases[i].policy);
		world_set_reference(&w, REF_PROMOTED);
		assert_outcome(world_round(&w), cases[i].outcome, FIND_BOOT_CHANGED);
		f = &w.v->findings[0];
		assert_int_equal(f->code, FIND_BOOT_CHANGED);
		assert_string_equal(f->text, "since the last good boot: "
					     "kernel command line gained `lab.evil=1`");
		assert_string_equal(f->subject, "kernel command line");
		assert_int_equal(f->pcr, 8);
		assert_int_equal(f->event, 33);
		if (i < 2)
			assert_int_equal(w.v->vector[AR4SI_EXECUTABLES], 3);
		/* seen and expected tell the two apart, in words or by digest */
		for (unsigned n = 0; n < w.v->nfindings; n++)
			if (w.v->findings[n].code == FIND_BOOT_CHANGED && w.v->findings[n].seen[0])
				assert_string_not_equal(w.v->findings[n].seen,
							w.v->findings[n].expected);
		/* it holds in steady rounds, where no log is read */
		assert_outcome(world_round(&w), cases[i].outcome, FIND_BOOT_CHANGED);
		assert_int_equal(w.needs, 0);
		/* and ends with the boot */
		w.in.good_log = w.log;
		world_reboot(&w, NULL);
		assert_admitted(world_round(&w));
		w.in.good_log = good;
	}
}

/* The class knows PCR values alone, or is not asked for events. */
static void
a_difference_without_words_gets_those_of_the_last_good_boot(void **state)
{
	(void)state;
	boot_of("grub-good");
	world_reboot(&w, "grub-good");
	set_policy("pcrs: [0-9, 11-14], events: ignore");
	world_set_reference(&w, REF_PROMOTED);
	assert_admitted(world_round(&w));
	world_reboot(&w, "grub-cmdline");
	assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
	assert_int_equal(w.v->findings[0].code, FIND_BOOT_CHANGED);
	assert_int_equal(w.v->findings[0].cap, OUTCOME_QUARANTINE);
	assert_non_null(strstr(w.v->findings[0].text, "kernel command line gained `lab.evil=1`"));
	assert_null(world_finding(w.v, FIND_EVENT_DIFFERS));
	/* where policy is milder to differences, so are their words */
	world_reboot(&w, "grub-cmdline");
	set_policy("pcrs: [0-9, 11-14], events: ignore, on_fail: restrict");
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_PCR_DIFFERS);
	assert_int_equal(w.v->findings[0].code, FIND_BOOT_CHANGED);
	assert_int_equal(w.v->findings[0].cap, OUTCOME_RESTRICT);
	/* and where the class's events say it, they come first */
	world_reboot(&w, "grub-cmdline");
	set_policy("pcrs: [0-9, 11-14]");
	assert_quarantined(world_round(&w), FIND_EVENT_DIFFERS);
	assert_int_equal(w.v->findings[0].code, FIND_EVENT_DIFFERS);
	assert_int_equal(world_finding(w.v, FIND_BOOT_CHANGED)->cap, OUTCOME_ADMIT);
}

static void
the_first_line_names_each_change_of_the_tamper_table(void **state)
{
	static const struct {
		const char *before, *now, *words;
	} cases[] = {
		{"uki-good", "uki-cmdline", "kernel command line changed"},
		{"uki-good", "uki-initrd", "initrd changed"},
		{"uki-good", "uki-kernel", "kernel image changed"},
		{"uki-good", "uki-optrom", "new option ROM at PCI 00:03.0"},
		{"grub-good", "grub-cmdline", "kernel command line gained `lab.evil=1`"},
		{"grub-good", "grub-initrd", "initrd changed"},
		{"grub-good", "grub-kernel", "kernel image changed"},
		{"sdboot-good", "sdboot-initrd", "initrd changed"},
		{"sb-good", "sb-off", "Secure Boot state changed from `enabled` to `disabled`"},
		{"sb-good", "sb-cmdline", "kernel command line changed"},
		{"sb-shim-good", "sb-shim-cmdline", "kernel command line gained `lab.evil=1`"},
		{"sb-shim-good", "sb-shim-initrd", "initrd changed"},
	};
	char path[128];

	(void)state;
	set_policy("pcrs: [0-9, 11-14], events: ignore");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *p;

		snprintf(path, sizeof path, "own/%s/eventlog.bin", cases[i].now);
		if (!(p = unit_shared(path)))
			skip();
		unit_free(w.log);
		w.log = unit_file(p);
		snprintf(path, sizeof path, "own/%s/eventlog.bin", cases[i].before);
		unit_free(good);
		w.in.good_log = good = unit_file(unit_shared(path));
		world_reboot(&w, NULL);
		assert_quarantined(world_round(&w), FIND_PCR_DIFFERS);
		if (!strstr(w.v->findings[0].text, cases[i].words))
			fail_msg("%s: %s", cases[i].now, w.v->findings[0].text);
	}
}

static void
what_is_measured_no_more_is_told_too(void **state)
{
	(void)state;
	boot_of("grub-good");
	world_reboot(&w, "uki-good"); /* nothing in PCR 8 any more */
	world_set_reference(&w, REF_PROMOTED);
	set_policy("pcrs: [0-9, 11-14], last_boot: restrict");
	assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_BOOT_CHANGED);
	for (size_t i = 0; i < w.v->nfindings; i++)
		if (strstr(w.v->findings[i].text, "kernel command line is gone"))
			return;
	fail_msg("that PCR 8 is empty is not told: %s", w.v->findings[0].text);
}

/* Padding with events of a PCR that nobody compares, to break the comparison. */
static void
a_boot_that_cannot_be_compared_is_not_one_that_did_not_change(void **state)
{
	struct span honest = unit_data("eventlog/sb-good.bin");
	size_t cap = honest.n + 1100 * 80;
	uint8_t *p = malloc(cap);
	struct writer out;
	const struct finding *f;

	(void)state;
	assert_non_null(p);
	wr_init(&out, p, cap);
	wr_bytes(&out, honest);
	for (unsigned i = 0; i < 1100; i++) {
		struct event ev = {.pcr = 12, .type = EV_IPL, .ndigests = 2};

		ev.digests[0].alg = ALG_SHA1;
		ev.digests[1].alg = ALG_SHA256;
		write_event(&out, &ev, SPAN("x", 1));
	}
	assert_int_equal(out.err, ASSAY_OK);
	unit_free(honest);
	unit_free(w.log);
	w.log = wr_span(&out);
	world_reboot(&w, NULL);
	set_policy("pcrs: [0-9], last_boot: quarantine");
	assert_quarantined(world_round(&w), FIND_BOOT_CHANGED);
	f = world_finding(w.v, FIND_BOOT_CHANGED);
	assert_non_null(strstr(f->text, "cannot be compared"));
}

/* ---- L14: revocations ---- */

static void
l14_revocations_that_are_gone_restrict_whatever_the_references_say(void **state)
{
	static const struct {
		uint32_t before[2], now[2]; /* count, first */
		const char *text;	    /* NULL: no finding */
	} cases[] = {
		{{371, 0}, {371, 0}, NULL},
		{{371, 0}, {372, 0}, NULL},
		{{217, 0}, {371, 0}, NULL},
		{{0, 0}, {0, 0}, NULL},
		{{0, 0}, {5, 0}, NULL},
		{{371, 0}, {217, 0}, "went back from 371 to 217 entries"},
		{{371, 0}, {370, 1}, "went back from 371 to 370 entries"},
		{{371, 0}, {0, 0}, "went back from 371 to 0 entries"},
		{{1, 0}, {0, 0}, "went back from 1 to 0 entries"},
		{{371, 0}, {NO_DBX, 0}, "went back from 371 to 0 entries"},
		/* as many or more, but others */
		{{371, 0}, {371, 1}, "lost 1 of its 371 entries"},
		{{371, 0}, {900, 371}, "lost 371 of its 371 entries"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct finding *f;

		last_good_dbx(cases[i].before[0], cases[i].before[1]);
		boot_with_dbx(cases[i].now[0], cases[i].now[1]);
		(void)world_round(&w);
		f = world_finding(w.v, FIND_DBX_BACK);
		if ((f == NULL) != (cases[i].text == NULL))
			fail_msg("case %zu: %s", i, f ? f->text : "not found");
		if (!f)
			continue;
		assert_int_equal(w.v->outcome, OUTCOME_RESTRICT);
		assert_int_equal(f->cap, OUTCOME_RESTRICT);
		assert_ptr_equal(f, &w.v->findings[0]);
		assert_true(f->sticky);
		assert_int_equal(f->pcr, 7);
		assert_string_equal(f->subject, "Secure Boot variable dbx");
		if (!strstr(f->text, cases[i].text))
			fail_msg("case %zu: %s", i, f->text);
		assert_outcome(world_round(&w), OUTCOME_RESTRICT, FIND_DBX_BACK);
		assert_int_equal(w.needs, 0);
	}
}

static void
l14_policy_says_what_lost_revocations_are_worth(void **state)
{
	static const struct {
		const char *policy;
		enum outcome outcome;
	} cases[] = {
		{"pcrs: [0-9], dbx_back: quarantine", OUTCOME_QUARANTINE},
		{"pcrs: [0-9], dbx_back: restrict", OUTCOME_RESTRICT},
		{"pcrs: [0-9], dbx_back: report", OUTCOME_ADMIT},
	};

	(void)state;
	last_good_dbx(371, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		set_policy(cases[i].policy);
		boot_with_dbx(217, 0);
		assert_outcome(world_round(&w), cases[i].outcome, FIND_DBX_BACK);
	}
}

static void
l14_a_dbx_that_the_quote_does_not_prove_is_no_dbx(void **state)
{
	static const uint8_t some[32] = {1};

	(void)state;
	last_good_dbx(371, 0);
	boot_with_dbx(371, 0);
	softtpm_extend(&w.tpm, 7, SPAN(some, sizeof some), ALG_SHA256);
	assert_quarantined(world_round(&w), FIND_REPLAY);
	assert_null(world_finding(w.v, FIND_DBX_BACK));
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(a_boot_like_the_last_good_one_is_no_finding),
		CASE(a_boot_that_changed_is_told_and_lowers_nothing_unless_policy_says_so),
		CASE(a_difference_without_words_gets_those_of_the_last_good_boot),
		CASE(the_first_line_names_each_change_of_the_tamper_table),
		CASE(what_is_measured_no_more_is_told_too),
		CASE(a_boot_that_cannot_be_compared_is_not_one_that_did_not_change),
		CASE(l14_revocations_that_are_gone_restrict_whatever_the_references_say),
		CASE(l14_policy_says_what_lost_revocations_are_worth),
		CASE(l14_a_dbx_that_the_quote_does_not_prove_is_no_dbx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
