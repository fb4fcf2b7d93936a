/*
 * bootdiff.h: how a boot differs from a reference boot, in words.
 *
 * Event by event and per PCR, in order, by the digests of one bank: neither types
 * nor descriptions decide whether events are equal (L4, L19). What differs is named
 * by its component, causes before consequences: a changed command line is named
 * before the unified kernel image that holds it. Nothing is judged; values that
 * differ between good devices are marked (L17).
 *
 * Where the reference is stored is the caller's business.
 */
#ifndef APPRAISE_BOOTDIFF_H
#define APPRAISE_BOOTDIFF_H

#include "bootfacts.h"

#define BOOTDIFF_EVENTS_MAX 1024 /* events to compare, of either side; honest logs: 250 */
#define BOOTDIFF_MAX 48		 /* differences kept */
#define BOOTDIFF_TEXT_MAX 320
#define BOOTDIFF_HEADLINE_MAX 512

/* One event of the reference boot, in log order. */
struct boot_ref_event {
	uint32_t pcr, type;
	struct digest digest;	 /* in the bank that is compared */
	struct span description; /* bootevent_text(), maybe cut; not compared */
};

enum bootdiff_kind {
	BOOTDIFF_CHANGED = 0,
	BOOTDIFF_ADDED,
	BOOTDIFF_REMOVED,
	BOOTDIFF_RETYPED, /* the same digest under another event type (L4) */
	BOOTDIFF_MOVED,	  /* each PCR as it was, but the order between PCRs is another */
	BOOTDIFF_NKINDS
};
const char *bootdiff_kind_name(enum bootdiff_kind k);

struct bootdiff_entry {
	enum bootdiff_kind kind;
	enum boot_component component;
	bool per_device;
	uint32_t pcr;
	uint32_t event;	    /* in the log, or BOOT_NO_EVENT */
	uint32_t reference; /* index in the list, or BOOT_NO_EVENT */
	struct digest seen, expected; /* alg ALG_NONE: there is none */
	char seen_text[BOOT_TEXT_MAX], expected_text[BOOT_TEXT_MAX];
	char text[BOOTDIFF_TEXT_MAX]; /* "kernel command line gained `lab.evil=1`" */
};

struct bootdiff {
	uint16_t bank; /* that was compared */
	bool equal;
	bool per_device_only; /* all differences are per-device values */
	bool more;	      /* there were more differences than are kept */
	char headline[BOOTDIFF_HEADLINE_MAX]; /* the whole in one line; "" if equal */
	uint8_t n;
	struct bootdiff_entry entries[BOOTDIFF_MAX]; /* causes first */
};

struct bootdiff_input {
	struct span log;
	bool cc;
	uint16_t bank;
	uint32_t pcr_mask; /* which PCRs to compare */
	size_t nreference;
	const struct boot_ref_event *reference;
};

/* Room to work in; the caller's, need not be initialised. */
struct bootdiff_work {
	uint32_t n;
	struct bootevent events[BOOTDIFF_EVENTS_MAX];
	uint16_t log[BOOTDIFF_EVENTS_MAX], reference[BOOTDIFF_EVENTS_MAX];
};

/* Errors as eventlog_open() and eventlog_finish(); TOO_MANY over BOOTDIFF_EVENTS_MAX;
 * MISSING if the log does not have the bank. */
ASSAY_MUST_USE enum assay_err bootdiff_compare(const struct bootdiff_input *in,
					       struct bootdiff_work *work,
					       struct bootdiff *ret);
/* The events of a log as a reference list, one by one; the description is good during
 * the call. in->reference is not used. Errors as above. */
ASSAY_MUST_USE enum assay_err
bootdiff_capture(const struct bootdiff_input *in,
		 void (*emit)(const struct boot_ref_event *ev, void *arg), void *arg);

#endif
