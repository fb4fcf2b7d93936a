/*
 * test_ima.c: rows M1 to M6, M9 to M11 and M13 of the attack catalogue, and D3: IMA lists
 * through appraise(), round after round. Every attack ends in QUARANTINE with its reason;
 * what is honest is admitted.
 */
#include "tests/support/imaworld.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct imaworld w;

static const struct imaworld_file installed[] = {
	{"/usr/bin/good", 1}, {"/usr/bin/other", 2}, {"/usr/lib/lib.so", 3}, {"/sbin/init", 4}};

static const char ignoring_tmp[] =
	"  need: path\n"
	"  paths: [{match: \"/tmp/**\", need: nothing, reason: \"build\"}]\n";

static void
begin_with(const char *ima, const char *banks)
{
	imaworld_init(&w, ima, banks);
	imaworld_set(&w, REF_KIND_ALLOW, "base", installed, 4);
}

static void
begin(void)
{
	begin_with(NULL, NULL);
}

static int
end(void **state)
{
	(void)state;
	imaworld_free(&w);
	return 0;
}

static uint32_t
counted(enum ima_count c)
{
	return w.w.v->next.ima.counts[c];
}

/* ---- honest devices ---- */

static void
an_honest_list_is_admitted_and_goes_on_where_it_was(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked, 1);
	assert_int_equal(w.asked_from, 0);
	assert_int_equal(w.w.needs, 1); /* boot log and list at once */
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked, 0); /* PCR 10 did not move */
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked_from, 2);
	assert_int_equal(w.w.v->next.ima.count, 3);
	assert_true(w.w.v->next.ima.boot_aggregate);
}

static void
what_follows_the_quoted_value_is_dropped_and_asked_again(void **state)
{
	const struct verdict *v;

	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	/* the list grows after the quote */
	imaworld_list_only(&w, "ima-ng", SPAN(w.list + w.at[1] + 38, w.len - w.at[1] - 38), false);
	v = imaworld_round(&w);
	assert_admitted(v);
	assert_int_equal(v->next.ima.count, 2);
	assert_int_equal(v->ima_accepted.count, 2);
	/* .. and the PCR with it */
	imaworld_extend_only(&w, "ima-ng", SPAN(w.list + w.at[1] + 38, w.at[2] - w.at[1] - 38));
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked_from, 2);
	assert_int_equal(w.w.v->next.ima.count, 3);
}

static void
every_template_hash_byte_order_and_way_of_extending_is_admitted(void **state)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384, ALG_SHA512};

	(void)state;
	for (unsigned k = 0; k < 8; k++) {
		begin_with(NULL, "sha256, sha384, sha1");
		w.alg = algs[k / 2];
		w.big = k & 1;
		imaworld_boot(&w, true);
		imaworld_file(&w, "/usr/bin/good", 1);
		assert_admitted(imaworld_round(&w));
		imaworld_file(&w, "/usr/bin/other", 2);
		assert_admitted(imaworld_round(&w));
		imaworld_free(&w);
	}
	begin();
}

/* ---- M1: violations ---- */

static void
m1_a_violation_is_a_finding_and_policy_decides(void **state)
{
	(void)state;
	begin();
	imaworld_violation(&w, "/usr/bin/good");
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_VIOLATION);
	assert_int_equal(counted(IMA_COUNT_VIOLATIONS), 1);
	/* the file's own entry behind it was judged as well */
	assert_int_equal(counted(IMA_COUNT_UNKNOWN), 0);
	imaworld_policy(&w,
			"  need: path\n  outcomes: [{finding: violation, outcome: restrict, "
			"severity: low}]\n",
			NULL);
	assert_outcome(imaworld_round(&w), OUTCOME_RESTRICT, FIND_IMA_VIOLATION);
	assert_int_equal(world_finding(w.w.v, FIND_IMA_VIOLATION)->severity, SEV_LOW);
}

static void
m1_a_violation_is_not_passed_off_as_an_entry(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/good", 1);
	/* zeros in the list where the PCR has the entry's own hash */
	memset(w.list + w.at[1] + 4, 0, 20);
	assert_quarantined(imaworld_round(&w), FIND_IMA_REPLAY);
}

/* ---- M2: boot_aggregate ---- */

static void
m2_a_list_without_boot_aggregate_is_refused(void **state)
{
	(void)state;
	begin();
	imaworld_boot(&w, false);
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BOOT_AGGREGATE);
	assert_false(w.w.v->next.ima.boot_aggregate);
}

/* Of a kernel that initialises IMA once the TPM is there (CONFIG_IMA_INIT_LATE_SYNC). */
static void
m2_a_late_boot_aggregate_is_recomputed_as_well(void **state)
{
	struct digest d;

	(void)state;
	begin();
	imaworld_boot(&w, false);
	assert_int_equal(imalog_boot_aggregate(&w.w.tpm.pcrs, ALG_SHA256, 10, &d), ASSAY_OK);
	imaworld_digest(&w, "boot_aggregate_late", &d);
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	assert_true(w.w.v->next.ima.boot_aggregate);
	imaworld_boot(&w, false);
	d.b[0] ^= 1;
	imaworld_digest(&w, "boot_aggregate_late", &d);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BOOT_AGGREGATE);
}

static void
m2_a_boot_aggregate_of_other_pcrs_is_refused(void **state)
{
	uint8_t d[32] = {1};

	(void)state;
	begin();
	imaworld_boot(&w, false);
	softtpm_extend(&w.w.tpm, 4, SPAN(d, 32), ALG_SHA256);
	imaworld_aggregate(&w);
	softtpm_boot(&w.w.tpm, w.w.log); /* PCR 4 as the log has it */
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BOOT_AGGREGATE);
}

/* ---- M3: template hashes ---- */

static void
m3_an_unknown_template_is_a_refusal_and_never_skipped(void **state)
{
	const uint8_t data[] = {1, 0, 0, 0, 'x'};
	const struct verdict *v;

	(void)state;
	begin();
	imaworld_entry(&w, "ima-new", SPAN(data, sizeof data), false);
	v = imaworld_round(&w);
	assert_quarantined(v, FIND_IMA_TEMPLATE);
	assert_string_equal(world_finding(v, FIND_IMA_TEMPLATE)->seen, "ima-new");
	assert_false(v->next.ima.present);
	assert_int_equal(v->ima_accepted.count, 0);
}

static void
m3_data_that_are_not_of_their_listed_hash_are_a_finding(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/good", 1);
	/* SHA-256 bank: the data are proved, the listed SHA-1 is not and contradicts */
	w.list[w.at[1] + 4] ^= 1;
	assert_quarantined(imaworld_round(&w), FIND_IMA_CONTRADICTION);
}

/* The template hash is over the data alone: who writes the list anew may call an entry by
 * any name whose fields its data fit. */
static void
called(const char *name, struct span first, struct span second, struct span third)
{
	const struct span f[3] = {first, second, third};

	imaworld_boot(&w, true);
	imaworld_entry(&w, name, imaworld_fields(&w, f, 3), false);
}

static void
m3_a_file_that_is_called_measured_data_is_judged_as_a_file(void **state)
{
	static const char bad[8 + 32] = "sha256:\0ffffffffffffffffffffffffffffffff";
	struct span path = SPAN("/tmp/malware", 13), sig = SPAN("\3\2\4key.\0\2ab", 11);

	(void)state;
	begin();
	called("ima-sig", SPAN(bad, 40), path, sig);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	called("ima-buf", SPAN(bad, 40), path, sig);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	called("d-ng|n-ng|buf", SPAN(bad, 40), path, sig);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	/* a name without a slash: of a file that no path leads to */
	called("ima-buf", SPAN(bad, 40), SPAN("malware", 8), sig);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
}

/* Root may write a program into an attribute of its own file, and take its path away; what
 * the kernel measures of no file has no other fields. */
static void
m3_a_file_whose_attribute_is_its_content_is_judged_as_a_file(void **state)
{
	const struct span program = SPAN("#!/bin/sh\nmalware\n", 18);
	char digest[8 + 32] = "sha256:";
	struct digest d;
	const struct span f[9] = {SPAN(digest, 40),	       SPAN("malware", 8),
				  SPAN("", 0),		       SPAN("security.apparmor", 18),
				  SPAN("\22\0\0\0", 4),      program,
				  SPAN("\0\0\0\0", 4),	       SPAN("\0\0\0\0", 4),
				  SPAN("\355\201", 2)};

	(void)state;
	assert_int_equal(digest_compute(ALG_SHA256, program, &d), ASSAY_OK);
	memcpy(digest + 8, d.b, 32);
	begin();
	imaworld_entry(&w, "evm-sig", imaworld_fields(&w, f, 9), false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	assert_int_equal(counted(IMA_COUNT_CRITICAL), 0);
}

static void
m3_fields_that_do_not_begin_with_digest_and_name_are_refused(void **state)
{
	static const char bad[8 + 32] = "sha256:\0ffffffffffffffffffffffffffffffff";
	char good[8 + 32] = "sha256:";
	struct span path = SPAN("/usr/bin/good", 14);

	(void)state;
	memset(good + 8, 1, 32);
	begin();
	called("d-ng|n-ng|xattrvalues", SPAN(good, 40), path, SPAN("any", 3));
	assert_admitted(imaworld_round(&w));
	/* another field is shown as the digest, or none is */
	called("evmsig|n-ng|d-ng", SPAN(bad, 40), path, SPAN(good, 40));
	assert_quarantined(imaworld_round(&w), FIND_IMA_TEMPLATE);
	called("buf|n-ng|sig", SPAN(bad, 40), path, SPAN("", 0));
	assert_quarantined(imaworld_round(&w), FIND_IMA_TEMPLATE);
	called("d-ng|xattrnames|n-ng", SPAN(good, 40), SPAN("/tmp/malware", 13), path);
	assert_quarantined(imaworld_round(&w), FIND_IMA_TEMPLATE);
	/* and in a round that goes on */
	imaworld_boot(&w, true);
	assert_admitted(imaworld_round(&w));
	imaworld_entry(&w, "buf|n-ng",
		       imaworld_fields(&w, (struct span[]){SPAN(bad, 40), path}, 2), false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_TEMPLATE);
}

static void
m10_a_kexec_that_is_called_a_file_is_a_finding(void **state)
{
	static const char *const names[] = {"ima-buf", "ima-sig", "d-ng|n-ng|evmsig",
					    "d-ng|n-ng|xattrnames", "d-ng|n-ng|iuid",
					    "d-ng|n-ng|d-modsig"};
	static const struct {
		const char *text;
		size_t n;
	} cmdlines[] = {
		{"root=/dev/sda1", 14}, {"root=/dev/sda1", 14}, {"root=/dev/sda1", 14},
		{"root=/dev/sda1", 15}, {"root", 4},            {"md5:\0aaaaaaaaaaaaaaaa", 21},
	};

	(void)state;
	begin_with("  need: path\n  outcomes: [{finding: unknown, outcome: report}]\n", NULL);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct span line = SPAN(cmdlines[i].text, cmdlines[i].n);
		char digest[8 + 32] = "sha256:";
		struct digest d;

		assert_int_equal(digest_compute(ALG_SHA256, line, &d), ASSAY_OK);
		memcpy(digest + 8, d.b, 32);
		called(names[i], SPAN(digest, 40), SPAN("kexec-cmdline", 14), line);
		assert_quarantined(imaworld_round(&w), FIND_IMA_KEXEC);
	}
}

/* ---- M4: offsets and boots ---- */

static void
m4_a_lying_offset_is_named(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	assert_admitted(imaworld_round(&w));
	imaworld_file(&w, "/usr/bin/good", 1);
	w.shift = -2; /* from 0, as if from 2 */
	assert_quarantined(imaworld_round(&w), FIND_IMA_OFFSET);
	/* it stays found although the device is honest now */
	w.shift = 0;
	assert_quarantined(imaworld_round(&w), FIND_IMA_OFFSET);
	assert_int_equal(w.w.v->next.ima.count, 3);
}

/* Also where it starts neither at the first entry nor where it says. */
static void
m4_an_offset_too_early_is_named(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	imaworld_file(&w, "/usr/bin/other", 2);
	assert_admitted(imaworld_round(&w));
	for (int early = 1; early < 3; early++) {
		imaworld_file(&w, "/usr/bin/good", 1);
		w.shift = -early;
		assert_quarantined(imaworld_judge(&w), FIND_IMA_OFFSET);
		assert_null(world_finding(w.w.v, FIND_IMA_REPLAY));
	}
}

static void
m4_entries_that_were_skipped_are_missed(void **state)
{
	(void)state;
	begin();
	assert_admitted(imaworld_round(&w));
	imaworld_file(&w, "/tmp/malware", 66);
	imaworld_file(&w, "/usr/bin/good", 1);
	w.shift = 1; /* it sends those behind the malware, then the two new ones as the first */
	assert_quarantined(imaworld_round(&w), FIND_IMA_OFFSET);
	assert_int_equal(w.w.v->next.ima.count, 1);
}

static void
m4_after_a_reboot_the_list_is_asked_from_its_start(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	imaworld_boot(&w, true);
	imaworld_file(&w, "/sbin/init", 4);
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked_from, 0);
	assert_int_equal(w.w.v->next.ima.count, 2);
}

static void
m4_the_list_of_the_boot_before_is_named(void **state)
{
	uint8_t *old;
	size_t n;

	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	assert_admitted(imaworld_round(&w));
	n = w.len;
	old = malloc(n);
	memcpy(old, w.list, n);
	imaworld_boot(&w, true);
	imaworld_file(&w, "/tmp/malware", 66);
	w.instead = SPAN(old, n);
	assert_quarantined(imaworld_round(&w), FIND_IMA_OTHER_BOOT);
	free(old);
}

/* ---- M5: path games ---- */

static void
m5_a_listed_program_under_another_name_does_not_pass_by_path(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/other", 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_WRONG_DIGEST);
	assert_string_equal(world_finding(w.w.v, FIND_IMA_WRONG_DIGEST)->expected,
			    "sha256:02020202020202020202020202020202"
			    "02020202020202020202020202020202");
	imaworld_boot(&w, true);
	imaworld_file(&w, "/home/x/good", 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	imaworld_boot(&w, true);
	imaworld_policy(&w, "  need: digest\n", NULL);
	imaworld_file(&w, "/home/x/good", 1);
	assert_admitted(imaworld_round(&w));
}

static void
m5_pcr_10_extended_by_others_is_not_explained_by_the_list(void **state)
{
	(void)state;
	begin();
	assert_admitted(imaworld_round(&w));
	imaworld_extend_only(&w, "", SPAN("anything", 8));
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_REPLAY);
}

static void
m5_entries_of_another_pcr_prove_nothing_and_are_told(void **state)
{
	size_t at;

	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/good", 1);
	at = w.at[1];
	imaworld_file(&w, "/usr/bin/other", 2);
	/* an entry that says it went to PCR 11, in the midst of the list */
	imaworld_list_only(&w, "ima-ng", SPAN(w.list + at + 38, w.at[2] - at - 38), false);
	memmove(w.list + w.len, w.list + w.at[3], w.len - w.at[3]);
	memmove(w.list + w.at[2] + (w.len - w.at[3]), w.list + w.at[2], w.at[3] - w.at[2]);
	memmove(w.list + w.at[2], w.list + w.len, w.len - w.at[3]);
	w.list[w.at[2]] = 11;
	assert_quarantined(imaworld_round(&w), FIND_IMA_OTHER_PCR);
}

/* D3 */
static void
m5_what_is_not_judged_is_told_in_every_verdict(void **state)
{
	(void)state;
	begin_with(ignoring_tmp, NULL);
	imaworld_file(&w, "/tmp/x/y", 77);
	assert_outcome(imaworld_round(&w), OUTCOME_ADMIT, FIND_IMA_IGNORED);
	assert_outcome(imaworld_round(&w), OUTCOME_ADMIT, FIND_IMA_IGNORED);
	imaworld_file(&w, "/tmpx", 77); /* no wider than it says */
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
}

static void
m5_known_bad_beats_what_is_allowed_and_what_is_ignored(void **state)
{
	static const struct imaworld_file bad[] = {{"", 1}, {"", 66}};

	(void)state;
	begin_with(ignoring_tmp, NULL);
	imaworld_set(&w, REF_KIND_KNOWN_BAD, "bad", bad, 2);
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_KNOWN_BAD);
	imaworld_boot(&w, true);
	imaworld_file(&w, "/tmp/x", 66);
	assert_quarantined(imaworld_round(&w), FIND_IMA_KNOWN_BAD);
}

/* A digest is declared bad without saying what it is over. */
static void
m9_a_digest_of_fs_verity_is_found_when_it_is_declared_bad(void **state)
{
	static const struct imaworld_file bad[] = {{"", 66}};
	char digest[15 + 32] = "verity:sha256:";
	const struct span f[2] = {SPAN(digest, sizeof digest), SPAN("/tmp/x", 7)};

	(void)state;
	memset(digest + 15, 66, 32);
	begin_with(ignoring_tmp, NULL);
	imaworld_entry(&w, "ima-ngv2", imaworld_fields(&w, f, 2), false);
	assert_outcome(imaworld_round(&w), OUTCOME_ADMIT, FIND_IMA_IGNORED);
	imaworld_set(&w, REF_KIND_KNOWN_BAD, "bad", bad, 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_KNOWN_BAD);
	assert_int_equal(w.asked, 0);
}

/* ---- M6: trimmed lists ---- */

static void
m6_a_list_whose_head_was_trimmed_is_named(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	imaworld_file(&w, "/usr/bin/good", 1);
	w.first = 1;
	assert_quarantined(imaworld_round(&w), FIND_IMA_TRIMMED);
}

static void
m6_an_entry_taken_out_or_put_elsewhere_is_missed(void **state)
{
	uint8_t *list;
	size_t n;

	(void)state;
	begin();
	imaworld_file(&w, "/tmp/malware", 66);
	imaworld_file(&w, "/usr/bin/good", 1);
	n = w.at[1] + (w.len - w.at[2]);
	list = malloc(w.len);
	memcpy(list, w.list, w.at[1]);
	memcpy(list + w.at[1], w.list + w.at[2], w.len - w.at[2]);
	w.instead = SPAN(list, n);
	assert_quarantined(imaworld_round(&w), FIND_IMA_REPLAY);
	memcpy(list + n, w.list + w.at[1], w.at[2] - w.at[1]);
	w.instead = SPAN(list, w.len);
	assert_quarantined(imaworld_round(&w), FIND_IMA_REPLAY);
	free(list);
}

static void
m6_a_kernel_that_begins_its_own_list_by_kexec_is_named(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	assert_admitted(imaworld_round(&w));
	/* no reset: PCR 10 goes on, the list does not */
	w.len = 0;
	w.count = 0;
	imaworld_aggregate(&w);
	imaworld_file(&w, "/sbin/init", 4);
	w.forget = true;
	w.w.ask.ima_entries = 1; /* fewer than before: the whole list is asked for */
	assert_quarantined(imaworld_round(&w), FIND_IMA_KEXEC);
	assert_int_equal(w.asked_from, 0);
}

/* No reset: PCR 10 goes on, and the list begins again, with at least as many entries. */
static void
own_list_of(unsigned entries)
{
	w.len = 0;
	w.count = 0;
	imaworld_aggregate(&w);
	for (unsigned k = 1; k < entries; k++)
		imaworld_file(&w, k % 2 ? "/usr/bin/good" : "/usr/bin/other", k % 2 ? 1 : 2);
}

static void
m6_a_list_begun_by_kexec_is_named_however_long_it_is(void **state)
{
	(void)state;
	for (unsigned entries = 2; entries < 8; entries++) {
		begin();
		imaworld_file(&w, "/sbin/init", 4);
		imaworld_file(&w, "/usr/bin/good", 1);
		assert_admitted(imaworld_round(&w));
		own_list_of(entries);
		w.w.ask.ima_entries = entries;
		assert_quarantined(imaworld_round(&w), FIND_IMA_KEXEC);
		assert_int_equal(w.asked_from, 0); /* the stored list does not stand for it */
		assert_quarantined(imaworld_round(&w), FIND_IMA_KEXEC);
		imaworld_boot(&w, true);
		assert_admitted(imaworld_round(&w));
		imaworld_free(&w);
	}
	begin();
}

/* As case files, predictions and explanations have it: the last round, and what is stored. */
static void
m6_what_was_not_proved_is_quarantined_when_it_is_judged_once_more(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	assert_admitted(imaworld_round(&w));
	own_list_of(5);
	assert_quarantined(imaworld_round(&w), FIND_IMA_KEXEC);
	w.w.in.has_ima = true;
	w.w.in.ima = SPAN(w.stored, w.stored_len);
	w.w.in.ima_stored = w.stored_len;
	appraise_replay(&w.w.in, &w.w.scratch, w.w.v);
	assert_quarantined(w.w.v, FIND_IMA_KEXEC);
	assert_non_null(world_finding(w.w.v, FIND_IMA_MISSING));
}

static void
m6_another_list_than_the_one_proved_is_told_as_such(void **state)
{
	static const char text[] = "not the one that was proved";
	const struct verdict *v;

	(void)state;
	begin();
	imaworld_file(&w, "/sbin/init", 4);
	assert_admitted(imaworld_round(&w));
	imaworld_file(&w, "/usr/bin/good", 1); /* nobody saw this one before the kexec */
	own_list_of(6);
	w.w.ask.ima_entries = 6;
	v = imaworld_round(&w);
	assert_quarantined(v, FIND_IMA_REPLAY);
	assert_non_null(strstr(world_finding(v, FIND_IMA_REPLAY)->text, text));
	imaworld_boot(&w, true);
	assert_admitted(imaworld_round(&w));
	/* the same list, but for what is said to have come now */
	imaworld_extend_only(&w, "ima-ng", SPAN("x", 1));
	imaworld_file(&w, "/usr/bin/good", 1);
	v = imaworld_round(&w);
	assert_quarantined(v, FIND_IMA_REPLAY);
	assert_null(strstr(world_finding(v, FIND_IMA_REPLAY)->text, text));
}

/* ---- M9: once found, always found ---- */

static void
m9_malware_once_and_60_quiet_rounds_stay_quarantine_until_a_reset(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	imaworld_file(&w, "/tmp/malware", 66);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	for (unsigned k = 0; k < 60; k++) {
		assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
		assert_int_equal(w.asked, 0);
	}
	imaworld_file(&w, "/usr/bin/other", 2);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	imaworld_boot(&w, true);
	assert_admitted(imaworld_round(&w));
}

static void
m9_a_digest_declared_bad_later_is_found_in_what_was_consumed(void **state)
{
	static const struct imaworld_file bad[] = {{"", 2}};

	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/other", 2);
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	imaworld_set(&w, REF_KIND_KNOWN_BAD, "bad", bad, 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_KNOWN_BAD);
	assert_int_equal(w.asked, 0); /* the device was not asked */
	for (unsigned k = 0; k < 5; k++)
		assert_quarantined(imaworld_round(&w), FIND_IMA_KNOWN_BAD);
	/* taken back: judged anew from the store, and again without the device */
	w.w.in.nreferences--;
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked, 0);
}

static void
m9_another_generation_with_new_entries_judges_stored_and_new_ones(void **state)
{
	static const struct imaworld_file bad[] = {{"", 66}};

	(void)state;
	begin_with("  need: path\n  outcomes: [{finding: unknown, outcome: report}]\n", NULL);
	imaworld_file(&w, "/tmp/malware", 66);
	assert_outcome(imaworld_round(&w), OUTCOME_ADMIT, FIND_IMA_UNKNOWN);
	imaworld_file(&w, "/usr/bin/good", 1);
	imaworld_set(&w, REF_KIND_KNOWN_BAD, "bad", bad, 1);
	assert_quarantined(imaworld_round(&w), FIND_IMA_KNOWN_BAD);
	assert_int_equal(w.asked_from, 2); /* only the new ones */
	assert_int_equal(w.w.v->next.ima.count, 3);
}

static void
m9_a_store_that_is_lost_or_altered_is_made_good_by_the_device(void **state)
{
	static const struct imaworld_file more[] = {{"/usr/bin/more", 5}};

	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	imaworld_set(&w, REF_KIND_ALLOW, "more", more, 1);
	w.stored[w.stored_len - 2] ^= 1;
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked_from, 0);
	assert_int_equal(w.asked, 1);
	imaworld_policy(&w, "  need: digest\n", NULL);
	w.forget = true;
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked, 1);
}

static void
m9_what_was_found_stays_while_another_generation_has_not_seen_the_list(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/tmp/malware", 66);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	/* a milder policy, and a device that does not show the list again */
	imaworld_policy(&w, "  need: path\n  outcomes: [{finding: unknown, outcome: report}]\n",
			NULL);
	w.forget = w.withhold = true;
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	assert_non_null(world_finding(w.w.v, FIND_IMA_MISSING));
	w.withhold = false;
	assert_outcome(imaworld_round(&w), OUTCOME_ADMIT, FIND_IMA_UNKNOWN);
}

static void
m9_more_findings_than_can_be_told_are_all_in_force(void **state)
{
	char path[32];

	(void)state;
	begin_with("  need: path\n  outcomes: [{finding: unknown, outcome: restrict}]\n", NULL);
	for (unsigned k = 0; k < 500; k++) {
		snprintf(path, sizeof path, "/tmp/%u", k);
		imaworld_file(&w, path, 66);
	}
	for (unsigned k = 0; k < 3; k++) {
		assert_outcome(imaworld_round(&w), OUTCOME_RESTRICT, FIND_IMA_UNKNOWN);
		assert_true(w.w.v->nfindings < 8);
		assert_int_equal(counted(IMA_COUNT_UNKNOWN), 500);
	}
}

/* ---- M10: kexec ---- */

static void
m10_kexec_and_a_second_boot_aggregate_are_findings(void **state)
{
	const char *cmdline = "root=/dev/sda1 lockdown=none";

	(void)state;
	begin();
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	imaworld_buffer(&w, "kexec-cmdline", SPAN(cmdline, strlen(cmdline) + 1));
	assert_quarantined(imaworld_round(&w), FIND_IMA_KEXEC);
	assert_non_null(strstr(world_finding(w.w.v, FIND_IMA_KEXEC)->seen, "lockdown=none"));
	/* carried over, as kernels with CONFIG_IMA_KEXEC do */
	imaworld_aggregate(&w);
	assert_quarantined(imaworld_round(&w), FIND_IMA_SECOND_BOOT_AGGREGATE);
	assert_quarantined(imaworld_round(&w), FIND_IMA_SECOND_BOOT_AGGREGATE);
}

/* M2: where policy lets kernels start each other, no file passes as a boot_aggregate. */
static void
m10_a_later_boot_aggregate_must_be_of_the_pcrs_too(void **state)
{
	static const char policy[] =
		"  need: path\n  outcomes: [{finding: second-boot-aggregate, outcome: report}]\n";

	(void)state;
	begin_with(policy, NULL);
	imaworld_aggregate(&w);
	assert_outcome(imaworld_round(&w), OUTCOME_ADMIT, FIND_IMA_SECOND_BOOT_AGGREGATE);
	imaworld_file(&w, "boot_aggregate", 66);
	assert_quarantined(imaworld_round(&w), FIND_IMA_BOOT_AGGREGATE);
	assert_true(w.w.v->next.ima.boot_aggregate); /* the first one was */
}

/* ---- M11: a list withheld ---- */

static void
m11_a_withheld_list_is_missing_and_never_empty(void **state)
{
	(void)state;
	begin();
	imaworld_file(&w, "/tmp/malware", 66);
	w.withhold = true;
	assert_quarantined(imaworld_round(&w), FIND_IMA_MISSING);
	assert_false(w.w.v->next.ima.present);
	w.withhold = false;
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
	/* and the rest of it */
	w.withhold = true;
	imaworld_file(&w, "/tmp/malware2", 67);
	assert_quarantined(imaworld_round(&w), FIND_IMA_MISSING);
	assert_non_null(world_finding(w.w.v, FIND_IMA_UNKNOWN));
	assert_int_equal(w.w.v->next.ima.count, 2);
}

static void
m11_new_entries_withheld_are_missing_until_they_are_shown(void **state)
{
	(void)state;
	begin();
	assert_admitted(imaworld_round(&w));
	imaworld_file(&w, "/usr/bin/good", 1);
	w.hide = 1; /* what was proved before is shown again, and nothing behind it */
	assert_quarantined(imaworld_round(&w), FIND_IMA_MISSING);
	assert_quarantined(imaworld_round(&w), FIND_IMA_MISSING);
	w.hide = 0;
	assert_admitted(imaworld_round(&w));
}

static void
m11_a_kernel_that_measures_nothing_is_missing_its_list(void **state)
{
	(void)state;
	begin();
	imaworld_boot(&w, false);
	assert_quarantined(imaworld_round(&w), FIND_IMA_MISSING);
}

static void
m11_a_rule_over_a_withheld_list_sees_no_facts(void **state)
{
	(void)state;
	begin();
	world_set_policy(&w.w, "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			       "ask: {banks: [sha256], pcrs: [0-14], interval: 60s, patience: 3}\n"
			       "references: {pcrs: [0-9, 11-14]}\nima: {need: path}\nrules:\n"
			       "  - {id: few, fact: ima.unknown_files, op: at_most, value: 0}\n");
	w.withhold = true;
	assert_quarantined(imaworld_round(&w), FIND_FACT_MISSING);
	w.withhold = false;
	assert_admitted(imaworld_round(&w));
}

/* ---- M13: SHA-1 in larger banks ---- */

static void
m13_a_proof_by_padded_sha1_has_the_strength_of_sha1(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		begin();
		w.method = k ? IMALOG_PADDED_OLD : IMALOG_PADDED;
		imaworld_boot(&w, true);
		imaworld_file(&w, "/usr/bin/good", 1);
		assert_quarantined(imaworld_round(&w), FIND_IMA_SHA1);
		imaworld_file(&w, "/usr/bin/other", 2);
		assert_quarantined(imaworld_round(&w), FIND_IMA_SHA1);
		assert_int_equal(w.w.v->next.ima.count, 3);
		imaworld_free(&w);
	}
	begin();
	w.method = IMALOG_PADDED;
	imaworld_boot(&w, true);
	world_set_policy(&w.w, "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
			       "ask: {banks: [sha256], pcrs: [0-14], interval: 60s, patience: 3}\n"
			       "references: {pcrs: [0-9, 11-14]}\nallow: {sha1_only: true}\n"
			       "ima: {need: path}\n");
	assert_outcome(imaworld_round(&w), OUTCOME_ADMIT, FIND_IMA_SHA1);
}

/* ---- D12: planned changes ---- */

static void
d12_after_a_planned_change_the_old_list_is_a_rollback(void **state)
{
	static const struct imaworld_file next[] = {{"/sbin/init", 4}, {"/usr/bin/good", 11}};
	struct reference_view *old, *new;

	(void)state;
	begin();
	imaworld_set(&w, REF_KIND_ALLOW, "next", next, 2);
	old = &w.w.in.references[w.w.in.nreferences - 2];
	new = &w.w.in.references[w.w.in.nreferences - 1];
	memcpy(old->superseded_by, new->digest, 32);
	new->not_before = w.w.in.now + 1000;
	imaworld_file(&w, "/sbin/init", 4);
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_admitted(imaworld_round(&w));
	/* before its time the new list counts for nothing */
	imaworld_file(&w, "/usr/bin/good", 11);
	assert_quarantined(imaworld_round(&w), FIND_IMA_WRONG_DIGEST);
	/* then it does, and what was judged is judged again without the device */
	w.w.in.now += 2000;
	assert_admitted(imaworld_round(&w));
	assert_int_equal(w.asked, 0);
	imaworld_file(&w, "/usr/bin/other", 2); /* of the old one, in the same boot */
	assert_admitted(imaworld_round(&w));
	imaworld_boot(&w, true);
	imaworld_file(&w, "/usr/bin/good", 11);
	assert_admitted(imaworld_round(&w));
	imaworld_boot(&w, true);
	imaworld_file(&w, "/usr/bin/good", 1);
	assert_quarantined(imaworld_round(&w), FIND_ROLLED_BACK);
	assert_quarantined(imaworld_round(&w), FIND_ROLLED_BACK);
	/* the old one ends by itself */
	imaworld_boot(&w, true);
	imaworld_file(&w, "/usr/bin/good", 11);
	assert_admitted(imaworld_round(&w));
	old->not_after = w.w.in.now + 10;
	w.w.in.now += 20;
	imaworld_file(&w, "/usr/bin/other", 2);
	assert_quarantined(imaworld_round(&w), FIND_IMA_UNKNOWN);
}

/* As many of the largest entries as one upload may have, and some that have no room. */
static void
measure_too_much(void)
{
	uint8_t *data = calloc(1, IMALOG_DATA_MAX);
	struct writer b;

	assert_non_null(data);
	for (unsigned i = 0; i < IMALOG_MAX / IMALOG_DATA_MAX; i++) {
		wr_init(&b, data, IMALOG_DATA_MAX);
		wr_le32(&b, 8 + 32);
		wr_bytes(&b, SPAN("sha256:", 8));
		b.len += 32;
		wr_le32(&b, 5);
		wr_bytes(&b, SPAN("blob", 5));
		wr_le32(&b, IMALOG_DATA_MAX - 40 - 5 - 12);
		wr_le32(&b, i);
		imaworld_entry(&w, "ima-buf", SPAN(data, IMALOG_DATA_MAX), false);
	}
	free(data);
}

static void
a_list_that_is_cut_at_the_limit_of_an_upload_is_named_so(void **state)
{
	(void)state;
	begin();
	measure_too_much();
	assert_true(w.len > IMALOG_MAX);
	w.hide = 1;
	w.w.ask.ima_entries = w.count;
	assert_quarantined(imaworld_round(&w), FIND_IMA_LIMIT);
	for (size_t i = 0; i < w.w.v->nfindings; i++)
		assert_int_not_equal(w.w.v->findings[i].code, FIND_IMA_REPLAY);
	/* who says that this is all has another list than the TPM was told */
	w.w.ask.ima_entries = w.count - 1;
	assert_quarantined(imaworld_round(&w), FIND_IMA_REPLAY);
}

/* D2: in steady rounds too. */
static void
a_known_bad_list_that_cannot_be_read_is_never_passed_over(void **state)
{
	static const struct imaworld_file bad[] = {{"", 66}};

	(void)state;
	begin();
	imaworld_set(&w, REF_KIND_KNOWN_BAD, "bad", bad, 1);
	w.w.in.references[w.w.in.nreferences - 1].compiled.n--;
	assert_quarantined(imaworld_round(&w), FIND_POLICY_INVALID);
	assert_quarantined(imaworld_round(&w), FIND_POLICY_INVALID);
	w.w.in.references[w.w.in.nreferences - 1].compiled.n = 0;
	assert_quarantined(imaworld_round(&w), FIND_POLICY_INVALID);
}

#define CASE(f) cmocka_unit_test_teardown(f, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_honest_list_is_admitted_and_goes_on_where_it_was),
		CASE(what_follows_the_quoted_value_is_dropped_and_asked_again),
		CASE(every_template_hash_byte_order_and_way_of_extending_is_admitted),
		CASE(m1_a_violation_is_a_finding_and_policy_decides),
		CASE(m1_a_violation_is_not_passed_off_as_an_entry),
		CASE(m2_a_list_without_boot_aggregate_is_refused),
		CASE(m2_a_late_boot_aggregate_is_recomputed_as_well),
		CASE(m2_a_boot_aggregate_of_other_pcrs_is_refused),
		CASE(m3_an_unknown_template_is_a_refusal_and_never_skipped),
		CASE(m3_data_that_are_not_of_their_listed_hash_are_a_finding),
		CASE(m3_a_file_that_is_called_measured_data_is_judged_as_a_file),
		CASE(m3_a_file_whose_attribute_is_its_content_is_judged_as_a_file),
		CASE(m3_fields_that_do_not_begin_with_digest_and_name_are_refused),
		CASE(m10_a_kexec_that_is_called_a_file_is_a_finding),
		CASE(m4_a_lying_offset_is_named),
		CASE(m4_an_offset_too_early_is_named),
		CASE(m4_entries_that_were_skipped_are_missed),
		CASE(m4_after_a_reboot_the_list_is_asked_from_its_start),
		CASE(m4_the_list_of_the_boot_before_is_named),
		CASE(m5_a_listed_program_under_another_name_does_not_pass_by_path),
		CASE(m5_pcr_10_extended_by_others_is_not_explained_by_the_list),
		CASE(m5_entries_of_another_pcr_prove_nothing_and_are_told),
		CASE(m5_what_is_not_judged_is_told_in_every_verdict),
		CASE(m5_known_bad_beats_what_is_allowed_and_what_is_ignored),
		CASE(m9_a_digest_of_fs_verity_is_found_when_it_is_declared_bad),
		CASE(m6_a_list_whose_head_was_trimmed_is_named),
		CASE(m6_an_entry_taken_out_or_put_elsewhere_is_missed),
		CASE(m6_a_kernel_that_begins_its_own_list_by_kexec_is_named),
		CASE(m6_a_list_begun_by_kexec_is_named_however_long_it_is),
		CASE(m6_what_was_not_proved_is_quarantined_when_it_is_judged_once_more),
		CASE(m6_another_list_than_the_one_proved_is_told_as_such),
		CASE(m9_malware_once_and_60_quiet_rounds_stay_quarantine_until_a_reset),
		CASE(m9_a_digest_declared_bad_later_is_found_in_what_was_consumed),
		CASE(m9_another_generation_with_new_entries_judges_stored_and_new_ones),
		CASE(m9_a_store_that_is_lost_or_altered_is_made_good_by_the_device),
		CASE(m9_what_was_found_stays_while_another_generation_has_not_seen_the_list),
		CASE(m9_more_findings_than_can_be_told_are_all_in_force),
		CASE(m10_kexec_and_a_second_boot_aggregate_are_findings),
		CASE(m10_a_later_boot_aggregate_must_be_of_the_pcrs_too),
		CASE(m11_a_withheld_list_is_missing_and_never_empty),
		CASE(m11_new_entries_withheld_are_missing_until_they_are_shown),
		CASE(m11_a_kernel_that_measures_nothing_is_missing_its_list),
		CASE(m11_a_rule_over_a_withheld_list_sees_no_facts),
		CASE(d12_after_a_planned_change_the_old_list_is_a_rollback),
		CASE(a_list_that_is_cut_at_the_limit_of_an_upload_is_named_so),
		CASE(a_known_bad_list_that_cannot_be_read_is_never_passed_over),
		CASE(m13_a_proof_by_padded_sha1_has_the_strength_of_sha1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
