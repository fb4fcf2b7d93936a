/* signer.c: see signer.h. */
#include "signer.h"

#include "evidence/digest.h"

#include <stdlib.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>

struct signer {
	ecc_key key;
	WC_RNG rng;
	struct es256_key public_key;
	char kid[JWS_KID_SIZE];
};

enum assay_err
signer_make(uint8_t ret_secret[SIGNER_SECRET_SIZE])
{
	enum assay_err e = ASSAY_CRYPTO;
	word32 n = SIGNER_SECRET_SIZE;
	ecc_key key;
	WC_RNG rng;

	if (wc_InitRng(&rng) != 0)
		return ASSAY_CRYPTO;
	if (wc_ecc_init(&key) == 0) {
		if (wc_ecc_make_key_ex(&rng, 32, &key, ECC_SECP256R1) == 0 &&
		    wc_ecc_export_private_only(&key, ret_secret, &n) == 0 &&
		    n == SIGNER_SECRET_SIZE)
			e = ASSAY_OK;
		wc_ecc_free(&key);
	}
	wc_FreeRng(&rng);
	return e;
}

static enum assay_err
export_public(struct signer *s)
{
	word32 nx = 32, ny = 32;

	if (wc_ecc_export_public_raw(&s->key, s->public_key.x, &nx, s->public_key.y, &ny) != 0 ||
	    nx != 32 || ny != 32)
		return ASSAY_CRYPTO;
	return jws_kid(&s->public_key, s->kid);
}

static enum assay_err
import(struct signer *s, const uint8_t *secret)
{
	if (wc_ecc_import_private_key_ex(secret, SIGNER_SECRET_SIZE, NULL, 0, &s->key,
					 ECC_SECP256R1) != 0 ||
	    wc_ecc_make_pub(&s->key, NULL) != 0)
		return ASSAY_MALFORMED;
#ifdef ECC_TIMING_RESISTANT
	if (wc_ecc_set_rng(&s->key, &s->rng) != 0)
		return ASSAY_CRYPTO;
#endif
	return export_public(s);
}

enum assay_err
signer_new(const uint8_t secret[SIGNER_SECRET_SIZE], struct signer **ret)
{
	struct signer *s = calloc(1, sizeof *s);
	enum assay_err e;

	if (!s)
		return ASSAY_NO_MEMORY;
	if (wc_InitRng(&s->rng) != 0) {
		free(s);
		return ASSAY_CRYPTO;
	}
	if (wc_ecc_init(&s->key) != 0) {
		wc_FreeRng(&s->rng);
		free(s);
		return ASSAY_CRYPTO;
	}
	if ((e = import(s, secret)) != ASSAY_OK) {
		signer_free(s);
		return e;
	}
	*ret = s;
	return ASSAY_OK;
}

void
signer_free(struct signer *s)
{
	if (!s)
		return;
	wc_ecc_free(&s->key);
	wc_FreeRng(&s->rng);
	explicit_bzero(s, sizeof *s);
	free(s);
}

const struct es256_key *
signer_public(const struct signer *s)
{
	return &s->public_key;
}

const char *
signer_kid(const struct signer *s)
{
	return s->kid;
}

/* RFC 7518, 3.4: r and s, 32 bytes each, big-endian. */
static enum assay_err
sign(struct signer *s, struct span message, uint8_t ret[JWS_SIGNATURE_SIZE])
{
	enum assay_err e;
	struct digest d;
	mp_int r, t;

	if ((e = digest_compute(ALG_SHA256, message, &d)) != ASSAY_OK)
		return e;
	if (mp_init_multi(&r, &t, NULL, NULL, NULL, NULL) != MP_OKAY)
		return ASSAY_NO_MEMORY;
	if (wc_ecc_sign_hash_ex(d.b, d.len, &s->rng, &s->key, &r, &t) != 0 ||
	    mp_to_unsigned_bin_len(&r, ret, 32) != MP_OKAY ||
	    mp_to_unsigned_bin_len(&t, ret + 32, 32) != MP_OKAY)
		e = ASSAY_CRYPTO;
	mp_clear(&r);
	mp_clear(&t);
	return e;
}

enum assay_err
signer_jws(struct signer *s, const char *typ, struct span payload, struct writer *w)
{
	uint8_t signature[JWS_SIGNATURE_SIZE];
	struct span before = wr_span(w), input;
	struct reader r;
	enum assay_err e;
	size_t n;

	jws_begin(w, typ, s->kid, payload);
	if ((e = wr_finish(w, &n)) != ASSAY_OK)
		return e;
	rd_init(&r, wr_span(w));
	(void)rd_bytes(&r, before.n);
	input = rd_rest(&r);
	if ((e = sign(s, input, signature)) != ASSAY_OK)
		return e;
	jws_finish(w, signature);
	return wr_finish(w, &n);
}
