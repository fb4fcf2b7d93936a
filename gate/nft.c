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

struct nft {
	struct nft_ctx *ctx;
	char why[WHY_MAX];
};

struct nft *
nft_open(void)
{
	struct nft *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
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

/* ---- what is there ---- */

/* The table as JSON; NULL: there is none, or it cannot be read. */
static json_t *
list_table(struct nft *n)
{
	json_t *doc;

	nft_ctx_output_set_flags(n->ctx, NFT_CTX_OUTPUT_JSON);
	if (nft_run_cmd_from_buffer(n->ctx, "list table " RULES_TABLE) != 0)
		return NULL;
	doc = json_loads(nft_ctx_get_output_buffer(n->ctx), 0, NULL);
	return doc;
}

static uint64_t
hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(1099511628211); /* FNV-1a: to notice */
	return h;
}

/* Counters count; the rest of a rule does not change. */
static void
strip_counters(json_t *rule)
{
	json_t *list = json_object_get(rule, "expr"), *e;
	size_t i;

	json_object_del(rule, "handle");
	json_array_foreach(list, i, e)
		if (json_object_get(e, "counter"))
			json_object_set_new(e, "counter", json_null());
}

static uint64_t
hash_rules(json_t *doc)
{
	uint64_t h = UINT64_C(14695981039346656037);
	json_t *list = json_object_get(doc, "nftables"), *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		json_t *rule = json_object_get(o, "rule"), *chain = json_object_get(o, "chain");
		char *text;

		if (!rule && !chain)
			continue;
		if (rule)
			strip_counters(rule);
		else
			json_object_del(chain, "handle");
		text = json_dumps(rule ? rule : chain, JSON_SORT_KEYS | JSON_COMPACT);
		if (text)
			h = hash_text(h, text);
		free(text);
	}
	return h ? h : 1;
}

uint64_t
nft_rules(struct nft *n)
{
	json_t *doc = list_table(n);
	uint64_t h = doc ? hash_rules(doc) : 0;

	json_decref(doc);
	return h;
}

static bool
find_set(const char *name, enum record_outcome *ret_outcome, enum rules_set *ret_set)
{
	static const enum record_outcome outcomes[] = {RECORD_ADMIT, RECORD_RESTRICT};
	char buf[32];

	for (unsigned o = 0; o < 2; o++)
		for (unsigned s = 0; s < RULES_SET_COUNT; s++)
			if (strcmp(rules_set_name(outcomes[o], (enum rules_set)s, buf), name) ==
			    0) {
				*ret_outcome = outcomes[o];
				*ret_set = (enum rules_set)s;
				return true;
			}
	return false;
}

/* {"elem":{"val":{"concat":[..]},"timeout":..}} to the key's parts with blanks between. */
static bool
element_key(const json_t *element, char *ret, size_t cap)
{
	const json_t *val = json_object_get(json_object_get(element, "elem"), "val");
	const json_t *parts = json_object_get(val, "concat"), *part;
	size_t i, n = 0;

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

static bool
is_wanted(const struct rules_elements *want, enum record_outcome o, enum rules_set s,
	  const char *key)
{
	size_t low = 0, high = want->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct rules_element *e = &want->list[mid];
		int c = e->outcome != o ? (e->outcome < o ? -1 : 1)
					: e->set != s ? (e->set < s ? -1 : 1) : strcmp(e->key, key);

		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* Every element that is there is wanted; *found counts them. */
static bool
only_wanted(const json_t *set, const struct rules_elements *want, size_t *found)
{
	const json_t *list = json_object_get(set, "elem"), *e;
	enum record_outcome o;
	enum rules_set s;
	size_t i;

	if (!find_set(json_string_value(json_object_get(set, "name")), &o, &s))
		return false;
	json_array_foreach(list, i, e)
	{
		char key[128];

		if (!json_object_get(json_object_get(e, "elem"), "timeout") ||
		    !element_key(e, key, sizeof key) || !is_wanted(want, o, s, key))
			return false;
		++*found;
	}
	return true;
}

enum nft_holds
nft_compare(struct nft *n, const struct rules_elements *want, uint64_t rules, int64_t now)
{
	json_t *doc = list_table(n), *o;
	enum nft_holds r = NFT_CONFIRMED;
	size_t i, found = 0, least = 0;

	if (!doc)
		return NFT_GONE;
	json_array_foreach(json_object_get(doc, "nftables"), i, o)
	{
		json_t *set = json_object_get(o, "set");

		if (set && !only_wanted(set, want, &found))
			r = NFT_DRIFTED;
	}
	for (i = 0; i < want->n; i++)
		least += want->list[i].until > now + NEAR_END_S;
	if (found < least || hash_rules(doc) != rules)
		r = NFT_DRIFTED;
	json_decref(doc);
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
