/* policy_compile_reach.c: rules that can never fail, never hold, or never say anything
 * that another rule does not say; see policy_compile.h. Such a rule is a mistake: who
 * wrote it believes in a protection that is not there. */
#include "policy_source.h"

#include <stdlib.h>
#include <string.h>

#define PCR_FIRMWARE (1u << 0)
#define PCR_SECURE_BOOT (1u << 7)
#define PCRS_OF_FIRMWARE 0xFFu

static const struct yaml_node *
place(const struct compile *c, const struct rule_job *j, const char *key)
{
	const struct yaml_node *n = yaml_find(c->doc, j->at, key);

	return n ? n : j->at;
}

/* PCRs that must all be asked for, and replayed, for a fact of the boot log to be known. */
static const struct need {
	enum fact_id fact;
	uint32_t pcrs;
} needs[] = {
	{FACT_BOOT_COMPLETE, PCRS_OF_FIRMWARE},
	{FACT_BOOT_IMAGES, PCRS_OF_FIRMWARE},
	{FACT_BOOT_IMAGE, PCRS_OF_FIRMWARE},
	{FACT_BOOT_OPTION_ROMS, PCRS_OF_FIRMWARE},
	{FACT_BOOT_SECURE_BOOT, PCR_SECURE_BOOT},
	{FACT_BOOT_SETUP_MODE, PCR_SECURE_BOOT},
	{FACT_BOOT_AUDIT_MODE, PCR_SECURE_BOOT},
	{FACT_BOOT_DEPLOYED_MODE, PCR_SECURE_BOOT},
	{FACT_BOOT_DEBUGGER, PCR_SECURE_BOOT},
	{FACT_BOOT_DMA_PROTECTION_OFF, PCR_SECURE_BOOT},
	{FACT_BOOT_PK, PCR_SECURE_BOOT},
	{FACT_BOOT_KEK, PCR_SECURE_BOOT},
	{FACT_BOOT_DB, PCR_SECURE_BOOT},
	{FACT_BOOT_DBX, PCR_SECURE_BOOT},
	{FACT_BOOT_DBX_ENTRIES, PCR_SECURE_BOOT},
	{FACT_BOOT_FIRMWARE_VERSION, PCR_FIRMWARE},
};

static void
check_known(struct compile *c, const struct rule_job *j)
{
	const struct yaml_node *at = place(c, j, "fact");
	bool of_tpm = j->fact->provenance == PROV_TPM || j->fact->provenance == PROV_REPLAYED ||
		      j->fact->scope == SCOPE_LOG;

	if (of_tpm && c->asked == 0) {
		source_error(c, at, "\"%s\" is never known: ask has no PCRs", j->fact->name);
		return;
	}
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
		uint32_t missing = needs[i].pcrs & ~(c->asked & ~c->policy.unlogged);
		unsigned pcr = 0;

		if (needs[i].fact != j->rule.fact || missing == 0)
			continue;
		while ((missing >> pcr & 1) == 0)
			pcr++;
		source_error(c, at, "\"%s\" is never known: PCR %u is %s", j->fact->name, pcr,
			     c->asked >> pcr & 1 ? "in unlogged; take it out"
						 : "not in ask; add it");
	}
}

static bool
one_value(const struct rule_job *j, enum policy_op op)
{
	return j->rule.op == op && j->rule.nvalues == 1;
}

/* Whether every value that the fact may have passes. */
static bool
always_holds(const struct compile *c, const struct rule_job *j)
{
	const struct policy_value *v = &j->values[0];

	if (one_value(j, OP_AT_LEAST) && j->fact->type == FACT_NUMBER)
		return v->number == 0;
	if (one_value(j, OP_MATCHES))
		return v->text.n != 0 && strspn((const char *)v->text.p, "*") == v->text.n;
	if (one_value(j, OP_EQUALS) && j->rule.fact == FACT_DEVICE_CLASS)
		return span_equal(v->text, SPAN(c->policy.info.class_name,
						strlen(c->policy.info.class_name)));
	return false;
}

static void
check_alone(struct compile *c, const struct rule_job *j)
{
	const struct yaml_node *at = place(c, j, j->src->value ? "value" : "values");
	const char *class_name = c->policy.info.class_name;

	if (always_holds(c, j))
		source_error(c, at, "the rule holds for every value; to ask that it is known, "
				    "use \"op: present\"");
	else if (one_value(j, OP_EQUALS) && j->rule.fact == FACT_DEVICE_CLASS &&
		 strcmp(class_name, "*") != 0)
		source_error(c, at, "no device meets it: the policy judges class \"%s\" only",
			     class_name);
	for (unsigned i = 0; i < j->src->values_count; i++)
		for (unsigned k = 0; k < i; k++)
			if (strcmp(j->src->values[i], j->src->values[k]) == 0) {
				source_error(c, yaml_item(c->doc, at, i),
					     "\"%.64s\" is in the list already", j->src->values[i]);
				return;
			}
}

static bool
same_fact(const struct rule_job *a, const struct rule_job *b)
{
	return a->rule.fact == b->rule.fact && a->rule.index == b->rule.index &&
	       span_equal(a->rule.instance, b->rule.instance);
}

static bool
value_equal(const struct policy_value *a, const struct policy_value *b)
{
	if (a->type == FACT_DIGEST)
		return a->digest.alg == b->digest.alg && digest_equal(&a->digest, &b->digest);
	return a->number == b->number && span_equal(a->text, b->text);
}

static bool
same_values(const struct rule_job *a, const struct rule_job *b)
{
	if (a->rule.nvalues != b->rule.nvalues)
		return false;
	for (unsigned i = 0; i < a->rule.nvalues; i++)
		if (!value_equal(&a->values[i], &b->values[i]))
			return false;
	return true;
}

/* It has nothing to say: what it finds, an earlier one has found, at least as strictly. */
static bool
says_nothing_new(const struct rule_job *before, const struct rule_job *j)
{
	return before->rule.op == j->rule.op && before->rule.order == j->rule.order &&
	       before->rule.against == j->rule.against && same_values(before, j) &&
	       before->rule.on_fail <= j->rule.on_fail &&
	       before->rule.on_missing <= j->rule.on_missing;
}

/* low: at_least; high: at_most. */
static bool
crossed(const struct rule_job *low, const struct rule_job *high)
{
	const struct policy_value *a = &low->values[0], *b = &high->values[0];
	int d;

	if (!one_value(low, OP_AT_LEAST) || !one_value(high, OP_AT_MOST) ||
	    low->rule.order != high->rule.order)
		return false;
	if (low->rule.order != ORDER_NONE)
		return version_compare(low->rule.order, a->text, b->text, &d) == ASSAY_OK && d > 0;
	return low->fact->type == FACT_INTEGER ? (int64_t)a->number > (int64_t)b->number
					       : a->number > b->number;
}

/* No value of the fact meets both. */
static bool
exclude_each_other(const struct rule_job *a, const struct rule_job *b)
{
	bool equal = a->rule.nvalues == 1 && b->rule.nvalues == 1 &&
		     value_equal(&a->values[0], &b->values[0]);

	if (one_value(a, OP_EQUALS) && one_value(b, OP_EQUALS))
		return !equal && a->values[0].digest.alg == b->values[0].digest.alg;
	if ((one_value(a, OP_EQUALS) && one_value(b, OP_NOT_EQUALS)) ||
	    (one_value(a, OP_NOT_EQUALS) && one_value(b, OP_EQUALS)))
		return equal;
	return crossed(a, b) || crossed(b, a);
}

static void
check_pair(struct compile *c, const struct rule_job *before, const struct rule_job *j)
{
	if (!before->fact || !same_fact(before, j))
		return;
	if (says_nothing_new(before, j))
		source_error(c, j->at, "rule \"%s\" is never reached: \"%s\" says the same, as "
				       "strictly; remove one", j->src->id, before->src->id);
	else if (exclude_each_other(before, j))
		source_error(c, place(c, j, "value"),
			     "no device meets both this rule and \"%s\"", before->src->id);
}

void
policy_compile_reach(struct compile *c, const struct rule_job *jobs, unsigned n)
{
	unsigned before = c->errs->count;

	for (unsigned i = 0; i < n; i++) {
		if (!jobs[i].fact)
			continue;
		check_known(c, &jobs[i]);
		check_alone(c, &jobs[i]);
		for (unsigned k = 0; k < i && c->errs->count == before; k++)
			check_pair(c, &jobs[k], &jobs[i]);
	}
}
