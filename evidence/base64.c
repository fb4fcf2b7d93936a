/* base64.c: see base64.h. */
#include "base64.h"

static int
value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum assay_err
base64url_decode(struct span text, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct reader r;
	struct writer w;
	uint32_t bits = 0;
	unsigned have = 0;

	if (text.n % 4 == 1)
		return ASSAY_MALFORMED;
	rd_init(&r, text);
	wr_init(&w, ret, cap);
	while (rd_left(&r) > 0) {
		int v = value_of(rd_u8(&r));

		if (v < 0)
			return ASSAY_MALFORMED;
		bits = (bits << 6 | (uint32_t)v) & 0xFFFF;
		have += 6;
		if (have >= 8) {
			have -= 8;
			wr_u8(&w, (uint8_t)(bits >> have));
		}
	}
	if ((bits & ((1u << have) - 1)) != 0)
		return ASSAY_MALFORMED; /* another text for the same bytes */
	return wr_finish(&w, ret_len);
}

void
base64url_put(struct writer *w, struct span bytes)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct reader r;
	uint32_t bits = 0;
	unsigned have = 0;

	rd_init(&r, bytes);
	while (rd_left(&r) > 0) {
		bits = (bits << 8 | rd_u8(&r)) & 0xFFFF;
		have += 8;
		for (; have >= 6; have -= 6)
			wr_u8(w, (uint8_t)alphabet[bits >> (have - 6) & 0x3F]);
	}
	if (have)
		wr_u8(w, (uint8_t)alphabet[bits << (6 - have) & 0x3F]);
}
