/* sqlite_ima.c: lists of IMA entries, as rows of segments; see ledger.h.
 *
 * A device's list is rows of ima_list, each with a MAC, that name segments by digest; what
 * a segment is made of is sqlite_ima_segment.c's. Small segments, one for each round that
 * brought something, are joined now and then, each entry twice at most: so a round costs
 * what is new and not what is there. */
#include "sqlite_ima.h"

#include <string.h>

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#define LIST_ID_MAX (DEVICE_ID_HEX + 1 + 8)
#define JOIN_EVERY 16 /* rows */
#define JOIN_LEAST 8

/* A row of ima_list. */
struct piece {
	char id[LIST_ID_MAX + 1];
	uint32_t number;
	int64_t begun;
	uint64_t first, entries, start, bytes;
	uint8_t segment[32];
	struct row row; /* as it was read */
};

static void
piece_id(const char *device, uint32_t number, char ret[LIST_ID_MAX + 1])
{
	text_format(ret, LIST_ID_MAX + 1, "%s:%08x", device, number);
}

static void
piece_write(const struct piece *p, struct row *r)
{
	row_init(r);
	row_text(r, p->id, sizeof p->id);
	row_int(r, p->begun);
	row_u64(r, p->first);
	row_u64(r, p->entries);
	row_u64(r, p->start);
	row_u64(r, p->bytes);
	row_blob(r, SPAN(p->segment, 32), 32);
}

/* A row of this device; its number is the end of its id. */
static enum assay_err
piece_read(const char *device, struct piece *ret)
{
	char digits[9] = "";
	uint8_t number[4];
	struct row *r = &ret->row;
	struct reader rd;
	enum assay_err e;
	size_t n;

	row_get_text(r, ret->id, sizeof ret->id);
	ret->begun = row_get_int(r);
	ret->first = row_get_u64(r);
	ret->entries = row_get_u64(r);
	ret->start = row_get_u64(r);
	ret->bytes = row_get_u64(r);
	row_get_bytes(r, ret->segment, sizeof ret->segment);
	if ((e = row_end(r)) != ASSAY_OK)
		return e;
	if (strlen(ret->id) != LIST_ID_MAX || strncmp(ret->id, device, DEVICE_ID_HEX) != 0)
		return ASSAY_TAMPERED;
	memcpy(digits, ret->id + DEVICE_ID_HEX + 1, 8);
	if (hex_decode(digits, number, sizeof number, &n) != ASSAY_OK || n != sizeof number)
		return ASSAY_TAMPERED;
	rd_init(&rd, SPAN(number, sizeof number));
	ret->number = rd_be32(&rd);
	return ASSAY_OK;
}

static void
range_of(const char *device, struct row *keys)
{
	static char first[LIST_ID_MAX + 1], last[LIST_ID_MAX + 1];

	piece_id(device, 0, first);
	piece_id(device, UINT32_MAX, last);
	row_init(keys);
	row_text(keys, first, sizeof first);
	row_text(keys, last, sizeof last);
}

/* The newest rows, newest first; at most max. */
static enum assay_err
newest(struct ledger *l, const char *device, struct piece *ret, unsigned max, unsigned *ret_n)
{
	struct row keys;
	unsigned n = 0;
	enum assay_err e;

	range_of(device, &keys);
	e = row_select(l, Q_IMA_LAST, &keys, &ret[0].row);
	while (e == ASSAY_OK) {
		if ((e = piece_read(device, &ret[n])) != ASSAY_OK)
			return e;
		if (++n == max)
			break;
		e = row_more(l, Q_IMA_LAST, &ret[n].row);
	}
	*ret_n = n;
	return e == ASSAY_NOT_FOUND && n > 0 ? ASSAY_OK : e;
}

enum assay_err
ledger_ima_get(struct ledger *l, const char *device, struct ledger_ima *ret)
{
	struct piece last;
	unsigned n;
	enum assay_err e;

	if (!device_id_valid(device))
		return ASSAY_NOT_FOUND;
	if ((e = newest(l, device, &last, 1, &n)) != ASSAY_OK)
		return e;
	*ret = (struct ledger_ima){.begun = last.begun,
				   .entries = last.first + last.entries,
				   .bytes = last.start + last.bytes};
	return ASSAY_OK;
}

/* ---- forgetting ---- */

static enum assay_err
forget_piece(struct ledger *l, const struct piece *p)
{
	struct row key;
	enum assay_err e;
	int changed = 0;

	row_init(&key);
	row_text(&key, p->id, sizeof p->id);
	if ((e = statement_change(l, S_IMA_LIST_FORGET, &key, &changed)) != ASSAY_OK)
		return e;
	if (changed != 1)
		return engine_break(l, ASSAY_INTERNAL);
	if ((e = row_forgotten(l, SPAN(p->row.mac, sizeof p->row.mac))) != ASSAY_OK)
		return e;
	return ima_segment_drop(l, p->segment);
}

enum assay_err
ledger_ima_drop(struct ledger *l, const char *device)
{
	struct piece p;
	unsigned n;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK)
		return e;
	if (!device_id_valid(device))
		return ASSAY_NOT_FOUND;
	while ((e = newest(l, device, &p, 1, &n)) == ASSAY_OK)
		if ((e = forget_piece(l, &p)) != ASSAY_OK)
			return e;
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

enum assay_err
ima_clear(struct ledger *l)
{
	struct row none;
	enum assay_err e;

	row_init(&none);
	if ((e = statement_change(l, S_IMA_LIST_CLEAR, &none, NULL)) != ASSAY_OK)
		return e;
	return statement_change(l, S_IMA_SEGMENT_DROP_ALL, &none, NULL);
}

/* ---- going on ---- */

static enum assay_err
add_piece(struct ledger *l, const struct piece *p)
{
	enum assay_err e = ima_segment_hold(l, p->segment);
	struct row r;

	if (e != ASSAY_OK)
		return e;
	piece_write(p, &r);
	return row_insert(l, T_IMA_LIST, &r);
}

/* What small segments were, in one; 0 large, 1 of several rounds, 2 of one. */
static unsigned
smallness(const struct piece *p)
{
	return p->entries < IMA_SMALL ? 2 : p->entries < IMA_MIDDLE ? 1 : 0;
}

/* The n newest rows (newest first in p) become one. */
static enum assay_err
join(struct ledger *l, const char *device, const struct piece *p, unsigned n)
{
	const struct piece *first = &p[n - 1];
	struct piece joined = *first;
	uint8_t digests[JOIN_EVERY][32];
	enum assay_err e;

	(void)device;
	joined.entries = p[0].first + p[0].entries - first->first;
	joined.bytes = p[0].start + p[0].bytes - first->start;
	for (unsigned i = 0; i < n; i++)
		memcpy(digests[i], p[n - 1 - i].segment, 32);
	if ((e = ima_segment_join(l, digests, n, joined.segment)) != ASSAY_OK)
		return e;
	for (unsigned i = 0; i < n; i++)
		if ((e = forget_piece(l, &p[i])) != ASSAY_OK)
			return e;
	return add_piece(l, &joined);
}

/* Rows of one kind at the end, if there are enough of them. */
static enum assay_err
tidy(struct ledger *l, const char *device)
{
	static struct piece p[JOIN_EVERY]; /* large */
	unsigned n = 0, same = 0, kind = 2;
	enum assay_err e = newest(l, device, p, JOIN_EVERY, &n);

	if (e != ASSAY_OK)
		return e;
	if (smallness(&p[0]) < 2)
		kind = 1;
	while (same < n && smallness(&p[same]) == kind)
		same++;
	return same < JOIN_LEAST ? ASSAY_OK : join(l, device, p, same);
}

/* The next segment's worth of a batch. */
static void
cut(struct ledger_ima_batch *rest, struct ima_run *ret)
{
	struct reader lengths, bytes;
	size_t n = rest->lengths.n / 4, total = 0;

	if (n > IMA_RUN_MAX)
		n = IMA_RUN_MAX;
	rd_init(&lengths, rest->lengths);
	ret->entries = n;
	for (size_t i = 0; i < n; i++)
		total += rd_be32(&lengths);
	rd_init(&bytes, rest->bytes);
	ret->bytes = rd_bytes(&bytes, total);
	ret->lengths = SPAN(rest->lengths.p, 4 * n);
	rest->bytes = rd_rest(&bytes);
	rest->lengths = rd_rest(&lengths);
	ret->class_name = rest->class_name;
	ret->device = rest->device;
	ret->now = rest->now;
}

static enum assay_err
batch_form(const struct ledger_ima_batch *b)
{
	struct reader r;
	uint64_t total = 0;

	if (b->lengths.n == 0 || b->lengths.n % 4 != 0 || !device_id_valid(b->device) ||
	    strlen(b->class_name) > DEVICE_CLASS_MAX || b->from > INT64_MAX)
		return ASSAY_MALFORMED;
	rd_init(&r, b->lengths);
	while (rd_left(&r) > 0) {
		uint32_t n = rd_be32(&r);

		if (n == 0 || n > IMA_ENTRY_MAX)
			return ASSAY_MALFORMED;
		total += n;
	}
	return total == b->bytes.n ? ASSAY_OK : ASSAY_MALFORMED;
}

/* Behind which row the batch goes; an empty one where the list begins. */
static enum assay_err
begin_at(struct ledger *l, const struct ledger_ima_batch *b, struct piece *ret)
{
	unsigned n;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (b->from == 0) {
		ret->number = UINT32_MAX; /* the next is 0 */
		ret->begun = b->now;
		return ledger_ima_drop(l, b->device);
	}
	e = newest(l, b->device, ret, 1, &n);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_MISMATCH;
	if (e != ASSAY_OK)
		return e;
	return ret->first + ret->entries == b->from ? ASSAY_OK : ASSAY_MISMATCH;
}

enum assay_err
ledger_ima_append(struct ledger *l, const struct ledger_ima_batch *b, uint64_t *ret_first)
{
	struct ledger_ima_batch rest = *b;
	struct piece p;
	struct ima_run run;
	uint64_t first = 0;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK || (e = batch_form(b)) != ASSAY_OK ||
	    (e = begin_at(l, b, &p)) != ASSAY_OK)
		return e;
	while (rest.lengths.n > 0) {
		cut(&rest, &run);
		p.first += p.entries;
		p.start += p.bytes;
		p.number++;
		p.entries = run.entries;
		p.bytes = run.bytes.n;
		piece_id(b->device, p.number, p.id);
		if ((e = ima_segment_put(l, &run, p.segment, &first)) != ASSAY_OK ||
		    (e = add_piece(l, &p)) != ASSAY_OK)
			return engine_break(l, e);
	}
	if (p.number % JOIN_EVERY == JOIN_EVERY - 1 && (e = tidy(l, b->device)) != ASSAY_OK)
		return engine_break(l, e);
	*ret_first = first;
	return ASSAY_OK;
}

/* ---- reading ---- */

enum assay_err
ledger_ima_read(struct ledger *l, const char *device, ledger_sink *sink, void *arg)
{
	struct piece p = {.id = ""};
	uint64_t entries = 0, bytes = 0;
	char last[LIST_ID_MAX + 1];
	struct row keys;
	enum assay_err e;

	if (!device_id_valid(device))
		return ASSAY_NOT_FOUND;
	text_format(p.id, sizeof p.id, "%s:", device);
	piece_id(device, UINT32_MAX, last);
	for (;;) {
		row_init(&keys);
		row_text(&keys, p.id, sizeof p.id);
		row_text(&keys, last, sizeof last);
		if ((e = row_select(l, Q_IMA_NEXT, &keys, &p.row)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND && entries > 0 ? ASSAY_OK : e;
		if ((e = piece_read(device, &p)) != ASSAY_OK)
			return e;
		if (p.first != entries || p.start != bytes)
			return ASSAY_TAMPERED;
		if ((e = ima_segment_read(l, p.segment, sink, arg)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_TAMPERED : e;
		entries += p.entries;
		bytes += p.bytes;
	}
}
