/* sqlite_operator.c: operators and their credentials; see ledger.h. */
#include "sqlite_engine.h"

#include <string.h>

#define CELL_REVOKED 6

static enum assay_err
operator_read(struct row *r, struct ledger_operator *ret)
{
	memset(ret, 0, sizeof *ret);
	row_get_text(r, ret->name, sizeof ret->name);
	ret->credential = (enum operator_credential)row_get_enum(r, CREDENTIAL_COUNT);
	row_get_bytes(r, ret->hash, sizeof ret->hash);
	ret->role = (enum operator_role)row_get_enum(r, ROLE_COUNT);
	ret->created = row_get_int(r);
	ret->expires = row_get_int(r);
	ret->revoked = row_get_bool(r);
	return row_end(r);
}

/* What cannot be believed gives nothing but its name, so that an iteration can pass it. */
static enum assay_err
operator_take(enum assay_err e, struct row *r, struct ledger_operator *ret)
{
	if (e == ASSAY_OK)
		e = operator_read(r, ret);
	if (e != ASSAY_TAMPERED)
		return e;
	memset(ret, 0, sizeof *ret);
	r->pos = 0;
	r->err = ASSAY_OK;
	row_get_text(r, ret->name, sizeof ret->name);
	return ASSAY_TAMPERED;
}

enum assay_err
ledger_operator_insert(struct ledger *l, const struct ledger_operator *o)
{
	struct row r;

	if (o->name[0] == '\0' || o->role == ROLE_NONE || (unsigned)o->role >= ROLE_COUNT ||
	    o->credential == CREDENTIAL_NONE || (unsigned)o->credential >= CREDENTIAL_COUNT)
		return ASSAY_MALFORMED;
	row_init(&r);
	row_text(&r, o->name, sizeof o->name);
	row_int(&r, o->credential);
	row_blob(&r, SPAN(o->hash, sizeof o->hash), sizeof o->hash);
	row_int(&r, o->role);
	row_int(&r, o->created);
	row_int(&r, o->expires);
	row_int(&r, o->revoked);
	return row_insert(l, T_OPERATOR, &r);
}

enum assay_err
ledger_operator_by_hash(struct ledger *l, enum operator_credential kind, const uint8_t hash[32],
			struct ledger_operator *ret)
{
	struct row key, r;
	enum assay_err e;

	row_init(&key);
	row_blob(&key, SPAN(hash, 32), 32);
	e = operator_take(row_select(l, Q_OPERATOR_BY_HASH, &key, &r), &r, ret);
	if (e == ASSAY_OK && !span_equal(SPAN(ret->hash, 32), SPAN(hash, 32)))
		return ASSAY_TAMPERED;
	if (e == ASSAY_OK && ret->credential != kind)
		return ASSAY_NOT_FOUND;
	return e;
}

enum assay_err
ledger_operator_revoke(struct ledger *l, const char *name)
{
	struct row key, old, r;
	enum assay_err e;

	row_init(&key);
	row_text(&key, name, LEDGER_NAME_MAX + 1);
	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = row_select(l, Q_OPERATOR_GET, &key, &old)) != ASSAY_OK)
		return e;
	r = old;
	r.cell[CELL_REVOKED].i = 1;
	return row_update(l, &old, T_OPERATOR, &r);
}

enum assay_err
ledger_operator_next(struct ledger *l, const char *after, struct ledger_operator *ret)
{
	struct row key, r;

	row_init(&key);
	row_text(&key, after, LEDGER_NAME_MAX + 1);
	return operator_take(row_select(l, Q_OPERATOR_NEXT, &key, &r), &r, ret);
}
