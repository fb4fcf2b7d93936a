/*
 * keeper.h: the parent process: ledger, signing keys, nonces, device records.
 *
 * Talks to its children only, over ipc.h, one table of {type, handler} per role
 * (keeper.c). It hashes and forwards strangers' bytes and never parses them. What
 * it does is spread over keeper_*.c by job:
 *   keeper.c          the loop, the tables, start and stop
 *   keeper_turn.c     one commit per turn, and what leaves after it
 *   keeper_child.c    starting and replacing children
 *   keeper_work.c     requests to appraisers, jobs for compilers
 *   keeper_session.c  connections and challenges
 *   keeper_round.c    from a proof to the appraiser's request
 *   keeper_verdict.c  from a verdict to the decision
 *   keeper_decide.c   what is told, and how it falls with time
 *   keeper_record.c   its signed record; keeper_feed*.c who hears of it; keeper_token.c
 *   keeper_outbound*.c  what leaves by itself: webhooks, syslog, the journal
 *   keeper_enrol.c    enrolment
 *   keeper_maps.c     policies, references and roots as sealed maps
 *   keeper_judges.c   what judges whom: rings, planned changes, digests declared bad
 *   keeper_replay*.c  what a candidate policy would do, from stored evidence
 *   keeper_rollout.c  rings, and what is held against a replay's prediction
 *   keeper_operation*.c  what operators ask (operation.h)
 */
#ifndef VERIFIER_KEEPER_H
#define VERIFIER_KEEPER_H

#include "config.h"
#include "ipc.h"
#include "life.h"
#include "operation.h"
#include "verifier/appraise/policy.h"
#include "verifier/ledger/ledger.h"

#include <sys/types.h>

#define KEEPER_POLICIES_MAX 64
#define KEEPER_REFERENCES_MAX 1024
#define KEEPER_NET_MAX 16
#define KEEPER_APPRAISERS_MAX 80 /* regular and spare */

struct keeper;

/* A content-addressed, sealed byte string that appraisers map. */
struct keeper_map {
	uint8_t digest[32];
	int fd;
	struct span bytes; /* keeper's own mapping */
};

struct keeper_policy {
	struct policy_info info;
	/* Not "": on its way through the rings; it judges only devices with one of these
	 * labels, in the place of the active policy of its name. */
	char ring[DEVICE_LABELS_MAX + 1];
	/* The last enforced version of one that is in monitor mode now: it gives the outcome
	 * and judges nobody by itself. */
	bool retained;
	struct keeper_map map;
};

struct keeper_reference {
	uint8_t digest[32];
	char class_name[DEVICE_CLASS_MAX + 1];
	char device[DEVICE_ID_HEX + 1];
	enum reference_state state;
	enum reference_kind kind;
	char name[LEDGER_NAME_MAX + 1];
	int64_t not_after;
	int64_t not_before;
	char labels[DEVICE_LABELS_MAX + 1];
	uint8_t superseded_by[32]; /* of a planned change; zeros: none */
	struct keeper_map map;
};

/* A compile job in the compiler process; done is called once, e != OK with the
 * error text in out. */
typedef void (*compile_done)(struct keeper *k, void *arg, enum assay_err e, struct span out);

/* ---- what the operation handlers use of keeper ---- */

/* Lists of files that the device, and others, have told lately, each with its length, as
 * far as there is room (keeper_files.c). */
void keeper_files_of(const char *device, struct writer *w, size_t most);

/* What every rule says to a device, from its stored evidence (keeper_explain.c). done is
 * called once, with e != OK and NULL if it cannot be told. NOT_FOUND: there is no
 * evidence; BUSY. */
struct told;
typedef void explain_done(struct keeper *k, void *arg, enum assay_err e, const struct told *t);
ASSAY_MUST_USE enum assay_err keeper_explain(struct keeper *k, const struct ledger_device *d,
					     explain_done *done, void *arg);
/* The same of the policy that is enforced while the device's own is in monitor mode.
 * NOT_FOUND: there is none, or no evidence. */
ASSAY_MUST_USE enum assay_err keeper_explain_enforced(struct keeper *k,
						      const struct ledger_device *d,
						      explain_done *done, void *arg);

struct ledger *keeper_ledger(struct keeper *k);
const struct config *keeper_config(const struct keeper *k);
/* Hex SHA-256 of the device listener's TLS key, for tokens' pins. */
const char *keeper_tls_pin(const struct keeper *k);
/* Seconds since the epoch, as of this turn of the loop. */
int64_t keeper_now(const struct keeper *k);
/* Open a ledger transaction for this turn if none is open. Everything sent through
 * keeper_reply*() leaves after its commit; if the commit fails, an error instead. */
ASSAY_MUST_USE enum assay_err keeper_change(struct keeper *k);
/* Something of this turn's change could not be written: none of it will be, and who
 * waits for an answer is told so. */
void keeper_poison(struct keeper *k, enum assay_err e);
/* Answer operation `id`; e != OK: json is replaced by the error document with
 * message as text (may be NULL). */
void keeper_reply(struct keeper *k, uint64_t id, enum assay_err e, const char *json_or_message);
/* LIMITED, and after how many seconds it may be asked again. */
void keeper_reply_later(struct keeper *k, uint64_t id, unsigned seconds, const char *text);
void keeper_reply_bytes(struct keeper *k, uint64_t id, struct span bytes);
/* Policies, references or roots changed in the ledger (or on disk): read again,
 * hand to appraisers, and ask every connected device to attest soon. */
ASSAY_MUST_USE enum assay_err keeper_reload(struct keeper *k);
/* What is enforced while p, in monitor mode, judges such devices; NULL: nothing. */
const struct keeper_policy *keeper_enforced_for(struct keeper *k, const struct keeper_policy *p,
						const struct ledger_device *d);
const struct keeper_policy *keeper_policy_for(struct keeper *k, const char *class_name,
					      const char *labels);
/* ledger_accept() has ended a fault within this change: what was decided before is
 * forgotten. keeper_reload() then makes connected devices attest. */
ASSAY_MUST_USE enum assay_err keeper_fault_ended(struct keeper *k);
/* A device's record changed (overlay, class, status): compute its decision anew,
 * record it if it changed, and if it is connected challenge it soon. Within
 * keeper_change(). */
ASSAY_MUST_USE enum assay_err keeper_device_changed(struct keeper *k, const char *device,
						    const char *reason);
/* Run a job in a fresh compiler process: kind and input as compiler.h. */
ASSAY_MUST_USE enum assay_err keeper_compile(struct keeper *k, uint16_t kind, struct span input,
					     compile_done done, void *arg);
/* The same with a sealed descriptor as the input alone; it stays the caller's. */
ASSAY_MUST_USE enum assay_err keeper_compile_fd(struct keeper *k, uint16_t kind, int fd,
						compile_done done, void *arg);
/* Whether the device has a proved session now, and when it was last heard of (0:
 * not since start). */
bool keeper_connected(struct keeper *k, const char *device, int64_t *ret_last_seen);
/* In place of the time when a verdict ends: an operator's order, or its end, ended it. */
#define VERDICT_ENDED 0
/* Current decision of a device as keeper would tell it now. */
struct decision_view {
	enum outcome outcome;
	char reason[64];      /* a finding word or a cause: "enrolment.pending" */
	char failed[64];      /* the verdict's finding, if it is not the reason; or "" */
	enum outcome would;   /* what a policy in monitor mode would decide */
	enum life_trust trust;
	bool standing;	      /* the outcome is that of a verdict which still counts */
	int64_t expires;
	uint64_t sequence;    /* of the decision record; 0: none yet */
};
ASSAY_MUST_USE enum assay_err keeper_decision(struct keeper *k, const struct ledger_device *d,
					      struct decision_view *ret);

/* ---- what leaves signed ---- */

struct signing; /* verifier/result/signing.h */
struct signing *keeper_signing(struct keeper *k);
/* The newest head of the audit log, signed; empty if it cannot be. */
struct span keeper_audit_head(struct keeper *k);
#define KEEPER_TOKEN_MAX 6144
struct keeper_token_request {
	const struct ledger_device *device;
	char nonce[89], audience[256]; /* of the relying party; "" for none */
};
/* An EAR token of what is decided now. STATE: there is none, *ret_why says in words why. */
ASSAY_MUST_USE enum assay_err keeper_token(struct keeper *k, const struct keeper_token_request *r,
					   struct writer *w, const char **ret_why);

struct keeper_status {
	uint64_t sessions, proved_sessions, attestations, refusals, children_restarted;
	uint64_t queue_depth, commits, head;
	bool ledger_fault;
	int port;
	int64_t started;
	/* when the TLS certificates end that the listeners were given (of several processes
	 * the earliest); 0: there is no such listener */
	int64_t devices_certificate, console_certificate;
};
void keeper_status(struct keeper *k, struct keeper_status *ret);

/* Append to the audit log within the current change. */
ASSAY_MUST_USE enum assay_err keeper_audit(struct keeper *k, const char *actor,
					   const char *action, const char *object,
					   const char *detail);

/* keeper_limit.c: whether an operator, known by the hash of the credential, may ask once more
 * now; if not, after how many seconds. */
bool keeper_limit(struct keeper *k, enum operation_rate r, const uint8_t credential[32],
		  unsigned *ret_wait_s);
/* Whether one more refused order of this operator goes to the audit log, which nobody whose
 * orders are refused can fill. */
bool keeper_may_record_refusal(struct keeper *k, const uint8_t credential[32]);

/* The handler of IPC_OPERATION: keeper_operation.c. */
void keeper_on_operation(struct keeper *k, const struct ipc_msg *m);

/* ---- programs ---- */

/* `assay-verifier run`: serves until SIGTERM; an exit status of the contract. */
int keeper_main(const struct config *c);

/* keeper_case.c: all that this device is judged from (casefile.h); freed by the caller.
 * NOT_FOUND: it never attested; TOO_LARGE. */
ASSAY_MUST_USE enum assay_err keeper_case(struct keeper *k, const struct ledger_device *d,
					  uint8_t **ret, size_t *ret_len);

#define KEEPER_ADDRESSES_MAX 16 /* of a device; as many as fit its record */
/* Takes away what the device attested; within a change. */
ASSAY_MUST_USE enum assay_err keeper_address_release(struct keeper *k, const char *device);
/* The device's addresses changed: keeper_device_changed() makes a new record of it. */
void keeper_addresses_changed(struct keeper *k, const char *device);

/* keeper_asked.c: what a device's last evidence answered, as its state keeps it, into
 * in->asked and in->issued. */
ASSAY_MUST_USE enum assay_err keeper_asked_read(struct span bytes, struct appraisal_input *in);

/* keeper_metrics.c: what /metrics says. */
struct writer;
void keeper_metrics(struct keeper *k, struct writer *w);

#endif
