/*
 * ek_facts.h: the encoding of struct ek_facts as part of larger ones.
 */
#ifndef APPRAISE_EK_FACTS_H
#define APPRAISE_EK_FACTS_H

#include "appraise.h"
#include "evidence/writer.h"

void pack_ek_facts(struct writer *w, const struct ek_facts *f);
void unpack_ek_facts(struct reader *r, struct ek_facts *ret);

#endif
