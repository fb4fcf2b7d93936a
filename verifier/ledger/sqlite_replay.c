/* sqlite_replay.c: what candidate policies would have done; see ledger.h. Results are
 * blobs that a replay holds as states hold boot logs; forgotten ones go with the prune. */
#include "sqlite_engine.h"

#include <string.h>

static void
replay_write(const struct ledger_replay *p, struct row *r)
{
	row_init(r);
	row_u64(r, p->id);
	row_blob(r, SPAN(p->policy, sizeof p->policy), sizeof p->policy);
	row_text(r, p->name, sizeof p->name);
	row_int(r, p->version);
	row_blob(r, SPAN(p->reference, sizeof p->reference), sizeof p->reference);
	row_text(r, p->class_name, sizeof p->class_name);
	row_text(r, p->device, sizeof p->device);
	row_text(r, p->actor, sizeof p->actor);
	row_int(r, p->at);
	row_int(r, p->finished);
	row_blob(r, SPAN(p->judges, sizeof p->judges), sizeof p->judges);
	row_int(r, p->total);
	row_int(r, p->unconcerned);
	row_int(r, p->unchanged);
	row_int(r, p->changed);
	row_int(r, p->unknown);
	row_int(r, p->would);
	row_int(r, p->stale);
	row_int(r, p->monitor);
	row_blob(r, p->groups, LEDGER_REPLAY_GROUPS_MAX);
	row_blob(r, p->parts, (size_t)32 * LEDGER_REPLAY_PARTS_MAX);
}

static enum assay_err
replay_read(struct row *r, struct ledger_replay *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->id = row_get_u64(r);
	row_get_bytes(r, ret->policy, sizeof ret->policy);
	row_get_text(r, ret->name, sizeof ret->name);
	ret->version = row_get_enum(r, UINT32_MAX);
	row_get_bytes(r, ret->reference, sizeof ret->reference);
	row_get_text(r, ret->class_name, sizeof ret->class_name);
	row_get_text(r, ret->device, sizeof ret->device);
	row_get_text(r, ret->actor, sizeof ret->actor);
	ret->at = row_get_int(r);
	ret->finished = row_get_int(r);
	row_get_bytes(r, ret->judges, sizeof ret->judges);
	ret->total = row_get_enum(r, UINT32_MAX);
	ret->unconcerned = row_get_enum(r, UINT32_MAX);
	ret->unchanged = row_get_enum(r, UINT32_MAX);
	ret->changed = row_get_enum(r, UINT32_MAX);
	ret->unknown = row_get_enum(r, UINT32_MAX);
	ret->would = row_get_enum(r, UINT32_MAX);
	ret->stale = row_get_enum(r, UINT32_MAX);
	ret->monitor = row_get_bool(r);
	ret->groups = row_get_blob(r, LEDGER_REPLAY_GROUPS_MAX);
	ret->parts = row_get_blob(r, (size_t)32 * LEDGER_REPLAY_PARTS_MAX);
	return row_end(r);
}

/* Each part is held, or let go. */
static enum assay_err
refer_parts(struct ledger *l, struct span parts, bool hold)
{
	static const uint8_t none[32];
	struct reader r;

	rd_init(&r, parts);
	while (rd_left(&r) > 0) {
		struct span part = rd_bytes(&r, 32), nothing = SPAN(none, 32);
		enum assay_err e = r.err != ASSAY_OK ? ASSAY_MALFORMED
				   : hold	     ? blob_refer(l, nothing, part)
						     : blob_refer(l, part, nothing);

		if (e != ASSAY_OK)
			return e;
	}
	return ASSAY_OK;
}

static enum assay_err
last_id(struct ledger *l, uint64_t *ret)
{
	struct row none, r;
	enum assay_err e;

	row_init(&none);
	if ((e = statement_row(l, S_REPLAY_LAST, &none, &r)) != ASSAY_OK)
		return e;
	*ret = r.n == 1 && r.cell[0].type == CELL_INT ? (uint64_t)r.cell[0].i : 0;
	return ASSAY_OK;
}

static enum assay_err
forget_oldest(struct ledger *l)
{
	uint8_t mac[SEAL_MAC_SIZE], parts[32 * LEDGER_REPLAY_PARTS_MAX];
	struct row key, r;
	struct span s;
	int64_t id;
	enum assay_err e;

	row_init(&key);
	row_int(&key, LEDGER_REPLAYS_KEPT);
	if ((e = statement_row(l, S_REPLAY_OLD, &key, &r)) != ASSAY_OK)
		return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
	id = row_get_int(&r);
	row_get_bytes(&r, mac, sizeof mac);
	s = row_get_blob(&r, sizeof parts);
	if ((e = row_end(&r)) != ASSAY_OK)
		return e;
	if (s.n)
		memcpy(parts, s.p, s.n);
	s.p = parts;
	row_init(&key);
	row_int(&key, id);
	if ((e = statement_change(l, S_REPLAY_FORGET, &key, NULL)) != ASSAY_OK ||
	    (e = row_forgotten(l, SPAN(mac, sizeof mac))) != ASSAY_OK)
		return e;
	return refer_parts(l, s, false);
}

enum assay_err
ledger_replay_insert(struct ledger *l, const struct ledger_replay *p, uint64_t *ret_id)
{
	struct ledger_replay copy = *p;
	struct row r;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK || (e = last_id(l, &copy.id)) != ASSAY_OK)
		return e;
	copy.id = p->id > copy.id ? p->id : copy.id + 1;
	replay_write(&copy, &r);
	if ((e = row_insert(l, T_REPLAY, &r)) != ASSAY_OK)
		return e;
	if ((e = refer_parts(l, p->parts, true)) != ASSAY_OK || (e = forget_oldest(l)) != ASSAY_OK)
		return engine_break(l, e);
	*ret_id = copy.id;
	return ASSAY_OK;
}

static enum assay_err
replay_select(struct ledger *l, enum query_id q, uint64_t id, struct ledger_replay *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_u64(&key, id);
	if ((e = row_select(l, q, &key, &r)) != ASSAY_OK)
		return e;
	return replay_read(&r, ret);
}

enum assay_err
ledger_replay_get(struct ledger *l, uint64_t id, struct ledger_replay *ret)
{
	enum assay_err e = replay_select(l, Q_REPLAY_GET, id, ret);

	return e == ASSAY_OK && ret->id != id ? ASSAY_TAMPERED : e;
}

enum assay_err
ledger_replay_prev(struct ledger *l, uint64_t before, struct ledger_replay *ret)
{
	return replay_select(l, Q_REPLAY_PREV, before ? before : INT64_MAX, ret);
}
