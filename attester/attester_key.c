/* attester_key.c: devices without a TPM: who they are, and what their key signs; see
 * context.h and docs/protocol.md, "Keys". */
#include "context.h"

#include "evidence/devicekey.h"

#include <string.h>

static enum assay_err
send_hello(struct assay_attester *a)
{
	struct msg_hello m = {.key_name = SPAN(a->key_name.b, a->key_name.len),
			      .agent = SPAN(a->agent, strlen(a->agent))};

	return envelope_encode_hello(&m, a->frame, a->part_max, &a->frame_len);
}

static enum assay_err
send_enrol(struct assay_attester *a, const struct assay_identity *id)
{
	struct msg_enrol_key m = {.key_public = span_of(id->key_public),
				  .ncertificates = id->chain_count,
				  .nlayers = id->layer_count,
				  .token_id = a->token_id,
				  .token_secret = a->token_secret,
				  .agent = SPAN(a->agent, strlen(a->agent))};
	enum assay_err e;

	for (uint8_t i = 0; i < id->chain_count; i++)
		m.certificates[i] = span_of(id->chain[i]);
	for (uint8_t i = 0; i < id->layer_count; i++)
		m.layers[i] = span_of(id->layer[i]);
	e = envelope_encode_enrol_key(&m, a->frame, a->part_max, &a->frame_len);
	return e == ASSAY_OK ? digest_sha256(SPAN(a->frame, a->frame_len), a->enrol_digest) : e;
}

enum assay_err
key_connected(struct assay_attester *a, const struct assay_identity *id)
{
	struct span signer = span_of(id->signer_public.len ? id->signer_public : id->key_public);
	enum assay_err e;

	if (id->layer_count > ASSAY_LAYERS_MAX)
		return ASSAY_TOO_MANY;
	if ((e = devicekey_name(span_of(id->key_public), &a->key_name)) != ASSAY_OK ||
	    (e = devicekey_name(signer, &a->signer_name)) != ASSAY_OK)
		return e;
	return a->enrolled ? send_hello(a) : send_enrol(a, id);
}

/* The signature over the binding of this kind, with this digest for claims. */
static enum assay_err
sign(struct assay_attester *a, const struct msg_challenge *c, uint8_t kind,
     const uint8_t claims_digest[32])
{
	struct binding b = {.kind = kind,
			    .key_name = SPAN(a->signer_name.b, a->signer_name.len),
			    .nonce = c->nonce};
	uint8_t bound[BINDING_SIZE];
	enum assay_err e;
	size_t n = 0;

	if ((e = round_channel(a, c, &b)) != ASSAY_OK ||
	    (e = binding_compute_digest(&b, claims_digest, bound)) != ASSAY_OK ||
	    (e = a->backend.sign(a->backend.self, bound, a->signature, sizeof a->signature, &n)) !=
		    ASSAY_OK)
		return e;
	if (n > sizeof a->signature)
		return ASSAY_INTERNAL;
	a->proof.key_signature = SPAN(a->signature, n);
	return ASSAY_OK;
}

enum assay_err
key_possess(struct assay_attester *a, const struct msg_challenge *c)
{
	enum assay_err e;

	memset(&a->proof, 0, sizeof a->proof);
	if ((e = sign(a, c, BINDING_KEY_ENROL, a->enrol_digest)) != ASSAY_OK)
		return e;
	a->proof.claims_digest = SPAN(a->enrol_digest, sizeof a->enrol_digest);
	return envelope_encode_proof(&a->proof, a->frame, a->part_max, &a->frame_len);
}

/* The chain may be another one since the connection began: it is asked for anew. */
enum assay_err
key_prove(struct assay_attester *a, const struct msg_challenge *c)
{
	struct assay_identity id = {0};
	uint8_t digest[32];
	enum assay_err e;

	memset(&a->quotes, 0, sizeof a->quotes);
	if ((e = a->backend.identity(a->backend.self, &id)) != ASSAY_OK)
		return e;
	if (id.layer_count > ASSAY_LAYERS_MAX)
		return ASSAY_TOO_MANY;
	for (uint8_t i = 0; i < id.layer_count; i++)
		a->proof.layers[i] = span_of(id.layer[i]);
	a->proof.nlayers = id.layer_count;
	if ((e = digest_sha256(SPAN(a->claims, a->claims_len), digest)) != ASSAY_OK)
		return e;
	return sign(a, c, a->offline ? BINDING_KEY_OFFLINE : BINDING_KEY_ONLINE, digest);
}
