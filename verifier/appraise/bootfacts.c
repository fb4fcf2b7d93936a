/* bootfacts.c: see bootfacts.h. */
#include "bootfacts.h"

#include "boottext.h"
#include "bootwatch.h"
#include "devicepath.h"
#include "text.h"

#include <string.h>

#define OVMF_PEI_VOLUME 0x820000u /* where QEMU's firmware lies in memory, not in flash */
#define OVMF_PEI_VOLUME_SEV 0x830000u
#define OVMF_DXE_VOLUME 0x900000u

static const struct {
	const char *word, *text;
	enum boot_finding_kind kind;
} findings[BOOTFIND_COUNT] = {
#define X(code, word, kind, text) {word, text, BOOT_KIND_##kind},
	BOOT_FINDINGS(X)
#undef X
};

const char *
boot_finding_word(enum boot_finding_code c)
{
	return c < BOOTFIND_COUNT ? findings[c].word : findings[BOOTFIND_NONE].word;
}

const char *
boot_finding_text(enum boot_finding_code c)
{
	return c < BOOTFIND_COUNT ? findings[c].text : findings[BOOTFIND_NONE].text;
}

enum boot_finding_kind
boot_finding_kind(enum boot_finding_code c)
{
	return c < BOOTFIND_COUNT ? findings[c].kind : BOOT_KIND_DATA;
}

const char *
boot_flag_name(enum boot_flag f)
{
	static const char *const names[] = {"missing", "off", "on", "contradictory"};

	return f <= BOOT_FLAG_CONTRADICTORY ? names[f] : names[0];
}

const char *
boot_provenance_name(enum boot_provenance p)
{
	static const char *const names[] = {"unknown", "hint", "text", "proved"};

	return p <= BOOT_BY_PROOF ? names[p] : names[0];
}

/* ---- banks --------------------------------------------------------------- */

static bool
is_all_zero(struct span s)
{
	struct reader r;
	uint8_t all = 0;

	rd_init(&r, s);
	while (rd_left(&r) > 0)
		all |= rd_u8(&r);
	return all == 0;
}

static bool
is_measured_in(struct eventlog l, uint16_t alg)
{
	struct event ev;

	while (eventlog_next(&l, &ev))
		if (ev.type != EV_NO_ACTION && !is_all_zero(event_digest_in(&ev, alg)))
			return true;
	return false;
}

/* Of the banks that can be replayed; one that only the header names counts least. */
static uint16_t
strongest(const struct eventlog *l)
{
	uint16_t best = ALG_NONE, unused = ALG_NONE;

	for (size_t i = 0; i < l->nalgs; i++) {
		uint16_t alg = l->algs[i].alg;

		if (!digest_computable(alg))
			continue;
		if (digest_size(alg) > digest_size(unused))
			unused = alg;
		if (digest_size(alg) > digest_size(best) && is_measured_in(*l, alg))
			best = alg;
	}
	return best != ALG_NONE ? best : unused;
}

static bool
has_bank(const struct eventlog *l, uint16_t bank)
{
	for (size_t i = 0; i < l->nalgs; i++)
		if (l->algs[i].alg == bank)
			return true;
	return false;
}

/* What each bank covers. A bank of which all digests are zeros is an empty one. */
static void
count_banks(struct boot_facts *f, const struct event *ev)
{
	if (ev->type == EV_NO_ACTION)
		return;
	for (size_t i = 0; i < f->nbanks; i++) {
		struct span d = event_digest_in(ev, f->banks[i].alg);

		if (d.n == 0)
			f->banks[i].unmeasured++;
		else if ((f->banks[i].extended >> ev->pcr & 1) == 0 && !is_all_zero(d))
			f->banks[i].extended |= 1u << ev->pcr;
	}
}

static void
conclude_banks(struct boot_facts *f)
{
	for (size_t i = 0; i < f->nbanks; i++) {
		const struct boot_bank *b = &f->banks[i];
		const char *name = digest_name(b->alg);

		if (b->extended == 0)
			boot_add_finding(f, BOOTFIND_EMPTY_BANK, NULL, name);
		else if (b->alg == f->bank && b->unmeasured > 0)
			boot_add_finding(f, BOOTFIND_UNMEASURED, NULL, name);
		else if (!b->computable)
			boot_add_finding(f, BOOTFIND_NOT_COMPUTABLE, NULL, name);
		else
			continue;
		if (!f->more_findings)
			text_format(f->findings[f->nfindings - 1].seen, BOOT_TEXT_MAX,
				    "%u events without a digest in it", b->unmeasured);
	}
}

/* ---- one event ----------------------------------------------------------- */

static void
note_data(struct boot_facts *f, const struct bootevent *ev)
{
	if (ev->status == BOOTEVENT_PROVED)
		f->nproved++;
	else if (ev->status == BOOTEVENT_HINT)
		f->nhints++;
	else if (ev->status == BOOTEVENT_CONTRADICTION)
		f->ncontradictions++;
	if (ev->banks_disagree)
		boot_add_finding(f, BOOTFIND_BANKS_DISAGREE, ev, "the same data in every bank");
	else if (ev->malformed)
		boot_add_finding(f, BOOTFIND_MALFORMED, ev, bootevent_type_name(ev->type));
	else if (ev->status == BOOTEVENT_CONTRADICTION)
		boot_add_finding(f, BOOTFIND_CONTRADICTION, ev, "data that the digest is of");
	if (ev->unnamed)
		boot_add_finding(f, BOOTFIND_UNNAMED, ev,
				 "a digest over the name, or BootOrder to give it");
	if (ev->unexplained)
		boot_add_finding(f, BOOTFIND_UNEXPLAINED, ev, "the text that was measured");
	if (ev->disputed)
		boot_add_finding(f, BOOTFIND_DISPUTED, ev, "the words of the command");
	if (ev->misplaced)
		boot_add_finding(f, BOOTFIND_MISPLACED, ev, bootevent_type_name(ev->type));
}

static void
take_digest(const struct boot_facts *f, const struct bootevent *ev, struct digest *ret)
{
	if (digest_from(f->bank, ev->digest, ret) != ASSAY_OK)
		*ret = (struct digest){0};
}

static void
note_image(struct boot_facts *f, const struct bootevent *ev, uint32_t authority)
{
	struct boot_image *i;

	if (f->nimages++ >= BOOT_IMAGES_MAX)
		return;
	i = &f->images[f->nimages - 1];
	i->event = ev->index;
	i->pcr = ev->pcr;
	i->authority = authority;
	take_digest(f, ev, &i->digest);
	if (ev->form == BOOTFORM_IMAGE)
		(void)devicepath_text(ev->image.path, i->path, sizeof i->path, NULL);
	else if (ev->form == BOOTFORM_WIDE)
		text_escape_utf16(ev->text, i->path, sizeof i->path);
	else
		text_escape(ev->text, i->path, sizeof i->path);
}

static bool
has_text(const struct bootevent *ev)
{
	return (ev->form == BOOTFORM_TEXT && ev->type == EV_IPL) ||
	       (ev->form == BOOTFORM_WIDE && ev->cover == BOOTCOVER_ALL);
}

/* GRUB measures nothing that tells a command line from a command, but the command
 * itself, with its first word. */
static enum boot_provenance
cmdline_provenance(const struct bootevent *ev)
{
	if (ev->status != BOOTEVENT_PROVED)
		return BOOT_BY_HINT;
	if (ev->corroborated)
		return BOOT_BY_PROOF;
	return ev->form == BOOTFORM_WIDE ? BOOT_BY_TEXT : BOOT_BY_HINT;
}

/*
 * A text says more than a digest alone. The kernel's EFI stub measures the load
 * options that it was given: where they are the text that systemd-boot measured,
 * that text is the command line and not only a text.
 */
static void
note_cmdline(struct boot_facts *f, const struct bootevent *ev)
{
	struct boot_cmdline *c = &f->cmdline;
	struct digest d;

	if (ev->cover == BOOTCOVER_NAME)
		return;
	take_digest(f, ev, &d);
	if (!has_text(ev) && c->text[0] != '\0') {
		if (digest_equal(&d, &c->digest) && c->provenance == BOOT_BY_TEXT)
			c->provenance = BOOT_BY_PROOF;
		return;
	}
	c->count++;
	c->event = ev->index;
	c->digest = d;
	c->provenance = cmdline_provenance(ev);
	c->text[0] = '\0';
	if (!has_text(ev))
		return;
	if (ev->form == BOOTFORM_WIDE)
		text_escape_utf16(ev->text, c->text, sizeof c->text);
	else
		text_escape(ev->text, c->text, sizeof c->text);
	c->truncated = strlen(c->text) + 8 >= sizeof c->text;
}

static void
note_initrd(struct boot_facts *f, const struct bootevent *ev)
{
	if (ev->cover == BOOTCOVER_NAME)
		return;
	f->initrd.count++;
	f->initrd.event = ev->index;
	take_digest(f, ev, &f->initrd.digest);
}

static void
note_debugger(struct boot_facts *f, const struct bootevent *ev)
{
	if (ev->status != BOOTEVENT_PROVED)
		return;
	if (span_equal(ev->text, SPAN("UEFI Debug Mode", 15)))
		f->debugger = BOOT_FLAG_ON;
	else
		f->dma_protection = BOOT_FLAG_OFF;
}

static bool
mentions_virtual(const char *text)
{
	static const char *const words[] = {"Virtual", "VIRTUAL", "QEMU",  "OVMF",   "KVM",
					    "VMware",  "GCE",	  "Google", "Hyper-V", "EDK II"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

static void
note_machine(struct boot_facts *f, const struct bootevent *ev)
{
	char text[BOOT_TEXT_MAX];

	if (ev->component == BOOT_MICROCODE && f->machine == BOOT_MACHINE_UNKNOWN)
		f->machine = BOOT_MACHINE_PHYSICAL;
	if (ev->form == BOOTFORM_BLOB && (ev->blob.base == OVMF_PEI_VOLUME ||
					  ev->blob.base == OVMF_PEI_VOLUME_SEV ||
					  ev->blob.base == OVMF_DXE_VOLUME))
		f->machine = BOOT_MACHINE_VIRTUAL;
	if (ev->component != BOOT_FIRMWARE_VERSION && ev->component != BOOT_LOG &&
	    ev->type != EV_NONHOST_INFO)
		return;
	bootevent_text(ev, text, sizeof text);
	if (mentions_virtual(text))
		f->machine = BOOT_MACHINE_VIRTUAL;
}

static void
note_version(struct boot_facts *f, const struct bootevent *ev)
{
	if (f->firmware_version[0] != '\0')
		return;
	bootevent_text(ev, f->firmware_version, sizeof f->firmware_version);
	f->firmware_version_proved = ev->status == BOOTEVENT_PROVED;
}

static void
note_component(struct boot_facts *f, const struct bootevent *ev, uint32_t *authority)
{
	switch (ev->component) {
	case BOOT_AUTHORITY:
	case BOOT_MOK:
		if (ev->type == EV_EFI_VARIABLE_AUTHORITY)
			*authority = ev->index;
		break;
	case BOOT_BOOT_IMAGE:
		note_image(f, ev, *authority);
		break;
	case BOOT_KERNEL:
		if (ev->cover != BOOTCOVER_NAME)
			note_image(f, ev, *authority);
		break;
	case BOOT_KERNEL_CMDLINE:
		note_cmdline(f, ev);
		break;
	case BOOT_GRUB_COMMAND: /* a kernel loaded later has another command line */
		if (ev->loads_kernel && f->cmdline.count > 0)
			f->cmdline.provenance = BOOT_BY_HINT;
		break;
	case BOOT_INITRD:
		note_initrd(f, ev);
		break;
	case BOOT_OPTION_ROM:
		f->option_roms++;
		break;
	case BOOT_DEBUGGER:
		note_debugger(f, ev);
		break;
	case BOOT_FIRMWARE_VERSION:
		note_version(f, ev);
		break;
	default:
		break;
	}
}

/* ---- the whole log ------------------------------------------------------- */

static enum assay_err
begin(struct span log, bool cc, struct eventlog *l, struct boot_facts *f)
{
	enum assay_err e = eventlog_open(log, cc, l);

	if (e != ASSAY_OK)
		return e;
	if (f->bank == ALG_NONE)
		f->bank = strongest(l);
	if (!has_bank(l, f->bank))
		return ASSAY_MISSING;
	f->format = l->format;
	f->nbanks = l->nalgs;
	for (size_t i = 0; i < l->nalgs; i++) {
		f->banks[i].alg = l->algs[i].alg;
		f->banks[i].computable = digest_computable(l->algs[i].alg);
	}
	f->secure_boot_event = BOOT_NO_EVENT;
	f->cmdline.event = BOOT_NO_EVENT;
	f->initrd.event = BOOT_NO_EVENT;
	return ASSAY_OK;
}

static void
gather(struct eventlog *l, struct boot_facts *f)
{
	uint32_t authority = BOOT_NO_EVENT;
	struct bootwatch watch;
	struct bootreader reader;
	struct event raw;

	bootwatch_begin(&watch, f->bank);
	bootreader_init(&reader, l->format, f->bank);
	while (eventlog_next(l, &raw)) {
		struct bootevent ev;

		bootevent_read(&reader, &raw, &ev);
		f->events++;
		count_banks(f, &raw);
		note_machine(f, &ev);
		if (ev.status != BOOTEVENT_NOT_MEASURED) {
			note_data(f, &ev);
			note_component(f, &ev, &authority);
		}
		bootwatch_event(&watch, f, &ev);
	}
	bootwatch_end(&watch, f);
	conclude_banks(f);
	f->tail_bytes = l->tail_bytes;
}

/* A tail that is neither padding nor what Windows adds: too short to be a record. */
static void
check_tail(const struct eventlog *l, struct boot_facts *f)
{
	struct reader r = l->in;

	if (l->tail_bytes == 0)
		return;
	for (int i = 0; i < 4 && rd_left(&r) > 0; i++) {
		uint8_t b = rd_u8(&r);

		if (b != 0 && b != 0xFF) {
			boot_add_finding(f, BOOTFIND_TAIL, NULL, "padding");
			return;
		}
	}
}

enum assay_err
bootfacts_read(struct span log, bool cc, uint16_t bank, struct boot_facts *ret)
{
	struct eventlog l;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	ret->bank = bank;
	if ((e = begin(log, cc, &l, ret)) != ASSAY_OK)
		return e;
	gather(&l, ret);
	if ((e = eventlog_finish(&l)) != ASSAY_OK) {
		memset(ret, 0, sizeof *ret);
		ret->bank = bank;
		return e;
	}
	check_tail(&l, ret);
	return ASSAY_OK;
}
