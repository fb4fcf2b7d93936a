/* client_request.c: what a spec's words and options ask for, page by page; see
 * client.h. */
#include "client.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define PAGES_MAX 100000
#define URL_MAX 4096
#define FETCH_PAGE 1000

struct text {
	char *p;
	size_t n, cap;
	bool failed;
};

static void
put(struct text *t, const char *s, size_t n)
{
	if (t->failed || n >= t->cap - t->n) {
		t->failed = true;
		return;
	}
	memcpy(t->p + t->n, s, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static void
put_encoded(struct text *t, const char *s)
{
	char *e = curl_easy_escape(NULL, s, 0);

	if (e)
		put(t, e, strlen(e));
	else
		t->failed = true;
	curl_free(e);
}

char *
client_path(const struct client *c, const char *pattern)
{
	struct text t = {malloc(URL_MAX), 0, URL_MAX, false};

	if (!t.p)
		return NULL;
	for (; *pattern; pattern++) {
		if (pattern[0] == '{' && (pattern[1] == '0' || pattern[1] == '1')) {
			put_encoded(&t, c->args[pattern[1] - '0']);
			pattern += 2;
		} else {
			put(&t, pattern, 1);
		}
	}
	if (!t.failed)
		return t.p;
	free(t.p);
	return NULL;
}

/* An option's value as it is sent; NULL with *ret_status if it is not of its kind. */
static json_t *
field_value(const struct client *c, unsigned i, int *ret_status)
{
	const struct client_option *o = &c->spec->options[i];
	const char *value = c->values[i];
	struct span file;
	uint64_t seconds;
	uint32_t mask;
	int64_t at;
	json_t *j;

	*ret_status = CLI_YES;
	switch (o->kind) {
	case CLIENT_DURATION:
		if (client_parse_duration(value, &seconds))
			return json_integer((json_int_t)seconds);
		*ret_status = cli_usage(c->spec->command, "--%s: `%.40s' is no duration such as "
							  "24h, 30m or 7d", o->name, value);
		return NULL;
	case CLIENT_PCRS:
		if (client_parse_pcrs(value, &mask))
			return json_integer(mask);
		*ret_status = cli_usage(c->spec->command, "--%s: `%.40s' is no list such as "
							  "0,2,4-7", o->name, value);
		return NULL;
	case CLIENT_FILE:
		if (!cli_read_file(value, CLIENT_FILE_MAX, &file, ret_status))
			return NULL;
		j = json_stringn((const char *)file.p, file.n);
		cli_free(file);
		if (!j)
			*ret_status = cli_fail(CLI_BAD_INPUT, "%s: is not UTF-8 text", value);
		return j;
	case CLIENT_YES:
		return json_string("yes");
	case CLIENT_TIME:
		if (cli_parse_time(value, &at))
			return json_integer(at);
		*ret_status = cli_usage(c->spec->command, "--%s: `%.40s' is no time such as "
							  "2026-11-22T12:00:00Z", o->name, value);
		return NULL;
	default:
		return json_string(value);
	}
}

static bool
is_sent(const struct client *c, unsigned i)
{
	enum client_kind k = c->spec->options[i].kind;

	return c->values[i] && k != CLIENT_FLAG && k != CLIENT_LIMIT && k != CLIENT_LOCAL;
}

static int
add_word(const struct client *c, json_t *body)
{
	const struct client_spec *s = c->spec;
	const char *slash;
	struct span file;
	int status;

	if (!s->arg_field)
		return CLI_YES;
	if (!s->arg_is_file)
		return json_object_set_new(body, s->arg_field, json_string(c->args[0]))
			       ? cli_fail(CLI_BAD_INPUT, "%s is not UTF-8 text", s->args[0])
			       : CLI_YES;
	if (!cli_read_file(c->args[0], CLIENT_FILE_MAX, &file, &status))
		return status;
	slash = strrchr(c->args[0], '/');
	if (json_object_set_new(body, s->arg_field,
				json_stringn((const char *)file.p, file.n)) != 0 ||
	    json_object_set_new(body, "filename",
				json_string(slash ? slash + 1 : c->args[0])) != 0)
		status = cli_fail(CLI_BAD_INPUT, "%s: is not UTF-8 text", c->args[0]);
	else
		status = CLI_YES;
	cli_free(file);
	return status;
}

/* The body of a POST, or the fields of a GET's query. */
json_t *
client_fields(const struct client *c, int *ret_status)
{
	json_t *body = json_object();

	*ret_status = add_word(c, body);
	for (unsigned i = 0; i < CLIENT_OPTIONS_MAX && c->spec->options[i].name; i++) {
		json_t *value;

		if (*ret_status != CLI_YES)
			break;
		if (!is_sent(c, i))
			continue;
		value = field_value(c, i, ret_status);
		if (*ret_status == CLI_YES &&
		    json_object_set_new(body, c->spec->options[i].field, value) != 0)
			*ret_status = cli_fail(CLI_BAD_INPUT, "--%s: is not UTF-8 text",
					       c->spec->options[i].name);
	}
	if (*ret_status == CLI_YES)
		return body;
	json_decref(body);
	return NULL;
}

static void
put_query(struct text *t, const json_t *fields)
{
	char number[32];
	const char *name;
	json_t *value;
	void *at;

	for (at = json_object_iter((json_t *)(uintptr_t)fields); at;
	     at = json_object_iter_next((json_t *)(uintptr_t)fields, at)) {
		name = json_object_iter_key(at);
		value = json_object_iter_value(at);
		put(t, strchr(t->p, '?') ? "&" : "?", 1);
		put(t, name, strlen(name));
		put(t, "=", 1);
		text_format(number, sizeof number, "%lld", (long long)json_integer_value(value));
		put_encoded(t, json_is_string(value) ? json_string_value(value) : number);
	}
}

/* How many rows are wanted in all; 0: no bound. */
static bool
wanted(const struct client *c, uint64_t *ret)
{
	const char *limit = client_option(c, "limit");

	*ret = 0;
	return !limit || (client_parse_duration(limit, ret) && *ret > 0 &&
			  strspn(limit, "0123456789") == strlen(limit));
}

/* Puts the next page's rows behind those that are there; false without memory. */
static bool
join(json_t **all, json_t *page, const char *list)
{
	json_t *rows;
	bool ok;

	if (!*all) {
		*all = page;
		return true;
	}
	rows = json_object_get(*all, list);
	ok = json_array_extend(rows, json_object_get(page, list)) == 0 &&
	     json_object_set(*all, "next", json_object_get(page, "next")) == 0;
	json_decref(page);
	return ok;
}

/* "next" of an answer as text for "after"; NULL at the end. */
static const char *
next_of(const json_t *answer, char number[32])
{
	const json_t *next = json_object_get(answer, "next");

	if (json_is_string(next))
		return json_string_value(next);
	if (!json_is_integer(next))
		return NULL;
	text_format(number, 32, "%lld", (long long)json_integer_value(next));
	return number;
}

static json_t *
ask_page(const struct client *c, json_t *fields, int *ret_status)
{
	char *path = client_path(c, c->spec->path);
	struct text t = {path, path ? strlen(path) : 0, URL_MAX, path == NULL};
	json_t *answer = NULL;

	if (path)
		put_query(&t, fields);
	if (t.failed)
		*ret_status = cli_fail(CLI_BAD_INPUT, "the request is too long");
	else
		answer = client_ask(c, false, path, NULL, ret_status);
	free(path);
	return answer;
}

/* Page after page, until there is no next one or enough. */
static json_t *
ask_pages(const struct client *c, json_t *fields, int *ret_status)
{
	json_t *all = NULL, *page;
	uint64_t want;
	char number[32];
	const char *next;

	if (!wanted(c, &want)) {
		*ret_status = cli_usage(c->spec->command, "--limit must be a whole number");
		return NULL;
	}
	for (unsigned i = 0; i < PAGES_MAX; i++) {
		size_t have = json_array_size(json_object_get(all, c->spec->list));
		uint64_t left = want ? want - have : FETCH_PAGE;

		json_object_set_new(
			fields, "limit",
			json_integer((json_int_t)(left < FETCH_PAGE ? left : FETCH_PAGE)));
		page = ask_page(c, fields, ret_status);
		if (!page || !join(&all, page, c->spec->list)) {
			json_decref(all);
			return NULL;
		}
		have = json_array_size(json_object_get(all, c->spec->list));
		next = next_of(all, number);
		if (!next || (want && have >= want))
			break;
		json_object_set_new(fields, "after", json_string(next));
	}
	return all;
}

json_t *
client_ask_spec(const struct client *c, int *ret_status)
{
	json_t *fields = client_fields(c, ret_status), *answer = NULL;
	char *path;

	if (!fields)
		return NULL;
	if (c->spec->list) {
		answer = ask_pages(c, fields, ret_status);
	} else if (!c->spec->post) {
		answer = ask_page(c, fields, ret_status);
	} else if ((path = client_path(c, c->spec->path)) != NULL) {
		answer = client_ask(c, true, path, fields, ret_status);
		free(path);
	} else {
		*ret_status = cli_fail(CLI_BAD_INPUT, "the request is too long");
	}
	json_decref(fields);
	return answer;
}

int
client_present(const struct client *c, const json_t *answer)
{
	if (!c->json)
		return c->spec->show(c, answer);
	json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	return CLI_YES;
}

int
client_run(const struct client_spec *s, int argc, char **argv)
{
	struct client_words words = {argc, argv};
	struct client c;
	json_t *answer;
	int status;

	if (!client_parse(&c, s, words, &status))
		return status;
	answer = client_ask_spec(&c, &status);
	if (answer)
		status = client_present(&c, answer);
	json_decref(answer);
	return status;
}
