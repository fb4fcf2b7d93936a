/* policymade.c: see policymade.h. */
#include "policymade.h"

#include "unit.h"
#include "verifier/compiler/policy_compile.h"

#include <string.h>

void
policymade_set(const char *yaml, struct writer *out, struct appraisal_input *in,
	       struct policy_info *ret_info)
{
	static struct yaml_errors errs;

	if (policy_compile(SPAN(yaml, strlen(yaml)), "policy", out, &errs) != ASSAY_OK)
		fail_msg("%s", errs.count ? errs.e[0].text : "policy");
	in->policy = wr_span(out);
	unit_must(policy_info(in->policy, ret_info), "policy");
	memcpy(in->policy_digest, ret_info->digest, sizeof in->policy_digest);
}
