/* fuzz_corim.c: any bytes as a CoRIM: read, verified, judged. Nothing that is signed by
 * nobody known is accepted, and nothing unusable counts as usable. */
#include "verifier/compiler/corim.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct corim_anchors none;
	static struct corim c;
	uint8_t signer[32];

	if (corim_read(SPAN(p, n), &c) != ASSAY_OK)
		return 0;
	if (corim_verify(&c, &none, 1798761600, signer) == CORIM_OK)
		abort();
	for (uint32_t i = 0; i < c.nrecords; i++) {
		const struct corim_record *r = &c.record[i];

		if (r->usable && (*r->why_not || (r->count == 0 && r->pcrs.count == 0)))
			abort();
		if (r->first + r->count > c.nmeasures)
			abort();
	}
	(void)corim_judge(&c, 1798761600);
	return 0;
}
