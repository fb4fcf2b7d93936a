/*
 * softset.h: reference values of software: items by name, version and digest, and facts.
 *
 * Compiled as reference.h's sets are: a flat, content-addressed byte string that is read
 * in place. Items stand by name, ascending; several of one name are alternatives. An item
 * may bring the manifest behind its digest, so that a difference can be explained file
 * by file; it proves itself against the digest. Facts are what a device was known by when
 * the set was captured: they answer "unchanged since baseline", not "is it approved".
 */
#ifndef APPRAISE_SOFTSET_H
#define APPRAISE_SOFTSET_H

#include "evidence/envelope.h"
#include "evidence/software.h"
#include "verdict.h"

#define SOFTSET_BYTES_MAX (4u << 20)
#define SOFTSET_ITEMS_MAX MSG_SOFTWARE_MAX
#define SOFTSET_FACTS_MAX 1024
#define SOFTSET_FACT_NAME_MAX 200
#define SOFTSET_FACT_VALUE_MAX 1024
#define SOFTSET_SOURCE_MAX 64

struct softset_item {
	struct span name, kind;	  /* kind empty: any */
	struct span version;	  /* empty: any */
	bool at_least;		  /* or a later one, in Debian's order: security versions */
	uint16_t alg;		  /* ALG_NONE: any digest, then there is a version */
	struct span digest;
	struct span source;	  /* where it comes from, for people; may be empty */
	struct span manifest;	  /* empty: none */
};

struct softset_fact {
	struct span name, value;
};

struct softset {
	uint32_t nitems, nfacts;
	struct reader r;
};

/* Check the whole of a compiled set. */
ASSAY_MUST_USE enum assay_err softset_check(struct span compiled);
/* Open a set that softset_check() has once accepted: what is read is checked as it is
 * read. First all items, then all facts; false at the end, or with an error in r.err. */
ASSAY_MUST_USE enum assay_err softset_open(struct span compiled, struct softset *ret);
bool softset_next_item(struct softset *s, struct softset_item *ret);
bool softset_next_fact(struct softset *s, struct softset_fact *ret);

/* The other way: head, items, facts. What could not be read back fails the writer. */
struct softset_counts {
	uint32_t nitems, nfacts;
};
void softset_write_head(struct writer *w, struct softset_counts n);
void softset_write_item(struct writer *w, const struct softset_item *i);
void softset_write_fact(struct writer *w, const struct softset_fact *f);

/*
 * Make a set of a device's last claims: what `reference capture --software` stores.
 * verdict: of the same round, for its facts (all for a device's own baseline, else only
 * lists). files: manifests that were delivered; old: compiled sets whose manifests may be
 * taken over. An item that was not measured, or changed meanwhile, makes no reference:
 * MISMATCH. MISSING: the claims name no software.
 */
struct softset_source {
	struct span claims;
	const struct verdict *verdict;
	bool baseline;
	size_t nfiles;
	const struct span *files; /* manifests */
	size_t nold;
	const struct span *old;
};
ASSAY_MUST_USE enum assay_err softset_capture(const struct softset_source *from,
					      struct arena *scratch, struct writer *out);

#endif
