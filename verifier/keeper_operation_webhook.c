/* keeper_operation_webhook.c: `webhook.*`: how far webhooks and logs have come, what could
 * not be delivered, and what operators do about it; see keeper_outbound.h. */
#include "keeper_operation.h"
#include "keeper_outbound.h"

#include "verifier/appraise/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The webhook that F_NAME names; logs too if they are wanted. */
static enum assay_err
need_sink(struct call *c, bool logs, struct sink **ret)
{
	char name[OPERATION_TEXT_MAX + 1];
	enum assay_err e = call_need(c, F_NAME, name);

	if (e != ASSAY_OK)
		return e;
	*ret = sink_find(c->k, name);
	if (!*ret || (!logs && (*ret)->kind != SINK_WEBHOOK))
		return call_fail(c, ASSAY_NOT_FOUND, "there is no webhook `%.40s'", name);
	return ASSAY_OK;
}

/* ---- how they stand ---- */

/* Without the query, which may hold a secret. */
static json_t *
json_where(struct call *c, const struct sink *s)
{
	const struct config_events *v = &keeper_config(c->k)->events;

	if (s->kind == SINK_WEBHOOK)
		return json_stringn(s->hook->url, strcspn(s->hook->url, "?"));
	return json_string(s->kind == SINK_SYSLOG ? v->syslog : v->journald);
}

static const char *
state_of(struct call *c, const struct sink *s, uint64_t pending)
{
	if (ledger_fault(c->l) != ASSAY_OK)
		return "stopped";
	if (s->failures > 0)
		return "failing";
	return pending > 0 && sink_running(c->k, s) ? "delivering" : "idle";
}

static json_t *
json_sink(struct call *c, const struct sink *s)
{
	static const char *const kinds[] = {
		[SINK_WEBHOOK] = "webhook", [SINK_SYSLOG] = "syslog", [SINK_JOURNAL] = "journald"};
	struct ledger_heads heads;
	uint64_t pending;
	int64_t wait = sink_wait_ms(c->k, s);

	ledger_heads(c->l, &heads);
	pending = heads.decision > s->cursor ? heads.decision - s->cursor : 0;
	return json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:o, s:i, s:i, s:I, s:I, s:i, s:o, s:o, "
			 "s:o, s:o}",
			 "name", s->name, "kind", kinds[s->kind], "to", json_where(c, s), "state",
			 state_of(c, s, pending), "sequence", (json_int_t)s->cursor, "pending",
			 (json_int_t)pending, "oldest", json_time(s->oldest), "dead", (int)s->dead,
			 "again", (int)s->again, "delivered", (json_int_t)s->delivered, "retries",
			 (json_int_t)s->retries, "failures", (int)s->failures, "next_attempt",
			 json_time(s->failures && wait > 0 ? keeper_now(c->k) + (wait + 999) / 1000
							   : 0),
			 "error", json_text(s->error), "error_at", json_time(s->error_at),
			 "delivered_at", json_time(s->delivered_at));
}

enum assay_err
operation_on_webhook_list(struct call *c)
{
	const struct outbox *o = keeper_outbox(c->k);
	json_t *list;

	c->ret = json_pack("{s:I, s:[]}", "now", (json_int_t)keeper_now(c->k), "webhooks");
	list = json_object_get(c->ret, "webhooks");
	for (unsigned i = 0; list && i < o->n; i++)
		if (json_array_append_new(list, json_sink(c, &o->sink[i])) != 0)
			return ASSAY_NO_MEMORY;
	return list ? ASSAY_OK : ASSAY_NO_MEMORY;
}

/* ---- dead letters ---- */

static json_t *
json_dead(struct call *c, const struct ledger_dead *d)
{
	struct ledger_decision row;
	bool kept = ledger_decision_next(c->l, d->seq - 1, &row) == ASSAY_OK && row.seq == d->seq;

	return json_pack("{s:s, s:I, s:i, s:s, s:o, s:b, s:o, s:o}", "webhook", d->name, "sequence",
			 (json_int_t)d->seq, "attempts", (int)d->attempts, "error", d->error, "at",
			 json_time(d->at), "again", d->again, "device",
			 json_text(kept ? row.device : ""), "outcome",
			 json_text(kept ? outcome_name(row.outcome) : ""));
}

/* Where a page begins: "NAME:NUMBER" of the last row of the one before. */
static enum assay_err
read_after(struct call *c, unsigned *ret_sink, struct ledger_dead *ret)
{
	char after[OPERATION_TEXT_MAX + 1], *colon;
	const struct sink *s;

	call_text(c, F_AFTER, after, sizeof after);
	if (!*after)
		return ASSAY_OK;
	colon = strchr(after, ':');
	if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon) > 20)
		return call_fail(c, ASSAY_MALFORMED, "after: is not the `next' of a page");
	*colon = '\0';
	if (!(s = sink_find(c->k, after)))
		return call_fail(c, ASSAY_MALFORMED, "after: is not the `next' of a page");
	*ret_sink = (unsigned)(s - keeper_outbox(c->k)->sink);
	ret->seq = strtoull(colon + 1, NULL, 10);
	return ASSAY_OK;
}

/* The letters of one webhook from d on; false: the page is full. */
static bool
add_letters(struct call *c, json_t *list, struct ledger_dead *d, uint64_t limit)
{
	while (ledger_dead_next(c->l, d, false, d) == ASSAY_OK) {
		if (json_array_append_new(list, json_dead(c, d)) != 0)
			return false;
		if (json_array_size(list) >= limit)
			return false;
	}
	return true;
}

enum assay_err
operation_on_webhook_dead(struct call *c)
{
	const struct outbox *o = keeper_outbox(c->k);
	struct ledger_dead d = {.seq = 0};
	struct sink *only = NULL;
	unsigned i = 0;
	uint64_t limit;
	char next[64];
	json_t *list;
	enum assay_err e;

	if (call_has(c, F_NAME) && (e = need_sink(c, false, &only)) != ASSAY_OK)
		return e;
	if ((e = read_after(c, &i, &d)) != ASSAY_OK ||
	    (e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "dead",
			   "next");
	if (!(list = json_object_get(c->ret, "dead")))
		return ASSAY_NO_MEMORY;
	for (; i < o->n; i++, d.seq = 0) {
		if (only && only != &o->sink[i])
			continue;
		text_format(d.name, sizeof d.name, "%s", o->sink[i].name);
		if (add_letters(c, list, &d, limit))
			continue;
		snprintf(next, sizeof next, "%s:%llu", d.name, (unsigned long long)d.seq);
		return json_object_set_new(c->ret, "next", json_string(next)) ? ASSAY_NO_MEMORY
									      : ASSAY_OK;
	}
	return ASSAY_OK;
}

/* ---- what operators do ---- */

/* Which letters: one by its number, or all. "pending" is for what is no letter yet. */
static enum assay_err
read_which(struct call *c, bool pending, uint64_t *ret_seq, bool *ret_pending)
{
	char scope[OPERATION_TEXT_MAX + 1];
	enum assay_err e;

	call_text(c, F_SCOPE, scope, sizeof scope);
	*ret_pending = pending && strcmp(scope, "pending") == 0;
	if (*scope && !*ret_pending && strcmp(scope, "all") != 0)
		return call_fail(c, ASSAY_MALFORMED, "scope: must be all%s",
				 pending ? " or pending" : "");
	if (!*scope == !call_has(c, F_SEQUENCE))
		return call_fail(c, ASSAY_MALFORMED, "give one of sequence and scope");
	*ret_seq = 0;
	if (*scope)
		return ASSAY_OK;
	e = call_number(c, F_SEQUENCE, (struct call_range){1, INT64_MAX, 0}, ret_seq);
	return e;
}

static enum assay_err
change_letter(struct call *c, struct ledger_dead *d, bool drop)
{
	if (drop)
		return ledger_dead_remove(c->l, d->name, d->seq);
	d->again = true;
	return ledger_dead_put(c->l, d);
}

/* seq 0: all of them. */
static enum assay_err
change_letters(struct call *c, const struct sink *s, uint64_t seq, bool drop, unsigned *ret_n)
{
	struct ledger_dead d = {.seq = 0};
	enum assay_err e;

	text_format(d.name, sizeof d.name, "%s", s->name);
	*ret_n = 0;
	if (seq) {
		e = ledger_dead_get(c->l, s->name, seq, &d);
		if (e == ASSAY_NOT_FOUND)
			return call_fail(c, e, "%s has no dead letter %llu", s->name,
					 (unsigned long long)seq);
		if (e != ASSAY_OK || (e = call_change(c)) != ASSAY_OK)
			return e;
		*ret_n = 1;
		return change_letter(c, &d, drop);
	}
	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	while ((e = ledger_dead_next(c->l, &d, false, &d)) == ASSAY_OK) {
		if ((e = change_letter(c, &d, drop)) != ASSAY_OK)
			return e;
		++*ret_n;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

static enum assay_err
answer_count(struct call *c, const struct sink *s, unsigned n)
{
	c->ret = json_pack("{s:s, s:i, s:i, s:i}", "webhook", s->name, "count", (int)n, "dead",
			   (int)s->dead, "again", (int)s->again);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static enum assay_err
change_and_tell(struct call *c, struct sink *s, uint64_t seq, bool drop)
{
	char detail[LEDGER_TEXT_MAX];
	unsigned n;
	enum assay_err e = change_letters(c, s, seq, drop, &n);

	if (e != ASSAY_OK)
		return e;
	if (seq)
		snprintf(detail, sizeof detail, "dead letter %llu", (unsigned long long)seq);
	else
		snprintf(detail, sizeof detail, "all %u dead letters", n);
	if ((e = sink_changed(c->k, s)) != ASSAY_OK ||
	    (e = call_audit(c, s->name, detail)) != ASSAY_OK)
		return e;
	return answer_count(c, s, n);
}

enum assay_err
operation_on_webhook_retry(struct call *c)
{
	struct sink *s;
	uint64_t seq;
	bool pending;
	enum assay_err e;

	if ((e = need_sink(c, false, &s)) != ASSAY_OK ||
	    (e = read_which(c, false, &seq, &pending)) != ASSAY_OK ||
	    (e = change_and_tell(c, s, seq, false)) != ASSAY_OK)
		return e;
	sink_hurry(c->k, s);
	return ASSAY_OK;
}

/* Nothing of what waits is delivered. */
static enum assay_err
drop_pending(struct call *c, struct sink *s)
{
	struct ledger_heads heads;
	char detail[LEDGER_TEXT_MAX];
	uint64_t from = s->cursor;
	enum assay_err e;

	ledger_heads(c->l, &heads);
	if ((e = call_change(c)) != ASSAY_OK ||
	    (e = sink_skip_to(c->k, s, heads.decision)) != ASSAY_OK)
		return e;
	snprintf(detail, sizeof detail, "everything after %llu up to %llu",
		 (unsigned long long)from, (unsigned long long)heads.decision);
	if ((e = call_audit(c, s->name, detail)) != ASSAY_OK)
		return e;
	return answer_count(c, s, (unsigned)(heads.decision - from));
}

enum assay_err
operation_on_webhook_drop(struct call *c)
{
	struct sink *s;
	uint64_t seq;
	bool pending;
	enum assay_err e;

	if ((e = need_sink(c, true, &s)) != ASSAY_OK ||
	    (e = read_which(c, true, &seq, &pending)) != ASSAY_OK)
		return e;
	return pending ? drop_pending(c, s) : change_and_tell(c, s, seq, true);
}

enum assay_err
operation_on_webhook_test(struct call *c)
{
	struct sink *s;
	enum assay_err e;

	if ((e = need_sink(c, false, &s)) != ASSAY_OK)
		return e;
	if (ledger_fault(c->l) != ASSAY_OK)
		return call_fail(c, ASSAY_STATE,
				 "nothing is sent while the ledger is not believed");
	if (s->test)
		return call_fail(c, ASSAY_BUSY, "a test of %s is under way", s->name);
	if ((e = call_change(c)) != ASSAY_OK || (e = call_audit(c, s->name, "")) != ASSAY_OK ||
	    (e = sink_test(c->k, s, c->id)) != ASSAY_OK)
		return e;
	c->later = true;
	return ASSAY_OK;
}
