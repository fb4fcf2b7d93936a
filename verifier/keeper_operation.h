/*
 * keeper_operation.h: what the files of operation handlers share.
 *
 * keeper_operation.c decodes, checks who asks (I8) and calls the one handler of the
 * operation; a handler reads its fields through call_x(), which complain in words
 * for the operator, and leaves one JSON document in ->ret. Whatever changes
 * something first checks everything, then calls call_change(), makes the change and
 * ends in call_audit(): the answer leaves after the commit.
 *
 * Handlers that need the compiler process set ->later and answer from its callback
 * (keeper_operation_job.c).
 */
#ifndef VERIFIER_KEEPER_OPERATION_H
#define VERIFIER_KEEPER_OPERATION_H

#include "bulk.h"
#include "keeper.h"

#include <jansson.h>

#define CALL_MESSAGE_MAX 400
#define CALL_PAGE 100	    /* rows of a list, if the caller does not say */
#define CALL_PAGE_MAX 1000
#define CALL_SCAN_MAX 2000  /* rows looked at for one page */
#define CALL_SECRET_BYTES 32
#define CALL_JOBS_MAX 8	    /* compile jobs of operators at a time */

struct call {
	struct keeper *k;
	struct ledger *l;
	uint64_t id; /* of the operation, for the answer */
	struct operation op;
	char actor[LEDGER_ACTOR_MAX + 1];
	json_t *ret; /* the answer; released by the dispatcher */
	struct span bytes; /* or bytes as the answer, if ->ret is NULL */
	bool later;  /* answered by a job */
	char message[CALL_MESSAGE_MAX]; /* for people, on an error */
	unsigned retry_s;		/* on LIMITED */
};

/* Keeps the message and returns e, so that `return call_fail(...)` reads well. */
enum assay_err call_fail(struct call *c, enum assay_err e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool call_has(const struct call *c, enum operation_field f);
/* The field as text; "" if it is absent. cap > OPERATION_TEXT_MAX never cuts. */
void call_text(const struct call *c, enum operation_field f, char *ret, size_t cap);
/* Text that must be there. MALFORMED. */
ASSAY_MUST_USE enum assay_err call_need(struct call *c, enum operation_field f,
					char ret[OPERATION_TEXT_MAX + 1]);
/* A decimal number from least to most; absent: fallback. MALFORMED. */
struct call_range {
	uint64_t least, most, fallback;
};
ASSAY_MUST_USE enum assay_err call_number(struct call *c, enum operation_field f,
					  struct call_range range, uint64_t *ret);
/* 64 hex digits. MALFORMED. */
ASSAY_MUST_USE enum assay_err call_digest(struct call *c, enum operation_field f,
					  uint8_t ret[32]);
/* Names, classes and labels of the house's form, or absent: ret is then "". */
ASSAY_MUST_USE enum assay_err call_name(struct call *c, enum operation_field f,
					char ret[LEDGER_NAME_MAX + 1]);
ASSAY_MUST_USE enum assay_err call_class(struct call *c, char ret[DEVICE_CLASS_MAX + 1]);
ASSAY_MUST_USE enum assay_err call_labels(struct call *c, char ret[DEVICE_LABELS_MAX + 1]);
/* The comment, "" if absent; MALFORMED if too long for the audit log. */
/* Labels that make up a ring; the same key may come again. */
ASSAY_MUST_USE enum assay_err call_ring(struct call *c, char ret[DEVICE_LABELS_MAX + 1]);
/* Who, when and why; MALFORMED without a comment. */
ASSAY_MUST_USE enum assay_err call_why(struct call *c, struct ledger_why *ret);
/* F_FORCE. MALFORMED if it is neither "yes" nor "no". */
ASSAY_MUST_USE enum assay_err call_forced(struct call *c, bool *ret);
/* The policy that F_POLICY names: of several versions of a name the only one that is, or
 * is not, active. NOT_FOUND, DUPLICATE. */
ASSAY_MUST_USE enum assay_err call_policy(struct call *c, bool active, struct ledger_policy *ret);
/* The reference set that a field names. NOT_FOUND, DUPLICATE. */
ASSAY_MUST_USE enum assay_err call_reference(struct call *c, enum operation_field f,
					     struct ledger_reference *ret);
ASSAY_MUST_USE enum assay_err call_reason(struct call *c, char ret[LEDGER_TEXT_MAX]);
/* What the caller has uploaded becomes *ret's. NOT_FOUND. */
ASSAY_MUST_USE enum assay_err call_upload(struct call *c, struct bulk *ret);
/* The device that F_DEVICE names. NOT_FOUND, DUPLICATE (an ambiguous prefix). */
ASSAY_MUST_USE enum assay_err call_device(struct call *c, struct ledger_device *ret);

/* The operator who has this credential. MISSING: there is none; NOT_FOUND, REVOKED, EXPIRED
 * (a certificate counts only within its own time, too). keeper_operation_operator.c */
ASSAY_MUST_USE enum assay_err call_owner(struct keeper *k, const struct operation_caller *who,
					 struct ledger_operator *ret);
/* n random bytes (at most CALL_SECRET_BYTES) as hex. */
ASSAY_MUST_USE enum assay_err call_secret(char *ret, size_t cap, size_t n);
/* Who asks, into ->actor, and whether they may: MISSING (no valid token or certificate), DENIED,
 * LIMITED. */
ASSAY_MUST_USE enum assay_err call_permit(struct call *c);
/* Begins the change; its end: action is the operation's name. */
ASSAY_MUST_USE enum assay_err call_change(struct call *c);
ASSAY_MUST_USE enum assay_err call_audit(struct call *c, const char *object, const char *detail);

/* ---- JSON pieces, keeper_operation_json.c; NULL only without memory ---- */

json_t *json_hex(const void *p, size_t n);	/* null if all zero */
json_t *json_time(int64_t seconds);		/* null for 0 */
json_t *json_text(const char *s);		/* null for "" */
json_t *json_outside(struct span s);		/* text that may be no UTF-8: then escaped */
/* What is known of a device's IMA list; null if nothing is. keeper_operation_ima.c */
json_t *json_ima(struct call *c, const char *device, const struct ima_state *s);
/* Entries that its class first had in this device, not before a time; at most 50. */
json_t *json_ima_first(struct call *c, const char *device, int64_t since);
/* What `device list` says of a device. */
ASSAY_MUST_USE enum assay_err json_device(struct call *c, const struct ledger_device *d,
					  json_t **ret);
/* The same of a record, or of a state, that must not be believed. */
ASSAY_MUST_USE enum assay_err json_device_tampered(const struct ledger_device *d, json_t **ret);
/* Adds what `device show` says besides. */
ASSAY_MUST_USE enum assay_err json_device_more(struct call *c, const struct ledger_device *d,
					       json_t *out);
json_t *json_finding(const struct finding *f);
json_t *json_decision(const struct ledger_decision *d);
/* keeper_operation_address.c; NULL if they cannot be read. */
json_t *json_addresses(struct call *c, const char *device);
/* Of these, those that it attests from. */
json_t *json_attested(struct call *c, const char *device);
json_t *json_audit(const struct ledger_audit *a);
json_t *json_reference(const struct ledger_reference *r);
json_t *json_policy(const struct ledger_policy *p);
/* Rollouts under way, for `status`. */
ASSAY_MUST_USE enum assay_err json_rollouts(struct call *c, json_t **ret);
const char *device_status_name(enum device_status s);
const char *device_overlay_name(enum device_overlay o);
const char *reference_state_name(enum reference_state s);

/* ---- compile jobs ---- */

/* What a job's end may use: a copy of the call, and what the handler kept. */
struct job {
	struct call call;
	char name[LEDGER_NAME_MAX + 1];
	struct ledger_device device;
	bool for_device;
	char labels[DEVICE_LABELS_MAX + 1]; /* of a reference set */
	int64_t not_before, not_after;
	uint32_t version;
	char comment[LEDGER_TEXT_MAX];
	struct span source; /* malloc'd copy; freed with the job */
	struct bulk bulk;   /* freed with the job */
	enum assay_err (*finish)(struct job *j, struct span compiled);
	/* words for an error of the compiler that says none itself */
	const char *(*explain)(const struct job *j, enum assay_err e);
};

/* BUSY: too many jobs. NO_MEMORY. The job is freed by job_start's callback, or by
 * job_free() if it was not started. */
ASSAY_MUST_USE enum assay_err job_new(struct call *c, struct job **ret);
void job_free(struct job *j);
ASSAY_MUST_USE enum assay_err job_start(struct job *j, uint16_t kind, struct span input);
/* The job's bulk is the input. */
ASSAY_MUST_USE enum assay_err job_start_bulk(struct job *j, uint16_t kind);

/* The device as it is now, as the answer. */
struct ledger_device;
ASSAY_MUST_USE enum assay_err call_answer_device(struct call *c, const struct ledger_device *d);

/* ---- handlers, one per operation ---- */

typedef enum assay_err operation_handler(struct call *c);

operation_handler operation_on_device_reread, operation_on_replay_cancel;
operation_handler operation_on_policy_explain, operation_on_device_case;
operation_handler operation_on_status, operation_on_device_address, operation_on_admission,
	operation_on_metrics, operation_on_device_list, operation_on_device_show,
	operation_on_device_history, operation_on_device_evidence, operation_on_device_approve,
	operation_on_device_set, operation_on_device_hold, operation_on_device_release,
	operation_on_device_maintain, operation_on_device_retire,
	operation_on_device_accept_boot, operation_on_token_create,
	operation_on_token_list, operation_on_ek_allow, operation_on_reference_list,
	operation_on_reference_show, operation_on_reference_capture,
	operation_on_reference_import, operation_on_reference_export, operation_on_upload_begin,
	operation_on_upload_append, operation_on_reference_corim,
	operation_on_reference_promote, operation_on_reference_retire, operation_on_policy_list,
	operation_on_policy_show, operation_on_policy_add, operation_on_policy_activate,
	operation_on_audit_list, operation_on_operator_add, operation_on_operator_list,
	operation_on_operator_revoke, operation_on_ledger_accept, operation_on_decision_show,
	operation_on_decision_token, operation_on_key_list, operation_on_key_rotate,
	operation_on_audit_export, operation_on_policy_promote, operation_on_replay_start,
	operation_on_replay_show, operation_on_replay_list, operation_on_replay_devices,
	operation_on_reference_plan, operation_on_reference_unplan, operation_on_plan_list,
	operation_on_known_bad_add, operation_on_known_bad_remove, operation_on_known_bad_list,
	operation_on_reference_devices;
operation_handler operation_on_evidence_challenge, operation_on_evidence_list,
	operation_on_evidence_revoke, operation_on_evidence_submit;

/* keeper_operation_webhook.c */
operation_handler operation_on_webhook_list, operation_on_webhook_dead, operation_on_webhook_retry,
	operation_on_webhook_drop, operation_on_webhook_test;

#endif
