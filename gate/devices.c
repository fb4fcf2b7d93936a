/* devices.c: see devices.h. */
#include "devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 256

void
devices_free(struct gate_devices *d)
{
	free(d->list);
	*d = (struct gate_devices){.n = 0};
}

static struct gate_device *
find(const struct gate_devices *d, const char *id)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->list[i].id, id) == 0)
			return &d->list[i];
	return NULL;
}

const struct gate_device *
devices_find(const struct gate_devices *d, const char *id)
{
	return find(d, id);
}

static enum assay_err
add(struct gate_devices *d, struct gate_device **ret)
{
	struct gate_device *list;

	if (d->n == DEVICES_MAX)
		return ASSAY_FULL;
	if (d->n == d->cap) {
		list = realloc(d->list, (d->cap + STEP) * sizeof *list);
		if (!list)
			return ASSAY_NO_MEMORY;
		d->list = list;
		d->cap += STEP;
	}
	*ret = &d->list[d->n++];
	memset(*ret, 0, sizeof **ret);
	return ASSAY_OK;
}

enum assay_err
devices_put(struct gate_devices *d, const struct record *r)
{
	struct gate_device *to = find(d, r->device);
	enum assay_err e;

	if (to && to->seq >= r->seq)
		return ASSAY_OK;
	if (!to && (e = add(d, &to)) != ASSAY_OK)
		return e;
	memset(to, 0, sizeof *to);
	to->seq = r->seq;
	to->expires = r->outcome == RECORD_QUARANTINE ? 0 : r->expires;
	to->outcome = r->outcome;
	to->tier = r->tier;
	memcpy(to->id, r->device, sizeof to->id);
	memcpy(to->name, r->name, sizeof to->name);
	to->naddresses = r->naddresses;
	memcpy(to->addresses, r->addresses, sizeof to->addresses);
	return ASSAY_OK;
}

void
devices_forget(struct gate_devices *d, const char *id)
{
	struct gate_device *gone = find(d, id);

	if (gone)
		*gone = d->list[--d->n];
}

void
devices_extend(struct gate_devices *d, const struct extension *x)
{
	for (uint32_t i = 0; i < x->n; i++) {
		struct gate_device *to = find(d, x->entry[i].device);

		if (to && to->outcome != RECORD_QUARANTINE && to->seq == x->entry[i].seq &&
		    x->entry[i].expires > to->expires)
			to->expires = x->entry[i].expires;
	}
}

enum record_outcome
devices_outcome(const struct gate_device *d, const struct gate_time *t, int64_t *ret_until)
{
	*ret_until = 0;
	if (d->outcome != RECORD_ADMIT && d->outcome != RECORD_RESTRICT)
		return RECORD_QUARANTINE;
	if (t->fail_open && t->silent_since != 0 && d->expires > t->silent_since)
		*ret_until = t->now + GATE_HOLD_S;
	if (d->expires > *ret_until)
		*ret_until = d->expires;
	if (*ret_until > t->now)
		return d->outcome;
	*ret_until = 0;
	return RECORD_QUARANTINE;
}
