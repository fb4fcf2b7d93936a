/*
 * akfile.h: an attestation key from the forms in which tools keep it.
 *
 * TPM2B_PUBLIC (tpm2_createak -u), TPMT_PUBLIC, SubjectPublicKeyInfo in PEM or DER,
 * or a certificate in PEM or DER, of which only the key is used: nothing here says
 * that the certificate is valid.
 */
#ifndef CLI_AKFILE_H
#define CLI_AKFILE_H

#include "evidence/tpmt.h"

#define AKFILE_MAX (16u << 10)
#define AKFILE_WHAT_MAX 96

struct akfile {
	const char *form; /* "TPM2B_PUBLIC", "certificate" */
	bool has_public;  /* public is set; it borrows from the file */
	struct tpm_public public;
	struct key key;
};

/*
 * On an error ret_what says which form was read and in which field it is wrong.
 * BAD_MAGIC: none of the forms.
 */
ASSAY_MUST_USE enum assay_err akfile_parse(struct span file, struct akfile *ret,
					   char ret_what[AKFILE_WHAT_MAX]);

#endif
