/* policy_diff.c: see policy_diff.h. A leaf is a scalar in a mapping, or a list of
 * scalars; an entry is a mapping in a list (a rule, a workaround), known by its id. */
#include "policy_diff.h"

#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>

static const struct yaml_node *
parent_of(const struct yaml_doc *d, const struct yaml_node *n)
{
	return n->parent < 0 ? NULL : &d->nodes[n->parent];
}

static bool
in_sequence(const struct yaml_doc *d, const struct yaml_node *n)
{
	const struct yaml_node *p = parent_of(d, n);

	return p && p->kind == YAML_KIND_SEQUENCE;
}

static bool
is_entry(const struct yaml_doc *d, const struct yaml_node *n)
{
	return n->kind == YAML_KIND_MAPPING && in_sequence(d, n);
}

static bool
is_leaf(const struct yaml_doc *d, const struct yaml_node *n)
{
	if (n->kind == YAML_KIND_SEQUENCE)
		return n->first < 0 || d->nodes[n->first].kind == YAML_KIND_SCALAR;
	return n->kind == YAML_KIND_SCALAR && !in_sequence(d, n);
}

/* What an entry is called: its id or name, else its number. */
static void
entry_name(const struct yaml_doc *d, const struct yaml_node *n, char *ret, size_t cap)
{
	const struct yaml_node *id = yaml_find(d, n, "id");

	if (!id || !id->text)
		id = yaml_find(d, n, "name");
	if (id && id->text)
		text_escape(SPAN(id->text, strlen(id->text)), ret, cap);
	else
		text_format(ret, cap, "%u", n->index + 1);
}

/* "rules" is the list, "rule" one of them. */
static void
list_word(const char *key, char *ret, size_t cap)
{
	size_t n = strlen(key);

	text_format(ret, cap, "%.*s", (int)(n > 1 && key[n - 1] == 's' ? n - 1 : n), key);
}

/* Where a node stands: the names of what is around it, outermost first. */
static void
where_of(const struct yaml_doc *d, const struct yaml_node *n, char ret[POLICY_DIFF_WHERE])
{
	char part[POLICY_DIFF_WHERE], name[96], word[YAML_KEY_MAX + 1];

	ret[0] = '\0';
	for (const struct yaml_node *p = n; p && p->parent >= 0; p = parent_of(d, p)) {
		if (is_entry(d, p)) {
			const struct yaml_node *list = parent_of(d, p);

			entry_name(d, p, name, sizeof name);
			list_word(list->key ? list->key : "entry", word, sizeof word);
			text_format(part, sizeof part, "%s %s%s%.60s", word, name, *ret ? ", " : "",
				    ret);
			p = list;
		} else {
			text_format(part, sizeof part, "%s%s%.60s", p->key ? p->key : "",
				    *ret ? ", " : "", ret);
		}
		memcpy(ret, part, sizeof part);
	}
}

/* A scalar as it is, a list with commas. */
static void
value_of(const struct yaml_doc *d, const struct yaml_node *n, char ret[POLICY_DIFF_VALUE])
{
	size_t used = 0;

	ret[0] = '\0';
	if (n->kind == YAML_KIND_SCALAR) {
		text_escape(SPAN(n->text, strlen(n->text)), ret, POLICY_DIFF_VALUE);
		return;
	}
	for (int i = n->first; i >= 0 && used + 4 < POLICY_DIFF_VALUE; i = d->nodes[i].next) {
		const char *text = d->nodes[i].text ? d->nodes[i].text : "?";

		if (used) {
			text_format(ret + used, POLICY_DIFF_VALUE - used, ", ");
			used += 2;
		}
		text_escape(SPAN(text, strlen(text)), ret + used, POLICY_DIFF_VALUE - used);
		used += strlen(ret + used);
	}
	if (!used)
		text_format(ret, POLICY_DIFF_VALUE, "(nothing)");
}

/* All leaves of an entry, in one line. */
static void
entry_text(const struct yaml_doc *d, const struct yaml_node *n, char ret[POLICY_DIFF_VALUE])
{
	char value[POLICY_DIFF_VALUE];
	size_t used = 0;

	ret[0] = '\0';
	for (int i = n->first; i >= 0 && used + 4 < POLICY_DIFF_VALUE; i = d->nodes[i].next) {
		const struct yaml_node *c = &d->nodes[i];

		if (!is_leaf(d, c) || (c->key && strcmp(c->key, "id") == 0))
			continue;
		value_of(d, c, value);
		text_format(ret + used, POLICY_DIFF_VALUE - used, "%s%s %s", used ? ", " : "",
			    c->key ? c->key : "", value);
		used += strlen(ret + used);
	}
}

static const struct yaml_node *
counterpart(const struct yaml_doc *other, const struct yaml_doc *d, const struct yaml_node *n)
{
	char where[POLICY_DIFF_WHERE], there[POLICY_DIFF_WHERE];

	where_of(d, n, where);
	for (size_t i = 1; i < other->n; i++) {
		const struct yaml_node *o = &other->nodes[i];

		if (is_entry(d, n) != is_entry(other, o) || is_leaf(d, n) != is_leaf(other, o))
			continue;
		where_of(other, o, there);
		if (strcmp(where, there) == 0)
			return o;
	}
	return NULL;
}

/* Whether some entry around n is only in this file: then it is told as a whole. */
static bool
in_new_entry(const struct yaml_doc *other, const struct yaml_doc *d, const struct yaml_node *n)
{
	for (const struct yaml_node *p = parent_of(d, n); p; p = parent_of(d, p))
		if (is_entry(d, p) && !counterpart(other, d, p))
			return true;
	return false;
}

static int
outcome_rank(const char *word)
{
	static const char *const words[] = {"quarantine", "restrict", "report"};

	for (int i = 0; i < 3; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

static int
compare_outcomes(const char *before, const char *after)
{
	int a = outcome_rank(before), b = outcome_rank(after);

	return a < 0 || b < 0 || a == b ? 0 : b > a ? 1 : -1;
}

static void
fill_where(const struct yaml_doc *d, const struct yaml_node *n, struct policy_difference *ret)
{
	bool whole = is_entry(d, n);

	where_of(d, whole ? n : parent_of(d, n), ret->where);
	ret->key = whole ? NULL : n->key ? n->key : "";
}

/* n of b against what a has in its place. */
static void
compare(const struct yaml_doc *a, const struct yaml_doc *b, const struct yaml_node *n,
	struct policy_difference *ret)
{
	const struct yaml_node *was = counterpart(a, b, n);

	memset(ret, 0, sizeof *ret);
	fill_where(b, n, ret);
	if (is_entry(b, n)) {
		if (!was)
			entry_text(b, n, ret->after);
		return;
	}
	value_of(b, n, ret->after);
	if (was)
		value_of(a, was, ret->before);
	if (strcmp(ret->before, ret->after) == 0)
		ret->after[0] = ret->before[0] = '\0';
	else
		ret->milder = compare_outcomes(ret->before, ret->after);
}

static void
gone(const struct yaml_doc *a, const struct yaml_node *n, struct policy_difference *ret)
{
	memset(ret, 0, sizeof *ret);
	fill_where(a, n, ret);
	if (is_entry(a, n))
		entry_text(a, n, ret->before);
	else
		value_of(a, n, ret->before);
}

static void
walk(const struct yaml_doc *a, const struct yaml_doc *b, policy_diff_sink *sink, void *arg)
{
	struct policy_difference d;

	for (size_t i = 1; i < b->n; i++) {
		const struct yaml_node *n = &b->nodes[i];

		if ((!is_leaf(b, n) && !is_entry(b, n)) || in_new_entry(a, b, n))
			continue;
		compare(a, b, n, &d);
		if (*d.before || *d.after)
			sink(arg, &d);
	}
	for (size_t i = 1; i < a->n; i++) {
		const struct yaml_node *n = &a->nodes[i];

		if ((!is_leaf(a, n) && !is_entry(a, n)) || in_new_entry(b, a, n) ||
		    counterpart(b, a, n))
			continue;
		gone(a, n, &d);
		sink(arg, &d);
	}
}

bool
policy_diff(struct span a, struct span b, policy_diff_sink *sink, void *arg,
	    struct yaml_errors *errs)
{
	struct yaml_doc *da = malloc(sizeof *da), *db = malloc(sizeof *db);
	bool ok = da && db;

	if (!ok)
		yaml_error(errs, 0, 0, "out of memory");
	ok = ok && yaml_locate(a, da, errs) && yaml_locate(b, db, errs);
	if (ok)
		walk(da, db, sink, arg);
	free(da);
	free(db);
	return ok;
}
