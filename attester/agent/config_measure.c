/* config_measure.c: see config_measure.h. The file as libyaml's nodes; a table has the
 * keys of an item, which kinds they are for, and what takes their value. */
#include "config_measure.h"

#include "evidence/health.h"
#include "options.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

struct loader {
	const char *path;
	yaml_document_t doc;
	struct measure_config *c;
	bool failed;
};

static bool
complain(struct loader *l, const yaml_node_t *at, const char *key, const char *why)
{
	if (!l->failed)
		(void)report_fatal(0, "%s:%zu: %s: %s", l->path, at ? at->start_mark.line + 1 : 1,
				   key, why);
	l->failed = true;
	return false;
}

static yaml_node_t *
node(struct loader *l, int index)
{
	return yaml_document_get_node(&l->doc, index);
}

/* ---- values ---- */

static const char *
scalar(const yaml_node_t *v)
{
	if (v->type != YAML_SCALAR_NODE || v->data.scalar.length == 0 ||
	    strlen((const char *)v->data.scalar.value) != v->data.scalar.length)
		return NULL;
	return (const char *)v->data.scalar.value;
}

static bool
take_text(struct loader *l, const yaml_node_t *v, const char *key, char **ret)
{
	const char *s = scalar(v);

	if (!s)
		return complain(l, v, key, "is not a text");
	free(*ret);
	*ret = strdup(s);
	return *ret || complain(l, v, key, assay_err_text(ASSAY_NO_MEMORY));
}

static bool
take_path(struct loader *l, const yaml_node_t *v, const char *key, char **ret)
{
	const char *s = scalar(v);

	if (!s || s[0] != '/' || strlen(s) >= PATH_LONGEST)
		return complain(l, v, key, "is not an absolute path");
	return take_text(l, v, key, ret);
}

/* Digits, and k, M or G for powers of 1000, Ki, Mi, Gi for powers of 1024. */
static bool
take_number(struct loader *l, const yaml_node_t *v, const char *key, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		uint64_t factor;
	} units[] = {{"", 1},	       {"k", 1000},	 {"M", 1000000},      {"G", 1000000000},
		     {"Ki", 1u << 10}, {"Mi", 1u << 20}, {"Gi", 1u << 30}};
	const char *s = scalar(v);
	char *end;
	uint64_t n;

	if (!s || s[0] < '0' || s[0] > '9')
		return complain(l, v, key, "is not a number");
	errno = 0;
	n = strtoull(s, &end, 0);
	for (size_t i = 0; i < sizeof units / sizeof units[0] && errno == 0; i++)
		if (strcmp(end, units[i].suffix) == 0 && n <= (UINT64_MAX >> 1) / units[i].factor) {
			*ret = n * units[i].factor;
			return true;
		}
	return complain(l, v, key, "is not a number, or has a unit that is none of k M G Ki Mi Gi");
}

static bool
take_small(struct loader *l, const yaml_node_t *v, const char *key, unsigned *ret)
{
	uint64_t n;

	if (!take_number(l, v, key, &n))
		return false;
	if (n > 1000000)
		return complain(l, v, key, "is too large");
	*ret = (unsigned)n;
	return true;
}

static bool
take_bool(struct loader *l, const yaml_node_t *v, const char *key, bool *ret)
{
	const char *s = scalar(v);

	*ret = s && strcmp(s, "true") == 0;
	return *ret || (s && strcmp(s, "false") == 0) ||
	       complain(l, v, key, "is neither true nor false");
}

static void
texts_free(texts t)
{
	for (size_t i = 0; t && t[i]; i++)
		free(t[i]);
	free(t);
}

static bool
take_list(struct loader *l, const yaml_node_t *v, const char *key, texts *ret)
{
	size_t n = 0, most = CONFIG_LIST_MAX;

	if (v->type != YAML_SEQUENCE_NODE ||
	    v->data.sequence.items.top == v->data.sequence.items.start)
		return complain(l, v, key, "is not a list of texts");
	texts_free(*ret);
	*ret = calloc(most + 1, sizeof **ret);
	if (!*ret)
		return complain(l, v, key, assay_err_text(ASSAY_NO_MEMORY));
	for (yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top;
	     i++) {
		if (n == most)
			return complain(l, v, key, "has too many elements");
		if (!take_text(l, node(l, *i), key, &(*ret)[n++]))
			return false;
	}
	return true;
}

/* ---- an item ---- */

typedef bool taker(struct loader *l, const yaml_node_t *v, const char *key, struct item *it);

#define TAKE(function, of, field)                                                                  \
	static bool function(struct loader *l, const yaml_node_t *v, const char *key,             \
			     struct item *it)                                                      \
	{                                                                                          \
		return of(l, v, key, &it->field);                                                  \
	}
TAKE(item_path, take_path, path)
TAKE(item_offset, take_number, offset)
TAKE(item_length, take_number, length)
TAKE(item_drop, take_list, drop)
TAKE(item_report, take_list, report)
TAKE(item_keep, take_list, keep)
TAKE(item_exclude, take_list, exclude)
TAKE(item_timeout, take_small, timeout_s)
TAKE(item_every, take_small, every)
TAKE(item_secret, take_bool, secret)
TAKE(item_redundant, take_bool, redundant)

static bool
is_printable(const char *s, size_t most)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7E)
			return false;
	return n >= 1 && n <= most;
}

static bool
item_name(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	return take_text(l, v, key, &it->name) &&
	       (is_printable(it->name, 128) ||
		complain(l, v, key, "is not 1 to 128 printable characters"));
}

static bool
item_kind(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	const char *s = scalar(v);

	it->kind = s ? software_kind_by_name(SPAN(s, strlen(s))) : SOFTWARE_NONE;
	if (it->kind == SOFTWARE_NONE || it->kind == SOFTWARE_MEMORY)
		return complain(l, v, key, "is none of file image command tree config process "
					   "packages modules uboot-env devicetree units");
	return true;
}

static bool
item_format(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	static const char *const names[] = {"key-value", "ini", "json", "yaml"};
	const char *s = scalar(v);

	for (unsigned i = 0; s && i < 4; i++)
		if (strcmp(s, names[i]) == 0) {
			it->format = (enum item_format)i;
			return true;
		}
	return complain(l, v, key, "is none of key-value ini json yaml");
}

static bool
take_command(struct loader *l, const yaml_node_t *v, const char *key, texts *ret)
{
	return take_list(l, v, key, ret) &&
	       ((*ret)[0][0] == '/' ||
		complain(l, v, key, "is not an absolute path and its arguments"));
}

static bool
item_command(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	return take_command(l, v, key, &it->command);
}

static bool
item_output(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	uint64_t n;

	if (!take_number(l, v, key, &n))
		return false;
	if (n == 0 || n > (64u << 20))
		return complain(l, v, key, "is not 1 to 64Mi bytes");
	it->output_max = (size_t)n;
	return true;
}

static bool
set_version(struct loader *l, const yaml_node_t *v, struct item *it, enum item_version how)
{
	if (it->version != VERSION_NONE)
		return complain(l, v, "version", "has two sources");
	it->version = how;
	return true;
}

static bool
item_version_text(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	return set_version(l, v, it, VERSION_FIXED) && take_text(l, v, key, &it->version_text) &&
	       (is_printable(it->version_text, 64) ||
		complain(l, v, key, "is not 1 to 64 printable characters"));
}

static bool
item_version_file(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	return set_version(l, v, it, VERSION_FILE) && take_path(l, v, key, &it->version_text);
}

static bool
item_version_key(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	return set_version(l, v, it, VERSION_KEY) && take_text(l, v, key, &it->version_text);
}

static bool
item_version_command(struct loader *l, const yaml_node_t *v, const char *key, struct item *it)
{
	return set_version(l, v, it, VERSION_COMMAND) &&
	       take_command(l, v, key, &it->version_command);
}

#define K(kind) (1u << SOFTWARE_##kind)
#define ALL_KINDS (~0u)
#define KEYED (K(CONFIG) | K(UBOOT))

static const struct item_key {
	const char *name;
	taker *take;
	unsigned kinds, needed; /* masks of kinds that may, and must, have it */
} item_keys[] = {
	{"name", item_name, ALL_KINDS, ALL_KINDS},
	{"kind", item_kind, ALL_KINDS, ALL_KINDS},
	{"path", item_path, ~K(COMMAND),
	 K(FILE) | K(IMAGE) | K(TREE) | K(CONFIG) | K(PROCESS) | K(UBOOT)},
	{"offset", item_offset, K(IMAGE) | K(UBOOT), 0},
	{"length", item_length, K(IMAGE) | K(UBOOT), 0},
	{"format", item_format, K(CONFIG), K(CONFIG)},
	{"drop", item_drop, KEYED, 0},
	{"report", item_report, KEYED | K(COMMAND), 0},
	{"keep", item_keep, KEYED, 0},
	{"exclude", item_exclude, K(TREE) | K(DEVICETREE), 0},
	{"command", item_command, K(COMMAND), K(COMMAND)},
	{"timeout", item_timeout, ALL_KINDS, 0},
	{"output-max", item_output, K(COMMAND), 0},
	{"version", item_version_text, ALL_KINDS, 0},
	{"version-file", item_version_file, ALL_KINDS, 0},
	{"version-key", item_version_key, KEYED, 0},
	{"version-command", item_version_command, ALL_KINDS, 0},
	{"secret", item_secret, K(FILE) | K(IMAGE) | K(CONFIG), 0},
	{"redundant", item_redundant, K(UBOOT), 0},
	{"every", item_every, ALL_KINDS, 0},
};
#define ITEM_KEYS (sizeof item_keys / sizeof item_keys[0])

/* Index of a key in the table; ITEM_KEYS: there is none. */
static size_t
find_key(const char *name)
{
	size_t i = 0;

	while (i < ITEM_KEYS && (!name || strcmp(item_keys[i].name, name) != 0))
		i++;
	return i;
}

/* What the kind asks for and forbids, once it is known. */
static bool
check_keys(struct loader *l, const yaml_node_t *at, const struct item *it, const bool *seen)
{
	unsigned kind = 1u << it->kind;

	for (size_t i = 0; i < ITEM_KEYS; i++) {
		if ((item_keys[i].needed & kind) && !seen[i])
			return complain(l, at, item_keys[i].name, "is missing in this item");
		if (!(item_keys[i].kinds & kind) && seen[i])
			return complain(l, at, item_keys[i].name, "is not for items of this kind");
	}
	for (size_t i = 0; it->report && it->report[i]; i++)
		if (i >= MEASURE_REPORTS_MAX || !is_printable(it->report[i], 128))
			return complain(l, at, "report",
					"has over 64 keys, or one over 128 characters");
	return true;
}

static bool
read_item(struct loader *l, const yaml_node_t *v, struct item *it)
{
	bool seen[ITEM_KEYS] = {false};

	if (v->type != YAML_MAPPING_NODE)
		return complain(l, v, "items", "has an element that is no mapping");
	for (yaml_node_pair_t *p = v->data.mapping.pairs.start; p < v->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *k = node(l, p->key);
		const char *key = scalar(k);
		size_t i = find_key(key);

		if (i == ITEM_KEYS)
			return complain(l, k, key ? key : "item", "there is no such key");
		if (seen[i])
			return complain(l, k, key, "is given twice");
		seen[i] = true;
		if (!item_keys[i].take(l, node(l, p->value), key, it))
			return false;
	}
	return seen[0] && seen[1] ? check_keys(l, v, it, seen)
				  : complain(l, v, seen[0] ? "kind" : "name",
					     "is missing in this item");
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

/* The lists of the wire: items, and keys that are told. */
static bool
check_items(struct loader *l, const yaml_node_t *v)
{
	struct measure_config *c = l->c;
	size_t told = 0;

	qsort(c->items, c->n, sizeof *c->items, by_name);
	for (size_t i = 0; i < c->n; i++) {
		if (i > 0 && strcmp(c->items[i - 1].name, c->items[i].name) == 0)
			return complain(l, v, c->items[i].name, "is the name of two items");
		for (size_t k = 0; c->items[i].report && c->items[i].report[k]; k++)
			told++;
	}
	return told <= ASSAY_SETTINGS_MAX || complain(l, v, "report", "more than 1024 keys in all");
}

static bool
read_items(struct loader *l, const yaml_node_t *v)
{
	size_t n;

	if (v->type != YAML_SEQUENCE_NODE)
		return complain(l, v, "items", "is not a list");
	n = (size_t)(v->data.sequence.items.top - v->data.sequence.items.start);
	if (n > ASSAY_SOFTWARE_MAX)
		return complain(l, v, "items", "has more than 4096 elements");
	l->c->items = calloc(n ? n : 1, sizeof *l->c->items);
	if (!l->c->items)
		return complain(l, v, "items", assay_err_text(ASSAY_NO_MEMORY));
	for (size_t i = 0; i < n; i++) {
		l->c->n++;
		if (!read_item(l, node(l, v->data.sequence.items.start[i]), &l->c->items[i]))
			return false;
	}
	return check_items(l, v);
}

/* ---- sections ---- */

static bool
read_measure_key(struct loader *l, const char *key, const yaml_node_t *v)
{
	struct measure_config *c = l->c;

	if (strcmp(key, "items") == 0)
		return read_items(l, v);
	if (strcmp(key, "rate") == 0)
		return take_number(l, v, key, &c->rate);
	if (strcmp(key, "nice") == 0)
		return take_small(l, v, key, &c->nice) &&
		       (c->nice <= 19 || complain(l, v, key, "is not 0 to 19"));
	if (strcmp(key, "full-every") == 0)
		return take_small(l, v, key, &c->full_every);
	if (strcmp(key, "wait") == 0)
		return take_small(l, v, key, &c->wait_s);
	if (strcmp(key, "root") == 0)
		return take_path(l, v, key, &c->root);
	return complain(l, v, key, "there is no such key in this section");
}

static bool
read_health_key(struct loader *l, const char *key, const yaml_node_t *v)
{
	struct measure_config *c = l->c;

	if (strcmp(key, "mounts") == 0)
		return take_list(l, v, key, &c->mounts);
	if (strcmp(key, "claims") != 0)
		return complain(l, v, key, "there is no such key in this section");
	if (!take_list(l, v, key, &c->health_claims))
		return false;
	for (size_t i = 0; c->health_claims[i]; i++)
		if (health_by_name(SPAN(c->health_claims[i], strlen(c->health_claims[i]))) ==
		    HEALTH_NONE)
			return complain(l, v, c->health_claims[i], "there is no such health claim");
	return true;
}

static bool
read_section(struct loader *l, const char *name, const yaml_node_t *v)
{
	bool health = strcmp(name, "health") == 0;

	if (health && v->type == YAML_SCALAR_NODE)
		return take_bool(l, v, name, &l->c->health);
	if (v->type != YAML_MAPPING_NODE)
		return complain(l, v, name, "is a section, and has indented keys below it");
	l->c->health |= health;
	for (yaml_node_pair_t *p = v->data.mapping.pairs.start; p < v->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *k = node(l, p->key);
		const char *key = scalar(k);

		if (!key)
			return complain(l, k, name, "has a key that is no text");
		if (!(health ? read_health_key : read_measure_key)(l, key, node(l, p->value)))
			return false;
	}
	return true;
}

static bool
read_document(struct loader *l)
{
	const yaml_node_t *top = yaml_document_get_root_node(&l->doc);
	bool seen[2] = {false, false};

	if (!top || top->type != YAML_MAPPING_NODE)
		return true; /* empty: the options have been read elsewhere */
	for (yaml_node_pair_t *p = top->data.mapping.pairs.start; p < top->data.mapping.pairs.top;
	     p++) {
		const char *key = scalar(node(l, p->key));
		bool health = key && strcmp(key, "health") == 0;

		if (!key || (!health && strcmp(key, "measure") != 0))
			continue;
		if (seen[health])
			return complain(l, node(l, p->key), key, "is given twice");
		seen[health] = true;
		if (!read_section(l, key, node(l, p->value)))
			return false;
	}
	return true;
}

bool
config_measure_read(const char *path, struct measure_config *ret, int *ret_status)
{
	struct loader l = {.path = path, .c = ret};
	FILE *f = path ? fopen(path, "re") : NULL;
	yaml_parser_t parser;
	bool ok;

	*ret = (struct measure_config){.nice = 10, .full_every = 24, .wait_s = 10};
	if (!path)
		return true;
	*ret_status = AGENT_NO_ACCESS;
	if (!f)
		return report_fatal(0, "%s: %s", path, strerror(errno)), false;
	*ret_status = AGENT_FAULT;
	if (!yaml_parser_initialize(&parser)) {
		fclose(f);
		return false;
	}
	*ret_status = AGENT_BAD_INPUT;
	yaml_parser_set_input_file(&parser, f);
	ok = yaml_parser_load(&parser, &l.doc);
	if (!ok) {
		(void)report_fatal(0, "%s:%zu: %s", path, parser.problem_mark.line + 1,
				   parser.problem ? parser.problem : "is no YAML");
	} else {
		ok = read_document(&l);
		yaml_document_delete(&l.doc);
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return ok;
}

void
config_measure_free(struct measure_config *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct item *it = &c->items[i];

		free(it->name);
		free(it->path);
		free(it->version_text);
		texts_free(it->drop);
		texts_free(it->report);
		texts_free(it->keep);
		texts_free(it->exclude);
		texts_free(it->command);
		texts_free(it->version_command);
	}
	free(c->items);
	free(c->root);
	texts_free(c->health_claims);
	texts_free(c->mounts);
	*c = (struct measure_config){.n = 0};
}

bool
config_measure_any(const struct measure_config *c)
{
	return c->n > 0 || c->health;
}
