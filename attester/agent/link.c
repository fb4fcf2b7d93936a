/* link.c: see link.h. */
#include "link.h"

#include "evidence/tls/tls_exporter.h"
#include "report.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

#define CHUNK 16384 /* bytes of a message given to libwebsockets at once */
#define WHY_MAX 160
#define PING_S 60 /* after so much silence; hang up when nothing answers */
#define PING_LIMIT_S 90
/* An address that does not answer, TLS, the upgrade: each may take so long on a slow link, or
 * while a verifier that was started anew has all its devices at the door; and all of a
 * host's addresses together. */
#define STEP_S 15
#define CONNECT_S 45

struct link {
	struct link_config config;
	struct link_handlers h;
	struct lws_context *context;
	struct lws *wsi, *watched;
	lws_sorted_usec_list_t timer, down;
	bool dialled; /* down() is owed */
	bool is_up, ended;
	char why[WHY_MAX];

	struct span out; /* the message being sent */
	size_t sent;
	size_t in_len;
	uint8_t in[LINK_MESSAGE_MAX];
	uint8_t chunk[LWS_PRE + CHUNK];
};

static volatile sig_atomic_t signalled;
static struct lws_context *signal_context;

static void
on_signal(int sig)
{
	(void)sig;
	signalled = 1;
	lws_cancel_service(signal_context);
}

static void
tell_down(lws_sorted_usec_list_t *sul)
{
	struct link *l = lws_container_of(sul, struct link, down);

	if (!l->dialled)
		return;
	l->dialled = false;
	l->h.down(l->h.self, l->why);
}

/* The connection is over; the first reason given is the one. */
static void
finish(struct link *l, const char *why)
{
	if (l->why[0] == '\0')
		(void)snprintf(l->why, sizeof l->why, "%s", why ? why : "closed");
	l->wsi = NULL;
	l->is_up = false;
	l->out = SPAN(NULL, 0);
	l->sent = 0; /* the connection may have ended within a message */
	l->in_len = 0;
	lws_sul_schedule(l->context, 0, &l->down, tell_down, 1);
}

static int
give_up(struct link *l, const char *why)
{
	if (l->why[0] == '\0')
		(void)snprintf(l->why, sizeof l->why, "%s", why);
	return -1;
}

/* The verifier's certificate, within the handshake: nonzero refuses it. */
static int
on_certificate(struct link *l, void *store)
{
	const char *fault;

	if (l->config.has_pin && !tls_pin_holds(store, l->config.pin, l->config.ca == NULL))
		return give_up(l, "the verifier's key is not the one that the token names");
	fault = tls_chain_fault(store);
	if (!fault)
		return 0;
	if (l->why[0] == '\0')
		(void)snprintf(l->why, sizeof l->why, "the verifier's certificate: %s", fault);
	return -1;
}

static int
on_established(struct link *l)
{
	void *ssl = lws_get_ssl(l->wsi);
	uint8_t exporter[TLS_EXPORTER_SIZE], key[32];
	enum assay_err e = tls_exporter(ssl, exporter);

	if (e != ASSAY_OK)
		return give_up(l, "the connection is neither TLS 1.3 nor TLS 1.2 with extended "
				  "master secret");
	if (tls_peer_key_digest(ssl, key) != ASSAY_OK ||
	    (l->config.has_pin &&
	     !span_equal(SPAN(key, sizeof key), SPAN(l->config.pin, sizeof l->config.pin))))
		return give_up(l, "the verifier's key is not the one that the token names");
	l->is_up = true;
	l->h.up(l->h.self, exporter);
	explicit_bzero(exporter, sizeof exporter);
	lws_callback_on_writable(l->wsi);
	return 0;
}

static int
on_receive(struct link *l, const void *p, size_t n)
{
	if (!lws_frame_is_binary(l->wsi))
		return give_up(l, "the verifier sent text");
	if (n > sizeof l->in - l->in_len)
		return give_up(l, "the verifier sent a message that is too long");
	memcpy(l->in + l->in_len, p, n);
	l->in_len += n;
	if (!lws_is_final_fragment(l->wsi) || lws_remaining_packet_payload(l->wsi) > 0)
		return 0;
	n = l->in_len;
	l->in_len = 0;
	l->h.message(l->h.self, SPAN(l->in, n));
	if (l->wsi)
		lws_callback_on_writable(l->wsi);
	return 0;
}

/* A piece of the message at hand. Nothing is taken in until all of it is out, since
 * its bytes are the attester's, which an answer would overwrite. */
static int
on_writable(struct link *l)
{
	size_t n;
	int flags;

	if (!l->is_up)
		return 0;
	if (l->sent == l->out.n) {
		l->out = l->h.next(l->h.self);
		l->sent = 0;
		lws_rx_flow_control(l->wsi, l->out.n == 0);
		if (l->out.n == 0)
			return 0;
	}
	n = l->out.n - l->sent < CHUNK ? l->out.n - l->sent : CHUNK;
	memcpy(l->chunk + LWS_PRE, l->out.p + l->sent, n);
	flags = lws_write_ws_flags(LWS_WRITE_BINARY, l->sent == 0, l->sent + n == l->out.n);
	if (lws_write(l->wsi, l->chunk + LWS_PRE, n, (enum lws_write_protocol)flags) < (int)n)
		return give_up(l, "sending failed");
	l->sent += n;
	lws_callback_on_writable(l->wsi);
	return 0;
}

static int
callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct lws_context *context = wsi ? lws_get_context(wsi) : NULL;
	struct link *l = context ? lws_context_user(context) : NULL;

	if (!l)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
		return on_certificate(l, user);
	case LWS_CALLBACK_RAW_RX_FILE:
		if (l->h.readable)
			l->h.readable(l->h.self);
		break;
	case LWS_CALLBACK_RAW_CLOSE_FILE:
		if (wsi == l->watched)
			l->watched = NULL;
		break;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return on_established(l);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return on_receive(l, in, len);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return on_writable(l);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		finish(l, in ? in : "not reachable");
		break;
	case LWS_CALLBACK_CLIENT_CLOSED:
		finish(l, "closed by the verifier");
		break;
	default:
		break;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{.name = ASSAY_PROTOCOL, .callback = callback, .rx_buffer_size = 4096},
	{.name = NULL},
};

static void
emit(int level, const char *line)
{
	(void)level;
	report(REPORT_DEBUG, "libwebsockets", "text", line, NULL);
}

static void
watch_signals(struct link *l)
{
	struct sigaction sa = {.sa_handler = on_signal};

	signal_context = l->context;
	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
}

enum assay_err
link_open(const struct link_config *c, const struct link_handlers *h, struct link **ret)
{
	struct lws_context_creation_info info = {0};
	void *loops[1] = {c->loop};
	struct link *l;

	if (!c->ca && !c->has_pin)
		return ASSAY_DENIED;
	l = calloc(1, sizeof *l);
	if (!l)
		return ASSAY_NO_MEMORY;
	l->config = *c;
	l->h = *h;
	lws_set_log_level(LLL_ERR | LLL_WARN, emit);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	info.user = l;
	info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		       LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	info.client_ssl_ca_filepath = c->ca;
	info.fd_limit_per_thread = 16;
	info.timeout_secs = STEP_S;
	info.connect_timeout_secs = CONNECT_S;
	if (c->loop) {
		info.options |= LWS_SERVER_OPTION_LIBUV;
		info.foreign_loops = loops;
	}
	l->context = lws_create_context(&info);
	if (!l->context) {
		free(l);
		return ASSAY_INTERNAL;
	}
	if (!c->loop)
		watch_signals(l);
	*ret = l;
	return ASSAY_OK;
}

void
link_close(struct link *l)
{
	if (!l)
		return;
	l->dialled = false;
	lws_sul_cancel(&l->timer);
	lws_sul_cancel(&l->down);
	if (!l->config.loop) {
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGINT, SIG_DFL);
		signal_context = NULL;
	}
	lws_context_destroy(l->context);
	free(l);
}

void
link_dial(struct link *l)
{
	static const lws_retry_bo_t idle = {.secs_since_valid_ping = PING_S,
					    .secs_since_valid_hangup = PING_LIMIT_S};
	struct lws_client_connect_info i = {0};

	l->why[0] = '\0';
	l->dialled = true;
	i.context = l->context;
	i.address = l->config.verifier.host;
	i.port = l->config.verifier.port;
	i.path = l->config.verifier.path;
	i.host = i.address;
	i.origin = i.address;
	i.protocol = ASSAY_PROTOCOL;
	i.alpn = "http/1.1";
	i.retry_and_idle_policy = &idle;
	i.ssl_connection = LCCSCF_USE_SSL | LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	if (!l->config.ca) /* the key is pinned: a name adds nothing */
		i.ssl_connection |= LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	i.pwsi = &l->wsi;
	if (!lws_client_connect_via_info(&i))
		finish(l, "not reachable");
}

int
link_socket(const struct link *l)
{
	return l->wsi && l->is_up ? (int)lws_get_socket_fd(l->wsi) : -1;
}

void
link_send(struct link *l)
{
	if (l->wsi && l->is_up)
		lws_callback_on_writable(l->wsi);
}

void
link_hang_up(struct link *l)
{
	if (l->wsi)
		lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void
on_timer(lws_sorted_usec_list_t *sul)
{
	struct link *l = lws_container_of(sul, struct link, timer);

	l->h.timer(l->h.self);
}

void
link_timer(struct link *l, uint64_t ms)
{
	lws_sul_schedule(l->context, 0, &l->timer, on_timer,
			 ms == 0 ? (lws_usec_t)LWS_SET_TIMER_USEC_CANCEL
				 : (lws_usec_t)ms * LWS_US_PER_MS);
}

/* libwebsockets closes what it is given, so it gets a copy. */
enum assay_err
link_watch(struct link *l, int fd)
{
	lws_sock_file_fd_type f = {.filefd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1};

	if (l->watched)
		lws_set_timeout(l->watched, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	l->watched = NULL;
	if (fd < 0)
		return ASSAY_OK;
	if (f.filefd < 0)
		return ASSAY_IO;
	l->watched = lws_adopt_descriptor_vhost(lws_get_vhost_by_name(l->context, "default"),
						LWS_ADOPT_RAW_FILE_DESC, f, ASSAY_PROTOCOL, NULL);
	return l->watched ? ASSAY_OK : ASSAY_IO;
}

void
link_run(struct link *l)
{
	while (!l->ended) {
		if (lws_service(l->context, 0) < 0)
			break;
		if (signalled) {
			signalled = 0;
			l->h.stop(l->h.self);
		}
	}
}

void
link_end(struct link *l)
{
	l->ended = true;
	lws_cancel_service(l->context);
}
