/* test_appraise_mutants.c: every bit flip, byte change, truncation and extension of a
 * valid proof, quote, signature, claims and boot log, through all of appraise(): none
 * is better than the original, none of what nobody signed is believed at all. */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

static struct world w;
static unsigned tried;

static int
start(void **state)
{
	(void)state;
	world_init(&w, "uki-good");
	tried = 0;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static void
assert_believed_nowhere(const char *what)
{
	tried++;
	if (w.v->status != VERDICT_UNPROVEN || w.v->outcome != OUTCOME_QUARANTINE ||
	    w.v->next.present)
		fail_msg("%s: status %d, outcome %s", what, (int)w.v->status,
			 outcome_name(w.v->outcome));
}

static void
proof_mutant(struct span m, const char *what, void *arg)
{
	(void)arg;
	w.in.proof = m;
	(void)world_appraise(&w);
	assert_believed_nowhere(what);
}

static void
q5_q9_q13_no_altered_proof_is_believed(void **state)
{
	(void)state;
	world_challenge(&w);
	world_prove(&w);
	w.in.has_boot_log = true;
	w.in.boot_log = w.log;
	assert_admitted(world_appraise(&w));
	unit_mutate(SPAN(w.evidence.proof, w.evidence.proof_len), 0, proof_mutant, NULL);
	assert_true(tried > 8 * w.evidence.proof_len);
}

static void
signature_mutant(struct span m, const char *what, void *arg)
{
	struct softtpm_quote *q = &w.evidence.quotes[0];

	(void)arg;
	if (m.n == 0 || m.n > sizeof q->signature)
		return;
	memcpy(q->signature, m.p, m.n);
	q->signature_len = (uint16_t)m.n;
	world_encode(&w);
	(void)world_appraise(&w);
	assert_believed_nowhere(what);
}

static void
q7_q9_no_altered_signature_is_believed(void **state)
{
	struct softtpm_quote sound;

	(void)state;
	world_challenge(&w);
	world_prove(&w);
	sound = w.evidence.quotes[0];
	unit_mutate(SPAN(sound.signature, sound.signature_len), 0, signature_mutant, NULL);
	assert_true(tried > 8u * sound.signature_len);
}

struct signed_mutant {
	struct softtpm_quote sound;
	unsigned admitted;
};

/* Bytes 76 to 100 are clock, counters and firmware version: what a TPM may say. */
static void
attest_mutant(struct span m, const char *what, void *arg)
{
	struct signed_mutant *s = arg;
	struct softtpm_quote *q = &w.evidence.quotes[0];

	if (m.n == 0 || m.n > sizeof q->attest)
		return;
	*q = s->sound;
	memcpy(q->attest, m.p, m.n);
	q->attest_len = (uint16_t)m.n;
	softtpm_sign(&w.tpm, q);
	world_encode(&w);
	(void)world_judge(&w);
	tried++;
	if (w.v->status == VERDICT_UNPROVEN)
		return;
	for (size_t i = 0; i < m.n; i++)
		if ((i < 76 || i > 100) &&
		    (m.n != s->sound.attest_len || m.p[i] != s->sound.attest[i]))
			fail_msg("%s: status %d", what, (int)w.v->status);
	s->admitted += w.v->outcome == OUTCOME_ADMIT;
}

static void
q1_to_q12_no_altered_quote_passes_even_if_signed(void **state)
{
	struct signed_mutant s = {0};

	(void)state;
	world_challenge(&w);
	world_prove(&w);
	s.sound = w.evidence.quotes[0];
	unit_mutate(SPAN(s.sound.attest, s.sound.attest_len), 0, attest_mutant, &s);
	assert_true(tried > 8u * s.sound.attest_len);
	assert_true(s.admitted > 0); /* so the rest was refused for what it is */
}

static void
claims_mutant(struct span m, const char *what, void *arg)
{
	(void)arg;
	if (m.n == 0 || m.n > MSG_CLAIMS_MAX)
		return;
	w.in.claims = m;
	(void)world_appraise(&w);
	assert_believed_nowhere(what);
}

static void
no_altered_claims_are_believed(void **state)
{
	(void)state;
	w.ask.claims_apart = true;
	world_challenge(&w);
	world_prove(&w);
	w.in.has_boot_log = true;
	w.in.boot_log = w.log;
	unit_mutate(SPAN(w.evidence.claims, w.evidence.claims_len), 0, claims_mutant, NULL);
	assert_true(tried > 8 * w.evidence.claims_len);
}

static void
log_mutant(struct span m, const char *what, void *arg)
{
	(void)arg;
	w.in.boot_log = m;
	(void)world_appraise(&w);
	assert_believed_nowhere(what);
}

static void
l13_no_altered_boot_log_is_believed(void **state)
{
	(void)state;
	world_challenge(&w);
	world_prove(&w);
	w.in.has_boot_log = true;
	unit_mutate(w.log, 0, log_mutant, NULL);
	assert_true(tried > 8 * w.log.n);
}

/* A device that signs the altered log: what it admits led to the quoted values. */
static void
signed_log_mutant(struct span m, const char *what, void *arg)
{
	struct span honest = w.log;
	struct eventlog_replay r;

	(void)arg;
	tried++;
	w.log = m;
	world_challenge(&w);
	world_prove(&w);
	w.in.has_boot_log = true;
	w.in.boot_log = m;
	(void)world_appraise(&w);
	w.log = honest;
	if (w.v->outcome == OUTCOME_QUARANTINE)
		return;
	assert_int_equal(eventlog_replay(m, false, &r), ASSAY_OK);
	for (unsigned i = 0; i < PCR_COUNT; i++) {
		const struct digest *l = pcr_value(&r.pcrs, ALG_SHA256, i);

		if (l && (w.in.asked.bank[0].mask >> i & 1) &&
		    !digest_equal(l, pcr_value(&w.tpm.pcrs, ALG_SHA256, i)))
			fail_msg("%s: PCR %u does not replay", what, i);
	}
}

static void
l1_l13_no_altered_log_that_is_signed_gains_what_does_not_replay(void **state)
{
	(void)state;
	unit_mutate(w.log, 4000, signed_log_mutant, NULL);
	assert_true(tried > 4000);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		CASE(q5_q9_q13_no_altered_proof_is_believed),
		CASE(q7_q9_no_altered_signature_is_believed),
		CASE(q1_to_q12_no_altered_quote_passes_even_if_signed),
		CASE(no_altered_claims_are_believed),
		CASE(l13_no_altered_boot_log_is_believed),
		CASE(l1_l13_no_altered_log_that_is_signed_gains_what_does_not_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
