/* ima_judge.c: what the proved entries of an IMA list say, against policy and lists. See
 * appraisal.h. Entries are judged once; what was found stays (continuity.c), and counts
 * of the whole boot are in ima_state.h. */
#include "ima_judging.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

/* ---- findings: some files by name, and how many there are ------------------------- */

/* Path and digest as text; a subject too short for the path shows its end. */
static void
subject_text(struct span path, char *ret, size_t cap)
{
	char full[FINDING_VALUE_MAX];
	size_t n;

	text_escape(path, full, sizeof full);
	n = strlen(full);
	if (n < cap)
		text_format(ret, cap, "%s", full);
	else
		text_format(ret, cap, "...%s", &full[n - (cap - 4)]);
}

void
ima_digest_words(const struct imalog_digest *d, char *ret, size_t cap)
{
	static const char hex[] = "0123456789abcdef";
	size_t n;

	text_format(ret, cap, "%s%s:", d->verity ? "verity:" : "", d->name ? d->name : "none");
	n = strlen(ret);
	for (size_t i = 0; i < d->bytes.n && n + 2 < cap; i++) {
		ret[n++] = hex[d->bytes.p[i] >> 4];
		ret[n++] = hex[d->bytes.p[i] & 15];
	}
	ret[n] = '\0';
}

static struct finding *
matter_finding(struct ima_judging *j, enum ima_matter m)
{
	const struct ima_outcome *o = &j->policy->outcome[m];
	struct finding *f = ima_find(j->a, (enum finding_code)ima_matter_finding(m),
				     (enum outcome)o->cap);

	f->severity = o->severity;
	text_format(f->rule, sizeof f->rule, "ima.%s", ima_matter_word(m));
	if (o->remedy.n != 0)
		text_escape(o->remedy, f->remedy, sizeof f->remedy);
	return f;
}

static bool
told_in(const struct finding *f, size_t n, const struct finding *t)
{
	for (size_t i = 0; i < n; i++)
		if (&f[i] != t && f[i].code == t->code && strcmp(f[i].subject, t->subject) == 0 &&
		    strcmp(f[i].seen, t->seen) == 0)
			return true;
	return false;
}

/* Once per file and boot. */
static bool
told_before(const struct ima_judging *j, const struct finding *t)
{
	const struct appraisal *a = j->a;

	return told_in(a->v->findings, a->v->nfindings, t) ||
	       (!a->ima.from_zero && told_in(a->prev.sticky, a->prev.nsticky, t));
}

void
ima_count(struct ima_judging *j, enum ima_count c)
{
	if (c < IMA_COUNT_COUNT && j->state->counts[c] != UINT32_MAX)
		j->state->counts[c]++;
}

void
ima_tell(struct ima_judging *j, const struct ima_matter_told *t, const struct imalog_entry *e)
{
	struct finding now = {.code = (uint16_t)ima_matter_finding(t->matter)}, *f;

	ima_count(j, t->count);
	subject_text(e->path, now.subject, sizeof now.subject);
	text_format(now.seen, sizeof now.seen, "%s", t->seen);
	if (told_before(j, &now))
		return;
	if (j->told[t->matter] == IMA_TOLD_MAX) {
		j->untold |= 1u << t->matter;
		return;
	}
	j->told[t->matter]++;
	f = matter_finding(j, t->matter);
	text_format(f->subject, sizeof f->subject, "%s", now.subject);
	text_format(f->seen, sizeof f->seen, "%s", t->seen);
	text_format(f->expected, sizeof f->expected, "%s", t->expected ? t->expected : "");
	text_format(f->text, sizeof f->text, "%s%s%s (entry %" PRIu64 ")",
		    finding_text((enum finding_code)f->code), t->text ? ": " : "",
		    t->text ? t->text : "", j->a->ima.first + e->index);
}

/* How many of a matter are told by name in findings of this boot. */
static uint8_t
told_earlier(const struct appraisal *a, enum ima_matter m)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->prev.nsticky && !a->ima.from_zero; i++)
		n += a->prev.sticky[i].code == ima_matter_finding(m);
	return (uint8_t)(n > IMA_TOLD_MAX ? IMA_TOLD_MAX : n);
}

/* One finding for all that have none of their own. */
static void
tell_the_rest(struct ima_judging *j)
{
	for (unsigned m = 0; m < IMA_MATTER_COUNT; m++) {
		struct finding *f;

		if ((j->untold >> m & 1) == 0)
			continue;
		f = matter_finding(j, (enum ima_matter)m);
		text_format(f->subject, sizeof f->subject, "and others");
		text_format(f->text, sizeof f->text, "%s: more than can be told one by one",
			    finding_text((enum finding_code)f->code));
	}
}

/* ---- facts of this round -------------------------------------------------------------- */

/* Text of the appraisal's own memory; nothing if there is none left. */
void
ima_fact_text(struct ima_judging *j, enum fact_id id, int32_t index, const char *text)
{
	size_t n = strlen(text);
	char *copy = appraisal_alloc(j->a, n + 1);
	struct fact_value *v;

	if (!copy)
		return;
	memcpy(copy, text, n + 1);
	v = factset_add(j->a->facts, id);
	v->index = index;
	v->text = SPAN(copy, n);
}

/* One of the first of its kind. */
void
ima_fact_next(struct ima_judging *j, enum fact_id id, uint16_t *n, const char *text)
{
	if (*n < fact_info(id)->indexed)
		ima_fact_text(j, id, (int32_t)(*n)++, text);
}

static const struct {
	enum fact_id fact;
	enum ima_count count;
} counted[] = {
	{FACT_IMA_BOOT_AGGREGATES, IMA_COUNT_BOOT_AGGREGATES},
	{FACT_IMA_VIOLATIONS, IMA_COUNT_VIOLATIONS},
	{FACT_IMA_FILES, IMA_COUNT_FILES},
	{FACT_IMA_UNKNOWN_FILES, IMA_COUNT_UNKNOWN},
	{FACT_IMA_KNOWN_BAD_FILES, IMA_COUNT_KNOWN_BAD},
	{FACT_IMA_WRONG_DIGESTS, IMA_COUNT_WRONG_DIGEST},
	{FACT_IMA_UNSIGNED_FILES, IMA_COUNT_UNSIGNED},
	{FACT_IMA_BAD_SIGNATURES, IMA_COUNT_BAD_SIGNATURE},
	{FACT_IMA_SIGNED_FILES, IMA_COUNT_SIGNED},
	{FACT_IMA_IGNORED_FILES, IMA_COUNT_IGNORED},
	{FACT_IMA_KEXEC, IMA_COUNT_KEXEC},
	{FACT_IMA_KEYS, IMA_COUNT_KEYS},
	{FACT_IMA_KEYS_REFUSED, IMA_COUNT_KEYS_REFUSED},
	{FACT_IMA_DM, IMA_COUNT_DM},
	{FACT_IMA_CRITICAL, IMA_COUNT_CRITICAL},
};

/* The strongest hash by which the entries themselves are proved. */
static const char *
strength(const struct ima_state *s)
{
	uint16_t best = ALG_SHA1;

	for (unsigned i = 0; i < s->nbanks; i++)
		if ((s->bank[i].methods & 1u << IMALOG_HASHED) &&
		    digest_size(s->bank[i].pcr.alg) > digest_size(best))
			best = s->bank[i].pcr.alg;
	return digest_name(best);
}

static void
gather_counts(struct appraisal *a)
{
	const struct ima_state *s = &a->v->next.ima;

	factset_number(a->facts, FACT_IMA_ENTRIES, s->count);
	factset_text(a->facts, FACT_IMA_STRENGTH, strength(s));
	factset_bool(a->facts, FACT_IMA_BOOT_AGGREGATE, s->boot_aggregate);
	for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++)
		factset_number(a->facts, counted[i].fact, s->counts[counted[i].count]);
}

/* ---- in every round ---------------------------------------------------------------------- */

/* D3: what is left out is told, in every verdict. */
static void
tell_ignored(struct ima_judging *j)
{
	uint32_t n = j->state->counts[IMA_COUNT_IGNORED];
	struct finding *f;

	if (n == 0)
		return;
	f = matter_finding(j, IMA_MATTER_IGNORED);
	f->sticky = false;
	text_format(f->subject, sizeof f->subject, "IMA list");
	text_format(f->seen, sizeof f->seen, "%" PRIu32 " entries of %" PRIu64, n, j->state->count);
}

/* Keys by which files are trusted must be valid as long as they are. */
static void
watch_keys(struct ima_judging *j)
{
	struct verdict *v = j->a->v;

	for (uint8_t i = 0; i < j->keys->count; i++) {
		const struct ima_key *k = &j->keys->key[i];
		struct finding *f;

		if ((j->state->keys_used >> i & 1) == 0 ||
		    j->policy->keyring[k->keyring].allow_expired)
			continue;
		if (v->not_after == 0 || k->not_after < v->not_after)
			v->not_after = k->not_after;
		if (j->a->in->now >= k->not_before && j->a->in->now <= k->not_after)
			continue;
		f = matter_finding(j, IMA_MATTER_KEY_EXPIRED);
		f->sticky = false;
		text_escape(j->policy->keyring[k->keyring].name, f->subject, sizeof f->subject);
		fact_time_text(k->not_after, f->seen, sizeof f->seen);
	}
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool
list_wanted(const struct policy_ima *p, const struct reference_view *v)
{
	if (p->nlists == 0)
		return true;
	for (unsigned i = 0; i < p->nlists; i++)
		if (span_equal(p->list[i], SPAN(v->name, strlen(v->name))))
			return true;
	return false;
}

/* A list that cannot be read, or is too old, is a finding and not a shorter list. */
static void
broken_list(struct ima_judging *j, const struct reference_view *v, const char *seen)
{
	struct finding *f = find(j->a, FIND_POLICY_INVALID, OUTCOME_QUARANTINE);

	text_format(f->subject, sizeof f->subject, "list %.50s", v->name);
	text_format(f->seen, sizeof f->seen, "%s", seen);
}

static bool
counts(const struct appraisal *a, const struct reference_view *v)
{
	return (v->state == REF_LEARNED || v->state == REF_PROMOTED) &&
	       (v->kind == REF_KIND_KNOWN_BAD ||
		(v->kind == REF_KIND_ALLOW && list_in_time(v, a->in->now)));
}

static void
open_list(struct ima_judging *j, const struct reference_view *v, size_t number)
{
	static const uint8_t none[32];
	bool bad = v->kind == REF_KIND_KNOWN_BAD;
	struct digestset *to = bad ? &j->bad[j->nbad] : &j->allow[j->nallow];
	enum assay_err e = digestset_open(v->compiled, to);

	if (e != ASSAY_OK || v->compiled.n == 0) {
		broken_list(j, v, e != ASSAY_OK ? assay_err_text(e) : "it is empty");
		return;
	}
	if (bad) {
		j->nbad++;
		return;
	}
	j->planned |= !span_equal(SPAN(v->superseded_by, 32), SPAN(none, 32));
	j->number[j->nallow++] = (uint8_t)number;
}

static bool
named(const struct policy_ima *p, const struct reference_view *v)
{
	return v->kind == REF_KIND_ALLOW && p->nlists != 0 && list_wanted(p, v);
}

/* In every round, new entries or not: a list that cannot be used is a reason as long as
 * it is so. */
static void
open_lists(struct ima_judging *j)
{
	const struct appraisal_input *in = j->a->in;
	unsigned found = 0;
	struct finding *f;

	for (size_t i = 0; i < in->nreferences; i++) {
		const struct reference_view *v = &in->references[i];

		if (!counts(j->a, v))
			continue;
		if (v->kind == REF_KIND_KNOWN_BAD || list_wanted(j->policy, v))
			open_list(j, v, i);
		found += named(j->policy, v);
	}
	if (found >= j->policy->nlists)
		return;
	f = find(j->a, FIND_NO_REFERENCE, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "IMA lists of the policy");
	text_format(f->seen, sizeof f->seen, "%u of %u", found, j->policy->nlists);
}

static void
watch_list(struct appraisal *a, const struct reference_view *v)
{
	struct finding *f;

	if (v->state == REF_LEARNED) { /* D7 */
		f = find(a, FIND_REFERENCE_LEARNED, (enum outcome)a->policy.learned);
		text_format(f->subject, sizeof f->subject, "list %.50s", v->name);
	}
	if (v->not_after == 0)
		return;
	if (a->in->now <= v->not_after) {
		if (a->v->not_after == 0 || v->not_after < a->v->not_after)
			a->v->not_after = v->not_after;
		return;
	}
	/* its files are unknown from now on; why, is told here */
	f = find(a, FIND_REFERENCE_EXPIRED, OUTCOME_ADMIT);
	text_format(f->subject, sizeof f->subject, "list %.50s", v->name);
	fact_time_text(v->not_after, f->seen, sizeof f->seen);
}

static void
watch_lists(struct appraisal *a, const struct policy_ima *p)
{
	for (size_t i = 0; i < a->in->nreferences; i++) {
		const struct reference_view *v = &a->in->references[i];

		if (v->kind == REF_KIND_ALLOW && list_wanted(p, v) &&
		    (v->state == REF_LEARNED || v->state == REF_PROMOTED))
			watch_list(a, v);
	}
}

static bool
open_globs(struct ima_judging *j)
{
	j->globs = appraisal_alloc(j->a, (j->policy->npaths + 1u) * sizeof *j->globs);
	if (!j->globs)
		return false;
	for (unsigned i = 0; i < j->policy->npaths; i++)
		if (glob_compile(j->policy->path[i].pattern, &j->globs[i]) != ASSAY_OK)
			return false;
	return true;
}

static bool
open_memo(struct ima_judging *j)
{
	j->memo = appraisal_alloc(j->a, sizeof *j->memo);
	if (j->memo)
		memset(j->memo, 0, sizeof *j->memo);
	return j->memo != NULL;
}

static bool
open_judging(struct ima_judging *j, struct appraisal *a)
{
	struct policy_ima *p = appraisal_alloc(a, sizeof *p);

	memset(j, 0, sizeof *j);
	j->a = a;
	j->state = &a->v->next.ima;
	j->keys = appraisal_alloc(a, sizeof *j->keys);
	if (!p || !j->keys || policy_ima_open(a->policy.ima, p) != ASSAY_OK)
		return false;
	j->policy = p;
	for (unsigned m = 0; m < IMA_MATTER_COUNT; m++)
		j->told[m] = told_earlier(a, (enum ima_matter)m);
	ima_keys_open(p, a->ima.entries.n != 0, j->keys);
	open_lists(j);
	return a->ima.entries.n == 0 || (open_globs(j) && open_memo(j));
}

void
ima_judge(struct appraisal *a)
{
	struct ima_judging *j;

	if (!a->ima.judged)
		return;
	j = appraisal_alloc(a, sizeof *j);
	if (!j || !open_judging(j, a)) {
		struct finding *f = find(a, FIND_INTERNAL, OUTCOME_QUARANTINE);

		text_format(f->subject, sizeof f->subject, "IMA policy");
		return;
	}
	watch_lists(a, j->policy);
	if (!a->ima.current)
		return;
	if (a->ima.entries.n != 0)
		ima_judge_entries(j);
	a->shown |= j->state->shown;
	tell_the_rest(j);
	tell_ignored(j);
	watch_keys(j);
	gather_counts(a);
}
