/*
 * bootwatch.h: the order of a boot log's events: separators, what may stand before
 * and after them, and what must not be there twice (L6, L7, L14, L15).
 *
 * Internal to bootfacts.c: it is fed every event and adds findings to the facts.
 */
#ifndef APPRAISE_BOOTWATCH_H
#define APPRAISE_BOOTWATCH_H

#include "bootfacts.h"

struct bootwatch {
	struct digest separators[2]; /* the digests of both regular values */
	bool second[PCR_COUNT];	   /* second separator told already */
	uint32_t separator[PCR_COUNT]; /* events */
	bool has_separator[PCR_COUNT];
	bool told_early[PCR_COUNT];
	bool exited;
	uint32_t seen_variables; /* bits of enum efivar_id */
};

/* Adds a finding, if there is room. text may be NULL. */
void boot_add_finding(struct boot_facts *f, enum boot_finding_code code,
		      const struct bootevent *ev, const char *expected);
void bootwatch_begin(struct bootwatch *w, uint16_t bank);
void bootwatch_event(struct bootwatch *w, struct boot_facts *f, const struct bootevent *ev);
void bootwatch_end(struct bootwatch *w, struct boot_facts *f);

#endif
