/* imalog_replay.c: what entries extend into PCR 10, by every way that kernels do it,
 * and boot_aggregate (ima_crypto.c, ima_queue.c). */
#include "imalog_parts.h"

#include <string.h>

#define SHA1_SIZE 20

void
imalog_replay_init(struct imalog_replay *r, uint32_t pcr)
{
	memset(r, 0, sizeof *r);
	r->pcr = pcr;
}

enum assay_err
imalog_replay_add(struct imalog_replay *r, uint16_t alg, enum imalog_method method)
{
	struct imalog_value *v = &r->value[r->count];
	enum assay_err e;

	if (!digest_computable(alg) || (alg == ALG_SHA1 && method != IMALOG_HASHED))
		return ASSAY_UNSUPPORTED;
	for (unsigned i = 0; i < r->count; i++)
		if (r->value[i].alg == alg && r->value[i].method == method)
			return ASSAY_DUPLICATE;
	if (r->count == IMALOG_VALUES_MAX)
		return ASSAY_TOO_MANY;
	if ((e = digest_fill(alg, 0x00, &v->pcr)) != ASSAY_OK)
		return e;
	v->alg = alg;
	v->method = method;
	r->count++;
	return ASSAY_OK;
}

/* A SHA-1 digest at the front of a larger one. */
static enum assay_err
pad(uint16_t alg, struct span sha1, struct digest *ret)
{
	struct digest d;
	enum assay_err e = digest_fill(alg, 0x00, &d);

	if (e != ASSAY_OK)
		return e;
	if (sha1.n != SHA1_SIZE || d.len < SHA1_SIZE)
		return ASSAY_UNSUPPORTED;
	memcpy(d.b, sha1.p, SHA1_SIZE);
	*ret = d;
	return ASSAY_OK;
}

static enum assay_err
violation_digest(const struct imalog_value *v, struct digest *ret)
{
	uint8_t ones[SHA1_SIZE];

	if (v->method != IMALOG_PADDED_OLD)
		return digest_fill(v->alg, 0xFF, ret);
	memset(ones, 0xFF, sizeof ones);
	return pad(v->alg, SPAN(ones, sizeof ones), ret);
}

static enum assay_err
padded_digest(const struct imalog_entry *e, uint16_t alg, struct digest *ret)
{
	struct digest sha1;
	enum assay_err err;

	if (e->template_alg == ALG_SHA1)
		return pad(alg, e->template_digest, ret);
	if ((err = imalog_template_hash(e, ALG_SHA1, &sha1)) != ASSAY_OK)
		return err;
	return pad(alg, digest_span(&sha1), ret);
}

static enum assay_err
extend_value(struct imalog_value *v, const struct imalog_entry *e)
{
	struct digest d;
	enum assay_err err;

	if (e->violation)
		err = violation_digest(v, &d);
	else if (v->method != IMALOG_HASHED)
		err = padded_digest(e, v->alg, &d);
	else if (v->alg == e->template_alg)
		return digest_extend(&v->pcr, e->template_digest);
	else
		err = imalog_template_hash(e, v->alg, &d);
	return err != ASSAY_OK ? err : digest_extend(&v->pcr, digest_span(&d));
}

enum assay_err
imalog_replay_extend(struct imalog_replay *r, const struct imalog_entry *e, bool *ret_contradicts)
{
	bool equal = false;
	enum assay_err err = imalog_check(e, &equal);

	if (err != ASSAY_OK)
		return err;
	if (e->pcr == r->pcr) {
		for (unsigned i = 0; i < r->count; i++)
			if ((err = extend_value(&r->value[i], e)) != ASSAY_OK)
				return err;
		r->extends++;
	}
	if (!equal && r->contradictions++ == 0)
		r->first_contradiction = e->index;
	r->violations += e->violation;
	r->entries++;
	*ret_contradicts = !equal;
	return ASSAY_OK;
}

const struct imalog_value *
imalog_replay_match(const struct imalog_replay *r, const struct digest *pcr)
{
	for (unsigned i = 0; i < r->count && r->extends > 0; i++)
		if (digest_equal(&r->value[i].pcr, pcr))
			return &r->value[i];
	return NULL;
}

/* All methods of one bank. */
static enum assay_err
add_methods(struct imalog_replay *r, uint16_t alg)
{
	enum assay_err e = imalog_replay_add(r, alg, IMALOG_HASHED);

	if (e != ASSAY_OK || alg == ALG_SHA1)
		return e;
	if ((e = imalog_replay_add(r, alg, IMALOG_PADDED)) != ASSAY_OK)
		return e;
	return imalog_replay_add(r, alg, IMALOG_PADDED_OLD);
}

/* Whether listed hashes were extended: then what contradicts them is not proved. */
static bool
rests_on_listed(const struct imalog *l, const struct imalog_value *v)
{
	return v->method != IMALOG_HASHED || v->alg == l->template_alg;
}

enum assay_err
imalog_find_prefix(struct imalog *l, const struct digest *pcr, uint32_t pcr_index,
		   struct imalog_prefix *ret)
{
	const struct imalog_value *v = NULL;
	struct imalog_replay r;
	struct imalog_entry e;
	enum assay_err err;
	bool contradicts;

	imalog_replay_init(&r, pcr_index);
	if ((err = add_methods(&r, pcr->alg)) != ASSAY_OK)
		return err;
	while (!v && imalog_next(l, &e)) {
		if ((err = imalog_replay_extend(&r, &e, &contradicts)) != ASSAY_OK)
			return err;
		v = imalog_replay_match(&r, pcr);
	}
	if (!v)
		return (err = imalog_finish(l)) != ASSAY_OK ? err : ASSAY_MISMATCH;
	*ret = (struct imalog_prefix){r.entries, v->method, r.violations, r.contradictions};
	return r.contradictions > 0 && rests_on_listed(l, v) ? ASSAY_TAMPERED : ASSAY_OK;
}

/* ---- boot_aggregate (ima_calc_boot_aggregate_tfm) -------------------------- */

enum assay_err
imalog_boot_aggregate(const struct pcr_values *pcrs, uint16_t bank, unsigned npcrs,
		      struct digest *ret)
{
	struct hasher h;
	enum assay_err e = hash_init(&h, bank);

	for (unsigned i = 0; i < npcrs && e == ASSAY_OK; i++) {
		const struct digest *v = pcr_value(pcrs, bank, i);

		e = v ? hash_update(&h, digest_span(v)) : ASSAY_MISSING;
	}
	return e != ASSAY_OK ? e : hash_final(&h, ret);
}

enum assay_err
imalog_boot_aggregate_check(const struct pcr_values *pcrs, const struct imalog_digest *logged,
			    unsigned *ret_npcrs)
{
	/* The SHA-1 bank's never covers PCR 8 and 9. */
	const unsigned counts[] = {8, logged->alg == ALG_SHA1 ? 8 : 10};

	for (size_t i = 0; i < 2; i++) {
		struct digest d;
		enum assay_err e = imalog_boot_aggregate(pcrs, logged->alg, counts[i], &d);

		if (e != ASSAY_OK)
			return e;
		if (span_equal(digest_span(&d), logged->bytes)) {
			*ret_npcrs = counts[i];
			return ASSAY_OK;
		}
	}
	return ASSAY_MISMATCH;
}

bool
imalog_is_boot_aggregate(const struct imalog_entry *e)
{
	const char *name = IMALOG_BOOT_AGGREGATE, *late = IMALOG_BOOT_AGGREGATE_LATE;

	return span_equal(e->path, SPAN(name, strlen(name))) ||
	       span_equal(e->path, SPAN(late, strlen(late)));
}
