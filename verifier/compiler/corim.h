/*
 * corim.h: signed reference values of vendors: the subset of CoRIM
 * (draft-ietf-rats-corim) that Assay imports, and COSE_Sign1 (RFC 9052) around it.
 * docs/corim.md says what is used, what is only reported, and why.
 *
 * Three steps, none of which says anything about the others: corim_read() reads,
 * corim_verify() checks the signature and who made it, corim_judge() whether what was
 * read may be used at a given time. What is not understood is reported in ->note and
 * makes its record unusable; it never counts as a match.
 *
 * Memory: struct corim is large (corim_size()); the caller allocates it. Spans point into
 * the file. Texts are escaped.
 */
#ifndef COMPILER_CORIM_H
#define COMPILER_CORIM_H

#include "evidence/pcr.h"
#include "evidence/writer.h"

#define CORIM_BYTES_MAX (512u << 10)
#define CORIM_TEXT_MAX 128
#define CORIM_TAGS_MAX 64
#define CORIM_RECORDS_MAX 256	/* reference triples */
#define CORIM_MEASURES_MAX 2048 /* of all records */
#define CORIM_NOTES_MAX 64
#define CORIM_NOTE_MAX 160
#define CORIM_REPLACES_MAX 64
#define CORIM_DIGESTS_MAX 4
#define CORIM_CHAIN_MAX 8
#define CORIM_ANCHORS_MAX 64

/* What became of a CoRIM; the words are API. */
#define CORIM_REASONS(X)                                                                       \
	X(UNDECIDED, "undecided", "it was not judged")                                            \
	X(OK, "ok", "it may be used")                                                             \
	X(UNSIGNED, "unsigned", "it is not signed")                                               \
	X(UNCHECKED, "signature.unchecked", "no key or root was given to check it with")       \
	X(ALGORITHM, "signature.algorithm", "it is signed with an algorithm that is not accepted") \
	X(SIGNATURE, "signature.wrong", "the signature does not verify")                       \
	X(UNTRUSTED, "signer.untrusted", "no given root leads to the signer's certificate")    \
	X(SIGNER_EXPIRED, "signer.expired", "a certificate of the signer is out of its time")  \
	X(HEADER, "signature.header", "the signature's header is not as specified")            \
	X(PROFILE, "profile.unknown", "its profile is not known")                       \
	X(EXTENSION, "extension.unknown", "a member of it is not known")                    \
	X(EXPIRED, "validity.expired", "it is past its time")                                     \
	X(NOT_YET, "validity.not-yet", "it is before its time")                                   \
	X(NOTHING, "nothing-usable", "it holds no reference values that can be compared")

enum corim_reason {
#define X(code, word, text) CORIM_##code,
	CORIM_REASONS(X)
#undef X
	CORIM_REASON_COUNT
};
const char *corim_reason_word(enum corim_reason r);
const char *corim_reason_text(enum corim_reason r);

enum corim_version_scheme {
	CORIM_SCHEME_NONE = 0,
	CORIM_SCHEME_OTHER,  /* compared for equality only */
	CORIM_SCHEME_SEMVER, /* 16384 */
};

/* One measurement-map whose key is a name: a component's digests and versions. */
struct corim_measure {
	char name[CORIM_TEXT_MAX]; /* of the component */
	uint8_t ndigests;	   /* alternatives by algorithm */
	struct digest digests[CORIM_DIGESTS_MAX];
	char version[CORIM_TEXT_MAX]; /* "": none */
	enum corim_version_scheme scheme;
	bool has_svn, svn_is_minimum;
	uint64_t svn;
};

/* One reference triple: values that must hold together for one environment. */
struct corim_record {
	char tag[CORIM_TEXT_MAX];	/* tag-id of its CoMID */
	char vendor[CORIM_TEXT_MAX], model[CORIM_TEXT_MAX]; /* "": not named */
	char class_id[CORIM_TEXT_MAX];	/* "uuid:...", "oid:...", "bytes:HEX"; "" */
	bool usable;
	char why_not[CORIM_NOTE_MAX];
	struct pcr_values pcrs; /* integrity-registers */
	uint32_t first, count;	/* of ->measure */
};

/* The COSE_Sign1 around it, as it was found. */
struct corim_signature {
	bool present;
	int64_t alg; /* COSE algorithm */
	struct span protected, payload, bytes, kid;
	uint8_t nchain;
	struct span chain[CORIM_CHAIN_MAX]; /* x5chain, the signer's first; DER */
	char name[CORIM_TEXT_MAX];	    /* what the header says of the signer */
	bool has_meta, has_claims, header_bad;
	char header_why[CORIM_NOTE_MAX];
	int64_t not_before, not_after; /* of the header; 0: none */
};

struct corim {
	bool bare; /* a CoMID alone, not in a CoRIM */
	char id[CORIM_TEXT_MAX], profile[CORIM_TEXT_MAX]; /* profile "": none */
	bool unknown_member;
	int64_t not_before, not_after; /* of the corim-map; 0: none */
	struct corim_signature sign;
	uint16_t ntags;
	char tag[CORIM_TAGS_MAX][CORIM_TEXT_MAX];
	uint16_t nreplaces;
	char replaces[CORIM_REPLACES_MAX][CORIM_TEXT_MAX]; /* tag-ids that it puts right */
	uint32_t nrecords, nmeasures;
	uint16_t nnotes;
	bool notes_cut;
	char note[CORIM_NOTES_MAX][CORIM_NOTE_MAX]; /* what was read and is not used */
	char why[CORIM_NOTE_MAX];		    /* where an error was met */
	struct corim_record record[CORIM_RECORDS_MAX];
	struct corim_measure measure[CORIM_MEASURES_MAX];
};

/*
 * A signed CoRIM (tag 18, with or without the legacy tags 500 and 502), an unsigned one
 * (tag 501), or a bare CoMID. MALFORMED and cbor_check()'s errors: ->why says where;
 * BAD_MAGIC: none of these; TOO_LARGE, TOO_MANY. *ret is cleared first.
 */
ASSAY_MUST_USE enum assay_err corim_read(struct span file, struct corim *ret);

/* Whom to believe: roots' certificates and keys' SubjectPublicKeyInfo, DER. */
struct corim_anchors {
	size_t nroots, nkeys;
	struct span roots[CORIM_ANCHORS_MAX], keys[CORIM_ANCHORS_MAX];
};

/* Signature, and path from x5chain to a root, or one of the keys. OK, or why not; signer:
 * SHA-256 of the signing key's SubjectPublicKeyInfo, only if OK. */
enum corim_reason corim_verify(const struct corim *c, const struct corim_anchors *a, int64_t at,
			       uint8_t ret_signer[32]);
/* Profile, members, validity at this time, and whether anything is usable. */
enum corim_reason corim_judge(const struct corim *c, int64_t at);
/* The earliest end of validity; 0: none. */
int64_t corim_not_after(const struct corim *c);

/* ---- the readers' parts ---- */

struct cbor_reader;
void corim_note(struct corim *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* corim_comid.c: one CoMID. */
ASSAY_MUST_USE enum assay_err corim_read_comid(struct span in, struct corim *ret);
/* corim_sign.c: the header of a COSE_Sign1 whose four members are in r. */
ASSAY_MUST_USE enum assay_err corim_read_sign1(struct cbor_reader *r, struct corim *ret);
/* Text, bytes, UUID, OID or number as text: "uuid:...", "oid:...", "bytes:...". Moves on. */
void corim_id_text(struct cbor_reader *r, char ret[CORIM_TEXT_MAX]);
/* A text as text, escaped. */
void corim_text(struct cbor_reader *r, char ret[CORIM_TEXT_MAX]);
/* {0 not-before, 1 not-after}, tag 1 epochs. */
void corim_validity(struct cbor_reader *r, int64_t *ret_not_before, int64_t *ret_not_after);

#endif
