/* table.c: see table.h. */
#include "table.h"

#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t
monotonic(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec + 1; /* never 0 */
}

bool
table_open(struct table *t, const struct gate_config *config, bool dry_run)
{
	*t = (struct table){.config = config, .dry_run = dry_run, .holds = NFT_GONE};
	if (!dry_run)
		t->nft = nft_open(config);
	return dry_run || t->nft;
}

void
table_free(struct table *t)
{
	nft_close(t->nft);
	rules_elements_free(&t->put);
	free(t->rules);
	*t = (struct table){.config = NULL};
}

const char *
table_state(const struct table *t)
{
	static const char *const words[] = {
		[NFT_CONFIRMED] = "confirmed",
		[NFT_DRIFTED] = "drifted",
		[NFT_GONE] = "gone",
	};

	return t->adopted_at != 0 ? "adopted" : words[t->holds];
}

/* ---- putting ---- */

static bool
run(struct table *t, struct text *text)
{
	enum assay_err e = text->failed ? ASSAY_NO_MEMORY : nft_run(t->nft, text->p);

	text_free(text);
	if (e != ASSAY_OK)
		gate_say("rules", "error=\"%s\"",
			 e == ASSAY_IO ? nft_why(t->nft) : assay_err_text(e));
	return e == ASSAY_OK;
}

static const char *const families[] = {"inet", "bridge"};
#define FAMILIES (sizeof families / sizeof families[0])

static bool
is_there(struct nft *n, const char *family, const char *table)
{
	char text[96];

	(void)snprintf(text, sizeof text, "list table %s %s", family, table);
	return nft_run(n, text) == ASSAY_OK;
}

bool
table_shut(bool *ret_kept)
{
	struct table t = {.nft = nft_open(NULL)};
	bool shut = t.nft != NULL;

	*ret_kept = false;
	for (size_t i = 0; t.nft && i < FAMILIES; i++)
		*ret_kept = *ret_kept || is_there(t.nft, families[i], RULES_TABLE);
	for (size_t i = 0; t.nft && !*ret_kept && i < FAMILIES; i++) {
		struct text text = {.p = NULL};

		rules_shut(families[i], &text);
		/* a kernel without rules for bridges has no bridge mode either: told */
		shut = (run(&t, &text) || i > 0) && shut;
	}
	nft_close(t.nft);
	return shut;
}

/* Once the rules are there. Where it fails nothing is forwarded, which is told. */
static bool
end_shut(struct table *t)
{
	bool ok = true;

	for (size_t i = 0; i < FAMILIES; i++) {
		struct text text = {.p = NULL};

		if (!is_there(t->nft, families[i], RULES_SHUT))
			continue;
		text_put(&text, "delete table %s " RULES_SHUT "\n", families[i]);
		ok = run(t, &text) && ok;
	}
	return ok;
}

bool
table_close(struct table *t)
{
	struct text text = {.p = NULL};

	rules_table(t->config, &text);
	return run(t, &text) && end_shut(t);
}

static int
by_order(const void *a, const void *b)
{
	return rules_order(a, b);
}

/* Whether it is in the sorted list, as it was or better. */
static bool
is_still(const struct rules_elements *want, const struct rules_element *old)
{
	struct rules_element e = *old;

	for (unsigned o = old->outcome; want->n > 0 && o <= RECORD_ADMIT; o++) {
		e.outcome = o;
		if (bsearch(&e, want->list, want->n, sizeof e, by_order))
			return true;
	}
	return false;
}

/* What was in a set and is in none any more, or in a worse one: its connections end. */
static void
end_flows(const struct table *t, const struct rules_elements *want)
{
	for (size_t i = 0; i < t->put.n; i++) {
		const struct rules_element *old = &t->put.list[i];

		if (old->set != RULES_TO4 && old->set != RULES_TO6)
			continue;
		if (!is_still(want, old) && strchr(old->key, ' '))
			flows_end(t->config, strchr(old->key, ' ') + 1);
	}
}

static bool
same(const struct rules_elements *a, const struct rules_elements *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].until != b->list[i].until ||
		    rules_order(&a->list[i], &b->list[i]) != 0)
			return false;
	return true;
}

static bool
remember(struct table *t, const struct rules_elements *want)
{
	struct rules_element *list = realloc(t->put.list, (want->n + 1) * sizeof *list);

	if (!list)
		return false;
	t->put.list = list;
	t->put.n = want->n;
	t->put.cap = want->n + 1;
	if (want->n)
		memcpy(list, want->list, want->n * sizeof *list);
	return true;
}

/* One transaction; text: what it is to do before the elements. */
static bool
put(struct table *t, const struct rules_elements *want, int64_t now, struct text *text)
{
	t->adopted_at = 0;
	rules_batch(t->config, want, now, text);
	if (t->dry_run) {
		fputs(text->failed ? "" : text->p, stdout);
		fflush(stdout);
		text_free(text);
		return remember(t, want);
	}
	t->holds = NFT_DRIFTED;
	if (!run(t, text))
		return false;
	end_flows(t, want);
	if (!remember(t, want))
		return false;
	t->holds = NFT_CONFIRMED;
	t->anew = false;
	gate_say("applied", "elements=%zu", want->n);
	return true;
}

bool
table_put(struct table *t, const struct rules_elements *want, int64_t now)
{
	struct text text = {.p = NULL};

	if (t->adopted_at == 0 && !t->anew && same(want, &t->put))
		return true;
	return put(t, want, now, &text);
}

bool
table_has_ended(const struct table *t, int64_t now)
{
	for (size_t i = 0; i < t->put.n && t->adopted_at == 0; i++)
		if (t->put.list[i].until <= now)
			return true;
	return false;
}

bool
table_repair(struct table *t, const struct rules_elements *want, int64_t now)
{
	struct text text = {.p = NULL};

	rules_table(t->config, &text);
	return put(t, want, now, &text);
}

bool
table_check(struct table *t, int64_t now)
{
	if (t->dry_run)
		return true;
	t->holds = nft_compare(t->nft, &t->put, t->rules, now);
	if (t->holds == NFT_CONFIRMED)
		return true;
	t->drifts++;
	t->adopted_at = 0;
	gate_say("drift", "kernel=%s repairing=yes", table_state(t));
	return false;
}

/* ---- starting ---- */

static bool
adopt(struct table *t, int64_t now)
{
	char *there = nft_rules(t->nft, false);
	bool equal = there && strcmp(there, t->rules) == 0 &&
		     nft_elements(t->nft, now, &t->put) == ASSAY_OK;

	free(there);
	if (!equal) {
		t->put.n = 0;
		return false;
	}
	t->holds = NFT_CONFIRMED;
	t->adopted_at = monotonic();
	gate_say("adopted", "elements=%zu until_confirmed_s=%d", t->put.n, TABLE_ADOPTED_S);
	return true;
}

bool
table_start(struct table *t, int64_t now)
{
	if (t->dry_run)
		return true;
	t->rules = nft_rules_expected(t->nft);
	if (!t->rules) {
		gate_say("rules", "error=\"%s\"", nft_why(t->nft));
		return false;
	}
	if (adopt(t, now))
		return end_shut(t);
	t->holds = NFT_CONFIRMED;
	return table_close(t);
}

bool
table_adopted_too_long(const struct table *t)
{
	return t->adopted_at != 0 && monotonic() - t->adopted_at >= TABLE_ADOPTED_S;
}
