/*
 * hex.h: bytes as lower-case hexadecimal text and back.
 */
#ifndef EVIDENCE_HEX_H
#define EVIDENCE_HEX_H

#include "reader.h"

/* 2 * in.n characters and a NUL into ret, which has that room (else FULL). */
ASSAY_MUST_USE enum assay_err hex_encode(struct span in, char *ret, size_t cap);
/* Whole string, even length, either case; *ret_len bytes. MALFORMED, FULL. */
ASSAY_MUST_USE enum assay_err hex_decode(const char *text, uint8_t *ret, size_t cap,
					 size_t *ret_len);

#endif
