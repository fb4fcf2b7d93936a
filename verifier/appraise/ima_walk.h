/*
 * ima_walk.h: the prefix of a list of entries that leads from known PCR values to quoted
 * ones, in all quoted banks at once.
 *
 * Nothing is judged here, and nothing that is not in the prefix is to be judged.
 */
#ifndef APPRAISE_IMA_WALK_H
#define APPRAISE_IMA_WALK_H

#include "ima_state.h"

struct ima_walk {
	/* what is given */
	struct span entries;
	bool begins;		 /* at entry 0: byte order and hash sizes are found out */
	uint16_t template_alg;	 /* else they are these */
	bool big;
	uint8_t nbanks;
	struct ima_bank start[PCR_BANKS_MAX]; /* where it starts, and how it may go on */
	struct digest quoted[PCR_BANKS_MAX];  /* in the same order */
	size_t mark;		 /* bytes of entries: ->at_mark is whether.. */
	struct ima_bank expected[PCR_BANKS_MAX]; /* ..they lead here; nexpected of them */
	uint8_t nexpected;

	/* what comes of it */
	bool proved;	 /* there is such a prefix: the rest holds */
	uint64_t count, bytes; /* of the prefix */
	struct ima_bank end[PCR_BANKS_MAX];
	uint32_t contradictions, first_contradiction;
	/* whether or not */
	bool at_mark;
	uint64_t mark_count;	 /* entries up to the mark */
	uint64_t read;		 /* entries that could be read */
	enum assay_err err;	 /* why reading ended: OK at the end of the bytes */
	size_t error_offset;
	char refused[64];	 /* of UNSUPPORTED: template, field or algorithm; escaped */
};

/* Every bank at zeros, any way of extending it. */
void ima_walk_from_reset(struct ima_walk *w);
void ima_walk(struct ima_walk *w);

#endif
