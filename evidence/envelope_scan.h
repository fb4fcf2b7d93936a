/*
 * envelope_scan.h: what a protobuf message of ours may look like, byte for byte.
 *
 * One table per message says which fields there are, of what type, how long and
 * how often. envelope_scan() walks the wire format by these tables, before
 * protobuf-c sees a byte (Q13) and once more over everything that we encode.
 * It accepts the canonical form only, so that one meaning has one encoding:
 * fields in ascending order, defaults (0, empty) left out, shortest varints,
 * repeated numbers packed. Messages nest once and never recursively.
 *
 * Not installed; only envelope*.c include it.
 */
#ifndef EVIDENCE_ENVELOPE_SCAN_H
#define EVIDENCE_ENVELOPE_SCAN_H

#include "envelope.h"

enum field_kind {
	FIELD_UINT,    /* varint; min and max are of its value */
	FIELD_BOOL,    /* varint 1, or absent */
	FIELD_BYTES,   /* min and max are of its length */
	FIELD_TEXT,    /* the same, printable ASCII */
	FIELD_PACKED,  /* varints; min and max are of each, count of how many */
	FIELD_MESSAGE, /* of rule ->nested; min and max are of its length */
};

struct message_rule;

struct field_rule {
	uint8_t number; /* 1..15: keys are one byte */
	uint8_t kind;	/* enum field_kind */
	bool required;
	uint16_t count; /* 1, or the most elements of a repeated field */
	uint32_t min;
	uint64_t max;
	const struct message_rule *nested;
};

#define FIELD_RULES_MAX 13

struct message_rule {
	size_t max; /* bytes of the message */
	uint8_t nfields;
	struct field_rule fields[FIELD_RULES_MAX]; /* by ascending number */
};

/* Claims have no frame type; their rule is found under this number. */
#define MSG_CLAIMS 255

/* The rule of a message type (or MSG_CLAIMS), NULL if there is none. */
const struct message_rule *message_rule(unsigned type);
/*
 * OK if body is exactly one message by this rule. TOO_LARGE, TOO_MANY, DUPLICATE,
 * MISSING, TRUNCATED, MALFORMED (unknown field, wrong type, order, value or form).
 */
ASSAY_MUST_USE enum assay_err envelope_scan(const struct message_rule *rule, struct span body);

#endif
