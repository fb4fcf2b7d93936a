/* Events for logs: RFC 5424 and the journal's protocol, whatever a device is called. */
#include "tests/support/unit.h"

#include "verifier/result/syslog.h"

#include <string.h>

static const struct log_origin origin = {3, 32473, "verifier.example", 42};

static struct record
record(void)
{
	struct record r = {.issued = 1700000000, .seq = 12, .previous = 7, .nreasons = 2,
			   .outcome = RECORD_RESTRICT, .expires = 1700000060};

	strcpy(r.device, "00112233445566778899aabbccddeeff");
	strcpy(r.name, "plc-7");
	strcpy(r.class_name, "plc");
	strcpy(r.labels, "site=berlin");
	strcpy(r.reasons[0], "boot.changed");
	strcpy(r.reasons[1], "health.old");
	return r;
}

static const char *
written(enum assay_err (*f)(const struct log_origin *, const struct log_decision *,
			    struct writer *),
	const struct record *r)
{
	static char buf[JOURNAL_MAX + 1];
	struct log_decision d = {.record = r, .before = "admit"};
	struct writer w;

	wr_init(&w, buf, sizeof buf - 1);
	assert_int_equal(f(&origin, &d, &w), ASSAY_OK);
	buf[w.len] = '\0';
	return buf;
}

static void
a_syslog_event_has_the_form_of_rfc_5424(void **state)
{
	struct record r = record();

	(void)state;
	assert_string_equal(
		written(syslog_write, &r),
		"<28>1 2023-11-14T22:13:20Z verifier.example assay-verifier 42 DECISION "
		"[assay@32473 device=\"00112233445566778899aabbccddeeff\" name=\"plc-7\" "
		"class=\"plc\" labels=\"site=berlin\" outcome=\"restrict\" before=\"admit\" "
		"reason=\"boot.changed,health.old\" sequence=\"12\" previous=\"7\" "
		"expires=\"1700000060\"] device plc-7 (00112233445566778899aabbccddeeff): restrict "
		"after admit: boot.changed,health.old");
}

static void
no_name_ends_a_field_or_an_event(void **state)
{
	struct record r = record();
	const char *s;

	(void)state;
	strcpy(r.name, "a\"]\\ b=\"\n<0>1 x\x7F\xC3");
	s = written(syslog_write, &r);
	assert_non_null(strstr(s, " name=\"a\\\"\\]\\\\ b=\\\"?<0>1 x??\" class="));
	for (; *s; s++)
		assert_in_range(*s, 0x20, 0x7E);
}

static void
an_event_of_syslog_fits_what_receivers_take(void **state)
{
	struct record r = record();

	(void)state;
	memset(r.name, ']', RECORD_NAME_MAX);
	memset(r.class_name, ']', RECORD_CLASS_MAX);
	memset(r.labels, ']', RECORD_LABELS_MAX);
	r.nreasons = RECORD_REASONS_MAX;
	for (unsigned i = 0; i < RECORD_REASONS_MAX; i++)
		memset(r.reasons[i], ']', RECORD_REASON_MAX);
	assert_true(strlen(written(syslog_write, &r)) <= SYSLOG_MAX);
}

static void
severity_follows_the_outcome(void **state)
{
	struct record r = record();

	(void)state;
	r.outcome = RECORD_QUARANTINE;
	assert_memory_equal(written(syslog_write, &r), "<27>1 ", 6);
	r.outcome = RECORD_ADMIT;
	assert_memory_equal(written(syslog_write, &r), "<29>1 ", 6);
	assert_non_null(strstr(written(journal_write, &r), "\nPRIORITY=5\n"));
}

static void
a_journal_entry_has_a_field_per_line(void **state)
{
	struct record r = record();
	const char *s = written(journal_write, &r);

	(void)state;
	assert_memory_equal(s, "MESSAGE=device plc-7 (", 22);
	assert_non_null(strstr(s, "\nMESSAGE_ID=" JOURNAL_MESSAGE_ID "\n"));
	assert_non_null(strstr(s, "\nASSAY_DEVICE=00112233445566778899aabbccddeeff\n"));
	assert_non_null(strstr(s, "\nASSAY_OUTCOME=restrict\nASSAY_BEFORE=admit\n"));
	assert_non_null(strstr(s, "\nASSAY_REASON=boot.changed,health.old\n"));
	assert_int_equal(s[strlen(s) - 1], '\n');
}

static void
a_value_with_a_line_end_adds_no_field_to_the_journal(void **state)
{
	static const char want[] = "\nASSAY_NAME\n\x0C\0\0\0\0\0\0\0a\nPRIORITY=0\n";
	static char buf[JOURNAL_MAX];
	struct record r = record();
	struct log_decision d = {.record = &r, .before = ""};
	struct writer w;

	(void)state;
	strcpy(r.name, "a\nPRIORITY=0");
	wr_init(&w, buf, sizeof buf);
	assert_int_equal(journal_write(&origin, &d, &w), ASSAY_OK);
	assert_non_null(memmem(buf, w.len, want, sizeof want - 1));
	assert_null(memmem(buf, w.len, "ASSAY_BEFORE", 12));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_syslog_event_has_the_form_of_rfc_5424),
		cmocka_unit_test(no_name_ends_a_field_or_an_event),
		cmocka_unit_test(an_event_of_syslog_fits_what_receivers_take),
		cmocka_unit_test(severity_follows_the_outcome),
		cmocka_unit_test(a_journal_entry_has_a_field_per_line),
		cmocka_unit_test(a_value_with_a_line_end_adds_no_field_to_the_journal),
	};

	return cmocka_run_group_tests_name("syslog", tests, NULL, NULL);
}
