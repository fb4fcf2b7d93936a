/* test_attester.c: the attester library with a back end that is no TPM: which message
 * is answered when, by what, and what is refused. */
#include "tests/support/frames.h"
#include "tests/support/unit.h"

#include "evidence/binding.h"
#include "evidence/tpmt.h"

#include <assay/attester.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_BYTES 150000u

/* A device whose answers say what they were asked. */
static struct device {
	struct span ak; /* TPMT_PUBLIC */
	enum assay_err fail;
	unsigned quotes, activations;
	uint8_t qualifying[32];
	struct assay_selection banks[ASSAY_BANKS_MAX];
	size_t count;
	size_t log_len;
	enum assay_err log_error;
	uint8_t log[LOG_BYTES];
} device;

static struct assay_attester *attester;
static void *memory;
static const uint8_t exporter[32] = {0xC0, 0xC1, 0xC2};
static uint8_t frame[MSG_MAX];

static enum assay_err
identity(void *self, struct assay_identity *ret)
{
	struct device *d = self;

	memset(ret, 0, sizeof *ret);
	ret->ek_public = (struct assay_bytes){d->ak.p, d->ak.n};
	ret->ek_certificate = (struct assay_bytes){(const uint8_t *)"certificate", 11};
	ret->chain_count = 1;
	ret->chain[0] = (struct assay_bytes){(const uint8_t *)"issuer", 6};
	ret->ak_public = (struct assay_bytes){d->ak.p, d->ak.n};
	ret->bank_count = 2;
	ret->banks[0] = ALG_SHA1;
	ret->banks[1] = ALG_SHA256;
	return d->fail;
}

static enum assay_err
activate(void *self, struct assay_bytes blob, struct assay_bytes secret, uint8_t ret[32])
{
	struct device *d = self;

	d->activations++;
	assert_true(blob.len > 0 && secret.len > 0);
	memset(ret, 0, 32);
	ret[0] = blob.data[0];
	ret[1] = secret.data[secret.len - 1];
	return d->fail;
}

static enum assay_err
quote(void *self, const struct assay_selection *banks, size_t count, const uint8_t qualifying[32],
      struct assay_quotes *ret)
{
	struct device *d = self;

	d->quotes++;
	d->count = count;
	memcpy(d->banks, banks, count * sizeof *banks);
	memcpy(d->qualifying, qualifying, 32);
	ret->quote_count = 1;
	ret->quote[0].attest_len = 32;
	memcpy(ret->quote[0].attest, qualifying, 32);
	ret->quote[0].signature_len = 3;
	memcpy(ret->quote[0].signature, "sig", 3);
	ret->bank_count = (uint8_t)count;
	for (size_t i = 0; i < count; i++) {
		unsigned n = (unsigned)__builtin_popcount(banks[i].mask);

		ret->bank[i].alg = banks[i].alg;
		ret->bank[i].mask = banks[i].mask;
		ret->bank[i].len = (uint16_t)(n * digest_size(banks[i].alg));
		memset(ret->bank[i].values, 7, ret->bank[i].len);
	}
	return d->fail;
}

static enum assay_err
boot_log(void *self, uint8_t *buffer, size_t cap, size_t *ret_len)
{
	struct device *d = self;

	if (d->log_error != ASSAY_OK)
		return d->log_error;
	assert_true(d->log_len <= cap);
	memcpy(buffer, d->log, d->log_len);
	*ret_len = d->log_len;
	return ASSAY_OK;
}

static struct assay_attester_config
config(void)
{
	return (struct assay_attester_config){
		.backend = {.self = &device,
			    .identity = identity,
			    .activate = activate,
			    .quote = quote},
		.boot_log = boot_log,
		.boot_log_self = &device,
		.agent = "test 1",
		.token_id = "id",
		.token_secret = "secret",
		.part_max = ASSAY_PART_MIN,
	};
}

static void
begin(const struct assay_attester_config *c)
{
	size_t size = assay_attester_size(c);

	assert_true(size > 0);
	free(memory);
	memory = malloc(size);
	assert_non_null(memory);
	memset(memory, 0xA5, size); /* nothing may rest on zeroed memory */
	assert_int_equal(assay_attester_init(memory, size, c, &attester), ASSAY_OK);
}

static int
set_up(void **state)
{
	static struct span public; /* with its size in front */

	(void)state;
	if (!public.p)
		public = unit_data("quote/uki-good.pub");
	memset(&device, 0, sizeof device);
	device.ak = SPAN(public.p + 2, public.n - 2);
	device.log_len = LOG_BYTES;
	for (size_t i = 0; i < LOG_BYTES; i++)
		device.log[i] = (uint8_t)(i * 31 >> 3);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(memory);
	memory = NULL;
	return 0;
}

static void
connect_as(bool enrolled)
{
	struct assay_attester_config c = config();

	c.enrolled = enrolled;
	begin(&c);
	assert_int_equal(assay_attester_connected(attester, exporter, sizeof exporter), ASSAY_OK);
}

/* The next message out; its type is checked, MSG_NONE: there is none. */
static struct span
next(enum msg_type type)
{
	struct assay_bytes b;

	assert_int_equal(assay_attester_next(attester, &b), ASSAY_OK);
	assert_int_equal(b.len == 0 ? MSG_NONE : frame_type(SPAN(b.data, b.len)), type);
	return SPAN(b.data, b.len);
}

static enum assay_err
receive(struct span f, struct assay_event *ret)
{
	return assay_attester_received(attester, f.p, f.n, ret);
}

static struct span
challenge(bool bound)
{
	static const uint8_t nonce[32] = {1, 2, 3};
	struct msg_challenge m = {SPAN(nonce, 32), {2, {{ALG_SHA256, 0x8000FF}, {ALG_SHA1, 1}}},
				  5000, bound, false};
	size_t n;

	assert_int_equal(envelope_encode_challenge(&m, frame, sizeof frame, &n), ASSAY_OK);
	return SPAN(frame, n);
}

static struct span
need(enum part_kind kind, uint64_t from, uint64_t limit)
{
	struct msg_need m = {1, {{kind, from, limit, 0}}};
	size_t n;

	assert_int_equal(envelope_encode_need(&m, frame, sizeof frame, &n), ASSAY_OK);
	return SPAN(frame, n);
}

static void
take_proof(struct msg_proof *ret)
{
	assert_int_equal(envelope_decode_proof(next(MSG_PROOF), frames_arena(), ret), ASSAY_OK);
}

/* ---- what is sent first ---- */

static void
a_new_device_enrols(void **state)
{
	struct msg_enrol m;

	(void)state;
	connect_as(false);
	assert_int_equal(envelope_decode_enrol(next(MSG_ENROL), frames_arena(), &m), ASSAY_OK);
	assert_true(span_equal(m.ak_public, device.ak));
	assert_true(span_equal(m.ek_certificate, SPAN("certificate", 11)));
	assert_int_equal(m.nchain, 1);
	assert_true(span_equal(m.chain[0], SPAN("issuer", 6)));
	assert_true(span_equal(m.token_id, SPAN("id", 2)));
	assert_true(span_equal(m.token_secret, SPAN("secret", 6)));
	assert_int_equal(m.nbanks, 2);
	assert_int_equal(m.banks[1], ALG_SHA256);
	next(MSG_NONE);
}

static void
an_enrolled_device_says_hello_with_its_key_name_and_no_token(void **state)
{
	struct tpm_public ak;
	struct tpm_name name;
	struct msg_hello m;

	(void)state;
	connect_as(true);
	assert_int_equal(envelope_decode_hello(next(MSG_HELLO), frames_arena(), &m), ASSAY_OK);
	assert_int_equal(tpmt_public_parse(device.ak, &ak), ASSAY_OK);
	assert_int_equal(tpmt_public_name(&ak, &name), ASSAY_OK);
	assert_true(span_equal(m.key_name, SPAN(name.b, name.len)));
	next(MSG_NONE);
}

static void
a_back_end_that_fails_ends_the_connection(void **state)
{
	struct assay_attester_config c = config();
	struct assay_event ev;

	(void)state;
	begin(&c);
	device.fail = ASSAY_BUSY;
	assert_int_equal(assay_attester_connected(attester, exporter, 32), ASSAY_BUSY);
	next(MSG_NONE);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_STATE);
	device.fail = ASSAY_OK;
	connect_as(true);
	next(MSG_HELLO);
	device.fail = ASSAY_UNREACHABLE;
	assert_int_equal(receive(challenge(true), &ev), ASSAY_UNREACHABLE);
	next(MSG_NONE);
	device.fail = ASSAY_OK;
	assert_int_equal(receive(challenge(true), &ev), ASSAY_STATE);
}

/* ---- enrolment ---- */

static void
a_credential_is_answered_with_what_the_key_released(void **state)
{
	struct span s = frames_sample(MSG_CREDENTIAL);
	struct msg_credential c;
	struct msg_activation m;
	struct assay_event ev;

	(void)state;
	connect_as(false);
	next(MSG_ENROL);
	assert_int_equal(envelope_decode_credential(s, frames_arena(), &c), ASSAY_OK);
	assert_int_equal(receive(s, &ev), ASSAY_OK);
	assert_int_equal(ev.kind, ASSAY_EVENT_CREDENTIAL);
	assert_int_equal(envelope_decode_activation(next(MSG_ACTIVATION), frames_arena(), &m),
			 ASSAY_OK);
	assert_int_equal(m.secret.p[0], 3); /* first byte of the sample's blob */
	assert_int_equal(device.activations, 1);
	assert_false(assay_attester_enrolled(attester));
	assert_int_equal(receive(frames_sample(MSG_ENROLLED), &ev), ASSAY_OK);
	assert_int_equal(ev.kind, ASSAY_EVENT_ENROLLED);
	assert_string_equal(ev.device_id, "0123456789abcdef0123456789abcdef");
	assert_true(ev.pending);
	assert_true(assay_attester_enrolled(attester));
	assert_int_equal(assay_attester_connected(attester, exporter, 32), ASSAY_OK);
	next(MSG_HELLO);
}

static void
only_a_final_unproven_makes_a_device_enrol_again(void **state)
{
	static const struct {
		const char *word;
		bool retry, again;
	} cases[] = {
		{"evidence.unproven", false, true},
		{"evidence.unproven", true, false},
		{"verifier.busy", true, false},
		{"verifier.busy", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct msg_refused m = {SPAN(cases[i].word, strlen(cases[i].word)),
					cases[i].retry};
		struct assay_event ev;
		size_t n;

		connect_as(true);
		next(MSG_HELLO);
		assert_int_equal(envelope_encode_refused(&m, frame, sizeof frame, &n), ASSAY_OK);
		assert_int_equal(receive(SPAN(frame, n), &ev), ASSAY_OK);
		assert_int_equal(ev.kind, ASSAY_EVENT_REFUSED);
		assert_int_equal(ev.retry, cases[i].retry);
		assert_int_equal(ev.reason.len, strlen(cases[i].word));
		assert_int_equal(assay_attester_enrolled(attester), !cases[i].again);
		assert_int_equal(receive(challenge(true), &ev), ASSAY_STATE);
	}
}

/* ---- evidence ---- */

static void
a_proof_is_bound_to_nonce_channel_key_and_claims(void **state)
{
	static struct msg_proof p;
	struct msg_claims claims;
	struct binding b = {.kind = BINDING_TPM_ONLINE, .channel = SPAN(exporter, 32)};
	struct tpm_public ak;
	struct tpm_name name;
	struct assay_event ev;
	uint8_t expected[32], digest[32];
	uint8_t nonce[32] = {1, 2, 3};

	(void)state;
	connect_as(true);
	next(MSG_HELLO);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	assert_int_equal(ev.kind, ASSAY_EVENT_CHALLENGE);
	assert_int_equal(ev.deadline_ms, 5000);
	take_proof(&p);
	assert_int_equal(tpmt_public_parse(device.ak, &ak), ASSAY_OK);
	assert_int_equal(tpmt_public_name(&ak, &name), ASSAY_OK);
	b.key_name = SPAN(name.b, name.len);
	b.nonce = SPAN(nonce, 32);
	b.claims = p.claims;
	assert_int_equal(binding_compute(&b, expected), ASSAY_OK);
	assert_memory_equal(device.qualifying, expected, 32);
	assert_int_equal(digest_sha256(p.claims, digest), ASSAY_OK);
	assert_memory_equal(p.claims_digest.p, digest, 32);
	assert_int_equal(device.count, 2);
	assert_int_equal(device.banks[0].alg, ALG_SHA256);
	assert_int_equal(device.banks[0].mask, 0x8000FF);
	assert_int_equal(p.pcrs.bank[0].mask, 0x8000FF);
	assert_int_equal(envelope_decode_claims(p.claims, frames_arena(), &claims), ASSAY_OK);
	assert_int_equal(claims.boot_log_size, LOG_BYTES);
	assert_int_equal(digest_sha256(SPAN(device.log, LOG_BYTES), digest), ASSAY_OK);
	assert_memory_equal(claims.boot_log_digest.p, digest, 32);
}

static void
i17_an_unbound_challenge_is_denied_unless_configured(void **state)
{
	struct assay_attester_config c = config();
	struct assay_event ev;

	(void)state;
	connect_as(true);
	assert_int_equal(receive(challenge(false), &ev), ASSAY_DENIED);
	assert_int_equal(device.quotes, 0);
	c.enrolled = c.allow_unbound = true;
	begin(&c);
	assert_int_equal(assay_attester_connected(attester, NULL, 0), ASSAY_OK);
	assert_int_equal(receive(challenge(false), &ev), ASSAY_OK);
	assert_int_equal(device.quotes, 1);
}

static void
i17_a_bound_challenge_without_an_exporter_is_denied(void **state)
{
	struct assay_attester_config c = config();
	struct assay_event ev;

	(void)state;
	c.enrolled = c.allow_unbound = true;
	begin(&c);
	assert_int_equal(assay_attester_connected(attester, NULL, 0), ASSAY_OK);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_DENIED);
	assert_int_equal(device.quotes, 0);
	assert_int_equal(assay_attester_connected(attester, exporter, 31), ASSAY_MALFORMED);
}

static void
the_exporter_of_an_earlier_connection_is_forgotten(void **state)
{
	struct assay_event ev;

	(void)state;
	connect_as(true);
	assert_int_equal(assay_attester_connected(attester, NULL, 0), ASSAY_OK);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_DENIED);
}

static void
a_device_without_boot_log_claims_none(void **state)
{
	static const enum assay_err nothing[] = {ASSAY_NOT_FOUND, ASSAY_OK};
	static struct msg_proof p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct msg_claims claims;
		struct assay_event ev;

		device.log_error = nothing[i];
		device.log_len = 0;
		connect_as(true);
		next(MSG_HELLO);
		assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
		take_proof(&p);
		assert_int_equal(envelope_decode_claims(p.claims, frames_arena(), &claims),
				 ASSAY_OK);
		assert_int_equal(claims.boot_log_digest.n, 0);
		assert_int_equal(claims.boot_log_size, 0);
	}
}

static void
a_boot_log_that_cannot_be_read_is_not_claimed_absent(void **state)
{
	static const enum assay_err errors[] = {ASSAY_DENIED, ASSAY_IO, ASSAY_TOO_LARGE};

	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct assay_event ev;

		device.log_error = errors[i];
		connect_as(true);
		next(MSG_HELLO);
		assert_int_equal(receive(challenge(true), &ev), errors[i]);
		assert_int_equal(device.quotes, 0);
		next(MSG_NONE);
	}
}

/* Everything asked for arrives, in order and without gaps. */
static size_t
collect(enum part_kind kind, uint64_t from, uint8_t *ret, unsigned *ret_parts)
{
	size_t got = 0;
	bool last = false;

	for (*ret_parts = 0; !last; ++*ret_parts) {
		struct msg_part m;

		assert_int_equal(envelope_decode_part(next(MSG_PART), frames_arena(), &m),
				 ASSAY_OK);
		assert_int_equal(m.kind, kind);
		assert_true(m.offset == from + got);
		memcpy(ret + got, m.data.p ? m.data.p : ret, m.data.n);
		got += m.data.n;
		last = m.last;
	}
	next(MSG_NONE);
	return got;
}

static void
a_boot_log_goes_out_in_pieces_of_the_configured_size(void **state)
{
	static uint8_t got[LOG_BYTES];
	struct assay_event ev;
	unsigned parts;

	(void)state;
	connect_as(true);
	next(MSG_HELLO);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	next(MSG_PROOF);
	assert_int_equal(receive(need(PART_BOOT_LOG, 0, 1u << 20), &ev), ASSAY_OK);
	assert_int_equal(ev.kind, ASSAY_EVENT_NEED);
	assert_int_equal(collect(PART_BOOT_LOG, 0, got, &parts), LOG_BYTES);
	assert_memory_equal(got, device.log, LOG_BYTES);
	assert_int_equal(parts, 3);
}

static void
what_is_asked_for_is_given_and_no_more(void **state)
{
	static const struct {
		uint64_t from, limit;
		size_t n;
	} cases[] = {
		{10, 100, 100},
		{0, 1, 1},
		{LOG_BYTES - 5, 1000, 5},
		{LOG_BYTES, 1000, 0},
		{UINT64_MAX, UINT64_MAX, 0},
		{0, UINT64_MAX, LOG_BYTES},
	};
	static uint8_t got[LOG_BYTES];

	(void)state;
	connect_as(true);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct assay_event ev;
		unsigned parts;
		size_t n;

		assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
		next(MSG_PROOF);
		assert_int_equal(receive(need(PART_BOOT_LOG, cases[i].from, cases[i].limit), &ev),
				 ASSAY_OK);
		n = collect(PART_BOOT_LOG, cases[i].from, got, &parts);
		assert_int_equal(n, cases[i].n);
		if (n)
			assert_memory_equal(got, device.log + cases[i].from, n);
	}
}

static void
claims_can_be_asked_for_again(void **state)
{
	static struct msg_proof p;
	static uint8_t claims[4096], got[4096];
	struct assay_event ev;
	unsigned parts;
	size_t n;

	(void)state;
	connect_as(true);
	next(MSG_HELLO);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	take_proof(&p);
	n = p.claims.n;
	assert_true(n > 0 && n <= sizeof claims);
	memcpy(claims, p.claims.p, n);
	assert_int_equal(receive(need(PART_CLAIMS, 0, 4096), &ev), ASSAY_OK);
	assert_int_equal(collect(PART_CLAIMS, 0, got, &parts), n);
	assert_memory_equal(got, claims, n);
}

static void
a_new_challenge_ends_what_was_being_sent(void **state)
{
	struct assay_event ev;

	(void)state;
	connect_as(true);
	next(MSG_HELLO);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	next(MSG_PROOF);
	assert_int_equal(receive(need(PART_BOOT_LOG, 0, 1u << 20), &ev), ASSAY_OK);
	next(MSG_PART);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	next(MSG_PROOF);
	next(MSG_NONE);
}

static void
after_the_decision_the_evidence_is_forgotten(void **state)
{
	struct assay_event ev;

	(void)state;
	connect_as(true);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	assert_int_equal(receive(frames_sample(MSG_DECISION), &ev), ASSAY_OK);
	assert_int_equal(ev.kind, ASSAY_EVENT_DECISION);
	assert_int_equal(ev.decision.outcome, ASSAY_RESTRICT);
	assert_int_equal(ev.decision.reason_count, 2);
	assert_memory_equal(ev.decision.reason[0].data, "boot.pcr4", 9);
	assert_int_equal(ev.decision.remediation_count, 1);
	assert_int_equal(ev.decision.next_in_ms, 60000);
	assert_int_equal(ev.decision.token.len, 300);
	next(MSG_NONE);
	assert_int_equal(receive(need(PART_BOOT_LOG, 0, 1), &ev), ASSAY_STATE);
}

/* ---- what is refused ---- */

enum where { NEW, KNOWN, ACTIVATED, IDLE, PROVING, WHERES };

static void
go_to(enum where w)
{
	struct assay_event ev;

	connect_as(w != NEW && w != ACTIVATED);
	if (w == ACTIVATED)
		assert_int_equal(receive(frames_sample(MSG_CREDENTIAL), &ev), ASSAY_OK);
	if (w == IDLE)
		assert_int_equal(receive(frames_sample(MSG_DECISION), &ev), ASSAY_OK);
	if (w == PROVING)
		assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
}

static void
i10_messages_out_of_phase_close_the_connection(void **state)
{
	static const struct {
		enum msg_type type;
		bool permitted[WHERES];
	} table[] = {
		{MSG_HELLO, {false, false, false, false, false}},
		{MSG_ENROL, {false, false, false, false, false}},
		{MSG_ACTIVATION, {false, false, false, false, false}},
		{MSG_PROOF, {false, false, false, false, false}},
		{MSG_PART, {false, false, false, false, false}},
		{MSG_CHALLENGE, {false, true, false, true, true}},
		{MSG_CREDENTIAL, {true, false, false, false, false}},
		{MSG_ENROLLED, {false, true, true, true, false}},
		{MSG_NEED, {false, false, false, false, true}},
		{MSG_DECISION, {false, true, false, true, true}},
		{MSG_REFUSED, {true, true, true, true, true}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		for (unsigned w = 0; w < WHERES; w++) {
			struct assay_event ev;
			enum assay_err e;

			go_to((enum where)w);
			e = receive(frames_sample(table[i].type), &ev);
			assert_int_equal(e, table[i].permitted[w] ? ASSAY_OK : ASSAY_STATE);
			if (e == ASSAY_OK)
				continue;
			assert_int_equal(ev.kind, ASSAY_EVENT_NONE);
			next(MSG_NONE); /* closed: nothing goes out any more */
			assert_int_equal(receive(challenge(true), &ev), ASSAY_STATE);
		}
}

static void
one_mutant(struct span mutant, const char *what, void *arg)
{
	enum where w = *(enum where *)arg;
	struct assay_event ev;
	struct assay_bytes b;

	(void)what;
	assert_int_equal(assay_attester_connected(attester, exporter, 32), ASSAY_OK);
	if (w == PROVING)
		assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	if (receive(mutant, &ev) != ASSAY_OK) {
		next(MSG_NONE);
		return;
	}
	/* whatever was asked, the answers end */
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(assay_attester_next(attester, &b), ASSAY_OK);
		if (b.len == 0)
			return;
	}
	fail_msg("no end of answers");
}

static void
no_mutant_of_what_a_verifier_says_does_harm(void **state)
{
	static const struct {
		enum msg_type type;
		enum where where;
	} cases[] = {
		{MSG_CREDENTIAL, NEW},	 {MSG_CHALLENGE, KNOWN}, {MSG_NEED, PROVING},
		{MSG_DECISION, PROVING}, {MSG_REFUSED, KNOWN},	 {MSG_ENROLLED, KNOWN},
	};
	static uint8_t copy[4096];

	(void)state;
	device.log_len = 300;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum where w = cases[i].where;
		struct span s = frames_sample(cases[i].type);

		memcpy(copy, s.p, s.n);
		connect_as(w != NEW);
		unit_mutate(SPAN(copy, s.n), 512, one_mutant, &w);
	}
}

/* ---- memory and configuration ---- */

static void
configurations_out_of_range_are_refused(void **state)
{
	struct assay_attester_config c = config();
	size_t size = assay_attester_size(&c);
	void *p = malloc(size);

	(void)state;
	assert_int_equal(assay_attester_init(p, size - 1, &c, &attester), ASSAY_FULL);
	c.part_max = ASSAY_PART_MIN - 1;
	assert_int_equal(assay_attester_size(&c), 0);
	assert_int_equal(assay_attester_init(p, size, &c, &attester), ASSAY_MALFORMED);
	c.part_max = ASSAY_PART_MAX + 1;
	assert_int_equal(assay_attester_size(&c), 0);
	c = config();
	c.boot_log_max = ASSAY_BOOT_LOG_MAX + 1;
	assert_int_equal(assay_attester_size(&c), 0);
	c = config();
	c.token_secret = NULL;
	assert_int_equal(assay_attester_init(p, size, &c, &attester), ASSAY_MALFORMED);
	c = config();
	c.agent = "tab\there";
	assert_int_equal(assay_attester_init(p, size, &c, &attester), ASSAY_MALFORMED);
	c.agent = "";
	assert_int_equal(assay_attester_init(p, size, &c, &attester), ASSAY_MALFORMED);
	c = config();
	c.backend.quote = NULL;
	assert_int_equal(assay_attester_init(p, size, &c, &attester), ASSAY_MALFORMED);
	free(p);
}

static void
less_memory_is_enough_for_small_logs(void **state)
{
	struct assay_attester_config small = config(), most = {0};

	(void)state;
	small.boot_log_max = 4096;
	assert_true(assay_attester_size(&small) < 256 * 1024);
	assert_true(assay_attester_size(&most) <= (size_t)(2.3 * 1024 * 1024));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* ---- what software says ---- */

static const uint8_t some_digest[32] = {9, 9};
static unsigned claims_asked;
static bool claims_reread = true, claims_fault;

static enum assay_err
say_things(void *self, struct assay_claims *c, bool reread)
{
	struct assay_software tree = {.name = "etc", .kind = "tree", .version = "3",
				      .digest = some_digest, .size = 12, .age_s = 5};
	struct assay_software torn = {.name = "app", .kind = "file", .note = "changed-while-read"};
	struct assay_setting mode = {"etc", "plc.mode", "run", NULL},
			     psk = {"etc", "net.psk", NULL, "secret"};
	enum assay_err e;

	assert_ptr_equal(self, &claims_asked);
	claims_asked++;
	claims_reread = reread;
	if ((e = assay_claims_software(c, &tree)) != ASSAY_OK ||
	    (e = assay_claims_software(c, &torn)) != ASSAY_OK ||
	    (e = assay_claims_number(c, "uptime", NULL, 77)) != ASSAY_OK ||
	    (e = assay_claims_number(c, "clock_offset", NULL, INT64_MIN)) != ASSAY_OK ||
	    (e = assay_claims_text(c, "kernel", NULL, "6.1")) != ASSAY_OK ||
	    (e = assay_claims_bool(c, "module_signing", NULL, true)) != ASSAY_OK ||
	    (e = assay_claims_setting(c, &mode)) != ASSAY_OK ||
	    (e = assay_claims_setting(c, &psk)) != ASSAY_OK)
		return e;
	assert_int_equal(assay_claims_software(c, &torn), ASSAY_DUPLICATE);
	assert_int_equal(assay_claims_setting(c, &mode), ASSAY_DUPLICATE);
	assert_int_equal(assay_claims_number(c, "uptime", NULL, 78), ASSAY_DUPLICATE);
	assert_int_equal(assay_claims_number(c, "no_such_claim", NULL, 1), ASSAY_NOT_FOUND);
	assert_int_equal(assay_claims_bool(c, "uptime", NULL, true), ASSAY_BAD_TYPE);
	assert_int_equal(assay_claims_text(c, "os", NULL, "a\nb"), ASSAY_MALFORMED);
	assert_int_equal(assay_claims_number(c, "clock_time", NULL, -1), ASSAY_MALFORMED);
	tree.name = "both";
	tree.note = "unreadable";
	assert_int_equal(assay_claims_software(c, &tree), ASSAY_MALFORMED);
	return claims_fault ? ASSAY_IO : ASSAY_OK;
}

static enum assay_err
some_files(void *self, const uint8_t digest[32], uint64_t from, uint8_t *buffer, size_t cap,
	   size_t *ret_len, bool *ret_end)
{
	const size_t all = 150000;

	(void)self;
	if (memcmp(digest, some_digest, 32) != 0)
		return ASSAY_NOT_FOUND;
	if (from > all)
		return ASSAY_NOT_FOUND;
	*ret_len = all - (size_t)from < cap ? all - (size_t)from : cap;
	for (size_t i = 0; i < *ret_len; i++)
		buffer[i] = (uint8_t)((from + i) * 7);
	*ret_end = from + *ret_len == all;
	return ASSAY_OK;
}

/* A connection of a device that is enrolled. */
static void
greet(const struct assay_attester_config *c)
{
	struct assay_attester_config enrolled = *c;

	enrolled.enrolled = true;
	begin(&enrolled);
	assert_int_equal(assay_attester_connected(attester, exporter, 32), ASSAY_OK);
	next(MSG_HELLO);
}

static const struct assay_region regions[] = {{"bios", "1.0", {(const uint8_t *)"abc", 3}}};

static struct assay_attester_config
talkative(void)
{
	struct assay_attester_config c = config();

	c.regions = regions;
	c.region_count = 1;
	c.claims = say_things;
	c.claims_self = &claims_asked;
	c.files = some_files;
	return c;
}

/* Connects, answers a challenge, and decodes the claims of the proof. */
static struct msg_claims
claims_of_a_round(const struct assay_attester_config *c)
{
	static uint8_t memory2[MSG_ARENA_MAX];
	static struct arena a2;
	struct assay_event ev;
	struct msg_claims m;
	static struct msg_proof p;

	greet(c);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	take_proof(&p);
	arena_init(&a2, memory2, sizeof memory2);
	assert_int_equal(envelope_decode_claims(p.claims, &a2, &m), ASSAY_OK);
	return m;
}

static bool
reads(struct span s, const char *text)
{
	return span_equal(s, SPAN(text, strlen(text)));
}

static void
what_software_says_is_in_the_claims_in_order(void **state)
{
	struct assay_attester_config c = talkative();
	struct msg_claims m = claims_of_a_round(&c);
	uint8_t abc[32];

	(void)state;
	assert_int_equal(claims_asked, 1);
	assert_false(claims_reread);
	assert_int_equal(m.nsoftware, 3);
	assert_true(reads(m.software[0].name, "app") &&
		    reads(m.software[0].note, "changed-while-read"));
	assert_int_equal(m.software[0].alg, 0);
	assert_true(reads(m.software[1].name, "bios") && reads(m.software[1].kind, "memory"));
	assert_int_equal(digest_sha256(SPAN("abc", 3), abc), ASSAY_OK);
	assert_true(span_equal(m.software[1].digest, SPAN(abc, 32)));
	assert_int_equal(m.software[1].size, 3);
	assert_true(reads(m.software[2].name, "etc") && reads(m.software[2].version, "3"));
	assert_int_equal(m.software[2].age, 5);
	assert_int_equal(m.nhealth, 4);
	assert_true(reads(m.health[0].name, "clock_offset") &&
		    reads(m.health[0].value, "-9223372036854775808"));
	assert_true(reads(m.health[1].name, "kernel") && reads(m.health[1].value, "6.1"));
	assert_true(reads(m.health[2].name, "module_signing") && reads(m.health[2].value, "true"));
	assert_true(reads(m.health[3].name, "uptime") && reads(m.health[3].value, "77"));
	assert_int_equal(m.nsettings, 2);
	assert_true(reads(m.settings[0].key, "net.psk") && reads(m.settings[0].note, "secret"));
	assert_true(reads(m.settings[1].value, "run"));
}

static void
files_of_an_item_are_sent_by_its_digest_and_others_are_empty(void **state)
{
	struct assay_attester_config c = talkative();
	struct msg_need n = {1, {{PART_FILES, 100, 1u << 20, 3}}};
	static uint8_t got[1u << 20];
	struct assay_event ev;
	unsigned parts = 0;
	size_t len;

	(void)state;
	(void)claims_of_a_round(&c);
	assert_int_equal(envelope_encode_need(&n, frame, sizeof frame, &len), ASSAY_OK);
	assert_int_equal(receive(SPAN(frame, len), &ev), ASSAY_OK);
	assert_int_equal(collect(PART_FILES, 100, got, &parts), 150000 - 100);
	assert_true(parts > 1);
	for (size_t i = 0; i < 150000 - 100; i++)
		assert_int_equal(got[i], (uint8_t)((i + 100) * 7));
	n.wants[0].item = 2; /* of another digest */
	assert_int_equal(envelope_encode_need(&n, frame, sizeof frame, &len), ASSAY_OK);
	assert_int_equal(receive(SPAN(frame, len), &ev), ASSAY_OK);
	assert_int_equal(collect(PART_FILES, 100, got, &parts), 0);
	n.wants[0].item = 4; /* of no item */
	assert_int_equal(envelope_encode_need(&n, frame, sizeof frame, &len), ASSAY_OK);
	assert_int_equal(receive(SPAN(frame, len), &ev), ASSAY_OK);
	assert_int_equal(collect(PART_FILES, 100, got, &parts), 0);
}

static void
a_source_that_fails_or_says_too_much_ends_the_round(void **state)
{
	struct assay_attester_config c = talkative();
	struct assay_event ev;

	(void)state;
	greet(&c);
	claims_fault = true;
	assert_int_equal(receive(challenge(true), &ev), ASSAY_IO);
	claims_fault = false;
	next(MSG_NONE);
	c.software_max = 2; /* three are said */
	greet(&c);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_FULL);
	c.software_max = ASSAY_SOFTWARE_MAX + 1;
	assert_int_equal(assay_attester_size(&c), 0);
}

static enum assay_err
say_much(void *self, struct assay_claims *c, bool reread)
{
	static char names[2000][16];

	(void)self;
	(void)reread;
	for (size_t i = 0; i < 2000; i++) { /* backwards: order is the library's business */
		struct assay_software s = {.name = names[i], .kind = "file", .digest = some_digest};

		snprintf(names[i], sizeof names[i], "item-%04zu", 1999 - i);
		if (assay_claims_software(c, &s) != ASSAY_OK)
			return ASSAY_INTERNAL;
	}
	return ASSAY_OK;
}

static void
large_claims_are_asked_for(void **state)
{
	struct assay_attester_config c = config();
	static uint8_t got[1u << 20];
	static struct msg_proof p;
	uint8_t digest[32], again[32];
	struct assay_event ev;
	unsigned parts;
	size_t n;

	(void)state;
	c.claims = say_much;
	c.software_max = 2000;
	c.claims_max = ASSAY_CLAIMS_MAX;
	greet(&c);
	assert_int_equal(receive(challenge(true), &ev), ASSAY_OK);
	take_proof(&p);
	assert_int_equal(p.claims.n, 0);
	memcpy(digest, p.claims_digest.p, 32);
	assert_int_equal(receive(need(PART_CLAIMS, 0, MSG_CLAIMS_MAX), &ev), ASSAY_OK);
	n = collect(PART_CLAIMS, 0, got, &parts);
	assert_true(n > 100000);
	assert_int_equal(digest_sha256(SPAN(got, n), again), ASSAY_OK);
	assert_true(span_equal(SPAN(digest, 32), SPAN(again, 32)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_device_enrols),
		TEST(an_enrolled_device_says_hello_with_its_key_name_and_no_token),
		TEST(a_back_end_that_fails_ends_the_connection),
		TEST(a_credential_is_answered_with_what_the_key_released),
		TEST(only_a_final_unproven_makes_a_device_enrol_again),
		TEST(a_proof_is_bound_to_nonce_channel_key_and_claims),
		TEST(i17_an_unbound_challenge_is_denied_unless_configured),
		TEST(i17_a_bound_challenge_without_an_exporter_is_denied),
		TEST(the_exporter_of_an_earlier_connection_is_forgotten),
		TEST(a_device_without_boot_log_claims_none),
		TEST(a_boot_log_that_cannot_be_read_is_not_claimed_absent),
		TEST(a_boot_log_goes_out_in_pieces_of_the_configured_size),
		TEST(what_is_asked_for_is_given_and_no_more),
		TEST(claims_can_be_asked_for_again),
		TEST(a_new_challenge_ends_what_was_being_sent),
		TEST(after_the_decision_the_evidence_is_forgotten),
		TEST(i10_messages_out_of_phase_close_the_connection),
		TEST(no_mutant_of_what_a_verifier_says_does_harm),
		TEST(what_software_says_is_in_the_claims_in_order),
		TEST(files_of_an_item_are_sent_by_its_digest_and_others_are_empty),
		TEST(a_source_that_fails_or_says_too_much_ends_the_round),
		TEST(large_claims_are_asked_for),
		TEST(configurations_out_of_range_are_refused),
		TEST(less_memory_is_enough_for_small_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
