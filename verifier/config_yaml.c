/* config_yaml.c: see config_yaml.h. */
#include "config_yaml.h"

#include "verifier/appraise/text.h"

#include <string.h>

#include <cyaml/cyaml.h>
#include <yaml.h>

/* ---- the flat pass: where everything stands ---- */

struct walk {
	struct config_pairs *ret;
	bool in_mapping, have_key, ended;
	unsigned documents;
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

static enum assay_err
on_scalar(struct walk *w, const yaml_event_t *e)
{
	if (!w->in_mapping)
		return refuse(w, e->start_mark, "expected `key: value' lines");
	if (e->data.scalar.tag || e->data.scalar.anchor)
		return refuse(w, e->start_mark, "tags and anchors are not allowed, remove it");
	return w->have_key ? on_value(w, e) : on_key(w, e);
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
		if (w->in_mapping)
			return refuse(w, e->start_mark, "a nested value, expected one word");
		w->in_mapping = true;
		return ASSAY_OK;
	case YAML_SCALAR_EVENT:
		return on_scalar(w, e);
	case YAML_SEQUENCE_START_EVENT:
		return refuse(w, e->start_mark, "a list, expected one word");
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
