/*
 * session.h: one device's connection as net sees it: a state, and in each state the
 * messages that are permitted. Anything else closes the connection (I10).
 *
 * session.c decides and forwards; net.c moves bytes. No session is ever told
 * anything about a device before a key was proved: net knows no device.
 */
#ifndef VERIFIER_SESSION_H
#define VERIFIER_SESSION_H

#include "bulk.h"
#include "ipc.h"

#include "evidence/envelope.h"

enum session_state {
	SESSION_NEW = 0,    /* nothing was said */
	SESSION_WAITING,    /* keeper has the last message */
	SESSION_CHALLENGED, /* a proof is awaited */
	SESSION_CREDENTIAL, /* an activation is awaited */
	SESSION_NEEDED,	    /* parts are awaited */
	SESSION_IDLE,	    /* decided; keeper speaks next */
	SESSION_REFUSED,    /* while parts came: what is under way is let go */
	SESSION_STATES
};

struct upload {
	enum part_kind kind;
	uint32_t limit; /* what keeper allowed */
	uint8_t *p;	/* grows with what arrives, never beyond limit */
	uint32_t len, cap;
	struct bulk bulk; /* PART_IMA: in place of p */
	bool done;
};

/* What all uploads of this process may hold of IMA lists. */
struct upload_budget {
	size_t used, most;
};

struct session {
	uint64_t id; /* 0: no session */
	enum session_state state;
	int64_t deadline_ms; /* monotonic; when the state has lasted too long */
	struct upload uploads[MSG_WANTS_MAX];
	uint8_t nuploads;
	bool drowned; /* there was no room: what is still under way is dropped */
	struct upload_budget *budget; /* of its uploads; NULL: has none */
};

/* What session_on_frame() needs of its surroundings. */
struct session_env {
	struct ipc *keeper;
	struct arena *arena; /* reset for each frame */
	int64_t now_ms;
	struct upload_budget ima;
};

void session_init(struct session *s, uint64_t id, int64_t now_ms);
void session_free(struct session *s);
/* Largest frame permitted in the session's state; 0: none is. */
size_t session_frame_limit(const struct session *s);
/* A whole frame from the device. Any error: close the connection; the word of the
 * error is all that is logged. */
ASSAY_MUST_USE enum assay_err session_on_frame(struct session *s, struct session_env *env,
					       struct span frame);
/* A frame from keeper is about to be sent: the state it leads to. STATE if keeper
 * sends what this session cannot be sent now. */
ASSAY_MUST_USE enum assay_err session_on_decision(struct session *s, struct session_env *env,
						  struct span frame);
bool session_expired(const struct session *s, int64_t now_ms);

#endif
