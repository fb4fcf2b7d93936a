/*
 * tls_client.h: the certificates of a server's clients. Nobody is obliged to show one,
 * and no authority vouches for any: what counts is that the handshake proved its key,
 * and which certificate it is, byte for byte. As tls_exporter.h in tls_adapter.c, and no
 * part of libevidence.
 *
 * It decides nothing: whose certificate it is, and whether its time has come or gone, is
 * for the caller to find out.
 */
#ifndef EVIDENCE_TLS_CLIENT_H
#define EVIDENCE_TLS_CLIENT_H

#include <assay/error.h>

#include <stdbool.h>
#include <stdint.h>

#define TLS_CLIENT_CHAIN_MAX 16384 /* bytes of certificates in a handshake */

struct tls_client {
	uint8_t digest[32];		/* SHA-256 over the certificate's DER */
	int64_t not_before, not_after;	/* seconds since 1970, both included */
};

/*
 * A listener's SSL_CTX, before its first connection: bounds what a client may send, and
 * takes resumption away (tickets and session cache), so that each connection proves its
 * certificate itself and strangers' certificates are not kept. CRYPTO.
 */
ASSAY_MUST_USE enum assay_err tls_client_prepare(void *ssl_ctx);
/*
 * Within libwebsockets' certificate verification callback (store: its X509_STORE_CTX),
 * where the check found fault: true if it is only that no known authority signed the
 * certificate, or the certificate's time. Weak keys, wrong purposes and everything else
 * is not forgiven.
 */
bool tls_client_forgiven(void *store);
/* The certificate that a connection's client proved; ssl as lws_get_ssl() returns it.
 * MISSING: there is none. MALFORMED: its times cannot be read. */
ASSAY_MUST_USE enum assay_err tls_client_certificate(void *ssl, struct tls_client *ret);

#endif
