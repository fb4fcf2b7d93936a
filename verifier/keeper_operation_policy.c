/* keeper_operation_policy.c: policies: added as text, compiled apart; the verifier's own
 * state. */
#include "keeper_operation.h"

#include "compiler.h"
#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#define POLICIES_SCAN_MAX 4096 /* stored, active or not */
#define DIGEST_PREFIX_MIN 8

/* ---- finding ---- */

/* Several versions share a name. The one that is meant is the only one, or the only
 * one that is (not) active, as the operation goes. */
struct match {
	const char *text;
	bool active; /* which is preferred */
	unsigned all, preferred;
	uint8_t one[32], preferred_one[32];
};

static bool
has_prefix(const struct ledger_policy *p, const char *text)
{
	char hex[65];
	size_t n = strlen(text);

	return n >= DIGEST_PREFIX_MIN && n <= 64 &&
	       hex_encode(SPAN(p->digest, 32), hex, sizeof hex) == ASSAY_OK &&
	       strncmp(hex, text, n) == 0;
}

static void
consider(struct match *m, const struct ledger_policy *p)
{
	if (strcmp(p->name, m->text) != 0 && !has_prefix(p, m->text))
		return;
	m->all++;
	memcpy(m->one, p->digest, sizeof m->one);
	if (p->active != m->active)
		return;
	m->preferred++;
	memcpy(m->preferred_one, p->digest, sizeof m->preferred_one);
}

enum assay_err
call_policy(struct call *c, bool active, struct ledger_policy *ret)
{
	char text[OPERATION_TEXT_MAX + 1];
	struct match m = {.text = text, .active = active};
	unsigned looked = 0;
	uint8_t after[32];
	enum assay_err e;

	if ((e = call_need(c, F_POLICY, text)) != ASSAY_OK)
		return e;
	e = ledger_policy_next(c->l, NULL, ret);
	while (e == ASSAY_OK && looked++ < POLICIES_SCAN_MAX) {
		consider(&m, ret);
		memcpy(after, ret->digest, sizeof after);
		e = ledger_policy_next(c->l, after, ret);
	}
	if (e != ASSAY_NOT_FOUND && e != ASSAY_OK)
		return e;
	if (m.all == 0)
		return call_fail(c, ASSAY_NOT_FOUND, "there is no policy `%.64s'", text);
	if (m.all > 1 && m.preferred != 1)
		return call_fail(c, ASSAY_DUPLICATE, "`%.64s' is %u stored policies; give the "
						     "first digits of a digest", text, m.all);
	return ledger_policy_get(c->l, m.preferred == 1 ? m.preferred_one : m.one, ret);
}

/* ---- asking ---- */

enum assay_err
operation_on_policy_list(struct call *c)
{
	const uint8_t *from = NULL;
	struct ledger_policy p;
	uint8_t after[32];
	enum assay_err e;
	uint64_t limit;
	json_t *list;

	if ((e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK)
		return e;
	if (call_has(c, F_AFTER)) {
		if ((e = call_digest(c, F_AFTER, after)) != ASSAY_OK)
			return e;
		from = after;
	}
	c->ret = json_pack("{s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "policies",
			   "next");
	list = json_object_get(c->ret, "policies");
	while (list && json_array_size(list) < limit) {
		e = ledger_policy_next(c->l, from, &p);
		if (e == ASSAY_NOT_FOUND)
			return ASSAY_OK;
		if (e != ASSAY_OK)
			return e;
		if (json_array_append_new(list, json_policy(&p)) != 0)
			return ASSAY_NO_MEMORY;
		memcpy(after, p.digest, sizeof after);
		from = after;
	}
	return json_object_set_new(c->ret, "next", json_hex(after, sizeof after))
		       ? ASSAY_NO_MEMORY
		       : ASSAY_OK;
}

enum assay_err
operation_on_policy_show(struct call *c)
{
	struct ledger_policy p;
	enum assay_err e = call_policy(c, true, &p);

	if (e != ASSAY_OK)
		return e;
	c->ret = json_policy(&p);
	return json_object_set_new(c->ret, "source", json_outside(p.source)) ? ASSAY_NO_MEMORY
									     : ASSAY_OK;
}

/* ---- adding ---- */

static enum assay_err
insert_policy(struct job *j, struct ledger_policy *p)
{
	struct call *c = &j->call;
	enum assay_err e;

	p->source = j->source;
	p->created = keeper_now(c->k);
	text_format(p->author, sizeof p->author, "%s", c->actor);
	text_format(p->comment, sizeof p->comment, "%s", j->comment);
	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	e = ledger_policy_insert(c->l, p);
	if (e == ASSAY_EXISTS)
		return call_fail(c, e, "this policy is stored already (`%s' version %u)", p->name,
				 p->version);
	if (e != ASSAY_OK || (e = call_audit(c, p->name, j->name)) != ASSAY_OK)
		return e;
	c->ret = json_policy(p);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* The compiler process has read an operator's text: its answer is checked whole. */
static enum assay_err
finish_policy(struct job *j, struct span compiled)
{
	struct ledger_policy p = {.compiled = compiled};
	struct policy_info info;
	enum assay_err e;

	if ((e = policy_info(compiled, &info)) != ASSAY_OK)
		return call_fail(&j->call, e, "the compiled policy cannot be read: %s",
				 assay_err_text(e));
	if ((e = digest_sha256(compiled, p.digest)) != ASSAY_OK)
		return e;
	text_format(p.name, sizeof p.name, "%s", info.name);
	p.version = info.version;
	return insert_policy(j, &p);
}

static enum assay_err
start_policy(struct job *j, struct span filename)
{
	size_t cap = 2 + filename.n + j->source.n;
	uint8_t *input = malloc(cap);
	struct writer w;
	enum assay_err e;

	if (!input)
		return ASSAY_NO_MEMORY;
	wr_init(&w, input, cap);
	wr_be16_bytes(&w, filename);
	wr_bytes(&w, j->source);
	e = job_start(j, COMPILE_POLICY, wr_span(&w));
	free(input);
	return e;
}

static enum assay_err
keep_source(struct job *j, struct span source)
{
	uint8_t *copy = malloc(source.n);

	if (!copy)
		return ASSAY_NO_MEMORY;
	memcpy(copy, source.p, source.n);
	j->source = SPAN(copy, source.n);
	return ASSAY_OK;
}

enum assay_err
operation_on_policy_add(struct call *c)
{
	char filename[OPERATION_TEXT_MAX + 1], comment[LEDGER_TEXT_MAX];
	struct job *j = NULL;
	enum assay_err e;

	if (!call_has(c, F_FILE))
		return call_fail(c, ASSAY_MALFORMED, "file: is required");
	call_text(c, F_FILENAME, filename, sizeof filename);
	if (!*filename)
		text_format(filename, sizeof filename, "policy");
	if ((e = call_reason(c, comment)) != ASSAY_OK || (e = job_new(c, &j)) != ASSAY_OK)
		return e;
	memcpy(j->comment, comment, sizeof j->comment);
	text_format(j->name, sizeof j->name, "%.60s", filename);
	j->finish = finish_policy;
	if ((e = keep_source(j, c->op.field[F_FILE])) != ASSAY_OK ||
	    (e = start_policy(j, SPAN(filename, strlen(filename)))) != ASSAY_OK) {
		job_free(j);
		return e;
	}
	c->later = true;
	return ASSAY_OK;
}

/* ---- the verifier itself ---- */

static enum assay_err
add_counts(struct call *c)
{
	json_t *counts = json_object();
	int bad = json_object_set_new(c->ret, "devices", counts);

	for (unsigned s = DEV_NONE + 1; s < DEV_STATUS_COUNT; s++) {
		uint32_t n = 0;
		enum assay_err e = ledger_device_count(c->l, s, &n);

		if (e != ASSAY_OK)
			return e;
		bad |= json_object_set_new(counts, device_status_name(s), json_integer(n));
	}
	return bad ? ASSAY_NO_MEMORY : ASSAY_OK;
}

static enum assay_err
add_certificates(struct call *c, const struct keeper_status *s)
{
	const struct {
		const char *listener;
		int64_t end;
	} certificates[] = {{"devices", s->devices_certificate},
			    {"console", s->console_certificate}};
	json_t *list = json_array();
	int bad = 0;

	if (json_object_set_new(c->ret, "certificates", list) != 0)
		return ASSAY_NO_MEMORY;
	for (size_t i = 0; i < sizeof certificates / sizeof certificates[0]; i++)
		if (certificates[i].end)
			bad |= json_array_append_new(
				list, json_pack("{s:s, s:I}", "listener", certificates[i].listener,
						"expires", (json_int_t)certificates[i].end));
	return bad ? ASSAY_NO_MEMORY : ASSAY_OK;
}

enum assay_err
operation_on_status(struct call *c)
{
	struct keeper_status s = {0};
	json_t *rollouts = NULL;
	enum assay_err e;

	keeper_status(c->k, &s);
	c->ret = json_pack("{s:s, s:I, s:I, s:i, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			   "version", ASSAY_VERSION, "now", (json_int_t)keeper_now(c->k), "started",
			   (json_int_t)s.started, "port", s.port, "pin", keeper_tls_pin(c->k),
			   "ledger_fault", s.ledger_fault, "head", (json_int_t)s.head, "sessions",
			   (json_int_t)s.sessions, "proved_sessions",
			   (json_int_t)s.proved_sessions, "attestations",
			   (json_int_t)s.attestations, "refusals", (json_int_t)s.refusals,
			   "children_restarted", (json_int_t)s.children_restarted, "queue_depth",
			   (json_int_t)s.queue_depth, "commits", (json_int_t)s.commits);
	if (!c->ret)
		return ASSAY_NO_MEMORY;
	if ((e = add_certificates(c, &s)) != ASSAY_OK ||
	    (e = json_rollouts(c, &rollouts)) != ASSAY_OK)
		return e;
	if (json_object_set_new(c->ret, "rollouts", rollouts) != 0)
		return ASSAY_NO_MEMORY;
	return add_counts(c);
}

/* Only in fault mode: otherwise it would throw good verdicts away. The ledger itself
 * writes who it was into the audit log. */
enum assay_err
operation_on_ledger_accept(struct call *c)
{
	struct keeper_status s = {0};
	enum assay_err e;

	keeper_status(c->k, &s);
	if (!s.ledger_fault)
		return call_fail(c, ASSAY_STATE, "the ledger is not in fault mode");
	if ((e = keeper_change(c->k)) != ASSAY_OK ||
	    (e = ledger_accept(c->l, c->actor, keeper_now(c->k))) != ASSAY_OK ||
	    (e = keeper_fault_ended(c->k)) != ASSAY_OK || (e = keeper_reload(c->k)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:b}", "ledger_fault", 0);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}
