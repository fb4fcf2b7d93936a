/*
 * test_attested.c: attacks D15 and those on addresses: an owned net process, a lying device,
 * and both, against the address that decisions apply to. It is attested only if what net
 * saw is what the key signed, and one that another device has is never taken from it.
 */
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t own[] = {192, 0, 2, 7}, others[] = {192, 0, 2, 8};
static const uint8_t own6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
static const uint8_t mac[] = {2, 0, 0x5e, 0, 0x53, 1};
static struct world w;
static struct msg_claims claims;

static int
set_up(void **state)
{
	(void)state;
	world_init(&w, "grub-good");
	memset(&claims, 0, sizeof claims);
	w.ask.more = &claims;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* A round in which the device tells this and net tells that. */
static const struct verdict *
judge(struct span told, struct span told_mac, struct span seen)
{
	claims.address = told;
	claims.mac = told_mac;
	memset(w.in.peer, 0, sizeof w.in.peer);
	w.in.peer_len = (uint8_t)seen.n;
	if (seen.n)
		memcpy(w.in.peer, seen.p, seen.n);
	return world_round(&w);
}

#define BYTES(a) SPAN(a, sizeof(a))
#define NONE SPAN(NULL, 0)

static const struct fact *
fact_of(const struct verdict *v, enum fact_id id)
{
	for (unsigned i = 0; i < v->nfacts; i++)
		if (v->facts[i].id == id)
			return &v->facts[i];
	return NULL;
}

static void
what_net_saw_and_the_key_signed_is_attested(void **state)
{
	const struct verdict *v = judge(BYTES(own), BYTES(mac), BYTES(own));

	(void)state;
	assert_admitted(v);
	assert_int_equal(v->attested, ATTESTED_SAME);
	assert_true(v->has_mac);
	assert_memory_equal(v->mac, mac, sizeof mac);
	v = judge(BYTES(own6), NONE, BYTES(own6));
	assert_admitted(v);
	assert_int_equal(v->attested, ATTESTED_SAME);
	assert_false(v->has_mac);
}

static void
d15_an_owned_net_cannot_move_a_device_to_another_address(void **state)
{
	const struct verdict *v = judge(BYTES(own), BYTES(mac), BYTES(others));

	(void)state;
	assert_admitted(v); /* as behind NAT, which is no fault: but nothing is attested */
	assert_int_equal(v->attested, ATTESTED_DIFFERS);
	assert_false(v->has_mac);
	v = judge(NONE, NONE, BYTES(others));
	assert_admitted(v);
	assert_int_equal(v->attested, ATTESTED_NONE);
}

static void
a_lying_device_cannot_claim_an_address_that_it_does_not_come_from(void **state)
{
	const struct verdict *v = judge(BYTES(others), BYTES(mac), BYTES(own));

	(void)state;
	assert_int_equal(v->attested, ATTESTED_DIFFERS);
	assert_false(v->has_mac);
	v = judge(BYTES(others), BYTES(mac), NONE); /* loopback, link-local... */
	assert_int_equal(v->attested, ATTESTED_NONE);
	v = judge(BYTES(own6), NONE, BYTES(own)); /* a prefix is no match */
	assert_int_equal(v->attested, ATTESTED_DIFFERS);
}

static void
claim_of_an_address_that_belongs_to_another_is_a_finding(void **state)
{
	const struct verdict *v;

	(void)state;
	w.in.conflict = CONFLICT_IP;
	memset(w.in.owner, 'a', DEVICE_ID_HEX);
	v = judge(BYTES(own), BYTES(mac), BYTES(own));
	assert_quarantined(v, FIND_ADDRESS_CONFLICT);
	assert_string_equal(world_finding(v, FIND_ADDRESS_CONFLICT)->subject, "ip 192.0.2.7");
	w.in.conflict = CONFLICT_MAC;
	v = judge(BYTES(own), BYTES(mac), BYTES(own));
	assert_quarantined(v, FIND_ADDRESS_CONFLICT);
	assert_string_equal(world_finding(v, FIND_ADDRESS_CONFLICT)->subject,
			    "mac 02:00:5e:00:53:01");
	w.in.conflict = CONFLICT_NONE; /* given back: admitted again, nothing sticks */
	memset(w.in.owner, 0, sizeof w.in.owner);
	assert_admitted(judge(BYTES(own), BYTES(mac), BYTES(own)));
}

/* FACT_ADDRESS_SAME and its like are shown only where a rule asks; what is shown of them is
 * the verifier's own, never the device's word. */
static void
a_rule_may_demand_that_both_agree(void **state)
{
	static char yaml[1024];
	const struct fact *f;
	const struct verdict *v;

	(void)state;
	snprintf(yaml, sizeof yaml, "%srules:\n  - {id: nat, fact: address.same, op: equals, "
		 "value: true, on_fail: restrict, on_missing: restrict}\n", world_policy);
	world_set_policy(&w, yaml);
	assert_admitted(judge(BYTES(own), NONE, BYTES(own)));
	v = judge(BYTES(own), NONE, BYTES(others));
	assert_int_equal(v->outcome, OUTCOME_RESTRICT);
	f = fact_of(v, FACT_ADDRESS_SAME);
	assert_true(!f || f->provenance == PROV_VERIFIER);
}

/* What an owned appraiser might say: no such verdict is read. */
static void
an_address_is_attested_by_a_decided_verdict_alone(void **state)
{
	static uint8_t bytes[VERDICT_BYTES_MAX];
	struct verdict *v = calloc(1, sizeof *v);
	size_t n;

	(void)state;
	assert_non_null(v);
	*v = *judge(BYTES(own), BYTES(mac), BYTES(own));
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_OK);
	v->attested = ATTESTED_DIFFERS; /* with a MAC address */
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
	v->has_mac = false;
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
	memset(v->mac, 0, sizeof v->mac);
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_OK);
	verdict_clear(v);
	v->attested = ATTESTED_SAME;
	assert_int_equal(verdict_encode(v, bytes, sizeof bytes, &n), ASSAY_MALFORMED);
	free(v);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(what_net_saw_and_the_key_signed_is_attested),
		CASE(d15_an_owned_net_cannot_move_a_device_to_another_address),
		CASE(a_lying_device_cannot_claim_an_address_that_it_does_not_come_from),
		CASE(claim_of_an_address_that_belongs_to_another_is_a_finding),
		CASE(a_rule_may_demand_that_both_agree),
		CASE(an_address_is_attested_by_a_decided_verdict_alone),
	};

	return cmocka_run_group_tests_name("attested", tests, NULL, NULL);
}
