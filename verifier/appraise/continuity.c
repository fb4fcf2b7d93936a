/* continuity.c: this round against what is remembered of the device. See appraisal.h.
 *
 * Q11. The stored counters are the highest seen: a TPM whose old state was put back
 * stays behind them until an operator decides. */
#include "appraisal.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

#define CLOCK_STEP_BACK_MAX (1u << 22) /* ms; Part 1, 36.3: between two updates of NV */

static void
counter_finding(struct appraisal *a, enum finding_code code, uint64_t seen, uint64_t known)
{
	struct finding *f = find_sticky(a, code, OUTCOME_QUARANTINE);

	f->provenance = PROV_TPM;
	text_format(f->seen, sizeof f->seen, "%" PRIu64, seen);
	text_format(f->expected, sizeof f->expected, "more than %" PRIu64, known);
}

static void
version_finding(struct appraisal *a)
{
	struct finding *f = find_sticky(a, FIND_FIRMWARE_BACK, OUTCOME_QUARANTINE);

	f->provenance = PROV_TPM;
	text_format(f->seen, sizeof f->seen, "0x%016" PRIx64, a->counters.firmware_version);
	text_format(f->expected, sizeof f->expected, "0x%016" PRIx64 " or later",
		    a->prev.tpm_firmware);
}

/* Within one reset: the clock strictly advances, restarts do not go back. */
static void
check_same_reset(struct appraisal *a)
{
	const struct counters *c = &a->counters;
	const struct continuity *p = &a->prev;

	if (c->restart_count < p->restart_count) {
		struct finding *f = find_sticky(a, FIND_RESTART_BACK, OUTCOME_QUARANTINE);

		f->provenance = PROV_TPM;
		text_format(f->seen, sizeof f->seen, "%" PRIu32, c->restart_count);
		text_format(f->expected, sizeof f->expected, "%" PRIu32 " or more",
			    p->restart_count);
	}
	if (c->first_clock <= p->clock)
		counter_finding(a, FIND_CLOCK_BACK, c->first_clock, p->clock);
}

/* Across a reset the clock may lose what was not yet in NV, and says so (not safe). */
static bool
clock_holds_across_reset(const struct counters *c, uint64_t known)
{
	if (c->first_clock > known)
		return true;
	return !c->clock_safe && known - c->first_clock <= CLOCK_STEP_BACK_MAX;
}

static void
check_other_reset(struct appraisal *a)
{
	const struct counters *c = &a->counters;
	const struct continuity *p = &a->prev;

	if (c->reset_count < p->reset_count || c->reset_count - p->reset_count > 1) {
		struct finding *f = find_sticky(a, FIND_RESET_BACK, OUTCOME_QUARANTINE);

		f->provenance = PROV_TPM;
		text_format(f->seen, sizeof f->seen, "%" PRIu32, c->reset_count);
		text_format(f->expected, sizeof f->expected, "%" PRIu32 " or %" PRIu64,
			    p->reset_count, (uint64_t)p->reset_count + 1);
	}
	if (!clock_holds_across_reset(c, p->clock))
		counter_finding(a, FIND_CLOCK_BACK, c->first_clock, p->clock);
}

/* The round that left what is remembered, seen once more: what was wrong with its
 * counters is among what sticks. Whatever the record's TPM was behind of stays. */
static bool
replay_check(struct appraisal *a)
{
	const struct counters *c = &a->counters;
	const struct continuity *p = &a->prev;

	if (!p->present || c->reset_count > p->reset_count ||
	    (c->reset_count == p->reset_count &&
	     (c->restart_count > p->restart_count || c->last_clock > p->clock)))
		return false;
	a->same_boot = c->reset_count == p->reset_count && c->restart_count == p->restart_count;
	a->same_judges = span_equal(SPAN(a->generation, 32), SPAN(p->generation, 32));
	return true;
}

bool
continuity_check(struct appraisal *a)
{
	const struct counters *c = &a->counters;
	const struct continuity *p = &a->prev;
	unsigned before = a->v->nfindings;
	bool same_reset;

	if (continuity_decode(a->in->continuity, &a->prev) != ASSAY_OK || !offline_order(a))
		return false;
	if (!tier_has_tpm(a->in->device.tier)) {
		a->same_judges = p->present &&
				 span_equal(SPAN(a->generation, 32), SPAN(p->generation, 32));
		key_continuity_check(a);
		return true;
	}
	if (a->replay)
		return replay_check(a);
	if (!p->present)
		return true;
	same_reset = c->reset_count == p->reset_count;
	a->same_boot = same_reset && c->restart_count == p->restart_count;
	a->same_judges = span_equal(SPAN(a->generation, 32), SPAN(p->generation, 32));
	if (same_reset)
		check_same_reset(a);
	else
		check_other_reset(a);
	if (c->firmware_version < p->tpm_firmware)
		version_finding(a);
	a->clean_reset = !same_reset && a->v->nfindings == before;
	return true;
}

/* Found by comparing rounds: judging the boot again cannot find it again. */
static bool
of_continuity(uint16_t code)
{
	return code == FIND_CLOCK_BACK || code == FIND_RESET_BACK || code == FIND_RESTART_BACK ||
	       code == FIND_FIRMWARE_BACK || code == FIND_BOOT_SWAPPED;
}

/* The same matter, maybe with another value by now. */
static bool
found_again(const struct verdict *v, const struct finding *s)
{
	for (size_t i = 0; i < v->nfindings; i++) {
		const struct finding *f = &v->findings[i];

		if (f->code == s->code && f->pcr == s->pcr && f->event == s->event &&
		    f->cap <= s->cap && f->sticky && strcmp(f->rule, s->rule) == 0 &&
		    strcmp(f->subject, s->subject) == 0)
			return true;
	}
	return false;
}

static bool
must_be_remembered(const struct finding *f)
{
	return f->sticky && f->cap != OUTCOME_ADMIT;
}

/* Found in the IMA list, which has judges of its own time: it may come later than the log. */
static bool
of_ima_list(const struct appraisal *a, uint16_t code)
{
	return code >= FIND_IMA_FIRST && code <= FIND_IMA_LAST && a->ima.judged;
}

/* Other judges have seen the list from its first entry. */
static bool
ima_again(const struct appraisal *a, bool judged_again)
{
	const struct ima_state *s = &a->prev.ima;

	if (!a->ima.current || !a->ima.from_zero || a->counters.restart_count != 0)
		return false;
	return s->present ? !span_equal(SPAN(s->generation, 32), SPAN(a->generation, 32))
			  : judged_again;
}

/* Then it is bad enough now, and not only when they are missed. */
static bool
too_many_to_remember(const struct appraisal *a)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->v->nfindings; i++)
		n += must_be_remembered(&a->v->findings[i]);
	return a->spilled || n > CONTINUITY_STICKY_MAX;
}

/*
 * What was found in this boot stays in force. A boot that began with a TPM reset as
 * it should wipes the slate. Other judges (a new generation) drop what they would
 * have found again, once they have seen all of the boot: not while the log is still
 * out, and not after a restart, when the log is no longer that of the finding.
 */
void
continuity_carry(struct appraisal *a)
{
	bool all_seen = a->log_judged || (a->has_claims && !a->keep_boot && !a->prev.has_boot_log);
	bool judged_again = !a->same_judges && all_seen && a->counters.restart_count == 0;

	for (size_t i = 0; i < a->prev.nsticky && !a->clean_reset; i++) {
		const struct finding *s = &a->prev.sticky[i];

		bool again = of_ima_list(a, s->code) ? ima_again(a, judged_again)
						     : judged_again && !of_continuity(s->code);

		if (again || found_again(a->v, s))
			continue;
		*find_sticky(a, (enum finding_code)s->code, (enum outcome)s->cap) = *s;
	}
	if ((a->prev.sticky_overflow && !judged_again && !a->clean_reset) ||
	    too_many_to_remember(a))
		(void)find_sticky(a, FIND_STICKY, OUTCOME_QUARANTINE);
}

/* Counters only rise; while a TPM is behind, the record stays where it was. */
static void
remember_counters(const struct appraisal *a, struct continuity *n)
{
	const struct counters *c = &a->counters;
	const struct continuity *p = &a->prev;
	bool behind = p->present &&
		      (c->reset_count < p->reset_count ||
		       (c->reset_count == p->reset_count &&
			(c->restart_count < p->restart_count || c->last_clock <= p->clock)));

	n->reset_count = behind ? p->reset_count : c->reset_count;
	n->restart_count = behind ? p->restart_count : c->restart_count;
	n->clock = behind ? p->clock : c->last_clock;
	n->clock_safe = behind ? p->clock_safe : c->clock_safe;
	n->tpm_firmware = p->present && p->tpm_firmware > c->firmware_version ? p->tpm_firmware
									      : c->firmware_version;
}

/* They stand worst first, so that what has no room is what matters least. */
static void
remember_findings(const struct verdict *v, struct continuity *n)
{
	for (size_t i = 0; i < v->nfindings; i++) {
		if (!v->findings[i].sticky)
			continue;
		if (n->nsticky < CONTINUITY_STICKY_MAX)
			n->sticky[n->nsticky++] = v->findings[i];
		else
			n->sticky_overflow |= must_be_remembered(&v->findings[i]);
	}
}

void
continuity_next(struct appraisal *a)
{
	struct continuity *n = &a->v->next;
	const struct continuity *p = &a->prev;

	/* boot.c has written what concerns the boot log */
	if (a->keep_boot) {
		n->has_boot_log = p->has_boot_log;
		memcpy(n->boot_log_digest, p->boot_log_digest, sizeof n->boot_log_digest);
		n->boot_log_size = p->boot_log_size;
		pcr_values_copy(&n->replayed, &p->replayed);
	}
	n->present = true;
	remember_counters(a, n);
	/* the judges of the boot on record: those of another time stay written down */
	memcpy(n->generation, a->keep_boot ? p->generation : a->generation, sizeof n->generation);
	pcr_values_copy(&n->quoted, &a->proof.pcrs);
	remember_findings(a->v, n);
	n->sticky_overflow |= a->spilled;
	plan_remember(a, n);
	if (!tier_has_tpm(a->in->device.tier))
		key_continuity_next(a);
}
