/*
 * json.h: a strict reader of JSON (RFC 8259) for what is signed and what keys are.
 *
 * The whole text is checked before anything is believed: one value, nothing after it,
 * no member twice (names are compared as they read, escapes resolved: I11), valid
 * UTF-8, nesting at most JSON_DEPTH_MAX, no recursion, no allocation: the nodes are
 * the caller's memory. Numbers are told apart as they are written: 17 is an integer,
 * 17.0 and 1.7e1 are not (RFC 9711, 4.3.1).
 *
 * Nodes are in the order of the text; each knows its parent and where its subtree
 * ends. Spans point into the text.
 */
#ifndef EVIDENCE_JSON_H
#define EVIDENCE_JSON_H

#include "reader.h"

#define JSON_DEPTH_MAX 16
#define JSON_NAME_MAX 128 /* bytes of a member's name, escapes resolved */

enum json_type {
	JSON_NONE = 0,
	JSON_OBJECT_T,
	JSON_ARRAY_T,
	JSON_STRING_T,
	JSON_INTEGER_T, /* -?(0|[1-9][0-9]*), fits 63 bits */
	JSON_REAL_T,	/* every other number */
	JSON_TRUE_T,
	JSON_FALSE_T,
	JSON_NULL_T,
};

struct json_node {
	uint8_t type; /* enum json_type */
	bool name_escaped, escaped;
	uint16_t depth;
	uint32_t parent; /* index; the root is its own */
	uint32_t end;	 /* index after its subtree */
	struct span name; /* of a member, without quotes; else empty */
	struct span text; /* of a string without quotes, else as written */
	size_t start;	  /* json.c's */
};

/* Reads all of text into node[0..*ret_n), node[0] is the value. MALFORMED, TRAILING,
 * DUPLICATE, TOO_MANY (cap nodes), TOO_LARGE (a name or an integer). */
ASSAY_MUST_USE enum assay_err json_read(struct span text, struct json_node *node, uint32_t cap,
					uint32_t *ret_n);
/* The member of an object; 0 if there is none (the root is nobody's member). */
uint32_t json_member(const struct json_node *node, uint32_t object, const char *name);
/* The first element of an array or object, and the one after at; 0: no more. */
uint32_t json_first(const struct json_node *node, uint32_t of);
uint32_t json_after(const struct json_node *node, uint32_t at);
/* MALFORMED unless it is an integer. */
ASSAY_MUST_USE enum assay_err json_integer_of(const struct json_node *node, uint32_t at,
					      int64_t *ret);
/* The string, escapes resolved, NUL-terminated; MALFORMED: no string, or one with NUL;
 * FULL: it has no room. */
ASSAY_MUST_USE enum assay_err json_string_of(const struct json_node *node, uint32_t at, char *ret,
					     size_t cap);
/* The same of a member's name. */
ASSAY_MUST_USE enum assay_err json_name_of(const struct json_node *node, uint32_t at, char *ret,
					   size_t cap);
bool json_string_is(const struct json_node *node, uint32_t at, const char *text);

/* Writing: the text in quotes, with what JSON demands escaped and everything that is not
 * printable ASCII as \u00XX. Text of the house is ASCII. */
struct writer;
void json_put_string(struct writer *w, const char *s);
void json_put_text(struct writer *w, const char *s); /* as it is */
void json_put_integer(struct writer *w, int64_t v);

#endif
