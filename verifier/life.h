/*
 * life.h: the life of a device: four states, each of its own, and what each event does
 * to each of them. One table (life.c); pure.
 *
 * The decision is none of them. It is computed: the worst that enrolment, overlay and
 * trust allow (life_cap); keeper_decide.c adds the reason. So nothing that happens can
 * leave a decision behind that its states do not give. Silence, loss of the connection,
 * restarts, orders of operators and evidence that proves nothing never make it milder;
 * only a verdict does (D1, D11).
 *
 *   enrolment   ledger.h: none, pending, enrolled, conflict, retired (for good)
 *   overlay     ledger.h: none, held, maintenance
 *   trust       what the last authentic evidence counts for now
 *   connection  since the daemon started; it allows and forbids nothing by itself
 */
#ifndef VERIFIER_LIFE_H
#define VERIFIER_LIFE_H

#include "verifier/ledger/ledger.h"

enum life_trust {
	TRUST_NEVER = 0, /* there was none */
	TRUST_FAILED,	 /* it was bad; stays so, however old, until better comes */
	TRUST_EXPIRED,	 /* it was good and is too old */
	TRUST_AWAITED,	 /* it was good before an operator stepped in: a new verdict counts */
	TRUST_LIMITED,
	TRUST_PASSED,
	TRUST_COUNT
};
const char *life_trust_name(enum life_trust t); /* "never" ... "passed" */

enum life_connection { LINK_NEVER = 0, LINK_CLOSED, LINK_OPEN, LINK_COUNT };
const char *life_connection_name(enum life_connection c); /* "never", "disconnected" ... */

struct life {
	enum device_status enrolment;
	enum device_overlay overlay;
	enum life_trust trust;
	enum life_connection connection;
};

/* X(EVENT, what happened) */
#define LIFE_EVENTS(X)                                                                         \
	X(ENROLS, "it enrolled")                                                               \
	X(WAITS, "it asked to be enrolled and waits for approval")                             \
	X(CONFLICTS, "it claims what belongs to another")                                      \
	X(APPROVED, "an operator let it in")                                                   \
	X(HELD, "an operator holds it")                                                        \
	X(RELEASED, "an operator released it")                                                 \
	X(MAINTAINED, "an operator began maintenance")                                         \
	X(MAINTENANCE_ENDED, "its maintenance ended")                                          \
	X(RETIRED, "an operator retired it")                                                   \
	X(PASSED, "authentic evidence that satisfies the policy")                              \
	X(LIMITED, "authentic evidence that satisfies it in part")                             \
	X(FAILED, "authentic evidence that does not satisfy it")                               \
	X(UNPROVEN, "evidence that is not authentic")                                          \
	X(EXPIRED, "the time of its last evidence is over")                                    \
	X(CONNECTED, "a connection that proved its key")                                       \
	X(DISCONNECTED, "its connection ended")                                                \
	X(RESTARTED, "the verifier started again")                                             \
	X(ACCEPTED, "an operator accepted the ledger after a fault")

enum life_event {
#define X(event, text) LIFE_##event,
	LIFE_EVENTS(X)
#undef X
	LIFE_EVENT_COUNT
};
const char *life_event_text(enum life_event e);

/* What the event makes of a device. STATE: it cannot happen to it (an order is refused);
 * *ret is then not written. */
ASSAY_MUST_USE enum assay_err life_next(const struct life *l, enum life_event e, struct life *ret);
/* The best decision that these states allow. */
enum outcome life_cap(const struct life *l);

#endif
