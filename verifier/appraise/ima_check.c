/* ima_check.c: how far the IMA list is proved by the quoted PCR 10. See appraisal.h.
 *
 * What is remembered is a count and the values that so many entries lead to. New entries
 * are accepted up to the one where every quoted bank has its quoted value at once, and
 * nothing behind it is even parsed. Where there is no such entry the device has not told
 * what PCR 10 tells, and why is found out only for the finding's sake. */
#include "appraisal.h"

#include "ima_walk.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

/* A longer list that leads nowhere is not read again to find out why. */
#define EXPLAINED_MAX 65536u /* entries */
/* Entries at a list's end that it is tried to begin with, and bytes read for that. */
#define STARTS_MAX 256u
#define STARTS_BYTES_MAX (8u << 20)

#define LIST_SUBJECT "IMA list"

struct finding *
ima_find(struct appraisal *a, enum finding_code code, enum outcome cap)
{
	struct finding *f = find_sticky(a, code, cap);

	f->provenance = PROV_REPLAYED;
	f->pcr = IMALOG_PCR;
	return f;
}

static struct finding *
list_finding(struct appraisal *a, enum finding_code code, const char *seen)
{
	struct finding *f = ima_find(a, code, OUTCOME_QUARANTINE);

	text_format(f->subject, sizeof f->subject, LIST_SUBJECT);
	text_format(f->seen, sizeof f->seen, "%s", seen);
	return f;
}

static void
missing(struct appraisal *a, const char *seen)
{
	struct finding *f = list_finding(a, FIND_IMA_MISSING, seen);

	f->provenance = PROV_TPM;
	f->sticky = false; /* M11: as long as it is withheld; what was found stays anyway */
}

/* ---- what there is ------------------------------------------------------------- */

/* PCR 10 of every bank asked for. */
static uint8_t
quoted_banks(const struct appraisal *a, struct digest ret[PCR_BANKS_MAX])
{
	uint8_t n = 0;

	for (size_t i = 0; i < a->in->asked.count; i++) {
		const struct digest *q = pcr_value(&a->proof.pcrs, a->in->asked.bank[i].alg,
						   IMALOG_PCR);

		if (q)
			ret[n++] = *q;
	}
	return n;
}

static const struct ima_bank *
bank_of(const struct ima_state *s, uint16_t alg)
{
	for (unsigned i = 0; i < s->nbanks; i++)
		if (s->bank[i].pcr.alg == alg)
			return &s->bank[i];
	return NULL;
}

/* What is remembered is of this boot, of the banks quoted, and judged as now. */
static bool
goes_on(const struct appraisal *a)
{
	const struct ima_state *s = &a->prev.ima;
	struct digest q[PCR_BANKS_MAX];
	uint8_t n = quoted_banks(a, q);

	if (!a->same_boot || !s->present || s->nbanks != n ||
	    !span_equal(SPAN(s->generation, 32), SPAN(a->generation, 32)))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!bank_of(s, q[i].alg))
			return false;
	return true;
}

static bool
as_remembered(const struct appraisal *a)
{
	struct digest q[PCR_BANKS_MAX];
	uint8_t n = quoted_banks(a, q);

	for (unsigned i = 0; i < n; i++)
		if (!digest_equal(&q[i], &bank_of(&a->prev.ima, q[i].alg)->pcr))
			return false;
	return n != 0;
}

static bool
never_extended(const struct appraisal *a)
{
	struct digest q[PCR_BANKS_MAX], reset;
	uint8_t n = quoted_banks(a, q);

	for (unsigned i = 0; i < n; i++)
		if (pcr_reset_value(q[i].alg, IMALOG_PCR, &reset) != ASSAY_OK ||
		    !digest_equal(&q[i], &reset))
			return false;
	return true;
}

void
ima_plan(struct appraisal *a)
{
	struct ima_work *w = &a->ima;
	const struct ima_state *s = &a->prev.ima;
	bool on;

	w->judged = a->has_policy && a->policy.ima.n != 0;
	if (a->same_boot)
		a->v->next.ima = *s; /* until more is proved */
	if (!w->judged)
		return;
	on = goes_on(a);
	w->current = on && as_remembered(a);
	w->shrunk = on && a->has_claims && a->claims.ima_entries != 0 &&
		    a->claims.ima_entries < s->count;
	w->from = on && !w->shrunk ? s->count : 0;
}

/* ---- why there is no prefix ------------------------------------------------------- */

static void
take_banks(const struct appraisal *a, struct ima_walk *w)
{
	w->nbanks = quoted_banks(a, w->quoted);
}

/* Go on from what is remembered; false if a quoted bank is not. */
static bool
from_remembered(const struct appraisal *a, struct ima_walk *w)
{
	for (unsigned i = 0; i < w->nbanks; i++) {
		const struct ima_bank *b = bank_of(&a->prev.ima, w->quoted[i].alg);

		if (!b)
			return false;
		w->start[i] = *b;
	}
	return a->prev.ima.present;
}

static bool
leads_from_reset(const struct appraisal *a, struct span list)
{
	struct ima_walk w = {.entries = list};

	take_banks(a, &w);
	ima_walk_from_reset(&w);
	ima_walk(&w);
	return w.proved;
}

/* Whether a walk that is set up but for its values is proved from what is remembered. */
static bool
leads_from_remembered(const struct appraisal *a, struct ima_walk *w)
{
	take_banks(a, w);
	if (!from_remembered(a, w))
		return false;
	ima_walk(w);
	return w->proved;
}

/* A new kernel's list, on top of what the old one had extended. */
static bool
begins_anew(const struct appraisal *a, struct span list)
{
	struct ima_walk w = {.entries = list, .begins = true};

	return leads_from_remembered(a, &w);
}

static bool
leads_on(const struct appraisal *a, struct span list)
{
	struct ima_walk w = {.entries = list,
			     .template_alg = a->prev.ima.template_alg,
			     .big = a->prev.ima.big};

	return leads_from_remembered(a, &w);
}

/* What was asked for is there, behind entries that were not. */
static bool
leads_from_a_later_entry(const struct appraisal *a, struct span list)
{
	size_t start[STARTS_MAX], last = 0, spent = 0;
	struct imalog_entry e;
	struct imalog l;
	unsigned n = 0;

	if (imalog_resume(list, a->prev.ima.template_alg, a->prev.ima.big, &l) != ASSAY_OK)
		return false;
	for (; imalog_next(&l, &e); n++) {
		start[n % STARTS_MAX] = last;
		last = imalog_position(&l);
	}
	for (unsigned i = 1; i < n && i <= STARTS_MAX; i++) {
		size_t at = start[(n - i) % STARTS_MAX];

		if ((spent += last - at) > STARTS_BYTES_MAX)
			return false;
		if (leads_on(a, span_part(list, at, last - at)))
			return true;
	}
	return false;
}

/* It leads to where the boot before was. */
static bool
leads_to_last_boot(const struct appraisal *a, struct span list)
{
	struct ima_walk w = {.entries = list};

	if (a->same_boot || !a->prev.ima.present)
		return false;
	w.nbanks = a->prev.ima.nbanks;
	for (unsigned i = 0; i < w.nbanks; i++)
		w.quoted[i] = a->prev.ima.bank[i].pcr;
	ima_walk_from_reset(&w);
	ima_walk(&w);
	return w.proved;
}

static bool
first_entry(const struct ima_walk *w, struct imalog_entry *ret)
{
	struct imalog l;

	return imalog_resume(w->entries, w->template_alg, w->big, &l) == ASSAY_OK &&
	       imalog_next(&l, ret);
}

static void
unreadable(struct appraisal *a, const struct ima_walk *w)
{
	bool large = w->err == ASSAY_TOO_LARGE || w->err == ASSAY_TOO_MANY;
	struct finding *f = list_finding(a,
					 w->err == ASSAY_UNSUPPORTED ? FIND_IMA_TEMPLATE
					 : large                     ? FIND_IMA_LIMIT
								     : FIND_IMA_MALFORMED,
					 w->refused);

	text_format(f->text, sizeof f->text, "%s: %s, entry %" PRIu64 ", at byte %zu",
		    finding_text((enum finding_code)f->code), assay_err_text(w->err),
		    a->in->ima_from + w->read, w->error_offset);
}

/* It begins as the list that was proved, to its last entry. */
static bool
begins_as_proved(const struct appraisal *a, struct span list)
{
	const struct ima_state *s = &a->prev.ima;
	struct ima_walk w = {.entries = list, .mark = s->bytes, .nexpected = s->nbanks};

	take_banks(a, &w);
	memcpy(w.expected, s->bank, sizeof w.expected);
	ima_walk_from_reset(&w);
	ima_walk(&w);
	return w.at_mark;
}

/* The whole list was given, and no prefix of it leads to the quoted values. */
static enum finding_code
whole_list_code(const struct appraisal *a, const struct ima_walk *w)
{
	struct imalog_entry e;
	bool begun = first_entry(w, &e) && imalog_is_boot_aggregate(&e);

	if (a->same_boot && begins_anew(a, w->entries))
		return begun ? FIND_IMA_KEXEC : FIND_IMA_OFFSET;
	if (leads_to_last_boot(a, w->entries))
		return FIND_IMA_OTHER_BOOT;
	if (!begun)
		return FIND_IMA_TRIMMED;
	if (ima_aggregate_check(a, &e) == ASSAY_MISMATCH)
		return FIND_IMA_OTHER_BOOT;
	if (a->same_boot && a->prev.ima.present && w->read < a->prev.ima.count)
		return FIND_IMA_TRIMMED;
	return FIND_IMA_REPLAY;
}

/* What was proved, and nothing of what moved PCR 10 since. */
static bool
nothing_new(const struct appraisal *a, const struct ima_walk *w)
{
	return a->in->ima_from == 0 && a->in->ima_stored == 0 && a->same_boot &&
	       a->prev.ima.present && w->read == a->prev.ima.count &&
	       begins_as_proved(a, w->entries) && !begins_anew(a, w->entries);
}

/* So much was given that another entry may have had no room, and the device has more. */
static bool
cut_at_limit(const struct appraisal *a, const struct ima_walk *w)
{
	return a->in->ima.n > IMALOG_MAX - IMALOG_ENTRY_MAX && a->has_claims &&
	       a->claims.ima_entries > a->in->ima_from + w->read;
}

static void
explain(struct appraisal *a, const struct ima_walk *w)
{
	enum finding_code code = FIND_IMA_REPLAY;
	struct finding *f;
	bool other;

	if (w->err != ASSAY_OK) {
		unreadable(a, w);
		return;
	}
	if (nothing_new(a, w)) {
		missing(a, "PCR 10 was extended, and the device sends no new entries");
		return;
	}
	if (cut_at_limit(a, w))
		code = FIND_IMA_LIMIT;
	else if (w->read > EXPLAINED_MAX)
		code = FIND_IMA_REPLAY;
	else if (a->in->ima_from != 0)
		code = FIND_IMA_OFFSET; /* else first_entries_may_tell() */
	else if (a->in->ima_stored == 0)
		code = whole_list_code(a, w);
	other = code == FIND_IMA_REPLAY && a->in->ima_from == 0 && a->same_boot &&
		a->prev.ima.present && w->read <= EXPLAINED_MAX &&
		!begins_as_proved(a, w->entries);
	f = list_finding(a, code, "");
	find_values(f, NULL, w->nbanks != 0 ? &w->quoted[0] : NULL);
	text_format(f->seen, sizeof f->seen, "%" PRIu64 " entries from entry %" PRIu64, w->read,
		    a->in->ima_from);
	if (code == FIND_IMA_KEXEC)
		text_format(f->text, sizeof f->text,
			    "another kernel began a list of its own, without a reset of the TPM");
	if (other)
		text_format(f->text, sizeof f->text,
			    "the list is not the one that was proved before in this boot: entries "
			    "were replaced, or another kernel began its own, and the last entries "
			    "of the old one were never seen");
}

/* ---- what is proved ----------------------------------------------------------------- */

static bool
strong(const struct ima_walk *w)
{
	for (unsigned i = 0; i < w->nbanks; i++)
		if (w->quoted[i].alg != ALG_SHA1 && (w->end[i].methods & 1u << IMALOG_HASHED))
			return true;
	return false;
}

/* M13: hashes of SHA-1 in a larger bank are as strong as SHA-1, and its rule applies. */
static void
check_strength(struct appraisal *a, const struct ima_walk *w)
{
	struct finding *f;

	if (strong(w))
		return;
	f = ima_find(a, FIND_IMA_SHA1,
		     a->policy.allow_sha1_only ? OUTCOME_ADMIT : OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "bank %s", digest_name(w->quoted[0].alg));
	text_format(f->seen, sizeof f->seen, "%s",
		    w->quoted[0].alg == ALG_SHA1 ? "SHA-1 bank"
						 : "SHA-1 template hashes, padded with zeros");
}

static void
check_contradictions(struct appraisal *a, const struct ima_walk *w)
{
	struct finding *f;

	if (w->contradictions == 0)
		return;
	f = list_finding(a, FIND_IMA_CONTRADICTION, "");
	text_format(f->seen, sizeof f->seen, "%" PRIu32 ", the first is entry %" PRIu64,
		    w->contradictions, a->in->ima_from + w->first_contradiction);
}

/* From zero everything is counted anew. */
static void
remember(struct appraisal *a, const struct ima_walk *w)
{
	struct ima_state *s = &a->v->next.ima;
	bool whole = a->in->ima_from == 0;

	if (whole)
		memset(s, 0, sizeof *s);
	s->present = true;
	s->big = w->big;
	s->template_alg = w->template_alg;
	s->count += w->count;
	s->bytes += w->bytes;
	s->nbanks = w->nbanks;
	memcpy(s->bank, w->end, sizeof s->bank);
	memcpy(s->generation, a->generation, sizeof s->generation);
	s->counts[IMA_COUNT_CONTRADICTIONS] += w->contradictions;
	a->ima.current = true;
	a->ima.from_zero = whole;
	a->ima.first = a->in->ima_from;
}

static void
accept(struct appraisal *a, const struct ima_walk *w)
{
	struct ima_accepted *acc = &a->v->ima_accepted;
	struct reader r;

	rd_init(&r, w->entries);
	a->ima.entries = rd_bytes(&r, w->bytes);
	remember(a, w);
	*acc = (struct ima_accepted){a->in->ima_from, w->count, w->bytes};
	if (a->in->ima_stored != 0) {
		acc->from = w->mark_count;
		acc->count -= w->mark_count;
		acc->bytes -= a->in->ima_stored;
	}
	if (acc->count == 0)
		*acc = (struct ima_accepted){0, 0, 0};
	check_strength(a, w);
	check_contradictions(a, w);
}

/* PCR 10 only moves on, so a list that ends before what was proved is not its. */
static bool
goes_back(const struct appraisal *a, const struct ima_walk *w)
{
	if (a->in->ima_stored != 0 && (!w->at_mark || w->bytes < a->in->ima_stored))
		return true;
	return a->in->ima_from == 0 && a->same_boot && a->prev.ima.present &&
	       w->count < a->prev.ima.count;
}

static bool
over_limit(const struct appraisal *a, const struct ima_walk *w)
{
	const struct ima_state *s = &a->prev.ima;
	bool whole = a->in->ima_from == 0;

	return w->count > IMALOG_ENTRIES_MAX - (whole ? 0 : s->count) ||
	       w->bytes > IMALOG_MAX - (whole ? 0 : s->bytes);
}

static void
conclude(struct appraisal *a, const struct ima_walk *w)
{
	if (!w->proved)
		explain(a, w);
	else if (goes_back(a, w))
		list_finding(a, FIND_IMA_REPLAY, "PCR 10 is where it was before");
	else if (over_limit(a, w))
		list_finding(a, FIND_IMA_LIMIT, "more entries or bytes in one boot");
	else
		accept(a, w);
}

/* ---- the delivered entries --------------------------------------------------------------- */

static bool
need(struct appraisal *a, uint64_t from)
{
	a->ima.from = from;
	return appraisal_needs(a, PART_IMA, IMALOG_MAX);
}

/* Stored entries are this boot's if they lead to where it was. */
static bool
stored_part_is_short(struct appraisal *a, struct ima_walk *w)
{
	return !w->proved && a->in->ima_stored != 0 &&
	       (!w->at_mark || a->in->ima_stored == a->in->ima.n);
}

/* No way leads on from what is remembered. Whether this is another list (a kernel started by
 * kexec begins its own) is told by its first entries, which are not those that are stored. */
static bool
first_entries_may_tell(const struct appraisal *a, const struct ima_walk *w)
{
	const struct appraisal_input *in = a->in;

	if (w->proved || w->err != ASSAY_OK || !a->same_boot || w->read > EXPLAINED_MAX ||
	    cut_at_limit(a, w))
		return false;
	return in->ima_stored != 0 ||
	       (in->ima_from != 0 && !leads_from_reset(a, w->entries) &&
		!leads_from_a_later_entry(a, w->entries));
}

/* The round that is judged once more was given a list, and refused it: that stays found. What
 * was sent beyond the entries that were proved is not kept. */
static bool
was_refused(const struct appraisal *a)
{
	for (size_t i = 0; i < a->prev.nsticky; i++) {
		const struct finding *f = &a->prev.sticky[i];

		if (f->code >= FIND_IMA_FIRST && f->code <= FIND_IMA_LAST &&
		    f->code != FIND_IMA_CONTRADICTION && strcmp(f->subject, LIST_SUBJECT) == 0)
			return true;
	}
	return false;
}

static bool
judge_delivered(struct appraisal *a, struct ima_walk *w)
{
	const struct ima_state *s = &a->prev.ima;

	take_banks(a, w);
	w->entries = a->in->ima;
	if (a->in->ima_from != 0) {
		w->template_alg = s->template_alg;
		w->big = s->big;
		if (!from_remembered(a, w))
			return need(a, 0);
	} else {
		ima_walk_from_reset(w);
	}
	if (a->in->ima_stored != 0 && a->same_boot && s->present) {
		w->mark = a->in->ima_stored;
		w->nexpected = s->nbanks;
		memcpy(w->expected, s->bank, sizeof w->expected);
	}
	ima_walk(w);
	if (stored_part_is_short(a, w) && a->replay && w->at_mark && was_refused(a)) {
		missing(a, "PCR 10 was extended, and no entries of it were proved");
		return true;
	}
	if (stored_part_is_short(a, w))
		return need(a, w->at_mark ? w->mark_count : 0);
	if (first_entries_may_tell(a, w))
		return need(a, 0);
	conclude(a, w);
	return true;
}

bool
ima_check(struct appraisal *a)
{
	const struct appraisal_input *in = a->in;
	struct ima_walk w = {0};
	struct digest q[PCR_BANKS_MAX];

	if (!a->ima.judged || a->ima.current)
		return true;
	if (quoted_banks(a, q) == 0 || never_extended(a)) {
		missing(a, "nothing was ever measured into PCR 10");
		return true;
	}
	if (!in->has_ima)
		return need(a, a->ima.from);
	/* nothing behind what is remembered: a list that was begun anew may be as short */
	if (in->ima.n == 0 && in->ima_from != 0)
		return need(a, 0);
	if (in->ima.n == 0) {
		if (a->ima.shrunk)
			list_finding(a, FIND_IMA_TRIMMED, "no entries, fewer than before");
		else
			missing(a, "PCR 10 was extended, and the device sends no entries");
		return true;
	}
	/* stored entries of another boot, or new ones where all are wanted */
	if ((in->ima_from != 0 && !goes_on(a)) ||
	    (in->ima_stored != 0 && !(a->same_boot && a->prev.ima.present)))
		return need(a, 0);
	if (in->ima_from != 0 && in->ima_from != a->prev.ima.count) {
		list_finding(a, FIND_IMA_OFFSET, "entries that were not asked for");
		return true;
	}
	return judge_delivered(a, &w);
}
