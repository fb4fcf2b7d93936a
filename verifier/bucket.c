/* bucket.c: see bucket.h. Open addressing over a fixed distance, as in source.c. */
#include "bucket.h"

#include <stdlib.h>
#include <string.h>

#define PROBE 16
#define REQUEST 60000u /* a millisecond gives back per_minute of these */

enum assay_err
bucket_init(struct bucket_table *t, unsigned per_minute, size_t size, uint64_t salt)
{
	memset(t, 0, sizeof *t);
	t->per_minute = per_minute;
	t->size = size;
	t->salt = salt;
	t->slots = calloc(size, sizeof *t->slots);
	return t->slots ? ASSAY_OK : ASSAY_NO_MEMORY;
}

void
bucket_free(struct bucket_table *t)
{
	free(t->slots);
	t->slots = NULL;
}

static size_t
place(const struct bucket_table *t, const uint8_t key[BUCKET_KEY])
{
	uint64_t h = 0xcbf29ce484222325u ^ t->salt;

	for (size_t i = 0; i < BUCKET_KEY; i++)
		h = (h ^ key[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32) & (t->size - 1);
}

/* What was given back since; a clock that stands still or goes back gives nothing. */
static void
refill(const struct bucket_table *t, struct bucket *b, int64_t now_ms)
{
	uint64_t ms = now_ms > b->at_ms ? (uint64_t)now_ms - (uint64_t)b->at_ms : 0;

	if (ms >= REQUEST || ms * t->per_minute >= b->spent)
		b->spent = 0;
	else
		b->spent -= ms * t->per_minute;
	b->at_ms = now_ms;
}

static struct bucket *
find(struct bucket_table *t, const uint8_t key[BUCKET_KEY], int64_t now_ms)
{
	struct bucket *unused = NULL;
	size_t at = place(t, key);

	for (size_t i = 0; i < PROBE; i++) {
		struct bucket *b = &t->slots[(at + i) & (t->size - 1)];

		refill(t, b, now_ms);
		if (b->spent == 0)
			unused = unused ? unused : b;
		else if (span_equal(SPAN(b->key, BUCKET_KEY), SPAN(key, BUCKET_KEY)))
			return b;
	}
	if (unused) {
		memcpy(unused->key, key, BUCKET_KEY);
		return unused;
	}
	refill(t, &t->shared, now_ms);
	return &t->shared;
}

bool
bucket_has(struct bucket_table *t, const uint8_t key[BUCKET_KEY], int64_t now_ms,
	   unsigned *ret_wait_s)
{
	uint64_t capacity = t->per_minute * REQUEST, over, second;
	struct bucket *b;

	if (t->per_minute == 0)
		return true;
	b = find(t, key, now_ms);
	if (b->spent <= capacity - REQUEST)
		return true;
	over = b->spent - (capacity - REQUEST);
	second = 1000 * t->per_minute;
	*ret_wait_s = (unsigned)((over + second - 1) / second);
	return false;
}

void
bucket_charge(struct bucket_table *t, const uint8_t key[BUCKET_KEY], int64_t now_ms)
{
	uint64_t capacity = t->per_minute * REQUEST;
	struct bucket *b;

	if (t->per_minute == 0)
		return;
	b = find(t, key, now_ms);
	b->spent = b->spent <= capacity - REQUEST ? b->spent + REQUEST : capacity;
}

bool
bucket_take(struct bucket_table *t, const uint8_t key[BUCKET_KEY], int64_t now_ms,
	    unsigned *ret_wait_s)
{
	if (!bucket_has(t, key, now_ms, ret_wait_s))
		return false;
	bucket_charge(t, key, now_ms);
	return true;
}
