/* efidata.c: see efidata.h. */
#include "efidata.h"

#include "efivar.h"

#define LOAD_OPTION_ACTIVE 0x00000001u
#define LOAD_OPTION_HIDDEN 0x00000008u
#define GPT_HEADER_SKIP 56 /* up to the disk's GUID: UEFI 2.10, table 5.5 */
#define GPT_ENTRY_MIN 128
#define GPT_ENTRY_MAX 4096
#define GPT_NAME_SIZE 72

static enum assay_err
malformed_unless_ok(const struct reader *r)
{
	return r->err == ASSAY_OK ? ASSAY_OK : ASSAY_MALFORMED;
}

enum assay_err
efi_image_parse(struct span in, struct efi_image *ret)
{
	struct efi_image i;
	struct reader r;
	uint64_t size;

	rd_init(&r, in);
	i.address = rd_le64(&r);
	i.length = rd_le64(&r);
	(void)rd_le64(&r); /* link time address */
	size = rd_le64(&r);
	if (size > rd_left(&r))
		rd_fail(&r, ASSAY_MALFORMED);
	i.path = rd_bytes(&r, (size_t)size);
	if (r.err == ASSAY_OK)
		*ret = i;
	return malformed_unless_ok(&r);
}

enum assay_err
efi_load_option_parse(struct span in, struct efi_load_option *ret)
{
	struct efi_load_option o;
	struct reader r;
	uint32_t attributes;
	uint16_t path;

	rd_init(&r, in);
	attributes = rd_le32(&r);
	o.active = (attributes & LOAD_OPTION_ACTIVE) != 0;
	o.hidden = (attributes & LOAD_OPTION_HIDDEN) != 0;
	path = rd_le16(&r);
	{
		struct reader peek = r;

		o.description = utf16_until_nul(rd_rest(&peek));
	}
	(void)rd_bytes(&r, o.description.n);
	if (rd_le16(&r) != 0)
		rd_fail(&r, ASSAY_MALFORMED);
	o.path = rd_bytes(&r, path);
	o.optional = rd_rest(&r);
	if (r.err == ASSAY_OK)
		*ret = o;
	return malformed_unless_ok(&r);
}

enum assay_err
efi_gpt_parse(struct span in, struct efi_gpt *ret)
{
	struct efi_gpt g;
	struct reader r;
	uint64_t n;

	rd_init(&r, in);
	if (!span_equal(rd_bytes(&r, 8), SPAN("EFI PART", 8)))
		rd_fail(&r, ASSAY_MALFORMED);
	(void)rd_bytes(&r, GPT_HEADER_SKIP - 8);
	g.disk = rd_bytes(&r, EFI_GUID_SIZE);
	(void)rd_le64(&r); /* where the entries are */
	(void)rd_le32(&r); /* how many slots */
	g.entry_size = rd_le32(&r);
	(void)rd_le32(&r); /* checksum */
	n = rd_le64(&r);
	if (g.entry_size < GPT_ENTRY_MIN || g.entry_size > GPT_ENTRY_MAX ||
	    n > EFI_GPT_PARTITIONS_MAX || n * g.entry_size > rd_left(&r))
		rd_fail(&r, ASSAY_MALFORMED);
	g.npartitions = (uint32_t)n;
	rd_init(&g.entries, rd_bytes(&r, (size_t)(n * g.entry_size)));
	if (r.err == ASSAY_OK)
		*ret = g;
	return malformed_unless_ok(&r);
}

bool
efi_gpt_next(struct efi_gpt *g, struct efi_partition *ret)
{
	struct reader r;

	if (rd_left(&g->entries) == 0)
		return false;
	rd_init(&r, rd_bytes(&g->entries, g->entry_size));
	ret->type = rd_bytes(&r, EFI_GUID_SIZE);
	ret->unique = rd_bytes(&r, EFI_GUID_SIZE);
	ret->first = rd_le64(&r);
	ret->last = rd_le64(&r);
	(void)rd_le64(&r); /* attributes */
	ret->name = utf16_until_nul(rd_bytes(&r, GPT_NAME_SIZE));
	return r.err == ASSAY_OK;
}

static enum assay_err
blob_parse(struct span in, bool described, struct efi_blob *ret)
{
	struct efi_blob b = {0};
	struct reader r;

	rd_init(&r, in);
	if (described)
		b.description = rd_bytes(&r, rd_u8(&r));
	b.base = rd_le64(&r);
	b.length = rd_le64(&r);
	if (r.err == ASSAY_OK)
		*ret = b;
	return malformed_unless_ok(&r);
}

enum assay_err
efi_blob_parse(struct span in, struct efi_blob *ret)
{
	return blob_parse(in, false, ret);
}

enum assay_err
efi_blob2_parse(struct span in, struct efi_blob *ret)
{
	return blob_parse(in, true, ret);
}

static enum assay_err
tables_parse(struct span in, bool described, struct efi_tables *ret)
{
	struct efi_tables t = {0};
	struct reader r;

	rd_init(&r, in);
	if (described)
		t.description = rd_bytes(&r, rd_u8(&r));
	t.count = rd_le64(&r);
	if (t.count > 0)
		t.first = rd_bytes(&r, EFI_GUID_SIZE);
	if (r.err == ASSAY_OK)
		*ret = t;
	return malformed_unless_ok(&r);
}

enum assay_err
efi_tables_parse(struct span in, struct efi_tables *ret)
{
	return tables_parse(in, false, ret);
}

enum assay_err
efi_tables2_parse(struct span in, struct efi_tables *ret)
{
	return tables_parse(in, true, ret);
}
