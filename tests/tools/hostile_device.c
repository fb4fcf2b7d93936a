/*
 * hostile_device.c: devices as an attacker has them. Reads one command per line from
 * standard input and answers each with one line: what the verifier said.
 *
 *   hostile_device HOST PORT LOG
 *
 * Devices are software TPMs (tests/support/softtpm.h), each known by its seed; all have
 * booted LOG. Sessions are connections, each known by a name and held by the device that
 * was current when it was made. Commands:
 *
 *   device SEED                     make it current            -> device ID EK X Y
 *   new-ak SEED [ATTRIBUTES]        another AK in its TPM      -> ok
 *   banks NAME...                   those that it will tell of -> ok
 *   boot LOG | reset | extend PCR | clock N | resets N | restarts N | firmware N
 *   unsafe | safe                   what happens to its TPM    -> ok
 *   port N                          the verifier has moved     -> ok
 *   session NAME                    make it current            -> ok
 *   connect [tls11|tls12|no-ems|plain]                         -> open | closed WHERE
 *   close                                                      -> ok
 *   enrol [token=ID.SECRET.PIN] [cert=FILE] [ek=SEED] [ak=SEED] [flip=N] [wrong|skip]
 *   hello [as=SEED]
 *   proof [nonce=zero|NAME] [channel=none|flip|NAME] [kind=N] [late=MS] [claims|signature|
 *         attest|values|signer] [log=FILE] [serve=FILE] [no-log] [fewer] [bank=NAME] [apart] [keep]
 *   replay NAME [send-only]         the last proof of that session, once more
 *   send HEX [text] [open] [announce=N]     a frame as it is
 *   recv [MS]                       what comes next
 *   pieces N                        a message of N pieces of 4 KiB that does not end
 *   flood N | flooded | unflood     connections that say nothing; how many are left
 *
 * Frames are told as: challenge BANK:MASK..., credential, enrolled ID pending=0, decision
 * OUTCOME REASONS seq=N, refused WORD retry=0; else closed, or silent.
 */
#include "tests/support/evidence_builder.h"
#include "tests/support/unit.h"
#include "tests/support/wsclient.h"

#include "evidence/hex.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICES 32
#define SESSIONS 32
#define WORDS 12
#define ANSWER_MS 15000
#define FLOOD_MAX 4096
#define LINE_SIZE (96u << 10)

struct device {
	bool used;
	uint64_t seed;
	struct softtpm tpm;
	struct span log;
	uint8_t nbanks;
	uint16_t banks[PCR_BANKS_MAX];
};

struct session {
	char name[16];
	struct ws *ws;
	struct device *device;
	uint8_t exporter[32], nonce[32];
	struct pcr_selection asked;
	bool bound;
	uint8_t blob[MSG_CREDENTIAL_MAX], secret[MSG_CREDENTIAL_MAX];
	size_t blob_len, secret_len;
	struct evidence last;
	struct span serve; /* the log that Need is answered with */
};

static struct ws_options where;
static struct device devices[DEVICES], *device;
static struct session sessions[SESSIONS], *session;
static struct span default_log;
static char *words[WORDS];
static int flood[FLOOD_MAX], nflood;
static uint8_t frame[MSG_MAX + 16], memory[MSG_ARENA_MAX];
static size_t frame_len;

static void
die(const char *what)
{
	fprintf(stderr, "hostile_device: %s\n", what);
	exit(2);
}

/* ---- arguments ---- */

/* The value of "key=value", the empty text of a bare "key", or NULL. */
static const char *
option(const char *key)
{
	size_t n = strlen(key);

	for (unsigned i = 1; i < WORDS && words[i]; i++)
		if (strncmp(words[i], key, n) == 0 && (words[i][n] == '=' || !words[i][n]))
			return words[i][n] ? words[i] + n + 1 : "";
	return NULL;
}

static const char *
argument(unsigned i)
{
	if (i >= WORDS || !words[i])
		die("an argument is missing");
	return words[i];
}

static uint64_t
number(const char *text)
{
	char *end;
	uint64_t v = strtoull(text, &end, 0);

	if (*end || !*text)
		die("not a number");
	return v;
}

static uint16_t
bank_by_name(const char *name)
{
	static const uint16_t algs[] = {ALG_SHA1, ALG_SHA256, ALG_SHA384};

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		if (strcmp(digest_name(algs[i]), name) == 0)
			return algs[i];
	die("no such bank");
	return 0;
}

/* ---- devices ---- */

static struct device *
find_device(uint64_t seed)
{
	struct device *d = devices;

	while (d < devices + DEVICES && d->used && d->seed != seed)
		d++;
	if (d == devices + DEVICES)
		die("too many devices");
	if (d->used)
		return d;
	d->used = true;
	d->seed = seed;
	softtpm_init(&d->tpm, seed);
	softtpm_add_bank(&d->tpm, ALG_SHA1);
	d->log = default_log;
	softtpm_boot(&d->tpm, d->log);
	d->nbanks = 1;
	d->banks[0] = ALG_SHA256;
	return d;
}

static void
hex_of(const void *p, size_t n, char *ret, size_t cap)
{
	if (hex_encode(SPAN(p, n), ret, cap) != ASSAY_OK)
		die("hexadecimal");
}

static void
on_device(void)
{
	char ek[65], x[65], y[65];
	uint8_t h[32];

	device = find_device(number(argument(1)));
	if (digest_sha256(SPAN(device->tpm.ek.name.b, device->tpm.ek.name.len), h) != ASSAY_OK)
		die("digest");
	hex_of(h, 32, ek, sizeof ek);
	hex_of(device->tpm.ek.x, 32, x, sizeof x);
	hex_of(device->tpm.ek.y, 32, y, sizeof y);
	printf("device %.32s %s %s %s\n", ek, ek, x, y);
}

static void
on_new_ak(void)
{
	softtpm_new_ak(&device->tpm, number(argument(1)),
		       words[2] ? (uint32_t)number(words[2]) : SOFTTPM_AK_ATTRIBUTES);
	printf("ok\n");
}

static void
on_banks(void)
{
	device->nbanks = 0;
	for (unsigned i = 1; i < WORDS && words[i] && i <= PCR_BANKS_MAX; i++)
		device->banks[device->nbanks++] = bank_by_name(words[i]);
	printf("ok\n");
}

static void
on_tpm(void)
{
	static const uint8_t malware[32] = {'m', 'a', 'l', 'w', 'a', 'r', 'e'};
	struct softtpm *t = &device->tpm;
	const char *what = words[0];

	if (strcmp(what, "boot") == 0) {
		device->log = unit_file(argument(1));
		softtpm_reset(t);
		softtpm_boot(t, device->log);
	} else if (strcmp(what, "reset") == 0) {
		softtpm_reset(t);
		softtpm_boot(t, device->log);
	} else if (strcmp(what, "extend") == 0) {
		softtpm_extend(t, (unsigned)number(argument(1)), SPAN(malware, 32), ALG_SHA256);
		softtpm_extend(t, (unsigned)number(argument(1)), SPAN(malware, 20), ALG_SHA1);
	} else if (strcmp(what, "clock") == 0) {
		t->clock = number(argument(1));
	} else if (strcmp(what, "resets") == 0) {
		t->reset_count = (uint32_t)number(argument(1));
	} else if (strcmp(what, "restarts") == 0) {
		t->restart_count = (uint32_t)number(argument(1));
	} else if (strcmp(what, "firmware") == 0) {
		t->firmware_version = number(argument(1));
	} else {
		t->clock_safe = strcmp(what, "safe") == 0;
	}
	printf("ok\n");
}

/* ---- sessions ---- */

static struct session *
find_session(const char *name)
{
	struct session *s = sessions;

	while (s < sessions + SESSIONS && s->name[0] && strcmp(s->name, name) != 0)
		s++;
	if (s == sessions + SESSIONS || strlen(name) >= sizeof s->name)
		die("too many sessions");
	memcpy(s->name, name, strlen(name) + 1);
	return s;
}

static void
on_session(void)
{
	session = find_session(argument(1));
	printf("ok\n");
}

static void
on_close(void)
{
	ws_close(session->ws);
	session->ws = NULL;
	printf("ok\n");
}

static void
on_connect(void)
{
	struct ws_options o = where;
	const char *why;

	o.protocol = option("plain") ? NULL : "assay.v1";
	o.tls11 = option("tls11") != NULL;
	o.tls12 = option("tls12") != NULL;
	o.no_ems = option("no-ems") != NULL;
	ws_close(session->ws);
	session->ws = ws_open(&o, &why);
	session->device = device;
	if (!session->ws) {
		printf("closed %s\n", why);
		return;
	}
	ws_exporter(session->ws, session->exporter);
	printf("open\n");
}

/* ---- what the verifier says ---- */

static struct arena
fresh_arena(void)
{
	struct arena a;

	arena_init(&a, memory, sizeof memory);
	return a;
}

static bool
tell_challenge(struct span f)
{
	struct arena a = fresh_arena();
	struct msg_challenge m;

	if (envelope_decode_challenge(f, &a, &m) != ASSAY_OK)
		return false;
	memcpy(session->nonce, m.nonce.p, 32);
	session->asked = m.pcrs;
	session->bound = m.channel_bound;
	printf("challenge");
	for (unsigned i = 0; i < m.pcrs.count; i++)
		printf(" %s:%x", digest_name(m.pcrs.bank[i].alg), m.pcrs.bank[i].mask);
	printf("\n");
	return true;
}

static bool
read_credential(struct span f)
{
	struct arena a = fresh_arena();
	struct msg_credential m;

	if (envelope_decode_credential(f, &a, &m) != ASSAY_OK)
		return false;
	session->blob_len = m.blob.n;
	session->secret_len = m.encrypted_secret.n;
	memcpy(session->blob, m.blob.p, m.blob.n);
	memcpy(session->secret, m.encrypted_secret.p, m.encrypted_secret.n);
	return true;
}

static bool
tell_enrolled(struct span f)
{
	struct arena a = fresh_arena();
	struct msg_enrolled m;

	if (envelope_decode_enrolled(f, &a, &m) != ASSAY_OK)
		return false;
	printf("enrolled %.*s pending=%d\n", (int)m.device_id.n, (const char *)m.device_id.p,
	       m.pending);
	return true;
}

static bool
tell_decision(struct span f)
{
	static const char *const names[] = {"?", "QUARANTINE", "RESTRICT", "ADMIT"};
	struct arena a = fresh_arena();
	struct msg_decision m;

	if (envelope_decode_decision(f, &a, &m) != ASSAY_OK)
		return false;
	printf("decision %s ", names[m.outcome & 3]);
	for (unsigned i = 0; i < m.nreasons; i++)
		printf("%s%.*s", i ? "," : "", (int)m.reasons[i].n, (const char *)m.reasons[i].p);
	printf("%s seq=%llu\n", m.nreasons ? "" : "-", (unsigned long long)m.sequence);
	return true;
}

static bool
tell_refused(struct span f)
{
	struct arena a = fresh_arena();
	struct msg_refused m;

	if (envelope_decode_refused(f, &a, &m) != ASSAY_OK)
		return false;
	printf("refused %.*s retry=%d\n", (int)m.reason.n, (const char *)m.reason.p, m.retry);
	return true;
}

static void
tell(enum ws_result r)
{
	struct span f = SPAN(frame, frame_len);
	bool told = true;

	if (r != WS_MESSAGE) {
		printf("%s\n", r == WS_CLOSED ? "closed" : "silent");
		return;
	}
	switch (frame_type(f)) {
	case MSG_CHALLENGE: told = tell_challenge(f); break;
	case MSG_CREDENTIAL: printf("credential\n"); break;
	case MSG_ENROLLED: told = tell_enrolled(f); break;
	case MSG_DECISION: told = tell_decision(f); break;
	case MSG_REFUSED: told = tell_refused(f); break;
	case MSG_NEED: printf("need\n"); break;
	default: told = false; break;
	}
	if (!told)
		printf("unreadable\n");
}

static enum ws_result
receive(unsigned ms)
{
	if (!session->ws)
		return WS_CLOSED;
	return ws_receive(session->ws, ms, frame, sizeof frame, &frame_len);
}

static void
on_recv(void)
{
	tell(receive(words[1] ? (unsigned)number(words[1]) : ANSWER_MS));
}

static bool
send_frame(struct span f)
{
	return session->ws && ws_send(session->ws, WS_BINARY, true, f, 0);
}

static void
send_and_tell(struct span f)
{
	tell(send_frame(f) ? receive(ANSWER_MS) : WS_CLOSED);
}

/* ---- enrolment ---- */

/* "id.secret.pin": the first two go to the verifier, in place. */
static void
split_token(const char *token, char buf[200], struct msg_enrol *m)
{
	char *secret, *pin;

	snprintf(buf, 200, "%s", token);
	secret = strchr(buf, '.');
	if (!secret)
		die("token");
	*secret++ = '\0';
	pin = strchr(secret, '.');
	if (pin)
		*pin = '\0';
	m->token_id = SPAN(buf, strlen(buf));
	m->token_secret = SPAN(secret, strlen(secret));
}

static void
send_enrol(void)
{
	const char *token = option("token"), *cert = option("cert"), *flip = option("flip");
	const char *ek = option("ek"), *ak = option("ak");
	const struct softtpm_key *e = ek ? &find_device(number(ek))->tpm.ek : &device->tpm.ek;
	const struct softtpm_key *k = ak ? &find_device(number(ak))->tpm.ak : &device->tpm.ak;
	struct msg_enrol m = {.nbanks = device->nbanks, .agent = SPAN("hostile", 7)};
	static uint8_t out[MSG_ENROL_MAX];
	uint8_t area[SOFTTPM_PUBLIC_MAX];
	char buf[200];
	size_t n;

	memcpy(area, e->public_area, e->public_len);
	if (flip)
		area[number(flip) % e->public_len] ^= 1;
	m.ek_public = SPAN(area, e->public_len);
	m.ak_public = SPAN(k->public_area, k->public_len);
	memcpy(m.banks, device->banks, sizeof m.banks);
	if (cert)
		m.ek_certificate = unit_file(cert);
	if (token)
		split_token(token, buf, &m);
	if (envelope_encode_enrol(&m, out, sizeof out, &n) != ASSAY_OK)
		die("Enrol");
	(void)send_frame(SPAN(out, n)); /* its fate shows in what comes next */
	if (cert)
		unit_free(m.ek_certificate);
}

static void
send_activation(void)
{
	uint8_t out[MSG_ACTIVATION_MAX], secret[32] = {0};
	struct msg_activation m = {SPAN(secret, 32)};
	size_t n;
	bool opened = softtpm_activate(&device->tpm, SPAN(session->blob, session->blob_len),
				       SPAN(session->secret, session->secret_len), secret);

	if (!opened && !option("wrong")) {
		printf("locked\n"); /* this TPM cannot open the credential */
		return;
	}
	if (option("wrong"))
		secret[31] ^= 1;
	if (envelope_encode_activation(&m, out, sizeof out, &n) != ASSAY_OK)
		die("Activation");
	send_and_tell(SPAN(out, n));
}

static void
send_hello(const struct tpm_name *name)
{
	struct msg_hello m = {.key_name = SPAN(name->b, name->len), .nbanks = device->nbanks,
			      .agent = SPAN("hostile", 7)};
	uint8_t out[MSG_HELLO_MAX];
	size_t n;

	memcpy(m.banks, device->banks, sizeof m.banks);
	if (envelope_encode_hello(&m, out, sizeof out, &n) != ASSAY_OK)
		die("Hello");
	send_and_tell(SPAN(out, n));
}

static void
on_enrol(void)
{
	enum ws_result r;

	send_enrol();
	r = receive(ANSWER_MS);
	if (r != WS_MESSAGE || !read_credential(SPAN(frame, frame_len)))
		tell(r);
	else if (option("skip"))
		send_hello(&device->tpm.ak.name);
	else
		send_activation();
}

static void
on_hello(void)
{
	const char *as = option("as");

	send_hello(as ? &find_device(number(as))->tpm.ak.name : &device->tpm.ak.name);
}

/* ---- evidence ---- */

static void
tamper_before(struct evidence_ask *ask, uint8_t nonce[32], uint8_t channel[32])
{
	const char *other = option("nonce"), *relay = option("channel");

	if (other && strcmp(other, "zero") == 0)
		memset(nonce, 0, 32);
	else if (other)
		memcpy(nonce, find_session(other)->nonce, 32);
	if (relay && strcmp(relay, "none") == 0)
		ask->channel = SPAN(NULL, 0);
	else if (relay && strcmp(relay, "flip") == 0)
		channel[31] ^= 1;
	else if (relay)
		memcpy(channel, find_session(relay)->exporter, 32);
	if (option("kind"))
		ask->kind = (uint8_t)number(option("kind"));
	if (option("log"))
		ask->boot_log = unit_file(option("log"));
	if (option("no-log"))
		ask->has_boot_log = false;
	if (option("fewer"))
		ask->pcrs.bank[0].mask &= ask->pcrs.bank[0].mask - 1;
	if (option("bank"))
		ask->pcrs.bank[0].alg = bank_by_name(option("bank"));
	ask->claims_apart = option("apart") != NULL;
}

static void
tamper_after(struct evidence_ask *ask, struct evidence *e, struct pcr_values *v)
{
	if (option("claims")) {
		ask->agent = "not what was signed";
		evidence_claims(ask, e);
	}
	if (option("signature"))
		e->quotes[0].signature[e->quotes[0].signature_len - 1] ^= 1;
	if (option("attest"))
		e->quotes[0].attest[e->quotes[0].attest_len - 1] ^= 1;
	if (option("values"))
		v->bank[0].value[0].b[0] ^= 1;
}

static void
build_proof(void)
{
	struct device *d = session->device;
	struct evidence *e = &session->last;
	uint8_t nonce[32], channel[32];
	struct evidence_ask ask = {
		.kind = BINDING_TPM_ONLINE,
		.nonce = SPAN(nonce, 32),
		.channel = SPAN(channel, session->bound ? 32 : 0),
		.pcrs = session->asked,
		.has_boot_log = true,
		.boot_log = d->log,
		.agent = "hostile",
	};
	struct pcr_values v;

	memcpy(nonce, session->nonce, 32);
	memcpy(channel, session->exporter, 32);
	tamper_before(&ask, nonce, channel);
	evidence_claims(&ask, e);
	if (option("signer")) /* as an AK of another hierarchy would have it */
		d->tpm.ak.qualified.b[2] ^= 1;
	evidence_quotes(&d->tpm, &ask, e);
	if (option("signer"))
		d->tpm.ak.qualified.b[2] ^= 1;
	evidence_values(&d->tpm, &ask.pcrs, &v);
	tamper_after(&ask, e, &v);
	evidence_encode(&v, &ask, e);
	session->serve = option("serve") ? unit_file(option("serve")) : ask.boot_log;
}

static struct span
wanted(enum part_kind kind)
{
	if (kind == PART_CLAIMS)
		return SPAN(session->last.claims, session->last.claims_len);
	return kind == PART_BOOT_LOG ? session->serve : SPAN(NULL, 0);
}

static bool
send_parts(void)
{
	static uint8_t out[MSG_PART_MAX];
	struct arena a = fresh_arena();
	struct msg_need need;
	bool sent = envelope_decode_need(SPAN(frame, frame_len), &a, &need) == ASSAY_OK;

	for (unsigned i = 0; sent && i < need.nwants; i++) {
		struct msg_part m = {need.wants[i].kind, 0, wanted(need.wants[i].kind), true};
		size_t n;

		if (envelope_encode_part(&m, out, sizeof out, &n) != ASSAY_OK)
			die("Part");
		sent = send_frame(SPAN(out, n));
	}
	return sent;
}

static void
send_proof(struct span proof)
{
	enum ws_result r;

	(void)send_frame(proof); /* the verifier may have said something last */
	r = receive(ANSWER_MS);
	while (r == WS_MESSAGE && frame_type(SPAN(frame, frame_len)) == MSG_NEED)
		r = send_parts() ? receive(ANSWER_MS) : WS_CLOSED;
	tell(r);
}

static void
on_proof(void)
{
	const char *late = option("late");

	build_proof();
	if (late) {
		uint64_t ms = number(late);
		struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

		nanosleep(&t, NULL);
	}
	if (option("keep"))
		printf("ok\n");
	else
		send_proof(SPAN(session->last.proof, session->last.proof_len));
}

static void
on_replay(void)
{
	const struct evidence *e = &find_session(argument(1))->last;

	session->serve = session->device->log;
	if (option("send-only"))
		printf("%s\n", send_frame(SPAN(e->proof, e->proof_len)) ? "ok" : "closed");
	else
		send_proof(SPAN(e->proof, e->proof_len));
}

/* ---- anything else ---- */

static void
on_send(void)
{
	const char *hex = argument(1), *announced = option("announce");
	static uint8_t bytes[LINE_SIZE / 2];
	bool sent;
	size_t n;

	if (hex_decode(hex, bytes, sizeof bytes, &n) != ASSAY_OK)
		die("send takes hexadecimal digits");
	sent = session->ws && ws_send(session->ws, option("text") ? WS_TEXT : WS_BINARY,
				      !option("open"), SPAN(bytes, n),
				      announced ? number(announced) : 0);
	tell(sent ? receive(1500) : WS_CLOSED);
}

/* A message in pieces that never ends. */
static void
on_pieces(void)
{
	static const uint8_t piece[4096] = {MSG_PROOF};
	uint64_t n = number(argument(1));
	bool sent = session->ws != NULL;

	for (uint64_t i = 0; i < n && sent; i++)
		sent = ws_send(session->ws, i ? WS_CONTINUED : WS_BINARY, false,
			       SPAN(piece, sizeof piece), 0);
	tell(sent ? receive(3000) : WS_CLOSED);
}

static void
on_flood(void)
{
	uint64_t n = strcmp(words[0], "flood") == 0 ? number(argument(1)) : 0;
	int open = 0;

	for (uint64_t i = 0; i < n && nflood < FLOOD_MAX; i++) {
		int fd = ws_half_open(&where);

		if (fd >= 0)
			flood[nflood++] = fd;
	}
	for (int i = 0; i < nflood; i++)
		open += !ws_half_closed(flood[i]);
	printf("flood %d\n", open);
}

static void
on_port(void)
{
	where.port = (int)number(argument(1));
	printf("ok\n");
}

static void
on_unflood(void)
{
	while (nflood > 0)
		close(flood[--nflood]);
	printf("ok\n");
}

static const struct command {
	const char *word;
	void (*run)(void);
} commands[] = {
	{"banks", on_banks},	   {"boot", on_tpm},	  {"clock", on_tpm},
	{"close", on_close},	   {"connect", on_connect}, {"device", on_device},
	{"enrol", on_enrol},	   {"extend", on_tpm},	  {"firmware", on_tpm},
	{"flood", on_flood},	   {"flooded", on_flood}, {"hello", on_hello},
	{"new-ak", on_new_ak},	   {"pieces", on_pieces}, {"port", on_port},
	{"proof", on_proof},
	{"recv", on_recv},	   {"replay", on_replay}, {"reset", on_tpm},
	{"resets", on_tpm},	   {"restarts", on_tpm},  {"safe", on_tpm},
	{"send", on_send},	   {"session", on_session}, {"unflood", on_unflood},
	{"unsafe", on_tpm},
};

static void
run(char *line)
{
	char *save = NULL;

	memset(words, 0, sizeof words);
	for (unsigned i = 0; i < WORDS; i++)
		if (!(words[i] = strtok_r(i ? NULL : line, " \n", &save)))
			break;
	for (size_t i = 0; words[0] && i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(words[0], commands[i].word) != 0)
			continue;
		commands[i].run();
		fflush(stdout);
		return;
	}
	die(words[0] ? words[0] : "an empty line");
}

int
main(int argc, char **argv)
{
	static char line[LINE_SIZE];

	if (argc != 4)
		return 64;
	(void)signal(SIGPIPE, SIG_IGN);
	where.host = argv[1];
	where.port = (int)number(argv[2]);
	default_log = unit_file(argv[3]);
	device = find_device(1);
	session = find_session("a");
	while (fgets(line, sizeof line, stdin))
		run(line);
	return 0;
}
