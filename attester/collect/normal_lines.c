/* normal_lines.c: key-value and INI files, see normal.h. */
#include "normal.h"

#include <string.h>

static bool
blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span
trim(struct span s)
{
	struct reader r;

	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	rd_init(&r, s);
	while (rd_left(&r) > 0 && blank(s.p[r.pos]))
		(void)rd_u8(&r);
	return rd_rest(&r);
}

/* Without the quotes around it, if they are a pair. */
static struct span
unquote(struct span s)
{
	struct reader r;

	if (s.n < 2 || (s.p[0] != '"' && s.p[0] != '\'') || s.p[s.n - 1] != s.p[0])
		return s;
	rd_init(&r, s);
	(void)rd_u8(&r);
	return rd_bytes(&r, s.n - 2);
}

static bool
next_line(struct reader *r, struct span *ret)
{
	struct reader look = *r;

	if (rd_left(r) == 0)
		return false;
	*ret = span_until(rd_rest(&look), '\n');
	(void)rd_bytes(r, ret->n);
	if (rd_left(r) > 0)
		(void)rd_u8(r);
	*ret = trim(*ret);
	return true;
}

static bool
is_comment(struct span line)
{
	return line.n == 0 || line.p[0] == '#' || line.p[0] == ';';
}

/* Key and value at the first of '=' and ':', or where blanks part them. */
static void
split(struct span line, struct span *key, struct span *value)
{
	struct reader r;
	size_t at = 0;

	while (at < line.n && line.p[at] != '=' && line.p[at] != ':')
		at++;
	if (at == line.n)
		for (at = 0; at < line.n && !blank(line.p[at]);)
			at++;
	rd_init(&r, line);
	*key = trim(rd_bytes(&r, at));
	(void)rd_u8(&r);
	*value = r.err == ASSAY_OK ? unquote(trim(rd_rest(&r))) : SPAN("", 0);
}

static enum software_note
add(struct listing *l, struct span section, struct span line)
{
	struct nest n = {.l = l};
	struct span key, value;

	split(line, &key, &value);
	if (key.n == 0)
		return NOTE_MALFORMED;
	if (section.n > NORMAL_NAME_MAX)
		return NOTE_TOO_LARGE;
	if (section.n == 0)
		return listing_add(l, key, value);
	/* a section's name may have dots; those of keys are marked */
	memcpy(n.name, section.p, section.n);
	n.len = section.n;
	nest_open(&n, false);
	nest_key(&n, key);
	nest_value(&n, value);
	return n.note;
}

enum software_note
normal_key_value(struct span text, struct listing *l)
{
	enum software_note note = NOTE_NONE;
	struct reader r;
	struct span line;

	if (span_until(text, 0).n != text.n)
		return NOTE_MALFORMED;
	rd_init(&r, text);
	while (note == NOTE_NONE && next_line(&r, &line))
		if (!is_comment(line))
			note = add(l, SPAN(NULL, 0), line);
	return note;
}

enum software_note
normal_ini(struct span text, struct listing *l)
{
	enum software_note note = NOTE_NONE;
	struct span section = {NULL, 0}, line;
	struct reader r, in;

	if (span_until(text, 0).n != text.n)
		return NOTE_MALFORMED;
	rd_init(&r, text);
	while (note == NOTE_NONE && next_line(&r, &line)) {
		if (is_comment(line))
			continue;
		if (line.p[0] != '[') {
			note = add(l, section, line);
			continue;
		}
		rd_init(&in, line);
		(void)rd_u8(&in);
		section = span_until(rd_rest(&in), ']');
		if (section.n == 0 || section.n + 2 != line.n)
			note = NOTE_MALFORMED;
	}
	return note;
}
