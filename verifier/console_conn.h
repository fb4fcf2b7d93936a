/*
 * console_conn.h: the connections of the console process, between libwebsockets'
 * callbacks (console_conn.c) and its loop (console.c). Not for others.
 */
#ifndef VERIFIER_CONSOLE_CONN_H
#define VERIFIER_CONSOLE_CONN_H

#include "console.h"
#include "bucket.h"
#include "ipc.h"
#include "source.h"

#include "operator/request.h"

#include <libwebsockets.h>
#include <uv.h>

#define CONSOLE_SLOTS (CONSOLE_LOCAL_MAX + CONSOLE_REMOTE_MAX)
#define CONSOLE_BODIES_MAX (16u << 20) /* bytes of bodies being received, in all */

enum conn_state {
	CONN_IDLE = 0, /* between requests */
	CONN_HEADERS,  /* accepted: TLS and headers are under way */
	CONN_BODY,
	CONN_WHOLE,    /* the body is there, and not yet looked at */
	CONN_WAITING,  /* for keeper */
	CONN_SENDING,
	CONN_STREAM,   /* a relying party's: net_feed.h */
};

/* Hung on the wsi from accept to its end. */
struct conn {
	struct lws *wsi;
	uint32_t slot;
	uint64_t operation; /* its id at keeper, while waiting */
	bool local, established;
	uint32_t source; /* in the source table, if not local */
	uint8_t source_key[SOURCE_KEY];
	char peer[64];
	enum conn_state state;
	int64_t deadline_ms;
	bool has_request;
	struct operator_request request;
	struct operation_caller certificate; /* of TLS; NONE: none was shown */
	struct operation_caller caller;	     /* of this request */
	uint8_t *body;
	size_t body_len, body_cap, body_expected;
	bool body_ended; /* libwebsockets has said so */
	/* the answer */
	uint8_t *out; /* LWS_PRE, then the bytes */
	size_t out_len, out_sent;
	unsigned status, retry_s; /* retry_s: 0: not said */
	const char *type;
	char if_none_match[256], etag[40]; /* "": none */
	bool headers_sent, close_after;
	bool head_only; /* of HEAD: the answer without its body */
	char allow[ROUTE_ALLOW_MAX]; /* "": not said */
};

struct console {
	struct console_setup setup;
	struct ipc ipc;
	uv_loop_t loop;
	uv_poll_t ipc_poll;
	uv_timer_t sweep;
	struct lws_context *lws;
	struct lws_vhost *local, *remote;
	bool asks_certificates;
	struct source_table sources;
	struct bucket_table failures; /* of credentials, by source */
	uint32_t limited;	      /* requests refused for that, not told yet */
	struct conn *slots[CONSOLE_SLOTS];
	unsigned nlocal, nremote;
	uint64_t generation;
	size_t body_bytes; /* held by all connections */
	bool stopping;
};

extern struct console console; /* one per process; lws callbacks have no other way to it */

int64_t console_now_ms(void);
/* Hands an operation to keeper; the process ends if keeper is gone. */
void console_to_keeper(uint64_t id, struct span payload);
/* Keeper's answer to operation `id`, if its connection is still there. */
void conn_on_reply(uint64_t id, struct span payload);
/* Ends what is over its time. */
void conn_sweep(int64_t now);
enum http_method conn_method(struct lws *wsi); /* HEAD is a GET */
/* A request for the key set, which needs no token. */
bool conn_wants_keys(const struct conn *c, struct span path);
/* TLS is done and a request has come: it is no longer half open, and its certificate, if
 * there is one, is known. */
void conn_established(struct conn *c);
/* console_head.c: the declared length, decimal; -1 if it is absent or something else. Whether
 * there is to be a body; whether it is of this type. */
long conn_content_length(struct lws *wsi);
bool conn_announces_body(struct lws *wsi);
bool conn_is_of_type(struct lws *wsi, const char *want);
/* If-None-Match of the request; whether the answer to a GET is one that the
 * client has by it (its ETag is made in any case); the head of the answer. */
/* A status if the request wants what there is not: another coding, a condition of an order. */
unsigned conn_unmet(const struct conn *c, const char **ret_why);
void conn_read_condition(struct conn *c);
bool conn_is_unchanged(struct conn *c, struct span body);
int conn_send_head(struct conn *c);
/* What net_feed.h asks of a connection. */
bool conn_feed_peer(struct lws *wsi, struct operation *op, uint8_t ret_source[BUCKET_KEY]);
void conn_feed_established(struct lws *wsi);
/* console_caller.c: the certificate of a connection; whose request it says to be. MISSING:
 * no credential of a form that could be one. */
void conn_read_certificate(struct conn *c);
ASSAY_MUST_USE enum assay_err conn_read_caller(struct conn *c);
/* Whether its source may try a credential; the refusal of one. */
bool conn_may_try(struct conn *c);
void conn_failed(struct conn *c);
/* TLS's callbacks: how a listener is set up; whether a certificate may go on to keeper. */
int conn_on_tls(enum lws_callback_reasons reason, void *subject, bool good);
/* HTTP, on both listeners. */
int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len);

#endif
