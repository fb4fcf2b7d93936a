/*
 * hostile_spin.c: a verifier whose appraisers judge one request and never end the second:
 * evidence that a parser loops over. Others must not wait for it for ever (Q17).
 */
#include "verifier/appraise/appraise.h"

static void hostile_appraise(const struct appraisal_input *in, struct arena *scratch,
			     struct verdict *ret);

#define appraise hostile_appraise
#include "verifier/appraiser.c"
#undef appraise

static void
hostile_appraise(const struct appraisal_input *in, struct arena *scratch,
		 struct verdict *ret)
{
	static volatile unsigned judged;

	while (judged > 0)
		;
	judged = judged + 1;
	appraise(in, scratch, ret);
}
