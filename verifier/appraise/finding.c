/* finding.c: adding findings to a verdict, and their order. See appraisal.h. */
#include "appraisal.h"

#include "bootevent.h"
#include "text.h"

#include <string.h>

/* Room for a finding; where there is none, that of one which matters less. */
static struct finding *
make_room(struct appraisal *a, enum outcome cap)
{
	struct verdict *v = a->v;
	struct finding *mildest = &a->spill;

	if (v->nfindings < VERDICT_FINDINGS_MAX)
		return &v->findings[v->nfindings++];
	a->spill.cap = (uint8_t)cap;
	for (size_t i = 0; i < v->nfindings; i++)
		if (v->findings[i].cap > mildest->cap)
			mildest = &v->findings[i];
	if (mildest->cap != OUTCOME_ADMIT)
		a->spilled = true;
	return mildest;
}

struct finding *
find(struct appraisal *a, enum finding_code code, enum outcome cap)
{
	struct finding *f = make_room(a, cap);

	if (cap < a->best)
		a->best = cap;
	memset(f, 0, sizeof *f);
	f->code = (uint16_t)code;
	f->cap = (uint8_t)cap;
	f->severity = cap == OUTCOME_QUARANTINE ? SEV_HIGH
		      : cap == OUTCOME_RESTRICT ? SEV_MEDIUM
						: SEV_INFO;
	f->pcr = f->event = -1;
	text_format(f->text, sizeof f->text, "%s", finding_text(code));
	text_format(f->remedy, sizeof f->remedy, "%s", finding_remedy(code));
	return f;
}

struct finding *
find_sticky(struct appraisal *a, enum finding_code code, enum outcome cap)
{
	struct finding *f = find(a, code, cap);

	f->sticky = true;
	return f;
}

void
find_values(struct finding *f, const struct digest *seen, const struct digest *expected)
{
	if (seen)
		fact_digest_text(seen, f->seen, sizeof f->seen);
	if (expected)
		fact_digest_text(expected, f->expected, sizeof f->expected);
}

void
find_remedy(const struct appraisal *a, struct finding *f, struct span text)
{
	const struct {
		const char *word, *value;
	} words[] = {{"{device}", a->in->device.id}, {"{class}", a->in->device.class_name},
		     {"{fact}", f->subject},
		     {"{seen}", f->seen[0] ? f->seen : "unknown"}, {"{expected}", f->expected}};
	char made[4 * FINDING_REMEDY_MAX];
	size_t n = 0;

	if (text.n == 0)
		return;
	for (size_t i = 0; i < text.n && n < sizeof made - 1;) {
		size_t k = 0, len = 0;

		while (k < sizeof words / sizeof words[0] &&
		       (len = strlen(words[k].word)) != 0 &&
		       (len > text.n - i ||
			!span_equal(SPAN(text.p + i, len), SPAN(words[k].word, len))))
			k++;
		if (k == sizeof words / sizeof words[0]) {
			made[n++] = text.p[i] < 0x20 || text.p[i] > 0x7E ? '?' : (char)text.p[i];
			i++;
			continue;
		}
		text_format(made + n, sizeof made - n, "%s", words[k].value);
		n += strlen(made + n);
		i += len;
	}
	made[n] = '\0';
	text_format(f->remedy, sizeof f->remedy, "%s", made);
	if (n >= sizeof f->remedy)
		text_format(f->remedy + sizeof f->remedy - 4, 4, "...");
}

static int
compare_numbers(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* What differs in the boot comes first, causes before consequences. */
static unsigned
rank(const struct finding *f)
{
	if (f->code != FIND_EVENT_DIFFERS && f->code != FIND_EVENT_EXTRA &&
	    f->code != FIND_EVENT_ABSENT && f->code != FIND_BOOT_CHANGED &&
	    f->code != FIND_DBX_BACK)
		return UINT8_MAX;
	for (unsigned c = 0; c < BOOT_COMPONENT_COUNT; c++)
		if (strcmp(boot_component_text((enum boot_component)c), f->subject) == 0)
			return boot_component_rank((enum boot_component)c);
	return UINT8_MAX;
}

/* Worst first; then what explains most; then by what they are. */
static int
compare_findings(const void *x, const void *y)
{
	const struct finding *a = x, *b = y;
	const int by[] = {
		compare_numbers(a->cap, b->cap),
		compare_numbers(rank(a), rank(b)),
		compare_numbers(a->code, b->code),
		compare_numbers(a->event, b->event),
		compare_numbers(a->pcr, b->pcr),
		strcmp(a->rule, b->rule),
		strcmp(a->subject, b->subject),
		strcmp(a->text, b->text),
		strcmp(a->seen, b->seen),
		strcmp(a->expected, b->expected),
		strcmp(a->remedy, b->remedy),
		compare_numbers(a->severity, b->severity),
		compare_numbers(a->provenance, b->provenance),
		compare_numbers(b->sticky, a->sticky),
	};

	for (size_t i = 0; i < sizeof by / sizeof by[0]; i++)
		if (by[i] != 0)
			return by[i];
	return 0;
}

/* Which finding comes k-th. Not qsort(): glibc's allocates and makes system calls. */
static void
sort_order(const struct verdict *v, uint8_t order[VERDICT_FINDINGS_MAX])
{
	for (uint8_t i = 0; i < v->nfindings; i++) {
		uint8_t k = i;

		while (k > 0 && compare_findings(&v->findings[i], &v->findings[order[k - 1]]) < 0) {
			order[k] = order[k - 1];
			k--;
		}
		order[k] = i;
	}
}

/* Puts them into that order, cycle by cycle. */
static void
apply_order(struct verdict *v, uint8_t order[VERDICT_FINDINGS_MAX])
{
	for (uint8_t i = 0; i < v->nfindings; i++) {
		struct finding first = v->findings[i];
		uint8_t at = i;

		while (order[at] != i) {
			uint8_t from = order[at];

			v->findings[at] = v->findings[from];
			order[at] = at;
			at = from;
		}
		v->findings[at] = first;
		order[at] = at;
	}
}

void
findings_settle(struct verdict *v)
{
	uint8_t order[VERDICT_FINDINGS_MAX];
	size_t kept = 0;

	sort_order(v, order);
	apply_order(v, order);
	for (size_t i = 0; i < v->nfindings; i++) {
		if (kept != 0 && compare_findings(&v->findings[kept - 1], &v->findings[i]) == 0)
			continue;
		if (kept != i)
			v->findings[kept] = v->findings[i];
		kept++;
	}
	if (kept < v->nfindings)
		memset(&v->findings[kept], 0, (v->nfindings - kept) * sizeof v->findings[0]);
	v->nfindings = (uint8_t)kept;
}
