/* policy_eval.c: the rules of a policy over the facts. See appraisal.h. */
#include "appraisal.h"

#include "policy_recall.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static void
value_text(enum fact_id id, const struct policy_value *v, char *ret, size_t cap)
{
	switch (v->type) {
	case FACT_BOOL:
		text_format(ret, cap, "%s", v->number ? "true" : "false");
		break;
	case FACT_NUMBER:
	case FACT_INTEGER:
		fact_number_text(id, v->number, ret, cap);
		break;
	case FACT_TIME:
		fact_time_text((int64_t)v->number, ret, cap);
		break;
	case FACT_DIGEST:
		fact_digest_text(&v->digest, ret, cap);
		break;
	default:
		text_escape(v->text, ret, cap);
	}
}

static void
expected_text(struct policy_rule r, char *ret, size_t cap)
{
	char one[FINDING_VALUE_MAX];
	struct policy_value v;
	const char *sep = " ";
	size_t n;

	text_format(ret, cap, "%s%s", policy_op_name(r.op),
		    r.against == AGAINST_BASELINE    ? " baseline"
		    : r.against == AGAINST_REFERENCE ? " reference"
						     : "");
	while (policy_next_value(&r, &v)) {
		value_text(r.fact, &v, one, sizeof one);
		n = strlen(ret);
		text_format(ret + n, cap - n, "%s%s", sep, one);
		sep = ", ";
	}
}

static bool
value_equal(const struct fact_value *f, const struct policy_value *v)
{
	switch (v->type) {
	case FACT_TEXT:
	case FACT_LIST:
		return span_equal(f->text, v->text);
	case FACT_DIGEST:
		return digest_equal(&f->digest, &v->digest);
	default:
		return f->number == v->number;
	}
}

enum truth { RULE_MISSING, RULE_FAILS, RULE_HOLDS };

static const struct fact_value *
fact_of(const struct fact_set *s, const struct policy_rule *r, uint16_t alg)
{
	return r->instance.n != 0 ? factset_find_instance(s, r->fact, r->instance, alg)
				  : factset_find(s, r->fact, r->index, alg);
}

/* A number by its value; a text by the rule's order, in which what is no version has no
 * place: then it is neither at least nor at most anything. */
static bool
in_order(const struct fact_value *f, const struct policy_rule *r, const struct policy_value *v)
{
	int d;

	if (v->type == FACT_INTEGER)
		return r->op == OP_AT_LEAST ? (int64_t)f->number >= (int64_t)v->number
					    : (int64_t)f->number <= (int64_t)v->number;
	if (r->order == ORDER_NONE)
		return r->op == OP_AT_LEAST ? f->number >= v->number : f->number <= v->number;
	if (version_compare(r->order, f->text, v->text, &d) != ASSAY_OK)
		return false;
	return r->op == OP_AT_LEAST ? d >= 0 : d <= 0;
}

/* One value against the fact; a digest against the fact in the value's algorithm. */
static enum truth
compare(const struct fact_set *s, const struct policy_rule *r, const struct policy_value *v)
{
	uint16_t alg = v->type == FACT_DIGEST ? v->digest.alg : (uint16_t)ALG_NONE;
	const struct fact_value *f = fact_of(s, r, alg);
	bool holds;

	if (!f)
		return RULE_MISSING;
	switch (r->op) {
	case OP_NOT_IN:
		holds = v->type == FACT_LIST ? text_has_word(f->text, v->text) : value_equal(f, v);
		break;
	case OP_EQUALS:
	case OP_IN:
	case OP_NOT_EQUALS:
		holds = value_equal(f, v);
		break;
	case OP_MATCHES:
		holds = text_matches(v->text, f->text);
		break;
	case OP_AT_LEAST:
	case OP_AT_MOST:
		holds = in_order(f, r, v);
		break;
	default:
		holds = false;
	}
	return holds ? RULE_HOLDS : RULE_FAILS;
}

static bool
matches_some(struct policy_rule r, struct span word)
{
	struct policy_value v;

	while (policy_next_value(&r, &v))
		if (text_matches(v.text, word))
			return true;
	return false;
}

/* Each word of the list; an empty list is a subset of every other. */
static enum truth
subset(const struct fact_value *f, const struct policy_rule *r)
{
	struct span rest = f->text, word;

	while ((word = text_next_word(&rest)).n != 0)
		if (!matches_some(*r, word))
			return RULE_FAILS;
	return RULE_HOLDS;
}

static enum recall
recall(const struct appraisal *a, const struct policy_rule *r, const struct fact_value *f,
       char text[FINDING_VALUE_MAX])
{
	return r->against == AGAINST_BASELINE ? recall_baseline(a, f, text, FINDING_VALUE_MAX)
					      : recall_list(a, f, text, FINDING_VALUE_MAX);
}

/* A set that says nothing of the fact proves nothing. */
static enum truth
against_sets(const struct appraisal *a, const struct policy_rule *r)
{
	static const enum truth truths[] = {[RECALL_NONE] = RULE_MISSING,
					    [RECALL_DIFFERS] = RULE_FAILS,
					    [RECALL_EQUAL] = RULE_HOLDS};
	char text[FINDING_VALUE_MAX];

	return truths[recall(a, r, fact_of(a->facts, r, ALG_NONE), text)];
}

/*
 * Whether a rule holds. A value of which nothing is known counts as missing, in
 * "not_in" above all: that a digest is not on a list is known only if there is one.
 */
static enum truth
evaluate(const struct appraisal *a, struct policy_rule r)
{
	const struct fact_set *s = a->facts;
	bool negative = r.op == OP_NOT_EQUALS || r.op == OP_NOT_IN, missing = false, equal = false;
	struct policy_value v;

	if (!fact_of(s, &r, ALG_NONE))
		return RULE_MISSING;
	if (r.op == OP_PRESENT)
		return RULE_HOLDS;
	if (r.against != AGAINST_VALUES)
		return against_sets(a, &r);
	if (r.op == OP_SUBSET_OF)
		return subset(fact_of(s, &r, ALG_NONE), &r);
	while (policy_next_value(&r, &v)) {
		enum truth t;

		if (v.type != fact_info(r.fact)->type)
			return RULE_FAILS;
		t = compare(s, &r, &v);
		missing |= t == RULE_MISSING;
		equal |= t == RULE_HOLDS;
	}
	if (r.values.err != ASSAY_OK)
		return RULE_MISSING;
	if (equal)
		return negative ? RULE_FAILS : RULE_HOLDS;
	if (missing)
		return RULE_MISSING;
	return negative ? RULE_HOLDS : RULE_FAILS;
}

static void
add_recalled(const struct appraisal *a, const struct policy_rule *r,
	     const struct fact_value *seen, struct finding *f)
{
	char text[FINDING_VALUE_MAX];
	size_t n = strlen(f->expected);

	if (recall(a, r, seen, text) == RECALL_NONE)
		text_format(f->expected + n, sizeof f->expected - n,
			    r->against == AGAINST_BASELINE ? " (there is none with this fact)"
							   : " (no set has this list)");
	else
		text_format(f->expected + n, sizeof f->expected - n, ": %.200s", text);
}

static void
rule_finding(struct appraisal *a, const struct policy_rule *r, enum truth t)
{
	const struct fact_value *seen = fact_of(a->facts, r, ALG_NONE);
	const struct fact_info *info = fact_info(r->fact);
	enum outcome cap = (enum outcome)(t == RULE_MISSING ? r->on_missing : r->on_fail);
	struct finding *f;

	/* an optional rule says nothing where it asks for nothing */
	if (t == RULE_MISSING && r->optional && cap == OUTCOME_ADMIT)
		return;
	f = find(a, t == RULE_MISSING ? FIND_FACT_MISSING : FIND_RULE, cap);
	f->sticky = info->scope == SCOPE_BOOT || (info->scope == SCOPE_LOG && a->log_judged);
	f->severity = r->severity;
	f->provenance = (uint8_t)info->provenance;
	text_escape(r->id, f->rule, sizeof f->rule);
	expected_text(*r, f->expected, sizeof f->expected);
	if (seen && r->against != AGAINST_VALUES)
		add_recalled(a, r, seen, f);
	if (seen) {
		f->pcr = seen->id == FACT_PCR ? seen->index : seen->pcr;
		f->event = seen->event;
		fact_value_text(seen, f->seen, sizeof f->seen);
		fact_value_name(seen, f->subject, sizeof f->subject);
	} else if (r->instance.n != 0) {
		text_escape(r->fact_name, f->subject, sizeof f->subject);
	} else {
		fact_subject(r->fact, r->index, f->subject, sizeof f->subject);
	}
	find_remedy(a, f, r->remediation);
}

/* A rule over a fact that this build does not have cannot be judged, so it fails. */
static void
unknown_fact(struct appraisal *a, const struct policy_rule *r)
{
	struct finding *f = find(a, FIND_POLICY_INVALID, OUTCOME_QUARANTINE);

	text_escape(r->id, f->rule, sizeof f->rule);
	text_escape(r->fact_name, f->subject, sizeof f->subject);
	text_format(f->seen, sizeof f->seen, "a fact that this verifier does not know");
}

/* What a device without TPM has to be judged by. */
static bool
speaks_of_software(enum fact_id id)
{
	const char *name = fact_info(id)->name;

	return strncmp(name, "software.", 9) == 0 || id == FACT_DICE_CODE ||
	       id == FACT_DICE_CONFIG || id == FACT_DICE_AUTHORITY || id == FACT_DICE_SVN ||
	       id == FACT_DICE_SIGNER;
}

/* For people who ask what the policy says, also where it says nothing bad. */
static void
tell(struct appraisal *a, const struct policy_rule *r, enum told_state state)
{
	const struct fact_value *seen = fact_of(a->facts, r, ALG_NONE);
	const struct fact_info *info = fact_info(r->fact);
	struct told_rule *t = appraisal_tell(a, r->id);

	if (!t)
		return;
	t->state = (uint8_t)state;
	t->cap = state == TOLD_FAILS     ? r->on_fail
		 : state == TOLD_MISSING ? r->on_missing
					 : (uint8_t)OUTCOME_ADMIT;
	t->provenance = (uint8_t)(info ? info->provenance : PROV_NONE);
	if (r->index >= 0)
		fact_subject(r->fact, r->index, t->fact, sizeof t->fact);
	else
		text_escape(r->fact_name, t->fact, sizeof t->fact);
	expected_text(*r, t->expected, sizeof t->expected);
	if (seen)
		fact_value_text(seen, t->seen, sizeof t->seen);
}

static enum told_state
state_of(const struct policy_rule *r, enum truth t)
{
	if (t == RULE_HOLDS)
		return TOLD_HOLDS;
	if (t == RULE_FAILS)
		return TOLD_FAILS;
	return r->optional && r->on_missing == OUTCOME_ADMIT ? TOLD_WAIVED : TOLD_MISSING;
}

static bool
judged_before(const struct appraisal *a, enum fact_id id)
{
	return fact_info(id)->scope == SCOPE_LOG && a->steady;
}

void
policy_judge(struct appraisal *a)
{
	struct policy p = a->policy;
	struct policy_rule r;
	enum truth t;

	if (!a->has_policy)
		return;
	while (policy_next_rule(&p, &r)) {
		if (r.fact == FACT_NONE) {
			unknown_fact(a, &r);
			tell(a, &r, TOLD_MISSING);
			continue;
		}
		if (judged_before(a, r.fact)) {
			tell(a, &r, TOLD_NOT_JUDGED);
			continue;
		}
		t = evaluate(a, r);
		tell(a, &r, state_of(&r, t));
		if (t != RULE_HOLDS)
			rule_finding(a, &r, t);
		else if (r.op != OP_PRESENT && speaks_of_software(r.fact))
			a->judged = true;
	}
	if (p.rules.err == ASSAY_OK)
		return;
	struct finding *f = find(a, FIND_POLICY_INVALID, OUTCOME_QUARANTINE);
	text_format(f->seen, sizeof f->seen, "%s", assay_err_text(p.rules.err));
}
