/*
 * What operators ask and order: the real handlers on a real ledger; the test is the
 * rest of keeper. I8: who may, and that nothing happens for those who may not.
 */
#include "tests/support/ledgers.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include "evidence/challengefile.h"
#include "evidence/hex.h"
#include "verifier/compiler.h"
#include "verifier/compiler/policy_compile.h"
#include "verifier/keeper_ima.h"
#include "verifier/keeper_offline.h"
#include "verifier/keeper_operation.h"
#include "verifier/keeper_rollout.h"
#include "verifier/result/signing.h"
#include "verifier/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1790000000
#define PIN "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
#define S(text) SPAN(text, strlen(text))

/* ---- keeper, as far as the handlers know it ---- */

struct keeper {
	struct ledgers *ledgers;
	struct config config;
	bool changing, poisoned, fault, limited;
	unsigned limit_asked, retry_s;
	enum operation_rate rate;
	unsigned reloads, changed;
	/* the answer */
	enum assay_err e;
	char *text;
	unsigned replies;
	/* a compile job, until run_job() */
	compile_done done;
	void *arg;
	uint16_t kind;
	uint8_t *input;
	size_t len;
};

static struct keeper keeper;

struct ledger *
keeper_ledger(struct keeper *k)
{
	return k->ledgers->l;
}

const struct config *
keeper_config(const struct keeper *k)
{
	return &k->config;
}

int64_t
keeper_now(const struct keeper *k)
{
	(void)k;
	return NOW;
}

const char *
keeper_tls_pin(const struct keeper *k)
{
	(void)k;
	return PIN;
}

enum assay_err
keeper_change(struct keeper *k)
{
	if (k->changing)
		return ASSAY_OK;
	k->changing = true;
	return ledger_begin(k->ledgers->l);
}

void
keeper_poison(struct keeper *k, enum assay_err e)
{
	(void)e;
	k->poisoned = k->changing;
}

void
keeper_reply(struct keeper *k, uint64_t id, enum assay_err e, const char *text)
{
	assert_int_equal(id, 7);
	k->e = e;
	free(k->text);
	k->text = strdup(text ? text : assay_err_text(e));
	k->replies++;
}

void
keeper_reply_later(struct keeper *k, uint64_t id, unsigned seconds, const char *text)
{
	keeper_reply(k, id, ASSAY_LIMITED, text);
	k->retry_s = seconds;
}

bool
keeper_limit(struct keeper *k, enum operation_rate r, const uint8_t credential[32],
	     unsigned *ret_wait_s)
{
	k->limit_asked++;
	k->rate = r;
	assert_non_null(credential);
	*ret_wait_s = 17;
	return !k->limited;
}

bool
keeper_may_record_refusal(struct keeper *k, const uint8_t credential[32])
{
	(void)k;
	assert_non_null(credential);
	return true;
}

void
keeper_reply_bytes(struct keeper *k, uint64_t id, struct span bytes)
{
	char head[33];

	assert_int_equal(hex_encode(SPAN(bytes.p, bytes.n < 16 ? bytes.n : 16), head, sizeof head),
			 ASSAY_OK);
	keeper_reply(k, id, ASSAY_OK, head);
}

enum assay_err
keeper_reload(struct keeper *k)
{
	k->reloads++;
	return ASSAY_OK;
}

enum assay_err
keeper_device_changed(struct keeper *k, const char *device, const char *reason)
{
	assert_non_null(device);
	assert_non_null(reason);
	assert_true(k->changing);
	k->changed++;
	return ASSAY_OK;
}

/* No replay and no rollout: those have their own tests, with the real keeper. */
enum assay_err
keeper_replay_start(struct keeper *k, const struct replay_order *o, uint64_t *ret_id)
{
	(void)k;
	(void)o;
	(void)ret_id;
	return ASSAY_BUSY;
}

enum assay_err
keeper_replay_cancel(struct keeper *k, uint64_t id)
{
	(void)k;
	(void)id;
	return ASSAY_NOT_FOUND;
}

const struct replay *
keeper_replay_current(struct keeper *k)
{
	static const struct replay running = {.state = REPLAY_RUNNING, .head = {.id = 3}};

	(void)k;
	return &running;
}

enum assay_err
keeper_replay_find(struct keeper *k, uint64_t id, const struct replay **ret)
{
	(void)k;
	(void)id;
	(void)ret;
	return ASSAY_NOT_FOUND;
}

enum assay_err
keeper_replay_of(struct keeper *k, const uint8_t policy[32], const struct replay **ret)
{
	(void)policy;
	return keeper_replay_find(k, 0, ret);
}

bool
keeper_replay_holds(struct keeper *k, const struct replay *r)
{
	(void)k;
	(void)r;
	return false;
}

const struct keeper_rollout *
keeper_rollout_find(struct keeper *k, const char *name)
{
	(void)k;
	(void)name;
	return NULL;
}

enum assay_err
keeper_fault_ended(struct keeper *k)
{
	k->fault = false;
	return ASSAY_OK;
}

bool
keeper_connected(struct keeper *k, const char *device, int64_t *ret_last_seen)
{
	(void)k;
	*ret_last_seen = device[0] == '0' ? NOW - 12 : 0;
	return device[0] == '0';
}

enum assay_err
keeper_decision(struct keeper *k, const struct ledger_device *d, struct decision_view *ret)
{
	(void)k;
	memset(ret, 0, sizeof *ret);
	ret->trust = d->status == DEV_ENROLLED ? TRUST_FAILED : TRUST_NEVER;
	strcpy(ret->reason, d->overlay == OVERLAY_HELD ? "operator.held" : "boot.event-differs");
	return ASSAY_OK;
}

void
keeper_status(struct keeper *k, struct keeper_status *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->ledger_fault = k->fault;
	ret->port = 7443;
}

enum assay_err
keeper_audit(struct keeper *k, const char *actor, const char *action, const char *object,
	     const char *detail)
{
	struct ledger_audit a = {.at = NOW};

	assert_true(k->changing);
	snprintf(a.actor, sizeof a.actor, "%s", actor);
	snprintf(a.action, sizeof a.action, "%s", action);
	snprintf(a.object, sizeof a.object, "%s", object);
	snprintf(a.detail, sizeof a.detail, "%s", detail);
	return ledger_audit_append(k->ledgers->l, &a);
}

struct signing *
keeper_signing(struct keeper *k)
{
	static struct signing *s;
	static char dir[] = "/tmp/assay-keys-XXXXXX";
	char path[64];

	(void)k;
	if (s)
		return s;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(signing_open(dir, NOW, &s), ASSAY_OK);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof path, i < 2 ? "%s/sign-%03u.key" : "%s/chain", dir, i);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
	return s;
}

struct span
keeper_audit_head(struct keeper *k)
{
	(void)k;
	return SPAN(NULL, 0);
}

enum assay_err
keeper_token(struct keeper *k, const struct keeper_token_request *r, struct writer *w,
	     const char **ret_why)
{
	(void)k;
	(void)r;
	(void)w;
	*ret_why = "nothing is signed here";
	return ASSAY_STATE;
}

enum assay_err
keeper_compile_fd(struct keeper *k, uint16_t kind, int fd, compile_done done, void *arg)
{
	assert_true(fd > 0);
	k->kind = kind;
	k->done = done;
	k->arg = arg;
	return ASSAY_OK;
}

void
keeper_files_of(const char *device, struct writer *w, size_t most)
{
	(void)device, (void)w, (void)most;
}

enum assay_err
keeper_explain(struct keeper *k, const struct ledger_device *d, explain_done *done, void *arg)
{
	(void)k, (void)d, (void)done, (void)arg;
	return ASSAY_NOT_FOUND;
}

static struct keeper_policy *judging; /* NULL: no policy does */

const struct keeper_policy *
keeper_policy_for(struct keeper *k, const char *class_name, const char *labels)
{
	(void)k, (void)class_name, (void)labels;
	return judging;
}

enum assay_err
keeper_offline_submit(struct keeper *k, const struct offline_caller *caller, struct bulk *file)
{
	(void)k, (void)caller;
	bulk_free(file);
	return ASSAY_BUSY;
}

enum assay_err
keeper_asked_read(struct span bytes, struct appraisal_input *in)
{
	(void)bytes, (void)in;
	return ASSAY_MALFORMED;
}

enum assay_err
keeper_explain_enforced(struct keeper *k, const struct ledger_device *d, explain_done *done,
			void *arg)
{
	(void)k, (void)d, (void)done, (void)arg;
	return ASSAY_NOT_FOUND;
}

enum assay_err
keeper_ima_load(struct keeper *k, const char *device, struct bulk *ret, uint64_t *ret_entries)
{
	(void)k, (void)device, (void)ret, (void)ret_entries;
	return ASSAY_NOT_FOUND;
}

void
keeper_metrics(struct keeper *k, struct writer *w)
{
	(void)k;
	wr_bytes(w, SPAN("x 1\n", 4));
}

void
keeper_addresses_changed(struct keeper *k, const char *device)
{
	(void)k, (void)device;
}

enum assay_err
keeper_address_release(struct keeper *k, const char *device)
{
	(void)k, (void)device;
	return ASSAY_OK;
}

/* Of keeper_outbound.h, which has the real struct keeper; integration/webhooks.sh has these. */
struct sink;
struct outbox;
struct outbox *keeper_outbox(struct keeper *k);
int64_t sink_wait_ms(const struct keeper *k, const struct sink *s);
void sink_hurry(const struct keeper *k, struct sink *s);
struct sink *sink_find(struct keeper *k, const char *name);
bool sink_running(struct keeper *k, const struct sink *s);
enum assay_err sink_changed(struct keeper *k, struct sink *s);
enum assay_err sink_skip_to(struct keeper *k, struct sink *s, uint64_t seq);
enum assay_err sink_test(struct keeper *k, struct sink *s, uint64_t operation);

struct outbox *
keeper_outbox(struct keeper *k)
{
	static uint64_t empty[32768];

	(void)k;
	return (struct outbox *)(void *)empty;
}

int64_t
sink_wait_ms(const struct keeper *k, const struct sink *s)
{
	(void)k, (void)s;
	return 0;
}

void
sink_hurry(const struct keeper *k, struct sink *s)
{
	(void)k, (void)s;
}

struct sink *
sink_find(struct keeper *k, const char *name)
{
	(void)k, (void)name;
	return NULL;
}

bool
sink_running(struct keeper *k, const struct sink *s)
{
	(void)k, (void)s;
	return false;
}

enum assay_err
sink_changed(struct keeper *k, struct sink *s)
{
	(void)k, (void)s;
	return ASSAY_INTERNAL;
}

enum assay_err
sink_skip_to(struct keeper *k, struct sink *s, uint64_t seq)
{
	(void)k, (void)s, (void)seq;
	return ASSAY_INTERNAL;
}

enum assay_err
sink_test(struct keeper *k, struct sink *s, uint64_t operation)
{
	(void)k, (void)s, (void)operation;
	return ASSAY_INTERNAL;
}

enum assay_err
keeper_case(struct keeper *k, const struct ledger_device *d, uint8_t **ret, size_t *ret_len)
{
	(void)k, (void)d, (void)ret, (void)ret_len;
	return ASSAY_NOT_FOUND;
}

struct span
keeper_reference_bytes(struct keeper *k, const uint8_t digest[32])
{
	(void)k, (void)digest;
	return SPAN(NULL, 0);
}

enum assay_err
keeper_compile(struct keeper *k, uint16_t kind, struct span input, compile_done done, void *arg)
{
	k->kind = kind;
	k->done = done;
	k->arg = arg;
	free(k->input);
	k->input = malloc(input.n + 1);
	assert_non_null(k->input);
	memcpy(k->input, input.p, input.n);
	k->len = input.n;
	return ASSAY_OK;
}

static void
end_turn(void)
{
	if (keeper.changing && keeper.poisoned)
		ledger_rollback(keeper.ledgers->l);
	else if (keeper.changing)
		assert_int_equal(ledger_commit(keeper.ledgers->l), ASSAY_OK);
	keeper.changing = keeper.poisoned = false;
}

/* What the compiler process does with the job. */
static void
run_job(void)
{
	static uint8_t bytes[REFERENCE_BYTES_MAX];
	static struct continuity c;
	static struct yaml_errors errs;
	struct span name, log, cont, out;
	struct reader r;
	struct writer w;
	enum assay_err e;
	uint32_t mask;

	assert_non_null(keeper.done);
	wr_init(&w, bytes, sizeof bytes);
	rd_init(&r, SPAN(keeper.input, keeper.len));
	if (keeper.kind == COMPILE_POLICY) {
		name = rd_be16_bytes(&r, 255);
		assert_true(span_equal(name, S("test.yaml")));
		e = policy_compile(rd_rest(&r), "test.yaml", &w, &errs);
		out = e == ASSAY_OK ? wr_span(&w) : S(errs.e[0].text);
	} else {
		mask = rd_be32(&r);
		log = rd_be32_bytes(&r, 1u << 20);
		cont = rd_be32_bytes(&r, CONTINUITY_BYTES_MAX);
		assert_int_equal(rd_finish(&r), ASSAY_OK);
		assert_int_equal(continuity_decode(cont, &c), ASSAY_OK);
		e = reference_capture(log, &c, mask, &w);
		out = e == ASSAY_OK ? wr_span(&w) : S("compiler's words");
	}
	keeper.done(&keeper, keeper.arg, e, out);
	keeper.done = NULL;
	end_turn();
}

/* ---- asking ---- */

struct field {
	enum operation_field f;
	const char *text;
};
#define F(...) ((const struct field[]){__VA_ARGS__, {F_NONE, NULL}})
#define NOTHING ((const struct field[]){{F_NONE, NULL}})

static enum assay_err
ask_as(struct operation op, const struct field *fields)
{
	static uint8_t bytes[OPERATION_BYTES_MAX];
	struct ipc_msg m = {.type = IPC_OPERATION, .id = 7};
	size_t n;

	for (; fields->f; fields++)
		op.field[fields->f] = S(fields->text);
	assert_int_equal(operation_encode(&op, bytes, sizeof bytes, &n), ASSAY_OK);
	m.payload = SPAN(bytes, n);
	keeper.replies = 0;
	keeper_on_operation(&keeper, &m);
	memset(bytes, 0xEE, n); /* what outlives the message was copied */
	end_turn();
	assert_int_equal(keeper.replies, keeper.done ? 0 : 1);
	return keeper.e;
}

static enum assay_err
ask(enum operation_code code, const struct field *fields)
{
	struct operation op = {.code = code, .local = true, .peer = "uid 0"};

	return ask_as(op, fields);
}

/* The same, and the answer; the caller releases it. */
static json_t *
answer(enum operation_code code, const struct field *fields)
{
	json_t *j;

	if (ask(code, fields) != ASSAY_OK)
		fail_msg("%s: %s", operation_name(code), keeper.text);
	if (keeper.done) {
		run_job();
		if (keeper.e != ASSAY_OK)
			fail_msg("%s: %s", operation_name(code), keeper.text);
	}
	j = json_loads(keeper.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	return j;
}

static void
refused(enum assay_err e, const char *words)
{
	if (keeper.done)
		run_job();
	if (keeper.e != e || !strstr(keeper.text, words))
		fail_msg("%s: %s, expected %s: %s", assay_err_name(keeper.e), keeper.text,
			 assay_err_name(e), words);
}

static const char *
text(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "(none)";
}

static uint64_t
last_audit(struct ledger_audit *a)
{
	memset(a, 0, sizeof *a);
	return ledger_audit_prev(keeper.ledgers->l, "", 0, a) == ASSAY_OK ? a->seq : 0;
}

static int
setup(void **state)
{
	int e = ledgers_setup(state);

	log_init("test", false, LOG_LEVEL_ERROR);
	memset(&keeper, 0, sizeof keeper);
	keeper.ledgers = *state;
	return e;
}

static int
teardown(void **state)
{
	free(keeper.text);
	free(keeper.input);
	return ledgers_teardown(state);
}

static struct ledger_device
add_device(unsigned n, enum device_status s)
{
	struct ledger_device d = ledgers_device(n);

	d.status = s;
	d.overlay = OVERLAY_NONE;
	IN_TRANSACTION(keeper.ledgers, ledger_device_insert(keeper.ledgers->l, &d));
	return d;
}

static struct operation
as_operator(enum operation_code code, enum operator_role role, int64_t expires)
{
	static unsigned n;
	struct operation op = {.code = code, .peer = "192.0.2.1:1"};
	struct ledger_operator o = {.credential = CREDENTIAL_TOKEN, .role = role, .created = 1,
				    .expires = expires};
	char name[32];

	n++;
	snprintf(name, sizeof name, "operator-%u", n);
	snprintf(o.name, sizeof o.name, "%s", name);
	assert_int_equal(digest_sha256(S(name), o.hash), ASSAY_OK);
	op.caller.kind = o.credential;
	memcpy(op.caller.hash, o.hash, sizeof op.caller.hash);
	IN_TRANSACTION(keeper.ledgers, ledger_operator_insert(keeper.ledgers->l, &o));
	return op;
}

/* ---- I8 ---- */

static void
i8_without_a_valid_token_nothing_is_told_or_done(void **state)
{
	struct operation unknown = {.code = OP_STATUS, .peer = "192.0.2.1:1"}, expired, revoked;
	struct ledger_audit a;
	uint64_t before = last_audit(&a);

	(void)state;
	assert_int_equal(ask_as(unknown, NOTHING), ASSAY_MISSING);
	unknown.caller.kind = CREDENTIAL_TOKEN;
	memset(unknown.caller.hash, 0xAB, sizeof unknown.caller.hash);
	assert_int_equal(ask_as(unknown, NOTHING), ASSAY_MISSING);
	expired = as_operator(OP_STATUS, ROLE_ADMIN, NOW);
	assert_int_equal(ask_as(expired, NOTHING), ASSAY_MISSING);
	revoked = as_operator(OP_STATUS, ROLE_ADMIN, NOW + 1000);
	assert_int_equal(ask_as(revoked, NOTHING), ASSAY_OK);
	IN_TRANSACTION(keeper.ledgers, ledger_operator_revoke(keeper.ledgers->l, "operator-2"));
	assert_int_equal(ask_as(revoked, NOTHING), ASSAY_MISSING);
	refused(ASSAY_MISSING, "a valid bearer token is required");
	assert_int_equal(last_audit(&a), before);
}

/* As TLS proved it, with its dates. */
static struct operation
with_certificate(enum operation_code code, const uint8_t hash[32])
{
	struct operation op = {.code = code, .peer = "192.0.2.1:1",
			       .caller = {CREDENTIAL_CERTIFICATE, {0}, NOW - 9, NOW + 9}};

	memcpy(op.caller.hash, hash, 32);
	return op;
}

static void
i8_a_certificate_counts_within_its_own_time_and_for_nothing_else(void **state)
{
	char hex[] = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf";
	struct operation op, token;
	uint8_t hash[32];
	json_t *j;

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		hash[i] = (uint8_t)(0xC0 + i % 16);
	op = with_certificate(OP_STATUS, hash);
	assert_int_equal(ask_as(op, NOTHING), ASSAY_MISSING);
	j = answer(OP_OPERATOR_ADD, F({F_NAME, "cora"}, {F_ROLE, "viewer"}, {F_CERT, hex}));
	assert_string_equal(text(j, "certificate"), hex);
	assert_null(json_object_get(j, "token"));
	json_decref(j);
	assert_int_equal(ask_as(op, NOTHING), ASSAY_OK);
	op.caller.valid_to = NOW;
	assert_int_equal(ask_as(op, NOTHING), ASSAY_OK);
	op.caller.valid_to = NOW - 1;
	assert_int_equal(ask_as(op, NOTHING), ASSAY_MISSING);
	op.caller.valid_to = NOW + 9;
	op.caller.valid_from = NOW + 1;
	assert_int_equal(ask_as(op, NOTHING), ASSAY_MISSING);
	op = with_certificate(OP_TOKEN_LIST, hash);
	assert_int_equal(ask_as(op, NOTHING), ASSAY_DENIED);
	/* the hash as a token's, and a token's as a certificate's */
	op.caller.kind = CREDENTIAL_TOKEN;
	assert_int_equal(ask_as(op, NOTHING), ASSAY_MISSING);
	op.caller.kind = CREDENTIAL_NONE;
	assert_int_equal(ask_as(op, NOTHING), ASSAY_MISSING);
	token = as_operator(OP_STATUS, ROLE_ADMIN, NOW + 9);
	assert_int_equal(ask_as(with_certificate(OP_STATUS, token.caller.hash), NOTHING),
			 ASSAY_MISSING);
	IN_TRANSACTION(keeper.ledgers, ledger_operator_revoke(keeper.ledgers->l, "cora"));
	assert_int_equal(ask_as(with_certificate(OP_STATUS, hash), NOTHING), ASSAY_MISSING);
	refused(ASSAY_MISSING, "client certificate");
}

static void
an_operator_who_asks_too_often_is_told_when_to_come_again(void **state)
{
	struct operation op = as_operator(OP_STATUS, ROLE_VIEWER, NOW + 9), nobody = op;

	(void)state;
	assert_int_equal(ask_as(op, NOTHING), ASSAY_OK);
	assert_int_equal(keeper.limit_asked, 1);
	assert_int_equal(keeper.rate, RATE_READS);
	keeper.limited = true;
	assert_int_equal(ask_as(op, NOTHING), ASSAY_LIMITED);
	refused(ASSAY_LIMITED, "has asked too often (reads); try again in 17 s");
	assert_int_equal(keeper.retry_s, 17);
	op.code = OP_DEVICE_HOLD; /* what is not permitted counts too */
	assert_int_equal(ask_as(op, NOTHING), ASSAY_LIMITED);
	assert_int_equal(keeper.rate, RATE_CHANGES);
	/* nobody spends what is another's, and the socket is never limited */
	keeper.limit_asked = 0;
	nobody.caller.hash[0] ^= 1;
	assert_int_equal(ask_as(nobody, NOTHING), ASSAY_MISSING);
	assert_int_equal(ask(OP_STATUS, NOTHING), ASSAY_OK);
	assert_int_equal(keeper.limit_asked, 0);
	assert_int_equal(keeper.changed, 0);
}

static void
a_certificate_is_given_as_64_digits_and_once(void **state)
{
	char hex[] = "abababababababababababababababababababababababababababababababab";

	(void)state;
	assert_int_equal(ask(OP_OPERATOR_ADD, F({F_NAME, "a"}, {F_ROLE, "viewer"},
						{F_CERT, "abab"})), ASSAY_MALFORMED);
	assert_int_equal(ask(OP_OPERATOR_ADD, F({F_NAME, "ann"}, {F_ROLE, "viewer"},
						{F_CERT, hex})), ASSAY_OK);
	assert_int_equal(ask(OP_OPERATOR_ADD, F({F_NAME, "ben"}, {F_ROLE, "viewer"},
						{F_CERT, hex})), ASSAY_EXISTS);
	refused(ASSAY_EXISTS, "or one with this certificate");
}

static void
i8_every_operation_asks_for_its_role(void **state)
{
	(void)state;
	for (unsigned role = ROLE_NONE; role < ROLE_COUNT; role++) {
		struct operation op = as_operator(OP_STATUS, role ? role : ROLE_VIEWER, NOW + 9);

		if (role == ROLE_NONE)
			memset(op.caller.hash, 0, sizeof op.caller.hash);
		for (unsigned c = OP_NONE + 1; c < OP_COUNT; c++) {
			enum assay_err e;

			op.code = c;
			e = ask_as(op, NOTHING);
			if (role == ROLE_NONE)
				assert_int_equal(e, ASSAY_MISSING);
			else if ((e == ASSAY_DENIED) == operation_permitted(c, role))
				fail_msg("%s as %s: %s", operation_name(c),
					 operator_role_name(role), assay_err_name(e));
		}
	}
	assert_int_equal(keeper.changed, 0);
	assert_int_equal(keeper.reloads, 0);
}

static void
i8_who_did_it_is_in_the_audit_log(void **state)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	struct operation op = as_operator(OP_DEVICE_HOLD, ROLE_OPERATOR, NOW + 9);
	struct ledger_audit a;

	(void)state;
	assert_int_equal(ask_as(op, F({F_DEVICE, d.id}, {F_REASON, "stolen?"})), ASSAY_OK);
	assert_true(last_audit(&a) > 0);
	assert_int_equal(strncmp(a.actor, "operator-", 9), 0);
	assert_string_equal(a.action, "device.hold");
	assert_string_equal(a.object, d.id);
	assert_string_equal(a.detail, "stolen?");
	assert_int_equal(ask(OP_DEVICE_RELEASE, F({F_DEVICE, d.id})), ASSAY_OK);
	last_audit(&a);
	assert_string_equal(a.actor, "local (uid 0)");
}

static void
a_message_that_is_no_operation_is_answered_and_changes_nothing(void **state)
{
	struct ipc_msg m = {.type = IPC_OPERATION, .id = 7, .payload = SPAN("x", 1)};

	(void)state;
	keeper_on_operation(&keeper, &m);
	assert_int_equal(keeper.e, ASSAY_TRUNCATED);
	assert_false(keeper.changing);
}

/* ---- devices ---- */

static void
a_list_comes_in_pages_and_ends(void **state)
{
	json_t *page;
	char after[64];

	(void)state;
	for (unsigned n = 1; n <= 5; n++)
		add_device(n, n % 2 ? DEV_ENROLLED : DEV_PENDING);
	page = answer(OP_DEVICE_LIST, F({F_LIMIT, "3"}));
	assert_int_equal(json_array_size(json_object_get(page, "devices")), 3);
	snprintf(after, sizeof after, "%s", text(page, "next"));
	json_decref(page);
	page = answer(OP_DEVICE_LIST, F({F_LIMIT, "3"}, {F_AFTER, after}));
	assert_int_equal(json_array_size(json_object_get(page, "devices")), 2);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
	page = answer(OP_DEVICE_LIST, F({F_STATUS, "pending"}));
	assert_int_equal(json_array_size(json_object_get(page, "devices")), 2);
	json_decref(page);
	assert_int_equal(ask(OP_DEVICE_LIST, F({F_LIMIT, "1001"})), ASSAY_MALFORMED);
	assert_int_equal(ask(OP_DEVICE_LIST, F({F_LIMIT, "0"})), ASSAY_MALFORMED);
	assert_int_equal(ask(OP_DEVICE_LIST, F({F_LIMIT, "1x"})), ASSAY_MALFORMED);
}

static size_t
listed(const struct field *fields)
{
	json_t *page = answer(OP_DEVICE_LIST, fields);
	size_t n = json_array_size(json_object_get(page, "devices"));

	json_decref(page);
	return n;
}

static void
devices_are_listed_by_class_labels_and_status(void **state)
{
	static const char *const labels[] = {"site=berlin ring=canary", "site=berlin", ""};

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		struct ledger_device d = ledgers_device(n);

		d.status = n == 3 ? DEV_PENDING : DEV_ENROLLED;
		snprintf(d.labels, sizeof d.labels, "%s", labels[n - 1]);
		IN_TRANSACTION(keeper.ledgers, ledger_device_insert(keeper.ledgers->l, &d));
	}
	assert_int_equal(listed(F({F_LABELS, "site=berlin"})), 2);
	assert_int_equal(listed(F({F_LABELS, "ring=canary site=berlin"})), 1);
	assert_int_equal(listed(F({F_LABELS, "site=bonn"})), 0);
	assert_int_equal(listed(F({F_LABELS, "site=berlin"}, {F_STATUS, "pending"})), 0);
	assert_int_equal(listed(F({F_STATUS, "pending"})), 1);
	assert_int_equal(listed(F({F_CLASS, "nothing"})), 0);
	assert_int_equal(ask(OP_DEVICE_LIST, F({F_STATUS, "enroled"})), ASSAY_MALFORMED);
	refused(ASSAY_MALFORMED, "status: must be pending, enrolled, conflict or retired");
	assert_int_equal(ask(OP_DEVICE_LIST, F({F_LABELS, "berlin"})), ASSAY_MALFORMED);
}

static void
a_device_tells_how_it_stands_and_what_was_found(void **state)
{
	static struct verdict v;
	static uint8_t bytes[VERDICT_BYTES_MAX], kept[BOOT_FACTS_BYTES_MAX];
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	struct ledger_state s = ledgers_state(1);
	const json_t *f;
	json_t *j;
	size_t n;

	(void)state;
	v = (struct verdict){.status = VERDICT_DECIDED, .nfindings = 1, .nfacts = 1};
	v.findings[0] = (struct finding){.code = FIND_EVENT_DIFFERS, .pcr = 8, .event = 37,
					 .subject = "kernel command line", .seen = "init=/bin/sh",
					 .expected = "quiet", .remedy = "boot the approved one"};
	v.facts[0] = (struct fact){.id = FACT_BOOT_EVENTS, .provenance = PROV_CLAIMED,
				   .index = -1, .event = -1, .text = "42"};
	assert_int_equal(boot_facts_encode(&v, kept, sizeof kept, &n), ASSAY_OK);
	s.boot_facts = SPAN(kept, n);
	s.boot_at = NOW - 600;
	v.facts[0] = (struct fact){.id = FACT_AGENT, .provenance = PROV_CLAIMED, .index = -1,
				   .event = -1, .text = "x"};
	assert_int_equal(verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_OK);
	s.verdict = SPAN(bytes, n);
	s.continuity = SPAN(NULL, 0);
	s.version = 0;
	s.verdict_outcome = OUTCOME_QUARANTINE;
	s.verdict_at = NOW - 30;
	s.expires_at = NOW + 30;
	snprintf(s.device, sizeof s.device, "%s", d.id);
	IN_TRANSACTION(keeper.ledgers, ledger_state_put(keeper.ledgers->l, &s));
	j = answer(OP_DEVICE_SHOW, F({F_DEVICE, d.id}));
	assert_string_equal(text(j, "id"), d.id);
	assert_string_equal(text(j, "decision"), "QUARANTINE");
	assert_string_equal(text(j, "trust"), "failed");
	assert_true(json_is_null(json_object_get(j, "would")));
	assert_non_null(json_object_get(j, "ek"));
	f = json_array_get(json_object_get(json_object_get(j, "verdict"), "findings"), 0);
	assert_string_equal(text(f, "word"), "boot.event-differs");
	assert_string_equal(text(f, "subject"), "kernel command line");
	assert_string_equal(text(f, "seen"), "init=/bin/sh");
	assert_string_equal(text(f, "expected"), "quiet");
	assert_string_equal(text(f, "remedy"), "boot the approved one");
	assert_int_equal(json_integer_value(json_object_get(f, "pcr")), 8);
	assert_int_equal(json_integer_value(json_object_get(f, "event")), 37);
	f = json_array_get(json_object_get(json_object_get(j, "verdict"), "facts"), 0);
	assert_string_equal(text(f, "provenance"), "claimed");
	assert_int_equal(json_integer_value(json_object_get(f, "at")), NOW - 30);
	/* what the log said when it was judged, some rounds ago */
	f = json_array_get(json_object_get(json_object_get(j, "verdict"), "facts"), 1);
	assert_string_equal(text(f, "name"), "boot.events");
	assert_string_equal(text(f, "value"), "42");
	assert_int_equal(json_integer_value(json_object_get(f, "at")), NOW - 600);
	json_decref(j);
}

static void
exactly_the_boot_that_was_shown_is_accepted(void **state)
{
	static const char other[] = "00000000000000000000000000000000"
				    "00000000000000000000000000000000";
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	static struct continuity k;
	static uint8_t bytes[CONTINUITY_BYTES_MAX];
	struct ledger_state s = ledgers_state(1), got;
	char hex[65];
	size_t n;

	(void)state;
	assert_int_equal(ask(OP_DEVICE_ACCEPT_BOOT, F({F_DEVICE, d.id}, {F_DIGEST, other})),
			 ASSAY_STATE); /* it never attested */
	continuity_clear(&k);
	k.present = k.has_boot_log = true;
	memset(k.generation, 0x77, sizeof k.generation);
	assert_int_equal(continuity_encode(&k, bytes, sizeof bytes, &n), ASSAY_OK);
	s.continuity = SPAN(bytes, n);
	s.verdict = s.boot_facts = SPAN(NULL, 0);
	s.verdict_outcome = s.decision = OUTCOME_RESTRICT;
	s.verdict_at = NOW - 30;
	s.expires_at = NOW + 30;
	snprintf(s.device, sizeof s.device, "%s", d.id);
	assert_int_equal(ledger_begin(keeper.ledgers->l), ASSAY_OK);
	assert_int_equal(ledger_blob_put(keeper.ledgers->l, S("good"), s.good_log), ASSAY_OK);
	assert_int_equal(ledger_blob_put(keeper.ledgers->l, S("now"), s.boot_log), ASSAY_OK);
	assert_int_equal(ledger_state_put(keeper.ledgers->l, &s), ASSAY_OK);
	assert_int_equal(ledger_commit(keeper.ledgers->l), ASSAY_OK);
	assert_int_equal(ask(OP_DEVICE_ACCEPT_BOOT, F({F_DEVICE, d.id})), ASSAY_MALFORMED);
	assert_int_equal(hex_encode(SPAN(s.good_log, 32), hex, sizeof hex), ASSAY_OK);
	assert_int_equal(ask(OP_DEVICE_ACCEPT_BOOT, F({F_DEVICE, d.id}, {F_DIGEST, hex})),
			 ASSAY_MISMATCH);
	assert_int_equal(hex_encode(SPAN(s.boot_log, 32), hex, sizeof hex), ASSAY_OK);
	hex[63] = '\0'; /* a prefix is not what was shown */
	assert_int_equal(ask(OP_DEVICE_ACCEPT_BOOT, F({F_DEVICE, d.id}, {F_DIGEST, hex})),
			 ASSAY_MISMATCH);
	assert_int_equal(ledger_state_get(keeper.ledgers->l, d.id, &got), ASSAY_OK);
	assert_memory_equal(got.good_log, s.good_log, 32);
	assert_int_equal(hex_encode(SPAN(s.boot_log, 32), hex, sizeof hex), ASSAY_OK);
	json_decref(answer(OP_DEVICE_ACCEPT_BOOT, F({F_DEVICE, d.id}, {F_DIGEST, hex},
						    {F_REASON, "update 7"})));
	assert_int_equal(ledger_state_get(keeper.ledgers->l, d.id, &got), ASSAY_OK);
	assert_memory_equal(got.good_log, s.boot_log, 32);
	assert_int_equal(continuity_decode(got.continuity, &k), ASSAY_OK);
	for (size_t i = 0; i < sizeof k.generation; i++)
		assert_int_equal(k.generation[i], 0); /* it will be judged again */
	assert_int_equal(got.decision, OUTCOME_RESTRICT); /* by this alone it is no better */
}

static void
a_device_without_evidence_is_shown_as_never_attested(void **state)
{
	struct ledger_device d = add_device(1, DEV_PENDING);
	json_t *j = answer(OP_DEVICE_SHOW, F({F_DEVICE, d.id}));

	(void)state;
	assert_string_equal(text(j, "trust"), "never");
	assert_true(json_is_null(json_object_get(j, "verdict")));
	json_decref(j);
	assert_int_equal(ask(OP_DEVICE_EVIDENCE, F({F_DEVICE, d.id}, {F_SCOPE, "proof"})),
			 ASSAY_NOT_FOUND);
}

static void
an_unknown_device_is_named_in_the_refusal(void **state)
{
	(void)state;
	ask(OP_DEVICE_SHOW, F({F_DEVICE, "gw-9"}));
	refused(ASSAY_NOT_FOUND, "there is no device `gw-9'");
	ask(OP_DEVICE_SHOW, F({F_DEVICE, "a b"}));
	refused(ASSAY_MALFORMED, "device: must be a name");
	ask(OP_DEVICE_SHOW, NOTHING);
	refused(ASSAY_MALFORMED, "device: is required");
}

static void
approval_needs_a_class_and_happens_once(void **state)
{
	struct ledger_device d = ledgers_device(1), got;

	(void)state;
	d.status = DEV_PENDING;
	d.overlay = OVERLAY_NONE;
	d.new_ak = false;
	d.name[0] = d.class_name[0] = d.labels[0] = '\0';
	IN_TRANSACTION(keeper.ledgers, ledger_device_insert(keeper.ledgers->l, &d));
	ask(OP_DEVICE_APPROVE, F({F_DEVICE, d.id}));
	refused(ASSAY_MALFORMED, "class: is required");
	json_decref(answer(OP_DEVICE_APPROVE, F({F_DEVICE, d.id}, {F_CLASS, "gateway"},
						{F_NAME, "gw-1"}, {F_LABELS, "site=a ring=b"})));
	assert_int_equal(ledger_device_get(keeper.ledgers->l, d.id, &got), ASSAY_OK);
	assert_int_equal(got.status, DEV_ENROLLED);
	assert_string_equal(got.name, "gw-1");
	assert_string_equal(got.class_name, "gateway");
	assert_string_equal(got.labels, "site=a ring=b");
	assert_int_equal(keeper.changed, 1);
	ask(OP_DEVICE_APPROVE, F({F_DEVICE, "gw-1"}, {F_CLASS, "gateway"}));
	refused(ASSAY_STATE, "enrolled already");
}

static void
approval_accepts_a_new_attestation_key(void **state)
{
	struct ledger_device d = ledgers_device(1), got;

	(void)state;
	d.status = DEV_ENROLLED;
	d.overlay = OVERLAY_NONE;
	d.new_ak = true;
	IN_TRANSACTION(keeper.ledgers, ledger_device_insert(keeper.ledgers->l, &d));
	json_decref(answer(OP_DEVICE_APPROVE, F({F_DEVICE, d.id})));
	assert_int_equal(ledger_device_get(keeper.ledgers->l, d.id, &got), ASSAY_OK);
	assert_false(got.new_ak);
	assert_string_equal(got.class_name, d.class_name);
}

/* I1: a name never goes from one device to another by itself. */
static void
i1_a_name_that_is_taken_is_refused(void **state)
{
	struct ledger_device a = add_device(1, DEV_ENROLLED), b = add_device(2, DEV_ENROLLED);

	(void)state;
	ask(OP_DEVICE_SET, F({F_DEVICE, b.id}, {F_NAME, a.name}));
	refused(ASSAY_EXISTS, "is another device's");
}

static void
names_classes_and_labels_have_their_form(void **state)
{
	static const struct {
		enum operation_field f;
		const char *text;
	} wrong[] = {
		{F_NAME, "-a"}, {F_NAME, "a b"}, {F_NAME, "a/b"}, {F_NAME, "beef"},
		{F_NAME, "0123456789abcdef0123456789abcdef"}, {F_NAME, "a'b"}, {F_NAME, "a;b"},
		{F_NAME, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaz"},
		{F_CLASS, "*"}, {F_CLASS, "a b"}, {F_CLASS, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{F_LABELS, "a"}, {F_LABELS, "a="}, {F_LABELS, "=b"}, {F_LABELS, "a=b  c=d"},
		{F_LABELS, "a=b "}, {F_LABELS, " a=b"}, {F_LABELS, "a=b a=c"}, {F_LABELS, "a=b,c"},
	};
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	struct ledger_audit a;
	uint64_t before = last_audit(&a);

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		enum assay_err e = ask(OP_DEVICE_SET,
				       F({F_DEVICE, d.id}, {wrong[i].f, wrong[i].text}));

		if (e != ASSAY_MALFORMED)
			fail_msg("`%s': %s", wrong[i].text, assay_err_name(e));
	}
	ask(OP_DEVICE_SET, F({F_DEVICE, d.id}));
	refused(ASSAY_MALFORMED, "nothing to set");
	assert_int_equal(last_audit(&a), before);
	assert_int_equal(ask(OP_DEVICE_SET, F({F_DEVICE, d.id}, {F_LABELS, "a=b c=d aa=b"})),
			 ASSAY_OK);
}

static void
hold_release_and_maintenance_follow_each_other_only_as_they_may(void **state)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED);

	(void)state;
	ask(OP_DEVICE_RELEASE, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "neither held nor in maintenance");
	assert_int_equal(ask(OP_DEVICE_HOLD, F({F_DEVICE, d.id}, {F_REASON, "why"})), ASSAY_OK);
	ask(OP_DEVICE_HOLD, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "held already");
	ask(OP_DEVICE_MAINTAIN, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "release it first");
	assert_int_equal(ask(OP_DEVICE_RELEASE, F({F_DEVICE, d.id})), ASSAY_OK);
	assert_int_equal(ask(OP_DEVICE_MAINTAIN, F({F_DEVICE, d.id})), ASSAY_OK);
	assert_int_equal(ask(OP_DEVICE_HOLD, F({F_DEVICE, d.id})), ASSAY_OK);
	assert_int_equal(ask(OP_DEVICE_RETIRE, F({F_DEVICE, d.id})), ASSAY_OK);
	ask(OP_DEVICE_RETIRE, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "retired already");
	ask(OP_DEVICE_APPROVE, F({F_DEVICE, d.id}, {F_CLASS, "x"}));
	refused(ASSAY_STATE, "its key stays blocked");
	ask(OP_DEVICE_HOLD, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "is retired");
	ask(OP_DEVICE_SET, F({F_DEVICE, d.id}, {F_CLASS, "x"}));
	refused(ASSAY_STATE, "is retired");
}

/* D11: a verdict from before the maintenance, or from within it, does not count after. */
static void
d11_maintenance_and_its_end_each_require_a_new_verdict(void **state)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	struct ledger_state s = ledgers_state(1), got;

	(void)state;
	snprintf(s.device, sizeof s.device, "%s", d.id);
	s.version = 0;
	s.expires_at = NOW + 3600;
	IN_TRANSACTION(keeper.ledgers, ledger_state_put(keeper.ledgers->l, &s));
	assert_int_equal(ask(OP_DEVICE_MAINTAIN, F({F_DEVICE, d.id})), ASSAY_OK);
	assert_int_equal(ledger_state_get(keeper.ledgers->l, d.id, &got), ASSAY_OK);
	assert_int_equal(got.expires_at, VERDICT_ENDED);
	assert_int_equal(got.version, 2); /* a verdict under way now fails its compare-and-swap */
	got.expires_at = NOW + 3600;
	IN_TRANSACTION(keeper.ledgers, ledger_state_put(keeper.ledgers->l, &got));
	assert_int_equal(ask(OP_DEVICE_RELEASE, F({F_DEVICE, d.id})), ASSAY_OK);
	assert_int_equal(ledger_state_get(keeper.ledgers->l, d.id, &got), ASSAY_OK);
	assert_int_equal(got.expires_at, VERDICT_ENDED);
}

static void
history_holds_decisions_and_actions_of_this_device_alone(void **state)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED), other = add_device(2, DEV_ENROLLED);
	struct ledger_decision row = {.outcome = OUTCOME_ADMIT, .at = NOW, .reason = "policy.met"};
	uint64_t seq;
	json_t *j;

	(void)state;
	snprintf(row.device, sizeof row.device, "%s", d.id);
	IN_TRANSACTION(keeper.ledgers,
		       ledger_decision_append(keeper.ledgers->l, &row, &seq));
	assert_int_equal(ask(OP_DEVICE_HOLD, F({F_DEVICE, d.id})), ASSAY_OK);
	assert_int_equal(ask(OP_DEVICE_HOLD, F({F_DEVICE, other.id})), ASSAY_OK);
	j = answer(OP_DEVICE_HISTORY, F({F_DEVICE, d.id}));
	assert_int_equal(json_array_size(json_object_get(j, "decisions")), 1);
	assert_int_equal(json_array_size(json_object_get(j, "audit")), 1);
	json_decref(j);
	j = answer(OP_AUDIT_LIST, F({F_LIMIT, "1"}));
	assert_string_equal(text(json_array_get(json_object_get(j, "audit"), 0), "object"),
			    other.id);
	assert_true(json_integer_value(json_object_get(j, "next")) > 0);
	json_decref(j);
}

/* ---- tokens, EKs, operators ---- */

static void
a_token_is_told_once_and_stored_as_a_hash(void **state)
{
	json_t *j = answer(OP_TOKEN_CREATE,
			   F({F_CLASS, "gateway"}, {F_USES, "2"}, {F_EXPIRES, "60"}));
	char token[256], secret[65];
	struct ledger_token t;
	uint8_t hash[32];

	(void)state;
	snprintf(token, sizeof token, "%s", text(j, "token"));
	assert_int_equal(strlen(token), 16 + 1 + 64 + 1 + 64);
	assert_string_equal(token + 82, PIN);
	memcpy(secret, token + 17, 64);
	secret[64] = token[16] = '\0';
	json_decref(j);
	assert_int_equal(ledger_token_get(keeper.ledgers->l, token, &t), ASSAY_OK);
	assert_int_equal(digest_sha256(SPAN(secret, 64), hash), ASSAY_OK);
	assert_memory_equal(t.secret_hash, hash, 32);
	assert_int_equal(t.uses_left, 2);
	assert_int_equal(t.expires, NOW + 60);
	assert_int_equal(t.lowest_tier, TIER_TPM);
	assert_string_equal(t.created_by, "local (uid 0)");
	j = answer(OP_TOKEN_LIST, NOTHING);
	assert_null(strstr(keeper.text, secret));
	assert_non_null(strstr(keeper.text, token));
	json_decref(j);
	j = answer(OP_AUDIT_LIST, NOTHING);
	assert_null(strstr(keeper.text, secret));
	json_decref(j);
}

static void
two_tokens_are_never_alike(void **state)
{
	json_t *a = answer(OP_TOKEN_CREATE, F({F_CLASS, "c"}));
	json_t *b = answer(OP_TOKEN_CREATE, F({F_CLASS, "c"}));

	(void)state;
	assert_string_not_equal(text(a, "token"), text(b, "token"));
	assert_string_not_equal(text(a, "id"), text(b, "id"));
	json_decref(a);
	json_decref(b);
}

static void
token_fields_out_of_range_are_refused(void **state)
{
	(void)state;
	ask(OP_TOKEN_CREATE, NOTHING);
	refused(ASSAY_MALFORMED, "class: is required");
	ask(OP_TOKEN_CREATE, F({F_CLASS, "c"}, {F_USES, "0"}));
	refused(ASSAY_MALFORMED, "uses: must be from 1 to 1000000");
	ask(OP_TOKEN_CREATE, F({F_CLASS, "c"}, {F_EXPIRES, "1"}));
	refused(ASSAY_MALFORMED, "expires: must be from");
	ask(OP_TOKEN_CREATE, F({F_CLASS, "c"}, {F_EXPIRES, "99999999999999999999"}));
	refused(ASSAY_MALFORMED, "expires: is not a whole number");
	ask(OP_TOKEN_CREATE, F({F_CLASS, "c"}, {F_TIER, "gold"}));
	refused(ASSAY_MALFORMED, "tier: there is no tier `gold'");
	keeper.config.accept_virtual_tpm = true;
	json_decref(answer(OP_TOKEN_CREATE, F({F_CLASS, "c"})));
	assert_non_null(strstr(keeper.text, "virtual-tpm"));
}

#define EK_A "00000000000000000000000000000000000000000000000000000000000000aa"
#define EK_B "00000000000000000000000000000000000000000000000000000000000000bb"

static void
eks_are_allowed_all_or_none(void **state)
{
	struct ledger_ek e;
	uint8_t digest[32] = {0};
	json_t *j;

	(void)state;
	digest[31] = 0xAA;
	ask(OP_EK_ALLOW, F({F_CLASS, "c"}, {F_FILE, EK_A " gw-1\n" EK_B "\n\nnonsense\n"}));
	refused(ASSAY_MALFORMED, "line 4: must be 64 hex digits");
	ask(OP_EK_ALLOW, F({F_CLASS, "c"}, {F_FILE, EK_A "\n" EK_B "\n" EK_A "\n"}));
	refused(ASSAY_DUPLICATE, "given twice");
	ask(OP_EK_ALLOW, F({F_CLASS, "c"}, {F_FILE, EK_A " bad/name\n"}));
	refused(ASSAY_MALFORMED, "line 1: name: must be");
	ask(OP_EK_ALLOW, F({F_CLASS, "c"}, {F_FILE, "# nothing\n\n"}));
	refused(ASSAY_MALFORMED, "there is no EK in it");
	assert_int_equal(ledger_ek_get(keeper.ledgers->l, digest, &e), ASSAY_NOT_FOUND);
	j = answer(OP_EK_ALLOW, F({F_CLASS, "c"}, {F_FILE, "# two\r\n" EK_A ", gw-1\r\n" EK_B}));
	assert_int_equal(json_integer_value(json_object_get(j, "allowed")), 2);
	json_decref(j);
	assert_int_equal(ledger_ek_get(keeper.ledgers->l, digest, &e), ASSAY_OK);
	assert_string_equal(e.name, "gw-1");
	assert_string_equal(e.class_name, "c");
	ask(OP_EK_ALLOW, F({F_CLASS, "c"}, {F_EK, EK_A}));
	refused(ASSAY_EXISTS, "on the list already");
	ask(OP_EK_ALLOW, F({F_CLASS, "c"}, {F_EK, EK_A}, {F_FILE, EK_B}));
	refused(ASSAY_MALFORMED, "either ek or file");
}

static void
an_operators_token_works_until_it_is_revoked(void **state)
{
	struct operation op = {.code = OP_DEVICE_LIST, .caller.kind = CREDENTIAL_TOKEN,
			       .peer = "192.0.2.1:1"};
	json_t *j = answer(OP_OPERATOR_ADD, F({F_NAME, "anna"}, {F_ROLE, "viewer"}));

	(void)state;
	assert_int_equal(digest_sha256(S(text(j, "token")), op.caller.hash), ASSAY_OK);
	json_decref(j);
	assert_int_equal(ask_as(op, NOTHING), ASSAY_OK);
	j = answer(OP_OPERATOR_LIST, NOTHING);
	assert_string_equal(text(json_array_get(json_object_get(j, "operators"), 0), "role"),
			    "viewer");
	assert_null(strstr(keeper.text, "token"));
	json_decref(j);
	json_decref(answer(OP_OPERATOR_REVOKE, F({F_NAME, "anna"})));
	assert_int_equal(ask_as(op, NOTHING), ASSAY_MISSING);
	ask(OP_OPERATOR_ADD, F({F_NAME, "anna"}, {F_ROLE, "admin"}));
	refused(ASSAY_EXISTS, "names are not reused");
	ask(OP_OPERATOR_REVOKE, F({F_NAME, "berta"}));
	refused(ASSAY_NOT_FOUND, "no operator `berta'");
	ask(OP_OPERATOR_ADD, F({F_NAME, "c"}, {F_ROLE, "root"}));
	refused(ASSAY_MALFORMED, "role: must be");
}

/* ---- reference values ---- */

/* A device whose last round was authentic, with its state as keeper stores it. */
static struct ledger_device
attested(struct world *w)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	static uint8_t verdict[VERDICT_BYTES_MAX];
	struct ledger_state s = {.verdict_at = NOW - 5, .expires_at = NOW + 60};
	const struct verdict *v = world_round(w);
	size_t n;

	assert_int_equal(v->status, VERDICT_DECIDED);
	assert_int_equal(verdict_encode(v, verdict, sizeof verdict, &n), ASSAY_OK);
	s.verdict = SPAN(verdict, n);
	s.verdict_outcome = v->outcome;
	s.continuity = w->in.continuity;
	s.proof = w->in.proof;
	snprintf(s.device, sizeof s.device, "%s", d.id);
	assert_int_equal(ledger_begin(keeper.ledgers->l), ASSAY_OK);
	assert_int_equal(ledger_blob_put(keeper.ledgers->l, w->log, s.boot_log), ASSAY_OK);
	assert_int_equal(ledger_state_put(keeper.ledgers->l, &s), ASSAY_OK);
	assert_int_equal(ledger_commit(keeper.ledgers->l), ASSAY_OK);
	return d;
}

static void
d7_a_captured_set_is_learned_until_exactly_its_digest_is_promoted(void **state)
{
	struct world w;
	struct ledger_device d;
	struct ledger_reference r;
	char digest[65], other[65];
	json_t *j;

	(void)state;
	world_init(&w, "grub-good");
	d = attested(&w);
	j = answer(OP_REFERENCE_CAPTURE, F({F_DEVICE, d.id}, {F_NAME, "golden"}));
	assert_string_equal(text(j, "state"), "learned");
	assert_string_equal(text(j, "class"), d.class_name);
	assert_true(json_is_null(json_object_get(j, "device")));
	snprintf(digest, sizeof digest, "%s", text(j, "digest"));
	json_decref(j);
	assert_int_equal(keeper.reloads, 1);
	j = answer(OP_REFERENCE_SHOW, F({F_REFERENCE, "golden"}));
	assert_true(json_array_size(json_object_get(j, "events")) > 10);
	assert_non_null(json_object_get(json_object_get(j, "pcrs"), "sha256"));
	assert_non_null(strstr(keeper.text, "EV_SEPARATOR"));
	json_decref(j);

	memcpy(other, digest, sizeof other);
	other[63] = other[63] == '0' ? '1' : '0';
	ask(OP_REFERENCE_PROMOTE, F({F_REFERENCE, "golden"}, {F_DIGEST, other}));
	refused(ASSAY_MISMATCH, "the digest is not that of `golden'");
	ask(OP_REFERENCE_PROMOTE, F({F_REFERENCE, "golden"}));
	refused(ASSAY_MALFORMED, "digest: is required");
	other[32] = '\0';
	ask(OP_REFERENCE_PROMOTE, F({F_REFERENCE, "golden"}, {F_DIGEST, other}));
	refused(ASSAY_MALFORMED, "digest: must be 64 hex digits");
	assert_int_equal(ledger_reference_find(keeper.ledgers->l, "golden", &r), ASSAY_OK);
	assert_int_equal(r.state, REF_LEARNED);
	json_decref(answer(OP_REFERENCE_PROMOTE, F({F_REFERENCE, "golden"}, {F_DIGEST, digest})));
	assert_int_equal(ledger_reference_find(keeper.ledgers->l, "golden", &r), ASSAY_OK);
	assert_int_equal(r.state, REF_PROMOTED);
	ask(OP_REFERENCE_PROMOTE, F({F_REFERENCE, "golden"}, {F_DIGEST, digest}));
	refused(ASSAY_STATE, "is promoted, not learned");
	json_decref(answer(OP_REFERENCE_RETIRE, F({F_REFERENCE, "golden"})));
	ask(OP_REFERENCE_RETIRE, F({F_REFERENCE, "golden"}));
	refused(ASSAY_STATE, "retired already");
	world_free(&w);
}

static void
a_set_may_be_for_one_device_and_of_some_pcrs(void **state)
{
	struct ledger_device d;
	struct world w;
	json_t *j;

	(void)state;
	world_init(&w, "grub-good");
	d = attested(&w);
	j = answer(OP_REFERENCE_CAPTURE, F({F_DEVICE, d.id}, {F_SCOPE, "device"}, {F_PCRS, "16"}));
	assert_string_equal(text(j, "device"), d.id);
	json_decref(j);
	ask(OP_REFERENCE_CAPTURE, F({F_DEVICE, d.id}, {F_SCOPE, "world"}));
	refused(ASSAY_MALFORMED, "scope: must be class or device");
	ask(OP_REFERENCE_CAPTURE, F({F_DEVICE, d.id}, {F_PCRS, "1024"})); /* PCR 10 was not asked */
	refused(ASSAY_MALFORMED, "the last quote does not cover");
	world_free(&w);
}

static void
no_set_is_made_of_a_device_without_good_evidence(void **state)
{
	struct ledger_device pending = add_device(3, DEV_PENDING);
	struct ledger_device never = add_device(4, DEV_ENROLLED);
	static const uint8_t tamper[32] = {1};
	struct ledger_device d;
	struct ledger_reference r;
	struct world w;

	(void)state;
	ask(OP_REFERENCE_CAPTURE, F({F_DEVICE, pending.id}));
	refused(ASSAY_STATE, "the device is pending, not enrolled");
	ask(OP_REFERENCE_CAPTURE, F({F_DEVICE, never.id}));
	refused(ASSAY_STATE, "no authentic evidence yet");
	world_init(&w, "grub-good");
	softtpm_extend(&w.tpm, 4, SPAN(tamper, sizeof tamper), ALG_SHA256);
	d = attested(&w);
	ask(OP_REFERENCE_CAPTURE, F({F_DEVICE, d.id}, {F_NAME, "bad"}));
	refused(ASSAY_MISMATCH, "does not lead to its quoted PCRs");
	assert_int_equal(ledger_reference_find(keeper.ledgers->l, "bad", &r), ASSAY_NOT_FOUND);
	world_free(&w);
}

/* ---- policies ---- */

static json_t *
add_policy(const char *name, const char *applies, unsigned version)
{
	char yaml[512];

	snprintf(yaml, sizeof yaml,
		 "policy: %s\nversion: %u\napplies_to: {%s}\n"
		 "ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, patience: 3}\n"
		 "references: {pcrs: [0-9, 11-14]}\n", name, version, applies);
	return answer(OP_POLICY_ADD, F({F_FILE, yaml}, {F_FILENAME, "test.yaml"}));
}

static void
a_policy_with_an_error_is_refused_with_its_place(void **state)
{
	(void)state;
	ask(OP_POLICY_ADD, F({F_FILE, "policy: x\nversion: 1\nversionn: 1\n"},
			     {F_FILENAME, "test.yaml"}));
	refused(ASSAY_MALFORMED, "test.yaml:");
	assert_null(strchr(keeper.text, '\n'));
	ask(OP_POLICY_ADD, NOTHING);
	refused(ASSAY_MALFORMED, "file: is required");
	json_decref(answer(OP_POLICY_LIST, NOTHING));
	assert_null(strstr(keeper.text, "versionn"));
}

static void
a_policy_judges_only_once_it_is_activated(void **state)
{
	json_t *j = add_policy("gw", "class: gateway", 1);

	(void)state;
	assert_true(json_is_false(json_object_get(j, "active")));
	json_decref(j);
	assert_int_equal(keeper.reloads, 0);
	j = answer(OP_POLICY_ACTIVATE, F({F_POLICY, "gw"}, {F_REASON, "why"}));
	assert_true(json_is_true(json_object_get(j, "active")));
	json_decref(j);
	assert_int_equal(keeper.reloads, 1);
	ask(OP_POLICY_ACTIVATE, F({F_POLICY, "gw"}, {F_REASON, "why"}));
	refused(ASSAY_STATE, "active already");
	j = answer(OP_POLICY_SHOW, F({F_POLICY, "gw"}));
	assert_non_null(strstr(text(j, "source"), "policy: gw\n"));
	json_decref(j);
	ask(OP_POLICY_ACTIVATE, F({F_POLICY, "none"}, {F_REASON, "why"}));
	refused(ASSAY_NOT_FOUND, "no policy `none'");
}

static void
the_newer_version_takes_the_place_of_the_older(void **state)
{
	char digest[65];
	json_t *j;

	(void)state;
	json_decref(add_policy("gw", "class: gateway", 1));
	json_decref(answer(OP_POLICY_ACTIVATE, F({F_POLICY, "gw"}, {F_REASON, "why"})));
	j = add_policy("gw", "class: gateway", 2);
	snprintf(digest, sizeof digest, "%s", text(j, "digest"));
	json_decref(j);
	j = answer(OP_POLICY_ACTIVATE, F({F_POLICY, "gw"}, {F_REASON, "why"}));
	assert_string_equal(text(j, "digest"), digest);
	json_decref(j);
	json_decref(add_policy("gw", "class: gateway", 3));
	ask(OP_POLICY_ACTIVATE, F({F_POLICY, "gw"}, {F_REASON, "why"})); /* 1 or 3? */
	refused(ASSAY_DUPLICATE, "`gw' is 3 stored policies");
	j = answer(OP_POLICY_SHOW, F({F_POLICY, "gw"})); /* the active one */
	assert_string_equal(text(j, "digest"), digest);
	json_decref(j);
	ask(OP_POLICY_ADD, F({F_FILE, text(j, "x")}, {F_FILENAME, "test.yaml"}));
	refused(ASSAY_MALFORMED, "test.yaml:1");
}

static void
two_policies_of_the_same_rank_are_not_both_activated(void **state)
{
	(void)state;
	json_decref(add_policy("a", "class: gateway, labels: [site=x]", 1));
	json_decref(add_policy("b", "class: gateway, labels: [ring=y]", 1));
	json_decref(add_policy("c", "class: gateway, labels: [site=y]", 1));
	json_decref(add_policy("d", "class: '*', labels: [site=x, ring=y]", 1));
	json_decref(add_policy("e", "class: gateway", 1));
	json_decref(answer(OP_POLICY_ACTIVATE, F({F_POLICY, "a"}, {F_REASON, "why"})));
	ask(OP_POLICY_ACTIVATE, F({F_POLICY, "b"}, {F_REASON, "why"}));
	refused(ASSAY_STATE, "same rank as `a'");
	ask(OP_POLICY_ACTIVATE, F({F_POLICY, "d"}, {F_REASON, "why"}));
	refused(ASSAY_STATE, "same rank as `a'");
	json_decref(answer(OP_POLICY_ACTIVATE, F({F_POLICY, "c"},
						 {F_REASON, "why"}))); /* not at both sites */
	json_decref(answer(OP_POLICY_ACTIVATE, F({F_POLICY, "e"},
						 {F_REASON, "why"}))); /* less specific */
}

/* ---- the rest ---- */

static void
only_a_ledger_in_fault_is_accepted(void **state)
{
	(void)state;
	ask(OP_LEDGER_ACCEPT, NOTHING);
	refused(ASSAY_STATE, "not in fault mode");
	json_decref(answer(OP_STATUS, NOTHING));
}

static void
jobs_are_bounded_and_their_places_come_back(void **state)
{
	struct {
		compile_done done;
		void *arg;
	} held[CALL_JOBS_MAX];

	(void)state;
	for (unsigned i = 0; i < CALL_JOBS_MAX; i++) {
		assert_int_equal(ask(OP_POLICY_ADD, F({F_FILE, "x"})), keeper.e);
		assert_non_null(keeper.done);
		held[i].done = keeper.done;
		held[i].arg = keeper.arg;
		keeper.done = NULL;
	}
	ask(OP_POLICY_ADD, F({F_FILE, "x"}));
	refused(ASSAY_BUSY, "compile jobs are under way");
	for (unsigned i = 0; i < CALL_JOBS_MAX; i++)
		held[i].done(&keeper, held[i].arg, ASSAY_INTERNAL, SPAN(NULL, 0));
	assert_int_equal(keeper.e, ASSAY_INTERNAL);
	ask(OP_POLICY_ADD, F({F_FILE, "x"}));
	assert_non_null(keeper.done);
	keeper.done(&keeper, keeper.arg, ASSAY_INTERNAL, SPAN(NULL, 0));
	keeper.done = NULL;
}

/* ---- challenges in files ---- */

/* The device's policy, that takes offline evidence for so long; 0: none. */
static void
judge_with(uint32_t max_age)
{
	static struct keeper_policy p;

	memset(&p, 0, sizeof p);
	snprintf(p.info.name, sizeof p.info.name, "pumps");
	p.info.offline_max_age_s = max_age;
	assert_int_equal(pcr_selection_add(&p.info.ask, ALG_SHA256, 0x3FF), ASSAY_OK);
	judging = &p;
}

static void
a_challenge_is_signed_recorded_and_for_this_device_alone(void **state)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	struct challenge_file f;
	struct ledger_challenge row;
	const char *file;
	json_t *j;

	(void)state;
	judge_with(3600);
	j = answer(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id}, {F_EXPIRES, "600"}));
	file = text(j, "file");
	assert_int_equal(challenge_file_parse(S(file), signing_root(keeper_signing(&keeper)), &f),
			 ASSAY_OK);
	assert_string_equal(f.device, d.id);
	assert_true(span_equal(SPAN(f.key_name.b, f.key_name.len),
			       SPAN(d.ak_name.b, d.ak_name.len)));
	assert_int_equal(f.issued, NOW);
	assert_int_equal(f.expires, NOW + 600);
	assert_int_equal(f.asked.count, 1);
	assert_int_equal(f.asked.bank[0].mask, 0x3FF);
	assert_int_equal(ledger_challenge_get(keeper.ledgers->l, f.nonce, &row), ASSAY_OK);
	assert_int_equal(row.state, CHALLENGE_OUTSTANDING);
	assert_true(pcr_selection_equal(&row.asked, &f.asked));
	json_decref(j);
	j = answer(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id}));
	assert_int_equal(json_integer_value(json_object_get(j, "expires")), NOW + 3600);
	json_decref(j);
	judging = NULL;
}

static void
no_challenge_is_issued_that_nobody_could_use(void **state)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED), p = add_device(2, DEV_PENDING);

	(void)state;
	judging = NULL;
	ask(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "no policy applies");
	judge_with(0);
	ask(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "policy pumps takes no evidence collected offline");
	judge_with(3600);
	ask(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, p.id}));
	refused(ASSAY_STATE, "pending");
	ask(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id}, {F_EXPIRES, "3601"}));
	refused(ASSAY_MALFORMED, "too old");
	ask(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id}, {F_EXPIRES, "59"}));
	refused(ASSAY_MALFORMED, "expires");
	for (unsigned i = 0; i < OFFLINE_OUTSTANDING_MAX; i++)
		json_decref(answer(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id})));
	ask(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id}));
	refused(ASSAY_STATE, "4 challenges of the device are outstanding");
	judging = NULL;
}

static void
a_challenge_is_taken_back_once_and_makes_room(void **state)
{
	struct ledger_device d = add_device(1, DEV_ENROLLED);
	struct ledger_audit a;
	char id[64];
	json_t *j, *first;

	(void)state;
	judge_with(3600);
	for (unsigned i = 0; i < OFFLINE_OUTSTANDING_MAX; i++)
		json_decref(answer(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id})));
	j = answer(OP_EVIDENCE_LIST, F({F_DEVICE, d.id}));
	assert_int_equal(json_array_size(json_object_get(j, "challenges")),
			 OFFLINE_OUTSTANDING_MAX);
	first = json_array_get(json_object_get(j, "challenges"), 2);
	snprintf(id, sizeof id, "%s", text(first, "challenge"));
	json_decref(j);
	j = answer(OP_EVIDENCE_REVOKE, F({F_CHALLENGE, id}, {F_REASON, "lost"}));
	assert_string_equal(text(j, "state"), "revoked");
	assert_string_equal(text(j, "challenge"), id);
	json_decref(j);
	last_audit(&a);
	assert_string_equal(a.action, "evidence.revoke");
	assert_string_equal(a.object, d.id);
	ask(OP_EVIDENCE_REVOKE, F({F_CHALLENGE, id}));
	refused(ASSAY_STATE, "revoked already");
	ask(OP_EVIDENCE_REVOKE, F({F_CHALLENGE, "0000000000000000"}));
	refused(ASSAY_NOT_FOUND, "there is no challenge");
	ask(OP_EVIDENCE_REVOKE, F({F_CHALLENGE, "00"}));
	refused(ASSAY_MALFORMED, "16 hex digits");
	json_decref(answer(OP_EVIDENCE_CHALLENGE, F({F_DEVICE, d.id})));
	judging = NULL;
}

static void
what_is_submitted_must_have_been_uploaded_by_the_same(void **state)
{
	(void)state;
	ask(OP_EVIDENCE_SUBMIT, NOTHING);
	refused(ASSAY_MALFORMED, "upload");
	ask(OP_EVIDENCE_SUBMIT, F({F_UPLOAD, "0123456789abcdef0123456789abcdef"}));
	refused(ASSAY_NOT_FOUND, "there is no such upload");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(i8_without_a_valid_token_nothing_is_told_or_done),
		T(i8_a_certificate_counts_within_its_own_time_and_for_nothing_else),
		T(a_certificate_is_given_as_64_digits_and_once),
		T(an_operator_who_asks_too_often_is_told_when_to_come_again),
		T(i8_every_operation_asks_for_its_role),
		T(i8_who_did_it_is_in_the_audit_log),
		T(a_message_that_is_no_operation_is_answered_and_changes_nothing),
		T(a_list_comes_in_pages_and_ends),
		T(devices_are_listed_by_class_labels_and_status),
		T(a_device_tells_how_it_stands_and_what_was_found),
		T(exactly_the_boot_that_was_shown_is_accepted),
		T(a_device_without_evidence_is_shown_as_never_attested),
		T(an_unknown_device_is_named_in_the_refusal),
		T(a_challenge_is_signed_recorded_and_for_this_device_alone),
		T(no_challenge_is_issued_that_nobody_could_use),
		T(a_challenge_is_taken_back_once_and_makes_room),
		T(what_is_submitted_must_have_been_uploaded_by_the_same),
		T(approval_needs_a_class_and_happens_once),
		T(approval_accepts_a_new_attestation_key),
		T(i1_a_name_that_is_taken_is_refused),
		T(names_classes_and_labels_have_their_form),
		T(hold_release_and_maintenance_follow_each_other_only_as_they_may),
		T(d11_maintenance_and_its_end_each_require_a_new_verdict),
		T(history_holds_decisions_and_actions_of_this_device_alone),
		T(a_token_is_told_once_and_stored_as_a_hash),
		T(two_tokens_are_never_alike),
		T(token_fields_out_of_range_are_refused),
		T(eks_are_allowed_all_or_none),
		T(an_operators_token_works_until_it_is_revoked),
		T(d7_a_captured_set_is_learned_until_exactly_its_digest_is_promoted),
		T(a_set_may_be_for_one_device_and_of_some_pcrs),
		T(no_set_is_made_of_a_device_without_good_evidence),
		T(a_policy_with_an_error_is_refused_with_its_place),
		T(a_policy_judges_only_once_it_is_activated),
		T(the_newer_version_takes_the_place_of_the_older),
		T(two_policies_of_the_same_rank_are_not_both_activated),
		T(only_a_ledger_in_fault_is_accepted),
		T(jobs_are_bounded_and_their_places_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
