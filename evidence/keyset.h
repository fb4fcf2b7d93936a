/*
 * keyset.h: the verifier's public keys, as a relying party gets and believes them.
 *
 * The document at /.well-known/jwks.json is a JWK set (RFC 7517) that any library
 * reads, with one member more:
 *
 *   {"keys": [{"kty":"EC","crv":"P-256","x":..,"y":..,"kid":..,"alg":"ES256","use":"sig"}],
 *    "assay": {"root": KID, "chain": [JWS, JWS, ...]}}
 *
 * "keys" are those that tokens and records may be signed with now: the current and,
 * until its overlap ends, the one before. A relying party that pins the root (the KID
 * of the first key) ignores "keys" and takes what the chain proves. Statement i of the
 * chain is a JWS, typ "assay-key+jwt", with payload
 *
 *   {"iss":ISSUER,"iat":T,"n":i,"kid":KID,"x":..,"y":..,"role":"decision"|"audit","until":T}
 *
 * Statement 0 is signed by the key that it names, which is the root; each later one by
 * the decision key that was current then. "role":"decision" makes its key the current
 * one and ends the one before at "until"; "role":"audit" gives the key that audit heads
 * are signed with, and ends the audit key before. A KID is always the key's RFC 7638
 * thumbprint.
 */
#ifndef EVIDENCE_KEYSET_H
#define EVIDENCE_KEYSET_H

#include "jws.h"

#define KEYSET_KEYS_MAX 128
#define KEYSET_BYTES_MAX (128u << 10)
#define KEYSET_STATEMENT_MAX 1024 /* bytes of one statement */
#define KEYSET_ISSUER_MAX 127
#define KEYSET_TYP "assay-key+jwt"

enum keyset_role { KEYSET_ANY = 0, KEYSET_DECISION, KEYSET_AUDIT };

struct keyset_key {
	struct es256_key key;
	char kid[JWS_KID_MAX + 1]; /* "" if the document gives none */
	enum keyset_role role;	   /* ANY: from a plain JWK set */
	int64_t since, until;	   /* until: 0 while it has not been replaced */
};

struct keyset {
	bool chained; /* proved from a pinned root */
	char issuer[KEYSET_ISSUER_MAX + 1];
	uint32_t n;
	struct keyset_key key[KEYSET_KEYS_MAX];
};

/* One statement as keeper writes and everybody reads it. */
struct keyset_statement {
	char issuer[KEYSET_ISSUER_MAX + 1];
	uint32_t n;
	enum keyset_role role;
	struct es256_key key;
	int64_t at, until; /* until: end of the key that it replaces; 0: replaces none */
};
/* The payload; FULL. */
ASSAY_MUST_USE enum assay_err keyset_statement_write(const struct keyset_statement *s,
						     struct writer *w);

/* A JWK set, or a single JWK, as anybody publishes them: EC P-256 keys for signatures
 * are taken, others are passed over. Nothing is proved. MALFORMED, DUPLICATE (two keys
 * under one kid), NOT_FOUND: no usable key. */
ASSAY_MUST_USE enum assay_err keyset_read(struct span json, struct keyset *ret);
/* The same document by its chain from the pinned root (a KID); "keys" is ignored.
 * MISMATCH: another root; BAD_SIGNATURE, MALFORMED: a statement that does not follow. */
ASSAY_MUST_USE enum assay_err keyset_read_chain(struct span json, const char *root,
						struct keyset *ret);
/* The same over the statements themselves. */
ASSAY_MUST_USE enum assay_err keyset_add(struct keyset *s, struct span statement,
					 const char *root);
/*
 * Verify a parsed JWS with the key that its kid names, valid at `at` in this role.
 * Without kid each key of the set is tried, and a key without one (a public key in PEM)
 * whatever is named, but never one of a chain. NOT_FOUND: no key
 * of this name; EXPIRED: it has been replaced; BAD_SIGNATURE.
 */
ASSAY_MUST_USE enum assay_err keyset_verify(const struct keyset *s, const struct jws *j,
					    enum keyset_role role, int64_t at);

#endif
