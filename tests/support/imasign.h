/*
 * imasign.h: signatures of files by the test keys of tests/data/imakey (rsa, p256, p384;
 * each NAME.key.der and NAME.crt). Nothing is secret here and nothing is for production.
 */
#ifndef TESTS_SUPPORT_IMASIGN_H
#define TESTS_SUPPORT_IMASIGN_H

#include "evidence/digest.h"

#define IMASIGN_MAX 1024

/* What security.ima holds: version 2 over the digest, 3 over ima_file_id; verity: of type
 * 6. pss: RSA's other padding. Bytes written to ret. */
struct imasign {
	const char *key;
	uint8_t version;
	bool verity, pss;
};
size_t imasign(const struct imasign *how, const struct digest *file, uint8_t ret[IMASIGN_MAX]);
/* The certificate, PEM; the caller frees with unit_free(). */
struct span imasign_certificate(const char *key);

#endif
