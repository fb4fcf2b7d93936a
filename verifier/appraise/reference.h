/*
 * reference.h: compiled reference values: PCR values and ordered boot events.
 *
 * A flat, content-addressed byte string (its SHA-256 is the set's identity), made
 * by the compiler process, read in place by appraisers. Class and state (learned,
 * promoted) are the ledger's, not in here. Never edited in place.
 */
#ifndef APPRAISE_REFERENCE_H
#define APPRAISE_REFERENCE_H

#include "evidence/writer.h"
#include "verdict.h"

#define REFERENCE_BYTES_MAX (4u << 20)
#define REFERENCE_EVENTS_MAX 4096
#define REFERENCE_DESCRIPTION_MAX 200

struct reference_event {
	uint32_t pcr, type;
	uint8_t ndigests;
	struct event_ref_digest {
		uint16_t alg;
		struct span bytes;
	} digests[PCR_BANKS_MAX];
	struct span description; /* escaped text for people; not compared */
	bool per_device;	 /* boot order, GPT...: L17 */
};

struct reference {
	struct span bytes;
	struct pcr_values pcrs; /* values that must be equal; may be empty */
	uint32_t nevents;
	struct reader events; /* for reference_next */
	uint32_t done;
};

/* Check the whole of a compiled set and open it. */
ASSAY_MUST_USE enum assay_err reference_open(struct span compiled, struct reference *ret);
/* The next event, in log order; false at the end. */
bool reference_next(struct reference *r, struct reference_event *ret);

/*
 * Make a set from a device's last evidence: what `reference capture` stores. The
 * log must replay to the quoted values in continuity (REPLAY finding otherwise:
 * MISMATCH is returned). pcr_mask: which PCRs to keep. PCRs without log events are
 * kept by value only.
 */
ASSAY_MUST_USE enum assay_err reference_capture(struct span boot_log,
						const struct continuity *c, uint32_t pcr_mask,
						struct writer *out);

#endif
