/* appraiser.c: see appraiser.h. */
#include "appraiser.h"

#include "child.h"
#include "log.h"

#include "verifier/appraise/ima.h"
#include "verifier/appraise/appraise.h"
#include "verifier/appraise/explain.h"
#include "verifier/appraise/prediction.h"
#include "verifier/appraise/pack.h"

#include <stdlib.h>
#include <string.h>

struct map {
	uint64_t id;
	struct span bytes;
};

struct appraiser {
	struct ipc ipc;
	unsigned nmaps;
	struct map maps[APPRAISER_MAPS_MAX];
	struct ipc_msg ima; /* what the next APPRAISE is to have; type NONE: nothing */
	struct arena scratch;
	uint8_t *out; /* VERDICT_BYTES_MAX and its head */
	/* too large for the stack */
	struct appraisal_input input;
	struct verdict verdict;
	struct enrol_input enrol;
	struct enrol_verdict enrol_verdict;
};

#define OUT_MAX (VERDICT_BYTES_MAX + 64)

uint64_t
appraiser_map_id(const uint8_t digest[32])
{
	struct reader r;

	rd_init(&r, SPAN(digest, 8));
	return rd_be64(&r);
}

/* Keeps the mapping: the message is not released. */
static enum assay_err
on_map(struct appraiser *a, struct ipc_msg *m)
{
	uint8_t *copy;

	if (a->nmaps == APPRAISER_MAPS_MAX)
		return ASSAY_TOO_MANY;
	a->maps[a->nmaps].id = m->id;
	a->maps[a->nmaps].bytes = m->payload;
	if (!m->map) {
		copy = malloc(m->payload.n ? m->payload.n : 1);
		if (!copy)
			return ASSAY_NO_MEMORY;
		memcpy(copy, m->payload.p, m->payload.n);
		a->maps[a->nmaps].bytes.p = copy;
	}
	a->nmaps++;
	memset(m, 0, sizeof *m);
	return ASSAY_OK;
}

/* The zero digest means "none" and finds the empty span. */
static bool
find_map(const struct appraiser *a, const uint8_t digest[32], struct span *ret)
{
	static const uint8_t none[32];
	uint64_t id = appraiser_map_id(digest);

	*ret = SPAN(NULL, 0);
	if (span_equal(SPAN(digest, 32), SPAN(none, 32)))
		return true;
	for (unsigned i = 0; i < a->nmaps; i++)
		if (a->maps[i].id == id) {
			*ret = a->maps[i].bytes;
			return true;
		}
	return false;
}

static enum assay_err
fill_maps(struct appraiser *a, const uint8_t policy[32])
{
	struct appraisal_input *in = &a->input;

	if (!find_map(a, policy, &in->policy) ||
	    !find_map(a, in->enforced_digest, &in->enforced))
		return ASSAY_NOT_FOUND;
	for (size_t i = 0; i < in->nreferences; i++)
		if (!find_map(a, in->references[i].digest, &in->references[i].compiled))
			return ASSAY_NOT_FOUND;
	return ASSAY_OK;
}

static enum assay_err
send_verdict(struct appraiser *a, uint64_t id, struct span evidence)
{
	struct writer w;
	size_t head, n;
	enum assay_err e;

	wr_init(&w, a->out, OUT_MAX);
	wr_bytes(&w, evidence);
	wr_bytes(&w, SPAN(a->input.device.id, DEVICE_ID_HEX));
	if ((e = wr_finish(&w, &head)) != ASSAY_OK ||
	    (e = verdict_encode(&a->verdict, a->out + head, OUT_MAX - head, &n)) != ASSAY_OK)
		return e;
	return ipc_send(&a->ipc, IPC_VERDICT, id, SPAN(a->out, head + n));
}

static enum assay_err
send_explanation(struct appraiser *a, uint64_t id, struct span evidence)
{
	static struct told told;
	struct writer w;
	size_t head, n;
	enum assay_err e;

	appraise_explain(&a->input, &a->scratch, &a->verdict, &told);
	wr_init(&w, a->out, OUT_MAX);
	wr_bytes(&w, evidence);
	wr_bytes(&w, SPAN(a->input.device.id, DEVICE_ID_HEX));
	if ((e = wr_finish(&w, &head)) != ASSAY_OK ||
	    (e = told_encode(&told, a->out + head, OUT_MAX - head, &n)) != ASSAY_OK)
		return e;
	return ipc_send(&a->ipc, IPC_EXPLANATION, id, SPAN(a->out, head + n));
}

static enum assay_err
send_prediction(struct appraiser *a, uint64_t id, struct span evidence)
{
	struct prediction p;
	struct writer w;
	size_t head, n;
	enum assay_err e;

	prediction_make(&a->input, &a->scratch, &a->verdict, &p);
	wr_init(&w, a->out, OUT_MAX);
	wr_bytes(&w, evidence);
	wr_bytes(&w, SPAN(a->input.device.id, DEVICE_ID_HEX));
	if ((e = wr_finish(&w, &head)) != ASSAY_OK ||
	    (e = prediction_encode(&p, a->out + head, OUT_MAX - head, &n)) != ASSAY_OK)
		return e;
	return ipc_send(&a->ipc, IPC_PREDICTION, id, SPAN(a->out, head + n));
}

/* Keeps the mapping until the request that it is for is done. */
static enum assay_err
on_ima(struct appraiser *a, struct ipc_msg *m)
{
	if (a->ima.type != IPC_NONE || (!m->map && m->payload.n > 0))
		return ASSAY_STATE;
	a->ima = *m;
	memset(m, 0, sizeof *m);
	return ASSAY_OK;
}

/* The entries that came before, if the request speaks of any. */
static enum assay_err
take_ima(struct appraiser *a, uint64_t id)
{
	struct appraisal_input *in = &a->input;

	in->ima = a->ima.payload;
	if (in->has_ima != (a->ima.type == IPC_IMA) || (in->has_ima && a->ima.id != id) ||
	    in->ima_stored > in->ima.n)
		return ASSAY_STATE;
	return ASSAY_OK;
}

/* Where keeper is to cut what was proved. */
static enum assay_err
send_split(struct appraiser *a, uint64_t id)
{
	static uint32_t lengths[IMALOG_ENTRIES_MAX];
	static uint8_t bytes[4 * IMALOG_ENTRIES_MAX];
	struct span proved = ima_accepted_bytes(&a->input, &a->verdict);
	uint64_t count = a->verdict.ima_accepted.count;
	struct writer w;
	enum assay_err e;

	if (a->verdict.status != VERDICT_DECIDED || count == 0)
		return ASSAY_OK;
	e = ima_split(proved, &a->verdict.next.ima, count, lengths);
	if (e != ASSAY_OK)
		return e;
	wr_init(&w, bytes, sizeof bytes);
	for (uint64_t i = 0; i < count; i++)
		wr_be32(&w, lengths[i]);
	return w.err == ASSAY_OK ? ipc_send(&a->ipc, IPC_IMA_SPLIT, id, wr_span(&w)) : w.err;
}

static enum assay_err
appraise_request(struct appraiser *a, struct ipc_msg *m)
{
	struct reader r;
	struct span evidence, policy, input;
	enum assay_err e;
	uint8_t flags;

	rd_init(&r, m->payload);
	flags = rd_u8(&r);
	evidence = rd_bytes(&r, 32);
	policy = rd_bytes(&r, 32);
	input = rd_rest(&r);
	if ((e = rd_finish(&r)) != ASSAY_OK ||
	    (e = appraisal_input_decode(input, &a->input)) != ASSAY_OK ||
	    (e = take_ima(a, m->id)) != ASSAY_OK ||
	    (e = fill_maps(a, policy.p)) != ASSAY_OK)
		return e;
	arena_reset(&a->scratch);
	if (flags & APPRAISE_EXPLAIN)
		return send_explanation(a, m->id, evidence);
	if (flags & APPRAISE_REPLAY)
		return send_prediction(a, m->id, evidence);
	if (flags & APPRAISE_CORE_ONLY)
		appraise_core_only(&a->input, &a->scratch, &a->verdict);
	else
		appraise(&a->input, &a->scratch, &a->verdict);
	if ((e = send_split(a, m->id)) != ASSAY_OK)
		return e;
	return send_verdict(a, m->id, evidence);
}

static enum assay_err
on_appraise(struct appraiser *a, struct ipc_msg *m)
{
	struct ipc_msg ima;
	enum assay_err e = appraise_request(a, m);

	ima = a->ima;
	memset(&a->ima, 0, sizeof a->ima);
	ipc_release(&ima);
	return e;
}

static enum assay_err
on_enrol(struct appraiser *a, struct ipc_msg *m)
{
	struct reader r;
	struct span evidence, roots, dice, token, input;
	enum assay_err e;
	struct writer w;
	size_t n;

	rd_init(&r, m->payload);
	evidence = rd_bytes(&r, 32);
	roots = rd_bytes(&r, 32);
	dice = rd_bytes(&r, 32);
	token = rd_bytes(&r, 32);
	input = rd_rest(&r);
	if ((e = rd_finish(&r)) != ASSAY_OK ||
	    (e = enrol_input_decode(input, &a->enrol)) != ASSAY_OK)
		return e;
	if (!find_map(a, roots.p, &a->enrol.roots) ||
	    !find_map(a, dice.p, &a->enrol.dice_roots) ||
	    !find_map(a, token.p, &a->enrol.token_roots))
		return ASSAY_NOT_FOUND;
	arena_reset(&a->scratch);
	appraise_enrolment(&a->enrol, &a->scratch, &a->enrol_verdict);
	wr_init(&w, a->out, OUT_MAX);
	wr_bytes(&w, evidence);
	e = enrol_verdict_encode(&a->enrol_verdict, a->out + 32, OUT_MAX - 32, &n);
	if (e != ASSAY_OK)
		return e;
	return ipc_send(&a->ipc, IPC_ENROL_VERDICT, m->id, SPAN(a->out, 32 + n));
}

static const struct handler {
	enum ipc_type type;
	enum assay_err (*run)(struct appraiser *a, struct ipc_msg *m);
} handlers[] = {
	{IPC_MAP, on_map},
	{IPC_IMA, on_ima},
	{IPC_APPRAISE, on_appraise},
	{IPC_ENROL, on_enrol},
};

static enum assay_err
handle(struct appraiser *a, struct ipc_msg *m)
{
	for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
		if (handlers[i].type == m->type)
			return handlers[i].run(a, m);
	return ASSAY_BAD_TYPE;
}

static enum assay_err
setup(struct appraiser *a)
{
	struct child_start start = {0};
	uint8_t *scratch;
	enum assay_err e;

	if ((e = child_start(ROLE_APPRAISER, &start)) != ASSAY_OK)
		return e;
	ipc_release(&start.config);
	scratch = malloc(APPRAISE_ARENA);
	a->out = malloc(OUT_MAX);
	if (!scratch || !a->out)
		return ASSAY_NO_MEMORY;
	arena_init(&a->scratch, scratch, APPRAISE_ARENA);
	e = child_ready(&start, ROLE_APPRAISER, SPAN(NULL, 0));
	a->ipc = start.ipc;
	return e;
}

int
appraiser_main(void)
{
	static struct appraiser a;
	enum assay_err e = setup(&a);
	struct ipc_msg m;

	while (e == ASSAY_OK) {
		if ((e = ipc_recv(&a.ipc, &m)) != ASSAY_OK)
			break;
		if (m.type == IPC_STOP)
			return 0;
		e = handle(&a, &m);
		ipc_release(&m);
	}
	if (e == ASSAY_UNREACHABLE)
		return 0;
	log_event(LOG_LEVEL_ERROR, "exit", "error", assay_err_name(e), NULL);
	return 4;
}
