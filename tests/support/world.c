/* world.c: see world.h. */
#include "world.h"

#include "policymade.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1790000000

const char world_policy[] =
	"policy: test\n"
	"version: 1\n"
	"applies_to: {class: gateway}\n"
	"ask: {banks: [sha256], pcrs: [0-9, 11-14], interval: 60s, patience: 3}\n"
	"references: {pcrs: [0-9, 11-14]}\n";

void
world_set_policy(struct world *w, const char *yaml)
{
	struct policy_info info;
	struct writer out;

	wr_init(&out, w->policy, sizeof w->policy);
	policymade_set(yaml, &out, &w->in, &info);
	w->in.asked = w->ask.pcrs = info.ask;
}

void
world_add_reference(struct world *w, enum reference_state state)
{
	struct reference_view *view = &w->in.references[w->in.nreferences];
	struct continuity c;
	struct writer out;

	memset(&c, 0, sizeof c);
	c.present = true;
	evidence_values(&w->tpm, &w->in.asked, &c.quoted);
	c.has_boot_log = w->log.n != 0;
	unit_must(digest_sha256(w->log, c.boot_log_digest), "digest");
	wr_init(&out, w->reference[w->in.nreferences], sizeof w->reference[0]);
	unit_must(reference_capture(w->log, &c, w->in.asked.bank[0].mask, &out), "capture");
	memset(view, 0, sizeof *view);
	view->compiled = wr_span(&out);
	view->state = state;
	unit_must(digest_sha256(view->compiled, view->digest), "digest");
	w->in.nreferences++;
}

void
world_set_reference(struct world *w, enum reference_state state)
{
	w->in.nreferences = 0;
	world_add_reference(w, state);
}

static void
load_log(struct world *w, const char *log)
{
	char path[128];

	unit_free(w->log);
	w->log = SPAN(NULL, 0);
	snprintf(path, sizeof path, "eventlog/%s.bin", log);
	w->log = unit_data(path);
}

static void
enrol(struct world *w)
{
	struct device_view *d = &w->in.device;

	strcpy(d->id, "00112233445566778899aabbccddeeff");
	strcpy(d->class_name, "gateway");
	d->tier = TIER_TPM;
	d->ek_name = w->tpm.ek.name;
	d->ak_name = w->tpm.ak.name;
	d->ak_public = SPAN(w->tpm.ak.public_area, w->tpm.ak.public_len);
	d->ek.certificate = d->ek.trusted = true;
	strcpy(d->ek.reason, "trusted");
}

void
world_init(struct world *w, const char *log)
{
	memset(w, 0, sizeof *w);
	w->v = calloc(1, sizeof *w->v);
	w->memory = malloc(APPRAISE_ARENA);
	assert_non_null(w->v);
	assert_non_null(w->memory);
	arena_init(&w->scratch, w->memory, APPRAISE_ARENA);
	softtpm_init(&w->tpm, 1);
	load_log(w, log);
	softtpm_boot(&w->tpm, w->log);
	enrol(w);
	w->in.now = NOW;
	w->in.kind = w->ask.kind = BINDING_TPM_ONLINE;
	memset(w->channel, 0xC4, sizeof w->channel);
	w->in.channel = w->ask.channel = SPAN(w->channel, sizeof w->channel);
	w->ask.agent = "assay-attester 0.1.0";
	world_set_policy(w, world_policy);
	world_set_reference(w, REF_PROMOTED);
}

void
world_free(struct world *w)
{
	unit_free(w->log);
	softtpm_free(&w->tpm);
	free(w->v);
	free(w->memory);
}

void
world_reboot(struct world *w, const char *log)
{
	if (log)
		load_log(w, log);
	softtpm_reset(&w->tpm);
	softtpm_boot(&w->tpm, w->log);
}

void
world_challenge(struct world *w)
{
	for (size_t i = 0; i < sizeof w->nonce && ++w->nonce[i] == 0; i++)
		;
	memcpy(w->in.nonce, w->nonce, sizeof w->nonce);
	w->ask.nonce = SPAN(w->nonce, sizeof w->nonce);
	w->in.claims = w->in.boot_log = SPAN(NULL, 0);
	w->in.has_boot_log = false;
	w->in.nfiles = 0;
	w->needs = 0;
}

static void
hand_over(struct world *w)
{
	w->in.proof = SPAN(w->evidence.proof, w->evidence.proof_len);
}

void
world_prove(struct world *w)
{
	w->ask.has_boot_log = w->log.p != NULL;
	w->ask.boot_log = w->log;
	if (w->quotes) {
		uint8_t extra[BINDING_SIZE];
		struct binding b = {
			.kind = w->ask.kind,
			.key_name = SPAN(w->in.device.ak_name.b, w->in.device.ak_name.len),
			.nonce = w->ask.nonce,
			.channel = w->ask.channel,
		};

		evidence_claims(&w->ask, &w->evidence);
		b.claims = SPAN(w->evidence.claims, w->evidence.claims_len);
		unit_must(binding_compute(&b, extra), "binding");
		w->quotes(w, extra);
		world_encode(w);
		return;
	}
	evidence_build(&w->tpm, &w->ask, &w->evidence);
	hand_over(w);
}

void
world_encode(struct world *w)
{
	struct pcr_values v;

	evidence_values(&w->tpm, &w->ask.pcrs, &v);
	evidence_encode(&v, &w->ask, &w->evidence);
	hand_over(w);
}

const struct verdict *
world_appraise(struct world *w)
{
	appraise(&w->in, &w->scratch, w->v);
	return w->v;
}

/* The list behind the digest that is wanted, or nothing. */
static void
deliver_files(struct world *w, const struct verdict *v)
{
	struct span found = SPAN(NULL, 0);

	for (size_t i = 0; i < w->nmanifests; i++) {
		uint8_t digest[32];

		unit_must(digest_sha256(w->manifests[i], digest), "digest of a list");
		if (memcmp(digest, v->need_digest, sizeof digest) == 0)
			found = w->manifests[i];
	}
	assert_true(w->in.nfiles < APPRAISAL_FILES_MAX);
	w->in.files[w->in.nfiles++] = found;
}

const struct verdict *
world_judge(struct world *w)
{
	const struct verdict *v = world_appraise(w);

	while (v->status == VERDICT_NEED && w->needs < 8) {
		w->needs++;
		assert_int_equal(v->need.nwants, 1);
		if (v->need.wants[0].kind == PART_CLAIMS) {
			w->in.claims = SPAN(w->evidence.claims, w->evidence.claims_len);
		} else if (v->need.wants[0].kind == PART_FILES) {
			deliver_files(w, v);
		} else {
			assert_int_equal(v->need.wants[0].kind, PART_BOOT_LOG);
			assert_int_equal(v->need.wants[0].limit, w->log.n);
			w->in.has_boot_log = true;
			w->in.boot_log = w->log;
		}
		v = world_appraise(w);
	}
	return v;
}

void
world_commit(struct world *w)
{
	size_t n;

	if (w->v->status != VERDICT_DECIDED)
		return;
	unit_must(continuity_encode(&w->v->next, w->continuity, sizeof w->continuity, &n),
		  "continuity");
	w->in.continuity = SPAN(w->continuity, n);
}

const struct verdict *
world_round(struct world *w)
{
	const struct verdict *v;

	world_challenge(w);
	world_prove(w);
	v = world_judge(w);
	world_commit(w);
	return v;
}

const struct finding *
world_finding(const struct verdict *v, enum finding_code code)
{
	for (size_t i = 0; i < v->nfindings; i++)
		if (v->findings[i].code == code)
			return &v->findings[i];
	return NULL;
}

static void
complain(const struct verdict *v, const char *expected)
{
	static char text[8192];
	size_t n = 0;

	for (size_t i = 0; i < v->nfindings && n < sizeof text - 1024; i++) {
		const struct finding *f = &v->findings[i];

		n += (size_t)snprintf(text + n, sizeof text - n,
				      "\n  %s [%s] %s: pcr %d event %d seen \"%s\" expected \"%s\"",
				      finding_word((enum finding_code)f->code),
				      outcome_name((enum outcome)f->cap), f->subject, f->pcr,
				      f->event, f->seen, f->expected);
	}
	fail_msg("expected %s; status %d, outcome %s, findings:%s", expected, (int)v->status,
		 outcome_name(v->outcome), text);
}

void
assert_admitted(const struct verdict *v)
{
	if (v->status != VERDICT_DECIDED || v->outcome != OUTCOME_ADMIT || v->nfindings != 0)
		complain(v, "ADMIT");
}

void
assert_outcome(const struct verdict *v, enum outcome o, enum finding_code code)
{
	if (v->status != VERDICT_DECIDED || v->outcome != o || !world_finding(v, code))
		complain(v, finding_word(code));
}

void
assert_quarantined(const struct verdict *v, enum finding_code code)
{
	assert_outcome(v, OUTCOME_QUARANTINE, code);
}

void
assert_unproven(const struct verdict *v, enum finding_code code)
{
	if (v->status != VERDICT_UNPROVEN || v->outcome != OUTCOME_QUARANTINE ||
	    v->nfindings != 1 || v->findings[0].code != code || v->next.present)
		complain(v, finding_word(code));
}
