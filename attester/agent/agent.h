/*
 * agent.h: the agent as a state machine: connect, enrol, wait, attest, rest.
 *
 * A table in agent.c says for each state and event what is done and what comes
 * next; everything else there is one function per action. It joins the library
 * (assay/attester.h), the connection (link.h) and what is kept (statedir.h).
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "link.h"
#include "measuring.h"
#include "options.h"
#include "statedir.h"

/* X(state, what it waits for) */
#define AGENT_STATES(X)                                                                            \
	X(OFF, "start")                                                                            \
	X(DIALLING, "a connection")                                                                \
	X(ENROLLING, "the verifier to enrol this device")                                          \
	X(WAITING, "a challenge")                                                                  \
	X(MEASURING, "measurements for the evidence")                                              \
	X(ATTESTING, "a decision")                                                                 \
	X(RESTING, "the time to connect again")                                                    \
	X(STOPPING, "the connection to close")                                                     \
	X(STOPPED, "nothing")

#define AGENT_EVENTS(X)                                                                            \
	X(START)                                                                                   \
	X(UP_NEW)   /* connected, and Enrol goes out */                                            \
	X(UP_KNOWN) /* connected, and Hello goes out */                                            \
	X(ENROLLED)                                                                                \
	X(ASKED)    /* a challenge came, and waits for measurements */                             \
	X(MEASURED) /* they are there, or there will be none */                                    \
	X(CHALLENGED)                                                                              \
	X(DECIDED)                                                                                 \
	X(REFUSED)                                                                                 \
	X(FAULT) /* the message cannot be answered */                                              \
	X(DOWN)                                                                                    \
	X(TIMER)                                                                                   \
	X(STOP)

enum agent_state {
#define X(name, text) AGENT_##name,
	AGENT_STATES(X)
#undef X
	AGENT_STATE_COUNT
};

enum agent_event {
#define X(name) EVENT_##name,
	AGENT_EVENTS(X)
#undef X
	AGENT_EVENT_COUNT
};

const char *agent_state_name(enum agent_state s);
const char *agent_event_name(enum agent_event e);

struct agent;
typedef void agent_action(struct agent *a);

struct agent_transition {
	enum agent_state state;
	enum agent_event event;
	agent_action *action; /* NULL: nothing to do */
	enum agent_state next;
};
/* NULL: the event means nothing in this state, and nothing happens. */
const struct agent_transition *agent_transition_for(enum agent_state s, enum agent_event e);

/*
 * Full jitter: a pause drawn evenly from 0 to min(cap_ms, first_ms * 2^failures), but
 * never under 100 ms. random is any 32-bit value.
 */
uint64_t agent_pause_ms(unsigned failures, uint64_t cap_ms, uint32_t random);

/* `run` and `enrol`; an exit status of options.h. s is open and locked, m started. */
int agent_run(const struct options *o, struct statedir *s, struct measuring *m);
/* `collect`: collect.c; likewise. */
int agent_collect(const struct options *o, struct statedir *s, struct measuring *m);
/* The whole program, for main(). */
int agent_main(int argc, char **argv);

#endif
