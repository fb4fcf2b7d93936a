/*
 * roots.h: an image of trusted roots, known intermediates and revocation lists, to
 * find an issuer among thousands.
 *
 * The image is one run of bytes without pointers, made once by roots_compile.c and
 * then mapped read-only by any number of processes. It is trusted as to which
 * certificates are roots; the certificates in it are parsed again when used.
 *
 * Layout, integers big-endian:
 *   header  "ASSAYR01", u32 size of the image, u32 certificates, u32 lists, 12 zeros
 *   records, certificates first, then lists; each kind sorted by its first 64 bytes:
 *     32 B hash of the subject (lists: issuer), x509_name_hash()
 *     32 B SHA-256 of the key identifier (lists: authority's), zeros if absent
 *     u32 offset, u32 length, u32 flags, u32 zero
 *   the DER bytes
 */
#ifndef APPRAISE_ROOTS_H
#define APPRAISE_ROOTS_H

#include "x509.h"

#define ROOTS_MAGIC "ASSAYR01"
#define ROOTS_HEADER_SIZE 32
#define ROOTS_RECORD_SIZE 80
#define ROOTS_KEY_SIZE 64
#define ROOTS_ENTRIES_MAX 65536u
#define ROOTS_IMAGE_MAX (15u << 20) /* ten thousand and more; fits one bulk message */
#define ROOTS_FLAG_ROOT 1u

struct roots {
	struct span image;
	uint32_t certs, crls;
};

struct roots_entry {
	struct span der;
	bool is_root; /* self-issued, and its own signature holds */
};

/* A running lookup; the inside is roots.c's. */
struct roots_search {
	const struct roots *roots;
	uint32_t base, count; /* which records: certificates or lists */
	uint8_t key[ROOTS_KEY_SIZE];
	uint32_t next;
	bool by_key_id, matching; /* matching: those with the key identifier, first */
};

/* BAD_MAGIC, TRUNCATED, TOO_MANY, MISMATCH for an image that is not one. An empty
 * span is an image without roots. */
ASSAY_MUST_USE enum assay_err roots_open(struct span image, struct roots *ret);
/*
 * Certificates whose subject is this name: first those with this key identifier
 * (may be empty), then the others. Errors of the name end the search at once.
 */
void roots_find_issuer(const struct roots *r, struct span name, struct span key_id,
		       struct roots_search *ret);
/* Revocation lists of this issuer, in the same way. */
void roots_find_crl(const struct roots *r, struct span name, struct span key_id,
		    struct roots_search *ret);
/* False at the end. */
bool roots_next(struct roots_search *s, struct roots_entry *ret);
/* The first 64 bytes of a record, for the compiler. */
ASSAY_MUST_USE enum assay_err roots_key(struct span name, struct span key_id,
					uint8_t ret[ROOTS_KEY_SIZE]);

#endif
