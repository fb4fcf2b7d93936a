/* imafiles.c: see imafiles.h. */
#include "imafiles.h"

#include "digestset_build.h"

#include "evidence/imalog.h"

#include <stdlib.h>

static bool
is_file(const struct imalog_entry *e)
{
	bool named = e->path.n > 0 && e->path.p[0] == '/';

	return named && e->pcr == IMALOG_PCR && e->plain && !e->violation &&
	       e->file.alg != ALG_NONE && e->file.bytes.n > 0 && !(e->has & 1u << IMALOG_BUF) &&
	       !imalog_is_boot_aggregate(e);
}

static enum assay_err
add(struct digestset_builder *b, const struct imalog_entry *e)
{
	struct digestset_digest d = {e->file.alg, e->file.verity, e->file.bytes};
	struct digest hash;
	enum assay_err err = imalog_template_hash(e, e->template_alg, &hash);

	if (err != ASSAY_OK)
		return err;
	if (!span_equal(digest_span(&hash), e->template_digest))
		return ASSAY_MISMATCH; /* nothing has proved what the entry says */
	return digestset_add(b, e->path, &d);
}

static enum assay_err
add_all(struct digestset_builder *b, struct span list)
{
	struct imalog_entry e;
	struct imalog l;
	enum assay_err err = imalog_open(list, NULL, 0, &l);

	if (err == ASSAY_OK && l.format != IMALOG_BINARY)
		return ASSAY_UNSUPPORTED;
	while (err == ASSAY_OK && imalog_next(&l, &e))
		if (is_file(&e))
			err = add(b, &e);
	return err == ASSAY_OK ? imalog_finish(&l) : err;
}

enum assay_err
imafiles_compile(struct span list, uint8_t **ret, size_t *ret_len)
{
	struct digestset_builder *b = digestset_builder_new();
	enum assay_err e = b ? add_all(b, list) : ASSAY_NO_MEMORY;

	if (e == ASSAY_OK)
		e = digestset_build(b, ret, ret_len);
	digestset_builder_free(b);
	return e;
}
