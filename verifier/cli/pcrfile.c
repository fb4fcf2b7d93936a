/* pcrfile.c: see pcrfile.h. */
#include "pcrfile.h"

#include <stdio.h>
#include <string.h>

/* tpm2-tss: tss2_tpm2_types.h */
#define SELECTIONS 16  /* TPM2_NUM_PCR_BANKS */
#define SELECT_BYTES 4 /* TPM2_PCR_SELECT_MAX */
#define DIGESTS 8      /* of a TPML_DIGEST */
#define LISTS_MAX 32   /* TPM2_MAX_PCRS */
#define SERIALIZED_SELECTION (4 + SELECTIONS * 8)
#define SERIALIZED_DIGESTS (4 + DIGESTS * (2 + DIGEST_MAX))

/* The two layouts that have structure differ only in these. */
struct layout {
	const char *name;
	uint16_t (*u16)(struct reader *);
	uint32_t (*u32)(struct reader *);
	bool padded; /* arrays of full size, structs of C */
};

static const struct layout serialized = {"serialized", rd_le16, rd_le32, true};
static const struct layout marshaled = {"marshaled", rd_be16, rd_be32, false};

/* Where the values go, in the order of the selection. */
struct cursor {
	const struct pcr_selection *selection;
	struct pcr_values *values;
	unsigned bank, index;
};

/* The next selected PCR; false after the last. */
static bool
next_pcr(struct cursor *c, uint16_t *ret_alg, unsigned *ret_index)
{
	for (; c->bank < c->selection->count; c->bank++, c->index = 0)
		for (; c->index < PCR_COUNT; c->index++)
			if ((c->selection->bank[c->bank].mask >> c->index & 1) != 0) {
				*ret_alg = c->selection->bank[c->bank].alg;
				*ret_index = c->index++;
				return true;
			}
	return false;
}

static enum assay_err
put_value(struct cursor *c, struct span bytes)
{
	struct digest d;
	unsigned index;
	uint16_t alg;
	enum assay_err e;

	if (!next_pcr(c, &alg, &index))
		return ASSAY_TOO_MANY;
	if ((e = digest_from(alg, bytes, &d)) != ASSAY_OK)
		return e;
	return pcr_set(c->values, index, &d);
}

static bool
is_complete(struct cursor *c)
{
	unsigned index;
	uint16_t alg;

	return !next_pcr(c, &alg, &index);
}

static void
read_selection(struct reader *r, const struct layout *l, struct pcr_selection *ret)
{
	uint16_t alg = l->u16(r);
	uint8_t size = rd_u8(r);
	struct span bits;
	uint32_t mask = 0;

	if (size == 0 || size > SELECT_BYTES)
		rd_fail(r, ASSAY_MALFORMED);
	bits = rd_bytes(r, l->padded ? SELECT_BYTES : size);
	for (size_t i = 0; i < bits.n && i < size; i++)
		mask |= (uint32_t)bits.p[i] << 8 * i;
	if (l->padded)
		(void)rd_u8(r);
	if (r->err == ASSAY_OK && digest_size(alg) == 0)
		rd_fail(r, ASSAY_UNSUPPORTED);
	if (r->err == ASSAY_OK && mask != 0)
		rd_fail(r, pcr_selection_add(ret, alg, mask));
}

static void
read_selections(struct reader *r, const struct layout *l, struct pcr_selection *ret)
{
	uint32_t count;

	rd_at(r, "pcrSelections");
	count = rd_count(r, l->u32(r), SELECTIONS);
	for (uint32_t i = 0; i < count && r->err == ASSAY_OK; i++)
		read_selection(r, l, ret);
	if (l->padded) /* entries beyond the count are memory that nobody set */
		(void)rd_bytes(r, (SELECTIONS - count) * 8);
}

static void
read_digests(struct reader *r, const struct layout *l, struct cursor *c)
{
	uint32_t count;

	count = rd_count(r, l->u32(r), DIGESTS);
	for (uint32_t i = 0; i < count && r->err == ASSAY_OK; i++) {
		uint16_t size = l->u16(r);
		struct reader value;

		if (size > DIGEST_MAX)
			rd_fail(r, ASSAY_TOO_LARGE);
		rd_init(&value, rd_bytes(r, l->padded ? DIGEST_MAX : size));
		if (r->err == ASSAY_OK)
			rd_fail(r, put_value(c, rd_bytes(&value, size)));
	}
	if (l->padded)
		(void)rd_bytes(r, (size_t)(DIGESTS - count) * (2 + DIGEST_MAX));
}

static enum assay_err
parse_structs(struct span file, const struct layout *l, struct pcrfile *ret, const char **ret_field)
{
	struct cursor c = {.selection = &ret->selection, .values = &ret->values};
	struct reader r;
	uint32_t lists;

	memset(ret, 0, sizeof *ret);
	ret->layout = l->name;
	rd_init(&r, file);
	read_selections(&r, l, &ret->selection);
	rd_at(&r, "number of digest lists");
	lists = rd_count(&r, l->u32(&r), LISTS_MAX);
	rd_at(&r, "digests");
	for (uint32_t i = 0; i < lists && r.err == ASSAY_OK; i++)
		read_digests(&r, l, &c);
	if (r.err == ASSAY_OK && !is_complete(&c))
		rd_fail(&r, ASSAY_MISSING);
	rd_at(&r, "end");
	*ret_field = r.field;
	return rd_finish(&r);
}

static enum assay_err
parse_values(struct span file, const struct pcr_selection *quoted, struct pcrfile *ret)
{
	struct cursor c = {.selection = quoted, .values = &ret->values};
	struct cursor ahead = c;
	struct reader r;
	unsigned index;
	uint16_t alg;

	memset(ret, 0, sizeof *ret);
	ret->layout = "values";
	ret->selection = *quoted;
	rd_init(&r, file);
	while (r.err == ASSAY_OK && next_pcr(&ahead, &alg, &index)) {
		struct span bytes = rd_bytes(&r, digest_size(alg));

		if (r.err == ASSAY_OK)
			rd_fail(&r, put_value(&c, bytes));
	}
	return rd_finish(&r);
}

/* A count below 256 shows the byte order. */
static const struct layout *
guess(struct span file)
{
	struct reader r;
	struct span start;

	rd_init(&r, file);
	start = rd_bytes(&r, 4);
	if (r.err != ASSAY_OK || start.p[1] != 0 || start.p[2] != 0)
		return NULL;
	if (start.p[0] != 0 && start.p[3] == 0)
		return &serialized;
	return start.p[0] == 0 && start.p[3] != 0 ? &marshaled : NULL;
}

enum assay_err
pcrfile_parse(struct span file, const struct pcr_selection *quoted, struct pcrfile *ret,
	      char ret_what[PCRFILE_WHAT_MAX])
{
	const struct layout *l = guess(file);
	const char *field = "";
	struct pcrfile f;
	enum assay_err e, structured = ASSAY_BAD_MAGIC;

	if (l)
		structured = parse_structs(file, l, &f, &field);
	e = structured;
	if (e != ASSAY_OK)
		e = parse_values(file, quoted, &f);
	if (e == ASSAY_OK) {
		*ret = f;
		return ASSAY_OK;
	}
	snprintf(ret_what, PCRFILE_WHAT_MAX, "%s%s%s", l ? l->name : "values", l ? ": " : "",
		 field);
	return l ? structured : e;
}
