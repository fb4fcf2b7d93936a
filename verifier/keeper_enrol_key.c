/*
 * keeper_enrol_key.c: devices without TPM: how they enrol, and what is kept of copies; see
 * keeper.h.
 *
 * Where a TPM proves itself by a credential, a key signs: a nonce of keeper's, the
 * connection, and the very frame that asks. The frame waits here, unread, until then.
 */
#include "keeper_private.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
keeper_possession_ask(struct keeper *k, struct keeper_session *s, struct span frame)
{
	s->enrolment = calloc(1, sizeof *s->enrolment);
	if (!s->enrolment || keeper_copy(frame, &s->enrolment->frame, &s->enrolment->frame_len) !=
				     ASSAY_OK) {
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	keeper_challenge(k, s);
	if (s->state == KS_CHALLENGED)
		s->state = KS_POSSESSION;
}

void
keeper_on_possession(struct keeper *k, struct keeper_session *s, struct span proof)
{
	static struct enrol_input in;
	struct enrolment *en = s->enrolment;
	bool late = s->deadline_ms <= k->now_ms;

	memset(&in, 0, sizeof in);
	memcpy(in.nonce, s->nonce, sizeof in.nonce);
	explicit_bzero(s->nonce, sizeof s->nonce); /* consumed, whatever follows */
	s->state = KS_ENROLLING;
	if (!en || late) {
		keeper_refuse(k, s->id, "challenge.late", true);
		return;
	}
	in.frame = SPAN(en->frame, en->frame_len);
	in.proof = proof;
	if (s->bound)
		in.channel = SPAN(s->channel, sizeof s->channel);
	if (keeper_enrol_submit(k, s, &in) != ASSAY_OK)
		keeper_refuse(k, s->id, "verifier.internal", true);
}

/* The verifier's own key is no device's, whoever presents it (I6). */
static bool
is_ours(const struct keeper *k, const struct enrol_verdict *v)
{
	char hex[2 * 32 + 1];

	return v->ek_name.len != 2 + 32 ||
	       hex_encode(SPAN(v->ek_name.b + 2, 32), hex, sizeof hex) != ASSAY_OK ||
	       strcasecmp(hex, k->tls_pin) == 0;
}

/*
 * A DICE root that nobody registered may be anybody's; that it has layers proves nothing.
 * A key of which nobody says anything costs nothing to make: it comes in by a token or
 * by the allow-list, and does not fill the queue of those who wait.
 */
const char *
keeper_key_refusal(struct keeper *k, const struct enrol_verdict *v, bool listed)
{
	if (is_ours(k, v))
		return "key.verifier";
	if (v->tier == TIER_DICE && !v->ek.trusted && !listed)
		return "key.untrusted";
	if (v->tier == TIER_SOFTWARE && !listed && !v->token_id[0])
		return "key.unregistered";
	return NULL;
}

enum assay_err
keeper_note_copy(struct keeper *k, const char *device, const struct verdict *v)
{
	struct ledger_device *d = &k->device;
	enum assay_err e;

	if (!verdict_shows_copy(v))
		return ASSAY_OK;
	if ((e = ledger_device_get(k->ledger, device, d)) != ASSAY_OK)
		return e;
	if (d->copied || tier_has_tpm(d->tier))
		return ASSAY_OK;
	d->copied = true;
	d->updated = k->now;
	log_event(LOG_LEVEL_ERROR, "key-copied", "device", d->id, "finding",
		  finding_word((enum finding_code)v->findings[0].code), "effect",
		  "quarantined until an operator releases it", NULL);
	if ((e = ledger_device_update(k->ledger, d)) == ASSAY_OK)
		e = keeper_audit(k, "verifier", "device.copied", d->id,
				 "its key is live in two places, or an earlier DICE chain came "
				 "back");
	return e;
}
