/*
 * knownbad.h: digests that were declared bad: references of kind REF_KIND_KNOWN_BAD.
 *
 * A digest in such a set beats every allow: whoever judges digests asks here. Sets are
 * part of what judges a boot, so a change makes every device's boot be judged anew from
 * what is stored.
 */
#ifndef APPRAISE_KNOWNBAD_H
#define APPRAISE_KNOWNBAD_H

#include "appraise.h"
#include "evidence/digest.h"

struct appraisal;

/* What the digest is of, and where it stands (-1: nowhere). */
struct knownbad_place {
	const char *subject;
	int32_t pcr, event;
	uint8_t provenance;
};
/* Whether the digest is in one of the sets; if so, that is a finding. */
bool knownbad_report(struct appraisal *a, uint16_t alg, struct span digest,
		     const struct knownbad_place *where);

#endif
