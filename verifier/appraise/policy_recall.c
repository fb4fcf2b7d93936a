/* policy_recall.c: see policy_recall.h. */
#include "policy_recall.h"

#include "softset.h"
#include "text.h"

#include <string.h>

/* A set that has expired, was retired, or that nobody promoted says nothing here. */
static bool
usable(const struct appraisal *a, const struct reference_view *v, enum reference_kind kind)
{
	return v->kind == kind && v->state == REF_PROMOTED &&
	       (v->not_after == 0 || a->in->now <= v->not_after);
}

/* As a verdict shows it. One that would be cut is no fact of a set. */
static bool
text_of(const struct fact_value *f, char buf[FACT_TEXT_MAX], struct span *ret)
{
	fact_value_text(f, buf, FACT_TEXT_MAX);
	*ret = SPAN(buf, strlen(buf));
	return ret->n + 8 <= FACT_TEXT_MAX;
}

static bool
find_fact(struct span compiled, const char *name, struct span *ret)
{
	struct softset_fact fact;
	struct softset s;

	if (softset_open(compiled, &s) != ASSAY_OK)
		return false;
	while (softset_next_fact(&s, &fact))
		if (span_equal(fact.name, SPAN(name, strlen(name)))) {
			*ret = fact.value;
			return true;
		}
	return false;
}

/* A PCR is in a set of boot values, in its own bank. */
static enum recall
recall_pcr(const struct reference_view *v, const struct fact_value *f, char *ret_text, size_t cap)
{
	const struct digest *d;
	struct reference set;

	if (reference_open_known(v->compiled, &set) != ASSAY_OK)
		return RECALL_NONE;
	d = pcr_value(&set.pcrs, f->digest.alg, (unsigned)f->index);
	if (!d)
		return RECALL_NONE;
	fact_digest_text(d, ret_text, cap);
	return digest_equal(d, &f->digest) ? RECALL_EQUAL : RECALL_DIFFERS;
}

static enum recall
recall_text(const struct reference_view *v, const struct fact_value *f, char *ret_text, size_t cap)
{
	char name[SOFTSET_FACT_NAME_MAX + 1], now[FACT_TEXT_MAX];
	struct span was, is;

	fact_value_name(f, name, sizeof name);
	if (!text_of(f, now, &is) || !find_fact(v->compiled, name, &was))
		return RECALL_NONE;
	text_format(ret_text, cap, "%.*s", (int)was.n, (const char *)was.p);
	return span_equal(was, is) ? RECALL_EQUAL : RECALL_DIFFERS;
}

enum recall
recall_baseline(const struct appraisal *a, const struct fact_value *f, char *ret_text, size_t cap)
{
	bool pcr = f->id == FACT_PCR;
	enum recall best = RECALL_NONE;

	ret_text[0] = '\0';
	for (size_t i = 0; i < a->in->nreferences && best != RECALL_EQUAL; i++) {
		const struct reference_view *v = &a->in->references[i];
		enum recall r = RECALL_NONE;

		if (!v->baseline || !usable(a, v, pcr ? REF_KIND_BOOT : REF_KIND_SOFTWARE))
			continue;
		r = pcr ? recall_pcr(v, f, ret_text, cap) : recall_text(v, f, ret_text, cap);
		best = r > best ? r : best;
	}
	return best;
}

static bool
has_all(struct span list, struct span words)
{
	struct span w;

	while ((w = text_next_word(&words)).n != 0)
		if (!text_has_word(list, w))
			return false;
	return true;
}

enum recall
recall_list(const struct appraisal *a, const struct fact_value *f, char *ret_text, size_t cap)
{
	char name[SOFTSET_FACT_NAME_MAX + 1];
	enum recall best = RECALL_NONE;
	struct span list;

	ret_text[0] = '\0';
	fact_value_name(f, name, sizeof name);
	for (size_t i = 0; i < a->in->nreferences && best != RECALL_EQUAL; i++) {
		const struct reference_view *v = &a->in->references[i];

		if (!usable(a, v, REF_KIND_SOFTWARE) || !find_fact(v->compiled, name, &list))
			continue;
		best = has_all(list, f->text) ? RECALL_EQUAL : RECALL_DIFFERS;
		text_format(ret_text, cap, "%.*s", (int)list.n, (const char *)list.p);
	}
	return best;
}
