/*
 * ledger_fill.c: fills the ledger of a verifier that does not run with devices that have
 * attested: keys, quotes and signatures of their own, judged by appraise() as a round is.
 * For the bench of replays.
 *
 *   usage: ledger_fill STATE DEVICES LOG CLASS POLICY.yaml
 */
#include "tests/support/evidence_builder.h"
#include "tests/support/unit.h"

#include "evidence/hex.h"
#include "verifier/appraise/policy.h"
#include "verifier/appraise/reference.h"
#include "verifier/compiler/policy_compile.h"
#include "verifier/keys.h"
#include "verifier/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUP 500 /* devices of one transaction */

static struct {
	struct ledger *l;
	const char *class_name;
	struct span log;
	uint8_t policy[16384], reference[65536], memory[APPRAISE_ARENA];
	uint8_t log_digest[32];
	struct appraisal_input in;
	struct verdict verdict;
	struct arena scratch;
	int64_t now;
} fill;

static void
must(enum assay_err e, const char *what)
{
	if (e == ASSAY_OK)
		return;
	fprintf(stderr, "ledger_fill: %s: %s\n", what, assay_err_text(e));
	exit(4);
}

static void
open_ledger(const char *state)
{
	char path[512], keys[512];
	uint8_t key[32];
	size_t n;

	snprintf(keys, sizeof keys, "%s/keys", state);
	snprintf(path, sizeof path, "%s/ledger.db", state);
	must(keys_read_file(keys, "ledger.key", key, sizeof key, &n), "the ledger's key");
	must(ledger_open(path, key, &fill.l, NULL), "opening the ledger");
}

static void
add_policy(const char *path)
{
	static struct yaml_errors errs;
	struct span source = unit_file(path);
	struct ledger_policy p = {.active = true, .author = "bench", .source = source};
	struct policy_info info;
	struct writer w;

	wr_init(&w, fill.policy, sizeof fill.policy);
	must(policy_compile(source, path, &w, &errs), "the policy");
	must(policy_info(wr_span(&w), &info), "the policy");
	p.compiled = fill.in.policy = wr_span(&w);
	memcpy(p.digest, info.digest, sizeof p.digest);
	memcpy(fill.in.policy_digest, info.digest, sizeof info.digest);
	memcpy(p.name, info.name, sizeof p.name);
	p.version = info.version;
	must(ledger_policy_insert(fill.l, &p), "storing the policy");
	fill.in.asked = info.ask;
	unit_free(source);
}

/* The set that the first device's boot is, promoted. */
static void
add_reference(struct softtpm *t)
{
	static struct continuity c;
	struct ledger_reference r = {
		.name = "bench", .state = REF_PROMOTED, .origin = "bench", .author = "bench"};
	struct reference_view *v = &fill.in.references[0];
	struct writer w;

	continuity_clear(&c);
	c.present = c.has_boot_log = true;
	evidence_values(t, &fill.in.asked, &c.quoted);
	memcpy(c.boot_log_digest, fill.log_digest, sizeof c.boot_log_digest);
	wr_init(&w, fill.reference, sizeof fill.reference);
	must(reference_capture(fill.log, &c, fill.in.asked.bank[0].mask, &w), "capturing");
	r.compiled = v->compiled = wr_span(&w);
	must(digest_sha256(r.compiled, r.digest), "digest");
	snprintf(r.class_name, sizeof r.class_name, "%s", fill.class_name);
	memcpy(v->digest, r.digest, sizeof v->digest);
	v->state = REF_PROMOTED;
	fill.in.nreferences = 1;
	must(ledger_reference_insert(fill.l, &r), "storing the reference");
}

static void
fill_record(const struct softtpm *t, struct ledger_device *d)
{
	uint8_t digest[32];

	memset(d, 0, sizeof *d);
	must(digest_sha256(SPAN(t->ek.name.b, t->ek.name.len), digest), "digest");
	must(hex_encode(SPAN(digest, 16), d->id, sizeof d->id), "id");
	d->status = DEV_ENROLLED;
	snprintf(d->class_name, sizeof d->class_name, "%s", fill.class_name);
	d->tier = TIER_TPM;
	d->ek_name = t->ek.name;
	d->ak_name = t->ak.name;
	d->ek_public_len = t->ek.public_len;
	d->ak_public_len = t->ak.public_len;
	memcpy(d->ek_public, t->ek.public_area, t->ek.public_len);
	memcpy(d->ak_public, t->ak.public_area, t->ak.public_len);
	d->ek.allow_listed = true;
	snprintf(d->ek.reason, sizeof d->ek.reason, "no-certificate");
	d->created = d->updated = fill.now;
}

static void
judge(struct softtpm *t, const struct ledger_device *d, struct evidence *e)
{
	static uint8_t channel[32] = {0xC4};
	struct evidence_ask ask = {
		.kind = BINDING_TPM_ONLINE,
		.nonce = SPAN(fill.in.nonce, sizeof fill.in.nonce),
		.channel = SPAN(channel, sizeof channel),
		.pcrs = fill.in.asked,
		.has_boot_log = true,
		.boot_log = fill.log,
		.agent = "bench",
	};

	must(digest_sha256(SPAN(d->id, DEVICE_ID_HEX), fill.in.nonce), "nonce");
	evidence_build(t, &ask, e);
	fill.in.now = fill.now;
	fill.in.kind = ask.kind;
	fill.in.channel = ask.channel;
	fill.in.proof = SPAN(e->proof, e->proof_len);
	fill.in.has_boot_log = true;
	fill.in.boot_log = fill.log;
	memcpy(fill.in.device.id, d->id, sizeof d->id);
	memcpy(fill.in.device.class_name, d->class_name, sizeof d->class_name);
	fill.in.device.tier = d->tier;
	fill.in.device.ek_name = d->ek_name;
	fill.in.device.ak_name = d->ak_name;
	fill.in.device.ak_public = SPAN(d->ak_public, d->ak_public_len);
	fill.in.device.ek = d->ek;
	appraise(&fill.in, &fill.scratch, &fill.verdict);
	if (fill.verdict.status == VERDICT_DECIDED && fill.verdict.outcome == OUTCOME_ADMIT)
		return;
	fprintf(stderr, "ledger_fill: a device is not admitted: %s\n",
		finding_word((enum finding_code)fill.verdict.findings[0].code));
	exit(4);
}

static void
store(const struct ledger_device *d, const struct evidence *e)
{
	static uint8_t verdict[VERDICT_BYTES_MAX], continuity[CONTINUITY_BYTES_MAX], asked[64];
	struct ledger_state s = {.verdict_outcome = OUTCOME_ADMIT, .decision = OUTCOME_ADMIT};
	struct writer w;
	size_t n;

	must(ledger_device_insert(fill.l, d), "inserting a device");
	memcpy(s.device, d->id, sizeof s.device);
	must(verdict_encode(&fill.verdict, verdict, sizeof verdict, &n), "verdict");
	s.verdict = SPAN(verdict, n);
	must(continuity_encode(&fill.verdict.next, continuity, sizeof continuity, &n),
	     "continuity");
	s.continuity = SPAN(continuity, n);
	wr_init(&w, asked, sizeof asked);
	wr_u8(&w, fill.in.asked.count);
	for (unsigned i = 0; i < fill.in.asked.count; i++) {
		wr_be16(&w, fill.in.asked.bank[i].alg);
		wr_be32(&w, fill.in.asked.bank[i].mask);
	}
	s.asked = wr_span(&w);
	s.proof = SPAN(e->proof, e->proof_len);
	s.channel = fill.in.channel;
	memcpy(s.nonce, fill.in.nonce, sizeof s.nonce);
	memcpy(s.boot_log, fill.log_digest, 32);
	memcpy(s.good_log, fill.log_digest, 32);
	memcpy(s.policy, fill.verdict.policy, 32);
	memcpy(s.reference, fill.verdict.reference, 32);
	s.verdict_at = fill.now;
	s.expires_at = fill.now + 86400;
	must(ledger_state_put(fill.l, &s), "storing evidence");
}

int
main(int argc, char **argv)
{
	static struct evidence e;
	static struct ledger_device d;
	static struct softtpm t;
	unsigned long n;

	if (argc != 6) {
		fputs("usage: ledger_fill STATE DEVICES LOG CLASS POLICY.yaml\n", stderr);
		return 64;
	}
	n = strtoul(argv[2], NULL, 10);
	fill.now = time(NULL);
	fill.class_name = argv[4];
	fill.log = unit_file(argv[3]);
	arena_init(&fill.scratch, fill.memory, sizeof fill.memory);
	open_ledger(argv[1]);
	must(ledger_begin(fill.l), "begin");
	must(ledger_blob_put(fill.l, fill.log, fill.log_digest), "storing the log");
	add_policy(argv[5]);
	for (unsigned long i = 0; i < n; i++) {
		softtpm_init(&t, i + 1);
		softtpm_boot(&t, fill.log);
		if (i == 0)
			add_reference(&t);
		fill_record(&t, &d);
		judge(&t, &d, &e);
		store(&d, &e);
		softtpm_free(&t);
		if (i % GROUP == GROUP - 1) {
			must(ledger_commit(fill.l), "commit");
			must(ledger_begin(fill.l), "begin");
		}
	}
	must(ledger_commit(fill.l), "commit");
	ledger_close(fill.l);
	return 0;
}
