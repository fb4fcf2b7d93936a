/* glob.c: see glob.h. The steps between head and tail are a set of bits; a byte moves
 * all of them at once (Baeza-Yates and Gonnet's Shift-And, with loops). */
#include "glob.h"

#include <string.h>

enum token { TOKEN_LITERAL, TOKEN_ONE, TOKEN_MANY, TOKEN_ALL };

struct tokens {
	unsigned count;
	uint8_t kind[GLOB_PATTERN_MAX], byte[GLOB_PATTERN_MAX];
};

static bool
is_star(uint8_t kind)
{
	return kind == TOKEN_MANY || kind == TOKEN_ALL;
}

/* Stars that touch are one: of `*` and `**` the wider. */
static void
add_star(struct tokens *t, uint8_t kind)
{
	if (t->count != 0 && is_star(t->kind[t->count - 1])) {
		if (kind == TOKEN_ALL)
			t->kind[t->count - 1] = TOKEN_ALL;
		return;
	}
	t->byte[t->count] = 0;
	t->kind[t->count++] = kind;
}

static enum assay_err
tokenize(struct span p, struct tokens *t)
{
	t->count = 0;
	for (size_t i = 0; i < p.n; i++) {
		uint8_t c = p.p[i];

		if (c == '*') {
			bool all = i + 1 < p.n && p.p[i + 1] == '*';

			add_star(t, all ? TOKEN_ALL : TOKEN_MANY);
			i += all;
			continue;
		}
		if (c == '\\' && ++i == p.n)
			return ASSAY_MALFORMED;
		t->kind[t->count] = c == '?' ? TOKEN_ONE : TOKEN_LITERAL;
		t->byte[t->count++] = p.p[i];
	}
	return ASSAY_OK;
}

static void
add_step(struct glob *g, uint8_t kind, uint8_t byte)
{
	uint64_t bit = UINT64_C(1) << g->steps++;

	if (is_star(kind))
		g->stars |= bit;
	for (unsigned c = 0; c < 256; c++) {
		bool fits = kind == TOKEN_ALL || (kind != TOKEN_LITERAL && c != '/') ||
			    (kind == TOKEN_LITERAL && c == byte);

		if (fits && is_star(kind))
			g->stays[c] |= bit;
		else if (fits)
			g->goes[c] |= bit;
	}
}

enum assay_err
glob_compile(struct span pattern, struct glob *ret)
{
	struct tokens t;
	unsigned first = 0, last;
	enum assay_err e;

	if (pattern.n == 0)
		return ASSAY_MALFORMED;
	if (pattern.n > GLOB_PATTERN_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = tokenize(pattern, &t)) != ASSAY_OK)
		return e;
	memset(ret, 0, sizeof *ret);
	while (first < t.count && t.kind[first] == TOKEN_LITERAL)
		ret->head[ret->head_len++] = t.byte[first++];
	for (last = t.count; last > first && t.kind[last - 1] == TOKEN_LITERAL;)
		last--;
	for (unsigned i = last; i < t.count; i++)
		ret->tail[ret->tail_len++] = t.byte[i];
	if (last - first > GLOB_STEPS_MAX)
		return ASSAY_TOO_MANY;
	for (unsigned i = first; i < last; i++)
		add_step(ret, t.kind[i], t.byte[i]);
	ret->rest = last - first == 1 && t.kind[first] == TOKEN_ALL;
	return ASSAY_OK;
}

static uint64_t
skip_stars(const struct glob *g, uint64_t at)
{
	return at | (at & g->stars) << 1;
}

static bool
steps_match(const struct glob *g, const uint8_t *p, size_t n)
{
	uint64_t at = skip_stars(g, 1);

	for (size_t i = 0; i < n && at != 0; i++)
		at = skip_stars(g, (at & g->goes[p[i]]) << 1 | (at & g->stays[p[i]]));
	return at >> g->steps & 1;
}

bool
glob_matches(const struct glob *g, struct span path)
{
	size_t fixed = (size_t)g->head_len + g->tail_len;
	struct reader r;
	struct span head, middle, tail;

	if (path.n < fixed)
		return false;
	rd_init(&r, path);
	head = rd_bytes(&r, g->head_len);
	middle = rd_bytes(&r, path.n - fixed);
	tail = rd_rest(&r);
	if (!span_equal(head, SPAN(g->head, head.n)) || !span_equal(tail, SPAN(g->tail, tail.n)))
		return false;
	return g->steps == 0 ? middle.n == 0 : g->rest || steps_match(g, middle.p, middle.n);
}
