/* dice.c: see dice.h. */
#include "dice.h"

#include <string.h>

#define OPEN_DICE_MODES 4
#define OPEN_DICE_CONFIG_SIZE 64 /* a configuration that is no hash */
#define DER_ENUMERATED 0x0A
#define TCB_FLAGS_ABNORMAL 0xF0 /* notConfigured, notSecure, recovery, debug */

const char *
dice_mode_name(enum dice_mode m)
{
	static const char *const names[DICE_MODE_COUNT] = {"unknown", "not-configured", "normal",
							   "debug", "recovery"};

	return names[(unsigned)m < DICE_MODE_COUNT ? m : DICE_MODE_UNKNOWN];
}

/* ---- open-dice: OpenDiceInput ---- */

/* The profile has hashes of 64 bytes; shorter ones are told apart by their size. */
static enum assay_err
hash_by_size(struct span s, struct digest *ret)
{
	static const uint16_t algs[] = {ALG_SHA256, ALG_SHA384, ALG_SHA512};

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		if (digest_size(algs[i]) == s.n)
			return digest_from(algs[i], s, ret);
	return ASSAY_MALFORMED;
}

/* EXPLICIT [n] OCTET STRING, if it comes next. */
static bool
explicit_octets(struct reader *r, unsigned n, struct span *ret)
{
	struct reader in;
	struct span s;

	if (!der_optional(r, (uint8_t)(DER_CONTEXT | n), &s))
		return false;
	rd_init(&in, s);
	*ret = der_get(&in, DER_OCTET_STRING);
	rd_fail(r, rd_finish(&in));
	return true;
}

static void
explicit_hash(struct reader *r, unsigned n, struct digest *ret)
{
	struct span s;

	if (explicit_octets(r, n, &s) && r->err == ASSAY_OK)
		rd_fail(r, hash_by_size(s, ret));
}

/* The profile says INTEGER, its own implementation writes ENUMERATED. */
static enum dice_mode
explicit_mode(struct reader *r)
{
	static const enum dice_mode modes[OPEN_DICE_MODES] = {
		DICE_MODE_NOT_CONFIGURED, DICE_MODE_NORMAL, DICE_MODE_DEBUG, DICE_MODE_RECOVERY};
	struct reader in;
	struct span s, v;
	uint8_t tag;

	if (!der_optional(r, DER_CONTEXT | 6, &s))
		return DICE_MODE_UNKNOWN;
	rd_init(&in, s);
	v = der_any(&in, &tag, NULL);
	if (rd_finish(&in) != ASSAY_OK || (tag != DER_INTEGER && tag != DER_ENUMERATED) ||
	    v.n != 1 || v.p[0] >= OPEN_DICE_MODES) {
		rd_fail(r, ASSAY_MALFORMED);
		return DICE_MODE_UNKNOWN;
	}
	return modes[v.p[0]];
}

/* The hash is of the descriptor; without one the descriptor is the input itself. */
static enum assay_err
settle_config(struct span descriptor, struct digest *config)
{
	struct digest d;
	enum assay_err e;

	if (config->alg == ALG_NONE)
		return descriptor.n == OPEN_DICE_CONFIG_SIZE
			       ? digest_from(ALG_SHA512, descriptor, config)
			       : ASSAY_OK;
	if (descriptor.n == 0)
		return ASSAY_OK;
	if ((e = digest_compute(config->alg, descriptor, &d)) != ASSAY_OK)
		return e;
	return digest_equal(&d, config) ? ASSAY_OK : ASSAY_MISMATCH;
}

enum assay_err
dice_input_parse(struct span extension, struct dice_layer *ret)
{
	struct dice_layer l = {.mode = DICE_MODE_UNKNOWN};
	struct span config = {NULL, 0}, ignored;
	struct reader in, r;
	enum assay_err e;

	rd_init(&in, extension);
	r = der_enter(&in, DER_SEQUENCE);
	explicit_hash(&r, 0, &l.code);
	(void)explicit_octets(&r, 1, &ignored);
	explicit_hash(&r, 2, &l.config);
	(void)explicit_octets(&r, 3, &config);
	explicit_hash(&r, 4, &l.authority);
	(void)explicit_octets(&r, 5, &ignored);
	l.mode = explicit_mode(&r);
	(void)der_optional(&r, DER_CONTEXT | 7, &ignored); /* profileName */
	if ((e = rd_finish(&r)) != ASSAY_OK || (e = rd_finish(&in)) != ASSAY_OK ||
	    (e = settle_config(config, &l.config)) != ASSAY_OK)
		return e;
	*ret = l;
	return ASSAY_OK;
}

/* ---- TCG DICE Attestation Architecture: DiceTcbInfo ---- */

static uint16_t
hash_by_oid(struct span oid)
{
	if (DER_OID_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x01"))
		return ALG_SHA256;
	if (DER_OID_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x02"))
		return ALG_SHA384;
	if (DER_OID_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x03"))
		return ALG_SHA512;
	return ALG_NONE;
}

/* FWID: the first that can be compared is the layer's code. */
static void
read_fwids(struct span list, struct reader *outer, struct dice_layer *l)
{
	struct reader r;

	rd_init(&r, list);
	for (unsigned i = 0; rd_left(&r) > 0 && i < DICE_LAYERS_MAX; i++) {
		struct reader in = der_enter(&r, DER_SEQUENCE);
		uint16_t alg = hash_by_oid(der_get(&in, DER_OID));
		struct span digest = der_get(&in, DER_OCTET_STRING);

		rd_fail(&r, rd_finish(&in));
		if (r.err != ASSAY_OK || alg == ALG_NONE)
			continue;
		rd_fail(&r, digest_size(alg) == digest.n ? ASSAY_OK : ASSAY_MALFORMED);
		if (r.err == ASSAY_OK && l->code.alg == ALG_NONE)
			rd_fail(&r, digest_from(alg, digest, &l->code));
	}
	rd_fail(outer, rd_finish(&r));
}

/* OperationalFlags: normal is what has none of the four; who does not say is unknown. */
static enum dice_mode
flags_mode(struct span bits, struct reader *r)
{
	struct reader in;
	uint8_t unused, first;

	rd_init(&in, bits);
	unused = rd_u8(&in);
	first = rd_left(&in) > 0 ? rd_u8(&in) : 0;
	(void)rd_rest(&in);
	if (rd_finish(&in) != ASSAY_OK || unused > 7) {
		rd_fail(r, ASSAY_MALFORMED);
		return DICE_MODE_UNKNOWN;
	}
	if (!(first & TCB_FLAGS_ABNORMAL))
		return DICE_MODE_NORMAL;
	if (first & 0x10)
		return DICE_MODE_DEBUG;
	return first & 0x20 ? DICE_MODE_RECOVERY : DICE_MODE_NOT_CONFIGURED;
}

static void
read_svn(struct span v, struct reader *r, struct dice_layer *l)
{
	if (v.n == 0 || v.n > 8 || (v.p[0] & 0x80)) {
		rd_fail(r, ASSAY_MALFORMED);
		return;
	}
	l->has_svn = true;
	for (size_t i = 0; i < v.n; i++)
		l->svn = l->svn << 8 | v.p[i];
}

enum assay_err
dice_tcb_parse(struct span extension, struct dice_layer *ret)
{
	struct dice_layer l = {.mode = DICE_MODE_UNKNOWN};
	struct reader in, r;
	enum assay_err e;
	struct span s;

	rd_init(&in, extension);
	r = der_enter(&in, DER_SEQUENCE);
	for (unsigned n = 0; n <= 2; n++) /* vendor, model, version */
		(void)der_optional(&r, (uint8_t)(DER_CONTEXT_PRIM | n), &s);
	if (der_optional(&r, DER_CONTEXT_PRIM | 3, &s))
		read_svn(s, &r, &l);
	for (unsigned n = 4; n <= 5; n++) /* layer, index */
		(void)der_optional(&r, (uint8_t)(DER_CONTEXT_PRIM | n), &s);
	if (der_optional(&r, DER_CONTEXT | 6, &s))
		read_fwids(s, &r, &l);
	if (der_optional(&r, DER_CONTEXT_PRIM | 7, &s))
		l.mode = flags_mode(s, &r);
	for (unsigned n = 8; n <= 10; n++) /* vendorInfo, type, flagsMask */
		(void)der_optional(&r, (uint8_t)(DER_CONTEXT_PRIM | n), &s);
	if ((e = rd_finish(&r)) != ASSAY_OK || (e = rd_finish(&in)) != ASSAY_OK)
		return e;
	*ret = l;
	return ASSAY_OK;
}

/* ---- the chain ---- */

struct walk {
	const struct dice_input *in;
	struct dice_chain *chain;
	const char *why;
	struct x509 parent; /* of the certificate before; none before the first */
	struct key issuer;
	unsigned cas_left; /* further CAs that the certificates so far permit */
};

static enum assay_err
because(struct walk *w, enum assay_err e, const char *why)
{
	if (e != ASSAY_OK)
		w->why = why;
	return e;
}

/* What the certificate says of the layer; both extensions must agree that it is normal. */
static enum assay_err
read_layer(const struct x509 *c, struct dice_layer *ret)
{
	struct dice_layer open = {.mode = DICE_MODE_UNKNOWN}, tcb = open;
	enum assay_err e = ASSAY_OK;

	if (c->dice_input.n != 0)
		e = dice_input_parse(c->dice_input, &open);
	if (e == ASSAY_OK && c->dice_tcb.n != 0)
		e = dice_tcb_parse(c->dice_tcb, &tcb);
	if (e != ASSAY_OK)
		return e;
	*ret = c->dice_input.n != 0 ? open : tcb;
	ret->has_svn = tcb.has_svn;
	ret->svn = tcb.svn;
	if (c->dice_input.n != 0 && c->dice_tcb.n != 0 && open.mode == DICE_MODE_NORMAL &&
	    tcb.mode != DICE_MODE_UNKNOWN)
		ret->mode = tcb.mode;
	return ASSAY_OK;
}

static enum assay_err
check_names(struct walk *w, const struct x509 *c)
{
	uint8_t issuer[X509_NAME_HASH_SIZE], subject[X509_NAME_HASH_SIZE];

	if (w->parent.der.n == 0)
		return ASSAY_OK; /* whatever certifies the first key calls it */
	if (x509_name_hash(c->issuer, issuer) != ASSAY_OK ||
	    x509_name_hash(w->parent.subject, subject) != ASSAY_OK ||
	    !span_equal(SPAN(issuer, sizeof issuer), SPAN(subject, sizeof subject)))
		return ASSAY_MISMATCH;
	if (c->akid.n != 0 && w->parent.skid.n != 0 && !span_equal(c->akid, w->parent.skid))
		return ASSAY_MISMATCH;
	return ASSAY_OK;
}

/* May it issue the next one, or if it is the last, sign? */
static enum assay_err
check_usage(struct walk *w, const struct x509 *c, bool last)
{
	bool ca = c->has_basic_constraints && c->is_ca;
	uint8_t may = X509_KU_CERT_SIGN | (last ? X509_KU_DIGITAL_SIGNATURE : 0);

	if (!last && !ca)
		return because(w, ASSAY_DENIED, "a layer that certifies another is no CA");
	if (c->has_key_usage && !(c->key_usage & may))
		return because(w, ASSAY_DENIED, "a key is used for what it is not certified for");
	if (ca && w->cas_left == 0)
		return because(w, ASSAY_DENIED, "the chain is longer than a layer permits");
	w->cas_left -= ca;
	if (c->pathlen != X509_PATHLEN_NONE && (unsigned)c->pathlen < w->cas_left)
		w->cas_left = (unsigned)c->pathlen;
	return ASSAY_OK;
}

static enum assay_err
check_certificate(struct walk *w, const struct x509 *c, bool last)
{
	enum assay_err e;

	if ((e = because(w, x509_verify(c, &w->issuer),
			 "a certificate is not signed by the key before it")) != ASSAY_OK ||
	    (e = because(w, check_names(w, c), "a certificate names another issuer")) != ASSAY_OK)
		return e;
	if (w->in->now < c->not_before || w->in->now > c->not_after)
		return because(w, ASSAY_EXPIRED, "a certificate is out of its time");
	if (c->unknown_critical != c->dice_critical || c->has_name_constraints)
		return because(w, ASSAY_UNSUPPORTED, "a critical extension is not understood");
	return check_usage(w, c, last);
}

static enum assay_err
take_certificate(struct walk *w, size_t i)
{
	bool last = i + 1 == w->in->ncerts, measured;
	struct dice_chain *chain = w->chain;
	enum assay_err e;
	struct x509 c;

	if ((e = because(w, x509_parse(w->in->certs[i], &c), "a certificate cannot be read")) !=
		    ASSAY_OK ||
	    (e = check_certificate(w, &c, last)) != ASSAY_OK)
		return e;
	measured = c.dice_input.n != 0 || c.dice_tcb.n != 0;
	if (!measured && (!last || i == 0))
		return because(w, ASSAY_MISSING, "a layer is without measurements");
	if (measured && (e = because(w, read_layer(&c, &chain->layer[chain->count]),
				     "a layer's measurements cannot be read")) != ASSAY_OK)
		return e;
	chain->count += measured;
	if ((e = because(w,
			 last ? devicekey_read(c.spki, &chain->signer)
			      : key_from_spki(c.spki, &w->issuer),
			 "a key cannot be used")) != ASSAY_OK ||
	    (e = because(w, key_check(last ? &chain->signer : &w->issuer), "a key is weak")) !=
		    ASSAY_OK)
		return e;
	w->parent = c;
	return last ? devicekey_name(c.spki, &chain->signer_name) : ASSAY_OK;
}

enum assay_err
dice_verify(const struct dice_input *in, struct dice_chain *ret, const char **ret_why)
{
	struct walk w = {.in = in, .chain = ret, .issuer = *in->root, .cas_left = DICE_LAYERS_MAX};
	enum assay_err e = ASSAY_OK;

	memset(ret, 0, sizeof *ret);
	*ret_why = "";
	if (in->ncerts == 0 || in->ncerts > DICE_LAYERS_MAX) {
		*ret_why = "there is no chain, or it has too many layers";
		return in->ncerts == 0 ? ASSAY_MISSING : ASSAY_TOO_MANY;
	}
	for (size_t i = 0; i < in->ncerts && e == ASSAY_OK; i++)
		e = take_certificate(&w, i);
	ret->normal = true;
	for (unsigned i = 0; i < ret->count; i++)
		ret->normal &= ret->layer[i].mode == DICE_MODE_NORMAL;
	if (e != ASSAY_OK) {
		memset(ret, 0, sizeof *ret);
		*ret_why = w.why ? w.why : assay_err_text(e);
	}
	return e;
}
