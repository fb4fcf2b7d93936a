/*
 * reader.h: the only place where bytes from outside are walked.
 *
 * A reader is a cursor over memory that it does not own. It is sticky: after the
 * first bad read every further read yields zero or an empty span, and the first
 * error is kept. Nothing read is to be believed until rd_finish() returned OK,
 * which it does only if nothing failed and nothing is left over. Checks are by
 * subtraction, so that no sum can wrap.
 *
 * Byte order is in the name: TPM structures are big-endian (be), TCG event logs
 * and IMA binary lists little-endian (le).
 */
#ifndef EVIDENCE_READER_H
#define EVIDENCE_READER_H

#include <assay/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. {NULL, 0} is the empty span; p may be NULL only if n is 0. */
struct span {
	const uint8_t *p;
	size_t n;
};

#define SPAN(ptr, len) ((struct span){(const uint8_t *)(ptr), (len)})

struct reader {
	const uint8_t *p;
	size_t len;
	size_t pos;
	enum assay_err err;
	const char *field;
};

void rd_init(struct reader *r, struct span in);

uint8_t rd_u8(struct reader *r);
uint16_t rd_be16(struct reader *r);
uint32_t rd_be32(struct reader *r);
uint64_t rd_be64(struct reader *r);
uint16_t rd_le16(struct reader *r);
uint32_t rd_le32(struct reader *r);
uint64_t rd_le64(struct reader *r);

/* The next n bytes, borrowed from the input; empty after an error. */
struct span rd_bytes(struct reader *r, size_t n);
/* A 2-byte big-endian length and as many bytes (TPM2B); over max: TOO_LARGE. */
struct span rd_be16_bytes(struct reader *r, size_t max);
/* A 4-byte big-endian length and as many bytes; over max: TOO_LARGE. */
struct span rd_be32_bytes(struct reader *r, size_t max);
/* Everything that is left. */
struct span rd_rest(struct reader *r);
/* How many bytes are left (0 after an error). */
size_t rd_left(const struct reader *r);
/* n if n <= max; otherwise 0, and the reader has failed with TOO_MANY. */
uint32_t rd_count(struct reader *r, uint32_t n, uint32_t max);
/* Record an error found by the caller; the first one stays. */
void rd_fail(struct reader *r, enum assay_err e);
/* Name what is read next. After an error the name stays, so that ->field is where
 * reading failed; for messages only. */
void rd_at(struct reader *r, const char *field);
/* OK only if nothing failed and nothing is left (else TRAILING). */
ASSAY_MUST_USE enum assay_err rd_finish(struct reader *r);

/* n bytes of s from `at`; empty if they are not all there. O(1), for tables. */
struct span span_part(struct span s, size_t at, size_t n);
/* The little-endian number at `at`; 0 if it is not all there. */
uint32_t span_le32(struct span s, size_t at);
/* What stands before the first byte c; all of s if there is none. */
struct span span_until(struct span s, uint8_t c);
/* Equal in constant time for equal lengths; different lengths are not equal. */
bool span_equal(struct span a, struct span b);

#endif
