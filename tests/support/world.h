/*
 * world.h: a device and a verifier's memory of it, without processes or sockets: what
 * tests of appraise() share. A round is what keeper does: a fresh nonce, the device's
 * proof, whatever is needed after it, the verdict, and the continuity to store.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "evidence_builder.h"
#include "verifier/appraise/policy.h"
#include "verifier/appraise/reference.h"

struct world {
	struct softtpm tpm;
	struct span log; /* as the device sends it */
	struct evidence_ask ask;
	struct evidence evidence;
	uint8_t nonce[32], channel[32];
	struct appraisal_input in;
	uint8_t policy[16384];
	uint8_t reference[REFERENCES_PER_DEVICE_MAX][16384];
	uint8_t continuity[CONTINUITY_BYTES_MAX];
	struct verdict *v; /* of the last appraisal */
	uint8_t *memory;
	struct arena scratch;
	/* makes w->evidence.quotes over these bytes in place of ->tpm; NULL: ->tpm does */
	void (*quotes)(struct world *w, const uint8_t extra[BINDING_SIZE]);
	size_t nmanifests;
	struct span manifests[8]; /* lists of files that the device can show */
	unsigned needs; /* how often more was needed in the last round */
};

/* The policy that worlds start with: gateway-like, bank sha256, PCRs 0-9 and 11-14. */
extern const char world_policy[];

/*
 * A device that has booted the log (tests/data/eventlog/NAME.bin), enrolled with a
 * trusted EK, with policy, and with a promoted reference of this very boot.
 */
void world_init(struct world *w, const char *log);
void world_free(struct world *w);
/* Compile and set a policy; the test fails with the compiler's message. */
void world_set_policy(struct world *w, const char *yaml);
/* Replace all references by the present PCR values and boot log. */
void world_set_reference(struct world *w, enum reference_state state);
/* Add one of other values (a PCR of bank SHA-256 to this fill), or of the present ones. */
void world_add_reference(struct world *w, enum reference_state state);
/* The TPM is reset and boots another log (NAME as above; NULL: the same). */
void world_reboot(struct world *w, const char *log);

/* Parts of a round, for tests that tamper in between: */
void world_challenge(struct world *w); /* fresh nonce; no log, no claims at hand */
void world_prove(struct world *w);     /* the device's proof goes into ->in */
void world_encode(struct world *w);    /* the same from ->evidence as it is now */
const struct verdict *world_appraise(struct world *w); /* once, as ->in is */
/* Appraise and supply what is needed until there is no need. Continuity is not stored. */
const struct verdict *world_judge(struct world *w);
/* Store continuity if DECIDED, as keeper does. */
void world_commit(struct world *w);
/* All of it. */
const struct verdict *world_round(struct world *w);

/* The first finding with this code, or NULL. */
const struct finding *world_finding(const struct verdict *v, enum finding_code code);
/* cmocka assertions, with the findings in the message. */
void assert_admitted(const struct verdict *v);
void assert_outcome(const struct verdict *v, enum outcome o, enum finding_code code);
void assert_unproven(const struct verdict *v, enum finding_code code);
void assert_quarantined(const struct verdict *v, enum finding_code code);

#endif
