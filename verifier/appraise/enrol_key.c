/*
 * enrol_key.c: the enrolment of a device without TPM; see appraise.h.
 *
 * The key is shown to be there by a signature over a nonce that keeper drew, and over
 * this very request. What the key is worth follows from what an operator registered: a
 * DICE root or its vendor, the CA of a token; a key of which nobody says anything is
 * software, whatever it is in.
 */
#include "enrol_parts.h"

#include "dice.h"
#include "ekcert_path.h"
#include "evidence/hex.h"
#include "text.h"

#include <string.h>

struct key_enrolment {
	const struct enrol_input *in;
	struct enrol_verdict *v;
	struct msg_enrol_key msg;
	struct key identity, signer;
	struct tpm_name signer_name;
	struct x509 cert;
};

static bool
read_identity(struct key_enrolment *e)
{
	struct enrol_verdict *v = e->v;
	struct span spki = e->msg.key_public;
	enum assay_err err = devicekey_read(spki, &e->identity);

	if (err != ASSAY_OK)
		return enrol_refused(v, FIND_MALFORMED, "key", assay_err_text(err));
	if (devicekey_name(spki, &v->ek_name) != ASSAY_OK)
		return false;
	v->ak_name = v->ek_name;
	v->ek_public_len = v->ak_public_len = (uint16_t)spki.n;
	memcpy(v->ek_public, spki.p, spki.n);
	memcpy(v->ak_public, spki.p, spki.n);
	return hex_encode(SPAN(v->ek_name.b + 2, DEVICE_ID_HEX / 2), v->device_id,
			  sizeof v->device_id) == ASSAY_OK;
}

/* ---- the certificate ---- */

static void
describe(const struct x509 *c, struct ek_facts *f)
{
	char issuer[sizeof f->issuer];

	f->certificate = true;
	f->not_after = c->not_after > 0 ? c->not_after : 0;
	x509_name_text(c->issuer, issuer, sizeof issuer);
	text_format(f->issuer, sizeof f->issuer, "%s", issuer);
	if (c->serial.n == 0 || 2 * c->serial.n >= sizeof f->serial ||
	    hex_encode(c->serial, f->serial, sizeof f->serial) != ASSAY_OK)
		f->serial[0] = '\0';
}

/* An operator may register the certificate itself: of a UDS that no vendor certifies. */
static bool
is_registered(const struct roots *roots, const struct x509 *c)
{
	struct roots_search s;
	struct roots_entry entry;

	roots_find_issuer(roots, c->subject, c->skid, &s);
	while (roots_next(&s, &entry))
		if (entry.is_root && span_equal(entry.der, c->der))
			return true;
	return false;
}

/* What the certificate must be beside its chain: in time, understood, for this use. */
static enum ekcert_reason
check_certificate(const struct key_enrolment *e, bool dice)
{
	const struct x509 *c = &e->cert;
	uint8_t use = dice ? X509_KU_CERT_SIGN : X509_KU_DIGITAL_SIGNATURE;

	if (e->in->now > c->not_after)
		return EKCERT_EXPIRED;
	if (e->in->now < c->not_before)
		return EKCERT_NOT_YET_VALID;
	if (c->unknown_critical > 0 || c->has_name_constraints)
		return EKCERT_CRITICAL_EXTENSION;
	if (c->has_key_usage && !(c->key_usage & use))
		return EKCERT_KEY_USAGE;
	if (dice != (c->has_basic_constraints && c->is_ca))
		return dice ? EKCERT_ISSUER_NOT_CA : EKCERT_IS_CA;
	return EKCERT_CHAIN_OK;
}

static enum ekcert_reason
find_path(const struct key_enrolment *e, const struct roots *roots)
{
	struct ekcert_input in = {
		.cert = e->msg.certificates[0], .roots = roots, .time = e->in->now};
	struct path p;
	enum ekcert_reason r;

	for (size_t i = 1; i < e->msg.ncertificates; i++)
		in.intermediates[in.nintermediates++] = e->msg.certificates[i];
	r = path_find(&p, &in, &e->cert);
	for (unsigned i = 1; r == EKCERT_CHAIN_OK && i <= p.depth; i++) {
		if (p.node[i].facts & EKCERT_FACT_CRL_UNUSABLE)
			r = EKCERT_CRL_UNUSABLE;
		if (p.node[i].facts &
		    (EKCERT_FACT_ISSUER_EXPIRED | EKCERT_FACT_ISSUER_NOT_YET_VALID))
			r = EKCERT_ISSUER_EXPIRED;
	}
	return r;
}

/* Whether what an operator registered vouches for the key; false: refused, or a fault. */
static bool
judge_certificate(struct key_enrolment *e, bool dice)
{
	struct ek_facts *f = &e->v->ek;
	enum ekcert_reason r;
	struct roots roots;
	enum assay_err err;

	text_format(f->reason, sizeof f->reason, "no-certificate");
	if (e->msg.ncertificates == 0)
		return true;
	err = x509_parse(e->msg.certificates[0], &e->cert);
	if (err != ASSAY_OK)
		return enrol_refused(e->v, FIND_MALFORMED, "certificate", assay_err_text(err));
	if (!span_equal(e->cert.spki, e->msg.key_public))
		return enrol_refused(e->v, FIND_KEY_CERTIFICATE, "certificate", "");
	if (roots_open(dice ? e->in->dice_roots : e->in->token_roots, &roots) != ASSAY_OK)
		return false;
	describe(&e->cert, f);
	r = check_certificate(e, dice);
	if (r == EKCERT_CHAIN_OK && !(dice && is_registered(&roots, &e->cert)))
		r = find_path(e, &roots);
	if (r == EKCERT_REVOKED || r == EKCERT_ISSUER_REVOKED)
		return enrol_refused(e->v, FIND_EK_REVOKED, "certificate", ekcert_reason_text(r));
	f->trusted = r == EKCERT_CHAIN_OK;
	text_format(f->reason, sizeof f->reason, "%s", ekcert_reason_word(r));
	return true;
}

/* ---- the chain, and the signature ---- */

static bool
read_layers(struct key_enrolment *e)
{
	struct dice_input in = {.root = &e->identity,
				.ncerts = e->msg.nlayers,
				.certs = e->msg.layers,
				.now = e->in->now};
	struct dice_chain chain;
	const char *why;

	if (e->msg.nlayers == 0) {
		e->signer = e->identity;
		e->signer_name = e->v->ek_name;
		return true;
	}
	if (dice_verify(&in, &chain, &why) != ASSAY_OK)
		return enrol_refused(e->v, FIND_DICE_CHAIN, "layers", why);
	if (!chain.normal)
		return enrol_refused(e->v, FIND_DICE_MODE, "layers", "");
	e->signer = chain.signer;
	e->signer_name = chain.signer_name;
	return true;
}

/* The key is there, now, on this connection, and asks for exactly this (I2, I6). */
static bool
check_possession(struct key_enrolment *e, struct arena *scratch)
{
	const struct enrol_input *in = e->in;
	struct binding b = {.kind = BINDING_KEY_ENROL,
			    .key_name = SPAN(e->signer_name.b, e->signer_name.len),
			    .nonce = SPAN(in->nonce, sizeof in->nonce),
			    .channel = in->channel,
			    .claims = in->frame};
	uint8_t bound[BINDING_SIZE], digest[32];
	struct msg_proof p;
	enum assay_err err = envelope_decode_proof(in->proof, scratch, &p);

	if (err != ASSAY_OK)
		return enrol_refused(e->v, FIND_MALFORMED, "proof", assay_err_text(err));
	if (binding_compute(&b, bound) != ASSAY_OK || digest_sha256(in->frame, digest) != ASSAY_OK)
		return false;
	if (p.key_signature.n == 0 || p.nlayers != 0 || p.claims.n != 0 ||
	    !span_equal(p.claims_digest, SPAN(digest, 32)) ||
	    devicekey_verify(&e->signer, p.key_signature, SPAN(bound, sizeof bound)) != ASSAY_OK)
		return enrol_refused(e->v, FIND_POSSESSION, "proof", "");
	return true;
}

/* I9: only what a registered CA says makes a key more than software. */
static enum tier
tier_of(const struct key_enrolment *e)
{
	if (e->msg.nlayers != 0)
		return TIER_DICE;
	return e->v->ek.trusted ? TIER_TOKEN : TIER_SOFTWARE;
}

bool
enrol_key(const struct enrol_input *in, struct arena *scratch, struct enrol_verdict *v)
{
	struct key_enrolment e = {.in = in, .v = v};
	enum assay_err err = envelope_decode_enrol_key(in->frame, scratch, &e.msg);

	if (err != ASSAY_OK)
		return enrol_refused(v, FIND_MALFORMED, "EnrolKey", assay_err_text(err));
	if (!read_identity(&e) || !read_layers(&e) || !check_possession(&e, scratch) ||
	    !judge_certificate(&e, e.msg.nlayers != 0))
		return false;
	v->tier = tier_of(&e);
	return enrol_token(v, e.msg.token_id, e.msg.token_secret);
}
