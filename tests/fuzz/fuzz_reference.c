/* fuzz_reference.c: any bytes as a compiled reference set, and any boot log captured
 * as one. What is accepted reads to its end, and is written again as the same bytes. */
#include "evidence/eventlog.h"
#include "verifier/appraise/reference.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint8_t out[REFERENCE_BYTES_MAX];

static void
write_again(struct reference r, struct span in)
{
	struct reference_event ev;
	struct writer w;

	wr_init(&w, out, sizeof out);
	reference_write_head(&w, &r.pcrs, r.nevents);
	while (reference_next(&r, &ev))
		reference_write_event(&w, &ev);
	if (r.events.err != ASSAY_OK || !span_equal(wr_span(&w), in))
		abort();
}

static void
capture(struct span log)
{
	static struct continuity c;
	static struct eventlog_replay replay;
	struct reference r;
	struct writer w;

	memset(&c, 0, sizeof c);
	if (eventlog_replay(log, false, &replay) != ASSAY_OK)
		return;
	c.present = c.has_boot_log = true;
	c.quoted = replay.pcrs;
	if (digest_sha256(log, c.boot_log_digest) != ASSAY_OK)
		abort();
	wr_init(&w, out, sizeof out);
	if (reference_capture(log, &c, replay.pcrs.count ? replay.pcrs.bank[0].mask : 0, &w) ==
		    ASSAY_OK &&
	    reference_open(wr_span(&w), &r) != ASSAY_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct reference r;

	if (reference_open(SPAN(p, n), &r) == ASSAY_OK)
		write_again(r, SPAN(p, n));
	capture(SPAN(p, n));
	return 0;
}
