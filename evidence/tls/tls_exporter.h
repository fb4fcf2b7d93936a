/*
 * tls_exporter.h: what a TLS connection alone knows: keying material and the peer's
 * key. tls_adapter.c has it from OpenSSL, which is what Debian's libwebsockets uses; both
 * ends share it. No other file of ours may include OpenSSL's headers.
 *
 * Not part of libevidence: that stays pure.
 */
#ifndef EVIDENCE_TLS_EXPORTER_H
#define EVIDENCE_TLS_EXPORTER_H

#include <assay/error.h>

#include <stdbool.h>
#include <stdint.h>

/* RFC 9266 in form; docs/protocol.md, "Channel binding". */
#define TLS_EXPORTER_LABEL "EXPORTER-assay-attester-evidence"
#define TLS_EXPORTER_SIZE 32

/*
 * ssl: what lws_get_ssl() returns. DENIED unless the connection is TLS 1.3, or
 * TLS 1.2 with extended master secret (I17); CRYPTO if the export fails.
 */
ASSAY_MUST_USE enum assay_err tls_exporter(void *ssl, uint8_t ret[TLS_EXPORTER_SIZE]);
/* SHA-256 of the peer certificate's SubjectPublicKeyInfo; MISSING if there is none. */
ASSAY_MUST_USE enum assay_err tls_peer_key_digest(void *ssl, uint8_t ret[32]);
/*
 * Within libwebsockets' certificate verification callback (store: its X509_STORE_CTX):
 * true if the peer's own certificate holds the pinned key. alone: the pin is all
 * there is to trust, and what the certificate chain lacks is then forgiven.
 */
bool tls_pin_holds(void *store, const uint8_t pin[32], bool alone);
/* Within the same callback: what is wrong with the certificate chain, as OpenSSL's
 * static text; NULL if nothing is. */
const char *tls_chain_fault(void *store);
/* SHA-256 of the SubjectPublicKeyInfo of a PEM certificate file's first certificate,
 * for tokens' pins. MALFORMED, CRYPTO. */
ASSAY_MUST_USE enum assay_err tls_pem_key_digest(const char *pem, int len, uint8_t ret[32]);
/* When the same certificate ends, in seconds since the epoch. MALFORMED. */
ASSAY_MUST_USE enum assay_err tls_pem_expiry(const char *pem, int len, int64_t *ret);

#endif
