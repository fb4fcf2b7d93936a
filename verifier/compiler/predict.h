/*
 * predict.h: what a boot that has not happened yet will measure: the digests of PCR 4, 8,
 * 9, 11 and 12 that follow from a boot image, a command line, an initrd or a GRUB
 * configuration. docs/boot-log.md says who measures what.
 *
 * Pure: files are read by the caller. What cannot be foretold (GRUB variables that the
 * machine sets, sections of a kind that is not known) is refused with a reason, never
 * guessed.
 */
#ifndef COMPILER_PREDICT_H
#define COMPILER_PREDICT_H

#include "pe.h"

#define PREDICT_EVENTS_MAX 512
#define PREDICT_BANKS 4 /* SHA-1, SHA-256, SHA-384, SHA-512 */
#define PREDICT_TEXT_MAX 200
#define PREDICT_CMDLINE_MAX 4096
#define PREDICT_FILES_MAX 32

extern const uint16_t predict_banks[PREDICT_BANKS];

/* What stands behind an event: whom it replaces in a log. X(CODE, "word") */
#define PREDICT_KINDS(X)                                                                       \
	X(IMAGE, "boot image")                                                                 \
	X(KERNEL, "kernel image")                                                              \
	X(SECTION_NAME, "name of a section")                                                   \
	X(SECTION, "content of a section")                                                     \
	X(OPTIONS, "Linux load options")                                                       \
	X(INITRD, "Linux initrd")                                                              \
	X(CMDLINE, "kernel command line")                                                      \
	X(GRUB_COMMAND, "GRUB command")                                                        \
	X(GRUB_CMDLINE, "GRUB's kernel command line")                                          \
	X(GRUB_FILE, "file that GRUB reads")

enum predict_kind {
#define X(code, word) PREDICT_##code,
	PREDICT_KINDS(X)
#undef X
	PREDICT_KIND_COUNT
};
const char *predict_kind_word(enum predict_kind k);

struct predict_event {
	uint32_t pcr;
	enum predict_kind kind;
	char text[PREDICT_TEXT_MAX]; /* escaped: section, command, file */
	struct digest digest[PREDICT_BANKS];
};

struct predict {
	unsigned count;
	struct predict_event event[PREDICT_EVENTS_MAX];
	char why[PREDICT_TEXT_MAX]; /* of an error */
	char missing[256];	    /* the file that predict_grub() lacks, for MISSING */
};

/* A unified kernel image with systemd's stub: the image itself, its kernel, its sections
 * in the order of the stub, load options and initrd as the kernel's stub measures them. */
ASSAY_MUST_USE enum assay_err predict_uki(struct span file, struct predict *ret);

/* An image that firmware starts by itself: a boot loader. */
ASSAY_MUST_USE enum assay_err predict_image(struct span file, struct predict *ret);

/* A kernel with its EFI stub, started by systemd-boot or by the firmware. p NULL: none. */
struct predict_linux {
	struct span kernel;
	struct span initrd;
	const char *options; /* all of it: with systemd-boot, "initrd=\\PATH " in front */
	bool systemd_boot;   /* it measures the options to PCR 12 besides */
};
ASSAY_MUST_USE enum assay_err predict_linux(const struct predict_linux *in, struct predict *ret);

/* A GRUB configuration and the files it names. */
struct predict_file {
	const char *path; /* as the configuration has it */
	struct span content;
};
struct predict_grub {
	struct span config;
	const char *config_path; /* as GRUB measures it; NULL: how it gets there is not told */
	const char *entry;	 /* title of the menu entry; NULL: the first */
	size_t nfiles;
	struct predict_file files[PREDICT_FILES_MAX];
};
ASSAY_MUST_USE enum assay_err predict_grub(const struct predict_grub *in, struct predict *ret);

/* ---- for predict_*.c ---- */

/* The next event over these bytes; FULL. */
ASSAY_MUST_USE enum assay_err predict_add(struct predict *p, uint32_t pcr, enum predict_kind k,
					  const char *text, struct span bytes);
ASSAY_MUST_USE enum assay_err predict_add_image(struct predict *p, enum predict_kind k,
						const char *text, struct span file);
/* Keeps the reason and returns e. */
enum assay_err predict_fail(struct predict *p, enum assay_err e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
