/* keeper_operation_change.c: planned changes of reference sets, digests declared bad, and
 * which devices match a set now. */
#include "keeper_operation.h"

#include "evidence/hex.h"
#include "verifier/appraise/text.h"

#include <stdio.h>
#include <string.h>

#define KNOWN_BAD_MAX 8192
#define TIME_MAX 253402300799 /* the end of the year 9999 */

/* ---- planned changes ---- */

static enum assay_err
check_pair(struct call *c, const struct ledger_reference *a, const struct ledger_reference *b)
{
	if (span_equal(SPAN(a->digest, 32), SPAN(b->digest, 32)))
		return call_fail(c, ASSAY_MALFORMED, "to: is the same set");
	if (strcmp(a->class_name, b->class_name) != 0 || a->device[0] || b->device[0])
		return call_fail(c, ASSAY_STATE, "both sets must be for one and the same class");
	if (a->state != REF_PROMOTED || b->state != REF_PROMOTED)
		return call_fail(c, ASSAY_STATE, "`%s' is %s; promote it first",
				 a->state == REF_PROMOTED ? b->name : a->name,
				 reference_state_name(a->state == REF_PROMOTED ? b->state
									       : a->state));
	return ASSAY_OK;
}

static enum assay_err
read_window(struct call *c, struct ledger_plan *p)
{
	uint64_t from, until, now = (uint64_t)keeper_now(c->k);
	struct call_range since = {1, TIME_MAX, now}, before = {1, TIME_MAX, 0};
	enum assay_err e;

	if ((e = call_number(c, F_FROM, since, &from)) != ASSAY_OK ||
	    (e = call_number(c, F_UNTIL, before, &until)) != ASSAY_OK)
		return e;
	if (until == 0)
		return call_fail(c, ASSAY_MALFORMED, "until: is required");
	if (until <= from || until <= now)
		return call_fail(c, ASSAY_MALFORMED, "until: must be later than from and now");
	p->starts = (int64_t)from;
	p->ends = (int64_t)until;
	return ASSAY_OK;
}

static json_t *
json_plan(struct call *c, const struct ledger_plan *p)
{
	char hex[2][65] = {"", ""}, name[2][LEDGER_NAME_MAX + 1] = {"", ""};
	const uint8_t *digest[2] = {p->a, p->b};
	struct ledger_reference r;

	for (unsigned i = 0; i < 2; i++)
		if (hex_encode(SPAN(digest[i], 32), hex[i], sizeof hex[i]) == ASSAY_OK &&
		    ledger_reference_of(c->l, digest[i], p->class_name, &r) == ASSAY_OK)
			memcpy(name[i], r.name, sizeof name[i]);
	return json_pack("{s:{s:o, s:s}, s:{s:o, s:s}, s:o, s:o, s:b, s:s, s:s, s:o}", "a", "name",
			 json_text(name[0]), "digest", hex[0], "b", "name", json_text(name[1]),
			 "digest", hex[1], "from", json_time(p->starts), "until",
			 json_time(p->ends), "active", p->active, "author", p->why.actor,
			 "comment", p->why.comment, "created", json_time(p->why.at));
}

static enum assay_err
put_plan(struct call *c, const struct ledger_plan *p, const char *detail)
{
	enum assay_err e;

	if ((e = call_change(c)) != ASSAY_OK || (e = ledger_plan_put(c->l, p)) != ASSAY_OK ||
	    (e = call_audit(c, p->name, detail)) != ASSAY_OK ||
		    (e = keeper_reload(c->k)) != ASSAY_OK)
		return e;
	c->ret = json_plan(c, p);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

enum assay_err
operation_on_reference_plan(struct call *c)
{
	char detail[LEDGER_TEXT_MAX];
	struct ledger_plan p = {.active = true};
	struct ledger_reference a, b;
	enum assay_err e;

	if ((e = call_reference(c, F_REFERENCE, &a)) != ASSAY_OK)
		return e;
	a.compiled = SPAN(NULL, 0); /* good only until the next is read */
	if ((e = call_reference(c, F_TO, &b)) != ASSAY_OK ||
	    (e = check_pair(c, &a, &b)) != ASSAY_OK || (e = read_window(c, &p)) != ASSAY_OK ||
	    (e = call_why(c, &p.why)) != ASSAY_OK)
		return e;
	memcpy(p.a, a.digest, sizeof p.a);
	memcpy(p.b, b.digest, sizeof p.b);
	memcpy(p.name, a.name, sizeof p.name);
	memcpy(p.class_name, a.class_name, sizeof p.class_name);
	text_format(detail, sizeof detail, "to %s from %lld until %lld: %s", b.name,
		    (long long)p.starts, (long long)p.ends, p.why.comment);
	return put_plan(c, &p, detail);
}

/* The window is gone; both sets are again what they are by themselves. */
enum assay_err
operation_on_reference_unplan(struct call *c)
{
	struct ledger_reference a;
	struct ledger_plan p;
	enum assay_err e;

	if ((e = call_reference(c, F_REFERENCE, &a)) != ASSAY_OK)
		return e;
	e = ledger_plan_get(c->l, a.name, &p);
	if (e == ASSAY_NOT_FOUND || (e == ASSAY_OK && !p.active))
		return call_fail(c, ASSAY_NOT_FOUND, "no change from `%s' is planned", a.name);
	if (e != ASSAY_OK || (e = call_why(c, &p.why)) != ASSAY_OK)
		return e;
	p.active = false;
	return put_plan(c, &p, p.why.comment);
}

enum assay_err
operation_on_plan_list(struct call *c)
{
	char after[LEDGER_NAME_MAX + 1] = "";
	struct ledger_plan p;
	json_t *list;
	enum assay_err e = ASSAY_OK;

	c->ret = json_pack("{s:I, s:[]}", "now", (json_int_t)keeper_now(c->k), "plans");
	list = json_object_get(c->ret, "plans");
	while (list && json_array_size(list) < CALL_PAGE_MAX &&
	       (e = ledger_plan_next(c->l, after, &p)) == ASSAY_OK) {
		memcpy(after, p.name, sizeof after);
		if (p.active && json_array_append_new(list, json_plan(c, &p)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

/* ---- digests declared bad ---- */

/* "sha256:HEX", or hex alone, whose length says which algorithm; in lower case. What it is
 * over is not asked: "verity:", as findings show it, is left out. */
static enum assay_err
read_digest(struct call *c, char ret[LEDGER_DIGEST_TEXT + 1])
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};
	char text[OPERATION_TEXT_MAX + 1], hex[2 * DIGEST_MAX + 1];
	const char *from = text, *colon, *digits;
	uint8_t bytes[DIGEST_MAX];
	enum assay_err e;
	size_t n;

	if ((e = call_need(c, F_DIGEST, text)) != ASSAY_OK)
		return e;
	if (strncmp(from, "verity:", 7) == 0)
		from += 7;
	colon = strchr(from, ':');
	digits = colon ? colon + 1 : from;
	if (hex_decode(digits, bytes, sizeof bytes, &n) != ASSAY_OK ||
	    hex_encode(SPAN(bytes, n), hex, sizeof hex) != ASSAY_OK)
		n = 0;
	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		const char *name = digest_name(algs[i]);

		if (digest_size(algs[i]) != n)
			continue;
		if (colon && (strlen(name) != (size_t)(colon - from) ||
			      strncmp(name, from, strlen(name)) != 0))
			continue;
		text_format(ret, LEDGER_DIGEST_TEXT + 1, "%s:%s", name, hex);
		return ASSAY_OK;
	}
	return call_fail(c, ASSAY_MALFORMED,
			 "digest: must be hex digits of a SHA-1, SHA-256, SHA-384 or SHA-512 "
			 "digest, also as sha256:...");
}

static json_t *
json_known_bad(const struct ledger_known_bad *b)
{
	return json_pack("{s:s, s:b, s:s, s:s, s:o}", "digest", b->digest, "active", b->active,
			 "author", b->why.actor, "comment", b->why.comment, "at",
			 json_time(b->why.at));
}

static enum assay_err
count_known_bad(struct call *c, unsigned *ret)
{
	char after[LEDGER_DIGEST_TEXT + 1] = "";
	struct ledger_known_bad b;
	enum assay_err e;

	*ret = 0;
	while ((e = ledger_known_bad_next(c->l, after, &b)) == ASSAY_OK) {
		memcpy(after, b.digest, sizeof after);
		*ret += b.active;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

static enum assay_err
put_known_bad(struct call *c, const struct ledger_known_bad *b)
{
	char detail[LEDGER_TEXT_MAX], object[LEDGER_NAME_MAX + 1];
	enum assay_err e;

	text_format(object, sizeof object, "%.60s", b->digest);
	text_format(detail, sizeof detail, "%s", b->why.comment);
	if ((e = call_change(c)) != ASSAY_OK || (e = ledger_known_bad_put(c->l, b)) != ASSAY_OK ||
	    (e = call_audit(c, object, detail)) != ASSAY_OK ||
	    (e = keeper_reload(c->k)) != ASSAY_OK)
		return e;
	c->ret = json_known_bad(b);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

enum assay_err
operation_on_known_bad_add(struct call *c)
{
	struct ledger_known_bad b = {.active = true}, old;
	unsigned n;
	enum assay_err e;

	if ((e = read_digest(c, b.digest)) != ASSAY_OK || (e = call_why(c, &b.why)) != ASSAY_OK ||
	    (e = count_known_bad(c, &n)) != ASSAY_OK)
		return e;
	if (n >= KNOWN_BAD_MAX)
		return call_fail(c, ASSAY_FULL, "%d digests are on the list already",
				 KNOWN_BAD_MAX);
	if (ledger_known_bad_get(c->l, b.digest, &old) == ASSAY_OK && old.active)
		return call_fail(c, ASSAY_EXISTS, "the digest is on the list already");
	return put_known_bad(c, &b);
}

enum assay_err
operation_on_known_bad_remove(struct call *c)
{
	struct ledger_known_bad b = {0};
	char digest[LEDGER_DIGEST_TEXT + 1];
	enum assay_err e;

	if ((e = read_digest(c, digest)) != ASSAY_OK)
		return e;
	e = ledger_known_bad_get(c->l, digest, &b);
	if (e == ASSAY_NOT_FOUND || (e == ASSAY_OK && !b.active))
		return call_fail(c, ASSAY_NOT_FOUND, "the digest is not on the list");
	if (e != ASSAY_OK || (e = call_why(c, &b.why)) != ASSAY_OK)
		return e;
	b.active = false;
	return put_known_bad(c, &b);
}

enum assay_err
operation_on_known_bad_list(struct call *c)
{
	char after[OPERATION_TEXT_MAX + 1];
	struct ledger_known_bad b;
	unsigned looked = 0;
	uint64_t limit;
	json_t *list;
	enum assay_err e;

	call_text(c, F_AFTER, after, sizeof after);
	if (strlen(after) > LEDGER_DIGEST_TEXT)
		return call_fail(c, ASSAY_MALFORMED, "after: is no digest");
	if ((e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "known_bad",
			   "next");
	list = json_object_get(c->ret, "known_bad");
	while (list && json_array_size(list) < limit && looked++ < CALL_SCAN_MAX) {
		e = ledger_known_bad_next(c->l, after, &b);
		if (e == ASSAY_NOT_FOUND)
			return ASSAY_OK;
		if (e != ASSAY_OK)
			return e;
		text_format(after, sizeof after, "%s", b.digest);
		if (b.active && json_array_append_new(list, json_known_bad(&b)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return json_object_set_new(c->ret, "next", json_text(after)) ? ASSAY_NO_MEMORY : ASSAY_OK;
}

/* ---- where a set is used ---- */

/* Devices whose last verdict matched the set, in order of their ids. */
enum assay_err
operation_on_reference_devices(struct call *c)
{
	char after[OPERATION_TEXT_MAX + 1];
	static struct ledger_device d;
	struct ledger_reference r;
	struct ledger_state st;
	unsigned looked = 0;
	uint64_t limit;
	json_t *list;
	enum assay_err e;

	call_text(c, F_AFTER, after, sizeof after);
	if (strlen(after) > DEVICE_ID_HEX)
		return call_fail(c, ASSAY_MALFORMED, "after: is no device's id");
	if ((e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK ||
	    (e = call_reference(c, F_REFERENCE, &r)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "devices",
			   "next");
	list = json_object_get(c->ret, "devices");
	while (list && json_array_size(list) < limit && looked++ < CALL_SCAN_MAX) {
		e = ledger_device_next(c->l, after, &d);
		if (e == ASSAY_NOT_FOUND)
			return ASSAY_OK;
		if (e != ASSAY_OK && e != ASSAY_TAMPERED)
			return e;
		text_format(after, sizeof after, "%s", d.id);
		if (e == ASSAY_TAMPERED || strcmp(d.class_name, r.class_name) != 0 ||
		    ledger_state_outline(c->l, d.id, &st) != ASSAY_OK ||
		    !span_equal(SPAN(st.reference, 32), SPAN(r.digest, 32)))
			continue;
		if (json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s, s:o}", "id", d.id,
							  "name", json_text(d.name), "class",
							  d.class_name, "decision",
							  outcome_name(st.decision), "verdict_at",
							  json_time(st.verdict_at))) != 0)
			return ASSAY_NO_MEMORY;
	}
	return json_object_set_new(c->ret, "next", json_text(after)) ? ASSAY_NO_MEMORY : ASSAY_OK;
}
