/* envelope.c: see envelope.h. Decoding: scan, unpack into the arena, take spans. */
#include "envelope_scan.h"

#include <string.h>

#include <assay.pb-c.h>

#define ARENA_ALIGN 8

/* allocator_data: the arena, and whether it was too small. */
struct unpacker {
	struct arena *a;
	bool full;
};

void
arena_init(struct arena *a, void *p, size_t cap)
{
	a->p = p;
	a->cap = cap;
	a->used = 0;
}

void
arena_reset(struct arena *a)
{
	a->used = 0;
}

static void *
arena_take(struct arena *a, size_t n)
{
	size_t pad = (ARENA_ALIGN - ((uintptr_t)a->p + a->used) % ARENA_ALIGN) % ARENA_ALIGN;
	void *p;

	if (pad > a->cap - a->used || n > a->cap - a->used - pad)
		return NULL;
	p = a->p + a->used + pad;
	a->used += pad + n;
	return p;
}

static void *
unpacker_alloc(void *data, size_t n)
{
	struct unpacker *u = data;
	void *p = arena_take(u->a, n);

	if (!p)
		u->full = true;
	return p;
}

static void
unpacker_free(void *data, void *p)
{
	(void)data;
	(void)p;
}

enum msg_type
frame_type(struct span f)
{
	if (f.n == 0 || f.p[0] == MSG_CLAIMS || !message_rule(f.p[0]))
		return MSG_NONE;
	return (enum msg_type)f.p[0];
}

size_t
frame_limit(enum msg_type t)
{
	const struct message_rule *rule = t == MSG_CLAIMS ? NULL : message_rule(t);

	return rule ? rule->max + 1 : 0;
}

static const ProtobufCMessageDescriptor *
descriptor(unsigned type)
{
	static const struct {
		unsigned type;
		const ProtobufCMessageDescriptor *d;
	} of[] = {
		{MSG_HELLO, &assay__v1__hello__descriptor},
		{MSG_ENROL, &assay__v1__enrol__descriptor},
		{MSG_ENROL_KEY, &assay__v1__enrol_key__descriptor},
		{MSG_ACTIVATION, &assay__v1__activation__descriptor},
		{MSG_PROOF, &assay__v1__proof__descriptor},
		{MSG_PART, &assay__v1__part__descriptor},
		{MSG_CHALLENGE, &assay__v1__challenge__descriptor},
		{MSG_CREDENTIAL, &assay__v1__credential__descriptor},
		{MSG_ENROLLED, &assay__v1__enrolled__descriptor},
		{MSG_NEED, &assay__v1__need__descriptor},
		{MSG_DECISION, &assay__v1__decision__descriptor},
		{MSG_REFUSED, &assay__v1__refused__descriptor},
		{MSG_CLAIMS, &assay__v1__claims__descriptor},
	};

	for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
		if (of[i].type == type)
			return of[i].d;
	return NULL;
}

/* Scan, then unpack: *ret is the generated struct, in the arena. */
static enum assay_err
unpack(unsigned type, struct span body, struct arena *a, void *ret)
{
	struct unpacker u = {a, false};
	ProtobufCAllocator allocator = {unpacker_alloc, unpacker_free, &u};
	ProtobufCMessage *m;
	enum assay_err e = envelope_scan(message_rule(type), body);

	if (e != ASSAY_OK)
		return e;
	m = protobuf_c_message_unpack(descriptor(type), &allocator, body.n, body.p);
	if (!m)
		return u.full ? ASSAY_FULL : ASSAY_MALFORMED;
	memcpy(ret, &m, sizeof m); /* *ret is a pointer to another struct type */
	return ASSAY_OK;
}

static enum assay_err
unpack_frame(enum msg_type type, struct span f, struct arena *a, void *ret)
{
	struct reader r;

	if (frame_type(f) != type)
		return ASSAY_BAD_TYPE;
	if (f.n > frame_limit(type))
		return ASSAY_TOO_LARGE;
	rd_init(&r, f);
	(void)rd_u8(&r);
	return unpack(type, rd_rest(&r), a, ret);
}

static struct span
bytes_of(ProtobufCBinaryData d)
{
	return SPAN(d.data, d.len);
}

static struct span
text_of(const char *s)
{
	return SPAN(s, strlen(s));
}

static enum assay_err
take_banks(const uint32_t *in, size_t n, uint16_t ret[PCR_BANKS_MAX], uint8_t *ret_n)
{
	if (n > PCR_BANKS_MAX)
		return ASSAY_TOO_MANY;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			if (in[k] == in[i])
				return ASSAY_DUPLICATE;
		ret[i] = (uint16_t)in[i];
	}
	*ret_n = (uint8_t)n;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_hello(struct span f, struct arena *a, struct msg_hello *ret)
{
	const Assay__V1__Hello *m;
	struct msg_hello h = {0};
	enum assay_err e;

	if ((e = unpack_frame(MSG_HELLO, f, a, &m)) != ASSAY_OK ||
	    (e = take_banks(m->banks, m->n_banks, h.banks, &h.nbanks)) != ASSAY_OK)
		return e;
	if (m->version != MSG_VERSION)
		return ASSAY_UNSUPPORTED;
	h.key_name = bytes_of(m->key_name);
	h.agent = text_of(m->agent);
	*ret = h;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_enrol(struct span f, struct arena *a, struct msg_enrol *ret)
{
	const Assay__V1__Enrol *m;
	struct msg_enrol r = {0};
	enum assay_err e;

	if ((e = unpack_frame(MSG_ENROL, f, a, &m)) != ASSAY_OK ||
	    (e = take_banks(m->banks, m->n_banks, r.banks, &r.nbanks)) != ASSAY_OK)
		return e;
	if (m->version != MSG_VERSION)
		return ASSAY_UNSUPPORTED;
	if ((*m->token_id == '\0') != (*m->token_secret == '\0'))
		return ASSAY_MISSING;
	r.ek_public = bytes_of(m->ek_public);
	r.ek_certificate = bytes_of(m->ek_certificate);
	for (size_t i = 0; i < m->n_ek_chain && i < MSG_CHAIN_MAX; i++)
		r.chain[r.nchain++] = bytes_of(m->ek_chain[i]);
	r.ak_public = bytes_of(m->ak_public);
	r.token_id = text_of(m->token_id);
	r.token_secret = text_of(m->token_secret);
	r.agent = text_of(m->agent);
	*ret = r;
	return ASSAY_OK;
}

static void
take_layers(const ProtobufCBinaryData *in, size_t n, struct span ret[MSG_LAYERS_MAX],
	    uint8_t *ret_n)
{
	for (size_t i = 0; i < n && i < MSG_LAYERS_MAX; i++)
		ret[(*ret_n)++] = bytes_of(in[i]);
}

enum assay_err
envelope_decode_enrol_key(struct span f, struct arena *a, struct msg_enrol_key *ret)
{
	const Assay__V1__EnrolKey *m;
	struct msg_enrol_key r = {0};
	enum assay_err e = unpack_frame(MSG_ENROL_KEY, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	if (m->version != MSG_VERSION)
		return ASSAY_UNSUPPORTED;
	if ((*m->token_id == '\0') != (*m->token_secret == '\0'))
		return ASSAY_MISSING;
	r.key_public = bytes_of(m->key_public);
	for (size_t i = 0; i < m->n_certificates && i < MSG_CHAIN_MAX; i++)
		r.certificates[r.ncertificates++] = bytes_of(m->certificates[i]);
	take_layers(m->layers, m->n_layers, r.layers, &r.nlayers);
	r.token_id = text_of(m->token_id);
	r.token_secret = text_of(m->token_secret);
	r.agent = text_of(m->agent);
	*ret = r;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_activation(struct span f, struct arena *a, struct msg_activation *ret)
{
	const Assay__V1__Activation *m;
	enum assay_err e = unpack_frame(MSG_ACTIVATION, f, a, &m);

	if (e == ASSAY_OK)
		ret->secret = bytes_of(m->secret);
	return e;
}

void
msg_proof_clear(struct msg_proof *p)
{
	p->nquotes = 0;
	memset(p->quotes, 0, sizeof p->quotes);
	pcr_values_clear(&p->pcrs);
	p->claims = p->claims_digest = p->key_signature = SPAN(NULL, 0);
	p->nlayers = 0;
	memset(p->layers, 0, sizeof p->layers);
}

/* Quotes with the PCRs they are of, or a key's signature: one of the two in whole. */
static enum assay_err
proof_form(const Assay__V1__Proof *m)
{
	bool key = m->key_signature.len != 0;

	if (m->n_quotes > MSG_QUOTES_MAX || m->n_pcrs > PCR_BANKS_MAX)
		return ASSAY_TOO_MANY;
	if (key)
		return m->n_quotes || m->n_pcrs ? ASSAY_MALFORMED : ASSAY_OK;
	if (m->n_layers)
		return ASSAY_MALFORMED;
	return m->n_quotes && m->n_pcrs ? ASSAY_OK : ASSAY_MISSING;
}

/* One bank: exactly a value of the bank's size for each bit, and no more. */
static enum assay_err
take_bank(const Assay__V1__PcrBank *m, struct pcr_values *v)
{
	struct pcr_bank *b = &v->bank[v->count];
	size_t size = digest_size((uint16_t)m->alg);
	struct reader r;

	if (size == 0)
		return ASSAY_UNSUPPORTED;
	for (uint8_t i = 0; i < v->count; i++)
		if (v->bank[i].alg == m->alg)
			return ASSAY_DUPLICATE;
	b->alg = (uint16_t)m->alg;
	b->mask = m->mask;
	rd_init(&r, bytes_of(m->values));
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if ((m->mask >> i & 1) &&
		    digest_from(b->alg, rd_bytes(&r, size), &b->value[i]) != ASSAY_OK)
			return ASSAY_MALFORMED;
	v->count++;
	return rd_finish(&r) == ASSAY_OK ? ASSAY_OK : ASSAY_MALFORMED;
}

enum assay_err
envelope_decode_proof(struct span f, struct arena *a, struct msg_proof *ret)
{
	const Assay__V1__Proof *m;
	enum assay_err e = unpack_frame(MSG_PROOF, f, a, &m);

	if (e != ASSAY_OK || (e = proof_form(m)) != ASSAY_OK)
		return e;
	msg_proof_clear(ret); /* large: filled in place, cleared on error */
	for (size_t i = 0; i < m->n_quotes; i++) {
		ret->quotes[i].attest = bytes_of(m->quotes[i]->attest);
		ret->quotes[i].signature = bytes_of(m->quotes[i]->signature);
	}
	ret->nquotes = (uint8_t)m->n_quotes;
	for (size_t i = 0; i < m->n_pcrs && e == ASSAY_OK; i++)
		e = take_bank(m->pcrs[i], &ret->pcrs);
	ret->claims = bytes_of(m->claims);
	ret->claims_digest = bytes_of(m->claims_digest);
	ret->key_signature = bytes_of(m->key_signature);
	take_layers(m->layers, m->n_layers, ret->layers, &ret->nlayers);
	if (e != ASSAY_OK)
		msg_proof_clear(ret);
	return e;
}

enum assay_err
envelope_decode_part(struct span f, struct arena *a, struct msg_part *ret)
{
	const Assay__V1__Part *m;
	enum assay_err e = unpack_frame(MSG_PART, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	ret->kind = (enum part_kind)m->kind;
	ret->offset = m->offset;
	ret->data = bytes_of(m->data);
	ret->last = m->last != 0;
	return ASSAY_OK;
}

static enum assay_err
take_selection(const Assay__V1__PcrSelection *m, struct pcr_selection *s)
{
	if (digest_size((uint16_t)m->alg) == 0)
		return ASSAY_UNSUPPORTED;
	for (uint8_t i = 0; i < s->count; i++)
		if (s->bank[i].alg == m->alg)
			return ASSAY_DUPLICATE;
	s->bank[s->count].alg = (uint16_t)m->alg;
	s->bank[s->count++].mask = m->mask;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_challenge(struct span f, struct arena *a, struct msg_challenge *ret)
{
	const Assay__V1__Challenge *m;
	struct msg_challenge c = {0};
	enum assay_err e = unpack_frame(MSG_CHALLENGE, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	if (m->n_pcrs > PCR_BANKS_MAX)
		return ASSAY_TOO_MANY;
	for (size_t i = 0; i < m->n_pcrs; i++)
		if ((e = take_selection(m->pcrs[i], &c.pcrs)) != ASSAY_OK)
			return e;
	c.nonce = bytes_of(m->nonce);
	c.deadline_ms = m->deadline_ms;
	c.channel_bound = m->channel_bound != 0;
	c.reread = m->reread != 0;
	*ret = c;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_credential(struct span f, struct arena *a, struct msg_credential *ret)
{
	const Assay__V1__Credential *m;
	enum assay_err e = unpack_frame(MSG_CREDENTIAL, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	ret->blob = bytes_of(m->blob);
	ret->encrypted_secret = bytes_of(m->encrypted_secret);
	return ASSAY_OK;
}

enum assay_err
envelope_decode_enrolled(struct span f, struct arena *a, struct msg_enrolled *ret)
{
	const Assay__V1__Enrolled *m;
	enum assay_err e = unpack_frame(MSG_ENROLLED, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	if (strspn(m->device_id, "0123456789abcdef") != strlen(m->device_id))
		return ASSAY_MALFORMED;
	ret->device_id = text_of(m->device_id);
	ret->pending = m->pending != 0;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_need(struct span f, struct arena *a, struct msg_need *ret)
{
	const Assay__V1__Need *m;
	struct msg_need n = {0};
	enum assay_err e = unpack_frame(MSG_NEED, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	if (m->n_wants > MSG_WANTS_MAX)
		return ASSAY_TOO_MANY;
	for (size_t i = 0; i < m->n_wants; i++) {
		const Assay__V1__Want *w = m->wants[i];

		for (size_t k = 0; k < i; k++)
			if (m->wants[k]->kind == w->kind)
				return ASSAY_DUPLICATE;
		n.wants[n.nwants++] =
			(struct msg_want){(enum part_kind)w->kind, w->from, w->limit, w->item};
		if ((w->kind == PART_FILES) != (w->item != 0))
			return ASSAY_MALFORMED;
	}
	*ret = n;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_decision(struct span f, struct arena *a, struct msg_decision *ret)
{
	const Assay__V1__Decision *m;
	struct msg_decision d = {0};
	enum assay_err e = unpack_frame(MSG_DECISION, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	if (m->n_reasons > MSG_REASONS_MAX || m->n_remediation > MSG_REASONS_MAX)
		return ASSAY_TOO_MANY;
	d.outcome = (uint8_t)m->outcome;
	for (size_t i = 0; i < m->n_reasons; i++)
		d.reasons[d.nreasons++] = text_of(m->reasons[i]);
	for (size_t i = 0; i < m->n_remediation; i++)
		d.remediation[d.nremediation++] = text_of(m->remediation[i]);
	d.token = bytes_of(m->token);
	d.next_in_ms = m->next_in_ms;
	d.sequence = m->sequence;
	*ret = d;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_refused(struct span f, struct arena *a, struct msg_refused *ret)
{
	const Assay__V1__Refused *m;
	enum assay_err e = unpack_frame(MSG_REFUSED, f, a, &m);

	if (e != ASSAY_OK)
		return e;
	ret->reason = text_of(m->reason);
	ret->retry = m->retry != 0;
	return ASSAY_OK;
}

/* Lists ascend by their key of one or two texts, so that nothing occurs twice. */
static enum assay_err
ascends(const char *before, const char *now, const char *before2, const char *now2)
{
	int order = strcmp(before, now);

	if (order == 0 && before2)
		order = strcmp(before2, now2);
	return order < 0 ? ASSAY_OK : order == 0 ? ASSAY_DUPLICATE : ASSAY_MALFORMED;
}

static enum assay_err
take_software(const Assay__V1__Claims *m, struct arena *a, struct msg_claims *c)
{
	enum assay_err e;

	if (m->n_software == 0)
		return ASSAY_OK;
	if (m->n_software > MSG_SOFTWARE_MAX)
		return ASSAY_TOO_MANY;
	c->software = arena_take(a, m->n_software * sizeof *c->software);
	if (!c->software)
		return ASSAY_FULL;
	for (size_t i = 0; i < m->n_software; i++) {
		const Assay__V1__SoftwareItem *s = m->software[i];

		c->software[i] = (struct msg_software){
			text_of(s->name), text_of(s->kind), text_of(s->version),
			bytes_of(s->digest), text_of(s->note), (uint16_t)s->alg,
			s->size, s->age};
		/* a digest has its algorithm, and its size; who notes a fault has none */
		if (s->digest.len != (s->alg ? digest_size((uint16_t)s->alg) : 0) ||
		    (s->alg != 0 && *s->note != '\0'))
			return ASSAY_MALFORMED;
		if (i > 0 && (e = ascends(m->software[i - 1]->name, s->name, NULL, NULL)))
			return e;
	}
	c->nsoftware = m->n_software;
	return ASSAY_OK;
}

static enum assay_err
take_health(const Assay__V1__Claims *m, struct arena *a, struct msg_claims *c)
{
	enum assay_err e;

	if (m->n_health == 0)
		return ASSAY_OK;
	if (m->n_health > MSG_HEALTH_MAX)
		return ASSAY_TOO_MANY;
	c->health = arena_take(a, m->n_health * sizeof *c->health);
	if (!c->health)
		return ASSAY_FULL;
	for (size_t i = 0; i < m->n_health; i++) {
		const Assay__V1__HealthItem *h = m->health[i], *last = i ? m->health[i - 1] : NULL;

		c->health[i] = (struct msg_health){text_of(h->name), text_of(h->value),
						   text_of(h->instance)};
		if (last && (e = ascends(last->name, h->name, last->instance, h->instance)))
			return e;
	}
	c->nhealth = m->n_health;
	return ASSAY_OK;
}

static enum assay_err
take_settings(const Assay__V1__Claims *m, struct arena *a, struct msg_claims *c)
{
	enum assay_err e;

	if (m->n_settings == 0)
		return ASSAY_OK;
	if (m->n_settings > MSG_SETTINGS_MAX)
		return ASSAY_TOO_MANY;
	c->settings = arena_take(a, m->n_settings * sizeof *c->settings);
	if (!c->settings)
		return ASSAY_FULL;
	for (size_t i = 0; i < m->n_settings; i++) {
		const Assay__V1__Setting *s = m->settings[i], *last = i ? m->settings[i - 1] : NULL;

		c->settings[i] = (struct msg_setting){text_of(s->item), text_of(s->key),
						      text_of(s->value), text_of(s->note)};
		if (*s->value != '\0' && *s->note != '\0')
			return ASSAY_MALFORMED;
		if (last && (e = ascends(last->item, s->item, last->key, s->key)))
			return e;
	}
	c->nsettings = m->n_settings;
	return ASSAY_OK;
}

enum assay_err
envelope_decode_claims(struct span bytes, struct arena *a, struct msg_claims *ret)
{
	const Assay__V1__Claims *m;
	struct msg_claims c = {0};
	enum assay_err e;

	if ((e = unpack(MSG_CLAIMS, bytes, a, &m)) != ASSAY_OK ||
	    (e = take_software(m, a, &c)) != ASSAY_OK ||
	    (e = take_health(m, a, &c)) != ASSAY_OK || (e = take_settings(m, a, &c)) != ASSAY_OK)
		return e;
	/* a size without a digest, or the other way round, says nothing */
	if ((m->boot_log_size == 0) != (m->boot_log_digest.len == 0))
		return ASSAY_MALFORMED;
	c.boot_log_digest = bytes_of(m->boot_log_digest);
	c.boot_log_size = m->boot_log_size;
	c.ima_log_digest = bytes_of(m->ima_log_digest);
	c.ima_entries = m->ima_entries;
	c.agent = text_of(m->agent);
	/* a start has an id, a number and rounds, or there is none */
	if ((m->start_id.len == 0) != (m->start_count == 0) ||
	    (m->start_id.len == 0) != (m->round == 0))
		return ASSAY_MALFORMED;
	c.start_id = bytes_of(m->start_id);
	c.start_count = m->start_count;
	c.round = m->round;
	c.address = bytes_of(m->address);
	c.mac = bytes_of(m->mac);
	if ((c.address.n != 0 && c.address.n != MSG_IP4_SIZE && c.address.n != MSG_IP6_SIZE) ||
	    (c.mac.n != 0 && c.address.n == 0))
		return ASSAY_MALFORMED;
	*ret = c;
	return ASSAY_OK;
}
