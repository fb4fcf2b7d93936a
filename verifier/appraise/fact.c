/* fact.c: see fact.h. */
#include "fact.h"

#include <string.h>

static const struct fact_info facts[FACT_COUNT] = {
#define X(id, name, type, prov, scope, indexed, doc)                                           \
	[FACT_##id] = {name, FACT_##type, PROV_##prov, SCOPE_##scope, indexed, doc},
	FACTS(X)
#undef X
};

const char *
fact_type_name(enum fact_type t)
{
	static const char *const names[FACT_TYPE_COUNT] = {"true or false", "number", "text",
							   "digest", "time"};

	return (unsigned)t < FACT_TYPE_COUNT ? names[t] : "unknown";
}

const struct fact_info *
fact_info(enum fact_id id)
{
	return id > FACT_NONE && id < FACT_COUNT ? &facts[id] : NULL;
}

enum fact_id
fact_by_name(const char *name, size_t len)
{
	for (unsigned i = FACT_NONE + 1; i < FACT_COUNT; i++)
		if (strlen(facts[i].name) == len && strncmp(facts[i].name, name, len) == 0)
			return (enum fact_id)i;
	return FACT_NONE;
}
