/* fuzz_digestset.c: any bytes as a set of files: look-ups stay inside them and end, and what
 * is accepted in whole answers as it is listed. */
#include "verifier/appraise/digestset.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
look_up_everything(const struct digestset *s, bool sound)
{
	static uint8_t buf[DIGESTSET_PATH_MAX];
	struct digestset_digest d;
	uint32_t path;

	for (uint32_t i = 0; i < s->records && i < 64; i++) {
		struct span name;
		struct digestset_expected x;
		struct digestset_query q;

		if (!digestset_record(s, i, &d, &path))
			continue;
		if (!digestset_has(s, &d, NULL) && sound)
			abort();
		name = digestset_path(s, path, buf);
		if (name.n == 0)
			continue;
		digestset_expect(s, DIGESTSET_STEP_TABLE, name, &x);
		digestset_expect(s, DIGESTSET_STEP_NUMBER, name, &x);
		digestset_expect(s, DIGESTSET_STEP_RECORD, name, &x);
		q = (struct digestset_query){name, x.hash, &d};
		if (digestset_find_expected(s, &q, &path) != DIGESTSET_EQUAL && sound)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct digestset s;
	bool sound = digestset_check(SPAN(p, n)) == ASSAY_OK;

	if (digestset_open(SPAN(p, n), &s) == ASSAY_OK)
		look_up_everything(&s, sound);
	else if (sound)
		abort();
	return 0;
}
