/* imasign.c: see imasign.h. */
#include "imasign.h"

#include "evidence/writer.h"
#include "unit.h"
#include "verifier/appraise/certfile.h"
#include "verifier/appraise/x509.h"

#include <stdio.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

static struct span
key_file(const char *key, const char *suffix)
{
	char path[64];

	snprintf(path, sizeof path, "imakey/%s.%s", key, suffix);
	return unit_data(path);
}

struct span
imasign_certificate(const char *key)
{
	return key_file(key, "crt");
}

static unsigned
hash_id(uint16_t alg)
{
	return alg == ALG_SHA1 ? 2 : alg == ALG_SHA256 ? 4 : alg == ALG_SHA384 ? 5 : 6;
}

static struct digest
to_sign(const struct imasign *how, const struct digest *file)
{
	uint8_t id[2 + DIGEST_MAX];
	struct digest d;

	if (how->version == 2)
		return *file;
	id[0] = how->verity ? 6 : 3;
	id[1] = (uint8_t)hash_id(file->alg);
	memcpy(id + 2, file->b, file->len);
	assert_int_equal(digest_compute(file->alg, SPAN(id, 2u + file->len), &d), ASSAY_OK);
	return d;
}

static word32
sign_ecc(struct span der, const struct digest *d, uint8_t *ret, WC_RNG *rng)
{
	ecc_key k;
	word32 at = 0, n = 256;

	assert_int_equal(wc_ecc_init(&k), 0);
	assert_int_equal(wc_EccPrivateKeyDecode(der.p, &at, &k, (word32)der.n), 0);
	assert_int_equal(wc_ecc_sign_hash(d->b, d->len, ret, &n, rng, &k), 0);
	wc_ecc_free(&k);
	return n;
}

static word32
sign_rsa(struct span der, const struct digest *d, uint8_t *ret, WC_RNG *rng, bool pss)
{
	static const struct {
		uint16_t alg;
		int sum, mgf;
		enum wc_HashType type;
	} hashes[] = {{ALG_SHA1, SHAh, WC_MGF1SHA1, WC_HASH_TYPE_SHA},
		      {ALG_SHA256, SHA256h, WC_MGF1SHA256, WC_HASH_TYPE_SHA256},
		      {ALG_SHA384, SHA384h, WC_MGF1SHA384, WC_HASH_TYPE_SHA384},
		      {ALG_SHA512, SHA512h, WC_MGF1SHA512, WC_HASH_TYPE_SHA512}};
	uint8_t info[128];
	word32 at = 0;
	size_t h = 0;
	RsaKey k;
	int n;

	while (hashes[h].alg != d->alg)
		h++;
	assert_int_equal(wc_InitRsaKey(&k, NULL), 0);
	assert_int_equal(wc_RsaPrivateKeyDecode(der.p, &at, &k, (word32)der.n), 0);
	assert_int_equal(wc_RsaSetRNG(&k, rng), 0);
	if (pss) {
		n = wc_RsaPSS_Sign(d->b, d->len, ret, 512, hashes[h].type, hashes[h].mgf, &k, rng);
	} else {
		word32 len = wc_EncodeSignature(info, d->b, d->len, hashes[h].sum);

		n = wc_RsaSSL_Sign(info, len, ret, 512, &k, rng);
	}
	assert_true(n > 0);
	wc_FreeRsaKey(&k);
	return (word32)n;
}

/* The last four bytes of the certificate's key identifier. */
static void
key_id(const char *key, struct writer *w)
{
	struct span crt = imasign_certificate(key);
	struct certfile_item item;
	struct certfile f;
	uint8_t buf[4096];
	struct x509 x;

	certfile_open(&f, crt, buf, sizeof buf);
	assert_int_equal(certfile_next(&f, &item), ASSAY_OK);
	assert_int_equal(x509_parse(item.der, &x), ASSAY_OK);
	wr_bytes(w, span_part(x.skid, x.skid.n - 4, 4));
	unit_free(crt);
}

size_t
imasign(const struct imasign *how, const struct digest *file, uint8_t ret[IMASIGN_MAX])
{
	struct span der = key_file(how->key, "key.der");
	struct digest d = to_sign(how, file);
	uint8_t sig[512];
	struct writer w;
	WC_RNG rng;
	word32 n;

	assert_int_equal(wc_InitRng(&rng), 0);
	n = strcmp(how->key, "rsa") == 0 ? sign_rsa(der, &d, sig, &rng, how->pss)
					 : sign_ecc(der, &d, sig, &rng);
	wc_FreeRng(&rng);
	unit_free(der);
	wr_init(&w, ret, IMASIGN_MAX);
	wr_u8(&w, how->verity ? 6 : 3);
	wr_u8(&w, how->version);
	wr_u8(&w, (uint8_t)hash_id(file->alg));
	key_id(how->key, &w);
	wr_be16_bytes(&w, SPAN(sig, n));
	assert_int_equal(w.err, ASSAY_OK);
	return w.len;
}
