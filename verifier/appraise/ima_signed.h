/*
 * ima_signed.h: whether a file's entry has a signature of a keyring of the policy.
 *
 * Signatures of security.ima (v2: over the file's digest; v3: over ima_file_id) and
 * appended ones (ima-modsig: PKCS #7 over the digest without them). RSA PKCS #1 v1.5 and
 * PSS, ECDSA P-256, P-384, P-521. What a kernel verified itself does not count.
 */
#ifndef APPRAISE_IMA_SIGNED_H
#define APPRAISE_IMA_SIGNED_H

#include "evidence/key.h"
#include "ima_policy.h"
#include "x509.h"

struct ima_key {
	struct key key;
	uint32_t id, id_by_key; /* last bytes of the subject key id; of SHA-1 of the key */
	struct span der, skid, issuer, serial;
	int64_t not_before, not_after;
	uint8_t keyring;
};

struct ima_keys {
	uint8_t count;
	struct ima_key key[IMA_KEYS_MAX];
};

/* The certificates of a policy's keyrings; what cannot be read is no key. verifying: else
 * only what a certificate says is read, and none of them is a key to verify with. */
void ima_keys_open(const struct policy_ima *p, bool verifying, struct ima_keys *ret);
/* The keys of the policy that this certificate is (same bytes), a bit each: one for every
 * keyring that has it. */
uint64_t ima_keys_find(const struct ima_keys *k, struct span der);

enum ima_signed_answer { IMA_SIGNED_NOT = 0, IMA_SIGNED_BAD, IMA_SIGNED_GOOD };

struct ima_signed_ask {
	const struct policy_ima *policy;
	const struct ima_keys *keys;
	uint8_t keyring; /* IMA_KEYRINGS_MAX: any */
	int64_t now;
	uint64_t measured; /* keys whose loading was measured so far */
};

struct ima_signed {
	enum ima_signed_answer answer;
	uint8_t key;	    /* GOOD: by which */
	uint32_t key_id;    /* that it names; 0: none */
	const char *reason; /* BAD, NOT: static */
	uint8_t tries;	    /* verifications that were made */
};

/* What is to be verified: else ima_signed() says NOT. */
bool ima_has_signature(const struct imalog_entry *e);
void ima_signed(const struct ima_signed_ask *ask, const struct imalog_entry *e,
		struct ima_signed *ret);
/* Of the appended signature alone; PKCS #7 SignedData over the digest. ima_modsig.c */
void ima_modsig(const struct ima_signed_ask *ask, const struct imalog_entry *e,
		struct ima_signed *ret);
/* Whether a key of the keyrings asked for counts now; *ret_reason if not. */
bool ima_key_counts(const struct ima_signed_ask *ask, uint8_t key, const char **ret_reason);
/* By this key over this digest, whatever the scheme: ->tries counts. */
bool ima_key_verifies(const struct key *k, struct span signature, const struct digest *d,
		      struct ima_signed *ret);

#endif
