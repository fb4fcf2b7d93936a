/* console_caller.c: what a request shows of who sends it: a bearer token, or the client
 * certificate of its connection; see console_conn.h. Keeper says whose that is. */
#include "console_conn.h"

#include "evidence/digest.h"
#include "evidence/tls/tls_client.h"

#include <string.h>

#define BEARER "Bearer "
#define BEARER_MAX 256

void
conn_read_certificate(struct conn *c)
{
	struct tls_client t;

	if (tls_client_certificate(lws_get_ssl(c->wsi), &t) != ASSAY_OK)
		return;
	c->certificate = (struct operation_caller){
		.kind = CREDENTIAL_CERTIFICATE,
		.valid_from = t.not_before,
		.valid_to = t.not_after,
	};
	memcpy(c->certificate.hash, t.digest, sizeof c->certificate.hash);
}

/* A token that is sent is what counts, also on a connection with a certificate. */
enum assay_err
conn_read_caller(struct conn *c)
{
	char header[BEARER_MAX + sizeof BEARER];
	int n = lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	size_t start = sizeof BEARER - 1;
	enum assay_err e;

	if (c->local)
		return ASSAY_OK;
	if (n == 0) {
		c->caller = c->certificate;
		return c->caller.kind == CREDENTIAL_NONE ? ASSAY_MISSING : ASSAY_OK;
	}
	if (n <= (int)start || n >= (int)sizeof header ||
	    lws_hdr_copy(c->wsi, header, sizeof header, WSI_TOKEN_HTTP_AUTHORIZATION) != n ||
	    strncasecmp(header, BEARER, start) != 0)
		return ASSAY_MISSING;
	c->caller.kind = CREDENTIAL_TOKEN;
	e = digest_sha256(SPAN(header + start, (size_t)n - start), c->caller.hash);
	explicit_bzero(header, sizeof header);
	return e;
}

bool
conn_may_try(struct conn *c)
{
	if (c->local ||
	    bucket_has(&console.failures, c->source_key, console_now_ms(), &c->retry_s))
		return true;
	console.limited++;
	return false;
}

void
conn_failed(struct conn *c)
{
	if (!c->local)
		bucket_charge(&console.failures, c->source_key, console_now_ms());
}

int
conn_on_tls(enum lws_callback_reasons reason, void *subject, bool good)
{
	if (reason == LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION)
		return good || tls_client_forgiven(subject) ? 0 : 1;
	console.asks_certificates = tls_client_prepare(subject) == ASSAY_OK;
	return console.asks_certificates ? 0 : 1;
}
