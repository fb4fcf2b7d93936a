/* sqlite_schema.c: the schema, its migrations and its fingerprint; see sqlite_engine.h. */
#include "sqlite_engine.h"

#include <string.h>

#include "evidence/digest.h"
#include "evidence/writer.h"
#include "ledger_schema.h"
#include "verifier/appraise/text.h"

const struct migration schema_migrations[] = {
	{0, schema_0001},
};
const size_t schema_nmigrations = sizeof schema_migrations / sizeof schema_migrations[0];

static const struct migration *
migration_from(const struct migration *m, size_t n, unsigned from)
{
	for (size_t i = 0; i < n; i++)
		if (m[i].from == from)
			return &m[i];
	return NULL;
}

enum assay_err
schema_migrate(sqlite3 *db, const struct migration *m, size_t n, unsigned from, unsigned target)
{
	enum assay_err e = ASSAY_OK;

	for (; from < target && e == ASSAY_OK; from++) {
		const struct migration *step = migration_from(m, n, from);

		if (!step)
			return ASSAY_MISSING;
		e = engine_err(sqlite3_exec(db, step->sql, NULL, NULL, NULL));
	}
	return e;
}

static enum assay_err
hash_column(struct hasher *h, sqlite3_stmt *st, int at)
{
	const uint8_t *p = sqlite3_column_text(st, at);
	uint32_t n = (uint32_t)sqlite3_column_bytes(st, at);
	uint8_t length[4];
	struct writer w;
	enum assay_err e;

	wr_init(&w, length, sizeof length);
	wr_be32(&w, n);
	if ((e = hash_update(h, SPAN(length, sizeof length))) != ASSAY_OK || !p)
		return e;
	return hash_update(h, SPAN(p, n));
}

static enum assay_err
hash_schema(struct hasher *h, sqlite3_stmt *st)
{
	enum assay_err e;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(st); i++)
			if ((e = hash_column(h, st, i)) != ASSAY_OK)
				return e;
	return rc == SQLITE_DONE ? ASSAY_OK : engine_err(rc);
}

static enum assay_err
schema_fingerprint(sqlite3 *db, uint8_t ret[32])
{
	static const char sql[] = "SELECT type,name,tbl_name,sql FROM sqlite_schema "
				  "WHERE name NOT GLOB 'sqlite_stat*' ORDER BY type,name";
	sqlite3_stmt *st = NULL;
	struct digest d;
	struct hasher h;
	enum assay_err e;

	if ((e = engine_err(sqlite3_prepare_v2(db, sql, -1, &st, NULL))) == ASSAY_OK &&
	    (e = hash_init(&h, ALG_SHA256)) == ASSAY_OK) {
		e = hash_schema(&h, st);
		if (hash_final(&h, &d) != ASSAY_OK && e == ASSAY_OK)
			e = ASSAY_CRYPTO;
	}
	sqlite3_finalize(st);
	if (e == ASSAY_OK)
		memcpy(ret, d.b, 32);
	return e;
}

/* Migrations are applied in the same order to every ledger, so that a fresh one has the
 * very texts that ours must have. */
static enum assay_err
schema_expected(unsigned version, uint8_t ret[32])
{
	sqlite3 *db = NULL;
	enum assay_err e = engine_err(sqlite3_open_v2(
		":memory:", &db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, NULL));

	if (e == ASSAY_OK && (e = schema_migrate(db, schema_migrations, schema_nmigrations, 0,
						 version)) == ASSAY_OK)
		e = schema_fingerprint(db, ret);
	sqlite3_close(db);
	return e;
}

enum assay_err
schema_compare(sqlite3 *db, unsigned version)
{
	uint8_t want[32], got[32];
	enum assay_err e;

	if ((e = schema_expected(version, want)) != ASSAY_OK ||
	    (e = schema_fingerprint(db, got)) != ASSAY_OK)
		return e;
	return span_equal(SPAN(want, 32), SPAN(got, 32)) ? ASSAY_OK : ASSAY_TAMPERED;
}

/* The first row of an answer, if there is one: "" else. */
static enum assay_err
first_text(sqlite3 *db, const char *sql, char *ret, size_t cap)
{
	sqlite3_stmt *st = NULL;
	const uint8_t *text;
	enum assay_err e = engine_err(sqlite3_prepare_v2(db, sql, -1, &st, NULL));
	int rc = e == ASSAY_OK ? sqlite3_step(st) : SQLITE_DONE;

	ret[0] = '\0';
	if (rc == SQLITE_ROW && (text = sqlite3_column_text(st, 0)) != NULL)
		text_escape(SPAN(text, (size_t)sqlite3_column_bytes(st, 0)), ret, cap);
	else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		e = engine_err(rc);
	sqlite3_finalize(st);
	return e;
}

enum assay_err
schema_integrity(sqlite3 *db, struct ledger_report *report)
{
	char text[160];
	enum assay_err e = first_text(db, "PRAGMA integrity_check(1)", text, sizeof text);

	if (e == ASSAY_OK && strcmp(text, "ok") != 0)
		e = ASSAY_TAMPERED;
	if (e == ASSAY_TAMPERED)
		engine_report(report, "the file is damaged: %s", text);
	if (e != ASSAY_OK)
		return e;
	e = first_text(db, "PRAGMA foreign_key_check", text, sizeof text);
	if (e != ASSAY_OK || text[0] == '\0')
		return e;
	engine_report(report, "rows of table %s belong to none", text);
	return ASSAY_TAMPERED;
}
