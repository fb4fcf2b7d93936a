/*
 * report.h: the agent's own log: one line per event on standard error, key=value.
 *
 * Values from outside are quoted and escaped. No secrets. Never fails.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include "evidence/reader.h"

enum report_level { REPORT_ERROR, REPORT_WARN, REPORT_INFO, REPORT_DEBUG };

/* What is less important than this is not shown; REPORT_INFO at first. */
void report_most(enum report_level most);
/* One event: a word, and pairs of key and value ended by NULL; a pair whose value is
 * NULL or empty is left out.
 *   report(REPORT_INFO, "decision", "outcome", "admit", NULL); */
void report(enum report_level l, const char *event, ...) __attribute__((sentinel));
/* A number, or bytes, as text in one of a few static buffers: good for one report. */
const char *report_u64(uint64_t v);
const char *report_bytes(struct span s);
/* The last event for a person at a terminal: "assay-attester: TEXT" instead of a log
 * line; for what ends the program before it serves. Returns status. */
int report_fatal(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
