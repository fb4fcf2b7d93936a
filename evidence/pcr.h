/*
 * pcr.h: selections of PCRs and sets of PCR values, by bank.
 *
 * Pure data: no parsing (quote.c and envelope.c do that), no judging.
 */
#ifndef EVIDENCE_PCR_H
#define EVIDENCE_PCR_H

#include "digest.h"

#define PCR_COUNT 24 /* PC Client: PCR 0 to 23 */
#define PCR_BANKS_MAX 6

struct pcr_bank_selection {
	uint16_t alg;
	uint32_t mask; /* bit i = PCR i; bits 24 and up are never set */
};

struct pcr_selection {
	uint8_t count;
	struct pcr_bank_selection bank[PCR_BANKS_MAX]; /* each alg once */
};

struct pcr_bank {
	uint16_t alg;
	uint32_t mask; /* which values are present */
	struct digest value[PCR_COUNT];
};

struct pcr_values {
	uint8_t count;
	struct pcr_bank bank[PCR_BANKS_MAX]; /* each alg once */
};

/* The mask of a bank, 0 if the bank is not selected. */
uint32_t pcr_selected(const struct pcr_selection *s, uint16_t alg);
/* Same banks in the same order with the same masks (Q3, both directions). */
bool pcr_selection_equal(const struct pcr_selection *a, const struct pcr_selection *b);
/* Add a bank; DUPLICATE, TOO_MANY, or MALFORMED for bits above 23 or mask 0. */
ASSAY_MUST_USE enum assay_err pcr_selection_add(struct pcr_selection *s, uint16_t alg,
						uint32_t mask);

/* No bank at all. What stands beyond ->count means nothing and is left as it is: a bank
 * is cleared when it is added. */
void pcr_values_clear(struct pcr_values *v);
/* As an assignment, but only of the banks that are there. */
void pcr_values_copy(struct pcr_values *to, const struct pcr_values *from);
/* The bank, or NULL. */
const struct pcr_bank *pcr_bank_of(const struct pcr_values *v, uint16_t alg);
/* The value, or NULL if it is not in the set. */
const struct digest *pcr_value(const struct pcr_values *v, uint16_t alg, unsigned index);
/* Set a value, making the bank if needed; DUPLICATE if already set, TOO_MANY,
 * MALFORMED for index >= 24, MISMATCH if v->len is not the bank's size. */
ASSAY_MUST_USE enum assay_err pcr_set(struct pcr_values *v, unsigned index,
				      const struct digest *d);
/*
 * pcrDigest of a quote: hash (by alg) of the selected values, banks in selection
 * order, indices ascending (TPM 2.0 Part 1, 17.7; Part 3, 18.4). MISSING if a
 * selected value is not in the set.
 */
ASSAY_MUST_USE enum assay_err pcr_digest(const struct pcr_values *v,
					 const struct pcr_selection *s, uint16_t alg,
					 struct digest *ret);
/* Reset value by PFP/PC Client: 0..16 and 23 zero, 17..22 ones (L10). */
ASSAY_MUST_USE enum assay_err pcr_reset_value(uint16_t alg, unsigned index,
					      struct digest *ret);

#endif
