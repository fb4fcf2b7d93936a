/*
 * tpmattr.h: what a certificate's subjectAltName says of a TPM: manufacturer,
 * model and firmware version (TCG EK Credential Profile 2.6, 3.2.9; attribute types
 * 2.23.133.2.1 to .3), and what that manufacturer is.
 *
 * Worth what the certificate's signature is worth; nothing is verified here.
 */
#ifndef APPRAISE_TPMATTR_H
#define APPRAISE_TPMATTR_H

#include "evidence/reader.h"

#define TPMATTR_TEXT_MAX 64 /* characters of an attribute, escaped, with NUL */

struct tpmattr {
	char manufacturer[TPMATTR_TEXT_MAX]; /* "id:49465800" */
	char model[TPMATTR_TEXT_MAX];	     /* "SLB 9670 TPM2.0" */
	char version[TPMATTR_TEXT_MAX];	     /* "id:073f" */
	uint32_t vendor_id; /* of manufacturer, 0 if it is not "id:" and 8 hex digits */
};

/*
 * From GeneralNames (content of the SEQUENCE). The attributes may be in one or
 * several relative distinguished names, and of any string type. MISSING if one of
 * the three is absent, DUPLICATE if one occurs twice, MALFORMED.
 */
ASSAY_MUST_USE enum assay_err tpmattr_parse(struct span san, struct tpmattr *ret);
/* Name in the TCG Vendor ID Registry, or NULL. */
const char *tpmattr_vendor_name(uint32_t vendor_id);
/*
 * Whether this is a software or virtual TPM, by manufacturer, model and the issuer's
 * name as text (I9). A virtual TPM that claims a chip maker's id is only as
 * detectable as its issuer: trust no CA that signs such certificates.
 */
bool tpmattr_is_virtual(const struct tpmattr *a, const char *issuer);

#endif
