/* tpmattr.c: see tpmattr.h. */
#include "tpmattr.h"

#include "text.h"
#include "x509_internal.h"

#include <string.h>

#define DIRECTORY_NAME (DER_CONTEXT | 4)

struct found {
	struct span manufacturer, model, version;
};

static struct span *
slot_of(struct found *f, struct span oid)
{
	if (DER_OID_IS(oid, "\x67\x81\x05\x02\x01"))
		return &f->manufacturer;
	if (DER_OID_IS(oid, "\x67\x81\x05\x02\x02"))
		return &f->model;
	if (DER_OID_IS(oid, "\x67\x81\x05\x02\x03"))
		return &f->version;
	return NULL;
}

static enum assay_err
scan_name(struct span name, struct found *f)
{
	struct x509_attribute a;
	struct x509_name_walk w;

	x509_walk_init(&w, name);
	while (x509_walk_next(&w, &a)) {
		struct span *slot = slot_of(f, a.oid);

		if (!slot)
			continue;
		if (slot->n > 0)
			return ASSAY_DUPLICATE;
		if (!x509_is_text(a.tag) || a.value.n == 0)
			return ASSAY_MALFORMED;
		*slot = a.value;
	}
	return rd_finish(&w.name);
}

static unsigned
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

static uint32_t
vendor_id(const char *text)
{
	uint32_t id = 0;

	if (strlen(text) != 11 || strncmp(text, "id:", 3) != 0)
		return 0;
	for (const char *p = text + 3; *p; p++) {
		if (hex_digit(*p) > 15)
			return 0;
		id = id << 4 | hex_digit(*p);
	}
	return id;
}

enum assay_err
tpmattr_parse(struct span san, struct tpmattr *ret)
{
	struct found f = {0};
	struct reader r;

	rd_init(&r, san);
	while (rd_left(&r) > 0) {
		uint8_t tag;
		struct span name = der_any(&r, &tag, NULL);
		enum assay_err e = tag == DIRECTORY_NAME ? scan_name(name, &f) : ASSAY_OK;

		if (e != ASSAY_OK)
			return e;
	}
	if (rd_finish(&r) != ASSAY_OK)
		return r.err;
	if (f.manufacturer.n == 0 || f.model.n == 0 || f.version.n == 0)
		return ASSAY_MISSING;
	text_escape(f.manufacturer, ret->manufacturer, sizeof ret->manufacturer);
	text_escape(f.model, ret->model, sizeof ret->model);
	text_escape(f.version, ret->version, sizeof ret->version);
	ret->vendor_id = vendor_id(ret->manufacturer);
	return ASSAY_OK;
}

/* TCG TPM Vendor ID Registry, Family 1.2 and 2.0, version 1.07; the last group are
 * in use and not registered. */
static const struct vendor {
	uint32_t id;
	const char *name;
} vendors[] = {
	{0x414D4400, "AMD"},
	{0x414E5400, "Ant Group"},
	{0x41544D4C, "Atmel"},
	{0x4252434D, "Broadcom"},
	{0x4353434F, "Cisco"},
	{0x464C5953, "Flyslice Technologies"},
	{0x474F4F47, "Google"},
	{0x48495349, "Huawei"},
	{0x48504500, "HPE"},
	{0x48504900, "HP Inc."},
	{0x49424D00, "IBM"},
	{0x49465800, "Infineon"},
	{0x494E5443, "Intel"},
	{0x4C454E00, "Lenovo"},
	{0x4D534654, "Microsoft"},
	{0x4E534700, "NSING"},
	{0x4E534D20, "National Semiconductor"},
	{0x4E544300, "Nuvoton Technology"},
	{0x4E545A00, "Nationz"},
	{0x51434F4D, "Qualcomm"},
	{0x524F4343, "Fuzhou Rockchip"},
	{0x53454345, "SecEdge"},
	{0x5345414C, "Wisekey"},
	{0x534D5343, "SMSC"},
	{0x534D534E, "Samsung"},
	{0x534E5300, "Sinosun"},
	{0x53544D20, "STMicroelectronics"},
	{0x54584E00, "Texas Instruments"},
	{0x57454300, "Winbond"},
	{0x00001014, "IBM (software TPM)"},
	{0x414D5A4E, "Amazon"},
	{0x43524F53, "Google (Cr50)"},
	{0x564D5700, "VMware"},
	{0x564D5752, "VMware"},
};

const char *
tpmattr_vendor_name(uint32_t vendor_id)
{
	for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++)
		if (vendors[i].id == vendor_id)
			return vendors[i].name;
	return NULL;
}

static bool
names_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(text, *words))
			return true;
	return false;
}

bool
tpmattr_is_virtual(const struct tpmattr *a, const char *issuer)
{
	static const char *const models[] = {"vTPM", "swtpm", "virtual", "simulator",
					     "VMware", "Nitro", "xCG fTPM", NULL};
	static const char *const issuers[] = {"swtpm", "virtual TPM", "vTPM", "cloud_host",
					      "Google Cloud", "Aliyun", "vsphere", "VMware",
					      NULL};
	static const char *const chips[] = {"Pluton", NULL};

	switch (a->vendor_id) {
	case 0x00001014: /* libtpms and IBM's simulator */
	case 0x564D5700: /* VMware */
	case 0x564D5752:
	case 0x414D5A4E: /* Nitro */
		return true;
	case 0x4D534654: /* Hyper-V, unless it is the processor that Microsoft designed */
		return !names_one_of(a->model, chips) && !names_one_of(issuer, chips);
	default:
		return names_one_of(a->model, models) || names_one_of(issuer, issuers);
	}
}
