/* console_feed.c: what relying parties' connections (net_feed.h) are to console: a
 * connection of HTTP's that became a WebSocket; see console_conn.h. */
#include "console_conn.h"

#include "net_feed.h"

#include "verifier/appraise/text.h"

#include <string.h>

/* The key set is for everybody. */
bool
conn_wants_keys(const struct conn *c, struct span path)
{
	return span_equal(path, SPAN(FEED_KEYS_PATH, strlen(FEED_KEYS_PATH))) &&
	       conn_method(c->wsi) == METHOD_GET && feed_keys().n > 0;
}

bool
conn_feed_peer(struct lws *wsi, struct operation *op, uint8_t ret_source[BUCKET_KEY])
{
	struct conn *c = lws_get_opaque_user_data(wsi);

	if (!c || console.stopping)
		return false;
	conn_established(c);
	op->local = c->local;
	op->caller = c->certificate;
	memcpy(ret_source, c->source_key, BUCKET_KEY);
	text_format(op->peer, sizeof op->peer, "%s", c->peer);
	return true;
}

void
conn_feed_established(struct lws *wsi)
{
	struct conn *c = lws_get_opaque_user_data(wsi);

	if (!c)
		return;
	conn_established(c);
	c->state = CONN_STREAM;
}
