/* ima_state.c: see ima_state.h. */
#include "ima_state.h"

#include "pack.h"

#include <string.h>

#define METHODS (1u << IMALOG_HASHED | 1u << IMALOG_PADDED | 1u << IMALOG_PADDED_OLD)

static void
pack_bank(struct writer *w, const struct ima_bank *b)
{
	struct digest d;

	if (b->methods == 0 || (b->methods & ~METHODS) ||
	    digest_from(b->pcr.alg, digest_span(&b->pcr), &d) != ASSAY_OK)
		wr_fail(w, ASSAY_MALFORMED);
	wr_u8(w, b->methods);
	wr_be16(w, b->pcr.alg);
	wr_be16_bytes(w, digest_span(&b->pcr));
}

static void
unpack_bank(struct reader *r, struct ima_bank *ret)
{
	uint16_t alg;

	ret->methods = rd_u8(r);
	alg = rd_be16(r);
	if (ret->methods == 0 || (ret->methods & ~METHODS) ||
	    digest_from(alg, rd_be16_bytes(r, DIGEST_MAX), &ret->pcr) != ASSAY_OK)
		rd_fail(r, ASSAY_MALFORMED);
}

static bool
sound(const struct ima_state *s)
{
	if (s->nbanks == 0 || s->nbanks > PCR_BANKS_MAX || digest_size(s->template_alg) == 0 ||
	    s->count > IMALOG_ENTRIES_MAX || s->bytes > IMALOG_MAX)
		return false;
	for (unsigned i = 0; i < s->nbanks; i++)
		for (unsigned k = 0; k < i; k++)
			if (s->bank[i].pcr.alg == s->bank[k].pcr.alg)
				return false;
	return true;
}

void
pack_ima_state(struct writer *w, const struct ima_state *s)
{
	pack_bool(w, s->present);
	if (!s->present)
		return;
	if (!sound(s))
		wr_fail(w, ASSAY_MALFORMED);
	pack_bool(w, s->big);
	wr_be16(w, s->template_alg);
	wr_be64(w, s->count);
	wr_be64(w, s->bytes);
	pack_below(w, s->nbanks, PCR_BANKS_MAX + 1);
	for (unsigned i = 0; i < s->nbanks && w->err == ASSAY_OK; i++)
		pack_bank(w, &s->bank[i]);
	pack_fixed(w, s->generation, sizeof s->generation);
	for (unsigned i = 0; i < IMA_COUNT_COUNT; i++)
		wr_be32(w, s->counts[i]);
	pack_bool(w, s->boot_aggregate);
	wr_be16(w, s->shown);
	wr_be64(w, s->keys_measured);
	wr_be64(w, s->keys_used);
}

void
unpack_ima_state(struct reader *r, struct ima_state *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->present = unpack_bool(r);
	if (!ret->present)
		return;
	ret->big = unpack_bool(r);
	ret->template_alg = rd_be16(r);
	ret->count = rd_be64(r);
	ret->bytes = rd_be64(r);
	ret->nbanks = unpack_below(r, PCR_BANKS_MAX + 1);
	for (unsigned i = 0; i < ret->nbanks && r->err == ASSAY_OK; i++)
		unpack_bank(r, &ret->bank[i]);
	unpack_fixed(r, ret->generation, sizeof ret->generation);
	for (unsigned i = 0; i < IMA_COUNT_COUNT; i++)
		ret->counts[i] = rd_be32(r);
	ret->boot_aggregate = unpack_bool(r);
	ret->shown = rd_be16(r);
	ret->keys_measured = rd_be64(r);
	ret->keys_used = rd_be64(r);
	if (r->err == ASSAY_OK && !sound(ret))
		rd_fail(r, ASSAY_MALFORMED);
}
