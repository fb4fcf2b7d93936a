/*
 * eventlog_view.h: the parts of `assay inspect eventlog`: the log as read, its
 * listing for people, its JSON, its comparison with PCR values and another log.
 */
#ifndef CLI_EVENTLOG_VIEW_H
#define CLI_EVENTLOG_VIEW_H

#include "verifier/appraise/bootdiff.h"

#include <jansson.h>

#define EVENTLOG_VIEW_ALL UINT32_MAX

struct eventlog_view {
	const char *path;
	struct span log;
	bool cc;
	struct eventlog_replay run;
	struct boot_facts facts; /* of the strongest bank */
	bool has_facts;		 /* false: no bank can be computed */
	/* What is wrong with it, if it is malformed. */
	enum assay_err err;
	uint32_t bad_event;
	size_t bad_offset;
	const char *reason;
};

/* Replay, facts, and where it is malformed. A log whose Spec-ID record is in a
 * measurement register is read as a confidential-computing log. */
void eventlog_view_read(struct eventlog_view *v);
/* "FILE: event 3 at byte 172: ends before the structure does" to stderr. */
void eventlog_view_complain(const struct eventlog_view *v);
const char *eventlog_format_name(enum eventlog_format f);
/* "sha256", or "0x7777" in buf. */
const char *eventlog_alg_name(uint16_t alg, char buf[8]);

/* What a comparison with PCR values found. */
struct eventlog_pcr_check {
	unsigned equal, differ;
	unsigned not_logged; /* values that the log has no event for */
	struct {
		uint16_t alg;
		uint32_t pcr;
		struct digest seen, expected; /* seen.alg ALG_NONE: no event */
	} differs[32];
	const char *refused; /* equal, but the log is not acceptable: why; else NULL */
};
void eventlog_check_pcrs(const struct eventlog_view *v, const struct pcr_values *pcrs,
			 struct eventlog_pcr_check *ret);

/* For people, on stdout. pcr: one PCR or EVENTLOG_VIEW_ALL. */
void eventlog_show(const struct eventlog_view *v, uint32_t pcr, bool by_pcr);
void eventlog_show_pcr_check(const struct eventlog_pcr_check *c);
void eventlog_show_diff(const struct bootdiff *d, const struct eventlog_view *v,
			const struct eventlog_view *other);

/* One document; NULL if memory is exhausted. check and diff may be NULL. */
json_t *eventlog_json(const struct eventlog_view *v, uint32_t pcr,
		      const struct eventlog_pcr_check *check, const struct bootdiff *diff);

#endif
