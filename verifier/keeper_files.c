/*
 * keeper_files.c: lists of files behind digests of software (manifests): asked of a device
 * when a digest is none that references know, and kept for a while by their own digest,
 * so that the next round, and a capture, need not ask again; see keeper_private.h.
 *
 * Bounded and in memory only: what was forgotten is asked for again. Keeper reads none of
 * it; that a list is the one behind a digest is seen by hashing it.
 */
#include "keeper_private.h"

#include "evidence/digest.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 64
#define KEPT_BYTES (16u << 20)

static struct kept {
	uint8_t digest[32];
	char device[DEVICE_ID_HEX + 1]; /* that had it last */
	uint8_t *p;
	size_t n;
	uint64_t used;
} kept[KEPT_MAX];
static size_t kept_bytes;
static uint64_t uses;

static struct kept *
find(const uint8_t digest[32])
{
	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (kept[i].p && span_equal(SPAN(kept[i].digest, 32), SPAN(digest, 32)))
			return &kept[i];
	return NULL;
}

static void
forget(struct kept *e)
{
	free(e->p);
	kept_bytes -= e->n;
	memset(e, 0, sizeof *e);
}

static struct kept *
longest_unused(void)
{
	struct kept *oldest = NULL;

	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (kept[i].p && (!oldest || kept[i].used < oldest->used))
			oldest = &kept[i];
	return oldest;
}

static struct kept *
free_place(void)
{
	for (unsigned i = 0; i < KEPT_MAX; i++)
		if (!kept[i].p)
			return &kept[i];
	return NULL;
}

/* A place, with room for so much: the longest unused go. */
static struct kept *
make_room(size_t n)
{
	struct kept *place = free_place();

	while (!place || n > KEPT_BYTES - kept_bytes) {
		place = longest_unused();
		if (!place)
			return NULL;
		forget(place);
	}
	return place;
}

static void
keep(const uint8_t digest[32], const char *device, struct span bytes)
{
	struct kept *e = find(digest);

	if (!e) {
		e = make_room(bytes.n);
		if (!e || keeper_copy(bytes, &e->p, &e->n) != ASSAY_OK)
			return;
		kept_bytes += e->n;
		memcpy(e->digest, digest, 32);
	}
	e->used = ++uses;
	memcpy(e->device, device, sizeof e->device);
}

static void
add(struct request *r, struct span bytes)
{
	if (r->nfiles == APPRAISAL_FILES_MAX)
		return;
	if (keeper_copy(bytes, &r->files[r->nfiles].p, &r->files[r->nfiles].n) == ASSAY_OK)
		r->nfiles++;
}

bool
keeper_files_offer(struct keeper *k, struct request *r, const struct verdict *v)
{
	const struct msg_need *n = &v->need;
	struct kept *e;

	(void)k;
	if (n->nwants != 1 || n->wants[0].kind != PART_FILES || r->nfiles == APPRAISAL_FILES_MAX)
		return false;
	memcpy(r->wanted, v->need_digest, sizeof r->wanted);
	e = find(r->wanted);
	if (!e)
		return false;
	e->used = ++uses;
	memcpy(e->device, r->device, sizeof e->device);
	add(r, SPAN(e->p, e->n));
	return true;
}

/* Nothing, or something else than was asked for, goes to the appraiser all the same: it
 * then does not ask again. */
void
keeper_files_parts(struct keeper *k, struct request *r, struct span bytes)
{
	uint8_t digest[32];

	(void)k;
	add(r, bytes);
	if (bytes.n != 0 && digest_sha256(bytes, digest) == ASSAY_OK &&
	    span_equal(SPAN(digest, 32), SPAN(r->wanted, 32)))
		keep(digest, r->device, bytes);
}

void
keeper_files_fill(struct appraisal_input *in, const struct request *r)
{
	in->nfiles = r->nfiles;
	for (unsigned i = 0; i < r->nfiles; i++)
		in->files[i] = SPAN(r->files[i].p, r->files[i].n);
}

void
keeper_files_release(struct request *r)
{
	for (unsigned i = 0; i < r->nfiles; i++)
		free(r->files[i].p);
	r->nfiles = 0;
}

void
keeper_files_of(const char *device, struct writer *w, size_t most)
{
	size_t start = w->len;

	for (unsigned own = 1; own < 3; own++) /* first its own, then what others share */
		for (unsigned i = 0; i < KEPT_MAX; i++) {
			bool is_own = strcmp(kept[i].device, device) == 0;

			if (kept[i].p && is_own == (own == 1) &&
			    kept[i].n + 4 <= most - (w->len - start))
				wr_be32_bytes(w, SPAN(kept[i].p, kept[i].n));
		}
}
