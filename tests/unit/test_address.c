/* test_address.c: what relying parties know a device by: one written form of each. */
#include "tests/support/ledgers.h"
#include "tests/support/unit.h"

#include "verifier/address.h"

#include <string.h>

static void
each_address_has_one_form(void **state)
{
	static const struct {
		const char *text, *form;
		enum assay_err e;
	} cases[] = {
		{"mac 02:00:5E:00:53:01", "mac 02:00:5e:00:53:01", ASSAY_OK},
		{"mac 02-00-5e-00-53-01", "mac 02:00:5e:00:53:01", ASSAY_OK},
		{"ip 192.0.2.7", "ip 192.0.2.7", ASSAY_OK},
		{"ip 2001:0DB8:0:0:0:0:0:7", "ip 2001:db8::7", ASSAY_OK},
		{"ip fe80::1", "ip fe80::1", ASSAY_OK},
		{"mac 01:00:5e:00:00:01", NULL, ASSAY_DENIED},
		{"mac ff:ff:ff:ff:ff:ff", NULL, ASSAY_DENIED},
		{"mac 00:00:00:00:00:00", NULL, ASSAY_DENIED},
		{"ip 0.0.0.0", NULL, ASSAY_DENIED},
		{"ip 127.0.0.1", NULL, ASSAY_DENIED},
		{"ip 224.0.0.1", NULL, ASSAY_DENIED},
		{"ip 255.255.255.255", NULL, ASSAY_DENIED},
		{"ip ::", NULL, ASSAY_DENIED},
		{"ip ::1", NULL, ASSAY_DENIED},
		{"ip ff02::1", NULL, ASSAY_DENIED},
		{"ip ::ffff:192.0.2.7", NULL, ASSAY_DENIED},
		{"", NULL, ASSAY_MALFORMED},
		{"192.0.2.7", NULL, ASSAY_MALFORMED},
		{"ip 192.0.2", NULL, ASSAY_MALFORMED},
		{"ip 192.0.2.7/24", NULL, ASSAY_MALFORMED},
		{"ip 192.0.2.7 ", NULL, ASSAY_MALFORMED},
		{"ip fe80::1%eth0", NULL, ASSAY_MALFORMED},
		{"mac 02:00:5e:00:53", NULL, ASSAY_MALFORMED},
		{"mac 02:00:5e:00:53:0g", NULL, ASSAY_MALFORMED},
		{"mac 02:00:5e-00:53:01", NULL, ASSAY_MALFORMED},
		{"mac 2:0:5e:0:53:1", NULL, ASSAY_MALFORMED},
		{"cert 12", NULL, ASSAY_MALFORMED},
		{"dns plc-7", NULL, ASSAY_MALFORMED},
	};
	char ret[LEDGER_ADDRESS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (address_parse(cases[i].text, ret) != cases[i].e)
			fail_msg("%s", cases[i].text);
		if (cases[i].form)
			assert_string_equal(ret, cases[i].form);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_has_one_form),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
