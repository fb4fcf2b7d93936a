/* imalog.c: see imalog.h. The list as a whole, and entries of binary lists
 * (ima_measurements_show in security/integrity/ima/ima_fs.c). */
#include "imalog_parts.h"

static uint32_t
read_u32(struct reader *r, bool big)
{
	return big ? rd_be32(r) : rd_le32(r);
}

uint16_t
imalog_template_alg(size_t n)
{
	switch (n) {
	case 20:
		return ALG_SHA1;
	case 32:
		return ALG_SHA256;
	case 48:
		return ALG_SHA384;
	case 64:
		return ALG_SHA512;
	default:
		return ALG_NONE;
	}
}

static bool
printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n != 0;
}

/* Whether the first entry makes sense with template hashes of this algorithm; known: by a
 * template that is, else by any that has a name. */
static bool
fits(const struct imalog *l, uint16_t alg, bool known)
{
	struct imalog_template t;
	struct reader r = l->in;
	struct span refused, name;
	uint32_t n;

	(void)read_u32(&r, l->big);
	(void)rd_bytes(&r, digest_size(alg));
	n = rd_count(&r, read_u32(&r, l->big), IMALOG_TEMPLATE_NAME_MAX);
	name = rd_bytes(&r, n);
	if (r.err != ASSAY_OK)
		return false;
	return known ? imalog_template(name, &t, &refused) == ASSAY_OK : printable(name);
}

/* If none fits, SHA-1: reading the entry then says what is wrong with it. */
static uint16_t
detect_template_alg(const struct imalog *l)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};

	for (int known = 1; known >= 0; known--)
		for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
			if (fits(l, algs[i], known))
				return algs[i];
	return ALG_SHA1;
}

/* An ascii list starts with a PCR's number, right-aligned; no PCR has the number of
 * such a character, which is where a binary list starts. */
static enum assay_err
detect(struct imalog *l)
{
	struct reader little = l->in, big = l->in, text = l->in;
	uint8_t first = rd_u8(&text);

	if (first == ' ' || (first >= '0' && first <= '9')) {
		l->format = IMALOG_ASCII;
		return ASSAY_OK;
	}
	l->format = IMALOG_BINARY;
	l->order_known = true;
	if (rd_le32(&little) >= PCR_COUNT) {
		l->big = true;
		if (rd_be32(&big) >= PCR_COUNT)
			return ASSAY_BAD_MAGIC;
	}
	if (little.err != ASSAY_OK)
		return ASSAY_TRUNCATED;
	l->template_alg = detect_template_alg(l);
	return ASSAY_OK;
}

enum assay_err
imalog_open(struct span list, uint8_t *scratch, size_t cap, struct imalog *ret)
{
	struct imalog l = {.scratch = scratch, .scratch_cap = cap};
	enum assay_err e;

	if (list.n == 0)
		return ASSAY_MISSING;
	if (list.n > IMALOG_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&l.in, list);
	if ((e = detect(&l)) != ASSAY_OK)
		return e;
	*ret = l;
	return ASSAY_OK;
}

enum assay_err
imalog_resume(struct span entries, uint16_t template_alg, bool big, struct imalog *ret)
{
	struct imalog l = {.format = IMALOG_BINARY, .order_known = true, .big = big};

	if (entries.n > IMALOG_MAX)
		return ASSAY_TOO_LARGE;
	if (template_alg == ALG_NONE ||
	    imalog_template_alg(digest_size(template_alg)) != template_alg)
		return ASSAY_UNSUPPORTED;
	rd_init(&l.in, entries);
	l.template_alg = template_alg;
	*ret = l;
	return ASSAY_OK;
}

size_t
imalog_position(const struct imalog *l)
{
	return l->in.pos;
}

void
imalog_use_template(struct imalog *l, struct span name)
{
	enum assay_err e;

	if (l->in.err != ASSAY_OK || (l->name.n > 0 && span_equal(l->name, name)))
		return;
	l->name = name;
	e = imalog_template(name, &l->tmpl, &l->refused);
	if (e != ASSAY_OK)
		rd_fail(&l->in, e);
}

static bool
name_follows(const struct reader *at, size_t digest, bool big)
{
	struct reader r = *at;
	uint32_t n;

	(void)rd_bytes(&r, digest);
	n = read_u32(&r, big);
	return r.err == ASSAY_OK && n != 0 && n <= IMALOG_OLD_PATH_MAX;
}

size_t
imalog_old_digest(const struct reader *r, bool big)
{
	return !name_follows(r, IMALOG_OLD_DIGEST, big) &&
			       name_follows(r, IMALOG_OLD_DIGEST_MD5, big)
		       ? IMALOG_OLD_DIGEST_MD5
		       : IMALOG_OLD_DIGEST;
}

static enum assay_err
read_old_binary(struct imalog *l, struct imalog_entry *e)
{
	struct span digest = rd_bytes(&l->in, imalog_old_digest(&l->in, l->big)), name;
	uint32_t n;

	rd_at(&l->in, "file name");
	n = rd_count(&l->in, read_u32(&l->in, l->big), IMALOG_OLD_PATH_MAX);
	name = rd_bytes(&l->in, n);
	return l->in.err != ASSAY_OK ? l->in.err : imalog_read_old(l, digest, name, e);
}

static enum assay_err
read_new_binary(struct imalog *l, struct imalog_entry *e)
{
	struct span data;
	uint32_t n;

	rd_at(&l->in, "template data");
	n = read_u32(&l->in, l->big);
	if (n > IMALOG_DATA_MAX)
		rd_fail(&l->in, ASSAY_TOO_LARGE);
	data = rd_bytes(&l->in, n);
	return l->in.err != ASSAY_OK ? l->in.err : imalog_read_data(l, data, e);
}

static void
next_binary(struct imalog *l, struct imalog_entry *e)
{
	uint32_t n;
	enum assay_err err;

	rd_at(&l->in, "PCR");
	e->pcr = read_u32(&l->in, l->big);
	if (e->pcr >= PCR_COUNT)
		rd_fail(&l->in, ASSAY_MALFORMED);
	rd_at(&l->in, "template hash");
	e->template_digest = rd_bytes(&l->in, digest_size(l->template_alg));
	rd_at(&l->in, "template name");
	n = rd_count(&l->in, read_u32(&l->in, l->big), IMALOG_TEMPLATE_NAME_MAX);
	e->template_name = rd_bytes(&l->in, n);
	imalog_use_template(l, e->template_name);
	if (l->in.err != ASSAY_OK)
		return;
	e->template_alg = l->template_alg;
	e->violation = span_zero(e->template_digest);
	rd_at(&l->in, "file digest");
	err = l->tmpl.old ? read_old_binary(l, e) : read_new_binary(l, e);
	if (err != ASSAY_OK)
		rd_fail(&l->in, err);
}

bool
imalog_next(struct imalog *l, struct imalog_entry *ret)
{
	if (l->ended)
		return false;
	if (l->in.err == ASSAY_OK && rd_left(&l->in) == 0) {
		l->ended = true;
		return false;
	}
	l->offset = l->in.pos;
	if (l->count == IMALOG_ENTRIES_MAX)
		rd_fail(&l->in, ASSAY_TOO_MANY);
	ret->index = l->count;
	ret->offset = l->offset;
	ret->line = 0;
	if (l->format == IMALOG_ASCII)
		imalog_next_ascii(l, ret);
	else
		next_binary(l, ret);
	if (l->in.err != ASSAY_OK) {
		l->ended = true;
		l->err = l->in.err;
		return false;
	}
	l->count++;
	return true;
}

enum assay_err
imalog_finish(const struct imalog *l)
{
	return l->ended ? l->err : ASSAY_STATE;
}
