/* test_bootevent.c: the meaning of boot events, their words, and what differs. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/logmade.h"
#include "verifier/appraise/bootdiff.h"
#include "verifier/appraise/boottext.h"
#include "verifier/appraise/bootwords.h"
#include "verifier/appraise/devicepath.h"
#include "verifier/appraise/loadertext.h"

static void
read_one(const char *name, uint32_t index, struct bootevent *ret)
{
	static struct span log; /* the event lies in it */
	struct bootreader reader;
	struct eventlog l;
	struct event raw;
	char file[64];

	if (log.p)
		unit_free(log);
	snprintf(file, sizeof file, "eventlog/%s.bin", name);
	log = unit_data(file);
	assert_int_equal(eventlog_open(log, false, &l), ASSAY_OK);
	bootreader_init(&reader, l.format, ALG_SHA256);
	while (eventlog_next(&l, &raw)) {
		bootevent_read(&reader, &raw, ret);
		if (raw.index == index)
			return;
	}
	fail_msg("%s has no event %u", name, index);
}

static void
check_event(const char *name, uint32_t index, enum bootevent_status status, const char *want)
{
	struct bootevent ev;
	char text[BOOTTEXT_MAX];

	read_one(name, index, &ev);
	bootevent_text(&ev, text, sizeof text);
	assert_string_equal(text, want);
	assert_int_equal(ev.status, status);
	assert_int_equal(boottext_component(SPAN(text, strlen(text))), ev.component);
}

static void
real_events_are_told_in_words(void **state)
{
	(void)state;
	check_event("uki-good", 0, BOOTEVENT_NOT_MEASURED,
		    "log information: TCG log version 2.0.0");
	check_event("uki-good", 2, BOOTEVENT_HINT, "firmware volume: at 0x820000, 917504 bytes");
	check_event("uki-good", 4, BOOTEVENT_PROVED, "Secure Boot state: disabled");
	check_event("sb-good", 4, BOOTEVENT_PROVED, "Secure Boot state: enabled");
	check_event("uki-good", 8, BOOTEVENT_PROVED, "Secure Boot variable dbx: empty");
	check_event("sb-shim-good", 8, BOOTEVENT_PROVED,
		    "Secure Boot variable dbx: 1 entry, 0 certificates");
	check_event("uki-good", 10, BOOTEVENT_PROVED, "boot order: 0001, 0000, 0002");
	check_event("uki-good", 12, BOOTEVENT_PROVED,
		    "boot entry: Boot0000 \"UiApp\": Fv(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/"
		    "FvFile(462caa21-7614-4503-836e-8ab6f4662331)");
	check_event("uki-good", 14, BOOTEVENT_PROVED,
		    "boot attempt: Calling EFI Application from Boot Option");
	check_event("uki-good", 15, BOOTEVENT_PROVED, "separator: 00000000");
	check_event("uki-good", 22, BOOTEVENT_PROVED,
		    "partition table: disk 11111111-2222-3333-4444-555555555555, 1 partition: "
		    "\"ESP\"");
	check_event("uki-good", 23, BOOTEVENT_HINT,
		    "boot image: PciRoot(0x0)/Pci(0x1,0x0)/"
		    "HD(1,GPT,aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee)/EFI/BOOT/BOOTX64.EFI");
	check_event("uki-good", 28, BOOTEVENT_PROVED,
		    "kernel command line: .cmdline (name of the section)");
	check_event("uki-good", 29, BOOTEVENT_HINT,
		    "kernel command line: .cmdline (content of the section)");
	check_event("uki-good", 34, BOOTEVENT_HINT, "initrd: Linux initrd");
	check_event("uki-good", 36, BOOTEVENT_PROVED,
		    "end of boot services: Exit Boot Services Returned with Success");
	check_event("uki-optrom", 10, BOOTEVENT_HINT,
		    "option ROM: PciRoot(0x0)/Pci(0x3,0x0)/Offset(0x12800,0x3cdff)");
	check_event("grub-good", 25, BOOTEVENT_HINT, "GRUB configuration: (hd0,gpt1)/lab/grub.cfg");
	check_event("grub-good", 28, BOOTEVENT_PROVED, "GRUB command: set timeout=0");
	check_event("grub-good", 32, BOOTEVENT_HINT, "kernel image: /vmlinuz");
	check_event("grub-good", 35, BOOTEVENT_HINT, "initrd: /initrd.gz");
	check_event("sb-shim-good", 22, BOOTEVENT_PROVED,
		    "signing authority: db: C=US, ST=Washington, L=Redmond, O=Microsoft "
		    "Corporation, CN=Microsoft Corporation UEFI CA 2011");
	check_event("sb-shim-good", 27, BOOTEVENT_PROVED,
		    "SBAT revocation level: SbatLevel: sbat,1,2025021800; shim,4; grub,5");
	check_event("sb-shim-good", 29, BOOTEVENT_PROVED,
		    "machine owner keys (MOK): MokListRT: CN=Debian Secure Boot CA");
	check_event("sb-shim-good", 25, BOOTEVENT_HINT, "machine owner keys (MOK): MokList");
}

static void
text_is_cut_at_every_length_and_stays_terminated(void **state)
{
	struct bootevent ev;
	char whole[BOOTTEXT_MAX], cut[BOOTTEXT_MAX];

	(void)state;
	read_one("sb-shim-good", 7, &ev);
	bootevent_text(&ev, whole, sizeof whole);
	for (size_t cap = 64; cap < sizeof cut; cap++) {
		memset(cut, 'x', sizeof cut);
		bootevent_text(&ev, cut, cap);
		assert_true(strlen(cut) < cap);
		assert_int_equal(cut[cap], 'x');
		if (strlen(whole) >= cap)
			assert_string_equal(cut + strlen(cut) - 3, "...");
	}
}

/* A boot entry is named by BootOrder, if its digest does not cover its name. */
static void
the_name_of_a_variable_that_was_not_measured_needs_boot_order(void **state)
{
	static const uint8_t order[] = {1, 0, 3, 0};
	const uint32_t pcr_type[2] = {1, EV_EFI_VARIABLE_BOOT};
	static const struct {
		const char *names[3];
		enum bootevent_status want[3];
	} cases[] = {
		{{"BootOrder", "Boot0001", "Boot0003"},
		 {BOOTEVENT_PROVED, BOOTEVENT_PROVED, BOOTEVENT_PROVED}},
		{{"BootOrder", "Boot0003", "Boot0001"},
		 {BOOTEVENT_PROVED, BOOTEVENT_HINT, BOOTEVENT_HINT}},
		{{"BootOrder", "Boot0001", "Boot0002"},
		 {BOOTEVENT_PROVED, BOOTEVENT_PROVED, BOOTEVENT_HINT}},
		{{"BootOrdeR", "Boot0001", "Boot0003"},
		 {BOOTEVENT_HINT, BOOTEVENT_HINT, BOOTEVENT_HINT}},
		{{"BootOrder", "Boot0001", "BootOrder"},
		 {BOOTEVENT_PROVED, BOOTEVENT_PROVED, BOOTEVENT_HINT}},
	};

	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		struct bootreader reader;
		struct eventlog l;
		struct event raw;
		struct made m;

		made_begin(&m, made_sha256, 1, 0);
		for (size_t i = 0; i < 3; i++)
			made_event_of(&m, pcr_type,
				      made_variable(made_guid_global, cases[c].names[i],
						    SPAN(order, 4)),
				      SPAN(order, 4));
		assert_int_equal(eventlog_open(made_log(&m), false, &l), ASSAY_OK);
		bootreader_init(&reader, l.format, ALG_SHA256);
		assert_true(eventlog_next(&l, &raw));
		for (size_t i = 0; i < 3; i++) {
			struct bootevent ev;

			assert_true(eventlog_next(&l, &raw));
			bootevent_read(&reader, &raw, &ev);
			if (ev.status != cases[c].want[i])
				fail_msg("case %zu, variable %zu", c, i);
		}
	}
}

static void
a_section_without_its_name_is_unexplained(void **state)
{
	const uint32_t pcr_type[2] = {11, EV_IPL};
	struct span data = SPAN(".\0c\0\0\0", 6);
	struct boot_facts f;
	struct made m;

	(void)state;
	for (int named = 0; named < 2; named++) {
		made_begin(&m, made_sha256, 1, 0);
		if (named)
			made_event_of(&m, pcr_type, data, SPAN(".c", 3));
		made_event_of(&m, pcr_type, data, SPAN("content", 7));
		assert_int_equal(bootfacts_read(made_log(&m), false, ALG_NONE, &f), ASSAY_OK);
		bool told = false;

		for (size_t i = 0; i < f.nfindings; i++)
			told = told || f.findings[i].code == BOOTFIND_UNEXPLAINED;
		assert_int_equal(told, !named);
	}
}

/* ---- pieces -------------------------------------------------------------- */

static void
device_paths_of_odd_lengths_are_malformed_and_bounded(void **state)
{
	static const uint8_t good[] = {2, 1, 12, 0, 0xD0, 0x41, 3, 10, 0, 0, 0, 0,
				       1, 1, 6,	 0, 2,	  0x1F, 0x7F, 0xFF, 4, 0};
	struct devicepath_info info;
	uint8_t many[4 * 64];
	char text[64];

	(void)state;
	assert_int_equal(devicepath_text(SPAN(good, sizeof good), text, sizeof text, &info),
			 ASSAY_OK);
	assert_string_equal(text, "PciRoot(0x0)/Pci(0x1f,0x2)");
	assert_int_equal(info.nodes, 2);
	for (size_t n = 1; n < sizeof good; n++) {
		bool boundary = n == 12 || n == 18;

		assert_int_equal(devicepath_text(SPAN(good, n), text, sizeof text, NULL),
				 boundary ? ASSAY_OK : ASSAY_MALFORMED);
	}
	for (size_t i = 0; i < sizeof many; i++)
		many[i] = (uint8_t[]){1, 1, 4, 0}[i % 4];
	assert_int_equal(devicepath_text(SPAN(many, sizeof many), text, sizeof text, &info),
			 ASSAY_MALFORMED);
	assert_int_equal(info.nodes, DEVICEPATH_NODES_MAX);
	assert_string_equal(text + strlen(text) - 3, "...");
	many[2] = 3; /* shorter than its own header */
	assert_int_equal(devicepath_text(SPAN(many, 4), text, sizeof text, NULL),
			 ASSAY_MALFORMED);
}

static void
variables_whose_lengths_do_not_fit_are_malformed(void **state)
{
	uint8_t v[128];
	struct span good = made_variable(made_guid_global, "Boot00AF", SPAN("data", 4));
	struct efivar parsed;

	(void)state;
	memcpy(v, good.p, good.n);
	assert_int_equal(efivar_parse(SPAN(v, good.n), &parsed), ASSAY_OK);
	assert_int_equal(parsed.id, EFIVAR_BOOT_ENTRY);
	assert_int_equal(parsed.number, 0xAF);
	for (size_t n = 0; n < good.n; n++)
		assert_int_equal(efivar_parse(SPAN(v, n), &parsed), ASSAY_MALFORMED);
	for (size_t at = 16; at < 32; at++) {
		v[at] ^= 0x80;
		assert_int_equal(efivar_parse(SPAN(v, good.n), &parsed), ASSAY_MALFORMED);
		v[at] ^= 0x80;
	}
	v[32 + 12] = 'a'; /* digits are upper-case */
	assert_int_equal(efivar_parse(SPAN(v, good.n), &parsed), ASSAY_OK);
	assert_int_equal(parsed.id, EFIVAR_OTHER);
}

static void
words_are_split_at_any_run_of_spaces(void **state)
{
	struct span rest, word = text_word(SPAN("linux   /k  quiet", 17), &rest);

	(void)state;
	assert_true(span_equal(word, SPAN("linux", 5)));
	assert_true(span_equal(rest, SPAN("/k  quiet", 9)));
	word = text_word(SPAN("   ", 3), &rest);
	assert_int_equal(word.n, 0);
	assert_int_equal(rest.n, 0);
	word = text_word(SPAN(NULL, 0), &rest);
	assert_int_equal(word.n + rest.n, 0);
}

static void
check_words(enum boot_component c, const char *seen, const char *expected, const char *want)
{
	char text[BOOTDIFF_TEXT_MAX];

	bootwords_changed(c, seen, expected, text, sizeof text);
	assert_string_equal(text, want);
}

static void
differences_are_told_in_words(void **state)
{
	(void)state;
	check_words(BOOT_KERNEL_CMDLINE, "kernel command line: /k quiet init=/bin/sh",
		    "kernel command line: /k quiet", "kernel command line gained `init=/bin/sh`");
	check_words(BOOT_KERNEL_CMDLINE, "kernel command line: /k a a",
		    "kernel command line: /k a b",
		    "kernel command line gained `a`, lost `b`");
	check_words(BOOT_KERNEL_CMDLINE, "kernel command line: /k b a",
		    "kernel command line: /k a b",
		    "kernel command line changed in the order of its words");
	check_words(BOOT_KERNEL_CMDLINE, "kernel command line: /k a b evil",
		    "kernel command line: /k a...",
		    "kernel command line changed; it now ends in `/k a b evil`");
	check_words(BOOT_DBX, "Secure Boot variable dbx: 217 entries, 0 certificates",
		    "Secure Boot variable dbx: 371 entries, 0 certificates",
		    "Secure Boot variable dbx went back from 371 to 217 entries");
	check_words(BOOT_DBX, "Secure Boot variable dbx: empty",
		    "Secure Boot variable dbx: 371 entries, 0 certificates",
		    "Secure Boot variable dbx went back from 371 to 0 entries");
	check_words(BOOT_SECURE_BOOT, "Secure Boot state: disabled", "Secure Boot state: enabled",
		    "Secure Boot state changed from `enabled` to `disabled`");
	check_words(BOOT_INITRD, "initrd: /initrd.gz", "initrd: /initrd.gz",
		    "initrd changed (/initrd.gz)");
}

static void
what_sits_in_a_slot_is_told_with_its_place(void **state)
{
	static const struct {
		const char *path, *place;
	} cases[] = {
		{"PciRoot(0x0)/Pci(0x3,0x0)/Offset(0x1,0x2)", " at PCI 00:03.0"},
		{"PciRoot(0x0)/Pci(0x1c,0x4)/Pci(0x0,0x1)/Offset(0x1,0x2)", " at PCI 00:1c.4/00.1"},
		{"PciRoot(0xa)/Pci(0x1f,0x7)", " at PCI 0a:1f.7"},
		{"PciRoot(0x0)", ""},
		{"PciRoot(0x0)/Pci(0xfff,0x0)", ""},
		{"PciRoot(", ""},
		{"Fv(7cb8bdc9)/FvFile(462caa21)", ""},
	};
	char seen[200], text[200], want[400];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(seen, sizeof seen, "option ROM: %s", cases[i].path);
		bootwords_added(BOOT_OPTION_ROM, seen, text, sizeof text);
		snprintf(want, sizeof want, "new option ROM%s: %s", cases[i].place, cases[i].path);
		assert_string_equal(text, want);
		bootwords_removed(BOOT_OPTION_ROM, seen, text, sizeof text);
		snprintf(want, sizeof want, "option ROM%s is gone: %s", cases[i].place,
			 cases[i].path);
		assert_string_equal(text, want);
	}
}

static void
words_that_do_not_fit_end_visibly(void **state)
{
	char seen[400], text[64];

	(void)state;
	snprintf(seen, sizeof seen, "kernel command line: quiet %0300d", 1);
	for (size_t cap = 64; cap <= sizeof text; cap++) {
		bootwords_changed(BOOT_KERNEL_CMDLINE, seen, "kernel command line: quiet", text,
				  cap);
		assert_int_equal(strlen(text), cap - 1);
		assert_string_equal(text + cap - 4, "...");
	}
	bootwords_added(BOOT_INITRD, seen, text, sizeof text);
	assert_string_equal(text + sizeof text - 4, "...");
}

static void
every_component_is_found_again_by_its_words(void **state)
{
	(void)state;
	for (int c = 0; c < BOOT_COMPONENT_COUNT; c++) {
		char line[128];

		snprintf(line, sizeof line, "%s: anything",
			 boot_component_text((enum boot_component)c));
		assert_int_equal(boottext_component(SPAN(line, strlen(line))), c);
	}
	assert_int_equal(boottext_component(SPAN("initrds: x", 10)), BOOT_OTHER);
	assert_int_equal(boottext_component(SPAN("initrd", 6)), BOOT_OTHER);
}

static void
every_finding_of_a_log_is_in_the_document(void **state)
{
	struct span doc = unit_file("docs/boot-log.md");
	char row[256], *text = test_calloc(1, doc.n + 1);

	(void)state;
	memcpy(text, doc.p, doc.n);
	for (int c = BOOTFIND_NONE + 1; c < BOOTFIND_COUNT; c++) {
		enum boot_finding_code code = (enum boot_finding_code)c;

		snprintf(row, sizeof row, "| `%s` | %s |\n", boot_finding_word(code),
			 boot_finding_text(code));
		if (!strstr(text, row))
			fail_msg("docs/boot-log.md lacks: %s", row);
	}
	test_free(text);
	unit_free(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_events_are_told_in_words),
		cmocka_unit_test(text_is_cut_at_every_length_and_stays_terminated),
		cmocka_unit_test(the_name_of_a_variable_that_was_not_measured_needs_boot_order),
		cmocka_unit_test(a_section_without_its_name_is_unexplained),
		cmocka_unit_test(device_paths_of_odd_lengths_are_malformed_and_bounded),
		cmocka_unit_test(variables_whose_lengths_do_not_fit_are_malformed),
		cmocka_unit_test(words_are_split_at_any_run_of_spaces),
		cmocka_unit_test(differences_are_told_in_words),
		cmocka_unit_test(what_sits_in_a_slot_is_told_with_its_place),
		cmocka_unit_test(words_that_do_not_fit_end_visibly),
		cmocka_unit_test(every_component_is_found_again_by_its_words),
		cmocka_unit_test(every_finding_of_a_log_is_in_the_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
