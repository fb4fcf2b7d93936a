/*
 * x509_internal.h: what the x509 files and tpmattr.c share, and
 * nobody else includes.
 */
#ifndef APPRAISE_X509_INTERNAL_H
#define APPRAISE_X509_INTERNAL_H

#include "x509.h"

/* SIGNED{}: what every signed object of X.509 is. */
struct x509_signed {
	struct span tbs;       /* header included */
	struct span algorithm; /* AlgorithmIdentifier, header included */
	struct span signature; /* content of the BIT STRING */
};

struct x509_extension {
	struct span oid, value;
	bool critical;
};

/* One attribute of a Name. */
struct x509_attribute {
	struct span oid, value;
	uint8_t tag; /* of the value */
	bool first;  /* the first of its relative distinguished name */
};

/* A walk over the attributes of a Name; rdn is the set that is being read. */
struct x509_name_walk {
	struct reader name, rdn;
};

void x509_walk_init(struct x509_name_walk *w, struct span name);
/* False at the end or after an error; rd_finish(&w->name) tells which. */
bool x509_walk_next(struct x509_name_walk *w, struct x509_attribute *ret);
/* A string of one of the types that hold one character per byte, or UTF-8. */
bool x509_is_text(uint8_t tag);

ASSAY_MUST_USE enum assay_err x509_signed_parse(struct span der, struct x509_signed *ret);
ASSAY_MUST_USE enum assay_err x509_signature(const struct x509_signed *s,
					     struct signature *ret, uint32_t *lax);
/* The next element with its header; fails the reader if it has another tag. */
struct span x509_whole(struct reader *r, uint8_t tag);
/* The content of EXPLICIT [n], if it comes next; else a reader over nothing. */
struct reader x509_explicit(struct reader *r, unsigned n, bool *present);
/* UTCTime or GeneralizedTime, as seconds since 1970. */
int64_t x509_time(struct reader *r, uint32_t *lax);
/* A BOOLEAN DEFAULT FALSE, which may be absent. */
bool x509_flag(struct reader *r, uint32_t *lax);
struct span x509_serial(struct reader *r, uint32_t *lax);
struct span x509_akid(struct reader *r);
struct x509_extension x509_extension_next(struct reader *list, uint32_t *lax);
/* X509_LAX_LENGTH and X509_LAX_SET_ORDER of everything in a DER structure. */
uint32_t x509_laxity(struct span der);

#endif
