/*
 * console_conn.c: connections of operators; see console_conn.h. One request at a
 * time each: headers, body, one operation, one answer.
 */
#include "console_conn.h"

#include "log.h"
#include "net_feed.h"
#include "operation.h"
#include "operator/problem.h"

#include "verifier/appraise/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SLOT_BITS 10
#define SEND_CHUNK 16384
_Static_assert(CONSOLE_SLOTS < 1u << SLOT_BITS, "a slot's number fits its bits");

/* ---- who is there ---- */

static void
peer_local(int fd, char ret[64])
{
	struct ucred u = {.uid = (uid_t)-1};
	socklen_t n = sizeof u;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n) != 0)
		u.uid = (uid_t)-1;
	text_format(ret, 64, "uid %lld", (long long)(int64_t)(int32_t)u.uid);
}

static bool
peer_remote(int fd, uint8_t key[SOURCE_KEY], char ret[64])
{
	struct sockaddr_storage a;
	char host[INET6_ADDRSTRLEN];
	socklen_t n = sizeof a;

	memset(key, 0, SOURCE_KEY);
	if (getpeername(fd, (struct sockaddr *)&a, &n) != 0)
		return false;
	if (a.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&a;

		key[10] = key[11] = 0xFF;
		memcpy(key + 12, &in->sin_addr, 4);
		if (!inet_ntop(AF_INET, &in->sin_addr, host, sizeof host))
			return false;
		text_format(ret, 64, "%s:%u", host, ntohs(in->sin_port));
		return true;
	}
	if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		memcpy(key, &in6->sin6_addr, mapped ? 16 : 8);
		if (!inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host))
			return false;
		text_format(ret, 64, mapped ? "%.46s:%u" : "[%.46s]:%u",
			    mapped ? host + strlen("::ffff:") : host, ntohs(in6->sin6_port));
		return true;
	}
	return false;
}

static bool
take_slot(struct conn *c)
{
	for (uint32_t i = 0; i < CONSOLE_SLOTS; i++) {
		if (console.slots[i])
			continue;
		console.slots[i] = c;
		c->slot = i;
		return true;
	}
	return false;
}

/* Each listener has its own share, so that a flood on the port leaves the socket
 * to those who can do something about it. */
static bool
admit(struct conn *c, int fd)
{
	if (c->local) {
		peer_local(fd, c->peer);
		return console.nlocal < CONSOLE_LOCAL_MAX && take_slot(c);
	}
	if (console.nremote >= CONSOLE_REMOTE_MAX || !peer_remote(fd, c->source_key, c->peer) ||
	    source_open(&console.sources, c->source_key, &c->source) != ASSAY_OK)
		return false;
	if (take_slot(c))
		return true;
	source_close(&console.sources, c->source, false);
	return false;
}

static void
log_refused(const char *peer)
{
	static struct log_limit limit;

	if (log_due(&limit, console_now_ms() / 1000))
		log_event(LOG_LEVEL_WARN, "refused", "peer", peer, "reason", "limit", "unsaid",
			  log_unsaid(&limit), NULL);
}

static int
on_accept(struct lws *wsi)
{
	struct conn *c = calloc(1, sizeof *c);

	if (!c)
		return -1;
	c->wsi = wsi;
	c->local = lws_get_vhost(wsi) == console.local;
	if (console.stopping || !admit(c, lws_get_socket_fd(wsi))) {
		log_refused(c->peer);
		free(c);
		return -1;
	}
	c->state = CONN_HEADERS;
	c->deadline_ms = console_now_ms() + CONSOLE_REQUEST_MS;
	if (c->local)
		console.nlocal++;
	else
		console.nremote++;
	lws_set_opaque_user_data(wsi, c);
	return 0;
}

/* ---- one request after the other ---- */

static void
drop_body(struct conn *c)
{
	console.body_bytes -= c->body_cap;
	free(c->body);
	c->body = NULL;
	c->body_len = c->body_cap = c->body_expected = 0;
}

static void
drop_request(struct conn *c)
{
	if (c->has_request)
		request_free(&c->request);
	c->has_request = false;
	drop_body(c);
	if (c->out)
		explicit_bzero(c->out, LWS_PRE + c->out_len); /* may hold a token */
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_sent = 0;
	c->operation = 0;
	c->headers_sent = c->body_ended = false;
	c->retry_s = 0;
	c->if_none_match[0] = c->etag[0] = c->allow[0] = '\0';
	memset(&c->caller, 0, sizeof c->caller);
}

static void
on_destroy(struct lws *wsi)
{
	struct conn *c = lws_get_opaque_user_data(wsi);

	if (!c)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	drop_request(c);
	console.slots[c->slot] = NULL;
	if (c->local) {
		console.nlocal--;
	} else {
		console.nremote--;
		source_close(&console.sources, c->source, c->established);
	}
	free(c);
}

/* Takes over a copy of the bytes; false without memory, then the connection ends. */
static bool
set_answer(struct conn *c, unsigned status, const char *type, struct span bytes)
{
	uint8_t *out = malloc(LWS_PRE + bytes.n + 1);

	if (!out)
		return false;
	if (bytes.n)
		memcpy(out + LWS_PRE, bytes.p, bytes.n);
	free(c->out);
	c->out = out;
	c->out_len = bytes.n;
	c->out_sent = 0;
	c->status = status;
	c->type = type;
	c->headers_sent = false;
	c->state = CONN_SENDING;
	c->deadline_ms = console_now_ms() + CONSOLE_SEND_MS;
	lws_callback_on_writable(c->wsi);
	return true;
}

/* An error ends the connection: part of a body may still be under way. */
static int
answer_problem(struct conn *c, unsigned status, enum assay_err e, const char *detail)
{
	char doc[PROBLEM_MAX];
	size_t n = problem_document(status, e, detail, doc);

	c->close_after = true;
	if (status == 401)
		conn_failed(c);
	if (status == 503 || status == 504)
		c->retry_s = 1;
	return n > 0 && set_answer(c, status, PROBLEM_TYPE, SPAN(doc, n)) ? 0 : -1;
}

static int
answer_refusal(struct conn *c, enum assay_err e)
{
	return answer_problem(c, problem_status(e), e, c->request.message);
}

/* The first line does not lead anywhere; or it only asks where it may. */
static int
answer_no_route(struct conn *c, enum assay_err e, struct span path)
{
	unsigned status = e == ASSAY_STATE ? 405 : e == ASSAY_TOO_LARGE ? 414 : problem_status(e);

	if (e == ASSAY_STATE)
		route_allow(path, c->allow);
	if (e == ASSAY_STATE && lws_hdr_total_length(c->wsi, WSI_TOKEN_OPTIONS_URI) > 0)
		return set_answer(c, 204, NULL, SPAN(NULL, 0)) ? 0 : -1;
	return answer_problem(c, status, e, c->request.message);
}

/* Hands the finished request to keeper. */
static int
ask_keeper(struct conn *c)
{
	static uint8_t bytes[OPERATION_BYTES_MAX];
	struct operation *op = &c->request.op;
	enum assay_err e;
	size_t n;

	op->local = c->local;
	op->caller = c->caller;
	text_format(op->peer, sizeof op->peer, "%s", c->peer);
	if ((e = operation_encode(op, bytes, sizeof bytes, &n)) != ASSAY_OK)
		return answer_problem(c, problem_status(e), e, NULL);
	c->operation = ++console.generation << SLOT_BITS | c->slot;
	c->state = CONN_WAITING;
	c->deadline_ms = console_now_ms() + CONSOLE_REPLY_MS;
	console_to_keeper(c->operation, SPAN(bytes, n));
	return 0;
}

static int
on_whole(struct conn *c)
{
	enum assay_err e = request_body(&c->request, SPAN(c->body, c->body_len));

	return e == ASSAY_OK ? ask_keeper(c) : answer_refusal(c, e);
}

/* ---- reading ---- */

enum http_method
conn_method(struct lws *wsi)
{
	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0 ||
	    lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0)
		return METHOD_GET;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0)
		return METHOD_POST;
	return METHOD_NONE;
}

static enum assay_err
read_query(struct conn *c)
{
	char pair[REQUEST_QUERY_MAX];
	enum assay_err e = ASSAY_OK;

	for (int i = 0; e == ASSAY_OK; i++) {
		int n = lws_hdr_copy_fragment(c->wsi, pair, sizeof pair,
					      WSI_TOKEN_HTTP_URI_ARGS, i);

		if (n < 0) /* what does not fit: its length alone tells it from the end */
			return lws_hdr_fragment_length(c->wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0
				       ? request_long_query(&c->request)
				       : ASSAY_OK;
		if (n > 0 && !(i == 0 && n == 1 && pair[0] == '/')) /* a lone "?" comes so */
			e = request_query(&c->request, SPAN(pair, (size_t)n));
	}
	return e;
}

/* What an answer of bytes is: only metrics are text. */
static const char *
bytes_type(const struct conn *c)
{
	return c->request.route && c->request.route->op == OP_METRICS
		       ? "text/plain; version=0.0.4; charset=utf-8"
		       : "application/octet-stream";
}

/* Only these: a browser cannot send them across sites unasked. */
static const char *
body_type(const struct conn *c)
{
	return route_is_raw(c->request.route) ? "application/octet-stream" : "application/json";
}

/* The announced body of a POST; a GET's must be absent. */
static int
expect_body(struct conn *c)
{
	bool post = c->request.route->method == METHOD_POST;
	bool chunked = lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
	bool told = lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	long n = conn_content_length(c->wsi);
	const char *why = NULL;
	unsigned unmet = conn_unmet(c, &why);

	if (unmet)
		return answer_problem(c, unmet, unmet == 412 ? ASSAY_MISMATCH : ASSAY_UNSUPPORTED,
				      why);
	if (chunked || (told && n < 0) || (post && !told))
		return answer_problem(c, 411, ASSAY_MALFORMED,
				      "a request with a body says its length (Content-Length)");
	if (n <= 0)
		return on_whole(c);
	if ((size_t)n > c->request.route->body_max)
		return answer_problem(c, post ? 413 : 400, ASSAY_TOO_LARGE,
				      post ? "the body is too large" : "a GET has no body");
	if (!conn_is_of_type(c->wsi, body_type(c)))
		return answer_problem(c, 415, ASSAY_UNSUPPORTED,
				      route_is_raw(c->request.route)
					      ? "the body must be application/octet-stream"
					      : "the body must be application/json");
	c->body_expected = (size_t)n;
	c->state = CONN_BODY;
	return 0;
}

static int
on_request(struct conn *c, struct span path)
{
	enum assay_err e;

	drop_request(c);
	c->close_after = false;
	c->state = CONN_HEADERS;
	c->head_only = lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
	c->deadline_ms = console_now_ms() + CONSOLE_REQUEST_MS;
	if (conn_wants_keys(c, path)) {
		c->close_after = conn_announces_body(c->wsi); /* of which nobody wants to know */
		return set_answer(c, 200, "application/jwk-set+json", feed_keys()) ? 0 : -1;
	}
	if (!conn_may_try(c))
		return answer_problem(c, 429, ASSAY_LIMITED,
				      "too many credentials from this address were refused");
	if ((e = conn_read_caller(c)) != ASSAY_OK)
		return answer_problem(c, problem_status(e), e, OPERATION_UNKNOWN_CALLER);
	if (!feed_line_is_whole(c->wsi))
		return answer_problem(c, 400, ASSAY_MALFORMED, "the path or query has a line end");
	if (c->caller.kind == CREDENTIAL_CERTIFICATE && conn_method(c->wsi) != METHOD_GET &&
	    feed_is_of_foreign_page(c->wsi))
		return answer_problem(c, 403, ASSAY_DENIED,
				      "a page of another origin gives no orders by certificate");
	e = request_start(&c->request, conn_method(c->wsi), path);
	c->has_request = true;
	if (e != ASSAY_OK)
		return answer_no_route(c, e, path);
	if ((e = read_query(c)) != ASSAY_OK)
		return e == ASSAY_TOO_LARGE ? answer_no_route(c, e, path) : answer_refusal(c, e);
	conn_read_condition(c);
	return expect_body(c);
}

/* The buffer grows as bytes arrive, within what the request announced and what all
 * connections may hold together. */
static enum assay_err
collect(struct conn *c, struct span piece)
{
	size_t need = c->body_len + piece.n, cap = c->body_cap;
	uint8_t *p;

	if (piece.n > c->body_expected - c->body_len)
		return ASSAY_TOO_LARGE;
	if (need > cap) {
		cap = 2 * need < c->body_expected ? 2 * need : c->body_expected;
		if (cap - c->body_cap > CONSOLE_BODIES_MAX - console.body_bytes)
			return ASSAY_BUSY;
		p = realloc(c->body, cap);
		if (!p)
			return ASSAY_NO_MEMORY;
		console.body_bytes += cap - c->body_cap;
		c->body = p;
		c->body_cap = cap;
	}
	if (piece.n)
		memcpy(c->body + c->body_len, piece.p, piece.n);
	c->body_len = need;
	return ASSAY_OK;
}

static int
on_body(struct conn *c, struct span piece)
{
	enum assay_err e;

	if (c->state == CONN_SENDING || piece.n == 0)
		return 0; /* refused already; what still comes is not kept */
	if (c->state != CONN_BODY)
		return -1;
	if ((e = collect(c, piece)) != ASSAY_OK)
		return answer_problem(c, problem_status(e), e, NULL);
	return 0;
}

/* Where the next request was sent ahead, libwebsockets 4.1 takes its first bytes for this
 * one's body, or says without end that the body has ended: the second time ends the
 * connection, and until the first has passed nothing is done. */
static int
on_body_end(struct conn *c)
{
	if (c->body_ended)
		return -1;
	c->body_ended = true;
	if (c->state != CONN_BODY)
		return 0;
	c->state = CONN_WHOLE;
	lws_callback_on_writable(c->wsi);
	return 0;
}

/* ---- answering ---- */

static struct conn *
find_conn(uint64_t operation)
{
	uint64_t slot = operation & ((1u << SLOT_BITS) - 1);
	struct conn *c = slot < CONSOLE_SLOTS ? console.slots[slot] : NULL;

	return c && c->state == CONN_WAITING && c->operation == operation ? c : NULL;
}

static void
end_conn(struct conn *c)
{
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

void
conn_on_reply(uint64_t id, struct span payload)
{
	struct conn *c = find_conn(id);
	char message[PROBLEM_MAX];
	struct span body;
	struct reader r;
	uint16_t e;
	uint8_t kind;
	bool ok;

	if (!c)
		return; /* it has gone meanwhile */
	rd_init(&r, payload);
	e = rd_be16(&r);
	kind = rd_u8(&r);
	body = rd_rest(&r);
	if (rd_finish(&r) != ASSAY_OK || e >= ASSAY_ERR_COUNT) {
		end_conn(c);
		return;
	}
	if (e == ASSAY_OK && kind != REPLY_BYTES && conn_is_unchanged(c, body)) {
		ok = set_answer(c, 304, NULL, SPAN(NULL, 0));
	} else if (e == ASSAY_OK) {
		ok = set_answer(c, 200, kind == REPLY_BYTES ? bytes_type(c) : "application/json",
				body);
	} else {
		problem_message(body, message, sizeof message);
		c->retry_s = e == ASSAY_LIMITED ? problem_retry(body) : 0;
		ok = answer_problem(c, problem_status(e), e, message) == 0;
	}
	if (!ok)
		end_conn(c);
}

static int
on_sent(struct conn *c)
{
	bool last = c->close_after || console.stopping;

	drop_request(c);
	c->state = CONN_IDLE;
	c->deadline_ms = console_now_ms() + CONSOLE_IDLE_MS;
	return last || lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

static int
on_writeable(struct conn *c)
{
	size_t left = c->out_len - c->out_sent, n = left < SEND_CHUNK ? left : SEND_CHUNK;
	enum lws_write_protocol how = n == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP;

	if (c->state == CONN_WHOLE)
		return on_whole(c);
	if (c->state != CONN_SENDING)
		return 0;
	if (!c->headers_sent)
		return conn_send_head(c);
	if (c->head_only)
		return on_sent(c);
	if (n > 0 && lws_write(c->wsi, c->out + LWS_PRE + c->out_sent, n, how) < (int)n)
		return -1;
	c->out_sent += n;
	if (c->out_sent == c->out_len)
		return on_sent(c);
	lws_callback_on_writable(c->wsi);
	return 0;
}

void
conn_sweep(int64_t now)
{
	for (size_t i = 0; i < CONSOLE_SLOTS; i++) {
		struct conn *c = console.slots[i];

		if (!c || c->state == CONN_STREAM || now < c->deadline_ms)
			continue;
		if (c->state == CONN_WAITING &&
		    answer_problem(c, 504, ASSAY_UNREACHABLE, "the verifier is too busy") == 0)
			continue;
		end_conn(c);
	}
}

void
conn_established(struct conn *c)
{
	if (c->established)
		return;
	c->established = true;
	if (c->local)
		return;
	source_established(&console.sources, c->source);
	conn_read_certificate(c);
}

int
conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct conn *c = lws_get_opaque_user_data(wsi);

	switch (reason) {
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		return on_accept(wsi);
	case LWS_CALLBACK_WSI_DESTROY:
		on_destroy(wsi);
		return 0;
	case LWS_CALLBACK_HTTP:
		if (!c)
			return -1;
		conn_established(c);
		return on_request(c, SPAN(in, len));
	case LWS_CALLBACK_HTTP_BODY:
		return c ? on_body(c, SPAN(in, len)) : -1;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return c ? on_body_end(c) : -1;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return c ? on_writeable(c) : -1;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* no HTTP/2; WebSockets as net_feed.h */
		return in && strcmp(in, "websocket") == 0 ? 0 : -1;
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
	case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
		return conn_on_tls(reason, user, len != 0);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
	case LWS_CALLBACK_ESTABLISHED:
		return -1;
	default:
		return 0;
	}
}
