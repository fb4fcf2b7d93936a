/* imalog_template.c: templates by name, their fields, and their hashes
 * (security/integrity/ima/ima_template.c, ima_template_lib.c). */
#include "imalog_parts.h"

#include <string.h>

static const struct field {
	const char *id;
	enum imalog_form form;
} fields[IMALOG_FIELD_COUNT] = {
#define X(code, id, form) [IMALOG_##code] = {id, FORM_##form},
	IMALOG_FIELDS(X)
#undef X
};

static const struct {
	const char *name, *list;
} builtin[] = {
	{"ima", "d|n"},
	{"ima-ng", "d-ng|n-ng"},
	{"ima-sig", "d-ng|n-ng|sig"},
	{"ima-ngv2", "d-ngv2|n-ng"},
	{"ima-sigv2", "d-ngv2|n-ng|sig"},
	{"ima-buf", "d-ng|n-ng|buf"},
	{"ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig"},
	{"evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode"},
};

/* crypto/hash_info.c, hash_algo_name; SM3 as kernels have spelt it over time. */
static const struct alg {
	const char *name;
	uint8_t length; /* of the name */
	uint8_t size;
	uint16_t alg;
} algs[] = {
#define A(name, alg, size) {name, sizeof name - 1, size, alg}
	A("sha256", ALG_SHA256, 32),
	A("sha1", ALG_SHA1, 20),
	A("sha384", ALG_SHA384, 48),
	A("sha512", ALG_SHA512, 64),
	A("md4", ALG_NONE, 16),
	A("md5", ALG_NONE, 16),
	A("rmd128", ALG_NONE, 16),
	A("rmd160", ALG_NONE, 20),
	A("rmd256", ALG_NONE, 32),
	A("rmd320", ALG_NONE, 40),
	A("sha224", ALG_NONE, 28),
	A("sha3-256", ALG_SHA3_256, 32),
	A("sha3-384", ALG_SHA3_384, 48),
	A("sha3-512", ALG_SHA3_512, 64),
	A("sm3", ALG_SM3_256, 32),
	A("sm3-256", ALG_SM3_256, 32),
	A("sm3_256", ALG_SM3_256, 32),
	A("streebog256", ALG_NONE, 32),
	A("streebog512", ALG_NONE, 64),
	A("tgr128", ALG_NONE, 16),
	A("tgr160", ALG_NONE, 20),
	A("tgr192", ALG_NONE, 24),
	A("wp256", ALG_NONE, 32),
	A("wp384", ALG_NONE, 48),
	A("wp512", ALG_NONE, 64),
#undef A
};

static bool
is(struct span s, const char *text)
{
	return span_equal(s, SPAN(text, strlen(text)));
}

enum imalog_form
imalog_form_of(enum imalog_field f)
{
	return fields[f].form;
}

/* ---- names to fields ------------------------------------------------------- */

static enum assay_err
add_field(struct imalog_template *t, struct span id)
{
	unsigned f = 0;

	while (f < IMALOG_FIELD_COUNT && !is(id, fields[f].id))
		f++;
	if (f == IMALOG_FIELD_COUNT)
		return ASSAY_UNSUPPORTED;
	for (unsigned i = 0; i < t->count; i++)
		if (t->field[i] == f)
			return ASSAY_DUPLICATE;
	if (t->count == IMALOG_TEMPLATE_FIELDS_MAX)
		return ASSAY_TOO_MANY;
	t->field[t->count++] = (uint8_t)f;
	return ASSAY_OK;
}

static enum assay_err
read_list(struct span list, struct imalog_template *t, struct span *ret_refused)
{
	struct reader r;
	enum assay_err e;

	rd_init(&r, list);
	for (;;) {
		struct reader ahead = r;
		struct span id = span_until(rd_rest(&ahead), '|');

		(void)rd_bytes(&r, id.n);
		if ((e = add_field(t, id)) != ASSAY_OK) {
			*ret_refused = id;
			return e;
		}
		if (rd_left(&r) == 0)
			return ASSAY_OK;
		(void)rd_u8(&r);
	}
}

static bool
is_plain(const struct imalog_template *t)
{
	const uint32_t digests = 1u << IMALOG_D | 1u << IMALOG_D_NG | 1u << IMALOG_D_NGV2;
	const uint32_t names = 1u << IMALOG_N | 1u << IMALOG_N_NG;

	return t->count >= 2 && (digests >> t->field[0] & 1) && (names >> t->field[1] & 1);
}

static bool
is_appended(const struct imalog_template *t)
{
	return is_plain(t) && t->count == 5 && t->field[2] == IMALOG_SIG &&
	       t->field[3] == IMALOG_D_MODSIG && t->field[4] == IMALOG_MODSIG;
}

enum assay_err
imalog_template(struct span name, struct imalog_template *ret, struct span *ret_refused)
{
	struct imalog_template t = {0};
	enum assay_err e;

	for (size_t i = 0; i < sizeof builtin / sizeof builtin[0]; i++) {
		const char *list = builtin[i].list;

		if (!is(name, builtin[i].name))
			continue;
		t.old = i == 0;
		name = SPAN(list, strlen(list));
		break;
	}
	if ((e = read_list(name, &t, ret_refused)) != ASSAY_OK)
		return e;
	t.plain = is_plain(&t);
	t.appended = is_appended(&t);
	*ret = t;
	return ASSAY_OK;
}

/* ---- fields of one entry ---------------------------------------------------- */

/* A violation has a zero digest, in some kernels 20 bytes whatever the algorithm. */
static bool
digest_fits(const struct imalog_digest *d, size_t size, bool violation)
{
	return d->bytes.n == size ||
	       (violation && d->bytes.n == IMALOG_OLD_DIGEST && span_zero(d->bytes));
}

static enum assay_err
set_alg(struct imalog *l, struct span name, bool violation, struct imalog_digest *d)
{
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		if (!span_equal(name, SPAN(algs[i].name, algs[i].length)))
			continue;
		d->name = algs[i].name;
		d->alg = algs[i].alg;
		return digest_fits(d, algs[i].size, violation) ? ASSAY_OK : ASSAY_MALFORMED;
	}
	l->refused = name;
	return ASSAY_UNSUPPORTED;
}

static enum assay_err
read_named_digest(struct imalog *l, struct span in, bool typed, struct imalog_entry *e,
		  struct imalog_digest *ret)
{
	struct imalog_digest d = {0};
	struct span type, alg;
	struct reader r;
	enum assay_err err;

	rd_init(&r, in);
	if (typed) {
		type = rd_until(&r, ':');
		d.verity = is(type, "verity");
		if (r.err == ASSAY_OK && !d.verity && !is(type, "ima")) {
			l->refused = type;
			return ASSAY_UNSUPPORTED;
		}
	}
	alg = rd_until(&r, ':');
	if (rd_u8(&r) != 0)
		rd_fail(&r, ASSAY_MALFORMED);
	d.bytes = rd_rest(&r);
	if (rd_finish(&r) != ASSAY_OK)
		return ASSAY_MALFORMED;
	if ((err = set_alg(l, alg, e->violation, &d)) == ASSAY_OK)
		*ret = d;
	return err;
}

static enum assay_err
read_bare_digest(struct imalog *l, struct span in, struct imalog_digest *ret)
{
	struct imalog_digest d = {.bytes = in};
	const char *name = in.n == 16 ? "md5" : "sha1";
	enum assay_err e = set_alg(l, SPAN(name, strlen(name)), false, &d);

	if (e == ASSAY_OK)
		*ret = d;
	return e;
}

/* The string without its NUL, which is its only one. */
static enum assay_err
read_string(struct span in, size_t max, struct span *ret)
{
	struct span s = span_until(in, '\0');

	if (s.n > max)
		return ASSAY_TOO_LARGE;
	if (in.n != s.n + 1)
		return ASSAY_MALFORMED;
	*ret = s;
	return ASSAY_OK;
}

/* Of several the first counts: see ->plain. */
static enum assay_err
read_digest_field(struct imalog *l, enum imalog_field f, struct imalog_entry *e)
{
	struct imalog_digest other, *file = e->file.name ? &other : &e->file;
	struct span in = e->field[f];

	switch (f) {
	case IMALOG_D:
		return read_bare_digest(l, in, file);
	case IMALOG_D_MODSIG: /* empty: no appended signature */
		return in.n == 0 ? ASSAY_OK
				 : read_named_digest(l, in, false, e, &e->modsig_file);
	default:
		return read_named_digest(l, in, f == IMALOG_D_NGV2, e, file);
	}
}

static enum assay_err
read_field(struct imalog *l, enum imalog_field f, struct imalog_entry *e)
{
	struct span in = e->field[f], s;

	switch (fields[f].form) {
	case FORM_DIGEST:
	case FORM_ALG_DIGEST:
	case FORM_TYPE_ALG_DIGEST:
		return read_digest_field(l, f, e);
	case FORM_STRING:
		if (f == IMALOG_XATTRNAMES)
			return in.n == 0 ? ASSAY_OK : read_string(in, IMALOG_PATH_MAX, &s);
		return read_string(in, IMALOG_PATH_MAX, e->path.p ? &s : &e->path);
	case FORM_UINT32: /* empty where there is no inode */
		return in.n == 0 || in.n == 4 ? ASSAY_OK : ASSAY_MALFORMED;
	case FORM_UINT16:
		return in.n == 0 || in.n == 2 ? ASSAY_OK : ASSAY_MALFORMED;
	case FORM_BYTES:
		return ASSAY_OK;
	}
	return ASSAY_INTERNAL;
}

static void
forget(struct imalog_entry *e)
{
	const struct imalog_digest none = {0};

	e->data = e->path = SPAN(NULL, 0);
	e->file = e->modsig_file = none;
	e->has = 0;
}

enum assay_err
imalog_read_data(struct imalog *l, struct span data, struct imalog_entry *e)
{
	struct reader r;

	forget(e);
	e->data = data;
	e->old = false;
	e->plain = l->tmpl.plain;
	e->appended = l->tmpl.appended;
	rd_init(&r, data);
	for (unsigned i = 0; i < l->tmpl.count; i++) {
		enum imalog_field f = l->tmpl.field[i];
		uint32_t n = l->big ? rd_be32(&r) : rd_le32(&r);
		enum assay_err err;

		e->field[f] = rd_bytes(&r, n);
		e->has |= 1u << f;
		err = r.err != ASSAY_OK ? r.err : read_field(l, f, e);
		if (err != ASSAY_OK) {
			rd_at(&l->in, fields[f].id);
			return err;
		}
	}
	return rd_finish(&r);
}

enum assay_err
imalog_read_old(struct imalog *l, struct span digest, struct span name, struct imalog_entry *e)
{
	forget(e);
	e->old = e->plain = true;
	e->appended = false;
	e->has = 1u << IMALOG_D | 1u << IMALOG_N;
	e->field[IMALOG_D] = digest;
	e->field[IMALOG_N] = e->path = name;
	if (name.n > IMALOG_OLD_PATH_MAX)
		return ASSAY_TOO_LARGE;
	if (name.n == 0 || span_until(name, '\0').n != name.n)
		return ASSAY_MALFORMED;
	return read_bare_digest(l, digest, &e->file);
}

/* ---- hashes ------------------------------------------------------------------ */

/* ima_calc_field_array_hash_tfm: the name is padded to 256 bytes, no lengths. */
static enum assay_err
hash_old(const struct imalog_entry *e, uint16_t alg, struct digest *ret)
{
	static const uint8_t zero[IMALOG_OLD_PATH_MAX + 1];
	struct span name = e->field[IMALOG_N];
	struct hasher h;
	enum assay_err err;

	if ((err = hash_init(&h, alg)) != ASSAY_OK ||
	    (err = hash_update(&h, e->field[IMALOG_D])) != ASSAY_OK ||
	    (err = hash_update(&h, name)) != ASSAY_OK ||
	    (err = hash_update(&h, SPAN(zero, sizeof zero - name.n))) != ASSAY_OK)
		return err;
	return hash_final(&h, ret);
}

enum assay_err
imalog_template_hash(const struct imalog_entry *e, uint16_t alg, struct digest *ret)
{
	return e->old ? hash_old(e, alg, ret) : digest_compute(alg, e->data, ret);
}

enum assay_err
imalog_check(const struct imalog_entry *e, bool *ret_equal)
{
	struct digest d;
	enum assay_err err;

	if (e->violation) {
		*ret_equal = true;
		return ASSAY_OK;
	}
	if ((err = imalog_template_hash(e, e->template_alg, &d)) != ASSAY_OK)
		return err;
	*ret_equal = span_equal(digest_span(&d), e->template_digest);
	return ASSAY_OK;
}
