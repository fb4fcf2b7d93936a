/*
 * keeper_stored.c: a device's last round as the ledger has it, for who has it judged once
 * more: replays, explanations, case files; see keeper_private.h.
 */
#include "keeper_private.h"

#include "evidence/imalog.h"

#include <string.h>

enum assay_err
keeper_stored_fill(const struct ledger_state *st, struct appraisal_input *in)
{
	memcpy(in->nonce, st->nonce, sizeof in->nonce);
	in->channel = st->channel;
	in->proof = st->proof;
	in->claims = st->claims;
	in->continuity = st->continuity;
	return keeper_asked_read(st->asked, in);
}

static bool
asks_for_ima(const struct pcr_selection *ask)
{
	for (unsigned i = 0; i < ask->count; i++)
		if (ask->bank[i].mask & 1u << IMALOG_PCR)
			return true;
	return false;
}

void
keeper_stored_ima(struct keeper *k, struct request *r, const struct keeper_policy *p)
{
	if (!p || r->has_ima || !asks_for_ima(&p->info.ask) || !keeper_ima_stored(k, r))
		return;
	k->input.has_ima = r->has_ima;
	k->input.ima_from = r->ima_from;
	k->input.ima_stored = r->ima_stored;
}
