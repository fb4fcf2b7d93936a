/* sqlite.c: the SQLite engine: create, open, transactions; see sqlite_engine.h. */
#include "sqlite_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verifier/random.h"

#define APPLICATION_ID "1095979865" /* "ASSY" */
#define ROW_BYTES_MAX (16 << 20)

/* ---- errors ---- */

enum assay_err
engine_err(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_ROWID:
		return ASSAY_EXISTS;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return ASSAY_NOT_FOUND;
	}
	switch (rc & 0xFF) {
	case SQLITE_OK:
		return ASSAY_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ASSAY_BUSY;
	case SQLITE_CORRUPT:
		return ASSAY_TAMPERED;
	case SQLITE_NOTADB:
		return ASSAY_MALFORMED;
	case SQLITE_NOMEM:
		return ASSAY_NO_MEMORY;
	case SQLITE_TOOBIG:
		return ASSAY_TOO_LARGE;
	case SQLITE_CONSTRAINT:
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return ASSAY_INTERNAL;
	default:
		return ASSAY_IO; /* IOERR, FULL, CANTOPEN, READONLY, PERM ... */
	}
}

enum assay_err
engine_writable(const struct ledger *l)
{
	return l->open && l->fault == ASSAY_OK ? l->broken : ASSAY_STATE;
}

enum assay_err
engine_break(struct ledger *l, enum assay_err e)
{
	if (l->broken == ASSAY_OK)
		l->broken = e;
	return e;
}

void
engine_report(struct ledger_report *report, const char *fmt, ...)
{
	va_list ap;

	if (!report)
		return;
	va_start(ap, fmt);
	vsnprintf(report->text, sizeof report->text, fmt, ap);
	va_end(ap);
}

enum assay_err
engine_run(struct ledger *l, enum statement_id s)
{
	int rc = sqlite3_step(l->statement[s]);

	sqlite3_reset(l->statement[s]);
	return rc == SQLITE_DONE ? ASSAY_OK : engine_err(rc);
}

/* ---- the connection ---- */

/* A setting, and what SQLite must answer afterwards. */
static const struct {
	const char *set, *ask, *answer;
} settings[] = {
	{"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA locking_mode", "exclusive"},
	{"PRAGMA page_size=4096", NULL, NULL}, /* of a new file only */
	{"PRAGMA journal_mode=WAL", "PRAGMA journal_mode", "wal"},
	{"PRAGMA synchronous=FULL", "PRAGMA synchronous", "2"},
	{"PRAGMA foreign_keys=ON", "PRAGMA foreign_keys", "1"},
	{"PRAGMA trusted_schema=OFF", "PRAGMA trusted_schema", "0"},
	{"PRAGMA cell_size_check=ON", "PRAGMA cell_size_check", "1"},
	{"PRAGMA mmap_size=0", NULL, NULL},
	{"PRAGMA temp_store=MEMORY", NULL, NULL},
	{"PRAGMA cache_size=-32768", NULL, NULL},	     /* KiB */
	{"PRAGMA wal_autocheckpoint=8192", NULL, NULL},   /* pages: 32 MiB */
	{"PRAGMA journal_size_limit=67108864", NULL, NULL},
};

static const struct {
	int option, value;
} options[] = {
	{SQLITE_DBCONFIG_DEFENSIVE, 1},		  {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
	{SQLITE_DBCONFIG_ENABLE_VIEW, 0},	  {SQLITE_DBCONFIG_DQS_DML, 0},
	{SQLITE_DBCONFIG_DQS_DDL, 0},		  {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
	{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
};

static enum assay_err
pragma_is(sqlite3 *db, const char *ask, const char *answer)
{
	sqlite3_stmt *st = NULL;
	const char *text = NULL;
	enum assay_err e = engine_err(sqlite3_prepare_v2(db, ask, -1, &st, NULL));

	if (e == ASSAY_OK) {
		int rc = sqlite3_step(st);

		if (rc == SQLITE_ROW)
			text = (const char *)sqlite3_column_text(st, 0);
		else
			e = rc == SQLITE_DONE ? ASSAY_INTERNAL : engine_err(rc);
	}
	if (e == ASSAY_OK && (!text || strcmp(text, answer) != 0))
		e = ASSAY_MISMATCH;
	sqlite3_finalize(st);
	return e;
}

static enum assay_err
engine_configure(sqlite3 *db)
{
	enum assay_err e;
	int now;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (sqlite3_db_config(db, options[i].option, options[i].value, &now) != SQLITE_OK ||
		    now != options[i].value)
			return ASSAY_INTERNAL;
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		e = engine_err(sqlite3_exec(db, settings[i].set, NULL, NULL, NULL));
		if (e == ASSAY_OK && settings[i].ask)
			e = pragma_is(db, settings[i].ask, settings[i].answer);
		if (e != ASSAY_OK)
			return e == ASSAY_MISMATCH ? ASSAY_INTERNAL : e;
	}
	/* the lock is taken with the first transaction and then kept */
	return engine_err(sqlite3_exec(db, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL));
}

static void
engine_free(struct ledger *l)
{
	if (!l)
		return;
	row_finalize(l);
	sqlite3_close(l->db);
	if (l->head_fd >= 0)
		close(l->head_fd);
	seal_wipe(&l->meta_seal);
	seal_wipe(&l->head_seal);
	seal_wipe(&l->row_seal);
	seal_wipe(&l->sum_seal);
	free(l->head_path);
	explicit_bzero(l, sizeof *l);
	free(l);
}

/* Connection and keys; nothing of the content has been looked at. */
static enum assay_err
engine_new(const char *path, const uint8_t key[32], struct ledger **ret)
{
	struct ledger *l = calloc(1, sizeof *l);
	enum assay_err e = ASSAY_NO_MEMORY;

	if (!l)
		return e;
	l->head_fd = -1;
	memcpy(l->key, key, sizeof l->key);
	if ((l->head_path = head_path(path)) == NULL ||
	    (e = seal_init(&l->meta_seal, key, "ledger-meta", SPAN(NULL, 0))) != ASSAY_OK ||
	    (e = seal_init(&l->head_seal, key, "ledger-head", SPAN(NULL, 0))) != ASSAY_OK ||
	    (e = engine_err(sqlite3_open_v2(path, &l->db,
					    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
					    NULL))) != ASSAY_OK ||
	    (e = engine_configure(l->db)) != ASSAY_OK) {
		engine_free(l);
		return e;
	}
	*ret = l;
	return ASSAY_OK;
}

/* ---- create ---- */

static struct head
head_of(const struct meta *m)
{
	struct head h = {.counter = m->counter, .decision_seq = m->decision_seq};

	memcpy(h.id, m->id, sizeof h.id);
	return h;
}

/* Bring the schema up to date and write the meta row, in one transaction. */
static enum assay_err
engine_migrate(struct ledger *l, unsigned from)
{
	enum assay_err e;

	if ((e = engine_err(sqlite3_exec(l->db, "BEGIN IMMEDIATE", NULL, NULL, NULL))) != ASSAY_OK)
		return e;
	l->open = true;
	l->meta.version = LEDGER_SCHEMA_VERSION;
	l->meta.counter++;
	if ((e = schema_migrate(l->db, schema_migrations, schema_nmigrations, from,
				LEDGER_SCHEMA_VERSION)) == ASSAY_OK &&
	    (e = row_prepare(l)) == ASSAY_OK && (e = meta_store(l)) == ASSAY_OK)
		e = engine_run(l, S_COMMIT);
	if (e != ASSAY_OK)
		(void)sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	l->open = l->dirty = false;
	l->broken = ASSAY_OK;
	return e;
}

static enum assay_err
create_content(const char *path, const uint8_t key[32])
{
	struct ledger *l = NULL;
	enum assay_err e;
	struct head h;

	if ((e = engine_new(path, key, &l)) != ASSAY_OK)
		return e;
	if ((e = engine_err(sqlite3_exec(l->db, "PRAGMA application_id=" APPLICATION_ID, NULL, NULL,
					 NULL))) == ASSAY_OK &&
	    (e = random_bytes(l->meta.id, sizeof l->meta.id)) == ASSAY_OK &&
	    (e = meta_keys(l)) == ASSAY_OK && (e = engine_migrate(l, 0)) == ASSAY_OK) {
		h = head_of(&l->meta);
		e = head_create(l, &h);
	}
	engine_free(l);
	return e;
}

enum assay_err
ledger_create(const char *path, const uint8_t key[32], struct ledger_report *report)
{
	char *head = head_path(path);
	enum assay_err e = head ? ASSAY_OK : ASSAY_NO_MEMORY;
	int fd = -1;

	if (report)
		*report = (struct ledger_report){0};
	if (head && access(head, F_OK) == 0) {
		engine_report(report, "%.200s exists: there was a ledger here", head);
		e = ASSAY_EXISTS;
	}
	free(head);
	if (e != ASSAY_OK)
		return e;
	if ((fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0) {
		engine_report(report, "%.160s: %s", path, strerror(errno));
		return errno == EEXIST ? ASSAY_EXISTS : ASSAY_IO;
	}
	close(fd);
	if ((e = create_content(path, key)) != ASSAY_OK) {
		engine_report(report, "%.160s: %s", path, assay_err_text(e));
		(void)unlink(path);
	} else if (report) {
		report->migrated_from = LEDGER_SCHEMA_VERSION;
	}
	return e;
}

/* ---- open ---- */

/* The first fault stays; the ledger can be looked at, and not be written. */
static void
engine_fault(struct ledger *l, enum assay_err e, bool repairable)
{
	if (l->fault != ASSAY_OK)
		return;
	l->fault = e;
	l->repairable = repairable;
}

/*
 * Meta row and head file, each authentic by its own MAC. One of them is enough for
 * an operator to go on from; without any, nothing says that this is our ledger, or
 * that the key is the right one.
 */
static void
examine_anchors(struct ledger *l, enum assay_err meta, enum assay_err head,
		struct ledger_report *report)
{
	bool head_ok = head == ASSAY_OK;

	if (meta != ASSAY_OK) {
		engine_report(report, "the ledger's own record was changed, or the key is another");
		engine_fault(l, ASSAY_TAMPERED, head_ok);
	} else if (head == ASSAY_MISSING) {
		engine_report(report, "%.160s is missing: the ledger may be an old copy",
			      l->head_path);
		engine_fault(l, ASSAY_EXPIRED, true);
	} else if (!head_ok || !span_equal(SPAN(l->head.id, LEDGER_ID_SIZE),
					   SPAN(l->meta.id, LEDGER_ID_SIZE))) {
		engine_report(report, "%.160s was changed or is of another ledger", l->head_path);
		engine_fault(l, ASSAY_TAMPERED, true);
	} else if (l->meta.counter < l->head.counter) {
		engine_report(report, "the ledger is at change %llu, its head at %llu: an old copy",
			      (unsigned long long)l->meta.counter,
			      (unsigned long long)l->head.counter);
		engine_fault(l, ASSAY_EXPIRED, true);
	}
}

static enum assay_err
load_anchors(struct ledger *l, struct ledger_report *report)
{
	enum assay_err meta = meta_load(l), head = head_open(l, &l->head);

	if (meta != ASSAY_OK && meta != ASSAY_TAMPERED)
		return meta;
	if (head != ASSAY_OK && head != ASSAY_MISSING && head != ASSAY_TAMPERED)
		return head;
	if (meta != ASSAY_OK) {
		l->meta = (struct meta){.version = LEDGER_SCHEMA_VERSION};
		memcpy(l->meta.id, l->head.id, sizeof l->meta.id);
		if ((meta_keys(l)) != ASSAY_OK)
			return ASSAY_CRYPTO;
	}
	examine_anchors(l, meta, head, report);
	return ASSAY_OK;
}

static enum assay_err
examine_version(struct ledger *l, struct ledger_report *report)
{
	if (report)
		report->migrated_from = l->meta.version;
	if (l->meta.version <= LEDGER_SCHEMA_VERSION)
		return ASSAY_OK;
	engine_report(report, "schema version %u is newer than this program's %u",
		      (unsigned)l->meta.version, LEDGER_SCHEMA_VERSION);
	return ASSAY_UNSUPPORTED;
}

/* The file as SQLite sees it, and its tables and indexes: not repairable. */
static enum assay_err
examine_file(struct ledger *l, struct ledger_report *report)
{
	struct ledger_report r = {0};
	enum assay_err e = schema_integrity(l->db, &r);

	if (e == ASSAY_OK && (e = schema_compare(l->db, l->meta.version)) == ASSAY_TAMPERED)
		engine_report(&r, "tables or indexes were changed");
	if (e != ASSAY_TAMPERED)
		return e;
	engine_report(report, "%s", r.text);
	l->fault = ASSAY_TAMPERED;
	l->repairable = false;
	return ASSAY_OK;
}

/* All rows as the last commit left them: none put back, none gone. */
static enum assay_err
examine_rows(struct ledger *l, struct ledger_report *report)
{
	uint8_t sum[32];
	enum assay_err e = row_sum_all(l, sum);

	if (e != ASSAY_OK)
		return e;
	if (!span_equal(SPAN(sum, 32), SPAN(l->meta.sum, 32))) {
		if (l->fault == ASSAY_OK)
			engine_report(report, "rows were removed, added or put back");
		engine_fault(l, ASSAY_TAMPERED, true);
	}
	if (l->fault != ASSAY_OK)
		return ASSAY_OK;
	if ((e = audit_check_last(l, report)) == ASSAY_TAMPERED) {
		engine_fault(l, e, true);
		e = ASSAY_OK;
	}
	return e;
}

static enum assay_err
engine_upgrade(struct ledger *l, struct ledger_report *report)
{
	enum assay_err e;

	if (l->fault != ASSAY_OK || l->meta.version == LEDGER_SCHEMA_VERSION)
		return row_prepare(l);
	e = engine_migrate(l, l->meta.version);
	if (e != ASSAY_OK)
		engine_report(report, "migration failed: %s", assay_err_text(e));
	return e;
}

static enum assay_err
engine_open(const char *path, const uint8_t key[32], struct ledger **ret,
	    struct ledger_report *report)
{
	enum assay_err e;
	struct ledger *l;

	if ((e = engine_new(path, key, ret)) != ASSAY_OK)
		return e;
	l = *ret;
	if ((e = pragma_is(l->db, "PRAGMA application_id", APPLICATION_ID)) != ASSAY_OK)
		return e == ASSAY_MISMATCH ? ASSAY_MALFORMED : e;
	if ((e = load_anchors(l, report)) != ASSAY_OK ||
	    (e = examine_version(l, report)) != ASSAY_OK ||
	    (e = examine_file(l, report)) != ASSAY_OK ||
	    (e = engine_upgrade(l, report)) != ASSAY_OK ||
	    (e = examine_rows(l, report)) != ASSAY_OK)
		return e;
	l->committed = l->meta;
	if (report) {
		report->head = l->meta.counter;
		report->expected_head = l->head.counter;
	}
	return ASSAY_OK;
}

enum assay_err
ledger_open(const char *path, const uint8_t key[32], struct ledger **ret,
	    struct ledger_report *report)
{
	struct ledger *l = NULL;
	struct ledger_report ignored;
	enum assay_err e;

	report = report ? report : &ignored;
	*report = (struct ledger_report){0};
	if (access(path, F_OK) != 0) {
		engine_report(report, "%.160s: %s", path, strerror(errno));
		return errno == ENOENT ? ASSAY_NOT_FOUND : ASSAY_IO;
	}
	if ((e = engine_open(path, key, &l, report)) != ASSAY_OK) {
		if (e == ASSAY_TAMPERED || e == ASSAY_INTERNAL)
			e = ASSAY_MALFORMED; /* so damaged that it cannot even be looked at */
		if (report->text[0] == '\0')
			engine_report(report, "%.160s: %s", path,
				      e == ASSAY_BUSY ? "in use; is another assay-verifier running?"
						      : assay_err_text(e));
		engine_free(l);
		return e;
	}
	*ret = l;
	return l->fault;
}

void
ledger_close(struct ledger *l)
{
	if (l && l->open)
		ledger_rollback(l);
	engine_free(l);
}

/* ---- transactions ---- */

/* A head that could not be written (a full disk) is written before anything else is. */
static enum assay_err
engine_unstick(struct ledger *l)
{
	struct head h = head_of(&l->committed);

	if (l->head_behind && (l->stuck = head_replace(l, &h)) == ASSAY_OK)
		l->head_behind = false;
	return l->stuck;
}

enum assay_err
ledger_begin(struct ledger *l)
{
	enum assay_err e;

	if (l->open)
		return ASSAY_STATE;
	if (l->stuck != ASSAY_OK && (e = engine_unstick(l)) != ASSAY_OK)
		return e;
	if ((e = engine_run(l, S_BEGIN)) != ASSAY_OK)
		return e;
	l->open = true;
	l->dirty = false;
	l->broken = ASSAY_OK;
	return ASSAY_OK;
}

enum assay_err
ledger_commit(struct ledger *l)
{
	struct head h;
	enum assay_err e;

	if (!l->open)
		return ASSAY_STATE;
	if ((e = l->broken) == ASSAY_OK && l->dirty) {
		l->meta.counter++;
		e = meta_store(l);
	}
	engine_reset(l);
	if (e != ASSAY_OK || (e = engine_run(l, S_COMMIT)) != ASSAY_OK) {
		ledger_rollback(l);
		return e;
	}
	l->open = false;
	if (!l->dirty)
		return ASSAY_OK;
	l->committed = l->meta;
	h = head_of(&l->meta);
	/* The commit stands; but nothing more is begun while the head cannot follow. */
	l->stuck = l->accepted == ASSAY_OK ? head_write(l, &h) : head_replace(l, &h);
	l->head_behind = l->stuck != ASSAY_OK;
	l->accepted = ASSAY_OK;
	return ASSAY_OK;
}

void
ledger_rollback(struct ledger *l)
{
	if (!l->open)
		return;
	engine_reset(l);
	if (!sqlite3_get_autocommit(l->db) && engine_run(l, S_ROLLBACK) != ASSAY_OK)
		l->stuck = ASSAY_IO;
	l->meta = l->committed;
	l->open = l->dirty = false;
	l->broken = ASSAY_OK;
	if (l->accepted != ASSAY_OK)
		l->fault = l->accepted;
	l->accepted = ASSAY_OK;
}

enum assay_err
ledger_fault(const struct ledger *l)
{
	return l->fault;
}

uint64_t
ledger_head(const struct ledger *l)
{
	return l->committed.counter;
}
