/*
 * given.h: what a policy says to facts that are given, without evidence.
 *
 * For a policy's own tests. The rules, the software section, the identity and the
 * outcome are judged by the very functions that judge devices; what needs evidence
 * (signatures, logs, PCRs) is taken as said: that a reference matches, or does not.
 */
#ifndef APPRAISE_GIVEN_H
#define APPRAISE_GIVEN_H

#include "factset.h"
#include "policy.h"
#include "factset.h"

#define GIVEN_FACTS_MAX 128
#define GIVEN_ITEMS_MAX 64

/* What comes of comparing PCRs with references. */
enum given_boot {
	GIVEN_MATCHES = 0,
	GIVEN_LEARNED, /* a set matches that nobody promoted */
	GIVEN_EXPIRED,
	GIVEN_DIFFERS,
	GIVEN_NONE, /* there is no set */
	GIVEN_BASELINE, /* it matches; what is the device's own changed */
	GIVEN_BOOT_COUNT
};
const char *given_boot_name(enum given_boot b); /* "matches", "learned" ... */

/* What is the matter with an item of software. */
enum given_software {
	GIVEN_APPROVED = 0,
	GIVEN_CHANGED,	/* another digest than the reference's */
	GIVEN_MISSING,
	GIVEN_UNREADABLE,
	GIVEN_SYMLINK,
	GIVEN_CHANGING, /* while it was read */
	GIVEN_UNKNOWN,	/* no reference has it */
	GIVEN_SOFTWARE_COUNT
};
const char *given_software_name(enum given_software s); /* "approved", "changed" ... */

struct given_item {
	struct span name, kind, version; /* kind empty: file */
	struct span highest;		 /* version seen before; empty: none */
	enum given_software state;
};

struct given {
	struct span policy; /* compiled */
	struct device_view device;
	int64_t now;
	bool bound;	    /* to the channel */
	bool offline;	    /* evidence from a file, never bound ... */
	uint64_t age;	    /* ... and so many seconds old */
	enum given_boot boot;
	size_t nfacts;
	struct fact_value facts[GIVEN_FACTS_MAX];
	size_t nitems; /* of policies' items those that are not here are approved */
	struct given_item items[GIVEN_ITEMS_MAX];
};

/* A device of the policy's own class and labels, with a trusted TPM of its own. */
void given_clear(struct given *g, const struct policy_info *p);
void appraise_given(const struct given *g, struct arena *scratch, struct verdict *ret);

#endif
