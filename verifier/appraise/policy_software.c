/* policy_software.c: what a policy asks of software: section `software`; see policy.h. */
#include "policy.h"

#include "pack.h"

#include <string.h>

/* A lowest version, and one that may not go back, need an order. */
static bool
item_sound(const struct policy_software *s)
{
	if (s->name.n == 0 || s->name.n > POLICY_ITEM_MAX || s->on_missing > s->on_fail)
		return false;
	if (s->at_least.n != 0)
		return version_valid(s->order, s->at_least);
	return s->order != ORDER_NONE || (!s->follow && s->rollback == OUTCOME_ADMIT);
}

void
policy_write_software(struct writer *w, const struct policy *p)
{
	pack_bool(w, p->software_others);
	pack_below(w, p->software_other, OUTCOME_COUNT);
	pack_below(w, p->software_learned, OUTCOME_ADMIT);
	pack_below(w, p->nsoftware, POLICY_SOFTWARE_MAX + 1);
	for (size_t i = 0; i < p->nsoftware && w->err == ASSAY_OK; i++) {
		const struct policy_software *s = &p->software[i];

		pack_span_text(w, s->name, POLICY_ITEM_MAX);
		pack_bool(w, s->unchecked);
		pack_below(w, s->order, ORDER_COUNT);
		pack_span_text(w, s->at_least, VERSION_TEXT_MAX);
		pack_below(w, s->on_fail, OUTCOME_COUNT);
		pack_below(w, s->on_missing, OUTCOME_COUNT);
		pack_below(w, s->rollback, OUTCOME_COUNT);
		pack_bool(w, s->follow);
		pack_below(w, s->severity, SEV_COUNT);
		pack_span_text(w, s->remediation, FINDING_REMEDY_MAX - 1);
		if (!item_sound(s))
			wr_fail(w, ASSAY_MALFORMED);
	}
}

void
policy_read_software(struct reader *r, struct policy *ret)
{
	ret->software_others = unpack_bool(r);
	ret->software_other = unpack_below(r, OUTCOME_COUNT);
	ret->software_learned = unpack_below(r, OUTCOME_ADMIT);
	ret->nsoftware = unpack_below(r, POLICY_SOFTWARE_MAX + 1);
	for (size_t i = 0; i < ret->nsoftware && r->err == ASSAY_OK; i++) {
		struct policy_software *s = &ret->software[i];

		s->name = unpack_span_text(r, POLICY_ITEM_MAX);
		s->unchecked = unpack_bool(r);
		s->order = (enum version_order)unpack_below(r, ORDER_COUNT);
		s->at_least = unpack_span_text(r, VERSION_TEXT_MAX);
		s->on_fail = unpack_below(r, OUTCOME_COUNT);
		s->on_missing = unpack_below(r, OUTCOME_COUNT);
		s->rollback = unpack_below(r, OUTCOME_COUNT);
		s->follow = unpack_bool(r);
		s->severity = unpack_below(r, SEV_COUNT);
		s->remediation = unpack_span_text(r, FINDING_REMEDY_MAX - 1);
		if (r->err == ASSAY_OK && !item_sound(s))
			rd_fail(r, ASSAY_MALFORMED);
	}
}
