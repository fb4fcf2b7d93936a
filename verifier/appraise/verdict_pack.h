/*
 * verdict_pack.h: the encoding of one finding and of one fact, for verdicts, enrolment
 * verdicts and what is kept of a boot.
 */
#ifndef APPRAISE_VERDICT_PACK_H
#define APPRAISE_VERDICT_PACK_H

#include "evidence/writer.h"
#include "verdict.h"

void pack_finding(struct writer *w, const struct finding *f);
void unpack_finding(struct reader *r, struct finding *ret);
void pack_fact(struct writer *w, const struct fact *f);
void unpack_fact(struct reader *r, struct fact *ret);

#endif
