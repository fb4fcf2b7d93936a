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
#include "appraise.h"

#define REFERENCE_BYTES_MAX (4u << 20)
#define REFERENCE_EVENTS_MAX 4096
#define REFERENCE_DESCRIPTION_MAX 600 /* command lines are long */

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

/* Which kind of set it is, by its first bytes; BOOT for what is none. */
enum reference_kind reference_kind_of(struct span compiled);
const char *reference_kind_name(enum reference_kind k); /* "boot", "software" ... */
/* Check the whole of a compiled set and open it. */
ASSAY_MUST_USE enum assay_err reference_open(struct span compiled, struct reference *ret);
/* Open a set that reference_open() has once accepted (keeper maps no other): what is
 * before the events is checked, events are checked as they are read. */
ASSAY_MUST_USE enum assay_err reference_open_known(struct span compiled, struct reference *ret);
/* The next event, in log order; false at the end, or with an error in events.err. */
bool reference_next(struct reference *r, struct reference_event *ret);

/* The compiled form: head with the number of events, then each event. What could not
 * be read back fails the writer. */
void reference_write_head(struct writer *w, const struct pcr_values *pcrs, uint32_t nevents);
void reference_write_event(struct writer *w, const struct reference_event *ev);

/*
 * Make a set from a device's last evidence: what `reference capture` stores. The
 * log must be the one of continuity and lead to the values quoted in it, in every
 * bank (else MISMATCH). pcr_mask: which PCRs to keep; one that was not quoted is
 * MISSING, 16 and 23 are DENIED. PCRs without log events are kept by value only; an
 * empty log where continuity has none is a set of values alone. Events carry their
 * digest in the strongest quoted bank, and words for people.
 */
ASSAY_MUST_USE enum assay_err reference_capture(struct span boot_log,
						const struct continuity *c, uint32_t pcr_mask,
						struct writer *out);

#endif
