/* reference_explain.c: how a boot differs from a reference set, event by event and in
 * words. It explains PCR values that differ; it never makes them equal. */
#include "appraisal.h"

#include "bootdiff.h"
#include "text.h"

#include <string.h>

#define EXPLAINED_MAX 8 /* differences told; the first are the causes */

/* The set's events in the PCRs and the bank that are compared; false: too many. */
static bool
list_events(struct reference set, uint16_t bank, uint32_t pcrs, struct boot_ref_event *ret,
	    size_t *ret_n)
{
	struct reference_event ev;
	size_t n = 0;

	while (reference_next(&set, &ev)) {
		const struct event_ref_digest *d = ev.digests;

		while (d < ev.digests + ev.ndigests && d->alg != bank)
			d++;
		if ((pcrs >> ev.pcr & 1) == 0 || d == ev.digests + ev.ndigests)
			continue;
		if (n == BOOTDIFF_EVENTS_MAX ||
		    digest_from(bank, d->bytes, &ret[n].digest) != ASSAY_OK)
			return false;
		ret[n].pcr = ev.pcr;
		ret[n].type = ev.type;
		ret[n].description = ev.description;
		n++;
	}
	*ret_n = n;
	return set.events.err == ASSAY_OK;
}

/* Words; where they do not tell the two apart, the digests do. */
static void
fill_value(const char *words, const struct digest *d, char ret[FINDING_VALUE_MAX])
{
	char digest[2 * DIGEST_MAX + 16], cut[FINDING_VALUE_MAX];

	fact_digest_text(d, digest, sizeof digest);
	text_format(cut, FINDING_VALUE_MAX - 1 - strlen(digest), "%s", words);
	text_format(ret, FINDING_VALUE_MAX, "%s %s", cut, digest);
}

void
finding_of_difference(struct finding *f, const struct bootdiff_entry *e)
{
	if (strcmp(e->seen_text, e->expected_text) == 0) {
		fill_value(e->seen_text, &e->seen, f->seen);
		fill_value(e->expected_text, &e->expected, f->expected);
		return;
	}
	text_format(f->seen, sizeof f->seen, "%s", e->seen_text);
	text_format(f->expected, sizeof f->expected, "%s", e->expected_text);
}

static void
report_entry(struct appraisal *a, const struct bootdiff_entry *e, const struct explanation *how)
{
	static const enum finding_code codes[BOOTDIFF_NKINDS] = {
		[BOOTDIFF_CHANGED] = FIND_EVENT_DIFFERS,
		[BOOTDIFF_ADDED] = FIND_EVENT_EXTRA,
		[BOOTDIFF_REMOVED] = FIND_EVENT_ABSENT,
		[BOOTDIFF_RETYPED] = FIND_EVENT_DIFFERS,
		[BOOTDIFF_MOVED] = FIND_EVENT_DIFFERS,
	};
	struct finding *f = find_sticky(a, how->baseline ? FIND_BASELINE : codes[e->kind],
					how->cap);

	f->provenance = PROV_REPLAYED;
	f->pcr = (int32_t)e->pcr;
	f->event = e->event == BOOT_NO_EVENT ? -1 : (int32_t)e->event;
	text_format(f->subject, sizeof f->subject, "%s", boot_component_text(e->component));
	text_format(f->text, sizeof f->text, "%s", e->text);
	finding_of_difference(f, e);
}

/* NULL: there is nothing to compare, or no room for it. */
static const struct bootdiff *
compare(struct appraisal *a, const struct reference *set, uint32_t pcrs)
{
	struct boot_ref_event *events;
	struct bootdiff_work *work;
	struct bootdiff *diff;
	struct bootdiff_input in = {
		.log = a->in->boot_log,
		.bank = strongest_bank(&a->policy.info.ask),
		.pcr_mask = pcrs & a->proved,
	};

	if (!a->policy.events || !a->log_sound || set->nevents == 0 || in.pcr_mask == 0)
		return NULL;
	events = appraisal_alloc(a, BOOTDIFF_EVENTS_MAX * sizeof *events);
	work = appraisal_alloc(a, sizeof *work);
	diff = appraisal_alloc(a, sizeof *diff);
	in.reference = events;
	if (!events || !work || !diff ||
	    !list_events(*set, in.bank, in.pcr_mask, events, &in.nreference) ||
	    bootdiff_compare(&in, work, diff) != ASSAY_OK)
		return NULL;
	return diff;
}

void
reference_explain(struct appraisal *a, const struct reference *set,
		  const struct explanation *how)
{
	const struct bootdiff *diff = compare(a, set, how->pcrs);

	for (size_t i = 0; diff && i < diff->n && i < EXPLAINED_MAX; i++)
		report_entry(a, &diff->entries[i], how);
}

static void
check_types(struct appraisal *a, const struct reference *set)
{
	const struct explanation how = {.cap = (enum outcome)a->policy.differs};
	const struct bootdiff *diff = compare(a, set, a->policy.compare);
	unsigned told = 0;

	for (size_t i = 0; diff && i < diff->n && told < EXPLAINED_MAX; i++)
		if (diff->entries[i].kind == BOOTDIFF_RETYPED) {
			report_entry(a, &diff->entries[i], &how);
			told++;
		}
}

/* L2: PCRs that the set has events of, and this log has none. */
static void
check_presence(struct appraisal *a, struct reference set)
{
	uint16_t bank = strongest_bank(&a->policy.info.ask);
	struct reference_event ev;
	uint32_t silent = 0;

	while (reference_next(&set, &ev))
		if ((a->policy.compare & ~a->policy.unlogged) >> ev.pcr & 1 &&
		    !pcr_value(&a->v->next.replayed, bank, ev.pcr))
			silent |= 1u << ev.pcr;
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		struct finding *f;

		if ((silent >> i & 1) == 0)
			continue;
		f = find_sticky(a, FIND_PCR_UNLOGGED, (enum outcome)a->policy.differs);
		f->provenance = PROV_TPM;
		f->pcr = (int32_t)i;
		text_format(f->subject, sizeof f->subject, "PCR %u", i);
		text_format(f->text, sizeof f->text, "the reference has events of this PCR, and "
						     "the log has none");
	}
}

void
reference_check_log(struct appraisal *a, const struct reference *set)
{
	if (!a->policy.events || !a->log_sound)
		return;
	check_types(a, set);
	check_presence(a, *set);
}
