/*
 * clock.h: the time by which decisions end at this gate: one that nobody sets. Pure.
 *
 * It begins at the wall clock and is set by heartbeats that were confirmed, to the later of
 * the verifier's time in them and the wall clock (stream.h: they are within STREAM_SKEW_S).
 * Between heartbeats it runs on by itself, so that a wall clock that is set back gives no
 * decision more time while the verifier is silent, nor holds up repairs.
 */
#ifndef GATE_CLOCK_H
#define GATE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	int64_t offset_ms; /* to what boot_ms counts */
};

/* wall_ms: since the epoch; boot_ms: since the machine started, also while it slept. */
void clock_start(struct clock *c, int64_t wall_ms, int64_t boot_ms);
int64_t clock_now(const struct clock *c, int64_t boot_ms); /* s since the epoch */
/* A confirmed heartbeat of `at` (s). True: time moved by a second or more, and what was
 * computed by it is to be computed anew. */
bool clock_hear(struct clock *c, int64_t at, int64_t wall_ms, int64_t boot_ms);

#endif
