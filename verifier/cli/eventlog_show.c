/* eventlog_show.c: the listing for people; see eventlog_view.h. */
#include "eventlog_view.h"

#include "cli.h"
#include "evidence/hex.h"
#include "verifier/appraise/boottext.h"

#include <stdio.h>
#include <string.h>

#define HEX_MAX (2 * DIGEST_MAX + 1)

static const char *
hex_of(struct span s, char buf[HEX_MAX])
{
	if (hex_encode(s, buf, HEX_MAX) != ASSAY_OK)
		buf[0] = '\0';
	return buf;
}

/* ---- one event ----------------------------------------------------------- */

static const struct mark {
	const char *sign;
	const char *(*colour)(void);
} marks[] = {
	[BOOTEVENT_HINT] = {"?", cli_yellow},
	[BOOTEVENT_PROVED] = {"=", cli_green},
	[BOOTEVENT_CONTRADICTION] = {"!", cli_red},
	[BOOTEVENT_NOT_MEASURED] = {"-", cli_dim},
};

static void
show_odd(const struct bootevent *ev)
{
	static const struct {
		size_t flag;
		const char *text;
	} odd[] = {
		{offsetof(struct bootevent, malformed), "malformed"},
		{offsetof(struct bootevent, banks_disagree), "the banks disagree"},
		{offsetof(struct bootevent, unnamed), "nothing bears out its name"},
		{offsetof(struct bootevent, unexplained), "what was measured is not in the log"},
		{offsetof(struct bootevent, misplaced), "not a PCR for events of this type"},
	};

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		if (*(const bool *)((const char *)ev + odd[i].flag))
			printf("%s  [%s]%s", cli_red(), odd[i].text, cli_plain());
}

static void
show_event(const struct eventlog_view *v, const struct event *raw, const struct bootevent *ev)
{
	const struct mark *m = &marks[ev->status];
	char text[BOOTTEXT_MAX], hex[HEX_MAX], name[16], alg[8];

	bootevent_text(ev, text, sizeof text);
	printf("%5u  %2u  %s%s%s  %s", ev->index, ev->pcr, m->colour(), m->sign, cli_plain(),
	       text);
	show_odd(ev);
	snprintf(name, sizeof name, "0x%08x", ev->type);
	printf("\n%s               %s, %zu bytes", cli_dim(), ev->type_name ? ev->type_name : name,
	       raw->data.n);
	if (v->has_facts && event_digest_in(raw, v->facts.bank).n > 0)
		printf(", %s %s", eventlog_alg_name(v->facts.bank, alg),
		       hex_of(event_digest_in(raw, v->facts.bank), hex));
	printf("%s\n", cli_plain());
}

static void
show_events(const struct eventlog_view *v, uint32_t pcr)
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
		if (pcr == EVENTLOG_VIEW_ALL || raw.pcr == pcr)
			show_event(v, &raw, &ev);
	}
}

/* ---- the log ------------------------------------------------------------- */

static void
show_header(const struct eventlog_view *v)
{
	char alg[8];

	printf("%s%s%s: %s log, %u events, banks", cli_bold(), v->path, cli_plain(),
	       eventlog_format_name(v->run.format), v->run.events);
	for (size_t i = 0; i < v->run.nalgs; i++)
		printf(" %s%s", eventlog_alg_name(v->run.algs[i].alg, alg),
		       digest_computable(v->run.algs[i].alg) ? "" : " (not replayable)");
	if (v->run.startup_locality >= 0)
		printf(", startup locality %d", v->run.startup_locality);
	if (v->run.hcrtm)
		printf(", H-CRTM");
	if (v->run.tail_bytes > 0)
		printf(", %zu bytes after the last record", v->run.tail_bytes);
	printf("\nproof: %s=%s the digest is of the data  %s?%s of something else, the data are a "
	       "hint  %s!%s contradiction  - not measured\n",
	       cli_green(), cli_plain(), cli_yellow(), cli_plain(), cli_red(), cli_plain());
}

static void
show_register(const struct eventlog_view *v, uint32_t pcr)
{
	char hex[HEX_MAX], alg[8];

	for (size_t i = 0; i < v->run.pcrs.count; i++) {
		const struct pcr_bank *b = &v->run.pcrs.bank[i];

		if ((b->mask >> pcr & 1) != 0)
			printf("  %s %u: %s %s\n", v->cc ? "register" : "PCR", pcr,
			       eventlog_alg_name(b->alg, alg),
			       hex_of(digest_span(&b->value[pcr]), hex));
	}
}

static void
show_by_pcr(const struct eventlog_view *v)
{
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (v->run.extends[pcr] == 0)
			continue;
		printf("\n%s%s %u%s, %u measurements\n", cli_bold(), v->cc ? "register" : "PCR",
		       pcr, cli_plain(), v->run.extends[pcr]);
		show_events(v, pcr);
		show_register(v, pcr);
	}
}

static void
show_facts(const struct boot_facts *f)
{
	char hex[HEX_MAX];

	printf("\nSecure Boot: %s", boot_flag_name(f->secure_boot));
	if (f->dbx.present)
		printf("; dbx has %u entries", f->dbx.counts.entries);
	if (f->db.present)
		printf("; db has %u certificates", f->db.counts.certificates);
	printf("\nkernel command line (%s): %s\n", boot_provenance_name(f->cmdline.provenance),
	       f->cmdline.text[0] ? f->cmdline.text
	       : f->cmdline.count ? "only its digest was measured"
				  : "not measured");
	if (f->initrd.count > 0)
		printf("initrd: %s (event %u)\n", hex_of(digest_span(&f->initrd.digest), hex),
		       f->initrd.event);
	else
		printf("initrd: not measured\n");
	printf("separators: %s; end of boot services: %s; option ROMs: %u; images: %u\n",
	       f->complete ? "complete" : "not complete",
	       f->exit_boot_services == BOOT_EXIT_DONE	   ? "logged"
	       : f->exit_boot_services == BOOT_EXIT_FAILED ? "failed"
							   : "not logged",
	       f->option_roms, f->nimages);
}

static void
show_findings(const struct boot_facts *f)
{
	for (size_t i = 0; i < f->nfindings; i++) {
		const struct boot_finding *n = &f->findings[i];

		printf("%s%s%s: %s", cli_red(), boot_finding_word(n->code), cli_plain(),
		       boot_finding_text(n->code));
		if (n->event != BOOT_NO_EVENT)
			printf(" (event %u)", n->event);
		if (n->pcr >= 0)
			printf(" (PCR %d)", n->pcr);
		if (n->seen[0])
			printf("; seen: %s", n->seen);
		if (n->expected[0])
			printf("; expected: %s", n->expected);
		printf("\n");
	}
	if (f->more_findings)
		printf("and more findings\n");
}

void
eventlog_show(const struct eventlog_view *v, uint32_t pcr, bool by_pcr)
{
	show_header(v);
	if (by_pcr) {
		show_by_pcr(v);
	} else {
		printf("\nevent PCR  proof and meaning\n");
		show_events(v, pcr);
		printf("\n");
		for (uint32_t i = 0; i < PCR_COUNT; i++)
			if (pcr == EVENTLOG_VIEW_ALL || pcr == i)
				show_register(v, i);
	}
	if (v->has_facts) {
		show_facts(&v->facts);
		show_findings(&v->facts);
	}
}

/* ---- comparisons --------------------------------------------------------- */

void
eventlog_show_pcr_check(const struct eventlog_pcr_check *c)
{
	const size_t kept = sizeof c->differs / sizeof c->differs[0];
	char seen[HEX_MAX], expected[HEX_MAX], alg[8];

	for (size_t i = 0; i < c->differ && i < kept; i++)
		printf("%s%s PCR %u differs%s: the log leads to %s, the list has %s\n", cli_red(),
		       eventlog_alg_name(c->differs[i].alg, alg), c->differs[i].pcr, cli_plain(),
		       c->differs[i].seen.alg == ALG_NONE
			       ? "nothing"
			       : hex_of(digest_span(&c->differs[i].seen), seen),
		       hex_of(digest_span(&c->differs[i].expected), expected));
	printf("PCR values: %u equal, %u different, %u without events in this log\n", c->equal,
	       c->differ, c->not_logged);
	if (c->refused)
		printf("%s%s%s\n", cli_red(), c->refused, cli_plain());
}

static void
show_entry(const struct bootdiff_entry *e)
{
	char hex[HEX_MAX];

	printf("  PCR %u", e->pcr);
	if (e->event != BOOT_NO_EVENT)
		printf(", event %u", e->event);
	printf(": %s%s\n", e->text, e->per_device ? " (differs between good devices)" : "");
	if (e->seen.alg != ALG_NONE)
		printf("%s    seen:     %s\n              %s%s\n", cli_dim(), e->seen_text,
		       hex_of(digest_span(&e->seen), hex), cli_plain());
	if (e->expected.alg != ALG_NONE)
		printf("%s    expected: %s\n              %s%s\n", cli_dim(), e->expected_text,
		       hex_of(digest_span(&e->expected), hex), cli_plain());
}

/* What a comparison cannot tell, because this boot did not measure it. */
static void
show_uncovered(const struct eventlog_view *v)
{
	if (!v->has_facts)
		return;
	if (v->facts.initrd.count == 0)
		printf("not measured in %s: initrd\n", v->path);
	if (v->facts.cmdline.count == 0)
		printf("not measured in %s: kernel command line\n", v->path);
}

void
eventlog_show_diff(const struct bootdiff *d, const struct eventlog_view *v,
		   const struct eventlog_view *other)
{
	bool weaker = digest_size(d->bank) < digest_size(v->facts.bank);
	char alg[8];

	if (d->equal)
		printf("no difference in what %s and %s measured\n", v->path, other->path);
	else
		printf("%s%s%s%s%s\n", cli_bold(), d->headline, cli_plain(),
		       weaker ? ", in bank " : "", weaker ? eventlog_alg_name(d->bank, alg) : "");
	for (size_t i = 0; i < d->n; i++)
		show_entry(&d->entries[i]);
	if (d->more)
		printf("  and more differences\n");
	show_uncovered(v);
	if (v->has_facts)
		show_findings(&v->facts);
}
