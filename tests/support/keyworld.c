/* keyworld.c: see keyworld.h. */
#include "keyworld.h"

#include "policymade.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1790000000

/* SHA-256 of "good" */
const char keyworld_policy[] =
	"policy: keys\n"
	"version: 1\n"
	"applies_to: {class: controller}\n"
	"ask: {banks: [sha256], pcrs: [0], interval: 60s, patience: 3}\n"
	"references: {pcrs: [0]}\n"
	"allow: {lowest_tier: software}\n"
	"rules:\n"
	"  - {id: firmware, fact: software.firmware.digest, op: equals, value: "
	"\"sha256:770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c\"}\n";

void
keyworld_set_policy(struct keyworld *w, const char *yaml)
{
	struct policy_info info;
	struct writer out;

	wr_init(&out, w->policy, sizeof w->policy);
	policymade_set(yaml, &out, &w->in, &info);
}

static void
enrol(struct keyworld *w, enum tier tier)
{
	struct device_view *d = &w->in.device;

	strcpy(d->id, "00112233445566778899aabbccddeeff");
	strcpy(d->class_name, "controller");
	d->tier = tier;
	d->ek_name = d->ak_name = w->dice.root.name;
	d->ak_public = softkey_spki(&w->dice.root);
	d->ek.certificate = d->ek.trusted = tier != TIER_SOFTWARE;
	strcpy(d->ek.reason, d->ek.trusted ? "trusted" : "no-certificate");
}

void
keyworld_init(struct keyworld *w, enum tier tier, enum softkey_kind kind)
{
	memset(w, 0, sizeof *w);
	w->v = calloc(1, sizeof *w->v);
	w->memory = malloc(APPRAISE_ARENA);
	assert_non_null(w->v);
	assert_non_null(w->memory);
	arena_init(&w->scratch, w->memory, APPRAISE_ARENA);
	dicemade_init(&w->dice, kind, tier == TIER_DICE ? 2 : 1, tier == TIER_DICE);
	w->signer = tier == TIER_DICE ? dicemade_signer(&w->dice) : &w->dice.root;
	w->nlayers = tier == TIER_DICE ? w->dice.ncerts : 0;
	memcpy(w->layers, w->dice.certs, sizeof w->layers);
	w->firmware = "good";
	w->kind = w->in.kind = BINDING_KEY_ONLINE;
	w->in.now = NOW;
	memset(w->channel, 0xC4, sizeof w->channel);
	w->in.channel = SPAN(w->channel, sizeof w->channel);
	enrol(w, tier);
	keyworld_set_policy(w, keyworld_policy);
	keyworld_start(w);
}

void
keyworld_free(struct keyworld *w)
{
	dicemade_free(&w->dice);
	free(w->v);
	free(w->memory);
}

void
keyworld_start(struct keyworld *w)
{
	static uint8_t id;

	memset(w->start_id, ++id, sizeof w->start_id);
	w->start_count++;
	w->round = 0;
}

static size_t
make_claims(struct keyworld *w, uint8_t *ret, size_t cap)
{
	struct msg_software item = {.name = SPAN("firmware", 8), .kind = SPAN("file", 4)};
	struct msg_claims m = {.agent = SPAN("test", 4), .software = &item};
	struct digest d;
	size_t n;

	if (w->firmware) {
		unit_must(digest_compute(ALG_SHA256, SPAN(w->firmware, strlen(w->firmware)), &d),
		     "digest");
		item.alg = ALG_SHA256;
		item.digest = digest_span(&d);
		m.nsoftware = 1;
	}
	if (w->start_count) {
		m.start_id = SPAN(w->start_id, sizeof w->start_id);
		m.start_count = w->start_count;
		m.round = ++w->round;
	}
	unit_must(envelope_encode_claims(&m, ret, cap, &n), "claims");
	for (size_t i = 0; w->stain && i + 8 <= n; i++)
		if (memcmp(ret + i, "firmware", 8) == 0)
			ret[i] = (uint8_t)w->stain;
	return n;
}

static void
prove(struct keyworld *w)
{
	static struct msg_proof m;
	uint8_t claims[MSG_CLAIMS_INLINE_MAX], digest[32], bound[BINDING_SIZE];
	uint8_t sig[MSG_KEY_SIGNATURE_MAX];
	struct span said = SPAN(claims, make_claims(w, claims, sizeof claims));
	struct binding b = {.kind = w->kind,
			    .key_name = SPAN(w->signer->name.b, w->signer->name.len),
			    .nonce = SPAN(w->nonce, sizeof w->nonce),
			    .channel = w->in.channel,
			    .claims = said};
	size_t n;

	memset(&m, 0, sizeof m);
	unit_must(binding_compute(&b, bound), "binding");
	unit_must(digest_sha256(said, digest), "digest");
	m.claims = said;
	m.claims_digest = SPAN(digest, sizeof digest);
	m.key_signature = SPAN(sig, softkey_sign(w->signer, SPAN(bound, sizeof bound), sig));
	m.nlayers = (uint8_t)w->nlayers;
	memcpy(m.layers, w->layers, sizeof m.layers);
	unit_must(envelope_encode_proof(&m, w->proof, sizeof w->proof, &n), "proof");
	w->in.proof = SPAN(w->proof, n);
}

const struct verdict *
keyworld_judge(struct keyworld *w)
{
	for (size_t i = 0; i < sizeof w->nonce && ++w->nonce[i] == 0; i++)
		;
	memcpy(w->in.nonce, w->nonce, sizeof w->nonce);
	prove(w);
	appraise(&w->in, &w->scratch, w->v);
	return w->v;
}

const struct verdict *
keyworld_round(struct keyworld *w)
{
	size_t n;

	(void)keyworld_judge(w);
	w->in.now += 60;
	if (w->v->status != VERDICT_DECIDED)
		return w->v;
	unit_must(continuity_encode(&w->v->next, w->continuity, sizeof w->continuity, &n),
		  "continuity");
	w->in.continuity = SPAN(w->continuity, n);
	w->in.device.copied |= verdict_shows_copy(w->v);
	return w->v;
}

void
keyworld_release(struct keyworld *w)
{
	static struct continuity c;
	size_t n;

	w->in.device.copied = false;
	unit_must(continuity_decode(w->in.continuity, &c), "continuity");
	continuity_release(&c);
	unit_must(continuity_encode(&c, w->continuity, sizeof w->continuity, &n), "continuity");
	w->in.continuity = SPAN(w->continuity, n);
}
