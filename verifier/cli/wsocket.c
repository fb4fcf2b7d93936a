/* wsocket.c: see wsocket.h. */
#include "wsocket.h"

#include "verifier/appraise/text.h"

#include "evidence/base64.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <curl/curl.h>

#define HEAD_MAX 8192
#define FRAME_TEXT 1
#define FRAME_CLOSE 8
#define FRAME_PING 9
#define FRAME_PONG 10
#define HANDSHAKE_MS 10000
#define SEND_TRIES 1000

struct wsocket {
	CURL *h;
	size_t have, used;	      /* bytes in `in`, and those that are done with */
	size_t message;		      /* bytes of the message so far */
	uint8_t in[WSOCKET_MESSAGE_MAX + 16];
	uint8_t text[WSOCKET_MESSAGE_MAX];
};

static bool
wait_for(struct wsocket *w, short events, int ms)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct pollfd p;

	if (curl_easy_getinfo(w->h, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK)
		return false;
	p = (struct pollfd){.fd = fd, .events = events};
	return poll(&p, 1, ms) > 0;
}

static enum assay_err
send_all(struct wsocket *w, struct span bytes)
{
	struct reader r;
	size_t sent;

	rd_init(&r, bytes);
	for (unsigned i = 0; i < SEND_TRIES && rd_left(&r) > 0; i++) {
		struct reader ahead = r;
		struct span rest = rd_rest(&ahead);
		CURLcode e = curl_easy_send(w->h, rest.p, rest.n, &sent);

		if (e == CURLE_AGAIN)
			(void)wait_for(w, POLLOUT, 100);
		else if (e != CURLE_OK)
			return ASSAY_UNREACHABLE;
		else
			(void)rd_bytes(&r, sent);
	}
	return rd_left(&r) == 0 ? ASSAY_OK : ASSAY_UNREACHABLE;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is there at once is taken; else it waits. That something can be read does not say
 * that it is ours: TLS has messages of its own. */
static CURLcode
recv_within(struct wsocket *w, int ms, size_t *ret_got)
{
	int64_t end = now_ms() + ms, left = ms;
	CURLcode e;

	for (;;) {
		e = curl_easy_recv(w->h, w->in + w->have, sizeof w->in - w->have, ret_got);
		if (e != CURLE_AGAIN || left <= 0 || !wait_for(w, POLLIN, (int)left))
			return e;
		left = end - now_ms();
	}
}

/* More bytes behind those that are there. */
static enum assay_err
receive(struct wsocket *w, int ms)
{
	size_t got = 0;
	CURLcode e;

	if (w->used > 0) {
		memmove(w->in, w->in + w->used, w->have - w->used);
		w->have -= w->used;
		w->used = 0;
	}
	if (w->have == sizeof w->in)
		return ASSAY_TOO_LARGE;
	e = recv_within(w, ms, &got);
	if (e == CURLE_AGAIN)
		return ASSAY_BUSY;
	if (e != CURLE_OK || got == 0)
		return ASSAY_UNREACHABLE;
	w->have += got;
	return ASSAY_OK;
}

/* ---- handshake ---- */

static enum assay_err
send_request(struct wsocket *w, const char *path, const char *protocol, const char *auth)
{
	uint8_t key[15];
	char head[HEAD_MAX], text[32] = "";
	struct writer k;

	if (getrandom(key, sizeof key, 0) != sizeof key)
		return ASSAY_IO;
	wr_init(&k, text, sizeof text - 1);
	base64url_put(&k, SPAN(key, sizeof key)); /* 20 characters, and "AA==" is the 16th byte */
	for (char *c = text; *c; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	text_format(head, sizeof head,
		    "GET %s HTTP/1.1\r\nHost: verifier\r\nUpgrade: websocket\r\n"
		    "Connection: Upgrade\r\nSec-WebSocket-Key: %sAA==\r\n"
		    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n%s%s\r\n",
		    path, text, protocol, auth, *auth ? "\r\n" : "");
	return send_all(w, SPAN(head, strlen(head)));
}

/* The answer's head, up to the empty line. */
static enum assay_err
read_answer(struct wsocket *w)
{
	static const char end[] = "\r\n\r\n", good[] = "HTTP/1.1 101 ";
	enum assay_err e;

	while (w->have <= HEAD_MAX) {
		for (size_t i = 0; i + 4 <= w->have; i++)
			if (span_equal(SPAN(w->in + i, 4), SPAN(end, 4))) {
				w->used = i + 4;
				return w->have > sizeof good &&
						       span_equal(SPAN(w->in, sizeof good - 1),
								  SPAN(good, sizeof good - 1))
					       ? ASSAY_OK
					       : ASSAY_DENIED;
			}
		if ((e = receive(w, HANDSHAKE_MS)) != ASSAY_OK)
			return e;
	}
	return ASSAY_TOO_LARGE;
}

struct wsocket *
wsocket_open(const struct client *c, const char *path, const char *protocol, int *ret_status)
{
	struct wsocket *w = calloc(1, sizeof *w);
	char auth[4200];
	enum assay_err e;

	if (!w) {
		*ret_status = cli_fail(CLI_FAULT, "no memory");
		return NULL;
	}
	if (!(w->h = client_connect(c, path, auth, ret_status))) {
		free(w);
		return NULL;
	}
	e = send_request(w, path, protocol, auth);
	explicit_bzero(auth, sizeof auth);
	if (e == ASSAY_OK)
		e = read_answer(w);
	if (e == ASSAY_OK)
		return w;
	wsocket_close(w);
	*ret_status = cli_fail(CLI_NO_ACCESS, "the verifier opens no stream here: %s",
			       e == ASSAY_DENIED ? "it refuses the request" : assay_err_text(e));
	return NULL;
}

void
wsocket_close(struct wsocket *w)
{
	if (!w)
		return;
	curl_easy_cleanup(w->h);
	free(w);
}

/* ---- frames ---- */

/* Masked with zeros: what is sent is no secret and nobody caches it. */
static enum assay_err
send_pong(struct wsocket *w, struct span data)
{
	uint8_t frame[6 + 125];
	struct writer out;

	wr_init(&out, frame, sizeof frame);
	wr_u8(&out, 0x80 | FRAME_PONG);
	wr_u8(&out, (uint8_t)(0x80 | data.n));
	wr_be32(&out, 0);
	wr_bytes(&out, data);
	return out.err != ASSAY_OK ? out.err : send_all(w, wr_span(&out));
}

/* One whole frame, if it is there: BUSY if not. */
static enum assay_err
take_frame(struct wsocket *w, uint8_t *ret_first, struct span *ret)
{
	struct reader r;
	uint8_t len;
	uint64_t n;

	rd_init(&r, SPAN(w->in + w->used, w->have - w->used));
	*ret_first = rd_u8(&r);
	len = rd_u8(&r);
	n = len == 126 ? rd_be16(&r) : len == 127 ? rd_be64(&r) : len;
	if (r.err != ASSAY_OK)
		return ASSAY_BUSY;
	if ((len & 0x80) != 0 || (*ret_first & 0x70) != 0)
		return ASSAY_MALFORMED; /* masked by a server, or an extension */
	if (n > WSOCKET_MESSAGE_MAX)
		return ASSAY_TOO_LARGE;
	*ret = rd_bytes(&r, (size_t)n);
	if (r.err != ASSAY_OK)
		return ASSAY_BUSY;
	w->used += r.pos;
	return ASSAY_OK;
}

/* OK: a message is whole. BUSY: go on. */
static enum assay_err
on_frame(struct wsocket *w, uint8_t first, struct span data)
{
	uint8_t op = first & 0x0F;

	if (op == FRAME_CLOSE)
		return ASSAY_UNREACHABLE;
	if (op == FRAME_PONG)
		return ASSAY_BUSY;
	if (op == FRAME_PING)
		return data.n <= 125 && send_pong(w, data) == ASSAY_OK ? ASSAY_BUSY
								     : ASSAY_UNREACHABLE;
	if (op != (w->message == 0 ? FRAME_TEXT : 0))
		return ASSAY_MALFORMED;
	if (data.n > sizeof w->text - w->message)
		return ASSAY_TOO_LARGE;
	if (data.n)
		memcpy(w->text + w->message, data.p, data.n);
	w->message += data.n;
	return (first & 0x80) != 0 ? ASSAY_OK : ASSAY_BUSY;
}

enum assay_err
wsocket_next(struct wsocket *w, int ms, struct span *ret)
{
	int64_t end = now_ms() + ms, left = ms;
	struct span data;
	uint8_t first;
	enum assay_err e;

	for (;;) {
		while ((e = take_frame(w, &first, &data)) == ASSAY_OK) {
			if ((e = on_frame(w, first, data)) == ASSAY_BUSY)
				continue;
			*ret = SPAN(w->text, w->message);
			w->message = 0;
			return e;
		}
		left = end - now_ms();
		if (e != ASSAY_BUSY ||
		    (e = receive(w, left > 0 ? (int)left : 0)) != ASSAY_OK)
			return e;
	}
}
