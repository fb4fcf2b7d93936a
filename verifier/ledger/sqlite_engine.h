/*
 * sqlite_engine.h: what the files of the SQLite engine share; private to ledger/.
 *
 *   sqlite.c            create, open, transactions, errors
 *   sqlite_schema.c     the schema, its migrations and its fingerprint
 *   sqlite_row.c        rows as lists of cells, and their MACs
 *   sqlite_statement.c  prepared statements, and rows through them
 *   sqlite_meta.c       the meta row: change counter, sum over all rows, sequences
 *   sqlite_head.c       the head file beside the ledger
 *   sqlite_check.c      ledger_check, ledger_accept
 *   sqlite_TABLE.c      the calls of ledger.h, one table each
 *
 * A table's file says how its struct becomes a row (x_write) and back (x_read) and
 * which queries it has; MACs, sums, binding and errors are done in one place for all.
 */
#ifndef LEDGER_SQLITE_ENGINE_H
#define LEDGER_SQLITE_ENGINE_H

#include <sqlite3.h>

#include "ledger.h"
#include "verifier/seal.h"

#define ROW_CELLS_MAX 36
#define ROW_NAME_MAX 16 /* a table's name */

/* ---- rows ---- */

enum cell_type { CELL_NULL = 0, CELL_INT = 1, CELL_REAL = 2, CELL_TEXT = 3, CELL_BLOB = 4 };

struct cell {
	enum cell_type type;
	int64_t i;
	struct span s;
};

/*
 * The cells of a row in column order, the key first, without the MAC. Written with
 * row_int() and its like, read with row_get_int() and its like; both are sticky as
 * reader and writer are, and the first error stays in err.
 */
struct row {
	struct cell cell[ROW_CELLS_MAX];
	unsigned n, pos;
	enum assay_err err;
	uint8_t mac[SEAL_MAC_SIZE];
};

void row_init(struct row *r);
void row_int(struct row *r, int64_t v);
void row_u64(struct row *r, uint64_t v); /* TOO_LARGE over INT64_MAX */
/* Array of cap bytes holding a NUL-terminated text; MALFORMED if it has no NUL. */
void row_text(struct row *r, const char *s, size_t cap);
void row_blob(struct row *r, struct span s, size_t max); /* TOO_LARGE */

int64_t row_get_int(struct row *r);
uint64_t row_get_u64(struct row *r);
bool row_get_bool(struct row *r);
unsigned row_get_enum(struct row *r, unsigned count);
void row_get_text(struct row *r, char *ret, size_t cap);
struct span row_get_blob(struct row *r, size_t max);
void row_get_bytes(struct row *r, uint8_t *ret, size_t n); /* exactly n */
/* TAMPERED unless every cell was read and had the type and range asked for. */
ASSAY_MUST_USE enum assay_err row_end(const struct row *r);

/* ---- tables and queries ---- */

enum table_id {
	T_DEVICE,
	T_STATE,
	T_DECISION,
	T_TOKEN,
	T_EK,
	T_REFERENCE,
	T_POLICY,
	T_OPERATOR,
	T_IMA_LIST,
	T_REPLAY,
	T_ROLLOUT,
	T_PLAN,
	T_KNOWN_BAD,
	T_ADDRESS,
	T_OUTBOX,
	T_DEAD_LETTER,
	T_CHALLENGE,
	TABLE_COUNT
};

struct table {
	const char *name;
	const char *columns; /* the key first; without mac and extra */
	unsigned ncolumns;
	const char *extra; /* ",x,y": columns that the MAC covers by their digests */
	unsigned nextra;
};
extern const struct table tables[TABLE_COUNT];

/* X(query, table, extra columns wanted, condition) */
#define QUERIES(X)                                                                          \
	X(DEVICE_GET, DEVICE, 0, "id=?1")                                                   \
	X(DEVICE_BY_AK, DEVICE, 0, "ak_name=?1")                                            \
	X(DEVICE_BY_EK, DEVICE, 0, "ek_name=?1")                                            \
	X(DEVICE_BY_NAME, DEVICE, 0, "name=?1 AND name<>''")                                \
	X(DEVICE_BETWEEN, DEVICE, 0, "id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 2")            \
	X(DEVICE_NEXT, DEVICE, 0, "id>?1 ORDER BY id LIMIT 1")                              \
	X(STATE_GET, STATE, 2, "device=?1")                                                 \
	X(STATE_BRIEF, STATE, 1, "device=?1")                                               \
	X(STATE_OLD, STATE, 0, "device=?1")                                                 \
	X(DECISION_BEFORE, DECISION, 0, "seq BETWEEN 1 AND ?1-1 ORDER BY seq DESC LIMIT 1") \
	X(DECISION_OF, DECISION, 0, "device=?2 AND seq BETWEEN 1 AND ?1-1 ORDER BY seq DESC " \
				"LIMIT 1")                                                  \
	X(DECISION_AFTER, DECISION, 0, "seq>?1 ORDER BY seq LIMIT 1")                       \
	X(TOKEN_GET, TOKEN, 0, "id=?1")                                                     \
	X(TOKEN_NEXT, TOKEN, 0, "id>?1 ORDER BY id LIMIT 1")                                \
	X(EK_GET, EK, 0, "digest=?1")                                                       \
	X(REFERENCE_OF, REFERENCE, 0,                                                       \
	  "digest=?1 AND (?2='' OR class=?2) ORDER BY class LIMIT 1")                       \
	X(REFERENCE_BY_NAME, REFERENCE, 0, "name=?1")                                       \
	X(REFERENCE_BETWEEN, REFERENCE, 0, "digest BETWEEN ?1 AND ?2 ORDER BY digest LIMIT 2") \
	X(REFERENCE_NEXT, REFERENCE, 0, "name>?1 ORDER BY name LIMIT 1")                    \
	X(POLICY_GET, POLICY, 0, "digest=?1")                                               \
	X(POLICY_NEXT, POLICY, 0, "digest>?1 ORDER BY digest LIMIT 1")                      \
	X(POLICY_SIBLING, POLICY, 0, "name=?2 AND digest>?1 ORDER BY digest LIMIT 1")       \
	X(OPERATOR_GET, OPERATOR, 0, "name=?1")                                             \
	X(OPERATOR_BY_HASH, OPERATOR, 0, "hash=?1")                                         \
	X(OPERATOR_NEXT, OPERATOR, 0, "name>?1 ORDER BY name LIMIT 1")                      \
	X(IMA_LAST, IMA_LIST, 0, "id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 16")          \
	X(IMA_NEXT, IMA_LIST, 0, "id>?1 AND id<=?2 ORDER BY id LIMIT 1")               \
	X(STATE_EVIDENCE, STATE, 2, "device=?1")                                            \
	X(REPLAY_GET, REPLAY, 0, "id=?1")                                                   \
	X(REPLAY_PREV, REPLAY, 0, "id<?1 ORDER BY id DESC LIMIT 1")                         \
	X(ROLLOUT_GET, ROLLOUT, 0, "name=?1")                                               \
	X(ROLLOUT_NEXT, ROLLOUT, 0, "name>?1 ORDER BY name LIMIT 1")                        \
	X(PLAN_GET, PLAN, 0, "name=?1")                                                     \
	X(PLAN_NEXT, PLAN, 0, "name>?1 ORDER BY name LIMIT 1")                              \
	X(KNOWN_BAD_GET, KNOWN_BAD, 0, "digest=?1")                                         \
	X(KNOWN_BAD_NEXT, KNOWN_BAD, 0, "digest>?1 ORDER BY digest LIMIT 1")                \
	X(ADDRESS_GET, ADDRESS, 0, "address=?1")                                            \
	X(ADDRESS_OF, ADDRESS, 0, "device=?1 AND address>?2 ORDER BY address LIMIT 1")      \
	X(OUTBOX_GET, OUTBOX, 0, "name=?1")                                                 \
	X(DEAD_GET, DEAD_LETTER, 0, "id=?1")                                                \
	X(DEAD_NEXT, DEAD_LETTER, 0, "id>?1 AND id<=?2 ORDER BY id LIMIT 1")                \
	X(DEAD_AGAIN, DEAD_LETTER, 0, "id>?1 AND id<=?2 AND again=1 ORDER BY id LIMIT 1") \
	X(CHALLENGE_GET, CHALLENGE, 0, "nonce=?1")                                          \
	X(CHALLENGE_NEXT, CHALLENGE, 0, "nonce>?1 ORDER BY nonce LIMIT 1")                  \
	X(CHALLENGE_OF, CHALLENGE, 0, "device=?1 AND nonce>?2 ORDER BY nonce LIMIT 1")

enum query_id {
#define X(query, table, extra, condition) Q_##query,
	QUERIES(X)
#undef X
	QUERY_COUNT
};

/* X(statement, SQL): what is not a row with a MAC. */
#define STATEMENTS(X)                                                                       \
	X(BEGIN, "BEGIN IMMEDIATE")                                                         \
	X(COMMIT, "COMMIT")                                                                 \
	X(ROLLBACK, "ROLLBACK")                                                             \
	X(META_PUT, "REPLACE INTO meta(id,mac,ledger,version,counter,decision_seq,"         \
		    "audit_seq,audit_hash,nonce,sum) VALUES(1,?1,?2,?3,?4,?5,?6,?7,?8,?9)") \
	X(DEVICE_COUNT, "SELECT count(*) FROM device WHERE status=?1")                      \
	X(PART_VERDICT, "SELECT bytes FROM state_part WHERE device=?1 AND part=1")          \
	X(PART_CLAIMS, "SELECT bytes FROM state_part WHERE device=?1 AND part=2")           \
	X(PART_BOOT, "SELECT bytes FROM state_part WHERE device=?1 AND part=3")             \
	X(PART_OLD, "SELECT bytes FROM state_part WHERE device=?1 AND part=?2")             \
	X(PART_PUT, "INSERT INTO state_part(device,part,bytes) VALUES(?1,?2,?3) "           \
		    "ON CONFLICT(device,part) DO UPDATE SET bytes=excluded.bytes")          \
	X(BLOB_GET, "SELECT bytes FROM blob WHERE digest=?1")                               \
	X(BLOB_NEXT, "SELECT digest FROM blob WHERE digest>?1 ORDER BY digest LIMIT 1")     \
	X(BLOB_PUT, "INSERT INTO blob(digest,bytes) VALUES(?1,?2) "                         \
		    "ON CONFLICT(digest) DO UPDATE SET bytes=excluded.bytes "               \
		    "WHERE bytes<>excluded.bytes")                                          \
	X(BOOT_LOG_HOLD, "INSERT INTO boot_log(digest,refs) VALUES(?1,1) "                  \
			 "ON CONFLICT(digest) DO UPDATE SET refs=refs+1")                   \
	X(BOOT_LOG_DROP, "UPDATE boot_log SET refs=refs-1 WHERE digest=?1 AND refs>0")      \
	X(BOOT_LOG_DROP_ALL, "UPDATE boot_log SET refs=0")                                  \
	X(BOOT_LOG_LOOSE, "SELECT digest FROM boot_log WHERE refs=0 LIMIT 1")               \
	X(BOOT_LOG_FORGET, "DELETE FROM boot_log WHERE digest=?1 AND refs=0")               \
	X(BLOB_FORGET, "DELETE FROM blob WHERE digest=?1")                                  \
	X(DECISION_LAST, "SELECT max(seq) FROM decision WHERE device=?1")                   \
	X(DECISION_OLD, "SELECT seq,mac FROM decision AS d WHERE at<?1 AND EXISTS("         \
			"SELECT 1 FROM decision AS n WHERE n.device=d.device AND "          \
			"n.seq>d.seq) ORDER BY at LIMIT ?2")                                \
	X(DECISION_FORGET, "DELETE FROM decision WHERE seq=?1")                             \
	X(DECISION_TOP, "SELECT max(seq) FROM decision")                                    \
	X(TOKEN_OLD, "SELECT id,mac FROM token WHERE expires<?1 LIMIT 1")                   \
	X(TOKEN_FORGET, "DELETE FROM token WHERE id=?1")                                    \
	X(AUDIT_PUT, "INSERT INTO audit(seq,at,actor,action,object,detail,previous,hash) "  \
		     "VALUES(?1,?2,?3,?4,?5,?6,?7,?8)")                                     \
	X(AUDIT_NEXT, "SELECT seq,at,actor,action,object,detail,previous,hash FROM audit "  \
		      "WHERE seq>?1 ORDER BY seq LIMIT 1")                                  \
	X(AUDIT_BEFORE, "SELECT seq,at,actor,action,object,detail,previous,hash FROM audit " \
			"WHERE seq<?1 ORDER BY seq DESC LIMIT 1")                           \
	X(AUDIT_OF, "SELECT seq,at,actor,action,object,detail,previous,hash FROM audit "    \
		    "WHERE object=?2 AND seq<?1 ORDER BY seq DESC LIMIT 1")                 \
	X(AUDIT_HASH, "SELECT hash FROM audit WHERE seq=?1")                                \
	X(AUDIT_LAST, "SELECT max(seq) FROM audit")                                         \
	X(STATE_CLEAR, "DELETE FROM state")                                                 \
	X(PART_CLEAR, "DELETE FROM state_part")                                             \
	X(CHUNK_PUT, "INSERT INTO reference_chunk(reference,number,bytes) VALUES(?1,?2,?3)") \
	X(CHUNK_GET, "SELECT bytes FROM reference_chunk WHERE reference=?1 AND number=?2")  \
	X(IMA_ENTRY_PUT, "INSERT INTO ima_entry(digest,refs,bytes) VALUES(?1,1,?2) "        \
			 "ON CONFLICT(digest) DO UPDATE SET refs=refs+1,bytes=excluded.bytes") \
	X(IMA_ENTRY_ID, "SELECT id FROM ima_entry WHERE digest=?1")                         \
	X(IMA_ENTRY_GET, "SELECT digest,bytes FROM ima_entry WHERE id=?1")                  \
	X(IMA_ENTRY_DIGEST, "SELECT digest FROM ima_entry WHERE id=?1")                     \
	X(IMA_ENTRY_HOLD, "UPDATE ima_entry SET refs=refs+1 WHERE id=?1")                   \
	X(IMA_ENTRY_DROP, "UPDATE ima_entry SET refs=refs-1 WHERE id=?1 AND refs>0")        \
	X(IMA_ENTRY_LOOSE, "SELECT id FROM ima_entry WHERE refs=0 AND NOT EXISTS("          \
			   "SELECT 1 FROM ima_seen WHERE entry=id AND at>=?1) LIMIT 1")     \
	X(IMA_ENTRY_FORGET, "DELETE FROM ima_entry WHERE id=?1 AND refs=0")                 \
	X(IMA_SEEN_PUT, "INSERT INTO ima_seen(entry,class,at,device) VALUES(?1,?2,?3,?4) "  \
			"ON CONFLICT DO NOTHING")                                           \
	X(IMA_SEEN_NEXT, "SELECT s.entry,s.class,s.at,e.bytes FROM ima_seen AS s JOIN "     \
			 "ima_entry AS e ON e.id=s.entry WHERE s.device=?1 AND s.at>=?2 "   \
			 "AND s.entry>?3 ORDER BY s.entry LIMIT 1")                         \
	X(IMA_SEEN_COUNT, "SELECT count(*) FROM ima_seen WHERE device=?1 AND at>=?2")       \
	X(IMA_SEEN_OF, "SELECT class,at,device FROM ima_seen WHERE entry=?1 AND class>?2 "  \
		       "ORDER BY class LIMIT 1")                                            \
	X(IMA_SEGMENT_GET, "SELECT entries,bytes,class,ids FROM ima_segment WHERE digest=?1") \
	X(IMA_SEGMENT_PUT, "INSERT INTO ima_segment(digest,entries,bytes,refs,class,ids) "  \
			   "VALUES(?1,?2,?3,0,?4,?5)")                                      \
	X(IMA_SEGMENT_CLASS, "UPDATE ima_segment SET class=?2 WHERE digest=?1")             \
	X(IMA_SEGMENT_HOLD, "UPDATE ima_segment SET refs=refs+1 WHERE digest=?1")           \
	X(IMA_SEGMENT_DROP, "UPDATE ima_segment SET refs=refs-1 WHERE digest=?1 AND refs>0") \
	X(IMA_SEGMENT_DROP_ALL, "UPDATE ima_segment SET refs=0")                            \
	X(IMA_SEGMENT_LOOSE, "SELECT digest,ids FROM ima_segment WHERE refs=0 LIMIT 1")     \
	X(IMA_SEGMENT_FORGET, "DELETE FROM ima_segment WHERE digest=?1 AND refs=0")         \
	X(IMA_SEGMENT_NEXT, "SELECT digest FROM ima_segment WHERE digest>?1 ORDER BY digest " \
			    "LIMIT 1")                                                      \
	X(IMA_LIST_FORGET, "DELETE FROM ima_list WHERE id=?1")                              \
	X(IMA_LIST_CLEAR, "DELETE FROM ima_list")                                           \
	X(DEVICE_IDS, "SELECT id FROM device WHERE id>?1 ORDER BY id LIMIT 1")              \
	X(REPLAY_LAST, "SELECT max(id) FROM replay")                                        \
	X(REPLAY_OLD, "SELECT id,mac,parts FROM replay ORDER BY id DESC LIMIT 1 OFFSET ?1") \
	X(REPLAY_FORGET, "DELETE FROM replay WHERE id=?1")                                  \
	X(DEAD_COUNT, "SELECT count(*),coalesce(sum(again),0) FROM dead_letter "            \
		      "WHERE id BETWEEN ?1 AND ?2")                                         \
	X(DEAD_FORGET, "DELETE FROM dead_letter WHERE id=?1")                          \
	X(CHALLENGE_OLD, "SELECT nonce,mac FROM challenge WHERE expires<?1 LIMIT 1")        \
	X(CHALLENGE_FORGET, "DELETE FROM challenge WHERE nonce=?1")                         \
	X(CHALLENGE_CLEAR, "DELETE FROM challenge")

enum statement_id {
#define X(statement, sql) S_##statement,
	STATEMENTS(X)
#undef X
	STATEMENT_COUNT
};

/* ---- the meta row ---- */

#define LEDGER_ID_SIZE 16

struct meta {
	uint8_t id[LEDGER_ID_SIZE];
	uint32_t version;
	uint64_t counter, decision_seq, audit_seq;
	uint8_t audit_hash[32];
	uint8_t sum[32]; /* not masked; little-endian, modulo 2^256 */
};

/* ---- the head file ---- */

struct head {
	uint8_t id[LEDGER_ID_SIZE];
	uint64_t counter, decision_seq;
};

/* ---- the ledger ---- */

struct ledger {
	sqlite3 *db;
	sqlite3_stmt *query[QUERY_COUNT];
	sqlite3_stmt *insert[TABLE_COUNT], *update[TABLE_COUNT];
	sqlite3_stmt *statement[STATEMENT_COUNT];
	struct seal meta_seal, head_seal, row_seal, sum_seal;
	struct meta meta;      /* as the open transaction has it */
	struct meta committed; /* as of the last commit */
	uint8_t key[SEAL_KEY_SIZE];
	char *head_path;
	int head_fd;
	unsigned head_slot; /* to be written next */
	bool open;	       /* a transaction is */
	bool dirty;	       /* it changed something */
	enum assay_err broken; /* it must not be committed */
	enum assay_err stuck;  /* nothing more can be begun: the head cannot be written */
	bool head_behind;      /* that is why; once it can be, it goes on */
	enum assay_err fault;  /* found at opening; see ledger_open() */
	enum assay_err accepted; /* the fault that the open transaction ends */
	bool repairable;       /* ledger_accept() may end the fault */
	struct head head;      /* as read at opening; zeros: none that is valid */
	uint64_t device_changes;
	bool outlined;	       /* the row of state read last, by Q_STATE_OLD, still holds */
	struct row outline;
};

/* The code of a SQLite result: constraint, busy, corrupt ... */
ASSAY_MUST_USE enum assay_err engine_err(int rc);
/* STATE outside a transaction and in fault mode; why the transaction is broken. */
ASSAY_MUST_USE enum assay_err engine_writable(const struct ledger *l);
/* Something failed half way: the transaction cannot be committed. Returns e. */
enum assay_err engine_break(struct ledger *l, enum assay_err e);
/* Make every statement that is stepping stop (spans into rows end here). */
void engine_reset(struct ledger *l);
/* Run a statement that has neither parameters nor rows. */
ASSAY_MUST_USE enum assay_err engine_run(struct ledger *l, enum statement_id s);
/* Words into a report; NULL is none. */
void engine_report(struct ledger_report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* sqlite_schema.c */
struct migration {
	unsigned from; /* brings version `from` to `from` + 1 */
	const char *sql;
};
extern const struct migration schema_migrations[];
extern const size_t schema_nmigrations;
/* Apply what is missing, each step once and in order, within the caller's transaction;
 * MISSING if there is no step from a version on the way to target. */
ASSAY_MUST_USE enum assay_err schema_migrate(sqlite3 *db, const struct migration *m, size_t n,
					     unsigned from, unsigned target);
/* TAMPERED unless tables and indexes are those that the migrations make (statistics
 * of ANALYZE apart). */
ASSAY_MUST_USE enum assay_err schema_compare(sqlite3 *db, unsigned version);
/* What SQLite itself reports as damaged: OK, or TAMPERED with its words. */
ASSAY_MUST_USE enum assay_err schema_integrity(sqlite3 *db, struct ledger_report *report);

/* HMAC over the table's name and the row's cells, extra ones apart. */
ASSAY_MUST_USE enum assay_err row_mac(struct ledger *l, enum table_id t, const struct row *r,
				      uint8_t ret[SEAL_MAC_SIZE]);

/* sqlite_statement.c */
ASSAY_MUST_USE enum assay_err row_prepare(struct ledger *l);
void row_finalize(struct ledger *l);
/*
 * The first row of a query: NOT_FOUND, TAMPERED if its MAC is wrong (cells are there
 * all the same). keys: ?1 and on. Spans are good until the query runs again, or the
 * transaction ends. row_more: the next row of the same query, while keys live.
 */
ASSAY_MUST_USE enum assay_err row_select(struct ledger *l, enum query_id q,
					 const struct row *keys, struct row *ret);
ASSAY_MUST_USE enum assay_err row_more(struct ledger *l, enum query_id q, struct row *ret);
/* EXISTS, NOT_FOUND (a row that this one refers to). */
ASSAY_MUST_USE enum assay_err row_insert(struct ledger *l, enum table_id t,
					 const struct row *r);
/* Replace the row old (as selected) by one of the same key. */
ASSAY_MUST_USE enum assay_err row_update(struct ledger *l, const struct row *old,
					 enum table_id t, const struct row *r);
/* All columns of the row that a statement stands on, as cells. */
void row_fetch(sqlite3_stmt *st, struct row *ret);
/* A row with this MAC was removed by the caller. */
ASSAY_MUST_USE enum assay_err row_forgotten(struct ledger *l, struct span mac);
/* Check the MAC of every row; TAMPERED names the first that is wrong. */
ASSAY_MUST_USE enum assay_err row_check_all(struct ledger *l, enum table_id t,
					    struct ledger_report *report);
/* The sum over the MACs of all rows of all tables, as they are stored. */
ASSAY_MUST_USE enum assay_err row_sum_all(struct ledger *l, uint8_t ret[32]);

/* Statements apart from rows: bind keys, then one step: OK with a row (cells in ret,
 * which may be NULL), NOT_FOUND without one. */
ASSAY_MUST_USE enum assay_err statement_row(struct ledger *l, enum statement_id s,
					    const struct row *keys, struct row *ret);
ASSAY_MUST_USE enum assay_err statement_more(struct ledger *l, enum statement_id s,
					     struct row *ret);
/* The same for a statement that changes something: EXISTS, NOT_FOUND (what it refers
 * to); ret_changed (may be NULL): number of rows. Breaks the transaction on failure. */
ASSAY_MUST_USE enum assay_err statement_change(struct ledger *l, enum statement_id s,
					       const struct row *keys, int *ret_changed);

/* sqlite_meta.c */
/* Read l->meta and ready the keys that depend on its id. TAMPERED: it is absent or its
 * MAC is wrong; nothing of it is believed then. */
ASSAY_MUST_USE enum assay_err meta_load(struct ledger *l);
/* Write l->meta. */
ASSAY_MUST_USE enum assay_err meta_store(struct ledger *l);
/* Ready the keys that depend on l->meta.id. */
ASSAY_MUST_USE enum assay_err meta_keys(struct ledger *l);
/* Add (or take away) what stands for a row's MAC. */
ASSAY_MUST_USE enum assay_err meta_sum_term(struct ledger *l, struct span mac, uint8_t ret[32]);
void sum_add(uint8_t sum[32], const uint8_t term[32]);
void sum_sub(uint8_t sum[32], const uint8_t term[32]);

/* sqlite_head.c */
/* "DIR/ledger.db" gives "DIR/ledger.head"; malloc'd. NULL: no memory. */
char *head_path(const char *ledger_path);
/* Make the file, durably; EXISTS. */
ASSAY_MUST_USE enum assay_err head_create(struct ledger *l, const struct head *h);
/* Open it and read: MISSING: no file; TAMPERED: nothing valid in it. */
ASSAY_MUST_USE enum assay_err head_open(struct ledger *l, struct head *ret);
/* Overwrite the older of its two records: what is torn then is never the newer. */
ASSAY_MUST_USE enum assay_err head_write(struct ledger *l, const struct head *h);
/* Overwrite both, durably; make the file if there is none. */
ASSAY_MUST_USE enum assay_err head_replace(struct ledger *l, const struct head *h);

/* Of the tables' files */
ASSAY_MUST_USE enum assay_err state_create(struct ledger *l, const char *device);
ASSAY_MUST_USE enum assay_err state_check(struct ledger *l, struct ledger_report *report);
ASSAY_MUST_USE enum assay_err blob_check(struct ledger *l, struct ledger_report *report);
/* A device's state names another boot log than before (zeros: none); MISSING. */
ASSAY_MUST_USE enum assay_err blob_refer(struct ledger *l, struct span before, struct span after);
ASSAY_MUST_USE enum assay_err blob_prune(struct ledger *l, unsigned limit);
/* What ledger_accept() forgets of IMA lists. */
ASSAY_MUST_USE enum assay_err ima_clear(struct ledger *l);
/* Runs of entries that no list has, and then entries that no run has and that were first
 * seen before this time. */
ASSAY_MUST_USE enum assay_err ima_prune(struct ledger *l, int64_t before, unsigned limit);
ASSAY_MUST_USE enum assay_err ima_check_segments(struct ledger *l, struct ledger_report *report);
/* The newest entry is the one that meta names. */
ASSAY_MUST_USE enum assay_err audit_check_last(struct ledger *l, struct ledger_report *report);
ASSAY_MUST_USE enum assay_err audit_check(struct ledger *l, struct ledger_report *report);
ASSAY_MUST_USE enum assay_err token_prune(struct ledger *l, int64_t before, unsigned limit);
/* Those that expired before this time. */
ASSAY_MUST_USE enum assay_err challenge_prune(struct ledger *l, int64_t before, unsigned limit);
/* 32 lower-case hexadecimal digits and NUL. */
bool device_id_valid(const char *id);

#endif
