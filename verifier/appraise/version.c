/* version.c: see version.h. */
#include "version.h"

#include <string.h>

const char *
version_order_name(enum version_order o)
{
	static const char *const names[ORDER_COUNT] = {"none", "semver", "debian"};

	return (unsigned)o < ORDER_COUNT ? names[o] : names[0];
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* How many of the first bytes are digits. */
static size_t
digits(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_digit(s.p[n]))
		n++;
	return n;
}

static struct span
skip(struct span s, size_t n)
{
	return SPAN(s.p + n, s.n - n);
}

/* Up to the first c, or all; what follows the c goes to *rest (n 0 and p NULL: no c). */
static struct span
cut(struct span s, uint8_t c, struct span *rest)
{
	const uint8_t *at = s.n ? memchr(s.p, c, s.n) : NULL;
	size_t n = at ? (size_t)(at - s.p) : s.n;

	*rest = at ? skip(s, n + 1) : SPAN(NULL, 0);
	return SPAN(s.p, n);
}

/* Numbers of any length, without their leading zeros. */
static int
compare_digits(struct span a, struct span b)
{
	int d;

	while (a.n > 1 && a.p[0] == '0')
		a = skip(a, 1);
	while (b.n > 1 && b.p[0] == '0')
		b = skip(b, 1);
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	d = a.n ? memcmp(a.p, b.p, a.n) : 0; /* public */
	return d < 0 ? -1 : d > 0;
}

/* ---- semver ---- */

struct semver {
	struct span core[3], pre;
	bool has_pre;
};

/* Dot-separated identifiers; numeric ones of a pre-release have no leading zero. */
static bool
identifiers_valid(struct span s, bool pre)
{
	struct span rest = s;

	do {
		struct span one = cut(rest, '.', &rest);

		if (one.n == 0)
			return false;
		for (size_t i = 0; i < one.n; i++)
			if (!is_digit(one.p[i]) && !is_alpha(one.p[i]) && one.p[i] != '-')
				return false;
		if (pre && digits(one) == one.n && one.n > 1 && one.p[0] == '0')
			return false;
	} while (rest.p);
	return true;
}

static bool
semver_parse(struct span s, struct semver *ret)
{
	struct span build, core;

	memset(ret, 0, sizeof *ret);
	s = cut(s, '+', &build);
	core = cut(s, '-', &ret->pre);
	ret->has_pre = ret->pre.p != NULL;
	if ((build.p && !identifiers_valid(build, false)) ||
	    (ret->has_pre && !identifiers_valid(ret->pre, true)))
		return false;
	for (unsigned i = 0; i < 3; i++) {
		struct span n = cut(core, '.', &core);

		if (n.n == 0 || digits(n) != n.n || (n.n > 1 && n.p[0] == '0') ||
		    (core.p == NULL) != (i == 2))
			return false;
		ret->core[i] = n;
	}
	return true;
}

/* Clause 11.4: numbers by value and before words, words by ASCII. */
static int
compare_identifier(struct span a, struct span b)
{
	bool na = digits(a) == a.n, nb = digits(b) == b.n;
	size_t n = a.n < b.n ? a.n : b.n;
	int d;

	if (na && nb)
		return compare_digits(a, b);
	if (na != nb)
		return na ? -1 : 1;
	d = n ? memcmp(a.p, b.p, n) : 0; /* public */
	if (d != 0)
		return d;
	return a.n < b.n ? -1 : a.n > b.n;
}

static int
compare_pre(struct span a, struct span b)
{
	while (a.p && b.p) {
		struct span x = cut(a, '.', &a), y = cut(b, '.', &b);
		int d = compare_identifier(x, y);

		if (d != 0)
			return d;
	}
	return a.p ? 1 : b.p ? -1 : 0;
}

static int
compare_semver(const struct semver *a, const struct semver *b)
{
	for (unsigned i = 0; i < 3; i++) {
		int d = compare_digits(a->core[i], b->core[i]);

		if (d != 0)
			return d;
	}
	if (!a->has_pre || !b->has_pre)
		return a->has_pre ? -1 : b->has_pre;
	return compare_pre(a->pre, b->pre);
}

/* ---- Debian ---- */

struct debian {
	struct span epoch, upstream, revision;
};

static bool
debian_parse(struct span s, struct debian *ret)
{
	struct span rest, head = cut(s, ':', &rest);
	size_t dash;

	memset(ret, 0, sizeof *ret);
	if (rest.p) {
		if (head.n == 0 || digits(head) != head.n)
			return false;
		ret->epoch = head;
		s = rest;
	}
	ret->upstream = s;
	for (dash = s.n; dash > 0 && s.p[dash - 1] != '-';)
		dash--;
	if (dash > 0) {
		ret->revision = skip(s, dash);
		ret->upstream = SPAN(s.p, dash - 1);
		if (ret->revision.n == 0)
			return false;
	}
	if (ret->upstream.n == 0 || !is_digit(ret->upstream.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]) && !is_alpha(s.p[i]) && !strchr(".+-~", s.p[i]))
			return false;
	return true;
}

/* "~" before the end, the end before letters, letters before the rest. */
static int
debian_weight(struct span s, size_t i)
{
	if (i >= s.n || is_digit(s.p[i]))
		return 0;
	if (s.p[i] == '~')
		return -1;
	return is_alpha(s.p[i]) ? s.p[i] : s.p[i] + 256;
}

/* Parts that are no digits and parts that are, in turn. */
static int
compare_debian_part(struct span a, struct span b)
{
	while (a.n != 0 || b.n != 0) {
		size_t i = 0, na, nb;
		int d;

		while ((i < a.n && !is_digit(a.p[i])) || (i < b.n && !is_digit(b.p[i]))) {
			d = debian_weight(a, i) - debian_weight(b, i);
			if (d != 0)
				return d;
			i++;
		}
		a = skip(a, i);
		b = skip(b, i);
		na = digits(a);
		nb = digits(b);
		d = compare_digits(na ? SPAN(a.p, na) : SPAN("0", 1),
				   nb ? SPAN(b.p, nb) : SPAN("0", 1));
		if (d != 0)
			return d;
		a = skip(a, na);
		b = skip(b, nb);
	}
	return 0;
}

static int
compare_debian(const struct debian *a, const struct debian *b)
{
	const struct span zero = SPAN("0", 1);
	int d = compare_digits(a->epoch.n ? a->epoch : zero, b->epoch.n ? b->epoch : zero);

	if (d == 0)
		d = compare_debian_part(a->upstream, b->upstream);
	return d != 0 ? d : compare_debian_part(a->revision, b->revision);
}

/* ---- either ---- */

bool
version_valid(enum version_order o, struct span text)
{
	struct semver s;
	struct debian d;

	if (text.n == 0 || text.n > VERSION_TEXT_MAX)
		return false;
	if (o == ORDER_SEMVER)
		return semver_parse(text, &s);
	return o == ORDER_DEBIAN && debian_parse(text, &d);
}

enum assay_err
version_compare(enum version_order o, struct span a, struct span b, int *ret)
{
	struct semver sa, sb;
	struct debian da, db;

	if (!version_valid(o, a) || !version_valid(o, b))
		return ASSAY_MALFORMED;
	if (o == ORDER_SEMVER && semver_parse(a, &sa) && semver_parse(b, &sb))
		*ret = compare_semver(&sa, &sb);
	else if (o == ORDER_DEBIAN && debian_parse(a, &da) && debian_parse(b, &db))
		*ret = compare_debian(&da, &db);
	else
		return ASSAY_INTERNAL;
	return ASSAY_OK;
}
