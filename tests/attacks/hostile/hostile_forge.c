/*
 * hostile_forge.c: a verifier whose appraisers, once taken over, answer with an ADMIT that
 * is not quite about the request: for another device, other evidence, another request,
 * twice, before it was asked, in bytes that are no verdict, or as a message that is not
 * theirs to send (Q18). Which of these depends on the request's number.
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

static uint8_t out[BOUND_TO + VERDICT_BYTES_MAX];

/* The same verdict, but ADMIT. */
static size_t
say_admit(struct span payload)
{
	static struct verdict v;
	size_t n;

	memset(&v, 0, sizeof v);
	if (payload.n < BOUND_TO ||
	    verdict_decode(SPAN(payload.p + BOUND_TO, payload.n - BOUND_TO), &v) != ASSAY_OK)
		return 0;
	v.status = VERDICT_DECIDED;
	v.outcome = OUTCOME_ADMIT;
	v.nfindings = 0;
	v.max_age_s = 3600;
	v.interval_s = 1;
	v.next.nsticky = 0;
	memcpy(out, payload.p, BOUND_TO);
	if (verdict_encode(&v, out + BOUND_TO, VERDICT_BYTES_MAX, &n) != ASSAY_OK)
		abort();
	return BOUND_TO + n;
}

static enum assay_err
hostile_send(struct ipc *c, enum ipc_type t, uint64_t id, struct span payload)
{
	size_t n = t == IPC_VERDICT ? say_admit(payload) : 0;
	enum assay_err e;

	if (n == 0)
		return ipc_send(c, t, id, payload);
	switch (id % 8) {
	case 0: /* another device */
		out[BOUND_TO - 1] = out[BOUND_TO - 1] == '0' ? '1' : '0';
		break;
	case 1: /* other evidence */
		out[0] ^= 1;
		break;
	case 2: /* another request */
		id++;
		break;
	case 3: /* twice */
		e = ipc_send(c, t, id, SPAN(out, n));
		if (e != ASSAY_OK)
			return e;
		break;
	case 4: /* no verdict */
		n--;
		break;
	case 5: /* an outcome that there is not */
		memset(out + BOUND_TO, 0xFF, 16);
		break;
	case 6: /* as an enrolment */
		t = IPC_ENROL_VERDICT;
		break;
	default: /* the one that it can say, and that nobody reproduces */
		break;
	}
	return ipc_send(c, t, id, SPAN(out, n));
}
