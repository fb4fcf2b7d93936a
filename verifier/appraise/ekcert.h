/*
 * ekcert.h: whether a certificate is an endorsement key certificate that a trusted
 * TPM manufacturer issued, and what it says of the TPM (I4, I9, I13).
 *
 * A pure function of certificate, device-supplied intermediates, roots image and
 * time. It does not know in which box the TPM sits, does not read files, and does
 * not prove possession of the key: credential.h does. What it checks, in which
 * order, and what it tolerates and why is in docs/ek-certificates.md.
 *
 * There are two layers. ->reason is what no policy can allow: EKCERT_CHAIN_OK or a
 * refusal. ->facts are named circumstances; ekcert_judge() refuses some of them
 * unless policy allows them by name. The zero value is not trusted.
 */
#ifndef APPRAISE_EKCERT_H
#define APPRAISE_EKCERT_H

#include "evidence/tpmt.h"
#include "roots.h"
#include "tpmattr.h"

#define EKCERT_INTERMEDIATES_MAX 8
#define EKCERT_DEPTH_MAX 8   /* issuers in a path, the root included */
#define EKCERT_CHECKS_MAX 64 /* signatures verified in search of a path */
#define EKCERT_CRLS_MAX 16   /* revocation lists tried for one certificate */
#define EKCERT_NAME_MAX 256
#define EKCERT_SERIAL_MAX (2 * X509_SERIAL_MAX + 1)

/*
 * X(CODE, "word", "text"). From EXPIRED on they come from facts (ekcert_judge).
 * Where several paths fail, the failure farthest from the EK certificate is told,
 * and of those the one later in this list.
 */
#define EKCERT_REASONS(X)                                                                      \
	X(UNDECIDED, "undecided", "it was not verified")                                       \
	X(CHAIN_OK, "trusted", "its chain leads to a trusted root")                            \
	X(MALFORMED, "malformed", "it is not a certificate that can be read")                  \
	X(UNSUPPORTED, "unsupported", "its signature algorithm or form is not handled")        \
	X(KEY_UNSUPPORTED, "key-unsupported", "its key is of a kind that cannot be verified")  \
	X(KEY_TOO_LARGE, "key-too-large", "an RSA key of over 4096 bits cannot be verified")   \
	X(KEY_INVALID, "key-invalid", "its key is not a valid public key")                     \
	X(IS_CA, "ca-certificate", "it is a CA's certificate, not an endorsement key's")       \
	X(NOT_EK, "not-ek", "its extended key usage does not name endorsement keys")           \
	X(KEY_USAGE, "key-usage", "its key usage is not one of an endorsement key")            \
	X(CRITICAL_EXTENSION, "critical-extension", "it has an unknown critical extension")    \
	X(NO_TPM_ATTRIBUTES, "no-tpm-attributes",                                              \
	  "its subjectAltName does not name TPM manufacturer, model and version")              \
	X(ISSUER_MISSING, "issuer-missing", "no certificate of its issuer is known")           \
	X(ROOT_MISSING, "root-missing", "the chain does not reach a trusted root")             \
	X(BAD_SIGNATURE, "bad-signature", "a signature of the chain does not hold")            \
	X(ISSUER_KEY_TOO_LARGE, "issuer-key-too-large",                                        \
	  "an issuer's RSA key of over 4096 bits cannot be verified")                          \
	X(ISSUER_KEY, "issuer-key", "an issuer's key is weak, invalid or not supported")       \
	X(ISSUER_NOT_CA, "issuer-not-ca", "an issuer is not a CA by its basicConstraints")     \
	X(ISSUER_KEY_USAGE, "issuer-key-usage", "an issuer's key usage is not keyCertSign")    \
	X(ISSUER_PURPOSE, "issuer-purpose",                                                    \
	  "an issuer's extended key usage does not cover endorsement keys")                    \
	X(ISSUER_EXTENSION, "issuer-extension",                                                \
	  "an issuer has an unknown critical extension or name constraints")                   \
	X(PATH_LENGTH, "path-length", "the path is longer than an issuer permits")             \
	X(ISSUED_TOO_LATE, "issued-too-late", "an issuer had expired before it issued")        \
	X(REVOKED, "revoked", "it was revoked by its issuer")                                  \
	X(ISSUER_REVOKED, "issuer-revoked", "an issuer's certificate was revoked")             \
	X(SEARCH_LIMIT, "search-limit", "no path was found within the limit of the search")    \
	X(NOT_A_TEMPLATE, "ek-template", "the EK's public area is not a TCG default template") \
	X(KEY_MISMATCH, "ek-mismatch", "the EK's public area holds another key")               \
	X(EXPIRED, "expired", "it has expired")                                                \
	X(NOT_YET_VALID, "not-yet-valid", "it is not valid yet")                               \
	X(WEAK_KEY, "weak-key", "its key is of a known-weak kind (ROCA, or under 2048 bits)")  \
	X(ISSUER_EXPIRED, "issuer-expired", "an issuer has expired")                           \
	X(ISSUER_NOT_YET_VALID, "issuer-not-yet-valid", "an issuer is not valid yet")          \
	X(CRL_UNUSABLE, "crl-unusable", "a revocation list of an issuer cannot be used")

enum ekcert_reason {
#define X(code, word, text) EKCERT_##code,
	EKCERT_REASONS(X)
#undef X
	EKCERT_REASON_COUNT
};

/* X(CODE, "word", "text"): circumstances. The first six are refused unless allowed. */
#define EKCERT_FACTS(X)                                                                        \
	X(EXPIRED, "expired", "it has expired")                                                \
	X(NOT_YET_VALID, "not-yet-valid", "it is not valid yet")                               \
	X(WEAK_KEY, "weak-key", "its key is of a known-weak kind")                             \
	X(ISSUER_EXPIRED, "issuer-expired", "an issuer has expired")                           \
	X(ISSUER_NOT_YET_VALID, "issuer-not-yet-valid", "an issuer is not valid yet")          \
	X(CRL_UNUSABLE, "crl-unusable", "a revocation list of an issuer cannot be used")       \
	X(CRL_STALE, "crl-stale", "a revocation list is older than its issuer promised")       \
	X(VIRTUAL, "virtual", "a virtual TPM")                                                 \
	X(UNKNOWN_VENDOR, "unknown-vendor", "its manufacturer is not in the TCG registry")     \
	X(NO_EKU, "no-eku", "without extended key usage: known by its TPM attributes")         \
	X(SIGNING_USAGE, "signing-usage", "its key usage is for signing, not for encryption")  \
	X(SHA1, "sha1-signature", "SHA-1 is used in a signature of the chain")                 \
	X(LAX_ENCODING, "lax-encoding", "it is not strictly DER")                              \
	X(NAME_ENCODING, "name-encoding", "an issuer's name is encoded in two ways")           \
	X(FROM_DEVICE, "from-device", "the chain uses a certificate that the device sent")

enum ekcert_fact_index {
#define X(code, word, text) EKCERT_FACT_##code##_INDEX,
	EKCERT_FACTS(X)
#undef X
	EKCERT_FACT_COUNT
};
enum ekcert_fact {
#define X(code, word, text) EKCERT_FACT_##code = 1u << EKCERT_FACT_##code##_INDEX,
	EKCERT_FACTS(X)
#undef X
};

/* What the command line allows unless told otherwise: that an issuer's certificate
 * is out of its time, which is common and says little about certificates that it
 * signed while valid. The daemon allows what its policy names. */
#define EKCERT_ALLOW_ISSUER_TIME (EKCERT_FACT_ISSUER_EXPIRED | EKCERT_FACT_ISSUER_NOT_YET_VALID)

struct ekcert_input {
	struct span cert; /* DER, exactly one certificate: see certfile.h */
	size_t nintermediates;
	struct span intermediates[EKCERT_INTERMEDIATES_MAX]; /* from the device */
	const struct roots *roots;
	int64_t time; /* seconds since 1970 */
};

struct ekcert_link {
	char subject[EKCERT_NAME_MAX];
	int64_t not_before, not_after;
	bool is_root, from_device;
};

struct ekcert {
	enum ekcert_reason reason; /* CHAIN_OK or a refusal that no policy can allow */
	enum assay_err detail;	   /* what the parser said, for MALFORMED */
	uint32_t facts;		   /* EKCERT_FACT_x */
	struct key key;		   /* KEY_NONE if it could not be decoded */
	int64_t not_before, not_after;
	struct tpmattr tpm;
	const char *vendor; /* static; NULL if unknown */
	char issuer[EKCERT_NAME_MAX], subject[EKCERT_NAME_MAX];
	char serial[EKCERT_SERIAL_MAX]; /* hex */
	uint8_t sha256[32];		/* of the certificate */
	uint32_t lax;			/* X509_LAX_x of the certificate */
	unsigned checks;		/* signatures verified in search of the path */
	unsigned chain_len;
	struct ekcert_link chain[EKCERT_DEPTH_MAX]; /* issuer first, root last */
};

/* Always fills *ret; what could not be read is zero. */
void ekcert_verify(const struct ekcert_input *in, struct ekcert *ret);
/*
 * The verdict: CHAIN_OK, the refusal in ->reason, or the first refusable fact that
 * is not in allowed (a mask of EKCERT_FACT_x).
 */
enum ekcert_reason ekcert_judge(const struct ekcert *e, uint32_t allowed);
/*
 * CHAIN_OK if the public area of an EK is exactly a TCG template and holds the key
 * of the certificate; else NOT_A_TEMPLATE, KEY_MISMATCH (I13).
 */
enum ekcert_reason ekcert_bind(const struct ekcert *e, const struct tpm_public *ek);

const char *ekcert_reason_word(enum ekcert_reason r);
const char *ekcert_reason_text(enum ekcert_reason r);
const char *ekcert_fact_word(enum ekcert_fact_index i);
const char *ekcert_fact_text(enum ekcert_fact_index i);
/* The bit of a fact's word, 0 if there is none: for policies. */
uint32_t ekcert_fact_by_word(const char *word);

#endif
