/* sqlite_token.c: enrolment tokens, and EKs that need none; see ledger.h. */
#include "sqlite_engine.h"

#include <string.h>

#define CELL_USES_LEFT 5

static void
key_of(const char *id, struct row *key)
{
	row_init(key);
	row_text(key, id, MSG_TOKEN_FIELD_MAX + 1);
}

static void
token_write(const struct ledger_token *t, struct row *r)
{
	row_init(r);
	row_text(r, t->id, sizeof t->id);
	row_blob(r, SPAN(t->secret_hash, sizeof t->secret_hash), sizeof t->secret_hash);
	row_text(r, t->class_name, sizeof t->class_name);
	row_text(r, t->labels, sizeof t->labels);
	row_int(r, t->lowest_tier);
	row_int(r, t->uses_left);
	row_int(r, t->created);
	row_int(r, t->expires);
	row_text(r, t->created_by, sizeof t->created_by);
}

static enum assay_err
token_read(struct row *r, struct ledger_token *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->id, sizeof ret->id);
	row_get_bytes(r, ret->secret_hash, sizeof ret->secret_hash);
	row_get_text(r, ret->class_name, sizeof ret->class_name);
	row_get_text(r, ret->labels, sizeof ret->labels);
	ret->lowest_tier = (enum tier)row_get_enum(r, TIER_COUNT);
	ret->uses_left = row_get_enum(r, UINT32_MAX);
	ret->created = row_get_int(r);
	ret->expires = row_get_int(r);
	row_get_text(r, ret->created_by, sizeof ret->created_by);
	return row_end(r);
}

static enum assay_err
token_take(enum assay_err e, struct row *r, struct ledger_token *ret)
{
	if (e == ASSAY_OK)
		e = token_read(r, ret);
	if (e != ASSAY_TAMPERED)
		return e;
	memset(ret, 0, sizeof *ret);
	r->pos = 0;
	r->err = ASSAY_OK;
	row_get_text(r, ret->id, sizeof ret->id);
	return ASSAY_TAMPERED;
}

enum assay_err
ledger_token_insert(struct ledger *l, const struct ledger_token *t)
{
	struct row r;

	if (t->id[0] == '\0' || (unsigned)t->lowest_tier >= TIER_COUNT ||
	    t->uses_left == UINT32_MAX)
		return ASSAY_MALFORMED;
	token_write(t, &r);
	return row_insert(l, T_TOKEN, &r);
}

enum assay_err
ledger_token_get(struct ledger *l, const char *id, struct ledger_token *ret)
{
	struct row key, r;
	enum assay_err e;

	key_of(id, &key);
	e = token_take(row_select(l, Q_TOKEN_GET, &key, &r), &r, ret);
	if (e == ASSAY_OK && strcmp(ret->id, id) != 0)
		return ASSAY_TAMPERED;
	return e;
}

enum assay_err
ledger_token_spend(struct ledger *l, const char *id)
{
	struct row key, old, r;
	enum assay_err e;

	key_of(id, &key);
	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = row_select(l, Q_TOKEN_GET, &key, &old)) != ASSAY_OK)
		return e;
	if (old.cell[CELL_USES_LEFT].i <= 0)
		return ASSAY_DENIED;
	r = old;
	r.cell[CELL_USES_LEFT].i--;
	return row_update(l, &old, T_TOKEN, &r);
}

enum assay_err
ledger_token_next(struct ledger *l, const char *after, struct ledger_token *ret)
{
	struct row key, r;

	key_of(after, &key);
	return token_take(row_select(l, Q_TOKEN_NEXT, &key, &r), &r, ret);
}

enum assay_err
token_prune(struct ledger *l, int64_t before, unsigned limit)
{
	char id[MSG_TOKEN_FIELD_MAX + 1];
	uint8_t mac[SEAL_MAC_SIZE];
	struct row key, r;
	enum assay_err e = ASSAY_OK;

	while (limit-- > 0) {
		row_init(&key);
		row_int(&key, before);
		if ((e = statement_row(l, S_TOKEN_OLD, &key, &r)) != ASSAY_OK)
			return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
		row_get_text(&r, id, sizeof id);
		row_get_bytes(&r, mac, sizeof mac);
		key_of(id, &key);
		if ((e = row_end(&r)) != ASSAY_OK ||
		    (e = statement_change(l, S_TOKEN_FORGET, &key, NULL)) != ASSAY_OK ||
		    (e = row_forgotten(l, SPAN(mac, sizeof mac))) != ASSAY_OK)
			return e;
	}
	return ASSAY_OK;
}

/* ---- EKs ---- */

enum assay_err
ledger_ek_insert(struct ledger *l, const struct ledger_ek *e)
{
	struct row r;

	row_init(&r);
	row_blob(&r, SPAN(e->ek_digest, sizeof e->ek_digest), sizeof e->ek_digest);
	row_text(&r, e->class_name, sizeof e->class_name);
	row_text(&r, e->labels, sizeof e->labels);
	row_text(&r, e->name, sizeof e->name);
	row_int(&r, e->created);
	return row_insert(l, T_EK, &r);
}

enum assay_err
ledger_ek_get(struct ledger *l, const uint8_t digest[32], struct ledger_ek *ret)
{
	struct ledger_ek k = {0};
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_blob(&key, SPAN(digest, 32), 32);
	if ((e = row_select(l, Q_EK_GET, &key, &r)) != ASSAY_OK)
		return e;
	row_get_bytes(&r, k.ek_digest, sizeof k.ek_digest);
	row_get_text(&r, k.class_name, sizeof k.class_name);
	row_get_text(&r, k.labels, sizeof k.labels);
	row_get_text(&r, k.name, sizeof k.name);
	k.created = row_get_int(&r);
	if ((e = row_end(&r)) != ASSAY_OK)
		return e;
	if (!span_equal(SPAN(k.ek_digest, 32), SPAN(digest, 32)))
		return ASSAY_TAMPERED;
	*ret = k;
	return ASSAY_OK;
}
