/* bootwords.c: see bootwords.h. */
#include "bootwords.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 160
#define TAIL_SHOWN 60

struct words {
	size_t n;
	struct word {
		const char *p;
		size_t n;
		bool used;
	} w[WORDS_MAX];
};

struct out {
	char *p;
	size_t cap, len;
};

static void
put(struct out *o, const char *s, size_t n)
{
	if (o->len + n + 1 > o->cap)
		n = o->cap - 1 - o->len;
	memcpy(o->p + o->len, s, n);
	o->len += n;
	o->p[o->len] = '\0';
}

static void
puts_to(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

/* What follows "component: " in a description. */
static const char *
value_of(enum boot_component c, const char *line)
{
	size_t n = strlen(boot_component_text(c));

	if (strncmp(line, boot_component_text(c), n) == 0 && line[n] == ':' && line[n + 1] == ' ')
		return line + n + 2;
	return line;
}

static bool
is_cut(const char *text)
{
	size_t n = strlen(text);

	return n >= 3 && strcmp(text + n - 3, "...") == 0;
}

static void
split(const char *text, struct words *ret)
{
	ret->n = 0;
	while (*text != '\0' && ret->n < WORDS_MAX) {
		size_t n = strcspn(text, " ");

		if (n > 0)
			ret->w[ret->n++] = (struct word){text, n, false};
		text += n + strspn(text + n, " ");
	}
}

static bool
same(const struct word *a, const struct word *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0; /* public */
}

static void
pair_words(struct words *a, struct words *b)
{
	for (size_t i = 0; i < a->n; i++) {
		for (size_t j = 0; j < b->n; j++) {
			if (!b->w[j].used && same(&a->w[i], &b->w[j])) {
				a->w[i].used = b->w[j].used = true;
				break;
			}
		}
	}
}

/* " gained `a b`" for the words that have no counterpart. */
static bool
put_left(struct out *o, const struct words *w, const char *verb)
{
	bool any = false;

	for (size_t i = 0; i < w->n; i++) {
		if (w->w[i].used)
			continue;
		puts_to(o, any ? " " : verb);
		put(o, w->w[i].p, w->w[i].n);
		any = true;
	}
	if (any)
		puts_to(o, "`");
	return any;
}

static bool
is_list_of_words(enum boot_component c)
{
	return c == BOOT_KERNEL_CMDLINE || c == BOOT_GRUB_COMMAND;
}

/* A command line: words gained and lost. Only their order: neither. */
static void
changed_words(struct out *o, const char *seen, const char *expected)
{
	struct words now, before;
	bool gained;

	split(seen, &now);
	split(expected, &before);
	pair_words(&now, &before);
	gained = put_left(o, &now, " gained `");
	if (put_left(o, &before, gained ? ", lost `" : " lost `") || gained)
		return;
	puts_to(o, " changed in the order of its words");
}

/* The number before " entries" or " entry"; -1 if there is none. */
static long
entries_of(const char *text)
{
	char *end;
	long n;

	if (strcmp(text, "empty") == 0)
		return 0;
	n = strtol(text, &end, 10);
	if (end == text || strncmp(end, " entr", 5) != 0)
		return -1;
	return n;
}

static bool
changed_count(struct out *o, const char *seen, const char *expected)
{
	long now = entries_of(seen), before = entries_of(expected);
	char t[80];

	if (now < 0 || before < 0 || now == before)
		return false;
	text_format(t, sizeof t, " went %s from %ld to %ld entries",
		    now < before ? "back" : "up", before, now);
	puts_to(o, t);
	return true;
}

/* The reference keeps only the beginning, and that is the same. */
static void
changed_behind_cut(struct out *o, const char *seen)
{
	size_t n = strlen(seen);

	puts_to(o, " changed; it now ends in `");
	puts_to(o, seen + (n > TAIL_SHOWN ? n - TAIL_SHOWN : 0));
	puts_to(o, "`");
}

static void
changed_from_to(struct out *o, const char *seen, const char *expected)
{
	puts_to(o, " changed from `");
	puts_to(o, expected);
	puts_to(o, "` to `");
	puts_to(o, seen);
	puts_to(o, "`");
}

void
bootwords_changed(enum boot_component c, const char *seen, const char *expected, char *ret,
		  size_t cap)
{
	const char *now = value_of(c, seen), *before = value_of(c, expected);
	size_t n = strlen(before);
	struct out o = {ret, cap, 0};

	ret[0] = '\0';
	puts_to(&o, boot_component_text(c));
	if (strcmp(now, before) == 0) {
		puts_to(&o, " changed (");
		puts_to(&o, now);
		puts_to(&o, ")");
	} else if (is_cut(before) && strncmp(now, before, n - 3) == 0) {
		changed_behind_cut(&o, now);
	} else if (changed_count(&o, now, before)) {
		return;
	} else if (is_list_of_words(c) && !is_cut(before)) {
		changed_words(&o, now, before);
	} else {
		changed_from_to(&o, now, before);
	}
}

void
bootwords_added(enum boot_component c, const char *seen, char *ret, size_t cap)
{
	text_format(ret, cap, "new %s: %s", boot_component_text(c), value_of(c, seen));
}

void
bootwords_removed(enum boot_component c, const char *expected, char *ret, size_t cap)
{
	text_format(ret, cap, "%s is gone: %s", boot_component_text(c), value_of(c, expected));
}
