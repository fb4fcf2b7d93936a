/*
 * live.h: what keeper knows of devices beyond the ledger: who is connected, when it
 * was last heard of, and when its decision ends. Lost at a restart, rebuilt from the
 * ledger. A hash table by device id that grows with enrolments and never shrinks.
 */
#ifndef VERIFIER_LIVE_H
#define VERIFIER_LIVE_H

#include "verifier/appraise/appraise.h"

struct live_device {
	char id[DEVICE_ID_HEX + 1]; /* "": free */
	uint64_t session;	    /* proved session; 0: none */
	int64_t last_seen;	    /* s; 0: not since start */
	int64_t proved_ms;	    /* monotonic; its last evidence over a connection was stored */
	int64_t expires_at;	    /* s, of the decision; 0: nothing to expire */
	int64_t expires_ms;	    /* the same on the monotonic clock */
	enum outcome decision;
	/* of the record that relying parties have; keeper_record.c */
	uint64_t seq;		       /* 0: none yet */
	int64_t told_at, told_expires; /* validity that all of them were told last */
	int64_t told_most;	       /* the latest end that any of them was told */
	uint64_t token_seq;	       /* decision of the token that the device was given */
	int64_t token_at, token_expires;
	int64_t maintained_until;      /* s; 0: no window is open */
	int64_t attested_until;	       /* s, of its attested addresses; 0: it has none */
	bool stale;		       /* its last good evidence is too old to count */
	bool retired;
	bool carded;		       /* the next four are as the ledger has them */
	enum tier tier;
	char name[DEVICE_NAME_MAX + 1];
	char class_name[DEVICE_CLASS_MAX + 1];
	char labels[DEVICE_LABELS_MAX + 1];
};

struct live {
	struct live_device *slots;
	size_t size, used; /* size is a power of two */
};

ASSAY_MUST_USE enum assay_err live_init(struct live *l);
void live_free(struct live *l);
/* The device's entry, or NULL. Valid until the next live_add(). */
struct live_device *live_find(struct live *l, const char *id);
/* The entry, made if absent; NULL if memory is exhausted. */
struct live_device *live_add(struct live *l, const char *id);

#endif
