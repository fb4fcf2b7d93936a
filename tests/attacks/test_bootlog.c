/*
 * test_bootlog.c: attacks on what a boot log says: L4 to L7, L14 to L17, L21, Q15.
 *
 * Real logs are altered in every way that leaves a log, and made ones hold what no
 * honest firmware writes. Nothing may come out better than the original, and what is
 * altered must change the replay, be a finding, or differ from the reference.
 */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/logmade.h"
#include "verifier/appraise/bootdiff.h"

#define RECORDS_MAX 256
#define REFERENCES_MAX 256

static const char *const boots[] = {"uki-good", "grub-good", "sb-good", "sb-shim-good",
				    "sdboot-good", "uki-optrom"};
#define BOOTS (sizeof boots / sizeof boots[0])

static struct boot_facts facts, altered;
static struct bootdiff difference;
static struct bootdiff_work work;

static struct span
boot(const char *name)
{
	char file[64];

	snprintf(file, sizeof file, "eventlog/%s.bin", name);
	return unit_data(file);
}

static struct span
copy_of(struct span log, size_t more)
{
	uint8_t *p = malloc(log.n + more);

	assert_non_null(p);
	memcpy(p, log.p, log.n);
	return SPAN(p, log.n);
}

static uint8_t *
bytes(struct span s)
{
	return (uint8_t *)(uintptr_t)s.p;
}

static void
must_read(struct span log, struct boot_facts *ret)
{
	assert_int_equal(bootfacts_read(log, false, ALG_SHA256, ret), ASSAY_OK);
}

static bool
has_finding(const struct boot_facts *f, enum boot_finding_code code)
{
	for (size_t i = 0; i < f->nfindings; i++)
		if (f->findings[i].code == code)
			return true;
	return false;
}

/* Whether a log is refused, or has findings that the original does not have. */
static bool
is_flagged(struct span log)
{
	if (bootfacts_read(log, false, ALG_SHA256, &altered) != ASSAY_OK)
		return true;
	return altered.nfindings > facts.nfindings ||
	       altered.ncontradictions > facts.ncontradictions;
}

static bool
replays_alike(struct span a, struct span b, uint16_t alg)
{
	struct eventlog_replay x, y;

	if (eventlog_replay(a, false, &x) != ASSAY_OK || eventlog_replay(b, false, &y) != ASSAY_OK)
		return false;
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		const struct digest *p = pcr_value(&x.pcrs, alg, pcr);
		const struct digest *q = pcr_value(&y.pcrs, alg, pcr);

		if ((p == NULL) != (q == NULL) || (p && !digest_equal(p, q)))
			return false;
	}
	return true;
}

/* ---- a log as its own reference ------------------------------------------ */

static struct boot_ref_event references[REFERENCES_MAX];
static char descriptions[REFERENCES_MAX][200];
static size_t nreferences;

static void
keep(const struct boot_ref_event *ev, void *arg)
{
	size_t n = ev->description.n < sizeof descriptions[0] ? ev->description.n
							       : sizeof descriptions[0];

	(void)arg;
	assert_true(nreferences < REFERENCES_MAX);
	memcpy(descriptions[nreferences], ev->description.p, n);
	references[nreferences] = *ev;
	references[nreferences].description = SPAN(descriptions[nreferences], n);
	nreferences++;
}

static void
take_reference(struct span log)
{
	struct bootdiff_input in = {.log = log, .bank = ALG_SHA256, .pcr_mask = 0xFFFFFF};

	nreferences = 0;
	assert_int_equal(bootdiff_capture(&in, keep, NULL), ASSAY_OK);
}

static bool
differs_from_reference(struct span log)
{
	struct bootdiff_input in = {.log = log, .bank = ALG_SHA256, .pcr_mask = 0xFFFFFF,
				    .nreference = nreferences, .reference = references};

	return bootdiff_compare(&in, &work, &difference) != ASSAY_OK || !difference.equal;
}

/* ---- L4, L5: data and types ---------------------------------------------- */

/* Alters one byte of one event's data in several ways; all must be flagged. */
static void
alter_byte(struct span log, size_t at, const char *what)
{
	static const uint8_t flips[] = {0x01, 0x20, 0x80};

	for (size_t i = 0; i < sizeof flips; i++) {
		bytes(log)[at] ^= flips[i];
		if (!is_flagged(log))
			fail_msg("%s: byte %zu ^ %02x passed unseen", what, at, flips[i]);
		bytes(log)[at] ^= flips[i];
	}
}

static void
alter_proved_data(const char *name)
{
	struct span original = boot(name), log = copy_of(original, 0);
	struct bootreader reader;
	struct eventlog l;
	struct event raw;
	size_t proved = 0;

	must_read(log, &facts);
	assert_int_equal(eventlog_open(original, false, &l), ASSAY_OK);
	bootreader_init(&reader, l.format, ALG_SHA256);
	while (eventlog_next(&l, &raw)) {
		size_t stride = raw.data.n > 256 ? raw.data.n / 64 : 1;
		size_t start = (size_t)(raw.data.p - original.p);
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		if (ev.status != BOOTEVENT_PROVED)
			continue;
		proved++;
		for (size_t i = 0; i < raw.data.n; i += stride)
			alter_byte(log, start + i, name);
	}
	assert_true(proved > 20);
	unit_free(original);
	unit_free(log);
}

static void
l5_every_byte_of_proved_data_that_changes_is_a_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < BOOTS; i++)
		alter_proved_data(boots[i]);
}

static void
l5_data_whose_digest_is_of_something_else_are_hints(void **state)
{
	struct span log = boot("uki-good");
	struct bootreader reader;
	struct eventlog l;
	struct event raw;
	unsigned images = 0;

	(void)state;
	assert_int_equal(eventlog_open(log, false, &l), ASSAY_OK);
	bootreader_init(&reader, l.format, ALG_SHA256);
	while (eventlog_next(&l, &raw)) {
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		if (raw.type != EV_EFI_BOOT_SERVICES_APPLICATION &&
		    raw.type != EV_EFI_PLATFORM_FIRMWARE_BLOB)
			continue;
		images++;
		assert_int_equal(ev.status, BOOTEVENT_HINT);
		assert_int_equal(ev.cover, BOOTCOVER_NOTHING);
	}
	assert_int_equal(images, 4);
	unit_free(log);
}

/* The digest of one bank alone altered: that bank's replay, and a finding. */
static void
l5_one_banks_digest_that_changes_is_seen(void **state)
{
	struct span original = boot("uki-good"), log = copy_of(original, 0);
	struct eventlog l;
	struct event raw;

	(void)state;
	must_read(log, &facts);
	assert_int_equal(eventlog_open(original, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &raw)) {
		for (size_t i = 0; i < raw.ndigests && raw.type != EV_NO_ACTION; i++) {
			size_t at = (size_t)(raw.digests[i].bytes.p - original.p);
			struct bootevent ev;
			struct bootreader reader;

			bytes(log)[at] ^= 1;
			assert_false(replays_alike(original, log, raw.digests[i].alg));
			bootreader_init(&reader, l.format, ALG_SHA256);
			bootevent_read(&reader, &raw, &ev);
			if (ev.status == BOOTEVENT_PROVED && !is_flagged(log))
				fail_msg("event %u, bank %zu passed unseen", raw.index, i);
			bytes(log)[at] ^= 1;
		}
	}
	unit_free(original);
	unit_free(log);
}

static void
check_type(struct span log, size_t at, uint32_t type)
{
	struct writer w;
	uint8_t old[4];

	memcpy(old, log.p + at + 4, 4);
	wr_init(&w, bytes(log) + at + 4, 4);
	wr_le32(&w, type);
	if (memcmp(old, log.p + at + 4, 4) == 0)
		return;
	if (!is_flagged(log) && !differs_from_reference(log))
		fail_msg("record at %zu as type %08x passed unseen", at, type);
	if (bootfacts_read(log, false, ALG_SHA256, &altered) == ASSAY_OK) {
		if (facts.secure_boot != BOOT_FLAG_ON && altered.secure_boot == BOOT_FLAG_ON)
			fail_msg("record at %zu as type %08x turned Secure Boot on", at, type);
		assert_true(!altered.complete || facts.complete);
	}
	memcpy(bytes(log) + at + 4, old, 4);
}

/* No type is believed: what an event says under another one is flagged, or differs
 * from the reference, and never better. */
static void
l4_every_change_of_an_event_type_is_seen_and_gains_nothing(void **state)
{
	static const uint32_t types[] = {EV_SEPARATOR,
					 EV_ACTION,
					 EV_EVENT_TAG,
					 EV_IPL,
					 EV_S_CRTM_VERSION,
					 EV_EFI_VARIABLE_DRIVER_CONFIG,
					 EV_EFI_VARIABLE_BOOT,
					 EV_EFI_BOOT_SERVICES_APPLICATION,
					 EV_EFI_ACTION,
					 EV_EFI_VARIABLE_AUTHORITY,
					 EV_POST_CODE,
					 0x12345678};
	size_t at[RECORDS_MAX];

	(void)state;
	for (size_t b = 0; b < BOOTS; b++) {
		struct span original = boot(boots[b]), log = copy_of(original, 0);
		size_t n = made_records(log, at, RECORDS_MAX);

		must_read(log, &facts);
		take_reference(original);
		for (size_t i = 1; i < n; i++)
			for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
				check_type(log, at[i], types[t]);
		unit_free(original);
		unit_free(log);
	}
}

/* A measured event that goes by EV_NO_ACTION is not extended: the replay shows it. */
static void
l4_an_event_hidden_as_no_action_changes_the_replay(void **state)
{
	struct span original = boot("grub-good"), log = copy_of(original, 0);
	size_t at[RECORDS_MAX], n = made_records(log, at, RECORDS_MAX);

	(void)state;
	for (size_t i = 1; i < n; i++) {
		uint8_t old[4];
		struct writer w;

		memcpy(old, log.p + at[i] + 4, 4);
		wr_init(&w, bytes(log) + at[i] + 4, 4);
		wr_le32(&w, EV_NO_ACTION);
		assert_false(replays_alike(original, log, ALG_SHA256));
		memcpy(bytes(log) + at[i] + 4, old, 4);
	}
	unit_free(original);
	unit_free(log);
}

/* ---- whole records ------------------------------------------------------- */

static void
l1_every_removal_of_an_event_changes_the_replay(void **state)
{
	size_t at[RECORDS_MAX];

	(void)state;
	for (size_t b = 0; b < BOOTS; b++) {
		struct span original = boot(boots[b]), log = copy_of(original, 0);
		size_t n = made_records(original, at, RECORDS_MAX);

		for (size_t i = 1; i < n; i++) {
			size_t len = at[i + 1] - at[i];

			memcpy(bytes(log), original.p, at[i]);
			memcpy(bytes(log) + at[i], original.p + at[i + 1], original.n - at[i + 1]);
			assert_false(replays_alike(original, SPAN(log.p, original.n - len),
						   ALG_SHA256));
		}
		unit_free(original);
		unit_free(log);
	}
}

static void
l1_every_duplication_of_an_event_changes_the_replay(void **state)
{
	size_t at[RECORDS_MAX];

	(void)state;
	for (size_t b = 0; b < BOOTS; b++) {
		struct span original = boot(boots[b]), log = copy_of(original, original.n);
		size_t n = made_records(original, at, RECORDS_MAX);

		for (size_t i = 1; i < n; i++) {
			size_t len = at[i + 1] - at[i];

			memcpy(bytes(log), original.p, at[i + 1]);
			memcpy(bytes(log) + at[i + 1], original.p + at[i], original.n - at[i]);
			assert_false(replays_alike(original, SPAN(log.p, original.n + len),
						   ALG_SHA256));
		}
		unit_free(original);
		unit_free(log);
	}
}

static uint32_t
register_at(struct span log, size_t at)
{
	struct reader r;

	rd_init(&r, log);
	(void)rd_bytes(&r, at);
	return rd_le32(&r);
}

static bool
same_record_digest(struct span log, const size_t *at, size_t i)
{
	size_t skip = 8 + 4, len = 2 + 20 + 2 + 32; /* register, type, count; two digests */

	return memcmp(log.p + at[i] + skip, log.p + at[i + 1] + skip, len) == 0;
}

/* Neighbours exchanged: within a PCR the replay shows it, between PCRs nothing that
 * counts may come out better. */
static void
l1_every_reorder_changes_the_replay_or_gains_nothing(void **state)
{
	size_t at[RECORDS_MAX];

	(void)state;
	for (size_t b = 0; b < BOOTS; b++) {
		struct span original = boot(boots[b]), log = copy_of(original, 0);
		size_t n = made_records(original, at, RECORDS_MAX);

		must_read(original, &facts);
		for (size_t i = 1; i + 1 < n; i++) {
			size_t first = at[i + 1] - at[i], second = at[i + 2] - at[i + 1];

			memcpy(bytes(log), original.p, original.n);
			memcpy(bytes(log) + at[i], original.p + at[i + 1], second);
			memcpy(bytes(log) + at[i] + second, original.p + at[i], first);
			if (register_at(original, at[i]) == register_at(original, at[i + 1]) &&
			    !same_record_digest(original, at, i))
				assert_false(replays_alike(original, log, ALG_SHA256));
			must_read(log, &altered);
			assert_true(altered.nfindings >= facts.nfindings);
			assert_true(altered.secure_boot == facts.secure_boot ||
				    altered.secure_boot != BOOT_FLAG_ON);
		}
		unit_free(original);
		unit_free(log);
	}
}

/* ---- L6, L7: separators and order ---------------------------------------- */

static void
add_separators(struct made *m, uint32_t but)
{
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		if (pcr != but)
			made_event(m, pcr, EV_SEPARATOR, SPAN("\0\0\0\0", 4));
}

static void
l6_second_separator_and_odd_values_are_findings(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m, made_sha256, 1, 0);
	add_separators(&m, 99);
	must_read(made_log(&m), &facts);
	assert_true(facts.complete);
	assert_false(has_finding(&facts, BOOTFIND_SECOND_SEPARATOR));
	made_event(&m, 4, EV_SEPARATOR, SPAN("\0\0\0\0", 4));
	must_read(made_log(&m), &facts);
	assert_true(has_finding(&facts, BOOTFIND_SECOND_SEPARATOR));

	made_begin(&m, made_sha256, 1, 0);
	add_separators(&m, 5);
	made_event(&m, 5, EV_SEPARATOR, SPAN("\2\0\0\0", 4));
	must_read(made_log(&m), &facts);
	assert_true(has_finding(&facts, BOOTFIND_SEPARATOR_VALUE));
	assert_false(facts.complete);
}

static void
l6_firmware_error_is_told_whatever_the_data_say(void **state)
{
	const uint32_t pcr_type[2] = {5, EV_SEPARATOR};
	struct made m;

	(void)state;
	made_begin(&m, made_sha256, 1, 0);
	add_separators(&m, 5);
	made_event_of(&m, pcr_type, SPAN("\0\0\0\0", 4), SPAN("\1\0\0\0", 4));
	must_read(made_log(&m), &facts);
	assert_true(has_finding(&facts, BOOTFIND_FIRMWARE_ERROR));
	assert_false(facts.complete);
	made_begin(&m, made_sha256, 1, 0);
	add_separators(&m, 5);
	made_event(&m, 5, EV_SEPARATOR, SPAN("\1\0\0\0", 4));
	must_read(made_log(&m), &facts);
	assert_true(has_finding(&facts, BOOTFIND_FIRMWARE_ERROR));
}

static void
l6_separators_digest_under_another_type_is_a_finding(void **state)
{
	static const char *const values[] = {"\0\0\0\0", "\xFF\xFF\xFF\xFF"};
	const uint32_t pcr_type[2] = {3, EV_EFI_BOOT_SERVICES_APPLICATION};
	struct made m;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		made_begin(&m, made_sha256, 1, 0);
		made_event_of(&m, pcr_type, SPAN("anything", 8), SPAN(values[i], 4));
		must_read(made_log(&m), &facts);
		assert_true(has_finding(&facts, BOOTFIND_DISGUISED_SEPARATOR));
	}
}

static void
l7_a_log_that_ends_before_all_separators_is_not_complete(void **state)
{
	size_t at[RECORDS_MAX];

	(void)state;
	for (size_t b = 0; b < BOOTS; b++) {
		struct span log = boot(boots[b]);
		size_t n = made_records(log, at, RECORDS_MAX), last = 0;

		for (size_t i = 1; i < n; i++) {
			must_read(SPAN(log.p, at[i]), &facts);
			assert_int_equal(facts.complete,
					 !has_finding(&facts, BOOTFIND_NO_SEPARATOR));
			if (!facts.complete)
				last = i;
			if (!facts.complete && facts.secure_boot == BOOT_FLAG_ON)
				assert_true((facts.separators & 0x80) != 0);
		}
		assert_true(last > 15 && last < n);
		unit_free(log);
	}
}

static void
l7_operating_system_events_before_the_separators_are_findings(void **state)
{
	struct made m;

	(void)state;
	for (uint32_t pcr = 8; pcr <= 15; pcr++) {
		made_begin(&m, made_sha256, 1, 0);
		add_separators(&m, 6);
		made_event(&m, pcr, EV_IPL, SPAN("grub_cmd: true", 14));
		must_read(made_log(&m), &facts);
		assert_true(has_finding(&facts, BOOTFIND_EARLY_OS_EVENT));
	}
}

static void
l7_firmware_events_after_the_end_are_findings(void **state)
{
	static const char success[] = "Exit Boot Services Returned with Success";
	struct made m;

	(void)state;
	made_begin(&m, made_sha256, 1, 0);
	add_separators(&m, 99);
	made_event(&m, 0, EV_POST_CODE, SPAN("late", 4));
	must_read(made_log(&m), &facts);
	assert_true(has_finding(&facts, BOOTFIND_LATE_FIRMWARE_EVENT));
	made_begin(&m, made_sha256, 1, 0);
	add_separators(&m, 99);
	made_event(&m, 5, EV_EFI_ACTION, SPAN(success, sizeof success - 1));
	must_read(made_log(&m), &facts);
	assert_int_equal(facts.exit_boot_services, BOOT_EXIT_DONE);
	assert_false(has_finding(&facts, BOOTFIND_AFTER_EXIT));
	made_event(&m, 4, EV_EFI_ACTION, SPAN("late", 4));
	must_read(made_log(&m), &facts);
	assert_true(has_finding(&facts, BOOTFIND_AFTER_EXIT));
}

/* ---- L16, L17, L21, Q15 -------------------------------------------------- */

static void
l16_grubs_prefix_and_terminator_are_text_and_nothing_more(void **state)
{
	const uint32_t pcr_type[2] = {8, EV_IPL};
	struct span with_zero = SPAN("kernel_cmdline: /k quiet", 25);
	struct made m;

	(void)state;
	for (size_t measured = 8; measured <= 9; measured++) {
		made_begin(&m, made_sha256, 1, 0);
		made_event_of(&m, pcr_type, SPAN("grub_cmd: linux /k quiet", 25),
			      SPAN("linux /k quiet", measured + 6));
		made_event_of(&m, pcr_type, with_zero, SPAN("/k quiet", measured));
		must_read(made_log(&m), &facts);
		assert_string_equal(facts.cmdline.text, "/k quiet");
		assert_int_equal(facts.cmdline.provenance, BOOT_BY_PROOF);
	}
	/* The prefix is nowhere measured: a command may pass for a command line ... */
	made_begin(&m, made_sha256, 1, 0);
	made_event_of(&m, pcr_type, with_zero, SPAN("/k quiet", 8));
	must_read(made_log(&m), &facts);
	assert_int_equal(facts.cmdline.provenance, BOOT_BY_HINT);
	/* ... so one that comes before the kernel is loaded is not believed ... */
	made_event_of(&m, pcr_type, SPAN("grub_cmd: linux /k evil", 24), SPAN("linux /k evil", 13));
	made_event_of(&m, pcr_type, SPAN("grub_cmd: /k evil", 18), SPAN("/k evil", 7));
	must_read(made_log(&m), &facts);
	assert_int_equal(facts.cmdline.provenance, BOOT_BY_HINT);
	/* ... nor one that is not what the kernel was loaded with. */
	made_event_of(&m, pcr_type, with_zero, SPAN("/k quiet", 8));
	must_read(made_log(&m), &facts);
	assert_int_equal(facts.cmdline.provenance, BOOT_BY_HINT);
	assert_true(has_finding(&facts, BOOTFIND_DISPUTED));
	/* And text that was not measured is no command line at all. */
	made_begin(&m, made_sha256, 1, 0);
	made_event_of(&m, pcr_type, with_zero, SPAN("/evil", 5));
	must_read(made_log(&m), &facts);
	assert_int_equal(facts.cmdline.provenance, BOOT_BY_HINT);
	assert_true(has_finding(&facts, BOOTFIND_CONTRADICTION));
}

static void
l17_per_device_values_are_marked_and_alone_are_told_apart(void **state)
{
	struct span log = boot("uki-good");

	(void)state;
	take_reference(log);
	for (size_t i = 0; i < nreferences; i++)
		if (references[i].type == EV_EFI_VARIABLE_BOOT ||
		    references[i].type == EV_EFI_GPT_EVENT)
			references[i].digest.b[0] ^= 1;
	assert_true(differs_from_reference(log));
	assert_true(difference.per_device_only);
	assert_int_equal(difference.n, 5);
	references[0].digest.b[0] ^= 1; /* and one value of the class */
	assert_true(differs_from_reference(log));
	assert_false(difference.per_device_only);
	assert_int_equal(difference.entries[0].component, BOOT_FIRMWARE_VERSION);
	unit_free(log);
}

/* Every type, with data of every odd length: named or not, never a crash. */
static void
l21_unknown_types_and_odd_data_are_read_without_harm(void **state)
{
	static uint8_t data[64];
	struct made m;

	(void)state;
	for (uint32_t low = 0; low < 0x200; low++) {
		uint32_t type = low < 0x100 ? low : 0x80000000u + (low - 0x100);

		if (type == EV_NO_ACTION || type == EV_EFI_HCRTM_EVENT)
			continue;
		for (size_t n = 0; n <= sizeof data; n += 13) {
			memset(data, (int)n, sizeof data);
			made_begin(&m, made_two_banks, 2, 0);
			made_event(&m, 4, type, SPAN(data, n));
			must_read(made_log(&m), &facts);
			assert_int_equal(facts.events, 2);
		}
	}
}

static void
q15_a_bank_that_the_firmware_does_not_use_is_a_finding(void **state)
{
	struct made m;

	(void)state;
	made_begin(&m, made_two_banks, 2, 0);
	m.algs = &made_two_banks[1]; /* only SHA-256 from here */
	m.nalgs = 1;
	add_separators(&m, 99);
	assert_int_equal(bootfacts_read(made_log(&m), false, ALG_SHA1, &facts), ASSAY_OK);
	assert_true(has_finding(&facts, BOOTFIND_EMPTY_BANK));
	assert_int_equal(facts.banks[0].extended, 0);
	assert_int_equal(facts.banks[1].extended, 0xFF);
	assert_false(facts.complete); /* nothing is proved in the bank asked for */
	must_read(made_log(&m), &facts);
	assert_true(has_finding(&facts, BOOTFIND_EMPTY_BANK));
	assert_true(facts.complete);
}

static void
q15_zero_digests_are_an_empty_bank(void **state)
{
	struct span log;
	struct made m;

	(void)state;
	made_begin(&m, made_sha256, 1, 0);
	made_event(&m, 0, EV_POST_CODE, SPAN("x", 1));
	log = made_log(&m);
	memset(bytes(log) + log.n - 4 - 1 - 32, 0, 32);
	must_read(log, &facts);
	assert_true(has_finding(&facts, BOOTFIND_EMPTY_BANK));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l5_every_byte_of_proved_data_that_changes_is_a_finding),
		cmocka_unit_test(l5_data_whose_digest_is_of_something_else_are_hints),
		cmocka_unit_test(l5_one_banks_digest_that_changes_is_seen),
		cmocka_unit_test(l4_every_change_of_an_event_type_is_seen_and_gains_nothing),
		cmocka_unit_test(l4_an_event_hidden_as_no_action_changes_the_replay),
		cmocka_unit_test(l1_every_removal_of_an_event_changes_the_replay),
		cmocka_unit_test(l1_every_duplication_of_an_event_changes_the_replay),
		cmocka_unit_test(l1_every_reorder_changes_the_replay_or_gains_nothing),
		cmocka_unit_test(l6_second_separator_and_odd_values_are_findings),
		cmocka_unit_test(l6_firmware_error_is_told_whatever_the_data_say),
		cmocka_unit_test(l6_separators_digest_under_another_type_is_a_finding),
		cmocka_unit_test(l7_a_log_that_ends_before_all_separators_is_not_complete),
		cmocka_unit_test(l7_operating_system_events_before_the_separators_are_findings),
		cmocka_unit_test(l7_firmware_events_after_the_end_are_findings),
		cmocka_unit_test(l16_grubs_prefix_and_terminator_are_text_and_nothing_more),
		cmocka_unit_test(l17_per_device_values_are_marked_and_alone_are_told_apart),
		cmocka_unit_test(l21_unknown_types_and_odd_data_are_read_without_harm),
		cmocka_unit_test(q15_a_bank_that_the_firmware_does_not_use_is_a_finding),
		cmocka_unit_test(q15_zero_digests_are_an_empty_bank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
