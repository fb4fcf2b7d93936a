/* normal_json.c: RFC 8259, see normal.h. Strings keep their quotes as part of the value,
 * so that "1" and 1 are not the same; numbers are taken as they are written. */
#include "normal.h"

#include <stdlib.h>
#include <string.h>

/* What may come next. */
enum expect { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COMMA_OR_END, END };

struct json {
	struct reader r;
	struct nest n;
	enum expect expect;
	char *text; /* of a string, unescaped */
	size_t len;
};

static void
fail(struct json *j)
{
	if (j->n.note == NOTE_NONE)
		j->n.note = NOTE_MALFORMED;
}

static int
peek(const struct json *j)
{
	struct reader look = j->r;

	return rd_left(&look) > 0 ? rd_u8(&look) : -1;
}

static void
skip_blanks(struct json *j)
{
	int c;

	while ((c = peek(j)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		(void)rd_u8(&j->r);
}

static uint32_t
hex4(struct json *j)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = rd_u8(&j->r);

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			fail(j);
	}
	return v;
}

static void
put(struct json *j, uint32_t byte)
{
	j->text[j->len++] = (char)byte; /* an escape is never shorter than what it stands for */
}

/* \uXXXX as UTF-8; half a surrogate pair is refused. */
static void
put_unicode(struct json *j)
{
	uint32_t c = hex4(j), low;

	if (c >= 0xD800 && c < 0xDC00) {
		if (rd_u8(&j->r) != '\\' || rd_u8(&j->r) != 'u')
			fail(j);
		low = hex4(j);
		if (low < 0xDC00 || low > 0xDFFF)
			fail(j);
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	} else if ((c >= 0xDC00 && c < 0xE000) || c == 0) {
		fail(j);
	}
	if (j->n.note != NOTE_NONE)
		return;
	if (c < 0x80) {
		put(j, c);
	} else if (c < 0x800) {
		put(j, 0xC0 | c >> 6);
		put(j, 0x80 | (c & 0x3F));
	} else {
		if (c < 0x10000) {
			put(j, 0xE0 | c >> 12);
		} else {
			put(j, 0xF0 | c >> 18);
			put(j, 0x80 | (c >> 12 & 0x3F));
		}
		put(j, 0x80 | (c >> 6 & 0x3F));
		put(j, 0x80 | (c & 0x3F));
	}
}

static void
put_escape(struct json *j)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint8_t c = rd_u8(&j->r);
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u')
		put_unicode(j);
	else if (at)
		put(j, (uint8_t)to[at - from]);
	else
		fail(j);
}

/* A string with its quotes into text. */
static void
read_string(struct json *j)
{
	j->len = 0;
	if (rd_u8(&j->r) != '"')
		fail(j);
	put(j, '"');
	while (j->n.note == NOTE_NONE) {
		uint8_t c = rd_u8(&j->r);

		if (j->r.err != ASSAY_OK || c < 0x20)
			fail(j);
		else if (c == '"')
			break;
		else if (c == '\\')
			put_escape(j);
		else
			put(j, c);
	}
	put(j, '"');
}

static bool
in_word(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' ||
	       c == '-' || c == '.';
}

static bool
is_number(const char *s)
{
	s += *s == '-';
	if (*s == '0')
		s++;
	else if (*s >= '1' && *s <= '9')
		s += strspn(s, "0123456789");
	else
		return false;
	if (*s == '.') {
		size_t n = strspn(++s, "0123456789");

		if (n == 0)
			return false;
		s += n;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '+' || *s == '-';
		if (strspn(s, "0123456789") == 0)
			return false;
		s += strspn(s, "0123456789");
	}
	return *s == '\0';
}

/* A number, true, false or null. */
static void
read_word(struct json *j)
{
	j->len = 0;
	while (in_word(peek(j)))
		put(j, rd_u8(&j->r));
	j->text[j->len] = '\0';
	if (strcmp(j->text, "true") != 0 && strcmp(j->text, "false") != 0 &&
	    strcmp(j->text, "null") != 0 && !is_number(j->text))
		fail(j);
}

static void
after_value(struct json *j)
{
	j->expect = j->n.depth > 0 ? COMMA_OR_END : END;
}

static void
step_value(struct json *j)
{
	int c = peek(j);

	if (c == '{' || c == '[') {
		(void)rd_u8(&j->r);
		nest_open(&j->n, c == '[');
		j->expect = c == '[' ? VALUE_OR_END : KEY_OR_END;
		return;
	}
	if (c == '"')
		read_string(j);
	else
		read_word(j);
	if (j->n.note == NOTE_NONE)
		nest_value(&j->n, SPAN(j->text, j->len));
	after_value(j);
}

static void
step_key(struct json *j)
{
	struct reader key;

	read_string(j);
	if (j->n.note != NOTE_NONE)
		return;
	rd_init(&key, SPAN(j->text, j->len));
	(void)rd_u8(&key);
	nest_key(&j->n, rd_bytes(&key, j->len - 2));
	skip_blanks(j);
	if (rd_u8(&j->r) != ':')
		fail(j);
	j->expect = VALUE;
}

static void
step_close(struct json *j)
{
	uint8_t c = rd_u8(&j->r);

	if (c != (nest_in_list(&j->n) ? ']' : '}'))
		fail(j);
	nest_close(&j->n);
	after_value(j);
}

static void
step(struct json *j)
{
	int c = peek(j);
	bool closes = c == '}' || c == ']';

	switch (j->expect) {
	case VALUE:
		step_value(j);
		break;
	case VALUE_OR_END:
		if (closes)
			step_close(j);
		else
			step_value(j);
		break;
	case KEY:
		step_key(j);
		break;
	case KEY_OR_END:
		if (closes)
			step_close(j);
		else
			step_key(j);
		break;
	case COMMA_OR_END:
		if (closes) {
			step_close(j);
			break;
		}
		if (rd_u8(&j->r) != ',')
			fail(j);
		j->expect = nest_in_list(&j->n) ? VALUE : KEY;
		break;
	case END:
		fail(j);
		break;
	}
}

enum software_note
normal_json(struct span text, struct listing *l)
{
	struct json j = {.n = {.l = l}, .expect = VALUE};

	if (span_until(text, 0).n != text.n)
		return NOTE_MALFORMED;
	j.text = malloc(text.n + 3);
	if (!j.text)
		return NOTE_FAULT;
	rd_init(&j.r, text);
	skip_blanks(&j);
	while (j.n.note == NOTE_NONE && !(j.expect == END && rd_left(&j.r) == 0)) {
		if (j.r.err != ASSAY_OK || rd_left(&j.r) == 0)
			fail(&j);
		else
			step(&j);
		skip_blanks(&j);
	}
	free(j.text);
	return j.n.note;
}
