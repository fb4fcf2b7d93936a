/* roots.c: see roots.h. */
#include "roots.h"

#include <string.h>

#define NAME_SIZE X509_NAME_HASH_SIZE
_Static_assert(ROOTS_KEY_SIZE == NAME_SIZE + 32, "a name hash and a SHA-256");

enum assay_err
roots_open(struct span image, struct roots *ret)
{
	struct roots opened = {.image = image};
	struct reader r;
	uint32_t size;

	if (image.n == 0) {
		*ret = opened;
		return ASSAY_OK;
	}
	rd_init(&r, image);
	if (!span_equal(rd_bytes(&r, 8), SPAN(ROOTS_MAGIC, 8)))
		return ASSAY_BAD_MAGIC;
	size = rd_be32(&r);
	opened.certs = rd_count(&r, rd_be32(&r), ROOTS_ENTRIES_MAX);
	opened.crls = rd_count(&r, rd_be32(&r), ROOTS_ENTRIES_MAX);
	(void)rd_bytes(&r, 12);
	(void)rd_bytes(&r, (size_t)ROOTS_RECORD_SIZE * (opened.certs + opened.crls));
	if (r.err != ASSAY_OK)
		return r.err;
	if (size != image.n)
		return ASSAY_MISMATCH;
	*ret = opened;
	return ASSAY_OK;
}

enum assay_err
roots_key(struct span name, struct span key_id, uint8_t ret[ROOTS_KEY_SIZE])
{
	enum assay_err e = x509_name_hash(name, ret);

	memset(ret + NAME_SIZE, 0, 32);
	if (e != ASSAY_OK || key_id.n == 0)
		return e;
	return digest_sha256(key_id, ret + NAME_SIZE);
}

/* A record of the image: its key bytes and a reader at what follows them. */
static struct span
record(const struct roots_search *s, uint32_t index, struct reader *ret_rest)
{
	struct span key;

	rd_init(ret_rest, s->roots->image);
	(void)rd_bytes(ret_rest,
		       ROOTS_HEADER_SIZE + (size_t)ROOTS_RECORD_SIZE * (s->base + index));
	key = rd_bytes(ret_rest, ROOTS_KEY_SIZE);
	return key;
}

static int
compare(const struct roots_search *s, uint32_t index, size_t n)
{
	struct reader rest;
	struct span key = record(s, index, &rest);

	if (key.n != ROOTS_KEY_SIZE)
		return -1;
	return memcmp(key.p, s->key, n); /* public: hashes of names */
}

/* The first record that is not less than the key in its first n bytes. */
static uint32_t
lower_bound(const struct roots_search *s, size_t n)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare(s, mid, n) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
start(struct span name, struct span key_id, struct roots_search *s)
{
	if (roots_key(name, key_id, s->key) != ASSAY_OK) {
		s->count = 0;
		return;
	}
	s->by_key_id = key_id.n > 0;
	s->matching = s->by_key_id;
	s->next = lower_bound(s, s->matching ? ROOTS_KEY_SIZE : NAME_SIZE);
}

void
roots_find_issuer(const struct roots *r, struct span name, struct span key_id,
		  struct roots_search *ret)
{
	*ret = (struct roots_search){.roots = r, .base = 0, .count = r->certs};
	start(name, key_id, ret);
}

void
roots_find_crl(const struct roots *r, struct span name, struct span key_id,
	       struct roots_search *ret)
{
	*ret = (struct roots_search){.roots = r, .base = r->certs, .count = r->crls};
	start(name, key_id, ret);
}

/* The next index of the phase that is running, or count. */
static uint32_t
advance(struct roots_search *s)
{
	while (s->next < s->count) {
		uint32_t i = s->next++;

		if (compare(s, i, s->matching ? ROOTS_KEY_SIZE : NAME_SIZE) != 0)
			return s->count;
		if (!s->matching && s->by_key_id && compare(s, i, ROOTS_KEY_SIZE) == 0)
			continue; /* was given in the first phase */
		return i;
	}
	return s->count;
}

static bool
entry_at(const struct roots_search *s, uint32_t index, struct roots_entry *ret)
{
	struct reader rest, content;
	uint32_t offset, length;

	(void)record(s, index, &rest);
	offset = rd_be32(&rest);
	length = rd_be32(&rest);
	ret->is_root = rd_be32(&rest) & ROOTS_FLAG_ROOT;
	rd_init(&content, s->roots->image);
	(void)rd_bytes(&content, offset);
	ret->der = rd_bytes(&content, length);
	return rest.err == ASSAY_OK && content.err == ASSAY_OK;
}

bool
roots_next(struct roots_search *s, struct roots_entry *ret)
{
	uint32_t i = advance(s);

	if (i == s->count && s->matching) {
		s->matching = false;
		s->next = lower_bound(s, NAME_SIZE);
		i = advance(s);
	}
	if (i >= s->count) {
		s->next = s->count;
		return false;
	}
	return entry_at(s, i, ret);
}
