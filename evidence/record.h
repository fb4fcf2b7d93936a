/*
 * record.h: what relying parties act on, as keeper signs it and they read it.
 *
 * Each of these is the payload of a JWS (jws.h) with a typ of its own, canonical JSON:
 * members in the order given here, none twice, no white space. docs/decision-stream.md
 * tells the stream that carries them and what a relying party must check.
 *
 *   decision   typ "assay-decision+jwt"
 *     {"iss","iat","exp"?,"seq","prev","device","name"?,"class","labels"?,"tier",
 *      "outcome","reasons":[..],"addresses":[..],"certificates":[..]}
 *   heartbeat  typ "assay-heartbeat+jwt"
 *     {"iss","iat","head","nonce","class"?,"labels"?,"count","sum","audit"}
 *   extension  typ "assay-extension+jwt"
 *     {"iss","iat","nonce","extend":[[DEVICE,SEQ,EXP],..]}
 *   audit head typ "assay-audit-head+jwt", signed by the audit key
 *     {"iss","iat","seq","hash"}
 *
 * A relying party in C needs this header, keyset.h and jws.h, and nothing of the
 * verifier. Unknown members are refused: a newer form has another typ.
 */
#ifndef EVIDENCE_RECORD_H
#define EVIDENCE_RECORD_H

#include "keyset.h"

#define RECORD_DEVICE_HEX 32
#define RECORD_NAME_MAX 64
#define RECORD_CLASS_MAX 32
#define RECORD_LABELS_MAX 256
#define RECORD_REASONS_MAX 8
#define RECORD_REASON_MAX 64
#define RECORD_ADDRESSES_MAX 16
#define RECORD_ADDRESS_MAX 64
#define RECORD_CERTIFICATES_MAX 8
#define RECORD_MAX 8192	      /* bytes of a signed decision record */
#define RECORD_NONCE_MIN 16
#define RECORD_NONCE_MAX 64
#define RECORD_EXTEND_MAX 500 /* entries of one extension */
#define RECORD_HEARTBEAT_MAX 4096
#define RECORD_HEARTBEAT_S 5

#define RECORD_TYP_DECISION "assay-decision+jwt"
#define RECORD_TYP_HEARTBEAT "assay-heartbeat+jwt"
#define RECORD_TYP_EXTENSION "assay-extension+jwt"
#define RECORD_TYP_AUDIT "assay-audit-head+jwt"

/* The zero value is the safe one. Words: "quarantine", "restrict", "admit". */
enum record_outcome { RECORD_QUARANTINE = 0, RECORD_RESTRICT, RECORD_ADMIT, RECORD_OUTCOMES };
const char *record_outcome_name(enum record_outcome o);

/* What holds the device's key, as it was enrolled, weakest first: the verifier's enum tier. */
enum record_tier {
	RECORD_TIER_NONE = 0, /* nothing is known */
	RECORD_TIER_SOFTWARE,
	RECORD_TIER_TOKEN,
	RECORD_TIER_DICE,
	RECORD_TIER_VTPM,
	RECORD_TIER_TPM,
	RECORD_TIERS
};
const char *record_tier_name(enum record_tier t); /* "none", "software" ... "tpm" */

struct record {
	char issuer[KEYSET_ISSUER_MAX + 1];
	int64_t issued, expires; /* expires: 0 with quarantine, which holds until replaced */
	uint64_t seq;		 /* of all decisions of this verifier, from 1 */
	uint64_t previous;	 /* of the same device; 0: its first */
	char device[RECORD_DEVICE_HEX + 1];
	char name[RECORD_NAME_MAX + 1]; /* "" if it has none */
	char class_name[RECORD_CLASS_MAX + 1];
	char labels[RECORD_LABELS_MAX + 1]; /* "site=berlin ring=canary" */
	enum record_tier tier;
	enum record_outcome outcome;
	uint8_t nreasons;
	char reasons[RECORD_REASONS_MAX][RECORD_REASON_MAX + 1];
	/* "mac 02:00:5e:00:53:01", "ip 192.0.2.7", "ip 2001:db8::7": lower case, shortest
	 * form; what the decision applies to, besides its certificates */
	uint8_t naddresses;
	char addresses[RECORD_ADDRESSES_MAX][RECORD_ADDRESS_MAX + 1];
	uint8_t ncertificates;
	uint8_t certificates[RECORD_CERTIFICATES_MAX][32]; /* SHA-256 of the DER */
};

struct heartbeat {
	char issuer[KEYSET_ISSUER_MAX + 1];
	int64_t at;
	uint64_t head; /* newest sequence number of the verifier */
	char nonce[RECORD_NONCE_MAX + 1];
	char class_name[RECORD_CLASS_MAX + 1], labels[RECORD_LABELS_MAX + 1]; /* the filter */
	uint64_t count;	   /* messages of this connection before this one */
	uint8_t sum[32];   /* over them: stream_sum */
	struct span audit; /* the audit head, a JWS */
};

struct extension {
	char issuer[KEYSET_ISSUER_MAX + 1];
	int64_t at;
	char nonce[RECORD_NONCE_MAX + 1];
	uint32_t n;
	struct {
		char device[RECORD_DEVICE_HEX + 1];
		uint64_t seq; /* of the record that is extended */
		int64_t expires;
	} entry[RECORD_EXTEND_MAX];
};

struct audit_head {
	char issuer[KEYSET_ISSUER_MAX + 1];
	int64_t at;
	uint64_t seq;
	uint8_t hash[32];
};

/* Payloads. Writing: MALFORMED for what cannot be read back, FULL. */
ASSAY_MUST_USE enum assay_err record_write(const struct record *r, struct writer *w);
ASSAY_MUST_USE enum assay_err heartbeat_write(const struct heartbeat *h, struct writer *w);
ASSAY_MUST_USE enum assay_err extension_write(const struct extension *x, struct writer *w);
ASSAY_MUST_USE enum assay_err audit_head_write(const struct audit_head *a, struct writer *w);
/* Reading a verified payload: MALFORMED, DUPLICATE, MISSING, TOO_LARGE, TOO_MANY. */
ASSAY_MUST_USE enum assay_err record_read(struct span payload, struct record *ret);
ASSAY_MUST_USE enum assay_err heartbeat_read(struct span payload, struct heartbeat *ret);
ASSAY_MUST_USE enum assay_err extension_read(struct span payload, struct extension *ret);
ASSAY_MUST_USE enum assay_err audit_head_read(struct span payload, struct audit_head *ret);

/* Whether class and labels pass a filter: the class is equal (or the filter has none)
 * and each label of the filter is among the device's. Pure; keeper and relying parties
 * use the same. */
bool record_matches(const char *class_name, const char *labels, const char *filter_class,
		    const char *filter_labels);

/*
 * The running sum of a connection: every message of the stream, as received, in order.
 *   sum0 = SHA-256("assay-stream-v1" || nonce), sum = SHA-256(sum || SHA-256(message))
 */
ASSAY_MUST_USE enum assay_err stream_sum_start(const char *nonce, uint8_t ret[32]);
ASSAY_MUST_USE enum assay_err stream_sum_add(uint8_t sum[32], struct span message);

#endif
