/* feed.c: see feed.h. */
#include "feed.h"

#include "evidence/tls/tls_exporter.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libwebsockets.h>

#define PROTOCOL "assay.decisions.v1"
#define WHY_MAX 160
#define TICK_MS 1000
#define HEADER_MAX 600

struct feed {
	struct gate_config config;
	struct feed_handlers h;
	const char *token;
	struct lws_context *context;
	struct lws *wsi, *watched;
	lws_sorted_usec_list_t tick;
	bool dialled, up;
	char why[WHY_MAX];
	size_t n;
	uint8_t in[STREAM_MESSAGE_MAX];
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
keep_why(struct feed *l, const char *why)
{
	if (l->why[0] == '\0')
		(void)snprintf(l->why, sizeof l->why, "%s", why);
}

static void
finish(struct feed *l, const char *why)
{
	keep_why(l, why ? why : "closed");
	l->wsi = NULL;
	l->up = false;
	l->n = 0;
	if (!l->dialled)
		return;
	l->dialled = false;
	l->h.down(l->h.self, l->why);
}

/* Within the handshake: nonzero refuses the verifier's certificate. */
static int
on_certificate(struct feed *l, void *store)
{
	const char *fault;

	if (l->config.has_pin && !tls_pin_holds(store, l->config.pin, !l->config.ca[0])) {
		keep_why(l, "the verifier's TLS key is not the pinned one");
		return -1;
	}
	fault = tls_chain_fault(store);
	if (!fault)
		return 0;
	keep_why(l, fault);
	return -1;
}

static int
on_header(struct feed *l, unsigned char **p, unsigned char *end)
{
	char line[HEADER_MAX];
	int n = snprintf(line, sizeof line, "Bearer %s", l->token);

	if (n < 0 || (size_t)n >= sizeof line)
		return -1;
	n = lws_add_http_header_by_name(l->wsi, (const unsigned char *)"authorization:",
					(const unsigned char *)line, n, p, end);
	explicit_bzero(line, sizeof line);
	return n;
}

static int
on_receive(struct feed *l, const void *p, size_t n)
{
	if (lws_frame_is_binary(l->wsi) || n > sizeof l->in - l->n) {
		keep_why(l, "the verifier does not speak the stream's protocol");
		return -1;
	}
	memcpy(l->in + l->n, p, n);
	l->n += n;
	if (!lws_is_final_fragment(l->wsi) || lws_remaining_packet_payload(l->wsi) > 0)
		return 0;
	n = l->n;
	l->n = 0;
	if (l->h.message(l->h.self, SPAN(l->in, n)))
		return 0;
	keep_why(l, "what came does not verify");
	return -1;
}

static void
on_changed(struct feed *l, struct lws *wsi)
{
	uint8_t buf[8192];

	while (read(lws_get_socket_fd(wsi), buf, sizeof buf) > 0)
		;
	l->h.changed(l->h.self);
}

static int
callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct lws_context *context = wsi ? lws_get_context(wsi) : NULL;
	struct feed *l = context ? lws_context_user(context) : NULL;

	if (!l)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
		return on_certificate(l, user);
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return on_header(l, (unsigned char **)in, *(unsigned char **)in + len);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		l->up = true;
		l->h.up(l->h.self);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return on_receive(l, in, len);
	case LWS_CALLBACK_RAW_RX_FILE:
		on_changed(l, wsi);
		break;
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
	{.name = PROTOCOL, .callback = callback, .rx_buffer_size = 16384},
	{.name = NULL},
};

static void
on_tick(lws_sorted_usec_list_t *sul)
{
	struct feed *l = lws_container_of(sul, struct feed, tick);

	lws_sul_schedule(l->context, 0, &l->tick, on_tick, TICK_MS * LWS_US_PER_MS);
	l->h.tick(l->h.self);
}

static void
silent(int level, const char *line)
{
	(void)level, (void)line;
}

struct feed *
feed_open(const struct gate_config *c, const char *token, const struct feed_handlers *h)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct lws_context_creation_info info = {0};
	struct feed *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->config = *c;
	l->h = *h;
	l->token = token;
	lws_set_log_level(0, silent);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	info.user = l;
	info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		       LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	info.client_ssl_ca_filepath = c->ca[0] ? c->ca : NULL;
	info.fd_limit_per_thread = 16;
	l->context = lws_create_context(&info);
	if (!l->context) {
		free(l);
		return NULL;
	}
	signal_context = l->context;
	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
	lws_sul_schedule(l->context, 0, &l->tick, on_tick, 1);
	return l;
}

void
feed_close(struct feed *l)
{
	if (!l)
		return;
	l->dialled = false;
	lws_sul_cancel(&l->tick);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	lws_context_destroy(l->context);
	free(l);
}

void
feed_dial(struct feed *l, const char *path)
{
	struct lws_client_connect_info i = {0};

	l->why[0] = '\0';
	l->dialled = true;
	i.context = l->context;
	i.address = l->config.server;
	i.port = l->config.port;
	i.path = path;
	i.host = i.address;
	i.origin = i.address;
	i.protocol = PROTOCOL;
	i.alpn = "http/1.1";
	i.ssl_connection = LCCSCF_USE_SSL | LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	if (!l->config.ca[0]) /* the key is pinned: a name adds nothing */
		i.ssl_connection |= LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	i.pwsi = &l->wsi;
	if (!lws_client_connect_via_info(&i))
		finish(l, "not reachable");
}

void
feed_hang_up(struct feed *l)
{
	if (l->wsi)
		lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void
feed_watch(struct feed *l, int fd)
{
	lws_sock_file_fd_type d = {.filefd = fd};
	struct lws_vhost *v = lws_get_vhost_by_name(l->context, "default");

	l->watched = v ? lws_adopt_descriptor_vhost(v, LWS_ADOPT_RAW_FILE_DESC, d, PROTOCOL, NULL)
		       : NULL;
}

void
feed_run(struct feed *l)
{
	while (!signalled && lws_service(l->context, 0) >= 0)
		;
}
