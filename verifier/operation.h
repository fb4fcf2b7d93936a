/*
 * operation.h: what operators can ask of keeper, and how console asks it.
 *
 * Console turns an HTTP request into one operation (a number, the caller's role,
 * and named byte fields, all bounded) and gets back a status and one JSON document
 * (or raw bytes). Keeper never parses HTTP or JSON from outside; it only writes
 * JSON. Permissions are in the table here and are enforced by keeper.
 */
#ifndef VERIFIER_OPERATION_H
#define VERIFIER_OPERATION_H

#include "evidence/writer.h"
#include "verifier/ledger/ledger.h"

/* X(OP, "name", lowest role) */
#define OPERATIONS(X)                                                                          \
	X(STATUS, "status", VIEWER)                                                            \
	X(DEVICE_LIST, "device.list", VIEWER)                                                  \
	X(DEVICE_SHOW, "device.show", VIEWER)                                                  \
	X(DEVICE_HISTORY, "device.history", VIEWER)                                            \
	X(DEVICE_ADDRESS, "device.address", OPERATOR)                                          \
	X(DEVICE_CASE, "device.case", VIEWER)                                                  \
	X(DEVICE_EVIDENCE, "device.evidence", VIEWER)                                          \
	X(DEVICE_APPROVE, "device.approve", OPERATOR)                                          \
	X(DEVICE_SET, "device.set", OPERATOR)                                                  \
	X(DEVICE_HOLD, "device.hold", OPERATOR)                                                \
	X(DEVICE_RELEASE, "device.release", OPERATOR)                                          \
	X(DEVICE_MAINTAIN, "device.maintain", OPERATOR)                                        \
	X(DEVICE_RETIRE, "device.retire", OPERATOR)                                            \
	X(DEVICE_REREAD, "device.reread", OPERATOR)                                            \
	X(DEVICE_ACCEPT_BOOT, "device.accept-boot", OPERATOR)                                  \
	X(TOKEN_CREATE, "token.create", OPERATOR)                                              \
	X(TOKEN_LIST, "token.list", OPERATOR)                                                  \
	X(EK_ALLOW, "ek.allow", OPERATOR)                                                      \
	X(REFERENCE_LIST, "reference.list", VIEWER)                                            \
	X(REFERENCE_SHOW, "reference.show", VIEWER)                                            \
	X(REFERENCE_CAPTURE, "reference.capture", OPERATOR)                                    \
	X(REFERENCE_IMPORT, "reference.import", OPERATOR)                                      \
	X(REFERENCE_CORIM, "reference.corim", OPERATOR)                                        \
	X(REFERENCE_EXPORT, "reference.export", VIEWER)                                      \
	X(UPLOAD_BEGIN, "upload.begin", OPERATOR)                                              \
	X(UPLOAD_APPEND, "upload.append", OPERATOR)                                            \
	X(REFERENCE_PROMOTE, "reference.promote", OPERATOR)                                    \
	X(REFERENCE_RETIRE, "reference.retire", OPERATOR)                                      \
	X(POLICY_LIST, "policy.list", VIEWER)                                                  \
	X(POLICY_SHOW, "policy.show", VIEWER)                                                  \
	X(POLICY_ADD, "policy.add", OPERATOR)                                                  \
	X(POLICY_ACTIVATE, "policy.activate", OPERATOR)                                        \
	X(AUDIT_LIST, "audit.list", VIEWER)                                                    \
	X(OPERATOR_ADD, "operator.add", ADMIN)                                                 \
	X(OPERATOR_LIST, "operator.list", ADMIN)                                               \
	X(OPERATOR_REVOKE, "operator.revoke", ADMIN)                                           \
	X(LEDGER_ACCEPT, "ledger.accept", ADMIN)                                               \
	X(METRICS, "metrics", VIEWER)                                                          \
	X(ADMISSION, "admission", RELYING_PARTY)                                               \
	X(DECISION_STREAM, "decision.stream", RELYING_PARTY)                                   \
	X(DECISION_SHOW, "decision.show", RELYING_PARTY)                                       \
	X(DECISION_TOKEN, "decision.token", RELYING_PARTY)                                     \
	X(KEY_LIST, "key.list", VIEWER)                                                        \
	X(KEY_ROTATE, "key.rotate", ADMIN)                                                     \
	X(AUDIT_EXPORT, "audit.export", VIEWER) \
	X(POLICY_EXPLAIN, "policy.explain", VIEWER)                                    \
	X(POLICY_PROMOTE, "policy.promote", OPERATOR)                                          \
	X(REPLAY_START, "policy.replay", OPERATOR)                                             \
	X(REPLAY_SHOW, "replay.show", VIEWER)                                                  \
	X(REPLAY_LIST, "replay.list", VIEWER)                                                  \
	X(REPLAY_DEVICES, "replay.devices", VIEWER)                                            \
	X(REFERENCE_PLAN, "reference.plan", OPERATOR)                                          \
	X(REFERENCE_UNPLAN, "reference.unplan", OPERATOR)                                      \
	X(PLAN_LIST, "plan.list", VIEWER)                                                      \
	X(KNOWN_BAD_ADD, "known-bad.add", OPERATOR)                                            \
	X(KNOWN_BAD_REMOVE, "known-bad.remove", OPERATOR)                                      \
	X(KNOWN_BAD_LIST, "known-bad.list", VIEWER)                                            \
	X(REFERENCE_DEVICES, "reference.devices", VIEWER)                                      \
	X(REPLAY_CANCEL, "replay.cancel", OPERATOR)                                    \
	X(EVIDENCE_CHALLENGE, "evidence.challenge", OPERATOR)                                  \
	X(EVIDENCE_LIST, "evidence.list", VIEWER)                                  \
	X(EVIDENCE_REVOKE, "evidence.revoke", OPERATOR)                                        \
	X(EVIDENCE_SUBMIT, "evidence.submit", OPERATOR)                                        \
	X(WEBHOOK_LIST, "webhook.list", VIEWER)                                                \
	X(WEBHOOK_DEAD, "webhook.dead", VIEWER)                                                \
	X(WEBHOOK_RETRY, "webhook.retry", OPERATOR)                                            \
	X(WEBHOOK_DROP, "webhook.drop", OPERATOR)                                              \
	X(WEBHOOK_TEST, "webhook.test", OPERATOR)

enum operation_code {
	OP_NONE = 0,
#define X(op, name, role) OP_##op,
	OPERATIONS(X)
#undef X
	OP_COUNT
};
const char *operation_name(enum operation_code c);
enum operator_role operation_lowest_role(enum operation_code c);
/* Whether this role may ask it; false for unknown codes and roles. */
bool operation_permitted(enum operation_code c, enum operator_role r);
const char *operator_role_name(enum operator_role r); /* "viewer" ...; "none" */
enum operator_role operator_role_by_name(const char *name); /* ROLE_NONE: no such role */

/* Named inputs; each at most once. Text is printable ASCII, checked on decode. */
enum operation_field {
	F_NONE = 0,
	F_DEVICE,    /* id, prefix or name */
	F_NAME,
	F_CLASS,
	F_LABELS,
	F_REASON,    /* comment, why */
	F_EXPIRES,   /* decimal seconds from now */
	F_USES,
	F_AFTER,     /* paging cursor */
	F_LIMIT,
	F_REFERENCE, /* name or digest prefix */
	F_DIGEST,    /* exact digest, hex */
	F_PCRS,	     /* decimal mask */
	F_EK,	     /* hex SHA-256 over EK name */
	F_ROLE,
	F_POLICY,    /* name or digest prefix */
	F_FILE,	     /* bytes (policy source) */
	F_FILENAME,
	F_SCOPE,     /* "class" or "device"; of evidence "boot-log", "proof" or "claims" */
	F_TIER,	     /* lowest tier that a token enrols: "tpm", "virtual-tpm" ... */
	F_STATUS,    /* of devices in a list: "pending" ... */
	F_REPLAY,    /* number of a replay */
	F_FORCE,     /* "yes": although it was refused */
	F_RING,      /* labels, each a ring */
	F_HALT,      /* more differences than so many halt a rollout */
	F_FLIPS,     /* more changes than so many are refused */
	F_TO,	     /* the set that a planned change leads to */
	F_FROM,	     /* seconds since the epoch */
	F_UNTIL,
	F_VERSION,
	F_NONCE,     /* of a relying party */
	F_WHAT,	     /* of a reference: "boot" or "software" */
	F_UPLOAD,    /* id of what is being sent in pieces */
	F_OFFSET,    /* decimal bytes */
	F_AUDIENCE,  /* of a token */
	F_ADDRESS,   /* "mac ...", "ip ...", "cert ..." */
	F_MAC,
	F_CERT,	     /* SHA-256 of a client certificate, hex */
	F_CHALLENGE, /* id of a challenge in a file */
	F_SEQUENCE,  /* of a decision */
	F_COUNT
};

/* What an operation counts as where it is limited how often an operator may ask. */
enum operation_rate {
	RATE_READS = 0,	 /* questions; pieces of an upload, too */
	RATE_CHANGES,
	RATE_ADMISSIONS, /* what relying parties ask */
	RATE_COUNT
};
enum operation_rate operation_rate(enum operation_code c);
/* "reads" ...; of RATE_COUNT "failures": credentials that were refused. */
const char *operation_rate_name(enum operation_rate r);

/* "device" ...: the names in the API; F_NONE for a name that is none. */
const char *operation_field_name(enum operation_field f);
enum operation_field operation_field_by_name(const char *name);

#define OPERATION_TEXT_MAX 512
#define OPERATION_FILE_MAX (1u << 20)
#define OPERATION_BYTES_MAX (OPERATION_FILE_MAX + F_COUNT * (OPERATION_TEXT_MAX + 8) + 256)

/* What a request shows of who sends it. */
struct operation_caller {
	enum operator_credential kind; /* NONE: nothing, or local */
	uint8_t hash[32];	       /* SHA-256 of the token, or of the certificate's DER */
	int64_t valid_from, valid_to;  /* of a certificate, both included: its own words */
};

struct operation {
	enum operation_code code;
	/* Who asks: local = the console's Unix socket (admin by file permission),
	 * otherwise keeper finds out whose credential it is. */
	bool local;
	struct operation_caller caller;
	char peer[64];		     /* "uid 0", "192.0.2.7:4711" for the audit log */
	struct span field[F_COUNT];  /* empty: absent */
};

/*
 * Canonical: fields in the order of their numbers, absent ones left out. Decoding
 * takes the whole input and refuses unknown codes and fields, doubles, empty
 * fields, text that is not printable and everything over its limit; the spans of
 * the result point into it.
 */
ASSAY_MUST_USE enum assay_err operation_encode(const struct operation *op, uint8_t *ret,
					       size_t cap, size_t *ret_len);
ASSAY_MUST_USE enum assay_err operation_decode(struct span in, struct operation *ret);

/* What is said with 401, wherever it is found out. */
#define OPERATION_UNKNOWN_CALLER                                                               \
	"a valid bearer token is required, or a client certificate that an operator has"

/* REPLY payload: be16 assay_err, u8 kind, then the body. */
enum reply_kind { REPLY_JSON = 1, REPLY_BYTES = 2 };
/* On an error the body is {"error": word, "message": text for people}. */

#endif
