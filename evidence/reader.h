/*
 * reader.h: with reader.c the only place where bytes from outside are walked.
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

/* ---- the cursor, inline: what every line of a parser and every look-up does ------- */

/* Record an error found by the caller; the first one stays. */
static inline void
rd_fail(struct reader *r, enum assay_err e)
{
	if (r->err == ASSAY_OK)
		r->err = e;
}

/* Name what is read next. After an error the name stays, so that ->field is where
 * reading failed; for messages only. */
static inline void
rd_at(struct reader *r, const char *field)
{
	if (r->err == ASSAY_OK)
		r->field = field;
}

/* How many bytes are left (0 after an error). */
static inline size_t
rd_left(const struct reader *r)
{
	return r->err == ASSAY_OK ? r->len - r->pos : 0;
}

/* n if n <= max; otherwise 0, and the reader has failed with TOO_MANY. */
static inline uint32_t
rd_count(struct reader *r, uint32_t n, uint32_t max)
{
	if (r->err != ASSAY_OK)
		return 0;
	if (n > max) {
		rd_fail(r, ASSAY_TOO_MANY);
		return 0;
	}
	return n;
}

/* The next n bytes, borrowed from the input; empty after an error. */
static inline struct span
rd_bytes(struct reader *r, size_t n)
{
	struct span s = {NULL, 0};

	if (r->err != ASSAY_OK || n == 0)
		return s;
	if (n > r->len - r->pos) {
		r->err = ASSAY_TRUNCATED;
		return s;
	}
	s.p = r->p + r->pos;
	s.n = n;
	r->pos += n;
	return s;
}

static inline uint8_t
rd_u8(struct reader *r)
{
	struct span s = rd_bytes(r, 1);

	return s.n != 0 ? s.p[0] : 0;
}

/* n bytes of s from `at`; empty if they are not all there. O(1), for tables. */
static inline struct span
span_part(struct span s, size_t at, size_t n)
{
	if (at > s.n || n > s.n - at || n == 0)
		return SPAN(NULL, 0);
	return SPAN(s.p + at, n);
}

/* The little-endian number at `at`; 0 if it is not all there. */
static inline uint32_t
span_le32(struct span s, size_t at)
{
	struct span p = span_part(s, at, 4);

	if (p.n == 0)
		return 0;
	return (uint32_t)p.p[0] | (uint32_t)p.p[1] << 8 | (uint32_t)p.p[2] << 16 |
	       (uint32_t)p.p[3] << 24;
}

static inline uint32_t
rd_le32(struct reader *r)
{
	return span_le32(rd_bytes(r, 4), 0);
}

uint16_t rd_be16(struct reader *r);
uint32_t rd_be32(struct reader *r);
uint64_t rd_be64(struct reader *r);
uint16_t rd_le16(struct reader *r);
uint64_t rd_le64(struct reader *r);

/* A 2-byte big-endian length and as many bytes (TPM2B); over max: TOO_LARGE. */
struct span rd_be16_bytes(struct reader *r, size_t max);
/* A 4-byte big-endian length and as many bytes; over max: TOO_LARGE. */
struct span rd_be32_bytes(struct reader *r, size_t max);
/* What stands before the next byte c, which is taken too; MALFORMED if there is none. */
struct span rd_until(struct reader *r, uint8_t c);
/* Everything that is left. */
struct span rd_rest(struct reader *r);
/* OK only if nothing failed and nothing is left (else TRAILING). */
ASSAY_MUST_USE enum assay_err rd_finish(struct reader *r);

/* What stands before the first byte c; all of s if there is none. */
struct span span_until(struct span s, uint8_t c);
/* Equal in constant time for equal lengths; different lengths are not equal. */
bool span_equal(struct span a, struct span b);
/* No byte but zeros; also of nothing. */
bool span_zero(struct span s);

#endif
