/*
 * armour.h: blocks of a PEM text (RFC 7468), and the key of a certificate.
 */
#ifndef ATTESTER_ARMOUR_H
#define ATTESTER_ARMOUR_H

#include "evidence/reader.h"

/*
 * The next block whose label ends in label ("CERTIFICATE", "PRIVATE KEY") after *at:
 * its bytes into ret, and *at behind it. NOT_FOUND: there is none; MALFORMED: damaged,
 * or with headers (encrypted); FULL: over cap.
 */
ASSAY_MUST_USE enum assay_err armour_next(struct span text, size_t *at, const char *label,
				       uint8_t *ret, size_t cap, size_t *ret_len);
/* Whether it is PEM at all. */
bool armour_is(struct span text);
/* SubjectPublicKeyInfo of an X.509 certificate, header included; the certificate is not
 * checked otherwise. */
ASSAY_MUST_USE enum assay_err armour_certificate_key(struct span der, struct span *ret);

#endif
