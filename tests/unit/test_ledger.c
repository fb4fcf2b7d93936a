/* test_ledger.c: creating, opening, transactions, the head file, faults. */
#include "tests/support/ledgers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verifier/ledger/sqlite_engine.h"

/* ---- creating ---- */

static void
creating_refuses_to_replace_a_ledger_or_its_head(void **state)
{
	struct ledgers *s = *state;
	struct ledger_report report;

	assert_int_equal(ledger_create(s->path, ledgers_key, &report), ASSAY_EXISTS);
	ledgers_close(s);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(ledger_create(s->path, ledgers_key, &report), ASSAY_EXISTS);
	assert_non_null(strstr(report.text, "ledger.head"));
	assert_int_equal(access(s->path, F_OK), -1);
	assert_int_equal(unlink(s->head), 0);
	assert_int_equal(ledger_create(s->path, ledgers_key, &report), ASSAY_OK);
}

static void
creating_fails_where_no_file_can_be(void **state)
{
	struct ledger_report report;

	(void)state;
	assert_int_equal(ledger_create("/nonexistent/ledger.db", ledgers_key, &report), ASSAY_IO);
	assert_string_not_equal(report.text, "");
}

static void
files_are_for_their_owner_alone(void **state)
{
	struct ledgers *s = *state;
	char wal[400];
	struct stat st;

	ledgers_fill(s);
	snprintf(wal, sizeof wal, "%s-wal", s->path);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(s->head, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* ---- opening ---- */

static void
opening_finds_no_file(void **state)
{
	struct ledgers *s = *state;
	struct ledger *l = NULL;
	struct ledger_report report;

	assert_int_equal(ledger_open("/nonexistent/x.db", ledgers_key, &l, &report),
			 ASSAY_NOT_FOUND);
	assert_null(l);
	assert_string_not_equal(report.text, "");
	ledgers_close(s);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(ledger_open(s->path, ledgers_key, &l, &report), ASSAY_NOT_FOUND);
	assert_int_equal(access(s->path, F_OK), -1);
}

static void
opening_refuses_what_is_no_ledger(void **state)
{
	static const char junk[] = "this is no database, whatever its name may say";
	struct ledgers *s = *state;
	struct ledger *l = NULL;
	int fd;

	ledgers_close(s);
	ledgers_sql(s, "PRAGMA application_id=7");
	assert_int_equal(ledger_open(s->path, ledgers_key, &l, NULL), ASSAY_MALFORMED);
	assert_null(l);
	fd = open(s->path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
	close(fd);
	assert_int_equal(ledger_open(s->path, ledgers_key, &l, NULL), ASSAY_MALFORMED);
	assert_null(l);
	assert_int_equal(truncate(s->path, 0), 0);
	assert_int_equal(ledger_open(s->path, ledgers_key, &l, NULL), ASSAY_MALFORMED);
	assert_null(l);
}

static void
a_second_opening_is_busy_in_the_same_and_in_another_process(void **state)
{
	struct ledgers *s = *state;
	struct ledger_report report;
	struct ledger *l = NULL;
	int status;
	pid_t child;

	assert_int_equal(ledger_open(s->path, ledgers_key, &l, &report), ASSAY_BUSY);
	assert_non_null(strstr(report.text, "another assay-verifier"));
	assert_null(l);
	if ((child = fork()) == 0)
		_exit(execl("/proc/self/exe", "test_ledger", "open", s->path, (char *)NULL));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ASSAY_BUSY);
	ledgers_fill(s);
}

static void
another_key_opens_in_fault_and_accepts_nothing(void **state)
{
	struct ledgers *s = *state;
	const uint8_t other[32] = {1};
	struct ledger_device d;

	ledgers_fill(s);
	ledgers_close(s);
	assert_int_equal(ledger_open(s->path, other, &s->l, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledger_device_get(s->l, ledgers_device(1).id, &d), ASSAY_TAMPERED);
	ledgers_assert_fault(s);
	assert_int_equal(ledgers_accept(s), ASSAY_TAMPERED);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

static void
a_ledger_of_a_newer_program_is_not_touched(void **state)
{
	struct ledgers *s = *state;
	struct ledger *l = NULL;
	struct ledger_report report;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	s->l->meta.version = LEDGER_SCHEMA_VERSION + 1;
	s->l->dirty = true;
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	ledgers_close(s);
	assert_int_equal(ledger_open(s->path, ledgers_key, &l, &report), ASSAY_UNSUPPORTED);
	assert_null(l);
	assert_non_null(strstr(report.text, "newer"));
}

/* ---- transactions ---- */

static void
nothing_is_written_outside_a_transaction(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1);
	struct ledger_state st = ledgers_state(1);
	struct ledger_reference r = ledgers_reference(1);
	struct ledger_policy p = ledgers_policy(1);
	struct ledger_decision c = ledgers_decision(1);
	struct ledger_operator o = ledgers_operator(1);
	struct ledger_token t = ledgers_token(1);
	struct ledger_audit a = ledgers_audit(1);
	struct ledger_ek k = ledgers_ek(1);
	uint8_t digest[32] = {0};
	uint64_t seq;

	assert_int_equal(ledger_commit(s->l), ASSAY_STATE);
	assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_STATE);
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_STATE);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_STATE);
	assert_int_equal(ledger_blob_put(s->l, SPAN("x", 1), digest), ASSAY_STATE);
	assert_int_equal(ledger_decision_append(s->l, &c, &seq), ASSAY_STATE);
	assert_int_equal(ledger_prune(s->l, 1), ASSAY_STATE);
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_STATE);
	assert_int_equal(ledger_token_spend(s->l, t.id), ASSAY_STATE);
	assert_int_equal(ledger_ek_insert(s->l, &k), ASSAY_STATE);
	assert_int_equal(ledger_reference_insert(s->l, &r), ASSAY_STATE);
	assert_int_equal(ledger_reference_set_state(s->l, r.name, REF_PROMOTED), ASSAY_STATE);
	assert_int_equal(ledger_policy_insert(s->l, &p), ASSAY_STATE);
	assert_int_equal(ledger_policy_activate(s->l, p.digest), ASSAY_STATE);
	assert_int_equal(ledger_operator_insert(s->l, &o), ASSAY_STATE);
	assert_int_equal(ledger_operator_revoke(s->l, o.name), ASSAY_STATE);
	assert_int_equal(ledger_audit_append(s->l, &a), ASSAY_STATE);
	assert_int_equal(ledger_head(s->l), 1);
}

static void
a_transaction_is_begun_once(void **state)
{
	struct ledgers *s = *state;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_STATE);
	ledger_rollback(s->l);
	ledger_rollback(s->l);
	assert_int_equal(ledger_commit(s->l), ASSAY_STATE);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

static void
what_is_rolled_back_or_closed_before_commit_never_was(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), got;
	struct ledger_decision c = ledgers_decision(1);
	struct ledger_audit a = ledgers_audit(1);
	uint64_t seq, again;

	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(ledger_begin(s->l), ASSAY_OK);
		assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_OK);
		assert_int_equal(ledger_decision_append(s->l, &c, &seq), ASSAY_OK);
		assert_int_equal(ledger_audit_append(s->l, &a), ASSAY_OK);
		assert_int_equal(seq, 1);
		if (round == 0)
			ledger_rollback(s->l);
		else
			assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
		assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_NOT_FOUND);
		assert_int_equal(ledger_audit_next(s->l, 0, &a), ASSAY_NOT_FOUND);
		assert_int_equal(ledger_head(s->l), 1);
	}
	IN_TRANSACTION(s, ledger_device_insert(s->l, &d));
	IN_TRANSACTION(s, ledger_decision_append(s->l, &c, &again));
	assert_int_equal(again, 1);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
a_refusal_leaves_the_rest_of_the_transaction_as_it_is(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), other = ledgers_device(2), got;
	struct ledger_state st = ledgers_state(1);

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_EXISTS);
	st.version = 9;
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_MISMATCH);
	st.version = 0;
	st.boot_log[0] = 1;
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_MISSING);
	assert_int_equal(ledger_device_insert(s->l, &other), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_device_get(s->l, other.id, &got), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
a_transaction_that_broke_is_never_committed(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), got;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_OK);
	/* The file cannot grow any more: the disk is full. */
	sqlite3_exec(s->l->db, "PRAGMA max_page_count=1", NULL, NULL, NULL);
	{
		static uint8_t big[LEDGER_BLOB_MAX];
		uint8_t digest[32];

		assert_int_equal(ledger_blob_put(s->l, SPAN(big, sizeof big), digest), ASSAY_IO);
	}
	assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_IO);
	assert_int_equal(ledger_commit(s->l), ASSAY_IO);
	assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	IN_TRANSACTION(s, ledger_device_insert(s->l, &d));
}

static void
a_commit_that_the_disk_refuses_is_rolled_back_and_the_next_one_works(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t = ledgers_token(1), got;
	struct rlimit before, small = {.rlim_cur = 4096};

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(ledger_commit(s->l), ASSAY_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(ledger_token_get(s->l, t.id, &got), ASSAY_NOT_FOUND);
	assert_int_equal(ledger_head(s->l), 1);
	assert_int_equal(ledger_commit(s->l), ASSAY_STATE);
	IN_TRANSACTION(s, ledger_token_insert(s->l, &t));
	assert_int_equal(ledger_head(s->l), 2);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_token_get(s->l, t.id, &got), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
a_head_that_cannot_be_written_is_written_before_anything_else_is(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t = ledgers_token(1), got;
	int full = open("/dev/full", O_RDWR | O_CLOEXEC), head = dup(s->l->head_fd);

	assert_true(full >= 0 && head >= 0);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_OK);
	assert_true(dup2(full, s->l->head_fd) >= 0);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_IO);
	assert_int_equal(ledger_begin(s->l), ASSAY_IO);
	assert_true(dup2(head, s->l->head_fd) >= 0); /* there is room again */
	close(full);
	close(head);
	t = ledgers_token(2);
	IN_TRANSACTION(s, ledger_token_insert(s->l, &t));
	assert_int_equal(ledger_head(s->l), 3);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_token_get(s->l, t.id, &got), ASSAY_OK);
}

static void
the_change_counter_counts_commits_that_changed_something(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t = ledgers_token(1);

	assert_int_equal(ledger_head(s->l), 1);
	IN_TRANSACTION(s, ASSAY_OK);
	assert_int_equal(ledger_head(s->l), 1);
	IN_TRANSACTION(s, ledger_token_insert(s->l, &t));
	assert_int_equal(ledger_head(s->l), 2);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_head(s->l), 2);
}

/* ---- the head file ---- */

static void
a_torn_head_record_leaves_the_other(void **state)
{
	struct ledgers *s = *state;
	struct ledger_report report;
	uint8_t junk[72];

	memset(junk, 0xA5, sizeof junk);
	ledgers_fill(s);
	ledgers_close(s);
	ledgers_save(s, "a");
	for (off_t slot = 0; slot < 2; slot++) {
		for (size_t n = 1; n <= sizeof junk; n += 5) {
			int fd = open(s->head, O_WRONLY);

			assert_int_equal(pwrite(fd, junk, n, slot * 512), n);
			close(fd);
			assert_int_equal(ledgers_open(s, &report), ASSAY_OK);
			assert_int_equal(report.head, 2);
			assert_in_range(report.expected_head, 1, 2);
			ledgers_close(s);
			ledgers_restore_head(s, "a");
		}
	}
}

static void
a_head_that_lags_behind_is_allowed_and_catches_up(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t = ledgers_token(2);
	struct ledger_report report;

	ledgers_close(s);
	ledgers_save(s, "a");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	ledgers_fill(s);
	ledgers_close(s);
	ledgers_restore_head(s, "a");
	assert_int_equal(ledgers_open(s, &report), ASSAY_OK);
	assert_int_equal(report.head, 2);
	assert_int_equal(report.expected_head, 1);
	IN_TRANSACTION(s, ledger_token_insert(s->l, &t));
	assert_int_equal(ledgers_open(s, &report), ASSAY_OK);
	assert_int_equal(report.expected_head, 3);
}

static uint64_t
head_counter(const struct ledgers *s, unsigned slot)
{
	struct span file = unit_file(s->head);
	uint64_t counter = 0;

	for (unsigned i = 0; i < 8; i++)
		counter = counter << 8 | file.p[slot * 512 + 24 + i];
	unit_free(file);
	return counter;
}

static void
the_older_head_record_is_overwritten_also_after_opening(void **state)
{
	struct ledgers *s = *state;

	for (unsigned n = 2; n < 12; n++) {
		struct ledger_token t = ledgers_token(n);
		unsigned older = head_counter(s, 0) < head_counter(s, 1) ? 0 : 1;
		uint64_t kept = head_counter(s, 1 - older);

		IN_TRANSACTION(s, ledger_token_insert(s->l, &t));
		assert_int_equal(head_counter(s, older), n);
		assert_int_equal(head_counter(s, 1 - older), kept);
		if (n % 3 != 0)
			assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	}
}

static void
every_flipped_bit_of_both_head_records_is_a_fault(void **state)
{
	struct ledgers *s = *state;
	struct span head;

	ledgers_close(s);
	head = unit_file(s->head);
	for (size_t bit = 0; bit < 72 * 8; bit += 7) {
		int fd = open(s->head, O_WRONLY);
		uint8_t b = head.p[bit / 8] ^ (uint8_t)(1u << bit % 8);

		assert_int_equal(pwrite(fd, &b, 1, (off_t)(bit / 8)), 1);
		assert_int_equal(pwrite(fd, &b, 1, (off_t)(bit / 8 + 512)), 1);
		assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
		ledgers_close(s);
		assert_int_equal(pwrite(fd, head.p, head.n, 0), head.n);
		close(fd);
	}
	unit_free(head);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

static void
when_the_head_cannot_be_written_nothing_more_is_begun(void **state)
{
	struct ledgers *s = *state;
	struct ledger_token t = ledgers_token(1), u = ledgers_token(2);
	int fd = open("/dev/null", O_RDONLY);

	assert_int_equal(dup2(fd, s->l->head_fd), s->l->head_fd);
	close(fd);
	IN_TRANSACTION(s, ledger_token_insert(s->l, &t)); /* durable all the same */
	assert_int_equal(ledger_begin(s->l), ASSAY_IO);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_token_get(s->l, t.id, &u), ASSAY_OK);
}

static void
head_files_are_named_after_their_ledger(void **state)
{
	static const char *const names[][2] = {
		{"ledger.db", "ledger.head"},	{"a.b/ledger", "a.b/ledger.head"},
		{"/x/l.sqlite", "/x/l.head"},	{"dir.d/l.a.b", "dir.d/l.a.head"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *p = head_path(names[i][0]);

		assert_string_equal(p, names[i][1]);
		free(p);
	}
}

/* ---- MACs ---- */

/* The MAC of a row of two cells padded to what the table has. */
static void
mac_of(struct ledgers *s, enum table_id t, const char *a, const char *b, bool blob,
       uint8_t ret[SEAL_MAC_SIZE])
{
	struct row r;

	row_init(&r);
	if (blob)
		row_blob(&r, SPAN(a, strlen(a)), 32);
	else
		row_text(&r, a, 32);
	row_text(&r, b, 32);
	while (r.n < tables[t].ncolumns)
		row_int(&r, 7);
	assert_int_equal(row_mac(s->l, t, &r, ret), ASSAY_OK);
}

static void
a_rows_mac_depends_on_its_table_and_on_type_and_bounds_of_its_cells(void **state)
{
	struct ledgers *s = *state;
	uint8_t mac[6][SEAL_MAC_SIZE], again[SEAL_MAC_SIZE];
	struct row r;

	mac_of(s, T_EK, "ab", "c", false, mac[0]);
	mac_of(s, T_KNOWN_BAD, "ab", "c", false, mac[1]); /* as many columns */
	mac_of(s, T_EK, "ab", "c", true, mac[2]);
	mac_of(s, T_EK, "a", "bc", false, mac[3]);
	mac_of(s, T_EK, "abc", "", false, mac[4]);
	mac_of(s, T_EK, "", "abc", false, mac[5]);
	assert_int_equal(tables[T_EK].ncolumns, tables[T_KNOWN_BAD].ncolumns);
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(mac[i], mac[j], SEAL_MAC_SIZE);
	mac_of(s, T_EK, "ab", "c", false, again);
	assert_memory_equal(mac[0], again, SEAL_MAC_SIZE);
	row_init(&r);
	row_text(&r, "too few", 32);
	assert_int_equal(row_mac(s->l, T_EK, &r, again), ASSAY_INTERNAL);
}

static void
another_ledger_with_the_same_key_has_other_macs(void **state)
{
	struct ledgers *s = *state;
	uint8_t here[SEAL_MAC_SIZE], there[SEAL_MAC_SIZE];

	mac_of(s, T_TOKEN, "ab", "c", false, here);
	ledgers_close(s);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(unlink(s->head), 0);
	assert_int_equal(ledger_create(s->path, ledgers_key, NULL), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	mac_of(s, T_TOKEN, "ab", "c", false, there);
	assert_memory_not_equal(here, there, SEAL_MAC_SIZE);
}

/* ---- migrations ---- */

static void
migrations_run_once_each_in_order_and_never_over_a_gap(void **state)
{
	static const struct migration steps[] = {
		{1, "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y=x+1"},
		{0, "CREATE TABLE a(x INTEGER); INSERT INTO a VALUES(1)"},
		{2, "UPDATE a SET x=x+10"},
		{4, "DROP TABLE a"},
	};
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(schema_migrate(db, steps, 4, 0, 1), ASSAY_OK);
	assert_int_equal(schema_migrate(db, steps, 4, 1, 1), ASSAY_OK);
	assert_int_equal(schema_migrate(db, steps, 4, 1, 3), ASSAY_OK);
	assert_int_equal(sqlite3_exec(db, "SELECT 1/(x=11 AND y=2) FROM a", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(schema_migrate(db, steps, 4, 3, 5), ASSAY_MISSING);
	assert_int_not_equal(schema_migrate(db, steps, 4, 0, 1), ASSAY_OK);
	sqlite3_close(db);
}

static void
every_version_has_its_migration(void **state)
{
	(void)state;
	assert_int_equal(schema_nmigrations, LEDGER_SCHEMA_VERSION);
	for (unsigned i = 0; i < LEDGER_SCHEMA_VERSION; i++)
		assert_int_equal(schema_migrations[i].from, i);
}

/* ---- accepting ---- */

static void
accepting_is_only_for_a_fault_and_holds_with_its_commit(void **state)
{
	struct ledgers *s = *state;

	struct ledger_report report;

	assert_int_equal(ledgers_accept(s), ASSAY_STATE);
	assert_int_equal(ledger_fault(s->l), ASSAY_OK);
	ledgers_close(s);
	assert_int_equal(unlink(s->head), 0);
	assert_int_equal(ledgers_open(s, &report), ASSAY_EXPIRED);
	assert_int_equal(ledger_accept(s->l, "anna", 1), ASSAY_STATE); /* no transaction */
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_accept(s->l, "anna", 1), ASSAY_OK);
	assert_int_equal(ledger_accept(s->l, "anna", 1), ASSAY_STATE); /* once */
	assert_int_equal(ledger_fault(s->l), ASSAY_OK);
	ledger_rollback(s->l); /* and nothing is accepted */
	assert_int_equal(ledger_fault(s->l), ASSAY_EXPIRED);
	ledgers_assert_fault(s);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	assert_int_equal(ledger_fault(s->l), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

static void
the_whole_is_checked_and_stays_so_over_reopening(void **state)
{
	struct ledgers *s = *state;
	struct ledger_report report;

	ledgers_fill(s);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ledger_check(s->l, &report), ASSAY_OK);
		assert_int_equal(report.head, 2);
		assert_int_equal(report.migrated_from, LEDGER_SCHEMA_VERSION);
		assert_int_equal(ledgers_open(s, &report), ASSAY_OK);
	}
}

/* Started by a_second_opening_is_busy...: the exit status is the error. */
static int
open_only(const char *path)
{
	struct ledger *l;
	enum assay_err e = ledger_open(path, ledgers_key, &l, NULL);

	return (int)e;
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, ledgers_setup, ledgers_teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(creating_refuses_to_replace_a_ledger_or_its_head),
		LEDGER_TEST(creating_fails_where_no_file_can_be),
		LEDGER_TEST(files_are_for_their_owner_alone),
		LEDGER_TEST(opening_finds_no_file),
		LEDGER_TEST(opening_refuses_what_is_no_ledger),
		LEDGER_TEST(a_second_opening_is_busy_in_the_same_and_in_another_process),
		LEDGER_TEST(another_key_opens_in_fault_and_accepts_nothing),
		LEDGER_TEST(a_ledger_of_a_newer_program_is_not_touched),
		LEDGER_TEST(nothing_is_written_outside_a_transaction),
		LEDGER_TEST(a_transaction_is_begun_once),
		LEDGER_TEST(what_is_rolled_back_or_closed_before_commit_never_was),
		LEDGER_TEST(a_refusal_leaves_the_rest_of_the_transaction_as_it_is),
		LEDGER_TEST(a_transaction_that_broke_is_never_committed),
		LEDGER_TEST(a_commit_that_the_disk_refuses_is_rolled_back_and_the_next_one_works),
		LEDGER_TEST(a_head_that_cannot_be_written_is_written_before_anything_else_is),
		LEDGER_TEST(the_change_counter_counts_commits_that_changed_something),
		LEDGER_TEST(a_torn_head_record_leaves_the_other),
		LEDGER_TEST(a_head_that_lags_behind_is_allowed_and_catches_up),
		LEDGER_TEST(the_older_head_record_is_overwritten_also_after_opening),
		LEDGER_TEST(every_flipped_bit_of_both_head_records_is_a_fault),
		LEDGER_TEST(when_the_head_cannot_be_written_nothing_more_is_begun),
		cmocka_unit_test(head_files_are_named_after_their_ledger),
		LEDGER_TEST(a_rows_mac_depends_on_its_table_and_on_type_and_bounds_of_its_cells),
		LEDGER_TEST(another_ledger_with_the_same_key_has_other_macs),
		cmocka_unit_test(migrations_run_once_each_in_order_and_never_over_a_gap),
		cmocka_unit_test(every_version_has_its_migration),
		LEDGER_TEST(accepting_is_only_for_a_fault_and_holds_with_its_commit),
		LEDGER_TEST(the_whole_is_checked_and_stays_so_over_reopening),
	};

	if (argc == 3)
		return open_only(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
