/* efivar.c: see efivar.h. */
#include "efivar.h"

#include "text.h"

static const uint8_t guids[][EFI_GUID_SIZE] = {
	[EFISPACE_GLOBAL] = {0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11, 0xAA, 0x0D, 0x00, 0xE0,
			   0x98, 0x03, 0x2B, 0x8C},
	[EFISPACE_SECURITY_DB] = {0xCB, 0xB2, 0x19, 0xD7, 0x3A, 0x3D, 0x96, 0x45, 0xA3, 0xBC, 0xDA,
				0xD0, 0x0E, 0x67, 0x65, 0x6F},
	[EFISPACE_SHIM] = {0x50, 0xAB, 0x5D, 0x60, 0x46, 0xE0, 0x00, 0x43, 0xAB, 0xB6, 0x3D, 0xD8,
			 0x10, 0xDD, 0x8B, 0x23},
};

static const struct known {
	enum efivar_space space;
	const char *name;
} known[EFIVAR_COUNT] = {
#define X(id, space, name) [EFIVAR_##id] = {EFISPACE_##space, name},
	EFIVARS(X)
#undef X
};

bool
utf16_is(struct span text, const char *ascii)
{
	struct reader r;

	rd_init(&r, text);
	while (*ascii != '\0')
		if (rd_le16(&r) != (uint8_t)*ascii++)
			return false;
	return rd_finish(&r) == ASSAY_OK;
}

struct span
ascii_until_nul(struct span text)
{
	return span_until(text, 0);
}

struct span
utf16_until_nul(struct span text)
{
	struct reader r, at;
	size_t n = 0;

	rd_init(&r, text);
	at = r;
	while (rd_left(&r) >= 2 && rd_le16(&r) != 0)
		n += 2;
	return rd_bytes(&at, n);
}

static bool
in_space(const struct efivar *v, enum efivar_space space)
{
	return span_equal(v->guid, SPAN(guids[space], EFI_GUID_SIZE));
}

bool
efivar_is_global(const struct efivar *v)
{
	return in_space(v, EFISPACE_GLOBAL);
}

bool
efivar_is_shims(const struct efivar *v)
{
	return in_space(v, EFISPACE_SHIM);
}

int
efivar_flag(const struct efivar *v)
{
	struct reader r;
	uint8_t b;

	rd_init(&r, v->data);
	b = rd_u8(&r);
	return rd_finish(&r) == ASSAY_OK && b <= 1 ? b : -1;
}

/* Four upper-case hexadecimal digits and no more (UEFI 2.10, 3.1). */
static bool
read_number(struct reader *r, uint16_t *ret)
{
	uint16_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint16_t c = rd_le16(r);

		if (c >= '0' && c <= '9')
			v = (uint16_t)(v << 4 | (c - '0'));
		else if (c >= 'A' && c <= 'F')
			v = (uint16_t)(v << 4 | (c - 'A' + 10));
		else
			return false;
	}
	if (rd_finish(r) != ASSAY_OK)
		return false;
	*ret = v;
	return true;
}

static bool
is_numbered(struct span name, const char *prefix, uint16_t *ret)
{
	struct reader r;

	rd_init(&r, name);
	while (*prefix != '\0')
		if (rd_le16(&r) != (uint8_t)*prefix++)
			return false;
	return read_number(&r, ret);
}

static enum efivar_id
identify(struct efivar *v)
{
	int space = EFISPACE_GLOBAL;

	while (space <= EFISPACE_SHIM && !in_space(v, (enum efivar_space)space))
		space++;
	for (int id = EFIVAR_OTHER + 1; id < EFIVAR_BOOT_ENTRY; id++)
		if ((int)known[id].space == space && utf16_is(v->name, known[id].name))
			return (enum efivar_id)id;
	if (space != EFISPACE_GLOBAL)
		return EFIVAR_OTHER;
	if (is_numbered(v->name, "Boot", &v->number))
		return EFIVAR_BOOT_ENTRY;
	if (is_numbered(v->name, "Driver", &v->number))
		return EFIVAR_DRIVER_ENTRY;
	return EFIVAR_OTHER;
}

enum assay_err
efivar_parse(struct span in, struct efivar *ret)
{
	struct efivar v = {0};
	struct reader r;
	uint64_t name, data;

	rd_init(&r, in);
	v.guid = rd_bytes(&r, EFI_GUID_SIZE);
	name = rd_le64(&r);
	data = rd_le64(&r);
	if (name > rd_left(&r) / 2 || data > rd_left(&r) - 2 * name)
		return ASSAY_MALFORMED;
	v.name = rd_bytes(&r, 2 * (size_t)name);
	v.data = rd_bytes(&r, (size_t)data);
	v.rest = rd_rest(&r);
	if (rd_finish(&r) != ASSAY_OK)
		return ASSAY_MALFORMED;
	v.id = identify(&v);
	*ret = v;
	return ASSAY_OK;
}

void
efi_guid_text(struct span g, char ret[EFI_GUID_TEXT])
{
	struct reader r;
	uint32_t a;
	uint16_t b, c, d;
	uint64_t e;

	rd_init(&r, g);
	a = rd_le32(&r);
	b = rd_le16(&r);
	c = rd_le16(&r);
	d = rd_be16(&r);
	e = (uint64_t)rd_be16(&r) << 32;
	e |= rd_be32(&r);
	ret[0] = '\0';
	if (rd_finish(&r) == ASSAY_OK)
		text_format(ret, EFI_GUID_TEXT, "%08x-%04x-%04x-%04x-%012llx", a, b, c, d,
			    (unsigned long long)e);
}
