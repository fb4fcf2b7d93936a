/* yaml_check.c: a located file against libcyaml's schema; see yaml_locate.h. */
#include "yaml_locate.h"

#include "verifier/appraise/text.h"

#include <string.h>

#define SLIP_MAX 3 /* edits between a slip and what is suggested */

const char *
yaml_nearest(const char *slip, const char *(*next)(unsigned i, const void *arg), const void *arg)
{
	const char *best = NULL, *name;
	unsigned least = SLIP_MAX + 1;

	for (unsigned i = 0; (name = next(i, arg)) != NULL; i++) {
		unsigned d = text_distance(slip, name);

		if (d < least && d < strlen(name)) {
			least = d;
			best = name;
		}
	}
	return best;
}

static const char *
field_name(unsigned i, const void *arg)
{
	return ((const cyaml_schema_field_t *)arg)[i].key;
}

static const char *
enum_name(unsigned i, const void *arg)
{
	const cyaml_schema_value_t *v = arg;

	return i < v->enumeration.count ? v->enumeration.strings[i].str : NULL;
}

static const char *
kind_name(cyaml_type_e t)
{
	switch (t) {
	case CYAML_MAPPING:
		return "keys and values";
	case CYAML_SEQUENCE:
		return "a list";
	case CYAML_BOOL:
		return "true or false";
	case CYAML_UINT:
		return "a number";
	default:
		return "a single value";
	}
}

struct check {
	const struct yaml_doc *doc;
	struct yaml_errors *errs;
	const cyaml_schema_value_t *schema[YAML_NODES_MAX]; /* of each node; NULL: unknown */
};

static const cyaml_schema_value_t *
schema_of_child(struct check *c, const struct yaml_node *n)
{
	const cyaml_schema_value_t *parent = c->schema[n->parent];
	const cyaml_schema_field_t *f;
	const char *near;

	if (!parent)
		return NULL;
	if (parent->type == CYAML_SEQUENCE)
		return parent->sequence.entry;
	for (f = parent->mapping.fields; f->key; f++)
		if (strcmp(f->key, n->key) == 0)
			return &f->value;
	near = yaml_nearest(n->key, field_name, parent->mapping.fields);
	if (near)
		yaml_error(c->errs, n->key_line, n->key_column,
			   "unknown key \"%.64s\"; did you mean \"%s\"?", n->key, near);
	else
		yaml_error(c->errs, n->key_line, n->key_column, "unknown key \"%.64s\"", n->key);
	return NULL;
}

static void
check_mapping(struct check *c, const struct yaml_node *n, const cyaml_schema_value_t *s)
{
	const cyaml_schema_field_t *f;

	for (f = s->mapping.fields; f->key; f++)
		if (!(f->value.flags & CYAML_FLAG_OPTIONAL) && !yaml_find(c->doc, n, f->key))
			yaml_error(c->errs, n->key_line, n->key_column, "key \"%s\" is missing%s%s",
				   f->key, n->key ? " in " : "", n->key ? n->key : "");
}

static void
check_enum(struct check *c, const struct yaml_node *n, const cyaml_schema_value_t *s)
{
	const char *near;

	for (unsigned i = 0; i < s->enumeration.count; i++)
		if (strcmp(s->enumeration.strings[i].str, n->text) == 0)
			return;
	near = yaml_nearest(n->text, enum_name, s);
	if (!near)
		near = s->enumeration.strings[0].str;
	yaml_error(c->errs, n->line, n->column, "\"%.64s\" is no value of %s; did you mean \"%s\"?",
		   n->text, n->key ? n->key : "this list", near);
}

static void
check_uint(struct check *c, const struct yaml_node *n)
{
	size_t len = strlen(n->text);

	if (len == 0 || len > 9 || strspn(n->text, "0123456789") != len ||
	    (len > 1 && n->text[0] == '0'))
		yaml_error(c->errs, n->line, n->column, "%s needs a whole number, not \"%.64s\"",
			   n->key ? n->key : "this list", n->text);
}

static void
check_scalar(struct check *c, const struct yaml_node *n, const cyaml_schema_value_t *s)
{
	const char *what = n->key ? n->key : "this list";

	switch (s->type) {
	case CYAML_BOOL:
		if (strcmp(n->text, "true") != 0 && strcmp(n->text, "false") != 0)
			yaml_error(c->errs, n->line, n->column,
				   "%s needs true or false, not \"%.64s\"", what, n->text);
		break;
	case CYAML_UINT:
		check_uint(c, n);
		break;
	case CYAML_ENUM:
		check_enum(c, n, s);
		break;
	default:
		if (n->text[0] == '\0')
			yaml_error(c->errs, n->line, n->column, "%s is empty", what);
		else if (strlen(n->text) > s->string.max)
			yaml_error(c->errs, n->line, n->column, "%s is longer than %u characters",
				   what, s->string.max);
	}
}

static void
check_node(struct check *c, const struct yaml_node *n, const cyaml_schema_value_t *s)
{
	enum yaml_kind wanted = s->type == CYAML_MAPPING    ? YAML_KIND_MAPPING
				: s->type == CYAML_SEQUENCE ? YAML_KIND_SEQUENCE
							    : YAML_KIND_SCALAR;

	if (n->kind != wanted) {
		c->schema[n - c->doc->nodes] = NULL; /* what is inside cannot be told */
		yaml_error(c->errs, n->line, n->column, "%s needs %s",
			   n->key ? n->key : "this place", kind_name(s->type));
		return;
	}
	if (wanted == YAML_KIND_MAPPING)
		check_mapping(c, n, s);
	else if (wanted == YAML_KIND_SCALAR)
		check_scalar(c, n, s);
	else if (n->children > s->sequence.max || n->children < s->sequence.min)
		yaml_error(c->errs, n->line, n->column, "%s needs %u to %u entries, not %u",
			   n->key ? n->key : "this list", s->sequence.min, s->sequence.max,
			   n->children);
}

bool
yaml_check(const struct yaml_doc *doc, const cyaml_schema_value_t *schema, struct yaml_errors *errs)
{
	struct check c = {.doc = doc, .errs = errs};
	unsigned before = errs->count;

	for (size_t i = 0; i < doc->n; i++) {
		const struct yaml_node *n = &doc->nodes[i];

		/* parents stand before their children */
		c.schema[i] = n->parent < 0 ? schema : schema_of_child(&c, n);
		if (c.schema[i])
			check_node(&c, n, c.schema[i]);
	}
	return errs->count == before;
}
