/* softset.c: the compiled form of software's reference values; see softset.h. */
#include "softset.h"

#include "evidence/digest.h"
#include "pack.h"
#include "version.h"

#include <string.h>

#define SOFTSET_FORM 0x53
#define SOFTSET_FORM_VERSION 1

void
softset_write_head(struct writer *w, struct softset_counts n)
{
	wr_u8(w, SOFTSET_FORM);
	wr_u8(w, SOFTSET_FORM_VERSION);
	if (n.nitems > SOFTSET_ITEMS_MAX || n.nfacts > SOFTSET_FACTS_MAX)
		wr_fail(w, ASSAY_TOO_MANY);
	wr_be32(w, n.nitems);
	wr_be32(w, n.nfacts);
}

/* It says something, and the manifest is the one behind the digest. */
static bool
item_sound(const struct softset_item *i)
{
	uint8_t digest[32];

	if (i->name.n == 0 || i->digest.n != digest_size(i->alg) ||
	    (i->digest.n == 0 && i->version.n == 0) || i->manifest.n > MANIFEST_MAX ||
	    (i->at_least && !version_valid(ORDER_DEBIAN, i->version)))
		return false;
	if (i->manifest.n == 0)
		return true;
	return i->alg == ALG_SHA256 && digest_sha256(i->manifest, digest) == ASSAY_OK &&
	       span_equal(SPAN(digest, 32), i->digest);
}

void
softset_write_item(struct writer *w, const struct softset_item *i)
{
	if (!item_sound(i))
		wr_fail(w, ASSAY_MALFORMED);
	pack_span_text(w, i->name, MSG_ITEM_NAME_MAX);
	pack_span_text(w, i->kind, MSG_ITEM_NAME_MAX);
	pack_span_text(w, i->version, MSG_VERSION_TEXT_MAX);
	pack_bool(w, i->at_least);
	wr_be16(w, i->alg);
	wr_bytes(w, i->digest);
	pack_span_text(w, i->source, SOFTSET_SOURCE_MAX);
	wr_be32_bytes(w, i->manifest);
}

void
softset_write_fact(struct writer *w, const struct softset_fact *f)
{
	if (f->name.n == 0)
		wr_fail(w, ASSAY_MALFORMED);
	pack_span_text(w, f->name, SOFTSET_FACT_NAME_MAX);
	pack_span_text(w, f->value, SOFTSET_FACT_VALUE_MAX);
}

enum assay_err
softset_open(struct span compiled, struct softset *ret)
{
	memset(ret, 0, sizeof *ret);
	if (compiled.n > SOFTSET_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&ret->r, compiled);
	if (rd_u8(&ret->r) != SOFTSET_FORM)
		rd_fail(&ret->r, ASSAY_BAD_TYPE);
	if (rd_u8(&ret->r) != SOFTSET_FORM_VERSION)
		rd_fail(&ret->r, ASSAY_UNSUPPORTED);
	ret->nitems = rd_be32(&ret->r);
	ret->nfacts = rd_be32(&ret->r);
	ret->nitems = rd_count(&ret->r, ret->nitems, SOFTSET_ITEMS_MAX);
	ret->nfacts = rd_count(&ret->r, ret->nfacts, SOFTSET_FACTS_MAX);
	if (ret->r.err != ASSAY_OK)
		ret->nitems = ret->nfacts = 0;
	return ret->r.err;
}

bool
softset_next_item(struct softset *s, struct softset_item *ret)
{
	struct reader *r = &s->r;

	if (s->nitems == 0 || r->err != ASSAY_OK)
		return false;
	s->nitems--;
	memset(ret, 0, sizeof *ret);
	ret->name = unpack_span_text(r, MSG_ITEM_NAME_MAX);
	ret->kind = unpack_span_text(r, MSG_ITEM_NAME_MAX);
	ret->version = unpack_span_text(r, MSG_VERSION_TEXT_MAX);
	ret->at_least = unpack_bool(r);
	ret->alg = rd_be16(r);
	if (ret->alg != ALG_NONE && digest_size(ret->alg) == 0)
		rd_fail(r, ASSAY_UNSUPPORTED);
	ret->digest = rd_bytes(r, digest_size(ret->alg));
	ret->source = unpack_span_text(r, SOFTSET_SOURCE_MAX);
	ret->manifest = rd_be32_bytes(r, MANIFEST_MAX);
	return r->err == ASSAY_OK;
}

bool
softset_next_fact(struct softset *s, struct softset_fact *ret)
{
	struct softset_item skipped;
	struct reader *r = &s->r;

	while (softset_next_item(s, &skipped))
		;
	if (s->nfacts == 0 || r->err != ASSAY_OK)
		return false;
	s->nfacts--;
	ret->name = unpack_span_text(r, SOFTSET_FACT_NAME_MAX);
	ret->value = unpack_span_text(r, SOFTSET_FACT_VALUE_MAX);
	if (ret->name.n == 0)
		rd_fail(r, ASSAY_MALFORMED);
	return r->err == ASSAY_OK;
}

static int
compare_spans(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0; /* public */

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

enum assay_err
softset_check(struct span compiled)
{
	struct softset_item item;
	struct softset_fact fact;
	struct span last = SPAN("", 0);
	struct softset s;
	enum assay_err e = softset_open(compiled, &s);

	if (e != ASSAY_OK)
		return e;
	while (softset_next_item(&s, &item)) {
		if (!item_sound(&item) || compare_spans(last, item.name) > 0)
			return ASSAY_MALFORMED;
		last = item.name;
	}
	last = SPAN("", 0);
	while (softset_next_fact(&s, &fact)) {
		if (compare_spans(last, fact.name) >= 0)
			return ASSAY_MALFORMED;
		last = fact.name;
	}
	return rd_finish(&s.r);
}
