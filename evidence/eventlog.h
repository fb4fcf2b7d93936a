/*
 * eventlog.h: TCG measured-boot event logs, as bytes: layout and replay.
 *
 * TCG PC Client Platform Firmware Profile (PFP) 1.06, 10.2: SHA-1 logs (TCG 1.2),
 * crypto-agile logs, and confidential-computing logs (CCEL, RTMRs), which share
 * the layout. An iterator over borrowed bytes; nothing is allocated, nothing is
 * decoded but what replay needs (Spec-ID, StartupLocality, H-CRTM). What events
 * *mean* is verifier/appraise/bootlog.c.
 *
 * A log is hostile text until its replay equals signed PCRs. Even then only the
 * digests are facts: types and most data are hints.
 */
#ifndef EVIDENCE_EVENTLOG_H
#define EVIDENCE_EVENTLOG_H

#include "pcr.h"

#define EVENTLOG_MAX (1u << 20)	     /* bytes of a log */
#define EVENTLOG_EVENT_MAX (1u << 20) /* bytes of one event's data */
#define EVENTLOG_EVENTS_MAX 16384
#define EVENTLOG_ALGS_MAX 8	      /* digest algorithms a Spec-ID may list */
#define EVENTLOG_VENDOR_MAX 255
#define EVENTLOG_DIGEST_MAX 128	      /* declared size of an unknown algorithm */

/* PFP 10.4.1, event types that replay itself must know. */
#define EV_NO_ACTION 0x00000003u

enum eventlog_format {
	EVENTLOG_SHA1 = 1,     /* TCG 1.2: no Spec-ID, or "Spec ID Event00/02" */
	EVENTLOG_AGILE,	       /* "Spec ID Event03" */
	EVENTLOG_CC,	       /* agile, but registers are RTMRs (see CCEL) */
};

struct eventlog_alg {
	uint16_t alg;
	uint16_t size; /* as declared; equals digest_size() if that is known */
};

struct event_digest {
	uint16_t alg;
	struct span bytes;
};

struct event {
	uint32_t index; /* 0 is the Spec-ID record, if there is one */
	uint32_t pcr;	/* or RTMR index as logged */
	uint32_t type;
	struct span data;
	uint8_t ndigests;
	struct event_digest digests[EVENTLOG_ALGS_MAX];
	size_t offset; /* of the record in the log */
};

struct eventlog {
	struct reader in;
	enum eventlog_format format;
	uint8_t nalgs;
	struct eventlog_alg algs[EVENTLOG_ALGS_MAX];
	uint8_t spec_major, spec_minor, spec_errata, uintn_size;
	struct span vendor_info;
	uint32_t next_index;
	size_t tail_bytes; /* set at the end: padding or a vendor's tail */
	enum assay_err err;
	struct event first; /* the Spec-ID record */
	bool has_first, first_done;
};

/*
 * Read the header. MISSING for an empty log, TOO_LARGE, MALFORMED for a Spec-ID
 * that contradicts itself (L12). A confidential-computing log is recognised by
 * what the caller says (cc), since its bytes do not tell.
 */
ASSAY_MUST_USE enum assay_err eventlog_open(struct span log, bool cc, struct eventlog *ret);
/* The next event, also the Spec-ID record as event 0. False at the end and after
 * an error: eventlog_finish() tells which. */
bool eventlog_next(struct eventlog *l, struct event *ret);
/*
 * OK if the log ended where a log may end: after the last record, or in padding
 * (0xFF..., 0x00...) or a tail that is no record (Windows copies); ->tail_bytes is
 * its length and replay decides whether anything is missing. TRUNCATED, TOO_LARGE,
 * MALFORMED, UNSUPPORTED otherwise (L13).
 */
ASSAY_MUST_USE enum assay_err eventlog_finish(const struct eventlog *l);
/* The event's digest in one bank, empty if it has none. */
struct span event_digest_in(const struct event *ev, uint16_t alg);

struct eventlog_replay {
	struct pcr_values pcrs;	      /* per bank, mask = PCRs with >= 1 extend */
	uint32_t events;	      /* records, Spec-ID included */
	uint32_t extends[PCR_COUNT];  /* how many events extended each PCR */
	int startup_locality;	      /* 0, 3, 4; -1 if the log does not say */
	bool hcrtm;		      /* an EV_EFI_HCRTM_EVENT was seen */
	enum eventlog_format format;
	uint8_t nalgs;
	struct eventlog_alg algs[EVENTLOG_ALGS_MAX];
	size_t tail_bytes;
};

/*
 * Replay a whole log in every bank that can be computed. Rules: PCR 0 starts from
 * StartupLocality (L8: EV_NO_ACTION in PCR 0, once, before any extend of PCR 0,
 * 17 bytes with signature, value 0, 3 or 4; H-CRTM forces 4), nothing else in a
 * log sets an initial value (L9); 0..16 and 23 start at zeros, 17..22 at ones
 * (L10); EV_NO_ACTION is never extended (L11). Errors as eventlog_finish(), and
 * MALFORMED or DUPLICATE for a StartupLocality that breaks its rules.
 */
ASSAY_MUST_USE enum assay_err eventlog_replay(struct span log, bool cc,
					      struct eventlog_replay *ret);

#endif
