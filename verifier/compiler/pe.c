/* pe.c: see pe.h. Offsets are the PE format's; integers are little-endian. */
#include "pe.h"

#include <string.h>

#define DOS_HEADER 0x40
#define DOS_LFANEW 0x3C
#define COFF_HEADER 24 /* with the signature "PE\0\0" */
#define SECTION_HEADER 40
#define MAGIC_PE32 0x010B
#define MAGIC_PE32_PLUS 0x020B
#define DIRECTORIES_PE32 96
#define DIRECTORIES_PE32_PLUS 112
#define DIRECTORY_SECURITY 4
#define CHECKSUM 64
#define SIZE_OF_HEADERS 60

/* ---- reading ---- */

static uint32_t
le32_at(struct span in, size_t at)
{
	struct reader r;

	rd_init(&r, in);
	(void)rd_bytes(&r, at);
	return rd_le32(&r);
}

static void
read_section(struct reader *r, struct pe *p)
{
	struct pe_section *s = &p->section[p->nsections];
	struct span name = rd_bytes(r, 8);
	uint32_t raw_size, raw_at;

	s->virtual_size = rd_le32(r);
	(void)rd_le32(r);
	raw_size = rd_le32(r);
	raw_at = rd_le32(r);
	(void)rd_bytes(r, 16);
	if (r->err != ASSAY_OK)
		return;
	if (raw_size != 0 && (raw_at > p->file.n || raw_size > p->file.n - raw_at)) {
		rd_fail(r, ASSAY_TRUNCATED);
		return;
	}
	if (s->virtual_size > PE_BYTES_MAX) {
		rd_fail(r, ASSAY_TOO_LARGE);
		return;
	}
	memcpy(s->name, name.p, name.n);
	s->raw = raw_size ? SPAN(p->file.p + raw_at, raw_size) : SPAN(NULL, 0);
	p->nsections++;
}

/* The certificate table stands at the end of the file, or there is none. */
static enum assay_err
read_security(struct pe *p, uint32_t directories, uint32_t count)
{
	uint32_t at, size;

	p->security = directories + 8 * DIRECTORY_SECURITY;
	if (count <= DIRECTORY_SECURITY)
		return ASSAY_UNSUPPORTED;
	at = le32_at(p->file, p->security);
	size = le32_at(p->file, p->security + 4);
	if (size != 0 && (at > p->file.n || size != p->file.n - at))
		return ASSAY_MALFORMED;
	p->signatures_size = size;
	return ASSAY_OK;
}

static enum assay_err
read_optional(struct pe *p, uint32_t at, uint16_t size)
{
	uint32_t magic, directories;
	struct reader r;

	rd_init(&r, p->file);
	(void)rd_bytes(&r, at);
	magic = rd_le16(&r);
	if (r.err != ASSAY_OK || (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS))
		return ASSAY_BAD_MAGIC;
	directories = magic == MAGIC_PE32 ? DIRECTORIES_PE32 : DIRECTORIES_PE32_PLUS;
	if (size < directories + 8 * (DIRECTORY_SECURITY + 1))
		return ASSAY_UNSUPPORTED;
	p->checksum = at + CHECKSUM;
	p->headers_size = le32_at(p->file, at + SIZE_OF_HEADERS);
	if (p->headers_size > p->file.n || p->headers_size < at + size)
		return ASSAY_MALFORMED;
	return read_security(p, at + directories, le32_at(p->file, at + directories - 4));
}

enum assay_err
pe_open(struct span file, struct pe *ret)
{
	uint32_t at, sections;
	uint16_t size, count;
	struct reader r;
	enum assay_err e;
	size_t raw = 0;

	memset(ret, 0, sizeof *ret);
	ret->file = file;
	if (file.n > PE_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	if (file.n < DOS_HEADER || file.p[0] != 'M' || file.p[1] != 'Z')
		return ASSAY_BAD_MAGIC;
	at = le32_at(file, DOS_LFANEW);
	if (at > file.n || file.n - at < COFF_HEADER)
		return ASSAY_BAD_MAGIC;
	if (memcmp(file.p + at, "PE\0\0", 4) != 0) /* public */
		return ASSAY_BAD_MAGIC;
	rd_init(&r, file);
	(void)rd_bytes(&r, at + 6);
	count = rd_le16(&r);
	(void)rd_bytes(&r, 12);
	size = rd_le16(&r);
	(void)rd_le16(&r);
	if (count > PE_SECTIONS_MAX)
		return ASSAY_TOO_MANY;
	if ((e = read_optional(ret, at + COFF_HEADER, size)) != ASSAY_OK)
		return e;
	sections = at + COFF_HEADER + size;
	if (sections > ret->headers_size || ret->headers_size - sections < count * SECTION_HEADER)
		return ASSAY_MALFORMED;
	(void)rd_bytes(&r, size);
	for (unsigned i = 0; i < count; i++)
		read_section(&r, ret);
	for (unsigned i = 0; i < ret->nsections; i++)
		raw += ret->section[i].raw.n;
	if (r.err == ASSAY_OK && raw > file.n)
		return ASSAY_MALFORMED;
	return r.err;
}

const struct pe_section *
pe_find(const struct pe *p, const char *name)
{
	for (unsigned i = 0; i < p->nsections; i++)
		if (strcmp(p->section[i].name, name) == 0)
			return &p->section[i];
	return NULL;
}

/* ---- digests ---- */

static enum assay_err
hash_range(struct hasher *h, const struct pe *p, size_t from, size_t to)
{
	if (from > to || to > p->file.n)
		return ASSAY_MALFORMED;
	return hash_update(h, SPAN(p->file.p + from, to - from));
}

/* Headers, but for checksum and the entry of the certificate table. */
static enum assay_err
hash_headers(struct hasher *h, const struct pe *p)
{
	enum assay_err e;

	if ((e = hash_range(h, p, 0, p->checksum)) != ASSAY_OK ||
	    (e = hash_range(h, p, p->checksum + 4, p->security)) != ASSAY_OK)
		return e;
	return hash_range(h, p, p->security + 8, p->headers_size);
}

/* In the order in which they stand in the file. */
static void
sort_sections(const struct pe *p, const struct pe_section *ret[PE_SECTIONS_MAX])
{
	for (unsigned i = 0; i < p->nsections; i++) {
		unsigned k = i;

		for (; k > 0 && ret[k - 1]->raw.p > p->section[i].raw.p; k--)
			ret[k] = ret[k - 1];
		ret[k] = &p->section[i];
	}
}

enum assay_err
pe_authenticode(const struct pe *p, uint16_t alg, struct digest *ret)
{
	const struct pe_section *sorted[PE_SECTIONS_MAX];
	size_t hashed = p->headers_size;
	struct hasher h;
	enum assay_err e;

	if ((e = hash_init(&h, alg)) != ASSAY_OK || (e = hash_headers(&h, p)) != ASSAY_OK)
		return e;
	sort_sections(p, sorted);
	for (unsigned i = 0; i < p->nsections; i++) {
		if ((e = hash_update(&h, sorted[i]->raw)) != ASSAY_OK)
			return e;
		hashed += sorted[i]->raw.n;
	}
	/* what follows the sections, but for the signatures */
	if (p->file.n > hashed && p->file.n - hashed < p->signatures_size)
		return ASSAY_MALFORMED;
	if (p->file.n > hashed &&
	    (e = hash_range(&h, p, hashed, p->file.n - p->signatures_size)) != ASSAY_OK)
		return e;
	return hash_final(&h, ret);
}

enum assay_err
pe_section_digest(const struct pe_section *s, uint16_t alg, struct digest *ret)
{
	static const uint8_t zeros[4096];
	size_t shown = s->virtual_size < s->raw.n ? s->virtual_size : s->raw.n;
	size_t left = s->virtual_size - shown;
	struct hasher h;
	enum assay_err e;

	if (left > PE_ZEROS_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = hash_init(&h, alg)) != ASSAY_OK ||
	    (e = hash_update(&h, SPAN(s->raw.p, shown))) != ASSAY_OK)
		return e;
	for (; left > 0 && e == ASSAY_OK; left -= left < sizeof zeros ? left : sizeof zeros)
		e = hash_update(&h, SPAN(zeros, left < sizeof zeros ? left : sizeof zeros));
	return e == ASSAY_OK ? hash_final(&h, ret) : e;
}
