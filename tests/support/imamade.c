/* imamade.c: see imamade.h. */
#include "tests/support/imamade.h"

#include <string.h>

#include "tests/support/unit.h"

#define OLD_NAME_PADDED 256

static void
put32(struct writer *w, bool big, size_t v)
{
	if (big)
		wr_be32(w, (uint32_t)v);
	else
		wr_le32(w, (uint32_t)v);
}

void
imamade_begin(struct imamade *m, uint16_t alg, bool big)
{
	wr_init(&m->w, m->buf, sizeof m->buf);
	m->alg = alg;
	m->big = big;
}

struct span
imamade_data(const struct imamade *m, const struct span *fields, size_t n)
{
	static uint8_t buf[IMAMADE_ROOM];
	struct writer w;

	wr_init(&w, buf, sizeof buf);
	for (size_t i = 0; i < n; i++) {
		put32(&w, m->big, fields[i].n);
		wr_bytes(&w, fields[i]);
	}
	assert_int_equal(w.err, ASSAY_OK);
	return wr_span(&w);
}

struct span
imamade_digest(const char *prefix, size_t size, uint8_t fill)
{
	static uint8_t buf[4][128];
	static unsigned turn;
	size_t n = strlen(prefix) + 1;
	uint8_t *p = buf[turn++ % 4];

	assert_true(n + size <= sizeof buf[0]);
	memcpy(p, prefix, n);
	memset(p + n, fill, size);
	return SPAN(p, n + size);
}

static void
put_head(struct imamade *m, const struct digest *hash, const char *name)
{
	put32(&m->w, m->big, IMALOG_PCR);
	wr_bytes(&m->w, digest_span(hash));
	put32(&m->w, m->big, strlen(name));
	wr_bytes(&m->w, SPAN(name, strlen(name)));
}

void
imamade_entry(struct imamade *m, const char *name, struct span data, bool violation)
{
	struct digest d;

	if (violation)
		assert_int_equal(digest_fill(m->alg, 0, &d), ASSAY_OK);
	else
		assert_int_equal(digest_compute(m->alg, data, &d), ASSAY_OK);
	put_head(m, &d, name);
	put32(&m->w, m->big, data.n);
	wr_bytes(&m->w, data);
}

void
imamade_file(struct imamade *m, const char *path, uint8_t fill)
{
	const struct span f[] = {imamade_digest("sha256:", 32, fill),
				 SPAN(path, strlen(path) + 1)};

	imamade_entry(m, "ima-ng", imamade_data(m, f, 2), false);
}

static void
put_old(struct imamade *m, const char *path, uint8_t fill, size_t digest)
{
	uint8_t hashed[20 + OLD_NAME_PADDED] = {0};
	struct digest d;

	memset(hashed, fill, digest);
	memcpy(hashed + digest, path, strlen(path));
	assert_int_equal(digest_compute(m->alg, SPAN(hashed, digest + OLD_NAME_PADDED), &d),
			 ASSAY_OK);
	put_head(m, &d, "ima");
	wr_bytes(&m->w, SPAN(hashed, digest));
	put32(&m->w, m->big, strlen(path));
	wr_bytes(&m->w, SPAN(path, strlen(path)));
}

void
imamade_old(struct imamade *m, const char *path, uint8_t fill)
{
	put_old(m, path, fill, 20);
}

void
imamade_old_md5(struct imamade *m, const char *path, uint8_t fill)
{
	put_old(m, path, fill, 16);
}

struct span
imamade_list(const struct imamade *m)
{
	assert_int_equal(m->w.err, ASSAY_OK);
	return wr_span(&m->w);
}
