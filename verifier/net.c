/*
 * net.c: the loop and the connections; see net.h. What may be said when is
 * session.c's. libwebsockets runs on a libuv loop of ours.
 */
#include "net_private.h"

#include "log.h"
#include "net_feed.h"

#include "evidence/imalog.h"
#include "evidence/tls/tls_exporter.h"
#include "verifier/appraise/text.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct net net;

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
watch_ipc(void)
{
	int events = UV_READABLE | (ipc_wants_write(&net.ipc) ? UV_WRITABLE : 0);
	static int watched;

	if (events != watched && uv_poll_start(&net.ipc_poll, events, net.ipc_poll.poll_cb) == 0)
		watched = events;
}

/* Keeper is gone or slow beyond measure: nothing this process says counts any more. */
static void
to_keeper(enum ipc_type t, uint64_t id, struct span payload)
{
	if (ipc_send(&net.ipc, t, id, payload) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "keeper-lost", "message", ipc_type_name(t), NULL);
		exit(4);
	}
	watch_ipc();
}

/* ---- sources ---- */

static bool
peer_key(int fd, uint8_t key[SOURCE_KEY], char text[INET6_ADDRSTRLEN])
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	memset(key, 0, SOURCE_KEY);
	text[0] = '\0';
	if (getpeername(fd, (struct sockaddr *)&a, &n) != 0)
		return false;
	if (a.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&a;

		key[10] = key[11] = 0xFF;
		memcpy(key + 12, &in->sin_addr, 4);
		return inet_ntop(AF_INET, &in->sin_addr, text, INET6_ADDRSTRLEN) != NULL;
	}
	if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		memcpy(key, &in6->sin6_addr, mapped ? 16 : 8);
		if (mapped)
			return inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], text,
					 INET6_ADDRSTRLEN) != NULL;
		return inet_ntop(AF_INET6, &in6->sin6_addr, text, INET6_ADDRSTRLEN) != NULL;
	}
	return false;
}

static int
on_accept(struct lws *wsi)
{
	struct counted *c = calloc(1, sizeof *c);
	char text[INET6_ADDRSTRLEN];
	uint8_t key[SOURCE_KEY];

	if (!c)
		return -1;
	if (!peer_key(lws_get_socket_fd(wsi), key, text) ||
	    source_open(&net.sources, key, &c->source) != ASSAY_OK) {
		log_event(LOG_LEVEL_WARN, "refused", "source", text, "reason", "limit", NULL);
		free(c);
		return -1;
	}
	lws_set_opaque_user_data(wsi, c);
	return 0;
}

static void
on_destroy(struct lws *wsi)
{
	struct counted *c = lws_get_opaque_user_data(wsi);

	if (!c)
		return;
	source_close(&net.sources, c->source, c->established);
	lws_set_opaque_user_data(wsi, NULL);
	free(c);
}

/* ---- connections ---- */

static struct conn *
find_conn(uint64_t id)
{
	uint64_t slot = id & ((1u << NET_SESSION_SLOT_BITS) - 1);
	struct conn *c = slot < net.nslots ? net.slots[slot] : NULL;

	return c && c->session.id == id ? c : NULL;
}

/* Generations make an id unique for the life of the process. */
static uint64_t
new_id(uint32_t slot)
{
	uint64_t generation = ++net.generation & ((1ull << 36) - 1);

	return (uint64_t)net.setup.index << 56 | generation << NET_SESSION_SLOT_BITS | slot;
}

static bool
take_slot(struct conn *c)
{
	for (uint32_t i = 0; i < net.nslots; i++) {
		uint32_t slot = (net.next_slot + i) % net.nslots;

		if (net.slots[slot])
			continue;
		net.slots[slot] = c;
		net.next_slot = slot + 1;
		c->slot = slot;
		session_init(&c->session, new_id(slot), now_ms());
		return true;
	}
	return false;
}

static enum assay_err
announce(struct conn *c)
{
	uint8_t channel[NET_CHANNEL_SIZE], buf[128], key[SOURCE_KEY];
	char text[INET6_ADDRSTRLEN];
	struct writer w;
	enum assay_err e;

	if ((e = tls_exporter(lws_get_ssl(c->wsi), channel)) != ASSAY_OK)
		return e;
	(void)peer_key(lws_get_socket_fd(c->wsi), key, text);
	wr_init(&w, buf, sizeof buf);
	wr_u8(&w, net.setup.channel_binding);
	if (net.setup.channel_binding)
		wr_bytes(&w, SPAN(channel, sizeof channel));
	wr_be16_bytes(&w, SPAN(text, strlen(text)));
	to_keeper(IPC_NET_OPEN, c->session.id, wr_span(&w));
	return ASSAY_OK;
}

static int
on_established(struct lws *wsi, struct conn *c)
{
	struct counted *count = lws_get_opaque_user_data(wsi);
	enum assay_err e;

	if (!count)
		return -1;
	count->established = true;
	source_established(&net.sources, count->source);
	c->wsi = wsi;
	if (net.stopping || !take_slot(c))
		return -1;
	if ((e = announce(c)) != ASSAY_OK) {
		log_event(LOG_LEVEL_WARN, "refused", "reason", "channel", "error",
			  assay_err_name(e), NULL);
		return -1;
	}
	return 0;
}

static void
drop_input(struct conn *c)
{
	free(c->in);
	c->in = NULL;
	c->in_len = c->in_cap = 0;
}

static void
on_closed(struct conn *c)
{
	if (c->session.id == 0)
		return;
	if (net.slots[c->slot] == c) {
		to_keeper(IPC_NET_CLOSED, c->session.id, SPAN(NULL, 0));
		net.slots[c->slot] = NULL;
	}
	while (c->head) {
		struct frame *f = c->head;

		c->head = f->next;
		free(f);
	}
	drop_input(c);
	session_free(&c->session);
}

/* Fragments grow the buffer only as bytes arrive and never beyond what the state
 * permits. Small frames in one piece are not copied. */
static enum assay_err
collect(struct conn *c, struct span piece)
{
	size_t limit = session_frame_limit(&c->session);
	uint8_t *p;

	if (limit == 0)
		return ASSAY_STATE;
	if (piece.n > limit - c->in_len)
		return ASSAY_TOO_LARGE;
	if (piece.n > c->in_cap - c->in_len) {
		size_t cap = 2 * (c->in_len + piece.n);

		p = realloc(c->in, cap);
		if (!p)
			return ASSAY_NO_MEMORY;
		c->in = p;
		c->in_cap = cap;
	}
	if (piece.n)
		memcpy(c->in + c->in_len, piece.p, piece.n);
	c->in_len += piece.n;
	return ASSAY_OK;
}

static enum assay_err
net_on_frame(struct conn *c, struct span frame)
{
	enum assay_err e;

	net.env.now_ms = now_ms();
	e = session_on_frame(&c->session, &net.env, frame);
	watch_ipc();
	return e;
}

/* What still comes after a refusal, at most as much as an upload may have. */
static enum assay_err
let_go(struct conn *c, struct span piece)
{
	drop_input(c);
	if (piece.n > IMALOG_MAX - c->let_go)
		return ASSAY_TOO_LARGE;
	c->let_go += (uint32_t)piece.n;
	return ASSAY_OK;
}

/* One fragment of a message from a device. */
static enum assay_err
net_on_receive(struct conn *c, struct span piece)
{
	bool whole = lws_is_final_fragment(c->wsi) && lws_remaining_packet_payload(c->wsi) == 0;
	enum assay_err e;

	if (!lws_frame_is_binary(c->wsi))
		return ASSAY_BAD_TYPE;
	if (c->closing)
		return ASSAY_OK;
	if (c->session.state == SESSION_REFUSED)
		return let_go(c, piece);
	if (whole && c->in_len == 0)
		return net_on_frame(c, piece);
	if ((e = collect(c, piece)) != ASSAY_OK || !whole)
		return e;
	e = net_on_frame(c, SPAN(c->in, c->in_len));
	drop_input(c);
	return e;
}

static int
on_receive(struct conn *c, void *in, size_t len)
{
	enum assay_err e = net_on_receive(c, SPAN(in, len));

	if (e == ASSAY_OK)
		return 0;
	log_event(LOG_LEVEL_WARN, "closed", "session", log_u64(c->session.id), "error",
		  assay_err_name(e), NULL);
	return -1;
}

static int
on_writeable(struct conn *c)
{
	struct frame *f = c->head;
	bool last;

	if (!f)
		return c->closing ? -1 : 0;
	if (lws_write(c->wsi, f->bytes + LWS_PRE, f->len, LWS_WRITE_BINARY) < (int)f->len)
		return -1;
	c->head = f->next;
	if (!c->head)
		c->tail = NULL;
	c->queued--;
	last = f->close_after;
	free(f);
	if (last)
		return -1;
	if (c->head || c->closing)
		lws_callback_on_writable(c->wsi);
	return 0;
}

static enum assay_err
queue_frame(struct conn *c, struct span frame)
{
	struct frame *f;

	if (c->queued >= SEND_QUEUE_MAX)
		return ASSAY_FULL;
	f = malloc(sizeof *f + LWS_PRE + frame.n);
	if (!f)
		return ASSAY_NO_MEMORY;
	f->next = NULL;
	f->len = frame.n;
	f->close_after = frame_type(frame) == MSG_REFUSED && c->session.state != SESSION_REFUSED;
	memcpy(f->bytes + LWS_PRE, frame.p, frame.n);
	if (c->tail)
		c->tail->next = f;
	else
		c->head = f;
	c->tail = f;
	c->queued++;
	lws_callback_on_writable(c->wsi);
	return ASSAY_OK;
}

static void
close_conn(struct conn *c)
{
	c->closing = true;
	lws_callback_on_writable(c->wsi);
}

/* ---- keeper ---- */

static void
on_send(const struct ipc_msg *m)
{
	struct conn *c = find_conn(m->id);
	enum assay_err e;

	if (!c || c->closing)
		return; /* it has gone meanwhile */
	net.env.now_ms = now_ms();
	if ((e = session_on_decision(&c->session, &net.env, m->payload)) != ASSAY_OK ||
	    (e = queue_frame(c, m->payload)) != ASSAY_OK) {
		log_event(LOG_LEVEL_WARN, "not-sent", "session", log_u64(m->id), "error",
			  assay_err_name(e), NULL);
		close_conn(c);
	}
}

static void
on_keeper_message(const struct ipc_msg *m)
{
	struct conn *c;

	switch (m->type) {
	case IPC_NET_SEND:
		on_send(m);
		break;
	case IPC_NET_CLOSE:
		if ((c = find_conn(m->id)) != NULL)
			close_conn(c);
		break;
	case IPC_FEED:
	case IPC_FEED_END:
	case IPC_KEYS:
		feed_on_keeper(m);
		break;
	case IPC_STOP:
		net.stopping = true;
		uv_stop(&net.loop);
		break;
	default:
		break;
	}
}

void
net_on_ipc(uv_poll_t *p, int status, int events)
{
	struct ipc_msg m;
	enum assay_err e = ASSAY_OK;

	(void)p;
	if (status < 0 || ((events & UV_WRITABLE) && ipc_flush(&net.ipc) != ASSAY_OK))
		exit(4);
	while (!net.stopping && (e = ipc_recv(&net.ipc, &m)) == ASSAY_OK) {
		on_keeper_message(&m);
		ipc_release(&m);
	}
	if (e != ASSAY_OK && e != ASSAY_BUSY)
		exit(e == ASSAY_UNREACHABLE ? 0 : 4);
	watch_ipc();
}

void
net_on_sweep(uv_timer_t *t)
{
	int64_t now = now_ms();

	(void)t;
	for (uint32_t i = 0; i < net.nslots; i++) {
		struct conn *c = net.slots[i];

		if (c && !c->closing && session_expired(&c->session, now))
			close_conn(c);
	}
	feed_tell_limited();
	net_listen_again();
}

/* ---- libwebsockets ---- */

static int
on_device(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct conn *c = user;

	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		return on_established(wsi, c);
	case LWS_CALLBACK_RECEIVE:
		return c->session.id ? on_receive(c, in, len) : -1;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return c->session.id ? on_writeable(c) : -1;
	case LWS_CALLBACK_CLOSED:
		on_closed(c);
		return 0;
	default:
		return 0;
	}
}

/* ---- relying parties ---- */

static bool
feed_peer(struct lws *wsi, struct operation *op, uint8_t ret_source[BUCKET_KEY])
{
	char text[INET6_ADDRSTRLEN];

	op->local = false;
	if (net.stopping || !peer_key(lws_get_socket_fd(wsi), ret_source, text))
		return false;
	text_format(op->peer, sizeof op->peer, "%s", text);
	return true;
}

static void
feed_established(struct lws *wsi)
{
	struct counted *count = lws_get_opaque_user_data(wsi);

	if (!count)
		return;
	count->established = true;
	source_established(&net.sources, count->source);
}

void
net_feed_start(void)
{
	feed_env = (struct feed_env){to_keeper, feed_peer, feed_established, &net.failures,
				     &net.limited};
}

/* The one document that there is without WebSocket. */
static int
on_http(struct lws *wsi, struct span path)
{
	uint8_t buf[LWS_PRE + 512], *start = buf + LWS_PRE, *p = start, *end = buf + sizeof buf - 1;

	if (span_equal(path, SPAN(FEED_PATH, strlen(FEED_PATH))))
		return feed_refuse(wsi, ASSAY_MALFORMED,
				   "WebSocket only, with the sub-protocol " FEED_PROTOCOL);
	if (!span_equal(path, SPAN(FEED_KEYS_PATH, strlen(FEED_KEYS_PATH))))
		return feed_refuse(wsi, ASSAY_NOT_FOUND, "there is no such thing at this port");
	if (feed_keys().n == 0)
		return feed_refuse(wsi, ASSAY_BUSY, "the key set is not there yet");
	if (lws_add_http_common_headers(wsi, 200, "application/jwk-set+json", feed_keys().n, &p,
					end) ||
	    lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	lws_callback_on_writable(wsi);
	return 0;
}

static int
on_http_writeable(struct lws *wsi)
{
	struct span doc = feed_keys();
	uint8_t *out = malloc(LWS_PRE + doc.n + 1);
	int sent;

	if (!out || doc.n == 0) {
		free(out);
		return -1;
	}
	memcpy(out + LWS_PRE, doc.p, doc.n);
	sent = lws_write(wsi, out + LWS_PRE, doc.n, LWS_WRITE_HTTP_FINAL);
	free(out);
	return sent < (int)doc.n || lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Everything that is not our sub-protocol over WebSocket ends here. */
static int
on_other(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)user;
	switch (reason) {
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		return on_accept(wsi);
	case LWS_CALLBACK_WSI_DESTROY:
		on_destroy(wsi);
		return 0;
	case LWS_CALLBACK_HTTP:
		return on_http(wsi, SPAN(in, len));
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return on_http_writeable(wsi);
	case LWS_CALLBACK_HTTP_BODY: /* of a request sent ahead, libwebsockets 4.1 hands it on */
	case LWS_CALLBACK_HTTP_BODY_COMPLETION: /* without end */
	case LWS_CALLBACK_ESTABLISHED:
	case LWS_CALLBACK_RECEIVE:
		return -1;
	default:
		return 0;
	}
}

const struct lws_protocols net_protocols[] = {
	{"http", on_other, 0, 0, 0, NULL, 0},
	{"assay.v1", on_device, sizeof(struct conn), 4096, 0, NULL, 0},
	{FEED_PROTOCOL, feed_callback, FEED_CONNECTION_SIZE, 1024, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};
