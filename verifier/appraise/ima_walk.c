/* ima_walk.c: see ima_walk.h. */
#include "ima_walk.h"

#include "text.h"

#include <string.h>

#define BIT(m) (1u << (m))
#define METHODS (BIT(IMALOG_HASHED) | BIT(IMALOG_PADDED) | BIT(IMALOG_PADDED_OLD))

void
ima_walk_from_reset(struct ima_walk *w)
{
	w->begins = true;
	for (unsigned i = 0; i < w->nbanks; i++) {
		uint16_t alg = w->quoted[i].alg;

		w->start[i].methods = (uint8_t)(alg == ALG_SHA1 ? BIT(IMALOG_HASHED) : METHODS);
		if (digest_fill(alg, 0x00, &w->start[i].pcr) != ASSAY_OK)
			w->start[i].methods = 0;
	}
}

/* Values of all banks; hashed: of those that may be hashed only this way. */
static bool
begin_replay(const struct ima_walk *w, bool hashed_only, struct imalog_replay *r)
{
	imalog_replay_init(r, IMALOG_PCR);
	for (unsigned i = 0; i < w->nbanks; i++) {
		unsigned methods = w->start[i].methods;

		if (hashed_only && (methods & BIT(IMALOG_HASHED)))
			methods = BIT(IMALOG_HASHED);
		for (unsigned m = IMALOG_HASHED; m <= IMALOG_PADDED_OLD; m++) {
			if ((methods & BIT(m)) == 0)
				continue;
			if (imalog_replay_add(r, w->quoted[i].alg, (enum imalog_method)m) !=
			    ASSAY_OK)
				return false;
			r->value[r->count - 1].pcr = w->start[i].pcr;
		}
	}
	return w->nbanks != 0;
}

/* The ways in which a bank has this value now. */
static uint8_t
ways(const struct imalog_replay *r, const struct digest *value)
{
	unsigned methods = 0;

	for (unsigned i = 0; i < r->count; i++)
		if (r->value[i].alg == value->alg && digest_equal(&r->value[i].pcr, value))
			methods |= BIT(r->value[i].method);
	return (uint8_t)methods;
}

static bool
all_quoted(struct ima_walk *w, const struct imalog_replay *r)
{
	for (unsigned i = 0; i < w->nbanks; i++) {
		w->end[i].pcr = w->quoted[i];
		w->end[i].methods = ways(r, &w->quoted[i]);
		if (w->end[i].methods == 0)
			return false;
	}
	return true;
}

static void
look_at_mark(struct ima_walk *w, const struct imalog_replay *r)
{
	w->at_mark = w->nexpected != 0;
	w->mark_count = r->entries;
	for (unsigned i = 0; i < w->nexpected; i++)
		w->at_mark &= ways(r, &w->expected[i].pcr) != 0;
}

static void
read_end(struct ima_walk *w, const struct imalog *l, enum assay_err e)
{
	w->err = e != ASSAY_OK ? e : imalog_finish(l);
	w->error_offset = l->offset;
	if (w->err == ASSAY_UNSUPPORTED)
		text_escape(l->refused, w->refused, sizeof w->refused);
}

static enum assay_err
open_list(struct ima_walk *w, struct imalog *l)
{
	enum assay_err e;

	if (!w->begins)
		return imalog_resume(w->entries, w->template_alg, w->big, l);
	if ((e = imalog_open(w->entries, NULL, 0, l)) != ASSAY_OK)
		return e;
	if (l->format != IMALOG_BINARY) /* ascii lists are for people */
		return ASSAY_BAD_MAGIC;
	w->template_alg = l->template_alg;
	w->big = l->big;
	return ASSAY_OK;
}

static void
walk(struct ima_walk *w, bool hashed_only)
{
	struct imalog_replay r;
	struct imalog_entry e;
	struct imalog l;
	bool contradicts;
	enum assay_err err = ASSAY_OK;

	w->err = ASSAY_OK;
	w->at_mark = false;
	w->mark_count = w->read = 0;
	if (!begin_replay(w, hashed_only, &r))
		w->err = ASSAY_UNSUPPORTED;
	else
		w->err = open_list(w, &l);
	if (w->err != ASSAY_OK)
		return;
	while (!w->proved && imalog_next(&l, &e)) {
		if ((err = imalog_replay_extend(&r, &e, &contradicts)) != ASSAY_OK)
			break;
		if (imalog_position(&l) == w->mark)
			look_at_mark(w, &r);
		w->proved = r.extends != 0 && all_quoted(w, &r);
	}
	w->read = r.entries;
	if (!w->proved) {
		read_end(w, &l, err);
		return;
	}
	w->count = r.entries;
	w->bytes = imalog_position(&l);
	w->contradictions = r.contradictions;
	w->first_contradiction = r.first_contradiction;
}

static bool
hashed_and_more(const struct ima_walk *w)
{
	for (unsigned i = 0; i < w->nbanks; i++)
		if ((w->start[i].methods & BIT(IMALOG_HASHED)) &&
		    w->start[i].methods != BIT(IMALOG_HASHED))
			return true;
	return false;
}

/* Most kernels hash; only if that leads nowhere the other ways cost their time. */
void
ima_walk(struct ima_walk *w)
{
	bool marked;
	uint64_t count;

	w->proved = false;
	walk(w, true);
	if (w->proved || !hashed_and_more(w))
		return;
	marked = w->at_mark;
	count = w->mark_count;
	walk(w, false);
	if (marked && !w->at_mark) {
		w->at_mark = true;
		w->mark_count = count;
	}
}
