/*
 * keeper_replay_run.h: the inside of a replay that runs, shared by keeper_replay*.c.
 */
#ifndef VERIFIER_KEEPER_REPLAY_RUN_H
#define VERIFIER_KEEPER_REPLAY_RUN_H

#include "keeper_private.h"
#include "keeper_replay.h"

#include "verifier/appraise/prediction.h"

#define REPLAY_LOGS 8 /* boot logs that are kept at hand */

struct stored_log {
	uint8_t digest[32];
	uint8_t *bytes;
	size_t n;
	uint64_t used;
};

struct replay_run {
	struct keeper_policy policy; /* the candidate, with its own map */
	char after[DEVICE_ID_HEX + 1];
	bool listed; /* all devices were looked at */
	unsigned under_way;
	struct request *ready; /* composed, for an appraiser that has room */
	struct stored_log logs[REPLAY_LOGS];
	uint64_t uses;
	int64_t started_ms;
};

/* keeper_replay_device.c: a device's row, begun and settled; the device's next request,
 * or NULL if there is nothing to appraise. */
struct request *replay_next_request(struct keeper *k, const struct ledger_device *d);
void replay_settle(struct keeper *k, const struct request *r, const struct prediction *v);
void replay_settle_unknown(struct replay *p, struct replay_row *row, const char *why);

#endif
