/* keeper_operation_replay.c: what a candidate policy would do: started, polled, and
 * device by device; see keeper_replay.h. */
#include "keeper_operation.h"
#include "keeper_replay.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <string.h>

static const char *
outcome_or_unknown(uint8_t o)
{
	return o == REPLAY_UNKNOWN ? "UNKNOWN" : outcome_name((enum outcome)o);
}

/* What a policy in monitor mode would say; null: none is. */
static json_t *
json_would(uint8_t o)
{
	return json_text(o == REPLAY_NO_WOULD ? "" : outcome_name((enum outcome)o));
}

static json_t *
json_group(const struct replay_group *g)
{
	bool unknown = g->after == REPLAY_UNKNOWN;
	const char *word = g->code ? finding_word((enum finding_code)g->code) : "";
	const char *text = unknown ? g->subject
			   : g->code ? finding_text((enum finding_code)g->code)
				     : "";

	return json_pack("{s:s, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:I}", "before",
			 outcome_name((enum outcome)g->before), "after",
			 outcome_or_unknown(g->after), "would", json_would(g->would), "over",
				 g->over, "finding", json_text(word),
			 "text", json_text(text), "rule", json_text(g->rule), "subject",
			 json_text(unknown ? "" : g->subject), "count", (json_int_t)g->count);
}

static const char *
state_word(enum replay_state s)
{
	switch (s) {
	case REPLAY_RUNNING:
		return "running";
	case REPLAY_DONE:
		return "done";
	case REPLAY_CANCELLED:
		return "cancelled";
	default:
		return "failed";
	}
}

static json_t *
json_head(struct call *c, const struct replay *r)
{
	const struct ledger_replay *h = &r->head;
	json_t *j = json_pack("{s:I, s:s, s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:s, s:o, s:o}", "id",
			      (json_int_t)h->id, "state", state_word(r->state), "why",
			      json_text(r->why ? r->why : ""), "policy", h->name, "digest",
			      json_hex(h->policy, 32), "version", (json_int_t)h->version,
			      "reference", json_hex(h->reference, 32), "class",
			      json_text(h->class_name), "device", json_text(h->device), "actor",
			      h->actor, "at", json_time(h->at), "finished", json_time(h->finished));
	json_t *n = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "expected",
			      (json_int_t)r->expected, "devices", (json_int_t)h->total, "done",
			      (json_int_t)r->done, "unconcerned", (json_int_t)h->unconcerned,
			      "unchanged", (json_int_t)h->unchanged, "changed",
			      (json_int_t)h->changed, "unknown", (json_int_t)h->unknown, "would",
				      (json_int_t)h->would,
			      "stale", (json_int_t)h->stale);

	if (!j || json_object_update_new(j, n) != 0 ||
	    json_object_set_new(j, "monitor", json_boolean(h->monitor)) != 0 ||
	    json_object_set_new(j, "holds", json_boolean(keeper_replay_holds(c->k, r))) != 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static enum assay_err
answer(struct call *c, const struct replay *r)
{
	json_t *groups = json_array();

	c->ret = json_head(c, r);
	if (!c->ret || json_object_set_new(c->ret, "groups", groups) != 0)
		return ASSAY_NO_MEMORY;
	for (unsigned i = 0; i < r->ngroups; i++)
		if (json_array_append_new(groups, json_group(&r->groups[i])) != 0)
			return ASSAY_NO_MEMORY;
	return ASSAY_OK;
}

static enum assay_err
read_scope(struct call *c, struct replay_order *o)
{
	struct ledger_device d;
	enum assay_err e;

	if ((e = call_class(c, o->class_name)) != ASSAY_OK || !call_has(c, F_DEVICE))
		return e;
	if ((e = call_device(c, &d)) == ASSAY_OK)
		memcpy(o->device, d.id, sizeof o->device);
	return e;
}

/* A set that is learned or promoted: what is retired judges nobody, so it is not at hand. */
static enum assay_err
read_reference(struct call *c, struct ledger_reference *ret)
{
	enum assay_err e = call_reference(c, F_REFERENCE, ret);

	if (e == ASSAY_OK && ret->state != REF_LEARNED && ret->state != REF_PROMOTED)
		return call_fail(c, ASSAY_STATE, "the reference set is %s",
				 reference_state_name(ret->state));
	return e;
}

enum assay_err
operation_on_replay_start(struct call *c)
{
	struct ledger_reference r = {0};
	struct replay_order o = {0};
	struct ledger_policy p;
	/* what a set would do is asked of the policy in force; else, what a new policy would */
	bool of_set = call_has(c, F_REFERENCE);
	char detail[LEDGER_TEXT_MAX];
	const struct replay *replay;
	uint64_t id;
	enum assay_err e;

	if ((e = read_scope(c, &o)) != ASSAY_OK ||
	    (of_set && (e = read_reference(c, &r)) != ASSAY_OK) ||
	    (e = call_policy(c, of_set, &p)) != ASSAY_OK || (e = call_change(c)) != ASSAY_OK)
		return e;
	o.policy = &p;
	o.reference = of_set ? &r : NULL;
	text_format(o.actor, sizeof o.actor, "%s", c->actor);
	e = keeper_replay_start(c->k, &o, &id);
	if (e == ASSAY_BUSY)
		return call_fail(c, e, "replay %llu is running; wait for it, or cancel it",
				 (unsigned long long)keeper_replay_current(c->k)->head.id);
	if (e != ASSAY_OK)
		return e;
	text_format(detail, sizeof detail, "replay %llu of version %u", (unsigned long long)id,
		    p.version);
	if ((e = call_audit(c, p.name, detail)) != ASSAY_OK ||
	    (e = keeper_replay_find(c->k, id, &replay)) != ASSAY_OK)
		return e;
	return answer(c, replay);
}

static enum assay_err
find(struct call *c, const struct replay **ret)
{
	uint64_t id;
	enum assay_err e;

	if ((e = call_number(c, F_REPLAY, (struct call_range){1, INT64_MAX, 0}, &id)) != ASSAY_OK)
		return e;
	e = keeper_replay_find(c->k, id, ret);
	return e == ASSAY_NOT_FOUND ? call_fail(c, e, "there is no replay %llu",
						(unsigned long long)id)
				    : e;
}

enum assay_err
operation_on_replay_show(struct call *c)
{
	const struct replay *r = NULL;
	enum assay_err e = find(c, &r);

	return e == ASSAY_OK ? answer(c, r) : e;
}

enum assay_err
operation_on_replay_cancel(struct call *c)
{
	const struct replay *r = NULL;
	char detail[LEDGER_TEXT_MAX], reason[LEDGER_TEXT_MAX];
	enum assay_err e;

	if ((e = call_reason(c, reason)) != ASSAY_OK || (e = find(c, &r)) != ASSAY_OK)
		return e;
	if (r->state != REPLAY_RUNNING)
		return call_fail(c, ASSAY_STATE, "replay %llu is %s, not running",
				 (unsigned long long)r->head.id, state_word(r->state));
	if ((e = call_change(c)) != ASSAY_OK ||
	    (e = keeper_replay_cancel(c->k, r->head.id)) != ASSAY_OK)
		return e;
	text_format(detail, sizeof detail, "replay %llu of version %u, after %u of %u devices%s%s",
		    (unsigned long long)r->head.id, r->head.version, r->done, r->expected,
		    *reason ? ": " : "", reason);
	if ((e = call_audit(c, r->head.name, detail)) != ASSAY_OK)
		return e;
	return answer(c, r);
}

enum assay_err
operation_on_replay_list(struct call *c)
{
	const struct replay *now = keeper_replay_current(c->k);
	struct replay r = {.state = REPLAY_DONE};
	uint64_t before = 0;
	json_t *list;
	enum assay_err e = ASSAY_OK;

	c->ret = json_pack("{s:I, s:[]}", "now", (json_int_t)keeper_now(c->k), "replays");
	list = json_object_get(c->ret, "replays");
	if (now && now->state != REPLAY_DONE && json_array_append_new(list, json_head(c, now)) != 0)
		return ASSAY_NO_MEMORY;
	while (list && (e = ledger_replay_prev(c->l, before, &r.head)) == ASSAY_OK) {
		before = r.head.id;
		r.done = r.expected = r.head.total;
		if (json_array_append_new(list, json_head(c, &r)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

/* ---- device by device ---- */

static json_t *
json_row(struct call *c, const struct replay *r, const struct replay_row *row)
{
	struct replay_group none = {
		.before = row->before, .after = row->after, .would = row->would};
	const struct replay_group *g = row->group < r->ngroups ? &r->groups[row->group] : &none;
	char id[DEVICE_ID_HEX + 1] = "";
	struct ledger_device d;
	json_t *j = json_group(g);
	int bad;

	if (!j || hex_encode(SPAN(row->id, sizeof row->id), id, sizeof id) != ASSAY_OK ||
	    ledger_device_get(c->l, id, &d) != ASSAY_OK)
		d.name[0] = '\0';
	bad = !j || json_object_del(j, "count") != 0;
	bad = bad || json_object_set_new(j, "id", json_string(id)) != 0;
	bad = bad || json_object_set_new(j, "name", json_text(d.name)) != 0;
	bad = bad || json_object_set_new(j, "before",
					 json_string(outcome_name((enum outcome)row->before))) != 0;
	bad = bad || json_object_set_new(j, "after",
					 json_string(outcome_or_unknown(row->after))) != 0;
	bad = bad || json_object_set_new(j, "would", json_would(row->would)) != 0;
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

enum { SHOW_CHANGED, SHOW_UNKNOWN, SHOW_ALL, SHOW_DIFFERENT };

static enum assay_err
read_filter(struct call *c, unsigned *ret)
{
	static const char *const words[] = {"changed", "unknown", "all"};
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_STATUS, text, sizeof text);
	*ret = SHOW_DIFFERENT;
	for (unsigned i = 0; *text && i <= SHOW_ALL; i++)
		if (strcmp(text, words[i]) == 0)
			*ret = i;
	if (*text && *ret == SHOW_DIFFERENT)
		return call_fail(c, ASSAY_MALFORMED, "status: must be changed, unknown or all");
	return ASSAY_OK;
}

static bool
shown(const struct replay_row *row, unsigned filter)
{
	bool unknown = row->after == REPLAY_UNKNOWN;

	switch (filter) {
	case SHOW_CHANGED:
		return !unknown && row->after != row->before;
	case SHOW_UNKNOWN:
		return unknown;
	case SHOW_ALL:
		return true;
	default:
		return row->after != row->before || row->group != REPLAY_GROUP_NONE;
	}
}

enum assay_err
operation_on_replay_devices(struct call *c)
{
	const struct replay *r = NULL;
	uint64_t at, limit;
	unsigned filter;
	json_t *list;
	enum assay_err e;

	if ((e = call_number(c, F_AFTER, (struct call_range){0, UINT32_MAX, 0}, &at)) != ASSAY_OK ||
	    (e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK ||
	    (e = read_filter(c, &filter)) != ASSAY_OK || (e = find(c, &r)) != ASSAY_OK)
		return e;
	if (r->state != REPLAY_DONE)
		return call_fail(c, ASSAY_STATE, "replay %llu is not finished",
				 (unsigned long long)r->head.id);
	c->ret = json_pack("{s:I, s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "id",
			   (json_int_t)r->head.id, "devices", "next");
	list = json_object_get(c->ret, "devices");
	for (; list && at < r->nrows && json_array_size(list) < limit; at++)
		if (shown(&r->rows[at], filter) &&
		    json_array_append_new(list, json_row(c, r, &r->rows[at])) != 0)
			return ASSAY_NO_MEMORY;
	if (at < r->nrows &&
	    json_object_set_new(c->ret, "next", json_integer((json_int_t)at)) != 0)
		return ASSAY_NO_MEMORY;
	return ASSAY_OK;
}
