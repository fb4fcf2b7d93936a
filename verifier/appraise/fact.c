/* fact.c: see fact.h. */
#include "fact.h"

#include "text.h"

#include <string.h>

static const struct fact_info facts[FACT_COUNT] = {
#define X(id, name, type, prov, scope, indexed, doc)                                           \
	[FACT_##id] = {name, FACT_##type, PROV_##prov, SCOPE_##scope, indexed, doc},
	FACTS(X)
#undef X
#define NUMBER FACT_INTEGER
#define BOOL FACT_BOOL
#define TEXT FACT_TEXT
#define TIME FACT_TIME
#define X(id, name, type, unit, instances, doc)                                                    \
	[FACT_HEALTH_##id] = {"health." name, type, PROV_CLAIMED, SCOPE_ROUND, 0, doc},            \
	[FACT_HEALTH_##id##_EACH] = {sizeof instances > 1 ? "health." name ".*" : NULL,            \
				     type,                                                         \
				     PROV_CLAIMED,                                                 \
				     SCOPE_ROUND,                                                  \
				     0,                                                            \
				     "the same of one " instances},
	HEALTH_CLAIMS(X)
#undef X
#undef NUMBER
#undef BOOL
#undef TEXT
#undef TIME
};

const char *
fact_type_name(enum fact_type t)
{
	static const char *const names[FACT_TYPE_COUNT] = {"true or false", "number", "text",
							   "digest", "time", "list", "number"};

	return (unsigned)t < FACT_TYPE_COUNT ? names[t] : "unknown";
}

const struct fact_info *
fact_info(enum fact_id id)
{
	return id > FACT_NONE && id < FACT_COUNT && facts[id].name ? &facts[id] : NULL;
}

/* Whether the name has the form, and what the form's "*" stands for. */
static bool
has_form(const char *form, struct span name, struct span *ret_instance)
{
	size_t head = strcspn(form, "*"), tail = form[head] ? strlen(form + head + 1) : 0;

	*ret_instance = SPAN(NULL, 0);
	if (form[head] == '\0')
		return span_equal(name, SPAN(form, head));
	if (name.n <= head + tail || !span_equal(SPAN(name.p, head), SPAN(form, head)) ||
	    !span_equal(SPAN(name.p + name.n - tail, tail), SPAN(form + head + 1, tail)))
		return false;
	*ret_instance = SPAN(name.p + head, name.n - head - tail);
	return true;
}

enum fact_id
fact_by_instance(struct span name, struct span *ret_instance)
{
	for (unsigned i = FACT_NONE + 1; i < FACT_COUNT; i++)
		if (facts[i].name && has_form(facts[i].name, name, ret_instance))
			return (enum fact_id)i;
	*ret_instance = SPAN(NULL, 0);
	return FACT_NONE;
}

enum fact_id
fact_by_name(const char *name, size_t len)
{
	struct span instance;

	return fact_by_instance(SPAN(name, len), &instance);
}

void
fact_name_text(enum fact_id id, const char *instance, char *ret, size_t cap)
{
	const struct fact_info *info = fact_info(id);
	size_t head = info ? strcspn(info->name, "*") : 0;

	if (!info || info->name[head] == '\0')
		text_format(ret, cap, "%s", info ? info->name : "unknown");
	else
		text_format(ret, cap, "%.*s%s%s", (int)head, info->name, instance,
			    info->name + head + 1);
}

enum fact_id
fact_of_health(enum health_id id, bool instance)
{
	enum fact_id f = (enum fact_id)(FACT_HEALTH_FIRST + 2 * ((unsigned)id - 1) + instance);

	return health_info(id) && facts[f].name ? f : FACT_NONE;
}

enum fact_unit
fact_unit(enum fact_id id)
{
	static const char *const words[UNIT_COUNT] = {"", "bytes", "percent", "Celsius", "s", "ms"};
	const struct health_info *h;

	if (id == FACT_QUOTE_CLOCK)
		return UNIT_MILLISECONDS;
	if (id == FACT_HEALTH_UPDATE_AGE || id == FACT_EVIDENCE_AGE)
		return UNIT_SECONDS;
	if ((unsigned)id < FACT_HEALTH_FIRST || facts[id].type != FACT_INTEGER)
		return UNIT_NONE;
	h = health_info((enum health_id)((id - FACT_HEALTH_FIRST) / 2 + 1));
	for (unsigned u = UNIT_NONE + 1; h && u < UNIT_COUNT; u++)
		if (strcmp(h->unit, words[u]) == 0)
			return (enum fact_unit)u;
	return UNIT_NONE;
}
