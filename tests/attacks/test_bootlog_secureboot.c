/*
 * test_bootlog_secureboot.c: attacks on what a boot log says of Secure Boot and of
 * shim's lists: L14 and L15. Missing is neither "off" nor "fine".
 */
#include "tests/support/unit.h"

#include <string.h>

#include "tests/support/logmade.h"
#include "verifier/appraise/bootdiff.h"

#define CONFIG EV_EFI_VARIABLE_DRIVER_CONFIG
#define AUTHORITY EV_EFI_VARIABLE_AUTHORITY

static struct boot_facts facts;
static struct made m;

/* One SHA-256 entry: list header, owner, hash. */
static const uint8_t one_hash[28 + 16 + 32] = {
	0x26, 0x16, 0xC4, 0xC1, 0x4C, 0x50, 0x92, 0x40, 0xAC, 0xA9, 0x41, 0xF9, 0x36, 0x93, 0x43,
	0x28, 28 + 48, 0, 0, 0, 0, 0, 0, 0, 48};
static const uint8_t one[1] = {1}, zero[1] = {0}, two[1] = {2};

static void
variable(uint32_t pcr, const uint8_t guid[16], const char *name, struct span data)
{
	made_event(&m, pcr, CONFIG, made_variable(guid, name, data));
}

static void
secure_boot(struct span value)
{
	variable(7, made_guid_global, "SecureBoot", value);
}

static void
keys(struct span pk)
{
	variable(7, made_guid_global, "PK", pk);
	variable(7, made_guid_global, "KEK", SPAN(one_hash, sizeof one_hash));
	variable(7, made_guid_security, "db", SPAN(one_hash, sizeof one_hash));
	variable(7, made_guid_security, "dbx", SPAN(one_hash, sizeof one_hash));
}

static void
separator(uint32_t pcr)
{
	made_event(&m, pcr, EV_SEPARATOR, SPAN("\0\0\0\0", 4));
}

static void
begin(void)
{
	made_begin(&m, made_sha256, 1, 0);
}

static void
read_facts(void)
{
	assert_int_equal(bootfacts_read(made_log(&m), false, ALG_SHA256, &facts), ASSAY_OK);
}

static bool
found(enum boot_finding_code code)
{
	for (size_t i = 0; i < facts.nfindings; i++)
		if (facts.findings[i].code == code)
			return true;
	return false;
}

static void
l14_secure_boot_is_on_if_it_is_proved_once_before_the_separator(void **state)
{
	(void)state;
	begin();
	secure_boot(SPAN(one, 1));
	keys(SPAN(one_hash, sizeof one_hash));
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_MISSING); /* who knows what follows */
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_ON);
	assert_int_equal(facts.secure_boot_event, 1);
	assert_int_equal(facts.dbx.counts.entries, 1);
	assert_false(found(BOOTFIND_SB_MISSING));
}

static void
l14_a_missing_variable_is_neither_off_nor_fine(void **state)
{
	(void)state;
	begin();
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_MISSING);
	assert_true(found(BOOTFIND_SB_MISSING));
	begin();
	secure_boot(SPAN(NULL, 0)); /* measured as not existing */
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_MISSING);
	assert_true(found(BOOTFIND_SB_MISSING));
}

static void
l14_each_key_variable_must_be_there(void **state)
{
	static const char *const names[] = {"PK", "KEK", "db", "dbx"};

	(void)state;
	for (size_t without = 0; without < 4; without++) {
		begin();
		secure_boot(SPAN(zero, 1));
		for (size_t i = 0; i < 4; i++)
			if (i != without)
				variable(7, i < 2 ? made_guid_global : made_guid_security,
					 names[i], SPAN(one_hash, sizeof one_hash));
		separator(7);
		read_facts();
		assert_true(found(BOOTFIND_SB_MISSING));
		assert_int_equal(facts.secure_boot, BOOT_FLAG_OFF);
	}
}

static void
l14_a_variable_measured_twice_is_contradictory(void **state)
{
	(void)state;
	begin();
	secure_boot(SPAN(zero, 1));
	secure_boot(SPAN(one, 1));
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_CONTRADICTORY);
	assert_true(found(BOOTFIND_SB_DUPLICATE));
	begin();
	secure_boot(SPAN(one, 1));
	keys(SPAN(one_hash, sizeof one_hash));
	variable(7, made_guid_security, "dbx", SPAN(NULL, 0));
	separator(7);
	read_facts();
	assert_false(facts.dbx.present);
	assert_true(found(BOOTFIND_SB_DUPLICATE));
}

static void
l14_a_variable_after_the_separator_is_contradictory(void **state)
{
	(void)state;
	begin();
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	secure_boot(SPAN(one, 1));
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_CONTRADICTORY);
	assert_true(found(BOOTFIND_SB_LATE));
}

static void
l14_data_that_are_not_what_was_measured_prove_nothing(void **state)
{
	const uint32_t pcr_type[2] = {7, CONFIG};
	static uint8_t off[1024];
	struct span lie, truth = made_variable(made_guid_global, "SecureBoot", SPAN(zero, 1));

	(void)state;
	memcpy(off, truth.p, truth.n);
	lie = made_variable(made_guid_global, "SecureBoot", SPAN(one, 1));
	begin();
	made_event_of(&m, pcr_type, lie, SPAN(off, truth.n));
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_CONTRADICTORY);
	assert_true(found(BOOTFIND_CONTRADICTION));
}

/* SetupMode = 1 has the same content: a digest of the content alone proves no name. */
static void
l14_a_digest_of_the_content_alone_proves_no_name(void **state)
{
	const uint32_t pcr_type[2] = {7, CONFIG};

	(void)state;
	begin();
	made_event_of(&m, pcr_type, made_variable(made_guid_global, "SecureBoot", SPAN(one, 1)),
		      SPAN(one, 1));
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_MISSING);
	assert_true(found(BOOTFIND_SB_UNPROVED));
}

static void
l14_odd_values_are_contradictory(void **state)
{
	(void)state;
	begin();
	secure_boot(SPAN(two, 1));
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_CONTRADICTORY);
	begin();
	secure_boot(SPAN("\1\0", 2));
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_CONTRADICTORY);
	assert_true(found(BOOTFIND_SB_VALUE));
}

static void
l14_secure_boot_without_a_platform_key_is_contradictory(void **state)
{
	(void)state;
	begin();
	secure_boot(SPAN(one, 1));
	keys(SPAN(NULL, 0));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_CONTRADICTORY);
	assert_true(found(BOOTFIND_SB_NO_KEYS));
}

static void
l14_other_pcrs_namespaces_and_types_do_not_count(void **state)
{
	(void)state;
	begin();
	variable(1, made_guid_global, "SecureBoot", SPAN(one, 1));
	variable(7, made_guid_shim, "SecureBoot", SPAN(one, 1));
	variable(7, made_guid_global, "secureboot", SPAN(one, 1));
	variable(7, made_guid_global, "SecureBoot2", SPAN(one, 1));
	made_event(&m, 7, AUTHORITY, made_variable(made_guid_global, "SecureBoot", SPAN(one, 1)));
	keys(SPAN(one_hash, sizeof one_hash));
	separator(7);
	read_facts();
	assert_int_equal(facts.secure_boot, BOOT_FLAG_MISSING);
	assert_true(found(BOOTFIND_SB_MISSING));
}

static void
l14_authority_before_the_separator_is_a_finding(void **state)
{
	(void)state;
	begin();
	secure_boot(SPAN(one, 1));
	keys(SPAN(one_hash, sizeof one_hash));
	made_event(&m, 7, AUTHORITY, made_variable(made_guid_security, "db", SPAN("cert", 4)));
	separator(7);
	read_facts();
	assert_true(found(BOOTFIND_EARLY_AUTHORITY));
	begin();
	separator(7);
	made_event(&m, 7, AUTHORITY, made_variable(made_guid_security, "db", SPAN("cert", 4)));
	read_facts();
	assert_false(found(BOOTFIND_EARLY_AUTHORITY));
}

static void
l14_the_modes_of_the_firmware_are_facts(void **state)
{
	(void)state;
	begin();
	variable(7, made_guid_global, "SetupMode", SPAN(one, 1));
	variable(7, made_guid_global, "AuditMode", SPAN(zero, 1));
	separator(7);
	read_facts();
	assert_int_equal(facts.setup_mode, BOOT_FLAG_ON);
	assert_int_equal(facts.audit_mode, BOOT_FLAG_OFF);
	assert_int_equal(facts.deployed_mode, BOOT_FLAG_MISSING);
	begin();
	made_event(&m, 7, EV_EFI_ACTION, SPAN("UEFI Debug Mode", 15));
	read_facts();
	assert_int_equal(facts.debugger, BOOT_FLAG_ON);
}

static void
l14_malformed_signature_lists_are_a_finding(void **state)
{
	uint8_t bad[sizeof one_hash];

	(void)state;
	for (size_t at = 16; at < 28; at++) { /* the three sizes */
		memcpy(bad, one_hash, sizeof bad);
		bad[at] ^= 0x81;
		begin();
		secure_boot(SPAN(zero, 1));
		variable(7, made_guid_security, "dbx", SPAN(bad, sizeof bad));
		separator(7);
		read_facts();
		assert_true(facts.dbx.malformed);
		assert_true(found(BOOTFIND_MALFORMED));
	}
}

static struct boot_ref_event reference;
static char description[256];

static void
keep_dbx(const struct boot_ref_event *ev, void *arg)
{
	(void)arg;
	reference = *ev;
	memcpy(description, ev->description.p, ev->description.n);
	reference.description = SPAN(description, ev->description.n);
}

static void
l14_a_dbx_that_went_back_is_told_in_words(void **state)
{
	static struct bootdiff_work work;
	static struct bootdiff diff;
	static uint8_t twice[2 * sizeof one_hash];
	struct bootdiff_input in = {.bank = ALG_SHA256, .pcr_mask = 1u << 7};

	(void)state;
	memcpy(twice, one_hash, sizeof one_hash);
	memcpy(twice + sizeof one_hash, one_hash, sizeof one_hash);
	begin();
	variable(7, made_guid_security, "dbx", SPAN(twice, sizeof twice));
	in.log = made_log(&m);
	assert_int_equal(bootdiff_capture(&in, keep_dbx, NULL), ASSAY_OK);
	begin();
	variable(7, made_guid_security, "dbx", SPAN(one_hash, sizeof one_hash));
	in.log = made_log(&m);
	in.reference = &reference;
	in.nreference = 1;
	assert_int_equal(bootdiff_compare(&in, &work, &diff), ASSAY_OK);
	assert_string_equal(diff.headline,
			    "Secure Boot variable dbx went back from 2 to 1 entries");
}

static void
l15_shims_lists_count_only_under_their_names_and_guid(void **state)
{
	(void)state;
	begin();
	separator(7);
	made_event(&m, 7, AUTHORITY,
		   made_variable(made_guid_shim, "SbatLevel", SPAN("sbat,1,2025021800\n", 18)));
	made_event(&m, 7, AUTHORITY, made_variable(made_guid_shim, "MokListTrusted",
						   SPAN(one, 1)));
	read_facts();
	assert_false(found(BOOTFIND_SHIM_ODD));
	made_event(&m, 7, AUTHORITY, made_variable(made_guid_shim, "MokListTrusteD",
						   SPAN(one, 1)));
	read_facts();
	assert_true(found(BOOTFIND_SHIM_ODD));
}

static void
l15_authority_data_of_any_shape_do_no_harm(void **state)
{
	static uint8_t data[96];

	(void)state;
	for (size_t n = 0; n <= sizeof data; n++) {
		memset(data, 0x30 + (int)n, sizeof data);
		begin();
		separator(7);
		made_event(&m, 7, AUTHORITY, SPAN(data, n));
		made_event(&m, 7, AUTHORITY, made_variable(made_guid_shim, "Shim", SPAN(data, n)));
		made_event(&m, 7, AUTHORITY,
			   made_variable(made_guid_security, "vendor_db", SPAN(data, n)));
		read_facts();
		assert_int_equal(facts.events, 5);
		assert_true(found(BOOTFIND_MALFORMED)); /* the first is no variable */
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l14_secure_boot_is_on_if_it_is_proved_once_before_the_separator),
		cmocka_unit_test(l14_a_missing_variable_is_neither_off_nor_fine),
		cmocka_unit_test(l14_each_key_variable_must_be_there),
		cmocka_unit_test(l14_a_variable_measured_twice_is_contradictory),
		cmocka_unit_test(l14_a_variable_after_the_separator_is_contradictory),
		cmocka_unit_test(l14_data_that_are_not_what_was_measured_prove_nothing),
		cmocka_unit_test(l14_a_digest_of_the_content_alone_proves_no_name),
		cmocka_unit_test(l14_odd_values_are_contradictory),
		cmocka_unit_test(l14_secure_boot_without_a_platform_key_is_contradictory),
		cmocka_unit_test(l14_other_pcrs_namespaces_and_types_do_not_count),
		cmocka_unit_test(l14_authority_before_the_separator_is_a_finding),
		cmocka_unit_test(l14_the_modes_of_the_firmware_are_facts),
		cmocka_unit_test(l14_malformed_signature_lists_are_a_finding),
		cmocka_unit_test(l14_a_dbx_that_went_back_is_told_in_words),
		cmocka_unit_test(l15_shims_lists_count_only_under_their_names_and_guid),
		cmocka_unit_test(l15_authority_data_of_any_shape_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
