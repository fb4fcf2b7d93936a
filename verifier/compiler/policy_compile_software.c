/* policy_compile_software.c: section `software` of a policy file; see policy_compile.h. */
#include "policy_source.h"

#include <string.h>

struct item_job {
	const struct source_software *src;
	const struct yaml_node *at;
	struct policy_software *ret;
};

static const struct yaml_node *
place(const struct compile *c, const struct item_job *j, const char *key)
{
	const struct yaml_node *n = yaml_find(c->doc, j->at, key);

	return n ? n : j->at;
}

/* Findings tell an item by the field that tells a rule. */
static void
compile_name(struct compile *c, const struct item_job *j, unsigned i)
{
	const struct yaml_node *at = place(c, j, "name");

	j->ret->name = SPAN(j->src->name, strlen(j->src->name));
	if (!source_printable(j->src->name))
		source_error(c, at, "an item's name is printable ASCII");
	for (unsigned k = 0; k < i; k++)
		if (strcmp(c->src->software.items[k].name, j->src->name) == 0)
			source_error(c, at, "item \"%s\" stands twice", j->src->name);
}

static void
compile_versions(struct compile *c, const struct item_job *j)
{
	const struct source_software *s = j->src;
	struct policy_software *r = j->ret;

	r->order = (enum version_order)s->order;
	if (s->at_least && !s->order) {
		source_error(c, place(c, j, "at_least"),
			     "versions need \"order: semver\" or \"order: debian\"");
	} else if (s->at_least) {
		r->at_least = SPAN(s->at_least, strlen(s->at_least));
		if (!version_valid(r->order, r->at_least))
			source_error(c, place(c, j, "at_least"), "\"%s\" is no %s version",
				     s->at_least, version_order_name(r->order));
	}
	if (s->rollback && !s->order)
		source_error(c, place(c, j, "rollback"),
			     "rollback needs \"order: semver\" or \"order: debian\"");
	r->follow = s->rollback == SRC_FOLLOW;
	r->rollback = r->follow || !s->order ? OUTCOME_ADMIT
					     : source_outcome(s->rollback, OUTCOME_QUARANTINE);
}

static void
compile_outcomes(struct compile *c, const struct item_job *j)
{
	const struct source_software *s = j->src;
	struct policy_software *r = j->ret;

	r->unchecked = s->unchecked;
	r->on_fail = source_outcome(s->on_fail, OUTCOME_QUARANTINE);
	r->on_missing = source_outcome(s->on_missing, (enum outcome)r->on_fail);
	if (r->on_missing > r->on_fail)
		source_error(c, place(c, j, "on_missing"),
			     "on_missing is milder than on_fail: whoever changes an item could "
			     "as well leave it out");
	r->severity = (uint8_t)(s->severity                        ? s->severity - 1
				: r->on_fail == OUTCOME_QUARANTINE ? SEV_HIGH
								   : SEV_MEDIUM);
	r->remediation = source_remediation(c, place(c, j, "remediation"), s->remediation);
}

void
policy_compile_software(struct compile *c)
{
	const struct policy_source *s = c->src;
	const struct yaml_node *list = source_at(c, "software", "items");

	c->policy.software_learned = source_outcome(s->software.learned, OUTCOME_RESTRICT);
	c->policy.software_others = s->software.others != SRC_OUT_UNSAID;
	c->policy.software_other = source_outcome(s->software.others, OUTCOME_ADMIT);
	for (unsigned i = 0; i < s->software.items_count; i++) {
		struct item_job j = {
			.src = &s->software.items[i],
			.at = yaml_item(c->doc, list, i),
			.ret = &c->policy.software[i],
		};

		compile_name(c, &j, i);
		compile_versions(c, &j);
		compile_outcomes(c, &j);
		c->policy.nsoftware++;
	}
}
