/* key.c: a private key in memory as back end; see assay/attester.h. */
#include "key_private.h"
#include "armour.h"

#include <string.h>

struct assay_key {
	struct private_key private;
	struct assay_key_config config; /* without the private key */
	struct tpm_name name;		/* of the identity key */
	size_t signer_len;
	uint8_t signer[KEY_SPKI_MAX];
	struct span identity; /* SubjectPublicKeyInfo: ->signer, or of a certificate */
};

size_t
assay_key_size(void)
{
	return sizeof(struct assay_key);
}

static struct span
span_of(struct assay_bytes b)
{
	return SPAN(b.data, b.len);
}

static enum assay_err
read_private(struct assay_key *k, struct span in)
{
	uint8_t der[ASSAY_PRIVATE_KEY_MAX];
	enum assay_err e;
	size_t n = 0, at = 0;

	if (!armour_is(in)) {
		e = private_key_read(in, &k->private);
	} else {
		e = armour_next(in, &at, "PRIVATE KEY", der, sizeof der, &n);
		e = e == ASSAY_OK ? private_key_read(SPAN(der, n), &k->private) : ASSAY_MALFORMED;
	}
	explicit_bzero(der, sizeof der);
	if (e != ASSAY_OK)
		return e;
	return key_to_spki(&k->private.public, k->signer, sizeof k->signer, &k->signer_len);
}

/* A certificate is of a key, or is not: MISMATCH. */
static enum assay_err
must_be_of(struct assay_bytes certificate, struct span key)
{
	struct span spki;
	enum assay_err e = armour_certificate_key(span_of(certificate), &spki);

	if (e != ASSAY_OK)
		return e;
	return span_equal(spki, key) ? ASSAY_OK : ASSAY_MISMATCH;
}

/* Whose identity it is: the private key's own, or of DICE devices the first key's. */
static enum assay_err
find_identity(struct assay_key *k)
{
	const struct assay_key_config *c = &k->config;
	struct span signer = SPAN(k->signer, k->signer_len);
	enum assay_err e;

	if (c->layer_count == 0) {
		k->identity = signer;
		return c->chain_count ? must_be_of(c->chain[0], signer) : ASSAY_OK;
	}
	if ((e = must_be_of(c->layer[c->layer_count - 1], signer)) != ASSAY_OK)
		return e;
	if (c->chain_count)
		return armour_certificate_key(span_of(c->chain[0]), &k->identity);
	k->identity = span_of(c->identity);
	return c->identity.len ? ASSAY_OK : ASSAY_MISSING;
}

enum assay_err
assay_key_init(void *memory, size_t size, const struct assay_key_config *config,
	       struct assay_key **ret)
{
	struct assay_key *k = memory;
	struct key identity;
	enum assay_err e;

	if (size < sizeof *k)
		return ASSAY_FULL;
	if (config->chain_count > ASSAY_CHAIN_MAX || config->layer_count > ASSAY_LAYERS_MAX)
		return ASSAY_TOO_MANY;
	memset(k, 0, sizeof *k);
	k->config = *config;
	k->config.private_key = (struct assay_bytes){NULL, 0};
	if ((e = read_private(k, span_of(config->private_key))) != ASSAY_OK ||
	    (e = find_identity(k)) != ASSAY_OK ||
	    (e = devicekey_read(k->identity, &identity)) != ASSAY_OK ||
	    (e = devicekey_name(k->identity, &k->name)) != ASSAY_OK) {
		assay_key_wipe(k);
		return e;
	}
	*ret = k;
	return ASSAY_OK;
}

struct assay_bytes
assay_key_name(const struct assay_key *k)
{
	return (struct assay_bytes){k->name.b, k->name.len};
}

void
assay_key_wipe(struct assay_key *k)
{
	explicit_bzero(k, sizeof *k);
}

static enum assay_err
identity(void *self, struct assay_identity *ret)
{
	const struct assay_key *k = self;
	const struct assay_key_config *c = &k->config;

	memset(ret, 0, sizeof *ret);
	ret->key_public = (struct assay_bytes){k->identity.p, k->identity.n};
	ret->signer_public = (struct assay_bytes){k->signer, k->signer_len};
	ret->chain_count = c->chain_count;
	memcpy(ret->chain, c->chain, sizeof ret->chain);
	ret->layer_count = c->layer_count;
	memcpy(ret->layer, c->layer, sizeof ret->layer);
	return ASSAY_OK;
}

static enum assay_err
sign(void *self, const uint8_t message[32], uint8_t *ret, size_t cap, size_t *ret_len)
{
	const struct assay_key *k = self;

	return private_key_sign(&k->private, message, ret, cap, ret_len);
}

struct assay_backend
assay_key_backend(struct assay_key *k)
{
	return (struct assay_backend){.self = k, .identity = identity, .sign = sign};
}
