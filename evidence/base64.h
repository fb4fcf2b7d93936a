/*
 * base64.h: base64url without padding (RFC 4648, 5), as JWS has it.
 *
 * Strict: no padding, no white space, no other alphabet, and the bits that do not
 * count are zero, so that every byte string has exactly one text (I11).
 */
#ifndef EVIDENCE_BASE64_H
#define EVIDENCE_BASE64_H

#include "writer.h"

#define BASE64_SIZE(n) (((n) * 4 + 2) / 3) /* characters of n bytes */

/* MALFORMED, FULL. */
ASSAY_MUST_USE enum assay_err base64url_decode(struct span text, uint8_t *ret, size_t cap,
					       size_t *ret_len);
void base64url_put(struct writer *w, struct span bytes);

#endif
