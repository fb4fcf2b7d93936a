/*
 * replay_wait.h: waiting for a replay that the verifier makes, for `assay policy replay`.
 *
 * Who is interrupted meanwhile (Ctrl-C, a closed terminal) has chosen before what becomes
 * of it: it is cancelled, or goes on in the verifier.
 */
#ifndef CLI_REPLAY_WAIT_H
#define CLI_REPLAY_WAIT_H

#include "client.h"

/* Ends a replay, or says why not; the answer. NULL: *ret_status is set. */
ASSAY_MUST_USE json_t *replay_cancel(const struct client *c, int64_t id, int *ret_status);
/* One by its number. NULL: *ret_status is set. */
ASSAY_MUST_USE json_t *replay_find(const struct client *c, int64_t id, int *ret_status);
/* Until it is no longer running; takes r and gives back the newest answer. keep: it goes on
 * if this program is interrupted, which in either case ends by the signal. */
ASSAY_MUST_USE json_t *replay_wait(const struct client *c, json_t *r, bool keep,
				   int *ret_status);

#endif
