/* keeper_metrics.c: the gauges of /metrics; see metrics.h. */
#include "keeper_private.h"

static void
count_devices(struct keeper *k, struct metrics_now *n)
{
	for (size_t i = 0; i < k->live.size; i++) {
		const struct live_device *d = &k->live.slots[i];

		if (d->id[0] == '\0' || d->seq == 0 || d->retired)
			continue;
		n->devices[(unsigned)d->decision < OUTCOME_COUNT ? d->decision
								 : OUTCOME_QUARANTINE]++;
		n->connected += d->session != 0;
		n->unreachable += d->session == 0;
		n->stale += d->stale;
	}
}

void
keeper_metrics(struct keeper *k, struct writer *w)
{
	struct metrics_now n = {.now = k->now};
	struct keeper_status s;
	struct ledger_heads heads;

	keeper_status(k, &s);
	n.sessions = s.sessions;
	n.proved_sessions = s.proved_sessions;
	n.attestations = s.attestations;
	n.children_restarted = s.children_restarted;
	n.queue = s.queue_depth;
	n.commits = s.commits;
	n.ledger_fault = s.ledger_fault;
	n.started = s.started;
	n.devices_certificate = s.devices_certificate;
	n.console_certificate = s.console_certificate;
	ledger_heads(k->ledger, &heads);
	n.sequence = heads.decision;
	count_devices(k, &n);
	keeper_outbound_metrics(k, &n);
	metrics_write(&k->metrics, &n, w);
}
