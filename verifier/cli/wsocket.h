/*
 * wsocket.h: the client's end of a WebSocket (RFC 6455), as far as a stream of text
 * messages needs it: bounded, over the connection that client.h makes. It sends nothing
 * but the handshake, pongs and the closing frame.
 */
#ifndef CLI_WSOCKET_H
#define CLI_WSOCKET_H

#include "client.h"

#define WSOCKET_MESSAGE_MAX (256u << 10)

struct wsocket;

/* Connect and shake hands; path with its query. NULL with *ret_status and all said. */
struct wsocket *wsocket_open(const struct client *c, const char *path, const char *protocol,
			     int *ret_status);
void wsocket_close(struct wsocket *w);
/*
 * The next text message, valid until the next call. BUSY: none within ms. UNREACHABLE:
 * the other side closed. MALFORMED, TOO_LARGE: it does not speak the protocol.
 */
ASSAY_MUST_USE enum assay_err wsocket_next(struct wsocket *w, int ms, struct span *ret);

#endif
