/* policy_eval.c: the rules of a policy over the facts. See appraisal.h. */
#include "appraisal.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

static void
value_text(const struct policy_value *v, char *ret, size_t cap)
{
	switch (v->type) {
	case FACT_BOOL:
		text_format(ret, cap, "%s", v->number ? "true" : "false");
		break;
	case FACT_NUMBER:
		text_format(ret, cap, "%" PRIu64, v->number);
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

	text_format(ret, cap, "%s", policy_op_name(r.op));
	while (policy_next_value(&r, &v)) {
		value_text(&v, one, sizeof one);
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
		return span_equal(f->text, v->text);
	case FACT_DIGEST:
		return digest_equal(&f->digest, &v->digest);
	default:
		return f->number == v->number;
	}
}

enum truth { RULE_MISSING, RULE_FAILS, RULE_HOLDS };

/* One value against the fact; a digest against the fact in the value's algorithm. */
static enum truth
compare(const struct fact_set *s, const struct policy_rule *r, const struct policy_value *v)
{
	uint16_t alg = v->type == FACT_DIGEST ? v->digest.alg : (uint16_t)ALG_NONE;
	const struct fact_value *f = factset_find(s, r->fact, r->index, alg);
	bool holds;

	if (!f)
		return RULE_MISSING;
	switch (r->op) {
	case OP_EQUALS:
	case OP_IN:
	case OP_NOT_EQUALS:
	case OP_NOT_IN:
		holds = value_equal(f, v);
		break;
	case OP_MATCHES:
		holds = text_matches(v->text, f->text);
		break;
	case OP_AT_LEAST:
		holds = f->number >= v->number;
		break;
	case OP_AT_MOST:
		holds = f->number <= v->number;
		break;
	default:
		holds = false;
	}
	return holds ? RULE_HOLDS : RULE_FAILS;
}

/*
 * Whether a rule holds. A value of which nothing is known counts as missing, in
 * "not_in" above all: that a digest is not on a list is known only if there is one.
 */
static enum truth
evaluate(const struct fact_set *s, struct policy_rule r)
{
	bool negative = r.op == OP_NOT_EQUALS || r.op == OP_NOT_IN, missing = false, equal = false;
	struct policy_value v;

	if (!factset_find(s, r.fact, r.index, ALG_NONE))
		return RULE_MISSING;
	if (r.op == OP_PRESENT)
		return RULE_HOLDS;
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
rule_finding(struct appraisal *a, const struct policy_rule *r, enum truth t)
{
	const struct fact_value *seen = factset_find(a->facts, r->fact, r->index, ALG_NONE);
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
	fact_subject(r->fact, r->index, f->subject, sizeof f->subject);
	if (r->remediation.n != 0)
		text_escape(r->remediation, f->remedy, sizeof f->remedy);
	expected_text(*r, f->expected, sizeof f->expected);
	if (!seen)
		return;
	f->pcr = seen->id == FACT_PCR ? seen->index : seen->pcr;
	f->event = seen->event;
	fact_value_text(seen, f->seen, sizeof f->seen);
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
			continue;
		}
		if (judged_before(a, r.fact))
			continue;
		t = evaluate(a->facts, r);
		if (t != RULE_HOLDS)
			rule_finding(a, &r, t);
	}
	if (p.rules.err == ASSAY_OK)
		return;
	struct finding *f = find(a, FIND_POLICY_INVALID, OUTCOME_QUARANTINE);
	text_format(f->seen, sizeof f->seen, "%s", assay_err_text(p.rules.err));
}
