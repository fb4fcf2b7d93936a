/* certfile.c: see certfile.h. */
#include "certfile.h"

#include "evidence/der.h"

#include <string.h>

#define LINE_MAX_KEPT 64 /* characters of a PEM line that are looked at */
#define PEM_BEGIN "-----BEGIN "
#define PEM_END "-----END "

struct line {
	char text[LINE_MAX_KEPT + 1];
	bool cut; /* it was longer */
};

/* ---- DER and NV ----------------------------------------------------------- */

/* 10 01: stored certificate; 00: full; length; 10 02: full certificate follows */
static bool
nv_header(struct reader *r, enum assay_err *e)
{
	struct reader h = *r;

	if (rd_be16(&h) != 0x1001)
		return false;
	if (rd_u8(&h) != 0) {
		*e = ASSAY_UNSUPPORTED; /* only a hash of a certificate is stored */
		return false;
	}
	(void)rd_be16(&h);
	if (rd_be16(&h) != 0x1002 || h.err != ASSAY_OK) {
		*e = ASSAY_BAD_MAGIC;
		return false;
	}
	*r = h;
	return true;
}

/* A SEQUENCE whose length has a form that certificates have. */
static bool
looks_like_der(const struct reader *r)
{
	struct reader h = *r;

	return rd_u8(&h) == DER_SEQUENCE && rd_u8(&h) > 0x80;
}

static enum assay_err
next_der(struct certfile *f, struct certfile_item *ret)
{
	struct reader r = f->in;
	struct span whole;
	uint8_t tag;

	if (looks_like_der(&r)) {
		(void)der_any(&r, &tag, &whole);
		if (r.err == ASSAY_OK) {
			f->in = r;
			*ret = (struct certfile_item){.der = whole};
			return ASSAY_OK;
		}
	}
	f->padding = rd_left(&f->in);
	(void)rd_rest(&f->in);
	return ASSAY_NOT_FOUND;
}

/* ---- PEM (RFC 7468) ------------------------------------------------------- */

static bool
read_line(struct reader *r, struct line *l)
{
	size_t n = 0;

	l->cut = false;
	if (rd_left(r) == 0)
		return false;
	while (rd_left(r) > 0) {
		char c = (char)rd_u8(r);

		if (c == '\n')
			break;
		if (c == '\r')
			continue;
		if (n < LINE_MAX_KEPT)
			l->text[n++] = c;
		else
			l->cut = true;
	}
	while (n > 0 && l->text[n - 1] == ' ')
		n--;
	l->text[n] = '\0';
	return true;
}

static bool
label_is(const struct line *l, const char *prefix, const char *label)
{
	size_t np = strlen(prefix), nl = strlen(label);

	return !l->cut && strncmp(l->text, prefix, np) == 0 &&
	       strncmp(l->text + np, label, nl) == 0 && strcmp(l->text + np + nl, "-----") == 0;
}

static const char *
item_label(const struct line *l)
{
	static const char *const labels[] = {"CERTIFICATE", "X509 CERTIFICATE", "X509 CRL"};

	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
		if (label_is(l, PEM_BEGIN, labels[i]))
			return labels[i];
	return NULL;
}

static int
base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

struct base64 {
	uint32_t bits;
	unsigned have;	  /* bits not yet written */
	unsigned count;	  /* characters so far, padding too */
	unsigned padding; /* '=' so far */
};

static enum assay_err
base64_put(struct certfile *f, struct base64 *b, uint8_t c)
{
	int v = base64_value(c);

	b->count++;
	if (c == '=') {
		b->padding++;
		return ASSAY_OK;
	}
	if (v < 0 || b->padding > 0)
		return ASSAY_MALFORMED;
	b->bits = b->bits << 6 | (uint32_t)v;
	b->have += 6;
	if (b->have < 8)
		return ASSAY_OK;
	b->have -= 8;
	if (f->used == f->cap)
		return ASSAY_FULL;
	f->buf[f->used++] = (uint8_t)(b->bits >> b->have);
	return ASSAY_OK;
}

/* Up to the '-' of the end line, which is left to be read. */
static enum assay_err
base64_body(struct certfile *f)
{
	struct base64 b = {0};

	while (rd_left(&f->in) > 0) {
		uint8_t c = der_peek(&f->in);
		enum assay_err e;

		if (c == '-')
			return b.count % 4 == 0 && b.padding <= 2 ? ASSAY_OK : ASSAY_MALFORMED;
		(void)rd_u8(&f->in);
		if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
			continue;
		e = base64_put(f, &b, c);
		if (e != ASSAY_OK)
			return e;
	}
	return ASSAY_TRUNCATED;
}

static enum assay_err
next_pem(struct certfile *f, struct certfile_item *ret)
{
	const char *label = NULL;
	size_t start = f->used;
	struct line l;
	enum assay_err e;

	while (!label) {
		if (!read_line(&f->in, &l))
			return ASSAY_NOT_FOUND;
		label = item_label(&l);
	}
	e = base64_body(f);
	if (e != ASSAY_OK)
		return e;
	if (!read_line(&f->in, &l) || !label_is(&l, PEM_END, label))
		return ASSAY_MALFORMED;
	*ret = (struct certfile_item){
		.der = SPAN(f->buf + start, f->used - start),
		.is_crl = strcmp(label, "X509 CRL") == 0,
	};
	return ASSAY_OK;
}

static bool
has_pem(struct span file)
{
	struct reader r;
	struct line l;

	rd_init(&r, file);
	while (read_line(&r, &l))
		if (strncmp(l.text, PEM_BEGIN, strlen(PEM_BEGIN)) == 0)
			return true;
	return false;
}

/* ---- either --------------------------------------------------------------- */

void
certfile_open(struct certfile *f, struct span file, uint8_t *buf, size_t cap)
{
	enum assay_err e = ASSAY_BAD_MAGIC;

	*f = (struct certfile){.buf = buf, .cap = cap};
	rd_init(&f->in, file);
	if (nv_header(&f->in, &e) && looks_like_der(&f->in)) {
		f->form = CERTFILE_NV;
		return;
	}
	if (looks_like_der(&f->in)) {
		f->form = CERTFILE_DER;
		return;
	}
	if (has_pem(file)) {
		f->form = CERTFILE_PEM;
		return;
	}
	rd_fail(&f->in, e);
}

enum assay_err
certfile_next(struct certfile *f, struct certfile_item *ret)
{
	enum assay_err e;

	if (f->in.err != ASSAY_OK)
		return f->in.err;
	e = f->form == CERTFILE_PEM ? next_pem(f, ret) : next_der(f, ret);
	if (e != ASSAY_OK)
		rd_fail(&f->in, e);
	return e;
}
