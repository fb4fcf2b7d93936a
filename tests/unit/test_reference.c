/* test_reference.c: reference sets: captured from a boot, compiled, read in place. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

#define PCRS 0x7BFFu /* 0-9, 11-14 */

static uint8_t out[1u << 20];
static struct span log_;
static struct continuity c;

/* Continuity of a device that booted this log and quoted the PCRs of a mask. */
static void
boot(const char *name, uint32_t mask)
{
	static struct eventlog_replay r;

	unit_free(log_);
	log_ = unit_data(name);
	memset(&c, 0, sizeof c);
	c.present = c.has_boot_log = true;
	assert_int_equal(digest_sha256(log_, c.boot_log_digest), ASSAY_OK);
	assert_int_equal(eventlog_replay(log_, false, &r), ASSAY_OK);
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct digest *l = pcr_value(&r.pcrs, ALG_SHA256, i);
		struct digest d;

		if ((mask >> i & 1) == 0)
			continue;
		assert_int_equal(pcr_reset_value(ALG_SHA256, i, &d), ASSAY_OK);
		assert_int_equal(pcr_set(&c.quoted, i, l ? l : &d), ASSAY_OK);
	}
}

static enum assay_err
capture(uint32_t mask, struct span *ret)
{
	struct writer w;
	enum assay_err e;

	wr_init(&w, out, sizeof out);
	e = reference_capture(log_, &c, mask, &w);
	*ret = wr_span(&w);
	return e;
}

static int
start(void **state)
{
	(void)state;
	log_ = SPAN(NULL, 0);
	boot("eventlog/grub-good.bin", PCRS);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	unit_free(log_);
	return 0;
}

static void
a_log_that_does_not_lead_to_the_quoted_values_is_refused(void **state)
{
	struct span s;

	(void)state;
	c.quoted.bank[0].value[8].b[0] ^= 1;
	assert_int_equal(capture(PCRS, &s), ASSAY_MISMATCH);
	assert_int_equal(capture(PCRS & ~(1u << 8), &s), ASSAY_OK); /* not one of them */
	c.boot_log_digest[0] ^= 1;
	assert_int_equal(capture(1, &s), ASSAY_MISMATCH);
	c.has_boot_log = false;
	assert_int_equal(capture(1, &s), ASSAY_MISMATCH);
}

static void
what_was_not_quoted_or_proves_nothing_is_refused(void **state)
{
	struct span s;

	(void)state;
	assert_int_equal(capture(PCRS | 1u << 10, &s), ASSAY_MISSING);
	assert_int_equal(capture(0, &s), ASSAY_MISSING);
	assert_int_equal(capture(1u << 16, &s), ASSAY_DENIED);
	assert_int_equal(capture(1u << 23, &s), ASSAY_DENIED);
	c.present = false;
	assert_int_equal(capture(1, &s), ASSAY_MISMATCH);
}

static void
a_captured_set_has_values_and_events_in_order(void **state)
{
	struct reference r;
	struct reference_event ev;
	struct span s;
	unsigned n = 0, per_device = 0, cmdline = 0;

	(void)state;
	assert_int_equal(capture(PCRS, &s), ASSAY_OK);
	assert_int_equal(reference_open(s, &r), ASSAY_OK);
	assert_int_equal(pcr_bank_of(&r.pcrs, ALG_SHA256)->mask, PCRS);
	assert_true(digest_equal(pcr_value(&r.pcrs, ALG_SHA256, 8),
				 pcr_value(&c.quoted, ALG_SHA256, 8)));
	while (reference_next(&r, &ev)) {
		n++;
		per_device += ev.per_device;
		cmdline += ev.description.n > 20 &&
			   memcmp(ev.description.p, "kernel command line:", 20) == 0;
		assert_int_equal(ev.ndigests, 1);
		assert_int_equal(ev.digests[0].alg, ALG_SHA256);
		assert_true((PCRS >> ev.pcr & 1) != 0);
	}
	assert_int_equal(r.events.err, ASSAY_OK);
	assert_int_equal(n, r.nevents);
	assert_true(n > 30);
	assert_int_equal(cmdline, 1);
	assert_true(per_device > 0); /* boot order, partition table */
}

static void
only_the_asked_pcrs_are_kept(void **state)
{
	struct reference r;
	struct reference_event ev;
	struct span s;

	(void)state;
	assert_int_equal(capture(1u << 4 | 1u << 8, &s), ASSAY_OK);
	assert_int_equal(reference_open(s, &r), ASSAY_OK);
	assert_int_equal(r.pcrs.bank[0].mask, 1u << 4 | 1u << 8);
	while (reference_next(&r, &ev))
		assert_true(ev.pcr == 4 || ev.pcr == 8);
}

static void
the_same_boot_is_the_same_set(void **state)
{
	uint8_t a[32], b[32];
	struct span s;

	(void)state;
	assert_int_equal(capture(PCRS, &s), ASSAY_OK);
	assert_int_equal(digest_sha256(s, a), ASSAY_OK);
	c.reset_count = 9;
	c.clock = 77;
	assert_int_equal(capture(PCRS, &s), ASSAY_OK);
	assert_int_equal(digest_sha256(s, b), ASSAY_OK);
	assert_memory_equal(a, b, sizeof a);
}

static void
without_a_log_values_alone_are_kept(void **state)
{
	struct reference r;
	struct span s;

	(void)state;
	unit_free(log_);
	log_ = SPAN(NULL, 0);
	assert_int_equal(capture(PCRS, &s), ASSAY_MISMATCH); /* there was one */
	c.has_boot_log = false;
	assert_int_equal(capture(PCRS, &s), ASSAY_OK);
	assert_int_equal(reference_open(s, &r), ASSAY_OK);
	assert_int_equal(r.nevents, 0);
}

static void
a_description_is_kept_up_to_its_limit(void **state)
{
	static char words[REFERENCE_DESCRIPTION_MAX + 1];
	static uint8_t bytes[4096];
	const uint8_t digest[32] = {1};
	const struct pcr_values none = {0};
	struct reference_event ev = {.pcr = 8, .type = 13, .ndigests = 1}, read;
	struct reference r;
	struct writer w;

	(void)state;
	ev.digests[0] = (struct event_ref_digest){ALG_SHA256, SPAN(digest, 32)};
	memset(words, 'w', sizeof words);
	for (size_t over = 0; over < 2; over++) {
		ev.description = SPAN(words, REFERENCE_DESCRIPTION_MAX + over);
		wr_init(&w, bytes, sizeof bytes);
		reference_write_head(&w, &none, 1);
		reference_write_event(&w, &ev);
		assert_int_equal(w.err == ASSAY_OK, over == 0);
		if (over != 0)
			return;
		assert_int_equal(reference_open(wr_span(&w), &r), ASSAY_OK);
		assert_true(reference_next(&r, &read));
		assert_true(span_equal(read.description, ev.description));
	}
}

static void
mutant_is_refused_or_canonical(struct span m, const char *what, void *arg)
{
	static uint8_t again[1u << 20];
	struct reference r;
	struct reference_event ev;
	struct writer w;

	(void)arg;
	if (reference_open(m, &r) != ASSAY_OK)
		return;
	wr_init(&w, again, sizeof again);
	reference_write_head(&w, &r.pcrs, r.nevents);
	while (reference_next(&r, &ev))
		reference_write_event(&w, &ev);
	if (r.events.err != ASSAY_OK || !span_equal(wr_span(&w), m))
		fail_msg("%s: opens but is not canonical", what);
}

static void
every_altered_set_is_refused_or_canonical(void **state)
{
	struct span s, copy;
	uint8_t *p;

	(void)state;
	assert_int_equal(capture(PCRS, &s), ASSAY_OK);
	p = malloc(s.n);
	assert_non_null(p);
	memcpy(p, s.p, s.n);
	copy = SPAN(p, s.n);
	unit_mutate(copy, 0, mutant_is_refused_or_canonical, NULL);
	free(p);
}

static void
a_buffer_that_is_too_small_is_told(void **state)
{
	struct span whole;

	(void)state;
	assert_int_equal(capture(PCRS, &whole), ASSAY_OK);
	for (size_t n = 0; n < whole.n; n += 61) {
		struct writer w;

		wr_init(&w, out, n);
		assert_int_equal(reference_capture(log_, &c, PCRS, &w), ASSAY_FULL);
	}
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(a_log_that_does_not_lead_to_the_quoted_values_is_refused),
		CASE(what_was_not_quoted_or_proves_nothing_is_refused),
		CASE(a_captured_set_has_values_and_events_in_order),
		CASE(only_the_asked_pcrs_are_kept),
		CASE(the_same_boot_is_the_same_set),
		CASE(without_a_log_values_alone_are_kept),
		CASE(a_description_is_kept_up_to_its_limit),
		CASE(every_altered_set_is_refused_or_canonical),
		CASE(a_buffer_that_is_too_small_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
