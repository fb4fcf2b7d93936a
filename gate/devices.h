/*
 * devices.h: what a gate knows of devices: the newest record of each, and what follows
 * from it now. Pure.
 *
 * What comes with a snapshot is kept apart until it is confirmed; then it takes the place
 * of everything (docs/decision-stream.md).
 */
#ifndef GATE_DEVICES_H
#define GATE_DEVICES_H

#include "evidence/stream.h"

#define DEVICES_MAX 65536u

struct gate_device {
	uint64_t seq;
	int64_t expires; /* extended; 0: with quarantine */
	enum record_outcome outcome;
	enum record_tier tier;
	char id[RECORD_DEVICE_HEX + 1], name[RECORD_NAME_MAX + 1];
	uint8_t naddresses;
	char addresses[RECORD_ADDRESSES_MAX][RECORD_ADDRESS_MAX + 1];
};

struct gate_devices {
	struct gate_device *list;
	size_t n, cap;
};

void devices_free(struct gate_devices *d);
/* The newest record; one that is not newer than the known one is left out. FULL,
 * NO_MEMORY. */
ASSAY_MUST_USE enum assay_err devices_put(struct gate_devices *d, const struct record *r);
/* It left the filter: no longer this gate's business, hence unknown. */
void devices_forget(struct gate_devices *d, const char *id);
/* A new end of validity, if the record is the newest and the end is later. */
void devices_extend(struct gate_devices *d, const struct extension *x);
const struct gate_device *devices_find(const struct gate_devices *d, const char *id);

/* When the decisions are from a verifier that has been silent since (0: it is not). */
struct gate_time {
	int64_t now;
	int64_t silent_since; /* its last heartbeat; 0: it beats */
	bool fail_open;
};
/*
 * What holds of the device now, and until when (0: nothing holds but quarantine). With
 * fail_open and a silent verifier, what held at its last heartbeat is held a little
 * longer, again and again; never for quarantine, and never for what had expired before.
 */
#define GATE_HOLD_S 30
enum record_outcome devices_outcome(const struct gate_device *d, const struct gate_time *t,
				    int64_t *ret_until);

#endif
