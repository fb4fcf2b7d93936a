/* attester_round.c: one round's evidence, see context.h and docs/protocol.md. */
#include "context.h"

#include <string.h>

void
round_reset(struct assay_attester *a)
{
	a->frame_len = 0;
	a->need.nwants = 0;
	a->want = 0;
	a->log_len = 0;
	a->claims_len = 0;
	a->ima_sent = 0;
}

/* The boot log as it is now, and its digest into the claims. */
static enum assay_err
take_boot_log(struct assay_attester *a, struct msg_claims *claims, uint8_t digest[32])
{
	enum assay_err e;

	a->log_len = 0;
	if (!a->boot_log)
		return ASSAY_OK;
	e = a->boot_log(a->boot_log_self, a->log, a->log_max, &a->log_len);
	if (e == ASSAY_NOT_FOUND || (e == ASSAY_OK && a->log_len == 0))
		return ASSAY_OK; /* an empty log is no log */
	if (e != ASSAY_OK)
		return e;
	if (a->log_len > a->log_max)
		return ASSAY_INTERNAL;
	if ((e = digest_sha256(SPAN(a->log, a->log_len), digest)) != ASSAY_OK)
		return e;
	claims->boot_log_digest = SPAN(digest, 32);
	claims->boot_log_size = (uint32_t)a->log_len;
	return ASSAY_OK;
}

static enum assay_err
make_claims(struct assay_attester *a, bool reread)
{
	struct msg_claims *m = &a->said.m;
	uint8_t digest[32];
	enum assay_err e = claims_collect(a, reread);

	if (e != ASSAY_OK || (e = take_boot_log(a, m, digest)) != ASSAY_OK ||
	    (e = ima_length(a, &m->ima_entries)) != ASSAY_OK)
		return e;
	m->agent = SPAN(a->agent, strlen(a->agent));
	if (signs_by_key(a)) {
		m->start_id = SPAN(a->start_id, sizeof a->start_id);
		m->start_count = a->start_count;
		m->round = ++a->round;
	}
	m->address = SPAN(a->address, a->address_len);
	m->mac = SPAN(a->mac, a->mac_len);
	return envelope_encode_claims(m, a->claims, a->claims_max, &a->claims_len);
}

enum assay_err
round_channel(const struct assay_attester *a, const struct msg_challenge *c, struct binding *b)
{
	if (a->offline) /* there is none, and the kind says so */
		return c->channel_bound ? ASSAY_DENIED : ASSAY_OK;
	if (c->channel_bound && !a->has_exporter)
		return ASSAY_DENIED;
	if (!c->channel_bound && !a->allow_unbound)
		return ASSAY_DENIED; /* I17: never negotiated down */
	if (c->channel_bound)
		b->channel = SPAN(a->exporter, sizeof a->exporter);
	return ASSAY_OK;
}

/* What the key signs: kind, key, nonce, channel and claims in one digest. */
static enum assay_err
make_binding(const struct assay_attester *a, const struct msg_challenge *c,
	     uint8_t ret[BINDING_SIZE])
{
	struct binding b = {.kind = a->offline ? BINDING_TPM_OFFLINE : BINDING_TPM_ONLINE,
			    .key_name = SPAN(a->key_name.b, a->key_name.len),
			    .nonce = c->nonce,
			    .claims = SPAN(a->claims, a->claims_len)};
	enum assay_err e = round_channel(a, c, &b);

	return e == ASSAY_OK ? binding_compute(&b, ret) : e;
}

static enum assay_err
take_values(const struct assay_bank_values *in, struct pcr_values *v)
{
	struct reader r;
	enum assay_err e = ASSAY_OK;

	rd_init(&r, SPAN(in->values, in->len));
	for (unsigned i = 0; i < PCR_COUNT && e == ASSAY_OK; i++) {
		struct digest d;

		if (!(in->mask >> i & 1))
			continue;
		e = digest_from(in->alg, rd_bytes(&r, digest_size(in->alg)), &d);
		if (e == ASSAY_OK)
			e = pcr_set(v, i, &d);
	}
	return e == ASSAY_OK ? rd_finish(&r) : e;
}

static enum assay_err
take_quotes(struct assay_attester *a)
{
	const struct assay_quotes *q = &a->quotes;
	enum assay_err e = ASSAY_OK;

	if (q->quote_count > ASSAY_BANKS_MAX || q->bank_count > ASSAY_BANKS_MAX)
		return ASSAY_TOO_MANY;
	for (uint8_t i = 0; i < q->quote_count; i++) {
		if (q->quote[i].attest_len > ASSAY_ATTEST_MAX ||
		    q->quote[i].signature_len > ASSAY_SIGNATURE_MAX)
			return ASSAY_TOO_LARGE;
		a->proof.quotes[i].attest = SPAN(q->quote[i].attest, q->quote[i].attest_len);
		a->proof.quotes[i].signature =
			SPAN(q->quote[i].signature, q->quote[i].signature_len);
	}
	a->proof.nquotes = q->quote_count;
	for (uint8_t i = 0; i < q->bank_count && e == ASSAY_OK; i++)
		e = take_values(&q->bank[i], &a->proof.pcrs);
	return e;
}

static enum assay_err
quote(struct assay_attester *a, const struct msg_challenge *c)
{
	struct assay_selection banks[ASSAY_BANKS_MAX];
	uint8_t qualifying[BINDING_SIZE];
	enum assay_err e;

	for (uint8_t i = 0; i < c->pcrs.count; i++)
		banks[i] = (struct assay_selection){c->pcrs.bank[i].alg, c->pcrs.bank[i].mask};
	memset(&a->quotes, 0, sizeof a->quotes);
	if ((e = make_binding(a, c, qualifying)) != ASSAY_OK)
		return e;
	return a->backend.quote(a->backend.self, banks, c->pcrs.count, qualifying, &a->quotes);
}

/* What else is in the proof of a DICE device leaves less room for claims. */
static size_t
layers_len(const struct assay_attester *a)
{
	size_t n = 0;

	for (uint8_t i = 0; i < a->proof.nlayers; i++)
		n += a->proof.layers[i].n;
	return n < MSG_CLAIMS_INLINE_MAX ? n : MSG_CLAIMS_INLINE_MAX;
}

enum assay_err
round_prove(struct assay_attester *a, const struct msg_challenge *c)
{
	uint8_t digest[32];
	enum assay_err e;

	round_reset(a);
	memset(&a->proof, 0, sizeof a->proof);
	if ((e = make_claims(a, c->reread)) != ASSAY_OK ||
	    (e = signs_by_key(a) ? key_prove(a, c) : quote(a, c)) != ASSAY_OK ||
	    (e = take_quotes(a)) != ASSAY_OK ||
	    (e = digest_sha256(SPAN(a->claims, a->claims_len), digest)) != ASSAY_OK)
		return e;
	if (a->claims_len <= MSG_CLAIMS_INLINE_MAX - layers_len(a)) /* else they are asked for */
		a->proof.claims = SPAN(a->claims, a->claims_len);
	a->proof.claims_digest = SPAN(digest, sizeof digest);
	return envelope_encode_proof(&a->proof, a->frame, a->part_max, &a->frame_len);
}

/* What this device has of a kind, but for the IMA list. */
static struct span
source(const struct assay_attester *a, enum part_kind kind)
{
	switch (kind) {
	case PART_CLAIMS:
		return SPAN(a->claims, a->claims_len);
	case PART_BOOT_LOG:
		return SPAN(a->log, a->log_len);
	case PART_IMA:
	case PART_FILES:
	case PART_NONE:
		break;
	}
	return SPAN(NULL, 0);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A piece of what is at hand as a whole. */
static void
piece_of(const struct assay_attester *a, struct msg_want *w, struct msg_part *m)
{
	struct reader r;
	uint64_t skip;

	rd_init(&r, source(a, w->kind));
	skip = least(w->from, rd_left(&r));
	(void)rd_bytes(&r, (size_t)skip);
	m->offset = w->from;
	m->data = rd_bytes(&r, (size_t)least(least(w->limit, a->part_max), rd_left(&r)));
	w->from += m->data.n;
	w->limit -= m->data.n;
	m->last = rd_left(&r) == 0 || w->limit == 0;
}

/* Of the IMA list, Want counts entries and Part the bytes since. */
static enum assay_err
piece_of_ima(struct assay_attester *a, struct msg_want *w, struct msg_part *m)
{
	enum assay_err e = a->ima_sent == 0 ? ima_seek(a, w->from) : ASSAY_OK;

	if (e != ASSAY_OK || (e = ima_piece(a, w->limit, m)) != ASSAY_OK)
		return e;
	m->offset = a->ima_sent;
	a->ima_sent = m->last ? 0 : a->ima_sent + m->data.n;
	w->limit -= m->data.n;
	return ASSAY_OK;
}

enum assay_err
round_part(struct assay_attester *a)
{
	struct msg_part m = {0};
	struct msg_want *w;
	enum assay_err e = ASSAY_OK;

	if (a->want >= a->need.nwants)
		return ASSAY_OK;
	w = &a->need.wants[a->want];
	m.kind = w->kind;
	if (w->kind == PART_IMA)
		e = piece_of_ima(a, w, &m);
	else if (w->kind == PART_FILES)
		e = claims_files(a, w, &m);
	else
		piece_of(a, w, &m);
	if (e != ASSAY_OK)
		return e;
	if (m.last)
		a->want++;
	return envelope_encode_part(&m, a->frame, a->part_max + PART_OVERHEAD, &a->frame_len);
}
