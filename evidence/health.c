/* health.c: see health.h. */
#include "health.h"

#include <string.h>

static const struct health_info infos[] = {
	[HEALTH_NONE] = {0},
#define X(id, name, type, unit, instances, doc)                                                    \
	[HEALTH_##id##_ID] = {name, HEALTH_##type, unit, instances, doc},
	HEALTH_CLAIMS(X)
#undef X
};

const struct health_info *
health_info(enum health_id id)
{
	return id != HEALTH_NONE && (unsigned)id < HEALTH_COUNT ? &infos[id] : NULL;
}

enum health_id
health_by_name(struct span name)
{
	for (unsigned i = 1; i < HEALTH_COUNT; i++)
		if (span_equal(name, SPAN(infos[i].name, strlen(infos[i].name))))
			return (enum health_id)i;
	return HEALTH_NONE;
}

static bool
is_text(struct span s, const char *text)
{
	return span_equal(s, SPAN(text, strlen(text)));
}

/* Digits without leading zeros, at most most. */
static enum assay_err
parse_digits(struct span s, uint64_t most, uint64_t *ret)
{
	struct reader r;
	uint64_t v = 0;

	rd_init(&r, s);
	if (s.n == 0)
		return ASSAY_MALFORMED;
	while (rd_left(&r) > 0) {
		uint8_t c = rd_u8(&r);

		if (c < '0' || c > '9' || (v == 0 && c == '0' && s.n > 1))
			return ASSAY_MALFORMED;
		if (v > (most - (uint64_t)(c - '0')) / 10)
			return ASSAY_MALFORMED;
		v = v * 10 + (uint64_t)(c - '0');
	}
	*ret = v;
	return ASSAY_OK;
}

static enum assay_err
parse_number(struct span s, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	struct reader r;
	uint64_t v = 0;
	enum assay_err e;

	rd_init(&r, s);
	if (negative)
		(void)rd_u8(&r);
	e = parse_digits(rd_rest(&r), INT64_MAX, &v);
	if (e != ASSAY_OK || (negative && v == 0))
		return ASSAY_MALFORMED;
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return ASSAY_OK;
}

enum assay_err
health_parse(enum health_type t, struct span value, int64_t *ret)
{
	enum assay_err e;
	int64_t v = 0;

	switch (t) {
	case HEALTH_NUMBER:
		return parse_number(value, ret);
	case HEALTH_TIME:
		e = parse_number(value, &v);
		if (e != ASSAY_OK || v < 0)
			return ASSAY_MALFORMED;
		break;
	case HEALTH_BOOL:
		v = is_text(value, "true");
		if (!v && !is_text(value, "false"))
			return ASSAY_MALFORMED;
		break;
	case HEALTH_TEXT:
		for (size_t i = 0; i < value.n; i++)
			if (value.p[i] < 0x20 || value.p[i] > 0x7E)
				return ASSAY_MALFORMED;
		break;
	}
	*ret = v;
	return ASSAY_OK;
}
