/*
 * tpmt.h: TPMT_PUBLIC and TPMT_SIGNATURE, as the verifier itself reads them.
 *
 * Bounded parsers over bytes from a stranger (TPM 2.0 Part 2, 12.2.4 and 11.3.4).
 * Layout is checked here; meaning (may this be an AK, is this an EK template) by
 * the tpmt_is_x functions below, which decide from the parsed structure alone.
 */
#ifndef EVIDENCE_TPMT_H
#define EVIDENCE_TPMT_H

#include "key.h"

#define TPMT_PUBLIC_MAX 1024
#define TPMT_SIGNATURE_MAX 1024
#define TPM_NAME_MAX (2 + DIGEST_MAX)

/* TPMA_OBJECT, Part 2, 8.3 */
#define TPMA_FIXEDTPM 0x00000002u
#define TPMA_STCLEAR 0x00000004u
#define TPMA_FIXEDPARENT 0x00000010u
#define TPMA_SENSITIVEDATAORIGIN 0x00000020u
#define TPMA_USERWITHAUTH 0x00000040u
#define TPMA_ADMINWITHPOLICY 0x00000080u
#define TPMA_NODA 0x00000400u
#define TPMA_ENCRYPTEDDUPLICATION 0x00000800u
#define TPMA_RESTRICTED 0x00010000u
#define TPMA_DECRYPT 0x00020000u
#define TPMA_SIGN 0x00040000u

#define TPM_ALG_NULL 0x0010
#define TPM_ALG_AES 0x0006
#define TPM_ALG_CFB 0x0043
#define TPM_ALG_RSA 0x0001
#define TPM_ALG_ECC 0x0023
#define TPM_ALG_RSAES 0x0015
#define TPM_ALG_OAEP 0x0017
#define TPM_ALG_ECDH 0x0019

struct tpm_name {
	uint16_t len;
	uint8_t b[TPM_NAME_MAX]; /* nameAlg, then the digest: Part 1, 16 */
};

struct tpm_public {
	struct span bytes; /* exactly the TPMT_PUBLIC, borrowed */
	uint16_t type;	   /* TPM_ALG_RSA or TPM_ALG_ECC */
	uint16_t name_alg;
	uint32_t attributes;
	struct span auth_policy;
	uint16_t sym_alg, sym_bits, sym_mode; /* TPM_ALG_NULL, 0, 0 for none */
	uint16_t scheme, scheme_hash;	      /* TPM_ALG_NULL, 0 for none */
	uint16_t kdf;			      /* ECC; TPM_ALG_NULL */
	struct key key;
};

/*
 * Parse a whole TPMT_PUBLIC; nothing may be left over. UNSUPPORTED: not RSA or
 * ECC, unknown nameAlg, scheme or curve. MALFORMED: wrong sizes.
 */
ASSAY_MUST_USE enum assay_err tpmt_public_parse(struct span in, struct tpm_public *ret);
/* The same with the TPM2B size in front, which must be exact (Q9). */
ASSAY_MUST_USE enum assay_err tpm2b_public_parse(struct span in, struct tpm_public *ret);
/* The field in which tpm2b_public_parse() (sized) or tpmt_public_parse() fails, for
 * messages; NULL if it does not fail. */
const char *tpmt_public_bad_field(struct span in, bool sized);
/* nameAlg || H_nameAlg(TPMT_PUBLIC), computed here and never taken from a sender. */
ASSAY_MUST_USE enum assay_err tpmt_public_name(const struct tpm_public *p,
					       struct tpm_name *ret);
/* TPMT_SIGNATURE, whole: RSASSA, RSAPSS, ECDSA. Unknown sigAlg or hash is an error,
 * never "skip" (Q7). */
ASSAY_MUST_USE enum assay_err tpmt_signature_parse(struct span in, struct signature *ret);
/* The field in which tpmt_signature_parse() fails; NULL if it does not fail. */
const char *tpmt_signature_bad_field(struct span in);

/* Why a key may not serve as attestation key (I3). */
enum ak_fault {
	AK_FINE = 0,
	AK_NOT_FIXED_TPM,
	AK_NOT_FIXED_PARENT,
	AK_NOT_SENSITIVE_DATA_ORIGIN,
	AK_NOT_RESTRICTED,
	AK_NOT_SIGN,
	AK_IS_DECRYPT,
	AK_WEAK,       /* RSA under 2048 bits, a curve under 256 bits */
	AK_WEAK_HASH,  /* nameAlg or scheme hash is SHA-1 or unknown */
	AK_NO_SCHEME,  /* a restricted signing key has one */
	AK_BAD_KEY,    /* key_check() refuses it */
	AK_FAULT_COUNT
};
/* AK_FINE only if every condition holds; otherwise the first that does not. */
enum ak_fault tpmt_ak_fault(const struct tpm_public *p);
const char *tpmt_ak_fault_text(enum ak_fault f);

/* Which TCG default EK template (EK Credential Profile 2.6, B.3, B.4) a public
 * area is *exactly* (unique field apart); EK_NO_TEMPLATE otherwise (I13). */
enum ek_template {
	EK_NO_TEMPLATE = 0,
	EK_L1_RSA2048,
	EK_L2_ECC_P256,
	EK_H1_RSA2048,
	EK_H2_ECC_P256,
	EK_H3_ECC_P384,
	EK_H4_ECC_P521,
	EK_H6_RSA3072,
	EK_H7_RSA4096,
};
enum ek_template tpmt_ek_template(const struct tpm_public *p);

/*
 * qualifiedSigner of a key that is a primary of the endorsement hierarchy:
 * nameAlg || H(handle TPM_RH_ENDORSEMENT (4 bytes) || name), Part 1, 16 (Q10).
 */
ASSAY_MUST_USE enum assay_err tpm_qualified_name_endorsement(const struct tpm_name *name,
							     struct tpm_name *ret);
/* The same for a child: nameAlg || H(qualified name of its parent || name). */
ASSAY_MUST_USE enum assay_err tpm_qualified_name_child(const struct tpm_name *parent,
						       const struct tpm_name *name,
						       struct tpm_name *ret);

#endif
