/*
 * efisig.h: EFI signature lists, the content of PK, KEK, db, dbx and of shim's lists.
 *
 * UEFI 2.10, 32.4.1. A bounded iterator over borrowed bytes. Certificates are not
 * verified here: a database is what the firmware trusts, not what we do.
 */
#ifndef APPRAISE_EFISIG_H
#define APPRAISE_EFISIG_H

#include "evidence/reader.h"

#define EFISIG_ENTRIES_MAX 16384
#define EFISIG_SUBJECT_MAX 128

enum efisig_kind {
	EFISIG_OTHER = 0,
	EFISIG_SHA1,
	EFISIG_SHA256,
	EFISIG_SHA384,
	EFISIG_SHA512,
	EFISIG_RSA2048,
	EFISIG_X509,
	EFISIG_X509_SHA256, /* hash of a certificate's to-be-signed part, and a time */
	EFISIG_X509_SHA384,
	EFISIG_X509_SHA512,
};

struct efisig {
	enum efisig_kind kind;
	struct span owner; /* GUID */
	struct span data;  /* hash, certificate... */
};

struct efisigs {
	struct reader lists; /* what follows the current list */
	struct reader list;  /* what is left of it */
	enum efisig_kind kind;
	uint32_t size; /* of an entry, owner included */
	uint32_t count;
	enum assay_err err;
};

void efisigs_init(struct efisigs *s, struct span in);
/* The next entry; false at the end and after an error. */
bool efisigs_next(struct efisigs *s, struct efisig *ret);
/* OK if all lists were well formed; MALFORMED, TOO_MANY otherwise. */
ASSAY_MUST_USE enum assay_err efisigs_finish(const struct efisigs *s);

struct efisig_counts {
	uint32_t entries, certificates, hashes, others;
};
/* Walk all of it. */
ASSAY_MUST_USE enum assay_err efisig_count(struct span in, struct efisig_counts *ret);

/* "C=..., CN=..." of a certificate's subject, escaped; "" if it is not one. */
void efisig_subject(struct span certificate, char *ret, size_t cap);
/* What an authority's data hold: a signature entry (owner and certificate) or the
 * bare certificate that old versions of shim measure. Empty if neither. */
struct span efisig_authority_certificate(struct span data);

#endif
