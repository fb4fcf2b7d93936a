/*
 * net_start.c: setting the net process up: its memory, its loop, its TLS listener,
 * and then its jail; see net.h.
 */
#include "net_private.h"

#include "child.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#define DESCRIPTORS_OWN 64

/* "1.2.3.4:7443", "[::]:7443", ":7443" */
static bool
split_listen(const char *listen, char *host, size_t cap, int *port)
{
	const char *colon = strrchr(listen, ':');
	const char *start = listen;
	size_t n;
	char *end;
	long v;

	if (!colon)
		return false;
	n = (size_t)(colon - listen);
	if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']') {
		start++;
		n -= 2;
	}
	v = strtol(colon + 1, &end, 10);
	if (n >= cap || *end != '\0' || v < 0 || v > 65535)
		return false;
	memcpy(host, start, n);
	host[n] = '\0';
	*port = (int)v;
	return true;
}

/* One for each connection and some of its own; no more, because libwebsockets keeps a
 * slot for each that there may be. (Its own limit makes it search for every event.) */
static void
limit_descriptors(void)
{
	rlim_t wanted = net.setup.connections_max + DESCRIPTORS_OWN;
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	l.rlim_cur = l.rlim_max < wanted ? l.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur < wanted)
		log_event(LOG_LEVEL_WARN, "few-descriptors", "wanted", log_u64(wanted), "allowed",
			  log_u64(l.rlim_cur), NULL);
}

static enum assay_err
make_context(char *host, int port, uint16_t *ret_port)
{
	struct lws_context_creation_info i;
	void *loops[1] = {&net.loop};

	limit_descriptors();
	memset(&i, 0, sizeof i);
	lws_set_log_level(LLL_ERR, NULL);
	i.port = net.setup.share ? CONTEXT_PORT_NO_LISTEN_SERVER : port;
	/* of [::] newer libraries take IPv6 alone, of no address all of both */
	i.iface = host[0] && strcmp(host, "::") != 0 && !net.setup.share ? host : NULL;
	i.protocols = net_protocols;
	i.vhost_name = "devices";
	i.alpn = "http/1.1"; /* no other is spoken here */
	i.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		    LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
		    LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
		    /* else an IPv4 address is not heeded, and all are listened at */
		    (strchr(host, ':') ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6);
	i.foreign_loops = loops;
	i.server_ssl_cert_mem = net.setup.certificate.p;
	i.server_ssl_cert_mem_len = (unsigned)net.setup.certificate.n;
	i.server_ssl_private_key_mem = net.setup.key.p;
	i.server_ssl_private_key_mem_len = (unsigned)net.setup.key.n;
	i.ssl_options_set = (long)(SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION |
				   SSL_OP_NO_COMPRESSION);
	i.timeout_secs = 15;
	i.ka_time = 60;
	i.ka_probes = 3;
	i.ka_interval = 10;
	net.lws = lws_create_context(&i);
	if (!net.lws)
		return ASSAY_IO;
	net.vhost = lws_get_vhost_by_name(net.lws, "devices");
	if (!net.vhost)
		return ASSAY_IO;
	if (net.setup.share)
		return net_listen(host, (uint16_t)port, &i, ret_port);
	*ret_port = (uint16_t)lws_get_vhost_listen_port(net.vhost);
	return ASSAY_OK;
}

static enum assay_err
allocate(void)
{
	struct source_limits l = {net.setup.connections_max, net.setup.connections_per_source,
				  net.setup.half_open_per_source};
	uint8_t *scratch = malloc(MSG_ARENA_MAX);
	enum assay_err e;
	uint64_t salt;

	net.nslots = net.setup.connections_max;
	if (net.nslots == 0 || net.nslots >= 1u << NET_SESSION_SLOT_BITS)
		return ASSAY_MALFORMED;
	net.slots = calloc(net.nslots, sizeof *net.slots);
	if (!scratch || !net.slots || getrandom(&salt, sizeof salt, 0) != sizeof salt)
		return ASSAY_NO_MEMORY;
	arena_init(&net.arena, scratch, MSG_ARENA_MAX);
	net.env.keeper = &net.ipc;
	net.env.arena = &net.arena;
	net.env.ima.most = (size_t)net.setup.ima_memory << 20;
	e = source_init(&net.sources, l, salt);
	return e != ASSAY_OK ? e
			     : bucket_init(&net.failures, net.setup.failures_per_minute,
					   NET_FAILING_MAX, salt);
}

static enum assay_err
setup_loop(void)
{
	if (uv_loop_init(&net.loop) != 0 ||
	    uv_poll_init(&net.loop, &net.ipc_poll, net.ipc.fd) != 0 ||
	    uv_timer_init(&net.loop, &net.sweep) != 0 ||
	    uv_timer_start(&net.sweep, net_on_sweep, SWEEP_MS, SWEEP_MS) != 0 ||
	    uv_poll_start(&net.ipc_poll, UV_READABLE, net_on_ipc) != 0)
		return ASSAY_IO;
	return ASSAY_OK;
}

static enum assay_err
setup(void)
{
	struct child_start start = {0};
	char host[CONFIG_TEXT_MAX];
	uint8_t port_bytes[2];
	uint16_t taken = 0;
	struct writer w;
	enum assay_err e;
	int port;

	if ((e = child_start(ROLE_NET, &start)) != ASSAY_OK ||
	    (e = net_setup_decode(start.role_config, &net.setup)) != ASSAY_OK)
		return e;
	net.ipc = start.ipc;
	net_feed_start();
	if (!split_listen(net.setup.listen, host, sizeof host, &port))
		return ASSAY_MALFORMED;
	if ((e = allocate()) != ASSAY_OK || (e = setup_loop()) != ASSAY_OK ||
	    (e = make_context(host, port, &taken)) != ASSAY_OK)
		return e;
	/* Its messages, which strangers can cause, ask for a terminal: the jail kills. */
	lws_set_log_level(0, NULL);
	ipc_release(&start.config); /* key and certificate are OpenSSL's now */
	wr_init(&w, port_bytes, sizeof port_bytes);
	wr_be16(&w, taken);
	start.ipc = net.ipc;
	e = child_ready(&start, ROLE_NET, wr_span(&w));
	net.ipc = start.ipc;
	return e;
}

int
net_main(void)
{
	enum assay_err e = setup();

	if (e != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "start-failed", "listen", net.setup.listen, "error",
			  assay_err_name(e), NULL);
		return 4;
	}
	uv_run(&net.loop, UV_RUN_DEFAULT);
	return 0;
}
