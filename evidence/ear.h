/*
 * ear.h: EAT Attestation Results (EAR) as JWT payloads: written, and read strictly.
 *
 * Two dialects are in the field: draft-ietf-rats-ear -03, and what Veraison's libraries
 * write since 2023. One is written, by choice; both are read. The signature around it is
 * jws.h's. A status is never better than the worst claim of its vector, nor than `limit`,
 * which is what was decided.
 */
#ifndef EVIDENCE_EAR_H
#define EVIDENCE_EAR_H

#include "jws.h"

#define EAR_TYP "JWT"
#define EAR_NEVER INT64_MAX
#define EAR_PAYLOAD_MAX (32u << 10)
#define EAR_TEXT_MAX 256
#define EAR_SUBMODS_MAX 16
#define EAR_NONCE_MIN 8 /* characters: RFC 9711, 4.1 */
#define EAR_NONCE_MAX 88
#define EAR_LIST_MAX 8 /* audiences, nonces of one token */
#define EAR_CLAIMS 8

enum ear_dialect { EAR_IETF = 0, EAR_VERAISON, EAR_DIALECTS };
const char *ear_dialect_name(enum ear_dialect d); /* "ietf", "veraison" */

/* In the order of how bad they are; AR4SI 2.3.2. */
enum ear_status { EAR_NONE = 0, EAR_AFFIRMING, EAR_WARNING, EAR_CONTRAINDICATED, EAR_STATUSES };
const char *ear_status_name(enum ear_status s);
/* AR4SI: the tier of one claim's value; 0 is no claim and counts as NONE. */
enum ear_status ear_tier(int8_t value);
const char *ear_claim_name(unsigned claim); /* 0..7: "instance-identity" ... */

struct ear_submod {
	char name[EAR_TEXT_MAX];
	enum ear_status status;
	bool has_vector;
	int8_t vector[EAR_CLAIMS];
	char policy[EAR_TEXT_MAX]; /* the first policy id; "" if there is none */
};

struct ear {
	enum ear_dialect dialect;
	char profile[EAR_TEXT_MAX]; /* when read */
	char issuer[EAR_TEXT_MAX]; /* "" if there is none */
	/* one or several (RFC 7519, 4.1.3; RFC 9711, 4.1); "" if there is none. One is written. */
	char audience[EAR_LIST_MAX][EAR_TEXT_MAX];
	char nonce[EAR_LIST_MAX][EAR_NONCE_MAX + 1];
	char developer[EAR_TEXT_MAX], build[EAR_TEXT_MAX];
	int64_t issued, not_before;
	int64_t expires; /* EAR_NEVER when read and absent */
	bool has_status;
	enum ear_status status; /* when read: of the whole; may be worse than every submod's */
	bool has_key;
	struct key key; /* cnf, when written: EC P-256/P-384/P-521, Ed25519 or RSA */
	uint8_t nsubmods;
	struct ear_submod submods[EAR_SUBMODS_MAX];
};

/* The status of a submod as it may be said: no better than limit, nor than its worst
 * claim; a vector without any claim affirms nothing. */
enum ear_status ear_status_of(const int8_t vector[EAR_CLAIMS], enum ear_status limit);

/* Whether a JWS with this typ may be a token: JWT (RFC 7519, 5.1), eat+jwt (RFC 9782) or
 * none; what has a typ of its own is something else (RFC 8725, 3.11). */
bool ear_typ_fits(const char *typ);

/* The payload of one submod's EAR; its status is recomputed against its vector. */
ASSAY_MUST_USE enum assay_err ear_write(const struct ear *e, struct writer *w);
/*
 * A verified payload. MALFORMED: a float or negative time, a value of another type or out
 * of range, a nonce of less than EAR_NONCE_MIN characters; MISSING: profile, iat, verifier id
 * or submods; UNSUPPORTED: a profile that is not known; MISMATCH: a status better than its
 * vector; DUPLICATE, TOO_MANY, TRAILING.
 * *ret_field (may be NULL): the member that is to blame, static.
 */
ASSAY_MUST_USE enum assay_err ear_read(struct span payload, struct ear *ret,
				       const char **ret_field);

#endif
