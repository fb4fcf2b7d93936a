/*
 * pcrfile.h: the PCR files of tpm2-tools (`tpm2_quote -o`, `tpm2_pcrread -o`).
 *
 * Three layouts, told apart by what they are, never by a name:
 *   serialized   C structs in little-endian memory layout: TPML_PCR_SELECTION
 *                (132 bytes), UINT32 count, count TPML_DIGEST (532 bytes each);
 *                tpm2-tools 3 to 5
 *   marshaled    the same three, as a TPM writes them (big-endian, no gaps); since 5.5
 *   values       nothing but the values, in the order of the quote's own selection
 * Hostile input as any other; what it claims counts only through the quote's digest.
 */
#ifndef CLI_PCRFILE_H
#define CLI_PCRFILE_H

#include "evidence/pcr.h"

#define PCRFILE_MAX (64u << 10)
#define PCRFILE_WHAT_MAX 64

struct pcrfile {
	const char *layout;
	struct pcr_selection selection;
	struct pcr_values values;
};

/*
 * quoted is the selection of the quote that the file goes with. On an error
 * ret_what names the layout it was taken for and the field.
 */
ASSAY_MUST_USE enum assay_err pcrfile_parse(struct span file, const struct pcr_selection *quoted,
					    struct pcrfile *ret, char ret_what[PCRFILE_WHAT_MAX]);

#endif
