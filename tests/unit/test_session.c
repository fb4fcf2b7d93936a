/* test_session.c: the table of what a device may say when. */
#include "tests/support/unit.h"

#include "evidence/imalog.h"
#include "verifier/net.h"
#include "verifier/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct session session;
	struct session_env env;
	struct ipc net, keeper;
	struct arena arena;
	uint8_t memory[MSG_ARENA_MAX];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	int sp[2];

	if (!f || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sp) != 0 ||
	    ipc_init(&f->net, sp[0], ROLE_NET, ROLE_KEEPER) != ASSAY_OK ||
	    ipc_init(&f->keeper, sp[1], ROLE_KEEPER, ROLE_NET) != ASSAY_OK)
		return -1;
	arena_init(&f->arena, f->memory, sizeof f->memory);
	f->env = (struct session_env){&f->net, &f->arena, 1000, {0, 1u << 20}};
	session_init(&f->session, 7, 1000);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	session_free(&f->session);
	ipc_close(&f->net);
	ipc_close(&f->keeper);
	free(f);
	return 0;
}

static struct span
hello(uint8_t buf[MSG_HELLO_MAX])
{
	struct msg_hello m = {.key_name = SPAN("\x00\x0b"
					       "0123456789abcdef0123456789abcdef",
					       34),
			      .nbanks = 1,
			      .banks = {ALG_SHA256},
			      .agent = SPAN("test", 4)};
	size_t n;

	assert_int_equal(envelope_encode_hello(&m, buf, MSG_HELLO_MAX, &n), ASSAY_OK);
	return SPAN(buf, n);
}

static struct span
need(uint8_t buf[MSG_NEED_MAX], uint64_t limit)
{
	struct msg_need m = {.nwants = 1, .wants = {{PART_BOOT_LOG, 0, limit, 0}}};
	size_t n;

	assert_int_equal(envelope_encode_need(&m, buf, MSG_NEED_MAX, &n), ASSAY_OK);
	return SPAN(buf, n);
}

static struct span
part(uint8_t buf[256], uint64_t offset, struct span data, bool last)
{
	struct msg_part m = {PART_BOOT_LOG, offset, data, last};
	size_t n;

	assert_int_equal(envelope_encode_part(&m, buf, 256, &n), ASSAY_OK);
	return SPAN(buf, n);
}

static void
i10_every_message_out_of_phase_is_refused(void **state)
{
	static const enum msg_type from_device[] = {MSG_HELLO, MSG_ENROL, MSG_ACTIVATION,
						    MSG_PROOF, MSG_PART, MSG_ENROL_KEY};
	static const struct {
		enum session_state in;
		unsigned permitted; /* mask of message types */
	} rows[] = {
		{SESSION_NEW, 1u << MSG_HELLO | 1u << MSG_ENROL | 1u << MSG_ENROL_KEY},
		{SESSION_WAITING, 0},
		{SESSION_CHALLENGED, 1u << MSG_PROOF},
		{SESSION_CREDENTIAL, 1u << MSG_ACTIVATION},
		{SESSION_NEEDED, 1u << MSG_PART},
		{SESSION_IDLE, 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t m = 0; m < 6; m++) {
			uint8_t frame[1] = {(uint8_t)from_device[m]};
			enum assay_err e;

			f->session.state = rows[i].in;
			e = session_on_frame(&f->session, &f->env, SPAN(frame, 1));
			if (rows[i].permitted >> from_device[m] & 1u)
				assert_int_not_equal(e, ASSAY_STATE);
			else
				assert_int_equal(e, ASSAY_STATE);
		}
}

static void
i10_messages_of_the_verifier_are_refused_from_a_device(void **state)
{
	struct fixture *f = *state;

	for (unsigned t = 0; t < 256; t++) {
		uint8_t frame[1] = {(uint8_t)t};

		if (t >= MSG_HELLO && t <= MSG_ENROL_KEY)
			continue;
		session_init(&f->session, 7, 1000);
		assert_int_not_equal(session_on_frame(&f->session, &f->env, SPAN(frame, 1)),
				     ASSAY_OK);
	}
	assert_int_not_equal(session_on_frame(&f->session, &f->env, SPAN(NULL, 0)), ASSAY_OK);
}

static void
a_hello_reaches_keeper_once(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[MSG_HELLO_MAX];
	struct ipc_msg m;

	assert_int_equal(session_on_frame(&f->session, &f->env, hello(buf)), ASSAY_OK);
	assert_int_equal(f->session.state, SESSION_WAITING);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_int_equal(m.type, IPC_NET_HELLO);
	assert_int_equal(m.id, 7);
	ipc_release(&m);
	assert_int_equal(session_on_frame(&f->session, &f->env, hello(buf)), ASSAY_STATE);
}

static void
i10_parts_are_bounded_ordered_and_complete(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[256], nb[MSG_NEED_MAX];
	struct ipc_msg m;

	f->session.state = SESSION_WAITING;
	assert_int_equal(session_on_decision(&f->session, &f->env, need(nb, 6)), ASSAY_OK);
	assert_int_equal(session_on_frame(&f->session, &f->env, part(buf, 1, SPAN("x", 1), false)),
			 ASSAY_STATE); /* a gap */
	assert_int_equal(
		session_on_frame(&f->session, &f->env, part(buf, 0, SPAN("abcd", 4), false)),
		ASSAY_OK);
	assert_int_equal(
		session_on_frame(&f->session, &f->env, part(buf, 4, SPAN("efg", 3), false)),
		ASSAY_TOO_LARGE);
	assert_int_equal(session_on_frame(&f->session, &f->env, part(buf, 4, SPAN("ef", 2), true)),
			 ASSAY_OK);
	assert_int_equal(f->session.state, SESSION_WAITING);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_int_equal(m.type, IPC_NET_PARTS);
	assert_true(span_equal(m.payload, SPAN("\x04\0\0\0\0\0\0\0\x06"
					       "abcdef\0\0\0\0",
					       19)));
	ipc_release(&m);
}

static void
i10_a_device_cannot_upload_unasked(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[256];

	f->session.state = SESSION_NEEDED; /* nothing was wanted */
	assert_int_equal(session_on_frame(&f->session, &f->env, part(buf, 0, SPAN("x", 1), true)),
			 ASSAY_STATE);
}

static void
needs_a_list(struct fixture *f)
{
	struct msg_need m = {.nwants = 1, .wants = {{PART_IMA, 40, IMALOG_MAX, 0}}};
	uint8_t buf[MSG_NEED_MAX];
	size_t n;

	assert_int_equal(envelope_encode_need(&m, buf, sizeof buf, &n), ASSAY_OK);
	f->session.state = SESSION_WAITING;
	assert_int_equal(session_on_decision(&f->session, &f->env, SPAN(buf, n)), ASSAY_OK);
}

static enum assay_err
list_part(struct fixture *f, uint64_t offset, size_t n, bool last)
{
	static uint8_t data[300000], buf[sizeof data + 64];
	struct msg_part m = {PART_IMA, offset, SPAN(data, n), last};
	size_t len;

	memset(data, 0x33, sizeof data);
	assert_int_equal(envelope_encode_part(&m, buf, sizeof buf, &len), ASSAY_OK);
	return session_on_frame(&f->session, &f->env, SPAN(buf, len));
}

static void
an_ima_list_reaches_keeper_in_the_descriptor_it_was_gathered_in(void **state)
{
	struct fixture *f = *state;
	struct ipc_msg m;

	needs_a_list(f);
	assert_int_equal(list_part(f, 0, 300000, false), ASSAY_OK);
	assert_int_equal(f->env.ima.used, 300000);
	assert_int_equal(list_part(f, 1, 5, true), ASSAY_STATE); /* a gap */
	assert_int_equal(list_part(f, 300000, 300000, false), ASSAY_OK);
	assert_int_equal(list_part(f, 600000, 0, true), ASSAY_OK);
	assert_int_equal(f->session.state, SESSION_WAITING);
	assert_int_equal(f->env.ima.used, 0);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_int_equal(m.type, IPC_NET_IMA);
	assert_true(m.fd > 0);
	assert_int_equal(m.payload.n, 600000);
	assert_int_equal(m.payload.p[599999], 0x33);
	ipc_release(&m);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_int_equal(m.type, IPC_NET_PARTS);
	assert_true(span_equal(m.payload, SPAN("\x08\0\0\0\0\0\0\0\0\0\0\0\0", 13)));
	ipc_release(&m);
}

static void
m11_an_empty_list_is_delivered_as_such(void **state)
{
	struct fixture *f = *state;
	struct ipc_msg m;

	needs_a_list(f);
	assert_int_equal(list_part(f, 0, 0, true), ASSAY_OK);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_int_equal(m.type, IPC_NET_IMA);
	assert_int_equal(m.payload.n, 0);
	ipc_release(&m);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_int_equal(m.payload.p[0], 1u << PART_IMA);
	ipc_release(&m);
}

/* Memory is a budget of all devices together: who finds none left is to come again, and
 * what is still under way from it costs nothing. */
static void
i10_lists_of_many_devices_cannot_fill_the_memory(void **state)
{
	struct fixture *f = *state;
	struct ipc_msg m;
	uint64_t at = 0;

	needs_a_list(f);
	for (; at < 900000; at += 300000)
		assert_int_equal(list_part(f, at, 300000, false), ASSAY_OK);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_BUSY);
	assert_int_equal(list_part(f, at, 300000, false), ASSAY_OK); /* over 1 MiB */
	assert_int_equal(f->env.ima.used, 0);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_int_equal(m.type, IPC_NET_PARTS);
	assert_int_equal(m.payload.p[0], 0);
	ipc_release(&m);
	assert_int_equal(list_part(f, at, 300000, false), ASSAY_OK);
	assert_int_equal(f->env.ima.used, 0);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_BUSY);
	needs_a_list(f); /* the next round has room */
	assert_int_equal(list_part(f, 0, 300000, false), ASSAY_OK);
	assert_int_equal(f->env.ima.used, 300000);
	session_free(&f->session);
	assert_int_equal(f->env.ima.used, 0);
}

/* Whoever is sending reads the answer only behind what it sends. */
static void
what_is_under_way_when_an_upload_is_refused_is_let_go(void **state)
{
	struct msg_refused m = {.reason = SPAN("verifier.busy", 13), .retry = true};
	struct fixture *f = *state;
	uint8_t buf[MSG_REFUSED_MAX];
	struct ipc_msg none;
	size_t n;

	assert_int_equal(envelope_encode_refused(&m, buf, sizeof buf, &n), ASSAY_OK);
	needs_a_list(f);
	assert_int_equal(list_part(f, 0, 300000, false), ASSAY_OK);
	assert_int_equal(session_on_decision(&f->session, &f->env, SPAN(buf, n)), ASSAY_OK);
	assert_int_equal(f->session.state, SESSION_REFUSED);
	assert_int_equal(f->env.ima.used, 0);
	assert_int_equal(list_part(f, 300000, 300000, false), ASSAY_OK);
	assert_int_equal(list_part(f, 600000, 300000, true), ASSAY_OK);
	assert_int_equal(f->session.state, SESSION_REFUSED);
	assert_int_equal(f->env.ima.used, 0);
	assert_int_equal(ipc_recv(&f->keeper, &none), ASSAY_BUSY);
	assert_int_equal(session_on_decision(&f->session, &f->env, SPAN(buf, n)), ASSAY_OK);
	assert_int_equal(f->session.state, SESSION_REFUSED);
	assert_true(session_expired(&f->session, f->env.now_ms + 10000));
	/* where nothing is under way, the connection ends with the answer */
	f->session.state = SESSION_WAITING;
	assert_int_equal(session_on_decision(&f->session, &f->env, SPAN(buf, n)), ASSAY_OK);
	assert_int_equal(f->session.state, SESSION_IDLE);
}

static void
every_waiting_state_ends(void **state)
{
	struct fixture *f = *state;

	assert_false(session_expired(&f->session, 1001));
	assert_true(session_expired(&f->session, 1000 + 3600 * 1000));
}

static void
ipc_refuses_what_a_role_may_not_send(void **state)
{
	struct fixture *f = *state;

	for (unsigned t = 0; t <= IPC_TYPE_COUNT; t++) {
		enum assay_err e = ipc_send(&f->net, (enum ipc_type)t, 1, SPAN(NULL, 0));
		bool may = t == IPC_READY || (t >= IPC_NET_OPEN && t <= IPC_NET_CLOSED) ||
			   t == IPC_FEED_OPEN || t == IPC_FEED_PULL || t == IPC_FEED_CLOSED ||
			   t == IPC_LIMITED;

		assert_int_equal(e, may ? ASSAY_OK : ASSAY_INTERNAL);
	}
}

static void
ipc_refuses_a_raw_message_that_is_not_in_the_table(void **state)
{
	struct fixture *f = *state;
	static const uint8_t verdict[16] = {0, IPC_VERDICT};
	static const uint8_t lies[17] = {0, IPC_NET_HELLO, 0, 0, 0, 0, 0, 9};
	static const uint8_t bulk_without_fd[16] = {0, IPC_NET_HELLO, 0, 1};
	struct ipc_msg m;

	assert_int_equal(write(f->net.fd, verdict, sizeof verdict), sizeof verdict);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_BAD_TYPE);
	assert_int_equal(write(f->net.fd, lies, sizeof lies), sizeof lies);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_MISMATCH);
	assert_int_equal(write(f->net.fd, bulk_without_fd, 16), 16);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_MALFORMED);
	assert_int_equal(write(f->net.fd, verdict, 3), 3);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_TRUNCATED);
}

static void
ipc_carries_bulk_in_sealed_memory(void **state)
{
	struct fixture *f = *state;
	size_t n = 300000;
	uint8_t *big = malloc(n);
	struct ipc_msg m;

	assert_non_null(big);
	memset(big, 0x5A, n);
	assert_int_equal(ipc_send(&f->net, IPC_NET_PARTS, 9, SPAN(big, n)), ASSAY_OK);
	assert_int_equal(ipc_recv(&f->keeper, &m), ASSAY_OK);
	assert_true(span_equal(m.payload, SPAN(big, n)));
	ipc_release(&m);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(i10_every_message_out_of_phase_is_refused),
		T(i10_messages_of_the_verifier_are_refused_from_a_device),
		T(a_hello_reaches_keeper_once),
		T(i10_parts_are_bounded_ordered_and_complete),
		T(i10_a_device_cannot_upload_unasked),
		T(an_ima_list_reaches_keeper_in_the_descriptor_it_was_gathered_in),
		T(m11_an_empty_list_is_delivered_as_such),
		T(i10_lists_of_many_devices_cannot_fill_the_memory),
		T(what_is_under_way_when_an_upload_is_refused_is_let_go),
		T(every_waiting_state_ends),
		T(ipc_refuses_what_a_role_may_not_send),
		T(ipc_refuses_a_raw_message_that_is_not_in_the_table),
		T(ipc_carries_bulk_in_sealed_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
