/* sqlite_outbox.c: how far webhooks, syslog and the journal have come, and what could not
 * be delivered; see outbox.h. */
#include "outbox.h"
#include "sqlite_engine.h"

#include "verifier/appraise/text.h"

#include <string.h>

#define ID_MAX (LEDGER_OUTBOX_NAME_MAX + 22) /* "NAME:00000000000000000001" */

static bool
name_valid(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= LEDGER_OUTBOX_NAME_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-@") == n;
}

/* ---- cursors ---- */

static void
outbox_write(const struct ledger_outbox *o, struct row *r)
{
	row_init(r);
	row_text(r, o->name, sizeof o->name);
	row_u64(r, o->cursor);
	row_int(r, o->updated);
}

static enum assay_err
outbox_select(struct ledger *l, const char *name, struct row *ret)
{
	struct row key;

	row_init(&key);
	row_text(&key, name, LEDGER_OUTBOX_NAME_MAX + 1);
	return row_select(l, Q_OUTBOX_GET, &key, ret);
}

enum assay_err
ledger_outbox_get(struct ledger *l, const char *name, struct ledger_outbox *ret)
{
	struct row r;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (!name_valid(name))
		return ASSAY_MALFORMED;
	if ((e = outbox_select(l, name, &r)) != ASSAY_OK)
		return e;
	row_get_text(&r, ret->name, sizeof ret->name);
	ret->cursor = row_get_u64(&r);
	ret->updated = row_get_int(&r);
	if ((e = row_end(&r)) != ASSAY_OK)
		return e;
	return strcmp(ret->name, name) == 0 ? ASSAY_OK : ASSAY_TAMPERED;
}

enum assay_err
ledger_outbox_put(struct ledger *l, const struct ledger_outbox *o)
{
	struct row old, r;
	enum assay_err e;

	if (!name_valid(o->name))
		return ASSAY_MALFORMED;
	if ((e = engine_writable(l)) != ASSAY_OK)
		return e;
	outbox_write(o, &r);
	e = outbox_select(l, o->name, &old);
	if (e == ASSAY_NOT_FOUND)
		return row_insert(l, T_OUTBOX, &r);
	return e == ASSAY_OK ? row_update(l, &old, T_OUTBOX, &r) : e;
}

/* ---- dead letters ---- */

static void
key_of(const char *name, uint64_t seq, struct row *key)
{
	static char id[ID_MAX]; /* rows hold spans */

	text_format(id, sizeof id, "%s:%020llu", name, (unsigned long long)seq);
	row_text(key, id, sizeof id);
}

/* ":" and what follows, in the ids of a name, is below ";". */
static void
end_of(const char *name, struct row *key)
{
	static char id[ID_MAX];

	text_format(id, sizeof id, "%s;", name);
	row_text(key, id, sizeof id);
}

static enum assay_err
dead_read(struct row *r, struct ledger_dead *ret)
{
	char id[ID_MAX];
	const char *colon;

	memset(ret, 0, sizeof *ret);
	row_get_text(r, id, sizeof id);
	ret->seq = row_get_u64(r);
	ret->attempts = (uint32_t)row_get_u64(r);
	row_get_text(r, ret->error, sizeof ret->error);
	ret->at = row_get_int(r);
	ret->again = row_get_bool(r);
	if (row_end(r) != ASSAY_OK || !(colon = strchr(id, ':')) ||
	    (size_t)(colon - id) >= sizeof ret->name)
		return ASSAY_TAMPERED;
	memcpy(ret->name, id, (size_t)(colon - id));
	return ASSAY_OK;
}

static enum assay_err
dead_select(struct ledger *l, const char *name, uint64_t seq, struct row *ret)
{
	struct row key;

	if (!name_valid(name))
		return ASSAY_MALFORMED;
	row_init(&key);
	key_of(name, seq, &key);
	return row_select(l, Q_DEAD_GET, &key, ret);
}

enum assay_err
ledger_dead_get(struct ledger *l, const char *name, uint64_t seq, struct ledger_dead *ret)
{
	struct row r;
	enum assay_err e = dead_select(l, name, seq, &r);

	if (e != ASSAY_OK || (e = dead_read(&r, ret)) != ASSAY_OK)
		return e;
	return ret->seq == seq && strcmp(ret->name, name) == 0 ? ASSAY_OK : ASSAY_TAMPERED;
}

enum assay_err
ledger_dead_put(struct ledger *l, const struct ledger_dead *d)
{
	struct row old, r;
	enum assay_err e;

	if (!name_valid(d->name) || d->seq == 0)
		return ASSAY_MALFORMED;
	if ((e = engine_writable(l)) != ASSAY_OK)
		return e;
	e = dead_select(l, d->name, d->seq, &old);
	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	row_init(&r);
	key_of(d->name, d->seq, &r);
	row_u64(&r, d->seq);
	row_u64(&r, d->attempts);
	row_text(&r, d->error, sizeof d->error);
	row_int(&r, d->at);
	row_int(&r, d->again);
	return e == ASSAY_OK ? row_update(l, &old, T_DEAD_LETTER, &r)
			     : row_insert(l, T_DEAD_LETTER, &r);
}

enum assay_err
ledger_dead_remove(struct ledger *l, const char *name, uint64_t seq)
{
	struct row key, old;
	enum assay_err e;
	int changed = 0;

	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = dead_select(l, name, seq, &old)) != ASSAY_OK)
		return e;
	row_init(&key);
	key_of(name, seq, &key);
	if ((e = statement_change(l, S_DEAD_FORGET, &key, &changed)) != ASSAY_OK)
		return e;
	if (changed != 1)
		return engine_break(l, ASSAY_INTERNAL);
	return row_forgotten(l, SPAN(old.mac, sizeof old.mac));
}

enum assay_err
ledger_dead_next(struct ledger *l, const struct ledger_dead *after, bool again,
		 struct ledger_dead *ret)
{
	struct row keys, r;
	enum assay_err e;

	if (!name_valid(after->name))
		return ASSAY_MALFORMED;
	row_init(&keys);
	key_of(after->name, after->seq, &keys);
	end_of(after->name, &keys);
	if ((e = row_select(l, again ? Q_DEAD_AGAIN : Q_DEAD_NEXT, &keys, &r)) != ASSAY_OK)
		return e;
	return dead_read(&r, ret);
}

enum assay_err
ledger_dead_count(struct ledger *l, const char *name, uint32_t *ret_all, uint32_t *ret_again)
{
	struct row keys, r;
	enum assay_err e;

	if (!name_valid(name))
		return ASSAY_MALFORMED;
	row_init(&keys);
	key_of(name, 0, &keys);
	end_of(name, &keys);
	if ((e = statement_row(l, S_DEAD_COUNT, &keys, &r)) != ASSAY_OK)
		return e;
	*ret_all = (uint32_t)row_get_u64(&r);
	*ret_again = (uint32_t)row_get_u64(&r);
	return row_end(&r);
}
