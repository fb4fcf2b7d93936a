/* listing.c: named values, see measure.h. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum software_note
grow(struct listing *l)
{
	size_t cap = l->cap ? l->cap * 2 : 64;
	struct listing_entry *v;

	if (l->n < l->cap)
		return NOTE_NONE;
	if (l->n >= LISTING_MAX)
		return NOTE_TOO_LARGE;
	v = realloc(l->v, cap * sizeof *v);
	if (!v)
		return NOTE_FAULT;
	l->v = v;
	l->cap = cap;
	return NOTE_NONE;
}

static void *
copy(struct span s)
{
	char *p = malloc(s.n + 1);

	if (!p)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

enum software_note
listing_add(struct listing *l, struct span name, struct span value)
{
	enum software_note note = grow(l);
	struct listing_entry e = {.len = value.n};

	if (note != NOTE_NONE)
		return note;
	l->bytes += name.n + value.n;
	if (name.n == 0 || name.n > MANIFEST_PATH_MAX - 8 || l->bytes > LISTING_BYTES_MAX)
		return NOTE_TOO_LARGE;
	if (span_until(name, 0).n != name.n)
		return NOTE_MALFORMED;
	e.name = copy(name);
	e.value = copy(value);
	if (!e.name || !e.value) {
		free(e.name);
		free(e.value);
		return NOTE_FAULT;
	}
	l->v[l->n++] = e;
	return NOTE_NONE;
}

static int
by_name(const void *a, const void *b)
{
	const struct listing_entry *x = a, *y = b;

	return manifest_order(SPAN(x->name, strlen(x->name)), SPAN(y->name, strlen(y->name)));
}

/* Merge sort: what has the same name stays in the order of the file. */
static void
sort(struct listing_entry *v, struct listing_entry *room, size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t at = 0; at < n; at += 2 * width) {
			size_t a = at, mid = at + width < n ? at + width : n, b = mid;
			size_t end = mid + width < n ? mid + width : n, to = at;

			while (a < mid || b < end)
				room[to++] = b >= end || (a < mid && by_name(&v[a], &v[b]) <= 0)
						     ? v[a++]
						     : v[b++];
		}
		memcpy(v, room, n * sizeof *v);
	}
}

static enum software_note
number_repeated(struct listing *l)
{
	size_t first = 0;
	size_t cap;
	char *name;

	for (size_t i = 1; i < l->n; i++) {
		if (strcmp(l->v[i].name, l->v[first].name) != 0) {
			first = i;
			continue;
		}
		cap = strlen(l->v[i].name) + 8;
		name = malloc(cap);
		if (!name)
			return NOTE_FAULT;
		snprintf(name, cap, "%s#%zu", l->v[i].name, i - first + 1);
		free(l->v[i].name);
		l->v[i].name = name;
	}
	return NOTE_NONE;
}

enum software_note
listing_sort(struct listing *l)
{
	struct listing_entry *room = calloc(l->n ? l->n : 1, sizeof *room);
	enum software_note note;

	if (!room)
		return NOTE_FAULT;
	sort(l->v, room, l->n);
	note = number_repeated(l);
	sort(l->v, room, l->n); /* "a#2" may belong behind "a!" */
	free(room);
	for (size_t i = 1; i < l->n && note == NOTE_NONE; i++)
		if (strcmp(l->v[i - 1].name, l->v[i].name) == 0)
			note = NOTE_MALFORMED; /* somebody has named a key "a#2" */
	return note;
}

const struct listing_entry *
listing_find(const struct listing *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	return NULL;
}

static enum software_note
put_entry(struct sink *s, const struct listing_entry *e)
{
	struct manifest_entry m = {.type = 'i', .path = SPAN(e->name, strlen(e->name))};
	uint8_t digest[32];

	switch (e->how) {
	case LISTING_TEXT:
		if (e->len <= MANIFEST_TEXT_MAX) {
			m.text = SPAN(e->value, e->len);
			break;
		} /* too long to be told: fall through */
		/* FALLTHROUGH */
	case LISTING_HASHED:
		if (digest_sha256(SPAN(e->value, e->len), digest) != ASSAY_OK)
			return NOTE_FAULT;
		m.digest = SPAN(digest, sizeof digest);
		break;
	case LISTING_SILENT:
		break;
	}
	return sink_put(s, &m);
}

enum software_note
listing_manifest(const struct listing *l, struct result *r)
{
	struct sink s;
	enum software_note note = sink_open(&s);

	if (note != NOTE_NONE)
		return note;
	for (size_t i = 0; i < l->n && note == NOTE_NONE; i++)
		note = put_entry(&s, &l->v[i]);
	return sink_close(&s, note, r);
}

void
listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		explicit_bzero(l->v[i].value, l->v[i].len);
		free(l->v[i].name);
		free(l->v[i].value);
	}
	free(l->v);
	*l = (struct listing){.n = 0};
}
