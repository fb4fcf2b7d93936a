/*
 * bootproof.h: whether an event's digests are of given bytes, in every bank.
 */
#ifndef APPRAISE_BOOTPROOF_H
#define APPRAISE_BOOTPROOF_H

#include "evidence/eventlog.h"

#include "bootevent.h"

#define BOOTPROOF_CANDIDATES_MAX 6
#define BOOTPROOF_NARROW_MAX 64

/* Bytes of which the digest may be: s, then this many zero bytes. */
struct bootproof_candidate {
	struct span s;
	uint8_t zeros;
	enum bootevent_cover cover;
};

/* Not to be copied: a candidate may lie in ->narrow. */
struct bootproof {
	uint8_t n;
	struct bootproof_candidate c[BOOTPROOF_CANDIDATES_MAX];
	uint8_t narrow[BOOTPROOF_NARROW_MAX]; /* UTF-16 text made ASCII */
};

/* Add a candidate; those that are tried first stand first. */
void bootproof_add(struct bootproof *p, struct span s, uint8_t zeros,
		   enum bootevent_cover cover);

enum bootproof_answer {
	BOOTPROOF_UNKNOWN = 0, /* no digest can be computed */
	BOOTPROOF_NO,
	BOOTPROOF_YES,	   /* every computable digest is of candidate *ret_which */
	BOOTPROOF_DISAGREE, /* some are and some are not */
};
/* thorough: where the first bank is not of a candidate, ask the others too, so that
 * NO means that no bank is; otherwise the first bank decides for NO. */
enum bootproof_answer bootproof_check(const struct bootproof *p, const struct event *ev,
				      bool thorough, size_t *ret_which);

#endif
