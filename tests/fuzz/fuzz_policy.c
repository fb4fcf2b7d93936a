/* fuzz_policy.c: any file as a policy, and any bytes as a compiled one. What compiles
 * must be readable, and its errors printable and in their bounds. */
#include "verifier/appraise/policy.h"
#include "verifier/compiler/policy_compile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_errors(const struct yaml_errors *errs)
{
	for (unsigned i = 0; i < errs->count; i++)
		for (const char *s = errs->e[i].text; *s; s++)
			if (*s < 0x20 || *s > 0x7E)
				abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t out[POLICY_BYTES_MAX];
	static struct yaml_errors errs;
	struct policy_info info;
	struct writer w;
	enum assay_err e;

	wr_init(&w, out, sizeof out);
	e = policy_compile(SPAN(p, n), "p.yaml", &w, &errs);
	if (e == ASSAY_INTERNAL || (e == ASSAY_MALFORMED && errs.count == 0))
		abort();
	if (e == ASSAY_OK && (errs.count != 0 || policy_info(wr_span(&w), &info) != ASSAY_OK))
		abort();
	check_errors(&errs);
	if (policy_info(SPAN(p, n), &info) == ASSAY_OK && info.max_age_s == 0)
		abort();
	return 0;
}
