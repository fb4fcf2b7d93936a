/*
 * prediction.h: what stored evidence says of a device's next round, for who counts changes.
 *
 * Made by appraise_replay(); bounded plain data with a canonical encoding, since it comes
 * from an appraiser. No decision is made of it.
 */
#ifndef APPRAISE_PREDICTION_H
#define APPRAISE_PREDICTION_H

#include "appraise.h"

/* The worst finding; code FIND_NONE: there is none, the outcome is ADMIT. */
struct predicted_why {
	uint16_t code; /* enum finding_code */
	char rule[FINDING_RULE_MAX];
	char subject[FINDING_SUBJECT_MAX];
};

struct prediction {
	uint8_t status;	 /* enum verdict_status; the rest counts only if it is DECIDED */
	uint8_t need;	 /* enum part_kind that was missing; PART_NONE */
	uint8_t outcome; /* what the device gets */
	bool monitor;	 /* its policy is in monitor mode, and would say: */
	uint8_t would;
	struct predicted_why why, would_why;
};

#define PREDICTION_BYTES_MAX 512

/* As appraise(): by in->policy; where that is in monitor mode, what the device gets is what
 * in->enforced says, and QUARANTINE if there is none. work is scratch. */
void prediction_make(const struct appraisal_input *in, struct arena *scratch,
		     struct verdict *work, struct prediction *ret);
ASSAY_MUST_USE enum assay_err prediction_encode(const struct prediction *p, uint8_t *ret,
						size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err prediction_decode(struct span in, struct prediction *ret);

#endif
