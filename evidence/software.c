/* software.c: see software.h. */
#include "software.h"

#include "writer.h"

#include <string.h>

static const struct {
	const char *name;
	bool manifest;
} kinds[] = {
	[SOFTWARE_NONE] = {"", false},
#define X(id, name, manifest, doc) [SOFTWARE_##id] = {name, manifest},
	SOFTWARE_KINDS(X)
#undef X
};

static const struct {
	const char *name, *text;
} notes[] = {
	[NOTE_NONE] = {"", ""},
#define X(id, name, doc) [NOTE_##id] = {name, doc},
	SOFTWARE_NOTES(X)
#undef X
};

const char *
software_kind_name(enum software_kind k)
{
	return (unsigned)k < SOFTWARE_KIND_COUNT ? kinds[k].name : "";
}

const char *
software_note_name(enum software_note n)
{
	return (unsigned)n < NOTE_COUNT ? notes[n].name : "";
}

const char *
software_note_text(enum software_note n)
{
	return (unsigned)n < NOTE_COUNT ? notes[n].text : "";
}

bool
software_kind_has_manifest(enum software_kind k)
{
	return (unsigned)k < SOFTWARE_KIND_COUNT && kinds[k].manifest;
}

static bool
is_word(struct span s, const char *word)
{
	return span_equal(s, SPAN(word, strlen(word)));
}

enum software_kind
software_kind_by_name(struct span name)
{
	for (unsigned k = 1; k < SOFTWARE_KIND_COUNT; k++)
		if (is_word(name, kinds[k].name))
			return (enum software_kind)k;
	return SOFTWARE_NONE;
}

enum software_note
software_note_by_name(struct span name)
{
	for (unsigned n = 1; n < NOTE_COUNT; n++)
		if (is_word(name, notes[n].name))
			return (enum software_note)n;
	return NOTE_NONE;
}

/* ---- manifest ---- */

/* '/' is lower than any byte of a name. */
static unsigned
rank(uint8_t c)
{
	return c == '/' ? 0 : c;
}

int
manifest_order(struct span a, struct span b)
{
	struct reader ra, rb;

	rd_init(&ra, a);
	rd_init(&rb, b);
	while (rd_left(&ra) > 0 && rd_left(&rb) > 0) {
		unsigned x = rank(rd_u8(&ra)), y = rank(rd_u8(&rb));

		if (x != y)
			return x < y ? -1 : 1;
	}
	return rd_left(&rb) > 0 ? -1 : rd_left(&ra) > 0 ? 1 : 0;
}

static bool
has_nul(struct span s)
{
	return span_until(s, 0).n != s.n;
}

static bool
entry_is_sound(const struct manifest_entry *e)
{
	bool described = e->mode != 0 || e->uid != 0 || e->gid != 0 || e->size != 0;

	if (e->path.n == 0 || has_nul(e->path))
		return false;
	switch (e->type) {
	case 'f':
		return e->digest.n == MANIFEST_DIGEST_SIZE && e->text.n == 0 && e->mode <= 07777;
	case 'l':
		return e->digest.n == 0 && e->mode == 0 && e->size == 0 && !has_nul(e->text);
	case 'd':
	case 'p':
	case 's':
		return e->digest.n == 0 && e->text.n == 0 && e->size == 0 && e->mode <= 07777;
	case 'c':
	case 'b':
		return e->digest.n == 0 && e->text.n == 0 && e->mode <= 07777;
	case 'i':
		return !described && (e->digest.n == 0 || e->text.n == 0) &&
		       (e->digest.n == 0 || e->digest.n == MANIFEST_DIGEST_SIZE);
	default:
		return false;
	}
}

enum assay_err
manifest_encode(const struct manifest_entry *e, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	if (e->path.n > MANIFEST_PATH_MAX || e->text.n > MANIFEST_TEXT_MAX)
		return ASSAY_TOO_LARGE;
	if (!entry_is_sound(e))
		return ASSAY_MALFORMED;
	wr_init(&w, ret, cap);
	wr_u8(&w, e->type);
	wr_be32(&w, e->mode);
	wr_be32(&w, e->uid);
	wr_be32(&w, e->gid);
	wr_be64(&w, e->size);
	wr_u8(&w, (uint8_t)e->digest.n);
	wr_bytes(&w, e->digest);
	wr_be16_bytes(&w, e->path);
	wr_be16_bytes(&w, e->text);
	return wr_finish(&w, ret_len);
}

void
manifest_open(struct manifest *m, struct span bytes)
{
	struct span magic;

	*m = (struct manifest){.count = 0};
	rd_init(&m->r, bytes);
	if (bytes.n > MANIFEST_MAX)
		rd_fail(&m->r, ASSAY_TOO_LARGE);
	magic = rd_bytes(&m->r, MANIFEST_MAGIC_SIZE);
	if (m->r.err == ASSAY_OK && !span_equal(magic, SPAN(MANIFEST_MAGIC, MANIFEST_MAGIC_SIZE)))
		rd_fail(&m->r, ASSAY_BAD_MAGIC);
}

bool
manifest_next(struct manifest *m, struct manifest_entry *ret)
{
	struct manifest_entry e;
	int order;

	if (rd_left(&m->r) == 0)
		return false;
	e.type = rd_u8(&m->r);
	e.mode = rd_be32(&m->r);
	e.uid = rd_be32(&m->r);
	e.gid = rd_be32(&m->r);
	e.size = rd_be64(&m->r);
	e.digest = rd_bytes(&m->r, rd_u8(&m->r));
	e.path = rd_be16_bytes(&m->r, MANIFEST_PATH_MAX);
	e.text = rd_be16_bytes(&m->r, MANIFEST_TEXT_MAX);
	if (m->r.err == ASSAY_OK && !entry_is_sound(&e))
		rd_fail(&m->r, ASSAY_MALFORMED);
	if (m->r.err == ASSAY_OK && ++m->count > MANIFEST_ENTRIES_MAX)
		rd_fail(&m->r, ASSAY_TOO_MANY);
	order = m->count > 1 ? manifest_order(m->last, e.path) : -1;
	if (m->r.err == ASSAY_OK && order >= 0)
		rd_fail(&m->r, order == 0 ? ASSAY_DUPLICATE : ASSAY_MALFORMED);
	if (m->r.err != ASSAY_OK)
		return false;
	m->last = e.path;
	*ret = e;
	return true;
}

enum assay_err
manifest_close(const struct manifest *m)
{
	struct reader r = m->r;

	return rd_finish(&r);
}

/* ---- two manifests ---- */

void
manifest_diff_open(struct manifest_diff *d, struct span before, struct span after)
{
	*d = (struct manifest_diff){.has_a = false};
	manifest_open(&d->a, before);
	manifest_open(&d->b, after);
	d->has_a = manifest_next(&d->a, &d->ea);
	d->has_b = manifest_next(&d->b, &d->eb);
}

static unsigned
what_differs(const struct manifest_entry *a, const struct manifest_entry *b)
{
	unsigned what = 0;

	if (a->type != b->type)
		what |= MANIFEST_TYPE;
	if (a->mode != b->mode)
		what |= MANIFEST_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		what |= MANIFEST_OWNER;
	if (a->size != b->size || !span_equal(a->digest, b->digest) ||
	    !span_equal(a->text, b->text))
		what |= MANIFEST_CONTENT;
	return what;
}

bool
manifest_diff_next(struct manifest_diff *d, struct manifest_change *ret)
{
	while (d->has_a || d->has_b) {
		int order = !d->has_a ? 1 : !d->has_b ? -1 : manifest_order(d->ea.path, d->eb.path);
		struct manifest_change c = {.kind = order < 0	? MANIFEST_REMOVED
						    : order > 0 ? MANIFEST_ADDED
								: MANIFEST_CHANGED,
					    .what = order == 0 ? what_differs(&d->ea, &d->eb) : 0};

		if (order <= 0) {
			c.before = d->ea;
			d->has_a = manifest_next(&d->a, &d->ea);
		}
		if (order >= 0) {
			c.after = d->eb;
			d->has_b = manifest_next(&d->b, &d->eb);
		}
		/* after a fault in one, what the other still has says nothing */
		if (d->a.r.err != ASSAY_OK || d->b.r.err != ASSAY_OK)
			return d->has_a = d->has_b = false;
		if (order != 0 || c.what != 0) {
			*ret = c;
			return true;
		}
	}
	return false;
}

enum assay_err
manifest_diff_close(const struct manifest_diff *d)
{
	enum assay_err e = manifest_close(&d->a);

	return e == ASSAY_OK ? manifest_close(&d->b) : e;
}
