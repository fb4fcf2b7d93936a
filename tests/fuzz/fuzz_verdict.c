/* fuzz_verdict.c: what keeper decodes of what an appraiser, maybe taken over, returns:
 * verdicts, continuity, enrolment verdicts. What is accepted is canonical. */
#include "verifier/appraise/appraise.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint8_t out[VERDICT_BYTES_MAX];

static void
same(enum assay_err e, size_t len, struct span in)
{
	if (e != ASSAY_OK || len != in.n || (len != 0 && memcmp(out, in.p, len) != 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct verdict v;
	static struct continuity c;
	static struct enrol_verdict e;
	static struct ek_facts f;
	struct span in = SPAN(p, n);
	size_t len = 0;

	if (verdict_decode(in, &v) == ASSAY_OK)
		same(verdict_encode(&v, out, sizeof out, &len), len, in);
	if (continuity_decode(in, &c) == ASSAY_OK)
		same(continuity_encode(&c, out, sizeof out, &len), len, in);
	if (enrol_verdict_decode(in, &e) == ASSAY_OK)
		same(enrol_verdict_encode(&e, out, sizeof out, &len), len, in);
	if (ek_facts_decode(in, &f) == ASSAY_OK)
		same(ek_facts_encode(&f, out, sizeof out, &len), len, in);
	return 0;
}
