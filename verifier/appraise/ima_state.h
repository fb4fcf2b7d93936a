/*
 * ima_state.h: what is remembered of a boot's IMA list: how far it was proved and what
 * was counted in it, never the list itself.
 *
 * Of constant size, whatever the list's length: a round costs what its new entries
 * cost. Part of struct continuity, and committed with it. Who stores the entries is
 * the ledger's business (ima_accepted in verdict.h says which).
 */
#ifndef APPRAISE_IMA_STATE_H
#define APPRAISE_IMA_STATE_H

#include "evidence/imalog.h"
#include "evidence/writer.h"

/* X(ID, "what of it there is"): counted over the boot's proved entries. */
#define IMA_COUNTS(X)                                                                          \
	X(VIOLATIONS, "violations")                                                            \
	X(FILES, "files judged")                                                               \
	X(UNKNOWN, "files in no list")                                                         \
	X(KNOWN_BAD, "files known as bad")                                                     \
	X(WRONG_DIGEST, "files with another digest than their path's")                         \
	X(UNSIGNED, "files without a signature where one is needed")                           \
	X(BAD_SIGNATURE, "files whose signature does not verify")                              \
	X(SIGNED, "signatures that verified")                                                  \
	X(IGNORED, "files that policy does not judge")                                         \
	X(KEXEC, "measurements of a kexec")                                                    \
	X(BOOT_AGGREGATES, "entries named boot_aggregate")                                     \
	X(KEYS, "keys that were loaded")                                                       \
	X(KEYS_REFUSED, "keys that were loaded and are not allowed")                           \
	X(DM, "measurements of device-mapper")                                                 \
	X(CRITICAL, "other critical data")                                                     \
	X(OTHER_PCR, "entries of another PCR, which are not proved")                           \
	X(CONTRADICTIONS, "entries that are not what their template hash says")

enum ima_count {
#define X(id, doc) IMA_COUNT_##id,
	IMA_COUNTS(X)
#undef X
	IMA_COUNT_COUNT
};

#define IMA_KEYS_MAX 64 /* certificates in a policy's keyrings: bits of a mask */

/* A quoted bank: its PCR at ->count entries, and the ways of extending it that lead
 * there (bit 1 << enum imalog_method). */
struct ima_bank {
	uint8_t methods;
	struct digest pcr;
};

struct ima_state {
	bool present; /* a list of this boot was proved, up to ->count entries */
	bool big;     /* byte order of its host */
	uint16_t template_alg;
	uint64_t count, bytes; /* consumed and proved */
	uint8_t nbanks;
	struct ima_bank bank[PCR_BANKS_MAX];
	uint8_t generation[32]; /* policy and references that judged every entry */
	uint32_t counts[IMA_COUNT_COUNT];
	/* boot_aggregate, the first entry, is of the quoted or logged PCRs; else a finding */
	bool boot_aggregate;
	uint16_t shown; /* references (by number) whose own files this boot has shown (D12) */
	uint64_t keys_measured; /* keys of the policy whose loading was measured */
	uint64_t keys_used;	/* by which a signature verified: their validity is watched */
};

/* Exactly these bytes; absent is one. Fails the writer or reader as pack.h. */
#define IMA_STATE_BYTES_MAX 768
void pack_ima_state(struct writer *w, const struct ima_state *s);
void unpack_ima_state(struct reader *r, struct ima_state *ret);

#endif
