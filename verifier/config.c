/* config.c: see config.h. */
#include "config.h"

#include "config_private.h"
#include "verifier/appraise/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUGGEST_DISTANCE 4 /* edits within which a key is taken for a slip */

static const struct config_key top_keys[] = {
#define X(kind, member, least, most, must)                                                     \
	{#member, kind, offsetof(struct config, member), sizeof(((struct config *)0)->member), \
	 least, most, must},
	CONFIG_KEYS(X)
#undef X
};
static const struct config_keys top = {top_keys, sizeof top_keys / sizeof top_keys[0],
				       "docs/deployment.md"};

static void
in_state(const struct config *c, char ret[CONFIG_PATH_MAX], const char *name)
{
	text_format(ret, CONFIG_PATH_MAX, "%s/%s", c->state, name);
}

void
config_defaults(struct config *c, const char *state_dir)
{
	memset(c, 0, sizeof *c);
	c->channel_binding = true;
	c->net_processes = 1;
	c->operator_reads_per_minute = 6000;
	c->operator_changes_per_minute = 1200;
	c->operator_admissions_per_minute = 60000;
	c->failures_per_minute = 600;
	c->pending_max = 256;
	c->enrolments_per_minute = 60;
	c->appraisers = 2;
	c->spare_appraisers = 2;
	c->requests_per_appraiser = 4096;
	c->appraisal_max_s = 60;
	c->challenge_deadline_ms = 30000;
	c->connections_max = 20000;
	c->connections_per_source = 4096;
	c->half_open_per_source = 256;
	c->uploads_max = 64;
	c->ima_memory = 256;
	c->device_tokens = true;
	text_format(c->ear_dialect, sizeof c->ear_dialect, "ietf");
	text_format(c->addresses, sizeof c->addresses, "registered");
	c->retention_days = 90;
	text_format(c->state, sizeof c->state, "%s", state_dir);
	text_format(c->listen, sizeof c->listen, "0.0.0.0:7443");
	text_format(c->user, sizeof c->user, "nobody");
	in_state(c, c->certificate, "tls/cert.pem");
	in_state(c, c->key, "tls/key.pem");
	in_state(c, c->console_socket, "run/console.sock");
	in_state(c, c->console_certificate, "tls/console-cert.pem");
	in_state(c, c->console_key, "tls/console-key.pem");
	config_outbound_defaults(c);
}

/* ---- suggestions ---- */

static const char *
nearest(const struct config_keys *keys, const char *word)
{
	size_t best_distance = SUGGEST_DISTANCE;
	const char *best = NULL;

	for (size_t i = 0; i < keys->n; i++) {
		size_t d = text_distance(word, keys->key[i].name);

		if (d < best_distance && d < strlen(word)) {
			best_distance = d;
			best = keys->key[i].name;
		}
	}
	return best;
}

/* ---- one file ---- */

enum assay_err
config_complain(struct config_loading *l, struct config_place at, const char *key, const char *what)
{
	char safe[2 * CONFIG_KEY_MAX];

	text_escape(SPAN(key, strlen(key)), safe, sizeof safe);
	text_format(l->err->text, sizeof l->err->text, "%.500s:%zu:%zu: %s%s%s", l->name, at.line,
		    at.column, safe, *safe ? ": " : "", what);
	return ASSAY_MALFORMED;
}

const struct config_key *
config_key_of(const struct config_keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->n; i++)
		if (strcmp(keys->key[i].name, name) == 0)
			return &keys->key[i];
	return NULL;
}

static enum assay_err
check_key(struct config_loading *l, const struct config_keys *keys, size_t i)
{
	const struct config_pair *p = &l->pairs->pair[i], *q = l->pairs->pair;
	const char *near = nearest(keys, p->key);
	char what[160];

	for (; q < p; q++) {
		if (q->section != p->section || q->item != p->item || strcmp(q->key, p->key) != 0)
			continue;
		text_format(what, sizeof what, "is given twice, first in line %zu; remove one",
			    q->key_at.line);
		return config_complain(l, p->key_at, p->key, what);
	}
	if (config_key_of(keys, p->key))
		return ASSAY_OK;
	if (near)
		text_format(what, sizeof what, "no such key; did you mean `%s'?", near);
	else
		text_format(what, sizeof what, "no such key; %s lists them", keys->listed_in);
	return config_complain(l, p->key_at, p->key, what);
}

static bool
is_flag(const struct config_pair *p)
{
	return !p->quoted && (strcmp(p->value, "true") == 0 || strcmp(p->value, "false") == 0);
}

/* Decimal digits alone; libcyaml would also take 010 for eight. */
static bool
is_number(const struct config_pair *p)
{
	size_t n = strspn(p->value, "0123456789");

	return !p->quoted && n > 0 && n <= 9 && p->value[n] == '\0' &&
	       (p->value[0] != '0' || n == 1);
}

static bool
is_address(const char *value)
{
	char host[CONFIG_TEXT_MAX];
	uint16_t port;

	return !*value || config_split_address(value, host, sizeof host, &port) == ASSAY_OK;
}

/* One of "this or that". */
static bool
is_word(const char *must, const char *value)
{
	const char *other = strstr(must, " or ");
	size_t n = other ? (size_t)(other - must) : 0;

	return (strlen(value) == n && strncmp(must, value, n) == 0) ||
	       (other && strcmp(other + 4, value) == 0);
}

static bool
has_kind(const struct config_key *k, const struct config_pair *p)
{
	switch (k->kind) {
	case FLAG:
		return is_flag(p);
	case NUMBER:
		return is_number(p);
	case ADDRESS:
		return is_address(p->value);
	case WORD:
		return is_word(k->must, p->value);
	case TEXT:
	case PATH:
	case SOCKET:
		return p->quoted || (strcmp(p->value, "~") != 0 && strcmp(p->value, "null") != 0);
	}
	return false;
}

static enum assay_err
check_value(struct config_loading *l, const struct config_key *k, const struct config_pair *p)
{
	size_t measure = strlen(p->value);
	char what[256];

	if (!has_kind(k, p)) {
		text_format(what, sizeof what, "is not of its type, give %s", k->must);
		return config_complain(l, p->value_at, p->key, what);
	}
	if (k->kind == NUMBER)
		measure = strtoul(p->value, NULL, 10);
	if (measure >= k->least && measure <= k->most)
		return ASSAY_OK;
	if (k->kind == NUMBER)
		text_format(what, sizeof what, "is out of range, give %s from %u to %u", k->must,
			    k->least, k->most);
	else
		text_format(what, sizeof what, "is %s, give %s", measure ? "too long" : "empty",
			    k->must);
	return config_complain(l, p->value_at, p->key, what);
}

enum assay_err
config_check_pair(struct config_loading *l, const struct config_keys *keys, size_t i)
{
	const struct config_pair *p = &l->pairs->pair[i];
	enum assay_err e = check_key(l, keys, i);

	return e == ASSAY_OK ? check_value(l, config_key_of(keys, p->key), p) : e;
}

static enum assay_err
check(struct config_loading *l)
{
	enum assay_err e = ASSAY_OK;

	for (size_t i = 0; i < l->pairs->n && e == ASSAY_OK; i++)
		if (l->pairs->pair[i].section == CONFIG_TOP)
			e = config_check_pair(l, &top, i);
	return e;
}

/* Relative paths count from the state directory. */
static enum assay_err
set_path(struct config_loading *l, const struct config_key *k, const struct config_pair *p,
	 void *base)
{
	bool whole = !*p->value || *p->value == '/';
	char path[2 * CONFIG_PATH_MAX];
	size_t n;

	text_format(path, sizeof path, "%s%s%s", whole ? "" : l->c->state, whole ? "" : "/",
		    p->value);
	n = strlen(path);
	if (n >= k->size || n > k->most)
		return config_complain(l, p->value_at, p->key,
				       "is too long below the state directory, give an absolute "
				       "path");
	memcpy((char *)base + k->offset, path, n + 1);
	return ASSAY_OK;
}

enum assay_err
config_set(struct config_loading *l, const struct config_key *k, const struct config_pair *p,
	   void *base)
{
	unsigned number = (unsigned)strtoul(p->value, NULL, 10);
	bool flag = strcmp(p->value, "true") == 0;

	if (k->kind == PATH || k->kind == SOCKET)
		return set_path(l, k, p, base);
	if (k->kind == NUMBER)
		memcpy((char *)base + k->offset, &number, sizeof number);
	else if (k->kind == FLAG)
		memcpy((char *)base + k->offset, &flag, sizeof flag);
	else
		text_format((char *)base + k->offset, k->size, "%s", p->value);
	return ASSAY_OK;
}

static enum assay_err
apply(struct config_loading *l, const struct config *loaded)
{
	enum assay_err e = ASSAY_OK;

	for (size_t i = 0; i < l->pairs->n && e == ASSAY_OK; i++) {
		const struct config_pair *p = &l->pairs->pair[i];
		const struct config_key *k;

		if (p->section != CONFIG_TOP)
			continue;
		k = config_key_of(&top, p->key);
		if (k->kind == PATH || k->kind == SOCKET)
			e = set_path(l, k, p, l->c);
		else
			memcpy((char *)l->c + k->offset, (const char *)loaded + k->offset, k->size);
	}
	return e;
}

enum assay_err
config_parse(struct config *c, struct span yaml, const char *name, struct config_error *err)
{
	static struct config_pairs pairs; /* start-up only */
	struct config_loading l = {.c = c, .name = name, .err = err, .pairs = &pairs};
	struct config *loaded = NULL;
	enum assay_err e;

	err->text[0] = '\0';
	if (config_yaml_read(yaml, &pairs) != ASSAY_OK)
		return config_complain(&l, pairs.at, "", pairs.problem);
	if (pairs.n == 0 && pairs.nitems == 0)
		return ASSAY_OK;
	if ((e = check(&l)) != ASSAY_OK)
		return e;
	if (config_yaml_load(yaml, &loaded) != ASSAY_OK)
		return config_complain(&l, pairs.pair[0].key_at, "", "the file cannot be loaded");
	e = apply(&l, loaded);
	config_yaml_free(loaded);
	return e == ASSAY_OK ? config_outbound(&l) : e;
}

static enum assay_err
fail_file(const char *path, const char *what, struct config_error *err)
{
	text_format(err->text, sizeof err->text, "%.500s: %s", path, what);
	return ASSAY_IO;
}

enum assay_err
config_load(struct config *c, const char *state_dir, struct config_error *err)
{
	static uint8_t bytes[CONFIG_FILE_MAX + 1]; /* start-up only */
	char path[CONFIG_PATH_MAX + sizeof CONFIG_FILE], state[CONFIG_PATH_MAX];
	char real[4096]; /* PATH_MAX, which realpath() needs */
	size_t n;
	bool bad;
	FILE *f;

	if (!realpath(state_dir, real))
		return fail_file(state_dir, strerror(errno), err);
	if (strlen(real) >= sizeof state - 64)
		return fail_file(state_dir, "the path of the state directory is too long", err);
	text_format(state, sizeof state, "%s", real);
	config_defaults(c, state);
	text_format(path, sizeof path, "%s/%s", state, CONFIG_FILE);
	if (!(f = fopen(path, "rb")))
		return errno == ENOENT ? ASSAY_OK : fail_file(path, strerror(errno), err);
	n = fread(bytes, 1, sizeof bytes, f);
	bad = ferror(f) != 0;
	fclose(f);
	if (bad)
		return fail_file(path, "cannot be read", err);
	if (n > CONFIG_FILE_MAX)
		return fail_file(path, "is larger than 64 KiB", err);
	return config_parse(c, SPAN(bytes, n), path, err);
}

enum assay_err
config_split_address(const char *text, char *ret_host, size_t cap, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	char host[CONFIG_TEXT_MAX];
	uint8_t number[16];
	size_t n, digits;
	unsigned long port;

	if (!colon || colon == text || (size_t)(colon - text) >= sizeof host)
		return ASSAY_MALFORMED;
	digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
		return ASSAY_MALFORMED;
	port = strtoul(colon + 1, NULL, 10);
	n = (size_t)(colon - text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		memmove(host, host + 1, n - 1);
		if (inet_pton(AF_INET6, host, number) != 1)
			return ASSAY_MALFORMED;
	} else if (inet_pton(AF_INET, host, number) != 1) {
		return ASSAY_MALFORMED;
	}
	if (port > UINT16_MAX || strlen(host) >= cap)
		return ASSAY_MALFORMED;
	text_format(ret_host, cap, "%s", host);
	*ret_port = (uint16_t)port;
	return ASSAY_OK;
}
