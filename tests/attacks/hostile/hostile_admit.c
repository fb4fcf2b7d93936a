/*
 * hostile_admit.c: a verifier whose appraisers are taken over by the first evidence
 * they read and from then on say ADMIT to everything, about the right request.
 *
 * The honest appraiser.c with one call replaced. A spare has read nothing yet, so it
 * is honest: what it does not reproduce must not become milder (Q18).
 */
#include "verifier/ipc.h"

#include "verifier/appraise/appraise.h"

#include <stdlib.h>
#include <string.h>

static enum assay_err hostile_send(struct ipc *c, enum ipc_type t, uint64_t id,
				   struct span payload);

#define ipc_send hostile_send
#include "verifier/appraiser.c"
#undef ipc_send

#define BOUND_TO 64 /* evidence digest and device id */

static enum assay_err
hostile_send(struct ipc *c, enum ipc_type t, uint64_t id, struct span payload)
{
	static uint8_t out[BOUND_TO + VERDICT_BYTES_MAX];
	static struct verdict v;
	static unsigned served;
	size_t n;

	if (t != IPC_VERDICT || served++ == 0 || payload.n < BOUND_TO ||
	    verdict_decode(SPAN(payload.p + BOUND_TO, payload.n - BOUND_TO), &v) != ASSAY_OK)
		return ipc_send(c, t, id, payload);
	v.status = VERDICT_DECIDED;
	v.outcome = OUTCOME_ADMIT;
	v.nfindings = 0;
	v.max_age_s = 3600;
	v.interval_s = v.interval_s ? v.interval_s : 1;
	v.next.nsticky = 0;
	memcpy(out, payload.p, BOUND_TO);
	if (verdict_encode(&v, out + BOUND_TO, VERDICT_BYTES_MAX, &n) != ASSAY_OK)
		abort();
	return ipc_send(c, t, id, SPAN(out, BOUND_TO + n));
}
