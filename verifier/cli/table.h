/*
 * table.h: tables and times for people, on a terminal or in a file.
 *
 * Columns are as wide as their widest cell; text from the verifier is escaped again
 * (M8); colour only on a terminal.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli.h"

#include <jansson.h>

#define TABLE_COLUMNS_MAX 10
#define TABLE_CELL_MAX 160
#define TABLE_ROWS_MAX 100000

struct table_cell {
	char text[TABLE_CELL_MAX];
	const char *colour; /* as cli_red(); "" for none */
};

struct table {
	unsigned columns;
	const char *heads[TABLE_COLUMNS_MAX];
	size_t rows, cap;
	struct table_cell *cells;
	unsigned at; /* of the row being filled */
};

/* heads: ended by NULL. */
void table_init(struct table *t, const char *const *heads);
/* The next cell, row by row; NULL is shown as "-". */
void table_cell(struct table *t, const char *text, const char *colour);
/* Prints and frees; only the heads if there is no row. */
void table_print(struct table *t, FILE *f);

/* ---- values of a document ---- */

/* A text member, escaped, in a static buffer (one of a few); NULL if it is no text. */
const char *view_text(const json_t *object, const char *name);
int64_t view_number(const json_t *object, const char *name);
bool view_flag(const json_t *object, const char *name);
/* "12 s ago", "in 3 h", "-" for none; static buffers. */
const char *view_ago(const json_t *object, const char *name, int64_t now);
/* "2026-11-22 07:39:41 UTC"; "-" for none; static buffers. */
const char *view_time(const json_t *object, const char *name);
/* Colour of ADMIT, RESTRICT, QUARANTINE and other words of state. */
const char *view_colour(const char *word);
/* A device's name, or the start of its id. */
const char *view_device(const json_t *device);

/* The answer's "token" alone on standard output, for scripts; what it is for people. */
int view_secret(const json_t *answer, const char *about);

#endif
