/* hex.c: see hex.h. */
#include "hex.h"

#include <string.h>

enum assay_err
hex_encode(struct span in, char *ret, size_t cap)
{
	static const char digits[] = "0123456789abcdef";

	if (cap == 0 || in.n > (cap - 1) / 2)
		return ASSAY_FULL;
	for (size_t i = 0; i < in.n; i++) {
		ret[2 * i] = digits[in.p[i] >> 4];
		ret[2 * i + 1] = digits[in.p[i] & 15];
	}
	ret[2 * in.n] = '\0';
	return ASSAY_OK;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum assay_err
hex_decode(const char *text, uint8_t *ret, size_t cap, size_t *ret_len)
{
	size_t n = strlen(text);

	if (n % 2 != 0)
		return ASSAY_MALFORMED;
	if (n / 2 > cap)
		return ASSAY_FULL;
	for (size_t i = 0; i < n / 2; i++) {
		int hi = nibble(text[2 * i]), lo = nibble(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return ASSAY_MALFORMED;
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret_len = n / 2;
	return ASSAY_OK;
}
