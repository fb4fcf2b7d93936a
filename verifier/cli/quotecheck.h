/*
 * quotecheck.h: is this a quote by this key, for this nonce, over these PCR values?
 *
 * Pure, for `assay verify quote`: files are read and results shown by the command.
 * It knows no device and no policy; whether the key may serve as attestation key and
 * whether the PCR values are good are others' questions.
 */
#ifndef CLI_QUOTECHECK_H
#define CLI_QUOTECHECK_H

#include "akfile.h"
#include "pcrfile.h"

#include "evidence/quote.h"

#define QUOTECHECK_REASON_MAX 320

/* What is checked, in this order: X(id, word) */
#define QUOTECHECKS(X)                                                                             \
	X(MAGIC, "magic")         /* made by a TPM (Q1) */                                         \
	X(TYPE, "type")           /* a quote, not another attestation (Q2) */                      \
	X(SCHEME, "scheme")       /* the key's own scheme and hash (Q7) */                         \
	X(SIGNATURE, "signature")                                                                  \
	X(NONCE, "nonce")         /* extraData, all of it (Q5) */                                  \
	X(SELECTION, "selection") /* the PCRs of the file are those quoted (Q3) */                 \
	X(PCRS, "pcrs")           /* and their digest is the quoted one (Q4) */

enum quotecheck_id {
#define X(id, word) CHECK_##id,
	QUOTECHECKS(X)
#undef X
	CHECK_COUNT
};

struct quotecheck_input {
	struct span ak, message, signature;
	struct span nonce;
	struct span pcrs; /* p is NULL: none were given */
	/* For signatures that do not say it; 0: the key's own, or what fits the quote. */
	uint16_t scheme, hash;
};

/* Which input is malformed */
enum quotecheck_file { FILE_NONE = 0, FILE_AK, FILE_MESSAGE, FILE_SIGNATURE, FILE_PCRS };

struct quotecheck {
	bool valid;		       /* every check held */
	enum quotecheck_file malformed; /* FILE_NONE: valid, or refused by ->failed */
	enum quotecheck_id failed;
	char reason[QUOTECHECK_REASON_MAX]; /* one line, printable; "" if valid */
	/* What could be read, for showing; borrows from the input. */
	struct akfile ak;
	struct signature sig;
	struct quote quote;
	bool has_pcrs;
	struct pcrfile pcrs;
};

void quotecheck(const struct quotecheck_input *in, struct quotecheck *ret);
const char *quotecheck_name(enum quotecheck_id id);
/* "rsassa", "rsapss", "ecdsa" and back; NULL and SIG_NONE for others. */
const char *quotecheck_scheme_name(uint16_t scheme);
uint16_t quotecheck_scheme_by_name(const char *name);

#endif
