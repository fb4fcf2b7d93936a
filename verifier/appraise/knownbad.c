/* knownbad.c: digests declared bad; see knownbad.h. */
#include "knownbad.h"

#include "appraisal.h"
#include "digestset.h"
#include "text.h"

static bool
is_bad(const struct reference_view *v)
{
	return v->kind == REF_KIND_KNOWN_BAD &&
	       (v->state == REF_LEARNED || v->state == REF_PROMOTED);
}

/* The set that has it, or NULL. */
static const struct reference_view *
find_set(const struct appraisal *a, const struct digestset_digest *d)
{
	for (size_t i = 0; i < a->in->nreferences; i++) {
		const struct reference_view *v = &a->in->references[i];
		struct digestset s;

		if (is_bad(v) && digestset_open(v->compiled, &s) == ASSAY_OK &&
		    digestset_has(&s, d, NULL))
			return v;
	}
	return NULL;
}

bool
knownbad_report(struct appraisal *a, uint16_t alg, struct span digest,
		const struct knownbad_place *where)
{
	struct digestset_digest wanted = {.alg = alg, .bytes = digest};
	const struct reference_view *v = find_set(a, &wanted);
	struct digest d;
	struct finding *f;

	if (!v || digest_from(alg, digest, &d) != ASSAY_OK)
		return false;
	f = find_sticky(a, FIND_KNOWN_BAD, OUTCOME_QUARANTINE);
	f->severity = SEV_CRITICAL;
	f->provenance = where->provenance;
	f->pcr = where->pcr;
	f->event = where->event;
	text_format(f->subject, sizeof f->subject, "%s", where->subject);
	find_values(f, &d, NULL);
	return true;
}

static void
judge_values(struct appraisal *a)
{
	const struct pcr_values *v = &a->proof.pcrs;

	for (size_t b = 0; b < v->count; b++)
		for (unsigned i = 0; i < PCR_COUNT; i++) {
			char subject[FINDING_SUBJECT_MAX];
			struct knownbad_place at = {subject, (int32_t)i, -1, PROV_TPM};

			if (!(v->bank[b].mask >> i & 1))
				continue;
			text_format(subject, sizeof subject, "PCR %u", i);
			(void)knownbad_report(a, v->bank[b].alg,
					      digest_span(&v->bank[b].value[i]), &at);
		}
}

/* In whatever bank, and also in a log that does not lead to the quoted values: that
 * somebody says so is enough to look. Of each boot the log is judged once; what is found
 * then sticks. */
static void
judge_events(struct appraisal *a)
{
	struct eventlog log;
	struct event ev;

	if (!a->log_judged || eventlog_open(a->in->boot_log, false, &log) != ASSAY_OK)
		return;
	while (eventlog_next(&log, &ev)) {
		struct knownbad_place at = {"event of the boot log", -1, (int32_t)ev.index,
					    PROV_REPLAYED};

		if (ev.index >= EVENTLOG_EVENTS_MAX || ev.pcr >= PCR_COUNT)
			continue;
		at.pcr = (int32_t)ev.pcr;
		for (size_t k = 0; k < ev.ndigests; k++)
			if (knownbad_report(a, ev.digests[k].alg, ev.digests[k].bytes, &at))
				break;
	}
}

/* What software says of itself counts against it. */
static void
judge_software(struct appraisal *a)
{
	for (size_t i = 0; a->has_claims && i < a->claims.nsoftware; i++) {
		const struct msg_software *s = &a->claims.software[i];
		char subject[FINDING_SUBJECT_MAX];
		struct knownbad_place at = {subject, -1, -1, PROV_CLAIMED};

		if (s->digest.n == 0)
			continue;
		text_escape(s->name, subject, sizeof subject);
		(void)knownbad_report(a, s->alg, s->digest, &at);
	}
}

/* A set that cannot be read is not taken for empty. */
void
knownbad_judge(struct appraisal *a)
{
	bool any = false;

	for (size_t i = 0; i < a->in->nreferences; i++) {
		struct digestset s;

		if (!is_bad(&a->in->references[i]))
			continue;
		any = true;
		if (digestset_open(a->in->references[i].compiled, &s) == ASSAY_OK)
			continue;
		struct finding *f = find(a, FIND_POLICY_INVALID, OUTCOME_QUARANTINE);
		text_format(f->subject, sizeof f->subject, "known-bad digests");
	}
	if (!any)
		return;
	judge_values(a);
	judge_events(a);
	judge_software(a);
}
