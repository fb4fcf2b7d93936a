/*
 * verdict_pack.h: the encoding of one finding, for verdicts and enrolment verdicts.
 */
#ifndef APPRAISE_VERDICT_PACK_H
#define APPRAISE_VERDICT_PACK_H

#include "evidence/writer.h"
#include "verdict.h"

void pack_finding(struct writer *w, const struct finding *f);
void unpack_finding(struct reader *r, struct finding *ret);

#endif
