/* test_bootkept.c: facts of a boot log, kept while the boot goes on. */
#include "tests/support/unit.h"

#include "verifier/appraise/bootkept.h"
#include "verifier/appraise/fact.h"

#include <string.h>

static struct verdict v;
static struct boot_kept kept;
static uint8_t bytes[BOOT_FACTS_BYTES_MAX];

static void
add(enum fact_id id, const char *text)
{
	struct fact *f = &v.facts[v.nfacts++];

	*f = (struct fact){.id = (uint16_t)id, .provenance = PROV_REPLAYED, .index = -1,
			   .event = 7};
	strncpy(f->text, text, sizeof f->text - 1);
}

static size_t
encoded(void)
{
	size_t n;

	assert_int_equal(boot_facts_encode(&v, bytes, sizeof bytes, &n), ASSAY_OK);
	return n;
}

static int
start(void **state)
{
	(void)state;
	memset(&v, 0, sizeof v);
	add(FACT_DEVICE_TIER, "tpm");
	add(FACT_BOOT_SECURE_BOOT, "true");
	add(FACT_PCR, "sha256:00");
	add(FACT_BOOT_CMDLINE, "quiet");
	add(FACT_BOOT_LOG, "true");
	return 0;
}

static void
what_is_of_the_log_is_kept_and_nothing_else(void **state)
{
	(void)state;
	assert_true(boot_facts_found(&v));
	assert_int_equal(boot_facts_decode(SPAN(bytes, encoded()), &kept), ASSAY_OK);
	assert_int_equal(kept.nfacts, 2);
	assert_int_equal(kept.facts[0].id, FACT_BOOT_SECURE_BOOT);
	assert_int_equal(kept.facts[1].id, FACT_BOOT_CMDLINE);
	assert_string_equal(kept.facts[1].text, "quiet");
	assert_int_equal(kept.facts[1].event, 7);
	assert_int_equal(kept.facts[1].provenance, PROV_REPLAYED);
}

static void
a_verdict_without_facts_of_the_log_has_none(void **state)
{
	(void)state;
	v.nfacts = 1;
	assert_false(boot_facts_found(&v));
	assert_int_equal(boot_facts_decode(SPAN(bytes, encoded()), &kept), ASSAY_OK);
	assert_int_equal(kept.nfacts, 0);
	kept.nfacts = 9;
	assert_int_equal(boot_facts_decode(SPAN(NULL, 0), &kept), ASSAY_OK);
	assert_int_equal(kept.nfacts, 0);
}

static void
the_longest_facts_fit(void **state)
{
	char text[FACT_TEXT_MAX];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	v.nfacts = 0;
	while (v.nfacts < VERDICT_FACTS_MAX)
		add(FACT_BOOT_CMDLINE, text);
	assert_int_equal(boot_facts_decode(SPAN(bytes, encoded()), &kept), ASSAY_OK);
	assert_int_equal(kept.nfacts, VERDICT_FACTS_MAX);
}

static void
refuses_what_is_no_fact_of_a_log(void **state)
{
	size_t n = encoded();

	(void)state;
	/* form, count, then the first fact's number */
	bytes[4] = FACT_DEVICE_TIER;
	assert_int_equal(boot_facts_decode(SPAN(bytes, n), &kept), ASSAY_MALFORMED);
	assert_int_equal(kept.nfacts, 0);
}

static void
refuses_every_truncation_and_extension(void **state)
{
	size_t n = encoded();

	(void)state;
	bytes[n] = 0;
	assert_int_not_equal(boot_facts_decode(SPAN(bytes, n + 1), &kept), ASSAY_OK);
	for (size_t i = 1; i < n; i++) {
		assert_int_not_equal(boot_facts_decode(SPAN(bytes, i), &kept), ASSAY_OK);
		assert_int_equal(kept.nfacts, 0);
	}
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, start)
	const struct CMUnitTest tests[] = {
		CASE(what_is_of_the_log_is_kept_and_nothing_else),
		CASE(a_verdict_without_facts_of_the_log_has_none),
		CASE(the_longest_facts_fit),
		CASE(refuses_what_is_no_fact_of_a_log),
		CASE(refuses_every_truncation_and_extension),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
