/*
 * bootevent.h: what one event of a boot log means, and how much of it is proved.
 *
 * A replayed log proves digests, never event types or data (L4). Here each event's
 * digests are recomputed by its type's rule (PFP 1.06, 10.4.1, and what firmware,
 * shim, GRUB, systemd and Windows really do), so that its data are proved, a hint,
 * or a contradiction (L5). Data are decoded to spans into the log; nothing is
 * allocated. Text for people is made apart, by boottext.h; what a whole log says is
 * bootfacts.h. Nothing is judged.
 *
 * Events are read in log order through one struct bootreader, because some meanings
 * rest on what went before: systemd measures a section's name and then its content,
 * GRUB says which file is the kernel before it measures it, and a boot entry's name
 * is believed only if BootOrder names it next.
 */
#ifndef APPRAISE_BOOTEVENT_H
#define APPRAISE_BOOTEVENT_H

#include "evidence/eventlog.h"

#include "efidata.h"
#include "efivar.h"

/* How far an event's data may be believed. Zero is the least. */
enum bootevent_status {
	BOOTEVENT_HINT = 0,	 /* the digest is of something else, or cannot be checked */
	BOOTEVENT_PROVED,	 /* every computable digest is of the data (see cover) */
	BOOTEVENT_CONTRADICTION, /* it must be and is not, or the banks disagree */
	BOOTEVENT_NOT_MEASURED,	 /* EV_NO_ACTION, or no digest in the reader's bank */
};

/* What part of the data the digest covers; the rest stays a hint. */
enum bootevent_cover {
	BOOTCOVER_NOTHING = 0,
	BOOTCOVER_ALL,
	BOOTCOVER_CONTENT, /* a variable's content, not its GUID and name */
	BOOTCOVER_TEXT,	   /* the text, not a loader's prefix or the bytes after its end */
	BOOTCOVER_NAME,	   /* the name of the section that is measured next */
	BOOTCOVER_ERROR,   /* a separator's error value: the data may be anything */
};

/* What the data were decoded to. */
enum bootevent_form {
	BOOTFORM_BYTES = 0,
	BOOTFORM_VARIABLE, /* ->var */
	BOOTFORM_IMAGE,	   /* ->image */
	BOOTFORM_GPT,	   /* data: efi_gpt_parse */
	BOOTFORM_BLOB,	   /* ->blob */
	BOOTFORM_TABLES,   /* data: efi_tables_parse, efi_tables2_parse */
	BOOTFORM_TEXT,	   /* ->text, ASCII */
	BOOTFORM_WIDE,	   /* ->text, UTF-16LE */
	BOOTFORM_SEPARATOR, /* ->separator */
	BOOTFORM_TAG,	   /* ->tag, ->text: its data */
};

/*
 * The parts of a boot in an engineer's words. X(ID, "text", rank, per device).
 * Rank orders explanations: the smallest is named first, because it is the cause and
 * larger ones contain it (a changed command line changes the unified kernel image).
 */
#define BOOT_COMPONENTS(X)                                                       \
	X(OTHER, "other data", 90, 0)                                            \
	X(SECURE_BOOT, "Secure Boot state", 1, 0)                                \
	X(SECURE_BOOT_MODE, "Secure Boot mode", 2, 0)                            \
	X(DEBUGGER, "firmware debugger or DMA protection", 3, 0)                 \
	X(PK, "Secure Boot variable PK", 4, 0)                                   \
	X(KEK, "Secure Boot variable KEK", 5, 0)                                 \
	X(DB, "Secure Boot variable db", 6, 0)                                   \
	X(DBX, "Secure Boot variable dbx", 7, 0)                                 \
	X(DBR, "Secure Boot variable dbr", 8, 0)                                 \
	X(DBT, "Secure Boot variable dbt", 8, 0)                                 \
	X(VENDOR_DB, "shim's built-in key list", 9, 0)                           \
	X(MOK, "machine owner keys (MOK)", 10, 0)                                \
	X(SBAT, "SBAT revocation level", 11, 0)                                  \
	X(KERNEL_CMDLINE, "kernel command line", 12, 0)                          \
	X(KERNEL, "kernel image", 13, 0)                                         \
	X(INITRD, "initrd", 14, 0)                                               \
	X(UKI_SECTION, "unified kernel image section", 15, 0)                    \
	X(DEVICE_TREE, "device tree", 16, 0)                                     \
	X(GRUB_CONFIG, "GRUB configuration", 17, 0)                              \
	X(GRUB_COMMAND, "GRUB command", 18, 0)                                   \
	X(GRUB_FILE, "file read by GRUB", 19, 0)                                 \
	X(LOADER_CONFIG, "boot loader configuration", 20, 0)                     \
	X(OPTION_ROM, "option ROM", 21, 0)                                       \
	X(OPTION_ROM_CONFIG, "option ROM configuration", 22, 0)                  \
	X(FIRMWARE_VERSION, "firmware version", 23, 0)                           \
	X(FIRMWARE, "firmware volume", 24, 0)                                    \
	X(FIRMWARE_CODE, "firmware code", 25, 0)                                 \
	X(MICROCODE, "CPU microcode", 26, 0)                                     \
	X(FIRMWARE_CONFIG, "firmware configuration", 27, 0)                      \
	X(AUTHORITY, "signing authority", 28, 0)                                 \
	X(BOOT_IMAGE, "boot image", 29, 0)                                       \
	X(BOOT_DRIVER, "EFI driver", 30, 0)                                      \
	X(WINDOWS, "Windows boot event", 31, 0)                                  \
	X(SPDM, "device measured by SPDM", 32, 0)                                \
	X(BOOT_ATTEMPT, "boot attempt", 33, 0)                                   \
	X(EXIT_BOOT_SERVICES, "end of boot services", 34, 0)                     \
	X(SEPARATOR, "separator", 35, 0)                                         \
	X(BOOT_ORDER, "boot order", 40, 1)                                       \
	X(BOOT_ENTRY, "boot entry", 41, 1)                                       \
	X(PARTITION_TABLE, "partition table", 42, 1)                             \
	X(TABLES, "platform tables", 43, 1)                                      \
	X(LOG, "log information", 80, 0)

enum boot_component {
#define X(id, text, rank, per_device) BOOT_##id,
	BOOT_COMPONENTS(X)
#undef X
	BOOT_COMPONENT_COUNT
};

const char *boot_component_text(enum boot_component c);
unsigned boot_component_rank(enum boot_component c);
/* Values that differ between good devices of one class (L17). */
bool boot_component_per_device(enum boot_component c);

struct bootevent {
	uint32_t index, pcr, type;
	const char *type_name; /* "EV_SEPARATOR"; NULL if the type is unknown */
	struct span data;
	struct span digest; /* in the reader's bank, else the first */
	enum bootevent_status status;
	enum bootevent_cover cover;
	enum bootevent_form form;
	enum boot_component component;
	bool malformed;	     /* the data have not the layout of their type */
	bool banks_disagree; /* one bank's digest is of the data, another's is not */
	bool unnamed;	     /* content proved, but the name it goes by is not to be believed */
	bool unexplained;    /* where everything can be recomputed, this cannot (PCR 8) */
	bool corroborated;   /* a proved event says the same in other words */
	bool disputed;	     /* a proved event says otherwise */
	bool loads_kernel;   /* a proved command of GRUB that loads a kernel */
	bool misplaced;	     /* a hint in a register where its type is not measured */
	struct efivar var;
	struct efi_image image;
	struct efi_blob blob;
	struct span text; /* without a loader's prefix and terminator */
	uint32_t tag;
	uint32_t separator; /* value, little-endian; of an error its cause */
};

struct bootreader {
	enum eventlog_format format;
	uint16_t bank;	     /* the bank that is relied on; ALG_NONE: any */
	struct span section; /* systemd: name proved, content awaited */
	struct reader order; /* BootOrder: entries not yet measured */
	bool ordered, contents; /* contents: the last variable's name was not measured */
	struct span linux_line; /* GRUB: arguments of the last "linux" command */
	bool linux_proved;
	struct span kernel, initrds, config; /* GRUB: file names in its commands */
};

/* bank: the bank whose digests are relied on (it is the quoted one), or ALG_NONE. */
void bootreader_init(struct bootreader *r, enum eventlog_format format, uint16_t bank);
/* Read the next event of the log. Never fails: what cannot be read is malformed. */
void bootevent_read(struct bootreader *r, const struct event *ev, struct bootevent *ret);

/* "EV_SEPARATOR", or NULL. */
const char *bootevent_type_name(uint32_t type);
/* The name and the value of the i-th known type; NULL behind the last. */
const char *bootevent_type_at(unsigned i, uint32_t *ret);
/* "proved", "hint", "contradiction", "not measured". */
const char *bootevent_status_name(enum bootevent_status s);

#define EV_POST_CODE 0x00000001u
#define EV_SEPARATOR 0x00000004u
#define EV_ACTION 0x00000005u
#define EV_EVENT_TAG 0x00000006u
#define EV_S_CRTM_CONTENTS 0x00000007u
#define EV_S_CRTM_VERSION 0x00000008u
#define EV_IPL 0x0000000Du
#define EV_NONHOST_INFO 0x00000011u
#define EV_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define EV_EFI_VARIABLE_BOOT 0x80000002u
#define EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003u
#define EV_EFI_BOOT_SERVICES_DRIVER 0x80000004u
#define EV_EFI_RUNTIME_SERVICES_DRIVER 0x80000005u
#define EV_EFI_GPT_EVENT 0x80000006u
#define EV_EFI_ACTION 0x80000007u
#define EV_EFI_PLATFORM_FIRMWARE_BLOB 0x80000008u
#define EV_EFI_PLATFORM_FIRMWARE_BLOB2 0x8000000Au
#define EV_EFI_HANDOFF_TABLES2 0x8000000Bu
#define EV_EFI_VARIABLE_AUTHORITY 0x800000E0u

#endif
