/* yaml_locate.c: the flat pass over libyaml's events; see yaml_locate.h. */
#include "yaml_locate.h"

#include "verifier/appraise/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

void
yaml_errors_init(struct yaml_errors *e, const char *file)
{
	memset(e, 0, sizeof *e);
	e->file = file;
}

void
yaml_error(struct yaml_errors *e, uint32_t line, uint32_t column, const char *fmt, ...)
{
	char raw[YAML_ERROR_TEXT], where[YAML_ERROR_TEXT];
	struct yaml_error *x;
	va_list ap;

	if (e->count == YAML_ERRORS_MAX) {
		e->more = true;
		return;
	}
	x = &e->e[e->count++];
	x->line = line;
	x->column = column;
	va_start(ap, fmt);
	(void)vsnprintf(where, sizeof where, fmt, ap);
	va_end(ap);
	text_format(raw, sizeof raw, "%.120s:%u:%u: %.180s", e->file, line, column, where);
	text_escape(SPAN(raw, strlen(raw)), x->text, sizeof x->text);
}

static int
compare_errors(const void *a, const void *b)
{
	const struct yaml_error *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

void
yaml_errors_sort(struct yaml_errors *e)
{
	qsort(e->e, e->count, sizeof e->e[0], compare_errors);
}

struct pass {
	struct yaml_doc *doc;
	struct yaml_errors *errs;
	bool failed;
	unsigned depth;
	struct level {
		int node;
		bool mapping;
		const char *key; /* waits for its value */
		uint32_t key_line, key_column;
	} stack[YAML_DEPTH_MAX];
};

static void
complain(struct pass *p, const yaml_mark_t *m, const char *text)
{
	yaml_error(p->errs, (uint32_t)m->line + 1, (uint32_t)m->column + 1, "%s", text);
	p->failed = true;
}

static const char *
keep(struct pass *p, const yaml_event_t *ev)
{
	struct yaml_doc *doc = p->doc;
	size_t n = ev->data.scalar.length;
	char *s = doc->pool + doc->used;

	if (memchr(ev->data.scalar.value, 0, n)) {
		complain(p, &ev->start_mark, "a value may not hold a NUL character");
		return "";
	}
	if (n >= sizeof doc->pool - doc->used) {
		complain(p, &ev->start_mark, "the file is too large");
		return "";
	}
	memcpy(s, ev->data.scalar.value, n);
	s[n] = '\0';
	doc->used += n + 1;
	return s;
}

static void
take_key(struct pass *p, struct level *l, const yaml_event_t *ev)
{
	const struct yaml_node *twin;

	if (ev->type != YAML_SCALAR_EVENT) {
		complain(p, &ev->start_mark, "a key must be a word");
		return;
	}
	if (p->doc->nodes[l->node].children == YAML_KEYS_MAX) {
		complain(p, &ev->start_mark, "too many keys in one place");
		return;
	}
	l->key = keep(p, ev);
	l->key_line = (uint32_t)ev->start_mark.line + 1;
	l->key_column = (uint32_t)ev->start_mark.column + 1;
	twin = yaml_find(p->doc, &p->doc->nodes[l->node], l->key);
	if (!twin)
		return;
	yaml_error(p->errs, l->key_line, l->key_column,
		   "key \"%.40s\" stands twice; first in line %u", l->key, twin->key_line);
	p->failed = true;
}

static void
file_under(struct yaml_doc *doc, int parent, struct yaml_node *n)
{
	struct yaml_node *p = &doc->nodes[parent];
	int at = (int)(n - doc->nodes);

	n->parent = parent;
	n->index = p->children++;
	if (p->last < 0)
		p->first = at;
	else
		doc->nodes[p->last].next = at;
	p->last = at;
}

/* Makes the node of a value and files it under the innermost mapping or sequence. */
static int
take_value(struct pass *p, enum yaml_kind kind, const yaml_event_t *ev)
{
	struct yaml_doc *doc = p->doc;
	struct level *l = p->depth ? &p->stack[p->depth - 1] : NULL;
	struct yaml_node *n;

	if (doc->n == YAML_NODES_MAX) {
		complain(p, &ev->start_mark, "too many entries in the file");
		return -1;
	}
	n = &doc->nodes[doc->n];
	memset(n, 0, sizeof *n);
	n->kind = kind;
	n->line = n->key_line = (uint32_t)ev->start_mark.line + 1;
	n->column = n->key_column = (uint32_t)ev->start_mark.column + 1;
	n->parent = n->first = n->last = n->next = -1;
	if (l) {
		file_under(doc, l->node, n);
		n->key = l->key;
	}
	if (l && l->key) {
		n->key_line = l->key_line;
		n->key_column = l->key_column;
		l->key = NULL;
	}
	return (int)doc->n++;
}

static void
descend(struct pass *p, enum yaml_kind kind, const yaml_event_t *ev)
{
	int node = take_value(p, kind, ev);

	if (node < 0)
		return;
	if (p->depth == YAML_DEPTH_MAX) {
		complain(p, &ev->start_mark, "nested too deeply");
		return;
	}
	p->stack[p->depth++] = (struct level){node, kind == YAML_KIND_MAPPING, NULL, 0, 0};
}

static const char *
anchor_of(const yaml_event_t *ev)
{
	const yaml_char_t *a = NULL, *t = NULL;

	if (ev->type == YAML_SCALAR_EVENT) {
		a = ev->data.scalar.anchor;
		t = ev->data.scalar.tag;
	} else if (ev->type == YAML_MAPPING_START_EVENT) {
		a = ev->data.mapping_start.anchor;
		t = ev->data.mapping_start.tag;
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		a = ev->data.sequence_start.anchor;
		t = ev->data.sequence_start.tag;
	}
	if (ev->type == YAML_ALIAS_EVENT || a)
		return "anchors and aliases are not allowed; write the value out";
	return t ? "tags are not allowed" : NULL;
}

static void
on_event(struct pass *p, const yaml_event_t *ev)
{
	struct level *l = p->depth ? &p->stack[p->depth - 1] : NULL;
	const char *refused = anchor_of(ev);
	int node;

	if (refused) {
		complain(p, &ev->start_mark, refused);
		return;
	}
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (p->doc->n != 0)
			complain(p, &ev->start_mark, "a second document in one file");
		return;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		p->depth--;
		return;
	case YAML_SCALAR_EVENT:
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		break;
	default:
		return;
	}
	if (l && l->mapping && !l->key) {
		take_key(p, l, ev);
	} else if (ev->type == YAML_SCALAR_EVENT) {
		node = take_value(p, YAML_KIND_SCALAR, ev);
		if (node >= 0)
			p->doc->nodes[node].text = keep(p, ev);
	} else {
		descend(p,
			ev->type == YAML_MAPPING_START_EVENT ? YAML_KIND_MAPPING
							     : YAML_KIND_SEQUENCE,
			ev);
	}
}

static void
complain_syntax(struct pass *p, const yaml_parser_t *parser)
{
	const yaml_mark_t *m = &parser->problem_mark;

	complain(p, m, parser->problem ? parser->problem : "not readable as YAML");
}

static void
walk(struct pass *p, yaml_parser_t *parser)
{
	yaml_event_t ev;
	bool end = false;

	while (!end && !p->failed) {
		if (!yaml_parser_parse(parser, &ev)) {
			complain_syntax(p, parser);
			return;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		on_event(p, &ev);
		yaml_event_delete(&ev);
	}
}

bool
yaml_locate(struct span yaml, struct yaml_doc *doc, struct yaml_errors *errs)
{
	struct pass p = {.doc = doc, .errs = errs};
	yaml_parser_t parser;

	doc->n = 0;
	doc->used = 0;
	if (yaml.n > YAML_BYTES_MAX) {
		yaml_error(errs, 1, 1, "the file is larger than %u bytes", YAML_BYTES_MAX);
		return false;
	}
	if (!yaml_parser_initialize(&parser)) {
		yaml_error(errs, 1, 1, "memory is exhausted");
		return false;
	}
	yaml_parser_set_input_string(&parser, yaml.p ? yaml.p : (const uint8_t *)"", yaml.n);
	walk(&p, &parser);
	yaml_parser_delete(&parser);
	if (!p.failed && doc->n == 0) {
		yaml_error(errs, 1, 1, "the file is empty");
		p.failed = true;
	}
	return !p.failed;
}

const struct yaml_node *
yaml_find(const struct yaml_doc *doc, const struct yaml_node *parent, const char *key)
{
	for (int i = parent->first; i >= 0; i = doc->nodes[i].next)
		if (doc->nodes[i].key && strcmp(doc->nodes[i].key, key) == 0)
			return &doc->nodes[i];
	return NULL;
}

const struct yaml_node *
yaml_item(const struct yaml_doc *doc, const struct yaml_node *parent, unsigned index)
{
	for (int i = parent->first; i >= 0; i = doc->nodes[i].next)
		if (doc->nodes[i].index == index)
			return &doc->nodes[i];
	return NULL;
}
