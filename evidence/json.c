/* json.c: see json.h. */
#include "json.h"

#include "writer.h"

#include <string.h>

/* The reading so far: a cursor, and the container that is open. */
struct parse {
	struct reader r;
	struct json_node *node;
	uint32_t cap, n;
	uint32_t open; /* index of the innermost container; meaningless at depth 0 */
	uint16_t depth;
	struct span name; /* of the member whose value comes next */
	bool name_escaped;
};

/* ---- characters ---- */

static int
peek(const struct parse *p)
{
	return p->r.err == ASSAY_OK && rd_left(&p->r) > 0 ? p->r.p[p->r.pos] : -1;
}

static bool
take(struct parse *p, int c)
{
	if (peek(p) != c)
		return false;
	(void)rd_u8(&p->r);
	return true;
}

static void
skip_space(struct parse *p)
{
	while (take(p, ' ') || take(p, '\t') || take(p, '\n') || take(p, '\r'))
		;
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int
hex_value(int c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hex digits, after \u. */
static uint32_t
read_unit(struct reader *r)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int d = hex_value(rd_u8(r));

		if (d < 0)
			rd_fail(r, ASSAY_MALFORMED);
		v = v << 4 | (uint32_t)(d & 0xF);
	}
	return v;
}

/* A code point after \u; a surrogate needs its other half. */
static uint32_t
read_escaped_point(struct reader *r)
{
	uint32_t hi = read_unit(r), lo;

	if (hi < 0xD800 || hi > 0xDFFF)
		return hi;
	if (hi > 0xDBFF || rd_u8(r) != '\\' || rd_u8(r) != 'u')
		rd_fail(r, ASSAY_MALFORMED);
	lo = read_unit(r);
	if (lo < 0xDC00 || lo > 0xDFFF)
		rd_fail(r, ASSAY_MALFORMED);
	return 0x10000 + ((hi & 0x3FF) << 10 | (lo & 0x3FF));
}

/* A code point in UTF-8 whose first byte, 0x80 or more, was read (RFC 3629). */
static uint32_t
read_utf8(struct reader *r, uint8_t first)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	int more = first >= 0xF0 && first <= 0xF4	? 3
		   : first >= 0xE0 && first <= 0xEF	? 2
		   : first >= 0xC2 && first <= 0xDF	? 1
							: 0;
	uint32_t v = first & (0x3Fu >> more);

	if (more == 0)
		rd_fail(r, ASSAY_MALFORMED);
	for (int i = 0; i < more; i++) {
		uint8_t b = rd_u8(r);

		if ((b & 0xC0) != 0x80)
			rd_fail(r, ASSAY_MALFORMED);
		v = v << 6 | (b & 0x3Fu);
	}
	if (v < least[more] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
		rd_fail(r, ASSAY_MALFORMED);
	return v;
}

/* One character of a string, as a code point. */
static uint32_t
read_character(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint8_t c = rd_u8(r);
	const char *at;

	if (c < 0x20)
		rd_fail(r, ASSAY_MALFORMED);
	if (c >= 0x80)
		return read_utf8(r, c);
	if (c != '\\')
		return c;
	c = rd_u8(r);
	if (c == 'u')
		return read_escaped_point(r);
	at = c ? strchr(from, c) : NULL;
	if (!at)
		rd_fail(r, ASSAY_MALFORMED);
	return at ? (uint8_t)to[at - from] : 0;
}

static void
put_utf8(struct writer *w, uint32_t c)
{
	if (c < 0x80) {
		wr_u8(w, (uint8_t)c);
		return;
	}
	if (c >= 0x10000) {
		wr_u8(w, (uint8_t)(0xF0 | c >> 18));
		wr_u8(w, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
	} else if (c >= 0x800) {
		wr_u8(w, (uint8_t)(0xE0 | c >> 12));
	}
	if (c >= 0x800)
		wr_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
	else
		wr_u8(w, (uint8_t)(0xC0 | c >> 6));
	wr_u8(w, (uint8_t)(0x80 | (c & 0x3F)));
}

/* The string after its opening quote; the closing one is taken too. */
static struct span
read_string(struct parse *p, bool *ret_escaped)
{
	size_t start = p->r.pos;
	struct reader whole = p->r;

	*ret_escaped = false;
	while (peek(p) != '"' && p->r.err == ASSAY_OK) {
		*ret_escaped |= peek(p) == '\\';
		(void)read_character(&p->r);
	}
	if (p->r.err != ASSAY_OK)
		return SPAN(NULL, 0);
	whole.len = p->r.pos;
	(void)rd_u8(&p->r);
	return p->r.pos - start > 1 ? rd_rest(&whole) : SPAN(NULL, 0);
}

static enum assay_err
resolve(struct span text, struct writer *w)
{
	struct reader r;

	rd_init(&r, text);
	while (rd_left(&r) > 0 && w->err == ASSAY_OK) {
		uint32_t c = read_character(&r);

		if (c == 0)
			return ASSAY_MALFORMED;
		put_utf8(w, c);
	}
	return w->err != ASSAY_OK ? ASSAY_FULL : rd_finish(&r);
}

/* ---- names ---- */

static bool
same_name(const struct json_node *a, struct span name, bool escaped)
{
	uint8_t one[JSON_NAME_MAX], two[JSON_NAME_MAX];
	struct writer w1, w2;

	if (!a->name_escaped && !escaped)
		return span_equal(a->name, name);
	wr_init(&w1, one, sizeof one);
	wr_init(&w2, two, sizeof two);
	/* what has no room was refused when it was read; take no risk */
	if (resolve(a->name, &w1) != ASSAY_OK || resolve(name, &w2) != ASSAY_OK)
		return true;
	return span_equal(wr_span(&w1), wr_span(&w2));
}

/* The name of the next member, and its colon. */
static void
read_name(struct parse *p)
{
	skip_space(p);
	if (!take(p, '"')) {
		rd_fail(&p->r, ASSAY_MALFORMED);
		return;
	}
	p->name = read_string(p, &p->name_escaped);
	if (p->name.n > JSON_NAME_MAX)
		rd_fail(&p->r, ASSAY_TOO_LARGE);
	skip_space(p);
	if (!take(p, ':'))
		rd_fail(&p->r, ASSAY_MALFORMED);
	if (p->r.err != ASSAY_OK)
		return;
	for (uint32_t i = p->open + 1; i < p->n; i = p->node[i].end)
		if (same_name(&p->node[i], p->name, p->name_escaped)) {
			rd_fail(&p->r, ASSAY_DUPLICATE);
			return;
		}
}

/* ---- values ---- */

static struct json_node *
add_node(struct parse *p, enum json_type t)
{
	struct json_node *n;

	if (p->n == p->cap) {
		rd_fail(&p->r, ASSAY_TOO_MANY);
		return NULL;
	}
	n = &p->node[p->n];
	*n = (struct json_node){
		.type = (uint8_t)t,
		.depth = p->depth,
		.parent = p->depth ? p->open : 0,
		.end = p->n + 1,
		.name = p->name,
		.name_escaped = p->name_escaped,
	};
	p->n++;
	p->name = SPAN(NULL, 0);
	p->name_escaped = false;
	return n;
}

static void
digits(struct parse *p)
{
	if (!is_digit(peek(p)))
		rd_fail(&p->r, ASSAY_MALFORMED);
	while (is_digit(peek(p)))
		(void)rd_u8(&p->r);
}

static void
read_number(struct parse *p)
{
	struct reader whole = p->r;
	enum json_type t = JSON_INTEGER_T;
	struct json_node *n;
	bool zero;

	(void)take(p, '-');
	zero = peek(p) == '0';
	if (zero)
		(void)rd_u8(&p->r);
	else
		digits(p);
	if (take(p, '.')) {
		t = JSON_REAL_T;
		digits(p);
	}
	if (take(p, 'e') || take(p, 'E')) {
		t = JSON_REAL_T;
		if (!take(p, '+'))
			(void)take(p, '-');
		digits(p);
	}
	if (p->r.err != ASSAY_OK || !(n = add_node(p, t)))
		return;
	whole.len = p->r.pos;
	n->text = rd_rest(&whole);
}

static void
read_word(struct parse *p)
{
	static const struct {
		struct span text;
		enum json_type type;
	} words[] = {
		{{(const uint8_t *)"true", 4}, JSON_TRUE_T},
		{{(const uint8_t *)"false", 5}, JSON_FALSE_T},
		{{(const uint8_t *)"null", 4}, JSON_NULL_T},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct reader ahead = p->r;

		if (!span_equal(rd_bytes(&ahead, words[i].text.n), words[i].text))
			continue;
		p->r = ahead;
		(void)add_node(p, words[i].type);
		return;
	}
	rd_fail(&p->r, ASSAY_MALFORMED);
}

static void
open_container(struct parse *p, enum json_type t)
{
	if (p->depth == JSON_DEPTH_MAX) {
		rd_fail(&p->r, ASSAY_TOO_LARGE);
		return;
	}
	if (!add_node(p, t))
		return;
	p->open = p->n - 1;
	p->node[p->open].start = p->r.pos - 1; /* its bracket was read */
	p->depth++;
}

static void
close_container(struct parse *p)
{
	struct json_node *n = &p->node[p->open];
	struct reader whole = p->r;

	whole.len = p->r.pos;
	whole.pos = n->start;
	n->text = rd_rest(&whole);
	n->end = p->n;
	p->open = p->node[p->open].parent;
	p->depth--;
}

static bool
closes(const struct parse *p, int c)
{
	return c == (p->node[p->open].type == JSON_OBJECT_T ? '}' : ']');
}

/* One value, or the opening of a container. True: a container was opened, and its first
 * element comes next. */
static bool
read_value(struct parse *p)
{
	struct json_node *n;
	struct span s;
	bool escaped;

	skip_space(p);
	switch (peek(p)) {
	case '{':
	case '[':
		open_container(p, rd_u8(&p->r) == '{' ? JSON_OBJECT_T : JSON_ARRAY_T);
		skip_space(p);
		if (p->r.err != ASSAY_OK || closes(p, peek(p)))
			return false; /* empty: after_value() closes it */
		if (p->node[p->open].type == JSON_OBJECT_T)
			read_name(p);
		return true;
	case '"':
		(void)rd_u8(&p->r);
		s = read_string(p, &escaped);
		if (p->r.err == ASSAY_OK && (n = add_node(p, JSON_STRING_T))) {
			n->text = s;
			n->escaped = escaped;
		}
		return false;
	case 't':
	case 'f':
	case 'n':
		read_word(p);
		return false;
	default:
		read_number(p);
		return false;
	}
}

/* Closes what ends here. True: a comma, another value comes. */
static bool
after_value(struct parse *p)
{
	while (p->depth > 0 && p->r.err == ASSAY_OK) {
		skip_space(p);
		if (take(p, ',')) {
			if (p->n == p->open + 1) /* nothing before the comma */
				rd_fail(&p->r, ASSAY_MALFORMED);
			if (p->node[p->open].type == JSON_OBJECT_T)
				read_name(p);
			return true;
		}
		if (!closes(p, peek(p))) {
			rd_fail(&p->r, ASSAY_MALFORMED);
			return false;
		}
		(void)rd_u8(&p->r);
		close_container(p);
	}
	return false;
}

enum assay_err
json_read(struct span text, struct json_node *node, uint32_t cap, uint32_t *ret_n)
{
	struct parse p = {.node = node, .cap = cap};
	enum assay_err e;

	rd_init(&p.r, text);
	do
		while (read_value(&p))
			;
	while (after_value(&p) && p.r.err == ASSAY_OK);
	skip_space(&p);
	if ((e = rd_finish(&p.r)) != ASSAY_OK)
		return e == ASSAY_TRUNCATED ? ASSAY_MALFORMED : e;
	*ret_n = p.n;
	return ASSAY_OK;
}

/* ---- asking ---- */

uint32_t
json_first(const struct json_node *node, uint32_t of)
{
	bool container = node[of].type == JSON_OBJECT_T || node[of].type == JSON_ARRAY_T;

	return container && node[of].end > of + 1 ? of + 1 : 0;
}

uint32_t
json_after(const struct json_node *node, uint32_t at)
{
	uint32_t next = node[at].end;

	return at != 0 && next < node[node[at].parent].end ? next : 0;
}

uint32_t
json_member(const struct json_node *node, uint32_t object, const char *name)
{
	if (node[object].type != JSON_OBJECT_T)
		return 0;
	for (uint32_t i = json_first(node, object); i != 0; i = json_after(node, i))
		if (same_name(&node[i], SPAN(name, strlen(name)), false))
			return i;
	return 0;
}

enum assay_err
json_integer_of(const struct json_node *node, uint32_t at, int64_t *ret)
{
	struct reader r;
	bool minus = false;
	uint64_t v = 0;

	if (node[at].type != JSON_INTEGER_T)
		return ASSAY_MALFORMED;
	rd_init(&r, node[at].text);
	while (rd_left(&r) > 0) {
		uint8_t c = rd_u8(&r);

		if (c == '-') {
			minus = true;
			continue;
		}
		if (v > ((uint64_t)INT64_MAX - (uint64_t)(c - '0')) / 10)
			return ASSAY_TOO_LARGE;
		v = v * 10 + (uint64_t)(c - '0');
	}
	*ret = minus ? -(int64_t)v : (int64_t)v;
	return ASSAY_OK;
}

static enum assay_err
resolved(struct span text, char *ret, size_t cap)
{
	struct writer w;
	enum assay_err e;

	wr_init(&w, ret, cap - 1);
	if ((e = resolve(text, &w)) != ASSAY_OK) {
		ret[0] = '\0';
		return e;
	}
	ret[w.len] = '\0';
	return ASSAY_OK;
}

enum assay_err
json_string_of(const struct json_node *node, uint32_t at, char *ret, size_t cap)
{
	return node[at].type == JSON_STRING_T ? resolved(node[at].text, ret, cap) : ASSAY_MALFORMED;
}

enum assay_err
json_name_of(const struct json_node *node, uint32_t at, char *ret, size_t cap)
{
	return resolved(node[at].name, ret, cap);
}

bool
json_string_is(const struct json_node *node, uint32_t at, const char *text)
{
	char s[JSON_NAME_MAX];

	return json_string_of(node, at, s, sizeof s) == ASSAY_OK && strcmp(s, text) == 0;
}

/* ---- writing ---- */

void
json_put_text(struct writer *w, const char *s)
{
	wr_bytes(w, SPAN(s, strlen(s)));
}

void
json_put_string(struct writer *w, const char *s)
{
	static const char hex[] = "0123456789abcdef";

	wr_u8(w, '"');
	for (; *s; s++) {
		uint8_t c = (uint8_t)*s;

		if (c == '"' || c == '\\')
			wr_u8(w, '\\');
		if (c >= 0x20 && c < 0x7F) {
			wr_u8(w, c);
			continue;
		}
		json_put_text(w, "\\u00");
		wr_u8(w, (uint8_t)hex[c >> 4]);
		wr_u8(w, (uint8_t)hex[c & 0xF]);
	}
	wr_u8(w, '"');
}

void
json_put_integer(struct writer *w, int64_t v)
{
	char text[24];
	size_t at = sizeof text;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do
		text[--at] = (char)('0' + u % 10);
	while ((u /= 10) != 0);
	if (v < 0)
		text[--at] = '-';
	wr_bytes(w, SPAN(text + at, sizeof text - at));
}
