/* corim_sign.c: COSE_Sign1 (RFC 9052, 4.2) around a CoRIM: its header, its signature, and
 * the path from its certificates to a root that was given. See corim.h. */
#include "corim.h"

#include "cbor_read.h"

#include "verifier/appraise/text.h"
#include "verifier/appraise/x509.h"

#include <cbor.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_TYPE "application/rim+cbor"
#define SIGNATURE_MAX 1024
#define HEADER_MAX 65536
#define SIG_STRUCTURE_OVERHEAD 64

/* ---- header ---- */

static void
header_bad(struct corim_signature *s, const char *why)
{
	if (!s->header_bad)
		text_format(s->header_why, sizeof s->header_why, "%s", why);
	s->header_bad = true;
}

static void
read_chain(struct cbor_reader *r, struct corim_signature *s)
{
	struct cbor_entry e = cbor_next(r);
	uint64_t n = e.kind == CBOR_ARRAY ? e.value : 0;

	if (s->nchain != 0) {
		header_bad(s, "certificates stand in both headers");
		cbor_fail(r, ASSAY_DUPLICATE);
		return;
	}
	if (e.kind == CBOR_BYTES) {
		s->chain[s->nchain++] = e.bytes;
		return;
	}
	if (e.kind != CBOR_ARRAY || n == 0 || n > CORIM_CHAIN_MAX) {
		cbor_fail(r, n > CORIM_CHAIN_MAX ? ASSAY_TOO_MANY : ASSAY_MALFORMED);
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		s->chain[s->nchain++] = cbor_want(r, CBOR_BYTES).bytes;
}

static void
read_signer(struct cbor_reader *r, struct corim_signature *s)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		if (cbor_int(r) == 0)
			corim_text(r, s->name);
		else
			cbor_item(r);
	}
}

/* The time of a second header must not contradict the first's. */
static void
agree(struct corim_signature *s, int64_t *mine, int64_t theirs)
{
	if (*mine != 0 && theirs != 0 && *mine != theirs)
		header_bad(s, "corim-meta and CWT claims name different times");
	if (theirs != 0)
		*mine = theirs;
}

static void
read_meta(struct span in, struct corim_signature *s)
{
	int64_t not_before = 0, not_after = 0;
	struct cbor_reader r;
	struct cbor_entry map;

	s->has_meta = true;
	if (cbor_check(in) != ASSAY_OK) {
		header_bad(s, "corim-meta is no well-formed CBOR");
		return;
	}
	cbor_open(&r, in);
	map = cbor_want(&r, CBOR_MAP);
	for (uint64_t i = 0; i < map.value && r.err == ASSAY_OK; i++) {
		int64_t key = cbor_int(&r);

		if (key == 0)
			read_signer(&r, s);
		else if (key == 1)
			corim_validity(&r, &not_before, &not_after);
		else
			cbor_item(&r);
	}
	if (cbor_finish(&r) != ASSAY_OK)
		header_bad(s, "corim-meta has not the form of one");
	agree(s, &s->not_before, not_before);
	agree(s, &s->not_after, not_after);
}

static void
read_claims(struct cbor_reader *r, struct corim_signature *s)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);
	char issuer[CORIM_TEXT_MAX] = "";

	s->has_claims = true;
	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);

		if (key == 1)
			corim_text(r, issuer);
		else if (key == 4)
			agree(s, &s->not_after, cbor_int(r));
		else if (key == 5)
			agree(s, &s->not_before, cbor_int(r));
		else
			cbor_item(r);
	}
	if (!*issuer)
		header_bad(s, "the CWT claims name no issuer");
	else if (!*s->name)
		memcpy(s->name, issuer, sizeof s->name);
}

static void
read_content_type(struct cbor_reader *r, struct corim_signature *s)
{
	static const char wanted[] = CONTENT_TYPE;
	struct cbor_entry e = cbor_next(r);

	if (e.kind != CBOR_TEXT || !span_equal(e.bytes, SPAN(wanted, sizeof wanted - 1)))
		header_bad(s, "the content is not application/rim+cbor");
}

/* Members that change what is signed, or that must be understood and are not, make the
 * header a bad one; others are of no matter. */
static void
read_header_member(struct cbor_reader *r, struct corim_signature *s, int64_t key)
{
	switch (key) {
	case 1:
		s->alg = cbor_int(r);
		break;
	case 2:
		cbor_item(r);
		header_bad(s, "the header has critical members");
		break;
	case 3:
		read_content_type(r, s);
		break;
	case 4:
		s->kid = cbor_want(r, CBOR_BYTES).bytes;
		break;
	case 8:
		read_meta(cbor_want(r, CBOR_BYTES).bytes, s);
		break;
	case 15:
		read_claims(r, s);
		break;
	case 33:
		read_chain(r, s);
		break;
	case 258:
	case 259:
	case 260:
		cbor_item(r);
		header_bad(s, "a hash envelope is not handled");
		break;
	default:
		cbor_item(r);
	}
}

static enum assay_err
read_protected(struct corim_signature *s)
{
	bool has_alg = false, has_type = false;
	struct cbor_reader r;
	struct cbor_entry map;
	enum assay_err e;

	if (s->protected.n > HEADER_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = cbor_check(s->protected)) != ASSAY_OK)
		return e;
	cbor_open(&r, s->protected);
	map = cbor_want(&r, CBOR_MAP);
	for (uint64_t i = 0; i < map.value && r.err == ASSAY_OK; i++) {
		int64_t key = INT64_MIN;

		if (cbor_peek(&r) == CBOR_TEXT)
			cbor_item(&r);
		else
			key = cbor_int(&r);
		has_alg |= key == 1;
		has_type |= key == 3;
		if (r.err == ASSAY_OK)
			read_header_member(&r, s, key);
	}
	if (!has_alg)
		cbor_fail(&r, ASSAY_MISSING);
	if (!has_type)
		header_bad(s, "the header does not say what the content is");
	if (!s->has_meta && !s->has_claims)
		header_bad(s, "the header has neither corim-meta nor CWT claims");
	return cbor_finish(&r);
}

/* Nothing here is signed: only certificates, which prove themselves, are taken. */
static void
read_unprotected(struct cbor_reader *r, struct corim_signature *s)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		if (cbor_peek(r) == CBOR_TEXT) {
			cbor_item(r);
			cbor_item(r);
		} else if (cbor_int(r) == 33) {
			read_chain(r, s);
		} else {
			cbor_item(r);
		}
	}
}

enum assay_err
corim_read_sign1(struct cbor_reader *r, struct corim *c)
{
	struct corim_signature *s = &c->sign;
	enum assay_err e;

	text_format(c->why, sizeof c->why, "the signature around the CoRIM");
	s->present = true;
	if (cbor_want(r, CBOR_ARRAY).value != 4)
		cbor_fail(r, ASSAY_MALFORMED);
	s->protected = cbor_want(r, CBOR_BYTES).bytes;
	if (r->err == ASSAY_OK && (e = read_protected(s)) != ASSAY_OK)
		return e;
	read_unprotected(r, s);
	s->payload = cbor_want(r, CBOR_BYTES).bytes;
	s->bytes = cbor_want(r, CBOR_BYTES).bytes;
	if (r->err == ASSAY_OK && (s->bytes.n == 0 || s->bytes.n > SIGNATURE_MAX))
		cbor_fail(r, ASSAY_MALFORMED);
	e = cbor_finish(r);
	if (e == ASSAY_OK)
		c->why[0] = '\0';
	return e;
}

/* ---- signature ---- */

static const struct cose_alg {
	int64_t id;
	uint16_t scheme, hash, curve;
} algs[] = {
	{-7, SIG_ECDSA, ALG_SHA256, CURVE_P256},
	{-35, SIG_ECDSA, ALG_SHA384, CURVE_P384},
	{-36, SIG_ECDSA, ALG_SHA512, CURVE_P521},
	{-37, SIG_RSAPSS, ALG_SHA256, CURVE_NONE},
	{-38, SIG_RSAPSS, ALG_SHA384, CURVE_NONE},
	{-39, SIG_RSAPSS, ALG_SHA512, CURVE_NONE},
};

static const struct cose_alg *
find_alg(int64_t id)
{
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		if (algs[i].id == id)
			return &algs[i];
	return NULL;
}

/* RFC 9052, 4.4: ["Signature1", protected, h'', payload] */
static enum assay_err
sig_structure(const struct corim_signature *s, uint8_t **ret, size_t *ret_len)
{
	static const char context[] = "Signature1";
	size_t cap = s->protected.n + s->payload.n + SIG_STRUCTURE_OVERHEAD;
	uint8_t head[9], *p = malloc(cap);
	struct writer w;

	wr_init(&w, p, p ? cap : 0);
	wr_bytes(&w, SPAN(head, cbor_encode_array_start(4, head, sizeof head)));
	wr_bytes(&w, SPAN(head, cbor_encode_string_start(sizeof context - 1, head, sizeof head)));
	wr_bytes(&w, SPAN(context, sizeof context - 1));
	wr_bytes(&w, SPAN(head, cbor_encode_bytestring_start(s->protected.n, head, sizeof head)));
	wr_bytes(&w, s->protected);
	wr_bytes(&w, SPAN(head, cbor_encode_bytestring_start(0, head, sizeof head)));
	wr_bytes(&w, SPAN(head, cbor_encode_bytestring_start(s->payload.n, head, sizeof head)));
	wr_bytes(&w, s->payload);
	if (!p || wr_finish(&w, ret_len) != ASSAY_OK) {
		free(p);
		return ASSAY_NO_MEMORY;
	}
	*ret = p;
	return ASSAY_OK;
}

static bool
key_fits(const struct key *k, const struct cose_alg *alg)
{
	if (key_check(k) != ASSAY_OK)
		return false;
	return alg->scheme == SIG_ECDSA ? k->type == KEY_ECC && k->curve == alg->curve
					: k->type == KEY_RSA;
}

static bool
signed_by(const struct corim_signature *s, const struct cose_alg *alg, const struct key *k,
	  struct span message)
{
	struct signature sig = {.scheme = alg->scheme, .hash = alg->hash};
	size_t half = s->bytes.n / 2;

	if (!key_fits(k, alg))
		return false;
	if (alg->scheme == SIG_ECDSA) {
		if (s->bytes.n != 2 * (size_t)k->xy_len)
			return false;
		sig.r = SPAN(s->bytes.p, half);
		sig.s = SPAN(s->bytes.p + half, half);
	} else {
		sig.rsa = s->bytes;
	}
	return key_verify_message(k, &sig, message) == ASSAY_OK;
}

/* ---- the path to a root ---- */

static bool
in_time(const struct x509 *c, int64_t at)
{
	return at >= c->not_before && at <= c->not_after;
}

/* Whether this certificate may have issued what has `below` certificates under it. */
static bool
may_issue(const struct x509 *c, int below)
{
	return c->has_basic_constraints && c->is_ca &&
	       (!c->has_key_usage || (c->key_usage & X509_KU_CERT_SIGN)) &&
	       c->unknown_critical == 0 && !c->has_name_constraints &&
	       (c->pathlen == X509_PATHLEN_NONE || below <= c->pathlen);
}

static bool
issued(const struct x509 *issuer, const struct x509 *child, int below)
{
	uint8_t a[X509_NAME_HASH_SIZE], b[X509_NAME_HASH_SIZE];
	struct key k;

	return may_issue(issuer, below) && x509_name_hash(issuer->subject, a) == ASSAY_OK &&
	       x509_name_hash(child->issuer, b) == ASSAY_OK &&
	       span_equal(SPAN(a, sizeof a), SPAN(b, sizeof b)) &&
	       key_from_spki(issuer->spki, &k) == ASSAY_OK && key_check(&k) == ASSAY_OK &&
	       x509_verify(child, &k) == ASSAY_OK;
}

/* The root that the topmost certificate is, or was issued by. */
static enum corim_reason
find_root(const struct corim_anchors *a, const struct x509 *top, int below, int64_t at)
{
	enum corim_reason r = CORIM_UNTRUSTED;

	for (size_t i = 0; i < a->nroots && i < CORIM_ANCHORS_MAX; i++) {
		struct x509 root;

		if (x509_parse(a->roots[i], &root) != ASSAY_OK)
			continue;
		if (!span_equal(root.der, top->der) && !issued(&root, top, below))
			continue;
		if (in_time(&root, at))
			return CORIM_OK;
		r = CORIM_SIGNER_EXPIRED;
	}
	return r;
}

static enum corim_reason
check_chain(const struct corim_signature *s, const struct corim_anchors *a, int64_t at,
	    struct key *ret)
{
	struct x509 leaf, child, next;

	if (x509_parse(s->chain[0], &leaf) != ASSAY_OK)
		return CORIM_HEADER;
	if (leaf.unknown_critical != 0 ||
	    (leaf.has_key_usage && !(leaf.key_usage & X509_KU_DIGITAL_SIGNATURE)))
		return CORIM_UNTRUSTED;
	if (key_from_spki(leaf.spki, ret) != ASSAY_OK)
		return CORIM_ALGORITHM;
	child = leaf;
	for (int i = 1; i < s->nchain; i++) {
		if (x509_parse(s->chain[i], &next) != ASSAY_OK)
			return CORIM_HEADER;
		if (!issued(&next, &child, i - 1))
			return CORIM_UNTRUSTED;
		if (!in_time(&child, at))
			return CORIM_SIGNER_EXPIRED;
		child = next;
	}
	if (!in_time(&child, at))
		return CORIM_SIGNER_EXPIRED;
	return find_root(a, &child, s->nchain - 1, at);
}

static enum corim_reason
name_signer(const struct key *k, uint8_t ret[32])
{
	uint8_t spki[KEY_SPKI_MAX];
	size_t n;

	if (key_to_spki(k, spki, sizeof spki, &n) != ASSAY_OK ||
	    digest_sha256(SPAN(spki, n), ret) != ASSAY_OK)
		return CORIM_UNDECIDED;
	return CORIM_OK;
}

/* Keys that were given are as good as a root each. */
static enum corim_reason
try_keys(const struct corim_signature *s, const struct cose_alg *alg,
	 const struct corim_anchors *a, struct span message, uint8_t ret_signer[32])
{
	struct key k;

	for (size_t i = 0; i < a->nkeys && i < CORIM_ANCHORS_MAX; i++)
		if (key_from_spki(a->keys[i], &k) == ASSAY_OK && signed_by(s, alg, &k, message))
			return name_signer(&k, ret_signer);
	return CORIM_SIGNATURE;
}

enum corim_reason
corim_verify(const struct corim *c, const struct corim_anchors *a, int64_t at,
	     uint8_t ret_signer[32])
{
	const struct corim_signature *s = &c->sign;
	const struct cose_alg *alg = find_alg(s->alg);
	enum corim_reason r = CORIM_UNDECIDED;
	uint8_t *message = NULL;
	size_t n = 0;
	struct key k;

	if (!s->present)
		return CORIM_UNSIGNED;
	if (a->nroots == 0 && a->nkeys == 0)
		return CORIM_UNCHECKED;
	if (!alg)
		return CORIM_ALGORITHM;
	if (s->header_bad)
		return CORIM_HEADER;
	if (sig_structure(s, &message, &n) != ASSAY_OK)
		return CORIM_UNDECIDED;
	if (a->nkeys != 0)
		r = try_keys(s, alg, a, SPAN(message, n), ret_signer);
	if (r != CORIM_OK && a->nroots != 0) {
		r = s->nchain == 0 ? CORIM_UNTRUSTED : check_chain(s, a, at, &k);
		if (r == CORIM_OK)
			r = signed_by(s, alg, &k, SPAN(message, n)) ? name_signer(&k, ret_signer)
								   : CORIM_SIGNATURE;
	}
	free(message);
	return r;
}
