/* request.c: see request.h. */
#include "request.h"

#include "verifier/appraise/text.h"

#include <stdio.h>
#include <string.h>

static enum assay_err
refuse(struct operator_request *r, enum assay_err e, const char *field, const char *what)
{
	char safe[40];

	text_escape(SPAN(field, strlen(field)), safe, sizeof safe);
	text_format(r->message, sizeof r->message, "%s%s%s", safe, *safe ? ": " : "", what);
	return e;
}

enum assay_err
request_start(struct operator_request *r, enum http_method m, struct span path)
{
	enum assay_err e;

	memset(r, 0, sizeof *r);
	if (path.n >= sizeof r->path)
		return refuse(r, ASSAY_TOO_LARGE, "", "the path is too long");
	memcpy(r->path, path.p, path.n);
	e = route_find(m, SPAN(r->path, path.n), &r->route, &r->op);
	if (e == ASSAY_NOT_FOUND)
		return refuse(r, e, "", "there is nothing at this path");
	if (e == ASSAY_STATE)
		return refuse(r, e, "", "the path has another method");
	return e;
}

/* The field of this name, if the route takes it and has it not yet. */
static enum assay_err
take_field(struct operator_request *r, const char *name, enum operation_field *ret)
{
	enum operation_field f = operation_field_by_name(name);

	if (f == F_NONE || (r->route->fields & UINT64_C(1) << f) == 0)
		return refuse(r, ASSAY_MALFORMED, name, "is no field of this request");
	if (r->op.field[f].n > 0)
		return refuse(r, ASSAY_MALFORMED, name, "is given twice");
	*ret = f;
	return ASSAY_OK;
}

static enum assay_err
set_field(struct operator_request *r, enum operation_field f, struct span value)
{
	size_t max = f == F_FILE ? OPERATION_FILE_MAX : OPERATION_TEXT_MAX;
	const char *name = operation_field_name(f);

	if (value.n == 0)
		return refuse(r, ASSAY_MALFORMED, name, "is empty; leave it out");
	if (value.n > max)
		return refuse(r, ASSAY_TOO_LARGE, name, "is too long");
	for (size_t i = 0; f != F_FILE && i < value.n; i++)
		if (value.p[i] < 0x20 || value.p[i] > 0x7E)
			return refuse(r, ASSAY_MALFORMED, name, "must be printable ASCII");
	r->op.field[f] = value;
	return ASSAY_OK;
}

enum assay_err
request_long_query(struct operator_request *r)
{
	return refuse(r, ASSAY_TOO_LARGE, "", "the query is too long");
}

enum assay_err
request_query(struct operator_request *r, struct span pair)
{
	const uint8_t *equals = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
	size_t name_len = equals ? (size_t)(equals - pair.p) : pair.n;
	size_t n = equals ? pair.n - name_len - 1 : 0;
	char name[16] = "", *to = r->query + r->query_used;
	enum operation_field f;
	enum assay_err e;

	if (r->route->method != METHOD_GET)
		return refuse(r, ASSAY_MALFORMED, "", "a query is for GET; give fields as JSON");
	if (name_len < sizeof name && name_len)
		memcpy(name, pair.p, name_len);
	if ((e = take_field(r, name, &f)) != ASSAY_OK)
		return e;
	if (n > sizeof r->query - r->query_used)
		return refuse(r, ASSAY_TOO_LARGE, name, "the query is too long");
	if (n)
		memcpy(to, equals + 1, n);
	r->query_used += n;
	return set_field(r, f, SPAN(to, n));
}

/* Depth of nesting is judged before the parser recurses: one object and no more. */
static bool
is_flat(struct span json)
{
	bool in_text = false;
	unsigned depth = 0;

	for (size_t i = 0; i < json.n; i++) {
		uint8_t ch = json.p[i];

		if (in_text && ch == '\\')
			i++;
		else if (ch == '"')
			in_text = !in_text;
		else if (in_text)
			continue;
		else if (ch == '[' || (ch == '{' && ++depth > 1))
			return false;
	}
	return true;
}

static enum assay_err
body_field(struct operator_request *r, const char *name, json_t *value)
{
	enum operation_field f;
	enum assay_err e;
	int n;

	if ((e = take_field(r, name, &f)) != ASSAY_OK)
		return e;
	if (json_is_string(value))
		return set_field(r, f, SPAN(json_string_value(value), json_string_length(value)));
	if (!json_is_integer(value) || json_integer_value(value) < 0 || f == F_FILE)
		return refuse(r, ASSAY_MALFORMED, name, "must be a text or a whole number");
	n = snprintf(r->number[f], sizeof r->number[f], "%lld",
		     (long long)json_integer_value(value));
	return set_field(r, f, SPAN(r->number[f], (size_t)n));
}

enum assay_err
request_body(struct operator_request *r, struct span body)
{
	enum assay_err e = ASSAY_OK;
	json_error_t error;
	const char *name;
	json_t *value;

	if (body.n == 0)
		return ASSAY_OK;
	if (r->route->method != METHOD_POST)
		return refuse(r, ASSAY_MALFORMED, "", "a GET has no body");
	if (body.n > r->route->body_max)
		return refuse(r, ASSAY_TOO_LARGE, "", "the body is too large");
	if (route_is_raw(r->route))
		return set_field(r, F_FILE, body);
	if (!is_flat(body))
		return refuse(r, ASSAY_MALFORMED, "", "the body must be one flat JSON object");
	r->body = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &error);
	if (!r->body) {
		text_format(r->message, sizeof r->message,
			    "the body is not valid JSON at line %d, column %d", error.line,
			    error.column);
		return ASSAY_MALFORMED;
	}
	if (!json_is_object(r->body))
		return refuse(r, ASSAY_MALFORMED, "", "the body must be one flat JSON object");
	json_object_foreach(r->body, name, value)
		if (e == ASSAY_OK)
			e = body_field(r, name, value);
	return e;
}

void
request_free(struct operator_request *r)
{
	json_decref(r->body);
	memset(r, 0, sizeof *r);
}
