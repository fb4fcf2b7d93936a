/*
 * envelope_encode.c: plain structs to wire messages, see envelope.h.
 *
 * Written by hand with writer.c, so that 4,096 software items need neither
 * allocation nor scratch memory; every result is then scanned by the table that
 * the other side scans by. That protobuf-c reads it the same way, and writes the
 * same bytes, is tests/unit/test_envelope.c's business.
 */
#include "envelope_scan.h"
#include "writer.h"

#define WIRE_VARINT 0
#define WIRE_BYTES 2

/* A field of a nested message; a value or bytes, and left out if 0 or empty. */
struct field {
	uint8_t number;
	uint64_t value;
	struct span bytes;
};

static size_t
varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >>= 7)
		n++;
	return n;
}

static void
put_varint(struct writer *w, uint64_t v)
{
	for (; v > 0x7F; v >>= 7)
		wr_u8(w, (uint8_t)(v | 0x80));
	wr_u8(w, (uint8_t)v);
}

static void
put_uint(struct writer *w, uint8_t number, uint64_t v)
{
	if (v == 0)
		return;
	wr_u8(w, (uint8_t)(number << 3 | WIRE_VARINT));
	put_varint(w, v);
}

static void
put_bytes(struct writer *w, uint8_t number, struct span s)
{
	if (s.n == 0)
		return;
	wr_u8(w, (uint8_t)(number << 3 | WIRE_BYTES));
	put_varint(w, s.n);
	wr_bytes(w, s);
}

static void
put_message(struct writer *w, uint8_t number, const struct field *f, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++) {
		if (f[i].bytes.n > 0)
			size += 1 + varint_size(f[i].bytes.n) + f[i].bytes.n;
		else if (f[i].value > 0)
			size += 1 + varint_size(f[i].value);
	}
	wr_u8(w, (uint8_t)(number << 3 | WIRE_BYTES));
	put_varint(w, size);
	for (size_t i = 0; i < n; i++) {
		put_uint(w, f[i].number, f[i].bytes.n > 0 ? 0 : f[i].value);
		put_bytes(w, f[i].number, f[i].bytes);
	}
}

static void
put_banks(struct writer *w, uint8_t number, const uint16_t *banks, uint8_t n)
{
	uint8_t b[PCR_BANKS_MAX * 3];
	struct writer packed;

	wr_init(&packed, b, sizeof b);
	for (uint8_t i = 0; i < n; i++)
		put_varint(&packed, banks[i]);
	if (packed.err != ASSAY_OK)
		wr_fail(w, ASSAY_TOO_MANY);
	put_bytes(w, number, wr_span(&packed));
}

/* One list element; an empty one has no form on the wire (see envelope_scan.h). */
static void
put_element(struct writer *w, uint8_t number, struct span s)
{
	if (s.n == 0)
		wr_fail(w, ASSAY_MALFORMED);
	put_bytes(w, number, s);
}

static void
frame_init(struct writer *w, enum msg_type type, uint8_t *p, size_t cap)
{
	wr_init(w, p, cap);
	wr_u8(w, (uint8_t)type);
}

/* What was written must be what the other side accepts. */
static enum assay_err
finish(const struct writer *w, unsigned type, size_t *ret_len)
{
	struct reader r;
	size_t n;
	enum assay_err e = wr_finish(w, &n);

	if (e != ASSAY_OK)
		return e;
	rd_init(&r, SPAN(w->p, n));
	if (type != MSG_CLAIMS)
		(void)rd_u8(&r);
	if ((e = envelope_scan(message_rule(type), rd_rest(&r))) != ASSAY_OK)
		return e;
	*ret_len = n;
	return ASSAY_OK;
}

enum assay_err
envelope_encode_hello(const struct msg_hello *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	frame_init(&w, MSG_HELLO, ret, cap);
	put_uint(&w, 1, MSG_VERSION);
	put_bytes(&w, 2, m->key_name);
	put_banks(&w, 3, m->banks, m->nbanks);
	put_bytes(&w, 4, m->agent);
	return finish(&w, MSG_HELLO, ret_len);
}

enum assay_err
envelope_encode_enrol(const struct msg_enrol *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	frame_init(&w, MSG_ENROL, ret, cap);
	put_uint(&w, 1, MSG_VERSION);
	put_bytes(&w, 2, m->ek_public);
	put_bytes(&w, 3, m->ek_certificate);
	if (m->nchain > MSG_CHAIN_MAX)
		return ASSAY_TOO_MANY;
	for (uint8_t i = 0; i < m->nchain; i++)
		put_element(&w, 4, m->chain[i]);
	put_bytes(&w, 5, m->ak_public);
	put_bytes(&w, 6, m->token_id);
	put_bytes(&w, 7, m->token_secret);
	put_banks(&w, 8, m->banks, m->nbanks);
	put_bytes(&w, 9, m->agent);
	return finish(&w, MSG_ENROL, ret_len);
}

enum assay_err
envelope_encode_enrol_key(const struct msg_enrol_key *m, uint8_t *ret, size_t cap,
			  size_t *ret_len)
{
	struct writer w;

	if (m->ncertificates > MSG_CHAIN_MAX || m->nlayers > MSG_LAYERS_MAX)
		return ASSAY_TOO_MANY;
	frame_init(&w, MSG_ENROL_KEY, ret, cap);
	put_uint(&w, 1, MSG_VERSION);
	put_bytes(&w, 2, m->key_public);
	for (uint8_t i = 0; i < m->ncertificates; i++)
		put_element(&w, 3, m->certificates[i]);
	for (uint8_t i = 0; i < m->nlayers; i++)
		put_element(&w, 4, m->layers[i]);
	put_bytes(&w, 5, m->token_id);
	put_bytes(&w, 6, m->token_secret);
	put_bytes(&w, 7, m->agent);
	return finish(&w, MSG_ENROL_KEY, ret_len);
}

enum assay_err
envelope_encode_activation(const struct msg_activation *m, uint8_t *ret, size_t cap,
			   size_t *ret_len)
{
	struct writer w;

	frame_init(&w, MSG_ACTIVATION, ret, cap);
	put_bytes(&w, 1, m->secret);
	return finish(&w, MSG_ACTIVATION, ret_len);
}

static void
put_bank(struct writer *w, const struct pcr_bank *b)
{
	uint8_t values[PCR_COUNT * DIGEST_MAX];
	struct writer v;

	wr_init(&v, values, sizeof values);
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (b->mask >> i & 1) {
			if (b->value[i].len != digest_size(b->alg))
				wr_fail(w, ASSAY_MISMATCH);
			wr_bytes(&v, digest_span(&b->value[i]));
		}
	put_message(w, 2, (const struct field[]){{1, b->alg, {0}}, {2, b->mask, {0}},
						 {3, 0, wr_span(&v)}}, 3);
}

enum assay_err
envelope_encode_proof(const struct msg_proof *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	if (m->nquotes > MSG_QUOTES_MAX || m->pcrs.count > PCR_BANKS_MAX ||
	    m->nlayers > MSG_LAYERS_MAX)
		return ASSAY_TOO_MANY;
	if (m->key_signature.n == 0 ? m->nquotes == 0 || m->pcrs.count == 0 || m->nlayers
				    : m->nquotes || m->pcrs.count)
		return ASSAY_MISSING;
	frame_init(&w, MSG_PROOF, ret, cap);
	for (uint8_t i = 0; i < m->nquotes; i++)
		put_message(&w, 1, (const struct field[]){{1, 0, m->quotes[i].attest},
							  {2, 0, m->quotes[i].signature}}, 2);
	for (uint8_t i = 0; i < m->pcrs.count; i++)
		put_bank(&w, &m->pcrs.bank[i]);
	put_bytes(&w, 3, m->claims);
	put_bytes(&w, 4, m->claims_digest);
	put_bytes(&w, 5, m->key_signature);
	for (uint8_t i = 0; i < m->nlayers; i++)
		put_element(&w, 6, m->layers[i]);
	return finish(&w, MSG_PROOF, ret_len);
}

enum assay_err
envelope_encode_part(const struct msg_part *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	frame_init(&w, MSG_PART, ret, cap);
	put_uint(&w, 1, m->kind);
	put_uint(&w, 2, m->offset);
	put_bytes(&w, 3, m->data);
	put_uint(&w, 4, m->last);
	return finish(&w, MSG_PART, ret_len);
}

enum assay_err
envelope_encode_challenge(const struct msg_challenge *m, uint8_t *ret, size_t cap,
			  size_t *ret_len)
{
	struct writer w;

	if (m->pcrs.count > PCR_BANKS_MAX)
		return ASSAY_TOO_MANY;
	frame_init(&w, MSG_CHALLENGE, ret, cap);
	put_bytes(&w, 1, m->nonce);
	for (uint8_t i = 0; i < m->pcrs.count; i++)
		put_message(&w, 2, (const struct field[]){{1, m->pcrs.bank[i].alg, {0}},
							  {2, m->pcrs.bank[i].mask, {0}}}, 2);
	put_uint(&w, 3, m->deadline_ms);
	put_uint(&w, 4, m->channel_bound);
	put_uint(&w, 5, m->reread);
	return finish(&w, MSG_CHALLENGE, ret_len);
}

enum assay_err
envelope_encode_credential(const struct msg_credential *m, uint8_t *ret, size_t cap,
			   size_t *ret_len)
{
	struct writer w;

	frame_init(&w, MSG_CREDENTIAL, ret, cap);
	put_bytes(&w, 1, m->blob);
	put_bytes(&w, 2, m->encrypted_secret);
	return finish(&w, MSG_CREDENTIAL, ret_len);
}

enum assay_err
envelope_encode_enrolled(const struct msg_enrolled *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	frame_init(&w, MSG_ENROLLED, ret, cap);
	put_bytes(&w, 1, m->device_id);
	put_uint(&w, 2, m->pending);
	return finish(&w, MSG_ENROLLED, ret_len);
}

enum assay_err
envelope_encode_need(const struct msg_need *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	if (m->nwants > MSG_WANTS_MAX)
		return ASSAY_TOO_MANY;
	frame_init(&w, MSG_NEED, ret, cap);
	for (uint8_t i = 0; i < m->nwants; i++)
		put_message(&w, 1, (const struct field[]){{1, m->wants[i].kind, {0}},
							  {2, m->wants[i].from, {0}},
							  {3, m->wants[i].limit, {0}},
							  {4, m->wants[i].item, {0}}}, 4);
	return finish(&w, MSG_NEED, ret_len);
}

enum assay_err
envelope_encode_decision(const struct msg_decision *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	if (m->nreasons > MSG_REASONS_MAX || m->nremediation > MSG_REASONS_MAX)
		return ASSAY_TOO_MANY;
	frame_init(&w, MSG_DECISION, ret, cap);
	put_uint(&w, 1, m->outcome);
	for (uint8_t i = 0; i < m->nreasons; i++)
		put_element(&w, 2, m->reasons[i]);
	for (uint8_t i = 0; i < m->nremediation; i++)
		put_element(&w, 3, m->remediation[i]);
	put_bytes(&w, 4, m->token);
	put_uint(&w, 5, m->next_in_ms);
	put_uint(&w, 6, m->sequence);
	return finish(&w, MSG_DECISION, ret_len);
}

enum assay_err
envelope_encode_refused(const struct msg_refused *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	frame_init(&w, MSG_REFUSED, ret, cap);
	put_bytes(&w, 1, m->reason);
	put_uint(&w, 2, m->retry);
	return finish(&w, MSG_REFUSED, ret_len);
}

static void
put_software(struct writer *w, const struct msg_software *s)
{
	put_message(w, 6, (const struct field[]){{1, 0, s->name}, {2, 0, s->kind},
						 {3, 0, s->version}, {4, s->alg, {0}},
						 {5, 0, s->digest}, {6, 0, s->note},
						 {7, s->size, {0}}, {8, s->age, {0}}}, 8);
}

static void
put_setting(struct writer *w, const struct msg_setting *s)
{
	put_message(w, 8, (const struct field[]){{1, 0, s->item}, {2, 0, s->key},
						 {3, 0, s->value}, {4, 0, s->note}}, 4);
}

enum assay_err
envelope_encode_claims(const struct msg_claims *m, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	if (m->nsoftware > MSG_SOFTWARE_MAX || m->nhealth > MSG_HEALTH_MAX ||
	    m->nsettings > MSG_SETTINGS_MAX)
		return ASSAY_TOO_MANY;
	wr_init(&w, ret, cap);
	put_bytes(&w, 1, m->boot_log_digest);
	put_uint(&w, 2, m->boot_log_size);
	put_bytes(&w, 3, m->ima_log_digest);
	put_uint(&w, 4, m->ima_entries);
	put_bytes(&w, 5, m->agent);
	for (size_t i = 0; i < m->nsoftware; i++)
		put_software(&w, &m->software[i]);
	for (size_t i = 0; i < m->nhealth; i++)
		put_message(&w, 7, (const struct field[]){{1, 0, m->health[i].name},
							  {2, 0, m->health[i].value},
							  {3, 0, m->health[i].instance}}, 3);
	for (size_t i = 0; i < m->nsettings; i++)
		put_setting(&w, &m->settings[i]);
	put_bytes(&w, 9, m->start_id);
	put_uint(&w, 10, m->start_count);
	put_uint(&w, 11, m->round);
	put_bytes(&w, 12, m->address);
	put_bytes(&w, 13, m->mac);
	return finish(&w, MSG_CLAIMS, ret_len);
}
