/* fuzz_config.c: any bytes as verifier.yaml: loaded, or refused with one line. */
#include "verifier/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct config_error err;
	struct config c;

	config_defaults(&c, "/state");
	if (config_parse(&c, SPAN(p, n), "f", &err) == ASSAY_OK)
		return 0;
	if (!*err.text || strpbrk(err.text, "\n\r"))
		abort();
	return 0;
}
