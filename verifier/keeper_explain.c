/*
 * keeper_explain.c: what every rule of a device's policy says, for an operator who asks:
 * its stored evidence judged once more by an appraiser; see keeper_private.h.
 *
 * The answer is text for people and changes nothing.
 */
#include "keeper_private.h"

#include "log.h"
#include "verifier/appraise/explain.h"

#include <stdlib.h>
#include <string.h>

void
keeper_explain_lost(struct keeper *k, struct request *r)
{
	if (r->explain)
		r->explain(k, r->explain_arg, ASSAY_INTERNAL, NULL);
	keeper_request_free(k, r);
}

/* Copies: the ledger's memory is good for one blob at a time. */
static enum assay_err
copy_log(struct keeper *k, const uint8_t digest[32], uint8_t **ret, size_t *ret_len)
{
	static const uint8_t none[32];
	struct span log;
	enum assay_err e;

	if (span_equal(SPAN(digest, 32), SPAN(none, 32)))
		return ASSAY_OK;
	e = ledger_blob_get(k->ledger, digest, &log);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	return e == ASSAY_OK ? keeper_copy(log, ret, ret_len) : e;
}

/* By which policy, and the list that goes with it. */
static void
fill_policy(struct keeper *k, struct request *r, const struct keeper_policy *p)
{
	if (!p)
		return;
	memcpy(r->standing.policy, p->map.digest, sizeof r->standing.policy);
	memcpy(r->maps[r->nmaps++], p->map.digest, 32);
	memcpy(k->input.policy_digest, p->map.digest, sizeof k->input.policy_digest);
	keeper_stored_ima(k, r, p);
}

static enum assay_err
compose(struct keeper *k, const struct ledger_device *d, const struct keeper_policy *p,
	struct request *r)
{
	struct appraisal_input *in = &k->input;
	uint8_t *boot = NULL, *good = NULL;
	size_t boot_len = 0, good_len = 0;
	struct ledger_state st;
	enum assay_err e;

	memset(in, 0, sizeof *in);
	memcpy(r->device, d->id, sizeof r->device);
	if ((e = ledger_state_evidence(k->ledger, d->id, &st)) != ASSAY_OK)
		return e;
	if (st.version == 0 || st.proof.n == 0)
		return ASSAY_NOT_FOUND;
	memcpy(r->evidence, st.nonce, sizeof r->evidence);
	if ((e = copy_log(k, st.boot_log, &boot, &boot_len)) != ASSAY_OK ||
	    (e = copy_log(k, st.good_log, &good, &good_len)) != ASSAY_OK ||
	    (e = keeper_stored_fill(&st, in)) != ASSAY_OK)
		goto out;
	in->now = k->now;
	fill_policy(k, r, p);
	in->boot_log = SPAN(boot, boot_len);
	in->has_boot_log = in->boot_log_stored = boot != NULL;
	in->good_log = SPAN(good, good_len);
	keeper_fill_device(in, d);
	keeper_fill_references(k, r, d);
	e = keeper_encode_request(k, r);
out:
	free(boot);
	free(good);
	return e;
}

/* By this policy; NULL: by none. */
static enum assay_err
ask(struct keeper *k, const struct ledger_device *d, const struct keeper_policy *p,
    struct request **ret)
{
	struct request *r;
	enum assay_err e;

	if (k->queued >= KEEPER_REQUESTS_MAX)
		return ASSAY_BUSY;
	r = calloc(1, sizeof *r);
	if (!r)
		return ASSAY_NO_MEMORY;
	r->kind = REQ_EXPLAIN;
	k->device = *d;
	if ((e = compose(k, &k->device, p, r)) != ASSAY_OK) {
		keeper_request_free(k, r);
		return e;
	}
	keeper_enqueue(k, r);
	*ret = r;
	return ASSAY_OK;
}

enum assay_err
keeper_explain(struct keeper *k, const struct ledger_device *d, explain_done *done, void *arg)
{
	const struct keeper_policy *p = keeper_policy_for(k, d->class_name, d->labels);
	struct request *r;
	enum assay_err e = ask(k, d, p, &r);

	if (e != ASSAY_OK)
		return e;
	r->explain = done;
	r->explain_arg = arg;
	return ASSAY_OK;
}

enum assay_err
keeper_explain_enforced(struct keeper *k, const struct ledger_device *d, explain_done *done,
			void *arg)
{
	const struct keeper_policy *p = keeper_policy_for(k, d->class_name, d->labels);
	struct request *r;
	enum assay_err e;

	if (!p || !(p = keeper_enforced_for(k, p, d)))
		return ASSAY_NOT_FOUND;
	if ((e = ask(k, d, p, &r)) != ASSAY_OK)
		return e;
	r->explain = done;
	r->explain_arg = arg;
	return ASSAY_OK;
}

void
keeper_on_explanation(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct request *r = keeper_expected(c);
	static struct told told;
	struct span tag, device;
	struct reader rd;

	rd_init(&rd, m->payload);
	tag = rd_bytes(&rd, 32);
	device = rd_bytes(&rd, DEVICE_ID_HEX);
	if (!r || r->id != m->id || r->kind != REQ_EXPLAIN ||
	    !span_equal(tag, SPAN(r->evidence, 32)) ||
	    !span_equal(device, SPAN(r->device, DEVICE_ID_HEX)) ||
	    told_decode(rd_rest(&rd), &told) != ASSAY_OK) {
		keeper_child_lost(k, c, "returned an explanation that is not its request's");
		return;
	}
	keeper_appraiser_done(k, c,
			      told.status == VERDICT_FAULT || told.status == VERDICT_UNPROVEN);
	r->explain(k, r->explain_arg, ASSAY_OK, &told);
	r->explain = NULL;
	keeper_request_free(k, r);
}
