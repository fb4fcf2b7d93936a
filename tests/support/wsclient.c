/* wsclient.c: see wsclient.h. */
#include "wsclient.h"

#include "evidence/tls/tls_exporter.h"
#include "evidence/writer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define CONNECT_MS 10000
#define HEAD_MAX 14

struct ws {
	int fd;
	SSL_CTX *context;
	SSL *ssl;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
ws_half_open(const struct ws_options *o)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
	struct timeval limit = {CONNECT_MS / 1000, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (inet_pton(AF_INET, o->host, &a.sin_addr) == 1 &&
	    connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

bool
ws_half_closed(int fd)
{
	uint8_t b;
	ssize_t n = recv(fd, &b, 1, MSG_DONTWAIT | MSG_PEEK);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

static SSL_CTX *
make_context(const struct ws_options *o)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (!c)
		return NULL;
	SSL_CTX_set_verify(c, SSL_VERIFY_NONE, NULL);
	if (o->tls11) {
		SSL_CTX_set_security_level(c, 0);
		SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(c, TLS1_1_VERSION);
	} else if (o->tls12 || o->no_ems) {
		SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
	}
	if (o->no_ems)
		SSL_CTX_set_options(c, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	return c;
}

static bool
upgrade(struct ws *w, const struct ws_options *o)
{
	char text[1024];
	size_t used = 0;
	int n = snprintf(text, sizeof text,
			 "GET / HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
			 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
			 o->host, o->port, o->protocol ? "Sec-WebSocket-Protocol: " : "",
			 o->protocol ? o->protocol : "", o->protocol ? "\r\n" : "");

	if (SSL_write(w->ssl, text, n) != n)
		return false;
	/* byte by byte: what follows the head is WebSocket's */
	while (used < sizeof text - 1 && SSL_read(w->ssl, text + used, 1) == 1) {
		text[++used] = '\0';
		if (used >= 4 && strcmp(text + used - 4, "\r\n\r\n") == 0)
			return strncmp(text, "HTTP/1.1 101", 12) == 0;
	}
	return false;
}

struct ws *
ws_open(const struct ws_options *o, const char **ret_why)
{
	struct ws *w = calloc(1, sizeof *w);

	*ret_why = "tcp";
	if (!w)
		return NULL;
	w->fd = ws_half_open(o);
	if (w->fd < 0)
		goto fail;
	*ret_why = "tls";
	w->context = make_context(o);
	w->ssl = w->context ? SSL_new(w->context) : NULL;
	if (!w->ssl || SSL_set_fd(w->ssl, w->fd) != 1 || SSL_connect(w->ssl) != 1)
		goto fail;
	*ret_why = "upgrade";
	if (upgrade(w, o))
		return w;
fail:
	ws_close(w);
	return NULL;
}

void
ws_close(struct ws *w)
{
	if (!w)
		return;
	SSL_free(w->ssl);
	SSL_CTX_free(w->context);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

void
ws_exporter(const struct ws *w, uint8_t ret[32])
{
	memset(ret, 0, 32);
	if (tls_exporter(w->ssl, ret) != ASSAY_OK)
		memset(ret, 0, 32);
}

static bool
write_all(struct ws *w, const uint8_t *p, size_t n)
{
	while (n > 0) {
		int done = SSL_write(w->ssl, p, n > 1u << 20 ? 1 << 20 : (int)n);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* RFC 6455, 5.2; the mask is zero, which masks nothing. */
bool
ws_send(struct ws *w, unsigned opcode, bool last, struct span bytes, size_t announced)
{
	size_t n = announced > bytes.n ? announced : bytes.n;
	uint8_t head[HEAD_MAX];
	struct writer out;

	wr_init(&out, head, sizeof head);
	wr_u8(&out, (uint8_t)((last ? 0x80 : 0) | opcode));
	if (n < 126) {
		wr_u8(&out, (uint8_t)(0x80 | n));
	} else if (n < 65536) {
		wr_u8(&out, 0x80 | 126);
		wr_be16(&out, (uint16_t)n);
	} else {
		wr_u8(&out, 0x80 | 127);
		wr_be64(&out, n);
	}
	wr_be32(&out, 0);
	return write_all(w, head, out.len) && write_all(w, bytes.p, bytes.n);
}

static bool
read_all(struct ws *w, uint8_t *p, size_t n, int64_t until)
{
	while (n > 0) {
		struct pollfd f = {.fd = w->fd, .events = POLLIN};
		int64_t left = until - now_ms();
		int got;

		if (SSL_pending(w->ssl) == 0 && (left <= 0 || poll(&f, 1, (int)left) <= 0))
			return false;
		got = SSL_read(w->ssl, p, n > 1u << 20 ? 1 << 20 : (int)n);
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

/* Waits for a first byte; closed and silent are told apart here. */
static enum ws_result
first_byte(struct ws *w, int64_t until, uint8_t *ret)
{
	for (;;) {
		struct pollfd f = {.fd = w->fd, .events = POLLIN};
		int64_t left = until - now_ms();
		int got;

		if (SSL_pending(w->ssl) == 0 && (left <= 0 || poll(&f, 1, (int)left) <= 0))
			return WS_SILENT;
		got = SSL_read(w->ssl, ret, 1);
		if (got == 1)
			return WS_MESSAGE;
		if (SSL_get_error(w->ssl, got) != SSL_ERROR_WANT_READ)
			return WS_CLOSED;
	}
}

static bool
read_length(struct ws *w, int64_t until, size_t *ret)
{
	uint8_t b[8];
	struct reader r;

	if (!read_all(w, b, 1, until))
		return false;
	*ret = b[0] & 0x7F;
	if (*ret < 126)
		return true;
	if (!read_all(w, b, *ret == 126 ? 2 : 8, until))
		return false;
	rd_init(&r, SPAN(b, *ret == 126 ? 2 : 8));
	*ret = *ret == 126 ? rd_be16(&r) : rd_be64(&r);
	return true;
}

enum ws_result
ws_receive(struct ws *w, unsigned ms, uint8_t *buf, size_t cap, size_t *ret_len)
{
	int64_t until = now_ms() + ms;
	size_t used = 0;

	for (;;) {
		enum ws_result r;
		uint8_t head = 0;
		size_t n;

		if ((r = first_byte(w, until, &head)) != WS_MESSAGE)
			return r;
		if (!read_length(w, until, &n) || n > cap - used ||
		    !read_all(w, buf + used, n, until))
			return WS_CLOSED;
		if ((head & 0x0F) == 8)
			return WS_CLOSED;
		if ((head & 0x0F) > 8)
			continue;
		used += n;
		if (head & 0x80)
			break;
	}
	*ret_len = used;
	return WS_MESSAGE;
}
