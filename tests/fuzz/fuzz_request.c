/* fuzz_request.c: a path and a body, with a line's end between, as an operator's
 * request. What is accepted must be an operation that keeper can read. */
#include "verifier/operator/request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(const struct operator_request *r)
{
	static uint8_t bytes[OPERATION_BYTES_MAX];
	struct operation again;
	size_t len;

	if (operation_encode(&r->op, bytes, sizeof bytes, &len) != ASSAY_OK)
		return; /* a path's field may be unprintable: told so by its encoding */
	if (operation_decode(SPAN(bytes, len), &again) != ASSAY_OK || again.code != r->route->op)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct operator_request r;
	const uint8_t *end = n ? memchr(p, '\n', n) : NULL;
	size_t path = end ? (size_t)(end - p) : n;
	struct span rest = end ? SPAN(end + 1, n - path - 1) : SPAN(NULL, 0);

	if (request_start(&r, METHOD_POST, SPAN(p, path)) == ASSAY_OK &&
	    request_body(&r, rest) == ASSAY_OK)
		check(&r);
	if (r.route)
		request_free(&r);
	if (request_start(&r, METHOD_GET, SPAN(p, path)) == ASSAY_OK &&
	    request_query(&r, rest) == ASSAY_OK)
		check(&r);
	return 0;
}
