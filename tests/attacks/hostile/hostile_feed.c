/*
 * hostile_feed.c: a verifier whose processes that talk to relying parties were taken over:
 * they withhold records, send old ones again, change what one says or its signature, say
 * that a device is gone, and bring heartbeats and keys of their own (D15). Which of these
 * is chosen by the first letter of the relying party's nonce.
 */
#include "verifier/ipc.h"

#include "evidence/reader.h"

#include <stdlib.h>
#include <string.h>

static bool hostile_bytes(struct reader *r, size_t max, struct span *ret);
static struct span hostile_be32_bytes(struct reader *r, size_t max);

#define rd_be32_bytes hostile_be32_bytes
#include "verifier/net_feed.c"
#undef rd_be32_bytes

#define TEXT_MAX (256u << 10)

static uint8_t text[TEXT_MAX], old[TEXT_MAX];
static size_t old_len;
static unsigned decisions;

/* Whether the text holds these words; where behind them. */
static uint8_t *
behind(uint8_t *p, size_t n, const char *words)
{
	size_t len = strlen(words);

	for (size_t i = 0; i + len <= n; i++)
		if (memcmp(p + i, words, len) == 0)
			return p + i + len;
	return NULL;
}

/* The lie that the relying party asked for with its nonce; 'x': none. */
static char
lie_of(void)
{
	for (unsigned i = FEED_CONNECTIONS_MAX; i-- > 0;)
		if (conns[i] && conns[i]->op.field[F_NONCE].n > 0)
			return (char)conns[i]->op.field[F_NONCE].p[0];
	return 'x';
}

/* Base64url that stays base64url. */
static void
spoil(uint8_t *p)
{
	*p = *p == 'A' ? 'B' : 'A';
}

static bool
hostile_bytes(struct reader *r, size_t max, struct span *ret)
{
	struct span s = rd_be32_bytes(r, max);
	uint8_t *at;

	if (s.n == 0 || s.n > sizeof text) {
		*ret = s;
		return true;
	}
	memcpy(text, s.p, s.n);
	*ret = SPAN(text, s.n);
	at = behind(text, s.n, "{\"type\":\"decision\",\"record\":\"");
	if (!at) {
		if (lie_of() == 'h' && (at = behind(text, s.n, "\"heartbeat\":\"")))
			spoil(at + 120); /* a heartbeat of its own */
		if (lie_of() == 'k' && (at = behind(text, s.n, "\"chain\":[\"")))
			spoil(at + 300); /* a key of its own */
		return true;
	}
	decisions++;
	switch (lie_of()) {
	case 'w': /* withhold one */
		return decisions % 2 == 0;
	case 'r': /* an old one in its place */
		if (old_len == 0) {
			memcpy(old, text, s.n);
			old_len = s.n;
		} else {
			*ret = SPAN(old, old_len);
		}
		return true;
	case 'c': /* change what it says */
		spoil(at + 300);
		return true;
	case 's': /* change the signature */
		spoil(text + s.n - 20);
		return true;
	case 'g': /* say that it is gone */
		memcpy(text, "{\"type\":\"gone\",    \"record\":\"", 29);
		return true;
	default:
		return true;
	}
}

/* In place of the reader's: what is withheld is passed over. */
static struct span
hostile_be32_bytes(struct reader *r, size_t max)
{
	struct span s = {NULL, 0};

	while (!hostile_bytes(r, max, &s))
		if (rd_left(r) == 0)
			return SPAN("{\"type\":\"current\",\"head\":0}", 27);
	return s;
}
