/* boot.c: the boot log against the quoted PCRs. See appraisal.h.
 *
 * In a boot that goes on, under the same judges, the log is not asked for again:
 * what it leads to is remembered, and the quoted values must still be that. */
#include "appraisal.h"

#include "text.h"

#include <string.h>

#define EXTENDED_SINCE "the PCR was extended at run time, after the boot that the log tells"

/* The claims, and with them the quote, are over another log: these bytes are nobody's. */
static bool
not_signed(struct appraisal *a)
{
	return appraisal_unproven(a, FIND_LOG_DIGEST, "boot log", "");
}

static bool
same_log(const struct appraisal *a)
{
	return a->prev.has_boot_log &&
	       span_equal(a->claims.boot_log_digest, SPAN(a->prev.boot_log_digest, 32));
}

/* Whether the value was once that of the log in this very boot: then somebody extended
 * the PCR since, and did not cheat with the log. Told as long as the boot lasts. */
static bool
was_as_logged(const struct appraisal *a, const struct finding *f, const struct digest *logged)
{
	const struct continuity *p = &a->prev;
	const struct digest *before = pcr_value(&p->quoted, logged->alg, (unsigned)f->pcr);

	if (a->same_boot && before && digest_equal(before, logged))
		return true;
	for (size_t i = 0; i < p->nsticky; i++)
		if (a->same_boot && p->sticky[i].code == FIND_REPLAY &&
		    strcmp(p->sticky[i].subject, f->subject) == 0 &&
		    strcmp(p->sticky[i].text, EXTENDED_SINCE) == 0)
			return true;
	return false;
}

static void
replay_finding(struct appraisal *a, unsigned pcr, const struct digest *quoted,
	       const struct digest *logged)
{
	struct finding *f = find_sticky(a, FIND_REPLAY, OUTCOME_QUARANTINE);

	f->provenance = PROV_TPM;
	f->pcr = (int32_t)pcr;
	text_format(f->subject, sizeof f->subject, "PCR %u in bank %s", pcr,
		    digest_name(quoted->alg));
	if (was_as_logged(a, f, logged))
		text_format(f->text, sizeof f->text, "%s", EXTENDED_SINCE);
	find_values(f, quoted, logged);
}

/* The quoted value, if the device's own policy asks for it: quotes also have what other
 * policies ask for, which must change nothing here. */
static const struct digest *
asked_value(const struct appraisal *a, const struct pcr_bank_selection *asked, unsigned pcr)
{
	return asked->mask >> pcr & 1 ? pcr_value(&a->proof.pcrs, asked->alg, pcr) : NULL;
}

/* Neither the log nor the quote has anything of it in this bank: Windows measures in one
 * bank only. */
static bool
untouched(const struct digest *quoted, const struct digest *logged, unsigned pcr)
{
	struct digest reset;

	return quoted && !logged && pcr_reset_value(quoted->alg, pcr, &reset) == ASSAY_OK &&
	       digest_equal(quoted, &reset);
}

/* L1: every PCR that the log covers, in every bank that was asked for. Proved is what is
 * as logged in the bank that facts rest on, and nowhere otherwise. */
static void
compare_bank(struct appraisal *a, const struct pcr_values *logged,
	     const struct pcr_bank_selection *asked, uint32_t *proved)
{
	bool strongest = asked->alg == strongest_bank(&a->in->asked);

	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct digest *q = asked_value(a, asked, i);
		const struct digest *l = pcr_value(logged, asked->alg, i);
		uint32_t bit = 1u << i;

		if ((a->policy.unlogged & bit) != 0 || !q || !l) {
			if ((a->policy.unlogged & bit) != 0 || strongest || !untouched(q, l, i))
				*proved &= ~bit;
			continue;
		}
		if (digest_equal(q, l))
			continue;
		*proved &= ~bit;
		replay_finding(a, i, q, l);
	}
}

/* The value of a PCR that was extended although the log has no event for it. */
static const struct digest *
extended_outside(const struct appraisal *a, const struct pcr_values *logged, unsigned pcr)
{
	for (size_t i = 0; i < a->in->asked.count; i++) {
		const struct pcr_bank_selection *asked = &a->in->asked.bank[i];
		const struct digest *q = asked_value(a, asked, pcr);
		uint16_t alg = asked->alg;
		struct digest reset;

		if (!q || pcr_value(logged, alg, pcr))
			continue;
		if (pcr_reset_value(alg, pcr, &reset) != ASSAY_OK || !digest_equal(q, &reset))
			return q;
	}
	return NULL;
}

static bool
was_asked(const struct appraisal *a, unsigned pcr)
{
	for (size_t i = 0; i < a->in->asked.count; i++)
		if (a->in->asked.bank[i].mask >> pcr & 1)
			return true;
	return false;
}

/* Nothing was measured into it: the log has no event, the quote has the reset value. */
static void
note_empty(struct appraisal *a, const struct pcr_values *logged)
{
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		bool has_events = false;

		for (size_t k = 0; k < logged->count; k++)
			has_events = has_events || (logged->bank[k].mask >> i & 1);
		if (!has_events && was_asked(a, i) && !extended_outside(a, logged, i))
			a->empty |= 1u << i;
	}
}

/* L18: what something measures outside of the log must equal a reference by value, or
 * be excluded in the policy, which is told in every verdict; else nothing judges it. */
static void
check_outside(struct appraisal *a, const struct pcr_values *logged)
{
	for (unsigned i = 0; i < PCR_COUNT && a->has_policy; i++) {
		const struct digest *q = extended_outside(a, logged, i);
		bool excluded = a->policy.unlogged >> i & 1;
		struct finding *f;

		if (!excluded && (!q || (a->policy.compare >> i & 1) ||
				  (i == IMALOG_PCR && a->ima.judged)))
			continue;
		f = excluded ? find(a, FIND_PCR_EXCLUDED, OUTCOME_ADMIT)
			     : find_sticky(a, FIND_PCR_UNLOGGED, OUTCOME_QUARANTINE);
		f->provenance = PROV_TPM;
		f->pcr = (int32_t)i;
		text_format(f->subject, sizeof f->subject, "PCR %u", i);
		if (!excluded)
			find_values(f, q, NULL);
	}
}

static void
compare_replay(struct appraisal *a, const struct pcr_values *logged)
{
	uint32_t proved = ~0u;

	for (size_t i = 0; i < a->in->asked.count; i++)
		compare_bank(a, logged, &a->in->asked.bank[i], &proved);
	a->proved = a->in->asked.count != 0 ? proved : 0;
	note_empty(a, logged);
	check_outside(a, logged);
}

/* Q15: a bank that was asked for and that the firmware does not extend is anybody's. */
static void
check_empty_banks(struct appraisal *a, const struct eventlog_replay *r)
{
	for (size_t i = 0; i < a->in->asked.count; i++) {
		uint16_t alg = a->in->asked.bank[i].alg;
		const struct pcr_bank *b = pcr_bank_of(&r->pcrs, alg);
		struct finding *f;

		if (b && b->mask != 0)
			continue;
		f = find_sticky(a, FIND_EMPTY_BANK, OUTCOME_QUARANTINE);
		text_format(f->subject, sizeof f->subject, "bank %s", digest_name(alg));
	}
}

static void
log_finding(struct appraisal *a, enum finding_code code, const char *seen)
{
	struct finding *f = find_sticky(a, code, OUTCOME_QUARANTINE);

	text_format(f->seen, sizeof f->seen, "%s", seen);
}

static void
judge_log(struct appraisal *a)
{
	struct span log = a->in->boot_log;
	struct continuity *n = &a->v->next;
	struct eventlog_replay r;
	enum assay_err e;

	a->log_judged = true;
	n->has_boot_log = true;
	memcpy(n->boot_log_digest, a->claims.boot_log_digest.p, sizeof n->boot_log_digest);
	n->boot_log_size = (uint32_t)log.n;
	if (log.n != a->claims.boot_log_size) {
		log_finding(a, FIND_LOG_MALFORMED, "another size than the claims say");
		return;
	}
	e = eventlog_replay(log, false, &r);
	if (e != ASSAY_OK) {
		log_finding(a, FIND_LOG_MALFORMED, assay_err_text(e));
		return;
	}
	a->log_sound = true;
	pcr_values_copy(&n->replayed, &r.pcrs);
	check_empty_banks(a, &r);
	compare_replay(a, &r.pcrs);
}

static void
log_missing(struct appraisal *a)
{
	(void)find(a, FIND_LOG_MISSING, OUTCOME_QUARANTINE);
	a->keep_boot = a->same_boot;
}

static bool
log_is_claimed(const struct appraisal *a)
{
	uint8_t digest[32];

	return digest_sha256(a->in->boot_log, digest) == ASSAY_OK &&
	       span_equal(SPAN(digest, 32), a->claims.boot_log_digest);
}

static void
judge_delivered_log(struct appraisal *a)
{
	judge_log(a);
	if (!a->same_boot || !a->prev.has_boot_log || same_log(a))
		return;
	(void)find_sticky(a, FIND_BOOT_SWAPPED, OUTCOME_QUARANTINE);
	a->keep_boot = true;
}

bool
boot_check(struct appraisal *a)
{
	bool steady = a->same_boot && a->same_judges && !a->prev.sticky_overflow;

	if (!a->has_claims) {
		a->keep_boot = a->same_boot;
		return true;
	}
	/* L3: a log without a byte is none */
	if (a->claims.boot_log_digest.n == 0 || a->claims.boot_log_size == 0) {
		log_missing(a);
		return true;
	}
	if (a->in->has_boot_log && log_is_claimed(a)) {
		judge_delivered_log(a);
		return true;
	}
	/* One from the ledger that is not the claimed one is as if it were absent. */
	if (a->in->has_boot_log && !a->in->boot_log_stored)
		return not_signed(a);
	if (!steady || !same_log(a))
		return appraisal_needs(a, PART_BOOT_LOG, a->claims.boot_log_size);
	a->keep_boot = a->steady = true;
	compare_replay(a, &a->prev.replayed);
	return true;
}
