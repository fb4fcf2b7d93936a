/* keeper_replay.c: a replay while it runs; see keeper_replay.h. */
#include "keeper_replay_run.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEPTH 16   /* requests of a replay that one appraiser has at a time */
#define SLICE_MS 4 /* of a turn that may go into it */

static void
run_free(struct keeper *k, struct replay *p)
{
	struct replay_run *run = p->run;

	if (!run)
		return;
	for (unsigned i = 0; i < REPLAY_LOGS; i++)
		free(run->logs[i].bytes);
	keeper_request_free(k, run->ready);
	keeper_map_free(&run->policy.map);
	free(run);
	p->run = NULL;
}

/* ---- the end ---- */

static void
finish(struct keeper *k)
{
	struct replay *p = k->replay;
	char detail[LEDGER_TEXT_MAX];
	enum assay_err e;

	run_free(k, p);
	p->head.finished = k->now;
	p->state = REPLAY_DONE;
	if ((e = keeper_change(k)) == ASSAY_OK)
		e = replay_store(k, p);
	snprintf(detail, sizeof detail,
		 "replay %llu of version %u: %u devices, %u would change, %u unknown, %u not "
		 "concerned", (unsigned long long)p->head.id, p->head.version, p->head.total,
		 p->head.changed, p->head.unknown, p->head.unconcerned);
	if (e == ASSAY_OK)
		e = keeper_audit(k, p->head.actor, "policy.replayed", p->head.name, detail);
	if (e == ASSAY_OK)
		return;
	p->state = REPLAY_FAILED;
	p->why = "it could not be stored";
	if (k->changing)
		keeper_poison(k, e);
}

/* What appraisers still answer of it is nobody's (is_current()). */
static void
end_early(struct keeper *k, enum replay_state state, const char *why)
{
	struct replay *p = k->replay;

	run_free(k, p);
	free(p->rows);
	p->rows = NULL;
	p->nrows = p->cap = 0;
	p->state = state;
	p->why = why;
}

void
keeper_replay_abort(struct keeper *k, const char *why)
{
	if (!k->replay || k->replay->state != REPLAY_RUNNING)
		return;
	log_event(LOG_LEVEL_WARN, "replay-failed", "id", log_u64(k->replay->head.id), "why", why,
		  NULL);
	end_early(k, REPLAY_FAILED, why);
}

enum assay_err
keeper_replay_cancel(struct keeper *k, uint64_t id)
{
	if (!k->replay || k->replay->state != REPLAY_RUNNING || k->replay->head.id != id)
		return ASSAY_NOT_FOUND;
	log_event(LOG_LEVEL_INFO, "replay-cancelled", "id", log_u64(id), NULL);
	end_early(k, REPLAY_CANCELLED, "an operator cancelled it");
	return ASSAY_OK;
}

void
keeper_replay_end(struct keeper *k)
{
	keeper_replay_abort(k, "the verifier stops");
	replay_free(k->replay);
	replay_free(k->replay_read);
	k->replay = k->replay_read = NULL;
}

/* ---- turn by turn ---- */

static int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The next device of the ledger; false: that was all. */
static bool
advance(struct keeper *k)
{
	struct replay_run *run = k->replay->run;
	struct request *r;
	enum assay_err e = ledger_device_next(k->ledger, run->after, &k->device);

	if (e != ASSAY_OK && e != ASSAY_TAMPERED) {
		run->listed = true;
		if (e != ASSAY_NOT_FOUND)
			keeper_replay_abort(k, "the ledger cannot be read");
		return false;
	}
	memcpy(run->after, k->device.id, sizeof run->after);
	if (e == ASSAY_TAMPERED) { /* it is nobody */
		k->replay->head.total++;
		k->replay->head.unknown++;
		k->replay->done++;
		return true;
	}
	r = replay_next_request(k, &k->device);
	if (k->replay->state == REPLAY_RUNNING)
		run->ready = r;
	return true;
}

void
keeper_replay_step(struct keeper *k)
{
	struct replay *p = k->replay;
	int64_t until;

	if (!p || p->state != REPLAY_RUNNING)
		return;
	until = clock_us() + SLICE_MS * 1000;
	while (p->state == REPLAY_RUNNING && clock_us() < until) {
		struct replay_run *run = p->run;
		struct request *r = run->ready;

		if (r) {
			run->ready = NULL;
			run->under_way++;
			if (keeper_offer(k, r, DEPTH))
				continue;
			run->ready = r;
			run->under_way--;
			return;
		}
		if (run->listed || !advance(k))
			break;
	}
	if (p->state == REPLAY_RUNNING && p->run->listed && !p->run->ready &&
	    p->run->under_way == 0)
		finish(k);
}

/* Whether a request is of the replay that runs. */
static bool
is_current(const struct keeper *k, const struct request *r)
{
	return k->replay && k->replay->state == REPLAY_RUNNING &&
	       r->version == k->replay->head.id;
}

void
keeper_replay_lost(struct keeper *k, struct request *r)
{
	if (is_current(k, r)) {
		k->replay->run->under_way--;
		replay_settle_unknown(k->replay, &k->replay->rows[r->row],
			       "an appraiser died of its evidence");
	}
	keeper_request_free(k, r);
}

static enum assay_err
read_prediction(const struct ipc_msg *m, const struct request *r, struct prediction *ret)
{
	struct span tag, device;
	struct reader rd;
	enum assay_err e;

	rd_init(&rd, m->payload);
	tag = rd_bytes(&rd, 32);
	device = rd_bytes(&rd, DEVICE_ID_HEX);
	if ((e = prediction_decode(rd_rest(&rd), ret)) != ASSAY_OK)
		return e;
	return span_equal(tag, SPAN(r->evidence, 32)) &&
			       span_equal(device, SPAN(r->device, DEVICE_ID_HEX))
		       ? ASSAY_OK
		       : ASSAY_MISMATCH;
}

void
keeper_on_prediction(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct request *r = keeper_expected(c);
	struct prediction v;

	if (!r || r->id != m->id || r->kind != REQ_REPLAY ||
	    read_prediction(m, r, &v) != ASSAY_OK) {
		keeper_child_lost(k, c, "returned a prediction that is not its request's");
		return;
	}
	keeper_appraiser_done(k, c, v.status == VERDICT_FAULT || v.status == VERDICT_UNPROVEN);
	if (is_current(k, r)) {
		k->replay->run->under_way--;
		replay_settle(k, r, &v);
	}
	keeper_request_free(k, r);
}

const struct keeper_map *
keeper_replay_map(struct keeper *k, const uint8_t digest[32])
{
	const struct replay *p = k->replay;

	if (!p || !p->run || !span_equal(SPAN(p->run->policy.map.digest, 32), SPAN(digest, 32)))
		return NULL;
	return &p->run->policy.map;
}

bool
keeper_replayed(const struct request *r, const struct keeper_reference *ref)
{
	return r->kind == REQ_REPLAY && r->replay &&
	       strcmp(r->replay->reference_class, ref->class_name) == 0 &&
	       span_equal(SPAN(r->replay->head.reference, 32), SPAN(ref->digest, 32));
}

/* ---- starting and finding ---- */

static void
fill_head(struct keeper *k, const struct replay_order *o, struct ledger_replay *h)
{
	struct ledger_replay last;

	memcpy(h->policy, o->policy->digest, sizeof h->policy);
	memcpy(h->name, o->policy->name, sizeof h->name);
	h->version = o->policy->version;
	if (o->reference)
		memcpy(h->reference, o->reference->digest, sizeof h->reference);
	memcpy(h->class_name, o->class_name, sizeof h->class_name);
	memcpy(h->device, o->device, sizeof h->device);
	memcpy(h->actor, o->actor, sizeof h->actor);
	memcpy(h->judges, k->judges, sizeof h->judges);
	h->at = k->now;
	h->id = 1;
	if (ledger_replay_prev(k->ledger, 0, &last) == ASSAY_OK)
		h->id = last.id + 1;
	if (k->replay && k->replay->head.id >= h->id)
		h->id = k->replay->head.id + 1;
}

enum assay_err
keeper_replay_start(struct keeper *k, const struct replay_order *o, uint64_t *ret_id)
{
	struct replay *p;
	uint32_t expected = 0;
	enum assay_err e;

	if (k->replay && k->replay->state == REPLAY_RUNNING)
		return ASSAY_BUSY;
	p = calloc(1, sizeof *p);
	if (!p || !(p->run = calloc(1, sizeof *p->run))) {
		replay_free(p);
		return ASSAY_NO_MEMORY;
	}
	if ((e = policy_info(o->policy->compiled, &p->run->policy.info)) != ASSAY_OK ||
	    (e = keeper_map_make(&p->run->policy.map, o->policy->compiled)) != ASSAY_OK ||
	    (e = ledger_device_count(k->ledger, DEV_ENROLLED, &expected)) != ASSAY_OK) {
		run_free(k, p);
		replay_free(p);
		return e;
	}
	fill_head(k, o, &p->head);
	if (o->reference)
		memcpy(p->reference_class, o->reference->class_name, sizeof p->reference_class);
	p->head.monitor = p->run->policy.info.monitor;
	p->expected = o->device[0] ? 1 : expected;
	p->run->started_ms = k->now_ms;
	p->state = REPLAY_RUNNING;
	replay_free(k->replay);
	k->replay = p;
	*ret_id = p->head.id;
	return ASSAY_OK;
}

const struct replay *
keeper_replay_current(struct keeper *k)
{
	return k->replay;
}

enum assay_err
keeper_replay_find(struct keeper *k, uint64_t id, const struct replay **ret)
{
	enum assay_err e = ASSAY_OK;

	if (k->replay && k->replay->head.id == id) {
		*ret = k->replay;
		return ASSAY_OK;
	}
	if (!k->replay_read || k->replay_read->head.id != id) {
		replay_free(k->replay_read);
		k->replay_read = NULL;
		e = keeper_replay_load(k, id, &k->replay_read);
	}
	*ret = k->replay_read;
	return e;
}

enum assay_err
keeper_replay_of(struct keeper *k, const uint8_t policy[32], const struct replay **ret)
{
	static const uint8_t none[32];
	struct ledger_replay h = {0};
	uint64_t before = 0;
	enum assay_err e;

	while ((e = ledger_replay_prev(k->ledger, before, &h)) == ASSAY_OK) {
		before = h.id;
		if (span_equal(SPAN(h.policy, 32), SPAN(policy, 32)) && !h.class_name[0] &&
		    !h.device[0] && span_equal(SPAN(h.reference, 32), SPAN(none, 32)))
			return keeper_replay_find(k, h.id, ret);
	}
	return e;
}

bool
keeper_replay_holds(struct keeper *k, const struct replay *r)
{
	return r->state == REPLAY_DONE && k->now - r->head.at <= REPLAY_MAX_AGE_S &&
	       span_equal(SPAN(r->head.judges, 32), SPAN(k->judges, 32));
}
