/* keeper_operation.c: who asks, may they, and the answer; see keeper_operation.h. */
#include "keeper_operation.h"

#include "log.h"
#include "operator/problem.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

static operation_handler *const handlers[OP_COUNT] = {
	[OP_STATUS] = operation_on_status,
	[OP_DEVICE_LIST] = operation_on_device_list,
	[OP_DEVICE_SHOW] = operation_on_device_show,
	[OP_DEVICE_HISTORY] = operation_on_device_history,
	[OP_DEVICE_ADDRESS] = operation_on_device_address,
	[OP_DEVICE_CASE] = operation_on_device_case,
	[OP_DEVICE_EVIDENCE] = operation_on_device_evidence,
	[OP_DEVICE_APPROVE] = operation_on_device_approve,
	[OP_DEVICE_SET] = operation_on_device_set,
	[OP_DEVICE_HOLD] = operation_on_device_hold,
	[OP_DEVICE_RELEASE] = operation_on_device_release,
	[OP_DEVICE_MAINTAIN] = operation_on_device_maintain,
	[OP_DEVICE_ACCEPT_BOOT] = operation_on_device_accept_boot,
	[OP_DEVICE_REREAD] = operation_on_device_reread,
	[OP_DEVICE_RETIRE] = operation_on_device_retire,
	[OP_TOKEN_CREATE] = operation_on_token_create,
	[OP_TOKEN_LIST] = operation_on_token_list,
	[OP_EK_ALLOW] = operation_on_ek_allow,
	[OP_REFERENCE_LIST] = operation_on_reference_list,
	[OP_REFERENCE_SHOW] = operation_on_reference_show,
	[OP_REFERENCE_CAPTURE] = operation_on_reference_capture,
	[OP_REFERENCE_IMPORT] = operation_on_reference_import,
	[OP_REFERENCE_CORIM] = operation_on_reference_corim,
	[OP_REFERENCE_EXPORT] = operation_on_reference_export,
	[OP_UPLOAD_BEGIN] = operation_on_upload_begin,
	[OP_UPLOAD_APPEND] = operation_on_upload_append,
	[OP_REFERENCE_PROMOTE] = operation_on_reference_promote,
	[OP_REFERENCE_RETIRE] = operation_on_reference_retire,
	[OP_POLICY_LIST] = operation_on_policy_list,
	[OP_POLICY_SHOW] = operation_on_policy_show,
	[OP_POLICY_ADD] = operation_on_policy_add,
	[OP_POLICY_ACTIVATE] = operation_on_policy_activate,
	[OP_POLICY_EXPLAIN] = operation_on_policy_explain,
	[OP_AUDIT_LIST] = operation_on_audit_list,
	[OP_OPERATOR_ADD] = operation_on_operator_add,
	[OP_OPERATOR_LIST] = operation_on_operator_list,
	[OP_OPERATOR_REVOKE] = operation_on_operator_revoke,
	[OP_LEDGER_ACCEPT] = operation_on_ledger_accept,
	[OP_METRICS] = operation_on_metrics,
	[OP_ADMISSION] = operation_on_admission,
	[OP_DECISION_SHOW] = operation_on_decision_show,
	[OP_DECISION_TOKEN] = operation_on_decision_token,
	[OP_KEY_LIST] = operation_on_key_list,
	[OP_KEY_ROTATE] = operation_on_key_rotate,
	[OP_AUDIT_EXPORT] = operation_on_audit_export,
	[OP_POLICY_PROMOTE] = operation_on_policy_promote,
	[OP_REPLAY_START] = operation_on_replay_start,
	[OP_REPLAY_CANCEL] = operation_on_replay_cancel,
	[OP_REPLAY_SHOW] = operation_on_replay_show,
	[OP_REPLAY_LIST] = operation_on_replay_list,
	[OP_REPLAY_DEVICES] = operation_on_replay_devices,
	[OP_REFERENCE_PLAN] = operation_on_reference_plan,
	[OP_REFERENCE_UNPLAN] = operation_on_reference_unplan,
	[OP_PLAN_LIST] = operation_on_plan_list,
	[OP_KNOWN_BAD_ADD] = operation_on_known_bad_add,
	[OP_KNOWN_BAD_REMOVE] = operation_on_known_bad_remove,
	[OP_KNOWN_BAD_LIST] = operation_on_known_bad_list,
	[OP_REFERENCE_DEVICES] = operation_on_reference_devices,
	[OP_EVIDENCE_CHALLENGE] = operation_on_evidence_challenge,
	[OP_EVIDENCE_LIST] = operation_on_evidence_list,
	[OP_EVIDENCE_REVOKE] = operation_on_evidence_revoke,
	[OP_EVIDENCE_SUBMIT] = operation_on_evidence_submit,
	[OP_WEBHOOK_LIST] = operation_on_webhook_list,
	[OP_WEBHOOK_DEAD] = operation_on_webhook_dead,
	[OP_WEBHOOK_RETRY] = operation_on_webhook_retry,
	[OP_WEBHOOK_DROP] = operation_on_webhook_drop,
	[OP_WEBHOOK_TEST] = operation_on_webhook_test,
};

/* The console's Unix socket is the administrator's by file permission. */
static enum operator_role
local_caller(struct call *c)
{
	text_format(c->actor, sizeof c->actor, "local (%s)", c->op.peer);
	return ROLE_ADMIN;
}

static const char *
credential_refused(const struct call *c)
{
	return c->op.caller.kind == CREDENTIAL_CERTIFICATE ? "certificate-refused"
							   : "token-refused";
}

/* The owner of the credential, ROLE_NONE if it is unknown, expired or revoked: which of
 * these is for the log, not for who asks. */
static enum operator_role
remote_caller(struct call *c)
{
	static struct log_limit limit;
	enum assay_err e;
	struct ledger_operator o;

	e = call_owner(c->k, &c->op.caller, &o);
	if (e != ASSAY_OK) {
		if (log_due(&limit, keeper_now(c->k)))
			log_event(LOG_LEVEL_WARN, credential_refused(c), "peer", c->op.peer,
				  "operation",
				  operation_name(c->op.code), "why", assay_err_name(e), "unsaid",
				  log_unsaid(&limit), NULL);
		return ROLE_NONE;
	}
	text_format(c->actor, sizeof c->actor, "%s", o.name);
	return o.role;
}

static enum assay_err
check_rate(struct call *c)
{
	static struct log_limit limit;
	enum operation_rate r = operation_rate(c->op.code);

	if (c->op.local || keeper_limit(c->k, r, c->op.caller.hash, &c->retry_s))
		return ASSAY_OK;
	if (log_due(&limit, keeper_now(c->k)))
		log_event(LOG_LEVEL_WARN, "rate-limited", "actor", c->actor, "peer", c->op.peer,
			  "limit", operation_rate_name(r), "unsaid", log_unsaid(&limit), NULL);
	return call_fail(c, ASSAY_LIMITED, "%s has asked too often (%s); try again in %u s",
			 c->actor, operation_rate_name(r), c->retry_s);
}

/* MISSING is told apart from DENIED: 401 and 403. */
enum assay_err
call_permit(struct call *c)
{
	enum operator_role role = c->op.local ? local_caller(c) : remote_caller(c);
	enum assay_err e;

	if (role == ROLE_NONE)
		return call_fail(c, ASSAY_MISSING, "%s", OPERATION_UNKNOWN_CALLER);
	if ((e = check_rate(c)) != ASSAY_OK)
		return e;
	if (operation_permitted(c->op.code, role))
		return ASSAY_OK;
	log_event(LOG_LEVEL_WARN, "operation-denied", "actor", c->actor, "peer", c->op.peer,
		  "operation", operation_name(c->op.code), NULL);
	return call_fail(c, ASSAY_DENIED, "%s needs the role %s; %s has %s",
			 operation_name(c->op.code),
			 operator_role_name(operation_lowest_role(c->op.code)), c->actor,
			 operator_role_name(role));
}

static enum assay_err
handle(struct call *c)
{
	operation_handler *h = handlers[c->op.code];
	enum assay_err e;

	if ((e = call_permit(c)) != ASSAY_OK)
		return e;
	if (!h)
		return call_fail(c, ASSAY_UNSUPPORTED, "%s is not provided",
				 operation_name(c->op.code));
	return h(c);
}

/* The object of an order: a device by its id, as its history has it; else as it was named. */
static void
object_of(const struct call *c, char *ret, size_t cap)
{
	static const enum operation_field fields[] = {F_DEVICE, F_REFERENCE, F_POLICY, F_REPLAY,
						      F_CHALLENGE, F_NAME, F_DIGEST};
	static struct ledger_device d;
	char text[OPERATION_TEXT_MAX + 1] = "";

	for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !*text; i++)
		call_text(c, fields[i], text, sizeof text);
	if (call_has(c, F_DEVICE) && ledger_device_find(c->l, text, &d) == ASSAY_OK)
		text_format(ret, cap, "%s", d.id);
	else
		text_format(ret, cap, "%s", text);
}

/* An order of somebody known that was not permitted or not possible: a few of each are in
 * the audit log, all that were not permitted in the log. */
static void
record_refusal(struct call *c, enum assay_err e)
{
	char object[LEDGER_NAME_MAX + 1], detail[LEDGER_TEXT_MAX];
	unsigned status = problem_status(e);

	if (!*c->actor || (status != 403 && status != 409) ||
	    operation_rate(c->op.code) != RATE_CHANGES || ledger_fault(c->l) != ASSAY_OK ||
	    !keeper_may_record_refusal(c->k, c->op.caller.hash))
		return;
	object_of(c, object, sizeof object);
	text_format(detail, sizeof detail, "%s: %s", operation_name(c->op.code),
		    *c->message ? c->message : assay_err_text(e));
	if ((e = keeper_change(c->k)) != ASSAY_OK ||
	    (e = keeper_audit(c->k, c->actor, "operation.refused", object, detail)) != ASSAY_OK)
		keeper_poison(c->k, e);
}

static void
answer(struct call *c, enum assay_err e)
{
	char *text = NULL;

	if (e == ASSAY_LIMITED) {
		keeper_reply_later(c->k, c->id, c->retry_s, c->message);
		return;
	}
	if (e != ASSAY_OK) {
		keeper_reply(c->k, c->id, e, *c->message ? c->message : NULL);
		return;
	}
	if (!c->ret && c->bytes.p) {
		keeper_reply_bytes(c->k, c->id, c->bytes);
		return;
	}
	text = c->ret ? json_dumps(c->ret, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	if (text)
		keeper_reply(c->k, c->id, ASSAY_OK, text);
	else
		keeper_reply(c->k, c->id, ASSAY_NO_MEMORY, NULL);
	free(text);
}

void
keeper_on_operation(struct keeper *k, const struct ipc_msg *m)
{
	struct call c = {.k = k, .l = keeper_ledger(k), .id = m->id};
	enum assay_err e;

	if ((e = operation_decode(m->payload, &c.op)) != ASSAY_OK) {
		log_event(LOG_LEVEL_ERROR, "operation-malformed", "error", assay_err_name(e),
			  NULL);
		keeper_reply(k, m->id, e, "the request cannot be read");
		return;
	}
	e = handle(&c);
	/* an operation that stopped half-way must leave nothing */
	if (e == ASSAY_IO || e == ASSAY_INTERNAL || e == ASSAY_NO_MEMORY || e == ASSAY_TAMPERED)
		keeper_poison(k, e);
	record_refusal(&c, e);
	if (!c.later)
		answer(&c, e);
	json_decref(c.ret);
}
