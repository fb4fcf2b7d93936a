/* console.c: the loop and start of the console process; see console.h. */
#include "console.h"

#include "child.h"
#include "console_conn.h"
#include "net_feed.h"
#include "log.h"
#include "random.h"

#include "verifier/appraise/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_MS 500
#define SOCKET_MODE 0600
#define SOCKET_MASK 0177

struct console console;

int64_t
console_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- keeper ---- */

static void on_ipc(uv_poll_t *p, int status, int events);

static void
watch_ipc(void)
{
	static int watched;
	int events = UV_READABLE | (ipc_wants_write(&console.ipc) ? UV_WRITABLE : 0);

	if (events != watched && uv_poll_start(&console.ipc_poll, events, on_ipc) == 0)
		watched = events;
}

static void
to_keeper(enum ipc_type t, uint64_t id, struct span payload)
{
	if (ipc_send(&console.ipc, t, id, payload) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "keeper-lost", NULL);
		exit(4);
	}
	watch_ipc();
}

void
console_to_keeper(uint64_t id, struct span payload)
{
	to_keeper(IPC_OPERATION, id, payload);
}

static void
on_message(const struct ipc_msg *m)
{
	if (m->type == IPC_REPLY) {
		conn_on_reply(m->id, m->payload);
	} else if (m->type == IPC_FEED || m->type == IPC_FEED_END || m->type == IPC_KEYS) {
		feed_on_keeper(m);
	} else if (m->type == IPC_STOP) {
		console.stopping = true;
		uv_stop(&console.loop);
	}
}

static void
on_ipc(uv_poll_t *p, int status, int events)
{
	enum assay_err e = ASSAY_OK;
	struct ipc_msg m;

	(void)p;
	if (status < 0 || ((events & UV_WRITABLE) && ipc_flush(&console.ipc) != ASSAY_OK))
		exit(4);
	while (!console.stopping && (e = ipc_recv(&console.ipc, &m)) == ASSAY_OK) {
		on_message(&m);
		ipc_release(&m);
	}
	if (e != ASSAY_OK && e != ASSAY_BUSY)
		exit(e == ASSAY_UNREACHABLE ? 0 : 4);
	watch_ipc();
}

static void
on_sweep(uv_timer_t *t)
{
	(void)t;
	conn_sweep(console_now_ms());
	feed_tell_limited();
}

/* ---- start ---- */

static const struct lws_protocols protocols[] = {
	{"http", conn_callback, 0, 0, 0, NULL, 0},
	{FEED_PROTOCOL, feed_callback, FEED_CONNECTION_SIZE, 1024, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

static enum assay_err
make_context(void)
{
	struct lws_context_creation_info i;
	void *loops[1] = {&console.loop};

	memset(&i, 0, sizeof i);
	lws_set_log_level(LLL_ERR, NULL);
	i.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
		    LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	i.foreign_loops = loops;
	i.fd_limit_per_thread = CONSOLE_SLOTS + 64;
	i.max_http_header_data = CONSOLE_HEADERS_MAX;
	i.max_http_header_pool = CONSOLE_SLOTS;
	i.pt_serv_buf_size = 16384;
	i.timeout_secs = CONSOLE_REQUEST_MS / 1000;
	console.lws = lws_create_context(&i);
	return console.lws ? ASSAY_OK : ASSAY_IO;
}

static void
common(struct lws_context_creation_info *i, const char *name)
{
	memset(i, 0, sizeof *i);
	i->protocols = protocols;
	i->vhost_name = name;
	i->timeout_secs = CONSOLE_REQUEST_MS / 1000;
	i->timeout_secs_ah_idle = CONSOLE_REQUEST_MS / 1000;
	i->keepalive_timeout = CONSOLE_IDLE_MS / 1000;
	i->alpn = "http/1.1";
}

/* Its folder, for nobody else: the socket is the administrator's. */
static enum assay_err
make_folder(const char *path)
{
	char folder[CONFIG_PATH_MAX];
	char *slash;

	text_format(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return ASSAY_OK;
	*slash = '\0';
	return mkdir(folder, 0700) == 0 || errno == EEXIST ? ASSAY_OK : ASSAY_IO;
}

static enum assay_err
listen_local(void)
{
	struct lws_context_creation_info i;
	const char *path = console.setup.socket;
	struct stat s;
	mode_t before;
	enum assay_err e;

	if (lstat(path, &s) == 0 && !S_ISSOCK(s.st_mode))
		return ASSAY_EXISTS;
	if ((e = make_folder(path)) != ASSAY_OK)
		return e;
	common(&i, "local");
	i.options = LWS_SERVER_OPTION_UNIX_SOCK;
	i.iface = path;
	before = umask(SOCKET_MASK);
	console.local = lws_create_vhost(console.lws, &i);
	umask(before);
	if (!console.local || chmod(path, SOCKET_MODE) != 0 || lstat(path, &s) != 0 ||
	    !S_ISSOCK(s.st_mode) || (s.st_mode & 07777) != SOCKET_MODE)
		return ASSAY_IO;
	return ASSAY_OK;
}

static enum assay_err
listen_remote(void)
{
	struct lws_context_creation_info i;
	char host[CONFIG_TEXT_MAX];
	uint16_t port;
	enum assay_err e;

	if (!console.setup.listen[0])
		return ASSAY_OK;
	e = config_split_address(console.setup.listen, host, sizeof host, &port);
	if (e != ASSAY_OK)
		return e;
	if (console.setup.certificate.n == 0 || console.setup.key.n == 0)
		return ASSAY_MISSING; /* never without TLS */
	common(&i, "operators");
	/* a certificate is asked for, and nobody needs one */
	i.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		    LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
		    LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
		    LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED |
		    /* else an IPv4 address is not heeded, and all are listened at */
		    (strchr(host, ':') ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6);
	i.port = port;
	/* of [::] newer libraries take IPv6 alone, of no address all of both */
	i.iface = strcmp(host, "::") != 0 ? host : NULL;
	i.server_ssl_cert_mem = console.setup.certificate.p;
	i.server_ssl_cert_mem_len = (unsigned)console.setup.certificate.n;
	i.server_ssl_private_key_mem = console.setup.key.p;
	i.server_ssl_private_key_mem_len = (unsigned)console.setup.key.n;
	i.ssl_options_set = (long)(SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION |
				   SSL_OP_NO_COMPRESSION);
	console.remote = lws_create_vhost(console.lws, &i);
	return console.remote && console.asks_certificates ? ASSAY_OK : ASSAY_IO;
}

static enum assay_err
make_loop(void)
{
	struct source_limits l = {CONSOLE_REMOTE_MAX, CONSOLE_PER_SOURCE_MAX,
				  CONSOLE_HALF_OPEN_MAX};
	uint64_t salt;
	enum assay_err e;

	if ((e = random_bytes(&salt, sizeof salt)) != ASSAY_OK ||
	    (e = source_init(&console.sources, l, salt)) != ASSAY_OK ||
	    (e = bucket_init(&console.failures, console.setup.failures_per_minute,
			     CONSOLE_FAILING_MAX, salt)) != ASSAY_OK)
		return e;
	if (uv_loop_init(&console.loop) != 0 ||
	    uv_poll_init(&console.loop, &console.ipc_poll, console.ipc.fd) != 0 ||
	    uv_timer_init(&console.loop, &console.sweep) != 0 ||
	    uv_timer_start(&console.sweep, on_sweep, SWEEP_MS, SWEEP_MS) != 0)
		return ASSAY_IO;
	watch_ipc();
	return ASSAY_OK;
}

static enum assay_err
setup(void)
{
	struct child_start start = {0};
	uint8_t port[2];
	struct writer w;
	enum assay_err e;

	if ((e = child_start(ROLE_CONSOLE, &start)) != ASSAY_OK ||
	    (e = console_config_decode(start.role_config, &console.setup)) != ASSAY_OK)
		return e;
	console.ipc = start.ipc;
	feed_env = (struct feed_env){to_keeper, conn_feed_peer, conn_feed_established,
				     &console.failures, &console.limited};
	if ((e = make_loop()) != ASSAY_OK || (e = make_context()) != ASSAY_OK ||
	    (e = listen_local()) != ASSAY_OK || (e = listen_remote()) != ASSAY_OK)
		return e;
	/* From here on strangers could make it talk, and its own way of doing so asks
	 * for a terminal, which the jail does not know. */
	lws_set_log_level(0, NULL);
	ipc_release(&start.config); /* the key is OpenSSL's now */
	console.setup.certificate = console.setup.key = SPAN(NULL, 0);
	wr_init(&w, port, sizeof port);
	wr_be16(&w, console.remote ? (uint16_t)lws_get_vhost_listen_port(console.remote) : 0);
	start.ipc = console.ipc;
	e = child_ready(&start, ROLE_CONSOLE, wr_span(&w));
	console.ipc = start.ipc;
	if (e == ASSAY_OK && console.remote)
		log_event(LOG_LEVEL_INFO, "listening", "address", console.setup.listen, "port",
			  log_u64((uint64_t)lws_get_vhost_listen_port(console.remote)), NULL);
	return e;
}

int
console_main(void)
{
	enum assay_err e = setup();

	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "start-failed", "socket", console.setup.socket, "listen",
			  console.setup.listen, "error", assay_err_name(e), NULL);
		return 4;
	}
	uv_run(&console.loop, UV_RUN_DEFAULT);
	return 0;
}
