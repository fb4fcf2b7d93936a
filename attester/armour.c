/* armour.c: see armour.h. */
#include "armour.h"

#include "evidence/der.h"

#include <string.h>

#define BEGIN "-----BEGIN "
#define DASHES "-----"
#define LABEL_MAX 64

bool
armour_is(struct span text)
{
	return text.n > sizeof BEGIN && memmem(text.p, text.n, BEGIN, sizeof BEGIN - 1) != NULL;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 up to the first dash; blanks and line ends between. */
static enum assay_err
decode(struct reader *r, uint8_t *ret, size_t cap, size_t *ret_len)
{
	unsigned bits = 0, have = 0, pad = 0;
	size_t n = 0;

	while (rd_left(r) > 0 && der_peek(r) != '-') {
		uint8_t c = rd_u8(r);
		int v = base64_value(c);

		if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
			continue;
		if (c == '=' && ++pad <= 2)
			continue;
		if (v < 0 || pad)
			return ASSAY_MALFORMED;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == cap)
			return ASSAY_FULL;
		ret[n++] = (uint8_t)(bits >> have);
	}
	*ret_len = n;
	return n > 0 && have < 6 && span_equal(rd_bytes(r, sizeof DASHES - 1), SPAN(DASHES, 5))
		       ? ASSAY_OK
		       : ASSAY_MALFORMED;
}

static bool
ends_in(struct span s, const char *label)
{
	size_t n = strlen(label);

	return s.n >= n && memcmp(s.p + s.n - n, label, n) == 0; /* public */
}

enum assay_err
armour_next(struct span text, size_t *at, const char *label, uint8_t *ret, size_t cap,
	 size_t *ret_len)
{
	for (;;) {
		struct reader r;
		const uint8_t *begin, *end;
		struct span rest, name;
		enum assay_err e;

		rd_init(&r, text);
		(void)rd_bytes(&r, *at);
		rest = rd_rest(&r);
		begin = rest.n ? memmem(rest.p, rest.n, BEGIN, sizeof BEGIN - 1) : NULL;
		if (!begin)
			return ASSAY_NOT_FOUND;
		rd_init(&r, rest);
		(void)rd_bytes(&r, (size_t)(begin - rest.p) + sizeof BEGIN - 1);
		rest = rd_rest(&r);
		end = memmem(rest.p, rest.n < LABEL_MAX ? rest.n : LABEL_MAX, DASHES,
			     sizeof DASHES - 1);
		if (!end)
			return ASSAY_MALFORMED;
		rd_init(&r, rest);
		name = rd_bytes(&r, (size_t)(end - rest.p));
		(void)rd_bytes(&r, sizeof DASHES - 1);
		*at = text.n - rd_left(&r);
		if (!ends_in(name, label))
			continue;
		e = decode(&r, ret, cap, ret_len);
		*at = text.n - rd_left(&r);
		return e;
	}
}

/* RFC 5280, 4.1 */
enum assay_err
armour_certificate_key(struct span der, struct span *ret)
{
	struct reader r, cert, tbs;
	struct span ignored, key;
	uint8_t tag;

	rd_init(&r, der);
	cert = der_enter(&r, DER_SEQUENCE);
	tbs = der_enter(&cert, DER_SEQUENCE);
	(void)der_optional(&tbs, DER_CONTEXT | 0, &ignored);
	for (unsigned i = 0; i < 5; i++) /* serial, signature, issuer, validity, subject */
		(void)der_any(&tbs, &tag, NULL);
	(void)der_any(&tbs, &tag, &key);
	(void)rd_rest(&tbs);
	(void)rd_rest(&cert);
	if (rd_finish(&r) != ASSAY_OK || rd_finish(&cert) != ASSAY_OK ||
	    rd_finish(&tbs) != ASSAY_OK || tag != DER_SEQUENCE)
		return ASSAY_MALFORMED;
	*ret = key;
	return ASSAY_OK;
}
