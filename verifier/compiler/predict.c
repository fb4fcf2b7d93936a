/* predict.c: what images, kernels and unified kernel images will measure; see predict.h. */
#include "predict.h"

#include "verifier/appraise/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const uint16_t predict_banks[PREDICT_BANKS] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};

const char *
predict_kind_word(enum predict_kind k)
{
	static const char *const words[] = {
#define X(code, word) word,
		PREDICT_KINDS(X)
#undef X
	};

	return (unsigned)k < PREDICT_KIND_COUNT ? words[k] : "unknown";
}

enum assay_err
predict_fail(struct predict *p, enum assay_err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof p->why, fmt, ap);
	va_end(ap);
	return e;
}

static struct predict_event *
next_event(struct predict *p, uint32_t pcr, enum predict_kind k, const char *text)
{
	struct predict_event *ev;

	if (p->count == PREDICT_EVENTS_MAX)
		return NULL;
	ev = &p->event[p->count];
	*ev = (struct predict_event){.pcr = pcr, .kind = k};
	text_escape(SPAN(text, strlen(text)), ev->text, sizeof ev->text);
	return ev;
}

enum assay_err
predict_add(struct predict *p, uint32_t pcr, enum predict_kind k, const char *text,
	    struct span bytes)
{
	struct predict_event *ev = next_event(p, pcr, k, text);
	enum assay_err e;

	if (!ev)
		return predict_fail(p, ASSAY_FULL, "more than %d events", PREDICT_EVENTS_MAX);
	for (unsigned i = 0; i < PREDICT_BANKS; i++)
		if ((e = digest_compute(predict_banks[i], bytes, &ev->digest[i])) != ASSAY_OK)
			return e;
	p->count++;
	return ASSAY_OK;
}

/* PCR 4: images are measured by their Authenticode digest. */
static enum assay_err
add_pe(struct predict *p, enum predict_kind k, const char *text, const struct pe *pe)
{
	struct predict_event *ev = next_event(p, 4, k, text);
	enum assay_err e;

	if (!ev)
		return predict_fail(p, ASSAY_FULL, "more than %d events", PREDICT_EVENTS_MAX);
	for (unsigned i = 0; i < PREDICT_BANKS; i++)
		if ((e = pe_authenticode(pe, predict_banks[i], &ev->digest[i])) != ASSAY_OK)
			return predict_fail(p, e, "%s: cannot be measured: %s", text,
					    assay_err_text(e));
	p->count++;
	return ASSAY_OK;
}

enum assay_err
predict_add_image(struct predict *p, enum predict_kind k, const char *text, struct span file)
{
	struct pe pe;
	enum assay_err e = pe_open(file, &pe);

	if (e != ASSAY_OK)
		return predict_fail(p, e, "%s: no EFI image: %s", text, assay_err_text(e));
	return add_pe(p, k, text, &pe);
}

enum assay_err
predict_image(struct span file, struct predict *ret)
{
	return predict_add_image(ret, PREDICT_IMAGE, "image", file);
}

/* ---- Linux' EFI stub ---- */

/* UTF-16LE with its NUL: load options. ASCII only, as nothing says how others are read. */
static enum assay_err
wide(struct predict *p, struct span text, uint8_t ret[2 * PREDICT_CMDLINE_MAX + 2], size_t *ret_len)
{
	if (text.n > PREDICT_CMDLINE_MAX)
		return predict_fail(p, ASSAY_TOO_LARGE, "the command line is over %d characters",
				    PREDICT_CMDLINE_MAX);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == 0 || text.p[i] > 0x7E)
			return predict_fail(p, ASSAY_UNSUPPORTED, "the command line has a "
					    "character that is not ASCII, at %zu", i);
		ret[2 * i] = text.p[i];
		ret[2 * i + 1] = 0;
	}
	ret[2 * text.n] = ret[2 * text.n + 1] = 0;
	*ret_len = 2 * text.n + 2;
	return ASSAY_OK;
}

static enum assay_err
add_options(struct predict *p, uint32_t pcr, enum predict_kind k, struct span options)
{
	static uint8_t text[2 * PREDICT_CMDLINE_MAX + 2];
	char shown[PREDICT_TEXT_MAX];
	enum assay_err e;
	size_t n = 0;

	if ((e = wide(p, options, text, &n)) != ASSAY_OK)
		return e;
	text_escape(options, shown, sizeof shown);
	return predict_add(p, pcr, k, shown, SPAN(text, n));
}

enum assay_err
predict_linux(const struct predict_linux *in, struct predict *ret)
{
	struct span options = SPAN(in->options, strlen(in->options));
	enum assay_err e = predict_add_image(ret, PREDICT_KERNEL, "kernel", in->kernel);

	if (e == ASSAY_OK && in->systemd_boot)
		e = add_options(ret, 12, PREDICT_CMDLINE, options);
	if (e == ASSAY_OK)
		e = add_options(ret, 9, PREDICT_OPTIONS, options);
	if (e == ASSAY_OK && in->initrd.p)
		e = predict_add(ret, 9, PREDICT_INITRD, "initrd", in->initrd);
	return e;
}

/* ---- unified kernel images ---- */

/* systemd's stub: UnifiedSection, in the order in which it measures, and since which
 * version. Section .pcrsig signs what the others lead to and is not measured. */
static const struct uki_section {
	const char *name;
	unsigned since;
} uki_sections[] = {
	{".linux", 252},  {".osrel", 252}, {".cmdline", 252}, {".initrd", 252}, {".ucode", 256},
	{".splash", 252}, {".dtb", 252},   {".uname", 254},   {".sbat", 254},	{".pcrpkey", 252},
};
#define STUB_FIRST 252

/* Such a section decides at boot what is measured. */
static const char *const uki_unforeseen[] = {".profile", ".dtbauto", ".hwids", ".efifw"};

static enum assay_err
add_section(struct predict *p, const struct pe_section *s)
{
	struct predict_event *ev;
	enum assay_err e;

	e = predict_add(p, 11, PREDICT_SECTION_NAME, s->name, SPAN(s->name, strlen(s->name) + 1));
	if (e != ASSAY_OK)
		return e;
	ev = next_event(p, 11, PREDICT_SECTION, s->name);
	if (!ev)
		return predict_fail(p, ASSAY_FULL, "more than %d events", PREDICT_EVENTS_MAX);
	for (unsigned i = 0; i < PREDICT_BANKS; i++)
		if ((e = pe_section_digest(s, predict_banks[i], &ev->digest[i])) != ASSAY_OK)
			return predict_fail(p, e, "section %s: cannot be measured: %s", s->name,
					    assay_err_text(e));
	p->count++;
	return ASSAY_OK;
}

static struct span
shown(const struct pe_section *s)
{
	return SPAN(s->raw.p, s->virtual_size < s->raw.n ? s->virtual_size : s->raw.n);
}

/* "#### LoaderInfo: systemd-stub 252.39-1~deb12u2 ####"; 0: none. */
static unsigned
stub_version(const struct pe *pe)
{
	static const char word[] = "systemd-stub ";
	const struct pe_section *magic = pe_find(pe, ".sdmagic");
	struct span s = magic ? shown(magic) : SPAN(NULL, 0);
	unsigned v = 0;

	for (; s.n > sizeof word; s.p++, s.n--) {
		if (memcmp(s.p, word, sizeof word - 1) != 0) /* public */
			continue;
		for (size_t i = sizeof word - 1; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			v = v < 100000 ? 10 * v + (s.p[i] - '0') : v;
		break;
	}
	return v;
}

/* Versions of the stub treat blanks at the ends and control characters differently. */
static bool
plain_cmdline(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ')
			return false;
	return s.n == 0 || (s.p[0] != ' ' && s.p[s.n - 1] != ' ');
}

/* The stub hands the command line on without what stands behind a NUL. */
static enum assay_err
add_uki_linux(struct predict *p, const struct pe *pe)
{
	const struct pe_section *cmdline = pe_find(pe, ".cmdline");
	const struct pe_section *initrd = pe_find(pe, ".initrd");
	enum assay_err e;

	e = predict_add_image(p, PREDICT_KERNEL, ".linux", shown(pe_find(pe, ".linux")));
	if (e == ASSAY_OK && cmdline && !plain_cmdline(span_until(shown(cmdline), 0)))
		return predict_fail(p, ASSAY_UNSUPPORTED,
				    "section .cmdline begins or ends in a blank or has a line end, "
				    "which versions of the stub treat differently: build the image "
				    "without");
	if (e == ASSAY_OK && cmdline)
		e = add_options(p, 9, PREDICT_OPTIONS, span_until(shown(cmdline), 0));
	if (e == ASSAY_OK && initrd)
		e = predict_add(p, 9, PREDICT_INITRD, ".initrd", shown(initrd));
	return e;
}

enum assay_err
predict_uki(struct span file, struct predict *ret)
{
	static struct pe pe;
	enum assay_err e = pe_open(file, &pe);
	unsigned version;

	if (e != ASSAY_OK)
		return predict_fail(ret, e, "no EFI image: %s", assay_err_text(e));
	if (!pe_find(&pe, ".linux"))
		return predict_fail(ret, ASSAY_BAD_TYPE,
				    "no unified kernel image: it has no section .linux");
	version = stub_version(&pe);
	if (version < STUB_FIRST)
		return predict_fail(ret, ASSAY_UNSUPPORTED, "its stub does not say that it is "
				    "systemd's of version %d or later (section .sdmagic)",
				    STUB_FIRST);
	for (size_t i = 0; i < sizeof uki_unforeseen / sizeof uki_unforeseen[0]; i++)
		if (pe_find(&pe, uki_unforeseen[i]))
			return predict_fail(ret, ASSAY_UNSUPPORTED, "what section %s leads to is "
					    "decided by the machine", uki_unforeseen[i]);
	e = add_pe(ret, PREDICT_IMAGE, "unified kernel image", &pe);
	for (size_t i = 0; e == ASSAY_OK && i < sizeof uki_sections / sizeof uki_sections[0]; i++) {
		const struct pe_section *s = pe_find(&pe, uki_sections[i].name);

		if (s && version >= uki_sections[i].since)
			e = add_section(ret, s);
	}
	return e == ASSAY_OK ? add_uki_linux(ret, &pe) : e;
}
