/* test_verdict.c: canonical encodings of verdict, continuity, appraisal and enrolment. */
#include "tests/support/unit.h"

#include "verifier/appraise/appraise.h"
#include "verifier/appraise/fact.h"

#include <stdlib.h>
#include <string.h>

static uint8_t bytes[VERDICT_BYTES_MAX], again[VERDICT_BYTES_MAX];

static void
fill_values(struct pcr_values *v, uint8_t seed)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256};

	for (unsigned i = 0; i < 8; i++) {
		struct digest d;

		assert_int_equal(digest_fill(algs[i % 2], (uint8_t)(seed + i), &d), ASSAY_OK);
		assert_int_equal(pcr_set(v, i * 3, &d), ASSAY_OK);
	}
}

/* In place and over zeros: structs are compared with their padding. */
static void
set_finding(struct finding *f, enum finding_code code, enum outcome cap)
{
	memset(f, 0, sizeof *f);
	f->code = (uint16_t)code;
	f->cap = (uint8_t)cap;
	f->provenance = PROV_REPLAYED;
	f->sticky = true;
	f->pcr = 4;
	f->event = -1;
	strcpy(f->rule, "boot-chain");
	strcpy(f->subject, "kernel command line");
	strcpy(f->seen, "quiet lab.evil=1");
	memset(f->expected, 'e', sizeof f->expected - 1);
	strcpy(f->remedy, finding_remedy(code));
}

static void
set_fact(struct fact *f, enum fact_id id, int32_t index, const char *text)
{
	memset(f, 0, sizeof *f);
	f->id = (uint16_t)id;
	f->provenance = (uint8_t)fact_info(id)->provenance;
	f->index = index;
	f->event = 3;
	strcpy(f->text, text);
}

static void
fill_ima(struct ima_state *s)
{
	s->present = s->big = true;
	s->template_alg = ALG_SHA1;
	s->count = 120;
	s->bytes = 9000;
	s->nbanks = 2;
	s->bank[0].methods = 1u << IMALOG_HASHED;
	s->bank[1].methods = 1u << IMALOG_PADDED | 1u << IMALOG_PADDED_OLD;
	assert_int_equal(digest_fill(ALG_SHA256, 0x11, &s->bank[0].pcr), ASSAY_OK);
	assert_int_equal(digest_fill(ALG_SHA384, 0x22, &s->bank[1].pcr), ASSAY_OK);
	memset(s->generation, 7, sizeof s->generation);
	for (unsigned i = 0; i < IMA_COUNT_COUNT; i++)
		s->counts[i] = i;
	s->boot_aggregate = true;
	s->shown = 3;
	s->keys_measured = 1;
	s->keys_used = 5;
}

static void
fill_continuity(struct continuity *c)
{
	fill_ima(&c->ima);
	c->present = true;
	c->reset_count = 7;
	c->restart_count = 1;
	c->clock = 123456789;
	c->clock_safe = true;
	c->tpm_firmware = 0x2020031200120000u;
	c->has_boot_log = true;
	memset(c->boot_log_digest, 0xB1, sizeof c->boot_log_digest);
	c->boot_log_size = 4072;
	memset(c->generation, 0x6E, sizeof c->generation);
	fill_values(&c->quoted, 1);
	fill_values(&c->replayed, 2);
	c->nsticky = 2;
	set_finding(&c->sticky[0], FIND_REPLAY, OUTCOME_QUARANTINE);
	set_finding(&c->sticky[1], FIND_RESET_BACK, OUTCOME_RESTRICT);
}

static struct verdict *
a_verdict(void)
{
	struct verdict *v = calloc(1, sizeof *v);

	assert_non_null(v);
	v->status = VERDICT_DECIDED;
	v->outcome = OUTCOME_RESTRICT;
	v->nfindings = 2;
	set_finding(&v->findings[0], FIND_REFERENCE_LEARNED, OUTCOME_RESTRICT);
	set_finding(&v->findings[1], FIND_SHA1, OUTCOME_ADMIT);
	v->nfacts = 2;
	set_fact(&v->facts[0], FACT_PCR, 7, "sha256:00");
	set_fact(&v->facts[1], FACT_AGENT, -1, "assay-attester 0.1.0");
	v->vector[AR4SI_HARDWARE] = 2;
	v->vector[AR4SI_EXECUTABLES] = -1;
	memset(v->policy, 0x50, sizeof v->policy);
	memset(v->reference, 0x52, sizeof v->reference);
	v->not_after = 1790000000;
	v->max_age_s = 300;
	v->interval_s = 60;
	v->monitor = true;
	fill_continuity(&v->next);
	v->ima_accepted = (struct ima_accepted){100, 20, 1500};
	return v;
}

static void
a_verdict_survives_its_encoding(void **state)
{
	struct verdict *v = a_verdict(), *d = calloc(1, sizeof *d);
	size_t n;

	(void)state;
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(verdict_decode(SPAN(bytes, n), d), ASSAY_OK);
	assert_memory_equal(v, d, sizeof *v);
	free(v);
	free(d);
}

static void
the_largest_verdict_fits_its_limit(void **state)
{
	struct verdict *v = a_verdict();
	size_t n;

	(void)state;
	v->outcome = OUTCOME_QUARANTINE;
	v->nfindings = VERDICT_FINDINGS_MAX;
	v->nfacts = VERDICT_FACTS_MAX;
	v->next.nsticky = CONTINUITY_STICKY_MAX;
	for (size_t i = 0; i < VERDICT_FINDINGS_MAX; i++) {
		struct finding *f = &v->findings[i];

		set_finding(f, FIND_RULE, OUTCOME_QUARANTINE);
		memset(f->rule, 'r', sizeof f->rule - 1);
		memset(f->subject, 's', sizeof f->subject - 1);
		memset(f->seen, 's', sizeof f->seen - 1);
		memset(f->text, 't', sizeof f->text - 1);
		memset(f->remedy, 'r', sizeof f->remedy - 1);
		v->next.sticky[i % CONTINUITY_STICKY_MAX] = *f;
	}
	for (size_t i = 0; i < VERDICT_FACTS_MAX; i++) {
		v->facts[i] = v->facts[0];
		memset(v->facts[i].text, 't', FACT_TEXT_MAX - 1);
	}
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_true(n <= VERDICT_BYTES_MAX);
	assert_int_equal(continuity_encode(&v->next, bytes, CONTINUITY_BYTES_MAX, &n), ASSAY_OK);
	free(v);
}

static void
verdict_fails_or_is_canonical(struct span m, const char *what, void *arg)
{
	struct verdict *d = arg;
	size_t n;

	if (verdict_decode(m, d) != ASSAY_OK)
		return;
	assert_int_equal(verdict_encode(d, again, sizeof again, &n), ASSAY_OK);
	if (n != m.n || memcmp(again, m.p, n) != 0)
		fail_msg("%s: decodes but is not canonical", what);
}

static void
every_altered_verdict_is_refused_or_canonical(void **state)
{
	struct verdict *v = a_verdict(), *d = calloc(1, sizeof *d);
	size_t n;

	(void)state;
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_OK);
	unit_mutate(SPAN(bytes, n), 0, verdict_fails_or_is_canonical, d);
	free(v);
	free(d);
}

static void
refuse_encoding(struct verdict *v)
{
	size_t n;

	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
	free(v);
}

static void
no_verdict_is_better_than_its_findings_status_and_policy(void **state)
{
	struct verdict *v = a_verdict();

	(void)state;
	v->outcome = OUTCOME_ADMIT;
	refuse_encoding(v);
	v = a_verdict();
	v->status = VERDICT_FAULT;
	refuse_encoding(v);
	v = a_verdict();
	v->status = VERDICT_UNPROVEN;
	v->outcome = OUTCOME_QUARANTINE; /* but with continuity */
	refuse_encoding(v);
	v = a_verdict();
	v->max_age_s = 0;
	refuse_encoding(v);
	v = a_verdict();
	memset(v->policy, 0, sizeof v->policy);
	refuse_encoding(v);
	v = a_verdict();
	v->status = VERDICT_NEED; /* without a wish */
	refuse_encoding(v);
}

static void
text_that_is_not_printable_or_not_terminated_is_refused(void **state)
{
	struct verdict *v = a_verdict();

	(void)state;
	strcpy(v->findings[0].seen, "\x1b[2Jall fine");
	refuse_encoding(v);
	v = a_verdict();
	memset(v->facts[1].text, 'x', sizeof v->facts[1].text);
	refuse_encoding(v);
}

static void
the_zero_verdict_is_a_fault_with_quarantine(void **state)
{
	struct verdict *v = calloc(1, sizeof *v), *d = calloc(1, sizeof *d);
	size_t n;

	(void)state;
	assert_int_equal(v->status, VERDICT_FAULT);
	assert_int_equal(v->outcome, OUTCOME_QUARANTINE);
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(verdict_decode(SPAN(bytes, n), d), ASSAY_OK);
	assert_memory_equal(v, d, sizeof *v);
	free(v);
	free(d);
}

static void
fault_and_finding_words_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FIND_COUNT; i++)
		for (unsigned k = i + 1; k < FIND_COUNT; k++)
			assert_string_not_equal(finding_word((enum finding_code)i),
						finding_word((enum finding_code)k));
	for (unsigned i = 1; i < FACT_COUNT; i++) {
		const struct fact_info *f = fact_info((enum fact_id)i);

		if (f) /* a health claim without instances has no fact for them */
			assert_int_equal(fact_by_name(f->name, strlen(f->name)), i);
	}
}

static void
no_continuity_is_no_bytes(void **state)
{
	struct continuity c, d;
	size_t n = 9;

	(void)state;
	memset(&c, 0, sizeof c);
	memset(&d, 0, sizeof d);
	assert_int_equal(continuity_encode(&c, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(n, 0);
	assert_int_equal(continuity_decode(SPAN(NULL, 0), &d), ASSAY_OK);
	assert_false(d.present);
	fill_continuity(&c);
	assert_int_equal(continuity_encode(&c, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(continuity_decode(SPAN(bytes, n), &d), ASSAY_OK);
	assert_memory_equal(&c, &d, sizeof c);
	assert_int_equal(continuity_decode(SPAN(bytes, n - 1), &d), ASSAY_TRUNCATED);
	assert_false(d.present);
}

/* ---- appraisal input ---- */

static struct appraisal_input
an_input(void)
{
	static const uint8_t filler[64] = {0xF1, 0xF2};
	struct appraisal_input in;

	memset(&in, 0, sizeof in);
	in.now = 1790000000;
	in.kind = BINDING_TPM_ONLINE;
	memset(in.nonce, 0x0E, sizeof in.nonce);
	in.channel = SPAN(filler, 32);
	assert_int_equal(pcr_selection_add(&in.asked, ALG_SHA256, 0xFF), ASSAY_OK);
	in.proof = SPAN(filler, 50);
	in.claims = SPAN(filler, 20);
	in.has_boot_log = true;
	in.boot_log = SPAN(filler, 64);
	strcpy(in.device.id, "00112233445566778899aabbccddeeff");
	strcpy(in.device.class_name, "gateway");
	strcpy(in.device.labels, "site=berlin ring=canary");
	in.device.tier = TIER_TPM;
	in.device.ek_name.len = in.device.ak_name.len = 34;
	in.device.ek_name.b[1] = in.device.ak_name.b[1] = ALG_SHA256;
	in.device.ak_public = SPAN(filler, 40);
	in.device.ek.certificate = in.device.ek.trusted = true;
	strcpy(in.device.ek.reason, "trusted");
	strcpy(in.device.ek.manufacturer, "id:49465800");
	in.policy = SPAN(filler, 33);
	in.nreferences = 2;
	in.references[0] = (struct reference_view){
		.compiled = SPAN(filler, 10), .state = REF_PROMOTED, .superseded_by = {9}};
	in.references[1] = (struct reference_view){.compiled = SPAN(filler, 11),
						  .state = REF_LEARNED,
						  .not_after = 5,
						  .baseline = true,
						  .not_before = 3,
						  .kind = REF_KIND_ALLOW,
						  .name = "debian-12"};
	in.continuity = SPAN(filler, 12);
	return in;
}

static void
input_fails_or_is_canonical(struct span m, const char *what, void *arg)
{
	struct appraisal_input d;
	size_t n;

	(void)arg;
	if (appraisal_input_decode(m, &d) != ASSAY_OK)
		return;
	assert_int_equal(appraisal_input_encode(&d, again, sizeof again, &n), ASSAY_OK);
	if (n != m.n || memcmp(again, m.p, n) != 0)
		fail_msg("%s: decodes but is not canonical", what);
}

static void
every_altered_appraisal_input_is_refused_or_canonical(void **state)
{
	struct appraisal_input in = an_input(), d;
	size_t n;

	(void)state;
	assert_int_equal(appraisal_input_encode(&in, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(appraisal_input_decode(SPAN(bytes, n), &d), ASSAY_OK);
	assert_true(span_equal(d.boot_log, in.boot_log));
	assert_string_equal(d.device.labels, in.device.labels);
	assert_int_equal(d.references[1].not_after, 5);
	unit_mutate(SPAN(bytes, n), 0, input_fails_or_is_canonical, NULL);
}

static void
a_case_with_another_policy_or_reference_is_told_apart(void **state)
{
	struct appraisal_input in = an_input();

	(void)state;
	assert_int_equal(appraisal_input_check(&in), ASSAY_MISMATCH);
	assert_int_equal(digest_sha256(in.policy, in.policy_digest), ASSAY_OK);
	for (size_t i = 0; i < in.nreferences; i++)
		assert_int_equal(digest_sha256(in.references[i].compiled, in.references[i].digest),
				 ASSAY_OK);
	assert_int_equal(appraisal_input_check(&in), ASSAY_OK);
	in.references[1].digest[0] ^= 1;
	assert_int_equal(appraisal_input_check(&in), ASSAY_MISMATCH);
}

/* ---- enrolment ---- */

static struct enrol_verdict
an_enrol_verdict(void)
{
	struct enrol_verdict v;

	memset(&v, 0, sizeof v);
	v.status = ENROL_PROVABLE;
	strcpy(v.device_id, "00112233445566778899aabbccddeeff");
	v.ek_name.len = v.ak_name.len = 34;
	v.ek_name.b[1] = v.ak_name.b[1] = ALG_SHA256;
	v.ek_public_len = 100;
	v.ak_public_len = 90;
	v.tier = TIER_VTPM;
	strcpy(v.ek.reason, "trusted");
	strcpy(v.token_id, "7f3a");
	memset(v.token_hash, 0x70, sizeof v.token_hash);
	v.blob_len = 68;
	v.encrypted_secret_len = 70;
	return v;
}

static void
enrol_verdict_fails_or_is_canonical(struct span m, const char *what, void *arg)
{
	struct enrol_verdict d;
	size_t n;

	(void)arg;
	if (enrol_verdict_decode(m, &d) != ASSAY_OK)
		return;
	assert_int_equal(enrol_verdict_encode(&d, again, sizeof again, &n), ASSAY_OK);
	if (n != m.n || memcmp(again, m.p, n) != 0)
		fail_msg("%s: decodes but is not canonical", what);
}

static void
an_enrolment_verdict_survives_and_its_mutants_are_refused_or_canonical(void **state)
{
	struct enrol_verdict v = an_enrol_verdict(), d;
	size_t n;

	(void)state;
	assert_int_equal(enrol_verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(enrol_verdict_decode(SPAN(bytes, n), &d), ASSAY_OK);
	assert_memory_equal(&v, &d, sizeof v);
	unit_mutate(SPAN(bytes, n), 0, enrol_verdict_fails_or_is_canonical, NULL);
}

static void
an_enrolment_verdict_without_a_credential_or_a_tpm_is_refused(void **state)
{
	struct enrol_verdict v = an_enrol_verdict();
	size_t n;

	(void)state;
	v.blob_len = 0;
	assert_int_equal(enrol_verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
	v = an_enrol_verdict();
	v.tier = TIER_SOFTWARE;
	assert_int_equal(enrol_verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
	v = an_enrol_verdict();
	set_finding(&v.finding, FIND_EK_WEAK, OUTCOME_QUARANTINE);
	assert_int_equal(enrol_verdict_encode(&v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
}

static void
an_enrolment_input_survives_its_encoding(void **state)
{
	struct enrol_input in, d;
	size_t n;

	(void)state;
	memset(&in, 0, sizeof in);
	in.now = 1;
	in.frame = SPAN("frame", 5);
	memset(in.secret, 0x5E, sizeof in.secret);
	memset(in.entropy, 0xE7, sizeof in.entropy);
	assert_int_equal(enrol_input_encode(&in, bytes, sizeof bytes, &n), ASSAY_OK);
	assert_int_equal(enrol_input_decode(SPAN(bytes, n), &d), ASSAY_OK);
	assert_true(span_equal(d.frame, in.frame));
	assert_memory_equal(d.secret, in.secret, sizeof in.secret);
	assert_memory_equal(d.entropy, in.entropy, sizeof in.entropy);
	assert_int_equal(enrol_input_decode(SPAN(bytes, n - 1), &d), ASSAY_TRUNCATED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_survives_its_encoding),
		cmocka_unit_test(the_largest_verdict_fits_its_limit),
		cmocka_unit_test(every_altered_verdict_is_refused_or_canonical),
		cmocka_unit_test(no_verdict_is_better_than_its_findings_status_and_policy),
		cmocka_unit_test(text_that_is_not_printable_or_not_terminated_is_refused),
		cmocka_unit_test(the_zero_verdict_is_a_fault_with_quarantine),
		cmocka_unit_test(fault_and_finding_words_are_unique),
		cmocka_unit_test(no_continuity_is_no_bytes),
		cmocka_unit_test(every_altered_appraisal_input_is_refused_or_canonical),
		cmocka_unit_test(a_case_with_another_policy_or_reference_is_told_apart),
		cmocka_unit_test(
			an_enrolment_verdict_survives_and_its_mutants_are_refused_or_canonical),
		cmocka_unit_test(an_enrolment_verdict_without_a_credential_or_a_tpm_is_refused),
		cmocka_unit_test(an_enrolment_input_survives_its_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
