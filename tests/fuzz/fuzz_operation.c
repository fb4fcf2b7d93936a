/* fuzz_operation.c: what console sends keeper. What is accepted must encode to the
 * same bytes. */
#include "verifier/operation.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t again[OPERATION_BYTES_MAX];
	struct operation op;
	size_t len;

	if (operation_decode(SPAN(p, n), &op) != ASSAY_OK)
		return 0;
	if (operation_encode(&op, again, sizeof again, &len) != ASSAY_OK || len != n ||
	    memcmp(again, p, n) != 0) /* public */
		abort();
	return 0;
}
