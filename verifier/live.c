/* live.c: see live.h. Device ids are hashes already; their digits spread well. */
#include "live.h"

#include <stdlib.h>
#include <string.h>

enum assay_err
live_init(struct live *l)
{
	l->used = 0;
	l->size = 1024;
	l->slots = calloc(l->size, sizeof *l->slots);
	return l->slots ? ASSAY_OK : ASSAY_NO_MEMORY;
}

void
live_free(struct live *l)
{
	free(l->slots);
	memset(l, 0, sizeof *l);
}

static size_t
place(const struct live *l, const char *id)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *id; id++)
		h = (h ^ (uint8_t)*id) * 0x100000001b3u;
	return (size_t)(h ^ h >> 29) & (l->size - 1);
}

/* The entry, or the free slot where it belongs. */
static struct live_device *
slot_of(struct live *l, const char *id)
{
	size_t at = place(l, id);

	while (l->slots[at].id[0] && strcmp(l->slots[at].id, id) != 0)
		at = (at + 1) & (l->size - 1);
	return &l->slots[at];
}

struct live_device *
live_find(struct live *l, const char *id)
{
	struct live_device *d = slot_of(l, id);

	return d->id[0] ? d : NULL;
}

static enum assay_err
grow(struct live *l)
{
	struct live bigger = {.size = 2 * l->size, .used = l->used};

	bigger.slots = calloc(bigger.size, sizeof *bigger.slots);
	if (!bigger.slots)
		return ASSAY_NO_MEMORY;
	for (size_t i = 0; i < l->size; i++)
		if (l->slots[i].id[0])
			*slot_of(&bigger, l->slots[i].id) = l->slots[i];
	free(l->slots);
	*l = bigger;
	return ASSAY_OK;
}

struct live_device *
live_add(struct live *l, const char *id)
{
	struct live_device *d = slot_of(l, id);

	if (d->id[0])
		return d;
	if (2 * (l->used + 1) > l->size) {
		if (grow(l) != ASSAY_OK)
			return NULL;
		d = slot_of(l, id);
	}
	memcpy(d->id, id, strnlen(id, DEVICE_ID_HEX));
	l->used++;
	return d;
}
