/* cbor_read.c: see cbor_read.h. */
#include "cbor_read.h"

#include <cbor.h>

/* ---- one head, as libcbor tells it ---- */

struct head {
	struct cbor_entry e;
	size_t size;   /* of the head: what a shortest encoding of the value takes */
	bool refused;  /* a form that is not handled */
};

static size_t
shortest(uint64_t v)
{
	if (v < 24)
		return 1;
	return v <= UINT8_MAX ? 2 : v <= UINT16_MAX ? 3 : v <= UINT32_MAX ? 5 : 9;
}

static void
put(void *arg, enum cbor_kind kind, uint64_t value)
{
	struct head *h = arg;

	h->e.kind = kind;
	h->e.value = value;
	h->size = shortest(value);
}

static void
on_u8(void *arg, uint8_t v)
{
	put(arg, CBOR_UINT, v);
}

static void
on_u16(void *arg, uint16_t v)
{
	put(arg, CBOR_UINT, v);
}

static void
on_u32(void *arg, uint32_t v)
{
	put(arg, CBOR_UINT, v);
}

static void
on_u64(void *arg, uint64_t v)
{
	put(arg, CBOR_UINT, v);
}

static void
on_n8(void *arg, uint8_t v)
{
	put(arg, CBOR_NINT, v);
}

static void
on_n16(void *arg, uint16_t v)
{
	put(arg, CBOR_NINT, v);
}

static void
on_n32(void *arg, uint32_t v)
{
	put(arg, CBOR_NINT, v);
}

static void
on_n64(void *arg, uint64_t v)
{
	put(arg, CBOR_NINT, v);
}

static void
on_bytes(void *arg, cbor_data p, size_t n)
{
	put(arg, CBOR_BYTES, n);
	((struct head *)arg)->e.bytes = SPAN(p, n);
	((struct head *)arg)->size += n;
}

static void
on_text(void *arg, cbor_data p, size_t n)
{
	on_bytes(arg, p, n);
	((struct head *)arg)->e.kind = CBOR_TEXT;
}

static void
on_array(void *arg, size_t n)
{
	put(arg, CBOR_ARRAY, n);
}

static void
on_map(void *arg, size_t n)
{
	put(arg, CBOR_MAP, n);
}

static void
on_tag(void *arg, uint64_t tag)
{
	put(arg, CBOR_TAG, tag);
}

static void
on_bool(void *arg, bool v)
{
	put(arg, CBOR_BOOL, v);
}

static void
on_null(void *arg)
{
	put(arg, CBOR_NULL, 0);
}

static void
on_refused(void *arg)
{
	((struct head *)arg)->refused = true;
}

static void
on_float(void *arg, float v)
{
	(void)v;
	on_refused(arg);
}

static void
on_double(void *arg, double v)
{
	(void)v;
	on_refused(arg);
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_u8, .uint16 = on_u16, .uint32 = on_u32, .uint64 = on_u64,
	.negint8 = on_n8, .negint16 = on_n16, .negint32 = on_n32, .negint64 = on_n64,
	.byte_string = on_bytes, .string = on_text,
	.byte_string_start = on_refused, .string_start = on_refused,
	.array_start = on_array, .map_start = on_map,
	.indef_array_start = on_refused, .indef_map_start = on_refused,
	.tag = on_tag, .boolean = on_bool, .null = on_null, .undefined = on_null,
	.float2 = on_float, .float4 = on_float, .float8 = on_double,
	.indef_break = on_refused,
};

/* Tags 6 to 20, among them COSE's: libcbor 0.8 takes them for errors. */
static bool
small_tag(uint8_t first, struct cbor_entry *ret)
{
	if (first < 0xC6 || first > 0xD4)
		return false;
	*ret = (struct cbor_entry){.kind = CBOR_TAG, .value = first - 0xC0u};
	return true;
}

static enum assay_err
read_head(struct span in, struct cbor_entry *ret, size_t *ret_size)
{
	struct head h = {.e = {.kind = CBOR_NONE}};
	struct cbor_decoder_result res;

	if (in.n == 0)
		return ASSAY_TRUNCATED;
	if (small_tag(in.p[0], ret)) {
		*ret_size = 1;
		return ASSAY_OK;
	}
	res = cbor_stream_decode(in.p, in.n, &callbacks, &h);
	if (res.status == CBOR_DECODER_NEDATA)
		return ASSAY_TRUNCATED;
	if (res.status != CBOR_DECODER_FINISHED || res.read == 0 || res.read > in.n)
		return ASSAY_MALFORMED;
	if (h.refused)
		return ASSAY_UNSUPPORTED;
	if (h.e.kind == CBOR_NONE || h.size != res.read)
		return ASSAY_MALFORMED;
	*ret = h.e;
	*ret_size = res.read;
	return ASSAY_OK;
}

/* ---- the reader ---- */

static struct span
left(const struct cbor_reader *r)
{
	return SPAN(r->in.p + r->at, r->in.n - r->at);
}

void
cbor_open(struct cbor_reader *r, struct span in)
{
	*r = (struct cbor_reader){.in = in};
}

void
cbor_fail(struct cbor_reader *r, enum assay_err e)
{
	if (r->err == ASSAY_OK)
		r->err = e;
}

struct cbor_entry
cbor_next(struct cbor_reader *r)
{
	struct cbor_entry e = {.kind = CBOR_NONE};
	size_t n = 0;

	if (r->err == ASSAY_OK)
		r->err = read_head(left(r), &e, &n);
	if (r->err != ASSAY_OK)
		return (struct cbor_entry){.kind = CBOR_NONE};
	r->at += n;
	return e;
}

enum cbor_kind
cbor_peek(const struct cbor_reader *r)
{
	struct cbor_reader copy = *r;

	return cbor_next(&copy).kind;
}

/* How many items follow a head and belong to it. */
static uint64_t
members(const struct cbor_entry *e)
{
	switch (e->kind) {
	case CBOR_ARRAY:
		return e->value;
	case CBOR_MAP:
		return 2 * e->value;
	case CBOR_TAG:
		return 1;
	default:
		return 0;
	}
}

struct span
cbor_item(struct cbor_reader *r)
{
	size_t from = r->at;
	uint64_t wanted = 1;

	while (wanted > 0 && r->err == ASSAY_OK) {
		struct cbor_entry e = cbor_next(r);

		if (members(&e) > r->in.n)
			cbor_fail(r, ASSAY_TRUNCATED);
		wanted = wanted - 1 + members(&e);
	}
	if (r->err != ASSAY_OK)
		return SPAN(NULL, 0);
	return SPAN(r->in.p + from, r->at - from);
}

struct cbor_entry
cbor_want(struct cbor_reader *r, enum cbor_kind kind)
{
	struct cbor_entry e = cbor_next(r);

	if (r->err == ASSAY_OK && e.kind == kind)
		return e;
	cbor_fail(r, ASSAY_BAD_TYPE);
	return (struct cbor_entry){.kind = CBOR_NONE};
}

void
cbor_want_tag(struct cbor_reader *r, uint64_t tag)
{
	if (cbor_want(r, CBOR_TAG).value != tag)
		cbor_fail(r, ASSAY_BAD_TYPE);
}

bool
cbor_take_tag(struct cbor_reader *r, uint64_t tag)
{
	struct cbor_reader copy = *r;
	struct cbor_entry e = cbor_next(&copy);

	if (e.kind != CBOR_TAG || e.value != tag)
		return false;
	*r = copy;
	return true;
}

int64_t
cbor_int(struct cbor_reader *r)
{
	struct cbor_entry e = cbor_next(r);

	if (e.kind != CBOR_UINT && e.kind != CBOR_NINT) {
		cbor_fail(r, ASSAY_BAD_TYPE);
		return 0;
	}
	if (e.value > INT64_MAX) {
		cbor_fail(r, ASSAY_TOO_LARGE);
		return 0;
	}
	return e.kind == CBOR_UINT ? (int64_t)e.value : -1 - (int64_t)e.value;
}

enum assay_err
cbor_finish(const struct cbor_reader *r)
{
	if (r->err != ASSAY_OK)
		return r->err;
	return r->at == r->in.n ? ASSAY_OK : ASSAY_TRAILING;
}

/* ---- the check of the whole ---- */

struct level {
	uint64_t left; /* items that are still to come */
	bool map;
};

/* Keys are of the shortest form, so that equal keys are equal bytes. */
static enum assay_err
check_keys(struct span in, uint64_t pairs)
{
	struct span keys[CBOR_PAIRS_MAX];
	struct cbor_reader r;

	if (pairs > CBOR_PAIRS_MAX)
		return ASSAY_TOO_MANY;
	cbor_open(&r, in);
	for (uint64_t i = 0; i < pairs; i++) {
		keys[i] = cbor_item(&r);
		cbor_item(&r);
		if (r.err != ASSAY_OK)
			return r.err;
		for (uint64_t k = 0; k < i; k++)
			if (span_equal(keys[k], keys[i]))
				return ASSAY_DUPLICATE;
	}
	return ASSAY_OK;
}

static enum assay_err
check_structure(struct span in)
{
	struct level stack[CBOR_DEPTH_MAX];
	unsigned depth = 0;
	struct cbor_reader r;

	cbor_open(&r, in);
	do {
		struct cbor_entry e = cbor_next(&r);
		uint64_t n = members(&e);

		if (r.err != ASSAY_OK)
			return r.err;
		/* each member takes a byte at least; a doubled count cannot wrap */
		if (e.kind == CBOR_MAP && e.value > in.n)
			return ASSAY_TRUNCATED;
		if (n > r.in.n - r.at)
			return ASSAY_TRUNCATED;
		if (depth > 0)
			stack[depth - 1].left--;
		if (n > 0) {
			if (depth == CBOR_DEPTH_MAX)
				return ASSAY_TOO_MANY;
			stack[depth++] = (struct level){.left = n, .map = e.kind == CBOR_MAP};
		}
		while (depth > 0 && stack[depth - 1].left == 0)
			depth--;
	} while (depth > 0);
	return cbor_finish(&r);
}

/* A map's items are walked once for each map around them: CBOR_DEPTH_MAX times at most. */
static enum assay_err
check_maps(struct span in)
{
	struct cbor_reader r;

	cbor_open(&r, in);
	while (r.at < in.n) {
		struct cbor_entry e = cbor_next(&r);
		enum assay_err err = r.err;

		if (err == ASSAY_OK && e.kind == CBOR_MAP)
			err = check_keys(left(&r), e.value);
		if (err != ASSAY_OK)
			return err;
	}
	return ASSAY_OK;
}

enum assay_err
cbor_check(struct span in)
{
	enum assay_err e = check_structure(in);

	return e == ASSAY_OK ? check_maps(in) : e;
}
