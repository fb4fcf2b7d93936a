/*
 * outbound_log.c: syslog (RFC 5424 over datagrams or TCP) and the journal; see outbound.h.
 * Messages come as they are to be sent. The socket is made before the jail; when it breaks,
 * the process ends, and the next one makes another.
 */
#include "outbound.h"

#include "child.h"
#include "verifier/appraise/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct log_end {
	int fd; /* -1: there is none */
	bool counted;
	char why[OUTBOUND_ERROR_MAX + 1]; /* there is none */
};

static void
fail(struct log_end *l, const char *what, const char *why)
{
	text_format(l->why, sizeof l->why, "%s: %s", what, why);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static bool
ready(int fd, short events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static void
open_unix(struct log_end *l, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	text_format(a.sun_path, sizeof a.sun_path, "%s", path);
	l->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&a, sizeof a) != 0)
		fail(l, "connect", strerror(errno));
}

static bool
connect_to(struct log_end *l, const struct addrinfo *a)
{
	socklen_t n = sizeof errno;
	int e = 0;

	l->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		e = errno;
	else if (connect(l->fd, a->ai_addr, a->ai_addrlen) != 0)
		e = errno;
	if (e == EINPROGRESS) {
		e = ETIMEDOUT;
		if (ready(l->fd, POLLOUT, OUTBOUND_CONNECT_MS) &&
		    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
			e = errno;
	}
	if (e != 0)
		fail(l, "connect", strerror(e));
	return e == 0;
}

static void
open_host(struct log_end *l, const struct outbound_setup *s)
{
	struct addrinfo want = {.ai_socktype = s->kind == OUTBOUND_TCP ? SOCK_STREAM : SOCK_DGRAM};
	struct addrinfo *list = NULL;
	char port[8];
	int e;

	snprintf(port, sizeof port, "%u", s->port);
	if ((e = getaddrinfo(s->host, port, &want, &list)) != 0) {
		fail(l, s->host, gai_strerror(e));
		return;
	}
	for (const struct addrinfo *a = list; a && !connect_to(l, a); a = a->ai_next)
		;
	freeaddrinfo(list);
}

/* A stream that the other end has closed would swallow one message. */
static bool
is_closed(const struct log_end *l)
{
	uint8_t byte;
	ssize_t n = l->counted ? recv(l->fd, &byte, 1, MSG_DONTWAIT) : -1;

	return n == 0 || (n < 0 && l->counted && errno != EAGAIN && errno != EINTR);
}

static bool
send_all(struct log_end *l, struct span bytes)
{
	size_t done = 0;

	while (done < bytes.n) {
		ssize_t n = send(l->fd, bytes.p + done, bytes.n - done,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
			fail(l, "send", strerror(errno));
			return false;
		}
		if (!ready(l->fd, POLLOUT, OUTBOUND_SEND_MS)) {
			fail(l, "send", "it takes nothing");
			return false;
		}
	}
	return true;
}

static bool
deliver(struct log_end *l, struct span body)
{
	char count[16];

	if (l->fd < 0)
		return false;
	if (is_closed(l)) {
		fail(l, "send", "closed by the other end");
		return false;
	}
	snprintf(count, sizeof count, "%zu ", body.n);
	if (l->counted && !send_all(l, SPAN(count, strlen(count))))
		return false;
	return send_all(l, body);
}

/* One message of keeper; false: the process ends. */
static bool
serve(struct ipc *ipc, struct log_end *l)
{
	struct outbound_result r = {.delivered = false};
	struct outbound_message m;
	struct ipc_msg in;
	uint8_t buf[256];
	struct writer w;
	enum assay_err e = ipc_recv(ipc, &in);

	if (e == ASSAY_BUSY)
		return ready(ipc->fd, POLLIN, -1);
	if (e != ASSAY_OK || in.type != IPC_OUTBOUND_SEND ||
	    outbound_message_decode(in.payload, &m) != ASSAY_OK)
		return false;
	r.delivered = deliver(l, m.body);
	if (!r.delivered)
		text_escape(SPAN(l->why, strlen(l->why)), r.error, sizeof r.error);
	wr_init(&w, buf, sizeof buf);
	e = outbound_result_encode(&r, &w);
	if (e == ASSAY_OK)
		e = ipc_send(ipc, IPC_OUTBOUND_RESULT, in.id, wr_span(&w));
	ipc_release(&in);
	return e == ASSAY_OK && r.delivered;
}

int
outbound_log(struct child_start *start, const struct outbound_setup *s)
{
	struct log_end l = {.fd = -1, .counted = s->kind == OUTBOUND_TCP};

	if (s->kind == OUTBOUND_UNIX)
		open_unix(&l, s->host);
	else
		open_host(&l, s);
	if (child_ready(start, ROLE_OUTBOUND, SPAN(NULL, 0)) != ASSAY_OK)
		return 4;
	while (serve(&start->ipc, &l))
		;
	return 0;
}
