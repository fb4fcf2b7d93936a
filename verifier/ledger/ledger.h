/*
 * ledger.h: the store. One interface; one engine now (sqlite*.c). docs/ledger.md.
 *
 * Only keeper opens it. It stores and returns, and never judges: the one thing it
 * refuses by itself is a row whose MAC does not verify (TAMPERED) and a ledger
 * older than the head kept beside it (EXPIRED, D14).
 *
 * Transactions: every change happens between ledger_begin() and ledger_commit();
 * many verdicts share one commit, and nothing that depends on a change leaves the
 * process before ledger_commit() returned OK (it is durable then: WAL,
 * synchronous=FULL). Sequence numbers are given inside the transaction.
 *
 * Row MACs: HMAC-SHA256 with a key derived from the one given to ledger_open, over
 * table name, primary key and every other column in canonical form, for each table
 * that feeds decisions. A keyed sum over all rows, in a row of its own, makes the set
 * of rows authentic: one put back with yesterday's MAC, or taken away, is found at
 * opening. ledger.head beside the file ("x.db" has "x.head") holds the last committed
 * change counter and a MAC; it is rewritten after each commit.
 *
 * TAMPERED of a *_get, *_find or *_next: the row is there and must not be believed;
 * *ret is zero but for its key (as stored), so that an iteration can go on from it.
 *
 * One process at a time: the lock is taken at opening and kept. No other descriptor
 * for the file may be opened and closed in the process (POSIX locks).
 *
 * Memory: spans in results point into memory of the ledger, good until the next
 * call of a *_get or *_next of the same table, or commit. Text fields are fixed.
 * All times are seconds since the epoch.
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "verifier/appraise/appraise.h"
#include "verifier/appraise/bootkept.h"

#define LEDGER_SCHEMA_VERSION 1
#define LEDGER_NAME_MAX 64
#define LEDGER_TEXT_MAX 256
#define LEDGER_ACTOR_MAX 64
#define LEDGER_BLOB_MAX (4u << 20)
#define LEDGER_RECORD_MAX 8192
#define LEDGER_SOURCE_MAX (1u << 20) /* a policy as it was written */
#define LEDGER_PRUNE_MAX 1000	      /* rows that one call of ledger_prune() removes */

struct ledger;

/* What was found wrong at opening, for the operator, in words. */
struct ledger_report {
	char text[LEDGER_TEXT_MAX];
	uint64_t head, expected_head;
	unsigned migrated_from; /* schema version before; equal to the current if none */
};

/* Make a new ledger, mode 0600; EXISTS if the file or its head file is there. report
 * may be NULL, here and below. */
ASSAY_MUST_USE enum assay_err ledger_create(const char *path, const uint8_t key[32],
					    struct ledger_report *report);
/*
 * Open, migrate, check. TAMPERED: integrity_check fails, tables or indexes are not the
 * schema's, rows were added, removed or put back, the ledger's own record or its head
 * file is not authentic (which is also what another key leads to); EXPIRED: the ledger
 * is older than its head file, or has none. In both cases *ret is still set, in fault
 * mode, so that the operator can look at it: every decision is then "verifier fault",
 * and every change is refused (STATE), until an operator called ledger_accept().
 * Without *ret: NOT_FOUND: no file; BUSY: another process has it open; MALFORMED: not
 * a ledger, or too damaged to be read; UNSUPPORTED: of a newer program; IO. */
ASSAY_MUST_USE enum assay_err ledger_open(const char *path, const uint8_t key[32],
					  struct ledger **ret, struct ledger_report *report);
/* An open transaction is rolled back. Accepts NULL. */
void ledger_close(struct ledger *l);
/* Fault mode: TAMPERED or EXPIRED; OK otherwise. */
enum assay_err ledger_fault(const struct ledger *l);
/* STATE: one is open; IO: the head file could not be written. */
ASSAY_MUST_USE enum assay_err ledger_begin(struct ledger *l);
/* OK: durable. Any error: rolled back, as if ledger_begin() had not been called; so it
 * is when a call within failed half way (IO, NO_MEMORY ...). Refusals (EXISTS,
 * NOT_FOUND, MISMATCH, DENIED, MALFORMED, TOO_LARGE, TAMPERED, STATE) leave the
 * transaction as it was before the call. */
ASSAY_MUST_USE enum assay_err ledger_commit(struct ledger *l);
void ledger_rollback(struct ledger *l);
/* PRAGMA integrity_check and every row's MAC. Slow; for tests and operators. */
ASSAY_MUST_USE enum assay_err ledger_check(struct ledger *l, struct ledger_report *report);
/* The change counter of the last commit. */
uint64_t ledger_head(const struct ledger *l);
/*
 * The way out of fault mode: forget all authentic verdicts (states become "never
 * attested"), take the ledger's content as the truth, and say so in the audit log. It
 * is the first change of a transaction, and holds with its commit. Rows whose own MAC
 * is wrong stay TAMPERED. STATE: there is no fault, or no transaction; TAMPERED: not
 * repairable (damaged file, altered schema, or neither ledger nor head file
 * authentic): restore a copy. Sequence numbers go on above every one that ledger or
 * head file knows; where there is no authentic head file, LEDGER_SEQUENCE_LEAP above.
 */
#define LEDGER_SEQUENCE_LEAP (UINT64_C(1) << 32)
ASSAY_MUST_USE enum assay_err ledger_accept(struct ledger *l, const char *actor, int64_t now);

/* ---- devices ---- */

enum device_status {
	DEV_NONE = 0,
	DEV_PENDING,
	DEV_ENROLLED,
	DEV_CONFLICT,
	DEV_RETIRED,
	DEV_STATUS_COUNT
};
enum device_overlay { OVERLAY_NONE = 0, OVERLAY_HELD, OVERLAY_MAINTENANCE, OVERLAY_COUNT };

struct ledger_device {
	char id[DEVICE_ID_HEX + 1];
	enum device_status status;
	enum device_overlay overlay;
	char overlay_reason[LEDGER_TEXT_MAX];
	int64_t overlay_until; /* end of a maintenance window; 0: none */
	char name[LEDGER_NAME_MAX + 1]; /* set by operators; unique when not empty */
	char class_name[DEVICE_CLASS_MAX + 1];
	char labels[DEVICE_LABELS_MAX + 1];
	enum tier tier;
	bool new_ak;
	bool copied; /* its key was live in two places, and nobody released it since */
	struct tpm_name ek_name, ak_name; /* both unique */
	uint16_t ek_public_len, ak_public_len;
	uint8_t ek_public[TPMT_PUBLIC_MAX], ak_public[TPMT_PUBLIC_MAX];
	struct ek_facts ek;
	char enrolled_by[LEDGER_ACTOR_MAX + 1]; /* "token:ID", "operator:NAME" */
	char conflict_with[DEVICE_ID_HEX + 1];
	int64_t created, updated;
};

/* EXISTS if the id, EK, AK or name is taken (I1): never overwrites. MALFORMED: id not
 * 32 lower-case hex digits, no EK or AK name, a value that is none of its enumeration. */
ASSAY_MUST_USE enum assay_err ledger_device_insert(struct ledger *l, const struct ledger_device *d);
/* Replace the row of d->id; NOT_FOUND, EXISTS (name or AK taken), MISMATCH (another
 * EK: a device is its identity key), TAMPERED (the old row was altered). */
ASSAY_MUST_USE enum assay_err ledger_device_update(struct ledger *l, const struct ledger_device *d);
/* Rises with every change of any device since opening, also with one that is rolled
 * back: while it stands still, what was read of a device is as it was. */
uint64_t ledger_device_changes(const struct ledger *l);
ASSAY_MUST_USE enum assay_err ledger_device_get(struct ledger *l, const char *id,
						struct ledger_device *ret);
ASSAY_MUST_USE enum assay_err ledger_device_by_ak(struct ledger *l, const struct tpm_name *ak,
						  struct ledger_device *ret);
/* By id, unique id prefix (>= 4 digits) or name; BUSY if a prefix is ambiguous, or is
 * another device's name. */
ASSAY_MUST_USE enum assay_err ledger_device_find(struct ledger *l, const char *text,
						 struct ledger_device *ret);
ASSAY_MUST_USE enum assay_err ledger_device_count(struct ledger *l, enum device_status s,
						  uint32_t *ret);
/* Iterate in id order: after == "" starts; NOT_FOUND at the end. */
ASSAY_MUST_USE enum assay_err ledger_device_next(struct ledger *l, const char *after,
						 struct ledger_device *ret);

/* ---- the last authentic evidence and verdict of a device ---- */

struct ledger_state {
	char device[DEVICE_ID_HEX + 1];
	uint64_t version;	  /* compare-and-swap counter; 0: no row yet */
	struct span continuity;	  /* continuity_encode() */
	struct span verdict;	  /* verdict_encode() of the last authentic verdict */
	struct span proof;	  /* the Proof frame */
	struct span claims;
	uint8_t nonce[32];
	struct span channel;	  /* what the proof was bound to */
	struct span asked;	  /* encoded selection, see keeper */
	uint8_t boot_log[32];	  /* digest of the blob; zeros: none */
	uint8_t good_log[32];	  /* of the last boot that was judged ADMIT; the same */
	int64_t boot_at;	  /* when the facts of the boot were found */
	struct span boot_facts;	  /* boot_facts_encode(); empty: none */
	bool boot_facts_kept;	  /* only written: they stay as they are stored */
	uint8_t policy[32], reference[32]; /* of the last verdict; zeros: none */
	enum outcome verdict_outcome; /* of the last authentic verdict */
	int64_t verdict_at, expires_at;
	enum outcome decision;	  /* last decision that was recorded */
	uint64_t decision_seq;
};

/* A device that never attested has a state with version 0. NOT_FOUND: no such device;
 * TAMPERED: also when a device's state was taken away. */
ASSAY_MUST_USE enum assay_err ledger_state_get(struct ledger *l, const char *device,
					       struct ledger_state *ret);
/* The same without verdict and facts of the boot: what a replay needs. */
ASSAY_MUST_USE enum assay_err ledger_state_evidence(struct ledger *l, const char *device,
						    struct ledger_state *ret);
/* The same without proof, verdict, claims and facts of the boot, which stay empty and are
 * neither read nor checked: what a round needs, at a third of the cost. */
ASSAY_MUST_USE enum assay_err ledger_state_brief(struct ledger *l, const char *device,
						 struct ledger_state *ret);
/* Nor continuity: what a decision is made from. A ledger_state_put() that follows it does
 * not read the row a second time. */
ASSAY_MUST_USE enum assay_err ledger_state_outline(struct ledger *l, const char *device,
						   struct ledger_state *ret);
/* Writes if the stored version equals s->version (0: never attested), and makes it one
 * more; MISMATCH otherwise (two sessions racing, I10). MISSING: no blob for boot_log or
 * good_log. verdict, claims and boot_facts are written only if they differ from what is
 * stored. Spans of s must not point into the ledger's memory but those of a ledger_state_get(). */
ASSAY_MUST_USE enum assay_err ledger_state_put(struct ledger *l, const struct ledger_state *s);

/* ---- what relying parties know a device by ---- */

#define LEDGER_ADDRESS_MAX 80

struct ledger_address {
	/* "mac 02:00:5e:00:53:01", "ip 192.0.2.7", "ip 2001:db8::7" (lower case, shortest
	 * form), "cert HEX" (SHA-256 of a client certificate's DER) */
	char address[LEDGER_ADDRESS_MAX + 1];
	char device[DEVICE_ID_HEX + 1]; /* "": nobody's any more */
	int64_t updated;
	bool attested; /* by the device's evidence; else registered by an operator */
};

/* EXISTS: it is another device's (give it up there first). */
ASSAY_MUST_USE enum assay_err ledger_address_put(struct ledger *l, const struct ledger_address *a);
ASSAY_MUST_USE enum assay_err ledger_address_get(struct ledger *l, const char *address,
						 struct ledger_address *ret);
/* Of one device, ascending: after "" starts; NOT_FOUND at the end. */
ASSAY_MUST_USE enum assay_err ledger_address_next(struct ledger *l, const char *device,
						  const char *after, struct ledger_address *ret);

/* ---- bytes by digest, shared between devices: boot logs, EK certificates ---- */

/* At most LEDGER_BLOB_MAX bytes. A blob that states name as boot log (or good log) is kept while
 * one does (ledger_prune()); one that no state ever named is kept for good. */
ASSAY_MUST_USE enum assay_err ledger_blob_put(struct ledger *l, struct span bytes,
					      uint8_t ret_digest[32]);
/* TAMPERED if the stored bytes do not hash to their digest. */
ASSAY_MUST_USE enum assay_err ledger_blob_get(struct ledger *l, const uint8_t digest[32],
					      struct span *ret);

/* ---- decisions: append-only, bounded by retention ---- */

struct ledger_decision {
	uint64_t seq, previous; /* previous of the same device; 0: none */
	char device[DEVICE_ID_HEX + 1];
	enum outcome outcome, before;
	char reason[64];	   /* word of the first finding, or of the cause */
	char detail[LEDGER_TEXT_MAX];
	int64_t at, expires;
	struct span record; /* as it was signed (evidence/record.h); empty: it was not */
};

/* The numbers that the next ledger_decision_append() for this device gives. */
ASSAY_MUST_USE enum assay_err ledger_decision_plan(struct ledger *l, const char *device,
						   uint64_t *ret_seq, uint64_t *ret_previous);
/* seq and previous are given by the ledger, whatever *d says. NOT_FOUND: no device. */
ASSAY_MUST_USE enum assay_err ledger_decision_append(struct ledger *l,
						     const struct ledger_decision *d,
						     uint64_t *ret_seq);
/* Newest first: the newest with seq < before (0: no bound); "" = any device. */
ASSAY_MUST_USE enum assay_err ledger_decision_prev(struct ledger *l, const char *device,
						   uint64_t before,
						   struct ledger_decision *ret);
/* Oldest first: the first with seq > after, of any device; NOT_FOUND at the end. */
ASSAY_MUST_USE enum assay_err ledger_decision_next(struct ledger *l, uint64_t after,
						   struct ledger_decision *ret);
/* Sequence numbers given so far, within the open transaction or as of the last commit,
 * and the newest audit entry's hash. */
struct ledger_heads {
	uint64_t decision, audit;
	uint8_t audit_hash[32];
};
void ledger_heads(const struct ledger *l, struct ledger_heads *ret);
/* Forget decisions and audit-independent history older than `before`, but never a
 * device's last decision: decisions, tokens that expired, boot logs that no device
 * has. At most LEDGER_PRUNE_MAX of each per call; what is left is for the next. */
ASSAY_MUST_USE enum assay_err ledger_prune(struct ledger *l, int64_t before);

/* ---- enrolment tokens; only the hash of the secret is stored ---- */

struct ledger_token {
	char id[MSG_TOKEN_FIELD_MAX + 1];
	uint8_t secret_hash[32];
	char class_name[DEVICE_CLASS_MAX + 1];
	char labels[DEVICE_LABELS_MAX + 1];
	enum tier lowest_tier;
	uint32_t uses_left;
	int64_t created, expires;
	char created_by[LEDGER_ACTOR_MAX + 1];
};

ASSAY_MUST_USE enum assay_err ledger_token_insert(struct ledger *l, const struct ledger_token *t);
ASSAY_MUST_USE enum assay_err ledger_token_get(struct ledger *l, const char *id,
					       struct ledger_token *ret);
/* One use less; DENIED if none is left. In the transaction that inserts the device. */
ASSAY_MUST_USE enum assay_err ledger_token_spend(struct ledger *l, const char *id);
ASSAY_MUST_USE enum assay_err ledger_token_next(struct ledger *l, const char *after,
						struct ledger_token *ret);

/* ---- EKs that may enrol without token or certificate ---- */

struct ledger_ek {
	uint8_t ek_digest[32]; /* SHA-256 over the EK's TPM Name */
	char class_name[DEVICE_CLASS_MAX + 1];
	char labels[DEVICE_LABELS_MAX + 1];
	char name[LEDGER_NAME_MAX + 1]; /* for the device; may be empty */
	int64_t created;
};

ASSAY_MUST_USE enum assay_err ledger_ek_insert(struct ledger *l, const struct ledger_ek *e);
ASSAY_MUST_USE enum assay_err ledger_ek_get(struct ledger *l, const uint8_t digest[32],
					    struct ledger_ek *ret);

/* ---- references and policies: content-addressed, never edited ---- */

/* Takes bytes that are read piece by piece; it must not call the ledger. */
typedef enum assay_err ledger_sink(void *arg, struct span bytes);

struct ledger_reference {
	uint8_t digest[32];
	char name[LEDGER_NAME_MAX + 1]; /* unique */
	char class_name[DEVICE_CLASS_MAX + 1];
	char device[DEVICE_ID_HEX + 1]; /* "": for the class */
	enum reference_state state;
	char origin[LEDGER_TEXT_MAX];	/* "captured from gw-1" */
	char author[LEDGER_ACTOR_MAX + 1];
	int64_t created, not_after;
	struct span compiled;
	bool large; /* compiled is only the beginning: ledger_reference_read() */
	int64_t not_before; /* 0: none */
	char labels[DEVICE_LABELS_MAX + 1]; /* every one must be on the device */
	uint32_t version; /* for people; 0: none given */
};

/* EXISTS: the name is taken, or the class has this content already. compiled: at most
 * LEDGER_REFERENCE_MAX bytes; larger ones than LEDGER_BLOB_MAX come back
 * as ->large, with only their beginning. */
#define LEDGER_REFERENCE_MAX (128u << 20)
ASSAY_MUST_USE enum assay_err ledger_reference_insert(struct ledger *l,
						      const struct ledger_reference *r);
/* The whole of a large set, piece by piece; stops at sink's first error. NOT_FOUND: it is
 * not large; TAMPERED: what sink got does not hash to the digest. */
ASSAY_MUST_USE enum assay_err ledger_reference_read(struct ledger *l, const uint8_t digest[32],
						    ledger_sink *sink, void *arg);
ASSAY_MUST_USE enum assay_err ledger_reference_set_state(struct ledger *l, const char *name,
							 enum reference_state s);
/* By digest and class, which no two have both; class "": any that has this content. */
ASSAY_MUST_USE enum assay_err ledger_reference_of(struct ledger *l, const uint8_t digest[32],
						  const char *class_name,
						  struct ledger_reference *ret);
/* By name or digest prefix (hex, >= 8 digits). BUSY: several begin so, or several classes
 * have the content. */
ASSAY_MUST_USE enum assay_err ledger_reference_find(struct ledger *l, const char *text,
						    struct ledger_reference *ret);
/* In name order. */
ASSAY_MUST_USE enum assay_err ledger_reference_next(struct ledger *l, const char *after,
						    struct ledger_reference *ret);

struct ledger_policy {
	uint8_t digest[32]; /* of the compiled bytes */
	char name[LEDGER_NAME_MAX + 1];
	uint32_t version;
	bool active;
	char author[LEDGER_ACTOR_MAX + 1];
	char comment[LEDGER_TEXT_MAX];
	int64_t created;
	struct span source, compiled;
	int64_t activated; /* last time; 0: never */
	char activated_by[LEDGER_ACTOR_MAX + 1];
	char activated_why[LEDGER_TEXT_MAX];
};

/* Who did something, when and why. */
struct ledger_why {
	char actor[LEDGER_ACTOR_MAX + 1];
	char comment[LEDGER_TEXT_MAX];
	int64_t at;
};

/* EXISTS: the digest is taken. With ->active set, activates it too. */
ASSAY_MUST_USE enum assay_err ledger_policy_insert(struct ledger *l, const struct ledger_policy *p);
/* Makes this one active and the others of its name inactive. */
ASSAY_MUST_USE enum assay_err ledger_policy_activate(struct ledger *l, const uint8_t digest[32]);
/* Keep who, when and why beside it. */
ASSAY_MUST_USE enum assay_err ledger_policy_activated(struct ledger *l, const uint8_t digest[32],
						      const struct ledger_why *why);
ASSAY_MUST_USE enum assay_err ledger_policy_get(struct ledger *l, const uint8_t digest[32],
						struct ledger_policy *ret);
/* In digest order: after = 32 bytes, NULL starts. */
ASSAY_MUST_USE enum assay_err ledger_policy_next(struct ledger *l, const uint8_t *after,
						 struct ledger_policy *ret);

/* ---- change: replays, rollouts, planned changes, known-bad digests ---- */

#define LEDGER_REPLAY_PARTS_MAX 16 /* blobs of at most LEDGER_BLOB_MAX */
#define LEDGER_REPLAY_GROUPS_MAX (128u << 10)
#define LEDGER_REPLAYS_KEPT 64

struct ledger_replay {
	uint64_t id; /* ledger_replay_insert(): at least this */
	uint8_t policy[32];
	char name[LEDGER_NAME_MAX + 1];
	uint32_t version;
	uint8_t reference[32]; /* taken as promoted; zeros: none */
	char class_name[DEVICE_CLASS_MAX + 1]; /* only these; "": all */
	char device[DEVICE_ID_HEX + 1];
	char actor[LEDGER_ACTOR_MAX + 1];
	int64_t at, finished; /* the time used, and when it was through */
	uint8_t judges[32];   /* digest over what judged the fleet then, but the candidate */
	uint32_t total, unconcerned, unchanged, changed, unknown;
	uint32_t would; /* by a policy in monitor mode, if it were enforced */
	uint32_t stale;
	bool monitor;
	struct span groups; /* keeper_replay.h */
	struct span parts;  /* SHA-256 of each blob of rows, in order */
};

/* Forgets the oldest beyond LEDGER_REPLAYS_KEPT, with what only they name. */
ASSAY_MUST_USE enum assay_err ledger_replay_insert(struct ledger *l,
						   const struct ledger_replay *r,
						   uint64_t *ret_id);
ASSAY_MUST_USE enum assay_err ledger_replay_get(struct ledger *l, uint64_t id,
						struct ledger_replay *ret);
/* Newest first: the newest with id < before (0: no bound). */
ASSAY_MUST_USE enum assay_err ledger_replay_prev(struct ledger *l, uint64_t before,
						 struct ledger_replay *ret);

enum rollout_state {
	ROLLOUT_NONE = 0,
	ROLLOUT_RUNNING, /* the rings are judged by it, the others as before */
	ROLLOUT_HALTED,	 /* the same, and only an operator can go on */
	ROLLOUT_DONE,	 /* it is active for all */
	ROLLOUT_ENDED,	 /* another version was activated instead */
	ROLLOUT_STATE_COUNT
};

struct ledger_rollout {
	char name[LEDGER_NAME_MAX + 1]; /* of the policy */
	uint8_t policy[32];
	char ring[DEVICE_LABELS_MAX + 1]; /* labels, any of which makes a device one of them */
	enum rollout_state state;
	uint64_t replay; /* that predicts */
	uint32_t halt_above;
	char actor[LEDGER_ACTOR_MAX + 1];
	char comment[LEDGER_TEXT_MAX];
	int64_t started, updated;
	char why[LEDGER_TEXT_MAX]; /* it was halted */
};

/* Inserts or replaces the one of this name. */
ASSAY_MUST_USE enum assay_err ledger_rollout_put(struct ledger *l, const struct ledger_rollout *r);
ASSAY_MUST_USE enum assay_err ledger_rollout_get(struct ledger *l, const char *name,
						 struct ledger_rollout *ret);
ASSAY_MUST_USE enum assay_err ledger_rollout_next(struct ledger *l, const char *after,
						  struct ledger_rollout *ret);

struct ledger_plan {
	char name[LEDGER_NAME_MAX + 1]; /* of set a */
	char class_name[DEVICE_CLASS_MAX + 1];
	uint8_t a[32], b[32]; /* digests of sets of this class */
	int64_t starts, ends;
	bool active;
	struct ledger_why why;
};

/* Inserts or replaces the one from a. */
ASSAY_MUST_USE enum assay_err ledger_plan_put(struct ledger *l, const struct ledger_plan *p);
ASSAY_MUST_USE enum assay_err ledger_plan_get(struct ledger *l, const char *name,
					      struct ledger_plan *ret);
/* In order of names: after "" starts. */
ASSAY_MUST_USE enum assay_err ledger_plan_next(struct ledger *l, const char *after,
					       struct ledger_plan *ret);

#define LEDGER_DIGEST_TEXT 136 /* "sha512:" and 128 hex digits */
struct ledger_known_bad {
	char digest[LEDGER_DIGEST_TEXT + 1]; /* "sha256:..." in lower case */
	bool active;
	struct ledger_why why;
};

/* Inserts or replaces the one of this digest. */
ASSAY_MUST_USE enum assay_err ledger_known_bad_put(struct ledger *l,
						   const struct ledger_known_bad *b);
ASSAY_MUST_USE enum assay_err ledger_known_bad_get(struct ledger *l, const char *digest,
						   struct ledger_known_bad *ret);
ASSAY_MUST_USE enum assay_err ledger_known_bad_next(struct ledger *l, const char *after,
						    struct ledger_known_bad *ret);

/* ---- operators: each by the hash of a bearer token, or of a client certificate ---- */

enum operator_role {
	ROLE_NONE = 0,
	ROLE_VIEWER,
	ROLE_OPERATOR,
	ROLE_ADMIN,
	ROLE_RELYING_PARTY,
	ROLE_COUNT
};

/* A hash counts only for its own kind: a certificate's bytes are no secret, and must not
 * pass for a token. */
enum operator_credential {
	CREDENTIAL_NONE = 0,
	CREDENTIAL_TOKEN,
	CREDENTIAL_CERTIFICATE, /* SHA-256 over its DER */
	CREDENTIAL_COUNT
};

struct ledger_operator {
	char name[LEDGER_NAME_MAX + 1];
	enum operator_credential credential;
	uint8_t hash[32];
	enum operator_role role;
	int64_t created, expires;
	bool revoked;
};

/* EXISTS: name or hash taken (also by the other kind). */
ASSAY_MUST_USE enum assay_err ledger_operator_insert(struct ledger *l,
						     const struct ledger_operator *o);
/* NOT_FOUND too if it is another kind of credential. */
ASSAY_MUST_USE enum assay_err ledger_operator_by_hash(struct ledger *l,
						      enum operator_credential kind,
						      const uint8_t hash[32],
						      struct ledger_operator *ret);
/* In name order: after == "" starts; NOT_FOUND at the end. */
ASSAY_MUST_USE enum assay_err ledger_operator_next(struct ledger *l, const char *after,
						   struct ledger_operator *ret);
/* For ever: the row stays, revoked. NOT_FOUND. */
ASSAY_MUST_USE enum assay_err ledger_operator_revoke(struct ledger *l, const char *name);

/* ---- IMA lists: entries once for the fleet, and per device those of its boot ---- */

#define LEDGER_IMA_SEGMENT_MAX 65536 /* entries */

/* Entries that a device's list goes on with. */
struct ledger_ima_batch {
	const char *device, *class_name;
	int64_t now;
	uint64_t from; /* which entry the first is; 0: the list begins anew */
	struct span bytes, lengths; /* of each entry, 4 bytes big-endian */
};

struct ledger_ima {
	int64_t begun;
	uint64_t entries, bytes;
};

/* How much of a device's list there is; NOT_FOUND: nothing. TAMPERED. */
ASSAY_MUST_USE enum assay_err ledger_ima_get(struct ledger *l, const char *device,
					     struct ledger_ima *ret);
/* MALFORMED unless the lengths, none of them 0, add up to the bytes; MISMATCH if the list
 * has not just ->from entries. What there was is forgotten when it begins anew.
 * *ret_first: how many the device's class had never had. */
ASSAY_MUST_USE enum assay_err ledger_ima_append(struct ledger *l, const struct ledger_ima_batch *b,
						uint64_t *ret_first);
/* Forget the list, if there is one; what other devices have of it stays. */
ASSAY_MUST_USE enum assay_err ledger_ima_drop(struct ledger *l, const char *device);
/* The whole list, piece by piece, as the kernel wrote it; stops at sink's first error.
 * NOT_FOUND; TAMPERED if any of it is not what was stored: nothing of what sink got is
 * to be believed before this returned OK. */
ASSAY_MUST_USE enum assay_err ledger_ima_read(struct ledger *l, const char *device,
					      ledger_sink *sink, void *arg);

/* An entry that a class of devices had first in this device. For people: it decides
 * nothing, and only the entry itself is authentic. */
struct ledger_ima_first {
	uint64_t entry; /* its number in the dictionary */
	char class_name[DEVICE_CLASS_MAX + 1];
	int64_t at;
	struct span bytes; /* as the kernel wrote it */
};
/* In order of entries, after this one (0 starts), not before a time; NOT_FOUND. */
ASSAY_MUST_USE enum assay_err ledger_ima_first_next(struct ledger *l, const char *device,
						    int64_t since, uint64_t after,
						    struct ledger_ima_first *ret);
ASSAY_MUST_USE enum assay_err ledger_ima_first_count(struct ledger *l, const char *device,
						     int64_t since, uint64_t *ret);

/* ---- audit: append-only, hash-chained ---- */

struct ledger_audit {
	uint64_t seq;
	int64_t at;
	char actor[LEDGER_ACTOR_MAX + 1];
	char action[LEDGER_NAME_MAX + 1]; /* "device.approve" */
	char object[LEDGER_NAME_MAX + 1];
	char detail[LEDGER_TEXT_MAX];
	uint8_t previous[32], hash[32]; /* see ledger_audit_hash(); zeros before the first */
};

/*
 * SHA-256 over be16-length-prefixed "assay-audit-v1", previous, be64 seq, be64 at, and
 * actor, action, object and detail, each with a be16 length. Pure.
 */
ASSAY_MUST_USE enum assay_err ledger_audit_hash(const struct ledger_audit *a,
						uint8_t ret[32]);

/* Fills seq, previous and hash. */
ASSAY_MUST_USE enum assay_err ledger_audit_append(struct ledger *l, struct ledger_audit *a);
/* Oldest first: the first with seq > after. TAMPERED: it is not the very next, its
 * hash is wrong, it does not follow from the one before, or the end was cut off. */
ASSAY_MUST_USE enum assay_err ledger_audit_next(struct ledger *l, uint64_t after,
						struct ledger_audit *ret);
/* Newest first: the newest with seq < before (0: no bound) about this object; "" =
 * any object. Indexed: operators ask it per device. */
ASSAY_MUST_USE enum assay_err ledger_audit_prev(struct ledger *l, const char *object,
						uint64_t before, struct ledger_audit *ret);

#endif
