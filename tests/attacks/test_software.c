/* test_software.c: software that a device claims, and what of it may count for what. */
#include "tests/support/softworld.h"
#include "tests/support/unit.h"

#include "verifier/appraise/fact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct softworld s;

#define FIRMWARE "software: {items: [{name: firmware, order: semver}]}\n"

/* A device with firmware 2.0.0, approved as it is. */
static int
start(void **state)
{
	(void)state;
	softworld_init(&s);
	softworld_set(&s, "firmware", "2.0.0", "firmware two");
	softworld_policy(&s, FIRMWARE);
	softworld_capture(&s, REF_PROMOTED, false);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	softworld_free(&s);
	return 0;
}

/* The one finding of a round, and no other. */
static const struct finding *
only(enum outcome o, enum finding_code code)
{
	const struct verdict *v = world_round(&s.w);

	assert_outcome(v, o, code);
	if (v->nfindings != 1)
		fail_msg("%u findings; the second is %s", v->nfindings,
			 finding_word((enum finding_code)v->findings[1].code));
	assert_int_equal(v->findings[0].provenance, PROV_CLAIMED);
	assert_string_equal(v->findings[0].rule, v->findings[0].subject);
	return &v->findings[0];
}

static void
approved_software_is_admitted(void **state)
{
	(void)state;
	assert_admitted(world_round(&s.w));
	assert_admitted(world_round(&s.w));
}

static void
m7_m12_software_that_matches_affirms_neither_hardware_nor_executables(void **state)
{
	int8_t before[AR4SI_COUNT];

	(void)state;
	assert_admitted(world_round(&s.w));
	memcpy(before, s.w.v->vector, sizeof before);
	softworld_policy(&s, "");
	assert_admitted(world_round(&s.w));
	assert_memory_equal(before, s.w.v->vector, sizeof before);
	/* nor does it help a boot that does not match */
	softworld_policy(&s, FIRMWARE);
	world_reboot(&s.w, "sb-cmdline");
	assert_int_equal(world_round(&s.w)->outcome, OUTCOME_QUARANTINE);
	assert_true(s.w.v->vector[AR4SI_EXECUTABLES] > 3);
}

static void
a_changed_file_is_told_as_such(void **state)
{
	const struct finding *f;

	(void)state;
	softworld_set(&s, "firmware", "2.0.0", "another firmware");
	f = only(OUTCOME_QUARANTINE, FIND_SOFTWARE_FILE);
	assert_string_equal(f->subject, "firmware");
	assert_non_null(strstr(f->seen, "2.0.0 sha256:"));
	assert_non_null(strstr(f->expected, "2.0.0 sha256:"));
	assert_false(f->sticky);
	/* put right again, it is right again: it was only ever a claim */
	softworld_set(&s, "firmware", "2.0.0", "firmware two");
	assert_admitted(world_round(&s.w));
}

static void
each_kind_of_change_has_its_own_word(void **state)
{
	static const struct {
		const char *kind;
		enum finding_code code;
	} cases[] = {
		{"image", FIND_SOFTWARE_FILE},   {"memory", FIND_SOFTWARE_FILE},
		{"command", FIND_SOFTWARE_FILE}, {"config", FIND_SOFTWARE_CONFIG},
		{"tree", FIND_SOFTWARE_TREE},    {"packages", FIND_SOFTWARE_TREE},
		{"uboot-env", FIND_SOFTWARE_CONFIG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		s.w.in.nreferences = 1;
		s.nsets = 0;
		softworld_item(&s, "firmware")->kind =
			SPAN(cases[i].kind, strlen(cases[i].kind));
		softworld_set(&s, "firmware", "2.0.0", "as approved");
		softworld_capture(&s, REF_PROMOTED, false);
		assert_admitted(world_round(&s.w));
		softworld_set(&s, "firmware", "2.0.0", "other");
		(void)only(OUTCOME_QUARANTINE, cases[i].code);
	}
}

static void
what_could_not_be_measured_says_why(void **state)
{
	static const struct {
		const char *note;
		enum finding_code code;
	} cases[] = {
		{"changed-while-read", FIND_SOFTWARE_CHANGING},
		{"symlink", FIND_SOFTWARE_SYMLINK},
		{"missing", FIND_SOFTWARE_UNMEASURED},
		{"unreadable", FIND_SOFTWARE_UNMEASURED},
		{"time-out", FIND_SOFTWARE_UNMEASURED},
		{"a-word-of-tomorrow", FIND_SOFTWARE_UNMEASURED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct msg_software *m = softworld_item(&s, "firmware");

		m->alg = ALG_NONE;
		m->digest = SPAN(NULL, 0);
		m->note = SPAN(cases[i].note, strlen(cases[i].note));
		assert_string_equal(only(OUTCOME_QUARANTINE, cases[i].code)->seen, cases[i].note);
	}
}

static void
m11_software_that_is_not_told_is_missing_and_never_fine(void **state)
{
	(void)state;
	s.claims.nsoftware = 0;
	(void)only(OUTCOME_QUARANTINE, FIND_SOFTWARE_MISSING);
	/* a version alone is not a measurement */
	softworld_item(&s, "firmware")->version = SPAN("2.0.0", 5);
	(void)only(OUTCOME_QUARANTINE, FIND_SOFTWARE_FILE);
}

static void
a_version_that_went_back_is_a_rollback_and_no_more(void **state)
{
	const struct finding *f;

	(void)state;
	assert_admitted(world_round(&s.w));
	softworld_set(&s, "firmware", "1.9.0", "firmware one");
	softworld_capture(&s, REF_PROMOTED, false); /* approved, and still a step back */
	f = only(OUTCOME_QUARANTINE, FIND_SOFTWARE_ROLLBACK);
	assert_string_equal(f->seen, "1.9.0");
	assert_string_equal(f->expected, "2.0.0 or later");
	/* it does not wear off, not by a boot either */
	world_reboot(&s.w, NULL);
	(void)only(OUTCOME_QUARANTINE, FIND_SOFTWARE_ROLLBACK);
	softworld_set(&s, "firmware", "2.0.0", "firmware two");
	assert_admitted(world_round(&s.w));
}

static void
a_rollback_to_what_nobody_approved_is_one_finding_with_the_stricter_cap(void **state)
{
	(void)state;
	softworld_policy(&s, "software: {items: [{name: firmware, order: semver, "
			     "rollback: report}]}\n");
	assert_admitted(world_round(&s.w));
	softworld_set(&s, "firmware", "1.9.0", "firmware one");
	(void)only(OUTCOME_QUARANTINE, FIND_SOFTWARE_ROLLBACK);
}

static void
where_policy_follows_a_step_back_is_the_new_measure(void **state)
{
	(void)state;
	assert_admitted(world_round(&s.w));
	softworld_set(&s, "firmware", "1.9.0", "firmware one");
	softworld_capture(&s, REF_PROMOTED, false);
	softworld_policy(&s, "software: {items: [{name: firmware, order: semver, "
			     "rollback: follow}]}\n");
	assert_admitted(world_round(&s.w));
	softworld_policy(&s, FIRMWARE);
	assert_admitted(world_round(&s.w));
}

static void
leaving_an_item_out_for_a_while_forgets_no_version(void **state)
{
	(void)state;
	assert_admitted(world_round(&s.w));
	softworld_policy(&s, "");
	assert_admitted(world_round(&s.w));
	softworld_policy(&s, FIRMWARE);
	softworld_set(&s, "firmware", "1.9.0", "firmware one");
	softworld_capture(&s, REF_PROMOTED, false);
	(void)only(OUTCOME_QUARANTINE, FIND_SOFTWARE_ROLLBACK);
}

static void
a_version_below_the_minimum_is_told(void **state)
{
	(void)state;
	softworld_policy(&s, "software: {items: [{name: firmware, order: semver, "
			     "at_least: 2.0.1}]}\n");
	assert_string_equal(only(OUTCOME_QUARANTINE, FIND_SOFTWARE_OLD)->expected,
			    "2.0.1 or later");
	softworld_policy(&s, "software: {items: [{name: firmware, order: semver, "
			     "at_least: 2.0.0-rc.1}]}\n");
	assert_admitted(world_round(&s.w));
}

static void
a_text_that_is_no_version_is_in_no_order(void **state)
{
	(void)state;
	softworld_set(&s, "firmware", "newest!", "firmware two");
	softworld_capture(&s, REF_PROMOTED, false);
	(void)only(OUTCOME_QUARANTINE, FIND_SOFTWARE_VERSION);
}

static void
d12_parts_of_two_sets_are_not_mixed(void **state)
{
	static const char policy[] = "software: {items: [{name: firmware}, {name: program}]}\n";

	(void)state;
	s.w.in.nreferences = 1;
	s.nsets = 0;
	softworld_policy(&s, policy);
	softworld_set(&s, "program", "1", "program one");
	softworld_capture(&s, REF_PROMOTED, false);
	softworld_set(&s, "firmware", "3.0.0", "firmware three");
	softworld_set(&s, "program", "2", "program two");
	softworld_capture(&s, REF_PROMOTED, false);
	assert_admitted(world_round(&s.w));
	softworld_set(&s, "program", "1", "program one");
	assert_int_equal(only(OUTCOME_QUARANTINE, FIND_SOFTWARE_FILE)->cap, OUTCOME_QUARANTINE);
}

static void
d7_a_learned_set_of_software_is_capped(void **state)
{
	(void)state;
	s.w.in.nreferences = 1;
	s.nsets = 0;
	softworld_capture(&s, REF_LEARNED, false);
	assert_outcome(world_round(&s.w), OUTCOME_RESTRICT, FIND_REFERENCE_LEARNED);
	s.w.in.references[1].state = REF_RETIRED;
	assert_outcome(world_round(&s.w), OUTCOME_QUARANTINE, FIND_NO_REFERENCE);
}

static void
an_expired_set_of_software_holds_no_more(void **state)
{
	(void)state;
	s.w.in.references[1].not_after = s.w.in.now + 10;
	assert_admitted(world_round(&s.w));
	assert_int_equal(s.w.v->not_after, s.w.in.now + 10);
	s.w.in.references[1].not_after = s.w.in.now - 1;
	assert_outcome(world_round(&s.w), OUTCOME_QUARANTINE, FIND_REFERENCE_EXPIRED);
}

static void
d6_a_digest_of_another_algorithm_does_not_match(void **state)
{
	struct msg_software *m = softworld_item(&s, "firmware");
	uint8_t sha1[20] = {1};

	(void)state;
	m->alg = ALG_SHA1;
	m->digest = SPAN(sha1, sizeof sha1);
	(void)only(OUTCOME_QUARANTINE, FIND_SOFTWARE_FILE);
}

static void
software_that_nobody_named_is_told_if_the_policy_wants(void **state)
{
	const struct finding *f;

	(void)state;
	softworld_set(&s, "extra", "1", "x");
	softworld_set(&s, "more", "1", "x");
	assert_admitted(world_round(&s.w));
	softworld_policy(&s, "software: {items: [{name: firmware}], others: restrict}\n");
	assert_outcome(world_round(&s.w), OUTCOME_RESTRICT, FIND_SOFTWARE_OTHER);
	f = world_finding(s.w.v, FIND_SOFTWARE_OTHER);
	assert_string_equal(f->subject, "extra");
	assert_string_equal(f->seen, "2 items that the policy does not name");
}

static void
a_set_that_cannot_be_read_is_a_finding_and_never_skipped(void **state)
{
	(void)state;
	s.sets[0][1] ^= 0xFF;
	assert_outcome(world_round(&s.w), OUTCOME_QUARANTINE, FIND_POLICY_INVALID);
}

/* ---- lists of files ---- */

struct list {
	uint8_t b[4096];
	size_t n;
};

static void
list_begin(struct list *l)
{
	memcpy(l->b, MANIFEST_MAGIC, MANIFEST_MAGIC_SIZE);
	l->n = MANIFEST_MAGIC_SIZE;
}

static void
list_add(struct list *l, char type, const char *path, const char *content)
{
	uint8_t digest[32];
	struct manifest_entry e = {.type = (uint8_t)type, .path = SPAN(path, strlen(path))};
	size_t n;

	assert_int_equal(digest_sha256(SPAN(content, strlen(content)), digest), ASSAY_OK);
	if (type == 'l')
		e.text = SPAN(content, strlen(content));
	else if (type != 'd')
		e.digest = SPAN(digest, 32);
	e.mode = type == 'f' ? 0644 : type == 'd' ? 0755 : 0;
	e.size = type == 'f' ? strlen(content) : 0;
	assert_int_equal(manifest_encode(&e, l->b + l->n, sizeof l->b - l->n, &n), ASSAY_OK);
	l->n += n;
}

/* The device claims this list, and can show it. */
static void
claim_list(const char *name, const char *kind, const struct list *l)
{
	struct msg_software *m = softworld_item(&s, name);
	static uint8_t digest[32];

	assert_int_equal(digest_sha256(SPAN(l->b, l->n), digest), ASSAY_OK);
	m->kind = SPAN(kind, strlen(kind));
	m->version = SPAN(NULL, 0);
	m->alg = ALG_SHA256;
	m->digest = SPAN(digest, 32);
	s.w.manifests[0] = SPAN(l->b, l->n);
	s.w.nmanifests = 1;
}

static void
approve_list(const char *kind, const struct list *l)
{
	struct span file = SPAN(l->b, l->n);

	s.w.in.nreferences = 1;
	s.nsets = 0;
	s.claims.nsoftware = 0;
	softworld_policy(&s, "software: {items: [{name: demo}]}\n");
	claim_list("demo", kind, l);
	softworld_capture_files(&s, &file, 1);
	assert_admitted(world_round(&s.w));
	assert_int_equal(s.w.needs, 1); /* the boot log: what is approved is not asked for */
}

static void
a_changed_tree_is_told_file_by_file(void **state)
{
	struct list was, is;

	(void)state;
	list_begin(&was);
	list_add(&was, 'd', "/", "");
	list_add(&was, 'f', "a.conf", "one");
	list_add(&was, 'f', "bin", "x");
	list_add(&was, 'f', "old", "x");
	approve_list("tree", &was);
	list_begin(&is);
	list_add(&is, 'd', "/", "");
	list_add(&is, 'f', "a.conf", "two");
	list_add(&is, 'l', "bin", "/tmp/evil");
	list_add(&is, 'f', "new\x1b[2J", "x");
	claim_list("demo", "tree", &is);
	assert_string_equal(only(OUTCOME_QUARANTINE, FIND_SOFTWARE_TREE)->text,
			    "4 files changed in demo: a.conf, bin (now a symbolic link), "
			    "new\\x1b[2J (added), old (removed)");
}

static void
a_changed_key_is_told_by_name(void **state)
{
	struct list was, is;

	(void)state;
	list_begin(&was);
	list_add(&was, 'i', "log.level", "info");
	list_add(&was, 'i', "port", "80");
	approve_list("config", &was);
	list_begin(&is);
	list_add(&is, 'i', "log.level", "info");
	list_add(&is, 'i', "port", "81");
	claim_list("demo", "config", &is);
	assert_string_equal(only(OUTCOME_QUARANTINE, FIND_SOFTWARE_CONFIG)->text,
			    "1 key changed in demo: port");
}

static void
a_list_that_is_withheld_or_another_explains_nothing_and_excuses_nothing(void **state)
{
	struct list was, is, other;

	(void)state;
	list_begin(&was);
	list_add(&was, 'f', "a", "one");
	approve_list("tree", &was);
	list_begin(&is);
	list_add(&is, 'f', "a", "two");
	claim_list("demo", "tree", &is);
	s.w.nmanifests = 0;
	assert_string_equal(only(OUTCOME_QUARANTINE, FIND_SOFTWARE_TREE)->text,
			    finding_text(FIND_SOFTWARE_TREE));
	assert_int_equal(s.w.needs, 1); /* asked once, not for ever */
	/* the old list, which is not the one that was claimed */
	world_challenge(&s.w);
	world_prove(&s.w);
	s.w.in.files[s.w.in.nfiles++] = SPAN(was.b, was.n);
	assert_outcome(world_judge(&s.w), OUTCOME_QUARANTINE, FIND_SOFTWARE_TREE);
	world_commit(&s.w);
	/* one that is the claimed one, and is no list */
	memset(&other, 0x41, sizeof other);
	other.n = 100;
	claim_list("demo", "tree", &other);
	assert_string_equal(only(OUTCOME_QUARANTINE, FIND_SOFTWARE_TREE)->text,
			    finding_text(FIND_SOFTWARE_TREE));
}

static void
many_changes_are_counted_and_some_named(void **state)
{
	struct list was, is;
	char name[32];

	(void)state;
	list_begin(&was);
	list_begin(&is);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof name, "file-%02d", i);
		list_add(&was, 'f', name, "x");
		list_add(&is, 'f', name, "y");
	}
	approve_list("tree", &was);
	claim_list("demo", "tree", &is);
	assert_string_equal(only(OUTCOME_QUARANTINE, FIND_SOFTWARE_TREE)->text,
			    "30 files changed in demo: file-00, file-01, file-02, file-03, "
			    "file-04, file-05, file-06, file-07 and 22 more");
}

/* ---- rules over claims ---- */

static void
rules_on_software_and_health_mean_what_they_say(void **state)
{
	static const struct {
		const char *rule;
		enum finding_code expected; /* NONE: it holds */
	} cases[] = {
		{"fact: software.firmware.version, op: at_least, order: semver, value: 1.10.0",
		 FIND_NONE},
		{"fact: software.firmware.version, op: at_least, order: semver, value: 2.0.1",
		 FIND_RULE},
		{"fact: software.firmware.version, op: at_most, order: debian, value: '2.0.0-1'",
		 FIND_NONE},
		{"fact: software.other.version, op: present", FIND_FACT_MISSING},
		{"fact: software.firmware.kind, op: equals, value: file", FIND_NONE},
		{"fact: software.firmware.changed_while_read, op: equals, value: false", FIND_NONE},
		{"fact: health.disk_free, op: at_least, value: '5%'", FIND_NONE},
		{"fact: health.disk_free, op: at_least, value: '8%'", FIND_RULE},
		{"fact: health.disk_free./var, op: at_least, value: '8%'", FIND_RULE},
		{"fact: health.disk_free./home, op: present", FIND_FACT_MISSING},
		{"fact: health.temperature, op: at_most, value: 80 C", FIND_NONE},
		{"fact: health.temperature, op: at_least, value: -9 C", FIND_RULE},
		{"fact: health.temperature, op: at_least, value: '-10'", FIND_NONE},
		{"fact: health.uptime, op: at_most, value: 2h", FIND_NONE},
		{"fact: health.uptime, op: at_most, value: 1h", FIND_RULE},
		{"fact: health.update_age, op: at_most, value: 1d", FIND_NONE},
		{"fact: health.update_age, op: at_most, value: 1s", FIND_RULE},
		{"fact: health.lockdown, op: in, values: [integrity, confidentiality]", FIND_NONE},
		{"fact: health.module_signing, op: equals, value: true", FIND_FACT_MISSING},
		{"fact: health.listening, op: subset_of, values: ['tcp:*:22=sshd', 'udp:*']",
		 FIND_NONE},
		{"fact: health.listening, op: subset_of, values: ['tcp:*:22=sshd']", FIND_RULE},
		{"fact: health.listening, op: not_in, values: ['udp:0.0.0.0:53=dnsmasq']",
		 FIND_RULE},
		{"fact: health.listening, op: not_in, values: ['tcp:0.0.0.0:23=telnetd']",
		 FIND_NONE},
		{"fact: health.failed, op: subset_of, values: []", FIND_NONE},
		{"fact: config.app.log_level, op: equals, value: info", FIND_NONE},
		{"fact: config.app.log_level, op: equals, value: debug", FIND_RULE},
		{"fact: config.app.other, op: equals, value: debug", FIND_FACT_MISSING},
		{"fact: quote.banks, op: subset_of, values: [sha256, sha384]", FIND_NONE},
	};

	(void)state;
	softworld_health(&s, "disk_free", "", "7");
	softworld_health(&s, "disk_free", "/var", "7");
	softworld_health(&s, "failed_units", "", "0");
	softworld_health(&s, "last_update", "", "1789999990");
	softworld_health(&s, "listener", "tcp:0.0.0.0:22", "sshd");
	softworld_health(&s, "listener", "udp:0.0.0.0:53", "dnsmasq");
	softworld_health(&s, "lockdown", "", "integrity");
	softworld_health(&s, "module_signing", "", "TRUE"); /* not canonical: no fact */
	softworld_health(&s, "temperature", "", "-10");
	softworld_health(&s, "uptime", "", "7200");
	softworld_setting(&s, "app", "log_level", "info");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char yaml[512];
		const struct verdict *v;

		snprintf(yaml, sizeof yaml, "rules:\n  - {id: r, %s}\n", cases[i].rule);
		softworld_policy(&s, yaml);
		v = world_round(&s.w);
		if (cases[i].expected == FIND_NONE && v->outcome != OUTCOME_ADMIT)
			fail_msg("%s", cases[i].rule);
		if (cases[i].expected != FIND_NONE) {
			assert_int_equal(v->outcome, OUTCOME_QUARANTINE);
			if (!world_finding(v, cases[i].expected))
				fail_msg("%s", cases[i].rule);
		}
	}
}

static void
m12_rules_over_claims_lower_and_never_raise(void **state)
{
	(void)state;
	softworld_policy(&s, "rules:\n"
			     "  - {id: r, fact: software.firmware.version, op: equals, "
			     "value: 2.0.0, claim: file-system}\n");
	assert_admitted(world_round(&s.w));
	assert_int_equal(s.w.v->vector[AR4SI_FILE_SYSTEM], 2);
	assert_true(s.w.v->vector[AR4SI_EXECUTABLES] >= 3);
	world_reboot(&s.w, "sb-cmdline");
	assert_int_equal(world_round(&s.w)->outcome, OUTCOME_QUARANTINE);
}

static void
what_a_device_claims_besides_does_not_push_out_what_rules_need(void **state)
{
	static struct msg_health flood[MSG_HEALTH_MAX];
	static char names[MSG_HEALTH_MAX][16];

	(void)state;
	softworld_policy(&s, "rules:\n"
			     "  - {id: r, fact: software.firmware.version, op: equals, "
			     "value: 2.0.0}\n"
			     "  - {id: b, fact: boot.secure_boot, op: equals, value: true}\n");
	for (size_t i = 0; i < MSG_HEALTH_MAX; i++) {
		snprintf(names[i], sizeof names[i], "/m%03zu", i);
		flood[i] = (struct msg_health){SPAN("disk_free", 9), SPAN("50", 2),
					       SPAN(names[i], strlen(names[i]))};
	}
	s.claims.health = flood;
	s.claims.nhealth = MSG_HEALTH_MAX;
	assert_admitted(world_round(&s.w));
}

static void
unchanged_since_baseline_holds_against_the_devices_own_set(void **state)
{
	static const char policy[] =
		"rules:\n"
		"  - {id: v, fact: software.firmware.version, op: unchanged_since, "
		"value: baseline}\n"
		"  - {id: p, fact: 'pcr[1]', op: unchanged_since, value: baseline}\n"
		"  - {id: l, fact: health.listening, op: subset_of, value: reference, "
		"remediation: 'close {seen} on {device}'}\n";
	const struct finding *f;

	(void)state;
	softworld_health(&s, "listener", "tcp:0.0.0.0:22", "sshd");
	softworld_policy(&s, policy);
	assert_int_equal(world_round(&s.w)->outcome, OUTCOME_QUARANTINE);
	assert_non_null(world_finding(s.w.v, FIND_FACT_MISSING)); /* there is no baseline */
	s.w.in.references[0].baseline = true;
	softworld_capture(&s, REF_PROMOTED, true);
	world_reboot(&s.w, NULL); /* what a rule found about a PCR stays in the boot */
	assert_admitted(world_round(&s.w));
	softworld_set(&s, "firmware", "2.0.1", "x");
	assert_quarantined(world_round(&s.w), FIND_RULE);
	f = world_finding(s.w.v, FIND_RULE);
	assert_string_equal(f->rule, "v");
	assert_string_equal(f->expected, "unchanged_since baseline: 2.0.0");
	softworld_set(&s, "firmware", "2.0.0", "firmware two");
	softworld_health(&s, "listener", "tcp:0.0.0.0:23", "telnetd");
	assert_quarantined(world_round(&s.w), FIND_RULE);
	f = world_finding(s.w.v, FIND_RULE);
	assert_string_equal(f->rule, "l");
	assert_non_null(strstr(f->remedy, "close tcp:0.0.0.0:22=sshd tcp:0.0.0.0:23=telnetd on "));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		T(approved_software_is_admitted),
		T(m7_m12_software_that_matches_affirms_neither_hardware_nor_executables),
		T(a_changed_file_is_told_as_such),
		T(each_kind_of_change_has_its_own_word),
		T(what_could_not_be_measured_says_why),
		T(m11_software_that_is_not_told_is_missing_and_never_fine),
		T(a_version_that_went_back_is_a_rollback_and_no_more),
		T(a_rollback_to_what_nobody_approved_is_one_finding_with_the_stricter_cap),
		T(where_policy_follows_a_step_back_is_the_new_measure),
		T(leaving_an_item_out_for_a_while_forgets_no_version),
		T(a_version_below_the_minimum_is_told),
		T(a_text_that_is_no_version_is_in_no_order),
		T(d12_parts_of_two_sets_are_not_mixed),
		T(d7_a_learned_set_of_software_is_capped),
		T(an_expired_set_of_software_holds_no_more),
		T(d6_a_digest_of_another_algorithm_does_not_match),
		T(software_that_nobody_named_is_told_if_the_policy_wants),
		T(a_set_that_cannot_be_read_is_a_finding_and_never_skipped),
		T(a_changed_tree_is_told_file_by_file),
		T(a_changed_key_is_told_by_name),
		T(a_list_that_is_withheld_or_another_explains_nothing_and_excuses_nothing),
		T(many_changes_are_counted_and_some_named),
		T(rules_on_software_and_health_mean_what_they_say),
		T(m12_rules_over_claims_lower_and_never_raise),
		T(what_a_device_claims_besides_does_not_push_out_what_rules_need),
		T(unchanged_since_baseline_holds_against_the_devices_own_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
