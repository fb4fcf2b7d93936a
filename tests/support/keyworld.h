/*
 * keyworld.h: a device without TPM and a verifier's memory of it, as world.h has them of
 * devices with one.
 */
#ifndef TESTS_SUPPORT_KEYWORLD_H
#define TESTS_SUPPORT_KEYWORLD_H

#include "dicemade.h"
#include "world.h"

struct keyworld {
	struct dicemade dice; /* ->root alone is there unless the tier is DICE */
	struct span layers[DICE_LAYERS_MAX]; /* that are sent */
	size_t nlayers;
	struct softkey *signer; /* that signs; the right one unless changed */
	/* what the agent says */
	uint8_t start_id[16];
	uint64_t start_count, round;
	char stain; /* in the place of the first letter of the item's name; 0: none */
	const char *firmware; /* digest of item "firmware": SHA-256 of this text; NULL: none */
	uint8_t kind;	      /* of the binding that is signed */
	uint8_t nonce[32], channel[32];
	struct appraisal_input in;
	uint8_t proof[MSG_PROOF_MAX];
	uint8_t policy[16384];
	uint8_t continuity[CONTINUITY_BYTES_MAX];
	struct verdict *v;
	uint8_t *memory;
	struct arena scratch;
};

/* For software keys and up; one rule: software.firmware.digest is that of "good". */
extern const char keyworld_policy[];

/* Enrolled at this tier, with that policy; it runs "good". */
void keyworld_init(struct keyworld *w, enum tier tier, enum softkey_kind kind);
void keyworld_free(struct keyworld *w);
void keyworld_set_policy(struct keyworld *w, const char *yaml);
/* The agent starts anew. */
void keyworld_start(struct keyworld *w);
/* Fresh nonce, the agent's answer to it as ->in, the verdict; not stored. */
const struct verdict *keyworld_judge(struct keyworld *w);
/* The same, and continuity and the record's flag stored as keeper does. */
const struct verdict *keyworld_round(struct keyworld *w);
/* What keeper does when an operator releases the device. */
void keyworld_release(struct keyworld *w);

#endif
