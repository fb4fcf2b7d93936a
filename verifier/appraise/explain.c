/* explain.c: see explain.h. */
#include "explain.h"

#include "appraisal.h"
#include "pack.h"
#include "verdict_pack.h"

#include <string.h>

#define TOLD_FORM 0x45

const char *
told_state_name(enum told_state s)
{
	static const char *const names[TOLD_STATE_COUNT] = {"holds", "fails", "missing",
								 "waived", "not-judged"};

	return (unsigned)s < TOLD_STATE_COUNT ? names[s] : "unknown";
}

/* Findings of a rule are told with the rule. */
static bool
is_explained(const struct told *x, const struct finding *f)
{
	for (unsigned i = 0; f->rule[0] && i < x->nrules; i++)
		if (strcmp(x->rules[i].id, f->rule) == 0)
			return true;
	return false;
}

void
appraise_explain(const struct appraisal_input *in, struct arena *scratch, struct verdict *work,
		 struct told *ret)
{
	memset(ret, 0, sizeof *ret);
	appraise_recorded(in, scratch, work, ret);
	ret->status = (uint8_t)work->status;
	ret->outcome = (uint8_t)(work->monitor ? work->outcome : verdict_effective(work));
	ret->need = (uint8_t)(work->need.nwants ? work->need.wants[0].kind : PART_NONE);
	ret->monitor = work->monitor;
	memcpy(ret->policy, work->policy, sizeof ret->policy);
	for (unsigned i = 0; i < work->nfindings; i++) {
		if (is_explained(ret, &work->findings[i]))
			continue;
		if (ret->nothers < TOLD_OTHERS_MAX)
			ret->others[ret->nothers++] = work->findings[i];
		else
			ret->nothers_more++;
	}
}

static void
pack_told(struct writer *w, const struct told_rule *e)
{
	pack_text(w, e->id, sizeof e->id);
	pack_text(w, e->fact, sizeof e->fact);
	pack_text(w, e->seen, sizeof e->seen);
	pack_text(w, e->expected, sizeof e->expected);
	pack_below(w, e->state, TOLD_STATE_COUNT);
	pack_below(w, e->provenance, PROV_COUNT);
	pack_below(w, e->cap, OUTCOME_COUNT);
}

static void
unpack_told(struct reader *r, struct told_rule *ret)
{
	unpack_text(r, ret->id, sizeof ret->id);
	unpack_text(r, ret->fact, sizeof ret->fact);
	unpack_text(r, ret->seen, sizeof ret->seen);
	unpack_text(r, ret->expected, sizeof ret->expected);
	ret->state = unpack_below(r, TOLD_STATE_COUNT);
	ret->provenance = unpack_below(r, PROV_COUNT);
	ret->cap = unpack_below(r, OUTCOME_COUNT);
}

enum assay_err
told_encode(const struct told *x, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	wr_u8(&w, TOLD_FORM);
	pack_below(&w, x->status, VERDICT_STATUS_COUNT);
	pack_below(&w, x->outcome, OUTCOME_COUNT);
	wr_u8(&w, x->need);
	pack_bool(&w, x->monitor);
	pack_fixed(&w, x->policy, sizeof x->policy);
	pack_below(&w, x->nrules, TOLD_RULES_MAX + 1);
	for (size_t i = 0; i < x->nrules && w.err == ASSAY_OK; i++)
		pack_told(&w, &x->rules[i]);
	pack_below(&w, x->nothers, TOLD_OTHERS_MAX + 1);
	for (size_t i = 0; i < x->nothers && w.err == ASSAY_OK; i++)
		pack_finding(&w, &x->others[i]);
	wr_be16(&w, x->nothers_more);
	return wr_finish(&w, ret_len);
}

enum assay_err
told_decode(struct span in, struct told *ret)
{
	struct reader r;

	memset(ret, 0, sizeof *ret);
	if (in.n > TOLD_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, in);
	if (rd_u8(&r) != TOLD_FORM)
		rd_fail(&r, ASSAY_BAD_TYPE);
	ret->status = unpack_below(&r, VERDICT_STATUS_COUNT);
	ret->outcome = unpack_below(&r, OUTCOME_COUNT);
	ret->need = rd_u8(&r);
	ret->monitor = unpack_bool(&r);
	unpack_fixed(&r, ret->policy, sizeof ret->policy);
	ret->nrules = unpack_below(&r, TOLD_RULES_MAX + 1);
	for (size_t i = 0; i < ret->nrules && r.err == ASSAY_OK; i++)
		unpack_told(&r, &ret->rules[i]);
	ret->nothers = unpack_below(&r, TOLD_OTHERS_MAX + 1);
	for (size_t i = 0; i < ret->nothers && r.err == ASSAY_OK; i++)
		unpack_finding(&r, &ret->others[i]);
	ret->nothers_more = rd_be16(&r);
	if (rd_finish(&r) != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return r.err;
}
