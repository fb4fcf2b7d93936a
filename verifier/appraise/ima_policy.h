/*
 * ima_policy.h: the `ima:` section of a policy: which files are judged by what, which
 * keys sign them, and what each kind of finding leads to.
 *
 * Part of a compiled policy (policy.h), as a byte string with a length of its own;
 * empty: the policy does not judge IMA lists. Spans point into the policy.
 */
#ifndef APPRAISE_IMA_POLICY_H
#define APPRAISE_IMA_POLICY_H

#include "evidence/writer.h"
#include "ima_state.h"

#define IMA_POLICY_BYTES_MAX (200u << 10)
#define IMA_LISTS_MAX 16
#define IMA_PATHS_MAX 64
#define IMA_KEYRINGS_MAX 8
#define IMA_KEYRING_NAME_MAX 32
#define IMA_REASON_MAX 200
#define IMA_REMEDY_MAX 255
#define IMA_CERTIFICATE_MAX 4096

/* What policy decides about, each on its own: X(ID, "word", FINDING, unsaid outcome) */
#define IMA_MATTERS(X)                                                                         \
	X(UNKNOWN, "unknown", IMA_UNKNOWN, QUARANTINE)                                         \
	X(KNOWN_BAD, "known-bad", IMA_KNOWN_BAD, QUARANTINE)                                   \
	X(WRONG_DIGEST, "wrong-digest", IMA_WRONG_DIGEST, QUARANTINE)                          \
	X(UNSIGNED, "unsigned", IMA_UNSIGNED, QUARANTINE)                                      \
	X(BAD_SIGNATURE, "bad-signature", IMA_BAD_SIGNATURE, QUARANTINE)                       \
	X(VIOLATION, "violation", IMA_VIOLATION, QUARANTINE)                                   \
	X(KEXEC, "kexec", IMA_KEXEC, QUARANTINE)                                               \
	X(BOOT_AGGREGATE, "boot-aggregate", IMA_BOOT_AGGREGATE, QUARANTINE)                    \
	X(SECOND_BOOT_AGGREGATE, "second-boot-aggregate", IMA_SECOND_BOOT_AGGREGATE,           \
	  QUARANTINE)                                                                          \
	X(KEY, "key", IMA_KEY, QUARANTINE)                                                     \
	X(KEY_EXPIRED, "key-expired", IMA_KEY_EXPIRED, QUARANTINE)                             \
	X(OTHER_PCR, "other-pcr", IMA_OTHER_PCR, QUARANTINE)                                   \
	X(DM, "device-mapper", IMA_DM, ADMIT)                                                  \
	X(CRITICAL, "critical-data", IMA_CRITICAL, ADMIT)                                      \
	X(IGNORED, "ignored", IMA_IGNORED, ADMIT)

enum ima_matter {
#define X(id, word, finding, unsaid) IMA_MATTER_##id,
	IMA_MATTERS(X)
#undef X
	IMA_MATTER_COUNT
};
const char *ima_matter_word(enum ima_matter m);	  /* "known-bad" */
unsigned ima_matter_finding(enum ima_matter m);	  /* enum finding_code */
unsigned ima_matter_unsaid(enum ima_matter m);	  /* enum outcome */

struct ima_outcome {
	uint8_t cap, severity; /* enum outcome, enum severity */
	struct span remedy;    /* empty: the finding's own */
};

/* What a list of files must say of a file, and what a signature. */
enum ima_list_need { IMA_LIST_NOTHING = 0, IMA_LIST_DIGEST, IMA_LIST_PATH, IMA_LIST_COUNT };
enum ima_sign_need { IMA_SIGN_NOTHING = 0, IMA_SIGN_INSTEAD, IMA_SIGN_TOO, IMA_SIGN_COUNT };

/* X("word", LIST, SIGN): `need:` of a path */
#define IMA_NEEDS(X)                                                                           \
	X("path", PATH, NOTHING)                                                               \
	X("digest", DIGEST, NOTHING)                                                           \
	X("signature", NOTHING, TOO)                                                           \
	X("path-or-signature", PATH, INSTEAD)                                                  \
	X("digest-or-signature", DIGEST, INSTEAD)                                              \
	X("path-and-signature", PATH, TOO)                                                     \
	X("digest-and-signature", DIGEST, TOO)                                                 \
	X("nothing", NOTHING, NOTHING)

struct ima_path {
	struct span pattern; /* glob.h */
	enum ima_list_need list;
	enum ima_sign_need sign;
	uint8_t keyring;    /* IMA_KEYRINGS_MAX: any of the policy */
	struct span reason; /* text; needed where nothing is */
};

struct ima_keyring {
	struct span name;
	bool runtime;	    /* a key counts once its loading was measured */
	bool allow_expired; /* validity is not asked */
	uint8_t ncertificates, first; /* first: bit in masks of keys */
};

struct policy_ima {
	struct ima_outcome outcome[IMA_MATTER_COUNT];
	bool weak_digests; /* files' MD5 and SHA-1 digests count */
	uint8_t nlists;
	struct span list[IMA_LISTS_MAX]; /* names; none: all sets of the device's class */
	uint8_t npaths;
	struct ima_path path[IMA_PATHS_MAX];
	enum ima_list_need list_rest; /* of paths that no pattern matches */
	enum ima_sign_need sign_rest;
	uint8_t nkeyrings;
	struct ima_keyring keyring[IMA_KEYRINGS_MAX];
	uint8_t ncertificates;
	struct span certificate[IMA_KEYS_MAX]; /* DER, in the order of keyrings */
};

/* MALFORMED, TOO_MANY, TRAILING... for bytes that policy_ima_write() does not make. */
ASSAY_MUST_USE enum assay_err policy_ima_open(struct span section, struct policy_ima *ret);
/* What could not be read back fails the writer. */
void policy_ima_write(struct writer *w, const struct policy_ima *p);

#endif
