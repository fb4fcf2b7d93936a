/* text.c: see text.h. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROOM_FOR_DOTS 8

struct out {
	char *p;
	size_t cap, len;
	bool full;
};

static void
put(struct out *o, const char *s, size_t n)
{
	if (o->full || n > o->cap - o->len - 1) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->len, s, n);
	o->len += n;
	o->p[o->len] = '\0';
}

/* A text that did not fit gives up its end for the dots. */
static void
finish(struct out *o)
{
	if (!o->full)
		return;
	if (o->len > o->cap - 4)
		o->len = o->cap - 4;
	memcpy(o->p + o->len, "...", 4);
}

void
text_escape(struct span in, char *ret, size_t cap)
{
	struct out o = {ret, cap, 0, false};

	ret[0] = '\0';
	for (size_t i = 0; i < in.n && !o.full; i++) {
		char c = (char)in.p[i], esc[8];

		if (c >= 0x20 && c <= 0x7E && c != '\\') {
			put(&o, &c, 1);
			continue;
		}
		snprintf(esc, sizeof esc, "\\x%02x", in.p[i]);
		put(&o, esc, 4);
	}
	finish(&o);
}

void
text_escape_utf16(struct span in, char *ret, size_t cap)
{
	struct out o = {ret, cap, 0, false};
	struct reader r;

	ret[0] = '\0';
	rd_init(&r, in);
	while (rd_left(&r) >= 2 && !o.full) {
		uint16_t u = rd_le16(&r);
		char c = (char)u, esc[8];

		if (u >= 0x20 && u <= 0x7E && u != '\\') {
			put(&o, &c, 1);
			continue;
		}
		snprintf(esc, sizeof esc, "\\u%04x", u);
		put(&o, esc, 6);
	}
	finish(&o);
}

void
text_format(char *ret, size_t cap, const char *fmt, ...)
{
	va_list ap;

	int n;

	va_start(ap, fmt);
	n = vsnprintf(ret, cap, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n >= cap && cap >= ROOM_FOR_DOTS)
		memcpy(ret + cap - 4, "...", 4);
}

/* Backtracks to the last "*" only: no recursion. */
bool
text_matches(struct span pattern, struct span text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

struct span
text_next_word(struct span *list)
{
	size_t from = 0, to;

	while (from < list->n && list->p[from] == ' ')
		from++;
	for (to = from; to < list->n && list->p[to] != ' ';)
		to++;
	struct span word = SPAN(list->p + from, to - from);
	*list = SPAN(list->p + to, list->n - to);
	return word;
}

bool
text_has_word(struct span list, struct span word)
{
	struct span w;

	while ((w = text_next_word(&list)).n != 0)
		if (span_equal(w, word))
			return true;
	return false;
}

unsigned
text_distance(const char *a, const char *b)
{
	unsigned row[TEXT_WORD_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > TEXT_WORD_MAX || nb > TEXT_WORD_MAX)
		return TEXT_WORD_MAX;
	for (unsigned j = 0; j <= nb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

			best = above + 1 < best ? above + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = above;
			row[j] = best;
		}
	}
	return row[nb];
}
