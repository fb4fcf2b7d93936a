/* policy.c: the compiled form of a policy, written and read; see policy.h. */
#include "policy.h"

#include "evidence/digest.h"
#include "pack.h"

#include <string.h>

#define POLICY_FORM 0x50
#define POLICY_FORM_VERSION 4

const char *
policy_op_name(enum policy_op op)
{
	static const char *const names[POLICY_OP_COUNT] = {
#define X(op, word, doc) [OP_##op] = word,
		POLICY_OPS(X)
#undef X
	};

	return (unsigned)op < POLICY_OP_COUNT ? names[op] : "unknown";
}

void
policy_write_head(struct writer *w, const struct policy *p)
{
	wr_u8(w, POLICY_FORM);
	wr_u8(w, POLICY_FORM_VERSION);
	pack_text(w, p->info.name, sizeof p->info.name);
	wr_be32(w, p->info.version);
	pack_text(w, p->info.class_name, sizeof p->info.class_name);
	pack_text(w, p->info.labels, sizeof p->info.labels);
	pack_bool(w, p->info.monitor);
	pack_selection(w, &p->info.ask);
	wr_be32(w, p->info.interval_s);
	wr_be32(w, p->info.patience);
	wr_be32(w, p->info.max_age_s);
	wr_be32(w, p->compare);
	wr_be32(w, p->unlogged);
	pack_bool(w, p->events);
	pack_below(w, p->differs, OUTCOME_COUNT);
	pack_below(w, p->learned, OUTCOME_ADMIT);
	pack_below(w, p->baseline, OUTCOME_COUNT);
	pack_below(w, p->last_boot, OUTCOME_COUNT);
	pack_below(w, p->dbx_back, OUTCOME_COUNT);
	pack_bool(w, p->allow_ek_expired);
	pack_bool(w, p->allow_virtual_tpm);
	pack_bool(w, p->allow_sha1_only);
	pack_below(w, p->lowest_tier, TIER_COUNT);
	wr_be32(w, p->info.offline_max_age_s);
	policy_write_workarounds(w, p);
	policy_write_software(w, p);
	wr_be32_bytes(w, p->ima);
	wr_be16(w, p->nrules);
}

/* Core rules of the form itself: whatever made the bytes, these hold. */
static bool
head_sound(const struct policy *p)
{
	const struct policy_info *i = &p->info;
	uint32_t asked = 0;

	for (size_t k = 0; k < i->ask.count; k++)
		asked |= i->ask.bank[k].mask;
	/* a policy for devices without TPM asks for no PCRs and compares none */
	if ((i->ask.count == 0) != (p->compare == 0))
		return false;
	if (i->name[0] == '\0' || i->class_name[0] == '\0' || i->interval_s == 0 ||
	    i->interval_s > POLICY_INTERVAL_MAX || i->patience == 0 ||
	    i->patience > POLICY_PATIENCE_MAX || i->max_age_s == 0)
		return false;
	return i->max_age_s <= i->interval_s * i->patience && (p->compare & ~asked) == 0 &&
	       (p->unlogged & ~asked) == 0 && (p->ima.n == 0 || (asked >> IMALOG_PCR & 1)) &&
	       p->info.offline_max_age_s <= POLICY_OFFLINE_MAX && p->nrules <= POLICY_RULES_MAX;
}

enum tier
policy_lowest_tier(const struct policy *p)
{
	enum tier said = p->lowest_tier == TIER_NONE ? TIER_TPM : (enum tier)p->lowest_tier;

	return p->allow_virtual_tpm && said > TIER_VTPM ? TIER_VTPM : said;
}

enum assay_err
policy_open(struct span compiled, struct policy *ret)
{
	struct reader r;

	memset(ret, 0, sizeof *ret);
	if (compiled.n > POLICY_BYTES_MAX)
		return ASSAY_TOO_LARGE;
	rd_init(&r, compiled);
	if (rd_u8(&r) != POLICY_FORM)
		rd_fail(&r, ASSAY_BAD_TYPE);
	if (rd_u8(&r) != POLICY_FORM_VERSION)
		rd_fail(&r, ASSAY_UNSUPPORTED);
	unpack_text(&r, ret->info.name, sizeof ret->info.name);
	ret->info.version = rd_be32(&r);
	unpack_text(&r, ret->info.class_name, sizeof ret->info.class_name);
	unpack_text(&r, ret->info.labels, sizeof ret->info.labels);
	ret->info.monitor = unpack_bool(&r);
	unpack_selection(&r, &ret->info.ask);
	ret->info.interval_s = rd_be32(&r);
	ret->info.patience = rd_be32(&r);
	ret->info.max_age_s = rd_be32(&r);
	ret->compare = rd_be32(&r);
	ret->unlogged = rd_be32(&r);
	ret->events = unpack_bool(&r);
	ret->differs = unpack_below(&r, OUTCOME_COUNT);
	ret->learned = unpack_below(&r, OUTCOME_ADMIT);
	ret->baseline = unpack_below(&r, OUTCOME_COUNT);
	ret->last_boot = unpack_below(&r, OUTCOME_COUNT);
	ret->dbx_back = unpack_below(&r, OUTCOME_COUNT);
	ret->allow_ek_expired = unpack_bool(&r);
	ret->allow_virtual_tpm = unpack_bool(&r);
	ret->allow_sha1_only = unpack_bool(&r);
	ret->lowest_tier = unpack_below(&r, TIER_COUNT);
	ret->info.offline_max_age_s = rd_be32(&r);
	policy_read_workarounds(&r, ret);
	policy_read_software(&r, ret);
	ret->ima = rd_be32_bytes(&r, IMA_POLICY_BYTES_MAX);
	ret->nrules = rd_be16(&r);
	if (r.err == ASSAY_OK && !head_sound(ret))
		rd_fail(&r, ASSAY_MALFORMED);
	ret->rules = r;
	if (r.err != ASSAY_OK)
		memset(ret, 0, sizeof *ret);
	return r.err;
}

void
policy_write_rule(struct writer *w, const struct policy_rule *r)
{
	wr_be16_bytes(w, r->id);
	wr_be16_bytes(w, r->fact_name);
	pack_int(w, r->index, FACT_INDEX_MAX);
	pack_below(w, r->op, POLICY_OP_COUNT);
	pack_below(w, r->order, ORDER_COUNT);
	pack_below(w, r->against, AGAINST_COUNT);
	pack_bool(w, r->optional);
	pack_below(w, r->on_fail, OUTCOME_COUNT);
	pack_below(w, r->on_missing, OUTCOME_COUNT);
	pack_below(w, r->severity, SEV_COUNT);
	pack_int(w, r->claim, AR4SI_COUNT - 1);
	wr_be16_bytes(w, r->remediation);
	pack_below(w, r->nvalues, POLICY_VALUES_MAX + 1);
}

void
policy_write_value(struct writer *w, const struct policy_value *v)
{
	size_t start;

	pack_below(w, v->type, FACT_TYPE_COUNT);
	if (v->type == FACT_TEXT || v->type == FACT_LIST) {
		wr_be16_bytes(w, v->text);
		return;
	}
	start = w->len;
	wr_be16(w, (uint16_t)(v->type == FACT_DIGEST ? 2 + v->digest.len : 8));
	if (v->type == FACT_DIGEST) {
		wr_be16(w, v->digest.alg);
		wr_bytes(w, digest_span(&v->digest));
	} else {
		wr_be64(w, v->number);
	}
	if (w->err == ASSAY_OK && w->len - start > POLICY_VALUE_MAX)
		wr_fail(w, ASSAY_TOO_LARGE);
}

static void
unpack_value(struct reader *r, struct policy_value *ret)
{
	struct reader in;
	struct span body;
	uint16_t alg;

	memset(ret, 0, sizeof *ret);
	ret->type = (enum fact_type)unpack_below(r, FACT_TYPE_COUNT);
	body = rd_be16_bytes(r, POLICY_VALUE_MAX);
	rd_init(&in, body);
	switch (ret->type) {
	case FACT_TEXT:
	case FACT_LIST:
		ret->text = rd_rest(&in);
		break;
	case FACT_DIGEST:
		alg = rd_be16(&in);
		if (digest_from(alg, rd_rest(&in), &ret->digest) != ASSAY_OK)
			rd_fail(r, ASSAY_MALFORMED);
		break;
	default:
		ret->number = rd_be64(&in);
	}
	if (rd_finish(&in) != ASSAY_OK || (ret->type == FACT_BOOL && ret->number > 1))
		rd_fail(r, ASSAY_MALFORMED);
}

static bool
rule_sound(const struct policy_rule *r)
{
	if (r->id.n == 0 || r->id.n >= FINDING_RULE_MAX || r->remediation.n >= FINDING_REMEDY_MAX)
		return false;
	if (r->nvalues == 0 && r->op != OP_PRESENT && r->op != OP_SUBSET_OF &&
	    r->against == AGAINST_VALUES)
		return false;
	if (r->nvalues != 0 && (r->op == OP_PRESENT || r->against != AGAINST_VALUES))
		return false;
	if (r->nvalues > 1 && r->op != OP_IN && r->op != OP_NOT_IN && r->op != OP_SUBSET_OF)
		return false;
	if ((r->op == OP_UNCHANGED_SINCE) != (r->against == AGAINST_BASELINE) ||
	    (r->against == AGAINST_REFERENCE && r->op != OP_SUBSET_OF))
		return false;
	return r->optional || r->on_missing <= r->on_fail;
}

bool
policy_next_rule(struct policy *p, struct policy_rule *ret)
{
	struct reader *r = &p->rules;
	struct policy_value v;

	if (p->nrules == 0) {
		rd_fail(r, rd_finish(r)); /* leftovers show in rules.err */
		return false;
	}
	p->nrules--;
	memset(ret, 0, sizeof *ret);
	ret->id = rd_be16_bytes(r, FINDING_RULE_MAX - 1);
	ret->fact_name = rd_be16_bytes(r, POLICY_FACT_MAX);
	ret->index = unpack_int(r, FACT_INDEX_MAX);
	ret->op = (enum policy_op)unpack_below(r, POLICY_OP_COUNT);
	ret->order = (enum version_order)unpack_below(r, ORDER_COUNT);
	ret->against = (enum policy_against)unpack_below(r, AGAINST_COUNT);
	ret->optional = unpack_bool(r);
	ret->on_fail = unpack_below(r, OUTCOME_COUNT);
	ret->on_missing = unpack_below(r, OUTCOME_COUNT);
	ret->severity = unpack_below(r, SEV_COUNT);
	ret->claim = (int8_t)unpack_int(r, AR4SI_COUNT - 1);
	ret->remediation = rd_be16_bytes(r, FINDING_REMEDY_MAX - 1);
	ret->nvalues = unpack_below(r, POLICY_VALUES_MAX + 1);
	ret->values = *r;
	for (unsigned i = 0; i < ret->nvalues; i++)
		unpack_value(r, &v);
	if (r->err == ASSAY_OK && !rule_sound(ret))
		rd_fail(r, ASSAY_MALFORMED);
	if (r->err != ASSAY_OK)
		return false;
	ret->fact = fact_by_instance(ret->fact_name, &ret->instance);
	return true;
}

bool
policy_next_value(struct policy_rule *r, struct policy_value *ret)
{
	if (r->nvalues == 0)
		return false;
	r->nvalues--;
	unpack_value(&r->values, ret);
	return r->values.err == ASSAY_OK;
}

enum assay_err
policy_info(struct span compiled, struct policy_info *ret)
{
	struct policy p;
	struct policy_rule rule;
	struct policy_ima ima;
	enum assay_err e;

	if ((e = policy_open(compiled, &p)) != ASSAY_OK)
		return e;
	while (policy_next_rule(&p, &rule))
		;
	if (p.rules.err != ASSAY_OK)
		return p.rules.err;
	if (p.ima.n != 0 && (e = policy_ima_open(p.ima, &ima)) != ASSAY_OK)
		return e;
	if ((e = digest_sha256(compiled, p.info.digest)) != ASSAY_OK)
		return e;
	*ret = p.info;
	return ASSAY_OK;
}

/* Takes the next word of a list with blanks. */
static struct span
next_word(const char **s)
{
	struct span w;

	*s += strspn(*s, " ");
	w = SPAN(*s, strcspn(*s, " "));
	*s += w.n;
	return w;
}

static bool
has_word(const char *list, struct span wanted)
{
	struct span w;

	while ((w = next_word(&list)).n != 0)
		if (span_equal(w, wanted))
			return true;
	return false;
}

unsigned
policy_rank(const struct policy_info *p, const char *class_name, const char *labels)
{
	unsigned rank = 1;
	const char *s = p->labels;
	struct span w;

	if (p->class_name[0] == '\0')
		return 0;
	if (strcmp(p->class_name, "*") != 0) {
		if (strcmp(p->class_name, class_name) != 0)
			return 0;
		rank = 2;
	}
	while ((w = next_word(&s)).n != 0) {
		if (!has_word(labels, w))
			return 0;
		rank++;
	}
	return rank;
}
