/*
 * outbound_http.c: a webhook: POST requests, one after the other, by libwebsockets on a
 * libuv loop; see outbound.h.
 *
 * Names are resolved before the jail. A redirect is an answer like any other, what a
 * receiver says beyond its status and Retry-After is counted and thrown away, and one that
 * is slower than the time-out is cut off. What fails ends the process.
 */
#include "outbound.h"

#include "child.h"
#include "log.h"

#include "evidence/tls/tls_exporter.h"
#include "verifier/appraise/text.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libwebsockets.h>
#include <uv.h>

#define ADDRESSES_MAX 8
#define ANSWER_MAX (64u << 10) /* bytes of a body that are waited for */
#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define AGENT "assay-verifier/" ASSAY_VERSION

struct item {
	uint64_t id;
	char signature[OUTBOUND_HEAD_MAX + 1], event[OUTBOUND_HEAD_MAX + 1];
	char hook[OUTBOUND_HEAD_MAX + 1];
	uint32_t attempt;
	size_t len;
	uint8_t body[LWS_PRE + OUTBOUND_BODY_MAX];
};

static struct outbound {
	struct outbound_setup setup;
	struct ipc ipc;
	uv_loop_t loop;
	uv_poll_t ipc_poll;
	uv_timer_t deadline, soon;
	struct lws_context *lws;
	char host[CONFIG_TEXT_MAX + 16]; /* of the header */
	char address[ADDRESSES_MAX][INET6_ADDRSTRLEN];
	unsigned naddresses, at;
	char why[OUTBOUND_ERROR_MAX + 1];
	struct item queue[OUTBOUND_WINDOW];
	unsigned first, n;
	/* the request under way */
	bool busy;
	struct lws *wsi; /* NULL: not connected */
	unsigned status;
	uint32_t retry_after;
	size_t answered; /* bytes of its body */
	bool ended;	 /* the process does */
} ob;

static struct item *
current(void)
{
	return &ob.queue[ob.first];
}

/* ---- to keeper ---- */

static void
finish_when_said(void)
{
	if (!ipc_wants_write(&ob.ipc))
		exit(0);
	uv_poll_start(&ob.ipc_poll, UV_READABLE | UV_WRITABLE, ob.ipc_poll.poll_cb);
}

static void
tell(const struct outbound_result *r)
{
	uint8_t buf[256];
	struct writer w;

	wr_init(&w, buf, sizeof buf);
	if (outbound_result_encode(r, &w) != ASSAY_OK ||
	    ipc_send(&ob.ipc, IPC_OUTBOUND_RESULT, current()->id, wr_span(&w)) != ASSAY_OK)
		exit(4);
}

static void on_soon(uv_timer_t *t);

/* libwebsockets is in the middle of something where requests end: another one begins when
 * it has returned. */
static void
go_on(void)
{
	uv_timer_start(&ob.soon, on_soon, 0, 0);
}

/* The request is over; its connection may still be closing. */
static void
end_request(void)
{
	struct outbound_result r = {.status = (uint16_t)ob.status, .retry_after = ob.retry_after};

	uv_timer_stop(&ob.deadline);
	ob.wsi = NULL;
	ob.busy = false;
	r.delivered = ob.status >= 200 && ob.status < 300;
	if (ob.status && !r.delivered)
		text_format(r.error, sizeof r.error, "HTTP %u", ob.status);
	else if (!r.delivered)
		text_escape(SPAN(ob.why, strlen(ob.why)), r.error, sizeof r.error);
	if (!r.delivered && !r.error[0])
		text_format(r.error, sizeof r.error, "failed");
	tell(&r);
	if (!r.delivered) {
		ob.ended = true;
		finish_when_said();
		return;
	}
	ob.first = (ob.first + 1) % OUTBOUND_WINDOW;
	ob.n--;
	go_on();
}

static void
give_up(const char *why)
{
	if (ob.status == 0 && !ob.why[0])
		text_format(ob.why, sizeof ob.why, "%s", why);
	end_request();
}

static void
on_deadline(uv_timer_t *t)
{
	(void)t;
	give_up("timed out");
}

/* ---- one request ---- */

static bool
dial(void)
{
	struct lws_client_connect_info i = {0};

	i.context = ob.lws;
	i.address = ob.address[ob.at];
	i.port = ob.setup.port;
	i.path = ob.setup.path;
	i.host = ob.host;
	i.method = "POST";
	i.protocol = "hook";
	i.local_protocol_name = "hook";
	i.alpn = "http/1.1";
	i.pwsi = &ob.wsi;
	i.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	if (ob.setup.tls)
		i.ssl_connection |= LCCSCF_USE_SSL;
	if (ob.setup.has_pin) /* the key is pinned: a name adds nothing */
		i.ssl_connection |= LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	return lws_client_connect_via_info(&i) != NULL;
}

/* The next request, or the one under way at its next address. */
static void
on_soon(uv_timer_t *t)
{
	(void)t;
	if (ob.ended || ob.n == 0 || ob.wsi)
		return;
	if (!ob.busy) {
		ob.busy = true;
		ob.status = 0;
		ob.retry_after = 0;
		ob.answered = 0;
		ob.at = 0;
		uv_timer_start(&ob.deadline, on_deadline, ob.setup.timeout_ms, 0);
	}
	if (ob.naddresses == 0)
		give_up("host not found");
	else if (!dial() && !ob.ended && !uv_is_active((uv_handle_t *)&ob.soon))
		give_up("not reachable");
}

static int
add_header(struct lws *wsi, const char *name, const char *value, uint8_t **p, uint8_t *end)
{
	return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
					   (int)strlen(value), p, end);
}

static int
on_headers(struct lws *wsi, uint8_t **p, size_t room)
{
	const struct item *m = current();
	uint8_t *end = *p + room;
	char length[16], attempt[16];

	snprintf(length, sizeof length, "%zu", m->len);
	snprintf(attempt, sizeof attempt, "%u", m->attempt);
	if (add_header(wsi, "content-type:", "application/json", p, end) ||
	    add_header(wsi, "content-length:", length, p, end) ||
	    add_header(wsi, "user-agent:", AGENT, p, end) ||
	    add_header(wsi, "assay-webhook:", m->hook, p, end) ||
	    add_header(wsi, "assay-event:", m->event, p, end) ||
	    add_header(wsi, "assay-attempt:", attempt, p, end) ||
	    add_header(wsi, "assay-signature:", m->signature, p, end))
		return -1;
	lws_client_http_body_pending(wsi, 1);
	lws_callback_on_writable(wsi);
	return 0;
}

static int
on_writable(struct lws *wsi)
{
	struct item *m = current();

	lws_client_http_body_pending(wsi, 0);
	return lws_write(wsi, m->body + LWS_PRE, m->len, LWS_WRITE_HTTP_FINAL) < (int)m->len ? -1
											      : 0;
}

static int
on_answer(struct lws *wsi)
{
	char value[64] = "";

	ob.status = lws_http_client_http_response(wsi);
	if (lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_HTTP_RETRY_AFTER) > 0)
		ob.retry_after = outbound_retry_after(value, (int64_t)time(NULL));
	if (ob.status != 204 && ob.status != 304)
		return 0;
	end_request(); /* nothing follows, and libwebsockets would wait for it */
	return -1;
}

/* Read and forgotten, as far as it is short. */
static int
on_body(struct lws *wsi)
{
	char buf[LWS_PRE + 4096], *p = buf + LWS_PRE;
	int n = 4096;

	return lws_http_client_read(wsi, &p, &n) < 0 || ob.answered > ANSWER_MAX ? -1 : 0;
}

static void
on_error(const char *why)
{
	if (ob.status == 0 && ++ob.at < ob.naddresses) {
		ob.wsi = NULL;
		go_on();
		return;
	}
	give_up(why ? why : "not reachable");
}

static int
on_certificate(void *store)
{
	const char *fault;

	if (ob.setup.has_pin && !tls_pin_holds(store, ob.setup.pin, ob.setup.ca[0] == '\0')) {
		text_format(ob.why, sizeof ob.why, "its key is not the one that is pinned");
		return -1;
	}
	fault = tls_chain_fault(store);
	if (fault)
		text_format(ob.why, sizeof ob.why, "certificate: %s", fault);
	return fault ? -1 : 0;
}

/* Of connections whose request is over there is nothing more to hear. */
static bool
is_old(const struct lws *wsi)
{
	return ob.ended || !ob.wsi || wsi != ob.wsi;
}

static int
on_hook(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION)
		return on_certificate(user);
	if (is_old(wsi))
		return 0;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return on_headers(wsi, in, len);
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
		return on_writable(wsi);
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		return on_answer(wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
		return on_body(wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		ob.answered += len;
		return 0;
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
		end_request();
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_error(in);
		return 0;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		give_up("closed without an answer");
		return 0;
	default:
		return 0;
	}
}

/* ---- from keeper ---- */

static void
keep_text(char ret[OUTBOUND_HEAD_MAX + 1], struct span s)
{
	if (s.n)
		memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
}

static bool
enqueue(const struct ipc_msg *in)
{
	struct item *q = &ob.queue[(ob.first + ob.n) % OUTBOUND_WINDOW];
	struct outbound_message m;

	if (ob.n == OUTBOUND_WINDOW || outbound_message_decode(in->payload, &m) != ASSAY_OK)
		return false;
	q->id = in->id;
	q->attempt = m.attempt;
	keep_text(q->signature, m.signature);
	keep_text(q->event, m.event);
	keep_text(q->hook, m.hook);
	q->len = m.body.n;
	if (m.body.n)
		memcpy(q->body + LWS_PRE, m.body.p, m.body.n);
	ob.n++;
	return true;
}

static void
on_ipc(uv_poll_t *p, int status, int events)
{
	struct ipc_msg m;
	enum assay_err e = ASSAY_OK;

	(void)p;
	if (status < 0 || ((events & UV_WRITABLE) && ipc_flush(&ob.ipc) != ASSAY_OK))
		exit(4);
	while ((e = ipc_recv(&ob.ipc, &m)) == ASSAY_OK) {
		bool good = m.type == IPC_OUTBOUND_SEND && enqueue(&m);

		if (!good)
			exit(m.type == IPC_STOP ? 0 : 4);
		ipc_release(&m);
	}
	if (e != ASSAY_BUSY)
		exit(e == ASSAY_UNREACHABLE ? 0 : 4);
	if (ob.ended)
		finish_when_said();
	else
		go_on();
}

/* ---- start ---- */

static void
resolve(void)
{
	struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	int e = getaddrinfo(ob.setup.host, NULL, &want, &list);

	if (e != 0) {
		text_format(ob.why, sizeof ob.why, "%s: %s", ob.setup.host, gai_strerror(e));
		return;
	}
	for (const struct addrinfo *a = list; a && ob.naddresses < ADDRESSES_MAX; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, ob.address[ob.naddresses],
				INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) == 0)
			ob.naddresses++;
	freeaddrinfo(list);
}

static void
name_host(void)
{
	const struct outbound_setup *s = &ob.setup;
	bool v6 = strchr(s->host, ':') != NULL;

	text_format(ob.host, sizeof ob.host, "%s%s%s", v6 ? "[" : "", s->host, v6 ? "]" : "");
	if (s->port != (s->tls ? 443 : 80)) {
		size_t n = strlen(ob.host);

		text_format(ob.host + n, sizeof ob.host - n, ":%u", s->port);
	}
}

static enum assay_err
make_context(void)
{
	static const struct lws_protocols protocols[] = {
		{"hook", on_hook, 0, 4096, 0, NULL, 0},
		{NULL, NULL, 0, 0, 0, NULL, 0},
	};
	struct lws_context_creation_info i = {0};
	void *loops[1] = {&ob.loop};

	lws_set_log_level(LLL_ERR, NULL);
	i.port = CONTEXT_PORT_NO_LISTEN;
	i.protocols = protocols;
	i.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		    LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	i.foreign_loops = loops;
	i.fd_limit_per_thread = 32;
	i.timeout_secs = (ob.setup.timeout_ms + 999) / 1000 + 1;
	if (ob.setup.tls && (ob.setup.ca[0] || !ob.setup.has_pin))
		i.client_ssl_ca_filepath = ob.setup.ca[0] ? ob.setup.ca : SYSTEM_CA;
	ob.lws = lws_create_context(&i);
	/* Its messages ask for a terminal: the jail kills. */
	lws_set_log_level(0, NULL);
	return ob.lws ? ASSAY_OK : ASSAY_IO;
}

static enum assay_err
setup(void)
{
	resolve();
	name_host();
	if (uv_loop_init(&ob.loop) != 0 || uv_timer_init(&ob.loop, &ob.deadline) != 0 ||
	    uv_timer_init(&ob.loop, &ob.soon) != 0 ||
	    uv_poll_init(&ob.loop, &ob.ipc_poll, ob.ipc.fd) != 0 ||
	    uv_poll_start(&ob.ipc_poll, UV_READABLE, on_ipc) != 0)
		return ASSAY_IO;
	return make_context();
}

int
outbound_http(struct child_start *start, const struct outbound_setup *s)
{
	enum assay_err e;

	ob.setup = *s;
	ob.ipc = start->ipc;
	if ((e = setup()) == ASSAY_OK) {
		start->ipc = ob.ipc;
		e = child_ready(start, ROLE_OUTBOUND, SPAN(NULL, 0));
		ob.ipc = start->ipc;
	}
	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "start-failed", "host", s->host, "error",
			  assay_err_name(e), NULL);
		return 4;
	}
	uv_run(&ob.loop, UV_RUN_DEFAULT);
	return 0;
}
