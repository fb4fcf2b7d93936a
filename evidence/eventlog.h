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
#define EVENTLOG_EVENTS_MAX 2048 /* of real machines: 250 */
#define EVENTLOG_ALGS_MAX 8	      /* digest algorithms a Spec-ID may list */
#define EVENTLOG_VENDOR_MAX 255
#define EVENTLOG_DIGEST_MAX 128	      /* declared size of an unknown algorithm */

/* PFP 10.4.1, event types that replay itself must know. */
#define EV_NO_ACTION 0x00000003u
#define EV_EFI_HCRTM_EVENT 0x80000010u

enum eventlog_format {
	EVENTLOG_SHA1 = 1,     /* TCG 1.2: no Spec-ID, or "Spec ID Event00/02" */
	EVENTLOG_AGILE,	       /* "Spec ID Event03" */
	EVENTLOG_CC,	       /* agile, but registers are measurement registers (CCEL) */
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
	uint32_t pcr;	/* below PCR_COUNT; CC: measurement register as logged (RTMR + 1) */
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
	uint32_t next_index; /* also the number of records read so far */
	size_t offset;	     /* of the record read last, or of the one that is wrong */
	size_t tail_bytes;   /* set at the end: padding or a vendor's tail */
	struct event first; /* the Spec-ID record */
	bool ended;
	enum assay_err err;
};

/*
 * Read the header. MISSING for an empty log, TOO_LARGE, TRUNCATED, MALFORMED for a
 * Spec-ID that contradicts itself, TOO_MANY or DUPLICATE algorithms in it (L12). A
 * log without "Spec ID Event03" in its first record is a SHA-1 log. cc says that
 * the caller expects a confidential-computing log; a Spec-ID record in measurement
 * register 1 cannot be a TPM's and is BAD_TYPE without it, and a log that is not
 * agile is BAD_TYPE with it.
 */
ASSAY_MUST_USE enum assay_err eventlog_open(struct span log, bool cc, struct eventlog *ret);
/*
 * The next event, also the Spec-ID record as event 0. False at the end and after
 * an error: eventlog_finish() tells which. Every event returned has a register
 * below PCR_COUNT, each of its algorithms once and declared, and at least one
 * digest unless it is EV_NO_ACTION. It may lack a bank (Windows measures only into
 * the banks it uses): such an event is *not measured* in that bank.
 */
bool eventlog_next(struct eventlog *l, struct event *ret);
/*
 * OK if the log ended where a log may end: after the last record, in padding
 * (0xFF..., 0x00...), before a record whose register is 0xFFFFFFFF (Windows copies
 * end in one) or before less than a record's header that cannot begin one.
 * ->tail_bytes is the length of what was left and replay decides whether anything
 * is missing. TRUNCATED, TOO_LARGE, TOO_MANY, DUPLICATE, MALFORMED otherwise
 * (L13), MISSING if there was no record at all; ->offset says where. STATE before
 * eventlog_next() returned false.
 */
ASSAY_MUST_USE enum assay_err eventlog_finish(const struct eventlog *l);
/* The event's digest in one bank, empty if it has none. */
struct span event_digest_in(const struct event *ev, uint16_t alg);

struct eventlog_replay {
	struct pcr_values pcrs;	      /* computable banks; mask: extended in that bank */
	uint32_t events;	      /* records, Spec-ID included */
	uint32_t extends[PCR_COUNT];  /* how many events extended each PCR */
	int startup_locality;	      /* 0, 3, 4; -1 if the log does not say */
	bool hcrtm;		      /* an EV_EFI_HCRTM_EVENT was seen */
	enum eventlog_format format;
	uint8_t nalgs;
	struct eventlog_alg algs[EVENTLOG_ALGS_MAX];
	uint32_t unmeasured[EVENTLOG_ALGS_MAX]; /* extending events without a digest in it */
	size_t tail_bytes;
};

/*
 * A log walked with its replay: eventlog_walk_next() gives the event after it was
 * extended, so that ->run holds the registers as they were after it. Large (about
 * 12 KiB); the caller's.
 */
struct eventlog_walk {
	struct eventlog log;
	struct eventlog_replay run;
};

/*
 * Replay rules, in every bank that can be computed: PCR 0 starts from
 * StartupLocality (L8: EV_NO_ACTION in PCR 0, once, before any extend of PCR 0,
 * 17 bytes with signature, value 0, 3 or 4; H-CRTM, before anything else in PCR 0,
 * forces 4), nothing else in a log sets an initial value (L9); 0..16 and 23 start
 * at zeros, 17..22 at ones (L10); EV_NO_ACTION is never extended (L11). Measurement
 * registers of a CC log all start at zeros. Errors as eventlog_open() and
 * eventlog_finish(), and MALFORMED or DUPLICATE for a StartupLocality or H-CRTM
 * event that breaks its rules.
 */
ASSAY_MUST_USE enum assay_err eventlog_walk_open(struct span log, bool cc,
						 struct eventlog_walk *ret);
bool eventlog_walk_next(struct eventlog_walk *w, struct event *ret);
ASSAY_MUST_USE enum assay_err eventlog_walk_finish(struct eventlog_walk *w);
/* All of it at once. */
ASSAY_MUST_USE enum assay_err eventlog_replay(struct span log, bool cc,
					      struct eventlog_replay *ret);

#endif
