/*
 * quote.h: TPMS_ATTEST of type quote, as signed.
 *
 * Layout only, over the signed bytes (TPM 2.0 Part 2, 10.12). That the signature
 * holds, that the nonce is the one we gave and the selection the one we asked for
 * is appraise/core.c's business.
 */
#ifndef EVIDENCE_QUOTE_H
#define EVIDENCE_QUOTE_H

#include "pcr.h"
#include "tpmt.h"

#define QUOTE_MAX 2048	  /* bytes of TPMS_ATTEST */
#define QUOTE_EXTRA_MAX 66 /* bytes of extraData: a TPM2B_DATA holds a TPMT_HA */

struct quote {
	struct span bytes;	  /* the whole TPMS_ATTEST, borrowed */
	struct span qualified_signer; /* a TPM Name */
	struct span extra_data;
	uint64_t clock;	       /* ms */
	uint32_t reset_count;
	uint32_t restart_count;
	bool clock_safe;
	uint64_t firmware_version;
	struct pcr_selection selection;
	struct span pcr_digest;
};

/*
 * BAD_MAGIC (Q1), BAD_TYPE: not TPM_ST_ATTEST_QUOTE (Q2), MALFORMED: PCR index or
 * bitmap out of range, sizeofSelect other than 3 (Q12), safe neither 0 nor 1;
 * DUPLICATE: several selections of one bank (Q3); TRAILING (Q9). A selection of a
 * bank with an empty bitmap is kept out of ->selection but must have a known size.
 */
ASSAY_MUST_USE enum assay_err quote_parse(struct span attest, struct quote *ret);
/* The field in which quote_parse() fails, for messages; NULL if it does not fail. */
const char *quote_bad_field(struct span attest);

#endif
