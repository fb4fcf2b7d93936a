/* fuzz_eventlog.c: any bytes as an event log, of a TPM and of a confidential computer.
 * What is accepted replays to the same values at once and step by step, and what it
 * left out is its tail. */
#include "evidence/eventlog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(struct span log, bool cc)
{
	static struct eventlog_replay whole;
	static struct eventlog_walk w;
	struct event ev;
	size_t end = 0;
	enum assay_err e = eventlog_replay(log, cc, &whole);

	if (eventlog_walk_open(log, cc, &w) != ASSAY_OK) {
		if (e == ASSAY_OK)
			abort();
		return;
	}
	while (eventlog_walk_next(&w, &ev)) {
		if (ev.pcr >= PCR_COUNT || ev.offset < end || ev.data.n > log.n)
			abort();
		end = ev.offset;
	}
	if (eventlog_walk_finish(&w) != e)
		abort();
	if (e == ASSAY_OK && (memcmp(&w.run, &whole, sizeof whole) != 0 ||
			      whole.tail_bytes >= log.n || whole.events == 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	check(SPAN(p, n), false);
	check(SPAN(p, n), true);
	return 0;
}
