/*
 * policy.h: compiled policies and the decision over facts.
 *
 * A policy is written as YAML (docs/policy.md), compiled by the compiler process
 * (verifier/compiler/policy_compile.c) to a flat, content-addressed byte string
 * (its SHA-256 is the policy's identity), and read in place here.
 */
#ifndef APPRAISE_POLICY_H
#define APPRAISE_POLICY_H

#include "appraise.h"
#include "evidence/writer.h"
#include "fact.h"
#include "ima_policy.h"
#include "version.h"

#define POLICY_BYTES_MAX (256u << 10)
#define POLICY_NAME_MAX 64
#define POLICY_RULES_MAX 128
#define POLICY_VALUES_MAX 64	/* of one rule */
#define POLICY_VALUE_MAX 255	/* bytes of one value */
#define POLICY_INTERVAL_MAX 86400 /* seconds */
#define POLICY_PATIENCE_MAX 100
#define POLICY_OFFLINE_MAX (90 * 86400) /* seconds */
#define POLICY_WORKAROUNDS_MAX 16
#define POLICY_PATTERN_MAX 64 /* of a workaround */
#define POLICY_REASON_MAX 200
#define POLICY_SOFTWARE_MAX 64 /* items of software that one policy names */
#define POLICY_ITEM_MAX 63     /* characters of an item's name */
#define POLICY_FACT_MAX 96     /* of a fact's name, with its instance */

/* What keeper needs to know of a policy: whom it judges and what to ask for. */
struct policy_info {
	char name[POLICY_NAME_MAX + 1];
	uint32_t version;
	char class_name[DEVICE_CLASS_MAX + 1]; /* "*": any class */
	char labels[DEVICE_LABELS_MAX + 1];    /* every one must be on the device */
	bool monitor;
	struct pcr_selection ask;
	uint32_t interval_s, patience, max_age_s; /* max_age <= interval * patience */
	/* How long offline evidence holds, from the challenge on; 0: none is accepted. */
	uint32_t offline_max_age_s;
	uint8_t digest[32]; /* SHA-256 of the compiled bytes */
};

/* Check the whole of a compiled policy and read its head. */
ASSAY_MUST_USE enum assay_err policy_info(struct span compiled, struct policy_info *ret);
/* How specific a policy is for a device: 0 does not apply; class "*" 1, class 2,
 * plus 1 per label. The most specific judges; a tie is an error (activation refuses). */
unsigned policy_rank(const struct policy_info *p, const char *class_name,
		     const char *labels);

/* ---- the compiled form, for its compiler and its interpreter ---- */

/*
 * What the firmware of one model is known to measure wrongly (L20): where it all
 * applies, the finding is told under the workaround's name and no more. A pattern that
 * is empty asks for nothing; what a pattern asks for and nobody proved does not match.
 */
struct policy_workaround {
	struct span id, finding;	 /* finding: a word of bootfacts.h */
	struct span manufacturer, model; /* patterns: of the TPM, by a trusted certificate */
	struct span firmware;		 /* pattern: version that the log proves */
	uint32_t pcrs;			 /* where; never 0 */
	bool any_type;			 /* else only of this type of event */
	uint32_t type;
	struct span reason; /* text */
};

/* A finding of a boot log, and what is known of the device that has it. */
struct policy_oddity {
	const char *finding;
	int32_t pcr;   /* -1: none */
	bool has_type; /* it is about an event */
	uint32_t type;
	struct span manufacturer, model, firmware; /* empty: not known */
};

/* What a policy asks of one item of software (section `software`). */
struct policy_software {
	struct span name;      /* as the agent calls it */
	bool unchecked;	       /* digest and version need not be a reference's */
	enum version_order order;
	struct span at_least;  /* lowest version; empty: none */
	uint8_t on_fail, on_missing; /* caps */
	uint8_t rollback;	     /* cap when the version went back */
	bool follow;	       /* a version that went back is the one to compare from then on */
	uint8_t severity;
	struct span remediation; /* empty: the finding's */
};

struct policy {
	struct policy_info info; /* but the digest, which is not in the bytes */
	uint32_t compare;  /* PCRs that must equal one whole reference set */
	uint32_t unlogged; /* PCRs extended outside of the boot log: not replayed (L18) */
	bool events;	   /* explain differences event by event */
	uint8_t differs;   /* cap when no reference set matches: enum outcome */
	uint8_t baseline;  /* cap when what is the device's own is not as it was (L17) */
	uint8_t last_boot; /* cap when a boot is not as the device's last good one */
	uint8_t dbx_back;  /* cap when dbx lost entries since then (L14) */
	uint8_t learned;   /* cap when a learned set matches; never ADMIT (D7) */
	bool allow_ek_expired, allow_virtual_tpm, allow_sha1_only;
	uint8_t lowest_tier; /* enum tier; TIER_NONE: as allow_virtual_tpm says */
	uint8_t nworkarounds;
	struct policy_workaround workarounds[POLICY_WORKAROUNDS_MAX];
	uint8_t nsoftware;
	bool software_others;	  /* items that the policy does not name are a finding */
	uint8_t software_other;	  /* its cap */
	uint8_t software_learned; /* cap when a learned set matches; never ADMIT (D7) */
	struct policy_software software[POLICY_SOFTWARE_MAX];
	struct span ima; /* for policy_ima_open(); empty: IMA lists are not judged */
	uint16_t nrules;
	struct reader rules; /* for policy_next_rule */
};

/* X(OP, "word", "what holds") */
#define POLICY_OPS(X)                                                                          \
	X(EQUALS, "equals", "the fact is the value")                                           \
	X(NOT_EQUALS, "not_equals", "the fact is another value")                               \
	X(IN, "in", "the fact is one of the values")                                           \
	X(NOT_IN, "not_in", "the fact is none of the values")                                  \
	X(MATCHES, "matches", "the text matches the pattern: * any characters, ? any one")     \
	X(AT_LEAST, "at_least", "the number, time or version is not under the value")          \
	X(AT_MOST, "at_most", "the number, time or version is not over the value")             \
	X(PRESENT, "present", "the fact is known, whatever its value")                         \
	X(SUBSET_OF, "subset_of", "each word of the list matches one of the patterns")         \
	X(UNCHANGED_SINCE, "unchanged_since", "the fact is as the device's baseline has it")

enum policy_op {
#define X(op, word, doc) OP_##op,
	POLICY_OPS(X)
#undef X
	POLICY_OP_COUNT
};
const char *policy_op_name(enum policy_op op);

/* What the fact is held against. */
enum policy_against { AGAINST_VALUES = 0, AGAINST_REFERENCE, AGAINST_BASELINE, AGAINST_COUNT };

struct policy_rule {
	struct span id, fact_name, remediation; /* text */
	enum fact_id fact; /* FACT_NONE: this build does not know fact_name */
	struct span instance; /* of fact_name: what the "*" stands for */
	int32_t index;	   /* -1: none */
	enum policy_op op;
	enum version_order order; /* of texts that are versions */
	enum policy_against against;
	bool optional;
	uint8_t on_fail, on_missing; /* caps */
	uint8_t severity;
	int8_t claim;	 /* enum ar4si_claim; -1: none */
	uint8_t nvalues; /* 0: PRESENT, and what is not held against values */
	struct reader values; /* for policy_next_value */
};

struct policy_value {
	enum fact_type type;
	uint64_t number; /* BOOL, NUMBER, TIME */
	struct span text; /* TEXT */
	struct digest digest; /* DIGEST */
};

/* The head of a compiled policy; rules are read by policy_next_rule(), and only
 * policy_info() checks them all beforehand. */
ASSAY_MUST_USE enum assay_err policy_open(struct span compiled, struct policy *ret);
/* The lowest tier that a device may have; TPM where the policy says nothing. */
enum tier policy_lowest_tier(const struct policy *p);
/* The workaround that covers a finding of the boot log, or NULL. */
const struct policy_workaround *policy_tolerates(const struct policy *p,
						 const struct policy_oddity *o);
/* The next rule; false at the end, or with an error in p->rules.err. */
bool policy_next_rule(struct policy *p, struct policy_rule *ret);
/* The next value of a rule; false at the end. */
bool policy_next_value(struct policy_rule *r, struct policy_value *ret);

/* The other way. Head first, with nrules, then each rule followed by its values.
 * What could not be read back fails the writer. */
void policy_write_workarounds(struct writer *w, const struct policy *p);
void policy_read_workarounds(struct reader *r, struct policy *ret);
void policy_write_software(struct writer *w, const struct policy *p);
void policy_read_software(struct reader *r, struct policy *ret);
/* A pattern names something: it is not made of wildcards alone. */
bool policy_pattern_names(struct span pattern);
void policy_write_head(struct writer *w, const struct policy *p);
void policy_write_rule(struct writer *w, const struct policy_rule *r);
void policy_write_value(struct writer *w, const struct policy_value *v);

#endif
