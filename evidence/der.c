/* der.c: see der.h. X.690, the definite-length part of BER. */
#include "der.h"

#define DER_LENGTH_BYTES_MAX 4
#define DER_TAG_NUMBER_LONG 0x1F /* X.690, 8.1.2.4: more tag bytes follow */
#define DER_LENGTH_LONG 0x80

uint8_t
der_peek(const struct reader *r)
{
	struct reader ahead = *r;

	return rd_left(r) == 0 ? 0 : rd_u8(&ahead);
}

static size_t
read_length(struct reader *r)
{
	uint8_t first = rd_u8(r);
	unsigned count = first & ~(unsigned)DER_LENGTH_LONG;
	size_t n = 0;

	if (first < DER_LENGTH_LONG)
		return first;
	if (count == 0) /* indefinite */
		rd_fail(r, ASSAY_MALFORMED);
	if (count > DER_LENGTH_BYTES_MAX)
		rd_fail(r, ASSAY_TOO_LARGE);
	for (unsigned i = 0; i < count && r->err == ASSAY_OK; i++)
		n = n << 8 | rd_u8(r);
	return n;
}

struct span
der_any(struct reader *r, uint8_t *ret_tag, struct span *ret_whole)
{
	struct reader start = *r;
	uint8_t tag = rd_u8(r);
	struct span content;

	if ((tag & DER_TAG_NUMBER_LONG) == DER_TAG_NUMBER_LONG)
		rd_fail(r, ASSAY_MALFORMED);
	content = rd_bytes(r, read_length(r));
	if (r->err != ASSAY_OK) {
		tag = 0;
		content = SPAN(NULL, 0);
	}
	*ret_tag = tag;
	if (ret_whole)
		*ret_whole = rd_bytes(&start, r->err == ASSAY_OK ? r->pos - start.pos : 0);
	return content;
}

struct span
der_get(struct reader *r, uint8_t tag)
{
	uint8_t found;
	struct span content = der_any(r, &found, NULL);

	if (r->err == ASSAY_OK && found != tag)
		rd_fail(r, ASSAY_BAD_TYPE);
	return r->err == ASSAY_OK ? content : SPAN(NULL, 0);
}

struct reader
der_enter(struct reader *r, uint8_t tag)
{
	struct reader inner;

	rd_init(&inner, der_get(r, tag));
	rd_fail(&inner, r->err);
	inner.field = r->field;
	return inner;
}

bool
der_optional(struct reader *r, uint8_t tag, struct span *ret)
{
	struct span content;

	if (der_peek(r) != tag)
		return false;
	content = der_get(r, tag);
	if (r->err != ASSAY_OK)
		return false;
	*ret = content;
	return true;
}

struct span
der_unsigned(struct reader *r)
{
	struct reader in = der_enter(r, DER_INTEGER);
	struct reader start = in;

	if (rd_left(&in) == 0 || (der_peek(&in) & 0x80) != 0)
		rd_fail(r, ASSAY_MALFORMED);
	while (rd_left(&in) > 1 && der_peek(&in) == 0) {
		(void)rd_u8(&in);
		start = in;
	}
	return r->err == ASSAY_OK ? rd_rest(&start) : SPAN(NULL, 0);
}

struct span
der_bits(struct reader *r)
{
	struct reader in = der_enter(r, DER_BIT_STRING);

	/* X.690, 8.6.2: the first byte counts the unused bits of the last */
	if (rd_left(&in) == 0 || rd_u8(&in) != 0)
		rd_fail(r, ASSAY_MALFORMED);
	return r->err == ASSAY_OK ? rd_rest(&in) : SPAN(NULL, 0);
}
