/*
 * writer.h: bytes out, into memory of the caller, never beyond it.
 *
 * Sticky like the reader: after the first write that does not fit nothing more is
 * written and wr_finish() reports FULL. It does not allocate. The counterpart of
 * every wr_x is rd_x.
 */
#ifndef EVIDENCE_WRITER_H
#define EVIDENCE_WRITER_H

#include "reader.h"

struct writer {
	uint8_t *p;
	size_t cap;
	size_t len;
	enum assay_err err;
};

void wr_init(struct writer *w, void *p, size_t cap);
void wr_u8(struct writer *w, uint8_t v);
void wr_be16(struct writer *w, uint16_t v);
void wr_be32(struct writer *w, uint32_t v);
void wr_be64(struct writer *w, uint64_t v);
void wr_le16(struct writer *w, uint16_t v);
void wr_le32(struct writer *w, uint32_t v);
void wr_bytes(struct writer *w, struct span s);
/* 2-byte (4-byte) big-endian length, then the bytes; TOO_LARGE if too long. */
void wr_be16_bytes(struct writer *w, struct span s);
void wr_be32_bytes(struct writer *w, struct span s);
void wr_fail(struct writer *w, enum assay_err e);
/* The error, or OK and the number of bytes written. */
ASSAY_MUST_USE enum assay_err wr_finish(const struct writer *w, size_t *ret_len);
/* What was written so far. */
struct span wr_span(const struct writer *w);

#endif
