/*
 * fuzz_ima.c: any bytes as the entries that a device delivers, with a PCR 10 that some of
 * them lead to: they are proved up to there and no farther, judged, split and counted,
 * and what is remembered of them can be stored.
 */
#include "tests/support/imaworld.h"
#include "tests/support/unit.h"
#include "verifier/appraise/appraisal.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct imaworld w;
static struct appraisal a;
static struct fact_set facts;
static uint32_t lengths[1 << 16];

static const struct imaworld_file files[] = {
	{"/usr/bin/good", 1}, {"/usr/lib/systemd/systemd", 2}, {"/init", 3}};
static const struct imaworld_file bad[] = {{"", 66}};

static const char *
policy(void)
{
	static char text[16384];
	struct span crt = unit_data("ima/uki-sig-signer.crt");
	size_t n = (size_t)snprintf(
		text, sizeof text,
		"  need: path-or-signature\n  paths:\n"
		"    - {match: \"/usr/lib/**\", need: digest}\n"
		"    - {match: \"/**/*.sh\", need: path-and-signature, keyring: k}\n"
		"    - {match: \"/mnt/**\", need: signature}\n"
		"    - {match: \"/tmp/*\", need: nothing, reason: \"none\"}\n"
		"  keyrings:\n    - name: k\n      certificates: |\n");

	for (size_t i = 0; i < crt.n && n < sizeof text - 16; i++) {
		if (i == 0 || crt.p[i - 1] == '\n')
			n += (size_t)snprintf(text + n, sizeof text - n, "        ");
		text[n++] = (char)crt.p[i];
	}
	text[n] = '\0';
	unit_free(crt);
	return text;
}

static void
begin(void)
{
	if (w.w.memory)
		return;
	imaworld_init(&w, policy(), "sha256, sha1");
	imaworld_set(&w, REF_KIND_ALLOW, "base", files, 3);
	imaworld_set(&w, REF_KIND_KNOWN_BAD, "bad", bad, 1);
}

/* PCR 10 after some of the entries, in both banks; how many these are. */
static uint64_t
lead(struct span list, uint32_t wanted, struct imalog_replay *r)
{
	struct imalog_entry e;
	struct imalog l;
	bool contradicts;

	imalog_replay_init(r, IMALOG_PCR);
	if (imalog_replay_add(r, ALG_SHA256, IMALOG_HASHED) != ASSAY_OK ||
	    imalog_replay_add(r, ALG_SHA1, IMALOG_HASHED) != ASSAY_OK)
		abort();
	if (imalog_open(list, NULL, 0, &l) != ASSAY_OK || l.format != IMALOG_BINARY)
		return 0;
	while (r->entries < wanted && imalog_next(&l, &e))
		if (imalog_replay_extend(r, &e, &contradicts) != ASSAY_OK)
			abort();
	return r->extends;
}

static void
open_appraisal(const struct imalog_replay *r)
{
	memset(&a, 0, offsetof(struct appraisal, proof));
	memset(&a.proof, 0, sizeof a.proof);
	continuity_clear(&a.prev);
	verdict_clear(w.w.v);
	arena_reset(&w.w.scratch);
	factset_init(&facts);
	a.in = &w.w.in;
	a.scratch = &w.w.scratch;
	a.v = w.w.v;
	a.best = OUTCOME_ADMIT;
	a.facts = &facts;
	if (policy_open(w.w.in.policy, &a.policy) != ASSAY_OK)
		abort();
	a.has_policy = true;
	for (unsigned i = 0; i < r->count; i++)
		if (pcr_set(&a.proof.pcrs, IMALOG_PCR, &r->value[i].pcr) != ASSAY_OK)
			abort();
}

/* The same entries are accepted, told one from the other, and remembered. */
static void
check_accepted(void)
{
	const struct ima_state *s = &a.v->next.ima;
	static uint8_t stored[CONTINUITY_BYTES_MAX];
	uint64_t sum = 0;
	size_t n;

	if (!s->present || a.v->ima_accepted.count != s->count ||
	    a.v->ima_accepted.bytes != s->bytes || s->bytes > w.w.in.ima.n)
		abort();
	a.v->status = VERDICT_DECIDED;
	a.v->next.present = true;
	if (s->count <= sizeof lengths / sizeof lengths[0]) {
		if (ima_split(ima_accepted_bytes(&w.w.in, a.v), s, s->count, lengths) != ASSAY_OK)
			abort();
		for (uint64_t i = 0; i < s->count; i++)
			sum += lengths[i];
		if (sum != s->bytes)
			abort();
	}
	if (continuity_encode(&a.v->next, stored, sizeof stored, &n) != ASSAY_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct imalog_replay r;
	uint64_t extends;

	begin();
	w.w.in.has_ima = true;
	w.w.in.ima = SPAN(p, n);
	w.w.in.ima_from = w.w.in.ima_stored = 0;
	extends = lead(w.w.in.ima, n % 5 == 0 ? 3 : UINT32_MAX, &r);
	open_appraisal(&r);
	ima_plan(&a);
	if (!ima_check(&a))
		return 0;
	ima_judge(&a);
	if (extends != 0 && !a.ima.current && !world_finding(a.v, FIND_IMA_LIMIT))
		abort();
	if (a.ima.current)
		check_accepted();
	else if (a.best != OUTCOME_QUARANTINE)
		abort();
	return 0;
}
