/* fuzz_manifest.c: any bytes as a manifest, alone and beside another: what is accepted
 * has one form, and nothing is different from itself. */
#include "evidence/software.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
same_again(struct span s)
{
	struct manifest_entry e;
	struct manifest m;
	uint8_t one[MANIFEST_ENTRY_MAX];
	size_t len, total = MANIFEST_MAGIC_SIZE;

	manifest_open(&m, s);
	while (manifest_next(&m, &e)) {
		if (manifest_encode(&e, one, sizeof one, &len) != ASSAY_OK ||
		    !span_equal(SPAN(one, len), SPAN(s.p + total, len)))
			abort();
		total += len;
	}
	if (manifest_close(&m) == ASSAY_OK && total != s.n)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span all = SPAN(p, n), a = SPAN(p, n / 2), b = SPAN(p + n / 2, n - n / 2);
	struct manifest_diff d;
	struct manifest_change c;

	same_again(all);
	manifest_diff_open(&d, all, all);
	if (manifest_diff_next(&d, &c))
		abort();
	manifest_diff_open(&d, a, b);
	while (manifest_diff_next(&d, &c))
		;
	(void)software_kind_by_name(all);
	return 0;
}
