/*
 * source.h: how many connections each network source has, so that one cannot take
 * them all (I7). A fixed table; when it is full, new sources are refused, which a
 * flood of sources can cause: the total limit is reached first by default.
 */
#ifndef VERIFIER_SOURCE_H
#define VERIFIER_SOURCE_H

#include "evidence/reader.h"

#define SOURCE_KEY 16 /* IPv6 address (/64 counts as one), or mapped IPv4 */

struct source_limits {
	unsigned total, per_source, half_open;
};

struct source_slot {
	uint8_t key[SOURCE_KEY];
	uint32_t open, half_open;
};

struct source_table {
	struct source_limits limits;
	size_t size; /* power of two, at least twice the total */
	struct source_slot *slots;
	unsigned total;
	uint64_t salt;
};

ASSAY_MUST_USE enum assay_err source_init(struct source_table *t, struct source_limits l,
					  uint64_t salt);
/* A new connection: counted as open and half-open. FULL: over a limit. The slot's
 * number stays valid while it counts at least one connection. */
ASSAY_MUST_USE enum assay_err source_open(struct source_table *t, const uint8_t key[SOURCE_KEY],
					  uint32_t *ret_slot);
/* Its handshake is over. */
void source_established(struct source_table *t, uint32_t slot);
void source_close(struct source_table *t, uint32_t slot, bool established);

#endif
