/*
 * imalog.h: Linux IMA measurement lists, as bytes: layout, template hashes, replay.
 *
 * Binary lists (little-endian, as hosts of that order and ima_canonical_fmt write
 * them, or big-endian) and ascii lists, both through one iterator that gives the same
 * entries. Templates are the kernel's by name (security/integrity/ima/ima_template.c)
 * and field lists like `d-ng|n-ng|sig`; what is unknown is refused by name. What
 * entries *mean* (is this file allowed, is this signature good) is not decided here.
 *
 * A list is hostile text until its replay equals a signed PCR 10, and an entry whose
 * template hash is not of its template data (a contradiction) stays so after that.
 * Nothing is allocated: an ascii entry is rebuilt in scratch memory of the caller.
 */
#ifndef EVIDENCE_IMALOG_H
#define EVIDENCE_IMALOG_H

#include "pcr.h"

#define IMALOG_MAX (64u << 20)	       /* bytes of a list */
#define IMALOG_ENTRIES_MAX (1u << 20)
#define IMALOG_DATA_MAX (1u << 20)     /* bytes of one entry's template data */
/* bytes of one entry: PCR, template hash, name and data with their lengths */
#define IMALOG_ENTRY_MAX (4 + DIGEST_MAX + 4 + IMALOG_TEMPLATE_NAME_MAX + 4 + IMALOG_DATA_MAX)
#define IMALOG_PATH_MAX 4096	       /* PATH_MAX; template ima: IMALOG_OLD_PATH_MAX */
#define IMALOG_OLD_PATH_MAX 255	       /* IMA_EVENT_NAME_LEN_MAX */
#define IMALOG_TEMPLATE_NAME_MAX 255   /* MAX_TEMPLATE_NAME_LEN */
#define IMALOG_TEMPLATE_FIELDS_MAX 15  /* TEMPLATE_NUM_FIELDS_MAX */
#define IMALOG_ASCII_LINES_MAX 8       /* lines that one name with newlines may span */
#define IMALOG_ASCII_SEARCHES_MAX 1024 /* vain ones in a list; then lines are entries */
#define IMALOG_SCRATCH (IMALOG_DATA_MAX + DIGEST_MAX)
#define IMALOG_PCR 10		       /* CONFIG_IMA_MEASURE_PCR_IDX */

/* X(code, identifier in field lists, form); ima_template.c, supported_fields */
#define IMALOG_FIELDS(X)                     \
	X(D, "d", DIGEST)                    \
	X(N, "n", STRING)                    \
	X(D_NG, "d-ng", ALG_DIGEST)          \
	X(N_NG, "n-ng", STRING)              \
	X(D_NGV2, "d-ngv2", TYPE_ALG_DIGEST) \
	X(SIG, "sig", BYTES)                 \
	X(BUF, "buf", BYTES)                 \
	X(D_MODSIG, "d-modsig", ALG_DIGEST)  \
	X(MODSIG, "modsig", BYTES)           \
	X(EVMSIG, "evmsig", BYTES)           \
	X(XATTRNAMES, "xattrnames", STRING)  \
	X(XATTRLENGTHS, "xattrlengths", BYTES) \
	X(XATTRVALUES, "xattrvalues", BYTES) \
	X(IUID, "iuid", UINT32)              \
	X(IGID, "igid", UINT32)              \
	X(IMODE, "imode", UINT16)

enum imalog_field {
#define X(code, id, form) IMALOG_##code,
	IMALOG_FIELDS(X)
#undef X
	IMALOG_FIELD_COUNT
};

struct imalog_template {
	bool old; /* "ima": fields without lengths, name padded when hashed */
	bool plain; /* the file's digest comes first, its name second */
	bool appended; /* and then the fields of ima-modsig, no others */
	uint8_t count;
	uint8_t field[IMALOG_TEMPLATE_FIELDS_MAX]; /* enum imalog_field, each once */
};

/* A file's digest by the name that the kernel gives its algorithm. */
struct imalog_digest {
	const char *name;   /* static: "sha256", "rmd160"; NULL: no digest */
	uint16_t alg;	    /* ALG_NONE: cannot be computed here, only compared */
	bool verity;	    /* of fs-verity's descriptor, not of the file (ima-ngv2) */
	struct span bytes;  /* as long as the algorithm says */
};

/* Spans point into the list, or for ascii lists into the scratch memory, and are good
 * until the next entry is read. */
struct imalog_entry {
	uint32_t index;
	size_t offset; /* of the entry in the list */
	uint32_t line; /* ascii: counted from 1; binary: 0 */
	uint32_t pcr;  /* below PCR_COUNT; only those of one PCR replay to it */
	uint16_t template_alg;
	bool old;	    /* template "ima" */
	/* The template's name is not hashed: only where the file's digest comes first and
	 * its name second, as in all the kernel's own, are ->file and ->path what was
	 * measured, whatever the entry is called. What other fields are is its word. */
	bool plain;
	/* The same of ->modsig_file and field modsig: elsewhere than in ima-modsig they may
	 * be attributes of the file, which are whatever somebody wrote into them. */
	bool appended;
	bool violation;	    /* zero digest in the list: 0xFF was extended (M1) */
	struct span template_name;
	struct span template_digest;
	struct span data;   /* template data with lengths; empty if old */
	struct imalog_digest file; /* the first of them, as ->path */
	struct imalog_digest modsig_file; /* digest without the appended signature */
	struct span path;   /* or event name; no NUL in it; hostile text (M8) */
	uint32_t has;	    /* bit per enum imalog_field: in the template */
	struct span field[IMALOG_FIELD_COUNT]; /* raw; only those of ->has are set */
};

enum imalog_format { IMALOG_BINARY = 1, IMALOG_ASCII };

struct imalog {
	struct reader in;
	enum imalog_format format;
	bool big;	       /* byte order of the host that wrote it */
	bool order_known;      /* ascii: an entry's hash has shown the order */
	uint16_t template_alg; /* SHA-1, or the bank whose list this is */
	uint8_t *scratch;
	size_t scratch_cap;
	struct span name; /* of the template seen last */
	struct imalog_template tmpl;
	uint32_t count;	     /* entries read */
	uint32_t line;	     /* ascii: lines read */
	uint32_t searches;   /* ascii: entries whose end was searched in vain */
	size_t offset;	     /* of the entry read last, or of the one that is wrong */
	struct span refused; /* the template, field or algorithm that is not known */
	bool ended;
	enum assay_err err;
};

/*
 * Format, byte order and size of template hashes from the first entry. scratch has cap
 * bytes, IMALOG_SCRATCH for any list; a binary list needs none. MISSING for an empty
 * list, TOO_LARGE, BAD_MAGIC for what starts like no list.
 */
ASSAY_MUST_USE enum assay_err imalog_open(struct span list, uint8_t *scratch, size_t cap,
					  struct imalog *ret);
/*
 * Entries of a binary list that goes on, of which template_alg and byte order are known;
 * may be empty. TOO_LARGE; UNSUPPORTED for an algorithm that no list has.
 */
ASSAY_MUST_USE enum assay_err imalog_resume(struct span entries, uint16_t template_alg, bool big,
					    struct imalog *ret);
/*
 * Bytes of the digest in an entry of template ima that r stands at: 20, or 16 of a kernel
 * with ima_hash=md5. Nothing before it says; after it stands the length of the name, which
 * in the other place is none that a name can have.
 */
size_t imalog_old_digest(const struct reader *r, bool big);
/* Where the next entry starts: the end of the last one read. */
size_t imalog_position(const struct imalog *l);
/* The next entry; false at the end and after an error, imalog_finish() tells which. */
bool imalog_next(struct imalog *l, struct imalog_entry *ret);
/*
 * OK if the list ended after an entry. TRUNCATED, TOO_LARGE, TOO_MANY, MALFORMED,
 * TRAILING (bytes in an entry after its fields); UNSUPPORTED, with ->refused, for a
 * template, field or algorithm that is not known; ->offset and, of ascii lists, ->line
 * (from 0) say where. STATE before imalog_next() returned false.
 */
ASSAY_MUST_USE enum assay_err imalog_finish(const struct imalog *l);

/*
 * Of ascii lists: a name may hold newlines, and the kernel prints them raw. An entry
 * therefore ends at the first newline, of IMALOG_ASCII_LINES_MAX, where its template
 * hash is of its data; a violation, which has no hash, where the next line starts like
 * an entry. If there is none, it ends at the first and contradicts; after
 * IMALOG_ASCII_SEARCHES_MAX of these there is no search, so that a list of nothing else
 * costs no more than its length. Spaces in names are the kernel's underscores in both
 * formats. Prefer binary lists.
 */

/* The template, by name or field list. UNSUPPORTED (*ret_refused: what is not known),
 * DUPLICATE, TOO_MANY fields. */
ASSAY_MUST_USE enum assay_err imalog_template(struct span name, struct imalog_template *ret,
					      struct span *ret_refused);
/* Template hash of the entry's data; UNSUPPORTED if alg cannot be computed. */
ASSAY_MUST_USE enum assay_err imalog_template_hash(const struct imalog_entry *e, uint16_t alg,
						   struct digest *ret);

/* ---- signatures ---------------------------------------------------------- */

#define IMALOG_SIGNATURE_FILE 3	 /* EVM_IMA_XATTR_DIGSIG */
#define IMALOG_SIGNATURE_EVM 5	 /* EVM_XATTR_PORTABLE_DIGSIG: over attributes, not a file */
#define IMALOG_SIGNATURE_VERITY 6 /* IMA_VERITY_DIGSIG */

/* What security.ima holds, as in field sig (security/integrity/integrity.h). */
struct imalog_signature {
	uint8_t type;	  /* 3: over the file's digest, 6: over fs-verity's */
	uint8_t version;  /* 2 or 3 */
	uint8_t hash_id;  /* enum hash_algo of the kernel */
	const char *hash; /* static: its name */
	uint32_t key_id;
	struct span bytes;
};
/* TRUNCATED or TRAILING if its own length is not that of the rest, BAD_TYPE,
 * UNSUPPORTED version (2 of type 6, too) or algorithm. Nothing is verified. */
ASSAY_MUST_USE enum assay_err imalog_signature(struct span field, struct imalog_signature *ret);
/* What is no signature of the file: its attributes' (kernels from 5.14 on put security.evm
 * into field sig where security.ima holds no signature). */
bool imalog_signature_of_evm(struct span field);

/* ---- replay ---------------------------------------------------------------- */

/* How a kernel extends a bank other than that of the list's template hashes. */
enum imalog_method {
	IMALOG_HASHED = 1, /* 5.8 and later: template data hashed by the bank's algorithm */
	IMALOG_PADDED,	   /* SHA-1 hash, zero-padded; violations all 0xFF (5.8 and later
			      without that algorithm). As strong as SHA-1 (M13) */
	IMALOG_PADDED_OLD, /* before 5.8: violations are 20 bytes 0xFF, zero-padded, too */
};
#define IMALOG_VALUES_MAX 16 /* SHA-1, and five banks in three ways */

struct imalog_value {
	uint16_t alg;
	enum imalog_method method;
	struct digest pcr;
};

struct imalog_replay {
	uint32_t pcr;
	uint8_t count;
	struct imalog_value value[IMALOG_VALUES_MAX];
	uint32_t entries;	 /* all that were given */
	uint32_t extends;	 /* of those, into ->pcr */
	uint32_t violations;	 /* of all */
	uint32_t contradictions; /* of all: template hash not of the data */
	uint32_t first_contradiction; /* its index, if there is one */
};

/* Nothing extended yet: every value is zeros. */
void imalog_replay_init(struct imalog_replay *r, uint32_t pcr);
/* One more running value. UNSUPPORTED algorithm, or SHA-1 padded; DUPLICATE, TOO_MANY. */
ASSAY_MUST_USE enum assay_err imalog_replay_add(struct imalog_replay *r, uint16_t alg,
						enum imalog_method method);
/*
 * Extend by one entry. In the bank of its template hash the listed hash is extended, in
 * the others what the method makes of the data; *ret_contradicts: the listed hash is
 * not of the data, so that a value of listed hashes proves nothing the entry says.
 */
ASSAY_MUST_USE enum assay_err imalog_replay_extend(struct imalog_replay *r,
						   const struct imalog_entry *e,
						   bool *ret_contradicts);
/* The value that equals a PCR's, or NULL. Never one into which nothing was extended:
 * a PCR at its reset value proves no list. */
const struct imalog_value *imalog_replay_match(const struct imalog_replay *r,
					       const struct digest *pcr);

struct imalog_prefix {
	uint32_t entries; /* how many entries lead to the value */
	enum imalog_method method;
	uint32_t violations, contradictions; /* among them */
};
/*
 * The prefix of a list that reproduces a PCR's value, by any method; what follows it is
 * not proved and not even parsed. MISMATCH if there is none; TAMPERED, with *ret set, if
 * the value is of the listed hashes and entries of the prefix contradict theirs (where
 * the data were hashed anew, the data are proved and the listed hashes are not);
 * UNSUPPORTED if the bank cannot be computed; else what imalog_open() and
 * imalog_finish() say.
 */
ASSAY_MUST_USE enum assay_err imalog_find_prefix(struct imalog *l, const struct digest *pcr,
						 uint32_t pcr_index,
						 struct imalog_prefix *ret);

/* ---- boot_aggregate -------------------------------------------------------- */

#define IMALOG_BOOT_AGGREGATE "boot_aggregate"
/* of kernels that initialise IMA when the TPM is there (CONFIG_IMA_INIT_LATE_SYNC) */
#define IMALOG_BOOT_AGGREGATE_LATE "boot_aggregate_late"

/* Hash by a bank's algorithm of its PCRs 0 to npcrs - 1 (8 or 10). MISSING values. */
ASSAY_MUST_USE enum assay_err imalog_boot_aggregate(const struct pcr_values *pcrs,
						    uint16_t bank, unsigned npcrs,
						    struct digest *ret);
/*
 * Whether a logged boot_aggregate is of these PCR values: PCR 0 to 7 in the SHA-1 bank,
 * 0 to 9 or (kernels before 5.8) 0 to 7 in others. *ret_npcrs is 8 or 10. MISMATCH,
 * MISSING, UNSUPPORTED. (M2)
 */
ASSAY_MUST_USE enum assay_err imalog_boot_aggregate_check(const struct pcr_values *pcrs,
							  const struct imalog_digest *logged,
							  unsigned *ret_npcrs);
bool imalog_is_boot_aggregate(const struct imalog_entry *e);

#endif
