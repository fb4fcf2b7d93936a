/* loadertext.c: see loadertext.h. */
#include "loadertext.h"

#define GRUB_COMMAND_PCR 8
#define STUB_SECTION_PCR 11
#define STUB_CONFIG_PCR 12
#define CC_LOADER_REGISTER 3 /* RTMR[2] */

static bool
starts_with(struct span text, const char *prefix, struct span *ret_rest)
{
	struct reader r;

	rd_init(&r, text);
	while (*prefix != '\0')
		if (rd_left(&r) == 0 || rd_u8(&r) != (uint8_t)*prefix++)
			return false;
	*ret_rest = rd_rest(&r);
	return true;
}

static bool
is(struct span text, const char *word)
{
	struct span rest;

	return starts_with(text, word, &rest) && rest.n == 0;
}

static bool
ends_with(struct span text, struct span end)
{
	struct reader r;

	if (end.n == 0 || end.n > text.n)
		return false;
	rd_init(&r, text);
	(void)rd_bytes(&r, text.n - end.n);
	return span_equal(rd_rest(&r), end);
}

struct span
text_word(struct span text, struct span *ret_rest)
{
	struct span word = span_until(text, ' ');
	struct reader r, next;

	rd_init(&r, text);
	(void)rd_bytes(&r, word.n);
	for (next = r; rd_left(&next) > 0 && rd_u8(&next) == ' ';)
		r = next;
	*ret_rest = rd_rest(&r);
	return word;
}

/* UTF-16LE text as loaders log it: printable ASCII with zero bytes between. */
static bool
looks_wide(struct span s)
{
	struct reader r;

	rd_init(&r, s);
	for (int i = 0; i < 2 && rd_left(&r) >= 2; i++) {
		uint16_t c = rd_le16(&r);

		if (c < 0x20 || c > 0x7E)
			return false;
	}
	return s.n >= 4;
}

/* ---- EV_IPL -------------------------------------------------------------- */

static const struct loader_prefix {
	const char *text;
	enum boot_component component;
} prefixes[] = {
	{"grub_cmd: ", BOOT_GRUB_COMMAND},
	{"grub_cmd ", BOOT_GRUB_COMMAND},
	{"kernel_cmdline: ", BOOT_KERNEL_CMDLINE},
	{"kernel_cmdline ", BOOT_KERNEL_CMDLINE},
	{"grub_kernel_cmdline ", BOOT_KERNEL_CMDLINE},
	{"module_cmdline: ", BOOT_GRUB_COMMAND},
	{"module_cmdline ", BOOT_GRUB_COMMAND},
	{"grub_module_cmdline ", BOOT_GRUB_COMMAND},
};

static const struct loader_name {
	const char *text;
	enum boot_component component;
} names[] = {
	{"MokList", BOOT_MOK},
	{"MokListX", BOOT_MOK},
	{"MokListTrusted", BOOT_MOK},
	{"MokListRT", BOOT_MOK},
	{"MokListXRT", BOOT_MOK},
	{"SbatLevel", BOOT_SBAT},
	{"grub_linuxefi Kernel", BOOT_KERNEL},
	{"grub_linux Kernel", BOOT_KERNEL},
	{"grub_linuxefi Initrd", BOOT_INITRD},
	{"grub_initrd Initrd", BOOT_INITRD},
};

/* Text behind a prefix: with or without its terminating zero, by version (L16). */
static bool
take_prefixed(struct bootevent *ev, struct bootproof *ret)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		struct span rest;

		if (!starts_with(ev->data, prefixes[i].text, &rest))
			continue;
		ev->component = prefixes[i].component;
		ev->form = BOOTFORM_TEXT;
		ev->text = ascii_until_nul(rest);
		bootproof_add(ret, ev->text, 0, BOOTCOVER_TEXT);
		bootproof_add(ret, ev->text, 1, BOOTCOVER_TEXT);
		return true;
	}
	return false;
}

static bool
take_name(struct bootevent *ev)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (is(ev->text, names[i].text)) {
			ev->component = names[i].component;
			return true;
		}
	}
	return false;
}

static bool
is_one_of(struct span words, struct span file)
{
	while (words.n > 0) {
		struct span word = text_word(words, &words);

		if (ends_with(file, word))
			return true;
	}
	return false;
}

/* A file that GRUB read: what it is, its commands said before. */
static enum boot_component
file_component(const struct bootreader *r, struct span file)
{
	if (is_one_of(r->kernel, file))
		return BOOT_KERNEL;
	if (is_one_of(r->initrds, file))
		return BOOT_INITRD;
	if (is_one_of(r->config, file) || ends_with(file, SPAN(".cfg", 4)) ||
	    ends_with(file, SPAN(".conf", 5)))
		return BOOT_GRUB_CONFIG;
	if (ends_with(file, SPAN("grubenv", 7)))
		return BOOT_GRUB_CONFIG;
	return BOOT_GRUB_FILE;
}

static bool
is_path(struct span text)
{
	struct span rest;

	return starts_with(text, "/", &rest) || starts_with(text, "(", &rest);
}

/* systemd-stub: the name of a section in ASCII with its zero, logged in UTF-16. */
static void
add_section_name(const struct bootevent *ev, struct bootproof *ret)
{
	struct reader r;
	size_t n = 0;

	rd_init(&r, ev->text);
	while (rd_left(&r) >= 2 && n < BOOTPROOF_NARROW_MAX)
		ret->narrow[n++] = (uint8_t)rd_le16(&r);
	bootproof_add(ret, SPAN(ret->narrow, n), 1, BOOTCOVER_NAME);
}

static const struct section {
	const char *name;
	enum boot_component component;
} sections[] = {
	{".linux", BOOT_KERNEL},   {".cmdline", BOOT_KERNEL_CMDLINE}, {".initrd", BOOT_INITRD},
	{".ucode", BOOT_MICROCODE}, {".dtb", BOOT_DEVICE_TREE},
};

static enum boot_component
section_component(struct span name)
{
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
		if (utf16_is(name, sections[i].name))
			return sections[i].component;
	return BOOT_UKI_SECTION;
}

static bool
is_section(const struct bootreader *r, const struct bootevent *ev)
{
	struct reader in;
	uint32_t pcr = r->format == EVENTLOG_CC ? CC_LOADER_REGISTER : STUB_SECTION_PCR;

	rd_init(&in, ev->text);
	return ev->pcr == pcr && rd_le16(&in) == '.';
}

/*
 * UTF-16: a section of a unified kernel image, whose name and content are two
 * events with the same data, or a command line as measured (old versions cut the
 * last byte off).
 */
static void
take_wide(const struct bootreader *r, struct bootevent *ev, struct bootproof *ret)
{
	ev->form = BOOTFORM_WIDE;
	ev->text = utf16_until_nul(ev->data);
	if (is_section(r, ev)) {
		ev->component = section_component(ev->text);
		add_section_name(ev, ret);
		return;
	}
	ev->component = BOOT_KERNEL_CMDLINE;
	bootproof_add(ret, ev->data, 0, BOOTCOVER_ALL);
	if (ev->data.n % 2 != 0)
		bootproof_add(ret, ev->data, 1, BOOTCOVER_ALL);
}

void
loadertext_ipl(const struct bootreader *r, struct bootevent *ev, struct bootproof *ret)
{
	if (take_prefixed(ev, ret))
		return;
	if (looks_wide(ev->data)) {
		take_wide(r, ev, ret);
		return;
	}
	ev->form = BOOTFORM_TEXT;
	ev->text = ascii_until_nul(ev->data);
	if (take_name(ev))
		return; /* the name of a content that is not logged */
	if (is_path(ev->text)) {
		ev->component = file_component(r, ev->text);
		return;
	}
	bootproof_add(ret, ev->data, 0, BOOTCOVER_ALL);
	bootproof_add(ret, ev->text, 0, BOOTCOVER_TEXT);
}

/* ---- EV_EVENT_TAG -------------------------------------------------------- */

/* Linux: include/linux/efi.h and drivers/firmware/efi/libstub; systemd: tpm2-pcr.h;
 * Windows: wbcl.h of the SDK. */
static const struct tag {
	uint32_t tag;
	enum boot_component component;
	bool independent; /* its digest is of something that is not logged */
	const char *name;
} tags[] = {
	{0x8F3B22EC, BOOT_INITRD, true, "Linux initrd"},
	{0x8F3B22ED, BOOT_KERNEL_CMDLINE, true, "Linux load options"},
	{0xF5BC582A, BOOT_LOADER_CONFIG, true, "systemd loader.conf"},
	{0x6C46F751, BOOT_DEVICE_TREE, true, "systemd device tree addon"},
	{0x49DFFE0F, BOOT_INITRD, true, "systemd initrd addon"},
	{0xDAC08E1A, BOOT_MICROCODE, true, "systemd microcode addon"},
	{0x13AED6DB, BOOT_UKI_SECTION, true, "systemd unified kernel image profile"},
	{0x4141454C, BOOT_OTHER, false, "attestation agent event"},
	{0x00060002, BOOT_WINDOWS, false, "Windows authority public key"},
	{0x40010001, BOOT_WINDOWS, false, "Windows trust boundary"},
	{0x40010002, BOOT_WINDOWS, false, "Windows early-launch anti-malware"},
	{0x40010003, BOOT_WINDOWS, false, "Windows loaded module"},
	{0x40010005, BOOT_WINDOWS, false, "Windows KSR aggregation"},
	{0xC0010004, BOOT_WINDOWS, false, "Windows trust point"},
};

static const struct tag *
tag_find(uint32_t tag)
{
	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (tags[i].tag == tag)
			return &tags[i];
	return NULL;
}

const char *
loadertext_tag_name(uint32_t tag)
{
	const struct tag *t = tag_find(tag);

	return t ? t->name : NULL;
}

void
loadertext_tag(struct bootevent *ev, struct bootproof *ret, bool *ret_must)
{
	const struct tag *t;
	struct reader r;
	uint32_t size;

	bootproof_add(ret, ev->data, 0, BOOTCOVER_ALL);
	rd_init(&r, ev->data);
	ev->tag = rd_le32(&r);
	size = rd_le32(&r);
	ev->text = rd_bytes(&r, size);
	if (rd_finish(&r) != ASSAY_OK) { /* some log the bare text */
		ev->tag = 0;
		ev->form = BOOTFORM_TEXT;
		ev->text = ascii_until_nul(ev->data);
		if (is(ev->text, "LOADED_IMAGE::LoadOptions"))
			ev->component = BOOT_KERNEL_CMDLINE;
		else if (is(ev->text, "Linux initrd"))
			ev->component = BOOT_INITRD;
		else
			ev->malformed = true;
		*ret_must = false;
		return;
	}
	ev->form = BOOTFORM_TAG;
	t = tag_find(ev->tag);
	ev->component = t ? t->component : BOOT_OTHER;
	*ret_must = !t || !t->independent;
}

/* ---- what follows from it ------------------------------------------------ */

static const struct grub_word {
	const char *text;
	enum { GRUB_KERNEL, GRUB_INITRD, GRUB_CONFIG } what;
} grub_words[] = {
	{"linux", GRUB_KERNEL},	      {"linuxefi", GRUB_KERNEL},
	{"linux16", GRUB_KERNEL},     {"multiboot", GRUB_KERNEL},
	{"multiboot2", GRUB_KERNEL},  {"xen_hypervisor", GRUB_KERNEL},
	{"chainloader", GRUB_KERNEL}, {"initrd", GRUB_INITRD},
	{"initrdefi", GRUB_INITRD},   {"initrd16", GRUB_INITRD},
	{"configfile", GRUB_CONFIG},  {"source", GRUB_CONFIG},
	{"normal", GRUB_CONFIG},      {".", GRUB_CONFIG},
};

static void
note_grub_command(struct bootreader *r, struct bootevent *ev)
{
	struct span rest, word = text_word(ev->text, &rest), after;

	for (size_t i = 0; i < sizeof grub_words / sizeof grub_words[0]; i++) {
		if (!is(word, grub_words[i].text))
			continue;
		if (grub_words[i].what == GRUB_INITRD) {
			r->initrds = rest;
		} else if (grub_words[i].what == GRUB_CONFIG) {
			r->config = rest;
		} else {
			r->kernel = text_word(rest, &after);
			r->linux_line = rest;
			r->linux_proved = ev->status == BOOTEVENT_PROVED;
			ev->loads_kernel = r->linux_proved;
		}
	}
}

/* The next byte that is not one of GRUB's marks around words with spaces; -1: none. */
static int
next_plain(struct reader *r)
{
	while (rd_left(r) > 0) {
		uint8_t c = rd_u8(r);

		if (c != '"' && c != '\'' && c != '\\')
			return c;
	}
	return -1;
}

/* GRUB quotes in the command line what it does not quote in the command. */
static bool
same_words(struct span a, struct span b)
{
	struct reader x, y;
	int c;

	rd_init(&x, a);
	rd_init(&y, b);
	do {
		c = next_plain(&x);
		if (c != next_plain(&y))
			return false;
	} while (c >= 0);
	return true;
}

static void
note_section(struct bootreader *r, struct bootevent *ev)
{
	if (ev->cover == BOOTCOVER_NAME) {
		r->section = ev->data;
		return;
	}
	ev->corroborated = r->section.n != 0 && span_equal(r->section, ev->data);
	if (!ev->corroborated) /* a content whose name was never measured */
		ev->unexplained = true;
	r->section = (struct span){NULL, 0};
}

/* Everything that GRUB measures into PCR 8 is text that is logged; what systemd
 * measures into PCR 12, and UTF-16 text elsewhere, is a command line, or says which
 * initrd systemd made and measured. Of a measurement register, which is many PCRs, this
 * holds for what is neither a file nor one of the known names. */
static void
note_hint(const struct bootreader *r, struct bootevent *ev)
{
	bool text_pcr = r->format == EVENTLOG_CC
				? ev->pcr == CC_LOADER_REGISTER && ev->component == BOOT_OTHER
				: ev->pcr == GRUB_COMMAND_PCR || ev->pcr == STUB_CONFIG_PCR;

	if (ev->form == BOOTFORM_WIDE && ends_with(ev->text, SPAN("i\0n\0i\0t\0r\0d\0", 12)))
		ev->component = BOOT_INITRD;
	else
		ev->unexplained = text_pcr || ev->form == BOOTFORM_WIDE;
}

void
loadertext_note(struct bootreader *r, struct bootevent *ev)
{
	if (ev->form == BOOTFORM_WIDE && is_section(r, ev)) {
		note_section(r, ev);
		return;
	}
	if (ev->form != BOOTFORM_TEXT && ev->form != BOOTFORM_WIDE)
		return;
	if (ev->type == EV_IPL && ev->status == BOOTEVENT_HINT)
		note_hint(r, ev);
	if (ev->component == BOOT_GRUB_COMMAND)
		note_grub_command(r, ev);
	if (ev->component == BOOT_KERNEL_CMDLINE && ev->form == BOOTFORM_TEXT) {
		ev->corroborated = r->linux_proved && same_words(r->linux_line, ev->text);
		ev->disputed = r->linux_proved && !ev->corroborated;
	}
}
