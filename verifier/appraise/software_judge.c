/* software_judge.c: the software that is claimed against reference sets and the highest
 * versions seen. See appraisal.h.
 *
 * All that a policy names must be as one set has it: parts of two sets are never mixed
 * (D12). One finding tells what is wrong with an item, the one that explains most, and
 * allows no more than all that is wrong with it does. What matches is still claimed: it
 * affirms neither hardware nor executables (M7, M12). */
#include "appraisal.h"

#include "evidence/software.h"
#include "softset.h"
#include "software_explain.h"
#include "text.h"
#include "version.h"

#include <string.h>

/* A policy's item: what is claimed of it, and what the nearest set has. */
struct item {
	const struct policy_software *rule;
	const struct msg_software *seen; /* NULL: not claimed */
	bool known;			 /* the set has an item of this name */
	bool matches;
	struct softset_item row; /* if known: the one that matches, or the nearest */
};

struct judgement {
	struct item items[POLICY_SOFTWARE_MAX];
	size_t n;
	const struct reference_view *view; /* the nearest set; NULL: none */
	unsigned differs;
};

static bool
counts(const struct item *i)
{
	return !i->rule->unchecked && i->rule->on_fail != OUTCOME_ADMIT;
}

static bool
version_matches(const struct softset_item *row, struct span seen)
{
	int c = -1;

	if (row->version.n == 0 || !row->at_least)
		return row->version.n == 0 || span_equal(row->version, seen);
	return version_compare(ORDER_DEBIAN, seen, row->version, &c) == ASSAY_OK && c >= 0;
}

static bool
row_matches(const struct softset_item *row, const struct msg_software *s)
{
	return (row->kind.n == 0 || span_equal(row->kind, s->kind)) &&
	       version_matches(row, s->version) &&
	       (row->alg == ALG_NONE ||
		(row->alg == s->alg && span_equal(row->digest, s->digest)));
}

/* The set's rows against the policy's items. */
static bool
compare_set(struct judgement *j, struct span compiled)
{
	struct softset_item row;
	struct softset set;

	for (size_t i = 0; i < j->n; i++)
		j->items[i].known = j->items[i].matches = false;
	if (softset_open(compiled, &set) != ASSAY_OK)
		return false;
	while (softset_next_item(&set, &row))
		for (size_t i = 0; i < j->n; i++) {
			struct item *it = &j->items[i];
			bool match;

			if (it->matches || !span_equal(it->rule->name, row.name))
				continue;
			match = it->seen && row_matches(&row, it->seen);
			if (!it->known || match ||
			    (it->seen && span_equal(row.version, it->seen->version)))
				it->row = row;
			it->known = true;
			it->matches = match;
		}
	return set.r.err == ASSAY_OK;
}

static unsigned
differences(const struct judgement *j)
{
	unsigned n = 0;

	for (size_t i = 0; i < j->n; i++)
		n += counts(&j->items[i]) && !j->items[i].matches;
	return n;
}

static bool
expired(const struct appraisal *a, const struct reference_view *v)
{
	return v->not_after != 0 && a->in->now > v->not_after;
}

/* As reference_match.c: matching, then promoted, then not expired, then nearest. */
static void
choose(struct appraisal *a, struct judgement *j)
{
	unsigned least = UINT32_MAX;

	for (size_t i = 0; i < a->in->nreferences; i++) {
		const struct reference_view *v = &a->in->references[i];
		unsigned bad;

		if (v->kind != REF_KIND_SOFTWARE ||
		    (v->state != REF_LEARNED && v->state != REF_PROMOTED))
			continue;
		if (!compare_set(j, v->compiled)) {
			struct finding *f = find(a, FIND_POLICY_INVALID, OUTCOME_QUARANTINE);

			text_format(f->subject, sizeof f->subject, "reference values of software");
			continue;
		}
		bad = differences(j) * 4 + (v->state != REF_PROMOTED ? 2u : 0u) +
		      (expired(a, v) ? 1u : 0u);
		if (bad >= least)
			continue;
		least = bad;
		j->view = v;
		j->differs = bad / 4;
	}
	if (j->view && !compare_set(j, j->view->compiled))
		j->view = NULL;
}

/* ---- what is wrong with one item ---- */

/* What is found; the first explains most. */
enum problem {
	P_CHANGING,
	P_SYMLINK,
	P_UNMEASURED,
	P_ROLLBACK,
	P_OLD,
	P_NO_VERSION,
	P_UNKNOWN,
	P_DIGEST,
	P_VERSION,
	P_COUNT
};

static void
version_key(struct span name, uint8_t ret[SOFTWARE_VERSION_KEY])
{
	uint8_t digest[32] = {0};

	if (digest_sha256(name, digest) != ASSAY_OK)
		memset(digest, 0, sizeof digest);
	memcpy(ret, digest, SOFTWARE_VERSION_KEY);
}

static const struct software_version *
highest(const struct appraisal *a, const struct policy_software *rule)
{
	uint8_t key[SOFTWARE_VERSION_KEY];

	version_key(rule->name, key);
	return software_versions_find(&a->prev.software, key, rule->order);
}

static bool
is_below(enum version_order o, struct span v, struct span limit)
{
	int d;

	return version_compare(o, v, limit, &d) == ASSAY_OK && d < 0;
}

static void
check_versions(const struct appraisal *a, const struct item *i, bool found[P_COUNT])
{
	const struct policy_software *p = i->rule;
	const struct software_version *high = highest(a, p);

	if (p->order == ORDER_NONE)
		return;
	if (!version_valid(p->order, i->seen->version)) {
		found[P_NO_VERSION] = true;
		return;
	}
	found[P_OLD] = p->at_least.n != 0 && is_below(p->order, i->seen->version, p->at_least);
	found[P_ROLLBACK] = high && !p->follow &&
			    is_below(p->order, i->seen->version,
				     SPAN(high->version, strlen(high->version)));
}

static void
check_reference(const struct judgement *j, const struct item *i, bool found[P_COUNT])
{
	const struct msg_software *s = i->seen;

	if (i->rule->unchecked || i->matches || !j->view)
		return;
	if (!i->known)
		found[P_UNKNOWN] = true;
	else if (i->row.alg != ALG_NONE &&
		 (i->row.alg != s->alg || !span_equal(i->row.digest, s->digest)))
		found[P_DIGEST] = true;
	else
		found[P_VERSION] = true;
}

static void
check_note(const struct item *i, bool found[P_COUNT])
{
	switch (software_note_by_name(i->seen->note)) {
	case NOTE_CHANGED:
		found[P_CHANGING] = true;
		break;
	case NOTE_SYMLINK:
		found[P_SYMLINK] = true;
		break;
	default:
		found[P_UNMEASURED] = i->seen->note.n != 0;
	}
}

/* By what the item is: a file, configuration, or a list of things. */
static enum finding_code
digest_code(const struct msg_software *s)
{
	enum software_kind k = software_kind_by_name(s->kind);

	if (k == SOFTWARE_CONFIG || k == SOFTWARE_UBOOT)
		return FIND_SOFTWARE_CONFIG;
	return software_kind_has_manifest(k) ? FIND_SOFTWARE_TREE : FIND_SOFTWARE_FILE;
}

static enum finding_code
code_of(enum problem p, const struct msg_software *s)
{
	static const enum finding_code codes[P_COUNT] = {
		[P_CHANGING] = FIND_SOFTWARE_CHANGING,
		[P_SYMLINK] = FIND_SOFTWARE_SYMLINK,
		[P_UNMEASURED] = FIND_SOFTWARE_UNMEASURED,
		[P_ROLLBACK] = FIND_SOFTWARE_ROLLBACK,
		[P_OLD] = FIND_SOFTWARE_OLD,
		[P_NO_VERSION] = FIND_SOFTWARE_VERSION,
		[P_UNKNOWN] = FIND_SOFTWARE_UNKNOWN,
		[P_VERSION] = FIND_SOFTWARE_VERSION,
	};

	return p == P_DIGEST ? digest_code(s) : codes[p];
}

static uint8_t
cap_of(enum problem p, const struct policy_software *rule)
{
	if (p == P_ROLLBACK)
		return rule->rollback;
	return p == P_UNMEASURED || p == P_CHANGING || p == P_SYMLINK ? rule->on_missing
								      : rule->on_fail;
}

static void
digest_text(const struct msg_software *s, char *ret, size_t cap)
{
	struct digest d;
	size_t n;

	text_escape(s->version, ret, cap);
	n = strlen(ret);
	if (digest_from(s->alg, s->digest, &d) != ASSAY_OK)
		return;
	if (n)
		text_format(ret + n, cap - n, " ");
	n = strlen(ret);
	fact_digest_text(&d, ret + n, cap - n);
}

static void
fill_values(const struct appraisal *a, const struct item *i, enum problem p, struct finding *f)
{
	const struct software_version *high = highest(a, i->rule);
	const struct msg_software row = {
		.version = i->row.version, .alg = i->row.alg, .digest = i->row.digest};
	char limit[VERSION_TEXT_MAX + 1];

	switch (p) {
	case P_CHANGING:
	case P_SYMLINK:
	case P_UNMEASURED:
		text_escape(i->seen->note, f->seen, sizeof f->seen);
		text_format(f->expected, sizeof f->expected, "a measurement");
		return;
	case P_ROLLBACK:
		text_escape(i->seen->version, f->seen, sizeof f->seen);
		text_format(f->expected, sizeof f->expected, "%s or later", high->version);
		return;
	case P_OLD:
		text_escape(i->seen->version, f->seen, sizeof f->seen);
		text_escape(i->rule->at_least, limit, sizeof limit);
		text_format(f->expected, sizeof f->expected, "%s or later", limit);
		return;
	case P_NO_VERSION:
		text_escape(i->seen->version, f->seen, sizeof f->seen);
		text_format(f->expected, sizeof f->expected, "a %s version",
			    version_order_name(i->rule->order));
		return;
	default:
		digest_text(i->seen, f->seen, sizeof f->seen);
		if (i->known)
			digest_text(&row, f->expected, sizeof f->expected);
	}
}

static struct finding *
item_finding(struct appraisal *a, const struct item *i, enum finding_code code, uint8_t cap)
{
	struct finding *f = find(a, code, (enum outcome)cap);

	f->provenance = PROV_CLAIMED;
	f->severity = i->rule->severity;
	text_escape(i->rule->name, f->subject, sizeof f->subject);
	text_format(f->rule, sizeof f->rule, "%s", f->subject);
	return f;
}

/* f: what is wrong with it; NULL: nothing. */
static void
tell(struct appraisal *a, const struct item *i, const struct finding *f)
{
	struct told_rule *t = appraisal_tell(a, i->rule->name);

	if (!t)
		return;
	text_format(t->fact, sizeof t->fact, "software.%.80s", t->id);
	t->provenance = PROV_CLAIMED;
	if (i->seen)
		digest_text(i->seen, t->seen, sizeof t->seen);
	if (!f) {
		text_format(t->expected, sizeof t->expected,
			    i->rule->unchecked ? "measured" : "as the reference has it");
		return;
	}
	t->cap = f->cap;
	t->state = f->code == FIND_SOFTWARE_MISSING ? TOLD_MISSING : TOLD_FAILS;
	text_format(t->seen, sizeof t->seen, "%s", f->seen);
	text_format(t->expected, sizeof t->expected, "%s: %.160s",
		    finding_word((enum finding_code)f->code), f->expected);
}

static void
report_item(struct appraisal *a, const struct judgement *j, const struct item *i)
{
	bool found[P_COUNT] = {false};
	enum problem first = P_COUNT;
	uint8_t cap = OUTCOME_ADMIT;
	struct finding *f;

	check_note(i, found);
	check_versions(a, i, found);
	if (!found[P_CHANGING] && !found[P_SYMLINK] && !found[P_UNMEASURED])
		check_reference(j, i, found);
	for (unsigned p = P_COUNT; p-- > 0;) {
		uint8_t allows = found[p] ? cap_of((enum problem)p, i->rule)
					  : (uint8_t)OUTCOME_ADMIT;

		first = found[p] ? (enum problem)p : first;
		cap = allows < cap ? allows : cap;
	}
	if (first == P_COUNT) {
		tell(a, i, NULL);
		return;
	}
	f = item_finding(a, i, code_of(first, i->seen), cap);
	fill_values(a, i, first, f);
	if (first == P_DIGEST && i->row.manifest.n != 0)
		software_explain(a, i->seen, i->row.manifest, f);
	find_remedy(a, f, i->rule->remediation);
	tell(a, i, f);
}

static void
report_missing(struct appraisal *a, const struct item *i)
{
	struct finding *f = item_finding(a, i, FIND_SOFTWARE_MISSING, i->rule->on_missing);

	text_format(f->expected, sizeof f->expected, "a measurement");
	find_remedy(a, f, i->rule->remediation);
	tell(a, i, f);
}

/* ---- the sets ---- */

static void
report_set(struct appraisal *a, const struct judgement *j)
{
	const struct reference_view *v = j->view;
	struct verdict *verdict = a->v;
	struct finding *f;

	if (j->differs != 0)
		return;
	a->software_matched = true;
	if (v->state == REF_LEARNED) {
		f = find(a, FIND_REFERENCE_LEARNED, (enum outcome)a->policy.software_learned);
		text_format(f->subject, sizeof f->subject, "software"); /* D7 */
	}
	if (v->not_after != 0 && (verdict->not_after == 0 || v->not_after < verdict->not_after))
		verdict->not_after = v->not_after;
	if (!expired(a, v))
		return;
	f = find(a, FIND_REFERENCE_EXPIRED, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "software");
	fact_time_text(v->not_after, f->seen, sizeof f->seen);
}

static bool
is_named(const struct policy *p, struct span name)
{
	for (size_t i = 0; i < p->nsoftware; i++)
		if (span_equal(p->software[i].name, name))
			return true;
	return false;
}

/* One finding for all of them: a device may claim thousands. */
static void
report_others(struct appraisal *a)
{
	const struct policy *p = &a->policy;
	struct finding *f = NULL;
	unsigned n = 0;

	for (size_t i = 0; p->software_others && i < a->claims.nsoftware; i++) {
		const struct msg_software *s = &a->claims.software[i];

		if (is_named(p, s->name))
			continue;
		if (n++ == 0) {
			f = find(a, FIND_SOFTWARE_OTHER, (enum outcome)p->software_other);
			f->provenance = PROV_CLAIMED;
			text_escape(s->name, f->subject, sizeof f->subject);
		}
	}
	if (n > 1)
		text_format(f->seen, sizeof f->seen, "%u items that the policy does not name", n);
}

/* The highest versions, for the next round: only they rise, but where policy follows. */
static void
remember(struct appraisal *a, const struct judgement *j)
{
	struct software_versions *next = &a->v->next.software;

	*next = a->prev.software;
	for (size_t k = 0; k < j->n; k++) {
		const struct item *i = &j->items[k];
		const struct software_version *high = highest(a, i->rule);
		struct software_version v = {.order = (uint8_t)i->rule->order};

		if (!i->seen || !version_valid(i->rule->order, i->seen->version) ||
		    (high && !i->rule->follow &&
		     is_below(i->rule->order, i->seen->version,
			      SPAN(high->version, strlen(high->version)))))
			continue;
		version_key(i->rule->name, v.item);
		memcpy(v.version, i->seen->version.p, i->seen->version.n);
		if (!software_versions_put(next, &v))
			(void)find(a, FIND_STICKY, OUTCOME_QUARANTINE);
	}
}

bool
policy_needs_software(const struct policy *p)
{
	for (size_t i = 0; i < p->nsoftware; i++)
		if (!p->software[i].unchecked && p->software[i].on_fail != OUTCOME_ADMIT)
			return true;
	return false;
}

/* ---- what is needed to explain a difference ---- */

/* One of the lists that came is none of those that were claimed: the device cannot or
 * will not tell, and is not asked again in this round. */
static bool
was_refused(const struct appraisal *a)
{
	for (size_t i = 0; i < a->in->nfiles; i++) {
		bool claimed = false;
		uint8_t digest[32];

		if (digest_sha256(a->in->files[i].n ? a->in->files[i] : SPAN("", 0), digest) !=
		    ASSAY_OK)
			return true;
		for (size_t k = 0; k < a->claims.nsoftware && !claimed; k++)
			claimed = span_equal(SPAN(digest, 32), a->claims.software[k].digest);
		if (!claimed)
			return true;
	}
	return false;
}

static bool
is_at_hand(const struct appraisal *a, const struct msg_software *s)
{
	for (size_t i = 0; i < a->in->nfiles; i++) {
		uint8_t digest[32];

		if (a->in->files[i].n != 0 && digest_sha256(a->in->files[i], digest) == ASSAY_OK &&
		    span_equal(SPAN(digest, 32), s->digest))
			return true;
	}
	return false;
}

/* Whether some set, whatever its state, has exactly this. */
static bool
is_in_a_set(const struct appraisal *a, const struct msg_software *s)
{
	struct softset_item row;
	struct softset set;

	for (size_t i = 0; i < a->in->nreferences; i++) {
		const struct reference_view *v = &a->in->references[i];

		if (v->kind != REF_KIND_SOFTWARE || softset_open(v->compiled, &set) != ASSAY_OK)
			continue;
		while (softset_next_item(&set, &row))
			if (row.alg == s->alg && span_equal(row.digest, s->digest) &&
			    span_equal(row.name, s->name))
				return true;
	}
	return false;
}

bool
software_check(struct appraisal *a)
{
	struct verdict *v = a->v;

	if (!a->has_policy || !a->has_claims || a->replay || a->in->nfiles == APPRAISAL_FILES_MAX ||
	    was_refused(a))
		return true;
	for (size_t i = 0; i < a->policy.nsoftware; i++) {
		const struct msg_software *s = software_find(a, a->policy.software[i].name);

		if (!s || s->alg != ALG_SHA256 ||
		    !software_kind_has_manifest(software_kind_by_name(s->kind)) ||
		    is_at_hand(a, s) || is_in_a_set(a, s))
			continue;
		(void)appraisal_needs(a, PART_FILES, APPRAISAL_FILE_MAX);
		v->need.wants[0].item = (uint32_t)(s - a->claims.software) + 1;
		memcpy(v->need_digest, s->digest.p, sizeof v->need_digest);
		return false;
	}
	return true;
}

/* ---- all of it ---- */

void
software_judge(struct appraisal *a)
{
	struct judgement *j = appraisal_alloc(a, sizeof *j);

	a->v->next.software = a->prev.software;
	if (!a->has_policy || !a->has_claims || a->policy.nsoftware == 0)
		return;
	if (!j) {
		(void)find(a, FIND_INTERNAL, OUTCOME_QUARANTINE);
		return;
	}
	memset(j, 0, sizeof *j);
	for (; j->n < a->policy.nsoftware; j->n++) {
		j->items[j->n].rule = &a->policy.software[j->n];
		j->items[j->n].seen = software_find(a, a->policy.software[j->n].name);
	}
	choose(a, j);
	/* what is not as it must be is a finding of its own, with the policy's cap */
	a->judged |= j->view && policy_needs_software(&a->policy);
	if (j->view)
		report_set(a, j);
	else if (policy_needs_software(&a->policy))
		text_format(find(a, FIND_NO_REFERENCE, OUTCOME_QUARANTINE)->subject,
			    FINDING_SUBJECT_MAX, "software");
	for (size_t i = 0; i < j->n; i++) {
		if (j->items[i].seen)
			report_item(a, j, &j->items[i]);
		else
			report_missing(a, &j->items[i]);
	}
	report_others(a);
	remember(a, j);
}
