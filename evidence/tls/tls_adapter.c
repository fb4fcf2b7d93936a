/* tls_adapter.c: the one file that knows OpenSSL, which is what Debian's libwebsockets
 * uses; see tls_exporter.h (both ends of a channel) and tls_client.h (a server's clients). */
#include "tls_client.h"
#include "tls_exporter.h"

#include <string.h>
#include <time.h>

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

static X509 *
first_of(const char *pem, int len)
{
	BIO *bio = BIO_new_mem_buf(pem, len);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

enum assay_err
tls_pem_key_digest(const char *pem, int len, uint8_t ret[32])
{
	X509 *cert = first_of(pem, len);
	enum assay_err e = cert ? key_digest(cert, ret) : ASSAY_MALFORMED;

	X509_free(cert);
	return e;
}

static bool
read_time(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret = timegm(&tm);
	return true;
}

enum assay_err
tls_pem_expiry(const char *pem, int len, int64_t *ret)
{
	X509 *cert = first_of(pem, len);
	bool read = cert && read_time(X509_get0_notAfter(cert), ret);

	X509_free(cert);
	return read ? ASSAY_OK : ASSAY_MALFORMED;
}

/* ---- clients of a server ---- */

enum assay_err
tls_client_prepare(void *ssl_ctx)
{
	SSL_CTX *s = ssl_ctx;

	if (!s)
		return ASSAY_CRYPTO;
	SSL_CTX_set_max_cert_list(s, TLS_CLIENT_CHAIN_MAX);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(s, SSL_OP_NO_TICKET);
	return SSL_CTX_set_num_tickets(s, 0) == 1 ? ASSAY_OK : ASSAY_CRYPTO;
}

bool
tls_client_forgiven(void *store)
{
	switch (store ? X509_STORE_CTX_get_error(store) : X509_V_ERR_UNSPECIFIED) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return true;
	default:
		return false;
	}
}

static enum assay_err
read_certificate(const X509 *cert, struct tls_client *ret)
{
	struct tls_client c;
	unsigned n = 0;

	if (X509_digest(cert, EVP_sha256(), c.digest, &n) != 1 || n != sizeof c.digest)
		return ASSAY_CRYPTO;
	if (!read_time(X509_get0_notBefore(cert), &c.not_before) ||
	    !read_time(X509_get0_notAfter(cert), &c.not_after))
		return ASSAY_MALFORMED;
	*ret = c;
	return ASSAY_OK;
}

enum assay_err
tls_client_certificate(void *ssl, struct tls_client *ret)
{
	X509 *cert = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
	enum assay_err e;

	if (!cert)
		return ASSAY_MISSING;
	e = read_certificate(cert, ret);
	X509_free(cert);
	return e;
}
