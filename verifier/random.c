/* random.c: see random.h. */
#include "random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum assay_err
random_bytes(void *ret, size_t n)
{
	uint8_t *p = ret;

	for (size_t done = 0; done < n;) {
		ssize_t k = getrandom(p + done, n - done, 0);

		if (k > 0) {
			done += (size_t)k;
			continue;
		}
		if (k < 0 && errno == EINTR)
			continue;
		explicit_bzero(ret, n);
		return ASSAY_IO;
	}
	return ASSAY_OK;
}

/* Values under 2^32 mod bound are drawn again, so that none is more likely. */
enum assay_err
random_below(uint32_t bound, uint32_t *ret)
{
	uint32_t v, unfair;
	enum assay_err e;

	if (bound == 0)
		return ASSAY_MALFORMED;
	unfair = (0u - bound) % bound;
	do {
		if ((e = random_bytes(&v, sizeof v)) != ASSAY_OK)
			return e;
	} while (v < unfair);
	*ret = v % bound;
	return ASSAY_OK;
}
