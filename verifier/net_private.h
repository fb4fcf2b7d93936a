/*
 * net_private.h: the inside of the net process, shared by net.c, net_start.c and net_listen.c.
 */
#ifndef VERIFIER_NET_PRIVATE_H
#define VERIFIER_NET_PRIVATE_H

#include "bucket.h"
#include "net.h"
#include "session.h"
#include "source.h"

#include <libwebsockets.h>
#include <uv.h>

#define SWEEP_MS 500
#define SEND_QUEUE_MAX 8 /* frames waiting for one device */

struct frame {
	struct frame *next;
	size_t len;
	bool close_after;
	uint8_t bytes[]; /* LWS_PRE, then the frame */
};

/* lws allocates one per connection and zeroes it. */
struct conn {
	struct session session;
	struct lws *wsi;
	uint32_t slot;
	uint8_t *in; /* a frame that arrived in fragments */
	size_t in_len, in_cap;
	struct frame *head, *tail;
	unsigned queued;
	uint32_t let_go; /* bytes that came after a refusal */
	bool closing;
};

/* What a connection counts as, from accept on; hung on the wsi. */
struct counted {
	uint32_t source;
	bool established;
};

struct net {
	struct net_setup setup;
	struct ipc ipc;
	uv_loop_t loop;
	uv_poll_t ipc_poll;
	uv_timer_t sweep;
	struct lws_context *lws;
	struct lws_vhost *vhost;
	struct source_table sources;
	struct bucket_table failures; /* of relying parties' tokens, by source */
	uint32_t limited;
	struct conn **slots;
	uint32_t nslots, next_slot;
	uint64_t generation;
	struct arena arena;
	struct session_env env;
	bool stopping;
};

extern struct net net; /* one per process; lws callbacks have no other way to it */

/* net_listen.c: a listening socket that other net processes have too; once. The keep-alive
 * times are *i's. IO: it cannot be had. */
ASSAY_MUST_USE enum assay_err net_listen(const char *host, uint16_t port,
					 const struct lws_context_creation_info *i,
					 uint16_t *ret_port);
/* Goes on accepting, where that stopped for want of descriptors. */
void net_listen_again(void);

/* net.c: the sub-protocols, and what the loop calls. */
extern const struct lws_protocols net_protocols[];
void net_on_ipc(uv_poll_t *p, int status, int events);
void net_on_sweep(uv_timer_t *t);
void net_feed_start(void);

#endif
