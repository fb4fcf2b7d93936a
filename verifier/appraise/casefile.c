/* casefile.c: see casefile.h. */
#include "casefile.h"

#include "evidence/imalog.h"

#include <string.h>

#define MAGIC_SIZE (sizeof CASE_MAGIC - 1)

/* ---- writing ---- */

static bool
known_before(const struct appraisal_input *in, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (span_equal(SPAN(in->references[k].digest, 32),
			       SPAN(in->references[i].digest, 32)))
			return true;
	return false;
}

static void
write_blobs(const struct appraisal_input *in, struct writer *out)
{
	unsigned n = in->policy.n != 0;

	for (size_t i = 0; i < in->nreferences; i++)
		n += !known_before(in, i);
	wr_u8(out, (uint8_t)n);
	if (in->policy.n != 0)
		wr_be32_bytes(out, in->policy);
	for (size_t i = 0; i < in->nreferences; i++)
		if (!known_before(in, i))
			wr_be32_bytes(out, in->references[i].compiled);
}

enum assay_err
case_file_write(const struct case_file *c, struct span scratch, struct writer *out)
{
	struct appraisal_input in = c->in;
	size_t n;
	enum assay_err e;

	in.policy = SPAN(NULL, 0);
	for (size_t i = 0; i < in.nreferences; i++)
		in.references[i].compiled = SPAN(NULL, 0);
	e = appraisal_input_encode(&in, (uint8_t *)(uintptr_t)scratch.p, scratch.n, &n);
	if (e != ASSAY_OK)
		return e;
	wr_bytes(out, SPAN(CASE_MAGIC, MAGIC_SIZE));
	wr_u8(out, (uint8_t)c->mode);
	wr_be32_bytes(out, SPAN(scratch.p, n));
	write_blobs(&c->in, out);
	wr_be32_bytes(out, c->in.ima);
	return out->err;
}

/* ---- reading ---- */

/* Puts the bytes wherever their digest is named; false if it is nowhere. */
static bool
place(struct appraisal_input *in, struct span bytes, const uint8_t digest[32])
{
	bool placed = span_equal(SPAN(digest, 32), SPAN(in->policy_digest, 32));

	if (placed)
		in->policy = bytes;
	for (size_t i = 0; i < in->nreferences; i++)
		if (span_equal(SPAN(digest, 32), SPAN(in->references[i].digest, 32))) {
			in->references[i].compiled = bytes;
			placed = true;
		}
	return placed;
}

static enum assay_err
read_blobs(struct reader *r, struct appraisal_input *in)
{
	unsigned n = rd_u8(r);

	if (n > REFERENCES_PER_DEVICE_MAX + 1)
		return ASSAY_TOO_MANY;
	while (n-- > 0) {
		struct span bytes = rd_be32_bytes(r, CASE_BLOB_MAX);
		uint8_t digest[32];
		enum assay_err e;

		if (r->err != ASSAY_OK)
			return r->err;
		if ((e = digest_sha256(bytes, digest)) != ASSAY_OK)
			return e;
		if (bytes.n == 0 || !place(in, bytes, digest))
			return ASSAY_MISMATCH;
	}
	return ASSAY_OK;
}

static enum assay_err
check_whole(const struct appraisal_input *in)
{
	static const uint8_t none[32];

	if (in->policy.n == 0 && !span_equal(SPAN(in->policy_digest, 32), SPAN(none, 32)))
		return ASSAY_MISSING;
	for (size_t i = 0; i < in->nreferences; i++)
		if (in->references[i].compiled.n == 0)
			return ASSAY_MISSING;
	return appraisal_input_check(in);
}

enum assay_err
case_file_parse(struct span file, struct case_file *ret)
{
	struct reader r;
	struct span input, magic;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (file.n > CASE_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, file);
	magic = rd_bytes(&r, MAGIC_SIZE);
	if (r.err != ASSAY_OK || !span_equal(magic, SPAN(CASE_MAGIC, MAGIC_SIZE)))
		return ASSAY_BAD_MAGIC;
	ret->mode = (enum case_mode)rd_u8(&r);
	input = rd_be32_bytes(&r, APPRAISAL_INPUT_MAX);
	if (r.err != ASSAY_OK)
		return r.err;
	if (ret->mode != CASE_ROUND && ret->mode != CASE_REPLAY)
		return ASSAY_MALFORMED;
	if ((e = appraisal_input_decode(input, &ret->in)) != ASSAY_OK ||
	    (e = ret->in.policy.n == 0 ? ASSAY_OK : ASSAY_MALFORMED) != ASSAY_OK ||
	    (e = read_blobs(&r, &ret->in)) != ASSAY_OK)
		return e;
	ret->in.ima = rd_be32_bytes(&r, IMALOG_MAX);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	if (!ret->in.has_ima && ret->in.ima.n != 0)
		return ASSAY_MALFORMED;
	return check_whole(&ret->in);
}

void
case_file_appraise(const struct case_file *c, struct arena *arena, struct verdict *ret)
{
	if (c->mode == CASE_REPLAY)
		appraise_replay(&c->in, arena, ret);
	else
		appraise(&c->in, arena, ret);
}
