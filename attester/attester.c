/* attester.c: see assay/attester.h. Connections and messages; evidence itself is
 * attester_round.c. */
#include "context.h"

#include <assay/address.h>

#include <string.h>

_Static_assert(ASSAY_PCRS == PCR_COUNT && ASSAY_BANKS_MAX == PCR_BANKS_MAX &&
		       ASSAY_CHAIN_MAX == MSG_CHAIN_MAX && ASSAY_REASONS_MAX == MSG_REASONS_MAX &&
		       ASSAY_PART_MAX == MSG_PART_DATA_MAX && ASSAY_PART_MIN >= MSG_ENROL_MAX,
	       "the installed limits are those of the wire");

/* What a field of the configuration stands for when it is 0. */
static size_t
or_most(size_t n, size_t most)
{
	return n == 0 ? most : n;
}

size_t
assay_attester_size(const struct assay_attester_config *config)
{
	size_t part = or_most(config->part_max, ASSAY_PART_MAX);
	size_t log = or_most(config->boot_log_max, ASSAY_BOOT_LOG_MAX);

	if (part < ASSAY_PART_MIN || part > ASSAY_PART_MAX || log > ASSAY_BOOT_LOG_MAX ||
	    claims_size(config) == 0)
		return 0;
	return sizeof(struct assay_attester) + claims_size(config) + part + PART_OVERHEAD + log +
	       (config->ima_list ? part : 0);
}

static bool
printable(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7E)
			return false;
	return n >= 1 && n <= max;
}

static bool
config_is_valid(const struct assay_attester_config *c)
{
	if (!c->backend.identity ||
	    (c->backend.sign ? !c->start_id || c->start_count == 0
			     : !c->backend.activate || !c->backend.quote))
		return false;
	if (!c->agent || !printable(c->agent, MSG_AGENT_MAX))
		return false;
	if (!c->token_id != !c->token_secret)
		return false;
	return !c->token_id || (printable(c->token_id, MSG_TOKEN_FIELD_MAX) &&
				printable(c->token_secret, MSG_TOKEN_FIELD_MAX));
}

enum assay_err
assay_attester_init(void *memory, size_t size, const struct assay_attester_config *config,
		    struct assay_attester **ret)
{
	struct assay_attester *a = memory;
	size_t needed = assay_attester_size(config);

	if (needed == 0 || !config_is_valid(config))
		return ASSAY_MALFORMED;
	if (size < needed)
		return ASSAY_FULL;
	memset(a, 0, sizeof *a);
	a->backend = config->backend;
	a->boot_log = config->boot_log;
	a->boot_log_self = config->boot_log_self;
	memcpy(a->agent, config->agent, strlen(config->agent) + 1);
	if (config->token_id) {
		a->token_id = SPAN(config->token_id, strlen(config->token_id));
		a->token_secret = SPAN(config->token_secret, strlen(config->token_secret));
	}
	a->enrolled = config->enrolled;
	a->allow_unbound = config->allow_unbound;
	if (config->start_id)
		memcpy(a->start_id, config->start_id, sizeof a->start_id);
	a->start_count = config->start_count;
	a->part_max = or_most(config->part_max, ASSAY_PART_MAX);
	a->log_max = or_most(config->boot_log_max, ASSAY_BOOT_LOG_MAX);
	claims_init(a, config, (uint8_t *)memory + sizeof *a);
	a->frame = (uint8_t *)memory + sizeof *a + claims_size(config);
	a->log = a->frame + a->part_max + PART_OVERHEAD;
	a->ima.list = config->ima_list;
	a->ima.self = config->ima_list_self;
	a->ima.buffer = config->ima_list ? a->log + a->log_max : NULL;
	*ret = a;
	return ASSAY_OK;
}

bool
assay_attester_enrolled(const struct assay_attester *a)
{
	return a->enrolled;
}

/* nameAlg || H(TPMT_PUBLIC); TPM 2.0 Part 1, 16. */
static enum assay_err
name_of(struct span public, struct tpm_name *ret)
{
	struct reader r;
	struct digest d;
	uint16_t alg;
	enum assay_err e;

	rd_init(&r, public);
	(void)rd_be16(&r); /* type */
	alg = rd_be16(&r);
	if (r.err != ASSAY_OK)
		return r.err;
	if ((e = digest_compute(alg, public, &d)) != ASSAY_OK)
		return e;
	ret->b[0] = (uint8_t)(alg >> 8);
	ret->b[1] = (uint8_t)alg;
	memcpy(ret->b + 2, d.b, d.len);
	ret->len = (uint16_t)(2 + d.len);
	return ASSAY_OK;
}

static enum assay_err
send_hello(struct assay_attester *a, const struct assay_identity *id)
{
	struct msg_hello m = {.key_name = SPAN(a->key_name.b, a->key_name.len),
			      .nbanks = id->bank_count,
			      .agent = SPAN(a->agent, strlen(a->agent))};

	memcpy(m.banks, id->banks, sizeof m.banks);
	return envelope_encode_hello(&m, a->frame, a->part_max, &a->frame_len);
}

static enum assay_err
send_enrol(struct assay_attester *a, const struct assay_identity *id)
{
	struct msg_enrol m = {.ek_public = span_of(id->ek_public),
			      .ek_certificate = span_of(id->ek_certificate),
			      .nchain = id->chain_count,
			      .ak_public = span_of(id->ak_public),
			      .token_id = a->token_id,
			      .token_secret = a->token_secret,
			      .nbanks = id->bank_count,
			      .agent = SPAN(a->agent, strlen(a->agent))};

	for (uint8_t i = 0; i < id->chain_count; i++)
		m.chain[i] = span_of(id->chain[i]);
	memcpy(m.banks, id->banks, sizeof m.banks);
	return envelope_encode_enrol(&m, a->frame, a->part_max, &a->frame_len);
}

enum assay_err
assay_attester_address(struct assay_attester *a, const uint8_t *address, size_t len,
		       const uint8_t *mac)
{
	if (len != MSG_IP4_SIZE && len != MSG_IP6_SIZE)
		return ASSAY_MALFORMED;
	memcpy(a->address, address, len);
	a->address_len = len;
	a->mac_len = mac ? MSG_MAC_SIZE : 0;
	if (mac)
		memcpy(a->mac, mac, MSG_MAC_SIZE);
	return ASSAY_OK;
}

enum assay_err
assay_attester_connected(struct assay_attester *a, const uint8_t *exporter, size_t len)
{
	struct assay_identity id = {0};
	enum assay_err e;

	a->state = CLOSED;
	round_reset(a);
	if (exporter && len != sizeof a->exporter)
		return ASSAY_MALFORMED;
	a->address_len = a->mac_len = 0;
	a->has_exporter = exporter != NULL;
	if (exporter)
		memcpy(a->exporter, exporter, sizeof a->exporter);
	if ((e = a->backend.identity(a->backend.self, &id)) != ASSAY_OK)
		return e;
	if (id.bank_count > ASSAY_BANKS_MAX || id.chain_count > ASSAY_CHAIN_MAX)
		return ASSAY_TOO_MANY;
	if (signs_by_key(a)) {
		if ((e = key_connected(a, &id)) == ASSAY_OK)
			a->state = a->enrolled ? GREETED : POSSESSING;
		return e;
	}
	if ((e = name_of(span_of(id.ak_public), &a->key_name)) != ASSAY_OK ||
	    (e = a->enrolled ? send_hello(a, &id) : send_enrol(a, &id)) != ASSAY_OK)
		return e;
	a->state = a->enrolled ? GREETED : ENROLLING;
	return ASSAY_OK;
}

enum assay_err
assay_attester_next(struct assay_attester *a, struct assay_bytes *ret)
{
	enum assay_err e = ASSAY_OK;

	if (a->frame_len == 0)
		e = round_part(a);
	if (e != ASSAY_OK)
		return e;
	*ret = (struct assay_bytes){a->frame, a->frame_len};
	a->frame_len = 0;
	return ASSAY_OK;
}

/* ---- one function per message ---- */

static enum assay_err
on_credential(struct assay_attester *a, struct span f, struct assay_event *ev)
{
	uint8_t secret[MSG_SECRET_SIZE];
	struct msg_activation answer = {SPAN(secret, sizeof secret)};
	struct msg_credential m;
	enum assay_err e;

	ev->kind = ASSAY_EVENT_CREDENTIAL;
	if ((e = envelope_decode_credential(f, &a->arena, &m)) != ASSAY_OK)
		return e;
	e = a->backend.activate(a->backend.self, bytes_of(m.blob), bytes_of(m.encrypted_secret),
				secret);
	if (e == ASSAY_OK)
		e = envelope_encode_activation(&answer, a->frame, a->part_max, &a->frame_len);
	explicit_bzero(secret, sizeof secret);
	return e;
}

static enum assay_err
on_enrolled(struct assay_attester *a, struct span f, struct assay_event *ev)
{
	struct msg_enrolled m;
	enum assay_err e = envelope_decode_enrolled(f, &a->arena, &m);

	if (e != ASSAY_OK)
		return e;
	ev->kind = ASSAY_EVENT_ENROLLED;
	memcpy(ev->device_id, m.device_id.p, sizeof ev->device_id - 1);
	ev->pending = m.pending;
	a->enrolled = true;
	return ASSAY_OK;
}

static enum assay_err
on_challenge(struct assay_attester *a, struct span f, struct assay_event *ev)
{
	struct msg_challenge m;
	enum assay_err e = envelope_decode_challenge(f, &a->arena, &m);

	if (e != ASSAY_OK)
		return e;
	ev->kind = ASSAY_EVENT_CHALLENGE;
	ev->deadline_ms = m.deadline_ms;
	return round_prove(a, &m);
}

static enum assay_err
on_possession(struct assay_attester *a, struct span f, struct assay_event *ev)
{
	struct msg_challenge m;
	enum assay_err e = envelope_decode_challenge(f, &a->arena, &m);

	if (e != ASSAY_OK)
		return e;
	ev->kind = ASSAY_EVENT_CREDENTIAL;
	return key_possess(a, &m);
}

static enum assay_err
on_need(struct assay_attester *a, struct span f, struct assay_event *ev)
{
	enum assay_err e = envelope_decode_need(f, &a->arena, &a->need);

	if (e != ASSAY_OK)
		return e;
	ev->kind = ASSAY_EVENT_NEED;
	a->want = 0;
	return ASSAY_OK;
}

static enum assay_err
on_decision(struct assay_attester *a, struct span f, struct assay_event *ev)
{
	struct assay_decision *d = &ev->decision;
	struct msg_decision m;
	enum assay_err e = envelope_decode_decision(f, &a->arena, &m);

	if (e != ASSAY_OK)
		return e;
	ev->kind = ASSAY_EVENT_DECISION;
	d->outcome = (enum assay_outcome)m.outcome;
	for (uint8_t i = 0; i < m.nreasons; i++)
		d->reason[d->reason_count++] = bytes_of(m.reasons[i]);
	for (uint8_t i = 0; i < m.nremediation; i++)
		d->remediation[d->remediation_count++] = bytes_of(m.remediation[i]);
	d->token = bytes_of(m.token);
	d->next_in_ms = m.next_in_ms;
	d->sequence = m.sequence;
	round_reset(a);
	return ASSAY_OK;
}

static enum assay_err
on_refused(struct assay_attester *a, struct span f, struct assay_event *ev)
{
	struct msg_refused m;
	enum assay_err e = envelope_decode_refused(f, &a->arena, &m);

	if (e != ASSAY_OK)
		return e;
	ev->kind = ASSAY_EVENT_REFUSED;
	ev->reason = bytes_of(m.reason);
	ev->retry = m.retry;
	if (!m.retry && span_equal(m.reason, SPAN(ASSAY_REFUSED_UNPROVEN,
						  sizeof ASSAY_REFUSED_UNPROVEN - 1)))
		a->enrolled = false;
	round_reset(a);
	return ASSAY_OK;
}

/* What is permitted when: a message that is not here closes the connection. */
static const struct transition {
	enum state state;
	enum msg_type type;
	enum assay_err (*handler)(struct assay_attester *, struct span, struct assay_event *);
	enum state next;
} transitions[] = {
	{ENROLLING, MSG_CREDENTIAL, on_credential, ACTIVATED},
	{ENROLLING, MSG_REFUSED, on_refused, CLOSED},
	{POSSESSING, MSG_CHALLENGE, on_possession, ACTIVATED},
	{POSSESSING, MSG_REFUSED, on_refused, CLOSED},
	{ACTIVATED, MSG_ENROLLED, on_enrolled, IDLE},
	{ACTIVATED, MSG_REFUSED, on_refused, CLOSED},
	{GREETED, MSG_CHALLENGE, on_challenge, PROVING},
	{GREETED, MSG_ENROLLED, on_enrolled, IDLE},
	{GREETED, MSG_DECISION, on_decision, IDLE},
	{GREETED, MSG_REFUSED, on_refused, CLOSED},
	{IDLE, MSG_CHALLENGE, on_challenge, PROVING},
	{IDLE, MSG_ENROLLED, on_enrolled, IDLE},
	{IDLE, MSG_DECISION, on_decision, IDLE},
	{IDLE, MSG_REFUSED, on_refused, CLOSED},
	{PROVING, MSG_CHALLENGE, on_challenge, PROVING}, /* the last one is the one */
	{PROVING, MSG_NEED, on_need, PROVING},
	{PROVING, MSG_DECISION, on_decision, IDLE},
	{PROVING, MSG_REFUSED, on_refused, CLOSED},
};

static const struct transition *
permitted(enum state state, enum msg_type type)
{
	for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
		if (transitions[i].state == state && transitions[i].type == type)
			return &transitions[i];
	return NULL;
}

enum assay_err
assay_attester_received(struct assay_attester *a, const uint8_t *message, size_t len,
			struct assay_event *ret)
{
	struct span f = SPAN(message, len);
	const struct transition *t = permitted(a->state, frame_type(f));
	enum assay_err e = ASSAY_STATE;

	memset(ret, 0, sizeof *ret);
	arena_init(&a->arena, a->arena_memory, sizeof a->arena_memory);
	if (t)
		e = t->handler(a, f, ret);
	a->state = e == ASSAY_OK ? t->next : CLOSED;
	if (e != ASSAY_OK) {
		memset(ret, 0, sizeof *ret);
		round_reset(a);
	}
	return e;
}
