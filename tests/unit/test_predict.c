/* test_predict.c: what a boot will measure, against what real boots measured (tests/data/
 * eventlog) and against what was calculated apart from the code (tests/data/predict). */
#include "tests/support/unit.h"

#include "evidence/eventlog.h"
#include "evidence/hex.h"
#include "verifier/compiler/predict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CMDLINE                                                                                \
	"console=ttyS0 root=/dev/ram0 rdinit=/init ima_policy=tcb ima_hash=sha256 panic=-1 quiet"

static struct predict *p;

static int
setup(void **state)
{
	(void)state;
	p = calloc(1, sizeof *p);
	return p ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	free(p);
	return 0;
}

/* ---- images ---- */

static void
assert_expected(const char *name)
{
	char path[64], *line, *save = NULL;
	struct span file, text;
	unsigned i = 0;
	char *copy;

	snprintf(path, sizeof path, "predict/%s.expected", name);
	text = unit_data(path);
	snprintf(path, sizeof path, "predict/%s.efi", name);
	file = unit_data(path);
	memset(p, 0, sizeof *p);
	assert_int_equal(strcmp(name, "kernel") ? predict_uki(file, p) : predict_image(file, p),
			 ASSAY_OK);
	copy = strndup((const char *)text.p, text.n);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save), i++) {
		char want[8 + 4 * 130], hex[129];
		int n = snprintf(want, sizeof want, "%u", p->event[i].pcr);

		for (unsigned b = 0; b < PREDICT_BANKS; b++) {
			assert_int_equal(hex_encode(digest_span(&p->event[i].digest[b]), hex,
						    sizeof hex), ASSAY_OK);
			n += snprintf(want + n, sizeof want - (size_t)n, " %s", hex);
		}
		assert_string_equal(line, want);
	}
	assert_int_equal(i, p->count);
	free(copy);
	unit_free(file);
	unit_free(text);
}

static void
images_and_sections_are_measured_as_firmware_and_stub_do(void **state)
{
	(void)state;
	assert_expected("kernel");
	assert_expected("uki");
	assert_expected("uki255");
}

static void
what_the_machine_decides_is_refused(void **state)
{
	static const struct {
		const char *name;
		enum assay_err e;
	} files[] = {
		{"predict/no-stub.efi", ASSAY_UNSUPPORTED},
		{"predict/profile.efi", ASSAY_UNSUPPORTED},
		{"predict/newline.efi", ASSAY_UNSUPPORTED},
		{"predict/no-linux.efi", ASSAY_BAD_TYPE},
		{"predict/uki.expected", ASSAY_BAD_MAGIC},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct span file = unit_data(files[i].name);

		memset(p, 0, sizeof *p);
		assert_int_equal(predict_uki(file, p), files[i].e);
		assert_true(*p->why);
		unit_free(file);
	}
}

/* A signature that is added later changes nothing; any byte that is hashed does. */
static void
only_checksum_and_signatures_are_not_measured(void **state)
{
	struct span file = unit_data("predict/uki.efi");
	uint8_t *copy = malloc(file.n);
	unsigned silent = 0;
	struct digest good;
	struct pe pe;

	(void)state;
	assert_non_null(copy);
	assert_int_equal(pe_open(file, &pe), ASSAY_OK);
	assert_int_equal(pe_authenticode(&pe, ALG_SHA256, &good), ASSAY_OK);
	for (size_t i = 0; i < file.n; i++) {
		struct digest d;

		memcpy(copy, file.p, file.n);
		copy[i] ^= 0x10;
		if (pe_open(SPAN(copy, file.n), &pe) == ASSAY_OK &&
		    pe_authenticode(&pe, ALG_SHA256, &d) == ASSAY_OK && digest_equal(&d, &good))
			silent++;
	}
	assert_int_equal(silent, 4 + 72); /* checksum, signatures */
	free(copy);
	unit_free(file);
}

/* The head of a section by name: its virtual size at 8, its raw size at 16, its place at 20. */
static uint8_t *
section_head(uint8_t *file, size_t n, const char *name)
{
	for (size_t i = 0; i + 40 <= n; i++)
		if (memcmp(file + i, name, strlen(name)) == 0)
			return file + i;
	fail_msg("no section %s", name);
	return NULL;
}

static void
put_le32(uint8_t *at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

/* A kilobyte must not ask for gigabytes of hashing: by zeros that are not in the file, or
 * by sections that are all the same bytes. */
static void
an_image_is_not_hashed_beyond_its_size(void **state)
{
	static const char *const names[] = {".osrel", ".cmdline", ".initrd"};
	struct span file = unit_data("predict/uki.efi");
	uint8_t *copy = malloc(file.n), *head;
	struct pe pe;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, file.p, file.n);
	head = section_head(copy, file.n, ".initrd");
	assert_int_equal(pe_open(SPAN(copy, file.n), &pe), ASSAY_OK);
	put_le32(head + 8, (uint32_t)pe_find(&pe, ".initrd")->raw.n + PE_ZEROS_MAX);
	memset(p, 0, sizeof *p);
	assert_int_equal(predict_uki(SPAN(copy, file.n), p), ASSAY_OK);
	put_le32(head + 8, (uint32_t)pe_find(&pe, ".initrd")->raw.n + PE_ZEROS_MAX + 1);
	memset(p, 0, sizeof *p);
	assert_int_equal(predict_uki(SPAN(copy, file.n), p), ASSAY_TOO_LARGE);
	assert_non_null(strstr(p->why, ".initrd"));

	memcpy(copy, file.p, file.n);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		head = section_head(copy, file.n, names[i]);
		put_le32(head + 16, (uint32_t)file.n);
		put_le32(head + 20, 0);
	}
	assert_int_equal(pe_open(SPAN(copy, file.n), &pe), ASSAY_MALFORMED);
	free(copy);
	unit_free(file);
}

/* ---- real boots ---- */

/* Whether the log has these events of a PCR, from its `skip'th on and in this order. */
static void
assert_measured(const char *log_name, uint32_t pcr, const unsigned *which, size_t n)
{
	struct span log = unit_data(log_name);
	struct eventlog l;
	struct event ev;
	size_t at = 0;

	assert_int_equal(eventlog_open(log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev)) {
		bool equal = ev.pcr == pcr && at < n;

		for (unsigned b = 0; equal && b < PREDICT_BANKS; b++) {
			struct span d = event_digest_in(&ev, predict_banks[b]);

			equal = d.n == 0 ||
				span_equal(d, digest_span(&p->event[which[at]].digest[b]));
		}
		at += equal;
	}
	if (at != n)
		fail_msg("%s: PCR %u: event %u is not in the log: %s", log_name, (unsigned)pcr,
			 which[at], p->event[which[at]].text);
	unit_free(log);
}

static void
assert_all_measured(const char *log, uint32_t pcr, enum predict_kind but)
{
	unsigned which[PREDICT_EVENTS_MAX];
	size_t n = 0;

	for (unsigned i = 0; i < p->count; i++)
		if (p->event[i].pcr == pcr && p->event[i].kind != but)
			which[n++] = i;
	assert_true(n > 0);
	assert_measured(log, pcr, which, n);
}

static void
predict_config(const char *linux, const char *cmdline, const char *initrd)
{
	static char config[1024];
	struct predict_grub in = {.config_path = "(hd0,gpt1)/lab/grub.cfg", .nfiles = 2};

	snprintf(config, sizeof config,
		 "set timeout=0\nmenuentry lab {\n %s /vmlinuz %s\n %s /initrd.gz\n}\n", linux,
		 cmdline, initrd);
	in.config = SPAN(config, strlen(config));
	in.files[0] = (struct predict_file){"/vmlinuz", SPAN("k", 1)};
	in.files[1] = (struct predict_file){"/initrd.gz", SPAN("i", 1)};
	memset(p, 0, sizeof *p);
	assert_int_equal(predict_grub(&in, p), ASSAY_OK);
}

static void
grub_measures_configuration_commands_and_command_line_as_foretold(void **state)
{
	static const struct {
		const char *log, *linux, *initrd, *cmdline;
	} boots[] = {
		{"eventlog/grub-good.bin", "linuxefi", "initrdefi", CMDLINE},
		{"eventlog/grub-initrd.bin", "linuxefi", "initrdefi", CMDLINE},
		{"eventlog/grub-kernel.bin", "linuxefi", "initrdefi", CMDLINE},
		{"eventlog/grub-cmdline.bin", "linuxefi", "initrdefi", CMDLINE " lab.evil=1"},
		{"eventlog/sb-shim-good.bin", "linux", "initrd", CMDLINE},
		{"eventlog/sb-shim-initrd.bin", "linux", "initrd", CMDLINE},
		{"eventlog/sb-shim-cmdline.bin", "linux", "initrd", CMDLINE " lab.evil=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
		static const unsigned config = 0;

		predict_config(boots[i].linux, boots[i].cmdline, boots[i].initrd);
		assert_all_measured(boots[i].log, 8, PREDICT_KIND_COUNT);
		assert_measured(boots[i].log, 9, &config, 1);
	}
}

static void
load_options_are_measured_as_foretold(void **state)
{
	static const struct {
		const char *log, *options;
		bool systemd_boot;
	} boots[] = {
		{"eventlog/uki-good.bin", CMDLINE, false},
		{"eventlog/uki-allbanks.bin", CMDLINE, false},
		{"eventlog/uki-sha256only.bin", CMDLINE, false},
		{"eventlog/uki-cmdline.bin", CMDLINE " lab.evil=1", false},
		{"eventlog/sb-good.bin", CMDLINE, false},
		{"eventlog/sdboot-good.bin", "initrd=\\initrd.gz " CMDLINE, true},
		{"eventlog/sdboot-initrd.bin", "initrd=\\initrd.gz " CMDLINE, true},
	};
	struct span kernel = unit_data("predict/kernel.efi");

	(void)state;
	for (size_t i = 0; i < sizeof boots / sizeof boots[0]; i++) {
		struct predict_linux in = {.kernel = kernel, .options = boots[i].options,
					   .systemd_boot = boots[i].systemd_boot};

		memset(p, 0, sizeof *p);
		assert_int_equal(predict_linux(&in, p), ASSAY_OK);
		assert_all_measured(boots[i].log, 9, PREDICT_INITRD);
		if (boots[i].systemd_boot)
			assert_all_measured(boots[i].log, 12, PREDICT_INITRD);
	}
	unit_free(kernel);
}

/* The names of sections, and the content that is known: the command line. */
static void
sections_are_measured_as_foretold(void **state)
{
	static const char *const names[] = {".linux", ".osrel", ".cmdline", ".initrd"};
	unsigned which[5];

	(void)state;
	memset(p, 0, sizeof *p);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(predict_add(p, 11, PREDICT_SECTION_NAME, names[i],
					     SPAN(names[i], strlen(names[i]) + 1)), ASSAY_OK);
		which[p->count - 1] = p->count - 1;
		if (i == 2) {
			assert_int_equal(predict_add(p, 11, PREDICT_SECTION, names[i],
						     SPAN(CMDLINE, sizeof CMDLINE - 1)), ASSAY_OK);
			which[p->count - 1] = p->count - 1;
		}
	}
	assert_measured("eventlog/uki-good.bin", 11, which, 5);
	assert_measured("eventlog/uki-allbanks.bin", 11, which, 5);
}

/* ---- GRUB's language ---- */

static void
configurations_are_foretold_or_refused_with_their_line(void **state)
{
	static const struct {
		const char *config, *entry;
		enum assay_err e;
		const char *why;
	} cases[] = {
		{"menuentry a {\n linux /k a=$root\n}\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 2: a variable cannot be foretold"},
		{"if true; then\n echo x\nfi\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 1: if cannot be foretold"},
		{"insmod part_gpt\nmenuentry a {\n linux /k\n}\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 1: insmod cannot be foretold"},
		{"function f {\n echo\n}\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 1: function cannot be foretold"},
		{"menuentry a {\n linux /k\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 1: a block that does not end cannot be foretold"},
		{"menuentry 'a {\n linux /k\n}\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 4: a quote that does not end cannot be foretold"},
		{"echo a | cat\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 1: an operator cannot be foretold"},
		{"}\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 1: a brace that closes nothing cannot be foretold"},
		{"menuentry a {\n linux /other\n}\n", NULL, ASSAY_MISSING,
		 "line 2 needs the file /other"},
		{"set timeout=1\n", NULL, ASSAY_NOT_FOUND,
		 "the configuration has no menu entry to boot"},
		{"menuentry a {\n linux /k\n}\n", "b", ASSAY_NOT_FOUND,
		 "the configuration has no menu entry b"},
		{"menuentry a {\n linux /k x=\"a b\"\n}\n", NULL, ASSAY_UNSUPPORTED,
		 "configuration, line 2: a kernel argument that must be quoted cannot be foretold"},
		{"", NULL, ASSAY_NOT_FOUND, "the configuration has no menu entry to boot"},
		{"# a comment; {\nmenuentry 'a b' --class x { # no\n linux /k 'q=1' ; "
		 "initrd /k\n}\n",
		 "a b", ASSAY_OK, ""},
		{"set default=1\nmenuentry a {\n true\n}\nmenuentry b {\n linux /k\n}\n", NULL,
		 ASSAY_OK, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct predict_grub in = {.config = SPAN(cases[i].config, strlen(cases[i].config)),
					  .entry = cases[i].entry, .nfiles = 1,
					  .files = {{"/k", SPAN("k", 1)}}};
		enum assay_err e;

		memset(p, 0, sizeof *p);
		e = predict_grub(&in, p);
		if (e != cases[i].e)
			fail_msg("%s: %s: %s", cases[i].config, assay_err_name(e), p->why);
		assert_string_equal(p->why, cases[i].why);
	}
	assert_string_equal(p->event[p->count - 2].text, "/k"); /* of entry b: the kernel */
	assert_int_equal(p->event[p->count - 1].kind, PREDICT_GRUB_CMDLINE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_and_sections_are_measured_as_firmware_and_stub_do),
		cmocka_unit_test(what_the_machine_decides_is_refused),
		cmocka_unit_test(only_checksum_and_signatures_are_not_measured),
		cmocka_unit_test(an_image_is_not_hashed_beyond_its_size),
		cmocka_unit_test(grub_measures_configuration_commands_and_command_line_as_foretold),
		cmocka_unit_test(load_options_are_measured_as_foretold),
		cmocka_unit_test(sections_are_measured_as_foretold),
		cmocka_unit_test(configurations_are_foretold_or_refused_with_their_line),
	};

	return cmocka_run_group_tests_name("predict", tests, setup, teardown);
}
