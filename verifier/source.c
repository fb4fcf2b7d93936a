/* source.c: see source.h. Open addressing; a slot that counts nothing is free, and
 * a look-up probes a fixed distance, so that no deletion marks are needed. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

#define PROBE 16

enum assay_err
source_init(struct source_table *t, struct source_limits l, uint64_t salt)
{
	memset(t, 0, sizeof *t);
	t->limits = l;
	t->salt = salt;
	for (t->size = 64; t->size < 2 * (size_t)l.total; t->size *= 2)
		;
	t->slots = calloc(t->size, sizeof *t->slots);
	return t->slots ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* FNV-1a with a secret start: enough, as a collision only shares a probe. */
static size_t
place(const struct source_table *t, const uint8_t key[SOURCE_KEY])
{
	uint64_t h = 0xcbf29ce484222325u ^ t->salt;

	for (size_t i = 0; i < SOURCE_KEY; i++)
		h = (h ^ key[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32) & (t->size - 1);
}

static struct source_slot *
find(struct source_table *t, const uint8_t key[SOURCE_KEY])
{
	struct source_slot *unused = NULL;
	size_t at = place(t, key);

	for (size_t i = 0; i < PROBE; i++) {
		struct source_slot *s = &t->slots[(at + i) & (t->size - 1)];

		if (s->open == 0) {
			unused = unused ? unused : s;
			continue;
		}
		if (span_equal(SPAN(s->key, SOURCE_KEY), SPAN(key, SOURCE_KEY)))
			return s;
	}
	if (unused) {
		memset(unused, 0, sizeof *unused);
		memcpy(unused->key, key, SOURCE_KEY);
	}
	return unused;
}

enum assay_err
source_open(struct source_table *t, const uint8_t key[SOURCE_KEY], uint32_t *ret_slot)
{
	struct source_slot *s;

	if (t->total >= t->limits.total)
		return ASSAY_FULL;
	s = find(t, key);
	if (!s || s->open >= t->limits.per_source || s->half_open >= t->limits.half_open)
		return ASSAY_FULL;
	s->open++;
	s->half_open++;
	t->total++;
	*ret_slot = (uint32_t)(s - t->slots);
	return ASSAY_OK;
}

void
source_established(struct source_table *t, uint32_t slot)
{
	if (slot < t->size && t->slots[slot].half_open > 0)
		t->slots[slot].half_open--;
}

void
source_close(struct source_table *t, uint32_t slot, bool established)
{
	if (slot >= t->size || t->slots[slot].open == 0)
		return;
	if (!established)
		source_established(t, slot);
	t->slots[slot].open--;
	t->total--;
}
