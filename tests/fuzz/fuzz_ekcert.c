/* fuzz_ekcert.c: a certificate and what the device sent with it, against the test
 * manufacturer's roots. What is trusted has a chain that ends in a root. */
#include "verifier/appraise/certfile.h"
#include "verifier/appraise/ekcert.h"
#include "verifier/compiler/roots_compile.h"

#include <stdlib.h>

#define NOW 1654041600

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct roots *
roots(void)
{
	static struct roots_image image;
	static struct roots opened;
	const struct roots_source src = {.dir = "tests/data/ekcert"};

	if (image.len > 0)
		return &opened;
	if (roots_compile(&src, &image) != ASSAY_OK ||
	    roots_open(SPAN(image.bytes, image.len), &opened) != ASSAY_OK)
		abort();
	return &opened;
}

static void
check(const struct ekcert *e)
{
	if (e->checks > EKCERT_CHECKS_MAX || e->chain_len > EKCERT_DEPTH_MAX)
		abort();
	if ((e->reason == EKCERT_CHAIN_OK) != (e->chain_len > 0))
		abort();
	if (e->chain_len > 0 && !e->chain[e->chain_len - 1].is_root)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ekcert_input in = {.roots = roots(), .time = NOW};
	uint8_t *buf = malloc(n + 1);
	struct certfile_item item;
	struct certfile f;
	struct ekcert e;

	certfile_open(&f, SPAN(p, n), buf, n);
	if (certfile_next(&f, &item) == ASSAY_OK)
		in.cert = item.der;
	while (in.nintermediates < EKCERT_INTERMEDIATES_MAX &&
	       certfile_next(&f, &item) == ASSAY_OK)
		in.intermediates[in.nintermediates++] = item.der;
	ekcert_verify(&in, &e);
	check(&e);
	free(buf);
	return 0;
}
