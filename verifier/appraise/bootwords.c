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

/* What does not fit ends in "...". */
static void
put(struct out *o, const char *s, size_t n)
{
	bool full = n > o->cap - 1 - o->len;

	if (full)
		n = o->cap - 1 - o->len;
	memcpy(o->p + o->len, s, n);
	o->len += n;
	o->p[o->len] = '\0';
	if (full)
		memcpy(o->p + o->cap - 4, "...", 4);
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

/* A hexadecimal number below 256 after the text; s moves behind both. */
static bool
take_hex(const char **s, const char *before, unsigned *ret)
{
	size_t n = strlen(before);
	unsigned long v;
	char *end;

	if (strncmp(*s, before, n) != 0)
		return false;
	v = strtoul(*s + n, &end, 16);
	if (end == *s + n || v > 0xFF)
		return false;
	*s = end;
	*ret = (unsigned)v;
	return true;
}

/* "PciRoot(0x0)/Pci(0x1C,0x0)/Pci(0x0,0x1)/..." is "00:1c.0/00.1", as lspci -P writes the
 * path to a device through its bridges. A device path does not tell their bus numbers. */
static bool
pci_address(const char *path, char *ret, size_t cap)
{
	unsigned root, device, function, depth = 0;
	size_t n;

	if (!take_hex(&path, "PciRoot(", &root) || *path++ != ')')
		return false;
	text_format(ret, cap, "%02x:", root);
	while (take_hex(&path, "/Pci(", &device) && take_hex(&path, ",", &function) &&
	       *path++ == ')') {
		n = strlen(ret);
		text_format(ret + n, cap - n, "%s%02x.%x", depth++ ? "/" : "", device, function);
	}
	return depth != 0;
}

/* ": value", after the place of what sits in a slot. */
static void
put_place(struct out *o, enum boot_component c, const char *value)
{
	char address[64];

	if ((c == BOOT_OPTION_ROM || c == BOOT_BOOT_DRIVER) &&
	    pci_address(value, address, sizeof address)) {
		puts_to(o, " at PCI ");
		puts_to(o, address);
	}
}

void
bootwords_added(enum boot_component c, const char *seen, char *ret, size_t cap)
{
	const char *value = value_of(c, seen);
	struct out o = {ret, cap, 0};

	ret[0] = '\0';
	puts_to(&o, "new ");
	puts_to(&o, boot_component_text(c));
	put_place(&o, c, value);
	puts_to(&o, ": ");
	puts_to(&o, value);
}

void
bootwords_removed(enum boot_component c, const char *expected, char *ret, size_t cap)
{
	const char *value = value_of(c, expected);
	struct out o = {ret, cap, 0};

	ret[0] = '\0';
	puts_to(&o, boot_component_text(c));
	put_place(&o, c, value);
	puts_to(&o, " is gone: ");
	puts_to(&o, value);
}
