/*
 * measuring.h: the agent's side of measuring within its loop: a challenge is held back
 * while the collector brings its snapshot up to date, for a limited time.
 */
#ifndef AGENT_MEASURING_H
#define AGENT_MEASURING_H

#include "collector.h"
#include "identity.h"
#include "options.h"

#include "evidence/envelope.h"

struct measuring {
	bool on; /* the file says that something is measured */
	bool lost;	/* it has ended for good: so must the agent, to be started again */
	bool restarted; /* the collector is another one: its descriptor is to be watched */
	const struct options *o;
	bool lockout; /* the TPM's lockout counter is wanted */
	const struct identity *identity;
	struct collector collector;
	uint32_t wait_ms;
	uint8_t held[MSG_CHALLENGE_MAX]; /* the challenge */
	size_t held_len;
};

/* Reads the file's sections, and starts the collector if there is something to collect.
 * An exit status; the complaint has been printed. */
int measuring_start(struct measuring *m, const struct options *o);
void measuring_stop(struct measuring *m);
/*
 * Whether this message is a challenge that waits for a snapshot: it is kept, and at the
 * latest after *ret_ms it is to be answered with what there is.
 */
bool measuring_holds(struct measuring *m, struct span message, uint64_t *ret_ms);
/* The collector has something to say. True: it is the answer that a challenge waits for,
 * or there will be none, and `restarted` may be set. */
bool measuring_answered(struct measuring *m);
/* The challenge that was held, to be answered now. */
struct span measuring_held(const struct measuring *m);
/* Everything measured anew, waiting as long as ms for it; what is not done by then is
 * missing. For who has nothing else to do. */
void measuring_wait(struct measuring *m, uint32_t ms);
/* What the attester is configured with. */
void measuring_configure(struct measuring *m, struct assay_attester_config *c);

/* `measure`: everything once, printed. */
int measuring_show(const struct options *o);

#endif
