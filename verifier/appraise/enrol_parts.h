/*
 * enrol_parts.h: what the two ways to enrol share (enrol.c, enrol_key.c), and nobody else.
 */
#ifndef APPRAISE_ENROL_PARTS_H
#define APPRAISE_ENROL_PARTS_H

#include "appraise.h"

/* The verdict is this refusal and nothing else. False, so that it can be returned. */
bool enrol_refused(struct enrol_verdict *v, enum finding_code code, const char *subject,
		   const char *seen);
/* The token presented, its secret hashed. False: a fault. */
bool enrol_token(struct enrol_verdict *v, struct span id, struct span secret);
/* enrol_key.c: a device without TPM. False: refused, or a fault. */
bool enrol_key(const struct enrol_input *in, struct arena *scratch, struct enrol_verdict *v);

#endif
