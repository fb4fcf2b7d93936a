/*
 * challenge.h: challenges that left in files, and what became of them; a part of ledger.h.
 *
 * A row is made when the challenge is signed. It is settled once, in the transaction that
 * stores the decision on its answer, or by an operator; settled rows stay until they have
 * expired and retention is over, so that a second answer is told from an unknown one.
 * ledger_accept() forgets all of them: what an older ledger calls outstanding may have
 * been answered.
 */
#ifndef LEDGER_CHALLENGE_H
#define LEDGER_CHALLENGE_H

#include "ledger.h"

enum challenge_state {
	CHALLENGE_NONE = 0,
	CHALLENGE_OUTSTANDING,
	CHALLENGE_USED,
	CHALLENGE_REVOKED,
	CHALLENGE_STATE_COUNT
};

struct ledger_challenge {
	uint8_t nonce[32];
	char device[DEVICE_ID_HEX + 1];
	struct tpm_name key_name; /* of the device when it was issued */
	struct pcr_selection asked;
	enum challenge_state state;
	int64_t issued, expires;
	char actor[LEDGER_ACTOR_MAX + 1];
	int64_t settled; /* 0: outstanding */
};

/* EXISTS; MALFORMED: settled already, no key, or ends before it begins; NOT_FOUND: no such
 * device. */
ASSAY_MUST_USE enum assay_err ledger_challenge_insert(struct ledger *l,
						      const struct ledger_challenge *c);
ASSAY_MUST_USE enum assay_err ledger_challenge_get(struct ledger *l, const uint8_t nonce[32],
						   struct ledger_challenge *ret);
/* Outstanding no more: USED or REVOKED. STATE: it was settled before. */
ASSAY_MUST_USE enum assay_err ledger_challenge_settle(struct ledger *l, const uint8_t nonce[32],
						      enum challenge_state state, int64_t at);
/* In the order of nonces; after NULL starts. NOT_FOUND at the end. */
ASSAY_MUST_USE enum assay_err ledger_challenge_next(struct ledger *l, const uint8_t *after,
						    struct ledger_challenge *ret);
/* The same of one device. */
ASSAY_MUST_USE enum assay_err ledger_challenge_of(struct ledger *l, const char *device,
						  const uint8_t *after,
						  struct ledger_challenge *ret);

#endif
