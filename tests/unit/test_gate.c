/* test_gate.c: what a gate makes of decisions: who passes, until when, and nobody else. */
#include "tests/support/unit.h"

#include "gate/clock.h"
#include "gate/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1000

static struct gate_config config;

static struct record
record_of(const char *id, uint64_t seq, enum record_outcome o, int64_t expires)
{
	struct record r = {.seq = seq, .outcome = o, .expires = expires, .naddresses = 3};

	snprintf(r.device, sizeof r.device, "%s", id);
	strcpy(r.addresses[0], "mac 02:00:5e:00:53:01");
	strcpy(r.addresses[1], "ip 192.0.2.7");
	strcpy(r.addresses[2], "ip 2001:db8::7");
	return r;
}

static int
setup(void **state)
{
	(void)state;
	memset(&config, 0, sizeof config);
	config.match_mac = true;
	config.ninterfaces = 2;
	strcpy(config.interfaces[0], "eth1");
	strcpy(config.interfaces[1], "eth2");
	return 0;
}

static void
only_a_newer_record_counts(void **state)
{
	struct gate_devices d = {.n = 0};
	struct record r = record_of("a", 5, RECORD_QUARANTINE, 0);

	(void)state;
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	r = record_of("a", 4, RECORD_ADMIT, NOW + 9);
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	assert_int_equal(devices_find(&d, "a")->outcome, RECORD_QUARANTINE);
	r.seq = 6;
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	assert_int_equal(devices_find(&d, "a")->outcome, RECORD_ADMIT);
	devices_forget(&d, "a");
	assert_null(devices_find(&d, "a"));
	devices_free(&d);
}

static void
an_extension_is_of_the_newest_record_and_never_of_quarantine(void **state)
{
	static struct extension x = {.n = 1, .entry = {{"a", 5, NOW + 100}}};
	struct gate_devices d = {.n = 0};
	struct record r = record_of("a", 6, RECORD_ADMIT, NOW + 9);

	(void)state;
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	devices_extend(&d, &x);
	assert_int_equal(devices_find(&d, "a")->expires, NOW + 9);
	x.entry[0].seq = 6;
	x.entry[0].expires = NOW + 5;
	devices_extend(&d, &x);
	assert_int_equal(devices_find(&d, "a")->expires, NOW + 9);
	x.entry[0].expires = NOW + 100;
	devices_extend(&d, &x);
	assert_int_equal(devices_find(&d, "a")->expires, NOW + 100);
	r = record_of("a", 7, RECORD_QUARANTINE, NOW + 500);
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	x.entry[0].seq = 7;
	devices_extend(&d, &x);
	assert_int_equal(devices_find(&d, "a")->expires, 0);
	devices_free(&d);
}

/* outcome of a record that ends then, at NOW, with a verifier silent since then */
static enum record_outcome
outcome(enum record_outcome o, int64_t expires, int64_t silent_since, bool open)
{
	const struct gate_device d = {.outcome = o, .expires = expires};
	const struct gate_time t = {NOW, silent_since, open};
	int64_t until;
	enum record_outcome r = devices_outcome(&d, &t, &until);

	assert_true(r == RECORD_QUARANTINE ? until == 0 : until > NOW);
	return r;
}

static void
what_has_ended_is_quarantined_and_failing_open_never_opens(void **state)
{
	(void)state;
	assert_int_equal(outcome(RECORD_ADMIT, NOW + 1, 0, false), RECORD_ADMIT);
	assert_int_equal(outcome(RECORD_RESTRICT, NOW + 1, 0, false), RECORD_RESTRICT);
	assert_int_equal(outcome(RECORD_ADMIT, NOW, 0, false), RECORD_QUARANTINE);
	assert_int_equal(outcome(RECORD_ADMIT, NOW, 0, true), RECORD_QUARANTINE);
	assert_int_equal(outcome(RECORD_ADMIT, NOW, NOW - 20, false), RECORD_QUARANTINE);
	assert_int_equal(outcome(RECORD_ADMIT, NOW - 5, NOW - 20, true), RECORD_ADMIT);
	assert_int_equal(outcome(RECORD_ADMIT, NOW - 20, NOW - 20, true), RECORD_QUARANTINE);
	assert_int_equal(outcome(RECORD_ADMIT, NOW - 30, NOW - 20, true), RECORD_QUARANTINE);
	assert_int_equal(outcome(RECORD_QUARANTINE, NOW + 500, NOW - 20, true),
			 RECORD_QUARANTINE);
	assert_int_equal(outcome(RECORD_OUTCOMES, NOW + 500, 0, true), RECORD_QUARANTINE);
}

static size_t
elements(struct gate_devices *d, struct rules_elements *ret)
{
	const struct gate_time t = {NOW, 0, false};

	rules_elements(&config, d, &t, ret);
	assert_false(ret->failed);
	return ret->n;
}

static void
each_address_is_an_element_on_each_interface(void **state)
{
	struct gate_devices d = {.n = 0};
	struct rules_elements e = {.n = 0};
	struct record r = record_of("a", 1, RECORD_ADMIT, NOW + 60);
	struct text t = {.p = NULL};

	(void)state;
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	assert_int_equal(elements(&d, &e), 8); /* 2 interfaces, 2 addresses, from and to */
	rules_batch(&config, &e, NOW, &t);
	assert_non_null(strstr(t.p, "add element inet assay_gate admitted_from4 { \"eth1\" . "
				    "02:00:5e:00:53:01 . 192.0.2.7 timeout 60s"));
	assert_non_null(strstr(t.p, "admitted_to6 { \"eth1\" . 2001:db8::7 timeout 60s"));
	assert_null(strstr(t.p, "add element inet assay_gate restricted"));
	text_free(&t);
	config.match_mac = false;
	assert_int_equal(elements(&d, &e), 8);
	config.match_mac = true;
	r.naddresses = 1; /* a MAC alone: no packet can be told to be its */
	r.seq = 2;
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	assert_int_equal(elements(&d, &e), 0);
	rules_elements_free(&e);
	devices_free(&d);
}

static size_t
count(const struct rules_elements *e, enum record_outcome o, enum rules_set s)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		n += e->list[i].outcome == o && e->list[i].set == s;
	return n;
}

/* Whose an address is does not depend on what was decided, and opens nothing. */
static void
a_bridge_knows_the_addresses_of_all_devices(void **state)
{
	struct gate_devices d = {.n = 0};
	struct rules_elements e = {.n = 0};
	struct record r = record_of("a", 1, RECORD_QUARANTINE, 0);
	struct text t = {.p = NULL};

	(void)state;
	config.bridge = true;
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	(void)elements(&d, &e);
	assert_int_equal(count(&e, RECORD_QUARANTINE, RULES_MACS), 1);
	assert_int_equal(count(&e, RECORD_QUARANTINE, RULES_MAC), 2);
	assert_int_equal(count(&e, RECORD_QUARANTINE, RULES_OWN4), 2);
	assert_int_equal(count(&e, RECORD_QUARANTINE, RULES_OWN_ND), 2);
	for (unsigned s = 0; s < RULES_SET_COUNT; s++) {
		assert_int_equal(count(&e, RECORD_ADMIT, s), 0);
		assert_int_equal(count(&e, RECORD_RESTRICT, s), 0);
	}
	rules_batch(&config, &e, NOW, &t);
	assert_non_null(strstr(t.p, "add element bridge assay_gate known_allnd { "
				    "0x20010db8000000000000000000000007 }"));
	assert_non_null(strstr(t.p, "known_own4 { \"eth1\" . 02:00:5e:00:53:01 . 192.0.2.7,"));
	assert_null(strstr(t.p, "timeout"));
	text_free(&t);
	r = record_of("a", 2, RECORD_ADMIT, NOW + 60);
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	(void)elements(&d, &e);
	assert_int_equal(count(&e, RECORD_ADMIT, RULES_FROM4), 2);
	assert_int_equal(count(&e, RECORD_ADMIT, RULES_ND), 2);
	assert_int_equal(count(&e, RECORD_QUARANTINE, RULES_MACS), 1);
	r = record_of("a", 3, RECORD_ADMIT, NOW + 60);
	strcpy(r.addresses[0], "ip 192.0.2.8"); /* nothing tells it from a spoofer */
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	assert_int_equal(elements(&d, &e), 0);
	rules_elements_free(&e);
	devices_free(&d);
}

static void
a_device_with_a_place_counts_nowhere_else(void **state)
{
	struct gate_devices d = {.n = 0};
	struct rules_elements e = {.n = 0};
	struct record r = record_of("a", 1, RECORD_ADMIT, NOW + 60);

	(void)state;
	strcpy(r.name, "plc-7");
	assert_int_equal(devices_put(&d, &r), ASSAY_OK);
	config.nplaces = 1;
	strcpy(config.places[0].interface, "eth2");
	strcpy(config.places[0].device, "plc-7");
	assert_int_equal(elements(&d, &e), 4);
	for (size_t i = 0; i < e.n; i++)
		assert_int_equal(strncmp(e.list[i].key, "eth2 ", 5), 0);
	strcpy(config.places[0].device, "a"); /* its id */
	assert_int_equal(elements(&d, &e), 4);
	strcpy(config.places[0].device, "plc-8");
	assert_int_equal(elements(&d, &e), 8);
	strcpy(config.places[0].device, ""); /* nobody's name */
	assert_int_equal(elements(&d, &e), 8);
	rules_elements_free(&e);
	devices_free(&d);
}

static void
text_of_no_address_never_reaches_a_rule(void **state)
{
	static const char *const bad[] = {"ip 192.0.2.7 } ; flush ruleset", "ip $(id)",
					  "mac 02:00:5e:00:53:01 . 0.0.0.0/0", "ip ", "dns a",
					  "ip 192.0.2", "ip 2001:db8", "ip 1:::2",
					  "mac 02:00:5e:00:53", "mac 02:00:5e:00:53:0:"};
	struct gate_devices d = {.n = 0};
	struct rules_elements e = {.n = 0};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct record r = record_of("a", i + 1, RECORD_ADMIT, NOW + 60);

		r.naddresses = 2;
		snprintf(r.addresses[strncmp(bad[i], "mac", 3) != 0], sizeof r.addresses[0], "%s",
			 bad[i]);
		assert_int_equal(devices_put(&d, &r), ASSAY_OK);
		assert_int_equal(elements(&d, &e), 0);
	}
	rules_elements_free(&e);
	devices_free(&d);
}

/* D10: decisions end by a time that runs on by itself; only a confirmed heartbeat sets it. */
static void
d10_a_wall_clock_that_is_set_gives_no_decision_more_time(void **state)
{
	const int64_t wall = 1795341600000, boot = 77000;
	struct clock c;

	(void)state;
	clock_start(&c, wall, boot);
	assert_int_equal(clock_now(&c, boot), wall / 1000);
	assert_int_equal(clock_now(&c, boot + 3600000), wall / 1000 + 3600); /* whatever wall is */
	/* both agree: nothing is to be put again */
	assert_false(clock_hear(&c, wall / 1000 + 5, wall + 5400, boot + 5400));
	/* the verifier is ahead, then the gate: the later one counts */
	assert_true(clock_hear(&c, wall / 1000 + 40, wall + 10000, boot + 10000));
	assert_int_equal(clock_now(&c, boot + 10000), wall / 1000 + 40);
	assert_true(clock_hear(&c, wall / 1000 + 15, wall + 40000, boot + 15000));
	assert_int_equal(clock_now(&c, boot + 15000), wall / 1000 + 40);
	/* both were set back, and agree: that is the time */
	assert_true(clock_hear(&c, wall / 1000 - 3600, wall - 3599000, boot + 20000));
	assert_int_equal(clock_now(&c, boot + 20000), wall / 1000 - 3599);
}

static void
write_config(const char *path, const char *line)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fprintf(f, "server: wss://verifier.example:8443\ntoken_file: /t\ntls_pin: %064d\n"
		   "root: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nstate: /s\n%s\n", 0, line);
	assert_int_equal(fclose(f), 0);
}

static void
a_configuration_that_is_wrong_is_told_by_key(void **state)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{"interfaces: [eth1]", ""},
		{"interfaces: [eth1]\nfail: maybe", "fail: must be closed or open"},
		{"interfaces: []", "interfaces: behind which"},
		{"interfaces: ['eth1; flush']", "is no name of an interface"},
		{"interfaces: [eth1]\nalways: ['192.0.2.1 tcp']", "always: `192.0.2.1 tcp' is not"},
		{"interfaces: [eth1]\nalways: ['host tcp 80']", "always: `host tcp 80' is not"},
		{"interfaces: [eth1]\nalways: ['192.0.2.1 icmp 80']", "is not like"},
		{"interfaces: [eth1]\nmode: bridge", ""},
		{"interfaces: [eth1]\nmode: switch", "mode: must be router or bridge"},
		{"interfaces: [eth1]\nmode: bridge\nmatch: ip", "match: must be mac with"},
		{"interfaces: [eth1]\nmode: bridge\nrouters: [192.0.2.1, 'fe80::1']", ""},
		{"interfaces: [eth1]\nmode: bridge\nrouters: ['192.0.2.1 } accept']",
		 "routers: `192.0.2.1 } accept' is no address"},
		{"interfaces: [eth1]\nrouters: [192.0.2.1]", "routers: is for mode: bridge"},
		{"interfaces: [eth1]\nplaces: [eth1 plc-7]", ""},
		{"interfaces: [eth1]\nplaces: [eth1]", "places: `eth1' is not like"},
		{"interfaces: [eth1]\nplaces: [eth2 plc-7]", "places: `eth2' is not among"},
		{"interfaces: [eth1]\nmatch: both", "match: must be mac or ip"},
		{"interfaces: [eth1]\nbogus: 1", ": Unexpected key: bogus"},
		{"interfaces: eth1", ":6:13: interfaces: Expecting SEQUENCE"},
		{"", ": Missing required mapping field: interfaces"},
	};
	char path[] = "/tmp/assay-gate-XXXXXX", why[600];
	struct gate_config c;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool ok;

		write_config(path, cases[i].line);
		ok = gate_config_load(path, &c, why, sizeof why);
		if (ok != (*cases[i].why == '\0') || !strstr(why, cases[i].why))
			fail_msg("%s: %s", cases[i].line, why);
	}
	unlink(path);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_newer_record_counts),
		cmocka_unit_test(an_extension_is_of_the_newest_record_and_never_of_quarantine),
		cmocka_unit_test(what_has_ended_is_quarantined_and_failing_open_never_opens),
		cmocka_unit_test(each_address_is_an_element_on_each_interface),
		cmocka_unit_test_setup(a_bridge_knows_the_addresses_of_all_devices, setup),
		cmocka_unit_test_setup(a_device_with_a_place_counts_nowhere_else, setup),
		cmocka_unit_test_setup(text_of_no_address_never_reaches_a_rule, setup),
		cmocka_unit_test(d10_a_wall_clock_that_is_set_gives_no_decision_more_time),
		cmocka_unit_test(a_configuration_that_is_wrong_is_told_by_key),
	};

	return cmocka_run_group_tests_name("gate", tests, setup, NULL);
}
