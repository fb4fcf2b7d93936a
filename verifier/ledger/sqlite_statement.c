/* sqlite_statement.c: prepared statements, and rows through them; see sqlite_engine.h. */
#include "sqlite_engine.h"

#include <stdio.h>
#include <string.h>

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#define SQL_MAX 1024

static const struct {
	enum table_id table;
	unsigned extra;
	const char *condition;
} queries[QUERY_COUNT] = {
#define X(query, table, extra, condition) {T_##table, extra, condition},
	QUERIES(X)
#undef X
};

static const char *const statements[STATEMENT_COUNT] = {
#define X(statement, sql) sql,
	STATEMENTS(X)
#undef X
};

/* ---- preparing ---- */

static enum assay_err
prepare(struct ledger *l, const char *sql, sqlite3_stmt **ret)
{
	return engine_err(sqlite3_prepare_v3(l->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

/* "a,b,c" -> "a,mac,b,c": how rows are written and read. */
static void
columns_with_mac(const struct table *t, char *ret, size_t cap)
{
	const char *comma = strchr(t->columns, ',');

	snprintf(ret, cap, "%.*s,mac%s", (int)(comma - t->columns), t->columns, comma);
}

static enum assay_err
prepare_query(struct ledger *l, enum query_id q)
{
	const struct table *t = &tables[queries[q].table];
	static const char *const extras[] = {"", ",continuity", ",continuity,proof"};
	char columns[SQL_MAX], sql[2 * SQL_MAX];

	columns_with_mac(t, columns, sizeof columns);
	snprintf(sql, sizeof sql, "SELECT %s%s FROM %s WHERE %s", columns,
		 extras[queries[q].extra], t->name, queries[q].condition);
	return prepare(l, sql, &l->query[q]);
}

static enum assay_err
prepare_insert(struct ledger *l, enum table_id t)
{
	char columns[SQL_MAX], sql[2 * SQL_MAX], values[8 * ROW_CELLS_MAX];
	size_t n = 0;

	columns_with_mac(&tables[t], columns, sizeof columns);
	for (unsigned i = 1; i <= tables[t].ncolumns + tables[t].nextra + 1; i++)
		n += (size_t)snprintf(values + n, sizeof values - n, "%s?%u", i > 1 ? "," : "", i);
	snprintf(sql, sizeof sql, "INSERT INTO %s(%s%s) VALUES(%s)", tables[t].name, columns,
		 tables[t].extra, values);
	return prepare(l, sql, &l->insert[t]);
}

/* The same parameters in the same order as the insert has. */
static enum assay_err
prepare_update(struct ledger *l, enum table_id t)
{
	char columns[SQL_MAX], sql[2 * SQL_MAX], values[8 * ROW_CELLS_MAX];
	const char *set, *key = tables[t].columns;
	size_t n = 0;

	columns_with_mac(&tables[t], columns, sizeof columns);
	set = strchr(columns, ',') + 1;
	for (unsigned i = 2; i <= tables[t].ncolumns + tables[t].nextra + 1; i++)
		n += (size_t)snprintf(values + n, sizeof values - n, "%s?%u", i > 2 ? "," : "", i);
	snprintf(sql, sizeof sql, "UPDATE %s SET (%s%s)=(%s) WHERE %.*s=?1", tables[t].name, set,
		 tables[t].extra, values, (int)strcspn(key, ","), key);
	return prepare(l, sql, &l->update[t]);
}

enum assay_err
row_prepare(struct ledger *l)
{
	enum assay_err e = ASSAY_OK;

	for (unsigned i = 0; i < QUERY_COUNT && e == ASSAY_OK; i++)
		e = prepare_query(l, (enum query_id)i);
	for (unsigned i = 0; i < TABLE_COUNT && e == ASSAY_OK; i++)
		if ((e = prepare_insert(l, (enum table_id)i)) == ASSAY_OK)
			e = prepare_update(l, (enum table_id)i);
	for (unsigned i = 0; i < STATEMENT_COUNT && e == ASSAY_OK; i++)
		e = prepare(l, statements[i], &l->statement[i]);
	return e;
}

static void
each_statement(struct ledger *l, int (*f)(sqlite3_stmt *))
{
	for (unsigned i = 0; i < QUERY_COUNT; i++)
		(void)f(l->query[i]);
	for (unsigned i = 0; i < STATEMENT_COUNT; i++)
		(void)f(l->statement[i]);
	for (unsigned i = 0; i < TABLE_COUNT; i++) {
		(void)f(l->insert[i]);
		(void)f(l->update[i]);
	}
}

void
row_finalize(struct ledger *l)
{
	each_statement(l, sqlite3_finalize);
	memset(l->query, 0, sizeof l->query);
	memset(l->insert, 0, sizeof l->insert);
	memset(l->update, 0, sizeof l->update);
	memset(l->statement, 0, sizeof l->statement);
}

void
engine_reset(struct ledger *l)
{
	l->outlined = false;
	each_statement(l, sqlite3_reset);
}

static int
bind_cell(sqlite3_stmt *st, int at, const struct cell *c)
{
	switch (c->type) {
	case CELL_INT:
		return sqlite3_bind_int64(st, at, c->i);
	case CELL_TEXT:
		return sqlite3_bind_text64(st, at, c->s.n ? (const char *)c->s.p : "", c->s.n,
					   SQLITE_STATIC, SQLITE_UTF8);
	case CELL_BLOB:
		if (c->s.n == 0)
			return sqlite3_bind_zeroblob(st, at, 0);
		return sqlite3_bind_blob64(st, at, c->s.p, c->s.n, SQLITE_STATIC);
	case CELL_REAL:
	case CELL_NULL:
		break;
	}
	return SQLITE_MISUSE;
}

/* Cells to parameters 1, 2, ...; mac, if there is one, becomes the second. */
static int
bind_row(sqlite3_stmt *st, const struct row *r, const uint8_t *mac)
{
	int rc = sqlite3_reset(st), at = 1;

	/* reset repeats the error of the last run; it is not this one's */
	rc = SQLITE_OK;
	for (unsigned i = 0; i < r->n && rc == SQLITE_OK; i++) {
		rc = bind_cell(st, at++, &r->cell[i]);
		if (i == 0 && mac && rc == SQLITE_OK)
			rc = sqlite3_bind_blob64(st, at++, mac, SEAL_MAC_SIZE, SQLITE_STATIC);
	}
	return rc;
}

static void
fetch_cell(sqlite3_stmt *st, int at, struct cell *c)
{
	static const enum cell_type types[] = {
		[SQLITE_INTEGER] = CELL_INT, [SQLITE_FLOAT] = CELL_REAL, [SQLITE_TEXT] = CELL_TEXT,
		[SQLITE_BLOB] = CELL_BLOB,   [SQLITE_NULL] = CELL_NULL,
	};
	int type = sqlite3_column_type(st, at);

	*c = (struct cell){.type = types[type]};
	if (type == SQLITE_INTEGER)
		c->i = sqlite3_column_int64(st, at);
	else if (type == SQLITE_TEXT)
		c->s.p = sqlite3_column_text(st, at);
	else if (type == SQLITE_BLOB)
		c->s.p = sqlite3_column_blob(st, at);
	if (c->s.p)
		c->s.n = (size_t)sqlite3_column_bytes(st, at);
}

void
row_fetch(sqlite3_stmt *st, struct row *ret)
{
	int n = sqlite3_column_count(st);

	row_init(ret);
	for (int i = 0; i < n && i < ROW_CELLS_MAX; i++)
		fetch_cell(st, i, &ret->cell[ret->n++]);
}

/* Column 1 is the MAC; the others are the cells. */
static enum assay_err
fetch_row(struct ledger *l, sqlite3_stmt *st, enum table_id t, struct row *ret)
{
	uint8_t want[SEAL_MAC_SIZE];
	struct cell mac;
	enum assay_err e;
	int n = sqlite3_column_count(st);

	row_init(ret);
	fetch_cell(st, 1, &mac);
	for (int i = 0; i < n; i++)
		if (i != 1)
			fetch_cell(st, i, &ret->cell[ret->n++]);
	if ((e = row_mac(l, t, ret, want)) != ASSAY_OK)
		return e;
	if (mac.type != CELL_BLOB || !span_equal(mac.s, SPAN(want, sizeof want)))
		return ASSAY_TAMPERED;
	memcpy(ret->mac, want, sizeof want);
	return ASSAY_OK;
}

/* One step of a reading statement. Without a row the statement is at rest again. */
static enum assay_err
step_read(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return ASSAY_OK;
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? ASSAY_NOT_FOUND : engine_err(rc);
}

enum assay_err
row_select(struct ledger *l, enum query_id q, const struct row *keys, struct row *ret)
{
	enum assay_err e;

	row_init(ret);
	if (keys->err != ASSAY_OK)
		return keys->err;
	if ((e = engine_err(bind_row(l->query[q], keys, NULL))) != ASSAY_OK)
		return e;
	return row_more(l, q, ret);
}

enum assay_err
row_more(struct ledger *l, enum query_id q, struct row *ret)
{
	enum assay_err e = step_read(l->query[q]);

	return e == ASSAY_OK ? fetch_row(l, l->query[q], queries[q].table, ret) : e;
}

/* One step of a statement that writes one row. What SQLite refused because of a
 * constraint changed nothing; any other failure breaks the transaction. */
static enum assay_err
step_write(struct ledger *l, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	enum assay_err e = rc == SQLITE_DONE ? ASSAY_OK : engine_err(rc);

	sqlite3_reset(st);
	if (e == ASSAY_OK)
		l->dirty = true;
	else if (e != ASSAY_EXISTS && e != ASSAY_NOT_FOUND)
		return engine_break(l, e);
	return e;
}

static enum assay_err
write_row(struct ledger *l, sqlite3_stmt *st, enum table_id t, const struct row *r)
{
	uint8_t mac[SEAL_MAC_SIZE], term[32];
	enum assay_err e;

	if (r->err != ASSAY_OK)
		return r->err;
	if (r->n != tables[t].ncolumns + tables[t].nextra)
		return ASSAY_INTERNAL;
	if ((e = engine_writable(l)) != ASSAY_OK || (e = row_mac(l, t, r, mac)) != ASSAY_OK ||
	    (e = meta_sum_term(l, SPAN(mac, sizeof mac), term)) != ASSAY_OK ||
	    (e = engine_err(bind_row(st, r, mac))) != ASSAY_OK ||
	    (e = step_write(l, st)) != ASSAY_OK)
		return e;
	if (sqlite3_changes(l->db) != 1)
		return engine_break(l, ASSAY_INTERNAL);
	sum_add(l->meta.sum, term);
	return ASSAY_OK;
}

enum assay_err
row_insert(struct ledger *l, enum table_id t, const struct row *r)
{
	return write_row(l, l->insert[t], t, r);
}

enum assay_err
row_update(struct ledger *l, const struct row *old, enum table_id t, const struct row *r)
{
	uint8_t term[32];
	enum assay_err e = meta_sum_term(l, SPAN(old->mac, sizeof old->mac), term);

	if (e != ASSAY_OK || (e = write_row(l, l->update[t], t, r)) != ASSAY_OK)
		return e;
	sum_sub(l->meta.sum, term);
	return ASSAY_OK;
}

enum assay_err
row_forgotten(struct ledger *l, struct span mac)
{
	uint8_t term[32];
	enum assay_err e = meta_sum_term(l, mac, term);

	if (e != ASSAY_OK)
		return engine_break(l, e);
	sum_sub(l->meta.sum, term);
	return ASSAY_OK;
}

enum assay_err
statement_row(struct ledger *l, enum statement_id s, const struct row *keys, struct row *ret)
{
	enum assay_err e;

	if (keys->err != ASSAY_OK)
		return keys->err;
	if ((e = engine_err(bind_row(l->statement[s], keys, NULL))) != ASSAY_OK)
		return e;
	return statement_more(l, s, ret);
}

enum assay_err
statement_more(struct ledger *l, enum statement_id s, struct row *ret)
{
	enum assay_err e = step_read(l->statement[s]);

	if (e == ASSAY_OK && ret)
		row_fetch(l->statement[s], ret);
	return e;
}

enum assay_err
statement_change(struct ledger *l, enum statement_id s, const struct row *keys, int *ret_changed)
{
	enum assay_err e;

	if (keys->err != ASSAY_OK)
		return keys->err;
	if ((e = engine_writable(l)) != ASSAY_OK ||
	    (e = engine_err(bind_row(l->statement[s], keys, NULL))) != ASSAY_OK ||
	    (e = step_write(l, l->statement[s])) != ASSAY_OK)
		return e;
	if (ret_changed)
		*ret_changed = sqlite3_changes(l->db);
	return ASSAY_OK;
}

/* ---- whole tables ---- */

/* A key for people: the number, the text, or hexadecimal digits. */
static void
key_text(const struct cell *key, char *ret, size_t cap)
{
	if (key->type == CELL_INT)
		text_format(ret, cap, "%lld", (long long)key->i);
	else if (key->type != CELL_BLOB)
		text_escape(key->s, ret, cap);
	else if (hex_encode(SPAN(key->s.p, key->s.n < 16 ? key->s.n : 16), ret, cap) != ASSAY_OK)
		ret[0] = '\0';
}

static enum assay_err
check_rows(struct ledger *l, sqlite3_stmt *st, enum table_id t, struct ledger_report *report)
{
	enum assay_err e;
	char key[64];
	struct row r;

	while ((e = step_read(st)) == ASSAY_OK) {
		if ((e = fetch_row(l, st, t, &r)) == ASSAY_OK)
			continue;
		key_text(&r.cell[0], key, sizeof key);
		engine_report(report, "%s %s was changed behind the verifier's back",
			      tables[t].name, key);
		return e;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

enum assay_err
row_check_all(struct ledger *l, enum table_id t, struct ledger_report *report)
{
	char columns[SQL_MAX], sql[2 * SQL_MAX];
	sqlite3_stmt *st = NULL;
	enum assay_err e;

	columns_with_mac(&tables[t], columns, sizeof columns);
	snprintf(sql, sizeof sql, "SELECT %s FROM %s", columns, tables[t].name);
	if ((e = prepare(l, sql, &st)) == ASSAY_OK)
		e = check_rows(l, st, t, report);
	sqlite3_finalize(st);
	return e;
}

static enum assay_err
sum_rows(struct ledger *l, sqlite3_stmt *st, uint8_t sum[32])
{
	uint8_t term[32];
	enum assay_err e;
	struct cell mac;

	while ((e = step_read(st)) == ASSAY_OK) {
		fetch_cell(st, 0, &mac);
		if ((e = meta_sum_term(l, mac.s, term)) != ASSAY_OK)
			return e;
		sum_add(sum, term);
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

enum assay_err
row_sum_all(struct ledger *l, uint8_t ret[32])
{
	uint8_t sum[32] = {0};
	enum assay_err e = ASSAY_OK;
	sqlite3_stmt *st = NULL;
	char sql[64];

	for (unsigned t = 0; t < TABLE_COUNT && e == ASSAY_OK; t++) {
		snprintf(sql, sizeof sql, "SELECT mac FROM %s", tables[t].name);
		if ((e = prepare(l, sql, &st)) == ASSAY_OK)
			e = sum_rows(l, st, sum);
		sqlite3_finalize(st);
		st = NULL;
	}
	if (e == ASSAY_OK)
		memcpy(ret, sum, sizeof sum);
	return e;
}
