/*
 * stream.h: the receiving end of the decision stream: what a relying party must check of
 * each message, in order (docs/decision-stream.md, "What a relying party must do").
 *
 * Pure: messages in, events out. It holds no devices: the caller keeps the newest record
 * of each, applies what comes between SNAPSHOT and CURRENT as a whole and only after the
 * HEARTBEAT that follows, and lets everything end at its expiry. Any error means: this
 * connection is not to be believed any further; close it, connect again.
 */
#ifndef EVIDENCE_STREAM_H
#define EVIDENCE_STREAM_H

#include "record.h"

#define STREAM_MESSAGE_MAX (KEYSET_BYTES_MAX + 256)
#define STREAM_SKEW_S 30    /* a heartbeat's clock and one's own */
#define STREAM_SILENCE_S 15 /* without a heartbeat: connect again */

enum stream_event_type {
	STREAM_NONE = 0,
	STREAM_KEYS,	  /* the key set was (re)placed */
	STREAM_SNAPSHOT,  /* forget all; ->head */
	STREAM_DECISION,  /* ->record */
	STREAM_GONE,	  /* ->record: its device left the filter */
	STREAM_CURRENT,	  /* caught up to ->head */
	STREAM_EXTENSION, /* ->extension; apply to records of equal seq, if later */
	STREAM_HEARTBEAT, /* everything so far is confirmed; ->heartbeat, ->audit */
	STREAM_END,	  /* ->reason */
};

struct stream_event {
	enum stream_event_type type;
	uint64_t head;
	char reason[RECORD_REASON_MAX + 1];
	struct span jws; /* of the record, in the message */
	struct record record;
	struct extension extension;
	struct heartbeat heartbeat; /* ->audit of it points into the stream's buffer */
	struct audit_head audit;
};

struct stream {
	char root[JWS_KID_SIZE]; /* "": taken from the first key set, which proves less */
	char nonce[RECORD_NONCE_MAX + 1];
	char class_name[RECORD_CLASS_MAX + 1], labels[RECORD_LABELS_MAX + 1];
	struct keyset set;
	bool snapshot;	 /* between SNAPSHOT and CURRENT */
	uint64_t head;	 /* of the snapshot */
	uint64_t last;	 /* highest number seen; what to resume after, once confirmed */
	uint64_t confirmed; /* `last` as of the last heartbeat */
	int64_t beat_at; /* time of the last heartbeat, own clock; 0: none yet */
	uint64_t count;
	uint8_t sum[32];
	uint8_t buf[JWS_MAX];
};

struct stream_options {
	const char *root;  /* the pinned KID; NULL: none is pinned */
	const char *nonce; /* of this connection; as in its request, like what follows */
	bool resume;
	uint64_t after;
	const char *class_name, *labels; /* NULL: no filter */
};

/* For a new connection. TOO_LARGE: a text is too long. */
ASSAY_MUST_USE enum assay_err stream_init(struct stream *s, const struct stream_options *o);
/*
 * The next message, whole, as received; now is one's own clock. MALFORMED; BAD_TYPE: a JWS
 * of another typ; BAD_SIGNATURE, NOT_FOUND, EXPIRED: its key; MISMATCH: another issuer,
 * nonce, filter, or a sum that is not that of what came (something was withheld, added or
 * reordered); STATE: a number that does not ascend; NOT_YET, EXPIRED: a heartbeat of
 * another time.
 */
ASSAY_MUST_USE enum assay_err stream_on_message(struct stream *s, struct span message, int64_t now,
						struct stream_event *ret);

#endif
