/*
 * wsclient.h: a WebSocket over TLS as an attacker has it: every frame by hand, with any
 * opcode, in pieces or too large, over any version of TLS. Blocking, with time-outs.
 *
 * What a well-behaved device uses is libwebsockets; this is for what it would not send.
 */
#ifndef TESTS_SUPPORT_WSCLIENT_H
#define TESTS_SUPPORT_WSCLIENT_H

#include "evidence/reader.h"

#define WS_TEXT 1
#define WS_BINARY 2
#define WS_CONTINUED 0

struct ws_options {
	const char *host;
	int port;
	const char *protocol; /* WebSocket sub-protocol; NULL: none */
	bool tls12, tls11, no_ems;
};

struct ws; /* a connection */

/* Connect, TLS, upgrade. NULL, and *ret_why which step was refused: "tcp", "tls" or
 * "upgrade". The verifier's certificate is not looked at. */
struct ws *ws_open(const struct ws_options *o, const char **ret_why);
void ws_close(struct ws *w);
/* The channel binding of this connection; zeros if TLS has none. */
void ws_exporter(const struct ws *w, uint8_t ret[32]);
/* One frame; false if the connection is gone. announced: the length that its header
 * says, if larger than what is sent. */
bool ws_send(struct ws *w, unsigned opcode, bool last, struct span bytes, size_t announced);
enum ws_result { WS_MESSAGE, WS_CLOSED, WS_SILENT };
/* The next whole message within that time. Control frames are skipped. */
enum ws_result ws_receive(struct ws *w, unsigned ms, uint8_t *buf, size_t cap, size_t *ret_len);
/* A TCP connection that says nothing; -1 if refused. */
int ws_half_open(const struct ws_options *o);
/* Whether the other end has closed such a connection. */
bool ws_half_closed(int fd);

#endif
