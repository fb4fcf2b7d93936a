/*
 * bucket.h: how many requests in a time: token buckets by key, in a fixed table.
 *
 * A bucket holds what a minute allows and fills evenly: so many may come at once, and so
 * many per minute after that. One that is full again is forgotten. Keys that find no place
 * share one more bucket: a flood of keys can use that up for all newcomers, and makes
 * nothing boundless. Not for the Unix socket, which is never limited.
 */
#ifndef VERIFIER_BUCKET_H
#define VERIFIER_BUCKET_H

#include "evidence/reader.h"

#define BUCKET_KEY 16

struct bucket {
	uint8_t key[BUCKET_KEY];
	uint64_t spent; /* in 1/60,000 of a request; 0: full, and the place is free */
	int64_t at_ms;
};

struct bucket_table {
	uint64_t per_minute; /* 0: no limit */
	uint64_t salt;
	size_t size; /* power of two */
	struct bucket *slots;
	struct bucket shared;
};

/* size: a power of two. NO_MEMORY. */
ASSAY_MUST_USE enum assay_err bucket_init(struct bucket_table *t, unsigned per_minute, size_t size,
					  uint64_t salt);
void bucket_free(struct bucket_table *t);
/* Whether one more may come; if not, after how many seconds (at least 1) one may. */
bool bucket_has(struct bucket_table *t, const uint8_t key[BUCKET_KEY], int64_t now_ms,
		unsigned *ret_wait_s);
/* Counts one, whether or not it might come. */
void bucket_charge(struct bucket_table *t, const uint8_t key[BUCKET_KEY], int64_t now_ms);
/* Counts one if it may come. */
bool bucket_take(struct bucket_table *t, const uint8_t key[BUCKET_KEY], int64_t now_ms,
		 unsigned *ret_wait_s);

#endif
