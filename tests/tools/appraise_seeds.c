/* appraise_seeds.c: writes the seeds of fuzz_appraise, fuzz_verdict and fuzz_reference
 * into tests/fuzz/corpus. Run from the top folder after a form has changed. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t buf[1u << 20];

static void
save(const char *path, int kind, struct span bytes)
{
	FILE *f = fopen(path, "wb");

	if (!f || (kind >= 0 && fputc(kind, f) == EOF) ||
	    fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void
writes_seeds(void **state)
{
	static struct world w;
	struct span log;
	size_t n;

	(void)state;
	world_init(&w, "uki-good");
	(void)world_round(&w);
	log = w.log;
	save("tests/fuzz/corpus/appraise/log", 1, log);
	save("tests/fuzz/corpus/appraise/policy", 2, w.in.policy);
	save("tests/fuzz/corpus/appraise/reference", 3, w.in.references[0].compiled);
	save("tests/fuzz/corpus/appraise/continuity", 4, w.in.continuity);
	save("tests/fuzz/corpus/reference/uki-good", -1, w.in.references[0].compiled);
	world_reboot(&w, "uki-cmdline");
	world_challenge(&w);
	world_prove(&w);
	(void)world_judge(&w);
	assert_int_equal(appraisal_input_encode(&w.in, buf, sizeof buf, &n), ASSAY_OK);
	save("tests/fuzz/corpus/appraise/input", 0, SPAN(buf, n));
	w.in.kind = BINDING_TPM_OFFLINE;
	w.in.issued = w.in.now - 60;
	w.in.channel = SPAN(NULL, 0);
	assert_int_equal(appraisal_input_encode(&w.in, buf, sizeof buf, &n), ASSAY_OK);
	save("tests/fuzz/corpus/appraise/input-offline", 0, SPAN(buf, n));
	assert_int_equal(verdict_encode(w.v, buf, sizeof buf, &n), ASSAY_OK);
	save("tests/fuzz/corpus/verdict/quarantine", -1, SPAN(buf, n));
	assert_int_equal(continuity_encode(&w.v->next, buf, sizeof buf, &n), ASSAY_OK);
	save("tests/fuzz/corpus/verdict/continuity", -1, SPAN(buf, n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(writes_seeds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
