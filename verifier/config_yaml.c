/* config_yaml.c: see config_yaml.h. */
#include "config_yaml.h"

#include "verifier/appraise/text.h"

#include <string.h>

#include <cyaml/cyaml.h>
#include <yaml.h>

/* ---- the flat pass: where everything stands ---- */

enum level { LEVEL_NONE = 0, LEVEL_TOP, LEVEL_LIST, LEVEL_PAIRS, LEVEL_WORDS };

struct walk {
	struct config_pairs *ret;
	enum level level;
	enum config_section section;
	bool have_key, ended;
	unsigned documents;
};

static const struct {
	const char *key;
	bool list;
} sections[CONFIG_SECTION_COUNT] = {
#define X(key, list) [CONFIG_SECTION_##key] = {#key, list},
	CONFIG_SECTIONS(X)
#undef X
};

static enum assay_err
refuse(struct walk *w, yaml_mark_t at, const char *problem)
{
	w->ret->at = (struct config_place){at.line + 1, at.column + 1};
	text_format(w->ret->problem, sizeof w->ret->problem, "%s", problem);
	return ASSAY_MALFORMED;
}

static bool
take(char *ret, size_t cap, const yaml_event_t *e)
{
	size_t n = e->data.scalar.length;

	if (n >= cap)
		return false;
	for (size_t i = 0; i < n; i++)
		if (e->data.scalar.value[i] < 0x20 || e->data.scalar.value[i] == 0x7F)
			return false;
	memcpy(ret, e->data.scalar.value, n);
	ret[n] = '\0';
	return true;
}

static enum assay_err
on_key(struct walk *w, const yaml_event_t *e)
{
	struct config_pair *p = &w->ret->pair[w->ret->n];

	if (w->ret->n == CONFIG_PAIRS_MAX)
		return refuse(w, e->start_mark, "too many keys, leave out what is not needed");
	if (!take(p->key, sizeof p->key, e))
		return refuse(w, e->start_mark, "no key is so long or holds such characters");
	p->key_at = (struct config_place){e->start_mark.line + 1, e->start_mark.column + 1};
	p->section = w->section;
	p->item = sections[w->section].list ? w->ret->nitems : 0;
	w->have_key = true;
	return ASSAY_OK;
}

static enum assay_err
on_value(struct walk *w, const yaml_event_t *e)
{
	struct config_pair *p = &w->ret->pair[w->ret->n];

	if (!take(p->value, sizeof p->value, e))
		return refuse(w, e->start_mark,
			      "the value is too long or holds control characters");
	p->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	p->value_at = (struct config_place){e->start_mark.line + 1, e->start_mark.column + 1};
	w->ret->n++;
	w->have_key = false;
	return ASSAY_OK;
}

/* One more word of a list in the place of a value: joined by blanks. */
static enum assay_err
on_word(struct walk *w, const yaml_event_t *e)
{
	struct config_pair *p = &w->ret->pair[w->ret->n];
	size_t n = strlen(p->value);

	if (n > 0 && n + 1 < sizeof p->value)
		p->value[n++] = ' ';
	if (!take(p->value + n, sizeof p->value - n, e))
		return refuse(w, e->start_mark,
			      "the value is too long or holds control characters");
	return ASSAY_OK;
}

/* The section that the key before is; CONFIG_TOP: it is none. */
static enum config_section
section_of(const struct walk *w)
{
	const struct config_pair *p = &w->ret->pair[w->ret->n];

	if (w->level != LEVEL_TOP || !w->have_key)
		return CONFIG_TOP;
	for (unsigned i = CONFIG_TOP + 1; i < CONFIG_SECTION_COUNT; i++)
		if (strcmp(sections[i].key, p->key) == 0)
			return (enum config_section)i;
	return CONFIG_TOP;
}

static enum assay_err
on_scalar(struct walk *w, const yaml_event_t *e)
{
	if (w->level == LEVEL_NONE)
		return refuse(w, e->start_mark, "expected `key: value' lines");
	if (e->data.scalar.tag || e->data.scalar.anchor)
		return refuse(w, e->start_mark, "tags and anchors are not allowed, remove it");
	if (w->level == LEVEL_LIST)
		return refuse(w, e->start_mark, "expected `- key: value' lines");
	if (w->level == LEVEL_WORDS)
		return on_word(w, e);
	if (w->have_key && section_of(w) != CONFIG_TOP)
		return refuse(w, e->start_mark,
			      sections[section_of(w)].list
				      ? "expected a list of `- key: value' lines"
				      : "expected `key: value' lines below it");
	return w->have_key ? on_value(w, e) : on_key(w, e);
}

static enum assay_err
open_section(struct walk *w, const yaml_event_t *e, bool list)
{
	enum config_section s = section_of(w);
	struct config_place *at = &w->ret->section[s];

	if (sections[s].list != list)
		return refuse(w, e->start_mark,
			      list ? "a list, expected `key: value' lines"
				   : "expected a list of `- key: value' lines");
	if (at->line)
		return refuse(w, e->start_mark, "the section is given twice, remove one");
	*at = w->ret->pair[w->ret->n].key_at;
	w->section = s;
	w->have_key = false;
	w->level = list ? LEVEL_LIST : LEVEL_PAIRS;
	return ASSAY_OK;
}

static enum assay_err
on_mapping(struct walk *w, const yaml_event_t *e)
{
	if (e->data.mapping_start.tag || e->data.mapping_start.anchor)
		return refuse(w, e->start_mark, "tags and anchors are not allowed, remove it");
	if (w->level == LEVEL_NONE) {
		w->level = LEVEL_TOP;
		return ASSAY_OK;
	}
	if (section_of(w) != CONFIG_TOP)
		return open_section(w, e, false);
	if (w->level != LEVEL_LIST)
		return refuse(w, e->start_mark, "a nested value, expected one word");
	if (w->ret->nitems == CONFIG_ITEMS_MAX)
		return refuse(w, e->start_mark, "too many, leave out what is not needed");
	w->ret->item[w->ret->nitems++] =
		(struct config_place){e->start_mark.line + 1, e->start_mark.column + 1};
	w->level = LEVEL_PAIRS;
	return ASSAY_OK;
}

static enum assay_err
on_sequence(struct walk *w, const yaml_event_t *e)
{
	struct config_pair *p = &w->ret->pair[w->ret->n];

	if (section_of(w) != CONFIG_TOP)
		return open_section(w, e, true);
	if (w->level != LEVEL_PAIRS || !w->have_key || e->data.sequence_start.tag ||
	    e->data.sequence_start.anchor)
		return refuse(w, e->start_mark, "a list, expected one word");
	p->value[0] = '\0';
	p->quoted = false;
	p->value_at = (struct config_place){e->start_mark.line + 1, e->start_mark.column + 1};
	w->level = LEVEL_WORDS;
	return ASSAY_OK;
}

static enum assay_err
on_end(struct walk *w)
{
	bool in_list = sections[w->section].list;

	if (w->level == LEVEL_WORDS) {
		w->level = LEVEL_PAIRS;
		w->have_key = false;
		w->ret->n++;
	} else if (w->level == LEVEL_PAIRS && in_list) {
		w->level = LEVEL_LIST;
	} else if (w->level == LEVEL_PAIRS || w->level == LEVEL_LIST) {
		w->level = LEVEL_TOP;
		w->section = CONFIG_TOP;
	}
	return ASSAY_OK;
}

static enum assay_err
on_event(struct walk *w, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (w->documents++ > 0)
			return refuse(w, e->start_mark, "a second document, remove it");
		return ASSAY_OK;
	case YAML_MAPPING_START_EVENT:
		return on_mapping(w, e);
	case YAML_SCALAR_EVENT:
		return on_scalar(w, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_sequence(w, e);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_end(w);
	case YAML_ALIAS_EVENT:
		return refuse(w, e->start_mark, "aliases are not allowed, write the value");
	case YAML_STREAM_END_EVENT:
		w->ended = true;
		return ASSAY_OK;
	default:
		return ASSAY_OK;
	}
}

enum assay_err
config_yaml_read(struct span yaml, struct config_pairs *ret)
{
	struct walk w = {.ret = ret};
	enum assay_err e = ASSAY_OK;
	yaml_parser_t p;

	memset(ret, 0, sizeof *ret);
	if (!yaml_parser_initialize(&p))
		return ASSAY_NO_MEMORY;
	yaml_parser_set_input_string(&p, yaml.p ? yaml.p : (const uint8_t *)"", yaml.n);
	while (e == ASSAY_OK && !w.ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(&p, &event)) {
			e = refuse(&w, p.problem_mark, p.problem ? p.problem : "is no YAML");
			break;
		}
		e = on_event(&w, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&p);
	return e;
}

/* ---- libcyaml: types ---- */

#define FIELD_TEXT(m) CYAML_FIELD_STRING(#m, CYAML_FLAG_OPTIONAL, struct config, m, 0)
#define FIELD_PATH(m) FIELD_TEXT(m)
#define FIELD_SOCKET(m) FIELD_TEXT(m)
#define FIELD_WORD(m) FIELD_TEXT(m)
#define FIELD_ADDRESS(m) FIELD_TEXT(m)
#define FIELD_FLAG(m) CYAML_FIELD_BOOL(#m, CYAML_FLAG_OPTIONAL, struct config, m)
#define FIELD_NUMBER(m) CYAML_FIELD_UINT(#m, CYAML_FLAG_OPTIONAL, struct config, m)

static const cyaml_schema_field_t fields[] = {
#define X(kind, member, least, most, must) FIELD_##kind(member),
	CONFIG_KEYS(X)
#undef X
#define X(key, list) CYAML_FIELD_IGNORE(#key, CYAML_FLAG_OPTIONAL),
	CONFIG_SECTIONS(X)
#undef X
	CYAML_FIELD_END
};
static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config, fields),
};
static const cyaml_config_t how = {
	.log_level = CYAML_LOG_ERROR,
	.mem_fn = cyaml_mem,
	.flags = CYAML_CFG_NO_ALIAS,
};

enum assay_err
config_yaml_load(struct span yaml, struct config **ret)
{
	cyaml_data_t *data = NULL;

	if (cyaml_load_data(yaml.p, yaml.n, &how, &schema, &data, NULL) != CYAML_OK || !data)
		return ASSAY_MALFORMED;
	*ret = data;
	return ASSAY_OK;
}

void
config_yaml_free(struct config *c)
{
	if (c)
		(void)cyaml_free(&how, &schema, c, 0);
}
