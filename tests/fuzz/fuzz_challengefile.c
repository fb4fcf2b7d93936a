/* fuzz_challengefile.c: a challenge in a file: what is read of it can be written, and is
 * read the same again; and whoever it is said to be of, the signature is the chain's. */
#include "evidence/challengefile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static uint8_t payload[2 * CHALLENGEFILE_PAYLOAD_MAX];
	struct challenge_file c, again;
	struct writer w;

	if (challenge_file_parse(SPAN(p, n), NULL, &c) != ASSAY_OK)
		return 0;
	wr_init(&w, payload, sizeof payload);
	if (!challenge_file_is(SPAN(p, n)) || challenge_payload_write(&c, &w) != ASSAY_OK)
		abort();
	if (challenge_file_parse(SPAN(p, n), c.root, &again) != ASSAY_OK ||
	    memcmp(c.nonce, again.nonce, sizeof c.nonce) != 0 || c.issued != again.issued)
		abort();
	return 0;
}
