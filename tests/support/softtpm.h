/*
 * softtpm.h: as much of a TPM as attestation needs, in software, for tests and bench.
 *
 * An ECC P-256 EK of the TCG template L-2, an ECC P-256 AK as its child, PCR banks,
 * clock and counters; TPM2_Quote and TPM2_ActivateCredential. The structures are
 * those of a real TPM, signed with real keys. Everything follows from the seed, the
 * signatures too. Nothing is secret here and nothing is for production.
 */
#ifndef TESTS_SUPPORT_SOFTTPM_H
#define TESTS_SUPPORT_SOFTTPM_H

#include "evidence/eventlog.h"
#include "evidence/quote.h"
#include "evidence/tpmt.h"

#define SOFTTPM_PUBLIC_MAX 160
#define SOFTTPM_SIGNATURE_MAX 80

struct softtpm_key {
	void *ecc; /* wolfSSL's */
	uint8_t x[32], y[32];
	uint16_t public_len;
	uint8_t public_area[SOFTTPM_PUBLIC_MAX]; /* TPMT_PUBLIC */
	struct tpm_name name, qualified;
};

struct softtpm {
	uint64_t seed;
	struct softtpm_key ek, ak;
	struct pcr_values pcrs; /* active banks, all 24 values */
	uint64_t clock;		/* ms */
	uint32_t reset_count, restart_count;
	bool clock_safe;
	uint64_t firmware_version;
};

struct softtpm_quote {
	uint16_t attest_len, signature_len;
	uint8_t attest[512];			  /* TPMS_ATTEST */
	uint8_t signature[SOFTTPM_SIGNATURE_MAX]; /* TPMT_SIGNATURE */
};

/* A TPM after its first start, with the SHA-256 bank. Aborts on a failure, as all
 * of these do: a test that cannot build its evidence has no result. */
void softtpm_init(struct softtpm *t, uint64_t seed);
void softtpm_free(struct softtpm *t);
/* Activate a bank; its PCRs have their reset values. */
void softtpm_add_bank(struct softtpm *t, uint16_t alg);
/* Another AK in the same TPM; attributes as given (SOFTTPM_AK_ATTRIBUTES if sound). */
#define SOFTTPM_AK_ATTRIBUTES                                                                  \
	(TPMA_FIXEDTPM | TPMA_FIXEDPARENT | TPMA_SENSITIVEDATAORIGIN | TPMA_USERWITHAUTH |     \
	 TPMA_RESTRICTED | TPMA_SIGN)
void softtpm_new_ak(struct softtpm *t, uint64_t seed, uint32_t attributes);
/* TPM Reset: PCRs at their reset values, resetCount + 1. */
void softtpm_reset(struct softtpm *t);
void softtpm_extend(struct softtpm *t, unsigned pcr, struct span digest, uint16_t alg);
/* What firmware that wrote this log did: sets the logged PCRs of the banks. */
void softtpm_boot(struct softtpm *t, struct span log);
/* Advances the clock, quotes, signs with the AK. */
void softtpm_quote(struct softtpm *t, const struct pcr_selection *s, struct span extra,
		   struct softtpm_quote *ret);
/* Sign any bytes as TPMS_ATTEST, as an AK that is not restricted would. */
void softtpm_sign(struct softtpm *t, struct softtpm_quote *q);
/* TPM2_ActivateCredential (both with their TPM2B size); false if the TPM refuses. */
bool softtpm_activate(const struct softtpm *t, struct span blob, struct span encrypted_secret,
		      uint8_t ret[32]);

#endif
