/* gather_boot.c: facts of a boot log, and what is wrong with it. See appraisal.h.
 *
 * A fact of the log is a fact only where the PCR that its event extends was quoted
 * and has the value that the log leads to, in every bank asked for; else missing. */
#include "appraisal.h"

#include "bootfacts.h"
#include "evidence/hex.h"
#include "text.h"

#include <string.h>

#define PCR_FIRMWARE (1u << 0)
#define PCR_SECURE_BOOT (1u << 7)
#define PCR_EXIT (1u << 5) /* the end of boot services */
#define PCR_LIST_MAX 80	   /* all of them, with blanks */
#define PCR_OF_FIRMWARE 0xFFu /* 0 to 7 */

struct gather {
	struct appraisal *a;
	struct fact_set *s;
	const struct boot_facts *f;
	uint8_t *pcr; /* of each event; PCR_COUNT: none */
	uint32_t *type; /* of each event */
};

/* Which PCR each event extends, so that facts can be held against what is proved. */
static bool
map_events(struct gather *g)
{
	struct eventlog log;
	struct event ev;

	g->pcr = appraisal_alloc(g->a, EVENTLOG_EVENTS_MAX);
	g->type = appraisal_alloc(g->a, EVENTLOG_EVENTS_MAX * sizeof *g->type);
	if (!g->pcr || !g->type || eventlog_open(g->a->in->boot_log, false, &log) != ASSAY_OK)
		return false;
	memset(g->pcr, PCR_COUNT, EVENTLOG_EVENTS_MAX);
	while (eventlog_next(&log, &ev))
		if (ev.index < EVENTLOG_EVENTS_MAX && ev.pcr < PCR_COUNT) {
			g->pcr[ev.index] = (uint8_t)ev.pcr;
			g->type[ev.index] = ev.type;
		}
	return true;
}

static bool
proved(const struct gather *g, uint32_t mask)
{
	return (g->a->proved & mask) == mask;
}

static bool
event_proved(const struct gather *g, uint32_t event)
{
	return event < EVENTLOG_EVENTS_MAX && g->pcr[event] < PCR_COUNT &&
	       proved(g, 1u << g->pcr[event]);
}

static struct fact_value *
add_of_event(struct gather *g, enum fact_id id, uint32_t event)
{
	struct fact_value *v = factset_add(g->s, id);

	v->event = (int32_t)event;
	v->pcr = g->pcr[event];
	return v;
}

static void
gather_flag(struct gather *g, enum fact_id id, enum boot_flag flag)
{
	if (flag == BOOT_FLAG_ON || flag == BOOT_FLAG_OFF)
		factset_bool(g->s, id, flag == BOOT_FLAG_ON);
}

static void
gather_secure_boot_state(struct gather *g)
{
	const struct boot_facts *f = g->f;

	if ((f->secure_boot == BOOT_FLAG_ON || f->secure_boot == BOOT_FLAG_OFF) &&
	    event_proved(g, f->secure_boot_event))
		add_of_event(g, FACT_BOOT_SECURE_BOOT, f->secure_boot_event)->number =
			f->secure_boot == BOOT_FLAG_ON;
}

static void
gather_keys(struct gather *g, enum fact_id id, const struct boot_keys *k)
{
	if (k->present && !k->malformed && event_proved(g, k->event))
		add_of_event(g, id, k->event)->digest = k->digest;
}

/* One that does not fit leaves the list unknown: it would be taken for the whole. */
static void
gather_certificates(struct gather *g)
{
	const struct boot_facts *f = g->f;
	size_t n = 0, cap = BOOT_CERTIFICATES_MAX * 65u + 1;
	char *list;

	if (!f->db.present || f->db.malformed || !event_proved(g, f->db.event) ||
	    f->db.counts.certificates != f->ncertificates ||
	    !(list = appraisal_alloc(g->a, cap)))
		return;
	for (size_t i = 0; i < f->ncertificates; i++) {
		char hex[65];

		if (hex_encode(SPAN(f->certificates[i].sha256, 32), hex, sizeof hex) != ASSAY_OK)
			return;
		text_format(list + n, cap - n, "%s%s", i ? " " : "", hex);
		n += strlen(list + n);
	}
	add_of_event(g, FACT_BOOT_DB_CERTIFICATES, f->db.event)->text = SPAN(list, n);
}

/* What PCR 7 proves. That nothing was measured is known only of a complete log. */
static void
gather_secure_boot(struct gather *g)
{
	const struct boot_facts *f = g->f;

	if (!proved(g, PCR_SECURE_BOOT))
		return;
	gather_secure_boot_state(g);
	gather_flag(g, FACT_BOOT_SETUP_MODE, f->setup_mode);
	gather_flag(g, FACT_BOOT_AUDIT_MODE, f->audit_mode);
	gather_flag(g, FACT_BOOT_DEPLOYED_MODE, f->deployed_mode);
	gather_keys(g, FACT_BOOT_PK, &f->pk);
	gather_keys(g, FACT_BOOT_KEK, &f->kek);
	gather_keys(g, FACT_BOOT_DB, &f->db);
	gather_certificates(g);
	gather_keys(g, FACT_BOOT_DBX, &f->dbx);
	if (f->dbx.present && !f->dbx.malformed && event_proved(g, f->dbx.event))
		add_of_event(g, FACT_BOOT_DBX_ENTRIES, f->dbx.event)->number =
			f->dbx.counts.entries;
	if (!f->complete)
		return;
	factset_bool(g->s, FACT_BOOT_DEBUGGER, f->debugger == BOOT_FLAG_ON);
	factset_bool(g->s, FACT_BOOT_DMA_PROTECTION_OFF, f->dma_protection == BOOT_FLAG_OFF);
}

static void
gather_loader(struct gather *g)
{
	const struct boot_cmdline *c = &g->f->cmdline;
	const struct boot_initrd *i = &g->f->initrd;

	factset_number(g->s, FACT_BOOT_CMDLINES, c->count);
	if (c->count != 0 && event_proved(g, c->event)) {
		if (c->provenance >= BOOT_BY_TEXT && !c->truncated && c->text[0] != '\0')
			add_of_event(g, FACT_BOOT_CMDLINE, c->event)->text = SPAN(c->text,
										  strlen(c->text));
		add_of_event(g, FACT_BOOT_CMDLINE_DIGEST, c->event)->digest = c->digest;
	}
	if (i->count != 0 && event_proved(g, i->event))
		add_of_event(g, FACT_BOOT_INITRD_DIGEST, i->event)->digest = i->digest;
}

static void
gather_images(struct gather *g)
{
	const struct boot_facts *f = g->f;

	for (size_t i = 0; i < f->nimages && i < BOOT_IMAGES_MAX; i++) {
		struct fact_value *v;

		if (!event_proved(g, f->images[i].event))
			continue;
		v = add_of_event(g, FACT_BOOT_IMAGE, f->images[i].event);
		v->index = (int32_t)i;
		v->digest = f->images[i].digest;
	}
	factset_number(g->s, FACT_BOOT_IMAGES, f->nimages);
	factset_number(g->s, FACT_BOOT_OPTION_ROMS, f->option_roms);
}

/* The line of words without its "firmware version: "; empty: not known. */
static struct span
proved_version(const struct gather *g)
{
	const char *text = g->f->firmware_version;
	size_t prefix = strlen(boot_component_text(BOOT_FIRMWARE_VERSION)) + 2;

	if (!g->f->firmware_version_proved || !proved(g, PCR_FIRMWARE) || strlen(text) <= prefix ||
	    strcmp(text + prefix, "empty") == 0)
		return SPAN(NULL, 0);
	return SPAN(text + prefix, strlen(text + prefix));
}

static void
gather_pcrs_of_log(struct gather *g)
{
	struct fact_value *v;
	size_t n = 0;
	char *list = appraisal_alloc(g->a, PCR_LIST_MAX);

	if (!list)
		return;
	list[0] = '\0';
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (g->a->proved >> i & 1) {
			text_format(list + n, PCR_LIST_MAX - n, "%s%u", n ? " " : "", i);
			n += strlen(list + n);
		}
	v = factset_add(g->s, FACT_BOOT_PCRS);
	v->text = SPAN(list, n);
}

static void
gather_machine(struct gather *g)
{
	const struct boot_facts *f = g->f;

	if (f->machine != BOOT_MACHINE_UNKNOWN)
		factset_text(g->s, FACT_BOOT_MACHINE,
			     f->machine == BOOT_MACHINE_VIRTUAL ? "virtual" : "physical");
	if (f->exit_boot_services != BOOT_EXIT_UNSEEN && proved(g, PCR_EXIT))
		factset_bool(g->s, FACT_BOOT_EXIT, f->exit_boot_services == BOOT_EXIT_DONE);
}

static void
gather_log(struct gather *g)
{
	const struct boot_facts *f = g->f;

	factset_number(g->s, FACT_BOOT_EVENTS, f->events);
	gather_pcrs_of_log(g);
	gather_machine(g);
	gather_secure_boot(g);
	if (proved_version(g).n != 0)
		factset_text(g->s, FACT_BOOT_FIRMWARE_VERSION,
			     (const char *)proved_version(g).p);
	gather_loader(g);
	if (!proved(g, PCR_OF_FIRMWARE))
		return;
	factset_bool(g->s, FACT_BOOT_COMPLETE, f->complete);
	gather_images(g);
}

/* Seen in logs of honest machines, or of no weight where values must be equal: told. */
static bool
only_told(enum boot_finding_code c)
{
	return c == BOOTFIND_SB_MISSING || c == BOOTFIND_NOT_COMPUTABLE ||
	       c == BOOTFIND_EMPTY_BANK || c == BOOTFIND_UNMEASURED || c == BOOTFIND_TAIL ||
	       c == BOOTFIND_EARLY_BOOT;
}

static enum finding_code
code_of(enum boot_finding_code c)
{
	switch (boot_finding_kind(c)) {
	case BOOT_KIND_STRUCTURE:
		return FIND_BOOT_ORDER;
	case BOOT_KIND_SECURE_BOOT:
		return FIND_SECURE_BOOT;
	case BOOT_KIND_COVERAGE:
		return FIND_EMPTY_BANK;
	default:
		return FIND_EVENT_DATA;
	}
}

/* L20: what a model's firmware does wrong has a name and a reason in the policy. A TPM's
 * maker is known by a trusted certificate alone. */
static const struct policy_workaround *
workaround_for(const struct gather *g, const struct boot_finding *b)
{
	const struct ek_facts *ek = &g->a->in->device.ek;
	struct policy_oddity o = {.finding = boot_finding_word(b->code), .pcr = b->pcr};

	o.has_type = b->event < EVENTLOG_EVENTS_MAX && g->pcr[b->event] < PCR_COUNT;
	if (o.has_type)
		o.type = g->type[b->event];
	if (ek->certificate && ek->trusted) {
		o.manufacturer = SPAN(ek->manufacturer, strlen(ek->manufacturer));
		o.model = SPAN(ek->model, strlen(ek->model));
	}
	o.firmware = proved_version(g);
	return policy_tolerates(&g->a->policy, &o);
}

static void
report_workaround(struct finding *f, const struct policy_workaround *k)
{
	text_escape(k->id, f->rule, sizeof f->rule);
	text_format(f->remedy, sizeof f->remedy, "tolerated by the policy: %.*s",
		    (int)k->reason.n, (const char *)k->reason.p);
}

/* L5, L6, L7, L14, L15, L20. */
static void
report(struct gather *g, const struct boot_finding *b)
{
	struct appraisal *a = g->a;
	const char *word = boot_finding_word(b->code);
	const struct policy_workaround *k = only_told(b->code) ? NULL : workaround_for(g, b);
	bool told = only_told(b->code) || k;
	struct finding *f = find_sticky(a, code_of(b->code),
					told ? OUTCOME_ADMIT : OUTCOME_QUARANTINE);

	if (k)
		report_workaround(f, k);
	f->provenance = event_proved(g, b->event) ? PROV_REPLAYED : PROV_CLAIMED;
	f->pcr = b->pcr;
	f->event = b->event < EVENTLOG_EVENTS_MAX ? (int32_t)b->event : -1;
	text_format(f->subject, sizeof f->subject, "%s", boot_component_text(b->component));
	text_format(f->text, sizeof f->text, "%s: %s", word, boot_finding_text(b->code));
	text_format(f->seen, sizeof f->seen, "%s", b->seen);
	text_format(f->expected, sizeof f->expected, "%s", b->expected);
}

void
gather_boot(struct appraisal *a)
{
	struct boot_facts *f = appraisal_alloc(a, sizeof *f);
	struct gather g = {.a = a, .s = a->facts, .f = f};

	if (!a->log_sound)
		return;
	if (!f || !map_events(&g) ||
	    bootfacts_read(a->in->boot_log, false, strongest_bank(&a->in->asked), f) != ASSAY_OK) {
		(void)find_sticky(a, FIND_LOG_MALFORMED, OUTCOME_QUARANTINE);
		return;
	}
	a->boot = f;
	gather_log(&g);
	for (size_t i = 0; i < f->nfindings; i++)
		report(&g, &f->findings[i]);
	if (f->more_findings)
		(void)find_sticky(a, FIND_BOOT_ORDER, OUTCOME_QUARANTINE);
}
