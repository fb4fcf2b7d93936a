/* x509_lax.c: which of DER's rules of encoding a structure breaks. See x509.h. */
#include "x509_internal.h"

#include <string.h>

#define CONSTRUCTED 0x20

const char *
x509_lax_text(enum x509_lax_index i)
{
	static const char *const texts[] = {
#define X(bit, text) text,
		X509_LAXITIES(X)
#undef X
	};

	return i < X509_LAX_COUNT ? texts[i] : "";
}

/* Tag, length byte, and as many bytes as a length over 127 needs. */
static size_t
shortest_header(size_t content)
{
	size_t n = 2;

	if (content < 0x80)
		return n;
	for (; content > 0; content >>= 8)
		n++;
	return n;
}

/* Lexicographic, a prefix first: X.690, 11.6 */
static bool
comes_after(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int cmp = n > 0 ? memcmp(a.p, b.p, n) : 0; /* public */

	return cmp != 0 ? cmp > 0 : a.n > b.n;
}

static bool
set_is_unordered(struct span content)
{
	struct span last = {NULL, 0}, member;
	struct reader r;
	uint8_t tag;

	rd_init(&r, content);
	while (rd_left(&r) > 0) {
		(void)der_any(&r, &tag, &member);
		if (r.err == ASSAY_OK && comes_after(last, member))
			return true;
		last = member;
	}
	return false;
}

/*
 * A flat walk: after the header of a constructed element comes its first member,
 * so that going on reading headers visits everything without a stack. Where the
 * bytes are not DER at all the walk just ends: the parsers decide about that.
 */
uint32_t
x509_laxity(struct span der)
{
	uint32_t lax = 0;
	struct reader r;

	rd_init(&r, der);
	while (rd_left(&r) > 0) {
		struct reader before = r;
		struct span whole, content;
		size_t header;
		uint8_t tag;

		content = der_any(&r, &tag, &whole);
		if (r.err != ASSAY_OK)
			break;
		header = whole.n - content.n;
		if (header > shortest_header(content.n))
			lax |= X509_LAX_LENGTH;
		if (tag == DER_SET && set_is_unordered(content))
			lax |= X509_LAX_SET_ORDER;
		if (tag & CONSTRUCTED) {
			r = before;
			(void)rd_bytes(&r, header);
		}
	}
	return lax;
}
