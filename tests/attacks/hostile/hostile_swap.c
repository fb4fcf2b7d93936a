/*
 * hostile_swap.c: a verifier whose appraisers, once taken over, answer every request
 * with the first verdict they ever gave: another request, device and evidence (Q18).
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

static enum assay_err
hostile_send(struct ipc *c, enum ipc_type t, uint64_t id, struct span payload)
{
	static uint8_t first[IPC_INLINE_MAX];
	static size_t first_len;

	if (t != IPC_VERDICT || payload.n > sizeof first)
		return ipc_send(c, t, id, payload);
	if (first_len == 0) {
		memcpy(first, payload.p, payload.n);
		first_len = payload.n;
	}
	return ipc_send(c, t, id, SPAN(first, first_len));
}
