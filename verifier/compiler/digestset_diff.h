/*
 * digestset_diff.h: what differs between two sets of files, in words.
 *
 * One pass over both in the order of paths; memory does not grow with the sets. Who
 * shows the words, and how many of them, is the caller's business.
 */
#ifndef COMPILER_DIGESTSET_DIFF_H
#define COMPILER_DIGESTSET_DIFF_H

#include "verifier/appraise/digestset.h"

enum digestset_change {
	DIGESTSET_ADDED = 0, /* a path that only the new set has */
	DIGESTSET_REMOVED,   /* one that only the old set has */
	DIGESTSET_CHANGED,   /* other digests, and none in common */
	DIGESTSET_WIDENED,   /* more digests beside those of the old set */
	DIGESTSET_NARROWED,  /* fewer of them */
	DIGESTSET_MOVED,     /* added, but the old set has its digest at another path */
	DIGESTSET_CHANGE_COUNT
};
const char *digestset_change_word(enum digestset_change c); /* "added" ... */

struct digestset_difference {
	enum digestset_change change;
	struct span path;  /* raw: escape before showing; good during the call */
	const char *words; /* "/usr/bin/sudo: changed, sha256:01.. is now sha256:02.." escaped */
};

struct digestset_counts {
	uint32_t n[DIGESTSET_CHANGE_COUNT];
	uint32_t same; /* paths with the same digests */
	uint32_t digests_added, digests_removed; /* of those without a path */
};

/* Calls tell (may be NULL) for every path that differs, in order; it returns false to
 * hear no more. The counts are of all. */
void digestset_diff(const struct digestset *old, const struct digestset *new,
		    struct digestset_counts *ret,
		    bool (*tell)(void *arg, const struct digestset_difference *d), void *arg);
/* "12 added, 1 removed, 3 changed; 40,112 as before": for people. */
void digestset_counts_text(const struct digestset_counts *c, char *ret, size_t cap);

#endif
