/* keeper_replay_store.c: replays in the ledger and back; see keeper_replay.h. */
#include "keeper_private.h"
#include "keeper_replay.h"

#include "verifier/appraise/pack.h"

#include <stdlib.h>
#include <string.h>

#define ROW_SIZE 20
#define ROWS_PER_PART (LEDGER_BLOB_MAX / ROW_SIZE)
#define CODE_TEXT_MAX 32

void
replay_free(struct replay *r)
{
	if (!r)
		return;
	free(r->rows);
	free(r);
}

/* ---- out ---- */

static void
write_row(struct writer *w, const struct replay_row *row)
{
	wr_bytes(w, SPAN(row->id, sizeof row->id));
	wr_u8(w, (uint8_t)(row->before | row->after << 2 | row->verdict << 4));
	wr_u8(w, row->would);
	wr_be16(w, row->group);
}

static enum assay_err
store_part(struct keeper *k, const struct replay_row *rows, size_t n, uint8_t ret[32])
{
	uint8_t *bytes = malloc(n * ROW_SIZE);
	struct writer w;
	enum assay_err e;

	if (!bytes)
		return ASSAY_NO_MEMORY;
	wr_init(&w, bytes, n * ROW_SIZE);
	for (size_t i = 0; i < n; i++)
		write_row(&w, &rows[i]);
	e = w.err == ASSAY_OK ? ledger_blob_put(k->ledger, wr_span(&w), ret) : w.err;
	free(bytes);
	return e;
}

static void
write_groups(struct writer *w, const struct replay *r)
{
	wr_be16(w, (uint16_t)r->ngroups);
	for (unsigned i = 0; i < r->ngroups; i++) {
		const struct replay_group *g = &r->groups[i];

		wr_u8(w, g->before);
		wr_u8(w, g->after);
		wr_u8(w, g->would);
		pack_bool(w, g->over);
		wr_be16(w, g->code);
		pack_text(w, g->rule, sizeof g->rule);
		pack_text(w, g->subject, sizeof g->subject);
		wr_be32(w, g->count);
	}
}

enum assay_err
replay_store(struct keeper *k, struct replay *r)
{
	uint8_t parts[LEDGER_REPLAY_PARTS_MAX * 32];
	uint8_t *groups = malloc(LEDGER_REPLAY_GROUPS_MAX);
	struct ledger_replay head = r->head;
	size_t nparts = 0;
	struct writer w;
	enum assay_err e = groups ? ASSAY_OK : ASSAY_NO_MEMORY;

	for (size_t at = 0; at < r->nrows && e == ASSAY_OK; at += ROWS_PER_PART) {
		size_t n = r->nrows - at < ROWS_PER_PART ? r->nrows - at : ROWS_PER_PART;

		e = nparts == LEDGER_REPLAY_PARTS_MAX
			    ? ASSAY_TOO_MANY
			    : store_part(k, r->rows + at, n, parts + 32 * nparts++);
	}
	if (e == ASSAY_OK) {
		wr_init(&w, groups, LEDGER_REPLAY_GROUPS_MAX);
		write_groups(&w, r);
		head.groups = wr_span(&w);
		head.parts = SPAN(parts, 32 * nparts);
		e = w.err == ASSAY_OK ? ledger_replay_insert(k->ledger, &head, &r->head.id) : w.err;
	}
	free(groups);
	return e;
}

/* ---- in ---- */

static enum assay_err
read_groups(struct span bytes, struct replay *ret)
{
	struct reader r;

	rd_init(&r, bytes);
	ret->ngroups = rd_be16(&r);
	ret->ngroups = rd_count(&r, ret->ngroups, REPLAY_GROUPS_MAX);
	for (unsigned i = 0; i < ret->ngroups && r.err == ASSAY_OK; i++) {
		struct replay_group *g = &ret->groups[i];

		g->before = unpack_below(&r, OUTCOME_COUNT);
		g->after = unpack_below(&r, REPLAY_UNKNOWN + 1);
		g->would = unpack_below(&r, REPLAY_NO_WOULD + 1);
		g->over = unpack_bool(&r);
		g->code = rd_be16(&r);
		unpack_text(&r, g->rule, sizeof g->rule);
		unpack_text(&r, g->subject, sizeof g->subject);
		g->count = rd_be32(&r);
		if (g->code >= FIND_COUNT)
			rd_fail(&r, ASSAY_MALFORMED);
	}
	return rd_finish(&r);
}

static void
read_row(struct reader *r, struct replay_row *ret)
{
	uint8_t outcomes;

	unpack_fixed(r, ret->id, sizeof ret->id);
	outcomes = rd_u8(r);
	ret->would = rd_u8(r) & 3;
	ret->group = rd_be16(r);
	ret->before = outcomes & 3;
	ret->after = outcomes >> 2 & 3;
	ret->verdict = outcomes >> 4 & 3;
}

static enum assay_err
read_part(struct keeper *k, struct span digest, struct replay *ret)
{
	struct replay_row *rows;
	struct span bytes;
	struct reader r;
	size_t n;
	enum assay_err e = ledger_blob_get(k->ledger, digest.p, &bytes);

	if (e != ASSAY_OK)
		return e;
	n = bytes.n / ROW_SIZE;
	rows = realloc(ret->rows, (ret->nrows + n + 1) * sizeof *rows);
	if (!rows)
		return ASSAY_NO_MEMORY;
	ret->rows = rows;
	rd_init(&r, bytes);
	for (size_t i = 0; i < n; i++)
		read_row(&r, &rows[ret->nrows++]);
	return rd_finish(&r);
}

enum assay_err
keeper_replay_load(struct keeper *k, uint64_t id, struct replay **ret)
{
	struct replay *p = calloc(1, sizeof *p);
	uint8_t parts[LEDGER_REPLAY_PARTS_MAX * 32];
	enum assay_err e = p ? ledger_replay_get(k->ledger, id, &p->head) : ASSAY_NO_MEMORY;
	size_t nparts;

	if (e != ASSAY_OK)
		goto out;
	nparts = p->head.parts.n / 32;
	if (nparts)
		memcpy(parts, p->head.parts.p, 32 * nparts);
	e = read_groups(p->head.groups, p);
	for (size_t i = 0; i < nparts && e == ASSAY_OK; i++)
		e = read_part(k, SPAN(parts + 32 * i, 32), p);
	p->head.groups = p->head.parts = SPAN(NULL, 0);
	p->state = REPLAY_DONE;
	p->done = p->expected = p->head.total;
	if (e == ASSAY_OK) {
		*ret = p;
		p = NULL;
	}
out:
	replay_free(p);
	return e;
}

const struct replay_row *
replay_row(const struct replay *r, const char *device)
{
	uint8_t id[DEVICE_ID_HEX / 2];
	size_t low = 0, high = r->nrows, n;

	if (hex_decode(device, id, sizeof id, &n) != ASSAY_OK || n != sizeof id)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = memcmp(r->rows[middle].id, id, sizeof id); /* public */

		if (c == 0)
			return &r->rows[middle];
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
