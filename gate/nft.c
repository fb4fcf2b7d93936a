/* nft.c: see nft.h. */
#include "nft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>

#define WHY_MAX 400
#define NEAR_END_S 3 /* an element so near its end may be gone already */
#define SLACK_S 2    /* whole seconds here, and whole seconds there */

struct nft {
	struct nft_ctx *ctx;
	const struct gate_config *config;
	char why[WHY_MAX];
};

struct nft *
nft_open(const struct gate_config *c)
{
	struct nft *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->config = c;
	n->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!n->ctx || nft_ctx_buffer_output(n->ctx) != 0 || nft_ctx_buffer_error(n->ctx) != 0) {
		nft_close(n);
		return NULL;
	}
	return n;
}

void
nft_close(struct nft *n)
{
	if (!n)
		return;
	if (n->ctx)
		nft_ctx_free(n->ctx);
	free(n);
}

const char *
nft_why(const struct nft *n)
{
	return n->why;
}

enum assay_err
nft_run(struct nft *n, const char *text)
{
	nft_ctx_output_set_flags(n->ctx, 0);
	if (nft_run_cmd_from_buffer(n->ctx, text) == 0)
		return ASSAY_OK;
	snprintf(n->why, sizeof n->why, "%.*s", WHY_MAX - 1, nft_ctx_get_error_buffer(n->ctx));
	n->why[strcspn(n->why, "\n")] = '\0';
	return ASSAY_IO;
}

/* ---- what is there: the rules ---- */

/* The lines after the first, which has the name, without the probe's that it sleeps, and
 * without empty ones, which do not come out alike. */
static char *
without_name(const char *text, bool probe)
{
	static const char asleep[] = "\tflags dormant\n";
	const char *rest = strchr(text, '\n');
	char *ret, *to;

	if (!rest || (probe && strncmp(rest + 1, asleep, sizeof asleep - 1) != 0))
		return NULL;
	rest += probe ? sizeof asleep : 1;
	ret = to = malloc(strlen(rest) + 1);
	for (; ret && *rest; rest++)
		if (*rest != '\n' || (to > ret && to[-1] != '\n'))
			*to++ = *rest;
	if (ret)
		*to = '\0';
	return ret;
}

/* COMMAND on the table or its probe. */
static int
on_table(struct nft *n, const char *command, bool probe)
{
	char text[96];

	snprintf(text, sizeof text, "%s table %s %s", command, rules_family(n->config),
		 probe ? RULES_PROBE : RULES_TABLE);
	return nft_run_cmd_from_buffer(n->ctx, text);
}

char *
nft_rules(struct nft *n, bool probe)
{
	nft_ctx_output_set_flags(n->ctx, NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_STATELESS);
	if (on_table(n, "list", probe) != 0)
		return NULL;
	return without_name(nft_ctx_get_output_buffer(n->ctx), probe);
}

char *
nft_rules_expected(struct nft *n)
{
	struct text t = {.p = NULL};
	char *rules = NULL;

	rules_probe(n->config, &t);
	if (!t.failed && nft_run(n, t.p) == ASSAY_OK) {
		rules = nft_rules(n, true);
		if (on_table(n, "delete", true) != 0) {
			free(rules);
			rules = NULL;
		}
	}
	text_free(&t);
	return rules;
}

/* ---- what is there: the elements ---- */

/* The table as JSON; NULL: there is none, or it cannot be read. */
static json_t *
list_table(struct nft *n)
{
	json_t *doc;

	nft_ctx_output_set_flags(n->ctx, NFT_CTX_OUTPUT_JSON);
	if (on_table(n, "list", false) != 0)
		return NULL;
	doc = json_loads(nft_ctx_get_output_buffer(n->ctx), 0, NULL);
	return doc;
}

static bool
find_set(const char *name, enum record_outcome *ret_outcome, enum rules_set *ret_set)
{
	char buf[32];

	for (unsigned o = RECORD_QUARANTINE; o <= RECORD_ADMIT; o++)
		for (unsigned s = 0; s < RULES_SET_COUNT; s++)
			if (rules_set_name(o, s, buf) && strcmp(buf, name) == 0) {
				*ret_outcome = o;
				*ret_set = s;
				return true;
			}
	return false;
}

/* A value, or {"concat":[..]}, to the key's parts with blanks between. */
static bool
element_key(const json_t *val, char *ret, size_t cap)
{
	const json_t *parts = json_object_get(val, "concat"), *part;
	size_t i, n = 0;

	if (json_is_string(val))
		return (size_t)snprintf(ret, cap, "%s", json_string_value(val)) < cap;
	if (!json_is_array(parts))
		return false;
	json_array_foreach(parts, i, part)
	{
		if (!json_is_string(part))
			return false;
		n += (size_t)snprintf(ret + n, n < cap ? cap - n : 0, "%s%s", i ? " " : "",
				      json_string_value(part));
	}
	return n < cap;
}

/* {"elem":{"val":..,"timeout":..,"expires":..}}, or without time-out the value alone. */
static bool
take_element(const json_t *o, int64_t now, struct rules_element *e)
{
	const json_t *inner = json_object_get(o, "elem"), *left = json_object_get(inner, "expires");

	if (rules_set_lasts(e->set)) {
		e->until = RULES_LASTING;
		return !inner && element_key(o, e->key, sizeof e->key);
	}
	e->until = now + (int64_t)json_integer_value(left);
	return json_is_integer(left) &&
	       element_key(json_object_get(inner, "val"), e->key, sizeof e->key);
}

/* Every element of a set of the table. */
static enum assay_err
take_set(const json_t *set, int64_t now, struct rules_elements *ret)
{
	const json_t *list = json_object_get(set, "elem"), *o;
	const char *name = json_string_value(json_object_get(set, "name"));
	struct rules_element e = {.until = 0};
	size_t i;

	if (!name || !find_set(name, &e.outcome, &e.set))
		return ASSAY_MALFORMED;
	json_array_foreach(list, i, o)
	{
		if (!take_element(o, now, &e))
			return ASSAY_MALFORMED;
		rules_add(ret, &e);
	}
	return ret->failed ? ASSAY_NO_MEMORY : ASSAY_OK;
}

enum assay_err
nft_elements(struct nft *n, int64_t now, struct rules_elements *ret)
{
	json_t *doc = list_table(n), *o;
	enum assay_err e = doc ? ASSAY_OK : ASSAY_NOT_FOUND;
	size_t i;

	ret->n = 0;
	json_array_foreach(json_object_get(doc, "nftables"), i, o)
	{
		const json_t *set = json_object_get(o, "set");

		if (set && e == ASSAY_OK)
			e = take_set(set, now, ret);
	}
	json_decref(doc);
	rules_sort(ret);
	return e;
}

/* It should be there, and for no longer. */
static bool
is_wanted(const struct rules_elements *want, const struct rules_element *there)
{
	size_t low = 0, high = want->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = rules_order(&want->list[mid], there);

		if (c == 0)
			return there->until <= want->list[mid].until + SLACK_S;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

enum nft_holds
nft_compare(struct nft *n, const struct rules_elements *want, const char *rules, int64_t now)
{
	struct rules_elements there = {.list = NULL};
	char *seen = nft_rules(n, false);
	size_t least = 0;
	enum nft_holds r = NFT_CONFIRMED;

	if (!seen)
		return NFT_GONE;
	if (!rules || strcmp(seen, rules) != 0 || nft_elements(n, now, &there) != ASSAY_OK)
		r = NFT_DRIFTED;
	for (size_t i = 0; i < there.n && r == NFT_CONFIRMED; i++)
		if (!is_wanted(want, &there.list[i]))
			r = NFT_DRIFTED;
	for (size_t i = 0; i < want->n; i++)
		least += want->list[i].until > now + NEAR_END_S;
	if (there.n < least)
		r = NFT_DRIFTED;
	rules_elements_free(&there);
	free(seen);
	return r;
}

int
nft_watch(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	struct sockaddr_nl a = {.nl_family = AF_NETLINK};
	int group = NFNLGRP_NFTABLES;

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}
