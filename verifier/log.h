/*
 * log.h: one line per event, key=value (or JSON), on standard error.
 *
 * Used by the daemon's processes only. Values from outside are escaped and capped
 * by log_text(). No secrets. Children log through the stderr they inherit.
 */
#ifndef VERIFIER_LOG_H
#define VERIFIER_LOG_H

#include "evidence/reader.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* role: "keeper", "net"...; once per process. */
void log_init(const char *role, bool json, enum log_level most);
/*
 * One event: a word and pairs of key and value, ended by NULL:
 *   log_event(LOG_LEVEL_INFO, "decision", "device", id, "outcome", name, NULL);
 */
void log_event(enum log_level l, const char *event, ...) __attribute__((sentinel));
/*
 * For events that strangers can cause at will: whether one more line may be written
 * (one a second). The first after a pause tells how many were not (log_unsaid).
 */
struct log_limit {
	int64_t next_s;
	uint64_t unsaid, told;
};
bool log_due(struct log_limit *l, int64_t now_s);
/* After log_due() said yes: what was left unsaid before it, as text. */
const char *log_unsaid(const struct log_limit *l);
/* A number as text, in one of a few static buffers: good for one log_event. */
const char *log_u64(uint64_t v);
/* Outside text, escaped, at most 120 characters; static buffers as log_u64. */
const char *log_text(struct span s);

#endif
