/*
 * keeper_operation_reference.h: what the handlers of reference operations share.
 */
#ifndef VERIFIER_KEEPER_OPERATION_REFERENCE_H
#define VERIFIER_KEEPER_OPERATION_REFERENCE_H

#include "keeper_operation.h"

/* keeper_operation_software.c: a capture of software, of the device that j has. */
ASSAY_MUST_USE enum assay_err software_capture_start(struct job *j, const struct ledger_state *s);
/* Adds what a set of software holds. */
ASSAY_MUST_USE enum assay_err software_contents(json_t *out, struct span compiled);

#endif
