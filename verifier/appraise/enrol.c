/*
 * enrol.c: the enrolment part of appraise.h: is this an EK that a TPM made, is this an
 * AK that may sign evidence, and the credential that proves both live in one TPM.
 *
 * Who may enrol is keeper's to decide; here only what can be proved is established.
 */
#include "appraise.h"

#include "certfile.h"
#include "credential.h"
#include "ekcert.h"
#include "text.h"

#include "evidence/hex.h"

#include <string.h>

/* Out of its time is told as a fact; whether that is accepted is configuration. */
#define TIME_FACTS                                                                             \
	(EKCERT_FACT_EXPIRED | EKCERT_FACT_ISSUER_EXPIRED | EKCERT_FACT_ISSUER_NOT_YET_VALID)

struct enrolment {
	struct msg_enrol msg;
	struct tpm_public ek, ak;
	struct ekcert cert;
};

static bool
refuse(struct enrol_verdict *v, enum finding_code code, const char *seen)
{
	v->status = ENROL_REFUSED;
	v->finding.code = (uint16_t)code;
	v->finding.cap = OUTCOME_QUARANTINE;
	v->finding.provenance = PROV_CLAIMED;
	v->finding.pcr = v->finding.event = -1;
	text_format(v->finding.subject, sizeof v->finding.subject, "enrolment");
	text_format(v->finding.seen, sizeof v->finding.seen, "%s", seen);
	text_format(v->finding.remedy, sizeof v->finding.remedy, "%s", finding_remedy(code));
	return false;
}

static bool
fault(struct enrol_verdict *v)
{
	refuse(v, FIND_INTERNAL, "");
	v->status = ENROL_FAULT;
	return false;
}

/* ---- the keys ---- */

static bool
read_keys(struct enrolment *e, struct enrol_verdict *v)
{
	enum ak_fault ak;
	enum assay_err err;

	if ((err = tpmt_public_parse(e->msg.ek_public, &e->ek)) != ASSAY_OK)
		return refuse(v, FIND_EK_TEMPLATE, assay_err_text(err));
	if (tpmt_ek_template(&e->ek) == EK_NO_TEMPLATE)
		return refuse(v, FIND_EK_TEMPLATE, "not a TCG default template");
	if ((err = tpmt_public_parse(e->msg.ak_public, &e->ak)) != ASSAY_OK)
		return refuse(v, FIND_AK_ATTRIBUTES, assay_err_text(err));
	if ((ak = tpmt_ak_fault(&e->ak)) != AK_FINE)
		return refuse(v, FIND_AK_ATTRIBUTES, tpmt_ak_fault_text(ak));
	if (e->msg.ek_public.n > sizeof v->ek_public || e->msg.ak_public.n > sizeof v->ak_public)
		return refuse(v, FIND_MALFORMED, "public area too large");
	v->ek_public_len = (uint16_t)e->msg.ek_public.n;
	v->ak_public_len = (uint16_t)e->msg.ak_public.n;
	memcpy(v->ek_public, e->msg.ek_public.p, e->msg.ek_public.n);
	memcpy(v->ak_public, e->msg.ak_public.p, e->msg.ak_public.n);
	return true;
}

/* Names are computed from the public areas, never taken from the sender (I2). */
static bool
name_device(const struct enrolment *e, struct enrol_verdict *v)
{
	uint8_t h[32];

	if (tpmt_public_name(&e->ek, &v->ek_name) != ASSAY_OK ||
	    tpmt_public_name(&e->ak, &v->ak_name) != ASSAY_OK ||
	    digest_sha256(SPAN(v->ek_name.b, v->ek_name.len), h) != ASSAY_OK ||
	    hex_encode(SPAN(h, DEVICE_ID_HEX / 2), v->device_id, sizeof v->device_id) != ASSAY_OK)
		return fault(v);
	return true;
}

/* ---- the certificate ---- */

static void
tell_facts(const struct ekcert *c, struct ek_facts *f)
{
	enum ekcert_reason r = ekcert_judge(c, TIME_FACTS | EKCERT_FACT_WEAK_KEY);

	f->certificate = true;
	f->trusted = r == EKCERT_CHAIN_OK;
	f->expired = c->facts & EKCERT_FACT_EXPIRED;
	f->issuer_expired = c->facts & EKCERT_FACT_ISSUER_EXPIRED;
	f->virtual_tpm = c->facts & EKCERT_FACT_VIRTUAL;
	f->weak = c->facts & EKCERT_FACT_WEAK_KEY;
	f->not_after = c->not_after;
	text_format(f->reason, sizeof f->reason, "%s", ekcert_reason_word(r));
	text_format(f->manufacturer, sizeof f->manufacturer, "%s", c->tpm.manufacturer);
	text_format(f->model, sizeof f->model, "%s", c->tpm.model);
	text_format(f->version, sizeof f->version, "%s", c->tpm.version);
	text_format(f->serial, sizeof f->serial, "%s", c->serial);
	text_format(f->issuer, sizeof f->issuer, "%s", c->issuer);
}

static bool
read_certificate(const struct enrol_input *in, struct enrolment *e, struct enrol_verdict *v)
{
	struct ekcert_input ci = {.cert = e->msg.ek_certificate, .time = in->now};
	struct roots roots;

	if (roots_open(in->roots, &roots) != ASSAY_OK)
		return fault(v);
	ci.roots = &roots;
	ci.nintermediates = e->msg.nchain;
	memcpy(ci.intermediates, e->msg.chain, e->msg.nchain * sizeof ci.intermediates[0]);
	ekcert_verify(&ci, &e->cert);
	if (e->cert.reason == EKCERT_MALFORMED)
		return refuse(v, FIND_EK_UNTRUSTED, ekcert_reason_text(e->cert.reason));
	if (e->cert.reason == EKCERT_REVOKED || e->cert.reason == EKCERT_ISSUER_REVOKED)
		return refuse(v, FIND_EK_REVOKED, ekcert_reason_text(e->cert.reason));
	if (ekcert_bind(&e->cert, &e->ek) == EKCERT_KEY_MISMATCH)
		return refuse(v, FIND_EK_MISMATCH, "the certificate is another key's");
	tell_facts(&e->cert, &v->ek);
	return true;
}

static bool
judge_ek(const struct enrol_input *in, struct enrolment *e, struct enrol_verdict *v)
{
	enum assay_err err = key_check(&e->ek.key);

	if (err != ASSAY_OK && err != ASSAY_WEAK)
		return refuse(v, FIND_EK_TEMPLATE, assay_err_text(err));
	if (e->msg.ek_certificate.n == 0)
		text_format(v->ek.reason, sizeof v->ek.reason, "no-certificate");
	else if (!read_certificate(in, e, v))
		return false;
	v->ek.weak = v->ek.weak || err == ASSAY_WEAK;
	/* hardware only on a manufacturer's word (I9) */
	v->tier = v->ek.trusted && !v->ek.virtual_tpm ? TIER_TPM : TIER_VTPM;
	return true;
}

/* ---- the credential ---- */

static bool
make_credential(const struct enrol_input *in, const struct enrolment *e, struct enrol_verdict *v)
{
	struct credential_input ci = {.ek = &e->ek, .ak_name = &v->ak_name};
	struct credential c;
	enum assay_err err;

	memcpy(ci.secret, in->secret, sizeof ci.secret);
	memcpy(ci.entropy, in->entropy, sizeof ci.entropy);
	err = credential_make(&ci, &c);
	explicit_bzero(&ci, sizeof ci);
	if (err == ASSAY_UNSUPPORTED)
		return refuse(v, FIND_EK_TEMPLATE, "no credential can be made for such a key");
	if (err != ASSAY_OK)
		return fault(v);
	v->blob_len = c.blob_len;
	v->encrypted_secret_len = c.encrypted_secret_len;
	memcpy(v->blob, c.blob, c.blob_len);
	memcpy(v->encrypted_secret, c.encrypted_secret, c.encrypted_secret_len);
	return true;
}

static bool
take_token(const struct enrolment *e, struct enrol_verdict *v)
{
	struct span id = e->msg.token_id;

	if (id.n == 0)
		return true;
	if (id.n >= sizeof v->token_id)
		return refuse(v, FIND_MALFORMED, "token");
	memcpy(v->token_id, id.p, id.n);
	return digest_sha256(e->msg.token_secret, v->token_hash) == ASSAY_OK || fault(v);
}

void
appraise_enrolment(const struct enrol_input *in, struct arena *scratch, struct enrol_verdict *ret)
{
	struct enrolment e;
	enum assay_err err;

	memset(ret, 0, sizeof *ret);
	memset(&e, 0, sizeof e);
	ret->finding.pcr = ret->finding.event = -1;
	if ((err = envelope_decode_enrol(in->frame, scratch, &e.msg)) != ASSAY_OK) {
		refuse(ret, FIND_MALFORMED, assay_err_text(err));
		return;
	}
	if (read_keys(&e, ret) && name_device(&e, ret) && judge_ek(in, &e, ret) &&
	    take_token(&e, ret) && make_credential(in, &e, ret))
		ret->status = ENROL_PROVABLE;
}
