/*
 * keeper_maps.c: policies, references and EK roots as sealed maps; see keeper.h.
 *
 * Everything appraisers judge by is content-addressed and handed out read-only.
 * Keeper reads of a policy only its head, with the same bounded parser.
 */
#include "keeper_private.h"

#include "bulk.h"
#include "compiler.h"
#include "keeper_ima.h"
#include "log.h"
#include "verifier/appraise/reference.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
map_free(struct keeper_map *m)
{
	if (m->bytes.n)
		munmap((void *)(uintptr_t)m->bytes.p, m->bytes.n);
	if (m->fd > 0)
		close(m->fd);
	memset(m, 0, sizeof *m);
}

/* What was loaded before a reload, and may be the same after it: large sets are not read
 * again because something else has changed. */
static struct {
	unsigned n;
	struct keeper_map map[KEEPER_REFERENCES_MAX];
} before;

static void
keep_for_later(struct keeper_map *m)
{
	before.map[before.n++] = *m;
	memset(m, 0, sizeof *m);
}

static bool
take_from_before(struct keeper_map *m, const uint8_t digest[32])
{
	for (unsigned i = 0; i < before.n; i++) {
		if (!span_equal(SPAN(before.map[i].digest, 32), SPAN(digest, 32)))
			continue;
		*m = before.map[i];
		before.map[i] = before.map[--before.n];
		return true;
	}
	return false;
}

static void
forget_before(void)
{
	while (before.n > 0)
		map_free(&before.map[--before.n]);
}

static enum assay_err
map_make(struct keeper_map *m, struct span bytes)
{
	enum assay_err e = digest_sha256(bytes, m->digest);

	if (e != ASSAY_OK)
		return e;
	m->fd = ipc_seal(bytes);
	if (m->fd < 0)
		return ASSAY_NO_MEMORY;
	e = ipc_map(m->fd, IPC_BULK_MAX, &m->bytes);
	if (e != ASSAY_OK)
		map_free(m);
	return e;
}

/* What vouches for endorsement keys, for DICE devices and for keys in tokens. */
#define ROOT_SETS 3

static struct keeper_map *
roots_map(struct keeper *k, unsigned set)
{
	return set == 0 ? &k->roots : set == 1 ? &k->dice_roots : &k->token_roots;
}

static const char *
roots_directory(const struct keeper *k, unsigned set)
{
	const struct config *c = k->config;

	return set == 0 ? c->ek_roots : set == 1 ? c->dice_roots : c->token_roots;
}

enum assay_err
keeper_map_make(struct keeper_map *m, struct span bytes)
{
	return map_make(m, bytes);
}

void
keeper_map_free(struct keeper_map *m)
{
	map_free(m);
}

const struct keeper_map *
keeper_map_find(struct keeper *k, const uint8_t digest[32])
{
	struct span d = SPAN(digest, 32);

	for (unsigned i = 0; i < k->npolicies; i++)
		if (span_equal(d, SPAN(k->policies[i].map.digest, 32)))
			return &k->policies[i].map;
	for (unsigned i = 0; i < k->nreferences; i++)
		if (span_equal(d, SPAN(k->references[i].map.digest, 32)))
			return &k->references[i].map;
	for (unsigned i = 0; i < ROOT_SETS; i++) {
		const struct keeper_map *m = roots_map(k, i);

		if (m->fd > 0 && span_equal(d, SPAN(m->digest, 32)))
			return m;
	}
	return keeper_judges_map(k, digest);
}

struct span
keeper_reference_bytes(struct keeper *k, const uint8_t digest[32])
{
	const struct keeper_map *m = keeper_map_find(k, digest);

	return m ? m->bytes : SPAN(NULL, 0);
}

enum assay_err
keeper_policy_load(struct keeper *k, const struct ledger_policy *p)
{
	struct keeper_policy *to = &k->policies[k->npolicies];
	enum assay_err e;

	if (k->npolicies == KEEPER_POLICIES_MAX)
		return ASSAY_TOO_MANY;
	memset(to, 0, sizeof *to);
	if ((e = policy_info(p->compiled, &to->info)) != ASSAY_OK ||
	    (e = map_make(&to->map, p->compiled)) != ASSAY_OK)
		return e;
	k->npolicies++;
	return ASSAY_OK;
}

/* Whom a policy that cannot be read would judge is not known either, and nobody may be
 * judged by a milder one in its place: then all have none. */
static enum assay_err
load_policies(struct keeper *k)
{
	struct ledger_policy p;
	uint8_t after[32];
	const uint8_t *from = NULL;
	enum assay_err e;

	while ((e = ledger_policy_next(k->ledger, from, &p)) == ASSAY_OK || e == ASSAY_TAMPERED) {
		memcpy(after, p.digest, 32);
		from = after;
		if (e == ASSAY_OK && !p.active)
			continue;
		if (e == ASSAY_OK && (e = keeper_policy_load(k, &p)) == ASSAY_OK)
			continue;
		k->no_policy = true;
		log_event(LOG_LEVEL_ERROR, "policy-unusable", "policy", p.name, "error",
			  assay_err_name(e), "effect", "no policy judges any device", NULL);
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

/* The version of this name that was in force last and is enforced. */
static enum assay_err
load_last_enforced(struct keeper *k, const struct policy_info *monitor)
{
	uint8_t after[32], digest[32];
	const uint8_t *from = NULL;
	struct policy_info info;
	struct ledger_policy p;
	int64_t newest = 0;
	enum assay_err e;

	while ((e = ledger_policy_next(k->ledger, from, &p)) == ASSAY_OK || e == ASSAY_TAMPERED) {
		memcpy(after, p.digest, 32);
		from = after;
		if (e != ASSAY_OK || p.active || p.activated <= newest ||
		    strcmp(p.name, monitor->name) != 0 ||
		    policy_info(p.compiled, &info) != ASSAY_OK || info.monitor)
			continue;
		newest = p.activated;
		memcpy(digest, p.digest, sizeof digest);
	}
	if (e != ASSAY_NOT_FOUND || newest == 0)
		return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
	if ((e = ledger_policy_get(k->ledger, digest, &p)) == ASSAY_OK &&
	    (e = keeper_policy_load(k, &p)) == ASSAY_OK)
		k->policies[k->npolicies - 1].retained = true;
	return e;
}

/* Without it nothing would be enforced, which is the stricter. */
static void
load_retained(struct keeper *k)
{
	unsigned n = k->npolicies;

	for (unsigned i = 0; i < n; i++) {
		enum assay_err e = ASSAY_OK;

		if (k->policies[i].info.monitor)
			e = load_last_enforced(k, &k->policies[i].info);
		if (e != ASSAY_OK)
			log_event(LOG_LEVEL_ERROR, "policy-unusable", "policy",
				  k->policies[i].info.name, "error", assay_err_name(e), "effect",
				  "nothing is enforced while it is in monitor mode", NULL);
	}
}

static enum assay_err
take_chunk(void *arg, struct span bytes)
{
	struct bulk *b = arg;

	return bytes.n > IPC_MAP_MAX - b->n ? ASSAY_TOO_LARGE : bulk_append(b, bytes);
}

/* A set in pieces goes into its descriptor as it is read; the ledger compares its digest. */
static enum assay_err
map_large(struct keeper *k, const struct ledger_reference *r, struct keeper_map *ret)
{
	struct bulk b = {0};
	enum assay_err e;

	if ((e = ledger_reference_read(k->ledger, r->digest, take_chunk, &b)) != ASSAY_OK ||
	    (e = bulk_seal(&b)) != ASSAY_OK || (e = bulk_map(&b)) != ASSAY_OK) {
		bulk_free(&b);
		return e;
	}
	memcpy(ret->digest, r->digest, 32);
	ret->fd = b.fd;
	ret->bytes = b.bytes;
	return ASSAY_OK;
}

static enum assay_err
map_of(struct keeper *k, const struct ledger_reference *r, struct keeper_map *ret)
{
	if (take_from_before(ret, r->digest))
		return ASSAY_OK;
	return r->large ? map_large(k, r, ret) : map_make(ret, r->compiled);
}

static enum assay_err
load_reference(struct keeper *k, const struct ledger_reference *r)
{
	struct keeper_reference *to = &k->references[k->nreferences];
	enum assay_err e;

	if (k->nreferences == KEEPER_REFERENCES_MAX)
		return ASSAY_TOO_MANY;
	memset(to, 0, sizeof *to);
	if ((e = map_of(k, r, &to->map)) != ASSAY_OK)
		return e;
	memcpy(to->digest, r->digest, 32);
	memcpy(to->class_name, r->class_name, sizeof to->class_name);
	memcpy(to->device, r->device, sizeof to->device);
	to->state = r->state;
	to->kind = reference_kind_of(r->compiled);
	memcpy(to->name, r->name, sizeof to->name);
	to->not_after = r->not_after;
	to->not_before = r->not_before;
	memcpy(to->labels, r->labels, sizeof to->labels);
	k->nreferences++;
	return ASSAY_OK;
}

static enum assay_err
load_references(struct keeper *k)
{
	struct ledger_reference r;
	char after[LEDGER_NAME_MAX + 1] = "";
	enum assay_err e;

	while ((e = ledger_reference_next(k->ledger, after, &r)) == ASSAY_OK ||
	       e == ASSAY_TAMPERED) {
		memcpy(after, r.name, sizeof after);
		if (e == ASSAY_OK && r.state != REF_LEARNED && r.state != REF_PROMOTED)
			continue;
		if (e != ASSAY_OK || (e = load_reference(k, &r)) != ASSAY_OK)
			log_event(LOG_LEVEL_ERROR, "reference-unusable", "reference", r.name,
				  "error", assay_err_name(e), NULL);
	}
	return e == ASSAY_NOT_FOUND ? ASSAY_OK : e;
}

/* What a session is asked before it has proved a key must not depend on who it
 * says it is: the union over all active policies (I16). */
static void
union_of_selections(struct keeper *k)
{
	memset(&k->ask, 0, sizeof k->ask);
	for (unsigned i = 0; i < k->npolicies; i++) {
		const struct pcr_selection *s = &k->policies[i].info.ask;

		for (unsigned b = 0; b < s->count; b++) {
			unsigned at = 0;

			while (at < k->ask.count && k->ask.bank[at].alg != s->bank[b].alg)
				at++;
			if (at == k->ask.count && k->ask.count < PCR_BANKS_MAX)
				k->ask.bank[k->ask.count++].alg = s->bank[b].alg;
			if (at < k->ask.count)
				k->ask.bank[at].mask |= s->bank[b].mask;
		}
	}
	if (k->ask.count == 0) {
		k->ask.count = 1;
		k->ask.bank[0].alg = ALG_SHA256;
		k->ask.bank[0].mask = KEEPER_DEFAULT_PCRS;
	}
}

static void
maps_clear(struct keeper *k)
{
	for (unsigned i = 0; i < k->npolicies; i++)
		map_free(&k->policies[i].map);
	forget_before();
	for (unsigned i = 0; i < k->nreferences; i++)
		keep_for_later(&k->references[i].map);
	k->npolicies = k->nreferences = 0;
	k->no_policy = false;
}

static void
roots_loaded(struct keeper *k, unsigned set, enum assay_err e, struct span out)
{
	struct keeper_map *m = roots_map(k, set);

	if (e == ASSAY_OK) {
		map_free(m);
		e = map_make(m, out);
	}
	log_event(e == ASSAY_OK ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "roots", "directory",
		  roots_directory(k, set), "result", assay_err_name(e), "text",
		  e == ASSAY_OK ? "" : log_text(out), NULL);
}

static void
on_ek_roots(struct keeper *k, void *arg, enum assay_err e, struct span out)
{
	(void)arg;
	roots_loaded(k, 0, e, out);
}

static void
on_dice_roots(struct keeper *k, void *arg, enum assay_err e, struct span out)
{
	(void)arg;
	roots_loaded(k, 1, e, out);
}

static void
on_token_roots(struct keeper *k, void *arg, enum assay_err e, struct span out)
{
	(void)arg;
	roots_loaded(k, 2, e, out);
}

static enum assay_err
load_roots(struct keeper *k)
{
	static const compile_done done[ROOT_SETS] = {on_ek_roots, on_dice_roots, on_token_roots};
	enum assay_err e = ASSAY_OK;

	for (unsigned set = 0; set < ROOT_SETS && e == ASSAY_OK; set++) {
		const char *dir = roots_directory(k, set), *crls = set ? "" : k->config->ek_crls;
		uint8_t buf[2 * CONFIG_PATH_MAX + 8];
		struct writer w;

		if (dir[0] == '\0')
			continue;
		wr_init(&w, buf, sizeof buf);
		wr_be16_bytes(&w, SPAN(dir, strlen(dir)));
		wr_be16_bytes(&w, SPAN(crls, strlen(crls)));
		e = keeper_compile(k, COMPILE_ROOTS, wr_span(&w), done[set], NULL);
	}
	return e;
}

enum assay_err
keeper_maps_load(struct keeper *k)
{
	enum assay_err e;

	keeper_replay_abort(k, "policies or references were changed meanwhile");
	maps_clear(k);
	k->policy_generation++;
	k->reloaded = true;
	if ((e = load_policies(k)) != ASSAY_OK || (e = load_references(k)) != ASSAY_OK ||
	    (e = keeper_judges_load(k)) != ASSAY_OK)
		return e;
	load_retained(k);
	forget_before();
	union_of_selections(k);
	return load_roots(k);
}

void
keeper_maps_free(struct keeper *k)
{
	maps_clear(k);
	forget_before();
	for (unsigned set = 0; set < ROOT_SETS; set++)
		map_free(roots_map(k, set));
}
