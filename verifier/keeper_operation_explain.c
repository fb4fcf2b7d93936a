/* keeper_operation_explain.c: `policy explain`: each rule with the fact it saw. Of a policy
 * in monitor mode, what it would say; then the same of the one that is enforced meanwhile. */
#include "keeper_operation.h"

#include "verifier/appraise/explain.h"

#include <stdlib.h>
#include <string.h>

static json_t *
json_rule(const struct told_rule *t)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s}", "id", t->id, "fact", t->fact,
			 "state", told_state_name((enum told_state)t->state), "seen",
			 json_text(t->seen), "expected", json_text(t->expected), "provenance",
			 provenance_name((enum provenance)t->provenance), "allows",
			 outcome_name((enum outcome)t->cap));
}

static json_t *
json_other(const struct finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "word",
			 finding_word((enum finding_code)f->code), "text", f->text, "cap",
			 outcome_name((enum outcome)f->cap), "subject", json_text(f->subject),
			 "seen", json_text(f->seen), "expected", json_text(f->expected),
			 "severity", severity_name((enum severity)f->severity));
}

static json_t *
json_told(struct keeper *k, const struct told *t)
{
	static const char *const missing[] = {"", "claims", "boot log", "IMA list", "files"};
	struct ledger_policy p;
	json_t *j = json_pack("{s:s, s:o, s:o, s:n, s:[], s:[], s:i}", "outcome",
			      outcome_name((enum outcome)t->outcome), "missing",
				      json_text(t->need < 5 ? missing[t->need] : "evidence"),
			      "digest", json_hex(t->policy, 32), "policy", "rules", "findings",
			      "more_findings", (int)t->nothers_more);
	int bad = 0;

	if (ledger_policy_get(keeper_ledger(k), t->policy, &p) == ASSAY_OK)
		bad |= json_object_set_new(j, "policy",
					   json_pack("{s:s, s:I}", "name", p.name, "version",
						     (json_int_t)p.version));
	for (unsigned i = 0; i < t->nrules; i++)
		bad |= json_array_append_new(json_object_get(j, "rules"), json_rule(&t->rules[i]));
	for (unsigned i = 0; i < t->nothers; i++)
		bad |= json_array_append_new(json_object_get(j, "findings"),
					     json_other(&t->others[i]));
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

/* Takes the answer, or has an error to tell. */
static void
answer(struct keeper *k, struct job *j, enum assay_err e)
{
	char *text = e == ASSAY_OK ? json_dumps(j->call.ret, JSON_COMPACT | JSON_ENSURE_ASCII)
				   : NULL;

	if (e == ASSAY_OK && !text)
		e = ASSAY_NO_MEMORY;
	keeper_reply(k, j->call.id, e,
		     e == ASSAY_OK ? text : "the stored evidence could not be judged once more");
	free(text);
	job_free(j);
}

/* What an appraiser told of one policy; NULL: it could not. */
static json_t *
take_told(struct keeper *k, enum assay_err e, const struct told *t)
{
	if (e != ASSAY_OK || t->status == VERDICT_FAULT || t->status == VERDICT_UNPROVEN)
		return NULL;
	return json_told(k, t);
}

/* What the device gets: as the policy that is enforced says. */
static void
on_enforced(struct keeper *k, void *arg, enum assay_err e, const struct told *t)
{
	struct job *j = arg;
	json_t *told = take_told(k, e, t);

	e = ASSAY_INTERNAL;
	if (told &&
	    json_object_set(j->call.ret, "outcome", json_object_get(told, "outcome")) == 0 &&
	    json_object_set_new(j->call.ret, "enforced", json_incref(told)) == 0)
		e = ASSAY_OK;
	json_decref(told);
	answer(k, j, e);
}

/* In monitor mode: "outcome" is not what it said, which is the "would". True: on_enforced()
 * goes on. */
static bool
ask_enforced(struct keeper *k, struct job *j, enum assay_err *ret)
{
	json_t *out = j->call.ret;

	*ret = ASSAY_NO_MEMORY;
	if (json_object_set(out, "would", json_object_get(out, "outcome")) != 0 ||
	    json_object_set_new(out, "outcome", json_string(outcome_name(OUTCOME_QUARANTINE))) != 0)
		return false;
	*ret = keeper_explain_enforced(k, &j->device, on_enforced, j);
	if (*ret == ASSAY_NOT_FOUND) {
		*ret = ASSAY_OK;
		return false;
	}
	return *ret == ASSAY_OK;
}

static void
on_told(struct keeper *k, void *arg, enum assay_err e, const struct told *t)
{
	struct job *j = arg;
	json_t *told = take_told(k, e, t);

	j->call.ret = told;
	e = told && json_object_set_new(told, "monitor", json_boolean(t->monitor)) == 0 &&
			    json_object_set_new(told, "would", json_null()) == 0 &&
			    json_object_set_new(told, "enforced", json_null()) == 0
		    ? ASSAY_OK
		    : ASSAY_INTERNAL;
	if (e == ASSAY_OK && t->monitor && ask_enforced(k, j, &e))
		return;
	answer(k, j, e);
}

enum assay_err
operation_on_policy_explain(struct call *c)
{
	static struct ledger_device d;
	struct job *j = NULL;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK)
		return e;
	if (d.status != DEV_ENROLLED)
		return call_fail(c, ASSAY_STATE, "the device is %s, not enrolled",
				 device_status_name(d.status));
	if ((e = job_new(c, &j)) != ASSAY_OK)
		return e;
	j->device = d;
	e = keeper_explain(c->k, &d, on_told, j);
	if (e != ASSAY_OK) {
		job_free(j);
		return e == ASSAY_NOT_FOUND
			       ? call_fail(c, ASSAY_STATE, "the device has given no authentic "
							   "evidence yet")
			       : e;
	}
	c->later = true;
	return ASSAY_OK;
}
