/* bootkept.c: see bootkept.h. */
#include "bootkept.h"

#include "fact.h"
#include "pack.h"
#include "verdict_pack.h"

#define KEPT_FORM 0x4B

static bool
of_log(const struct fact *f)
{
	const struct fact_info *info = fact_info((enum fact_id)f->id);

	return info && info->scope == SCOPE_LOG;
}

static uint16_t
count(const struct verdict *v)
{
	uint16_t n = 0;

	for (size_t i = 0; i < v->nfacts; i++)
		n = (uint16_t)(n + of_log(&v->facts[i]));
	return n;
}

bool
boot_facts_found(const struct verdict *v)
{
	return count(v) != 0;
}

enum assay_err
boot_facts_encode(const struct verdict *v, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	wr_u8(&w, KEPT_FORM);
	wr_be16(&w, count(v));
	for (size_t i = 0; i < v->nfacts && w.err == ASSAY_OK; i++)
		if (of_log(&v->facts[i]))
			pack_fact(&w, &v->facts[i]);
	return wr_finish(&w, ret_len);
}

enum assay_err
boot_facts_decode(struct span in, struct boot_kept *ret)
{
	struct reader r;
	uint32_t n;

	ret->nfacts = 0;
	if (in.n == 0)
		return ASSAY_OK;
	if (in.n > BOOT_FACTS_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, in);
	if (rd_u8(&r) != KEPT_FORM)
		rd_fail(&r, ASSAY_BAD_TYPE);
	n = rd_count(&r, rd_be16(&r), VERDICT_FACTS_MAX);
	for (uint32_t i = 0; i < n && r.err == ASSAY_OK; i++) {
		unpack_fact(&r, &ret->facts[i]);
		if (!of_log(&ret->facts[i]))
			rd_fail(&r, ASSAY_MALFORMED);
	}
	if (rd_finish(&r) != ASSAY_OK)
		return r.err;
	ret->nfacts = (uint16_t)n;
	return ASSAY_OK;
}
