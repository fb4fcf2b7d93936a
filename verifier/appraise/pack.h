/*
 * pack.h: the pieces of which this folder's canonical encodings are made.
 *
 * pack_x writes, unpack_x reads, each pair one schema. Canonical: equal values give
 * equal bytes and every accepted byte string is the encoding of what it decodes to.
 * What a struct may not hold (unterminated or unprintable text, an enumeration out
 * of range) fails the writer as it fails the reader: MALFORMED.
 */
#ifndef APPRAISE_PACK_H
#define APPRAISE_PACK_H

#include "evidence/pcr.h"
#include "evidence/tpmt.h"
#include "evidence/writer.h"

void pack_bool(struct writer *w, bool b);
bool unpack_bool(struct reader *r);
/* One byte below count. */
void pack_below(struct writer *w, unsigned v, unsigned count);
uint8_t unpack_below(struct reader *r, unsigned count);
/* Four bytes, min <= v <= max. */
void pack_int(struct writer *w, int32_t v, int32_t max);
int32_t unpack_int(struct reader *r, int32_t max); /* from -1 */
void pack_time(struct writer *w, int64_t v);
int64_t unpack_time(struct reader *r);
/* 2-byte length and printable ASCII; cap is the size of the array, NUL included. */
void pack_text(struct writer *w, const char *s, size_t cap);
void unpack_text(struct reader *r, char *ret, size_t cap);
/* The same from and to a span; at most max characters. */
void pack_span_text(struct writer *w, struct span s, size_t max);
struct span unpack_span_text(struct reader *r, size_t max);
/* Exactly n bytes, no length. */
void pack_fixed(struct writer *w, const uint8_t *b, size_t n);
void unpack_fixed(struct reader *r, uint8_t *ret, size_t n);
/* 2-byte length and the bytes, copied; over cap: TOO_LARGE. */
void unpack_bytes(struct reader *r, uint8_t *ret, size_t cap, uint16_t *ret_len);

/* A TPM Name: empty, or a known nameAlg and exactly its digest. */
void pack_name(struct writer *w, const struct tpm_name *n);
void unpack_name(struct reader *r, struct tpm_name *ret);
void pack_selection(struct writer *w, const struct pcr_selection *s);
void unpack_selection(struct reader *r, struct pcr_selection *ret);
void pack_values(struct writer *w, const struct pcr_values *v);
void unpack_values(struct reader *r, struct pcr_values *ret);

#endif
