/* pack.c: see pack.h. */
#include "pack.h"

#include <string.h>

void
pack_bool(struct writer *w, bool b)
{
	wr_u8(w, b ? 1 : 0);
}

bool
unpack_bool(struct reader *r)
{
	return unpack_below(r, 2) == 1;
}

void
pack_below(struct writer *w, unsigned v, unsigned count)
{
	if (v >= count)
		wr_fail(w, ASSAY_MALFORMED);
	wr_u8(w, (uint8_t)v);
}

uint8_t
unpack_below(struct reader *r, unsigned count)
{
	uint8_t v = rd_u8(r);

	if (v < count)
		return v;
	rd_fail(r, ASSAY_MALFORMED);
	return 0;
}

void
pack_int(struct writer *w, int32_t v, int32_t max)
{
	if (v < -1 || v > max)
		wr_fail(w, ASSAY_MALFORMED);
	wr_be32(w, (uint32_t)(v + 1));
}

int32_t
unpack_int(struct reader *r, int32_t max)
{
	uint32_t v = rd_be32(r);

	if (v <= (uint32_t)max + 1)
		return (int32_t)v - 1;
	rd_fail(r, ASSAY_MALFORMED);
	return -1;
}

void
pack_time(struct writer *w, int64_t v)
{
	if (v < 0)
		wr_fail(w, ASSAY_MALFORMED);
	wr_be64(w, (uint64_t)v);
}

int64_t
unpack_time(struct reader *r)
{
	uint64_t v = rd_be64(r);

	if (v <= INT64_MAX)
		return (int64_t)v;
	rd_fail(r, ASSAY_MALFORMED);
	return 0;
}

static bool
printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7E)
			return false;
	return true;
}

void
pack_text(struct writer *w, const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	if (n == cap || !printable(SPAN(s, n)))
		wr_fail(w, ASSAY_MALFORMED);
	wr_be16_bytes(w, SPAN(s, n));
}

void
unpack_text(struct reader *r, char *ret, size_t cap)
{
	struct span s = rd_be16_bytes(r, cap - 1);

	if (!printable(s)) {
		rd_fail(r, ASSAY_MALFORMED);
		s.n = 0;
	}
	memset(ret, 0, cap);
	if (s.n != 0)
		memcpy(ret, s.p, s.n);
}

void
pack_span_text(struct writer *w, struct span s, size_t max)
{
	if (s.n > max || !printable(s))
		wr_fail(w, ASSAY_MALFORMED);
	wr_be16_bytes(w, s);
}

struct span
unpack_span_text(struct reader *r, size_t max)
{
	struct span s = rd_be16_bytes(r, max);

	if (printable(s))
		return s;
	rd_fail(r, ASSAY_MALFORMED);
	return SPAN(NULL, 0);
}

void
pack_fixed(struct writer *w, const uint8_t *b, size_t n)
{
	wr_bytes(w, SPAN(b, n));
}

void
unpack_fixed(struct reader *r, uint8_t *ret, size_t n)
{
	struct span s = rd_bytes(r, n);

	memset(ret, 0, n);
	if (s.n == n && n != 0)
		memcpy(ret, s.p, n);
}

void
unpack_bytes(struct reader *r, uint8_t *ret, size_t cap, uint16_t *ret_len)
{
	struct span s = rd_be16_bytes(r, cap);

	memset(ret, 0, cap);
	if (s.n != 0)
		memcpy(ret, s.p, s.n);
	*ret_len = (uint16_t)s.n;
}

static bool
name_sound(struct span n)
{
	struct reader r;
	uint16_t alg;

	if (n.n == 0)
		return true;
	rd_init(&r, n);
	alg = rd_be16(&r);
	return digest_size(alg) != 0 && n.n == 2 + digest_size(alg);
}

void
pack_name(struct writer *w, const struct tpm_name *n)
{
	if (n->len > sizeof n->b || !name_sound(SPAN(n->b, n->len))) {
		wr_fail(w, ASSAY_MALFORMED);
		return;
	}
	wr_be16_bytes(w, SPAN(n->b, n->len));
}

void
unpack_name(struct reader *r, struct tpm_name *ret)
{
	unpack_bytes(r, ret->b, sizeof ret->b, &ret->len);
	if (!name_sound(SPAN(ret->b, ret->len)))
		rd_fail(r, ASSAY_MALFORMED);
}

void
pack_selection(struct writer *w, const struct pcr_selection *s)
{
	pack_below(w, s->count, PCR_BANKS_MAX + 1);
	for (size_t i = 0; i < s->count && w->err == ASSAY_OK; i++) {
		wr_be16(w, s->bank[i].alg);
		wr_be32(w, s->bank[i].mask);
	}
}

void
unpack_selection(struct reader *r, struct pcr_selection *ret)
{
	uint8_t n = unpack_below(r, PCR_BANKS_MAX + 1);

	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < n && r->err == ASSAY_OK; i++) {
		uint16_t alg = rd_be16(r);
		uint32_t mask = rd_be32(r);
		enum assay_err e = ASSAY_UNSUPPORTED;

		if (digest_size(alg) != 0)
			e = pcr_selection_add(ret, alg, mask);
		if (e != ASSAY_OK)
			rd_fail(r, e);
	}
}

static void
pack_bank(struct writer *w, const struct pcr_bank *b)
{
	size_t size = digest_size(b->alg);

	if (size == 0 || b->mask >> PCR_COUNT != 0)
		wr_fail(w, ASSAY_MALFORMED);
	wr_be16(w, b->alg);
	wr_be32(w, b->mask);
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		if ((b->mask >> i & 1) == 0)
			continue;
		if (b->value[i].alg != b->alg || b->value[i].len != size)
			wr_fail(w, ASSAY_MALFORMED);
		else
			wr_bytes(w, digest_span(&b->value[i]));
	}
}

void
pack_values(struct writer *w, const struct pcr_values *v)
{
	pack_below(w, v->count, PCR_BANKS_MAX + 1);
	for (size_t i = 0; i < v->count && w->err == ASSAY_OK; i++)
		pack_bank(w, &v->bank[i]);
}

static void
unpack_bank(struct reader *r, struct pcr_bank *b)
{
	size_t size;

	b->alg = rd_be16(r);
	b->mask = rd_be32(r);
	size = digest_size(b->alg);
	if (size == 0 || b->mask >> PCR_COUNT != 0) {
		rd_fail(r, ASSAY_MALFORMED);
		return;
	}
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		if ((b->mask >> i & 1) == 0)
			continue;
		b->value[i].alg = b->alg;
		b->value[i].len = (uint16_t)size;
		unpack_fixed(r, b->value[i].b, size);
	}
}

void
unpack_values(struct reader *r, struct pcr_values *ret)
{
	uint8_t n = unpack_below(r, PCR_BANKS_MAX + 1);

	pcr_values_clear(ret);
	for (size_t i = 0; i < n && r->err == ASSAY_OK; i++) {
		struct pcr_bank *b = &ret->bank[i];

		unpack_bank(r, b);
		for (size_t k = 0; k < i; k++)
			if (ret->bank[k].alg == b->alg)
				rd_fail(r, ASSAY_DUPLICATE);
		ret->count++;
	}
}
