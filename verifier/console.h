/*
 * console.h: the process that talks to operators: HTTP and JSON, nothing else.
 *
 * Two listeners of one libwebsockets context: a Unix socket (mode 0600; whoever may
 * open it is the administrator) and, by option, a TLS port with a key of its own,
 * where each request carries a bearer token. console.c is the loop and the
 * connections; what a request means is in operator/ (route.h, body.h, problem.h).
 * Console decides nothing: it hands keeper the hash of the token, and keeper says
 * who that is and whether they may (I8).
 *
 * Everything a stranger can send is bounded: connections in all and per source,
 * bytes of headers and body, nesting, and time.
 */
#ifndef VERIFIER_CONSOLE_H
#define VERIFIER_CONSOLE_H

#include "config.h"

#include "evidence/writer.h"

#define CONSOLE_LOCAL_MAX 64	  /* connections at a time on the Unix socket */
#define CONSOLE_REMOTE_MAX 256	  /* ... on the TLS port */
#define CONSOLE_PER_SOURCE_MAX 32 /* ... of one address */
#define CONSOLE_HALF_OPEN_MAX 16  /* ... of one address, in the TLS handshake */
#define CONSOLE_REQUEST_MS 10000  /* from the first byte to the last of a request */
#define CONSOLE_IDLE_MS 30000	  /* between requests of a connection */
#define CONSOLE_REPLY_MS 60000	  /* for keeper's answer */
#define CONSOLE_SEND_MS 60000	  /* for taking the answer */
#define CONSOLE_HEADERS_MAX 8192
#define CONSOLE_FAILING_MAX 4096 /* sources whose failures are counted; more share a bucket */

struct console_setup {
	char socket[CONFIG_PATH_MAX];
	char listen[CONFIG_TEXT_MAX]; /* "": no TLS port */
	unsigned failures_per_minute;
	struct span certificate, key; /* PEM; empty without TLS port */
};

/* CONFIG's role part, as keeper sends it. */
ASSAY_MUST_USE enum assay_err console_config_encode(const struct config *c, struct span certificate,
						    struct span key, struct writer *w);
ASSAY_MUST_USE enum assay_err console_config_decode(struct span in, struct console_setup *ret);

/* The role. READY's payload: be16 port of the TLS listener, 0 for none. */
int console_main(void);

#endif
