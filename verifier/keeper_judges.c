/*
 * keeper_judges.c: what judges whom: rings, planned changes, candidates; see keeper.h.
 *
 * keeper_maps.c has loaded policies and references; here is what else the ledger says of
 * them, and which policy judges a device.
 */
#include "keeper_private.h"

#include "keeper_rollout.h"
#include "labels.h"
#include "log.h"
#include "verifier/compiler/digestset_build.h"

#include <stdlib.h>
#include <string.h>

/* A row that is not authentic ends the table, and what it would have said of whom is not
 * known: nobody is judged by what is milder. */
static enum assay_err
end_of_table(struct keeper *k, const char *what, enum assay_err e)
{
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK;
	if (e != ASSAY_TAMPERED)
		return e;
	k->no_policy = true;
	log_event(LOG_LEVEL_ERROR, "record-unusable", "record", what, "error", assay_err_name(e),
		  "effect", "no policy judges any device", NULL);
	return ASSAY_OK;
}

/* A planned change makes the first set end and the second begin, and ties them. Both are
 * then what the plan says, whatever else they were; one whose other set is not there (it
 * was retired) still makes the first set end. */
static enum assay_err
load_plans(struct keeper *k)
{
	char after[LEDGER_NAME_MAX + 1] = "";
	struct ledger_plan p;
	enum assay_err e;

	while ((e = ledger_plan_next(k->ledger, after, &p)) == ASSAY_OK) {
		memcpy(after, p.name, sizeof after);
		for (unsigned i = 0; p.active && i < k->nreferences; i++) {
			struct keeper_reference *r = &k->references[i];

			if (strcmp(r->class_name, p.class_name) != 0)
				continue;
			if (span_equal(SPAN(r->digest, 32), SPAN(p.a, 32))) {
				if (r->not_after == 0 || r->not_after > p.ends)
					r->not_after = p.ends;
				memcpy(r->superseded_by, p.b, sizeof r->superseded_by);
			} else if (span_equal(SPAN(r->digest, 32), SPAN(p.b, 32)) &&
				   r->not_before < p.starts) {
				r->not_before = p.starts;
			}
		}
	}
	return end_of_table(k, "planned change", e);
}

/* A version that cannot be read, whose ring it is: as with an active one. */
static enum assay_err
load_ring(struct keeper *k, const struct ledger_rollout *o)
{
	struct ledger_policy p;
	enum assay_err e = ledger_policy_get(k->ledger, o->policy, &p);

	if (e == ASSAY_OK)
		e = keeper_policy_load(k, &p);
	if (e == ASSAY_OK) {
		memcpy(k->policies[k->npolicies - 1].ring, o->ring, sizeof o->ring);
		return ASSAY_OK;
	}
	k->no_policy = true;
	log_event(LOG_LEVEL_ERROR, "policy-unusable", "policy", o->name, "error",
		  assay_err_name(e), "effect", "no policy judges any device", NULL);
	return e == ASSAY_IO ? e : ASSAY_OK;
}

static enum assay_err
load_rollouts(struct keeper *k)
{
	char after[LEDGER_NAME_MAX + 1] = "";
	struct ledger_rollout o;
	enum assay_err e;

	while ((e = ledger_rollout_next(k->ledger, after, &o)) == ASSAY_OK) {
		memcpy(after, o.name, sizeof after);
		if (o.state != ROLLOUT_RUNNING && o.state != ROLLOUT_HALTED)
			continue;
		if ((e = load_ring(k, &o)) != ASSAY_OK)
			return e;
	}
	if ((e = end_of_table(k, "rollout", e)) != ASSAY_OK)
		return e;
	return keeper_rollouts_load(k);
}

/* What a replay's prediction holds for. */
static enum assay_err
digest_judges(struct keeper *k)
{
	struct hasher h;
	struct digest d;
	enum assay_err e = hash_init(&h, ALG_SHA256);

	for (unsigned i = 0; i < k->npolicies && e == ASSAY_OK; i++)
		if (!k->policies[i].ring[0])
			e = hash_update(&h, SPAN(k->policies[i].map.digest, 32));
	for (unsigned i = 0; i < k->nreferences && e == ASSAY_OK; i++) {
		const struct keeper_reference *r = &k->references[i];
		uint8_t b[128];
		struct writer w;

		wr_init(&w, b, sizeof b);
		wr_bytes(&w, SPAN(r->digest, 32));
		wr_u8(&w, (uint8_t)r->state);
		wr_be64(&w, (uint64_t)r->not_before);
		wr_be64(&w, (uint64_t)r->not_after);
		wr_bytes(&w, SPAN(r->superseded_by, 32));
		if ((e = w.err) == ASSAY_OK)
			e = hash_update(&h, wr_span(&w));
	}
	if (e == ASSAY_OK && k->known_bad.bytes.n)
		e = hash_update(&h, SPAN(k->known_bad.digest, 32));
	if (e != ASSAY_OK || (e = hash_final(&h, &d)) != ASSAY_OK)
		return e;
	memcpy(k->judges, d.b, sizeof k->judges);
	return ASSAY_OK;
}

/* ---- digests declared bad ---- */

/* "sha256:HEX", as the operation wrote it. */
static enum assay_err
add_bad(struct digestset_builder *b, const char *text)
{
	const char *colon = strchr(text, ':');
	uint8_t bytes[DIGEST_MAX];
	struct digestset_digest d = {0};
	size_t n;

	for (uint16_t alg = 1; colon && alg < 0x30; alg++) {
		const char *name = digest_name(alg);

		if (name && strlen(name) == (size_t)(colon - text) &&
		    strncmp(name, text, strlen(name)) == 0)
			d.alg = alg;
	}
	if (d.alg == 0 || hex_decode(colon + 1, bytes, sizeof bytes, &n) != ASSAY_OK)
		return ASSAY_MALFORMED;
	d.bytes = SPAN(bytes, n);
	return digestset_add(b, SPAN(NULL, 0), &d);
}

static enum assay_err
build_known_bad(struct keeper *k, struct digestset_builder *b)
{
	char after[LEDGER_DIGEST_TEXT + 1] = "";
	struct ledger_known_bad bad;
	enum assay_err e;

	while ((e = ledger_known_bad_next(k->ledger, after, &bad)) == ASSAY_OK) {
		memcpy(after, bad.digest, sizeof after);
		if (bad.active && (e = add_bad(b, bad.digest)) != ASSAY_OK)
			return e;
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

/* A list that cannot be made admits what is on it: then nobody is judged. */
static enum assay_err
load_known_bad(struct keeper *k)
{
	struct digestset_builder *b = digestset_builder_new();
	uint8_t *bytes = NULL;
	size_t n = 0;
	enum assay_err e = b ? build_known_bad(k, b) : ASSAY_NO_MEMORY;

	keeper_map_free(&k->known_bad);
	if (e == ASSAY_OK && digestset_added(b) > 0 &&
	    (e = digestset_build(b, &bytes, &n)) == ASSAY_OK)
		e = keeper_map_make(&k->known_bad, SPAN(bytes, n));
	free(bytes);
	digestset_builder_free(b);
	if (e == ASSAY_OK || e == ASSAY_IO || e == ASSAY_NO_MEMORY)
		return e;
	k->no_policy = true;
	log_event(LOG_LEVEL_ERROR, "known-bad-unusable", "error", assay_err_name(e), "effect",
		  "no policy judges any device", NULL);
	return ASSAY_OK;
}

const struct keeper_map *
keeper_judges_map(struct keeper *k, const uint8_t digest[32])
{
	if (k->known_bad.bytes.n &&
	    span_equal(SPAN(k->known_bad.digest, 32), SPAN(digest, 32)))
		return &k->known_bad;
	return keeper_replay_map(k, digest);
}

void
keeper_judges_free(struct keeper *k)
{
	keeper_replay_end(k);
	keeper_rollouts_free(k);
	keeper_map_free(&k->known_bad);
}

enum assay_err
keeper_judges_load(struct keeper *k)
{
	enum assay_err e;

	if ((e = load_plans(k)) != ASSAY_OK || (e = load_known_bad(k)) != ASSAY_OK ||
	    (e = load_rollouts(k)) != ASSAY_OK)
		return e;
	return digest_judges(k);
}

/* Whether another version of the same policy judges such devices in its place: the
 * candidate, or one whose ring they are in. */
static bool
stands_back(const struct keeper *k, const struct keeper_policy *p,
	    const struct keeper_policy *candidate, const char *labels)
{
	if (candidate)
		if (p != candidate && strcmp(p->info.name, candidate->info.name) == 0)
			return true;
	if (p->ring[0])
		return !labels_any(p->ring, labels);
	for (unsigned i = 0; p != candidate && i < k->npolicies; i++)
		if (k->policies[i].ring[0] && labels_any(k->policies[i].ring, labels) &&
		    strcmp(k->policies[i].info.name, p->info.name) == 0)
			return true;
	return false;
}

const struct keeper_policy *
keeper_policy_with(struct keeper *k, const struct keeper_policy *candidate,
		   const char *class_name, const char *labels)
{
	const struct keeper_policy *best = NULL;
	unsigned most = 0;
	bool tie = false;

	for (unsigned i = 0; i < k->npolicies + (candidate != NULL); i++) {
		const struct keeper_policy *p = i < k->npolicies ? &k->policies[i] : candidate;
		unsigned rank = policy_rank(&p->info, class_name, labels);

		if (rank == 0 || rank < most || p->retained ||
		    stands_back(k, p, candidate, labels))
			continue;
		tie = best && rank == most;
		most = rank;
		best = p;
	}
	return tie || k->no_policy ? NULL : best; /* activation refuses ties; two is none */
}

const struct keeper_policy *
keeper_policy_for(struct keeper *k, const char *class_name, const char *labels)
{
	return keeper_policy_with(k, NULL, class_name, labels);
}

/* Whether it is a version of the same name that the candidate takes the place of. */
static bool
gives_way(const struct keeper_policy *q, const struct keeper_policy *candidate)
{
	return candidate && q != candidate && strcmp(q->info.name, candidate->info.name) == 0;
}

/* Its own last version before any other: of equal rank they would tie. */
const struct keeper_policy *
keeper_enforced_with(struct keeper *k, const struct keeper_policy *candidate,
		     const struct keeper_policy *p, const struct ledger_device *d)
{
	unsigned n = p->info.monitor && !k->no_policy ? k->npolicies + (candidate != NULL) : 0;
	const struct keeper_policy *best = NULL;
	unsigned most = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct keeper_policy *q = i < k->npolicies ? &k->policies[i] : candidate;
		unsigned rank = 2 * policy_rank(&q->info, d->class_name, d->labels);
		bool before = gives_way(q, candidate); /* in force until then */

		if (rank == 0 || q->info.monitor || q->ring[0] ||
		    (before && !candidate->info.monitor))
			continue;
		rank += (q->retained || before) && strcmp(q->info.name, p->info.name) == 0;
		if (rank <= most)
			continue;
		most = rank;
		best = q;
	}
	return best;
}

const struct keeper_policy *
keeper_enforced_for(struct keeper *k, const struct keeper_policy *p,
		    const struct ledger_device *d)
{
	return keeper_enforced_with(k, NULL, p, d);
}
