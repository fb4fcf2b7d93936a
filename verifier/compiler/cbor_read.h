/*
 * cbor_read.h: CBOR (RFC 8949) from outside, item by item, over libcbor's streaming
 * decoder.
 *
 * cbor_check() goes once through the whole input and refuses what the rest need not
 * think of: bytes left over, nesting deeper than CBOR_DEPTH_MAX, counts greater than the
 * bytes that are left, indefinite lengths, integers longer than they need be, floating
 * point, and a key that occurs twice in a map. Nothing is allocated, there is no recursion.
 *
 * A reader is sticky, as struct reader is: after the first error every read yields an
 * item of type CBOR_NONE, and ->err keeps the error.
 */
#ifndef COMPILER_CBOR_READ_H
#define COMPILER_CBOR_READ_H

#include "evidence/reader.h"

#define CBOR_DEPTH_MAX 24
#define CBOR_PAIRS_MAX 1024 /* of one map */

enum cbor_kind {
	CBOR_NONE = 0,
	CBOR_UINT,  /* value */
	CBOR_NINT,  /* -1 - value */
	CBOR_BYTES, /* bytes */
	CBOR_TEXT,  /* bytes; not checked to be UTF-8 */
	CBOR_ARRAY, /* value: how many items follow */
	CBOR_MAP,   /* value: how many pairs follow */
	CBOR_TAG,   /* value: the tag; its item follows */
	CBOR_BOOL,  /* value: 0 or 1 */
	CBOR_NULL,  /* null or undefined */
};

struct cbor_entry {
	enum cbor_kind kind;
	uint64_t value;
	struct span bytes;
};

struct cbor_reader {
	struct span in;
	size_t at;
	enum assay_err err;
};

/* OK: in is exactly one well-formed item within the limits above. TRUNCATED, TRAILING,
 * TOO_MANY (depth, pairs), DUPLICATE, UNSUPPORTED (indefinite length, float), MALFORMED. */
ASSAY_MUST_USE enum assay_err cbor_check(struct span in);

/* Only over what cbor_check() has accepted, or over a part of it. */
void cbor_open(struct cbor_reader *r, struct span in);
/* The next head; of bytes and texts the whole. */
struct cbor_entry cbor_next(struct cbor_reader *r);
/* The same without moving on. */
enum cbor_kind cbor_peek(const struct cbor_reader *r);
/* The bytes of the next whole item, with everything in it; moves on behind it. */
struct span cbor_item(struct cbor_reader *r);
void cbor_fail(struct cbor_reader *r, enum assay_err e);

/* An item of this kind, else BAD_TYPE. */
struct cbor_entry cbor_want(struct cbor_reader *r, enum cbor_kind kind);
/* A tag of this number, else BAD_TYPE. */
void cbor_want_tag(struct cbor_reader *r, uint64_t tag);
/* If the next item is that tag, moves on behind the tag. */
bool cbor_take_tag(struct cbor_reader *r, uint64_t tag);
/* An integer that fits; BAD_TYPE, TOO_LARGE. */
int64_t cbor_int(struct cbor_reader *r);
/* OK only if nothing failed and nothing is left (else TRAILING). */
ASSAY_MUST_USE enum assay_err cbor_finish(const struct cbor_reader *r);

#endif
