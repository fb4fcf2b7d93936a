/* keeper_operation_reread.c: `device reread`: the next challenge of a device demands that
 * it measures everything anew, whatever looks unchanged to it. See keeper_operation.h. */
#include "keeper_operation.h"
#include "keeper_private.h"

#include <string.h>

/* The session that has proved the device's key; NULL if it is not connected. */
static struct keeper_session *
session_of(struct keeper *k, const char *device)
{
	for (unsigned p = 0; p < k->config->net_processes; p++)
		for (unsigned i = 0; i < k->sessions_max; i++) {
			struct keeper_session *s = k->sessions[p][i];

			if (s && s->proved && strcmp(s->device, device) == 0)
				return s;
		}
	return NULL;
}

enum assay_err
operation_on_device_reread(struct call *c)
{
	static struct ledger_device d;
	char reason[LEDGER_TEXT_MAX];
	struct keeper_session *s;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = call_reason(c, reason)) != ASSAY_OK)
		return e;
	s = session_of(c->k, d.id);
	if (!s)
		return call_fail(c, ASSAY_STATE, "the device is not connected");
	if ((e = call_change(c)) != ASSAY_OK || (e = call_audit(c, d.id, reason)) != ASSAY_OK)
		return e;
	s->reread = true;
	if (s->state == KS_IDLE)
		s->next_ms = c->k->now_ms; /* at once; else with the challenge after this one */
	return call_answer_device(c, &d);
}
