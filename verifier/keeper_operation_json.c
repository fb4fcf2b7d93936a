/* keeper_operation_json.c: rows of the ledger as JSON; see keeper_operation.h.
 * Keys are API. Times are seconds since the epoch, null where there is none. */
#include "keeper_operation.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

#define OUTSIDE_MAX (1u << 20)

json_t *
json_hex(const void *p, size_t n)
{
	char text[2 * DIGEST_MAX + 1];
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= ((const uint8_t *)p)[i] != 0;
	if (!any || hex_encode(SPAN(p, n), text, sizeof text) != ASSAY_OK)
		return json_null();
	return json_string(text);
}

json_t *
json_time(int64_t seconds)
{
	return seconds == 0 ? json_null() : json_integer(seconds);
}

json_t *
json_text(const char *s)
{
	return *s ? json_string(s) : json_null();
}

json_t *
json_outside(struct span s)
{
	json_t *j = json_stringn((const char *)s.p, s.n);
	size_t cap = 4 * s.n + 8;
	char *safe;

	if (j || s.n > OUTSIDE_MAX || !(safe = malloc(cap)))
		return j;
	text_escape(s, safe, cap);
	j = json_string(safe);
	free(safe);
	return j;
}

const char *
device_status_name(enum device_status s)
{
	static const char *const names[DEV_STATUS_COUNT] = {"none", "pending", "enrolled",
							    "conflict", "retired"};

	return names[(unsigned)s < DEV_STATUS_COUNT ? s : DEV_NONE];
}

const char *
device_overlay_name(enum device_overlay o)
{
	static const char *const names[OVERLAY_COUNT] = {"none", "held", "maintenance"};

	return names[(unsigned)o < OVERLAY_COUNT ? o : OVERLAY_NONE];
}

const char *
reference_state_name(enum reference_state s)
{
	static const char *const names[] = {"none", "learned", "promoted", "retired"};

	return names[(unsigned)s < sizeof names / sizeof names[0] ? s : REF_NONE];
}

/* ---- devices ---- */

static enum assay_err
get_state(struct call *c, const char *device, struct ledger_state *ret)
{
	enum assay_err e = ledger_state_get(c->l, device, ret);

	if (e == ASSAY_NOT_FOUND) {
		memset(ret, 0, sizeof *ret);
		return ASSAY_OK;
	}
	return e;
}

static json_t *
device_record(const struct ledger_device *d)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:b, s:b}", "id", d->id,
			 "name",
			 json_text(d->name), "class", json_text(d->class_name), "labels",
			 json_text(d->labels), "tier", tier_name(d->tier), "status",
			 device_status_name(d->status), "overlay", device_overlay_name(d->overlay),
			 "overlay_reason", json_text(d->overlay_reason), "overlay_until",
			 json_time(d->overlay_until), "new_ak", d->new_ak,
			 "copied", d->copied);
}

enum assay_err
json_device(struct call *c, const struct ledger_device *d, json_t **ret)
{
	struct decision_view v = {0};
	struct ledger_state s;
	int64_t last_seen = 0;
	bool connected = keeper_connected(c->k, d->id, &last_seen), monitored;
	enum assay_err e;
	json_t *j;
	int bad;

	if ((e = get_state(c, d->id, &s)) != ASSAY_OK ||
	    (e = keeper_decision(c->k, d, &v)) != ASSAY_OK)
		return e;
	if (s.verdict_at > last_seen)
		last_seen = s.verdict_at;
	monitored = v.would != v.outcome;
	j = device_record(d);
	bad = json_object_set_new(j, "decision", json_string(outcome_name(v.outcome)));
	bad |= json_object_set_new(j, "would", monitored ? json_string(outcome_name(v.would))
							 : json_null());
	bad |= json_object_set_new(j, "reason", json_text(v.reason));
	bad |= json_object_set_new(j, "trust", json_string(life_trust_name(v.trust)));
	bad |= json_object_set_new(j, "failed", json_text(v.failed));
	bad |= json_object_set_new(j, "sequence", json_integer((json_int_t)v.sequence));
	bad |= json_object_set_new(j, "connection", json_string(connected ? "connected"
					    : last_seen ? "disconnected" : "never"));
	bad |= json_object_set_new(j, "last_seen", json_time(last_seen));
	bad |= json_object_set_new(j, "verdict_at", json_time(s.verdict_at));
	bad |= json_object_set_new(j, "expires", json_time(v.expires));
	if (bad) {
		json_decref(j);
		return ASSAY_NO_MEMORY;
	}
	*ret = j;
	return ASSAY_OK;
}

enum assay_err
json_device_tampered(const struct ledger_device *d, json_t **ret)
{
	json_t *j = device_record(d);
	int bad = json_object_set_new(j, "decision", json_string(outcome_name(OUTCOME_QUARANTINE)));
	static const char *const unknown[] = {"would", "last_seen", "verdict_at", "expires"};

	bad |= json_object_set_new(j, "reason", json_string("ledger.tampered"));
	bad |= json_object_set_new(j, "trust", json_string("never"));
	bad |= json_object_set_new(j, "connection", json_string("never"));
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		bad |= json_object_set_new(j, unknown[i], json_null());
	if (bad) {
		json_decref(j);
		return ASSAY_NO_MEMORY;
	}
	*ret = j;
	return ASSAY_OK;
}

static json_t *
json_index(int32_t i)
{
	return i < 0 ? json_null() : json_integer(i);
}

json_t *
json_finding(const struct finding *f)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "word", finding_word(f->code),
			      "text", f->text[0] ? f->text : finding_text(f->code), "cap",
			      outcome_name(f->cap), "severity", severity_name(f->severity),
			      "provenance", provenance_name(f->provenance), "sticky", f->sticky);
	int bad = json_object_set_new(j, "pcr", json_index(f->pcr));

	bad |= json_object_set_new(j, "event", json_index(f->event));
	bad |= json_object_set_new(j, "rule", json_text(f->rule));
	bad |= json_object_set_new(j, "subject", json_text(f->subject));
	bad |= json_object_set_new(j, "seen", json_text(f->seen));
	bad |= json_object_set_new(j, "expected", json_text(f->expected));
	bad |= json_object_set_new(j, "remedy", json_text(f->remedy));
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

/* at: when it was found. */
static json_t *
json_fact(const struct fact *f, int64_t at)
{
	char name[FACT_NAME_TEXT_MAX];

	fact_name_text((enum fact_id)f->id, f->instance, name, sizeof name);
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "name", name,
			 "index", json_index(f->index), "value", f->text, "provenance",
			 provenance_name(f->provenance), "event", json_index(f->event), "at",
			 json_time(at));
}

/* The verdict's; and where it did not judge the boot, what the boot's log said then. */
static int
json_facts(json_t *list, const struct verdict *v, const struct ledger_state *s,
	   const struct boot_kept *kept)
{
	int bad = 0;

	for (unsigned i = 0; i < v->nfacts; i++)
		bad |= json_array_append_new(list, json_fact(&v->facts[i], s->verdict_at));
	for (unsigned i = 0; i < kept->nfacts && !boot_facts_found(v); i++)
		bad |= json_array_append_new(list, json_fact(&kept->facts[i], s->boot_at));
	return bad;
}

static json_t *
json_vector(const struct verdict *v)
{
	json_t *j = json_object();
	int bad = 0;

	for (unsigned i = 0; i < AR4SI_COUNT; i++)
		bad |= json_object_set_new(j, ar4si_name(i), json_integer(v->vector[i]));
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

static json_t *
json_counters(const struct continuity *k)
{
	if (!k->present || k->key.present)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:b, s:I}", "reset_count", (json_int_t)k->reset_count,
			 "restart_count", (json_int_t)k->restart_count, "clock_ms",
			 (json_int_t)k->clock, "clock_safe", k->clock_safe, "tpm_firmware",
			 (json_int_t)k->tpm_firmware);
}

/* Of a device without TPM: what stands in the place of counters. */
static json_t *
json_starts(const struct key_state *k)
{
	return k->present ? json_pack("{s:I, s:I, s:o}", "count", (json_int_t)k->start_count,
				      "round", (json_int_t)k->round, "signer",
				      json_hex(k->signer, sizeof k->signer))
			  : json_null();
}

/* Names are looked up; a policy or set that is gone has only its digest. */
static json_t *
json_judged_by(struct call *c, const struct verdict *v, const char *class_name)
{
	struct ledger_reference r;
	struct ledger_policy p;
	bool has_policy = ledger_policy_get(c->l, v->policy, &p) == ASSAY_OK;
	bool has_set = ledger_reference_of(c->l, v->reference, class_name, &r) == ASSAY_OK;

	return json_pack("{s:{s:o, s:o}, s:{s:o, s:o, s:o}, s:b, s:I, s:I}", "policy", "digest",
			 json_hex(v->policy, 32), "name", json_text(has_policy ? p.name : ""),
			 "reference", "digest", json_hex(v->reference, 32), "name",
			 json_text(has_set ? r.name : ""), "state",
			 has_set ? json_string(reference_state_name(r.state)) : json_null(),
			 "monitor", v->monitor, "interval", (json_int_t)v->interval_s, "max_age",
			 (json_int_t)v->max_age_s);
}

static json_t *
json_verdict(const struct verdict *v, const struct ledger_state *s, const struct boot_kept *kept)
{
	json_t *j = json_pack("{s:s, s:o, s:[], s:[]}", "outcome", outcome_name(v->outcome), "at",
			      json_time(s->verdict_at), "findings", "facts");
	int bad = json_object_set_new(j, "vector", json_vector(v));

	bad |= json_object_set_new(j, "expires", json_time(s->expires_at));
	for (unsigned i = 0; i < v->nfindings; i++)
		bad |= json_array_append_new(json_object_get(j, "findings"),
					     json_finding(&v->findings[i]));
	bad |= json_facts(json_object_get(j, "facts"), v, s, kept);
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

static json_t *
json_ek(const struct ledger_device *d)
{
	const struct ek_facts *k = &d->ek;
	json_t *j = json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "certificate",
			      k->certificate, "trusted", k->trusted, "allow_listed",
			      k->allow_listed, "expired", k->expired, "issuer_expired",
			      k->issuer_expired, "virtual_tpm", k->virtual_tpm, "weak", k->weak);
	int bad = json_object_set_new(j, "name", json_hex(d->ek_name.b, d->ek_name.len));

	bad |= json_object_set_new(j, "reason", json_text(k->reason));
	bad |= json_object_set_new(j, "manufacturer", json_text(k->manufacturer));
	bad |= json_object_set_new(j, "model", json_text(k->model));
	bad |= json_object_set_new(j, "version", json_text(k->version));
	bad |= json_object_set_new(j, "serial", json_text(k->serial));
	bad |= json_object_set_new(j, "issuer", json_text(k->issuer));
	bad |= json_object_set_new(j, "not_after", json_time(k->not_after));
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

enum assay_err
json_device_more(struct call *c, const struct ledger_device *d, json_t *out)
{
	static struct verdict v; /* large; one operation at a time */
	static struct continuity k;
	static struct boot_kept kept;
	struct ledger_state s;
	enum assay_err e;
	int bad;

	if ((e = get_state(c, d->id, &s)) != ASSAY_OK)
		return e;
	memset(&k, 0, sizeof k);
	if (s.continuity.n && (e = continuity_decode(s.continuity, &k)) != ASSAY_OK)
		return e;
	bad = json_object_set_new(out, "counters", json_counters(&k));
	bad |= json_object_set_new(out, "starts", json_starts(&k.key));
	bad |= json_object_set_new(out, "ima", json_ima(c, d->id, &k.ima));
	bad |= json_object_set_new(out, "addresses", json_addresses(c, d->id));
	bad |= json_object_set_new(out, "attested_addresses", json_attested(c, d->id));
	bad |= json_object_set_new(out, "boot_log", json_hex(s.boot_log, 32));
	bad |= json_object_set_new(out, "good_log", json_hex(s.good_log, 32));
	bad |= json_object_set_new(out, "ek", json_ek(d));
	bad |= json_object_set_new(out, "ak_name", json_hex(d->ak_name.b, d->ak_name.len));
	bad |= json_object_set_new(out, "enrolled_by", json_text(d->enrolled_by));
	bad |= json_object_set_new(out, "conflict_with", json_text(d->conflict_with));
	bad |= json_object_set_new(out, "created", json_time(d->created));
	bad |= json_object_set_new(out, "updated", json_time(d->updated));
	if ((s.verdict.n && (e = verdict_decode(s.verdict, &v)) != ASSAY_OK) ||
	    (e = boot_facts_decode(s.boot_facts, &kept)) != ASSAY_OK)
		return e;
	/* last: looking names up ends the life of the state's spans */
	bad |= json_object_set_new(out, "verdict",
				   s.verdict.n ? json_verdict(&v, &s, &kept) : json_null());
	if (s.verdict.n)
		bad |= json_object_set_new(json_object_get(out, "verdict"), "judged_by",
					   json_judged_by(c, &v, d->class_name));
	return bad ? ASSAY_NO_MEMORY : ASSAY_OK;
}

/* ---- history ---- */

json_t *
json_decision(const struct ledger_decision *d)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "seq", (json_int_t)d->seq,
			 "device", d->device, "outcome", outcome_name(d->outcome), "before",
			 outcome_name(d->before), "reason", json_text(d->reason), "detail",
			 json_text(d->detail), "at", json_time(d->at), "expires",
			 json_time(d->expires));
}

json_t *
json_audit(const struct ledger_audit *a)
{
	return json_pack("{s:I, s:o, s:s, s:s, s:o, s:o, s:o}", "seq", (json_int_t)a->seq, "at",
			 json_time(a->at), "actor", a->actor, "action", a->action, "object",
			 json_text(a->object), "detail", json_text(a->detail), "hash",
			 json_hex(a->hash, sizeof a->hash));
}

/* ---- references and policies ---- */

json_t *
json_reference(const struct ledger_reference *r)
{
	return json_pack("{s:s, s:o, s:s, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:I}", "name",
			 r->name,
			 "digest", json_hex(r->digest, 32), "class", r->class_name, "device",
			 json_text(r->device), "state", reference_state_name(r->state), "origin",
			 json_text(r->origin), "author", r->author, "created",
			 json_time(r->created), "not_after", json_time(r->not_after),
			 "not_before", json_time(r->not_before), "labels", json_text(r->labels),
			 "version", (json_int_t)r->version);
}

json_t *
json_policy(const struct ledger_policy *p)
{
	struct policy_info i;
	json_t *j = json_pack("{s:o, s:s, s:I, s:b, s:s, s:o, s:o}", "digest",
			      json_hex(p->digest, 32), "name", p->name, "version",
			      (json_int_t)p->version, "active", p->active, "author", p->author,
			      "comment", json_text(p->comment), "created", json_time(p->created));
	int bad;

	bad = json_object_set_new(j, "activated", json_time(p->activated));
	bad |= json_object_set_new(j, "activated_by", json_text(p->activated_by));
	bad |= json_object_set_new(j, "activated_why", json_text(p->activated_why));
	/* One that cannot be read is shown as such; it judges nothing either. */
	if (policy_info(p->compiled, &i) != ASSAY_OK) {
		bad |= json_object_set_new(j, "readable", json_false());
	} else {
		bad |= json_object_set_new(j, "readable", json_true());
		bad |= json_object_set_new(j, "class", json_string(i.class_name));
		bad |= json_object_set_new(j, "labels", json_text(i.labels));
		bad |= json_object_set_new(j, "mode", json_string(i.monitor ? "monitor"
									    : "enforce"));
		bad |= json_object_set_new(j, "interval", json_integer(i.interval_s));
		bad |= json_object_set_new(j, "max_age", json_integer(i.max_age_s));
	}
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}
