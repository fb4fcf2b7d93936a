/* normal_yaml.c: YAML, and what looks like it, by libyaml's events; see normal.h. One
 * document; no aliases, since what stands elsewhere would count as if it stood here. */
#include "normal.h"

#include <string.h>

#include <yaml.h>

struct document {
	struct nest n;
	bool key[NORMAL_DEPTH_MAX + 1]; /* at this depth a key is due */
	unsigned documents;
};

static void
fail(struct document *d)
{
	if (d->n.note == NOTE_NONE)
		d->n.note = NOTE_MALFORMED;
}

/* What follows a value in a mapping is a key. */
static void
value_done(struct document *d)
{
	d->key[d->n.depth] = d->n.depth > 0 && !nest_in_list(&d->n);
}

static void
on_open(struct document *d, bool list)
{
	if (d->key[d->n.depth])
		fail(d); /* a key that is no scalar */
	nest_open(&d->n, list);
	d->key[d->n.depth] = !list;
}

static void
on_scalar(struct document *d, const yaml_event_t *e)
{
	struct span s = SPAN(e->data.scalar.value, e->data.scalar.length);

	if (span_until(s, 0).n != s.n || e->data.scalar.anchor) {
		fail(d);
	} else if (d->key[d->n.depth]) {
		nest_key(&d->n, s);
		d->key[d->n.depth] = false;
	} else {
		nest_value(&d->n, s);
		value_done(d);
	}
}

static void
on_event(struct document *d, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++d->documents > 1)
			fail(d);
		break;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		on_open(d, e->type == YAML_SEQUENCE_START_EVENT);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		nest_close(&d->n);
		value_done(d);
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(d, e);
		break;
	case YAML_ALIAS_EVENT:
		fail(d);
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

enum software_note
normal_yaml(struct span text, struct listing *l)
{
	struct document d = {.n = {.l = l}};
	yaml_parser_t parser;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return NOTE_FAULT;
	yaml_parser_set_input_string(&parser, text.p ? text.p : (const uint8_t *)"", text.n);
	while (!end && d.n.note == NOTE_NONE) {
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			fail(&d);
			break;
		}
		end = e.type == YAML_STREAM_END_EVENT;
		on_event(&d, &e);
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	return d.n.note;
}
