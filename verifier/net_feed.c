/* net_feed.c: see net_feed.h. */
#include "net_feed.h"

#include "operator/problem.h"
#include "verifier/appraise/text.h"

#include "evidence/digest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BEARER "Bearer "
#define BEARER_MAX 256
#define QUERY_MAX 1024
#define END_S 5 /* to take what is left, its end last */
#define QUEUE_BYTES_MAX (8u << 20) /* of one connection; keeper ends it long before */

struct feed_env feed_env;

struct message {
	struct message *next;
	size_t len;
	uint8_t bytes[]; /* LWS_PRE, then the text */
};

/* One connection; lws allocates and zeroes it. */
struct feed_conn {
	uint64_t id; /* 0: not announced */
	unsigned slot;
	struct lws *wsi;
	struct message *head, *tail;
	size_t queued;
	bool owes_pull; /* keeper waits to hear that everything was taken */
	bool ending;
	struct operation op;
	uint8_t source[BUCKET_KEY];
	char text[QUERY_MAX]; /* what the fields of op point into */
	size_t used;
};
_Static_assert(sizeof(struct feed_conn) <= FEED_CONNECTION_SIZE, "the protocol's size");

static struct feed_conn *conns[FEED_CONNECTIONS_MAX];
static uint64_t generation;
static uint8_t *keys;
static size_t keys_len;

struct span
feed_keys(void)
{
	return SPAN(keys, keys_len);
}

static int64_t
feed_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the request ---- */

bool
feed_is_of_foreign_page(struct lws *wsi)
{
	static const char scheme[] = "https://";
	char origin[512], host[512];

	if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) <= 0)
		return false;
	return lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) <= 0 ||
	       lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST) <= 0 ||
	       strncasecmp(origin, scheme, sizeof scheme - 1) != 0 ||
	       strcasecmp(origin + sizeof scheme - 1, host) != 0;
}

/* What is sent as a token must be one, also by somebody with a certificate. */
static bool
read_caller(struct lws *wsi, struct operation_caller *ret)
{
	char header[BEARER_MAX + sizeof BEARER];
	int n = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	size_t start = sizeof BEARER - 1;
	enum assay_err e;

	if (n == 0)
		return ret->kind == CREDENTIAL_CERTIFICATE && !feed_is_of_foreign_page(wsi);
	if (n <= (int)start || n >= (int)sizeof header ||
	    lws_hdr_copy(wsi, header, sizeof header, WSI_TOKEN_HTTP_AUTHORIZATION) != n ||
	    strncasecmp(header, BEARER, start) != 0)
		return false;
	*ret = (struct operation_caller){.kind = CREDENTIAL_TOKEN};
	e = digest_sha256(SPAN(header + start, (size_t)n - start), ret->hash);
	explicit_bzero(header, sizeof header);
	return e == ASSAY_OK;
}

/* "name=value" of the query into op. */
static bool
take_pair(struct feed_conn *c, const char *pair)
{
	static const enum operation_field taken[] = {F_AFTER, F_CLASS, F_LABELS, F_NONCE};
	const char *equals = strchr(pair, '=');
	size_t n = equals ? strlen(equals + 1) : 0;

	if (n == 0 || n > OPERATION_TEXT_MAX || n > sizeof c->text - c->used)
		return false;
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		const char *name = operation_field_name(taken[i]);
		char *to = c->text + c->used;

		if (strlen(name) != (size_t)(equals - pair) ||
		    strncmp(pair, name, strlen(name)) != 0)
			continue;
		if (c->op.field[taken[i]].n > 0)
			return false;
		memcpy(to, equals + 1, n);
		c->op.field[taken[i]] = SPAN(to, n);
		c->used += n;
		return true;
	}
	return false;
}

static bool
read_query(struct feed_conn *c, struct lws *wsi)
{
	char pair[OPERATION_TEXT_MAX + 32];

	for (int i = 0;; i++) {
		int n = lws_hdr_copy_fragment(wsi, pair, sizeof pair, WSI_TOKEN_HTTP_URI_ARGS, i);

		/* one that is too long is not the end: what it asks for must not be dropped */
		if (n < 0)
			return i > 0 && lws_hdr_fragment_length(
						wsi, WSI_TOKEN_HTTP_URI_ARGS, i) == 0;
		if (n > 0 && !take_pair(c, pair))
			return false;
	}
}

bool
feed_line_is_whole(struct lws *wsi)
{
	return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP) > 0; /* "HTTP/1.1" was at its end */
}

static int
add_header(struct lws *wsi, const char *name, const char *value, uint8_t **p, uint8_t *end)
{
	return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
					   (int)strlen(value), p, end);
}

int
feed_refuse(struct lws *wsi, enum assay_err e, const char *detail)
{
	uint8_t head[LWS_PRE + 512], body[LWS_PRE + PROBLEM_MAX];
	uint8_t *start = head + LWS_PRE, *p = start, *last = head + sizeof head - 1;
	unsigned status = problem_status(e);
	size_t n = problem_document(status, e, detail, (char *)body + LWS_PRE);

	if (n == 0 || lws_add_http_common_headers(wsi, status, PROBLEM_TYPE, n, &p, last) ||
	    add_header(wsi, "cache-control:", "no-store", &p, last) ||
	    add_header(wsi, "connection:", "close", &p, last) ||
	    (status == 401 && add_header(wsi, "www-authenticate:", "Bearer", &p, last)) ||
	    lws_finalize_write_http_header(wsi, start, &p, last))
		return -1;
	(void)lws_write(wsi, body + LWS_PRE, n, LWS_WRITE_HTTP_FINAL);
	return -1;
}

/* Everything that the handshake says, before it is answered. */
static int
on_request(struct lws *wsi, struct feed_conn *c)
{
	char path[32];
	int n = lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);

	if (n != (int)strlen(FEED_PATH) || strcmp(path, FEED_PATH) != 0)
		return feed_refuse(wsi, ASSAY_NOT_FOUND, "the stream is at " FEED_PATH);
	memset(c, 0, sizeof *c);
	c->op.code = OP_DECISION_STREAM;
	if (!feed_env.peer(wsi, &c->op, c->source))
		return -1;
	if (!feed_line_is_whole(wsi) || !read_query(c, wsi))
		return feed_refuse(wsi, ASSAY_MALFORMED,
				   "a parameter is unknown, double, empty or too long");
	if (c->op.local || read_caller(wsi, &c->op.caller))
		return 0;
	bucket_charge(feed_env.failures, c->source, feed_now_ms());
	return feed_refuse(wsi, ASSAY_MISSING, "Authorization: Bearer TOKEN is wanted");
}

static void on_end(struct feed_conn *c, struct span word);

/* Whether its source may try a token. */
static bool
may_try(const struct feed_conn *c)
{
	unsigned wait_s;

	if (c->op.local || bucket_has(feed_env.failures, c->source, feed_now_ms(), &wait_s))
		return true;
	++*feed_env.limited;
	return false;
}

static int
on_established(struct lws *wsi, struct feed_conn *c)
{
	uint8_t bytes[4096];
	size_t n;

	for (unsigned i = 0; i < FEED_CONNECTIONS_MAX; i++) {
		if (conns[i])
			continue;
		if (operation_encode(&c->op, bytes, sizeof bytes, &n) != ASSAY_OK)
			return -1;
		conns[i] = c;
		c->slot = i;
		c->wsi = wsi;
		c->id = ++generation * FEED_CONNECTIONS_MAX + i;
		feed_env.established(wsi);
		if (!may_try(c)) {
			on_end(c, SPAN("busy", 4));
			return 0;
		}
		feed_env.to_keeper(IPC_FEED_OPEN, c->id, SPAN(bytes, n));
		return 0;
	}
	return -1;
}

static void
on_closed(struct feed_conn *c)
{
	if (c->id == 0)
		return;
	if (!c->ending)
		feed_env.to_keeper(IPC_FEED_CLOSED, c->id, SPAN(NULL, 0));
	conns[c->slot] = NULL;
	c->id = 0;
	while (c->head) {
		struct message *m = c->head;

		c->head = m->next;
		free(m);
	}
}

/* ---- sending ---- */

static int
on_writeable(struct feed_conn *c)
{
	struct message *m = c->head;

	if (m) {
		if (lws_write(c->wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_TEXT) < (int)m->len)
			return -1;
		c->head = m->next;
		if (!c->head)
			c->tail = NULL;
		c->queued -= m->len;
		free(m);
	}
	if (c->head) {
		lws_callback_on_writable(c->wsi);
		return 0;
	}
	if (c->ending)
		return -1;
	if (c->owes_pull) {
		c->owes_pull = false;
		feed_env.to_keeper(IPC_FEED_PULL, c->id, SPAN(NULL, 0));
	}
	return 0;
}

static bool
queue(struct feed_conn *c, struct span text)
{
	struct message *m;

	if (text.n == 0 || text.n > QUEUE_BYTES_MAX - c->queued)
		return false;
	m = malloc(sizeof *m + LWS_PRE + text.n);
	if (!m)
		return false;
	m->next = NULL;
	m->len = text.n;
	memcpy(m->bytes + LWS_PRE, text.p, text.n);
	if (c->tail)
		c->tail->next = m;
	else
		c->head = m;
	c->tail = m;
	c->queued += text.n;
	return true;
}

/* No more comes. One that takes nothing would keep its place for ever. */
static void
end(struct feed_conn *c)
{
	c->ending = true;
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, END_S);
	lws_callback_on_writable(c->wsi);
}

static void
on_feed(struct feed_conn *c, struct span payload)
{
	struct reader r;

	rd_init(&r, payload);
	while (rd_left(&r) > 0)
		if (!queue(c, rd_be32_bytes(&r, payload.n))) {
			feed_env.to_keeper(IPC_FEED_CLOSED, c->id, SPAN(NULL, 0));
			end(c); /* a gap must not be */
			return;
		}
	c->owes_pull = true;
	lws_callback_on_writable(c->wsi);
}

static void
on_end(struct feed_conn *c, struct span word)
{
	char text[128];

	text_format(text, sizeof text, "{\"type\":\"end\",\"reason\":\"%.*s\"}", (int)word.n,
		    word.n ? (const char *)word.p : "");
	(void)queue(c, SPAN(text, strlen(text)));
	end(c);
}

static void
on_refused(struct feed_conn *c, struct span word)
{
	if (!c->op.local && span_equal(word, SPAN("token", 5)))
		bucket_charge(feed_env.failures, c->source, feed_now_ms());
	on_end(c, word);
}

void
feed_tell_limited(void)
{
	uint8_t bytes[4];
	struct writer w;

	if (*feed_env.limited == 0)
		return;
	wr_init(&w, bytes, sizeof bytes);
	wr_be32(&w, *feed_env.limited);
	*feed_env.limited = 0;
	feed_env.to_keeper(IPC_LIMITED, 0, wr_span(&w));
}

void
feed_on_keeper(const struct ipc_msg *m)
{
	struct feed_conn *c = conns[m->id % FEED_CONNECTIONS_MAX];
	uint8_t *copy;

	if (m->type == IPC_KEYS) {
		if (!(copy = malloc(m->payload.n + 1)))
			return;
		if (m->payload.n)
			memcpy(copy, m->payload.p, m->payload.n);
		free(keys);
		keys = copy;
		keys_len = m->payload.n;
		return;
	}
	if (!c || c->id != m->id || c->ending)
		return; /* it has gone meanwhile */
	if (m->type == IPC_FEED)
		on_feed(c, m->payload);
	else if (m->type == IPC_FEED_END)
		on_refused(c, m->payload);
}

int
feed_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct feed_conn *c = user;

	(void)in;
	(void)len;
	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return on_request(wsi, c);
	case LWS_CALLBACK_ESTABLISHED:
		return on_established(wsi, c);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return c->id ? on_writeable(c) : -1;
	case LWS_CALLBACK_RECEIVE:
		return -1; /* a relying party has nothing to say */
	case LWS_CALLBACK_CLOSED:
		on_closed(c);
		return 0;
	default:
		return 0;
	}
}
