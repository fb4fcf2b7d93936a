/* x509_name.c: comparing and showing distinguished names. See x509.h. */
#include "x509_internal.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

#define DER_VISIBLE 0x1A
#define ATTRIBUTE_TEXT_MAX 160

void
x509_walk_init(struct x509_name_walk *w, struct span name)
{
	struct reader r;

	rd_init(&r, name);
	w->name = der_enter(&r, DER_SEQUENCE);
	rd_fail(&w->name, rd_finish(&r));
	rd_init(&w->rdn, (struct span){NULL, 0});
}

bool
x509_walk_next(struct x509_name_walk *w, struct x509_attribute *ret)
{
	struct reader in;

	ret->first = rd_left(&w->rdn) == 0;
	if (ret->first) {
		if (rd_left(&w->name) == 0)
			return false;
		w->rdn = der_enter(&w->name, DER_SET);
		if (rd_left(&w->rdn) == 0)
			rd_fail(&w->name, ASSAY_MALFORMED);
	}
	in = der_enter(&w->rdn, DER_SEQUENCE);
	ret->oid = der_get(&in, DER_OID);
	ret->value = der_any(&in, &ret->tag, NULL);
	rd_fail(&w->rdn, rd_finish(&in));
	rd_fail(&w->name, w->rdn.err);
	return w->name.err == ASSAY_OK;
}

/* ---- comparison ----------------------------------------------------------- */

bool
x509_is_text(uint8_t tag)
{
	return tag == DER_UTF8 || tag == DER_PRINTABLE || tag == DER_T61 || tag == DER_IA5 ||
	       tag == DER_VISIBLE;
}

/* Lower case, no space at either end, one where there were several. */
static enum assay_err
hash_text(struct hasher *h, struct span text)
{
	enum assay_err e = ASSAY_OK;
	bool started = false, space = false;

	for (size_t i = 0; i < text.n && e == ASSAY_OK; i++) {
		uint8_t c = text.p[i], out[2];
		size_t n = 0;

		if (c == ' ') {
			space = started;
			continue;
		}
		if (space)
			out[n++] = ' ';
		out[n++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
		started = true;
		space = false;
		e = hash_update(h, SPAN(out, n));
	}
	return e;
}

static enum assay_err
hash_value(const struct x509_attribute *a, struct digest *ret)
{
	uint8_t kind = x509_is_text(a->tag) ? 0 : a->tag;
	struct hasher h;
	enum assay_err e;

	if ((e = hash_init(&h, ALG_SHA256)) != ASSAY_OK ||
	    (e = hash_update(&h, SPAN(&kind, 1))) != ASSAY_OK)
		return e;
	e = kind == 0 ? hash_text(&h, a->value) : hash_update(&h, a->value);
	return e != ASSAY_OK ? e : hash_final(&h, ret);
}

/* Each attribute adds whether it starts a new set, and the hashes of its type and
 * its value: of one length each, so that no two names give the same bytes. */
static enum assay_err
hash_attribute(struct hasher *h, const struct x509_attribute *a)
{
	uint8_t first = a->first;
	struct digest type, value;
	enum assay_err e;

	if ((e = digest_compute(ALG_SHA256, a->oid, &type)) != ASSAY_OK ||
	    (e = hash_value(a, &value)) != ASSAY_OK ||
	    (e = hash_update(h, SPAN(&first, 1))) != ASSAY_OK ||
	    (e = hash_update(h, digest_span(&type))) != ASSAY_OK)
		return e;
	return hash_update(h, digest_span(&value));
}

enum assay_err
x509_name_hash(struct span name, uint8_t ret[X509_NAME_HASH_SIZE])
{
	struct x509_attribute a;
	struct x509_name_walk w;
	struct hasher h;
	struct digest d;
	enum assay_err e = hash_init(&h, ALG_SHA256);

	x509_walk_init(&w, name);
	while (e == ASSAY_OK && x509_walk_next(&w, &a))
		e = hash_attribute(&h, &a);
	if (e != ASSAY_OK || (e = rd_finish(&w.name)) != ASSAY_OK ||
	    (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	memcpy(ret, d.b, X509_NAME_HASH_SIZE);
	return ASSAY_OK;
}

bool
x509_name_is_empty(struct span name)
{
	struct reader r, in;

	rd_init(&r, name);
	in = der_enter(&r, DER_SEQUENCE);
	return rd_left(&in) == 0;
}

/* ---- text ----------------------------------------------------------------- */

static const char *
short_name(struct span oid)
{
	if (DER_OID_IS(oid, "\x55\x04\x03"))
		return "CN";
	if (DER_OID_IS(oid, "\x55\x04\x05"))
		return "serialNumber";
	if (DER_OID_IS(oid, "\x55\x04\x06"))
		return "C";
	if (DER_OID_IS(oid, "\x55\x04\x07"))
		return "L";
	if (DER_OID_IS(oid, "\x55\x04\x08"))
		return "ST";
	if (DER_OID_IS(oid, "\x55\x04\x0A"))
		return "O";
	if (DER_OID_IS(oid, "\x55\x04\x0B"))
		return "OU";
	if (DER_OID_IS(oid, "\x09\x92\x26\x89\x93\xF2\x2C\x64\x01\x19"))
		return "DC";
	return NULL;
}

/* The next arc of an object identifier; arcs over 28 bits fail the reader. */
static uint32_t
oid_arc(struct reader *r)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint8_t b = rd_u8(r);

		v = v << 7 | (b & 0x7Fu);
		if (!(b & 0x80))
			return v;
	}
	rd_fail(r, ASSAY_UNSUPPORTED);
	return 0;
}

void
x509_oid_text(struct span oid, char *ret, size_t cap)
{
	struct reader r;
	uint32_t arc, top;
	size_t n;

	rd_init(&r, oid);
	arc = oid_arc(&r);
	top = arc < 80 ? arc / 40 : 2;
	text_format(ret, cap, "%u.%u", top, arc - 40 * top);
	while (rd_left(&r) > 0) {
		n = strlen(ret);
		text_format(ret + n, cap - n, ".%u", oid_arc(&r));
	}
	if (rd_finish(&r) != ASSAY_OK)
		ret[0] = '\0';
}

static void
attribute_text(const struct x509_attribute *a, char *ret, size_t cap)
{
	char value[ATTRIBUTE_TEXT_MAX - 64], type[48];
	const char *known = short_name(a->oid);

	if (!known)
		x509_oid_text(a->oid, type, sizeof type);
	text_escape(a->value, value, sizeof value);
	text_format(ret, cap, "%s=%s", known ? known : type, value);
}

void
x509_name_text(struct span name, char *ret, size_t cap)
{
	char text[ATTRIBUTE_TEXT_MAX];
	struct x509_attribute a;
	struct x509_name_walk w;
	size_t n = 0;

	ret[0] = '\0';
	x509_walk_init(&w, name);
	while (x509_walk_next(&w, &a)) {
		const char *sep = n == 0 ? "" : a.first ? ", " : " + ";

		attribute_text(&a, text, sizeof text);
		if (strlen(sep) + strlen(text) + sizeof "..." > cap - n) {
			text_format(ret + n, cap - n, "...");
			return;
		}
		text_format(ret + n, cap - n, "%s%s", sep, text);
		n = strlen(ret);
	}
}
