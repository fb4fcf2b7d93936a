/*
 * keeper_feed.h: the inside of the decision stream's sending end, shared by
 * keeper_feed.c (who reads, and what comes next) and keeper_feed_message.c (how it is
 * said). Nobody else's.
 */
#ifndef VERIFIER_KEEPER_FEED_H
#define VERIFIER_KEEPER_FEED_H

#include "keeper_private.h"

#include "evidence/record.h"

#define FEED_MAX 256		    /* connections */
#define FEED_BATCH_MAX (256u << 10) /* bytes sent at a time */
#define FEED_MESSAGE_MAX (KEYSET_BYTES_MAX + 256)
#define FEED_ROOM (40u << 10)	    /* left in a batch for what may come next */

struct reader_at { /* one connection */
	bool used, local, hungry, current, snapshot;
	const struct child *child;
	uint64_t id;
	struct operation_caller caller;
	char peer[64];
	char class_name[RECORD_CLASS_MAX + 1], labels[RECORD_LABELS_MAX + 1];
	char nonce[RECORD_NONCE_MAX + 1];
	uint64_t cursor;       /* everything up to here was sent, or does not match */
	uint64_t snapshot_head;
	char snapshot_after[DEVICE_ID_HEX + 1];
	int64_t fed_ms;	       /* when it was last given something */
	int64_t beat_ms;
	uint32_t keys;	       /* generation of the key set that it has */
	uint64_t count;
	uint8_t sum[32];
};

struct feed {
	struct reader_at at[FEED_MAX];
	unsigned n;
	int64_t extended_s;    /* when extensions were last looked for */
	int64_t keys_s;	       /* when children got the key set last */
	int64_t audit_at;
	uint64_t audit_seq;
	size_t audit_len;
	uint8_t audit[2048];   /* the audit head, signed */
	/* a batch under way */
	struct writer batch;
	uint8_t bytes[FEED_BATCH_MAX], message[FEED_MESSAGE_MAX];
	uint8_t payload[64u << 10], record[RECORD_MAX];
	struct extension extension;
};

/* Messages: each goes into the batch, and into the reader's count and sum. What fails
 * makes the batch fail. */
void feed_begin(struct feed *f);
bool feed_has_room(const struct feed *f);
void feed_add_head(struct feed *f, struct reader_at *r, const char *type, uint64_t head);
/* type "decision" or "gone": a record as feed_record() gave it. */
void feed_add_record(struct feed *f, struct reader_at *r, const char *type, struct span jws);
void feed_add_keys(struct keeper *k, struct reader_at *r);
void feed_add_heartbeat(struct keeper *k, struct reader_at *r);
/* What f->extension has, if it has something; it is empty then. */
void feed_add_extension(struct keeper *k, struct reader_at *r);
/* Keeper's own record of a row, as the ledger's MAC vouches for it, and the JWS to send:
 * signed anew if the key it was signed with is no longer the current one. False: the row
 * has none. */
ASSAY_MUST_USE bool feed_record(struct keeper *k, const struct ledger_decision *row,
				struct record *ret, struct span *ret_jws);

#endif
