/* verdict_show.h: a verdict for people and as JSON, for commands that appraise files. */
#ifndef CLI_VERDICT_SHOW_H
#define CLI_VERDICT_SHOW_H

#include "verifier/appraise/verdict.h"

#include <jansson.h>

/* To stdout: the outcome, findings and, if asked, facts. */
void verdict_show(const struct verdict *v, bool facts);
/* The same as one document: equal verdicts give equal bytes. NULL without memory. */
json_t *verdict_json(const struct verdict *v);
/* "decided" ... */
const char *verdict_status_name(enum verdict_status s);

#endif
