/* reader.c: see reader.h. All pointer arithmetic on input is in this file. */
#include "reader.h"

#include <string.h>

void
rd_init(struct reader *r, struct span in)
{
	r->p = in.p;
	r->len = in.n;
	r->pos = 0;
	r->err = ASSAY_OK;
	r->field = "";
}

void
rd_fail(struct reader *r, enum assay_err e)
{
	if (r->err == ASSAY_OK)
		r->err = e;
}

void
rd_at(struct reader *r, const char *field)
{
	if (r->err == ASSAY_OK)
		r->field = field;
}

struct span
rd_bytes(struct reader *r, size_t n)
{
	struct span s = {NULL, 0};

	if (r->err != ASSAY_OK)
		return s;
	if (n > r->len - r->pos) {
		rd_fail(r, ASSAY_TRUNCATED);
		return s;
	}
	if (n == 0)
		return s;
	s.p = r->p + r->pos;
	s.n = n;
	r->pos += n;
	return s;
}

static uint64_t
read_be(struct reader *r, size_t n)
{
	struct span s = rd_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

static uint64_t
read_le(struct reader *r, size_t n)
{
	struct span s = rd_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = s.n; i > 0; i--)
		v = v << 8 | s.p[i - 1];
	return v;
}

uint8_t
rd_u8(struct reader *r)
{
	return (uint8_t)read_be(r, 1);
}

uint16_t
rd_be16(struct reader *r)
{
	return (uint16_t)read_be(r, 2);
}

uint32_t
rd_be32(struct reader *r)
{
	return (uint32_t)read_be(r, 4);
}

uint64_t
rd_be64(struct reader *r)
{
	return read_be(r, 8);
}

uint16_t
rd_le16(struct reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t
rd_le32(struct reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t
rd_le64(struct reader *r)
{
	return read_le(r, 8);
}

static struct span
read_counted(struct reader *r, size_t n, size_t max)
{
	if (n > max) {
		rd_fail(r, ASSAY_TOO_LARGE);
		n = 0;
	}
	return rd_bytes(r, n);
}

struct span
rd_be16_bytes(struct reader *r, size_t max)
{
	uint16_t n = rd_be16(r);

	return read_counted(r, n, max);
}

struct span
rd_be32_bytes(struct reader *r, size_t max)
{
	uint32_t n = rd_be32(r);

	return read_counted(r, n, max);
}

struct span
rd_rest(struct reader *r)
{
	return rd_bytes(r, rd_left(r));
}

size_t
rd_left(const struct reader *r)
{
	return r->err == ASSAY_OK ? r->len - r->pos : 0;
}

uint32_t
rd_count(struct reader *r, uint32_t n, uint32_t max)
{
	if (r->err != ASSAY_OK)
		return 0;
	if (n > max) {
		rd_fail(r, ASSAY_TOO_MANY);
		return 0;
	}
	return n;
}

enum assay_err
rd_finish(struct reader *r)
{
	if (r->err == ASSAY_OK && r->pos != r->len)
		r->err = ASSAY_TRAILING;
	return r->err;
}

struct span
span_part(struct span s, size_t at, size_t n)
{
	if (at > s.n || n > s.n - at || n == 0)
		return SPAN(NULL, 0);
	return SPAN(s.p + at, n);
}

uint32_t
span_le32(struct span s, size_t at)
{
	struct span p = span_part(s, at, 4);

	if (p.n == 0)
		return 0;
	return (uint32_t)p.p[0] | (uint32_t)p.p[1] << 8 | (uint32_t)p.p[2] << 16 |
	       (uint32_t)p.p[3] << 24;
}

struct span
span_until(struct span s, uint8_t c)
{
	const uint8_t *end = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	if (end)
		s.n = (size_t)(end - s.p);
	return s;
}

bool
span_equal(struct span a, struct span b)
{
	uint64_t diff = 0, x, y;
	size_t i = 0;

	if (a.n != b.n)
		return false;
	for (; a.n - i >= sizeof x; i += sizeof x) {
		memcpy(&x, a.p + i, sizeof x);
		memcpy(&y, b.p + i, sizeof y);
		diff |= x ^ y;
	}
	for (; i < a.n; i++)
		diff |= a.p[i] ^ b.p[i];
	return diff == 0;
}
