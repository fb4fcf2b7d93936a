/*
 * normal.h: configuration files as keys and values, so that what may differ can be left
 * out and order and white space do not count. docs/agent.md, "Configuration files".
 *
 * Parsers of text that may be anything: bounded, without recursion, and whole or not at
 * all: what is not understood is MALFORMED, never skipped.
 */
#ifndef COLLECT_NORMAL_H
#define COLLECT_NORMAL_H

#include "measure.h"

#define NORMAL_FILE_MAX (1u << 20)
#define NORMAL_DEPTH_MAX 32
#define NORMAL_NAME_MAX 1000

/* Adds what text says to the listing, unsorted. MALFORMED, TOO_LARGE, FAULT. */
enum software_note normal_key_value(struct span text, struct listing *l);
enum software_note normal_ini(struct span text, struct listing *l);
enum software_note normal_json(struct span text, struct listing *l);
enum software_note normal_yaml(struct span text, struct listing *l);

/* ---- names of nested values: a.b[2].c (nest.c) ---- */

struct nest {
	struct listing *l;
	char name[NORMAL_NAME_MAX + 1];
	size_t len; /* of the name of what comes next */
	struct {
		bool list;
		size_t base; /* of the name of the mapping or list itself */
		size_t count;
	} level[NORMAL_DEPTH_MAX];
	unsigned depth;
	enum software_note note; /* the first fault; then nothing more is done */
};
void nest_open(struct nest *n, bool list);
/* Of a mapping: the key of the value that comes next. '.', '[' and '\' get a '\'. */
void nest_key(struct nest *n, struct span key);
void nest_value(struct nest *n, struct span value);
void nest_close(struct nest *n);
bool nest_in_list(const struct nest *n);

#endif
