/*
 * imaworld.h: a world (world.h) whose device has an IMA list, and whose keeper stores it:
 * what tests of IMA appraisal share.
 */
#ifndef TESTS_SUPPORT_IMAWORLD_H
#define TESTS_SUPPORT_IMAWORLD_H

#include "world.h"
#include "evidence/imalog.h"
#include "verifier/appraise/ima.h"

#define IMAWORLD_SETS 8

struct imaworld {
	struct world w;
	/* the device's kernel */
	uint8_t *list;
	size_t len, cap;
	size_t *at; /* where entries start */
	uint32_t count, room;
	uint16_t alg; /* of template hashes */
	bool big;
	enum imalog_method method; /* how other banks are extended */
	/* also told each digest that is extended; NULL: nobody */
	void (*also)(struct imaworld *i, const struct digest *d);
	/* what its agent does with it */
	bool withhold;	/* delivers nothing */
	int64_t shift;	/* starts so many entries later than asked, and says it does not */
	uint32_t first; /* has only entries from here on: the list was trimmed */
	uint32_t hide;	/* the last ones are kept back */
	struct span instead; /* delivered whatever is asked, if not empty */
	/* keeper */
	uint8_t *stored, *joined;
	size_t stored_len;
	uint64_t stored_count;
	bool forget; /* what was stored is lost */
	bool offered; /* what is stored was tried in this round */
	uint8_t *set[IMAWORLD_SETS];
	unsigned nsets;
	/* the last round */
	unsigned asked;	     /* how often the device had to send entries */
	uint64_t asked_from; /* and from where, the last time */
	size_t sent;	     /* bytes of entries */
};

/* Sections `ask` for PCR 10 too and `ima`, of which this is the inside; NULL: need: path. */
void imaworld_init(struct imaworld *i, const char *ima, const char *banks);
void imaworld_free(struct imaworld *i);
void imaworld_policy(struct imaworld *i, const char *ima, const char *banks);
/* A reset: PCRs and list begin anew, with boot_aggregate if aggregate. */
void imaworld_boot(struct imaworld *i, bool aggregate);
/* The kernel measures: list and PCR 10 go on. */
void imaworld_entry(struct imaworld *i, const char *name, struct span data, bool violation);
/* Template ima: its name is padded when hashed. */
void imaworld_old(struct imaworld *i, const char *path, uint8_t fill);
/* Fields with their lengths in the list's byte order; static. */
struct span imaworld_fields(const struct imaworld *i, const struct span *f, size_t n);
/* Only the PCR, or only the list. */
void imaworld_extend_only(struct imaworld *i, const char *name, struct span data);
void imaworld_list_only(struct imaworld *i, const char *name, struct span data, bool violation);
void imaworld_aggregate(struct imaworld *i);
/* ima-ng, of a SHA-256 digest. */
void imaworld_digest(struct imaworld *i, const char *name, const struct digest *d);
/* ima-ng, sha256 of so many bytes of fill. */
void imaworld_file(struct imaworld *i, const char *path, uint8_t fill);
void imaworld_violation(struct imaworld *i, const char *path);
void imaworld_buffer(struct imaworld *i, const char *name, struct span buf);

/* A set of files "path", fill (path "": the digest alone); promoted. */
struct imaworld_file {
	const char *path;
	uint8_t fill;
};
void imaworld_set(struct imaworld *i, enum reference_kind kind, const char *name,
		  const struct imaworld_file *files, size_t n);
/* A round as keeper makes it, with what it stores. */
const struct verdict *imaworld_round(struct imaworld *i);
/* The same without storing anything. */
const struct verdict *imaworld_judge(struct imaworld *i);

#endif
