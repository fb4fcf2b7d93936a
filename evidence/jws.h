/*
 * jws.h: JSON Web Signatures in compact form (RFC 7515) with ES256, and nothing else.
 *
 * Everything that leaves the verifier and that others act on is one: decision records,
 * heartbeats, the key set's chain, EAR tokens. The algorithm is never the message's
 * choice: ES256 is all there is, `none`, HS256 and every other are refused before a
 * key is looked at; `crit` and `b64` are refused; keys inside of the header (jwk, jku,
 * x5u, x5c) are never used (I11). A typ says what a message is, so that none passes
 * for another.
 */
#ifndef EVIDENCE_JWS_H
#define EVIDENCE_JWS_H

#include "key.h"
#include "writer.h"

#define JWS_MAX (64u << 10)
#define JWS_KID_MAX 128
#define JWS_TYP_MAX 64
#define JWS_SIGNATURE_SIZE 64
#define JWS_KID_SIZE 44 /* of our own keys: base64url of SHA-256, and a NUL */

struct es256_key {
	uint8_t x[32], y[32];
};

struct jws {
	char kid[JWS_KID_MAX + 1]; /* "" if there is none */
	char typ[JWS_TYP_MAX + 1]; /* "" if there is none */
	struct span signing_input; /* into the text */
	struct span payload;	   /* into the caller's buffer */
	uint8_t signature[JWS_SIGNATURE_SIZE];
};

/* Takes text apart; payload is decoded into buf, which must outlive *ret. Nothing in it
 * is to be believed before jws_verify(). MALFORMED: not three parts of base64url, header
 * no JSON object; DUPLICATE; UNSUPPORTED: alg is not ES256, or crit or b64 is there;
 * TOO_LARGE. */
ASSAY_MUST_USE enum assay_err jws_parse(struct span text, uint8_t *buf, size_t cap,
					struct jws *ret);
/* BAD_SIGNATURE; MALFORMED: the key is no point of P-256. */
ASSAY_MUST_USE enum assay_err jws_verify(const struct jws *j, const struct es256_key *k);

/* RFC 7638: the name of a key is the SHA-256 of its canonical JWK, so that nobody can
 * put another under it. */
ASSAY_MUST_USE enum assay_err jws_kid(const struct es256_key *k, char ret[JWS_KID_SIZE]);

/* What is to be signed: {"alg":"ES256","kid":KID,"typ":TYP} '.' payload, both base64url.
 * The signer adds '.' and the signature: jws_finish(). */
void jws_begin(struct writer *w, const char *typ, const char *kid, struct span payload);
void jws_finish(struct writer *w, const uint8_t signature[JWS_SIGNATURE_SIZE]);

#endif
