/* ima_policy.c: see ima_policy.h. */
#include "ima_policy.h"

#include "glob.h"
#include "pack.h"
#include "verdict.h"

#include <string.h>

static const struct matter {
	const char *word;
	enum finding_code finding;
	enum outcome unsaid;
} matters[IMA_MATTER_COUNT] = {
#define X(id, word, finding, unsaid) {word, FIND_##finding, OUTCOME_##unsaid},
	IMA_MATTERS(X)
#undef X
};

const char *
ima_matter_word(enum ima_matter m)
{
	return (unsigned)m < IMA_MATTER_COUNT ? matters[m].word : "unknown";
}

unsigned
ima_matter_finding(enum ima_matter m)
{
	return (unsigned)m < IMA_MATTER_COUNT ? matters[m].finding : FIND_INTERNAL;
}

unsigned
ima_matter_unsaid(enum ima_matter m)
{
	return (unsigned)m < IMA_MATTER_COUNT ? matters[m].unsaid : OUTCOME_QUARANTINE;
}

static void
write_path(struct writer *w, const struct ima_path *p)
{
	wr_be16_bytes(w, p->pattern);
	pack_below(w, p->list, IMA_LIST_COUNT);
	pack_below(w, p->sign, IMA_SIGN_COUNT);
	pack_below(w, p->keyring, IMA_KEYRINGS_MAX + 1);
	pack_span_text(w, p->reason, IMA_REASON_MAX);
}

static void
read_path(struct reader *r, const struct policy_ima *p, struct ima_path *ret)
{
	struct glob g;

	ret->pattern = rd_be16_bytes(r, GLOB_PATTERN_MAX);
	ret->list = (enum ima_list_need)unpack_below(r, IMA_LIST_COUNT);
	ret->sign = (enum ima_sign_need)unpack_below(r, IMA_SIGN_COUNT);
	ret->keyring = unpack_below(r, IMA_KEYRINGS_MAX + 1);
	ret->reason = unpack_span_text(r, IMA_REASON_MAX);
	if (r->err == ASSAY_OK &&
	    (glob_compile(ret->pattern, &g) != ASSAY_OK ||
	     (ret->keyring < IMA_KEYRINGS_MAX && ret->keyring >= p->nkeyrings) ||
	     (ret->sign == IMA_SIGN_INSTEAD && ret->list == IMA_LIST_NOTHING) ||
	     (ret->list == IMA_LIST_NOTHING && ret->sign == IMA_SIGN_NOTHING &&
	      ret->reason.n == 0)))
		rd_fail(r, ASSAY_MALFORMED);
}

static void
write_keyring(struct writer *w, const struct policy_ima *p, const struct ima_keyring *k)
{
	pack_span_text(w, k->name, IMA_KEYRING_NAME_MAX);
	pack_bool(w, k->runtime);
	pack_bool(w, k->allow_expired);
	pack_below(w, k->ncertificates, IMA_KEYS_MAX + 1);
	for (unsigned i = 0; i < k->ncertificates && w->err == ASSAY_OK; i++)
		wr_be16_bytes(w, p->certificate[k->first + i]);
}

static void
read_keyring(struct reader *r, struct policy_ima *p, struct ima_keyring *ret)
{
	ret->name = unpack_span_text(r, IMA_KEYRING_NAME_MAX);
	ret->runtime = unpack_bool(r);
	ret->allow_expired = unpack_bool(r);
	ret->ncertificates = unpack_below(r, IMA_KEYS_MAX + 1);
	ret->first = p->ncertificates;
	if (ret->name.n == 0 || ret->ncertificates == 0 ||
	    ret->ncertificates > IMA_KEYS_MAX - p->ncertificates) {
		rd_fail(r, ASSAY_MALFORMED);
		return;
	}
	for (unsigned i = 0; i < ret->ncertificates; i++) {
		struct span c = rd_be16_bytes(r, IMA_CERTIFICATE_MAX);

		if (c.n == 0)
			rd_fail(r, ASSAY_MALFORMED);
		p->certificate[p->ncertificates++] = c;
	}
}

static void
write_outcomes(struct writer *w, const struct policy_ima *p)
{
	for (unsigned i = 0; i < IMA_MATTER_COUNT; i++) {
		pack_below(w, p->outcome[i].cap, OUTCOME_COUNT);
		pack_below(w, p->outcome[i].severity, SEV_COUNT);
		pack_span_text(w, p->outcome[i].remedy, IMA_REMEDY_MAX);
	}
}

static void
read_outcomes(struct reader *r, struct policy_ima *ret)
{
	for (unsigned i = 0; i < IMA_MATTER_COUNT; i++) {
		ret->outcome[i].cap = unpack_below(r, OUTCOME_COUNT);
		ret->outcome[i].severity = unpack_below(r, SEV_COUNT);
		ret->outcome[i].remedy = unpack_span_text(r, IMA_REMEDY_MAX);
	}
}

void
policy_ima_write(struct writer *w, const struct policy_ima *p)
{
	write_outcomes(w, p);
	pack_bool(w, p->weak_digests);
	pack_below(w, p->nlists, IMA_LISTS_MAX + 1);
	for (unsigned i = 0; i < p->nlists && w->err == ASSAY_OK; i++)
		pack_span_text(w, p->list[i], 64);
	pack_below(w, p->nkeyrings, IMA_KEYRINGS_MAX + 1);
	for (unsigned i = 0; i < p->nkeyrings && w->err == ASSAY_OK; i++)
		write_keyring(w, p, &p->keyring[i]);
	pack_below(w, p->npaths, IMA_PATHS_MAX + 1);
	for (unsigned i = 0; i < p->npaths && w->err == ASSAY_OK; i++)
		write_path(w, &p->path[i]);
	pack_below(w, p->list_rest, IMA_LIST_COUNT);
	pack_below(w, p->sign_rest, IMA_SIGN_COUNT);
}

enum assay_err
policy_ima_open(struct span section, struct policy_ima *ret)
{
	struct reader r;
	enum assay_err e;

	memset(ret, 0, sizeof *ret);
	if (section.n > IMA_POLICY_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, section);
	read_outcomes(&r, ret);
	ret->weak_digests = unpack_bool(&r);
	ret->nlists = unpack_below(&r, IMA_LISTS_MAX + 1);
	for (unsigned i = 0; i < ret->nlists && r.err == ASSAY_OK; i++)
		ret->list[i] = unpack_span_text(&r, 64);
	ret->nkeyrings = unpack_below(&r, IMA_KEYRINGS_MAX + 1);
	for (unsigned i = 0; i < ret->nkeyrings && r.err == ASSAY_OK; i++)
		read_keyring(&r, ret, &ret->keyring[i]);
	ret->npaths = unpack_below(&r, IMA_PATHS_MAX + 1);
	for (unsigned i = 0; i < ret->npaths && r.err == ASSAY_OK; i++)
		read_path(&r, ret, &ret->path[i]);
	ret->list_rest = (enum ima_list_need)unpack_below(&r, IMA_LIST_COUNT);
	ret->sign_rest = (enum ima_sign_need)unpack_below(&r, IMA_SIGN_COUNT);
	/* What no pattern matches is always judged, by something. */
	if (r.err == ASSAY_OK &&
	    ((ret->list_rest == IMA_LIST_NOTHING && ret->sign_rest != IMA_SIGN_TOO)))
		rd_fail(&r, ASSAY_MALFORMED);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return e;
}
