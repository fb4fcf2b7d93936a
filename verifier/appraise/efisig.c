/* efisig.c: see efisig.h. */
#include "efisig.h"

#include "efivar.h"
#include "text.h"
#include "x509.h"

#define LIST_HEADER_SIZE 28 /* type, list size, header size, signature size */
#define DER_SEQUENCE_LONG 0x3082u

static const struct type {
	enum efisig_kind kind;
	uint8_t guid[EFI_GUID_SIZE];
} types[] = {
	{EFISIG_SHA1,
	 {0x12, 0xA5, 0x6C, 0x82, 0x10, 0xCF, 0xC9, 0x4A, 0xB1, 0x87, 0xBE, 0x01, 0x49, 0x66, 0x31,
	  0xBD}},
	{EFISIG_SHA256,
	 {0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40, 0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43,
	  0x28}},
	{EFISIG_SHA384,
	 {0x07, 0x53, 0x3E, 0xFF, 0xD0, 0x9F, 0xC9, 0x48, 0x85, 0xF1, 0x8A, 0xD5, 0x6C, 0x70, 0x1E,
	  0x01}},
	{EFISIG_SHA512,
	 {0xAE, 0x0F, 0x3E, 0x09, 0xC4, 0xA6, 0x50, 0x4F, 0x9F, 0x1B, 0xD4, 0x1E, 0x2B, 0x89, 0xC1,
	  0x9A}},
	{EFISIG_RSA2048,
	 {0xE8, 0x66, 0x57, 0x3C, 0x9C, 0x26, 0x34, 0x4E, 0xAA, 0x14, 0xED, 0x77, 0x6E, 0x85, 0xB3,
	  0xB6}},
	{EFISIG_X509,
	 {0xA1, 0x59, 0xC0, 0xA5, 0xE4, 0x94, 0xA7, 0x4A, 0x87, 0xB5, 0xAB, 0x15, 0x5C, 0x2B, 0xF0,
	  0x72}},
	{EFISIG_X509_SHA256,
	 {0x92, 0xA4, 0xD2, 0x3B, 0xC0, 0x96, 0x79, 0x40, 0xB4, 0x20, 0xFC, 0xF9, 0x8E, 0xF1, 0x03,
	  0xED}},
	{EFISIG_X509_SHA384,
	 {0x6E, 0x87, 0x76, 0x70, 0xC2, 0x80, 0xE6, 0x4E, 0xAA, 0xD2, 0x28, 0xB3, 0x49, 0xA6, 0x86,
	  0x5B}},
	{EFISIG_X509_SHA512,
	 {0x63, 0xBF, 0x6D, 0x44, 0x02, 0x25, 0xDA, 0x4C, 0xBC, 0xFA, 0x24, 0x65, 0xD2, 0xB0, 0xFE,
	  0x9D}},
};

static enum efisig_kind
kind_of(struct span guid)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (span_equal(guid, SPAN(types[i].guid, EFI_GUID_SIZE)))
			return types[i].kind;
	return EFISIG_OTHER;
}

void
efisigs_init(struct efisigs *s, struct span in)
{
	*s = (struct efisigs){.err = ASSAY_OK};
	rd_init(&s->lists, in);
	rd_init(&s->list, (struct span){NULL, 0});
}

static bool
stop(struct efisigs *s, enum assay_err e)
{
	s->err = e;
	return false;
}

/* Enter the next list that has entries. */
static bool
next_list(struct efisigs *s)
{
	struct reader *r = &s->lists;

	while (rd_left(r) > 0) {
		struct span guid = rd_bytes(r, EFI_GUID_SIZE);
		uint32_t size = rd_le32(r), header = rd_le32(r), entry = rd_le32(r);
		struct span body;

		if (r->err != ASSAY_OK || size < LIST_HEADER_SIZE || entry <= EFI_GUID_SIZE)
			return stop(s, ASSAY_MALFORMED);
		body = rd_bytes(r, size - LIST_HEADER_SIZE);
		if (r->err != ASSAY_OK)
			return stop(s, ASSAY_MALFORMED);
		rd_init(&s->list, body);
		(void)rd_bytes(&s->list, header);
		if (s->list.err != ASSAY_OK || rd_left(&s->list) % entry != 0)
			return stop(s, ASSAY_MALFORMED);
		s->kind = kind_of(guid);
		s->size = entry;
		if (rd_left(&s->list) > 0)
			return true;
	}
	return false;
}

bool
efisigs_next(struct efisigs *s, struct efisig *ret)
{
	if (s->err != ASSAY_OK)
		return false;
	if (rd_left(&s->list) == 0 && !next_list(s))
		return false;
	if (++s->count > EFISIG_ENTRIES_MAX)
		return stop(s, ASSAY_TOO_MANY);
	ret->kind = s->kind;
	ret->owner = rd_bytes(&s->list, EFI_GUID_SIZE);
	ret->data = rd_bytes(&s->list, s->size - EFI_GUID_SIZE);
	return true;
}

enum assay_err
efisigs_finish(const struct efisigs *s)
{
	return s->err;
}

enum assay_err
efisig_count(struct span in, struct efisig_counts *ret)
{
	struct efisig_counts c = {0};
	struct efisigs s;
	struct efisig sig;

	efisigs_init(&s, in);
	while (efisigs_next(&s, &sig)) {
		c.entries++;
		if (sig.kind == EFISIG_X509)
			c.certificates++;
		else if (sig.kind == EFISIG_OTHER || sig.kind == EFISIG_RSA2048)
			c.others++;
		else
			c.hashes++;
	}
	if (s.err == ASSAY_OK)
		*ret = c;
	return s.err;
}

void
efisig_subject(struct span certificate, char *ret, size_t cap)
{
	struct x509 c;

	ret[0] = '\0';
	if (x509_parse(certificate, &c) == ASSAY_OK)
		x509_name_text(c.subject, ret, cap);
}

static bool
starts_as_certificate(struct span s)
{
	struct reader r;

	rd_init(&r, s);
	return rd_be16(&r) == DER_SEQUENCE_LONG;
}

struct span
efisig_authority_certificate(struct span data)
{
	struct reader r;
	struct span rest;

	if (starts_as_certificate(data))
		return data;
	rd_init(&r, data);
	(void)rd_bytes(&r, EFI_GUID_SIZE);
	rest = rd_rest(&r);
	if (r.err == ASSAY_OK && starts_as_certificate(rest))
		return rest;
	return (struct span){NULL, 0};
}
