/*
 * x509.h: a certificate or revocation list as a struct of spans into its bytes.
 *
 * Layout only (RFC 5280, 4 and 5): nothing here decides whom to trust, builds
 * paths or knows what a TPM is; ekcert.c does. Signatures are checked over the raw
 * to-be-signed bytes, because real EK certificates are re-encoded differently, or
 * refused, by general certificate libraries. No allocation, no clock, no files
 * (certfile.c takes certificates out of PEM and NV contents).
 *
 * Two dozen certificates of two vendors are not strict DER. What has exactly one
 * reading is accepted and reported in ->lax; everything else is an error.
 */
#ifndef APPRAISE_X509_H
#define APPRAISE_X509_H

#include "evidence/der.h"
#include "evidence/key.h"

#define X509_MAX 8192	       /* bytes of a certificate */
#define X509_CRL_MAX (4u << 20) /* bytes of a revocation list */
#define X509_EXTENSIONS_MAX 32
#define X509_EKU_MAX 32	      /* purposes in one extended key usage */
#define X509_SERIAL_MAX 32    /* RFC 5280 says 20; some are longer */
#define X509_NAME_HASH_SIZE 32
#define X509_PATHLEN_NONE (-1)

/* Departures from DER that were accepted: X(bit, word) */
#define X509_LAXITIES(X)                                           \
	X(LENGTH, "a length takes more bytes than it needs")       \
	X(DEFAULT, "a default value is written out")               \
	X(BOOLEAN, "a TRUE is not FF")                             \
	X(SET_ORDER, "the members of a set are not in order")      \
	X(PARAMETERS, "algorithm parameters are NULL or absent where they should not be") \
	X(SERIAL, "the serial number is negative, zero, padded or over 20 bytes") \
	X(KEY_ID, "a key identifier cannot be read and is not used") \
	X(TIME, "a time lacks seconds or is of the wrong type for its year")

enum x509_lax_index {
#define X(bit, text) X509_LAX_##bit##_INDEX,
	X509_LAXITIES(X)
#undef X
	X509_LAX_COUNT
};
enum x509_lax {
#define X(bit, text) X509_LAX_##bit = 1u << X509_LAX_##bit##_INDEX,
	X509_LAXITIES(X)
#undef X
};

/* keyUsage, RFC 5280, 4.2.1.3: first byte of the BIT STRING */
#define X509_KU_DIGITAL_SIGNATURE 0x80
#define X509_KU_KEY_ENCIPHERMENT 0x20
#define X509_KU_KEY_AGREEMENT 0x08
#define X509_KU_CERT_SIGN 0x04
#define X509_KU_CRL_SIGN 0x02

/* The purposes that matter here; others are only counted. */
#define X509_EKU_ANY 0x01     /* 2.5.29.37.0 */
#define X509_EKU_TPM_EK 0x02  /* 2.23.133.8.1, tcg-kp-EKCertificate */
#define X509_EKU_TPM_AIK 0x04 /* 2.23.133.8.3, tcg-kp-AIKCertificate */

struct x509 {
	struct span der; /* the whole certificate */
	struct span tbs; /* what is signed, header included */
	struct signature sig;
	struct span serial;  /* INTEGER content as it stands */
	struct span issuer;  /* Name, header included */
	struct span subject; /* Name, header included */
	struct span spki;    /* SubjectPublicKeyInfo, header included */
	int64_t not_before;  /* seconds since 1970 */
	int64_t not_after;
	uint8_t version; /* 1 to 3 */
	bool has_basic_constraints, is_ca;
	int16_t pathlen; /* X509_PATHLEN_NONE, or 0 to 255 (more is 255) */
	bool has_key_usage;
	uint8_t key_usage; /* X509_KU_x */
	bool has_eku;
	uint8_t eku;	      /* X509_EKU_x */
	struct span skid;     /* subjectKeyIdentifier, may be empty */
	struct span akid;     /* authorityKeyIdentifier's keyIdentifier, may be empty */
	struct span san;      /* GeneralNames, content of the SEQUENCE */
	bool has_san, san_critical;
	bool has_name_constraints;
	uint8_t unknown_critical;	  /* how many critical extensions are unknown */
	struct span first_unknown_critical; /* object identifier of the first */
	/* extensions of DICE certificates, for dice.c: unknown to everybody else, and so
	 * counted above if they are critical, and here */
	struct span dice_input, dice_tcb;
	uint8_t dice_critical;
	uint32_t lax;			  /* X509_LAX_x */
};

struct x509_crl {
	struct span der, tbs;
	struct signature sig;
	struct span issuer;
	int64_t this_update;
	int64_t next_update; /* INT64_MAX where absent */
	struct span revoked; /* entries, content of the SEQUENCE; may be empty */
	struct span akid;
	bool partial; /* delta or indirect list, or one with critical extensions that
		       * are not handled: says nothing certain about a serial */
	uint32_t lax;
};

/*
 * One certificate, exactly: TRAILING if bytes follow. TOO_LARGE over X509_MAX,
 * DUPLICATE for an extension that occurs twice, UNSUPPORTED for a signature
 * algorithm not listed in docs/ek-certificates.md, MISMATCH where the signed and
 * the outer signature algorithm differ. The public key is not decoded here.
 */
ASSAY_MUST_USE enum assay_err x509_parse(struct span der, struct x509 *ret);
/* One CertificateList, exactly; at most X509_CRL_MAX. */
ASSAY_MUST_USE enum assay_err x509_crl_parse(struct span der, struct x509_crl *ret);

/* OK only if the signature over the received TBS bytes holds; as key_verify(). */
ASSAY_MUST_USE enum assay_err x509_verify(const struct x509 *c, const struct key *issuer);
ASSAY_MUST_USE enum assay_err x509_crl_verify(const struct x509_crl *c,
					      const struct key *issuer);
/* *ret: whether the list names this serial. Entry extensions are not read: a serial
 * that is listed is revoked, whatever the reason or date. */
ASSAY_MUST_USE enum assay_err x509_crl_lists(const struct x509_crl *c, struct span serial,
					     bool *ret);

/*
 * A hash by which names are compared (RFC 5280, 7.1): string types, case of ASCII
 * letters and runs of spaces do not matter; order and everything else does. Real
 * intermediates write their issuer as UTF8String and the root as PrintableString.
 */
ASSAY_MUST_USE enum assay_err x509_name_hash(struct span name,
					     uint8_t ret[X509_NAME_HASH_SIZE]);
/* Whether the Name has no attributes. */
bool x509_name_is_empty(struct span name);
/* "C=DE, O=..., CN=..." escaped and cut to cap; "" for an empty name. */
void x509_name_text(struct span name, char *ret, size_t cap);
/* "2.23.133.8.1" of an object identifier's content; "" if it is not one. */
void x509_oid_text(struct span oid, char *ret, size_t cap);

/* The text of one X509_LAX_x bit. */
const char *x509_lax_text(enum x509_lax_index i);

#endif
