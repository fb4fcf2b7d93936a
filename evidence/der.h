/*
 * der.h: the few shapes of ASN.1 DER that keys and certificates use.
 *
 * Built on reader.c: a der_x function takes the next element from a reader and
 * fails the reader (MALFORMED, BAD_TYPE, TRUNCATED) when it is not that element.
 * Lengths: definite, at most 4 length bytes; two vendors' EK certificates are not
 * minimal, so non-minimal lengths are accepted here and reported by x509.c.
 */
#ifndef EVIDENCE_DER_H
#define EVIDENCE_DER_H

#include "reader.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8 = 0x0C,
	DER_PRINTABLE = 0x13,
	DER_T61 = 0x14,
	DER_IA5 = 0x16,
	DER_UTCTIME = 0x17,
	DER_GENTIME = 0x18,
	DER_BMP = 0x1E,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0xA0, /* constructed [n] is DER_CONTEXT | n */
	DER_CONTEXT_PRIM = 0x80,
};

/* The tag of the next element without taking it; 0 at the end or after an error. */
uint8_t der_peek(const struct reader *r);
/* Next element of any tag: its content; *ret_tag its tag, *ret_whole (may be NULL)
 * header and content together. */
struct span der_any(struct reader *r, uint8_t *ret_tag, struct span *ret_whole);
/* Next element, which must have this tag: its content. */
struct span der_get(struct reader *r, uint8_t tag);
/* As der_get, then a reader over the content. */
struct reader der_enter(struct reader *r, uint8_t tag);
/* If the next element has this tag, take it and return true. */
bool der_optional(struct reader *r, uint8_t tag, struct span *ret);
/* INTEGER, not negative, without leading zero bytes (0 is one zero byte). */
struct span der_unsigned(struct reader *r);
/* BIT STRING with no unused bits: its bytes. */
struct span der_bits(struct reader *r);
/* Object identifier content bytes equal to a literal. */
#define DER_OID_IS(s, lit) span_equal((s), SPAN(lit, sizeof(lit) - 1))

#endif
