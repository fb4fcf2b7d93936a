/* ima_signed.c: see ima_signed.h. Signatures of security.ima as digsig_asymmetric.c and
 * ima_appraise.c verify them (xattr_verify, asymmetric_verify, calc_file_id_hash). */
#include "ima_signed.h"

#include "evidence/der.h"

#include <string.h>

#define TRIES_MAX 4 /* keys of one id that are tried */

/* ---- keys ------------------------------------------------------------------- */

static uint32_t
last_four(struct span s)
{
	struct reader r;

	rd_init(&r, span_part(s, s.n < 4 ? 0 : s.n - 4, s.n < 4 ? 0 : 4));
	return rd_be32(&r);
}

/* SHA-1 over the bits of the subject's public key: what signers use without a
 * certificate (RFC 5280, 4.2.1.2, method 1). */
static uint32_t
id_by_key(struct span spki)
{
	struct reader r, in;
	struct digest d;
	struct span bits;

	rd_init(&r, spki);
	in = der_enter(&r, DER_SEQUENCE);
	(void)der_get(&in, DER_SEQUENCE);
	bits = der_bits(&in);
	if (in.err != ASSAY_OK || digest_compute(ALG_SHA1, bits, &d) != ASSAY_OK)
		return 0;
	return last_four(digest_span(&d));
}

static void
open_key(struct span der, uint8_t keyring, bool verifying, struct ima_key *ret)
{
	struct x509 x;

	memset(ret, 0, sizeof *ret);
	ret->keyring = keyring;
	if (x509_parse(der, &x) != ASSAY_OK ||
	    (verifying && key_from_spki(x.spki, &ret->key) != ASSAY_OK)) {
		ret->key.type = KEY_NONE;
		return;
	}
	ret->der = der;
	ret->skid = x.skid;
	ret->issuer = x.issuer;
	ret->serial = x.serial;
	ret->not_before = x.not_before;
	ret->not_after = x.not_after;
	ret->id_by_key = id_by_key(x.spki);
	ret->id = x.skid.n >= 4 ? last_four(x.skid) : ret->id_by_key;
}

void
ima_keys_open(const struct policy_ima *p, bool verifying, struct ima_keys *ret)
{
	ret->count = 0;
	for (uint8_t i = 0; i < p->nkeyrings; i++)
		for (unsigned k = 0; k < p->keyring[i].ncertificates; k++)
			open_key(p->certificate[p->keyring[i].first + k], i, verifying,
				 &ret->key[ret->count++]);
}

uint64_t
ima_keys_find(const struct ima_keys *k, struct span der)
{
	uint64_t found = 0;

	for (uint8_t i = 0; i < k->count; i++)
		if (der.n != 0 && span_equal(k->key[i].der, der))
			found |= UINT64_C(1) << i;
	return found;
}

bool
ima_key_counts(const struct ima_signed_ask *ask, uint8_t key, const char **ret_reason)
{
	const struct ima_key *k = &ask->keys->key[key];
	const struct ima_keyring *ring = &ask->policy->keyring[k->keyring];

	if (k->key.type == KEY_NONE ||
	    (ask->keyring < IMA_KEYRINGS_MAX && k->keyring != ask->keyring))
		return false;
	if (ring->runtime && (ask->measured >> key & 1) == 0) {
		*ret_reason = "the key's loading was not measured";
		return false;
	}
	if (!ring->allow_expired && (ask->now < k->not_before || ask->now > k->not_after)) {
		*ret_reason = "the key's certificate is not valid now";
		return false;
	}
	return true;
}

static bool
verify_rsa(const struct key *k, struct span signature, const struct digest *d,
	   struct ima_signed *ret)
{
	struct signature s = {.scheme = SIG_RSASSA, .hash = d->alg, .rsa = signature};

	ret->tries++;
	if (key_verify(k, &s, d) == ASSAY_OK)
		return true;
	s.scheme = SIG_RSAPSS;
	ret->tries++;
	return key_verify(k, &s, d) == ASSAY_OK;
}

bool
ima_key_verifies(const struct key *k, struct span signature, const struct digest *d,
		 struct ima_signed *ret)
{
	struct signature s = {0};

	if (k->type == KEY_RSA)
		return verify_rsa(k, signature, d, ret);
	if (k->type != KEY_ECC || signature_from_ecdsa_der(signature, &s) != ASSAY_OK)
		return false;
	s.scheme = SIG_ECDSA;
	s.hash = d->alg;
	ret->tries++;
	return key_verify(k, &s, d) == ASSAY_OK;
}

/* ---- signatures of security.ima ------------------------------------------------ */

/* v3: hash over { type, algorithm, digest } by the digest's algorithm. */
static enum assay_err
file_id_digest(const struct imalog_signature *s, struct span digest, uint16_t alg,
	       struct digest *ret)
{
	const uint8_t head[2] = {s->type, s->hash_id};
	struct hasher h;
	enum assay_err e;

	if ((e = hash_init(&h, alg)) != ASSAY_OK ||
	    (e = hash_update(&h, SPAN(head, sizeof head))) != ASSAY_OK ||
	    (e = hash_update(&h, digest)) != ASSAY_OK)
		return e;
	return hash_final(&h, ret);
}

/* What is signed, or why that cannot be. */
static const char *
signed_digest(const struct imalog_entry *e, const struct imalog_signature *s, struct digest *ret)
{
	const struct imalog_digest *f = &e->file;

	if (!f->name || strcmp(f->name, s->hash) != 0)
		return "the signature is over a digest of another algorithm";
	if (f->verity != (s->type == IMALOG_SIGNATURE_VERITY))
		return "the signature is over another kind of digest";
	if (s->version == 2)
		return digest_from(f->alg, f->bytes, ret) == ASSAY_OK ? NULL : "unknown algorithm";
	return file_id_digest(s, f->bytes, f->alg, ret) == ASSAY_OK ? NULL : "unknown algorithm";
}

static void
verify(const struct ima_signed_ask *ask, const struct imalog_signature *s, const struct digest *d,
       struct ima_signed *ret)
{
	unsigned tried = 0;

	ret->reason = "no key of the keyring has the signature's key id";
	for (uint8_t i = 0; i < ask->keys->count && tried < TRIES_MAX; i++) {
		const struct ima_key *k = &ask->keys->key[i];

		if (k->id != s->key_id && k->id_by_key != s->key_id)
			continue;
		if (!ima_key_counts(ask, i, &ret->reason))
			continue;
		tried++;
		if (!ima_key_verifies(&k->key, s->bytes, d, ret)) {
			ret->reason = "the signature does not verify";
			continue;
		}
		ret->answer = IMA_SIGNED_GOOD;
		ret->key = i;
		return;
	}
}

static void
xattr_signed(const struct ima_signed_ask *ask, struct span field, const struct imalog_entry *e,
	     struct ima_signed *ret)
{
	struct imalog_signature s;
	struct digest d;

	ret->answer = IMA_SIGNED_BAD;
	ret->reason = "the signature has not the form of one";
	if (imalog_signature(field, &s) != ASSAY_OK)
		return;
	ret->key_id = s.key_id;
	ret->reason = signed_digest(e, &s, &d);
	if (!ret->reason)
		verify(ask, &s, &d, ret);
}

/* security.ima may hold a mere digest: types 1 and 4 (IMA_XATTR_DIGEST, _NG). */
static bool
has_xattr_signature(const struct imalog_entry *e)
{
	struct span field = (e->has >> IMALOG_SIG & 1) ? e->field[IMALOG_SIG] : SPAN(NULL, 0);
	struct reader r;
	uint8_t type;

	rd_init(&r, field);
	type = rd_u8(&r);
	return field.n != 0 && type != 1 && type != 4 && !imalog_signature_of_evm(field);
}

static bool
has_modsig(const struct imalog_entry *e)
{
	return (e->has >> IMALOG_MODSIG & 1) && e->field[IMALOG_MODSIG].n != 0;
}

bool
ima_has_signature(const struct imalog_entry *e)
{
	return has_xattr_signature(e) || has_modsig(e);
}

static const char *
reason_without(const struct imalog_entry *e)
{
	if ((e->has & (1u << IMALOG_SIG | 1u << IMALOG_MODSIG)) == 0)
		return "the entry's template has no signatures";
	if ((e->has >> IMALOG_SIG & 1) && imalog_signature_of_evm(e->field[IMALOG_SIG]))
		return "there is no signature but EVM's, of the file's attributes";
	return "there is no signature";
}

void
ima_signed(const struct ima_signed_ask *ask, const struct imalog_entry *e, struct ima_signed *ret)
{
	*ret = (struct ima_signed){.reason = reason_without(e)};
	if (has_xattr_signature(e))
		xattr_signed(ask, e->field[IMALOG_SIG], e, ret);
	if (ret->answer != IMA_SIGNED_GOOD && has_modsig(e))
		ima_modsig(ask, e, ret);
}
