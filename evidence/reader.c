/* reader.c: see reader.h. All pointer arithmetic on input is in these two files. */
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
rd_until(struct reader *r, uint8_t c)
{
	size_t left = rd_left(r);
	const uint8_t *end = left != 0 ? memchr(r->p + r->pos, c, left) : NULL;
	struct span s;

	if (!end) {
		rd_fail(r, ASSAY_MALFORMED);
		return SPAN(NULL, 0);
	}
	s = rd_bytes(r, (size_t)(end - (r->p + r->pos)));
	r->pos++;
	return s;
}

struct span
rd_rest(struct reader *r)
{
	return rd_bytes(r, rd_left(r));
}

enum assay_err
rd_finish(struct reader *r)
{
	if (r->err == ASSAY_OK && r->pos != r->len)
		r->err = ASSAY_TRAILING;
	return r->err;
}

struct span
span_until(struct span s, uint8_t c)
{
	const uint8_t *end = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	if (end)
		s.n = (size_t)(end - s.p);
	return s;
}

static uint64_t
eight(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static uint32_t
four(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Of fewer than eight bytes. */
static bool
few_equal(struct span a, struct span b)
{
	uint8_t diff = 0;

	if (a.n >= 4)
		return ((four(a.p) ^ four(b.p)) |
			(four(a.p + a.n - 4) ^ four(b.p + a.n - 4))) == 0;
	for (size_t i = 0; i < a.n; i++)
		diff |= a.p[i] ^ b.p[i];
	return diff == 0;
}

/* What is left over of words of eight is in the last eight bytes. */
bool
span_equal(struct span a, struct span b)
{
	uint64_t diff = 0;

	if (a.n != b.n)
		return false;
	if (a.n < 8)
		return few_equal(a, b);
	for (size_t i = 0; i + 8 <= a.n; i += 8)
		diff |= eight(a.p + i) ^ eight(b.p + i);
	return (diff | (eight(a.p + a.n - 8) ^ eight(b.p + a.n - 8))) == 0;
}

bool
span_zero(struct span s)
{
	uint64_t any = 0;

	if (s.n < 8) {
		for (size_t i = 0; i < s.n; i++)
			any |= s.p[i];
		return any == 0;
	}
	for (size_t i = 0; i + 8 <= s.n; i += 8)
		any |= eight(s.p + i);
	return (any | eight(s.p + s.n - 8)) == 0;
}
