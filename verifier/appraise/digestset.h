/*
 * digestset.h: a set of files by path and digest, or of digests alone: allow-lists and
 * lists of what is known as bad, a million files of them.
 *
 * One run of bytes without pointers, made once (verifier/compiler/digestset_build.h),
 * identified by its SHA-256, mapped read-only and read in place. Opening costs nothing
 * that grows with the set; a look-up is one hash and a few steps. No content of the
 * bytes makes a look-up leave them or take more than DIGESTSET_PROBES_MAX steps; that
 * the set is what it says is checked once, when it is stored (digestset_check). Tables
 * are keyed by the hash of all records, so that nobody can choose paths or digests that
 * collide, whoever made the list.
 *
 * Layout, integers little-endian:
 *   header   "ASSAYDS1", u32 size, u32 records, u32 paths, u32 entries of order, u32 path
 *	      slots, u32 digest slots, u32 digest bytes, u32 path bytes, 16 B key (the first
 *	      of the SHA-256 over runs, firsts, order, owners, blocks, digests and paths),
 *	      u32 probes, u32 runs
 *   runs     of records that have an algorithm, ascending: u32 algorithm, u32 size of a
 *	      digest, u32 first record, u32 offset of its digest
 *   firsts   per path and one more: u32 first entry of it in `order'
 *   order    per record, by path: u32 record
 *   owners   per record: u32 path (NONE: of a set of digests)
 *   path table    21 bits path + 1, 11 bits of its hash; 0: free
 *   digest table  the same of records; of equal digests one
 *   blocks   per DIGESTSET_BLOCK paths: u32 offset of the first in path bytes
 *   digests, path bytes (sorted; in a block each path after the first is a byte of how
 *	      much it shares with the one before (at most 255); a byte, or 0xFF and a u16,
 *	      of length, and the rest)
 */
#ifndef APPRAISE_DIGESTSET_H
#define APPRAISE_DIGESTSET_H

#include "evidence/digest.h"

#define DIGESTSET_MAGIC "ASSAYDS1"
#define DIGESTSET_BYTES_MAX (128u << 20)
#define DIGESTSET_HEADER 64
#define DIGESTSET_RECORDS_MAX ((2u << 20) - 2)
#define DIGESTSET_PATH_MAX 4096
#define DIGESTSET_PATH_DIGESTS_MAX 256 /* that one path may have */
#define DIGESTSET_RUNS_MAX 16
#define DIGESTSET_PROBES_MAX 256
#define DIGESTSET_BLOCK 8 /* paths */
#define DIGESTSET_NONE UINT32_MAX

/* A file's digest: an fs-verity digest is never equal to one over the content. */
struct digestset_digest {
	uint16_t alg; /* TPM_ALG_ID */
	bool verity;
	struct span bytes;
};

#define DIGESTSET_VERITY 0x8000u

struct digestset {
	struct span image;
	uint32_t records, paths, ordered;
	uint32_t path_slots, digest_slots;
	uint32_t probes;
	uint8_t key[16];
	uint8_t nruns;
	struct digestset_run {
		uint32_t alg; /* with DIGESTSET_VERITY */
		uint32_t size;
		uint32_t first, digests;
	} run[DIGESTSET_RUNS_MAX];
	struct span firsts, order, owners, path_table, digest_table, blocks, digests, text;
};

/* BAD_MAGIC, TRUNCATED, TOO_MANY, MISMATCH for bytes that are none. O(1). An empty span
 * is a set of nothing. */
ASSAY_MUST_USE enum assay_err digestset_open(struct span image, struct digestset *ret);
/* The whole of it: as digestset_open(), and MALFORMED if any look-up of what is in it
 * would not find it, or order or numbers are not as the layout says. */
ASSAY_MUST_USE enum assay_err digestset_check(struct span image);

/* Whether the digest is in the set; *ret_path (may be NULL) a path that has it. */
bool digestset_has(const struct digestset *s, const struct digestset_digest *d,
		   uint32_t *ret_path);

enum digestset_answer {
	DIGESTSET_NO_PATH = 0, /* the path is not in the set */
	DIGESTSET_OTHER,       /* it is, with other digests */
	DIGESTSET_EQUAL,       /* it is, with this digest */
};
/* *ret_record (may be NULL), for OTHER: a record of the path; else DIGESTSET_NONE. */
enum digestset_answer digestset_find(const struct digestset *s, struct span path,
				     const struct digestset_digest *d, uint32_t *ret_record);

/* Keyed hashes by which the tables are ordered; for the builder. */
uint64_t digestset_hash(const uint8_t key[16], uint32_t alg, struct span bytes);
#define DIGESTSET_SLOT(hash, slots) ((uint32_t)(((hash) >> 32) * (slots) >> 32))
#define DIGESTSET_TAG(hash) ((uint32_t)(hash) & 0x7FFu)
#define DIGESTSET_ENTRY(hash, number) (DIGESTSET_TAG(hash) << 21 | ((number) + 1))
/*
 * A path that will be looked for soon: three steps that each bring into the processor's
 * cache what the next one and the look-up read, so that other work between them is done
 * while memory answers. The first hashes the path. Steps may be left out but the first.
 */
enum digestset_step { DIGESTSET_STEP_TABLE, DIGESTSET_STEP_NUMBER, DIGESTSET_STEP_RECORD };
struct digestset_expected {
	uint64_t hash;
	uint32_t number; /* what the path's number probably is */
};
void digestset_expect(const struct digestset *s, enum digestset_step step, struct span path,
		      struct digestset_expected *x);
/* As digestset_find(), with what digestset_expect() made of the path. */
struct digestset_query {
	struct span path;
	uint64_t hash;
	const struct digestset_digest *digest;
};
enum digestset_answer digestset_find_expected(const struct digestset *s,
					      const struct digestset_query *q,
					      uint32_t *ret_record);

/* A record's digest and path number (DIGESTSET_NONE: none); false if there is none such. */
bool digestset_record(const struct digestset *s, uint32_t record, struct digestset_digest *ret,
		      uint32_t *ret_path);
/* Records of a path: entry `at` of *ret_n in `order`; for going through a set by path. */
bool digestset_path_records(const struct digestset *s, uint32_t path, uint32_t *ret_first,
			    uint32_t *ret_n);
uint32_t digestset_ordered(const struct digestset *s, uint32_t at);
/* The path's bytes into buf of DIGESTSET_PATH_MAX; empty if there is none such. Raw, of
 * whoever made the list: escape before showing. */
struct span digestset_path(const struct digestset *s, uint32_t path, uint8_t *buf);

#endif
