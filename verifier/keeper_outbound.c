/*
 * keeper_outbound.c: when webhooks, syslog and the journal are given what, and what becomes
 * of it; see keeper_outbound.h and docs/webhooks.md.
 *
 * Everything is read from the ledger after its commit. An answer of a process must be about
 * the oldest message that it was given; it moves the cursor within the turn's change, so
 * that a message is given again after a crash rather than lost.
 */
#include "keeper_outbound.h"

#include "child.h"
#include "log.h"
#include "random.h"

#include "verifier/appraise/text.h"

#include <stdio.h>
#include <string.h>

static struct child *
process_of(struct keeper *k, const struct sink *s)
{
	unsigned index = (unsigned)(s - k->outbox->sink);

	for (size_t i = 0; i < KEEPER_CHILDREN_MAX; i++) {
		struct child *c = &k->children[i];

		if (c->pid && c->role == ROLE_OUTBOUND && c->index == index && !c->stopping)
			return c;
	}
	return NULL;
}

bool
sink_running(struct keeper *k, const struct sink *s)
{
	return process_of(k, s) != NULL;
}

struct sink *
sink_find(struct keeper *k, const char *name)
{
	for (unsigned i = 0; i < k->outbox->n; i++)
		if (strcmp(k->outbox->sink[i].name, name) == 0)
			return &k->outbox->sink[i];
	return NULL;
}

/* ---- the cursor and dead letters, within a change ---- */

enum assay_err
sink_changed(struct keeper *k, struct sink *s)
{
	return ledger_dead_count(k->ledger, s->name, &s->dead, &s->again);
}

enum assay_err
sink_skip_to(struct keeper *k, struct sink *s, uint64_t seq)
{
	struct child *c = process_of(k, s);

	if (c) {
		c->stopping = true;
		keeper_child_lost(k, c, "what it has is not wanted any more");
	}
	s->cursor = seq;
	s->attempts = 0;
	s->oldest = 0;
	sink_take_back(s);
	return sink_store(k, s);
}

/* There are as many as may be: the oldest goes. */
static enum assay_err
make_room(struct keeper *k, struct sink *s)
{
	struct ledger_dead from = {.seq = 0}, oldest;
	enum assay_err e;

	if (s->dead < OUTBOX_DEAD_MAX)
		return ASSAY_OK;
	text_format(from.name, sizeof from.name, "%s", s->name);
	if ((e = ledger_dead_next(k->ledger, &from, false, &oldest)) != ASSAY_OK ||
	    (e = ledger_dead_remove(k->ledger, s->name, oldest.seq)) != ASSAY_OK)
		return e;
	s->dropped++;
	return ASSAY_OK;
}

static enum assay_err
bury(struct keeper *k, struct sink *s, uint64_t seq, uint32_t attempts)
{
	struct ledger_dead d = {.seq = seq, .attempts = attempts, .at = k->now};
	enum assay_err e;

	text_format(d.name, sizeof d.name, "%s", s->name);
	text_format(d.error, sizeof d.error, "%s", s->error);
	if ((e = keeper_change(k)) != ASSAY_OK || (e = make_room(k, s)) != ASSAY_OK ||
	    (e = ledger_dead_put(k->ledger, &d)) != ASSAY_OK ||
	    (e = sink_changed(k, s)) != ASSAY_OK)
		return e;
	s->died++;
	log_event(LOG_LEVEL_WARN, "webhook-dead-letter", "webhook", s->name, "sequence",
		  log_u64(seq), "attempts", log_u64(attempts), "error", s->error, NULL);
	return ASSAY_OK;
}

/* ---- answers ---- */

static void
note_error(struct keeper *k, struct sink *s, const char *error)
{
	text_format(s->error, sizeof s->error, "%s", error);
	s->error_at = k->now;
}

static void
wait_longer(struct keeper *k, struct sink *s, uint32_t retry_after)
{
	uint32_t most = s->hook ? s->hook->retry_max_s : 60, random = 0;

	if (random_below(UINT32_MAX, &random) != ASSAY_OK)
		random = 0;
	s->failures++;
	s->due_ms = k->now_ms + (int64_t)webhook_delay_ms(s->failures, most, retry_after, random);
	if (s->failures == 1)
		log_event(LOG_LEVEL_WARN, "outbound-failing", "to", s->name, "error", s->error,
			  NULL);
}

static bool
is_too_old(const struct keeper *k, const struct sink *s, int64_t at)
{
	return s->hook && k->now - at >= (int64_t)s->hook->give_up_s;
}

static void
answer_test(struct keeper *k, struct sink *s, const struct outbound_result *r)
{
	char text[512];

	if (s->test == 0)
		return;
	snprintf(text, sizeof text,
		 "{\"webhook\":\"%s\",\"delivered\":%s,\"status\":%u,\"error\":%s%.*s%s}", s->name,
		 r->delivered ? "true" : "false", r->status, r->error[0] ? "\"" : "null",
		 (int)strcspn(r->error, "\"\\"), r->error, r->error[0] ? "\"" : "");
	keeper_reply(k, s->test, ASSAY_OK, text);
	s->test = 0;
}

/* It has arrived. */
static enum assay_err
delivered(struct keeper *k, struct sink *s, const struct flight *f)
{
	enum assay_err e;

	if (s->failures > 0)
		log_event(LOG_LEVEL_INFO, "outbound-recovered", "to", s->name, "after",
			  log_u64(s->failures), NULL);
	s->failures = 0;
	s->delivered_at = k->now;
	if (f->kind == FLIGHT_TEST)
		return ASSAY_OK;
	s->delivered++;
	if (f->kind == FLIGHT_AGAIN) {
		if ((e = keeper_change(k)) != ASSAY_OK ||
		    (e = ledger_dead_remove(k->ledger, s->name, f->seq)) != ASSAY_OK)
			return e;
		return sink_changed(k, s);
	}
	s->attempts = 0;
	s->oldest = s->n > 0 ? s->flight[s->first].at : 0;
	s->cursor = s->n == 0 ? s->next : f->seq;
	return sink_store(k, s);
}

/* Tried once more, in vain: dead as before. */
static enum assay_err
dead_again(struct keeper *k, struct sink *s, uint64_t seq)
{
	struct ledger_dead d;
	enum assay_err e = ledger_dead_get(k->ledger, s->name, seq, &d);

	if (e != ASSAY_OK)
		return e == ASSAY_NOT_FOUND ? ASSAY_OK : e; /* dropped meanwhile */
	d.again = false;
	d.attempts++;
	d.at = k->now;
	text_format(d.error, sizeof d.error, "%s", s->error);
	if ((e = keeper_change(k)) != ASSAY_OK ||
	    (e = ledger_dead_put(k->ledger, &d)) != ASSAY_OK)
		return e;
	return sink_changed(k, s);
}

/* It has not; the process ends. */
static enum assay_err
failed(struct keeper *k, struct sink *s, const struct flight *f, const struct outbound_result *r)
{
	bool refused = s->hook && webhook_refused(r->status);
	enum assay_err e;

	note_error(k, s, r->error);
	if (f->kind == FLIGHT_TEST)
		return ASSAY_OK;
	s->retries++;
	if (f->kind == FLIGHT_AGAIN) {
		s->due_ms = k->now_ms + WEBHOOK_RETRY_FIRST_MS;
		return dead_again(k, s, f->seq);
	}
	s->attempts++;
	s->oldest = f->at;
	wait_longer(k, s, r->retry_after);
	refused = refused && (r->status == 410 || s->attempts >= OUTBOX_REFUSALS_MAX);
	if (!refused && !is_too_old(k, s, f->at))
		return ASSAY_OK;
	if ((e = bury(k, s, f->seq, s->attempts)) != ASSAY_OK)
		return e;
	s->cursor = s->next = f->seq;
	s->attempts = 0;
	if (refused) { /* it was about this one; the receiver is there */
		s->failures = 0;
		s->due_ms = k->now_ms;
	}
	return sink_store(k, s);
}

void
sink_end_process(struct keeper *k, struct sink *s)
{
	struct child *c = process_of(k, s);

	sink_take_back(s);
	if (!c)
		return;
	c->stopping = true;
	keeper_child_lost(k, c, "has failed to deliver");
}

void
keeper_on_outbound_result(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct sink *s = &k->outbox->sink[c->index];
	struct outbound_result r;
	struct flight f;
	enum assay_err e;

	if (s->n == 0 || s->flight[s->first].id != m->id ||
	    outbound_result_decode(m->payload, &r) != ASSAY_OK) {
		keeper_child_lost(k, c, "answered what it was not given");
		return;
	}
	f = s->flight[s->first];
	s->first = (s->first + 1) % OUTBOUND_WINDOW;
	s->n--;
	s->used_ms = k->now_ms;
	e = r.delivered ? delivered(k, s, &f) : failed(k, s, &f, &r);
	if (e != ASSAY_OK)
		keeper_poison(k, e);
	if (f.kind == FLIGHT_TEST)
		answer_test(k, s, &r);
	if (!r.delivered)
		sink_end_process(k, s);
}

void
keeper_outbound_lost(struct keeper *k, unsigned index, bool expected, const char *why)
{
	struct outbound_result r = {.delivered = false};
	struct sink *s = &k->outbox->sink[index];
	bool tested = s->n > 0 && s->flight[s->first].kind == FLIGHT_TEST;

	sink_take_back(s);
	if (expected || k->stopping)
		return;
	text_format(r.error, sizeof r.error, "its process %.80s", why);
	note_error(k, s, r.error);
	wait_longer(k, s, 0);
	if (tested)
		answer_test(k, s, &r);
}

/* ---- what is next ---- */

static bool
add_flight(struct keeper *k, struct sink *s, struct child *c, struct flight f,
	   const struct ledger_decision *row)
{
	enum assay_err e;

	f.id = ++k->outbox->number;
	if ((e = sink_send(k, s, c, &f, row)) != ASSAY_OK) {
		keeper_child_lost(k, c, assay_err_name(e));
		return false;
	}
	s->flight[(s->first + s->n++) % OUTBOUND_WINDOW] = f;
	s->used_ms = k->now_ms;
	return true;
}

/* The next decision that is wanted; what is not wanted, or is given up, is passed. */
static bool
find_next(struct keeper *k, struct sink *s, struct ledger_decision *ret)
{
	struct ledger_heads heads;

	ledger_heads(k->ledger, &heads);
	for (unsigned i = 0; i < OUTBOX_SCAN && s->next < heads.decision; i++) {
		enum assay_err e = ledger_decision_next(k->ledger, s->next, ret);
		uint64_t seq = e == ASSAY_NOT_FOUND ? heads.decision : ret->seq;

		if (e == ASSAY_OK && sink_wants(k, s, ret)) {
			if (s->failures == 0 || !is_too_old(k, s, ret->at))
				return true;
			if ((e = bury(k, s, seq, s->attempts)) != ASSAY_OK) {
				keeper_poison(k, e);
				return false;
			}
			s->attempts = 0;
		}
		s->next = seq > s->next ? seq : s->next + 1;
		if (s->n == 0)
			s->cursor = s->next;
	}
	return false;
}

/* The record's words are lost when the next row is read: sink_send() reads it again. */
static bool
send_next(struct keeper *k, struct sink *s, struct child *c)
{
	struct flight f = {.kind = FLIGHT_DECISION};
	struct ledger_decision row;

	if (!find_next(k, s, &row))
		return false;
	f.seq = row.seq;
	f.at = row.at;
	if (s->n == 0)
		s->oldest = row.at;
	if (!add_flight(k, s, c, f, &row))
		return false;
	s->next = row.seq;
	return true;
}

static bool
send_dead(struct keeper *k, struct sink *s, struct child *c)
{
	struct ledger_dead from = {.seq = 0}, d;
	struct flight f = {.kind = FLIGHT_AGAIN};
	struct ledger_decision row;
	enum assay_err e;

	text_format(from.name, sizeof from.name, "%s", s->name);
	e = ledger_dead_next(k->ledger, &from, true, &d);
	if (e != ASSAY_OK) {
		s->again = 0;
		return false;
	}
	f.seq = d.seq;
	if (ledger_decision_next(k->ledger, d.seq - 1, &row) != ASSAY_OK || row.seq != d.seq) {
		note_error(k, s, "the decision is no longer kept");
		if ((e = dead_again(k, s, d.seq)) != ASSAY_OK)
			keeper_poison(k, e);
		return false;
	}
	f.at = row.at;
	return add_flight(k, s, c, f, &row);
}

/* One at a time while it fails, and what operators want before what goes by itself. */
static void
give_more(struct keeper *k, struct sink *s, struct child *c)
{
	unsigned most = s->failures == 0 ? OUTBOUND_WINDOW : 1;

	if (s->n == 0 && s->test) {
		(void)add_flight(k, s, c, (struct flight){.kind = FLIGHT_TEST}, NULL);
		return;
	}
	if (s->n > 0 && s->flight[s->first].kind != FLIGHT_DECISION)
		return;
	if (k->now_ms < s->due_ms)
		return;
	if (s->n == 0 && s->again > 0 && send_dead(k, s, c))
		return;
	while (s->n < most && send_next(k, s, c))
		;
}

static bool
has_work(struct keeper *k, struct sink *s)
{
	struct ledger_decision row;
	struct ledger_heads heads;

	if (s->test)
		return true;
	if (k->now_ms < s->due_ms)
		return false;
	ledger_heads(k->ledger, &heads);
	if (s->again > 0)
		return true;
	if (s->next >= heads.decision || !find_next(k, s, &row)) {
		s->oldest = s->next < heads.decision ? s->oldest : 0;
		return false;
	}
	s->oldest = row.at;
	return true;
}

static void
start_process(struct keeper *k, struct sink *s)
{
	struct child *c;

	sink_take_back(s);
	s->used_ms = k->now_ms;
	if (keeper_outbound_start(k, (unsigned)(s - k->outbox->sink), &c) != ASSAY_OK) {
		note_error(k, s, "its process cannot be started");
		wait_longer(k, s, 0);
	}
}

/* What a process has in hand must come to an end. */
static void
watch_process(struct keeper *k, struct sink *s, struct child *c)
{
	int64_t idle = k->now_ms - s->used_ms;
	int64_t most = (s->hook ? s->hook->timeout_ms : OUTBOUND_SEND_MS) + OUTBOX_GRACE_MS;

	if (!c->ready) {
		if (k->now_ms - c->started_ms > OUTBOX_START_MS)
			keeper_child_lost(k, c, "does not start");
	} else if (s->n > 0) {
		if (idle > most)
			keeper_child_lost(k, c, "does not answer");
	} else if (idle > OUTBOX_IDLE_MS) {
		sink_end_process(k, s);
	}
}

static void
turn(struct keeper *k, struct sink *s)
{
	struct child *c = process_of(k, s);
	struct outbound_result late = {.error = "no result in time"};

	if (s->test && k->now_ms > s->test_until_ms)
		answer_test(k, s, &late);
	if (!c && has_work(k, s))
		start_process(k, s);
	else if (c && c->ready && s->n < OUTBOUND_WINDOW)
		give_more(k, s, c);
	if ((c = process_of(k, s)) != NULL)
		watch_process(k, s, c);
	if (s->n == 0 && s->next == s->cursor && s->failures == 0 && s->again == 0)
		s->oldest = 0;
	if (s->cursor != s->stored && k->now - s->stored_s > OUTBOX_STORE_S) {
		enum assay_err e = sink_store(k, s);

		if (e != ASSAY_OK)
			keeper_poison(k, e);
	}
}

void
keeper_outbound_turn(struct keeper *k)
{
	if (k->outbox->n == 0 || k->stopping || ledger_fault(k->ledger) != ASSAY_OK)
		return;
	for (unsigned i = 0; i < k->outbox->n; i++)
		turn(k, &k->outbox->sink[i]);
}

enum assay_err
sink_test(struct keeper *k, struct sink *s, uint64_t operation)
{
	if (s->test)
		return ASSAY_BUSY;
	s->test = operation;
	s->test_until_ms = k->now_ms + OUTBOX_TEST_MS;
	return ASSAY_OK;
}
