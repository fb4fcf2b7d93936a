/* tls_exporter.c: see tls_exporter.h. */
#include "tls_exporter.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum assay_err
tls_exporter(void *ssl, uint8_t ret[TLS_EXPORTER_SIZE])
{
	uint8_t out[TLS_EXPORTER_SIZE];
	SSL *s = ssl;
	int version;

	if (!s)
		return ASSAY_DENIED;
	version = SSL_version(s);
	if (version != TLS1_3_VERSION &&
	    !(version == TLS1_2_VERSION && SSL_get_extms_support(s) == 1))
		return ASSAY_DENIED;
	if (SSL_export_keying_material(s, out, sizeof out, TLS_EXPORTER_LABEL,
				       strlen(TLS_EXPORTER_LABEL), NULL, 0, 0) != 1)
		return ASSAY_CRYPTO;
	memcpy(ret, out, sizeof out);
	return ASSAY_OK;
}

static enum assay_err
key_digest(X509 *cert, uint8_t ret[32])
{
	uint8_t *der = NULL;
	unsigned n = 0;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	int ok;

	if (len <= 0)
		return ASSAY_CRYPTO;
	ok = EVP_Digest(der, (size_t)len, ret, &n, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return ok == 1 && n == 32 ? ASSAY_OK : ASSAY_CRYPTO;
}

enum assay_err
tls_peer_key_digest(void *ssl, uint8_t ret[32])
{
	SSL *s = ssl;
	X509 *cert = s ? SSL_get1_peer_certificate(s) : NULL;
	enum assay_err e;

	if (!cert)
		return ASSAY_MISSING;
	e = key_digest(cert, ret);
	X509_free(cert);
	return e;
}

bool
tls_pin_holds(void *store, const uint8_t pin[32], bool alone)
{
	X509_STORE_CTX *s = store;
	X509 *cert = s ? X509_STORE_CTX_get0_cert(s) : NULL;
	uint8_t key[32];

	if (!cert || key_digest(cert, key) != ASSAY_OK || CRYPTO_memcmp(key, pin, 32) != 0)
		return false;
	if (alone)
		X509_STORE_CTX_set_error(s, X509_V_OK);
	return true;
}

const char *
tls_chain_fault(void *store)
{
	int error = store ? X509_STORE_CTX_get_error(store) : X509_V_ERR_UNSPECIFIED;

	return error == X509_V_OK ? NULL : X509_verify_cert_error_string(error);
}

enum assay_err
tls_pem_key_digest(const char *pem, int len, uint8_t ret[32])
{
	BIO *bio = BIO_new_mem_buf(pem, len);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	enum assay_err e = cert ? key_digest(cert, ret) : ASSAY_MALFORMED;

	X509_free(cert);
	BIO_free(bio);
	return e;
}
