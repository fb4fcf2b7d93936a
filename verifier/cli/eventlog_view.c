/* eventlog_view.c: see eventlog_view.h. */
#include "eventlog_view.h"

#include <stdio.h>
#include <string.h>

const char *
eventlog_format_name(enum eventlog_format f)
{
	switch (f) {
	case EVENTLOG_SHA1:
		return "sha1";
	case EVENTLOG_CC:
		return "confidential-computing";
	default:
		return "crypto-agile";
	}
}

const char *
eventlog_alg_name(uint16_t alg, char buf[8])
{
	const char *name = digest_name(alg);

	if (name)
		return name;
	snprintf(buf, 8, "0x%04x", alg);
	return buf;
}

static void
bad(struct eventlog_view *v, enum assay_err e, const struct eventlog *l)
{
	v->err = e;
	v->bad_event = l->next_index;
	v->bad_offset = l->offset;
	v->reason = assay_err_text(e);
}

/* A variable whose lengths do not fit its event is no variable. */
static void
find_malformed_data(struct eventlog_view *v)
{
	struct bootreader reader;
	struct eventlog l;
	struct event raw;

	if (eventlog_open(v->log, v->cc, &l) != ASSAY_OK)
		return;
	bootreader_init(&reader, l.format, ALG_NONE);
	while (eventlog_next(&l, &raw)) {
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		if (!ev.malformed || (raw.type != EV_EFI_VARIABLE_DRIVER_CONFIG &&
				      raw.type != EV_EFI_VARIABLE_BOOT &&
				      raw.type != EV_EFI_VARIABLE_AUTHORITY))
			continue;
		v->err = ASSAY_MALFORMED;
		v->bad_event = raw.index;
		v->bad_offset = raw.offset;
		v->reason = "the variable's lengths do not fit the event";
		return;
	}
}

void
eventlog_view_read(struct eventlog_view *v)
{
	struct eventlog_walk w;
	struct event ev;
	enum assay_err e = eventlog_walk_open(v->log, v->cc, &w);

	if (e == ASSAY_BAD_TYPE && !v->cc) {
		v->cc = true;
		e = eventlog_walk_open(v->log, true, &w);
	}
	if (e != ASSAY_OK) {
		v->err = e;
		v->reason = e == ASSAY_BAD_TYPE ? "is not a confidential-computing log"
			    : e == ASSAY_MISSING ? "the log is empty"
						 : assay_err_text(e);
		return;
	}
	while (eventlog_walk_next(&w, &ev))
		continue;
	e = eventlog_walk_finish(&w);
	v->run = w.run;
	if (e != ASSAY_OK) {
		bad(v, e, &w.log);
		return;
	}
	v->has_facts = bootfacts_read(v->log, v->cc, ALG_NONE, &v->facts) == ASSAY_OK;
	find_malformed_data(v);
}

void
eventlog_view_complain(const struct eventlog_view *v)
{
	fprintf(stderr, "assay: %s: event %u at byte %zu: %s\n", v->path, v->bad_event,
		v->bad_offset, v->reason);
}

/* ---- PCR values ---------------------------------------------------------- */

static void
add_difference(struct eventlog_pcr_check *c, uint32_t pcr, const struct digest *seen,
	       const struct digest *expected)
{
	size_t i = c->differ++;

	if (i >= sizeof c->differs / sizeof c->differs[0])
		return;
	c->differs[i].alg = expected->alg;
	c->differs[i].pcr = pcr;
	c->differs[i].expected = *expected;
	c->differs[i].seen = seen ? *seen : (struct digest){0};
}

static bool
is_reset_value(const struct digest *d, uint32_t pcr)
{
	struct digest reset;

	return pcr_reset_value(d->alg, pcr, &reset) == ASSAY_OK && digest_equal(d, &reset);
}

/*
 * The firmware's PCRs must be accounted for; others are also extended by what logs
 * elsewhere (IMA, systemd in user space: L18).
 */
static void
check_value(const struct eventlog_view *v, uint32_t pcr, const struct digest *expected,
	    struct eventlog_pcr_check *c)
{
	const struct digest *seen = pcr_value(&v->run.pcrs, expected->alg, pcr);

	if (seen && digest_equal(seen, expected))
		c->equal++;
	else if (seen || (!v->cc && pcr < 8 && !is_reset_value(expected, pcr)))
		add_difference(c, pcr, seen, expected);
	else
		c->not_logged++;
}

/* In a CC log register 0 (MRTD) is never extended: a list that begins with 0 counts
 * RTMRs, whose registers are one higher. */
static uint32_t
first_register(const struct eventlog_view *v, const struct pcr_bank *b)
{
	return v->cc && (b->mask & 1) != 0 && (b->mask >> 4) == 0 ? 1 : 0;
}

static void
check_bank(const struct eventlog_view *v, const struct pcr_bank *b, struct eventlog_pcr_check *c)
{
	uint32_t shift = first_register(v, b);

	if (!pcr_bank_of(&v->run.pcrs, b->alg))
		return;
	for (uint32_t pcr = 0; pcr + shift < PCR_COUNT; pcr++)
		if ((b->mask >> pcr & 1) != 0)
			check_value(v, pcr + shift, &b->value[pcr], c);
}

void
eventlog_check_pcrs(const struct eventlog_view *v, const struct pcr_values *pcrs,
		    struct eventlog_pcr_check *ret)
{
	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < pcrs->count; i++)
		check_bank(v, &pcrs->bank[i], ret);
	if (ret->equal == 0 && ret->differ == 0)
		ret->refused = "the log leads to none of the PCRs in the list";
	for (size_t i = 0; v->has_facts && i < v->facts.nfindings; i++)
		if (v->facts.findings[i].code == BOOTFIND_SECOND_SEPARATOR)
			ret->refused = boot_finding_text(BOOTFIND_SECOND_SEPARATOR);
}
