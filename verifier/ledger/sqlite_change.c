/* sqlite_change.c: rollouts, planned changes, digests declared bad; see ledger.h. Each
 * has one row per key, which is replaced. */
#include "sqlite_engine.h"

#include <string.h>

static void
why_write(const struct ledger_why *w, struct row *r)
{
	row_text(r, w->actor, sizeof w->actor);
	row_text(r, w->comment, sizeof w->comment);
	row_int(r, w->at);
}

static void
why_read(struct row *r, struct ledger_why *ret)
{
	row_get_text(r, ret->actor, sizeof ret->actor);
	row_get_text(r, ret->comment, sizeof ret->comment);
	ret->at = row_get_int(r);
}

static enum assay_err
put(struct ledger *l, enum table_id t, enum query_id q, const struct row *r)
{
	struct row key, old;
	enum assay_err e;

	if (r->err != ASSAY_OK)
		return r->err;
	row_init(&key);
	key.cell[key.n++] = r->cell[0];
	if ((e = engine_writable(l)) != ASSAY_OK)
		return e;
	e = row_select(l, q, &key, &old);
	if (e == ASSAY_NOT_FOUND)
		return row_insert(l, t, r);
	return e == ASSAY_OK ? row_update(l, &old, t, r) : e;
}

/* ---- rollouts ---- */

static enum assay_err
rollout_read(struct row *r, struct ledger_rollout *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->name, sizeof ret->name);
	row_get_bytes(r, ret->policy, sizeof ret->policy);
	row_get_text(r, ret->ring, sizeof ret->ring);
	ret->state = (enum rollout_state)row_get_enum(r, ROLLOUT_STATE_COUNT);
	ret->replay = row_get_u64(r);
	ret->halt_above = row_get_enum(r, UINT32_MAX);
	row_get_text(r, ret->actor, sizeof ret->actor);
	row_get_text(r, ret->comment, sizeof ret->comment);
	ret->started = row_get_int(r);
	ret->updated = row_get_int(r);
	row_get_text(r, ret->why, sizeof ret->why);
	return row_end(r);
}

enum assay_err
ledger_rollout_put(struct ledger *l, const struct ledger_rollout *o)
{
	struct row r;

	if (o->name[0] == '\0' || o->state == ROLLOUT_NONE ||
	    (unsigned)o->state >= ROLLOUT_STATE_COUNT)
		return ASSAY_MALFORMED;
	row_init(&r);
	row_text(&r, o->name, sizeof o->name);
	row_blob(&r, SPAN(o->policy, sizeof o->policy), sizeof o->policy);
	row_text(&r, o->ring, sizeof o->ring);
	row_int(&r, o->state);
	row_u64(&r, o->replay);
	row_int(&r, o->halt_above);
	row_text(&r, o->actor, sizeof o->actor);
	row_text(&r, o->comment, sizeof o->comment);
	row_int(&r, o->started);
	row_int(&r, o->updated);
	row_text(&r, o->why, sizeof o->why);
	return put(l, T_ROLLOUT, Q_ROLLOUT_GET, &r);
}

static enum assay_err
rollout_select(struct ledger *l, enum query_id q, const char *name, struct ledger_rollout *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, name, LEDGER_NAME_MAX + 1);
	e = row_select(l, q, &key, &r);
	return e == ASSAY_OK ? rollout_read(&r, ret) : e;
}

enum assay_err
ledger_rollout_get(struct ledger *l, const char *name, struct ledger_rollout *ret)
{
	enum assay_err e = rollout_select(l, Q_ROLLOUT_GET, name, ret);

	return e == ASSAY_OK && strcmp(ret->name, name) != 0 ? ASSAY_TAMPERED : e;
}

enum assay_err
ledger_rollout_next(struct ledger *l, const char *after, struct ledger_rollout *ret)
{
	return rollout_select(l, Q_ROLLOUT_NEXT, after, ret);
}

/* ---- planned changes ---- */

static enum assay_err
plan_read(struct row *r, struct ledger_plan *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->name, sizeof ret->name);
	row_get_text(r, ret->class_name, sizeof ret->class_name);
	row_get_bytes(r, ret->a, sizeof ret->a);
	row_get_bytes(r, ret->b, sizeof ret->b);
	ret->starts = row_get_int(r);
	ret->ends = row_get_int(r);
	ret->active = row_get_bool(r);
	why_read(r, &ret->why);
	return row_end(r);
}

enum assay_err
ledger_plan_put(struct ledger *l, const struct ledger_plan *p)
{
	struct row r;

	if (!p->name[0] || p->ends <= p->starts ||
	    span_equal(SPAN(p->a, 32), SPAN(p->b, 32)))
		return ASSAY_MALFORMED;
	row_init(&r);
	row_text(&r, p->name, sizeof p->name);
	row_text(&r, p->class_name, sizeof p->class_name);
	row_blob(&r, SPAN(p->a, sizeof p->a), sizeof p->a);
	row_blob(&r, SPAN(p->b, sizeof p->b), sizeof p->b);
	row_int(&r, p->starts);
	row_int(&r, p->ends);
	row_int(&r, p->active);
	why_write(&p->why, &r);
	return put(l, T_PLAN, Q_PLAN_GET, &r);
}

static enum assay_err
plan_select(struct ledger *l, enum query_id q, const char *name, struct ledger_plan *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, name, LEDGER_NAME_MAX + 1);
	e = row_select(l, q, &key, &r);
	return e == ASSAY_OK ? plan_read(&r, ret) : e;
}

enum assay_err
ledger_plan_get(struct ledger *l, const char *name, struct ledger_plan *ret)
{
	enum assay_err e = plan_select(l, Q_PLAN_GET, name, ret);

	return e == ASSAY_OK && strcmp(ret->name, name) != 0 ? ASSAY_TAMPERED : e;
}

enum assay_err
ledger_plan_next(struct ledger *l, const char *after, struct ledger_plan *ret)
{
	return plan_select(l, Q_PLAN_NEXT, after, ret);
}

/* ---- digests declared bad ---- */

static enum assay_err
known_bad_read(struct row *r, struct ledger_known_bad *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->digest, sizeof ret->digest);
	ret->active = row_get_bool(r);
	why_read(r, &ret->why);
	return row_end(r);
}

enum assay_err
ledger_known_bad_put(struct ledger *l, const struct ledger_known_bad *b)
{
	struct row r;

	if (b->digest[0] == '\0')
		return ASSAY_MALFORMED;
	row_init(&r);
	row_text(&r, b->digest, sizeof b->digest);
	row_int(&r, b->active);
	why_write(&b->why, &r);
	return put(l, T_KNOWN_BAD, Q_KNOWN_BAD_GET, &r);
}

static enum assay_err
known_bad_select(struct ledger *l, enum query_id q, const char *digest,
		 struct ledger_known_bad *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, digest, LEDGER_DIGEST_TEXT + 1);
	e = row_select(l, q, &key, &r);
	return e == ASSAY_OK ? known_bad_read(&r, ret) : e;
}

enum assay_err
ledger_known_bad_get(struct ledger *l, const char *digest, struct ledger_known_bad *ret)
{
	enum assay_err e = known_bad_select(l, Q_KNOWN_BAD_GET, digest, ret);

	return e == ASSAY_OK && strcmp(ret->digest, digest) != 0 ? ASSAY_TAMPERED : e;
}

enum assay_err
ledger_known_bad_next(struct ledger *l, const char *after, struct ledger_known_bad *ret)
{
	return known_bad_select(l, Q_KNOWN_BAD_NEXT, after, ret);
}
