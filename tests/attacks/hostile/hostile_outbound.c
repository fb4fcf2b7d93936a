/*
 * hostile_outbound.c: a verifier whose outbound processes were taken over: they acknowledge
 * what they did not deliver, what they were not given, the same twice and a flood of
 * numbers, send answers that contradict themselves and messages that are not theirs; the
 * clock says which (D15).
 */
#include "verifier/ipc.h"

#include "verifier/outbound.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum assay_err hostile_send(struct ipc *c, enum ipc_type t, uint64_t id,
				   struct span payload);

#define ipc_send hostile_send
#include "verifier/outbound_http.c"
#undef ipc_send

static enum assay_err
said(struct ipc *c, uint64_t id, const char *error, unsigned status)
{
	struct outbound_result r = {.delivered = !*error, .status = (uint16_t)status};
	uint8_t buf[256];
	struct writer w;

	text_format(r.error, sizeof r.error, "%s", error);
	wr_init(&w, buf, sizeof buf);
	if (outbound_result_encode(&r, &w) != ASSAY_OK)
		abort();
	return ipc_send(c, IPC_OUTBOUND_RESULT, id, wr_span(&w));
}

static enum assay_err
hostile_send(struct ipc *c, enum ipc_type t, uint64_t id, struct span payload)
{
	enum assay_err e = ASSAY_OK;
	struct timespec now;

	if (t != IPC_OUTBOUND_RESULT)
		return ipc_send(c, t, id, payload);
	clock_gettime(CLOCK_MONOTONIC, &now);
	switch (now.tv_nsec / 1000 % 8) {
	case 0: /* what it was not given */
		return said(c, id + 1000, "", 200);
	case 1: /* twice */
		if ((e = said(c, id, "", 200)) != ASSAY_OK)
			return e;
		return said(c, id, "", 200);
	case 2: /* a flood */
		for (uint64_t i = 0; i < 100000 && e == ASSAY_OK; i++)
			e = said(c, id + i, "", 200);
		return e;
	case 3: /* delivered, and an error */
		return ipc_send(c, t, id, SPAN("\1\1\xf4\0\0\0\0\0\1x", 10));
	case 4: /* no answer at all */
		return ipc_send(c, t, id, SPAN("", 0));
	case 5: /* another's message */
		return ipc_send(c, IPC_READY, id, SPAN("", 0));
	case 6: /* dead at once, with words for the terminal */
		return ipc_send(c, t, id, SPAN("\0\1\x9a\xff\xff\xff\xff\0\2\x1b[", 11));
	default: /* it is there, and was not delivered */
		return said(c, id, "HTTP 503", 503);
	}
}
