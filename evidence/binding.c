/* binding.c: see binding.h and docs/protocol.md, "Binding". */
#include "binding.h"

#include <string.h>

static const char label[] = "assay-evidence-v1";

static bool
is_key_name(struct span name)
{
	struct reader r;
	uint16_t alg;

	rd_init(&r, name);
	alg = rd_be16(&r);
	return r.err == ASSAY_OK && digest_size(alg) != 0 && rd_left(&r) == digest_size(alg);
}

static enum assay_err
check(const struct binding *b)
{
	if (b->kind < BINDING_TPM_ONLINE || b->kind > BINDING_KEY_ENROL)
		return ASSAY_MALFORMED;
	if (!is_key_name(b->key_name) || b->nonce.n != BINDING_NONCE_SIZE)
		return ASSAY_MALFORMED;
	if (b->channel.n != 0 && b->channel.n != BINDING_CHANNEL_SIZE)
		return ASSAY_MALFORMED;
	return ASSAY_OK;
}

static enum assay_err
add_field(struct hasher *h, struct span field)
{
	const uint8_t len[2] = {(uint8_t)(field.n >> 8), (uint8_t)field.n};
	enum assay_err e;

	if ((e = hash_update(h, SPAN(len, sizeof len))) != ASSAY_OK)
		return e;
	return hash_update(h, field);
}

enum assay_err
binding_compute_digest(const struct binding *b, const uint8_t claims_digest[32],
		       uint8_t ret[BINDING_SIZE])
{
	struct hasher h;
	struct digest d;
	enum assay_err e;

	if ((e = check(b)) != ASSAY_OK ||
	    (e = hash_init(&h, ALG_SHA256)) != ASSAY_OK ||
	    (e = hash_update(&h, SPAN(label, sizeof label - 1))) != ASSAY_OK ||
	    (e = add_field(&h, SPAN(&b->kind, 1))) != ASSAY_OK ||
	    (e = add_field(&h, b->key_name)) != ASSAY_OK ||
	    (e = add_field(&h, b->nonce)) != ASSAY_OK ||
	    (e = add_field(&h, b->channel)) != ASSAY_OK ||
	    (e = add_field(&h, SPAN(claims_digest, 32))) != ASSAY_OK ||
	    (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	memcpy(ret, d.b, BINDING_SIZE);
	return ASSAY_OK;
}

enum assay_err
binding_compute(const struct binding *b, uint8_t ret[BINDING_SIZE])
{
	uint8_t claims[32];
	enum assay_err e;

	if ((e = digest_sha256(b->claims, claims)) != ASSAY_OK)
		return e;
	return binding_compute_digest(b, claims, ret);
}
