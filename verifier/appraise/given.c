/* given.c: see given.h. */
#include "given.h"

#include "appraisal.h"
#include "evidence/software.h"
#include "softset.h"
#include "text.h"

#include <string.h>

const char *
given_boot_name(enum given_boot b)
{
	static const char *const names[GIVEN_BOOT_COUNT] = {"matches", "learned", "expired",
							    "differs", "none",    "baseline"};

	return (unsigned)b < GIVEN_BOOT_COUNT ? names[b] : NULL;
}

const char *
given_software_name(enum given_software s)
{
	static const char *const names[GIVEN_SOFTWARE_COUNT] = {
		"approved", "changed", "missing", "unreadable", "symlink", "changing", "unknown"};

	return (unsigned)s < GIVEN_SOFTWARE_COUNT ? names[s] : NULL;
}

void
given_clear(struct given *g, const struct policy_info *p)
{
	struct device_view *d = &g->device;

	memset(g, 0, sizeof *g);
	memcpy(d->labels, p->labels, sizeof d->labels);
	text_format(d->class_name, sizeof d->class_name, "%s",
		    strcmp(p->class_name, "*") == 0 ? "any" : p->class_name);
	memset(d->id, '0', DEVICE_ID_HEX);
	d->tier = TIER_TPM;
	d->ek.certificate = d->ek.trusted = true;
	text_format(d->ek.reason, sizeof d->ek.reason, "ok");
	g->bound = true;
	g->now = 1790000000;
}

/* ---- software: claims, a set that approves them, and what is wrong on purpose ---- */

struct world {
	struct msg_software claims[POLICY_SOFTWARE_MAX + GIVEN_ITEMS_MAX];
	uint8_t good[32], bad[32];
	struct reference_view view;
	uint8_t set[64u << 10];
};

static const struct given_item *
find_item(const struct given *g, struct span name)
{
	for (size_t i = 0; i < g->nitems; i++)
		if (span_equal(g->items[i].name, name))
			return &g->items[i];
	return NULL;
}

static int
compare_spans(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0; /* public */

	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

/* In the order of claims; each name once. */
static void
insert(struct appraisal *a, const struct msg_software *s)
{
	struct msg_claims *c = &a->claims;
	size_t at = 0;

	while (at < c->nsoftware && compare_spans(c->software[at].name, s->name) < 0)
		at++;
	if (at < c->nsoftware && compare_spans(c->software[at].name, s->name) == 0)
		return;
	memmove(&c->software[at + 1], &c->software[at], (c->nsoftware - at) * sizeof *s);
	c->software[at] = *s;
	c->nsoftware++;
}

/* A version that passes, where none is given. */
static struct span
some_version(const struct policy_software *rule)
{
	static const char *const lowest[ORDER_COUNT] = {"", "0.0.0", "0"};
	const char *s = lowest[rule->order];

	return rule->at_least.n != 0 ? rule->at_least : SPAN(s, strlen(s));
}

static void
claim_item(struct appraisal *a, struct world *w, const struct policy_software *rule,
	   const struct given_item *it)
{
	static const enum software_note notes[GIVEN_SOFTWARE_COUNT] = {
		[GIVEN_UNREADABLE] = NOTE_UNREADABLE,
		[GIVEN_SYMLINK] = NOTE_SYMLINK,
		[GIVEN_CHANGING] = NOTE_CHANGED,
	};
	enum given_software state = it ? it->state : GIVEN_APPROVED;
	const char *note = software_note_name(notes[state]);
	struct msg_software s = {
		.name = rule ? rule->name : it->name,
		.kind = it && it->kind.n ? it->kind : SPAN("file", 4),
		.version = it && it->version.n ? it->version
			   : rule	       ? some_version(rule)
					       : SPAN(NULL, 0),
	};

	if (state == GIVEN_MISSING)
		return;
	if (notes[state]) {
		s.note = SPAN(note, strlen(note));
	} else {
		s.alg = ALG_SHA256;
		s.digest = SPAN(state == GIVEN_CHANGED ? w->bad : w->good, 32);
	}
	insert(a, &s);
}

/* A version that was seen before, as continuity has it. */
static void
remember_item(struct appraisal *a, const struct policy_software *rule, const struct given_item *it)
{
	struct software_version v = {.order = (uint8_t)rule->order};
	uint8_t digest[32];

	if (!it || !version_valid(rule->order, it->highest) ||
	    digest_sha256(rule->name, digest) != ASSAY_OK)
		return;
	memcpy(v.item, digest, sizeof v.item);
	memcpy(v.version, it->highest.p, it->highest.n);
	(void)software_versions_put(&a->prev.software, &v);
}

static bool
approve(struct appraisal *a, struct world *w, const struct given *g)
{
	struct softset_counts n = {0};
	struct writer out;

	for (size_t i = 0; i < a->claims.nsoftware; i++) {
		const struct given_item *it = find_item(g, a->claims.software[i].name);

		n.nitems += !it || it->state != GIVEN_UNKNOWN;
	}
	wr_init(&out, w->set, sizeof w->set);
	softset_write_head(&out, n);
	for (size_t i = 0; i < a->claims.nsoftware; i++) {
		const struct given_item *it = find_item(g, a->claims.software[i].name);
		const struct softset_item item = {.name = a->claims.software[i].name,
						  .alg = ALG_SHA256,
						  .digest = SPAN(w->good, 32)};

		if (!it || it->state != GIVEN_UNKNOWN)
			softset_write_item(&out, &item);
	}
	w->view.compiled = wr_span(&out);
	w->view.kind = REF_KIND_SOFTWARE;
	w->view.state = REF_PROMOTED;
	return out.err == ASSAY_OK;
}

static bool
give_software(struct appraisal *a, struct world *w, const struct given *g)
{
	memset(w->good, 1, sizeof w->good);
	memset(w->bad, 2, sizeof w->bad);
	a->claims.software = w->claims;
	for (size_t i = 0; i < a->policy.nsoftware; i++) {
		const struct policy_software *rule = &a->policy.software[i];
		const struct given_item *it = find_item(g, rule->name);

		claim_item(a, w, rule, it);
		remember_item(a, rule, it);
	}
	for (size_t i = 0; i < g->nitems; i++)
		claim_item(a, w, NULL, &g->items[i]);
	return approve(a, w, g);
}

/* ---- the boot, as it is said to have been judged ---- */

static void
give_boot(struct appraisal *a, enum given_boot b)
{
	const struct policy *p = &a->policy;

	/* the banks asked for were quoted */
	for (size_t i = 0; i < p->info.ask.count; i++)
		a->proof.pcrs.bank[a->proof.pcrs.count++].alg = p->info.ask.bank[i].alg;
	if (!a->has_policy || p->compare == 0 || !tier_has_tpm(a->in->device.tier))
		return;
	a->reference_matched = b != GIVEN_DIFFERS && b != GIVEN_NONE;
	if (b == GIVEN_LEARNED)
		(void)find(a, FIND_REFERENCE_LEARNED, (enum outcome)p->learned);
	else if (b == GIVEN_EXPIRED)
		(void)find(a, FIND_REFERENCE_EXPIRED, OUTCOME_QUARANTINE);
	else if (b == GIVEN_DIFFERS)
		(void)find(a, FIND_PCR_DIFFERS, (enum outcome)p->differs);
	else if (b == GIVEN_NONE)
		(void)find(a, FIND_NO_REFERENCE, OUTCOME_QUARANTINE);
	else if (b == GIVEN_BASELINE)
		(void)find(a, FIND_BASELINE, (enum outcome)p->baseline);
}

/* What the record has is the record's; all else is as given. */
static void
give_facts(struct appraisal *a, const struct given *g)
{
	for (size_t i = 0; i < g->nfacts; i++) {
		const struct fact_value *f = &g->facts[i];
		struct fact_value *to;

		if (f->instance.n ? factset_find_instance(a->facts, f->id, f->instance, ALG_NONE)
				  : factset_find(a->facts, f->id, f->index, ALG_NONE))
			continue;
		to = factset_add(a->facts, f->id);
		*to = *f;
	}
}

static void
judge_given(struct appraisal *a, const struct given *g)
{
	gather_record_facts(a);
	give_facts(a, g);
	gather_software(a);
	give_boot(a, g->boot);
	identity_judge(a);
	software_judge(a);
	policy_judge(a);
	a->judged |= a->software_matched;
	judged_check(a);
}

void
appraise_given(const struct given *g, struct arena *scratch, struct verdict *ret)
{
	static const uint8_t channel[BINDING_CHANNEL_SIZE], start[16];
	struct appraisal_input in = {.now = g->now, .policy = g->policy, .device = g->device};
	struct appraisal a;
	struct fact_set facts;
	struct world *w;

	appraisal_begin(&a, &in, scratch, ret);
	factset_init(&facts);
	a.facts = &facts;
	if (g->offline) {
		in.kind = tier_has_tpm(g->device.tier) ? BINDING_TPM_OFFLINE : BINDING_KEY_OFFLINE;
		in.issued = g->age < (uint64_t)g->now ? g->now - (int64_t)g->age : 1;
	}
	if (g->bound && !g->offline)
		in.channel = SPAN(channel, sizeof channel);
	if (digest_sha256(g->policy, in.policy_digest) != ASSAY_OK)
		return;
	judges_open(&a);
	a.has_claims = true;
	a.claims.start_id = SPAN(start, sizeof start);
	w = appraisal_alloc(&a, sizeof *w);
	if (!w)
		return;
	memset(w, 0, sizeof *w);
	if (!give_software(&a, w, g))
		return;
	in.references[0] = w->view;
	in.nreferences = policy_needs_software(&a.policy) ? 1 : 0;
	offline_judge(&a);
	judge_given(&a, g);
	appraisal_decide(&a);
}
