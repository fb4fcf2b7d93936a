/* judges.c: what judges a boot: the policy and the reference sets. See appraisal.h. */
#include "appraisal.h"

#include "pack.h"
#include "text.h"

#include <string.h>

bool
list_in_time(const struct reference_view *v, int64_t now)
{
	return now >= v->not_before && (v->not_after == 0 || now <= v->not_after);
}

/* Policies and references that judged a boot, by identity and state. */
static enum assay_err
compute_generation(const struct appraisal_input *in, uint8_t ret[32])
{
	uint8_t b[96 + REFERENCES_PER_DEVICE_MAX * 104];
	struct writer w;

	wr_init(&w, b, sizeof b);
	pack_bool(&w, in->policy.n != 0);
	pack_fixed(&w, in->policy_digest, sizeof in->policy_digest);
	for (size_t i = 0; i < in->nreferences; i++) {
		pack_fixed(&w, in->references[i].digest, sizeof in->references[i].digest);
		pack_below(&w, in->references[i].state, REF_RETIRED + 1);
		pack_bool(&w, in->references[i].baseline);
		pack_below(&w, in->references[i].kind, REF_KIND_COUNT);
		pack_text(&w, in->references[i].name, sizeof in->references[i].name);
		/* other files are allowed from then on: what was judged is judged again */
		pack_bool(&w, in->references[i].kind == REF_KIND_ALLOW &&
				      list_in_time(&in->references[i], in->now));
	}
	return w.err == ASSAY_OK ? digest_sha256(wr_span(&w), ret) : w.err;
}

static void
no_policy(struct appraisal *a, enum finding_code code, const char *seen)
{
	struct finding *f = find(a, code, OUTCOME_QUARANTINE);

	memset(&a->policy, 0, sizeof a->policy);
	text_format(f->subject, sizeof f->subject, "class %s", a->in->device.class_name);
	text_format(f->seen, sizeof f->seen, "%s", seen);
}

/* D2: none, or one that cannot be read, is a reason of its own. */
void
judges_open(struct appraisal *a)
{
	const struct appraisal_input *in = a->in;
	enum assay_err e;

	if (compute_generation(in, a->generation) != ASSAY_OK)
		memset(a->generation, 0, sizeof a->generation);
	if (in->policy.n == 0) {
		no_policy(a, FIND_NO_POLICY, "");
		return;
	}
	e = policy_open(in->policy, &a->policy);
	if (e != ASSAY_OK) {
		no_policy(a, FIND_POLICY_INVALID, assay_err_text(e));
		return;
	}
	a->has_policy = true;
	memcpy(a->v->policy, in->policy_digest, sizeof a->v->policy);
	a->v->max_age_s = a->policy.info.max_age_s;
	if (binding_is_offline(in->kind) && a->policy.info.offline_max_age_s != 0)
		a->v->max_age_s = a->policy.info.offline_max_age_s;
	a->v->interval_s = a->policy.info.interval_s;
	a->v->monitor = a->policy.info.monitor;
}
