/*
 * keeper_session.c: keeper's side of a connection: opened, challenged, refused, closed.
 *
 * A nonce is made and recorded with its session here; keeper_round.c consumes it. What
 * is asked and told before a key was proved is the same for everybody (I16).
 */
#include "keeper_private.h"

#include "log.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

#define MARGIN_MS 200 /* network and queue, beyond the device's own deadline */

struct keeper_session *
keeper_find_session(struct keeper *k, uint64_t id)
{
	unsigned p = NET_INDEX(id), slot = (unsigned)(id & 0xFFFFF);
	struct keeper_session *s;

	if (p >= KEEPER_NET_MAX)
		return keeper_offline_session(k, id);
	if (!k->sessions[p] || slot >= k->sessions_max)
		return NULL;
	s = k->sessions[p][slot];
	return s && s->id == id ? s : NULL;
}

void
keeper_session_free(struct keeper *k, struct keeper_session *s)
{
	struct live_device *d = s->device[0] ? live_find(&k->live, s->device) : NULL;

	if (d && d->session == s->id)
		d->session = 0;
	keeper_ima_forget(s);
	if (s->held) {
		k->uploads--;
		keeper_request_free(k, s->held);
	}
	keeper_enrolment_free(s->enrolment);
	k->sessions[NET_INDEX(s->id)][s->id & 0xFFFFF] = NULL;
	explicit_bzero(s, sizeof *s);
	free(s);
}

void
keeper_on_open(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	unsigned slot = (unsigned)(m->id & 0xFFFFF);
	struct keeper_session *s;
	struct span channel, peer;
	struct reader r;

	rd_init(&r, m->payload);
	channel = rd_u8(&r) ? rd_bytes(&r, BINDING_CHANNEL_SIZE) : SPAN(NULL, 0);
	peer = rd_be16_bytes(&r, sizeof s->peer - 1);
	if (rd_finish(&r) != ASSAY_OK || NET_INDEX(m->id) != c->index || slot >= k->sessions_max) {
		keeper_child_lost(k, c, "sent a bad NET_OPEN");
		return;
	}
	if (k->sessions[c->index][slot])
		keeper_session_free(k, k->sessions[c->index][slot]);
	if (!(s = calloc(1, sizeof *s)))
		return;
	s->id = m->id;
	s->bound = channel.n != 0;
	if (channel.n)
		memcpy(s->channel, channel.p, channel.n);
	if (peer.n)
		memcpy(s->peer, peer.p, peer.n);
	k->sessions[c->index][slot] = s;
}

void
keeper_on_closed(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);

	(void)c;
	if (s)
		keeper_session_free(k, s);
}

/* Words that devices see are few and tell nothing about any device. */
void
keeper_refuse(struct keeper *k, uint64_t session, const char *word, bool retry)
{
	struct msg_refused m = {.reason = SPAN(word, strlen(word)), .retry = retry};
	struct keeper_session *s = keeper_find_session(k, session);
	uint8_t frame[MSG_REFUSED_MAX];
	size_t n;

	k->status.refusals++;
	metrics_word(&k->metrics.refusals, word, OUTCOME_QUARANTINE);
	log_event(LOG_LEVEL_WARN, "refused", "session", log_u64(session), "peer",
		  s ? s->peer : "", "reason", word, NULL);
	if (s && s->offline) {
		keeper_offline_refuse(k, s, word, retry);
		return;
	}
	if (envelope_encode_refused(&m, frame, sizeof frame, &n) == ASSAY_OK)
		keeper_send(k, session, SPAN(frame, n));
	if (s)
		s->state = KS_NEW; /* net closes after the frame */
}

/* ---- challenge ---- */

/* Asked of everybody alike, but only in banks that the device says it has: fewer
 * banks than policy needs is a finding, never a pass (Q4). */
static void
select_banks(const struct keeper *k, const struct keeper_session *s, struct pcr_selection *ret)
{
	memset(ret, 0, sizeof *ret);
	for (unsigned i = 0; i < k->ask.count; i++)
		for (unsigned b = 0; b < s->nbanks; b++)
			if (s->banks[b] == k->ask.bank[i].alg)
				ret->bank[ret->count++] = k->ask.bank[i];
	if (ret->count == 0)
		*ret = k->ask;
}

void
keeper_challenge(struct keeper *k, struct keeper_session *s)
{
	struct msg_challenge m = {.deadline_ms = k->config->challenge_deadline_ms,
				  .channel_bound = s->bound};
	uint8_t frame[MSG_CHALLENGE_MAX];
	enum assay_err e;
	size_t n;

	s->next_ms = 0;
	if ((e = random_bytes(s->nonce, sizeof s->nonce)) != ASSAY_OK) {
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	select_banks(k, s, &s->asked);
	m.nonce = SPAN(s->nonce, sizeof s->nonce);
	m.pcrs = s->asked;
	m.reread = s->proved && s->reread; /* before, all challenges are alike (I16) */
	if ((e = envelope_encode_challenge(&m, frame, sizeof frame, &n)) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "challenge", "error", assay_err_name(e), NULL);
		keeper_refuse(k, s->id, "verifier.internal", true);
		return;
	}
	s->reread = false;
	s->state = KS_CHALLENGED;
	s->challenged_ms = k->now_ms;
	s->deadline_ms = k->now_ms + k->config->challenge_deadline_ms + MARGIN_MS;
	keeper_send(k, s->id, SPAN(frame, n));
}

void
keeper_on_hello(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct keeper_session *s = keeper_find_session(k, m->id);
	struct span name;
	struct reader r;

	if (!s)
		return;
	rd_init(&r, m->payload);
	name = rd_be16_bytes(&r, TPM_NAME_MAX);
	s->nbanks = (uint8_t)rd_count(&r, rd_u8(&r), PCR_BANKS_MAX);
	for (unsigned i = 0; i < s->nbanks; i++)
		s->banks[i] = rd_be16(&r);
	if (rd_finish(&r) != ASSAY_OK || s->state != KS_NEW) {
		keeper_child_lost(k, c, "sent a bad NET_HELLO");
		return;
	}
	if (name.n)
		memcpy(s->key_name.b, name.p, name.n);
	s->key_name.len = (uint16_t)name.n;
	keeper_challenge(k, s);
}

void
keeper_rounds_tick(struct keeper *k)
{
	for (unsigned p = 0; p < k->config->net_processes; p++)
		for (unsigned i = 0; i < k->sessions_max; i++) {
			struct keeper_session *s = k->sessions[p][i];

			if (!s)
				continue;
			if (s->state == KS_IDLE && s->next_ms && s->next_ms <= k->now_ms)
				keeper_challenge(k, s);
			else if ((s->state == KS_CHALLENGED || s->state == KS_POSSESSION) &&
				 s->deadline_ms <= k->now_ms)
				keeper_refuse(k, s->id, "challenge.late", true);
		}
}
