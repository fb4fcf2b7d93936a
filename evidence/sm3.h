/*
 * sm3.h: the hash SM3 (GB/T 32905-2016, ISO/IEC 10118-3), for the banks of TPMs that
 * have it; wolfSSL as Debian builds it does not.
 *
 * For digest.c alone. Nothing here is secret: it is used on logs and PCR values.
 */
#ifndef EVIDENCE_SM3_H
#define EVIDENCE_SM3_H

#include "reader.h"

#define SM3_SIZE 32
#define SM3_BLOCK 64

struct sm3 {
	uint32_t v[8];
	uint64_t length; /* bytes so far */
	uint8_t block[SM3_BLOCK]; /* length % SM3_BLOCK of them wait here */
};

void sm3_init(struct sm3 *s);
void sm3_update(struct sm3 *s, struct span in);
void sm3_final(struct sm3 *s, uint8_t ret[SM3_SIZE]);

#endif
