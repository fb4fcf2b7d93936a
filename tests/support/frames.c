/* frames.c: see frames.h. */
#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const unsigned frames_types[FRAMES_TYPES] = {
	MSG_HELLO,	MSG_ENROL,    MSG_ACTIVATION, MSG_PROOF,    MSG_PART,
	MSG_CHALLENGE,	MSG_CREDENTIAL, MSG_ENROLLED, MSG_NEED,	    MSG_DECISION,
	MSG_REFUSED,	MSG_ENROL_KEY, FRAMES_CLAIMS};

static uint8_t out[MSG_MAX], again[MSG_MAX];
static uint8_t pattern[4096];

/* n bytes of some content. */
static struct span
some(size_t n)
{
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 7 + 3);
	return SPAN(pattern, n);
}

static struct span
text(const char *s)
{
	return SPAN(s, strlen(s));
}

const char *
frames_name(unsigned type)
{
	static const char *const names[] = {
		[MSG_HELLO] = "Hello",
		[MSG_ENROL] = "Enrol",
		[MSG_ACTIVATION] = "Activation",
		[MSG_PROOF] = "Proof",
		[MSG_PART] = "Part",
		[MSG_CHALLENGE] = "Challenge",
		[MSG_CREDENTIAL] = "Credential",
		[MSG_ENROLLED] = "Enrolled",
		[MSG_NEED] = "Need",
		[MSG_DECISION] = "Decision",
		[MSG_REFUSED] = "Refused",
		[MSG_ENROL_KEY] = "EnrolKey",
	};

	return type == FRAMES_CLAIMS ? "Claims" : names[type];
}

struct arena *
frames_arena(void)
{
	static uint8_t memory[MSG_ARENA_MAX];
	static struct arena a;

	arena_init(&a, memory, sizeof memory);
	return &a;
}

static enum assay_err
sample_hello(size_t *n)
{
	struct msg_hello m = {some(34), 2, {ALG_SHA1, ALG_SHA256}, text("assay-attester 0.1.0")};

	return envelope_encode_hello(&m, out, sizeof out, n);
}

static enum assay_err
sample_enrol(size_t *n)
{
	struct msg_enrol m = {
		.ek_public = some(120),
		.ek_certificate = some(800),
		.nchain = 2,
		.chain = {some(200), some(300)},
		.ak_public = some(90),
		.token_id = text("t1"),
		.token_secret = text("0123456789"),
		.nbanks = 3,
		.banks = {ALG_SHA1, ALG_SHA256, ALG_SHA384},
		.agent = text("assay-attester 0.1.0"),
	};

	return envelope_encode_enrol(&m, out, sizeof out, n);
}

static enum assay_err
sample_enrol_key(size_t *n)
{
	struct msg_enrol_key m = {
		.key_public = some(91),
		.ncertificates = 2,
		.certificates = {some(400), some(500)},
		.nlayers = 2,
		.layers = {some(600), some(601)},
		.token_id = text("t1"),
		.token_secret = text("0123456789"),
		.agent = text("assay-attester 0.1.0"),
	};

	return envelope_encode_enrol_key(&m, out, sizeof out, n);
}

static enum assay_err
sample_activation(size_t *n)
{
	struct msg_activation m = {some(32)};

	return envelope_encode_activation(&m, out, sizeof out, n);
}

static void
fill_bank(struct pcr_bank *b, uint16_t alg, uint32_t mask)
{
	b->alg = alg;
	b->mask = mask;
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if ((mask >> i & 1) && digest_fill(alg, (uint8_t)i, &b->value[i]) != ASSAY_OK)
			abort();
}

static enum assay_err
sample_proof(size_t *n)
{
	static struct msg_proof m;

	memset(&m, 0, sizeof m);
	m.nquotes = 2;
	m.quotes[0] = (struct msg_quote){some(145), some(72)};
	m.quotes[1] = (struct msg_quote){some(150), some(264)};
	m.pcrs.count = 2;
	fill_bank(&m.pcrs.bank[0], ALG_SHA256, 0x8001FF);
	fill_bank(&m.pcrs.bank[1], ALG_SHA384, 0x000403);
	m.claims = some(60);
	m.claims_digest = some(32);
	return envelope_encode_proof(&m, out, sizeof out, n);
}

static enum assay_err
sample_part(size_t *n)
{
	struct msg_part m = {PART_FILES, 70000, some(500), true};

	return envelope_encode_part(&m, out, sizeof out, n);
}

static enum assay_err
sample_challenge(size_t *n)
{
	struct msg_challenge m = {
		some(32), {2, {{ALG_SHA256, 0xFFFFFF}, {ALG_SHA1, 0x0003FF}}}, 30000, true, true};

	return envelope_encode_challenge(&m, out, sizeof out, n);
}

static enum assay_err
sample_credential(size_t *n)
{
	struct msg_credential m = {some(68), some(258)};

	return envelope_encode_credential(&m, out, sizeof out, n);
}

static enum assay_err
sample_enrolled(size_t *n)
{
	struct msg_enrolled m = {text("0123456789abcdef0123456789abcdef"), true};

	return envelope_encode_enrolled(&m, out, sizeof out, n);
}

static enum assay_err
sample_need(size_t *n)
{
	struct msg_need m = {3,
			     {{PART_BOOT_LOG, 0, 1u << 20, 0},
			      {PART_IMA, 1234567, 1u << 20, 0},
			      {PART_FILES, 0, 1u << 20, 4096}}};

	return envelope_encode_need(&m, out, sizeof out, n);
}

static enum assay_err
sample_decision(size_t *n)
{
	struct msg_decision m = {
		.outcome = 2,
		.nreasons = 2,
		.reasons = {text("boot.pcr4"), text("boot.secure_boot")},
		.nremediation = 1,
		.remediation = {text("Reinstall the kernel package, then reboot.")},
		.token = some(300),
		.next_in_ms = 60000,
		.sequence = 0x1234567890,
	};

	return envelope_encode_decision(&m, out, sizeof out, n);
}

static enum assay_err
sample_refused(size_t *n)
{
	struct msg_refused m = {text("unknown-key"), true};

	return envelope_encode_refused(&m, out, sizeof out, n);
}

static enum assay_err
sample_claims(size_t *n)
{
	struct msg_software software[] = {
		{text("gateway-firmware"), text("file"), text("4.2.1"), some(32), {0}, ALG_SHA256,
		 123456, 60},
		{text("plc-runtime"), text("tree"), {0}, {0}, text("changed-while-read"), 0, 0, 0},
	};
	struct msg_health health[] = {{text("disk_free"), text("71"), {0}},
				      {text("disk_free"), text("71"), text("/var")}};
	struct msg_setting settings[] = {{text("plc"), text("net.mode"), text("static"), {0}},
					 {text("plc"), text("net.psk"), {0}, text("secret")}};
	struct msg_claims m = {.boot_log_digest = some(32),
			       .boot_log_size = 40000,
			       .ima_log_digest = some(32),
			       .ima_entries = 900,
			       .agent = text("assay-attester 0.1.0"),
			       .nsoftware = 2,
			       .software = software,
			       .nhealth = 2,
			       .health = health,
			       .nsettings = 2,
			       .settings = settings,
			       .start_id = some(16),
			       .start_count = 17,
			       .round = 300};

	return envelope_encode_claims(&m, out, sizeof out, n);
}

struct span
frames_sample(unsigned type)
{
	static const struct {
		unsigned type;
		enum assay_err (*make)(size_t *n);
	} makers[] = {
		{MSG_HELLO, sample_hello},
		{MSG_ENROL, sample_enrol},
		{MSG_ACTIVATION, sample_activation},
		{MSG_PROOF, sample_proof},
		{MSG_PART, sample_part},
		{MSG_CHALLENGE, sample_challenge},
		{MSG_CREDENTIAL, sample_credential},
		{MSG_ENROLLED, sample_enrolled},
		{MSG_NEED, sample_need},
		{MSG_DECISION, sample_decision},
		{MSG_REFUSED, sample_refused},
		{MSG_ENROL_KEY, sample_enrol_key},
		{FRAMES_CLAIMS, sample_claims},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
		if (makers[i].type != type)
			continue;
		if (makers[i].make(&n) == ASSAY_OK)
			return SPAN(out, n);
		fprintf(stderr, "no sample of %s\n", frames_name(type));
		abort();
	}
	abort();
}

struct span
frames_large_claims(void)
{
	static struct msg_software software[MSG_SOFTWARE_MAX];
	static struct msg_health health[MSG_HEALTH_MAX];
	static struct msg_setting settings[MSG_SETTINGS_MAX];
	static uint8_t large[MSG_CLAIMS_MAX];
	struct msg_claims m = {.nsoftware = MSG_SOFTWARE_MAX, .software = software,
			       .nhealth = MSG_HEALTH_MAX, .health = health};
	static char names[MSG_SOFTWARE_MAX][64];
	size_t n = 0;

	m.nsettings = MSG_SETTINGS_MAX;
	m.settings = settings;
	for (size_t i = 0; i < MSG_SOFTWARE_MAX; i++) {
		snprintf(names[i], sizeof names[i], "%057zu", i);
		software[i] = (struct msg_software){text(names[i]), text("k"), text("v"), some(32),
						    {0}, ALG_SHA256, 1, 1};
	}
	for (size_t i = 0; i < MSG_HEALTH_MAX; i++)
		health[i] = (struct msg_health){text("n"), text("v"), text(names[i] + 13)};
	for (size_t i = 0; i < MSG_SETTINGS_MAX; i++)
		settings[i] = (struct msg_setting){text("i"), text(names[i] + 13), text("v"), {0}};
	if (envelope_encode_claims(&m, large, sizeof large, &n) != ASSAY_OK)
		abort();
	return SPAN(large, n);
}

/* One case of frames_round_trip(): every type has the same shape. */
#define ROUND_TRIP(type, name)                                                                     \
	case type: {                                                                               \
		static struct msg_##name m;                                                        \
		if ((e = envelope_decode_##name(in, a, &m)) == ASSAY_OK)                           \
			e = envelope_encode_##name(&m, again, sizeof again, &n);                   \
		break;                                                                             \
	}

enum assay_err
frames_round_trip(unsigned type, struct span in, struct arena *a, struct span *ret_again)
{
	enum assay_err e = ASSAY_BAD_TYPE;
	size_t n = 0;

	switch (type) {
		ROUND_TRIP(MSG_HELLO, hello)
		ROUND_TRIP(MSG_ENROL, enrol)
		ROUND_TRIP(MSG_ACTIVATION, activation)
		ROUND_TRIP(MSG_PROOF, proof)
		ROUND_TRIP(MSG_PART, part)
		ROUND_TRIP(MSG_CHALLENGE, challenge)
		ROUND_TRIP(MSG_CREDENTIAL, credential)
		ROUND_TRIP(MSG_ENROLLED, enrolled)
		ROUND_TRIP(MSG_NEED, need)
		ROUND_TRIP(MSG_DECISION, decision)
		ROUND_TRIP(MSG_REFUSED, refused)
		ROUND_TRIP(MSG_ENROL_KEY, enrol_key)
		ROUND_TRIP(FRAMES_CLAIMS, claims)
	}
	*ret_again = SPAN(again, n);
	return e;
}
