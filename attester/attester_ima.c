/* attester_ima.c: the IMA list, of which only what is new is ever read; see context.h.
 *
 * Counting goes on where it ended the last time, and so does sending in the usual case,
 * so that a round costs what is new and not what is there. */
#include "context.h"

#include <string.h>

static void
forget(struct ima *i)
{
	memset(&i->walk, 0, sizeof i->walk);
	memset(&i->end, 0, sizeof i->end);
	memset(&i->from, 0, sizeof i->from);
	memset(i->newest, 0, sizeof i->newest);
}

/* Fill the buffer behind what it holds. */
static enum assay_err
fill(struct ima *i, size_t cap, size_t *ret_n)
{
	size_t got = 0;
	enum assay_err e = ASSAY_OK;

	if (i->held < cap)
		e = i->list(i->self, i->at + i->held, i->buffer + i->held, cap - i->held, &got);
	if (e != ASSAY_OK)
		return e;
	if (got > cap - i->held)
		return ASSAY_INTERNAL;
	*ret_n = i->held + got;
	return ASSAY_OK;
}

static void
start_at(struct ima *i, struct ima_mark m)
{
	i->at = m.offset;
	i->skip = 0;
	i->held = 0;
	i->sent = 0;
}

/* The first n bytes of the buffer are done with; what was read behind them stays. */
static void
advance(struct ima *i, size_t n, size_t filled)
{
	memmove(i->buffer, i->buffer + n, filled - n);
	i->held = filled - n;
	i->at += n;
}

/* Over whole entries, from *m on, until entry `until` or what the buffer has ends.
 * Garbage ends the list: who judges it is told of what stands before. */
static size_t
walk(struct ima *i, size_t filled, struct ima_mark *m, uint64_t until)
{
	size_t pos = 0;
	uint64_t n;

	while (m->entry < until &&
	       imawalk_length(&i->walk, SPAN(i->buffer + pos, filled - pos), &n) == ASSAY_OK &&
	       n <= filled - pos) {
		i->newest[m->entry % IMA_MARKS] = *m;
		pos += (size_t)n;
		m->entry++;
		m->offset += n;
	}
	return pos;
}

/* An entry that is larger than the buffer is passed over, if it is there as a whole. */
static enum assay_err
pass_large(struct assay_attester *a, size_t filled, struct ima_mark *m, bool *ret_more)
{
	struct ima *i = &a->ima;
	uint64_t n, at;
	size_t got = 0;
	enum assay_err e;

	*ret_more = false;
	if (filled < a->part_max ||
	    imawalk_length(&i->walk, SPAN(i->buffer, filled), &n) != ASSAY_OK || n <= filled)
		return ASSAY_OK;
	for (at = m->offset + filled; at < m->offset + n; at += got) {
		uint64_t left = m->offset + n - at;

		e = i->list(i->self, at, i->buffer, left < a->part_max ? (size_t)left : a->part_max,
			    &got);
		if (e != ASSAY_OK || got == 0)
			return e;
	}
	i->newest[m->entry % IMA_MARKS] = *m;
	m->entry++;
	m->offset += n;
	start_at(i, *m);
	*ret_more = true;
	return ASSAY_OK;
}

/* From *m forward to entry `until`, or as far as there are whole ones. */
static enum assay_err
walk_on(struct assay_attester *a, struct ima_mark *m, uint64_t until)
{
	struct ima *i = &a->ima;
	size_t filled = 0, done;
	bool more = true;
	enum assay_err e;

	start_at(i, *m);
	while (more && m->entry < until) {
		if ((e = fill(i, a->part_max, &filled)) != ASSAY_OK)
			return e;
		done = walk(i, filled, m, until);
		more = done > 0;
		if (!more && (e = pass_large(a, filled, m, &more)) != ASSAY_OK)
			return e;
		if (done > 0)
			advance(i, done, filled);
	}
	return ASSAY_OK;
}

enum assay_err
ima_length(struct assay_attester *a, uint64_t *ret)
{
	struct ima *i = &a->ima;
	enum assay_err e;

	*ret = 0;
	if (!i->list)
		return ASSAY_OK;
	e = walk_on(a, &i->end, UINT64_MAX);
	if (e == ASSAY_STATE) {
		forget(i);
		e = walk_on(a, &i->end, UINT64_MAX);
	}
	if (e == ASSAY_NOT_FOUND) {
		forget(i);
		return ASSAY_OK;
	}
	*ret = i->end.entry;
	return e;
}

enum assay_err
ima_seek(struct assay_attester *a, uint64_t entry)
{
	struct ima *i = &a->ima;
	const struct ima_mark *near = &i->newest[entry % IMA_MARKS];
	struct ima_mark m = {0};
	enum assay_err e = ASSAY_OK;

	if (!i->list || entry > i->end.entry)
		return ASSAY_OK;
	if (entry == i->end.entry)
		m = i->end;
	else if (near->entry == entry)
		m = *near; /* of entry 0 it is right before any was seen */
	else if (i->from.entry <= entry)
		m = i->from;
	e = walk_on(a, &m, entry);
	if (e != ASSAY_OK)
		return e == ASSAY_NOT_FOUND || e == ASSAY_STATE ? ASSAY_OK : e;
	i->from = m;
	start_at(i, m);
	return ASSAY_OK;
}

/* How much of the buffer can be sent: whole entries, or of one that is larger than the
 * buffer as much as there is. *ret_fits: the next one has room in what may be sent. */
static size_t
sendable(struct assay_attester *a, size_t filled, uint64_t limit, bool *ret_fits)
{
	struct ima *i = &a->ima;
	size_t pos = (size_t)(i->skip < filled ? i->skip : filled);
	uint64_t n = 0;

	*ret_fits = true;
	i->skip -= pos;
	if (i->skip > 0)
		return pos;
	while (imawalk_length(&i->walk, SPAN(i->buffer + pos, filled - pos), &n) == ASSAY_OK) {
		if (n > limit - pos) {
			*ret_fits = false;
			return pos;
		}
		if (n > filled - pos)
			break;
		pos += (size_t)n;
		n = 0;
	}
	if (pos > 0 || n <= filled || filled < a->part_max)
		return pos; /* the list ends within an entry: not this time */
	i->skip = n - filled;
	return filled;
}

enum assay_err
ima_piece(struct assay_attester *a, uint64_t limit, struct msg_part *m)
{
	struct ima *i = &a->ima;
	size_t filled = 0;
	bool fits;
	enum assay_err e;

	m->last = true;
	if (!i->list || i->from.entry != a->need.wants[a->want].from)
		return ASSAY_OK; /* there is no such entry; an empty piece says so */
	advance(i, i->sent, i->held);
	i->sent = 0;
	e = fill(i, a->part_max, &filled);
	if (e == ASSAY_NOT_FOUND || e == ASSAY_STATE)
		return ASSAY_OK;
	if (e != ASSAY_OK)
		return e;
	i->held = filled;
	i->sent = sendable(a, filled, limit, &fits);
	m->data = SPAN(i->buffer, i->sent);
	m->last = !fits || filled < a->part_max || i->sent == 0;
	return ASSAY_OK;
}
