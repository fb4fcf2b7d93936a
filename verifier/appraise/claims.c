/* claims.c: what software says: at hand, the one that was signed, and of the right
 * form. See appraisal.h. */
#include "appraisal.h"

#include "text.h"

#include <string.h>

/* The quote covers the digest, not these bytes: if they differ, nobody signed them. */
static bool
not_signed(struct appraisal *a)
{
	return appraisal_unproven(a, FIND_BINDING, "claims", "");
}

bool
claims_check(struct appraisal *a)
{
	const struct span empty = SPAN("", 0);
	struct span bytes = a->proof.claims.n != 0 ? a->proof.claims : a->in->claims;
	uint8_t digest[32];
	struct finding *f;
	enum assay_err e;

	/* Claims without content are sound, and empty: the digest tells them apart. */
	if (digest_sha256(bytes.n ? bytes : empty, digest) != ASSAY_OK)
		return false;
	if (!span_equal(SPAN(digest, 32), a->proof.claims_digest))
		return bytes.n == 0 ? appraisal_needs(a, PART_CLAIMS, MSG_CLAIMS_MAX)
				    : not_signed(a);
	if (a->proof.claims.n != 0 && a->in->claims.n != 0 &&
	    !span_equal(a->proof.claims, a->in->claims))
		return not_signed(a);
	e = envelope_decode_claims(bytes, a->scratch, &a->claims);
	if (e == ASSAY_OK && a->claims.boot_log_size <= EVENTLOG_MAX) {
		a->has_claims = true;
		return true;
	}
	f = find(a, FIND_MALFORMED, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "claims");
	text_format(f->seen, sizeof f->seen, "%s", assay_err_text(e));
	memset(&a->claims, 0, sizeof a->claims);
	return true;
}
