/* boottext.c: see boottext.h. */
#include "boottext.h"

#include "devicepath.h"
#include "efisig.h"
#include "evidence/hex.h"
#include "loadertext.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATES_SHOWN 6
#define PARTITIONS_SHOWN 8
#define BYTES_SHOWN 16
#define PATH_TEXT_MAX 400

struct line {
	char *p;
	size_t cap, len;
	bool full;
};

/* What is added later must not hide that something was cut. */
static void
cut(struct line *l)
{
	l->full = true;
	if (l->len + 4 > l->cap)
		l->len = l->cap - 4;
	memcpy(l->p + l->len, "...", 4);
	l->len += 3;
}

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->full)
		return;
	va_start(ap, fmt);
	n = vsnprintf(l->p + l->len, l->cap - l->len, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < l->cap - l->len)
		l->len += (size_t)n;
	else
		cut(l);
}

/* What text_escape() and text_escape_utf16() need as room. */
#define ESCAPE_ROOM 8

static void
add_escaped(struct line *l, struct span text, void (*escape)(struct span, char *, size_t))
{
	if (l->full || text.n == 0)
		return;
	if (l->cap - l->len < ESCAPE_ROOM) {
		cut(l);
		return;
	}
	escape(text, l->p + l->len, l->cap - l->len);
	l->len += strlen(l->p + l->len);
	l->full = l->len + ESCAPE_ROOM > l->cap && strcmp(l->p + l->len - 3, "...") == 0;
}

static void
add_ascii(struct line *l, struct span text)
{
	add_escaped(l, text, text_escape);
}

static void
add_wide(struct line *l, struct span text)
{
	add_escaped(l, text, text_escape_utf16);
}

static void
add_path(struct line *l, struct span path)
{
	char t[PATH_TEXT_MAX];

	if (devicepath_text(path, t, sizeof t, NULL) != ASSAY_OK)
		add(l, "%s (malformed)", t);
	else
		add(l, "%s", t);
}

static bool
is_printable(struct span s)
{
	struct reader r;

	rd_init(&r, s);
	while (rd_left(&r) > 0) {
		uint8_t c = rd_u8(&r);

		if (c < 0x20 || c > 0x7E)
			return false;
	}
	return s.n > 0;
}

/* Bytes of which nothing more is known: text if they look so, else a few in hex. */
static void
add_bytes(struct line *l, struct span data)
{
	struct span text = ascii_until_nul(data);
	char hex[2 * BYTES_SHOWN + 1];
	struct reader r;

	if (data.n == 0) {
		add(l, "no data");
		return;
	}
	if (is_printable(text) && text.n + 2 >= data.n) {
		add_ascii(l, text);
		return;
	}
	rd_init(&r, data);
	if (hex_encode(rd_bytes(&r, data.n < BYTES_SHOWN ? data.n : BYTES_SHOWN), hex,
		       sizeof hex) == ASSAY_OK)
		add(l, "%zu bytes %s%s", data.n, hex, data.n > BYTES_SHOWN ? "..." : "");
}

/* ---- variables ----------------------------------------------------------- */

static void
add_certificate(struct line *l, struct span certificate)
{
	char subject[EFISIG_SUBJECT_MAX];

	efisig_subject(certificate, subject, sizeof subject);
	add(l, "%s", subject[0] != '\0' ? subject : "unreadable certificate");
}

static void
add_signatures(struct line *l, struct span data)
{
	struct efisig_counts c;
	struct efisigs s;
	struct efisig sig;
	unsigned shown = 0;

	if (data.n == 0) {
		add(l, "empty");
		return;
	}
	if (efisig_count(data, &c) != ASSAY_OK) {
		add(l, "malformed, %zu bytes", data.n);
		return;
	}
	add(l, "%u %s, %u %s", c.entries, c.entries == 1 ? "entry" : "entries", c.certificates,
	    c.certificates == 1 ? "certificate" : "certificates");
	efisigs_init(&s, data);
	while (shown < CERTIFICATES_SHOWN && efisigs_next(&s, &sig)) {
		if (sig.kind != EFISIG_X509)
			continue;
		add(l, shown++ == 0 ? " (" : "; ");
		add_certificate(l, sig.data);
	}
	if (shown > 0)
		add(l, c.certificates > shown ? "; ...)" : ")");
}

static void
add_flag(struct line *l, const struct efivar *v, const char *on, const char *off)
{
	int flag = efivar_flag(v);

	if (flag >= 0)
		add(l, "%s", flag ? on : off);
	else if (v->data.n == 0)
		add(l, "empty");
	else
		add_bytes(l, v->data);
}

static void
add_boot_order(struct line *l, struct span data)
{
	const char *separator = "";
	struct reader r;

	rd_init(&r, data);
	while (rd_left(&r) >= 2) {
		add(l, "%s%04X", separator, rd_le16(&r));
		separator = ", ";
	}
	if (rd_finish(&r) != ASSAY_OK)
		add(l, " (malformed)");
}

static void
add_load_option(struct line *l, const struct efivar *v)
{
	struct efi_load_option o;

	add(l, "%s%04X ", v->id == EFIVAR_BOOT_ENTRY ? "Boot" : "Driver", v->number);
	if (efi_load_option_parse(v->data, &o) != ASSAY_OK) {
		add(l, "(malformed)");
		return;
	}
	add(l, "\"");
	add_wide(l, o.description);
	add(l, "\"%s: ", o.active ? "" : " (inactive)");
	add_path(l, o.path);
	if (o.optional.n > 0)
		add(l, ", %zu bytes of arguments", o.optional.n);
}

static void
add_other_variable(struct line *l, const struct efivar *v)
{
	char guid[EFI_GUID_TEXT];

	efi_guid_text(v->guid, guid);
	add_wide(l, v->name);
	add(l, " (%s), ", guid);
	add_bytes(l, v->data);
}

static void
add_variable(struct line *l, const struct efivar *v)
{
	switch (v->id) {
	case EFIVAR_SECURE_BOOT:
		add_flag(l, v, "enabled", "disabled");
		break;
	case EFIVAR_SETUP_MODE:
	case EFIVAR_AUDIT_MODE:
	case EFIVAR_DEPLOYED_MODE:
		add_wide(l, v->name);
		add_flag(l, v, " on", " off");
		break;
	case EFIVAR_PK:
	case EFIVAR_KEK:
	case EFIVAR_DB:
	case EFIVAR_DBX:
	case EFIVAR_DBR:
	case EFIVAR_DBT:
		add_signatures(l, v->data);
		break;
	case EFIVAR_BOOT_ORDER:
	case EFIVAR_BOOT_NEXT:
	case EFIVAR_DRIVER_ORDER:
		add_boot_order(l, v->data);
		break;
	case EFIVAR_BOOT_ENTRY:
	case EFIVAR_DRIVER_ENTRY:
		add_load_option(l, v);
		break;
	default:
		add_other_variable(l, v);
		break;
	}
}

/* Lines of comma-separated values. */
static void
add_sbat(struct line *l, struct span data)
{
	struct reader r;

	rd_init(&r, data);
	while (rd_left(&r) > 0) {
		char c = (char)rd_u8(&r);

		if (c == '\n')
			add(l, "%s", rd_left(&r) > 0 ? "; " : "");
		else if (c >= 0x20 && c <= 0x7E)
			add(l, "%c", c);
		else
			add(l, "\\x%02x", (uint8_t)c);
	}
}

static void
add_authority(struct line *l, const struct efivar *v)
{
	struct span certificate = efisig_authority_certificate(v->data);

	add_wide(l, v->name);
	add(l, ": ");
	if (v->id == EFIVAR_SBAT_LEVEL)
		add_sbat(l, v->data);
	else if (certificate.n > 0)
		add_certificate(l, certificate);
	else
		add_bytes(l, v->data);
}

/* ---- other forms --------------------------------------------------------- */

static void
add_image(struct line *l, const struct bootevent *ev)
{
	if (ev->image.path.n == 0)
		add(l, "from memory, without device path");
	else
		add_path(l, ev->image.path);
}

static void
add_gpt(struct line *l, struct span data)
{
	struct efi_gpt g;
	struct efi_partition p;
	char guid[EFI_GUID_TEXT];
	unsigned shown = 0;

	if (efi_gpt_parse(data, &g) != ASSAY_OK) {
		add(l, "malformed");
		return;
	}
	efi_guid_text(g.disk, guid);
	add(l, "disk %s, %u partition%s", guid, g.npartitions, g.npartitions == 1 ? "" : "s");
	while (shown < PARTITIONS_SHOWN && efi_gpt_next(&g, &p)) {
		add(l, shown++ == 0 ? ": \"" : ", \"");
		add_wide(l, p.name);
		add(l, "\"");
	}
	if (g.npartitions > shown)
		add(l, "...");
}

static void
add_blob(struct line *l, const struct bootevent *ev)
{
	if (ev->blob.description.n > 0) {
		add_ascii(l, ascii_until_nul(ev->blob.description));
		add(l, " ");
	}
	add(l, "at 0x%llx, %llu bytes", (unsigned long long)ev->blob.base,
	    (unsigned long long)ev->blob.length);
}

static const char *
table_name(struct span guid)
{
	static const struct {
		uint8_t guid[EFI_GUID_SIZE];
		const char *name;
	} tables[] = {
		{{0x31, 0x2D, 0x9D, 0xEB, 0x88, 0x2D, 0xD3, 0x11, 0x9A, 0x16, 0x00, 0x90, 0x27,
		  0x3F, 0xC1, 0x4D}, "SMBIOS"},
		{{0x44, 0x15, 0xFD, 0xF2, 0x94, 0x97, 0x2C, 0x4A, 0x99, 0x2E, 0xE5, 0xBB, 0xCF,
		  0x20, 0xE3, 0x94}, "SMBIOS 3"},
		{{0x71, 0xE8, 0x68, 0x88, 0xF1, 0xE4, 0xD3, 0x11, 0xBC, 0x22, 0x00, 0x80, 0xC7,
		  0x3C, 0x88, 0x81}, "ACPI"},
		{{0xAF, 0x96, 0xBB, 0x93, 0xF2, 0xB9, 0xB8, 0x4E, 0x94, 0x62, 0xE0, 0xBA, 0x74,
		  0x56, 0x42, 0x36}, "TDX"},
	};

	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		if (span_equal(guid, SPAN(tables[i].guid, EFI_GUID_SIZE)))
			return tables[i].name;
	return NULL;
}

static void
add_tables(struct line *l, const struct bootevent *ev)
{
	enum assay_err e;
	struct efi_tables t;
	char guid[EFI_GUID_TEXT];
	const char *name;

	e = ev->type == EV_EFI_HANDOFF_TABLES2 ? efi_tables2_parse(ev->data, &t)
					       : efi_tables_parse(ev->data, &t);
	if (e != ASSAY_OK || t.count == 0) {
		add_bytes(l, ev->data);
		return;
	}
	efi_guid_text(t.first, guid);
	name = table_name(t.first);
	if (t.description.n > 0) {
		add_ascii(l, ascii_until_nul(t.description));
		add(l, " ");
	}
	add(l, "%s", name ? name : guid);
	if (t.count > 1)
		add(l, " and %llu more", (unsigned long long)(t.count - 1));
}

static void
add_text(struct line *l, const struct bootevent *ev)
{
	if (ev->form == BOOTFORM_WIDE)
		add_wide(l, ev->text);
	else
		add_ascii(l, ev->text);
	if (ev->form == BOOTFORM_WIDE && ev->cover == BOOTCOVER_NAME)
		add(l, " (name of the section)");
	else if (ev->form == BOOTFORM_WIDE && ev->status == BOOTEVENT_HINT)
		add(l, " (content of the section)");
}

static void
add_tag(struct line *l, const struct bootevent *ev)
{
	const char *name = loadertext_tag_name(ev->tag);

	if (name)
		add(l, "%s", name);
	else
		add(l, "tag 0x%08x", ev->tag);
	if (ev->component == BOOT_INITRD || ev->component == BOOT_KERNEL_CMDLINE)
		return;
	add(l, ", ");
	add_bytes(l, ev->text);
}

static void
add_separator(struct line *l, const struct bootevent *ev)
{
	if (ev->cover == BOOTCOVER_ERROR || ev->separator == 1) {
		add(l, "firmware error, ");
		add_bytes(l, ev->data);
	} else if (ev->data.n == 4 && (ev->separator == 0 || ev->separator == UINT32_MAX)) {
		add(l, "%08X", ev->separator);
	} else {
		add_bytes(l, ev->data);
	}
}

/* SP 800-155 reference manifests: PFP 1.06, 10.4.5.2. */
static void
add_manifest(struct line *l, struct reader *r)
{
	uint32_t vendor = rd_le32(r);
	struct span guid = rd_bytes(r, EFI_GUID_SIZE);
	char text[EFI_GUID_TEXT];

	add(l, "reference manifest");
	if (guid.n == EFI_GUID_SIZE) {
		efi_guid_text(guid, text);
		add(l, " %s of vendor %u", text, vendor);
	}
	for (int i = 0; i < 3 && rd_left(r) > 0; i++) { /* manufacturer, model, version */
		add(l, i == 0 ? ": " : ", ");
		add_ascii(l, ascii_until_nul(rd_bytes(r, rd_u8(r))));
	}
}

/* Events of PFP 1.06, 10.4.5, that have a name and are read no deeper. */
static bool
add_named(struct line *l, struct span name, struct span rest)
{
	static const struct {
		const char *name, *text;
	} all[] = {
		{"H-CRTM CompMeas", "component measured by the H-CRTM"},
		{"NvIndexInstance", "device measured into an NV index"},
		{"NvIndexDynamic", "device measured into an NV index, dynamic"},
		{"NvIndexDynamic ", "device measured into an NV index, dynamic"},
		{"Spec ID Event00", "TCG log of TCG EFI 1.20"},
		{"Spec ID Event02", "TCG log of TCG EFI 1.22"},
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (!span_equal(name, SPAN(all[i].name, strlen(all[i].name))))
			continue;
		add(l, "%s, %zu bytes", all[i].text, rest.n);
		return true;
	}
	return false;
}

static void
add_log_information(struct line *l, struct span data)
{
	struct reader r;
	struct span name;

	rd_init(&r, data);
	name = ascii_until_nul(rd_bytes(&r, 16));
	if (span_equal(name, SPAN("StartupLocality", 15))) {
		add(l, "startup locality %u", rd_u8(&r));
	} else if (span_equal(name, SPAN("Spec ID Event03", 15))) {
		uint8_t minor, major, errata;

		(void)rd_le32(&r); /* platform class */
		minor = rd_u8(&r);
		major = rd_u8(&r);
		errata = rd_u8(&r);
		add(l, "TCG log version %u.%u.%u", major, minor, errata);
	} else if (span_equal(name, SPAN("SP800-155 Event", 15)) ||
		   span_equal(name, SPAN("SP800-155 Event2", 16)) ||
		   span_equal(name, SPAN("SP800-155 Event3", 16))) {
		add_manifest(l, &r);
	} else if (!add_named(l, name, rd_rest(&r))) {
		add_bytes(l, data);
	}
}

/* Versions are UTF-16 text, a GUID or bytes. */
static void
add_version(struct line *l, struct span data)
{
	struct span text = utf16_until_nul(data);
	struct reader r;
	bool wide = text.n >= 2;
	char guid[EFI_GUID_TEXT];

	rd_init(&r, text);
	while (rd_left(&r) >= 2) {
		uint16_t c = rd_le16(&r);

		wide = wide && c >= 0x20 && c <= 0x7E;
	}
	if (wide && text.n + 2 >= data.n) {
		add_wide(l, text);
	} else if (data.n == EFI_GUID_SIZE) {
		efi_guid_text(data, guid);
		add(l, "%s", guid);
	} else if (text.n == 0) {
		add(l, "empty");
	} else {
		add_bytes(l, data);
	}
}

static void
add_data(struct line *l, const struct bootevent *ev)
{
	switch (ev->form) {
	case BOOTFORM_VARIABLE:
		if (ev->type == EV_EFI_VARIABLE_AUTHORITY)
			add_authority(l, &ev->var);
		else
			add_variable(l, &ev->var);
		return;
	case BOOTFORM_IMAGE:
		add_image(l, ev);
		return;
	case BOOTFORM_GPT:
		add_gpt(l, ev->data);
		return;
	case BOOTFORM_BLOB:
		add_blob(l, ev);
		return;
	case BOOTFORM_TABLES:
		add_tables(l, ev);
		return;
	case BOOTFORM_TEXT:
	case BOOTFORM_WIDE:
		add_text(l, ev);
		return;
	case BOOTFORM_SEPARATOR:
		add_separator(l, ev);
		return;
	case BOOTFORM_TAG:
		add_tag(l, ev);
		return;
	default:
		break;
	}
	if (ev->component == BOOT_LOG)
		add_log_information(l, ev->data);
	else if (ev->component == BOOT_FIRMWARE_VERSION)
		add_version(l, ev->data);
	else
		add_bytes(l, ev->data);
}

void
bootevent_text(const struct bootevent *ev, char *ret, size_t cap)
{
	struct line l = {ret, cap, 0, false};

	ret[0] = '\0';
	add(&l, "%s: ", boot_component_text(ev->component));
	add_data(&l, ev);
	if (ev->malformed)
		add(&l, " (malformed)");
}

enum boot_component
boottext_component(struct span line)
{
	for (int c = 0; c < BOOT_COMPONENT_COUNT; c++) {
		const char *text = boot_component_text((enum boot_component)c);
		size_t n = strlen(text);
		struct reader r;

		rd_init(&r, line);
		if (span_equal(rd_bytes(&r, n), SPAN(text, n)) && rd_u8(&r) == ':' &&
		    r.err == ASSAY_OK)
			return (enum boot_component)c;
	}
	return BOOT_OTHER;
}
