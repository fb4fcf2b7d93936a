/* digest.c: see digest.h. wolfCrypt behind TCG algorithm numbers. */
#include "digest.h"

#include <string.h>
#include <strings.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hash.h>

static const struct alg {
	uint16_t id;
	uint16_t size;
	enum wc_HashType wolf;
	const char *name;
} algs[] = {
	{ALG_SHA1, 20, WC_HASH_TYPE_SHA, "sha1"},
	{ALG_SHA256, 32, WC_HASH_TYPE_SHA256, "sha256"},
	{ALG_SHA384, 48, WC_HASH_TYPE_SHA384, "sha384"},
	{ALG_SHA512, 64, WC_HASH_TYPE_SHA512, "sha512"},
	{ALG_SM3_256, 32, WC_HASH_TYPE_NONE, "sm3_256"},
	{ALG_SHA3_256, 32, WC_HASH_TYPE_NONE, "sha3_256"},
	{ALG_SHA3_384, 48, WC_HASH_TYPE_NONE, "sha3_384"},
	{ALG_SHA3_512, 64, WC_HASH_TYPE_NONE, "sha3_512"},
};

_Static_assert(sizeof(wc_HashAlg) <= sizeof(((struct hasher *)0)->state),
	       "struct hasher holds a wolfCrypt hash");

static const struct alg *
alg_find(uint16_t id)
{
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		if (algs[i].id == id)
			return &algs[i];
	return NULL;
}

size_t
digest_size(uint16_t alg)
{
	const struct alg *a = alg_find(alg);

	return a ? a->size : 0;
}

const char *
digest_name(uint16_t alg)
{
	const struct alg *a = alg_find(alg);

	return a ? a->name : NULL;
}

uint16_t
digest_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		if (strcasecmp(algs[i].name, name) == 0)
			return algs[i].id;
	return ALG_NONE;
}

bool
digest_computable(uint16_t alg)
{
	const struct alg *a = alg_find(alg);

	return a && a->wolf != WC_HASH_TYPE_NONE;
}

static wc_HashAlg *
wolf_state(struct hasher *h)
{
	return (wc_HashAlg *)(void *)h->state;
}

enum assay_err
hash_init(struct hasher *h, uint16_t alg)
{
	if (!digest_computable(alg))
		return ASSAY_UNSUPPORTED;
	h->alg = alg;
	if (wc_HashInit(wolf_state(h), alg_find(alg)->wolf) != 0)
		return ASSAY_CRYPTO;
	return ASSAY_OK;
}

enum assay_err
hash_update(struct hasher *h, struct span in)
{
	const struct alg *a = alg_find(h->alg);

	if (in.n == 0)
		return ASSAY_OK;
	if (!a || in.n > UINT32_MAX)
		return ASSAY_TOO_LARGE;
	if (wc_HashUpdate(wolf_state(h), a->wolf, in.p, (word32)in.n) != 0)
		return ASSAY_CRYPTO;
	return ASSAY_OK;
}

enum assay_err
hash_final(struct hasher *h, struct digest *ret)
{
	const struct alg *a = alg_find(h->alg);
	struct digest d = {0};

	if (!a)
		return ASSAY_UNSUPPORTED;
	if (wc_HashFinal(wolf_state(h), a->wolf, d.b) != 0)
		return ASSAY_CRYPTO;
	(void)wc_HashFree(wolf_state(h), a->wolf);
	d.alg = a->id;
	d.len = a->size;
	*ret = d;
	return ASSAY_OK;
}

/* By an algorithm that can be computed. */
static enum assay_err
compute(const struct alg *a, struct span in, struct digest *ret)
{
	uint8_t out[DIGEST_MAX];
	wc_HashAlg h;

	if (in.n > UINT32_MAX)
		return ASSAY_TOO_LARGE;
	if (wc_HashInit(&h, a->wolf) != 0 ||
	    (in.n != 0 && wc_HashUpdate(&h, a->wolf, in.p, (word32)in.n) != 0) ||
	    wc_HashFinal(&h, a->wolf, out) != 0)
		return ASSAY_CRYPTO;
	(void)wc_HashFree(&h, a->wolf);
	*ret = (struct digest){.alg = a->id, .len = a->size};
	memcpy(ret->b, out, a->size);
	return ASSAY_OK;
}

enum assay_err
digest_compute(uint16_t alg, struct span in, struct digest *ret)
{
	const struct alg *a = alg_find(alg);

	if (!a || a->wolf == WC_HASH_TYPE_NONE)
		return ASSAY_UNSUPPORTED;
	return compute(a, in, ret);
}

enum assay_err
digest_from(uint16_t alg, struct span bytes, struct digest *ret)
{
	size_t size = digest_size(alg);
	struct digest d = {0};

	if (size == 0)
		return ASSAY_UNSUPPORTED;
	if (bytes.n != size)
		return ASSAY_MISMATCH;
	d.alg = alg;
	d.len = (uint16_t)size;
	memcpy(d.b, bytes.p, size);
	*ret = d;
	return ASSAY_OK;
}

enum assay_err
digest_fill(uint16_t alg, uint8_t fill, struct digest *ret)
{
	struct digest d = {0};
	size_t size = digest_size(alg);

	if (size == 0)
		return ASSAY_UNSUPPORTED;
	d.alg = alg;
	d.len = (uint16_t)size;
	memset(d.b, fill, size);
	*ret = d;
	return ASSAY_OK;
}

enum assay_err
digest_extend(struct digest *pcr, struct span in)
{
	const struct alg *a = alg_find(pcr->alg);
	uint8_t both[2 * DIGEST_MAX];

	if (!a || a->wolf == WC_HASH_TYPE_NONE)
		return ASSAY_UNSUPPORTED;
	if (in.n != a->size || pcr->len != a->size)
		return ASSAY_MISMATCH;
	memcpy(both, pcr->b, in.n);
	memcpy(both + in.n, in.p, in.n);
	return compute(a, SPAN(both, 2 * in.n), pcr);
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	return a->alg == b->alg && a->len != 0 &&
	       span_equal(digest_span(a), digest_span(b));
}

struct span
digest_span(const struct digest *d)
{
	return SPAN(d->b, d->len);
}

bool
digest_is_fill(const struct digest *d, uint8_t fill)
{
	uint8_t diff = 0;

	for (size_t i = 0; i < d->len; i++)
		diff |= d->b[i] ^ fill;
	return d->len != 0 && diff == 0;
}

enum assay_err
digest_sha256(struct span in, uint8_t ret[32])
{
	struct digest d;
	enum assay_err e = digest_compute(ALG_SHA256, in, &d);

	if (e != ASSAY_OK)
		return e;
	memcpy(ret, d.b, 32);
	return ASSAY_OK;
}
