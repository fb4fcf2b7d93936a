/*
 * key_state.h: what is remembered of a device without TPM, so that a copy of it shows.
 *
 * There is no reset counter that a key vouches for. The agent counts its starts, draws
 * an id for each, and counts its rounds; software can lie about all three, but two that
 * have the same key and do not know of each other cannot both be in order (I12).
 */
#ifndef APPRAISE_KEY_STATE_H
#define APPRAISE_KEY_STATE_H

#include "evidence/envelope.h"

#define KEY_PAST_MAX 8

struct key_state {
	bool present;
	uint8_t start_id[MSG_START_ID_SIZE];
	uint64_t start_count, round; /* the highest */
	uint8_t signer[32];	     /* name of the key that signed, without its algorithm */
	uint8_t npast;
	uint8_t past[KEY_PAST_MAX][32]; /* signers of earlier DICE chains, the latest first */
};

struct writer;
void pack_key_state(struct writer *w, const struct key_state *s);
void unpack_key_state(struct reader *r, struct key_state *ret);

#endif
