/*
 * link.h: the agent's WebSocket connection, timer and signals, on libwebsockets.
 *
 * The only file of the agent that knows libwebsockets. It dials when told, checks
 * the verifier's key before a byte of ours is sent (I15, I7) and the channel's
 * strength (I17), hands over whole messages, and sends what it is given piece by
 * piece. What to do next is agent.c's business. One connection at a time.
 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include "options.h"

#include "evidence/reader.h"

/* Largest message taken in; longer ones end the connection. */
#define LINK_MESSAGE_MAX (32u << 10)

struct link_config {
	void *loop; /* a uv_loop_t of the caller, who runs it and has the signals; NULL: none */
	struct address verifier;
	const char *ca;	    /* PEM file, or NULL */
	bool has_pin;	    /* at least one of ca and pin */
	uint8_t pin[32];    /* SHA-256 of the verifier's SubjectPublicKeyInfo */
};

/* What happens, told one at a time and never from within a link_x call. */
struct link_handlers {
	void *self;
	/* Connected, the verifier's key is right; its exporter, 32 bytes. */
	void (*up)(void *self, const uint8_t *exporter);
	void (*message)(void *self, struct span message);
	/* Not connected, or no more; after each link_dial() exactly once. */
	void (*down)(void *self, const char *why);
	/* The next message to send, empty if there is none; valid until all is sent. */
	struct span (*next)(void *self);
	void (*timer)(void *self);
	void (*stop)(void *self); /* SIGTERM or SIGINT */
	void (*readable)(void *self); /* the descriptor of link_watch(); may be NULL */
};

struct link;

/* One per process: it takes over SIGTERM and SIGINT. NOT_FOUND: the CA file. */
ASSAY_MUST_USE enum assay_err link_open(const struct link_config *c,
					const struct link_handlers *h, struct link **ret);
void link_close(struct link *l);
/* Connect; down() or up() follows. */
void link_dial(struct link *l);
/* Its socket while it is up; -1: it is not. */
int link_socket(const struct link *l);
/* There may be something to send. */
void link_send(struct link *l);
/* Give up the connection, if there is one; down() follows if there was. */
void link_hang_up(struct link *l);
/* Call timer() once, after so long; a new call replaces the old. 0: never. */
void link_timer(struct link *l, uint64_t ms);
/* Call readable() whenever fd, a socket of the caller's, can be read. One at a time;
 * -1: none any more. */
ASSAY_MUST_USE enum assay_err link_watch(struct link *l, int fd);
/* Serve until link_end(). */
void link_run(struct link *l);
void link_end(struct link *l);

#endif
