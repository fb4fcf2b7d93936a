/* keeper_replay.c: a replay while it runs; see keeper_replay.h. */
#include "keeper_private.h"
#include "keeper_replay.h"

#include "labels.h"
#include "log.h"

#include "verifier/appraise/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEPTH 4	       /* requests of a replay that one appraiser has at a time */
#define SLICE_MS 4     /* of a turn that may go into it */
#define LOGS 8	       /* boot logs that are kept at hand */
#define ROWS_STEP 4096
#define PCR_IMA 10

struct stored_log {
	uint8_t digest[32];
	uint8_t *bytes;
	size_t n;
	uint64_t used;
};

struct replay_run {
	struct keeper_policy policy; /* the candidate, with its own map */
	char after[DEVICE_ID_HEX + 1];
	bool listed; /* all devices were looked at */
	unsigned under_way;
	struct request *ready; /* composed, for an appraiser that has room */
	struct stored_log logs[LOGS];
	uint64_t uses;
	int64_t started_ms;
};

static void
run_free(struct keeper *k, struct replay *p)
{
	struct replay_run *run = p->run;

	if (!run)
		return;
	for (unsigned i = 0; i < LOGS; i++)
		free(run->logs[i].bytes);
	keeper_request_free(k, run->ready);
	keeper_map_free(&run->policy.map);
	free(run);
	p->run = NULL;
}

/* ---- what becomes of a device ---- */

static enum outcome
decision_with(const struct keeper *k, const struct standing *s, enum outcome verdict)
{
	struct decision_view v;

	decide(&(struct decision_input){.status = s->status,
					.overlay = s->overlay,
					.fault = ledger_fault(k->ledger) != ASSAY_OK,
					.judged = true,
					.verdict = verdict,
					.verdict_at = k->now,
					.expires_at = INT64_MAX,
					.now = k->now,
					.finding = ""},
	       &v);
	return v.outcome;
}

static bool
same_group(const struct replay_group *a, const struct replay_group *b)
{
	return a->before == b->before && a->after == b->after && a->over == b->over &&
	       a->code == b->code && strcmp(a->rule, b->rule) == 0 &&
	       strcmp(a->subject, b->subject) == 0;
}

/* Where there are too many groups, the last one takes what is left. */
static uint16_t
group_of(struct replay *p, const struct replay_group *g)
{
	unsigned i = 0;

	while (i < p->ngroups && !same_group(&p->groups[i], g))
		i++;
	if (i == REPLAY_GROUPS_MAX)
		i--;
	if (i == p->ngroups) {
		p->groups[p->ngroups++] = *g;
		p->groups[i].count = 0;
	}
	p->groups[i].count++;
	return (uint16_t)i;
}

static void
settle(struct replay *p, struct replay_row *row, const struct replay_group *why)
{
	struct replay_group g = *why;

	p->done++;
	g.before = row->before;
	g.after = row->after;
	if (row->after == REPLAY_UNKNOWN)
		p->head.unknown++;
	else if (row->after != row->before)
		p->head.changed++;
	else
		p->head.unchanged++;
	row->group = row->after == row->before ? (uint16_t)REPLAY_GROUP_NONE : group_of(p, &g);
}

static void
settle_unknown(struct replay *p, struct replay_row *row, const char *why)
{
	struct replay_group g = {0};

	snprintf(g.subject, sizeof g.subject, "%s", why);
	row->after = REPLAY_UNKNOWN;
	settle(p, row, &g);
}

/* What the device's last verdict held against it, and the new one does not. */
static void
what_is_over(struct keeper *k, const char *device, struct replay_group *ret)
{
	struct ledger_state st;

	ret->over = true;
	if (ledger_state_get(k->ledger, device, &st) != ASSAY_OK || st.verdict.n == 0 ||
	    verdict_decode(st.verdict, &k->verdict) != ASSAY_OK)
		return;
	for (unsigned i = 0; i < k->verdict.nfindings; i++) {
		const struct finding *f = &k->verdict.findings[i];

		if (f->cap != k->verdict.outcome || f->cap == OUTCOME_ADMIT)
			continue;
		ret->code = f->code;
		memcpy(ret->rule, f->rule, sizeof ret->rule);
		memcpy(ret->subject, f->subject, sizeof ret->subject);
		return;
	}
}

struct prediction {
	uint8_t status, outcome, need;
	struct replay_group why;
};

static const char *
unknown_because(const struct prediction *v)
{
	switch (v->status) {
	case VERDICT_NEED:
		return v->need == PART_BOOT_LOG ? "the boot log is not stored"
		       : v->need == PART_CLAIMS ? "the claims are not stored"
		       : v->need == PART_IMA  ? "the IMA list is not stored"
						: "a part of the evidence is not stored";
	case VERDICT_UNPROVEN:
		return "the stored evidence does not verify with the device's keys";
	default:
		return "the stored evidence cannot be appraised";
	}
}

static void
settle_predicted(struct keeper *k, const struct request *r, struct prediction *v)
{
	struct replay *p = k->replay;
	struct replay_row *row = &p->rows[r->row];

	if (v->status != VERDICT_DECIDED) {
		settle_unknown(p, row, unknown_because(v));
		return;
	}
	row->verdict = v->outcome;
	row->after = (uint8_t)decision_with(k, &r->standing, (enum outcome)v->outcome);
	if (row->after > row->before) {
		memset(&v->why, 0, sizeof v->why);
		what_is_over(k, r->device, &v->why);
	}
	settle(p, row, &v->why);
}

/* ---- asking for one ---- */

/* A log by its digest, kept at hand: a fleet boots a few of them. */
static enum assay_err
find_log(struct keeper *k, const uint8_t digest[32], struct span *ret)
{
	struct replay_run *run = k->replay->run;
	struct stored_log *oldest = &run->logs[0];
	struct span log;
	enum assay_err e;

	for (unsigned i = 0; i < LOGS; i++) {
		struct stored_log *l = &run->logs[i];

		if (l->bytes && span_equal(SPAN(l->digest, 32), SPAN(digest, 32))) {
			l->used = ++run->uses;
			*ret = SPAN(l->bytes, l->n);
			return ASSAY_OK;
		}
		if (l->used < oldest->used)
			oldest = l;
	}
	if ((e = ledger_blob_get(k->ledger, digest, &log)) != ASSAY_OK)
		return e;
	free(oldest->bytes);
	memset(oldest, 0, sizeof *oldest);
	if ((e = keeper_copy(log, &oldest->bytes, &oldest->n)) != ASSAY_OK)
		return e;
	memcpy(oldest->digest, digest, 32);
	oldest->used = ++run->uses;
	*ret = SPAN(oldest->bytes, oldest->n);
	return ASSAY_OK;
}

/* The log of the boot and of the good one before, as a round has them. */
static enum assay_err
fill_logs(struct keeper *k, const struct ledger_state *st)
{
	static const uint8_t none[32];
	struct span boot = SPAN(st->boot_log, 32), good = SPAN(st->good_log, 32);
	struct appraisal_input *in = &k->input;
	enum assay_err e = ASSAY_OK;

	if (!span_equal(good, SPAN(none, 32)) && !span_equal(good, boot))
		e = find_log(k, st->good_log, &in->good_log);
	if (e != ASSAY_OK || span_equal(boot, SPAN(none, 32)))
		return e;
	e = find_log(k, st->boot_log, &in->boot_log);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	in->has_boot_log = in->boot_log_stored = e == ASSAY_OK;
	return e;
}

static enum assay_err
read_asked(struct span bytes, struct pcr_selection *ret)
{
	struct reader r;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, bytes);
	ret->count = rd_u8(&r);
	if (ret->count > PCR_BANKS_MAX)
		rd_fail(&r, ASSAY_TOO_MANY);
	for (unsigned i = 0; i < ret->count && r.err == ASSAY_OK; i++) {
		ret->bank[i].alg = rd_be16(&r);
		ret->bank[i].mask = rd_be32(&r);
	}
	return rd_finish(&r);
}

static bool
covers(const struct pcr_selection *asked, const struct pcr_selection *wanted)
{
	for (unsigned i = 0; i < wanted->count; i++)
		if (wanted->bank[i].mask & ~pcr_selected(asked, wanted->bank[i].alg))
			return false;
	return true;
}

/* Then the boot's list goes along, as after any change of what judges it. */
static bool
asks_for_ima(const struct pcr_selection *ask)
{
	for (unsigned i = 0; i < ask->count; i++)
		if (ask->bank[i].mask & 1u << PCR_IMA)
			return true;
	return false;
}

static void
fill_evidence(struct keeper *k, const struct request *r, const struct ledger_state *st)
{
	struct appraisal_input *in = &k->input;

	in->now = k->replay->head.at;
	memcpy(in->nonce, st->nonce, sizeof in->nonce);
	in->channel = st->channel;
	in->proof = st->proof;
	in->claims = st->claims;
	in->continuity = st->continuity;
	in->has_ima = r->has_ima;
	in->ima_from = r->ima_from;
	in->ima_stored = r->ima_stored;
}

/* NULL, with *ret_why: the device's stored inputs do not suffice. */
static struct request *
compose(struct keeper *k, const struct ledger_device *d, const struct keeper_policy *policy,
	const char **ret_why)
{
	struct request *r = calloc(1, sizeof *r);
	struct ledger_state st;
	enum assay_err e;

	*ret_why = "it cannot be read";
	memset(&k->input, 0, sizeof k->input);
	if (r)
		memcpy(r->device, d->id, sizeof r->device);
	if (!r || ledger_state_evidence(k->ledger, d->id, &st) != ASSAY_OK ||
	    read_asked(st.asked, &k->input.asked) != ASSAY_OK)
		goto fail;
	r->kind = REQ_REPLAY;
	r->replay = k->replay;
	r->version = k->replay->head.id;
	memcpy(r->evidence, st.nonce, sizeof r->evidence);
	keeper_take_standing(k, d, &r->standing);
	memset(r->standing.policy, 0, sizeof r->standing.policy);
	if (policy) {
		*ret_why = "its evidence does not cover what the policy asks for";
		if (!covers(&k->input.asked, &policy->info.ask))
			goto fail;
		memcpy(r->standing.policy, policy->map.digest, 32);
		memcpy(r->maps[r->nmaps++], policy->map.digest, 32);
	}
	if (policy && asks_for_ima(&policy->info.ask))
		(void)keeper_ima_stored(k, r);
	fill_evidence(k, r, &st);
	keeper_fill_device(&k->input, d);
	memcpy(k->input.policy_digest, r->standing.policy, 32);
	keeper_fill_references(k, r, d);
	*ret_why = "its boot log cannot be read";
	if ((e = fill_logs(k, &st)) != ASSAY_OK || (e = keeper_encode_request(k, r)) != ASSAY_OK)
		goto fail;
	return r;
fail:
	keeper_request_free(k, r);
	return NULL;
}

/* Whether the candidate changes anything of what judges this device. */
static bool
concerns(struct keeper *k, const struct ledger_device *d, const struct keeper_policy **ret)
{
	static const uint8_t none[32];
	const struct replay *p = k->replay;
	const struct keeper_policy *candidate = &p->run->policy;
	const struct keeper_policy *now = keeper_policy_for(k, d->class_name, d->labels);

	*ret = keeper_policy_with(k, candidate, d->class_name, d->labels);
	if (*ret == candidate || *ret != now)
		return true;
	for (unsigned i = 0; i < k->nreferences; i++) {
		const struct keeper_reference *ref = &k->references[i];

		if (!span_equal(SPAN(p->head.reference, 32), SPAN(none, 32)) &&
		    span_equal(SPAN(ref->digest, 32), SPAN(p->head.reference, 32)))
			return strcmp(ref->class_name, d->class_name) == 0 &&
			       (!ref->device[0] || strcmp(ref->device, d->id) == 0) &&
			       labels_all(ref->labels, d->labels);
	}
	return false;
}

static bool
in_scope(const struct replay *p, const struct ledger_device *d)
{
	return d->status == DEV_ENROLLED &&
	       (!p->head.class_name[0] || strcmp(p->head.class_name, d->class_name) == 0) &&
	       (!p->head.device[0] || strcmp(p->head.device, d->id) == 0);
}

static struct replay_row *
add_row(struct replay *p)
{
	struct replay_row *rows;

	if (p->nrows == p->cap) {
		rows = realloc(p->rows, (p->cap + ROWS_STEP) * sizeof *rows);
		if (!rows)
			return NULL;
		p->rows = rows;
		p->cap += ROWS_STEP;
	}
	memset(&p->rows[p->nrows], 0, sizeof p->rows[0]);
	return &p->rows[p->nrows++];
}

/* The row of a device that is concerned, with what is decided of it now. False: there is
 * nothing to appraise, and it is settled. */
static bool
begin_row(struct keeper *k, const struct ledger_device *d, struct replay_row *row)
{
	struct standing s = {.status = d->status, .overlay = d->overlay};
	struct ledger_state st;
	size_t n;

	if (hex_decode(d->id, row->id, sizeof row->id, &n) != ASSAY_OK)
		return false;
	if (ledger_state_outline(k->ledger, d->id, &st) != ASSAY_OK) {
		settle_unknown(k->replay, row, "its record is not authentic");
		return false;
	}
	row->before = (uint8_t)decision_with(k, &s, st.verdict_outcome);
	k->replay->stale += st.expires_at <= k->now;
	if (st.version != 0 && st.verdict_at != 0)
		return true;
	settle_unknown(k->replay, row, "it has never attested");
	return false;
}

/* One device further. A request, if there is something to appraise. */
static struct request *
next_request(struct keeper *k, const struct ledger_device *d)
{
	struct replay *p = k->replay;
	const struct keeper_policy *policy;
	struct replay_row *row;
	struct request *r;
	const char *why;

	if (!in_scope(p, d))
		return NULL;
	p->head.total++;
	if (!concerns(k, d, &policy)) {
		p->head.unconcerned++;
		p->done++;
		return NULL;
	}
	row = add_row(p);
	if (!row) {
		keeper_replay_abort(k, "out of memory");
		return NULL;
	}
	if (!begin_row(k, d, row))
		return NULL;
	r = compose(k, d, policy, &why);
	if (r)
		r->row = (uint32_t)(p->nrows - 1);
	else
		settle_unknown(p, row, why);
	return r;
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

void
keeper_replay_abort(struct keeper *k, const char *why)
{
	if (!k->replay || k->replay->state != REPLAY_RUNNING)
		return;
	log_event(LOG_LEVEL_WARN, "replay-failed", "id", log_u64(k->replay->head.id), "why", why,
		  NULL);
	run_free(k, k->replay);
	k->replay->state = REPLAY_FAILED;
	k->replay->why = why;
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
	run->ready = next_request(k, &k->device);
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
		settle_unknown(k->replay, &k->replay->rows[r->row],
			       "an appraiser died of its evidence");
	}
	keeper_request_free(k, r);
}

static enum assay_err
read_prediction(const struct ipc_msg *m, const struct request *r, struct prediction *ret)
{
	struct span tag, device;
	struct reader rd;

	memset(ret, 0, sizeof *ret);
	rd_init(&rd, m->payload);
	tag = rd_bytes(&rd, 32);
	device = rd_bytes(&rd, DEVICE_ID_HEX);
	ret->status = unpack_below(&rd, VERDICT_STATUS_COUNT);
	ret->outcome = unpack_below(&rd, OUTCOME_COUNT);
	ret->need = unpack_below(&rd, UINT8_MAX);
	ret->why.code = rd_be16(&rd);
	unpack_text(&rd, ret->why.rule, sizeof ret->why.rule);
	unpack_text(&rd, ret->why.subject, sizeof ret->why.subject);
	if (rd_finish(&rd) != ASSAY_OK || ret->why.code >= FIND_COUNT)
		return ASSAY_MALFORMED;
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
		settle_predicted(k, r, &v);
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
keeper_replayed(const struct request *r, const uint8_t reference[32])
{
	return r->kind == REQ_REPLAY && r->replay &&
	       span_equal(SPAN(r->replay->head.reference, 32), SPAN(reference, 32));
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
