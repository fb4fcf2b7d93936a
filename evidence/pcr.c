/* pcr.c: see pcr.h. */
#include "pcr.h"

#include <string.h>

#define PCR_MASK ((1u << PCR_COUNT) - 1)

/* PC Client Platform TPM Profile, 4.6.1: dynamic PCRs reset to ones */
#define PCR_DYNAMIC_FIRST 17
#define PCR_DYNAMIC_LAST 22

static struct pcr_bank_selection *
selection_find(struct pcr_selection *s, uint16_t alg)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->bank[i].alg == alg)
			return &s->bank[i];
	return NULL;
}

uint32_t
pcr_selected(const struct pcr_selection *s, uint16_t alg)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->bank[i].alg == alg)
			return s->bank[i].mask;
	return 0;
}

bool
pcr_selection_equal(const struct pcr_selection *a, const struct pcr_selection *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (a->bank[i].alg != b->bank[i].alg || a->bank[i].mask != b->bank[i].mask)
			return false;
	return true;
}

enum assay_err
pcr_selection_add(struct pcr_selection *s, uint16_t alg, uint32_t mask)
{
	if (mask == 0 || (mask & ~PCR_MASK) != 0)
		return ASSAY_MALFORMED;
	if (selection_find(s, alg))
		return ASSAY_DUPLICATE;
	if (s->count >= PCR_BANKS_MAX)
		return ASSAY_TOO_MANY;
	s->bank[s->count].alg = alg;
	s->bank[s->count].mask = mask;
	s->count++;
	return ASSAY_OK;
}

void
pcr_values_clear(struct pcr_values *v)
{
	v->count = 0;
}

void
pcr_values_copy(struct pcr_values *to, const struct pcr_values *from)
{
	to->count = from->count <= PCR_BANKS_MAX ? from->count : 0;
	if (to->count != 0)
		memcpy(to->bank, from->bank, to->count * sizeof to->bank[0]);
}

const struct pcr_bank *
pcr_bank_of(const struct pcr_values *v, uint16_t alg)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->bank[i].alg == alg)
			return &v->bank[i];
	return NULL;
}

const struct digest *
pcr_value(const struct pcr_values *v, uint16_t alg, unsigned index)
{
	const struct pcr_bank *b = pcr_bank_of(v, alg);

	if (!b || index >= PCR_COUNT || (b->mask >> index & 1) == 0)
		return NULL;
	return &b->value[index];
}

static struct pcr_bank *
bank_for_writing(struct pcr_values *v, uint16_t alg)
{
	for (unsigned i = 0; i < v->count; i++)
		if (v->bank[i].alg == alg)
			return &v->bank[i];
	if (v->count >= PCR_BANKS_MAX)
		return NULL;
	v->bank[v->count].alg = alg;
	v->bank[v->count].mask = 0;
	return &v->bank[v->count++];
}

enum assay_err
pcr_set(struct pcr_values *v, unsigned index, const struct digest *d)
{
	struct pcr_bank *b;

	if (index >= PCR_COUNT)
		return ASSAY_MALFORMED;
	if (d->len == 0 || d->len != digest_size(d->alg))
		return ASSAY_MISMATCH;
	if ((b = bank_for_writing(v, d->alg)) == NULL)
		return ASSAY_TOO_MANY;
	if ((b->mask >> index & 1) != 0)
		return ASSAY_DUPLICATE;
	b->value[index] = *d;
	b->mask |= 1u << index;
	return ASSAY_OK;
}

static enum assay_err
hash_bank(struct hasher *h, const struct pcr_values *v, const struct pcr_bank_selection *s)
{
	enum assay_err e;

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct digest *d;

		if ((s->mask >> i & 1) == 0)
			continue;
		if ((d = pcr_value(v, s->alg, i)) == NULL)
			return ASSAY_MISSING;
		if ((e = hash_update(h, digest_span(d))) != ASSAY_OK)
			return e;
	}
	return ASSAY_OK;
}

enum assay_err
pcr_digest(const struct pcr_values *v, const struct pcr_selection *s, uint16_t alg,
	   struct digest *ret)
{
	struct hasher h;
	enum assay_err e;

	if ((e = hash_init(&h, alg)) != ASSAY_OK)
		return e;
	for (unsigned i = 0; i < s->count; i++)
		if ((e = hash_bank(&h, v, &s->bank[i])) != ASSAY_OK)
			return e;
	return hash_final(&h, ret);
}

enum assay_err
pcr_reset_value(uint16_t alg, unsigned index, struct digest *ret)
{
	bool dynamic = index >= PCR_DYNAMIC_FIRST && index <= PCR_DYNAMIC_LAST;

	if (index >= PCR_COUNT)
		return ASSAY_MALFORMED;
	return digest_fill(alg, dynamic ? 0xFF : 0x00, ret);
}
