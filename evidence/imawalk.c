/* imawalk.c: see imawalk.h; ima_measurements_show in security/integrity/ima/ima_fs.c. */
#include "imawalk.h"

#include "imalog.h"

/* Of template ima: a digest of SHA-1, and the length of the name. */
#define OLD_HEAD 24

static uint32_t
read_u32(struct reader *r, bool big)
{
	return big ? rd_be32(r) : rd_le32(r);
}

/* What the list is like, from its first entry. */
static enum assay_err
learn(struct imawalk *w, struct span window)
{
	struct imalog l;
	enum assay_err e = imalog_open(window, NULL, 0, &l);

	if (e != ASSAY_OK)
		return e;
	if (l.format != IMALOG_BINARY)
		return ASSAY_BAD_MAGIC;
	*w = (struct imawalk){true, l.big, (uint16_t)digest_size(l.template_alg)};
	return ASSAY_OK;
}

/* The rest of the entry, from its last length on. */
static enum assay_err
rest_of(struct reader *r, uint32_t n, uint32_t most, uint64_t *ret)
{
	if (r->err != ASSAY_OK)
		return r->err;
	if (n > most)
		return ASSAY_TOO_LARGE;
	*ret = (uint64_t)r->pos + n;
	return ASSAY_OK;
}

static enum assay_err
length_of(const struct imawalk *w, struct span head, uint64_t *ret)
{
	struct span name;
	struct reader r;
	uint32_t pcr, n;

	rd_init(&r, head);
	pcr = read_u32(&r, w->big);
	(void)rd_bytes(&r, w->digest_size);
	n = read_u32(&r, w->big);
	if (r.err == ASSAY_OK && (pcr >= PCR_COUNT || n == 0 || n > IMALOG_TEMPLATE_NAME_MAX))
		return ASSAY_MALFORMED;
	name = rd_bytes(&r, n);
	if (span_equal(name, SPAN("ima", 3))) {
		if (rd_left(&r) < OLD_HEAD) /* it could be taken for a shorter one */
			return ASSAY_TRUNCATED;
		(void)rd_bytes(&r, imalog_old_digest(&r, w->big));
		n = read_u32(&r, w->big);
		return rest_of(&r, n, IMALOG_OLD_PATH_MAX, ret);
	}
	n = read_u32(&r, w->big);
	return rest_of(&r, n, IMALOG_DATA_MAX, ret);
}

enum assay_err
imawalk_length(struct imawalk *w, struct span window, uint64_t *ret)
{
	struct span head = SPAN(window.p, window.n < IMAWALK_HEAD ? window.n : IMAWALK_HEAD);
	struct imawalk try = *w;
	enum assay_err e;

	if (head.n == 0)
		return ASSAY_MISSING;
	e = try.known ? ASSAY_OK : learn(&try, head);
	if (e == ASSAY_OK)
		e = length_of(&try, head, ret);
	/* what is cut short could be taken for a list of another kind */
	if (e != ASSAY_OK && !w->known && head.n < IMAWALK_HEAD)
		return ASSAY_TRUNCATED;
	if (e == ASSAY_OK)
		*w = try;
	return e;
}
