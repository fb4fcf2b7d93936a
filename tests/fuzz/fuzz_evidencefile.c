/* fuzz_evidencefile.c: evidence in a file: what is read is written again as the same bytes,
 * but for records that are there and empty; and no part of it is longer than it may be. */
#include "evidence/evidencefile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct evidence_file f, again;
	struct writer w;
	uint8_t *out;

	if (evidence_file_parse(SPAN(p, n), &f) != ASSAY_OK)
		return 0;
	if (f.proof.n == 0 || f.proof.n > MSG_PROOF_MAX || f.claims.n > MSG_CLAIMS_MAX ||
	    f.boot_log.n > EVENTLOG_MAX || (f.nonce.n != 0 && f.nonce.n != BINDING_NONCE_SIZE))
		abort();
	out = malloc(n);
	wr_init(&w, out, n);
	if (evidence_file_write(&f, &w) != ASSAY_OK ||
	    evidence_file_parse(wr_span(&w), &again) != ASSAY_OK ||
	    !span_equal(f.proof, again.proof) || !span_equal(f.nonce, again.nonce) ||
	    !span_equal(f.ima, again.ima) || f.has_boot_log != again.has_boot_log)
		abort();
	free(out);
	return 0;
}
