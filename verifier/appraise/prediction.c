/* prediction.c: see prediction.h. */
#include "prediction.h"

#include "pack.h"

#include <string.h>

static void
take_worst(const struct verdict *v, struct predicted_why *ret)
{
	const struct finding *f = &v->findings[0];

	if (v->nfindings == 0 || v->outcome == OUTCOME_ADMIT)
		return;
	ret->code = f->code;
	memcpy(ret->rule, f->rule, sizeof ret->rule);
	memcpy(ret->subject, f->subject, sizeof ret->subject);
}

/* By one policy alone; true: it was decided. */
static bool
judge(const struct appraisal_input *in, struct arena *scratch, struct verdict *work,
      struct prediction *ret)
{
	appraise_replay(in, scratch, work);
	ret->status = (uint8_t)work->status;
	ret->need = (uint8_t)(work->need.nwants ? work->need.wants[0].kind : PART_NONE);
	return work->status == VERDICT_DECIDED;
}

void
prediction_make(const struct appraisal_input *in, struct arena *scratch, struct verdict *work,
		struct prediction *ret)
{
	struct appraisal_input enforced = *in;

	memset(ret, 0, sizeof *ret);
	if (!judge(in, scratch, work, ret))
		return;
	ret->monitor = work->monitor;
	if (!ret->monitor) {
		ret->outcome = (uint8_t)verdict_effective(work);
		take_worst(work, &ret->why);
		return;
	}
	ret->would = (uint8_t)work->outcome;
	take_worst(work, &ret->would_why);
	if (in->enforced.n == 0) {
		ret->outcome = OUTCOME_QUARANTINE;
		ret->why.code = FIND_NO_POLICY;
		return;
	}
	enforced.policy = in->enforced;
	memcpy(enforced.policy_digest, in->enforced_digest, sizeof enforced.policy_digest);
	if (!judge(&enforced, scratch, work, ret))
		return;
	ret->outcome = (uint8_t)verdict_effective(work);
	take_worst(work, &ret->why);
}

/* ---- encoding ---- */

static void
pack_why(struct writer *w, const struct predicted_why *y)
{
	wr_be16(w, y->code);
	pack_text(w, y->rule, sizeof y->rule);
	pack_text(w, y->subject, sizeof y->subject);
}

static void
unpack_why(struct reader *r, struct predicted_why *ret)
{
	ret->code = rd_be16(r);
	unpack_text(r, ret->rule, sizeof ret->rule);
	unpack_text(r, ret->subject, sizeof ret->subject);
	if (ret->code >= FIND_COUNT)
		rd_fail(r, ASSAY_MALFORMED);
}

enum assay_err
prediction_encode(const struct prediction *p, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	pack_below(&w, p->status, VERDICT_STATUS_COUNT);
	wr_u8(&w, p->need);
	pack_below(&w, p->outcome, OUTCOME_COUNT);
	pack_bool(&w, p->monitor);
	pack_below(&w, p->would, OUTCOME_COUNT);
	pack_why(&w, &p->why);
	pack_why(&w, &p->would_why);
	return wr_finish(&w, ret_len);
}

enum assay_err
prediction_decode(struct span in, struct prediction *ret)
{
	struct reader r;

	memset(ret, 0, sizeof *ret);
	if (in.n > PREDICTION_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, in);
	ret->status = unpack_below(&r, VERDICT_STATUS_COUNT);
	ret->need = rd_u8(&r);
	ret->outcome = unpack_below(&r, OUTCOME_COUNT);
	ret->monitor = unpack_bool(&r);
	ret->would = unpack_below(&r, OUTCOME_COUNT);
	unpack_why(&r, &ret->why);
	unpack_why(&r, &ret->would_why);
	return rd_finish(&r);
}
