/* sqlite_policy.c: policies; see ledger.h. */
#include "sqlite_engine.h"

#include <string.h>

#include "verifier/appraise/policy.h"

#define CELL_ACTIVE 3

static void
policy_write(const struct ledger_policy *p, struct row *r)
{
	row_init(r);
	row_blob(r, SPAN(p->digest, sizeof p->digest), sizeof p->digest);
	row_text(r, p->name, sizeof p->name);
	row_int(r, p->version);
	row_int(r, p->active);
	row_text(r, p->author, sizeof p->author);
	row_text(r, p->comment, sizeof p->comment);
	row_int(r, p->created);
	row_blob(r, p->source, LEDGER_SOURCE_MAX);
	row_blob(r, p->compiled, POLICY_BYTES_MAX);
	row_int(r, p->activated);
	row_text(r, p->activated_by, sizeof p->activated_by);
	row_text(r, p->activated_why, sizeof p->activated_why);
}

static enum assay_err
policy_read(struct row *r, struct ledger_policy *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_bytes(r, ret->digest, sizeof ret->digest);
	row_get_text(r, ret->name, sizeof ret->name);
	ret->version = row_get_enum(r, UINT32_MAX);
	ret->active = row_get_bool(r);
	row_get_text(r, ret->author, sizeof ret->author);
	row_get_text(r, ret->comment, sizeof ret->comment);
	ret->created = row_get_int(r);
	ret->source = row_get_blob(r, LEDGER_SOURCE_MAX);
	ret->compiled = row_get_blob(r, POLICY_BYTES_MAX);
	ret->activated = row_get_int(r);
	row_get_text(r, ret->activated_by, sizeof ret->activated_by);
	row_get_text(r, ret->activated_why, sizeof ret->activated_why);
	return row_end(r);
}

/* What cannot be believed gives nothing but its digest, so that an iteration can pass it. */
static enum assay_err
policy_take(enum assay_err e, struct row *r, struct ledger_policy *ret)
{
	if (e == ASSAY_OK)
		e = policy_read(r, ret);
	if (e != ASSAY_TAMPERED)
		return e;
	memset(ret, 0, sizeof *ret);
	r->pos = 0;
	r->err = ASSAY_OK;
	row_get_bytes(r, ret->digest, sizeof ret->digest);
	return ASSAY_TAMPERED;
}

static enum assay_err
policy_select(struct ledger *l, const uint8_t digest[32], struct row *ret)
{
	struct row key;

	row_init(&key);
	row_blob(&key, SPAN(digest, 32), 32);
	return row_select(l, Q_POLICY_GET, &key, ret);
}

static enum assay_err
policy_set_active(struct ledger *l, const struct row *old, bool active)
{
	struct row r = *old;

	if (old->cell[CELL_ACTIVE].i == active)
		return ASSAY_OK;
	r.cell[CELL_ACTIVE].i = active;
	return row_update(l, old, T_POLICY, &r);
}

/* All of a name, in digest order. */
static enum assay_err
policy_switch(struct ledger *l, const char *name, const uint8_t digest[32])
{
	struct span after = SPAN(NULL, 0);
	uint8_t at[32];
	struct row keys, r;
	enum assay_err e;

	for (;;) {
		row_init(&keys);
		row_blob(&keys, after, 32);
		row_text(&keys, name, LEDGER_NAME_MAX + 1);
		if ((e = row_select(l, Q_POLICY_SIBLING, &keys, &r)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
		row_get_bytes(&r, at, sizeof at);
		if ((e = r.err) != ASSAY_OK ||
		    (e = policy_set_active(l, &r, span_equal(SPAN(at, 32), SPAN(digest, 32)))) !=
			    ASSAY_OK)
			return e;
		after = SPAN(at, sizeof at);
	}
}

enum assay_err
ledger_policy_insert(struct ledger *l, const struct ledger_policy *p)
{
	struct row r;
	enum assay_err e;

	if (p->name[0] == '\0' || p->version == UINT32_MAX)
		return ASSAY_MALFORMED;
	policy_write(p, &r);
	if ((e = row_insert(l, T_POLICY, &r)) != ASSAY_OK || !p->active)
		return e;
	if ((e = policy_switch(l, p->name, p->digest)) != ASSAY_OK)
		return engine_break(l, e);
	return ASSAY_OK;
}

enum assay_err
ledger_policy_activate(struct ledger *l, const uint8_t digest[32])
{
	struct ledger_policy p;
	struct row r;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = policy_select(l, digest, &r)) != ASSAY_OK || (e = policy_read(&r, &p)) != ASSAY_OK)
		return e;
	if ((e = policy_switch(l, p.name, digest)) != ASSAY_OK)
		return engine_break(l, e);
	return ASSAY_OK;
}

enum assay_err
ledger_policy_activated(struct ledger *l, const uint8_t digest[32], const struct ledger_why *why)
{
	struct ledger_policy p;
	struct row old, r;
	enum assay_err e;

	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = policy_select(l, digest, &old)) != ASSAY_OK ||
	    (e = policy_read(&old, &p)) != ASSAY_OK)
		return e;
	p.activated = why->at;
	memcpy(p.activated_by, why->actor, sizeof p.activated_by);
	memcpy(p.activated_why, why->comment, sizeof p.activated_why);
	policy_write(&p, &r);
	return row_update(l, &old, T_POLICY, &r);
}

enum assay_err
ledger_policy_get(struct ledger *l, const uint8_t digest[32], struct ledger_policy *ret)
{
	struct row r;
	enum assay_err e = policy_take(policy_select(l, digest, &r), &r, ret);

	if (e == ASSAY_OK && !span_equal(SPAN(ret->digest, 32), SPAN(digest, 32)))
		return ASSAY_TAMPERED;
	return e;
}

enum assay_err
ledger_policy_next(struct ledger *l, const uint8_t *after, struct ledger_policy *ret)
{
	struct row key, r;

	row_init(&key);
	row_blob(&key, SPAN(after, after ? 32 : 0), 32);
	return policy_take(row_select(l, Q_POLICY_NEXT, &key, &r), &r, ret);
}
