/*
 * imalog_parts.h: what the files of imalog share, and nobody else includes.
 */
#ifndef EVIDENCE_IMALOG_PARTS_H
#define EVIDENCE_IMALOG_PARTS_H

#include "imalog.h"

#define IMALOG_OLD_DIGEST 20	 /* bytes of template ima's digest field: SHA-1, violations */
#define IMALOG_OLD_DIGEST_MD5 16

enum imalog_form {
	FORM_DIGEST,	      /* bare */
	FORM_ALG_DIGEST,      /* "sha256:" NUL digest */
	FORM_TYPE_ALG_DIGEST, /* "verity:sha256:" NUL digest */
	FORM_STRING,	      /* with its NUL */
	FORM_BYTES,
	FORM_UINT32,
	FORM_UINT16,
};

enum imalog_form imalog_form_of(enum imalog_field f);
/* Make name the template of what is read next; its error is kept in l->in. */
void imalog_use_template(struct imalog *l, struct span name);
/* Algorithm of template hashes of n bytes, or ALG_NONE. */
uint16_t imalog_template_alg(size_t n);
/* Template data to fields, path and digests of e. */
ASSAY_MUST_USE enum assay_err imalog_read_data(struct imalog *l, struct span data,
					       struct imalog_entry *e);
/* The same for template ima, whose two fields stand alone. */
ASSAY_MUST_USE enum assay_err imalog_read_old(struct imalog *l, struct span digest,
					      struct span name, struct imalog_entry *e);
/* The listed hash is of the data, or the entry is a violation. */
ASSAY_MUST_USE enum assay_err imalog_check(const struct imalog_entry *e, bool *ret_equal);
/* One entry of an ascii list; errors are left in l->in. */
void imalog_next_ascii(struct imalog *l, struct imalog_entry *ret);

#endif
