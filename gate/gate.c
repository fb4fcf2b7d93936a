/* gate.c: see gate.h. */
#include "gate.h"

#include "clock.h"
#include "devices.h"
#include "feed.h"
#include "report.h"
#include "rules.h"
#include "table.h"

#include "evidence/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define TOKEN_MAX 256
#define PATH_MAX_TEXT 1024
#define RETRY_MAX_S 10
#define CHECK_EVERY_S 2	 /* whether the kernel still has what was put */
#define RENEW_EVERY_S 5	 /* while the verifier is silent and the gate holds */

struct gate {
	struct gate_config config;
	bool dry_run;
	struct feed *feed;
	char token[TOKEN_MAX];
	/* the stream */
	struct stream stream;
	struct stream_event event;
	struct gate_devices known, coming; /* coming: of a snapshot, until it is confirmed */
	bool snapshot, current, believed;  /* believed: this connection was confirmed */
	int64_t beat_at;		   /* last confirmed heartbeat ever; 0: none */
	uint64_t highest;		   /* confirmed, kept in a file */
	unsigned failures;
	struct clock clock; /* of all times but the next, which are of boot_ms() */
	int64_t retry_at, heard_at;  /* 0: is not to be dialled; is not connected */
	/* the kernel */
	struct table table;
	struct rules_elements want;
	bool stale; /* want is to be computed anew */
	int64_t checked_at, renewed_at;
	bool missing[GATE_INTERFACES_MAX]; /* interfaces, as told last */
};

/* ---- time ---- */

static int64_t
clock_ms(clockid_t which)
{
	struct timespec t = {0};

	(void)clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Never set, and never 0. */
static int64_t
boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME) + 1;
}

static int64_t
time_now(const struct gate *g)
{
	return clock_now(&g->clock, boot_ms());
}

/* ---- telling ---- */

static void
tell_status(struct gate *g, int64_t now)
{
	struct text t = {.p = NULL};

	if (!g->config.status[0])
		return;
	text_put(&t, "{\"at\":%lld,\"verifier\":\"%s\",\"last_heartbeat\":%lld,\"number\":%llu,"
		     "\"kernel\":\"%s\",\"drifts\":%llu,\"devices\":[",
		 (long long)now, g->believed ? "heard" : "silent", (long long)g->beat_at,
		 (unsigned long long)g->highest, g->dry_run ? "dry run" : table_state(&g->table),
		 (unsigned long long)g->table.drifts);
	for (size_t i = 0; i < g->known.n; i++) {
		const struct gate_device *d = &g->known.list[i];
		const struct gate_time when = {now, g->believed ? 0 : g->beat_at,
					       g->config.fail == GATE_FAIL_OPEN};
		int64_t until;
		enum record_outcome o = devices_outcome(d, &when, &until);

		text_put(&t, "%s{\"device\":\"%s\",\"tier\":\"%s\",\"decision\":\"%s\","
			     "\"until\":%lld,\"number\":%llu,\"state\":\"%s\"}",
			 i ? "," : "", d->id, record_tier_name(d->tier), record_outcome_name(o),
			 (long long)until,
			 (unsigned long long)d->seq,
			 g->stale ? "requested" : table_state(&g->table));
	}
	text_put(&t, "]}\n");
	if (!t.failed && !gate_write(g->config.status, t.p))
		gate_say("status", "file=%s error=%s", g->config.status, strerror(errno));
	text_free(&t);
}

/* ---- the kernel ---- */

static void
compute(struct gate *g, int64_t now)
{
	const struct gate_time t = {now, g->believed ? 0 : g->beat_at,
				    g->config.fail == GATE_FAIL_OPEN};

	rules_elements(&g->config, &g->known, &t, &g->want);
	g->stale = false;
}

/* The sets as they should be. */
static void
apply(struct gate *g, int64_t now)
{
	compute(g, now);
	if (!table_put(&g->table, &g->want, now))
		g->stale = true;
}

static void
check(struct gate *g, int64_t now)
{
	g->checked_at = boot_ms();
	if (table_check(&g->table, now))
		return;
	compute(g, now);
	if (!table_repair(&g->table, &g->want, now))
		g->stale = true;
}

/* What was found at the start and nobody confirmed in time: out. */
static void
end_adopted(struct gate *g, int64_t now)
{
	gate_say("unconfirmed", "seconds=%d elements=%zu", TABLE_ADOPTED_S, g->table.put.n);
	apply(g, now);
}

/* ---- the stream ---- */

static void
swap_in(struct gate *g)
{
	struct gate_devices old = g->known;

	g->known = g->coming;
	g->coming = old;
	devices_free(&g->coming);
}

static void
keep_highest(struct gate *g, uint64_t n)
{
	char text[32];

	if (n <= g->highest)
		return;
	g->highest = n;
	snprintf(text, sizeof text, "%llu\n", (unsigned long long)n);
	if (!g->dry_run && !gate_write(g->config.state, text))
		gate_say("state", "file=%s error=\"%s\"", g->config.state, strerror(errno));
}

/* Everything so far is what keeper sent: what came with the snapshot now counts. */
static void
on_heartbeat(struct gate *g)
{
	if (!g->current)
		return;
	if (clock_hear(&g->clock, g->event.heartbeat.at, clock_ms(CLOCK_REALTIME), boot_ms()))
		g->table.anew = true;
	g->beat_at = time_now(g);
	if (g->snapshot) {
		g->snapshot = false;
		swap_in(g);
	}
	if (!g->believed)
		gate_say("heard", "number=%llu devices=%zu", (unsigned long long)g->stream.last,
		    g->known.n);
	g->believed = true;
	g->failures = 0;
	g->stale = true;
	keep_highest(g, g->stream.confirmed);
}

/* An older verifier than the one known (its ledger was put back) opens nothing. */
static bool
on_snapshot(struct gate *g)
{
	if (g->event.head < g->highest) {
		gate_say("rollback",
			 "known=%llu verifier=%llu text=\"the verifier knows less than this "
			 "gate: its ledger was put back; see docs/gate.md\"",
			 (unsigned long long)g->highest, (unsigned long long)g->event.head);
		return false;
	}
	devices_free(&g->coming);
	g->snapshot = true;
	g->current = false;
	return true;
}

static bool
on_record(struct gate *g, bool gone)
{
	struct gate_devices *to = g->snapshot ? &g->coming : &g->known;
	enum assay_err e = ASSAY_OK;

	if (gone)
		devices_forget(to, g->event.record.device);
	else
		e = devices_put(to, &g->event.record);
	if (e != ASSAY_OK)
		gate_say("record", "error=\"%s\"", assay_err_text(e));
	g->stale = g->stale || !g->snapshot;
	return e == ASSAY_OK;
}

/* A heartbeat of another time: one of the clocks is wrong, and somebody must hear of it. */
static void
tell_refused(const struct gate *g, enum assay_err e, int64_t wall)
{
	int64_t at = g->event.heartbeat.at;

	if (at != 0 && (e == ASSAY_NOT_YET || e == ASSAY_EXPIRED))
		gate_say("clock", "ahead_s=%lld text=\"the verifier's clock and this gate's "
				  "differ by more than %d s: nothing opens until they agree\"",
			 (long long)(wall - at), STREAM_SKEW_S);
	else
		gate_say("refused", "error=\"%s\"", assay_err_text(e));
}

static bool
on_message(void *self, struct span m)
{
	struct gate *g = self;
	int64_t wall = time(NULL);
	enum assay_err e = stream_on_message(&g->stream, m, wall, &g->event);

	g->heard_at = boot_ms();
	if (e != ASSAY_OK) {
		tell_refused(g, e, wall);
		return false;
	}
	switch (g->event.type) {
	case STREAM_SNAPSHOT:
		return on_snapshot(g);
	case STREAM_DECISION:
	case STREAM_GONE:
		if (!on_record(g, g->event.type == STREAM_GONE))
			return false;
		break;
	case STREAM_CURRENT:
		g->current = true;
		break;
	case STREAM_EXTENSION:
		devices_extend(g->snapshot ? &g->coming : &g->known, &g->event.extension);
		g->stale = true;
		break;
	case STREAM_HEARTBEAT:
		on_heartbeat(g);
		break;
	case STREAM_END:
		gate_say("ended", "reason=%s", g->event.reason);
		return false;
	default:
		break;
	}
	if (g->believed && g->stale)
		apply(g, time_now(g));
	return true;
}

static void
put_filter(char *path, size_t cap, const char *name, const char *value)
{
	size_t n = strlen(path);

	if (!*value)
		return;
	n += (size_t)snprintf(path + n, cap - n, "&%s=", name);
	for (; *value && n + 4 < cap; value++) {
		bool is_plain = strchr("-_.", *value) || (*value >= '0' && *value <= '9') ||
				((*value | 0x20) >= 'a' && (*value | 0x20) <= 'z');

		n += (size_t)snprintf(path + n, cap - n, is_plain ? "%c" : "%%%02X",
				      (unsigned char)*value);
	}
}

static bool
make_nonce(char ret[RECORD_NONCE_MAX + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[24];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return false;
	for (size_t i = 0; i < sizeof random; i++) {
		ret[2 * i] = digits[random[i] >> 4];
		ret[2 * i + 1] = digits[random[i] & 15];
	}
	ret[2 * sizeof random] = '\0';
	return true;
}

/* Always a snapshot: what is in the kernel lives on meanwhile, by its own time. */
static void
dial(struct gate *g)
{
	char nonce[RECORD_NONCE_MAX + 1], path[PATH_MAX_TEXT];
	const struct stream_options o = {
		.root = g->config.root,
		.nonce = nonce,
		.class_name = g->config.class_name[0] ? g->config.class_name : NULL,
		.labels = g->config.labels[0] ? g->config.labels : NULL,
	};

	g->snapshot = g->current = g->believed = false;
	g->retry_at = 0;
	if (!make_nonce(nonce) || stream_init(&g->stream, &o) != ASSAY_OK) {
		g->retry_at = boot_ms() + 1000;
		return;
	}
	snprintf(path, sizeof path, "/v1/decisions?nonce=%s", nonce);
	put_filter(path, sizeof path, "class", g->config.class_name);
	put_filter(path, sizeof path, "labels", g->config.labels);
	feed_dial(g->feed, path);
}

static void
on_up(void *self)
{
	struct gate *g = self;

	g->heard_at = boot_ms();
	gate_say("connected", "text=\"waiting for a confirmed snapshot\"");
}

static void
on_down(void *self, const char *why)
{
	struct gate *g = self;
	unsigned wait = g->failures < 4 ? 1u << g->failures : RETRY_MAX_S;

	gate_say("disconnected", "why=\"%s\" retry_s=%u", why, wait);
	g->believed = false;
	g->failures++;
	g->heard_at = 0;
	g->retry_at = boot_ms() + 1000 * (int64_t)wait;
}

/* ---- ticks ---- */

/* Nothing confirmed, or nothing at all on a connection that may be half open. */
static bool
is_silent(const struct gate *g, int64_t boot)
{
	return (g->believed && time_now(g) - g->beat_at > STREAM_SILENCE_S) ||
	       (g->heard_at != 0 && boot - g->heard_at > STREAM_SILENCE_S * 1000);
}

static void
hang_up(struct gate *g)
{
	gate_say("silent", "seconds=%d", STREAM_SILENCE_S);
	g->believed = false;
	g->heard_at = 0;
	feed_hang_up(g->feed);
}

/* What a wrong name would leave open, and nothing else would tell. */
static void
check_interfaces(struct gate *g)
{
	for (unsigned i = 0; i < g->config.ninterfaces; i++) {
		bool missing = if_nametoindex(g->config.interfaces[i]) == 0;

		if (missing != g->missing[i])
			gate_say("interface", "name=%s there=%s", g->config.interfaces[i],
				 missing ? "no" : "yes");
		g->missing[i] = missing;
	}
}

static void
on_tick(void *self)
{
	struct gate *g = self;
	int64_t boot = boot_ms(), now = time_now(g);

	if (g->retry_at != 0 && boot >= g->retry_at)
		dial(g);
	if (is_silent(g, boot))
		hang_up(g);
	if (!g->believed && g->config.fail == GATE_FAIL_OPEN && g->beat_at != 0 &&
	    boot - g->renewed_at >= RENEW_EVERY_S * 1000) {
		g->renewed_at = boot;
		apply(g, now);
	}
	if (table_adopted_too_long(&g->table))
		end_adopted(g, now);
	if (table_has_ended(&g->table, now))
		apply(g, now);
	if (g->checked_at == 0 || boot - g->checked_at >= CHECK_EVERY_S * 1000) {
		check(g, now);
		check_interfaces(g);
		tell_status(g, now);
	}
}

static void
on_changed(void *self)
{
	struct gate *g = self;

	g->checked_at = 0; /* at the next tick, when its own changes are done */
}

/* ---- starting ---- */

static int
fail(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("assay-gate: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

static const char not_permitted[] =
	"nftables cannot be changed; is this root, with CAP_NET_ADMIN?";

static int
read_line(const char *path, char *ret, size_t cap)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return fail(GATE_NO_ACCESS, "%s: %s", path, strerror(errno));
	if (!fgets(ret, (int)cap, f))
		ret[0] = '\0';
	fclose(f);
	ret[strcspn(ret, "\r\n")] = '\0';
	return GATE_YES;
}

static int
load_highest(struct gate *g)
{
	char text[32] = "";
	char *end;

	if (access(g->config.state, F_OK) != 0)
		return GATE_YES; /* the first start */
	if (read_line(g->config.state, text, sizeof text) != GATE_YES)
		return GATE_NO_ACCESS;
	g->highest = strtoull(text, &end, 10);
	if (!*text || *end)
		return fail(GATE_BAD_INPUT, "%s: is not the number that was kept there; if it is "
			    "lost, remove the file", g->config.state);
	return GATE_YES;
}

static int
start(struct gate *g)
{
	const struct feed_handlers h = {g, on_up, on_message, on_down, on_tick, on_changed};
	int status = read_line(g->config.token_file, g->token, sizeof g->token), fd;

	if (status != GATE_YES || (status = load_highest(g)) != GATE_YES)
		return status;
	if (!g->token[0])
		return fail(GATE_BAD_INPUT, "%s: holds no token", g->config.token_file);
	clock_start(&g->clock, clock_ms(CLOCK_REALTIME), boot_ms());
	if (!table_start(&g->table, time_now(g)))
		return fail(GATE_NO_ACCESS, not_permitted);
	g->feed = feed_open(&g->config, g->token, &h);
	if (!g->feed)
		return fail(GATE_FAULT, "libwebsockets does not start");
	fd = g->dry_run ? -1 : nft_watch();
	if (fd >= 0)
		feed_watch(g->feed, fd);
	gate_say("start", "server=%s:%u interfaces=%u fail=%s", g->config.server, g->config.port,
	    g->config.ninterfaces, g->config.fail == GATE_FAIL_OPEN ? "open" : "closed");
	g->retry_at = 1;
	return GATE_YES;
}

int
gate_run(const struct gate_config *c, bool dry_run)
{
	struct gate *g = calloc(1, sizeof *g);
	int status;

	if (!g)
		return fail(GATE_FAULT, "memory is exhausted");
	g->config = *c;
	g->dry_run = dry_run;
	if (!table_open(&g->table, &g->config, dry_run))
		status = fail(GATE_NO_ACCESS, not_permitted);
	else if ((status = start(g)) == GATE_YES) {
		feed_run(g->feed);
		/* elements stay: the kernel ends each at the end of its decision */
		gate_say("stop", "elements=%zu", g->table.put.n);
	}
	feed_close(g->feed);
	table_free(&g->table);
	devices_free(&g->known);
	devices_free(&g->coming);
	rules_elements_free(&g->want);
	explicit_bzero(g->token, sizeof g->token);
	free(g);
	return status;
}

int
gate_close_all(const struct gate_config *c)
{
	struct table t;
	int status = GATE_YES;

	if (!table_open(&t, c, false) || !table_close(&t))
		status = fail(GATE_NO_ACCESS, not_permitted);
	table_free(&t);
	return status;
}

int
gate_shut(const char *path)
{
	bool kept = false;

	if (!table_shut(&kept))
		return fail(GATE_NO_ACCESS, not_permitted);
	if (kept)
		fprintf(stderr, "assay-gate: the rules that are loaded stay as they are\n");
	else
		fprintf(stderr, "assay-gate: now this machine forwards nothing: correct %s, then "
			"run `assay-gate close' or start the gate\n", path);
	return GATE_BAD_INPUT;
}

int
gate_print_rules(const struct gate_config *c)
{
	struct text t = {.p = NULL};

	rules_table(c, &t);
	if (t.failed)
		return fail(GATE_FAULT, "memory is exhausted");
	fputs(t.p, stdout);
	text_free(&t);
	return fflush(stdout) == 0 ? GATE_YES : GATE_NO_ACCESS;
}
