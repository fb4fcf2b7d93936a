/* tls_client.c: see tls_client.h. */
#include "tls_client.h"

#include <time.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

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

static bool
read_time(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret = timegm(&tm);
	return true;
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
