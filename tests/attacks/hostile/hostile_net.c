/*
 * hostile_net.c: a verifier whose network process was taken over: it sends every
 * proof twice, shows the first proof it ever saw in place of later ones, and hands
 * each device's proof in under the sessions of others as well (Q17).
 */
#include "verifier/ipc.h"

#include <string.h>

static enum assay_err hostile_send(struct ipc *c, enum ipc_type t, uint64_t id,
				   struct span payload);

#define ipc_send hostile_send
#include "verifier/session.c"
#undef ipc_send

#define OTHERS 16

/* Keeper's answers to the forged messages go where it thinks they belong; only what
 * is admitted matters here. */
static enum assay_err
hostile_send(struct ipc *c, enum ipc_type t, uint64_t id, struct span payload)
{
	static uint8_t old[IPC_INLINE_MAX];
	static size_t old_len;
	static uint64_t seen[OTHERS];
	static unsigned n, proofs;
	enum assay_err e = ASSAY_OK;

	if (t == IPC_NET_HELLO)
		seen[n++ % OTHERS] = id;
	if (t != IPC_NET_PROOF)
		return ipc_send(c, t, id, payload);
	if (old_len == 0 && payload.n <= sizeof old) {
		memcpy(old, payload.p, payload.n);
		old_len = payload.n;
	}
	for (unsigned i = 0; i < OTHERS && e == ASSAY_OK; i++)
		if (seen[i] && seen[i] != id)
			e = ipc_send(c, t, seen[i], payload);
	if (e == ASSAY_OK) /* every third time the old proof, else the real one */
		e = ipc_send(c, t, id, ++proofs % 3 == 0 ? SPAN(old, old_len) : payload);
	if (e == ASSAY_OK)
		e = ipc_send(c, t, id, payload);
	return e;
}
