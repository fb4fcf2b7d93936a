/*
 * feed.h: the connection to the verifier's decision stream: TLS WebSocket on
 * libwebsockets, and the gate's timers, in one loop.
 */
#ifndef GATE_FEED_H
#define GATE_FEED_H

#include "config.h"

#include "evidence/stream.h"

struct feed;

struct feed_handlers {
	void *self;
	void (*up)(void *self);
	/* One message, whole; false: it is not to be believed, hang up. */
	bool (*message)(void *self, struct span m);
	void (*down)(void *self, const char *why);
	void (*tick)(void *self); /* every second */
	void (*changed)(void *self); /* somebody touched nftables */
};

/* token: what the verifier knows this gate by; it must stay. NULL on a failure. */
struct feed *feed_open(const struct gate_config *c, const char *token,
		       const struct feed_handlers *h);
void feed_close(struct feed *l);
/* Connect with this path and query; down() tells of a failure. */
void feed_dial(struct feed *l, const char *path);
void feed_hang_up(struct feed *l);
/* Tell changed() when this descriptor can be read; it is closed with the link. */
void feed_watch(struct feed *l, int fd);
/* Until SIGTERM or SIGINT. */
void feed_run(struct feed *l);

#endif
