/*
 * yaml_locate.h: where in a YAML file everything stands, and complaints that say so.
 *
 * libcyaml loads files into structs but its own positions are those of the last
 * accepted node, and loaded structs carry none. So one flat pass over libyaml's
 * events makes an index first: every value with its key, line and column. The pass
 * also refuses what our files never need: aliases, anchors, tags, several
 * documents, duplicate keys, deep nesting, files over the limit. Then yaml_check()
 * holds the index against libcyaml's own schema, so that each unknown key, missing
 * key and wrong type is told with its place and a suggestion.
 */
#ifndef COMPILER_YAML_LOCATE_H
#define COMPILER_YAML_LOCATE_H

#include "evidence/reader.h"

#include <cyaml/cyaml.h>

#define YAML_BYTES_MAX (256u << 10)
#define YAML_DEPTH_MAX 8
#define YAML_NODES_MAX 8192
#define YAML_KEY_MAX 64  /* characters */
#define YAML_KEYS_MAX 64 /* of one mapping */
#define YAML_ERRORS_MAX 16
#define YAML_ERROR_TEXT 320

struct yaml_errors {
	const char *file;
	unsigned count;
	bool more; /* there were more than fit */
	struct yaml_error {
		uint32_t line, column;
		char text[YAML_ERROR_TEXT]; /* "FILE:LINE:COL: message", escaped */
	} e[YAML_ERRORS_MAX];
};

void yaml_errors_init(struct yaml_errors *e, const char *file);
void yaml_error(struct yaml_errors *e, uint32_t line, uint32_t column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* In the order of the file. */
void yaml_errors_sort(struct yaml_errors *e);

enum yaml_kind { YAML_KIND_SCALAR, YAML_KIND_MAPPING, YAML_KIND_SEQUENCE };

struct yaml_node {
	enum yaml_kind kind;
	uint32_t line, column;
	uint32_t key_line, key_column; /* of its key; in a sequence its own */
	int parent;		       /* -1: the document */
	unsigned index;		       /* among its parent's children */
	unsigned children;
	int first, last, next; /* children, and the parent's next child; -1: none */
	const char *key;  /* NULL in a sequence and for the document */
	const char *text; /* of a scalar, else NULL */
};

struct yaml_doc {
	size_t n; /* node 0 is the document */
	struct yaml_node nodes[YAML_NODES_MAX];
	size_t used;
	char pool[2 * YAML_BYTES_MAX];
};

/* Index a file; false if errs has grown. doc is about a megabyte: allocate it. */
ASSAY_MUST_USE bool yaml_locate(struct span yaml, struct yaml_doc *doc, struct yaml_errors *errs);
/* Hold the index against a schema of mappings, sequences, strings, enumerations,
 * booleans and unsigned numbers; false if errs has grown. */
ASSAY_MUST_USE bool yaml_check(const struct yaml_doc *doc, const cyaml_schema_value_t *schema,
			       struct yaml_errors *errs);
/* The child with this key, or at this place; NULL if there is none. */
const struct yaml_node *yaml_find(const struct yaml_doc *doc, const struct yaml_node *parent,
				  const char *key);
const struct yaml_node *yaml_item(const struct yaml_doc *doc, const struct yaml_node *parent,
				  unsigned index);

/* The name nearest to a slip, or NULL; next() gives names by number, NULL at the end. */
const char *yaml_nearest(const char *slip, const char *(*next)(unsigned i, const void *arg),
			 const void *arg);

#endif
