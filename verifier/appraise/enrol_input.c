/* enrol_input.c: encodings of what enrolment reads and answers; see appraise.h. */
#include "appraise.h"

#include "ek_facts.h"
#include "pack.h"
#include "verdict_pack.h"

#include <string.h>

#define ENROL_INPUT_FORM 0x45
#define ENROL_VERDICT_FORM 0x65

void
pack_ek_facts(struct writer *w, const struct ek_facts *f)
{
	pack_bool(w, f->certificate);
	pack_bool(w, f->trusted);
	pack_bool(w, f->allow_listed);
	pack_bool(w, f->expired);
	pack_bool(w, f->issuer_expired);
	pack_bool(w, f->virtual_tpm);
	pack_bool(w, f->weak);
	pack_text(w, f->reason, sizeof f->reason);
	pack_text(w, f->manufacturer, sizeof f->manufacturer);
	pack_text(w, f->model, sizeof f->model);
	pack_text(w, f->version, sizeof f->version);
	pack_text(w, f->serial, sizeof f->serial);
	pack_text(w, f->issuer, sizeof f->issuer);
	pack_time(w, f->not_after);
}

void
unpack_ek_facts(struct reader *r, struct ek_facts *ret)
{
	ret->certificate = unpack_bool(r);
	ret->trusted = unpack_bool(r);
	ret->allow_listed = unpack_bool(r);
	ret->expired = unpack_bool(r);
	ret->issuer_expired = unpack_bool(r);
	ret->virtual_tpm = unpack_bool(r);
	ret->weak = unpack_bool(r);
	unpack_text(r, ret->reason, sizeof ret->reason);
	unpack_text(r, ret->manufacturer, sizeof ret->manufacturer);
	unpack_text(r, ret->model, sizeof ret->model);
	unpack_text(r, ret->version, sizeof ret->version);
	unpack_text(r, ret->serial, sizeof ret->serial);
	unpack_text(r, ret->issuer, sizeof ret->issuer);
	ret->not_after = unpack_time(r);
}

enum assay_err
ek_facts_encode(const struct ek_facts *f, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	pack_ek_facts(&w, f);
	return wr_finish(&w, ret_len);
}

enum assay_err
ek_facts_decode(struct span in, struct ek_facts *ret)
{
	struct reader r;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, in);
	unpack_ek_facts(&r, ret);
	e = rd_finish(&r);
	if (e != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}

enum assay_err
enrol_input_encode(const struct enrol_input *in, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	wr_u8(&w, ENROL_INPUT_FORM);
	pack_time(&w, in->now);
	wr_be32_bytes(&w, in->frame);
	pack_fixed(&w, in->secret, sizeof in->secret);
	pack_fixed(&w, in->entropy, sizeof in->entropy);
	wr_be16_bytes(&w, in->proof);
	pack_fixed(&w, in->nonce, sizeof in->nonce);
	wr_be16_bytes(&w, in->channel);
	return wr_finish(&w, ret_len);
}

enum assay_err
enrol_input_decode(struct span bytes, struct enrol_input *ret)
{
	struct reader r;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (bytes.n > ENROL_INPUT_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, bytes);
	if (rd_u8(&r) != ENROL_INPUT_FORM)
		rd_fail(&r, ASSAY_BAD_TYPE);
	ret->now = unpack_time(&r);
	ret->frame = rd_be32_bytes(&r, MSG_ENROL_MAX);
	unpack_fixed(&r, ret->secret, sizeof ret->secret);
	unpack_fixed(&r, ret->entropy, sizeof ret->entropy);
	ret->proof = rd_be16_bytes(&r, MSG_PROOF_MAX);
	unpack_fixed(&r, ret->nonce, sizeof ret->nonce);
	ret->channel = rd_be16_bytes(&r, BINDING_CHANNEL_SIZE);
	e = rd_finish(&r);
	if (e != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}

/* A key that may be enrolled has everything; one refused has a finding and no more. */
static bool
coherent(const struct enrol_verdict *v)
{
	bool finding = v->finding.code != FIND_NONE, tpm = tier_has_tpm(v->tier);

	if (v->status == ENROL_PROVABLE)
		return !finding && v->ek_name.len != 0 && v->ak_name.len != 0 &&
		       strlen(v->device_id) == DEVICE_ID_HEX && v->ek_public_len != 0 &&
		       v->ak_public_len != 0 && v->tier != TIER_NONE &&
		       (v->blob_len != 0) == tpm && (v->encrypted_secret_len != 0) == tpm;
	return v->status == ENROL_FAULT || finding;
}

static void
pack_array(struct writer *w, const uint8_t *b, size_t len, size_t cap)
{
	if (len > cap)
		wr_fail(w, ASSAY_MALFORMED);
	else
		wr_be16_bytes(w, SPAN(b, len));
}

enum assay_err
enrol_verdict_encode(const struct enrol_verdict *v, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	if (!coherent(v))
		return ASSAY_MALFORMED;
	wr_u8(&w, ENROL_VERDICT_FORM);
	pack_below(&w, v->status, ENROL_STATUS_COUNT);
	pack_bool(&w, v->finding.code != FIND_NONE);
	if (v->finding.code != FIND_NONE)
		pack_finding(&w, &v->finding);
	pack_text(&w, v->device_id, sizeof v->device_id);
	pack_name(&w, &v->ek_name);
	pack_name(&w, &v->ak_name);
	pack_array(&w, v->ek_public, v->ek_public_len, sizeof v->ek_public);
	pack_array(&w, v->ak_public, v->ak_public_len, sizeof v->ak_public);
	pack_below(&w, v->tier, TIER_COUNT);
	pack_ek_facts(&w, &v->ek);
	pack_text(&w, v->token_id, sizeof v->token_id);
	pack_fixed(&w, v->token_hash, sizeof v->token_hash);
	pack_array(&w, v->blob, v->blob_len, sizeof v->blob);
	pack_array(&w, v->encrypted_secret, v->encrypted_secret_len, sizeof v->encrypted_secret);
	return wr_finish(&w, ret_len);
}

static void
unpack_enrol_verdict(struct reader *r, struct enrol_verdict *ret)
{
	if (rd_u8(r) != ENROL_VERDICT_FORM)
		rd_fail(r, ASSAY_BAD_TYPE);
	ret->status = (enum enrol_status)unpack_below(r, ENROL_STATUS_COUNT);
	if (unpack_bool(r))
		unpack_finding(r, &ret->finding);
	unpack_text(r, ret->device_id, sizeof ret->device_id);
	unpack_name(r, &ret->ek_name);
	unpack_name(r, &ret->ak_name);
	unpack_bytes(r, ret->ek_public, sizeof ret->ek_public, &ret->ek_public_len);
	unpack_bytes(r, ret->ak_public, sizeof ret->ak_public, &ret->ak_public_len);
	ret->tier = (enum tier)unpack_below(r, TIER_COUNT);
	unpack_ek_facts(r, &ret->ek);
	unpack_text(r, ret->token_id, sizeof ret->token_id);
	unpack_fixed(r, ret->token_hash, sizeof ret->token_hash);
	unpack_bytes(r, ret->blob, sizeof ret->blob, &ret->blob_len);
	unpack_bytes(r, ret->encrypted_secret, sizeof ret->encrypted_secret,
		     &ret->encrypted_secret_len);
}

enum assay_err
enrol_verdict_decode(struct span in, struct enrol_verdict *ret)
{
	struct reader r;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (in.n > ENROL_VERDICT_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, in);
	unpack_enrol_verdict(&r, ret);
	e = rd_finish(&r);
	if (e == ASSAY_OK && !coherent(ret))
		e = ASSAY_MALFORMED;
	if (e != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}
