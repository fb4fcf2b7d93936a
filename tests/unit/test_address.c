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
		{"mac 0200.5E00.5301", "mac 02:00:5e:00:53:01", ASSAY_OK},
		{"mac 02005e-005301", "mac 02:00:5e:00:53:01", ASSAY_OK},
		{"mac 02005e005301", "mac 02:00:5e:00:53:01", ASSAY_OK},
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
		{"mac 02:00:5e:00:53:", NULL, ASSAY_MALFORMED},
		{"mac :02:00:5e:00:53:01", NULL, ASSAY_MALFORMED},
		{"mac 02:00:5e:00:53:01:", NULL, ASSAY_MALFORMED},
		{"mac 02::00:5e:00:53:01", NULL, ASSAY_MALFORMED},
		{"mac 02:00:5e:0053:01", NULL, ASSAY_MALFORMED},
		{"mac 0200:5e00:5301", NULL, ASSAY_MALFORMED},
		{"mac 020.05e.005.301", NULL, ASSAY_MALFORMED},
		{"mac 02005e00530", NULL, ASSAY_MALFORMED},
		{"mac 02005e0053011", NULL, ASSAY_MALFORMED},
		{"mac ", NULL, ASSAY_MALFORMED},
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

/* Neither registration nor evidence takes an address from the device that has it. */
static void
an_address_is_one_devices_however_it_came_to_it(void **state)
{
	struct ledgers *s = *state;
	struct ledger_device one = ledgers_device(1), two = ledgers_device(2);
	struct ledger_address a = {.address = "ip 192.0.2.7", .attested = true}, there;

	IN_TRANSACTION(s, ledger_device_insert(s->l, &one));
	IN_TRANSACTION(s, ledger_device_insert(s->l, &two));
	memcpy(a.device, one.id, sizeof a.device);
	IN_TRANSACTION(s, ledger_address_put(s->l, &a));
	assert_int_equal(ledger_address_get(s->l, a.address, &there), ASSAY_OK);
	assert_true(there.attested);
	memcpy(a.device, two.id, sizeof a.device);
	for (int attested = 0; attested < 2; attested++) {
		a.attested = attested;
		assert_int_equal(ledger_begin(s->l), ASSAY_OK);
		assert_int_equal(ledger_address_put(s->l, &a), ASSAY_EXISTS);
		ledger_rollback(s->l);
	}
	a.device[0] = '\0';
	IN_TRANSACTION(s, ledger_address_put(s->l, &a));
	memcpy(a.device, two.id, sizeof a.device);
	IN_TRANSACTION(s, ledger_address_put(s->l, &a));
	/* registered once it is attested, not the other way round behind the service's back */
	ledgers_close(s);
	assert_int_equal(ledgers_sql(s, "UPDATE address SET attested = 0"), 1);
	assert_int_equal(ledgers_open(s, NULL), ASSAY_OK);
	assert_int_equal(ledger_address_get(s->l, a.address, &there), ASSAY_TAMPERED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_has_one_form),
		cmocka_unit_test_setup_teardown(an_address_is_one_devices_however_it_came_to_it,
						ledgers_setup, ledgers_teardown),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
