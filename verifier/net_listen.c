/*
 * net_listen.c: the listening socket that several net processes share (net_processes).
 * libwebsockets 4.1 sets SO_REUSEPORT only for threads of its own, so the socket is made
 * here, and what it accepts is given to the vhost, which counts it as any other.
 */
#include "net_private.h"

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_MAX 64 /* in one turn of the loop */

static struct {
	uv_poll_t poll;
	int fd;
	bool paused;
} shared = {.fd = -1};

static void
on_connections(uv_poll_t *p, int status, int events)
{
	(void)events;
	for (unsigned i = 0; status == 0 && i < ACCEPTS_MAX; i++) {
		int fd = accept4(shared.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			/* closes it where there is no room */
			(void)lws_adopt_socket_vhost(net.vhost, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			/* no descriptors: the next sweep looks again */
			shared.paused = uv_poll_stop(p) == 0;
			return;
		}
	}
}

/* What libwebsockets gives its own; who is accepted inherits it. */
static bool
set_options(int fd, int ka_time, int ka_interval, int ka_probes)
{
	const struct {
		int level, name, value;
	} all[] = {{SOL_SOCKET, SO_REUSEADDR, 1},
		   {SOL_SOCKET, SO_REUSEPORT, 1},
		   {SOL_SOCKET, SO_KEEPALIVE, 1},
		   {IPPROTO_TCP, TCP_NODELAY, 1},
		   {IPPROTO_TCP, TCP_KEEPIDLE, ka_time},
		   {IPPROTO_TCP, TCP_KEEPINTVL, ka_interval},
		   {IPPROTO_TCP, TCP_KEEPCNT, ka_probes}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (setsockopt(fd, all[i].level, all[i].name, &all[i].value,
			       sizeof all[i].value) != 0)
			return false;
	return true;
}

static bool
bind_to(int fd, const char *host, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool v6 = inet_pton(AF_INET6, host, &six.sin6_addr) == 1;
	struct sockaddr *a = v6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t n = v6 ? sizeof six : sizeof four;

	if ((!v6 && inet_pton(AF_INET, host, &four.sin_addr) != 1) || bind(fd, a, n) != 0 ||
	    listen(fd, SOMAXCONN) != 0 || getsockname(fd, a, &n) != 0)
		return false;
	*ret_port = ntohs(v6 ? six.sin6_port : four.sin_port);
	return true;
}

enum assay_err
net_listen(const char *host, uint16_t port, const struct lws_context_creation_info *i,
	   uint16_t *ret_port)
{
	int family = strchr(host, ':') ? AF_INET6 : AF_INET;

	shared.fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (shared.fd < 0)
		return ASSAY_IO;
	if (!set_options(shared.fd, i->ka_time, i->ka_interval, i->ka_probes) ||
	    !bind_to(shared.fd, host, port, ret_port) ||
	    uv_poll_init(&net.loop, &shared.poll, shared.fd) != 0 ||
	    uv_poll_start(&shared.poll, UV_READABLE, on_connections) != 0) {
		close(shared.fd);
		shared.fd = -1;
		return ASSAY_IO;
	}
	return ASSAY_OK;
}

void
net_listen_again(void)
{
	if (shared.paused)
		shared.paused = uv_poll_start(&shared.poll, UV_READABLE, on_connections) != 0;
}
