/* ledgers.c: see ledgers.h. */
#include "ledgers.h"

#include "verifier/ledger/outbox.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const uint8_t ledgers_key[32] = {0x11, 0x22, 0x33, 0x44};

/* ---- the folder ---- */

int
ledgers_setup(void **state)
{
	struct ledgers *s = calloc(1, sizeof *s);
	const char *tmp = getenv("TMPDIR");

	assert_non_null(s);
	snprintf(s->dir, sizeof s->dir, "%s/ledger.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof s->path, "%s/ledger.db", s->dir);
	snprintf(s->head, sizeof s->head, "%s/ledger.head", s->dir);
	assert_int_equal(ledger_create(s->path, ledgers_key, NULL), ASSAY_OK);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	*state = s;
	return 0;
}

int
ledgers_teardown(void **state)
{
	static const char *const names[] = {"ledger.db",      "ledger.db-wal", "ledger.db-shm",
					    "ledger.head",    "ledger.db.a",   "ledger.head.a",
					    "ledger.db.b",    "ledger.head.b", "other.db",
					    "other.head"};
	struct ledgers *s = *state;
	char path[400];

	ledgers_close(s);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", s->dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(s->dir);
	free(s);
	return 0;
}

void
ledgers_close(struct ledgers *s)
{
	ledger_close(s->l);
	s->l = NULL;
}

enum assay_err
ledgers_open(struct ledgers *s, struct ledger_report *report)
{
	ledgers_close(s);
	return ledger_open(s->path, ledgers_key, &s->l, report);
}

enum assay_err
ledgers_accept(struct ledgers *s)
{
	enum assay_err e;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	if ((e = ledger_accept(s->l, "operator:anna", 1700009999)) == ASSAY_OK)
		return ledger_commit(s->l);
	ledger_rollback(s->l);
	return e;
}

void
ledgers_assert_fault(struct ledgers *s)
{
	struct ledger_token t = ledgers_token(33);
	struct ledger_audit a = ledgers_audit(33);
	uint64_t head = ledger_head(s->l);

	assert_int_not_equal(ledger_fault(s->l), ASSAY_OK);
	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_STATE);
	assert_int_equal(ledger_token_spend(s->l, "t1"), ASSAY_STATE);
	assert_int_equal(ledger_audit_append(s->l, &a), ASSAY_STATE);
	assert_int_equal(ledger_prune(s->l, INT64_MAX), ASSAY_STATE);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
	assert_int_equal(ledger_head(s->l), head);
}

/* ---- records ---- */

static uint8_t *
pattern(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + seed * 13 + (i >> 8) + 1);
	return p;
}

struct ledger_device
ledgers_device(unsigned n)
{
	struct ledger_device d = {
		.status = DEV_ENROLLED,
		.overlay = OVERLAY_HELD,
		.overlay_reason = "seen at the wrong site",
		.class_name = "gateway",
		.labels = "site=berlin ring=canary",
		.tier = TIER_TPM,
		.new_ak = true,
		.ek_public_len = 300,
		.ak_public_len = 90,
		.ek = {.certificate = true,
		       .trusted = true,
		       .expired = true,
		       .reason = "trusted",
		       .manufacturer = "id:49465800",
		       .model = "SLB9670",
		       .version = "id:00070055",
		       .serial = "0a1b2c",
		       .issuer = "CN=Test EK CA",
		       .not_after = 2000000000},
		.enrolled_by = "token:t1",
		.conflict_with = "",
		.created = 1700000000,
		.updated = 1700000001,
	};

	snprintf(d.id, sizeof d.id, "%08x%024x", n * 2654435761u, n);
	snprintf(d.name, sizeof d.name, "gw-%u", n);
	d.ek_name.len = d.ak_name.len = 34;
	pattern(d.ek_name.b, 34, n);
	pattern(d.ak_name.b, 34, n + 100000);
	memcpy(d.ek_name.b, &n, sizeof n);
	memcpy(d.ak_name.b, &n, sizeof n);
	pattern(d.ek_public, d.ek_public_len, n);
	pattern(d.ak_public, d.ak_public_len, n + 1);
	return d;
}

struct ledger_state
ledgers_state(unsigned device)
{
	static uint8_t continuity[2048], verdict[4096], proof[2048], claims[200], channel[32];
	static uint8_t boot_facts[300];
	struct ledger_device d = ledgers_device(device);
	struct ledger_state s = {
		.continuity = SPAN(pattern(continuity, sizeof continuity, device), 2048),
		.verdict = SPAN(pattern(verdict, sizeof verdict, device + 1), 4096),
		.proof = SPAN(pattern(proof, sizeof proof, device + 2), 2048),
		.claims = SPAN(pattern(claims, sizeof claims, device + 3), 200),
		.channel = SPAN(pattern(channel, sizeof channel, device + 4), 32),
		.asked = SPAN("\x00\x0b\x00\xff\xff\xff", 6),
		.boot_facts = SPAN(pattern(boot_facts, sizeof boot_facts, device + 6), 300),
		.boot_at = 1700000050,
		.verdict_outcome = OUTCOME_ADMIT,
		.verdict_at = 1700000100,
		.expires_at = 1700000400,
		.decision = OUTCOME_RESTRICT,
		.decision_seq = 77,
	};

	memcpy(s.device, d.id, sizeof s.device);
	pattern(s.nonce, sizeof s.nonce, device + 5);
	return s;
}

struct ledger_token
ledgers_token(unsigned n)
{
	struct ledger_token t = {
		.class_name = "gateway",
		.labels = "site=berlin",
		.lowest_tier = TIER_VTPM,
		.uses_left = 2,
		.created = 1700000000,
		.expires = 1700086400,
		.created_by = "operator:anna",
	};

	snprintf(t.id, sizeof t.id, "t%u", n);
	pattern(t.secret_hash, sizeof t.secret_hash, n);
	return t;
}

struct ledger_ek
ledgers_ek(unsigned n)
{
	struct ledger_ek e = {.class_name = "gateway",
			      .labels = "site=berlin",
			      .name = "gw-7",
			      .created = 1700000000};

	pattern(e.ek_digest, sizeof e.ek_digest, n);
	return e;
}

struct ledger_reference
ledgers_reference(unsigned n)
{
	static uint8_t compiled[1500];
	struct ledger_reference r = {
		.class_name = "gateway",
		.state = REF_LEARNED,
		.origin = "captured from gw-1",
		.author = "operator:anna",
		.created = 1700000000,
		.not_after = 1800000000,
		.compiled = SPAN(pattern(compiled, sizeof compiled, n), sizeof compiled),
	};

	snprintf(r.name, sizeof r.name, "boot-%u", n);
	snprintf(r.device, sizeof r.device, "%032x", n);
	pattern(r.digest, sizeof r.digest, n);
	return r;
}

struct ledger_policy
ledgers_policy(unsigned n)
{
	static uint8_t compiled[900];
	struct ledger_policy p = {
		.name = "gateways",
		.version = n,
		.author = "operator:anna",
		.comment = "first",
		.created = 1700000000,
		.source = SPAN("applies_to: {class: gateway}\n", 29),
		.compiled = SPAN(pattern(compiled, sizeof compiled, n), sizeof compiled),
	};

	pattern(p.digest, sizeof p.digest, n);
	return p;
}

struct ledger_operator
ledgers_operator(unsigned n)
{
	struct ledger_operator o = {
		.credential = CREDENTIAL_TOKEN, .role = ROLE_OPERATOR, .created = 1700000000,
			.expires = 1800000000};

	snprintf(o.name, sizeof o.name, "anna-%u", n);
	pattern(o.hash, sizeof o.hash, n);
	return o;
}

struct ledger_decision
ledgers_decision(unsigned device)
{
	struct ledger_device id = ledgers_device(device);
	struct ledger_decision d = {
		.outcome = OUTCOME_QUARANTINE,
		.before = OUTCOME_ADMIT,
		.reason = "boot.replay",
		.detail = "pcr 4",
		.at = 1700000200,
		.expires = 1700000500,
	};

	memcpy(d.device, id.id, sizeof d.device);
	return d;
}

struct ledger_audit
ledgers_audit(unsigned n)
{
	struct ledger_audit a = {.at = 1700000000 + (int64_t)n,
				 .actor = "operator:anna",
				 .action = "device.approve",
				 .detail = "class gateway"};

	snprintf(a.object, sizeof a.object, "gw-%u", n);
	return a;
}

static void
fill_changes(struct ledgers *s)
{
	struct ledger_why why = {.actor = "operator:anna", .comment = "because", .at = 1700000000};
	struct ledger_replay r = {.name = "gateways",
				  .version = 2,
				  .class_name = "gateway",
				  .device = "",
				  .actor = "operator:anna",
				  .at = 1700000000,
				  .finished = 1700000009,
				  .total = 2,
				  .changed = 1,
				  .unknown = 1,
				  .groups = SPAN("groups", 6)};
	struct ledger_rollout o = {.name = "gateways",
				   .ring = "ring=canary",
				   .state = ROLLOUT_RUNNING,
				   .replay = 1,
				   .halt_above = 2,
				   .actor = "operator:anna",
				   .comment = "because",
				   .started = 1700000000,
				   .updated = 1700000001};
	struct ledger_plan p = {
		.name = "plan", .class_name = "gateway", .starts = 1700000000, .ends = 1700009999,
			.active = true, .why = why};
	struct ledger_known_bad b = {.digest = "sha256:00", .active = true, .why = why};
	struct ledger_device d = ledgers_device(1);
	struct ledger_challenge c = {.nonce = {1},
				     .key_name = {.len = 34},
				     .asked = {.count = 1, .bank = {{0x0B, 0x7BFF}}},
				     .state = CHALLENGE_OUTSTANDING,
				     .issued = 1700000000,
				     .expires = 1700009999,
				     .actor = "operator:anna"};
	struct ledger_address address = {.address = "ip 192.0.2.7", .updated = 1700000000};
	uint8_t part[32];
	uint64_t id;

	memcpy(address.device, d.id, sizeof address.device);
	memcpy(c.device, d.id, sizeof c.device);
	pattern(c.key_name.b, 34, 6);
	assert_int_equal(ledger_challenge_insert(s->l, &c), ASSAY_OK);
	assert_int_equal(ledger_address_put(s->l, &address), ASSAY_OK);
	assert_int_equal(ledger_blob_put(s->l, SPAN("rows", 4), part), ASSAY_OK);
	r.parts = SPAN(part, sizeof part);
	pattern(r.policy, sizeof r.policy, 2);
	pattern(r.judges, sizeof r.judges, 3);
	pattern(o.policy, sizeof o.policy, 2);
	pattern(p.a, sizeof p.a, 4);
	pattern(p.b, sizeof p.b, 5);
	assert_int_equal(ledger_replay_insert(s->l, &r, &id), ASSAY_OK);
	assert_int_equal(id, 1);
	assert_int_equal(ledger_rollout_put(s->l, &o), ASSAY_OK);
	assert_int_equal(ledger_plan_put(s->l, &p), ASSAY_OK);
	assert_int_equal(ledger_known_bad_put(s->l, &b), ASSAY_OK);
}

void
ledgers_fill_ima(struct ledgers *s)
{
	struct ledger_device d = ledgers_device(1);
	struct ledger_ima_batch ima = {.device = d.id,
				       .class_name = "gateway",
				       .now = 1700000000,
				       .bytes = SPAN("entry", 5),
				       .lengths = SPAN("\0\0\0\5", 4)};
	uint64_t first;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	assert_int_equal(ledger_ima_append(s->l, &ima, &first), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

void
ledgers_fill(struct ledgers *s)
{
	struct ledger_reference r = ledgers_reference(1);
	struct ledger_operator o = ledgers_operator(1);
	struct ledger_policy p = ledgers_policy(1);
	struct ledger_token t = ledgers_token(1);
	struct ledger_ek k = ledgers_ek(1);
	struct ledger_outbox outbox = {"hook", 1, 1700000000};
	struct ledger_dead dead = {.name = "hook", .seq = 1, .attempts = 2, .error = "HTTP 410",
				   .at = 1700000000, .again = true};
	uint64_t seq;

	assert_int_equal(ledger_begin(s->l), ASSAY_OK);
	for (unsigned n = 1; n <= 2; n++) {
		struct ledger_device d = ledgers_device(n);
		struct ledger_state st = ledgers_state(n);
		struct ledger_decision c = ledgers_decision(n);
		struct ledger_audit a = ledgers_audit(n);

		assert_int_equal(ledger_device_insert(s->l, &d), ASSAY_OK);
		assert_int_equal(ledger_blob_put(s->l, SPAN("a boot log", 10), st.boot_log),
				 ASSAY_OK);
		assert_int_equal(ledger_blob_put(s->l, SPAN("a good log", 10), st.good_log),
				 ASSAY_OK);
		assert_int_equal(ledger_state_put(s->l, &st), ASSAY_OK);
		assert_int_equal(ledger_decision_append(s->l, &c, &seq), ASSAY_OK);
		assert_int_equal(ledger_audit_append(s->l, &a), ASSAY_OK);
	}
	assert_int_equal(ledger_token_insert(s->l, &t), ASSAY_OK);
	assert_int_equal(ledger_ek_insert(s->l, &k), ASSAY_OK);
	assert_int_equal(ledger_reference_insert(s->l, &r), ASSAY_OK);
	assert_int_equal(ledger_policy_insert(s->l, &p), ASSAY_OK);
	assert_int_equal(ledger_operator_insert(s->l, &o), ASSAY_OK);
	fill_changes(s);
	assert_int_equal(ledger_outbox_put(s->l, &outbox), ASSAY_OK);
	assert_int_equal(ledger_dead_put(s->l, &dead), ASSAY_OK);
	assert_int_equal(ledger_commit(s->l), ASSAY_OK);
}

/* ---- behind the service's back ---- */

static sqlite3 *
raw_open(const struct ledgers *s)
{
	sqlite3 *db = NULL;

	assert_null(s->l); /* the lock would refuse it */
	assert_int_equal(sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	return db;
}

int
ledgers_sql(const struct ledgers *s, const char *fmt, ...)
{
	sqlite3 *db = raw_open(s);
	char *error = NULL, *sql;
	va_list ap;
	int changed;

	va_start(ap, fmt);
	sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_free(sql);
	changed = sqlite3_changes(db);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return changed;
}

long long
ledgers_sql_int(const struct ledgers *s, const char *sql)
{
	sqlite3 *db = raw_open(s);
	sqlite3_stmt *st = NULL;
	long long v;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return v;
}

static void
copy_file(const char *from, const char *to)
{
	struct span bytes = unit_file(from);
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	assert_int_equal(close(fd), 0);
	unit_free(bytes);
}

static void
copy_named(const char *path, const char *name, bool back)
{
	char other[400];

	snprintf(other, sizeof other, "%s.%s", path, name);
	if (back)
		copy_file(other, path);
	else
		copy_file(path, other);
}

void
ledgers_save(const struct ledgers *s, const char *name)
{
	assert_null(s->l);
	copy_named(s->path, name, false);
	copy_named(s->head, name, false);
}

void
ledgers_restore(const struct ledgers *s, const char *name)
{
	assert_null(s->l);
	copy_named(s->path, name, true);
}

void
ledgers_restore_head(const struct ledgers *s, const char *name)
{
	assert_null(s->l);
	copy_named(s->head, name, true);
}
