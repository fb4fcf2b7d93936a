/* fuzz_bootevent.c: any bytes as a log whose events are read for what they mean, as they
 * are and as if their data had been measured; the log compared with itself, in words; and
 * any data as lists of revocations. */
#include "verifier/appraise/bootdiff.h"
#include "verifier/appraise/boottext.h"
#include "verifier/appraise/dbxback.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_text(const struct bootevent *ev)
{
	char text[BOOTTEXT_MAX], small[64];

	bootevent_text(ev, text, sizeof text);
	bootevent_text(ev, small, sizeof small);
	for (const char *c = text; *c; c++)
		if (*c < 0x20 || *c > 0x7E)
			abort();
	if (strlen(text) >= sizeof text || strlen(small) >= sizeof small ||
	    boottext_component(SPAN(text, strlen(text))) != ev->component)
		abort();
}

/* Proved: what only a machine that measures such data could make us read. */
static void
read_measured(struct bootreader *reader, struct event *ev)
{
	static const uint8_t nothing;
	struct efivar v;
	struct span of = ev->data;
	struct digest d;
	struct bootevent meaning;

	if (ev->index % 2 != 0 && efivar_parse(ev->data, &v) == ASSAY_OK)
		of = v.data;
	if (digest_compute(ALG_SHA256, of.n > 0 ? of : SPAN(&nothing, 0), &d) != ASSAY_OK)
		abort();
	ev->ndigests = 1;
	ev->digests[0] = (struct event_digest){ALG_SHA256, digest_span(&d)};
	bootevent_read(reader, ev, &meaning);
	check_text(&meaning);
}

/* What is lost against itself is nothing, against nothing all that is there. */
static void
lose_entries(struct span data)
{
	static struct dbx_entry room[EFISIG_ENTRIES_MAX + 1];
	struct dbx_loss loss;
	uint32_t n = dbxback_count(data);

	if (n > EFISIG_ENTRIES_MAX + 1)
		abort();
	dbxback_compare(data, data, room, &loss);
	if (loss.lost != 0 || loss.before != n || loss.now != n)
		abort();
	dbxback_compare(data, SPAN(data.p, data.n / 2), room, &loss);
	if (loss.lost > n)
		abort();
	dbxback_compare(data, SPAN(NULL, 0), room, &loss);
	if ((loss.lost == 0) != (n == 0))
		abort();
}

static void
read_events(struct span log, bool cc)
{
	struct bootreader as_is, measured;
	struct eventlog l;
	struct event ev;

	if (eventlog_open(log, cc, &l) != ASSAY_OK)
		return;
	bootreader_init(&as_is, l.format, ALG_NONE);
	bootreader_init(&measured, l.format, ALG_SHA256);
	while (eventlog_next(&l, &ev)) {
		struct bootevent meaning;

		bootevent_read(&as_is, &ev, &meaning);
		check_text(&meaning);
		read_measured(&measured, &ev);
		if (meaning.form == BOOTFORM_VARIABLE)
			lose_entries(meaning.var.data);
	}
}

static struct boot_ref_event references[BOOTDIFF_EVENTS_MAX];
static char descriptions[BOOTDIFF_EVENTS_MAX][BOOTTEXT_MAX];
static size_t nreferences;

static void
keep(const struct boot_ref_event *ev, void *arg)
{
	char *text = descriptions[nreferences];

	(void)arg;
	memcpy(text, ev->description.p, ev->description.n);
	references[nreferences] = *ev;
	references[nreferences++].description = SPAN(text, ev->description.n);
}

static void
check_words(const struct bootdiff *d)
{
	for (size_t i = 0; i < d->n; i++)
		for (const char *c = d->entries[i].text; *c; c++)
			if (*c < 0x20 || *c > 0x7E)
				abort();
}

static void
compare_with_itself(struct span log, uint16_t bank)
{
	static struct bootdiff_work work;
	static struct bootdiff diff;
	struct bootdiff_input in = {.log = log, .bank = bank, .pcr_mask = 0xFFFFFF};

	nreferences = 0;
	if (bootdiff_capture(&in, keep, NULL) != ASSAY_OK)
		return;
	in.reference = references;
	in.nreference = nreferences;
	if (bootdiff_compare(&in, &work, &diff) != ASSAY_OK || !diff.equal)
		abort();
	if (nreferences == 0)
		return;
	for (size_t i = 0; i < nreferences; i += 3)
		references[i].digest.b[0] ^= 1;
	if (bootdiff_compare(&in, &work, &diff) != ASSAY_OK || diff.equal || diff.n == 0)
		abort();
	check_words(&diff);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct boot_facts facts;
	struct span log = SPAN(p, n);
	bool cc = bootfacts_read(log, false, ALG_NONE, &facts) == ASSAY_BAD_TYPE;

	if (bootfacts_read(log, cc, ALG_NONE, &facts) == ASSAY_OK && !cc)
		compare_with_itself(log, facts.bank);
	read_events(log, cc);
	return 0;
}
