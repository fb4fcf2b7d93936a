/* dicemade.c: see dicemade.h. */
#include "dicemade.h"

#include "evidence/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1780000000 /* 2026-05-28 */

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "dicemade: %s failed\n", what);
	abort();
}

/* ---- DER ---- */

struct der {
	size_t n;
	uint8_t b[DICEMADE_CERT_MAX];
};

static void
put(struct der *d, uint8_t tag, const void *p, size_t n)
{
	must(d->n + n + 4 <= sizeof d->b, "room");
	d->b[d->n++] = tag;
	if (n >= 0x100) {
		d->b[d->n++] = 0x82;
		d->b[d->n++] = (uint8_t)(n >> 8);
	} else if (n >= 0x80) {
		d->b[d->n++] = 0x81;
	}
	d->b[d->n++] = (uint8_t)n;
	if (n)
		memcpy(d->b + d->n, p, n);
	d->n += n;
}

static void
put_raw(struct der *d, const void *p, size_t n)
{
	must(d->n + n <= sizeof d->b, "room");
	memcpy(d->b + d->n, p, n);
	d->n += n;
}

static void
put_der(struct der *d, uint8_t tag, const struct der *in)
{
	put(d, tag, in->b, in->n);
}

static void
put_name(struct der *d, const char *serial)
{
	struct der attribute = {0}, set = {0}, name = {0};

	put(&attribute, DER_OID, "\x55\x04\x05", 3); /* serialNumber */
	put(&attribute, DER_UTF8, serial, strlen(serial));
	put_der(&set, DER_SEQUENCE, &attribute);
	put_der(&name, DER_SET, &set);
	put_der(d, DER_SEQUENCE, &name);
}

static void
put_time(struct der *d, const char *text, const char *otherwise)
{
	const char *s = text ? text : otherwise;

	put(d, strlen(s) == 13 ? DER_UTCTIME : DER_GENTIME, s, strlen(s));
}

static void
put_algorithm(struct der *d, const struct softkey *k)
{
	struct der alg = {0};

	switch (k->kind) {
	case SOFTKEY_P256:
		put(&alg, DER_OID, "\x2A\x86\x48\xCE\x3D\x04\x03\x02", 8);
		break;
	case SOFTKEY_P384:
		put(&alg, DER_OID, "\x2A\x86\x48\xCE\x3D\x04\x03\x03", 8);
		break;
	case SOFTKEY_ED25519:
		put(&alg, DER_OID, "\x2B\x65\x70", 3);
		break;
	default:
		put(&alg, DER_OID, "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B", 9);
		put(&alg, DER_NULL, NULL, 0);
	}
	put_der(d, DER_SEQUENCE, &alg);
}

static void
put_extension(struct der *d, struct span oid, bool critical, const struct der *value)
{
	struct der x = {0};

	put(&x, DER_OID, oid.p, oid.n);
	if (critical)
		put(&x, DER_BOOLEAN, "\xFF", 1);
	put_der(&x, DER_OCTET_STRING, value);
	put_der(d, DER_SEQUENCE, &x);
}

#define OID(lit) SPAN(lit, sizeof(lit) - 1)

/* ---- extensions ---- */

static void
put_explicit(struct der *d, unsigned n, uint8_t tag, const void *p, size_t len)
{
	struct der in = {0};

	put(&in, tag, p, len);
	put_der(d, (uint8_t)(DER_CONTEXT | n), &in);
}

static void
put_filled(struct der *d, unsigned n, uint8_t fill)
{
	uint8_t b[64];

	memset(b, fill, sizeof b);
	if (fill)
		put_explicit(d, n, DER_OCTET_STRING, b, sizeof b);
}

static void
put_config(struct der *d, const struct dicemade_spec *s)
{
	uint8_t descriptor[40];
	struct digest h;

	if (!s->config_hash) {
		put_filled(d, 3, s->config);
		return;
	}
	memset(descriptor, s->config, sizeof descriptor);
	must(digest_compute(ALG_SHA512, SPAN(descriptor, sizeof descriptor), &h) == ASSAY_OK,
	     "hash");
	h.b[0] ^= s->wrong_hash;
	put_explicit(d, 2, DER_OCTET_STRING, h.b, h.len);
	put_explicit(d, 3, DER_OCTET_STRING, descriptor, sizeof descriptor);
}

static void
put_open_dice(struct der *d, const struct dicemade_spec *s)
{
	struct der in = {0}, value = {0};
	uint8_t mode = (uint8_t)s->mode;

	put_filled(&in, 0, s->code);
	if (s->config)
		put_config(&in, s);
	put_filled(&in, 4, s->authority);
	if (s->mode >= 0)
		put_explicit(&in, 6, s->enumerated ? 0x0A : DER_INTEGER, &mode, 1);
	put_der(&value, DER_SEQUENCE, &in);
	put_extension(d, OID("\x2B\x06\x01\x04\x01\xD6\x79\x02\x01\x18"), s->critical, &value);
}

static void
put_tcb(struct der *d, const struct dicemade_spec *s)
{
	struct der in = {0}, value = {0}, fwid = {0}, list = {0};
	uint8_t b[32], svn = (uint8_t)s->svn, flags[2] = {0, (uint8_t)s->flags};

	put(&in, DER_CONTEXT_PRIM | 0, "vendor", 6);
	if (s->svn >= 0)
		put(&in, DER_CONTEXT_PRIM | 3, &svn, 1);
	memset(b, s->code, sizeof b);
	put(&fwid, DER_OID, "\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9);
	put(&fwid, DER_OCTET_STRING, b, sizeof b);
	put_der(&list, DER_SEQUENCE, &fwid);
	if (s->code)
		put_der(&in, DER_CONTEXT | 6, &list);
	if (s->flags >= 0)
		put(&in, DER_CONTEXT_PRIM | 7, flags, sizeof flags);
	put_der(&value, DER_SEQUENCE, &in);
	put_extension(d, OID("\x67\x81\x05\x05\x04\x01"), s->critical, &value);
}

static void
put_extensions(struct der *d, const struct dicemade_spec *s)
{
	struct der list = {0}, basic = {0}, value = {0}, usage = {0}, all = {0};
	uint8_t pathlen = (uint8_t)s->pathlen, bits[2] = {0, s->key_usage};

	if (s->ca) {
		put(&basic, DER_BOOLEAN, "\xFF", 1);
		if (s->pathlen >= 0)
			put(&basic, DER_INTEGER, &pathlen, 1);
		put_der(&value, DER_SEQUENCE, &basic);
		put_extension(&list, OID("\x55\x1D\x13"), true, &value);
	}
	if (s->key_usage) {
		while (!(s->key_usage >> bits[0] & 1))
			bits[0]++;
		put(&usage, DER_BIT_STRING, bits, 2);
		put_extension(&list, OID("\x55\x1D\x0F"), true, &usage);
	}
	if (s->open_dice)
		put_open_dice(&list, s);
	if (s->tcb)
		put_tcb(&list, s);
	if (s->unknown_critical) {
		struct der null = {0};

		put(&null, DER_NULL, NULL, 0);
		put_extension(&list, OID("\x2A\x03\x04\x05"), true, &null);
	}
	if (list.n == 0)
		return;
	put_der(&all, DER_SEQUENCE, &list);
	put_der(d, DER_CONTEXT | 3, &all);
}

size_t
dicemade_cert(const struct dicemade_spec *s, uint8_t *ret)
{
	struct der version = {0}, tbs = {0}, body = {0}, validity = {0}, out = {0};
	uint8_t sig[520], serial[8] = {0x11, 1, 2, 3, 4, 5, 6, 7};
	size_t n;

	put(&version, DER_INTEGER, "\x02", 1);
	put_der(&body, DER_CONTEXT | 0, &version);
	put(&body, DER_INTEGER, serial, sizeof serial);
	put_algorithm(&body, s->issuer);
	put_name(&body, s->issuer_name);
	put_time(&validity, s->not_before, DICEMADE_NOT_BEFORE);
	put_time(&validity, s->not_after, "99991231235959Z");
	put_der(&body, DER_SEQUENCE, &validity);
	put_name(&body, s->subject_name);
	put_raw(&body, s->subject->spki, s->subject->spki_len);
	put_extensions(&body, s);
	put_der(&tbs, DER_SEQUENCE, &body);
	sig[0] = 0; /* unused bits */
	n = softkey_sign_x509(s->issuer, SPAN(tbs.b, tbs.n), sig + 1);
	body.n = 0;
	put_raw(&body, tbs.b, tbs.n);
	put_algorithm(&body, s->issuer);
	put(&body, DER_BIT_STRING, sig, n + 1);
	put_der(&out, DER_SEQUENCE, &body);
	memcpy(ret, out.b, out.n);
	return out.n;
}

/* ---- a device ---- */

static const char *const names[] = {"uds",    "layer0", "layer1", "layer2", "layer3",
				    "layer4", "layer5", "layer6", "layer7"};

static struct softkey *
key_of(struct dicemade *d, size_t i)
{
	return i < d->layers ? &d->layer[i] : &d->alias;
}

struct dicemade_spec
dicemade_spec_of(struct dicemade *d, size_t i)
{
	bool leaf = i >= d->layers;
	struct dicemade_spec s = {
		.issuer = i == 0 ? &d->root : key_of(d, i - 1),
		.subject = key_of(d, i),
		.issuer_name = names[i],
		.subject_name = names[i + 1],
		.ca = !leaf,
		.pathlen = -1,
		.key_usage = leaf ? X509_KU_DIGITAL_SIGNATURE : X509_KU_CERT_SIGN,
		.open_dice = !leaf,
		.critical = true,
		.mode = 1,
		.code = (uint8_t)(0x10 + i),
		.config = (uint8_t)(0x20 + i),
		.authority = (uint8_t)(0x30 + i),
		.flags = -1,
		.svn = -1,
	};

	return s;
}

void
dicemade_again(struct dicemade *d, size_t i, const struct dicemade_spec *spec)
{
	d->certs[i] = SPAN(d->der[i], dicemade_cert(spec, d->der[i]));
}

void
dicemade_init(struct dicemade *d, enum softkey_kind kind, unsigned layers, bool leaf)
{
	memset(d, 0, sizeof *d);
	d->layers = layers;
	d->ncerts = layers + leaf;
	must(d->ncerts <= DICE_LAYERS_MAX, "layers");
	softkey_init(&d->root, kind);
	for (size_t i = 0; i < d->ncerts; i++)
		softkey_init(key_of(d, i), kind);
	for (size_t i = 0; i < d->ncerts; i++) {
		struct dicemade_spec s = dicemade_spec_of(d, i);

		dicemade_again(d, i, &s);
	}
}

void
dicemade_update(struct dicemade *d, size_t first, uint8_t code)
{
	for (size_t i = first; i < d->ncerts; i++) {
		enum softkey_kind kind = key_of(d, i)->kind;

		softkey_free(key_of(d, i));
		softkey_init(key_of(d, i), kind);
	}
	for (size_t i = first; i < d->ncerts; i++) {
		struct dicemade_spec s = dicemade_spec_of(d, i);

		if (i == first)
			s.code = code;
		dicemade_again(d, i, &s);
	}
}

void
dicemade_free(struct dicemade *d)
{
	softkey_free(&d->root);
	softkey_free(&d->alias);
	for (size_t i = 0; i < DICE_LAYERS_MAX; i++)
		softkey_free(&d->layer[i]);
}

struct softkey *
dicemade_signer(struct dicemade *d)
{
	return key_of(d, d->ncerts - 1);
}

enum assay_err
dicemade_verify(struct dicemade *d, struct dice_chain *ret)
{
	struct dice_input in = {.ncerts = d->ncerts, .certs = d->certs, .now = NOW};
	struct key root;
	const char *why;

	must(devicekey_read(softkey_spki(&d->root), &root) == ASSAY_OK, "root");
	in.root = &root;
	return dice_verify(&in, ret, &why);
}
