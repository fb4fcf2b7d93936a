/*
 * pcrlist.h: PCR values as people keep them: what `tpm2_pcrread` prints, or JSON
 * ({"sha256": {"0": "HEX", ...}}, also inside "banks" or "pcrs").
 */
#ifndef CLI_PCRLIST_H
#define CLI_PCRLIST_H

#include "evidence/pcr.h"

#define PCRLIST_MAX (1u << 20)
#define PCRLIST_WHAT_MAX 128

/*
 * Told apart by the first character. Banks of unknown algorithms and PCRs over 23
 * are passed over. MALFORMED, DUPLICATE, MISMATCH, MISSING (no value at all), and
 * ret_what names the line or the field.
 */
ASSAY_MUST_USE enum assay_err pcrlist_parse(struct span file, struct pcr_values *ret,
					    char ret_what[PCRLIST_WHAT_MAX]);

#endif
