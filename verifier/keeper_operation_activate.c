/* keeper_operation_activate.c: policies in force: for all at once, or ring by ring, with
 * who, when and why. */
#include "keeper_operation.h"
#include "keeper_rollout.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <string.h>

#define POLICIES_SCAN_MAX 4096 /* stored, active or not */
#define HALT_ABOVE_MAX 1000000

/* ---- no two of one rank ---- */

/* Whether one device can carry both sets of labels: no key with two values. */
static bool
labels_agree(const char *a, const char *b)
{
	while (*a) {
		size_t n = strcspn(a, " "), key = strcspn(a, "= ");

		for (const char *p = b; *p; p += strcspn(p, " ") + (p[strcspn(p, " ")] == ' '))
			if (strncmp(p, a, key + 1) == 0 &&
			    (strcspn(p, " ") != n || strncmp(p, a, n) != 0))
				return false;
		a += n + (a[n] == ' ');
	}
	return true;
}

/*
 * Whether a device can exist that both judge with the same rank. If there is one,
 * then also one with just the class and all labels that either names.
 */
static bool
can_tie(const struct policy_info *a, const struct policy_info *b)
{
	char labels[2 * DEVICE_LABELS_MAX + 2];
	const char *class_name = strcmp(a->class_name, "*") != 0 ? a->class_name : b->class_name;
	unsigned ra, rb;

	if (!labels_agree(a->labels, b->labels))
		return false;
	text_format(labels, sizeof labels, "%s%s%s", a->labels,
		    *a->labels && *b->labels ? " " : "", b->labels);
	if (strcmp(class_name, "*") == 0)
		class_name = "any";
	ra = policy_rank(a, class_name, labels);
	rb = policy_rank(b, class_name, labels);
	return ra != 0 && ra == rb;
}

/* The active policy of another name that would tie with this one. */
static enum assay_err
check_ties(struct call *c, const struct policy_info *info)
{
	unsigned looked = 0, active = 0;
	struct policy_info other;
	struct ledger_policy p;
	uint8_t after[32];
	enum assay_err e = ledger_policy_next(c->l, NULL, &p);

	while (e == ASSAY_OK && looked++ < POLICIES_SCAN_MAX) {
		bool counts = p.active && strcmp(p.name, info->name) != 0;

		active += counts;
		if (counts && policy_info(p.compiled, &other) == ASSAY_OK && can_tie(info, &other))
			return call_fail(c, ASSAY_STATE,
					 "`%s' would judge some devices with the same rank as "
					 "`%s'; make one more specific (class or labels)",
					 info->name, other.name);
		memcpy(after, p.digest, sizeof after);
		e = ledger_policy_next(c->l, after, &p);
	}
	if (active >= KEEPER_POLICIES_MAX)
		return call_fail(c, ASSAY_FULL, "%d policies are active already",
				 KEEPER_POLICIES_MAX);
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

/* ---- what was predicted ---- */

struct activation {
	struct ledger_policy p; /* spans are not good any more */
	struct policy_info info;
	struct ledger_why why;
	char ring[DEVICE_LABELS_MAX + 1];
	bool force;
	bool has_replay;
	struct ledger_replay replay; /* its head */
};

static enum assay_err
find_replay(struct call *c, const struct activation *a, const struct replay **ret)
{
	uint64_t id;
	enum assay_err e;

	if ((e = call_number(c, F_REPLAY, (struct call_range){1, INT64_MAX, 0}, &id)) != ASSAY_OK)
		return e;
	e = id ? keeper_replay_find(c->k, id, ret) : keeper_replay_of(c->k, a->p.digest, ret);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, e, "%s", id ? "there is no such replay"
					       : "what the policy would do is not known: replay it "
						 "first (assay policy replay)");
	return e;
}

/* A prediction counts only for what it was made of. */
static enum assay_err
check_replay(struct call *c, const struct activation *a, const struct replay *r)
{
	static const uint8_t none[32];

	if (!span_equal(SPAN(r->head.policy, 32), SPAN(a->p.digest, 32)))
		return call_fail(c, ASSAY_MISMATCH, "replay %llu is of another policy",
				 (unsigned long long)r->head.id);
	if (r->state != REPLAY_DONE)
		return call_fail(c, ASSAY_STATE, "replay %llu is not finished",
				 (unsigned long long)r->head.id);
	if (r->head.class_name[0] || r->head.device[0] ||
	    !span_equal(SPAN(r->head.reference, 32), SPAN(none, 32)))
		return call_fail(c, ASSAY_STATE,
				 "replay %llu is of a part of the fleet, or with other references",
				 (unsigned long long)r->head.id);
	if (a->force)
		return ASSAY_OK;
	if (!keeper_replay_holds(c->k, r))
		return call_fail(c, ASSAY_STATE,
				 "policies or references were changed since replay %llu, or it is "
				 "older than a day; replay again, or force it",
				 (unsigned long long)r->head.id);
	return ASSAY_OK;
}

static enum assay_err
check_flips(struct call *c, const struct activation *a, const struct replay *r)
{
	/* what a policy in monitor mode cannot say changes nothing */
	uint64_t most, flips = (uint64_t)r->head.changed + (r->head.monitor ? 0 : r->head.unknown);
	enum assay_err e = call_number(c, F_FLIPS, (struct call_range){0, UINT32_MAX, UINT32_MAX},
				       &most);

	if (e != ASSAY_OK || a->force || flips <= most)
		return e;
	return call_fail(c, ASSAY_STATE,
			 "%u devices would change and %u are unknown, which is more than %llu; "
			 "look at replay %llu, or force it", r->head.changed, r->head.unknown,
			 (unsigned long long)most, (unsigned long long)r->head.id);
}

static enum assay_err
predict(struct call *c, struct activation *a)
{
	const struct replay *r = NULL;
	enum assay_err e;

	if (!call_has(c, F_REPLAY) && !call_has(c, F_FLIPS) && !a->ring[0])
		return ASSAY_OK;
	if ((e = find_replay(c, a, &r)) != ASSAY_OK || (e = check_replay(c, a, r)) != ASSAY_OK ||
	    (e = check_flips(c, a, r)) != ASSAY_OK)
		return e;
	a->replay = r->head;
	a->has_replay = true;
	return ASSAY_OK;
}

/* ---- activating ---- */

static bool
is_open(const struct ledger_rollout *o)
{
	return o->state == ROLLOUT_RUNNING || o->state == ROLLOUT_HALTED;
}

/* The rollout of this name that is under way. NOT_FOUND. */
static enum assay_err
open_rollout(struct call *c, const char *name, struct ledger_rollout *ret)
{
	enum assay_err e = ledger_rollout_get(c->l, name, ret);

	return e == ASSAY_OK && !is_open(ret) ? ASSAY_NOT_FOUND : e;
}

static void
describe(const struct activation *a, const char *how, char ret[LEDGER_TEXT_MAX])
{
	char hex[17] = "", replay[40] = "";

	if (hex_encode(SPAN(a->p.digest, 8), hex, sizeof hex) != ASSAY_OK)
		hex[0] = '\0';
	if (a->has_replay)
		text_format(replay, sizeof replay, ", replay %llu",
			    (unsigned long long)a->replay.id);
	text_format(ret, LEDGER_TEXT_MAX, "version %u (%s)%s%s%s: %s", a->info.version, hex, how,
		    replay, a->force ? ", forced" : "", a->why.comment);
}

static enum assay_err
end_rollout(struct call *c, const struct activation *a)
{
	struct ledger_rollout o;
	enum assay_err e = open_rollout(c, a->info.name, &o);

	if (e != ASSAY_OK)
		return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
	o.state = span_equal(SPAN(o.policy, 32), SPAN(a->p.digest, 32)) ? ROLLOUT_DONE
								       : ROLLOUT_ENDED;
	o.updated = a->why.at;
	return ledger_rollout_put(c->l, &o);
}

static enum assay_err
answer(struct call *c, const struct activation *a)
{
	struct ledger_policy p;
	enum assay_err e;

	if ((e = keeper_reload(c->k)) != ASSAY_OK ||
	    (e = ledger_policy_get(c->l, a->p.digest, &p)) != ASSAY_OK)
		return e;
	c->ret = json_policy(&p);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static enum assay_err
activate_for_all(struct call *c, struct activation *a)
{
	char detail[LEDGER_TEXT_MAX];
	enum assay_err e;

	describe(a, "", detail);
	if ((e = call_change(c)) != ASSAY_OK || (e = end_rollout(c, a)) != ASSAY_OK ||
	    (e = ledger_policy_activate(c->l, a->p.digest)) != ASSAY_OK ||
	    (e = ledger_policy_activated(c->l, a->p.digest, &a->why)) != ASSAY_OK ||
	    (e = call_audit(c, a->info.name, detail)) != ASSAY_OK)
		return e;
	return answer(c, a);
}

static enum assay_err
activate_for_ring(struct call *c, struct activation *a, uint64_t halt_above)
{
	char detail[LEDGER_TEXT_MAX], how[DEVICE_LABELS_MAX + 16];
	struct ledger_rollout o = {
		.state = ROLLOUT_RUNNING,
		.replay = a->replay.id,
		.halt_above = (uint32_t)halt_above,
		.started = a->why.at,
		.updated = a->why.at,
	};
	enum assay_err e;

	text_format(how, sizeof how, " for %s", a->ring);
	describe(a, how, detail);
	memcpy(o.name, a->info.name, sizeof o.name);
	memcpy(o.policy, a->p.digest, sizeof o.policy);
	memcpy(o.ring, a->ring, sizeof o.ring);
	memcpy(o.actor, a->why.actor, sizeof o.actor);
	memcpy(o.comment, a->why.comment, sizeof o.comment);
	if ((e = call_change(c)) != ASSAY_OK || (e = ledger_rollout_put(c->l, &o)) != ASSAY_OK ||
	    (e = ledger_policy_activated(c->l, a->p.digest, &a->why)) != ASSAY_OK ||
	    (e = call_audit(c, a->info.name, detail)) != ASSAY_OK)
		return e;
	return answer(c, a);
}

/* What is active for all is news only if it ends a rollout: the way back. */
static enum assay_err
check_news(struct call *c, const struct activation *a)
{
	struct ledger_rollout o;

	if (!a->p.active)
		return ASSAY_OK;
	if (a->ring[0] || open_rollout(c, a->info.name, &o) != ASSAY_OK)
		return call_fail(c, ASSAY_STATE, "the policy is active already");
	return ASSAY_OK;
}

enum assay_err
operation_on_policy_activate(struct call *c)
{
	static struct activation a; /* large; one operation at a time */
	uint64_t halt_above;
	enum assay_err e;

	memset(&a, 0, sizeof a);
	if ((e = call_policy(c, false, &a.p)) != ASSAY_OK)
		return e;
	if ((e = policy_info(a.p.compiled, &a.info)) != ASSAY_OK)
		return call_fail(c, e, "the stored policy cannot be read; add it again");
	if ((e = call_ring(c, a.ring)) != ASSAY_OK || (e = check_news(c, &a)) != ASSAY_OK ||
	    (e = call_why(c, &a.why)) != ASSAY_OK || (e = call_forced(c, &a.force)) != ASSAY_OK ||
	    (e = call_number(c, F_HALT, (struct call_range){0, HALT_ABOVE_MAX, 0},
			     &halt_above)) != ASSAY_OK ||
	    (e = check_ties(c, &a.info)) != ASSAY_OK || (e = predict(c, &a)) != ASSAY_OK)
		return e;
	return a.ring[0] ? activate_for_ring(c, &a, halt_above) : activate_for_all(c, &a);
}

/* ---- promoting: to another ring, or to all ---- */

static enum assay_err
find_rollout(struct call *c, struct activation *a, struct ledger_rollout *ret)
{
	char text[OPERATION_TEXT_MAX + 1];
	enum assay_err e;

	if ((e = call_need(c, F_POLICY, text)) != ASSAY_OK)
		return e;
	if (strlen(text) > LEDGER_NAME_MAX || open_rollout(c, text, ret) != ASSAY_OK) {
		if ((e = call_policy(c, false, &a->p)) != ASSAY_OK)
			return e;
		if (open_rollout(c, a->p.name, ret) != ASSAY_OK)
			return call_fail(c, ASSAY_STATE, "no version of `%s' is on its way through "
							 "rings", a->p.name);
	}
	if ((e = ledger_policy_get(c->l, ret->policy, &a->p)) != ASSAY_OK ||
	    (e = policy_info(a->p.compiled, &a->info)) != ASSAY_OK)
		return call_fail(c, e, "the policy on its way cannot be read; activate another");
	return ASSAY_OK;
}

/* A forced one allows as many differences more as it allowed before. */
static enum assay_err
widen(struct call *c, struct activation *a, struct ledger_rollout *o)
{
	const struct keeper_rollout *r = keeper_rollout_find(c->k, o->name);
	char detail[LEDGER_TEXT_MAX], how[DEVICE_LABELS_MAX + 16];
	size_t n = strlen(o->ring);
	enum assay_err e;

	if (n + 1 + strlen(a->ring) > DEVICE_LABELS_MAX)
		return call_fail(c, ASSAY_MALFORMED, "ring: too many rings; promote it to all");
	text_format(o->ring + n, sizeof o->ring - n, " %s", a->ring);
	if (o->state == ROLLOUT_HALTED && r)
		o->halt_above += r->differ;
	o->state = ROLLOUT_RUNNING;
	o->updated = a->why.at;
	text_format(how, sizeof how, " for %s", a->ring);
	describe(a, how, detail);
	if ((e = call_change(c)) != ASSAY_OK || (e = ledger_rollout_put(c->l, o)) != ASSAY_OK ||
	    (e = call_audit(c, a->info.name, detail)) != ASSAY_OK)
		return e;
	return answer(c, a);
}

enum assay_err
operation_on_policy_promote(struct call *c)
{
	static struct activation a;
	struct ledger_rollout o;
	enum assay_err e;

	memset(&a, 0, sizeof a);
	if ((e = find_rollout(c, &a, &o)) != ASSAY_OK || (e = call_ring(c, a.ring)) != ASSAY_OK ||
	    (e = call_why(c, &a.why)) != ASSAY_OK || (e = call_forced(c, &a.force)) != ASSAY_OK)
		return e;
	if (o.state == ROLLOUT_HALTED && !a.force)
		return call_fail(c, ASSAY_STATE,
				 "it is halted: %s. Activate the version before to go back, or "
				 "force it", o.why);
	if ((e = check_ties(c, &a.info)) != ASSAY_OK)
		return e;
	return a.ring[0] ? widen(c, &a, &o) : activate_for_all(c, &a);
}

/* ---- how it stands ---- */

static const char *
rollout_state_name(enum rollout_state s)
{
	static const char *const names[ROLLOUT_STATE_COUNT] = {"none", "running", "halted", "done",
							       "ended"};

	return names[(unsigned)s < ROLLOUT_STATE_COUNT ? s : ROLLOUT_NONE];
}

static json_t *
json_rollout(struct call *c, const struct ledger_rollout *o)
{
	const struct keeper_rollout *r = keeper_rollout_find(c->k, o->name);
	bool known = r && span_equal(SPAN(r->o.policy, 32), SPAN(o->policy, 32)) && is_open(o);
	struct ledger_policy p;
	uint32_t version = ledger_policy_get(c->l, o->policy, &p) == ASSAY_OK ? p.version : 0;

	return json_pack("{s:s, s:o, s:I, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:o, "
			 "s:o}",
			 "policy", o->name, "digest", json_hex(o->policy, 32), "version",
			 (json_int_t)version, "ring", o->ring, "state",
			 rollout_state_name(known ? r->o.state : o->state), "why",
			 json_text(known ? r->o.why : o->why), "replay", (json_int_t)o->replay,
			 "halt_above", (json_int_t)o->halt_above, "judged",
			 (json_int_t)(known ? r->judged : 0), "different",
			 (json_int_t)(known ? r->differ : 0), "unpredicted",
			 (json_int_t)(known ? r->unpredicted : 0), "actor", o->actor, "comment",
			 o->comment, "started", json_time(o->started), "updated",
			 json_time(o->updated));
}

enum assay_err
json_rollouts(struct call *c, json_t **ret)
{
	char after[LEDGER_NAME_MAX + 1] = "";
	struct ledger_rollout o;
	json_t *list = json_array();
	enum assay_err e = list ? ASSAY_OK : ASSAY_NO_MEMORY;

	while (e == ASSAY_OK && (e = ledger_rollout_next(c->l, after, &o)) == ASSAY_OK) {
		memcpy(after, o.name, sizeof after);
		if (is_open(&o) && json_array_append_new(list, json_rollout(c, &o)) != 0)
			e = ASSAY_NO_MEMORY;
	}
	if (e != ASSAY_NOT_FOUND && e != ASSAY_TAMPERED) {
		json_decref(list);
		return e;
	}
	*ret = list;
	return ASSAY_OK;
}
