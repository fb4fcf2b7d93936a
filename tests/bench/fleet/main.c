/* main.c: assay-fleet; see fleet.h. One libwebsockets context on one libuv loop. */
#include "fleet.h"

#include "evidence/hex.h"
#include "evidence/tls/tls_exporter.h"
#include "tests/support/unit.h"

#include <libwebsockets.h>
#include <uv.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MESSAGE_MAX (64u << 10)
#define RAMP_MS 50
#define ENROLLING_MAX 50
#define SETTLE_MAX_S 300 /* until every device has a decision, then is admitted */

enum phase { CONNECTING, SETTLING, MEASURING, DONE };

static struct {
	struct fleet_options o;
	uint8_t pin[32];
	struct fleet_device *devices;
	struct lws_context *lws;
	uv_loop_t loop;
	uv_timer_t timer;
	enum phase phase;
	unsigned connected, decided, admitted, errors;
	double phase_start;
	struct fleet_usage before;
	bool failed;
	FILE *record;
	double reconnected;
} fleet;

double
fleet_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
lost(struct fleet_device *d, const char *what, const char *why)
{
	d->connecting = d->open = false;
	if (fleet.o.reconnect)
		return -1;
	if (fleet.errors++ < 10)
		fprintf(stderr, "fleet: device %td: %s: %s\n", d - fleet.devices, what, why);
	return -1;
}

/* ---- one device ---- */

static int
on_connected(struct fleet_device *d, struct lws *wsi)
{
	uint8_t exporter[TLS_EXPORTER_SIZE], key[32];
	enum assay_err e;

	if ((e = tls_peer_key_digest(lws_get_ssl(wsi), key)) != ASSAY_OK ||
	    (e = tls_exporter(lws_get_ssl(wsi), exporter)) != ASSAY_OK)
		return lost(d, "tls", assay_err_text(e));
	if (!span_equal(SPAN(key, 32), SPAN(fleet.pin, 32)))
		return lost(d, "tls", "not the verifier's key");
	if ((e = assay_attester_connected(d->attester, exporter, sizeof exporter)) != ASSAY_OK)
		return lost(d, "connected", assay_err_text(e));
	d->open = true;
	d->connecting = false;
	d->in_len = 0;
	lws_callback_on_writable(wsi);
	return 0;
}

static void
on_decision(struct fleet_device *d, const struct assay_decision *v)
{
	if (d->challenged > 0 && fleet.phase == MEASURING)
		fleet_stats_add(fleet_now() - d->challenged);
	d->challenged = 0;
	if (fleet.record) {
		fprintf(fleet.record, "%s %llu %d\n", d->id, (unsigned long long)v->sequence,
			(int)v->outcome);
		fflush(fleet.record);
	}
	fleet.decided += !d->decided;
	d->decided = true;
	if ((v->outcome == ASSAY_ADMIT) != d->admitted)
		fleet.admitted += d->admitted ? -1u : 1u;
	if (fleet.phase == MEASURING && v->outcome != ASSAY_ADMIT)
		lost(d, "decision", "not admitted");
	d->admitted = v->outcome == ASSAY_ADMIT;
}

static int
on_message(struct fleet_device *d, struct lws *wsi)
{
	struct assay_event ev;
	double start = fleet_now();
	enum assay_err e = assay_attester_received(d->attester, d->in, d->in_len, &ev);

	d->in_len = 0;
	if (e != ASSAY_OK)
		return lost(d, "message", assay_err_text(e));
	if (ev.kind == ASSAY_EVENT_CHALLENGE)
		d->challenged = start;
	else if (ev.kind == ASSAY_EVENT_DECISION)
		on_decision(d, &ev.decision);
	else if (ev.kind == ASSAY_EVENT_REFUSED) {
		char reason[65];

		snprintf(reason, sizeof reason, "%.*s", (int)ev.reason.len,
			 (const char *)ev.reason.data);
		return lost(d, "refused", reason);
	}
	lws_callback_on_writable(wsi);
	return 0;
}

static int
on_receive(struct fleet_device *d, struct lws *wsi, const void *in, size_t len)
{
	if (!d->in)
		d->in = malloc(MESSAGE_MAX);
	if (!d->in || len > MESSAGE_MAX - d->in_len)
		return lost(d, "message", "too large");
	memcpy(d->in + d->in_len, in, len);
	d->in_len += len;
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
		return 0;
	return on_message(d, wsi);
}

static int
on_writeable(struct fleet_device *d, struct lws *wsi)
{
	static uint8_t buf[LWS_PRE + ASSAY_PART_MIN + 4096];
	struct assay_bytes frame;
	enum assay_err e = assay_attester_next(d->attester, &frame);

	if (e != ASSAY_OK)
		return lost(d, "next", assay_err_text(e));
	if (frame.len == 0)
		return 0;
	if (frame.len > sizeof buf - LWS_PRE)
		return lost(d, "next", "too large");
	memcpy(buf + LWS_PRE, frame.data, frame.len);
	if (lws_write(wsi, buf + LWS_PRE, frame.len, LWS_WRITE_BINARY) < (int)frame.len)
		return -1;
	lws_callback_on_writable(wsi);
	return 0;
}

static int
on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct fleet_device *d = user;

	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return on_connected(d, wsi);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return on_receive(d, wsi, in, len);
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return on_writeable(d, wsi);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		lost(d, "connection", in ? in : "?");
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		if (fleet.phase != DONE)
			lost(d, "connection", "closed");
		d->open = false;
		return 0;
	case LWS_CALLBACK_WSI_DESTROY: /* of some that did not come about it is all we hear */
		if (d && d->wsi == wsi)
			d->open = d->connecting = false;
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{ASSAY_PROTOCOL, on_lws, 0, 4096, 0, NULL, 0},
	{NULL, NULL, 0, 0, 0, NULL, 0},
};

/* The key is checked against the pin before anything is said. */
static void
connect_device(struct fleet_device *d)
{
	struct lws_client_connect_info i;

	memset(&i, 0, sizeof i);
	i.context = fleet.lws;
	i.address = i.host = i.origin = fleet.o.host;
	i.port = fleet.o.port;
	i.path = "/";
	i.protocol = ASSAY_PROTOCOL;
	i.ssl_connection = LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_INSECURE |
			   LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	i.userdata = d;
	i.pwsi = &d->wsi;
	d->connecting = true;
	if (!lws_client_connect_via_info(&i))
		lost(d, "connection", "not started");
}

/* ---- phases ---- */

static void
enter(enum phase p)
{
	fleet.phase = p;
	fleet.phase_start = fleet_now();
}

static void
stop(bool failed)
{
	fleet.failed = failed;
	enter(DONE);
	uv_stop(&fleet.loop);
}

static void
say_ready(void)
{
	FILE *f = fleet.o.ready ? fopen(fleet.o.ready, "w") : NULL;

	if (f)
		fclose(f);
}

static void
begin_measuring(void)
{
	fprintf(stderr, "fleet: every device is admitted\n");
	fleet_stats_reset();
	fleet_usage(fleet.o.daemon, &fleet.before);
	enter(MEASURING);
}

static void
end_measuring(double seconds)
{
	struct fleet_usage after;

	fleet_usage(fleet.o.daemon, &after);
	fleet_stats_print(seconds, fleet.o.devices, fleet.errors);
	if (fleet.o.daemon)
		printf("fleet: daemon: %.2f cores, resident %lu MB in %u processes (%.1f KB a "
		       "device), %+ld KB since the start of the measurement\n",
		       (after.cpu_s - fleet.before.cpu_s) / seconds, after.rss_kb / 1024,
		       after.processes, (double)after.rss_kb / fleet.o.devices,
		       (long)after.rss_kb - (long)fleet.before.rss_kb);
	stop(fleet.errors != 0);
}

static void
ramp_up(void)
{
	unsigned n = fleet.o.ramp * RAMP_MS / 1000 + 1;

	/* new devices enrol and upload their logs: no more at a time than are finished */
	while (n-- && fleet.connected < fleet.o.devices &&
	       fleet.connected - fleet.decided < ENROLLING_MAX)
		connect_device(&fleet.devices[fleet.connected++]);
	if (fleet.decided < fleet.o.devices)
		return;
	say_ready();
	fprintf(stderr, "fleet: every device has a decision\n");
	enter(SETTLING);
}

static void
reconnect(void)
{
	unsigned most = fleet.o.ramp;

	if (fleet_now() - fleet.reconnected < 0.5)
		return;
	fleet.reconnected = fleet_now();
	for (unsigned i = 0; i < fleet.connected && most > 0; i++) {
		struct fleet_device *d = &fleet.devices[i];

		if (d->open || d->connecting)
			continue;
		connect_device(d);
		most--;
	}
}

static void
on_timer(uv_timer_t *t)
{
	double since = fleet_now() - fleet.phase_start;

	(void)t;
	if (fleet.o.reconnect)
		reconnect();
	if (fleet.phase == CONNECTING)
		ramp_up();
	else if (!fleet.o.stay && fleet.phase == SETTLING && fleet.admitted == fleet.o.devices)
		begin_measuring();
	else if (fleet.phase == MEASURING && since >= fleet.o.seconds)
		end_measuring(since);
	if (!fleet.o.stay && (fleet.phase == CONNECTING || fleet.phase == SETTLING) &&
	    fleet_now() - fleet.phase_start > SETTLE_MAX_S) {
		fprintf(stderr, "fleet: gave up: %u decided, %u admitted of %u, %u errors\n",
			fleet.decided, fleet.admitted, fleet.o.devices, fleet.errors);
		stop(true);
	}
}

/* libwebsockets keeps a slot for each descriptor that there may be. */
static void
limit_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	l.rlim_cur = fleet.o.devices + 64;
	if (l.rlim_max < l.rlim_cur || setrlimit(RLIMIT_NOFILE, &l) != 0)
		fprintf(stderr, "fleet: too few descriptors allowed for so many devices\n");
}

static int
run(void)
{
	struct lws_context_creation_info i;
	void *loops[1] = {&fleet.loop};

	limit_descriptors();
	memset(&i, 0, sizeof i);
	lws_set_log_level(LLL_ERR, NULL);
	i.port = CONTEXT_PORT_NO_LISTEN;
	i.protocols = protocols;
	i.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	i.foreign_loops = loops;
	if (uv_loop_init(&fleet.loop) != 0 || uv_timer_init(&fleet.loop, &fleet.timer) != 0 ||
	    !(fleet.lws = lws_create_context(&i)))
		return 4;
	enter(CONNECTING);
	uv_timer_start(&fleet.timer, on_timer, RAMP_MS, RAMP_MS);
	uv_run(&fleet.loop, UV_RUN_DEFAULT);
	return fleet.failed ? 1 : 0;
}

static int
write_eks(const char *path)
{
	FILE *f = fopen(path, "w");
	char hex[65];

	if (!f)
		return 3;
	for (unsigned n = 0; n < fleet.o.devices; n++) {
		fleet_device_digest(&fleet.devices[n], hex);
		fprintf(f, "%s\n", hex);
	}
	return fclose(f) == 0 ? 0 : 3;
}

static int
usage(void)
{
	fputs("usage: assay-fleet --log FILE --devices N (--eks FILE | --port N --pin HEX\n"
	      "       [--host H] [--seconds N] [--ramp N] [--ready FILE] [--daemon PID]\n"
	      "       [--record FILE] [--reconnect]) [--first N] [--stay] [--resets N]\n"
	      "       [--ima FILES]\n",
	      stderr);
	return 64;
}

static bool
parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{"host", 1, NULL, 'h'},	   {"port", 1, NULL, 'p'},  {"pin", 1, NULL, 'k'},
		{"log", 1, NULL, 'l'},	   {"ready", 1, NULL, 'r'}, {"eks", 1, NULL, 'e'},
		{"devices", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'}, {"ramp", 1, NULL, 'c'},
		{"daemon", 1, NULL, 'd'},  {"record", 1, NULL, 'w'},
		{"reconnect", 0, NULL, 'R'}, {"first", 1, NULL, 'f'},
		{"stay", 0, NULL, 'S'},	   {"resets", 1, NULL, 'b'}, {"ima", 1, NULL, 'i'},
		{NULL, 0, NULL, 0},
	};
	struct fleet_options *o = &fleet.o;
	size_t n;
	int c;

	*o = (struct fleet_options){.host = "127.0.0.1", .seconds = 60, .ramp = 200};
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'h': o->host = optarg; break;
		case 'p': o->port = (int)strtol(optarg, NULL, 10); break;
		case 'k': o->pin = optarg; break;
		case 'l': o->log = optarg; break;
		case 'r': o->ready = optarg; break;
		case 'e': o->eks = optarg; break;
		case 'n': o->devices = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': o->seconds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'c': o->ramp = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': o->record = optarg; break;
		case 'R': o->reconnect = true; break;
		case 'f': o->first = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'S': o->stay = true; break;
		case 'b': o->resets = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'i': o->ima = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'd': o->daemon = strtol(optarg, NULL, 10); break;
		default: return false;
		}
	}
	if (!o->log || o->devices == 0 || optind != argc)
		return false;
	return o->eks || (o->port && o->pin && hex_decode(o->pin, fleet.pin, 32, &n) == ASSAY_OK &&
			  n == 32);
}

int
main(int argc, char **argv)
{
	struct span log;

	if (!parse(argc, argv))
		return usage();
	log = unit_file(fleet.o.log);
	if (fleet.o.record && !(fleet.record = fopen(fleet.o.record, "w")))
		return 3;
	fleet.devices = calloc(fleet.o.devices, sizeof *fleet.devices);
	if (!fleet.devices)
		return 4;
	for (unsigned n = 0; n < fleet.o.devices; n++)
		fleet_device_init(&fleet.devices[n], &fleet.o, n, log);
	return fleet.o.eks ? write_eks(fleet.o.eks) : run();
}
