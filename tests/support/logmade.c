/* logmade.c: see logmade.h. */
#include "tests/support/unit.h"

#include "tests/support/logmade.h"

const uint16_t made_sha256[1] = {ALG_SHA256};
const uint16_t made_two_banks[2] = {ALG_SHA1, ALG_SHA256};
const uint8_t made_guid_global[16] = {0x61, 0xDF, 0xE4, 0x8B, 0xCA, 0x93, 0xD2, 0x11,
				      0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C};
const uint8_t made_guid_security[16] = {0xCB, 0xB2, 0x19, 0xD7, 0x3A, 0x3D, 0x96, 0x45,
					0xA3, 0xBC, 0xDA, 0xD0, 0x0E, 0x67, 0x65, 0x6F};
const uint8_t made_guid_shim[16] = {0x50, 0xAB, 0x5D, 0x60, 0x46, 0xE0, 0x00, 0x43,
				    0xAB, 0xB6, 0x3D, 0xD8, 0x10, 0xDD, 0x8B, 0x23};

static uint16_t
size_of(uint16_t alg)
{
	size_t n = digest_size(alg);

	return n ? (uint16_t)n : 5; /* an algorithm nobody knows */
}

static void
add_header(struct made *m, uint32_t pcr, uint32_t type)
{
	wr_le32(&m->w, pcr);
	wr_le32(&m->w, type);
}

static void
add_zeros(struct made *m, size_t n)
{
	while (n-- > 0)
		wr_u8(&m->w, 0);
}

void
made_begin(struct made *m, const uint16_t *algs, size_t n, uint32_t pcr)
{
	wr_init(&m->w, m->buf, sizeof m->buf);
	m->algs = algs;
	m->nalgs = n;
	add_header(m, pcr, EV_NO_ACTION);
	add_zeros(m, 20);
	wr_le32(&m->w, (uint32_t)(29 + 4 * n));
	wr_bytes(&m->w, SPAN("Spec ID Event03", 16));
	wr_le32(&m->w, 0);
	wr_bytes(&m->w, SPAN("\0\2\0\2", 4));
	wr_le32(&m->w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		wr_le16(&m->w, algs[i]);
		wr_le16(&m->w, size_of(algs[i]));
	}
	wr_u8(&m->w, 0);
}

void
made_event_of(struct made *m, const uint32_t pcr_type[2], struct span data, struct span measured)
{
	add_header(m, pcr_type[0], pcr_type[1]);
	wr_le32(&m->w, (uint32_t)m->nalgs);
	for (size_t i = 0; i < m->nalgs; i++) {
		struct digest d;

		wr_le16(&m->w, m->algs[i]);
		if (digest_compute(m->algs[i], measured, &d) == ASSAY_OK)
			wr_bytes(&m->w, digest_span(&d));
		else
			add_zeros(m, size_of(m->algs[i]));
	}
	wr_le32(&m->w, (uint32_t)data.n);
	wr_bytes(&m->w, data);
}

void
made_event(struct made *m, uint32_t pcr, uint32_t type, struct span data)
{
	made_event_of(m, (const uint32_t[2]){pcr, type}, data, data);
}

void
made_sha1_begin(struct made *m)
{
	wr_init(&m->w, m->buf, sizeof m->buf);
}

void
made_sha1_event(struct made *m, uint32_t pcr, uint32_t type, struct span data)
{
	struct digest d;

	assert_int_equal(digest_compute(ALG_SHA1, data, &d), ASSAY_OK);
	add_header(m, pcr, type);
	wr_bytes(&m->w, digest_span(&d));
	wr_le32(&m->w, (uint32_t)data.n);
	wr_bytes(&m->w, data);
}

struct span
made_variable(const uint8_t guid[16], const char *name, struct span data)
{
	static uint8_t buf[1024];
	struct writer w;
	size_t n = 0;

	while (name[n] != '\0')
		n++;
	wr_init(&w, buf, sizeof buf);
	wr_bytes(&w, SPAN(guid, 16));
	wr_le32(&w, (uint32_t)n);
	wr_le32(&w, 0);
	wr_le32(&w, (uint32_t)data.n);
	wr_le32(&w, 0);
	for (size_t i = 0; i < n; i++)
		wr_le16(&w, (uint8_t)name[i]);
	wr_bytes(&w, data);
	assert_int_equal(w.err, ASSAY_OK);
	return wr_span(&w);
}

struct span
made_log(const struct made *m)
{
	assert_int_equal(m->w.err, ASSAY_OK);
	return wr_span(&m->w);
}

size_t
made_records(struct span log, size_t *ret, size_t max)
{
	struct eventlog l;
	struct event ev;
	size_t n = 0;

	assert_int_equal(eventlog_open(log, false, &l), ASSAY_OK);
	while (eventlog_next(&l, &ev)) {
		assert_true(n + 1 < max);
		ret[n++] = ev.offset;
	}
	assert_int_equal(eventlog_finish(&l), ASSAY_OK);
	ret[n] = log.n - l.tail_bytes;
	return n;
}
