/* factset.c: see factset.h. */
#include "factset.h"

#include "evidence/hex.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

void
factset_init(struct fact_set *s)
{
	s->count = 0;
	s->overflow = false;
}

struct fact_value *
factset_add(struct fact_set *s, enum fact_id id)
{
	struct fact_value *f = &s->spill;

	if (s->count < FACTSET_MAX)
		f = &s->v[s->count++];
	else
		s->overflow = true;
	memset(f, 0, sizeof *f);
	f->id = id;
	f->index = f->event = f->pcr = -1;
	return f;
}

void
factset_bool(struct fact_set *s, enum fact_id id, bool b)
{
	factset_add(s, id)->number = b;
}

void
factset_number(struct fact_set *s, enum fact_id id, uint64_t n)
{
	factset_add(s, id)->number = n;
}

void
factset_text(struct fact_set *s, enum fact_id id, const char *text)
{
	if (text[0] != '\0')
		factset_add(s, id)->text = SPAN(text, strlen(text));
}

void
factset_digest(struct fact_set *s, enum fact_id id, int32_t index, const struct digest *d)
{
	struct fact_value *f = factset_add(s, id);

	f->index = index;
	f->digest = *d;
}

const struct fact_value *
factset_find(const struct fact_set *s, enum fact_id id, int32_t index, uint16_t alg)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct fact_value *f = &s->v[i];

		if (f->id == id && f->index == index && (alg == ALG_NONE || f->digest.alg == alg))
			return f;
	}
	return NULL;
}

const struct fact_value *
factset_find_instance(const struct fact_set *s, enum fact_id id, struct span instance,
		      uint16_t alg)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct fact_value *f = &s->v[i];

		if (f->id == id && span_equal(f->instance, instance) &&
		    (alg == ALG_NONE || f->digest.alg == alg))
			return f;
	}
	return NULL;
}

void
fact_value_name(const struct fact_value *f, char *ret, size_t cap)
{
	char instance[FACT_TEXT_MAX];

	if (f->instance.n == 0) {
		fact_subject(f->id, f->index, ret, cap);
		return;
	}
	text_escape(f->instance, instance, sizeof instance);
	fact_name_text(f->id, instance, ret, cap);
}

void
fact_subject(enum fact_id id, int32_t index, char *ret, size_t cap)
{
	const struct fact_info *info = fact_info(id);

	if (index < 0)
		text_format(ret, cap, "%s", info ? info->name : "unknown");
	else
		text_format(ret, cap, "%s[%" PRId32 "]", info ? info->name : "unknown", index);
}

void
fact_digest_text(const struct digest *d, char *ret, size_t cap)
{
	char hex[2 * DIGEST_MAX + 1];
	const char *name = digest_name(d->alg);

	if (!name || hex_encode(digest_span(d), hex, sizeof hex) != ASSAY_OK)
		text_format(ret, cap, "none");
	else
		text_format(ret, cap, "%s:%s", name, hex);
}

/* Days since the epoch to a date: Howard Hinnant's civil_from_days, for t >= 0. */
void
fact_time_text(int64_t t, char *ret, size_t cap)
{
	int64_t days = t / 86400, secs = t % 86400, z = days + 719468;
	int64_t era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
	int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);

	text_format(ret, cap,
		    "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64
		    ":%02" PRId64 "Z",
		    year, month, day, secs / 3600, secs / 60 % 60, secs % 60);
}

void
fact_number_text(enum fact_id id, uint64_t number, char *ret, size_t cap)
{
	static const char *const suffixes[UNIT_COUNT] = {"", " B", "%", " C", " s", " ms"};
	const struct fact_info *info = fact_info(id);
	const char *suffix = id == FACT_QUOTE_CLOCK ? "" : suffixes[fact_unit(id)];

	if (info && info->type == FACT_INTEGER)
		text_format(ret, cap, "%" PRId64 "%s", (int64_t)number, suffix);
	else
		text_format(ret, cap, "%" PRIu64 "%s", number, suffix);
}

void
fact_value_text(const struct fact_value *f, char *ret, size_t cap)
{
	const struct fact_info *info = fact_info(f->id);

	switch (info ? info->type : FACT_TEXT) {
	case FACT_BOOL:
		text_format(ret, cap, "%s", f->number ? "true" : "false");
		break;
	case FACT_NUMBER:
	case FACT_INTEGER:
		fact_number_text(f->id, f->number, ret, cap);
		break;
	case FACT_TIME:
		fact_time_text((int64_t)f->number, ret, cap);
		break;
	case FACT_DIGEST:
		fact_digest_text(&f->digest, ret, cap);
		break;
	default:
		text_escape(f->text, ret, cap);
	}
}
