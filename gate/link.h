/*
 * link.h: the connection to the verifier's decision stream: TLS WebSocket on
 * libwebsockets, and the gate's timers, in one loop.
 */
#ifndef GATE_LINK_H
#define GATE_LINK_H

#include "config.h"

#include "evidence/stream.h"

struct link;

struct link_handlers {
	void *self;
	void (*up)(void *self);
	/* One message, whole; false: it is not to be believed, hang up. */
	bool (*message)(void *self, struct span m);
	void (*down)(void *self, const char *why);
	void (*tick)(void *self); /* every second */
	void (*changed)(void *self); /* somebody touched nftables */
};

/* token: what the verifier knows this gate by; it must stay. NULL on a failure. */
struct link *link_open(const struct gate_config *c, const char *token,
		       const struct link_handlers *h);
void link_close(struct link *l);
/* Connect with this path and query; down() tells of a failure. */
void link_dial(struct link *l, const char *path);
void link_hang_up(struct link *l);
/* Tell changed() when this descriptor can be read; it is closed with the link. */
void link_watch(struct link *l, int fd);
/* Until SIGTERM or SIGINT. */
void link_run(struct link *l);

#endif
