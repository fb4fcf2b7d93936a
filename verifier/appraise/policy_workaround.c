/* policy_workaround.c: what a model's firmware is known to measure wrongly; see policy.h.
 *
 * L20: by name, for a model, in given PCRs, with a reason; never for everybody. */
#include "policy.h"

#include "pack.h"
#include "text.h"

#include <string.h>

bool
policy_pattern_names(struct span pattern)
{
	for (size_t i = 0; i < pattern.n; i++)
		if (pattern.p[i] != '*' && pattern.p[i] != '?')
			return true;
	return false;
}

/* A policy for one class is for its model. */
static bool
workaround_sound(const struct policy *p, const struct policy_workaround *w)
{
	return w->id.n != 0 && w->finding.n != 0 && w->reason.n != 0 && w->pcrs != 0 &&
	       (w->pcrs >> PCR_COUNT) == 0 && !(w->any_type && w->type != 0) &&
	       (policy_pattern_names(w->manufacturer) || policy_pattern_names(w->model) ||
		policy_pattern_names(w->firmware) || strcmp(p->info.class_name, "*") != 0);
}

void
policy_write_workarounds(struct writer *w, const struct policy *p)
{
	pack_below(w, p->nworkarounds, POLICY_WORKAROUNDS_MAX + 1);
	for (size_t i = 0; i < p->nworkarounds && w->err == ASSAY_OK; i++) {
		const struct policy_workaround *k = &p->workarounds[i];

		pack_span_text(w, k->id, FINDING_RULE_MAX - 1);
		pack_span_text(w, k->finding, FINDING_SUBJECT_MAX - 1);
		pack_span_text(w, k->manufacturer, POLICY_PATTERN_MAX);
		pack_span_text(w, k->model, POLICY_PATTERN_MAX);
		pack_span_text(w, k->firmware, POLICY_PATTERN_MAX);
		wr_be32(w, k->pcrs);
		pack_bool(w, k->any_type);
		wr_be32(w, k->type);
		pack_span_text(w, k->reason, POLICY_REASON_MAX);
		if (!workaround_sound(p, k))
			wr_fail(w, ASSAY_MALFORMED);
	}
}

void
policy_read_workarounds(struct reader *r, struct policy *ret)
{
	ret->nworkarounds = unpack_below(r, POLICY_WORKAROUNDS_MAX + 1);
	for (size_t i = 0; i < ret->nworkarounds && r->err == ASSAY_OK; i++) {
		struct policy_workaround *k = &ret->workarounds[i];

		k->id = unpack_span_text(r, FINDING_RULE_MAX - 1);
		k->finding = unpack_span_text(r, FINDING_SUBJECT_MAX - 1);
		k->manufacturer = unpack_span_text(r, POLICY_PATTERN_MAX);
		k->model = unpack_span_text(r, POLICY_PATTERN_MAX);
		k->firmware = unpack_span_text(r, POLICY_PATTERN_MAX);
		k->pcrs = rd_be32(r);
		k->any_type = unpack_bool(r);
		k->type = rd_be32(r);
		k->reason = unpack_span_text(r, POLICY_REASON_MAX);
		if (r->err == ASSAY_OK && !workaround_sound(ret, k))
			rd_fail(r, ASSAY_MALFORMED);
	}
}

static bool
is_of(struct span pattern, struct span known)
{
	return pattern.n == 0 || (known.n != 0 && text_matches(pattern, known));
}

static bool
covers(const struct policy_workaround *k, const struct policy_oddity *o)
{
	return span_equal(k->finding, SPAN(o->finding, strlen(o->finding))) && o->pcr >= 0 &&
	       o->pcr < PCR_COUNT && (k->pcrs >> o->pcr & 1) &&
	       (k->any_type || (o->has_type && o->type == k->type)) &&
	       is_of(k->manufacturer, o->manufacturer) && is_of(k->model, o->model) &&
	       is_of(k->firmware, o->firmware);
}

const struct policy_workaround *
policy_tolerates(const struct policy *p, const struct policy_oddity *o)
{
	for (size_t i = 0; i < p->nworkarounds; i++)
		if (covers(&p->workarounds[i], o))
			return &p->workarounds[i];
	return NULL;
}
