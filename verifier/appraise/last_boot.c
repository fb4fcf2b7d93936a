/* last_boot.c: how this boot differs from the last boot of the same device that was
 * judged ADMIT. See appraisal.h.
 *
 * What differs is told; policy says whether it lowers the decision. Where PCRs have
 * another value than any reference and no set says what was in them, the difference is
 * the reason in words, and weighs as much. Revocations that are gone are a finding of
 * their own (L14): a reference of the time before them must not excuse it. */
#include "appraisal.h"

#include "bootdiff.h"
#include "dbxback.h"
#include "efivar.h"
#include "text.h"

#include <string.h>

#define TOLD_MAX 8 /* differences told; the first are the causes */
#define SINCE "since the last good boot: "

/* ---- the events of that boot ---- */

struct past {
	struct appraisal *a;
	struct boot_ref_event *events;
	size_t n;
	bool full;
};

static void
keep(const struct boot_ref_event *ev, void *arg)
{
	struct past *p = arg;
	uint8_t *text = p->n < BOOTDIFF_EVENTS_MAX ? appraisal_alloc(p->a, ev->description.n + 1)
						   : NULL;

	if (!text) {
		p->full = true;
		return;
	}
	memcpy(text, ev->description.p, ev->description.n);
	p->events[p->n] = *ev;
	p->events[p->n++].description = SPAN(text, ev->description.n);
}

/* PCRs of that boot's events that were asked for, and that this log says nothing of
 * although they were extended: what is in them may be as it was, or not. */
static void
report_silence(struct appraisal *a, const struct past *p)
{
	uint32_t silent = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!pcr_value(&a->v->next.replayed, p->events[i].digest.alg, p->events[i].pcr))
			silent |= 1u << p->events[i].pcr;
	silent &= pcr_selected(&a->in->asked, strongest_bank(&a->in->asked)) & ~a->empty &
		  ~a->policy.unlogged;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		struct finding *f;

		if ((silent >> i & 1) == 0)
			continue;
		f = find_sticky(a, FIND_BOOT_CHANGED, (enum outcome)a->policy.last_boot);
		f->provenance = PROV_TPM;
		f->pcr = (int32_t)i;
		text_format(f->subject, sizeof f->subject, "PCR %u", i);
		text_format(f->text, sizeof f->text, SINCE "the log has no event of it any more");
	}
}

static enum assay_err
compare(struct appraisal *a, uint32_t pcrs, struct bootdiff *diff)
{
	struct bootdiff_work *work = appraisal_alloc(a, sizeof *work);
	struct past p = {.a = a};
	struct bootdiff_input in = {
		.log = a->in->good_log,
		.bank = strongest_bank(&a->in->asked),
		.pcr_mask = (1u << PCR_COUNT) - 1,
	};
	enum assay_err e;

	p.events = appraisal_alloc(a, BOOTDIFF_EVENTS_MAX * sizeof *p.events);
	if (!work || !p.events)
		return ASSAY_NO_MEMORY;
	if ((e = bootdiff_capture(&in, keep, &p)) != ASSAY_OK)
		return e;
	if (p.full)
		return ASSAY_TOO_MANY;
	report_silence(a, &p);
	in.pcr_mask = pcrs;
	in.log = a->in->boot_log;
	in.reference = p.events;
	in.nreference = p.n;
	return bootdiff_compare(&in, work, diff);
}

/* ---- what is not yet in words ---- */

/* A finding about an event, not about a PCR's value as such. */
static bool
in_words(const struct finding *f)
{
	return f->code == FIND_EVENT_DIFFERS || f->code == FIND_EVENT_EXTRA ||
	       f->code == FIND_EVENT_ABSENT ||
	       (f->code == FIND_BASELINE && strncmp(f->subject, "PCR ", 4) != 0);
}

static bool
of_value(const struct finding *f)
{
	return f->code == FIND_PCR_DIFFERS || f->code == FIND_PCR_RESET ||
	       f->code == FIND_PCR_UNLOGGED || (f->code == FIND_BASELINE && !in_words(f));
}

/* For each PCR what its value alone is held against it; ADMIT: nothing, or it is in
 * words already. */
static void
wordless(const struct verdict *v, uint8_t ret[PCR_COUNT])
{
	memset(ret, OUTCOME_ADMIT, PCR_COUNT);
	for (size_t i = 0; i < v->nfindings; i++) {
		const struct finding *f = &v->findings[i];

		if (of_value(f) && f->pcr >= 0 && f->cap < ret[f->pcr])
			ret[f->pcr] = f->cap;
	}
	for (size_t i = 0; i < v->nfindings; i++)
		if (in_words(&v->findings[i]) && v->findings[i].pcr >= 0)
			ret[v->findings[i].pcr] = OUTCOME_ADMIT;
}

/* ---- telling ---- */

static void
report_entry(struct appraisal *a, const struct bootdiff_entry *e, enum outcome cap)
{
	struct finding *f = find_sticky(a, FIND_BOOT_CHANGED, cap);

	f->provenance = PROV_REPLAYED;
	f->pcr = (int32_t)e->pcr;
	f->event = e->event == BOOT_NO_EVENT ? -1 : (int32_t)e->event;
	text_format(f->subject, sizeof f->subject, "%s", boot_component_text(e->component));
	text_format(f->text, sizeof f->text, SINCE "%s", e->text);
	finding_of_difference(f, e);
}

/* That there are more is a finding too: it has the policy's weight. */
static void
report_rest(struct appraisal *a, const struct bootdiff *d, unsigned told)
{
	struct finding *f;

	if (told == d->n && !d->more)
		return;
	f = find_sticky(a, FIND_BOOT_CHANGED, (enum outcome)a->policy.last_boot);
	f->provenance = PROV_REPLAYED;
	text_format(f->subject, sizeof f->subject, "boot");
	text_format(f->text, sizeof f->text, SINCE "%s%u more differences",
		    d->more ? "at least " : "", d->n - told);
}

/* An order that nothing proves and that firmware need not keep is told, and no more. */
static enum outcome
weigh(const struct bootdiff_entry *e, enum outcome cap)
{
	return e->kind == BOOTDIFF_MOVED ? OUTCOME_ADMIT : cap;
}

/* Those first that give PCRs' values their words. */
static void
report_difference(struct appraisal *a, const struct bootdiff *d)
{
	enum outcome cap = (enum outcome)a->policy.last_boot;
	uint8_t held[PCR_COUNT];
	unsigned told = 0;

	wordless(a->v, held);
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < d->n && told < TOLD_MAX; i++) {
			const struct bootdiff_entry *e = &d->entries[i];
			enum outcome weight = (enum outcome)held[e->pcr];

			if ((weight != OUTCOME_ADMIT) != (pass == 0))
				continue;
			report_entry(a, e, weigh(e, weight < cap ? weight : cap));
			told++;
		}
	report_rest(a, d, told);
}

/* A boot that cannot be compared is not one that did not change. */
static void
not_comparable(struct appraisal *a, enum assay_err e)
{
	struct finding *f = find_sticky(a, FIND_BOOT_CHANGED, (enum outcome)a->policy.last_boot);

	text_format(f->subject, sizeof f->subject, "boot");
	text_format(f->text, sizeof f->text, "the boot cannot be compared with the last good one");
	text_format(f->seen, sizeof f->seen, "%s", assay_err_text(e));
}

/* ---- revocations ---- */

static struct span
variable_at(struct span log, uint32_t index)
{
	struct eventlog l;
	struct event ev;
	struct efivar v;

	if (eventlog_open(log, false, &l) != ASSAY_OK)
		return SPAN(NULL, 0);
	while (eventlog_next(&l, &ev))
		if (ev.index == index)
			return efivar_parse(ev.data, &v) == ASSAY_OK ? v.data : SPAN(NULL, 0);
	return SPAN(NULL, 0);
}

static struct span
dbx_of(struct span log, const struct boot_facts *f)
{
	return f->dbx.present ? variable_at(log, f->dbx.event) : SPAN(NULL, 0);
}

static void
report_loss(struct appraisal *a, const struct dbx_loss *loss)
{
	struct finding *f = find_sticky(a, FIND_DBX_BACK, (enum outcome)a->policy.dbx_back);
	const char *name = boot_component_text(BOOT_DBX);

	f->provenance = PROV_REPLAYED;
	f->pcr = 7;
	f->event = a->boot->dbx.present ? (int32_t)a->boot->dbx.event : -1;
	text_format(f->subject, sizeof f->subject, "%s", name);
	if (loss->now < loss->before)
		text_format(f->text, sizeof f->text, "%s went back from %u to %u entries", name,
			    loss->before, loss->now);
	else
		text_format(f->text, sizeof f->text, "%s lost %u of its %u entries", name,
			    loss->lost, loss->before);
	text_format(f->seen, sizeof f->seen, "%u entries, without %u of the last good boot's",
		    loss->now, loss->lost);
	text_format(f->expected, sizeof f->expected, "the %u entries of the last good boot",
		    loss->before);
}

/* What PCR 7 does not prove has its own finding. */
static void
judge_dbx(struct appraisal *a)
{
	struct boot_facts *before = appraisal_alloc(a, sizeof *before);
	struct dbx_entry *room;
	struct dbx_loss loss;
	struct span was;

	if (!before || bootfacts_read(a->in->good_log, false, ALG_NONE, before) != ASSAY_OK) {
		not_comparable(a, ASSAY_UNSUPPORTED);
		return;
	}
	was = dbx_of(a->in->good_log, before);
	if (was.n == 0 || ((a->proved | a->empty) >> 7 & 1) == 0)
		return;
	room = appraisal_alloc(a, (dbxback_count(was) + 1) * sizeof *room);
	if (!room) {
		not_comparable(a, ASSAY_NO_MEMORY);
		return;
	}
	dbxback_compare(was, dbx_of(a->in->boot_log, a->boot), room, &loss);
	if (loss.lost != 0)
		report_loss(a, &loss);
}

void
last_boot_judge(struct appraisal *a)
{
	uint32_t pcrs = a->proved | a->empty;
	struct bootdiff *diff;
	enum assay_err e;

	if (!a->has_policy || !a->boot || a->in->good_log.n == 0 ||
	    span_equal(a->in->good_log, a->in->boot_log))
		return;
	diff = appraisal_alloc(a, sizeof *diff);
	e = diff ? compare(a, pcrs, diff) : ASSAY_NO_MEMORY;
	if (e != ASSAY_OK)
		not_comparable(a, e);
	else if (!diff->equal)
		report_difference(a, diff);
	judge_dbx(a);
}
