/* quote.c: see quote.h. */
#include "quote.h"

#define TPM_GENERATED_VALUE 0xFF544347u /* Part 2, 6.2 */
#define TPM_ST_ATTEST_QUOTE 0x8018u	/* Part 2, 6.9 */
#define SIZEOF_SELECT 3			/* 24 PCRs */
#define SELECTIONS_MAX 16		/* a TPML_PCR_SELECTION of tpm2-tss */

/* Part 2, 10.6.2 and 10.9.7: one byte per 8 PCRs, PCR 0 the lowest bit of the first */
static uint32_t
read_mask(struct reader *r)
{
	uint8_t size = rd_u8(r);
	uint32_t mask = 0;

	if (r->err == ASSAY_OK && size != SIZEOF_SELECT)
		rd_fail(r, ASSAY_MALFORMED);
	for (unsigned i = 0; i < SIZEOF_SELECT; i++) {
		uint32_t bits = rd_u8(r);

		mask |= bits << 8 * i;
	}
	return mask;
}

static void
read_selection(struct reader *r, struct pcr_selection *ret)
{
	uint16_t seen[SELECTIONS_MAX];
	uint32_t count = rd_be32(r);

	count = rd_count(r, count, SELECTIONS_MAX);
	for (uint32_t i = 0; i < count && r->err == ASSAY_OK; i++) {
		uint16_t alg = rd_be16(r);
		uint32_t mask = read_mask(r);

		if (r->err == ASSAY_OK && digest_size(alg) == 0)
			rd_fail(r, ASSAY_UNSUPPORTED);
		for (uint32_t k = 0; k < i; k++)
			if (seen[k] == alg)
				rd_fail(r, ASSAY_DUPLICATE);
		seen[i] = alg;
		if (r->err == ASSAY_OK && mask != 0)
			rd_fail(r, pcr_selection_add(ret, alg, mask));
	}
}

/* Part 2, 10.11.1 */
static void
read_clock_info(struct reader *r, struct quote *q)
{
	uint8_t safe;

	rd_at(r, "clockInfo.clock");
	q->clock = rd_be64(r);
	rd_at(r, "clockInfo.resetCount");
	q->reset_count = rd_be32(r);
	rd_at(r, "clockInfo.restartCount");
	q->restart_count = rd_be32(r);
	rd_at(r, "clockInfo.safe");
	safe = rd_u8(r);
	if (safe > 1)
		rd_fail(r, ASSAY_MALFORMED);
	q->clock_safe = safe == 1;
}

/* Part 2, 10.12.1 */
static void
read_quote_info(struct reader *r, struct quote *q)
{
	rd_at(r, "quote.pcrSelect");
	read_selection(r, &q->selection);
	rd_at(r, "quote.pcrDigest");
	q->pcr_digest = rd_be16_bytes(r, DIGEST_MAX);
	if (r->err == ASSAY_OK && q->pcr_digest.n == 0)
		rd_fail(r, ASSAY_MALFORMED);
}

/* Part 2, 10.12.12 */
static void
read_attest(struct reader *r, struct quote *q)
{
	rd_at(r, "magic");
	if (rd_be32(r) != TPM_GENERATED_VALUE)
		rd_fail(r, ASSAY_BAD_MAGIC);
	rd_at(r, "type");
	if (rd_be16(r) != TPM_ST_ATTEST_QUOTE)
		rd_fail(r, ASSAY_BAD_TYPE);
	rd_at(r, "qualifiedSigner");
	q->qualified_signer = rd_be16_bytes(r, TPM_NAME_MAX);
	rd_at(r, "extraData");
	q->extra_data = rd_be16_bytes(r, QUOTE_EXTRA_MAX);
	read_clock_info(r, q);
	rd_at(r, "firmwareVersion");
	q->firmware_version = rd_be64(r);
	read_quote_info(r, q);
}

static enum assay_err
parse(struct span attest, struct quote *ret, const char **ret_field)
{
	struct quote q = {.bytes = attest};
	struct reader r;
	enum assay_err e;

	rd_init(&r, attest);
	if (attest.n > QUOTE_MAX)
		rd_fail(&r, ASSAY_TOO_LARGE);
	read_attest(&r, &q);
	rd_at(&r, "end");
	e = rd_finish(&r);
	*ret_field = r.field;
	if (e == ASSAY_OK)
		*ret = q;
	return e;
}

enum assay_err
quote_parse(struct span attest, struct quote *ret)
{
	const char *field;

	return parse(attest, ret, &field);
}

const char *
quote_bad_field(struct span attest)
{
	struct quote q;
	const char *field;

	return parse(attest, &q, &field) == ASSAY_OK ? NULL : field;
}
