/* fuzz_imalog.c: any bytes as an IMA list. Entries follow each other and stay inside
 * their memory; what replays leads, as a prefix, to the value it was replayed to. */
#include "evidence/imalog.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint8_t scratch[IMALOG_SCRATCH];

static volatile uint8_t sink;

static void
touch(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		sink = sink ^ s.p[i];
}

static void
look(const struct imalog_entry *e, size_t end)
{
	struct imalog_signature s;

	if (e->pcr >= PCR_COUNT || (e->index > 0 && e->offset <= end))
		abort();
	touch(e->path);
	touch(e->file.bytes);
	touch(e->modsig_file.bytes);
	touch(e->template_name);
	for (unsigned f = 0; f < IMALOG_FIELD_COUNT; f++)
		if (e->has & 1u << f)
			touch(e->field[f]);
	if ((e->has & 1u << IMALOG_SIG) &&
	    imalog_signature(e->field[IMALOG_SIG], &s) == ASSAY_OK)
		touch(s.bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct imalog_replay r;
	struct imalog_prefix prefix;
	struct imalog_entry e;
	struct imalog l;
	size_t end = 0;
	bool contradicts;
	enum assay_err err;

	if (imalog_open(SPAN(p, n), scratch, sizeof scratch, &l) != ASSAY_OK)
		return 0;
	imalog_replay_init(&r, IMALOG_PCR);
	if (imalog_replay_add(&r, ALG_SHA256, IMALOG_HASHED) != ASSAY_OK)
		abort();
	while (imalog_next(&l, &e)) {
		look(&e, end);
		end = e.offset;
		if (imalog_replay_extend(&r, &e, &contradicts) != ASSAY_OK)
			abort();
	}
	if (imalog_finish(&l) == ASSAY_STATE)
		abort();
	if (r.extends == 0 || imalog_open(SPAN(p, n), scratch, sizeof scratch, &l) != ASSAY_OK)
		return 0;
	err = imalog_find_prefix(&l, &r.value[0].pcr, IMALOG_PCR, &prefix);
	if ((err != ASSAY_OK && err != ASSAY_TAMPERED) || prefix.entries > r.entries)
		abort();
	return 0;
}
