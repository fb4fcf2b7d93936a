/*
 * imalog_ascii.c: entries of ascii lists (ima_ascii_measurements_show in ima_fs.c).
 *
 * A line is turned back into the template data that the kernel hashed, in the scratch
 * memory, and then read like a binary entry, so that both formats have one meaning.
 */
#include "imalog_parts.h"
#include "writer.h"

#define PCR_DIGITS_MAX 2
#define UINT_DIGITS_MAX 10

/* Up to the next space, which is taken too; the rest if there is none. */
static struct span
token(struct reader *r)
{
	struct reader ahead = *r;
	struct span t = span_until(rd_rest(&ahead), ' ');

	(void)rd_bytes(r, t.n);
	if (rd_left(r) > 0)
		(void)rd_u8(r);
	return t;
}

static bool
read_decimal(struct span s, size_t digits, uint32_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > digits)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* The kernel writes lower case. */
static int
nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
write_hex(struct writer *w, struct span s)
{
	if (s.n % 2 != 0)
		wr_fail(w, ASSAY_MALFORMED);
	for (size_t i = 0; i + 1 < s.n && w->err == ASSAY_OK; i += 2) {
		int high = nibble(s.p[i]), low = nibble(s.p[i + 1]);

		if (high < 0 || low < 0)
			wr_fail(w, ASSAY_MALFORMED);
		else
			wr_u8(w, (uint8_t)(high << 4 | low));
	}
}

static void
write_u32(struct writer *w, bool big, uint32_t v)
{
	if (big)
		wr_be32(w, v);
	else
		wr_le32(w, v);
}

/* Names of type and algorithm with their colons; the digest's digits follow. */
static struct span
digest_prefix(struct span text, bool typed, struct span *ret_digits)
{
	struct reader r, ahead;
	size_t n = 0;

	rd_init(&r, text);
	for (int colons = typed ? 2 : 1; colons > 0; colons--) {
		ahead = r;
		(void)rd_bytes(&r, span_until(rd_rest(&ahead), ':').n);
		if (rd_u8(&r) != ':')
			return SPAN(NULL, 0);
		n = r.pos;
	}
	*ret_digits = rd_rest(&r);
	return r.err == ASSAY_OK ? SPAN(text.p, n) : SPAN(NULL, 0);
}

static void
write_named_digest(struct writer *w, bool big, struct span text, bool typed)
{
	struct span digits = {NULL, 0}, prefix = digest_prefix(text, typed, &digits);

	if (prefix.n == 0) {
		wr_fail(w, ASSAY_MALFORMED);
		return;
	}
	write_u32(w, big, (uint32_t)(prefix.n + 1 + digits.n / 2));
	wr_bytes(w, prefix);
	wr_u8(w, 0);
	write_hex(w, digits);
}

static void
write_uint(struct writer *w, bool big, struct span text, enum imalog_form form)
{
	uint32_t v;

	if (!read_decimal(text, UINT_DIGITS_MAX, &v) ||
	    (form == FORM_UINT16 && v > UINT16_MAX)) {
		wr_fail(w, ASSAY_MALFORMED);
		return;
	}
	write_u32(w, big, form == FORM_UINT16 ? 2 : 4);
	if (form == FORM_UINT32)
		write_u32(w, big, v);
	else if (big)
		wr_be16(w, (uint16_t)v);
	else
		wr_le16(w, (uint16_t)v);
}

/* One field as text, with its length before it, as the kernel hashed it. */
static void
write_field(struct writer *w, bool big, enum imalog_field f, struct span text)
{
	enum imalog_form form = imalog_form_of(f);

	if (text.n == 0) {
		write_u32(w, big, 0);
		return;
	}
	switch (form) {
	case FORM_ALG_DIGEST:
	case FORM_TYPE_ALG_DIGEST:
		write_named_digest(w, big, text, form == FORM_TYPE_ALG_DIGEST);
		break;
	case FORM_STRING:
		write_u32(w, big, (uint32_t)text.n + 1);
		wr_bytes(w, text);
		wr_u8(w, 0);
		break;
	case FORM_UINT32:
	case FORM_UINT16:
		write_uint(w, big, text, form);
		break;
	case FORM_DIGEST:
	case FORM_BYTES:
		write_u32(w, big, (uint32_t)(text.n / 2));
		write_hex(w, text);
		break;
	}
}

/* ---- the fields of a line -------------------------------------------------- */

static size_t
count_tokens(struct span s)
{
	size_t n = 1;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ' ';
	return n;
}

/* The next field. A name takes what is too much: kernels before spaces became
 * underscores printed them. Empty fields at the end may have lost their spaces. */
static struct span
field_text(struct reader *r, enum imalog_field f, size_t *extra)
{
	struct reader all = *r;
	struct span first = token(r);

	if ((f != IMALOG_N && f != IMALOG_N_NG) || *extra == 0)
		return first;
	for (; *extra > 0; (*extra)--)
		first.n += 1 + token(r).n;
	return rd_bytes(&all, first.n);
}

static enum assay_err
read_old_fields(struct imalog *l, struct span text, struct writer *w, struct imalog_entry *e)
{
	size_t extra = count_tokens(text) - 1, start = w->len;
	struct reader r, made;
	struct span digest, name;

	rd_init(&r, text);
	write_hex(w, token(&r));
	name = rd_rest(&r);
	if (w->err != ASSAY_OK || extra == 0)
		return w->err != ASSAY_OK ? w->err : ASSAY_TRUNCATED;
	rd_init(&made, wr_span(w));
	(void)rd_bytes(&made, start);
	digest = rd_rest(&made);
	if (digest.n != IMALOG_OLD_DIGEST && digest.n != IMALOG_OLD_DIGEST_MD5)
		return ASSAY_MALFORMED;
	return imalog_read_old(l, digest, name, e);
}

static enum assay_err
read_fields(struct imalog *l, struct span text, struct writer *w, struct imalog_entry *e)
{
	size_t tokens = count_tokens(text), extra = 0, start = w->len;
	struct reader r, made;

	if (l->tmpl.old)
		return read_old_fields(l, text, w, e);
	if (tokens > l->tmpl.count)
		extra = tokens - l->tmpl.count;
	rd_init(&r, text);
	for (unsigned i = 0; i < l->tmpl.count; i++) {
		enum imalog_field f = l->tmpl.field[i];

		write_field(w, l->big, f, field_text(&r, f, &extra));
	}
	if (w->err != ASSAY_OK)
		return w->err == ASSAY_FULL ? ASSAY_TOO_LARGE : w->err;
	if (rd_finish(&r) != ASSAY_OK)
		return r.err;
	rd_init(&made, wr_span(w));
	(void)rd_bytes(&made, start);
	return imalog_read_data(l, rd_rest(&made), e);
}

/* ---- one line, or several ------------------------------------------------- */

struct head {
	uint32_t pcr;
	struct span digest, name;
	struct span fields;
};

/* PCR, template hash in hex, template name; false if the text does not start so. */
static bool
read_head(struct span text, struct head *ret)
{
	struct reader r, ahead;
	struct span pcr;

	rd_init(&r, text);
	ahead = r;
	if (rd_u8(&ahead) == ' ') /* right-aligned */
		r = ahead;
	pcr = token(&r);
	ret->digest = token(&r);
	ret->name = token(&r);
	ret->fields = rd_rest(&r);
	return r.err == ASSAY_OK && read_decimal(pcr, PCR_DIGITS_MAX, &ret->pcr) &&
	       ret->pcr < PCR_COUNT && ret->digest.n % 2 == 0 &&
	       imalog_template_alg(ret->digest.n / 2) != ALG_NONE && ret->name.n > 0;
}

static bool
is_zero(struct span hex)
{
	for (size_t i = 0; i < hex.n; i++)
		if (hex.p[i] != '0')
			return false;
	return true;
}

static enum assay_err
use_head(struct imalog *l, const struct head *h, struct imalog_entry *e)
{
	uint16_t alg = imalog_template_alg(h->digest.n / 2);

	if (l->template_alg != ALG_NONE && l->template_alg != alg)
		return ASSAY_MALFORMED;
	if (h->name.n > IMALOG_TEMPLATE_NAME_MAX)
		return ASSAY_TOO_LARGE;
	l->template_alg = alg;
	e->template_alg = alg;
	e->pcr = h->pcr;
	e->template_name = h->name;
	e->violation = is_zero(h->digest);
	imalog_use_template(l, h->name);
	return l->in.err;
}

static enum assay_err
read_text(struct imalog *l, struct span text, struct imalog_entry *e)
{
	struct writer w;
	struct head h;
	enum assay_err err;

	if (!read_head(text, &h))
		return ASSAY_MALFORMED;
	if ((err = use_head(l, &h, e)) != ASSAY_OK)
		return err;
	wr_init(&w, l->scratch, l->scratch_cap);
	write_hex(&w, h.digest);
	if (w.err != ASSAY_OK)
		return w.err == ASSAY_FULL ? ASSAY_TOO_LARGE : w.err;
	e->template_digest = wr_span(&w);
	return read_fields(l, h.fields, &w, e);
}

/* As read_text(), and whether the hash is of the data; until a hash has shown which,
 * in either byte order. */
static enum assay_err
try_text(struct imalog *l, struct span text, struct imalog_entry *e, bool *ret_equal)
{
	enum assay_err err = read_text(l, text, e);

	if (err != ASSAY_OK || (err = imalog_check(e, ret_equal)) != ASSAY_OK || e->violation)
		return err;
	if (!*ret_equal && !l->order_known) {
		l->big = !l->big;
		if ((err = read_text(l, text, e)) != ASSAY_OK ||
		    (err = imalog_check(e, ret_equal)) != ASSAY_OK)
			return err;
		if (!*ret_equal) {
			l->big = !l->big;
			return read_text(l, text, e);
		}
	}
	l->order_known |= *ret_equal && !e->old;
	return ASSAY_OK;
}

/* text and the line after it; false if that is the end. */
static bool
extend_text(struct span rest, struct span *text)
{
	struct reader r;

	rd_init(&r, rest);
	(void)rd_bytes(&r, text->n);
	(void)rd_u8(&r);
	if (rd_left(&r) == 0)
		return false;
	*text = SPAN(rest.p, text->n + 1 + span_until(rd_rest(&r), '\n').n);
	return true;
}

/* Whether an entry, or nothing, follows the text. */
static bool
ends_well(struct span rest, struct span text)
{
	struct reader r;
	struct head h;

	rd_init(&r, rest);
	(void)rd_bytes(&r, text.n);
	if (rd_left(&r) <= 1)
		return true;
	(void)rd_u8(&r);
	return read_head(span_until(rd_rest(&r), '\n'), &h);
}

/* The text of the entry that rest starts with: see imalog.h. */
static enum assay_err
find_text(struct imalog *l, struct span rest, struct imalog_entry *e, struct span *ret)
{
	struct span first = span_until(rest, '\n'), text = first;
	unsigned lines = 1;

	do {
		bool equal = false;
		enum assay_err err = try_text(l, text, e, &equal);

		if (l->in.err != ASSAY_OK) /* the template is unknown */
			return l->in.err;
		if (err == ASSAY_OK && equal && (!e->violation || ends_well(rest, text))) {
			*ret = text;
			return ASSAY_OK;
		}
	} while (l->searches < IMALOG_ASCII_SEARCHES_MAX &&
		 ++lines <= IMALOG_ASCII_LINES_MAX && extend_text(rest, &text) &&
		 text.n - first.n <= IMALOG_PATH_MAX);
	l->searches++;
	*ret = first;
	return read_text(l, first, e);
}

static uint32_t
count_lines(struct span s)
{
	uint32_t n = 1;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

void
imalog_next_ascii(struct imalog *l, struct imalog_entry *ret)
{
	struct reader ahead = l->in;
	struct span text = {NULL, 0};
	enum assay_err err;

	if (l->in.err != ASSAY_OK)
		return;
	rd_at(&l->in, "line");
	ret->line = l->line + 1;
	err = find_text(l, rd_rest(&ahead), ret, &text);
	if (err != ASSAY_OK) {
		rd_fail(&l->in, err);
		return;
	}
	l->line += count_lines(text);
	(void)rd_bytes(&l->in, text.n);
	if (rd_left(&l->in) > 0)
		(void)rd_u8(&l->in);
}
