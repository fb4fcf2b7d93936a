/* life.c: see life.h. */
#include "life.h"

/* What an event does to one state: a state, or one of these. The tables have every entry;
 * one that was forgotten is 0 and refuses. */
#define TO(state) ((state) + 3)
#define REFUSE 1 /* it cannot happen */
#define STAY 2

#define EVENTS LIFE_EVENT_COUNT
typedef unsigned char entry;

static const entry enrolment[DEV_STATUS_COUNT][EVENTS] = {
	[DEV_NONE] = {
		[LIFE_ENROLS] = TO(DEV_ENROLLED), [LIFE_WAITS] = TO(DEV_PENDING),
		[LIFE_CONFLICTS] = TO(DEV_CONFLICT), [LIFE_APPROVED] = REFUSE,
		[LIFE_HELD] = REFUSE, [LIFE_RELEASED] = REFUSE, [LIFE_MAINTAINED] = REFUSE,
		[LIFE_MAINTENANCE_ENDED] = REFUSE, [LIFE_RETIRED] = REFUSE,
		[LIFE_PASSED] = REFUSE, [LIFE_LIMITED] = REFUSE, [LIFE_FAILED] = REFUSE,
		[LIFE_UNPROVEN] = STAY, [LIFE_EXPIRED] = STAY, [LIFE_CONNECTED] = REFUSE,
		[LIFE_DISCONNECTED] = STAY, [LIFE_RESTARTED] = STAY, [LIFE_ACCEPTED] = STAY,
	},
	[DEV_PENDING] = {
		[LIFE_ENROLS] = REFUSE, [LIFE_WAITS] = STAY, [LIFE_CONFLICTS] = TO(DEV_CONFLICT),
		[LIFE_APPROVED] = TO(DEV_ENROLLED), [LIFE_HELD] = STAY, [LIFE_RELEASED] = STAY,
		[LIFE_MAINTAINED] = STAY, [LIFE_MAINTENANCE_ENDED] = STAY,
		[LIFE_RETIRED] = TO(DEV_RETIRED), [LIFE_PASSED] = STAY, [LIFE_LIMITED] = STAY,
		[LIFE_FAILED] = STAY, [LIFE_UNPROVEN] = STAY, [LIFE_EXPIRED] = STAY,
		[LIFE_CONNECTED] = STAY, [LIFE_DISCONNECTED] = STAY, [LIFE_RESTARTED] = STAY,
		[LIFE_ACCEPTED] = STAY,
	},
	[DEV_ENROLLED] = { /* approving again accepts a new attestation key */
		[LIFE_ENROLS] = STAY, [LIFE_WAITS] = REFUSE, [LIFE_CONFLICTS] = TO(DEV_CONFLICT),
		[LIFE_APPROVED] = STAY, [LIFE_HELD] = STAY, [LIFE_RELEASED] = STAY,
		[LIFE_MAINTAINED] = STAY, [LIFE_MAINTENANCE_ENDED] = STAY,
		[LIFE_RETIRED] = TO(DEV_RETIRED), [LIFE_PASSED] = STAY, [LIFE_LIMITED] = STAY,
		[LIFE_FAILED] = STAY, [LIFE_UNPROVEN] = STAY, [LIFE_EXPIRED] = STAY,
		[LIFE_CONNECTED] = STAY, [LIFE_DISCONNECTED] = STAY, [LIFE_RESTARTED] = STAY,
		[LIFE_ACCEPTED] = STAY,
	},
	[DEV_CONFLICT] = {
		[LIFE_ENROLS] = REFUSE, [LIFE_WAITS] = REFUSE, [LIFE_CONFLICTS] = STAY,
		[LIFE_APPROVED] = TO(DEV_ENROLLED), [LIFE_HELD] = STAY, [LIFE_RELEASED] = STAY,
		[LIFE_MAINTAINED] = STAY, [LIFE_MAINTENANCE_ENDED] = STAY,
		[LIFE_RETIRED] = TO(DEV_RETIRED), [LIFE_PASSED] = STAY, [LIFE_LIMITED] = STAY,
		[LIFE_FAILED] = STAY, [LIFE_UNPROVEN] = STAY, [LIFE_EXPIRED] = STAY,
		[LIFE_CONNECTED] = STAY, [LIFE_DISCONNECTED] = STAY, [LIFE_RESTARTED] = STAY,
		[LIFE_ACCEPTED] = STAY,
	},
	[DEV_RETIRED] = { /* for good */
		[LIFE_ENROLS] = REFUSE, [LIFE_WAITS] = REFUSE, [LIFE_CONFLICTS] = REFUSE,
		[LIFE_APPROVED] = REFUSE, [LIFE_HELD] = REFUSE, [LIFE_RELEASED] = REFUSE,
		[LIFE_MAINTAINED] = REFUSE, [LIFE_MAINTENANCE_ENDED] = REFUSE,
		[LIFE_RETIRED] = REFUSE, [LIFE_PASSED] = STAY, [LIFE_LIMITED] = STAY,
		[LIFE_FAILED] = STAY, [LIFE_UNPROVEN] = STAY, [LIFE_EXPIRED] = STAY,
		[LIFE_CONNECTED] = STAY, [LIFE_DISCONNECTED] = STAY, [LIFE_RESTARTED] = STAY,
		[LIFE_ACCEPTED] = STAY,
	},
};

/* Events that leave an overlay as it is. */
#define OVERLAY_KEPT                                                                           \
	[LIFE_ENROLS] = STAY, [LIFE_WAITS] = STAY, [LIFE_CONFLICTS] = STAY,                    \
	[LIFE_APPROVED] = STAY, [LIFE_RETIRED] = TO(OVERLAY_NONE), [LIFE_PASSED] = STAY,       \
	[LIFE_LIMITED] = STAY, [LIFE_FAILED] = STAY, [LIFE_UNPROVEN] = STAY,                   \
	[LIFE_EXPIRED] = STAY, [LIFE_CONNECTED] = STAY, [LIFE_DISCONNECTED] = STAY,            \
	[LIFE_RESTARTED] = STAY, [LIFE_ACCEPTED] = STAY

static const entry overlay[OVERLAY_COUNT][EVENTS] = {
	[OVERLAY_NONE] = {
		OVERLAY_KEPT, [LIFE_HELD] = TO(OVERLAY_HELD), [LIFE_RELEASED] = REFUSE,
		[LIFE_MAINTAINED] = TO(OVERLAY_MAINTENANCE), [LIFE_MAINTENANCE_ENDED] = REFUSE,
	},
	[OVERLAY_HELD] = { /* maintenance is milder than a hold: not without a release */
		OVERLAY_KEPT, [LIFE_HELD] = REFUSE, [LIFE_RELEASED] = TO(OVERLAY_NONE),
		[LIFE_MAINTAINED] = REFUSE, [LIFE_MAINTENANCE_ENDED] = REFUSE,
	},
	[OVERLAY_MAINTENANCE] = {
		OVERLAY_KEPT, [LIFE_HELD] = TO(OVERLAY_HELD), [LIFE_RELEASED] = TO(OVERLAY_NONE),
		[LIFE_MAINTAINED] = REFUSE, [LIFE_MAINTENANCE_ENDED] = TO(OVERLAY_NONE),
	},
};

/* A verdict replaces whatever was; a ledger that was accepted has none. */
#define TRUST_JUDGED                                                                           \
	[LIFE_PASSED] = TO(TRUST_PASSED), [LIFE_LIMITED] = TO(TRUST_LIMITED),                  \
	[LIFE_FAILED] = TO(TRUST_FAILED), [LIFE_ACCEPTED] = TO(TRUST_NEVER),                   \
	[LIFE_UNPROVEN] = STAY, [LIFE_CONNECTED] = STAY, [LIFE_DISCONNECTED] = STAY,           \
	[LIFE_RESTARTED] = STAY, [LIFE_ENROLS] = STAY, [LIFE_WAITS] = STAY,                    \
	[LIFE_RETIRED] = STAY, [LIFE_HELD] = STAY, [LIFE_CONFLICTS] = STAY
/* Nothing good to lose. */
#define TRUST_KEPT                                                                             \
	[LIFE_EXPIRED] = STAY, [LIFE_RELEASED] = STAY, [LIFE_MAINTAINED] = STAY,               \
	[LIFE_MAINTENANCE_ENDED] = STAY, [LIFE_APPROVED] = STAY
/* Good, until its time is over or an operator steps in. */
#define TRUST_LOST                                                                             \
	[LIFE_EXPIRED] = TO(TRUST_EXPIRED), [LIFE_RELEASED] = TO(TRUST_AWAITED),               \
	[LIFE_MAINTAINED] = TO(TRUST_AWAITED), [LIFE_MAINTENANCE_ENDED] = TO(TRUST_AWAITED),   \
	[LIFE_APPROVED] = TO(TRUST_AWAITED)

static const entry trust[TRUST_COUNT][EVENTS] = {
	[TRUST_NEVER] = {TRUST_JUDGED, TRUST_KEPT},
	[TRUST_FAILED] = {TRUST_JUDGED, TRUST_KEPT},
	[TRUST_EXPIRED] = {TRUST_JUDGED, TRUST_KEPT},
	[TRUST_AWAITED] = {
		TRUST_JUDGED, [LIFE_EXPIRED] = TO(TRUST_EXPIRED), [LIFE_RELEASED] = STAY,
		[LIFE_MAINTAINED] = STAY, [LIFE_MAINTENANCE_ENDED] = STAY, [LIFE_APPROVED] = STAY,
	},
	[TRUST_LIMITED] = {TRUST_JUDGED, TRUST_LOST},
	[TRUST_PASSED] = {TRUST_JUDGED, TRUST_LOST},
};

#define LINK_KEPT                                                                              \
	[LIFE_ENROLS] = TO(LINK_OPEN), [LIFE_WAITS] = TO(LINK_OPEN), [LIFE_CONFLICTS] = STAY,  \
	[LIFE_APPROVED] = STAY, [LIFE_HELD] = STAY, [LIFE_RELEASED] = STAY,                    \
	[LIFE_MAINTAINED] = STAY, [LIFE_MAINTENANCE_ENDED] = STAY, [LIFE_RETIRED] = STAY,      \
	[LIFE_PASSED] = TO(LINK_OPEN), [LIFE_LIMITED] = TO(LINK_OPEN),                         \
	[LIFE_FAILED] = TO(LINK_OPEN), [LIFE_UNPROVEN] = STAY, [LIFE_EXPIRED] = STAY,          \
	[LIFE_CONNECTED] = TO(LINK_OPEN), [LIFE_RESTARTED] = TO(LINK_NEVER),                   \
	[LIFE_ACCEPTED] = STAY

static const entry connection[LINK_COUNT][EVENTS] = {
	[LINK_NEVER] = {LINK_KEPT, [LIFE_DISCONNECTED] = STAY},
	[LINK_CLOSED] = {LINK_KEPT, [LIFE_DISCONNECTED] = STAY},
	[LINK_OPEN] = {LINK_KEPT, [LIFE_DISCONNECTED] = TO(LINK_CLOSED)},
};

const char *
life_trust_name(enum life_trust t)
{
	static const char *const names[TRUST_COUNT] = {"never",	  "failed",  "expired",
						       "awaited", "limited", "passed"};

	return names[(unsigned)t < TRUST_COUNT ? t : TRUST_NEVER];
}

const char *
life_connection_name(enum life_connection c)
{
	static const char *const names[LINK_COUNT] = {"never", "disconnected", "connected"};

	return names[(unsigned)c < LINK_COUNT ? c : LINK_NEVER];
}

const char *
life_event_text(enum life_event e)
{
	static const char *const texts[] = {
#define X(event, text) text,
		LIFE_EVENTS(X)
#undef X
	};

	return (unsigned)e < LIFE_EVENT_COUNT ? texts[e] : "something unknown";
}

/* The state after the entry; false: refused. */
static bool
step(entry e, unsigned from, unsigned *ret)
{
	if (e < STAY)
		return false;
	*ret = e == STAY ? from : e - 3u;
	return true;
}

enum assay_err
life_next(const struct life *l, enum life_event e, struct life *ret)
{
	unsigned to[4];

	if ((unsigned)e >= LIFE_EVENT_COUNT || (unsigned)l->enrolment >= DEV_STATUS_COUNT ||
	    (unsigned)l->overlay >= OVERLAY_COUNT || (unsigned)l->trust >= TRUST_COUNT ||
	    (unsigned)l->connection >= LINK_COUNT)
		return ASSAY_STATE;
	/* whoever is not there was never judged, and nobody gave orders about it */
	if (l->enrolment == DEV_NONE && (l->overlay != OVERLAY_NONE || l->trust != TRUST_NEVER))
		return ASSAY_STATE;
	if (!step(enrolment[l->enrolment][e], l->enrolment, &to[0]) ||
	    !step(overlay[l->overlay][e], l->overlay, &to[1]) ||
	    !step(trust[l->trust][e], l->trust, &to[2]) ||
	    !step(connection[l->connection][e], l->connection, &to[3]))
		return ASSAY_STATE;
	*ret = (struct life){(enum device_status)to[0], (enum device_overlay)to[1],
			     (enum life_trust)to[2], (enum life_connection)to[3]};
	return ASSAY_OK;
}

enum outcome
life_cap(const struct life *l)
{
	if (l->enrolment != DEV_ENROLLED ||
	    (l->overlay != OVERLAY_NONE && l->overlay != OVERLAY_MAINTENANCE))
		return OUTCOME_QUARANTINE;
	if (l->trust == TRUST_PASSED && l->overlay == OVERLAY_NONE)
		return OUTCOME_ADMIT;
	return l->trust == TRUST_PASSED || l->trust == TRUST_LIMITED ? OUTCOME_RESTRICT
								     : OUTCOME_QUARANTINE;
}
