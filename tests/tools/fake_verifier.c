/*
 * fake_verifier.c: a verifier for tests of the agent: one process, no ledger, no
 * policy; it checks what a device proves, and misbehaves when told to.
 *
 *   fake_verifier CERT KEY PORTFILE [OPTION]...
 *     tls12        no TLS 1.3           no-ems      no extended master secret
 *     unbound      challenges do not bind the channel
 *     refuse WORD  refuse every first message     final   ... for good
 *     drop TYPE    close on this message (proof, hello, enrol), or within the first that
 *                  comes in pieces (piece)
 *     text         answer with a text message     large   with 40,000 bytes
 *     garbage      answer with bytes that are no message
 *     pending      enrolled devices wait for approval
 *     memory FILE  keep the enrolled device there
 *     interval MS  time between challenges [300]  outcome N  decision [3]
 *
 * Prints a line per thing that held: enrol, activated, hello, proof, boot-log N,
 * decision; and `bad WHAT` for what did not.
 */
#include "evidence/binding.h"
#include "evidence/envelope.h"
#include "evidence/hex.h"
#include "evidence/quote.h"
#include "evidence/tls/tls_exporter.h"
#include "verifier/appraise/credential.h"

#include <assay/attester.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <libwebsockets.h>
#include <openssl/ssl.h>

#define FRAME_MAX (MSG_MAX + 16)

static struct {
	bool tls12, no_ems, unbound, final, text, large, garbage, pending;
	const char *refuse, *drop, *memory;
	unsigned interval, outcome;
} opt = {.interval = 300, .outcome = 3};

/* One device at a time is enough; what it enrolled with outlives a connection. */
static struct {
	uint8_t ak_bytes[1024], secret[32], nonce[32], exporter[32], claims_digest[32];
	uint8_t log_digest[32];
	struct tpm_public ak;
	struct tpm_name ak_name, ek_name, qualified;
	size_t ak_len;
	bool enrolled;
	uint32_t log_size;
} device;

static struct lws *current;
static lws_sorted_usec_list_t timer;
static struct lws_context *context;
static uint8_t in[FRAME_MAX], out[LWS_PRE + FRAME_MAX], arena_memory[MSG_ARENA_MAX];
static uint8_t log_bytes[1u << 20];
static size_t in_len, out_len, log_len;
static bool closing;
static struct arena arena;

static int
bad(const char *what)
{
	printf("bad %s\n", what);
	closing = true;
	return -1;
}

static int
send_frame(enum assay_err e)
{
	if (e != ASSAY_OK)
		return bad("encoding");
	lws_callback_on_writable(current);
	return 0;
}

#define SEND(name, m) send_frame(envelope_encode_##name(m, out + LWS_PRE, FRAME_MAX, &out_len))

static int
challenge(void)
{
	struct msg_challenge m = {.nonce = SPAN(device.nonce, 32),
				  .pcrs = {2, {{ALG_SHA256, 0x0003FF}, {ALG_SHA1, 0x0003FF}}},
				  .deadline_ms = 20000,
				  .channel_bound = !opt.unbound};

	if (getrandom(device.nonce, sizeof device.nonce, 0) != sizeof device.nonce)
		abort();
	return SEND(challenge, &m);
}

static void
on_interval(lws_sorted_usec_list_t *sul)
{
	(void)sul;
	if (current)
		(void)challenge();
}

static int
refuse(const char *word, bool final)
{
	struct msg_refused m = {SPAN(word, strlen(word)), !final};

	closing = true;
	return SEND(refused, &m);
}

/* From the EK's name and the AK's public area, all other names. */
static bool
take_keys(void)
{
	struct tpm_name parent;

	return tpmt_public_parse(SPAN(device.ak_bytes, device.ak_len), &device.ak) == ASSAY_OK &&
	       tpmt_ak_fault(&device.ak) == AK_FINE &&
	       tpmt_public_name(&device.ak, &device.ak_name) == ASSAY_OK &&
	       tpm_qualified_name_endorsement(&device.ek_name, &parent) == ASSAY_OK &&
	       tpm_qualified_name_child(&parent, &device.ak_name, &device.qualified) == ASSAY_OK;
}

static void
keep(void)
{
	FILE *f = opt.memory ? fopen(opt.memory, "wb") : NULL;

	if (!f)
		return;
	fwrite(&device.ek_name, sizeof device.ek_name, 1, f);
	fwrite(device.ak_bytes, device.ak_len, 1, f);
	fclose(f);
}

static void
recall(void)
{
	FILE *f = opt.memory ? fopen(opt.memory, "rb") : NULL;

	if (!f)
		return;
	if (fread(&device.ek_name, sizeof device.ek_name, 1, f) == 1) {
		device.ak_len = fread(device.ak_bytes, 1, sizeof device.ak_bytes, f);
		device.enrolled = take_keys();
	}
	fclose(f);
}

static int
on_hello(struct span f)
{
	struct msg_hello m;

	lws_sul_cancel(&timer); /* the connection before this one may have left it running */
	if (envelope_decode_hello(f, &arena, &m) != ASSAY_OK)
		return bad("hello");
	if (!device.enrolled ||
	    !span_equal(m.key_name, SPAN(device.ak_name.b, device.ak_name.len))) {
		printf("unknown\n");
		return refuse(ASSAY_REFUSED_UNPROVEN, true);
	}
	printf("hello\n");
	return challenge();
}

static int
on_enrol(struct span f)
{
	struct credential_input c = {.ak_name = &device.ak_name};
	struct msg_enrol m;
	struct tpm_public ek;
	struct credential made;
	struct msg_credential answer;

	if (envelope_decode_enrol(f, &arena, &m) != ASSAY_OK || m.ak_public.n > 1024)
		return bad("enrol");
	printf("enrol token=%.*s\n", (int)m.token_id.n, (const char *)m.token_id.p);
	device.ak_len = m.ak_public.n;
	memcpy(device.ak_bytes, m.ak_public.p, m.ak_public.n);
	if (tpmt_public_parse(m.ek_public, &ek) != ASSAY_OK ||
	    tpmt_ek_template(&ek) == EK_NO_TEMPLATE ||
	    tpmt_public_name(&ek, &device.ek_name) != ASSAY_OK || !take_keys())
		return bad("keys");
	if (getrandom(device.secret, 32, 0) != 32 ||
	    getrandom(c.entropy, sizeof c.entropy, 0) != sizeof c.entropy)
		abort();
	memcpy(c.secret, device.secret, 32);
	c.ek = &ek;
	if (credential_make(&c, &made) != ASSAY_OK)
		return bad("credential");
	answer.blob = SPAN(made.blob, made.blob_len);
	answer.encrypted_secret = SPAN(made.encrypted_secret, made.encrypted_secret_len);
	return SEND(credential, &answer);
}

static int
on_activation(struct span f)
{
	struct msg_enrolled answer = {SPAN("0123456789abcdef0123456789abcdef", 32),
				      opt.pending};
	struct msg_activation m;

	if (envelope_decode_activation(f, &arena, &m) != ASSAY_OK ||
	    !span_equal(m.secret, SPAN(device.secret, 32)))
		return bad("activation");
	printf("activated\n");
	device.enrolled = true;
	keep();
	lws_sul_schedule(context, 0, &timer, on_interval, 50 * LWS_US_PER_MS);
	return SEND(enrolled, &answer);
}

/* Signature, binding, name chain, PCRs: all that makes evidence evidence. */
static const char *
proof_fault(const struct msg_proof *p)
{
	struct binding b = {.kind = BINDING_TPM_ONLINE,
			    .key_name = SPAN(device.ak_name.b, device.ak_name.len),
			    .nonce = SPAN(device.nonce, 32),
			    .channel = SPAN(device.exporter, opt.unbound ? 0 : 32),
			    .claims = p->claims};
	uint8_t expected[32], digest[32];
	struct digest pcrs;
	struct signature s;
	struct quote q;

	if (p->nquotes != 1 || quote_parse(p->quotes[0].attest, &q) != ASSAY_OK)
		return "quote";
	if (tpmt_signature_parse(p->quotes[0].signature, &s) != ASSAY_OK ||
	    key_verify_message(&device.ak.key, &s, q.bytes) != ASSAY_OK)
		return "signature";
	if (binding_compute(&b, expected) != ASSAY_OK ||
	    !span_equal(q.extra_data, SPAN(expected, 32)))
		return "binding";
	if (!span_equal(q.qualified_signer, SPAN(device.qualified.b, device.qualified.len)))
		return "qualified-signer";
	if (pcr_digest(&p->pcrs, &q.selection, device.ak.scheme_hash, &pcrs) != ASSAY_OK ||
	    !span_equal(digest_span(&pcrs), q.pcr_digest))
		return "pcrs";
	if (digest_sha256(p->claims, digest) != ASSAY_OK ||
	    !span_equal(p->claims_digest, SPAN(digest, 32)))
		return "claims";
	return NULL;
}

static int
decide(void)
{
	struct msg_decision m = {.outcome = (uint8_t)opt.outcome,
				 .next_in_ms = opt.interval,
				 .sequence = 7};

	if (opt.outcome != 3) {
		m.reasons[m.nreasons++] = SPAN("boot.pcr4", 9);
		m.remediation[m.nremediation++] = SPAN("Say \"please\".", 13);
	}
	printf("decision\n");
	lws_sul_schedule(context, 0, &timer, on_interval, opt.interval * LWS_US_PER_MS);
	return SEND(decision, &m);
}

static int
on_proof(struct span f)
{
	static struct msg_proof p;
	struct msg_claims claims;
	struct msg_need need = {1, {{PART_BOOT_LOG, 0, 1u << 20, 0}}};
	const char *fault;

	if (envelope_decode_proof(f, &arena, &p) != ASSAY_OK)
		return bad("proof");
	if ((fault = proof_fault(&p)) != NULL)
		return bad(fault);
	if (envelope_decode_claims(p.claims, &arena, &claims) != ASSAY_OK)
		return bad("claims");
	printf("proof %.*s\n", (int)claims.agent.n, (const char *)claims.agent.p);
	if (claims.boot_log_digest.n == 0)
		return decide();
	memcpy(device.log_digest, claims.boot_log_digest.p, 32);
	device.log_size = claims.boot_log_size;
	log_len = 0;
	return SEND(need, &need);
}

static int
on_part(struct span f)
{
	struct msg_part m;
	uint8_t digest[32];

	if (envelope_decode_part(f, &arena, &m) != ASSAY_OK || m.kind != PART_BOOT_LOG ||
	    m.offset != log_len || m.data.n > sizeof log_bytes - log_len)
		return bad("part");
	if (m.data.n)
		memcpy(log_bytes + log_len, m.data.p, m.data.n);
	log_len += m.data.n;
	if (!m.last)
		return 0;
	if (log_len != device.log_size ||
	    digest_sha256(SPAN(log_bytes, log_len), digest) != ASSAY_OK ||
	    memcmp(digest, device.log_digest, 32) != 0)
		return bad("boot-log");
	printf("boot-log %zu\n", log_len);
	return decide();
}

static bool
wants_drop(enum msg_type t)
{
	static const struct {
		const char *name;
		enum msg_type type;
	} names[] = {{"hello", MSG_HELLO}, {"enrol", MSG_ENROL}, {"proof", MSG_PROOF}};

	for (size_t i = 0; opt.drop && i < 3; i++)
		if (names[i].type == t && strcmp(names[i].name, opt.drop) == 0)
			return true;
	return false;
}

static int
on_message(struct span f)
{
	enum msg_type t = frame_type(f);
	bool first = t == MSG_HELLO || t == MSG_ENROL;

	arena_init(&arena, arena_memory, sizeof arena_memory);
	if (wants_drop(t)) {
		printf("dropped\n");
		opt.drop = NULL; /* once */
		return -1;
	}
	if (first && opt.refuse)
		return refuse(opt.refuse, opt.final);
	if (first && (opt.text || opt.large || opt.garbage)) {
		memset(out + LWS_PRE, 'x', 40000);
		printf("misbehaved\n");
		out_len = opt.large ? 40000 : 20;
		return send_frame(ASSAY_OK);
	}
	switch (t) {
	case MSG_HELLO:
		return on_hello(f);
	case MSG_ENROL:
		return on_enrol(f);
	case MSG_ACTIVATION:
		return on_activation(f);
	case MSG_PROOF:
		return on_proof(f);
	case MSG_PART:
		return on_part(f);
	default:
		return bad("message");
	}
}

static int
on_writable(struct lws *wsi)
{
	size_t n = out_len;
	enum lws_write_protocol how = opt.text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;

	out_len = 0;
	if (n > 0 && lws_write(wsi, out + LWS_PRE, n, how) < (int)n)
		return -1;
	return closing ? -1 : 0;
}

static int
on_receive(struct lws *wsi, const void *p, size_t n)
{
	int r;

	if (n > sizeof in - in_len)
		return bad("length");
	memcpy(in + in_len, p, n);
	in_len += n;
	if (!lws_is_final_fragment(wsi) && opt.drop && strcmp(opt.drop, "piece") == 0) {
		printf("dropped\n");
		fflush(stdout);
		opt.drop = NULL; /* once */
		return -1;
	}
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
		return 0;
	n = in_len;
	in_len = 0;
	r = on_message(SPAN(in, n));
	fflush(stdout);
	return r;
}

static int
callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *p, size_t n)
{
	(void)user;
	switch (reason) {
	case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
		if (opt.drop && strcmp(opt.drop, "piece") == 0) /* no message fits on its way */
			(void)setsockopt((int)(intptr_t)p, SOL_SOCKET, SO_RCVBUF, &(int){4096},
					 sizeof(int));
		break;
	case LWS_CALLBACK_ESTABLISHED:
		current = wsi;
		lws_sul_cancel(&timer); /* the last connection's challenge is not this one's */
		closing = false;
		in_len = out_len = 0;
		if (tls_exporter(lws_get_ssl(wsi), device.exporter) != ASSAY_OK)
			printf("weak\n");
		break;
	case LWS_CALLBACK_RECEIVE:
		return on_receive(wsi, p, n);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return on_writable(wsi);
	case LWS_CALLBACK_CLOSED:
		if (wsi == current)
			current = NULL;
		printf("closed\n");
		fflush(stdout);
		break;
	default:
		break;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
	{.name = ASSAY_PROTOCOL, .callback = callback, .rx_buffer_size = 65536},
	{.name = NULL},
};

static void
read_options(int argc, char **argv)
{
	for (int i = 4; i < argc; i++) {
		const char *w = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";

		opt.tls12 |= strcmp(w, "tls12") == 0;
		opt.no_ems |= strcmp(w, "no-ems") == 0;
		opt.unbound |= strcmp(w, "unbound") == 0;
		opt.final |= strcmp(w, "final") == 0;
		opt.text |= strcmp(w, "text") == 0;
		opt.large |= strcmp(w, "large") == 0;
		opt.pending |= strcmp(w, "pending") == 0;
		opt.garbage |= strcmp(w, "garbage") == 0;
		if (strcmp(w, "refuse") == 0)
			opt.refuse = v;
		if (strcmp(w, "drop") == 0)
			opt.drop = v;
		if (strcmp(w, "memory") == 0)
			opt.memory = v;
		if (strcmp(w, "interval") == 0)
			opt.interval = (unsigned)strtoul(v, NULL, 10);
		if (strcmp(w, "outcome") == 0)
			opt.outcome = (unsigned)strtoul(v, NULL, 10);
	}
}

static void
on_signal(int sig)
{
	(void)sig;
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct lws_context_creation_info info = {0};
	struct lws_vhost *vhost;
	FILE *f;

	if (argc < 4)
		return 64;
	read_options(argc, argv);
	recall();
	(void)signal(SIGTERM, on_signal);
	lws_set_log_level(LLL_ERR, NULL);
	info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.protocols = protocols;
	info.iface = "lo";
	info.vhost_name = "fake";
	info.ssl_cert_filepath = argv[1];
	info.ssl_private_key_filepath = argv[2];
	info.ssl_options_set = (opt.tls12 ? (long)SSL_OP_NO_TLSv1_3 : 0) |
			       (opt.no_ems ? (long)SSL_OP_NO_EXTENDED_MASTER_SECRET : 0);
	context = lws_create_context(&info);
	vhost = context ? lws_get_vhost_by_name(context, "fake") : NULL;
	f = vhost ? fopen(argv[3], "w") : NULL;
	if (!f || fprintf(f, "%d\n", lws_get_vhost_listen_port(vhost)) < 0 || fclose(f) != 0)
		return 4;
	while (lws_service(context, 0) >= 0)
		;
	return 0;
}
