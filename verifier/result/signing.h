/*
 * signing.h: the verifier's signing keys: files, chain, rotation, key set.
 *
 *   keys/sign-NNN.key   32 secret bytes; NNN is the number of the key's statement
 *   keys/chain          the statements (keyset.h), one JWS per line, oldest first
 *   keys/chain.new      the same with keys that were ordered and do not count yet
 *
 * The chain is verified from its first key when it is opened, and written anew (whole,
 * synced) when a key is added; a secret is on disk before its statement is. Nothing here
 * knows the ledger: who orders a rotation records it there, and says then whether that
 * holds: signing_settle() renames the new chain, signing_drop() leaves nothing of it,
 * signing_recover() does one or the other after a crash between the two.
 */
#ifndef RESULT_SIGNING_H
#define RESULT_SIGNING_H

#include "signer.h"

#include "evidence/keyset.h"

#define SIGNING_OVERLAP_MAX_S (400 * 86400)

struct signing;

/* Open DIR (STATE/keys), making the first decision and audit keys if there is no chain.
 * Free with signing_close(). MALFORMED, BAD_SIGNATURE: the chain or a secret is not what
 * it was; IO, DENIED. */
ASSAY_MUST_USE enum assay_err signing_open(const char *dir, int64_t now, struct signing **ret);
void signing_close(struct signing *s); /* accepts NULL */

struct signer *signing_decision(struct signing *s);
struct signer *signing_audit(struct signing *s);
/* "urn:assay:" and the root's KID. */
const char *signing_issuer(const struct signing *s);
const char *signing_root(const struct signing *s);
const struct keyset *signing_keyset(const struct signing *s);
/* The statements, one per line, oldest first. */
struct span signing_chain(const struct signing *s);
/* Rises with every key. */
uint32_t signing_generation(const struct signing *s);

/* The document of /.well-known/jwks.json as of now. FULL. */
ASSAY_MUST_USE enum assay_err signing_jwks(const struct signing *s, int64_t now, struct writer *w);
/* Prepares a new key of this role; the one before is accepted for overlap more seconds.
 * Everything is on disk then, and nothing counts until signing_settle(). TOO_MANY: the
 * chain is as long as it may be. After any other error drop what was prepared. */
ASSAY_MUST_USE enum assay_err signing_rotate(struct signing *s, enum keyset_role role,
					     int64_t now, int64_t overlap);
/* The keys as they will be; as they are if none was prepared. */
const struct keyset *signing_prepared(const struct signing *s);
/* What was prepared signs from now on. IO: it does not, but will when opened again after
 * signing_recover(). *ret_changed: there was something. */
ASSAY_MUST_USE enum assay_err signing_settle(struct signing *s, bool *ret_changed);
void signing_drop(struct signing *s);
/* Before signing_open(): what was prepared when the verifier ended counts if its newest key
 * was recorded, else it is removed. */
typedef bool signing_recorded(void *self, const char *kid);
ASSAY_MUST_USE enum assay_err signing_recover(const char *dir, signing_recorded *recorded,
					      void *self);

#endif
