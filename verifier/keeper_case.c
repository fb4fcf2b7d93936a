/* keeper_case.c: all that a device is judged from, as one file that anybody can judge
 * again (casefile.h). */
#include "keeper_private.h"

#include "evidence/hex.h"
#include "verifier/appraise/casefile.h"

#include <stdlib.h>
#include <string.h>

#define CASE_MAX (7u << 20) /* bytes of what is written, but for the list */
#define COPIES (REFERENCES_PER_DEVICE_MAX + 1)

/* What is put together, and copies of what the ledger lends for one call only. */
struct collection {
	struct keeper *k;
	struct case_file file;
	struct request *request; /* for the pieces that rounds are made of */
	size_t ncopies, total;
	uint8_t *copies[COPIES];
};

static enum assay_err
copy(struct collection *x, struct span in, struct span *ret)
{
	size_t n;
	enum assay_err e;

	if (in.n > CASE_MAX - x->total)
		return ASSAY_TOO_LARGE;
	if ((e = keeper_copy(in, &x->copies[x->ncopies], &n)) != ASSAY_OK)
		return e;
	x->total += n;
	*ret = SPAN(x->copies[x->ncopies++], n);
	return ASSAY_OK;
}

static enum assay_err
add_policy(struct collection *x, const struct ledger_device *d)
{
	struct appraisal_input *in = &x->file.in;
	const struct keeper_policy *p = keeper_policy_for(x->k, d->class_name, d->labels);
	struct ledger_policy stored;
	enum assay_err e;

	if (!p)
		return ASSAY_OK; /* none judges it, and that is what the case says */
	memcpy(in->policy_digest, p->map.digest, 32);
	if ((e = ledger_policy_get(x->k->ledger, p->map.digest, &stored)) != ASSAY_OK)
		return e;
	return copy(x, stored.compiled, &in->policy);
}

static enum assay_err
add_references(struct collection *x)
{
	struct appraisal_input *in = &x->file.in;

	for (size_t i = 0; i < in->nreferences; i++) {
		struct reference_view *v = &in->references[i];
		struct ledger_reference r;
		enum assay_err e = ledger_reference_of(x->k->ledger, v->digest, "", &r);

		if (e != ASSAY_OK)
			return e;
		if (r.large)
			return ASSAY_TOO_LARGE;
		if ((e = copy(x, r.compiled, &v->compiled)) != ASSAY_OK)
			return e;
	}
	return ASSAY_OK;
}

static enum assay_err
add_logs(struct collection *x, const struct ledger_state *s)
{
	static const uint8_t none[32];
	struct span boot = SPAN(s->boot_log, 32), good = SPAN(s->good_log, 32), log;
	struct appraisal_input *in = &x->file.in;
	enum assay_err e = ASSAY_OK;

	if (!span_equal(good, SPAN(none, 32)) && !span_equal(good, boot) &&
	    ((e = ledger_blob_get(x->k->ledger, s->good_log, &log)) != ASSAY_OK ||
	     (e = copy(x, log, &in->good_log)) != ASSAY_OK))
		return e;
	if (span_equal(boot, SPAN(none, 32)))
		return ASSAY_OK;
	if ((e = ledger_blob_get(x->k->ledger, s->boot_log, &log)) != ASSAY_OK ||
	    (e = copy(x, log, &in->boot_log)) != ASSAY_OK)
		return e;
	in->has_boot_log = in->boot_log_stored = true;
	return ASSAY_OK;
}

static enum assay_err
collect(struct collection *x, const struct ledger_device *d, const struct ledger_state *s)
{
	struct appraisal_input *in = &x->file.in;
	struct keeper *k = x->k;
	enum assay_err e;

	x->file.mode = CASE_REPLAY;
	memcpy(x->request->device, d->id, sizeof x->request->device);
	memset(&k->input, 0, sizeof k->input);
	if ((e = keeper_stored_fill(s, &k->input)) != ASSAY_OK)
		return e;
	keeper_fill_device(&k->input, d);
	keeper_fill_references(k, x->request, d);
	*in = k->input;
	in->now = keeper_now(k);
	if ((e = add_logs(x, s)) != ASSAY_OK || (e = add_policy(x, d)) != ASSAY_OK ||
		    (e = add_references(x)) != ASSAY_OK)
		return e;
	if (!keeper_ima_stored(k, x->request))
		return ASSAY_OK;
	in->has_ima = true;
	in->ima_stored = x->request->ima_stored;
	if ((e = bulk_map(&x->request->ima)) != ASSAY_OK)
		return e;
	in->ima = x->request->ima.bytes;
	return in->ima.n > CASE_MAX - x->total ? ASSAY_TOO_LARGE : ASSAY_OK;
}

static enum assay_err
write_case(struct collection *x, uint8_t **ret, size_t *ret_len)
{
	uint8_t *scratch = malloc(APPRAISAL_INPUT_MAX), *out = malloc(2 * CASE_MAX);
	struct writer w;
	enum assay_err e = ASSAY_NO_MEMORY;

	wr_init(&w, out, out ? 2 * CASE_MAX : 0);
	if (scratch && out)
		e = case_file_write(&x->file, SPAN(scratch, APPRAISAL_INPUT_MAX), &w);
	free(scratch);
	if (e != ASSAY_OK) {
		free(out);
		return e;
	}
	*ret = out;
	*ret_len = w.len;
	return ASSAY_OK;
}

enum assay_err
keeper_case(struct keeper *k, const struct ledger_device *d, uint8_t **ret, size_t *ret_len)
{
	static struct collection x;
	struct ledger_state s;
	enum assay_err e = ledger_state_get(k->ledger, d->id, &s);

	if (e == ASSAY_OK && s.version == 0)
		e = ASSAY_NOT_FOUND;
	if (e != ASSAY_OK)
		return e;
	memset(&x, 0, sizeof x);
	x.k = k;
	x.request = calloc(1, sizeof *x.request);
	e = x.request ? collect(&x, d, &s) : ASSAY_NO_MEMORY;
	if (e == ASSAY_OK)
		e = write_case(&x, ret, ret_len);
	for (size_t i = 0; i < x.ncopies; i++)
		free(x.copies[i]);
	if (x.request)
		keeper_request_free(k, x.request);
	return e;
}
