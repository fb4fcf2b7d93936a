/* enrol.c: from an enrolment request to a credential that only the TPM which holds
 * both keys can open; see appraise.h. Who may enrol is keeper's to decide. */
#include "enrol_parts.h"

#include "credential.h"
#include "ekcert.h"
#include "evidence/hex.h"
#include "text.h"

#include <string.h>

struct enrolment {
	const struct enrol_input *in;
	struct enrol_verdict *v;
	struct msg_enrol msg;
	struct tpm_public ek, ak;
};

bool
enrol_refused(struct enrol_verdict *v, enum finding_code code, const char *subject,
	      const char *seen)
{
	struct finding *f = &v->finding;

	memset(v, 0, sizeof *v);
	v->status = ENROL_REFUSED;
	f->code = (uint16_t)code;
	f->cap = OUTCOME_QUARANTINE;
	f->severity = SEV_HIGH;
	f->pcr = f->event = -1;
	text_format(f->subject, sizeof f->subject, "%s", subject);
	text_format(f->text, sizeof f->text, "%s", finding_text(code));
	text_format(f->seen, sizeof f->seen, "%s", seen);
	text_format(f->remedy, sizeof f->remedy, "%s", finding_remedy(code));
	return false;
}

static bool
refused(struct enrolment *e, enum finding_code code, const char *subject, const char *seen)
{
	return enrol_refused(e->v, code, subject, seen);
}

/* A key of known weakness is a fact; one that is no key at all is refused (I13). */
static bool
read_ek(struct enrolment *e)
{
	struct enrol_verdict *v = e->v;
	enum assay_err err = tpmt_public_parse(e->msg.ek_public, &e->ek);

	if (err != ASSAY_OK)
		return refused(e, FIND_MALFORMED, "EK public area", assay_err_text(err));
	if (tpmt_ek_template(&e->ek) == EK_NO_TEMPLATE)
		return refused(e, FIND_EK_TEMPLATE, "EK public area", "");
	err = key_check(&e->ek.key);
	if (err != ASSAY_OK && err != ASSAY_WEAK)
		return refused(e, FIND_MALFORMED, "EK", assay_err_text(err));
	v->ek.weak = err == ASSAY_WEAK;
	if (tpmt_public_name(&e->ek, &v->ek_name) != ASSAY_OK)
		return false;
	v->ek_public_len = (uint16_t)e->ek.bytes.n;
	memcpy(v->ek_public, e->ek.bytes.p, e->ek.bytes.n);
	return true;
}

/* I3; the name is computed from the public area and never taken from a sender (I2). */
static bool
read_ak(struct enrolment *e)
{
	struct enrol_verdict *v = e->v;
	enum assay_err err = tpmt_public_parse(e->msg.ak_public, &e->ak);
	enum ak_fault fault;

	if (err != ASSAY_OK)
		return refused(e, FIND_MALFORMED, "AK public area", assay_err_text(err));
	fault = tpmt_ak_fault(&e->ak);
	if (fault != AK_FINE)
		return refused(e, FIND_AK_ATTRIBUTES, "AK public area", tpmt_ak_fault_text(fault));
	if (tpmt_public_name(&e->ak, &v->ak_name) != ASSAY_OK)
		return false;
	v->ak_public_len = (uint16_t)e->ak.bytes.n;
	memcpy(v->ak_public, e->ak.bytes.p, e->ak.bytes.n);
	return true;
}

/* What is expired is told, for policy to allow; everything else that is wrong with the
 * certificate leaves it untrusted, and the EK to the allow-list. */
static void
record_certificate(const struct ekcert *c, struct ek_facts *f)
{
	enum ekcert_reason reason = ekcert_judge(c, 0);
	uint32_t times = EKCERT_FACT_EXPIRED | EKCERT_FACT_ISSUER_EXPIRED;

	f->certificate = true;
	f->trusted = ekcert_judge(c, times | EKCERT_FACT_WEAK_KEY) == EKCERT_CHAIN_OK;
	f->expired = (c->facts & EKCERT_FACT_EXPIRED) != 0;
	f->issuer_expired = (c->facts & EKCERT_FACT_ISSUER_EXPIRED) != 0;
	f->virtual_tpm = (c->facts & EKCERT_FACT_VIRTUAL) != 0;
	f->weak = f->weak || (c->facts & EKCERT_FACT_WEAK_KEY) != 0;
	f->not_after = c->not_after > 0 ? c->not_after : 0;
	text_format(f->reason, sizeof f->reason, "%s", ekcert_reason_word(reason));
	text_format(f->manufacturer, sizeof f->manufacturer, "%s", c->tpm.manufacturer);
	text_format(f->model, sizeof f->model, "%s", c->tpm.model);
	text_format(f->version, sizeof f->version, "%s", c->tpm.version);
	text_format(f->serial, sizeof f->serial, "%s", c->serial);
	text_format(f->issuer, sizeof f->issuer, "%s", c->issuer);
}

static bool
check_certificate(struct enrolment *e, struct ekcert *c)
{
	struct ekcert_input in = {.cert = e->msg.ek_certificate, .time = e->in->now};
	struct roots roots;
	enum ekcert_reason bound;

	if (e->msg.ek_certificate.n == 0) {
		text_format(e->v->ek.reason, sizeof e->v->ek.reason, "no-certificate");
		return true;
	}
	if (roots_open(e->in->roots, &roots) != ASSAY_OK)
		return false;
	in.roots = &roots;
	in.nintermediates = e->msg.nchain;
	for (size_t i = 0; i < e->msg.nchain; i++)
		in.intermediates[i] = e->msg.chain[i];
	ekcert_verify(&in, c);
	if (c->reason == EKCERT_MALFORMED)
		return refused(e, FIND_MALFORMED, "EK certificate", assay_err_text(c->detail));
	if (c->reason == EKCERT_REVOKED || c->reason == EKCERT_ISSUER_REVOKED)
		return refused(e, FIND_EK_REVOKED, "EK certificate", ekcert_reason_text(c->reason));
	bound = ekcert_bind(c, &e->ek);
	if (bound != EKCERT_CHAIN_OK)
		return refused(e,
			       bound == EKCERT_NOT_A_TEMPLATE ? FIND_EK_TEMPLATE : FIND_EK_MISMATCH,
			       "EK certificate", ekcert_reason_text(bound));
	record_certificate(c, &e->v->ek);
	return true;
}

/* Only a trusted certificate says that a TPM is hardware (I9). */
static enum tier
tier_of(const struct ek_facts *f)
{
	return f->trusted && !f->virtual_tpm ? TIER_TPM : TIER_VTPM;
}

static bool
name_device(struct enrolment *e)
{
	struct enrol_verdict *v = e->v;
	uint8_t h[32];

	return digest_sha256(SPAN(v->ek_name.b, v->ek_name.len), h) == ASSAY_OK &&
	       hex_encode(SPAN(h, DEVICE_ID_HEX / 2), v->device_id, sizeof v->device_id) ==
		       ASSAY_OK;
}

bool
enrol_token(struct enrol_verdict *v, struct span id, struct span secret)
{
	if (id.n == 0)
		return true;
	if (id.n > MSG_TOKEN_FIELD_MAX)
		return false;
	text_escape(id, v->token_id, sizeof v->token_id);
	return digest_sha256(secret, v->token_hash) == ASSAY_OK;
}

static bool
make_credential(struct enrolment *e)
{
	struct credential_input in = {.ek = &e->ek, .ak_name = &e->v->ak_name};
	struct enrol_verdict *v = e->v;
	struct credential c;
	enum assay_err err;

	memcpy(in.secret, e->in->secret, sizeof in.secret);
	memcpy(in.entropy, e->in->entropy, sizeof in.entropy);
	err = credential_make(&in, &c);
	explicit_bzero(&in, sizeof in);
	if (err == ASSAY_UNSUPPORTED)
		return refused(e, FIND_EK_TEMPLATE, "EK public area", assay_err_text(err));
	if (err != ASSAY_OK || c.blob_len > sizeof v->blob ||
	    c.encrypted_secret_len > sizeof v->encrypted_secret)
		return false;
	v->blob_len = c.blob_len;
	v->encrypted_secret_len = c.encrypted_secret_len;
	memcpy(v->blob, c.blob, c.blob_len);
	memcpy(v->encrypted_secret, c.encrypted_secret, c.encrypted_secret_len);
	return true;
}

static bool
enrol(struct enrolment *e, struct arena *scratch)
{
	enum assay_err err = envelope_decode_enrol(e->in->frame, scratch, &e->msg);
	struct ekcert cert;

	if (err != ASSAY_OK)
		return refused(e, FIND_MALFORMED, "Enrol", assay_err_text(err));
	if (!read_ek(e) || !read_ak(e) || !check_certificate(e, &cert))
		return false;
	e->v->tier = tier_of(&e->v->ek);
	return name_device(e) && enrol_token(e->v, e->msg.token_id, e->msg.token_secret) &&
	       make_credential(e);
}

void
appraise_enrolment(const struct enrol_input *in, struct arena *scratch, struct enrol_verdict *ret)
{
	struct enrolment e = {.in = in, .v = ret};
	bool key = frame_type(in->frame) == MSG_ENROL_KEY;

	memset(ret, 0, sizeof *ret);
	arena_reset(scratch);
	if (key ? enrol_key(in, scratch, ret) : enrol(&e, scratch))
		ret->status = ENROL_PROVABLE;
	else if (ret->status != ENROL_REFUSED)
		memset(ret, 0, sizeof *ret); /* a fault: nothing is known of the device */
}
