/* fuzz_quote.c: any bytes as a TPMS_ATTEST. What is accepted must encode to the same
 * bytes (selections of no PCR apart), and what is refused must name a field. */
#include "evidence/quote.h"
#include "evidence/writer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
encode(const struct quote *q, struct writer *w)
{
	wr_be32(w, 0xFF544347);
	wr_be16(w, 0x8018);
	wr_be16_bytes(w, q->qualified_signer);
	wr_be16_bytes(w, q->extra_data);
	wr_be64(w, q->clock);
	wr_be32(w, q->reset_count);
	wr_be32(w, q->restart_count);
	wr_u8(w, q->clock_safe);
	wr_be64(w, q->firmware_version);
	wr_be32(w, q->selection.count);
	for (unsigned i = 0; i < q->selection.count; i++) {
		const struct pcr_bank_selection *b = &q->selection.bank[i];

		if (b->mask == 0 || b->mask >> PCR_COUNT != 0)
			abort();
		wr_be16(w, b->alg);
		wr_u8(w, 3);
		wr_u8(w, (uint8_t)b->mask);
		wr_u8(w, (uint8_t)(b->mask >> 8));
		wr_u8(w, (uint8_t)(b->mask >> 16));
	}
	wr_be16_bytes(w, q->pcr_digest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t bytes[QUOTE_MAX];
	struct writer w;
	struct quote q;
	size_t len;

	if (quote_parse(SPAN(p, n), &q) != ASSAY_OK) {
		if (!quote_bad_field(SPAN(p, n)))
			abort();
		return 0;
	}
	wr_init(&w, bytes, sizeof bytes);
	encode(&q, &w);
	if (wr_finish(&w, &len) != ASSAY_OK || len > n || (n - len) % 6 != 0)
		abort();
	if (len == n && !span_equal(SPAN(bytes, len), SPAN(p, n)))
		abort();
	return 0;
}
