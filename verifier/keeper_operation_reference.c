/* keeper_operation_reference.c: reference values: captured as "learned", promoted by
 * exactly the digest that was shown (D7), never edited. */
#include "keeper_operation_reference.h"

#include "compiler.h"
#include "evidence/hex.h"
#include "verifier/appraise/bootevent.h"
#include "verifier/appraise/reference.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

/* By itself a capture leaves out what differs at every boot: IMA's PCR, and those
 * for debugging and applications. */
#define PCRS_NEVER_CAPTURED (1u << 10 | 1u << 16 | 1u << 23)
#define PCRS_ALL ((1u << PCR_COUNT) - 1)
#define TIME_MAX 253402300799 /* the end of the year 9999 */

enum assay_err
call_reference(struct call *c, enum operation_field f, struct ledger_reference *ret)
{
	char text[OPERATION_TEXT_MAX + 1];
	enum assay_err e;

	if ((e = call_need(c, f, text)) != ASSAY_OK)
		return e;
	if (strlen(text) > 2 * sizeof ret->digest)
		return call_fail(c, ASSAY_MALFORMED, "%s: must be a name or a digest",
				 operation_field_name(f));
	e = ledger_reference_find(c->l, text, ret);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, e, "there is no reference set `%s'", text);
	if (e == ASSAY_BUSY)
		return call_fail(c, ASSAY_DUPLICATE,
				 "`%s' begins the digests of several sets, or several classes have "
				 "this "
				 "content; give more digits, or the name", text);
	return e;
}

/* ---- asking ---- */

enum assay_err
operation_on_reference_list(struct call *c)
{
	char after[OPERATION_TEXT_MAX + 1], class_name[DEVICE_CLASS_MAX + 1];
	struct ledger_reference r;
	unsigned looked = 0;
	uint64_t limit;
	enum assay_err e;
	json_t *list;

	call_text(c, F_AFTER, after, sizeof after);
	if ((e = call_class(c, class_name)) != ASSAY_OK ||
	    (e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[], s:n}", "now", (json_int_t)keeper_now(c->k), "references",
			   "next");
	list = json_object_get(c->ret, "references");
	while (list && json_array_size(list) < limit && looked++ < CALL_SCAN_MAX) {
		e = ledger_reference_next(c->l, after, &r);
		if (e == ASSAY_NOT_FOUND)
			return ASSAY_OK;
		if (e != ASSAY_OK)
			return e;
		text_format(after, sizeof after, "%s", r.name);
		if (*class_name && strcmp(r.class_name, class_name) != 0)
			continue;
		if (json_array_append_new(list, json_reference(&r)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return json_object_set_new(c->ret, "next", json_text(after)) ? ASSAY_NO_MEMORY : ASSAY_OK;
}

static json_t *
json_pcrs(const struct pcr_values *v)
{
	json_t *banks = json_object();
	int bad = 0;

	for (unsigned b = 0; b < v->count && b < PCR_BANKS_MAX; b++) {
		const struct pcr_bank *bank = &v->bank[b];
		json_t *values = json_object();
		const char *name = digest_name(bank->alg);

		for (unsigned i = 0; i < PCR_COUNT; i++) {
			char hex[2 * DIGEST_MAX + 1], index[4];

			if (!(bank->mask & 1u << i) ||
			    hex_encode(digest_span(&bank->value[i]), hex, sizeof hex) != ASSAY_OK)
				continue;
			text_format(index, sizeof index, "%u", i);
			bad |= json_object_set_new(values, index, json_string(hex));
		}
		bad |= json_object_set_new(banks, name ? name : "unknown", values);
	}
	if (!bad)
		return banks;
	json_decref(banks);
	return NULL;
}

static json_t *
json_event(const struct reference_event *ev)
{
	const char *type = bootevent_type_name(ev->type);
	json_t *j = json_pack("{s:I, s:I, s:o, s:o, s:b, s:{}}", "pcr", (json_int_t)ev->pcr, "type",
			      (json_int_t)ev->type, "type_name", json_text(type ? type : ""),
			      "description", json_outside(ev->description), "per_device",
			      ev->per_device, "digests");
	int bad = 0;

	for (unsigned i = 0; i < ev->ndigests && i < PCR_BANKS_MAX; i++) {
		const char *name = digest_name(ev->digests[i].alg);

		bad |= json_object_set_new(json_object_get(j, "digests"), name ? name : "unknown",
					   json_hex(ev->digests[i].bytes.p,
						    ev->digests[i].bytes.n));
	}
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

static enum assay_err
add_contents(json_t *out, struct span compiled)
{
	json_t *events = json_array();
	struct reference_event ev;
	struct reference r;
	enum assay_err e;
	int bad;

	if (json_object_set_new(out, "events", events) != 0)
		return ASSAY_NO_MEMORY;
	if (reference_kind_of(compiled) == REF_KIND_SOFTWARE)
		return software_contents(out, compiled);
	if ((e = reference_open(compiled, &r)) != ASSAY_OK)
		return e;
	bad = json_object_set_new(out, "pcrs", json_pcrs(&r.pcrs));
	while (!bad && reference_next(&r, &ev))
		bad |= json_array_append_new(events, json_event(&ev));
	return bad ? ASSAY_NO_MEMORY : ASSAY_OK;
}

enum assay_err
operation_on_reference_show(struct call *c)
{
	struct ledger_reference r;
	enum assay_err e;

	if ((e = call_reference(c, F_REFERENCE, &r)) != ASSAY_OK)
		return e;
	c->ret = json_reference(&r);
	if (!c->ret)
		return ASSAY_NO_MEMORY;
	e = add_contents(c->ret, r.compiled);
	return e == ASSAY_OK ? e : call_fail(c, e, "the stored set cannot be read: %s",
					     assay_err_text(e));
}

/* ---- capturing ---- */

/* The state that a set may be made of, or why there is none. */
static enum assay_err
evidence_of(struct call *c, const struct ledger_device *d, struct ledger_state *ret)
{
	enum assay_err e;

	if (d->status != DEV_ENROLLED)
		return call_fail(c, ASSAY_STATE, "the device is %s, not enrolled",
				 device_status_name(d->status));
	if (!*d->class_name)
		return call_fail(c, ASSAY_STATE, "the device has no class; set one first");
	e = ledger_state_get(c->l, d->id, ret);
	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	if (e == ASSAY_NOT_FOUND || ret->version == 0 || ret->continuity.n == 0)
		return call_fail(c, ASSAY_STATE, "the device has given no authentic evidence yet; "
						 "wait for its first attestation");
	return ASSAY_OK;
}

static uint32_t
quoted_pcrs(const struct continuity *k)
{
	uint32_t mask = 0;

	for (unsigned b = 0; b < k->quoted.count && b < PCR_BANKS_MAX; b++)
		mask |= k->quoted.bank[b].mask;
	return mask;
}

/* Which PCRs: those asked for, else all quoted but those that change by nature. */
static enum assay_err
read_pcrs(struct call *c, struct span continuity, uint32_t *ret)
{
	static struct continuity k; /* large; one operation at a time */
	uint64_t wanted;
	uint32_t quoted;
	enum assay_err e;

	if ((e = continuity_decode(continuity, &k)) != ASSAY_OK ||
	    (e = call_number(c, F_PCRS, (struct call_range){1, PCRS_ALL, 0}, &wanted)) != ASSAY_OK)
		return e;
	quoted = quoted_pcrs(&k);
	*ret = wanted ? (uint32_t)wanted : quoted & ~PCRS_NEVER_CAPTURED;
	if (*ret & ~quoted)
		return call_fail(c, ASSAY_MALFORMED,
				 "pcrs: the last quote does not cover all of them (it covers "
				 "mask 0x%06x)", quoted);
	if (*ret == 0)
		return call_fail(c, ASSAY_STATE, "the last quote covers no PCR to capture");
	return ASSAY_OK;
}

static const char *
explain_capture(const struct job *j, enum assay_err e)
{
	static char words[CALL_MESSAGE_MAX];
	const char *name = *j->device.name ? j->device.name : j->device.id;

	if (e != ASSAY_MISMATCH)
		return NULL;
	text_format(words, sizeof words,
		    "the boot log of `%s' does not lead to its quoted PCRs; such a device is no "
		    "model for others (see `device show')", name);
	return words;
}

static const char *
explain_software(const struct job *j, enum assay_err e)
{
	static char words[CALL_MESSAGE_MAX];
	const char *name = *j->device.name ? j->device.name : j->device.id;

	if (e != ASSAY_MISMATCH && e != ASSAY_MISSING)
		return NULL;
	text_format(words, sizeof words,
		    e == ASSAY_MISSING ? "`%s' tells of no software; let its agent measure some "
					 "(section software of its configuration)"
				       : "some software of `%s' could not be measured; such a "
					 "device "
					 "is no model for others (see `device show --facts')",
						 name);
	return words;
}

static void
describe_set(struct job *j, struct ledger_reference *r)
{
	const struct ledger_device *d = &j->device;
	const char *name = *d->name ? d->name : d->id;
	char hex[65] = "";

	if (hex_encode(SPAN(r->digest, 4), hex, sizeof hex) != ASSAY_OK)
		hex[0] = '\0';
	if (*j->name)
		text_format(r->name, sizeof r->name, "%s", j->name);
	else
		text_format(r->name, sizeof r->name, "%.54s-%s", name, hex);
	text_format(r->class_name, sizeof r->class_name, "%s", d->class_name);
	if (j->for_device)
		text_format(r->device, sizeof r->device, "%s", d->id);
	text_format(r->origin, sizeof r->origin, "captured from %s (%s)", name, d->id);
	text_format(r->author, sizeof r->author, "%s", j->call.actor);
	r->created = keeper_now(j->call.k);
	r->state = REF_LEARNED;
	memcpy(r->labels, j->labels, sizeof r->labels);
	r->not_before = j->not_before;
	r->not_after = j->not_after;
	r->version = j->version;
}

/* Of which devices the set is, and when. */
static enum assay_err
read_validity(struct call *c, struct job *ret)
{
	struct call_range time = {1, TIME_MAX, 0}, number = {1, UINT32_MAX - 1, 0};
	uint64_t from, until, version;
	enum assay_err e;

	if ((e = call_labels(c, ret->labels)) != ASSAY_OK ||
	    (e = call_number(c, F_FROM, time, &from)) != ASSAY_OK ||
	    (e = call_number(c, F_UNTIL, time, &until)) != ASSAY_OK ||
	    (e = call_number(c, F_VERSION, number, &version)) != ASSAY_OK)
		return e;
	if (until && until <= from)
		return call_fail(c, ASSAY_MALFORMED, "until: must be later than from");
	ret->not_before = (int64_t)from;
	ret->not_after = (int64_t)until;
	ret->version = (uint32_t)version;
	return ASSAY_OK;
}

static enum assay_err
finish_capture(struct job *j, struct span compiled)
{
	struct ledger_reference r = {.compiled = compiled};
	struct call *c = &j->call;
	enum assay_err e;

	if ((e = digest_sha256(compiled, r.digest)) != ASSAY_OK || (e = call_change(c)) != ASSAY_OK)
		return e;
	describe_set(j, &r);
	e = ledger_reference_insert(c->l, &r);
	if (e == ASSAY_EXISTS)
		return call_fail(c, e, "a set of that name (`%s') or, for its class, with the "
				       "same content is there already", r.name);
	if (e != ASSAY_OK || (e = call_audit(c, r.name, r.origin)) != ASSAY_OK ||
	    (e = keeper_reload(c->k)) != ASSAY_OK)
		return e;
	c->ret = json_reference(&r);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static enum assay_err
start_capture(struct job *j, const struct ledger_state *s, uint32_t mask)
{
	static const uint8_t none[32];
	struct span log = SPAN(NULL, 0);
	struct writer w;
	uint8_t *input;
	enum assay_err e = ASSAY_OK;

	if (memcmp(s->boot_log, none, sizeof none) != 0) /* public */
		e = ledger_blob_get(j->call.l, s->boot_log, &log);
	if (e != ASSAY_OK)
		return e;
	input = malloc(12 + log.n + s->continuity.n);
	if (!input)
		return ASSAY_NO_MEMORY;
	wr_init(&w, input, 12 + log.n + s->continuity.n);
	wr_be32(&w, mask);
	wr_be32_bytes(&w, log);
	wr_be32_bytes(&w, s->continuity);
	e = job_start(j, COMPILE_CAPTURE, wr_span(&w));
	free(input);
	return e;
}

static enum assay_err
read_scope(struct call *c, bool *ret_device)
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_SCOPE, text, sizeof text);
	*ret_device = strcmp(text, "device") == 0;
	if (*text && !*ret_device && strcmp(text, "class") != 0)
		return call_fail(c, ASSAY_MALFORMED, "scope: must be class or device");
	return ASSAY_OK;
}

/* What of a device is captured: its boot, or its software. */
static enum assay_err
read_what(struct call *c, bool *ret_software)
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_WHAT, text, sizeof text);
	*ret_software = strcmp(text, "software") == 0;
	if (*text && !*ret_software && strcmp(text, "boot") != 0)
		return call_fail(c, ASSAY_MALFORMED, "what: must be boot or software");
	if (*ret_software && call_has(c, F_PCRS))
		return call_fail(c, ASSAY_MALFORMED, "pcrs: are of the boot, not of software");
	return ASSAY_OK;
}

enum assay_err
operation_on_reference_capture(struct call *c)
{
	char name[LEDGER_NAME_MAX + 1];
	static struct ledger_device d;
	struct ledger_state s;
	struct job *j = NULL;
	bool for_device, software;
	uint32_t mask = 0;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = call_name(c, F_NAME, name)) != ASSAY_OK ||
	    (e = read_scope(c, &for_device)) != ASSAY_OK ||
	    (e = read_what(c, &software)) != ASSAY_OK ||
	    (e = evidence_of(c, &d, &s)) != ASSAY_OK ||
	    (!software && (e = read_pcrs(c, s.continuity, &mask)) != ASSAY_OK) ||
	    (e = job_new(c, &j)) != ASSAY_OK)
		return e;
	memcpy(j->name, name, sizeof j->name);
	j->device = d;
	j->for_device = for_device;
	j->finish = finish_capture;
	j->explain = software ? explain_software : explain_capture;
	if ((e = read_validity(c, j)) == ASSAY_OK)
		e = software ? software_capture_start(j, &s) : start_capture(j, &s, mask);
	if (e != ASSAY_OK) {
		job_free(j);
		return e;
	}
	c->later = true;
	return ASSAY_OK;
}

/* ---- promoting and retiring ---- */

static enum assay_err
set_state(struct call *c, struct ledger_reference *r, enum reference_state s)
{
	char hex[65] = "";
	enum assay_err e;

	if ((e = hex_encode(SPAN(r->digest, sizeof r->digest), hex, sizeof hex)) != ASSAY_OK ||
	    (e = call_change(c)) != ASSAY_OK ||
	    (e = ledger_reference_set_state(c->l, r->name, s)) != ASSAY_OK ||
	    (e = call_audit(c, r->name, hex)) != ASSAY_OK ||
	    (e = keeper_reload(c->k)) != ASSAY_OK)
		return e;
	r->state = s;
	c->ret = json_reference(r);
	return c->ret ? ASSAY_OK : ASSAY_NO_MEMORY;
}

enum assay_err
operation_on_reference_promote(struct call *c)
{
	struct ledger_reference r;
	uint8_t shown[32];
	enum assay_err e;

	if ((e = call_digest(c, F_DIGEST, shown)) != ASSAY_OK ||
	    (e = call_reference(c, F_REFERENCE, &r)) != ASSAY_OK)
		return e;
	if (!span_equal(SPAN(shown, 32), SPAN(r.digest, 32)))
		return call_fail(c, ASSAY_MISMATCH,
				 "the digest is not that of `%s'; look at the set again and "
				 "promote what you saw", r.name);
	if (r.state != REF_LEARNED)
		return call_fail(c, ASSAY_STATE, "the set is %s, not learned",
				 reference_state_name(r.state));
	return set_state(c, &r, REF_PROMOTED);
}

enum assay_err
operation_on_reference_retire(struct call *c)
{
	struct ledger_reference r;
	enum assay_err e = call_reference(c, F_REFERENCE, &r);

	if (e != ASSAY_OK)
		return e;
	if (r.state == REF_RETIRED)
		return call_fail(c, ASSAY_STATE, "the set is retired already");
	return set_state(c, &r, REF_RETIRED);
}
