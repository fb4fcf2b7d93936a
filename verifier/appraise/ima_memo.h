/*
 * ima_memo.h: answers about signatures that were found in the same appraisal.
 *
 * A file that is measured under many paths, as in containers, has one signature, which is
 * verified once. An answer is given again only for the same bytes of signatures and
 * digests, the same keyring and the same keys measured so far; nothing else enters into it.
 * Spans point into the list, which outlives the memo.
 */
#ifndef APPRAISE_IMA_MEMO_H
#define APPRAISE_IMA_MEMO_H

#include "ima_signed.h"

#define IMA_MEMO_SLOTS 512

struct ima_memo {
	struct ima_memo_slot {
		bool used, appended;
		uint8_t keyring;
		uint64_t measured;
		uint32_t has; /* of fields sig and modsig */
		struct span sig, modsig;
		struct imalog_digest file, modsig_file;
		struct ima_signed answer;
	} slot[IMA_MEMO_SLOTS]; /* zeros at first */
};

/* As ima_signed(), of one policy, its keys and one time; ->tries is 0 if it was known. */
void ima_memo_signed(struct ima_memo *m, const struct ima_signed_ask *ask,
		     const struct imalog_entry *e, struct ima_signed *ret);

#endif
