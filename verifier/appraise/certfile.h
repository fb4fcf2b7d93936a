/*
 * certfile.h: certificates and revocation lists out of the forms in which they are
 * kept: DER, PEM (one or many), and TPM NV contents.
 *
 * NV contents: a 7-byte header (10 01 00, length, 10 02: TCG PC Client TPM 1.2,
 * "stored certificate") or none, then DER, then whatever fills the index (00, 11,
 * FF, or rests of something longer). What follows the certificate is signed by
 * nobody and used for nothing, unless it is a further certificate in DER.
 *
 * Pure: the caller has read the file. What is inside an item is x509.c's business.
 */
#ifndef APPRAISE_CERTFILE_H
#define APPRAISE_CERTFILE_H

#include "evidence/reader.h"

enum certfile_form { CERTFILE_UNKNOWN = 0, CERTFILE_DER, CERTFILE_PEM, CERTFILE_NV };

struct certfile {
	struct reader in;
	enum certfile_form form;
	uint8_t *buf; /* PEM: where items are decoded to */
	size_t cap, used;
	size_t padding; /* DER, NV: bytes after the last item; known at the end */
};

struct certfile_item {
	struct span der; /* into the file, or into buf */
	bool is_crl;	 /* PEM label X509 CRL; DER: unknown, always false */
};

/*
 * Starts on the bytes of a file. buf is needed for PEM only, and room as large as
 * the file is always enough; items stay valid as long as both.
 */
void certfile_open(struct certfile *f, struct span file, uint8_t *buf, size_t cap);
/*
 * The next item. NOT_FOUND after the last; BAD_MAGIC if the file begins like none
 * of the forms; MALFORMED: PEM that is not; TRUNCATED; FULL: buf is too small;
 * UNSUPPORTED: an NV header of another kind. After an error the file is done.
 */
ASSAY_MUST_USE enum assay_err certfile_next(struct certfile *f, struct certfile_item *ret);

#endif
