/* fuzz_softset.c: any bytes as a set of software, as an explanation, and as a file of
 * tests: what is accepted can be read to its end, within its bounds. */
#include "verifier/appraise/explain.h"
#include "verifier/appraise/softset.h"
#include "verifier/compiler/policy_testfile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
read_set(struct span in)
{
	struct softset_item item;
	struct softset_fact fact;
	struct softset s;
	uint32_t items = 0;

	if (softset_check(in) != ASSAY_OK)
		return;
	if (softset_open(in, &s) != ASSAY_OK)
		abort();
	for (; softset_next_item(&s, &item); items++)
		if (item.name.n == 0 || item.name.n > MSG_ITEM_NAME_MAX)
			abort();
	while (softset_next_fact(&s, &fact))
		;
	if (items > SOFTSET_ITEMS_MAX || s.r.err != ASSAY_OK)
		abort();
}

static void
read_told(struct span in)
{
	static struct told t;
	static uint8_t again[TOLD_BYTES_MAX];
	size_t n;

	if (told_decode(in, &t) != ASSAY_OK)
		return;
	if (told_encode(&t, again, sizeof again, &n) != ASSAY_OK ||
	    !span_equal(in, SPAN(again, n)))
		abort();
}

static void
read_tests(struct span in)
{
	static struct yaml_doc doc;
	static struct yaml_errors errs;
	struct policy_info info = {.class_name = "*"};
	struct policy_tests t;

	yaml_errors_init(&errs, "t.yaml");
	if (!yaml_locate(in, &doc, &errs))
		return;
	if (policy_tests_load(&doc, &info, &t, &errs))
		policy_tests_free(&t);
	else if (errs.count == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	read_set(SPAN(p, n));
	read_told(SPAN(p, n));
	read_tests(SPAN(p, n));
	return 0;
}
