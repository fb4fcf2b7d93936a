/* console_head.c: the head of a request: its length, type and conditions; and of an answer:
 * status, headers, and the ETag by which a client that asks again learns that nothing
 * changed; see console_conn.h. */
#include "console_conn.h"

#include "log.h"

#include "evidence/digest.h"
#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#define TAG_BYTES 16 /* of the SHA-256 */
#define NOW "\"now\":"

/* Where the answer's own time stands: it changes every second and says nothing about what
 * was asked. In JSON the quotes of texts are escaped, so that only a member is met. */
static bool
find_now(struct span body, size_t *ret_start, size_t *ret_end)
{
	const uint8_t *p = body.n ? memmem(body.p, body.n, NOW, strlen(NOW)) : NULL;
	size_t i;

	if (!p)
		return false;
	i = (size_t)(p - body.p) + strlen(NOW);
	*ret_start = i;
	while (i < body.n && body.p[i] >= '0' && body.p[i] <= '9')
		i++;
	*ret_end = i;
	return true;
}

static enum assay_err
hash_around(struct span body, size_t start, size_t end, struct digest *ret)
{
	struct hasher h;
	enum assay_err e;

	if ((e = hash_init(&h, ALG_SHA256)) != ASSAY_OK ||
	    (e = hash_update(&h, SPAN(body.p, start))) != ASSAY_OK ||
	    (e = hash_update(&h, SPAN(body.p + end, body.n - end))) != ASSAY_OK)
		return e;
	return hash_final(&h, ret);
}

/* The tag is strong where it is over every byte, else weak. */
static bool
make_tag(struct conn *c, struct span body)
{
	size_t start = 0, end = 0;
	bool weak = find_now(body, &start, &end);
	char hex[2 * TAG_BYTES + 1];
	struct digest d;

	if (hash_around(body, start, end, &d) != ASSAY_OK ||
	    hex_encode(SPAN(d.b, TAG_BYTES), hex, sizeof hex) != ASSAY_OK)
		return false;
	text_format(c->etag, sizeof c->etag, "%s\"%s\"", weak ? "W/" : "", hex);
	return true;
}

long
conn_content_length(struct lws *wsi)
{
	char text[32];
	int n = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);

	if (n <= 0 || n >= (int)sizeof text - 1 ||
	    lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) != n ||
	    strspn(text, "0123456789") != (size_t)n)
		return -1;
	return strtol(text, NULL, 10); /* of what it cannot say: the most that it can */
}

bool
conn_announces_body(struct lws *wsi)
{
	return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 ||
	       lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
}

bool
conn_is_of_type(struct lws *wsi, const char *want)
{
	char type[64];
	int n = lws_hdr_copy(wsi, type, sizeof type, WSI_TOKEN_HTTP_CONTENT_TYPE);
	size_t len = strlen(want);

	if (n <= 0 || strncasecmp(type, want, len) != 0)
		return false;
	len += strspn(type + len, " \t"); /* RFC 9110, 8.3.1 */
	return type[len] == '\0' || type[len] == ';';
}

void
conn_read_condition(struct conn *c)
{
	int n = lws_hdr_copy(c->wsi, c->if_none_match, sizeof c->if_none_match,
			     WSI_TOKEN_HTTP_IF_NONE_MATCH);

	if (n <= 0)
		c->if_none_match[0] = '\0'; /* also one that is too long: answered in full */
}

/* Orders have no tag that could match: whoever makes one depend on it must not have it done. */
unsigned
conn_unmet(const struct conn *c, const char **ret_why)
{
	char coding[16] = "identity";
	int n = lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING);

	if (n > 0 && (lws_hdr_copy(c->wsi, coding, sizeof coding,
				   WSI_TOKEN_HTTP_CONTENT_ENCODING) != n ||
		      strcasecmp(coding, "identity") != 0)) {
		*ret_why = "the body must not be compressed";
		return 415;
	}
	if (c->request.route->method == METHOD_POST &&
	    (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_IF_MATCH) > 0 ||
	     lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH) > 0 ||
	     lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_IF_UNMODIFIED_SINCE) > 0)) {
		*ret_why = "orders take no If-Match, If-None-Match or If-Unmodified-Since";
		return 412;
	}
	return 0;
}

bool
conn_is_unchanged(struct conn *c, struct span body)
{
	const char *quoted;

	if (!c->request.route || c->request.route->method != METHOD_GET || !make_tag(c, body))
		return false;
	quoted = strchr(c->etag, '"'); /* compared weakly: RFC 9110, 13.1.2 */
	return strcmp(c->if_none_match, "*") == 0 || strstr(c->if_none_match, quoted) != NULL;
}

static int
add_header(struct conn *c, const char *name, const char *value, uint8_t **p, uint8_t *end)
{
	int n = (int)strlen(value);

	return lws_add_http_header_by_name(c->wsi, (const unsigned char *)name,
					   (const unsigned char *)value, n, p, end);
}

/* A 204 and a 304 have neither a body nor the length of one. */
static int
add_status(struct conn *c, uint8_t **p, uint8_t *end)
{
	if (c->status == 304 || c->status == 204)
		return lws_add_http_header_status(c->wsi, c->status, p, end);
	return lws_add_http_common_headers(c->wsi, c->status, c->type, c->out_len, p, end);
}

int
conn_send_head(struct conn *c)
{
	uint8_t buf[LWS_PRE + 1024], *start = buf + LWS_PRE, *p = start;
	uint8_t *end = buf + sizeof buf - 1;

	if (add_status(c, &p, end) || add_header(c, "cache-control:", "no-store", &p, end) ||
	    add_header(c, "x-content-type-options:", "nosniff", &p, end))
		return -1;
	if (c->etag[0] && add_header(c, "etag:", c->etag, &p, end))
		return -1;
	if (c->status == 401 && add_header(c, "www-authenticate:", "Bearer", &p, end))
		return -1;
	if (c->allow[0] && add_header(c, "allow:", c->allow, &p, end))
		return -1;
	if (c->retry_s && add_header(c, "retry-after:", log_u64(c->retry_s), &p, end))
		return -1;
	if (c->close_after && add_header(c, "connection:", "close", &p, end))
		return -1;
	if (lws_finalize_write_http_header(c->wsi, start, &p, end))
		return -1;
	c->headers_sent = true;
	lws_callback_on_writable(c->wsi);
	return 0;
}
