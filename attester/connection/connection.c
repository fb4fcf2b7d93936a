/*
 * connection.c: the last part of assay/attester.h: the agent's link on a libuv loop that
 * nobody waits in: its descriptor and a timer are joined in one epoll descriptor, which
 * the program polls.
 */
#include "attester/agent/link.h"
#include "attester/agent/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <uv.h>

#define PAUSE_FIRST_MS 500
#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_S 60
#define DIAL_MS 30000
#define SILENCE_MS 300000 /* beyond what was announced, before the connection is given up */
#define CLOSE_TURNS 100

struct assay_connection {
	struct assay_connection_config config;
	struct link *link;
	uv_loop_t loop;
	bool has_loop, dialled, up;
	int poll, timer;
	unsigned failures;
};

/* ---- what the link tells ---- */

static void
dial(struct assay_connection *c)
{
	c->up = false;
	c->dialled = true;
	link_timer(c->link, DIAL_MS);
	link_dial(c->link);
}

static void
on_up(void *self, const uint8_t *exporter)
{
	struct assay_connection *c = self;
	enum assay_err e =
		assay_attester_connected(c->config.attester, exporter, ASSAY_EXPORTER_SIZE);

	local_tell(c->config.attester, link_socket(c->link));
	c->up = true;
	link_timer(c->link, SILENCE_MS);
	if (e != ASSAY_OK)
		link_hang_up(c->link);
	else
		link_send(c->link);
}

static void
on_message(void *self, struct span message)
{
	struct assay_connection *c = self;
	uint64_t patience = SILENCE_MS;
	struct assay_event event;

	if (assay_attester_received(c->config.attester, message.p, message.n, &event) != ASSAY_OK) {
		link_hang_up(c->link);
		return;
	}
	if (event.kind == ASSAY_EVENT_DECISION) {
		c->failures = 0;
		patience += event.decision.next_in_ms;
	}
	link_timer(c->link, patience);
	if (event.kind != ASSAY_EVENT_NONE && c->config.event)
		c->config.event(c->config.self, &event);
	if (event.kind == ASSAY_EVENT_REFUSED)
		link_hang_up(c->link);
	else
		link_send(c->link);
}

/* A pause drawn evenly from 0 to a limit that doubles with every failure. */
static uint64_t
pause_ms(struct assay_connection *c)
{
	uint64_t cap = c->config.retry_max_s ? c->config.retry_max_s : PAUSE_MOST_S;
	uint64_t most = PAUSE_FIRST_MS;
	uint32_t random = UINT32_MAX;

	cap *= 1000;
	for (unsigned i = 0; i < c->failures && most < cap; i++)
		most *= 2;
	if (most > cap)
		most = cap;
	c->failures++;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = UINT32_MAX;
	most = most * random / UINT32_MAX;
	return most < PAUSE_LEAST_MS ? PAUSE_LEAST_MS : most;
}

static void
on_down(void *self, const char *why)
{
	struct assay_connection *c = self;

	c->up = c->dialled = false;
	if (c->config.down)
		c->config.down(c->config.self, why);
	link_timer(c->link, pause_ms(c));
}

static struct span
on_next(void *self)
{
	struct assay_connection *c = self;
	struct assay_bytes frame = {NULL, 0};

	if (assay_attester_next(c->config.attester, &frame) != ASSAY_OK) {
		link_hang_up(c->link);
		return SPAN(NULL, 0);
	}
	return SPAN(frame.data, frame.len);
}

/* Of the pause: connect. Of a connection: it is silent. */
static void
on_timer(void *self)
{
	struct assay_connection *c = self;

	if (c->dialled)
		link_hang_up(c->link);
	else
		dial(c);
}

/* ---- the loop ---- */

static bool
watch(struct assay_connection *c, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data = {.fd = fd}};

	return epoll_ctl(c->poll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* When the loop wants to be run again, if nothing happens before. */
static void
set_timer(struct assay_connection *c)
{
	int ms = uv_backend_timeout(&c->loop);
	struct itimerspec t = {{0, 0}, {0, 0}};

	if (ms == 0)
		t.it_value.tv_nsec = 1;
	else if (ms > 0) {
		t.it_value.tv_sec = ms / 1000;
		t.it_value.tv_nsec = ms % 1000 * 1000000L;
	}
	(void)timerfd_settime(c->timer, 0, &t, NULL);
}

void
assay_connection_service(struct assay_connection *c)
{
	uint64_t n;

	(void)!read(c->timer, &n, sizeof n);
	(void)uv_run(&c->loop, UV_RUN_NOWAIT);
	set_timer(c);
}

int
assay_connection_fd(const struct assay_connection *c)
{
	return c->poll;
}

static void
close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

void
assay_connection_close(struct assay_connection *c)
{
	if (!c)
		return;
	link_close(c->link);
	for (unsigned i = 0; c->has_loop && i < CLOSE_TURNS; i++)
		if (uv_run(&c->loop, UV_RUN_NOWAIT) == 0)
			break;
	if (c->has_loop && uv_loop_close(&c->loop) == UV_EBUSY) {
		uv_walk(&c->loop, close_handle, NULL);
		(void)uv_run(&c->loop, UV_RUN_NOWAIT);
		(void)uv_loop_close(&c->loop);
	}
	if (c->timer >= 0)
		close(c->timer);
	if (c->poll >= 0)
		close(c->poll);
	free(c);
}

static enum assay_err
set_up_loop(struct assay_connection *c)
{
	c->poll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->poll < 0 || c->timer < 0 || uv_loop_init(&c->loop) != 0)
		return ASSAY_IO;
	c->has_loop = true;
	return watch(c, c->timer) && watch(c, uv_backend_fd(&c->loop)) ? ASSAY_OK : ASSAY_IO;
}

enum assay_err
assay_connection_open(const struct assay_connection_config *config, struct assay_connection **ret)
{
	struct assay_connection *c = calloc(1, sizeof *c);
	struct link_handlers h = {c,	   on_up,    on_message, on_down,
				  on_next, on_timer, NULL,	 NULL};
	struct link_config to = {.ca = config->ca, .has_pin = config->pin != NULL};
	enum assay_err e = ASSAY_OK;

	if (!c)
		return ASSAY_NO_MEMORY;
	c->config = *config;
	c->poll = c->timer = -1;
	if (config->pin)
		memcpy(to.pin, config->pin, sizeof to.pin);
	if (address_parse(config->url, &to.verifier))
		e = ASSAY_MALFORMED;
	else if (!to.has_pin && !to.ca)
		e = ASSAY_DENIED;
	else if (to.ca && access(to.ca, R_OK) != 0)
		e = ASSAY_NOT_FOUND;
	else if ((e = set_up_loop(c)) == ASSAY_OK) {
		to.loop = &c->loop;
		e = link_open(&to, &h, &c->link);
	}
	if (e != ASSAY_OK) {
		assay_connection_close(c);
		return e;
	}
	link_timer(c->link, 1); /* the first service() dials */
	set_timer(c);
	*ret = c;
	return ASSAY_OK;
}
