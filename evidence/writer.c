/* writer.c: see writer.h. */
#include "writer.h"

#include <string.h>

void
wr_init(struct writer *w, void *p, size_t cap)
{
	w->p = p;
	w->cap = cap;
	w->len = 0;
	w->err = ASSAY_OK;
}

void
wr_fail(struct writer *w, enum assay_err e)
{
	if (w->err == ASSAY_OK)
		w->err = e;
}

void
wr_bytes(struct writer *w, struct span s)
{
	if (w->err != ASSAY_OK || s.n == 0)
		return;
	if (s.n > w->cap - w->len) {
		wr_fail(w, ASSAY_FULL);
		return;
	}
	memcpy(w->p + w->len, s.p, s.n);
	w->len += s.n;
}

static void
write_be(struct writer *w, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	wr_bytes(w, SPAN(b, n));
}

void
wr_u8(struct writer *w, uint8_t v)
{
	write_be(w, v, 1);
}

void
wr_be16(struct writer *w, uint16_t v)
{
	write_be(w, v, 2);
}

void
wr_be32(struct writer *w, uint32_t v)
{
	write_be(w, v, 4);
}

void
wr_be64(struct writer *w, uint64_t v)
{
	write_be(w, v, 8);
}

void
wr_le16(struct writer *w, uint16_t v)
{
	wr_u8(w, (uint8_t)v);
	wr_u8(w, (uint8_t)(v >> 8));
}

void
wr_le32(struct writer *w, uint32_t v)
{
	wr_le16(w, (uint16_t)v);
	wr_le16(w, (uint16_t)(v >> 16));
}

void
wr_be16_bytes(struct writer *w, struct span s)
{
	if (s.n > UINT16_MAX) {
		wr_fail(w, ASSAY_TOO_LARGE);
		return;
	}
	wr_be16(w, (uint16_t)s.n);
	wr_bytes(w, s);
}

void
wr_be32_bytes(struct writer *w, struct span s)
{
	if (s.n > UINT32_MAX) {
		wr_fail(w, ASSAY_TOO_LARGE);
		return;
	}
	wr_be32(w, (uint32_t)s.n);
	wr_bytes(w, s);
}

enum assay_err
wr_finish(const struct writer *w, size_t *ret_len)
{
	if (w->err == ASSAY_OK)
		*ret_len = w->len;
	return w->err;
}

struct span
wr_span(const struct writer *w)
{
	return w->err == ASSAY_OK ? SPAN(w->p, w->len) : SPAN(NULL, 0);
}
