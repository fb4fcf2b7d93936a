/*
 * policy_compile.h: a policy file (YAML, docs/policy.md) to its compiled form.
 *
 * Runs in the compiler process and in `assay policy check`. Compiles only what is
 * free of error: an unknown key, a fact that does not exist, a rule that would raise
 * a fact's provenance, each is told with file, line and column. The bytes depend on
 * the file's meaning alone, so that they can be named by their digest.
 */
#ifndef COMPILER_POLICY_COMPILE_H
#define COMPILER_POLICY_COMPILE_H

#include "evidence/writer.h"
#include "yaml_locate.h"

/*
 * OK: the compiled policy is in out. MALFORMED: errs says what is wrong, in the
 * order of the file, and out is to be thrown away. FULL: out is too small.
 * NO_MEMORY. file is the name that errors show; errs is initialised here.
 */
ASSAY_MUST_USE enum assay_err policy_compile(struct span yaml, const char *file,
					     struct writer *out, struct yaml_errors *errs);

#endif
