/* softset_capture.c: reference values of a device's last claims; see softset.h. */
#include "softset.h"

#include "fact.h"
#include "text.h"

#include <string.h>

#define CAPTURED "captured"

/* The manifest behind a digest, from what was delivered or from an older set. */
static struct span
find_manifest(const struct softset_source *from, const struct msg_software *s)
{
	struct softset_item old;
	struct softset set;

	if (s->alg != ALG_SHA256 || !software_kind_has_manifest(software_kind_by_name(s->kind)))
		return SPAN(NULL, 0);
	for (size_t i = 0; i < from->nfiles; i++) {
		uint8_t digest[32];

		if (digest_sha256(from->files[i], digest) == ASSAY_OK &&
		    span_equal(SPAN(digest, 32), s->digest))
			return from->files[i];
	}
	for (size_t i = 0; i < from->nold; i++) {
		if (softset_open(from->old[i], &set) != ASSAY_OK)
			continue;
		while (softset_next_item(&set, &old))
			if (old.manifest.n != 0 && old.alg == s->alg &&
			    span_equal(old.digest, s->digest))
				return old.manifest;
	}
	return SPAN(NULL, 0);
}

static void
write_item(struct writer *out, const struct softset_source *from, const struct msg_software *s)
{
	struct softset_item item = {
		.name = s->name,
		.kind = s->kind,
		.version = s->version,
		.alg = s->alg,
		.digest = s->digest,
		.source = SPAN(CAPTURED, sizeof CAPTURED - 1),
		.manifest = find_manifest(from, s),
	};

	/* a set without its lists of files still says what is approved */
	if (item.manifest.n > (out->cap - out->len) / 2)
		item.manifest = SPAN(NULL, 0);
	softset_write_item(out, &item);
}

/* What differs at every round is no baseline; PCRs are in sets of their own. A text that
 * was cut for showing is not the fact. */
static bool
is_kept(const struct softset_source *from, const struct fact *f)
{
	const struct fact_info *info = fact_info((enum fact_id)f->id);
	size_t n = strlen(f->text);

	if (!info || f->id == FACT_PCR || f->id == FACT_QUOTE_CLOCK ||
	    f->id == FACT_CONTINUITY_FIRST || f->id == FACT_CONTINUITY_REBOOTED)
		return false;
	if (n + 8 > sizeof f->text || strlen(f->instance) + 4 > sizeof f->instance)
		return false;
	return from->baseline || info->type == FACT_LIST;
}

struct named {
	char name[FACT_NAME_TEXT_MAX];
	const char *value;
};

/* In the order of their names; of several values of one name (banks) none is kept. */
static void
sort_facts(struct named *v, uint32_t *n)
{
	uint32_t kept = 0;

	for (uint32_t i = 1; i < *n; i++) {
		struct named one = v[i];
		uint32_t k = i;

		for (; k > 0 && strcmp(v[k - 1].name, one.name) > 0; k--)
			v[k] = v[k - 1];
		v[k] = one;
	}
	for (uint32_t i = 0; i < *n; i++) {
		bool before = i > 0 && strcmp(v[i - 1].name, v[i].name) == 0;
		bool after = i + 1 < *n && strcmp(v[i + 1].name, v[i].name) == 0;

		if (!before && !after)
			v[kept++] = v[i];
	}
	*n = kept;
}

static uint32_t
collect_facts(const struct softset_source *from, struct named *ret)
{
	uint32_t n = 0;

	for (size_t i = 0; i < from->verdict->nfacts; i++) {
		const struct fact *f = &from->verdict->facts[i];

		if (!is_kept(from, f))
			continue;
		fact_name_text((enum fact_id)f->id, f->instance, ret[n].name, sizeof ret[n].name);
		if (f->index >= 0)
			text_format(ret[n].name + strlen(ret[n].name), 8, "[%d]", (int)f->index);
		ret[n++].value = f->text;
	}
	sort_facts(ret, &n);
	return n;
}

enum assay_err
softset_capture(const struct softset_source *from, struct arena *scratch, struct writer *out)
{
	struct named facts[VERDICT_FACTS_MAX];
	struct softset_counts n = {0};
	struct msg_claims claims;
	enum assay_err e = envelope_decode_claims(from->claims, scratch, &claims);

	if (e != ASSAY_OK)
		return e;
	if (claims.nsoftware == 0 && !from->baseline)
		return ASSAY_MISSING;
	for (size_t i = 0; i < claims.nsoftware; i++) {
		if (claims.software[i].note.n != 0)
			return ASSAY_MISMATCH;
		n.nitems += claims.software[i].digest.n != 0 || claims.software[i].version.n != 0;
	}
	n.nfacts = collect_facts(from, facts);
	softset_write_head(out, n);
	for (size_t i = 0; i < claims.nsoftware; i++)
		if (claims.software[i].digest.n != 0 || claims.software[i].version.n != 0)
			write_item(out, from, &claims.software[i]);
	for (uint32_t i = 0; i < n.nfacts; i++) {
		const struct softset_fact f = {
			SPAN(facts[i].name, strlen(facts[i].name)),
			SPAN(facts[i].value, strlen(facts[i].value)),
		};

		softset_write_fact(out, &f);
	}
	if (out->err != ASSAY_OK)
		return out->err;
	return softset_check(wr_span(out));
}
