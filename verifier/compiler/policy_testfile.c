/* policy_testfile.c: see policy_testfile.h. */
#include "policy_testfile.h"

#include "policy_source.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

struct load {
	const struct yaml_doc *doc;
	struct yaml_errors *errs;
	const struct policy_info *info;
};

static const struct yaml_node *
node(const struct load *l, int i)
{
	return i < 0 ? NULL : &l->doc->nodes[i];
}

#define EACH(l, child, parent)                                                                     \
	(const struct yaml_node *child = node(l, (parent)->first); child;                          \
	 child = node(l, child->next))

static void
complain(const struct load *l, const struct yaml_node *at, const char *fmt, const char *what)
{
	yaml_error(l->errs, at->line, at->column, fmt, what ? what : "");
}

static const char *
text_of(const struct load *l, const struct yaml_node *n)
{
	if (n->kind == YAML_KIND_SCALAR && n->text[0] != '\0')
		return n->text;
	complain(l, n, "%s needs a single value", n->key);
	return NULL;
}

/* ---- what is given ---- */

struct words {
	const char *(*name)(unsigned i);
	const char *what;
};

static const char *
tier_word(unsigned i)
{
	return i < TIER_COUNT ? tier_name((enum tier)i) : NULL;
}

static const char *
boot_word(unsigned i)
{
	return given_boot_name((enum given_boot)i);
}

static const char *
software_word(unsigned i)
{
	return given_software_name((enum given_software)i);
}

static const char *
outcome_word(unsigned i)
{
	static const char *const words[OUTCOME_COUNT] = {"quarantine", "restrict", "admit"};

	return i < OUTCOME_COUNT ? words[i] : NULL;
}

static const char *
next_word(unsigned i, const void *arg)
{
	return ((const struct words *)arg)->name(i);
}

/* The number of a word; false, with the nearest one told, if there is none. */
static bool
find_word(const struct load *l, const struct yaml_node *n, const struct words *w, unsigned *ret)
{
	const char *text = text_of(l, n), *near, *name;

	if (!text)
		return false;
	for (unsigned i = 0; (name = w->name(i)) != NULL; i++)
		if (strcmp(name, text) == 0) {
			*ret = i;
			return true;
		}
	near = yaml_nearest(text, next_word, w);
	yaml_error(l->errs, n->line, n->column, "\"%.64s\" is no %s%s%s%s", text, w->what,
		   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return false;
}

/* Facts that a test gives by what the device's record says of them. */
static bool
set_record(struct device_view *d, enum fact_id id, const struct policy_value *v)
{
	switch (id) {
	case FACT_EK_TRUSTED:
		d->ek.trusted = v->number != 0;
		return true;
	case FACT_EK_ALLOW_LISTED:
		d->ek.allow_listed = v->number != 0;
		return true;
	case FACT_EK_EXPIRED:
		d->ek.expired = v->number != 0;
		return true;
	case FACT_EK_ISSUER_EXPIRED:
		d->ek.issuer_expired = v->number != 0;
		return true;
	case FACT_EK_VIRTUAL_TPM:
		d->ek.virtual_tpm = v->number != 0;
		return true;
	case FACT_EK_WEAK:
		d->ek.weak = v->number != 0;
		return true;
	case FACT_DEVICE_NEW_AK:
		d->new_ak = v->number != 0;
		return true;
	default:
		return false;
	}
}

/* "boot.image[3]": the name without its index. */
static enum fact_id
fact_of(const char *key, struct fact_value *ret)
{
	size_t n = strcspn(key, "[");
	enum fact_id id = fact_by_instance(SPAN(key, strlen(key)), &ret->instance);

	ret->index = ret->event = ret->pcr = -1;
	if (id == FACT_NONE && key[n] == '[') {
		id = fact_by_instance(SPAN(key, n), &ret->instance);
		ret->index = (int32_t)strtol(key + n + 1, NULL, 10);
	}
	ret->id = id;
	return id;
}

static void
load_fact(const struct load *l, const struct yaml_node *n, struct given *g)
{
	struct fact_value *f = &g->facts[g->nfacts];
	const char *text = text_of(l, n);
	struct policy_value v;
	enum fact_id id;

	if (!text)
		return;
	if (g->nfacts == GIVEN_FACTS_MAX) {
		complain(l, n, "too many facts%s", NULL);
		return;
	}
	memset(f, 0, sizeof *f);
	id = fact_of(n->key, f);
	if (id == FACT_NONE) {
		complain(l, n, "unknown fact \"%.64s\"", n->key);
	} else if (!source_value(id, text, &v)) {
		complain(l, n, "not a value of this fact, which is %s",
			 fact_type_name(fact_info(id)->type));
	} else if (id == FACT_CHANNEL_BOUND) {
		g->bound = v.number != 0;
	} else if (id == FACT_EVIDENCE_OFFLINE) {
		g->offline = v.number != 0;
	} else if (id == FACT_EVIDENCE_AGE) {
		g->age = v.number;
	} else if (!set_record(&g->device, id, &v)) {
		f->number = v.number;
		f->text = v.text;
		f->digest = v.digest;
		g->nfacts++;
	}
}

static void
load_item(const struct load *l, const struct yaml_node *n, struct given *g)
{
	static const struct words states = {software_word, "state of an item"};
	struct given_item *it = &g->items[g->nitems];
	unsigned state = 0;

	if (g->nitems == GIVEN_ITEMS_MAX) {
		complain(l, n, "too many items%s", NULL);
		return;
	}
	memset(it, 0, sizeof *it);
	it->name = SPAN(n->key, strlen(n->key));
	g->nitems++;
	if (n->kind == YAML_KIND_SCALAR) {
		if (find_word(l, n, &states, &state))
			it->state = (enum given_software)state;
		return;
	}
	for EACH (l, c, n) {
		const char *text = text_of(l, c);

		if (!text || !c->key)
			continue;
		if (strcmp(c->key, "kind") == 0)
			it->kind = SPAN(text, strlen(text));
		else if (strcmp(c->key, "version") == 0)
			it->version = SPAN(text, strlen(text));
		else if (strcmp(c->key, "highest") == 0)
			it->highest = SPAN(text, strlen(text));
		else if (strcmp(c->key, "is") != 0)
			complain(l, c, "unknown key \"%.64s\" (is, kind, version, highest)",
				 c->key);
		else if (find_word(l, c, &states, &state))
			it->state = (enum given_software)state;
	}
}

static void
load_device(const struct load *l, const struct yaml_node *n, struct given *g)
{
	static const struct words tiers = {tier_word, "tier"};
	struct device_view *d = &g->device;
	unsigned tier = 0;

	for EACH (l, c, n) {
		const char *text = text_of(l, c);

		if (!text || !c->key)
			continue;
		if (strcmp(c->key, "class") == 0 && strlen(text) < sizeof d->class_name)
			text_format(d->class_name, sizeof d->class_name, "%s", text);
		else if (strcmp(c->key, "labels") == 0 && strlen(text) < sizeof d->labels)
			text_format(d->labels, sizeof d->labels, "%s", text);
		else if (strcmp(c->key, "tier") != 0)
			complain(l, c, "unknown key \"%.64s\"; there are class, labels, tier",
				 c->key);
		else if (find_word(l, c, &tiers, &tier))
			d->tier = (enum tier)tier;
	}
	if (!tier_has_tpm(d->tier))
		text_format(d->ek.reason, sizeof d->ek.reason, "none");
	if (policy_rank(l->info, d->class_name, d->labels) == 0)
		complain(l, n, "the policy does not judge such a device%s", NULL);
}

/* ---- a test ---- */

static void
load_findings(const struct load *l, const struct yaml_node *n, struct policy_test *t)
{
	t->has_findings = true;
	for EACH (l, c, n) {
		if (t->nfindings == POLICY_TEST_FINDINGS_MAX)
			complain(l, c, "too many findings%s", NULL);
		else if (c->kind != YAML_KIND_SCALAR || !c->text[0])
			complain(l, c, "a finding is a word, like policy.rule secure-boot%s", NULL);
		else
			t->findings[t->nfindings++] = c->text;
	}
}

static void
each_of(const struct load *l, const struct yaml_node *n, struct given *g,
	void (*load)(const struct load *, const struct yaml_node *, struct given *))
{
	if (n->kind != YAML_KIND_MAPPING)
		complain(l, n, "%s needs keys and values", n->key);
	else
		for EACH (l, c, n)
			load(l, c, g);
}

static void
load_key(const struct load *l, const struct yaml_node *c, struct policy_test *t)
{
	static const struct words boots = {boot_word, "result of comparing a boot"},
				  outcomes = {outcome_word, "outcome"};
	unsigned word = 0;

	if (strcmp(c->key, "name") == 0)
		t->name = text_of(l, c);
	else if (strcmp(c->key, "case") == 0)
		t->case_file = text_of(l, c);
	else if (strcmp(c->key, "given") == 0)
		each_of(l, c, &t->given, load_fact);
	else if (strcmp(c->key, "software") == 0)
		each_of(l, c, &t->given, load_item);
	else if (strcmp(c->key, "device") == 0)
		load_device(l, c, &t->given);
	else if (strcmp(c->key, "findings") == 0)
		load_findings(l, c, t);
	else if (strcmp(c->key, "boot") == 0 && find_word(l, c, &boots, &word))
		t->given.boot = (enum given_boot)word;
	else if (strcmp(c->key, "expect") == 0 && find_word(l, c, &outcomes, &word))
		t->expect = (enum outcome)word;
	else if (strcmp(c->key, "boot") != 0 && strcmp(c->key, "expect") != 0)
		yaml_error(l->errs, c->key_line, c->key_column,
			   "unknown key \"%.64s\"; there are name, expect, findings, and case, or "
			   "boot, device, given and software", c->key);
}

static void
load_test(const struct load *l, const struct yaml_node *n, struct policy_test *t)
{
	t->line = n->line;
	given_clear(&t->given, l->info);
	if (n->kind != YAML_KIND_MAPPING) {
		complain(l, n, "a test has keys and values%s", NULL);
		return;
	}
	for EACH (l, c, n)
		load_key(l, c, t);
	if (!t->name)
		complain(l, n, "key \"name\" is missing%s", NULL);
	if (!yaml_find(l->doc, n, "expect"))
		complain(l, n, "key \"expect\" is missing: admit, restrict or quarantine%s", NULL);
}

bool
policy_tests_load(const struct yaml_doc *doc, const struct policy_info *info,
		  struct policy_tests *ret, struct yaml_errors *errs)
{
	struct load l = {doc, errs, info};
	const struct yaml_node *list = yaml_find(doc, &doc->nodes[0], "tests");
	unsigned before = errs->count, i = 0;

	memset(ret, 0, sizeof *ret);
	if (!list || list->kind != YAML_KIND_SEQUENCE || list->children == 0 ||
	    list->children > POLICY_TESTS_MAX || doc->nodes[0].children != 1) {
		yaml_error(errs, 1, 1, "a file of tests has one key, \"tests\", a list of 1 to "
				       "%d tests", POLICY_TESTS_MAX);
		return false;
	}
	ret->v = calloc(list->children, sizeof *ret->v);
	if (!ret->v)
		return false;
	for EACH (&l, n, list)
		load_test(&l, n, &ret->v[i++]);
	ret->n = i;
	if (errs->count == before)
		return true;
	policy_tests_free(ret);
	return false;
}

void
policy_tests_free(struct policy_tests *t)
{
	free(t->v);
	t->v = NULL;
	t->n = 0;
}
