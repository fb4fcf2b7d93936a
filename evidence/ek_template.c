/*
 * ek_template.c: tpmt_ek_template() of tpmt.h: the default EK templates of the TCG
 * EK Credential Profile 2.6, B.3 (L) and B.4 (H), compared byte by byte.
 */
#include "tpmt.h"

#include "writer.h"

/* fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt */
#define ATTRIBUTES_LOW                                                                             \
	(TPMA_FIXEDTPM | TPMA_FIXEDPARENT | TPMA_SENSITIVEDATAORIGIN | TPMA_ADMINWITHPOLICY |      \
	 TPMA_RESTRICTED | TPMA_DECRYPT)
#define ATTRIBUTES_HIGH (ATTRIBUTES_LOW | TPMA_USERWITHAUTH)

#define TEMPLATE_MAX 128

/* PolicySecret(TPM_RH_ENDORSEMENT) */
static const uint8_t policy_a_sha256[] = {
	0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC, 0x8D,
	0x46, 0xA5, 0xD7, 0x24, 0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64,
	0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA,
};
/* PolicyOR(policy A, PolicyAuthorizeNV(0x01C07F01 to 03)), by name algorithm */
static const uint8_t policy_b_sha256[] = {
	0xCA, 0x3D, 0x0A, 0x99, 0xA2, 0xB9, 0x39, 0x06, 0xF7, 0xA3, 0x34, 0x24,
	0x14, 0xEF, 0xCF, 0xB3, 0xA3, 0x85, 0xD4, 0x4C, 0xD1, 0xFD, 0x45, 0x90,
	0x89, 0xD1, 0x9B, 0x50, 0x71, 0xC0, 0xB7, 0xA0,
};
static const uint8_t policy_b_sha384[] = {
	0xB2, 0x6E, 0x7D, 0x28, 0xD1, 0x1A, 0x50, 0xBC, 0x53, 0xD8, 0x82, 0xBC,
	0xF5, 0xFD, 0x3A, 0x1A, 0x07, 0x41, 0x48, 0xBB, 0x35, 0xD3, 0xB4, 0xE4,
	0xCB, 0x1C, 0x0A, 0xD9, 0xBD, 0xE4, 0x19, 0xCA, 0xCB, 0x47, 0xBA, 0x09,
	0x69, 0x96, 0x46, 0x15, 0x0F, 0x9F, 0xC0, 0x00, 0xF3, 0xF8, 0x0E, 0x12,
};
static const uint8_t policy_b_sha512[] = {
	0xB8, 0x22, 0x1C, 0xA6, 0x9E, 0x85, 0x50, 0xA4, 0x91, 0x4D, 0xE3, 0xFA,
	0xA6, 0xA1, 0x8C, 0x07, 0x2C, 0xC0, 0x12, 0x08, 0x07, 0x3A, 0x92, 0x8D,
	0x5D, 0x66, 0xD5, 0x9E, 0xF7, 0x9E, 0x49, 0xA4, 0x29, 0xC4, 0x1A, 0x6B,
	0x26, 0x95, 0x71, 0xD5, 0x7E, 0xDB, 0x25, 0xFB, 0xDB, 0x18, 0x38, 0x42,
	0x56, 0x08, 0xB4, 0x13, 0xCD, 0x61, 0x6A, 0x5F, 0x6D, 0xB5, 0xB6, 0x07,
	0x1A, 0xF9, 0x9B, 0xEA,
};

#define POLICY(bytes) {bytes, sizeof bytes}

static const struct template {
	enum ek_template id;
	uint16_t type;
	uint16_t name_alg;
	uint32_t attributes;
	struct span policy;
	uint16_t sym_bits;
	uint16_t size; /* keyBits or curveID */
} templates[] = {
	{EK_L1_RSA2048, TPM_ALG_RSA, ALG_SHA256, ATTRIBUTES_LOW, POLICY(policy_a_sha256), 128,
	 2048},
	{EK_L2_ECC_P256, TPM_ALG_ECC, ALG_SHA256, ATTRIBUTES_LOW, POLICY(policy_a_sha256), 128,
	 CURVE_P256},
	{EK_H1_RSA2048, TPM_ALG_RSA, ALG_SHA256, ATTRIBUTES_HIGH, POLICY(policy_b_sha256), 128,
	 2048},
	{EK_H2_ECC_P256, TPM_ALG_ECC, ALG_SHA256, ATTRIBUTES_HIGH, POLICY(policy_b_sha256), 128,
	 CURVE_P256},
	{EK_H3_ECC_P384, TPM_ALG_ECC, ALG_SHA384, ATTRIBUTES_HIGH, POLICY(policy_b_sha384), 256,
	 CURVE_P384},
	{EK_H4_ECC_P521, TPM_ALG_ECC, ALG_SHA512, ATTRIBUTES_HIGH, POLICY(policy_b_sha512), 256,
	 CURVE_P521},
	{EK_H6_RSA3072, TPM_ALG_RSA, ALG_SHA384, ATTRIBUTES_HIGH, POLICY(policy_b_sha384), 256,
	 3072},
	{EK_H7_RSA4096, TPM_ALG_RSA, ALG_SHA384, ATTRIBUTES_HIGH, POLICY(policy_b_sha384), 256,
	 4096},
};

/* The template's TPMT_PUBLIC up to its unique field. */
static enum assay_err
write_template(const struct template *t, struct writer *w)
{
	size_t n;

	wr_be16(w, t->type);
	wr_be16(w, t->name_alg);
	wr_be32(w, t->attributes);
	wr_be16_bytes(w, t->policy);
	wr_be16(w, TPM_ALG_AES);
	wr_be16(w, t->sym_bits);
	wr_be16(w, TPM_ALG_CFB);
	wr_be16(w, TPM_ALG_NULL); /* scheme */
	wr_be16(w, t->size);
	if (t->type == TPM_ALG_RSA)
		wr_be32(w, 0); /* exponent: the default */
	if (t->type == TPM_ALG_ECC)
		wr_be16(w, TPM_ALG_NULL); /* kdf */
	return wr_finish(w, &n);
}

static bool
starts_as(const struct tpm_public *p, const struct template *t)
{
	uint8_t expected[TEMPLATE_MAX];
	struct writer w;
	struct reader r;
	struct span found;

	wr_init(&w, expected, sizeof expected);
	if (write_template(t, &w) != ASSAY_OK)
		return false;
	rd_init(&r, p->bytes);
	found = rd_bytes(&r, wr_span(&w).n);
	return r.err == ASSAY_OK && span_equal(found, wr_span(&w));
}

enum ek_template
tpmt_ek_template(const struct tpm_public *p)
{
	for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
		if (starts_as(p, &templates[i]))
			return templates[i].id;
	return EK_NO_TEMPLATE;
}
