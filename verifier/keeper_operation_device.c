/* keeper_operation_device.c: what operators ask and order about devices. */
#include "keeper_operation.h"

#include "evidence/evidencefile.h"
#include "evidence/eventlog.h"
#include "evidence/hex.h"
#include "evidence/record.h"
#include "verifier/appraise/text.h"

#include <string.h>

#define MAINTENANCE_DEFAULT_S (4 * 3600)
#define MAINTENANCE_MAX_S (30 * 86400)

/* ---- asking ---- */

struct page {
	char class_name[DEVICE_CLASS_MAX + 1], labels[DEVICE_LABELS_MAX + 1];
	enum device_status status; /* NONE: any */
	char after[OPERATION_TEXT_MAX + 1];
	uint64_t limit;
};

static bool
is_wanted(const struct ledger_device *d, const struct page *p)
{
	return record_matches(d->class_name, d->labels, p->class_name, p->labels) &&
	       (p->status == DEV_NONE || d->status == p->status);
}

static enum assay_err
read_status(struct call *c, enum device_status *ret)
{
	char text[OPERATION_TEXT_MAX + 1];

	call_text(c, F_STATUS, text, sizeof text);
	*ret = DEV_NONE;
	for (unsigned s = DEV_NONE + 1; *text && s < DEV_STATUS_COUNT; s++)
		if (strcmp(device_status_name((enum device_status)s), text) == 0)
			*ret = (enum device_status)s;
	if (*text && *ret == DEV_NONE)
		return call_fail(c, ASSAY_MALFORMED,
				 "status: must be pending, enrolled, conflict or retired");
	return ASSAY_OK;
}

static enum assay_err
read_page(struct call *c, struct page *p)
{
	enum assay_err e = call_class(c, p->class_name);

	if (e == ASSAY_OK && (e = call_labels(c, p->labels)) == ASSAY_OK)
		e = read_status(c, &p->status);
	call_text(c, F_AFTER, p->after, sizeof p->after);
	if (e != ASSAY_OK)
		return e;
	if (strlen(p->after) > DEVICE_ID_HEX)
		return call_fail(c, ASSAY_MALFORMED, "after: is not the `next' of a list");
	return call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE}, &p->limit);
}

/* Rows in id order from p->after on; p->after moves along, and is "" at the end. */
static enum assay_err
list_devices(struct call *c, struct page *p, json_t *list)
{
	static struct ledger_device d;
	enum assay_err e = ASSAY_OK;
	unsigned looked = 0;

	while (json_array_size(list) < p->limit && looked++ < CALL_SCAN_MAX) {
		json_t *row;

		e = ledger_device_next(c->l, p->after, &d);
		if (e == ASSAY_NOT_FOUND) {
			p->after[0] = '\0';
			return ASSAY_OK;
		}
		if (e != ASSAY_OK && e != ASSAY_TAMPERED)
			return e;
		text_format(p->after, sizeof p->after, "%s", d.id);
		if (e == ASSAY_OK && !is_wanted(&d, p))
			continue;
		if (e == ASSAY_OK)
			e = json_device(c, &d, &row);
		if (e == ASSAY_TAMPERED)
			e = json_device_tampered(&d, &row);
		if (e != ASSAY_OK)
			return e;
		if (json_array_append_new(list, row) != 0)
			return ASSAY_NO_MEMORY;
	}
	return ASSAY_OK;
}

enum assay_err
operation_on_device_list(struct call *c)
{
	struct page p = {.limit = 0};
	enum assay_err e;
	json_t *list;

	if ((e = read_page(c, &p)) != ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[]}", "now", (json_int_t)keeper_now(c->k), "devices");
	list = json_object_get(c->ret, "devices");
	if (!list)
		return ASSAY_NO_MEMORY;
	if ((e = list_devices(c, &p, list)) != ASSAY_OK)
		return e;
	return json_object_set_new(c->ret, "next", json_text(p.after)) ? ASSAY_NO_MEMORY : ASSAY_OK;
}

/* The answer of every operation on one device: the device as it is now. */
enum assay_err
call_answer_device(struct call *c, const struct ledger_device *d)
{
	enum assay_err e = json_device(c, d, &c->ret);

	if (e != ASSAY_OK)
		return e;
	return json_object_set_new(c->ret, "now", json_integer(keeper_now(c->k)))
		       ? ASSAY_NO_MEMORY
		       : ASSAY_OK;
}

enum assay_err
operation_on_device_show(struct call *c)
{
	static struct ledger_device d;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = call_answer_device(c, &d)) != ASSAY_OK)
		return e;
	return json_device_more(c, &d, c->ret);
}

static enum assay_err
history_decisions(struct call *c, const char *id, uint64_t limit, uint64_t before)
{
	json_t *list = json_object_get(c->ret, "decisions");
	struct ledger_decision d = {.seq = before};
	enum assay_err e;

	while (json_array_size(list) < limit) {
		e = ledger_decision_prev(c->l, id, d.seq, &d);
		if (e == ASSAY_NOT_FOUND)
			return ASSAY_OK;
		if (e != ASSAY_OK)
			return e;
		if (json_array_append_new(list, json_decision(&d)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return json_object_set_new(c->ret, "next", json_integer((json_int_t)d.seq))
		       ? ASSAY_NO_MEMORY
		       : ASSAY_OK;
}

static enum assay_err
list_audit(struct call *c, const char *object, uint64_t limit, uint64_t *before)
{
	json_t *list = json_object_get(c->ret, "audit");
	struct ledger_audit a;
	enum assay_err e;

	while (json_array_size(list) < limit) {
		e = ledger_audit_prev(c->l, object, *before, &a);
		if (e == ASSAY_NOT_FOUND) {
			*before = 0;
			return ASSAY_OK;
		}
		if (e != ASSAY_OK)
			return e;
		*before = a.seq;
		if (*object && strcmp(a.action, "decision") == 0)
			continue; /* the history has it as a decision */
		if (json_array_append_new(list, json_audit(&a)) != 0)
			return ASSAY_NO_MEMORY;
	}
	return ASSAY_OK;
}

enum assay_err
operation_on_device_history(struct call *c)
{
	static struct ledger_device d;
	uint64_t limit, before, audit_before = 0;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK ||
	    (e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK ||
	    (e = call_number(c, F_AFTER, (struct call_range){1, INT64_MAX, 0}, &before)) !=
		    ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:s, s:o, s:[], s:[], s:n}", "now", (json_int_t)keeper_now(c->k),
			   "id", d.id, "name", json_text(d.name), "decisions", "audit", "next");
	if (!c->ret)
		return ASSAY_NO_MEMORY;
	if (json_object_set_new(c->ret, "first", json_ima_first(c, d.id, 0)) != 0)
		return ASSAY_NO_MEMORY;
	if ((e = history_decisions(c, d.id, limit, before)) != ASSAY_OK)
		return e;
	return list_audit(c, d.id, limit, &audit_before);
}

enum assay_err
operation_on_audit_list(struct call *c)
{
	uint64_t limit, before;
	enum assay_err e;

	if ((e = call_number(c, F_LIMIT, (struct call_range){1, CALL_PAGE_MAX, CALL_PAGE},
			     &limit)) != ASSAY_OK ||
	    (e = call_number(c, F_AFTER, (struct call_range){1, INT64_MAX, 0}, &before)) !=
		    ASSAY_OK)
		return e;
	c->ret = json_pack("{s:I, s:[]}", "now", (json_int_t)keeper_now(c->k), "audit");
	if (!c->ret)
		return ASSAY_NO_MEMORY;
	if ((e = list_audit(c, "", limit, &before)) != ASSAY_OK)
		return e;
	return json_object_set_new(c->ret, "next", before ? json_integer((json_int_t)before)
							  : json_null())
		       ? ASSAY_NO_MEMORY
		       : ASSAY_OK;
}

/* Proof, claims and boot log in one file, for `assay inspect evidence` and others. */
static enum assay_err
evidence_file(struct call *c, const struct ledger_state *s, bool has_log)
{
	static uint8_t buf[64 + MSG_PROOF_MAX + MSG_CLAIMS_MAX + EVENTLOG_MAX];
	struct evidence_file f = {.proof = s->proof, .claims = s->claims, .has_boot_log = has_log};
	struct writer w;
	enum assay_err e = ASSAY_OK;

	if (has_log)
		e = ledger_blob_get(c->l, s->boot_log, &f.boot_log);
	wr_init(&w, buf, sizeof buf);
	if (e == ASSAY_OK)
		e = evidence_file_write(&f, &w);
	c->bytes = wr_span(&w);
	return e;
}

enum assay_err
operation_on_device_evidence(struct call *c)
{
	static struct ledger_device d;
	char what[OPERATION_TEXT_MAX + 1];
	static const uint8_t none[32];
	bool has_log;
	struct ledger_state s;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = call_need(c, F_SCOPE, what)) != ASSAY_OK)
		return e;
	e = ledger_state_get(c->l, d.id, &s);
	if (e != ASSAY_OK && e != ASSAY_NOT_FOUND)
		return e;
	if (e == ASSAY_NOT_FOUND || s.version == 0)
		return call_fail(c, ASSAY_NOT_FOUND, "the device has given no authentic evidence");
	has_log = !span_equal(SPAN(s.boot_log, 32), SPAN(none, 32));
	if (strcmp(what, "file") == 0)
		return evidence_file(c, &s, has_log);
	if (strcmp(what, "proof") == 0)
		c->bytes = s.proof;
	else if (strcmp(what, "claims") == 0)
		c->bytes = s.claims;
	else if (strcmp(what, "boot-log") != 0)
		return call_fail(c, ASSAY_MALFORMED,
				 "scope: must be file, boot-log, proof or claims");
	else if (has_log && (e = ledger_blob_get(c->l, s.boot_log, &c->bytes)) != ASSAY_OK)
		return e;
	return c->bytes.n ? ASSAY_OK
			  : call_fail(c, ASSAY_NOT_FOUND, "the device sent no %s", what);
}

/* ---- ordering ---- */

/* The common end of every order: store, tell the audit log, decide anew. */
static enum assay_err
store_device(struct call *c, struct ledger_device *d, const char *detail)
{
	enum assay_err e;

	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	d->updated = keeper_now(c->k);
	e = ledger_device_update(c->l, d);
	if (e == ASSAY_EXISTS)
		return call_fail(c, e, "the name `%s' is another device's", d->name);
	if (e != ASSAY_OK || (e = call_audit(c, d->id, detail)) != ASSAY_OK ||
	    (e = keeper_device_changed(c->k, d->id, operation_name(c->op.code))) != ASSAY_OK)
		return e;
	return call_answer_device(c, d);
}

/* Fields that are given replace; *ret_any whether there were any. */
static enum assay_err
read_record(struct call *c, struct ledger_device *d, bool *ret_any)
{
	char name[LEDGER_NAME_MAX + 1], class_name[DEVICE_CLASS_MAX + 1];
	char labels[DEVICE_LABELS_MAX + 1];
	enum assay_err e;

	if ((e = call_name(c, F_NAME, name)) != ASSAY_OK ||
	    (e = call_class(c, class_name)) != ASSAY_OK ||
	    (e = call_labels(c, labels)) != ASSAY_OK)
		return e;
	if (*name)
		text_format(d->name, sizeof d->name, "%s", name);
	if (*class_name)
		text_format(d->class_name, sizeof d->class_name, "%s", class_name);
	if (*labels)
		text_format(d->labels, sizeof d->labels, "%s", labels);
	*ret_any = *name || *class_name || *labels;
	return ASSAY_OK;
}

static enum assay_err
describe(struct call *c, const struct ledger_device *d, char detail[LEDGER_TEXT_MAX])
{
	char reason[LEDGER_TEXT_MAX];
	enum assay_err e = call_reason(c, reason);

	text_format(detail, LEDGER_TEXT_MAX, "name=%s class=%s labels=%.60s%s%s", d->name,
		    d->class_name, d->labels, *reason ? ": " : "", reason);
	return e;
}

/* Lets a waiting device in, settles a conflict, or accepts a replaced key. */
enum assay_err
operation_on_device_approve(struct call *c)
{
	static struct ledger_device d;
	char detail[LEDGER_TEXT_MAX];
	enum assay_err e;
	bool any;

	if ((e = call_device(c, &d)) != ASSAY_OK)
		return e;
	if (d.status == DEV_RETIRED)
		return call_fail(c, ASSAY_STATE, "the device is retired; its key stays blocked");
	if (d.status == DEV_ENROLLED && !d.new_ak)
		return call_fail(c, ASSAY_STATE, "the device is enrolled already and has nothing "
						 "to approve; change it with `device set'");
	if ((e = read_record(c, &d, &any)) != ASSAY_OK || (e = describe(c, &d, detail)) != ASSAY_OK)
		return e;
	if (!*d.class_name)
		return call_fail(c, ASSAY_MALFORMED,
				 "class: is required, because policy and reference values are "
				 "chosen by it");
	d.status = DEV_ENROLLED;
	d.new_ak = false;
	d.conflict_with[0] = '\0';
	return store_device(c, &d, detail);
}

enum assay_err
operation_on_device_set(struct call *c)
{
	static struct ledger_device d;
	char detail[LEDGER_TEXT_MAX];
	enum assay_err e;
	bool any;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = read_record(c, &d, &any)) != ASSAY_OK ||
	    (e = describe(c, &d, detail)) != ASSAY_OK)
		return e;
	if (!any)
		return call_fail(c, ASSAY_MALFORMED, "nothing to set: give name, class or labels");
	if (d.status == DEV_RETIRED)
		return call_fail(c, ASSAY_STATE, "the device is retired");
	return store_device(c, &d, detail);
}

/* Maintenance and its end require a new verdict: the last one expires now. */
static enum assay_err
expire_verdict(struct call *c, const char *id)
{
	struct ledger_state s;
	enum assay_err e = ledger_state_get(c->l, id, &s);

	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	if (e != ASSAY_OK)
		return e;
	if (s.expires_at <= keeper_now(c->k))
		return ASSAY_OK;
	s.expires_at = VERDICT_ENDED;
	return ledger_state_put(c->l, &s);
}

/* What the order makes of the device, by the table of life.h. */
static enum assay_err
apply(struct call *c, struct ledger_device *d, enum life_event order)
{
	struct life now = {d->status, d->overlay, TRUST_NEVER, LINK_NEVER}, next;

	if (life_next(&now, order, &next) != ASSAY_OK)
		return call_fail(c, ASSAY_STATE, d->status == DEV_RETIRED ? "the device is retired"
			: order == LIFE_RELEASED ? "the device is neither held nor in maintenance"
			: d->overlay == OVERLAY_HELD && order == LIFE_HELD
				? "the device is held already"
			: d->overlay == OVERLAY_HELD ? "the device is held; release it first"
						     : "the device is in maintenance already");
	d->status = next.enrolment;
	d->overlay = next.overlay;
	d->overlay_until = 0;
	return ASSAY_OK;
}

/* An order that begins or ends something: until a new verdict the last one counts no more. */
static enum assay_err
set_overlay(struct call *c, struct ledger_device *d, enum life_event order, int64_t until)
{
	bool stale = order == LIFE_MAINTAINED || d->overlay == OVERLAY_MAINTENANCE;
	char reason[LEDGER_TEXT_MAX];
	enum assay_err e;

	if ((e = call_reason(c, reason)) != ASSAY_OK || (e = apply(c, d, order)) != ASSAY_OK ||
	    (e = call_change(c)) != ASSAY_OK)
		return e;
	if (stale && (e = expire_verdict(c, d->id)) != ASSAY_OK)
		return e;
	d->overlay_until = until;
	text_format(d->overlay_reason, sizeof d->overlay_reason, "%s", reason);
	return store_device(c, d, reason);
}

enum assay_err
operation_on_device_hold(struct call *c)
{
	static struct ledger_device d;
	enum assay_err e = call_device(c, &d);

	return e == ASSAY_OK ? set_overlay(c, &d, LIFE_HELD, 0) : e;
}

/* What a copied key's continuity was is nobody's: it begins anew with the next round. */
static enum assay_err
forget_copy(struct call *c, struct ledger_device *d)
{
	static struct continuity k;
	static uint8_t bytes[CONTINUITY_BYTES_MAX];
	struct ledger_state s;
	enum assay_err e;
	size_t n;

	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	d->copied = false;
	e = ledger_state_get(c->l, d->id, &s);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	if (e != ASSAY_OK || (e = continuity_decode(s.continuity, &k)) != ASSAY_OK)
		return e;
	continuity_release(&k);
	if ((e = continuity_encode(&k, bytes, sizeof bytes, &n)) != ASSAY_OK)
		return e;
	s.continuity = SPAN(bytes, n);
	return ledger_state_put(c->l, &s);
}

enum assay_err
operation_on_device_release(struct call *c)
{
	static struct ledger_device d;
	char reason[LEDGER_TEXT_MAX];
	enum assay_err e = call_device(c, &d);
	bool copied = e == ASSAY_OK && d.copied;

	if (e != ASSAY_OK || !copied)
		return e == ASSAY_OK ? set_overlay(c, &d, LIFE_RELEASED, 0) : e;
	if (d.status == DEV_RETIRED)
		return call_fail(c, ASSAY_STATE, "the device is retired");
	if ((e = call_reason(c, reason)) != ASSAY_OK || (e = forget_copy(c, &d)) != ASSAY_OK)
		return e;
	if (d.overlay != OVERLAY_NONE && (e = apply(c, &d, LIFE_RELEASED)) != ASSAY_OK)
		return e;
	d.overlay_reason[0] = '\0';
	return store_device(c, &d, reason);
}

/* A held device stays held: maintenance is milder than a hold (D11). A window has an end. */
enum assay_err
operation_on_device_maintain(struct call *c)
{
	static struct ledger_device d;
	uint64_t seconds;
	enum assay_err e = call_device(c, &d);

	if (e != ASSAY_OK ||
	    (e = call_number(c, F_EXPIRES,
			     (struct call_range){1, MAINTENANCE_MAX_S, MAINTENANCE_DEFAULT_S},
			     &seconds)) != ASSAY_OK)
		return e;
	return set_overlay(c, &d, LIFE_MAINTAINED, keeper_now(c->k) + (int64_t)seconds);
}

enum assay_err
operation_on_device_retire(struct call *c)
{
	static struct ledger_device d;
	char reason[LEDGER_TEXT_MAX];
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = call_reason(c, reason)) != ASSAY_OK)
		return e;
	if (d.status == DEV_RETIRED)
		return call_fail(c, ASSAY_STATE, "the device is retired already");
	if ((e = apply(c, &d, LIFE_RETIRED)) != ASSAY_OK || (e = call_change(c)) != ASSAY_OK ||
	    (e = keeper_address_release(c->k, d.id)) != ASSAY_OK)
		return e;
	return store_device(c, &d, reason);
}

/* ---- the last good boot ---- */

/* It is the good one from now on, and is judged once more from its log: what was found
 * against the former one goes with it. */
static enum assay_err
make_good(struct ledger_state *s)
{
	static uint8_t bytes[CONTINUITY_BYTES_MAX];
	static struct continuity k; /* large; one operation at a time */
	enum assay_err e;
	size_t n;

	if ((e = continuity_decode(s->continuity, &k)) != ASSAY_OK)
		return e;
	memset(k.generation, 0, sizeof k.generation); /* nobody's */
	if ((e = continuity_encode(&k, bytes, sizeof bytes, &n)) != ASSAY_OK)
		return e;
	s->continuity = SPAN(bytes, n);
	memcpy(s->good_log, s->boot_log, sizeof s->good_log);
	return ASSAY_OK;
}

/* Exactly the boot that was shown: the device may have booted again since. */
static enum assay_err
check_shown(struct call *c, const struct ledger_state *s, char hex[65])
{
	static const uint8_t none[32];
	char shown[OPERATION_TEXT_MAX + 1];
	enum assay_err e;

	if ((e = call_need(c, F_DIGEST, shown)) != ASSAY_OK)
		return e;
	if (s->version == 0 || span_equal(SPAN(s->boot_log, 32), SPAN(none, 32)))
		return call_fail(c, ASSAY_STATE, "the device has shown no boot log");
	if ((e = hex_encode(SPAN(s->boot_log, 32), hex, 65)) != ASSAY_OK)
		return e;
	if (strcmp(hex, shown) != 0)
		return call_fail(c, ASSAY_MISMATCH,
				 "the device's boot log is another one by now; look at it, "
				 "and accept what you saw");
	return ASSAY_OK;
}

enum assay_err
operation_on_device_accept_boot(struct call *c)
{
	static struct ledger_device d;
	char reason[LEDGER_TEXT_MAX], detail[LEDGER_TEXT_MAX], hex[65];
	struct ledger_state s;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK || (e = call_reason(c, reason)) != ASSAY_OK)
		return e;
	if (d.status != DEV_ENROLLED)
		return call_fail(c, ASSAY_STATE, "the device is not enrolled");
	if ((e = call_change(c)) != ASSAY_OK)
		return e;
	e = ledger_state_get(c->l, d.id, &s);
	if (e == ASSAY_NOT_FOUND)
		memset(&s, 0, sizeof s);
	else if (e != ASSAY_OK)
		return e;
	if ((e = check_shown(c, &s, hex)) != ASSAY_OK || (e = make_good(&s)) != ASSAY_OK ||
	    (e = ledger_state_put(c->l, &s)) != ASSAY_OK)
		return e;
	text_format(detail, sizeof detail, "boot log %.16s%s%s", hex, *reason ? ": " : "", reason);
	return store_device(c, &d, detail);
}
