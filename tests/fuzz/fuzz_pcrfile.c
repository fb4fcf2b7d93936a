/* fuzz_pcrfile.c: any bytes as a PCR file of tpm2-tools. What is accepted has exactly
 * the values that its selection names. */
#include "verifier/cli/pcrfile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct pcr_selection quoted = {1, {{ALG_SHA256, 0x010080}}};
	char what[PCRFILE_WHAT_MAX];
	struct pcrfile f;

	if (pcrfile_parse(SPAN(p, n), &quoted, &f, what) != ASSAY_OK)
		return 0;
	if (f.values.count != f.selection.count)
		abort();
	for (unsigned i = 0; i < f.selection.count; i++)
		if (f.values.bank[i].alg != f.selection.bank[i].alg ||
		    f.values.bank[i].mask != f.selection.bank[i].mask)
			abort();
	return 0;
}
