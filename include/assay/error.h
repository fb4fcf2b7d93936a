/*
 * error.h: one list of what can be wrong, for every module.
 *
 * A code describes the *input* ("truncated", "duplicate"), never the function
 * that met it. An error is not a verdict: it means "could not decide", and what
 * is then decided is the zero value, QUARANTINE.
 *
 * Every function that can fail returns enum assay_err, is marked ASSAY_MUST_USE
 * and writes its outputs only when it returns ASSAY_OK, unless its contract says
 * otherwise.
 */
#ifndef ASSAY_ERROR_H
#define ASSAY_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ASSAY_MUST_USE __attribute__((warn_unused_result))
#define ASSAY_PUBLIC __attribute__((visibility("default")))
#else
#define ASSAY_MUST_USE
#define ASSAY_PUBLIC
#endif

/* X(code, word for programs, text for people) */
#define ASSAY_ERRORS(X)                                                        \
	X(OK, "ok", "no error")                                                \
	X(TRUNCATED, "truncated", "ends before the structure does")            \
	X(TRAILING, "trailing", "bytes are left over after the structure")     \
	X(TOO_LARGE, "too-large", "larger than its limit")                     \
	X(TOO_MANY, "too-many", "more elements than the limit")                \
	X(MALFORMED, "malformed", "a field has a value it cannot have")        \
	X(BAD_MAGIC, "bad-magic", "does not start as this structure must")     \
	X(BAD_TYPE, "bad-type", "is a structure of another type")              \
	X(UNSUPPORTED, "unsupported", "uses an algorithm or form not handled") \
	X(DUPLICATE, "duplicate", "something that may occur once occurs twice") \
	X(MISSING, "missing", "something required is absent")                  \
	X(MISMATCH, "mismatch", "is not what was expected")                    \
	X(BAD_SIGNATURE, "bad-signature", "the signature does not verify")     \
	X(WEAK, "weak", "a key or algorithm is too weak")                      \
	X(NOT_FOUND, "not-found", "no such object")                            \
	X(EXISTS, "exists", "an object of that name exists already")           \
	X(EXPIRED, "expired", "is past its time")                              \
	X(NOT_YET, "not-yet-valid", "is before its time")                      \
	X(REVOKED, "revoked", "has been revoked")                              \
	X(DENIED, "denied", "is not permitted")                                \
	X(STATE, "wrong-state", "is not permitted in this state")              \
	X(FULL, "full", "a bounded buffer or queue has no room")               \
	X(BUSY, "busy", "try again later")                                     \
	X(UNREACHABLE, "unreachable", "the other side does not answer")        \
	X(IO, "io", "the operating system refused an operation")               \
	X(NO_MEMORY, "no-memory", "memory is exhausted")                       \
	X(CRYPTO, "crypto", "a cryptographic operation failed")                \
	X(TAMPERED, "tampered", "stored data were changed by someone else")    \
	X(INTERNAL, "internal", "an internal error, please report it")         \
	X(LIMITED, "rate-limited", "more often than is permitted in this time")

enum assay_err {
#define X(code, word, text) ASSAY_##code,
	ASSAY_ERRORS(X)
#undef X
	ASSAY_ERR_COUNT
};

/* The word ("truncated") or the text of a code; never NULL. Static storage. */
ASSAY_PUBLIC const char *assay_err_name(enum assay_err e);
ASSAY_PUBLIC const char *assay_err_text(enum assay_err e);

#ifdef __cplusplus
}
#endif
#endif
