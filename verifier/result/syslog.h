/*
 * syslog.h: a decision as an event for logs: syslog (RFC 5424 with structured data) and the
 * journal (its native protocol). Pure. docs/webhooks.md.
 *
 * Names, classes and labels are operators' texts, reasons are the house's words; whatever
 * they hold, an event stays one event: what could end a field is escaped or left out.
 */
#ifndef RESULT_SYSLOG_H
#define RESULT_SYSLOG_H

#include "evidence/record.h"
#include "evidence/writer.h"

#define SYSLOG_MAX 2048 /* RFC 5426, 3.2: what receivers should take */
#define JOURNAL_MAX 4096
/* MESSAGE_ID: all events of this kind, `journalctl MESSAGE_ID=...` */
#define JOURNAL_MESSAGE_ID "c7a4f3d7f15b4e2f9a0de2b1c6a85d24"

struct log_origin {
	int facility;	     /* RFC 5424, 6.2.1 */
	unsigned enterprise; /* the SD-ID is assay@ENTERPRISE */
	const char *host;
	long pid;
};

struct log_decision {
	const struct record *record;
	const char *before; /* "admit" ...; "" for a device's first */
};

/* FULL: it has no room in SYSLOG_MAX bytes even without labels. */
ASSAY_MUST_USE enum assay_err syslog_write(const struct log_origin *o,
					   const struct log_decision *d, struct writer *w);
ASSAY_MUST_USE enum assay_err journal_write(const struct log_origin *o,
					    const struct log_decision *d, struct writer *w);

#endif
