/*
 * bootfacts.h: what a boot log says about the boot, and what is wrong with the log.
 *
 * One pure function over a log. It does not replay (evidence/eventlog.h) and does
 * not judge (policy does): it yields typed facts with their provenance inside the
 * log, and findings by word. The caller has replayed the log and found it equal to
 * the signed PCRs; only then do "proved" facts hold, and only for the PCRs that the
 * quote covers.
 *
 * Zero values are the cautious ones: missing, unproved, incomplete.
 */
#ifndef APPRAISE_BOOTFACTS_H
#define APPRAISE_BOOTFACTS_H

#include "bootevent.h"
#include "efisig.h"

#define BOOT_FINDINGS_MAX 48
#define BOOT_TEXT_MAX 256 /* as a value of a finding */
#define BOOT_CMDLINE_MAX 2048
#define BOOT_IMAGES_MAX 24
#define BOOT_CERTIFICATES_MAX 16
#define BOOT_NO_EVENT UINT32_MAX

/* What a finding is about, for whoever maps findings to policy. */
enum boot_finding_kind {
	BOOT_KIND_DATA,	    /* an event's data are not what was measured */
	BOOT_KIND_STRUCTURE, /* separators, order, completeness */
	BOOT_KIND_SECURE_BOOT,
	BOOT_KIND_COVERAGE, /* what no digest covers */
};

/* X(CODE, "word", KIND, "text"): words are stable. Rows of ATTACKS.md at the right. */
#define BOOT_FINDINGS(X)                                                                       \
	X(NONE, "none", DATA, "no finding")                                                    \
	X(CONTRADICTION, "data.contradiction", DATA,                                           \
	  "the data are not what was measured") /* L5 */                                       \
	X(BANKS_DISAGREE, "data.banks-disagree", DATA,                                         \
	  "the digests of one event in two banks are of different data")                       \
	X(MALFORMED, "data.malformed", DATA, "the data have not the form of their type") /* L13 */ \
	X(UNNAMED, "data.unnamed", DATA,                                                       \
	  "the content was measured, but nothing bears out the name it goes by")               \
	X(UNEXPLAINED, "data.unexplained", DATA,                                               \
	  "what was measured is not in the log where it always is") /* L16 */                  \
	X(DISPUTED, "data.disputed", DATA,                                                     \
	  "GRUB measured another command line in its command") /* L16 */                       \
	X(MISPLACED, "data.misplaced", DATA,                                                   \
	  "events of this type are not measured into this PCR") /* L4 */                       \
	X(DISGUISED_SEPARATOR, "separator.disguised", STRUCTURE,                               \
	  "a separator's digest under another event type") /* L6 */                            \
	X(SECOND_SEPARATOR, "separator.second", STRUCTURE, "a second separator") /* L6 */      \
	X(SEPARATOR_VALUE, "separator.value", STRUCTURE,                                       \
	  "a separator with a value that it cannot have") /* L6 */                             \
	X(FIRMWARE_ERROR, "separator.error", STRUCTURE,                                        \
	  "the firmware measured an error in place of a separator") /* L6 */                   \
	X(NO_SEPARATOR, "separator.missing", STRUCTURE,                                        \
	  "the log ends before this PCR's separator") /* L7 */                                 \
	X(EARLY_OS_EVENT, "order.early", STRUCTURE,                                            \
	  "the operating system's part begins before the firmware's is closed") /* L7 */       \
	X(LATE_FIRMWARE_EVENT, "order.late", STRUCTURE,                                        \
	  "the firmware measures on after this PCR's separator") /* L7 */                      \
	X(EARLY_BOOT, "order.boot-before-separator", STRUCTURE,                                \
	  "a boot image is loaded before this PCR's separator") /* L6, L7 */                   \
	X(AFTER_EXIT, "order.after-exit", STRUCTURE,                                           \
	  "the firmware measures on after the end of boot services") /* L7 */                  \
	X(SB_DUPLICATE, "secure-boot.duplicate", SECURE_BOOT,                                  \
	  "a Secure Boot variable is measured twice") /* L14 */                                \
	X(SB_LATE, "secure-boot.late", SECURE_BOOT,                                            \
	  "a Secure Boot variable is measured after the separator") /* L14 */                  \
	X(SB_UNPROVED, "secure-boot.unproved", SECURE_BOOT,                                    \
	  "a Secure Boot variable's data are not proved") /* L14 */                            \
	X(SB_MISSING, "secure-boot.missing", SECURE_BOOT,                                      \
	  "a variable that tells the state of Secure Boot is not measured") /* L14 */          \
	X(SB_VALUE, "secure-boot.value", SECURE_BOOT,                                          \
	  "a Secure Boot variable has a value that it cannot have") /* L14 */                  \
	X(SB_NO_KEYS, "secure-boot.no-keys", SECURE_BOOT,                                      \
	  "Secure Boot says it is enabled, but it has no platform key") /* L14 */              \
	X(EARLY_AUTHORITY, "secure-boot.early-authority", SECURE_BOOT,                         \
	  "an authority is measured before the separator") /* L14 */                           \
	X(SHIM_ODD, "shim.odd", SECURE_BOOT,                                                   \
	  "a shim variable of a name that shim does not measure") /* L15 */                    \
	X(EMPTY_BANK, "bank.empty", COVERAGE,                                                  \
	  "a bank that the log declares has no measurement") /* Q15 */                         \
	X(UNMEASURED, "bank.unmeasured", COVERAGE,                                             \
	  "an event was not measured in this bank") /* Q15, L1 */                              \
	X(NOT_COMPUTABLE, "bank.not-computable", COVERAGE,                                     \
	  "a bank that cannot be replayed here")                                               \
	X(TAIL, "log.tail", STRUCTURE, "bytes after the last record that are not padding")

enum boot_finding_code {
#define X(code, word, kind, text) BOOTFIND_##code,
	BOOT_FINDINGS(X)
#undef X
	BOOTFIND_COUNT
};
const char *boot_finding_word(enum boot_finding_code c);
const char *boot_finding_text(enum boot_finding_code c);
enum boot_finding_kind boot_finding_kind(enum boot_finding_code c);

struct boot_finding {
	enum boot_finding_code code;
	uint32_t event; /* BOOT_NO_EVENT: about the log */
	int32_t pcr;	/* -1: none */
	enum boot_component component;
	char seen[BOOT_TEXT_MAX]; /* escaped text */
	char expected[BOOT_TEXT_MAX];
};

/* A flag of the firmware, from proved data only. */
enum boot_flag { BOOT_FLAG_MISSING = 0, BOOT_FLAG_OFF, BOOT_FLAG_ON, BOOT_FLAG_CONTRADICTORY };
const char *boot_flag_name(enum boot_flag f); /* "missing", "off", "on", "contradictory" */

/* How far a text may be believed. */
enum boot_provenance {
	BOOT_UNKNOWN = 0,
	BOOT_BY_HINT,	/* the log says so; no digest covers the text */
	BOOT_BY_TEXT,	/* the text was measured, where only such texts are (systemd) */
	BOOT_BY_PROOF,	/* and another measurement says the same */
};
const char *boot_provenance_name(enum boot_provenance p);

/* A signature database, before the separator, from proved data. */
struct boot_keys {
	bool present; /* measured and proved */
	uint32_t event;
	struct digest digest; /* in the bank asked for */
	struct efisig_counts counts;
	bool malformed;
};

struct boot_certificate {
	uint8_t sha256[32]; /* of the certificate */
	char subject[EFISIG_SUBJECT_MAX];
};

struct boot_image {
	uint32_t event, pcr;
	struct digest digest; /* Authenticode hash of the image: a fact */
	char path[BOOT_TEXT_MAX]; /* a hint */
	uint32_t authority; /* event of the authority measured last before it, or NO_EVENT */
};

struct boot_cmdline {
	enum boot_provenance provenance; /* of the text */
	uint32_t event;
	bool truncated;
	char text[BOOT_CMDLINE_MAX]; /* escaped; "" if only its digest was measured */
	struct digest digest;
	uint32_t count; /* how many command lines were measured */
};

struct boot_initrd {
	uint32_t count; /* 0: not measured, which does not mean that there was none */
	uint32_t event; /* of the last */
	struct digest digest; /* of the last; that it is the initrd's is a hint */
};

enum boot_exit { BOOT_EXIT_UNSEEN = 0, BOOT_EXIT_FAILED, BOOT_EXIT_DONE };
enum boot_machine { BOOT_MACHINE_UNKNOWN = 0, BOOT_MACHINE_VIRTUAL, BOOT_MACHINE_PHYSICAL };

struct boot_bank {
	uint16_t alg;
	bool computable;
	uint32_t extended;   /* mask of the PCRs that the log extends in this bank */
	uint32_t unmeasured; /* extending events without a digest in it */
};

struct boot_facts {
	enum eventlog_format format;
	uint16_t bank; /* the bank the facts rest on */
	uint32_t events;
	size_t tail_bytes;
	uint32_t logged; /* mask of the PCRs that have events */
	uint8_t separators; /* mask of PCR 0..7 that have their separator */
	bool complete; /* all eight; a CC log: at least one */

	enum boot_flag secure_boot; /* complete and before the separator, or it is missing */
	uint32_t secure_boot_event;
	enum boot_flag setup_mode, audit_mode, deployed_mode;
	struct boot_keys pk, kek, db, dbx, dbr, dbt;
	uint8_t ncertificates; /* of db; more than fit are counted in db.counts */
	struct boot_certificate certificates[BOOT_CERTIFICATES_MAX];
	enum boot_flag debugger;       /* ON: "UEFI Debug Mode" was measured; else MISSING */
	enum boot_flag dma_protection; /* OFF: "DMA Protection Disabled"; else MISSING */

	char firmware_version[BOOT_TEXT_MAX];
	bool firmware_version_proved;
	uint32_t option_roms;
	uint32_t nimages; /* all; the first BOOT_IMAGES_MAX are kept */
	struct boot_image images[BOOT_IMAGES_MAX];
	struct boot_cmdline cmdline; /* the last one measured */
	struct boot_initrd initrd;
	enum boot_exit exit_boot_services;
	enum boot_machine machine; /* a hint */

	uint8_t nbanks;
	struct boot_bank banks[EVENTLOG_ALGS_MAX];

	uint32_t nproved, nhints, ncontradictions;
	uint8_t nfindings;
	bool more_findings; /* there were more than fit */
	struct boot_finding findings[BOOT_FINDINGS_MAX];
};

/*
 * Gather the facts of a log as the given bank proves them; ALG_NONE takes the
 * strongest computable bank that the log's events have. Errors are those of eventlog_open() and
 * eventlog_finish(), and MISSING if the log does not have that bank; *ret is then
 * zero but for the bank.
 */
ASSAY_MUST_USE enum assay_err bootfacts_read(struct span log, bool cc, uint16_t bank,
					     struct boot_facts *ret);

#endif
