/* appraise_input.c: the encoding of struct appraisal_input; see appraise.h. */
#include "appraise.h"

#include "evidence/eventlog.h"
#include "ek_facts.h"
#include "pack.h"
#include "policy.h"
#include "reference.h"

#include <string.h>

#define INPUT_FORM 0x4A

const char *
tier_name(enum tier t)
{
	static const char *const names[TIER_COUNT] = {"none", "software",    "token",
						      "dice", "virtual-tpm", "tpm"};

	return names[(unsigned)t < TIER_COUNT ? t : TIER_NONE];
}

bool
tier_has_tpm(enum tier t)
{
	return t != TIER_SOFTWARE && t != TIER_TOKEN && t != TIER_DICE;
}

static void
pack_device(struct writer *w, const struct device_view *d)
{
	pack_text(w, d->id, sizeof d->id);
	pack_text(w, d->class_name, sizeof d->class_name);
	pack_text(w, d->labels, sizeof d->labels);
	pack_below(w, d->tier, TIER_COUNT);
	pack_bool(w, d->new_ak);
	pack_bool(w, d->copied);
	pack_name(w, &d->ek_name);
	pack_name(w, &d->ak_name);
	wr_be16_bytes(w, d->ak_public);
	pack_ek_facts(w, &d->ek);
}

static void
unpack_device(struct reader *r, struct device_view *ret)
{
	unpack_text(r, ret->id, sizeof ret->id);
	unpack_text(r, ret->class_name, sizeof ret->class_name);
	unpack_text(r, ret->labels, sizeof ret->labels);
	ret->tier = (enum tier)unpack_below(r, TIER_COUNT);
	ret->new_ak = unpack_bool(r);
	ret->copied = unpack_bool(r);
	unpack_name(r, &ret->ek_name);
	unpack_name(r, &ret->ak_name);
	ret->ak_public = rd_be16_bytes(r, TPMT_PUBLIC_MAX);
	unpack_ek_facts(r, &ret->ek);
}

static void
pack_reference_view(struct writer *w, const struct reference_view *v)
{
	wr_be32_bytes(w, v->compiled);
	pack_fixed(w, v->digest, sizeof v->digest);
	pack_below(w, v->state, REF_RETIRED + 1);
	pack_time(w, v->not_after);
	pack_bool(w, v->baseline);
	pack_below(w, v->kind, REF_KIND_COUNT);
	pack_text(w, v->name, sizeof v->name);
	pack_time(w, v->not_before);
	pack_fixed(w, v->superseded_by, sizeof v->superseded_by);
}

static void
unpack_reference_view(struct reader *r, struct reference_view *ret)
{
	ret->compiled = rd_be32_bytes(r, REFERENCE_BYTES_MAX);
	unpack_fixed(r, ret->digest, sizeof ret->digest);
	ret->state = (enum reference_state)unpack_below(r, REF_RETIRED + 1);
	ret->not_after = unpack_time(r);
	ret->baseline = unpack_bool(r);
	ret->kind = (enum reference_kind)unpack_below(r, REF_KIND_COUNT);
	unpack_text(r, ret->name, sizeof ret->name);
	ret->not_before = unpack_time(r);
	unpack_fixed(r, ret->superseded_by, sizeof ret->superseded_by);
}

static bool
peer_sound(const struct appraisal_input *in)
{
	bool any = in->peer_len == MSG_IP4_SIZE || in->peer_len == MSG_IP6_SIZE;

	for (size_t i = in->peer_len; i < sizeof in->peer; i++)
		if (in->peer[i] != 0)
			return false;
	return (any || in->peer_len == 0) && (any || in->conflict == CONFLICT_NONE) &&
	       (in->conflict != CONFLICT_NONE) == (in->owner[0] != '\0');
}

static void
pack_peer(struct writer *w, const struct appraisal_input *in)
{
	if (in->peer_len > MSG_IP6_SIZE || !peer_sound(in))
		wr_fail(w, ASSAY_MALFORMED);
	pack_below(w, in->peer_len, MSG_IP6_SIZE + 1);
	pack_fixed(w, in->peer, sizeof in->peer);
	pack_below(w, in->conflict, CONFLICT_COUNT);
	pack_text(w, in->owner, sizeof in->owner);
}

static void
unpack_peer(struct reader *r, struct appraisal_input *ret)
{
	ret->peer_len = unpack_below(r, MSG_IP6_SIZE + 1);
	unpack_fixed(r, ret->peer, sizeof ret->peer);
	ret->conflict = (enum address_conflict)unpack_below(r, CONFLICT_COUNT);
	unpack_text(r, ret->owner, sizeof ret->owner);
	if (!peer_sound(ret))
		rd_fail(r, ASSAY_MALFORMED);
}

enum assay_err
appraisal_input_encode(const struct appraisal_input *in, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct writer w;

	wr_init(&w, ret, cap);
	wr_u8(&w, INPUT_FORM);
	pack_time(&w, in->now);
	wr_u8(&w, in->kind);
	if (binding_is_offline(in->kind)) {
		pack_time(&w, in->issued);
		pack_time(&w, in->judged);
	}
	pack_fixed(&w, in->nonce, sizeof in->nonce);
	wr_be16_bytes(&w, in->channel);
	pack_selection(&w, &in->asked);
	wr_be32_bytes(&w, in->proof);
	wr_be32_bytes(&w, in->claims);
	pack_bool(&w, in->has_boot_log);
	pack_bool(&w, in->boot_log_stored);
	wr_be32_bytes(&w, in->boot_log);
	wr_be32_bytes(&w, in->good_log);
	pack_bool(&w, in->has_ima);
	wr_be64(&w, in->ima_from);
	wr_be64(&w, in->ima_stored);
	pack_below(&w, in->nfiles, APPRAISAL_FILES_MAX + 1);
	for (size_t i = 0; i < in->nfiles && w.err == ASSAY_OK; i++)
		wr_be32_bytes(&w, in->files[i]);
	pack_device(&w, &in->device);
	wr_be32_bytes(&w, in->policy);
	pack_fixed(&w, in->policy_digest, sizeof in->policy_digest);
	wr_be32_bytes(&w, in->enforced);
	pack_fixed(&w, in->enforced_digest, sizeof in->enforced_digest);
	pack_below(&w, (unsigned)in->nreferences, REFERENCES_PER_DEVICE_MAX + 1);
	for (size_t i = 0; i < in->nreferences && w.err == ASSAY_OK; i++)
		pack_reference_view(&w, &in->references[i]);
	wr_be32_bytes(&w, in->continuity);
	pack_peer(&w, in);
	return wr_finish(&w, ret_len);
}

static void
unpack_files(struct reader *r, struct appraisal_input *ret)
{
	ret->nfiles = unpack_below(r, APPRAISAL_FILES_MAX + 1);
	for (size_t i = 0; i < ret->nfiles && r->err == ASSAY_OK; i++)
		ret->files[i] = rd_be32_bytes(r, APPRAISAL_FILE_MAX);
}

static void
unpack_input(struct reader *r, struct appraisal_input *ret)
{
	if (rd_u8(r) != INPUT_FORM)
		rd_fail(r, ASSAY_BAD_TYPE);
	ret->now = unpack_time(r);
	ret->kind = rd_u8(r);
	if (binding_is_offline(ret->kind)) {
		ret->issued = unpack_time(r);
		ret->judged = unpack_time(r);
	}
	unpack_fixed(r, ret->nonce, sizeof ret->nonce);
	ret->channel = rd_be16_bytes(r, BINDING_CHANNEL_SIZE);
	unpack_selection(r, &ret->asked);
	ret->proof = rd_be32_bytes(r, MSG_PROOF_MAX);
	ret->claims = rd_be32_bytes(r, MSG_CLAIMS_MAX);
	ret->has_boot_log = unpack_bool(r);
	ret->boot_log_stored = unpack_bool(r);
	ret->boot_log = rd_be32_bytes(r, EVENTLOG_MAX);
	ret->good_log = rd_be32_bytes(r, EVENTLOG_MAX);
	if (!ret->has_boot_log && ret->boot_log.n != 0)
		rd_fail(r, ASSAY_MALFORMED);
	ret->has_ima = unpack_bool(r);
	ret->ima_from = rd_be64(r);
	ret->ima_stored = rd_be64(r);
	if ((!ret->has_ima && (ret->ima_from != 0 || ret->ima_stored != 0)) ||
	    (ret->ima_stored != 0 && ret->ima_from != 0) || ret->ima_stored > IMALOG_MAX ||
	    ret->ima_from > IMALOG_ENTRIES_MAX)
		rd_fail(r, ASSAY_MALFORMED);
	unpack_files(r, ret);
	unpack_device(r, &ret->device);
	ret->policy = rd_be32_bytes(r, POLICY_BYTES_MAX);
	unpack_fixed(r, ret->policy_digest, sizeof ret->policy_digest);
	ret->enforced = rd_be32_bytes(r, POLICY_BYTES_MAX);
	unpack_fixed(r, ret->enforced_digest, sizeof ret->enforced_digest);
	ret->nreferences = unpack_below(r, REFERENCES_PER_DEVICE_MAX + 1);
	for (size_t i = 0; i < ret->nreferences && r->err == ASSAY_OK; i++)
		unpack_reference_view(r, &ret->references[i]);
	ret->continuity = rd_be32_bytes(r, CONTINUITY_BYTES_MAX);
	unpack_peer(r, ret);
}

enum assay_err
appraisal_input_decode(struct span bytes, struct appraisal_input *ret)
{
	struct reader r;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (bytes.n > APPRAISAL_INPUT_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, bytes);
	unpack_input(&r, ret);
	e = rd_finish(&r);
	if (e != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}

static enum assay_err
check_digest(struct span bytes, const uint8_t expected[32])
{
	static const uint8_t none[32];
	uint8_t d[32];
	enum assay_err e = digest_sha256(bytes, d);

	if (e != ASSAY_OK)
		return e;
	return span_equal(SPAN(bytes.n == 0 ? none : d, 32), SPAN(expected, 32)) ? ASSAY_OK
										 : ASSAY_MISMATCH;
}

enum assay_err
appraisal_input_check(const struct appraisal_input *in)
{
	enum assay_err e = check_digest(in->policy, in->policy_digest);

	for (size_t i = 0; i < in->nreferences && e == ASSAY_OK; i++)
		e = check_digest(in->references[i].compiled, in->references[i].digest);
	return e;
}
