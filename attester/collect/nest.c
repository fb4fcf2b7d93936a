/* nest.c: names of nested values, see normal.h. */
#include "normal.h"

#include <stdio.h>
#include <string.h>

static void
fail(struct nest *n, enum software_note note)
{
	if (n->note == NOTE_NONE)
		n->note = note;
}

static void
append(struct nest *n, const char *s, size_t len)
{
	if (len > NORMAL_NAME_MAX - n->len) {
		fail(n, NOTE_TOO_LARGE);
		return;
	}
	memcpy(n->name + n->len, s, len);
	n->len += len;
}

bool
nest_in_list(const struct nest *n)
{
	return n->depth > 0 && n->level[n->depth - 1].list;
}

/* An element of a list has its number for a name. */
static void
name_element(struct nest *n)
{
	char text[24];
	int len;

	if (n->depth == 0)
		return;
	n->level[n->depth - 1].count++;
	if (!nest_in_list(n))
		return;
	n->len = n->level[n->depth - 1].base;
	len = snprintf(text, sizeof text, "[%zu]", n->level[n->depth - 1].count - 1);
	append(n, text, (size_t)len);
}

void
nest_open(struct nest *n, bool list)
{
	name_element(n);
	if (n->depth == NORMAL_DEPTH_MAX) {
		fail(n, NOTE_TOO_LARGE);
		return;
	}
	n->level[n->depth].list = list;
	n->level[n->depth].base = n->len;
	n->level[n->depth].count = 0;
	n->depth++;
}

void
nest_key(struct nest *n, struct span key)
{
	if (n->depth == 0 || nest_in_list(n)) {
		fail(n, NOTE_MALFORMED);
		return;
	}
	n->len = n->level[n->depth - 1].base;
	if (n->len > 0)
		append(n, ".", 1);
	if (key.n == 0)
		append(n, "\\", 1); /* a key without a name has this one */
	for (size_t i = 0; i < key.n && n->note == NOTE_NONE; i++) {
		char c = (char)key.p[i];

		if (c == '.' || c == '[' || c == '\\')
			append(n, "\\", 1);
		append(n, &c, 1);
	}
}

static void
add(struct nest *n, struct span value)
{
	struct span name = n->len > 0 ? SPAN(n->name, n->len) : SPAN("$", 1);

	if (n->note == NOTE_NONE)
		fail(n, listing_add(n->l, name, value));
}

void
nest_value(struct nest *n, struct span value)
{
	name_element(n);
	add(n, value);
}

void
nest_close(struct nest *n)
{
	bool list;

	if (n->depth == 0) {
		fail(n, NOTE_MALFORMED);
		return;
	}
	n->depth--;
	n->len = n->level[n->depth].base;
	list = n->level[n->depth].list;
	if (n->level[n->depth].count == 0)
		add(n, list ? SPAN("[]", 2) : SPAN("{}", 2));
}
