/* fuzz_appraise.c: the whole of appraise(). The first byte says what the rest is: an
 * appraisal_input as it travels, or one part of an otherwise honest round whose device
 * signs whatever it is given. What comes out must travel, and come out again the same. */
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

enum part { PART_OF_INPUT, PART_OF_LOG, PART_OF_POLICY, PART_OF_REFERENCE, PART_OF_CONTINUITY };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint8_t first[VERDICT_BYTES_MAX], second[VERDICT_BYTES_MAX];
static struct verdict again;

static void
judge(struct world *w, const struct appraisal_input *in)
{
	size_t n, m;

	appraise(in, &w->scratch, w->v);
	if (verdict_encode(w->v, first, sizeof first, &n) != ASSAY_OK ||
	    verdict_decode(SPAN(first, n), &again) != ASSAY_OK)
		abort();
	memset(w->v, 0x5A, sizeof *w->v);
	appraise(in, &w->scratch, w->v);
	if (verdict_encode(w->v, second, sizeof second, &m) != ASSAY_OK || n != m ||
	    memcmp(first, second, n) != 0)
		abort();
}

/* An honest round but for this part; references and continuity of one round before. */
static void
judge_part(struct world *w, enum part part, struct span bytes)
{
	struct appraisal_input in;
	struct span honest = w->log;

	if (part == PART_OF_LOG)
		w->log = bytes;
	world_challenge(w);
	world_prove(w);
	in = w->in;
	in.has_boot_log = true;
	in.boot_log = w->log;
	w->log = honest;
	if (part == PART_OF_POLICY)
		in.policy = bytes;
	if (part == PART_OF_REFERENCE)
		in.references[0].compiled = bytes;
	if (part == PART_OF_CONTINUITY)
		in.continuity = bytes;
	judge(w, &in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct world w;
	struct appraisal_input in;
	struct span bytes;

	if (!w.v)
		world_init(&w, "uki-good");
	if (n < 2 || n > EVENTLOG_MAX)
		return 0;
	bytes = SPAN(p + 1, n - 1);
	if (p[0] != PART_OF_INPUT && p[0] <= PART_OF_CONTINUITY)
		judge_part(&w, (enum part)p[0], bytes);
	else if (appraisal_input_decode(bytes, &in) == ASSAY_OK)
		judge(&w, &in);
	return 0;
}
