/*
 * test_ledger.c: D8, D14, I1: the store edited behind the service's back, put back as
 * it was yesterday, registrations that would overwrite.
 *
 * The attacker has the files, any SQLite program and all the time of a stopped daemon;
 * not the key. (With the daemon running the file is locked.)
 */
#include "tests/support/ledgers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evidence/hex.h"
#include "verifier/ledger/outbox.h"
#include "verifier/ledger/sqlite_engine.h"

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, setup_filled, ledgers_teardown)

static int
setup_filled(void **state)
{
	ledgers_setup(state);
	ledgers_fill(*state);
	ledgers_fill_ima(*state);
	ledgers_close(*state);
	return 0;
}

/* ---- what reads a row of each table ---- */

static enum assay_err
get_device(struct ledger *l)
{
	struct ledger_device d;

	return ledger_device_get(l, ledgers_device(1).id, &d);
}

static enum assay_err
next_device(struct ledger *l)
{
	struct ledger_device d = {.id = ""};
	enum assay_err e, worst = ASSAY_OK;

	while ((e = ledger_device_next(l, d.id, &d)) != ASSAY_NOT_FOUND)
		if (e != ASSAY_OK)
			worst = e;
	return worst;
}

static enum assay_err
get_state(struct ledger *l)
{
	struct ledger_state s;

	return ledger_state_get(l, ledgers_device(1).id, &s);
}

static enum assay_err
get_decision(struct ledger *l)
{
	struct ledger_decision d;
	enum assay_err e, worst = ASSAY_OK;

	for (uint64_t before = 0; (e = ledger_decision_prev(l, "", before, &d)) != ASSAY_NOT_FOUND;
	     before = d.seq)
		if (e != ASSAY_OK)
			worst = e;
	return worst;
}

static enum assay_err
get_token(struct ledger *l)
{
	struct ledger_token t;

	return ledger_token_get(l, "t1", &t);
}

static enum assay_err
next_token(struct ledger *l)
{
	struct ledger_token t;

	return ledger_token_next(l, "", &t);
}

static enum assay_err
get_ek(struct ledger *l)
{
	struct ledger_ek k;

	return ledger_ek_get(l, ledgers_ek(1).ek_digest, &k);
}

static enum assay_err
next_reference(struct ledger *l)
{
	struct ledger_reference r;

	return ledger_reference_next(l, "", &r);
}

static enum assay_err
next_policy(struct ledger *l)
{
	struct ledger_policy p;

	return ledger_policy_next(l, NULL, &p);
}

static enum assay_err
next_operator(struct ledger *l)
{
	struct ledger_operator o;

	return ledger_operator_next(l, "", &o);
}

static enum assay_err
get_replay(struct ledger *l)
{
	struct ledger_replay r;

	return ledger_replay_get(l, 1, &r);
}

static enum assay_err
next_replay(struct ledger *l)
{
	struct ledger_replay r;

	return ledger_replay_prev(l, 0, &r);
}

static enum assay_err
get_rollout(struct ledger *l)
{
	struct ledger_rollout r;

	return ledger_rollout_get(l, "gateways", &r);
}

static enum assay_err
next_rollout(struct ledger *l)
{
	struct ledger_rollout r;

	return ledger_rollout_next(l, "", &r);
}

static enum assay_err
get_plan(struct ledger *l)
{
	struct ledger_plan p;

	return ledger_plan_get(l, "plan", &p);
}

static enum assay_err
next_plan(struct ledger *l)
{
	struct ledger_plan p;

	return ledger_plan_next(l, "", &p);
}

static enum assay_err
get_known_bad(struct ledger *l)
{
	struct ledger_known_bad b;

	return ledger_known_bad_get(l, "sha256:00", &b);
}

static enum assay_err
next_known_bad(struct ledger *l)
{
	struct ledger_known_bad b;

	return ledger_known_bad_next(l, "", &b);
}

static enum assay_err
get_ima_list(struct ledger *l)
{
	struct ledger_ima i;

	return ledger_ima_get(l, ledgers_device(1).id, &i);
}

static enum assay_err
get_outbox(struct ledger *l)
{
	struct ledger_outbox o;

	return ledger_outbox_get(l, "hook", &o);
}

static enum assay_err
get_dead(struct ledger *l)
{
	struct ledger_dead d;

	return ledger_dead_get(l, "hook", 1, &d);
}

static enum assay_err
next_dead(struct ledger *l)
{
	struct ledger_dead from = {.name = "hook"}, d;

	return ledger_dead_next(l, &from, false, &d);
}

static enum assay_err
get_address(struct ledger *l)
{
	struct ledger_address a;

	return ledger_address_get(l, "ip 192.0.2.7", &a);
}

static enum assay_err
get_challenge(struct ledger *l)
{
	static const uint8_t nonce[32] = {1};
	struct ledger_challenge c;

	return ledger_challenge_get(l, nonce, &c);
}

static enum assay_err
next_challenge(struct ledger *l)
{
	struct ledger_challenge c;

	return ledger_challenge_next(l, NULL, &c);
}

/* Where the key is known to the reader, a row under another key is simply not there;
 * a walk meets it. */
static const struct {
	enum table_id table;
	const char *where;
	enum assay_err (*get)(struct ledger *);
	enum assay_err (*walk)(struct ledger *);
} readers[] = {
	{T_DEVICE, "name='gw-1'", get_device, next_device},
	{T_STATE, "device=(SELECT id FROM device WHERE name='gw-1')", get_state, get_state},
	{T_DECISION, "seq=2", get_decision, get_decision},
	{T_TOKEN, "1", get_token, next_token},
	{T_EK, "1", get_ek, get_ek},
	{T_REFERENCE, "1", next_reference, next_reference},
	{T_POLICY, "1", next_policy, next_policy},
	{T_OPERATOR, "1", next_operator, next_operator},
	{T_REPLAY, "1", get_replay, next_replay},
	{T_ROLLOUT, "1", get_rollout, next_rollout},
	{T_PLAN, "1", get_plan, next_plan},
	{T_KNOWN_BAD, "1", get_known_bad, next_known_bad},
	{T_IMA_LIST, "1", get_ima_list, get_ima_list},
	{T_ADDRESS, "1", get_address, get_address},
	{T_OUTBOX, "1", get_outbox, get_outbox},
	{T_DEAD_LETTER, "1", get_dead, next_dead},
	{T_CHALLENGE, "1", get_challenge, next_challenge},
};

/* Another value of the same type and of a plausible range; always another one. */
static const char edit[] =
	"UPDATE %s SET %s = CASE typeof(%s) "
	"WHEN 'integer' THEN CASE %s WHEN 0 THEN 1 ELSE %s + 1 END "
	"WHEN 'text' THEN CASE WHEN %s='' THEN 'a' WHEN substr(%s,-1)='1' "
	"THEN rtrim(%s,'1') || '9' ELSE substr(%s,1,length(%s)-1) || '1' END "
	"ELSE CASE WHEN length(%s)=0 THEN x'01' WHEN substr(%s,1,1)=x'00' "
	"THEN CAST(x'01' || substr(%s,2) AS BLOB) ELSE CAST(x'00' || substr(%s,2) AS BLOB) END "
	"END WHERE %s";

/* Edit one column of one row, and see who notices. */
static void
edited_column_is_noticed(struct ledgers *s, size_t i, const char *column, bool is_key)
{
	const char *table = tables[readers[i].table].name;
	enum assay_err opened, e;

	ledgers_restore(s, "a");
	assert_int_equal(ledgers_sql(s, edit, table, column, column, column, column, column, column,
				     column, column, column, column, column, column, column,
				     readers[i].where),
			 1);
	opened = ledgers_open(s, NULL);
	/* a changed MAC, key or reference shows already at opening */
	if (opened != ASSAY_OK && opened != ASSAY_TAMPERED)
		fail_msg("%s.%s: opened with %s", table, column, assay_err_name(opened));
	e = readers[i].get(s->l);
	if (is_key && e == ASSAY_NOT_FOUND)
		e = ASSAY_TAMPERED;
	if (e != ASSAY_TAMPERED)
		fail_msg("%s.%s edited: %s", table, column, assay_err_name(e));
	e = readers[i].walk(s->l);
	if (e != ASSAY_TAMPERED && !(is_key && e == ASSAY_NOT_FOUND))
		fail_msg("%s.%s edited: a walk gives %s", table, column, assay_err_name(e));
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_TAMPERED);
	ledgers_close(s);
}

static void
d8_every_column_of_every_table_is_under_the_rows_mac(void **state)
{
	struct ledgers *s = *state;
	unsigned edited = 0;

	ledgers_save(s, "a");
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		const struct table *t = &tables[readers[i].table];
		char columns[1024], *save = NULL;
		bool key = true;

		snprintf(columns, sizeof columns, "%s%s,mac", t->columns, t->extra);
		for (char *c = strtok_r(columns, ",", &save); c; c = strtok_r(NULL, ",", &save)) {
			edited_column_is_noticed(s, i, c, key);
			key = false;
			edited++;
		}
	}
	/* what the descriptions of the tables name is all that the tables have */
	assert_int_equal(edited,
			 ledgers_sql_int(s, "SELECT count(*) FROM sqlite_schema AS t, "
					    "pragma_table_info(t.name) WHERE t.type='table' AND "
					    "EXISTS(SELECT 1 FROM pragma_table_info(t.name) WHERE "
					    "name='mac') AND t.name<>'meta'"));
}

static void
d8_values_stored_apart_from_their_row_are_covered_too(void **state)
{
	static const char *const edits[] = {
		"UPDATE state_part SET bytes=CAST(x'00'||substr(bytes,2) AS BLOB) WHERE part=1",
		"UPDATE state_part SET bytes=CAST(x'00'||substr(bytes,2) AS BLOB) WHERE part=2",
		"UPDATE state_part SET bytes=x''",
		"UPDATE state_part SET part=3-part+100",
		"DELETE FROM state_part WHERE part=1",
		"DELETE FROM state_part WHERE part=2",
		("UPDATE state_part SET bytes=(SELECT bytes FROM state_part AS o WHERE "
		 "o.part=state_part.part AND o.device<>state_part.device)"),
	};
	struct ledgers *s = *state;

	ledgers_save(s, "a");
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		ledgers_restore(s, "a");
		ledgers_sql(s, "%s", edits[i]);
		assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
		assert_int_equal(get_state(s->l), ASSAY_TAMPERED);
		assert_int_equal(ledger_check(s->l, NULL), ASSAY_TAMPERED);
		ledgers_close(s);
	}
}

static void
a_state_with_a_value_taken_away_can_be_written_anew(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st = ledgers_state(1), got;

	ledgers_sql(s, "DELETE FROM state_part");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	st.version = 1;
	st.verdict = SPAN(NULL, 0);
	IN_TRANSACTION(s, ledger_state_put(s->l, &st));
	assert_int_equal(ledger_state_get(s->l, st.device, &got), ASSAY_OK);
	assert_int_equal(got.verdict.n, 0);
	assert_int_equal(got.claims.n, st.claims.n);
}

static void
d8_a_boot_log_is_believed_for_its_digest_alone(void **state)
{
	struct ledgers *s = *state;
	struct ledger_state st;
	struct span bytes;
	uint8_t digest[32];

	ledgers_sql(s, "UPDATE blob SET bytes=CAST('a boot loG' AS BLOB) "
		       "WHERE bytes=CAST('a boot log' AS BLOB)");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_state_get(s->l, ledgers_device(1).id, &st), ASSAY_OK);
	assert_int_equal(ledger_blob_get(s->l, st.boot_log, &bytes), ASSAY_TAMPERED);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_TAMPERED);
	/* and what is delivered again is right again */
	IN_TRANSACTION(s, ledger_blob_put(s->l, SPAN("a boot log", 10), digest));
	assert_int_equal(ledger_blob_get(s->l, st.boot_log, &bytes), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
d8_no_row_passes_for_another(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device a = ledgers_device(1), b = ledgers_device(2), got;

	/* all of device 2's row, MAC included, under device 1's id */
	ledgers_sql(s, "DELETE FROM device WHERE name='gw-1'; UPDATE device SET id='%s'", a.id);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledger_device_get(s->l, a.id, &got), ASSAY_TAMPERED);
	assert_int_equal(ledger_device_by_ak(s->l, &b.ak_name, &got), ASSAY_TAMPERED);
	assert_int_equal(ledger_device_find(s->l, "gw-2", &got), ASSAY_TAMPERED);
	assert_int_equal(ledger_device_find(s->l, "gw-1", &got), ASSAY_NOT_FOUND);
}

static void
d8_a_tampered_row_is_not_laundered_by_writing_to_it(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1);
	struct ledger_state st = ledgers_state(1);
	struct ledger_reference r = ledgers_reference(1);
	struct ledger_policy p = ledgers_policy(1);

	ledgers_sql(s, "UPDATE device SET overlay=0; UPDATE state SET version=5; "
		       "UPDATE token SET uses_left=1000; UPDATE reference SET class='any'; "
		       "UPDATE policy SET compiled=x'00'; UPDATE operator SET role=3");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_TAMPERED);
	st.version = 5;
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_TAMPERED);
	assert_int_equal(ledger_token_spend(s->l, "t1"), ASSAY_TAMPERED);
	assert_int_equal(ledger_reference_set_state(s->l, r.name, REF_PROMOTED), ASSAY_TAMPERED);
	assert_int_equal(ledger_policy_activate(s->l, p.digest), ASSAY_TAMPERED);
	assert_int_equal(ledger_operator_revoke(s->l, ledgers_operator(1).name), ASSAY_TAMPERED);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(next_device(s->l), ASSAY_TAMPERED);
	assert_int_equal(get_state(s->l), ASSAY_TAMPERED);
	assert_int_equal(get_token(s->l), ASSAY_TAMPERED);
}

static void
d8_the_ledgers_own_record_is_covered(void **state)
{
	static const char *const edits[] = {
		"UPDATE meta SET ledger=zeroblob(16)",
		"UPDATE meta SET version=0",
		"UPDATE meta SET counter=counter+1",
		"UPDATE meta SET counter=0",
		"UPDATE meta SET decision_seq=0",
		"UPDATE meta SET audit_seq=audit_seq-1",
		"UPDATE meta SET audit_hash=zeroblob(32)",
		"UPDATE meta SET nonce=zeroblob(16)",
		"UPDATE meta SET sum=zeroblob(32)",
		"UPDATE meta SET mac=zeroblob(32)",
		"DELETE FROM meta",
	};
	struct ledgers *s = *state;

	ledgers_save(s, "a");
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		ledgers_restore(s, "a");
		ledgers_sql(s, "%s", edits[i]);
		if (ledgers_open(s, NULL) != ASSAY_TAMPERED)
			fail_msg("not noticed: %s", edits[i]);
		ledgers_assert_fault(s);
		ledgers_close(s);
	}
}

static void
d8_the_schema_is_not_anyones_to_change(void **state)
{
	static const char *const edits[] = {
		"CREATE TRIGGER t AFTER UPDATE ON device BEGIN SELECT RAISE(IGNORE); END",
		"DROP INDEX device_name",
		"CREATE INDEX x ON device(class)",
		"CREATE VIEW v AS SELECT 1",
		"CREATE TABLE x(y)",
		"ALTER TABLE device ADD COLUMN x INTEGER",
		("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql=replace(sql,'NOT NULL "
		 "UNIQUE','NOT NULL') WHERE name='operator'"),
	};
	struct ledgers *s = *state;
	struct ledger *l = NULL;

	ledgers_save(s, "a");
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		enum assay_err e;

		ledgers_restore(s, "a");
		ledgers_sql(s, "%s", edits[i]);
		e = ledger_open(s->path, ledgers_key, &l, NULL);
		if (e != ASSAY_TAMPERED && e != ASSAY_MALFORMED)
			fail_msg("%s: %s", edits[i], assay_err_name(e));
		if (e == ASSAY_TAMPERED) {
			s->l = l;
			ledgers_assert_fault(s);
			assert_int_equal(ledgers_accept(s), ASSAY_TAMPERED);
			ledgers_close(s);
		}
	}
}

static void
d8_an_altered_schema_is_not_accepted_with_an_old_ledger(void **state)
{
	struct ledgers *s = *state;

	assert_int_equal(unlink(s->head), 0);
	ledgers_sql(s, "DROP INDEX device_name");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledgers_accept(s), ASSAY_TAMPERED);
	ledgers_assert_fault(s);
}

static void
d8_statistics_of_a_curious_administrator_do_no_harm(void **state)
{
	struct ledgers *s = *state;

	ledgers_sql(s, "ANALYZE; VACUUM");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
d8_damaged_pages_are_a_fault_or_no_ledger_and_never_a_crash(void **state)
{
	struct ledgers *s = *state;
	struct span file = unit_file(s->path);
	struct ledger_device want = ledgers_device(1), d;
	unsigned untouched = 0, damages = 0;
	uint8_t junk[64];

	ledgers_save(s, "a");
	memset(junk, 0xFF, sizeof junk);
	for (size_t at = 0; at + sizeof junk <= file.n; at += 8192 / 4) {
		struct ledger *l = NULL;
		FILE *f;
		enum assay_err e;

		damages++;
		ledgers_restore(s, "a");
		f = fopen(s->path, "r+b");
		assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
		assert_int_equal(fwrite(junk, sizeof junk, 1, f), 1);
		fclose(f);
		e = ledger_open(s->path, ledgers_key, &l, NULL);
		assert_true(e == ASSAY_TAMPERED || e == ASSAY_MALFORMED || e == ASSAY_OK);
		if (e == ASSAY_OK && get_device(l) == ASSAY_OK) { /* it hit other bytes */
			assert_int_equal(ledger_device_get(l, want.id, &d), ASSAY_OK);
			assert_memory_equal(d.ak_public, want.ak_public, sizeof d.ak_public);
			assert_string_equal(d.overlay_reason, want.overlay_reason);
			untouched++;
		}
		ledger_close(l);
	}
	assert_true(untouched > 0 && untouched < damages);
	unit_free(file);
}

/* ---- D14: yesterday's ---- */

static void
change_something(struct ledgers *s)
{
	struct ledger_token t = ledgers_token(9);

	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	IN_TRANSACTION(s, ledger_token_insert(s->l, &t));
	ledgers_close(s);
}

static void
d14_yesterdays_ledger_is_expired_until_an_operator_accepts_it(void **state)
{
	struct ledgers *s = *state;
	struct ledger_report report;
	struct ledger_state st;
	struct ledger_audit a;
	struct ledger_device d;

	ledgers_save(s, "a");
	change_something(s);
	ledgers_restore(s, "a");
	assert_int_equal(ledgers_open(s, &report), ASSAY_EXPIRED);
	assert_int_equal(report.head, 3);
	assert_int_equal(report.expected_head, 4);
	ledgers_assert_fault(s);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED); /* and stays so */
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	assert_int_equal(ledger_head(s->l), 5);
	assert_int_equal(ledger_state_get(s->l, ledgers_device(1).id, &st), ASSAY_OK);
	assert_int_equal(st.version, 0); /* never attested */
	assert_int_equal(st.verdict_outcome, OUTCOME_QUARANTINE);
	assert_int_equal(st.verdict.n, 0);
	assert_int_equal(ledger_device_get(s->l, ledgers_device(1).id, &d), ASSAY_OK);
	assert_int_equal(ledger_audit_prev(s->l, "ledger", 0, &a), ASSAY_OK);
	assert_string_equal(a.action, "ledger.accept");
	assert_string_equal(a.actor, "operator:anna");
	assert_non_null(strstr(a.detail, "expired"));
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

static void
d14_an_old_ledger_stays_old_after_the_new_one_was_accepted(void **state)
{
	struct ledgers *s = *state;

	ledgers_save(s, "a");
	change_something(s);
	ledgers_save(s, "b");
	ledgers_restore(s, "a");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	ledgers_close(s);
	ledgers_restore(s, "a");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
	ledgers_close(s);
	ledgers_restore(s, "b");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
}

static void
d14_a_head_that_is_gone_or_not_ours_is_a_fault(void **state)
{
	struct ledgers *s = *state;
	struct ledger_report report;
	char other[400], head[400];

	ledgers_save(s, "a");
	assert_int_equal(unlink(s->head), 0);
	assert_int_equal(ledgers_open(s, &report), ASSAY_EXPIRED);
	assert_non_null(strstr(report.text, "missing"));
	assert_int_equal(access(s->head, F_OK), -1); /* not made anew in silence */
	ledgers_assert_fault(s);
	ledgers_close(s);
	snprintf(other, sizeof other, "%s/other.db", s->dir);
	snprintf(head, sizeof head, "%s/other.head", s->dir);
	assert_int_equal(ledger_create(other, ledgers_key, NULL), ASSAY_OK);
	assert_int_equal(rename(head, s->head), 0);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	ledgers_close(s);
	assert_int_equal(truncate(s->head, 0), 0);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	ledgers_close(s);
	assert_int_equal(unlink(s->head), 0);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

/* A row as it was, with the valid MAC it had: held device free again, spent token
 * whole again, revoked operator back, retired reference promoted again. */
static void
d14_a_single_row_put_back_is_noticed(void **state)
{
	static const char *const put_back[] = {"device", "state", "token", "reference", "policy",
					       "operator"};
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1);
	struct ledger_state st = ledgers_state(1);
	struct ledger_report report;

	ledgers_save(s, "a");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	d.status = DEV_RETIRED;
	st.version = 1;
	st.verdict_outcome = OUTCOME_QUARANTINE;
	assert_int_equal(ledger_blob_put(s->l, SPAN("a boot log", 10), st.boot_log), ASSAY_OK);
	assert_int_equal(ledger_device_update(s->l, &d), ASSAY_OK);
	assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
	assert_int_equal(ledger_token_spend(s->l, "t1"), ASSAY_OK);
	assert_int_equal(ledger_reference_set_state(s->l, ledgers_reference(1).name, REF_RETIRED),
			 ASSAY_OK);
	assert_int_equal(ledger_policy_activate(s->l, ledgers_policy(1).digest), ASSAY_OK);
	assert_int_equal(ledger_operator_revoke(s->l, ledgers_operator(1).name), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	ledgers_close(s);
	ledgers_save(s, "b");
	for (size_t i = 0; i < sizeof put_back / sizeof put_back[0]; i++) {
		ledgers_restore(s, "b");
		ledgers_sql(s, "ATTACH '%s.a' AS old; DELETE FROM %s; "
			       "INSERT INTO %s SELECT * FROM old.%s",
			    s->path, put_back[i], put_back[i], put_back[i]);
		if (ledgers_open(s, &report) != ASSAY_TAMPERED)
			fail_msg("a %s put back was not noticed", put_back[i]);
		assert_non_null(strstr(report.text, "put back"));
		ledgers_assert_fault(s);
		ledgers_close(s);
	}
	ledgers_restore(s, "b");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
}

static void
d14_a_row_taken_away_is_noticed(void **state)
{
	struct ledgers *s = *state;

	ledgers_save(s, "a");
	for (unsigned t = 0; t < TABLE_COUNT; t++) {
		ledgers_restore(s, "a");
		const char *key = t == T_IMA_LIST ? "id" : "rowid"; /* it has none */

		ledgers_sql(s, "DELETE FROM %s WHERE %s=(SELECT min(%s) FROM %s)", tables[t].name,
			    key, key, tables[t].name);
		if (ledgers_open(s, NULL) != ASSAY_TAMPERED)
			fail_msg("a row of %s taken away was not noticed", tables[t].name);
		if (t == T_STATE)
			assert_int_equal(get_state(s->l), ASSAY_TAMPERED);
		ledgers_assert_fault(s);
		ledgers_close(s);
	}
}

/* While the daemon runs, what it committed last is what the next opening demands: an
 * uncommitted change of meta is not. */
static void
d14_the_sum_is_bound_to_its_commit(void **state)
{
	struct ledgers *s = *state;

	ledgers_save(s, "a");
	change_something(s);
	/* the old sum with its mask and counter, in the new ledger */
	ledgers_sql(s, "ATTACH '%s.a' AS old; UPDATE meta SET sum=(SELECT sum FROM old.meta), "
		       "nonce=(SELECT nonce FROM old.meta)",
		    s->path);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	ledgers_close(s);
	/* the whole old record: then the head is newer */
	ledgers_sql(s, "ATTACH '%s.a' AS old; DELETE FROM meta; INSERT INTO meta SELECT * FROM "
		       "old.meta",
		    s->path);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_EXPIRED);
}

static void
accepting_does_not_make_tampered_rows_genuine(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d;

	ledgers_sql(s, "UPDATE device SET overlay=0 WHERE name='gw-1'; DELETE FROM token; "
		       "DELETE FROM state");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	assert_int_equal(ledger_device_get(s->l, ledgers_device(1).id, &d), ASSAY_TAMPERED);
	assert_int_equal(ledger_device_get(s->l, ledgers_device(2).id, &d), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_device_get(s->l, ledgers_device(1).id, &d), ASSAY_TAMPERED);
	assert_int_equal(get_state(s->l), ASSAY_OK);
}

static void
accepting_goes_on_from_the_head_when_the_ledgers_record_is_lost(void **state)
{
	struct ledgers *s = *state;
	struct ledger_decision c = ledgers_decision(1);
	struct ledger_device d;
	struct ledger_audit a;
	uint64_t seq;

	ledgers_sql(s, "DELETE FROM meta; DELETE FROM decision");
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledger_device_get(s->l, ledgers_device(1).id, &d), ASSAY_OK);
	assert_int_equal(ledgers_accept(s), ASSAY_OK);
	IN_TRANSACTION(s, ledger_decision_append(s->l, &c, &seq));
	assert_int_equal(seq, 3);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_audit_next(s->l, 2, &a), ASSAY_OK);
	assert_int_equal(ledger_check(s->l, NULL), ASSAY_OK);
}

/* ---- the audit log ---- */

static void
d8_audit_entries_cannot_be_edited_removed_or_cut_off(void **state)
{
	static const struct {
		const char *sql;
		enum assay_err opened;
	} edits[] = {
		{"UPDATE audit SET detail='x' WHERE seq=2", ASSAY_OK},
		{"UPDATE audit SET hash=zeroblob(32) WHERE seq=2", ASSAY_OK},
		{"UPDATE audit SET previous=zeroblob(32) WHERE seq=2", ASSAY_OK},
		{"UPDATE audit SET at=at-1 WHERE seq=3", ASSAY_OK},
		{"DELETE FROM audit WHERE seq=2", ASSAY_OK},
		{"DELETE FROM audit WHERE seq=1", ASSAY_OK},
		{"DELETE FROM audit WHERE seq=5", ASSAY_TAMPERED},
		{"DELETE FROM audit", ASSAY_TAMPERED},
		{"UPDATE audit SET actor='x' WHERE seq=5", ASSAY_TAMPERED},
		{"INSERT INTO audit SELECT seq+1,at,actor,action,object,detail,previous,hash FROM "
		 "audit WHERE seq=5",
		 ASSAY_TAMPERED},
	};
	struct ledgers *s = *state;
	struct ledger_audit a;
	uint64_t seq;

	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	for (unsigned n = 3; n <= 5; n++) {
		a = ledgers_audit(n);
		IN_TRANSACTION(s, ledger_audit_append(s->l, &a));
	}
	ledgers_close(s);
	ledgers_save(s, "a");
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		enum assay_err e;

		ledgers_restore(s, "a");
		ledgers_sql(s, "%s", edits[i].sql);
		if ((e = ledgers_open(s, NULL)) != edits[i].opened)
			fail_msg("%s: opened with %s", edits[i].sql, assay_err_name(e));
		for (seq = 0; (e = ledger_audit_next(s->l, seq, &a)) == ASSAY_OK; seq = a.seq)
			continue;
		/* a surplus entry at the end is refused; every other edit breaks the walk */
		if (e != ASSAY_TAMPERED)
			fail_msg("%s: read without complaint", edits[i].sql);
		ledgers_close(s);
	}
}

/* The chain itself has no key: an entry that follows correctly can be made by anyone. */
static void
d8_an_audit_entry_that_follows_correctly_is_not_believed_for_that(void **state)
{
	struct ledgers *s = *state;
	struct ledger_audit a, forged = ledgers_audit(3);
	char hash[65], previous[65];

	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_audit_prev(s->l, "", 0, &a), ASSAY_OK);
	ledgers_close(s);
	forged.seq = a.seq + 1;
	memcpy(forged.previous, a.hash, 32);
	assert_int_equal(ledger_audit_hash(&forged, forged.hash), ASSAY_OK);
	assert_int_equal(hex_encode(SPAN(forged.hash, 32), hash, sizeof hash), ASSAY_OK);
	assert_int_equal(hex_encode(SPAN(a.hash, 32), previous, sizeof previous), ASSAY_OK);
	assert_int_equal(ledgers_sql(s, "INSERT INTO audit VALUES(%u,%lld,'%s','%s','%s','%s',"
					"x'%s',x'%s')",
				     (unsigned)forged.seq, (long long)forged.at, forged.actor,
				     forged.action, forged.object, forged.detail, previous, hash),
			 1);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_TAMPERED);
	assert_int_equal(ledger_audit_next(s->l, a.seq, &a), ASSAY_TAMPERED);
	assert_int_equal(ledger_audit_prev(s->l, "", 0, &a), ASSAY_TAMPERED);
	assert_int_equal(ledger_audit_prev(s->l, forged.object, 0, &a), ASSAY_TAMPERED);
}

/* ---- I1 ---- */

static void
i1_registering_again_overwrites_nothing(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device d = ledgers_device(1), attacker = ledgers_device(7), got;

	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	attacker.status = DEV_ENROLLED;
	memcpy(attacker.id, d.id, sizeof d.id); /* another key under a known id */
	assert_int_equal(ledger_device_insert(s->l, &attacker), ASSAY_EXISTS);
	assert_int_equal(ledger_device_update(s->l, &attacker), ASSAY_MISMATCH);
	attacker = ledgers_device(7); /* a known EK under another id */
	attacker.ek_name = d.ek_name;
	assert_int_equal(ledger_device_insert(s->l, &attacker), ASSAY_EXISTS);
	attacker = ledgers_device(7); /* someone else's AK */
	attacker.ak_name = d.ak_name;
	assert_int_equal(ledger_device_insert(s->l, &attacker), ASSAY_EXISTS);
	attacker = ledgers_device(7); /* someone else's name */
	memcpy(attacker.name, d.name, sizeof d.name);
	assert_int_equal(ledger_device_insert(s->l, &attacker), ASSAY_EXISTS);
	attacker.name[0] = '\0'; /* waits as a conflict */
	attacker.status = DEV_CONFLICT;
	memcpy(attacker.conflict_with, d.id, sizeof d.id);
	assert_int_equal(ledger_device_insert(s->l, &attacker), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_device_get(s->l, d.id, &got), ASSAY_OK);
	assert_int_equal(got.overlay, OVERLAY_HELD);
	assert_memory_equal(got.ak_name.b, d.ak_name.b, sizeof d.ak_name.b);
	assert_memory_equal(got.ek_name.b, d.ek_name.b, sizeof d.ek_name.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LEDGER_TEST(d8_every_column_of_every_table_is_under_the_rows_mac),
		LEDGER_TEST(d8_values_stored_apart_from_their_row_are_covered_too),
		LEDGER_TEST(a_state_with_a_value_taken_away_can_be_written_anew),
		LEDGER_TEST(d8_a_boot_log_is_believed_for_its_digest_alone),
		LEDGER_TEST(d8_no_row_passes_for_another),
		LEDGER_TEST(d8_a_tampered_row_is_not_laundered_by_writing_to_it),
		LEDGER_TEST(d8_the_ledgers_own_record_is_covered),
		LEDGER_TEST(d8_the_schema_is_not_anyones_to_change),
		LEDGER_TEST(d8_an_altered_schema_is_not_accepted_with_an_old_ledger),
		LEDGER_TEST(d8_statistics_of_a_curious_administrator_do_no_harm),
		LEDGER_TEST(d8_damaged_pages_are_a_fault_or_no_ledger_and_never_a_crash),
		LEDGER_TEST(d8_audit_entries_cannot_be_edited_removed_or_cut_off),
		LEDGER_TEST(d8_an_audit_entry_that_follows_correctly_is_not_believed_for_that),
		LEDGER_TEST(d14_yesterdays_ledger_is_expired_until_an_operator_accepts_it),
		LEDGER_TEST(d14_an_old_ledger_stays_old_after_the_new_one_was_accepted),
		LEDGER_TEST(d14_a_head_that_is_gone_or_not_ours_is_a_fault),
		LEDGER_TEST(d14_a_single_row_put_back_is_noticed),
		LEDGER_TEST(d14_a_row_taken_away_is_noticed),
		LEDGER_TEST(d14_the_sum_is_bound_to_its_commit),
		LEDGER_TEST(accepting_does_not_make_tampered_rows_genuine),
		LEDGER_TEST(accepting_goes_on_from_the_head_when_the_ledgers_record_is_lost),
		LEDGER_TEST(i1_registering_again_overwrites_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
