/*
 * net_feed.h: connections of relying parties, in net and in console: a sub-protocol of
 * WebSocket and a pipe. It makes nothing, checks nothing and knows nothing of what it
 * carries (D15): keeper does (keeper_feed.c, docs/decision-stream.md).
 *
 *   FEED_OPEN    to keeper: an operation (operation.h), DECISION_STREAM with its fields
 *   FEED_PULL    to keeper: everything was taken; more, please
 *   FEED_CLOSED  to keeper
 *   FEED         messages, each with a be32 length; sent as text, in order
 *   FEED_END     a word: the connection ends with it
 *   KEYS         the document of /.well-known/jwks.json
 */
#ifndef VERIFIER_NET_FEED_H
#define VERIFIER_NET_FEED_H

#include "ipc.h"
#include "bucket.h"
#include "operation.h"

#include <libwebsockets.h>

#define FEED_PROTOCOL "assay.decisions.v1"
#define FEED_PATH "/v1/decisions"
#define FEED_KEYS_PATH "/.well-known/jwks.json"
#define FEED_CONNECTIONS_MAX 128 /* of one process */
#define FEED_CONNECTION_SIZE 4096 /* per_session_data_size of the sub-protocol */

/* What the process around it gives. */
struct feed_env {
	void (*to_keeper)(enum ipc_type t, uint64_t id, struct span payload);
	/* Who is there: op's local, peer, and caller if TLS says who, and the source's key;
	 * false: nobody more. */
	bool (*peer)(struct lws *wsi, struct operation *op, uint8_t ret_source[BUCKET_KEY]);
	/* The handshake is over; as a WebSocket it has no deadline of HTTP's. */
	void (*established)(struct lws *wsi);
	/* Sources whose tokens were refused, and how many requests were for that. */
	struct bucket_table *failures;
	uint32_t *limited;
};
extern struct feed_env feed_env;
/* libwebsockets 4.1 takes a line end that is written as %0A or %0D in the path or query for the
 * end of the request's first line, and what follows for a header. False: that happened. */
bool feed_line_is_whole(struct lws *wsi);
/* A page of another place made a browser ask this (Origin). Browsers send a client certificate
 * along with that unasked, so it says nothing of who wants it. */
bool feed_is_of_foreign_page(struct lws *wsi);
/* Answers a request or handshake with a problem document (problem.h), now. Returns -1, for
 * lws: the connection ends. */
int feed_refuse(struct lws *wsi, enum assay_err e, const char *detail);

/* lws's callback of the sub-protocol. */
int feed_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len);
/* A message of keeper's: FEED, FEED_END or KEYS. */
void feed_on_keeper(const struct ipc_msg *m);
/* Tells keeper how many requests were refused since the last time. */
void feed_tell_limited(void);
/* The key set as keeper gave it last; empty before. */
struct span feed_keys(void);

#endif
