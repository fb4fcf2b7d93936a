/* fuzz_envelope.c: any bytes as a frame of the type they claim, or as claims. What
 * is accepted must encode to the same bytes. */
#include "tests/support/frames.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = SPAN(p, n), again;
	unsigned type = frame_type(in);

	if (type == MSG_NONE)
		type = FRAMES_CLAIMS;
	if (frames_round_trip(type, in, frames_arena(), &again) == ASSAY_OK &&
	    !span_equal(in, again))
		abort();
	return 0;
}
