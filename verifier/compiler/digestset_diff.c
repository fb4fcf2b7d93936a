/* digestset_diff.c: see digestset_diff.h. */
#include "digestset_diff.h"

#include "verifier/appraise/text.h"

#include <inttypes.h>
#include <string.h>

#define WORDS_MAX 1024
#define DIGEST_TEXT_MAX 160

struct diff {
	const struct digestset *old, *new;
	struct digestset_counts *counts;
	bool (*tell)(void *arg, const struct digestset_difference *d);
	void *arg;
	char words[WORDS_MAX];
};

const char *
digestset_change_word(enum digestset_change c)
{
	static const char *const words[DIGESTSET_CHANGE_COUNT] = {"added",   "removed",  "changed",
								  "widened", "narrowed", "moved"};

	return (unsigned)c < DIGESTSET_CHANGE_COUNT ? words[c] : "unknown";
}

static void
digest_text(const struct digestset_digest *d, char *ret, size_t cap)
{
	static const char hex[] = "0123456789abcdef";
	size_t n;

	text_format(ret, cap, "%s%s:", d->verity ? "verity:" : "", digest_name(d->alg));
	n = strlen(ret);
	for (size_t i = 0; i < d->bytes.n && n + 2 < cap; i++) {
		ret[n++] = hex[d->bytes.p[i] >> 4];
		ret[n++] = hex[d->bytes.p[i] & 15];
	}
	ret[n] = '\0';
}

/* The at-th digest of a path. */
static bool
digest_of(const struct digestset *s, uint32_t path, uint32_t at, struct digestset_digest *ret)
{
	uint32_t first, n, owner;

	return digestset_path_records(s, path, &first, &n) && at < n &&
	       digestset_record(s, digestset_ordered(s, first + at), ret, &owner);
}

static uint32_t
count_of(const struct digestset *s, uint32_t path)
{
	uint32_t first, n;

	return digestset_path_records(s, path, &first, &n) ? n : 0;
}

/* How many of the path's digests the other set has for it too. */
static uint32_t
common(const struct digestset *s, uint32_t path, struct span name, const struct digestset *other)
{
	struct digestset_digest d;
	uint32_t n = 0;

	for (uint32_t i = 0; digest_of(s, path, i, &d); i++)
		n += digestset_find(other, name, &d, NULL) == DIGESTSET_EQUAL;
	return n;
}

static void
say(struct diff *d, enum digestset_change c, struct span path, const char *more)
{
	struct digestset_difference out = {c, path, d->words};
	size_t n;

	d->counts->n[c]++;
	if (!d->tell)
		return;
	text_escape(path, d->words, WORDS_MAX / 2);
	n = strlen(d->words);
	text_format(d->words + n, WORDS_MAX - n, ": %s%s", digestset_change_word(c), more);
	if (!d->tell(d->arg, &out))
		d->tell = NULL;
}

static void
one_sided(struct diff *d, bool added, uint32_t path, struct span name)
{
	const struct digestset *s = added ? d->new : d->old;
	char text[DIGEST_TEXT_MAX], more[DIGEST_TEXT_MAX + DIGESTSET_PATH_MAX / 8];
	uint8_t buf[DIGESTSET_PATH_MAX];
	struct digestset_digest digest;
	uint32_t at = DIGESTSET_NONE;
	char from[256];

	if (!digest_of(s, path, 0, &digest))
		return;
	digest_text(&digest, text, sizeof text);
	if (added && digestset_has(d->old, &digest, &at) && at != DIGESTSET_NONE) {
		text_escape(digestset_path(d->old, at, buf), from, sizeof from);
		text_format(more, sizeof more, ", the same as %s was", from);
		say(d, DIGESTSET_MOVED, name, more);
		return;
	}
	text_format(more, sizeof more, ", %s", text);
	say(d, added ? DIGESTSET_ADDED : DIGESTSET_REMOVED, name, more);
}

static void
both(struct diff *d, uint32_t old, uint32_t new, struct span name)
{
	uint32_t had = count_of(d->old, old), has = count_of(d->new, new);
	uint32_t kept = common(d->old, old, name, d->new);
	char a[DIGEST_TEXT_MAX], b[DIGEST_TEXT_MAX], more[2 * DIGEST_TEXT_MAX + 32];
	struct digestset_digest x, y;

	if (kept == had && kept == has) {
		d->counts->same++;
		return;
	}
	if (!digest_of(d->old, old, 0, &x) || !digest_of(d->new, new, 0, &y))
		return;
	digest_text(&x, a, sizeof a);
	digest_text(&y, b, sizeof b);
	if (kept == 0)
		text_format(more, sizeof more, ", %s is now %s", a, b);
	else
		text_format(more, sizeof more,
			    ", %" PRIu32 " digests were %" PRIu32 ", %" PRIu32 " of them as before",
			    has, had, kept);
	say(d,
	    kept == 0     ? DIGESTSET_CHANGED
	    : kept == had ? DIGESTSET_WIDENED
	    : kept == has ? DIGESTSET_NARROWED
			  : DIGESTSET_CHANGED,
	    name, more);
}

static int
compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n != 0 ? memcmp(a.p, b.p, n) : 0; /* public: an order */

	return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

static uint32_t
without_path(const struct digestset *s, const struct digestset *other)
{
	struct digestset_digest d;
	uint32_t n = 0, path;

	for (uint32_t i = 0; i < s->records; i++)
		n += digestset_record(s, i, &d, &path) && path == DIGESTSET_NONE &&
		     !digestset_has(other, &d, NULL);
	return n;
}

void
digestset_diff(const struct digestset *old, const struct digestset *new,
	       struct digestset_counts *ret,
	       bool (*tell)(void *arg, const struct digestset_difference *d), void *arg)
{
	uint8_t buf[2][DIGESTSET_PATH_MAX];
	struct diff d = {.old = old, .new = new, .counts = ret, .tell = tell, .arg = arg};
	uint32_t o = 0, n = 0;

	*ret = (struct digestset_counts){0};
	while (o < old->paths || n < new->paths) {
		struct span a = digestset_path(old, o, buf[0]), b = digestset_path(new, n, buf[1]);
		int c = o == old->paths ? 1 : n == new->paths ? -1 : compare(a, b);

		if (c < 0)
			one_sided(&d, false, o++, a);
		else if (c > 0)
			one_sided(&d, true, n++, b);
		else
			both(&d, o++, n++, a);
	}
	ret->digests_added = without_path(new, old);
	ret->digests_removed = without_path(old, new);
}

void
digestset_counts_text(const struct digestset_counts *c, char *ret, size_t cap)
{
	const char *sep = "";
	size_t n = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < DIGESTSET_CHANGE_COUNT; i++) {
		if (c->n[i] == 0)
			continue;
		text_format(ret + n, cap - n, "%s%" PRIu32 " %s", sep, c->n[i],
			    digestset_change_word((enum digestset_change)i));
		n = strlen(ret);
		sep = ", ";
	}
	if (c->digests_added + c->digests_removed != 0) {
		text_format(ret + n, cap - n, "%s%" PRIu32 " digests added, %" PRIu32 " removed",
			    sep, c->digests_added, c->digests_removed);
		n = strlen(ret);
		sep = ", ";
	}
	text_format(ret + n, cap - n, "%s%" PRIu32 " as before",
		    n == 0 ? "nothing differs; " : "; ", c->same);
}
