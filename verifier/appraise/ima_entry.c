/* ima_entry.c: the proved entries, one by one, and those that are no files. See
 * ima_judging.h and ima_event.h. */
#include "ima_judging.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

/* ---- boot_aggregate ------------------------------------------------------------- */

static enum assay_err
aggregate_of(const struct pcr_values *v, const struct imalog_entry *e)
{
	unsigned npcrs;

	return imalog_boot_aggregate_check(v, &e->file, &npcrs);
}

/* The quoted PCRs; where something extended one since, what the log led to. */
enum assay_err
ima_aggregate_check(const struct appraisal *a, const struct imalog_entry *e)
{
	const struct pcr_values *logged = a->keep_boot ? &a->prev.replayed : &a->v->next.replayed;
	enum assay_err quoted = aggregate_of(&a->proof.pcrs, e);

	if (quoted != ASSAY_MISMATCH || aggregate_of(logged, e) != ASSAY_OK)
		return quoted;
	return ASSAY_OK;
}

static void
aggregate_wrong(struct ima_judging *j, const struct imalog_entry *e, const char *text)
{
	char seen[FINDING_VALUE_MAX];

	ima_digest_words(&e->file, seen, sizeof seen);
	ima_tell(j,
		 &(struct ima_matter_told){IMA_MATTER_BOOT_AGGREGATE, IMA_COUNT_COUNT, seen, NULL,
					   text},
		 e);
}

static void
tell_second(struct ima_judging *j, const struct imalog_entry *e)
{
	char seen[FINDING_VALUE_MAX];

	ima_digest_words(&e->file, seen, sizeof seen);
	ima_tell(j,
		 &(struct ima_matter_told){IMA_MATTER_SECOND_BOOT_AGGREGATE,
					   IMA_COUNT_BOOT_AGGREGATES, seen, NULL, NULL},
		 e);
}

/* M2. Another one later: a kernel that was started by kexec went on (M10), from the same
 * PCRs; else it could be a file of that name. */
static void
judge_aggregate(struct ima_judging *j, const struct imalog_entry *e, bool first)
{
	enum assay_err err = e->violation ? ASSAY_MISMATCH : ima_aggregate_check(j->a, e);

	if (first) {
		ima_count(j, IMA_COUNT_BOOT_AGGREGATES);
		j->state->boot_aggregate = err == ASSAY_OK;
	} else {
		tell_second(j, e);
	}
	if (err == ASSAY_MISMATCH)
		aggregate_wrong(j, e, "it is not of the quoted PCR 0 to 9");
	else if (err != ASSAY_OK)
		aggregate_wrong(j, e, "its bank was not quoted");
}

/* ---- measured data ----------------------------------------------------------------- */

static void
name_and_data(const struct imalog_entry *e, struct span data, char *ret, size_t cap)
{
	size_t n;

	text_escape(e->path, ret, cap / 2);
	n = strlen(ret);
	text_format(ret + n, cap - n, ": ");
	text_escape(data, ret + n + 2, cap - n - 2);
}

static void
judge_kexec(struct ima_judging *j, const struct imalog_entry *e, struct span cmdline)
{
	char seen[FINDING_VALUE_MAX];

	text_escape(cmdline, seen, sizeof seen);
	ima_tell(j, &(struct ima_matter_told){IMA_MATTER_KEXEC, IMA_COUNT_KEXEC, seen, NULL, NULL},
		 e);
	if (seen[0] != '\0' && !factset_find(j->a->facts, FACT_IMA_KEXEC_CMDLINE, -1, ALG_NONE))
		ima_fact_text(j, FACT_IMA_KEXEC_CMDLINE, -1, seen);
}

/* A key that the policy knows counts from here on; another is told. */
static void
judge_key(struct ima_judging *j, const struct imalog_entry *e, const struct x509 *x)
{
	uint64_t known = ima_keys_find(j->keys, x->der);
	char subject[FINDING_VALUE_MAX] = "no certificate", line[FACT_TEXT_MAX];
	size_t n;

	ima_count(j, IMA_COUNT_KEYS);
	if (x->der.n != 0)
		x509_name_text(x->subject, subject, sizeof subject);
	text_escape(e->path, line, sizeof line / 2);
	n = strlen(line);
	text_format(line + n, sizeof line - n, ": %s", subject);
	ima_fact_next(j, FACT_IMA_KEY, &j->nkeys, line);
	j->state->keys_measured |= known;
	if (known != 0)
		return;
	ima_tell(j,
		 &(struct ima_matter_told){IMA_MATTER_KEY, IMA_COUNT_KEYS_REFUSED, subject,
					   "a certificate of the policy's keyrings", NULL},
		 e);
}

static void
judge_data(struct ima_judging *j, const struct imalog_entry *e, struct span data, bool dm)
{
	char line[FINDING_VALUE_MAX];

	name_and_data(e, data, line, sizeof line);
	ima_tell(j,
		 &(struct ima_matter_told){dm ? IMA_MATTER_DM : IMA_MATTER_CRITICAL,
					   dm ? IMA_COUNT_DM : IMA_COUNT_CRITICAL, line, NULL,
					   NULL},
		 e);
	if (dm)
		ima_fact_next(j, FACT_IMA_DM_EVENT, &j->ndm, line);
	else
		ima_fact_next(j, FACT_IMA_CRITICAL_DATA, &j->ncritical, line);
}

static void
judge_violation(struct ima_judging *j, const struct imalog_entry *e)
{
	/* what was extended says nothing of the name: that is the device's word */
	ima_tell(j,
		 &(struct ima_matter_told){IMA_MATTER_VIOLATION, IMA_COUNT_VIOLATIONS,
					   "a violation", NULL, "as the device names it"},
		 e);
}

/* ---- all ------------------------------------------------------------------------------ */

static void
judge_other_pcr(struct ima_judging *j, const struct imalog_entry *e)
{
	char seen[32];

	text_format(seen, sizeof seen, "PCR %" PRIu32, e->pcr);
	ima_tell(j,
		 &(struct ima_matter_told){IMA_MATTER_OTHER_PCR, IMA_COUNT_OTHER_PCR, seen,
					   "PCR 10", NULL},
		 e);
}

/* M3: which of its fields is the digest, and which the name, is not hashed. */
static void
refuse_template(struct ima_judging *j, const struct imalog_entry *e)
{
	struct finding *f;

	if (j->refused)
		return;
	j->refused = true;
	f = ima_find(j->a, FIND_IMA_TEMPLATE, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "IMA list");
	text_escape(e->template_name, f->seen, sizeof f->seen);
	text_format(f->text, sizeof f->text,
		    "its first fields are not a file's digest and name (entry %" PRIu64 ")",
		    j->a->ima.first + e->index);
}

static void
judge_entry(struct ima_judging *j, const struct imalog_entry *e)
{
	bool first = j->a->ima.first + e->index == 0;
	struct ima_measured m;
	enum ima_event what;

	if (e->pcr != IMALOG_PCR) {
		judge_other_pcr(j, e);
		return;
	}
	if (!e->plain)
		refuse_template(j, e);
	what = ima_event(e, &m);
	if (first && what != IMA_EVENT_BOOT_AGGREGATE)
		aggregate_wrong(j, e, "the first entry is none");
	if (what != IMA_EVENT_FILE && what != IMA_EVENT_VIOLATION)
		(void)ima_judge_known_bad(j, e);
	switch (what) {
	case IMA_EVENT_BOOT_AGGREGATE:
		judge_aggregate(j, e, first);
		break;
	case IMA_EVENT_VIOLATION:
		judge_violation(j, e);
		break;
	case IMA_EVENT_KEXEC:
		judge_kexec(j, e, m.data);
		break;
	case IMA_EVENT_KEY:
		judge_key(j, e, &m.key);
		break;
	case IMA_EVENT_DM:
	case IMA_EVENT_CRITICAL:
		judge_data(j, e, m.data, what == IMA_EVENT_DM);
		break;
	default:
		ima_judge_file(j, e);
	}
}

/* ---- in batches ------------------------------------------------------------------------- */

/* While one batch is judged, memory answers for the next. */
struct batch {
	size_t first; /* of its entries' places in j->expected */
	size_t n;
	struct imalog_entry entry[IMA_BATCH];
};

static void
expect(struct ima_judging *j, const struct batch *b, enum digestset_step step)
{
	for (unsigned i = 0; i < j->nallow; i++)
		for (size_t k = 0; k < b->n; k++)
			digestset_expect(&j->allow[i], step, b->entry[k].path,
					 &j->expected[i][b->first + k]);
}

/* Entries of a binary list stay as they are while others are read. */
static void
read_batch(struct ima_judging *j, struct imalog *l, struct batch *b)
{
	b->n = 0;
	while (b->n < IMA_BATCH && imalog_next(l, &b->entry[b->n]))
		b->n++;
	expect(j, b, DIGESTSET_STEP_TABLE);
	expect(j, b, DIGESTSET_STEP_NUMBER);
}

static void
judge_batch(struct ima_judging *j, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		j->at = b->first + i;
		judge_entry(j, &b->entry[i]);
	}
}

static enum assay_err
judge_list(struct ima_judging *j, struct imalog *l, struct batch b[2])
{
	unsigned now = 0;

	b[0].first = 0;
	b[1].first = IMA_BATCH;
	read_batch(j, l, &b[now]);
	while (b[now].n != 0) {
		expect(j, &b[now], DIGESTSET_STEP_RECORD);
		read_batch(j, l, &b[1 - now]);
		judge_batch(j, &b[now]);
		now = 1 - now;
	}
	return imalog_finish(l);
}

void
ima_judge_entries(struct ima_judging *j)
{
	struct batch *b = appraisal_alloc(j->a, 2 * sizeof *b);
	struct imalog l;
	struct finding *f;

	if (b &&
	    imalog_resume(j->a->ima.entries, j->state->template_alg, j->state->big, &l) ==
		    ASSAY_OK &&
	    judge_list(j, &l, b) == ASSAY_OK)
		return;
	/* they were read once to be proved */
	f = find(j->a, FIND_INTERNAL, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "IMA list");
}
