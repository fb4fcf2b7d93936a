/*
 * policymade.h: a policy compiled for a test, which ends with the compiler's words if it
 * does not compile.
 */
#ifndef TESTS_SUPPORT_POLICYMADE_H
#define TESTS_SUPPORT_POLICYMADE_H

#include "verifier/appraise/appraise.h"
#include "verifier/appraise/policy.h"

/* Into out; and as the policy that judges. */
void policymade_set(const char *yaml, struct writer *out, struct appraisal_input *in,
		    struct policy_info *ret_info);

#endif
